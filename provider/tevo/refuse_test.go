package tevo

import (
	"net/url"
	"reflect"
	"strings"
	"testing"

	"willcall/order"
	"willcall/provider"
	"willcall/provider/providertest"
)

// TestDecodeRefuses has one fault a case, and the field that is named for it.
func TestDecodeRefuses(t *testing.T) {
	t.Parallel()
	forms := samples(t)
	for _, c := range []struct{ fixture, patch, want string }{
		{"seller_order_created", `id = null`, "body.id: want an id"},
		{"seller_order_created", `id = true`, "body.id: want an id"},
		{"seller_order_created", `id = 147277.5`, "body.id: want an id"},
		{"seller_order_created", `id = "14/../7277"`, "body.id: want an id"},
		{"seller_order_created", `updated_at = "yesterday"`, "body.updated_at: want a time"},
		{"seller_order_created", `updated_at = "9999-12-31T23:59:59-23:00"`, "body.updated_at: want a time"},
		{"seller_order_created", `updated_at = "0001-01-01T00:00:00Z"`, "body.updated_at: want a time"},
		{"seller_order_created", `items = []`, "body.items: it is missing or empty"},
		{"seller_order_created", `items delete`, "body.items: it is missing or empty"},
		{"seller_order_created", `items = {"0": {}}`, "body.items: want a list of items"},
		{"seller_order_created", `items = [7]`, "body.items: want a list of items"},
		{"seller_order_created", `items.0 = null`, "body.items[0].order_item_id: want an id"},
		{"seller_order_created", `items.0.order_item_id = 1e400`, "body.items[0].order_item_id: want an id"},
		{"seller_order_created", `items.0.id = []`, "body.items[0].id: want an id"},
		{"seller_order_created", `items.0.price = null`, "body.items[0].price: it is missing"},
		{"seller_order_created", `items.0.price = ""`, "body.items[0].price: it is missing"},
		{"seller_order_created", `items.0 = {"id": 1, "quantity": 1}`, "body.items[0].price: it is missing"},
		{"seller_order_created", `items.0.price = 1e400`, "body.items[0].price: not an amount of money: want digits with at most one point"},
		{"seller_order_created", `items.0.price = "27.005"`, "body.items[0].price: not an amount of money: it is finer than the currency's minor unit"},
		{"seller_order_created", `items.0.price = "about 27"`, "body.items[0].price: not an amount of money: want digits with at most one point"},
		{"seller_order_created", `items.0.price = {"amount": 27}`, "body.items[0].price: not an amount of money: want digits with at most one point"},
		{"seller_order_created", `items.0.price = "-27.0"`, "body.items[0].price: it is negative"},
		{"seller_order_created", `items.0.quantity = 0`, "body.items[0].quantity: want a whole number from 1 to 10000"},
		{"seller_order_created", `items.0.quantity = -2`, "body.items[0].quantity: want a whole number from 1 to 10000"},
		{"seller_order_created", `items.0.quantity = 1.5`, "body.items[0].quantity: want a whole number from 1 to 10000"},
		{"seller_order_created", `items.0.quantity = 10001`, "body.items[0].quantity: want a whole number from 1 to 10000"},
		{"seller_order_created", `items.0.quantity = 1e400`, "body.items[0].quantity: want a whole number from 1 to 10000"},
		{"seller_order_created", `items.0.quantity = null`, "body.items[0].quantity: want a whole number from 1 to 10000"},
		{"seller_order_created", `items.1 := items.0`, "body.items[1].order_item_id: another item has the same"},
		{"seller_order_created", `items.0.quantity = "two"`, "body.items[0].quantity: want a whole number from 1 to 10000"},
		{"seller_airbill_uploaded", `id = null`, "body.id: want an id"},
		{"seller_airbill_uploaded", `oid = "44459-147294"`, "body: it is of another kind than the event type says"},
		{"seller_etickets_finalized", `order_item_id = {}`, "body.order_item_id: want an id"},
		{"seller_etickets_finalized", `order = {"id": 1}`, "body: it is of another kind than the event type says"},
		{"seller_in-hand_updated", `ticket_group.in_hand_on = "soon"`, "body.in_hand_on: want a date"},
		{"buyer_airbill_requested", `id = {}`, "body.id: want an id"},
		{"buyer_airbill_generated", `updated_at = "soon"`, "body.updated_at: want a time"},
		{"buyer_delivery_shipped", `oid = "44459-147295"`, "body: it is of another kind than the event type says"},
		{"buyer_delivery_reclassified", "order delete\norder_id = 147295", "body: it is of another kind than the event type says"},
		{"buyer_delivery_complete", `items = []`, "body.items: it is missing or empty"},
		{"buyer_delivery_complete", `items delete`, "body.items: it is missing or empty"},
		{"buyer_delivery_complete", `items = {"0": {}}`, "body.items: want a list of items"},
		{"buyer_delivery_complete", `items.1.id = 120152.5`, "body.items[1].id: want an id"},
		{"buyer_delivery_complete", `items.1 = null`, "body.items[1].id: want an id"},
		{"buyer_delivery_complete", `items.1.order_item_id = []`, "body.items[1].id: want an id"},
	} {
		out, err := Decode(delivery("1", with(t, forms[c.fixture], c.patch)), usd)
		providertest.Refused(t, c.fixture+" with "+c.patch, out, err, c.want)
		side, _, _ := strings.Cut(c.fixture, "_")
		if out.OrderID == "" || Recipient(out.Kind) != side || !strings.HasPrefix(out.Type, side+"/") {
			t.Errorf("%s with %s: got %+v; want type, order and side as far as they are known", c.fixture, c.patch, out)
		}
	}
	// An order in a list of 501 items is no order.
	form := with(t, forms["seller_order_created"], "items = ["+strings.Repeat("{},", maxLines)+"{}]")
	out, err := Decode(delivery("1", form), usd)
	providertest.Refused(t, "501 items", out, err, "body.items: there are too many")
	// A currency that is none must not pass for cents.
	out, err = Decode(delivery("1", forms["seller_order_created"]), Settings{Currency: "dollars"})
	providertest.Refused(t, "no currency", out, err, "body.items[0].price: not an amount of money: the currency must be three capital letters")
}

