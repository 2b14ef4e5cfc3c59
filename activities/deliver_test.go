package activities

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"willcall/order"
	"willcall/pos"
	"willcall/pos/fake"
	"willcall/provider"
	"willcall/sim"
)

// planned looks, and makes a step that delivers what was seen of the lines.
func (d *desk) planned(s Step, what order.Do, subject string, lines ...string) Step {
	d.t.Helper()
	e := d.sees(s)
	s.ID, s.Supplied = order.ID(what, subject, 1), nil
	for _, l := range e.Supply.Lines {
		if slices.Contains(lines, l.LineID) {
			s.Supplied = append(s.Supplied, l)
		}
	}
	if len(s.Supplied) != len(lines) {
		d.t.Fatalf("got %+v; want lines %v", e.Supply, lines)
	}
	return s
}

func TestFilesGoToTheProviderOnceAndOnlyTheirPages(t *testing.T) {
	t.Parallel()
	d, taken := seller(t)
	s := d.selling("1", dollars("1", "F", 2, 2700), dollars("2", "S", 1, 1000))
	inv := d.invoiceOf(s)
	second, first := pdfs(inv.Lines[0].ID, []string{"t2"}, "", "b"), pdfs(inv.Lines[0].ID, nil, "z", "cover", "Seat 1")
	d.pos.SetDeliveries(s.Invoice, pdfs(inv.Lines[1].ID, nil, "", "c"), first, second)
	step := d.planned(s, order.DoETickets, "1", "1")
	d.pos.SetDeliveries(s.Invoice, second, pdfs(inv.Lines[1].ID, nil, "", "another line's are changed"), first)
	for range 2 {
		done, err := d.do("DeliverETickets", step)
		if err != nil || !slices.Equal(done.Lines, []string{"1"}) {
			t.Fatalf("got %+v %v; want line 1 delivered", done, err)
		}
	}
	if !slices.Equal(taken.calls, []string{"deliver 1 1"}) {
		t.Errorf("got calls %v; want one", taken.calls)
	}
	// Whatever the POS lists first, the page with seat 1 is before that of ticket t2.
	if !reflect.DeepEqual(taken.given, [][]byte{second.Content, first.Content}) || !slices.Equal(taken.keep, []int{3, 1}) {
		t.Errorf("got pages %v of %d files; want those of seat 1 and of seat 2, without the cover", taken.keep, len(taken.given))
	}
}

func TestTicketsThatAreOthersNowAreNotDelivered(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		what   order.Do
		name   string
		before pos.Delivery
		after  []pos.Delivery
	}{
		"Files":     {order.DoETickets, "DeliverETickets", pdfs("", []string{"t1", "t2"}, "", "a", "b"), []pos.Delivery{pdfs("", []string{"t1", "t2"}, "", "a", "c")}},
		"Swapped":   {order.DoETickets, "DeliverETickets", pdfs("", []string{"t1", "t2"}, "", "a", "b"), []pos.Delivery{pdfs("", []string{"t2", "t1"}, "", "a", "b")}},
		"FilesGone": {order.DoETickets, "DeliverETickets", pdfs("", []string{"t1", "t2"}, "", "a", "b"), nil},
		"Link":      {order.DoTransfer, "TransferTickets", link("", "https://wallet.example.com/a"), []pos.Delivery{link("", "https://wallet.example.com/b")}},
		"WillCall":  {order.DoWillCall, "LeaveAtWillCall", pos.Delivery{Form: pos.FormWillCall}, []pos.Delivery{link("", "https://wallet.example.com/b")}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d, taken := seller(t)
			s := d.selling("1", dollars("1", "F", 2, 2700))
			d.pos.SetDeliveries(s.Invoice, c.before)
			step := d.planned(s, c.what, "1", "1")
			d.pos.SetDeliveries(s.Invoice, c.after...)
			_, err := d.do(c.name, step)
			if classIn(err) != provider.Conflict || retried(err) || taken.calls != nil || !strings.Contains(err.Error(), "other tickets now than were planned for line 1") {
				t.Errorf("got %v after %v; want conflict, and nothing delivered", err, taken.calls)
			}
			d.pos.SetDeliveries(s.Invoice, c.before)
			if _, err := d.do(c.name, step); err != nil || len(taken.calls) != 1 {
				t.Errorf("they are back: got %v after %v; want them delivered", err, taken.calls)
			}
		})
	}
}

