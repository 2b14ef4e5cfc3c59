package workflows

import (
	"fmt"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"willcall/order"
)

// Replay does not see time-outs and retry options: options_test.go pins them.

// stepOptions are the options of a step's activity. It is retried for as long as the step is wanted. At first it has the
// policy's patience to succeed in; when that is over the order asks for a person, and the step goes on without a limit.
func stepOptions(o *order.Order, id order.StepID, slow bool) workflow.ActivityOptions {
	options := workflow.ActivityOptions{
		TaskQueue:           queueOf(o.Provider, id.Do()),
		StartToCloseTimeout: 30 * time.Second,
		HeartbeatTimeout:    10 * time.Second,
		WaitForCancellation: true, // what a stopped step has done must be known before it is undone
		Summary:             summaryOf(o, id),
		RetryPolicy: &temporal.RetryPolicy{
			InitialInterval:    time.Second,
			BackoffCoefficient: 2,
			MaximumInterval:    time.Minute,
		},
	}
	switch {
	case id.Do().Gives(), id.Do() == order.DoReceive:
		options.StartToCloseTimeout = 2 * time.Minute // several calls, and files in them
	case id.Do() == order.DoLook:
		options.StartToCloseTimeout = time.Minute // a call for each line, and files in the answers
	}
	if id.Do().Undoes() {
		options.RetryPolicy.MaximumInterval = 10 * time.Second // what is half undone costs more than what is late
	}
	if !slow {
		options.ScheduleToCloseTimeout = o.Policy.StepPatience
	}
	return options
}

func queueOf(provider string, what order.Do) string {
	switch what {
	case order.DoInvoice, order.DoVoidInvoice, order.DoReadInvoice, order.DoAttach, order.DoPurchaseOrder, order.DoVoidPurchaseOrder,
		order.DoLook, order.DoFulfil, order.DoReceive, order.DoCredit, order.DoHold, order.DoReleaseHold:
		return TaskQueuePOS
	}
	return TaskQueueProvider(provider)
}

// summaryOf says in the Temporal UI what a step is about.
func summaryOf(o *order.Order, id order.StepID) string {
	tickets := 0
	for _, l := range o.LiveLines() {
		tickets += l.Quantity
	}
	amount := fmt.Sprintf("%d tickets, %s", tickets, o.Total())
	switch id.Do() {
	case order.DoConfirm:
		return "read the order again at the provider"
	case order.DoReread:
		return "read the order again: a webhook did not tell all"
	case order.DoReadInvoice:
		return "read invoice " + id.Subject() + " of the POS"
	case order.DoInvoice:
		if o.Policy.Adopt {
			return "find the invoice of our own sale"
		}
		return "find or create the customer, invoice " + amount
	case order.DoAttach:
		return fmt.Sprintf("put %d tickets on invoice %s, mark it delivered", tickets, o.InvoiceID())
	case order.DoLook:
		return "read what the POS holds for the buyer"
	case order.DoETickets:
		return "give the files of one line to the provider"
	case order.DoRevoke:
		return "take the files of one line back from the provider"
	case order.DoTransfer:
		return "tell the provider of the mobile transfer"
	case order.DoWillCall:
		return "tell the provider that the tickets lie at the box office"
	case order.DoFulfil:
		return "mark invoice " + o.InvoiceID() + " delivered"
	case order.DoReceive:
		return fmt.Sprintf("put %d tickets on purchase order %s", tickets, o.PurchaseOrderID())
	case order.DoHold:
		return fmt.Sprintf("keep %d tickets until the sale is certain", tickets)
	case order.DoReleaseHold:
		return "let go of the tickets that are held"
	case order.DoCredit:
		return "void the lines of cancelled tickets: " + amount + " are left"
	case order.DoVoidInvoice:
		return "void the invoice: " + o.Why()
	case order.DoPurchaseOrder:
		return "purchase order for " + amount
	case order.DoVoidPurchaseOrder:
		return "void the purchase order: " + o.Why()
	case order.DoAccept:
		return "accept the order at the provider"
	case order.DoReject:
		return "reject the order at the provider"
	case order.DoAirbill:
		return "fetch the airbill of shipment " + id.Subject()
	}
	return string(id)
}

// local makes the context of a local activity. Those touch Postgres alone and are retried for ever: an order never fails
// because its database was away.
func local(ctx workflow.Context, summary string) workflow.Context {
	return workflow.WithLocalActivityOptions(ctx, workflow.LocalActivityOptions{
		StartToCloseTimeout: 10 * time.Second,
		Summary:             summary,
		RetryPolicy: &temporal.RetryPolicy{
			InitialInterval:    100 * time.Millisecond,
			BackoffCoefficient: 2,
			MaximumInterval:    10 * time.Second,
		},
	})
}
