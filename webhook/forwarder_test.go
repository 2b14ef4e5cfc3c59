package webhook

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"willcall/postgres"
	"willcall/postgres/postgrestest"
	"willcall/provider"
)

func TestWebhooksReachTheirOrders(t *testing.T) {
	t.Parallel()
	r := newRoad(t, postgrestest.New(t), "a", newEngine())
	r.waitLive()
	var want []string
	for n := range 50 {
		want = append(want, r.take("7", n))
		r.take(fmt.Sprint("other-", n), 1)
	}
	r.drained()
	if got := r.temporal.heard("order:toy:7"); !slices.Equal(got, want) {
		t.Errorf("order heard %d webhooks, some out of order; want %d in order", len(got), len(want))
	}
	if got := r.rig.count(t, "willcall_forwarded_total", "memory", "toy"); got != 100 {
		t.Errorf("forwarded from memory = %v; want all 100", got)
	}
	if _, tries := r.temporal.count(); tries != 100 {
		t.Errorf("signals = %d; want 100", tries)
	}
}

func TestSimultaneousRepeatsAreOneWebhook(t *testing.T) {
	t.Parallel()
	r := newRoad(t, postgrestest.New(t), "a", newEngine())
	r.waitLive()
	var wg sync.WaitGroup
	var mu sync.Mutex
	words, ids := map[string]int{}, map[string]bool{}
	for range 64 {
		wg.Go(func() {
			w := serve(r.door, post(toy("order", "7", "same")))
			mu.Lock()
			defer mu.Unlock()
			for _, word := range []string{"accepted", "duplicate"} {
				if strings.Contains(w.Body.String(), word) {
					words[word]++
				}
			}
			_, id, _ := strings.Cut(w.Body.String(), `"id":"`)
			id, _, _ = strings.Cut(id, `"`)
			ids[id] = true
			if w.Code != 200 {
				t.Errorf("status = %d; want 200", w.Code)
			}
		})
	}
	wg.Wait()
	r.drained()
	if words["accepted"] != 1 || words["duplicate"] != 63 || len(ids) != 1 {
		t.Errorf("answers = %v with %d ids; want one accepted, 63 duplicates, one id", words, len(ids))
	}
	if webhooks, tries := r.temporal.count(); webhooks != 1 || tries != 1 {
		t.Errorf("signals = %d of %d webhooks; want one of one", tries, webhooks)
	}
}

func TestBodyIsStoredByteForByte(t *testing.T) {
	t.Parallel()
	r := newRoad(t, postgrestest.New(t), "a", newEngine())
	body := []byte("{\"type\":\"order\",\r\n \"order\" : \"7\", \"note\":\"")
	for b := range 256 {
		if b != '"' && b != '\\' && b >= 0x20 {
			body = append(body, byte(b))
		}
	}
	body = append(body, "\\u0000\"}   \n"...)
	if w := serve(r.door, post(string(body))); w.Code != 200 {
		t.Fatalf("status = %d: %s", w.Code, w.Body)
	}
	items, _, err := r.db.Webhooks(t.Context(), postgres.WebhookFilter{}, "", 10)
	if err != nil || len(items) != 1 {
		t.Fatalf("rows = %d, %v; want 1", len(items), err)
	}
	row, err := r.db.Webhook(t.Context(), items[0].ID)
	if err != nil || string(row.Body) != string(body) {
		t.Errorf("stored body = %q, %v; want %q", row.Body, err, body)
	}
}

