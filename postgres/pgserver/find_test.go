package pgserver

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"testing"
)

func TestFind(t *testing.T) {
	t.Parallel()
	none := func(string) string { return "" }

	t.Run("SaysTheLineThatInstallsAServer", func(t *testing.T) {
		t.Parallel()
		if runtime.GOOS != "linux" {
			t.Skip("the lines of Linux distributions")
		}
		root := t.TempDir()
		if err := os.MkdirAll(filepath.Join(root, "etc"), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(root, "etc/redhat-release"), nil, 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := machine{getenv: none, root: root, version: os.ReadFile}.servers()
		if !errors.Is(err, ErrNoServer) {
			t.Fatalf("error: got %v; want %v", err, ErrNoServer)
		}
		want := `no PostgreSQL server found: install one with "dnf install postgresql-server", or set WILLCALL_POSTGRES_BIN to its bin directory`
		if got := err.Error(); got != want {
			t.Errorf("message: got %q; want %q", got, want)
		}
	})

	t.Run("PrefersTheNewestByNumber", func(t *testing.T) {
		t.Parallel()
		root := t.TempDir()
		install(t, filepath.Join(root, "usr/lib/postgresql/9/bin"), "9.6.24")
		install(t, filepath.Join(root, "usr/lib/postgresql/16/bin"), "16.6")
		want := install(t, filepath.Join(root, "usr/lib/postgresql/17/bin"), "17.2 (Debian 17.2-1)")
		got, err := machine{getenv: none, root: root, version: os.ReadFile}.servers()
		if err != nil {
			t.Fatal(err)
		}
		if len(got) != 3 || got[0] != (Binaries{Dir: want, Version: "17.2", Major: 17}) {
			t.Errorf("servers: got %+v; want 17.2 in %s, then 16.6 and 9.6.24", got, want)
		}
	})

	t.Run("FindsTheServerOnPath", func(t *testing.T) {
		t.Parallel()
		want := install(t, filepath.Join(t.TempDir(), "bin"), "18beta1")
		path := func(name string) string {
			if name == "PATH" {
				return "/nonexistent" + string(filepath.ListSeparator) + want
			}
			return ""
		}
		got, err := machine{getenv: path, root: t.TempDir(), version: os.ReadFile}.servers()
		if err != nil {
			t.Fatal(err)
		}
		if len(got) != 1 || got[0] != (Binaries{Dir: want, Version: "18beta1", Major: 18}) {
			t.Errorf("servers: got %+v; want 18beta1 in %s", got, want)
		}
	})

	t.Run("TheVariableWinsAndIsNotIgnoredWhenWrong", func(t *testing.T) {
		t.Parallel()
		root := t.TempDir()
		install(t, filepath.Join(root, "usr/lib/postgresql/17/bin"), "17.2")
		chosen := install(t, filepath.Join(root, "mine"), "14.1")
		for dir, want := range map[string]string{chosen: chosen, filepath.Join(root, "missing"): ""} {
			all, err := machine{getenv: func(string) string { return dir }, root: root, version: os.ReadFile}.servers()
			got := ""
			if err == nil {
				got = all[0].Dir
			}
			if got != want {
				t.Errorf("%s=%s: got %q (%v); want %q", BinEnv, dir, got, err, want)
			}
		}
	})
}

func TestChooseFromTakesTheServerThatMadeTheDirectory(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "PG_VERSION"), []byte("14\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	all := []Binaries{{Dir: "/new", Version: "17.2", Major: 17}, {Dir: "/old", Version: "14.1", Major: 14}}
	got, err := chooseFrom(all, dir)
	if err != nil {
		t.Fatal(err)
	}
	if got != all[1] {
		t.Errorf("server: got %+v; want %+v", got, all[1])
	}
}

// install writes files in place of programs: what they would print.
func install(t *testing.T, dir, version string) string {
	t.Helper()
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"initdb", "postgres"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(name+" (PostgreSQL) "+version+"\n"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	real, err := filepath.EvalSymlinks(dir)
	if err != nil {
		t.Fatal(err)
	}
	return real
}
