package pos_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"willcall/pos"
	"willcall/pos/fake"
)

var crediting = pos.Capabilities{
	NativeKey: true, SearchInvoices: true, SearchPurchaseOrders: true, SellsSeats: true, VoidLines: true, FulfillPurchases: true,
}

func line(tickets []string, quantity int, minor int64) pos.InvoiceLine {
	return pos.InvoiceLine{InventoryID: "g1", TicketIDs: tickets, Quantity: quantity, Total: pos.Money{Minor: minor, Currency: "USD"}}
}

// booked is an invoice with these lines.
func booked(t *testing.T, caps pos.Capabilities, lines ...pos.InvoiceLine) (*fake.POS, pos.Invoice) {
	t.Helper()
	p, in := setup(t, fake.Options{Capabilities: caps})
	in.Lines = lines
	inv, err := p.CreateInvoice(t.Context(), op, in)
	if err != nil {
		t.Fatalf("CreateInvoice: got %v; want no error", err)
	}
	return p, inv
}

func liveIDs(inv pos.Invoice) (ids []string) {
	for _, l := range inv.Lines {
		if !l.Voided {
			ids = append(ids, l.ID)
		}
	}
	return ids
}

var because = pos.VoidInput{Restock: true, Reason: "cancelled in part"}

func TestKeepInvoiceLines(t *testing.T) {
	t.Parallel()
	counted := crediting
	counted.SellsSeats = false
	for name, c := range map[string]struct {
		caps  pos.Capabilities
		lines []pos.InvoiceLine
		keep  []pos.InvoiceLine
		live  []int // which lines are live in the end
		calls int   // of VoidInvoiceLines
		want  pos.Class
	}{
		"OneOfTwo":          {crediting, []pos.InvoiceLine{line(nil, 1, 100), line(nil, 2, 200)}, []pos.InvoiceLine{line(nil, 2, 200)}, []int{1}, 1, ""},
		"AllAreKept":        {crediting, []pos.InvoiceLine{line(nil, 1, 100), line(nil, 2, 200)}, []pos.InvoiceLine{line(nil, 2, 200), line(nil, 1, 100)}, []int{0, 1}, 0, ""},
		"OneOfTwins":        {crediting, []pos.InvoiceLine{line(nil, 1, 100), line(nil, 1, 100), line(nil, 1, 100)}, []pos.InvoiceLine{line(nil, 1, 100)}, []int{0}, 1, ""},
		"TwinByItsTicket":   {crediting, []pos.InvoiceLine{line([]string{"t1"}, 1, 100), line([]string{"t2"}, 1, 100)}, []pos.InvoiceLine{line([]string{"t2"}, 1, 100)}, []int{1}, 1, ""},
		"NamedChooseFirst":  {crediting, []pos.InvoiceLine{line([]string{"t1"}, 1, 100), line([]string{"t2"}, 1, 100)}, []pos.InvoiceLine{line(nil, 1, 100), line([]string{"t1"}, 1, 100)}, []int{0, 1}, 0, ""},
		"TicketsNotCounted": {counted, []pos.InvoiceLine{line(nil, 1, 100), line(nil, 1, 100)}, []pos.InvoiceLine{line([]string{"t4"}, 1, 100)}, []int{0}, 1, ""},
		"OtherTickets":      {crediting, []pos.InvoiceLine{line([]string{"t1"}, 1, 100), line([]string{"t2"}, 1, 100)}, []pos.InvoiceLine{line([]string{"t3"}, 1, 100)}, []int{0, 1}, 0, pos.ReferenceConflict},
		"OtherPrice":        {crediting, []pos.InvoiceLine{line(nil, 1, 100), line(nil, 2, 200)}, []pos.InvoiceLine{line(nil, 2, 201)}, []int{0, 1}, 0, pos.ReferenceConflict},
		"OtherQuantity":     {crediting, []pos.InvoiceLine{line(nil, 1, 100), line(nil, 2, 200)}, []pos.InvoiceLine{line(nil, 1, 200)}, []int{0, 1}, 0, pos.ReferenceConflict},
		"OneTooMany":        {crediting, []pos.InvoiceLine{line(nil, 1, 100)}, []pos.InvoiceLine{line(nil, 1, 100), line(nil, 1, 100)}, []int{0}, 0, pos.ReferenceConflict},
		"Nothing":           {crediting, []pos.InvoiceLine{line(nil, 1, 100)}, nil, []int{0}, 0, pos.Invalid},
		"POSCannot":         {keyed, []pos.InvoiceLine{line(nil, 1, 100), line(nil, 2, 200)}, []pos.InvoiceLine{line(nil, 2, 200)}, []int{0, 1}, 0, pos.Unsupported},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, made := booked(t, c.caps, c.lines...)
			for range 2 {
				got, err := pos.KeepInvoiceLines(t.Context(), p, pos.Op{Key: "k"}, made.ID, c.keep, because)
				if pos.ClassOf(err) != c.want {
					t.Fatalf("KeepInvoiceLines: got %v; want class %q", err, c.want)
				}
				var want []string
				for _, i := range c.live {
					want = append(want, made.Lines[i].ID)
				}
				if there := p.State().Invoices[0]; !slices.Equal(liveIDs(there), want) || err == nil && !slices.Equal(liveIDs(got), want) {
					t.Errorf("live lines: got %v, and %v in the answer; want %v", liveIDs(there), liveIDs(got), want)
				}
			}
			if got := p.Calls(fake.VoidInvoiceLines); got != c.calls {
				t.Errorf("voids: got %d; want %d", got, c.calls)
			}
		})
	}
}

