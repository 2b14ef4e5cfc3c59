package tevo

import (
	"net/url"
	"testing"

	"willcall/provider"
	"willcall/provider/providertest"
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
	d := provider.Delivery{ID: "1", Body: raw, Received: received}
	out, err := providertest.Holds(t, d, decode, Buyer)
	if dec, ok := Peek(d); ok &&
		(dec.Type != out.Type || err == nil && (dec.Disposition != out.Disposition || dec.OrderID != out.OrderID || dec.Kind != out.Kind)) {
		t.Fatalf("a peek gives %+v, reading gives %+v", dec, out)
	}
	if out.Event == nil {
		return
	}
	about := out.About != (provider.About{})
	if about != (out.OrderID == "") || about != (out.Kind == "") || about != (out.Event.News != nil) {
		t.Fatalf("got %+v; want order and side, or what else it is about", out)
	}
}
