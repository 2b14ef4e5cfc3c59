package tevo

import (
	"cmp"
	"context"

	"willcall/order"
	"willcall/provider"
)

// EnsureAccepted accepts the sale unless it is accepted already, by us or by a person. It may be called as often as one
// likes: it looks first, and again after a refusal. An order that is rejected, cancelled, or about to be, and one in a state
// that we do not know, is a [Conflict].
func (c *Client) EnsureAccepted(ctx context.Context, id string) error {
	return c.ensure(ctx, "accept order", id, acceptance, func() (Order, error) { return c.Accept(ctx, id) })
}

// EnsureRejected rejects the sale unless it is rejected or cancelled already; as [Client.EnsureAccepted]. An order that is
// accepted is a [Conflict]: it can only be cancelled, by both parties.
func (c *Client) EnsureRejected(ctx context.Context, id string, reason Reason) error {
	return c.ensure(ctx, "reject order", id, rejection, func() (Order, error) { return c.Reject(ctx, id, reason) })
}

// A verdict says what an order's status means for what we want of it.
type verdict int

const (
	mustAct verdict = iota
	isDone
	cannot
)

func acceptance(s order.Status) verdict {
	switch s {
	case order.StatusAccepted, order.StatusCompleted:
		return isDone
	case order.StatusPending:
		return mustAct
	}
	return cannot
}

func rejection(s order.Status) verdict {
	switch s {
	case order.StatusRejected, order.StatusCancelled:
		return isDone
	case order.StatusPending:
		return mustAct
	}
	return cannot
}

func (c *Client) ensure(ctx context.Context, op, id string, judge func(order.Status) verdict, act func() (Order, error)) error {
	look := func(o Order) (bool, error) {
		status, unknown := o.body.standing(order.Sale)
		if unknown != "" {
			return true, &provider.CallError{Class: provider.Conflict, Op: op, Detail: "the order is in a state that we do not know"}
		}
		switch judge(status) {
		case isDone:
			return true, nil
		case cannot:
			return true, &provider.CallError{Class: provider.Conflict, Op: op, Detail: "the order is " + cmp.Or(string(status), "in no state")}
		}
		return false, nil
	}
	o, err := c.ShowOrder(ctx, id)
	if err != nil {
		return err
	}
	if settled, err := look(o); settled {
		return err
	}
	o, err = act()
	if err == nil {
		if settled, err := look(o); settled {
			return err
		}
	} else if cl := provider.ClassOf(err); cl != provider.Invalid && cl != provider.NotFound {
		return err
	}
	// Refused, or taken without effect so far: somebody else may have been faster, or an earlier call of ours.
	refused := err
	if o, err = c.ShowOrder(ctx, id); err != nil {
		return err
	}
	if settled, err := look(o); settled {
		return err
	}
	if refused == nil {
		return &provider.CallError{Class: provider.OutcomeUnknown, Op: op, Detail: "the API took the call, and the order is still pending"}
	}
	return refused
}
