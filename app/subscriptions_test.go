package app_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"willcall/app"
	"willcall/config"
	"willcall/provider"
	"willcall/provider/vivenu"
	"willcall/sim"
)

const (
	apiKey   = "key_hunter0hunter0"
	firstKey = "hunter1hunter1"
	olderKey = "hunter2hunter2"
	brokers  = "https://broker.example.com/webhooks/vivenu"
)

// account is an account at vivenu with our configuration of it.
type account struct {
	t    *testing.T
	api  *sim.Vivenu
	url  string
	opts app.Options
}

func setup(t *testing.T) *account {
	t.Helper()
	api := sim.NewVivenu(sim.VivenuOptions{APIKey: apiKey})
	srv := httptest.NewServer(api)
	t.Cleanup(srv.Close)
	return &account{t, api, srv.URL, app.Options{Config: config.Config{Sources: map[string]config.Source{
		"vivenu": {Kind: "vivenu", Secrets: []config.Secret{firstKey, olderKey},
			API: &config.API{URL: srv.URL, Token: apiKey, PerSecond: 1000, Timeout: 5 * time.Second}},
		"tevo": {Kind: "tevo", Secrets: []config.Secret{"hunter3hunter3"}, API: &config.API{URL: srv.URL}},
	}}}}
}

// source changes the source vivenu of the configuration.
func (a *account) source(change func(*config.Source)) {
	s := a.opts.Config.Sources["vivenu"]
	change(&s)
	a.opts.Config.Sources["vivenu"] = s
}

