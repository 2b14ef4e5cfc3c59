package webhook

import (
	"fmt"
	"log/slog"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"willcall/order"
	"willcall/postgres"
	"willcall/postgres/postgrestest"
)

// resting is a forwarder that does not run, so that its rules can be asked one by one.
func resting(db *postgres.DB) *Forwarder {
	return NewForwarder(ForwarderOptions{
		DB: db, Owner: "a", Sources: []Source{toySource()}, Metrics: NewMetrics(prometheus.NewRegistry()),
		Logger: slog.New(slog.DiscardHandler), Lanes: 1, Lease: time.Minute, Poll: time.Second, Batch: 100,
	})
}

func taskOf(id string, received time.Time) task {
	return task{Signal: Signal{Order: order.Identity{ID: "order:toy:7"}, Event: order.Event{ID: id, Received: received}}}
}

func TestAdmit(t *testing.T) {
	t.Parallel()
	now := time.Now()
	holding := func(next time.Time, ids ...string) *hold {
		h := &hold{next: next, left: map[string]struct{}{}}
		for _, id := range ids {
			h.left[id] = struct{}{}
		}
		return h
	}
	for _, test := range []struct {
		name  string
		state func(*Forwarder)
		task  func(*task)
		want  verdict
		until time.Duration // from now, for leave
		live  bool          // afterwards
	}{
		{"LiveIsSignalled", nil, nil, signal, 0, true},
		{"QueuedBeforeAnOutageIsForgotten", func(f *Forwarder) { f.epoch++ }, nil, forget, 0, true},
		{"CatchingUpForgetsWhatIsInMemory", func(f *Forwarder) { f.live = false }, nil, forget, 0, false},
		{"WaitedForSoLongThatTheClaimMayLapse", nil, func(t *task) { t.Event.Received = now.Add(-maxWait - time.Second) }, forget, 0, false},
		{"EarlierRowsInTheInboxGoFirst", func(f *Forwarder) { f.behind["order:toy:7"] = 1 }, nil, leave, 0, true},
		{"OtherOrdersBehindDoNotMatter", func(f *Forwarder) { f.behind["order:toy:8"] = 1 }, nil, signal, 0, true},
		{"HeldOrderWaitsUntilItsNextTry", func(f *Forwarder) {
			f.behind["order:toy:7"] = 1
			f.held["order:toy:7"] = holding(now.Add(30*time.Second), "row-1")
		}, nil, leave, 30 * time.Second, true},

		{"SweptIsSignalled", nil, func(t *task) { t.swept = true }, signal, 0, true},
		{"SweptBeforeAnOutageIsForgotten", func(f *Forwarder) { f.round++ }, func(t *task) { t.swept = true }, forget, 0, true},
		{"StopForgets", func(f *Forwarder) { f.stopped = true }, func(t *task) { t.swept = true }, forget, 0, true},
		{"SweptAfterAFailedRowWaits", func(f *Forwarder) { f.held["order:toy:7"] = holding(now.Add(30*time.Second), "row-1") },
			func(t *task) { t.swept = true }, leave, 30 * time.Second, true},
		{"SweptAfterAFailedRowThatIsDueWaitsForIt", func(f *Forwarder) { f.held["order:toy:7"] = holding(now.Add(-time.Second), "row-1") },
			func(t *task) { t.swept = true }, leave, time.Second, true},
		{"FailedRowItselfIsSignalled", func(f *Forwarder) { f.held["order:toy:7"] = holding(now.Add(30*time.Second), "row-2", "row-3") },
			func(t *task) { t.swept = true }, signal, 0, true},
		{"FailedRowThatIsOverdueIsInAnothersHands", func(f *Forwarder) { f.held["order:toy:7"] = holding(now.Add(-2*time.Minute), "row-1") },
			func(t *task) { t.swept = true }, signal, 0, true},
	} {
		t.Run(test.name, func(t *testing.T) { // not parallel: now must stay now
			f := resting(nil)
			f.live = true
			if test.state != nil {
				test.state(f)
			}
			tk := taskOf("row-2", now)
			if test.task != nil {
				test.task(&tk)
			}
			got, until := f.admit(tk)
			if got != test.want {
				t.Errorf("verdict = %d; want %d", got, test.want)
			}
			if want := now.Add(test.until); test.want == leave && (until.Before(want) || until.After(want.Add(5*time.Second))) {
				t.Errorf("left for %v; want %v", until.Sub(now), test.until)
			}
			if f.live != test.live {
				t.Errorf("live = %v; want %v", f.live, test.live)
			}
		})
	}
}

