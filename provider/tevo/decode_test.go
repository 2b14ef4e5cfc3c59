package tevo

import (
	"errors"
	"fmt"
	"net/url"
	"reflect"
	"strings"
	"testing"

	"willcall/order"
	"willcall/provider"
)

func TestDecode(t *testing.T) {
	t.Parallel()
	for _, f := range fixtures(t) {
		t.Run(f.name, func(t *testing.T) {
			parts := map[string]string{"want": pretty(t, decoded(f.wire()))}
			if _, ok := f.part("buyer"); ok {
				b, err := Buyer(f.wire().Body)
				if err != nil {
					t.Fatalf("Buyer: %v", err)
				}
				parts["buyer"] = pretty(t, b)
			}
			for name, got := range parts {
				if want, _ := f.part(name); got != want && !*update {
					t.Errorf("%s: got\n%s\nwant\n%s", name, got, want)
				}
				f.set(name, got)
			}
			if *update {
				writeArchive(t, f)
			}
		})
	}
}

// states is what the three state words of an order mean to its seller and to its buyer.
var states = []struct {
	state, seller, buyer string
	sale, purchase       order.Status
	unknown              string
}{
	{"pending", "pending", "pending", order.StatusPending, order.StatusPending, ""},
	{"open", "open", "open", order.StatusPending, order.StatusPending, ""},
	{"pending_consignment", "pending_consignment", "pending", order.StatusPending, order.StatusPending, ""},
	{"accepted", "accepted", "accepted", order.StatusAccepted, order.StatusAccepted, ""},
	{"accepted", "", "", order.StatusAccepted, order.StatusAccepted, ""},
	{"", "accepted", "", order.StatusAccepted, order.StatusAccepted, ""},
	{"pending", "pending", "accepted", order.StatusPending, order.StatusPending, ""},
	{"pending", "accepted", "pending", order.StatusAccepted, order.StatusAccepted, ""},
	{"completed", "completed", "completed", order.StatusCompleted, order.StatusCompleted, ""},
	{"accepted", "completed", "accepted", order.StatusCompleted, order.StatusAccepted, ""},
	{"rejected", "rejected", "rejected", order.StatusRejected, order.StatusRejected, ""},
	{"pending", "rejected", "pending", order.StatusRejected, order.StatusRejected, ""},
	{"pending", "pending", "rejected", order.StatusCancelProposed, order.StatusRejected, ""},
	{"pending_substitution", "rejected", "pending_substitution", order.StatusRejected, order.StatusPending, ""},
	{"pending_substitution", "pending_substitution", "pending_substitution", order.StatusRejected, order.StatusPending, ""},
	{"canceled", "canceled", "canceled", order.StatusCancelled, order.StatusCancelled, ""},
	{"canceled_open", "accepted", "accepted", order.StatusCancelled, order.StatusCancelled, ""},
	{"canceled_post_acceptance", "accepted", "accepted", order.StatusCancelled, order.StatusCancelled, ""},
	{"cancelled", "cancelled", "cancelled", order.StatusCancelled, order.StatusCancelled, ""},
	{"Canceled", "", "", order.StatusCancelled, order.StatusCancelled, ""},
	{"accepted", "canceled", "accepted", order.StatusCancelled, order.StatusCancelProposed, ""},
	{"accepted", "accepted", "canceled", order.StatusCancelProposed, order.StatusCancelled, ""},
	{"cancel_proposed", "accepted", "cancel_proposed", order.StatusCancelProposed, order.StatusCancelProposed, ""},
	{"cancel_proposed", "canceled", "accepted", order.StatusCancelProposed, order.StatusCancelProposed, ""},
	{"accepted", "cancel_proposed", "accepted", order.StatusCancelProposed, order.StatusCancelProposed, ""},
	{"expired", "pending", "pending", order.StatusPending, order.StatusPending, "expired"},
	{"accepted", "accepted", "in_dispute", order.StatusAccepted, order.StatusAccepted, "in_dispute"},
	{"canceled", "gone", "canceled", order.StatusCancelled, order.StatusCancelled, "gone"},
	{"", "", "", "", "", ""},
}

