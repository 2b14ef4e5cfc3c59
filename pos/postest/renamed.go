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
	r := renamed{Adapter: a, theirs: theirs, ours: ours}
	if f, ok := a.(pos.SaleFinder); ok {
		return renamedFinder{r, f}
	}
	return r
}

// renamedFinder is a renamed that is a [pos.SaleFinder], too.
type renamedFinder struct {
	renamed
	finder pos.SaleFinder
}

func (r renamedFinder) FindInvoicesBySale(ctx context.Context, sale string) ([]pos.Invoice, error) {
	return r.invoices(r.finder.FindInvoicesBySale(ctx, sale))
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
		l.InventoryID, l.TicketIDs = name(names, l.InventoryID), tickets(names, l.TicketIDs)
	}
	return all
}

func tickets(names map[string]string, ids []string) []string {
	ids = slices.Clone(ids)
	for i := range ids {
		ids[i] = name(names, ids[i])
	}
	return ids
}

func (r renamed) invoices(found []pos.Invoice, err error) ([]pos.Invoice, error) {
	found = slices.Clone(found)
	for i := range found {
		found[i], _ = r.invoice(found[i], nil)
	}
	return found, err
}

func (r renamed) hold(h pos.Hold, err error) (pos.Hold, error) {
	h.InventoryID, h.TicketIDs = name(r.ours, h.InventoryID), tickets(r.ours, h.TicketIDs)
	return h, err
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
	return r.invoices(r.Adapter.FindInvoices(ctx, ref))
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

func (r renamed) VoidInvoiceLines(ctx context.Context, op pos.Op, id string, lineIDs []string, in pos.VoidInput) (pos.Invoice, error) {
	return r.invoice(r.Adapter.VoidInvoiceLines(ctx, op, id, lineIDs, in))
}

func (r renamed) SetFulfillment(ctx context.Context, op pos.Op, id string, in pos.FulfillmentInput) (pos.Invoice, error) {
	in.Files = slices.Clone(in.Files) // nil stays nil
	for i := range in.Files {
		in.Files[i].TicketIDs = tickets(r.theirs, in.Files[i].TicketIDs)
	}
	return r.invoice(r.Adapter.SetFulfillment(ctx, op, id, in))
}

func (r renamed) GetDeliveries(ctx context.Context, invoiceID string) ([]pos.Delivery, error) {
	all, err := r.Adapter.GetDeliveries(ctx, invoiceID)
	all = slices.Clone(all)
	for i := range all {
		all[i].TicketIDs = tickets(r.ours, all[i].TicketIDs)
	}
	return all, err
}

func (r renamed) FindHolds(ctx context.Context, ref string) ([]pos.Hold, error) {
	found, err := r.Adapter.FindHolds(ctx, ref)
	found = slices.Clone(found)
	for i := range found {
		found[i], _ = r.hold(found[i], nil)
	}
	return found, err
}

func (r renamed) PlaceHold(ctx context.Context, op pos.Op, in pos.HoldInput) (pos.Hold, error) {
	in.InventoryID, in.TicketIDs = name(r.theirs, in.InventoryID), tickets(r.theirs, in.TicketIDs)
	return r.hold(r.Adapter.PlaceHold(ctx, op, in))
}
