package pos

import (
	"context"
	"strings"
)

// VoidInvoiceByRef makes every live invoice of in.Ref void, as after a sale that was cancelled, also one whose
// creation had no answer. It returns all invoices of the reference, all of them void now, so that a repetition
// returns the same, and whether there was any; none is no error. It waits for Capabilities.SettleDelay
// before it looks: the invoice may have been written a moment ago.
//
// On an error it has still tried to void each; the invoices it returns are those known to be void. Errors:
// those of the Adapter's methods; [Unsupported] if this POS cannot be searched by reference.
//
// Not covered: a creation still on its way in the network. See [EnsureInvoice].
func VoidInvoiceByRef(ctx context.Context, a Adapter, op Op, in VoidInput, opts Options) ([]Invoice, bool, error) {
	const what = "void invoice"
	caps, err := voidable(ctx, a, op, in, what)
	if err != nil {
		return nil, false, err
	}
	ctx = correlated(ctx, op)
	v := voiding[Invoice]{
		what:   what,
		ref:    in.Ref,
		settle: settling(caps, opts),
		void:   func(ctx context.Context, id string) (Invoice, error) { return a.VoidInvoice(ctx, op, id, in) },
		view:   func(i Invoice) record { return record{id: i.ID, ref: i.Ref, voided: i.Voided} },
	}
	if caps.SearchInvoices {
		v.search = func(ctx context.Context) ([]Invoice, error) { return a.FindInvoices(ctx, in.Ref) }
	}
	return v.all(ctx)
}

// VoidInvoiceByID makes one invoice void that somebody else wrote, and whose reference others may bear too: in.Ref is
// not looked at. It returns the invoice, void, also if it was void already. Errors: those of the Adapter's methods;
// [NotFound] if the POS has no invoice with that id.
func VoidInvoiceByID(ctx context.Context, a Adapter, op Op, id string, in VoidInput) (Invoice, error) {
	const what = "void invoice"
	if err := checkVoid(op, in, what); err != nil {
		return Invoice{}, err
	}
	ctx = correlated(ctx, op)
	inv, err := a.GetInvoice(ctx, id)
	if err != nil {
		return Invoice{}, ofRead(what, err)
	}
	if inv.Voided {
		return inv, nil
	}
	v := voiding[Invoice]{
		what: what,
		void: func(ctx context.Context, id string) (Invoice, error) { return a.VoidInvoice(ctx, op, id, in) },
		view: func(i Invoice) record { return record{id: i.ID, ref: i.Ref, voided: i.Voided} },
	}
	return v.one(ctx, inv.ID)
}

// VoidPurchaseOrderByRef is to purchase orders what [VoidInvoiceByRef] is to invoices. in.Restock has no
// meaning.
func VoidPurchaseOrderByRef(ctx context.Context, a Adapter, op Op, in VoidInput, opts Options) ([]PurchaseOrder, bool, error) {
	const what = "void purchase order"
	caps, err := voidable(ctx, a, op, in, what)
	if err != nil {
		return nil, false, err
	}
	ctx = correlated(ctx, op)
	v := voiding[PurchaseOrder]{
		what:   what,
		ref:    in.Ref,
		settle: settling(caps, opts),
		void: func(ctx context.Context, id string) (PurchaseOrder, error) {
			return a.VoidPurchaseOrder(ctx, op, id, in)
		},
		view: viewPurchaseOrder,
	}
	if caps.SearchPurchaseOrders {
		v.search = func(ctx context.Context) ([]PurchaseOrder, error) { return a.FindPurchaseOrders(ctx, in.Ref) }
	}
	return v.all(ctx)
}

func voidable(ctx context.Context, a Adapter, op Op, in VoidInput, what string) (Capabilities, error) {
	if err := checkVoid(op, in, what); err != nil {
		return Capabilities{}, err
	}
	if err := checkRef(what, in.Ref); err != nil {
		return Capabilities{}, err
	}
	caps, err := a.Capabilities(correlated(ctx, op))
	if err != nil {
		return Capabilities{}, ofRead(what, err)
	}
	return caps, nil
}

func checkVoid(op Op, in VoidInput, what string) error {
	if err := checkKey(what, op.Key); err != nil {
		return err
	}
	if strings.TrimSpace(in.Reason) == "" || len(in.Reason) > maxText {
		return &Error{Class: Invalid, Op: what, Message: "the reason is empty or too long"}
	}
	return nil
}

// voiding is every record of one reference, to be void in the end.
type voiding[R any] struct {
	what   string
	ref    string
	settle func(context.Context) error
	search func(context.Context) ([]R, error) // nil: this POS cannot
	void   func(context.Context, string) (R, error)
	view   func(R) record
}

func (v voiding[R]) all(ctx context.Context) ([]R, bool, error) {
	var voided []R
	records, err := v.look(ctx)
	if err != nil {
		return nil, false, err
	}
	var failed error
	gone := false
	for _, r := range records {
		if v.view(r).voided {
			voided = append(voided, r)
			continue
		}
		after, err := v.one(ctx, v.view(r).id)
		switch {
		case err == nil:
			voided = append(voided, after)
		case ClassOf(err) == NotFound:
			gone = true
		case failed == nil:
			failed = err
		}
	}
	if failed == nil && gone {
		failed = v.stillThere(ctx)
	}
	return voided, len(records) > 0, failed
}

// one voids one record, and believes it only if the POS says so.
func (v voiding[R]) one(ctx context.Context, id string) (R, error) {
	var none R
	if err := ctx.Err(); err != nil {
		return none, &Error{Class: Transient, Op: v.what, Message: "stopped before the write", Err: err}
	}
	after, err := v.void(ctx, id)
	if err != nil {
		return none, ofWrite(v.what, err)
	}
	if r := v.view(after); r.id != id || !r.voided {
		return none, &Error{Class: OutcomeUnknown, Op: v.what, Message: "the answer is not of a void record " + id}
	}
	return after, nil
}

// stillThere tells a record that is gone, which is as good as void, from a POS whose void does not work: it
// returns an error if a search still finds a live one.
func (v voiding[R]) stillThere(ctx context.Context) error {
	records, err := v.look(ctx)
	if err != nil {
		return unproven(v.what, "not found, and whether it is gone could not be seen", err)
	}
	for _, r := range records {
		if rec := v.view(r); !rec.voided {
			return &Error{Class: NotFound, Op: v.what, Message: "a search finds record " + rec.id + ", the void does not"}
		}
	}
	return nil
}

// look returns the records that have our reference exactly, void or not.
func (v voiding[R]) look(ctx context.Context) ([]R, error) {
	if v.search == nil {
		return nil, &Error{Class: Unsupported, Op: v.what, Message: "this POS cannot be searched by reference"}
	}
	if err := v.settle(ctx); err != nil {
		return nil, ofRead(v.what, err)
	}
	all, err := v.search(ctx)
	if err != nil {
		return nil, ofRead(v.what, err)
	}
	var ours []R
	for _, r := range all {
		if v.view(r).ref == v.ref {
			ours = append(ours, r)
		}
	}
	return ours, nil
}