// voids answers a void of lines as it likes.
type voids struct {
	*fake.POS
	answer func(pos.Invoice) (pos.Invoice, error)
}

func (v voids) VoidInvoiceLines(ctx context.Context, op pos.Op, id string, lineIDs []string, in pos.VoidInput) (pos.Invoice, error) {
	inv, err := v.POS.VoidInvoiceLines(ctx, op, id, lineIDs, in)
	if err != nil {
		return inv, err
	}
	return v.answer(inv)
}

func TestKeepInvoiceLinesBelievesOnlyWhatItAskedFor(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		answer func(pos.Invoice) (pos.Invoice, error)
		want   pos.Class
	}{
		"AsAsked":        {func(i pos.Invoice) (pos.Invoice, error) { return i, nil }, ""},
		"AnotherInvoice": {func(i pos.Invoice) (pos.Invoice, error) { i.ID = "other"; return i, nil }, pos.OutcomeUnknown},
		"StillLive":      {func(i pos.Invoice) (pos.Invoice, error) { i.Lines[1].Voided = false; return i, nil }, pos.OutcomeUnknown},
		"TooManyVoid":    {func(i pos.Invoice) (pos.Invoice, error) { i.Lines[0].Voided = true; return i, nil }, pos.ReferenceConflict},
		"WholeVoid":      {func(i pos.Invoice) (pos.Invoice, error) { i.Voided = true; return i, nil }, pos.ReferenceConflict},
		"Unclassed":      {func(i pos.Invoice) (pos.Invoice, error) { return i, errors.New("broken pipe") }, pos.OutcomeUnknown},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, made := booked(t, crediting, line(nil, 1, 100), line(nil, 2, 200))
			_, err := pos.KeepInvoiceLines(t.Context(), voids{p, c.answer}, pos.Op{Key: "k"}, made.ID, made.Lines[:1], because)
			if pos.ClassOf(err) != c.want {
				t.Errorf("KeepInvoiceLines: got %v; want class %q", err, c.want)
			}
		})
	}
}

