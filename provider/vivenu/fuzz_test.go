package vivenu

import (
	"errors"
	"net/http"
	"net/netip"
	"strings"
	"testing"

	"willcall/provider"
	"willcall/provider/providertest"
)

func FuzzDecode(f *testing.F) {
	for _, body := range samples(f) {
		f.Add([]byte(body))
	}
	f.Add([]byte(`{"type":"ticket.checkin","data":{"ticketId":"1","transactionId":2}}`))
	f.Fuzz(holds)
}

// holds checks what is true of any delivery.
func holds(t *testing.T, raw []byte) {
	out, _ := providertest.Holds(t, provider.Delivery{ID: "1", Body: raw, Received: received}, decode, Buyer, Customer)
	if out.Event == nil {
		return
	}
	about := out.About != (provider.About{})
	if about != (out.OrderID == "" && out.Concern == "") || about != (out.Kind == "") {
		t.Fatalf("got %+v; want an order or something else that it is about", out)
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
