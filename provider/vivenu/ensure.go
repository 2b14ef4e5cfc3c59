package vivenu

import (
	"cmp"
	"context"
	"encoding/json"
	"net/http"

	"willcall/order"
	"willcall/provider"
)

// EnsureIntentApproved approves the purchase intent unless it is approved or completed already. It may be called as often as
// one likes: it looks first, and again after a refusal. An intent that is rejected or cancelled, and one in a state that we do
// not know, is a [provider.Conflict].
func (c *Client) EnsureIntentApproved(ctx context.Context, id string) error {
	return c.ensure(ctx, "approve purchase intent", id, approval, map[string]string{"approvalStatus": "approved"})
}

// EnsureIntentRejected rejects the purchase intent unless it is rejected or cancelled already; as
// [Client.EnsureIntentApproved]. The buyer may get to read the reason. An intent that is approved is a conflict: the buyer may be
// paying for it.
func (c *Client) EnsureIntentRejected(ctx context.Context, id, reason string) error {
	in := map[string]string{"approvalStatus": "rejected"}
	if reason != "" {
		in["rejectionReason"] = reason
	}
	return c.ensure(ctx, "reject purchase intent", id, rejection, in)
}

// A verdict says what an intent's status means for what we want of it.
type verdict int

const (
	mustAct verdict = iota
	isDone
	cannot
)

func approval(s order.Status) verdict {
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

func (c *Client) ensure(ctx context.Context, op, id string, judge func(order.Status) verdict, in map[string]string) error {
	look := func(raw json.RawMessage) (bool, error) {
		var p intent
		if err := parse(raw, &p); err != nil {
			return true, provider.Odd(op, false, 0, "the answer is not the purchase intent")
		}
		status, unknown := p.standing()
		if unknown.Given() {
			return true, &provider.CallError{Class: provider.Conflict, Op: op, Detail: "the purchase intent is in a state that we do not know"}
		}
		switch judge(status) {
		case isDone:
			return true, nil
		case cannot:
			return true, &provider.CallError{Class: provider.Conflict, Op: op, Detail: "the purchase intent is " + cmp.Or(string(status), "in no state")}
		}
		return false, nil
	}
	raw, err := c.PurchaseIntent(ctx, id)
	if err != nil {
		return err
	}
	if settled, err := look(raw); settled {
		return err
	}
	_, refused := c.call(ctx, op, http.MethodPost, "/api/purchaseintents/"+id+"/approval", nil, in)
	if class := provider.ClassOf(refused); refused != nil && class != provider.Invalid && class != provider.NotFound {
		return refused
	}
	// Taken or refused, what counts is where it stands now: somebody else may have been faster, or an earlier call of ours.
	if raw, err = c.PurchaseIntent(ctx, id); err != nil {
		return err
	}
	if settled, err := look(raw); settled {
		return err
	}
	if refused == nil {
		return &provider.CallError{Class: provider.OutcomeUnknown, Op: op, Detail: "the API took the call, and the purchase intent is still waiting"}
	}
	return refused
}