// TestPagesThatAnOperatorApproved: they come without page numbers, since nobody but the operator has seen which is whose.
func TestPagesThatAnOperatorApproved(t *testing.T) {
	t.Parallel()
	d, taken := seller(t)
	s := d.selling("1", dollars("1", "F", 2, 2700))
	d.pos.SetDeliveries(s.Invoice, pdfs("", nil, "", "a", "b"))
	step := d.planned(s, order.DoETickets, "1", "1")
	if _, err := d.do("DeliverETickets", step); err != nil || !slices.Equal(taken.keep, []int{1, 2}) {
		t.Errorf("got pages %v %v; want both", taken.keep, err)
	}
	taken.calls = nil
	for name, pages := range map[string][]string{"more pages": {"a", "b", "c"}, "fewer": {"a"}} {
		d.pos.SetDeliveries(s.Invoice, pdfs("", nil, "", pages...))
		step := d.planned(s, order.DoETickets, name, "1")
		if _, err := d.do("DeliverETickets", step); classIn(err) != "invalid" || taken.calls != nil {
			t.Errorf("%s: got %v after %v; want invalid", name, err, taken.calls)
		}
	}
	d.pos.SetDeliveries(s.Invoice, pdfs("", []string{"t2"}, "", "a")) // one of two has come
	if _, err := d.do("DeliverETickets", d.planned(s, order.DoETickets, "half", "1")); classIn(err) != "invalid" || taken.calls != nil {
		t.Errorf("half of them: got %v after %v; want invalid", err, taken.calls)
	}
}

func TestLinksAndWillCallAreTold(t *testing.T) {
	t.Parallel()
	d, taken := seller(t)
	s := d.selling("1", dollars("1", "F", 2, 2700), dollars("2", "S", 1, 1000))
	inv := d.invoiceOf(s)
	d.pos.SetDeliveries(s.Invoice, link(inv.Lines[0].ID, "https://wallet.example.com/a"), pos.Delivery{Form: pos.FormTransfer, LineID: inv.Lines[1].ID, Via: "Another Wallet"})
	done, err := d.do("TransferTickets", d.planned(s, order.DoTransfer, "", "1", "2"))
	want := []LineTransfer{{"1", "https://wallet.example.com/a", "Example Wallet"}, {"2", "", "Another Wallet"}}
	if err != nil || !slices.Equal(done.Lines, []string{"1", "2"}) || !slices.Equal(taken.transfers, want) {
		t.Errorf("got %+v %v, told %+v; want %+v", done, err, taken.transfers, want)
	}
	d.pos.SetDeliveries(s.Invoice, pos.Delivery{Form: pos.FormWillCall, LineID: inv.Lines[1].ID})
	if done, err = d.do("LeaveAtWillCall", d.planned(s, order.DoWillCall, "", "2")); err != nil || !slices.Equal(done.Lines, []string{"2"}) {
		t.Errorf("got %+v %v; want line 2", done, err)
	}
	s.ID = order.ID(order.DoRevoke, "2", 1)
	if done, err = d.do("RevokeETickets", s); err != nil || !slices.Equal(done.Lines, []string{"2"}) {
		t.Errorf("got %+v %v; want line 2", done, err)
	}
	if want := []string{"transfer 1", "hand over 1 2", "revoke 1 2"}; !slices.Equal(taken.calls, want) {
		t.Errorf("got calls %v; want %v", taken.calls, want)
	}
	// The POS may have taken back what a step was begun for; then there is nothing to tell of, least of all of other lines.
	s.Supplied = nil
	for name, id := range map[string]order.StepID{"TransferTickets": "transfer/3", "LeaveAtWillCall": "will_call/3", "DeliverETickets": "etickets:1/3"} {
		s.ID = id
		if _, err := d.do(name, s); classIn(err) != "conflict" || retried(err) || len(taken.calls) != 3 {
			t.Errorf("%s of nothing: got %v after %v; want conflict", name, err, taken.calls)
		}
	}
	d.configure(func(src *Source) { src.API = &API{} })
	for name, id := range map[string]order.StepID{"DeliverETickets": "etickets:1/2", "TransferTickets": "transfer/2", "LeaveAtWillCall": "will_call/2",
		"RevokeETickets": "revoke:1/2", "ReceiveTickets": "receive/2"} {
		s.ID = id
		if _, err := d.do(name, s); classIn(err) != "unsupported" || retried(err) {
			t.Errorf("%s: got %v; want unsupported", name, err)
		}
	}
}

