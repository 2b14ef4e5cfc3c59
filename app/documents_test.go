package app

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"willcall/pos/skybox"
	"willcall/provider/ltd"
	"willcall/provider/tevo"
	"willcall/provider/tixstock"
	"willcall/provider/vivenu"
)

// TestREADMEListsEveryEventType holds the table "What it understands" to what the decoders know, both ways round.
func TestREADMEListsEveryEventType(t *testing.T) {
	t.Parallel()
	decoders := map[string]struct {
		name  string
		types []string
	}{
		"tevo": {"Ticket Evolution", tevo.Types()}, "tixstock": {"Tixstock", tixstock.Types()}, "vivenu": {"vivenu", vivenu.Types()}, "ltd": {"London Theatre Direct", ltd.Types()},
	}
	told := readTable(t, "## What it understands")
	for kind := range kinds {
		d, ok := decoders[kind]
		if !ok {
			t.Errorf("kind %s: this test does not know its decoder", kind)
			continue
		}
		listed := told[d.name]
		delete(told, d.name)
		slices.Sort(listed)
		for i := 1; i < len(listed); i++ {
			if listed[i] == listed[i-1] {
				t.Errorf("README.md, %s: %s is in the table twice", d.name, listed[i])
			}
		}
		for _, typ := range d.types {
			if !slices.Contains(listed, typ) {
				t.Errorf("README.md, %s: the table lacks %s, which the decoder knows", d.name, typ)
			}
		}
		for _, typ := range listed {
			if !slices.Contains(d.types, typ) {
				t.Errorf("README.md, %s: the table has %s, which the decoder does not know", d.name, typ)
			}
		}
	}
	delete(told, "any")
	for name := range told {
		t.Errorf("README.md: the table has a provider %q that nothing speaks", name)
	}
}

// TestREADMEListsEveryEventOfThePOS does the same for what a POS tells.
func TestREADMEListsEveryEventOfThePOS(t *testing.T) {
	t.Parallel()
	told := readTable(t, "## What a POS may tell")
	for name, types := range map[string][]string{"contract": eventTypes, "SkyBox": skybox.Topics()} {
		listed := told[name]
		delete(told, name)
		slices.Sort(listed)
		if want := slices.Sorted(slices.Values(types)); !slices.Equal(listed, want) {
			t.Errorf("README.md, %s: the table has %q; want %q", name, listed, want)
		}
	}
	delete(told, "any")
	for name := range told {
		t.Errorf("README.md: the table has a POS %q that tells nothing", name)
	}
}

var code = regexp.MustCompile("`([^`]+)`")

// readTable is the event types in the first table of a section, by who sends them.
func readTable(t *testing.T, title string) map[string][]string {
	t.Helper()
	raw, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, found := strings.Cut(string(raw), title+"\n")
	section, _, _ = strings.Cut(section, "\n## ")
	section, _, _ = strings.Cut(section, "Where an order stands:")
	if !found {
		t.Fatalf("README.md has no section %s", title)
	}
	told := map[string][]string{}
	for line := range strings.Lines(section) {
		cells := strings.Split(line, "|")
		if len(cells) < 4 || strings.Contains(cells[1], "---") || slices.Contains([]string{"provider", "POS"}, strings.TrimSpace(cells[1])) {
			continue
		}
		name := strings.TrimSpace(cells[1])
		told[name] = append(told[name], nil...)
		for _, m := range code.FindAllStringSubmatch(cells[2], -1) {
			told[name] = append(told[name], m[1])
		}
		if strings.TrimSpace(cells[3]) == "" {
			t.Errorf("README.md: %s says nothing of what happens", cells[2])
		}
	}
	if len(told) < 3 {
		t.Fatalf("got the senders %v; has the table's form changed?", told)
	}
	return told
}
