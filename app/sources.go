package app

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/netip"
	"slices"
	"time"

	"golang.org/x/time/rate"

	"willcall/activities"
	"willcall/config"
	"willcall/order"
	"willcall/webhook"
	"willcall/workflows"
)

// policyOf is the policy of a source: the careful default, changed by what the configuration says.
func policyOf(s config.Source) order.Policy {
	p := order.DefaultPolicy()
	p.FraudService, p.Invoice, p.AutoAccept = *s.Policy.FraudService, *s.Policy.Invoice, s.Policy.Accept == "auto"
	p.Attach, p.Deliver, p.Hold = *s.Policy.Attach, *s.Policy.Deliver, *s.Policy.Hold
	p.ProviderAPI = s.API != nil
	p.Confirm = s.API != nil && *s.API.Confirm
	for to, from := range map[*time.Duration]time.Duration{
		&p.DetailsWait: s.Policy.DetailsWait, &p.FraudWait: s.Policy.FraudWait, &p.PaymentWait: s.Policy.PaymentWait, &p.ApprovalWait: s.Policy.ApprovalWait,
		&p.StepPatience: s.Policy.StepPatience, &p.FulfilWithin: s.Policy.FulfilWithin, &p.EventLead: s.Policy.EventLead,
		&p.Grace: s.Policy.Grace, &p.Quiet: s.Policy.Quiet,
	} {
		if from != 0 {
			*to = from
		}
	}
	return p
}

// kind is what we know of one kind of provider.
type kind struct {
	// door completes a source as the door sees it.
	door func(config.Source, doorParts, *webhook.Source) error
	// work completes a source as the activities see it.
	work func(config.Source, *activities.Source) error
}

// kinds has a row for each kind of provider. See docs/adding-a-provider.md.
var kinds = map[string]kind{
	"tevo":     {tevoDoor, tevoWork},
	"tixstock": {tixstockDoor, tixstockWork},
	"vivenu":   {vivenuDoor, vivenuWork},
	"ltd":      {ltdDoor, ltdWork},
}

// doorParts is what an answer to a webhook may be made with.
type doorParts struct {
	ask   func(ctx context.Context, s webhook.Signal, within time.Duration) (workflows.Standing, error)
	state func(ctx context.Context, orderID string) (order.State, error) // by the read model; "" where it has no such order
	log   *slog.Logger
}

// webhookSources are the sources as the door sees them, and behind them the POSes, which are senders too, each sorted by name.
func webhookSources(cfg config.Config, parts doorParts) ([]webhook.Source, error) {
	var out []webhook.Source
	for _, name := range slices.Sorted(maps.Keys(cfg.Sources)) {
		s := cfg.Sources[name]
		k, ok := kinds[s.Kind]
		if !ok {
			return nil, fmt.Errorf("sources.%s.kind: nothing speaks %q", name, s.Kind)
		}
		src := webhook.Source{Name: name, Kind: s.Kind, MaxBody: int64(s.MaxBody), VerifyOff: s.Verify == "off"}
		if err := k.door(s, parts, &src); err != nil {
			return nil, fmt.Errorf("sources.%s: %w", name, err)
		}
		out = append(out, src)
	}
	for _, name := range slices.Sorted(maps.Keys(cfg.POS)) {
		out = append(out, posSource(name, cfg.POS[name]))
	}
	return out, nil
}

// secrets are those of a source as its verifier wants them.
func secrets(s config.Source) []string { return secretsOf(s.Secrets) }

func secretsOf(list []config.Secret) (out []string) {
	for _, secret := range list {
		out = append(out, string(secret))
	}
	return out
}

// prefixes parses networks that the configuration has checked.
func prefixes(networks []string) (out []netip.Prefix) {
	for _, n := range networks {
		out = append(out, netip.MustParsePrefix(n))
	}
	return out
}

// activitySources are the sources as the activities see them.
func activitySources(cfg config.Config) (map[string]activities.Source, error) {
	adapters, err := adapters(cfg)
	if err != nil {
		return nil, err
	}
	out := map[string]activities.Source{}
	for name, s := range cfg.Sources {
		k, ok := kinds[s.Kind]
		if !ok {
			return nil, fmt.Errorf("sources.%s.kind: nothing speaks %q", name, s.Kind)
		}
		src := activities.Source{Name: name, Kind: s.Kind, Policy: policyOf(s), POSName: s.POS, POS: adapters[s.POS], CustomerID: s.CustomerID, Inventory: s.Inventory}
		if err := k.work(s, &src); err != nil {
			return nil, fmt.Errorf("sources.%s: %w", name, err)
		}
		out[name] = src
	}
	return out, nil
}

// limited is an HTTP client that keeps to the source's rate in this process; the task queue keeps to it over all workers.
func limited(a config.API) *http.Client {
	return &http.Client{Timeout: a.Timeout, Transport: &limiter{
		rate: rate.NewLimiter(rate.Limit(a.PerSecond), max(1, int(a.PerSecond))), next: http.DefaultTransport}}
}

type limiter struct {
	rate *rate.Limiter
	next http.RoundTripper
}

func (l *limiter) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := l.rate.Wait(r.Context()); err != nil {
		return nil, err
	}
	return l.next.RoundTrip(r)
}
