package workflows

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/converter"
	sdklog "go.temporal.io/sdk/log"
	"go.temporal.io/sdk/testsuite"

	"willcall/activities"
	"willcall/order"
	"willcall/provider"
)

// moved is news that the performance was moved by a day.
func moved(after time.Duration) order.Event {
	return said(after, order.Event{ID: "n1", Type: "event.updated", News: &order.News{ShowID: "915177", StartsAt: began.Add(31 * 24 * time.Hour)}})
}

func TestNewsThatStoringBringsIsAppliedAndStored(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	told := 0
	b.news = func(in activities.SaveInput) *order.Event {
		if e := moved(time.Minute); !in.Order.Knows(e) {
			told++
			return &e
		}
		return nil
	}
	var reason order.Reason
	var shown time.Time
	b.RegisterDelayedCallback(func() {
		reason, shown = b.attention(), b.last.Order.Show().StartsAt
	}, 30*time.Minute)
	b.hear(0, order.Event{ID: "w1", Snapshot: sold(order.Office), Status: order.StatusPending})
	b.update(time.Hour, order.Resolve, ann)
	b.hear(2*time.Hour, order.Event{ID: "w2", Status: order.StatusCancelled})
	b.run(order.Sale)
	if reason != order.ReasonEventMoved || !shown.Equal(began.Add(31*24*time.Hour)) {
		t.Errorf("got attention %q and a stored date %s; want %q and the new date", reason, shown, order.ReasonEventMoved)
	}
	if told != 1 {
		t.Errorf("the news was given out %d times; want once: what is stored knows it", told)
	}
}

// TestNewsThatIsKnownEndsTheStoring: were it taken in again, the order would be stored for ever.
func TestNewsThatIsKnownEndsTheStoring(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.news = func(activities.SaveInput) *order.Event {
		if b.saves > 100 {
			return nil // a broken shell is to fail, not to hang
		}
		e := moved(time.Minute)
		return &e
	}
	b.hear(0, order.Event{ID: "w1", Snapshot: sold(order.Office), Status: order.StatusPending})
	b.update(time.Hour, order.Resolve, ann)
	b.hear(2*time.Hour, order.Event{ID: "w2", Status: order.StatusCancelled})
	b.run(order.Sale)
	if b.saves > 20 || b.last.Order.StateNow != order.Cancelled {
		t.Errorf("got %s after it was stored %d times; want cancelled after a few", b.last.Order.StateNow, b.saves)
	}
}

// TestNewsThatComesWithTheLastStoringIsStored: the run wants to end, and the news keeps it.
func TestNewsThatComesWithTheLastStoringIsStored(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	closed := 0
	b.news = func(in activities.SaveInput) *order.Event {
		if in.Closed {
			closed++
		}
		if e := moved(time.Minute); in.Closed && !in.Order.Knows(e) {
			return &e
		}
		return nil
	}
	b.hear(0, order.Event{ID: "w1", Snapshot: sold(order.Office)})
	b.hear(time.Hour, order.Event{ID: "w2", Status: order.StatusCancelled})
	b.run(order.Sale)
	if got := b.last.Order.Show().StartsAt; !b.last.Closed || !got.Equal(began.Add(31*24*time.Hour)) || closed != 2 {
		t.Errorf("got closed %v, date %s, stored as closed %d times; want closed with the new date, the second time", b.last.Closed, got, closed)
	}
}

// spreading runs the Notice workflow with activities that note what they are given.
type spreading struct {
	*testsuite.TestWorkflowEnvironment
	done []string // "<activity> on <queue>: <event>"
	info activity.Info
	each func(activities.NoticeStep) error
}

