package postest

import (
	"slices"
	"strings"
	"testing"

	"willcall/pos"
)

// threeLines is a sale of four tickets in three groups, at prices that tell its lines apart.
func threeLines(customer string) pos.InvoiceInput {
	in := sale(customer, "g1-3", "g1-4")
	for i, ticket := range []string{"g2-3", "g3-3"} {
		l := sale(customer, ticket).Lines[0]
		l.Total.Minor += int64(i + 1)
		in.Lines = append(in.Lines, l)
	}
	return in
}

func (s *setup) threeLines(t *testing.T, ref string) pos.Invoice {
	t.Helper()
	made, err := s.CreateInvoice(t.Context(), pos.Op{Key: ref, Ref: ref}, threeLines(s.customer(t)))
	if err != nil || len(made.Lines) != 3 {
		t.Fatalf("CreateInvoice: got %+v, %v; want three lines", made, err)
	}
	return made
}

// void is a reason to void for the POS under test, restocking.
func void(reason string) pos.VoidInput { return pos.VoidInput{Restock: true, Reason: reason} }

// wantLive fails the test unless the lines of the invoice that are live are those, and its total theirs.
func wantLive(t *testing.T, what string, got pos.Invoice, err error, want ...pos.InvoiceLine) {
	t.Helper()
	var live, ids []string
	var sum int64
	for _, l := range got.Lines {
		if !l.Voided {
			live = append(live, l.ID)
		}
	}
	for _, l := range want {
		ids, sum = append(ids, l.ID), sum+l.Total.Minor
	}
	total, ok := got.Total()
	if err != nil || got.Voided || !slices.Equal(live, ids) || !ok || total != (pos.Money{Minor: sum, Currency: want[0].Total.Currency}) {
		t.Errorf("%s: got lines %v live, void %v, total %v, %v; want %v and %d", what, live, got.Voided, total, err, ids, sum)
	}
}

func (s *setup) wantLeft(t *testing.T, group string, want int) {
	t.Helper()
	if g, err := s.GetInventory(t.Context(), group); err != nil || g.Quantity != want {
		t.Errorf("GetInventory of %s: got %d left, %v; want %d", group, g.Quantity, err, want)
	}
}

func linesAreVoidedOnce(t *testing.T, s *setup) {
	ctx := t.Context()
	if !s.caps.VoidLines {
		made, err := s.CreateInvoice(ctx, pos.Op{Key: "r", Ref: "r"}, sale(s.customer(t), "g1-3"))
		if err != nil {
			t.Fatalf("CreateInvoice: got %v; want no error", err)
		}
		_, err = s.VoidInvoiceLines(ctx, pos.Op{Key: "v"}, made.ID, []string{made.Lines[0].ID}, void("test"))
		wantClass(t, "VoidInvoiceLines", err, pos.Unsupported)
		_, err = pos.KeepInvoiceLines(ctx, s, pos.Op{Key: "v"}, made.ID, made.Lines, void("test"))
		wantClass(t, "KeepInvoiceLines", err, pos.Unsupported)
		if read, err := s.GetInvoice(ctx, made.ID); err != nil || !sameInvoice(read, made) {
			t.Errorf("GetInvoice: got %+v, %v; want %+v", read, err, made)
		}
		return
	}
	made := s.threeLines(t, "r")
	first, second, third := made.Lines[0], made.Lines[1], made.Lines[2]
	for _, id := range []string{"nobody", ""} {
		_, err := s.VoidInvoiceLines(ctx, pos.Op{Key: "v"}, id, []string{second.ID}, void("test"))
		wantClass(t, "VoidInvoiceLines of invoice "+id, err, pos.NotFound)
	}
	_, err := s.VoidInvoiceLines(ctx, pos.Op{Key: "v"}, made.ID, []string{second.ID, "nobody"}, void("test"))
	wantClass(t, "VoidInvoiceLines of an unknown line", err, pos.NotFound)
	read, err := s.GetInvoice(ctx, made.ID)
	wantLive(t, "GetInvoice after a refusal", read, err, first, second, third)

	for i := range 2 {
		got, err := s.VoidInvoiceLines(ctx, pos.Op{Key: "v"}, made.ID, []string{second.ID}, void("test"))
		wantLive(t, "VoidInvoiceLines", got, err, first, third)
		read, err := s.GetInvoice(ctx, made.ID)
		wantLive(t, "GetInvoice", read, err, first, third)
		if i == 0 {
			// The ticket is sold again in between: a second voiding must not give it back.
			s.wantLeft(t, "g2", 8)
			if _, err := s.CreateInvoice(ctx, pos.Op{Key: "again", Ref: "again"}, sale(made.CustomerID, "g2-3")); err != nil {
				t.Fatalf("CreateInvoice of the ticket that came back: got %v; want no error", err)
			}
		}
		s.wantLeft(t, "g2", 7)
	}
	for range 2 {
		got, err := s.VoidInvoiceLines(ctx, pos.Op{Key: "v2"}, made.ID, []string{first.ID, second.ID, third.ID}, void("the rest"))
		if err != nil || got.ID != made.ID || !got.Voided {
			t.Errorf("VoidInvoiceLines of all: got %+v, %v; want the invoice void", got, err)
		}
		if read, err := s.GetInvoice(ctx, made.ID); err != nil || !read.Voided {
			t.Errorf("GetInvoice: got %+v, %v; want it void", read, err)
		}
		s.wantLeft(t, "g1", 8)
		s.wantLeft(t, "g2", 7)
		s.wantLeft(t, "g3", 8)
	}
}

