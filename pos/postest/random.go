package postest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"willcall/pos"
)

// RandomFaults runs seeds schedules of faults against new POSes and checks, after every attempt, the one promise
// that matters: never two live records for one reference, nor a success without one, unless somebody was told.
// The POS must be searchable.
func RandomFaults(t *testing.T, seeds int, start New) {
	// Some at once, for a schedule mostly waits for calls that hang; a seed by itself gives the same schedule again.
	var next atomic.Int64
	var failed atomic.Bool
	var lanes sync.WaitGroup
	for range 2 {
		lanes.Go(func() {
			for seed := next.Add(1) - 1; seed < int64(seeds) && !failed.Load(); seed = next.Add(1) - 1 {
				ok := t.Run(fmt.Sprintf("Seed%d", seed), func(t *testing.T) {
					newSchedule(t, uint64(seed), start).run()
				})
				if !ok {
					failed.Store(true)
				}
			}
		})
	}
	lanes.Wait()
}

// patience is how long a call that hangs is waited for where the way behind the POS is no [Striker]. Only such calls are cut off, and
// only when they have come to the POS: a write that is cut off on its way may arrive after the next attempt has searched, which
// no rule above a POS without keys can help.
const patience = 20 * time.Millisecond

// schedule is one order's life at a POS that fails.
type schedule struct {
	*setup
	t     *testing.T
	rnd   *rand.Rand
	lag   time.Duration
	told  bool // somebody heard of a duplicate or conflict
	story []string

	hanging map[Call]bool
}

func newSchedule(t *testing.T, seed uint64, start New) *schedule {
	s := &schedule{setup: begin(t, start), t: t, rnd: rand.New(rand.NewPCG(seed, 1))}
	if s.caps.SettleDelay > 0 {
		s.lag = time.Duration(s.rnd.Int64N(int64(s.caps.SettleDelay) + 1))
	}
	return s
}

func (s *schedule) run() {
	const attempts = 6
	op := pos.Op{Key: "ord/invoice/1", Ref: "ord"}
	var customer pos.Customer
	s.until(attempts, "customer", []Call{FindCustomers, CreateCustomer}, func(ctx context.Context, opts pos.Options) error {
		var err error
		if !ensuresCustomers(s.caps) {
			// Somebody else keeps one customer for each buyer.
			if customer.ID == "" {
				customer, err = s.CreateCustomer(ctx, pos.Op{Key: "ord/customer/1"}, buyer())
			}
			return err
		}
		customer, _, err = pos.EnsureCustomer(ctx, s, pos.Op{Key: "ord/customer/1"}, buyer(), opts)
		return err
	})
	hold := s.holds(attempts)
	var inv pos.Invoice
	var lines []pos.InvoiceLine // of inv
	in := sale(customer.ID, "g1-1", "g1-2")
	if s.caps.VoidLines {
		in = threeLines(customer.ID)
	}
	wrong := s.rnd.IntN(10) == 0 // an attempt with other content, as after a change of the order
	s.until(attempts, "invoice", []Call{FindInvoices, CreateInvoice, CreateInvoice}, func(ctx context.Context, opts pos.Options) error {
		in := in
		if wrong && opts.Attempt == 2 {
			in = sale(customer.ID, "g1-3")
		}
		got, _, err := pos.EnsureInvoice(ctx, s, op, in, opts)
		if err == nil {
			inv, lines = got, in.Lines
		}
		return err
	})
	if inv.ID == "" && !s.told {
		s.fail("no invoice, and nobody was told")
	}
	var po pos.PurchaseOrder
	s.until(attempts, "purchase", []Call{FindPurchaseOrders, CreatePurchaseOrder, CreatePurchaseOrder}, func(ctx context.Context, opts pos.Options) error {
		got, _, err := pos.EnsurePurchaseOrder(ctx, s, pos.Op{Key: "ord/purchase/1", Ref: op.Ref}, purchase(), opts)
		if err == nil {
			po = got
		}
		return err
	})
	if po.ID == "" && !s.told {
		s.fail("no purchase order, and nobody was told")
	}
	if s.caps.VoidLines && inv.ID != "" && s.rnd.IntN(2) == 0 {
		s.keeps(attempts, inv, lines)
	}
	if hold != "" {
		s.releases(attempts, hold)
	}
	if s.rnd.IntN(2) == 0 {
		return
	}
	void := pos.VoidInput{Ref: op.Ref, Restock: true, Reason: "cancelled"}
	s.until(attempts, "void", []Call{FindInvoices, VoidInvoice}, func(ctx context.Context, opts pos.Options) error {
		_, _, err := pos.VoidInvoiceByRef(ctx, s, pos.Op{Key: "ord/void/1"}, void, opts)
		return err
	})
	s.until(attempts, "void purchase", []Call{FindPurchaseOrders, VoidPurchaseOrder}, func(ctx context.Context, opts pos.Options) error {
		_, _, err := pos.VoidPurchaseOrderByRef(ctx, s, pos.Op{Key: "ord/void/2"}, void, opts)
		return err
	})
	state := s.State()
	if n := len(liveInvoices(state, op.Ref)) + len(livePurchaseOrders(state, op.Ref)); n != 0 {
		s.fail("%d live records after they were voided", n)
	}
}

