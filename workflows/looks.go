package workflows

import (
	"context"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"willcall/activities"
)

// Looks looks in the point of sale for tickets that have come for orders of one source.
func Looks(ctx workflow.Context, in activities.LooksInput) (activities.Looks, error) {
	ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		TaskQueue:              TaskQueuePOS,
		ScheduleToCloseTimeout: 12 * time.Hour, // a look skips those that fall due meanwhile
		HeartbeatTimeout:       5 * time.Minute,
		Summary:                "which tickets have come for orders of " + in.Source,
		RetryPolicy: &temporal.RetryPolicy{
			InitialInterval:    5 * time.Second,
			BackoffCoefficient: 2,
			MaximumInterval:    5 * time.Minute, // it goes on where it was
		},
	})
	var found activities.Looks
	err := workflow.ExecuteActivity(ctx, do.LookForAllTickets, in).Get(ctx, &found)
	return found, err
}

// EnsureLooks creates the schedule of a source's looks for tickets, or brings the one that exists up to date. Where the POS tells that
// something has changed nobody waits for it; elsewhere every is how late a ticket is delivered.
func EnsureLooks(ctx context.Context, c client.Client, in activities.LooksInput, every time.Duration) error {
	id := LooksID(in.Source)
	return ensure(ctx, c, client.ScheduleOptions{
		ID: id,
		// The jitter keeps sources that share a POS from asking it all at once.
		Spec: client.ScheduleSpec{Intervals: []client.ScheduleIntervalSpec{{Every: every}}, Jitter: every / 10},
		Action: &client.ScheduleWorkflowAction{ID: id, Workflow: LooksWorkflow, TaskQueue: TaskQueueOrders, Args: []any{in},
			StaticSummary: "look for tickets that have come for orders of " + in.Source},
		Overlap: enumspb.SCHEDULE_OVERLAP_POLICY_SKIP, CatchupWindow: time.Minute,
	})
}
