// Command temporal is a whole Temporal cluster (frontend, history, matching,
// worker) and its web UI in one process, on a Postgres that is already there.
//
// It owns the development server and nothing else: it keeps the databases'
// schema up to date, sees that the namespace and its search attributes exist,
// says READY and serves until it is told to stop. It has no authentication and
// therefore refuses every address that is not a loopback address: production
// runs Temporal's own images or Temporal Cloud.
//
// It is a module of its own because it needs hundreds of modules which must not
// reach the product. It must not import anything of module willcall; the
// product finds, builds and runs it by package willcall/dev/temporalserver.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"
)

// options is the command line, checked.
type options struct {
	postgres           string // HOST:PORT
	user               string
	password           string
	sslMode            string
	database           string
	visibility         string
	address            string // HOST:PORT of the gRPC frontend; port 0 = any free one
	ui                 string // HOST:PORT of the UI, "" = none
	namespace          string
	retention          time.Duration
	shards             int
	searchAttributes   attributes
	logLevel           string
	exitOnStdinClose   bool
	stopTimeoutSeconds int
}

func main() {
	opts, err := parse(os.Args[1:], os.Getenv, os.Stderr)
	if errors.Is(err, flag.ErrHelp) {
		return
	}
	if err != nil {
		fail(err)
	}

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if opts.exitOnStdinClose {
		var cancel context.CancelFunc
		ctx, cancel = context.WithCancel(ctx)
		go func() {
			defer cancel()
			_, _ = io.Copy(io.Discard, os.Stdin)
		}()
	}
	// From the first request to stop on, a second signal has its default
	// effect, and a stop that hangs is cut short: all state is in Postgres.
	context.AfterFunc(ctx, func() {
		stop()
		time.AfterFunc(time.Duration(opts.stopTimeoutSeconds)*time.Second, func() {
			fail(errors.New("did not stop in time; state is safe in Postgres"))
		})
	})

	if err := run(ctx, opts, os.Stdout); err != nil {
		fail(err)
	}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, "temporal:", err)
	os.Exit(1)
}

// parse reads the command line. The password has the environment's PGPASSWORD
// as its default, since arguments can be read by everyone on the machine.
func parse(args []string, getenv func(string) string, out io.Writer) (options, error) {
	var o options
	f := flag.NewFlagSet("temporal", flag.ContinueOnError)
	f.SetOutput(out)
	f.StringVar(&o.postgres, "postgres", "127.0.0.1:5432", "`HOST:PORT` of Postgres")
	f.StringVar(&o.user, "user", "postgres", "Postgres user; must be allowed to create databases")
	f.StringVar(&o.password, "password", "", "Postgres password (default: the environment's PGPASSWORD)")
	f.StringVar(&o.sslMode, "sslmode", "disable", "TLS towards Postgres: disable, require or verify-full")
	f.StringVar(&o.database, "database", "temporal", "database for workflows; created if missing")
	f.StringVar(&o.visibility, "visibility", "temporal_visibility", "database for the list of workflows; created if missing")
	f.StringVar(&o.address, "address", "127.0.0.1:7233", "loopback `HOST:PORT` for clients; port 0 = any free one")
	f.StringVar(&o.ui, "ui", "127.0.0.1:8233", "loopback `HOST:PORT` for the web UI; port 0 = any free one, empty = no UI")
	f.StringVar(&o.namespace, "namespace", "default", "namespace; created if missing")
	f.DurationVar(&o.retention, "retention", 168*time.Hour, "how long closed workflows are kept, when the namespace is created; at least 24h")
	f.IntVar(&o.shards, "shards", 4, "history shards; fixed for ever when the database is created")
	f.Var(&o.searchAttributes, "search-attribute", "`Name=Type` (Keyword, Text, Int, Double, Bool, Datetime, KeywordList), repeatable; created if missing")
	f.StringVar(&o.logLevel, "log-level", "warn", "debug, info, warn or error; the log goes to standard error")
	f.BoolVar(&o.exitOnStdinClose, "exit-on-stdin-close", false, "stop when standard input ends, so that no orphan outlives a killed parent")
	f.IntVar(&o.stopTimeoutSeconds, "stop-timeout", 20, "`seconds` a clean stop may take")
	if err := f.Parse(args); err != nil {
		return options{}, err
	}
	if o.password == "" {
		o.password = getenv("PGPASSWORD")
	}
	return o, o.check(f.Args())
}

func (o options) check(rest []string) error {
	var faults []string
	fault := func(format string, args ...any) { faults = append(faults, fmt.Sprintf(format, args...)) }
	if len(rest) > 0 {
		fault("unexpected argument %q", rest[0])
	}
	if o.shards < 1 {
		fault("-shards %d: at least 1", o.shards)
	}
	if o.retention < 24*time.Hour {
		fault("-retention %v: Temporal takes no less than 24h", o.retention)
	}
	if o.namespace == "" {
		fault("-namespace is empty")
	}
	if o.database == "" || o.visibility == "" || o.database == o.visibility {
		fault("-database and -visibility must name two different databases")
	}
	switch o.sslMode {
	case "disable", "prefer", "require", "verify-ca", "verify-full":
	default:
		fault("-sslmode %q: want disable, require or verify-full", o.sslMode)
	}
	switch o.logLevel {
	case "debug", "info", "warn", "error":
	default:
		fault("-log-level %q: want debug, info, warn or error", o.logLevel)
	}
	if len(faults) > 0 {
		return errors.New(strings.Join(faults, "; "))
	}
	return nil
}
