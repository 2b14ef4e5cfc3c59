package workflows

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	sdklog "go.temporal.io/sdk/log"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/workflow"

	"willcall/activities"
	"willcall/order"
)

var began = time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)

// bench runs the Order workflow in the SDK's test environment, where time skips, with a POS and a provider in memory.
type bench struct {
	*testsuite.TestWorkflowEnvironment
	t      *testing.T
	policy order.Policy
	stored *order.Order // what Postgres has, if the order was known before
	last   activities.SaveInput
	saves  int
	live   map[order.StepID]bool // POS records in force
	done   []order.StepID        // effects in the order in which they happened
	fail   func(s activities.Step, attempt int) error
	calls  map[order.StepID]int
	called []time.Time
	onSave func(activities.SaveInput)

	mu       sync.Mutex // activities run side by side
	inputs   map[order.StepID]activities.Step
	by       map[order.StepID]string                 // the activity that did the step
	brings   map[string]order.Event                  // what an activity learns, by its name
	news     func(activities.SaveInput) *order.Event // what SaveOrder returns as news
	onBegin  func()
	can      []order.Ability
	without  string        // what attaching tickets leaves out
	timeline []order.Entry // every line that was to be stored, repeats included
}

func newBench(t *testing.T) *bench {
	t.Helper()
	var suite testsuite.WorkflowTestSuite
	suite.SetDisableRegistrationAliasing(true)
	suite.SetLogger(sdklog.NewStructuredLogger(slog.New(slog.DiscardHandler)))
	b := &bench{TestWorkflowEnvironment: suite.NewTestWorkflowEnvironment(), t: t, policy: order.DefaultPolicy(),
		live: map[order.StepID]bool{}, calls: map[order.StepID]int{}, inputs: map[order.StepID]activities.Step{},
		by: map[order.StepID]string{}, brings: map[string]order.Event{}}
	b.SetStartTime(began)
	b.SetTestTimeout(time.Minute)
	acts := &activities.Activities{}
	Register(b)
	RegisterLocal(b, acts)
	RegisterPOS(b, acts)
	RegisterProvider(b, acts)
	b.OnActivity("BeginOrder", mock.Anything, mock.Anything).Return(func(_ context.Context, in activities.BeginInput) (*order.Order, error) {
		if b.onBegin != nil {
			b.onBegin()
		}
		o := b.stored
		if o == nil {
			o = order.New(in.Order, b.policy)
		}
		for _, e := range in.Events {
			o.Apply(e)
		}
		o.Advance(in.Now)
		b.last = activities.SaveInput{Order: o, Now: in.Now}
		b.timeline = append(b.timeline, o.TakeTimeline()...)
		return o, nil
	})
	b.OnActivity("SaveOrder", mock.Anything, mock.Anything).Return(func(_ context.Context, in activities.SaveInput) (activities.Saved, error) {
		b.last, b.saves = in, b.saves+1
		b.timeline = append(b.timeline, in.Timeline...)
		if b.onSave != nil {
			b.onSave(in)
		}
		if b.news != nil {
			return activities.Saved{News: b.news(in)}, nil
		}
		return activities.Saved{}, nil
	})
	for _, name := range []string{"CreateInvoice", "FindInvoice", "VoidInvoice", "AttachTickets", "CreatePurchaseOrder", "VoidPurchaseOrder", "ConfirmOrder", "AcceptOrder", "RejectOrder", "FetchAirbill",
		"LookForTickets", "DeliverETickets", "RevokeETickets", "TransferTickets", "LeaveAtWillCall", "MarkFulfilled", "ReceiveTickets", "HoldTickets", "ReleaseHold", "CreditInvoice"} {
		b.OnActivity(name, mock.Anything, mock.Anything).Return(func(_ context.Context, s activities.Step) (activities.Done, error) {
			return b.act(name, s)
		})
	}
	return b
}