// holds keeps tickets that the sale does not need, and returns the hold's id; "" where this POS cannot.
func (s *schedule) holds(attempts int) string {
	if !s.ensuresHolds() {
		return ""
	}
	var hold pos.Hold
	calls := []Call{PlaceHold, PlaceHold}
	if s.caps.SearchHolds {
		calls = append(calls, FindHolds)
	}
	s.until(attempts, "hold", calls, func(ctx context.Context, opts pos.Options) error {
		got, _, err := pos.EnsureHold(ctx, s, pos.Op{Key: "ord/hold/1", Ref: "ord"}, s.holding("g4-1", "g4-2"), opts)
		if err == nil {
			hold = got
		}
		return err
	})
	if there := s.State().Holds; len(there) != 1 || hold.ID != there[0].ID {
		s.fail("holds: got %+v; want one, %q", there, hold.ID)
	}
	return hold.ID
}

func (s *schedule) releases(attempts int, hold string) {
	s.until(attempts, "release", []Call{ReleaseHold}, func(ctx context.Context, _ pos.Options) error {
		return pos.ReleaseHold(ctx, s, pos.Op{Key: "ord/release/1"}, hold)
	})
	if there := s.State().Holds; len(there) != 0 {
		s.fail("holds: got %+v; want none", there)
	}
}

// keeps voids all lines of the invoice but one.
func (s *schedule) keeps(attempts int, inv pos.Invoice, lines []pos.InvoiceLine) {
	keep := lines[s.rnd.IntN(len(lines)):][:1]
	partly := pos.VoidInput{Restock: true, Reason: "cancelled in part"}
	s.until(attempts, "keep lines", []Call{GetInvoice, VoidInvoiceLines, VoidInvoiceLines}, func(ctx context.Context, _ pos.Options) error {
		_, err := pos.KeepInvoiceLines(ctx, s, pos.Op{Key: "ord/keep/1"}, inv.ID, keep, partly)
		return err
	})
	s.Set(s.lag)
	there, err := s.Adapter.GetInvoice(s.t.Context(), inv.ID)
	if total, ok := there.Total(); err != nil || there.Voided || !ok || total.Minor != keep[0].Total.Minor {
		s.fail("invoice with one line kept: got %+v, %v; want %+v alone live", there, err, keep[0])
	}
}

