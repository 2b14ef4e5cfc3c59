package webhook

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"willcall/postgres/postgrestest"
)

func TestOutageOfTemporal(t *testing.T) {
	t.Parallel()
	r := newRoad(t, postgrestest.New(t), "a", newEngine())
	r.waitLive()
	r.temporal.set(func() { r.temporal.away = true })
	want := map[string][]string{}
	for n := range 200 {
		o := fmt.Sprint(n % 20)
		want[o] = append(want[o], r.take(o, n))
	}
	eventually(t, "the outage is noticed", func() bool { return !r.live() })
	if got := r.rig.count(t, "willcall_forward_catching_up"); got != 1 {
		t.Errorf("catching up = %v; want 1", got)
	}
	r.f.mu.Lock()
	if got := len(r.f.late); got > maxLate {
		t.Errorf("held in memory during the outage: %d", got)
	}
	r.f.mu.Unlock()
	if _, tries := r.temporal.count(); tries > 100 {
		t.Errorf("tries during the outage = %d; want one order at a time, backing off, not a storm of 200", tries)
	}
	r.temporal.set(func() { r.temporal.away = false })
	r.drained()
	for o, ids := range want {
		if got := r.temporal.heard("order:toy:" + o); !slices.Equal(got, ids) {
			t.Errorf("order %s heard %d webhooks, want %d in order", o, len(got), len(ids))
		}
	}
	r.waitLive()
	if got := r.rig.count(t, "willcall_forward_catching_up"); got != 0 {
		t.Errorf("catching up = %v; want 0", got)
	}
	before := r.rig.count(t, "willcall_forwarded_total", "memory", "toy")
	r.take("again", 1)
	r.drained()
	if got := r.rig.count(t, "willcall_forwarded_total", "memory", "toy") - before; got != 1 {
		t.Errorf("forwarded from memory after the outage = %v; want 1", got)
	}
}

// TestOrderIsKeptThroughOutages switches Temporal, and single orders, off and on while several senders, each waiting for
// its answer, post webhooks of their order.
func TestOrderIsKeptThroughOutages(t *testing.T) {
	t.Parallel()
	r := newRoad(t, postgrestest.New(t), "a", newEngine(), func(o *ForwarderOptions) { o.Queue, o.Lanes, o.Batch = 32, 4, 16 })
	r.waitLive()
	done := make(chan struct{})
	var chaos sync.WaitGroup
	chaos.Go(func() {
		for on := false; ; on = !on {
			select {
			case <-done:
				return
			case <-time.After(time.Duration(5+rand.IntN(30)) * time.Millisecond):
				r.temporal.set(func() {
					r.temporal.away = on
					clear(r.temporal.bad)
					for range 3 {
						r.temporal.bad[fmt.Sprint("order:toy:", rand.IntN(12))] = errors.New("refused")
					}
				})
			}
		}
	})
	var senders sync.WaitGroup
	want := make([][]string, 12)
	for s := range want {
		senders.Go(func() {
			for n := range 60 {
				want[s] = append(want[s], r.take(fmt.Sprint(s), n))
			}
		})
	}
	senders.Wait()
	close(done)
	chaos.Wait()
	r.temporal.set(func() { r.temporal.away, r.temporal.bad = false, nil })
	r.drained()
	for s, ids := range want {
		if got := r.temporal.heard(fmt.Sprint("order:toy:", s)); !slices.Equal(got, ids) {
			t.Errorf("order %d heard %d of %d webhooks, or out of order", s, len(got), len(ids))
		}
	}
}

func TestOverloadIsCaughtUpFromTheInbox(t *testing.T) {
	t.Parallel()
	tp := newEngine()
	tp.gate = make(chan struct{})
	r := newRoad(t, postgrestest.New(t), "a", tp, func(o *ForwarderOptions) { o.Queue, o.Lanes = 4, 2 })
	r.waitLive()
	var want []string
	for n := range 40 {
		want = append(want, r.take("7", n))
	}
	if r.live() {
		t.Error("still live with 40 signals on a queue of four; want catching up")
	}
	close(tp.gate)
	r.drained()
	if got := tp.heard("order:toy:7"); !slices.Equal(got, want) {
		t.Errorf("order heard %d webhooks; want %d in order", len(got), len(want))
	}
	r.waitLive()
}

func TestPostgresAwayIsAnsweredWith503AndLosesNothing(t *testing.T) {
	t.Parallel()
	server, db := postgrestest.Server(t)
	r := newRoad(t, db, "a", newEngine(), func(o *ForwarderOptions) { o.SignalTimeout = time.Second })
	r.waitLive()
	var safe []string
	safe = append(safe, r.take("7", 0))
	if err := server.Kill(); err != nil {
		t.Fatal(err)
	}
	w := serve(r.door, post(toy("order", "7", "7-1")))
	if got := problemOf(t, w); w.Code != 503 || w.Header().Get("Retry-After") == "" || got != "storage-unavailable" {
		t.Errorf("answer = %d %s, Retry-After %q; want 503 with Retry-After", w.Code, got, w.Header().Get("Retry-After"))
	}
	if err := server.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the door takes webhooks again", func() bool {
		w := serve(r.door, post(toy("order", "7", "7-1")))
		return w.Code == 200
	})
	safe = append(safe, r.take("7", 2))
	r.drained()
	got := r.temporal.heard("order:toy:7")
	for _, id := range safe {
		if !slices.Contains(got, id) {
			t.Errorf("acknowledged webhook %s was lost", id)
		}
	}
	if len(got) != 3 {
		t.Errorf("order heard %d webhooks; want 3", len(got))
	}
}
