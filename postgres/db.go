// Package postgres keeps what Willcall must not lose: the inbox of webhooks, the read model of orders, the log of
// operations on the outside, documents and cursors.
//
// It owns the schema and every SQL statement of the product. It must not decide anything about an order, know a
// provider's field name, or call anybody but Postgres. Buyer data lies in webhooks.body and documents.body alone; no
// error of this package carries a value of a row. Nothing here retries for ever: callers learn within their deadline
// that Postgres is away ([ErrUnavailable]) and decide themselves.
package postgres

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Options says how to reach Postgres. Only URL is needed.
type Options struct {
	URL            string        // postgres://… or keyword=value; its pool_* parameters are obeyed
	MaxConns       int32         // 0: what the URL says, else 16; twice an inbox's flushers leaves room for readers
	ConnectTimeout time.Duration // 0: what the URL says, else 2 s
	Name           string        // application_name, as seen in pg_stat_activity; "": what the URL says, else willcall
}

// DB is Willcall's database. Its methods may be called from several goroutines. Unless they say otherwise they return
// ErrUnavailable when Postgres is away, and the context's error when the caller gave up.
type DB struct {
	Pool *pgxpool.Pool
}

// Open prepares the pool and connects to nobody yet: a daemon comes up while Postgres is down. Errors: ErrInvalid for a
// URL that cannot be understood; the text does not repeat it, since it holds the password.
func Open(ctx context.Context, o Options) (*DB, error) {
	cfg, err := pgxpool.ParseConfig(o.URL)
	if err != nil {
		return nil, &Error{op: "open", class: ErrInvalid, detail: "the database URL cannot be understood: want postgres://user:password@host:port/database"}
	}
	switch {
	case o.MaxConns > 0:
		cfg.MaxConns = o.MaxConns
	case !strings.Contains(o.URL, "pool_max_conns"):
		cfg.MaxConns = 16
	}
	switch {
	case o.ConnectTimeout > 0:
		cfg.ConnConfig.ConnectTimeout = o.ConnectTimeout
	case !strings.Contains(o.URL, "connect_timeout"):
		cfg.ConnConfig.ConnectTimeout = 2 * time.Second
	}
	switch name := cfg.ConnConfig.RuntimeParams["application_name"]; {
	case o.Name != "":
		cfg.ConnConfig.RuntimeParams["application_name"] = o.Name
	case name == "":
		cfg.ConnConfig.RuntimeParams["application_name"] = "willcall"
	}
	cfg.PingTimeout = cfg.ConnConfig.ConnectTimeout
	cfg.AfterConnect = func(_ context.Context, c *pgx.Conn) error {
		utc := &pgtype.TimestamptzCodec{ScanLocation: time.UTC}
		c.TypeMap().RegisterType(&pgtype.Type{Name: "timestamptz", OID: pgtype.TimestamptzOID, Codec: utc})
		return nil
	}
	pool, err := pgxpool.NewWithConfig(ctx, cfg)
	if err != nil {
		return nil, classify("open", err)
	}
	return &DB{Pool: pool}, nil
}

// Close waits for connections that are in use and closes all of them.
func (db *DB) Close() { db.Pool.Close() }

// Ping asks Postgres for a sign of life.
func (db *DB) Ping(ctx context.Context) error { return classify("ping", db.Pool.Ping(ctx)) }

// one runs a statement that returns one row. No row is ErrNotFound.
func (db *DB) one(ctx context.Context, op, sql string, args []any, into ...any) error {
	return classify(op, db.Pool.QueryRow(ctx, sql, args...).Scan(into...))
}

// exec runs a statement and returns how many rows it touched.
func (db *DB) exec(ctx context.Context, op, sql string, args ...any) (int64, error) {
	tag, err := db.Pool.Exec(ctx, sql, args...)
	return tag.RowsAffected(), classify(op, err)
}

// list runs a statement and scans each row.
func list[T any](ctx context.Context, db *DB, op, sql string, args []any, scan pgx.RowToFunc[T]) ([]T, error) {
	rows, err := db.Pool.Query(ctx, sql, args...)
	if err != nil {
		return nil, classify(op, err)
	}
	out, err := pgx.CollectRows(rows, scan)
	return out, classify(op, err)
}

// send runs the statements of b in one round trip and one transaction, and gives the results to read in order. It
// reports success only after the commit: a result that was read says nothing about it yet.
func (db *DB) send(ctx context.Context, op string, b *pgx.Batch, read func(pgx.BatchResults) error) error {
	results := db.Pool.SendBatch(ctx, b)
	return classify(op, errors.Join(read(results), results.Close()))
}

// null makes the zero time NULL.
func null(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// orZero scans a time that may be NULL.
type orZero struct{ t *time.Time }

// ScanTimestamptz implements pgtype.TimestamptzScanner.
func (z orZero) ScanTimestamptz(v pgtype.Timestamptz) error {
	*z.t = v.Time
	return nil
}
