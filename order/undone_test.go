package order

import (
	"slices"
	"testing"
	"time"
)

const officeSale = "event w1 order_created at=12:00 buyer=office event=2026-07-01T19:30 line=1:58222:2:27.00 line=2:58223:1:40.00 by=1:eticket by=2:eticket status=accepted"

// ready are the lines of a sale whose tickets are in the POS.
var ready = []string{"policy deliver=on", officeSale, "done invoice/1 ref=77 customer=c1 can=read_deliveries,void_lines",
	"event p1 pos/supply at=12:10 holds=77 has=1:file:2:aa has=2:file:1:bb"}

const calledOff = "event w9 order_canceled at=12:50 status=cancelled"

// TestWhoHasTheTickets: what the buyer may have is not sold again.
func TestWhoHasTheTickets(t *testing.T) {
	t.Parallel()
	const upload, other, revoke = "etickets:1~aa/1", "etickets:2~bb/1", "revoke:1/1"
	is := func(outcome Outcome) Result { return Result{Outcome: outcome, At: day, Lines: []string{"1"}} }
	byHand := is(Done)
	byHand.By = "zoe"
	for name, c := range map[string]struct {
		steps map[StepID]Result
		want  bool
	}{
		"Nothing":               {nil, false},
		"Uploaded":              {map[StepID]Result{upload: is(Done)}, true},
		"PerhapsUploaded":       {map[StepID]Result{upload: is(Unsure)}, false}, // it is taken back first
		"TakenBack":             {map[StepID]Result{upload: is(Done), revoke: is(Done)}, false},
		"PerhapsTakenBack":      {map[StepID]Result{upload: is(Unsure), revoke: is(Done)}, false},
		"NotTakenBack":          {map[StepID]Result{upload: is(Unsure), revoke: is(Failed)}, true},
		"SettledByHand":         {map[StepID]Result{upload: is(Unsure), revoke: byHand}, true},
		"NeverUploaded":         {map[StepID]Result{upload: is(Failed), revoke: is(Failed), other: is(Unsure)}, false},
		"OfAnotherLine":         {map[StepID]Result{other: is(Done)}, false},
		"PerhapsTransferred":    {map[StepID]Result{"transfer:x/1": is(Unsure)}, true},
		"PerhapsMarkedInThePOS": {map[StepID]Result{"fulfil:77/1": is(Unsure)}, false},
	} {
		o, _ := played(t, ready...)
		for id, r := range c.steps {
			o.Steps[id] = r
		}
		if got := o.withBuyer(o.Lines()[0]); got != c.want {
			t.Errorf("%s: got %v; want %v", name, got, c.want)
		}
		if got, want := o.Given(o.Lines()[0]) > 0, name == "Uploaded"; got != want {
			t.Errorf("%s: got given %v; want %v", name, got, want)
		}
	}
}

// TestWhatIsTakenBack: whatever an order that is over may have left at the provider, once, and nothing that people did.
func TestWhatIsTakenBack(t *testing.T) {
	t.Parallel()
	const called = `cancel by=zoe reason=off`
	for name, c := range map[string]struct {
		lines []string
		want  []StepID
	}{
		"Refused":  {[]string{"done etickets:2~", "event w2 etickets_finalized at=12:20 delivered=2", "fail etickets:1~ invalid no", called}, []StepID{"revoke:1/1", "revoke:2/1"}},
		"NotBegun": {[]string{calledOff}, []StepID{"void_invoice/1"}},
		"ByHand":   {[]string{"fail etickets:1~ invalid no", "resolve by=zoe reason=mailed", called}, []StepID{"void_invoice/1"}},
		"SeveralTimes": {[]string{"start etickets:1~", "stopped etickets:1~", "event p2 pos/supply at=12:30 holds=77 has=1:file:2:cc", "start etickets:1~0f", "stopped etickets:1~0f", calledOff},
			[]StepID{"revoke:1/1"}},
		"RevokeRefused": {[]string{"start etickets:1~", "stopped etickets:1~", calledOff, "start revoke:1/1", "fail revoke:1/1 conflict fetched"}, nil},
	} {
		o, now := played(t, slices.Concat(ready, c.lines)...)
		if got := o.Plan(now).Steps; !slices.Equal(got, c.want) {
			t.Errorf("%s: got steps %v; want %v", name, got, c.want)
		}
	}
}

