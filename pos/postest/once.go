package postest

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"willcall/pos"
)

func ensureFindsWhatALostAnswerWrote(t *testing.T, s *setup) {
	ctx := t.Context()
	op, in := pos.Op{Key: "k", Ref: "ord"}, sale(s.customer(t), "g1-1", "g1-2")
	s.Set(s.caps.SettleDelay, Fault{Call: CreateInvoice, Kind: LostAfter, Count: 1})
	_, _, err := pos.EnsureInvoice(ctx, s, op, in, s.opts(1))
	wantClass(t, "EnsureInvoice with a lost answer", err, pos.OutcomeUnknown)
	got, _, err := pos.EnsureInvoice(ctx, s, op, in, s.opts(2))
	live := liveInvoices(s.State(), "ord")
	if err != nil || len(live) != 1 || live[0].ID != got.ID {
		t.Errorf("EnsureInvoice again: got %s, %v; want the one of %v", got.ID, err, live)
	}

	s.Set(s.caps.SettleDelay, Fault{Call: CreatePurchaseOrder, Kind: LostAfter, Count: 1})
	_, _, err = pos.EnsurePurchaseOrder(ctx, s, pos.Op{Key: "po", Ref: "ord"}, purchase(), s.opts(1))
	wantClass(t, "EnsurePurchaseOrder with a lost answer", err, pos.OutcomeUnknown)
	po, _, err := pos.EnsurePurchaseOrder(ctx, s, pos.Op{Key: "po", Ref: "ord"}, purchase(), s.opts(2))
	if live := livePurchaseOrders(s.State(), "ord"); err != nil || len(live) != 1 || live[0].ID != po.ID {
		t.Errorf("EnsurePurchaseOrder again: got %s, %v; want the one of %v", po.ID, err, live)
	}

	if !ensuresCustomers(s.caps) {
		return
	}
	other := pos.CustomerInput{Name: "Otto Other", Email: "otto@example.com", Kind: pos.Retail}
	s.Set(s.caps.SettleDelay, Fault{Call: CreateCustomer, Kind: LostAfter, Count: 1})
	_, _, err = pos.EnsureCustomer(ctx, s, pos.Op{Key: "c"}, other, s.opts(1))
	wantClass(t, "EnsureCustomer with a lost answer", err, pos.OutcomeUnknown)
	c, _, err := pos.EnsureCustomer(ctx, s, pos.Op{Key: "c"}, other, s.opts(2))
	if all := s.State().Customers; err != nil || len(all) != 2 || all[1].ID != c.ID {
		t.Errorf("EnsureCustomer again: got %s, %v; want the second of %v", c.ID, err, all)
	}
}

func ensureAgainReturnsTheSame(t *testing.T, s *setup) {
	ctx := t.Context()
	op, in := pos.Op{Key: "k", Ref: "ord"}, sale(s.customer(t), "g1-1", "g1-2")
	first, booked, err := pos.EnsureInvoice(ctx, s, op, in, s.opts(1))
	if err != nil || !booked {
		t.Fatalf("EnsureInvoice: got booked %v, %v; want true, no error", booked, err)
	}
	again, booked, err := pos.EnsureInvoice(ctx, s, op, in, s.opts(0))
	if err != nil || booked && s.caps.SearchInvoices || again.ID != first.ID {
		t.Errorf("EnsureInvoice again: got %s, booked %v, %v; want %s, false, no error", again.ID, booked, err, first.ID)
	}
}

func ensureReportsADoubledWrite(t *testing.T, s *setup) {
	ctx := t.Context()
	op, in := pos.Op{Key: "k", Ref: "ord"}, sale(s.customer(t), "g1-1")
	s.Set(s.caps.SettleDelay,
		Fault{Call: CreateInvoice, Kind: Double, Count: 1}, Fault{Call: CreatePurchaseOrder, Kind: Double, Count: 1})
	_, _, err := pos.EnsureInvoice(ctx, s, op, in, s.opts(1))
	wantClass(t, "EnsureInvoice", err, pos.Duplicate)
	_, _, err = pos.EnsureInvoice(ctx, s, op, in, s.opts(2))
	wantClass(t, "EnsureInvoice again", err, pos.Duplicate)
	_, _, err = pos.EnsurePurchaseOrder(ctx, s, pos.Op{Key: "po", Ref: "ord"}, purchase(), s.opts(1))
	wantClass(t, "EnsurePurchaseOrder", err, pos.Duplicate)
	// Voiding by reference gets rid of both.
	if voided, _, err := pos.VoidInvoiceByRef(ctx, s, pos.Op{Key: "v"}, pos.VoidInput{Ref: "ord", Restock: s.limits.AlwaysRestocks, Reason: "double"}, s.opts(1)); err != nil || len(voided) != 2 {
		t.Errorf("VoidInvoiceByRef: got %d, %v; want 2, no error", len(voided), err)
	}
	if live := liveInvoices(s.State(), "ord"); len(live) != 0 {
		t.Errorf("live invoices: got %d; want 0", len(live))
	}
}

