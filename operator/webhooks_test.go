package operator_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"willcall/order"
	"willcall/postgres"
	"willcall/provider"
	"willcall/webhook"
)

func TestWebhooksAreFilteredAndShown(t *testing.T) {
	t.Parallel()
	s := newSetup(t)
	body := `{"buyer":"` + buyer + `"}`
	a := s.saveWebhook(body, nil)
	b := s.saveWebhook("\xff\x00", quarantined)
	for query, want := range map[string][]string{
		"":                                {a, b},
		"?disposition=quarantined":        {b},
		"?order_id=order:toy:7":           {a},
		"?not_forwarded=1":                {a},
		"?type=order&source=toy":          {a},
		"?from=2026-11-22T10:00:01Z":      nil,
		"?to=2026-11-22T11:00:01%2B01:00": {a, b},
	} {
		var got list
		w := s.ask("GET", "/v1/webhooks"+query, "")
		s.json(w, 200, &got)
		slices.Sort(want)
		if !slices.Equal(got.ids(), want) {
			t.Errorf("%q gave %q; want %q", query, got.ids(), want)
		}
		if strings.Contains(w.Body.String(), "example.com") {
			t.Errorf("a list shows buyer data: %s", w.Body)
		}
	}

	w := s.ask("GET", "/v1/webhooks/"+a, "")
	if w.Code != 200 || strings.Contains(w.Body.String(), "example.com") || !strings.Contains(w.Body.String(), `"User-Agent":"Toy/1"`) {
		t.Errorf("webhook = %d %s; want it with its headers and without its body", w.Code, w.Body)
	}
	if got := s.audit(a); got != nil {
		t.Errorf("audit = %q; want none: no buyer data was shown", got)
	}
	var shown struct {
		Body         string
		BodyEncoding string `json:"body_encoding"`
		BodyBytes    int    `json:"body_bytes"`
	}
	w = s.ask("GET", "/v1/webhooks/"+a+"?body=1", "", func(r *http.Request) { r.Header.Set("X-Operator", "ann") })
	s.json(w, 200, &shown)
	if shown.Body != body || shown.BodyEncoding != "utf-8" || shown.BodyBytes != len(body) {
		t.Errorf("body = %+v; want %q", shown, body)
	}
	if got, want := s.audit(a), []string{"ann: read webhook body"}; !slices.Equal(got, want) {
		t.Errorf("audit = %q; want %q", got, want)
	}
	if got := w.Header().Get("Cache-Control"); got != "no-store" {
		t.Errorf("Cache-Control = %q; want no-store", got)
	}
	s.json(s.ask("GET", "/v1/webhooks/"+b+"?body=1", ""), 200, &shown)
	if shown.Body != "/wA=" || shown.BodyEncoding != "base64" {
		t.Errorf("body that is no text = %+v; want base64", shown)
	}
}

