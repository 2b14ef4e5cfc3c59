package pos_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"willcall/pos"
	"willcall/pos/fake"
)

var (
	searching = pos.Capabilities{SearchCustomers: true, SearchInvoices: true, SearchPurchaseOrders: true, SellsSeats: true}
	keyed     = pos.Capabilities{NativeKey: true, SearchCustomers: true, SearchInvoices: true, SearchPurchaseOrders: true, SellsSeats: true}
)

func stock() []pos.Inventory {
	return []pos.Inventory{{ID: "g1", Quantity: 4, Status: pos.Available, Tickets: []pos.Ticket{
		{ID: "t1", Seat: "1", Status: pos.Available}, {ID: "t2", Seat: "2", Status: pos.Available},
		{ID: "t3", Seat: "3", Status: pos.Available}, {ID: "t4", Seat: "4", Status: pos.Available},
	}}}
}

var op = pos.Op{Key: "src/ord/invoice/1", Ref: "ord"}

// setup returns a fake with one customer, and a sale of two seats to them.
func setup(t *testing.T, opts fake.Options) (*fake.POS, pos.InvoiceInput) {
	t.Helper()
	opts.Groups = stock()
	p := fake.New(opts)
	c, err := p.CreateCustomer(t.Context(), pos.Op{Key: "customer"}, pos.CustomerInput{Name: "Ada Sample", Kind: pos.Retail})
	if err != nil {
		t.Fatalf("CreateCustomer: got %v; want no error", err)
	}
	return p, pos.InvoiceInput{CustomerID: c.ID, Lines: []pos.InvoiceLine{
		{InventoryID: "g1", TicketIDs: []string{"t1", "t2"}, Quantity: 2, Total: pos.Money{Minor: 24000, Currency: "USD"}},
	}}
}

func wantClass(t *testing.T, err error, want pos.Class) {
	t.Helper()
	var e *pos.Error
	if !errors.As(err, &e) || e.Class != want {
		t.Errorf("error: got %v; want class %s", err, want)
	}
}

func TestFirstAttemptWithKeysDoesNotSearchBefore(t *testing.T) {
	t.Parallel()
	p, in := setup(t, fake.Options{Capabilities: keyed})
	if _, _, err := pos.EnsureInvoice(t.Context(), p, op, in, pos.Options{Attempt: 1}); err != nil {
		t.Fatalf("EnsureInvoice: got %v; want no error", err)
	}
	// One search: the one that confirms.
	if got := p.Calls(fake.FindInvoices); got != 1 {
		t.Errorf("searches: got %d; want 1", got)
	}
}

func TestLaterAttemptWithKeysSearchesBefore(t *testing.T) {
	t.Parallel()
	for _, attempt := range []int{0, 2, 7} {
		p, in := setup(t, fake.Options{Capabilities: keyed})
		for range 2 {
			if _, _, err := pos.EnsureInvoice(t.Context(), p, op, in, pos.Options{Attempt: attempt}); err != nil {
				t.Fatalf("EnsureInvoice: got %v; want no error", err)
			}
		}
		if got := p.Calls(fake.CreateInvoice); got != 1 {
			t.Errorf("attempt %d: got %d creates; want 1", attempt, got)
		}
	}
}

func TestWithoutKeysEveryAttemptSearchesBefore(t *testing.T) {
	t.Parallel()
	p, in := setup(t, fake.Options{Capabilities: searching, DuplicateRefs: true, Oversell: true})
	for range 2 {
		if _, _, err := pos.EnsureInvoice(t.Context(), p, op, in, pos.Options{Attempt: 1}); err != nil {
			t.Fatalf("EnsureInvoice: got %v; want no error", err)
		}
	}
	if got := p.Calls(fake.CreateInvoice); got != 1 {
		t.Errorf("creates: got %d; want 1", got)
	}
}

