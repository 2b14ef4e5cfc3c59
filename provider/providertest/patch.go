package providertest

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// Parse reads JSON; numbers stay as they are written.
func Parse(t testing.TB, text string) any {
	t.Helper()
	v, err := parse(text)
	if err != nil {
		t.Fatalf("%v in %q", err, text)
	}
	return v
}

func parse(text string) (v any, err error) {
	dec := json.NewDecoder(strings.NewReader(text))
	dec.UseNumber()
	if err = dec.Decode(&v); err == nil {
		if _, more := dec.Token(); more != io.EOF {
			err = errors.New("something stands behind the JSON")
		}
	}
	return v, err
}

// Patch changes a JSON text by lines of the forms "path = json", which stays as it is written, "path := other path", which
// copies, and "path delete". A path is like items.0.price; the index behind the last element of a list appends.
func Patch(t testing.TB, text, lines string) string {
	t.Helper()
	doc := Parse(t, text)
	for line := range strings.Lines(lines) {
		path, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		op, arg, _ := strings.Cut(rest, " ")
		var v any
		var err error
		switch op {
		case "=":
			if _, err = parse(arg); err == nil {
				v = json.RawMessage(arg)
			}
		case ":=":
			v, err = at(doc, strings.Split(arg, "."))
			v = json.RawMessage(Marshal(t, v))
		case "delete":
			v = nothing{}
		default:
			err = errors.New("no such operation")
		}
		if err == nil {
			doc, err = put(doc, strings.Split(path, "."), v)
		}
		if err != nil {
			t.Fatalf("patch line %q: %v", line, err)
		}
	}
	return Marshal(t, doc)
}

// At is what stands under a path of a JSON text.
func At(t testing.TB, text, path string) string {
	t.Helper()
	v, err := at(Parse(t, text), strings.Split(path, "."))
	if err != nil {
		t.Fatal(err)
	}
	return Marshal(t, v)
}

func at(doc any, steps []string) (any, error) {
	for _, step := range steps {
		var v any
		ok := false
		switch d := opened(doc).(type) {
		case map[string]any:
			v, ok = d[step]
		case []any:
			if i, err := strconv.Atoi(step); err == nil && i >= 0 && i < len(d) {
				v, ok = d[i], true
			}
		}
		if !ok {
			return nil, fmt.Errorf("nothing at %s of %v", step, steps)
		}
		doc = v
	}
	return doc, nil
}

// nothing in the place of a value deletes it.
type nothing struct{}

func put(doc any, steps []string, v any) (any, error) {
	if len(steps) == 0 {
		return v, nil
	}
	var err error
	switch d := opened(doc).(type) {
	case map[string]any:
		if d[steps[0]], err = put(d[steps[0]], steps[1:], v); d[steps[0]] == (nothing{}) {
			delete(d, steps[0])
		}
		return d, err
	case []any:
		i, e := strconv.Atoi(steps[0])
		if e != nil || i < 0 || i > len(d) || v == (nothing{}) && len(steps) == 1 {
			break
		}
		if i == len(d) {
			d = append(d, nil)
		}
		d[i], err = put(d[i], steps[1:], v)
		return d, err
	}
	return nil, fmt.Errorf("no place %v", steps)
}

// opened is a value that a line before has put there, so that another one can change it.
func opened(v any) any {
	if raw, ok := v.(json.RawMessage); ok {
		v, _ = parse(string(raw))
	}
	return v
}

// Walk visits the values of a document, from the outside in; path leads to the value. A visit that returns false keeps it from
// what is within.
func Walk(doc any, visit func(path []string, v any) bool) {
	var walk func(path []string, v any)
	walk = func(path []string, v any) {
		path = slices.Clip(path)
		if !visit(path, v) {
			return
		}
		switch v := v.(type) {
		case map[string]any:
			for _, k := range slices.Sorted(maps.Keys(v)) {
				walk(append(path, k), v[k])
			}
		case []any:
			for i, x := range v {
				walk(append(path, strconv.Itoa(i)), x)
			}
		}
	}
	walk(nil, doc)
}

// Leaves lists the paths of all values of a JSON text that are no object and no list, for [Patch]. A name with a point in it
// can be in no path.
func Leaves(t testing.TB, text string) []string {
	t.Helper()
	var all []string
	Walk(Parse(t, text), func(path []string, v any) bool {
		if len(path) > 0 && strings.Contains(path[len(path)-1], ".") {
			return false
		}
		switch v.(type) {
		case map[string]any, []any:
		default:
			all = append(all, strings.Join(path, "."))
		}
		return true
	})
	return all
}
