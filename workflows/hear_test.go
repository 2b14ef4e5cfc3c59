package workflows

import (
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/workflow"

	"willcall/activities"
	"willcall/order"
)

// asked is what came of an update hear.
type asked struct {
	Standing
	err      error
	answered bool
	after    time.Duration // of the run's time
}

// ask sends an event by the update after the given time.
func (b *bench) ask(after time.Duration, e order.Event, wait time.Duration) *asked {
	a := &asked{}
	b.RegisterDelayedCallback(func() { b.askNow(a, func() {}, e, wait) }, after)
	return a
}

func (b *bench) askNow(a *asked, accepted func(), e order.Event, wait time.Duration) {
	b.UpdateWorkflow(UpdateHear, fmt.Sprintf("hear:%s:%p", e.ID, a), &testsuite.TestUpdateCallback{
		OnAccept: accepted,
		OnReject: func(err error) { a.err, a.answered = err, true },
		OnComplete: func(v any, err error) {
			a.answered, a.err, a.after = true, err, b.Now().Sub(began)
			if standing, ok := v.(Standing); ok {
				a.Standing = standing
			}
		},
	}, HearInput{Event: e, Wait: wait})
}

// want checks an answer and when it came.
func (a *asked) want(t *testing.T, state order.State, unknown bool, after time.Duration) {
	t.Helper()
	if !a.answered || a.err != nil || a.State != state || a.Unknown != unknown || a.after != after {
		t.Errorf("got %+v; want %s, unknown %v, after %s", *a, state, unknown, after)
	}
}

// ownSale is a bench for a sale of our own, whose invoice inv_9 the POS has: two tickets of one listing.
func ownSale(t *testing.T) *bench {
	t.Helper()
	b := newBench(t)
	b.policy.Adopt, b.policy.ProviderAPI = true, false
	b.brings["FindInvoice"] = order.Event{ID: "pos:inv_9", Type: "POS invoice", At: began.Add(-time.Hour), Received: began,
		Snapshot: &order.Snapshot{APIID: "inv_9", Show: order.Show{Name: "Rovers at Athletic", StartsAt: began.Add(30 * 24 * time.Hour)},
			Lines: []order.Line{{ID: "15454542", ItemID: "l_1", Inventory: "58222", Quantity: 2, Sum: order.Money{Minor: 9001, Currency: "EUR"}}}}}
	return b
}

// ticket is the event of one ticket that was uploaded.
func ticket(id string) order.Event {
	return order.Event{ID: "w" + id, Type: "order.eticket_fulfilment", Lines: []order.LineFact{{LineID: "15454542", Tickets: []string{id}}}}
}

// callOff ends an order of our own after the given time.
func (b *bench) callOff(after time.Duration) {
	b.hear(after, order.Event{ID: "w-off", Status: order.StatusCancelled})
	b.update(after+time.Minute, order.Cancel, ann)
}

func refused(class string) error {
	return temporal.NewApplicationErrorWithOptions("why", class, temporal.ApplicationErrorOptions{NonRetryable: true})
}

func TestAnEventIsAppliedOnceByUpdateAndSignal(t *testing.T) {
	t.Parallel()
	created := said(0, order.Event{ID: "w1", Type: "created", Snapshot: sold(order.Office), Status: order.StatusPending})
	accepted := said(time.Hour, order.Event{ID: "w2", Type: "accepted", Status: order.StatusAccepted})
	for name, c := range map[string]struct {
		signal, update time.Duration
		lines          int // in the timeline, as it is sent to the store
	}{
		"SignalFirst": {time.Hour, time.Hour + time.Minute, 1},
		"UpdateFirst": {time.Hour + time.Minute, time.Hour, 2},
		"AtOnce":      {time.Hour, time.Hour, 0}, // whichever is first
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			b.signal(0, created)
			b.signal(c.signal, accepted)
			a := b.ask(c.update, accepted, 10*time.Second)
			b.hear(2*time.Hour, order.Event{ID: "w3", Status: order.StatusCompleted})
			b.run(order.Sale)
			a.want(t, order.AwaitingFulfilment, false, c.update)
			if want := []order.StepID{"invoice/1", "accept/1"}; !slices.Equal(b.done, want) {
				t.Errorf("got steps %v; want %v", b.done, want)
			}
			once := order.New(b.last.Order.Identity, b.policy)
			for _, e := range []order.Event{created, accepted, said(2*time.Hour, order.Event{ID: "w3", Status: order.StatusCompleted})} {
				once.Apply(e)
			}
			if !reflect.DeepEqual(b.last.Order.Facts, once.Facts) {
				t.Errorf("got facts %+v; want those of one hearing, %+v", b.last.Order.Facts, once.Facts)
			}
			lines, keys := 0, map[order.Entry]bool{}
			for _, e := range b.timeline {
				if e.WebhookID == "w2" {
					lines++
					keys[e] = true
				}
			}
			if len(keys) != 1 || c.lines != 0 && lines != c.lines {
				t.Errorf("got %d lines of the event, %d of them different; want %d and one", lines, len(keys), c.lines)
			}
		})
	}
}

