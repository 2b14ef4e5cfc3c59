package workflows

import (
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"willcall/activities"
	"willcall/order"
)

// do names activities by method, so that the compiler catches a rename.
var do *activities.Activities

// Order runs one order: it takes in what is heard, plans, sees to it that exactly the wanted steps run, stores the
// outcome and waits. It ends when package order says that nothing more is expected; later news starts a new run, which
// loads the order from Postgres and goes on.
func Order(ctx workflow.Context, in OrderInput) error {
	s := &shell{in: in, running: map[order.StepID]*running{}}
	s.heard = workflow.GetSignalChannelWithOptions(ctx, SignalProviderEvent, workflow.SignalChannelOptions{
		Description: "What a provider's webhook or a poll said of the order. Sent by webhookd; replay a webhook there instead of sending one by hand."})
	if err := s.handle(ctx); err != nil {
		return err
	}
	// A cancellation asked for in the Temporal UI is an operator's order like any other: it is carried out, not obeyed by
	// vanishing and leaving the POS as it is.
	work, stop := workflow.NewDisconnectedContext(ctx)
	defer stop()
	workflow.Go(ctx, func(ctx workflow.Context) {
		ctx.Done().Receive(ctx, nil)
		s.cancelAsked = true
	})
	if err := s.begin(work); err != nil {
		return err
	}
	for {
		plan, err := s.turn(work)
		if err != nil {
			return err
		}
		if plan.Close {
			if err := s.save(work, true); err != nil {
				return err
			}
			// Whoever asked by an update gets the answer before the run is gone.
			if err := workflow.Await(work, func() bool { return workflow.AllHandlersFinished(work) }); err != nil {
				return err
			}
			if !s.pending() && !s.unsaved {
				return nil
			}
			continue // news came while the order was being closed
		}
		if workflow.GetInfo(work).GetContinueAsNewSuggested() && len(s.running) == 0 && !s.pending() && workflow.AllHandlersFinished(work) {
			return workflow.NewContinueAsNewError(ctx, OrderWorkflow, in)
		}
		s.setTimer(work, plan.Wake)
		if err := workflow.Await(work, s.pending); err != nil {
			return err
		}
	}
}

// shell is the state of one run that is not the order itself.
type shell struct {
	in          OrderInput
	o           *order.Order
	heard       workflow.ReceiveChannel
	running     map[order.StepID]*running
	finished    []finished
	timerAt     time.Time
	timerStop   workflow.CancelFunc
	fired       bool // the timer, or an operator's update: plan anew
	cancelAsked bool // in the Temporal UI
	unsaved     bool
	attributes  attributes
}

// running is a step whose activity has been started.
type running struct {
	stop     workflow.CancelFunc
	stopping bool
	begun    time.Time
}

// finished is the answer of a step's activity, on its way to the order.
type finished struct {
	id   order.StepID
	done activities.Done
	err  error
}

// pending reports whether there is something to take in before the run may wait or end.
func (s *shell) pending() bool {
	return s.heard.Len() > 0 || len(s.finished) > 0 || s.fired || s.cancelAsked
}

// begin loads the order together with the events that are waiting.
func (s *shell) begin(ctx workflow.Context) error {
	in := activities.BeginInput{Order: s.in.Identity, Events: s.drain(), Now: workflow.Now(ctx)}
	var o *order.Order
	if err := workflow.ExecuteLocalActivity(local(ctx, "load the order"), do.BeginOrder, in).Get(ctx, &o); err != nil {
		return err
	}
	s.o = o
	return nil
}

func (s *shell) drain() (events []order.Event) {
	var e order.Event
	for s.heard.ReceiveAsync(&e) {
		events = append(events, e)
		e = order.Event{}
	}
	return events
}

// turn takes in what has come, decides, stores, and starts and stops steps accordingly.
func (s *shell) turn(ctx workflow.Context) (order.Plan, error) {
	for {
		s.takeIn(ctx)
		plan, changed := s.o.Advance(workflow.Now(ctx))
		s.stopUnwanted(plan)
		if s.forgetOrphans(ctx, plan) {
			continue
		}
		if changed || s.unsaved {
			if err := s.save(ctx, false); err != nil {
				return plan, err
			}
			if s.unsaved { // storing it brought news
				continue
			}
		}
		if err := s.publish(ctx, plan); err != nil {
			return plan, err
		}
		s.start(ctx, plan)
		return plan, nil
	}
}

func (s *shell) takeIn(ctx workflow.Context) {
	s.fired = false
	for _, e := range s.drain() {
		s.o.Apply(e)
		s.unsaved = true
	}
	for _, f := range s.finished {
		s.finish(ctx, f)
		s.unsaved = true
	}
	s.finished = nil
	if s.cancelAsked {
		s.cancelAsked = false
		d := order.Decision{Command: order.Cancel, By: "Temporal UI", Reason: "cancellation of the workflow was requested", At: workflow.Now(ctx)}
		if s.o.Check(d, d.At) == nil {
			s.o.Decide(d)
			s.unsaved = true
		}
	}
}

