package providertest

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"willcall/order"
	"willcall/provider"
)

// recorder is a test that fails without failing this one.
type recorder struct {
	testing.TB
	complaints []string
}

func (r *recorder) Helper() {}

func (r *recorder) Errorf(format string, args ...any) {
	r.complaints = append(r.complaints, fmt.Sprintf(format, args...))
}

// Fatalf ends the function that runs under failures.
func (r *recorder) Fatalf(format string, args ...any) {
	r.Errorf(format, args...)
	panic(r)
}

func (r *recorder) Fatal(args ...any) { r.Fatalf("%s", fmt.Sprint(args...)) }

// failures are the complaints of f.
func failures(t *testing.T, f func(testing.TB)) string {
	t.Helper()
	r := &recorder{TB: t}
	func() {
		defer func() {
			if p := recover(); p != nil && p != any(r) {
				panic(p)
			}
		}()
		f(r)
	}()
	return strings.Join(r.complaints, "\n")
}

func TestLoadRefuses(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ file, want string }{
		"Whole":     {"Why.\n-- delivery --\n{}\n-- want --\n", ""},
		"More":      {"Why.\n-- delivery --\n{}\n-- want --\n-- buyer --\n", ""},
		"Unread":    {"Why.\n-- delivery --\n{}\n-- want --\n-- byuer --\n", `part "byuer"`},
		"Missing":   {"Why.\n-- delivery --\n{}\n", "no part want"},
		"Twice":     {"Why.\n-- delivery --\n{}\n-- want --\n-- want --\n", "part want is there twice"},
		"NoComment": {" \n-- delivery --\n{}\n-- want --\n", "no comment"},
	} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "one.txtar"), []byte(c.file), 0o600); err != nil {
			t.Fatal(err)
		}
		all, err := load(dir, Parts{Needed: []string{"delivery", "want"}, Known: []string{"buyer"}})
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v; want %q", name, err, c.want)
		}
		if err == nil && (len(all) != 1 || all[0].Name != "one" || all[0].Body("delivery") != "{}") {
			t.Errorf("%s: got %+v; want the fixture", name, all)
		}
	}
	if _, err := load(t.TempDir(), Parts{}); err == nil {
		t.Error("got no error for a directory without fixtures")
	}
}

func TestCheck(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "one.txtar"), []byte("Why.\n-- want --\n7\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	all, err := load(dir, Parts{Needed: []string{"want"}})
	if err != nil {
		t.Fatal(err)
	}
	f := all[0]
	somebody := func([]byte) (provider.Buyer, error) { return provider.Buyer{Name: "Wren"}, nil }
	for name, c := range map[string]struct {
		check func(testing.TB)
		want  string
	}{
		"Same":       {func(t testing.TB) { f.Check(t, "want", 7) }, ""},
		"Other":      {func(t testing.TB) { f.Check(t, "want", 8) }, "want: got\n8"},
		"NoPart":     {func(t testing.TB) { f.Check(t, "answer", 7) }, "no part answer"},
		"NoBuyer":    {func(t testing.TB) { f.CheckBuyer(t, "buyer", somebody, nil) }, ""},
		"OtherBuyer": {func(t testing.TB) { f.CheckBuyer(t, "want", somebody, nil) }, "Wren"},
		"BrokenBuyer": {func(t testing.TB) {
			f.CheckBuyer(t, "want", func([]byte) (provider.Buyer, error) { return provider.Buyer{}, io.EOF }, nil)
		}, "EOF"},
	} {
		if got := failures(t, c.check); (got == "") != (c.want == "") || !strings.Contains(got, c.want) {
			t.Errorf("%s: got %q; want %q", name, got, c.want)
		}
	}
}

