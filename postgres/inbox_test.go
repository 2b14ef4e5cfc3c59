package postgres_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"maps"
	"strings"
	"sync"
	"testing"
	"time"

	"willcall/postgres"
	"willcall/postgres/postgrestest"
	"willcall/provider"
)

func TestPut(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t)
	in := inbox(t, db, postgres.InboxOptions{Owner: "here", Lease: time.Minute})

	t.Run("KeepsEveryFieldAndTheVeryBytes", func(t *testing.T) {
		t.Parallel()
		w := delivery(1)
		w.Reason, w.Via, w.Body = "why", postgres.ViaSweep, []byte("{ \"a\":\x00\xff 1}\n")
		s := put(t, in, w)
		if want := (postgres.Stored{ID: w.ID}); s != want {
			t.Fatalf("got %+v; want %+v", s, want)
		}
		got, err := db.Webhook(t.Context(), w.ID)
		must(t, err)
		if got.Seq == 0 || got.Attempt != 1 || !got.ForwardedAt.IsZero() || !got.NextTry.IsZero() || got.Conflict {
			t.Errorf("got %+v; want a first attempt that is not forwarded", got)
		}
		if !bytes.Equal(got.Body, w.Body) || got.BodySHA256 != sha256.Sum256(w.Body) || !maps.Equal(got.Headers, w.Headers) {
			t.Errorf("got body %q, headers %v; want %q, %v", got.Body, got.Headers, w.Body, w.Headers)
		}
		if got.ReceivedAt != w.ReceivedAt {
			t.Errorf("got received at %v; want %v, in UTC", got.ReceivedAt, w.ReceivedAt)
		}
		if got.Source != w.Source || got.Provider != w.Provider || got.Type != w.Type || got.Disposition != w.Disposition ||
			got.Reason != w.Reason || got.OrderID != w.OrderID || got.ProviderOrderID != w.ProviderOrderID || got.Kind != w.Kind ||
			got.DedupeKey != w.DedupeKey || got.Via != w.Via {
			t.Errorf("got %+v; want %+v", got, w)
		}
	})
	t.Run("RepeatIsADuplicateOfTheFirst", func(t *testing.T) {
		t.Parallel()
		first, again := delivery(2), delivery(2)
		put(t, in, first)
		if got, want := put(t, in, again), (postgres.Stored{ID: first.ID, Duplicate: true}); got != want {
			t.Errorf("got %+v; want %+v", got, want)
		}
		if n := count(t, db, "SELECT count(*) FROM webhooks WHERE dedupe_key = 'key-2'"); n != 1 {
			t.Errorf("got %d rows; want 1", n)
		}
	})
	t.Run("AnotherBodyUnderTheKeyIsKeptAsAConflictOnce", func(t *testing.T) {
		t.Parallel()
		first, other, again := delivery(3), delivery(3), delivery(3)
		other.Body, again.Body = []byte("{}"), []byte("{}")
		put(t, in, first)
		if got, want := put(t, in, other), (postgres.Stored{ID: other.ID, Conflict: true}); got != want {
			t.Errorf("got %+v; want %+v", got, want)
		}
		if got, want := put(t, in, again), (postgres.Stored{ID: other.ID, Duplicate: true}); got != want {
			t.Errorf("repeat of the other body: got %+v; want %+v", got, want)
		}
		if got, want := put(t, in, delivery(3)), (postgres.Stored{ID: first.ID, Duplicate: true}); got != want {
			t.Errorf("repeat of the first body: got %+v; want %+v", got, want)
		}
		if w, err := db.Webhook(t.Context(), other.ID); err != nil || !w.Conflict || !bytes.Equal(w.Body, other.Body) {
			t.Errorf("got %+v, %v; want it kept, marked as a conflict", w, err)
		}
	})
	t.Run("SameKeyOfAnotherSourceIsAnotherDelivery", func(t *testing.T) {
		t.Parallel()
		w, other := delivery(4), delivery(4)
		other.Source = "tevo-west"
		put(t, in, w)
		if got, want := put(t, in, other), (postgres.Stored{ID: other.ID}); got != want {
			t.Errorf("got %+v; want %+v", got, want)
		}
	})
	t.Run("SameIDAgainIsTheSameDelivery", func(t *testing.T) {
		t.Parallel()
		w := delivery(5)
		put(t, in, w)
		if got, want := put(t, in, w), (postgres.Stored{ID: w.ID}); got != want {
			t.Errorf("got %+v; want %+v: the answer to the first may have been lost", got, want)
		}
	})
	t.Run("ClaimsForItsOwnerOnlyWhatIsToBeForwarded", func(t *testing.T) {
		t.Parallel()
		forward, recorded := delivery(6), delivery(7)
		recorded.Disposition, recorded.OrderID = provider.Recorded, ""
		put(t, in, forward)
		put(t, in, recorded)
		const claimed = "SELECT count(*) FROM webhooks WHERE id = $1 AND claimed_by = 'here' AND claimed_until BETWEEN now() + '50s' AND now() + '60s'"
		if n := count(t, db, claimed, forward.ID); n != 1 {
			t.Error("the row to be forwarded is not claimed for a minute")
		}
		if n := count(t, db, claimed, recorded.ID); n != 0 {
			t.Error("a row that moves no order is claimed")
		}
	})
	t.Run("LongOrBinaryKeyStillRecognisesRepeats", func(t *testing.T) {
		t.Parallel()
		for _, key := range []string{strings.Repeat("k", 5000), "zero \x00 byte", "not \xff UTF-8"} {
			first, again := delivery(8), delivery(8)
			first.DedupeKey, again.DedupeKey = key, key
			put(t, in, first)
			if got, want := put(t, in, again), (postgres.Stored{ID: first.ID, Duplicate: true}); got != want {
				t.Errorf("key %.12q: got %+v; want %+v", key, got, want)
			}
		}
	})
	t.Run("TextForPeopleIsMadeStorable", func(t *testing.T) {
		t.Parallel()
		w := delivery(9)
		w.Type, w.Reason, w.Headers = "a\x00b", "c\xffd", map[string]string{"X-Odd": "e\x00f\xff"}
		put(t, in, w)
		got, err := db.Webhook(t.Context(), w.ID)
		must(t, err)
		if got.Type != "a\uFFFDb" || got.Reason != "c\uFFFDd" || got.Headers["X-Odd"] != "e\uFFFDf\uFFFD" {
			t.Errorf("got %q, %q, %q", got.Type, got.Reason, got.Headers)
		}
	})
	t.Run("WhatCanNeverBeStoredIsInvalid", func(t *testing.T) {
		t.Parallel()
		for name, spoil := range map[string]func(*postgres.Webhook){
			"id":          func(w *postgres.Webhook) { w.ID = "7" },
			"source":      func(w *postgres.Webhook) { w.Source = "" },
			"dedupe key":  func(w *postgres.Webhook) { w.DedupeKey = "" },
			"disposition": func(w *postgres.Webhook) { w.Disposition = "lost" },
			"via":         func(w *postgres.Webhook) { w.Via = "pigeon" },
			"kind":        func(w *postgres.Webhook) { w.Kind = "loan" },
			"order id":    func(w *postgres.Webhook) { w.OrderID = "order:tevo:\x00" },
		} {
			w := delivery(10)
			spoil(&w)
			if _, err := in.Put(t.Context(), w); err == nil {
				t.Errorf("%s: no error", name)
			} else {
				wantErr(t, err, postgres.ErrInvalid)
			}
		}
	})
}

