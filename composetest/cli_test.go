package composetest_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"time"

	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	sdklog "go.temporal.io/sdk/log"
	"google.golang.org/protobuf/types/known/durationpb"
)

// cli plays the two commands of Temporal's command line that namespace.sh uses, with the flags that its manual gives them
// (docs.temporal.io/cli/operator). The real one takes minutes to build and would prove little more.
func cli(args []string) int {
	if err := namespace(args); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

func namespace(args []string) error {
	if len(args) < 3 {
		return errors.New("want operator namespace COMMAND")
	}
	f := flag.NewFlagSet("temporal", flag.ContinueOnError)
	address := f.String("address", "", "")
	name := f.String("namespace", "", "")
	retention := f.Duration("retention", 72*time.Hour, "")
	if err := f.Parse(args[3:]); err != nil {
		return err
	}
	c, err := client.NewLazyClient(client.Options{HostPort: *address, Logger: sdklog.NewStructuredLogger(slog.New(slog.DiscardHandler))})
	if err != nil {
		return err
	}
	defer c.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	switch command := strings.Join(args[:3], " "); command {
	case "operator namespace describe":
		_, err = c.WorkflowService().DescribeNamespace(ctx, &workflowservice.DescribeNamespaceRequest{Namespace: *name})
	case "operator namespace create":
		_, err = c.WorkflowService().RegisterNamespace(ctx, &workflowservice.RegisterNamespaceRequest{
			Namespace: *name, WorkflowExecutionRetentionPeriod: durationpb.New(*retention)})
	default:
		err = fmt.Errorf("unknown command %q", command)
	}
	return err
}
