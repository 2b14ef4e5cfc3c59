package vivenu

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"willcall/provider"
)

func wanted() Subscription {
	return Subscription{Name: "willcall-prod", URL: "https://tickets.example.com/webhooks/vivenu", Events: DefaultEvents(), HMACKey: "hunter2hunter2", Enabled: true}
}

// registry keeps subscriptions as the API does: an update sets what it names, and leaves the rest.
type registry struct {
	mu    sync.Mutex
	hooks []map[string]any
	next  int
	calls []string
	lost  bool // the answers to writes get lost
}

func (g *registry) serve(t *testing.T) *Client {
	t.Helper()
	return serve(t, func(w http.ResponseWriter, r *http.Request) {
		g.mu.Lock()
		defer g.mu.Unlock()
		var in map[string]any
		if raw, _ := io.ReadAll(r.Body); len(raw) > 0 {
			if err := json.Unmarshal(raw, &in); err != nil {
				t.Error(err)
			}
		}
		id := strings.TrimPrefix(r.URL.Path, "/api/webhook/")
		at := slices.IndexFunc(g.hooks, func(h map[string]any) bool { return h["_id"] == id })
		switch {
		case r.Method == "GET" && r.URL.Path == "/api/webhooks":
			all := []any{}
			for _, h := range g.hooks {
				all = append(all, h)
			}
			pageOf(t, w, r, all, true)
			return
		case r.Method == "POST" && r.URL.Path == "/api/webhooks":
			g.next++
			in["_id"] = fmt.Sprint("h", g.next)
			g.hooks = append(g.hooks, in)
			w.WriteHeader(http.StatusCreated)
		case at < 0:
			w.WriteHeader(http.StatusNotFound)
			return
		case r.Method == "PUT":
			for k, v := range in {
				if events, ok := v.(map[string]any); ok {
					for e, on := range events {
						g.hooks[at][k].(map[string]any)[e] = on
					}
					continue
				}
				g.hooks[at][k] = v
			}
		case r.Method == "DELETE":
			g.hooks = slices.Delete(g.hooks, at, at+1)
		}
		g.calls = append(g.calls, r.Method)
		if g.lost {
			panic(http.ErrAbortHandler)
		}
		io.WriteString(w, `{"_id": "h"}`)
	})
}

func (g *registry) put(name string, change func(map[string]any)) {
	g.next++
	h := map[string]any{"_id": fmt.Sprint("h", g.next), "name": name, "url": wanted().URL, "enabled": true, "hmacKey": "hunter2hunter2", "events": map[string]any{}}
	for _, e := range DefaultEvents() {
		h["events"].(map[string]any)[e] = true
	}
	if change != nil {
		change(h)
	}
	g.hooks = append(g.hooks, h)
}

