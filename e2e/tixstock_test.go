package e2e

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"

	"willcall/postgres"
	"willcall/sim"
)

// fulfilment is the answer that Tixstock takes the order's status from.
type fulfilment struct {
	ExternalID  string `json:"external_id"`
	OrderStatus string `json:"order_status"`
	Message     string `json:"message"`
	Success     bool   `json:"success"`
}

// tixstock delivers one webhook, signed, and returns the answer.
func (s *site) tixstock(t *testing.T, source string, body []byte) (f fulfilment) {
	t.Helper()
	code, raw := s.send(t, source, sim.TixstockHeader("e2e-tixstock-token", body), body)
	if err := json.Unmarshal(raw, &f); err != nil || code != http.StatusOK {
		t.Fatalf("webhook to %s: got %d %s; want 200 and the document's answer", source, code, raw)
	}
	return f
}

// sold is an order of our own shop with so many tickets, for which the POS has the invoice.
func (s *site) sold(tickets int) sim.TixstockOrder {
	o := sim.TixstockSale(4 * s.fresh()) // seated
	for i := len(o.Tickets); i < tickets; i++ {
		o.Tickets = append(o.Tickets, sim.TixstockTicket{Row: "V", Seat: fmt.Sprint(200 + i)})
	}
	o.Tickets = o.Tickets[:tickets]
	s.POS.Sell(o.OrderID, o.CustomerName, sim.POSInvoiceLine{InventoryID: "stock-" + o.OrderID, Quantity: tickets,
		Total: sim.POSMoney{Amount: fmt.Sprintf("%d.00", 45*tickets), Currency: "GBP"}})
	return o
}

