package pgserver

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
)

// BinEnv names the environment variable that points to the directory with
// initdb and postgres. It wins over everything that is installed.
const BinEnv = "WILLCALL_POSTGRES_BIN"

// ErrNoServer says that no PostgreSQL server is installed. Errors that wrap it
// carry the one line that installs it.
var ErrNoServer = errors.New("no PostgreSQL server found")

// Binaries is one installed PostgreSQL server.
type Binaries struct {
	Dir     string // holds initdb and postgres
	Version string // as postgres prints it, such as "17.2"
	Major   int    // data directories of different majors do not mix
}

// Find returns the server to use: that of BinEnv, else the newest one among
// those that the packages of Debian, Homebrew and Red Hat install, else that on
// PATH. Errors: ErrNoServer, or that BinEnv points to something else.
func Find() (Binaries, error) {
	all, err := thisMachine().servers()
	if err != nil {
		return Binaries{}, err
	}
	return all[0], nil
}

// machine is where servers are looked for; a test has its own.
type machine struct {
	getenv  func(string) string
	root    string
	version func(program string) ([]byte, error) // output of program --version
}

func thisMachine() machine {
	return machine{getenv: os.Getenv, root: "/", version: func(program string) ([]byte, error) {
		return exec.Command(program, "--version").Output()
	}}
}

// servers returns all usable servers, the preferred one first, at least one.
func (m machine) servers() ([]Binaries, error) {
	if dir := m.getenv(BinEnv); dir != "" {
		b, err := m.inspect(dir)
		if err != nil {
			return nil, fmt.Errorf("%s=%s is not the bin directory of a PostgreSQL server: %w", BinEnv, dir, err)
		}
		return []Binaries{b}, nil
	}
	var found []Binaries
	seen := map[string]bool{}
	add := func(dirs []string) {
		batch := len(found)
		for _, dir := range dirs {
			if real, err := filepath.EvalSymlinks(dir); err == nil {
				dir = real
			}
			if seen[dir] {
				continue
			}
			seen[dir] = true
			if b, err := m.inspect(dir); err == nil {
				found = append(found, b)
			}
		}
		slices.SortStableFunc(found[batch:], func(a, b Binaries) int { return cmp.Compare(b.Major, a.Major) })
	}
	add(m.glob("usr/lib/postgresql/*/bin"))
	add(filepath.SplitList(m.getenv("PATH")))
	add(m.glob(
		"opt/homebrew/opt/postgresql*/bin", "usr/local/opt/postgresql*/bin", // Homebrew, Arm and Intel
		"Applications/Postgres.app/Contents/Versions/*/bin",
		"usr/pgsql-*/bin",                                // PGDG on Red Hat
		"usr/libexec/postgresql*", "usr/local/pgsql/bin", // Alpine; a build from source
	))
	if len(found) == 0 {
		return nil, fmt.Errorf("%w: install one with %q, or set %s to its bin directory", ErrNoServer, m.install(), BinEnv)
	}
	return found, nil
}

func (m machine) glob(patterns ...string) []string {
	var dirs []string
	for _, p := range patterns {
		match, _ := filepath.Glob(filepath.Join(m.root, p)) // fails on a bad pattern only
		dirs = append(dirs, match...)
	}
	return dirs
}

// install is the line that installs a server on this kind of machine.
func (m machine) install() string {
	if runtime.GOOS == "darwin" {
		return "brew install postgresql@17"
	}
	for _, kind := range []struct{ file, line string }{
		{"etc/debian_version", "apt-get install postgresql"},
		{"etc/alpine-release", "apk add postgresql"},
		{"etc/arch-release", "pacman -S postgresql"},
		{"etc/redhat-release", "dnf install postgresql-server"},
	} {
		if _, err := os.Stat(filepath.Join(m.root, kind.file)); err == nil {
			return kind.line
		}
	}
	return "apt-get install postgresql"
}

var versionLine = regexp.MustCompile(`\(PostgreSQL\) ((\d+)[^ \n]*)`)

func (m machine) inspect(dir string) (Binaries, error) {
	for _, name := range []string{"initdb", "postgres"} {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil {
			return Binaries{}, err
		}
		if info.Mode()&0o111 == 0 {
			return Binaries{}, fmt.Errorf("%s cannot be executed", name)
		}
	}
	out, err := m.version(filepath.Join(dir, "postgres"))
	if err != nil {
		return Binaries{}, fmt.Errorf("postgres --version: %w", err)
	}
	line := versionLine.FindStringSubmatch(string(out))
	if line == nil {
		return Binaries{}, fmt.Errorf("postgres --version says %q", strings.TrimSpace(string(out)))
	}
	major, err := strconv.Atoi(line[2])
	if err != nil {
		return Binaries{}, err
	}
	return Binaries{Dir: dir, Version: line[1], Major: major}, nil
}
