package postgres_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"willcall/postgres"
	"willcall/postgres/postgrestest"
)

// The linger of these inboxes is so long that whoever waits for its end waits in vain.
func TestLinger(t *testing.T) {
	t.Parallel()
	// saturated has one flusher that Postgres keeps waiting, and another one.
	saturated := func(t *testing.T, db *postgres.DB, o postgres.InboxOptions) (in *postgres.Inbox, unlock func(testing.TB)) {
		t.Helper()
		o.Flushers, o.Linger, o.Timeout = 2, time.Hour, 20*time.Second
		in = inbox(t, db, o)
		unlock = hold(t, db)
		go func() { _, _ = in.Put(context.WithoutCancel(t.Context()), delivery(-1)) }()
		until(t, "a flusher waits for the lock", func() bool { return lockWaits(t, db) == 1 })
		return in, unlock
	}
	putSome := func(in *postgres.Inbox, n int) *sync.WaitGroup {
		var wg sync.WaitGroup
		for i := range n {
			wg.Go(func() { put(t, in, delivery(i)) })
		}
		until(t, "they wait", func() bool { rows, _ := in.Waiting(); return rows == n+1 })
		return &wg
	}
	commits := func(t *testing.T, db *postgres.DB) int {
		return count(t, db, "SELECT count(DISTINCT xmin::text) FROM webhooks WHERE dedupe_key <> 'key--1'")
	}
	t.Run("IsNotForAFlusherWithOthersInReserve", func(t *testing.T) {
		t.Parallel()
		in := inbox(t, postgrestest.New(t), postgres.InboxOptions{Flushers: 2, Linger: time.Hour})
		put(t, in, delivery(1))
	})
	t.Run("EndsWhenAnotherFlusherIsFree", func(t *testing.T) {
		t.Parallel()
		db := postgrestest.New(t)
		in, unlock := saturated(t, db, postgres.InboxOptions{})
		some := putSome(in, 5)
		unlock(t)
		some.Wait()
		if n := commits(t, db); n != 1 {
			t.Errorf("got %d commits; want one for all that waited", n)
		}
	})
	t.Run("EndsWhenTheBatchIsFull", func(t *testing.T) {
		t.Parallel()
		db := postgrestest.New(t)
		in, unlock := saturated(t, db, postgres.InboxOptions{MaxBatch: 5})
		some := putSome(in, 5)
		until(t, "the second flusher writes", func() bool { return lockWaits(t, db) == 2 })
		unlock(t)
		some.Wait()
	})
	t.Run("EndsWithTheInbox", func(t *testing.T) {
		t.Parallel()
		db := postgrestest.New(t)
		in, unlock := saturated(t, db, postgres.InboxOptions{})
		some := putSome(in, 3)
		closed := make(chan error, 1)
		go func() { closed <- in.Close(t.Context()) }()
		until(t, "the second flusher writes", func() bool { return lockWaits(t, db) == 2 })
		unlock(t)
		must(t, <-closed)
		some.Wait()
	})
}
