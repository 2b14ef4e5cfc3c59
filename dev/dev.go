package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"go.temporal.io/sdk/client"

	"willcall/app"
	"willcall/config"
	"willcall/dev/stack"
	"willcall/sim"
	"willcall/workflows"
)

type options struct {
	data, config                                        string
	fresh, quiet                                        bool
	rate                                                float64
	seed                                                uint64
	webhookd, operator, worker, pos, tevo, temporal, ui string
	vivenu, ltd                                         string
}

func flags(f *flag.FlagSet) *options {
	o := &options{}
	f.StringVar(&o.data, "data", ".data", "directory that keeps everything over restarts")
	f.BoolVar(&o.fresh, "fresh", false, "forget what is in the data directory and start over")
	f.StringVar(&o.config, "config", "config/dev.yaml", "configuration of the two daemons")
	f.BoolVar(&o.quiet, "quiet", false, "show warnings only; everything is in logs/willcall.log of the data directory")
	f.Float64Var(&o.rate, "rate", 6, "simulated orders per minute; 0 turns them off")
	f.Uint64Var(&o.seed, "seed", uint64(time.Now().UnixNano()), "chooses the simulated orders")
	f.StringVar(&o.webhookd, "webhookd", "127.0.0.1:8080", "address for webhooks")
	f.StringVar(&o.operator, "operator", "127.0.0.1:8081", "address of the operators' API")
	f.StringVar(&o.worker, "worker", "127.0.0.1:8082", "address of the worker's metrics")
	f.StringVar(&o.pos, "pos", "127.0.0.1:8090", "address of the POS simulator")
	f.StringVar(&o.tevo, "tevo", "127.0.0.1:8091", "address of the simulator of Ticket Evolution's API")
	f.StringVar(&o.vivenu, "vivenu", "127.0.0.1:8092", "address of the simulator of vivenu's API")
	f.StringVar(&o.ltd, "ltd", "127.0.0.1:8093", "address of the simulator of London Theatre Direct's API")
	f.StringVar(&o.temporal, "temporal", "127.0.0.1:7233", "address of the Temporal server")
	f.StringVar(&o.ui, "ui", "127.0.0.1:8233", "address of the Temporal UI")
	return o
}

// webhook is the URL of a source at the door.
func (o options) webhook(source string) string { return "http://" + o.webhookd + "/webhooks/" + source }

func run(ctx context.Context, o options, out io.Writer) error {
	begun := time.Now()
	for _, addr := range []string{o.webhookd, o.operator, o.worker, o.pos, o.tevo, o.vivenu, o.ltd} {
		if err := stack.CheckFree(addr); err != nil {
			return err
		}
	}
	external := os.Getenv("TEMPORAL_ADDRESS")
	if external == "" {
		for _, addr := range []string{o.temporal, o.ui} {
			if err := stack.CheckFree(addr); err != nil {
				return err
			}
		}
	}
	data, err := filepath.Abs(o.data)
	if err != nil {
		return err
	}
	if o.fresh {
		if err := forget(data); err != nil {
			return err
		}
	}
	fmt.Fprintf(out, "data and logs: %s\n", data)
	s, err := stack.Start(ctx, stack.Options{
		Dir: data, Postgres: os.Getenv("DATABASE_URL"), Temporal: external, Attributes: workflows.AttributeTypes(),
		TemporalAddr: o.temporal, UIAddr: o.ui, POSAddr: o.pos, TEvoAddr: o.tevo, VivenuAddr: o.vivenu, LTDAddr: o.ltd,
		POS: sim.POSOptions{Events: sim.POSEvents{URL: o.webhook("simulator")}},
		// These know orders that were posted by hand as well.
		TEvo:   sim.TEvoOptions{Lenient: true},
		Vivenu: sim.VivenuOptions{Lenient: true},
		Mix: sim.MixOptions{
			Sender: sim.SenderOptions{URL: o.webhook("tevo/dev-tevo-token"), Rate: o.rate, Seed: o.seed},
			// The POS gets tickets of orders of the source tevo, which are then for us to deliver.
			SupplyReference: "order:tevo:",
			VivenuTarget:    sim.Target{URL: o.webhook("vivenu")},
			LTDTarget:       sim.Target{URL: o.webhook("ltd/dev-ltd-token")},
			TixstockTarget:  sim.Target{URL: o.webhook("tixstock")},
		},
		Progress: out,
	})
	if err != nil {
		return err
	}
	defer s.Stop()
	// What dev/sample-tixstock.json brings a ticket for: a sale of our own shop, which the POS has before Tixstock hears of it.
	s.POS.Sell("3434341233", "Ada Sample", sim.POSInvoiceLine{InventoryID: "15454542", Quantity: 1, Total: sim.POSMoney{Amount: "45.00", Currency: "GBP"}})
	daemons, err := daemonOptions(o, s, data, out)
	if err != nil {
		return err
	}
	return serve(ctx, daemons, s, o, out, begun)
}

