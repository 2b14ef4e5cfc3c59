package vivenu

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/netip"
	"strings"
	"testing"

	"willcall/order"
	"willcall/provider"
)

func FuzzDecode(f *testing.F) {
	for _, x := range fixtures(f) {
		f.Add([]byte(x.body))
	}
	f.Add([]byte(`{"type":"ticket.checkin","data":{"ticketId":"1","transactionId":2}}`))
	f.Fuzz(holds)
}

// holds checks what is true of any delivery.
func holds(t *testing.T, raw []byte) {
	d := provider.Delivery{ID: "1", Body: raw, Received: received}
	out, err := Decode(d, ours)
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
		if about != (out.OrderID == "" && out.Concern == "") || about != (out.Kind == "") || out.Event.At.IsZero() {
			t.Fatalf("got %+v; want an order or something else that it is about, and a version", out)
		}
		o := order.New(order.Identity{Kind: out.Kind}, order.DefaultPolicy())
		o.Apply(*out.Event)
		o.Plan(received)
	}
	if again, _ := Decode(d, ours); again.Content != out.Content || again.DedupeKey != out.DedupeKey {
		t.Fatalf("got %+v, then %+v; want the same", out, again)
	}
	for _, read := range []func([]byte) (provider.Buyer, error){Buyer, Customer} {
		b, err := read(raw)
		if err != nil && !errors.Is(err, provider.ErrMalformed) {
			t.Fatalf("got %v; want ErrMalformed", err)
		}
		if err == nil && b.Name == "" && b.Company == "" && b.Email == "" {
			t.Fatalf("got nobody and no error")
		}
	}
}

// FuzzVerify holds that nothing passes but what is signed, and that whatever is signed passes or is another environment's.
func FuzzVerify(f *testing.F) {
	f.Add([]byte(`{"mode":"prod"}`), "00")
	f.Add([]byte(`{"data":{"mode":"prod"},"mode":"dev"}`), "zz")
	f.Add([]byte(`{"mode":`), "")
	v := Verifier{Keys: []string{"a-key"}, Mode: "prod"}
	f.Fuzz(func(t *testing.T, body []byte, header string) {
		verify := func(sig string) error {
			return v.Verify(provider.Delivery{Header: http.Header{SignatureHeader: {sig}}, Body: body}, netip.Addr{})
		}
		right := signed("a-key", string(body))
		if err := verify(header); !strings.EqualFold(header, right) && !errors.Is(err, provider.ErrSignature) {
			t.Fatalf("got %v for another signature; want ErrSignature", err)
		}
		if err := verify(right); err != nil && !errors.Is(err, provider.ErrNotOurs) {
			t.Fatalf("got %v for the right signature; want none, or ErrNotOurs", err)
		}
	})
}