// act plays every activity that leaves the house.
func (b *bench) act(name string, s activities.Step) (activities.Done, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.calls[s.ID]++
	b.inputs[s.ID], b.by[s.ID] = s, name
	b.called = append(b.called, b.Now())
	if b.fail != nil {
		if err := b.fail(s, b.calls[s.ID]); err != nil {
			return activities.Done{}, err
		}
	}
	b.done = append(b.done, s.ID)
	if e, ok := b.brings[name]; ok {
		done := activities.Done{Event: &e}
		if name == "FindInvoice" {
			done.Ref, done.Customer = e.Snapshot.APIID, "c1"
		}
		return done, nil
	}
	switch s.ID.Do() {
	case order.DoInvoice, order.DoPurchaseOrder:
		b.live[s.ID] = true
		var lines []string
		for _, l := range s.Lines {
			lines = append(lines, l.ID)
		}
		return activities.Done{Ref: "77", Customer: "c1", Amount: s.Total, Lines: lines, Can: b.can}, nil
	case order.DoVoidInvoice, order.DoVoidPurchaseOrder:
		clear(b.live)
	case order.DoAttach, order.DoReceive:
		return activities.Done{Ref: s.Invoice, Detail: b.without}, nil
	case order.DoETickets, order.DoTransfer, order.DoWillCall:
		var lines []string
		for _, l := range s.Supplied {
			lines = append(lines, l.LineID)
		}
		return activities.Done{Lines: lines}, nil
	case order.DoCredit:
		var lines []string
		for _, l := range s.Lines {
			lines = append(lines, l.ID)
		}
		return activities.Done{Ref: s.Invoice, Amount: s.Total, Lines: lines}, nil
	case order.DoHold:
		var lines []string
		for _, l := range s.Lines {
			lines = append(lines, l.ID)
		}
		return activities.Done{Holds: []string{"h1"}, Lines: lines}, nil
	}
	return activities.Done{}, nil
}

func (b *bench) run(kind order.Kind) {
	b.t.Helper()
	id := order.Identity{ID: "order:tevo:1", Source: "tevo", Provider: "tevo", ProviderOrderID: "1", Kind: kind}
	b.ExecuteWorkflow(OrderWorkflow, OrderInput{Identity: id})
	if !b.IsWorkflowCompleted() {
		b.t.Fatal("the workflow did not end")
	}
	if err := b.GetWorkflowError(); err != nil {
		b.t.Fatalf("the workflow failed: %v", err)
	}
}

// hear delivers an event after the given time.
func (b *bench) hear(after time.Duration, e order.Event) {
	b.signal(after, said(after, e))
}

// said dates an event.
func said(after time.Duration, e order.Event) order.Event {
	e.At, e.Received = began.Add(after), began.Add(after)
	return e
}

// signal delivers an event as it is after the given time.
func (b *bench) signal(after time.Duration, e order.Event) {
	b.RegisterDelayedCallback(func() { b.SignalWorkflow(SignalProviderEvent, e) }, after)
}

// update sends an operator's update after the given time and reports what came of it.
func (b *bench) update(after time.Duration, c order.Command, in OperatorInput) *error {
	var outcome error
	b.RegisterDelayedCallback(func() {
		b.UpdateWorkflow(string(c), fmt.Sprintf("u-%s-%s", c, after), &testsuite.TestUpdateCallback{
			OnReject: func(err error) { outcome = err }, OnAccept: func() {}, OnComplete: func(any, error) {},
		}, in)
	}, after)
	return &outcome
}

func sold(buyer order.BuyerClass) *order.Snapshot {
	return &order.Snapshot{APIID: "147277", Buyer: buyer,
		Show:  order.Show{ID: "915177", Name: "Rovers at Athletic", StartsAt: began.Add(30 * 24 * time.Hour)},
		Lines: []order.Line{{ID: "1", Inventory: "58222", Quantity: 2, Unit: order.Money{Minor: 2700, Currency: "USD"}}}}
}

func unavailable(why string) error {
	return temporal.NewApplicationErrorWithOptions(why, "unavailable", temporal.ApplicationErrorOptions{NonRetryable: true})
}

func outage() error { return temporal.NewApplicationError("no answer", "outcome_unknown") }

var ann = OperatorInput{By: "ann", Reason: "she says so"}

func TestOfficeSaleIsInvoicedAcceptedFulfilledAndClosed(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.hear(0, order.Event{ID: "w1", Snapshot: sold(order.Office), Status: order.StatusPending})
	b.hear(time.Hour, order.Event{ID: "w2", Status: order.StatusAccepted})
	b.hear(2*time.Hour, order.Event{ID: "w3", Lines: []order.LineFact{{LineID: "1", Delivered: began.Add(2 * time.Hour)}}})
	b.run(order.Sale)
	if want := []order.StepID{"invoice/1", "accept/1"}; !slices.Equal(b.done, want) {
		t.Errorf("got steps %v; want %v", b.done, want)
	}
	if b.last.Order.StateNow != order.Completed || !b.last.Closed {
		t.Errorf("got %s, closed %v; want completed and closed", b.last.Order.StateNow, b.last.Closed)
	}
}

