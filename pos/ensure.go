package pos

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Options of the Ensure and Void functions. The zero value is safe.
type Options struct {
	// Attempt is 1 if nobody has tried this Op before, anywhere. Any other value, and so the zero value, means
	// that an earlier attempt may have written: the POS is searched before it is written to.
	Attempt int
	// Sleep waits for a POS whose searches lag (Capabilities.SettleDelay). It returns ctx's error if ctx ends
	// first. nil = a timer.
	Sleep func(ctx context.Context, d time.Duration) error
}

// EnsureInvoice books a sale exactly once and returns its invoice, and whether this call wrote it.
//
// Called again with the same op and input, after whatever error, it finds what is there and goes on. The POS
// protects a repetition either by op.Key or by a search for op.Ref; a POS that can do neither is refused with
// [Unsupported]. Errors: those of the Adapter's methods; [ReferenceConflict] if the reference has an invoice
// with other content, if the key belongs to a voided invoice, or if another tool has booked the sale (see below); [Duplicate] if
// it has several live invoices.
// [OutcomeUnknown] and an ended ctx leave open whether there is an invoice: call again, or
// [VoidInvoiceByRef].
//
// Where in.Sale is set and the POS is a [SaleFinder], no write is made before a look for a live invoice of that sale that has
// another reference: other tools book sales, too, and the buyer must not be invoiced twice. One that is written between
// the look and our write is not seen.
//
// A call waits for up to twice Capabilities.SettleDelay; the caller's timeout must leave room for that.
//
// Not covered: a POS without keys whose searches lag longer than its SettleDelay and that sells a seat twice;
// and a request still on its way in the network when the next attempt searches. Both end in Duplicate if a
// later look can see both records, so callers keep one attempt at a time, with a timeout well under their own,
// and look again later (a sweep).
func EnsureInvoice(ctx context.Context, a Adapter, op Op, in InvoiceInput, opts Options) (Invoice, bool, error) {
	const what = "ensure invoice"
	if err := checkOp(what, op); err != nil {
		return Invoice{}, false, err
	}
	if err := in.check(what); err != nil {
		return Invoice{}, false, err
	}
	ctx = correlated(ctx, op)
	caps, err := a.Capabilities(ctx)
	if err != nil {
		return Invoice{}, false, ofRead(what, err)
	}
	w := write[Invoice]{
		what:   what,
		ref:    op.Ref,
		native: caps.NativeKey,
		settle: settling(caps, opts),
		create: func(ctx context.Context) (Invoice, error) { return a.CreateInvoice(ctx, op, in) },
		view:   func(i Invoice) record { return record{id: i.ID, ref: i.Ref, voided: i.Voided} },
		same:   func(i Invoice) bool { return in.sameContent(i, caps.SellsSeats) },
	}
	if caps.SearchInvoices {
		w.search = func(ctx context.Context) ([]Invoice, error) { return a.FindInvoices(ctx, op.Ref) }
	}
	if f, ok := a.(SaleFinder); ok && in.Sale != "" {
		w.before = func(ctx context.Context) error { return booked(ctx, f, what, op.Ref, in.Sale) }
	}
	return w.ensure(ctx, opts.Attempt == 1)
}

// booked returns an error if another tool has booked the sale. The invoice's id says enough: what else stands in it is another's.
func booked(ctx context.Context, f SaleFinder, what, ref, sale string) error {
	all, err := f.FindInvoicesBySale(ctx, sale)
	if err != nil {
		return ofRead(what, err)
	}
	var ids []string
	for _, i := range all {
		if i.Ref != ref && !i.Voided {
			ids = append(ids, i.ID)
		}
	}
	if len(ids) == 0 {
		return nil
	}
	return &Error{Class: ReferenceConflict, Op: what,
		Message: "another tool has booked the sale: invoice " + strings.Join(ids, ", ")}
}

// EnsurePurchaseOrder books a purchase exactly once, as [EnsureInvoice] does a sale.
func EnsurePurchaseOrder(ctx context.Context, a Adapter, op Op, in PurchaseInput, opts Options) (PurchaseOrder, bool, error) {
	const what = "ensure purchase order"
	if err := checkOp(what, op); err != nil {
		return PurchaseOrder{}, false, err
	}
	if err := in.check(what); err != nil {
		return PurchaseOrder{}, false, err
	}
	ctx = correlated(ctx, op)
	caps, err := a.Capabilities(ctx)
	if err != nil {
		return PurchaseOrder{}, false, ofRead(what, err)
	}
	w := write[PurchaseOrder]{
		what:   what,
		ref:    op.Ref,
		native: caps.NativeKey,
		settle: settling(caps, opts),
		create: func(ctx context.Context) (PurchaseOrder, error) { return a.CreatePurchaseOrder(ctx, op, in) },
		view:   viewPurchaseOrder,
		same:   in.sameContent,
	}
	if caps.SearchPurchaseOrders {
		w.search = func(ctx context.Context) ([]PurchaseOrder, error) { return a.FindPurchaseOrders(ctx, op.Ref) }
	}
	return w.ensure(ctx, opts.Attempt == 1)
}

func viewPurchaseOrder(p PurchaseOrder) record { return record{id: p.ID, ref: p.Ref, voided: p.Voided} }

// record is what the rule needs to know of an invoice, a purchase order or a hold.
type record struct {
	id, ref string
	voided  bool
}

// write is one record to be written exactly once. It is generic so that the rule exists once.
type write[R any] struct {
	what   string
	ref    string
	native bool                               // the POS drops repetitions by key
	settle func(context.Context) error        // waits until searches see what was written
	search func(context.Context) ([]R, error) // nil: this POS cannot
	before func(context.Context) error        // what else forbids the write; nil = nothing
	create func(context.Context) (R, error)   // tries once
	view   func(R) record
	same   func(R) bool // content equals the input's
}

