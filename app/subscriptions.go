package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"

	"willcall/config"
	"willcall/provider"
	"willcall/provider/vivenu"
	"willcall/provider/wire"
)

// Webhook is a webhook of a source's account at its provider, as it may be shown: without its key, and without the path of its
// URL, which can be a secret.
type Webhook struct {
	ID      string   `json:"id"`
	Name    string   `json:"name"`
	Host    string   `json:"host"`
	Enabled bool     `json:"enabled"`
	Events  []string `json:"events"`
	Key     string   `json:"key"` // "hmacKey matches" (the first secret of the source), "hmacKey differs" or "no hmacKey"
}

// SubscriptionWish is the webhook that is to be there.
type SubscriptionWish struct {
	Name   string   // by which it is known again; "": willcall and the name of the source, cut to fit
	URL    string   // where webhookd is reached from outside; not needed for Delete
	Events []string // none: all that vivenu's document lists
	Delete bool     // none of the name is to be there
}

// SubscriptionPlan is what there is to do. It is made to be shown and holds neither key nor path of a URL.
type SubscriptionPlan struct {
	Source  string               `json:"source"`
	Name    string               `json:"name"`
	Changes []SubscriptionChange `json:"changes"` // in the order in which they are made
	Notes   []string             `json:"notes"`   // what may be wrong, and is left alone
}

// SubscriptionChange is one step of a plan.
type SubscriptionChange struct {
	Do     string   `json:"do"` // "create", "update" or "delete"
	ID     string   `json:"id"` // "" of one that is created
	Host   string   `json:"host"`
	Events []string `json:"events"`
	Why    []string `json:"why"`
}

// Subscriptions lists all webhooks of a source's account, those of others too.
func Subscriptions(ctx context.Context, o Options, source string) ([]Webhook, error) {
	s, err := subscribable(o.Config, source)
	if err != nil {
		return nil, err
	}
	existing, err := vivenuClient(s).Subscriptions(ctx)
	if err != nil {
		return nil, advise(source, err)
	}
	out := []Webhook{}
	for _, e := range existing {
		out = append(out, Webhook{ID: e.ID, Name: shown(e.Name), Host: host(e.URL), Enabled: e.Enabled, Events: shownAll(e.Events), Key: keyWord(s, e.HMACKey)})
	}
	return out, nil
}

// PlanSubscription says what [ApplySubscription] would do. It changes nothing.
func PlanSubscription(ctx context.Context, o Options, source string, w SubscriptionWish) (SubscriptionPlan, error) {
	s, want, err := wanted(o.Config, source, w)
	if err != nil {
		return SubscriptionPlan{}, err
	}
	plan, _, err := planned(ctx, vivenuClient(s), source, want, w.Delete)
	return plan, err
}

// ApplySubscription plans, hands the plan to begin, carries it out unless begin fails, and plans again: what it returns is
// what is left to do, with no changes if all is well. It stops at the first error; to call it again is then safe, for it looks
// first at what is there.
func ApplySubscription(ctx context.Context, o Options, source string, w SubscriptionWish, begin func(SubscriptionPlan) error) (SubscriptionPlan, error) {
	s, want, err := wanted(o.Config, source, w)
	if err != nil {
		return SubscriptionPlan{}, err
	}
	client := vivenuClient(s)
	plan, changes, err := planned(ctx, client, source, want, w.Delete)
	if err != nil {
		return SubscriptionPlan{}, err
	}
	if err := begin(plan); err != nil {
		return SubscriptionPlan{}, err
	}
	for i, ch := range changes {
		if err := client.Apply(ctx, []vivenu.Change{ch}); err != nil {
			return SubscriptionPlan{}, fmt.Errorf("change %d of %d: %w", i+1, len(changes), advise(source, err))
		}
	}
	left, _, err := planned(ctx, client, source, want, w.Delete)
	if err != nil {
		return SubscriptionPlan{}, fmt.Errorf("all changes were made, but not looked at again: %w", err)
	}
	return left, nil
}

// subscribable is a source whose provider has an API for webhooks that we may call.
func subscribable(c config.Config, name string) (config.Source, error) {
	s, ok := c.Sources[name]
	switch {
	case !ok:
		return s, fmt.Errorf("the configuration has no source %q; it has %s", name, strings.Join(slices.Sorted(maps.Keys(c.Sources)), ", "))
	case s.Kind != "vivenu":
		return s, fmt.Errorf("sources.%s is of kind %s: only vivenu has an API for webhooks; have those of %s set up with the provider itself", name, s.Kind, name)
	case s.API == nil:
		return s, fmt.Errorf("sources.%s.api is missing: give it the url of vivenu's API (https://vivenu.com) and, as token, an API key of the account", name)
	}
	return s, nil
}