func TestPutOfOneKeyAtOnce(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]postgres.InboxOptions{
		"InManyBatches": {Flushers: 8, MaxBatch: 2, Linger: -1},
		"InOneBatch":    {Flushers: 2, MaxBatch: 64, Linger: 50 * time.Millisecond},
	} {
		t.Run(name+"AcceptsExactlyOne", func(t *testing.T) {
			t.Parallel()
			db := postgrestest.New(t)
			daemons := []*postgres.Inbox{inbox(t, db, o), inbox(t, db, o)}
			const puts = 64
			stored := make([]postgres.Stored, puts)
			var wg sync.WaitGroup
			for i := range puts {
				wg.Go(func() {
					s, err := daemons[i%2].Put(t.Context(), delivery(1))
					if err != nil {
						t.Errorf("put %d: %v", i, err)
					}
					stored[i] = s
				})
			}
			wg.Wait()
			accepted := 0
			for _, s := range stored {
				if s.ID != stored[0].ID || s.Conflict {
					t.Errorf("got %+v; want all to name the row %s", s, stored[0].ID)
				}
				if !s.Duplicate {
					accepted++
				}
			}
			if rows := count(t, db, "SELECT count(*) FROM webhooks"); accepted != 1 || rows != 1 {
				t.Errorf("got %d accepted, %d rows; want 1, 1", accepted, rows)
			}
		})
	}
	t.Run("WithTwoBodiesKeepsBothAndMarksExactlyOneConflict", func(t *testing.T) {
		t.Parallel()
		db := postgrestest.New(t)
		daemons := []*postgres.Inbox{inbox(t, db, postgres.InboxOptions{MaxBatch: 2}), inbox(t, db, postgres.InboxOptions{MaxBatch: 2})}
		for n := range 50 {
			conflicts, duplicates := make(chan bool, 4), make(chan bool, 4)
			var wg sync.WaitGroup
			for i := range 4 {
				wg.Go(func() {
					w := delivery(n)
					w.Body = append(w.Body, byte('0'+i/2))
					s, err := daemons[i%2].Put(t.Context(), w)
					if err != nil {
						t.Errorf("put: %v", err)
					}
					conflicts <- s.Conflict
					duplicates <- s.Duplicate
				})
			}
			wg.Wait()
			if c, d := sum(conflicts), sum(duplicates); c != 1 || d != 2 {
				t.Fatalf("got %d conflicts, %d duplicates; want 1, 2", c, d)
			}
		}
		if n := count(t, db, "SELECT count(*) FROM webhooks"); n != 100 {
			t.Errorf("got %d rows; want 100", n)
		}
	})
}

