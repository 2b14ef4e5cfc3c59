package operator_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"willcall/order"
	"willcall/postgres"
)

func TestOrderJSON(t *testing.T) {
	t.Parallel()
	s := newSetup(t)
	full := postgres.OrderRow{
		Identity: order.Identity{ID: "order:toy:7", Source: "toy", Provider: "toyshop", ProviderOrderID: "7", Kind: order.Sale},
		State:    order.Invoicing, StateSince: day.In(time.FixedZone("", 3600)),
		AttentionReason: "step_seats_gone", AttentionDetail: "the seats are gone", AttentionAdvice: "reject the order", AttentionSince: day,
		AmountMinor: 25100, Currency: "USD", EventID: "e1", EventName: "Example Players", EventStartsAt: day.AddDate(0, 1, 0),
		CustomerID: "c1", InvoiceID: "i1", Deadline: day.Add(time.Hour), Awaits: "the POS makes the invoice",
		Lines: json.RawMessage(`[{"id": "1", "quantity": 2}]`), Doc: json.RawMessage(`{}`), DecidedAt: day, Revision: 1, FirstReceivedAt: day,
	}
	_, err := s.db.SaveOrder(t.Context(), full,
		[]postgres.TimelineEntry{{At: day, What: "heard", WebhookID: "w1", Detail: "order"}, {At: day.Add(time.Second), What: "decided"}},
		[]postgres.StepRow{{StepID: "invoice/1", Do: order.DoInvoice, Outcome: order.Failed, Class: "seats_gone", Detail: "gone", At: day}})
	if err != nil {
		t.Fatal(err)
	}
	var got any
	s.json(s.ask("GET", "/v1/orders/order:toy:7", ""), 200, &got)
	text, _ := json.MarshalIndent(got, "", " ")
	const want = `{
 "amount_minor": 25100,
 "attention": {
  "advice": "reject the order",
  "detail": "the seats are gone",
  "reason": "step_seats_gone",
  "since": "2026-11-22T10:00:00Z"
 },
 "awaits": "the POS makes the invoice",
 "closed_at": null,
 "currency": "USD",
 "deadline": "2026-11-22T11:00:00Z",
 "event": {
  "id": "e1",
  "name": "Example Players",
  "starts_at": "2026-12-22T10:00:00Z"
 },
 "first_received_at": "2026-11-22T10:00:00Z",
 "id": "order:toy:7",
 "invoiced_at": null,
 "kind": "sale",
 "lines": [
  {
   "id": "1",
   "quantity": 2
  }
 ],
 "pos": {
  "customer_id": "c1",
  "invoice_id": "i1",
  "purchase_order_id": null
 },
 "provider": "toyshop",
 "provider_order_id": "7",
 "source": "toy",
 "state": "invoicing",
 "state_since": "2026-11-22T10:00:00Z",
 "steps": [
  {
   "at": "2026-11-22T10:00:00Z",
   "class": "seats_gone",
   "detail": "gone",
   "do": "invoice",
   "id": "invoice/1",
   "outcome": "failed",
   "ref": null
  }
 ],
 "timeline": [
  {
   "at": "2026-11-22T10:00:00Z",
   "detail": "order",
   "webhook_id": "w1",
   "what": "heard"
  },
  {
   "at": "2026-11-22T10:00:01Z",
   "detail": "",
   "webhook_id": null,
   "what": "decided"
  }
 ]
}`
	if string(text) != want {
		t.Errorf("order = %s", text)
	}
	s.saveOrder("8", nil)
	w := s.ask("GET", "/v1/orders/order:toy:8", "")
	for _, part := range []string{`"attention":null`, `"lines":[]`, `"timeline":[]`, `"steps":[]`, `"deadline":null`} {
		if !strings.Contains(w.Body.String(), part) {
			t.Errorf("bare order lacks %s: %s", part, w.Body)
		}
	}
}

type list struct {
	Items []struct{ ID, Status, Type string }
	Next  *string
}

func (l list) ids() (ids []string) {
	for _, i := range l.Items {
		ids = append(ids, i.ID)
	}
	slices.Sort(ids)
	return ids
}

func TestOrdersAreFiltered(t *testing.T) {
	t.Parallel()
	s := newSetup(t)
	s.saveOrder("1", nil)
	s.saveOrder("2", func(o *postgres.OrderRow) { o.State, o.EventID = order.Cancelled, "e1" })
	s.saveOrder("3", func(o *postgres.OrderRow) { o.AttentionReason = "fraud_declined" })
	s.saveOrder("4", func(o *postgres.OrderRow) { o.ID, o.Source = "order:other:4", "other" })
	for query, want := range map[string][]string{
		"":                           {"order:other:4", "order:toy:1", "order:toy:2", "order:toy:3"},
		"?source=other":              {"order:other:4"},
		"?state=cancelled":           {"order:toy:2"},
		"?attention=any":             {"order:toy:3"},
		"?attention=fraud_declined":  {"order:toy:3"},
		"?attention=details_missing": nil,
		"?event=e1&source=toy":       {"order:toy:2"},
	} {
		var got list
		w := s.ask("GET", "/v1/orders"+query, "")
		s.json(w, 200, &got)
		if !slices.Equal(got.ids(), want) {
			t.Errorf("%q gave %q; want %q", query, got.ids(), want)
		}
		if got.Items == nil || got.Next != nil {
			t.Errorf("%q: items or next wrong: %s", query, w.Body)
		}
	}
}

func TestListsGoOnWithTheCursor(t *testing.T) {
	t.Parallel()
	s := newSetup(t)
	var hooks []string
	for n := range 7 {
		s.saveOrder(fmt.Sprint(n), nil)
		hooks = append(hooks, s.saveWebhook(fmt.Sprint(n), nil))
	}
	slices.Sort(hooks)
	for path, want := range map[string]int{"/v1/orders": 7, "/v1/webhooks": 7} {
		var ids []string
		pages := 0
		for next := ""; ; {
			var got list
			s.json(s.ask("GET", path+"?limit=3&cursor="+next, ""), 200, &got)
			ids = append(ids, got.ids()...)
			if pages++; got.Next == nil {
				break
			}
			next = *got.Next
		}
		slices.Sort(ids)
		if pages != 3 || len(slices.Compact(ids)) != want {
			t.Errorf("%s: %d items on %d pages; want %d on 3", path, len(ids), pages, want)
		}
		if path == "/v1/webhooks" && !slices.Equal(ids, hooks) {
			t.Errorf("webhooks = %q; want %q", ids, hooks)
		}
	}
}