// TestAStepDeliversWhatItIsMadeFor: files of one line at a time, and no files as if they were transferred.
func TestAStepDeliversWhatItIsMadeFor(t *testing.T) {
	t.Parallel()
	d, taken := seller(t)
	s := d.selling("1", dollars("1", "F", 2, 2700), dollars("2", "S", 1, 1000))
	inv := d.invoiceOf(s)
	d.pos.SetDeliveries(s.Invoice, pdfs(inv.Lines[0].ID, []string{"t1", "t2"}, "", "a", "b"), pdfs(inv.Lines[1].ID, nil, "", "c"))
	for name, step := range map[string]Step{
		"DeliverETickets": d.planned(s, order.DoETickets, "1", "1", "2"), "TransferTickets": d.planned(s, order.DoTransfer, "", "1"),
	} {
		if _, err := d.do(name, step); classIn(err) != "invalid" || retried(err) || taken.calls != nil {
			t.Errorf("%s: got %v after %v; want invalid", name, err, taken.calls)
		}
	}
	d.pos.SetDeliveries(s.Invoice, link("", "https://wallet.example.com/a")) // whose it is cannot be told
	if _, err := d.do("TransferTickets", d.planned(s, order.DoTransfer, "whose", "1")); classIn(err) != provider.Conflict || taken.calls != nil {
		t.Errorf("a link of nobody: got %v after %v; want conflict", err, taken.calls)
	}
}

func TestAProviderThatDoesNotAnswerIsAskedAgain(t *testing.T) {
	t.Parallel()
	d, taken := seller(t)
	s := d.selling("1", dollars("1", "F", 2, 2700))
	d.pos.SetDeliveries(s.Invoice, pdfs("", []string{"t1", "t2"}, "", "a", "b"))
	step := d.planned(s, order.DoETickets, "1", "1")
	taken.err = &provider.CallError{Class: provider.OutcomeUnknown, Op: "deliver e-tickets"}
	if _, err := d.do("DeliverETickets", step); classIn(err) != "outcome_unknown" || !retried(err) {
		t.Errorf("got %v; want another attempt", err)
	}
	taken.err = nil
	if _, err := d.do("DeliverETickets", step); err != nil || len(taken.calls) != 2 {
		t.Errorf("got %v after %v; want it delivered at the second attempt", err, taken.calls)
	}
}

// TestTicketsStayOutOfLogsErrorsAndRows: whoever has the link, or the page, has the seat.
func TestTicketsStayOutOfLogsErrorsAndRows(t *testing.T) {
	t.Parallel()
	d, taken := seller(t)
	var log bytes.Buffer
	d.Logger = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	s := d.selling("1", dollars("1", "F", 2, 2700), dollars("2", "S", 2, 1000))
	inv := d.invoiceOf(s)
	d.pos.SetDeliveries(s.Invoice, link(inv.Lines[0].ID, "https://wallet.example.com/secret7"), pdfs(inv.Lines[1].ID, nil, "", "secret7", "x", "y"))
	step := d.planned(s, order.DoTransfer, "", "1")
	taken.err = &provider.CallError{Class: provider.Transient, Op: "transfer"}
	_, refused := d.do("TransferTickets", step)
	taken.err = nil
	done, err := d.do("TransferTickets", step)
	if err != nil || refused == nil || taken.transfers[0].Link != "https://wallet.example.com/secret7" {
		t.Fatalf("got %v and %v, told %+v", refused, err, taken.transfers)
	}
	result, err := json.Marshal([]any{done, step})
	if err != nil {
		t.Fatal(err)
	}
	var kept string
	if err := d.DB.Pool.QueryRow(t.Context(), "SELECT (SELECT string_agg(o::text, ' ') FROM operations o) || (SELECT string_agg(encode(body, 'escape'), ' ') FROM webhooks)").Scan(&kept); err != nil {
		t.Fatal(err)
	}
	for where, text := range map[string]string{"log": log.String(), "error": refused.Error(), "history": string(result), "rows": kept} {
		if text == "" || strings.Contains(text, "secret7") {
			t.Errorf("%s: got %q; want something, without the ticket", where, text)
		}
	}
}