// hook makes a webhook as somebody else would.
func (a *account) hook(name, url, key string) {
	a.t.Helper()
	body, err := json.Marshal(map[string]any{"name": name, "url": url, "hmacKey": key, "events": map[string]bool{"ticket.created": true}})
	if err != nil {
		a.t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(a.t.Context(), "POST", a.url+"/api/webhooks", bytes.NewReader(body))
	if err != nil {
		a.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+apiKey)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		a.t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusCreated {
		a.t.Fatalf("got %s; want a webhook", resp.Status)
	}
}

// hooks are those that are there, keys included.
func (a *account) hooks() []vivenu.Subscription {
	a.t.Helper()
	all, err := (&vivenu.Client{BaseURL: a.url, Key: apiKey}).Subscriptions(a.t.Context())
	if err != nil {
		a.t.Fatal(err)
	}
	return all
}

// steps writes a plan in a line a change.
func steps(p app.SubscriptionPlan) []string {
	out := []string{}
	for _, c := range p.Changes {
		out = append(out, c.Do+" "+c.Host+": "+strings.Join(c.Why, ", "))
	}
	return out
}

// converges plans twice, since a plan changes nothing, and then applies, after which nothing is left.
func (a *account) converges(w app.SubscriptionWish, want ...string) {
	a.t.Helper()
	for range 2 {
		plan, err := app.PlanSubscription(a.t.Context(), a.opts, "vivenu", w)
		if err != nil || !slices.Equal(steps(plan), want) {
			a.t.Fatalf("plan: got %q, %v; want %q", steps(plan), err, want)
		}
		a.silent(plan)
	}
	begun := 0
	left, err := app.ApplySubscription(a.t.Context(), a.opts, "vivenu", w, func(p app.SubscriptionPlan) error {
		begun++
		if !slices.Equal(steps(p), want) {
			a.t.Errorf("apply: got %q; want %q", steps(p), want)
		}
		return nil
	})
	if err != nil || begun != 1 || len(left.Changes) != 0 {
		a.t.Fatalf("apply: got %v left, %v, begun %d times; want nothing left", left, err, begun)
	}
	a.silent(left)
}

// silent looks for keys in everything that can be made of v, and for paths of URLs.
func (a *account) silent(v any) {
	a.t.Helper()
	raw, err := json.Marshal(v)
	if err != nil {
		a.t.Fatal(err)
	}
	for _, text := range []string{string(raw), fmt.Sprintf("%v", v), fmt.Sprintf("%+v", v), fmt.Sprintf("%#v", v), fmt.Sprintf("%s", v), fmt.Sprintf("%q", v), fmt.Sprintf("%x", v)} {
		for _, secret := range []string{"hunter", "68756e746572", "secret-path"} {
			if strings.Contains(text, secret) {
				a.t.Errorf("%q is in %s", secret, text)
			}
		}
	}
}

func TestSubscriptionFollowsTheWish(t *testing.T) {
	t.Parallel()
	a := setup(t)
	a.hook("somebody else's", "https://other.example.com/secret-path", "hunter9hunter9")
	w := app.SubscriptionWish{URL: brokers}
	a.converges(w, "create broker.example.com: there is none of this name")
	a.converges(w)
	w.Events = []string{"transaction.complete", " job.failed", "job.failed", ""}
	var gone []string
	for _, e := range slices.Sorted(slices.Values(vivenu.DefaultEvents())) {
		if !slices.Contains(w.Events, e) && e != "job.failed" {
			gone = append(gone, "events: "+e+" is not wanted")
		}
	}
	a.converges(w, "update broker.example.com: "+strings.Join(gone, ", "))
	a.converges(w)
	w.URL = "https://new.example.com/webhooks/vivenu"
	a.converges(w, "update new.example.com: url differs")
	a.hook("willcall vivenu", "https://old.example.com/secret-path", "hunter9hunter9")
	a.converges(w, "delete old.example.com: another one of this name is there")
	a.converges(app.SubscriptionWish{URL: brokers, Name: " Willcall vivenu "}, "create broker.example.com: there is none of this name")

	want := []vivenu.Subscription{
		{Name: "somebody else's", URL: "https://other.example.com/secret-path", Events: []string{"ticket.created"}, HMACKey: "hunter9hunter9", Enabled: true},
		{Name: "willcall vivenu", URL: w.URL, Events: []string{"job.failed", "transaction.complete"}, HMACKey: firstKey, Enabled: true},
		{Name: "Willcall vivenu", URL: brokers, Events: slices.Sorted(slices.Values(vivenu.DefaultEvents())), HMACKey: firstKey, Enabled: true},
	}
	got := a.hooks()
	for i := range got {
		got[i].ID = ""
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %v; want %v", got, want)
	}

	a.converges(app.SubscriptionWish{Delete: true}, "delete new.example.com: none of this name is wanted")
	a.converges(app.SubscriptionWish{Delete: true, URL: brokers, Events: []string{"no event"}})
	if got := a.hooks(); len(got) != 2 || got[0].Name != "somebody else's" || got[1].Name != "Willcall vivenu" {
		t.Errorf("got %v; want the others untouched", got)
	}
}

func TestSubscriptionFollowsTheKey(t *testing.T) {
	t.Parallel()
	a := setup(t)
	w := app.SubscriptionWish{URL: brokers}
	a.converges(w, "create broker.example.com: there is none of this name")
	a.source(func(s *config.Source) { slices.Reverse(s.Secrets) })
	a.converges(w, "update broker.example.com: hmacKey differs")
	if got := a.hooks(); len(got) != 1 || got[0].HMACKey != olderKey {
		t.Errorf("got %v; want the one webhook with the key that is now the first", got)
	}
}

func TestSubscriptionsShowsNoKey(t *testing.T) {
	t.Parallel()
	a := setup(t)
	list, err := app.Subscriptions(t.Context(), a.opts, "vivenu")
	if raw, _ := json.Marshal(list); err != nil || string(raw) != "[]" {
		t.Errorf("got %s, %v; want an empty list", raw, err)
	}
	a.hook("first", "https://user:hunter4@first.example.com:8443/secret-path?secret-path#secret-path", firstKey)
	a.hook("older\x1b[2J", "https://older.example.com", olderKey)
	a.hook("other", "https://other.example.com", "hunter9hunter9")
	a.hook("keyless", "http://keyless.example.com", "")
	list, err = app.Subscriptions(t.Context(), a.opts, "vivenu")
	if err != nil {
		t.Fatal(err)
	}
	a.silent(list)
	for i := range list {
		if list[i].ID == "" {
			t.Errorf("got no id of %v", list[i])
		}
		list[i].ID = ""
	}
	events := []string{"ticket.created"}
	want := []app.Webhook{
		{Name: "first", Host: "first.example.com:8443", Enabled: true, Events: events, Key: "hmacKey matches"},
		{Name: "older[2J", Host: "older.example.com", Enabled: true, Events: events, Key: "hmacKey differs (it is secrets[1])"},
		{Name: "other", Host: "other.example.com", Enabled: true, Events: events, Key: "hmacKey differs"},
		{Name: "keyless", Host: "keyless.example.com", Enabled: true, Events: events, Key: "no hmacKey"},
	}
	if !reflect.DeepEqual(list, want) {
		t.Errorf("got %v; want %v", list, want)
	}
}

func TestSubscriptionNotes(t *testing.T) {
	t.Parallel()
	a := setup(t)
	a.hook("set up by hand", "https://broker.example.com/secret-path", olderKey)
	w := app.SubscriptionWish{URL: "https://broker.example.com/secret-path"}
	plan, err := app.PlanSubscription(t.Context(), a.opts, "vivenu", w)
	if err != nil {
		t.Fatal(err)
	}
	a.silent(plan)
	want := []string{
		fmt.Sprintf(`webhook "set up by hand" (%s) has the same URL and another name, so vivenu sends twice: disable it, or take it over with -name`, a.hooks()[0].ID),
		"the URL does not end in /webhooks/vivenu, where webhookd takes the webhooks of this source: does a proxy rewrite it?",
	}
	if !slices.Equal(plan.Notes, want) {
		t.Errorf("got %q; want %q", plan.Notes, want)
	}
	w.Name = "set up by hand"
	if plan, err = app.PlanSubscription(t.Context(), a.opts, "vivenu", w); err != nil || len(plan.Notes) != 1 || plan.Changes[0].Do != "update" {
		t.Errorf("got %v, %v; want an update of the webhook that was set up by hand", plan, err)
	}
}

// TestSubscriptionRefusals are errors that the configuration and the flags alone explain. No API is called.
func TestSubscriptionRefusals(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, source string
		change       func(*config.Source)
		wish         app.SubscriptionWish
		want         string
	}{
		{"NoSource", "vivenoo", nil, app.SubscriptionWish{URL: brokers}, `the configuration has no source "vivenoo"; it has tevo, vivenu`},
		{"AnotherKind", "tevo", nil, app.SubscriptionWish{URL: brokers}, "sources.tevo is of kind tevo: only vivenu has an API for webhooks; have those of tevo set up with the provider itself"},
		{"NoAPI", "vivenu", func(s *config.Source) { s.API = nil }, app.SubscriptionWish{Delete: true},
			"sources.vivenu.api is missing: give it the url of vivenu's API (https://vivenu.com) and, as token, an API key of the account"},
		{"NoSecret", "vivenu", func(s *config.Source) { s.Secrets = nil }, app.SubscriptionWish{URL: brokers},
			"sources.vivenu.secrets is empty: the first is the hmacKey that vivenu signs with; make one up, of 32 random characters or more"},
		{"NoURL", "vivenu", nil, app.SubscriptionWish{}, "-url is missing: it is where vivenu reaches webhookd, such as https://broker.example.com/webhooks/vivenu"},
		{"Faults", "vivenu", nil, app.SubscriptionWish{Name: "will", URL: "http://broker.example.com/secret-path", Events: []string{","}},
			"vivenu would not take such a webhook:\nname: want 5 to 30 characters\nurl: want an https URL\nevents: \",\" is no type that can be subscribed to"},
		{"NoEvents", "vivenu", nil, app.SubscriptionWish{URL: brokers, Events: []string{" "}}, "vivenu would not take such a webhook:\nevents: there are none"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			a := setup(t)
			if c.change != nil {
				a.source(c.change)
			}
			a.refuses(c.source, c.wish, c.want)
			if got := a.hooks(); len(got) != 0 {
				t.Errorf("got %v; want none", got)
			}
		})
	}
}

