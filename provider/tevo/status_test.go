package tevo

import (
	"fmt"
	"testing"

	"willcall/order"
	"willcall/provider"
)

// states is what the three state words of an order mean to its seller and to its buyer.
var states = []struct {
	state, seller, buyer string
	sale, purchase       order.Status
	unknown              string
}{
	{"pending", "pending", "pending", order.StatusPending, order.StatusPending, ""},
	{"open", "open", "open", order.StatusPending, order.StatusPending, ""},
	{"pending_consignment", "pending_consignment", "pending", order.StatusPending, order.StatusPending, ""},
	{"accepted", "accepted", "accepted", order.StatusAccepted, order.StatusAccepted, ""},
	{"accepted", "", "", order.StatusAccepted, order.StatusAccepted, ""},
	{"", "accepted", "", order.StatusAccepted, order.StatusAccepted, ""},
	{"pending", "pending", "accepted", order.StatusPending, order.StatusPending, ""},
	{"pending", "accepted", "pending", order.StatusAccepted, order.StatusAccepted, ""},
	{"completed", "completed", "completed", order.StatusCompleted, order.StatusCompleted, ""},
	{"accepted", "completed", "accepted", order.StatusCompleted, order.StatusAccepted, ""},
	{"rejected", "rejected", "rejected", order.StatusRejected, order.StatusRejected, ""},
	{"pending", "rejected", "pending", order.StatusRejected, order.StatusRejected, ""},
	{"pending", "pending", "rejected", order.StatusCancelProposed, order.StatusRejected, ""},
	{"pending_substitution", "rejected", "pending_substitution", order.StatusRejected, order.StatusPending, ""},
	{"pending_substitution", "pending_substitution", "pending_substitution", order.StatusRejected, order.StatusPending, ""},
	{"canceled", "canceled", "canceled", order.StatusCancelled, order.StatusCancelled, ""},
	{"canceled_open", "accepted", "accepted", order.StatusCancelled, order.StatusCancelled, ""},
	{"canceled_post_acceptance", "accepted", "accepted", order.StatusCancelled, order.StatusCancelled, ""},
	{"cancelled", "cancelled", "cancelled", order.StatusCancelled, order.StatusCancelled, ""},
	{"Canceled", "", "", order.StatusCancelled, order.StatusCancelled, ""},
	{"accepted", "canceled", "accepted", order.StatusCancelled, order.StatusCancelProposed, ""},
	{"accepted", "accepted", "canceled", order.StatusCancelProposed, order.StatusCancelled, ""},
	{"cancel_proposed", "accepted", "cancel_proposed", order.StatusCancelProposed, order.StatusCancelProposed, ""},
	{"cancel_proposed", "canceled", "accepted", order.StatusCancelProposed, order.StatusCancelProposed, ""},
	{"accepted", "cancel_proposed", "accepted", order.StatusCancelProposed, order.StatusCancelProposed, ""},
	{"expired", "pending", "pending", order.StatusPending, order.StatusPending, "expired"},
	{"accepted", "accepted", "in_dispute", order.StatusAccepted, order.StatusAccepted, "in_dispute"},
	{"canceled", "gone", "canceled", order.StatusCancelled, order.StatusCancelled, "gone"},
	{"", "", "", "", "", ""},
}

func TestDecodeStates(t *testing.T) {
	t.Parallel()
	base := sample(t, "seller_order_created")
	for _, c := range states {
		for _, eventType := range []string{Polled, "order_created", "never_heard_of"} {
			for recipient, want := range map[string]order.Status{"seller": c.sale, "buyer": c.purchase} {
				form := with(t, base, fmt.Sprintf("state = %q\nseller_state = %q\nbuyer_state = %q", c.state, c.seller, c.buyer))
				form.Set("recipient", recipient)
				form.Set("event_type", eventType)
				out, err := Decode(delivery("1", form), usd)
				name := fmt.Sprintf("%s/%s of %q %q %q", recipient, eventType, c.state, c.seller, c.buyer)
				if err != nil {
					t.Errorf("%s: %v", name, err)
					continue
				}
				_, known := ruleFor(out.Kind, eventType)
				if !known && !over(want) {
					if out.Disposition != provider.Unknown || out.Event != nil {
						t.Errorf("%s: got %s, event %v; want unknown", name, out.Disposition, out.Event)
					}
					continue
				}
				if out.Disposition != provider.Forward || out.Event == nil {
					t.Errorf("%s: got %s; want forward", name, out.Disposition)
					continue
				}
				if out.Event.Status != want || out.Event.Unknown != c.unknown {
					t.Errorf("%s: got %q, unknown %q; want %q, unknown %q", name, out.Event.Status, out.Event.Unknown, want, c.unknown)
				}
			}
		}
	}
}

func TestDecodeAgreesTypeAndState(t *testing.T) {
	t.Parallel()
	base := sample(t, "seller_order_created")
	for _, c := range []struct {
		recipient, eventType, state string
		want                        order.Status
	}{
		{"seller", "seller_accepted", "pending", order.StatusAccepted},
		{"seller", "seller_accepted", "completed", order.StatusCompleted},
		{"seller", "seller_accepted", "canceled", order.StatusCancelled},
		{"seller", "seller_accepted", "cancel_proposed", order.StatusCancelProposed},
		{"seller", "order_rejected", "pending", order.StatusRejected},
		{"seller", "order_rejected", "pending_substitution", order.StatusRejected},
		{"seller", "order_rejected", "canceled", order.StatusCancelled},
		{"seller", "order_canceled", "pending", order.StatusCancelled},
		{"seller", "order_cancelled", "accepted", order.StatusCancelled},
		{"seller", "order_canceled", "", order.StatusCancelled},
		{"seller", "order_canceled", "cancel_proposed", order.StatusCancelProposed},
		{"buyer", "order_accepted", "accepted", order.StatusAccepted},
		{"buyer", "seller_accepted", "pending", order.StatusAccepted},
		{"buyer", "order_rejected", "pending", order.StatusRejected},
		{"buyer", "order_rejected", "pending_substitution", order.StatusPending},
		{"buyer", "order_canceled", "pending_substitution", order.StatusCancelled},
		{"buyer", "delivery_shipped", "canceled_post_acceptance", order.StatusCancelled},
		{"seller", "airbill_uploaded", "canceled", order.StatusCancelled},
		{"seller", "etickets_finalized", "accepted", order.StatusAccepted},
	} {
		form := with(t, base, fmt.Sprintf("state = %q\nseller_state = %[1]q\nbuyer_state = %[1]q", c.state))
		form.Set("recipient", c.recipient)
		form.Set("event_type", c.eventType)
		out, err := Decode(delivery("1", form), usd)
		if err != nil || out.Event == nil || out.Event.Status != c.want {
			t.Errorf("%s/%s in state %q: got %+v, %v; want status %q", c.recipient, c.eventType, c.state, out.Event, err, c.want)
		}
	}
}
