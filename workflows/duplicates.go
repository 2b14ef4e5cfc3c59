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

// Duplicates looks in the point of sale for references of one source that several live records bear.
func Duplicates(ctx workflow.Context, in activities.DuplicatesInput) (activities.Duplicates, error) {
	ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		TaskQueue:              TaskQueuePOS,
		ScheduleToCloseTimeout: 20 * time.Hour,   // the next look is near then
		HeartbeatTimeout:       10 * time.Minute, // a POS that lists instead of searching takes long to answer
		Summary:                "which orders of " + in.Source + " the POS has twice",
		RetryPolicy: &temporal.RetryPolicy{
			InitialInterval:    5 * time.Second,
			BackoffCoefficient: 2,
			MaximumInterval:    10 * time.Minute, // nobody waits for it, and it goes on where it was
		},
	})
	var found activities.Duplicates
	err := workflow.ExecuteActivity(ctx, do.FindDuplicates, in).Get(ctx, &found)
	return found, err
}

// DuplicatesHour is when a source's duplicates are looked for, UTC: a quiet one on both sides of the Atlantic.
const DuplicatesHour = 5

// EnsureDuplicates creates the schedule of a source's nightly look for duplicates, or brings the one that exists up to date.
func EnsureDuplicates(ctx context.Context, c client.Client, in activities.DuplicatesInput) error {
	id := DuplicatesID(in.Source)
	return ensure(ctx, c, client.ScheduleOptions{
		ID: id,
		// The jitter keeps sources that share a POS from asking it all at once.
		Spec: client.ScheduleSpec{Calendars: []client.ScheduleCalendarSpec{{Hour: []client.ScheduleRange{{Start: DuplicatesHour}}}}, Jitter: time.Hour},
		Action: &client.ScheduleWorkflowAction{ID: id, Workflow: DuplicatesWorkflow, TaskQueue: TaskQueueOrders, Args: []any{in},
			StaticSummary: "look for orders of " + in.Source + " that the POS has twice"},
		Overlap: enumspb.SCHEDULE_OVERLAP_POLICY_SKIP, CatchupWindow: 6 * time.Hour,
	})
}
