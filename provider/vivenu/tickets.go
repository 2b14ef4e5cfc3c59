package vivenu

import (
	"cmp"
	"fmt"

	"willcall/order"
	"willcall/provider"
	"willcall/provider/wire"
)

// The kinds of the names that an order has beside its own; see [order.Event].
const (
	ticketRef   = "ticket:"
	checkoutRef = "checkout:"
)

// fact is what the ticket's status says. An unknown word says nothing.
func (k ticket) fact(id string) (order.LineFact, bool) {
	f := order.LineFact{LineID: id}
	switch k.Status.Word() {
	case "":
		return f, true
	case "valid":
		f.Ticket = order.TicketValid
	case "invalid":
		f.Ticket = order.TicketInvalid
	case "reserved", "blank": // blank: nobody's yet
		f.Ticket = order.TicketReserved
	case "detailsrequired":
		f.Ticket = order.TicketDetails
	default:
		return f, false
	}
	f.TicketAt, _ = k.UpdatedAt.Moment()
	return f, true
}

// ticket reads one ticket on its own. A ticket that somebody got by a transfer has no transaction (public), but the ticket
// that it came from.
func (m *message) ticket() error {
	m.sale()
	var k ticket
	if !m.data.object("ticket", &k) {
		return provider.Malformed("data.ticket", "want an object")
	}
	id := k.ID.ID()
	if id == "" {
		return provider.Malformed("data.ticket._id", "want an id")
	}
	if err := m.owner("data.ticket", id, k); err != nil {
		return err
	}
	f, known := k.fact(id)
	if !known {
		m.unknown(k.Status)
	}
	if f.Ticket != "" {
		m.event.Lines = append(m.event.Lines, f)
	}
	if origin := k.OriginTicketID.ID(); origin != "" && m.out.OrderID == "" {
		m.event.Lines = append(m.event.Lines, order.LineFact{LineID: origin, Became: id})
	}
	return nil
}

// owner finds the order of a ticket, by its own id or by a name that it has.
func (m *message) owner(path, id string, k ticket) error {
	switch {
	case k.TransactionID.Given() && k.TransactionID.ID() == "":
		return provider.Malformed(path+".transactionId", "want an id")
	case !k.TransactionID.Given() && k.OriginTicketID.Given() && k.OriginTicketID.ID() == "":
		return provider.Malformed(path+".originTicketId", "want an id")
	}
	if m.out.OrderID = k.TransactionID.ID(); m.out.OrderID == "" {
		m.out.Concern = ticketRef + cmp.Or(k.OriginTicketID.ID(), id)
	}
	m.event.Refs = []string{ticketRef + id}
	return nil
}

// checkin reads ticket.checkin, of which the document has the heading alone; scan.created seems to have taken its place.
// Assumption: it has the ticket or the ticket's id.
func (m *message) checkin() error {
	m.sale()
	var k ticket
	var id wire.Scalar
	if !m.data.object("ticket", &k) || !k.ID.Given() {
		raw := m.data["ticketId"]
		if len(raw) == 0 || unmarshal(raw, &id) != nil || !id.Given() {
			m.out.Disposition = provider.Recorded
			return nil
		}
		k.ID = id
	}
	ticketID := k.ID.ID()
	if ticketID == "" {
		if id.Given() {
			return provider.Malformed("data.ticketId", "want an id")
		}
		return provider.Malformed("data.ticket._id", "want an id")
	}
	if err := m.owner("data.ticket", ticketID, k); err != nil {
		return err
	}
	m.event.Lines = []order.LineFact{{LineID: ticketID, Used: true}}
	return nil
}

// scan reads what happened at the door. Only who was let in has used the ticket.
func (m *message) scan() error {
	m.sale()
	var s scan
	if !m.data.object("scan", &s) {
		return provider.Malformed("data.scan", "want an object")
	}
	id := s.TicketID.ID()
	if id == "" {
		return provider.Malformed("data.scan.ticketId", "want an id")
	}
	m.out.Concern = ticketRef + id
	if s.Type.Word() == "checkin" && s.Result.Word() == "approved" {
		m.event.Lines = []order.LineFact{{LineID: id, Used: true}}
	}
	return nil
}

// transfer reads a change of hands. The order is found by the first of the tickets; that all of one transfer are of one order
// is an assumption. Nothing has happened to a ticket before the transfer is through.
func (m *message) transfer() error {
	m.sale()
	var t transfer
	if !m.data.object("ticketTransfer", &t) {
		return provider.Malformed("data.ticketTransfer", "want an object")
	}
	const path = "data.ticketTransfer.ticketIds"
	tickets := t.Outcome.V.Tickets
	first := ""
	switch {
	case t.TicketIDs.Wrong:
		return provider.Malformed(path, "want a list of ids")
	case len(t.TicketIDs.All) > 0:
		first = t.TicketIDs.All[0].ID()
	case len(tickets.All) > 0:
		first = tickets.All[0].OriginTicketID.ID()
	}
	if first == "" {
		return provider.Malformed(path, "want an id")
	}
	m.out.Concern = ticketRef + first
	if m.rule.typ != transferred {
		return nil
	}
	switch n := len(tickets.All); {
	case tickets.Wrong:
		return provider.Malformed("data.ticketTransfer.outcome.tickets", "want a list of tickets")
	case n > maxLines:
		return provider.Malformed("data.ticketTransfer.outcome.tickets", "there are too many")
	case n == 0:
		m.event.Reread = true // the tickets are somebody else's now, and the document does not say under which ids
	}
	for i, s := range tickets.All {
		old, id := s.OriginTicketID.ID(), s.TicketID.ID()
		at := fmt.Sprintf("data.ticketTransfer.outcome.tickets[%d]", i)
		if old == "" {
			return provider.Malformed(at+".originTicketId", "want an id")
		}
		if id == "" {
			return provider.Malformed(at+".ticketId", "want an id")
		}
		m.event.Lines = append(m.event.Lines, order.LineFact{LineID: old, Became: id})
		m.event.Refs = append(m.event.Refs, ticketRef+id)
	}
	return nil
}