func TestDecodeStates(t *testing.T) {
	t.Parallel()
	base := sample(t, "seller_order_created")
	for _, c := range states {
		for _, eventType := range []string{Polled, "order_created", "never_heard_of"} {
			for recipient, want := range map[string]order.Status{"seller": c.sale, "buyer": c.purchase} {
				form := with(t, base, fmt.Sprintf("state = %q\nseller_state = %q\nbuyer_state = %q", c.state, c.seller, c.buyer))
				form.Set("recipient", recipient)
				form.Set("event_type", eventType)
				out, err := Decode(delivery("1", form), usd)
				name := fmt.Sprintf("%s/%s of %q %q %q", recipient, eventType, c.state, c.seller, c.buyer)
				if err != nil {
					t.Errorf("%s: %v", name, err)
					continue
				}
				_, known := ruleFor(out.Kind, eventType)
				if !known && !over(want) {
					if out.Disposition != provider.Unknown || out.Event != nil {
						t.Errorf("%s: got %s, event %v; want unknown", name, out.Disposition, out.Event)
					}
					continue
				}
				if out.Disposition != provider.Forward || out.Event == nil {
					t.Errorf("%s: got %s; want forward", name, out.Disposition)
					continue
				}
				if out.Event.Status != want || out.Event.Unknown != c.unknown {
					t.Errorf("%s: got %q, unknown %q; want %q, unknown %q", name, out.Event.Status, out.Event.Unknown, want, c.unknown)
				}
			}
		}
	}
}

func TestDecodeAgreesTypeAndState(t *testing.T) {
	t.Parallel()
	base := sample(t, "seller_order_created")
	for _, c := range []struct {
		recipient, eventType, state string
		want                        order.Status
	}{
		{"seller", "seller_accepted", "pending", order.StatusAccepted},
		{"seller", "seller_accepted", "completed", order.StatusCompleted},
		{"seller", "seller_accepted", "canceled", order.StatusCancelled},
		{"seller", "seller_accepted", "cancel_proposed", order.StatusCancelProposed},
		{"seller", "order_rejected", "pending", order.StatusRejected},
		{"seller", "order_rejected", "pending_substitution", order.StatusRejected},
		{"seller", "order_rejected", "canceled", order.StatusCancelled},
		{"seller", "order_canceled", "pending", order.StatusCancelled},
		{"seller", "order_cancelled", "accepted", order.StatusCancelled},
		{"seller", "order_canceled", "", order.StatusCancelled},
		{"seller", "order_canceled", "cancel_proposed", order.StatusCancelProposed},
		{"buyer", "order_accepted", "accepted", order.StatusAccepted},
		{"buyer", "seller_accepted", "pending", order.StatusAccepted},
		{"buyer", "order_rejected", "pending", order.StatusRejected},
		{"buyer", "order_rejected", "pending_substitution", order.StatusPending},
		{"buyer", "order_canceled", "pending_substitution", order.StatusCancelled},
		{"buyer", "delivery_shipped", "canceled_post_acceptance", order.StatusCancelled},
		{"seller", "airbill_uploaded", "canceled", order.StatusCancelled},
		{"seller", "etickets_finalized", "accepted", order.StatusAccepted},
	} {
		form := with(t, base, fmt.Sprintf("state = %q\nseller_state = %[1]q\nbuyer_state = %[1]q", c.state))
		form.Set("recipient", c.recipient)
		form.Set("event_type", c.eventType)
		out, err := Decode(delivery("1", form), usd)
		if err != nil || out.Event == nil || out.Event.Status != c.want {
			t.Errorf("%s/%s in state %q: got %+v, %v; want status %q", c.recipient, c.eventType, c.state, out.Event, err, c.want)
		}
	}
}

