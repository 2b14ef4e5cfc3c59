package pos_test

import (
	"context"
	"testing"
	"time"

	"willcall/pos"
	"willcall/pos/fake"
)

func bought() pos.PurchaseInput {
	at := time.Date(2027, 2, 1, 19, 30, 0, 0, time.UTC)
	return pos.PurchaseInput{Vendor: pos.Vendor{Name: "Sample Tickets"}, Lines: []pos.PurchaseLine{
		{Event: pos.Event{Name: "Play", StartsAt: at}, Section: "A", Row: "1", Seats: []string{"3", "4"}, Quantity: 2, Total: pos.Money{Minor: 100, Currency: "USD"}},
		{Event: pos.Event{Name: "Play", StartsAt: at}, Section: "A", Row: "1", Quantity: 2, Total: pos.Money{Minor: 100, Currency: "USD"}},
	}}
}

func TestPurchaseOrderContent(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		change func(*pos.PurchaseInput)
		same   bool
	}{
		{"Unchanged", func(*pos.PurchaseInput) {}, true},
		{"LinesTheOtherWayRound", func(in *pos.PurchaseInput) { in.Lines[0], in.Lines[1] = in.Lines[1], in.Lines[0] }, true},
		{"SeatsTheOtherWayRound", func(in *pos.PurchaseInput) { in.Lines[0].Seats = []string{"4", "3"} }, true},
		{"NoSeatsNamed", func(in *pos.PurchaseInput) { in.Lines[0].Seats = nil }, true},
		{"NoStartNamed", func(in *pos.PurchaseInput) { in.Lines[1].Event.StartsAt = time.Time{} }, true},
		{"PaidSince", func(in *pos.PurchaseInput) { in.Payment = pos.Paid }, true},
		{"SameInstantElsewhere", func(in *pos.PurchaseInput) {
			in.Lines[0].Event.StartsAt = in.Lines[0].Event.StartsAt.In(time.FixedZone("", 3600))
		}, true},
		{"OtherVendor", func(in *pos.PurchaseInput) { in.Vendor.Name = "Other" }, false},
		{"OtherVendorID", func(in *pos.PurchaseInput) { in.Vendor.ID = "v_none" }, false},
		{"OtherEvent", func(in *pos.PurchaseInput) { in.Lines[0].Event.Name = "Opera" }, false},
		{"OtherStart", func(in *pos.PurchaseInput) {
			in.Lines[0].Event.StartsAt = in.Lines[0].Event.StartsAt.Add(time.Hour)
		}, false},
		{"OtherSection", func(in *pos.PurchaseInput) { in.Lines[0].Section = "B" }, false},
		{"OtherRow", func(in *pos.PurchaseInput) { in.Lines[0].Row = "2" }, false},
		{"OtherSeats", func(in *pos.PurchaseInput) { in.Lines[0].Seats = []string{"3", "5"} }, false},
		{"OtherQuantity", func(in *pos.PurchaseInput) { in.Lines[0].Quantity = 3 }, false},
		{"OtherTotal", func(in *pos.PurchaseInput) { in.Lines[0].Total.Minor++ }, false},
		{"OneLineLess", func(in *pos.PurchaseInput) { in.Lines = in.Lines[:1] }, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := fake.New(fake.Options{Capabilities: searching})
			if _, booked, err := pos.EnsurePurchaseOrder(t.Context(), p, op, bought(), pos.Options{Attempt: 1}); err != nil || !booked {
				t.Fatalf("EnsurePurchaseOrder: got booked %v, %v; want true, no error", booked, err)
			}
			in := bought()
			c.change(&in)
			_, booked, err := pos.EnsurePurchaseOrder(t.Context(), p, op, in, pos.Options{})
			if c.same {
				if err != nil || booked {
					t.Errorf("EnsurePurchaseOrder: got booked %v, %v; want the same", booked, err)
				}
				return
			}
			wantClass(t, err, pos.ReferenceConflict)
		})
	}
}