func TestAnUpdateAloneIsAsGoodAsASignal(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	a := b.ask(0, said(0, order.Event{ID: "w1", Snapshot: sold(order.Office), Status: order.StatusPending}), 10*time.Second)
	b.ask(time.Hour, said(time.Hour, order.Event{ID: "w2", Status: order.StatusCancelled}), 10*time.Second)
	b.run(order.Sale)
	a.want(t, order.Invoicing, false, 0)
	if want := []order.StepID{"invoice/1", "accept/1", "void_invoice/1"}; !slices.Equal(b.done, want) || b.last.Order.StateNow != order.Cancelled {
		t.Errorf("got %s after %v; want cancelled after %v", b.last.Order.StateNow, b.done, want)
	}
}

func TestWhatIsDescribedIsAnsweredAtOnce(t *testing.T) {
	t.Parallel()
	b := ownSale(t)
	b.hear(0, ticket("100"))
	first := b.ask(time.Hour, said(0, ticket("100")), 10*time.Second) // a repeat
	second := b.ask(2*time.Hour, said(2*time.Hour, ticket("101")), 10*time.Second)
	b.run(order.Sale)
	first.want(t, order.PartiallyFulfilled, false, time.Hour)
	second.want(t, order.Fulfilled, false, 2*time.Hour)
	if b.calls["invoice/1"] != 1 || b.last.Order.StateNow != order.Completed {
		t.Errorf("got %d look-ups and %s; want one, and completed after the event", b.calls["invoice/1"], b.last.Order.StateNow)
	}
}

func TestAnAnswerWaitsForTheInvoiceToBeFound(t *testing.T) {
	t.Parallel()
	b := ownSale(t)
	b.fail = func(_ activities.Step, attempt int) error {
		if attempt <= 2 { // one second, then two
			return outage()
		}
		return nil
	}
	a := b.ask(0, said(0, ticket("100")), 10*time.Second)
	b.callOff(time.Hour)
	b.run(order.Sale)
	a.want(t, order.PartiallyFulfilled, false, 3*time.Second)
}

// TestOnlyWhatThePOSDoesNotHaveIsUnknown: a provider who is told "unknown" may take its tickets elsewhere.
func TestOnlyWhatThePOSDoesNotHaveIsUnknown(t *testing.T) {
	t.Parallel()
	for class, unknown := range map[string]bool{"not_found": true, "duplicate": false, "unauthorized": false, "unsupported": false} {
		t.Run(class, func(t *testing.T) {
			t.Parallel()
			b := ownSale(t)
			b.fail = func(_ activities.Step, attempt int) error {
				if attempt == 1 {
					return outage()
				}
				return refused(class)
			}
			waits := b.ask(0, said(0, ticket("100")), 10*time.Second)
			later := b.ask(time.Hour, said(time.Hour, ticket("101")), 10*time.Second)
			b.callOff(2 * time.Hour)
			b.update(3*time.Hour, order.Resolve, ann) // a class that does not prove that nothing is there asks again
			b.run(order.Sale)
			waits.want(t, order.Received, unknown, time.Second)
			later.want(t, order.Received, unknown, time.Hour)
		})
	}
}

func TestAnAnswerDoesNotWaitLongerThanTheSender(t *testing.T) {
	t.Parallel()
	b := ownSale(t)
	b.fail = func(activities.Step, int) error {
		if b.Now().Before(began.Add(time.Hour)) {
			return outage()
		}
		return nil
	}
	var reason order.Reason
	a := b.ask(0, said(0, ticket("100")), 10*time.Second)
	cancelled := b.ask(30*time.Second, said(30*time.Second, order.Event{ID: "w2", Status: order.StatusCancelled}), 5*time.Second)
	b.RegisterDelayedCallback(func() { reason = b.attention() }, 2*time.Minute)
	b.update(2*time.Hour, order.Cancel, ann)
	b.run(order.Sale)
	a.want(t, order.Received, false, 10*time.Second)
	cancelled.want(t, order.Cancelled, false, 35*time.Second)
	if reason != order.ReasonSupplyLost {
		t.Errorf("got attention %q; want %q: the event counts although its answer said little", reason, order.ReasonSupplyLost)
	}
}