func TestDecodeWire(t *testing.T) {
	t.Parallel()
	order := url.QueryEscape(sample(t, "seller_order_created").Get("body"))
	for _, c := range []struct{ name, body, want string }{
		{"Empty", "", "event_type: it is missing"},
		{"NoForm", `{"event_type": "order_created"}`, "event_type: it is missing"},
		{"NotUTF8", "\xff\xfe=\xff&event_type=%ff", "event_type: it is missing"},
		{"BadEscape", "event_type=order_created&recipient=seller&order_group_id=1&body=%zz", "body: it is not form-encoded"},
		{"Twice", "event_type=order_created&event_type=order_rejected", "event_type: it is given twice"},
		{"NoBody", "event_type=order_created&recipient=seller&order_group_id=1", "body: it is missing"},
		{"EmptyBody", "event_type=order_created&recipient=seller&order_group_id=1&body=", "body: it is missing"},
		{"BlankBody", "event_type=order_created&recipient=seller&order_group_id=1&body=+%0a", "body: it is missing"},
		{"NullBody", "event_type=order_created&recipient=seller&order_group_id=1&body=null", "body: want a JSON object"},
		{"ListBody", "event_type=order_created&recipient=seller&order_group_id=1&body=[]", "body: want a JSON object"},
		{"TextBody", "event_type=order_created&recipient=seller&order_group_id=1&body=hello", "body: want a JSON object"},
		{"CutBody", "event_type=order_created&recipient=seller&order_group_id=1&body={\"id\":1", "body: it is not JSON"},
		{"TwoBodies", "event_type=order_created&recipient=seller&order_group_id=1&body={}{}", "body: it is not JSON"},
		{"DeepBody", "event_type=order_created&recipient=seller&order_group_id=1&body=" + `{"items":` + strings.Repeat("[", 200_000), "body: it is not JSON"},
		{"DeepUnread", "event_type=order_created&recipient=seller&order_group_id=1&body=" + `{"x":` + strings.Repeat("[", 20_000) + strings.Repeat("]", 20_000) + "}", "body: it is not JSON"},
		{"BodyNotUTF8", "event_type=order_created&recipient=seller&order_group_id=1&body={\"id\":\"%ff\"}", "body.id: want an id"},
		{"BodyOfNothing", "event_type=order_created&recipient=seller&order_group_id=1&body={}", "body.id: want an id"},
		{"ShipmentOfGarbage", "order_group_id=5&recipient=buyer&event_type=delivery_shipped&body={", "body: it is not JSON"},
		{"NoGroup", "event_type=order_created&recipient=seller&body={}", "order_group_id: want an id"},
		{"BadGroup", "event_type=order_created&recipient=seller&order_group_id=a/b&body=" + order, "order_group_id: want an id"},
	} {
		out, err := Decode(provider.Delivery{Body: []byte(c.body), Received: received}, usd)
		providertest.Refused(t, c.name, out, err, c.want)
	}

	want := decoded(delivery("1", sample(t, "seller_order_created")))
	for name, body := range map[string]string{
		"BlanksAsPercent":  "order_group_id=44442&recipient=seller&event_type=order_created&body=" + strings.ReplaceAll(order, "+", "%20"),
		"GroupFromOID":     "recipient=seller&event_type=order_created&body=" + order,
		"NamesTwice":       "order_group_id=44442&recipient=seller&event_type=order_created&body={\"state\":\"canceled\"," + order[len("%7B"):],
		"EventTwice":       "order_group_id=44442&event_id=1&event_id=2&event_id=%zz&recipient=seller&event_type=order_created&body=" + order,
		"OtherFields":      "order_group_id=44442&x=1&x=2&%zz=3&&recipient=seller&event_type=order_created&body=" + order,
		"UnescapedJSON":    "order_group_id=44442&recipient=seller&event_type=order_created&body=" + sample(t, "seller_order_created").Get("body"),
		"BlanksInFields":   "order_group_id=+44442+&recipient=seller&event_type=order_created%0d%0a&body=" + order,
		"EverythingEscape": "order_group_id=%34%34442&recipient=seller&%65vent_type=order%5fcreated&body=" + order,
	} {
		got := decoded(provider.Delivery{ID: "1", Body: []byte(body), Received: received})
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %s; want the same as without", name, providertest.Pretty(t, got))
		}
	}
}

