package operator_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"willcall/operator"
	"willcall/order"
	"willcall/postgres"
	"willcall/postgres/postgrestest"
	"willcall/provider"
	"willcall/webhook"
)

const buyer = "Ada Sample <ada@example.com>"

// setup is an API over a database of its own.
type setup struct {
	t     *testing.T
	db    *postgres.DB
	opt   operator.Options
	logs  *bytes.Buffer
	woken atomic.Int64

	decodes atomic.Bool // whether the decoder of the source "toy" understands "new" bodies
}

func newSetup(t *testing.T) *setup {
	t.Helper()
	s := &setup{t: t, db: postgrestest.New(t), logs: &bytes.Buffer{}}
	toy := webhook.Source{
		Name: "toy", Kind: "toyshop",
		Verify: func(provider.Delivery, netip.Addr) error { return nil },
		Decode: func(d provider.Delivery) (provider.Decoded, error) {
			switch {
			case bytes.HasPrefix(d.Body, []byte("note")):
				return provider.Decoded{Type: "note", Disposition: provider.Recorded}, nil
			case bytes.HasPrefix(d.Body, []byte("new")) && s.decodes.Load():
				return provider.Decoded{Type: "new", Disposition: provider.Forward, OrderID: "7", Event: &order.Event{}}, nil
			}
			return provider.Decoded{}, fmt.Errorf("%w: no such word", provider.ErrMalformed)
		},
	}
	reg := prometheus.NewRegistry()
	c := prometheus.NewCounter(prometheus.CounterOpts{Name: "willcall_test_total"})
	reg.MustRegister(c)
	s.opt = operator.Options{
		DB: s.db, Registry: reg, Ready: func(context.Context) error { return nil }, Sources: []webhook.Source{toy},
		Wake: func() { s.woken.Add(1) }, Logger: slog.New(slog.NewJSONHandler(s.logs, nil)),
	}
	t.Cleanup(func() {
		if strings.Contains(s.logs.String(), "example.com") {
			t.Errorf("buyer data in the log:\n%s", s.logs)
		}
	})
	return s
}

// ask makes a request as a program on this machine does.
func (s *setup) ask(method, path, body string, change ...func(*http.Request)) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.RemoteAddr, r.Host = "127.0.0.1:4711", "localhost:8081"
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for _, c := range change {
		c(r)
	}
	w := httptest.NewRecorder()
	operator.Handler(s.opt).ServeHTTP(w, r)
	return w
}

func (s *setup) json(w *httptest.ResponseRecorder, want int, v any) {
	s.t.Helper()
	if w.Code != want {
		s.t.Fatalf("status = %d; want %d\n%s", w.Code, want, w.Body)
	}
	if err := json.Unmarshal(w.Body.Bytes(), v); err != nil {
		s.t.Fatalf("%v: %s", err, w.Body)
	}
}

func problem(t *testing.T, w *httptest.ResponseRecorder) (name, detail string) {
	t.Helper()
	var p struct {
		Type, Title, Detail string
		Status              int
	}
	if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil || w.Header().Get("Content-Type") != "application/problem+json" {
		t.Fatalf("no problem: %s %s", w.Header().Get("Content-Type"), w.Body)
	}
	if p.Status != w.Code || p.Title == "" || p.Detail == "" {
		t.Errorf("problem = %+v with status %d; want title, detail and the same status", p, w.Code)
	}
	return strings.TrimPrefix(p.Type, "urn:willcall:problem:"), p.Detail
}

var day = time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)

func (s *setup) saveOrder(n string, change func(*postgres.OrderRow)) {
	s.t.Helper()
	o := postgres.OrderRow{
		Identity: order.Identity{ID: "order:toy:" + n, Source: "toy", Provider: "toyshop", ProviderOrderID: n, Kind: order.Sale},
		State:    order.Received, StateSince: day, Doc: json.RawMessage(`{}`), DecidedAt: day, Revision: 1,
	}
	if change != nil {
		change(&o)
	}
	if _, err := s.db.SaveOrder(s.t.Context(), o, nil, nil); err != nil {
		s.t.Fatal(err)
	}
}

func (s *setup) saveWebhook(body string, change func(*postgres.Webhook)) string {
	s.t.Helper()
	w := postgres.Webhook{
		ID: postgres.NewID(), Source: "toy", Provider: "toyshop", Type: "order", Disposition: provider.Forward, OrderID: "order:toy:7",
		ProviderOrderID: "7", Kind: order.Sale, DedupeKey: postgres.NewID(), Body: []byte(body), ReceivedAt: day, Attempt: 1,
		Headers: map[string]string{"User-Agent": "Toy/1"},
	}
	if change != nil {
		change(&w)
	}
	in := postgres.NewInbox(s.db, postgres.InboxOptions{})
	defer func() { _ = in.Close(context.Background()) }()
	if _, err := in.Put(s.t.Context(), w); err != nil {
		s.t.Fatal(err)
	}
	return w.ID
}

func quarantined(w *postgres.Webhook) {
	w.Disposition, w.Reason, w.Type, w.OrderID, w.ProviderOrderID, w.Kind = provider.Quarantined, "cannot be decoded", "", "", "", ""
}

func (s *setup) audit(subject string) (lines []string) {
	s.t.Helper()
	rows, err := s.db.Pool.Query(s.t.Context(), "SELECT by || ': ' || what FROM audit WHERE subject = $1 ORDER BY id", subject)
	if err != nil {
		s.t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var l string
		if err := rows.Scan(&l); err != nil {
			s.t.Fatal(err)
		}
		lines = append(lines, l)
	}
	return lines
}
