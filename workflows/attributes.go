package workflows

import (
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"willcall/order"
)

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

// AttributeTypes names every search attribute with its type, as the server registers them.
func AttributeTypes() map[string]string {
	return map[string]string{
		"OrderSource": "Keyword", "OrderProvider": "Keyword", "OrderState": "Keyword", "OrderAttention": "Keyword",
		"OrderEventID": "Keyword", "OrderPOSInvoice": "Keyword", "OrderEventDate": "Datetime", "OrderDeadline": "Datetime",
		"OrderAmountMinor": "Int",
	}
}

// attributes are the values last published.
type attributes struct {
	source, provider, state, attention, eventID, invoice string
	eventDate, deadline                                  time.Time
	amount                                               int64
}

// publish brings search attributes and current details up to date. All keys go in one command, and only if any changed.
func (s *shell) publish(ctx workflow.Context, plan order.Plan) error {
	workflow.SetCurrentDetails(ctx, Details(s.o, plan))
	now := attributes{
		source: s.o.Source, provider: s.o.Provider, state: string(plan.State), eventID: s.o.Show().ID,
		eventDate: s.o.Show().StartsAt, deadline: plan.Deadline.Truncate(time.Second), amount: s.o.Total().Minor,
		invoice: s.o.InvoiceID() + s.o.PurchaseOrderID(), // an order has one of the two
	}
	if plan.Attention != nil {
		now.attention = string(plan.Attention.Reason)
	}
	if now == s.attributes {
		return nil
	}
	if now.state != s.attributes.state || now.attention != s.attributes.attention {
		workflow.GetLogger(ctx).Info("order moved on", "order", s.o.ID, "source", s.o.Source, "state", now.state, "attention", now.attention, "awaits", plan.Awaits)
	}
	s.attributes = now
	return workflow.UpsertTypedSearchAttributes(ctx,
		AttrSource.ValueSet(now.source), AttrProvider.ValueSet(now.provider), AttrState.ValueSet(now.state),
		keyword(AttrAttention, now.attention), keyword(AttrEventID, now.eventID), keyword(AttrPOSInvoice, now.invoice),
		moment(AttrEventDate, now.eventDate), moment(AttrDeadline, now.deadline), AttrAmountMinor.ValueSet(now.amount))
}

// keyword unsets an empty value, so that `OrderAttention != ""` finds just what needs a person.
func keyword(key temporal.SearchAttributeKeyKeyword, value string) temporal.SearchAttributeUpdate {
	if value == "" {
		return key.ValueUnset()
	}
	return key.ValueSet(value)
}

func moment(key temporal.SearchAttributeKeyTime, value time.Time) temporal.SearchAttributeUpdate {
	if value.IsZero() {
		return key.ValueUnset()
	}
	return key.ValueSet(value)
}
