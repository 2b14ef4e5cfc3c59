package sim

import (
	"cmp"
	"fmt"
	"net/http"
	"strings"
)

// Sell books a paid invoice, customer included, as the reseller's own shop does: nobody calls the contract for it. A second sale
// under a reference that has a live invoice changes nothing and returns that one. A line counts one ticket unless it says how many;
// what is no longer in stock is sold all the same, for shops do oversell. The log has it with the method "SELL".
func (p *POS) Sell(externalReference, customerName string, lines ...POSInvoiceLine) POSInvoice {
	inv, outcome := p.sell(externalReference, customerName, lines)
	p.record(POSWrite{
		Method: "SELL", Path: "/v1/invoices", Reference: externalReference, Outcome: outcome, ID: inv.ID, Status: http.StatusCreated, Answered: true,
	})
	return inv
}

func (p *POS) sell(reference, customerName string, lines []POSInvoiceLine) (inv POSInvoice, outcome string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.expireHolds()
	for _, old := range p.invoices {
		if old.ExternalReference == reference && !old.Voided {
			return old.answered(), "unchanged"
		}
	}
	email := strings.ToLower(strings.ReplaceAll(customerName, " ", ".")) + "@example.com"
	c := &POSCustomer{ID: p.newID("cust_"), Name: customerName, Email: &email, Kind: "RETAIL", CreatedAt: p.stamp()}
	p.customers = append(p.customers, c)
	in := invoiceInput{ExternalReference: reference, CustomerID: c.ID, Payment: "PAID"}
	var taken []allocation
	for i, l := range lines {
		l.InventoryID = cmp.Or(l.InventoryID, fmt.Sprintf("shop-%s-%d", reference, i+1))
		l.Quantity = max(cmp.Or(l.Quantity, len(l.TicketIDs)), 1)
		in.Lines = append(in.Lines, l)
		a := allocation{from: &group{id: l.InventoryID}} // gone with the invoice
		if g := p.stock(l.InventoryID); g != nil {
			if got, gone := p.take(g, l.TicketIDs, l.Quantity, ticketSold); gone == nil {
				a = got
			}
		}
		taken = append(taken, a)
	}
	sold := p.addInvoice(in, taken)
	p.keepTaken(sold, taken)
	return sold.answered(), "created"
}
