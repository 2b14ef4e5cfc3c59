package postgres_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"willcall/postgres"
	"willcall/postgres/postgrestest"
)

func TestKillOfPostgresUnderLoadLosesNothingAcknowledged(t *testing.T) {
	t.Parallel()
	server, db := postgrestest.Server(t)
	in := inbox(t, db, postgres.InboxOptions{Owner: "here"})
	var mu sync.Mutex
	acknowledged := map[string]string{} // id → body
	acks := func() int { mu.Lock(); defer mu.Unlock(); return len(acknowledged) }
	var down, refused atomic.Int64
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for sender := range 16 {
		wg.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-stop:
					return
				default:
				}
				w := delivery(n)
				w.DedupeKey = fmt.Sprintf("%d-%d", sender, n)
				w.Body = fmt.Appendf(nil, `{"sender":%d,"n":%d}`, sender, n)
				s, err := in.Put(t.Context(), w)
				switch {
				case err == nil && s == postgres.Stored{ID: w.ID}:
					mu.Lock()
					acknowledged[w.ID] = string(w.Body)
					mu.Unlock()
				case errors.Is(err, postgres.ErrUnavailable):
					refused.Add(1)
					if down.Load() == 1 {
						down.Store(2)
					}
				default:
					t.Errorf("got %+v, %v; want it stored, or ErrUnavailable", s, err)
					return
				}
			}
		})
	}
	for crash := range 2 {
		until(t, "deliveries are stored", func() bool { return acks() > 100*(crash+1) })
		must(t, server.Kill())
		down.Store(1)
		until(t, "somebody is refused", func() bool { return down.Load() == 2 })
		before := acks()
		must(t, server.Restart(t.Context()))
		until(t, "deliveries are stored again", func() bool { return acks() > before+50 })
	}
	close(stop)
	wg.Wait()
	for id, body := range acknowledged {
		w, err := db.Webhook(t.Context(), id)
		if err != nil || string(w.Body) != body {
			t.Fatalf("%s was acknowledged; got %q, %v; want %q", id, w.Body, err, body)
		}
	}
	t.Logf("%d acknowledged, %d refused", len(acknowledged), refused.Load())

	// A mark may be lost with the server, so it does not wait for the disk as a delivery does.
	lazy := 0
	for id := range acknowledged {
		must(t, db.MarkForwarded(t.Context(), []string{id}, noon))
		lazy += count(t, db, "SELECT (pg_current_wal_insert_lsn() > pg_current_wal_flush_lsn())::int")
	}
	if lazy < len(acknowledged)/2 {
		t.Errorf("%d of %d marks were on the disk at once; want them not to wait for it", len(acknowledged)-lazy, len(acknowledged))
	}
}