// TestDecodeDrift writes the same order in the ways in which the samples disagree, and others like them.
func TestDecodeDrift(t *testing.T) {
	t.Parallel()
	forms := samples(t)
	for _, c := range []struct{ fixture, patch string }{
		{"seller_order_created", `id = "147277"`},
		{"seller_order_created", `items.0.id = "124012"`},
		{"seller_order_created", `items.0.order_item_id = "120145"`},
		{"seller_order_created", `items.0.quantity = "2"`},
		{"seller_order_created", `items.0.quantity = 2.0`},
		{"seller_order_created", `items.0.price = 27`},
		{"seller_order_created", `items.0.price = 27.0`},
		{"seller_order_created", `items.0.price = "27.00"`},
		{"seller_order_created", `items.0.price = " 27.0 "`},
		{"seller_order_created", `items.0.ticket_group.remote_id = 58222`},
		{"seller_order_created", `items.0.ticket_group.event.id = 915177`},
		{"seller_order_created", `items.0.ticket_group.in_hand = true`},
		{"seller_order_created", `items.0.ticket_group.in_hand_on = "2016-06-01T00:00:00Z"`},
		{"seller_order_created", `items.0.in_hand_on = "2016-06-01"`},
		{"seller_order_created", `items.0.seats = null`},
		{"seller_order_created", `items.0.seats = ""`},
		{"seller_order_created", `items.0.seats = [null, null]`},
		{"seller_order_created", `items.0.seats = ["", null]`},
		{"seller_order_created", `items.0.seats = {}`},
		{"seller_order_created", `items.0.ticket_group.seats = [1, 2, 3, 4, 5]`},
		{"seller_order_created", `items.0.ticket_group.tickets = null`},
		{"seller_order_created", `items.0.eticket_finalized_at = ""`},
		{"seller_order_created", `items.0.ticket_group.event.occurs_at = "2016-06-01T18:10:00"`},
		{"seller_order_created", `items.0.ticket_group.event.occurs_at = "2016-06-01T14:10:00-04:00"`},
		{"seller_order_created", `items.0.ticket_group.event.occurs_at = "2016-06-01T18:10:00.000Z"`},
		{"seller_order_created", `items.0.ticket_group.event.occurs_at = "2016-06-01 18:10:00 UTC"`},
		{"seller_order_created", `items.0.ticket_group.event.occurs_at = "2016/06/01 18:10:00 +0000"`},
		{"seller_order_created", `items.0.ticket_group.event.name = "Harbor City Herons \u0000at Lakeside Lanterns"`},
		{"seller_order_created", `updated_at = "2016-06-01T10:40:04-0400"`},
		{"seller_order_created", `fraud_check_status = null`},
		{"seller_order_created", `fraud_check_status = ""`},
		{"seller_order_created", `buyer.type = "office"`},
		{"seller_order_created", `client = ""`},
		{"seller_order_created", `client = []`},
		{"seller_order_created", `shipments.0.type = "Delivery::Eticket"`},
		{"seller_order_created", `shipments.0.type = "TBD"`},
		{"seller_order_created", `shipments.0.type = "Tbd"`},
		{"seller_order_created", `shipments.0.airbill = ""`},
		{"seller_order_created", `shipments.0.items = null`},
		{"seller_order_created", `shipments = null`},
		{"seller_order_created", `shipments = "none"`},
		{"seller_order_created", `total = "54.0"`},
		{"seller_order_created", `total = 9999`},
		{"seller_order_created", `payments = {"unheard": ["of"]}`},
		{"seller_order_created_client", `fraud_check_status = "Pending"`},
		{"seller_airbill_uploaded", `id = "61627"`},
		{"seller_airbill_uploaded", `order.id = "147294"`},
		{"seller_airbill_uploaded", `order delete`},
		{"seller_airbill_uploaded", `airbill = ""`},
		{"seller_delivery_updated", `airbill = null`},
		{"seller_delivery_updated", `airbill = "/airbills/original/missing.png"`},
		{"seller_etickets_finalized", `order_item_id = "120145"`},
		{"seller_etickets_finalized", `order_item_id delete`},
		{"seller_etickets_finalized", `order_id delete`},
		{"seller_etickets_finalized", "order_item_id delete\nurl delete\nid = 120145"}, // as items of shipments are
		{"seller_etickets_finalized", "order_item_id delete\norder_item_link_id delete\nurl delete\nid = 120145"},
		{"seller_etickets_finalized", "order_item_id delete\nurl = \"/items/9\"\nid = 120145"},
		{"seller_in-hand_updated", `in_hand_on = "2016-06-20"`},
	} {
		base := forms[c.fixture]
		got := decoded(delivery("1", with(t, base, c.patch)))
		want := decoded(delivery("1", base))
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s with %s: got %s; want %s", c.fixture, c.patch, pretty(t, got), pretty(t, want))
		}
	}
}

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
	} {
		out, err := Decode(delivery("1", with(t, forms[c.fixture], c.patch)), usd)
		refused(t, c.fixture+" with "+c.patch, out, err, c.want)
		if out.OrderID == "" || out.Kind != order.Sale || !strings.HasPrefix(out.Type, "seller/") {
			t.Errorf("%s with %s: got %+v; want type, order and side as far as they are known", c.fixture, c.patch, out)
		}
	}
	// An order in a list of 501 items is no order.
	form := with(t, forms["seller_order_created"], "items = ["+strings.Repeat("{},", maxLines)+"{}]")
	out, err := Decode(delivery("1", form), usd)
	refused(t, "501 items", out, err, "body.items: there are too many")
	// A currency that is none must not pass for cents.
	out, err = Decode(delivery("1", forms["seller_order_created"]), Settings{Currency: "dollars"})
	refused(t, "no currency", out, err, "body.items[0].price: not an amount of money: the currency must be three capital letters")
}

