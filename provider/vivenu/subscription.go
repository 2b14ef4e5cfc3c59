package vivenu

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"willcall/provider"
	"willcall/provider/wire"
)

// Subscription is what vivenu calls a webhook: where it sends what, signed with which key. ("Webhooks", Create a new webhook)
//
// It never shows its key: printed with any verb it says whether there is one, and its JSON has none.
type Subscription struct {
	ID      string   // vivenu's; "" of one that we want
	Name    string   // by which we know ours again
	URL     string   // may hold a secret path segment, and is not printed either
	Events  []string // the types that are sent
	HMACKey string   `json:"-"`
	Enabled bool
}

// String tells subscriptions apart without their secrets.
func (s Subscription) String() string {
	key := "no key"
	if s.HMACKey != "" {
		key = "a key"
	}
	return fmt.Sprintf("webhook %q (%d events, %s, enabled %t)", s.Name, len(s.Events), key, s.Enabled)
}

// Format does the same for every verb; %+v and %#v would show the fields.
func (s Subscription) Format(f fmt.State, _ rune) { fmt.Fprint(f, s.String()) }

// DefaultEvents are all types of the document's map of subscriptions.
func DefaultEvents() []string { return Types()[:documented] }

// The limits of a subscription's name, in characters (public).
const (
	minName = 5
	maxName = 30
)

// SubscriptionName is the name of a source's subscription unless somebody chooses another, cut to what vivenu takes.
func SubscriptionName(source string) string {
	name := []rune("willcall " + source)
	return string(name[:min(len(name), maxName)])
}

// Validate reports every fault of a subscription that we want, by the field's name and without its value: a name of other than
// 5 to 30 characters, a URL that is no https URL, no key, no events, events that vivenu has not.
func (s Subscription) Validate() error {
	var faults []error
	fault := func(field, why string) { faults = append(faults, fmt.Errorf("%s: %s", field, why)) }
	if n := utf8.RuneCountInString(s.Name); n < minName || n > maxName {
		fault("name", fmt.Sprintf("want %d to %d characters", minName, maxName))
	}
	if u, err := url.Parse(s.URL); err != nil || u.Scheme != "https" || u.Host == "" {
		fault("url", "want an https URL")
	}
	if s.HMACKey == "" {
		fault("hmacKey", "it is missing: vivenu would not sign")
	}
	if len(s.Events) == 0 {
		fault("events", "there are none")
	}
	known := Types()
	for _, e := range s.Events {
		if !slices.Contains(known, e) || e == "ticket.checkin" {
			fault("events", fmt.Sprintf("%q is no type that can be subscribed to", wire.Cut(e)))
		}
	}
	return errors.Join(faults...)
}

// What a [Change] does.
const (
	Create = "create"
	Update = "update"
	Delete = "delete"
)

// Change is one step from the subscriptions that are to the one that is wanted.
type Change struct {
	Kind    string       // Create, Update or Delete
	ID      string       // of the subscription that is changed or deleted
	Want    Subscription // for Create and Update; for Delete, the one that goes
	Differs []string     // for Update: "url differs", "events: job.failed is missing"; no value of url or key

	// Off are types that the subscription has now and is not to have: they are named as false, for no document says whether an
	// update keeps what it does not name.
	Off []string
}

// String says what is done, for people.
func (c Change) String() string {
	s := c.Kind + " " + c.Want.String()
	if len(c.Differs) > 0 {
		s += ": " + strings.Join(c.Differs, ", ")
	}
	return s
}

// Format does the same for every verb.
func (c Change) Format(f fmt.State, _ rune) { fmt.Fprint(f, c.String()) }

// Plan says what is to be done so that want is there once, or, with remove, so that nothing of its name is there. It is pure,
// and empty where nothing is to be done. Subscriptions are known by their name alone; those of other names are left alone. Of
// several the one that differs least stays, and among equals the first.
func Plan(existing []Subscription, want Subscription, remove bool) []Change {
	var changes []Change
	var same []Subscription
	for _, s := range existing {
		if s.Name == want.Name {
			same = append(same, s)
		}
	}
	keep := -1
	for i, s := range same {
		if !remove && (keep < 0 || len(differences(s, want)) < len(differences(same[keep], want))) {
			keep = i
		}
	}
	switch {
	case remove:
	case keep < 0:
		changes = append(changes, Change{Kind: Create, Want: want})
	default:
		if d := differences(same[keep], want); len(d) > 0 {
			off := slices.DeleteFunc(slices.Clone(same[keep].Events), func(e string) bool { return slices.Contains(want.Events, e) })
			changes = append(changes, Change{Kind: Update, ID: same[keep].ID, Want: want, Differs: d, Off: off})
		}
	}
	for i, s := range same {
		if i != keep {
			changes = append(changes, Change{Kind: Delete, ID: s.ID, Want: s})
		}
	}
	return changes
}

