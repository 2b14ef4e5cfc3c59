// Command gotest runs go test with its own arguments and shows what go test shows. It fails also where a test was skipped
// that make test promises to run: one whose message says so.
package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	cmd := exec.CommandContext(ctx, "go", append([]string{"test", "-json"}, os.Args[1:]...)...)
	cmd.Stderr = os.Stderr
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	events, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "gotest:", err)
		os.Exit(1)
	}
	missing := show(events, os.Stdout)
	err = cmd.Wait()
	for _, line := range missing {
		fmt.Fprintln(os.Stderr, "gotest: skipped, though make test is to run it:", line)
	}
	if err != nil || len(missing) > 0 {
		os.Exit(1)
	}
}
