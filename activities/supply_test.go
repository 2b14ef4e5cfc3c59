package activities

import (
	"context"
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"willcall/order"
	"willcall/pos"
	"willcall/pos/fake"
	"willcall/postgres"
	"willcall/provider"
	"willcall/sim"
)

var telling = pos.Capabilities{SearchCustomers: true, SearchInvoices: true, SearchPurchaseOrders: true, SellsSeats: true,
	ReadDeliveries: true, VoidLines: true, TicketUpload: true, FulfillPurchases: true, Holds: true, SearchHolds: true}

// numbered is stock with seats 1 to 8 of row F, standing room, tickets that all have one seat, and such as have none.
func numbered() []pos.Inventory {
	f := pos.Inventory{ID: "F", Section: "104", Row: "F", Quantity: 8, Status: pos.Available}
	for _, n := range strings.Split("12345678", "") {
		f.Tickets = append(f.Tickets, pos.Ticket{ID: "t" + n, Seat: n, Status: pos.Available})
	}
	unnumbered := func(id, seat string, tickets ...string) pos.Inventory {
		g := pos.Inventory{ID: id, Quantity: len(tickets), Status: pos.Available}
		for _, t := range tickets {
			g.Tickets = append(g.Tickets, pos.Ticket{ID: t, Seat: seat, Status: pos.Available})
		}
		return g
	}
	return []pos.Inventory{f, {ID: "S", Section: "Floor", Quantity: 50, Status: pos.Available},
		unnumbered("G", "GA", "g2", "g1"), unnumbered("U", "", "u1", "u2")}
}

// seller is a desk whose POS tells what it holds, and whose provider takes tickets.
func seller(t *testing.T) (*desk, *taker) {
	t.Helper()
	d := setup(t, fake.Options{Capabilities: telling, Groups: numbered()})
	taken := &taker{}
	d.configure(func(s *Source) {
		s.API.DeliverETickets = taken.files
		s.API.RevokeETickets = func(_ context.Context, apiID, line string) error { return taken.note("revoke", apiID, line) }
		s.API.Transfer = func(_ context.Context, apiID string, lines []LineTransfer) error {
			taken.transfers = lines
			return taken.note("transfer", apiID)
		}
		s.API.HandOver = func(_ context.Context, apiID string, lines []string) error {
			return taken.note("hand over", append([]string{apiID}, lines...)...)
		}
	})
	return d, taken
}

// taker notes what it is given.
type taker struct {
	calls     []string
	given     [][]byte
	keep      []int
	transfers []LineTransfer
	err       error
}

func (k *taker) note(what string, about ...string) error {
	k.calls = append(k.calls, what+" "+strings.Join(about, " "))
	return k.err
}

func (k *taker) files(_ context.Context, apiID, line string, files [][]byte, keep []int) error {
	k.given, k.keep = files, keep
	return k.note("deliver", apiID, line)
}

// dollars is a line of an order.
func dollars(id, group string, quantity int, each int64) order.Line {
	return order.Line{ID: id, Inventory: group, Quantity: quantity, Unit: order.Money{Minor: each, Currency: "USD"}}
}

// selling invoices lines and returns a step about them.
func (d *desk) selling(orderID string, lines ...order.Line) Step {
	d.t.Helper()
	s := d.step(orderID, order.DoInvoice, dana)
	s.Lines, s.Total = lines, order.Money{}
	for _, l := range lines {
		s.Total = s.Total.Add(l.Amount())
	}
	done, err := d.do("CreateInvoice", s)
	if err != nil {
		d.t.Fatal(err)
	}
	s.ID, s.Invoice, s.Reason = "look/1", done.Ref, "a part was cancelled"
	return s
}

// sees is what a look finds.
func (d *desk) sees(s Step) *order.Event {
	d.t.Helper()
	done, err := d.do("LookForTickets", s)
	if err != nil {
		d.t.Fatal(err)
	}
	return done.Event
}

