package postgres_test

import (
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"willcall/order"
	"willcall/postgres"
	"willcall/postgres/postgrestest"
)

// wrote notes the intent to write a record of the order under a reference.
func wrote(t *testing.T, db *postgres.DB, orderID, ref, verb string, n int) {
	t.Helper()
	_, err := db.BeginOperation(t.Context(), postgres.Operation{Key: fmt.Sprint(orderID, ref, verb, n), OrderID: orderID, Do: verb, Adapter: "main", Ref: ref}, time.Minute)
	must(t, err)
}

func TestWrittenOrders(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t)
	long := noon.Add(-100 * 24 * time.Hour)
	for n, c := range []struct {
		change func(*postgres.OrderRow)
		verbs  []string
		ref    string // "": the order's id
	}{
		0: {verbs: []string{"invoice", "invoice", "void_invoice"}},
		1: {verbs: []string{"purchase_order", "invoice"}},
		2: {},                                         // nothing was begun
		3: {verbs: []string{"customer", "accept"}},    // nothing that bears a reference
		4: {verbs: []string{"invoice"}, ref: "44442"}, // a sale of our own, whose reference is the provider's id
		5: {verbs: []string{"invoice"}, change: func(o *postgres.OrderRow) { o.Source = "other" }},
		6: {verbs: []string{"invoice"}, change: func(o *postgres.OrderRow) { o.DecidedAt, o.InvoicedAt = long, long }},
		7: {verbs: []string{"invoice"}, change: func(o *postgres.OrderRow) { o.DecidedAt, o.InvoicedAt = long, time.Time{} }},
		8: {verbs: []string{"invoice"}, change: func(o *postgres.OrderRow) { o.DecidedAt = long }},  // invoiced of late
		9: {verbs: []string{"invoice"}, change: func(o *postgres.OrderRow) { o.InvoicedAt = long }}, // heard of late
	} {
		o := orderRow(n)
		if c.change != nil {
			c.change(&o)
		}
		save(t, db, o)
		for i, verb := range c.verbs {
			ref := c.ref
			if ref == "" {
				ref = o.ID
			}
			wrote(t, db, o.ID, ref, verb, i)
		}
	}
	page := func(after string, limit int) (got []string) {
		t.Helper()
		all, err := db.WrittenOrders(t.Context(), "tevo", after, noon, limit)
		must(t, err)
		for _, w := range all {
			got = append(got, fmt.Sprint(w.ID, w.Kinds))
		}
		return got
	}
	want := []string{"order:tevo:0[invoice]", "order:tevo:1[invoice purchase_order]", "order:tevo:8[invoice]", "order:tevo:9[invoice]"}
	wantIDs(t, "all", page("", 50), want)
	wantIDs(t, "the first page", page("", 2), want[:2])
	wantIDs(t, "the second", page("order:tevo:1", 2), want[2:])
	wantIDs(t, "behind the last", page("order:tevo:9", 2), nil)

	d := postgres.Duplicate{Source: "tevo", Reference: "order:tevo:6", Kind: order.DoInvoice, Live: 2, IDs: []string{"i1", "i2"}, LastSeen: noon}
	_, err := db.PutDuplicate(t.Context(), d)
	must(t, err)
	wantIDs(t, "an old one with an open duplicate", page("order:tevo:1", 1), []string{"order:tevo:6[invoice]"})
	_, err = db.DuplicateGone(t.Context(), "tevo", d.Reference, d.Kind, noon)
	must(t, err)
	wantIDs(t, "when that is gone", page("order:tevo:1", 1), want[2:3])
}

