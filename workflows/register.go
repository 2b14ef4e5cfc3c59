package workflows

import (
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"willcall/activities"
)

// Register registers the workflows under their names.
func Register(r worker.WorkflowRegistry) {
	r.RegisterWorkflowWithOptions(Order, workflow.RegisterOptions{Name: OrderWorkflow})
	r.RegisterWorkflowWithOptions(Sweep, workflow.RegisterOptions{Name: SweepWorkflow})
	r.RegisterWorkflowWithOptions(Notice, workflow.RegisterOptions{Name: NoticeWorkflow})
	r.RegisterWorkflowWithOptions(Duplicates, workflow.RegisterOptions{Name: DuplicatesWorkflow})
	r.RegisterWorkflowWithOptions(Looks, workflow.RegisterOptions{Name: LooksWorkflow})
}

// RegisterLocal registers the activities that the workflows' own worker runs: they touch Postgres and Temporal alone.
func RegisterLocal(r worker.ActivityRegistry, a *activities.Activities) {
	named(r, "BeginOrder", a.BeginOrder)
	named(r, "SaveOrder", a.SaveOrder)
	named(r, "TellOrders", a.TellOrders)
}

// RegisterPOS registers the activities of the queue [TaskQueuePOS].
func RegisterPOS(r worker.ActivityRegistry, a *activities.Activities) {
	named(r, "CreateInvoice", a.CreateInvoice)
	named(r, "FindInvoice", a.FindInvoice)
	named(r, "VoidInvoice", a.VoidInvoice)
	named(r, "AttachTickets", a.AttachTickets)
	named(r, "CreatePurchaseOrder", a.CreatePurchaseOrder)
	named(r, "VoidPurchaseOrder", a.VoidPurchaseOrder)
	named(r, "UpdateCustomer", a.UpdateCustomer)
	named(r, "FindDuplicates", a.FindDuplicates)
	named(r, "LookForTickets", a.LookForTickets)
	named(r, "LookForAllTickets", a.LookForAllTickets)
	named(r, "MarkFulfilled", a.MarkFulfilled)
	named(r, "ReceiveTickets", a.ReceiveTickets)
	named(r, "CreditInvoice", a.CreditInvoice)
	named(r, "HoldTickets", a.HoldTickets)
	named(r, "ReleaseHold", a.ReleaseHold)
}

// RegisterProvider registers the activities of a queue of [TaskQueueProvider].
func RegisterProvider(r worker.ActivityRegistry, a *activities.Activities) {
	named(r, "ConfirmOrder", a.ConfirmOrder)
	named(r, "AcceptOrder", a.AcceptOrder)
	named(r, "RejectOrder", a.RejectOrder)
	named(r, "FetchAirbill", a.FetchAirbill)
	named(r, "PollOrders", a.PollOrders)
	named(r, "DeliverETickets", a.DeliverETickets)
	named(r, "RevokeETickets", a.RevokeETickets)
	named(r, "TransferTickets", a.TransferTickets)
	named(r, "LeaveAtWillCall", a.LeaveAtWillCall)
}

func named(r worker.ActivityRegistry, name string, fn any) {
	r.RegisterActivityWithOptions(fn, activity.RegisterOptions{Name: name})
}