// invoice is the invoice of a step.
func (d *desk) invoiceOf(s Step) pos.Invoice {
	d.t.Helper()
	inv, err := d.pos.GetInvoice(d.t.Context(), s.Invoice)
	if err != nil {
		d.t.Fatal(err)
	}
	return inv
}

func pdfs(line string, tickets []string, name string, pages ...string) pos.Delivery {
	return pos.Delivery{Form: pos.FormFile, LineID: line, TicketIDs: tickets, Name: name, MediaType: "application/pdf", Content: sim.PDF(pages...)}
}

func link(line, url string) pos.Delivery {
	return pos.Delivery{Form: pos.FormLink, LineID: line, URL: url, Via: "Example Wallet"}
}

func TestWhatThePOSHolds(t *testing.T) {
	t.Parallel()
	type lines = []order.Line
	two, other := dollars("1", "F", 2, 2700), dollars("2", "S", 3, 1000)
	twin := two
	twin.ID = "3"
	seated, odd, general, apart := two, two, dollars("1", "G", 2, 2700), dollars("1", "U", 2, 2700)
	seated.Seats, odd.Seats, apart.Seats = []string{"02", "1"}, []string{"2", "2"}, []string{"4", "5"}
	for name, c := range map[string]struct {
		lines lines
		holds func(inv pos.Invoice) []pos.Delivery
		want  []order.Supplied // without digests
	}{
		"Nothing": {lines{two, other}, func(pos.Invoice) []pos.Delivery { return nil }, nil},
		"FilesByLine": {lines{two, other}, func(inv pos.Invoice) []pos.Delivery {
			return []pos.Delivery{pdfs(inv.Lines[1].ID, nil, "b", "a", "b", "c"), pdfs(inv.Lines[0].ID, nil, "a", "Seat 2", "Seat 1")}
		}, []order.Supplied{{LineID: "1", Form: order.FormFile, Tickets: 2, Pages: []int{2, 1}}, {LineID: "2", Form: order.FormFile, Tickets: 3, Pages: []int{1, 2, 3}}}},
		"FilesByTicket": {lines{two, other}, func(inv pos.Invoice) []pos.Delivery {
			return []pos.Delivery{pdfs("", inv.Lines[0].TicketIDs[1:], "", "b"), pdfs("", inv.Lines[0].TicketIDs[:1], "", "a")}
		}, []order.Supplied{{LineID: "1", Form: order.FormFile, Tickets: 2, Pages: []int{1, 2}}}},
		"TheOrdersSeatsComeFirst": {lines{seated}, func(inv pos.Invoice) []pos.Delivery {
			return []pos.Delivery{pdfs("", []string{"t1", "t2"}, "", "a", "b")}
		}, []order.Supplied{{LineID: "1", Form: order.FormFile, Tickets: 2, Pages: []int{2, 1}}}},
		"TheOrdersSeatsAreNone": {lines{odd}, func(inv pos.Invoice) []pos.Delivery {
			return []pos.Delivery{pdfs("", nil, "", "Seat 2", "Seat 1")}
		}, []order.Supplied{{LineID: "1", Form: order.FormFile, Tickets: 2, Pages: []int{2, 1}}}},
		"SeatsOfOneName": {lines{general}, func(inv pos.Invoice) []pos.Delivery {
			return []pos.Delivery{pdfs("", nil, "", "a", "b")} // any page is anybody's
		}, []order.Supplied{{LineID: "1", Form: order.FormFile, Tickets: 2, Pages: []int{1, 2}}}},
		"TicketsWithoutSeats": {lines{apart}, func(inv pos.Invoice) []pos.Delivery { // the text says which is which, not the order of the ids
			return []pos.Delivery{pdfs("", []string{"u1"}, "", "Seat 5"), pdfs("", nil, "", "Seat 4")}
		}, []order.Supplied{{LineID: "1", Form: order.FormFile, Tickets: 2, Pages: []int{2, 1}}}},
		"TheOnlyLine": {lines{two}, func(inv pos.Invoice) []pos.Delivery { return []pos.Delivery{pdfs("", nil, "", "Seat 1", "Seat 2")} },
			[]order.Supplied{{LineID: "1", Form: order.FormFile, Tickets: 2, Pages: []int{1, 2}}}},
		"NamesInTheirOrder": {lines{other}, func(inv pos.Invoice) []pos.Delivery {
			return []pos.Delivery{pdfs("", nil, "ticket 10", "c"), pdfs("", nil, "ticket 9", "b", "a")}
		}, []order.Supplied{{LineID: "2", Form: order.FormFile, Tickets: 3, Pages: []int{1, 2, 3}}}},
		"Approvable": {lines{two}, func(inv pos.Invoice) []pos.Delivery { return []pos.Delivery{pdfs("", nil, "", "a", "b")} },
			[]order.Supplied{{LineID: "1", Form: order.FormFile, Unclear: "2 pages for 2 tickets, and their text does not tell the seats", Ordered: true}}},
		"OneIsMissing": {lines{two}, func(inv pos.Invoice) []pos.Delivery { return []pos.Delivery{pdfs("", []string{"t2"}, "", "a")} },
			[]order.Supplied{{LineID: "1", Form: order.FormFile, Tickets: 1, Pages: []int{1}}}},
		"OfNoLine": {lines{two, other}, func(inv pos.Invoice) []pos.Delivery { return []pos.Delivery{pdfs("", nil, "", "a", "b")} },
			[]order.Supplied{{LineID: "1", Form: order.FormFile, Unclear: "delivery 1 of 1 names no line of the invoice"},
				{LineID: "2", Form: order.FormFile, Unclear: "delivery 1 of 1 names no line of the invoice"}}},
		"OfAnUnknownLine": {lines{two}, func(inv pos.Invoice) []pos.Delivery { return []pos.Delivery{pdfs("x", nil, "", "a", "b")} },
			[]order.Supplied{{LineID: "1", Form: order.FormFile, Unclear: "delivery 1 of 1 is of no line of the invoice, or of several"}}},
		"TwinsInTheirOrder": {lines{two, twin}, func(inv pos.Invoice) []pos.Delivery {
			return []pos.Delivery{link(inv.Lines[0].ID, "https://wallet.example.com/a")}
		}, []order.Supplied{{LineID: "1", Form: order.FormLink, Tickets: 2}}},
		"ALink": {lines{two}, func(inv pos.Invoice) []pos.Delivery { return []pos.Delivery{link("", "https://wallet.example.com/a")} },
			[]order.Supplied{{LineID: "1", Form: order.FormLink, Tickets: 2}}},
		"SeveralLinks": {lines{two}, func(inv pos.Invoice) []pos.Delivery {
			return []pos.Delivery{link("", "https://wallet.example.com/a"), link("", "https://wallet.example.com/b")}
		}, []order.Supplied{{LineID: "1", Form: order.FormLink, Unclear: "the tickets are behind several links, 2 in all"}}},
		"NoLinkAtAll": {lines{two}, func(inv pos.Invoice) []pos.Delivery { return []pos.Delivery{link("", "javascript:alert(1)")} },
			[]order.Supplied{{LineID: "1", Form: order.FormLink, Unclear: "the link leads nowhere"}}},
		"SeveralSystems": {lines{two}, func(inv pos.Invoice) []pos.Delivery {
			other := link("", "https://wallet.example.com/a")
			other.Via = "Another Wallet"
			return []pos.Delivery{link("", "https://wallet.example.com/a"), other}
		}, []order.Supplied{{LineID: "1", Form: order.FormLink, Unclear: "the tickets are in several systems"}}},
		"ALinkOfNoBrowser": {lines{two}, func(inv pos.Invoice) []pos.Delivery { return []pos.Delivery{link("", "ftp://wallet.example.com/a")} },
			[]order.Supplied{{LineID: "1", Form: order.FormLink, Unclear: "the link leads nowhere"}}},
		"ALinkWithoutAHost": {lines{two}, func(inv pos.Invoice) []pos.Delivery { return []pos.Delivery{link("", "https:///a")} },
			[]order.Supplied{{LineID: "1", Form: order.FormLink, Unclear: "the link leads nowhere"}}},
		"AnEmptyLink": {lines{two}, func(inv pos.Invoice) []pos.Delivery { return []pos.Delivery{link("", "")} },
			[]order.Supplied{{LineID: "1", Form: order.FormLink, Unclear: "the link leads nowhere"}}},
		"TransferredInTwo": {lines{two}, func(inv pos.Invoice) []pos.Delivery {
			return []pos.Delivery{{Form: pos.FormTransfer, TicketIDs: []string{"t1"}}, {Form: pos.FormTransfer, TicketIDs: []string{"t1", "t2"}}}
		}, []order.Supplied{{LineID: "1", Form: order.FormTransfer, Tickets: 2}}},
		"TheSameTicketTwice": {lines{two}, func(inv pos.Invoice) []pos.Delivery {
			return []pos.Delivery{{Form: pos.FormTransfer, TicketIDs: []string{"t1"}}, {Form: pos.FormTransfer, TicketIDs: []string{"t1"}}}
		}, []order.Supplied{{LineID: "1", Form: order.FormTransfer, Tickets: 1}}},
		"AnUnknownForm": {lines{two}, func(inv pos.Invoice) []pos.Delivery { return []pos.Delivery{{Form: "pigeon"}} },
			[]order.Supplied{{LineID: "1", Form: "pigeon", Unclear: "the POS delivers in a way that is not known here"}}},
		"Transferred": {lines{two}, func(inv pos.Invoice) []pos.Delivery {
			return []pos.Delivery{{Form: pos.FormTransfer, TicketIDs: []string{"t1"}, Via: "Example Wallet"}}
		}, []order.Supplied{{LineID: "1", Form: order.FormTransfer, Tickets: 1}}},
		"WillCall": {lines{two}, func(inv pos.Invoice) []pos.Delivery { return []pos.Delivery{{Form: pos.FormWillCall}} },
			[]order.Supplied{{LineID: "1", Form: order.FormWillCall, Tickets: 2}}},
		"Mixed": {lines{two}, func(inv pos.Invoice) []pos.Delivery {
			return []pos.Delivery{{Form: pos.FormWillCall}, link("", "https://wallet.example.com/a")}
		}, []order.Supplied{{LineID: "1", Form: order.FormMixed, Unclear: "some tickets are there in one form, some in another"}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d, _ := seller(t)
			s := d.selling("1", c.lines...)
			d.pos.SetDeliveries(s.Invoice, c.holds(d.invoiceOf(s))...)
			e := d.sees(s)
			if e == nil || e.Supply == nil || e.Supply.Invoice != s.Invoice {
				t.Fatalf("got %+v; want an event of invoice %s", e, s.Invoice)
			}
			for i, l := range e.Supply.Lines {
				if len(l.Digest) < 12 {
					t.Errorf("line %s has digest %q", l.LineID, l.Digest)
				}
				e.Supply.Lines[i].Digest = ""
			}
			if !reflect.DeepEqual(e.Supply.Lines, c.want) {
				t.Errorf("got  %+v\nwant %+v", e.Supply.Lines, c.want)
			}
		})
	}
}

