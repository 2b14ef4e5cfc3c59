package httpapi

import (
	"context"

	"willcall/pos"
)

func missing(op string) error {
	return &pos.Error{Class: pos.Unsupported, Op: op, Message: "not built yet"}
}

// VoidInvoiceLines is not built yet.
func (c *Client) VoidInvoiceLines(context.Context, pos.Op, string, []string, pos.VoidInput) (pos.Invoice, error) {
	return pos.Invoice{}, missing("void invoice lines")
}

// GetDeliveries is not built yet.
func (c *Client) GetDeliveries(context.Context, string) ([]pos.Delivery, error) {
	return nil, missing("get deliveries")
}

// FindHolds is not built yet.
func (c *Client) FindHolds(context.Context, string) ([]pos.Hold, error) {
	return nil, missing("find holds")
}

// PlaceHold is not built yet.
func (c *Client) PlaceHold(context.Context, pos.Op, pos.HoldInput) (pos.Hold, error) {
	return pos.Hold{}, missing("place hold")
}

// ReleaseHold is not built yet.
func (c *Client) ReleaseHold(context.Context, pos.Op, string) error { return missing("release hold") }

// FulfillPurchaseOrder is not built yet.
func (c *Client) FulfillPurchaseOrder(context.Context, pos.Op, string, pos.FulfillmentInput) (pos.PurchaseOrder, error) {
	return pos.PurchaseOrder{}, missing("fulfill purchase order")
}