func newSpreading(t *testing.T) *spreading {
	t.Helper()
	var suite testsuite.WorkflowTestSuite
	suite.SetDisableRegistrationAliasing(true)
	suite.SetLogger(sdklog.NewStructuredLogger(slog.New(slog.DiscardHandler)))
	s := &spreading{TestWorkflowEnvironment: suite.NewTestWorkflowEnvironment()}
	s.SetStartTime(began)
	s.SetTestTimeout(time.Minute)
	acts := &activities.Activities{}
	Register(s)
	RegisterLocal(s, acts)
	RegisterPOS(s, acts)
	for _, name := range []string{"TellOrders", "UpdateCustomer"} {
		s.OnActivity(name, mock.Anything, mock.Anything).Return(func(ctx context.Context, in activities.NoticeStep) (activities.Told, error) {
			s.info = activity.GetInfo(ctx)
			s.done = append(s.done, fmt.Sprintf("%s on %s: %s", name, s.info.TaskQueue, in.Event.ID))
			if s.each != nil {
				return activities.Told{}, s.each(in)
			}
			return activities.Told{}, nil
		})
	}
	return s
}

func (s *spreading) run(t *testing.T, kind string, events ...string) {
	t.Helper()
	for _, id := range events {
		s.RegisterDelayedCallback(func() { s.SignalWorkflow(SignalProviderEvent, order.Event{ID: id, Type: "news"}) }, 0)
	}
	s.ExecuteWorkflow(NoticeWorkflow, NoticeInput{Source: "tevo", Provider: "tevo", Kind: kind, Subject: "915177"})
	if !s.IsWorkflowCompleted() || s.GetWorkflowError() != nil {
		t.Fatalf("completed %v, error %v; want an end without one", s.IsWorkflowCompleted(), s.GetWorkflowError())
	}
}

func TestNewsIsSpreadByTheActivityOfItsKind(t *testing.T) {
	t.Parallel()
	for kind, want := range map[string]struct {
		done               string
		attempt, heartbeat time.Duration
	}{
		provider.AboutEvent:    {"TellOrders on orders: n1", time.Hour, 30 * time.Second},
		provider.AboutCustomer: {"UpdateCustomer on pos: n1", 30 * time.Second, 10 * time.Second},
	} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			s := newSpreading(t)
			var given activities.NoticeStep
			s.SetOnActivityStartedListener(func(_ *activity.Info, _ context.Context, args converter.EncodedValues) {
				if err := args.Get(&given); err != nil {
					t.Error(err)
				}
			})
			s.run(t, kind, "n1")
			if got := strings.Join(s.done, ", "); got != want.done {
				t.Errorf("got %s; want %s", got, want.done)
			}
			if s.info.HeartbeatTimeout != want.heartbeat || s.info.StartToCloseTimeout != want.attempt {
				t.Errorf("got attempt %s, heartbeat %s; want %s, %s", s.info.StartToCloseTimeout, s.info.HeartbeatTimeout, want.attempt, want.heartbeat)
			}
			if given.Source != "tevo" || given.Subject != "915177" || given.Event.ID != "n1" {
				t.Errorf("got %+v; want the source, the subject and the event", given)
			}
		})
	}
}

func TestNewsIsSpreadOneAfterTheOther(t *testing.T) {
	t.Parallel()
	s := newSpreading(t)
	attempts := map[string]int{}
	s.each = func(in activities.NoticeStep) error {
		attempts[in.Event.ID]++
		switch {
		case in.Event.ID == "n1" && attempts["n1"] == 1:
			s.SignalWorkflow(SignalProviderEvent, order.Event{ID: "n4", Type: "news"}) // while it is being told
			return outage()
		case in.Event.ID == "n2":
			return refused("invalid")
		}
		return nil
	}
	s.run(t, provider.AboutEvent, "n1", "n2", "n3")
	want := []string{"TellOrders on orders: n1", "TellOrders on orders: n1", "TellOrders on orders: n2", "TellOrders on orders: n3", "TellOrders on orders: n4"}
	if !slices.Equal(s.done, want) {
		t.Errorf("got %v; want %v: an outage is waited for, and what cannot be told holds up nothing", s.done, want)
	}
}
