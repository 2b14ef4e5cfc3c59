// Package postgrestest gives each test a migrated database of its own.
//
// It owns one throwaway server per test process, started by the first test that asks and ended with the process, and a
// template that is migrated once. It must not be imported by anything but tests.
//
// With WILLCALL_TEST_DATABASE_URL set, databases are made on that server instead (its user needs CREATEDB) and dropped
// when their tests end. Without it and without an installed PostgreSQL the tests are skipped, with a line that says how
// to get one.
package postgrestest

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"willcall/postgres"
	"willcall/postgres/pgserver"
)

// URLEnv names the environment variable with the address of a server to use instead of a throwaway one.
const URLEnv = "WILLCALL_TEST_DATABASE_URL"

// New returns a database that is migrated, empty and the test's own; it is gone when the test ends.
func New(t testing.TB) *postgres.DB {
	t.Helper()
	return open(t, URL(t))
}

// URL is the address of what New would return, for code that opens a database itself.
func URL(t testing.TB) string {
	t.Helper()
	c := need(t)
	if c.template != "" {
		return create(t, c.template)
	}
	u := create(t, "template0")
	migrate(t, u)
	return u
}

// Empty is the address of a database without a schema.
func Empty(t testing.TB) string {
	t.Helper()
	return create(t, "template0")
}

// Server starts a server for this test alone, that may be killed and restarted, with the settings of a careful
// production server: what it has acknowledged is on the disk. The database is migrated.
func Server(t testing.TB) (*pgserver.Server, *postgres.DB) {
	t.Helper()
	dir, err := tempDir()
	if err != nil {
		t.Fatal(err)
	}
	server, err := pgserver.Start(t.Context(), pgserver.Options{Dir: filepath.Join(dir.path, "data")})
	skipWithout(t, err, "this test kills a server of its own")
	t.Cleanup(func() {
		if err := errors.Join(server.Stop(), dir.alive.Close()); err != nil {
			t.Errorf("end the server: %v", err)
		}
	})
	if err := server.CreateDatabase(t.Context(), "willcall"); err != nil {
		t.Fatal(err)
	}
	db := open(t, server.URL("willcall"))
	if _, err := db.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	return server, db
}

// cluster is where databases are made.
type cluster struct {
	admin    string    // URL of a database to give orders from
	template string    // a migrated database to copy; "" on a server that is not ours: it would stay there
	dir      directory // of our own server
}

// shared is started once per process.
var shared = sync.OnceValues(func() (cluster, error) {
	if admin := os.Getenv(URLEnv); admin != "" {
		return cluster{admin: admin}, nil
	}
	dir, err := tempDir()
	if err != nil {
		return cluster{}, err
	}
	settings := pgserver.Throwaway()
	settings["shared_buffers"] = "64MB"
	settings["autovacuum"] = "off"
	server, err := pgserver.Start(context.Background(), pgserver.Options{Dir: filepath.Join(dir.path, "data"), Settings: settings})
	if err != nil {
		return cluster{}, err
	}
	c := cluster{admin: server.URL("postgres"), template: name("template"), dir: dir}
	if err := c.do("CREATE DATABASE " + c.template + " TEMPLATE template0"); err != nil {
		return cluster{}, err
	}
	db, err := postgres.Open(context.Background(), postgres.Options{URL: server.URL(c.template)})
	if err != nil {
		return cluster{}, err
	}
	defer db.Close() // a template must have no connections
	_, err = db.Migrate(context.Background())
	return c, err
})

func need(t testing.TB) cluster {
	t.Helper()
	c, err := shared()
	skipWithout(t, err, "or set "+URLEnv)
	return c
}

func skipWithout(t testing.TB, err error, hint string) {
	t.Helper()
	if errors.Is(err, pgserver.ErrNoServer) {
		t.Skipf("needs PostgreSQL (make test installs it): %v; %s", err, hint)
	}
	if err != nil {
		t.Fatalf("start PostgreSQL: %v", err)
	}
}

func create(t testing.TB, template string) string {
	t.Helper()
	c := need(t)
	db := name("test")
	if err := c.do("CREATE DATABASE " + db + " TEMPLATE " + template); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.do("DROP DATABASE " + db + " WITH (FORCE)"); err != nil {
			t.Error(err)
		}
	})
	u, err := c.url(db)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func open(t testing.TB, url string) *postgres.DB {
	t.Helper()
	db, err := postgres.Open(t.Context(), postgres.Options{URL: url, Name: "test"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	return db
}

func migrate(t testing.TB, url string) {
	t.Helper()
	db, err := postgres.Open(t.Context(), postgres.Options{URL: url})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func (c cluster) do(sql string) error {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	conn, err := pgx.Connect(ctx, c.admin)
	if err != nil {
		return fmt.Errorf("postgrestest: %w", err)
	}
	defer func() { _ = conn.Close(ctx) }()
	if _, err := conn.Exec(ctx, sql); err != nil {
		return fmt.Errorf("postgrestest: %s: %w", sql, err)
	}
	return nil
}

func (c cluster) url(database string) (string, error) {
	u, err := url.Parse(c.admin)
	if err != nil {
		return "", fmt.Errorf("postgrestest: %s is not a postgres:// URL", URLEnv)
	}
	u.Path = "/" + database
	return u.String(), nil
}

func name(what string) string { return "willcall_" + what + "_" + strings.ToLower(rand.Text()[:12]) }

// directory exists until alive is closed.
type directory struct {
	path  string
	alive io.Closer
}

// tempDir makes a directory that is removed when it is closed or this process has ended, crashes included. No hook of a
// test runs that late, so a shell waits for our end of its standard input to close. The server may take a moment to let
// go of its files.
func tempDir() (directory, error) {
	path, err := os.MkdirTemp("", "willcall-postgres-")
	if err != nil {
		return directory{}, fmt.Errorf("postgrestest: %w", err)
	}
	if err := os.Chmod(path, 0o755); err != nil { // the server may run under a user of its own
		return directory{}, fmt.Errorf("postgrestest: %w", err)
	}
	sh := exec.Command("sh", "-c", `cat >/dev/null; for i in 1 2 3 4 5 6 7 8 9 10; do rm -rf -- "$1" 2>/dev/null && exit; sleep 0.5; done`, "sh", path)
	sh.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // an interrupt at the terminal is not for it
	alive, err := sh.StdinPipe()
	if err != nil {
		return directory{}, fmt.Errorf("postgrestest: %w", err)
	}
	if err := sh.Start(); err != nil {
		return directory{}, fmt.Errorf("postgrestest: %w", err)
	}
	return directory{path: path, alive: alive}, nil
}
