package temporalserver

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"
)

// BinEnv names the environment variable that points to a server binary. It wins
// over the cache, and nothing is built.
const BinEnv = "WILLCALL_TEMPORAL_SERVER"

// ErrNotBuilt says that there is no server binary for these sources yet.
var ErrNotBuilt = errors.New("the Temporal server is not built")

// sourceDir is the server's module, seen from the root of the checkout.
const sourceDir = "dev/temporal"

// Lookup returns the server binary if there is one for the sources of this
// checkout. It builds nothing.
func Lookup() (path string, ok bool) {
	if path := os.Getenv(BinEnv); path != "" {
		return path, isProgram(path)
	}
	path, _, err := place()
	return path, err == nil && isProgram(path)
}

// Ensure returns the server binary: that of BinEnv, else the cached one, else it
// builds it, which needs the Go tool, the module proxy the first time, and some
// minutes. What happens is told to progress, line by line. Of several processes
// one builds and the others wait. A build that is interrupted goes on where it
// was.
func Ensure(ctx context.Context, progress io.Writer) (path string, err error) {
	if path := os.Getenv(BinEnv); path != "" {
		if !isProgram(path) {
			return "", fmt.Errorf("temporalserver: %s=%s is not a program: correct or unset it", BinEnv, path)
		}
		return path, nil
	}
	path, source, err := place()
	if err != nil {
		return "", err
	}
	return path, ensure(ctx, source, path, progress)
}

// place is where the binary for the sources of this checkout belongs, and the
// sources. Binaries of other sources stay beside it; all may be deleted at any
// time.
func place() (path, source string, err error) {
	root, err := checkout()
	if err != nil {
		return "", "", err
	}
	base := os.Getenv("XDG_CACHE_HOME")
	if base == "" {
		home, err := os.UserHomeDir()
		if err != nil {
			return "", "", fmt.Errorf("temporalserver: no place for the server's binary: set XDG_CACHE_HOME or %s: %w", BinEnv, err)
		}
		base = filepath.Join(home, ".cache")
	}
	source = filepath.Join(root, filepath.FromSlash(sourceDir))
	sum, err := sourceHash(os.DirFS(source))
	if err != nil {
		return "", "", fmt.Errorf("temporalserver: %w", err)
	}
	return filepath.Join(base, "willcall", "bin", "temporal-server-"+sum), source, nil
}

// ensure builds path from source unless it is there.
func ensure(ctx context.Context, source, path string, progress io.Writer) error {
	if isProgram(path) {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return fmt.Errorf("temporalserver: %w", err)
	}
	unlock, err := lock(ctx, filepath.Join(filepath.Dir(path), "temporal-server.lock"), progress)
	if err != nil {
		return err
	}
	defer unlock()
	if isProgram(path) {
		return nil // another process has built it meanwhile
	}
	return build(ctx, source, path, progress)
}

func isProgram(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0
}

// checkout is the root of module willcall around the working directory.
func checkout() (string, error) {
	start, err := os.Getwd()
	if err != nil {
		return "", fmt.Errorf("temporalserver: %w", err)
	}
	for dir := start; ; dir = filepath.Dir(dir) {
		text, err := os.ReadFile(filepath.Join(dir, "go.mod"))
		if err == nil {
			if line, _, _ := strings.Cut(string(text), "\n"); strings.TrimSpace(line) == "module willcall" {
				return dir, nil
			}
		}
		if dir == filepath.Dir(dir) {
			return "", fmt.Errorf("temporalserver: %s is not inside a checkout of willcall: run it there, or set %s", start, BinEnv)
		}
	}
}

// sourceHash changes with everything that goes into the binary, tests aside.
func sourceHash(dir fs.FS) (string, error) {
	names, err := fs.Glob(dir, "*.go") // sorted
	if err != nil {
		return "", err
	}
	h := sha256.New()
	fmt.Fprintln(h, runtime.GOOS, runtime.GOARCH)
	for _, name := range append(names, "go.mod", "go.sum") {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		text, err := fs.ReadFile(dir, name)
		if err != nil {
			return "", err
		}
		fmt.Fprintf(h, "%s %d\n%s\n", name, len(text), text)
	}
	return hex.EncodeToString(h.Sum(nil))[:16], nil
}

// lock takes the right to build. It is given back when the process ends, too.
func lock(ctx context.Context, path string, progress io.Writer) (unlock func(), err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, fmt.Errorf("temporalserver: %w", err)
	}
	tick := time.NewTicker(250 * time.Millisecond)
	defer tick.Stop()
	for told := false; ; {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			return func() { _ = f.Close() }, nil
		}
		if !errors.Is(err, syscall.EWOULDBLOCK) {
			_ = f.Close()
			return nil, fmt.Errorf("temporalserver: lock %s: %w", path, err)
		}
		if !told {
			fmt.Fprintln(progress, "another process is building the Temporal server: waiting for it")
			told = true
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			_ = f.Close()
			return nil, fmt.Errorf("temporalserver: waiting for another process' build: %w", ctx.Err())
		}
	}
}

func build(ctx context.Context, source, path string, progress io.Writer) error {
	tool, err := exec.LookPath("go")
	if err != nil {
		return fmt.Errorf("temporalserver: building the server needs the Go tool on PATH: %w", err)
	}
	partial := fmt.Sprintf("%s.partial-%d", path, os.Getpid())
	defer func() { _ = os.Remove(partial) }()
	cmd := exec.CommandContext(ctx, tool, "build", "-C", source, "-v", "-trimpath", "-buildvcs=false", "-ldflags", "-s -w", "-o", partial, ".")
	// Without cgo no C compiler is needed. GOFLAGS and workspaces are the
	// caller's and meant for the module around this one.
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=", "GOWORK=off")
	out := &output{log: io.Discard}
	cmd.Stdout, cmd.Stderr = out, out
	// The tool ends cleanly on an interrupt and keeps what is compiled.
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 10 * time.Second

	begin := time.Now()
	fmt.Fprintln(progress, "building the Temporal server: once, about 6 minutes on two cores")
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("temporalserver: go build: %w", err)
	}
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	tick := time.NewTicker(15 * time.Second)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			fmt.Fprintf(progress, "building the Temporal server: %d s, %s\n", int(time.Since(begin).Seconds()), state(out))
			continue
		case err = <-done:
		}
		break
	}
	if ctx.Err() != nil {
		return fmt.Errorf("temporalserver: %w: %w; the next build goes on from here", ErrNotBuilt, ctx.Err())
	}
	if err != nil {
		return fmt.Errorf("temporalserver: %w: go build in %s: %w: %s", ErrNotBuilt, source, err, out)
	}
	if err := os.Rename(partial, path); err != nil {
		return fmt.Errorf("temporalserver: %w", err)
	}
	fmt.Fprintf(progress, "built the Temporal server in %d s: %s\n", int(time.Since(begin).Seconds()), path)
	return nil
}

// state tells how far go build -v is, which prints a line for each package as
// its turn comes.
func state(out *output) string {
	if strings.HasPrefix(out.end(), "go: downloading") {
		return "downloading modules"
	}
	return fmt.Sprintf("%d packages", out.lineCount())
}
