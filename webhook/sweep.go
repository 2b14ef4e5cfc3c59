package webhook

import (
	"context"
	"math/rand/v2"
	"time"

	"willcall/order"
	"willcall/postgres"
	"willcall/provider"
)

const (
	dbTimeout    = 10 * time.Second
	unconfigured = 5 * time.Minute // until a row whose source is gone is looked at again
)

// sweepForever looks into the inbox until ctx is done.
func (f *Forwarder) sweepForever(ctx context.Context) {
	dbFailures, outages, full := 0, 0, false
	for ctx.Err() == nil {
		var err error
		var again bool
		full, again, err = f.sweep(ctx, full)
		wait := f.o.Poll - f.o.Poll/5 + jitter(f.o.Poll/5)
		var wake <-chan struct{} = f.wake
		switch f.mu.Lock(); {
		case err != nil:
			if dbFailures++; dbFailures == 1 && ctx.Err() == nil {
				f.o.Logger.Warn("the inbox cannot be read; trying again", "err", err)
			}
			wait, wake = backOff(200*time.Millisecond, 5*time.Second, dbFailures), nil
		case f.unreachable && !again:
			outages++
			wait, wake = backOff(250*time.Millisecond, f.o.MaxBackOff, outages), nil
		case full || again:
			wait = 0
		case !f.live:
			wait /= 10 // new webhooks come by this way, too
		}
		if err == nil {
			dbFailures = 0
		}
		if !f.unreachable {
			outages = 0
		}
		f.mu.Unlock()
		if wait > 0 {
			sleep(ctx, wait, wake)
		}
	}
}

// sweep claims what is due and puts it into the lanes. lastFull says that the sweep before filled its batch. It reports
// whether this one did, and whether it should be called again at once for another reason.
func (f *Forwarder) sweep(ctx context.Context, lastFull bool) (full, again bool, err error) {
	f.prune()
	p := f.begin(lastFull)
	call, cancel := context.WithTimeout(ctx, dbTimeout)
	defer cancel()
	if _, err := f.o.DB.ReleaseParked(call, f.o.Batch); err != nil {
		return false, false, err
	}
	if err := f.giveBack(call, p); err != nil {
		return false, false, err
	}
	rows, err := f.o.DB.Claim(call, f.sweeper(), f.o.Lease, p.limit)
	if err != nil {
		f.strand() // it may have claimed all the same
		return false, false, err
	}
	sent := f.dispatch(ctx, rows, p.round)
	if p.probing {
		return false, f.probed(len(rows), sent), nil
	}
	full = len(rows) == p.limit
	if full || ctx.Err() != nil {
		return full, false, nil
	}
	if p.catchingUp {
		return false, false, f.goLive(ctx, rows)
	}
	return false, false, f.catchBehind(ctx)
}

// plan is how one sweep is done.
type plan struct {
	limit      int
	round      uint64 // of the rows: if an outage ends it, none of them goes any more, or a later one could go first
	catchingUp bool
	probing    bool // one row, to see whether Temporal is back
	stranded   bool
}

// begin waits until the lanes have room.
func (f *Forwarder) begin(lastFull bool) plan {
	f.mu.Lock()
	defer f.mu.Unlock()
	if lastFull {
		f.await(func() bool { return len(f.sweeping) <= f.o.Batch/2 })
	}
	if !f.live {
		// What is with Temporal now may still fail, and its row would be claimed a second time.
		f.await(func() bool { return f.inMemory == 0 })
	}
	if f.unreachable || f.stranded {
		f.await(func() bool { return len(f.sweeping) == 0 })
	}
	p := plan{limit: f.o.Batch, round: f.round, catchingUp: !f.live, probing: f.unreachable, stranded: f.stranded}
	if p.probing {
		p.limit = 1
	}
	if p.catchingUp {
		f.late, f.lateLost = nil, false
	}
	return p
}

// strand notes that rows are claimed which are in no lane.
func (f *Forwarder) strand() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.stranded = true
}

// giveBack releases what this process has claimed and not in its hands.
func (f *Forwarder) giveBack(ctx context.Context, p plan) error {
	if p.catchingUp {
		// Rows that were forwarded but not marked would be claimed again, rows that the door forgot not at all.
		if err := f.marks.flush(ctx); err != nil {
			return err
		}
		if err := f.o.DB.ReleaseClaims(ctx, f.o.Owner); err != nil {
			return err
		}
	}
	if !p.stranded {
		return nil
	}
	if err := f.o.DB.ReleaseClaims(ctx, f.sweeper()); err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.stranded = f.round != p.round
	return nil
}

