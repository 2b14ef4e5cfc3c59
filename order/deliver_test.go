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

// TestWhatIsNotOursToDeliver: the POS tells of tickets all the same, and of an invoice that is delivered it is not told.
func TestWhatIsNotOursToDeliver(t *testing.T) {
	t.Parallel()
	const described = "event w1 order_created at=12:00 buyer=office event=2026-07-01T19:30 line=1:58222:2:27.00 by=1:eticket status=accepted"
	for policy, ours := range map[string]bool{
		"policy deliver=on": true, "policy deliver=off": false, "policy deliver=on provider_api=off": false, "policy deliver=on adopt=on": false,
	} {
		o, now := played(t, policy, described, "done invoice/1 ref=77 customer=c1 can=read_deliveries", "event p1 pos/supply at=12:10 holds=77 has=1:file:2:aa")
		if steps := o.Plan(now).Steps; slices.ContainsFunc(steps, func(id StepID) bool { return id.Do().Gives() }) != ours {
			t.Errorf("%s: got steps %v; want tickets given: %v", policy, steps, ours)
		}
		o.Apply(Event{ID: "w2", Type: "etickets_finalized", At: now, Received: now, Lines: []LineFact{{LineID: "1", Delivered: now}}})
		if steps := o.Plan(now).Steps; slices.Contains(steps, "fulfil:77/1") != ours {
			t.Errorf("%s: all is delivered: got steps %v; want the POS told: %v", policy, steps, ours)
		}
	}
}

// TestWhatAStepDelivers: of the lines that travel so, those that the buyer does not have; and what an operator has approved is clear.
func TestWhatAStepDelivers(t *testing.T) {
	t.Parallel()
	o, _ := played(t, "policy deliver=on",
		"event w1 order_created at=12:00 buyer=office event=2026-07-01T19:30 line=1:g:1:1.00 line=2:g:1:1.00 line=3:g:1:1.00 line=4:g:1:1.00 line=5:g:1:1.00 line=6:g:1:1.00 "+
			"by=1:mobile by=2:mobile by=3:eticket by=4:mobile by=5:eticket by=6:will_call status=accepted delivered=4",
		"done invoice/1 ref=77 customer=c1 can=read_deliveries",
		"event p1 pos/supply at=12:10 holds=77 has=1:link:1:aa has=2:transfer:1:bb has=3:link:1:cc has=4:link:1:dd has=6:will_call:1:ff has=5:file:1:ee:unsaid:ordered")
	planned := func(do Do, line string, digests ...string) StepID {
		var all []Supplied
		for i := 0; i < len(digests); i += 2 {
			all = append(all, Supplied{LineID: digests[i], Digest: digests[i+1]})
		}
		return ID(do, deliverySubject(line, all), 1)
	}
	files := planned(DoETickets, "5", "5", "ee")
	for id, want := range map[StepID][]string{
		planned(DoTransfer, "", "1", "aa", "2", "bb"): {"1", "2"}, planned(DoWillCall, "", "6", "ff"): {"6"}, files: {"5"},
		planned(DoETickets, "3", "3", "cc"): nil, // it travels in another way
		// What was planned is no longer to be had: nothing takes its place.
		planned(DoTransfer, "", "1", "aa"): nil, planned(DoETickets, "5", "5", "old"): nil, planned(DoWillCall, "", "6", "old"): nil,
	} {
		var got []string
		for _, s := range o.ToDeliver(id) {
			got = append(got, s.LineID)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: got lines %v; want %v", id, got, want)
		}
	}
	asked := unclearTickets(o.Facts.Lines["5"], o.ToDeliver(files)[0])
	if asked.Reason != ReasonTicketsUnclear || o.ToDeliver(files)[0].Unclear == "" {
		t.Errorf("got %+v; want it unclear until it is approved", o.ToDeliver(files))
	}
	o.Decide(Decision{Command: Approve, By: "zoe", Matter: "another matter"})
	if o.ToDeliver(files)[0].Unclear == "" {
		t.Error("the approval of another matter makes it clear")
	}
	o.Decisions = append(o.Decisions, Decision{Command: Approve, By: "zoe", Matter: asked.Key()})
	if got := o.ToDeliver(files); got[0].Unclear != "" {
		t.Errorf("got %+v; want it clear once it is approved", got)
	}
}

// TestTicketsOfASaleNearItsEventAreLookedForAtOnce: from the moment on at which they ought to be on their way.
func TestTicketsOfASaleNearItsEventAreLookedForAtOnce(t *testing.T) {
	t.Parallel()
	p := DefaultPolicy()
	p.Deliver = true
	near := p.EventLead + p.FulfilWithin
	for name, c := range map[string]struct {
		change func(*Order)
		in     time.Duration // until the event; 0: unknown
		want   bool
	}{
		"Near":       {func(*Order) {}, near - time.Minute, true},
		"Far":        {func(*Order) {}, near, false},
		"Unknown":    {func(*Order) {}, 0, false},
		"NotOurs":    {func(o *Order) { o.Policy.Deliver = false }, time.Hour, false},
		"APurchase":  {func(o *Order) { o.Kind = Purchase }, time.Hour, false},
		"BegunSince": {func(*Order) {}, -time.Hour, true},
	} {
		o := New(Identity{Kind: Sale}, p)
		if c.in != 0 {
			o.Facts.Show.StartsAt = day.Add(c.in)
		}
		if c.change(o); o.Urgent(day) != c.want {
			t.Errorf("%s: got %v; want %v", name, !c.want, c.want)
		}
	}
}

// TestACarrierHasOnlyWhatIsShipped: a shipment that is not on its way yet holds lines, too.
func TestACarrierHasOnlyWhatIsShipped(t *testing.T) {
	t.Parallel()
	o, now := played(t, "event w1 order_created at=12:00 buyer=office event=2026-07-01T19:30 line=1:58222:2:27.00 by=1:shipped status=accepted")
	for shipped, want := range map[bool]int{false: 0, true: 2} {
		o.Facts.Shipments = nil
		o.Apply(Event{ID: "w2", At: now, Received: now, Shipment: []ShipmentFact{{ID: "s1", Shipped: shipped, Lines: []string{"1"}}}})
		if _, got := o.deliveries(); got != want {
			t.Errorf("shipped %v: got %d tickets with the buyer; want %d", shipped, got, want)
		}
	}
}

// TestTheNewestSupplyCounts: whenever it arrives, and whatever becomes of the event that told it.
func TestTheNewestSupplyCounts(t *testing.T) {
	t.Parallel()
	o := New(Identity{Kind: Sale}, DefaultPolicy())
	newer, older := []Supplied{{LineID: "1", Digest: "bb"}}, []Supplied{{LineID: "1", Digest: "aa"}}
	o.Apply(Event{ID: "p2", At: day.Add(time.Minute), Received: day, Supply: &Supply{Invoice: "77", Lines: newer}})
	o.Apply(Event{ID: "p1", At: day, Received: day, Supply: &Supply{Invoice: "77", Lines: older}})
	newer[0].Digest = "changed"
	if got := o.Facts.Supply; got.By != "p2" || got.Lines[0].Digest != "bb" {
		t.Errorf("got %+v; want that of p2, as it was told", got)
	}
}
