package pgserver

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// ErrVersion says that the data directory was made by another major version
// than any server found here can run.
var ErrVersion = errors.New("data directory of another PostgreSQL version")

// Files of ours in the data directory, beside Postgres' own.
const (
	passwordFile = "willcall_password"
	lockFile     = "willcall_lock"
)

// choose returns the server for the data directory: the preferred one for a new
// directory, else one of the version that made it. Nothing is changed.
func choose(dir string) (Binaries, error) {
	all, err := thisMachine().servers()
	if err != nil {
		return Binaries{}, fmt.Errorf("pgserver: %w", err)
	}
	return chooseFrom(all, dir)
}

func chooseFrom(all []Binaries, dir string) (Binaries, error) {
	made, err := os.ReadFile(filepath.Join(dir, "PG_VERSION"))
	if errors.Is(err, fs.ErrNotExist) {
		return all[0], nil
	}
	if err != nil {
		return Binaries{}, fmt.Errorf("pgserver: %w", err)
	}
	version := strings.TrimSpace(string(made))
	for _, b := range all {
		if strconv.Itoa(b.Major) == version {
			return b, nil
		}
	}
	return Binaries{}, fmt.Errorf("pgserver: %w: %s was made by PostgreSQL %s, the server in %s is %s: install PostgreSQL %s, set %s to its bin directory, or choose another data directory (nothing was changed)",
		ErrVersion, dir, version, all[0].Dir, all[0].Version, version, BinEnv)
}

// create makes the data directory unless there is one. It works beside the
// place and moves the result there when it is complete: a run that is
// interrupted leaves no half of a data directory, and of two at once one wins.
func create(ctx context.Context, bin Binaries, as identity, dir string, sync bool) error {
	switch entries, err := os.ReadDir(dir); {
	case errors.Is(err, fs.ErrNotExist), err == nil && len(entries) == 0:
	case err != nil:
		return fmt.Errorf("pgserver: %w", err)
	default:
		return mustBeData(dir)
	}
	parent := filepath.Dir(dir)
	if err := os.MkdirAll(parent, 0o755); err != nil {
		return fmt.Errorf("pgserver: %w", err)
	}
	if err := as.reaches(parent); err != nil {
		return err
	}
	work, err := os.MkdirTemp(parent, ".initdb-")
	if err != nil {
		return fmt.Errorf("pgserver: %w", err)
	}
	defer func() { _ = os.RemoveAll(work) }()
	password := filepath.Join(work, passwordFile)
	if err := os.WriteFile(password, []byte(rand.Text()), 0o600); err != nil {
		return fmt.Errorf("pgserver: %w", err)
	}
	if err := as.own(work, password); err != nil {
		return err
	}
	data := filepath.Join(work, "data")
	args := []string{"-D", data, "--username", user, "--auth", "scram-sha-256", "--pwfile", password,
		"--encoding", "UTF8", "--locale", "C"}
	if !sync {
		args = append(args, "--no-sync")
	}
	if out, err := as.command(ctx, bin, "initdb", args...).CombinedOutput(); err != nil {
		return fmt.Errorf("pgserver: initdb: %w: %s", errors.Join(err, ctx.Err()), strings.TrimSpace(string(out)))
	}
	if err := os.Rename(password, filepath.Join(data, passwordFile)); err != nil {
		return fmt.Errorf("pgserver: %w", err)
	}
	// Remove takes an empty directory only; both errors below mean that
	// somebody else was faster, or that the place cannot be written.
	_ = os.Remove(dir)
	if err := os.Rename(data, dir); err != nil {
		if mustBeData(dir) == nil {
			return nil
		}
		return fmt.Errorf("pgserver: %w", err)
	}
	return nil
}

func mustBeData(dir string) error {
	if _, err := os.Stat(filepath.Join(dir, "PG_VERSION")); err != nil {
		return fmt.Errorf("pgserver: %s is neither empty nor a PostgreSQL data directory: choose another (nothing was changed)", dir)
	}
	return nil
}

// readPassword returns "" for a directory that was not made by create.
func readPassword(dir string) (string, error) {
	text, err := os.ReadFile(filepath.Join(dir, passwordFile))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("pgserver: %w", err)
	}
	return string(text), nil
}

// lockWait bounds the wait for a predecessor that is shutting down, such as the
// server of a process that was just killed.
const lockWait = 15 * time.Second

// lockDir takes the data directory for one server. The lock is released when
// the last process closes the file, however it ends.
func lockDir(ctx context.Context, dir string) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(dir, lockFile), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("pgserver: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, lockWait)
	defer cancel()
	tick := time.NewTicker(25 * time.Millisecond)
	defer tick.Stop()
	for {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			return f, nil
		}
		if !errors.Is(err, syscall.EWOULDBLOCK) {
			_ = f.Close()
			return nil, fmt.Errorf("pgserver: lock %s: %w", dir, err)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			_ = f.Close()
			return nil, fmt.Errorf("pgserver: %w: another PostgreSQL (pid %s) runs on %s: stop it, or choose another data directory", ErrInUse, recordedPID(dir), dir)
		}
	}
}

// recordedPID is the server's process id as it noted it itself, or "unknown".
func recordedPID(dir string) string {
	text, _ := os.ReadFile(filepath.Join(dir, "postmaster.pid"))
	pid, _, _ := strings.Cut(string(text), "\n")
	if _, err := strconv.Atoi(pid); err != nil {
		return "unknown"
	}
	return pid
}

// removeStalePID removes the note of a server that crashed where its process id
// now belongs to another program, as it often does after a reboot or in a
// container: Postgres would take that one for a running server and refuse to
// start. The caller holds the lock. Where a process of Postgres has the id,
// Postgres decides.
func removeStalePID(dir string) error {
	pid := recordedPID(dir)
	program, err := os.ReadFile(filepath.Join("/proc", pid, "comm"))
	if err != nil {
		return nil // no such process, or no /proc: Postgres finds out by itself
	}
	switch strings.TrimSpace(string(program)) {
	case "postgres", "postmaster":
		return nil
	}
	if err := os.Remove(filepath.Join(dir, "postmaster.pid")); err != nil {
		return fmt.Errorf("pgserver: %w", err)
	}
	return nil
}
