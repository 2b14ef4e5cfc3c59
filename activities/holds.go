package activities

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"willcall/order"
	"willcall/pos"
)

// HoldTickets keeps the tickets of each of s.Lines in the POS until s.Until, because it is not certain yet that they are sold. If
// it fails some may be held; ReleaseHold gives those back. In a POS that keeps no holds there is nothing to do.
func (a *Activities) HoldTickets(ctx context.Context, s Step) (Done, error) {
	return a.step(ctx, s, func(ctx context.Context, src Source) (Done, error) {
		return once(ctx, a, a.operation(s, src), func(ctx context.Context, attempt int) (Done, error) {
			caps, err := src.POS.Capabilities(ctx)
			if err != nil {
				return Done{}, err
			}
			if !caps.Holds {
				return Done{Detail: "this POS keeps no holds"}, nil
			}
			done := Done{Lines: ids(s.Lines)}
			for _, l := range s.Lines {
				op, in, err := s.hold(l)
				if err != nil {
					return Done{}, err
				}
				h, _, err := pos.EnsureHold(ctx, src.POS, op, in, pos.Options{Attempt: attempt})
				if err != nil {
					return Done{}, err
				}
				done.Holds = append(done.Holds, h.ID)
			}
			return done, nil
		})
	})
}

// hold is what is asked for one line, the same whenever it is asked.
func (s Step) hold(l order.Line) (pos.Op, pos.HoldInput, error) {
	if l.Inventory == "" {
		return pos.Op{}, pos.HoldInput{}, &pos.Error{Class: pos.Invalid, Op: "hold tickets",
			Message: fmt.Sprintf("line %s names no ticket group of the POS", l.ID)}
	}
	return pos.Op{Key: s.key() + "/" + l.ID, Ref: s.ref() + "/" + l.ID},
		pos.HoldInput{InventoryID: l.Inventory, Quantity: l.Quantity, Until: s.Until}, nil
}

// ReleaseHold gives back what is held for the order: s.Holds, and what bears the references of s.Lines, for a hold whose placing had
// no answer is known by its reference alone. Where the POS cannot be searched such a one runs out by itself.
func (a *Activities) ReleaseHold(ctx context.Context, s Step) (Done, error) {
	return a.step(ctx, s, func(ctx context.Context, src Source) (Done, error) {
		return once(ctx, a, a.operation(s, src), func(ctx context.Context, _ int) (Done, error) {
			caps, err := src.POS.Capabilities(ctx)
			if err != nil {
				return Done{}, err
			}
			holds := slices.Clone(s.Holds)
			if caps.SearchHolds {
				if err := settled(ctx, caps.SettleDelay); err != nil {
					return Done{}, err
				}
				for _, l := range s.Lines {
					ref := s.ref() + "/" + l.ID
					all, err := src.POS.FindHolds(ctx, ref)
					if err != nil {
						return Done{}, err
					}
					for _, h := range all {
						if h.Ref == ref && !slices.Contains(holds, h.ID) {
							holds = append(holds, h.ID)
						}
					}
				}
			}
			done := Done{}
			if caps.Holds && !caps.SearchHolds && len(s.Holds) == 0 {
				if s.Until.After(time.Now()) {
					holds, err = s.heldAgain(ctx, src)
				}
				if err != nil {
					return Done{}, err
				}
			}
			done.Ref = strings.Join(holds, ",")
			if caps.Holds && !caps.SearchHolds && holds == nil {
				done.Detail = "whether anything is held cannot be seen in this POS: what is runs out by itself"
			}
			for _, id := range holds {
				if err := pos.ReleaseHold(ctx, src.POS, pos.Op{Key: s.key() + "/" + id, Ref: s.ref()}, id); err != nil {
					return Done{}, err
				}
			}
			return done, nil
		})
	})
}

// heldAgain asks for the holds again under the keys of the step that placed them: a POS that knows the keys answers with what it has.
// What it refuses is not held; one that has no keys is not asked.
func (s Step) heldAgain(ctx context.Context, src Source) (holds []string, err error) {
	placing := s
	placing.ID = order.StepID(strings.Replace(string(s.ID), string(order.DoReleaseHold), string(order.DoHold), 1))
	for _, l := range s.Lines {
		op, in, err := placing.hold(l)
		if err != nil {
			return nil, err
		}
		h, _, err := pos.EnsureHold(ctx, src.POS, op, in, pos.Options{})
		switch class := pos.ClassOf(err); {
		case err == nil:
			holds = append(holds, h.ID)
		case class.Retryable(), class == pos.Unauthorized:
			return nil, err
		}
	}
	return holds, nil
}

// settled waits until a search sees what was written a moment ago.
func settled(ctx context.Context, delay time.Duration) error {
	if delay <= 0 {
		return nil
	}
	timer := time.NewTimer(delay)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
