package app

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"willcall/config"
	"willcall/order"
	"willcall/postgres"
	"willcall/postgres/postgrestest"
	"willcall/provider"
	"willcall/webhook"
	"willcall/workflows"
)

// rig is the door as webhookd has it, over a Postgres of its own, with the webhooks of one source before it and a list in
// the place of the forwarder. It keeps account of everything that was sent, so that the end can tell whether anything is lost.
type rig struct {
	row    sender
	db     *postgres.DB
	inbox  *postgres.Inbox
	config config.Config
	source *webhook.Source
	door   http.Handler
	log    *text
	reg    *prometheus.Registry

	// What the door may ask; a test replaces them.
	ask   func(ctx context.Context, s webhook.Signal, within time.Duration) (workflows.Standing, error)
	state func(ctx context.Context, orderID string) (order.State, error)

	stranger bool // what is asked about is an order that nobody knows

	n       int   // of the next sample
	refused *text // all answers that are no 2xx
	other   *text // all others
	private []string

	mu      sync.Mutex
	taken   map[string]bool // what every webhook said that was answered 2xx
	signals map[string][]heard
}

// heard is a signal, and what was stored when it was handed over.
type heard struct {
	webhook.Signal
	rows  int // under its id
	files int // of its order
}

// text is a buffer for several goroutines.
type text struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (x *text) Write(p []byte) (int, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.b.Write(p)
}

func (x *text) String() string {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.b.String()
}