func ensureReportsOtherContent(t *testing.T, s *setup) {
	ctx := t.Context()
	customer := s.customer(t)
	if _, err := s.CreateInvoice(ctx, pos.Op{Key: "another writer", Ref: "ord"}, sale(customer, "g1-1")); err != nil {
		t.Fatalf("CreateInvoice: got %v; want no error", err)
	}
	for attempt := range 3 {
		_, _, err := pos.EnsureInvoice(ctx, s, pos.Op{Key: "k", Ref: "ord"}, sale(customer, "g1-2", "g1-3"), s.opts(attempt))
		// A POS that sells on sees two; both are for a person.
		wantClass(t, "EnsureInvoice", err, pos.ReferenceConflict, pos.Duplicate)
	}
}

func ensureAfterAVoidNeedsANewKey(t *testing.T, s *setup) {
	ctx := t.Context()
	in := sale(s.customer(t), "g1-1")
	first, _, err := pos.EnsureInvoice(ctx, s, pos.Op{Key: "ord/invoice/1", Ref: "ord"}, in, s.opts(1))
	if err != nil {
		t.Fatalf("EnsureInvoice: got %v; want no error", err)
	}
	if _, _, err := pos.VoidInvoiceByRef(ctx, s, pos.Op{Key: "ord/void/1"}, pos.VoidInput{Ref: "ord", Restock: true, Reason: "test"}, s.opts(1)); err != nil {
		t.Fatalf("VoidInvoiceByRef: got %v; want no error", err)
	}
	if s.caps.NativeKey {
		for attempt := range 3 {
			_, _, err = pos.EnsureInvoice(ctx, s, pos.Op{Key: "ord/invoice/1", Ref: "ord"}, in, s.opts(attempt))
			wantClass(t, "EnsureInvoice under the old key", err, pos.ReferenceConflict)
		}
	}
	second, booked, err := pos.EnsureInvoice(ctx, s, pos.Op{Key: "ord/invoice/2", Ref: "ord"}, in, s.opts(1))
	if err != nil || !booked || second.ID == first.ID {
		t.Errorf("EnsureInvoice under a new key: got %s, booked %v, %v; want another than %s", second.ID, booked, err, first.ID)
	}
}

func ensureAtOnceWritesOnceOrReports(t *testing.T, s *setup) {
	ctx := t.Context()
	op, in := pos.Op{Key: "k", Ref: "ord"}, sale(s.customer(t), "g1-1", "g1-2")
	const workers = 8
	var group sync.WaitGroup
	got, errs := make([]pos.Invoice, workers), make([]error, workers)
	for i := range workers {
		group.Go(func() { got[i], _, errs[i] = pos.EnsureInvoice(ctx, s, op, in, s.opts(i)) })
	}
	group.Wait()
	reported := false
	for i, err := range errs {
		if err == nil {
			continue
		}
		wantClass(t, "EnsureInvoice", errs[i], pos.Duplicate, pos.ReferenceConflict, pos.InProgress, pos.Unavailable)
		reported = reported || pos.ClassOf(err) == pos.Duplicate
	}
	live := liveInvoices(s.State(), "ord")
	if len(live) == 0 || len(live) > 1 && !reported {
		t.Errorf("got %d live invoices, reported %v; want one, or a report", len(live), reported)
	}
	for i, err := range errs {
		if err == nil && len(live) == 1 && got[i].ID != live[0].ID {
			t.Errorf("EnsureInvoice: got %s; want %s", got[i].ID, live[0].ID)
		}
	}
}

func ensureCustomerTakesTheOldestOfTheEmail(t *testing.T, s *setup) {
	ctx := t.Context()
	create := func(key, email string) string {
		t.Helper()
		in := buyer()
		in.Email = email
		c, err := s.CreateCustomer(ctx, pos.Op{Key: key}, in)
		if err != nil {
			t.Fatalf("CreateCustomer: got %v; want no error", err)
		}
		return c.ID
	}
	create("1", "somebody.else@example.com")
	want := create("2", "ZELDA.quibblethorpe@example.com")
	create("3", buyerEmail)
	in := buyer()
	in.Email = "  " + in.Email + " "
	got, created, err := pos.EnsureCustomer(ctx, s, pos.Op{Key: "k"}, in, s.opts(1))
	if err != nil || created || got.ID != want {
		t.Errorf("EnsureCustomer: got %s, created %v, %v; want %s, false, no error", got.ID, created, err, want)
	}
}

