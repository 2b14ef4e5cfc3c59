// Package workflows runs orders: a thin deterministic shell around the pure model of package order, the sweep that
// polls for what webhooks missed, the nightly look for duplicates, and the look for tickets that have come. It decides nothing about tickets or money itself, and does nothing but call activities.
package workflows

import "willcall/order"

// Names that live in histories, schedules, dashboards and runbooks. A test pins them: a renamed one breaks every open
// order or everybody's tools.
const (
	OrderWorkflow  = "Order"
	SweepWorkflow  = "Sweep"
	NoticeWorkflow = "Notice"

	DuplicatesWorkflow = "Duplicates"
	LooksWorkflow      = "Looks"

	TaskQueueOrders = "orders" // workflows and local activities
	TaskQueuePOS    = "pos"    // activities that call the point of sale

	SignalProviderEvent = "provider-event" // carries an order.Event; there is no other signal
	QueryOrder          = "order"          // answers the order.Order as JSON

	// UpdateHear takes an event in like the signal and answers where the order stands then. It is for providers who expect
	// that in the answer to a webhook; the signal comes all the same, and finds the event known.
	UpdateHear = "hear"
)

// TaskQueueProvider is the queue of activities that call providers of one kind, such as "tevo".
func TaskQueueProvider(kind string) string { return "provider-" + kind }

// DuplicatesID is the id of the schedule that looks for a source's duplicates, and with a time behind it of each look.
func DuplicatesID(source string) string { return "duplicates:" + source }

// LooksID is the id of the schedule that looks for a source's tickets, and with a time behind it of each look.
func LooksID(source string) string { return "looks:" + source }

// OrderInput starts the Order workflow. It carries no event: the first event is a signal like any other.
type OrderInput struct {
	order.Identity
}

// OrderID is the workflow id of an order.
func OrderID(source, providerOrderID string, kind order.Kind) string {
	return order.WorkflowID(source, providerOrderID, kind)
}
