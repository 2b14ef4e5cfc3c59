package order

import (
	"testing"
	"time"
)

// TestWhoBroughtATicketIsNewsOnlyWhereItIsAttached: histories of orders that are not would else replay otherwise.
func TestWhoBroughtATicketIsNewsOnlyWhereItIsAttached(t *testing.T) {
	t.Parallel()
	brought := func(id string, minute int) Event {
		at := day.Add(time.Duration(minute) * time.Minute)
		return Event{ID: id, At: at, Received: at, Lines: []LineFact{{LineID: "1", Tickets: []string{"a"}}}}
	}
	for attach, knows := range map[bool]bool{true: false, false: true} {
		o := New(Identity{ID: "order:tevo:1", Kind: Sale}, Policy{Attach: attach})
		o.Apply(brought("w2", 2))
		if got := o.Knows(brought("w3", 3)); got != knows {
			t.Errorf("attach %v: another webhook with the same ticket: got known %v; want %v", attach, got, knows)
		}
		if !o.Knows(brought("w2", 2)) {
			t.Errorf("attach %v: a repeat is no news", attach)
		}
		if attach && !o.Knows(Event{ID: "w1", At: day, Received: day.Add(5 * time.Minute), Lines: brought("w1", 0).Lines}) {
			t.Error("an older upload that comes late is no news")
		}
	}
}

// TestTheNewestOfAStrayAndAListedTicketCounts: one ticket may come under two listings.
func TestTheNewestOfAStrayAndAListedTicketCounts(t *testing.T) {
	t.Parallel()
	o := New(Identity{ID: "order:tevo:1", Kind: Sale}, Policy{Attach: true})
	o.Apply(Event{ID: "pos", At: day, Received: day, Snapshot: &Snapshot{Lines: []Line{{ID: "5", Quantity: 1}}}})
	for i, line := range []string{"9", "5", "1"} { // the newest is the first by id
		at := day.Add(time.Duration(i+1) * time.Minute)
		o.Apply(Event{ID: "w" + line, At: at, Received: at, Lines: []LineFact{{LineID: line, Tickets: []string{"a"}}}})
	}
	all, whole := o.Uploads()
	if !whole || len(all) != 1 || all[0] != (Upload{Line: "1", Ticket: "a", Event: "w1"}) {
		t.Errorf("got %+v, whole %v; want the one ticket, as w1 brought it", all, whole)
	}
}
