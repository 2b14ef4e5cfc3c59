package providertest

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"willcall/provider"
)

var update = flag.Bool("update", false, "write what the tests got into testdata")

// A Fixture is one file of testdata. Its comment says why it is there.
type Fixture struct {
	Name string // of the file, without its ending

	file    string
	archive *txtar.Archive
}

// Parts are the names of what fixtures consist of.
type Parts struct {
	Needed []string // each fixture has them
	Known  []string // it may have these, too
}

// Load reads testdata and refuses what its tests would silently pass over: a part that nobody reads, one that is missing or
// there twice, a file that does not say why it is there.
func Load(t testing.TB, parts Parts) []*Fixture {
	t.Helper()
	all, err := load("testdata", parts)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func load(dir string, parts Parts) ([]*Fixture, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*.txtar"))
	if err != nil || len(files) == 0 {
		return nil, fmt.Errorf("no fixtures in %s (%v)", dir, err)
	}
	var all []*Fixture
	for _, file := range files {
		a, err := txtar.ParseFile(file)
		if err != nil {
			return nil, err
		}
		f := &Fixture{strings.TrimSuffix(filepath.Base(file), ".txtar"), file, a}
		known := slices.Concat(parts.Needed, parts.Known)
		has := map[string]bool{}
		for _, p := range a.Files {
			if !slices.Contains(known, p.Name) {
				return nil, fmt.Errorf("%s: part %q; want one of %v", file, p.Name, known)
			}
			if has[p.Name] {
				return nil, fmt.Errorf("%s: part %s is there twice", file, p.Name)
			}
			has[p.Name] = true
		}
		for _, name := range parts.Needed {
			if !has[name] {
				return nil, fmt.Errorf("%s: no part %s", file, name)
			}
		}
		if len(bytes.TrimSpace(a.Comment)) == 0 {
			return nil, fmt.Errorf("%s: no comment that says why it is there", file)
		}
		all = append(all, f)
	}
	return all, nil
}

// Part is the text of a part, and whether there is one.
func (f *Fixture) Part(name string) (string, bool) {
	if p := f.part(name); p != nil {
		return string(p.Data), true
	}
	return "", false
}

// Body is the part without its last line break.
func (f *Fixture) Body(name string) string {
	text, _ := f.Part(name)
	return strings.TrimSuffix(text, "\n")
}

func (f *Fixture) part(name string) *txtar.File {
	for i := range f.archive.Files {
		if p := &f.archive.Files[i]; p.Name == name {
			return p
		}
	}
	return nil
}

// Check compares a part with what the test got, or writes that into it with -update.
func (f *Fixture) Check(t testing.TB, name string, got any) {
	t.Helper()
	p, text := f.part(name), Pretty(t, got)
	switch {
	case p == nil:
		t.Fatalf("%s: no part %s", f.file, name)
	case string(p.Data) == text:
	case *update:
		p.Data = []byte(text)
		if err := os.WriteFile(f.file, txtar.Format(f.archive), 0o644); err != nil {
			t.Fatal(err)
		}
	default:
		t.Errorf("%s: got\n%s\nwant\n%s", name, text, p.Data)
	}
}

// CheckBuyer does the same for who is read from the body, where the fixture has such a part.
func (f *Fixture) CheckBuyer(t testing.TB, name string, read func([]byte) (provider.Buyer, error), body []byte) {
	t.Helper()
	if f.part(name) == nil {
		return
	}
	b, err := read(body)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	f.Check(t, name, b)
}