func differences(is, want Subscription) []string {
	var d []string
	if is.URL != want.URL {
		d = append(d, "url differs")
	}
	if is.HMACKey != want.HMACKey {
		d = append(d, "hmacKey differs")
	}
	if is.Enabled != want.Enabled {
		d = append(d, fmt.Sprintf("enabled is %t", is.Enabled))
	}
	for _, e := range sorted(want.Events) {
		if !slices.Contains(is.Events, e) {
			d = append(d, "events: "+e+" is missing")
		}
	}
	for _, e := range sorted(is.Events) {
		if !slices.Contains(want.Events, e) {
			d = append(d, "events: "+wire.Cut(wire.Clean(e))+" is not wanted")
		}
	}
	return d
}

func sorted(list []string) []string { return slices.Compact(slices.Sorted(slices.Values(list))) }

// subscription is one on the wire.
type subscription struct {
	ID      wire.Scalar                         `json:"_id"`
	Name    wire.Scalar                         `json:"name"`
	URL     wire.Scalar                         `json:"url"`
	Enabled wire.Scalar                         `json:"enabled"`
	Events  wire.Object[map[string]wire.Scalar] `json:"events"`
	HMACKey wire.Scalar                         `json:"hmacKey"`
}

// Subscriptions lists all of the account, keys included: whoever has the API key has every signing key. ("Webhooks", Get all
// webhooks) Errors are [*provider.CallError].
func (c *Client) Subscriptions(ctx context.Context) ([]Subscription, error) {
	const op = "list webhooks"
	var all []Subscription
	seen := map[string]bool{} // one that moves to the next page while we read is no second one
	for skip, more := 0, true; more; {
		docs, next, err := c.page(ctx, op, "/api/webhooks", skip, nil)
		if err != nil {
			return nil, err
		}
		for _, raw := range docs {
			var in subscription
			if parse(raw, &in) != nil || in.ID.ID() == "" {
				return nil, provider.Odd(op, false, http.StatusOK, "a webhook in the answer has no id")
			}
			if seen[in.ID.ID()] {
				continue
			}
			seen[in.ID.ID()] = true
			s := Subscription{ID: in.ID.ID(), Name: in.Name.Text, URL: in.URL.Text, HMACKey: in.HMACKey.Text, Enabled: in.Enabled.Word() == "true"}
			for e, on := range in.Events.V {
				if on.Word() == "true" {
					s.Events = append(s.Events, e)
				}
			}
			slices.Sort(s.Events)
			all = append(all, s)
		}
		skip, more = skip+len(docs), next
	}
	return all, nil
}

// Apply makes the changes, in their order, and stops at the first error. After any error the way on is to list and plan again:
// a change that was made is then no longer planned. A subscription that is gone already counts as deleted. Faults of a
// subscription are a [provider.Invalid]; other errors are those of the calls.
func (c *Client) Apply(ctx context.Context, changes []Change) error {
	for _, ch := range changes {
		op := ch.Kind + " webhook"
		if ch.Kind != Delete {
			if err := ch.Want.Validate(); err != nil {
				return &provider.CallError{Class: provider.Invalid, Op: op, Detail: strings.ReplaceAll(err.Error(), "\n", "; ")}
			}
		}
		if ch.Kind != Create {
			if err := idFits(op, ch.ID); err != nil {
				return err
			}
		}
		var err error
		switch ch.Kind {
		case Create:
			_, err = c.call(ctx, op, http.MethodPost, "/api/webhooks", nil, ch.payload())
		case Update:
			_, err = c.call(ctx, op, http.MethodPut, "/api/webhook/"+ch.ID, nil, ch.payload())
		case Delete:
			_, err = c.call(ctx, op, http.MethodDelete, "/api/webhook/"+ch.ID, nil, nil)
			if provider.ClassOf(err) == provider.NotFound {
				err = nil
			}
		default:
			err = &provider.CallError{Class: provider.Invalid, Op: op, Detail: "there is no such change"}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// payload is the body of a create or update. ("Webhooks", Update a webhook)
func (c Change) payload() any {
	events := map[string]bool{}
	for _, e := range DefaultEvents() {
		events[e] = false
	}
	for _, e := range c.Off {
		events[e] = false
	}
	for _, e := range c.Want.Events {
		events[e] = true
	}
	return struct {
		Name    string          `json:"name"`
		URL     string          `json:"url"`
		Enabled bool            `json:"enabled"`
		Events  map[string]bool `json:"events"`
		HMACKey string          `json:"hmacKey"`
	}{c.Want.Name, c.Want.URL, c.Want.Enabled, events, c.Want.HMACKey}
}
