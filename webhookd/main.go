// Command webhookd takes the providers' webhooks and serves the operators' API. Run as many copies as you like. -migrate
// brings the database schema up to date and exits.
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
	migrate := flag.Bool("migrate", false, "bring the database schema up to date, then exit")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, *file, *migrate); err != nil {
		fmt.Fprintln(os.Stderr, "webhookd:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, file string, migrate bool) error {
	o, err := app.FromEnvironment(file)
	if err != nil {
		return err
	}
	if migrate {
		n, err := app.Migrate(ctx, o)
		o.Logger.Info("schema is up to date", "applied", n)
		return err
	}
	return app.Webhookd(ctx, o)
}
