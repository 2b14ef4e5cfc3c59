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
	"time"

	"willcall/sim"
)

func main() {
	var o sim.ServeOptions
	flag.StringVar(&o.POSAddr, "pos", "127.0.0.1:8090", "address of the point of sale")
	flag.StringVar(&o.TEvoAddr, "tevo", "127.0.0.1:8091", "address of Ticket Evolution's API")
	flag.StringVar(&o.POS.Token, "pos-token", "dev-pos-token", "bearer token of the point of sale")
	flag.StringVar(&o.TEvo.Token, "tevo-token", "dev-tevo-api-token", "X-Token of Ticket Evolution's API")
	flag.StringVar(&o.TEvo.Secret, "tevo-secret", "dev-tevo-api-secret", "secret of Ticket Evolution's API")
	flag.StringVar(&o.Sender.URL, "webhooks", "", "where webhooks go, path token included")
	flag.Float64Var(&o.Sender.Rate, "rate", 0, "orders per minute; 0 is none")
	flag.Uint64Var(&o.Sender.Seed, "seed", uint64(time.Now().Unix()), "what chooses the orders; the same seed makes the same orders")
	flag.Parse()
	o.Logger = slog.New(slog.NewTextHandler(os.Stderr, nil))

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	o.Logger.Info("simulators start", "pos", o.POSAddr, "tevo", o.TEvoAddr, "rate", o.Sender.Rate, "seed", o.Sender.Seed)
	if err := sim.Serve(ctx, o); err != nil {
		o.Logger.Error("simulators stopped", "error", err)
		os.Exit(1)
	}
}
