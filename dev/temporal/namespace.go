package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/operatorservice/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"
)

// namespaceRefresh is how often each role reads the namespaces from Postgres.
const namespaceRefresh = 250 * time.Millisecond

// attributes are search attributes by name.
type attributes map[string]enumspb.IndexedValueType

func (a attributes) String() string { return "" }

// Set takes Name=Type, as the Temporal CLI does.
func (a *attributes) Set(text string) error {
	name, typ, ok := strings.Cut(text, "=")
	value, err := enumspb.IndexedValueTypeFromString(typ)
	if !ok || name == "" || err != nil || value == enumspb.INDEXED_VALUE_TYPE_UNSPECIFIED {
		return errors.New("want Name=Type with type Keyword, Text, Int, Double, Bool, Datetime or KeywordList")
	}
	if *a == nil {
		*a = attributes{}
	}
	(*a)[name] = value
	return nil
}

// prepareNamespace waits until the frontend serves and creates what is missing.
// An existing namespace keeps its retention, an existing attribute its type.
func prepareNamespace(ctx context.Context, o options, address string) error {
	conn, err := grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithUnaryInterceptor(typedErrors))
	if err != nil {
		return fmt.Errorf("dial %s: %w", address, err)
	}
	defer func() { _ = conn.Close() }()

	created, err := ensureNamespace(ctx, workflowservice.NewWorkflowServiceClient(conn), o)
	if err != nil {
		return fmt.Errorf("namespace %q: %w", o.namespace, err)
	}
	added, err := ensureAttributes(ctx, operatorservice.NewOperatorServiceClient(conn), o)
	if err != nil {
		return fmt.Errorf("search attributes of namespace %q: %w", o.namespace, err)
	}
	if !created && !added {
		return nil
	}
	// Each role has its own copy of the namespaces. A workflow that is started
	// between two reads would be refused for a search attribute that exists.
	return wait(ctx, 2*namespaceRefresh)
}

// ensureNamespace does not ask first whether the namespace is there: the frontend
// would remember the No for a second.
func ensureNamespace(ctx context.Context, service workflowservice.WorkflowServiceClient, o options) (created bool, err error) {
	for {
		_, err := service.RegisterNamespace(ctx, &workflowservice.RegisterNamespaceRequest{
			Namespace:                        o.namespace,
			WorkflowExecutionRetentionPeriod: durationpb.New(o.retention),
		}, grpc.WaitForReady(true))
		if there := new(serviceerror.NamespaceAlreadyExists); errors.As(err, &there) {
			return false, nil
		}
		// The frontend answers Unavailable until its own start is complete.
		if away := new(serviceerror.Unavailable); errors.As(err, &away) && wait(ctx, 20*time.Millisecond) == nil {
			continue
		}
		return err == nil, err
	}
}

func ensureAttributes(ctx context.Context, service operatorservice.OperatorServiceClient, o options) (added bool, err error) {
	if len(o.searchAttributes) == 0 {
		return false, nil
	}
	existing, err := service.ListSearchAttributes(ctx, &operatorservice.ListSearchAttributesRequest{Namespace: o.namespace})
	for unknown := new(serviceerror.NamespaceNotFound); errors.As(err, &unknown) && wait(ctx, 20*time.Millisecond) == nil; {
		existing, err = service.ListSearchAttributes(ctx, &operatorservice.ListSearchAttributesRequest{Namespace: o.namespace})
	}
	if err != nil {
		return false, err
	}
	missing := attributes{}
	for name, want := range o.searchAttributes {
		got, ok := existing.GetCustomAttributes()[name]
		if !ok {
			missing[name] = want
		} else if got != want {
			return false, fmt.Errorf("%s exists as %s, not %s: remove it in the namespace first, or give its type as it is", name, got, want)
		}
	}
	if len(missing) == 0 {
		return false, nil
	}
	_, err = service.AddSearchAttributes(ctx, &operatorservice.AddSearchAttributesRequest{
		Namespace: o.namespace, SearchAttributes: missing,
	})
	if there := new(serviceerror.AlreadyExists); errors.As(err, &there) {
		err = nil
	}
	return true, err
}

// typedErrors turns gRPC statuses into the error types of package serviceerror.
func typedErrors(ctx context.Context, method string, req, reply any, conn *grpc.ClientConn, invoke grpc.UnaryInvoker, opts ...grpc.CallOption) error {
	err := invoke(ctx, method, req, reply, conn, opts...)
	if s, ok := status.FromError(err); ok && s.Code() != codes.OK {
		return serviceerror.FromStatus(s)
	}
	return err
}

func wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
