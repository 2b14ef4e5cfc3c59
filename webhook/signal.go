package webhook

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"willcall/order"
	"willcall/postgres"
	"willcall/provider"
	"willcall/workflows"
)

// Signal is one event for the workflow of one order. It holds no buyer data; see order.Event.
type Signal struct {
	Order   order.Identity
	Event   order.Event // its ID is the id of the row in the inbox
	Attempt int         // 1, and one more with each replay by an operator
	Sender  string      // the source that it came from: not the order's own where that is a POS

	// News names what the event is news of, where that is no order; Order is then only the id of the workflow that spreads it.
	News *workflows.NoticeInput

	// files came with the delivery, and are to be kept before the workflow hears of it.
	files []provider.File

	// unread is the row, where the event is not decoded yet: of it only ID, Type and Received are known then.
	unread *postgres.Webhook
}

// RequestID is what Temporal deduplicates the signal by within one run: the id of the row in the inbox, so that a sweep
// that repeats a signal changes nothing, with the attempt behind it from the second on, so that a replay is not taken
// for a repeat.
func (s Signal) RequestID() string {
	if s.Attempt > 1 {
		return s.Event.ID + ":" + strconv.Itoa(s.Attempt)
	}
	return s.Event.ID
}

// ErrUnreachable is wrapped by a signal's error that is not about the one order: Temporal is away, refuses us or
// throttles us. The forwarder then stops trying order by order until one gets through.
var ErrUnreachable = errors.New("temporal takes no signals from us at the moment")

// SignalWithStart returns the function that hands a signal to its order's workflow, and starts a run where none is
// open. News of an order whose run is closed starts another one, which loads the order's facts from Postgres.
// The client must have been dialled with [RequestIDInterceptor]. Errors: those that wrap [ErrUnreachable], all others
// concern the one order.
func SignalWithStart(c client.Client) func(context.Context, Signal) error {
	return func(ctx context.Context, s Signal) error {
		k := &call{requestID: s.RequestID()}
		start, workflow, input := s.start()
		_, err := c.SignalWithStartWorkflow(context.WithValue(ctx, callKey{}, k), s.Order.ID, workflows.SignalProviderEvent, s.Event,
			start, workflow, input)
		if err == nil {
			return nil
		}
		if last := k.err(); last != nil && timedOut(err) {
			err = last // the SDK retries until the deadline, and then says nothing but that
		}
		if !concernsAll(ctx, c, err) {
			return err
		}
		return fmt.Errorf("%w: %w", ErrUnreachable, err)
	}
}

// start says how to start the workflow that the signal is for, where none is open.
func (s Signal) start() (o client.StartWorkflowOptions, workflow string, input any) {
	o = client.StartWorkflowOptions{
		ID:                    s.Order.ID,
		TaskQueue:             workflows.TaskQueueOrders,
		WorkflowIDReusePolicy: enumspb.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE,
	}
	source, provider := workflows.AttrSource.ValueSet(s.Order.Source), workflows.AttrProvider.ValueSet(s.Order.Provider)
	if s.News != nil {
		o.StaticSummary = clip("news of "+s.News.Kind+" "+s.News.Subject+" at "+s.News.Source, maxSummary)
		o.TypedSearchAttributes = temporal.NewSearchAttributes(source, provider)
		return o, workflows.NoticeWorkflow, *s.News
	}
	o.StaticSummary = summary(s)
	o.TypedSearchAttributes = temporal.NewSearchAttributes(source, provider, workflows.AttrState.ValueSet(string(order.Received)))
	return o, workflows.OrderWorkflow, workflows.OrderInput{Identity: s.Order}
}

func timedOut(err error) bool {
	code := serviceerror.ToStatus(err).Code()
	return code == codes.DeadlineExceeded || code == codes.Canceled
}

// concernsAll reports whether err would meet every other order, too.
func concernsAll(ctx context.Context, c client.Client, err error) bool {
	var exhausted *serviceerror.ResourceExhausted
	if errors.As(err, &exhausted) {
		return exhausted.Cause != enumspb.RESOURCE_EXHAUSTED_CAUSE_BUSY_WORKFLOW
	}
	switch serviceerror.ToStatus(err).Code() {
	case codes.Unavailable, codes.Unauthenticated, codes.PermissionDenied, codes.Unimplemented,
		codes.NotFound: // only the namespace can be missing
		return true
	case codes.DeadlineExceeded, codes.Canceled:
		// One stuck workflow, or a server that answers nobody: ask.
		ask, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		_, err := c.CheckHealth(ask, &client.CheckHealthRequest{})
		return err != nil
	default:
		return false
	}
}

// maxSummary is what Temporal's documentation allows for a summary, in bytes.
const maxSummary = 200

// summary tells an operator in the list of workflows what the order is about. It never names the buyer.
func summary(s Signal) string {
	parts := []string{s.Order.Source + " " + s.Order.ProviderOrderID, string(s.Order.Kind)}
	if snap := s.Event.Snapshot; snap != nil {
		var total order.Money
		tickets := 0
		for _, l := range snap.Lines {
			tickets += l.Quantity
			total = total.Add(l.Amount())
		}
		what := snap.Show.Name
		if tickets > 0 {
			what = strings.TrimSpace(strconv.Itoa(tickets) + " × " + what)
		}
		if !snap.Show.StartsAt.IsZero() {
			what += ", " + snap.Show.StartsAt.Format("2 Jan 2006")
		}
		if what != "" {
			parts = append(parts, what)
		}
		if total.Minor != 0 {
			parts = append(parts, total.String())
		}
	}
	return clip(strings.Join(parts, " · "), maxSummary)
}

// call goes with one signal through the SDK, which may make several attempts of it.
type call struct {
	requestID string

	mu   sync.Mutex
	last error // of the newest attempt that was answered
}

type callKey struct{}

func (k *call) err() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.last
}

func (k *call) failed(err error) {
	if timedOut(err) {
		return
	}
	if _, ok := status.FromError(err); ok {
		err = serviceerror.FromStatus(status.Convert(err))
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.last = err
}

// RequestIDInterceptor gives the signals of [SignalWithStart] their request id: the SDK makes a random one up and has no
// option for it. It goes into client.Options.ConnectionOptions.DialOptions and leaves every other call alone.
func RequestIDInterceptor() grpc.UnaryClientInterceptor {
	return func(ctx context.Context, method string, req, reply any, cc *grpc.ClientConn, invoke grpc.UnaryInvoker,
		opts ...grpc.CallOption) error {
		k, ok := ctx.Value(callKey{}).(*call)
		r, is := req.(*workflowservice.SignalWithStartWorkflowExecutionRequest)
		if !ok || !is {
			return invoke(ctx, method, req, reply, cc, opts...)
		}
		r.RequestId = k.requestID
		err := invoke(ctx, method, req, reply, cc, opts...)
		if err != nil {
			k.failed(err)
		}
		return err
	}
}