func sum(answers chan bool) (n int) {
	close(answers)
	for a := range answers {
		if a {
			n++
		}
	}
	return n
}

func TestBatch(t *testing.T) {
	t.Parallel()
	t.Run("OneBadRowDoesNotFailItsNeighbours", func(t *testing.T) {
		t.Parallel()
		db := postgrestest.New(t)
		in := heldInbox(t, db, postgres.InboxOptions{})
		errs := make([]error, 20)
		var wg sync.WaitGroup
		for i := range errs {
			wg.Go(func() {
				w := delivery(i)
				if i == 7 {
					w.Disposition = "nonsense" // refused by Postgres, with the whole statement
				}
				_, errs[i] = in.Put(t.Context(), w)
			})
		}
		in.release(t, len(errs))
		wg.Wait()
		for i, err := range errs {
			if i == 7 {
				wantErr(t, err, postgres.ErrInvalid)
			} else if err != nil {
				t.Errorf("put %d: got %v; want it stored", i, err)
			}
		}
		if n := count(t, db, "SELECT count(*) FROM webhooks"); n != 19+1 { // and the one that held the flusher
			t.Errorf("got %d rows; want 20", n)
		}
	})
	t.Run("HasBoundedRowsAndBytes", func(t *testing.T) {
		t.Parallel()
		db := postgrestest.New(t)
		for name, o := range map[string]postgres.InboxOptions{
			"Rows":  {MaxBatch: 5},
			"Bytes": {MaxBatchBytes: 5 * 1000},
		} {
			in := heldInbox(t, db, o)
			var wg sync.WaitGroup
			for i := range 20 {
				wg.Go(func() {
					w := delivery(i)
					w.Source, w.Body = name, bytes.Repeat([]byte{byte(i)}, 1000)
					put(t, in.Inbox, w)
				})
			}
			in.release(t, 20)
			wg.Wait()
			if n := count(t, db, "SELECT max(n) FROM (SELECT count(*) AS n FROM webhooks WHERE source = $1 GROUP BY xmin::text) t", name); n != 5 {
				t.Errorf("%s: got a commit with %d rows; want 5", name, n)
			}
		}
	})
	t.Run("NeverWaitsForABatchThatWaitsForIt", func(t *testing.T) {
		t.Parallel()
		address := postgrestest.URL(t)
		judge := open(t, address)
		for round := range 8 {
			forth, back := open(t, address), open(t, address)
			ins := heldInboxes(t, postgres.InboxOptions{}, forth, back)
			const rows = 60
			var wg sync.WaitGroup
			for i := range rows {
				for in, n := range map[*postgres.Inbox]int{ins[0].Inbox: i, ins[1].Inbox: rows - 1 - i} {
					before, _ := in.Waiting()
					wg.Go(func() {
						w := delivery(n)
						w.DedupeKey = fmt.Sprintf("round %d row %02d", round, n)
						w.Body = bytes.Repeat([]byte{byte(n)}, 4000)
						put(t, in, w)
					})
					until(t, "it is in the queue", func() bool { now, _ := in.Waiting(); return now == before+1 })
				}
			}
			ins[0].release(t, rows)
			wg.Wait()
			forth.Close() // a server process reports what it counted when it ends
			back.Close()
		}
		until(t, "only we are connected", func() bool {
			return count(t, judge, "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND backend_type = 'client backend'") == 1
		})
		if n := count(t, judge, "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"); n != 0 {
			t.Errorf("got %d deadlocks; want none", n)
		}
		if n := count(t, judge, "SELECT count(*) FROM webhooks WHERE dedupe_key LIKE 'round%'"); n != 8*60 {
			t.Errorf("got %d rows; want each delivery once", n)
		}
	})
	t.Run("OneBodyAboveTheBoundGoesAlone", func(t *testing.T) {
		t.Parallel()
		db := postgrestest.New(t)
		in := inbox(t, db, postgres.InboxOptions{MaxBatchBytes: 10, MaxPendingBytes: 20})
		w := delivery(1)
		w.Body = bytes.Repeat([]byte("x"), 5000)
		put(t, in, w)
	})
}

