package activities

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"go.temporal.io/sdk/activity"

	"willcall/order"
	"willcall/pos"
	"willcall/postgres"
)

// LooksInput says whose orders are looked at. It lies in histories.
type LooksInput struct {
	Source string `json:"source"`
}

// Looks is what a look at what the POS holds came to. It lies in histories.
type Looks struct {
	Looked int `json:"looked"`           // orders that wait for their tickets
	New    int `json:"new,omitempty"`    // of those, the ones for which the POS holds something else than was known
	Unread int `json:"unread,omitempty"` // and the ones that it would not answer for: see the worker's log
}

type looksProgress struct {
	After string // the last order of the last page that was done
	Done  int    // orders of the page behind it
	Looks
	failed int // in a row
}

// downAfter is how many orders in a row a POS that is up may fail to answer for.
const downAfter = 3

// LookForAllTickets reads what the POS holds for every order of a source that waits for its tickets, and tells the orders for which
// that is news: a POS need not tell us when tickets have come. It writes nothing to the POS. Where it is stopped and begun again it
// goes on behind the last order that was looked at.
func (a *Activities) LookForAllTickets(ctx context.Context, in LooksInput) (Looks, error) {
	begun := time.Now()
	out, err := a.lookForAll(ctx, in)
	outcome := "done"
	if err != nil {
		class, _ := classify(err)
		outcome = string(class)
		a.Logger.Warn("the look for tickets did not come to its end", "source", in.Source, "looked", out.Looked, "error", toTemporal(err))
	} else {
		a.Logger.Info("looked for tickets", "source", in.Source, "looked", out.Looked, "new", out.New, "unread", out.Unread)
	}
	a.Metrics.step(in.Source, "look_for_all_tickets", outcome, time.Since(begun))
	return out, toTemporal(err)
}

func (a *Activities) lookForAll(ctx context.Context, in LooksInput) (Looks, error) {
	src, err := a.source(in.Source)
	if err != nil {
		return Looks{}, err
	}
	var at looksProgress
	if activity.HasHeartbeatDetails(ctx) {
		_ = activity.GetHeartbeatDetails(ctx, &at) // else from the beginning: a repetition does no harm
	}
	if src.POS == nil {
		return at.Looks, nil
	}
	const page = 200
	for {
		docs, err := a.DB.UndeliveredOrders(ctx, in.Source, at.After, page)
		if err != nil {
			return at.Looks, err
		}
		orders := make([]*order.Order, len(docs))
		for i, doc := range docs {
			if err := json.Unmarshal(doc, &orders[i]); err != nil {
				return at.Looks, err
			}
		}
		last := ""
		if len(orders) > 0 {
			last = orders[len(orders)-1].ID
		}
		slices.SortStableFunc(orders, soonest)
		for _, o := range orders[min(at.Done, len(orders)):] {
			if err := a.lookAt(ctx, src, o, &at); err != nil {
				return at.Looks, err
			}
			at.Done++
			activity.RecordHeartbeat(ctx, at)
		}
		if len(docs) < page {
			return at.Looks, nil
		}
		at.After, at.Done = last, 0
	}
}

// soonest puts the order whose event begins first before the others; one whose time is not known comes last.
func soonest(a, b *order.Order) int {
	s, t := a.Show().StartsAt, b.Show().StartsAt
	if s.IsZero() != t.IsZero() {
		return t.Compare(s)
	}
	return s.Compare(t)
}

// lookAt looks at one order. Where the POS does not answer for it the orders behind it are looked at all the same, unless it does not
// answer for several in a row: then it is down, and asked again later.
func (a *Activities) lookAt(ctx context.Context, src Source, o *order.Order, at *looksProgress) error {
	if o.Kind != order.Sale || !o.Policy.Deliver || !canRead(o) {
		return nil
	}
	if err := paced(ctx, a.LookPause, "look for tickets"); err != nil {
		return err
	}
	ctx = pos.WithCorrelation(ctx, o.ID)
	news, err := a.lookFor(ctx, src, o)
	class := pos.ClassOf(err)
	var refusal *pos.Error
	switch at.failed++; {
	case err == nil:
		at.failed = 0
	case !errors.As(err, &refusal), ctx.Err() != nil, class == pos.RateLimited, class == pos.Unauthorized, at.failed >= downAfter:
		return err // of the POS as a whole, or of our own house
	}
	at.Looked++
	switch {
	case err != nil:
		at.Unread++
		a.Logger.Warn("what the POS holds for an order is not known", "order", o.ID, "source", src.Name, "error", toTemporal(err))
	case news:
		at.New++
		a.Metrics.foundTickets(src.Name)
	}
	return nil
}

// canRead reports whether the POS could tell what it holds when it took the invoice in force.
func canRead(o *order.Order) bool {
	invoice := o.InvoiceID()
	for _, r := range o.Steps {
		if invoice != "" && r.Ref == invoice && slices.Contains(r.Can, order.CanReadDeliveries) {
			return true
		}
	}
	return false
}

func (a *Activities) lookFor(ctx context.Context, src Source, o *order.Order) (news bool, err error) {
	held, err := a.held(ctx, src, o.InvoiceID(), o.LiveLines())
	if err != nil {
		return false, err
	}
	var known order.Supply // nothing was there, or nobody has looked yet: an order that waits learns nothing by hearing that
	if o.Facts.Supply != nil {
		known = o.Facts.Supply.Supply
	}
	if sameSupply(known, held.Supply) || len(known.Lines) == 0 && len(held.Lines) == 0 && known.Void == held.Void {
		return false, nil
	}
	e, err := a.storeSupply(ctx, src, o.Identity, held, postgres.ViaSweep)
	if err != nil {
		return false, err
	}
	a.Logger.Info("the POS holds other tickets than were known", "order", o.ID, "source", src.Name, "webhook", e.ID)
	return true, a.Tell(ctx, o.Identity, *e)
}