func TestPatch(t *testing.T) {
	t.Parallel()
	const doc = `{"a": {"b": [1, 2.50], "c": 1e400}, "d": null}`
	for lines, want := range map[string]string{
		"":                                  `{"a":{"b":[1,2.50],"c":1e400},"d":null}`,
		"a.b.0 = \"x\"\n\ta.b.2 = null":     `{"a":{"b":["x",2.50,null],"c":1e400},"d":null}`,
		"a delete\nd = {\"e\": 1}\nd.e = 2": `{"d":{"e":2}}`,
		"a.c delete\nd := a.b":              `{"a":{"b":[1,2.50]},"d":[1,2.50]}`,
		"a.c = null\na.b = []":              `{"a":{"b":[],"c":null},"d":null}`,
		`a = "\/"`:                          `{"a":"\/","d":null}`,
	} {
		if got := Patch(t, doc, lines); got != want {
			t.Errorf("%q: got %s; want %s", lines, got, want)
		}
	}
	for _, lines := range []string{"a", "a ?", "a = {", "a = 1 2", "a.b.3 = 1", "a.b.-1 = 1", "a.b.x = 1", "d.e = 1", "a.b.0 delete", "a := x.y", "x.y delete"} {
		if failures(t, func(t testing.TB) { Patch(t, doc, lines) }) == "" {
			t.Errorf("%q: got no failure", lines)
		}
	}
	if got := At(t, doc, "a.b.1"); got != "2.50" {
		t.Errorf("got %s; want 2.50", got)
	}
	if got, want := Leaves(t, `{"a": {"b": [1, {"c": null}], "x.y": 1}, "d": {}}`), []string{"a.b.0", "a.b.1.c"}; !slices.Equal(got, want) {
		t.Errorf("got %v; want %v", got, want)
	}
}

func TestArrivals(t *testing.T) {
	t.Parallel()
	for n, want := range map[int]int{1: 3, 3: 3 * 6, 6: 3 * 720, 7: 1 + shuffles} {
		var first []int
		orders, repeated := 0, 0
		Arrivals(n, func(arrival []int) {
			if orders++; first == nil {
				first = arrival
			}
			if len(arrival) > n {
				repeated++
			}
			all := slices.Compact(slices.Sorted(slices.Values(arrival)))
			if !slices.Equal(all, sorted(n)) {
				t.Fatalf("got %v; want each of %d", arrival, n)
			}
		})
		if orders != want || !slices.Equal(first, sorted(n)) || repeated < orders/2 {
			t.Errorf("%d: got %d orders, %v first, %d with repetitions; want %d", n, orders, first, repeated, want)
		}
	}
	seen := map[string]bool{}
	Permutations(4, func(perm []int) { seen[fmt.Sprint(perm)] = true })
	if len(seen) != 24 {
		t.Errorf("got %d permutations of 4; want 24", len(seen))
	}
}

func TestEveryOrder(t *testing.T) {
	t.Parallel()
	hooks := Deliveries(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), "accepted", "completed", "other")
	calls := 0
	decode := func(id, kind string, repeat bool) Decode {
		return func(d provider.Delivery) (provider.Decoded, error) {
			out := provider.Decoded{Disposition: provider.Forward, OrderID: "1", Kind: order.Sale, Event: &order.Event{ID: d.ID, At: d.Received, Received: d.Received}}
			if calls++; repeat {
				out.Type = fmt.Sprint(calls)
			}
			if string(d.Body) == "other" {
				out.OrderID, out.Kind = id, order.Kind(kind)
				if id == "concern" {
					out.OrderID, out.Concern = "", id
				} else if id == "about" {
					out.OrderID, out.About = "", provider.About{Kind: provider.AboutEvent, ID: "1"}
				}
			}
			return out, nil
		}
	}
	for name, c := range map[string]struct {
		decode Decode
		want   string
	}{
		"Well":         {decode("1", string(order.Sale), false), ""},
		"ByConcern":    {decode("concern", string(order.Sale), false), ""},
		"News":         {decode("about", "", false), ""},
		"NoOrder":      {decode("", string(order.Sale), false), "delivery 2: got"},
		"NoSide":       {decode("1", "", false), "delivery 2: got"},
		"AnotherOrder": {decode("2", string(order.Sale), false), "delivery 2: got sale 2"},
		"AnotherSide":  {decode("1", string(order.Purchase), false), "delivery 2: got purchase 1"},
		"Impure":       {decode("1", string(order.Sale), true), "order [0 1 2]: delivery 0"},
		"NoEvent":      {func(provider.Delivery) (provider.Decoded, error) { return provider.Decoded{}, nil }, "want an event"},
		"Error":        {func(provider.Delivery) (provider.Decoded, error) { return provider.Decoded{}, io.EOF }, "EOF"},
	} {
		var o *order.Order
		got := failures(t, func(t testing.TB) { o = EveryOrder(t, order.DefaultPolicy(), c.decode, hooks...) })
		if (got == "") != (c.want == "") || !strings.Contains(got, c.want) {
			t.Errorf("%s: got %q; want %q", name, got, c.want)
		}
		if c.want == "" && (o.ProviderOrderID != "1" || o.Kind != order.Sale || o.Revision != 3) {
			t.Errorf("%s: got %+v; want the order that got each once", name, o)
		}
	}
}

