package workflows

import (
	"context"
	"errors"
	"fmt"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"willcall/activities"
)

// SweepInput says which source to poll.
type SweepInput struct {
	Source   string `json:"source"`
	Provider string `json:"provider"`
}

// Sweep asks one source's API what changed and puts what no webhook has told into the inbox.
func Sweep(ctx workflow.Context, in SweepInput) (activities.Polled, error) {
	ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		TaskQueue:           TaskQueueProvider(in.Provider),
		StartToCloseTimeout: 2 * time.Minute,
		Summary:             "what has changed at " + in.Source + " that no webhook told",
		RetryPolicy:         &temporal.RetryPolicy{InitialInterval: 5 * time.Second, MaximumAttempts: 3}, // the next sweep is near
	})
	var polled activities.Polled
	err := workflow.ExecuteActivity(ctx, do.PollOrders, activities.PollInput{Source: in.Source}).Get(ctx, &polled)
	return polled, err
}

// SweepEvery is how often a source is polled: the safety net, not the main road.
const SweepEvery = 5 * time.Minute

// EnsureSweep creates the schedule of a source's sweep, or brings the one that exists up to date.
func EnsureSweep(ctx context.Context, c client.Client, in SweepInput) error {
	id := "sweep:" + in.Source
	return ensure(ctx, c, client.ScheduleOptions{
		ID:   id,
		Spec: client.ScheduleSpec{Intervals: []client.ScheduleIntervalSpec{{Every: SweepEvery}}, Jitter: 30 * time.Second},
		Action: &client.ScheduleWorkflowAction{ID: id, Workflow: SweepWorkflow, TaskQueue: TaskQueueOrders, Args: []any{in},
			StaticSummary: "poll " + in.Source + " for what webhooks missed"},
		Overlap: enumspb.SCHEDULE_OVERLAP_POLICY_SKIP, CatchupWindow: 10 * time.Minute,
	})
}

// ensure creates a schedule, or brings the one that exists up to date.
func ensure(ctx context.Context, c client.Client, o client.ScheduleOptions) error {
	_, err := c.ScheduleClient().Create(ctx, o)
	if !errors.Is(err, temporal.ErrScheduleAlreadyRunning) {
		return wrap(err, o.ID)
	}
	err = c.ScheduleClient().GetHandle(ctx, o.ID).Update(ctx, client.ScheduleUpdateOptions{
		DoUpdate: func(old client.ScheduleUpdateInput) (*client.ScheduleUpdate, error) {
			s := old.Description.Schedule // a pause set by an operator stays
			s.Spec, s.Action = &o.Spec, o.Action
			return &client.ScheduleUpdate{Schedule: &s}, nil
		},
	})
	return wrap(err, o.ID)
}

func wrap(err error, id string) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("schedule %s: %w", id, err)
}
