package webhook

import (
	"context"
	"hash/maphash"
	"log/slog"
	"sync"
	"time"

	"willcall/postgres"
	"willcall/provider"
)

// ForwarderOptions wire a [Forwarder]. DB, Owner, Sources, Signal, Metrics and Logger must be set.
type ForwarderOptions struct {
	DB      *postgres.DB
	Owner   string // of the inbox whose rows come to [Forwarder.Forward]; another one in every process
	Sources []Source
	Metrics *Metrics
	Logger  *slog.Logger

	// Signal hands one event to Temporal; errors that wrap [ErrUnreachable] are about Temporal as a whole. It is called
	// for one order at a time only.
	Signal func(context.Context, Signal) error

	// KeepFile stores a file that came with a delivery under its order; it may be repeated. May be nil where no source has such.
	KeepFile func(ctx context.Context, orderID string, f provider.File) error

	Lanes         int           // signals under way at once; 0: 16
	Queue         int           // signals waiting in memory; 0: 4096
	Batch         int           // rows that one sweep claims; 0: 256
	Lease         time.Duration // of a sweep's claims; 0: one minute
	Poll          time.Duration // between two looks into the inbox; 0: 1 s
	SignalTimeout time.Duration // 0: 5 s
	MaxBackOff    time.Duration // between two tries, of an order or of Temporal as a whole; 0: one minute
}

// Forwarder hands committed webhooks to their orders' workflows, at least once each and for one order one after the
// other, in the order in which this process took them. (Two daemons that take webhooks of one order at the same moment
// do not agree on an order; package order does not need them to.)
//
// It is in one of two modes. Live, a webhook goes from the door's memory through its order's lane to Temporal, and the
// database hears of it only afterwards, in batches. After a start, an outage or an overload it is catching up: the door's
// hand-overs are forgotten, since the inbox has them, and all come from there, oldest first, until none is due.
// An order whose signal alone fails is held: its rows wait in the inbox with growing intervals, and nobody else's do.
type Forwarder struct {
	o       ForwarderOptions
	sources map[string]*Source
	lanes   []chan task
	marks   *marks
	seed    maphash.Seed
	wake    chan struct{}
	large   chan struct{} // places for large bodies that are read from the inbox
	said    occasions

	mu          sync.Mutex
	changed     *sync.Cond // inMemory or sweeping shrank, or stopped is set
	live        bool
	stopped     bool
	unreachable bool
	epoch       uint64              // of the live mode: what is queued from an older one is forgotten
	round       uint64              // the same for rows that the sweep claimed; an outage ends it
	stranded    bool                // rows may be claimed by the sweep that are in no lane
	inMemory    int                 // signals from memory that are with Temporal now
	sweeping    map[string]struct{} // ids of rows claimed by the sweep that have no outcome yet
	late        []Signal            // handed over during the round of catching up that may be the last
	lateLost    bool                // late does not hold all of them
	behind      map[string]uint64   // orders with rows in the inbox that must go first; value: tick of the newest reason
	tick        uint64
	held        map[string]*hold // by order
}

// hold is an order whose signal failed. Its rows go back into the inbox each with a time of its own, so they need not
// come out in their order: left remembers which of them must have gone before another may.
type hold struct {
	tries int // since the last success
	next  time.Time
	left  map[string]struct{} // ids of rows that this process put back; a later row has a greater id
}

// before reports whether a row that is older than the given one is left.
func (h hold) before(id string) bool {
	for other := range h.left {
		if other < id {
			return true
		}
	}
	return false
}

// task is one row on its way through a lane.
type task struct {
	Signal
	swept bool
	epoch uint64 // or round
}

const (
	maxLate   = 1024
	maxBehind = 10_000
	maxLarge  = 2                // bodies beyond postgres.SmallBody that are read from the inbox at once
	maxWait   = 10 * time.Second // in memory; well below the lease under which the inbox keeps the row for us
)

// NewForwarder returns a forwarder that does nothing until [Forwarder.Run].
func NewForwarder(o ForwarderOptions) *Forwarder {
	set := func(n *int, to int) {
		if *n == 0 {
			*n = to
		}
	}
	after := func(d *time.Duration, to time.Duration) {
		if *d == 0 {
			*d = to
		}
	}
	set(&o.Lanes, 16)
	set(&o.Queue, 4096)
	set(&o.Batch, 256)
	after(&o.Lease, time.Minute)
	after(&o.Poll, time.Second)
	after(&o.SignalTimeout, 5*time.Second)
	after(&o.MaxBackOff, time.Minute)
	f := &Forwarder{
		o:        o,
		sources:  make(map[string]*Source, len(o.Sources)),
		lanes:    make([]chan task, o.Lanes),
		marks:    newMarks(o.DB.MarkForwarded, o.Logger),
		seed:     maphash.MakeSeed(),
		wake:     make(chan struct{}, 1),
		large:    make(chan struct{}, maxLarge),
		sweeping: map[string]struct{}{},
		behind:   map[string]uint64{},
		held:     map[string]*hold{},
		lateLost: true,
	}
	f.changed = sync.NewCond(&f.mu)
	for i := range o.Sources {
		f.sources[o.Sources[i].Name] = &o.Sources[i]
	}
	for i := range f.lanes {
		f.lanes[i] = make(chan task, max(1, o.Queue/o.Lanes))
	}
	return f
}

