// Command webhookd takes the providers' webhooks and serves the operators' API. Run as many copies as you like.
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
	check := flag.Bool("check", false, "ask the webhookd that runs here whether it is ready, then exit")
	flag.Parse()
	do := app.Webhookd
	switch {
	case *migrate:
		do = app.Migrate
	case *check:
		do = app.CheckWebhookd
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := app.Run(ctx, *file, do); err != nil {
		fmt.Fprintln(os.Stderr, "webhookd:", err)
		os.Exit(1)
	}
}
