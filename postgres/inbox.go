package postgres

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgtype"
)

// InboxOptions tunes an inbox; every zero field has a default.
type InboxOptions struct {
	// Owner names this process in claims; it must be unlike that of any other that runs. "" claims nothing.
	Owner string
	// Flushers is how many batches are written at once, each on a connection of its own; 0 is 8.
	Flushers int
	// MaxBatch and MaxBatchBytes bound one batch; 0 is 64 rows and 1 MiB of bodies. One larger body goes alone.
	MaxBatch      int
	MaxBatchBytes int
	// Linger is how long the last free flusher waits for company when all others are busy; 0 is 2 ms, less than 0 is not
	// at all. A flusher that is not the last never waits, so it costs nothing at low load.
	Linger time.Duration
	// MaxPending and MaxPendingBytes bound what waits, being written included; 0 is 4,096 rows and 64 MiB of bodies.
	MaxPending      int
	MaxPendingBytes int
	// Lease is how long rows to be forwarded are claimed by Owner from their insert on; 0 is 30 s.
	Lease time.Duration
	// Timeout bounds the wait for a commit; 0 is 3 s.
	Timeout time.Duration
}

func (o InboxOptions) withDefaults() InboxOptions {
	o.Flushers = cmp.Or(o.Flushers, 8)
	o.MaxBatch = cmp.Or(o.MaxBatch, 64)
	o.MaxBatchBytes = cmp.Or(o.MaxBatchBytes, 1<<20)
	o.Linger = cmp.Or(o.Linger, 2*time.Millisecond)
	o.MaxPending = cmp.Or(o.MaxPending, 4096)
	o.MaxPendingBytes = cmp.Or(o.MaxPendingBytes, 64<<20)
	o.Lease = cmp.Or(o.Lease, 30*time.Second)
	o.Timeout = cmp.Or(o.Timeout, 3*time.Second)
	return o
}

// Stored says what became of a delivery. Either way it is committed, now or by an earlier delivery.
type Stored struct {
	ID        string // of the row that holds it: for a duplicate that of the first
	Duplicate bool   // the same body came before under the same key: no row was added
	Conflict  bool   // another body came before under the same key: both are kept
}

// Inbox writes deliveries in groups: whatever waits when a flusher is free becomes one statement and one commit. Its
// methods may be called from several goroutines.
type Inbox struct {
	db   *DB
	opt  InboxOptions
	ctx  context.Context // of the flushes; ends when Close gives up
	stop context.CancelFunc
	done sync.WaitGroup

	tries int // connections that may turn out to be dead, one by one

	mu        sync.Mutex
	more      *sync.Cond // queue or closed changed
	full      chan struct{}
	queue     []*pending
	queued    int // bytes of bodies in queue
	waiting   int // rows in queue or being written
	bytes     int // and their bodies
	writing   int // flushers that are
	lingering bool
	closed    bool
}

// pending is one delivery on its way.
type pending struct {
	id   pgtype.UUID
	w    Webhook
	head string // headers as JSON
	done chan result
}

type result struct {
	stored Stored
	err    error
}

// NewInbox starts the flushers; they touch Postgres only when something is put. End them with Close.
func NewInbox(db *DB, o InboxOptions) *Inbox {
	in := &Inbox{db: db, opt: o.withDefaults(), full: make(chan struct{}, 1), tries: int(db.Pool.Config().MaxConns)}
	in.more = sync.NewCond(&in.mu)
	in.ctx, in.stop = context.WithCancel(context.Background())
	for range in.opt.Flushers {
		in.done.Go(in.flusher)
	}
	return in
}

// Put stores a delivery and returns after the commit. The body must not change afterwards, not even after an error.
//
// Errors: ErrInvalid if Postgres could never take it (it does not disturb deliveries that wait beside it); ErrBusy if
// too many wait; ErrSchema before the migration; ErrUnavailable if Postgres does not take it within the time-out; the
// context's error if the caller gives up. After the last two the delivery may or may not be stored: the sender must get
// no answer that says either, and its next attempt is recognised as a duplicate.
func (in *Inbox) Put(ctx context.Context, w Webhook) (Stored, error) {
	const op = "put webhook"
	p, err := newPending(w)
	if err != nil {
		return Stored{}, err
	}
	if err := ctx.Err(); err != nil {
		return Stored{}, classify(op, err)
	}
	if err := in.enqueue(p); err != nil {
		return Stored{}, err
	}
	late := time.NewTimer(in.opt.Timeout)
	defer late.Stop()
	select {
	case r := <-p.done:
		return r.stored, r.err
	case <-late.C:
		in.leave(p)
		return Stored{}, &Error{op: op, class: ErrUnavailable, detail: "no commit within " + in.opt.Timeout.String()}
	case <-ctx.Done():
		in.leave(p)
		return Stored{}, classify(op, ctx.Err())
	}
}

// Waiting returns how many deliveries wait for their commit, and how many bytes their bodies have.
func (in *Inbox) Waiting() (rows, bytes int) {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.waiting, in.bytes
}