func TestAnInvoiceIsMarkedDelivered(t *testing.T) {
	t.Parallel()
	d, _ := seller(t)
	s := d.selling("1", dollars("1", "F", 2, 2700))
	s.ID = "fulfil/1"
	for range 2 {
		if done, err := d.do("MarkFulfilled", s); err != nil || done.Ref != s.Invoice || done.Detail != "" {
			t.Fatalf("got %+v %v", done, err)
		}
	}
	if d.invoiceOf(s).Fulfillment != pos.Complete || d.pos.Calls(fake.SetFulfillment) != 1 {
		t.Errorf("got %+v after %d calls; want it complete after one", d.invoiceOf(s), d.pos.Calls(fake.SetFulfillment))
	}
	d.pos.SetFaults(fake.Fault{Call: fake.SetFulfillment, Kind: fake.Refuse, Class: pos.Unsupported, Count: 1})
	s.ID = "fulfil/2"
	if done, err := d.do("MarkFulfilled", s); err != nil || !strings.Contains(done.Detail, "cannot be told") {
		t.Errorf("got %+v %v; want no failure, and it said", done, err)
	}
}

func TestTicketsThatWeBoughtAreReceived(t *testing.T) {
	t.Parallel()
	d, _ := seller(t)
	given := map[string][]byte{"1": sim.PDF("a", "b"), "2": sim.PDF("c")}
	d.configure(func(src *Source) {
		src.API.ETickets = func(_ context.Context, apiID, line string) ([]byte, error) {
			return given[line], d.api.call("etickets " + apiID + " " + line)
		}
	})
	s := d.step("1", order.DoPurchaseOrder, dana)
	s.Lines, s.Show = []order.Line{dollars("1", "", 2, 2700), dollars("2", "", 2, 100)}, order.Show{Name: "The Sample Play"}
	bought, err := d.do("CreatePurchaseOrder", s)
	if err != nil || !slices.Equal(bought.Can, allAbilities) {
		t.Fatalf("got %+v %v; want %v", bought, err, allAbilities)
	}
	s.ID, s.Invoice = "receive/1", bought.Ref
	if _, err := d.do("ReceiveTickets", s); classIn(err) != "invalid" || !strings.Contains(err.Error(), "the e-tickets of line 2: 1 page for 2 tickets") {
		t.Errorf("a page is missing: got %v; want it said", err)
	}
	given["2"] = []byte("not a PDF")
	if _, err := d.do("ReceiveTickets", s); classIn(err) != "invalid" || d.pos.TicketFiles(bought.Ref) != nil {
		t.Errorf("got %v; want it refused", err)
	}
	given["2"] = sim.PDF("c", "d")
	for range 2 {
		if done, err := d.do("ReceiveTickets", s); err != nil || done.Ref != bought.Ref || !slices.Equal(done.Lines, []string{"1", "2"}) || done.Detail != "" {
			t.Fatalf("got %+v %v", done, err)
		}
	}
	files := d.pos.TicketFiles(bought.Ref)
	if len(files) != 2 || !bytes.Equal(files[0].Content, given["1"]) || !bytes.Equal(files[1].Content, given["2"]) || d.pos.State().PurchaseOrders[0].Fulfillment != pos.Complete {
		t.Errorf("got %d files on %+v; want both, and it complete", len(files), d.pos.State().PurchaseOrders)
	}
	var docs int
	err = d.DB.Pool.QueryRow(t.Context(), "SELECT count(DISTINCT name) FROM order_documents WHERE order_id = $1", s.Order.ID).Scan(&docs)
	if err != nil || docs != 2 || d.pos.Calls(fake.FulfillPurchaseOrder) != 1 {
		t.Errorf("got %d documents %v after %d calls; want both kept, and one call", docs, err, d.pos.Calls(fake.FulfillPurchaseOrder))
	}
}

var allAbilities = []order.Ability{order.CanFulfillPurchases, order.CanReadDeliveries, order.CanTakeFiles, order.CanVoidLines}