// wanted checks a wish before anything is called. The key in what it returns hides itself from every verb.
func wanted(c config.Config, source string, w SubscriptionWish) (config.Source, vivenu.Subscription, error) {
	s, err := subscribable(c, source)
	if err != nil {
		return s, vivenu.Subscription{}, err
	}
	want := vivenu.Subscription{Name: strings.TrimSpace(w.Name), URL: w.URL, Enabled: true}
	if want.Name == "" {
		want.Name = vivenu.SubscriptionName(source)
		for _, other := range slices.Sorted(maps.Keys(c.Sources)) {
			if other != source && c.Sources[other].Kind == "vivenu" && vivenu.SubscriptionName(other) == want.Name {
				return s, want, fmt.Errorf("the webhooks of the sources %s and %s would both be called %q: give each another -name", source, other, want.Name)
			}
		}
	}
	if w.Delete {
		return s, want, nil
	}
	for _, e := range w.Events {
		if e = strings.TrimSpace(e); e != "" && !slices.Contains(want.Events, e) {
			want.Events = append(want.Events, e)
		}
	}
	if len(w.Events) == 0 {
		want.Events = vivenu.DefaultEvents()
	}
	switch {
	case len(s.Secrets) == 0:
		return s, want, fmt.Errorf("sources.%s.secrets is empty: the first is the hmacKey that vivenu signs with; make one up, of 32 random characters or more", source)
	case want.URL == "":
		return s, want, fmt.Errorf("-url is missing: it is where vivenu reaches webhookd, such as https://broker.example.com/webhooks/%s", source)
	}
	want.HMACKey = string(s.Secrets[0])
	if err := want.Validate(); err != nil {
		return s, want, fmt.Errorf("vivenu would not take such a webhook:\n%w", err)
	}
	return s, want, nil
}

// planned looks at the account. The plan is for people, the changes are for [vivenu.Client.Apply].
func planned(ctx context.Context, c *vivenu.Client, source string, want vivenu.Subscription, remove bool) (SubscriptionPlan, []vivenu.Change, error) {
	existing, err := c.Subscriptions(ctx)
	if err != nil {
		return SubscriptionPlan{}, nil, advise(source, err)
	}
	changes := vivenu.Plan(existing, want, remove)
	plan := SubscriptionPlan{Source: source, Name: shown(want.Name), Changes: []SubscriptionChange{}, Notes: []string{}}
	for _, ch := range changes {
		why := ch.Differs
		switch {
		case ch.Kind == vivenu.Create:
			why = []string{"there is none of this name"}
		case ch.Kind == vivenu.Delete && remove:
			why = []string{"none of this name is wanted"}
		case ch.Kind == vivenu.Delete:
			why = []string{"another one of this name is there"}
		}
		plan.Changes = append(plan.Changes, SubscriptionChange{Do: ch.Kind, ID: ch.ID, Host: host(ch.Want.URL), Events: shownAll(ch.Want.Events), Why: why})
	}
	if remove {
		return plan, changes, nil
	}
	for _, e := range existing {
		if e.Enabled && e.URL == want.URL && e.Name != want.Name {
			plan.Notes = append(plan.Notes, fmt.Sprintf("webhook %q (%s) has the same URL and another name, so vivenu sends twice: disable it, or take it over with -name", shown(e.Name), e.ID))
		}
	}
	if u, err := url.Parse(want.URL); err != nil || !strings.HasSuffix(u.Path, "/webhooks/"+source) {
		plan.Notes = append(plan.Notes, fmt.Sprintf("the URL does not end in /webhooks/%s, where webhookd takes the webhooks of this source: does a proxy rewrite it?", source))
	}
	return plan, changes, nil
}

// advise adds to an error of vivenu's API what there is to do about it.
func advise(source string, err error) error {
	var e *provider.CallError
	if !errors.As(err, &e) || errors.Is(err, context.Canceled) {
		return err
	}
	api, todo := "sources."+source+".api", ""
	switch e.Class {
	case provider.Unauthorized:
		todo = "look at " + api + ".token: want an API key of this account, and of the vivenu that " + api + ".url names, that may manage webhooks"
	case provider.RateLimited:
		todo = fmt.Sprintf("wait (%v or more), then do the same again", e.RetryAfter)
	case provider.OutcomeUnknown:
		todo = "it may have been done: see what plan says, and apply again"
	case provider.NotFound:
		todo = "look at " + api + ".url, which is written without /api; or somebody else has deleted the webhook meanwhile: plan again"
	case provider.Transient:
		todo = "look at " + api + ".url, and whether vivenu can be reached from here, then do the same again"
	default:
		todo = "vivenu does not take it as it is: look at -name, -url and -events, and at " + api + ".url"
	}
	return fmt.Errorf("vivenu: %w\n%s", err, todo)
}

// keyWord says whether vivenu signs with the key that we would give it, and nothing else of it.
func keyWord(s config.Source, key string) string {
	switch at := slices.Index(s.Secrets, config.Secret(key)); {
	case key == "":
		return "no hmacKey"
	case at == 0:
		return "hmacKey matches"
	case at > 0:
		return fmt.Sprintf("hmacKey differs (it is secrets[%d])", at)
	default:
		return "hmacKey differs"
	}
}

// host is what may be shown of a URL.
func host(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return "?"
	}
	return cmp.Or(shown(u.Host), "?")
}

// shown is a text of somebody else's that may be printed on a terminal.
func shown(s string) string { return wire.Cut(wire.Clean(s)) }

func shownAll(list []string) []string {
	out := []string{}
	for _, s := range list {
		out = append(out, shown(s))
	}
	slices.Sort(out)
	return out
}
