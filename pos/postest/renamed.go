package postest

import (
	"context"
	"slices"

	"willcall/pos"
)

// Renamed lets the suite, which knows groups and tickets by the ids of [Stock], test an adapter whose POS gives ids of its own form,
// such as numbers. theirs has the POS's id for each of Stock's; ids that are not in it pass as they are.
func Renamed(a pos.Adapter, theirs map[string]string) pos.Adapter {
	ours := map[string]string{}
	for our, their := range theirs {
		ours[their] = our
	}
	return renamed{Adapter: a, theirs: theirs, ours: ours}
}

type renamed struct {
	pos.Adapter
	theirs, ours map[string]string
}

func name(names map[string]string, id string) string {
	if n, ok := names[id]; ok {
		return n
	}
	return id
}

func lines(names map[string]string, all []pos.InvoiceLine) []pos.InvoiceLine {
	all = slices.Clone(all)
	for i := range all {
		l := &all[i]
		l.InventoryID, l.TicketIDs = name(names, l.InventoryID), slices.Clone(l.TicketIDs)
		for n := range l.TicketIDs {
			l.TicketIDs[n] = name(names, l.TicketIDs[n])
		}
	}
	return all
}

func (r renamed) invoice(i pos.Invoice, err error) (pos.Invoice, error) {
	i.Lines = lines(r.ours, i.Lines)
	return i, err
}

func (r renamed) GetInventory(ctx context.Context, id string) (pos.Inventory, error) {
	g, err := r.Adapter.GetInventory(ctx, name(r.theirs, id))
	g.ID, g.Tickets = name(r.ours, g.ID), slices.Clone(g.Tickets)
	for i := range g.Tickets {
		g.Tickets[i].ID = name(r.ours, g.Tickets[i].ID)
	}
	return g, err
}

func (r renamed) FindInvoices(ctx context.Context, ref string) ([]pos.Invoice, error) {
	found, err := r.Adapter.FindInvoices(ctx, ref)
	found = slices.Clone(found)
	for i := range found {
		found[i], _ = r.invoice(found[i], nil)
	}
	return found, err
}

func (r renamed) GetInvoice(ctx context.Context, id string) (pos.Invoice, error) {
	return r.invoice(r.Adapter.GetInvoice(ctx, id))
}

func (r renamed) CreateInvoice(ctx context.Context, op pos.Op, in pos.InvoiceInput) (pos.Invoice, error) {
	in.Lines = lines(r.theirs, in.Lines)
	return r.invoice(r.Adapter.CreateInvoice(ctx, op, in))
}

func (r renamed) VoidInvoice(ctx context.Context, op pos.Op, id string, in pos.VoidInput) (pos.Invoice, error) {
	return r.invoice(r.Adapter.VoidInvoice(ctx, op, id, in))
}
