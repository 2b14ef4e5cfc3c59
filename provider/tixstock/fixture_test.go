package tixstock

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/tools/txtar"

	"willcall/provider"
)

var rewrite = flag.Bool("update", false, "write what the tests got into testdata")

// received is when the door took every fixture.
var received = time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)

// settings are those of every fixture.
var settings = Settings{}

// A fixture is one file of testdata. Its comment says why it is there. Its files are: delivery, the JSON of the webhook, in
// which "@pdf:NAME" and the like stand for files that the test makes (see stand); standing, what is said of us in the answer,
// or nothing for the common case; want, what Decode makes of it; answer, what Answer does.
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

func (f *fixture) set(name, data string) {
	for i, p := range f.archive.Files {
		if p.Name == name {
			f.archive.Files[i].Data = []byte(data)
		}
	}
}

// wire is the delivery with the very bytes of the fixture.
func (f *fixture) wire() provider.Delivery {
	text, _ := f.part("delivery")
	return delivery(f.name, filled(strings.TrimSuffix(text, "\n")))
}

func delivery(id, body string) provider.Delivery {
	return provider.Delivery{ID: id, Body: []byte(body), Received: received}
}

// standing is what the fixture says of us.
func (f *fixture) standing(t testing.TB) Standing {
	t.Helper()
	s := Standing{Status: "Approved", Success: true}
	if text, ok := f.part("standing"); ok {
		s = Standing{}
		if err := json.Unmarshal([]byte(text), &s); err != nil {
			t.Fatalf("%s: standing: %v", f.file, err)
		}
	}
	return s
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
		known := []string{"delivery", "standing", "want", "answer"}
		for _, p := range a.Files {
			if !slices.Contains(known, p.Name) {
				t.Fatalf("%s: part %q; want one of %v", file, p.Name, known)
			}
		}
		for _, p := range []string{"delivery", "want", "answer"} {
			if _, ok := f.part(p); !ok {
				t.Fatalf("%s: no part %s", file, p)
			}
		}
		if len(bytes.TrimSpace(a.Comment)) == 0 {
			t.Fatalf("%s: no comment that says why it is there", file)
		}
		all = append(all, f)
	}
	return all
}

func sample(t testing.TB, name string) string {
	t.Helper()
	for _, f := range fixtures(t) {
		if f.name == name {
			return string(f.wire().Body)
		}
	}
	t.Fatalf("no fixture %s", name)
	return ""
}

// placeholder is a file that a test makes.
var placeholder = regexp.MustCompile(`@(pdf|php|png|txt):([a-z0-9-]+)`)

// filled puts the files into a body.
func filled(body string) string {
	return placeholder.ReplaceAllStringFunc(body, func(s string) string {
		m := placeholder.FindStringSubmatch(s)
		return stand(m[1], m[2])
	})
}

// stand is a file in base64. The kind php is a PDF whose slashes are escaped, as PHP's JSON has them.
func stand(kind, name string) string {
	switch kind {
	case "pdf":
		return b64(pdf(name))
	case "php":
		return strings.ReplaceAll(b64(pdf(name)), "/", `\/`)
	case "png":
		return b64([]byte("\x89PNG\r\n\x1a\n" + name))
	}
	return b64([]byte("This is no ticket: " + name))
}

func b64(b []byte) string { return base64.StdEncoding.EncodeToString(b) }

// pdf is a PDF of one empty page. The bytes in its second line are those by which a PDF says that it is binary, and give
// base64 with slashes in it.
func pdf(name string) []byte {
	return fmt.Appendf(nil, "%%PDF-1.4\n%%\xff\xff\xff\xff\n%% %s\n1 0 obj <</Type/Catalog/Pages 2 0 R>> endobj\n"+
		"2 0 obj <</Type/Pages/Kids[3 0 R]/Count 1>> endobj\n3 0 obj <</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]>> endobj\n"+
		"trailer <</Root 1 0 R>>\nstartxref\n0\n%%%%EOF\n", name)
}

// with returns the JSON body with values under data replaced by lines of the form "field = json" or "field delete"; a field
// that begins with a dot is one of the whole document.
func with(t testing.TB, body, lines string) string {
	t.Helper()
	var doc map[string]any
	if err := json.Unmarshal([]byte(body), &doc); err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(filled(lines)) {
		path, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		op, arg, _ := strings.Cut(rest, " ")
		path, whole := strings.CutPrefix(path, ".")
		if !whole {
			path = "data." + path
		}
		steps := strings.Split(path, ".")
		at, last := doc, steps[len(steps)-1]
		for _, s := range steps[:len(steps)-1] {
			at = at[s].(map[string]any)
		}
		switch op {
		case "=":
			at[last] = json.RawMessage(arg)
		case "delete":
			delete(at, last)
		default:
			t.Fatalf("patch line %q", line)
		}
	}
	return marshal(t, doc)
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

// result is a Decoded and an error as a fixture shows them: of files only what they are.
type result struct {
	Decoded provider.Decoded
	Files   []fileMark `json:",omitempty"`
	Error   string     `json:",omitempty"`
}

type fileMark struct{ Name, MediaType, SHA256 string }

func decoded(d provider.Delivery) result {
	out, err := Decode(d, settings)
	r := result{Decoded: out}
	for _, f := range out.Files {
		sum := sha256.Sum256(f.Body)
		r.Files = append(r.Files, fileMark{f.Name, f.MediaType, hex.EncodeToString(sum[:])})
	}
	r.Decoded.Files = nil
	if err != nil {
		r.Error = err.Error()
	}
	return r
}

func writeArchive(t *testing.T, f *fixture) {
	t.Helper()
	if err := os.WriteFile(f.file, txtar.Format(f.archive), 0o644); err != nil {
		t.Fatal(err)
	}
}
