package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"go.temporal.io/server/common/config"
	"go.temporal.io/server/common/log"
	"go.temporal.io/server/common/persistence/sql/sqlplugin/postgresql"
	"go.temporal.io/server/tools/common/schema"
	"go.temporal.io/server/tools/sql"
)

// Directories of the schema that is embedded in the server module.
const (
	workflowSchema   = "postgresql/v12/temporal"
	visibilitySchema = "postgresql/v12/visibility"
)

// guard is the key of the advisory lock that says "a server runs on this
// database". Two servers with static membership on one database would take
// each other's shards in turns and serve nobody.
const guard = 0x57494c4c43414c4c

// guardWait bounds the wait for a predecessor that is still stopping.
const guardWait = 10 * time.Second

func (o options) sql(database string) *config.SQL {
	return &config.SQL{
		PluginName:        postgresql.PluginNamePGX,
		DatabaseName:      database,
		ConnectAddr:       o.postgres,
		ConnectProtocol:   "tcp",
		User:              url.PathEscape(o.user),
		Password:          o.password,
		ConnectAttributes: map[string]string{"sslmode": o.sslMode},
		// Every role has pools of its own: together at most 4 x (16 + 6)
		// connections, under Postgres' default limit of 100.
		MaxConns:        16,
		MaxIdleConns:    16,
		MaxConnLifetime: time.Hour,
	}
}

func (o options) connect(ctx context.Context, database string) (*pgx.Conn, error) {
	u := url.URL{
		Scheme:   "postgres",
		User:     url.UserPassword(o.user, o.password),
		Host:     o.postgres,
		Path:     "/" + database,
		RawQuery: url.Values{"sslmode": {o.sslMode}, "connect_timeout": {"5"}}.Encode(),
	}
	conn, err := pgx.Connect(ctx, u.String())
	if err == nil {
		return conn, nil
	}
	if refused := new(pgconn.PgError); errors.As(err, &refused) {
		return nil, fmt.Errorf("postgres at %s refuses user %q on database %q (%s, SQLSTATE %s): check -user and -password",
			o.postgres, o.user, database, refused.Message, refused.Code)
	}
	if network := new(net.OpError); errors.As(err, &network) {
		return nil, fmt.Errorf("postgres at %s is not reachable (%w): start it, or name another with -postgres", o.postgres, network)
	}
	return nil, fmt.Errorf("postgres at %s: %w", o.postgres, err)
}

// prepareDatabases creates what is missing and brings both schemas to the
// version of this build; what is there already is kept. The connection that
// comes back holds the guard: close it after the server has stopped.
func prepareDatabases(ctx context.Context, o options, logger log.Logger) (*pgx.Conn, error) {
	if err := createDatabases(ctx, o); err != nil {
		return nil, err
	}
	conn, err := o.connect(ctx, o.database)
	if err != nil {
		return nil, err
	}
	err = takeGuard(ctx, conn, o.database)
	if err == nil {
		err = updateSchema(o.sql(o.database), workflowSchema, logger)
	}
	if err == nil {
		err = updateSchema(o.sql(o.visibility), visibilitySchema, logger)
	}
	if err != nil {
		_ = conn.Close(ctx)
		return nil, err
	}
	return conn, nil
}

func createDatabases(ctx context.Context, o options) error {
	conn, err := o.connect(ctx, "postgres")
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(ctx) }()
	for _, name := range []string{o.database, o.visibility} {
		_, err := conn.Exec(ctx, "CREATE DATABASE "+pgx.Identifier{name}.Sanitize())
		if pg := new(pgconn.PgError); errors.As(err, &pg) {
			switch pg.Code {
			case "42P04", "23505": // duplicate_database; the latter from a race on the catalogue
				continue
			case "42501": // insufficient_privilege
				return fmt.Errorf("user %q may not create database %q: create it yourself, or ALTER ROLE %s CREATEDB", o.user, name, o.user)
			}
		}
		if err != nil {
			return fmt.Errorf("create database %q: %w", name, err)
		}
	}
	return nil
}

func takeGuard(ctx context.Context, conn *pgx.Conn, database string) error {
	patience := time.NewTimer(guardWait)
	defer patience.Stop()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		var taken bool
		if err := conn.QueryRow(ctx, "SELECT pg_try_advisory_lock($1)", int64(guard)).Scan(&taken); err != nil {
			return fmt.Errorf("lock database %q: %w", database, err)
		}
		if taken {
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		case <-patience.C:
			return fmt.Errorf("another Temporal server runs on database %q: stop it, or name other databases with -database and -visibility", database)
		}
	}
}

func updateSchema(cfg *config.SQL, name string, logger log.Logger) error {
	conn, err := sql.NewConnection(cfg, logger)
	if err != nil {
		return fmt.Errorf("open database %q: %w", cfg.DatabaseName, err)
	}
	defer conn.Close()
	if _, err := conn.ReadSchemaVersion(); err != nil {
		if err := schema.NewSetupSchemaTask(conn, &schema.SetupConfig{InitialVersion: "0.0"}, logger).Run(); err != nil {
			return fmt.Errorf("set up the schema of database %q: %w", cfg.DatabaseName, err)
		}
	}
	// A run that was killed half-way is taken up again: the task skips what exists.
	if err := schema.NewUpdateSchemaTask(conn, &schema.UpdateConfig{DBName: cfg.DatabaseName, SchemaName: name}, logger).Run(); err != nil {
		return fmt.Errorf("update the schema of database %q: %w", cfg.DatabaseName, err)
	}
	return nil
}
