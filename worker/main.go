// Command worker runs the workflows and activities: the daemon between Temporal on one side and Postgres, the point of sale
// and the providers on the other. Run as many copies as you like.
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
	check := flag.Bool("check", false, "ask the worker that runs here whether it is ready, then exit")
	flag.Parse()
	do := app.Worker
	switch {
	case *setup:
		do = app.RegisterSearchAttributes
	case *check:
		do = app.CheckWorker
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := app.Run(ctx, *file, do); err != nil {
		fmt.Fprintln(os.Stderr, "worker:", err)
		os.Exit(1)
	}
}
