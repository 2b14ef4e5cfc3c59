package vivenu

import (
	"cmp"
	"fmt"
	"strings"

	"willcall/order"
	"willcall/provider"
	"willcall/provider/wire"
)

// transaction reads a transaction and its tickets. Every time such a document arrives it is read whole, so that a poll makes
// up for any webhook that was lost.
func (m *message) transaction() error {
	t, err := m.standing()
	if err != nil {
		return err
	}
	var c identified
	if m.data.object("checkout", &c) && c.ID.ID() != "" {
		m.event.Refs = append(m.event.Refs, checkoutRef+c.ID.ID())
	}
	g, err := m.goods(t)
	switch {
	case err == nil:
		m.event.Snapshot = &order.Snapshot{
			APIID: m.out.OrderID, Buyer: order.Client, Show: order.Show{ID: wire.Cut(t.EventID.Text)}, Lines: g.lines, Free: g.free(t.RealPrice),
		}
		m.event.Lines = g.facts
		m.event.Refs = append(g.refs, m.event.Refs...)
		for _, word := range g.unknown {
			m.unknown(word)
		}
		m.paid(t, m.event.Snapshot.Free)
		// A sale that is through should have its tickets. Where a webhook was faster than they, its lines are those of the cart,
		// and the ids of the tickets are still to be had. What a re-read itself brought asks for no other, or there would be no end.
		m.event.Reread = len(g.refs) == 0 && m.event.Status == order.StatusAccepted && m.rule.typ != PolledTransaction
	case m.over:
		m.paid(t, false)
	case g.none && (len(t.Products.All) > 0 || len(t.Additional.All) > 0):
		m.out.Disposition = provider.Recorded // a sale of other goods alone
	default:
		return err
	}
	return nil
}

// partlyCancelled reads a transaction of which some tickets are gone. The document comes without tickets (public), so it does
// not tell which: its cart is as it was, and is left alone.
func (m *message) partlyCancelled() error {
	t, err := m.standing()
	if err != nil {
		return err
	}
	g, _ := m.cart("data.transaction.tickets", t.Tickets, t.Currency)
	m.paid(t, len(g.lines) > 0 && g.free(t.RealPrice))
	m.event.Part, m.event.Reread = !m.over, true
	return nil
}

// standing reads whose order it is and where that stands.
func (m *message) standing() (transaction, error) {
	m.sale()
	var t transaction
	if !m.data.object("transaction", &t) {
		return t, provider.Malformed("data.transaction", "want an object")
	}
	if m.out.OrderID = t.ID.ID(); m.out.OrderID == "" {
		return t, provider.Malformed("data.transaction._id", "want an id")
	}
	said, known := transactionStatus(t.Status)
	if !known {
		m.unknown(t.Status)
	}
	m.event.Status = stronger(m.rule.status, said)
	m.over = m.event.Status == order.StatusCancelled
	// An aborted transaction never had tickets that were worth anything.
	m.event.Revoked = m.rule.status == order.StatusCancelled || statusWord(t.Status) == "canceled"
	for _, i := range t.Cancellation.V.Items.All {
		m.event.Part = m.event.Part || i.CancelledAt.Given() && !m.over
	}
	return t, nil
}

// statusWord makes one of RESERVED-BY-SYSTEM, as the field has it, and RESERVED_BY_SYSTEM, as the document's text does.
func statusWord(s wire.Scalar) string { return strings.ReplaceAll(s.Word(), "_", "-") }

// transactionStatus maps the field status (public: the enumeration). NEW and RESERVED-BY-SYSTEM wait for the buyer.
func transactionStatus(s wire.Scalar) (order.Status, bool) {
	switch statusWord(s) {
	case "":
		return "", true
	case "new", "reserved-by-system":
		return order.StatusPending, true
	case "complete":
		return order.StatusAccepted, true
	case "aborted", "canceled":
		return order.StatusCancelled, true
	}
	return "", false
}