// held is an inbox with one flusher, which Postgres keeps waiting until release.
type held struct {
	*postgres.Inbox
	unlock func(testing.TB)
}

func heldInbox(t *testing.T, db *postgres.DB, o postgres.InboxOptions) held {
	t.Helper()
	return heldInboxes(t, o, db)[0]
}

// heldInboxes are released together, by any of them.
func heldInboxes(t *testing.T, o postgres.InboxOptions, dbs ...*postgres.DB) (ins []held) {
	t.Helper()
	o.Flushers, o.Timeout = 1, 20*time.Second
	for _, db := range dbs {
		ins = append(ins, held{Inbox: inbox(t, db, o)})
	}
	unlock := hold(t, dbs[0])
	for i := range ins {
		ins[i].unlock = unlock
		stopper := delivery(-1)
		stopper.DedupeKey = postgres.NewID()
		go func() { _, _ = ins[i].Put(context.WithoutCancel(t.Context()), stopper) }()
	}
	until(t, "the flushers wait for the lock", func() bool { return lockWaits(t, dbs[0]) == len(dbs) })
	return ins
}

// release lets the flushers go on once n deliveries wait behind the first one.
func (h held) release(t testing.TB, n int) {
	t.Helper()
	until(t, "all wait", func() bool { rows, _ := h.Waiting(); return rows == n+1 })
	h.unlock(t)
}

// hold keeps all writers out of the table webhooks.
func hold(t testing.TB, db *postgres.DB) (unlock func(testing.TB)) {
	t.Helper()
	tx, err := db.Pool.Begin(t.Context())
	must(t, err)
	_, err = tx.Exec(t.Context(), "LOCK TABLE webhooks IN SHARE MODE")
	must(t, err)
	t.Cleanup(func() { _ = tx.Rollback(context.WithoutCancel(t.Context())) }) // if the test failed before it came to that
	return func(t testing.TB) { t.Helper(); must(t, tx.Rollback(t.Context())) }
}

// until polls, for what Postgres does not tell us of.
func until(t testing.TB, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(20 * time.Second); !ok(); <-tick.C {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain: %s", what)
		}
	}
}

func lockWaits(t testing.TB, db *postgres.DB) int {
	t.Helper()
	return count(t, db, "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'")
}