func TestOneBadOrderHoldsUpNobodyElse(t *testing.T) {
	t.Parallel()
	tp := newEngine()
	tp.bad["order:toy:bad"] = errors.New("exceeded workflow execution limit for signal events")
	r := newRoad(t, postgrestest.New(t), "a", tp)
	r.waitLive()
	var bad, good []string
	for n := range 20 {
		bad = append(bad, r.take("bad", n))
		good = append(good, r.take("good", n))
	}
	eventually(t, "the good order hears all", func() bool { return len(tp.heard("order:toy:good")) == 20 })
	if !r.live() {
		t.Error("not live; want one order's trouble to leave the road alone")
	}
	eventually(t, "the rows of the bad order lie in the inbox with a reason", func() bool {
		rows, _, err := r.db.Webhooks(t.Context(), postgres.WebhookFilter{OrderID: "order:toy:bad", NotForwarded: true}, "", 100)
		reasons := 0
		for _, row := range rows {
			if row.LastError != "" {
				reasons++
			}
		}
		return err == nil && len(rows) == 20 && reasons == 20
	})
	_, before := tp.count()
	eventually(t, "the bad order is tried again", func() bool { _, tries := tp.count(); return tries > before })
	if got := r.rig.count(t, "willcall_forward_held_orders"); got != 1 {
		t.Errorf("held orders = %v; want 1", got)
	}
	tp.set(func() { delete(tp.bad, "order:toy:bad") })
	r.drained()
	if got := tp.heard("order:toy:bad"); !slices.Equal(got, bad) {
		t.Errorf("bad order heard %d webhooks; want %d in order", len(got), len(bad))
	}
	if got := tp.heard("order:toy:good"); !slices.Equal(got, good) {
		t.Errorf("good order heard %d webhooks; want %d in order", len(got), len(good))
	}
	eventually(t, "nothing is behind any more", func() bool {
		r.f.mu.Lock()
		defer r.f.mu.Unlock()
		return len(r.f.behind) == 0 && len(r.f.held) == 0
	})
	before2 := r.rig.count(t, "willcall_forwarded_total", "memory", "toy")
	r.take("bad", 99)
	r.drained()
	if got := r.rig.count(t, "willcall_forwarded_total", "memory", "toy") - before2; got != 1 {
		t.Errorf("forwarded from memory afterwards = %v; want 1", got)
	}
}

func TestWhatACrashLeftGoesFirst(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t)
	// The process that took them is gone, and its claims last a while.
	first := put(t, db, "crashed", 300*time.Millisecond, "7", "e-1", nil)
	second := put(t, db, "crashed", 300*time.Millisecond, "7", "e-2", nil)
	r := newRoad(t, db, "a", newEngine())
	third := r.take("7", 3)
	other := r.take("8", 1)
	eventually(t, "an order without a past is not held up", func() bool { return len(r.temporal.heard("order:toy:8")) == 1 })
	r.drained()
	if got, want := r.temporal.heard("order:toy:7"), []string{first, second, third}; !slices.Equal(got, want) {
		t.Errorf("order heard %q; want %q", got, want)
	}
	if got := r.temporal.heard("order:toy:8"); !slices.Equal(got, []string{other}) {
		t.Errorf("other order heard %q; want %q", got, other)
	}
	eventually(t, "nothing is behind", func() bool {
		r.f.mu.Lock()
		defer r.f.mu.Unlock()
		return len(r.f.behind) == 0
	})
}

func TestGracefulStopLeavesNothingClaimed(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t)
	tp := newEngine()
	tp.gate = make(chan struct{})
	a := newRoad(t, db, "a", tp, func(o *ForwarderOptions) { o.Lanes = 1 })
	a.waitLive()
	var want []string
	for n := range 5 {
		want = append(want, a.take("7", n))
	}
	eventually(t, "a signal is under way", func() bool { _, tries := tp.count(); return tries == 1 })
	stopped := make(chan struct{})
	go func() { a.stop(); close(stopped) }()
	eventually(t, "the stop has begun", func() bool {
		a.f.mu.Lock()
		defer a.f.mu.Unlock()
		return a.f.stopped
	})
	tp.gate <- struct{}{}
	<-stopped
	if got := a.waiting(); got != 4 {
		t.Errorf("not forwarded after the stop = %d; want 4: the signal under way is finished and marked", got)
	}
	tp.set(func() { tp.gate = nil })
	b := newRoad(t, db, "b", tp) // the inbox's lease is an hour
	b.drained()
	if got := tp.heard("order:toy:7"); !slices.Equal(got, want) {
		t.Errorf("order heard %q; want %q", got, want)
	}
	for id, times := range tp.seen["order:toy:7"] {
		if times != 1 {
			t.Errorf("webhook %s was signalled %d times; want once", id, times)
		}
	}
}

