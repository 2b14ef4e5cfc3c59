package activities

import (
	"context"
	"reflect"
	"strings"
	"testing"
	"time"

	"willcall/order"
	"willcall/pos"
	"willcall/pos/fake"
)

var kickOff = time.Date(2027, 7, 1, 19, 30, 0, 0, time.UTC)

// groups are the stock of our own shop.
var groups = []pos.Inventory{
	{ID: "g1", Event: pos.Event{Name: "Rovers at Athletic", StartsAt: kickOff}, Section: "104", Row: "F", Quantity: 10, Status: pos.Available},
	{ID: "g2", Event: pos.Event{Name: "Rovers at Athletic", StartsAt: kickOff}, Section: "105", Row: "A", Quantity: 10, Status: pos.Available},
}

// shop is a desk whose POS holds what our own shop sold.
func shop(t *testing.T) *desk {
	t.Helper()
	d := setup(t, fake.Options{Capabilities: capable, Groups: groups, DuplicateRefs: true})
	d.configure(func(src *Source) { src.Inventory = map[string]string{"15454542": "g1"} })
	return d
}

// book makes an invoice as people or the shop do, with a line for each group.
func (d *desk) book(ref string, of ...string) pos.Invoice {
	d.t.Helper()
	ctx := d.t.Context()
	customer, err := d.pos.CreateCustomer(ctx, pos.Op{}, pos.CustomerInput{Name: "Dana Example", Kind: pos.Retail})
	if err != nil {
		d.t.Fatal(err)
	}
	in := pos.InvoiceInput{CustomerID: customer.ID}
	for i, group := range of {
		in.Lines = append(in.Lines, pos.InvoiceLine{InventoryID: group, Quantity: i + 1, Total: pos.Money{Minor: int64(9001 + i), Currency: "EUR"}})
	}
	inv, err := d.pos.CreateInvoice(ctx, pos.Op{Ref: ref}, in)
	if err != nil {
		d.t.Fatal(err)
	}
	return inv
}

// void makes an invoice void, as people do.
func (d *desk) void(inv pos.Invoice) {
	d.t.Helper()
	if _, err := d.pos.VoidInvoice(d.t.Context(), pos.Op{}, inv.ID, pos.VoidInput{Reason: "by hand"}); err != nil {
		d.t.Fatal(err)
	}
}

// adopt is the step that looks for the invoice of order 3434341233, or reads the one that an operator has named.
func adopt(named string) Step {
	s := Step{Order: sale("3434341233"), ID: "invoice/1", Received: time.Date(2027, 1, 2, 12, 0, 0, 0, time.UTC), Adopted: true}
	if named != "" {
		s.ID, s.Invoice = order.ID(order.DoReadInvoice, named, 1), named
	}
	return s
}

func TestTheInvoiceOfOurOwnSaleTellsTheOrder(t *testing.T) {
	t.Parallel()
	d := shop(t)
	inv := d.book("3434341233", "g1", "g2", "g1")
	before := d.pos.State()
	got, err := d.do("FindInvoice", adopt(""))
	if err != nil {
		t.Fatal(err)
	}
	eur := func(minor int64) order.Money { return order.Money{Minor: minor, Currency: "EUR"} }
	want := Done{Ref: inv.ID, Customer: inv.CustomerID, Event: &order.Event{
		ID: "pos:" + inv.ID, Type: "POS invoice", At: inv.CreatedAt, Received: adopt("").Received,
		Snapshot: &order.Snapshot{APIID: inv.ID, Show: order.Show{Name: "Rovers at Athletic", StartsAt: kickOff}, Lines: []order.Line{
			{ID: "15454542", ItemID: inv.Lines[0].ID, Inventory: "g1", Quantity: 1, Sum: eur(9001), Section: "104", Row: "F", Delivery: order.DeliveryETicket},
			{ID: "g2", ItemID: inv.Lines[1].ID, Inventory: "g2", Quantity: 2, Sum: eur(9002), Section: "105", Row: "A", Delivery: order.DeliveryETicket},
			{ID: "15454542#2", ItemID: inv.Lines[2].ID, Inventory: "g1", Quantity: 3, Sum: eur(9003), Section: "104", Row: "F", Delivery: order.DeliveryETicket},
		}}}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, event %+v, snapshot %+v; want %+v", got, got.Event, got.Event.Snapshot, want.Event.Snapshot)
	}
	if !reflect.DeepEqual(d.pos.State(), before) {
		t.Error("looking for an invoice changed the POS; want it only read")
	}
	named, err := d.do("FindInvoice", adopt(inv.ID))
	if err != nil || !reflect.DeepEqual(named, want) {
		t.Errorf("by the id that an operator named: got %+v %v; want the same", named, err)
	}
}

