package tevo

import (
	"bytes"
	"encoding/json"
	"net/url"
	"strings"

	"willcall/order"
	"willcall/provider/wire"
)

// Recipient is the form field recipient for our side of an order.
func Recipient(kind order.Kind) string {
	if kind == order.Purchase {
		return "buyer"
	}
	return "seller"
}

// Synthesize puts an order that we fetched (the JSON of Orders/Show, or one element of Orders/Index) into the form of a
// webhook with the event type [Polled], so that polls and re-reads enter by the same inbox and are decoded, deduplicated
// and audited as webhooks are. groupID is the left half of the order number, see [Order.GroupID]; it may be empty if the
// order has its oid.
//
// Equal orders give equal bytes, whatever the order of their keys, so that the inbox takes an unchanged order once. What
// is not JSON is passed on as it is and left to [Decode] to refuse.
func Synthesize(raw json.RawMessage, recipient, groupID string) []byte {
	return []byte(url.Values{
		"order_group_id": {groupID},
		"recipient":      {recipient},
		"event_type":     {Polled},
		"body":           {string(canonical(raw))},
	}.Encode())
}

// canonical writes JSON with sorted keys and without blanks, every number as it was.
func canonical(raw []byte) []byte {
	if !json.Valid(raw) {
		return raw
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		return raw
	}
	out, err := json.Marshal(v)
	if err != nil {
		return raw
	}
	return out
}

// groupOf is the left half of an order number such as "44442-147277", "" if there is none.
func groupOf(oid wire.Scalar) string {
	group, _, found := strings.Cut(oid.Text, "-")
	if !found || !wire.IsID(group) {
		return ""
	}
	return group
}
