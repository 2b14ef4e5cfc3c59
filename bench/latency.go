package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/client"
	sdklog "go.temporal.io/sdk/log"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"willcall/app"
	"willcall/config"
	"willcall/dev/stack"
	"willcall/sim"
	"willcall/workflows"
)

// latencies compares the way of an order, one at a time, from the POST of its webhook to its invoice in the POS with a bare
// workflow that gets one signal, runs one local activity and one activity that does nothing.
func latencies(ctx context.Context, o options, out io.Writer) error {
	dir, err := os.MkdirTemp("", "willcall-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	s, err := stack.Start(ctx, stack.Options{Dir: dir, NoUI: true, Attributes: workflows.AttributeTypes(), Progress: os.Stderr})
	if err != nil {
		return err
	}
	defer s.Stop()
	log := slog.New(slog.DiscardHandler)
	door, stop, err := daemons(ctx, s, log)
	if err != nil {
		return err
	}
	defer stop()
	c, err := client.Dial(client.Options{HostPort: s.TemporalAddress, Logger: sdklog.NewStructuredLogger(log)})
	if err != nil {
		return err
	}
	defer c.Close()
	b, err := newBare(c)
	if err != nil {
		return err
	}
	defer b.worker.Stop()

	fmt.Fprintf(out, "From webhook to invoice, one order at a time, %d a round; Temporal's server on Postgres\n", o.orders)
	var ours, limits []time.Duration
	var ratios []float64
	for round := range o.rounds + 1 {
		var a, limit []time.Duration
		for i := range o.orders {
			n := round*o.orders + i
			took, err := invoice(ctx, s, door, n)
			if err != nil {
				return err
			}
			a = append(a, took)
			if took, err = b.once(ctx, n); err != nil {
				return err
			}
			limit = append(limit, took)
		}
		if round > 0 {
			ours, limits, ratios = append(ours, a...), append(limits, limit...), append(ratios, float64(median(a))/float64(median(limit)))
		}
	}
	fmt.Fprintf(out, "  %-46s p50 %5.1f ms   p99 %5.1f ms\n", "webhook → invoiced in the POS", ms(quantile(ours, .5)), ms(quantile(ours, .99)))
	fmt.Fprintf(out, "  %-46s p50 %5.1f ms   p99 %5.1f ms\n", "limit: bare workflow, as many activities", ms(quantile(limits, .5)), ms(quantile(limits, .99)))
	fmt.Fprintf(out, "  ratio, median of %d rounds: %.2f\n", o.rounds, median(ratios))
	return history(ctx, c, out)
}

// daemons runs webhookd and worker in this process, as `go run ./dev` does.
func daemons(ctx context.Context, s *stack.Stack, log *slog.Logger) (door string, stop func(), err error) {
	var addr, operator, health string
	for _, a := range []*string{&addr, &operator, &health} {
		if *a, err = stack.FreeAddr(); err != nil {
			return "", nil, err
		}
	}
	text := fmt.Sprintf("webhookd: {listen: %q}\noperator: {listen: %q}\nworker: {listen: %q}\npos: {simulator: {kind: http, url: %q, token: %s}}\n"+
		"sources:\n  tevo: {kind: tevo, secrets: [bench-tevo-token], pos: simulator, api: {url: %q, token: %s, secret: %s, reviewer_id: \"1\", confirm: false, sweep: false, per_second: 1000}}\n",
		addr, operator, health, s.POSURL, stack.POSToken, s.TEvoURL, stack.TEvoAPIToken, stack.TEvoAPISecret)
	cfg, err := config.Parse([]byte(text), func(name string) (string, bool) { return s.DatabaseURL, name == "DATABASE_URL" })
	if err != nil {
		return "", nil, err
	}
	o := app.Options{Config: cfg, Logger: log, Temporal: client.Options{HostPort: s.TemporalAddress}}
	if err := app.Migrate(ctx, o); err != nil {
		return "", nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan error, 2)
	for _, daemon := range []func(context.Context, app.Options) error{app.Worker, app.Webhookd} {
		go func() { ended <- daemon(ctx, o) }()
	}
	stop = func() { cancel(); <-ended; <-ended }
	for _, url := range []string{"http://" + operator + "/readyz", "http://" + health + "/readyz"} {
		for {
			resp, err := http.Get(url)
			if err == nil {
				resp.Body.Close()
				if resp.StatusCode == http.StatusOK {
					break
				}
			}
			select {
			case err := <-ended:
				cancel()
				return "", nil, err
			case <-time.After(20 * time.Millisecond):
			}
		}
	}
	return "http://" + addr + "/webhooks/tevo/bench-tevo-token", stop, nil
}

// invoice posts an order and waits until the POS has its invoice.
func invoice(ctx context.Context, s *stack.Stack, door string, n int) (time.Duration, error) {
	o := sim.OfficeSale(n).At(time.Now())
	s.TEvo.Put(o)
	_, body := o.Webhook("seller", "order_created")
	before := len(s.POS.State().Invoices)
	begun := time.Now()
	if err := post(ctx, http.DefaultClient, door, body); err != nil {
		return 0, err
	}
	for len(s.POS.State().Invoices) == before {
		if time.Since(begun) > 30*time.Second {
			return 0, fmt.Errorf("order %s was not invoiced within 30 s", o.GroupID)
		}
		time.Sleep(500 * time.Microsecond)
	}
	return time.Since(begun), nil
}

// bare is the limit: a workflow that does nothing.
type bare struct {
	client client.Client
	worker worker.Worker
	ran    chan struct{}
}

func newBare(c client.Client) (*bare, error) {
	b := &bare{client: c, ran: make(chan struct{}, 1), worker: worker.New(c, "bare", worker.Options{})}
	local := func(context.Context) error { return nil }
	b.worker.RegisterActivityWithOptions(func(context.Context) error { b.ran <- struct{}{}; return nil }, activity.RegisterOptions{Name: "bare"})
	b.worker.RegisterWorkflowWithOptions(func(ctx workflow.Context) error {
		workflow.GetSignalChannel(ctx, "go").Receive(ctx, nil)
		lctx := workflow.WithLocalActivityOptions(ctx, workflow.LocalActivityOptions{StartToCloseTimeout: 10 * time.Second})
		if err := workflow.ExecuteLocalActivity(lctx, local).Get(ctx, nil); err != nil {
			return err
		}
		ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{StartToCloseTimeout: 10 * time.Second, TaskQueue: "bare"})
		return workflow.ExecuteActivity(ctx, "bare").Get(ctx, nil)
	}, workflow.RegisterOptions{Name: "bare"})
	return b, b.worker.Start()
}

func (b *bare) once(ctx context.Context, n int) (time.Duration, error) {
	begun := time.Now()
	id := fmt.Sprintf("bare:%d", n)
	run, err := b.client.SignalWithStartWorkflow(ctx, id, "go", nil, client.StartWorkflowOptions{ID: id, TaskQueue: "bare"}, "bare")
	if err != nil {
		return 0, err
	}
	<-b.ran
	took := time.Since(begun)
	return took, run.Get(ctx, nil) // so that nothing of it runs into the next measurement
}

// history prints what one order costs Temporal.
func history(ctx context.Context, c client.Client, out io.Writer) error {
	id := "order:tevo:" + sim.OfficeSale(0).GroupID
	d, err := c.DescribeWorkflowExecution(ctx, id, "")
	if err != nil {
		return err
	}
	info := d.WorkflowExecutionInfo
	_, err = fmt.Fprintf(out, "\nOne Office sale, from webhook to accepted: %d history events, %d state transitions, %d bytes (goal: at most 24 events)\n",
		info.HistoryLength, info.StateTransitionCount, info.HistorySizeBytes)
	return err
}
