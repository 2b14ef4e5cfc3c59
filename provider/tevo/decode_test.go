package tevo

import (
	"fmt"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"testing"

	"willcall/order"
	"willcall/provider"
	"willcall/provider/providertest"
)

func TestDecode(t *testing.T) {
	t.Parallel()
	for _, f := range fixtures(t) {
		t.Run(f.Name, func(t *testing.T) {
			f.Check(t, "want", decoded(f.wire()))
			f.CheckBuyer(t, "buyer", Buyer, f.wire().Body)
		})
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
		{"buyer_delivery_complete", `id = "61627"`},
		{"buyer_delivery_complete", `order delete`},
		{"buyer_delivery_complete", `type = null`},
		{"buyer_delivery_complete", `airbill = {}`},
		{"buyer_delivery_complete", `items.0.id = "120151"`},
		{"buyer_delivery_complete", "items.0.id = 124030\nitems.0.order_item_id = 120151"}, // as items of orders are
		{"buyer_delivery_complete", `items.0.order_item_link_id = null`},
		{"buyer_delivery_complete", `items.1.quantity = "all"`},
		{"buyer_delivery_complete", `items.1.ticket_group = null`},
		{"catalogue_event_updated_body", `id = 915177`},
		{"catalogue_event_updated_body", `id delete`},
		{"catalogue_event_updated_body", `venue = null`},
		{"catalogue_event_updated_body", `occurs_at = "2016-06-02T14:10:00-04:00"`},
		{"catalogue_event_updated_body", `updated_at = "2016-05-30 08:00:00 UTC"`},
		{"catalogue_event_updated_body", `name = " Harbor City Herons at\u0000 Lakeside Lanterns"`},
		{"catalogue_event_updated_half", `occurs_at = null`},
		{"catalogue_event_updated_half", `occurs_at = {}`},
	} {
		base := forms[c.fixture]
		got := decoded(delivery("1", with(t, base, c.patch)))
		want := decoded(delivery("1", base))
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s with %s: got %s; want %s", c.fixture, c.patch, providertest.Pretty(t, got), providertest.Pretty(t, want))
		}
	}
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

func TestTypes(t *testing.T) {
	t.Parallel()
	if all := Types(); !slices.IsSorted(all) || len(all) != 32 {
		t.Errorf("got %d types %v; want 32, sorted", len(all), all)
	}
	fixed := map[string]bool{}
	for _, f := range fixtures(t) {
		fixed[decoded(f.wire()).Decoded.Type] = true
	}
	for _, typ := range Types() {
		form := url.Values{"order_group_id": {"1"}, "event_type": {typ}, "event_id": {"2"}, "body": {`{"oid":"1-2","state":"canceled"}`}}
		side, eventType, of := strings.Cut(typ, "/")
		if of {
			form.Set("recipient", side)
			form.Set("event_type", eventType)
		}
		for _, written := range []string{form.Get("event_type"), strings.ToUpper(form.Get("event_type"))} {
			form.Set("event_type", written)
			out, err := Decode(delivery("1", form), usd)
			if err != nil || out.Disposition != provider.Forward || !strings.EqualFold(out.Type, typ) {
				t.Errorf("%s: got %+v, %v; want that it is forwarded under this name", typ, out, err)
			}
			if _, ok := Peek(delivery("1", form)); ok != of {
				t.Errorf("%s: a peek knows it: %t; want %t", typ, ok, of)
			}
		}
		spelling := strings.Contains(typ, "cancel") || strings.HasSuffix(typ, "/in_hand_updated") // of which one is shown
		if !fixed[typ] && !spelling {
			t.Errorf("%s: no fixture shows it", typ)
		}
	}
}

func TestAPeekKnowsEveryTypeThatMovesOrders(t *testing.T) {
	t.Parallel()
	peeked := 0
	for _, f := range fixtures(t) {
		dec, ok := Peek(f.wire())
		full, err := Decode(f.wire(), usd)
		if !ok {
			if full.Disposition == provider.Forward && full.OrderID == f.form.Get("order_group_id") && full.OrderID != "" && slices.Contains(Types(), full.Type) {
				t.Errorf("%s: a peek does not know it, reading gives %+v", f.Name, full)
			}
			continue
		}
		peeked++
		if dec.Type != full.Type || err == nil && (dec.OrderID != full.OrderID || dec.Kind != full.Kind || dec.Disposition != full.Disposition) {
			t.Errorf("%s: a peek gives %+v, reading gives %+v %v", f.Name, dec, full, err)
		}
	}
	if peeked < 30 {
		t.Errorf("a peek knew %d fixtures; want most of those that move orders", peeked)
	}
}
