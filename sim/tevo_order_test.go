package sim

import (
	"encoding/json"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"
)

// unform reads a webhook's form and its body.
func unform(t *testing.T, contentType string, body []byte) (url.Values, map[string]any) {
	t.Helper()
	if contentType != "application/x-www-form-urlencoded" {
		t.Fatalf("content type: got %q", contentType)
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		t.Fatal(err)
	}
	var m map[string]any
	if err := json.Unmarshal([]byte(form.Get("body")), &m); err != nil {
		t.Fatalf("body field: %v", err)
	}
	return form, m
}

func TestWebhookIsTheDocumentedForm(t *testing.T) {
	t.Parallel()
	o := ClientSale(3)
	for event, want := range map[string]struct{ key, value string }{
		"order_created":           {"oid", "44445-147280"},
		"fraud_response_received": {"oid", "44445-147280"},
		"airbill_uploaded":        {"url", "/shipment/14728099"},
		"delivery_updated":        {"url", "/shipment/14728099"},
		"etickets_finalized":      {"url", "/orders/147280/items/14728050"},
		"in-hand_updated":         {"url", "/orders/147280/items/14728050"},
	} {
		contentType, raw := o.Webhook("seller", event)
		form, body := unform(t, contentType, raw)
		for key, value := range map[string]string{"order_group_id": "44445", "recipient": "seller", "event_type": event} {
			if got := form[key]; len(got) != 1 || got[0] != value {
				t.Errorf("%s: %s: got %v; want %s", event, key, got, value)
			}
		}
		if len(form) != 4 {
			t.Errorf("%s: got %d fields; want 4", event, len(form))
		}
		if body[want.key] != want.value {
			t.Errorf("%s: %s: got %v; want %s", event, want.key, body[want.key], want.value)
		}
	}
}

// at follows keys and, as "0", "1", …, list positions.
func at(v any, path string) any {
	for part := range strings.SplitSeq(path, ".") {
		switch x := v.(type) {
		case map[string]any:
			v = x[part]
		case []any:
			v = x[part[0]-'0']
		}
	}
	return v
}

