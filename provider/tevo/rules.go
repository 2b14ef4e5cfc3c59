package tevo

import (
	"maps"
	"slices"
	"strings"

	"willcall/order"
)

// rule is what an event type means to us.
type rule struct {
	shape  shape        // an order in place of an item is understood, too
	status order.Status // that the type itself asserts

	finalized bool // the item's etickets are with the buyer
	inHand    bool // the item's in-hand date has changed

	shipment order.ShipmentFact // what it says of the shipment, but for its id
	complete bool               // every line of the shipment is with the buyer

	news order.News // what it says of a performance, but for its id
}

// Polled is the event type of orders that we fetched ourselves; see [Synthesize]. Ticket Evolution never sends it.
const Polled = "order_polled"

var (
	accepted  = rule{shape: wholeOrder, status: order.StatusAccepted}
	rejected  = rule{shape: wholeOrder, status: order.StatusRejected}
	cancelled = rule{shape: wholeOrder, status: order.StatusCancelled}
	finalized = rule{shape: oneItem, finalized: true}
	inHand    = rule{shape: oneItem, inHand: true}
)

// rules has every event type that any public text names ("Order Notifications", sections 1 and 2, "Catalog Notifications",
// and the strings seen in the open), as operators see it. For the buyer's "Order Canceled" the string is not public: it takes
// both spellings, from both sides. "Proof of Transfer Uploaded" has no known string and so is unknown until one arrives; no
// text has a seller told that its own shipment left or came, so that this is unknown as well.
//
// Of most of the buyer's types the headings alone are stored. Assumption: they mean what their names say, and those about
// shipments have the body that the seller's samples have.
var rules = map[string]rule{
	"seller/order_created":           {shape: wholeOrder},
	"seller/fraud_response_received": {shape: wholeOrder},
	"seller/seller_accepted":         accepted,
	"seller/order_rejected":          rejected,
	"seller/order_canceled":          cancelled,
	"seller/order_cancelled":         cancelled,
	"seller/canceled":                cancelled,
	"seller/cancelled":               cancelled,
	"seller/etickets_finalized":      finalized,
	"seller/in-hand_updated":         inHand, // so on the wire, and alone in that
	"seller/in_hand_updated":         inHand,
	"seller/airbill_uploaded":        {shape: wholeShipment, shipment: order.ShipmentFact{AirbillReady: true}},
	"seller/delivery_updated":        {shape: wholeShipment, shipment: order.ShipmentFact{Changed: true}},

	"buyer/order_accepted":        accepted, // "Processing Orders"; elsewhere seller_accepted
	"buyer/seller_accepted":       accepted,
	"buyer/order_rejected":        rejected,
	"buyer/order_canceled":        cancelled,
	"buyer/order_cancelled":       cancelled,
	"buyer/canceled":              cancelled,
	"buyer/cancelled":             cancelled,
	"buyer/etickets_finalized":    finalized,
	"buyer/in-hand_updated":       inHand,
	"buyer/in_hand_updated":       inHand,
	"buyer/airbill_requested":     {shape: wholeShipment, shipment: order.ShipmentFact{AirbillAsked: true}},
	"buyer/airbill_generated":     {shape: wholeShipment, shipment: order.ShipmentFact{AirbillReady: true}},
	"buyer/delivery_shipped":      {shape: wholeShipment, shipment: order.ShipmentFact{Shipped: true}},
	"buyer/delivery_complete":     {shape: wholeShipment, shipment: order.ShipmentFact{Shipped: true}, complete: true},
	"buyer/delivery_reclassified": {shape: wholeShipment, shipment: order.ShipmentFact{Reclassified: true}},
	"buyer/delivery_updated":      {shape: wholeShipment, shipment: order.ShipmentFact{Changed: true}},

	"event_created": {},
	"event_updated": {news: order.News{Unsaid: true}},
	"event_deleted": {news: order.News{Off: true}},
}

// Types lists the types that are understood, sorted. Those of performers and venues are not among them: their strings are not
// public.
func Types() []string { return slices.Sorted(maps.Keys(rules)) }

// ruleFor is the rule of an order's webhook or poll. Letter case does not count, nor does which dash is written.
func ruleFor(kind order.Kind, eventType string) (rule, bool) {
	t := strings.ToLower(eventType)
	if t == Polled {
		return rule{shape: wholeOrder}, true
	}
	side := Recipient(kind) + "/"
	r, ok := rules[side+t]
	if !ok {
		r, ok = rules[side+strings.ReplaceAll(t, "-", "_")]
	}
	return r, ok
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
