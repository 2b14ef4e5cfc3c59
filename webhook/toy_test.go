package webhook

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"willcall/order"
	"willcall/postgres"
	"willcall/provider"
)

// The toy provider: JSON {"id","type","order","note"}, signed with HMAC-SHA256 in X-Toy-Signature.
const (
	toyKey = "toy-signing-key"
	buyer  = "Ada Sample <ada@example.com>" // stands in a body's note, and nowhere else may it turn up
)

type toyBody struct {
	ID    string `json:"id,omitempty"`
	Type  string `json:"type"`
	Order string `json:"order,omitempty"`
	Note  string `json:"note,omitempty"`
}

func toySign(body []byte) string {
	m := hmac.New(sha256.New, []byte(toyKey))
	m.Write(body)
	return hex.EncodeToString(m.Sum(nil))
}

func toySource() Source {
	return Source{
		Name: "toy", Kind: "toyshop", ContentTypes: []string{"application/json"}, MaxBody: 200_000,
		Verify: func(d provider.Delivery, _ netip.Addr) error {
			if !hmac.Equal([]byte(toySign(d.Body)), []byte(d.Header.Get("X-Toy-Signature"))) {
				return provider.ErrSignature
			}
			return nil
		},
		Decode: toyDecode,
	}
}

func toyDecode(d provider.Delivery) (provider.Decoded, error) {
	var b toyBody
	if err := json.Unmarshal(d.Body, &b); err != nil {
		return provider.Decoded{}, fmt.Errorf("%w: no JSON", provider.ErrMalformed)
	}
	dec := provider.Decoded{Type: b.Type, DedupeKey: b.ID, OrderID: b.Order, Kind: order.Sale}
	switch b.Type {
	case "order":
		dec.Disposition = provider.Forward
		dec.Event = &order.Event{Type: b.Type, Status: order.StatusPending}
	case "note":
		dec.Disposition = provider.Recorded
	case "scan": // of a ticket: its order is known by that name alone
		dec.OrderID, dec.Kind, dec.Concern = "", "", "ticket:"+b.Order
		dec.Disposition, dec.Event = provider.Forward, &order.Event{Type: b.Type}
	case "ticket": // it comes with a file
		dec.Disposition, dec.Event = provider.Forward, &order.Event{Type: b.Type, Status: order.StatusPending}
		dec.Files = []provider.File{{Name: "ticket 1", MediaType: "text/plain", Body: []byte(b.Note)}}
	case "panic":
		panic("on " + buyer)
	default:
		dec.Disposition = provider.Unknown
	}
	return dec, nil
}

// rig is a door with a fake inbox behind it.
type rig struct {
	Options
	logs *bytes.Buffer
	reg  *prometheus.Registry

	mu        sync.Mutex
	rows      []postgres.Webhook
	forwarded []Signal
	uncertain []string
	keys      map[string]string
	put       func(context.Context, postgres.Webhook) (postgres.Stored, error) // replaces the fake
}

func newRig(t testing.TB, sources ...Source) *rig {
	t.Helper()
	if len(sources) == 0 {
		sources = []Source{toySource(), tillSource()}
	}
	r := &rig{logs: &bytes.Buffer{}, reg: prometheus.NewRegistry(), keys: map[string]string{}}
	r.Options = Options{
		Sources:  sources,
		Put:      r.take,
		Forward:  func(s Signal) { r.lock(func() { r.forwarded = append(r.forwarded, s) }) },
		Metrics:  NewMetrics(r.reg),
		Registry: r.reg,
		Logger:   slog.New(slog.NewJSONHandler(&lockedWriter{w: r.logs}, &slog.HandlerOptions{Level: slog.LevelDebug})),
		Uncertain: func(id string) {
			r.lock(func() { r.uncertain = append(r.uncertain, id) })
		},
	}
	return r
}

func (r *rig) lock(do func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	do()
}

func (r *rig) take(ctx context.Context, w postgres.Webhook) (postgres.Stored, error) {
	if r.put != nil {
		return r.put(ctx, w)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	k := w.Source + " " + w.DedupeKey + " " + string(w.BodySHA256[:])
	if first, ok := r.keys[k]; ok {
		return postgres.Stored{ID: first, Duplicate: true}, nil
	}
	r.keys[k] = w.ID
	r.rows = append(r.rows, w)
	return postgres.Stored{ID: w.ID}, nil
}

type lockedWriter struct {
	mu sync.Mutex
	w  io.Writer
}

func (l *lockedWriter) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(p)
}

// post is a signed request.
func post(body string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/webhooks/toy", strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("X-Toy-Signature", toySign([]byte(body)))
	return r
}

func serve(h http.Handler, r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func toy(typ, orderID, id string) string {
	b, err := json.Marshal(toyBody{ID: id, Type: typ, Order: orderID, Note: buyer})
	if err != nil {
		panic(err)
	}
	return string(b)
}

func problemOf(t *testing.T, w *httptest.ResponseRecorder) (name string) {
	t.Helper()
	if got, want := w.Header().Get("Content-Type"), "application/problem+json"; got != want {
		t.Fatalf("Content-Type = %q; want %q", got, want)
	}
	var p struct {
		Type, Title, Detail string
		Status              int
	}
	if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil {
		t.Fatalf("problem is no JSON: %v", err)
	}
	if p.Status != w.Code || p.Title == "" || p.Detail == "" {
		t.Errorf("problem = %+v; want the status %d, a title and a detail", p, w.Code)
	}
	name, ok := strings.CutPrefix(p.Type, "urn:willcall:problem:")
	if !ok {
		t.Errorf("problem type = %q", p.Type)
	}
	return name
}

func (r *rig) count(t *testing.T, name string, labels ...string) float64 {
	t.Helper()
	families, err := r.reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	sum := 0.0
	for _, f := range families {
		if f.GetName() != name {
			continue
		}
		for _, m := range f.GetMetric() {
			values := []string{}
			for _, l := range m.GetLabel() {
				values = append(values, l.GetValue())
			}
			if len(labels) > 0 && strings.Join(values, ",") != strings.Join(labels, ",") {
				continue
			}
			sum += m.GetCounter().GetValue() + m.GetGauge().GetValue() + float64(m.GetHistogram().GetSampleCount())
		}
	}
	return sum
}

// eventually polls a fact that another goroutine makes true.
func eventually(t testing.TB, what string, is func() bool) {
	t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for !is() {
		if time.Now().After(deadline) {
			t.Fatalf("not in time: %s", what)
		}
		<-tick.C
	}
}
