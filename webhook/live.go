package webhook

import (
	"context"
	"maps"
	"time"

	"willcall/postgres"
	"willcall/provider"
)

// goLive ends catching up: all that was due is in the lanes. Orders with rows that are not (they back off, or are in
// another process's hands) stay behind, and what the door handed over meanwhile goes after what is in the lanes.
func (f *Forwarder) goLive(ctx context.Context, claimed []postgres.Webhook) error {
	left, complete, err := f.waiting(ctx)
	if err != nil || !complete {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.unreachable || f.stranded || f.stopped || f.lateLost {
		return nil
	}
	inHand := maps.Clone(f.sweeping)
	for _, row := range claimed {
		// Those that the lanes have done already, too.
		inHand[row.ID] = struct{}{}
	}
	late := f.late[:0]
	for _, s := range f.late {
		if _, is := inHand[s.Event.ID]; !is {
			late = append(late, s)
		}
	}
	for _, s := range late {
		inHand[s.Event.ID] = struct{}{}
	}
	f.live = true
	for id, orderID := range left {
		_, isHeld := f.held[orderID]
		if _, is := inHand[id]; !is || isHeld {
			f.putBehind(orderID)
		}
	}
	f.late, f.lateLost = nil, true
	for _, s := range late {
		if f.live && !f.enqueue(s) {
			f.fallBack()
		}
	}
	if f.live {
		f.o.Metrics.catchingUp.Set(0)
	}
	return nil
}

// catchBehind lets orders go on from memory whose rows in the inbox are all forwarded.
func (f *Forwarder) catchBehind(ctx context.Context) error {
	f.mu.Lock()
	none, before := len(f.behind) == 0, f.tick
	f.mu.Unlock()
	if none {
		return nil
	}
	left, complete, err := f.waiting(ctx)
	if err != nil || !complete {
		return err
	}
	orders := make(map[string]bool, len(left))
	for _, orderID := range left {
		orders[orderID] = true
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	maps.DeleteFunc(f.behind, func(orderID string, tick uint64) bool { return tick <= before && !orders[orderID] })
	return nil
}

// waiting lists the rows that are not forwarded, as their orders by row id. complete is false where they are too many.
func (f *Forwarder) waiting(ctx context.Context) (orders map[string]string, complete bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, dbTimeout)
	defer cancel()
	orders = map[string]string{}
	filter := postgres.WebhookFilter{Disposition: provider.Forward, NotForwarded: true}
	for cursor := ""; ; {
		rows, next, err := f.o.DB.Webhooks(ctx, filter, cursor, 500)
		if err != nil {
			return nil, false, err
		}
		for _, row := range rows {
			if f.sources[row.Source] != nil { // no other has a door here
				orders[row.ID] = row.OrderID
			}
		}
		if next == "" {
			return orders, true, nil
		}
		if cursor = next; len(orders) > maxBehind/2 {
			return nil, false, nil
		}
	}
}

// prune forgets holds that another process has settled.
func (f *Forwarder) prune() {
	f.mu.Lock()
	defer f.mu.Unlock()
	old := time.Now().Add(-f.o.Lease) // as in holds
	maps.DeleteFunc(f.held, func(_ string, h *hold) bool { return h.next.Before(old) })
	f.o.Metrics.held.Set(float64(len(f.held)))
}