func TestSweepWaitsForWhatIsUnderWay(t *testing.T) {
	t.Parallel()
	for name, start := range map[string]func(*Forwarder) (finish func()){
		"SignalsFromMemory": func(f *Forwarder) func() {
			f.inMemory = 1
			return func() { f.inMemory = 0 }
		},
		"RowsOfTheSweepInAnOutage": func(f *Forwarder) func() {
			f.unreachable = true
			f.sweeping["row"] = struct{}{}
			return func() { clear(f.sweeping) }
		},
		"RowsOfTheSweepWhoseClaimsAreGivenBack": func(f *Forwarder) func() {
			f.stranded = true
			f.sweeping["row"] = struct{}{}
			return func() { clear(f.sweeping) }
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := resting(nil)
				finish := start(f)
				begun := false
				go func() { f.begin(false); begun = true }()
				synctest.Wait()
				if begun {
					t.Error("begun; want it to wait")
				}
				f.mu.Lock()
				finish()
				f.changed.Broadcast()
				f.mu.Unlock()
				synctest.Wait()
				if !begun {
					t.Error("not begun; want it to go on")
				}
			})
		})
	}
}

func TestOutageIsProbedWithOneRow(t *testing.T) {
	t.Parallel()
	f := resting(nil)
	if p := f.begin(false); p.probing || p.limit != 100 || !p.catchingUp {
		t.Errorf("plan = %+v; want a batch of 100", p)
	}
	f.failedForAll(taskOf("row", time.Now()), ErrUnreachable)
	if p := f.begin(false); !p.probing || p.limit != 1 || !p.stranded {
		t.Errorf("plan in an outage = %+v; want one row, after the claims are given back", p)
	}
}

// TestRestOfABatchIsForgottenWithItsRound is about rows that are put into the lanes after the outage has met an earlier
// one of the same claim: none of them may overtake it.
func TestRestOfABatchIsForgottenWithItsRound(t *testing.T) {
	t.Parallel()
	f := resting(nil)
	p := f.begin(false)
	first := taskOf("row-1", time.Now())
	first.swept, first.epoch = true, p.round
	f.failedForAll(first, ErrUnreachable)
	body := []byte(toy("order", "7", "e-2"))
	if sent := f.dispatch(t.Context(), []postgres.Webhook{{ID: "row-2", Source: "toy", Body: body, Attempt: 1}}, p.round); sent != 1 {
		t.Fatalf("dispatched = %d; want 1", sent)
	}
	if got, _ := f.admit(<-f.lanes[0]); got != forget {
		t.Errorf("verdict = %d; want forget", got)
	}
}

func TestOrdersStayBehindUntilTheInboxHasNoneOfThem(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t)
	f := resting(db)
	f.live = true
	waits := put(t, db, "", 0, "waits", "e-1", nil)
	f.tick = 5
	f.behind["order:toy:waits"], f.behind["order:toy:done"], f.behind["order:toy:touched"] = 1, 2, 6
	behind := func() (ids []string) {
		if err := f.catchBehind(t.Context()); err != nil {
			t.Fatal(err)
		}
		for id := range f.behind {
			ids = append(ids, id)
		}
		slices.Sort(ids)
		return ids
	}
	if got, want := behind(), []string{"order:toy:touched", "order:toy:waits"}; !slices.Equal(got, want) {
		t.Errorf("behind = %q; want %q", got, want)
	}
	if err := db.MarkForwarded(t.Context(), []string{waits}, time.Now()); err != nil {
		t.Fatal(err)
	}
	f.tick = 6
	if got := behind(); len(got) != 0 {
		t.Errorf("behind = %q; want none", got)
	}
}

func TestMemoryIsBounded(t *testing.T) {
	t.Parallel()
	f := resting(nil)
	f.lateLost = false // as in the round that may be the last
	for n := range 2 * maxLate {
		f.Forward(taskOf(fmt.Sprint(n), time.Now()).Signal)
	}
	if !f.lateLost || len(f.late) != 0 {
		t.Errorf("late = %d, lost = %v; want nothing kept once it is too much", len(f.late), f.lateLost)
	}
	f.live = true
	for n := range maxBehind + 1 {
		f.putBehind(fmt.Sprint(n))
	}
	if f.live || len(f.behind) != 0 {
		t.Errorf("live = %v, behind = %d; want catching up instead of a long list", f.live, len(f.behind))
	}
	for n := range maxMarks + 10 {
		f.marks.add(fmt.Sprint(n))
	}
	if got := len(f.marks.ids); got != maxMarks {
		t.Errorf("marks = %d; want at most %d", got, maxMarks)
	}
}
