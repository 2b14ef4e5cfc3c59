package workflows

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"go.temporal.io/sdk/activity"
	sdklog "go.temporal.io/sdk/log"
	"go.temporal.io/sdk/testsuite"

	"willcall/activities"
)

// TestTicketsAreLookedForAtThePOS: an outage is waited for, and what cannot be mended by waiting ends the look.
func TestTicketsAreLookedForAtThePOS(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		err      error
		attempts int
		fails    bool
	}{"Outage": {outage(), 9, false}, "Refused": {refused("unauthorized"), 1, true}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var suite testsuite.WorkflowTestSuite
			suite.SetDisableRegistrationAliasing(true)
			suite.SetLogger(sdklog.NewStructuredLogger(slog.New(slog.DiscardHandler)))
			env := suite.NewTestWorkflowEnvironment()
			env.SetTestTimeout(time.Minute)
			Register(env)
			RegisterPOS(env, &activities.Activities{})
			in, want := activities.LooksInput{Source: "tevo"}, activities.Looks{Looked: 7, New: 1}
			var info activity.Info
			attempts := 0
			env.OnActivity("LookForAllTickets", mock.Anything, in).Return(func(ctx context.Context, _ activities.LooksInput) (activities.Looks, error) {
				if info, attempts = activity.GetInfo(ctx), attempts+1; attempts < 9 {
					return activities.Looks{}, c.err
				}
				return want, nil
			})
			env.ExecuteWorkflow(LooksWorkflow, in)
			var got activities.Looks
			err := env.GetWorkflowResult(&got)
			if (err != nil) != c.fails || attempts != c.attempts || !c.fails && got != want {
				t.Errorf("got %+v %v after %d attempts; want %+v after %d", got, err, attempts, want, c.attempts)
			}
			if info.TaskQueue != TaskQueuePOS || info.HeartbeatTimeout != 5*time.Minute || info.ScheduleToCloseTimeout != 12*time.Hour {
				t.Errorf("got queue %s, heartbeat %s, in all %s; want %s, 5m, 12h", info.TaskQueue, info.HeartbeatTimeout, info.ScheduleToCloseTimeout, TaskQueuePOS)
			}
		})
	}
}