func TestPutUnderPressure(t *testing.T) {
	t.Parallel()
	t.Run("IsBusyWhenTooManyWait", func(t *testing.T) {
		t.Parallel()
		in := heldInbox(t, postgrestest.New(t), postgres.InboxOptions{MaxPending: 2})
		done := make(chan error, 1)
		go func() { _, err := in.Put(t.Context(), delivery(1)); done <- err }()
		until(t, "the second waits", func() bool { rows, _ := in.Waiting(); return rows == 2 })
		_, err := in.Put(t.Context(), delivery(2))
		wantErr(t, err, postgres.ErrBusy)
		in.release(t, 1)
		must(t, <-done)
		put(t, in.Inbox, delivery(3))
	})
	t.Run("IsBusyWhenTooManyBytesWait", func(t *testing.T) {
		t.Parallel()
		in := heldInbox(t, postgrestest.New(t), postgres.InboxOptions{MaxPendingBytes: 100})
		w := delivery(1)
		w.Body = make([]byte, 100)
		_, err := in.Put(t.Context(), w)
		wantErr(t, err, postgres.ErrBusy)
		in.release(t, 0)
	})
	t.Run("IsUnavailableAfterTheTimeout", func(t *testing.T) {
		t.Parallel()
		db := postgrestest.New(t)
		unlock := hold(t, db)
		in := inbox(t, db, postgres.InboxOptions{Timeout: 100 * time.Millisecond})
		began := time.Now()
		_, err := in.Put(t.Context(), delivery(1))
		wantErr(t, err, postgres.ErrUnavailable)
		if took := time.Since(began); took > 10*time.Second {
			t.Errorf("got the refusal after %v; want it after 100 ms", took)
		}
		unlock(t)
		until(t, "nothing is left behind", func() bool { rows, bytes := in.Waiting(); return rows == 0 && bytes == 0 })
		put(t, inbox(t, db, postgres.InboxOptions{}), delivery(1))
	})
	t.Run("ReturnsWhenTheCallerGivesUpAndForgetsWhatIsNotBegun", func(t *testing.T) {
		t.Parallel()
		db := postgrestest.New(t)
		in := heldInbox(t, db, postgres.InboxOptions{})
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { _, err := in.Put(ctx, delivery(1)); done <- err }()
		until(t, "it waits", func() bool { rows, _ := in.Waiting(); return rows == 2 })
		cancel()
		wantErr(t, <-done, context.Canceled)
		if rows, _ := in.Waiting(); rows != 1 {
			t.Errorf("got %d waiting; want the first alone", rows)
		}
		in.release(t, 0)
		put(t, in.Inbox, delivery(2))
		if n := count(t, db, "SELECT count(*) FROM webhooks WHERE dedupe_key = 'key-1'"); n != 0 {
			t.Error("a delivery whose sender had left was stored")
		}
	})
	t.Run("CloseWritesWhatWaits", func(t *testing.T) {
		t.Parallel()
		db := postgrestest.New(t)
		in := heldInbox(t, db, postgres.InboxOptions{MaxBatch: 3})
		errs := make(chan error, 10)
		for i := range 10 {
			go func() { _, err := in.Put(t.Context(), delivery(i)); errs <- err }()
		}
		until(t, "all wait", func() bool { rows, _ := in.Waiting(); return rows == 11 })
		closed := make(chan error, 1)
		go func() { closed <- in.Close(t.Context()) }()
		in.unlock(t)
		must(t, <-closed)
		for range 10 {
			must(t, <-errs)
		}
		began := time.Now()
		_, err := in.Put(t.Context(), delivery(11))
		wantErr(t, err, postgres.ErrUnavailable)
		if took := time.Since(began); took > 10*time.Second {
			t.Errorf("got the refusal after %v; want it at once", took)
		}
	})
}

func TestCloseGivesUpWithItsCallerAndSoDoesWhatWaits(t *testing.T) {
	t.Parallel()
	in := heldInbox(t, postgrestest.New(t), postgres.InboxOptions{})
	errs := make(chan error, 5)
	for i := range cap(errs) {
		go func() { _, err := in.Put(t.Context(), delivery(i)); errs <- err }()
	}
	until(t, "all wait", func() bool { rows, _ := in.Waiting(); return rows == 1+cap(errs) })
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	wantErr(t, in.Close(ctx), context.Canceled)
	for range cap(errs) {
		err := <-errs
		wantErr(t, err, postgres.ErrUnavailable)
		if errors.Is(err, context.Canceled) {
			t.Errorf("got %v; the sender did not give up", err)
		}
	}
}

func TestPutKeepsTheOrderOfArrival(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t)
	in := inbox(t, db, postgres.InboxOptions{})
	var ids []string
	for i := range 20 {
		w := delivery(20 - i)
		put(t, in, w)
		ids = append(ids, w.ID)
	}
	items, _, err := db.Webhooks(t.Context(), postgres.WebhookFilter{}, "", 0)
	must(t, err)
	for i, w := range items {
		if want := ids[len(ids)-1-i]; w.ID != want {
			t.Fatalf("at %d got %s; want %s", i, w.ID, want)
		}
		if i > 0 && w.Seq >= items[i-1].Seq {
			t.Fatalf("seq %d is before %d", items[i-1].Seq, w.Seq)
		}
	}
}
