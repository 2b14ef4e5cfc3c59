package order

import (
	"slices"
	"testing"
	"time"
)

// played is an order to which the lines of a script happened, and when it is then.
func played(t *testing.T, lines ...string) (*Order, time.Time) {
	t.Helper()
	o := New(Identity{ID: "order:tevo:44442", Source: "tevo", Provider: "tevo", ProviderOrderID: "44442", Kind: Sale}, DefaultPolicy())
	now := day
	for _, line := range lines {
		refused, err := perform(o, &now, split(line))
		if refused != nil || err != nil {
			t.Fatalf("%q: got %v, %v; want it done", line, refused, err)
		}
		o.Settle(o.Plan(now), now)
	}
	return o, now
}

// TestNothingIsDeliveredWhileAMatterIsOpen: each of these may end the order, or change what the buyer is to have. Once a person has
// said that it goes on, the tickets go out.
func TestNothingIsDeliveredWhileAMatterIsOpen(t *testing.T) {
	t.Parallel()
	ready := []string{"policy deliver=on",
		"event w1 order_created at=12:00 buyer=client event=2026-07-01T19:30 line=1:58222:2:27.00 by=1:eticket status=pending fraud=approved",
		"done invoice/1 ref=77 customer=c1 can=read_deliveries", "done accept/1", "event p1 pos/supply at=12:10 holds=77 has=1:file:2:aa"}
	gives := func(o *Order, now time.Time) bool {
		return slices.ContainsFunc(o.Plan(now).Steps, func(id StepID) bool { return id.Do().Gives() })
	}
	if !gives(played(t, ready...)) {
		t.Fatal("the tickets are not delivered although nothing is open")
	}
	for reason, lines := range map[Reason][]string{
		ReasonFraudAfterAcceptance: {"event w2 fraud_response_received at=12:20 fraud=declined"},
		ReasonCancelProposed:       {"event w2 order_cancel_proposed at=12:20 status=cancel_proposed"},
		ReasonPaymentReturned:      {"event w2 payment at=12:20 payment=returned"},
		ReasonEventOff:             {"event n1 event_off at=12:20 off"},
		ReasonEventMoved:           {"event n1 event_moved at=12:20 moved=2026-07-08T19:30"},
		ReasonAmountChanged:        {"event w2 order_updated at=12:20 buyer=client event=2026-07-01T19:30 line=1:58222:2:28.00 by=1:eticket"},
		ReasonUnknownStatus:        {"event w2 order_updated at=12:20 word=frozen"},
		ReasonDeliveryReclassified: {"event w2 shipment_updated at=12:20 reclassified=61627"},
		ReasonTicketInvalid:        {"event w2 ticket_updated at=12:20 seat=1:invalid", "wait 36m"},
		ReasonInvoiceVoided:        {"event p2 pos/supply at=12:20 holds=77 voided has=1:file:2:aa"},
	} {
		t.Run(string(reason), func(t *testing.T) {
			t.Parallel()
			before := slices.Concat(ready, lines)
			o, now := played(t, before...)
			p := o.Plan(now)
			if gives(o, now) || p.Attention == nil || p.Attention.Reason != reason || p.Awaits != "an operator: see what needs attention before tickets are delivered" {
				t.Errorf("got steps %v, awaits %q, attention %+v; want nothing delivered before a person has seen to it", p.Steps, p.Awaits, p.Attention)
			}
			if o, now = played(t, append(before, "resolve by=zoe reason=settled")...); !gives(o, now) {
				t.Errorf("resolved: got steps %v; want the tickets delivered", o.Plan(now).Steps)
			}
		})
	}
}
