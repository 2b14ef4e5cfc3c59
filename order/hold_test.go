package order

import (
	"slices"
	"testing"
	"time"
)

const clientPending = "event w1 order_created at=12:00 buyer=client event=2026-07-01T19:30 line=1:58222:2:27.00 status=pending fraud=pending"

// TestTicketsAreHeldForAsLongAsSomebodyMayTake: an order that waits for the slowest of them still finds its tickets.
func TestTicketsAreHeldForAsLongAsSomebodyMayTake(t *testing.T) {
	t.Parallel()
	for _, slow := range []func(*Policy, time.Duration){
		func(p *Policy, d time.Duration) { p.PaymentWait = d }, func(p *Policy, d time.Duration) { p.FraudWait = d },
		func(p *Policy, d time.Duration) { p.ApprovalWait = d },
	} {
		o := New(Identity{Kind: Sale}, Policy{})
		o.Facts.FirstReceived = day
		slow(&o.Policy, 5*time.Hour)
		if got := o.HoldUntil(); !got.Equal(day.Add(6 * time.Hour)) {
			t.Errorf("%+v: got %s; want an hour after that", o.Policy, got)
		}
	}
}

// TestAHoldIsSoldOnce: an invoice that names a hold which is gone is refused, although its tickets are on sale.
func TestAHoldIsSoldOnce(t *testing.T) {
	t.Parallel()
	held := []string{"policy hold=on", clientPending, "done hold/1 holds=h1"}
	approved := slices.Concat(held, []string{"event w2 fraud at=12:10 fraud=approved"})
	anew := slices.Concat(approved, []string{"done invoice/1 ref=77 customer=c1", "event w3 fraud at=12:20 fraud=declined", "done void_invoice/1",
		"approve by=zoe reason=known"})
	for name, c := range map[string]struct {
		lines []string
		want  []string
	}{
		"Held":         {held, []string{"h1"}},
		"BeingSold":    {slices.Concat(approved, []string{"start invoice/1"}), []string{"h1"}},
		"SoldAndVoid":  {anew, nil},
		"BeingLetGo":   {slices.Concat(held, []string{"start release_hold/1"}), nil},
		"LetGo":        {slices.Concat(held, []string{"done release_hold/1"}), nil},
		"StillHeld":    {slices.Concat(held, []string{"wait 24h59m"}), []string{"h1"}},
		"RanOut":       {slices.Concat(held, []string{"wait 25h"}), nil},
		"NothingThere": {held[:2], nil},
	} {
		o, now := played(t, c.lines...)
		if got := o.Held(now); !slices.Equal(got, c.want) {
			t.Errorf("%s: got holds %v; want %v", name, got, c.want)
		}
		if name == "SoldAndVoid" && !slices.Equal(o.Plan(now).Steps, []StepID{"invoice/2"}) {
			t.Errorf("%s: got steps %v; want a second invoice", name, o.Plan(now).Steps)
		}
	}
}

// TestWhatIsHeld: nothing of which the POS is not told the group, nothing that is on an invoice, and nothing that was let go.
func TestWhatIsHeld(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		lines []string
		want  []StepID
	}{
		"Pending":  {[]string{clientPending}, []StepID{"hold/1"}},
		"Unlisted": {[]string{"event w1 order_created at=12:00 buyer=client line=1:58222:2:27.00 line=2::1:9.00 status=pending fraud=pending"}, nil},
		"Invoiced": {[]string{"event w1 order_created at=12:00 buyer=client line=1:58222:2:27.00 status=pending fraud=approved",
			"done invoice/1 ref=77 customer=c1", "event w2 fraud at=12:10 fraud=pending"}, nil},
		"Unsure":       {[]string{clientPending, "start hold/1", "event w2 fraud at=12:10 fraud=approved", "stopped hold/1"}, []StepID{"hold/1"}},
		"OneHold":      {[]string{clientPending, "done hold/1 holds=h1", "event w2 fraud at=12:10 fraud=approved"}, []StepID{"invoice/1"}},
		"HeldByNobody": {[]string{clientPending, "done hold/1", "event w2 order_canceled at=12:10 status=cancelled"}, nil},
		"Sold": {[]string{clientPending, "done hold/1 holds=h1", "event w2 fraud at=12:10 fraud=approved", "done invoice/1 ref=77 customer=c1",
			"event w3 order_canceled at=12:20 status=cancelled"}, []StepID{"void_invoice/1"}},
		// The whole order seemed to be off, and then has another line.
		"LetGo": {[]string{clientPending, "start hold/1", "event w2 order_updated at=12:10 line_cancelled=1", "stopped hold/1", "done release_hold/1",
			"event w3 order_updated at=12:20 buyer=client line=1:58222:2:27.00 line=2:58222:2:27.00 status=pending fraud=pending"}, nil},
	} {
		o, now := played(t, append([]string{"policy hold=on"}, c.lines...)...)
		if got := o.Plan(now).Steps; !slices.Equal(got, c.want) {
			t.Errorf("%s: got steps %v; want %v", name, got, c.want)
		}
	}
}