func TestSeveralAsk(t *testing.T) {
	t.Parallel()
	b := ownSale(t)
	b.fail = func(_ activities.Step, attempt int) error {
		if attempt == 1 {
			return outage()
		}
		return nil
	}
	var all []*asked
	for i := range 8 {
		all = append(all, b.ask(0, said(0, ticket(fmt.Sprint(100+i%2))), 10*time.Second))
	}
	b.run(order.Sale)
	for _, a := range all {
		a.want(t, order.Fulfilled, false, time.Second)
	}
	if got := b.last.Order.Facts.Lines["15454542"].Tickets; !slices.Equal(got, []string{"100", "101"}) || b.calls["invoice/1"] != 2 {
		t.Errorf("got tickets %v after %d look-ups; want both after the second", got, b.calls["invoice/1"])
	}
}

func TestAnEventThatComesWhileTheOrderIsLoadedIsAnswered(t *testing.T) {
	t.Parallel()
	b := ownSale(t)
	a := &asked{}
	b.onBegin = func() {
		there := make(chan struct{})
		b.askNow(a, func() { close(there) }, said(0, ticket("100")), 10*time.Second)
		<-there
	}
	b.hear(0, ticket("101"))
	b.run(order.Sale)
	a.want(t, order.Fulfilled, false, 0)
}

// TestARunThatWantsToCloseAnswersFirst: the order was cancelled before anything described it; the run ends when it has been
// quiet for long enough, and a repeat of the cancellation comes a moment before.
func TestARunThatWantsToCloseAnswersFirst(t *testing.T) {
	t.Parallel()
	b := ownSale(t)
	b.policy.Adopt = false // nothing is looked for
	cancelled := said(0, order.Event{ID: "w1", Status: order.StatusCancelled})
	closes := b.policy.Quiet
	b.signal(0, cancelled)
	a := b.ask(closes-time.Second, cancelled, 10*time.Second)
	b.run(order.Sale)
	a.want(t, order.Cancelled, false, closes+9*time.Second)
	if !b.last.Closed {
		t.Error("the order is stored as open; want closed")
	}
}

func TestARunIsNotContinuedAsNewBeforeItHasAnswered(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.SetContinueAsNewSuggested(true)
	a := b.ask(0, said(0, order.Event{ID: "w1", Status: order.StatusAccepted}), 10*time.Second)
	b.hear(time.Hour, order.Event{ID: "w2", Status: order.StatusAccepted})
	b.ExecuteWorkflow(OrderWorkflow, OrderInput{Identity: order.Identity{ID: "order:tevo:1", Source: "tevo", Provider: "tevo", Kind: order.Sale}})
	if err := b.GetWorkflowError(); !workflow.IsContinueAsNewError(err) {
		t.Fatalf("got %v; want the run continued as new", err)
	}
	a.want(t, order.Received, false, 10*time.Second)
}

// TestACancellationInTheTemporalUISpoilsNoAnswer: it is an operator's order, not the end of the run.
func TestACancellationInTheTemporalUISpoilsNoAnswer(t *testing.T) {
	t.Parallel()
	b := ownSale(t)
	b.fail = func(activities.Step, int) error { return outage() }
	waiting := b.ask(0, said(0, ticket("100")), 10*time.Second)
	b.RegisterDelayedCallback(b.CancelWorkflow, 5*time.Second)
	later := b.ask(time.Hour, said(time.Hour, ticket("101")), 10*time.Second)
	b.hear(2*time.Hour, order.Event{ID: "w2", Status: order.StatusCancelled})
	b.RegisterDelayedCallback(func() { b.fail = nil }, 30*time.Second)
	b.run(order.Sale)
	waiting.want(t, order.Cancelled, false, 10*time.Second)
	later.want(t, order.Cancelled, false, time.Hour+10*time.Second)
}

