package tevo

import (
	"errors"
	"reflect"
	"strings"
	"testing"

	"willcall/order"
	"willcall/provider"
	"willcall/provider/providertest"
)

func TestSynthesize(t *testing.T) {
	t.Parallel()
	webhook := sample(t, "seller_order_accepted_by_us")
	body := webhook.Get("body")

	t.Run("DecodesAsTheWebhookDoes", func(t *testing.T) {
		t.Parallel()
		got, err := Decode(provider.Delivery{ID: "1", Body: Synthesize([]byte(body), Recipient(order.Sale), "44442"), Received: received}, usd)
		if err != nil {
			t.Fatal(err)
		}
		want, err := Decode(delivery("1", webhook), usd)
		if err != nil {
			t.Fatal(err)
		}
		want.Type, want.Event.Type = "seller/order_polled", "seller/order_polled"
		if !reflect.DeepEqual(got, want) {
			t.Errorf("got %s; want %s", providertest.Pretty(t, got), providertest.Pretty(t, want))
		}
	})
	t.Run("KeepsTheBuyer", func(t *testing.T) {
		t.Parallel()
		got, err := Buyer(Synthesize([]byte(body), "seller", ""))
		want, _ := Buyer([]byte(webhook.Encode()))
		if err != nil || got != want || got.Company == "" {
			t.Errorf("got %+v, %v; want %+v", got, err, want)
		}
	})
	t.Run("WritesEqualOrdersAlike", func(t *testing.T) {
		t.Parallel()
		a := Synthesize([]byte(`{"id": 1, "updated_at": "x", "price": 0.10, "big": 12345678901234567890}`), "seller", "5")
		b := Synthesize([]byte("{\"big\":12345678901234567890,\n\"price\":0.10,\"updated_at\":\"x\",\"id\":1}\n"), "seller", "5")
		if string(a) != string(b) {
			t.Errorf("got %s and %s; want the same", a, b)
		}
		c := Synthesize([]byte(`{"id": 1, "updated_at": "x", "price": 0.1, "big": 12345678901234567891}`), "seller", "5")
		if string(a) == string(c) {
			t.Errorf("got %s for another order; want other bytes", c)
		}
	})
	t.Run("TellsTheSides", func(t *testing.T) {
		t.Parallel()
		for kind, want := range map[order.Kind]string{order.Sale: "seller", order.Purchase: "buyer"} {
			if got := Recipient(kind); got != want {
				t.Errorf("%s: got %s; want %s", kind, got, want)
			}
		}
	})
	t.Run("LeavesGarbageToDecode", func(t *testing.T) {
		t.Parallel()
		for _, raw := range []string{"", "{", "{}{}", "{}]", "null", "\xff"} {
			_, err := Decode(provider.Delivery{Body: Synthesize([]byte(raw), "seller", "5")}, usd)
			if !errors.Is(err, provider.ErrMalformed) || strings.Contains(err.Error(), "body.id") {
				t.Errorf("%q: got %v; want ErrMalformed, and not for a part of it", raw, err)
			}
		}
	})
}