// TestTicketsThatPeopleGaveAreNotCompared: whoever delivered by hand knows what the buyer has, the POS need not.
func TestTicketsThatPeopleGaveAreNotCompared(t *testing.T) {
	t.Parallel()
	for by, want := range map[string]bool{"": true, "zoe": false} {
		o, now := played(t, slices.Concat(ready, []string{"done etickets:1~", "done etickets:2~"})...)
		for id, r := range o.Steps {
			if r.By = by; id.Do() == DoETickets {
				o.Steps[id] = r
			}
		}
		o.Apply(Event{ID: "p2", At: now.Add(time.Hour), Received: now, Supply: &Supply{Invoice: "77", Lines: []Supplied{{LineID: "1", Form: FormFile, Digest: "cc", Tickets: 2}}}})
		if p := o.Plan(now); (p.Attention != nil && p.Attention.Reason == ReasonTicketsChanged) != want {
			t.Errorf("given by %q: got %+v; want a person asked: %v", by, p.Attention, want)
		}
	}
}

// TestAParcelOfThePOS is with the carrier, unless it is unclear whose it is, or the line does not travel so.
func TestAParcelOfThePOS(t *testing.T) {
	t.Parallel()
	for has, want := range map[string]int{"has=1:parcel:2:aa": 2, "has=1:parcel:2:aa:several": 0, "has=2:parcel:1:aa": 0} {
		o, now := played(t, "policy deliver=on", "event w1 order_created at=12:00 buyer=office event=2026-07-01T19:30 line=1:58222:2:27.00 line=2:58223:1:40.00 by=1:shipped by=2:eticket status=accepted",
			"done invoice/1 ref=77 customer=c1 can=read_deliveries", "event p1 pos/supply at=12:10 holds=77 "+has)
		if _, got := o.deliveries(); got != want {
			t.Errorf("%s: got %d tickets with the buyer; want %d", has, got, want)
		}
		if p := o.Plan(now); (p.Attention == nil) != (want > 0) {
			t.Errorf("%s: got %+v; want a person asked: %v", has, p.Attention, want == 0)
		}
	}
}

// TestPurchasesThatAreReceived: by a POS that can, where the broker wants it, and one set of tickets after the other.
func TestPurchasesThatAreReceived(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		policy, can string
		then        []string
		want        int // steps that receive
	}{
		"Wanted":     {"attach=on", "fulfill_purchases", nil, 1},
		"POSCannot":  {"attach=on", "void_lines", nil, 0},
		"NotWanted":  {"attach=off", "fulfill_purchases", nil, 0},
		"WithoutAPI": {"attach=on provider_api=off", "fulfill_purchases", nil, 0},
		"OneByOne": {"attach=on", "fulfill_purchases",
			[]string{"start receive:", "event w3 order_updated at=12:20 buyer=office event=2026-07-01T19:30 line=1:0:2:27.00 line=2:0:1:27.00 by=1:eticket by=2:eticket status=accepted delivered=2"}, 0},
	} {
		o, now := played(t, slices.Concat([]string{"policy " + c.policy, "purchase",
			"event w1 order_accepted at=12:00 buyer=office event=2026-07-01T19:30 line=1:0:2:27.00 by=1:eticket status=accepted",
			"done purchase_order/1 ref=55 can=" + c.can, "event w2 etickets_finalized at=12:10 delivered=1"}, c.then)...)
		got := 0
		for _, id := range o.Plan(now).Steps {
			if _, begun := o.Steps[id]; id.Do() == DoReceive && !begun {
				got++
			}
		}
		if got != c.want {
			t.Errorf("%s: got %v; want %d that receive", name, o.Plan(now).Steps, c.want)
		}
	}
	o, _ := played(t, "policy attach=on", "purchase", "event w1 order_accepted at=12:00 buyer=office line=1:0:2:27.00 line=2:0:2:27.00 line=3:0:1:27.00 by=1:eticket by=2:mobile by=3:eticket status=accepted delivered=1 delivered=2")
	if got := lineIDs(o.Received()); !slices.Equal(got, []string{"1"}) {
		t.Errorf("got lines %v; want the one whose files are there", got)
	}
}

