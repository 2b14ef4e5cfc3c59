package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"willcall/postgres"
	"willcall/postgres/postgrestest"
)

var classes = []error{postgres.ErrNotFound, postgres.ErrUnavailable, postgres.ErrBusy, postgres.ErrInProgress, postgres.ErrConflict,
	postgres.ErrInvalid, postgres.ErrSchema}

func TestErrorsAreSortedByCode(t *testing.T) {
	t.Parallel()
	code := func(c string) error { return &pgconn.PgError{Code: c, Message: "m", ConstraintName: "c"} }
	for name, c := range map[string]struct {
		err   error
		class error // nil: none of ours
	}{
		"NoRow":               {pgx.ErrNoRows, postgres.ErrNotFound},
		"ConnectionFailure":   {code("08006"), postgres.ErrUnavailable},
		"TooManyConnections":  {code("53300"), postgres.ErrUnavailable},
		"DiskFull":            {code("53100"), postgres.ErrUnavailable},
		"AdminShutdown":       {code("57P01"), postgres.ErrUnavailable},
		"CannotConnectNow":    {code("57P03"), postgres.ErrUnavailable},
		"StatementTimeout":    {code("57014"), postgres.ErrUnavailable},
		"IOError":             {code("58030"), postgres.ErrUnavailable},
		"Standby":             {code("25006"), postgres.ErrUnavailable},
		"Deadlock":            {code("40P01"), postgres.ErrUnavailable},
		"LockTimeout":         {code("55P03"), postgres.ErrUnavailable},
		"Check":               {code("23514"), postgres.ErrInvalid},
		"BadText":             {code("22021"), postgres.ErrInvalid},
		"IndexRowTooLong":     {code("54000"), postgres.ErrInvalid},
		"NoTable":             {code("42P01"), postgres.ErrSchema},
		"NoColumn":            {code("42703"), postgres.ErrSchema},
		"Syntax":              {code("42601"), nil},
		"Reset":               {&net.OpError{Op: "read", Err: syscall.ECONNRESET}, postgres.ErrUnavailable},
		"EndOfStream":         {fmt.Errorf("read: %w", io.ErrUnexpectedEOF), postgres.ErrUnavailable},
		"ConnectionIsClosed":  {pgconn.ErrConnClosed, postgres.ErrUnavailable},
		"Deadline":            {context.DeadlineExceeded, postgres.ErrUnavailable},
		"CallerGaveUp":        {context.Canceled, nil},
		"SomethingOfADriver":  {errors.New("unable to encode"), nil},
		"AlreadyClassedByUs":  {fmt.Errorf("again: %w", postgres.Classify("x", pgx.ErrNoRows)), postgres.ErrNotFound},
		"NoCodeAtAll":         {&pgconn.PgError{}, nil},
		"UniqueKeyOfOurOwnID": {code("23505"), postgres.ErrInvalid},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := postgres.Classify("op", c.err)
			for _, class := range classes {
				if got, want := errors.Is(err, class), class == c.class; got != want {
					t.Errorf("got %v, is %v: %v; want %v", err, class, got, want)
				}
			}
			if again := postgres.Classify("op", err); again != err {
				t.Errorf("got %v; want it unchanged", again)
			}
		})
	}
	if err := postgres.Classify("op", nil); err != nil {
		t.Errorf("got %v; want nil", err)
	}
	if err := postgres.Classify("op", context.Canceled); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v; want to see that the caller gave up", err)
	}
}