// daemonOptions is the configuration of the daemons with the addresses of this run in it.
func daemonOptions(o options, s *stack.Stack, data string, out io.Writer) (app.Options, error) {
	environment := map[string]string{
		"DATABASE_URL": s.DatabaseURL, "WILLCALL_WEBHOOKD_LISTEN": o.webhookd, "WILLCALL_OPERATOR_LISTEN": o.operator,
		"WILLCALL_WORKER_LISTEN": o.worker, "WILLCALL_POS_URL": s.POSURL, "WILLCALL_TEVO_URL": s.TEvoURL,
		"WILLCALL_VIVENU_URL": s.VivenuURL, "WILLCALL_LTD_URL": s.LTDURL,
	}
	raw, err := os.ReadFile(o.config)
	if err != nil {
		return app.Options{}, fmt.Errorf("%w (run it from the root of the repository, or name the file with -config)", err)
	}
	cfg, err := config.Parse(raw, func(name string) (string, bool) {
		if v, ok := environment[name]; ok {
			return v, true
		}
		return os.LookupEnv(name)
	})
	if err != nil {
		return app.Options{}, fmt.Errorf("%s:\n%w", o.config, err)
	}
	file, err := os.OpenFile(filepath.Join(data, "logs", "willcall.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return app.Options{}, err
	}
	level := slog.LevelInfo
	if o.quiet {
		level = slog.LevelWarn
	}
	logger := slog.New(slog.NewMultiHandler(
		slog.NewTextHandler(out, &slog.HandlerOptions{Level: level}),
		slog.NewJSONHandler(file, &slog.HandlerOptions{Level: slog.LevelInfo})))
	return app.Options{Config: cfg, Logger: logger, Temporal: client.Options{HostPort: s.TemporalAddress}}, nil
}

// serve runs daemons and simulated orders until ctx ends or something fails.
func serve(ctx context.Context, d app.Options, s *stack.Stack, o options, out io.Writer, begun time.Time) error {
	ctx, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	if err := app.Migrate(ctx, d); err != nil {
		return err
	}
	if s.Temporal == nil { // somebody else's server: ours got them at its start
		if err := app.RegisterSearchAttributes(ctx, d); err != nil {
			return err
		}
	}
	ended := make(chan error, 2)
	for _, daemon := range []func(context.Context, app.Options) error{app.Worker, app.Webhookd} {
		go func() {
			err := daemon(ctx, d)
			if err != nil {
				fail(err)
			}
			ended <- err
		}()
	}
	go func() {
		if err := s.Wait(ctx); err != nil {
			fail(err)
		}
	}()
	if err := awaitReady(ctx, "http://"+o.operator+"/readyz", "http://"+o.worker+"/readyz"); err == nil {
		banner(out, s, o, time.Since(begun))
		s.Mix.Run(ctx)
	}
	<-ctx.Done()
	fmt.Fprintln(out, "stopping")
	err := errors.Join(<-ended, <-ended)
	if err == nil && !errors.Is(context.Cause(ctx), context.Canceled) {
		err = context.Cause(ctx)
	}
	return err
}

func awaitReady(ctx context.Context, urls ...string) error {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for _, url := range urls {
		for !answers(ctx, url) {
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-tick.C:
			}
		}
	}
	return nil
}

func answers(ctx context.Context, url string) bool {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return false
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return false
	}
	defer resp.Body.Close()
	return resp.StatusCode == http.StatusOK
}

func banner(out io.Writer, s *stack.Stack, o options, took time.Duration) {
	ui := s.UIURL
	if ui == "" {
		ui = "(that of the Temporal server at " + s.TemporalAddress + ")"
	}
	orders := fmt.Sprintf("%g a minute from the simulator (-rate 0 turns them off)", o.rate)
	if o.rate == 0 {
		orders = "none from the simulator (-rate 6 sends some)"
	}
	fmt.Fprintf(out, `
Willcall is ready after %.1f s. Ctrl-C stops it; the data stays, -fresh forgets it.

  Temporal UI     %s/namespaces/default/workflows
  orders          http://%s/v1/orders
  webhooks        http://%s/v1/webhooks
  metrics         http://%s/metrics   http://%s/metrics
  POS simulator   %s/admin/state
  new orders      %s

Post one more order, and look at it in the Temporal UI:

  curl -i http://%s/webhooks/tevo/dev-tevo-token \
    --data-urlencode order_group_id=$RANDOM --data-urlencode recipient=seller \
    --data-urlencode event_type=order_created --data-urlencode body@dev/sample-order.json

README.md has the same for vivenu, Tixstock, London Theatre Direct and the POS.

`, took.Seconds(), ui, o.operator, o.operator, o.operator, o.worker, s.POSURL, orders, o.webhookd)
}

// forget removes what earlier runs left. It refuses a directory that no run of ours has made, in case -data names another.
func forget(data string) error {
	if _, err := os.Stat(data); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if _, err := os.Stat(filepath.Join(data, stack.Marker)); err != nil {
		return fmt.Errorf("-fresh: %s was not made by this program (it has no file %s): remove it yourself if you mean it", data, stack.Marker)
	}
	for _, part := range []string{"postgres", "logs", "pos.json"} {
		if err := os.RemoveAll(filepath.Join(data, part)); err != nil {
			return err
		}
	}
	return nil
}