func TestNeitherKeyNorSearchIsUnsupported(t *testing.T) {
	t.Parallel()
	p, in := setup(t, fake.Options{})
	_, _, err := pos.EnsureInvoice(t.Context(), p, op, in, pos.Options{Attempt: 1})
	wantClass(t, err, pos.Unsupported)
	_, _, err = pos.EnsurePurchaseOrder(t.Context(), p, op, bought(), pos.Options{Attempt: 1})
	wantClass(t, err, pos.Unsupported)
	_, _, err = pos.EnsureCustomer(t.Context(), p, op, pos.CustomerInput{Name: "Ada Sample", Email: "ada@example.com"}, pos.Options{Attempt: 1})
	wantClass(t, err, pos.Unsupported)
	_, _, err = pos.VoidPurchaseOrderByRef(t.Context(), p, op, pos.VoidInput{Ref: "ord", Reason: "x"}, pos.Options{})
	wantClass(t, err, pos.Unsupported)
	if s := p.State(); len(s.Invoices)+len(s.PurchaseOrders) != 0 || len(s.Customers) != 1 {
		t.Errorf("state: got %+v; want nothing written", s)
	}
}

// The refusal of a second attempt may be the echo of a first one that succeeded: its seats are sold, and the
// search before did not see it yet.
func TestRefusalIsFollowedByASearch(t *testing.T) {
	t.Parallel()
	for _, refusal := range []pos.Class{pos.Unavailable, pos.ReferenceConflict, pos.Invalid, pos.NotFound} {
		t.Run(string(refusal), func(t *testing.T) {
			t.Parallel()
			p, in := setup(t, fake.Options{Capabilities: searching, DuplicateRefs: true})
			p.SetFaults(fake.Fault{Call: fake.CreateInvoice, Kind: fake.LostAfter, Count: 1},
				fake.Fault{Call: fake.CreateInvoice, Kind: fake.Refuse, Class: refusal, Count: 1})
			_, _, err := pos.EnsureInvoice(t.Context(), p, op, in, pos.Options{Attempt: 1})
			wantClass(t, err, pos.OutcomeUnknown)
			late := &lateSearch{POS: p, misses: 1}
			inv, booked, err := pos.EnsureInvoice(t.Context(), late, op, in, pos.Options{Attempt: 2})
			if err != nil || booked || inv.Ref != "ord" {
				t.Errorf("EnsureInvoice: got %+v, booked %v, %v; want the first attempt's", inv, booked, err)
			}
		})
	}
}

// The reference is taken by a record so young that a search does not see it yet.
func TestSearchAfterARefusalWaits(t *testing.T) {
	t.Parallel()
	caps := keyed
	caps.SettleDelay = 3 * time.Second
	p, in := setup(t, fake.Options{Capabilities: caps})
	p.SetSearchLag(3 * time.Second)
	made, err := p.CreateInvoice(t.Context(), pos.Op{Key: "another writer", Ref: op.Ref}, in)
	if err != nil {
		t.Fatalf("CreateInvoice: got %v; want no error", err)
	}
	got, booked, err := pos.EnsureInvoice(t.Context(), p, op, in, pos.Options{Attempt: 1, Sleep: p.Sleep})
	if err != nil || booked || got.ID != made.ID {
		t.Errorf("EnsureInvoice: got %s, booked %v, %v; want %s, false, no error", got.ID, booked, err, made.ID)
	}
}

func TestRefusalStandsIfNothingIsThere(t *testing.T) {
	t.Parallel()
	p, in := setup(t, fake.Options{Capabilities: searching})
	p.SetFaults(fake.Fault{Call: fake.CreateInvoice, Kind: fake.Refuse, Class: pos.Unavailable})
	_, _, err := pos.EnsureInvoice(t.Context(), p, op, in, pos.Options{Attempt: 1})
	wantClass(t, err, pos.Unavailable)
	if got := p.Calls(fake.FindInvoices); got != 2 {
		t.Errorf("searches: got %d; want 2", got)
	}
}

