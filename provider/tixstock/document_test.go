package tixstock

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"willcall/order"
	"willcall/provider"
)

// The document's sample requests, with other ids of the same shape. They are no JSON as they stand there: the dots in the
// list stand for more URLs, and go.
const (
	sampleGA = `{ 
    "data": { 
        "order_id": "3100004401", 
        "id": "15000042", 
        "general_admission": 1, 
        "row": null, 
        "seat": null, 
        "file": "base64 PDF file...",
        "proof_file_url": [
            "url 1",
            "url 2"
            ...
        ]
    }, 
    "meta": {
        "type": "order.eticket_fulfilment" 
    } 
} 
`
	sampleSeated = `{ 
    "data": { 
        "order_id": "3100004401", 
        "id": "15000042", 
        "general_admission": 0, 
        "row": "V", 
        "seat": "100", 
        "file": "base64 PDF file...",
        "proof_file_url": [
            "url 1",
            "url 2"
            ...
        ]
    }, 
    "meta": {
        "type": "order.mobile_ticket_fulfilment" 
    } 
} 
`
)

func TestDocumentRequests(t *testing.T) {
	t.Parallel()
	key, name := digested(pdf("one"))
	for _, c := range []struct {
		sample, typ, key, name string
	}{
		{sampleGA, "order.eticket_fulfilment", key, name},
		{sampleSeated, "order.mobile_ticket_fulfilment", "V/100", "V 100"},
	} {
		body := strings.NewReplacer("            ...\n", "", "base64 PDF file...", b64(pdf("one")),
			"url 1", "https://tickets.example.com/p/1", "url 2", "https://tickets.example.com/p/2").Replace(c.sample)
		got, err := Decode(delivery("1", body), Settings{})
		want := provider.Decoded{
			Type: c.typ, Disposition: provider.Forward, OrderID: "3100004401", Kind: order.Sale,
			Event: &order.Event{ID: "1", Type: c.typ, At: received, Received: received,
				Lines: []order.LineFact{{LineID: "15000042", Tickets: []string{c.key}}}},
			Files: []provider.File{
				{Name: "ticket " + c.name, MediaType: "application/pdf", Body: pdf("one")},
				{Name: "proofs " + c.name, MediaType: "application/json", Body: []byte(`["https://tickets.example.com/p/1","https://tickets.example.com/p/2"]`)},
			},
			Ask: true,
		}
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %+v, %v; want %+v", c.typ, got, err, want)
		}
	}
}

// TestDocumentResponses has both samples with their very bytes, but for the blanks at the ends of lines.
func TestDocumentResponses(t *testing.T) {
	t.Parallel()
	const success = `{
    "external_id": "3100004401",
    "order_status": "Delivered",
    "message": "Listing has been fulfilled for the order.",
    "success": true
}`
	const failure = `{
    "external_id": "3100004401",
    "order_status": "Accepted",
    "message": "Listing failed to be fulfilled for the order.",
    "success": false
}`
	for want, s := range map[string]Standing{success: {Status: "Delivered", Success: true}, failure: {Status: "Accepted"}} {
		for _, name := range []string{"eticket_ga", "mobile_seated", "mobile_link"} {
			d := delivery("1", sample(t, name))
			out, err := Decode(d, Settings{})
			if err != nil {
				t.Fatal(err)
			}
			a, err := Answer(d, out, s)
			if err != nil {
				t.Fatal(err)
			}
			if got, _ := json.MarshalIndent(a, "", "    "); string(got) != want {
				t.Errorf("%s: got\n%s\nwant\n%s", name, got, want)
			}
		}
	}
}

// TestPublicResponses does the same for the samples of the public pages.
func TestPublicResponses(t *testing.T) {
	t.Parallel()
	for i, c := range []struct {
		fixture string
		s       Standing
		want    string
	}{
		{"order_update_approved", Standing{Status: "Delivered", Success: true}, "{\n    \"order_status\": \"Delivered\",\n    \"success\": true\n}"},
		{"order_update_approved", Standing{Status: "Rejected"}, "{\n    \"order_status\": \"Rejected\",\n    \"success\": false\n}"},
		{"ticket_hold", Standing{Message: "Error message here"}, "{\n    \"listing_id\": \"15000042\",\n    \"success\": false,\n    \"message\": \"Error message here\",\n    \"errors\": [\n        \"Error message here\"\n    ]\n}"},
		{"ticket_delete", Standing{Success: true}, "{\n    \"listing_id\": \"15000042\",\n    \"success\": true,\n    \"message\": \"Ticket successfully deleted.\"\n}"},
		{"event_cancel", Standing{}, "{\n    \"event_found\": false\n}"},
		{"broker_closed", Standing{}, "{\n    \"broker_id\": \"1200001\",\n    \"success\": \"false\",\n    \"message\": \"Broker failed to disconnect\"\n}"},
	} {
		d := delivery(fmt.Sprint(i), sample(t, c.fixture))
		out, err := Decode(d, Settings{})
		if err != nil {
			t.Fatal(err)
		}
		a, err := Answer(d, out, c.s)
		if got, _ := json.MarshalIndent(a, "", "    "); err != nil || string(got) != c.want {
			t.Errorf("%s: got\n%s, %v\nwant\n%s", c.fixture, got, err, c.want)
		}
	}
}