func TestReplay(t *testing.T) {
	t.Parallel()
	s := newSetup(t)
	by := `{"by":"ann"}`
	id := s.saveWebhook("new", nil)
	if err := s.db.MarkForwarded(t.Context(), []string{id}, day); err != nil {
		t.Fatal(err)
	}
	w := s.ask("POST", "/v1/webhooks/"+id+"/replay", by)
	if w.Code != 202 || !strings.Contains(w.Body.String(), `"status":"replayed"`) {
		t.Errorf("replay = %d %s; want 202", w.Code, w.Body)
	}
	row, err := s.db.Webhook(t.Context(), id)
	if err != nil || row.Attempt != 2 || !row.ForwardedAt.IsZero() {
		t.Errorf("row = attempt %d, forwarded at %v, %v; want attempt 2 that waits", row.Attempt, row.ForwardedAt, err)
	}
	if got, want := s.audit(id), []string{"ann: replay webhook"}; !slices.Equal(got, want) {
		t.Errorf("audit = %q; want %q", got, want)
	}
	if s.woken.Load() != 1 {
		t.Error("the forwarder was not woken")
	}
	if w := s.ask("POST", "/v1/webhooks/"+id+"/replay", ""); w.Code != 202 {
		t.Errorf("replay without a body = %d %s; want 202", w.Code, w.Body)
	}

	q := s.saveWebhook("new "+buyer, quarantined)
	w = s.ask("POST", "/v1/webhooks/"+q+"/replay", by)
	if name, detail := problem(t, w); w.Code != 409 || name != "still-undecodable" || !strings.Contains(detail, "no such word") {
		t.Errorf("replay of what cannot be decoded = %d %s %s; want 409 with the reason", w.Code, name, detail)
	}
	s.decodes.Store(true)
	if w = s.ask("POST", "/v1/webhooks/"+q+"/replay", by); w.Code != 202 {
		t.Errorf("replay with a better decoder = %d %s; want 202", w.Code, w.Body)
	}
	row, err = s.db.Webhook(t.Context(), q)
	if err != nil || row.Disposition != provider.Forward || row.OrderID != "order:toy:7" || row.Type != "new" || row.Reason != "" {
		t.Errorf("row = %+v, %v; want it to be for its order", row, err)
	}
	claimed, err := s.db.Claim(t.Context(), "test", time.Minute, 10)
	if err != nil || len(claimed) != 2 {
		t.Errorf("claimable rows = %d, %v; want both", len(claimed), err)
	}
	if got, want := s.audit(q), []string{"ann: decode webhook again", "ann: replay webhook"}; !slices.Equal(got, want) {
		t.Errorf("audit = %q; want %q", got, want)
	}

	n := s.saveWebhook("note", func(w *postgres.Webhook) { quarantined(w); w.Disposition = provider.Unknown })
	w = s.ask("POST", "/v1/webhooks/"+n+"/replay", by)
	if w.Code != 200 || !strings.Contains(w.Body.String(), `"status":"recorded"`) {
		t.Errorf("replay of what moves no order = %d %s; want 200, recorded", w.Code, w.Body)
	}
	g := s.saveWebhook("new", func(w *postgres.Webhook) { quarantined(w); w.Source = "gone" })
	w = s.ask("POST", "/v1/webhooks/"+g+"/replay", by)
	if name, _ := problem(t, w); w.Code != 409 || name != "source-not-configured" {
		t.Errorf("replay without the source = %d %s; want 409", w.Code, name)
	}
	w = s.ask("POST", "/v1/webhooks/"+postgres.NewID()+"/replay", by)
	if name, _ := problem(t, w); w.Code != 404 || name != "not-found" {
		t.Errorf("replay of nothing = %d %s; want 404", w.Code, name)
	}
}

func TestReplayByFilter(t *testing.T) {
	t.Parallel()
	s := newSetup(t)
	var want []string
	for n := range 5 {
		want = append(want, s.saveWebhook(fmt.Sprint(n), nil))
	}
	slices.Sort(want)
	if err := s.db.MarkForwarded(t.Context(), want, day); err != nil {
		t.Fatal(err)
	}
	q := s.saveWebhook("new", quarantined)
	still := s.saveWebhook("old", quarantined)
	s.decodes.Store(true)

	var got list
	s.json(s.ask("POST", "/v1/webhooks/replay", `{"source":"toy","dry_run":true}`), 200, &got)
	if !slices.Equal(got.ids(), want) || got.Items[0].Status != "would_replay" {
		t.Errorf("dry run = %+v; want the five that are for orders", got)
	}
	if n, err := s.db.InboxLag(t.Context()); err != nil || n.Count != 0 || s.woken.Load() != 0 {
		t.Errorf("a dry run left %d to forward, %v", n.Count, err)
	}

	var ids []string
	for cursor := ""; ; {
		s.json(s.ask("POST", "/v1/webhooks/replay", fmt.Sprintf(`{"source":"toy","from":"2026-11-22T00:00:00Z","limit":2,"cursor":%q,"by":"ann"}`, cursor)), 200, &got)
		ids = append(ids, got.ids()...)
		if got.Next == nil {
			break
		}
		cursor = *got.Next
	}
	slices.Sort(ids)
	if !slices.Equal(ids, want) {
		t.Errorf("replayed %q; want %q", ids, want)
	}
	if n, err := s.db.InboxLag(t.Context()); err != nil || n.Count != 5 {
		t.Errorf("to forward = %d, %v; want 5", n.Count, err)
	}

	s.json(s.ask("POST", "/v1/webhooks/replay", `{"disposition":"quarantined","by":"ann"}`), 200, &got)
	status := map[string]string{}
	for _, i := range got.Items {
		status[i.ID] = i.Status
	}
	if status[q] != "replayed" || status[still] != "quarantined" || len(status) != 2 {
		t.Errorf("statuses = %v; want %s replayed and %s quarantined", status, q, still)
	}
}