func (s *site) documents(t *testing.T, orderID string) (n int) {
	t.Helper()
	db, err := postgres.Open(t.Context(), postgres.Options{URL: s.DatabaseURL, MaxConns: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := db.Pool.QueryRow(t.Context(), "SELECT count(*) FROM order_documents WHERE order_id = $1", orderID).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// asFiles is the order with a PDF of its own for each ticket and nothing else, and what the files are called on the invoice.
func asFiles(o sim.TixstockOrder) (_ sim.TixstockOrder, names []string) {
	for i := range o.Tickets {
		t := &o.Tickets[i]
		t.PDF, t.Proofs = sim.TicketPDF(fmt.Sprint(o.OrderID, " ", i)), []string{}
		names = append(names, "ticket "+t.Row+" "+t.Seat)
	}
	return o, names
}

// attached is the live invoice of a reference once the POS has it for delivered, with its ticket files.
func (s *site) attached(t *testing.T, ref string, files ...string) (inv sim.POSInvoice) {
	t.Helper()
	if err := until(20*time.Second, func() error {
		live, _ := s.invoices(ref)
		if len(live) != 1 {
			return fmt.Errorf("%d invoices are live", len(live))
		}
		inv = live[0]
		var names []string
		for _, f := range inv.Files {
			names = append(names, f.Name)
		}
		if inv.Fulfillment != "COMPLETE" || !slices.Equal(names, files) {
			return fmt.Errorf("invoice %s is %s with files %q; want it complete with %q", inv.ID, inv.Fulfillment, names, files)
		}
		return nil
	}); err != nil {
		t.Error(err)
	}
	return inv
}

func TestTicketsFromTixstockCompleteASaleOfOurOwn(t *testing.T) {
	s := setup(t)
	o, names := asFiles(s.sold(2))
	id := "order:tixstock:" + o.OrderID
	first := s.tixstock(t, "tixstock", o.ETicket(0))
	if first.OrderStatus != "Approved" || !first.Success || first.ExternalID != o.OrderID {
		t.Errorf("one ticket of two: got %+v; want Approved and success", first)
	}
	s.awaitState(t, id, "partially_fulfilled")
	s.keep(t, "tixstock-one-of-two-open", id)
	if again := s.tixstock(t, "tixstock", o.ETicket(0)); again != first {
		t.Errorf("the same ticket again: got %+v; want %+v as the first time", again, first)
	}
	if last := s.tixstock(t, "tixstock", o.ETicket(1)); last.OrderStatus != "Delivered" || !last.Success {
		t.Errorf("the last ticket: got %+v; want Delivered and success", last)
	}
	v := s.awaitState(t, id, "fulfilled")
	inv := s.attached(t, o.OrderID, names...)
	if inv.ID != v.POS.Invoice {
		t.Errorf("got invoice %+v for %+v; want the shop's own, and no other", inv, v.POS)
	}
	for i, f := range inv.Files[:min(len(inv.Files), len(o.Tickets))] {
		if sum := sha256.Sum256(o.Tickets[i].PDF); f.SHA256 != hex.EncodeToString(sum[:]) || f.MediaType != "application/pdf" {
			t.Errorf("got file %+v; want the very PDF that Tixstock sent", f)
		}
	}
	if again := s.tixstock(t, "tixstock", o.ETicket(0)); again.OrderStatus != "Delivered" {
		t.Errorf("a late repeat: got %+v; want the order's status by now", again)
	}
	if n := s.documents(t, id); n < 2 {
		t.Errorf("got %d documents; want both tickets stored", n)
	}
	s.keep(t, "tixstock-fulfilled-open", id)
}

func TestGeneralAdmissionTicketsDifferInTheirFilesAlone(t *testing.T) {
	s := setup(t)
	o := s.sold(3)
	for i := range o.Tickets {
		o.Tickets[i] = sim.TixstockTicket{PDF: sim.TicketPDF(fmt.Sprint(o.OrderID, i))}
	}
	for i, want := range []string{"Approved", "Approved", "Delivered"} {
		for range 2 {
			if got := s.tixstock(t, "tixstock", o.ETicket(i)); got.OrderStatus != want || !got.Success {
				t.Errorf("ticket %d: got %+v; want %s", i, got, want)
			}
		}
	}
	s.awaitState(t, "order:tixstock:"+o.OrderID, "fulfilled")
}

func TestMobileTicketsComeAsProofs(t *testing.T) {
	s := setup(t)
	o := s.sold(1)
	o.Kind = sim.TixstockMobile
	o.Tickets[0].PDF, o.Tickets[0].Proofs = nil, []string{"https://proofs.example.com/" + o.OrderID}
	if got := s.tixstock(t, "tixstock", o.MobileTicket(0)); got.OrderStatus != "Delivered" || !got.Success {
		t.Errorf("got %+v; want Delivered", got)
	}
	if n := s.documents(t, "order:tixstock:"+o.OrderID); n != 1 {
		t.Errorf("got %d documents; want the proof", n)
	}
	inv := s.attached(t, o.OrderID, "proof 1 of "+o.Tickets[0].Row+" "+o.Tickets[0].Seat)
	if len(inv.Files) == 1 && inv.Files[0].URL != o.Tickets[0].Proofs[0] {
		t.Errorf("got %+v; want the link", inv.Files)
	}
}

func TestACorrectedTicketTakesTheOthersPlaceOnTheInvoice(t *testing.T) {
	s := setup(t)
	o, names := asFiles(s.sold(1))
	s.tixstock(t, "tixstock", o.ETicket(0))
	before := s.attached(t, o.OrderID, names...)
	o.Tickets[0].PDF = sim.TicketPDF("corrected " + o.OrderID)
	if got := s.tixstock(t, "tixstock", o.ETicket(0)); got.OrderStatus != "Delivered" || !got.Success {
		t.Errorf("the corrected ticket: got %+v; want Delivered, as the order was", got)
	}
	if err := until(20*time.Second, func() error {
		if inv := s.attached(t, o.OrderID, names...); len(inv.Files) > 0 && inv.Files[0].SHA256 == before.Files[0].SHA256 {
			return errors.New("the invoice has the first ticket still")
		}
		return nil
	}); err != nil {
		t.Error(err)
	}
}

// TestWhileThePOSIsDownTicketsAreTaken: it must not be an error to Tixstock that our POS is down, nor pass for delivered.
func TestWhileThePOSIsDownTicketsAreTaken(t *testing.T) {
	s := setup(t)
	o := s.sold(2)
	id := "order:tixstock:" + o.OrderID
	s.tixstock(t, "tixstock", o.ETicket(0))
	s.awaitState(t, id, "partially_fulfilled")
	if err := s.POS.SetFaults(sim.Faults{Faults: []sim.Fault{{Method: "PUT", Path: "/v1/invoices/*", Kind: sim.FaultStatus, Status: 503, Count: 1000}}}); err != nil {
		t.Fatal(err)
	}
	got := s.tixstock(t, "tixstock", o.ETicket(1))
	live, _ := s.invoices(o.OrderID)
	if err := s.POS.SetFaults(sim.Faults{}); err != nil {
		t.Fatal(err)
	}
	if got.OrderStatus != "Approved" || !got.Success || live[0].Fulfillment != "PENDING" {
		t.Errorf("got %+v, invoice %s; want success without a final status, and the invoice pending", got, live[0].Fulfillment)
	}
	s.awaitState(t, id, "fulfilled")
	if again := s.tixstock(t, "tixstock", o.ETicket(1)); again.OrderStatus != "Delivered" {
		t.Errorf("its repeat: got %+v; want Delivered", again)
	}
}

func TestATicketThatIsNoneAsksForAPerson(t *testing.T) {
	s := setup(t)
	o := s.sold(1)
	id := "order:tixstock:" + o.OrderID
	good := o.ETicket(0)
	var wire map[string]any
	if err := json.Unmarshal(good, &wire); err != nil {
		t.Fatal(err)
	}
	for i, file := range []string{"%%%", "bm90IGEgUERG"} { // no base64, no PDF
		wire["data"].(map[string]any)["file"] = file
		bad, err := json.Marshal(wire)
		if err != nil {
			t.Fatal(err)
		}
		if got := s.tixstock(t, "tixstock", bad); got.Success || got.OrderStatus != "Approved" || got.ExternalID != o.OrderID {
			t.Errorf("bad file %d: got %+v; want the document's error answer", i, got)
		}
	}
	s.awaitAttention(t, id, "ticket_unusable")
	s.keep(t, "tixstock-unusable-open", id)
	if got := s.tixstock(t, "tixstock", good); got.OrderStatus != "Delivered" {
		t.Errorf("got %+v; want Delivered once a good one came", got)
	}
	s.awaitState(t, id, "fulfilled")
}

func TestAnUnknownOrderIsKeptUntilItsInvoiceIsThere(t *testing.T) {
	s := setup(t)
	o := sim.TixstockSale(4 * s.fresh())
	o.Tickets = o.Tickets[:1]
	id := "order:tixstock:" + o.OrderID
	if got := s.tixstock(t, "tixstock", o.ETicket(0)); got.Success || got.ExternalID != o.OrderID {
		t.Errorf("got %+v; want no success: nobody knows the order", got)
	}
	s.awaitAttention(t, id, "step_not_found")
	s.keep(t, "tixstock-unknown-open", id)
	s.POS.Sell(o.OrderID, o.CustomerName, sim.POSInvoiceLine{InventoryID: "stock-" + o.OrderID, Quantity: 1, Total: sim.POSMoney{Amount: "45.00", Currency: "GBP"}})
	if err := s.order(t, id, "retry", ""); err != nil {
		t.Fatal(err)
	}
	s.awaitState(t, id, "fulfilled")
	if got := s.tixstock(t, "tixstock", o.ETicket(0)); !got.Success || got.OrderStatus != "Delivered" {
		t.Errorf("its repeat: got %+v; want Delivered", got)
	}
	s.keep(t, "tixstock-found-by-retry-open", id)
}

func TestTheAnswerComesWithoutAWorker(t *testing.T) {
	s := setup(t)
	o := s.sold(2)
	id := "order:tixstock:" + o.OrderID
	if got := s.tixstock(t, "tixstock", o.ETicket(0)); got.OrderStatus != "Approved" {
		t.Fatalf("got %+v; want Approved", got)
	}
	if err := s.worker.kill(); err != nil {
		t.Fatal(err)
	}
	begun := time.Now()
	got := s.tixstock(t, "tixstock", o.ETicket(1))
	took := time.Since(begun)
	if err := s.worker.start(); err != nil {
		t.Fatal(err)
	}
	if got.OrderStatus != "Approved" || !got.Success {
		t.Errorf("without a worker: got %+v; want success, for the ticket is stored, and no final status", got)
	}
	if took > 10*time.Second {
		t.Errorf("the answer took %s; want about the three seconds that it may wait", took)
	}
	s.awaitState(t, id, "fulfilled")
	if got := s.tixstock(t, "tixstock", o.ETicket(1)); got.OrderStatus != "Delivered" {
		t.Errorf("its repeat: got %+v; want Delivered", got)
	}
}

func TestSupplyThatIsLostAsksForAPerson(t *testing.T) {
	s := setup(t)
	o := s.sold(2)
	id := "order:tixstock-quick:" + o.OrderID
	s.tixstock(t, "tixstock-quick", o.ETicket(0))
	if got := s.tixstock(t, "tixstock-quick", o.Update("Cancelled")); got.OrderStatus != "Cancelled" || !got.Success {
		t.Errorf("got %+v; want our own status, cancelled", got)
	}
	s.awaitAttention(t, id, "supply_lost")
	if live, _ := s.invoices(o.OrderID); len(live) != 1 {
		t.Fatal("our customer's invoice was voided without anybody's word")
	}
	s.keep(t, "tixstock-supply-lost-open", id)
	if err := s.order(t, id, "cancel", ""); err != nil {
		t.Fatal(err)
	}
	if err := until(30*time.Second, func() error {
		if live, _ := s.invoices(o.OrderID); len(live) != 0 {
			return fmt.Errorf("%d invoices are live", len(live))
		}
		return nil
	}); err != nil {
		t.Error(err)
	}
	s.awaitClosed(t, id)
	s.keep(t, "tixstock-cancelled", id)
}

func TestATicketOfManyMegabytesIsTaken(t *testing.T) {
	s := setup(t)
	o := s.sold(1)
	pdf := sim.TicketPDF("large")
	end := bytes.LastIndex(pdf, []byte("startxref"))
	o.Tickets[0].PDF = bytes.Join([][]byte{pdf[:end], []byte("%"), bytes.Repeat([]byte("x"), 17<<20), []byte("\n"), pdf[end:]}, nil)
	if got := s.tixstock(t, "tixstock", o.ETicket(0)); got.OrderStatus != "Delivered" || !got.Success {
		t.Errorf("got %+v; want Delivered", got)
	}
}

func TestTixstocksOtherWebhooksAreAnswered(t *testing.T) {
	s := setup(t)
	for name, c := range map[string]struct {
		body []byte
		want string
	}{
		"hold":          {sim.TixstockHold("15454542", 2), `"success":true`},
		"release":       {sim.TixstockRelease("15454542", 2), `"success":true`},
		"delete":        {sim.TixstockDelete("15454542"), `"success":true`},
		"event update":  {sim.TixstockEventUpdate("77", "The Paper Comets", time.Now()), `"event_id":"77"`},
		"event cancel":  {sim.TixstockEventCancel("77"), `"event_found"`},
		"broker closed": {sim.TixstockBroker("9", false), `"success":"true"`},
	} {
		code, raw := s.send(t, "tixstock", sim.TixstockHeader("e2e-tixstock-token", c.body), c.body)
		if code != http.StatusOK || !bytes.Contains(raw, []byte(c.want)) {
			t.Errorf("%s: got %d %s; want 200 with %s", name, code, raw, c.want)
		}
	}
	body := sim.TixstockDelete("15454542")
	if code, raw := s.send(t, "tixstock", sim.TixstockHeader("another-token", body), body); code != http.StatusUnauthorized || !bytes.Contains(raw, []byte("message")) {
		t.Errorf("a wrong signature: got %d %s; want 401 with a message", code, raw)
	}
}
