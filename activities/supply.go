package activities

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"time"

	"willcall/order"
	"willcall/pos"
	"willcall/postgres"
	"willcall/provider"
)

// SupplyType is the type of the inbox's rows about what the POS holds, which lie there under the name of the POS.
const SupplyType = "pos/supply"

// LookForTickets reads what the POS holds for the buyer of the invoice s.Invoice, and returns it as an event if the order does not
// know it. s.Lines are the lines that are on the invoice, in the order in which they were invoiced. It writes nothing to the POS.
// No invoice, or a void one, holds nothing.
func (a *Activities) LookForTickets(ctx context.Context, s Step) (Done, error) {
	return a.step(ctx, s, func(ctx context.Context, src Source) (Done, error) {
		stop := beating(ctx, nil)
		held, err := a.held(ctx, src, s.Invoice, s.Lines)
		stop()
		if err != nil {
			return Done{}, err
		}
		o, err := a.load(ctx, s.Order.ID)
		if err != nil {
			return Done{}, err
		}
		if o != nil && o.Facts.Supply != nil && sameSupply(o.Facts.Supply.Supply, held.Supply) {
			return Done{Ref: s.Invoice}, nil
		}
		e, err := a.storeSupply(ctx, src, s.Order, held, postgres.ViaReread)
		return Done{Ref: s.Invoice, Event: e}, err
	})
}

// storeSupply puts what the POS holds into the inbox, so that a person can see when it was seen. Its body names the time: the POS
// may hold tickets, then others, then the first again.
func (a *Activities) storeSupply(ctx context.Context, src Source, id order.Identity, h held, via postgres.Via) (*order.Event, error) {
	s, at, now := h.Supply, h.at, time.Now().UTC().Truncate(time.Microsecond)
	body, err := json.Marshal(struct {
		Type   string         `json:"type"`
		At     time.Time      `json:"at"`
		Order  order.Identity `json:"order"`
		Supply order.Supply   `json:"supply"`
	}{SupplyType, at, id, s})
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(body)
	stored, err := a.Inbox.Put(ctx, postgres.Webhook{
		ID: postgres.NewID(), Source: src.POSName, Provider: "pos", Type: SupplyType, Disposition: provider.Recorded, // the workflow has it from us
		OrderID: id.ID, ProviderOrderID: id.ProviderOrderID, Kind: id.Kind,
		DedupeKey: provider.DedupeKey(src.POSName, SupplyType, sum), BodySHA256: sum, Body: body, Via: via, ReceivedAt: now, Attempt: 1,
	})
	if err != nil {
		return nil, err
	}
	return &order.Event{ID: stored.ID, Type: SupplyType, At: at, Received: now, Supply: &s}, nil
}

func sameSupply(a, b order.Supply) bool {
	return a.Invoice == b.Invoice && a.Void == b.Void && slices.EqualFunc(a.Lines, b.Lines, func(a, b order.Supplied) bool {
		if len(a.Pages) == 0 && len(b.Pages) == 0 {
			a.Pages, b.Pages = nil, nil
		}
		return reflect.DeepEqual(a, b)
	})
}

// held is what the POS holds: what may be told of it, and the tickets themselves, which are buyer data.
type held struct {
	order.Supply
	at      time.Time                 // before anything was read: what comes after that is newer
	tickets map[string][]pos.Delivery // by order line, in the order in which they are delivered
}

// held reads the invoice and what is there for its buyer, and says which is of which line.
func (a *Activities) held(ctx context.Context, src Source, invoice string, lines []order.Line) (held, error) {
	none := held{Supply: order.Supply{Invoice: invoice}, at: time.Now().UTC().Truncate(time.Microsecond)}
	if invoice == "" {
		return none, nil
	}
	inv, err := src.POS.GetInvoice(ctx, invoice)
	if pos.ClassOf(err) == pos.NotFound || err == nil && inv.Voided {
		none.Void = true
		return none, nil
	}
	if err != nil {
		return none, err
	}
	deliveries, err := src.POS.GetDeliveries(ctx, invoice)
	if pos.ClassOf(err) == pos.NotFound || err == nil && len(deliveries) == 0 {
		return none, nil
	}
	if err != nil {
		return none, err
	}
	sold, unclear := invoiced(lines, inv.Lines)
	byLine := map[string][]pos.Delivery{}
	if unclear == "" {
		byLine, unclear = sorted(deliveries, lines, inv.Lines, sold)
	}
	out := held{Supply: none.Supply, at: none.at, tickets: map[string][]pos.Delivery{}}
	if unclear != "" { // of every line: any of the tickets may be its
		for _, l := range lines {
			out.Lines = append(out.Lines, order.Supplied{LineID: l.ID, Form: formOf(deliveries), Digest: digest(inOrder(deliveries, nil)), Unclear: unclear})
		}
		return out, nil
	}
	for _, l := range lines {
		if len(byLine[l.ID]) == 0 {
			continue
		}
		seats, err := a.seats(ctx, src, sold[l.ID], byLine[l.ID])
		if err != nil {
			return none, err
		}
		s, tickets := supplied(l, sold[l.ID], seats, byLine[l.ID])
		out.Lines, out.tickets[l.ID] = append(out.Lines, s), tickets
	}
	return out, nil
}