// TestALineKeepsItsID: the invoice may be read again, by another process, and what is known of a line hangs on its id.
func TestALineKeepsItsID(t *testing.T) {
	t.Parallel()
	d := shop(t)
	d.configure(func(src *Source) {
		src.Inventory = map[string]string{"15454549": "g1", "15454541": "g1", "15454545": "g1", "15454543": "g1", "15454547": "g1"}
	})
	d.book("3434341233", "g1")
	for range 10 {
		done, err := d.do("FindInvoice", adopt(""))
		if err != nil {
			t.Fatal(err)
		}
		if got := done.Event.Snapshot.Lines[0].ID; got != "15454541" {
			t.Fatalf("got line %s; want the first of the group's listings", got)
		}
	}
}

func TestWhichInvoiceIsOfOurOwnSale(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		books       func(*desk) (named string)
		class, text string
	}{
		"None":    {func(*desk) string { return "" }, "not_found", "has no invoice with the reference 3434341233"},
		"Another": {func(d *desk) string { d.book("order:tevo:3434341233", "g1"); return "" }, "not_found", "has no invoice"},
		"Void":    {func(d *desk) string { d.void(d.book("3434341233", "g1")); return "" }, "not_found", "has no live invoice"},
		"Several": {func(d *desk) string { d.book("3434341233", "g1"); d.book("3434341233", "g2"); return "" }, "duplicate", "has 2 live invoices"},
		"OneOfThemVoid": {func(d *desk) string {
			d.void(d.book("3434341233", "g1"))
			d.book("3434341233", "g2")
			return ""
		}, "", ""},
		"NamedByAnOperator":     {func(d *desk) string { return d.book("by telephone", "g1").ID }, "", ""},
		"NamedAndUnknown":       {func(*desk) string { return "i_666" }, "not_found", "no such invoice"},
		"NamedAndVoid":          {func(d *desk) string { inv := d.book("3434341233", "g1"); d.void(inv); return inv.ID }, "invalid", "is void"},
		"NamedDespiteOfAnother": {func(d *desk) string { d.book("3434341233", "g1"); return d.book("x", "g1").ID }, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := shop(t)
			named := c.books(d)
			done, err := d.do("FindInvoice", adopt(named))
			if c.class != "" {
				if classIn(err) != c.class || !strings.Contains(err.Error(), c.text) || retried(err) {
					t.Errorf("got %+v %v; want %s: %s, for a person", done, err, c.class, c.text)
				}
				return
			}
			all := d.pos.State().Invoices
			if want := all[len(all)-1].ID; err != nil || done.Ref != want {
				t.Errorf("got %+v %v; want invoice %s", done, err, want)
			}
		})
	}
}

// generous is a POS whose searches find more than was asked for, as the port allows.
type generous struct{ *fake.POS }

func (g generous) FindInvoices(context.Context, string) ([]pos.Invoice, error) {
	return g.State().Invoices, nil
}

func TestInvoicesOfOtherReferencesAreNotOurs(t *testing.T) {
	t.Parallel()
	d := shop(t)
	d.configure(func(src *Source) { src.POS = generous{d.pos} })
	d.book("34343412331", "g1")
	if _, err := d.do("FindInvoice", adopt("")); classIn(err) != "not_found" {
		t.Errorf("got %v; want not_found", err)
	}
	want := d.book("3434341233", "g1").ID
	if done, err := d.do("FindInvoice", adopt("")); err != nil || done.Ref != want {
		t.Errorf("got %+v %v; want %s", done, err, want)
	}
}

// TestATicketGroupMayBeGone: a POS need not keep what is sold; the seats and the date are then told by the other lines.
func TestATicketGroupMayBeGone(t *testing.T) {
	t.Parallel()
	for _, class := range []pos.Class{pos.NotFound, pos.Unsupported} {
		d := shop(t)
		d.book("3434341233", "g1", "g2")
		d.pos.SetFaults(fake.Fault{Call: fake.GetInventory, Kind: fake.Refuse, Class: class, Count: 1})
		done, err := d.do("FindInvoice", adopt(""))
		if err != nil {
			t.Fatalf("%s: %v", class, err)
		}
		s := done.Event.Snapshot
		if s.Lines[0].Section != "" || s.Lines[0].Quantity != 1 || s.Lines[1].Section != "105" || !s.Show.StartsAt.Equal(kickOff) {
			t.Errorf("%s: got %+v; want the first line without seats, and the event of the second", class, s)
		}
	}
}