// until makes attempts until one succeeds or is for a person; the last meets no faults and must be one of them.
// Workers are lost between attempts, too: a success is sometimes forgotten and tried again.
func (s *schedule) until(attempts int, what string, calls []Call, do func(context.Context, pos.Options) error) {
	for n := 1; ; n++ {
		var faults []Fault
		if n < attempts {
			faults = s.faults(calls)
		}
		s.Set(s.lag, faults...)
		s.hanging = map[Call]bool{}
		for _, f := range faults {
			s.hanging[f.Call] = f.Kind == Hang
		}
		attempt := n
		if s.caps.NativeKey && s.rnd.IntN(4) == 0 {
			attempt = 1 // a caller that lost count, as after a reset; keys must cover that
		}
		err := do(s.t.Context(), s.opts(attempt))
		s.story = append(s.story, fmt.Sprintf("%s %d as %d with %+v: %v", what, n, attempt, faults, err))
		s.check(err)
		switch class := pos.ClassOf(err); {
		case class == pos.Duplicate || class == pos.ReferenceConflict:
			s.told = true
			return
		case err == nil && (n >= attempts || s.rnd.IntN(4) > 0):
			return
		case class == pos.InProgress && n < 10_000:
			// A call that was cut off still runs in there; the POS has not noticed yet.
		case n > attempts:
			s.fail("%s: no end without faults: %v", what, err)
		}
	}
}

// faults makes up what goes wrong in the next attempt.
func (s *schedule) faults(calls []Call) []Fault {
	var faults []Fault
	for range s.rnd.IntN(4) {
		f := Fault{Call: calls[s.rnd.IntN(len(calls))], Count: 1 + s.rnd.IntN(2)}
		create := f.Call == CreateInvoice || f.Call == CreatePurchaseOrder
		switch n := s.rnd.IntN(20); {
		case n < 6:
			f.Kind = LostAfter
		case n < 9:
			f.Kind = LostBefore
		case n < 16 && f.Call == VoidInvoiceLines:
			f.Kind = Partial
		case n == 9:
			f.Kind, f.Count = Hang, again
			faults = slices.DeleteFunc(faults, func(other Fault) bool { return other.Call == f.Call })
		case n < 12 && create:
			f.Kind, f.Count = Double, 1
		case n < 14 && f.Call == CreateInvoice:
			f.Kind, f.Class = Refuse, pos.Unavailable
		default:
			classes := []pos.Class{pos.RateLimited, pos.Transient, pos.Invalid, pos.Unauthorized}
			f.Kind, f.Class = Refuse, classes[s.rnd.IntN(len(classes))]
		}
		if !slices.ContainsFunc(faults, func(other Fault) bool { return other.Call == f.Call && other.Kind == Hang }) {
			faults = append(faults, f)
		}
	}
	return faults
}

// patient cuts off calls that hang.
func patient[R any](ctx context.Context, s *schedule, call Call, do func(context.Context) (R, error)) (R, error) {
	if !s.hanging[call] {
		return do(ctx)
	}
	striker, ok := s.Faults.(Striker)
	before := 0
	if ok {
		before = striker.Struck()
	}
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer cancel()
		if !ok {
			select {
			case <-ctx.Done():
			case <-time.After(patience):
			}
			return
		}
		// The call is the only one that is under way: whatever struck, struck it.
		for ctx.Err() == nil && striker.Struck() == before {
			time.Sleep(100 * time.Microsecond)
		}
	}()
	r, err := do(ctx)
	cancel()
	<-done
	return r, err
}

func (s *schedule) FindCustomers(ctx context.Context, q pos.CustomerQuery) ([]pos.Customer, error) {
	return patient(ctx, s, FindCustomers, func(ctx context.Context) ([]pos.Customer, error) {
		return s.Adapter.FindCustomers(ctx, q)
	})
}

func (s *schedule) CreateCustomer(ctx context.Context, op pos.Op, in pos.CustomerInput) (pos.Customer, error) {
	return patient(ctx, s, CreateCustomer, func(ctx context.Context) (pos.Customer, error) {
		return s.Adapter.CreateCustomer(ctx, op, in)
	})
}

func (s *schedule) FindInvoices(ctx context.Context, ref string) ([]pos.Invoice, error) {
	return patient(ctx, s, FindInvoices, func(ctx context.Context) ([]pos.Invoice, error) {
		return s.Adapter.FindInvoices(ctx, ref)
	})
}

func (s *schedule) GetInvoice(ctx context.Context, id string) (pos.Invoice, error) {
	return patient(ctx, s, GetInvoice, func(ctx context.Context) (pos.Invoice, error) {
		return s.Adapter.GetInvoice(ctx, id)
	})
}

