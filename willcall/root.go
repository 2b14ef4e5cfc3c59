package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"willcall/app"
)

// The exit codes, beside 0. Scripts depend on them.
const (
	exitError   = 1
	exitChanges = 2 // plan: there is something to do
)

// errChanges ends a plan that is not empty. It is an outcome and not printed.
var errChanges = errors.New("there are changes")

// cli is what every command has.
type cli struct {
	config string
	json   bool
	out    io.Writer
}

// run is main with everything that it touches handed in. It returns the exit code.
func run(ctx context.Context, args []string, out, errOut io.Writer) int {
	c := &cli{out: out}
	root := group("willcall", "Do by hand what the daemons do not do by themselves",
		"Exit codes: 0 all is well, 1 an error, 2 from plan: there is something to do.\nFlags may be written with one dash or two.",
		// One line a command.
		check(c),
		subscriptions(c),
	)
	flags := root.PersistentFlags()
	flags.StringVar(&c.config, "config", "", "configuration file of the daemons (default: $WILLCALL_CONFIG)")
	flags.BoolVar(&c.json, "json", false, "write JSON, for scripts")
	root.SilenceErrors, root.SilenceUsage = true, true
	root.SetOut(out)
	root.SetErr(errOut)
	root.SetArgs(twoDashes(args))
	switch err := root.ExecuteContext(ctx); {
	case errors.Is(err, errChanges):
		return exitChanges
	case err != nil:
		fmt.Fprintln(errOut, "willcall:", err)
		return exitError
	}
	return 0
}

// group is a command that only has others below it. Without RunE a misspelt one of them would print the help and succeed.
func group(use, short, long string, commands ...*cobra.Command) *cobra.Command {
	g := &cobra.Command{Use: use, Short: short, Long: short + ".\n\n" + long, Args: cobra.ArbitraryArgs, RunE: func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			return cmd.Help()
		}
		var names []string
		for _, sub := range commands {
			names = append(names, sub.Name())
		}
		return fmt.Errorf("%s has no command %q; it has %s", cmd.Name(), args[0], strings.Join(names, ", "))
	}}
	g.AddCommand(commands...)
	return g
}

// one takes exactly one argument.
func one(what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) != 1 {
			return fmt.Errorf("%s: got %d arguments; want one, %s", cmd.Name(), len(args), what)
		}
		return nil
	}
}

var oneDash = regexp.MustCompile(`^-[a-z][a-z-]+(=|$)`)

// twoDashes writes -config as --config: our other programs have flags of one dash, which pflag reads as a row of letters.
func twoDashes(args []string) []string {
	args = slices.Clone(args)
	for i, arg := range args {
		if arg == "--" {
			break
		}
		if oneDash.MatchString(arg) {
			args[i] = "-" + arg
		}
	}
	return args
}

// run does what the command is there for, with the configuration.
func (c *cli) run(ctx context.Context, do func(context.Context, app.Options) error) error {
	return app.Run(ctx, c.config, do)
}

// writeJSON writes v for scripts.
func (c *cli) writeJSON(v any) error {
	e := json.NewEncoder(c.out)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(v)
}

// table writes rows of cells for people.
func (c *cli) table(rows [][]string) error {
	w := tabwriter.NewWriter(c.out, 0, 0, 2, ' ', 0)
	for _, row := range rows {
		fmt.Fprintln(w, strings.Join(row, "\t"))
	}
	return w.Flush()
}
