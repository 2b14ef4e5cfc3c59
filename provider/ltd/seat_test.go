package ltd

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"willcall/provider/wire"
)

func text(s string) wire.Scalar { return wire.Scalar{Text: s, Kind: 's'} }

func number(s string) wire.Scalar { return wire.Scalar{Text: s, Kind: 'n'} }

// TestASeatHasOneIDInBothTypes is what joins a barcode to its line.
func TestASeatHasOneIDInBothTypes(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		info      string
		row, seat wire.Scalar
		where     string
	}{
		{"E15", text("E"), number("15"), "E15"},
		{"E15", text("e"), text("15"), "E15"},
		{"AA 12", text("AA"), number("12"), "AA12"},
		{"N40", text("N"), number("40"), "N40"},
		{"N-40", text("N"), text("40"), "N40"},
		{" n / 40 ", text("N "), number("40.0"), "N40"},
		{"Row N Seat 40", text("N"), number("40"), "N40"},
		{"Row N, Seat 40", text("Row N"), text("Seat 40"), "N40"},
		{"N04", text("N"), number("4"), "N4"},
		{"N4", text("N"), text("004"), "N4"},
		{"N0", text("N"), number("0"), "N0"},
		{"115", number("1"), number("15"), "115"},
		{"E15A", text("E"), text("15A"), "E15A"},
		{"Box 3", text("Box"), number("3"), "BOX3"},
		{"Seat", text(""), text("seat"), "SEAT"},
		{"", text(""), wire.Scalar{}, "unreserved"},
		{" - ", wire.Scalar{}, wire.Scalar{}, "unreserved"},
	} {
		day, ok := performanceOf(text("2024-03-17T13:00:00"))
		if !ok {
			t.Fatal("got no time")
		}
		a, b := place{day: day, show: "The Clockmaker's Daughter"}, place{day: day, show: "THE CLOCKMAKERS  DAUGHTER"}
		a.seatInfo(c.info)
		b.names(c.row, c.seat)
		want := "2024-03-17T1300-" + c.where + "-aee1b9"
		if a.id() != want || b.id() != want {
			t.Errorf("%q beside %q and %q: got %s and %s; want %s", c.info, c.row.Text, c.seat.Text, a.id(), b.id(), want)
		}
	}
}

func TestAnIDCanStandInAPath(t *testing.T) {
	t.Parallel()
	for _, seat := range []string{"E15", "", "Ä7", "７", "E/../15", "E15?x=1#2", strings.Repeat("Z", 10_000), strings.Repeat("é", 200), "\u202e15E"} {
		for _, at := range []string{"2024-03-17T13:00:00", ""} {
			day, ok := performanceOf(text(at))
			p := place{day: day, show: "x"}
			p.seatInfo(seat)
			q := place{day: day, show: "x"}
			q.names(text(seat), wire.Scalar{})
			ids := numbered([]place{p, p, p}, func(int) bool { return false })
			if !ok || !wire.IsID(ids[2]) || p.id() != q.id() {
				t.Errorf("%.20q: got %s and %s; want one id", seat, ids[2], q.id())
			}
		}
	}
}

func TestOtherPlacesHaveOtherIDs(t *testing.T) {
	t.Parallel()
	seen := map[string]string{}
	for _, show := range []string{"One", "Two"} {
		for _, at := range []string{"2024-03-17T13:00:00", "2024-03-17T19:30:00", "2024-03-18T13:00:00", ""} {
			for _, seat := range []string{"E15", "E16", "F15", "EE15", "", strings.Repeat("Q", 30), strings.Repeat("Q", 31), "Ä", "Ö"} {
				day, _ := performanceOf(text(at))
				p := place{day: day, show: show}
				p.seatInfo(seat)
				what := fmt.Sprint(show, at, seat)
				if other, ok := seen[p.id()]; ok {
					t.Errorf("got %s for both %q and %q", p.id(), other, what)
				}
				seen[p.id()] = what
			}
		}
	}
}

