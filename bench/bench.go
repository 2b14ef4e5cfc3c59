package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"time"
)

type options struct {
	rounds, requests, connections, body, orders, invoices int
	ackOnly                                               bool
	write                                                 string
}

func run(ctx context.Context, o options, out io.Writer) error {
	var kept bytes.Buffer
	out = io.MultiWriter(out, &kept)
	fmt.Fprintf(out, "%s, commit %s, %s, %d cores\n\n", time.Now().UTC().Format("2006-01-02 15:04 MST"), commit(), runtime.Version(), runtime.NumCPU())
	if err := acknowledgements(ctx, o, out); err != nil {
		return err
	}
	if !o.ackOnly {
		if err := invoices(ctx, o, out); err != nil {
			return err
		}
		if err := latencies(ctx, o, out); err != nil {
			return err
		}
	}
	if o.write == "" {
		return nil
	}
	f, err := os.OpenFile(o.write, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	if _, err := f.Write(kept.Bytes()); err != nil {
		return err
	}
	return f.Close()
}

func commit() string {
	sha, err := exec.Command("git", "describe", "--always", "--dirty", "--exclude=*").Output()
	if err != nil {
		return "unknown"
	}
	return strings.TrimSpace(string(sha))
}

func median[T ~int64 | ~float64](v []T) T {
	s := slices.Sorted(slices.Values(v))
	return s[len(s)/2]
}

func quantile(v []time.Duration, q float64) time.Duration {
	s := slices.Sorted(slices.Values(v))
	return s[min(int(float64(len(s))*q), len(s)-1)]
}