// finish notes what came of a step.
func (s *shell) finish(ctx workflow.Context, f finished) {
	r := s.running[f.id]
	delete(s.running, f.id)
	now := workflow.Now(ctx)
	var refusal *temporal.ApplicationError
	switch {
	case f.err == nil:
		if f.done.Event != nil {
			s.o.Apply(*f.done.Event)
		}
		s.o.Record(f.id, order.Result{Outcome: order.Done, At: now, Ref: f.done.Ref, Customer: f.done.Customer, Amount: f.done.Amount,
			Lines: f.done.Lines, Can: f.done.Can, Holds: f.done.Holds, Detail: f.done.Detail})
	case r.stopping, temporal.IsCanceledError(f.err):
		s.o.Record(f.id, order.Result{Outcome: order.Unsure, At: now})
	case errors.As(f.err, &refusal) && refusal.NonRetryable():
		s.o.Record(f.id, order.Result{Outcome: order.Failed, At: now, Class: refusal.Type(), Detail: refusal.Message()})
	default: // its patience ran out between two attempts, or in the middle of one: it goes on, and a person is told
		s.o.Record(f.id, order.Result{Outcome: order.Running, At: r.begun, Slow: true})
	}
}

// stopUnwanted cancels what runs and is no longer wanted. The activity is waited for: what it may have done decides what
// must be undone.
func (s *shell) stopUnwanted(plan order.Plan) {
	for _, id := range slices.Sorted(maps.Keys(s.running)) {
		if r := s.running[id]; !slices.Contains(plan.Steps, id) && !r.stopping {
			r.stopping = true
			r.stop()
		}
	}
}

// forgetOrphans settles steps that the order holds for running although this run has not started them and does not want
// them: those of a run that was terminated. It reports whether there were any.
func (s *shell) forgetOrphans(ctx workflow.Context, plan order.Plan) (found bool) {
	for _, id := range s.o.StepIDs() {
		if s.o.Steps[id].Outcome == order.Running && s.running[id] == nil && !slices.Contains(plan.Steps, id) {
			s.o.Record(id, order.Result{Outcome: order.Unsure, At: workflow.Now(ctx)})
			s.unsaved, found = true, true
		}
	}
	return found
}

// start begins the wanted steps that do not run yet.
func (s *shell) start(ctx workflow.Context, plan order.Plan) {
	for _, id := range plan.Steps {
		if s.running[id] != nil || s.mustWait(id) {
			continue // once that one has ended there is another turn
		}
		slow := s.o.Steps[id].Slow
		stepCtx, stop := workflow.WithCancel(ctx)
		stepCtx = workflow.WithActivityOptions(stepCtx, stepOptions(s.o, id, slow))
		s.running[id] = &running{stop: stop, begun: s.o.Steps[id].At}
		future := workflow.ExecuteActivity(stepCtx, activityOf(s.o.Policy, id.Do()), s.step(id))
		workflow.Go(ctx, func(ctx workflow.Context) {
			f := finished{id: id}
			f.err = future.Get(ctx, &f.done)
			s.finished = append(s.finished, f)
		})
	}
}

// mustWait reports whether the step must not begin while another is still being stopped: two deliveries at once, or the undoing of
// what is still being done, could each undo what the other does. Runs that were begun before there was such a rule are without it.
func (s *shell) mustWait(id order.StepID) bool {
	if s.o.Policy.UndoAgain == 0 || !id.Do().Gives() && !id.Do().Undoes() {
		return false
	}
	for _, other := range slices.Sorted(maps.Keys(s.running)) {
		if r, what := s.running[other], other.Do(); r.stopping && (what.Gives() || what == order.DoInvoice || what == order.DoPurchaseOrder ||
			what == order.DoHold || what == order.DoCredit) {
			return true
		}
	}
	return false
}

// activityOf is the activity that does a step.
func activityOf(p order.Policy, what order.Do) any {
	switch what {
	case order.DoConfirm, order.DoReread:
		return do.ConfirmOrder
	case order.DoReadInvoice:
		return do.FindInvoice
	case order.DoInvoice:
		if p.Adopt {
			return do.FindInvoice
		}
		return do.CreateInvoice
	case order.DoVoidInvoice:
		return do.VoidInvoice
	case order.DoAttach:
		return do.AttachTickets
	case order.DoLook:
		return do.LookForTickets
	case order.DoETickets:
		return do.DeliverETickets
	case order.DoRevoke:
		return do.RevokeETickets
	case order.DoTransfer:
		return do.TransferTickets
	case order.DoWillCall:
		return do.LeaveAtWillCall
	case order.DoFulfil:
		return do.MarkFulfilled
	case order.DoReceive:
		return do.ReceiveTickets
	case order.DoHold:
		return do.HoldTickets
	case order.DoReleaseHold:
		return do.ReleaseHold
	case order.DoCredit:
		return do.CreditInvoice
	case order.DoPurchaseOrder:
		return do.CreatePurchaseOrder
	case order.DoVoidPurchaseOrder:
		return do.VoidPurchaseOrder
	case order.DoAccept:
		return do.AcceptOrder
	case order.DoReject:
		return do.RejectOrder
	case order.DoAirbill:
		return do.FetchAirbill
	}
	panic("no activity does " + string(what)) // a programming error: the task fails and waits for a fixed worker
}

