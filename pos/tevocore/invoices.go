package tevocore

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"willcall/pos"
)

// invoice makes an invoice of an order. An order that another office placed has no customer; it is somebody else's record
// under our reference, and must be seen as that.
func (c *Client) invoice(o *orderBody) (pos.Invoice, error) {
	created, err := o.common()
	if err != nil {
		return pos.Invoice{}, err
	}
	inv := pos.Invoice{
		ID: string(o.ID), Ref: text(o.Reference), CustomerID: o.client(), Fulfillment: o.fulfillment(),
		Voided: fates[o.State], VoidReason: o.voidReason(), CreatedAt: created,
	}
	var cost int64
	for _, it := range o.Items {
		quantity, total, err := c.line(it.Quantity, it.Price)
		if err != nil {
			return pos.Invoice{}, err
		}
		if it.ID == "" || it.Group.ID == "" {
			return pos.Invoice{}, errors.New("an item has no id or no ticket group")
		}
		cost += total.Minor
		inv.Lines = append(inv.Lines, pos.InvoiceLine{ID: string(it.ID), InventoryID: string(it.Group.ID), Quantity: quantity, Total: total})
	}
	inv.Payment = c.payment(o, cost)
	return inv, nil
}

// FindInvoices lists the sales of the last Config.SearchDays, or those of Config.SearchByReference, and returns the ones
// with exactly this reference. A sale older than that is not found. Errors: [pos.Unsupported] where there are more sales
// than Config.MaxPages holds, or where they are listed without their reference.
func (c *Client) FindInvoices(ctx context.Context, ref string) ([]pos.Invoice, error) {
	var found []pos.Invoice
	err := c.findOrders(ctx, "find invoices", "Order", ref, func(o *orderBody) error {
		inv, err := c.invoice(o)
		found = append(found, inv)
		return err
	})
	if err != nil {
		return nil, err
	}
	return found, nil
}

// GetInvoice returns one sale (Orders/Show). Errors: [pos.NotFound], also for the id of a purchase.
func (c *Client) GetInvoice(ctx context.Context, id string) (pos.Invoice, error) {
	const op = "get invoice"
	o, err := c.show(ctx, op, id, false)
	if err != nil {
		return pos.Invoice{}, err
	}
	inv, err := c.invoice(o)
	if err != nil {
		return pos.Invoice{}, unreadable(op, err)
	}
	return inv, nil
}

// CreateInvoice sells tickets of the broker's own groups to a client (Orders/Create with one order). The total of a line must
// divide by its tickets, or it is [pos.Invalid]: only the price of one ticket can be written. Ticket ids are not used:
// Ticket Evolution sells numbers of tickets. A refusal that names no seats is looked into by reading the groups: fewer
// tickets than asked for are [pos.Unavailable]. Other errors: [pos.NotFound], [pos.Unsupported] for a hold,
// [pos.OutcomeUnknown].
//
// What comes back is the order as it was written; the caller compares it with what was asked.
func (c *Client) CreateInvoice(ctx context.Context, op pos.Op, in pos.InvoiceInput) (pos.Invoice, error) {
	const what = "create invoice"
	if !isID(in.CustomerID) {
		return pos.Invoice{}, &pos.Error{Class: pos.NotFound, Op: what, Message: "the customer's id is none"}
	}
	if in.HoldID != "" {
		return pos.Invoice{}, &pos.Error{Class: pos.Unsupported, Op: what, Message: "there are no holds"}
	}
	var items []itemRequest
	var sum int64
	for _, l := range in.Lines {
		price, message := c.price(l.Total, l.Quantity)
		if message != "" {
			return pos.Invoice{}, &pos.Error{Class: pos.Invalid, Op: what, Message: message}
		}
		if !isID(l.InventoryID) {
			return pos.Invoice{}, &pos.Error{Class: pos.NotFound, Op: what, Message: "a ticket group's id is none"}
		}
		sum += l.Total.Minor
		items = append(items, itemRequest{GroupID: json.Number(l.InventoryID), Quantity: l.Quantity, Price: price})
	}
	request, err := c.order(op, in.Payment, sum, items)
	if err != nil {
		return pos.Invoice{}, &pos.Error{Class: pos.Invalid, Op: what, Err: err}
	}
	request.ClientID = json.Number(in.CustomerID)
	o, err := c.create(ctx, what, request)
	if pos.ClassOf(err) == pos.Invalid {
		return pos.Invoice{}, c.whySold(ctx, what, in, err)
	}
	if err != nil {
		return pos.Invoice{}, err
	}
	inv, err := c.invoice(o)
	if err != nil {
		return pos.Invoice{}, unusable(what, err)
	}
	return inv, nil
}

// whySold tells a sale that was refused because its tickets are gone, for which no error is documented, from one that
// was refused for its form.
func (c *Client) whySold(ctx context.Context, what string, in pos.InvoiceInput, refusal error) error {
	asked := map[string]int{}
	for _, l := range in.Lines {
		asked[l.InventoryID] += l.Quantity
	}
	for _, l := range in.Lines {
		g, err := c.GetInventory(ctx, l.InventoryID)
		switch {
		case pos.ClassOf(err) == pos.NotFound:
			return &pos.Error{Class: pos.NotFound, Op: what, Message: "there is no ticket group " + l.InventoryID, Err: refusal}
		case pos.ClassOf(err).Retryable():
			// Nothing was written. Reported as Invalid, seats that are gone would pass for a request that is wrong.
			e := &pos.Error{Class: pos.Transient, Op: what, Message: "refused, and whether the tickets are gone could not be seen", Err: err}
			var cause *pos.Error
			if errors.As(err, &cause) {
				e.RetryAfter = cause.RetryAfter
			}
			return e
		case err != nil:
			return refusal
		case g.Quantity < asked[l.InventoryID]:
			return &pos.Error{Class: pos.Unavailable, Op: what, Err: refusal,
				Message: fmt.Sprintf("ticket group %s has %d of %d tickets left", l.InventoryID, g.Quantity, asked[l.InventoryID])}
		}
	}
	return refusal
}

// VoidInvoice cancels a sale (Orders/Cancel, or Orders/Return). A cancellation is only a proposal where the other side must
// cancel, too: then it is [pos.Unsupported], with a sentence for the person who makes them agree, and a repetition
// after they did succeeds. It is Unsupported as well, and nothing is cancelled, where in.Restock is false and cancelled
// tickets go back into their group (Config.CancelKeepsTickets), or where the buyer is another office. Other errors: [pos.Invalid], [pos.NotFound],
// [pos.OutcomeUnknown].
//
// Where Config.CancelKeepsTickets is set, in.Restock true does not put tickets back: that is for a person.
func (c *Client) VoidInvoice(ctx context.Context, _ pos.Op, id string, in pos.VoidInput) (pos.Invoice, error) {
	const what = "void invoice"
	o, err := c.void(ctx, what, id, false, in)
	if err != nil {
		return pos.Invoice{}, err
	}
	inv, err := c.invoice(o)
	if err != nil {
		return pos.Invoice{}, unusable(what, err)
	}
	return inv, nil
}