func TestRefusedAndUnquoted(t *testing.T) {
	t.Parallel()
	quarantined := provider.Decoded{Disposition: provider.Quarantined}
	fault := provider.Malformed("a", "want an id")
	for name, c := range map[string]struct {
		out provider.Decoded
		err error
		bad bool
	}{
		"Well":      {quarantined, fault, false},
		"NoError":   {quarantined, nil, true},
		"Other":     {quarantined, provider.Malformed("b", "want an id"), true},
		"OtherKind": {quarantined, errors.New(fault.Error()), true},
		"Forwarded": {provider.Decoded{Disposition: provider.Forward}, fault, true},
		"Event":     {provider.Decoded{Disposition: provider.Quarantined, Event: &order.Event{}}, fault, true},
		"Files":     {provider.Decoded{Disposition: provider.Quarantined, Files: []provider.File{{}}}, fault, true},
	} {
		if got := failures(t, func(t testing.TB) { Refused(t, name, c.out, c.err, "a: want an id") }); (got != "") != c.bad {
			t.Errorf("%s: got %q; want a failure: %t", name, got, c.bad)
		}
	}
	for name, c := range map[string]struct {
		out  provider.Decoded
		errs []error
		n    int
		bad  bool
	}{
		"Well":         {provider.Decoded{Type: "x"}, []error{fault, nil, fault}, 2, false},
		"NoError":      {provider.Decoded{Type: "Wren"}, []error{nil, nil}, 0, false},
		"InTheError":   {provider.Decoded{}, []error{nil, provider.Malformed("Wren", "is wrong")}, 1, true},
		"InTheDecoded": {provider.Decoded{Type: "Wren"}, []error{fault}, 1, true},
		"OtherError":   {provider.Decoded{}, []error{io.EOF}, 1, true},
	} {
		n := 0
		got := failures(t, func(t testing.TB) { n = Unquoted(t, name, "Wren", c.out, c.errs...) })
		if n != c.n || (got != "") != c.bad {
			t.Errorf("%s: got %d, %q; want %d, a failure: %t", name, n, got, c.n, c.bad)
		}
	}
	texts := map[string]string{"customer.name": "Wren"}
	if failures(t, func(t testing.TB) { Private(t, "x", `{"a":"Wren"}`, texts) }) == "" || failures(t, func(t testing.TB) { Private(t, "x", `{}`, texts) }) != "" {
		t.Error("Private: want a failure where the text is, and none where it is not")
	}
}

func TestShow(t *testing.T) {
	t.Parallel()
	out := provider.Decoded{Type: "x", Files: []provider.File{{Name: "a", MediaType: "text/plain", Body: []byte("b")}}}
	got := Show(out, io.EOF, Text)
	if want := (Result{Decoded: provider.Decoded{Type: "x"}, Files: []File{{Name: "a", MediaType: "text/plain", Body: "b"}}, Error: "EOF"}); !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v; want %+v", got, want)
	}
	if f := Show(out, nil, Digest).Files[0]; f.Body != "" || f.SHA256 != "3e23e8160039594a33894f6564e1b1348bbd7a0088d42c4acb73eeaed59c009d" {
		t.Errorf("got %+v; want the digest", f)
	}
	if classless := failures(t, func(t testing.TB) { ClassIs(t, "x", http.ErrAbortHandler, "") }); classless == "" {
		t.Error("got no failure for an error without a class")
	}
}