// TestAnInvoiceSaysWhatThePOSCouldDo: the order takes that road from then on.
func TestAnInvoiceSaysWhatThePOSCouldDo(t *testing.T) {
	t.Parallel()
	d, _ := seller(t)
	s := d.step("1", order.DoInvoice, dana)
	s.Lines = []order.Line{dollars("1", "F", 2, 2700)}
	d.pos.SetFaults(fake.Fault{Call: fake.Capabilities, Kind: fake.LostBefore, Count: 2}) // that of the customer, too
	for range 2 {
		_, err := d.do("CreateInvoice", s)
		if !retried(err) || d.pos.Calls(fake.CreateInvoice) != 0 {
			t.Errorf("got %v after %d writes; want another attempt before anything is written", err, d.pos.Calls(fake.CreateInvoice))
		}
	}
	done, err := d.do("CreateInvoice", s)
	if err != nil || !slices.Equal(done.Can, allAbilities) {
		t.Errorf("got %+v %v; want %v", done, err, allAbilities)
	}
	plain := setup(t, fake.Options{Capabilities: capable, Groups: stock})
	if done, err := plain.do("CreateInvoice", plain.step("1", order.DoInvoice, dana)); err != nil || done.Can != nil {
		t.Errorf("a POS that can do none: got %+v %v", done, err)
	}
}

// TestASaleThatAnotherToolHasBooked: by the number that the marketplace shows, which is not our order id.
func TestASaleThatAnotherToolHasBooked(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		sale   func(order.Identity, string) string
		booked string
	}{
		"TheProvidersID": {nil, "1"},
		"ItsOwnNumber":   {func(id order.Identity, apiID string) string { return id.ProviderOrderID + "-" + apiID }, "1-147277"},
	} {
		d, _ := seller(t)
		shared := fake.Shared{POS: d.pos}
		d.configure(func(s *Source) { s.POS, s.Sale = shared, c.sale })
		shared.BookElsewhere(c.booked, "theirs")
		s := d.step("1", order.DoInvoice, dana)
		s.Lines, s.APIID = []order.Line{dollars("1", "F", 2, 2700)}, "147277"
		if _, err := d.do("CreateInvoice", s); classIn(err) != "reference_conflict" || len(d.pos.State().Invoices) != 1 {
			t.Errorf("%s: got %v and %d invoices; want a conflict and the one", name, err, len(d.pos.State().Invoices))
		}
	}
}

func TestVoidedTicketsGoBackOnSaleUnlessTheyAreDead(t *testing.T) {
	t.Parallel()
	yes, no := true, false
	for name, c := range map[string]struct {
		restock *bool
		left    int
	}{"Unsaid": {nil, 8}, "Yes": {&yes, 8}, "No": {&no, 6}} {
		d, _ := seller(t)
		s := d.selling("1", dollars("1", "F", 2, 2700))
		s.ID, s.Restock = "void_invoice/1", c.restock
		if _, err := d.do("VoidInvoice", s); err != nil {
			t.Fatal(err)
		}
		if g, err := d.pos.GetInventory(t.Context(), "F"); err != nil || g.Quantity != c.left {
			t.Errorf("%s: got %d for sale %v; want %d", name, g.Quantity, err, c.left)
		}
	}
}

func TestCancelledLinesAreCredited(t *testing.T) {
	t.Parallel()
	no := false
	for name, c := range map[string]struct {
		restock *bool
		left    int
	}{"Restocked": {nil, 50}, "Dead": {&no, 47}} {
		d, _ := seller(t)
		s := d.selling("1", dollars("1", "F", 2, 2700), dollars("2", "S", 3, 1000))
		s.ID, s.Lines, s.Total, s.Restock = "credit/1", s.Lines[:1], order.Money{Minor: 5400, Currency: "USD"}, c.restock
		for range 2 {
			done, err := d.do("CreditInvoice", s)
			if err != nil || done.Ref != s.Invoice || done.Amount != s.Total || !slices.Equal(done.Lines, []string{"1"}) {
				t.Fatalf("%s: got %+v %v", name, done, err)
			}
		}
		total, _ := d.invoiceOf(s).Total()
		if g, _ := d.pos.GetInventory(t.Context(), "S"); total.Minor != 5400 || g.Quantity != c.left {
			t.Errorf("%s: got %d invoiced and %d for sale; want 5400 and %d", name, total.Minor, g.Quantity, c.left)
		}
	}
}

func holding(d *desk, n string) Step {
	s := d.step(n, order.DoHold, dana)
	s.Lines, s.Until = []order.Line{dollars("1", "F", 2, 2700), dollars("2", "S", 3, 1000)}, time.Date(2027, 1, 2, 0, 0, 0, 0, time.UTC)
	return s
}

func (d *desk) forSale(group string) int {
	g, err := d.pos.GetInventory(d.t.Context(), group)
	if err != nil {
		d.t.Fatal(err)
	}
	return g.Quantity
}