// refuses applies, and plans, with the same error.
func (a *account) refuses(source string, w app.SubscriptionWish, want string) {
	a.t.Helper()
	_, planErr := app.PlanSubscription(a.t.Context(), a.opts, source, w)
	_, applyErr := app.ApplySubscription(a.t.Context(), a.opts, source, w, func(app.SubscriptionPlan) error {
		a.t.Error("got a plan; want none")
		return nil
	})
	for _, err := range []error{planErr, applyErr} {
		if err == nil || err.Error() != want {
			a.t.Errorf("got %v; want %s", err, want)
		} else if text := fmt.Sprintf("%+v", err); strings.Contains(text, "hunter") || strings.Contains(text, "secret-path") {
			a.t.Errorf("a secret is in %s", text)
		}
	}
}

func TestSubscriptionNamesDoNotMeet(t *testing.T) {
	t.Parallel()
	a := setup(t)
	const one, two = "vivenu-of-the-great-hall-north", "vivenu-of-the-great-hall-south"
	a.opts.Config.Sources[one], a.opts.Config.Sources[two] = a.opts.Config.Sources["vivenu"], a.opts.Config.Sources["vivenu"]
	a.refuses(one, app.SubscriptionWish{URL: brokers}, "the webhooks of the sources "+one+" and "+two+` would both be called "willcall vivenu-of-the-great-h": give each another -name`)
	if _, err := app.PlanSubscription(t.Context(), a.opts, one, app.SubscriptionWish{URL: brokers, Name: "great hall north"}); err != nil {
		t.Errorf("got %v; want none", err)
	}
}

