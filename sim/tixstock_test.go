package sim

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"
)

func TestTixstockWebhooksAreTheDocumentedOnes(t *testing.T) {
	t.Parallel()
	seated := TixstockOrder{Tickets: []TixstockTicket{{Row: "V", Seat: "100", PDF: []byte("%PDF-x")}, {Row: "V", Seat: "101"}}}
	ga := TixstockOrder{Tickets: []TixstockTicket{{PDF: []byte("%PDF-x")}}}
	const file = `"file":"JVBERi14","proof_file_url":[]}`
	for name, c := range map[string]struct {
		got  []byte
		want string
	}{
		"Seated": {
			seated.ETicket(0),
			`{"data":{"order_id":"3434341233","id":"15454542","general_admission":0,"row":"V","seat":"100",` + file + `,"meta":{"type":"order.eticket_fulfilment"}}`,
		},
		"GeneralAdmission": {
			ga.ETicket(0),
			`{"data":{"order_id":"3434341233","id":"15454542","general_admission":1,"row":null,"seat":null,` + file + `,"meta":{"type":"order.eticket_fulfilment"}}`,
		},
		"MobileHasProofs": {
			TixstockOrder{}.MobileTicket(1),
			`{"data":{"order_id":"3434341233","id":"15454542","general_admission":0,"row":"V","seat":"101","file":"",` +
				`"proof_file_url":["https:\/\/proofs.example.com\/3434341233\/2.png"]},"meta":{"type":"order.mobile_ticket_fulfilment"}}`,
		},
		"MobileLink": {
			TixstockOrder{Tickets: []TixstockTicket{{Row: "V", Seat: "1", Proofs: []string{}}}}.MobileLink(0),
			`{"data":{"order_id":"3434341233","id":"15454542","general_admission":0,"row":"V","seat":"1","file":"","proof_file_url":[]},` +
				`"meta":{"type":"order.mobile_link_ticket_fulfilment"}}`,
		},
		"UpdateNamesTheOrderAsID": {
			TixstockOrder{}.Update("Rejected"),
			`{"data":{"id":"3434341233","status":"Rejected","items":[{"listing_id":"15454542","quantity":2,"general_admission":"false","price":"45.00"}]},` +
				`"meta":{"type":"order.update"}}`,
		},
		"Hold":        {TixstockHold("15454542", 2), `{"data":{"external_id":"15454542","hold_quantity":2},"meta":{"type":"ticket.hold"}}`},
		"Release":     {TixstockRelease("15454542", 2), `{"data":{"external_id":"15454542","release_quantity":2},"meta":{"type":"ticket.release"}}`},
		"Delete":      {TixstockDelete("15454542"), `{"data":{"listing_id":"15454542"},"meta":{"type":"ticket.delete"}}`},
		"EventCancel": {TixstockEventCancel("7"), `{"data":{"id":"7"},"meta":{"type":"event.cancel"}}`},
		"EventUpdate": {
			TixstockEventUpdate("7", "Café & <Bar> 🎭", testNow),
			`{"data":{"id":"7","name":"Caf\u00e9 & <Bar> \ud83c\udfad","datetime":"2026-06-02T09:00:00Z"},"meta":{"type":"event.update"}}`,
		},
		"BrokerOpen":   {TixstockBroker("3", true), `{"data":{"broker_id":"3"},"meta":{"type":"broker.open"}}`},
		"BrokerClosed": {TixstockBroker("3", false), `{"data":{"broker_id":"3"},"meta":{"type":"broker.closed"}}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if string(c.got) != c.want {
				t.Errorf("got  %s\nwant %s", c.got, c.want)
			}
		})
	}
	if got := TixstockSale(3); got.Tickets[0].Row != "" || TixstockSale(2).Kind != TixstockMobile || !reflect.DeepEqual(got, TixstockSale(3)) {
		t.Errorf("got %+v; want general admission, the same on every call", got)
	}
	one, two := TixstockSale(3), TixstockSale(7)
	if len(one.Tickets) < 2 {
		one = two
	}
	if len(one.Tickets) > 1 && bytes.Equal(one.ETicket(0), one.ETicket(1)) {
		t.Error("two tickets of general admission are the same bytes; want files of their own")
	}
}

// TestTixstockSignature holds the signature against what `openssl dgst -sha256 -hmac dev-tixstock-token` makes of the same bytes.
func TestTixstockSignature(t *testing.T) {
	t.Parallel()
	body := `{"data":{"order_id":"3434341233","proof_file_url":["https:\/\/proof.example.com\/1"]},"meta":{"type":"order.eticket_fulfilment"}}`
	const want = "9f66c1412e6e1aeb780931544e858242e9afc417b3b3c088f2238a8e6c204a72"
	h := TixstockHeader("dev-tixstock-token", []byte(body))
	for name, want := range map[string]string{
		"X-Tixstock-Signature": want, "Tixstock-Version": "v1", "User-Agent": "Tixstock API", "Content-Type": "application/json",
	} {
		if got := h.Get(name); got != want {
			t.Errorf("%s: got %s; want %s", name, got, want)
		}
	}
}

func TestTicketPDFHasTrueOffsets(t *testing.T) {
	t.Parallel()
	pdf := TicketPDF(`A (B) \ é`)
	if !bytes.HasPrefix(pdf, []byte("%PDF-1.4\n")) || !bytes.HasSuffix(pdf, []byte("%%EOF\n")) {
		t.Fatalf("got %q", pdf)
	}
	if !bytes.Contains(pdf, []byte(`(A \(B\) \\ ?) Tj`)) {
		t.Errorf("the text is not escaped: %q", pdf)
	}
	text := string(pdf)
	at := func(s string, from int) int { return from + strings.Index(text[from:], s) }
	start, err := strconv.Atoi(strings.Fields(text[at("startxref", 0):])[1])
	if err != nil || !strings.HasPrefix(text[start:], "xref\n0 6\n") {
		t.Fatalf("startxref: got %d, %v; want where the table is", start, err)
	}
	for i, line := range strings.Split(text[start:], "\n")[3:8] {
		offset, err := strconv.Atoi(line[:10])
		if want := fmt.Sprintf("%d 0 obj\n", i+1); err != nil || !strings.HasPrefix(text[offset:], want) || len(line) != 19 {
			t.Errorf("line %q, %v: want the offset of %q", line, err, want)
		}
	}
}

func TestTixstockStatusFollowsTheAnswer(t *testing.T) {
	t.Parallel()
	x := NewTixstock(TixstockOptions{Token: "t", Now: func() time.Time { return testNow }})
	o := TixstockSale(0)
	x.Put(o)
	for _, c := range []struct {
		name    string
		webhook []byte
		http    int
		answer  string
		valid   bool
		status  string
	}{
		{"NotYet", o.ETicket(0), 200, `{"external_id":"1","order_status":"Accepted","message":"m","success":true}`, true, "Accepted"},
		{"NoStatus", o.ETicket(0), 200, `{"success":true}`, false, "Accepted"},
		{"NoJSON", o.ETicket(0), 200, `ok`, false, "Accepted"},
		{"Refused", o.ETicket(0), 401, `{"order_status":"Delivered","success":false}`, true, "Accepted"},
		{"AlsoOnFailure", o.ETicket(1), 200, `{"order_status":"On hold","message":"m","success":false}`, true, "On hold"},
		{"Update", o.Update("Delivered"), 200, `{"order_status":"Delivered","success":true}`, true, "Delivered"},
		{"NotAboutAnOrder", TixstockBroker("3", false), 200, `{"broker_id":"3","success":"true"}`, true, "Delivered"},
	} {
		a := x.Answered(c.webhook, c.http, []byte(c.answer))
		got, _ := x.Order(o.OrderID)
		if a.Valid != c.valid || got.Status != c.status || a.HTTPStatus != c.http || !a.At.Equal(testNow) {
			t.Errorf("%s: got %+v and status %s; want valid %v and %s", c.name, a, got.Status, c.valid, c.status)
		}
	}
	if got := len(x.Answers()); got != 7 {
		t.Errorf("got %d answers; want 7", got)
	}
	if raw, err := base64.StdEncoding.DecodeString(at(unjson(t, o.ETicket(0)), "data.file").(string)); err != nil || !bytes.HasPrefix(raw, []byte("%PDF-")) {
		t.Errorf("file: got %q, %v; want a PDF", raw, err)
	}
}

func TestPOSSellsInItsOwnShop(t *testing.T) {
	t.Parallel()
	p := NewPOS(POSOptions{Token: "t", Strict: true, Inventory: []POSGroup{{ID: "g", Section: "A", Row: "B", Seats: []string{"1", "2"}}}})
	price := POSMoney{"45.00", "GBP"}
	inv := p.Sell("3434341233", "Ada Sample", POSInvoiceLine{InventoryID: "g", Quantity: 2, Total: price}, POSInvoiceLine{InventoryID: "elsewhere", Total: price})
	state := p.State()
	if len(state.Invoices) != 1 || !reflect.DeepEqual(state.Invoices[0], inv) || inv.Payment != "PAID" || inv.Fulfillment != "PENDING" {
		t.Errorf("got %+v; want the one paid invoice", state.Invoices)
	}
	if len(state.Customers) != 1 || state.Customers[0].Name != "Ada Sample" || inv.CustomerID != state.Customers[0].ID {
		t.Errorf("got %+v; want the invoice's customer", state.Customers)
	}
	if got := inv.Lines; len(got[0].TicketIDs) != 2 || got[0].ID == "" || got[1].Quantity != 1 || len(got[1].TicketIDs) != 0 {
		t.Errorf("lines: got %+v", got)
	}
	if again := p.Sell("3434341233", "Ada Sample", POSInvoiceLine{InventoryID: "g", Total: price}); !reflect.DeepEqual(again, inv) {
		t.Errorf("a second time: got %+v; want the first invoice", again)
	}
	if over := p.Sell("other", "Ada Sample", POSInvoiceLine{InventoryID: "g", Quantity: 1, Total: price}); len(over.Lines) != 1 {
		t.Errorf("sold out: got %+v; want it sold all the same", over)
	}
	var log []string
	for _, w := range p.Log() {
		log = append(log, w.Method+" "+w.Outcome+" "+w.Reference)
	}
	if want := []string{"SELL created 3434341233", "SELL unchanged 3434341233", "SELL created other"}; !reflect.DeepEqual(log, want) {
		t.Errorf("got %v; want %v", log, want)
	}
}