// await waits until what holds, or the forwarder stops. It needs f.mu.
func (f *Forwarder) await(what func() bool) {
	for !what() && !f.stopped {
		f.changed.Wait()
	}
}

// probed waits for the one row that was sent to see whether Temporal is back. It reports whether to go on at once.
func (f *Forwarder) probed(claimed, sent int) (again bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.await(func() bool { return len(f.sweeping) == 0 })
	if claimed == 0 {
		f.unreachable = false // nothing to find out with: the next webhook will
	}
	return !f.unreachable || sent < claimed
}

// dispatch decodes the rows again and puts them into their lanes. It returns how many it did.
func (f *Forwarder) dispatch(ctx context.Context, rows []postgres.Webhook, round uint64) (sent int) {
	for _, row := range rows {
		if ctx.Err() != nil {
			return sent
		}
		s, ok := Signal{}, true
		if row.Body == nil { // its lane reads it, few at a time
			s = Signal{Attempt: row.Attempt, Sender: row.Source, unread: &row, Order: order.Identity{ID: row.OrderID, Source: row.Source},
				Event: order.Event{ID: row.ID, Type: row.Type, Received: row.ReceivedAt}}
		} else if s, ok = f.read(ctx, row); !ok {
			continue
		}
		f.mu.Lock()
		f.sweeping[row.ID] = struct{}{}
		t := task{Signal: s, swept: true, epoch: round}
		f.mu.Unlock()
		select {
		case f.lane(s.Order.ID) <- t:
			sent++
		case <-ctx.Done():
			f.end(t, forget)
		}
	}
	return sent
}

// read makes the signal of a stored row. A row of which the decoder now says something else is corrected.
func (f *Forwarder) read(ctx context.Context, row postgres.Webhook) (Signal, bool) {
	call, cancel := context.WithTimeout(ctx, dbTimeout)
	defer cancel()
	src := f.sources[row.Source]
	if src == nil {
		f.o.Metrics.unconfigured.Inc()
		if f.said.now("source "+row.Source, 0) {
			f.o.Logger.Error("webhooks of a source that is no longer configured wait in the inbox; configure it again",
				"source", row.Source)
		}
		if err := f.o.DB.MarkForwardFailed(call, row.ID, "the source is not configured",
			time.Now().Add(unconfigured)); err != nil {
			f.o.Logger.Warn("a webhook could not be put back", "webhook", row.ID, "err", err)
			f.strand()
		}
		return Signal{}, false
	}
	now, s, dec := src.Classify(DeliveryOf(row))
	if dec.Concern != "" && row.OrderID != "" && dec.Event != nil {
		// Its order was found by another name than its own, and stays the one that it was found for.
		id, known, err := f.whose(call, src, row)
		if err != nil {
			f.o.Logger.Warn("the order of a webhook cannot be looked up; it is tried again", "webhook", row.ID, "err", err)
			f.strand()
			return Signal{}, false
		}
		if known {
			now, s = src.redirect(now, dec, id)
		}
	}
	if s == nil {
		if err := f.o.DB.Reclassify(call, row.ID, now); err != nil {
			f.o.Logger.Warn("a webhook could not be reclassified", "webhook", row.ID, "err", err)
			f.strand()
			return Signal{}, false
		}
		f.o.Logger.Warn("a stored webhook means something else to the present decoder", "webhook", row.ID,
			"source", row.Source, "disposition", string(now.Disposition))
		if now.Disposition == provider.Quarantined {
			f.o.Metrics.quarantined.WithLabelValues(row.Source).Inc()
		}
		return Signal{}, false
	}
	s.Attempt, s.files = row.Attempt, dec.Files
	return *s, true
}

// whose is the order that a stored row was found for. One of a POS is another source's, which the row does not say; if it is
// gone, the row waits under the name that it was found by.
func (f *Forwarder) whose(ctx context.Context, src *Source, row postgres.Webhook) (id order.Identity, known bool, err error) {
	if src.POS {
		return f.o.DB.OrderIdentity(ctx, row.OrderID)
	}
	return order.Identity{ID: row.OrderID, Source: row.Source, Provider: src.Kind, ProviderOrderID: row.ProviderOrderID, Kind: row.Kind}, true, nil
}

// DeliveryOf is the delivery that a row of the inbox holds, as a decoder sees it.
func DeliveryOf(row postgres.Webhook) provider.Delivery {
	return provider.Delivery{
		ID: row.ID, Header: restore(row.Headers), Body: row.Body, Received: row.ReceivedAt.UTC(),
	}
}

// jitter is a random duration below d.
func jitter(d time.Duration) time.Duration { return rand.N(max(d, 1)) }