func linesAreKeptAfterAPartialVoid(t *testing.T, s *setup) {
	ctx := t.Context()
	for _, kind := range []Kind{LostBefore, LostAfter, Partial} {
		made := s.threeLines(t, string(kind))
		op, keep := pos.Op{Key: "keep/" + string(kind)}, []pos.InvoiceLine{threeLines("").Lines[1]} // content, no id
		s.Set(0, Fault{Call: VoidInvoiceLines, Kind: kind, Count: 1})
		_, err := pos.KeepInvoiceLines(ctx, s, op, made.ID, keep, void("cancelled"))
		wantClass(t, "KeepInvoiceLines with "+string(kind), err, pos.OutcomeUnknown)
		s.Set(0)
		for range 2 {
			got, err := pos.KeepInvoiceLines(ctx, s, op, made.ID, keep, void("cancelled"))
			wantLive(t, "KeepInvoiceLines again after "+string(kind), got, err, made.Lines[1])
			s.wantLeft(t, "g1", 8)
			s.wantLeft(t, "g2", 7)
			s.wantLeft(t, "g3", 8)
		}
		// What is void does not come back, and nothing else is voided in the attempt.
		_, err = pos.KeepInvoiceLines(ctx, s, op, made.ID, threeLines("").Lines[2:], void("cancelled"))
		wantClass(t, "KeepInvoiceLines of a void line", err, pos.ReferenceConflict)
		read, err := s.GetInvoice(ctx, made.ID)
		wantLive(t, "GetInvoice", read, err, made.Lines[1])
		if _, err := s.VoidInvoice(ctx, pos.Op{Key: "v/" + string(kind)}, made.ID, void("rest")); err != nil {
			t.Errorf("VoidInvoice of what is left: got %v; want no error", err)
		}
		s.wantLeft(t, "g2", 8)
		_, err = pos.KeepInvoiceLines(ctx, s, op, made.ID, keep, void("cancelled"))
		wantClass(t, "KeepInvoiceLines of a void invoice", err, pos.ReferenceConflict)
	}
}

// partlyVoidInvoiceIsFoundByWhatIsLeft: a credited invoice must not be booked a second time for being shorter than the order was.
func partlyVoidInvoiceIsFoundByWhatIsLeft(t *testing.T, s *setup) {
	ctx := t.Context()
	made := s.threeLines(t, "ord")
	in := threeLines(made.CustomerID)
	if _, err := pos.KeepInvoiceLines(ctx, s, pos.Op{Key: "keep"}, made.ID, in.Lines[:2], void("cancelled")); err != nil {
		t.Fatalf("KeepInvoiceLines: got %v; want no error", err)
	}
	whole := in
	in.Lines = in.Lines[:2]
	got, booked, err := pos.EnsureInvoice(ctx, s, pos.Op{Key: "k", Ref: "ord"}, in, s.opts(2))
	if err != nil || booked || got.ID != made.ID {
		t.Errorf("EnsureInvoice of what is left: got %s, booked %v, %v; want %s", got.ID, booked, err, made.ID)
	}
	_, _, err = pos.EnsureInvoice(ctx, s, pos.Op{Key: "k", Ref: "ord"}, whole, s.opts(2))
	wantClass(t, "EnsureInvoice of the whole", err, pos.ReferenceConflict)
}

func saleOfAnotherToolIsNotBookedAgain(t *testing.T, s *setup) {
	ctx := t.Context()
	finder, ok := s.Adapter.(pos.SaleFinder)
	rival, plants := s.Faults.(Rival)
	if !ok || !plants {
		return
	}
	in := sale(s.customer(t), "g1-1")
	if found, err := finder.FindInvoicesBySale(ctx, "4711"); err != nil || len(found) != 0 {
		t.Errorf("FindInvoicesBySale of nothing: got %d, %v; want none, no error", len(found), err)
	}
	for name, ref := range map[string]string{"AReference": "that tool's", "NoReference": ""} {
		number := "4711-" + name
		theirs := rival.BookElsewhere(number, ref)
		in.Sale = number
		for attempt := range 3 {
			_, _, err := pos.EnsureInvoice(ctx, s.Adapter, pos.Op{Key: name, Ref: name}, in, s.opts(attempt))
			wantClass(t, "EnsureInvoice beside "+name, err, pos.ReferenceConflict)
			if err != nil && (!strings.Contains(err.Error(), theirs) || !strings.Contains(err.Error(), "another tool")) {
				t.Errorf("EnsureInvoice beside %s: got %v; want it to name %s and another tool", name, err, theirs)
			}
		}
		if live := liveInvoices(s.State(), name); len(live) != 0 {
			t.Errorf("live invoices beside %s: got %d; want none", name, len(live))
		}
	}
	in.Sale = "4711"
	made, booked, err := pos.EnsureInvoice(ctx, s.Adapter, pos.Op{Key: "k", Ref: "ord"}, in, s.opts(1))
	if err != nil || !booked {
		t.Fatalf("EnsureInvoice of a sale that nobody has: got booked %v, %v; want true, no error", booked, err)
	}
	again, _, err := pos.EnsureInvoice(ctx, s.Adapter, pos.Op{Key: "k", Ref: "ord"}, in, s.opts(2))
	if err != nil || again.ID != made.ID {
		t.Errorf("EnsureInvoice again: got %s, %v; want %s", again.ID, err, made.ID)
	}
}