// Whatever is kept of whatever invoice, in whatever steps and through whatever faults: the invoice's total is that of what is kept.
func TestTotalIsThatOfTheKeptLines(t *testing.T) {
	t.Parallel()
	for seed := range uint64(2000) {
		rnd := rand.New(rand.NewPCG(seed, 2))
		currency := []string{"USD", "JPY", "KWD"}[rnd.IntN(3)]
		p := fake.New(fake.Options{Capabilities: crediting, Oversell: true, Groups: stock()})
		c, err := p.CreateCustomer(t.Context(), pos.Op{Key: "c"}, pos.CustomerInput{Name: "Ada Sample", Kind: pos.Retail})
		if err != nil {
			t.Fatal(err)
		}
		in := pos.InvoiceInput{CustomerID: c.ID}
		for range 1 + rnd.IntN(8) {
			in.Lines = append(in.Lines, pos.InvoiceLine{
				InventoryID: "g1", Quantity: 1 + rnd.IntN(2), Total: pos.Money{Minor: rnd.Int64N(4), Currency: currency}, // twins are likely
			})
		}
		inv, err := p.CreateInvoice(t.Context(), op, in)
		if err != nil {
			t.Fatal(err)
		}
		keep := slices.Clone(in.Lines)
		for step := range 3 {
			rnd.Shuffle(len(keep), func(i, j int) { keep[i], keep[j] = keep[j], keep[i] })
			keep = keep[:1+rnd.IntN(len(keep))]
			kind := []fake.Kind{fake.LostBefore, fake.LostAfter, fake.Partial}[rnd.IntN(3)]
			p.SetFaults(fake.Fault{Call: fake.VoidInvoiceLines, Kind: kind, Count: rnd.IntN(3) + 1})
			for attempt := 0; ; attempt++ {
				inv, err = pos.KeepInvoiceLines(t.Context(), p, pos.Op{Key: fmt.Sprint(step)}, inv.ID, keep, because)
				if err == nil {
					break
				}
				inv = p.State().Invoices[0]
				if pos.ClassOf(err) != pos.OutcomeUnknown || attempt > 3 {
					t.Fatalf("seed %d: KeepInvoiceLines: got %v; want it done, or unknown", seed, err)
				}
			}
			var want int64
			for _, l := range keep {
				want += l.Total.Minor
			}
			if total, ok := inv.Total(); !ok || total != (pos.Money{Minor: want, Currency: currency}) {
				t.Fatalf("seed %d: total: got %v, %v; want %d %s", seed, total, ok, want, currency)
			}
		}
	}
}

func TestEnsureInvoiceLooksForTheSaleOfAnotherTool(t *testing.T) {
	t.Parallel()
	for name, caps := range map[string]pos.Capabilities{"Keys": keyed, "Search": searching} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, in := setup(t, fake.Options{Capabilities: caps})
			s := fake.Shared{POS: p}
			ensure := func(in pos.InvoiceInput, attempt int) error {
				_, _, err := pos.EnsureInvoice(t.Context(), s, op, in, pos.Options{Attempt: attempt, Sleep: p.Sleep})
				return err
			}
			theirs := s.BookElsewhere("4711", "ORD") // our reference but for the case
			in.Sale = "4711"
			for attempt := range 3 {
				err := ensure(in, attempt)
				wantClass(t, err, pos.ReferenceConflict)
				if err != nil && (!strings.Contains(err.Error(), theirs.ID) || !strings.Contains(err.Error(), "another tool has booked the sale")) {
					t.Errorf("error: got %v; want it to name %s", err, theirs.ID)
				}
			}
			if n := p.Calls(fake.CreateInvoice); n != 0 {
				t.Errorf("writes: got %d; want none", n)
			}
			p.SetFaults(fake.Fault{Call: fake.FindInvoicesBySale, Kind: fake.LostBefore, Count: 1})
			wantClass(t, ensure(in, 1), pos.Transient)
			if _, err := p.VoidInvoice(t.Context(), pos.Op{Key: "v"}, theirs.ID, because); err != nil {
				t.Fatal(err)
			}
			before := p.Calls(fake.FindInvoicesBySale)
			if err := ensure(in, 1); err != nil {
				t.Errorf("EnsureInvoice after theirs was voided: got %v; want no error", err)
			}
			if got := p.Calls(fake.FindInvoicesBySale) - before; got != 1 {
				t.Errorf("searches for the sale: got %d; want 1", got)
			}
			// Ours is there now: the sale need not be looked for again, and another number is not our affair.
			s.BookElsewhere("4712", "theirs")
			if err := ensure(in, 2); err != nil || p.Calls(fake.FindInvoicesBySale)-before != 1 {
				t.Errorf("EnsureInvoice again: got %v and %d searches; want no error, 1", err, p.Calls(fake.FindInvoicesBySale)-before)
			}
			in.Sale = ""
			if err := ensure(in, 2); err != nil || p.Calls(fake.FindInvoicesBySale)-before != 1 {
				t.Errorf("EnsureInvoice without a number: got %v; want no error and no search", err)
			}
		})
	}
}

