package tevo

import (
	"errors"
	"testing"

	"willcall/provider"
)

func TestSeller(t *testing.T) {
	t.Parallel()
	forms := samples(t)
	for _, c := range []struct {
		name, patch string
		want        provider.Seller
	}{
		{"Brokerage", "", provider.Seller{ID: "618", Name: "Harbor Lane Tickets"}},
		{"OfficeAlone", "seller.brokerage = null", provider.Seller{ID: "618", Name: "Main Office"}},
		{"IDAsText", `seller.id = "618"`, provider.Seller{ID: "618", Name: "Harbor Lane Tickets"}},
	} {
		got, err := Seller([]byte(with(t, forms["seller_order_created"], c.patch).Encode()))
		if err != nil || got != c.want {
			t.Errorf("%s: got %+v, %v; want %+v", c.name, got, err, c.want)
		}
	}
	for name, raw := range map[string]string{
		"Null": with(t, forms["seller_order_created"], "seller = null").Encode(), "Shipment": forms["seller_airbill_uploaded"].Encode(),
		"Empty": "", "NoJSON": "event_type=order_created&body={",
	} {
		if got, err := Seller([]byte(raw)); !errors.Is(err, provider.ErrMalformed) || got != (provider.Seller{}) {
			t.Errorf("%s: got %+v, %v; want ErrMalformed", name, got, err)
		}
	}
}

func TestReasonFor(t *testing.T) {
	t.Parallel()
	for words, want := range map[string]Reason{"Duplicate Order": DuplicateOrder, "the seats are gone": OtherReason, "": OtherReason} {
		if got := ReasonFor(words); got != want {
			t.Errorf("%q: got %s; want %s", words, got, want)
		}
	}
}
