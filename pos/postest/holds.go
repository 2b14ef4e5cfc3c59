package postest

import (
	"slices"
	"testing"
	"time"

	"willcall/pos"
)

// holding keeps tickets of one group until a time that is ahead for every clock under test.
func (s *setup) holding(tickets ...string) pos.HoldInput {
	return pos.HoldInput{
		InventoryID: tickets[0][:2], TicketIDs: tickets, Quantity: len(tickets), Until: time.Date(2027, 1, 31, 12, 0, 0, 0, time.UTC),
	}
}

// ensuresHolds reports whether a repetition of a hold can be recognised.
func (s *setup) ensuresHolds() bool { return s.caps.Holds && (s.caps.NativeKey || s.caps.SearchHolds) }

func holdsArePlacedOnce(t *testing.T, s *setup) {
	ctx := t.Context()
	op, in := pos.Op{Key: "h", Ref: "ord"}, s.holding("g1-1", "g1-2")
	if !s.caps.Holds {
		_, err := s.PlaceHold(ctx, op, in)
		wantClass(t, "PlaceHold", err, pos.Unsupported)
		wantClass(t, "ReleaseHold", s.ReleaseHold(ctx, op, "nobody"), pos.Unsupported)
	}
	if !s.caps.SearchHolds {
		_, err := s.FindHolds(ctx, "ord")
		wantClass(t, "FindHolds", err, pos.Unsupported)
	}
	if !s.ensuresHolds() {
		_, _, err := pos.EnsureHold(ctx, s, op, in, s.opts(1))
		wantClass(t, "EnsureHold", err, pos.Unsupported)
		s.wantLeft(t, "g1", 8)
		return
	}
	s.Set(s.caps.SettleDelay, Fault{Call: PlaceHold, Kind: LostAfter, Count: 1})
	_, _, err := pos.EnsureHold(ctx, s, op, in, s.opts(1))
	wantClass(t, "EnsureHold with a lost answer", err, pos.OutcomeUnknown)
	var id string
	for attempt := range 3 {
		got, _, err := pos.EnsureHold(ctx, s, op, in, s.opts(attempt+2))
		held := s.State().Holds
		if err != nil || len(held) != 1 || held[0].ID != got.ID || id != "" && got.ID != id {
			t.Fatalf("EnsureHold again: got %+v, %v, holds %+v; want the one that is there", got, err, held)
		}
		id = got.ID
		if got.InventoryID != "g1" || got.Quantity != 2 || got.Until.IsZero() || s.caps.SellsSeats && !slices.Equal(got.TicketIDs, in.TicketIDs) {
			t.Errorf("EnsureHold: got %+v; want it of %+v", got, in)
		}
		s.wantLeft(t, "g1", 6)
	}
	if s.caps.SearchHolds {
		if found, err := s.FindHolds(ctx, "ord"); err != nil || len(found) != 1 || found[0].ID != id || found[0].Ref != "ord" {
			t.Errorf("FindHolds: got %+v, %v; want %s alone", found, err, id)
		}
		if found, err := s.FindHolds(ctx, "or"); err != nil || slices.ContainsFunc(found, func(h pos.Hold) bool { return h.Ref == "or" }) {
			t.Errorf("FindHolds of a reference nobody used: got %+v, %v; want none of it", found, err)
		}
		_, _, err := pos.EnsureHold(ctx, s, pos.Op{Key: "other", Ref: "ord"}, s.holding("g2-1"), s.opts(2))
		wantClass(t, "EnsureHold of other tickets", err, pos.ReferenceConflict)
	}
}