// TestCreditsOfWhatIsLeft: only where the invoice comes to what is left by voiding lines alone; else it is written anew, or a person
// looks.
func TestCreditsOfWhatIsLeft(t *testing.T) {
	t.Parallel()
	const three = "event w1 transaction.complete at=12:00 buyer=office line=t1:g:1:40.00 line=t2:g:1:30.00 line=t3:g:1:0.00 status=accepted"
	for name, c := range map[string]struct {
		lines  []string
		want   []Do
		reason Reason
	}{
		"Credited": {[]string{three, "done invoice/1 ref=77 can=void_lines", "event w2 u at=12:10 line_cancelled=t2"}, []Do{DoCredit}, ""},
		"RefusedByThePOS": {[]string{three, "done invoice/1 ref=77 can=void_lines", "event w2 u at=12:10 line_cancelled=t2", "fail credit: unsupported no"},
			[]Do{DoVoidInvoice}, ""},
		"RefusedForAReason": {[]string{three, "done invoice/1 ref=77 can=void_lines", "event w2 u at=12:10 line_cancelled=t2", "fail credit: invalid no"},
			nil, StepFailed("invalid")},
		"AFreeTicketIsBack": {[]string{three, "event w0 u at=12:01 part seat=t3:invalid", "done invoice/1 ref=77 can=void_lines",
			"event w2 u at=12:10 seat=t2:invalid seat=t3:valid"}, []Do{DoVoidInvoice}, ""},
		"ANewLine": {[]string{three, "done invoice/1 ref=77 can=void_lines",
			"event w2 u at=12:10 buyer=office line=t1:g:1:40.00 line=t2:g:1:30.00 line=t3:g:1:0.00 line=t4:g:1:5.00 line_cancelled=t2"}, nil, ReasonAmountChanged},
		"ALineIsGone": {[]string{three, "done invoice/1 ref=77 can=void_lines",
			"event w2 u at=12:10 buyer=office line=t1:g:1:40.00 line=t3:g:1:0.00 line_cancelled=t3"}, nil, ReasonAmountChanged},
		"NotNamedAnyMoreMeanwhile": {[]string{three, "done invoice/1 ref=77 can=void_lines", "event w2 u at=12:10 line_cancelled=t2", "start credit:",
			"event w3 u at=12:20 buyer=office line=t1:g:1:40.00 line=t3:g:1:0.00"}, []Do{DoCredit}, ReasonAmountChanged},
		"CalledOffMeanwhile": {[]string{three, "done invoice/1 ref=77 can=void_lines", "event w2 u at=12:10 line_cancelled=t2", "start credit:", calledOff}, nil, ""},
		"CalledOffAfter": {[]string{three, "done invoice/1 ref=77 can=void_lines", "event w2 u at=12:10 line_cancelled=t2", "start credit:", calledOff, "stopped credit:"},
			[]Do{DoVoidInvoice}, ""},
	} {
		o, now := played(t, c.lines...)
		p := o.Plan(now)
		var got []Do
		for _, id := range p.Steps {
			got = append(got, id.Do())
		}
		if !slices.Equal(got, c.want) || (p.Attention == nil) != (c.reason == "") || p.Attention != nil && p.Attention.Reason != c.reason {
			t.Errorf("%s: got steps %v, attention %+v; want %v, %q", name, p.Steps, p.Attention, c.want, c.reason)
		}
	}
}

// TestUndoingAgain: what a person must judge waits for one, and nothing but compensation is tried without a word.
func TestUndoingAgain(t *testing.T) {
	t.Parallel()
	const void = StepID("void_invoice/1")
	for name, c := range map[string]struct {
		id    StepID
		again time.Duration // the policy
		class string
		tries int
		due   time.Duration // after the refusal; 0: never
	}{
		"AtFirst":           {void, 5 * time.Minute, "unauthorized", 1, 5 * time.Minute},
		"OfAnOldOrder":      {void, 5 * time.Minute, "unauthorized", 0, 5 * time.Minute},
		"Later":             {void, 5 * time.Minute, "unauthorized", 4, 40 * time.Minute},
		"OnceADay":          {void, 5 * time.Minute, "unauthorized", 10, 24 * time.Hour},
		"StillOnceADay":     {void, 5 * time.Minute, "unauthorized", 100, 24 * time.Hour},
		"Never":             {void, 0, "unauthorized", 1, 0},
		"Unsupported":       {void, 5 * time.Minute, "unsupported", 1, 0},
		"Duplicate":         {void, 5 * time.Minute, "duplicate", 1, 0},
		"ReferenceConflict": {void, 5 * time.Minute, "reference_conflict", 1, 0},
		"Conflict":          {void, 5 * time.Minute, "conflict", 1, 0},
		"NoCompensation":    {"fulfil:77/1", 5 * time.Minute, "unauthorized", 1, 0},
	} {
		o := New(Identity{Kind: Sale}, Policy{UndoAgain: c.again})
		o.Steps[c.id] = Result{Outcome: Failed, At: day, Class: c.class, Tries: c.tries}
		for _, after := range []time.Duration{c.due - time.Second, c.due, 1000 * time.Hour} {
			p := &planner{Order: o, now: day.Add(after)}
			want := c.due > 0 && after >= c.due
			if got := p.undoAgain(c.id); got != want {
				t.Errorf("%s, %s after the refusal: got %v; want %v", name, after, got, want)
			}
			if waits := c.due > 0 && !want; waits != slices.Equal(p.later, []time.Time{day.Add(c.due)}) {
				t.Errorf("%s, %s after the refusal: looked at again at %v; want when it is due: %v", name, after, p.later, waits)
			}
		}
	}
}
