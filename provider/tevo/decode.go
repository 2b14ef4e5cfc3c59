package tevo

import (
	"strings"

	"willcall/order"
	"willcall/provider"
	"willcall/provider/wire"
)

// Settings are what no webhook says. The office id of Ticket Evolution itself (6) is not among them: every Office is
// spared the fraud check alike.
type Settings struct {
	// Currency of all prices of the source, ISO 4217: Ticket Evolution names none.
	Currency string
}

// Decode reads a webhook or what [Synthesize] made of a poll. It is a pure function of its arguments. The event's
// version is the body's updated_at, or d.Received where it has none. DedupeKey is empty, for Ticket Evolution numbers nothing
// that it sends, except for news of a performance without a version, which is told from other news by its time alone.
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
		return decodeNews(f, d, out), nil
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
	if !ok {
		status, _ := b.standing(out.Kind)
		if err != nil || b.shape() != wholeOrder || !over(status) || out.OrderID == "" {
			out.Disposition = provider.Unknown
			return out, nil
		}
		r = rule{shape: wholeOrder}
	}
	if err != nil {
		return out, err
	}
	if out.OrderID == "" {
		return out, provider.Malformed("order_group_id", "want an id")
	}
	e, err := decodeBody(&b, d, out.Kind, r, s)
	if err != nil {
		return out, err
	}
	e.Type = out.Type
	out.Disposition, out.Event = provider.Forward, &e
	return out, nil
}

// Peek says what d is without reading its body, where the form's other fields tell that it is for an order. Where ok is
// false only [Decode] knows; where it is true Decode gives the same type, order and side, or quarantines.
func Peek(d provider.Delivery) (dec provider.Decoded, ok bool) {
	f, err := parseFields(d.Body, func(v []byte) ([]byte, bool) { return v, true })
	if err != nil || len(f.body) == 0 || !wire.IsID(f.groupID) || catalogue(f.eventType) {
		return dec, false
	}
	kind, ok := map[string]order.Kind{"seller": order.Sale, "buyer": order.Purchase}[strings.ToLower(f.recipient)]
	if _, known := ruleFor(kind, f.eventType); !ok || !known {
		return dec, false
	}
	return provider.Decoded{Type: f.typ(), Disposition: provider.Forward, OrderID: f.groupID, Kind: kind}, true
}

// orderID is the order group: it alone is the same in the documents of both parties, and the left half of the order
// number "44442-147277". The form's field counts; where it is missing, an order body still tells.
func orderID(f form, b *body) string {
	if wire.IsID(f.groupID) {
		return f.groupID
	}
	if f.groupID == "" {
		return groupOf(b.OID)
	}
	return ""
}

func decodeBody(b *body, d provider.Delivery, kind order.Kind, r rule, s Settings) (order.Event, error) {
	e := order.Event{ID: d.ID, At: d.Received.UTC(), Received: d.Received.UTC()}
	found := b.shape()
	if found == unclear {
		found = r.shape
	}
	said, _ := b.standing(kind)
	ends := found == wholeOrder && over(agree(r.status, said, false))
	if at, ok := b.UpdatedAt.Moment(); ok {
		e.At = at
	} else if b.UpdatedAt.Given() && !ends {
		return e, provider.Malformed("body.updated_at", "want a time")
	}
	switch {
	case found == wholeOrder && (r.shape != wholeShipment || ends):
		return decodeOrder(b, e, kind, r, s)
	case found == wholeShipment && r.shape == wholeShipment:
		return decodeShipment(b, e, kind, r)
	case found == oneItem && r.shape == oneItem:
		return decodeItem(b, e, r)
	}
	return e, provider.Malformed("body", "it is of another kind than the event type says")
}
