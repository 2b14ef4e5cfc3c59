package fake

import (
	"context"
	"slices"

	"willcall/pos"
)

// hold is tickets that were taken out of a group's stock for a while.
type hold struct{ pos.Hold }

func (h *hold) copied() pos.Hold {
	c := h.Hold
	c.TicketIDs = slices.Clone(c.TicketIDs)
	return c
}

// lines are the tickets as a sale has them.
func (h *hold) lines() []pos.InvoiceLine {
	return []pos.InvoiceLine{{InventoryID: h.InventoryID, TicketIDs: h.TicketIDs, Quantity: h.Quantity}}
}

// FindHolds returns the holds of one reference that are in force and that searches see already.
func (p *POS) FindHolds(ctx context.Context, ref string) ([]pos.Hold, error) {
	var hits []pos.Hold
	err := p.read(ctx, FindHolds, func() error {
		if !p.opts.Capabilities.SearchHolds {
			return refusal(FindHolds, pos.Unsupported, "holds cannot be searched")
		}
		p.expireHolds()
		for _, h := range p.holds {
			if h.Ref == ref && p.visible(h.ID) {
				hits = append(hits, h.copied())
			}
		}
		return nil
	})
	return hits, err
}

// PlaceHold takes tickets off sale until in.Until.
func (p *POS) PlaceHold(ctx context.Context, op pos.Op, in pos.HoldInput) (pos.Hold, error) {
	return write(p, ctx, PlaceHold, op.Key, fingerprint(PlaceHold, op.Ref, in), func() (pos.Hold, error) {
		if !p.opts.Capabilities.Holds {
			return pos.Hold{}, refusal(PlaceHold, pos.Unsupported, "holds are not kept")
		}
		if !in.Until.After(p.now) {
			return pos.Hold{}, refusal(PlaceHold, pos.Invalid, "the hold ends before it begins")
		}
		p.expireHolds()
		g := p.stock[in.InventoryID]
		if g == nil {
			return pos.Hold{}, refusal(PlaceHold, pos.NotFound, "no such group")
		}
		lines, err := p.sell([]pos.InvoiceLine{{InventoryID: in.InventoryID, TicketIDs: in.TicketIDs, Quantity: in.Quantity}})
		if err != nil {
			return pos.Hold{}, refusal(PlaceHold, pos.ClassOf(err), "tickets are gone")
		}
		p.mark(lines, pos.OnHold)
		id, _ := p.born("h_")
		h := &hold{pos.Hold{
			ID: id, Ref: op.Ref, InventoryID: in.InventoryID, TicketIDs: lines[0].TicketIDs, Quantity: in.Quantity, Until: in.Until.UTC(),
		}}
		p.holds = append(p.holds, h)
		return h.copied(), nil
	})
}

// ReleaseHold puts the tickets of a hold back on sale; one that is gone is no error.
func (p *POS) ReleaseHold(ctx context.Context, op pos.Op, id string) error {
	_, err := write(p, ctx, ReleaseHold, "", "", func() (struct{}, error) {
		if !p.opts.Capabilities.Holds {
			return struct{}{}, refusal(ReleaseHold, pos.Unsupported, "holds are not kept")
		}
		p.dropHolds(func(h *hold) bool { return h.ID == id })
		return struct{}{}, nil
	})
	return err
}

// expireHolds gives back what nobody came for; whoever looks at stock or holds calls it first.
func (p *POS) expireHolds() { p.dropHolds(func(h *hold) bool { return !h.Until.After(p.now) }) }

func (p *POS) dropHolds(which func(*hold) bool) {
	p.holds = slices.DeleteFunc(p.holds, func(h *hold) bool {
		drop := which(h)
		if drop {
			p.restock(h.lines())
		}
		return drop
	})
}

// sellHeld sells the lines, out of the hold that the input names. What is left of the hold goes back on sale.
func (p *POS) sellHeld(in pos.InvoiceInput) ([]pos.InvoiceLine, error) {
	p.expireHolds()
	if in.HoldID == "" {
		return p.sell(in.Lines)
	}
	n := slices.IndexFunc(p.holds, func(h *hold) bool { return h.ID == in.HoldID })
	if n < 0 {
		return nil, refusal(CreateInvoice, pos.NotFound, "no such hold; it may have run out")
	}
	held := p.holds[n]
	p.restock(held.lines())
	want := slices.Clone(in.Lines)
	for i := range want {
		if l := &want[i]; len(l.TicketIDs) == 0 && l.InventoryID == held.InventoryID && len(held.TicketIDs) >= l.Quantity {
			l.TicketIDs = held.TicketIDs[:l.Quantity]
		}
	}
	lines, err := p.sell(want)
	if err != nil {
		if _, again := p.sell(held.lines()); again == nil {
			p.mark(held.lines(), pos.OnHold)
		}
		return nil, err
	}
	p.holds = slices.Delete(p.holds, n, n+1)
	return lines, nil
}

// mark gives the tickets of lines a status.
func (p *POS) mark(lines []pos.InvoiceLine, status pos.Stock) {
	for _, l := range lines {
		g := p.stock[l.InventoryID]
		for i := range g.Tickets {
			if slices.Contains(l.TicketIDs, g.Tickets[i].ID) {
				g.Tickets[i].Status = status
			}
		}
	}
}
