package workflows

import "go.temporal.io/sdk/temporal"

// Search attributes of an order; their names are fixed, and operators' views and alerts filter by them. They are not
// encrypted by any codec: no buyer data.
var (
	AttrSource     = temporal.NewSearchAttributeKeyKeyword("OrderSource")
	AttrProvider   = temporal.NewSearchAttributeKeyKeyword("OrderProvider")
	AttrState      = temporal.NewSearchAttributeKeyKeyword("OrderState")     // an order.State
	AttrAttention  = temporal.NewSearchAttributeKeyKeyword("OrderAttention") // an order.Reason, "" for none
	AttrEventID    = temporal.NewSearchAttributeKeyKeyword("OrderEventID")
	AttrPOSInvoice = temporal.NewSearchAttributeKeyKeyword("OrderPOSInvoice")

	AttrEventDate = temporal.NewSearchAttributeKeyTime("OrderEventDate")
	AttrDeadline  = temporal.NewSearchAttributeKeyTime("OrderDeadline")

	AttrAmountMinor = temporal.NewSearchAttributeKeyInt64("OrderAmountMinor") // in the order's currency
)
