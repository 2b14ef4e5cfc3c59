package ltd

import (
	"bytes"
	"encoding/json"
	"flag"
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
var received = time.Date(2024, 8, 1, 12, 0, 0, 0, time.UTC)

const affiliate = "281ffaaa-a70b-4cd2-a401-9e50b00a1204"

var gbp = Settings{Currency: "GBP", AffiliateID: affiliate, Inventory: map[string]string{"3868": "TG-90"}}

// A fixture is one file of testdata. Its comment says why it is there. Its files are: delivery, the very bytes but for the last
// line break; want, what Decode makes of it; buyer, where it matters, what Buyer does.
type fixture struct {
	name    string
	file    string
	archive *txtar.Archive
}

func (f *fixture) part(name string) (string, bool) {
	for _, p := range f.archive.Files {
		if p.Name == name {
			return string(p.Data), true
		}
	}
	return "", false
}

func (f *fixture) body() string {
	text, _ := f.part("delivery")
	return strings.TrimSuffix(text, "\n")
}

func delivery(id, body string) provider.Delivery {
	return provider.Delivery{ID: id, Body: []byte(body), Received: received}
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
		f := &fixture{strings.TrimSuffix(filepath.Base(file), ".txtar"), file, a}
		for _, p := range a.Files {
			if known := []string{"delivery", "want", "buyer"}; !slices.Contains(known, p.Name) {
				t.Fatalf("%s: part %q; want one of %v", file, p.Name, known)
			}
		}
		if _, want := f.part("want"); f.body() == "" || !want || len(bytes.TrimSpace(a.Comment)) == 0 {
			t.Fatalf("%s: want a comment, a delivery and a want", file)
		}
		all = append(all, f)
	}
	return all
}

// samples are the bodies of all fixtures, for tests that change them.
func samples(t testing.TB) map[string]string {
	t.Helper()
	all := map[string]string{}
	for _, f := range fixtures(t) {
		all[f.name] = f.body()
	}
	return all
}

func sample(t testing.TB, name string) string {
	t.Helper()
	body := samples(t)[name]
	if body == "" {
		t.Fatalf("no fixture %s", name)
	}
	return body
}

func parseJSON(t testing.TB, text string) any {
	t.Helper()
	dec := json.NewDecoder(strings.NewReader(text))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		t.Fatalf("%v in %q", err, text)
	}
	return v
}

// with returns the body changed by lines of the forms "path = json" and "path delete"; the index behind the last element of a
// list appends.
func with(t testing.TB, body, lines string) string {
	t.Helper()
	doc := parseJSON(t, body)
	for line := range strings.Lines(lines) {
		path, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		op, arg, _ := strings.Cut(rest, " ")
		switch op {
		case "=":
			doc = put(t, doc, strings.Split(path, "."), parseJSON(t, arg))
		case "delete":
			doc = put(t, doc, strings.Split(path, "."), nil)
		default:
			t.Fatalf("patch line %q", line)
		}
	}
	return marshal(t, doc)
}

// put sets the value at the steps; nil removes a field.
func put(t testing.TB, doc any, steps []string, v any) any {
	t.Helper()
	if len(steps) == 0 {
		return v
	}
	switch d := doc.(type) {
	case map[string]any:
		if d[steps[0]] = put(t, d[steps[0]], steps[1:], v); d[steps[0]] == nil && len(steps) == 1 {
			delete(d, steps[0])
		}
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

// result is a Decoded and an error as a fixture shows them: the files' bodies are text.
type result struct {
	Decoded provider.Decoded
	Files   []textFile `json:",omitempty"`
	Error   string     `json:",omitempty"`
}

type textFile struct{ Name, MediaType, Body string }

func decoded(d provider.Delivery) result {
	out, err := Decode(d, gbp)
	r := result{}
	for _, f := range out.Files {
		r.Files = append(r.Files, textFile{f.Name, f.MediaType, string(f.Body)})
	}
	out.Files = nil
	r.Decoded = out
	if err != nil {
		r.Error = err.Error()
	}
	return r
}
