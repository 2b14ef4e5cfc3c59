package order

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/tools/txtar"
)

// TestEveryStoryCanBeCalledOff stops every story after every line and calls the order off there, in each way that there is.
// Everything that is wanted then succeeds. What must be left: an order that is over, no step, no POS record in force unless a
// person is asked; nothing undone twice; and whoever does what the advice says, and then resolves, has nothing more to do.
func TestEveryStoryCanBeCalledOff(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no stories in testdata: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			t.Parallel()
			a, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			lines := strings.Split(strings.TrimSpace(string(a.Files[0].Data)), "\n")
			for n := range len(lines) + 1 {
				for how, undo := range waysToCallOff {
					t.Run(fmt.Sprintf("%d%s", n, how), func(t *testing.T) { callOff(t, lines[:n], undo) })
				}
			}
		})
	}
}

// waysToCallOff are lines of the script language. An operator's that is refused has nothing to call off.
var waysToCallOff = map[string][]string{
	"ProviderCancels":             {"event zz order_canceled at=23:58 status=cancelled"},
	"ProviderRejects":             {"event zz order_rejected at=23:58 status=rejected"},
	"ReservationExpires":          {"event zz transaction.aborted at=23:58 status=expired"},
	"OperatorCancels":             {`cancel by=zoe reason="calls it off"`},
	"OperatorRejects":             {`reject by=zoe reason="calls it off"`},
	"OperatorThenProviderCancels": {`cancel by=zoe reason="calls it off"`, "event zz order_canceled at=23:58 status=cancelled"},
	"OperatorThenItExpires":       {`cancel by=zoe reason="calls it off"`, "event zz transaction.aborted at=23:58 status=expired"},
	"ProviderThenOperatorCancels": {"event zz order_canceled at=23:58 status=cancelled", `cancel by=zoe reason="calls it off"`},
	"RejectedThenCancelled":       {`reject by=zoe reason="calls it off"`, "event zz order_canceled at=23:58 status=cancelled"},
}

// callOff plays the lines, then the undo, and lets everything succeed.
func callOff(t *testing.T, lines, undo []string) {
	o := New(Identity{ID: "order:tevo:44442", Source: "tevo", Provider: "tevo", ProviderOrderID: "44442", Kind: Sale}, DefaultPolicy())
	now := day
	told := false
	for i, line := range slices.Concat(lines, undo) {
		words := split(line)
		if len(words) == 0 || strings.HasPrefix(words[0], "#") {
			continue
		}
		refused, err := perform(o, &now, words)
		if err != nil {
			t.Fatal(err)
		}
		if i >= len(lines) {
			if refused != nil {
				if words[0] == "event" || !strings.Contains(refused.Error(), " ") || len(refused.Error()) < 20 {
					t.Errorf("%s: %v", line, refused)
				}
				if !told {
					return
				}
				continue
			}
			told = told || words[0] == "event"
			if s := o.Plan(now).State; words[0] != "event" && s != Cancelled && s != Rejected {
				t.Errorf("%s was allowed and has no effect: the order is %s", line, s)
			}
		}
	}
	if o.Policy.Adopt && o.Facts.Has(StatusExpired) {
		return // nothing is reserved of a sale of our own
	}
	b := booksOf(o)
	if o.Policy.Adopt && o.Steps[ID(DoVoidInvoice, "", 1)].Outcome != Done {
		b.live["the shop's own"] = true
	}
	b.quiet(t, o, now)

	p := o.Plan(now)
	if !p.State.Final() {
		t.Errorf("the order is %s; want it over", p.State)
	}
	if len(b.live) > 0 && p.Attention == nil && !leftByAPerson(o) {
		t.Errorf("%v is in force and nobody is asked", slices.Collect(maps.Keys(b.live)))
	}
	if last := undo[len(undo)-1]; strings.HasPrefix(last, "event") && p.Attention != nil && p.Attention.Reason == ReasonCancelAtProvider {
		t.Errorf("%s: it is over at the provider, and yet a person is asked to cancel it there", last)
	}
	follow(t, o, now, maps.Clone(b.live))
}

