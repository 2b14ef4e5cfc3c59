package webhook

import (
	"context"
	"crypto/sha256"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"willcall/postgres"
	"willcall/provider"
)

// engine stands for Temporal as far as the forwarder can tell: it takes signals, or not.
type engine struct {
	mu     sync.Mutex
	away   bool
	bad    map[string]error // by order
	taken  []Signal
	tries  int
	gate   chan struct{}             // if set, each signal waits for one
	before func(Signal)              // if set, called before each
	busy   map[string]bool           // orders whose signal is under way
	errs   []string                  // what must never happen
	seen   map[string]map[string]int // order → request id → times
}

func newEngine() *engine {
	return &engine{bad: map[string]error{}, busy: map[string]bool{}, seen: map[string]map[string]int{}}
}

func (tp *engine) signal(ctx context.Context, s Signal) error {
	tp.mu.Lock()
	tp.tries++
	if tp.busy[s.Order.ID] {
		tp.errs = append(tp.errs, "two signals of "+s.Order.ID+" at once")
	}
	tp.busy[s.Order.ID] = true
	gate, before := tp.gate, tp.before
	tp.mu.Unlock()
	if before != nil {
		before(s)
	}
	if gate != nil {
		select {
		case <-gate:
		case <-ctx.Done():
		}
	}
	tp.mu.Lock()
	defer tp.mu.Unlock()
	delete(tp.busy, s.Order.ID)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case tp.away:
		return fmt.Errorf("%w: refused", ErrUnreachable)
	case tp.bad[s.Order.ID] != nil:
		return tp.bad[s.Order.ID]
	}
	if tp.seen[s.Order.ID] == nil {
		tp.seen[s.Order.ID] = map[string]int{}
	}
	tp.seen[s.Order.ID][s.RequestID()]++
	tp.taken = append(tp.taken, s)
	return nil
}

func (tp *engine) set(do func()) {
	tp.mu.Lock()
	defer tp.mu.Unlock()
	do()
}

// heard returns the ids of the webhooks that the order heard, each the first time.
func (tp *engine) heard(orderID string) (ids []string) {
	tp.mu.Lock()
	defer tp.mu.Unlock()
	for _, s := range tp.taken {
		if s.Order.ID == orderID && !slices.Contains(ids, s.Event.ID) {
			ids = append(ids, s.Event.ID)
		}
	}
	return ids
}

func (tp *engine) count() (webhooks, tries int) {
	tp.mu.Lock()
	defer tp.mu.Unlock()
	for _, ids := range tp.seen {
		webhooks += len(ids)
	}
	return webhooks, tp.tries
}

// road is a door, an inbox and a forwarder over a real Postgres.
type road struct {
	t        testing.TB
	db       *postgres.DB
	rig      *rig
	door     http.Handler
	f        *Forwarder
	temporal *engine
	inbox    *postgres.Inbox
	stop     func()      // graceful
	noFiles  atomic.Bool // files cannot be kept
}

// keepFile stores a file as a document of its order.
func (r *road) keepFile(ctx context.Context, orderID string, f provider.File) error {
	if r.noFiles.Load() {
		return postgres.ErrUnavailable
	}
	_, err := r.db.PutDocument(ctx, postgres.Document{MediaType: f.MediaType, Body: f.Body}, orderID, f.Name)
	return err
}

func newRoad(t testing.TB, db *postgres.DB, owner string, tp *engine, change ...func(*ForwarderOptions)) *road {
	t.Helper()
	r := &road{t: t, db: db, rig: newRig(t), temporal: tp}
	o := ForwarderOptions{
		DB: db, Owner: owner, Sources: r.rig.Sources, Metrics: r.rig.Metrics, Logger: r.rig.Logger, Signal: tp.signal, KeepFile: r.keepFile,
		Poll: 20 * time.Millisecond, MaxBackOff: 50 * time.Millisecond, SignalTimeout: 5 * time.Second,
	}
	for _, c := range change {
		c(&o)
	}
	r.inbox = postgres.NewInbox(db, postgres.InboxOptions{Owner: owner, Lease: time.Hour})
	r.f = NewForwarder(o)
	r.rig.Put, r.rig.Forward, r.rig.Uncertain = r.inbox.Put, r.f.Forward, r.f.Uncertain
	r.rig.Find, r.rig.KeepFile = db.FindOrder, r.keepFile
	r.door = Handler(r.rig.Options)
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { r.f.Run(ctx) })
	r.stop = sync.OnceFunc(func() {
		cancel()
		running.Wait()
		if err := r.inbox.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(func() {
		r.stop()
		for _, e := range tp.errs {
			t.Error(e)
		}
		if strings.Contains(r.rig.logs.String(), "example.com") {
			t.Errorf("buyer data in the log:\n%s", r.rig.logs)
		}
	})
	return r
}

// take posts one webhook of the order and returns its row's id.
func (r *road) take(orderID string, n int) string {
	r.t.Helper()
	w := serve(r.door, post(toy("order", orderID, fmt.Sprintf("%s-%d", orderID, n))))
	if w.Code != 200 {
		r.t.Errorf("webhook answered %d: %s", w.Code, w.Body)
		return ""
	}
	_, id, _ := strings.Cut(w.Body.String(), `"id":"`)
	id, _, _ = strings.Cut(id, `"`)
	return id
}

func (r *road) live() bool {
	r.f.mu.Lock()
	defer r.f.mu.Unlock()
	return r.f.live
}

func (r *road) waitLive() {
	r.t.Helper()
	eventually(r.t, "live", r.live)
}

// waiting is how many rows are not marked as forwarded.
func (r *road) waiting() int64 {
	lag, err := r.db.InboxLag(r.t.Context())
	if err != nil {
		return -1
	}
	return lag.Count
}

func (r *road) drained() {
	r.t.Helper()
	eventually(r.t, "everything is forwarded and marked", func() bool { return r.waiting() == 0 })
}

// put lays a row into the inbox that another process has taken.
func put(t testing.TB, db *postgres.DB, owner string, lease time.Duration, orderID, id string, change func(*postgres.Webhook)) string {
	t.Helper()
	src := toySource()
	body := []byte(toy("order", orderID, id))
	row, _, dec := src.Classify(provider.Delivery{ID: postgres.NewID(), Body: body, Received: time.Now()})
	row.Body = body
	row.DedupeKey, row.KeyTells = src.key(dec, sha256.Sum256(body))
	if change != nil {
		change(&row)
	}
	in := postgres.NewInbox(db, postgres.InboxOptions{Owner: owner, Lease: lease})
	if _, err := in.Put(t.Context(), row); err != nil {
		t.Fatal(err)
	}
	if err := in.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	return row.ID
}
