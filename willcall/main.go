// Command willcall is for people and scripts: what is done by hand around the two daemons. Each command is a file of this
// package, which knows flags and output; what a command does is in package app. Adding one is a file and a line in root.go.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}