// Close refuses what is put from now on, writes what waits, and returns when all is written. Errors: the context's, if
// it ends before; what is still waiting then gets ErrUnavailable.
func (in *Inbox) Close(ctx context.Context) error {
	defer in.stop()
	in.mu.Lock()
	in.closed = true
	in.more.Broadcast()
	in.mu.Unlock()
	in.wakeLingerer()
	written := make(chan struct{})
	go func() {
		in.done.Wait()
		close(written)
	}()
	select {
	case <-written:
		return nil
	case <-ctx.Done():
		return classify("close inbox", ctx.Err())
	}
}

var errClosed = &Error{op: "put webhook", class: ErrUnavailable, detail: "the inbox is closed"}

func newPending(w Webhook) (*pending, error) {
	const op = "put webhook"
	id, ok := parseID(w.ID)
	if !ok {
		return nil, invalid(op, "the id is no UUID")
	}
	if w.Source == "" || w.DedupeKey == "" {
		return nil, invalid(op, "source and dedupe key are needed")
	}
	if len(w.DedupeKey) > 512 || !storable(w.DedupeKey) {
		sum := sha256.Sum256([]byte(w.DedupeKey))
		w.DedupeKey = "sha256:" + hex.EncodeToString(sum[:])
	}
	if w.BodySHA256 == [32]byte{} {
		w.BodySHA256 = sha256.Sum256(w.Body)
	}
	if w.Body == nil {
		w.Body = []byte{}
	}
	if w.ReceivedAt.IsZero() {
		w.ReceivedAt = time.Now()
	}
	w.ID, w.Type, w.Reason, w.Via = id.String(), clean(w.Type), clean(w.Reason), cmp.Or(w.Via, ViaWebhook)
	head := []byte("{}")
	if len(w.Headers) > 0 {
		var err error
		if head, err = json.Marshal(w.Headers); err != nil {
			return nil, invalid(op, "the headers cannot be written as JSON")
		}
		head = cleanJSON(head)
	}
	return &pending{id: id, w: w, head: string(head), done: make(chan result, 1)}, nil
}

func (in *Inbox) enqueue(p *pending) error {
	in.mu.Lock()
	defer in.mu.Unlock()
	n := len(p.w.Body)
	switch {
	case in.closed:
		return errClosed
	case in.waiting >= in.opt.MaxPending, in.waiting > 0 && in.bytes+n > in.opt.MaxPendingBytes:
		return &Error{op: "put webhook", class: ErrBusy}
	}
	in.queue = append(in.queue, p)
	in.queued += n
	in.waiting++
	in.bytes += n
	in.more.Signal()
	if in.lingering && in.enough() {
		in.wakeLingerer()
	}
	return nil
}

// leave forgets p unless it is being written already.
func (in *Inbox) leave(p *pending) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if i := slices.Index(in.queue, p); i >= 0 {
		in.queue = slices.Delete(in.queue, i, i+1)
		in.queued -= len(p.w.Body)
		in.waiting--
		in.bytes -= len(p.w.Body)
	}
}

func (in *Inbox) flusher() {
	in.mu.Lock()
	defer in.mu.Unlock()
	for {
		for len(in.queue) == 0 {
			if in.closed {
				return
			}
			in.more.Wait()
		}
		if in.shouldLinger() {
			in.linger()
		}
		batch := in.take()
		if len(batch) == 0 {
			continue // others took everything meanwhile
		}
		in.writing++
		in.mu.Unlock()
		in.flush(batch)
		in.mu.Lock()
		in.writing--
		for _, p := range batch {
			in.waiting--
			in.bytes -= len(p.w.Body)
		}
	}
}

// shouldLinger is true for the last free flusher alone: with more in reserve, nothing is gained by waiting.
func (in *Inbox) shouldLinger() bool {
	return in.opt.Linger > 0 && in.opt.Flushers > 1 && in.writing == in.opt.Flushers-1 && !in.closed && !in.enough()
}

// linger leaves the queue to others meanwhile: a flusher that gets free takes what is there at once.
func (in *Inbox) linger() {
	in.lingering = true
	select {
	case <-in.full:
	default:
	}
	in.mu.Unlock()
	timer := time.NewTimer(in.opt.Linger)
	select {
	case <-timer.C:
	case <-in.full:
		timer.Stop()
	}
	in.mu.Lock()
	in.lingering = false
}

// enough reports whether the queue fills a batch.
func (in *Inbox) enough() bool {
	return len(in.queue) >= in.opt.MaxBatch || in.queued >= in.opt.MaxBatchBytes
}

func (in *Inbox) wakeLingerer() {
	select {
	case in.full <- struct{}{}:
	default:
	}
}

// take removes the next batch from the queue: at least one row, then as many as fit.
func (in *Inbox) take() []*pending {
	n, size := 0, 0
	for n < len(in.queue) && n < in.opt.MaxBatch {
		b := len(in.queue[n].w.Body)
		if n > 0 && size+b > in.opt.MaxBatchBytes {
			break
		}
		size += b
		n++
	}
	batch := slices.Clone(in.queue[:n])
	in.queue = slices.Delete(in.queue, 0, n)
	in.queued -= size
	return batch
}