func heldTicketsAreForTheHolder(t *testing.T, s *setup) {
	ctx := t.Context()
	customer := s.customer(t)
	in := s.holding("g1-1", "g1-2", "g1-3", "g1-4", "g1-5", "g1-6", "g1-7", "g1-8")
	in.CustomerID = customer
	held, err := s.PlaceHold(ctx, pos.Op{Key: "h", Ref: "ord"}, in)
	if err != nil {
		t.Fatalf("PlaceHold: got %v; want no error", err)
	}
	_, err = s.PlaceHold(ctx, pos.Op{Key: "h2", Ref: "another"}, s.holding("g1-1"))
	wantClass(t, "PlaceHold of held tickets", err, pos.Unavailable)
	_, err = s.CreateInvoice(ctx, pos.Op{Key: "i2", Ref: "another"}, sale(customer, "g1-1"))
	wantClass(t, "CreateInvoice of held tickets", err, pos.Unavailable)
	_, err = s.PlaceHold(ctx, pos.Op{Key: "h3", Ref: "another"}, pos.HoldInput{InventoryID: "nobody", Quantity: 1, Until: in.Until})
	wantClass(t, "PlaceHold of an unknown group", err, pos.NotFound)
	sold := sale(customer, in.TicketIDs...)
	sold.HoldID = held.ID
	if _, err := s.CreateInvoice(ctx, pos.Op{Key: "i", Ref: "ord"}, sold); err != nil {
		t.Fatalf("CreateInvoice out of the hold: got %v; want no error", err)
	}
	// Whoever names no tickets gets others than those on hold, as long as there are any.
	theirs, err := s.PlaceHold(ctx, pos.Op{Key: "h4", Ref: "theirs"}, s.holding("g2-1", "g2-2"))
	if err != nil {
		t.Fatalf("PlaceHold: got %v; want no error", err)
	}
	unnamed := sale(customer, "g2-1", "g2-2")
	unnamed.Lines[0].TicketIDs = nil
	got, err := s.CreateInvoice(ctx, pos.Op{Key: "i3", Ref: "unnamed"}, unnamed)
	if err != nil || slices.ContainsFunc(got.Lines, func(l pos.InvoiceLine) bool {
		return slices.ContainsFunc(l.TicketIDs, func(id string) bool { return slices.Contains(theirs.TicketIDs, id) })
	}) {
		t.Errorf("CreateInvoice of any tickets: got %+v, %v; want others than those on hold", got, err)
	}
	s.wantLeft(t, "g2", 4)
	unnamed.Lines[0].Quantity = 5
	_, err = s.CreateInvoice(ctx, pos.Op{Key: "i4", Ref: "more"}, unnamed)
	wantClass(t, "CreateInvoice of more than nobody holds", err, pos.Unavailable)
	// The hold is used up: releasing it takes nothing from the buyer.
	if err := pos.ReleaseHold(ctx, s, pos.Op{Key: "r"}, held.ID); err != nil {
		t.Errorf("ReleaseHold of a hold that was sold: got %v; want no error", err)
	}
	s.wantLeft(t, "g1", 0)
}

func holdsAreReleasedTwice(t *testing.T, s *setup) {
	ctx := t.Context()
	held, err := s.PlaceHold(ctx, pos.Op{Key: "h", Ref: "ord"}, s.holding("g1-1", "g1-2"))
	if err != nil {
		t.Fatalf("PlaceHold: got %v; want no error", err)
	}
	s.wantLeft(t, "g1", 6)
	s.Set(0, Fault{Call: ReleaseHold, Kind: LostAfter, Count: 1})
	wantClass(t, "ReleaseHold with a lost answer", pos.ReleaseHold(ctx, s, pos.Op{Key: "r"}, held.ID), pos.OutcomeUnknown)
	s.Set(0)
	for _, id := range []string{held.ID, held.ID, "nobody"} {
		if err := pos.ReleaseHold(ctx, s, pos.Op{Key: "r"}, id); err != nil {
			t.Errorf("ReleaseHold of %s: got %v; want no error", id, err)
		}
		s.wantLeft(t, "g1", 8)
	}
	if n := len(s.State().Holds); n != 0 {
		t.Errorf("holds: got %d; want none", n)
	}
}
