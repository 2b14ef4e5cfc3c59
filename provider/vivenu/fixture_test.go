package vivenu

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"flag"
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
var received = time.Date(2026, 5, 2, 12, 0, 0, 0, time.UTC)

// ours maps the ticket type of the fixtures to a group of our own.
var ours = Settings{Inventory: map[string]string{"65f0a1b2c3d4e5f600000029": "58222"}}

// A fixture is one file of testdata. Its comment says why it is there. Its files are: delivery, the JSON of a webhook; want,
// what Decode makes of it, the digest of its content aside; buyer and customer, where they matter, what those make of it.
type fixture struct {
	name    string
	file    string
	archive *txtar.Archive
	body    string
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
		f := &fixture{name: strings.TrimSuffix(filepath.Base(file), ".txtar"), file: file, archive: a}
		known := []string{"delivery", "want", "buyer", "customer"}
		for _, p := range a.Files {
			if !slices.Contains(known, p.Name) {
				t.Fatalf("%s: part %q; want one of %v", file, p.Name, known)
			}
		}
		var ok bool
		f.body, ok = f.part("delivery")
		if _, want := f.part("want"); !ok || !want || len(bytes.TrimSpace(a.Comment)) == 0 {
			t.Fatalf("%s: want a comment, a delivery and a want", file)
		}
		all = append(all, f)
	}
	return all
}

func parsed(t testing.TB, text string) any {
	t.Helper()
	dec := json.NewDecoder(strings.NewReader(text))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		t.Fatalf("%v in %q", err, text)
	}
	return v
}

// patched changes a document by lines of the forms "path = json" and "path delete", where a path is like data.tickets.0.price and
// the index behind the last element of a list appends. It returns the JSON.
func patched(t testing.TB, text, lines string) string {
	t.Helper()
	doc := parsed(t, text)
	for line := range strings.Lines(lines) {
		path, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		op, arg, _ := strings.Cut(rest, " ")
		steps := strings.Split(path, ".")
		switch op {
		case "=":
			doc = put(t, doc, steps, parsed(t, arg))
		case "delete":
			doc = put(t, doc, steps, nothing{})
		default:
			t.Fatalf("patch line %q", line)
		}
	}
	return marshal(t, doc)
}

// nothing in the place of a value deletes it.
type nothing struct{}

func put(t testing.TB, doc any, steps []string, v any) any {
	t.Helper()
	if len(steps) == 0 {
		return v
	}
	switch d := doc.(type) {
	case map[string]any:
		if d[steps[0]] = put(t, d[steps[0]], steps[1:], v); d[steps[0]] == (nothing{}) {
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

// result is a Decoded, without the digest of its content, and an error, as a fixture shows them.
type result struct {
	Decoded provider.Decoded
	Error   string `json:",omitempty"`
}

func decoded(d provider.Delivery) result {
	out, err := Decode(d, ours)
	out.Content = [sha256.Size]byte{}
	r := result{Decoded: out}
	if err != nil {
		r.Error = err.Error()
	}
	return r
}

// samples are the bodies of all fixtures, for tests that change them.
func samples(t testing.TB) map[string]string {
	t.Helper()
	bodies := map[string]string{}
	for _, f := range fixtures(t) {
		bodies[f.name] = f.body
	}
	return bodies
}

func sample(t testing.TB, name string) string {
	t.Helper()
	body := samples(t)[name]
	if body == "" {
		t.Fatalf("no fixture %s", name)
	}
	return body
}

func writeArchive(t *testing.T, f *fixture) {
	t.Helper()
	if err := os.WriteFile(f.file, txtar.Format(f.archive), 0o644); err != nil {
		t.Fatal(err)
	}
}
