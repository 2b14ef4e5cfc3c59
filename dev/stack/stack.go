// Package stack brings up what Willcall stands on, on one machine: Postgres, the Temporal server with its UI, and simulators
// of the providers and the POS. `go run ./dev`, end-to-end tests, benchmarks and chaos runs use it. It starts nothing of
// Willcall itself, and nothing of it is for production.
package stack

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"

	"go.temporal.io/sdk/client"

	"willcall/dev/temporalserver"
	"willcall/postgres/pgserver"
	"willcall/sim"
)

// Tokens of the simulators, as in config/dev.yaml.
const (
	POSToken      = "dev-pos-token"
	POSSecret     = "whsec_d2lsbGNhbGwtZGV2LXBvcy1ldmVudHMtc2VjcmV0ISE=" // what the POS signs its events with, if it is told where to post them
	TEvoAPIToken  = "dev-tevo-api-token"
	TEvoAPISecret = "dev-tevo-api-secret"

	VivenuAPIKey  = "dev-vivenu-api-key"
	VivenuHMACKey = "dev-vivenu-key"
	TixstockToken = "dev-tixstock-token"
	LTDAPIKey     = "dev-ltd-api-key"
)

// Marker is a file that tells a directory of ours from others.
const Marker = ".willcall-data"

// Options say what to start. An empty address takes a free port of 127.0.0.1.
type Options struct {
	Dir        string // keeps Postgres's data and the logs; required
	Throwaway  bool   // Postgres forgets to fsync: for tests that do not crash it
	Postgres   string // URL of a server to use instead of starting one
	Temporal   string // HOST:PORT of a server to use instead of starting one
	Attributes map[string]string

	TemporalAddr, UIAddr, POSAddr, TEvoAddr, VivenuAddr, LTDAddr string
	NoUI                                                         bool

	POS    sim.POSOptions
	TEvo   sim.TEvoOptions
	Vivenu sim.VivenuOptions
	LTD    sim.LTDOptions
	Mix    sim.MixOptions // its APIs and secrets are set here

	Progress io.Writer // what is being waited for, line by line
	Logger   *slog.Logger
}

// Stack is what runs.
type Stack struct {
	Postgres *pgserver.Server // nil where it was there already
	Temporal *temporalserver.Server
	POS      *sim.POS
	TEvo     *sim.TEvo
	Vivenu   *sim.Vivenu
	LTD      *sim.LTD
	Mix      *sim.Mix // sends the webhooks of all providers

	DatabaseURL     string
	TemporalAddress string
	UIURL           string // "" where we did not start it
	POSURL, TEvoURL string
	VivenuURL       string
	LTDURL          string

	options Options
	stops   []func()
	once    sync.Once
}

// Start brings everything up, or nothing: what had started is stopped again on an error.
func Start(ctx context.Context, o Options) (_ *Stack, err error) {
	o.Progress = cmp.Or[io.Writer](o.Progress, io.Discard)
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	s := &Stack{options: o}
	defer func() {
		if err != nil {
			s.Stop()
		}
	}()
	if err := os.MkdirAll(filepath.Join(o.Dir, "logs"), 0o755); err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(o.Dir, Marker), []byte("made by willcall's dev stack\n"), 0o644); err != nil {
		return nil, err
	}
	// The simulators are up in no time, and a port that is taken is best told before anything slow begins.
	if err := s.startSimulators(); err != nil {
		return nil, err
	}
	path := ""
	if o.Temporal == "" {
		if path, err = temporalserver.Ensure(ctx, o.Progress); err != nil {
			return nil, err
		}
	}
	if err := s.startPostgres(ctx); err != nil {
		return nil, err
	}
	return s, s.startTemporal(ctx, path)
}

func (s *Stack) startPostgres(ctx context.Context) error {
	o := s.options
	if o.Postgres != "" {
		s.DatabaseURL = o.Postgres
		return nil
	}
	log, err := s.logFile("postgres.log")
	if err != nil {
		return err
	}
	settings := map[string]string{"max_connections": "200", "shared_buffers": "256MB"}
	if o.Throwaway {
		settings = pgserver.Throwaway()
		settings["max_connections"] = "200"
	}
	fmt.Fprintln(o.Progress, "starting Postgres")
	server, err := pgserver.Start(ctx, pgserver.Options{Dir: filepath.Join(o.Dir, "postgres"), Settings: settings, Log: log})
	if err != nil {
		return err
	}
	s.Postgres = server
	s.stops = append(s.stops, func() { _ = server.Stop() })
	if err := server.CreateDatabase(ctx, "willcall"); err != nil {
		return err
	}
	s.DatabaseURL = server.URL("willcall")
	return nil
}

func (s *Stack) startTemporal(ctx context.Context, path string) error {
	o := s.options
	if o.Temporal != "" {
		s.TemporalAddress = o.Temporal
		return nil
	}
	log, err := s.logFile("temporal.log")
	if err != nil {
		return err
	}
	ui := cmp.Or(o.UIAddr, "127.0.0.1:0")
	if o.NoUI {
		ui = ""
	}
	fmt.Fprintln(o.Progress, "starting Temporal")
	server, err := temporalserver.Start(ctx, temporalserver.Options{
		Path: path, PostgresURL: s.DatabaseURL, Address: o.TemporalAddr, UI: ui, SearchAttributes: o.Attributes, Log: log,
	})
	if err != nil {
		return err
	}
	s.Temporal = server
	s.stops = append(s.stops, func() { _ = server.Stop() })
	s.TemporalAddress = server.Address()
	if server.UI() != "" {
		s.UIURL = "http://" + server.UI()
	}
	return nil
}