func newRig(t *testing.T, row sender) *rig {
	t.Helper()
	cfg, err := config.Parse([]byte(conformanceConfig), func(string) (string, bool) { return "", false })
	if err != nil {
		t.Fatal(err)
	}
	r := &rig{
		row: row, db: postgrestest.New(t), config: cfg, log: &text{}, refused: &text{}, other: &text{},
		taken: map[string]bool{}, signals: map[string][]heard{},
		ask: func(context.Context, webhook.Signal, time.Duration) (workflows.Standing, error) {
			return workflows.Standing{State: order.AwaitingFulfilment}, nil
		},
	}
	r.state = r.db.OrderState
	r.inbox = postgres.NewInbox(r.db, postgres.InboxOptions{Owner: "conformance", Timeout: time.Minute})
	t.Cleanup(func() {
		if err := r.inbox.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	r.door, r.source = r.open(t, cfg)
	if row.invoice != "" {
		r.invoiced(t, "44442", row.invoice)
	}
	return r
}

// invoiced saves an order of Ticket Evolution that has this invoice in the POS.
func (r *rig) invoiced(t *testing.T, orderID, invoice string) order.Identity {
	t.Helper()
	id := order.Identity{ID: "order:tevo:" + orderID, Source: "tevo", Provider: "tevo", ProviderOrderID: orderID, Kind: order.Sale}
	_, err := r.db.SaveOrder(t.Context(), postgres.OrderRow{Identity: id, State: order.Invoiced, DecidedAt: soldAt, Doc: json.RawMessage("{}"),
		POS: r.row.source, InvoiceID: invoice}, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// kind is what the row's source is by the configuration.
func (r *rig) kind() string {
	if r.source.POS {
		return r.config.POS[r.row.source].Kind
	}
	return r.config.Sources[r.row.source].Kind
}

// secrets are those of the row's source.
func (r *rig) secrets() []string {
	if r.source.POS {
		return secretsOf(r.config.POS[r.row.source].Events.Secrets)
	}
	return secrets(r.config.Sources[r.row.source])
}

// changed is a door for a configuration in which the row's source has other secrets, if any are given, and takes from these networks.
func (r *rig) changed(t *testing.T, secrets []config.Secret, allow []string) http.Handler {
	t.Helper()
	cfg := r.config
	if r.source.POS {
		cfg.POS = maps.Clone(cfg.POS)
		p := cfg.POS[r.row.source]
		e := *p.Events
		if e.Allow = allow; allow == nil {
			e.Secrets = secrets
		}
		p.Events = &e
		cfg.POS[r.row.source] = p
	} else {
		cfg.Sources = maps.Clone(cfg.Sources)
		s := cfg.Sources[r.row.source]
		if s.Allow = allow; allow == nil {
			s.Secrets = secrets
		}
		cfg.Sources[r.row.source] = s
	}
	door, _ := r.open(t, cfg)
	return door
}

// open makes a door for a configuration. Only the newest one's metrics are looked at in the end.
func (r *rig) open(t *testing.T, cfg config.Config) (http.Handler, *webhook.Source) {
	t.Helper()
	log := slog.New(slog.NewJSONHandler(r.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	sources, err := webhookSources(cfg, doorParts{
		ask: func(ctx context.Context, s webhook.Signal, within time.Duration) (workflows.Standing, error) {
			return r.ask(ctx, s, within)
		},
		state: func(ctx context.Context, id string) (order.State, error) { return r.state(ctx, id) },
		log:   log,
	})
	if err != nil {
		t.Fatal(err)
	}
	reg := prometheus.NewRegistry()
	door := webhook.Handler(webhook.Options{
		Sources: sources, Put: r.inbox.Put, Forward: r.forward, Find: r.db.FindOrder, KeepFile: keepFile(r.db), Metrics: webhook.NewMetrics(reg),
		Registry: reg, Logger: log, AckTimeout: time.Minute, BodyTimeout: time.Minute,
	})
	if r.reg == nil {
		r.reg = reg
	}
	at := slices.IndexFunc(sources, func(s webhook.Source) bool { return s.Name == r.row.source })
	if at < 0 {
		t.Fatalf("the configuration of the conformance test has no source %q", r.row.source)
	}
	return door, &sources[at]
}

// forward notes what is stored at this moment: a signal whose row or file is not there yet would be lost with the process.
func (r *rig) forward(s webhook.Signal) {
	h := heard{Signal: s}
	err := r.db.Pool.QueryRow(context.Background(), `SELECT (SELECT count(*) FROM webhooks WHERE id = $1 AND order_id = $2),
		(SELECT count(*) FROM order_documents WHERE order_id = $2)`, s.Event.ID, s.Order.ID).Scan(&h.rows, &h.files)
	if err != nil {
		h.rows = -1
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.signals[s.Event.ID] = append(r.signals[s.Event.ID], h)
}

// next is a good webhook that nobody has sent yet.
func (r *rig) next() []byte {
	body, private := r.row.sample(r.n)
	r.n++
	r.private = append(r.private, private...)
	return body
}

// request is a webhook with the proof under the source's first secret.
func (r *rig) request(body []byte) *http.Request {
	return r.proven(body, r.row.proof.of(r.secrets()[0], body))
}

func (r *rig) proven(body []byte, p evidence) *http.Request {
	path := "/webhooks/" + r.row.source
	if p.token != "" {
		path += "/" + p.token
	}
	req := httptest.NewRequest(http.MethodPost, path, bytes.NewReader(body))
	maps.Copy(req.Header, p.header)
	req.Header.Set("Content-Type", r.row.contentType)
	req.Header.Set("Cookie", "session="+canary)
	req.Header.Set("X-Forwarded-For", canary)
	return req
}

// send serves a request and keeps the answer for the audit.
func (r *rig) send(req *http.Request) *httptest.ResponseRecorder { return r.sendTo(r.door, req) }

func (r *rig) sendTo(door http.Handler, req *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	door.ServeHTTP(w, req)
	answers := r.refused
	if w.Code/100 == 2 {
		answers = r.other
	}
	_, _ = answers.Write(append(bytes.Clone(w.Body.Bytes()), '\n'))
	return w
}

// take sends a good webhook, which must be taken, and returns what was answered.
func (r *rig) take(t *testing.T, body []byte) *httptest.ResponseRecorder {
	t.Helper()
	w := r.send(r.request(body))
	r.answered(t, body, w)
	return w
}

// answered checks the answer to an authentic webhook, and notes that it was taken.
func (r *rig) answered(t *testing.T, body []byte, w *httptest.ResponseRecorder) {
	t.Helper()
	r.mu.Lock()
	r.taken[r.row.says(body)] = true
	r.mu.Unlock()
	d := provider.Delivery{ID: postgres.NewID(), Body: body, Received: time.Now()}
	row, _, dec := r.source.Classify(d)
	if dec.Concern != "" {
		if _, found, err := r.db.FindOrder(t.Context(), r.row.source, dec.Concern); found || err != nil {
			row.Disposition = provider.Forward
		}
	}
	if r.source.Peek != nil && len(body) <= 32<<10 {
		if _, ok := r.source.Peek(d); ok { // whether it can be read the forwarder finds out
			row.Disposition = provider.Forward
		}
	}
	code := http.StatusOK
	if (row.Disposition == provider.Unknown || row.Disposition == provider.Quarantined) && !dec.Ask {
		code = http.StatusAccepted
	}
	if w.Code != code || w.Header().Get("Content-Type") != "application/json" {
		t.Errorf("answered %d, %s; want %d, JSON, for what is %s", w.Code, w.Header().Get("Content-Type"), code, row.Disposition)
	}
	if dec.Ask {
		var doc map[string]any
		if err := json.Unmarshal(w.Body.Bytes(), &doc); err != nil || doc["id"] != nil {
			t.Errorf("answered %s; want the provider's own document", w.Body)
			return
		}
		failed := r.stranger || row.Disposition == provider.Quarantined || dec.Event != nil && dec.Event.Unusable != ""
		for _, key := range []string{"success", "event_found"} {
			if ok, is := doc[key]; is && (ok == true || ok == "true") == failed {
				t.Errorf("answered %s; want a %s that says whether it could be read", w.Body, key)
			}
		}
		return
	}
	var got struct{ ID, Status string }
	if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil || got.ID == "" {
		t.Errorf("answered %s; want a receipt with an id", w.Body)
	}
	want := string(row.Disposition)
	if row.Disposition == provider.Forward {
		want = "accepted"
	}
	if got.Status != want && got.Status != "duplicate" {
		t.Errorf("answered %s; want %q, or that it is a duplicate", w.Body, want)
	}
}

// refusal checks that the request is refused as it should be, in the right words.
func (r *rig) refusal(t *testing.T, w *httptest.ResponseRecorder, code int, problem string) {
	t.Helper()
	if w.Code != code {
		t.Errorf("answered %d; want %d\n%s", w.Code, code, w.Body)
		return
	}
	var got struct {
		Type, Title, Detail, Message string
		Status                       int
		Success                      *bool
	}
	if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil || got.Status != code {
		t.Errorf("answered %s; want JSON with the status", w.Body)
	}
	if r.source.Refusal != nil && code == http.StatusUnauthorized {
		if w.Header().Get("Content-Type") != "application/json" || got.Message == "" || got.Success == nil || *got.Success {
			t.Errorf("answered %s, %s; want the provider's own error with a message", w.Header().Get("Content-Type"), w.Body)
		}
		return
	}
	if w.Header().Get("Content-Type") != "application/problem+json" || got.Type != "urn:willcall:problem:"+problem || got.Title == "" {
		t.Errorf("answered %s, %s; want the problem %q", w.Header().Get("Content-Type"), w.Body, problem)
	}
}

// balance checks that there is one row for each webhook that was taken, and one signal for each row that is to be forwarded.
func (r *rig) balance(t *testing.T) {
	t.Helper()
	var rows, forward int
	if err := r.db.Pool.QueryRow(t.Context(), "SELECT count(*), count(*) FILTER (WHERE disposition = 'forward') FROM webhooks").Scan(&rows, &forward); err != nil {
		t.Fatal(err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if rows != len(r.taken) {
		t.Errorf("rows = %d; want %d, one for each webhook that was answered as taken", rows, len(r.taken))
	}
	if forward != len(r.signals) {
		t.Errorf("signals of %d webhooks; want %d", len(r.signals), forward)
	}
}

// goesOn checks that a good webhook is taken still.
func (r *rig) goesOn(t *testing.T) {
	t.Helper()
	before := len(r.signals)
	r.take(t, r.next())
	if len(r.signals) != before+1 {
		t.Errorf("signals = %d more; want 1: the next good webhook must not suffer", len(r.signals)-before)
	}
	r.balance(t)
}

// one is the only row with the body.
func (r *rig) one(t *testing.T, body []byte) postgres.Webhook {
	t.Helper()
	sum := sha256.Sum256(body)
	rows, err := r.db.Pool.Query(t.Context(), "SELECT id::text FROM webhooks WHERE body_sha256 = $1", sum[:])
	if err != nil {
		t.Fatal(err)
	}
	ids, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil || len(ids) != 1 {
		t.Fatalf("rows with the body = %d, %v; want 1", len(ids), err)
	}
	row, err := r.db.Webhook(t.Context(), ids[0])
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(row.Body, body) {
		t.Error("the stored body is not the one that came")
	}
	return row
}

// audit goes over everything that is left of all that was sent.
func (r *rig) audit(t *testing.T) {
	t.Helper()
	r.balance(t)
	signals := r.auditRows(t)
	for id, list := range r.signals {
		if len(list) != 1 {
			t.Errorf("webhook %s was forwarded %d times; want once", id, len(list))
		}
		if list[0].rows != 1 {
			t.Errorf("webhook %s was forwarded before it was committed", id)
		}
	}
	log, metrics := r.log.String(), r.metrics()
	if strings.Contains(log, "panicked") {
		t.Error("the door panicked; see the log")
	}
	for place, said := range map[string]string{"the log": log, "the metrics": metrics, "a refusal": r.refused.String()} {
		if strings.Contains(said, canary) {
			t.Errorf("something that a sender wrote is in %s", place)
		}
	}
	all := []string{"@example.com"}
	for _, s := range r.config.Sources {
		all = append(all, secrets(s)...)
	}
	for _, p := range r.config.POS {
		all = append(all, secretsOf(p.Events.Secrets)...)
	}
	places := map[string]string{"the log": log, "the metrics": metrics, "a refusal": r.refused.String(), "an answer": r.other.String(), "a signal": signals,
		"a column":             r.columns(t, "SELECT (to_jsonb(w) - 'body')::text FROM webhooks w"),
		"a name of a document": r.columns(t, `SELECT to_jsonb(l)::text || d.media_type FROM order_documents l JOIN documents d USING (sha256)`)}
	for _, private := range slices.Compact(slices.Sorted(slices.Values(append(all, r.private...)))) {
		if len(private) < 5 {
			t.Errorf("%q is too short to be looked for", private)
		}
		for place, said := range places {
			if strings.Contains(said, private) {
				t.Errorf("%q is in %s", private, place)
			}
		}
	}
	if len(r.private) == 0 {
		t.Error("the samples have nothing private; then this test proves nothing")
	}
}

// auditRows reads every row as a sweep or a replay would, and compares what it finds with what the workflow was told. It returns
// all that goes into histories, also of what the forwarder has to decode.
func (r *rig) auditRows(t *testing.T) (signals string) {
	t.Helper()
	var told strings.Builder
	known := []provider.Disposition{provider.Forward, provider.Recorded, provider.Parked, provider.Unknown, provider.Quarantined}
	rows, err := r.db.Pool.Query(t.Context(), "SELECT id::text, disposition, reason, headers, body, received_at FROM webhooks")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var row postgres.Webhook
		if err := rows.Scan(&row.ID, &row.Disposition, &row.Reason, &row.Headers, &row.Body, &row.ReceivedAt); err != nil {
			t.Fatal(err)
		}
		again, signal, _ := r.source.Classify(webhook.DeliveryOf(row))
		switch {
		case !r.taken[r.row.says(row.Body)]:
			t.Errorf("row %s holds a body that nobody sent", row.ID)
		case !slices.Contains(known, row.Disposition):
			t.Errorf("row %s is %q", row.ID, row.Disposition)
		case strings.Contains(row.Reason+again.Reason, "decoder is at fault"):
			t.Errorf("row %s: %s%s", row.ID, row.Reason, again.Reason)
		}
		if row.Disposition != provider.Forward || len(r.signals[row.ID]) == 0 {
			continue
		}
		first := r.signals[row.ID][0].Signal
		told.WriteString(marshal(t, first))
		if signal == nil {
			continue
		}
		told.WriteString(marshal(t, signal))
		// What the sweep would say after a crash is what was said at once.
		if got, want := marshal(t, signal.Event), marshal(t, first.Event); got != want && r.source.Peek == nil {
			t.Errorf("row %s: a sweep would signal\n%s\nand the door has signalled\n%s", row.ID, got, want)
		}
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return told.String()
}

func (r *rig) metrics() string {
	w := httptest.NewRecorder()
	promhttp.HandlerFor(r.reg, promhttp.HandlerOpts{}).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	return w.Body.String()
}

func (r *rig) columns(t *testing.T, sql string) string {
	t.Helper()
	rows, err := r.db.Pool.Query(t.Context(), sql)
	if err != nil {
		t.Fatal(err)
	}
	all, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(all, "\n")
}

// chunked reads in pieces, so that nobody can tell the length before.
func chunked(body []byte) io.Reader { return io.MultiReader(bytes.NewReader(body)) }

func marshal(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// errNoWorker is what asking an order ends with where no worker runs.
var errNoWorker = errors.New("no worker has answered")