// If the second search fails nobody knows, so that the seats must not be reported gone: the sale may be ours.
func TestRefusalWithoutSecondSearchIsUnknown(t *testing.T) {
	t.Parallel()
	p, in := setup(t, fake.Options{Capabilities: keyed})
	p.SetFaults(fake.Fault{Call: fake.CreateInvoice, Kind: fake.Refuse, Class: pos.Unavailable},
		fake.Fault{Call: fake.FindInvoices, Kind: fake.Refuse, Class: pos.RateLimited, RetryAfter: 9 * time.Second})
	_, _, err := pos.EnsureInvoice(t.Context(), p, op, in, pos.Options{Attempt: 1})
	wantClass(t, err, pos.OutcomeUnknown)
	var e *pos.Error
	if errors.As(err, &e) && e.RetryAfter != 9*time.Second {
		t.Errorf("RetryAfter: got %v; want 9s", e.RetryAfter)
	}
}

func TestWriteThatCannotBeConfirmedIsUnknown(t *testing.T) {
	t.Parallel()
	p, in := setup(t, fake.Options{Capabilities: keyed})
	p.SetFaults(fake.Fault{Call: fake.FindInvoices, Kind: fake.Refuse, Class: pos.Unauthorized, Count: 1})
	_, _, err := pos.EnsureInvoice(t.Context(), p, op, in, pos.Options{Attempt: 1})
	wantClass(t, err, pos.OutcomeUnknown)
	if _, booked, err := pos.EnsureInvoice(t.Context(), p, op, in, pos.Options{Attempt: 2}); err != nil || booked {
		t.Errorf("EnsureInvoice again: got booked %v, %v; want the one that is there", booked, err)
	}
}

func TestVendorsFilterIsNotTrusted(t *testing.T) {
	t.Parallel()
	p, in := setup(t, fake.Options{Capabilities: searching})
	other := in
	other.Lines = []pos.InvoiceLine{{InventoryID: "g1", TicketIDs: []string{"t3"}, Quantity: 1, Total: pos.Money{Minor: 1, Currency: "USD"}}}
	for _, ref := range []string{"ord1", "ORD", "ord "} {
		if _, err := p.CreateInvoice(t.Context(), pos.Op{Key: ref, Ref: ref}, other); err != nil && ref == "ord1" {
			t.Fatalf("CreateInvoice: got %v; want no error", err)
		}
	}
	// A search that returns every invoice of the POS.
	inv, booked, err := pos.EnsureInvoice(t.Context(), looseSearch{p}, op, in, pos.Options{Attempt: 2})
	if err != nil || !booked || inv.Ref != "ord" {
		t.Errorf("EnsureInvoice: got %+v, booked %v, %v; want a new one", inv, booked, err)
	}
	voided, found, err := pos.VoidInvoiceByRef(t.Context(), looseSearch{p}, op, pos.VoidInput{Ref: "ord", Reason: "x"}, pos.Options{})
	if err != nil || !found || len(voided) != 1 || voided[0].ID != inv.ID {
		t.Errorf("VoidInvoiceByRef: got %+v, %v, %v; want %s alone", voided, found, err, inv.ID)
	}
}

