package pgserver_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"willcall/postgres/pgserver"
)

// orphanEnv makes this test binary start a server on the directory it names
// and then wait to be killed.
const orphanEnv = "PGSERVER_TEST_ORPHAN"

func TestMain(m *testing.M) {
	if dir := os.Getenv(orphanEnv); dir != "" {
		s, err := pgserver.Start(context.Background(), pgserver.Options{Dir: dir, Settings: pgserver.Throwaway()})
		if err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		fmt.Println("port", s.Port())
		_, _ = io.Copy(io.Discard, os.Stdin) // for ever: the test kills us
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func TestServer(t *testing.T) {
	t.Parallel()

	t.Run("CreatesDataDirectoryAndDatabaseOnce", func(t *testing.T) {
		t.Parallel()
		dir := filepath.Join(t.TempDir(), "new", "data")
		s := start(t, dir)
		for range 2 {
			if err := s.CreateDatabase(t.Context(), `odd "name"`); err != nil {
				t.Fatal(err)
			}
		}
		if got, want := query(t, s, `odd "name"`, "SELECT current_database()"), `odd "name"`; got != want {
			t.Errorf("database: got %q; want %q", got, want)
		}
		if got, want := listing(t, filepath.Dir(dir)), "data"; got != want {
			t.Errorf("beside the data directory: got %q; want %q", got, want)
		}
	})

	t.Run("ListensOnLoopbackAndAsksForThePassword", func(t *testing.T) {
		t.Parallel()
		s := start(t, t.TempDir())
		got := query(t, s, "postgres", "SELECT current_setting('listen_addresses') || '|' || current_setting('unix_socket_directories')")
		if want := "127.0.0.1|"; got != want {
			t.Errorf("listens on: got %q; want %q", got, want)
		}
		cfg, err := pgx.ParseConfig(s.URL("postgres"))
		if err != nil {
			t.Fatal(err)
		}
		cfg.Password = "wrong"
		conn, err := pgx.ConnectConfig(t.Context(), cfg)
		if err == nil {
			_ = conn.Close(t.Context())
			t.Error("connected with a wrong password")
		}
	})

	t.Run("StopThenStartKeepsData", func(t *testing.T) {
		t.Parallel()
		dir := t.TempDir()
		s := start(t, dir)
		query(t, s, "postgres", "CREATE TABLE kept AS SELECT 42 AS n")
		if err := s.Stop(); err != nil {
			t.Fatal(err)
		}
		ended(t, s)
		if got, want := query(t, start(t, dir), "postgres", "SELECT n::text FROM kept"), "42"; got != want {
			t.Errorf("row: got %q; want %q", got, want)
		}
	})

	t.Run("KillThenRestartRecoversOnTheSamePort", func(t *testing.T) {
		t.Parallel()
		s := start(t, t.TempDir())
		port := s.Port()
		query(t, s, "postgres", "CREATE TABLE kept AS SELECT 42 AS n")
		if err := s.Kill(); err != nil {
			t.Fatal(err)
		}
		ended(t, s)
		if err := s.Restart(t.Context()); err != nil {
			t.Fatal(err)
		}
		if s.Port() != port {
			t.Errorf("port: got %d; want %d", s.Port(), port)
		}
		if got, want := query(t, s, "postgres", "SELECT n::text FROM kept"), "42"; got != want {
			t.Errorf("row: got %q; want %q", got, want)
		}
	})

	t.Run("KillThenStartRecovers", func(t *testing.T) {
		t.Parallel()
		dir := t.TempDir()
		s := start(t, dir)
		query(t, s, "postgres", "CREATE TABLE kept AS SELECT 42 AS n")
		if err := s.Kill(); err != nil {
			t.Fatal(err)
		}
		if got, want := query(t, start(t, dir), "postgres", "SELECT n::text FROM kept"), "42"; got != want {
			t.Errorf("row: got %q; want %q", got, want)
		}
	})

	t.Run("SettingsReachTheServer", func(t *testing.T) {
		t.Parallel()
		s := start(t, t.TempDir())
		if got, want := query(t, s, "postgres", "SHOW fsync"), "off"; got != want {
			t.Errorf("fsync: got %q; want %q", got, want)
		}
	})

	t.Run("TwoAtOnceDoNotMeet", func(t *testing.T) {
		t.Parallel()
		parent := t.TempDir()
		a, b := start(t, filepath.Join(parent, "a")), start(t, filepath.Join(parent, "b"))
		query(t, a, "postgres", "CREATE TABLE only_in_a (n int)")
		if got, want := query(t, b, "postgres", "SELECT count(*)::text FROM pg_tables WHERE tablename = 'only_in_a'"), "0"; got != want {
			t.Errorf("tables of a in b: got %s; want %s", got, want)
		}
	})
}

func TestServerRefuses(t *testing.T) {
	t.Parallel()

	t.Run("DirectoryOfARunningServer", func(t *testing.T) {
		t.Parallel()
		dir := t.TempDir()
		start(t, dir)
		ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
		defer cancel()
		_, err := pgserver.Start(ctx, pgserver.Options{Dir: dir})
		if !errors.Is(err, pgserver.ErrInUse) {
			t.Errorf("error: got %v; want %v", err, pgserver.ErrInUse)
		}
	})

	t.Run("TakenPort", func(t *testing.T) {
		t.Parallel()
		found(t)
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		_, err = pgserver.Start(t.Context(), pgserver.Options{Dir: t.TempDir(), Port: l.Addr().(*net.TCPAddr).Port, Settings: pgserver.Throwaway()})
		if !errors.Is(err, syscall.EADDRINUSE) {
			t.Errorf("error: got %v; want %v", err, syscall.EADDRINUSE)
		}
	})

	t.Run("BadSettingWithTheServersOwnWords", func(t *testing.T) {
		t.Parallel()
		found(t)
		_, err := pgserver.Start(t.Context(), pgserver.Options{Dir: t.TempDir(), Settings: map[string]string{"fsync": "off", "max_connections": "many"}})
		if err == nil || !strings.Contains(err.Error(), `invalid value for parameter "max_connections"`) {
			t.Errorf("error: got %v; want one with Postgres' own message", err)
		}
	})

	t.Run("DirectoryOfAnotherVersionAndLeavesItAlone", func(t *testing.T) {
		t.Parallel()
		found(t)
		dir := t.TempDir()
		write(t, filepath.Join(dir, "PG_VERSION"), "9.6\n")
		_, err := pgserver.Start(t.Context(), pgserver.Options{Dir: dir})
		if !errors.Is(err, pgserver.ErrVersion) {
			t.Fatalf("error: got %v; want %v", err, pgserver.ErrVersion)
		}
		if want := dir + " was made by PostgreSQL 9.6"; !strings.Contains(err.Error(), want) {
			t.Errorf("error: got %q; want %q in it", err, want)
		}
		if got, want := listing(t, dir), "PG_VERSION"; got != want {
			t.Errorf("files: got %q; want %q", got, want)
		}
	})

	t.Run("DirectoryOfSomethingElseAndLeavesItAlone", func(t *testing.T) {
		t.Parallel()
		found(t)
		dir := t.TempDir()
		write(t, filepath.Join(dir, "thesis.txt"), "the only copy")
		_, err := pgserver.Start(t.Context(), pgserver.Options{Dir: dir})
		if err == nil || !strings.Contains(err.Error(), "neither empty nor a PostgreSQL data directory") {
			t.Errorf("error: got %v; want a refusal", err)
		}
		if got, want := listing(t, dir), "thesis.txt"; got != want {
			t.Errorf("files: got %q; want %q", got, want)
		}
	})
}

func TestServerOfAKilledParentEndsAndItsSuccessorStarts(t *testing.T) {
	t.Parallel()
	found(t)
	if runtime.GOOS != "linux" {
		t.Skip("only Linux tells a child that its parent died")
	}
	dir := filepath.Join(t.TempDir(), "data")
	parent := exec.Command(os.Args[0])
	parent.Env = append(os.Environ(), orphanEnv+"="+dir)
	stdin, err := parent.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	defer stdin.Close()
	stdout, err := parent.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	var port int
	if _, err := fmt.Fscanf(stdout, "port %d\n", &port); err != nil {
		t.Fatal(err)
	}
	if err := parent.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = parent.Wait()
	// Start waits for the lock, which the orphan holds until it is gone.
	s := start(t, dir)
	if got, want := query(t, s, "postgres", "SHOW port"), strconv.Itoa(s.Port()); got != want {
		t.Errorf("port: got %s; want %s", got, want)
	}
	if c, err := net.Dial("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port))); err == nil && port != s.Port() {
		_ = c.Close()
		t.Errorf("the orphan still listens on %d", port)
	}
}

func TestServerStartsWhereAnotherProgramGotTheCrashedServersProcessID(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("needs /proc")
	}
	dir := t.TempDir()
	s := start(t, dir)
	if err := s.Kill(); err != nil {
		t.Fatal(err)
	}
	note := filepath.Join(dir, "postmaster.pid")
	text, err := os.ReadFile(note)
	if err != nil {
		t.Fatal(err)
	}
	other := exec.Command("cat") // Postgres forgives its parent's id, so ours will not do
	stdin, err := other.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := other.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = stdin.Close()
		_ = other.Wait()
	}()
	_, rest, _ := strings.Cut(string(text), "\n")
	write(t, note, strconv.Itoa(other.Process.Pid)+"\n"+rest)
	if err := s.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func TestServerRunsAsTheOwnerOfTheDirectory(t *testing.T) {
	t.Parallel()
	found(t)
	if os.Getuid() != 0 {
		t.Skip("only root can give a directory away")
	}
	parent := t.TempDir()
	dir := filepath.Join(parent, "data")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	const nobody = 65534
	if err := os.Chown(dir, nobody, nobody); err != nil {
		t.Fatal(err)
	}
	closed := filepath.Dir(parent) // made by t.TempDir for this test alone
	if err := os.Chmod(closed, 0o700); err != nil {
		t.Fatal(err)
	}
	_, err := pgserver.Start(t.Context(), pgserver.Options{Dir: dir})
	if err == nil || !strings.Contains(err.Error(), "cannot pass "+closed+":") {
		t.Errorf("error: got %v; want that %s cannot be passed", err, closed)
	}
	for _, open := range []string{closed, parent} {
		if err := os.Chmod(open, 0o711); err != nil {
			t.Fatal(err)
		}
	}
	s := start(t, dir)
	for range 2 { // the second time on an existing directory
		info, err := os.Stat(filepath.Join(dir, "postmaster.pid"))
		if err != nil {
			t.Fatal(err)
		}
		if got, want := info.Sys().(*syscall.Stat_t).Uid, uint32(nobody); got != want {
			t.Errorf("owner of the server's files: got %d; want %d", got, want)
		}
		if err := s.Stop(); err != nil {
			t.Fatal(err)
		}
		s = start(t, dir)
	}
}

// start starts a server for the length of the test.
func start(t *testing.T, dir string) *pgserver.Server {
	t.Helper()
	found(t)
	s, err := pgserver.Start(t.Context(), pgserver.Options{Dir: dir, Settings: pgserver.Throwaway()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Stop(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func found(t *testing.T) {
	t.Helper()
	if _, err := pgserver.Find(); errors.Is(err, pgserver.ErrNoServer) {
		t.Skip("make test installs it:", err)
	}
}

func ended(t *testing.T, s *pgserver.Server) {
	t.Helper()
	select {
	case <-s.Done():
	default:
		t.Error("server: got running; want ended")
	}
}

// query returns the first column of the first row, if there is one.
func query(t *testing.T, s *pgserver.Server, database, sql string) string {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), s.URL(database))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.Background()) }()
	var text string
	if err := conn.QueryRow(t.Context(), sql).Scan(&text); err != nil && !errors.Is(err, pgx.ErrNoRows) {
		t.Fatal(err)
	}
	return text
}

func listing(t *testing.T, dir string) string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return strings.Join(names, " ")
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
