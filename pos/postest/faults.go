package postest

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"willcall/pos"
)

// A try makes one call that succeeds unless a fault hits it.
type try struct {
	call  Call
	write bool
	do    func(context.Context) error
}

// tries returns every call of the port, with records that exist.
func (s *setup) tries(t *testing.T) []try {
	t.Helper()
	ctx := t.Context()
	customer := s.customer(t)
	inv, err := s.CreateInvoice(ctx, pos.Op{Key: "there", Ref: "there"}, sale(customer, "g4-1"))
	if err != nil {
		t.Fatalf("CreateInvoice: got %v; want no error", err)
	}
	delivered, err := s.CreateInvoice(ctx, pos.Op{Key: "delivered", Ref: "delivered"}, sale(customer, "g4-2"))
	if err != nil {
		t.Fatalf("CreateInvoice: got %v; want no error", err)
	}
	po, err := s.CreatePurchaseOrder(ctx, pos.Op{Key: "there too", Ref: "there"}, purchase())
	if err != nil {
		t.Fatalf("CreatePurchaseOrder: got %v; want no error", err)
	}
	void := pos.VoidInput{Restock: s.limits.AlwaysRestocks, Reason: "test"}
	all := []try{
		{Ping, false, func(ctx context.Context) error { return s.Ping(ctx) }},
		{GetInventory, false, func(ctx context.Context) error { _, err := s.GetInventory(ctx, "g1"); return err }},
		{GetInvoice, false, func(ctx context.Context) error { _, err := s.GetInvoice(ctx, inv.ID); return err }},
		{CreateCustomer, true, func(ctx context.Context) error {
			_, err := s.CreateCustomer(ctx, pos.Op{Key: "try/customer"}, buyer())
			return err
		}},
		{CreateInvoice, true, func(ctx context.Context) error {
			_, err := s.CreateInvoice(ctx, pos.Op{Key: "try/invoice", Ref: "try"}, sale(customer, "g1-1"))
			return err
		}},
		{VoidInvoice, true, func(ctx context.Context) error {
			_, err := s.VoidInvoice(ctx, pos.Op{Key: "try/void"}, inv.ID, void)
			return err
		}},
		{CreatePurchaseOrder, true, func(ctx context.Context) error {
			_, err := s.CreatePurchaseOrder(ctx, pos.Op{Key: "try/po", Ref: "try"}, purchase())
			return err
		}},
		{VoidPurchaseOrder, true, func(ctx context.Context) error {
			_, err := s.VoidPurchaseOrder(ctx, pos.Op{Key: "try/void po"}, po.ID, void)
			return err
		}},
	}
	if s.fulfills(t, inv.ID) {
		all = append(all, try{SetFulfillment, true, func(ctx context.Context) error {
			_, err := s.SetFulfillment(ctx, pos.Op{Key: "try/fulfil"}, delivered.ID, s.delivery())
			return err
		}})
	}
	all = append(all, s.moreTries(t, customer)...)
	if s.caps.UpdateCustomers {
		all = append(all, try{UpdateCustomer, true, func(ctx context.Context) error {
			_, err := s.UpdateCustomer(ctx, pos.Op{Key: "try/update"}, customer, buyer())
			return err
		}})
	}
	if s.caps.SearchCustomers {
		all = append(all, try{FindCustomers, false, func(ctx context.Context) error {
			_, err := s.FindCustomers(ctx, pos.CustomerQuery{Email: buyerEmail})
			return err
		}}, try{FindCustomers, false, func(ctx context.Context) error {
			_, err := s.FindCustomers(ctx, pos.CustomerQuery{Phone: buyerPhone})
			return err
		}})
	}
	if s.caps.SearchInvoices {
		all = append(all, try{FindInvoices, false, func(ctx context.Context) error { _, err := s.FindInvoices(ctx, "there"); return err }})
	}
	if s.caps.SearchPurchaseOrders {
		all = append(all, try{FindPurchaseOrders, false, func(ctx context.Context) error {
			_, err := s.FindPurchaseOrders(ctx, "there")
			return err
		}})
	}
	return all
}

