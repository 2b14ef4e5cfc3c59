package tevo

import (
	"bytes"
	"encoding/json"
	"flag"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/tools/txtar"

	"willcall/provider"
)

var update = flag.Bool("update", false, "write what the tests got into testdata")

// received is when the door took every fixture. It lies after all their versions.
var received = time.Date(2016, 7, 1, 12, 0, 0, 0, time.UTC)

var usd = Settings{Currency: "USD"}

// A fixture is one file of testdata. Its comment says why it is there. Its files are: delivery, the form fields but the
// body, one "name: value" a line; body, the JSON as a document has it, or base and patch, another fixture (and a path in
// it) and what is changed of it; want, what Decode makes of it; buyer, where it matters, what Buyer does.
type fixture struct {
	name    string
	file    string
	archive *txtar.Archive
	form    url.Values
}

func (f *fixture) part(name string) (string, bool) {
	for _, p := range f.archive.Files {
		if p.Name == name {
			return string(p.Data), true
		}
	}
	return "", false
}

func (f *fixture) set(name, data string) {
	for i, p := range f.archive.Files {
		if p.Name == name {
			f.archive.Files[i].Data = []byte(data)
		}
	}
}

// wire is the delivery with the very bytes of the fixture.
func (f *fixture) wire() provider.Delivery { return delivery(f.name, f.form) }

func delivery(id string, form url.Values) provider.Delivery {
	return provider.Delivery{ID: id, Body: []byte(form.Encode()), Received: received}
}

// fixtures loads testdata and refuses what the runner would silently pass over.
func fixtures(t testing.TB) []*fixture {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("testdata", "*.txtar"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no fixtures in testdata (%v)", err)
	}
	var all []*fixture
	for _, file := range files {
		a, err := txtar.ParseFile(file)
		if err != nil {
			t.Fatal(err)
		}
		f := &fixture{name: strings.TrimSuffix(filepath.Base(file), ".txtar"), file: file, archive: a, form: url.Values{}}
		known := []string{"delivery", "body", "base", "patch", "want", "buyer"}
		for _, p := range a.Files {
			if !slices.Contains(known, p.Name) {
				t.Fatalf("%s: part %q; want one of %v", file, p.Name, known)
			}
		}
		head, ok := f.part("delivery")
		if _, want := f.part("want"); !ok || !want || len(bytes.TrimSpace(a.Comment)) == 0 {
			t.Fatalf("%s: want a comment, a delivery and a want", file)
		}
		for line := range strings.Lines(head) {
			k, v, ok := strings.Cut(strings.TrimSuffix(line, "\n"), ": ")
			if !ok {
				t.Fatalf("%s: delivery line %q; want name: value", file, line)
			}
			f.form.Set(k, v)
		}
		all = append(all, f)
	}
	for _, f := range all {
		if text, ok := bodyOf(t, all, f); ok {
			f.form.Set("body", text)
		}
	}
	return all
}

func bodyOf(t testing.TB, all []*fixture, f *fixture) (string, bool) {
	if text, ok := f.part("body"); ok {
		return strings.TrimSuffix(text, "\n"), true
	}
	base, ok := f.part("base")
	if !ok {
		return "", false
	}
	name, path, _ := strings.Cut(strings.TrimSpace(base), " ")
	i := slices.IndexFunc(all, func(g *fixture) bool { return g.name == name })
	if i < 0 {
		t.Fatalf("%s: base %q is no fixture", f.file, name)
	}
	text, ok := bodyOf(t, all, all[i])
	if !ok {
		t.Fatalf("%s: base %q has no body", f.file, name)
	}
	doc := parse(t, text)
	if path != "" {
		doc = at(t, doc, path)
	}
	p, _ := f.part("patch")
	return patched(t, doc, p), true
}

func parse(t testing.TB, text string) any {
	t.Helper()
	dec := json.NewDecoder(strings.NewReader(text))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		t.Fatalf("%v in %q", err, text)
	}
	return v
}

// at is the value under a path such as items.0.price.
func at(t testing.TB, doc any, path string) any {
	t.Helper()
	for step := range strings.SplitSeq(path, ".") {
		switch v := doc.(type) {
		case map[string]any:
			doc = v[step]
		case []any:
			i, err := strconv.Atoi(step)
			if err != nil || i >= len(v) {
				t.Fatalf("path %s: no %s", path, step)
			}
			doc = v[i]
		default:
			t.Fatalf("path %s: nothing at %s", path, step)
		}
	}
	return doc
}

// patched changes doc by lines of the forms "path = json", "path := other path" (a copy) and "path delete"; the index behind
// the last element of a list appends. It returns the JSON.
func patched(t testing.TB, doc any, lines string) string {
	t.Helper()
	for line := range strings.Lines(lines) {
		path, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		op, arg, _ := strings.Cut(rest, " ")
		steps := strings.Split(path, ".")
		switch op {
		case "=":
			doc = put(t, doc, steps, parse(t, arg))
		case ":=":
			doc = put(t, doc, steps, parse(t, marshal(t, at(t, doc, arg))))
		case "delete":
			delete(doc.(map[string]any), path)
		default:
			t.Fatalf("patch line %q", line)
		}
	}
	return marshal(t, doc)
}

func put(t testing.TB, doc any, steps []string, v any) any {
	t.Helper()
	if len(steps) == 0 {
		return v
	}
	switch d := doc.(type) {
	case map[string]any:
		d[steps[0]] = put(t, d[steps[0]], steps[1:], v)
		return d
	case []any:
		i, err := strconv.Atoi(steps[0])
		if err != nil || i > len(d) {
			t.Fatalf("no place %v in a list of %d", steps, len(d))
		}
		if i == len(d) {
			d = append(d, nil)
		}
		d[i] = put(t, d[i], steps[1:], v)
		return d
	}
	t.Fatalf("no place %v", steps)
	return nil
}

func marshal(t testing.TB, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func pretty(t testing.TB, v any) string {
	t.Helper()
	b, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	return string(b) + "\n"
}

// result is a Decoded and an error as a fixture shows them.
type result struct {
	Decoded provider.Decoded
	Error   string `json:",omitempty"`
}

func decoded(d provider.Delivery) result {
	out, err := Decode(d, usd)
	r := result{Decoded: out}
	if err != nil {
		r.Error = err.Error()
	}
	return r
}

// samples are the forms of all fixtures, for tests that change them.
func samples(t testing.TB) map[string]url.Values {
	t.Helper()
	forms := map[string]url.Values{}
	for _, f := range fixtures(t) {
		forms[f.name] = f.form
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
	out := url.Values{}
	for k, v := range form {
		out[k] = slices.Clone(v)
	}
	out.Set("body", patched(t, parse(t, form.Get("body")), lines))
	return out
}

func writeArchive(t *testing.T, f *fixture) {
	t.Helper()
	if err := os.WriteFile(f.file, txtar.Format(f.archive), 0o644); err != nil {
		t.Fatal(err)
	}
}
