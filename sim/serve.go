package sim

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"
)

// ServeOptions say what [Serve] serves and where.
type ServeOptions struct {
	POSAddr  string // address to listen on for the POS; empty serves none
	TEvoAddr string // the same for Ticket Evolution's API
	POS      POSOptions
	TEvo     TEvoOptions
	Sender   SenderOptions // its TEvo is set by Serve
	Logger   *slog.Logger  // for all of them
}

// Serve runs the simulators until ctx ends. It returns nil then, and an error if an address cannot be listened on or
// a server fails.
func Serve(ctx context.Context, o ServeOptions) error {
	o.POS.Logger, o.TEvo.Logger, o.Sender.Logger = o.Logger, o.Logger, o.Logger
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	tevo := NewTEvo(o.TEvo)
	o.Sender.TEvo = tevo
	sender := NewSender(o.Sender)

	var group sync.WaitGroup
	failed := make(chan error, 2)
	for _, one := range []struct {
		addr    string
		handler http.Handler
	}{{o.POSAddr, NewPOS(o.POS)}, {o.TEvoAddr, tevo}} {
		if one.addr == "" {
			continue
		}
		listener, err := net.Listen("tcp", one.addr)
		if err != nil {
			stop()
			group.Wait()
			return fmt.Errorf("simulator: %w", err)
		}
		group.Go(func() {
			if err := serveOn(ctx, listener, one.handler); err != nil {
				failed <- err
				stop()
			}
		})
	}
	group.Go(func() { sender.Run(ctx) })
	group.Wait()
	select {
	case err := <-failed:
		return fmt.Errorf("simulator: %w", err)
	default:
		return nil
	}
}

// serveOn serves until ctx ends. Calls that hang on purpose are cut off then.
func serveOn(ctx context.Context, l net.Listener, h http.Handler) error {
	srv := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second}
	defer context.AfterFunc(ctx, func() { _ = srv.Close() })()
	if err := srv.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
