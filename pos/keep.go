package pos

import (
	"context"
	"slices"
)

// KeepInvoiceLines makes every live line of the invoice with this id void that is not among keep, as after a sale of which a part
// was cancelled, and returns the invoice, whose live lines are exactly keep then. Lines are compared by their content: group,
// quantity, total and, where keep names them and the POS sells single seats, tickets; which of several lines of one content
// stays is all the same. in.Ref is not looked at.
//
// Called again with the same input, after whatever error, it finds what is void already and goes on; a repetition changes nothing.
// Errors: those of the Adapter's methods; [Invalid] if keep is empty, for that is a void of the whole invoice; [ReferenceConflict]
// if a line of keep is not live on the invoice, and nothing is voided then; [OutcomeUnknown] also if the answer is not of that invoice
// with those lines; [Unsupported] where Capabilities.VoidLines is false.
func KeepInvoiceLines(ctx context.Context, a Adapter, op Op, id string, keep []InvoiceLine, in VoidInput) (Invoice, error) {
	const what = "keep invoice lines"
	if err := checkVoid(op, in, what); err != nil {
		return Invoice{}, err
	}
	if len(keep) == 0 {
		return Invoice{}, &Error{Class: Invalid, Op: what, Message: "no line is kept: that is a void of the whole invoice"}
	}
	ctx = correlated(ctx, op)
	caps, err := a.Capabilities(ctx)
	if err != nil {
		return Invoice{}, ofRead(what, err)
	}
	if !caps.VoidLines {
		return Invoice{}, &Error{Class: Unsupported, Op: what, Message: "this POS cannot void single lines"}
	}
	inv, err := a.GetInvoice(ctx, id)
	if err != nil {
		return Invoice{}, ofRead(what, err)
	}
	conflict := &Error{Class: ReferenceConflict, Op: what, Message: "invoice " + id + " does not have the lines that are to be kept"}
	surplus, all := unmatched(keep, inv.live(), caps.SellsSeats)
	switch {
	case !all:
		return Invoice{}, conflict
	case len(surplus) == 0:
		return inv, nil
	}
	if err := ctx.Err(); err != nil {
		return Invoice{}, &Error{Class: Transient, Op: what, Message: "stopped before the write", Err: err}
	}
	var ids []string
	for _, l := range surplus {
		ids = append(ids, l.ID)
	}
	after, err := a.VoidInvoiceLines(ctx, op, id, ids, in)
	if err != nil {
		return Invoice{}, ofWrite(what, err)
	}
	if after.ID != id {
		return Invoice{}, &Error{Class: OutcomeUnknown, Op: what, Message: "the answer is not of invoice " + id}
	}
	surplus, all = unmatched(keep, after.live(), caps.SellsSeats)
	switch {
	case !all: // more than we asked for is void; calling again cannot bring it back
		return Invoice{}, conflict
	case len(surplus) > 0:
		return Invoice{}, &Error{Class: OutcomeUnknown, Op: what, Message: "the answer has lines of invoice " + id + " live that are to be void"}
	}
	return after, nil
}

// live are the lines that count.
func (i Invoice) live() []InvoiceLine {
	if i.Voided {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(i.Lines), func(l InvoiceLine) bool { return l.Voided })
}

// unmatched returns the lines of got that are none of want, and whether all of want are among got; each line of got stands for one.
// Tickets are compared where want names them and the POS sells single seats.
func unmatched(want, got []InvoiceLine, seats bool) (left []InvoiceLine, all bool) {
	// Lines that name their tickets choose first, so that one that takes any does not take theirs.
	want = slices.Clone(want)
	slices.SortStableFunc(want, func(a, b InvoiceLine) int {
		return min(len(b.TicketIDs), 1) - min(len(a.TicketIDs), 1)
	})
	left, all = slices.Clone(got), true
	for _, w := range want {
		i := slices.IndexFunc(left, func(g InvoiceLine) bool {
			return w.InventoryID == g.InventoryID && w.Quantity == g.Quantity && w.Total == g.Total &&
				(!seats || len(w.TicketIDs) == 0 || sameSet(w.TicketIDs, g.TicketIDs))
		})
		if i < 0 {
			all = false
			continue
		}
		left = slices.Delete(left, i, i+1)
	}
	return left, all
}