func TestAnswerOfAnotherRecordIsAConflict(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*pos.Invoice){
		"OtherReference": func(i *pos.Invoice) { i.Ref = "other" },
		"OtherCustomer":  func(i *pos.Invoice) { i.CustomerID = "other" },
		"OtherTotal":     func(i *pos.Invoice) { i.Lines[0].Total.Minor++ },
		"OtherCurrency":  func(i *pos.Invoice) { i.Lines[0].Total.Currency = "CAD" },
		"OtherTickets":   func(i *pos.Invoice) { i.Lines[0].TicketIDs = []string{"t1", "t3"} },
		"OtherQuantity":  func(i *pos.Invoice) { i.Lines[0].Quantity = 1 },
		"OtherGroup":     func(i *pos.Invoice) { i.Lines[0].InventoryID = "g2" },
		"OneMoreLine":    func(i *pos.Invoice) { i.Lines = append(i.Lines, i.Lines[0]) },
		"Void":           func(i *pos.Invoice) { i.Voided = true },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, in := setup(t, fake.Options{Capabilities: keyed})
			_, _, err := pos.EnsureInvoice(t.Context(), changed{p, change}, op, in, pos.Options{Attempt: 1})
			wantClass(t, err, pos.ReferenceConflict)
		})
	}
	p, in := setup(t, fake.Options{Capabilities: keyed})
	_, _, err := pos.EnsureInvoice(t.Context(), changed{p, func(i *pos.Invoice) { i.ID = "" }}, op, in, pos.Options{Attempt: 1})
	wantClass(t, err, pos.OutcomeUnknown)
	same := func(i *pos.Invoice) {
		i.Lines[0].TicketIDs = []string{"t2", "t1"}
		i.Lines[0].Description, i.Payment, i.Fulfillment = "changed", pos.Paid, pos.Complete
	}
	p, in = setup(t, fake.Options{Capabilities: keyed})
	if _, _, err := pos.EnsureInvoice(t.Context(), changed{p, same}, op, in, pos.Options{Attempt: 1}); err != nil {
		t.Errorf("EnsureInvoice of a record that was worked on: got %v; want no error", err)
	}
}

func TestUnclassedErrorOfAWriteIsUnknown(t *testing.T) {
	t.Parallel()
	p, in := setup(t, fake.Options{Capabilities: keyed})
	_, _, err := pos.EnsureInvoice(t.Context(), broken{p}, op, in, pos.Options{Attempt: 1})
	wantClass(t, err, pos.OutcomeUnknown)
	_, _, err = pos.EnsureInvoice(t.Context(), broken{p}, op, in, pos.Options{Attempt: 2})
	wantClass(t, err, pos.Transient) // its search has no class either
}

func TestEndedContextDoesNotWrite(t *testing.T) {
	t.Parallel()
	p, in := setup(t, fake.Options{Capabilities: keyed})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, _, err := pos.EnsureInvoice(ctx, p, op, in, pos.Options{Attempt: 1})
	wantClass(t, err, pos.Transient)
	if n := len(p.State().Invoices); n != 0 {
		t.Errorf("invoices: got %d; want 0", n)
	}
}

func TestContextThatEndsInTheSearchDoesNotWrite(t *testing.T) {
	t.Parallel()
	p, in := setup(t, fake.Options{Capabilities: searching})
	ctx, cancel := context.WithCancel(t.Context())
	_, _, err := pos.EnsureInvoice(ctx, cutOff{p, cancel}, op, in, pos.Options{})
	wantClass(t, err, pos.Transient)
	if n := len(p.State().Invoices); n != 0 {
		t.Errorf("invoices: got %d; want 0", n)
	}
}

func TestSettleDelayIsWaitedFor(t *testing.T) {
	t.Parallel()
	caps := searching
	caps.SettleDelay = 3 * time.Second
	var slept []time.Duration
	p, in := setup(t, fake.Options{Capabilities: caps, DuplicateRefs: true, Oversell: true})
	p.SetSearchLag(3 * time.Second)
	opts := func(attempt int) pos.Options {
		return pos.Options{Attempt: attempt, Sleep: func(ctx context.Context, d time.Duration) error {
			slept = append(slept, d)
			return p.Sleep(ctx, d)
		}}
	}
	p.SetFaults(fake.Fault{Call: fake.CreateInvoice, Kind: fake.LostAfter, Count: 1})
	_, _, err := pos.EnsureInvoice(t.Context(), p, op, in, opts(1))
	wantClass(t, err, pos.OutcomeUnknown)
	if len(slept) != 0 {
		t.Errorf("first attempt: slept %v; want no sleep before a search that can find nothing of ours", slept)
	}
	if _, booked, err := pos.EnsureInvoice(t.Context(), p, op, in, opts(2)); err != nil || booked {
		t.Errorf("second attempt: got booked %v, %v; want the first attempt's", booked, err)
	}
	if len(slept) != 1 || slept[0] != caps.SettleDelay {
		t.Errorf("second attempt: slept %v; want 3s once", slept)
	}
	if voided, found, err := pos.VoidInvoiceByRef(t.Context(), p, op, pos.VoidInput{Ref: "ord", Reason: "x"}, opts(1)); err != nil || !found || len(voided) != 1 {
		t.Errorf("VoidInvoiceByRef: got %v, %v, %v; want the invoice", voided, found, err)
	}
	if len(slept) != 2 {
		t.Errorf("void: slept %v; want 3s once more", slept)
	}
}