// TestWhatIsBeingStoredDoesNotChange: a local activity gets its input as it is, not as a copy, and an update may come while
// it is retried.
func TestWhatIsBeingStoredDoesNotChange(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	a := &asked{}
	b.onSave = func(in activities.SaveInput) {
		b.onSave = nil
		before := in.Order.Revision
		answered := make(chan struct{})
		b.UpdateWorkflow(UpdateHear, "hear:w2", &testsuite.TestUpdateCallback{OnComplete: func(v any, err error) {
			a.answered, a.err = true, err
			close(answered)
		}}, HearInput{Event: said(0, order.Event{ID: "w2", Status: order.StatusCancelled}), Wait: time.Second})
		<-answered
		if in.Order.Revision != before || in.Order.Facts.Has(order.StatusCancelled) {
			t.Errorf("revision %d became %d while it was stored; want what was handed over", before, in.Order.Revision)
		}
	}
	b.hear(0, order.Event{ID: "w1", Snapshot: sold(order.Office), Status: order.StatusPending})
	b.run(order.Sale)
	if !a.answered || a.err != nil || b.last.Order.StateNow != order.Cancelled || len(b.live) != 0 {
		t.Errorf("got %+v, %s, invoices %v; want an answer, cancelled and none", *a, b.last.Order.StateNow, b.live)
	}
}

func TestASaleOfOurOwnIsFoundAndNeverInvoiced(t *testing.T) {
	t.Parallel()
	b := ownSale(t)
	b.hear(0, ticket("100"))
	b.callOff(time.Hour)
	b.run(order.Sale)
	if want := []order.StepID{"invoice/1", "void_invoice/1"}; !slices.Equal(b.done, want) {
		t.Errorf("got steps %v; want %v", b.done, want)
	}
	if b.by["invoice/1"] != "FindInvoice" || b.by["void_invoice/1"] != "VoidInvoice" {
		t.Errorf("got activities %v; want FindInvoice and VoidInvoice", b.by)
	}
	if find, void := b.inputs["invoice/1"], b.inputs["void_invoice/1"]; !find.Adopted || find.Invoice != "" || !void.Adopted || void.Invoice != "inv_9" {
		t.Errorf("got %+v, then %+v; want both adopted, and the void to name inv_9", find, void)
	}
	if o := b.last.Order; o.CustomerID() != "c1" || o.Facts.Described.By != "pos:inv_9" || o.Total() != (order.Money{Minor: 9001, Currency: "EUR"}) {
		t.Errorf("got customer %q, described by %q, total %s; want what the invoice says", o.CustomerID(), o.Facts.Described.By, o.Total())
	}
}

func TestAnInvoiceThatAnOperatorNamesIsRead(t *testing.T) {
	t.Parallel()
	b := ownSale(t)
	b.fail = func(s activities.Step, _ int) error {
		if s.ID == "invoice/1" {
			return refused("not_found")
		}
		return nil
	}
	b.hear(0, ticket("100"))
	unnamed := b.update(time.Hour, order.Resolve, ann)
	named := b.update(2*time.Hour, order.Resolve, OperatorInput{By: "ann", Reason: "it has another number", Reference: "inv_9"})
	a := b.ask(3*time.Hour, said(3*time.Hour, ticket("101")), 10*time.Second)
	b.callOff(4 * time.Hour)
	b.run(order.Sale)
	if *unnamed == nil || *named != nil {
		t.Errorf("got %v and %v; want the resolve without a reference refused, and the other taken", *unnamed, *named)
	}
	a.want(t, order.Fulfilled, false, 3*time.Hour)
	if want := []order.StepID{"read_invoice:inv_9/1", "void_invoice/1"}; !slices.Equal(b.done, want) {
		t.Errorf("got steps %v; want %v", b.done, want)
	}
	read, void := b.inputs["read_invoice:inv_9/1"], b.inputs["void_invoice/1"]
	if b.by["read_invoice:inv_9/1"] != "FindInvoice" || !read.Adopted || read.Invoice != "inv_9" || !void.Adopted || void.Invoice != "inv_9" {
		t.Errorf("got %s with %+v, then %+v; want inv_9 read by FindInvoice and voided", b.by["read_invoice:inv_9/1"], read, void)
	}
}

// attachSale is a bench for a sale of our own whose tickets are put on the invoice.
func attachSale(t *testing.T) *bench {
	t.Helper()
	b := ownSale(t)
	b.policy.Attach = true
	return b
}

