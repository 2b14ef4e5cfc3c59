package operator_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"

	"willcall/order"
	"willcall/postgres"
)

func (s *setup) saveDuplicate(source, reference string, kind order.Do, ids ...string) {
	s.t.Helper()
	d := postgres.Duplicate{Source: source, Reference: reference, Kind: kind, Live: len(ids), IDs: ids, LastSeen: day}
	if _, err := s.db.PutDuplicate(s.t.Context(), d); err != nil {
		s.t.Fatal(err)
	}
}

func TestDuplicatesJSON(t *testing.T) {
	t.Parallel()
	s := newSetup(t)
	s.saveOrder("7", func(o *postgres.OrderRow) { o.InvoiceID, o.PurchaseOrderID = "i2", "p9" })
	s.saveDuplicate("toy", "order:toy:7", order.DoInvoice, "i1", "i2")
	s.saveDuplicate("toy", "order:toy:8:buyer", order.DoPurchaseOrder, "p1", "p2", "p3")
	if _, err := s.db.DuplicateGone(t.Context(), "toy", "order:toy:8:buyer", order.DoPurchaseOrder, day.AddDate(0, 0, 1)); err != nil {
		t.Fatal(err)
	}
	var got any
	s.json(s.ask("GET", "/v1/duplicates?gone=1", ""), 200, &got)
	text, _ := json.MarshalIndent(got, "", " ")
	const want = `{
 "items": [
  {
   "first_seen": "2026-11-22T10:00:00Z",
   "gone_at": "2026-11-23T10:00:00Z",
   "ids": [
    "p1",
    "p2",
    "p3"
   ],
   "kind": "purchase_order",
   "last_seen": "2026-11-22T10:00:00Z",
   "live": 3,
   "order_names": null,
   "reference": "order:toy:8:buyer",
   "source": "toy"
  },
  {
   "first_seen": "2026-11-22T10:00:00Z",
   "gone_at": null,
   "ids": [
    "i1",
    "i2"
   ],
   "kind": "invoice",
   "last_seen": "2026-11-22T10:00:00Z",
   "live": 2,
   "order_names": "i2",
   "reference": "order:toy:7",
   "source": "toy"
  }
 ],
 "next": null
}`
	if string(text) != want {
		t.Errorf("duplicates = %s", text)
	}
}

func TestDuplicatesAreFiltered(t *testing.T) {
	t.Parallel()
	s := newSetup(t)
	type duplicates struct {
		Items []struct{ Reference string }
		Next  *string
	}
	ask := func(query string) (refs []string, next string) {
		t.Helper()
		var got duplicates
		w := s.ask("GET", "/v1/duplicates"+query, "")
		if s.json(w, 200, &got); got.Items == nil {
			t.Errorf("%q: items is null: %s", query, w.Body)
		}
		for _, d := range got.Items {
			refs = append(refs, d.Reference)
		}
		if got.Next != nil {
			next = *got.Next
		}
		return refs, next
	}
	if refs, _ := ask(""); refs != nil {
		t.Errorf("got %q; want none", refs)
	}
	for n := range 4 {
		s.saveDuplicate("toy", fmt.Sprintf("order:toy:%d", n), order.DoInvoice, "a", "b")
	}
	s.saveDuplicate("other", "order:other:9", order.DoInvoice, "a", "b")
	if _, err := s.db.DuplicateGone(t.Context(), "toy", "order:toy:1", order.DoInvoice, day); err != nil {
		t.Fatal(err)
	}
	for query, want := range map[string][]string{
		"":                     {"order:other:9", "order:toy:3", "order:toy:2", "order:toy:0"},
		"?source=toy":          {"order:toy:3", "order:toy:2", "order:toy:0"},
		"?source=toy&gone=1":   {"order:toy:3", "order:toy:2", "order:toy:1", "order:toy:0"},
		"?source=nobody":       nil,
		"?source=other&gone=0": {"order:other:9"},
	} {
		if refs, next := ask(query); !slices.Equal(refs, want) || next != "" {
			t.Errorf("%q: got %q, next %q; want %q", query, refs, next, want)
		}
	}
	first, next := ask("?limit=3")
	second, end := ask("?limit=3&cursor=" + next)
	if len(first) != 3 || !slices.Equal(second, []string{"order:toy:0"}) || end != "" {
		t.Errorf("page by page: got %q, %q, next %q; want three and one", first, second, end)
	}
}