func TestSettleDelayEndsWithTheContext(t *testing.T) {
	t.Parallel()
	caps := searching
	caps.SettleDelay = time.Hour
	p, in := setup(t, fake.Options{Capabilities: caps})
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	_, _, err := pos.EnsureInvoice(ctx, p, op, in, pos.Options{Attempt: 2}) // the timer of Options
	wantClass(t, err, pos.Transient)
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error: got %v; want context.DeadlineExceeded", err)
	}
}

// What the rule cannot do alone: a POS without keys, whose searches lag longer than it says, sells twice. The
// second attempt books again; whoever looks later is told.
func TestLimitLagBeyondSettleDelayDoublesAndIsSeenLater(t *testing.T) {
	t.Parallel()
	p, in := setup(t, fake.Options{Capabilities: searching, DuplicateRefs: true, Oversell: true})
	p.SetSearchLag(time.Hour)
	p.SetFaults(fake.Fault{Call: fake.CreateInvoice, Kind: fake.LostAfter, Count: 1})
	_, _, err := pos.EnsureInvoice(t.Context(), p, op, in, pos.Options{Attempt: 1})
	wantClass(t, err, pos.OutcomeUnknown)
	if _, booked, err := pos.EnsureInvoice(t.Context(), p, op, in, pos.Options{Attempt: 2}); err != nil || !booked {
		t.Errorf("EnsureInvoice: got booked %v, %v; want a second invoice, unseen", booked, err)
	}
	if err := p.Sleep(t.Context(), time.Hour); err != nil {
		t.Fatal(err)
	}
	_, _, err = pos.EnsureInvoice(t.Context(), p, op, in, pos.Options{})
	wantClass(t, err, pos.Duplicate)
}

func TestInputsAreCheckedBeforeAnyCall(t *testing.T) {
	t.Parallel()
	p, good := setup(t, fake.Options{Capabilities: keyed})
	long := fmt.Sprintf("%0256d", 1)
	for name, op := range map[string]pos.Op{
		"NoKey": {Ref: "r"}, "NoRef": {Key: "k"}, "LongKey": {Key: long, Ref: "r"}, "LongRef": {Key: "k", Ref: long},
		"KeyWithControlCharacter": {Key: "k\n", Ref: "r"}, "RefThatIsNotUTF8": {Key: "k", Ref: "\xff"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, _, err := pos.EnsureInvoice(t.Context(), p, op, good, pos.Options{})
			wantClass(t, err, pos.Invalid)
		})
	}
	for name, change := range map[string]func(*pos.InvoiceInput){
		"NoCustomer":     func(in *pos.InvoiceInput) { in.CustomerID = "" },
		"NoLines":        func(in *pos.InvoiceInput) { in.Lines = nil },
		"NoGroup":        func(in *pos.InvoiceInput) { in.Lines[0].InventoryID = "" },
		"NoQuantity":     func(in *pos.InvoiceInput) { in.Lines[0].Quantity, in.Lines[0].TicketIDs = 0, nil },
		"TooManyTickets": func(in *pos.InvoiceInput) { in.Lines[0].Quantity = 1 },
		"NoCurrency":     func(in *pos.InvoiceInput) { in.Lines[0].Total.Currency = "" },
		"NegativeTotal":  func(in *pos.InvoiceInput) { in.Lines[0].Total.Minor = -1 },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, in := setup(t, fake.Options{Capabilities: keyed})
			change(&in)
			_, _, err := pos.EnsureInvoice(t.Context(), p, op, in, pos.Options{})
			wantClass(t, err, pos.Invalid)
			if got := p.Calls(fake.CreateInvoice); got != 0 {
				t.Errorf("creates: got %d; want 0", got)
			}
		})
	}
	_, _, err := pos.VoidInvoiceByRef(t.Context(), p, op, pos.VoidInput{Ref: "ord"}, pos.Options{})
	wantClass(t, err, pos.Invalid)
	_, _, err = pos.EnsureCustomer(t.Context(), p, op, pos.CustomerInput{Name: " "}, pos.Options{})
	wantClass(t, err, pos.Invalid)
}