func TestDuplicates(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t)
	found := func(n int, kind order.Do, at time.Time, ids ...string) postgres.Duplicate {
		return postgres.Duplicate{Source: "tevo", Reference: fmt.Sprintf("order:tevo:%d", n), Kind: kind, Live: len(ids), IDs: ids, LastSeen: at}
	}
	put := func(d postgres.Duplicate, want bool) {
		t.Helper()
		if news, err := db.PutDuplicate(t.Context(), d); err != nil || news != want {
			t.Errorf("%s at %s: got news %v %v; want %v", d.Reference, d.LastSeen, news, err, want)
		}
	}
	listed := func(gone bool) []postgres.Duplicate {
		t.Helper()
		got, next, err := db.Duplicates(t.Context(), "tevo", gone, "", 0)
		must(t, err)
		if next != "" {
			t.Errorf("got a next page %q; want none", next)
		}
		for i := range got {
			got[i].ID = 0
		}
		return got
	}
	save(t, db, orderRow(1))
	day := func(n int) time.Time { return noon.AddDate(0, 0, n) }

	put(found(1, order.DoInvoice, day(0), "i1", "i2"), true)
	put(found(1, order.DoInvoice, day(1), "i1", "i2", "i3"), false)
	put(found(2, order.DoPurchaseOrder, day(1), "p2", "p1"), true)
	one := found(1, order.DoInvoice, day(1), "i1", "i2", "i3")
	one.FirstSeen, one.Named = day(0), "i1"
	two := found(2, order.DoPurchaseOrder, day(1), "p2", "p1")
	two.FirstSeen = day(1)
	if got, want := listed(false), []postgres.Duplicate{two, one}; !reflect.DeepEqual(got, want) {
		t.Fatalf("got  %+v\nwant %+v", got, want)
	}

	gone := func(n int, kind order.Do, want bool) {
		t.Helper()
		if news, err := db.DuplicateGone(t.Context(), "tevo", fmt.Sprintf("order:tevo:%d", n), kind, day(2)); err != nil || news != want {
			t.Errorf("%d %s: got news %v %v; want %v", n, kind, news, err, want)
		}
	}
	gone(1, order.DoPurchaseOrder, false) // the other kind
	gone(1, order.DoInvoice, true)
	gone(1, order.DoInvoice, false)
	gone(7, order.DoInvoice, false) // never there
	if got := listed(false); !reflect.DeepEqual(got, []postgres.Duplicate{two}) {
		t.Errorf("got  %+v; want the one that is there", got)
	}
	one.GoneAt = day(2)
	if got, want := listed(true), []postgres.Duplicate{two, one}; !reflect.DeepEqual(got, want) {
		t.Errorf("with those that are gone: got  %+v\nwant %+v", got, want)
	}
	counts, err := db.DuplicateCounts(t.Context())
	if want := []postgres.DuplicateCount{{Source: "tevo", N: 1}}; err != nil || !slices.Equal(counts, want) {
		t.Errorf("got %v %v; want %v", counts, err, want)
	}

	put(found(1, order.DoInvoice, day(3), "i1", "i4"), true) // it is back: news again, of another time
	if got := listed(false); len(got) != 2 || !got[1].FirstSeen.Equal(day(3)) || !got[1].GoneAt.IsZero() || !slices.Equal(got[1].IDs, []string{"i1", "i4"}) {
		t.Errorf("got %+v; want it first seen on the third day", got)
	}

	var many []string
	for n := range 150 {
		many = append(many, fmt.Sprint(n))
	}
	put(found(3, order.DoInvoice, day(3), many...), true)
	if got := listed(false); got[0].Live != 150 || !slices.Equal(got[0].IDs, many[:100]) {
		t.Errorf("got %d, %v; want all counted and the first hundred ids", got[0].Live, got[0].IDs)
	}
	_, err = db.PutDuplicate(t.Context(), found(4, order.DoInvoice, day(3), "i1"))
	wantErr(t, err, postgres.ErrInvalid)
}

func TestDuplicatesPageByPage(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t)
	var want []string
	for n := range 5 {
		d := postgres.Duplicate{Source: "tevo", Reference: fmt.Sprint("r", n), Kind: order.DoInvoice, Live: 2, IDs: []string{"a", "b"}, LastSeen: noon}
		if n == 2 {
			d.Source = "other"
		} else {
			want = append([]string{d.Reference}, want...)
		}
		_, err := db.PutDuplicate(t.Context(), d)
		must(t, err)
	}
	var got []string
	pages, cursor := 0, ""
	for {
		items, next, err := db.Duplicates(t.Context(), "tevo", false, cursor, 3)
		must(t, err)
		for _, d := range items {
			got = append(got, d.Reference)
		}
		if pages++; next == "" {
			break
		}
		cursor = next
	}
	wantIDs(t, "page by page", got, want)
	if pages != 2 {
		t.Errorf("got %d pages; want 2", pages)
	}
	if all, _, err := db.Duplicates(t.Context(), "", false, "", 0); err != nil || len(all) != 5 {
		t.Errorf("of all sources: got %d %v; want 5", len(all), err)
	}
	_, _, err := db.Duplicates(t.Context(), "", false, "banana", 0)
	wantErr(t, err, postgres.ErrInvalid)
}