// moreTries are the calls that a POS need not know.
func (s *setup) moreTries(t *testing.T, customer string) (all []try) {
	t.Helper()
	if s.caps.VoidLines {
		inv, err := s.CreateInvoice(t.Context(), pos.Op{Key: "credited", Ref: "credited"}, threeLines(customer))
		if err != nil {
			t.Fatalf("CreateInvoice: got %v; want no error", err)
		}
		all = append(all, try{VoidInvoiceLines, true, func(ctx context.Context) error {
			void := pos.VoidInput{Restock: s.limits.AlwaysRestocks, Reason: "test"}
			_, err := s.VoidInvoiceLines(ctx, pos.Op{Key: "try/void line"}, inv.ID, []string{inv.Lines[1].ID}, void)
			return err
		}})
	}
	if s.caps.ReadDeliveries {
		inv, err := s.CreateInvoice(t.Context(), pos.Op{Key: "supplied", Ref: "supplied"}, sale(customer, "g4-3"))
		if err != nil {
			t.Fatalf("CreateInvoice: got %v; want no error", err)
		}
		if supplier, ok := s.Faults.(Supplier); ok {
			supplier.Supply(inv)
		}
		all = append(all, try{GetDeliveries, false, func(ctx context.Context) error { _, err := s.GetDeliveries(ctx, inv.ID); return err }})
	}
	if s.caps.SearchHolds {
		all = append(all, try{FindHolds, false, func(ctx context.Context) error { _, err := s.FindHolds(ctx, "there"); return err }})
	}
	if s.caps.Holds {
		held, err := s.PlaceHold(t.Context(), pos.Op{Key: "held", Ref: "held"}, s.holding("g4-4"))
		if err != nil {
			t.Fatalf("PlaceHold: got %v; want no error", err)
		}
		all = append(all, try{PlaceHold, true, func(ctx context.Context) error {
			_, err := s.PlaceHold(ctx, pos.Op{Key: "try/hold", Ref: "try"}, s.holding("g1-2"))
			return err
		}}, try{ReleaseHold, true, func(ctx context.Context) error {
			return s.ReleaseHold(ctx, pos.Op{Key: "try/release"}, held.ID)
		}})
	}
	if s.caps.FulfillPurchases {
		po, err := s.CreatePurchaseOrder(t.Context(), pos.Op{Key: "come", Ref: "come"}, purchase())
		if err != nil {
			t.Fatalf("CreatePurchaseOrder: got %v; want no error", err)
		}
		all = append(all, try{FulfillPurchaseOrder, true, func(ctx context.Context) error {
			_, err := s.FulfillPurchaseOrder(ctx, pos.Op{Key: "try/come"}, po.ID, s.delivery())
			return err
		}})
	}
	return all
}

// again is how many calls a fault hits where one is meant: below an adapter net/http repeats a read by itself
// when a connection that it kept turns out to be closed.
const again = 5

func faultsHaveTheirClasses(t *testing.T, s *setup) {
	for _, try := range s.tries(t) {
		lost, down := pos.Transient, pos.Transient
		if try.write {
			lost = pos.OutcomeUnknown
		}
		if try.write && s.limits.NoTransientWrites {
			down = pos.OutcomeUnknown
		}
		for _, c := range []struct {
			fault Fault
			want  pos.Class
		}{
			{Fault{Kind: LostBefore}, lost},
			{Fault{Kind: Refuse, Class: pos.RateLimited, RetryAfter: time.Second}, pos.RateLimited},
			{Fault{Kind: Refuse, Class: pos.Transient}, down},
			{Fault{Kind: Refuse, Class: pos.Unauthorized}, pos.Unauthorized},
			{Fault{Kind: Refuse, Class: pos.Invalid}, pos.Invalid},
			{Fault{Kind: LostAfter}, lost},
		} {
			c.fault.Call, c.fault.Count = try.call, again
			s.Set(0, c.fault)
			err := try.do(t.Context())
			wantClass(t, string(try.call)+" with "+string(c.fault.Kind), err, c.want)
		}
		s.Set(0)
		// After a lost answer the record may be there: a POS without keys may refuse it.
		if err := try.do(t.Context()); err != nil && (s.caps.NativeKey || !try.write) {
			t.Errorf("%s without a fault: got %v; want no error", try.call, err)
		}
	}
}

