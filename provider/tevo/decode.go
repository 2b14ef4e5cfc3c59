package tevo

import (
	"strings"
	"time"

	"willcall/order"
	"willcall/provider"
)

// Settings are what no webhook says.
type Settings struct {
	// Currency of all prices of the source, ISO 4217: Ticket Evolution names none.
	Currency string
}

// shape is what the body of an event type is.
type shape byte

const (
	wholeOrder    shape = 'O'
	wholeShipment shape = 'S'
	oneItem       shape = 'I' // an order in its place is understood, too
)

// rule is what an event type means to us.
type rule struct {
	shape    shape
	status   order.Status // that the type itself asserts
	recorded bool         // it says nothing that we model

	finalized bool // the item's etickets are with the buyer
	inHand    bool // the item's in-hand date has changed
	airbill   bool // the shipment's airbill can be fetched
	changed   bool // the shipment's recipient has changed
}

// Polled is the event type of orders that we fetched ourselves; see [Synthesize].
const Polled = "order_polled"

// ruleFor knows every event type that any public text names ("Order Notifications", sections 1 and 2, and the strings
// seen in the open). For the buyer's "Order Canceled" the string is not public: it takes both spellings, from both
// sides. "Proof of Transfer Uploaded" has no known string and so is unknown until one arrives.
func ruleFor(kind order.Kind, eventType string) (rule, bool) {
	t := strings.ReplaceAll(strings.ToLower(eventType), "-", "_") // the wire has "in-hand_updated"
	switch t {
	case Polled:
		return rule{shape: wholeOrder}, true
	case "seller_accepted":
		return rule{shape: wholeOrder, status: order.StatusAccepted}, true
	case "order_rejected":
		return rule{shape: wholeOrder, status: order.StatusRejected}, true
	case "order_canceled", "order_cancelled", "canceled", "cancelled":
		return rule{shape: wholeOrder, status: order.StatusCancelled}, true
	case "etickets_finalized":
		return rule{shape: oneItem, finalized: true}, true
	case "in_hand_updated":
		return rule{shape: oneItem, inHand: true}, true
	}
	if kind == order.Purchase {
		switch t {
		case "order_accepted": // "Processing Orders"; elsewhere seller_accepted
			return rule{shape: wholeOrder, status: order.StatusAccepted}, true
		case "airbill_requested", "airbill_generated", "delivery_reclassified", "delivery_updated", "delivery_shipped",
			"delivery_complete":
			return rule{recorded: true}, true
		}
		return rule{}, false
	}
	switch t {
	case "order_created", "fraud_response_received":
		return rule{shape: wholeOrder}, true
	case "airbill_uploaded":
		return rule{shape: wholeShipment, airbill: true}, true
	case "delivery_updated":
		return rule{shape: wholeShipment, changed: true}, true
	}
	return rule{}, false
}

// catalogue reports whether the event type is about the catalogue, which comes by the same URL (public: Catalog
// Notifications; "perfomer" is spelt so there). These webhooks concern no order.
func catalogue(eventType string) bool {
	for _, p := range []string{"event_", "performer_", "perfomer_", "venue_"} {
		if strings.HasPrefix(strings.ToLower(eventType), p) {
			return true
		}
	}
	return false
}

// Decode reads a webhook or what [Synthesize] made of a poll. It is a pure function of its arguments. The event's
// version is the body's updated_at, or d.Received where it has none; DedupeKey is always empty, for Ticket Evolution
// numbers nothing that it sends.
//
// A body in a state of cancellation, rejection or proposed cancellation is forwarded whatever the event type, even an
// unknown one, and even where its lines cannot be read: of all news it is the one that must not be lost. Other unknown
// types are no error.
//
// Every error is a [provider.ErrMalformed] that names the field and never its value; Decoded then still has the type, and
// what is known of order and side.
func Decode(d provider.Delivery, s Settings) (provider.Decoded, error) {
	f, err := parseForm(d.Body)
	out := provider.Decoded{Type: f.typ(), Disposition: provider.Quarantined}
	if err != nil {
		return out, err
	}
	if catalogue(f.eventType) {
		out.Disposition = provider.Recorded
		return out, nil
	}
	switch strings.ToLower(f.recipient) {
	case "seller":
		out.Kind = order.Sale
	case "buyer":
		out.Kind = order.Purchase
	default:
		out.Disposition = provider.Unknown
		return out, nil
	}
	var b body
	err = parseBody(f.body, &b)
	out.OrderID = orderID(f, &b)
	r, ok := ruleFor(out.Kind, f.eventType)
	if !ok || r.recorded {
		if status, _ := b.standing(out.Kind); err == nil && b.isOrder() && over(status) && out.OrderID != "" {
			r = rule{shape: wholeOrder}
		} else if r.recorded {
			out.Disposition = provider.Recorded
			return out, nil
		} else {
			out.Disposition = provider.Unknown
			return out, nil
		}
	}
	if err != nil {
		return out, err
	}
	if out.OrderID == "" {
		return out, malformed("order_group_id", "want an id")
	}
	e, err := decodeBody(&b, d, out.Kind, r, s)
	if err != nil {
		return out, err
	}
	e.Type = out.Type
	out.Disposition, out.Event = provider.Forward, &e
	return out, nil
}

