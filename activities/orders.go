package activities

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"willcall/order"
	"willcall/postgres"
)

// BeginInput opens a run of an order with the events that are waiting for it.
type BeginInput struct {
	Order  order.Identity `json:"order"`
	Events []order.Event  `json:"events"`
	Now    time.Time      `json:"now"`
}

// BeginOrder loads what is stored of the order, applies the events, plans and stores the outcome. It is a local activity,
// and does in one marker what the workflow would otherwise do in two: every order pays for it.
func (a *Activities) BeginOrder(ctx context.Context, in BeginInput) (*order.Order, error) {
	src, err := a.source(in.Order.Source)
	if err != nil {
		return nil, toTemporal(err)
	}
	o, err := a.load(ctx, in.Order.ID)
	if err != nil {
		return nil, err
	}
	if o == nil {
		o = order.New(in.Order, src.Policy)
	}
	o.Policy = src.Policy
	for _, e := range in.Events {
		o.Apply(e)
	}
	plan, _ := o.Advance(in.Now)
	news, err := a.save(ctx, o, plan, o.TakeTimeline(), in.Now, false)
	if err != nil || news == nil {
		return o, err
	}
	o.Apply(*news)
	plan, _ = o.Advance(in.Now)
	_, err = a.save(ctx, o, plan, o.TakeTimeline(), in.Now, false)
	return o, err
}

// SaveInput is an order as the workflow sees it now.
type SaveInput struct {
	Order    *order.Order  `json:"order"`
	Timeline []order.Entry `json:"timeline,omitempty"`
	Now      time.Time     `json:"now"`
	Closed   bool          `json:"closed,omitempty"`
}

// Saved is what was learnt while the order was stored.
type Saved struct {
	// News of the order's performance that the order has not heard: it was spread before we knew what the order is for.
	News *order.Event `json:"news,omitempty"`
}

// SaveOrder stores the order; an older version never overwrites a newer one. It is a local activity, and retried for ever:
// an order does not fail because its database was away.
func (a *Activities) SaveOrder(ctx context.Context, in SaveInput) (Saved, error) {
	news, err := a.save(ctx, in.Order, in.Order.Plan(in.Now), in.Timeline, in.Now, in.Closed)
	return Saved{News: news}, err
}

func (a *Activities) load(ctx context.Context, id string) (*order.Order, error) {
	doc, found, err := a.DB.LoadOrder(ctx, id)
	if err != nil || !found {
		return nil, err
	}
	var o order.Order
	return &o, json.Unmarshal(doc, &o)
}

func (a *Activities) save(ctx context.Context, o *order.Order, plan order.Plan, timeline []order.Entry, now time.Time, closed bool) (news *order.Event, err error) {
	doc, err := json.Marshal(o)
	if err != nil {
		return nil, err
	}
	lines := o.Lines()
	if lines == nil {
		lines = []order.Line{}
	}
	linesDoc, err := json.Marshal(lines)
	if err != nil {
		return nil, err
	}
	show := o.Show()
	row := postgres.OrderRow{
		Identity: o.Identity, State: o.StateNow, StateSince: o.StateSince,
		EventID: show.ID, EventName: show.Name, EventStartsAt: show.StartsAt, Refs: o.Facts.Refs,
		CustomerID: o.CustomerID(), InvoiceID: o.InvoiceID(), PurchaseOrderID: o.PurchaseOrderID(),
		Deadline: plan.Deadline, Awaits: plan.Awaits, Lines: linesDoc, Doc: doc, DecidedAt: now, Revision: o.Revision,
		FirstReceivedAt: o.Facts.FirstReceived,
		POS:             a.Sources[o.Source].POSName, // an order is saved even if its source is no longer configured
	}
	total := o.Total()
	row.AmountMinor, row.Currency = total.Minor, total.Currency
	if at := plan.Attention; at != nil {
		row.AttentionReason, row.AttentionDetail, row.AttentionAdvice = string(at.Reason), at.Detail, at.Advice
		row.AttentionSince = o.AttentionSince
	}
	if closed {
		row.ClosedAt = now
	}
	var steps []postgres.StepRow
	for _, id := range o.StepIDs() {
		r := o.Steps[id]
		steps = append(steps, postgres.StepRow{StepID: id, Do: id.Do(), Outcome: r.Outcome,
			Class: r.Class, Detail: r.Detail, Ref: r.Ref, At: r.At})
		if r.Outcome == order.Done && (id.Do() == order.DoInvoice || id.Do() == order.DoPurchaseOrder) {
			row.InvoicedAt = r.At
		}
	}
	entries := slices.Collect(func(yield func(postgres.TimelineEntry) bool) {
		for _, e := range timeline {
			if !yield(postgres.TimelineEntry(e)) {
				return
			}
		}
	})
	raw, err := a.DB.SaveOrder(ctx, row, entries, steps)
	if err != nil || raw == nil {
		return nil, err
	}
	var said order.Event
	if err := json.Unmarshal(raw, &said); err != nil || o.Knows(said) {
		return nil, err
	}
	return &said, nil
}