// TestLinesThatAreNotTheInvoices: to give the tickets of another line is worse than to give none.
func TestLinesThatAreNotTheInvoices(t *testing.T) {
	t.Parallel()
	two := dollars("1", "F", 2, 2700)
	twin := two
	twin.ID = "3"
	dear := two
	dear.Unit.Minor++
	for name, c := range map[string]struct {
		looked []order.Line
		void   bool // of the invoice's first line
		want   string
	}{
		"AnotherPrice":         {[]order.Line{dear}, false, "the invoice has no line like line 1 of the order"},
		"WhichTwinIsLeft":      {[]order.Line{twin}, false, "the invoice has 2 lines like line 3 of the order, and the order has 1"},
		"TheOtherTwinIsVoid":   {[]order.Line{twin}, true, ""},
		"MoreThanTheInvoice":   {[]order.Line{two, twin, dollars("9", "F", 2, 2700)}, false, "the invoice has no line like line 1 of the order"},
		"BothTwinsAreOnIt":     {[]order.Line{two, twin}, false, ""},
		"ALineThatIsNotOnIt":   {[]order.Line{two, twin, dollars("9", "S", 1, 1)}, false, "the invoice has no line like line 9 of the order"},
		"ItsLinesAreSeparated": {[]order.Line{twin, two}, false, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d, _ := seller(t)
			s := d.selling("1", two, twin)
			inv := d.invoiceOf(s)
			if c.void {
				if _, err := d.pos.VoidInvoiceLines(t.Context(), pos.Op{}, inv.ID, []string{inv.Lines[0].ID}, pos.VoidInput{Reason: "x"}); err != nil {
					t.Fatal(err)
				}
			}
			d.pos.SetDeliveries(s.Invoice, link(inv.Lines[1].ID, "https://wallet.example.com/b"), link(inv.Lines[0].ID, "https://wallet.example.com/a"))
			s.Lines = c.looked
			got := d.sees(s).Supply.Lines
			if len(got) != len(c.looked) || slices.ContainsFunc(got, func(l order.Supplied) bool { return l.Unclear != c.want }) {
				t.Errorf("got %+v; want every line unclear: %q", got, c.want)
			}
		})
	}
}