func (s *schedule) VoidInvoiceLines(ctx context.Context, op pos.Op, id string, lineIDs []string, in pos.VoidInput) (pos.Invoice, error) {
	return patient(ctx, s, VoidInvoiceLines, func(ctx context.Context) (pos.Invoice, error) {
		return s.Adapter.VoidInvoiceLines(ctx, op, id, lineIDs, in)
	})
}

func (s *schedule) FindHolds(ctx context.Context, ref string) ([]pos.Hold, error) {
	return patient(ctx, s, FindHolds, func(ctx context.Context) ([]pos.Hold, error) {
		return s.Adapter.FindHolds(ctx, ref)
	})
}

func (s *schedule) PlaceHold(ctx context.Context, op pos.Op, in pos.HoldInput) (pos.Hold, error) {
	return patient(ctx, s, PlaceHold, func(ctx context.Context) (pos.Hold, error) {
		return s.Adapter.PlaceHold(ctx, op, in)
	})
}

func (s *schedule) ReleaseHold(ctx context.Context, op pos.Op, id string) error {
	_, err := patient(ctx, s, ReleaseHold, func(ctx context.Context) (struct{}, error) {
		return struct{}{}, s.Adapter.ReleaseHold(ctx, op, id)
	})
	return err
}

func (s *schedule) CreateInvoice(ctx context.Context, op pos.Op, in pos.InvoiceInput) (pos.Invoice, error) {
	return patient(ctx, s, CreateInvoice, func(ctx context.Context) (pos.Invoice, error) {
		return s.Adapter.CreateInvoice(ctx, op, in)
	})
}

func (s *schedule) VoidInvoice(ctx context.Context, op pos.Op, id string, in pos.VoidInput) (pos.Invoice, error) {
	return patient(ctx, s, VoidInvoice, func(ctx context.Context) (pos.Invoice, error) {
		return s.Adapter.VoidInvoice(ctx, op, id, in)
	})
}

func (s *schedule) FindPurchaseOrders(ctx context.Context, ref string) ([]pos.PurchaseOrder, error) {
	return patient(ctx, s, FindPurchaseOrders, func(ctx context.Context) ([]pos.PurchaseOrder, error) {
		return s.Adapter.FindPurchaseOrders(ctx, ref)
	})
}

func (s *schedule) CreatePurchaseOrder(ctx context.Context, op pos.Op, in pos.PurchaseInput) (pos.PurchaseOrder, error) {
	return patient(ctx, s, CreatePurchaseOrder, func(ctx context.Context) (pos.PurchaseOrder, error) {
		return s.Adapter.CreatePurchaseOrder(ctx, op, in)
	})
}

func (s *schedule) VoidPurchaseOrder(ctx context.Context, op pos.Op, id string, in pos.VoidInput) (pos.PurchaseOrder, error) {
	return patient(ctx, s, VoidPurchaseOrder, func(ctx context.Context) (pos.PurchaseOrder, error) {
		return s.Adapter.VoidPurchaseOrder(ctx, op, id, in)
	})
}

// check compares what was said with what is there.
func (s *schedule) check(err error) {
	if s.told {
		return
	}
	class := pos.ClassOf(err)
	state := s.State()
	invoices, orders := liveInvoices(state, "ord"), livePurchaseOrders(state, "ord")
	if (len(invoices) > 1 || len(orders) > 1) && err == nil {
		s.fail("success with %d live invoices and %d live purchase orders", len(invoices), len(orders))
	}
	if class == pos.Unavailable && len(invoices) > 0 {
		s.fail("seats were reported gone that are ours")
	}
	if class == pos.Duplicate && len(invoices) < 2 && len(orders) < 2 {
		s.fail("a duplicate was reported, and there is none")
	}
	if slices.ContainsFunc(invoices, func(i pos.Invoice) bool { return i.CustomerID == "" }) {
		s.fail("an invoice without customer")
	}
}

func (s *schedule) fail(format string, args ...any) {
	s.t.Helper()
	for _, line := range s.story {
		s.t.Log(line)
	}
	s.t.Fatalf(format, args...)
}
