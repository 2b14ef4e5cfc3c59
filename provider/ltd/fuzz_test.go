package ltd

import (
	"errors"
	"net/netip"
	"testing"

	"willcall/order"
	"willcall/provider"
	"willcall/provider/providertest"
	"willcall/provider/wire"
)

// FuzzDecode holds what is true of every body, whoever wrote it.
func FuzzDecode(f *testing.F) {
	for _, body := range samples(f) {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		d := provider.Delivery{ID: "1", Body: body, Received: received}
		out, _ := providertest.Holds(t, d, decode, Buyer)
		if out.OrderID != "" && (!wire.IsID(out.OrderID) || out.Kind != order.Sale) {
			t.Fatalf("got order %q of kind %q", out.OrderID, out.Kind)
		}
		if out.Event == nil {
			return
		}
		o := order.New(order.Identity{ProviderOrderID: out.OrderID, Kind: out.Kind}, order.DefaultPolicy())
		o.Apply(*out.Event)
		seen := map[string]bool{}
		for _, l := range o.Lines() {
			if !wire.IsID(l.ID) || l.Quantity != 1 || l.Unit.Minor < 0 || seen[l.ID] {
				t.Fatalf("got line %+v", l)
			}
			seen[l.ID] = true
		}
		if s := out.Event.Snapshot; s != nil && len(s.Lines) != len(seen) {
			t.Fatalf("got %d lines of %d tickets", len(seen), len(s.Lines))
		}
	})
}

// FuzzVerify holds that nothing passes without its proof, and that what passes is not another affiliate's.
func FuzzVerify(f *testing.F) {
	f.Add("Bearer three", firstHex, "three", []byte(pingBody))
	f.Add("Basic c2hvcDpwYXNzOndvcmQ=", "sha256=", "", []byte(sample(f, "scheduled_not_ours")))
	f.Add("basic Og==", secondBase64, "\x00", []byte("{"))
	secrets := map[string]string{KindToken: "a-token-of-ours", KindBasic: "user-of-ours:word", KindBearer: "a-bearer-of-ours", KindHMAC: "a-key-of-ours"}
	f.Fuzz(func(t *testing.T, authorization, signature, token string, body []byte) {
		d := provider.Delivery{Header: headers("Authorization", authorization, "X-Ltd-Signature", signature), Token: token, Body: body}
		for kind, secret := range secrets {
			for _, encoding := range []string{"hex", "base64"} {
				v := Verifier{Kind: kind, Secrets: []string{secret}, Header: "X-Ltd-Signature", Encoding: encoding, AffiliateID: affiliate}
				if err := v.Verify(d, netip.Addr{}); !errors.Is(err, provider.ErrSignature) {
					t.Fatalf("%s: got %v; want ErrSignature", kind, err)
				}
			}
		}
		open := Verifier{Off: true, AffiliateID: affiliate}
		out, err := Decode(d, gbp)
		if verr := open.Verify(d, netip.Addr{}); verr != nil && (!errors.Is(verr, provider.ErrNotOurs) || err == nil && out.Event != nil) {
			t.Fatalf("got %v from Verify and %+v from Decode; want them to agree", verr, out)
		}
	})
}