func TestACancellationStopsARetriedInvoiceAndUndoesIt(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.fail = func(s activities.Step, _ int) error {
		if s.ID.Do() == order.DoInvoice {
			return outage() // for ever
		}
		return nil
	}
	b.hear(0, order.Event{ID: "w1", Snapshot: sold(order.Office), Status: order.StatusPending})
	b.hear(5*time.Minute, order.Event{ID: "w2", Status: order.StatusCancelled})
	b.run(order.Sale)
	if want := []order.StepID{"void_invoice/1"}; !slices.Equal(b.done, want) {
		t.Errorf("got steps %v; want %v: what had no answer must be looked for and voided", b.done, want)
	}
	if b.last.Order.StateNow != order.Cancelled {
		t.Errorf("got %s; want cancelled", b.last.Order.StateNow)
	}
}

func TestAnOutageAsksForAPersonAndGoesOnByItself(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	var asked order.Reason
	b.fail = func(s activities.Step, attempt int) error {
		if s.ID.Do() == order.DoInvoice && b.Now().Before(began.Add(time.Hour)) {
			return outage()
		}
		return nil
	}
	b.RegisterDelayedCallback(func() { asked = b.attention() }, 30*time.Minute)
	b.hear(0, order.Event{ID: "w1", Snapshot: sold(order.Office), Status: order.StatusPending})
	b.hear(3*time.Hour, order.Event{ID: "w2", Status: order.StatusCancelled})
	b.run(order.Sale)
	if asked != order.ReasonStepSlow {
		t.Errorf("after half an hour got attention %q; want %q", asked, order.ReasonStepSlow)
	}
	if want := []order.StepID{"invoice/1", "accept/1", "void_invoice/1"}; !slices.Equal(b.done, want) {
		t.Errorf("got steps %v; want %v", b.done, want)
	}
	if void := b.inputs["void_invoice/1"]; void.Adopted || void.Invoice != "77" {
		t.Errorf("got %+v voided; want invoice 77, whether its reference is found or not", void)
	}
}

func (b *bench) attention() order.Reason {
	b.t.Helper()
	v, err := b.QueryWorkflow(QueryOrder)
	if err != nil {
		b.t.Fatal(err)
	}
	var a Answer
	if err := v.Get(&a); err != nil {
		b.t.Fatal(err)
	}
	if a.Attention == nil {
		return ""
	}
	return a.Attention.Reason
}

func TestSeatsGoneWaitForAnOperatorWhoRetries(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.fail = func(s activities.Step, attempt int) error {
		if s.ID.Do() == order.DoInvoice && attempt == 1 {
			return unavailable("seat 2 is sold")
		}
		return nil
	}
	var before, after order.Reason
	b.RegisterDelayedCallback(func() { before = b.attention() }, time.Hour)
	refused := b.update(90*time.Minute, order.Retry, OperatorInput{By: "ann"})
	accepted := b.update(2*time.Hour, order.Retry, ann)
	b.RegisterDelayedCallback(func() { after = b.attention() }, 3*time.Hour)
	b.hear(0, order.Event{ID: "w1", Snapshot: sold(order.Office), Status: order.StatusPending})
	b.hear(5*time.Hour, order.Event{ID: "w2", Status: order.StatusCancelled})
	b.run(order.Sale)
	if before != "step_unavailable" || after != "" {
		t.Errorf("got attention %q, then %q; want step_unavailable, then none", before, after)
	}
	if *refused == nil || !strings.Contains((*refused).Error(), "say who orders it and why") {
		t.Errorf("an update without a reason: got %v; want a refusal that says what is missing", *refused)
	}
	if *accepted != nil || b.calls["invoice/1"] != 2 {
		t.Errorf("got %v and %d calls; want the retry to be taken and to make the second", *accepted, b.calls["invoice/1"])
	}
}

func TestADeclinedBuyerIsRejectedByAnOperator(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.hear(0, order.Event{ID: "w1", Snapshot: sold(order.Client), Status: order.StatusPending, Fraud: order.FraudPending})
	b.hear(time.Hour, order.Event{ID: "w2", Fraud: order.FraudDeclined})
	b.update(2*time.Hour, order.Reject, ann)
	late := b.update(3*time.Hour, order.Approve, ann)
	b.run(order.Sale)
	if want := []order.StepID{"reject/1"}; !slices.Equal(b.done, want) {
		t.Errorf("got steps %v; want %v", b.done, want)
	}
	if *late == nil {
		t.Error("an approval of a rejected order was taken")
	}
}

