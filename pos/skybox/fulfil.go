package skybox

import (
	"context"
	"encoding/json"
	"net/http"

	"willcall/pos"
)

// noFiles is the error for ticket files, of which SkyBox takes none from us: see [Client.SetFulfillment].
func noFiles(op string) error {
	return &pos.Error{Class: pos.Unsupported, Op: op, Message: "there is no safe way to give SkyBox ticket files: attach them by hand"}
}

// SetFulfillment sets fulfillmentStatus (SkyBox OpenAPI 1.0.0, invoices, bulk update), after a look whether that is left to do, and
// reads the invoice back; an update changes what it names and nothing else.
//
// Files are [pos.Unsupported], and then nothing is done. The document has one way for a file to reach a ticket: Ticket.base64FileBytes in
// a write of the whole inventory (inventory, update). It does not say whether that write replaces what it does not name; of its
// tickets it says that the quantity is "implied from tickets array if present". So a write of the sold tickets alone could take the
// rest off sale, and one of all of them, as they were read a moment before, could put a seat back on sale that was sold since. It also
// gives the listing a new number at the exchanges (Inventory.exchangePosId), and what can be read afterwards is that there is a file, not
// which. POST /assets stores a document, and nothing says how a ticket comes by it.
//
// Errors: [pos.NotFound]; [pos.Invalid] for an invoice that is void, or of which no line is live; [pos.OutcomeUnknown], also where
// SkyBox took it and does not show it.
func (c *Client) SetFulfillment(ctx context.Context, _ pos.Op, id string, in pos.FulfillmentInput) (pos.Invoice, error) {
	const op = "set fulfillment"
	if in.Files != nil {
		return pos.Invoice{}, noFiles(op)
	}
	inv, err := c.read(ctx, op, id)
	switch {
	case err != nil:
		return pos.Invoice{}, err
	case inv.void || len(inv.live) == 0:
		return pos.Invoice{}, invalid(op, "the invoice is void")
	case inv.Fulfillment == in.State:
		return inv.Invoice, nil
	}
	v := steps{c: c, op: op}
	err = v.write(ctx, http.MethodPut, "/invoices/bulk", struct {
		InvoiceIDs        []json.Number `json:"invoiceIds"`
		FulfillmentStatus string        `json:"fulfillmentStatus"`
	}{[]json.Number{json.Number(id)}, string(in.State)})
	if err != nil {
		return pos.Invoice{}, c.gone(ctx, op, id, err)
	}
	after, err := c.read(ctx, op, id)
	switch {
	case err != nil:
		return pos.Invoice{}, v.after(err)
	case after.void || after.Fulfillment != in.State:
		return pos.Invoice{}, unseen(op)
	}
	return after.Invoice, nil
}

// FulfillPurchaseOrder sets received, "whether PO is received" (SkyBox OpenAPI 1.0.0, purchases, bulk update), as
// [Client.SetFulfillment] sets the status of an invoice, and returns the same errors.
func (c *Client) FulfillPurchaseOrder(ctx context.Context, _ pos.Op, id string, in pos.FulfillmentInput) (pos.PurchaseOrder, error) {
	const op = "fulfill purchase order"
	if in.Files != nil {
		return pos.PurchaseOrder{}, noFiles(op)
	}
	po, err := c.readPurchase(ctx, op, id)
	switch {
	case err != nil:
		return pos.PurchaseOrder{}, err
	case po.Voided || po.void:
		return pos.PurchaseOrder{}, invalid(op, "the purchase order is void")
	case po.Fulfillment == in.State:
		return po.PurchaseOrder, nil
	}
	v := steps{c: c, op: op}
	err = v.write(ctx, http.MethodPut, "/purchases/bulk", struct {
		PurchaseIDs []json.Number `json:"purchaseIds"`
		Received    bool          `json:"received"`
	}{[]json.Number{json.Number(id)}, in.State == pos.Complete})
	if err != nil {
		if pos.ClassOf(err) == pos.NotFound {
			// The purchase was there a moment ago.
			err = &pos.Error{Class: pos.Unsupported, Op: op, Message: "the purchase is there, and the call that updates it is not"}
		}
		return pos.PurchaseOrder{}, err
	}
	after, err := c.readPurchase(ctx, op, id)
	switch {
	case err != nil:
		return pos.PurchaseOrder{}, v.after(err)
	case after.Voided || after.Fulfillment != in.State:
		return pos.PurchaseOrder{}, unseen(op)
	}
	return after.PurchaseOrder, nil
}

// unseen is the error of a write that was taken and that a read does not show.
func unseen(op string) error {
	return &pos.Error{Class: pos.OutcomeUnknown, Op: op, Message: "SkyBox took it, and does not show it yet"}
}
