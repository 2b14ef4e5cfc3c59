package webhook

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	sdklog "go.temporal.io/sdk/log"
	"google.golang.org/grpc"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"

	"willcall/order"
)

// frontend stands for Temporal's: it keeps what it is sent and answers as it is told. That a real server understands the
// requests is proven by the end-to-end tests.
type frontend struct {
	workflowservice.UnimplementedWorkflowServiceServer
	healthpb.UnimplementedHealthServer

	mu       sync.Mutex
	requests []*workflowservice.SignalWithStartWorkflowExecutionRequest
	others   []string // request ids of other calls
	answer   error
	hang     bool
}

func (f *frontend) GetSystemInfo(context.Context, *workflowservice.GetSystemInfoRequest) (*workflowservice.GetSystemInfoResponse, error) {
	return &workflowservice.GetSystemInfoResponse{Capabilities: &workflowservice.GetSystemInfoResponse_Capabilities{}}, nil
}

func (f *frontend) Check(context.Context, *healthpb.HealthCheckRequest) (*healthpb.HealthCheckResponse, error) {
	return &healthpb.HealthCheckResponse{Status: healthpb.HealthCheckResponse_SERVING}, nil
}

func (f *frontend) SignalWithStartWorkflowExecution(ctx context.Context, r *workflowservice.SignalWithStartWorkflowExecutionRequest) (*workflowservice.SignalWithStartWorkflowExecutionResponse, error) {
	f.mu.Lock()
	f.requests = append(f.requests, r)
	answer, hang := f.answer, f.hang
	f.mu.Unlock()
	if hang {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	if answer != nil {
		return nil, serviceerror.ToStatus(answer).Err()
	}
	return &workflowservice.SignalWithStartWorkflowExecutionResponse{RunId: "run"}, nil
}

func (f *frontend) StartWorkflowExecution(_ context.Context, r *workflowservice.StartWorkflowExecutionRequest) (*workflowservice.StartWorkflowExecutionResponse, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.others = append(f.others, r.RequestId)
	return &workflowservice.StartWorkflowExecutionResponse{RunId: "run"}, nil
}

func dial(t *testing.T, f *frontend) (c client.Client, stop func()) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := grpc.NewServer()
	workflowservice.RegisterWorkflowServiceServer(s, f)
	healthpb.RegisterHealthServer(s, f)
	go func() { _ = s.Serve(l) }()
	t.Cleanup(s.Stop)
	c, err = client.NewLazyClient(client.Options{
		HostPort: l.Addr().String(),
		Logger:   sdklog.NewStructuredLogger(slog.New(slog.DiscardHandler)),
		ConnectionOptions: client.ConnectionOptions{
			DialOptions: []grpc.DialOption{grpc.WithChainUnaryInterceptor(RequestIDInterceptor())},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c, s.Stop
}

func someSignal() Signal {
	return Signal{
		Order: order.Identity{ID: "order:toy:7", Source: "toy", Provider: "toyshop", ProviderOrderID: "7", Kind: order.Sale},
		Event: order.Event{ID: "row-1", Type: "order", Snapshot: &order.Snapshot{
			Show: order.Show{Name: "Example Players", StartsAt: time.Date(2026, 12, 24, 20, 0, 0, 0, time.UTC)},
			Lines: []order.Line{
				{ID: "1", Quantity: 2, Unit: order.Money{Minor: 10050, Currency: "USD"}},
				{ID: "2", Quantity: 1, Unit: order.Money{Minor: 5000, Currency: "USD"}},
			},
		}},
		Attempt: 1,
	}
}

func TestSignalWithStart(t *testing.T) {
	t.Parallel()
	f := &frontend{}
	c, _ := dial(t, f)
	send := SignalWithStart(c)
	first := someSignal()
	again := someSignal()
	again.Attempt = 3
	for _, s := range []Signal{first, again} {
		if err := send(t.Context(), s); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := c.ExecuteWorkflow(t.Context(), client.StartWorkflowOptions{TaskQueue: "other"}, "Other"); err != nil {
		t.Fatal(err)
	}
	r := f.requests[0]
	for _, test := range []struct{ what, got, want string }{
		{"request id", r.RequestId, "row-1"},
		{"request id of a replay", f.requests[1].RequestId, "row-1:3"},
		{"workflow id", r.WorkflowId, "order:toy:7"},
		{"workflow type", r.WorkflowType.Name, "Order"},
		{"task queue", r.TaskQueue.Name, "orders"},
		{"signal", r.SignalName, "provider-event"},
		{"reuse policy", r.WorkflowIdReusePolicy.String(), "AllowDuplicate"},
		{"OrderSource", string(r.SearchAttributes.IndexedFields["OrderSource"].Data), `"toy"`},
		{"OrderProvider", string(r.SearchAttributes.IndexedFields["OrderProvider"].Data), `"toyshop"`},
		{"OrderState", string(r.SearchAttributes.IndexedFields["OrderState"].Data), `"received"`},
		{"input", string(r.Input.Payloads[0].Data),
			`{"id":"order:toy:7","source":"toy","provider":"toyshop","provider_order_id":"7","kind":"sale"}`},
		{"summary", string(r.UserMetadata.Summary.Data), `"toy 7 · sale · 3 × Example Players, 24 Dec 2026 · 251.00 USD"`},
	} {
		if test.got != test.want {
			t.Errorf("%s = %q; want %q", test.what, test.got, test.want)
		}
	}
	if r.WorkflowExecutionTimeout.AsDuration() != 0 || r.WorkflowRunTimeout.AsDuration() != 0 {
		t.Error("the order has a time-out; want none: it would end the order without cleaning up")
	}
	var ev order.Event
	if err := json.Unmarshal(r.SignalInput.Payloads[0].Data, &ev); err != nil || ev.ID != "row-1" || ev.Snapshot == nil {
		t.Errorf("signal = %s (%v); want the event", r.SignalInput.Payloads[0].Data, err)
	}
	if got := f.others[0]; strings.Contains(got, "row-1") || got == "" {
		t.Errorf("request id of another call = %q; want the SDK's own", got)
	}
}

func TestSignalErrorsSayWhomTheyConcern(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		answer error
		all    bool
	}{
		{"TooManySignalsConcernTheOrder", serviceerror.NewInvalidArgument("exceeded workflow execution limit for signal events"), false},
		{"BusyWorkflowConcernsTheOrder", serviceerror.NewResourceExhausted(enumspb.RESOURCE_EXHAUSTED_CAUSE_BUSY_WORKFLOW, "busy"), false},
		{"UnknownErrorConcernsTheOrder", serviceerror.NewInternal("what"), false},
		{"RateLimitConcernsAll", serviceerror.NewResourceExhausted(enumspb.RESOURCE_EXHAUSTED_CAUSE_RPS_LIMIT, "slow down"), true},
		{"MissingNamespaceConcernsAll", serviceerror.NewNamespaceNotFound("default"), true},
		{"RefusalOfOurCredentialsConcernsAll", serviceerror.NewPermissionDenied("no", ""), true},
		{"UnavailableConcernsAll", serviceerror.NewUnavailable("starting"), true},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			f := &frontend{answer: test.answer}
			c, _ := dial(t, f)
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			err := SignalWithStart(c)(ctx, someSignal())
			if err == nil || errors.Is(err, ErrUnreachable) != test.all {
				t.Errorf("error = %v; ErrUnreachable = %v, want %v", err, errors.Is(err, ErrUnreachable), test.all)
			}
		})
	}
	t.Run("HangingCallOnAHealthyServerConcernsTheOrder", func(t *testing.T) {
		t.Parallel()
		c, _ := dial(t, &frontend{hang: true})
		ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		defer cancel()
		if err := SignalWithStart(c)(ctx, someSignal()); err == nil || errors.Is(err, ErrUnreachable) {
			t.Errorf("error = %v; want one that is not ErrUnreachable", err)
		}
	})
	t.Run("NobodyThereConcernsAll", func(t *testing.T) {
		t.Parallel()
		c, stop := dial(t, &frontend{})
		stop()
		ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		defer cancel()
		if err := SignalWithStart(c)(ctx, someSignal()); !errors.Is(err, ErrUnreachable) {
			t.Errorf("error = %v; want ErrUnreachable", err)
		}
	})
}

func TestSummaryFitsAndCopesWithLittle(t *testing.T) {
	t.Parallel()
	s := someSignal()
	s.Event.Snapshot.Show.Name = strings.Repeat("é", 300)
	if got := summary(s); len(got) > maxSummary {
		t.Errorf("summary has %d bytes; want at most %d", len(got), maxSummary)
	}
	s.Event.Snapshot = nil
	if got, want := summary(s), "toy 7 · sale"; got != want {
		t.Errorf("summary = %q; want %q", got, want)
	}
}
