package pgserver

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	osuser "os/user"
	"path/filepath"
	"strconv"
	"syscall"
)

// identity is the user under whom the server runs. Postgres refuses to run as
// root, which is what containers and many virtual machines have only.
type identity struct {
	// namespace: in a user namespace of its own, where our root has another
	// number; files stay ours. Linux only.
	namespace bool
	// account: as this unprivileged user, who must own the data directory and
	// be able to reach it.
	account *account
}

type account struct {
	name     string
	uid, gid uint32
}

// runAs decides under whom the server runs on dir. A directory that is there
// already is used as its owner; for a new one a user namespace is preferred,
// since it needs no other account and leaves all files ours.
func runAs(bin Binaries, dir string) (identity, error) {
	if os.Geteuid() != 0 {
		return identity{}, nil
	}
	info, err := os.Stat(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return identity{}, fmt.Errorf("pgserver: %w", err)
	}
	if err == nil {
		if stat, ok := info.Sys().(*syscall.Stat_t); ok && stat.Uid != 0 {
			as := identity{account: &account{name: strconv.Itoa(int(stat.Uid)), uid: stat.Uid, gid: stat.Gid}}
			return as, as.reaches(dir)
		}
	}
	if inside := (identity{namespace: true}); inside.works(bin) {
		return inside, nil
	}
	if mustBeData(dir) == nil {
		return identity{}, fmt.Errorf("pgserver: PostgreSQL does not run as root, %s belongs to root, and this machine allows no user namespace: give it to another user (chown -R postgres %s)", dir, dir)
	}
	return unprivileged()
}

// unprivileged is the account of Debian's and Red Hat's packages, else nobody.
func unprivileged() (identity, error) {
	for _, name := range []string{"postgres", "nobody"} {
		u, err := osuser.Lookup(name)
		if err != nil {
			continue
		}
		uid, err := strconv.ParseUint(u.Uid, 10, 32)
		if err != nil {
			continue
		}
		gid, err := strconv.ParseUint(u.Gid, 10, 32)
		if err != nil {
			continue
		}
		return identity{account: &account{name: name, uid: uint32(uid), gid: uint32(gid)}}, nil
	}
	return identity{}, errors.New("pgserver: PostgreSQL does not run as root, and there is neither a user postgres nor nobody: run as another user")
}

// works says whether a server can be started under this identity.
func (as identity) works(bin Binaries) bool {
	if as.namespace && !userNamespaces {
		return false
	}
	return as.command(context.Background(), bin, "postgres", "--version").Run() == nil
}

// command prepares a program of bin; it is killed when ctx ends.
func (as identity) command(ctx context.Context, bin Binaries, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, filepath.Join(bin.Dir, name), args...)
	cmd.Dir = "/"
	// Nothing of ours (locale, PG* variables, secrets) is the server's business.
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "LC_ALL=C", "TZ=UTC"}
	// A group of its own: Ctrl-C is for us, who stop the server last.
	attr := &syscall.SysProcAttr{Setpgid: true}
	endWithParent(attr)
	if as.namespace {
		enterNamespace(attr)
	}
	if as.account != nil {
		attr.Credential = &syscall.Credential{Uid: as.account.uid, Gid: as.account.gid}
	}
	cmd.SysProcAttr = attr
	return cmd
}

// own gives files of ours to the identity.
func (as identity) own(paths ...string) error {
	if as.account == nil {
		return nil
	}
	for _, path := range paths {
		if err := os.Chown(path, int(as.account.uid), int(as.account.gid)); err != nil {
			return fmt.Errorf("pgserver: %w", err)
		}
	}
	return nil
}

// reaches reports the first directory on the way to dir that the identity
// cannot pass.
func (as identity) reaches(dir string) error {
	if as.account == nil {
		return nil
	}
	for at := dir; ; at = filepath.Dir(at) {
		info, err := os.Stat(at)
		if err != nil {
			return fmt.Errorf("pgserver: %w", err)
		}
		stat, ok := info.Sys().(*syscall.Stat_t)
		var pass fs.FileMode = 0o001
		switch {
		case !ok:
		case stat.Uid == as.account.uid:
			pass = 0o100
		case stat.Gid == as.account.gid:
			pass = 0o010
		}
		if info.Mode()&pass == 0 {
			return fmt.Errorf("pgserver: user %s, under whom PostgreSQL would run, cannot pass %s: chmod o+x it, or choose a data directory elsewhere", as.account.name, at)
		}
		if at == filepath.Dir(at) {
			return nil
		}
	}
}
