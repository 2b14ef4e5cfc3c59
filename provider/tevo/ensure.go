package tevo

import (
	"context"

	"willcall/order"
	"willcall/provider"
)

// EnsureAccepted accepts the sale unless it is accepted already, by us or by a person; see [provider.Ensure]. An order that is
// rejected, cancelled, or about to be, and one in a state that we do not know, is a [provider.Conflict].
func (c *Client) EnsureAccepted(ctx context.Context, id string) error {
	return c.ensure(ctx, "accept order", id, provider.Accepted, func() (Order, error) { return c.Accept(ctx, id) })
}

// EnsureRejected rejects the sale unless it is rejected or cancelled already; as [Client.EnsureAccepted]. An order that is
// accepted is a [provider.Conflict]: it can only be cancelled, by both parties.
func (c *Client) EnsureRejected(ctx context.Context, id string, reason Reason) error {
	return c.ensure(ctx, "reject order", id, provider.Rejected, func() (Order, error) { return c.Reject(ctx, id, reason) })
}

func (c *Client) ensure(ctx context.Context, op, id string, wanted []order.Status, act func() (Order, error)) error {
	standing := func(o Order, err error) (provider.Standing, error) {
		status, unknown := o.body.standing(order.Sale)
		return provider.Standing{Status: status, Unknown: unknown != ""}, err
	}
	return provider.Ensure(op, "order", wanted,
		func() (provider.Standing, error) { return standing(c.ShowOrder(ctx, id)) },
		func() (provider.Standing, error) { return standing(act()) })
}