func TestHolds(t *testing.T) {
	t.Parallel()
	until := time.Date(2027, 1, 1, 1, 0, 0, 0, time.UTC)
	good := pos.HoldInput{InventoryID: "g1", TicketIDs: []string{"t1", "t2"}, Quantity: 2, Until: until}
	holding := pos.Capabilities{Holds: true, SearchHolds: true, SellsSeats: true}
	for name, change := range map[string]func(*pos.HoldInput){
		"NoGroup":     func(in *pos.HoldInput) { in.InventoryID = "" },
		"NoTickets":   func(in *pos.HoldInput) { in.TicketIDs, in.Quantity = nil, 0 },
		"TooFewNamed": func(in *pos.HoldInput) { in.Quantity = 3 },
		"NoEnd":       func(in *pos.HoldInput) { in.Until = time.Time{} },
	} {
		in := good
		change(&in)
		p, _ := setup(t, fake.Options{Capabilities: holding})
		_, _, err := pos.EnsureHold(t.Context(), p, op, in, pos.Options{})
		if wantClass(t, err, pos.Invalid); p.Calls(fake.PlaceHold) != 0 {
			t.Errorf("%s: was sent", name)
		}
	}
	// One that ran out is placed again, and its tickets were free in between.
	p, _ := setup(t, fake.Options{Capabilities: holding})
	first, placed, err := pos.EnsureHold(t.Context(), p, op, good, pos.Options{Attempt: 1})
	if err != nil || !placed {
		t.Fatalf("EnsureHold: got placed %v, %v; want true, no error", placed, err)
	}
	again, placed, err := pos.EnsureHold(t.Context(), p, op, good, pos.Options{Attempt: 2})
	if err != nil || placed || again.ID != first.ID {
		t.Errorf("EnsureHold again: got %s, placed %v, %v; want %s", again.ID, placed, err, first.ID)
	}
	if err := p.Sleep(t.Context(), 2*time.Hour); err != nil {
		t.Fatal(err)
	}
	if g, err := p.GetInventory(t.Context(), "g1"); err != nil || g.Quantity != 4 || len(p.State().Holds) != 0 {
		t.Errorf("GetInventory after the hold ran out: got %d left, %v; want 4", g.Quantity, err)
	}
	good.Until = until.Add(4 * time.Hour)
	second, placed, err := pos.EnsureHold(t.Context(), p, op, good, pos.Options{})
	if err != nil || !placed || second.ID == first.ID {
		t.Errorf("EnsureHold later: got %s, placed %v, %v; want another than %s", second.ID, placed, err, first.ID)
	}
	wantClass(t, pos.ReleaseHold(t.Context(), p, pos.Op{Key: "r"}, ""), pos.Invalid)
	wantClass(t, pos.ReleaseHold(t.Context(), p, pos.Op{}, second.ID), pos.Invalid)
	if err := pos.ReleaseHold(t.Context(), p, pos.Op{Key: "r"}, second.ID); err != nil || len(p.State().Holds) != 0 {
		t.Errorf("ReleaseHold: got %v; want it gone", err)
	}
}

// keyedHolds is a POS that keeps no reference on a hold and cannot search for one.
type keyedHolds struct{ *fake.POS }

func (k keyedHolds) PlaceHold(ctx context.Context, op pos.Op, in pos.HoldInput) (pos.Hold, error) {
	h, err := k.POS.PlaceHold(ctx, op, in)
	h.Ref = ""
	return h, err
}

