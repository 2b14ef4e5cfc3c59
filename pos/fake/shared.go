package fake

import (
	"context"

	"willcall/pos"
)

// Shared is a POS that other tools write to as well, and so a [pos.SaleFinder].
type Shared struct{ *POS }

var _ pos.SaleFinder = Shared{}

// FindInvoicesBySale returns the invoices that bear this number of a marketplace.
func (s Shared) FindInvoicesBySale(ctx context.Context, sale string) ([]pos.Invoice, error) {
	var hits []pos.Invoice
	err := s.read(ctx, FindInvoicesBySale, func() error {
		for _, i := range s.state.Invoices {
			if s.sales[i.ID] == sale && s.visible(i.ID) {
				hits = append(hits, copyInvoice(i))
			}
		}
		return nil
	})
	return hits, err
}

// BookElsewhere books a sale as another tool does, under a reference of its own, and without taking stock: that tool's tickets are
// none of ours.
func (s Shared) BookElsewhere(sale, ref string) pos.Invoice {
	s.mu.Lock()
	defer s.mu.Unlock()
	customer, _ := s.born("c_")
	id, at := s.born("i_")
	line, _ := s.born("l_")
	inv := pos.Invoice{
		ID: id, Ref: ref, CustomerID: customer, Payment: pos.Paid, Fulfillment: pos.Pending, CreatedAt: at,
		Lines: []pos.InvoiceLine{{ID: line, InventoryID: "elsewhere", Quantity: 1, Total: pos.Money{Minor: 12000, Currency: "USD"}}},
	}
	s.state.Invoices = append(s.state.Invoices, inv)
	s.sales[id] = sale
	return copyInvoice(inv)
}