func voidByReferenceFindsWhatALostAnswerLeft(t *testing.T, s *setup) {
	ctx := t.Context()
	op := pos.Op{Key: "k", Ref: "ord"}
	s.Set(s.caps.SettleDelay,
		Fault{Call: CreateInvoice, Kind: LostAfter, Count: 1}, Fault{Call: CreatePurchaseOrder, Kind: LostAfter, Count: 1},
		Fault{Call: VoidInvoice, Kind: LostAfter, Count: 1}, Fault{Call: VoidPurchaseOrder, Kind: LostAfter, Count: 1})
	_, _, err := pos.EnsureInvoice(ctx, s, op, sale(s.customer(t), "g1-1"), s.opts(1))
	wantClass(t, "EnsureInvoice", err, pos.OutcomeUnknown)
	_, _, err = pos.EnsurePurchaseOrder(ctx, s, pos.Op{Key: "po", Ref: "ord"}, purchase(), s.opts(1))
	wantClass(t, "EnsurePurchaseOrder", err, pos.OutcomeUnknown)

	in := pos.VoidInput{Ref: "ord", Restock: true, Reason: "cancelled"}
	_, _, err = pos.VoidInvoiceByRef(ctx, s, pos.Op{Key: "v"}, in, s.opts(1))
	wantClass(t, "VoidInvoiceByRef with a lost answer", err, pos.OutcomeUnknown)
	_, _, err = pos.VoidPurchaseOrderByRef(ctx, s, pos.Op{Key: "vp"}, in, s.opts(1))
	wantClass(t, "VoidPurchaseOrderByRef with a lost answer", err, pos.OutcomeUnknown)
	for range 2 {
		invoices, found, err := pos.VoidInvoiceByRef(ctx, s, pos.Op{Key: "v"}, in, s.opts(2))
		if err != nil || !found || len(invoices) != 1 || !invoices[0].Voided {
			t.Errorf("VoidInvoiceByRef again: got %+v, found %v, %v; want one, void", invoices, found, err)
		}
		orders, found, err := pos.VoidPurchaseOrderByRef(ctx, s, pos.Op{Key: "vp"}, in, s.opts(2))
		if err != nil || !found || len(orders) != 1 || !orders[0].Voided {
			t.Errorf("VoidPurchaseOrderByRef again: got %+v, found %v, %v; want one, void", orders, found, err)
		}
	}
	if g, err := s.GetInventory(ctx, "g1"); err != nil || g.Quantity != 8 {
		t.Errorf("GetInventory: got %d left, %v; want 8", g.Quantity, err)
	}
}

func voidByIDTouchesNoOther(t *testing.T, s *setup) {
	ctx := t.Context()
	customer := s.customer(t)
	var made [2]pos.Invoice
	for i := range made {
		var err error
		op := pos.Op{Key: fmt.Sprint("k", i), Ref: fmt.Sprint("telephone ", i)}
		if made[i], err = s.CreateInvoice(ctx, op, sale(customer, fmt.Sprint("g1-", i+1))); err != nil {
			t.Fatalf("CreateInvoice: got %v; want no error", err)
		}
	}
	in := pos.VoidInput{Restock: true, Reason: "cancelled"}
	s.Set(0, Fault{Call: VoidInvoice, Kind: LostAfter, Count: 1})
	_, err := pos.VoidInvoiceByID(ctx, s, pos.Op{Key: "v"}, made[0].ID, in)
	wantClass(t, "VoidInvoiceByID with a lost answer", err, pos.OutcomeUnknown)
	for range 2 {
		if inv, err := pos.VoidInvoiceByID(ctx, s, pos.Op{Key: "v"}, made[0].ID, in); err != nil || inv.ID != made[0].ID || !inv.Voided {
			t.Errorf("VoidInvoiceByID again: got %+v, %v; want %s void", inv, err, made[0].ID)
		}
	}
	if inv, err := s.GetInvoice(ctx, made[1].ID); err != nil || inv.Voided {
		t.Errorf("GetInvoice of the other: got %+v, %v; want it live", inv, err)
	}
	_, err = pos.VoidInvoiceByID(ctx, s, pos.Op{Key: "v"}, "nobody", in)
	wantClass(t, "VoidInvoiceByID of an unknown id", err, pos.NotFound)
}

func voidByReferenceOfNothingIsFine(t *testing.T, s *setup) {
	in := pos.VoidInput{Ref: "nothing", Reason: "cancelled"}
	invoices, found, err := pos.VoidInvoiceByRef(t.Context(), s, pos.Op{Key: "v"}, in, s.opts(1))
	if !s.caps.SearchInvoices {
		wantClass(t, "VoidInvoiceByRef", err, pos.Unsupported)
		return
	}
	if err != nil || found || len(invoices) != 0 {
		t.Errorf("VoidInvoiceByRef: got %v, found %v, %v; want nothing", invoices, found, err)
	}
	s.Set(0, Fault{Call: FindInvoices, Kind: Refuse, Class: pos.RateLimited, RetryAfter: time.Second, Count: 1})
	_, _, err = pos.VoidInvoiceByRef(t.Context(), s, pos.Op{Key: "v"}, in, s.opts(1))
	wantClass(t, "VoidInvoiceByRef without a search", err, pos.RateLimited)
}