// TestTicketsOfTheOnlyLineThatIsLeft: nothing says whose they are, and nobody else is there.
func TestTicketsOfTheOnlyLineThatIsLeft(t *testing.T) {
	t.Parallel()
	d, _ := seller(t)
	s := d.selling("1", dollars("1", "F", 2, 2700), dollars("2", "S", 1, 1000))
	inv := d.invoiceOf(s)
	if _, err := d.pos.VoidInvoiceLines(t.Context(), pos.Op{}, inv.ID, []string{inv.Lines[1].ID}, pos.VoidInput{Reason: "x"}); err != nil {
		t.Fatal(err)
	}
	d.pos.SetDeliveries(s.Invoice, link("", "https://wallet.example.com/a"))
	s.Lines = s.Lines[:1]
	if got := d.sees(s).Supply.Lines; len(got) != 1 || got[0].LineID != "1" || got[0].Unclear != "" || got[0].Tickets != 2 {
		t.Errorf("got %+v; want both tickets of line 1", got)
	}
}

// TestTicketsOfAPOSThatSellsNoSeats: what they are called says nothing of their line, but of how many they are.
func TestTicketsOfAPOSThatSellsNoSeats(t *testing.T) {
	t.Parallel()
	caps := telling
	caps.SellsSeats = false
	d := setup(t, fake.Options{Capabilities: caps, Groups: numbered()})
	s := d.selling("1", dollars("1", "S", 2, 2700))
	d.pos.SetDeliveries(s.Invoice, pos.Delivery{Form: pos.FormTransfer, TicketIDs: []string{"x"}})
	if got := d.sees(s).Supply.Lines; len(got) != 1 || got[0].Unclear != "" || got[0].Tickets != 1 {
		t.Errorf("got %+v; want one ticket of line 1", got)
	}
}