func TestInvoiceLinesThatNameTicketsChooseFirst(t *testing.T) {
	t.Parallel()
	p, in := setup(t, fake.Options{Capabilities: searching})
	in.Lines[0].TicketIDs = []string{"t1", "t2"}
	open := in.Lines[0]
	open.TicketIDs = nil
	in.Lines = append(in.Lines, open)
	if _, _, err := pos.EnsureInvoice(t.Context(), p, op, in, pos.Options{Attempt: 1}); err != nil {
		t.Fatalf("EnsureInvoice: got %v; want no error", err)
	}
	in.Lines[0], in.Lines[1] = in.Lines[1], in.Lines[0]
	if _, booked, err := pos.EnsureInvoice(t.Context(), p, op, in, pos.Options{}); err != nil || booked {
		t.Errorf("EnsureInvoice: got booked %v, %v; want the same", booked, err)
	}
}

func TestGroupsOnlyIgnoresTickets(t *testing.T) {
	t.Parallel()
	caps := searching
	caps.SellsSeats = false
	p, in := setup(t, fake.Options{Capabilities: caps})
	for range 2 {
		if _, _, err := pos.EnsureInvoice(t.Context(), p, op, in, pos.Options{}); err != nil {
			t.Fatalf("EnsureInvoice: got %v; want no error", err)
		}
	}
}

func TestEnsureCustomer(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		there []pos.CustomerInput // named by their company
		in    pos.CustomerInput
		want  string // company of the one taken; "" = created
	}{
		{"NobodyIsCreated", nil, pos.CustomerInput{Email: "ada@example.com"}, ""},
		{"SameEmailIsTaken", []pos.CustomerInput{{Company: "a", Email: "ada@example.com"}},
			pos.CustomerInput{Email: "ada@example.com"}, "a"},
		{"EmailIsNormalised", []pos.CustomerInput{{Company: "a", Email: "ADA@example.com"}},
			pos.CustomerInput{Email: " Ada@Example.com\n"}, "a"},
		{"OldestOfTheEmailIsTaken",
			[]pos.CustomerInput{{Company: "a", Email: "ada@example.com"}, {Company: "b", Email: "ada@example.com"}},
			pos.CustomerInput{Email: "ada@example.com"}, "a"},
		{"PhoneIsTakenWhereTheCustomerHasNoEmail", []pos.CustomerInput{{Company: "a", Phone: "+1 555 0100"}},
			pos.CustomerInput{Email: "ada@example.com", Phone: "+1 555 0100"}, "a"},
		{"PhoneIsTakenWhereTheBuyerHasNoEmail", []pos.CustomerInput{{Company: "a", Email: "ada@example.com", Phone: "+1 555 0100"}},
			pos.CustomerInput{Phone: "+1 555 0100"}, "a"},
		{"PhoneWithAnotherEmailIsAnotherPerson", []pos.CustomerInput{{Company: "a", Email: "bob@example.com", Phone: "+1 555 0100"}},
			pos.CustomerInput{Email: "ada@example.com", Phone: "+1 555 0100"}, ""},
		{"EmailGoesBeforePhone",
			[]pos.CustomerInput{{Company: "a", Phone: "+1 555 0100"}, {Company: "b", Email: "ada@example.com"}},
			pos.CustomerInput{Email: "ada@example.com", Phone: "+1 555 0100"}, "b"},
		{"CustomerWithoutEmailGoesFirstForABuyerWithout",
			[]pos.CustomerInput{{Company: "a", Email: "ada@example.com", Phone: "+1 555 0100"}, {Company: "b", Phone: "+1 555 0100"}},
			pos.CustomerInput{Phone: "+1 555 0100"}, "b"},
		{"PhoneThatIsNobodysIsNotSearched", []pos.CustomerInput{{Company: "a", Phone: "000 000 000"}},
			pos.CustomerInput{Email: "ada@example.com", Phone: "000 000 000"}, ""},
		{"ShortPhoneIsNotSearched", []pos.CustomerInput{{Company: "a", Phone: "12"}},
			pos.CustomerInput{Email: "ada@example.com", Phone: "12"}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := fake.New(fake.Options{Capabilities: searching})
			for _, in := range c.there {
				in.Name = "Sample"
				if _, err := p.CreateCustomer(t.Context(), pos.Op{}, in); err != nil {
					t.Fatalf("CreateCustomer: got %v; want no error", err)
				}
			}
			c.in.Name = "Ada Sample"
			got, created, err := pos.EnsureCustomer(t.Context(), p, op, c.in, pos.Options{Attempt: 1})
			if err != nil || created != (c.want == "") || got.Company != c.want {
				t.Errorf("EnsureCustomer: got %+v, created %v, %v; want %q", got, created, err, c.want)
			}
		})
	}
}

