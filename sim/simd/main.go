// Command simd serves the simulators of package sim, for docker-compose and for use by hand. It has no
// logic of its own and must not be run beside a production set-up.
package main

import (
	"context"
	"flag"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"willcall/sim"
)

func main() {
	var o sim.ServeOptions
	o.Flags(flag.CommandLine)
	flag.Parse()
	o.Logger = slog.New(slog.NewTextHandler(os.Stderr, nil))

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	o.Logger.Info("simulators start", "pos", o.POSAddr, "tevo", o.TEvoAddr, "vivenu", o.VivenuAddr, "ltd", o.LTDAddr,
		"rate", o.Sender.Rate, "seed", o.Sender.Seed)
	if err := sim.Serve(ctx, o); err != nil {
		o.Logger.Error("simulators stopped", "error", err)
		os.Exit(1)
	}
}