func TestHoldWithoutReferenceIsGuardedByItsKey(t *testing.T) {
	t.Parallel()
	p, _ := setup(t, fake.Options{Capabilities: pos.Capabilities{NativeKey: true, Holds: true, SellsSeats: true}})
	in := pos.HoldInput{InventoryID: "g1", TicketIDs: []string{"t1"}, Quantity: 1, Until: time.Date(2027, 1, 2, 0, 0, 0, 0, time.UTC)}
	for attempt := range 3 {
		if _, _, err := pos.EnsureHold(t.Context(), keyedHolds{p}, op, in, pos.Options{Attempt: attempt}); err != nil || len(p.State().Holds) != 1 {
			t.Errorf("EnsureHold: got %v, %d holds; want no error, one", err, len(p.State().Holds))
		}
	}
}

// arrives is a POS that answers a fulfilment with one purchase order.
type arrives struct {
	pos.Adapter
	caps  pos.Capabilities
	order pos.PurchaseOrder
	asked *pos.FulfillmentInput
}

func (a arrives) Capabilities(context.Context) (pos.Capabilities, error) { return a.caps, nil }

func (a arrives) FulfillPurchaseOrder(_ context.Context, _ pos.Op, _ string, in pos.FulfillmentInput) (pos.PurchaseOrder, error) {
	*a.asked = in
	return a.order, nil
}

func TestFulfilPurchaseBelievesOnlyItsOwnRecord(t *testing.T) {
	t.Parallel()
	done := pos.PurchaseOrder{ID: "p", Fulfillment: pos.Complete}
	other, pending, void := done, done, done
	other.ID, pending.Fulfillment, void.Voided = "q", pos.Pending, true
	can := pos.Capabilities{FulfillPurchases: true, TicketUpload: true}
	file := []pos.TicketFile{{Name: "a.pdf", MediaType: "application/pdf", Content: []byte("x")}}
	for name, c := range map[string]struct {
		caps  pos.Capabilities
		order pos.PurchaseOrder
		files []pos.TicketFile
		took  bool
		want  pos.Class
	}{
		"Complete":     {can, done, file, true, ""},
		"WithoutFiles": {can, done, nil, false, ""},
		"TakesNoFiles": {pos.Capabilities{FulfillPurchases: true}, done, file, false, ""},
		"StillPending": {can, pending, file, false, pos.OutcomeUnknown},
		"Void":         {can, void, file, false, pos.OutcomeUnknown},
		"AnotherOne":   {can, other, file, false, pos.OutcomeUnknown},
		"POSCannot":    {pos.Capabilities{TicketUpload: true}, done, file, false, pos.Unsupported},
		"NoFile":       {can, done, []pos.TicketFile{{Name: "a.pdf"}}, false, pos.Invalid},
	} {
		a := arrives{caps: c.caps, order: c.order, asked: &pos.FulfillmentInput{}}
		_, took, err := pos.FulfilPurchase(t.Context(), a, pos.Op{Key: "k"}, "p", pos.FulfillmentInput{State: pos.Complete, Files: c.files})
		if pos.ClassOf(err) != c.want || took != c.took || took != (a.asked.Files != nil && err == nil) {
			t.Errorf("%s: got files %v, %v after asking for %d; want %v, class %q", name, took, err, len(a.asked.Files), c.took, c.want)
		}
	}
}

// spied notes the correlation of writes, and ends the context in a read.
type spied struct {
	*fake.POS
	seen *[]string
	end  context.CancelFunc // nil: it does not end
}

func (s spied) GetInvoice(ctx context.Context, id string) (pos.Invoice, error) {
	inv, err := s.POS.GetInvoice(ctx, id)
	if s.end != nil {
		s.end()
	}
	return inv, err
}

func (s spied) VoidInvoiceLines(ctx context.Context, op pos.Op, id string, lineIDs []string, in pos.VoidInput) (pos.Invoice, error) {
	*s.seen = append(*s.seen, pos.Correlation(ctx))
	return s.POS.VoidInvoiceLines(ctx, op, id, lineIDs, in)
}

func (s spied) PlaceHold(ctx context.Context, op pos.Op, in pos.HoldInput) (pos.Hold, error) {
	*s.seen = append(*s.seen, pos.Correlation(ctx))
	return s.POS.PlaceHold(ctx, op, in)
}

