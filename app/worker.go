package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/operatorservice/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"

	"willcall/activities"
	"willcall/config"
	"willcall/order"
	"willcall/postgres"
	"willcall/webhook"
	"willcall/workflows"
)

// Worker runs workflows and activities until ctx ends, and then lets running activities finish.
func Worker(ctx context.Context, o Options) error {
	cfg, log := o.Config, o.Logger.With("daemon", "worker")
	reg := newRegistry()
	db, err := postgres.Open(ctx, postgres.Options{URL: cfg.Database, MaxConns: int32(cfg.Worker.MaxConns)})
	if err != nil {
		return err
	}
	defer db.Close()
	sources, err := activitySources(cfg)
	if err != nil {
		return err
	}
	o.Logger = log
	c, hangUp, err := dial(o, reg)
	if err != nil {
		return err
	}
	defer hangUp()

	// What a sweep or a confirmation stores is forwarded by webhookd: no owner, so that it is claimed there at once.
	inbox := postgres.NewInbox(db, postgres.InboxOptions{Flushers: 2})
	defer closeInbox(inbox, log)
	signal := webhook.SignalWithStart(c)
	tell := func(ctx context.Context, id order.Identity, e order.Event) error {
		return signal(ctx, webhook.Signal{Order: id, Event: e, Attempt: 1})
	}
	metrics := activities.NewMetrics(reg)
	for name, src := range sources {
		api := cfg.Sources[name].API
		metrics.Expect(name, api != nil && *api.Sweep, src.Policy.Deliver)
	}
	acts := &activities.Activities{DB: db, Inbox: inbox, Sources: sources, Metrics: metrics, Logger: log, Tell: tell,
		DuplicatePause: askPause(cfg.Worker), LookPause: askPause(cfg.Worker)}

	ctx, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	workers := newWorkers(c, cfg, acts, fail)
	health, err := listen(cfg.Worker.Listen, healthHandler(reg, ready(db, c, namespaceOf(o.Temporal))))
	if err != nil {
		return fmt.Errorf("worker.listen: %w", err)
	}
	defer health.stop(time.Second)

	if err := startAll(ctx, c, workers, log); err != nil {
		return ended(ctx, err)
	}
	log.Info("worker is running", "queues", len(workers), "listen", cfg.Worker.Listen)
	go ensureSchedules(ctx, c, cfg, sources, log)
	<-ctx.Done()
	log.Info("worker stops: running activities may finish", "within", cfg.Worker.StopWithin)
	for _, w := range slices.Backward(workers) {
		w.Stop()
	}
	return ended(ctx, nil)
}

// newWorkers makes one worker for each task queue: a slow POS or provider holds up nobody else.
func newWorkers(c client.Client, cfg config.Config, acts *activities.Activities, fail func(error)) []worker.Worker {
	worker.SetStickyWorkflowCacheSize(cfg.Worker.Cache)
	options := worker.Options{
		WorkerStopTimeout:                      cfg.Worker.StopWithin,
		DisableRegistrationAliasing:            true,
		MaxConcurrentWorkflowTaskExecutionSize: cfg.Worker.Workflows,
		MaxConcurrentActivityExecutionSize:     cfg.Worker.Activities,
		DefaultHeartbeatThrottleInterval:       2 * time.Second, // a cancelled step is noticed as fast as it heartbeats
		MaxHeartbeatThrottleInterval:           2 * time.Second,
		OnFatalError:                           func(err error) { fail(fmt.Errorf("temporal worker: %w", err)) },
	}
	main := worker.New(c, workflows.TaskQueueOrders, options)
	workflows.Register(main)
	workflows.RegisterLocal(main, acts)

	options.DisableWorkflowWorker = true
	outside := func(queue string, perSecond float64) worker.Worker {
		o := options
		o.TaskQueueActivitiesPerSecond = perSecond
		return worker.New(c, queue, o)
	}
	pos := outside(workflows.TaskQueuePOS, cfg.Worker.POSPerSecond)
	workflows.RegisterPOS(pos, acts)
	out := []worker.Worker{main, pos}
	for kind, perSecond := range providerRates(cfg) {
		w := outside(workflows.TaskQueueProvider(kind), perSecond)
		workflows.RegisterProvider(w, acts)
		out = append(out, w)
	}
	return out
}

