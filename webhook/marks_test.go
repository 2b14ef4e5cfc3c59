package webhook

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"willcall/postgres"
)

func TestMarksAreKeptUntilTheDatabaseTakesThem(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	fail, marked, calls := true, []string{}, 0
	m := newMarks(func(_ context.Context, ids []string, _ time.Time) error {
		mu.Lock()
		defer mu.Unlock()
		calls++
		if fail {
			return postgres.ErrUnavailable
		}
		marked = append(marked, ids...)
		return nil
	}, slog.New(slog.DiscardHandler))
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { m.run(ctx) })
	var want []string
	for n := range 3*markBatch + 1 {
		want = append(want, fmt.Sprint(n))
		m.add(want[n])
	}
	eventually(t, "it is tried", func() bool { mu.Lock(); defer mu.Unlock(); return calls > 1 })
	mu.Lock()
	fail, calls = false, 0
	mu.Unlock()
	eventually(t, "all are marked", func() bool { mu.Lock(); defer mu.Unlock(); return len(marked) == len(want) })
	cancel()
	running.Wait()
	if !slices.Equal(marked, want) {
		t.Errorf("marked = %q", marked)
	}
	if calls != 4 {
		t.Errorf("database was told %d times; want 4 batches", calls)
	}
}

func TestInboxLagIsCollected(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	var lag postgres.Lag
	var err error
	WatchInbox(r.reg, func(context.Context) (postgres.Lag, error) { return lag, err })
	lag = postgres.Lag{Count: 3, Oldest: time.Now().Add(-time.Minute)}
	if got := r.count(t, "willcall_inbox_waiting"); got != 3 {
		t.Errorf("waiting = %v; want 3", got)
	}
	if got := r.count(t, "willcall_inbox_oldest_age_seconds"); got < 60 || got > 90 {
		t.Errorf("oldest = %v; want about 60", got)
	}
	reg := prometheus.NewRegistry()
	WatchInbox(reg, func(context.Context) (postgres.Lag, error) { return postgres.Lag{}, postgres.ErrUnavailable })
	families, gatherErr := reg.Gather()
	if gatherErr != nil || len(families) != 1 || families[0].GetName() != "willcall_inbox_up" || families[0].GetMetric()[0].GetGauge().GetValue() != 0 {
		t.Errorf("families while Postgres is away = %v, %v; want willcall_inbox_up 0 alone", families, gatherErr)
	}
}

func TestBackOffGrowsToItsLimit(t *testing.T) {
	t.Parallel()
	for tries, want := range map[int]time.Duration{1: time.Second, 2: 2 * time.Second, 5: 16 * time.Second, 7: time.Minute, 70: time.Minute} {
		for range 50 {
			if got := backOff(time.Second, time.Minute, tries); got > want || got < want*3/4-1 {
				t.Errorf("try %d: %v; want at most %v and a quarter less", tries, got, want)
			}
		}
	}
}