// Postgres and the driver quote what they refuse.
func TestErrorsCarryNoValues(t *testing.T) {
	t.Parallel()
	const secret = "Jo Example"
	db := postgrestest.New(t)
	in := inbox(t, db, postgres.InboxOptions{})
	w := delivery(1)
	w.Disposition, w.Body = secret, []byte(secret)
	_, check := in.Put(t.Context(), w)
	o := orderRow(1)
	o.Currency = secret
	_, saved := db.SaveOrder(t.Context(), o, nil, nil)
	o = orderRow(1)
	o.Doc = []byte(`{"buyer": ` + secret + `}`)
	_, document := db.SaveOrder(t.Context(), o, nil, nil)
	var n int
	raw := []error{
		db.Pool.QueryRow(t.Context(), "SELECT $1::text::int", secret).Scan(&n),
		db.Pool.QueryRow(t.Context(), "SELECT $1::int", secret).Scan(&n),
		db.Pool.QueryRow(t.Context(), "SELECT $1::int", []string{secret}).Scan(&n),
		db.Pool.QueryRow(t.Context(), "SELECT $1::text", secret).Scan(&n),
		db.Pool.QueryRow(t.Context(), "INSERT INTO cursors (name, at) VALUES ($1, now()), ($1, now()) RETURNING 1", secret).Scan(&n),
	}
	errs := []error{check, saved, document}
	leaks := 0
	for _, err := range raw {
		if pg := new(pgconn.PgError); strings.Contains(fmt.Sprint(err), secret) || errors.As(err, &pg) && strings.Contains(pg.Detail, secret) {
			leaks++
		}
		errs = append(errs, postgres.Classify("op", err))
	}
	if leaks < 4 {
		t.Fatalf("only %d of the raw errors quote the value: this test tests nothing", leaks)
	}
	for i, err := range errs {
		if err == nil || strings.Contains(fmt.Sprintf("%v %+v %#v", err, err, err), secret) {
			t.Errorf("error %d: got %#v; want an error without the value", i, err)
		}
		if pg := new(pgconn.PgError); errors.As(err, &pg) {
			t.Errorf("error %d carries the server's message, which has the row in its detail", i)
		}
	}
}

func TestOpen(t *testing.T) {
	t.Parallel()
	t.Run("DoesNotRepeatTheURL", func(t *testing.T) {
		t.Parallel()
		_, err := postgres.Open(t.Context(), postgres.Options{URL: "postgres://willcall:pass%word@host:port/db"})
		wantErr(t, err, postgres.ErrInvalid)
		for _, part := range []string{"pass", "word@", "host:port/db"} {
			if strings.Contains(err.Error(), "pass%word") || strings.Contains(strings.TrimSuffix(err.Error(), "want postgres://user:password@host:port/database"), part) {
				t.Errorf("got %v; want no %q", err, part)
			}
		}
	})
	t.Run("SucceedsWhilePostgresIsAway", func(t *testing.T) {
		t.Parallel()
		db := open(t, "postgres://willcall@127.0.0.1:1/willcall")
		wantErr(t, db.Ping(t.Context()), postgres.ErrUnavailable)
	})
	t.Run("TakesItsSettingsFromTheURLUnlessTold", func(t *testing.T) {
		t.Parallel()
		for _, c := range []struct {
			url  string
			o    postgres.Options
			max  int32
			name string
			wait time.Duration
		}{
			{"postgres://127.0.0.1:1/x", postgres.Options{}, 16, "willcall", 2 * time.Second},
			{"postgres://127.0.0.1:1/x?pool_max_conns=5&application_name=a&connect_timeout=9", postgres.Options{}, 5, "a", 9 * time.Second},
			{"postgres://127.0.0.1:1/x?pool_max_conns=5&application_name=a&connect_timeout=9", postgres.Options{MaxConns: 7, Name: "b", ConnectTimeout: time.Second}, 7, "b", time.Second},
		} {
			c.o.URL = c.url
			db, err := postgres.Open(t.Context(), c.o)
			must(t, err)
			t.Cleanup(db.Close)
			cfg := db.Pool.Config()
			if name := cfg.ConnConfig.RuntimeParams["application_name"]; cfg.MaxConns != c.max || name != c.name || cfg.ConnConfig.ConnectTimeout != c.wait {
				t.Errorf("%s: got %d, %s, %v; want %d, %s, %v", c.url, cfg.MaxConns, name, cfg.ConnConfig.ConnectTimeout, c.max, c.name, c.wait)
			}
		}
	})
}

func TestNewID(t *testing.T) {
	t.Parallel()
	t.Run("SortsByTimeDownToMicroseconds", func(t *testing.T) {
		t.Parallel()
		var ids []string
		for i := range 3000 {
			ids = append(ids, postgres.NewIDAt(noon.Add(time.Duration(i)*time.Microsecond)))
		}
		if !slices.IsSorted(ids) {
			t.Error("ids of later microseconds sort before earlier ones")
		}
	})
	t.Run("IsAUUIDv7", func(t *testing.T) {
		t.Parallel()
		// RFC 9562, appendix A.6: 0x17F22E279B0 is 2022-02-22 14:22:22 -05:00.
		id := postgres.NewIDAt(time.UnixMilli(0x17F22E279B0))
		if len(id) != 36 || id[:15] != "017f22e2-79b0-7" || !strings.ContainsRune("89ab", rune(id[19])) || postgres.NewIDAt(time.UnixMilli(0x17F22E279B0)) == id {
			t.Errorf("got %s; want 017f22e2-79b0-7…, variant 8 to b, and random", id)
		}
	})
}