func endOfContextIsUnknownForWrites(t *testing.T, s *setup) {
	for _, try := range s.tries(t) {
		want := pos.Transient
		if try.write {
			want = pos.OutcomeUnknown
		}
		err := hang(t, s, try)
		wantClass(t, string(try.call)+" that hangs", err, want)
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s that hangs: got %v; want it to be context.DeadlineExceeded", try.call, err)
		}

		s.Set(0)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		before := s.State()
		err = try.do(ctx)
		wantClass(t, string(try.call)+" with an ended context", err, pos.Transient)
		after := s.State()
		if len(before.Customers) != len(after.Customers) || len(before.Invoices) != len(after.Invoices) ||
			len(before.PurchaseOrders) != len(after.PurchaseOrders) || len(before.Holds) != len(after.Holds) {
			t.Errorf("%s with an ended context: wrote", try.call)
		}
	}
}

// hang makes a call that hangs and is cut off. One that did not come so far, because it reads before it writes or the machine is
// busy, is given more time: of a write that was not begun it may be said that nothing was done.
func hang(t *testing.T, s *setup, try try) error {
	striker, ok := s.Faults.(Striker)
	for patience := 30 * time.Millisecond; ; patience *= 2 {
		s.Set(0, Fault{Call: try.call, Kind: Hang, Count: again})
		before := 0
		if ok {
			before = striker.Struck()
		}
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		err := try.do(ctx)
		cancel()
		hung := !try.write || pos.ClassOf(err) != pos.Transient
		if ok {
			hung = striker.Struck() > before
		}
		if hung || patience > 10*time.Second {
			return err
		}
	}
}

func retryAfterIsPassedOn(t *testing.T, s *setup) {
	for _, try := range s.tries(t) {
		s.Set(0, Fault{Call: try.call, Kind: Refuse, Class: pos.RateLimited, RetryAfter: 7 * time.Second, Count: 1})
		err := try.do(t.Context())
		var e *pos.Error
		if !errors.As(err, &e) || e.RetryAfter != 7*time.Second {
			t.Errorf("%s: got %v; want an error with RetryAfter 7s", try.call, err)
		}
	}
}

// errorsHoldNoBuyer looks for the buyer in every text of every error that can be provoked.
func errorsHoldNoBuyer(t *testing.T, s *setup) {
	for _, try := range s.tries(t) {
		for _, fault := range []Fault{
			{Kind: LostBefore}, {Kind: Hang},
			{Kind: Refuse, Class: pos.RateLimited}, {Kind: Refuse, Class: pos.Transient},
			{Kind: Refuse, Class: pos.Unauthorized}, {Kind: Refuse, Class: pos.Invalid},
			{Kind: LostAfter},
		} {
			fault.Call, fault.Count = try.call, again
			s.Set(0, fault)
			ctx, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
			err := try.do(ctx)
			cancel()
			if err == nil {
				t.Errorf("%s with %s: got no error; want one", try.call, fault.Kind)
			}
			for e := err; e != nil; e = errors.Unwrap(e) {
				for _, secret := range []string{"quibblethorpe", "zelda", "0199", "2718"} {
					if strings.Contains(strings.ToLower(e.Error()), secret) {
						t.Errorf("%s with %s: the error holds %q", try.call, fault.Kind, secret)
					}
				}
			}
		}
	}
}