// stronger joins what the type says with what the document says: the document may have been written later than the event
// that it is sent for, so an end that either knows of counts.
func stronger(a, b order.Status) order.Status {
	rank := map[order.Status]int{
		order.StatusPending: 1, order.StatusAccepted: 2, order.StatusRejected: 3, order.StatusExpired: 4,
		order.StatusCancelled: 5, order.StatusCompleted: 6,
	}
	if rank[b] > rank[a] {
		return b
	}
	return a
}

// paid reads paymentStatus. Nobody pays for what is free, and vivenu leaves it AWAITING (public: the default).
func (m *message) paid(t transaction, free bool) {
	w := t.PaymentStatus.Word()
	m.event.Payment = payment(t.PaymentStatus)
	if free && m.event.Status == order.StatusAccepted && (w == "awaiting" || !t.PaymentStatus.Given()) {
		m.event.Payment = order.PaymentPaid
	}
}

// payment maps paymentStatus (public: the enumeration). POS and LOCAL are payments at the organiser's own till. An absent
// one says nothing.
func payment(s wire.Scalar) order.Payment {
	switch s.Word() {
	case "":
		if s.Given() {
			return order.PaymentUnknown
		}
		return ""
	case "received", "pos-received", "local-received", "external":
		return order.PaymentPaid
	case "awaiting", "pending", "local-pending", "local-awaiting":
		return order.PaymentAwaited
	case "failed":
		return order.PaymentFailed
	case "refund", "canceled", "pos-canceled", "dispute", "chargeback":
		return order.PaymentReturned
	}
	return order.PaymentUnknown
}

// goods are what an order is for.
type goods struct {
	lines   []order.Line
	facts   []order.LineFact
	refs    []string
	unknown []wire.Scalar // words of tickets
	none    bool          // the document lists no tickets at all
}

// free reports whether neither a ticket nor the whole costs anything. Without a price of the whole nobody knows.
func (g goods) free(whole wire.Scalar) bool {
	for _, l := range g.lines {
		if l.Unit.Minor != 0 {
			return false
		}
	}
	sum, err := price(whole, "")
	return err == nil && sum.Minor == 0
}

// goods reads the tickets, one line each, or where there are none yet the cart. A position that cannot be invoiced as it
// stands is an error.
func (m *message) goods(t transaction) (goods, error) {
	var list wire.List[ticket]
	if raw, ok := m.data["tickets"]; ok && (unmarshal(raw, &list) != nil || list.Wrong) {
		return goods{}, provider.Malformed("data.tickets", "want a list of tickets")
	}
	tickets := list.All
	switch {
	case len(tickets) > maxLines:
		return goods{}, provider.Malformed("data.tickets", "there are too many")
	case len(tickets) == 0:
		return m.cart("data.transaction.tickets", t.Tickets, t.Currency)
	}
	var g goods
	listed := map[string]bool{}
	for _, k := range tickets {
		listed[k.ID.ID()] = true
	}
	seen := map[string]bool{}
	for i, k := range tickets {
		path := fmt.Sprintf("data.tickets[%d]", i)
		// A ticket that took another's place after a transfer may stand beside it. It was paid for once: it is no line of its own.
		if id, origin := k.ID.ID(), k.OriginTicketID.ID(); id != "" && origin != "" && origin != id && listed[origin] && !seen[id] {
			seen[id] = true
			g.refs = append(g.refs, ticketRef+id)
			g.facts = append(g.facts, order.LineFact{LineID: origin, Became: id})
			if f, known := k.fact(id); !known {
				g.unknown = append(g.unknown, k.Status)
			} else if f.Ticket != "" {
				g.facts = append(g.facts, f)
			}
			continue
		}
		l, err := m.line(path, k, t.Currency)
		if err != nil {
			return g, err
		}
		if seen[l.ID] {
			return g, provider.Malformed(path+"._id", "another ticket has the same")
		}
		seen[l.ID] = true
		g.lines = append(g.lines, l)
		g.refs = append(g.refs, ticketRef+l.ID)
		if f, known := k.fact(l.ID); !known {
			g.unknown = append(g.unknown, k.Status)
		} else if f.Ticket != "" {
			g.facts = append(g.facts, f)
		}
	}
	return g, nil
}