func (s *Stack) startSimulators() error {
	o := s.options
	o.POS.Token, o.POS.Events.Secret = cmp.Or(o.POS.Token, POSToken), cmp.Or(o.POS.Events.Secret, POSSecret)
	o.TEvo.Token, o.TEvo.Secret = cmp.Or(o.TEvo.Token, TEvoAPIToken), cmp.Or(o.TEvo.Secret, TEvoAPISecret)
	o.Vivenu.APIKey, o.LTD.APIKey = cmp.Or(o.Vivenu.APIKey, VivenuAPIKey), cmp.Or(o.LTD.APIKey, LTDAPIKey)
	o.POS.Logger, o.TEvo.Logger, o.Vivenu.Logger, o.LTD.Logger, o.Mix.Sender.Logger = o.Logger, o.Logger, o.Logger, o.Logger, o.Logger
	book := filepath.Join(o.Dir, "pos.json")
	if err := readBook(book, &o.POS); err != nil {
		return err
	}
	s.POS, s.TEvo, s.Vivenu, s.LTD = sim.NewPOS(o.POS), sim.NewTEvo(o.TEvo), sim.NewVivenu(o.Vivenu), sim.NewLTD(o.LTD)
	s.stops = append(s.stops, keepBook(book, s.POS))
	o.Mix.Sender.TEvo, o.Mix.Vivenu, o.Mix.LTD, o.Mix.POS = s.TEvo, s.Vivenu, s.LTD, s.POS
	o.Mix.VivenuTarget.Secret = cmp.Or(o.Mix.VivenuTarget.Secret, VivenuHMACKey)
	o.Mix.TixstockTarget.Secret = cmp.Or(o.Mix.TixstockTarget.Secret, TixstockToken)
	s.Mix = sim.NewMix(o.Mix)
	for _, one := range []struct {
		name, addr string
		handler    http.Handler
		url        *string
	}{
		{"POS simulator", o.POSAddr, s.POS, &s.POSURL}, {"simulator of Ticket Evolution", o.TEvoAddr, s.TEvo, &s.TEvoURL},
		{"simulator of vivenu", o.VivenuAddr, s.Vivenu, &s.VivenuURL}, {"simulator of London Theatre Direct", o.LTDAddr, s.LTD, &s.LTDURL},
	} {
		addr, stop, err := sim.Listen(cmp.Or(one.addr, "127.0.0.1:0"), one.handler)
		if err != nil {
			return fmt.Errorf("%s: %w", one.name, taken(err, one.addr))
		}
		s.stops = append(s.stops, stop)
		*one.url = "http://" + addr
	}
	return nil
}

// readBook gives the POS what it held in an earlier run: orders in Postgres name its records.
func readBook(path string, o *sim.POSOptions) error {
	raw, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	o.State = &sim.POSState{}
	if err := json.Unmarshal(raw, o.State); err != nil {
		return fmt.Errorf("%s: %w (start over with -fresh)", path, err)
	}
	return nil
}

// keepBook writes down what the POS holds, once a second where that has changed, and when it is stopped.
func keepBook(path string, p *sim.POS) (stop func()) {
	written := 0
	write := func() {
		n := len(p.Log())
		raw, err := json.Marshal(p.State())
		if n == written || err != nil {
			return
		}
		if os.WriteFile(path+".new", raw, 0o644) == nil && os.Rename(path+".new", path) == nil {
			written = n
		}
	}
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		tick := time.NewTicker(time.Second)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				write()
			case <-done:
				write()
				return
			}
		}
	}()
	return func() { close(done); <-ended }
}

func taken(err error, addr string) error {
	if CheckFree(addr) != nil {
		return CheckFree(addr)
	}
	return err
}

// CheckFree reports an address that cannot be listened on, in a line that says what to do.
func CheckFree(addr string) error {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return fmt.Errorf("%s is taken: stop what listens there, or choose another address with a flag (-help lists them)", addr)
	}
	return l.Close()
}

// FreeAddr is an address of this machine that nothing listens on now.
func FreeAddr() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

func (s *Stack) logFile(name string) (io.Writer, error) {
	f, err := os.OpenFile(filepath.Join(s.options.Dir, "logs", name), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, err
	}
	s.stops = append(s.stops, func() { _ = f.Close() })
	return f, nil
}

// Client connects to Temporal.
func (s *Stack) Client() (client.Client, error) {
	return client.Dial(client.Options{HostPort: s.TemporalAddress, Logger: discard{}})
}

// Stop ends everything that Start started, in reverse. A second call does nothing.
func (s *Stack) Stop() {
	s.once.Do(func() {
		for i := len(s.stops) - 1; i >= 0; i-- {
			s.stops[i]()
		}
	})
}

// Wait returns when one of the servers ends by itself, which is an error, or when ctx does.
func (s *Stack) Wait(ctx context.Context) error {
	var pg, ts <-chan struct{}
	if s.Postgres != nil {
		pg = s.Postgres.Done()
	}
	if s.Temporal != nil {
		ts = s.Temporal.Done()
	}
	select {
	case <-ctx.Done():
		return nil
	case <-pg:
		return errors.New("postgres has ended; see logs/postgres.log in the data directory")
	case <-ts:
		return errors.New("the Temporal server has ended; see logs/temporal.log in the data directory")
	}
}

type discard struct{}

func (discard) Debug(string, ...any) {}
func (discard) Info(string, ...any)  {}
func (discard) Warn(string, ...any)  {}
func (discard) Error(string, ...any) {}
