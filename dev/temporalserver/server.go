// Package temporalserver finds, builds and runs the development Temporal server
// (module willcall/dev/temporal: server and web UI in one process, on Postgres).
//
// It owns the path to the server's binary and the child process. It must not
// import Temporal's server, whose modules are kept out of this one, and is for
// go run ./dev, tests and chaos runs only: production has a Temporal of its own.
package temporalserver

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/url"
	"os"
	"os/exec"
	"slices"
	"sync"
	"syscall"
	"time"
)

// stopTimeout is how long a clean stop may take before the server is killed,
// which loses nothing.
const stopTimeout = 25 * time.Second

// Options says what to start.
type Options struct {
	// Path is the server's binary; "" is what Lookup finds.
	Path string
	// PostgresURL is postgres://USER:PASSWORD@HOST:PORT/..., of a user who may
	// create databases. Its path does not matter; of its parameters sslmode does.
	PostgresURL string
	// Database and Visibility are created if missing; "" is temporal and
	// temporal_visibility. Two servers must not share them.
	Database, Visibility string
	// Address is the loopback HOST:PORT for clients; "" takes a free port, which
	// then stays the same over restarts of this Server.
	Address string
	// UI is the loopback HOST:PORT for the web UI, with port 0 for a free one;
	// "" is no UI.
	UI string
	// Namespace is created if missing; "" is default.
	Namespace string
	// Retention of closed workflows where the namespace is created; at least 24
	// hours, 0 is a week.
	Retention time.Duration
	// SearchAttributes, by name, with the type as Temporal's CLI spells it
	// (Keyword, Text, Int, Double, Bool, Datetime, KeywordList), are added to the
	// namespace if missing.
	SearchAttributes map[string]string
	// Log gets the server's log in JSON lines; nil discards it.
	Log io.Writer
	// LogLevel is debug, info, warn or error; "" is warn.
	LogLevel string
	// StartTimeout bounds the way to READY; 0 is 90 seconds.
	StartTimeout time.Duration
}

// Server is a running Temporal server. Its methods may be called from several
// goroutines.
type Server struct {
	path     string
	args     []string
	password string
	log      io.Writer
	timeout  time.Duration

	mu          sync.Mutex // held while the process is started or ended
	address, ui string     // as asked for, then as the server has them
	proc        *process
}

// Start starts the server and returns when namespace, search attributes and UI
// are there. The server ends with this process, however this one ends.
//
// Errors: ErrNotBuilt; others carry the server's last words, which say what to
// do (a port is taken, Postgres is not reachable, ...).
func Start(ctx context.Context, opts Options) (*Server, error) {
	s := &Server{path: opts.Path, log: opts.Log, address: cmp.Or(opts.Address, "127.0.0.1:0"), ui: opts.UI}
	if s.path == "" {
		var ok bool
		if s.path, ok = Lookup(); !ok {
			return nil, fmt.Errorf("temporalserver: %w: call Ensure first", ErrNotBuilt)
		}
	}
	if s.log == nil {
		s.log = io.Discard
	}
	s.timeout = cmp.Or(opts.StartTimeout, 90*time.Second)
	if err := s.arguments(opts); err != nil {
		return nil, err
	}
	if err := s.Restart(ctx); err != nil {
		return nil, err
	}
	return s, nil
}

func (s *Server) arguments(opts Options) error {
	u, err := url.Parse(opts.PostgresURL)
	if err != nil {
		return errors.New("temporalserver: the Postgres URL cannot be read") // the cause would quote the password
	}
	if (u.Scheme != "postgres" && u.Scheme != "postgresql") || u.Hostname() == "" {
		return errors.New("temporalserver: the Postgres URL must be postgres://USER:PASSWORD@HOST:PORT/DATABASE")
	}
	s.password, _ = u.User.Password()
	s.args = []string{
		"-postgres", net.JoinHostPort(u.Hostname(), cmp.Or(u.Port(), "5432")),
		"-user", cmp.Or(u.User.Username(), "postgres"),
		"-sslmode", cmp.Or(u.Query().Get("sslmode"), "disable"),
		"-database", cmp.Or(opts.Database, "temporal"),
		"-visibility", cmp.Or(opts.Visibility, "temporal_visibility"),
		"-namespace", cmp.Or(opts.Namespace, "default"),
		"-retention", cmp.Or(opts.Retention, 7*24*time.Hour).String(),
		"-log-level", cmp.Or(opts.LogLevel, "warn"),
		"-exit-on-stdin-close",
	}
	for _, name := range slices.Sorted(maps.Keys(opts.SearchAttributes)) {
		s.args = append(s.args, "-search-attribute", name+"="+opts.SearchAttributes[name])
	}
	return nil
}

// Restart starts the server again on the same ports after Stop or Kill, and
// returns when it is ready. A server that still runs is stopped first.
// Errors: as of Start.
func (s *Server) Restart(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.proc != nil {
		if err := s.proc.stop(stopTimeout); err != nil {
			return err
		}
	}
	cmd := exec.Command(s.path, append(slices.Clone(s.args), "-address", s.address, "-ui", s.ui)...)
	cmd.Env = append(os.Environ(), "PGPASSWORD="+s.password)
	proc, err := startProcess(cmd, s.log)
	if err != nil {
		return fmt.Errorf("temporalserver: start: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	select {
	case at := <-proc.ready:
		s.address, s.ui, s.proc = at.address, at.ui, proc
		return nil
	case <-proc.done:
		return fmt.Errorf("temporalserver: the server ended before it was ready: %s", proc.out.end())
	case <-ctx.Done():
		_ = proc.end(syscall.SIGKILL, stopTimeout)
		return fmt.Errorf("temporalserver: the server is not ready: %w; its log ends with: %s", ctx.Err(), proc.out.end())
	}
}

// Address returns HOST:PORT for clients.
func (s *Server) Address() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.address
}

// UI returns HOST:PORT of the web UI, "" without one.
func (s *Server) UI() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.ui
}

// PID returns the id of the process that runs now, or ran last.
func (s *Server) PID() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.proc.cmd.Process.Pid
}

// Done returns a channel that is closed when the server that runs now has
// ended, by Stop, by Kill or by itself. After a Restart ask again.
func (s *Server) Done() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.proc.done
}

// Stop ends the server cleanly; a second call does nothing. Stop the server
// before its Postgres.
func (s *Server) Stop() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.proc.stop(stopTimeout)
}

// Kill ends the server as a crash does (SIGKILL). Nothing that was acknowledged
// is lost; Restart goes on from there.
func (s *Server) Kill() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.proc.end(syscall.SIGKILL, stopTimeout)
}