// TestTheLastTicketsAnswerWaitsForTheInvoice: the sender may never ask again, so the answer is worth waiting for.
func TestTheLastTicketsAnswerWaitsForTheInvoice(t *testing.T) {
	t.Parallel()
	b := attachSale(t)
	b.fail = func(s activities.Step, attempt int) error {
		if s.ID.Do() == order.DoAttach && attempt == 1 {
			return outage() // the next attempt comes after a second
		}
		return nil
	}
	first := b.ask(0, said(0, ticket("100")), 10*time.Second)
	last := b.ask(time.Hour, said(time.Hour, ticket("101")), 10*time.Second)
	again := b.ask(2*time.Hour, said(time.Hour, ticket("101")), 10*time.Second)
	b.run(order.Sale)
	first.want(t, order.PartiallyFulfilled, false, 0)
	last.want(t, order.Fulfilled, false, time.Hour+time.Second)
	again.want(t, order.Fulfilled, false, 2*time.Hour)
	if len(b.done) != 2 || b.done[1].Do() != order.DoAttach || b.by[b.done[1]] != "AttachTickets" {
		t.Fatalf("got steps %v by %v; want the invoice found and the tickets attached, once each", b.done, b.by)
	}
	want := []order.Upload{{Line: "15454542", Ticket: "100", Event: "w100"}, {Line: "15454542", Ticket: "101", Event: "w101"}}
	if in := b.inputs[b.done[1]]; in.Invoice != "inv_9" || !slices.Equal(in.Uploads, want) {
		t.Errorf("got %+v; want both tickets for inv_9", in)
	}
}

// TestDuringAnOutageTheAnswerIsNoFinalOne: nor is it an error.
func TestDuringAnOutageTheAnswerIsNoFinalOne(t *testing.T) {
	t.Parallel()
	for name, fails := range map[string]error{"Outage": outage(), "Refused": refused("unsupported")} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := attachSale(t)
			b.fail = func(s activities.Step, _ int) error {
				if s.ID.Do() == order.DoAttach && b.Now().Before(began.Add(time.Hour)) {
					return fails
				}
				return nil
			}
			b.hear(0, ticket("100"))
			waited := 3 * time.Second
			if name == "Refused" {
				waited = 0 // a person's move: nobody waits for that
			}
			last := b.ask(time.Minute, said(time.Minute, ticket("101")), 3*time.Second)
			b.update(2*time.Hour, order.Retry, ann)
			later := b.ask(3*time.Hour, said(time.Minute, ticket("101")), 3*time.Second)
			b.run(order.Sale)
			last.want(t, order.PartiallyFulfilled, false, time.Minute+waited)
			later.want(t, order.Fulfilled, false, 3*time.Hour)
		})
	}
}

func TestWhatAttachingLeavesOutIsInTheTimeline(t *testing.T) {
	t.Parallel()
	b := attachSale(t)
	b.without = "this POS takes no ticket files"
	b.hear(0, ticket("100"))
	b.hear(time.Hour, ticket("101"))
	b.run(order.Sale)
	if !slices.ContainsFunc(b.timeline, func(e order.Entry) bool { return e.Detail == b.without }) {
		t.Errorf("got %+v; want a line that says what was left out", b.timeline)
	}
}

// TestACancellationStopsAttaching: nothing is put on an invoice that is void.
func TestACancellationStopsAttaching(t *testing.T) {
	t.Parallel()
	b := attachSale(t)
	b.fail = func(s activities.Step, _ int) error {
		if s.ID.Do() == order.DoAttach {
			return outage()
		}
		return nil
	}
	b.hear(0, ticket("100"))
	b.hear(time.Hour, ticket("101"))
	b.callOff(time.Hour + 30*time.Second)
	b.run(order.Sale)
	if want := []order.StepID{"invoice/1", "void_invoice/1"}; !slices.Equal(b.done, want) || b.last.Order.StateNow != order.Cancelled {
		t.Errorf("got %s after %v; want cancelled after %v", b.last.Order.StateNow, b.done, want)
	}
}

// TestACorrectionIsAnsweredAtOnce: the order was fulfilled before, and stays so whatever the POS is doing.
func TestACorrectionIsAnsweredAtOnce(t *testing.T) {
	t.Parallel()
	b := attachSale(t)
	b.fail = func(s activities.Step, _ int) error {
		if s.ID.Do() == order.DoAttach && !b.Now().Before(began.Add(time.Hour)) && b.Now().Before(began.Add(2*time.Hour)) {
			return outage()
		}
		return nil
	}
	b.hear(0, ticket("100"))
	b.hear(time.Minute, ticket("101"))
	corrected := ticket("101")
	corrected.ID = "w101-corrected"
	a := b.ask(time.Hour, said(time.Hour, corrected), 10*time.Second)
	b.run(order.Sale)
	a.want(t, order.Fulfilled, false, time.Hour)
	if n := len(b.done); n != 3 || b.inputs[b.done[2]].Uploads[1].Event != corrected.ID {
		t.Errorf("got steps %v; want the corrected ticket attached in the end", b.done)
	}
}