// invoiced finds the order lines on the invoice. Lines of one content were written one after the other; where the invoice has more
// of them than the order, which is whose cannot be told.
func invoiced(lines []order.Line, on []pos.InvoiceLine) (found map[string]pos.InvoiceLine, unclear string) {
	type content struct {
		inventory string
		quantity  int
		total     pos.Money
	}
	free := map[content][]pos.InvoiceLine{}
	for _, l := range on {
		if !l.Voided {
			c := content{l.InventoryID, l.Quantity, l.Total}
			free[c] = append(free[c], l)
		}
	}
	want := map[content]int{}
	of := func(l order.Line) content { return content{l.Inventory, l.Quantity, pos.Money(l.Amount())} }
	for _, l := range lines {
		want[of(l)]++
	}
	found = map[string]pos.InvoiceLine{}
	for _, l := range lines {
		c := of(l)
		if len(free[c]) < want[c] {
			return nil, fmt.Sprintf("the invoice has no line like line %s of the order", l.ID)
		}
		if len(free[c]) > want[c] {
			return nil, fmt.Sprintf("the invoice has %d lines like line %s of the order, and the order has %d", len(free[c]), l.ID, want[c])
		}
	}
	for _, l := range lines {
		c := of(l)
		found[l.ID], free[c] = free[c][0], free[c][1:]
	}
	return found, ""
}

// sorted says which delivery is of which order line. Those of lines that the order has no longer are left out.
func sorted(deliveries []pos.Delivery, lines []order.Line, on []pos.InvoiceLine, sold map[string]pos.InvoiceLine) (byLine map[string][]pos.Delivery, unclear string) {
	ours := map[string]string{} // order line by invoice line
	for id, l := range sold {
		ours[l.ID] = id
	}
	byLine = map[string][]pos.Delivery{}
	live := slices.DeleteFunc(slices.Clone(on), func(l pos.InvoiceLine) bool { return l.Voided })
	for i, d := range deliveries {
		of := func(l pos.InvoiceLine) bool { return l.ID == d.LineID }
		switch {
		case d.LineID != "":
		case len(d.TicketIDs) > 0 && slices.ContainsFunc(on, func(l pos.InvoiceLine) bool { return len(l.TicketIDs) > 0 }):
			of = func(l pos.InvoiceLine) bool {
				return !slices.ContainsFunc(d.TicketIDs, func(id string) bool { return !slices.Contains(l.TicketIDs, id) })
			}
		case len(live) == 1:
			of = func(l pos.InvoiceLine) bool { return l.ID == live[0].ID }
		default:
			return nil, fmt.Sprintf("delivery %d of %d names no line of the invoice", i+1, len(deliveries))
		}
		at := slices.IndexFunc(on, of)
		if at < 0 {
			return nil, fmt.Sprintf("delivery %d of %d is of no line of the invoice, or of several", i+1, len(deliveries))
		}
		if id, ok := ours[on[at].ID]; ok {
			byLine[id] = append(byLine[id], d)
		}
	}
	return byLine, ""
}

// seats are the seats of the tickets of an invoice line by id, read only if they are needed to read files.
func (a *Activities) seats(ctx context.Context, src Source, l pos.InvoiceLine, deliveries []pos.Delivery) (map[string]string, error) {
	if len(l.TicketIDs) != l.Quantity || !slices.ContainsFunc(deliveries, func(d pos.Delivery) bool { return d.Form == pos.FormFile }) {
		return nil, nil
	}
	group, err := src.POS.GetInventory(ctx, l.InventoryID)
	switch class := pos.ClassOf(err); {
	case class == pos.NotFound, class == pos.Unsupported: // a group may be gone once it is sold
		return nil, nil
	case err != nil:
		return nil, err
	}
	seats := map[string]string{}
	for _, t := range group.Tickets {
		seats[t.ID] = t.Seat
	}
	return seats, nil
}

// supplied says what is there for one line, and puts the deliveries into the order in which their pages count.
func supplied(l order.Line, on pos.InvoiceLine, seats map[string]string, deliveries []pos.Delivery) (order.Supplied, []pos.Delivery) {
	deliveries = inOrder(deliveries, on.TicketIDs)
	s := order.Supplied{LineID: l.ID, Form: formOf(deliveries), Digest: digest(deliveries)}
	switch s.Form {
	case order.FormMixed:
		s.Unclear = "some tickets are there in one form, some in another"
		return s, deliveries
	case order.FormFile:
		want, unclear := placeOf(l, on, seats)
		if unclear != "" {
			s.Unclear = unclear
			return s, deliveries
		}
		var files []ticketFile
		for _, d := range deliveries {
			files = append(files, ticketFile{d.MediaType, d.Content, d.TicketIDs})
		}
		got := findPages(files, want)
		s.Pages, s.Unclear, s.Ordered, s.Tickets = got.pages, got.unclear, got.ordered, len(got.pages)
		return s, deliveries
	case order.FormLink, order.FormTransfer:
		s.Unclear = wayOf(s.Form, deliveries)
	case order.FormParcel, order.FormWillCall:
	default:
		s.Unclear = "the POS delivers in a way that is not known here"
	}
	if s.Unclear == "" {
		s.Tickets = covered(l.Quantity, deliveries)
	}
	return s, deliveries
}

