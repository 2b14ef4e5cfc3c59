// Package providertest is what every provider's tests share: fixtures and how they are changed, every order of arrival, what may
// not be in events and errors, what a refusal looks like, what is true of any bytes, and the ways in which a call can fail.
//
// It must not know a provider: how a document gets onto the wire, and where people stand in it, is for the provider's tests.
package providertest

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"willcall/order"
	"willcall/provider"
)

// Decode is a provider's, with its settings.
type Decode func(provider.Delivery) (provider.Decoded, error)

// Result is a Decoded and an error as a fixture shows them.
type Result struct {
	Decoded provider.Decoded // without its files
	Files   []File           `json:",omitempty"`
	Error   string           `json:",omitempty"`
}

// File is a file of a Decoded, with its text or only a digest of it.
type File struct {
	Name, MediaType string
	Body            string `json:",omitempty"`
	SHA256          string `json:",omitempty"`
}

// Text shows all of a file.
func Text(f provider.File) File {
	return File{Name: f.Name, MediaType: f.MediaType, Body: string(f.Body)}
}

// Digest shows a file that is no text.
func Digest(f provider.File) File {
	sum := sha256.Sum256(f.Body)
	return File{Name: f.Name, MediaType: f.MediaType, SHA256: hex.EncodeToString(sum[:])}
}

// Show makes a Result, whose files are shown by file.
func Show(out provider.Decoded, err error, file func(provider.File) File) Result {
	var r Result
	for _, f := range out.Files {
		r.Files = append(r.Files, file(f))
	}
	out.Files = nil
	r.Decoded = out
	if err != nil {
		r.Error = err.Error()
	}
	return r
}

// Refused fails unless the delivery is quarantined for this reason, without an event and without files.
func Refused(t testing.TB, name string, out provider.Decoded, err error, want string) {
	t.Helper()
	want = provider.ErrMalformed.Error() + ": " + want
	if !errors.Is(err, provider.ErrMalformed) || err.Error() != want {
		t.Errorf("%s: got error %v; want %s", name, err, want)
	}
	if out.Disposition != provider.Quarantined || out.Event != nil || out.Files != nil {
		t.Errorf("%s: got %s, event %v, %d files; want quarantined and neither", name, out.Disposition, out.Event, len(out.Files))
	}
}

// Holds checks what is true of any delivery, whoever wrote it, for fuzz targets. It returns what was decoded.
func Holds(t *testing.T, d provider.Delivery, decode Decode, readers ...func([]byte) (provider.Buyer, error)) (provider.Decoded, error) {
	t.Helper()
	before := slices.Clone(d.Body)
	out, err := decode(d)
	if !slices.Equal(d.Body, before) {
		t.Fatal("Decode has changed the body")
	}
	if again, errAgain := decode(d); !reflect.DeepEqual(again, out) || fmt.Sprint(err) != fmt.Sprint(errAgain) {
		t.Fatalf("got %+v, %v, then %+v, %v; want the same", out, err, again, errAgain)
	}
	if err != nil && (!errors.Is(err, provider.ErrMalformed) || out.Disposition != provider.Quarantined || out.Event != nil || out.Files != nil) {
		t.Fatalf("got %+v, %v; want quarantined", out, err)
	}
	if err == nil && (out.Disposition == provider.Forward) != (out.Event != nil) {
		t.Fatalf("got %+v; want an event if and only if it is forwarded", out)
	}
	event := out
	event.Files = nil
	if text := Marshal(t, event); strings.Contains(text, `\u0000`) || strings.Contains(text, `\ufffd`) {
		t.Fatalf("got %q; want JSON that Postgres can keep", text)
	}
	if out.Event != nil {
		if out.Event.At.IsZero() {
			t.Fatalf("got %+v; want a version", out)
		}
		o := order.New(order.Identity{ProviderOrderID: out.OrderID, Kind: out.Kind}, order.DefaultPolicy())
		o.Apply(*out.Event)
		Marshal(t, o) // it must fit into a history
		o.Plan(d.Received)
	}
	for _, read := range readers {
		b, err := read(d.Body)
		if err != nil && !errors.Is(err, provider.ErrMalformed) {
			t.Fatalf("got %v; want ErrMalformed", err)
		}
		if err == nil && b.Name == "" && b.Company == "" && b.Email == "" {
			t.Fatal("got nobody and no error")
		}
	}
	return out, err
}

// Deliveries are bodies in the order in which they were sent, a day apart.
func Deliveries[Body string | []byte](received time.Time, bodies ...Body) []provider.Delivery {
	var all []provider.Delivery
	for i, b := range bodies {
		all = append(all, provider.Delivery{ID: fmt.Sprintf("%02d", i), Body: []byte(b), Received: received.AddDate(0, 0, i)})
	}
	return all
}

// Marshal is v as JSON.
func Marshal(t testing.TB, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// Pretty is v as JSON that people read.
func Pretty(t testing.TB, v any) string {
	t.Helper()
	b, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	return string(b) + "\n"
}
