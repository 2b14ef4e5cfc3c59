// Command bench measures Willcall beside the limit of the machine it runs on, in the same run, and prints ratios: single
// figures from a shared machine mean little. It starts a Postgres and, for the second part, a Temporal server of its own.
// -write keeps what it prints in bench/results.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
)

func main() {
	o := options{}
	flag.IntVar(&o.rounds, "rounds", 5, "rounds of each measurement; their median counts")
	flag.IntVar(&o.requests, "requests", 6000, "webhooks in one round of acknowledgements")
	flag.IntVar(&o.connections, "connections", 32, "connections that post at once")
	flag.IntVar(&o.body, "body", 16<<10, "bytes of one webhook")
	flag.IntVar(&o.orders, "orders", 40, "orders in one round of latencies")
	flag.IntVar(&o.invoices, "invoices", 2000, "invoices in one round of a POS")
	flag.BoolVar(&o.ackOnly, "ack-only", false, "leave out what needs Temporal")
	flag.StringVar(&o.write, "write", "", "append the results to this file, such as bench/results/2026-11.txt")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, o, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}