// What lies in the inbox under a POS's name: hints for orders of other sources, and what we have read there ourselves.
func TestReplayOfWhatIsOfAPOS(t *testing.T) {
	t.Parallel()
	s := newSetup(t)
	s.opt.Sources = append(s.opt.Sources, webhook.Source{Name: "till", Kind: "http", POS: true, Decode: func(d provider.Delivery) (provider.Decoded, error) {
		if strings.HasPrefix(string(d.Body), "own") {
			return provider.Decoded{Type: "pos/supply", Disposition: provider.Recorded}, nil
		}
		return provider.Decoded{Type: "pos/invoice.updated", Disposition: provider.Forward, Concern: postgres.InvoiceRef("77"), Event: &order.Event{Hint: true}}, nil
	}})
	of := func(change func(*postgres.Webhook)) func(*postgres.Webhook) {
		return func(w *postgres.Webhook) { w.Source, w.Provider = "till", "http"; change(w) }
	}
	replay := func(id string) (out struct {
		Status, Detail string
		OrderID        *string `json:"order_id"`
	}, code int) {
		t.Helper()
		w := s.ask("POST", "/v1/webhooks/"+id+"/replay", `{"by":"ann"}`)
		s.json(w, w.Code, &out)
		return out, w.Code
	}
	t.Run("WhatWasReadStaysItsOrders", func(t *testing.T) {
		id := s.saveWebhook("own", of(func(w *postgres.Webhook) { w.Disposition, w.Type = provider.Recorded, "pos/supply" }))
		out, code := replay(id)
		if code != 200 || out.Status != "recorded" || out.OrderID == nil || *out.OrderID != "order:toy:7" || out.Detail == "" {
			t.Errorf("answered %d %+v; want 200, that it is recorded and moves nothing, and its order", code, out)
		}
		row, err := s.db.Webhook(t.Context(), id)
		if err != nil || row.Disposition != provider.Recorded || row.OrderID != "order:toy:7" || row.ProviderOrderID != "7" || row.Kind != order.Sale {
			t.Errorf("row = %+v, %v; want it listed with its order still", row, err)
		}
	})
	t.Run("AHintOfAnOrderGoesToItAgain", func(t *testing.T) {
		id := s.saveWebhook("hint", of(func(w *postgres.Webhook) { w.Concern = postgres.InvoiceRef("77") }))
		if out, code := replay(id); code != 202 || out.Status != "replayed" {
			t.Errorf("answered %d %+v; want 202, replayed", code, out)
		}
	})
	t.Run("AHintThatNobodyWaitedForIsLookedForAgain", func(t *testing.T) {
		id := s.saveWebhook("hint", of(func(w *postgres.Webhook) {
			quarantined(w)
			w.Disposition, w.Concern = provider.Recorded, postgres.InvoiceRef("77") // given up
		}))
		out, code := replay(id)
		if code != 200 || out.Status != "parked" || !strings.Contains(out.Detail, "invoice:77") {
			t.Errorf("answered %d %+v; want 200, that it waits for the order of the invoice", code, out)
		}
		s.saveOrder("9", func(o *postgres.OrderRow) { o.POS, o.InvoiceID = "till", "77" })
		row, err := s.db.Webhook(t.Context(), id)
		if err != nil || row.Disposition != provider.Forward || row.OrderID != "order:toy:9" {
			t.Errorf("row = %+v, %v; want it for the order that has the invoice now", row, err)
		}
	})
}
