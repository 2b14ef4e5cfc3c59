package activities

import (
	"context"
	"time"

	"go.temporal.io/sdk/activity"

	"willcall/order"
	"willcall/pos"
	"willcall/postgres"
)

// DuplicatesInput says whose orders are looked at. It lies in histories.
type DuplicatesInput struct {
	Source string        `json:"source"`
	Within time.Duration `json:"within"` // orders that had news or were invoiced within this time
}

// Duplicates is what a look for duplicates came to. It lies in histories: references and ids alone, and of many the first.
type Duplicates struct {
	Looked int         `json:"looked"`           // orders that the POS was asked for
	Unread int         `json:"unread,omitempty"` // of those, the ones that it would not answer for: see the worker's log
	Open   int64       `json:"open"`             // duplicates of the source that are there now
	First  []Duplicate `json:"first,omitempty"`  // the newest of them
}

// Duplicate is a reference that several live records of the POS bear.
type Duplicate struct {
	Reference string   `json:"reference"`
	Kind      order.Do `json:"kind"` // of the records: invoice or purchase_order
	Live      int      `json:"live"`
	IDs       []string `json:"ids"`
}

const (
	maxListed    = 100 // duplicates in a history; all are in Postgres
	maxListedIDs = 10  // of each
)

type duplicatesProgress struct {
	Begun  time.Time // of the first attempt: what is looked at does not shift
	After  string    // the last order that was looked at
	Looked int
	Unread int
}

// FindDuplicates asks the POS for the records of every order of a source that we wrote of late, and notes in Postgres which
// references have more than one live record, and which no longer do. It writes nothing to the POS. Where it is stopped and
// begun again it goes on behind the last order that was looked at.
func (a *Activities) FindDuplicates(ctx context.Context, in DuplicatesInput) (Duplicates, error) {
	begun := time.Now()
	out, err := a.findDuplicates(ctx, in)
	outcome := "done"
	if err != nil {
		class, _ := classify(err)
		outcome = string(class)
		a.Logger.Warn("the look for duplicates did not come to its end", "source", in.Source, "looked", out.Looked, "error", toTemporal(err))
	} else {
		a.Logger.Info("looked for duplicates", "source", in.Source, "looked", out.Looked, "unread", out.Unread, "open", out.Open)
	}
	a.Metrics.step(in.Source, "find_duplicates", outcome, time.Since(begun))
	return out, toTemporal(err)
}

func (a *Activities) findDuplicates(ctx context.Context, in DuplicatesInput) (Duplicates, error) {
	src, err := a.source(in.Source)
	if err != nil {
		return Duplicates{}, err
	}
	at := duplicatesProgress{Begun: time.Now()}
	if activity.HasHeartbeatDetails(ctx) {
		var before duplicatesProgress
		if activity.GetHeartbeatDetails(ctx, &before) == nil { // else from the beginning: a repetition does no harm
			at = before
		}
	}
	looked := func() Duplicates { return Duplicates{Looked: at.Looked, Unread: at.Unread} }
	look, err := a.duplicateLook(ctx, src)
	if err != nil {
		return looked(), err
	}
	const page = 200
	for {
		orders, err := a.DB.WrittenOrders(ctx, in.Source, at.After, at.Begun.Add(-in.Within), page)
		if err != nil {
			return looked(), err
		}
		for _, w := range orders {
			read, err := look.order(ctx, w)
			if err != nil {
				return looked(), err
			}
			at.After, at.Looked = w.ID, at.Looked+1
			if !read {
				at.Unread++
			}
			activity.RecordHeartbeat(ctx, at)
		}
		if len(orders) < page {
			break
		}
	}
	out := looked()
	return out, a.listDuplicates(ctx, in.Source, &out)
}

