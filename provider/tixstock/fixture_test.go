package tixstock

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"willcall/provider"
	"willcall/provider/providertest"
)

// received is when the door took every fixture.
var received = time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)

// settings are those of every fixture.
var settings = Settings{}

// A fixture's parts are: delivery, the JSON of the webhook, in which "@pdf:NAME" and the like stand for files that the test makes
// (see stand); standing, what is said of us in the answer, or nothing for the common case; want, what Decode makes of it; answer,
// what Answer does.
type fixture struct{ *providertest.Fixture }

var parts = providertest.Parts{Needed: []string{"delivery", "want", "answer"}, Known: []string{"standing"}}

// wire is the delivery with the very bytes of the fixture.
func (f fixture) wire() provider.Delivery { return delivery(f.Name, filled(f.Body("delivery"))) }

func delivery(id, body string) provider.Delivery {
	return provider.Delivery{ID: id, Body: []byte(body), Received: received}
}

// standing is what the fixture says of us.
func (f fixture) standing(t testing.TB) Standing {
	t.Helper()
	s := Standing{Status: "Approved", Success: true}
	if text, ok := f.Part("standing"); ok {
		s = Standing{}
		if err := json.Unmarshal([]byte(text), &s); err != nil {
			t.Fatalf("%s: standing: %v", f.Name, err)
		}
	}
	return s
}

func fixtures(t testing.TB) []fixture {
	t.Helper()
	var all []fixture
	for _, f := range providertest.Load(t, parts) {
		all = append(all, fixture{f})
	}
	return all
}

func sample(t testing.TB, name string) string {
	t.Helper()
	for _, f := range fixtures(t) {
		if f.Name == name {
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

// with returns the JSON body changed by lines as of [providertest.Patch], whose paths begin under data; one that begins with a dot
// is of the whole document.
func with(t testing.TB, body, lines string) string {
	t.Helper()
	var patch strings.Builder
	for line := range strings.Lines(filled(lines)) {
		field, whole := strings.CutPrefix(strings.TrimSpace(line), ".")
		if !whole {
			field = "data." + field
		}
		patch.WriteString(field + "\n")
	}
	return providertest.Patch(t, body, patch.String())
}

func decode(d provider.Delivery) (provider.Decoded, error) { return Decode(d, settings) }

// decoded shows of files only what they are.
func decoded(d provider.Delivery) providertest.Result {
	out, err := Decode(d, settings)
	return providertest.Show(out, err, providertest.Digest)
}