func TestDecodeNeverRefusesWhatItDoesNotKnow(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, body string
		want       provider.Decoded
	}{
		{"TypeWithoutBody", "recipient=seller&event_type=x", provider.Decoded{Type: "seller/x", Disposition: provider.Unknown, Kind: order.Sale}},
		{"TypeWithGarbage", "order_group_id=5&recipient=buyer&event_type=x&body=%ff{", provider.Decoded{Type: "buyer/x", Disposition: provider.Unknown, OrderID: "5", Kind: order.Purchase}},
		{"NoRecipient", "order_group_id=5&event_type=order_created&body={}", provider.Decoded{Type: "order_created", Disposition: provider.Unknown}},
		{"Unprintable", "recipient=seller&event_type=a%00b%1b[31m", provider.Decoded{Type: "seller/ab[31m", Disposition: provider.Unknown, Kind: order.Sale}},
		{"Long", "recipient=seller&event_type=" + strings.Repeat("%c3%a9", 500), provider.Decoded{Type: "seller/" + strings.Repeat("é", 124), Disposition: provider.Unknown, Kind: order.Sale}},
		{"CatalogueWithGroup", "order_group_id=5&recipient=seller&event_type=venue_updated", provider.Decoded{Type: "seller/venue_updated", Disposition: provider.Recorded}},
		{"ShipmentOfTheOtherSide", "order_group_id=5&recipient=seller&event_type=delivery_shipped&body={", provider.Decoded{Type: "seller/delivery_shipped", Disposition: provider.Unknown, OrderID: "5", Kind: order.Sale}},
		{"EventOfTwo", "event_type=event_updated&event_id=5&event_id=6", provider.Decoded{Type: "event_updated", Disposition: provider.Recorded}},
		{"EventTwice", "event_type=event_updated&event_id=5&event_id=5&event_id=5", provider.Decoded{Type: "event_updated", Disposition: provider.Recorded}},
		{"EventOfPath", "event_type=event_deleted&event_id=../5", provider.Decoded{Type: "event_deleted", Disposition: provider.Recorded}},
		{"EventOfBadEscape", "event_type=event_updated&event_id=%zz&body={", provider.Decoded{Type: "event_updated", Disposition: provider.Recorded}},
		{"EventInBodyAlone", `event_type=event_updated&body={"id":5}`, provider.Decoded{Type: "event_updated", Disposition: provider.Recorded}},
		{"CancelledWithoutGroup", `order_group_id=a/b&recipient=seller&event_type=x&body={"oid":"a-1","state":"canceled"}`, provider.Decoded{Type: "seller/x", Disposition: provider.Unknown, Kind: order.Sale}},
	} {
		got, err := Decode(provider.Delivery{Body: []byte(c.body), Received: received}, usd)
		if err != nil || !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: got %+v, %v; want %+v", c.name, got, err, c.want)
		}
	}
}
