// Package pgserver runs a PostgreSQL server that is installed on this machine
// as a child process: for go run ./dev, for tests and for chaos runs.
//
// It owns finding the server's binaries, creating a data directory, starting,
// stopping and killing the server. It listens on 127.0.0.1 only, with a random
// password kept in the data directory. It must never delete or overwrite a data
// directory, and must know nothing of Willcall's own schema; production has a
// Postgres of its own and does not come here.
package pgserver

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/url"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// user is the superuser that initdb makes.
const user = "postgres"

// ErrInUse says that another server runs on the data directory.
var ErrInUse = errors.New("data directory is in use")

// Options says what to start.
type Options struct {
	// Dir is the data directory. It is created if it is missing or empty; what
	// is in it already is kept.
	Dir string
	// Port on 127.0.0.1; 0 takes a free one, which then stays the same over
	// restarts of this Server.
	Port int
	// Settings are server parameters, as in postgresql.conf. Where the server
	// listens cannot be set.
	Settings map[string]string
	// Log gets the server's log; nil discards it.
	Log io.Writer
	// StartTimeout bounds the wait for readiness, recovery from a crash
	// included; 0 is one minute.
	StartTimeout time.Duration
}

// Throwaway returns settings for data that nobody misses: faster, and broken if
// the machine dies. What is committed still survives a Kill of the server, which
// is why synchronous_commit stays on.
func Throwaway() map[string]string {
	return map[string]string{"fsync": "off", "full_page_writes": "off"}
}

// Server is a running PostgreSQL server. Its methods may be called from several
// goroutines.
type Server struct {
	opts     Options
	bin      Binaries
	as       identity
	password string

	mu   sync.Mutex // held while the process is started or ended
	proc *process
}

// Start creates the data directory if needed, starts the server and returns
// when it answers. The server ends with this process, however this one ends
// (on Linux; elsewhere call Stop).
//
// Errors: ErrNoServer, ErrVersion, ErrInUse; syscall.EADDRINUSE where the port
// is taken; others with the end of the server's log in them. Each says what to
// do.
func Start(ctx context.Context, opts Options) (*Server, error) {
	if opts.Dir == "" {
		return nil, errors.New("pgserver: no data directory given")
	}
	dir, err := filepath.Abs(opts.Dir)
	if err != nil {
		return nil, fmt.Errorf("pgserver: %w", err)
	}
	opts.Dir = dir
	if opts.Log == nil {
		opts.Log = io.Discard
	}
	if opts.StartTimeout == 0 {
		opts.StartTimeout = time.Minute
	}
	s := &Server{opts: opts}
	if s.bin, err = choose(dir); err != nil {
		return nil, err
	}
	if s.as, err = runAs(s.bin, dir); err != nil {
		return nil, err
	}
	if s.opts.Port, err = choosePort(opts.Port); err != nil {
		return nil, err
	}
	if err := create(ctx, s.bin, s.as, dir, opts.Settings["fsync"] != "off"); err != nil {
		return nil, err
	}
	if s.password, err = readPassword(dir); err != nil {
		return nil, err
	}
	if err := s.Restart(ctx); err != nil {
		return nil, err
	}
	return s, nil
}

// Restart starts the server again on the same port after Stop or Kill, and
// returns when it answers. A server that still runs is stopped first.
// Errors: as of Start.
func (s *Server) Restart(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.proc != nil {
		if err := s.proc.stop(); err != nil {
			return err
		}
	}
	ctx, cancel := context.WithTimeout(ctx, s.opts.StartTimeout)
	defer cancel()
	lock, err := lockDir(ctx, s.opts.Dir)
	if err != nil {
		return err
	}
	// The server and all its children inherit the lock; it is free again when
	// the last of them is gone.
	defer func() { _ = lock.Close() }()
	if err := removeStalePID(s.opts.Dir); err != nil {
		return err
	}
	if _, err := choosePort(s.opts.Port); err != nil {
		return err
	}
	cmd := s.as.command(context.Background(), s.bin, "postgres", s.arguments()...)
	proc, err := startProcess(cmd, s.opts.Log, lock)
	if err != nil {
		return fmt.Errorf("pgserver: start postgres %s: %w", s.bin.Version, err)
	}
	if err := s.ready(ctx, proc); err != nil {
		_ = proc.stop()
		return err
	}
	s.proc = proc
	return nil
}

