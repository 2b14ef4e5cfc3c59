package httpapi

import (
	"errors"
	"slices"
	"time"

	"willcall/pos"
)

// The answers that are invoices and purchase orders.

// booking is what invoices and purchase orders have in common.
type booking struct {
	ID                string          `json:"id"`
	ExternalReference string          `json:"external_reference"`
	Payment           pos.Payment     `json:"payment"`
	Fulfillment       pos.Fulfillment `json:"fulfillment"`
	Voided            *bool           `json:"voided"`
	VoidReason        string          `json:"void_reason"`
	CreatedAt         string          `json:"created_at"`

	createdAt time.Time
	want      wanted
}

func (b *booking) check() error {
	switch {
	case b.ID == "":
		return errors.New("a record has no id")
	case b.ExternalReference == "":
		return errors.New("a record has no external_reference")
	case b.Voided == nil:
		// Taken for false it could make a void record pass for a live one.
		return errors.New("a record does not say whether it is void")
	case b.Payment == "" || b.Fulfillment == "":
		return errors.New("a record has no payment or fulfillment")
	}
	var err error
	if b.createdAt, err = parseTime(b.CreatedAt); err != nil {
		return err
	}
	return b.want.check(b.ID, *b.Voided)
}

type invoiceAnswer struct {
	booking
	CustomerID string  `json:"customer_id"`
	HoldID     *string `json:"hold_id"`
	Lines      []struct {
		ID          string    `json:"id"`
		InventoryID string    `json:"inventory_id"`
		TicketIDs   []string  `json:"ticket_ids"`
		Quantity    int       `json:"quantity"`
		Total       moneyBody `json:"total"`
		Description string    `json:"description"`
		Voided      bool      `json:"voided"`
	} `json:"lines"`

	lines     []pos.InvoiceLine
	voidLines []string // ids that must be void
}

func (a *invoiceAnswer) check() error {
	if err := a.booking.check(); err != nil {
		return err
	}
	if a.CustomerID == "" || len(a.Lines) == 0 {
		return errors.New("an invoice has no customer or no lines")
	}
	a.lines = nil
	for _, l := range a.Lines {
		total, err := parseMoney(l.Total)
		if err != nil {
			return err
		}
		if l.ID == "" || l.InventoryID == "" || l.Quantity < 1 {
			return errors.New("a line has no id, group or quantity")
		}
		a.lines = append(a.lines, pos.InvoiceLine{
			ID:          l.ID,
			InventoryID: l.InventoryID,
			TicketIDs:   l.TicketIDs,
			Quantity:    l.Quantity,
			Total:       total,
			Description: l.Description,
			Voided:      l.Voided,
		})
	}
	for _, l := range a.lines {
		if !*a.Voided && !l.Voided && slices.Contains(a.voidLines, l.ID) {
			return errors.New("a line is live that was to be void")
		}
	}
	return nil
}

func (a *invoiceAnswer) record() pos.Invoice {
	inv := pos.Invoice{
		ID:          a.ID,
		Ref:         a.ExternalReference,
		CustomerID:  a.CustomerID,
		Lines:       a.lines,
		Payment:     a.Payment,
		Fulfillment: a.Fulfillment,
		Voided:      *a.Voided,
		VoidReason:  a.VoidReason,
		CreatedAt:   a.createdAt,
	}
	if a.HoldID != nil {
		inv.HoldID = *a.HoldID
	}
	return inv
}

type invoicesAnswer struct {
	Items []invoiceAnswer `json:"items"`
}

func (a *invoicesAnswer) check() error {
	if a.Items == nil {
		return errNoItems
	}
	for i := range a.Items {
		if err := a.Items[i].check(); err != nil {
			return err
		}
	}
	return nil
}

func (a *invoicesAnswer) records() []pos.Invoice {
	var all []pos.Invoice
	for i := range a.Items {
		all = append(all, a.Items[i].record())
	}
	return all
}

type purchaseOrderAnswer struct {
	booking
	Vendor vendorBody `json:"vendor"`
	Lines  []struct {
		ID       string      `json:"id"`
		Event    eventAnswer `json:"event"`
		Section  string      `json:"section"`
		Row      string      `json:"row"`
		Seats    []string    `json:"seats"`
		Quantity int         `json:"quantity"`
		Total    moneyBody   `json:"total"`
	} `json:"lines"`

	lines []pos.PurchaseLine
}

func (a *purchaseOrderAnswer) check() error {
	if err := a.booking.check(); err != nil {
		return err
	}
	if a.Vendor.Name == "" || len(a.Lines) == 0 {
		return errors.New("a purchase order has no vendor or no lines")
	}
	a.lines = nil
	for i := range a.Lines {
		l := &a.Lines[i]
		if err := l.Event.check(); err != nil {
			return err
		}
		total, err := parseMoney(l.Total)
		if err != nil {
			return err
		}
		if l.ID == "" || l.Quantity < 1 {
			return errors.New("a line has no id or quantity")
		}
		a.lines = append(a.lines, pos.PurchaseLine{
			ID:       l.ID,
			Event:    l.Event.record(),
			Section:  l.Section,
			Row:      l.Row,
			Seats:    l.Seats,
			Quantity: l.Quantity,
			Total:    total,
		})
	}
	return nil
}

func (a *purchaseOrderAnswer) record() pos.PurchaseOrder {
	return pos.PurchaseOrder{
		ID:          a.ID,
		Ref:         a.ExternalReference,
		Vendor:      pos.Vendor{ID: a.Vendor.ID, Name: a.Vendor.Name},
		Lines:       a.lines,
		Payment:     a.Payment,
		Fulfillment: a.Fulfillment,
		Voided:      *a.Voided,
		VoidReason:  a.VoidReason,
		CreatedAt:   a.createdAt,
	}
}

type purchaseOrdersAnswer struct {
	Items []purchaseOrderAnswer `json:"items"`
}

func (a *purchaseOrdersAnswer) check() error {
	if a.Items == nil {
		return errNoItems
	}
	for i := range a.Items {
		if err := a.Items[i].check(); err != nil {
			return err
		}
	}
	return nil
}

func (a *purchaseOrdersAnswer) records() []pos.PurchaseOrder {
	var all []pos.PurchaseOrder
	for i := range a.Items {
		all = append(all, a.Items[i].record())
	}
	return all
}