// TestAGroupThatIsSoldMayBeGone: what the POS says of the tickets then does without their seats. An outage is waited for.
func TestAGroupThatIsSoldMayBeGone(t *testing.T) {
	t.Parallel()
	d, _ := seller(t)
	s := d.selling("1", dollars("1", "F", 2, 2700))
	for class, goesOn := range map[pos.Class]bool{pos.NotFound: true, pos.Unsupported: true, pos.Transient: false} {
		d.pos.SetDeliveries(s.Invoice, pdfs("", []string{"t2"}, "", "b"), pdfs("", []string{"t1"}, "", "a"))
		d.pos.SetFaults(fake.Fault{Call: fake.GetInventory, Kind: fake.Refuse, Class: class, Count: 1})
		done, err := d.do("LookForTickets", s)
		if !goesOn && !retried(err) || goesOn && (err != nil || !slices.Equal(done.Event.Supply.Lines[0].Pages, []int{1, 2})) {
			t.Errorf("%s: got %+v %v; want the pages by their tickets: %v", class, done, err, goesOn)
		}
	}
}

func TestSeatsThatWereNotOrdered(t *testing.T) {
	t.Parallel()
	d, _ := seller(t)
	l := dollars("1", "F", 2, 2700)
	l.Seats = []string{"7", "8"}
	s := d.selling("1", l) // the POS picks 1 and 2
	d.pos.SetDeliveries(s.Invoice, pdfs("", []string{"t1", "t2"}, "", "a", "b"))
	if got := d.sees(s).Supply.Lines[0]; got.Unclear != "the POS has sold other seats than the order names" || got.Ordered {
		t.Errorf("got %+v; want it left to a person", got)
	}
}