func TestDecodeAirbills(t *testing.T) {
	t.Parallel()
	forms := samples(t)
	const there = `"http://media.example.com/deliveries/airbills/61621/original.pdf?1"`
	for _, c := range []struct {
		recipient, typ, airbill string
		want                    bool
	}{
		{"seller", "ProvidedAirbill", there, true}, {"seller", "Delivery::ProvidedAirbill", there, true},
		{"seller", "ProvidedAirbill", `"/airbills/original/missing.png"`, false}, {"seller", "ProvidedAirbill", `""`, false},
		{"seller", "ProvidedAirbill", "null", false}, {"seller", "ProvidedAirbill", "false", false},
		{"seller", "FedEx", there, false}, // one that we had made ourselves
		{"buyer", "ProvidedAirbill", there, false},
	} {
		form := with(t, forms["poll_completed"], fmt.Sprintf("shipments.0.type = %q\nshipments.0.airbill = %s", c.typ, c.airbill))
		form.Set("recipient", c.recipient)
		out, err := Decode(delivery("1", form), usd)
		if err != nil || (len(out.Event.Shipment) == 1) != c.want {
			t.Errorf("%s, %s, %s: got %+v, %v; want an airbill: %t", c.recipient, c.typ, c.airbill, out.Event, err, c.want)
		}
	}
	form := with(t, forms["seller_delivery_updated"], "airbill = "+there)
	out, err := Decode(delivery("1", form), usd)
	want := []order.ShipmentFact{{ID: "61627", AirbillReady: true, Changed: true}}
	if err != nil || !reflect.DeepEqual(out.Event.Shipment, want) {
		t.Errorf("delivery_updated with an airbill: got %+v, %v; want %+v", out.Event, err, want)
	}
}

func refused(t *testing.T, name string, out provider.Decoded, err error, want string) {
	t.Helper()
	want = provider.ErrMalformed.Error() + ": " + want
	if !errors.Is(err, provider.ErrMalformed) || err.Error() != want {
		t.Errorf("%s: got error %v; want %s", name, err, want)
	}
	if out.Disposition != provider.Quarantined || out.Event != nil {
		t.Errorf("%s: got %s, event %v; want quarantined and no event", name, out.Disposition, out.Event)
	}
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
		{"NoGroup", "event_type=order_created&recipient=seller&body={}", "order_group_id: want an id"},
		{"BadGroup", "event_type=order_created&recipient=seller&order_group_id=a/b&body=" + order, "order_group_id: want an id"},
	} {
		out, err := Decode(provider.Delivery{Body: []byte(c.body), Received: received}, usd)
		refused(t, c.name, out, err, c.want)
	}

	want := decoded(delivery("1", sample(t, "seller_order_created")))
	for name, body := range map[string]string{
		"BlanksAsPercent":  "order_group_id=44442&recipient=seller&event_type=order_created&body=" + strings.ReplaceAll(order, "+", "%20"),
		"GroupFromOID":     "recipient=seller&event_type=order_created&body=" + order,
		"OtherFields":      "order_group_id=44442&x=1&x=2&%zz=3&&recipient=seller&event_type=order_created&body=" + order,
		"UnescapedJSON":    "order_group_id=44442&recipient=seller&event_type=order_created&body=" + sample(t, "seller_order_created").Get("body"),
		"BlanksInFields":   "order_group_id=+44442+&recipient=seller&event_type=order_created%0d%0a&body=" + order,
		"EverythingEscape": "order_group_id=%34%34442&recipient=seller&%65vent_type=order%5fcreated&body=" + order,
	} {
		got := decoded(provider.Delivery{ID: "1", Body: []byte(body), Received: received})
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %s; want the same as without", name, pretty(t, got))
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
		{"RecordedWithGarbage", "order_group_id=5&recipient=buyer&event_type=delivery_shipped&body={", provider.Decoded{Type: "buyer/delivery_shipped", Disposition: provider.Recorded, OrderID: "5", Kind: order.Purchase}},
		{"CancelledWithoutGroup", `order_group_id=a/b&recipient=seller&event_type=x&body={"oid":"a-1","state":"canceled"}`, provider.Decoded{Type: "seller/x", Disposition: provider.Unknown, Kind: order.Sale}},
	} {
		got, err := Decode(provider.Delivery{Body: []byte(c.body), Received: received}, usd)
		if err != nil || !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: got %+v, %v; want %+v", c.name, got, err, c.want)
		}
	}
}

