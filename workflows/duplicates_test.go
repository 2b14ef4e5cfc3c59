package workflows

import (
	"context"
	"log/slog"
	"reflect"
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"go.temporal.io/sdk/activity"
	sdklog "go.temporal.io/sdk/log"
	"go.temporal.io/sdk/testsuite"

	"willcall/activities"
	"willcall/order"
)

// looking runs the Duplicates workflow with an activity that answers as each says, and returns how often it was tried.
func looking(t *testing.T, each func(attempt int) (activities.Duplicates, error)) (env *testsuite.TestWorkflowEnvironment, info *activity.Info, attempts *int) {
	t.Helper()
	var suite testsuite.WorkflowTestSuite
	suite.SetDisableRegistrationAliasing(true)
	suite.SetLogger(sdklog.NewStructuredLogger(slog.New(slog.DiscardHandler)))
	env, info, attempts = suite.NewTestWorkflowEnvironment(), &activity.Info{}, new(int)
	env.SetTestTimeout(time.Minute)
	Register(env)
	RegisterPOS(env, &activities.Activities{})
	in := activities.DuplicatesInput{Source: "tevo", Within: 720 * time.Hour}
	env.OnActivity("FindDuplicates", mock.Anything, in).Return(func(ctx context.Context, _ activities.DuplicatesInput) (activities.Duplicates, error) {
		*info, *attempts = activity.GetInfo(ctx), *attempts+1
		return each(*attempts)
	})
	env.ExecuteWorkflow(DuplicatesWorkflow, in)
	if !env.IsWorkflowCompleted() {
		t.Fatal("the workflow did not end")
	}
	return env, info, attempts
}

func TestDuplicatesAreLookedForAtThePOS(t *testing.T) {
	t.Parallel()
	want := activities.Duplicates{Looked: 7, Open: 1, First: []activities.Duplicate{{Reference: "order:tevo:1", Kind: order.DoInvoice, Live: 2, IDs: []string{"i1", "i2"}}}}
	env, info, attempts := looking(t, func(attempt int) (activities.Duplicates, error) {
		if attempt < 9 { // an outage of half an hour
			return activities.Duplicates{}, outage()
		}
		return want, nil
	})
	var got activities.Duplicates
	if err := env.GetWorkflowResult(&got); err != nil || !reflect.DeepEqual(got, want) || *attempts != 9 {
		t.Errorf("got %+v %v after %d attempts; want %+v after nine", got, err, *attempts, want)
	}
	if info.TaskQueue != TaskQueuePOS || info.HeartbeatTimeout != 10*time.Minute || info.ScheduleToCloseTimeout != 20*time.Hour {
		t.Errorf("got queue %s, heartbeat %s, in all %s; want %s, 10m, 20h", info.TaskQueue, info.HeartbeatTimeout, info.ScheduleToCloseTimeout, TaskQueuePOS)
	}
}

func TestALookThatCannotSucceedEnds(t *testing.T) {
	t.Parallel()
	env, _, attempts := looking(t, func(int) (activities.Duplicates, error) { return activities.Duplicates{}, refused("unauthorized") })
	if env.GetWorkflowError() == nil || *attempts != 1 {
		t.Errorf("refused: got %v after %d attempts; want an error after one", env.GetWorkflowError(), *attempts)
	}
}
