package pos

import "context"

// EnsureHold keeps tickets for a sale exactly once and returns the hold, and whether this call placed it. It is to holds what
// [EnsureInvoice] is to invoices, and takes the same care: by op.Key, or by a search for op.Ref where Capabilities.SearchHolds.
// in, its Until too, is the same in every attempt; a POS may keep less of Until than we say, so it is not compared.
//
// A hold that ran out is gone for a search, and a further attempt places it again; under a key it may come back as it was. Who
// needs it for longer raises the Op's n. Errors: those of the Adapter's methods; [ReferenceConflict] if the reference has a hold of
// other tickets; [Duplicate] if it has several; [Unsupported] where Capabilities.Holds is false, and where the POS has neither keys
// nor that search.
func EnsureHold(ctx context.Context, a Adapter, op Op, in HoldInput, opts Options) (Hold, bool, error) {
	const what = "ensure hold"
	if err := checkOp(what, op); err != nil {
		return Hold{}, false, err
	}
	if err := in.check(what); err != nil {
		return Hold{}, false, err
	}
	ctx = correlated(ctx, op)
	caps, err := a.Capabilities(ctx)
	if err != nil {
		return Hold{}, false, ofRead(what, err)
	}
	if !caps.Holds {
		return Hold{}, false, &Error{Class: Unsupported, Op: what, Message: "this POS keeps no holds"}
	}
	w := write[Hold]{
		what:   what,
		ref:    op.Ref,
		native: caps.NativeKey,
		settle: settling(caps, opts),
		create: func(ctx context.Context) (Hold, error) { return a.PlaceHold(ctx, op, in) },
		view: func(h Hold) record {
			if h.Ref == "" && !caps.SearchHolds { // this POS does not keep it
				h.Ref = op.Ref
			}
			return record{id: h.ID, ref: h.Ref}
		},
		same: func(h Hold) bool {
			return in.InventoryID == h.InventoryID && in.Quantity == h.Quantity &&
				(!caps.SellsSeats || len(in.TicketIDs) == 0 || sameSet(in.TicketIDs, h.TicketIDs))
		},
	}
	if caps.SearchHolds {
		w.search = func(ctx context.Context) ([]Hold, error) { return a.FindHolds(ctx, op.Ref) }
	}
	return w.ensure(ctx, opts.Attempt == 1)
}

// ReleaseHold gives the tickets of a hold back. A hold that is not there any more, released, sold or run out, is no error, so that
// it may be called again after whatever error. Errors: those of [Adapter.ReleaseHold]; [Invalid] if id is empty.
func ReleaseHold(ctx context.Context, a Adapter, op Op, id string) error {
	const what = "release hold"
	if err := checkKey(what, op.Key); err != nil {
		return err
	}
	if id == "" {
		return &Error{Class: Invalid, Op: what, Message: "no hold is named"}
	}
	if err := ctx.Err(); err != nil {
		return &Error{Class: Transient, Op: what, Message: "stopped before the write", Err: err}
	}
	if err := a.ReleaseHold(correlated(ctx, op), op, id); err != nil {
		return ofWrite(what, err)
	}
	return nil
}

func (in HoldInput) check(what string) error {
	invalid := func(message string) error { return &Error{Class: Invalid, Op: what, Message: message} }
	switch {
	case in.InventoryID == "":
		return invalid("the hold names no group")
	case in.Quantity < 1:
		return invalid("the hold keeps no tickets")
	case len(in.TicketIDs) != 0 && len(in.TicketIDs) != in.Quantity:
		return invalid("the hold names more or fewer tickets than it keeps")
	case in.Until.IsZero():
		return invalid("the hold has no end")
	}
	return nil
}