// listDuplicates adds what is open now, also what an earlier attempt found.
func (a *Activities) listDuplicates(ctx context.Context, source string, out *Duplicates) error {
	counts, err := a.DB.DuplicateCounts(ctx)
	if err != nil {
		return err
	}
	for _, c := range counts {
		if c.Source == source {
			out.Open = c.N
		}
	}
	open, _, err := a.DB.Duplicates(ctx, source, false, "", maxListed)
	for _, d := range open {
		out.First = append(out.First, Duplicate{d.Reference, d.Kind, d.Live, d.IDs[:min(len(d.IDs), maxListedIDs)]})
	}
	return err
}

// duplicateLook looks at one order after the other.
type duplicateLook struct {
	*Activities
	src  Source
	find map[order.Do]func(ctx context.Context, ref string) (live []string, err error) // without the kinds that the POS cannot search
}

func (a *Activities) duplicateLook(ctx context.Context, src Source) (duplicateLook, error) {
	look := duplicateLook{a, src, map[order.Do]func(context.Context, string) ([]string, error){}}
	if src.POS == nil {
		return look, nil
	}
	caps, err := src.POS.Capabilities(ctx)
	if err != nil {
		return look, err
	}
	if caps.SearchInvoices {
		look.find[order.DoInvoice] = func(ctx context.Context, ref string) (live []string, err error) {
			all, err := src.POS.FindInvoices(ctx, ref)
			for _, inv := range all {
				if inv.Ref == ref && !inv.Voided {
					live = append(live, inv.ID)
				}
			}
			return live, err
		}
	}
	if caps.SearchPurchaseOrders {
		look.find[order.DoPurchaseOrder] = func(ctx context.Context, ref string) (live []string, err error) {
			all, err := src.POS.FindPurchaseOrders(ctx, ref)
			for _, po := range all {
				if po.Ref == ref && !po.Voided {
					live = append(live, po.ID)
				}
			}
			return live, err
		}
	}
	return look, nil
}

// order looks at the records of one order. read is false where the POS refuses to answer for it and will again: the orders
// behind it are looked at all the same.
func (l duplicateLook) order(ctx context.Context, w postgres.Written) (read bool, err error) {
	ctx = pos.WithCorrelation(ctx, w.ID)
	read = true
	for _, kind := range w.Kinds {
		find, ok := l.find[kind]
		if !ok {
			continue
		}
		if err := l.pause(ctx); err != nil {
			return false, err
		}
		live, err := find(ctx, w.ID)
		switch class := pos.ClassOf(err); {
		case err == nil:
			if err := l.note(ctx, w.ID, kind, live); err != nil {
				return false, err
			}
		case class.Retryable(), class == pos.Unauthorized: // of the POS as a whole
			return false, err
		default:
			l.Logger.Warn("the POS does not answer for the records of an order", "order", w.ID, "source", l.src.Name, "kind", kind, "error", toTemporal(err))
			read = false
		}
	}
	return read, nil
}

func (l duplicateLook) note(ctx context.Context, ref string, kind order.Do, live []string) error {
	now := time.Now()
	log := l.Logger.With("order", ref, "source", l.src.Name, "kind", kind)
	if len(live) < 2 {
		news, err := l.DB.DuplicateGone(ctx, l.src.Name, ref, kind, now)
		if news {
			log.Info("the POS has no longer several live records of the order")
		}
		return err
	}
	news, err := l.DB.PutDuplicate(ctx, postgres.Duplicate{Source: l.src.Name, Reference: ref, Kind: kind, Live: len(live), IDs: live, LastSeen: now})
	if news {
		log.Warn("the POS has several live records of the order: void all but the one that the order names",
			"live", len(live), "ids", live[:min(len(live), maxListedIDs)])
	}
	return err
}

// pause keeps the look from crowding out what buyers wait for.
func (l duplicateLook) pause(ctx context.Context) error {
	return paced(ctx, l.DuplicatePause, "find duplicates")
}

// paced waits, and ends what op does where the worker stops: another goes on.
func paced(ctx context.Context, pause time.Duration, op string) error {
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-activity.GetWorkerStopChannel(ctx):
		return &pos.Error{Class: pos.Transient, Op: op, Message: "the worker stops"}
	case <-timer.C:
		return nil
	}
}