func TestEnsureCustomerDoesNotTrustTheSearch(t *testing.T) {
	t.Parallel()
	p := fake.New(fake.Options{Capabilities: searching})
	if _, err := p.CreateCustomer(t.Context(), pos.Op{}, pos.CustomerInput{Name: "Bob", Email: "bob.ada@example.com"}); err != nil {
		t.Fatalf("CreateCustomer: got %v; want no error", err)
	}
	in := pos.CustomerInput{Name: "Ada Sample", Email: "ada@example.com"}
	if _, created, err := pos.EnsureCustomer(t.Context(), everybody{p}, op, in, pos.Options{}); err != nil || !created {
		t.Errorf("EnsureCustomer: got created %v, %v; want true, no error", created, err)
	}
}

func TestEnsureCustomerOldestIsByTimeNotByOrder(t *testing.T) {
	t.Parallel()
	p := fake.New(fake.Options{Capabilities: searching})
	for _, company := range []string{"a", "b"} {
		in := pos.CustomerInput{Name: "Ada", Company: company, Email: "ada@example.com"}
		if _, err := p.CreateCustomer(t.Context(), pos.Op{}, in); err != nil {
			t.Fatalf("CreateCustomer: got %v; want no error", err)
		}
	}
	in := pos.CustomerInput{Name: "Ada Sample", Email: "ada@example.com"}
	if got, _, err := pos.EnsureCustomer(t.Context(), newestFirst{p}, op, in, pos.Options{}); err != nil || got.Company != "a" {
		t.Errorf("EnsureCustomer: got %+v, %v; want a", got, err)
	}
}

func TestEnsureCustomerLooksAgainAfterARefusal(t *testing.T) {
	t.Parallel()
	p := fake.New(fake.Options{Capabilities: searching})
	in := pos.CustomerInput{Name: "Ada Sample", Email: "ada@example.com"}
	first, err := p.CreateCustomer(t.Context(), pos.Op{}, in)
	if err != nil {
		t.Fatalf("CreateCustomer: got %v; want no error", err)
	}
	p.SetFaults(fake.Fault{Call: fake.CreateCustomer, Kind: fake.Refuse, Class: pos.Invalid})
	got, created, err := pos.EnsureCustomer(t.Context(), &blind{POS: p, misses: 1}, op, in, pos.Options{Attempt: 2})
	if err != nil || created || got.ID != first.ID {
		t.Errorf("EnsureCustomer: got %+v, created %v, %v; want %s", got, created, err, first.ID)
	}
	_, _, err = pos.EnsureCustomer(t.Context(), &blind{POS: p, misses: 9}, op, in, pos.Options{Attempt: 2})
	wantClass(t, err, pos.Invalid)
}