func formOf(deliveries []pos.Delivery) order.Form {
	for _, d := range deliveries {
		if d.Form != deliveries[0].Form {
			return order.FormMixed
		}
	}
	return order.Form(deliveries[0].Form)
}

// placeOf is what the line's pages must name. Where the order and the POS both name the seats they are the same, or the wrong
// tickets were sold.
func placeOf(l order.Line, on pos.InvoiceLine, seats map[string]string) (want place, unclear string) {
	want = place{quantity: l.Quantity, section: l.Section, row: l.Row}
	if len(on.TicketIDs) == l.Quantity {
		want.tickets = on.TicketIDs
	}
	var sold []string // by the POS, as want.tickets
	for _, id := range want.tickets {
		if seat := seats[id]; seat != "" {
			sold = append(sold, seat)
		}
	}
	if len(sold) != l.Quantity || !distinct(sold) { // not numbered
		sold = nil
	}
	if len(l.Seats) != l.Quantity || !distinct(l.Seats) {
		want.seats = sold
		return want, ""
	}
	want.seats = l.Seats
	if sold == nil {
		want.apart = want.tickets != nil
		return want, ""
	}
	var tickets []string
	for _, seat := range l.Seats {
		at := slices.IndexFunc(sold, func(s string) bool { return plain(s) == plain(seat) })
		if at < 0 {
			return want, "the POS has sold other seats than the order names"
		}
		tickets = append(tickets, want.tickets[at])
	}
	want.tickets = tickets
	return want, ""
}

func distinct(seats []string) bool {
	seen := map[string]bool{}
	for _, s := range seats {
		if plain(s) == "" || seen[plain(s)] {
			return false
		}
		seen[plain(s)] = true
	}
	return true
}

// wayOf says why the tickets cannot be told to be claimed, or transferred, in one way; "" if they can.
func wayOf(form order.Form, deliveries []pos.Delivery) string {
	link, via := wayTo(deliveries)
	for _, d := range deliveries {
		switch {
		case d.Via != via:
			return "the tickets are in several systems"
		case d.URL != link:
			return fmt.Sprintf("the tickets are behind several links, %d in all", len(deliveries))
		}
	}
	if u, err := url.Parse(link); form == order.FormLink && link == "" || link != "" && (err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http") {
		return "the link leads nowhere"
	}
	return ""
}

func wayTo(deliveries []pos.Delivery) (link, via string) { return deliveries[0].URL, deliveries[0].Via }

// covered counts the tickets that deliveries other than files are of: all of the line, unless they name theirs.
func covered(quantity int, deliveries []pos.Delivery) int {
	var tickets []string
	for _, d := range deliveries {
		if len(d.TicketIDs) == 0 {
			return quantity
		}
		tickets = append(tickets, d.TicketIDs...)
	}
	slices.Sort(tickets)
	return min(len(slices.Compact(tickets)), quantity)
}

// inOrder sorts deliveries, for a POS may list them now so, now so, and pages are counted over all of them: by the first of their
// tickets, then by name, in which numbers count as such, then by content.
func inOrder(deliveries []pos.Delivery, tickets []string) []pos.Delivery {
	first := func(d pos.Delivery) int {
		if len(d.TicketIDs) == 0 {
			return len(tickets) + 1
		}
		if i := slices.Index(tickets, d.TicketIDs[0]); i >= 0 {
			return i
		}
		return len(tickets)
	}
	return slices.SortedStableFunc(slices.Values(deliveries), func(a, b pos.Delivery) int {
		return cmp.Or(cmp.Compare(first(a), first(b)), slices.Compare(a.TicketIDs, b.TicketIDs), cmp.Compare(counting(a.Name), counting(b.Name)),
			cmp.Compare(digest([]pos.Delivery{a}), digest([]pos.Delivery{b})))
	})
}

// counting makes "ticket 10" come after "ticket 9".
func counting(name string) string {
	return pdfInt.ReplaceAllStringFunc(name, func(digits string) string {
		n, err := strconv.Atoi(digits)
		if err != nil {
			return digits
		}
		return fmt.Sprintf("%020d", n)
	})
}

// digest is of everything that would be delivered, in this order.
func digest(deliveries []pos.Delivery) string {
	h := sha256.New()
	for _, d := range deliveries {
		part(h, string(d.Form), d.MediaType, string(d.Content), d.URL, d.Via, d.Carrier, d.Tracking, strconv.Itoa(len(d.TicketIDs)))
		part(h, d.TicketIDs...)
	}
	return hex.EncodeToString(h.Sum(nil)[:12])
}

// part writes texts so that no others give the same bytes.
func part(h hash.Hash, texts ...string) {
	for _, s := range texts {
		_, _ = fmt.Fprintf(h, "%d:%s", len(s), s)
	}
}
