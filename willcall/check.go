package main

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"willcall/app"
)

func check(c *cli) *cobra.Command {
	return &cobra.Command{
		Use: "check", Short: "Ask every POS and provider of the configuration whether they take our credentials", Args: cobra.NoArgs,
		Long: `Ask every POS and provider of the configuration whether they take our credentials and can do what the sources need.

Nothing is written anywhere. Each needs a few calls. Run it before a deployment, with the configuration and the environment
that the daemons will have: the exit code is 1 if anything is wrong. A warning is nothing wrong: a policy asks for something that
the POS says it cannot do, and the line says what happens instead.`,
		Example: "  willcall check -config willcall.yaml",
		RunE: func(cmd *cobra.Command, _ []string) error {
			return c.run(cmd.Context(), func(ctx context.Context, o app.Options) error {
				findings, err := app.Check(ctx, o)
				if err != nil {
					return err
				}
				rows, failed := [][]string{{"", "WHAT", "FOUND"}}, false
				for _, f := range findings {
					word := "ok"
					switch {
					case !f.OK:
						word, failed = "WRONG", true
					case f.Warning:
						word = "warning"
					}
					rows = append(rows, []string{word, f.Key, f.Detail})
				}
				if c.json {
					err = c.writeJSON(findings)
				} else {
					err = c.table(rows)
				}
				if err == nil && failed {
					err = errors.New("something is wrong with what is configured")
				}
				return err
			})
		},
	}
}
