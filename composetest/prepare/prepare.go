package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"

	"willcall/composetest"
	"willcall/dev/temporalserver"
	"willcall/postgres/pgserver"
)

func prepare(ctx context.Context, progress io.Writer) error {
	if err := postgres(ctx, progress); err != nil {
		return err
	}
	if _, err := temporalserver.Ensure(ctx, progress); err != nil {
		return err
	}
	return composetest.Build(ctx, progress)
}

// postgres installs a server where Debian's package manager is at hand and allowed; elsewhere the error says what to type.
func postgres(ctx context.Context, progress io.Writer) error {
	_, err := pgserver.Find()
	if !errors.Is(err, pgserver.ErrNoServer) {
		return err
	}
	apt, lookErr := exec.LookPath("apt-get")
	if lookErr != nil || os.Geteuid() != 0 {
		return err
	}
	fmt.Fprintln(progress, "installing PostgreSQL:", apt, "install postgresql")
	for _, args := range [][]string{{"update", "-qq"}, {"install", "-y", "-qq", "--no-install-recommends", "postgresql"}} {
		cmd := exec.CommandContext(ctx, apt, args...)
		// RUNLEVEL keeps the package from starting a server of its own.
		cmd.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive", "RUNLEVEL=1")
		cmd.Stdout, cmd.Stderr = progress, progress
		if err := cmd.Run(); err != nil {
			return fmt.Errorf("apt-get %s: %w", args[0], err)
		}
	}
	_, err = pgserver.Find()
	return err
}
