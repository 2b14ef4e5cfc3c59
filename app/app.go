// Package app puts the daemons together from a configuration: connections, sources, metrics, HTTP servers, Temporal workers,
// and the order in which they start and stop. It is the only package that knows everything, and only commands and tests
// import it. It holds no rule of the trade.
package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	otelprom "go.opentelemetry.io/otel/exporters/prometheus"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/contrib/envconfig"
	temporalotel "go.temporal.io/sdk/contrib/opentelemetry"
	sdklog "go.temporal.io/sdk/log"
	"google.golang.org/grpc"

	"willcall/config"
	"willcall/postgres"
	"willcall/webhook"
)

// Options are what a daemon is started with.
type Options struct {
	Config   config.Config
	Temporal client.Options // address, namespace, credentials; the rest is set here
	Logger   *slog.Logger
}

// FromEnvironment reads the configuration file (path, else WILLCALL_CONFIG) and the TEMPORAL_* environment.
func FromEnvironment(path string) (Options, error) {
	if path == "" {
		path = os.Getenv("WILLCALL_CONFIG")
	}
	if path == "" {
		return Options{}, errors.New("no configuration: name a file with -config or WILLCALL_CONFIG, such as config/dev.yaml")
	}
	cfg, err := config.Load(path)
	if err != nil {
		return Options{}, err
	}
	temporal, err := envconfig.LoadDefaultClientOptions()
	if err != nil {
		return Options{}, fmt.Errorf("TEMPORAL_* environment: %w", err)
	}
	return Options{Config: cfg, Temporal: temporal, Logger: NewLogger(os.Stdout, cfg.Log)}, nil
}

// NewLogger writes what the configuration asks for to w.
func NewLogger(w io.Writer, c config.Log) *slog.Logger {
	var level slog.Level
	if err := level.UnmarshalText([]byte(c.Level)); err != nil {
		level = slog.LevelInfo
	}
	options := &slog.HandlerOptions{Level: level}
	if c.Format == "text" {
		return slog.New(slog.NewTextHandler(w, options))
	}
	return slog.New(slog.NewJSONHandler(w, options))
}

// Run does what a command was started for, with the options of its environment.
func Run(ctx context.Context, file string, do func(context.Context, Options) error) error {
	o, err := FromEnvironment(file)
	if err != nil {
		return err
	}
	return do(ctx, o)
}

// Migrate brings the schema of our Postgres up to date.
func Migrate(ctx context.Context, o Options) error {
	db, err := postgres.Open(ctx, postgres.Options{URL: o.Config.Database, MaxConns: 2})
	if err != nil {
		return err
	}
	defer db.Close()
	applied, err := db.Migrate(ctx)
	if err == nil {
		o.Logger.Info("the schema is up to date", "migrations applied", applied)
	}
	return err
}

// newRegistry is a registry with the runtime's own metrics.
func newRegistry() *prometheus.Registry {
	reg := prometheus.NewRegistry()
	reg.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return reg
}

// dial prepares a client that connects when it is first used, so that a daemon boots while Temporal is away. The SDK's
// metrics go to reg.
func dial(o Options, reg prometheus.Registerer) (client.Client, func(), error) {
	exporter, err := otelprom.New(otelprom.WithRegisterer(reg), otelprom.WithoutScopeInfo())
	if err != nil {
		return nil, nil, err
	}
	meters := sdkmetric.NewMeterProvider(sdkmetric.WithReader(exporter), sdkmetric.WithView(sdkmetric.NewView(
		sdkmetric.Instrument{Kind: sdkmetric.InstrumentKindHistogram, Name: "temporal_*"},
		// The default buckets begin at five seconds and are of no use here.
		sdkmetric.Stream{Aggregation: sdkmetric.AggregationExplicitBucketHistogram{
			Boundaries: []float64{.001, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 300}}})))
	options := o.Temporal
	options.Logger = sdklog.NewStructuredLogger(o.Logger)
	options.MetricsHandler = temporalotel.NewMetricsHandler(temporalotel.MetricsHandlerOptions{
		Meter: meters.Meter("temporal"), UseMonotonicCounters: true,
		OnError: func(err error) { o.Logger.Warn("a metric of the Temporal SDK was lost", "error", err) },
	})
	options.ConnectionOptions.DialOptions = append(options.ConnectionOptions.DialOptions,
		grpc.WithChainUnaryInterceptor(webhook.RequestIDInterceptor()))
	c, err := client.NewLazyClient(options)
	if err != nil {
		return nil, nil, err
	}
	return c, func() { c.Close(); _ = meters.Shutdown(context.Background()) }, nil
}

// ready says which of the things that a daemon needs is missing.
func ready(db *postgres.DB, c client.Client, namespace string) func(context.Context) error {
	return func(ctx context.Context) error {
		var faults []error
		if err := db.SchemaCurrent(ctx); err != nil {
			faults = append(faults, err)
		}
		if c != nil {
			_, err := c.WorkflowService().DescribeNamespace(ctx, &workflowservice.DescribeNamespaceRequest{Namespace: namespace})
			if err != nil {
				faults = append(faults, fmt.Errorf("temporal: namespace %s: %w", namespace, err))
			}
		}
		return errors.Join(faults...)
	}
}

func namespaceOf(o client.Options) string {
	if o.Namespace == "" {
		return client.DefaultNamespace
	}
	return o.Namespace
}