func (m *message) line(path string, k ticket, currency wire.Scalar) (order.Line, error) {
	l := order.Line{ID: k.ID.ID(), ItemID: k.ID.ID(), Inventory: m.settings.group(k.TicketTypeID), Quantity: 1, Delivery: k.delivery()}
	if l.ID == "" {
		return l, provider.Malformed(path+"._id", "want an id")
	}
	var err error
	if l.Unit, err = price(k.RealPrice, cmp.Or(k.Currency.Text, currency.Text)); err != nil {
		return l, provider.Malformed(path+".realPrice", err.Error())
	}
	s := k.Seating.V
	l.Section = wire.Cut(cmp.Or(s.SectionName.Text, k.CategoryName.Text))
	l.Row = wire.Cut(s.RowName.Text)
	if seat := cmp.Or(s.SeatName.Text, k.Seat.Text); seat != "" {
		l.Seats = []string{wire.Cut(seat)}
	}
	return l, nil
}

// delivery maps deliveryType (public: the enumeration).
func (k ticket) delivery() order.Delivery {
	switch k.DeliveryType.Word() {
	case "":
		return ""
	case "virtual":
		return order.DeliveryETicket
	case "hard":
		return order.DeliveryShipped
	}
	return order.DeliveryOther
}

// cart reads the items of a cart, one line each. Their ids are marked, for the tickets that take their place have others.
func (m *message) cart(path string, items wire.List[cartItem], currency wire.Scalar) (goods, error) {
	switch n := len(items.All); {
	case items.Wrong:
		return goods{}, provider.Malformed(path, "want a list of tickets")
	case n == 0:
		return goods{none: true}, provider.Malformed(path, "it is missing or empty")
	case n > maxLines:
		return goods{}, provider.Malformed(path, "there are too many")
	}
	var g goods
	seen := map[string]bool{}
	for i, it := range items.All {
		l, err := m.position(fmt.Sprintf("%s[%d]", path, i), it, currency)
		if err != nil {
			return goods{}, err
		}
		if seen[l.ID] {
			return goods{}, provider.Malformed(fmt.Sprintf("%s[%d]._id", path, i), "another item has the same")
		}
		seen[l.ID] = true
		g.lines = append(g.lines, l)
	}
	return g, nil
}

func (m *message) position(path string, it cartItem, currency wire.Scalar) (order.Line, error) {
	l := order.Line{ItemID: it.ID.ID(), Inventory: m.settings.group(it.TicketTypeID)}
	if l.ItemID == "" {
		return l, provider.Malformed(path+"._id", "want an id")
	}
	l.ID = "item-" + l.ItemID
	var ok bool
	if l.Quantity, ok = it.Amount.Count(); !ok {
		return l, provider.Malformed(path+".amount", fmt.Sprintf("want a whole number from 1 to %d", wire.MaxQuantity))
	}
	var err error
	if l.Unit, err = price(it.Price, currency.Text); err != nil {
		return l, provider.Malformed(path+".price", err.Error())
	}
	s := it.Seating.V
	l.Section, l.Row = wire.Cut(s.SectionName.Text), wire.Cut(s.RowName.Text)
	if s.SeatName.Text != "" && l.Quantity == 1 { // the one seat of several tickets is not known to be any one's
		l.Seats = []string{wire.Cut(s.SeatName.Text)}
	}
	switch it.AsHardTicket.Word() {
	case "true":
		l.Delivery = order.DeliveryShipped
	case "false":
		l.Delivery = order.DeliveryETicket
	}
	return l, nil
}