func TestDecodeVersions(t *testing.T) {
	t.Parallel()
	base := sample(t, "seller_order_created")
	for _, patch := range []string{"updated_at = null", "updated_at = \"\"", "updated_at delete"} {
		out, err := Decode(delivery("1", with(t, base, patch)), usd)
		if err != nil || !out.Event.At.Equal(received) {
			t.Errorf("%s: got %+v, %v; want the version %s, when it was received", patch, out.Event, err, received)
		}
	}
	// A cancellation of no readable version is still one.
	out, err := Decode(delivery("1", with(t, base, "updated_at = \"?\"\nstate = \"canceled\"")), usd)
	if err != nil || out.Event.Status != order.StatusCancelled || !out.Event.At.Equal(received) {
		t.Errorf("got %+v, %v; want cancelled when it was received", out.Event, err)
	}
}

func TestDecodeDelivery(t *testing.T) {
	t.Parallel()
	base := sample(t, "seller_order_created")
	for _, c := range []struct {
		shipment, format string
		want             order.Delivery
	}{
		{"Eticket", "Physical", order.DeliveryETicket}, {"InstantDelivery", "", order.DeliveryETicket},
		{"TMMobile", "Eticket", order.DeliveryMobile}, {"TMMobileLink", "", order.DeliveryMobile}, {"FlashSeats", "", order.DeliveryMobile},
		{"FedEx", "", order.DeliveryShipped}, {"UPS", "", order.DeliveryShipped}, {"Courier", "", order.DeliveryShipped},
		{"ProvidedAirbill", "", order.DeliveryShipped}, {"Delivery::ProvidedAirbill", "", order.DeliveryShipped},
		{"WillCall", "", order.DeliveryWillCall}, {"PickupAtOffice", "", order.DeliveryWillCall}, {"LocalPickup", "", order.DeliveryWillCall},
		{"Custom", "Eticket", order.DeliveryOther}, {"Offline", "", order.DeliveryOther}, {"Paperless", "", order.DeliveryOther},
		{"TBD", "TM_mobile", order.DeliveryMobile}, {"Tbd", "Physical", order.DeliveryShipped}, {"", "Flash_seats", order.DeliveryMobile},
		{"TBD", "Guest_list", order.DeliveryOther}, {"TBD", "", ""}, {"TBD", "TBD", order.DeliveryOther}, {"Drone", "", order.DeliveryOther},
	} {
		form := with(t, base, fmt.Sprintf("shipments.0.type = %q\nitems.0.ticket_group.format = %q", c.shipment, c.format))
		for _, items := range []string{"", "shipments.0.items = null"} { // the only shipment holds all lines
			out, err := Decode(delivery("1", with(t, form, items)), usd)
			if err != nil || out.Event.Snapshot.Lines[0].Delivery != c.want {
				t.Errorf("shipment %q, format %q, %s: got %+v, %v; want %q", c.shipment, c.format, items, out.Event, err, c.want)
			}
		}
	}
}