func (s spied) ReleaseHold(ctx context.Context, op pos.Op, id string) error {
	*s.seen = append(*s.seen, pos.Correlation(ctx))
	return s.POS.ReleaseHold(ctx, op, id)
}

// TestCreditsAndHoldsEndWithTheirContext: nothing is written that nobody waits for, and what cannot be written because the POS does not
// say what it can do is tried again.
func TestCreditsAndHoldsEndWithTheirContext(t *testing.T) {
	t.Parallel()
	p, made := booked(t, crediting, line(nil, 1, 100), line(nil, 2, 200))
	var seen []string
	ctx, cancel := context.WithCancel(t.Context())
	_, err := pos.KeepInvoiceLines(ctx, spied{p, &seen, cancel}, pos.Op{Key: "k"}, made.ID, made.Lines[:1], because)
	if wantClass(t, err, pos.Transient); seen != nil {
		t.Error("KeepInvoiceLines wrote although its context had ended")
	}
	if wantClass(t, pos.ReleaseHold(ctx, spied{p, &seen, nil}, pos.Op{Key: "k"}, "h"), pos.Transient); seen != nil {
		t.Error("ReleaseHold wrote although its context had ended")
	}
	p.SetFaults(fake.Fault{Call: fake.Capabilities, Kind: fake.LostBefore, Count: 2})
	_, err = pos.KeepInvoiceLines(t.Context(), p, pos.Op{Key: "k"}, made.ID, made.Lines[:1], because)
	wantClass(t, err, pos.Transient)
	_, _, err = pos.EnsureHold(t.Context(), p, op, pos.HoldInput{InventoryID: "g1", Quantity: 1, Until: time.Date(2027, 1, 2, 0, 0, 0, 0, time.UTC)}, pos.Options{})
	wantClass(t, err, pos.Transient)
}

func TestCreditsAndHoldsAreCorrelated(t *testing.T) {
	t.Parallel()
	caps := crediting
	caps.Holds, caps.SearchHolds = true, true
	p, made := booked(t, caps, line(nil, 1, 100), line(nil, 1, 200))
	var seen []string
	spy := spied{p, &seen, nil}
	if _, err := pos.KeepInvoiceLines(t.Context(), spy, pos.Op{Key: "k1"}, made.ID, made.Lines[:1], because); err != nil {
		t.Fatalf("KeepInvoiceLines: got %v; want no error", err)
	}
	h, _, err := pos.EnsureHold(t.Context(), spy, pos.Op{Key: "k2", Ref: "r2"}, pos.HoldInput{InventoryID: "g1", Quantity: 1, Until: time.Date(2027, 1, 2, 0, 0, 0, 0, time.UTC)}, pos.Options{})
	if err != nil {
		t.Fatalf("EnsureHold: got %v; want no error", err)
	}
	if err := pos.ReleaseHold(t.Context(), spy, pos.Op{Key: "k3"}, h.ID); err != nil {
		t.Fatalf("ReleaseHold: got %v; want no error", err)
	}
	if want := []string{"k1", "k2", "k3"}; !slices.Equal(seen, want) {
		t.Errorf("correlations: got %v; want %v", seen, want)
	}
	// Where no holds are kept none is asked for.
	q, _ := setup(t, fake.Options{Capabilities: keyed})
	seen = nil
	_, _, err = pos.EnsureHold(t.Context(), spied{q, &seen, nil}, op, pos.HoldInput{InventoryID: "g1", Quantity: 1, Until: time.Date(2027, 1, 2, 0, 0, 0, 0, time.UTC)}, pos.Options{})
	if wantClass(t, err, pos.Unsupported); seen != nil {
		t.Error("a POS without holds was asked for one")
	}
}

