package tevo

import (
	"fmt"
	"strings"
	"time"

	"willcall/order"
	"willcall/provider"
	"willcall/provider/wire"
)

// decodeOrder reads an O body. Every time such a document arrives it is read whole, so that a poll makes up for any
// webhook that was lost.
func decodeOrder(b *body, e order.Event, kind order.Kind, r rule, s Settings) (order.Event, error) {
	said, unknown := b.standing(kind)
	e.Status, e.Unknown = agree(r.status, said, kind == order.Purchase && b.substituting()), unknown
	class := b.buyerClass()
	if kind == order.Sale && class == order.Client {
		e.Fraud = fraud(b.FraudCheck)
	}
	snapshot, facts, err := decodeLines(b, s, e.At)
	if err != nil {
		if over(e.Status) {
			return e, nil
		}
		return e, err
	}
	snapshot.Buyer = class
	e.Snapshot, e.Lines = snapshot, facts
	for _, sh := range b.Shipments.All {
		f := order.ShipmentFact{ID: sh.ID.ID(), Shipped: sh.State.Word() == stateInTransit}
		if kind == order.Sale && f.Shipped {
			f.Lines = lineIDs(sh.Items.All)
		}
		f.AirbillReady = kind == order.Sale && airbillReady(sh.Type, sh.Airbill)
		if f.ID != "" && (f.Shipped || f.AirbillReady) {
			e.Shipment = append(e.Shipment, f)
		}
	}
	return e, nil
}

// lineIDs are the lines that a shipment says it holds. One that cannot be read is not said to be on its way.
func lineIDs(items []item) (ids []string) {
	for _, it := range items {
		if id := it.lineID(); id != "" {
			ids = append(ids, id)
		}
	}
	return ids
}

// stateInTransit is the state of a shipment (public: Shipments/Status) that a carrier has.
const stateInTransit = "in_transit"

// delivered reports whether the buyer has what a shipment in this state holds. The list of states has delivered, beside pending,
// in_transit, in_exception, returned and canceled; the text on Shipments/Complete speaks of a completed state as well (both
// public). Assumption: either is said of what its buyer has, and of nothing else.
func delivered(state wire.Scalar) bool {
	w := state.Word()
	return w == "delivered" || w == "completed" || w == "complete"
}

// buyerClass is Office for another broker or Ticket Evolution itself, and Client for whoever else: to hold an order for a
// fraud check that does not come is better than to pass one that was not checked. ("Processing Orders", Sales to TEvo, Sales
// to a Client)
func (b *body) buyerClass() order.BuyerClass {
	if b.Buyer.V.Type.Word() == "office" {
		return order.Office
	}
	return order.Client
}

// fraud reads fraud_check_status. An absent one says nothing: the same order may be checked later, and sellers without the
// service never get one.
func fraud(s wire.Scalar) order.Fraud {
	switch s.Word() {
	case "":
		if s.Given() {
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

// decodeShipment reads an S body.
func decodeShipment(b *body, e order.Event, kind order.Kind, r rule) (order.Event, error) {
	f := r.shipment
	if f.ID = b.ID.ID(); f.ID == "" {
		return e, provider.Malformed("body.id", "want an id")
	}
	// What a buyer has provided is our own airbill where we bought: there is nothing to fetch.
	f.AirbillReady = f.AirbillReady || kind == order.Sale && airbillReady(b.Type, b.Airbill)
	f.Shipped = f.Shipped || b.State.Word() == stateInTransit
	if kind == order.Sale && f.Shipped {
		f.Lines = lineIDs(b.Items.All)
	}
	e.Shipment = []order.ShipmentFact{f}
	if !r.complete && !delivered(b.State) {
		return e, nil
	}
	// Assumption: a line travels in one shipment, so that all of it has come. A shipment without lines would leave the order
	// waiting for tickets that are here, which a person must hear.
	items, err := b.listed()
	if err != nil {
		return e, err
	}
	for i, it := range items {
		id := it.lineID()
		if id == "" {
			return e, provider.Malformed(fmt.Sprintf("body.items[%d].id", i), "want an id")
		}
		e.Lines = append(e.Lines, order.LineFact{LineID: id, Delivered: e.At})
	}
	return e, nil
}

// airbillReady reports whether a buyer has provided an airbill. Where there is none the samples have "" or
// "/airbills/original/missing.png".
func airbillReady(typ, airbill wire.Scalar) bool {
	return deliveryWord(typ) == "providedairbill" && airbill.Kind == 's' && airbill.Given() &&
		!strings.Contains(airbill.Text, "missing.png")
}

// decodeItem reads an I body. No stored document has a sample of one; its fields are those of items in orders (public:
// the document's revision of 2016 names order_id, id, the link id and the url).
func decodeItem(b *body, e order.Event, r rule) (order.Event, error) {
	id := b.lineID()
	if id == "" {
		return e, provider.Malformed("body.order_item_id", "want an id")
	}
	f := order.LineFact{LineID: id}
	if r.finalized {
		f.Delivered = e.At
		if at, ok := b.EticketFinalizedAt.Moment(); ok {
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
	if !on.Given() {
		if b.InHand.Word() == "true" || b.TicketGroup.V.InHand.Word() == "true" {
			return now.UTC().Truncate(24 * time.Hour), nil
		}
		return time.Time{}, nil
	}
	day, ok := on.Day()
	if !ok {
		return time.Time{}, provider.Malformed("body.in_hand_on", "want a date")
	}
	return day, nil
}