func TestTicketsAreHeldOnceAndGivenBack(t *testing.T) {
	t.Parallel()
	d, _ := seller(t)
	s := holding(d, "1")
	d.pos.SetFaults(fake.Fault{Call: fake.PlaceHold, Kind: fake.LostAfter, Count: 1})
	if _, err := d.do("HoldTickets", s); !retried(err) {
		t.Fatalf("got %v; want another attempt", err)
	}
	done, err := d.do("HoldTickets", s)
	if err != nil || len(done.Holds) != 2 || !slices.Equal(done.Lines, []string{"1", "2"}) {
		t.Fatalf("got %+v %v; want two holds", done, err)
	}
	if d.forSale("F") != 6 || d.forSale("S") != 47 {
		t.Errorf("got %d and %d for sale; want 6 and 47", d.forSale("F"), d.forSale("S"))
	}
	for _, h := range d.pos.State().Holds {
		if !h.Until.Equal(s.Until) {
			t.Errorf("hold %s lasts until %s; want %s", h.ID, h.Until, s.Until)
		}
	}
	free := s
	free.ID, free.Holds = "release_hold/1", done.Holds
	for range 2 {
		if freed, err := d.do("ReleaseHold", free); err != nil || freed.Ref != strings.Join(done.Holds, ",") {
			t.Fatalf("got %+v %v; want %v let go", freed, err, done.Holds)
		}
	}
	if d.forSale("F") != 8 || d.forSale("S") != 50 {
		t.Errorf("got %d and %d for sale; want all", d.forSale("F"), d.forSale("S"))
	}
}

// TestAHoldOfUnknownOutcomeIsGivenBack: where the POS can be searched by its reference, else by asking for it again under its key.
func TestAHoldOfUnknownOutcomeIsGivenBack(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		search, key bool
		left        int
		detail      string
	}{
		"Searched": {true, false, 8, ""},
		"ByKey":    {false, true, 8, ""},
	} {
		caps := telling
		caps.SearchHolds, caps.NativeKey = c.search, c.key
		d := setup(t, fake.Options{Capabilities: caps, Groups: numbered()})
		s := holding(d, "1")
		d.pos.SetFaults(fake.Fault{Call: fake.PlaceHold, Kind: fake.LostAfter, Count: 1})
		if _, err := d.do("HoldTickets", s); !retried(err) {
			t.Fatalf("%s: got %v; want another attempt", name, err)
		}
		s.ID = "release_hold/1"
		done, err := d.do("ReleaseHold", s)
		if err != nil || d.forSale("F") != c.left || done.Detail != c.detail {
			t.Errorf("%s: got %+v %v, %d for sale; want %d", name, done, err, d.forSale("F"), c.left)
		}
	}
}

// anyHold is a POS whose search for holds finds whatever there is.
type anyHold struct{ *fake.POS }

func (a anyHold) FindHolds(context.Context, string) ([]pos.Hold, error) { return a.State().Holds, nil }

// TestHoldsOfOthersStay: a search may find more than it was asked for, and may see late what was written.
func TestHoldsOfOthersStay(t *testing.T) {
	t.Parallel()
	caps := telling
	caps.SettleDelay = 200 * time.Millisecond
	d := setup(t, fake.Options{Capabilities: caps, Groups: numbered()})
	d.pos.SetFaults(fake.Fault{Call: fake.PlaceHold, Kind: fake.LostAfter, Count: 1})
	if _, err := d.do("HoldTickets", holding(d, "1")); !retried(err) {
		t.Fatalf("got %v; want another attempt", err)
	}
	begun := time.Now()
	for _, n := range []string{"1", "2"} {
		if _, err := d.do("HoldTickets", holding(d, n)); err != nil {
			t.Fatal(err)
		}
	}
	if time.Since(begun) < caps.SettleDelay {
		t.Errorf("searched after %s; want a wait of %s before it is placed again", time.Since(begun), caps.SettleDelay)
	}
	d.configure(func(s *Source) { s.POS = anyHold{d.pos} })
	s := holding(d, "1")
	s.ID = "release_hold/1"
	begun = time.Now()
	if _, err := d.do("ReleaseHold", s); err != nil || len(d.pos.State().Holds) != 2 || d.forSale("F") != 6 {
		t.Errorf("got %v, %d holds left; want the two of the other order", err, len(d.pos.State().Holds))
	}
	if time.Since(begun) < caps.SettleDelay {
		t.Errorf("searched after %s; want a wait of %s first", time.Since(begun), caps.SettleDelay)
	}
}