func TestSubscriptionSaysWhatToDo(t *testing.T) {
	t.Parallel()
	w := app.SubscriptionWish{URL: brokers}
	fault := func(f sim.Fault) func(*account) {
		return func(a *account) {
			if err := a.api.SetFaults(sim.Faults{Faults: []sim.Fault{f}}); err != nil {
				a.t.Fatal(err)
			}
		}
	}
	for _, c := range []struct {
		name   string
		before func(*account)
		class  string
		todo   string
	}{
		{"WrongToken", func(a *account) { a.source(func(s *config.Source) { s.API.Token = "key_hunter5" }) }, provider.Unauthorized, "look at sources.vivenu.api.token: "},
		{"Down", func(a *account) {
			down := httptest.NewServer(nil)
			down.Close()
			a.source(func(s *config.Source) { s.API.URL = down.URL })
		}, provider.Transient, "look at sources.vivenu.api.url, and whether vivenu can be reached from here"},
		{"WrongPath", func(a *account) { a.source(func(s *config.Source) { s.API.URL += "/api" }) }, provider.NotFound, "look at sources.vivenu.api.url, which is written without /api"},
		{"Busy", fault(sim.Fault{Kind: sim.FaultStatus, Status: 429}), provider.RateLimited, "wait ("},
		{"Refused", fault(sim.Fault{Kind: sim.FaultStatus, Status: 400}), provider.Invalid, "vivenu does not take it as it is: "},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			a := setup(t)
			c.before(a)
			_, list := app.Subscriptions(t.Context(), a.opts, "vivenu")
			_, plan := app.PlanSubscription(t.Context(), a.opts, "vivenu", w)
			_, apply := app.ApplySubscription(t.Context(), a.opts, "vivenu", w, func(app.SubscriptionPlan) error { return nil })
			for _, err := range []error{list, plan, apply} {
				if provider.ClassOf(err) != c.class || !strings.Contains(err.Error(), "\n"+c.todo) || strings.Contains(fmt.Sprintf("%+v", err), "hunter") {
					t.Errorf("got %v; want %s, and: %s", err, c.class, c.todo)
				}
			}
		})
	}
}

// TestSubscriptionAfterALostAnswer makes the webhook, hears nothing, and makes no second one.
func TestSubscriptionAfterALostAnswer(t *testing.T) {
	t.Parallel()
	a := setup(t)
	if err := a.api.SetFaults(sim.Faults{Faults: []sim.Fault{{Method: "POST", Kind: sim.FaultLostAnswer, Count: 1}}}); err != nil {
		t.Fatal(err)
	}
	w := app.SubscriptionWish{URL: brokers}
	_, err := app.ApplySubscription(t.Context(), a.opts, "vivenu", w, func(app.SubscriptionPlan) error { return nil })
	want := "change 1 of 1: vivenu: create webhook: outcome_unknown: no answer\nit may have been done: see what plan says, and apply again"
	if err == nil || err.Error() != want {
		t.Errorf("got %v; want %s", err, want)
	}
	a.converges(w)
	if got := a.hooks(); len(got) != 1 {
		t.Errorf("got %v; want one", got)
	}
}

func TestSubscriptionBeginsOrLeavesAll(t *testing.T) {
	t.Parallel()
	a := setup(t)
	no := errors.New("no")
	_, err := app.ApplySubscription(t.Context(), a.opts, "vivenu", app.SubscriptionWish{URL: brokers}, func(app.SubscriptionPlan) error { return no })
	if got := a.hooks(); !errors.Is(err, no) || len(got) != 0 {
		t.Errorf("got %v, %v; want the error of begin and no webhook", got, err)
	}
}

func TestSubscriptionTellsWhatIsLeft(t *testing.T) {
	t.Parallel()
	a := setup(t)
	deaf := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == "POST" {
			w.WriteHeader(http.StatusCreated) // and does nothing
			return
		}
		a.api.ServeHTTP(w, r)
	}))
	t.Cleanup(deaf.Close)
	a.source(func(s *config.Source) { s.API.URL = deaf.URL })
	left, err := app.ApplySubscription(t.Context(), a.opts, "vivenu", app.SubscriptionWish{URL: brokers}, func(app.SubscriptionPlan) error { return nil })
	if err != nil || !slices.Equal(steps(left), []string{"create broker.example.com: there is none of this name"}) {
		t.Errorf("got %v, %v; want the webhook still to be created", steps(left), err)
	}
}
