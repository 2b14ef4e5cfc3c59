package activities

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"willcall/order"
	"willcall/pos"
)

// FindInvoice looks for the invoice of a sale of our own, which stands in the POS already, and returns as an event what it says
// of the order. It finds it by the provider's order id, which is the reference that our shop gave it, or by the id in the
// step, which an operator has named. It writes nothing. Where the POS has no live one it fails with not_found, and with
// duplicate where it has several.
func (a *Activities) FindInvoice(ctx context.Context, s Step) (Done, error) {
	return a.step(ctx, s, func(ctx context.Context, src Source) (Done, error) {
		can, err := abilities(ctx, src.POS)
		if err != nil {
			return Done{}, err
		}
		inv, err := adopted(ctx, s, src.POS)
		if err != nil {
			return Done{}, err
		}
		received := s.Received
		if received.IsZero() { // the run was begun by a question, and the step before its event was taken in
			received = time.Now().UTC()
		}
		e := &order.Event{ID: "pos:" + inv.ID, Type: "POS invoice", At: inv.CreatedAt, Received: received, Snapshot: &order.Snapshot{APIID: inv.ID}}
		listings := map[string]string{}
		for _, listing := range slices.Backward(slices.Sorted(maps.Keys(src.Inventory))) {
			listings[src.Inventory[listing]] = listing // of several for one group always the first: lines keep their ids
		}
		seen := map[string]int{}
		for _, l := range inv.Lines {
			line := order.Line{ID: l.InventoryID, ItemID: l.ID, Inventory: l.InventoryID, Quantity: l.Quantity, Sum: order.Money(l.Total), Delivery: order.DeliveryETicket}
			if listing, ok := listings[l.InventoryID]; ok {
				line.ID = listing
			}
			if seen[line.ID]++; seen[line.ID] > 1 {
				line.ID = fmt.Sprintf("%s#%d", line.ID, seen[line.ID])
			}
			group, err := src.POS.GetInventory(ctx, l.InventoryID)
			switch {
			case err == nil:
				line.Section, line.Row = group.Section, group.Row
				if e.Snapshot.Show.Name == "" {
					e.Snapshot.Show = order.Show{Name: group.Event.Name, StartsAt: group.Event.StartsAt}
				}
			case pos.ClassOf(err) != pos.NotFound && pos.ClassOf(err) != pos.Unsupported: // a group may be gone once it is sold
				return Done{}, err
			}
			e.Snapshot.Lines = append(e.Snapshot.Lines, line)
		}
		return Done{Ref: inv.ID, Customer: inv.CustomerID, Can: can, Event: e}, nil
	})
}

func adopted(ctx context.Context, s Step, adapter pos.Adapter) (pos.Invoice, error) {
	const what = "find the invoice of our own sale"
	if id := s.ID.Subject(); id != "" {
		inv, err := adapter.GetInvoice(ctx, id)
		if err == nil && inv.Voided {
			err = &pos.Error{Class: pos.Invalid, Op: what, Message: "invoice " + id + " is void"}
		}
		return inv, err
	}
	all, err := adapter.FindInvoices(ctx, s.ref())
	if err != nil {
		return pos.Invoice{}, err
	}
	var live []pos.Invoice
	void := 0
	for _, inv := range all {
		switch {
		case inv.Ref != s.ref():
		case inv.Voided:
			void++
		default:
			live = append(live, inv)
		}
	}
	switch {
	case len(live) == 1:
		return live[0], nil
	case len(live) > 1:
		return pos.Invoice{}, &pos.Error{Class: pos.Duplicate, Op: what, Message: fmt.Sprintf("the POS has %d live invoices with the reference %s", len(live), s.ref())}
	}
	message := "the POS has no invoice with the reference " + s.ref()
	if void > 0 {
		message = strings.Replace(message, "no invoice", "no live invoice", 1)
	}
	return pos.Invoice{}, &pos.Error{Class: pos.NotFound, Op: what, Message: message}
}
