package webhook

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"
)

// verdict is what a lane does with a task.
type verdict int

const (
	forget verdict = iota // its row is found in the inbox again without our doing
	signal
	leave // its row goes back into the inbox until a given time
)

// run takes one row to its outcome. There is one run at a time for an order.
func (f *Forwarder) run(ctx context.Context, t task) {
	v, until := f.admit(t)
	switch v {
	case leave:
		f.leave(ctx, t, "an earlier webhook of this order goes first", until)
		f.end(t, v)
		return
	case forget:
		f.end(t, v)
		return
	}
	err, ok := f.prepare(ctx, &t)
	if !ok { // it is no order's after all, and says so in the inbox now
		f.end(t, v)
		return
	}
	if err == nil {
		call, cancel := context.WithTimeout(ctx, f.o.SignalTimeout)
		err = f.o.Signal(call, t.Signal)
		cancel()
	}
	switch {
	case err == nil:
		f.marks.add(t.Event.ID)
		f.succeeded(t)
	case errors.Is(err, ErrUnreachable):
		f.failedForAll(t, err)
	default:
		f.failedForOne(ctx, t, err)
	}
	f.end(t, v)
}

// prepare decodes what is not decoded yet, and keeps what came with it. ok is false where there is nothing to signal.
func (f *Forwarder) prepare(ctx context.Context, t *task) (err error, ok bool) {
	if t.unread != nil {
		row := *t.unread
		if row.Body == nil { // too large to be claimed with many others
			f.large <- struct{}{}
			defer func() { <-f.large }()
			call, cancel := context.WithTimeout(ctx, dbTimeout)
			defer cancel()
			whole, err := f.o.DB.Webhook(call, row.ID)
			if err != nil {
				return err, true
			}
			row.Body = whole.Body
		}
		s, ok := f.read(ctx, row)
		if !ok {
			return nil, false
		}
		t.Signal = s
	}
	for _, file := range t.files {
		call, cancel := context.WithTimeout(ctx, dbTimeout)
		err := f.o.KeepFile(call, t.Order.ID, file)
		cancel()
		if err != nil {
			return fmt.Errorf("keep a file of the order: %w", err), true
		}
	}
	t.files = nil
	return nil, true
}

func (f *Forwarder) admit(t task) (verdict, time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := time.Now()
	again, waits := f.holds(t, now)
	if t.swept {
		switch {
		case f.stopped || t.epoch != f.round:
			return forget, now
		case waits:
			return leave, again
		}
		return signal, now
	}
	if !f.live || t.epoch != f.epoch {
		return forget, now
	}
	if now.Sub(t.Event.Received) > maxWait {
		f.overloaded()
		return forget, now
	}
	if _, is := f.behind[t.Order.ID]; is {
		f.putBehind(t.Order.ID)
		return leave, again
	}
	f.inMemory++
	return signal, now
}

// holds reports whether an earlier row of t's order is left and must go first, and when t is worth another look. If that
// row has not come a lease after it was due, another process has it. It needs f.mu.
func (f *Forwarder) holds(t task, now time.Time) (again time.Time, waits bool) {
	h := f.held[t.Order.ID]
	if h == nil || now.After(h.next.Add(f.o.Lease)) || !h.before(t.Event.ID) {
		return now, false
	}
	h.left[t.Event.ID] = struct{}{}
	if now.After(h.next) {
		return now.Add(f.o.Poll), true
	}
	return h.next, true
}

// end tells whoever waits that t is out of hand.
func (f *Forwarder) end(t task, v verdict) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if t.swept {
		delete(f.sweeping, t.Event.ID)
	} else if v == signal {
		f.inMemory--
	}
	f.changed.Broadcast()
}

func (f *Forwarder) succeeded(t task) {
	path := "memory"
	if t.swept {
		path = "sweep"
	}
	f.o.Metrics.forwarded.WithLabelValues(t.Sender, path).Inc()
	f.o.Metrics.delay.WithLabelValues(path).Observe(time.Since(t.Event.Received).Seconds())
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.unreachable {
		f.unreachable = false
		f.o.Logger.Info("Temporal takes signals again; forwarding what has gathered in the inbox")
	}
	if h := f.held[t.Order.ID]; h != nil {
		h.tries = 0
		if delete(h.left, t.Event.ID); len(h.left) == 0 {
			delete(f.held, t.Order.ID)
			f.o.Metrics.held.Set(float64(len(f.held)))
		}
	}
}

// failedForAll forgets what is queued instead of failing it row by row: the inbox has it all.
func (f *Forwarder) failedForAll(t task, err error) {
	f.o.Metrics.failures.WithLabelValues("unreachable").Inc()
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.unreachable || t.swept && t.epoch == f.round {
		f.round++
	}
	f.stranded = true
	f.fallBack()
	if !f.unreachable {
		f.unreachable = true
		f.o.Logger.Warn("Temporal takes no signals; webhooks are still accepted and wait in the inbox", "err", err)
	}
}

// failedForOne holds the order back and leaves everybody else alone.
func (f *Forwarder) failedForOne(ctx context.Context, t task, err error) {
	f.o.Metrics.failures.WithLabelValues("order").Inc()
	f.mu.Lock()
	if len(f.held) >= maxBehind {
		clear(f.held)
	}
	h := f.held[t.Order.ID]
	if h == nil {
		h = &hold{left: map[string]struct{}{}}
		f.held[t.Order.ID] = h
	}
	h.tries++
	h.next = time.Now().Add(backOff(time.Second, f.o.MaxBackOff, h.tries))
	h.left[t.Event.ID] = struct{}{}
	tries, next := h.tries, h.next
	f.o.Metrics.held.Set(float64(len(f.held)))
	f.putBehind(t.Order.ID)
	f.mu.Unlock()
	f.o.Logger.Warn("a webhook could not be handed to its order's workflow; it is tried again", "order", t.Order.ID,
		"webhook", t.Event.ID, "tries", tries, "next", next.UTC(), "err", err)
	f.leave(ctx, t, clip(err.Error(), maxReason), next)
}

// leave puts t's row back into the inbox until next. Where the database does not hear it, the row's claim lapses.
func (f *Forwarder) leave(ctx context.Context, t task, why string, next time.Time) {
	call, cancel := context.WithTimeout(ctx, f.o.SignalTimeout)
	defer cancel()
	if err := f.o.DB.MarkForwardFailed(call, t.Event.ID, why, next); err != nil {
		f.o.Logger.Warn("a webhook could not be put back; it is forwarded once its claim lapses", "webhook", t.Event.ID,
			"err", err)
		return
	}
	if !next.After(time.Now()) {
		f.Wake()
	}
}

// backOff is how long to wait before try number tries+1: first, doubled with every try up to limit, and a random part of
// it less, so that many do not come back at once.
func backOff(first, limit time.Duration, tries int) time.Duration {
	d := limit
	if shift := tries - 1; shift < 30 && first<<shift < limit {
		d = first << shift
	}
	return d - time.Duration(rand.Int64N(int64(d)/4+1))
}
