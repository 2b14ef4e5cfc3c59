package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"willcall/app"
)

func subscriptions(c *cli) *cobra.Command {
	return group("subscriptions", "List, set up and remove the webhooks that a provider sends to a source",
		`For sources of kind vivenu with an api block. A webhook is known by its name alone: those of other names are left alone, so
give each installation that shares an account a -name of its own. The hmacKey is the first of the source's secrets and is
never printed; nor are paths of URLs, which can be secrets.

To rotate the key: put the new secret before the old one, restart every webhookd, which then takes both, and apply. When no
webhook can come that was signed with the old one, take that out.`,
		subscriptionsList(c), subscriptionsPlan(c), subscriptionsApply(c))
}

func subscriptionsList(c *cli) *cobra.Command {
	return &cobra.Command{
		Use: "list SOURCE", Short: "List all webhooks of the account, those of others too", Args: one("the name of a source"),
		Example: "  willcall subscriptions list -config willcall.yaml vivenu",
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.run(cmd.Context(), func(ctx context.Context, o app.Options) error {
				list, err := app.Subscriptions(ctx, o, args[0])
				if err != nil {
					return err
				}
				if c.json {
					return c.writeJSON(list)
				}
				if len(list) == 0 {
					_, err := fmt.Fprintln(c.out, "The account has no webhooks.")
					return err
				}
				rows := [][]string{{"ID", "NAME", "HOST", "EVENTS", "ENABLED", "KEY"}}
				for _, w := range list {
					rows = append(rows, []string{w.ID, w.Name, w.Host, strconv.Itoa(len(w.Events)), strconv.FormatBool(w.Enabled), w.Key})
				}
				return c.table(rows)
			})
		},
	}
}

// wish defines the flags that plan and apply share.
func wish(cmd *cobra.Command) func() app.SubscriptionWish {
	var w app.SubscriptionWish
	var events string
	f := cmd.Flags()
	f.StringVar(&w.URL, "url", "", "where vivenu reaches webhookd: https://broker.example.com/webhooks/SOURCE")
	f.StringVar(&w.Name, "name", "", "5 to 30 characters by which the webhook is known again (default: willcall SOURCE, cut to fit)")
	f.StringVar(&events, "events", "", "types of events, with commas between (default: all that vivenu's documents list)")
	f.BoolVar(&w.Delete, "delete", false, "none of this name is to be there")
	return func() app.SubscriptionWish {
		if events != "" {
			w.Events = strings.Split(events, ",")
		}
		return w
	}
}

func subscriptionsPlan(c *cli) *cobra.Command {
	cmd := &cobra.Command{
		Use: "plan SOURCE", Short: "Say what apply would do, and change nothing", Args: one("the name of a source"),
		Long:    "Say what apply would do, and change nothing.\n\nExit codes: 0 there is nothing to do, 1 an error, 2 there is something to do.",
		Example: "  willcall subscriptions plan -config willcall.yaml -url https://broker.example.com/webhooks/vivenu vivenu",
	}
	w := wish(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return c.run(cmd.Context(), func(ctx context.Context, o app.Options) error {
			plan, err := app.PlanSubscription(ctx, o, args[0], w())
			if err != nil {
				return err
			}
			if c.json {
				err = c.writeJSON(plan)
			} else {
				err = c.writePlan(plan)
			}
			if err == nil && len(plan.Changes) > 0 {
				err = errChanges
			}
			return err
		})
	}
	return cmd
}

// applied is what apply writes for scripts.
type applied struct {
	Plan app.SubscriptionPlan `json:"plan"` // what was done
	Left app.SubscriptionPlan `json:"left"` // what a plan says afterwards
}

func subscriptionsApply(c *cli) *cobra.Command {
	cmd := &cobra.Command{
		Use: "apply SOURCE", Short: "Carry out what plan says, and plan again", Args: one("the name of a source"),
		Long: "Carry out what plan says, and plan again. After an error, apply again: it begins with what is there.\n\n" +
			"Exit codes: 0 nothing is left to do, 1 an error, or something is left to do.",
		Example: "  willcall subscriptions apply -config willcall.yaml -url https://broker.example.com/webhooks/vivenu vivenu\n" +
			"  willcall subscriptions apply -config willcall.yaml -delete vivenu",
	}
	w := wish(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return c.run(cmd.Context(), func(ctx context.Context, o app.Options) error {
			var out applied
			left, err := app.ApplySubscription(ctx, o, args[0], w(), func(plan app.SubscriptionPlan) error {
				out.Plan = plan
				if c.json {
					return nil
				}
				return c.writePlan(plan)
			})
			if err != nil {
				return err
			}
			out.Left = left
			if c.json {
				err = c.writeJSON(out)
			} else {
				err = c.writeLeft(out)
			}
			if err == nil && len(left.Changes) > 0 {
				err = errors.New("something is left to do: does somebody else change these webhooks? see what plan says")
			}
			return err
		})
	}
	return cmd
}

// writePlan writes a row for each change and each further reason, then the notes.
func (c *cli) writePlan(p app.SubscriptionPlan) error {
	rows := [][]string{{"DO", "ID", "NAME", "HOST", "EVENTS", "WHY"}}
	for _, ch := range p.Changes {
		first := []string{ch.Do, ch.ID, p.Name, ch.Host, strconv.Itoa(len(ch.Events))}
		if ch.ID == "" {
			first[1] = "-"
		}
		for _, why := range ch.Why {
			rows = append(rows, append(first, why))
			first = []string{"", "", "", "", ""}
		}
	}
	if len(p.Changes) > 0 {
		if err := c.table(rows); err != nil {
			return err
		}
	} else if _, err := fmt.Fprintf(c.out, "Nothing to do for webhook %q of source %s.\n", p.Name, p.Source); err != nil {
		return err
	}
	for _, n := range p.Notes {
		if _, err := fmt.Fprintln(c.out, "Note:", n); err != nil {
			return err
		}
	}
	return nil
}

// writeLeft ends an apply whose plan is written already.
func (c *cli) writeLeft(a applied) error {
	if len(a.Left.Changes) > 0 {
		if _, err := fmt.Fprintln(c.out, "\nLeft to do:"); err != nil {
			return err
		}
		return c.writePlan(a.Left)
	}
	if len(a.Plan.Changes) == 0 {
		return nil // it says so
	}
	_, err := fmt.Fprintf(c.out, "Done: %d of %d. Nothing is left to do.\n", len(a.Plan.Changes), len(a.Plan.Changes))
	return err
}
