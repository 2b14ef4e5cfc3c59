// Command worker runs the workflows and activities: the daemon between Temporal on one side and Postgres, the point of sale
// and the providers on the other. Run as many copies as you like. -setup registers the search attributes and exits.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"willcall/app"
)

func main() {
	file := flag.String("config", "", "configuration file (default: $WILLCALL_CONFIG)")
	setup := flag.Bool("setup", false, "register the search attributes with Temporal, then exit")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, *file, *setup); err != nil {
		fmt.Fprintln(os.Stderr, "worker:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, file string, setup bool) error {
	o, err := app.FromEnvironment(file)
	if err != nil {
		return err
	}
	if setup {
		return app.RegisterSearchAttributes(ctx, o)
	}
	return app.Worker(ctx, o)
}