// TestAHoldThatCannotBeSearchedFor is asked for again under its key, but only where one may be there that nobody knows.
func TestAHoldThatCannotBeSearchedFor(t *testing.T) {
	t.Parallel()
	const unseen = "whether anything is held cannot be seen in this POS: what is runs out by itself"
	for name, c := range map[string]struct {
		change func(*Step)
		key    bool
		fault  fake.Fault
		asked  int // how often for a hold
		class  string
		detail string
	}{
		"Known":        {func(s *Step) { s.Holds = []string{"h_none"} }, true, fake.Fault{}, 0, "", ""},
		"RanOut":       {func(s *Step) { s.Until = time.Now().Add(-time.Hour) }, true, fake.Fault{}, 0, "", unseen},
		"NoKeys":       {func(*Step) {}, false, fake.Fault{}, 0, "", unseen},
		"Refused":      {func(*Step) {}, true, fake.Fault{Call: fake.PlaceHold, Kind: fake.Refuse, Class: pos.Unavailable, Count: 2}, 2, "", unseen},
		"POSIsDown":    {func(*Step) {}, true, fake.Fault{Call: fake.PlaceHold, Kind: fake.LostBefore, Count: 1}, 1, "outcome_unknown", ""},
		"Unauthorized": {func(*Step) {}, true, fake.Fault{Call: fake.PlaceHold, Kind: fake.Refuse, Class: pos.Unauthorized, Count: 1}, 1, "unauthorized", ""},
	} {
		caps := telling
		caps.SearchHolds, caps.NativeKey = false, c.key
		d := setup(t, fake.Options{Capabilities: caps, Groups: numbered()})
		s := holding(d, "1")
		s.ID = "release_hold/1"
		if c.change(&s); c.fault.Count > 0 {
			d.pos.SetFaults(c.fault)
		}
		done, err := d.do("ReleaseHold", s)
		if (err != nil || c.class != "") && classIn(err) != c.class || done.Detail != c.detail || d.pos.Calls(fake.PlaceHold) != c.asked {
			t.Errorf("%s: got %+v %v after asking %d times; want %q, %q, %d", name, done, err, d.pos.Calls(fake.PlaceHold), c.class, c.detail, c.asked)
		}
	}
}

func TestAPOSWithoutHoldsHoldsNothing(t *testing.T) {
	t.Parallel()
	caps := telling
	caps.Holds, caps.SearchHolds = false, false
	d := setup(t, fake.Options{Capabilities: caps, Groups: numbered()})
	s := holding(d, "1")
	if done, err := d.do("HoldTickets", s); err != nil || done.Holds != nil || done.Detail != "this POS keeps no holds" {
		t.Errorf("got %+v %v; want it said", done, err)
	}
	s.ID = "release_hold/1"
	if done, err := d.do("ReleaseHold", s); err != nil || done.Detail != "" {
		t.Errorf("got %+v %v; want nothing to do", done, err)
	}
}

// TestARefusedHoldFails: what was held before it is given back by the step that releases.
func TestARefusedHoldFails(t *testing.T) {
	t.Parallel()
	d, _ := seller(t)
	s := holding(d, "1")
	s.Lines[1].Inventory = ""
	if _, err := d.do("HoldTickets", s); classIn(err) != "invalid" || !strings.Contains(err.Error(), "line 2 names no ticket group of the POS") {
		t.Errorf("got %v; want it said", err)
	}
	s.Lines[1] = dollars("2", "S", 51, 1000)
	if _, err := d.do("HoldTickets", s); classIn(err) != "unavailable" || retried(err) {
		t.Errorf("got %v; want unavailable", err)
	}
	s.ID = "release_hold/1"
	if _, err := d.do("ReleaseHold", s); err != nil || d.forSale("F") != 8 {
		t.Errorf("got %v and %d for sale; want all", err, d.forSale("F"))
	}
}