func TestCorrelationIsTheKeyUnlessSet(t *testing.T) {
	t.Parallel()
	p, in := setup(t, fake.Options{Capabilities: keyed})
	var seen []string
	spy := listening{p, func(id string) { seen = append(seen, id) }}
	if _, _, err := pos.EnsureInvoice(t.Context(), spy, op, in, pos.Options{}); err != nil {
		t.Fatalf("EnsureInvoice: got %v; want no error", err)
	}
	if _, _, err := pos.EnsureInvoice(pos.WithCorrelation(t.Context(), "mine"), spy, op, in, pos.Options{}); err != nil {
		t.Fatalf("EnsureInvoice: got %v; want no error", err)
	}
	if got, want := fmt.Sprint(seen), fmt.Sprint([]string{op.Key, op.Key, "mine"}); got != want {
		t.Errorf("correlations: got %s; want %s", got, want)
	}
}

// lateSearch misses what is there for the first searches.
type lateSearch struct {
	*fake.POS
	misses int
}

func (l *lateSearch) FindInvoices(ctx context.Context, ref string) ([]pos.Invoice, error) {
	if l.misses > 0 {
		l.misses--
		return nil, nil
	}
	return l.POS.FindInvoices(ctx, ref)
}

type looseSearch struct{ *fake.POS }

func (l looseSearch) FindInvoices(context.Context, string) ([]pos.Invoice, error) {
	return l.State().Invoices, nil
}

// changed answers creations with something else than what it wrote.
type changed struct {
	*fake.POS
	change func(*pos.Invoice)
}

func (c changed) CreateInvoice(ctx context.Context, op pos.Op, in pos.InvoiceInput) (pos.Invoice, error) {
	inv, err := c.POS.CreateInvoice(ctx, op, in)
	if err == nil {
		c.change(&inv)
	}
	return inv, err
}

// broken is an adapter that forgets to class its errors.
type broken struct{ *fake.POS }

func (broken) FindInvoices(context.Context, string) ([]pos.Invoice, error) {
	return nil, errors.New("broken")
}

func (broken) CreateInvoice(context.Context, pos.Op, pos.InvoiceInput) (pos.Invoice, error) {
	return pos.Invoice{}, errors.New("broken")
}

type listening struct {
	*fake.POS
	heard func(string)
}

func (l listening) FindInvoices(ctx context.Context, ref string) ([]pos.Invoice, error) {
	l.heard(pos.Correlation(ctx))
	return l.POS.FindInvoices(ctx, ref)
}

// cutOff loses its caller in the search, and would still write.
type cutOff struct {
	*fake.POS
	cancel func()
}

func (c cutOff) FindInvoices(context.Context, string) ([]pos.Invoice, error) {
	c.cancel()
	return nil, nil
}

func (c cutOff) CreateInvoice(ctx context.Context, op pos.Op, in pos.InvoiceInput) (pos.Invoice, error) {
	return c.POS.CreateInvoice(context.WithoutCancel(ctx), op, in)
}
