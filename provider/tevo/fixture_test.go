package tevo

import (
	"maps"
	"net/url"
	"strings"
	"testing"
	"time"

	"willcall/provider"
	"willcall/provider/providertest"
)

// received is when the door took every fixture. It lies after all their versions.
var received = time.Date(2016, 7, 1, 12, 0, 0, 0, time.UTC)

var usd = Settings{Currency: "USD"}

// A fixture's parts are: delivery, the form fields but the body, one "name: value" a line; body, the JSON as a document has it,
// or base and patch, another fixture (and a path in it) and what is changed of it; want, what Decode makes of it; buyer, where it
// matters, what Buyer does.
type fixture struct {
	*providertest.Fixture
	form url.Values
}

var parts = providertest.Parts{Needed: []string{"delivery", "want"}, Known: []string{"body", "base", "patch", "buyer"}}

// wire is the delivery with the very bytes of the fixture.
func (f fixture) wire() provider.Delivery { return delivery(f.Name, f.form) }

func delivery(id string, form url.Values) provider.Delivery {
	return provider.Delivery{ID: id, Body: []byte(form.Encode()), Received: received}
}

func fixtures(t testing.TB) []fixture {
	t.Helper()
	by := map[string]*providertest.Fixture{}
	loaded := providertest.Load(t, parts)
	for _, f := range loaded {
		by[f.Name] = f
	}
	var all []fixture
	for _, f := range loaded {
		form := url.Values{}
		head, _ := f.Part("delivery")
		for line := range strings.Lines(head) {
			k, v, ok := strings.Cut(strings.TrimSuffix(line, "\n"), ": ")
			if !ok {
				t.Fatalf("%s: delivery line %q; want name: value", f.Name, line)
			}
			form.Set(k, v)
		}
		if text, ok := bodyOf(t, by, f); ok {
			form.Set("body", text)
		}
		all = append(all, fixture{f, form})
	}
	return all
}

func bodyOf(t testing.TB, by map[string]*providertest.Fixture, f *providertest.Fixture) (string, bool) {
	t.Helper()
	if _, ok := f.Part("body"); ok {
		return f.Body("body"), true
	}
	base, ok := f.Part("base")
	if !ok {
		return "", false
	}
	name, path, _ := strings.Cut(strings.TrimSpace(base), " ")
	if by[name] == nil {
		t.Fatalf("%s: base %q is no fixture", f.Name, name)
	}
	text, ok := bodyOf(t, by, by[name])
	if !ok {
		t.Fatalf("%s: base %q has no body", f.Name, name)
	}
	if path != "" {
		text = providertest.At(t, text, path)
	}
	patch, _ := f.Part("patch")
	return providertest.Patch(t, text, patch), true
}

func decode(d provider.Delivery) (provider.Decoded, error) { return Decode(d, usd) }

func decoded(d provider.Delivery) providertest.Result {
	out, err := Decode(d, usd)
	return providertest.Show(out, err, providertest.Text)
}

// samples are the forms of all fixtures, for tests that change them.
func samples(t testing.TB) map[string]url.Values {
	t.Helper()
	forms := map[string]url.Values{}
	for _, f := range fixtures(t) {
		forms[f.Name] = f.form
	}
	return forms
}

func sample(t testing.TB, name string) url.Values {
	t.Helper()
	form := samples(t)[name]
	if form == nil {
		t.Fatalf("no fixture %s", name)
	}
	return form
}

// with returns the sample with its body patched.
func with(t testing.TB, form url.Values, lines string) url.Values {
	t.Helper()
	out := maps.Clone(form)
	out.Set("body", providertest.Patch(t, form.Get("body"), lines))
	return out
}