// TestAVoidInvoiceHoldsNothing: nor does one that is gone.
func TestAVoidInvoiceHoldsNothing(t *testing.T) {
	t.Parallel()
	d, _ := seller(t)
	s := d.selling("1", dollars("1", "F", 2, 2700))
	d.pos.SetDeliveries(s.Invoice, link("", "https://wallet.example.com/a"))
	d.void(pos.Invoice{ID: s.Invoice})
	for _, id := range []string{s.Invoice, "i_none", ""} {
		s.Invoice = id
		if e := d.sees(s); e == nil || e.Supply.Invoice != id || e.Supply.Lines != nil {
			t.Errorf("%q: got %+v; want a supply without lines", id, e)
		}
	}
	s = d.selling("2", dollars("1", "F", 2, 2700))
	d.pos.SetFaults(fake.Fault{Call: fake.GetDeliveries, Kind: fake.Refuse, Class: pos.NotFound, Count: 1})
	if e := d.sees(s); e == nil || e.Supply.Lines != nil || e.Supply.Void {
		t.Errorf("the POS knows of no tickets: got %+v; want none", e)
	}
	d.pos.SetFaults(fake.Fault{Call: fake.GetDeliveries, Kind: fake.LostBefore, Count: 1})
	if _, err := d.do("LookForTickets", s); classIn(err) != "transient" || !retried(err) {
		t.Errorf("the POS is down: got %v; want another attempt", err)
	}
}

// hears makes an order that knows e, as its workflow stores it.
func (d *desk) hears(s Step, events ...order.Event) {
	d.t.Helper()
	o, err := d.load(d.t.Context(), s.Order.ID)
	if err != nil {
		d.t.Fatal(err)
	}
	at := time.Now().UTC().Add(-time.Hour)
	if o == nil {
		p := order.DefaultPolicy()
		p.Deliver = true
		o = order.New(s.Order, p)
		o.Apply(order.Event{ID: "w", At: at, Received: at, Status: order.StatusAccepted, Snapshot: &order.Snapshot{APIID: "1", Lines: s.Lines}})
		o.Record("invoice/1", order.Result{Outcome: order.Done, At: at, Ref: s.Invoice, Can: []order.Ability{order.CanReadDeliveries}})
		o.StateNow = order.AwaitingFulfilment
	}
	for _, e := range events {
		o.Apply(e)
	}
	if _, err := d.DB.SaveOrder(d.t.Context(), row(d.t, o), nil, nil); err != nil {
		d.t.Fatal(err)
	}
}

func row(t *testing.T, o *order.Order) postgres.OrderRow {
	t.Helper()
	doc, err := json.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	return postgres.OrderRow{Identity: o.Identity, State: o.StateNow, Doc: doc, Lines: []byte("[]"), DecidedAt: time.Now(), Revision: o.Revision}
}