func TestOutage(t *testing.T) {
	t.Parallel()
	t.Run("IsToldAtOnceAndOverAtOnce", func(t *testing.T) {
		t.Parallel()
		server, db := postgrestest.Server(t)
		in := inbox(t, db, postgres.InboxOptions{Timeout: time.Minute})
		putMany := func(round int) {
			t.Helper()
			var wg sync.WaitGroup
			for i := range 64 {
				wg.Go(func() {
					w := delivery(i)
					w.DedupeKey = fmt.Sprint(round, i)
					if _, err := in.Put(t.Context(), w); err != nil {
						t.Errorf("round %d: %v", round, err)
					}
				})
			}
			wg.Wait()
		}
		putMany(1) // all connections are open now
		must(t, server.Stop())
		began := time.Now()
		_, err := in.Put(t.Context(), delivery(1))
		wantErr(t, err, postgres.ErrUnavailable)
		_, err = db.Claim(t.Context(), "a", time.Minute, 1)
		wantErr(t, err, postgres.ErrUnavailable)
		if took := time.Since(began); took > 20*time.Second {
			t.Errorf("got the refusals after %v; want them long before the time-out of a minute", took)
		}
		must(t, server.Restart(t.Context()))
		putMany(2)
	})
	t.Run("OfEveryConnectionIsNotSeenByAnybody", func(t *testing.T) {
		t.Parallel()
		address := postgrestest.URL(t)
		db, operator := open(t, address), open(t, address)
		in := inbox(t, db, postgres.InboxOptions{})
		for round := range 5 {
			var wg sync.WaitGroup
			for i := range 64 {
				wg.Go(func() {
					w := delivery(i)
					w.DedupeKey = fmt.Sprint(round, i)
					if s, err := in.Put(t.Context(), w); err != nil || s.Duplicate {
						t.Errorf("round %d: got %+v, %v; want it stored", round, s, err)
					}
				})
			}
			wg.Wait()
			exec(t, operator, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()")
		}
	})
	t.Run("ThatSwallowsTheAnswerStillCountsTheRowAsNew", func(t *testing.T) {
		t.Parallel()
		address := postgrestest.URL(t)
		proxy := between(t, address)
		db, direct := open(t, proxy.url), open(t, address)
		in := inbox(t, db, postgres.InboxOptions{Flushers: 1})
		put(t, in, delivery(1)) // the statement is prepared now, so that the next answer is the one to the insert
		proxy.mode.Store(swallow)
		w := delivery(3)
		if got, want := put(t, in, w), (postgres.Stored{ID: w.ID}); got != want {
			t.Errorf("got %+v; want %+v: the row is there because we put it", got, want)
		}
		if proxy.mode.Load() != pass {
			t.Error("no answer was swallowed")
		}
		if n := count(t, direct, "SELECT count(*) FROM webhooks WHERE dedupe_key = 'key-3'"); n != 1 {
			t.Errorf("got %d rows; want 1", n)
		}
	})
	t.Run("ThatHangsEndsWithTheTimeoutAndOtherwiseAtOnce", func(t *testing.T) {
		t.Parallel()
		proxy := between(t, postgrestest.URL(t))
		db := open(t, proxy.url)
		in := inbox(t, db, postgres.InboxOptions{Flushers: 2, Timeout: time.Second})
		patient := inbox(t, db, postgres.InboxOptions{Flushers: 2, Timeout: time.Minute})
		put(t, patient, delivery(1))
		proxy.mode.Store(hang)
		for i := range 3 {
			began := time.Now()
			_, err := in.Put(t.Context(), delivery(10+i))
			wantErr(t, err, postgres.ErrUnavailable)
			if took := time.Since(began); took > 15*time.Second {
				t.Errorf("got the refusal after %v; want it after a second", took)
			}
		}
		proxy.mode.Store(pass)
		put(t, patient, delivery(2))
	})
}

// What the proxy does with Postgres' answers.
const (
	pass    int32 = iota
	swallow       // the next one, and the connection with it; then pass
	hang          // keep them
)

// proxy stands between a pool and Postgres.
type proxy struct {
	url  string
	mode atomic.Int32
}

func between(t *testing.T, address string) *proxy {
	t.Helper()
	u, err := url.Parse(address)
	must(t, err)
	server := u.Host
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	t.Cleanup(func() { _ = listener.Close() })
	u.Host = listener.Addr().String()
	p := &proxy{url: u.String()}
	go func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			go p.serve(t, client, server)
		}
	}()
	return p
}

func (p *proxy) serve(t *testing.T, client net.Conn, server string) {
	upstream, err := net.Dial("tcp", server)
	if err != nil {
		_ = client.Close()
		return
	}
	defer func() { _, _ = client.Close(), upstream.Close() }()
	go func() {
		_, _ = io.Copy(upstream, client)
		_ = upstream.Close()
	}()
	buf := make([]byte, 64<<10)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		n, err := upstream.Read(buf)
		if err != nil || p.mode.CompareAndSwap(swallow, pass) {
			return
		}
		for p.mode.Load() == hang {
			select {
			case <-tick.C:
			case <-t.Context().Done():
				return
			}
		}
		if _, err := client.Write(buf[:n]); err != nil {
			return
		}
	}
}