// TestSubscribing plans and applies until nothing is left to do, which is after one round.
func TestSubscribing(t *testing.T) {
	t.Parallel()
	others := func(g *registry) {
		for i := range 90 { // more than a page
			g.put(fmt.Sprint("somebody else's ", i), nil)
		}
	}
	for _, c := range []struct {
		name   string
		before func(*registry)
		remove bool
		plan   []string
		left   int // of ours
	}{
		{"None", func(g *registry) {}, false, []string{`create webhook "willcall-prod" (35 events, a key, enabled true)`}, 1},
		{"OthersAlone", others, false, []string{`create webhook "willcall-prod" (35 events, a key, enabled true)`}, 1},
		{"There", func(g *registry) { others(g); g.put("willcall-prod", nil) }, false, nil, 1},
		{"All", func(g *registry) {
			g.put("willcall-prod", func(h map[string]any) {
				h["url"], h["enabled"], h["hmacKey"] = "https://old.example.com", false, nil
				events := h["events"].(map[string]any)
				events["job.failed"], events["pledge.created"] = false, true
			})
		}, false, []string{`update webhook "willcall-prod" (35 events, a key, enabled true): url differs, hmacKey differs, enabled is false, events: job.failed is missing, events: pledge.created is not wanted`}, 1},
		{"AnotherKey", func(g *registry) {
			g.put("willcall-prod", func(h map[string]any) { h["hmacKey"] = "hunter1hunter1" })
		}, false, []string{`update webhook "willcall-prod" (35 events, a key, enabled true): hmacKey differs`}, 1},
		{"NoEvents", func(g *registry) {
			g.put("willcall-prod", func(h map[string]any) { h["events"] = map[string]any{"x": 1} })
		}, false,
			[]string{"update"}, 1},
		{"Twice", func(g *registry) {
			g.put("willcall-prod", func(h map[string]any) { h["url"] = "https://old.example.com" })
			g.put("willcall-prod", nil)
		}, false, []string{`delete webhook "willcall-prod" (35 events, a key, enabled true)`}, 1},
		{"ThreeTimesOff", func(g *registry) {
			for range 3 {
				g.put("willcall-prod", func(h map[string]any) { h["enabled"] = false })
			}
		}, false, []string{"update", "delete", "delete"}, 1},
		{"Remove", func(g *registry) { others(g); g.put("willcall-prod", nil); g.put("willcall-prod", nil) }, true, []string{"delete", "delete"}, 0},
		{"RemoveNone", others, true, nil, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var g registry
			c.before(&g)
			strangers := len(g.hooks)
			for _, h := range g.hooks {
				if h["name"] == "willcall-prod" {
					strangers--
				}
			}
			client := g.serve(t)
			for round := range 2 {
				existing, err := client.Subscriptions(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				changes := Plan(existing, wanted(), c.remove)
				want := c.plan
				if round == 1 {
					want = nil
				}
				if len(changes) != len(want) {
					t.Fatalf("round %d: got %v; want %v", round, changes, want)
				}
				for i, ch := range changes {
					if !strings.HasPrefix(ch.String(), want[i]) || strings.Contains(ch.String(), "hunter") || strings.Contains(want[i], " ") && ch.String() != want[i] {
						t.Errorf("round %d: got %s; want %s", round, ch, want[i])
					}
				}
				if err := client.Apply(t.Context(), changes); err != nil {
					t.Fatal(err)
				}
			}
			existing, err := client.Subscriptions(t.Context())
			own := slices.DeleteFunc(slices.Clone(existing), func(s Subscription) bool { return s.Name != "willcall-prod" })
			if err != nil || len(own) != c.left || len(existing) != c.left+strangers {
				t.Errorf("got %d of %d, %v; want %d of %d", len(own), len(existing), err, c.left, c.left+strangers)
			}
			if c.left == 1 {
				want := wanted()
				want.ID = own[0].ID
				slices.Sort(want.Events)
				if !reflect.DeepEqual(struct{ S Subscription }{own[0]}, struct{ S Subscription }{want}) {
					t.Errorf("got %v with URL %s; want %v", own[0], own[0].URL, want)
				}
			}
		})
	}
}

// TestALostAnswerIsNoSecondSubscription has the write happen and its answer vanish: the next plan sees that it is there.
func TestALostAnswerIsNoSecondSubscription(t *testing.T) {
	t.Parallel()
	g := registry{lost: true}
	c := g.serve(t)
	classIs(t, "create", c.Apply(t.Context(), Plan(nil, wanted(), false)), provider.OutcomeUnknown)
	existing, err := c.Subscriptions(t.Context())
	if changes := Plan(existing, wanted(), false); err != nil || len(changes) != 0 || len(g.hooks) != 1 {
		t.Errorf("got %v, %v, %d hooks; want nothing left to do, and one", changes, err, len(g.hooks))
	}
}