func TestHeldTicketsAreInvoiced(t *testing.T) {
	t.Parallel()
	d, _ := seller(t)
	for i, lines := range [][]order.Line{{dollars("1", "F", 2, 2700)}, {dollars("1", "F", 2, 2700), dollars("2", "S", 3, 1000)}} {
		s := holding(d, []string{"1", "2"}[i])
		s.Lines = lines
		held, err := d.do("HoldTickets", s)
		if err != nil {
			t.Fatal(err)
		}
		s.ID, s.Holds = "invoice/1", held.Holds
		done, err := d.do("CreateInvoice", s)
		if err != nil {
			t.Fatal(err)
		}
		inv, _ := d.pos.GetInvoice(t.Context(), done.Ref)
		if want := len(lines) == 1; (inv.HoldID == held.Holds[0]) != want {
			t.Errorf("%d lines: got hold %q; want it named: %v", len(lines), inv.HoldID, want)
		}
	}
}

// TestTicketsThatAreThereComeWithTheInvoice of a sale that is near its event. Where nothing is found out the next look does.
func TestTicketsThatAreThereComeWithTheInvoice(t *testing.T) {
	t.Parallel()
	blind := telling
	blind.ReadDeliveries = false
	for name, c := range map[string]struct {
		caps   pos.Capabilities
		look   bool
		there  []pos.Delivery
		faults []fake.Fault
		asked  int
		want   bool
	}{
		"There":     {telling, true, []pos.Delivery{link("", "https://wallet.example.com/a")}, nil, 1, true},
		"NotNear":   {telling, false, []pos.Delivery{link("", "https://wallet.example.com/a")}, nil, 0, false},
		"NoneThere": {telling, true, nil, nil, 1, false},
		"POSIsDown": {telling, true, []pos.Delivery{link("", "https://wallet.example.com/a")}, []fake.Fault{{Call: fake.GetDeliveries, Kind: fake.LostBefore, Count: 1}}, 1, false},
		"POSCannot": {blind, true, nil, nil, 0, false},
	} {
		d := setup(t, fake.Options{Capabilities: c.caps, Groups: numbered()})
		s := d.selling("1", dollars("1", "F", 2, 2700))
		d.pos.SetDeliveries(s.Invoice, c.there...)
		d.pos.SetFaults(c.faults...)
		s.ID, s.Look = "invoice/1", c.look
		done, err := d.do("CreateInvoice", s)
		if err != nil || done.Ref != s.Invoice || !slices.Equal(done.Lines, []string{"1"}) || (done.Event != nil) != c.want {
			t.Errorf("%s: got %+v %v; want the invoice, and its tickets: %v", name, done, err, c.want)
		}
		if c.want && (done.Event.Supply.Invoice != s.Invoice || done.Event.Supply.Lines[0].Tickets != 2) {
			t.Errorf("%s: got %+v; want both tickets of invoice %s", name, done.Event.Supply, s.Invoice)
		}
		if got := d.pos.Calls(fake.GetDeliveries); got != c.asked {
			t.Errorf("%s: asked %d times; want %d", name, got, c.asked)
		}
	}
}

// TestAPOSThatTakesNoTicketsIsToldThatTheyCame: it says so where there were any.
func TestAPOSThatTakesNoTicketsIsToldThatTheyCame(t *testing.T) {
	t.Parallel()
	caps := telling
	caps.TicketUpload = false
	d := setup(t, fake.Options{Capabilities: caps, Groups: numbered()})
	d.configure(func(src *Source) {
		src.API.ETickets = func(context.Context, string, string) ([]byte, error) { return sim.PDF("a", "b", "c"), nil }
	})
	s := d.step("1", order.DoPurchaseOrder, dana)
	s.Lines, s.Show = []order.Line{dollars("1", "", 2, 2700)}, order.Show{Name: "The Sample Play"}
	bought, err := d.do("CreatePurchaseOrder", s)
	if err != nil {
		t.Fatal(err)
	}
	s.ID, s.Invoice = "receive:none/1", bought.Ref
	if _, err := d.do("ReceiveTickets", s); classIn(err) != "invalid" || !strings.Contains(err.Error(), "3 pages for 2 tickets") {
		t.Errorf("a page too many: got %v; want it said", err)
	}
	for lines, said := range map[int]bool{0: false, 3: true} {
		if s.ID, s.Lines = order.ID(order.DoReceive, strings.Repeat("x", lines+1), 1), nil; lines > 0 {
			s.Lines = []order.Line{dollars("1", "", lines, 2700)}
		}
		done, err := d.do("ReceiveTickets", s)
		if err != nil || strings.Contains(done.Detail, "takes no ticket files") != said {
			t.Errorf("%d tickets: got %+v %v; want it said: %v", lines, done, err, said)
		}
	}
}
