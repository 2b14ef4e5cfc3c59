package postgres

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
)

//go:embed migrations/*.sql
var embedded embed.FS

// versions is goose's own table of applied migrations; goose's command line tool finds it there, too.
const versions = "goose_db_version"

// Migrate brings the schema to what this program wants and returns how many migrations it applied: 0 when there was
// nothing to do. Any number of processes may call it at once; all return when the schema is there. A schema that is
// newer than the program is left alone.
func (db *DB) Migrate(ctx context.Context) (applied int, err error) {
	conns := stdlib.OpenDBFromPool(db.Pool)
	defer func() { _ = conns.Close() }() // not the pool
	provider, err := migrations(conns)
	if err != nil {
		return 0, err
	}
	results, err := provider.Up(ctx)
	if partial := new(goose.PartialError); errors.As(err, &partial) {
		op := fmt.Sprintf("migrate to version %d", partial.Failed.Source.Version)
		return len(partial.Applied), classify(op, partial.Err)
	}
	return len(results), classify("migrate", err)
}

// SchemaCurrent returns nil if the schema has everything that this program wants. Errors: ErrSchema, whose text says
// what to run.
func (db *DB) SchemaCurrent(ctx context.Context) error {
	const op = "schema"
	want, err := wanted()
	if err != nil {
		return err
	}
	var at int64
	err = db.Pool.QueryRow(ctx, "SELECT coalesce(max(version_id) FILTER (WHERE is_applied), 0) FROM "+versions).Scan(&at)
	if missing := new(pgconn.PgError); errors.As(err, &missing) && missing.Code == "42P01" { // undefined_table: nothing was migrated yet
		err = nil
	}
	if err != nil {
		return classify(op, err)
	}
	if at < want {
		return &Error{op: op, class: ErrSchema, detail: fmt.Sprintf("schema is at %d, this program wants %d: run `go run ./webhookd -migrate`", at, want)}
	}
	return nil
}

func migrations(conns *sql.DB) (*goose.Provider, error) {
	files, err := fs.Sub(embedded, "migrations")
	if err != nil {
		return nil, fmt.Errorf("postgres: migrate: %w", err)
	}
	provider, err := goose.NewProvider(goose.DialectPostgres, conns, files,
		goose.WithTableName(versions), goose.WithDisableGlobalRegistry(true), goose.WithSessionLocker(turns{}))
	if err != nil {
		return nil, fmt.Errorf("postgres: migrate: %w", err)
	}
	return provider, nil
}

// wanted is the newest version that is embedded.
func wanted() (int64, error) {
	files, err := fs.Glob(embedded, "migrations/*.sql")
	if err != nil {
		return 0, fmt.Errorf("postgres: migrate: %w", err)
	}
	var newest int64
	for _, f := range files {
		v, err := goose.NumericComponent(f)
		if err != nil {
			return 0, fmt.Errorf("postgres: migrate: %w", err)
		}
		newest = max(newest, v)
	}
	return newest, nil
}

// Advisory lock keys of this package; arbitrary, and never changed.
const (
	lockMigrate int64 = 0x77696c6c_6d696772
	lockClaim   int64 = 0x77696c6c_636c6169
)

// turns lets one process migrate at a time. It asks again and again instead of waiting inside Postgres: a waiting
// statement holds a snapshot, and CREATE INDEX CONCURRENTLY would wait for that in turn.
type turns struct{}

// SessionLock implements goose's lock.SessionLocker.
func (turns) SessionLock(ctx context.Context, conn *sql.Conn) error {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		var ours bool
		if err := conn.QueryRowContext(ctx, "SELECT pg_try_advisory_lock($1)", lockMigrate).Scan(&ours); err != nil || ours {
			return err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// SessionUnlock implements goose's lock.SessionLocker.
func (turns) SessionUnlock(ctx context.Context, conn *sql.Conn) error {
	_, err := conn.ExecContext(ctx, "SELECT pg_advisory_unlock($1)", lockMigrate)
	return err
}
