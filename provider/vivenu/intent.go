package vivenu

import (
	"strings"

	"willcall/order"
	"willcall/provider"
	"willcall/provider/wire"
)

// A purchase intent is an order of its own until it becomes a transaction. Both kinds of ids are vivenu's and could meet, so
// that of an intent is marked: with a dash in order ids, for that is what workflow ids are made of, and as the path in REST ids.
const (
	intentOrder = "purchase-intent-"
	intentPath  = "purchaseintents/"
)

// IntentOrderID is the order id of the purchase intent with the given id.
func IntentOrderID(id string) string { return intentOrder + id }

// IntentOf is the id of the purchase intent that an order id means; ok is false where it means a transaction.
func IntentOf(orderID string) (id string, ok bool) { return strings.CutPrefix(orderID, intentOrder) }

// APIID is [order.Snapshot.APIID] of an order, for whoever has no document that describes it yet.
func APIID(orderID string) string {
	if id, ok := IntentOf(orderID); ok {
		return intentPath + id
	}
	return orderID
}

// intent reads a purchase intent.
func (m *message) intent() error {
	m.sale()
	var p intent
	const path = "data.purchaseIntent"
	if !m.data.object("purchaseIntent", &p) {
		return provider.Malformed(path, "want an object")
	}
	id := p.ID.ID()
	if id == "" {
		return provider.Malformed(path+"._id", "want an id")
	}
	m.out.OrderID = IntentOrderID(id)
	said, unknown := p.standing()
	if unknown.Given() {
		m.unknown(unknown)
	}
	// What the type says of an end is more exact than the fields, which know no expiry.
	if m.event.Status = m.rule.status; !ended(m.rule.status) {
		m.event.Status = stronger(m.rule.status, said)
	}
	m.over = ended(m.event.Status)

	m.event.Intent = &order.Intent{Becomes: p.TransactionID.ID()}
	// A time that cannot be read is one that is not known: the end of an intent comes as a webhook, too.
	m.event.Intent.ExpiresAt, _ = p.ExpiresAt.Moment()
	if p.TransactionID.Given() && m.event.Intent.Becomes == "" && !m.over {
		return provider.Malformed(path+".transactionId", "want an id")
	}
	if c := p.Outcome.V.CheckoutID.ID(); c != "" {
		m.event.Refs = []string{checkoutRef + c}
	}
	g, err := m.cart(path+".tickets", p.Tickets, p.Currency)
	switch {
	case err == nil:
		m.event.Snapshot = &order.Snapshot{
			APIID: intentPath + id, Buyer: order.Client, Show: order.Show{ID: wire.Cut(p.EventID.Text)}, Lines: g.lines, Free: g.free(p.RealPrice),
		}
	case m.over:
	case g.none && (len(p.Products.All) > 0 || len(p.Additional.All) > 0):
		m.out.Disposition = provider.Recorded // of other goods alone
	default:
		return err
	}
	return nil
}

// ended reports whether a purchase intent in this status is past all doing.
func ended(s order.Status) bool {
	switch s {
	case order.StatusCompleted, order.StatusRejected, order.StatusCancelled, order.StatusExpired:
		return true
	}
	return false
}

// standing says where the fields have the intent, and the first word of them that no document has. Where neither says
// anything it waits for us.
func (p intent) standing() (s order.Status, unknown wire.Scalar) {
	s = order.StatusPending
	switch p.ApprovalStatus.Word() {
	case "", "awaiting":
	case "approved":
		s = order.StatusAccepted
	case "rejected":
		s = order.StatusRejected
	default:
		unknown = p.ApprovalStatus
	}
	switch p.Status.Word() {
	case "", "new":
	case "complete", "completed":
		s = order.StatusCompleted
	case "canceled", "cancelled":
		s = order.StatusCancelled
	default:
		unknown = p.Status
	}
	return s, unknown
}