func TestACancellationInTheTemporalUIIsCarriedOut(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.hear(0, order.Event{ID: "w1", Snapshot: sold(order.Office), Status: order.StatusPending})
	b.RegisterDelayedCallback(b.CancelWorkflow, time.Hour)
	b.hear(2*time.Hour, order.Event{ID: "w2", Status: order.StatusCancelled})
	b.run(order.Sale)
	if len(b.live) != 0 || b.last.Order.StateNow != order.Cancelled {
		t.Errorf("got POS records %v and state %s; want none and cancelled", b.live, b.last.Order.StateNow)
	}
}

func TestANewRunFindsWhatIsDone(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.stored = order.New(order.Identity{ID: "order:tevo:1", Source: "tevo", Provider: "tevo", Kind: order.Sale}, b.policy)
	b.stored.Apply(order.Event{ID: "w1", At: began.Add(-time.Hour), Received: began.Add(-time.Hour), Snapshot: sold(order.Office)})
	b.stored.Record("invoice/1", order.Result{Outcome: order.Done, At: began, Ref: "77", Amount: b.stored.Total()})
	b.stored.Record("accept/1", order.Result{Outcome: order.Done, At: began})
	b.hear(0, order.Event{ID: "w2", Status: order.StatusCancelled})
	b.run(order.Sale)
	if want := []order.StepID{"void_invoice/1"}; !slices.Equal(b.done, want) {
		t.Errorf("got steps %v; want just the undoing: the rest was done in an earlier run", b.done)
	}
}

func TestAStepOfATerminatedRunIsLookedForBeforeItIsUndone(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.stored = order.New(order.Identity{ID: "order:tevo:1", Source: "tevo", Provider: "tevo", Kind: order.Sale}, b.policy)
	b.stored.Apply(order.Event{ID: "w1", At: began, Received: began, Snapshot: sold(order.Office)})
	b.stored.Record("invoice/1", order.Result{Outcome: order.Running, At: began})
	b.hear(0, order.Event{ID: "w2", Status: order.StatusCancelled})
	b.run(order.Sale)
	if want := []order.StepID{"void_invoice/1"}; !slices.Equal(b.done, want) {
		t.Errorf("got steps %v; want %v", b.done, want)
	}
}

func TestNewsThatComesWhileTheOrderIsStoredStopsWhatWasAboutToBegin(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.onSave = func(in activities.SaveInput) {
		if in.Order.StateNow == order.Invoicing {
			b.onSave = nil
			b.SignalWorkflow(SignalProviderEvent, order.Event{ID: "w3", At: began, Received: began, Status: order.StatusCancelled})
		}
	}
	b.hear(0, order.Event{ID: "w1", Snapshot: sold(order.Client), Fraud: order.FraudPending})
	b.hear(time.Hour, order.Event{ID: "w2", Fraud: order.FraudApproved})
	b.run(order.Sale)
	if b.calls["invoice/1"] != 0 || b.last.Order.StateNow != order.Cancelled {
		t.Errorf("got %d calls to invoice and state %s; want none: the cancellation was there first", b.calls["invoice/1"], b.last.Order.StateNow)
	}
}

func TestNewsThatComesWhileTheOrderIsClosedKeepsItOpen(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	closed := 0
	b.onSave = func(in activities.SaveInput) {
		if in.Closed {
			if closed++; closed == 1 {
				b.SignalWorkflow(SignalProviderEvent, order.Event{ID: "w9", Type: "late", At: b.Now(), Received: b.Now()})
			}
		}
	}
	b.hear(0, order.Event{ID: "w1", Snapshot: sold(order.Office)})
	b.hear(time.Hour, order.Event{ID: "w2", Status: order.StatusCancelled})
	b.run(order.Sale)
	if closed != 2 || b.last.Order.LastNews.Before(began.Add(72*time.Hour)) {
		t.Errorf("closed %d times, last news %s; want the late news taken in, and the run closed later", closed, b.last.Order.LastNews)
	}
}

