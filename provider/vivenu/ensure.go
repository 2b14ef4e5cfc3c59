package vivenu

import (
	"context"
	"net/http"

	"willcall/order"
	"willcall/provider"
)

// EnsureIntentApproved approves the purchase intent unless it is approved or completed already; see [provider.Ensure]. An intent
// that is rejected or cancelled, and one in a state that we do not know, is a [provider.Conflict].
func (c *Client) EnsureIntentApproved(ctx context.Context, id string) error {
	return c.ensure(ctx, "approve purchase intent", id, provider.Accepted, map[string]string{"approvalStatus": "approved"})
}

// EnsureIntentRejected rejects the purchase intent unless it is rejected or cancelled already; as
// [Client.EnsureIntentApproved]. The buyer may get to read the reason. An intent that is approved is a conflict: the buyer may be
// paying for it.
func (c *Client) EnsureIntentRejected(ctx context.Context, id, reason string) error {
	in := map[string]string{"approvalStatus": "rejected"}
	if reason != "" {
		in["rejectionReason"] = reason
	}
	return c.ensure(ctx, "reject purchase intent", id, provider.Rejected, in)
}

func (c *Client) ensure(ctx context.Context, op, id string, wanted []order.Status, in map[string]string) error {
	look := func() (provider.Standing, error) {
		raw, err := c.PurchaseIntent(ctx, id)
		if err != nil {
			return provider.Standing{}, err
		}
		var p intent
		if err := parse(raw, &p); err != nil {
			return provider.Standing{}, provider.Odd(op, false, 0, "the answer is not the purchase intent")
		}
		status, unknown := p.standing()
		return provider.Standing{Status: status, Unknown: unknown.Given()}, nil
	}
	act := func() (provider.Standing, error) {
		_, err := c.call(ctx, op, http.MethodPost, "/api/purchaseintents/"+id+"/approval", nil, in)
		return provider.Standing{Status: order.StatusPending}, err // what the answer says does not count: look
	}
	return provider.Ensure(op, "purchase intent", wanted, look, act)
}
