package sim

import (
	"fmt"
	"slices"
	"strconv"
)

// Supplier returns a [SenderOptions.Supply] that does what people at a broker's do: it puts the tickets of an accepted sale of Ticket
// Evolution on the sale's invoice in p, and so has the event posted. The invoice is the live one whose external reference is
// reference followed by the order's group id; without one nothing is put, and the log says so.
//
// An Eticket has one PDF for each line, with a page for each ticket that names its seat where the order does. Every fourth group
// id has pages that name none all the same, so that a person must look. A WillCall is noted as such; anything else gets a link for
// an even order id and was transferred for an odd one.
func (p *POS) Supplier(reference string) func(TEvoOrder) {
	return func(o TEvoOrder) {
		o = o.filled()
		inv, ok := p.liveInvoice(reference + o.GroupID)
		if !ok {
			p.opts.Logger.Warn("pos simulator: tickets for no invoice", "reference", reference+o.GroupID)
			return
		}
		tickets, err := ticketsOf(o, inv)
		if err == nil {
			err = p.SetDeliveries(inv.ID, tickets)
		}
		if err != nil {
			p.opts.Logger.Warn("pos simulator: no tickets", "reference", inv.ExternalReference, "error", err)
		}
	}
}

// liveInvoice is the newest invoice with this reference that is not void.
func (p *POS) liveInvoice(reference string) (POSInvoice, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, inv := range slices.Backward(p.invoices) {
		if inv.ExternalReference == reference && !inv.Voided {
			return inv.copied(), true
		}
	}
	return POSInvoice{}, false
}

// ticketsOf is what a broker would hold for the buyer. Which line of the invoice is which item is told by quantity and price.
func ticketsOf(o TEvoOrder, inv POSInvoice) (all []POSDelivery, err error) {
	number, _ := strconv.Atoi(o.GroupID)
	free := slices.DeleteFunc(inv.Lines, func(l POSInvoiceLine) bool { return l.Voided })
	for _, it := range o.Items {
		total := it.total()
		at := slices.IndexFunc(free, func(l POSInvoiceLine) bool { return l.Quantity == it.Quantity && l.Total.Amount == total })
		if at < 0 {
			return nil, fmt.Errorf("sim: invoice %s has no line of %d tickets for %s", inv.ID, it.Quantity, total)
		}
		line := free[at].ID
		free = slices.Delete(free, at, at+1)
		switch {
		case o.Delivery == "Eticket":
			all = append(all, POSDelivery{Form: "file", LineID: line, Name: "tickets-" + line + ".pdf", MediaType: "application/pdf", Content: PDF(ticketTexts(it, number%4 == 0)...)})
		case o.Delivery == "WillCall":
			all = append(all, POSDelivery{Form: "will_call", LineID: line})
		case number%2 == 0:
			all = append(all, POSDelivery{Form: "link", LineID: line, URL: "https://claims.example.com/" + o.GroupID, Via: "Ticketmaster"})
		default:
			all = append(all, POSDelivery{Form: "transfer", LineID: line, Via: "Ticketmaster"})
		}
	}
	return all, nil
}

// ticketTexts are the texts of a line's tickets.
func ticketTexts(it TEvoItem, silent bool) (pages []string) {
	for i := range it.Quantity {
		page := fmt.Sprintf("Admit one, ticket %c", 'A'+i)
		if i < len(it.Seats) && !silent {
			page = fmt.Sprintf("Section %s Row %s Seat %s", it.Section, it.Row, it.Seats[i])
		}
		pages = append(pages, page)
	}
	return pages
}

// total is the price of all tickets of the item, as a POS writes it.
func (it TEvoItem) total() string {
	minor := it.PriceMinor * int64(it.Quantity)
	return fmt.Sprintf("%d.%02d", minor/100, minor%100)
}