func (w write[R]) ensure(ctx context.Context, first bool) (R, bool, error) {
	var none R
	if !w.native && w.search == nil {
		return none, false, &Error{Class: Unsupported, Op: w.what,
			Message: "this POS has neither idempotency keys nor a search by reference"}
	}
	// The first attempt under a key needs no search: nothing of ours is there, and the key guards the rest.
	if w.search != nil && !(w.native && first) {
		if !first {
			if err := w.settle(ctx); err != nil {
				return none, false, ofRead(w.what, err)
			}
		}
		found, ok, err := w.find(ctx)
		if err != nil || ok {
			return found, false, err
		}
	}
	if w.before != nil {
		if err := w.before(ctx); err != nil {
			return none, false, err
		}
	}
	if err := ctx.Err(); err != nil {
		return none, false, &Error{Class: Transient, Op: w.what, Message: "stopped before the write", Err: err}
	}
	made, err := w.create(ctx)
	if err != nil {
		return w.refused(ctx, ofWrite(w.what, err))
	}
	return w.confirm(ctx, made)
}

// find looks for the record: one that is live, under exactly this reference, with this content.
func (w write[R]) find(ctx context.Context) (R, bool, error) {
	var none R
	all, err := w.search(ctx)
	if err != nil {
		return none, false, ofRead(w.what, err)
	}
	live := w.live(all)
	switch {
	case len(live) == 0:
		return none, false, nil
	case len(live) > 1:
		return none, false, w.duplicate(live)
	case !w.same(live[0]):
		return none, false, w.conflict(live[0], "has other content")
	}
	return live[0], true, nil
}

// refused looks once more after an error that may be the echo of our own first success: seats that we bought
// are gone, a reference that we used is taken.
func (w write[R]) refused(ctx context.Context, refusal error) (R, bool, error) {
	var none R
	switch ClassOf(refusal) {
	case Invalid, Unavailable, NotFound, ReferenceConflict, Duplicate:
	default:
		return none, false, refusal
	}
	if w.search == nil {
		return none, false, refusal
	}
	const message = "refused, and whether an earlier attempt had succeeded could not be seen"
	if err := w.settle(ctx); err != nil {
		return none, false, unproven(w.what, message, err)
	}
	found, ok, err := w.find(ctx)
	switch {
	case ok:
		return found, false, nil
	case err == nil:
		return none, false, refusal
	case ClassOf(err) == ReferenceConflict || ClassOf(err) == Duplicate:
		return none, false, err
	}
	return none, false, unproven(w.what, message, err)
}

// confirm checks what the POS says it wrote, and that it wrote it once: an answer may be that of an older
// request, and a POS, a proxy or a second worker may have doubled ours.
func (w write[R]) confirm(ctx context.Context, made R) (R, bool, error) {
	var none R
	m := w.view(made)
	switch {
	case m.id == "":
		return none, false, &Error{Class: OutcomeUnknown, Op: w.what, Message: "the answer names no record"}
	case m.ref != w.ref:
		return none, false, w.conflict(made, "came back for our key with another reference")
	case m.voided:
		return none, false, w.conflict(made, "came back for our key, and is void")
	case !w.same(made):
		return none, false, w.conflict(made, "came back for our key with other content")
	}
	if w.search == nil {
		return made, true, nil
	}
	const message = "written, and whether once could not be seen"
	if err := w.settle(ctx); err != nil {
		return none, false, unproven(w.what, message, err)
	}
	all, err := w.search(ctx)
	if err != nil {
		return none, false, unproven(w.what, message, err)
	}
	for _, r := range all {
		if v := w.view(r); v.id == m.id && v.voided {
			return none, false, w.conflict(made, "came back for our key, and was voided since")
		}
	}
	// Ours may be missing, because searches may lag; another's may not be there.
	live := slices.DeleteFunc(w.live(all), func(r R) bool { return w.view(r).id == m.id })
	if len(live) > 0 {
		return none, false, w.duplicate(append(live, made))
	}
	return made, true, nil
}

// live returns those that are not void and have our reference exactly: how a POS matches is its own affair.
func (w write[R]) live(all []R) []R {
	var live []R
	for _, r := range all {
		if v := w.view(r); v.ref == w.ref && !v.voided {
			live = append(live, r)
		}
	}
	return live
}

func (w write[R]) duplicate(live []R) error {
	ids := make([]string, len(live))
	for i, r := range live {
		ids[i] = w.view(r).id
	}
	return &Error{Class: Duplicate, Op: w.what,
		Message: fmt.Sprintf("%d live records for one reference: %s", len(ids), strings.Join(ids, ", "))}
}

func (w write[R]) conflict(r R, how string) error {
	return &Error{Class: ReferenceConflict, Op: w.what, Message: fmt.Sprintf("record %s %s", w.view(r).id, how)}
}

func settling(caps Capabilities, opts Options) func(context.Context) error {
	return func(ctx context.Context) error {
		if caps.SettleDelay <= 0 {
			return nil
		}
		if opts.Sleep != nil {
			return opts.Sleep(ctx, caps.SettleDelay)
		}
		t := time.NewTimer(caps.SettleDelay)
		defer t.Stop()
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-t.C:
			return nil
		}
	}
}

func correlated(ctx context.Context, op Op) context.Context {
	if Correlation(ctx) != "" {
		return ctx
	}
	return WithCorrelation(ctx, op.Key)
}
