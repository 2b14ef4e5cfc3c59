package tevo

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"willcall/order"
	"willcall/provider"
	"willcall/provider/providertest"
	"willcall/sim"
)

func TestListOrders(t *testing.T) {
	t.Parallel()
	api, c := setup(t, sim.TEvoOptions{})
	since := time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)
	for n := range 230 {
		api.Put(sim.OfficeSale(n).Updated(since.Add(time.Duration(n-10) * time.Minute)))
	}
	for _, want := range []struct {
		page, orders int
		more         bool
	}{{0, 100, true}, {1, 100, true}, {2, 100, true}, {3, 20, true}, {4, 0, false}} {
		got, err := c.ListOrders(t.Context(), order.Sale, since.In(time.FixedZone("", 3600)), want.page)
		if err != nil || len(got.Orders) != want.orders || got.More != want.more {
			t.Errorf("page %d: got %d orders, more %t, %v; want %d, more %t", want.page, len(got.Orders), got.More, err, want.orders, want.more)
		}
		for _, o := range got.Orders {
			if o.UpdatedAt.Before(since) || o.GroupID == "" || o.ID == "" {
				t.Errorf("page %d: got %s-%s of %s; want none before %s", want.page, o.GroupID, o.ID, o.UpdatedAt, since)
			}
		}
	}
}

func TestListOrdersTellsTheSides(t *testing.T) {
	t.Parallel()
	const both = `{"orders":[{"id":1,"isPO":false},{"id":2,"isPO":true},{"id":3,"isPO":"false"},{"id":4}],"total_entries":4}`
	for kind, want := range map[order.Kind]struct{ query, ids string }{
		order.Sale:     {"page=2&per_page=100&type=Order&updated_at.gte=2026-06-01T12%3A00%3A00Z", "1 3 4"},
		order.Purchase: {"page=2&per_page=100&type=PurchaseOrder&updated_at.gte=2026-06-01T12%3A00%3A00Z", "2 4"},
	} {
		c := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if got := r.URL.RawQuery; got != want.query {
				t.Errorf("%s: got query %s; want %s", kind, got, want.query)
			}
			io.WriteString(w, both)
		}))
		got, err := c.ListOrders(t.Context(), kind, time.Date(2026, 6, 1, 13, 0, 0, 0, time.FixedZone("", 3600)), 2)
		var ids []string
		for _, o := range got.Orders {
			ids = append(ids, o.ID)
		}
		if err != nil || strings.Join(ids, " ") != want.ids || got.Skipped+len(ids) != 4 {
			t.Errorf("%s: got %v, %d skipped, %v; want %s", kind, ids, got.Skipped, err, want.ids)
		}
	}

	api, c := setup(t, sim.TEvoOptions{})
	sale, purchase := sim.OfficeSale(1), sim.Purchase(2)
	api.Put(sale)
	api.Put(purchase)
	for kind, want := range map[order.Kind]string{order.Sale: sale.ID, order.Purchase: purchase.ID} {
		got, err := c.ListOrders(t.Context(), kind, time.Time{}, 1)
		if err != nil || len(got.Orders) != 1 || got.Orders[0].ID != want {
			t.Errorf("%s: got %d orders, %v; want %s alone", kind, len(got.Orders), err, want)
		}
	}
}

func TestListOrdersOfOddShapes(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]struct {
		orders int
		more   bool
		class  string
	}{
		`{"orders":[],"total_entries":0}`:                                                {0, false, ""},
		`{"orders":[]}`:                                                                  {0, false, ""},
		`{"orders":[],"total_entries":500}`:                                              {0, false, ""},
		`{"orders":[{"id":1},{"id":"x y"},7],"total_entries":3}`:                         {3, false, ""},
		`{"orders":[{"id":1}]}`:                                                          {1, true, ""},
		`{"orders":[{"id":1}],"total_entries":1,"per_page":100}`:                         {1, false, ""},
		`{"orders":[{"id":1}],"total_entries":"2","per_page":"1"}`:                       {1, true, ""},
		`{"orders":[` + strings.Repeat("7,", 9) + `7],"total_entries":11,"per_page":10}`: {10, true, ""},
		`{"orders":[` + strings.Repeat("7,", 9) + `7],"total_entries":11}`:               {10, true, ""},
		`{"orders":[{"id":1,"isPO":true}],"total_entries":2}`:                            {0, true, ""},
		`{"orders":null}`: {0, false, provider.Transient},
		`{"error":"x"}`:   {0, false, provider.Transient},
		`<html>We are down for maintenance.</html>`: {0, false, provider.Transient},
		`{"orders":{"id":1}}`:                       {0, false, provider.Transient},
		`[]`:                                        {0, false, provider.Transient},
		``:                                          {0, false, provider.Transient},
		`{"orders":[` + strings.Repeat("[", 200_000) + `]]}`: {0, false, provider.Transient},
	} {
		c := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, body) }))
		got, err := c.ListOrders(t.Context(), order.Sale, time.Time{}, 0) // the first page, too
		providertest.ClassIs(t, body[:min(len(body), 60)], err, want.class)
		if len(got.Orders) != want.orders || got.More != want.more {
			t.Errorf("%.60s: got %d orders, more %t; want %d, more %t", body, len(got.Orders), got.More, want.orders, want.more)
		}
	}
}

// TestListOrdersEnds reads all pages of an API that gives fewer than it is asked for, and of one that knows no pages.
func TestListOrdersEnds(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, answer string
		calls        int
		want         string
	}{
		{"ThreeOfSeven", `{"orders":[1,2,3],"total_entries":7,"per_page":3}`, 3, ""},
		{"ThreeOfSevenAndSaysAHundred", `{"orders":[1,2,3],"total_entries":7,"per_page":100}`, 3, ""},
		{"ThreeOfSevenUnsaid", `{"orders":[1,2,3],"total_entries":7}`, 3, ""},
		{"NoPages", `{"orders":[1]}`, maxPages, provider.Unsupported},
	} {
		calls := 0
		client := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			calls++
			io.WriteString(w, c.answer)
		}))
		p, err := Page{More: true}, error(nil)
		for page := 1; p.More; page++ {
			if p, err = client.ListOrders(t.Context(), order.Sale, time.Time{}, page); err != nil {
				break
			}
		}
		providertest.ClassIs(t, c.name, err, c.want)
		if calls != c.calls {
			t.Errorf("%s: got %d calls; want %d", c.name, calls, c.calls)
		}
	}
}