func TestReplayIsSignalledUnderItsAttempt(t *testing.T) {
	t.Parallel()
	r := newRoad(t, postgrestest.New(t), "a", newEngine(), func(o *ForwarderOptions) { o.Poll = time.Hour })
	r.waitLive()
	id := r.take("7", 1)
	r.drained()
	if n, err := r.db.Replay(t.Context(), []string{id}, "ann"); n != 1 || err != nil {
		t.Fatalf("replayed %d, %v", n, err)
	}
	r.f.Wake()
	r.drained()
	r.temporal.mu.Lock()
	defer r.temporal.mu.Unlock()
	if got := r.temporal.seen["order:toy:7"]; got[id] != 1 || got[id+":2"] != 1 {
		t.Errorf("request ids = %v; want %s and %s:2, once each", got, id, id)
	}
}

func TestRowsThatNoLongerDecode(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t)
	as := func(body string) func(*postgres.Webhook) {
		return func(w *postgres.Webhook) { w.Body, w.DedupeKey = []byte(body), body }
	}
	broken := put(t, db, "", 0, "7", "e-1", as("no json"))
	note := put(t, db, "", 0, "7", "e-2", as(toy("note", "7", "")))
	gone := put(t, db, "", 0, "9", "e-3", func(w *postgres.Webhook) { w.Source = "gone" })
	put(t, db, "", 0, "9", "e-4", func(w *postgres.Webhook) { w.Source = "gone" })
	r := newRoad(t, db, "a", newEngine())
	good := r.take("8", 1)
	eventually(t, "the good one is forwarded", func() bool { return slices.Equal(r.temporal.heard("order:toy:8"), []string{good}) })
	eventually(t, "all but those of the missing source are settled", func() bool { return r.waiting() == 2 })
	for id, want := range map[string]provider.Disposition{broken: provider.Quarantined, note: provider.Recorded, gone: provider.Forward} {
		row, err := db.Webhook(t.Context(), id)
		if err != nil || row.Disposition != want {
			t.Errorf("disposition = %q, %v; want %q", row.Disposition, err, want)
		}
		if id == gone && (row.LastError == "" || row.NextTry.Before(time.Now())) {
			t.Errorf("row of the missing source has error %q and next try %v; want a reason and a later try", row.LastError, row.NextTry)
		}
	}
	r.waitLive()
	if got := strings.Count(r.rig.logs.String(), "no longer configured"); got != 1 {
		t.Errorf("logged %d times; want once", got)
	}
	if got := r.rig.count(t, "willcall_forward_unconfigured_total"); got != 2 {
		t.Errorf("counted = %v; want 2", got)
	}
	if got := r.rig.count(t, "willcall_webhooks_quarantined_total"); got != 1 {
		t.Errorf("quarantined = %v; want 1", got)
	}
}

// TestTwoDaemons checks that two processes over one inbox lose nothing and get in nobody's way.
func TestTwoDaemons(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t)
	tp := newEngine()
	a, b := newRoad(t, db, "a", tp), newRoad(t, db, "b", tp)
	var wg sync.WaitGroup
	for i, r := range []*road{a, b} {
		wg.Go(func() {
			for n := range 100 {
				r.take(fmt.Sprintf("%d-%d", i, n%10), n)
			}
		})
	}
	wg.Wait()
	a.drained()
	if webhooks, _ := tp.count(); webhooks != 200 {
		t.Errorf("webhooks heard = %d; want 200", webhooks)
	}
}
