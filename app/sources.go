package app

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"time"

	"golang.org/x/time/rate"

	"willcall/activities"
	"willcall/config"
	"willcall/order"
	"willcall/pos"
	"willcall/pos/httpapi"
	"willcall/provider"
	"willcall/provider/tevo"
	"willcall/webhook"
)

// policyOf is the policy of a source: the careful default, changed by what the configuration says.
func policyOf(s config.Source) order.Policy {
	p := order.DefaultPolicy()
	p.FraudService, p.Invoice, p.AutoAccept = *s.Policy.FraudService, *s.Policy.Invoice, s.Policy.Accept == "auto"
	p.ProviderAPI = s.API != nil
	p.Confirm = s.API != nil && *s.API.Confirm
	for to, from := range map[*time.Duration]time.Duration{
		&p.DetailsWait: s.Policy.DetailsWait, &p.FraudWait: s.Policy.FraudWait, &p.ApprovalWait: s.Policy.ApprovalWait,
		&p.StepPatience: s.Policy.StepPatience, &p.FulfilWithin: s.Policy.FulfilWithin, &p.EventLead: s.Policy.EventLead,
		&p.Grace: s.Policy.Grace, &p.Quiet: s.Policy.Quiet,
	} {
		if from != 0 {
			*to = from
		}
	}
	return p
}

// webhookSources are the sources as the door sees them, sorted by name. A new kind of provider is a row in the switch here
// and one in [activitySources].
func webhookSources(cfg config.Config) ([]webhook.Source, error) {
	var out []webhook.Source
	for _, name := range slices.Sorted(maps.Keys(cfg.Sources)) {
		s := cfg.Sources[name]
		src := webhook.Source{Name: name, Kind: s.Kind, MaxBody: int64(s.MaxBody), VerifyOff: s.Verify == "off"}
		switch s.Kind {
		case "tevo":
			verifier := tevo.Verifier{AllowedNets: prefixes(s.Allow), Off: src.VerifyOff}
			for _, secret := range s.Secrets {
				verifier.Tokens = append(verifier.Tokens, string(secret))
			}
			src.ContentTypes = []string{"application/x-www-form-urlencoded"}
			src.Verify = verifier.Verify
			src.Decode, src.Peek = decoderOf(s), tevo.Peek
		default:
			return nil, fmt.Errorf("sources.%s.kind: nothing speaks %q", name, s.Kind)
		}
		out = append(out, src)
	}
	return out, nil
}

func decoderOf(s config.Source) func(provider.Delivery) (provider.Decoded, error) {
	settings := tevo.Settings{Currency: s.Currency}
	return func(d provider.Delivery) (provider.Decoded, error) { return tevo.Decode(d, settings) }
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
	systems := map[string]pos.Adapter{}
	for name, p := range cfg.POS {
		adapter, err := httpapi.New(httpapi.Config{BaseURL: p.URL, Token: string(p.Token), Timeout: p.Timeout})
		if err != nil {
			return nil, fmt.Errorf("pos.%s: %w", name, err)
		}
		systems[name] = adapter
	}
	out := map[string]activities.Source{}
	for name, s := range cfg.Sources {
		src := activities.Source{Name: name, Kind: s.Kind, Policy: policyOf(s), POSName: s.POS, POS: systems[s.POS]}
		switch s.Kind {
		case "tevo":
			src.Decode, src.Buyer, src.Seller = decoderOf(s), tevo.Buyer, tevo.Seller
			if s.API != nil {
				api, err := tevoAPI(*s.API)
				if err != nil {
					return nil, fmt.Errorf("sources.%s.api: %w", name, err)
				}
				src.API = api
			}
		default:
			return nil, fmt.Errorf("sources.%s.kind: nothing speaks %q", name, s.Kind)
		}
		out[name] = src
	}
	return out, nil
}

// tevoAPI fits the client of Ticket Evolution's API to what activities call.
func tevoAPI(a config.API) (*activities.API, error) {
	reviewer, err := strconv.ParseInt(a.ReviewerID, 10, 64)
	if err != nil {
		return nil, errors.New("reviewer_id: want the number of a user at Ticket Evolution")
	}
	c := &tevo.Client{BaseURL: a.URL, Token: string(a.Token), Secret: string(a.Secret), ReviewerID: reviewer, HTTP: limited(a)}
	return &activities.API{
		Show: func(ctx context.Context, id string, kind order.Kind) ([]byte, error) {
			o, err := c.ShowOrder(ctx, id)
			if err != nil {
				return nil, err
			}
			return o.Form(kind), nil
		},
		Accept: func(ctx context.Context, id string) error { return c.EnsureAccepted(ctx, id) },
		Reject: func(ctx context.Context, id, reason string) error {
			return c.EnsureRejected(ctx, id, tevo.ReasonFor(reason))
		},
		Airbill: func(ctx context.Context, shipment string) ([]byte, string, error) {
			file, mediaType, err := c.GetAirbill(ctx, shipment)
			return file, mediaType, err
		},
		Poll: func(ctx context.Context, since time.Time, found func([]byte) error) error {
			for _, kind := range []order.Kind{order.Sale, order.Purchase} {
				for page, more := 1, true; more; page++ {
					p, err := c.ListOrders(ctx, kind, since, page)
					if err != nil {
						return err
					}
					for _, o := range p.Orders {
						if err := found(o.Form(kind)); err != nil {
							return err
						}
					}
					more = p.More
				}
			}
			return nil
		},
	}, nil
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
