package workflows

import (
	"maps"
	"slices"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"willcall/order"
)

// OperatorInput is the argument of every update.
type OperatorInput struct {
	By        string `json:"by"`
	Reason    string `json:"reason"`
	Reference string `json:"reference,omitempty"` // resolve: the POS id of what was made by hand
}

// Answer is what the query and the updates answer: the order, and what follows from it now.
type Answer struct {
	*order.Order
	State     order.State      `json:"state"`
	Awaits    string           `json:"awaits"`
	Attention *order.Attention `json:"attention"`
	Steps     []order.StepID   `json:"running"`
	Deadline  time.Time        `json:"deadline,omitzero"`
	Total     order.Money      `json:"total"`
}

// updates describes each update for the Temporal UI.
var updates = map[order.Command]string{
	order.Approve: "Go on in spite of a pending or declined fraud check, or approve a sale that waits for a person, or take the pages of a file for the tickets in the order of the seats.",
	order.Reject:  "Refuse the sale at the provider and undo what was done.",
	order.Cancel:  "Call the order off and undo what was done.",
	order.Retry:   "Try the failed or waiting steps again, now.",
	order.Resolve: `What needs attention was settled by hand; "reference" names what you made in the POS.`,
}

// UpdateNames lists the updates in a fixed order.
func UpdateNames() []order.Command {
	return []order.Command{order.Approve, order.Reject, order.Cancel, order.Retry, order.Resolve}
}

// handle registers the query and the updates.
func (s *shell) handle(ctx workflow.Context) error {
	err := workflow.SetQueryHandlerWithOptions(ctx, QueryOrder, func() (Answer, error) {
		return s.answer(workflow.Now(ctx))
	}, workflow.QueryHandlerOptions{Description: "Everything that is known of the order, and what follows from it."})
	if err != nil {
		return err
	}
	err = workflow.SetUpdateHandlerWithOptions(ctx, UpdateHear, s.hear, workflow.UpdateHandlerOptions{
		Description: "Sent by webhookd for providers who expect the order's state in the answer to a webhook. Not for people."})
	if err != nil {
		return err
	}
	for _, command := range UpdateNames() {
		decision := func(ctx workflow.Context, in OperatorInput) order.Decision {
			return order.Decision{Command: command, By: in.By, Reason: in.Reason, Reference: in.Reference, At: workflow.Now(ctx)}
		}
		err := workflow.SetUpdateHandlerWithOptions(ctx, string(command), func(ctx workflow.Context, in OperatorInput) (Answer, error) {
			d := decision(ctx, in)
			if err := s.allowed(d); err != nil { // two updates may have been admitted before either was carried out
				return Answer{}, err
			}
			s.decide(d)
			return s.answer(d.At)
		}, workflow.UpdateHandlerOptions{
			Description: updates[command],
			Validator:   func(ctx workflow.Context, in OperatorInput) error { return s.allowed(decision(ctx, in)) },
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (s *shell) allowed(d order.Decision) error {
	if s.o == nil {
		return temporal.NewNonRetryableApplicationError("the order is still being loaded: send it again in a moment", "refused", nil)
	}
	if err := s.o.Check(d, d.At); err != nil {
		return temporal.NewNonRetryableApplicationError(err.Error(), "refused", nil)
	}
	return nil
}

// decide carries out a decision. Steps that are to be retried while they run are stopped first; they begin anew as soon as
// they have.
func (s *shell) decide(d order.Decision) {
	s.o.Decide(d)
	for _, id := range slices.Sorted(maps.Keys(s.running)) {
		if r := s.running[id]; s.o.Steps[id].Outcome != order.Running && !r.stopping {
			r.stopping = true
			r.stop()
		}
	}
	s.unsaved, s.fired = true, true
}

func (s *shell) answer(now time.Time) (Answer, error) {
	if s.o == nil {
		return Answer{}, temporal.NewNonRetryableApplicationError("the order is still being loaded", "refused", nil)
	}
	p := s.o.Plan(now)
	return Answer{Order: s.o, State: p.State, Awaits: p.Awaits, Attention: p.Attention, Steps: p.Steps, Deadline: p.Deadline, Total: s.o.Total()}, nil
}
