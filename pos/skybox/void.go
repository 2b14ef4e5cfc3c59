package skybox

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"

	"willcall/pos"
)

// VoidInvoice makes an invoice void. SkyBox has no call for that, so it is several (SkyBox OpenAPI 1.0.0, invoices and lines):
//
//  1. each live line: with Restock DELETE /invoices/{id}/lines/{line}, which puts the tickets back into the pool; without it POST
//     /lines/invoice/bulk-cancel, which kills the tickets and the lines of the purchases that they came with, too;
//  2. PUT /invoices/bulk: the payment status VOID, the status ORDER_VOID_CANCELLED, and the reason in a note.
//
// It reads the invoice first and does what is left to do, so that it can be repeated after any failure, half-way too; what SkyBox
// answers to a line that is gone already is not in the document, and does not matter. It reads it again in the end, and reports
// success only for an invoice that is void in every line and as a whole.
//
// Errors: [pos.NotFound] if there is no such invoice, also if it went with its last line; [pos.Invalid] if a line is refused and
// still there; [pos.OutcomeUnknown], also where some of it is known to be done.
func (c *Client) VoidInvoice(ctx context.Context, _ pos.Op, id string, in pos.VoidInput) (pos.Invoice, error) {
	const op = "void invoice"
	inv, err := c.read(ctx, op, id)
	if err != nil {
		return pos.Invoice{}, err
	}
	if inv.Voided {
		return inv.Invoice, nil
	}
	v := steps{c: c, op: op}
	if len(inv.live) > 0 {
		if err := v.endLines(ctx, inv, in.Restock); err != nil {
			return pos.Invoice{}, err
		}
		if v.refused != nil {
			// Gone already, or really refused?
			if inv, err = c.read(ctx, op, id); err != nil {
				return pos.Invoice{}, v.after(err)
			}
			if len(inv.live) > 0 {
				return pos.Invoice{}, v.stillLive()
			}
		}
	}
	if !inv.void {
		err := v.write(ctx, http.MethodPut, "/invoices/bulk", struct {
			InvoiceIDs    []json.Number `json:"invoiceIds"`
			PaymentStatus string        `json:"paymentStatus"`
			Status        string        `json:"status"`
			InvoiceNote   string        `json:"invoiceNote"`
		}{[]json.Number{json.Number(id)}, "VOID", "ORDER_VOID_CANCELLED", voidNote + in.Reason})
		if err != nil {
			return pos.Invoice{}, c.gone(ctx, op, id, v.after(err))
		}
	}
	after, err := c.read(ctx, op, id)
	if err != nil {
		return pos.Invoice{}, v.after(err)
	}
	if !after.Voided {
		return pos.Invoice{}, &pos.Error{Class: pos.OutcomeUnknown, Op: op, Message: "SkyBox took it, and does not show the invoice void yet"}
	}
	return after.Invoice, nil
}

// gone makes the refusal of a last step [pos.NotFound] if the invoice itself went with its last line.
func (c *Client) gone(ctx context.Context, op, id string, refusal error) error {
	if class := pos.ClassOf(refusal); class != pos.Invalid && class != pos.NotFound {
		return refusal
	}
	_, err := c.read(ctx, op, id)
	if pos.ClassOf(err) == pos.NotFound {
		return err
	}
	if pos.ClassOf(refusal) == pos.NotFound {
		return &pos.Error{Class: pos.Unsupported, Op: op, Message: "the invoice is there, and the call that voids it is not"}
	}
	return refusal
}

// steps are the writes of one void.
type steps struct {
	c       *Client
	op      string
	wrote   bool  // something was done for certain
	refused error // a line was refused as if it were not there
}

// endLines deletes or kills the live lines of an invoice. A line that is refused is looked for afterwards.
func (v *steps) endLines(ctx context.Context, inv *invoice, restock bool) error {
	if !restock {
		ids := make([]json.Number, len(inv.live))
		for i, id := range inv.live {
			ids[i] = json.Number(id)
		}
		return v.line(ctx, http.MethodPost, "/lines/invoice/bulk-cancel", struct {
			LineIDs []json.Number `json:"lineIds"`
		}{ids})
	}
	for _, id := range inv.live {
		if err := v.line(ctx, http.MethodDelete, "/invoices/"+inv.ID+"/lines/"+id, nil); err != nil {
			return err
		}
	}
	return nil
}

// line ends a line, and keeps a 400 or 404 for later.
func (v *steps) line(ctx context.Context, method, path string, body any) error {
	err := v.write(ctx, method, path, body)
	if errors.Is(err, errBadRequest) || pos.ClassOf(err) == pos.NotFound {
		v.refused = err
		return nil
	}
	return v.after(err)
}

func (v *steps) write(ctx context.Context, method, path string, body any) error {
	_, err := v.c.do(ctx, call{op: v.op, method: method, path: path, body: body})
	v.wrote = v.wrote || err == nil
	return err
}

// after classes an error that came when something may have been written: then "nothing was done" is not true.
func (v *steps) after(err error) error {
	var e *pos.Error
	if v.wrote && errors.As(err, &e) && e.Class == pos.Transient {
		return &pos.Error{Class: pos.OutcomeUnknown, Op: v.op, Message: "done in part", RetryAfter: e.RetryAfter, Err: err}
	}
	return err
}

// stillLive is the error of a line that was refused and is still there.
func (v *steps) stillLive() error {
	if errors.Is(v.refused, errBadRequest) {
		return v.refused
	}
	return &pos.Error{Class: pos.OutcomeUnknown, Op: v.op, Message: "a line is there when it is read, and not when it is ended"}
}