// TestAHoldOfOtherTicketsIsNotOurs: whoever gave it our reference.
func TestAHoldOfOtherTicketsIsNotOurs(t *testing.T) {
	t.Parallel()
	until := time.Date(2027, 1, 1, 1, 0, 0, 0, time.UTC)
	seats := pos.Capabilities{Holds: true, SearchHolds: true, SellsSeats: true}
	counted := pos.Capabilities{Holds: true, SearchHolds: true}
	is := func(group string, quantity int, tickets ...string) pos.HoldInput {
		return pos.HoldInput{InventoryID: group, Quantity: quantity, TicketIDs: tickets, Until: until}
	}
	for name, c := range map[string]struct {
		caps        pos.Capabilities
		there, want pos.HoldInput
		class       pos.Class
	}{
		"TheSame":       {seats, is("g1", 2, "t1", "t2"), is("g1", 2, "t2", "t1"), ""},
		"Unnamed":       {seats, is("g1", 2, "t1", "t2"), is("g1", 2), ""},
		"OtherQuantity": {seats, is("g1", 1), is("g1", 2), pos.ReferenceConflict},
		"OtherGroup":    {seats, is("g2", 1), is("g1", 1), pos.ReferenceConflict},
		"OtherTickets":  {seats, is("g1", 2, "t1", "t2"), is("g1", 2, "t2", "t3"), pos.ReferenceConflict},
		"NotBySeats":    {counted, is("g1", 1), is("g1", 1, "t4"), ""},
	} {
		p := fake.New(fake.Options{Capabilities: c.caps, Groups: append(stock(), pos.Inventory{ID: "g2", Quantity: 4, Status: pos.Available})})
		h, err := p.PlaceHold(t.Context(), op, c.there)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		got, placed, err := pos.EnsureHold(t.Context(), p, op, c.want, pos.Options{Attempt: 2, Sleep: p.Sleep})
		if pos.ClassOf(err) != c.class || placed || c.class == "" && got.ID != h.ID {
			t.Errorf("%s: got %+v, placed %v, %v; want %s, class %q", name, got, placed, err, h.ID, c.class)
		}
	}
	// A later attempt searches before it asks again, also where keys guard it.
	keys := seats
	keys.NativeKey = true
	q, _ := setup(t, fake.Options{Capabilities: keys})
	for attempt := range 2 {
		_, _, err := pos.EnsureHold(t.Context(), q, op, is("g1", 1), pos.Options{Attempt: attempt + 1, Sleep: q.Sleep})
		if got := q.Calls(fake.PlaceHold); err != nil || got != 1 {
			t.Errorf("attempt %d: got %d calls, %v; want one in all", attempt+1, got, err)
		}
	}
	_, _, unnamed := pos.EnsureHold(t.Context(), q, pos.Op{Ref: "ord"}, is("g1", 1), pos.Options{Attempt: 1})
	wantClass(t, unnamed, pos.Invalid)
	// A POS that can be searched for the reference keeps it; an answer without it is of another hold.
	p, _ := setup(t, fake.Options{Capabilities: seats})
	_, _, err := pos.EnsureHold(t.Context(), keyedHolds{p}, op, is("g1", 1), pos.Options{Attempt: 1, Sleep: p.Sleep})
	wantClass(t, err, pos.ReferenceConflict)
}

// mute answers a release with an error of no class.
type mute struct{ *fake.POS }

func (mute) ReleaseHold(context.Context, pos.Op, string) error { return errors.New("broken pipe") }

func TestHoldsOfASlowPOS(t *testing.T) {
	t.Parallel()
	p, _ := setup(t, fake.Options{Capabilities: pos.Capabilities{Holds: true, SearchHolds: true, SettleDelay: time.Minute}})
	var slept time.Duration
	sleep := func(_ context.Context, d time.Duration) error { slept += d; return nil }
	in := pos.HoldInput{InventoryID: "g1", Quantity: 1, Until: time.Date(2027, 1, 2, 0, 0, 0, 0, time.UTC)}
	if _, _, err := pos.EnsureHold(t.Context(), p, op, in, pos.Options{Attempt: 2, Sleep: sleep}); err != nil || slept < time.Minute {
		t.Errorf("EnsureHold: got %v after a wait of %s; want one of a minute before the search", err, slept)
	}
	wantClass(t, pos.ReleaseHold(t.Context(), mute{p}, pos.Op{Key: "k"}, "h"), pos.OutcomeUnknown)
}