func TestApplyStopsAtAFault(t *testing.T) {
	t.Parallel()
	c := serve(t, func(w http.ResponseWriter, r *http.Request) { t.Errorf("got %s %s; want no call", r.Method, r.URL) })
	bad := wanted()
	bad.Name = "abc"
	for what, ch := range map[string]Change{
		"fault": {Kind: Create, Want: bad}, "update without an id": {Kind: Update, Want: wanted()}, "delete without an id": {Kind: Delete},
		"no kind": {ID: "1", Want: wanted()},
	} {
		classIs(t, what, c.Apply(t.Context(), []Change{ch, {Kind: Delete, ID: "2"}}), provider.Invalid)
	}
	classIs(t, "nothing", c.Apply(t.Context(), nil), "")
}

func TestValidate(t *testing.T) {
	t.Parallel()
	if err := wanted().Validate(); err != nil {
		t.Errorf("got %v; want none", err)
	}
	for _, c := range []struct {
		name   string
		change func(*Subscription)
		want   string
	}{
		{"ShortName", func(s *Subscription) { s.Name = "will" }, "name: want 5 to 30 characters"},
		{"LongName", func(s *Subscription) { s.Name = strings.Repeat("ü", 31) }, "name: want 5 to 30 characters"},
		{"LongestName", func(s *Subscription) { s.Name = strings.Repeat("ü", 30) }, ""},
		{"HTTP", func(s *Subscription) { s.URL = "http://hunter.example.com" }, "url: want an https URL"},
		{"NoHost", func(s *Subscription) { s.URL = "https:///x" }, "url: want an https URL"},
		{"NoURL", func(s *Subscription) { s.URL = "https://hunter.example.com/%zz" }, "url: want an https URL"},
		{"NoKey", func(s *Subscription) { s.HMACKey = "" }, "hmacKey: it is missing: vivenu would not sign"},
		{"NoEvents", func(s *Subscription) { s.Events = nil }, "events: there are none"},
		{"AnotherEvent", func(s *Subscription) { s.Events = []string{"ticket.lost"} }, `events: "ticket.lost" is no type that can be subscribed to`},
		{"Legacy", func(s *Subscription) { s.Events = []string{"ticket.checkin"} }, `events: "ticket.checkin" is no type that can be subscribed to`},
		{"OurOwn", func(s *Subscription) { s.Events = []string{PolledTransaction} }, `events: "transaction.polled" is no type that can be subscribed to`},
		{"Newer", func(s *Subscription) { s.Events = []string{"pledge.created"} }, ""},
		{"AllAtOnce", func(s *Subscription) { *s = Subscription{} }, "name: want 5 to 30 characters\nurl: want an https URL\nhmacKey: it is missing: vivenu would not sign\nevents: there are none"},
	} {
		s := wanted()
		c.change(&s)
		if got := errText(s.Validate()); got != c.want {
			t.Errorf("%s: got %q; want %q", c.name, got, c.want)
		}
	}
}

func TestSubscriptionName(t *testing.T) {
	t.Parallel()
	for source, want := range map[string]string{
		"v": "willcall v", "vivenu": "willcall vivenu", "a-source-with-a-name-that-is-as-long-as-it": "willcall a-source-with-a-name-",
	} {
		got := SubscriptionName(source)
		s := wanted()
		s.Name = got
		if got != want || s.Validate() != nil {
			t.Errorf("%s: got %q, %v; want %q, that vivenu takes", source, got, s.Validate(), want)
		}
	}
}

func TestSubscriptionsDrift(t *testing.T) {
	t.Parallel()
	c := answers(t, map[string]string{"GET /api/webhooks": `{"docs": [
		{"_id": "1", "name": "willcall-prod", "url": "https://a.example.com", "enabled": "true", "events": {"ticket.created": true, "ticket.updated": false, "x.y": "true"}, "hmacKey": null},
		{"_id": "2", "events": null}, {"_id": "1", "name": "moved while we read"}], "total": "3"}`})
	got, err := c.Subscriptions(t.Context())
	want := []Subscription{{ID: "1", Name: "willcall-prod", URL: "https://a.example.com", Enabled: true, Events: []string{"ticket.created", "x.y"}}, {ID: "2"}}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, %v; want %v", got, err, want)
	}
}