func (s *Server) arguments() []string {
	settings := map[string]string{
		"max_connections": "300", // a Temporal server's pools, ours, and tests
		"timezone":        "UTC",
		"log_timezone":    "UTC",
	}
	maps.Copy(settings, s.opts.Settings)
	settings["listen_addresses"] = "127.0.0.1"
	settings["unix_socket_directories"] = ""
	settings["port"] = strconv.Itoa(s.opts.Port)
	args := []string{"-D", s.opts.Dir}
	for _, key := range slices.Sorted(maps.Keys(settings)) {
		args = append(args, "-c", key+"="+settings[key])
	}
	return args
}

// ready waits until the server takes connections, or has ended.
func (s *Server) ready(ctx context.Context, proc *process) error {
	tick := time.NewTicker(15 * time.Millisecond)
	defer tick.Stop()
	for {
		conn, err := pgx.Connect(ctx, s.URL("postgres"))
		if err == nil {
			return conn.Close(ctx)
		}
		// 57P03 cannot_connect_now: still starting or recovering.
		if refused := new(pgconn.PgError); errors.As(err, &refused) && refused.Code != "57P03" {
			return fmt.Errorf("pgserver: postgres in %s refuses its own superuser (SQLSTATE %s): if this directory was not made by Willcall, choose another",
				s.opts.Dir, refused.Code)
		}
		select {
		case <-proc.done:
			return fmt.Errorf("pgserver: postgres %s ended at once (%w); its log ends with: %s", s.bin.Version, proc.exitError(), proc.tail)
		case <-ctx.Done():
			return fmt.Errorf("pgserver: postgres is not ready: %w; its log ends with: %s", ctx.Err(), proc.tail)
		case <-tick.C:
		}
	}
}

// Port returns the port on 127.0.0.1.
func (s *Server) Port() int { return s.opts.Port }

// Version returns the server's version, such as "17.2".
func (s *Server) Version() string { return s.bin.Version }

// URL returns the address of a database of this server, with the superuser's
// name and password: do not log it.
func (s *Server) URL(database string) string {
	u := url.URL{
		Scheme:   "postgres",
		User:     url.UserPassword(user, s.password),
		Host:     net.JoinHostPort("127.0.0.1", strconv.Itoa(s.opts.Port)),
		Path:     "/" + database,
		RawQuery: "sslmode=disable",
	}
	return u.String()
}

// CreateDatabase creates the database unless it exists.
func (s *Server) CreateDatabase(ctx context.Context, name string) error {
	conn, err := pgx.Connect(ctx, s.URL("postgres"))
	if err != nil {
		return fmt.Errorf("pgserver: create database %q: %w", name, err)
	}
	defer func() { _ = conn.Close(ctx) }()
	_, err = conn.Exec(ctx, "CREATE DATABASE "+pgx.Identifier{name}.Sanitize())
	// 42P04 duplicate_database; 23505 where two create it at the same moment.
	if pg := new(pgconn.PgError); errors.As(err, &pg) && (pg.Code == "42P04" || pg.Code == "23505") {
		return nil
	}
	if err != nil {
		return fmt.Errorf("pgserver: create database %q: %w", name, err)
	}
	return nil
}

// Done returns a channel that is closed when the server that runs now has
// ended, by Stop, by Kill or by itself. After a Restart ask again.
func (s *Server) Done() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.proc.done
}

// Stop ends the server cleanly: clients are disconnected, data is flushed. It
// returns when all its processes are gone; a second call does nothing.
func (s *Server) Stop() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.proc.stop()
}

// Kill ends the server as a crash does (SIGKILL) and returns when all its
// processes are gone. Restart, or Start on the same directory, recovers.
func (s *Server) Kill() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.proc.kill()
}
