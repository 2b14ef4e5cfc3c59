// Package composetest checks docker-compose.yml, which no engine has run: what it mounts, names and awaits exists, and its
// Temporal server starts with the environment that stands there.
//
// It owns building that server from source, outside of an image. It is for tests alone.
package composetest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// ServerVersion is the release of Temporal's server that is built: of the same minor version as the image.
const ServerVersion = "v1.32.1"

// ErrNotBuilt says that the programs are not there yet.
var ErrNotBuilt = errors.New("the Temporal server of docker-compose.yml is not built: make test builds it")

// Programs are what the images of Temporal have in them.
type Programs struct {
	Server  string // temporal-server
	SQLTool string // temporal-sql-tool
}

// Lookup returns the programs if they are built. Errors: ErrNotBuilt.
func Lookup() (Programs, error) {
	dir, err := cache()
	if err != nil {
		return Programs{}, err
	}
	p := in(dir)
	for _, path := range []string{p.Server, p.SQLTool} {
		if _, err := os.Stat(path); err != nil {
			return Programs{}, ErrNotBuilt
		}
	}
	return p, nil
}

// Build builds the programs unless they are there. After a build of the development server that takes half a minute, since
// most of it is compiled already; without one, six.
func Build(ctx context.Context, progress io.Writer) error {
	if _, err := Lookup(); !errors.Is(err, ErrNotBuilt) {
		return err
	}
	dir, err := cache()
	if err != nil {
		return err
	}
	fmt.Fprintln(progress, "building the Temporal server of docker-compose.yml: once")
	begin := time.Now()
	partial := dir + ".partial"
	if err := os.MkdirAll(partial, 0o755); err != nil {
		return fmt.Errorf("composetest: %w", err)
	}
	module := "go.temporal.io/server/cmd/"
	cmd := exec.CommandContext(ctx, "go", "install", "-trimpath", "-ldflags", "-s -w", module+"server@"+ServerVersion, module+"tools/sql@"+ServerVersion)
	// The flags are those of the development server's build, so that both share what is compiled.
	cmd.Env = append(os.Environ(), "GOBIN="+partial, "CGO_ENABLED=0", "GOFLAGS=", "GOWORK=off")
	cmd.Stdout, cmd.Stderr = progress, progress
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 10 * time.Second
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("composetest: go install: %w", err)
	}
	if err := os.Rename(partial, dir); err != nil {
		return fmt.Errorf("composetest: %w", err)
	}
	fmt.Fprintf(progress, "built it in %d s: %s\n", int(time.Since(begin).Seconds()), dir)
	return nil
}

// cache is where the programs belong, beside the development server. It may be deleted at any time.
func cache() (string, error) {
	base := os.Getenv("XDG_CACHE_HOME")
	if base == "" {
		home, err := os.UserHomeDir()
		if err != nil {
			return "", fmt.Errorf("composetest: no place for the server's binary: set XDG_CACHE_HOME: %w", err)
		}
		base = filepath.Join(home, ".cache")
	}
	return filepath.Join(base, "willcall", "bin", "temporal-"+ServerVersion), nil
}

func in(dir string) Programs {
	return Programs{Server: filepath.Join(dir, "server"), SQLTool: filepath.Join(dir, "sql")}
}