// providerRates is the rate of each kind's queue: the sum over its sources, since each has a limit of its own.
func providerRates(cfg config.Config) map[string]float64 {
	rates := map[string]float64{}
	for _, s := range cfg.Sources {
		if s.API != nil {
			rates[s.Kind] += s.API.PerSecond
		} else {
			rates[s.Kind] += 0
		}
	}
	return rates
}

// startAll starts the workers; while Temporal is away it tries again.
func startAll(ctx context.Context, c client.Client, workers []worker.Worker, log *slog.Logger) error {
	for {
		if _, err := c.CheckHealth(ctx, &client.CheckHealthRequest{}); err == nil {
			break
		} else if !wait(ctx, time.Second) {
			return ctx.Err()
		} else {
			log.Warn("Temporal is not reachable; trying again", "error", err)
		}
	}
	for _, w := range workers {
		if err := w.Start(); err != nil {
			return err
		}
	}
	return nil
}

// askPause is the time before each question of the looks for duplicates and for tickets: five in a second, or as many as
// the operator lets all workers ask, since buyers' orders go before them.
func askPause(k config.Worker) time.Duration {
	perSecond := 5.0
	if k.POSPerSecond > 0 {
		perSecond = min(perSecond, k.POSPerSecond)
	}
	return time.Duration(float64(time.Second) / perSecond)
}

// ensureSchedules creates the schedules of each source, trying until it succeeds.
func ensureSchedules(ctx context.Context, c client.Client, cfg config.Config, sources map[string]activities.Source, log *slog.Logger) {
	create := func(what, source string, do func() error) bool {
		for {
			err := do()
			if err == nil {
				return true
			}
			log.Warn("a schedule was not created; trying again", "what", what, "source", source, "error", err)
			if !wait(ctx, 5*time.Second) {
				return false
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(cfg.Sources)) {
		s := cfg.Sources[name]
		if !create("duplicates", name, func() error {
			return workflows.EnsureDuplicates(ctx, c, activities.DuplicatesInput{Source: name, Within: cfg.Worker.DuplicatesWithin})
		}) {
			return
		}
		if sources[name].Policy.Deliver && !create("looks", name, func() error {
			return workflows.EnsureLooks(ctx, c, activities.LooksInput{Source: name}, cfg.Worker.LookEvery)
		}) {
			return
		}
		if s.API == nil || !*s.API.Sweep {
			log.Warn("no sweep: changes that webhooks miss will stay unknown", "source", name)
			continue
		}
		if !create("sweep", name, func() error {
			return workflows.EnsureSweep(ctx, c, workflows.SweepInput{Source: name, Provider: s.Kind})
		}) {
			return
		}
	}
}

// RegisterSearchAttributes makes the namespace know our search attributes. It may be called any number of times.
func RegisterSearchAttributes(ctx context.Context, o Options) error {
	c, hangUp, err := dial(o, prometheus.NewRegistry())
	if err != nil {
		return err
	}
	defer hangUp()
	for name, kind := range workflows.AttributeTypes() {
		value, err := enumspb.IndexedValueTypeFromString(kind)
		if err != nil {
			return err
		}
		_, err = c.OperatorService().AddSearchAttributes(ctx, &operatorservice.AddSearchAttributesRequest{
			Namespace: namespaceOf(o.Temporal), SearchAttributes: map[string]enumspb.IndexedValueType{name: value}})
		var exists *serviceerror.AlreadyExists
		if err != nil && !errors.As(err, &exists) {
			return fmt.Errorf("search attribute %s: %w", name, err)
		}
	}
	return nil
}

func wait(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}

// ended is the reason why a daemon stopped: nil where it was asked to.
func ended(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil && !errors.Is(cause, context.Canceled) {
		return cause
	}
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

func closeInbox(inbox *postgres.Inbox, log *slog.Logger) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if err := inbox.Close(ctx); err != nil {
		log.Warn("the inbox was not closed cleanly", "error", err)
	}
}
