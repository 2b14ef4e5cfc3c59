package tixstock

import (
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
	for _, c := range []struct{ fixture, patch, want string }{
		{"eticket_ga", `order_id = null`, "data.order_id: want an id"},
		{"eticket_ga", `order_id = ""`, "data.order_id: want an id"},
		{"eticket_ga", `order_id delete`, "data.order_id: want an id"},
		{"eticket_ga", `order_id = true`, "data.order_id: want an id"},
		{"eticket_ga", `order_id = 3100004401.0`, "data.order_id: want an id"},
		{"eticket_ga", `order_id = "31/../01"`, "data.order_id: want an id"},
		{"eticket_ga", `order_id = ["3100004401"]`, "data.order_id: want an id"},
		{"eticket_ga", `id = null`, "data.id: want an id"},
		{"eticket_ga", `id = {}`, "data.id: want an id"},
		{"mobile_seated", `id = "#1"`, "data.id: want an id"},
		{"mobile_link", `id delete`, "data.id: want an id"},
		{"eticket_ga", `.data = null`, "data.order_id: want an id"},
		{"eticket_ga", `.data = []`, "data.order_id: want an id"},
		{"eticket_ga", `.data = "3100004401"`, "data.order_id: want an id"},
		{"order_update_approved", `id = null`, "data.id: want an id"},
		{"order_update_approved", `id = "4 5 6"`, "data.id: want an id"},
		{"order_update_approved", `external_id = "4 5 6"`, "data.external_id: want an id"},
		{"order_update_approved", `external_id = {}`, "data.external_id: want an id"},
		{"order_update_approved", `status = {"name": "Approved"}`, "data.status: want a word"},
		{"order_update_approved", "status = null\norder_status = []", "data.order_status: want a word"},
		{"event_update", `id = null`, "data.id: want an id"},
		{"event_cancel", `id = 1.5`, "data.id: want an id"},
		{"eticket_ga", `.meta = null`, "meta.type: it is missing"},
		{"eticket_ga", `.meta.type = ""`, "meta.type: it is missing"},
		{"eticket_ga", `.meta.type = {}`, "meta.type: it is missing"},
		{"eticket_ga", `.meta delete`, "meta.type: it is missing"},
	} {
		out, err := Decode(delivery("1", with(t, sample(t, c.fixture), c.patch)), settings)
		name := c.fixture + " with " + c.patch
		providertest.Refused(t, name, out, err, c.want)
		if out.Ask != (out.Type != "") {
			t.Errorf("%s: got %+v; want it to ask for an answer where its type is known", name, out)
		}
	}
}

func TestDecodeWire(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, body, want string }{
		{"Empty", "", "body: it is missing"},
		{"Blank", " \r\n", "body: it is missing"},
		{"List", "[]", "body: want a JSON object"},
		{"Form", "event_type=order_created", "body: want a JSON object"},
		{"Null", "null", "body: want a JSON object"},
		{"Cut", `{"data": {"order_id": "1", "file": "JVBE`, "body: it is not JSON"},
		{"Behind", `{"meta": {"type": "broker.open"}} {}`, "body: it is not JSON"},
		{"Dots", `{"data": {"proof_file_url": ["url 1" ...]}}`, "body: it is not JSON"},
		{"Object", `{}`, "meta.type: it is missing"},
	} {
		out, err := Decode(delivery("1", c.body), settings)
		providertest.Refused(t, c.name, out, err, c.want)
	}
}

func TestDecodeNeverRefusesWhatItDoesNotKnow(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, body string
		want       provider.Decoded
	}{
		{"NoData", `{"meta":{"type":"x"}}`, provider.Decoded{Type: "x", Disposition: provider.Unknown}},
		{"Data", `{"meta":{"type":"order.eticket_fulfillment"},"data":{"order_id":"1"}}`, provider.Decoded{Type: "order.eticket_fulfillment", Disposition: provider.Unknown}},
		{"Number", `{"meta":{"type":7},"data":7}`, provider.Decoded{Type: "7", Disposition: provider.Unknown}},
		{"Unprintable", `{"meta":{"type":"a\u0000b\u001b[31m"}}`, provider.Decoded{Type: "ab[31m", Disposition: provider.Unknown}},
		{"Long", `{"meta":{"type":"` + strings.Repeat("é", 500) + `"}}`, provider.Decoded{Type: strings.Repeat("é", 128), Disposition: provider.Unknown}},
		{"Twice", `{"meta":{"type":"a"},"meta":{"type":"b"}}`, provider.Decoded{Type: "b", Disposition: provider.Unknown}},
		{"NotUTF8", "{\"meta\":{\"type\":\"a\xff\"}}", provider.Decoded{Type: "a", Disposition: provider.Unknown}},
		{"ListingWithoutID", `{"meta":{"type":"ticket.delete"},"data":[]}`, provider.Decoded{Type: "ticket.delete", Disposition: provider.Recorded, Ask: true}},
		{"Capitals", `{"meta":{"type":"Broker.Open"}}`, provider.Decoded{Type: "Broker.Open", Disposition: provider.Recorded}},
		{"CapitalsOfAnOrder", `{"meta":{"type":"ORDER.UPDATE"},"data":{"id":"1","status":""}}`, provider.Decoded{
			Type: "ORDER.UPDATE", Disposition: provider.Forward, OrderID: "1", Kind: order.Sale, Concern: "tixstock-order:1", Ask: true,
			Event: &order.Event{ID: "1", Type: "ORDER.UPDATE", At: received, Received: received}}},
	} {
		got, err := Decode(delivery("1", c.body), settings)
		if err != nil || !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: got %+v, %v; want %+v", c.name, got, err, c.want)
		}
	}
}
