package webhook

import (
	"context"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"

	"willcall/postgres"
	"willcall/workflows"
)

// Ask hands an event to its order's workflow, starting a run where none is open, and returns where the order stands then. It
// waits no longer than within; errors say nothing about the event, which lies in the inbox and is signalled all the same.
//
// The update carries the event, so that the answer does not depend on how fast the signal is; what is known is not applied
// twice. It has an id of its own each time: a repeat of the webhook wants to know how the order stands by now.
func Ask(c client.Client) func(ctx context.Context, s Signal, within time.Duration) (workflows.Standing, error) {
	return func(ctx context.Context, s Signal, within time.Duration) (standing workflows.Standing, err error) {
		ctx, cancel := context.WithTimeout(ctx, within)
		defer cancel()
		start, workflow, input := s.start()
		start.WorkflowIDConflictPolicy = enumspb.WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING
		// The workflow gives up a little before the sender does, so that its answer is the one that counts.
		wait := max(within-within/4, time.Millisecond)
		handle, err := c.UpdateWithStartWorkflow(ctx, client.UpdateWithStartWorkflowOptions{
			StartWorkflowOperation: c.NewWithStartWorkflowOperation(start, workflow, input),
			UpdateOptions: client.UpdateWorkflowOptions{
				UpdateID: "hear:" + s.Event.ID + ":" + postgres.NewID(), WorkflowID: s.Order.ID, UpdateName: workflows.UpdateHear,
				Args: []any{workflows.HearInput{Event: s.Event, Wait: wait}}, WaitForStage: client.WorkflowUpdateStageCompleted,
			},
		})
		if err != nil {
			return standing, err
		}
		return standing, handle.Get(ctx, &standing)
	}
}