// leftByAPerson reports whether an operator has resolved the very question whether the invoice is to stand.
func leftByAPerson(o *Order) bool {
	return slices.ContainsFunc(o.Decisions, func(d Decision) bool {
		return d.Command == Resolve && slices.Contains([]string{string(ReasonCancelledAfterDelivery), string(ReasonCancelledAfterUse), string(ReasonSupplyLost)}, d.Matter)
	})
}

// follow does what the advices say: cancel where that is offered to void the invoice, else resolve, until nobody is asked.
func follow(t *testing.T, o *Order, now time.Time, live map[string]bool) {
	for range 20 {
		p := o.Plan(now)
		if p.Attention == nil {
			return
		}
		a := *p.Attention
		if a.Detail == "" || a.Advice == "" {
			t.Errorf("%s: got detail %q, advice %q; want both", a.Reason, a.Detail, a.Advice)
		}
		d := Decision{Command: Resolve, By: "zoe", Reason: "done by hand", Reference: "by-hand", At: now}
		voids := strings.Contains(a.Advice, "Send cancel to void")
		if voids {
			d = Decision{Command: Cancel, By: "zoe", Reason: "as advised", At: now}
		}
		if err := o.Check(d, now); err != nil {
			t.Errorf("%s advises %q, and %s is refused: %v", a.Reason, a.Advice, d.Command, err)
			return
		}
		o.Decide(d)
		b := booksOf(o)
		b.live = live
		b.quiet(t, o, now)
		live = b.live
		if voids && len(live) > 0 && o.Plan(now).Attention == nil {
			t.Errorf("%s advises %q, and then %v is in force still", a.Reason, a.Advice, live)
		}
		if q := o.Plan(now).Attention; q != nil && q.Key() == a.Key() {
			t.Errorf("%s is asked again after %s", a.Key(), d.Command)
			return
		}
	}
	t.Errorf("people are asked for ever: %+v", o.Plan(now).Attention)
}

// books are the POS as it may be, at the worst, after what is known of the steps.
type books struct {
	live  map[string]bool
	voids map[StepID]int
}

// booksOf reads them off the steps: whatever began may have been written, unless its failure proves that it was not.
func booksOf(o *Order) books {
	b := books{live: map[string]bool{}, voids: map[StepID]int{}}
	for _, id := range o.StepIDs() {
		r, undo := o.Steps[id], undoing[id.Do()]
		if undo == "" || r.Outcome == Failed && leftNothing(r.Class) {
			continue
		}
		if !o.takenBack(id) {
			b.live[string(id)] = true
		}
	}
	return b
}

// quiet begins, finishes and stops steps until none is wanted or running.
func (b books) quiet(t *testing.T, o *Order, now time.Time) {
	for range 100 {
		p, _ := o.Advance(now)
		busy := len(p.Steps) > 0
		for _, id := range o.StepIDs() {
			if o.Steps[id].Outcome == Running && !slices.Contains(p.Steps, id) {
				o.Record(id, Result{Outcome: Unsure, At: now}) // stopped too late, at the worst
				busy = true
			}
		}
		for _, id := range p.Steps {
			if !id.Do().Undoes() && !o.Policy.Adopt && p.State.Final() {
				t.Fatalf("%s begins after the order was called off", id)
			}
			r := Result{Outcome: Done, At: now, Ref: string(id), Customer: "c1", Amount: o.Total(), Lines: lineIDs(o.LiveLines())}
			switch id.Do() {
			case DoHold:
				r.Holds = r.Lines
			case DoCredit:
				r.Ref = o.InvoiceID()
			case DoReceive:
				r.Ref = o.PurchaseOrderID()
			case DoInvoice, DoPurchaseOrder:
				if !o.Policy.Adopt {
					b.live[string(id)] = true
				}
			case DoVoidInvoice, DoVoidPurchaseOrder:
				if b.voids[id]++; b.voids[id] > 1 {
					t.Fatalf("%s is done twice", id)
				}
				clear(b.live)
				r = Result{Outcome: Done, At: now}
			}
			o.Record(id, r)
		}
		if !busy {
			return
		}
	}
	t.Fatalf("it never becomes quiet: %v", o.Plan(now).Steps)
}