// step is what the activity of a step is told.
func (s *shell) step(id order.StepID) activities.Step {
	f := s.o.Facts
	in := activities.Step{Order: s.o.Identity, ID: id, APIID: f.APIID, Document: f.Described.By, Received: f.FirstReceived}
	switch id.Do() {
	case order.DoInvoice, order.DoPurchaseOrder:
		in.Lines, in.Total, in.Show = s.o.LiveLines(), s.o.Total(), s.o.Show()
		in.Paid = f.Payment == order.PaymentPaid
		at := s.o.Steps[id].At
		in.Holds, in.Look = s.o.Held(at), s.o.Urgent(at)
	case order.DoHold:
		in.Lines, in.Until = s.o.LiveLines(), s.o.HoldUntil()
	case order.DoReleaseHold:
		in.Lines, in.Holds, in.Until = s.o.Lines(), s.o.Steps[order.ID(order.DoHold, "", 1)].Holds, s.o.HoldUntil()
	case order.DoLook, order.DoFulfil:
		in.Lines, in.Invoice = s.o.LiveLines(), s.o.InvoiceID()
	case order.DoCredit:
		in.Lines, in.Total, in.Invoice, in.Reason = s.o.LiveLines(), s.o.Total(), s.o.InvoiceID(), "tickets were cancelled"
	case order.DoETickets, order.DoTransfer, order.DoWillCall:
		in.Lines, in.Invoice, in.Supplied = s.o.LiveLines(), s.o.InvoiceID(), s.o.ToDeliver(id)
	case order.DoReceive:
		in.Lines, in.Invoice = s.o.Received(), s.o.PurchaseOrderID()
	case order.DoAttach:
		in.Uploads, _ = s.o.Uploads() // it is wanted only if they are whole
		in.Invoice = s.o.InvoiceID()
	case order.DoVoidInvoice, order.DoVoidPurchaseOrder, order.DoReject:
		in.Reason = s.o.Why()
		if restock := s.o.Restock(); !restock {
			in.Restock = &restock
		}
	}
	in.Adopted = s.o.Policy.Adopt
	if in.Adopted || id.Do() == order.DoVoidInvoice {
		in.Invoice = s.o.InvoiceID()
	}
	return in
}

// save stores the order. It is asked for whenever anything is known that Postgres does not know yet.
func (s *shell) save(ctx workflow.Context, closed bool) error {
	stored, err := snapshot(s.o)
	if err != nil {
		return err
	}
	in := activities.SaveInput{Order: stored, Timeline: s.o.TakeTimeline(), Now: workflow.Now(ctx), Closed: closed}
	s.unsaved = false
	var saved activities.Saved
	if err := workflow.ExecuteLocalActivity(local(ctx, "store: "+string(s.o.StateNow)), do.SaveOrder, in).Get(ctx, &saved); err != nil {
		return err
	}
	if saved.News != nil && !s.o.Knows(*saved.News) { // else storing it would never end
		s.o.Apply(*saved.News)
		s.unsaved = true
	}
	return nil
}

// snapshot copies the order by way of the shape in which it is stored. A local activity gets its arguments as they are, not
// encoded, and an update may change the order while one is running or being retried.
func snapshot(o *order.Order) (*order.Order, error) {
	doc, err := json.Marshal(o)
	if err != nil {
		return nil, err
	}
	var out order.Order
	return &out, json.Unmarshal(doc, &out)
}

// setTimer sees to it that the run wakes at t. A timer that fires earlier is kept: firing once too often is cheaper than
// two events for each change of mind.
func (s *shell) setTimer(ctx workflow.Context, t time.Time) {
	if t.IsZero() || !s.timerAt.IsZero() && !s.timerAt.After(t) {
		return
	}
	if s.timerStop != nil {
		s.timerStop()
	}
	timerCtx, stop := workflow.WithCancel(ctx)
	s.timerAt, s.timerStop = t, stop
	timer := workflow.NewTimerWithOptions(timerCtx, max(t.Sub(workflow.Now(ctx)), time.Millisecond),
		workflow.TimerOptions{Summary: "look again: " + t.UTC().Format("2006-01-02 15:04 MST")})
	workflow.Go(ctx, func(ctx workflow.Context) {
		if timer.Get(ctx, nil) == nil {
			s.timerAt, s.timerStop, s.fired = time.Time{}, nil, true
		}
	})
}
