package postest

import (
	"context"
	"slices"

	"willcall/pos"
)

// groups lets the suite call the groups of [Stock] by their names at a POS that has ids of its own for them.
type groups struct {
	pos.Adapter
	ids, names map[string]string
}

func renamed(a pos.Adapter, ids map[string]string) pos.Adapter {
	if ids == nil {
		return a
	}
	g := groups{Adapter: a, ids: ids, names: map[string]string{}}
	for name, id := range ids {
		g.names[id] = name
	}
	return g
}

func other(names map[string]string, id string) string {
	if name, ok := names[id]; ok {
		return name
	}
	return id
}

func (g groups) invoice(i pos.Invoice) pos.Invoice {
	i.Lines = slices.Clone(i.Lines)
	for n := range i.Lines {
		i.Lines[n].InventoryID = other(g.names, i.Lines[n].InventoryID)
	}
	return i
}

func (g groups) GetInventory(ctx context.Context, id string) (pos.Inventory, error) {
	inv, err := g.Adapter.GetInventory(ctx, other(g.ids, id))
	inv.ID = other(g.names, inv.ID)
	return inv, err
}

func (g groups) FindInvoices(ctx context.Context, ref string) ([]pos.Invoice, error) {
	found, err := g.Adapter.FindInvoices(ctx, ref)
	found = slices.Clone(found)
	for i := range found {
		found[i] = g.invoice(found[i])
	}
	return found, err
}

func (g groups) GetInvoice(ctx context.Context, id string) (pos.Invoice, error) {
	i, err := g.Adapter.GetInvoice(ctx, id)
	return g.invoice(i), err
}

func (g groups) CreateInvoice(ctx context.Context, op pos.Op, in pos.InvoiceInput) (pos.Invoice, error) {
	in.Lines = slices.Clone(in.Lines)
	for n := range in.Lines {
		in.Lines[n].InventoryID = other(g.ids, in.Lines[n].InventoryID)
	}
	i, err := g.Adapter.CreateInvoice(ctx, op, in)
	return g.invoice(i), err
}

func (g groups) VoidInvoice(ctx context.Context, op pos.Op, id string, in pos.VoidInput) (pos.Invoice, error) {
	i, err := g.Adapter.VoidInvoice(ctx, op, id, in)
	return g.invoice(i), err
}