func TestALongRunIsContinuedAsNewBetweenSteps(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.SetContinueAsNewSuggested(true)
	b.fail = func(s activities.Step, attempt int) error {
		if s.ID.Do() == order.DoInvoice && attempt < 3 {
			return outage()
		}
		return nil
	}
	b.hear(0, order.Event{ID: "w1", Snapshot: sold(order.Office)})
	b.ExecuteWorkflow(OrderWorkflow, OrderInput{Identity: order.Identity{ID: "order:tevo:1", Source: "tevo", Provider: "tevo", Kind: order.Sale}})
	if err := b.GetWorkflowError(); !workflow.IsContinueAsNewError(err) {
		t.Fatalf("got %v; want the run continued as new", err)
	}
	if want := []order.StepID{"invoice/1", "accept/1"}; !slices.Equal(b.done, want) || b.last.Order.StateNow != order.AwaitingFulfilment {
		t.Errorf("got steps %v and stored state %s; want both steps finished and stored before the run went over", b.done, b.last.Order.StateNow)
	}
}

func TestAnOperatorsRetryDoesNotWaitForTheNextAttempt(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.fail = func(s activities.Step, _ int) error {
		if s.ID.Do() == order.DoInvoice && b.Now().Before(began.Add(20*time.Minute)) {
			return outage()
		}
		return nil
	}
	b.hear(0, order.Event{ID: "w1", Snapshot: sold(order.Office)})
	at := began.Add(20 * time.Minute) // three seconds before the next attempt would be due
	b.update(20*time.Minute, order.Retry, ann)
	b.hear(time.Hour, order.Event{ID: "w2", Status: order.StatusCancelled})
	b.run(order.Sale)
	if !slices.ContainsFunc(b.called, func(c time.Time) bool { return !c.Before(at) && c.Before(at.Add(time.Second)) }) {
		t.Errorf("no attempt within a second of the operator's retry: %v", b.called)
	}
}

// TestAnyScheduleEndsInOneInvoiceOrNone plays random schedules: webhooks in any order and often twice, a POS that fails in
// every way, an operator who retries.
func TestAnyScheduleEndsInOneInvoiceOrNone(t *testing.T) {
	t.Parallel()
	for seed := range uint64(400) {
		r := rand.New(rand.NewPCG(seed, 3))
		b := newBench(t)
		b.fail = func(s activities.Step, attempt int) error {
			switch {
			case attempt > 4:
				return nil
			case r.IntN(4) == 0:
				return outage()
			case r.IntN(8) == 0:
				return unavailable("not now")
			}
			return nil
		}
		cancelled := seed%2 == 0
		events := []order.Event{
			{ID: "w1", Snapshot: sold(order.Client), Status: order.StatusPending, Fraud: order.FraudPending},
			{ID: "w2", Fraud: order.FraudApproved},
			{ID: "w3", Status: order.StatusAccepted},
		}
		if cancelled {
			events = append(events, order.Event{ID: "w4", Status: order.StatusCancelled})
		}
		for i, e := range events {
			e.At = began.Add(time.Duration(i) * time.Minute)
			for range 1 + r.IntN(2) {
				after := time.Duration(r.IntN(int(4 * time.Hour)))
				e.Received = e.At
				b.RegisterDelayedCallback(func() { b.SignalWorkflow(SignalProviderEvent, e) }, after)
			}
		}
		for i := range 16 {
			b.update(6*time.Hour+time.Duration(i)*time.Hour, order.Retry, ann)
		}
		if !cancelled {
			b.RegisterDelayedCallback(func() {
				b.SignalWorkflow(SignalProviderEvent, order.Event{ID: "w9", At: began.Add(24 * time.Hour), Received: began.Add(24 * time.Hour), Status: order.StatusCompleted})
			}, 24*time.Hour)
		}
		b.run(order.Sale)
		state, records := b.last.Order.StateNow, len(b.live)
		if cancelled && (state != order.Cancelled || records != 0) || !cancelled && (state != order.Completed || records != 1) {
			t.Fatalf("seed %d: got %s with %d POS records after %v", seed, state, records, b.done)
		}
	}
}

func TestAnUpdateBeforeTheOrderIsLoadedIsRefusedPolitely(t *testing.T) {
	t.Parallel()
	s := &shell{}
	if err := s.allowed(order.Decision{Command: order.Cancel, By: "a", Reason: "b"}); err == nil || errors.Is(err, order.ErrRefused) {
		t.Errorf("got %v; want a refusal that asks to send it again", err)
	}
}
