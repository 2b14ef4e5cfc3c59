package skybox

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"

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
	if inv, err = v.endLines(ctx, inv, inv.live, in.Restock); err != nil {
		return pos.Invoice{}, err
	}
	if !inv.void {
		if err := v.mark(ctx, id, wholly(in)); err != nil {
			return pos.Invoice{}, err
		}
	}
	after, err := c.read(ctx, op, id)
	if err != nil {
		return pos.Invoice{}, v.after(err)
	}
	if !after.Voided {
		return pos.Invoice{}, unseen(op)
	}
	return after.Invoice, nil
}

// VoidInvoiceLines makes lines of an invoice void, in one of the two ways in which [Client.VoidInvoice] ends them, and with the same
// care: it reads first, does what is left to do, and reads again. Then the invoice gets the status ORDER_PARTIALLY_VOID_CANCELLED and
// the reason in a note, or, if no live line is left, what makes it void as a whole.
//
// A line that was deleted is gone from SkyBox's answers, and looks like one that never was: neither is an error. Without in.Restock
// the lines of purchases that the tickets came with are cancelled too, other tickets of theirs included: SkyBox cannot do less.
//
// Errors: those of VoidInvoice; [pos.NotFound] also for what cannot be the id of a line.
func (c *Client) VoidInvoiceLines(ctx context.Context, _ pos.Op, id string, lineIDs []string, in pos.VoidInput) (pos.Invoice, error) {
	const op = "void invoice lines"
	for _, line := range lineIDs {
		if !isID(line) {
			return pos.Invoice{}, unknownID(op, "a line")
		}
	}
	inv, err := c.read(ctx, op, id)
	if err != nil {
		return pos.Invoice{}, err
	}
	if inv.Voided || len(lineIDs) == 0 {
		return inv.Invoice, nil
	}
	v := steps{c: c, op: op}
	if inv, err = v.endLines(ctx, inv, chosen(inv.live, lineIDs), in.Restock); err != nil {
		return pos.Invoice{}, err
	}
	left := slices.DeleteFunc(slices.Clone(inv.live), func(line string) bool { return slices.Contains(lineIDs, line) })
	switch note := partly(in); {
	case len(left) == 0 && !inv.void:
		err = v.mark(ctx, id, wholly(in))
	case len(left) > 0 && !slices.Contains(inv.notes, noteBody{Text: note.Note}):
		err = v.mark(ctx, id, note)
	}
	if err != nil {
		return pos.Invoice{}, err
	}
	after, err := c.read(ctx, op, id)
	switch {
	case err != nil:
		return pos.Invoice{}, v.after(err)
	case len(chosen(after.live, lineIDs)) > 0 || len(after.live) == 0 && !after.Voided:
		return pos.Invoice{}, unseen(op)
	}
	return after.Invoice, nil
}

// chosen are the lines that are among those named.
func chosen(lines, named []string) []string {
	return slices.DeleteFunc(slices.Clone(lines), func(line string) bool { return !slices.Contains(named, line) })
}

// status is what a void leaves on the invoice itself (SkyBox OpenAPI 1.0.0, BulkInvoiceUpdate).
type status struct {
	Payment string `json:"paymentStatus,omitempty"`
	Status  string `json:"status"`
	Note    string `json:"invoiceNote"`
}

func wholly(in pos.VoidInput) status {
	return status{Payment: "VOID", Status: "ORDER_VOID_CANCELLED", Note: voidNote + in.Reason}
}

func partly(in pos.VoidInput) status {
	return status{Status: "ORDER_PARTIALLY_VOID_CANCELLED", Note: linesVoidNote + in.Reason}
}

// mark gives an invoice its status.
func (v *steps) mark(ctx context.Context, id string, s status) error {
	err := v.write(ctx, http.MethodPut, "/invoices/bulk", struct {
		InvoiceIDs []json.Number `json:"invoiceIds"`
		status
	}{[]json.Number{json.Number(id)}, s})
	if err != nil {
		return v.c.gone(ctx, v.op, id, v.after(err))
	}
	return nil
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

// endLines deletes or kills these lines of an invoice, and returns the invoice as it was, or as it is where that had to be looked up:
// a line that is refused may be gone already.
func (v *steps) endLines(ctx context.Context, inv *invoice, lines []string, restock bool) (*invoice, error) {
	if len(lines) == 0 {
		return inv, nil
	}
	if restock {
		for _, id := range lines {
			if err := v.line(ctx, http.MethodDelete, "/invoices/"+inv.ID+"/lines/"+id, nil); err != nil {
				return nil, err
			}
		}
	} else {
		ids := make([]json.Number, len(lines))
		for i, id := range lines {
			ids[i] = json.Number(id)
		}
		err := v.line(ctx, http.MethodPost, "/lines/invoice/bulk-cancel", struct {
			LineIDs []json.Number `json:"lineIds"`
		}{ids})
		if err != nil {
			return nil, err
		}
	}
	if v.refused == nil {
		return inv, nil
	}
	after, err := v.c.read(ctx, v.op, inv.ID)
	if err != nil {
		return nil, v.after(err)
	}
	if len(chosen(after.live, lines)) > 0 {
		return nil, v.stillLive()
	}
	return after, nil
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
