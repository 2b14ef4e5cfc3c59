package workflows

import (
	"time"

	"go.temporal.io/sdk/workflow"

	"willcall/order"
)

// HearInput is the argument of [UpdateHear]: the same envelope as the signal's, and how long the sender can wait.
type HearInput struct {
	Event order.Event   `json:"event"`
	Wait  time.Duration `json:"wait"`
}

// Standing is where an order stands, for the provider who asked. Unknown says that the order is none of ours, as far as the
// POS knows.
type Standing struct {
	State   order.State `json:"state"`
	Unknown bool        `json:"unknown,omitempty"`
}

// hear takes the event in and answers once it is clear where the order stands, or when the sender can wait no longer. The
// signal with the same event may come before or after: what is known already is not applied again.
func (s *shell) hear(ctx workflow.Context, in HearInput) (Standing, error) {
	// A cancellation asked for in the Temporal UI is an operator's order, and spoils no answer; see [Order].
	ctx, stop := workflow.NewDisconnectedContext(ctx)
	defer stop()
	if err := workflow.Await(ctx, func() bool { return s.o != nil }); err != nil {
		return Standing{}, err
	}
	if !s.o.Knows(in.Event) {
		s.o.Apply(in.Event)
		s.unsaved, s.fired = true, true
	}
	clear := func() bool { return s.clear() && !s.attaching(ctx) }
	if !clear() {
		if _, err := workflow.AwaitWithTimeout(ctx, in.Wait, clear); err != nil {
			return Standing{}, err
		}
	}
	return Standing{State: s.o.Plan(workflow.Now(ctx)).State, Unknown: s.unknown()}, nil
}

// clear reports whether the order is described, or never will be without a person.
func (s *shell) clear() bool {
	return s.o.Facts.Described != (order.Stamp{}) || s.lookup().Outcome == order.Failed
}

// attaching reports whether the order is fulfilled but for an answer of the POS that may come any moment. It is worth waiting for:
// the sender may never ask again.
func (s *shell) attaching(ctx workflow.Context) bool {
	return s.o.Policy.Attach && s.o.Attaching(s.o.Plan(workflow.Now(ctx)))
}

// unknown reports whether the invoice of a sale of our own was looked for in vain. A look-up that failed otherwise, for want
// of credentials or because there are several, says nothing of the kind.
func (s *shell) unknown() bool {
	r := s.lookup()
	return s.o.Facts.Described == (order.Stamp{}) && r.Outcome == order.Failed && r.Class == "not_found"
}

// lookup is what came of looking for the invoice of a sale of our own.
func (s *shell) lookup() order.Result {
	if !s.o.Policy.Adopt {
		return order.Result{}
	}
	return s.o.Steps[order.ID(order.DoInvoice, "", 1)]
}
