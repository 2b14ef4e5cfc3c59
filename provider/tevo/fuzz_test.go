package tevo

import (
	"encoding/json"
	"errors"
	"net/url"
	"strings"
	"testing"

	"willcall/order"
	"willcall/provider"
)

// FuzzDecode varies the bytes on the wire.
func FuzzDecode(f *testing.F) {
	for _, x := range fixtures(f) {
		f.Add(x.wire().Body)
	}
	f.Add([]byte("body=0%&event_type=order_created&order_group_id=1&recipient=seller"))
	f.Add([]byte("event_type=event_updated&event_id=1&body=" + `{"id":1,"name":"x","occurs_at":"2016-06-01"}`))
	f.Add([]byte("event_type=in-hand_updated&recipient=seller&order_group_id=1&body=" + `{"id":1,"order_id":2,"in_hand":"true"}`))
	f.Fuzz(holds)
}

// FuzzBody varies the document within, which the escapes of the form hide from FuzzDecode.
func FuzzBody(f *testing.F) {
	for _, x := range fixtures(f) {
		f.Add(x.form.Get("recipient"), x.form.Get("event_type"), x.form.Get("body"))
	}
	f.Fuzz(func(t *testing.T, recipient, eventType, body string) {
		holds(t, []byte(url.Values{"order_group_id": {"1"}, "event_id": {"2"}, "recipient": {recipient}, "event_type": {eventType}, "body": {body}}.Encode()))
	})
}

// holds checks what is true of any delivery.
func holds(t *testing.T, raw []byte) {
	out, err := Decode(provider.Delivery{ID: "1", Body: raw, Received: received}, usd)
	if dec, ok := Peek(provider.Delivery{ID: "1", Body: raw, Received: received}); ok &&
		(dec.Type != out.Type || err == nil && (dec.Disposition != out.Disposition || dec.OrderID != out.OrderID || dec.Kind != out.Kind)) {
		t.Fatalf("a peek gives %+v, reading gives %+v", dec, out)
	}
	if err != nil && (!errors.Is(err, provider.ErrMalformed) || out.Disposition != provider.Quarantined || out.Event != nil) {
		t.Fatalf("got %+v, %v; want quarantined", out, err)
	}
	if err == nil && (out.Disposition == provider.Forward) != (out.Event != nil) {
		t.Fatalf("got %+v; want an event if and only if it is forwarded", out)
	}
	text, jsonErr := json.Marshal(out)
	if jsonErr != nil || strings.Contains(string(text), `\u0000`) || strings.Contains(string(text), `\ufffd`) {
		t.Fatalf("got %q, %v; want JSON that Postgres can keep", text, jsonErr)
	}
	if out.Event != nil {
		about := out.About != (provider.About{})
		if about != (out.OrderID == "") || about != (out.Kind == "") || about != (out.Event.News != nil) || out.Event.At.IsZero() {
			t.Fatalf("got %+v; want order and side, or what else it is about, and a version", out)
		}
		o := order.New(order.Identity{Kind: out.Kind}, order.DefaultPolicy())
		o.Apply(*out.Event)
		o.Plan(received)
	}
	b, err := Buyer(raw)
	if err != nil && !errors.Is(err, provider.ErrMalformed) {
		t.Fatalf("Buyer: got %v; want ErrMalformed", err)
	}
	if err == nil && b.Name == "" && b.Company == "" && b.Email == "" {
		t.Fatalf("Buyer: got nobody and no error")
	}
}