func TestAPOSThatIsDownIsAskedAgain(t *testing.T) {
	t.Parallel()
	d := shop(t)
	inv := d.book("3434341233", "g1")
	for call, named := range map[fake.Call]string{fake.FindInvoices: "", fake.GetInvoice: inv.ID, fake.GetInventory: ""} {
		d.pos.SetFaults(fake.Fault{Call: call, Kind: fake.LostBefore, Count: 1})
		if _, err := d.do("FindInvoice", adopt(named)); classIn(err) != "transient" || !retried(err) {
			t.Errorf("%s: got %v; want transient, to be tried again", call, err)
		}
		if done, err := d.do("FindInvoice", adopt(named)); err != nil || done.Ref != inv.ID {
			t.Errorf("%s, again: got %+v %v; want %s", call, done, err, inv.ID)
		}
	}
}

// TestAnInvoiceFoundBeforeAnythingWasHeard: a run that a question has begun may look for the invoice before it knows any event. A
// time of nothing would make every deadline of the order long past.
func TestAnInvoiceFoundBeforeAnythingWasHeard(t *testing.T) {
	t.Parallel()
	d := shop(t)
	d.book("3434341233", "g1")
	s := adopt("")
	s.Received = time.Time{}
	done, err := d.do("FindInvoice", s)
	if err != nil || time.Since(done.Event.Received).Abs() > time.Hour {
		t.Errorf("got %+v %v; want it received now", done.Event, err)
	}
}

func TestVoidingAnAdoptedInvoice(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		ref    string // of the invoice that is the order's
		shared string // of another sale
		step   func(inv pos.Invoice) string
	}{
		"ByTheProvidersOrderID":    {"3434341233", "by telephone", func(pos.Invoice) string { return "" }},
		"ByTheInvoiceThatWasFound": {"3434341233", "3434341233", func(inv pos.Invoice) string { return inv.ID }},
		"AlthoughAllBearIt":        {"by telephone", "by telephone", func(inv pos.Invoice) string { return inv.ID }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := shop(t)
			ours := d.book(c.ref, "g1")
			d.book("order:tevo:3434341233", "g1") // what we would have made ourselves
			d.book(c.shared, "g2")
			s := adopt("")
			s.ID, s.Invoice, s.Reason = "void_invoice/1", c.step(ours), "the supplier is out"
			for range 2 {
				done, err := d.do("VoidInvoice", s)
				if err != nil || done.Ref != ours.ID {
					t.Fatalf("got %+v %v; want %s voided", done, err, ours.ID)
				}
			}
			for _, inv := range d.pos.State().Invoices {
				if inv.Voided != (inv.ID == ours.ID) {
					t.Errorf("invoice %s with the reference %q: got void %v; want just %s", inv.ID, inv.Ref, inv.Voided, ours.ID)
				}
			}
			if n := d.pos.Calls(fake.VoidInvoice); n != 1 {
				t.Errorf("got %d calls; want one", n)
			}
		})
	}
}

func TestVoidingANamedInvoiceWhileThePOSIsDownIsTriedAgain(t *testing.T) {
	t.Parallel()
	d := shop(t)
	inv := d.book("by telephone", "g1")
	s := adopt("")
	s.ID, s.Invoice, s.Reason = "void_invoice/1", inv.ID, "the supplier is out"
	d.pos.SetFaults(fake.Fault{Call: fake.GetInvoice, Kind: fake.LostBefore, Count: 1})
	if _, err := d.do("VoidInvoice", s); !retried(err) {
		t.Errorf("got %v; want it tried again", err)
	}
	if _, err := d.do("VoidInvoice", s); err != nil || !d.pos.State().Invoices[0].Voided {
		t.Errorf("got %v, %+v; want it void", err, d.pos.State().Invoices)
	}
}

func TestAnInvoiceSaysWhetherItIsPaidAndWhatItIsFor(t *testing.T) {
	t.Parallel()
	for paid, want := range map[bool]pos.Payment{true: pos.Paid, false: pos.Unpaid} {
		d := setup(t, fake.Options{Capabilities: capable, Groups: stock})
		s := d.step("1", order.DoInvoice, dana)
		unit := s.Lines[0].Unit
		s.Lines = append(s.Lines, order.Line{ID: "2", Inventory: "58222", Quantity: 1, Sum: order.Money{Minor: 2550, Currency: unit.Currency}})
		s.Paid, s.Total = paid, order.Money{Minor: 7950, Currency: unit.Currency}
		done, err := d.do("CreateInvoice", s)
		if err != nil || !reflect.DeepEqual(done.Lines, []string{"1", "2"}) || done.Amount != s.Total {
			t.Errorf("paid %v: got %+v %v; want lines 1 and 2 for %s", paid, done, err, s.Total)
		}
		all := d.pos.State().Invoices
		if len(all) != 1 || all[0].Payment != want || all[0].Lines[1].Total.Minor != 2550 {
			t.Errorf("paid %v: got %+v; want one invoice, %s, the second line for 25.50", paid, all, want)
		}
	}
}