// Forward takes over a signal whose row this process has just committed. It never blocks, and never fails: what it
// cannot hold is found in the inbox.
func (f *Forwarder) Forward(s Signal) {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case f.stopped:
	case f.live:
		if !f.enqueue(s) {
			f.overloaded()
		}
	case !f.lateLost && len(f.late) < maxLate:
		f.late = append(f.late, s)
	default:
		f.late, f.lateLost = nil, true
	}
}

// Uncertain notes that a row of the order may or may not have been committed. The inbox is asked, before anything else
// of that order goes: if the row is there, nobody will hand it over, and its repeat would be taken for a duplicate.
func (f *Forwarder) Uncertain(string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.late, f.lateLost = nil, true
	f.fallBack()
}

// Wake makes the sweep look into the inbox now: rows were put there by somebody else, such as a replay.
func (f *Forwarder) Wake() {
	select {
	case f.wake <- struct{}{}:
	default:
	}
}

// Run forwards until ctx is done. It then takes nothing more, waits for the signals under way, notes what was
// forwarded and releases what was not, so that another process can take it at once. Close the door before.
func (f *Forwarder) Run(ctx context.Context) {
	work, stopWork := context.WithCancel(context.WithoutCancel(ctx))
	defer stopWork()
	var lanes, sweep, marks sync.WaitGroup
	for _, lane := range f.lanes {
		lanes.Go(func() {
			for t := range lane {
				f.run(work, t)
			}
		})
	}
	f.o.Metrics.catchingUp.Set(1)
	marks.Go(func() { f.marks.run(work) })
	sweep.Go(func() { f.sweepForever(ctx) })

	<-ctx.Done()
	f.mu.Lock()
	f.stopped, f.live, f.late = true, false, nil
	f.changed.Broadcast()
	f.mu.Unlock()
	sweep.Wait() // it sends into the lanes
	for _, lane := range f.lanes {
		close(lane)
	}
	lanes.Wait()
	stopWork()
	marks.Wait()

	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), f.o.SignalTimeout)
	defer cancel()
	if err := f.marks.flush(last); err != nil {
		f.o.Logger.Warn("what was forwarded last is not marked; it will be forwarded again, without effect", "err", err)
	}
	for _, owner := range []string{f.o.Owner, f.sweeper()} {
		if err := f.o.DB.ReleaseClaims(last, owner); err != nil {
			f.o.Logger.Warn("claims were not released; other processes wait until they lapse", "err", err)
		}
	}
}

// sweeper is the name under which the sweep claims rows. It is not the inbox's, so that neither takes a row that is in
// the other's hands.
func (f *Forwarder) sweeper() string { return f.o.Owner + "/sweep" }

func (f *Forwarder) lane(orderID string) chan task {
	return f.lanes[maphash.String(f.seed, orderID)%uint64(len(f.lanes))]
}

// enqueue puts s into its lane unless that is full. It needs f.mu.
func (f *Forwarder) enqueue(s Signal) bool {
	select {
	case f.lane(s.Order.ID) <- task{Signal: s, epoch: f.epoch}:
		return true
	default:
		return false
	}
}

// fallBack leaves the live mode. It needs f.mu.
func (f *Forwarder) fallBack() {
	if !f.live {
		return
	}
	f.live = false
	f.epoch++
	f.late, f.lateLost = nil, true
	clear(f.behind) // now every order is
	f.o.Metrics.catchingUp.Set(1)
	f.Wake()
}

// overloaded leaves the live mode because Temporal is slower than the webhooks come. It needs f.mu.
func (f *Forwarder) overloaded() {
	if f.said.now("overload", time.Minute) {
		f.o.Logger.Warn("webhooks come faster than Temporal takes them; they are forwarded from the inbox")
	}
	f.fallBack()
}

// putBehind makes rows of the order that come from memory wait in the inbox. It needs f.mu.
func (f *Forwarder) putBehind(orderID string) {
	if !f.live {
		return
	}
	f.tick++
	f.behind[orderID] = f.tick
	if len(f.behind) > maxBehind {
		f.fallBack()
	}
}