func TestPlacesOfOneIDAreCountedLiveOnesFirst(t *testing.T) {
	t.Parallel()
	places := make([]place, 4)
	for _, gone := range []string{"....", "x...", ".x..", "x.x.", "..xx", "xxxx"} {
		ids := numbered(places, func(i int) bool { return gone[i] == 'x' })
		live := strings.Count(gone, ".")
		seen := map[string]bool{}
		for i, id := range ids {
			n := 1
			if _, tail, ok := strings.Cut(id, "_"); ok {
				fmt.Sscan(tail, &n)
			}
			if (n > live) != (gone[i] == 'x') || seen[id] {
				t.Errorf("%s: got %v; want the cancelled ones last, and each once", gone, ids)
			}
			seen[id] = true
		}
	}
}

func TestRowAndSeat(t *testing.T) {
	t.Parallel()
	for info, want := range map[string][2]string{
		"E15": {"E", "15"}, "aa 12": {"AA", "12"}, "Row N Seat 04": {"N", "04"}, "115": {}, "E15A": {}, "": {}, "A1B2": {}, "BOX": {},
	} {
		var p place
		p.seatInfo(info)
		if got := [2]string{p.row, p.seat}; got != want {
			t.Errorf("%q: got %q; want %q", info, got, want)
		}
	}
}

// TestLondonTime has both changes of the clock in 2024: 31 March at 01:00 and 27 October at 01:00 UTC.
func TestLondonTime(t *testing.T) {
	t.Parallel()
	for wall, want := range map[string]string{
		"2024-01-15T19:30:00":       "2024-01-15T19:30:00Z",
		"2024-07-15T19:30:00":       "2024-07-15T18:30:00Z",
		"2024-03-31T00:59:59":       "2024-03-31T00:59:59Z",
		"2024-03-31T01:00:00":       "2024-03-31T01:00:00Z", // no clock shows it
		"2024-03-31T01:30:00":       "2024-03-31T01:30:00Z", // nor this
		"2024-03-31T02:00:00":       "2024-03-31T01:00:00Z",
		"2024-03-31T14:00:00":       "2024-03-31T13:00:00Z",
		"2024-10-27T00:59:59":       "2024-10-26T23:59:59Z",
		"2024-10-27T01:00:00":       "2024-10-27T00:00:00Z", // shown twice
		"2024-10-27T01:30:00":       "2024-10-27T00:30:00Z", // this, too
		"2024-10-27T02:00:00":       "2024-10-27T02:00:00Z",
		"2024-10-27T14:00:00":       "2024-10-27T14:00:00Z",
		"1970-01-01T12:00:00":       "1970-01-01T11:00:00Z", // summer time all the year
		"2024-07-15T19:30:00.123":   "2024-07-15T18:30:00.123Z",
		"2024-07-15 19:30:00":       "2024-07-15T18:30:00Z",
		"2024-07-15T19:30":          "2024-07-15T18:30:00Z",
		"2024-07-15T19:30:00Z":      "2024-07-15T19:30:00Z",
		"2024-07-15T19:30:00+01:00": "2024-07-15T18:30:00Z",
	} {
		p, ok := performanceOf(text(wall))
		if got := p.at.Format(time.RFC3339Nano); !ok || got != want || p.at.Location() != time.UTC {
			t.Errorf("%s: got %s, %t; want %s", wall, got, ok, want)
		}
	}
	for _, bad := range []string{"tomorrow", "2024-02-30T19:30:00", "0001-01-01T00:00:00", "9999-12-31T23:59:59", "19:30"} {
		if p, ok := performanceOf(text(bad)); ok {
			t.Errorf("%s: got %+v; want none", bad, p)
		}
	}
	if p, ok := performanceOf(wire.Scalar{}); !ok || p != (performance{}) {
		t.Errorf("got %+v, %t; want nothing said", p, ok)
	}
	a, _ := performanceOf(text("2024-07-15T19:30:00"))
	b, _ := performanceOf(text("2024-07-15T18:30:00Z"))
	if a != b {
		t.Errorf("got %+v and %+v; want one performance", a, b)
	}
}