func TestASupplyIsStoredWhenItIsNewsAndNamesNoTicket(t *testing.T) {
	t.Parallel()
	d, _ := seller(t)
	s := d.selling("1", dollars("1", "F", 2, 2700))
	d.hears(s)
	a, b := link("", "https://wallet.example.com/aaa"), link("", "https://wallet.example.com/bbb")
	var first *order.Event
	for i, holds := range []pos.Delivery{a, b, a} {
		d.pos.SetDeliveries(s.Invoice, holds)
		e := d.sees(s)
		if e == nil {
			t.Fatalf("look %d: got nothing; want the news", i+1)
		}
		d.hears(s, *e)
		o, _ := d.load(t.Context(), s.Order.ID)
		if !sameSupply(o.Facts.Supply.Supply, *e.Supply) {
			t.Errorf("look %d: the order knows %+v; want %+v", i+1, o.Facts.Supply.Supply, *e.Supply)
		}
		if again := d.sees(s); again != nil {
			t.Errorf("look %d, again: got %+v; want no news", i+1, again)
		}
		w, err := d.DB.Webhook(t.Context(), e.ID)
		if err != nil || w.Source != "main" || w.Provider != "pos" || w.Type != "pos/supply" || w.Disposition != provider.Recorded ||
			w.OrderID != s.Order.ID || w.ProviderOrderID != "1" || w.Kind != order.Sale || w.Via != postgres.ViaReread {
			t.Errorf("look %d: got row %+v %v", i+1, w, err)
		}
		if !strings.Contains(string(w.Body), e.Supply.Lines[0].Digest) || strings.Contains(string(w.Body), "example.com") {
			t.Errorf("look %d: got body %s; want the digest and no link", i+1, w.Body)
		}
		if i == 0 {
			first = e
		} else if i == 2 && (first.Supply.Lines[0].Digest != e.Supply.Lines[0].Digest || first.ID == e.ID) {
			t.Errorf("the same tickets have digests %+v and %+v; want one digest, in two rows", first, e)
		}
	}
	d.pos.SetDeliveries(s.Invoice)
	d.hears(s, *d.sees(s)) // nothing is there
	d.void(pos.Invoice{ID: s.Invoice})
	if e := d.sees(s); e == nil || !e.Supply.Void {
		t.Errorf("the invoice is void: got %+v; want it told", e)
	}
}

// TestEverythingThatIsDeliveredIsInTheDigest: and how the POS lists it is not.
func TestEverythingThatIsDeliveredIsInTheDigest(t *testing.T) {
	t.Parallel()
	d := pos.Delivery{Form: pos.FormFile, LineID: "1", TicketIDs: []string{"a", "b"}, Name: "n", MediaType: "m", Content: []byte("c"), URL: "u", Via: "v", Carrier: "c", Tracking: "t"}
	seen := map[string]bool{digest([]pos.Delivery{d}): true}
	for _, change := range []func(*pos.Delivery){
		func(d *pos.Delivery) { d.Form = pos.FormLink }, func(d *pos.Delivery) { d.TicketIDs = []string{"b", "a"} },
		func(d *pos.Delivery) { d.TicketIDs = []string{"ab"} }, func(d *pos.Delivery) { d.MediaType = "x" },
		func(d *pos.Delivery) { d.Content = []byte("x") }, func(d *pos.Delivery) { d.URL = "x" }, func(d *pos.Delivery) { d.Via = "x" },
		func(d *pos.Delivery) { d.Carrier, d.Tracking = "x", "t" }, func(d *pos.Delivery) { d.Tracking = "x" },
		func(d *pos.Delivery) { d.URL, d.Via = "uv", "" },
	} {
		changed := d
		change(&changed)
		seen[digest([]pos.Delivery{changed})] = true
	}
	if len(seen) != 11 {
		t.Errorf("got %d digests; want 11", len(seen))
	}
	e := d
	e.Content = []byte("e")
	one, two := inOrder([]pos.Delivery{d, e}, nil), inOrder([]pos.Delivery{e, d}, nil)
	if digest(one) != digest(two) {
		t.Error("the order in which the POS lists deliveries changes the digest")
	}
}