// orderID is the order group: it alone is the same in the documents of both parties, and the left half of the order
// number "44442-147277". The form's field counts; where it is missing, an order body still tells.
func orderID(f form, b *body) string {
	if isID(f.groupID) {
		return f.groupID
	}
	if group, _, found := strings.Cut(b.OID.text, "-"); f.groupID == "" && found && isID(group) {
		return group
	}
	return ""
}

func decodeBody(b *body, d provider.Delivery, kind order.Kind, r rule, s Settings) (order.Event, error) {
	e := order.Event{ID: d.ID, At: d.Received, Received: d.Received}
	if b.UpdatedAt.given() {
		at, ok := b.UpdatedAt.moment()
		if !ok {
			return e, malformed("body.updated_at", "want a time")
		}
		e.At = at
	}
	if b.isOrder() {
		status, _ := b.standing(kind)
		if r.shape == wholeShipment && !over(status) {
			return e, malformed("body", "want a shipment, got an order")
		}
		return decodeOrder(b, e, kind, r, s)
	}
	switch r.shape {
	case wholeShipment:
		return decodeShipment(b, e, r)
	case oneItem:
		return decodeItem(b, e, r)
	}
	return e, malformed("body.oid", "want an order")
}

// decodeOrder reads an O body. Every time such a document arrives it is read whole, so that a poll makes up for any
// webhook that was lost.
func decodeOrder(b *body, e order.Event, kind order.Kind, r rule, s Settings) (order.Event, error) {
	said, unknown := b.standing(kind)
	substituted := kind == order.Purchase && said == order.StatusPending && b.BuyerState.word()+b.State.word() != ""
	_ = substituted
	e.Status, e.Unknown = agree(r.status, said, b.substituted(kind)), unknown
	class := b.buyerClass()
	if kind == order.Sale && class == order.Client {
		e.Fraud = fraud(b.FraudCheck)
	}
	snapshot, facts, err := decodeLines(b, e.At, s)
	if err != nil {
		if over(e.Status) {
			return e, nil
		}
		return e, err
	}
	snapshot.Buyer = class
	e.Snapshot, e.Lines = snapshot, facts
	if kind == order.Sale {
		for _, sh := range b.Shipments.all {
			if id := sh.ID.id(); id != "" && airbillReady(sh.Type, sh.Airbill) {
				e.Shipment = append(e.Shipment, order.ShipmentFact{ID: id, AirbillReady: true})
			}
		}
	}
	return e, nil
}

// buyerClass is Office for another broker or Ticket Evolution itself, and Client for whoever else: to hold an order for a
// fraud check that does not come is better than to pass one that was not checked. ("Processing Orders", Sales to TEvo, Sales
// to a Client)
func (b *body) buyerClass() order.BuyerClass {
	if b.Buyer.v.Type.word() == "office" {
		return order.Office
	}
	return order.Client
}

// fraud reads fraud_check_status. An absent one says nothing: the same order may be checked later, and sellers without the
// service never get one.
func fraud(s scalar) order.Fraud {
	switch s.word() {
	case "":
		if s.given() {
			return order.FraudUnknown
		}
		return ""
	case "pending":
		return order.FraudPending
	case "approved":
		return order.FraudApproved
	case "declined":
		return order.FraudDeclined
	}
	return order.FraudUnknown
}

func decodeShipment(b *body, e order.Event, r rule) (order.Event, error) {
	id := b.ID.id()
	if id == "" {
		return e, malformed("body.id", "want an id")
	}
	ready := r.airbill || airbillReady(b.Type, b.Airbill)
	e.Shipment = []order.ShipmentFact{{ID: id, AirbillReady: ready, Changed: r.changed}}
	return e, nil
}

// airbillReady reports whether a buyer has provided an airbill. Where there is none the samples have "" or
// "/airbills/original/missing.png".
func airbillReady(typ, airbill scalar) bool {
	return deliveryWord(typ) == "providedairbill" && airbill.kind == 's' && airbill.given() &&
		!strings.Contains(airbill.text, "missing.png")
}

// decodeItem reads an I body. No stored document has a sample of one; its fields are those of items in orders (public:
// the document's revision of 2016 names order_id, id, the link id and the url).
func decodeItem(b *body, e order.Event, r rule) (order.Event, error) {
	id := b.lineID()
	if id == "" {
		return e, malformed("body.order_item_id", "want an id")
	}
	f := order.LineFact{LineID: id}
	if r.finalized {
		f.Delivered = e.At
		if at, ok := b.EticketFinalizedAt.moment(); ok {
			f.Delivered = at
		}
	}
	if r.inHand {
		on, err := b.movedInHand(e.At)
		if err != nil {
			return e, err
		}
		f.InHandOn = on
	}
	if !f.Delivered.IsZero() || !f.InHandOn.IsZero() {
		e.Lines = []order.LineFact{f}
	}
	return e, nil
}

// movedInHand is the day that an in-hand webhook gives: the date, or today if it says no more than that the tickets are
// here now. Zero: neither, the date is open again.
func (b *body) movedInHand(now time.Time) (time.Time, error) {
	on := b.inHandOn()
	if !on.given() {
		if b.InHand.word() == "true" || b.TicketGroup.v.InHand.word() == "true" {
			return now.UTC().Truncate(24 * time.Hour), nil
		}
		return time.Time{}, nil
	}
	day, ok := on.day()
	if !ok {
		return time.Time{}, malformed("body.in_hand_on", "want a date")
	}
	return day, nil
}