func plain(t *testing.T, v any) any {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	var out any
	if err := json.Unmarshal(b, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

func TestBodyHasTheTypesOfTheSamples(t *testing.T) {
	t.Parallel()
	o := TEvoOrder{Items: []TEvoItem{{Quantity: 2, PriceMinor: 2700}}}
	for _, c := range []struct {
		name  string
		order TEvoOrder
		path  string
		want  any
	}{
		{"PendingHasNoTotal", o, "total", "0.0"},
		{"PendingOwesThePriceOfTheItems", o, "pending_balance", "54.0"},
		{"FeeHasTwoDecimals", o, "fee", "1.62"},
		{"PendingCompletedPaymentsAreANumber", o, "completed_non_refund_payments_total", 0.0},
		{"AcceptedHasATotal", o.Accepted(testNow), "total", "54.0"},
		{"AcceptedCompletedPaymentsAreAString", o.Accepted(testNow), "completed_non_refund_payments_total", "54.0"},
		{"OrderIDIsANumber", o, "id", 147277.0},
		{"GroupIDIsAString", o, "items.0.ticket_group.id", "214727701"},
		{"InHandIsAString", o, "items.0.ticket_group.in_hand", "true"},
		{"DownloadedIsNullInTheItem", o, "items.0.eticket_downloaded_at", nil},
		{"DownloadedIsBlankInTheShipment", o, "shipments.0.items.0.eticket_downloaded_at", ""},
		{"UnknownSeatsAreNone", o, "items.0.ticket_group.seats", []any{}},
		{"UnknownSeatsAreNullsInTheShipment", o, "shipments.0.items.0.ticket_group.seats", []any{nil, nil}},
		{"ShipmentItemHasTheSharedID", o, "shipments.0.items.0.id", 14727750.0},
		{"NoAirbill", o, "shipments.0.airbill", "/airbills/original/missing.png"},
		{"OtherVariantOrderIDIsAString", TEvoOrder{Variant: 4}, "id", "147277"},
		{"OtherVariantGroupIDIsANumber", TEvoOrder{Variant: 4}, "items.0.ticket_group.id", 214727701.0},
		{"OtherVariantInHandIsABoolean", TEvoOrder{Variant: 1}, "items.0.ticket_group.in_hand", true},
		{"OtherVariantDownloadedIsBlank", TEvoOrder{Variant: 2}, "items.0.eticket_downloaded_at", ""},
		{"OfficeIsTEvo", OfficeSale(0), "buyer.id", 6.0},
		{"OfficeHasNoClient", OfficeSale(0), "client", nil},
		{"ClientIsTheBuyer", ClientSale(0), "buyer.type", "Client"},
		{"ClientHasAnAddress", ClientSale(0), "client.email_addresses.0.address", ClientSale(0).BuyerEmail},
		{"ClientIsPending", ClientSale(0), "fraud_check_status", "pending"},
		{"ClientIsApproved", ClientSale(0).FraudResponse("approved", testNow), "fraud_check_status", "approved"},
		{"PurchaseIsOurs", Purchase(0), "buyer.id", 4410.0},
		{"CanceledBeforeAcceptance", OfficeSale(0).Canceled(testNow), "state", "canceled"},
		{"CanceledAfterAcceptance", OfficeSale(0).Accepted(testNow).Canceled(testNow), "state", "canceled_post_acceptance"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if got := at(plain(t, c.order.Body()), c.path); !reflect.DeepEqual(got, c.want) {
				t.Errorf("%s: got %#v; want %#v", c.path, got, c.want)
			}
		})
	}
	if _, there := o.Body()["fraud_check_status"]; there {
		t.Error("fraud_check_status is there; the sample has no such key")
	}
	if v, there := (TEvoOrder{Variant: 8}).Body()["fraud_check_status"]; !there || v != nil {
		t.Errorf("variant 8: fraud_check_status: got %v, %v; want null", v, there)
	}
}

func TestOrdersAreValues(t *testing.T) {
	t.Parallel()
	o := OfficeSale(5)
	before := plain(t, o.Body())
	_ = o.Accepted(testNow).EticketsFinalized(0, testNow).InHand(0, testNow.AddDate(0, 1, 0), testNow).At(testNow)
	if after := plain(t, o.Body()); !reflect.DeepEqual(after, before) {
		t.Errorf("a change of a copy reached the order: got %v; want %v", after, before)
	}
	if got, want := string(mustJSON(t, OfficeSale(5).Body())), string(mustJSON(t, o.Body())); got != want {
		t.Errorf("the same n made other bytes: got %s; want %s", got, want)
	}
}

func mustJSON(t *testing.T, v any) []byte {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestUpdatedAtNeverMovesBackByAChange(t *testing.T) {
	t.Parallel()
	o := OfficeSale(0).At(testNow)
	if got := o.Accepted(testNow.Add(-time.Hour)).UpdatedAt; !got.Equal(testNow) {
		t.Errorf("got %v; want %v", got, testNow)
	}
	if got := o.Accepted(testNow.Add(1500 * time.Millisecond)).UpdatedAt; !got.Equal(testNow.Add(time.Second)) {
		t.Errorf("got %v; want whole seconds", got)
	}
	if got := OfficeSale(0).At(testNow.Add(1500 * time.Millisecond)).UpdatedAt; !got.Equal(testNow.Add(time.Second)) {
		t.Errorf("got %v; want whole seconds", got)
	}
	if got, want := o.OccursAt.Sub(testNow), 30*24*time.Hour; got < want {
		t.Errorf("the event is %v away; want some weeks", got)
	}
}

func TestDecimal(t *testing.T) {
	t.Parallel()
	for minor, want := range map[int64]string{0: "0.0", 5: "0.05", 162: "1.62", 2700: "27.0", 2750: "27.5", -5: "-0.05"} {
		if got := decimal(minor); got != want {
			t.Errorf("decimal(%d): got %s; want %s", minor, got, want)
		}
	}
}