func TestVoidTriesEveryRecord(t *testing.T) {
	t.Parallel()
	p, in := setup(t, fake.Options{Capabilities: searching, DuplicateRefs: true, Oversell: true})
	for _, key := range []string{"1", "2", "3"} {
		if _, err := p.CreateInvoice(t.Context(), pos.Op{Key: key, Ref: "ord"}, in); err != nil {
			t.Fatalf("CreateInvoice: got %v; want no error", err)
		}
	}
	p.SetFaults(fake.Fault{Call: fake.VoidInvoice, Kind: fake.Refuse, Class: pos.Invalid, Count: 1})
	void := pos.VoidInput{Ref: "ord", Reason: "cancelled"}
	voided, found, err := pos.VoidInvoiceByRef(t.Context(), p, op, void, pos.Options{})
	wantClass(t, err, pos.Invalid)
	if !found || len(voided) != 2 {
		t.Errorf("VoidInvoiceByRef: got %d, found %v; want 2, true", len(voided), found)
	}
	voided, found, err = pos.VoidInvoiceByRef(t.Context(), p, op, void, pos.Options{})
	if err != nil || !found || len(voided) != 3 {
		t.Errorf("VoidInvoiceByRef again: got %d, found %v, %v; want 3, true, no error", len(voided), found, err)
	}
}

// A POS whose void answers "not found" for a record that its search finds must not pass for done.
func TestVoidOfARecordThatStaysIsReported(t *testing.T) {
	t.Parallel()
	p, in := setup(t, fake.Options{Capabilities: searching})
	if _, err := p.CreateInvoice(t.Context(), op, in); err != nil {
		t.Fatalf("CreateInvoice: got %v; want no error", err)
	}
	p.SetFaults(fake.Fault{Call: fake.VoidInvoice, Kind: fake.Refuse, Class: pos.NotFound})
	void := pos.VoidInput{Ref: "ord", Reason: "cancelled"}
	_, _, err := pos.VoidInvoiceByRef(t.Context(), p, op, void, pos.Options{})
	wantClass(t, err, pos.NotFound)
	// Gone between search and void: as good as void.
	if _, _, err := pos.VoidInvoiceByRef(t.Context(), &vanishing{POS: p}, op, void, pos.Options{}); err != nil {
		t.Errorf("VoidInvoiceByRef of a record that is gone: got %v; want no error", err)
	}
}

func TestVoidBelievesOnlyAVoidRecord(t *testing.T) {
	t.Parallel()
	p, in := setup(t, fake.Options{Capabilities: searching})
	if _, err := p.CreateInvoice(t.Context(), op, in); err != nil {
		t.Fatalf("CreateInvoice: got %v; want no error", err)
	}
	_, _, err := pos.VoidInvoiceByRef(t.Context(), polite{p}, op, pos.VoidInput{Ref: "ord", Reason: "x"}, pos.Options{})
	wantClass(t, err, pos.OutcomeUnknown)
}

type everybody struct{ *fake.POS }

func (e everybody) FindCustomers(context.Context, pos.CustomerQuery) ([]pos.Customer, error) {
	return e.State().Customers, nil
}

type newestFirst struct{ *fake.POS }

func (n newestFirst) FindCustomers(context.Context, pos.CustomerQuery) ([]pos.Customer, error) {
	all := n.State().Customers
	return []pos.Customer{all[1], all[0]}, nil
}

// blind misses customers that are there for the first searches.
type blind struct {
	*fake.POS
	misses int
}

func (b *blind) FindCustomers(ctx context.Context, q pos.CustomerQuery) ([]pos.Customer, error) {
	if b.misses > 0 {
		b.misses--
		return nil, nil
	}
	return b.POS.FindCustomers(ctx, q)
}

// vanishing finds a record once.
type vanishing struct {
	*fake.POS
	looked bool
}

func (v *vanishing) FindInvoices(ctx context.Context, ref string) ([]pos.Invoice, error) {
	if v.looked {
		return nil, nil
	}
	v.looked = true
	return v.POS.FindInvoices(ctx, ref)
}

// polite says yes to a void and does nothing.
type polite struct{ *fake.POS }

func (p polite) VoidInvoice(ctx context.Context, _ pos.Op, id string, _ pos.VoidInput) (pos.Invoice, error) {
	return p.GetInvoice(ctx, id)
}
