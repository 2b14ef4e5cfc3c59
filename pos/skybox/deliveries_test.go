package skybox_test

import (
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"willcall/pos"
	"willcall/pos/skybox"
	"willcall/sim"
)

// complete sets an invoice to COMPLETE, as a person does who has delivered it.
func complete(t *testing.T, c *skybox.Client, id string) {
	t.Helper()
	if _, err := c.SetFulfillment(t.Context(), pos.Op{Key: "f"}, id, pos.FulfillmentInput{State: pos.Complete}); err != nil {
		t.Fatalf("SetFulfillment: got %v; want no error", err)
	}
}

// What a person did in SkyBox is told by the status and the delivery method together, and by nothing less.
func TestDeliveriesByHand(t *testing.T) {
	t.Parallel()
	for method, want := range map[string]*pos.Delivery{
		"WILLCALL":        {Form: pos.FormWillCall},
		"OFFICE_PICKUP":   {Form: pos.FormWillCall},
		"UPS":             {Form: pos.FormParcel, Carrier: "UPS"},
		"FEDEX":           {Form: pos.FormParcel, Carrier: "FedEx"},
		"USPS":            {Form: pos.FormParcel, Carrier: "USPS"},
		"COURIER":         {Form: pos.FormParcel, Carrier: "courier"},
		"MOBILE_DELIVERY": {Form: pos.FormTransfer},
		"EMAIL":           nil,
		"PAPERLESS":       nil,
		"MEETANDGREET":    nil,
		"FLASHSEATS":      nil,
		"OTHER":           nil,
	} {
		t.Run(method, func(t *testing.T) {
			t.Parallel()
			c, _, _, _ := simulated(t, kind{cfg: skybox.Config{ReadDeliveries: true, DeliveryMethod: method}})
			inv := sell(t, c, "ord", twoLines(buyer(t, c)))
			if got, err := c.GetDeliveries(t.Context(), inv.ID); err != nil || len(got) != 0 {
				t.Errorf("GetDeliveries while pending: got %+v, %v; want none", got, err)
			}
			complete(t, c, inv.ID)
			var all []pos.Delivery
			for _, l := range inv.Lines {
				if want != nil {
					d := *want
					d.LineID, d.TicketIDs = l.ID, l.TicketIDs
					all = append(all, d)
				}
			}
			if got, err := c.GetDeliveries(t.Context(), inv.ID); err != nil || !reflect.DeepEqual(got, all) {
				t.Errorf("GetDeliveries: got %+v, %v; want %+v", got, err, all)
			}
		})
	}
}

func TestDeliveriesAreOfTheLiveLines(t *testing.T) {
	t.Parallel()
	c, s, _, _ := simulated(t, kind{cfg: skybox.Config{ReadDeliveries: true}})
	inv := sell(t, c, "ord", twoLines(buyer(t, c)))
	s.PutFile(44001, "44/1 ä.pdf", []byte("%PDF-1.4 first"))
	s.PutFile(45001, "45.pdf", []byte("%PDF-1.4 second"))
	complete(t, c, inv.ID)
	void := pos.VoidInput{Reason: "one fewer"}
	if _, err := c.VoidInvoiceLines(t.Context(), pos.Op{Key: "v"}, inv.ID, []string{inv.Lines[1].ID}, void); err != nil {
		t.Fatalf("VoidInvoiceLines: got %v; want no error", err)
	}
	got, err := c.GetDeliveries(t.Context(), inv.ID)
	want := []pos.Delivery{{
		Form: pos.FormFile, LineID: inv.Lines[0].ID, TicketIDs: []string{"44001"}, Name: "44/1 ä.pdf", MediaType: "application/pdf",
		Content: []byte("%PDF-1.4 first"),
	}}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("GetDeliveries: got %+v, %v; want %+v", got, err, want)
	}
	if _, err := c.VoidInvoice(t.Context(), pos.Op{Key: "v"}, inv.ID, void); err != nil {
		t.Fatalf("VoidInvoice: got %v; want no error", err)
	}
	if got, err := c.GetDeliveries(t.Context(), inv.ID); err != nil || len(got) != 0 {
		t.Errorf("GetDeliveries of a void invoice: got %+v, %v; want none", got, err)
	}
}

// Nothing that could be another's ticket, or no ticket, is given to a buyer.
func TestFilesThatAreNotClear(t *testing.T) {
	t.Parallel()
	ticket := func(id, file, stock string) string {
		return fmt.Sprintf(`{"id":%s,"inventoryId":44,"seatNumber":1,"status":"SOLD","stockType":%q,"fileName":%q}`, id, stock, file)
	}
	pdf := base64.StdEncoding.EncodeToString([]byte("%PDF-1.4"))
	const mobile = "MOBILE_TRANSFER"
	two := strings.Replace(invoiceJSON, `"cancelled":false}]`, `"cancelled":false},{"id":79,"quantity":1,"amount":1.0,"lineItemType":"INVENTORY",`+
		`"itemIds":[502],"inventory":{"id":44},"cancelled":false}]`, 1)
	for name, test := range map[string]struct {
		invoice, first, second string // the second is of line 79
		asset                  string
		want                   pos.Class
		tickets                int // of the one delivery; -1 = none
	}{
		"One":             {invoiceJSON, ticket("501", "a.pdf", mobile), ``, pdf, "", 1},
		"OneOfTwo":        {invoiceJSON, ticket("501", "a.pdf", mobile) + `,` + ticket("502", "", mobile), ``, pdf, "", 1},
		"AllOfALine":      {invoiceJSON, ticket("501", "a.pdf", mobile) + `,` + ticket("502", "a.pdf", mobile), ``, pdf, "", 0},
		"SomeOfALine":     {invoiceJSON, ticket("501", "a.pdf", mobile) + `,` + ticket("502", "a.pdf", mobile) + `,` + ticket("503", "", mobile), ``, pdf, pos.Unsupported, 0},
		"OfTwoLines":      {two, ticket("501", "a.pdf", mobile), ticket("502", "a.pdf", mobile), pdf, pos.Unsupported, 0},
		"NotThere":        {invoiceJSON, ticket("501", "a.pdf", mobile), ``, "", pos.Transient, 0},
		"NoPDF":           {invoiceJSON, ticket("501", "a.pdf", mobile), ``, base64.StdEncoding.EncodeToString([]byte("<html>")), pos.Transient, 0},
		"NotEncoded":      {invoiceJSON, ticket("501", "a.pdf", mobile), ``, "%PDF-1.4", pos.Transient, 0},
		"EmptyString":     {invoiceJSON, ticket("501", "a.pdf", mobile), ``, `""`, pos.Transient, 0},
		"JSONString":      {invoiceJSON, ticket("501", "a.pdf", mobile), ``, `"` + pdf + `"`, "", 1},
		"AnotherPath":     {invoiceJSON, ticket("501", "..", mobile), ``, pdf, pos.Unsupported, 0},
		"StatusVoid":      {strings.NewReplacer("PENDING", "COMPLETE", "UNPAID", "VOID").Replace(invoiceJSON), ticket("501", "a.pdf", mobile), ``, pdf, "", -1},
		"HardNotTransfer": {strings.Replace(invoiceJSON, "PENDING", "COMPLETE", 1), ticket("501", "", "HARD"), ``, pdf, "", -1},
		"MixedStock":      {strings.Replace(invoiceJSON, "PENDING", "COMPLETE", 1), ticket("501", "", mobile) + `,` + ticket("502", "", "HARD"), ``, pdf, "", -1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := answers{
				"GET /invoices/77":                  strings.Replace(test.invoice, `"notes"`, `"deliveryMethod":"MOBILE_DELIVERY","notes"`, 1),
				"GET /invoices/77/lines/78/tickets": `[` + test.first + `]`,
				"GET /invoices/77/lines/79/tickets": `[` + test.second + `]`,
			}
			if test.asset != "" {
				a["GET /assets/a.pdf"] = test.asset
			}
			c := serveWith(t, settings(skybox.Config{ReadDeliveries: true}), a.ServeHTTP)
			got, err := c.GetDeliveries(t.Context(), "77")
			if test.want != "" {
				wantClass(t, "GetDeliveries", err, test.want)
				if err != nil && strings.Contains(err.Error(), "a.pdf") {
					t.Errorf("GetDeliveries: got %v; want no name of a file in it", err)
				}
				return
			}
			switch {
			case err != nil:
				t.Errorf("GetDeliveries: got %v; want no error", err)
			case test.tickets < 0 && len(got) != 0:
				t.Errorf("GetDeliveries: got %+v; want none", got)
			case test.tickets >= 0 && (len(got) != 1 || len(got[0].TicketIDs) != test.tickets || got[0].LineID != "78" || string(got[0].Content) != "%PDF-1.4"):
				t.Errorf("GetDeliveries: got %+v; want one file of %d named tickets", got, test.tickets)
			}
		})
	}
}

// An invoice that a person set to COMPLETE keeps the time and the name of that person: it is not written again.
func TestFulfillmentIsNotWrittenTwice(t *testing.T) {
	t.Parallel()
	c, s, _, _ := simulated(t, kind{})
	inv := sell(t, c, "ord", twoLines(buyer(t, c)))
	complete(t, c, inv.ID)
	before := len(s.Log())
	complete(t, c, inv.ID)
	if after := len(s.Log()); after != before {
		t.Errorf("writes of the second: got %d; want none", after-before)
	}
	// Half void by a person's hand is not to be delivered either.
	a := answers{"GET /invoices/77": strings.Replace(invoiceJSON, "UNPAID", "VOID", 1)}
	_, err := serve(t, a.ServeHTTP).SetFulfillment(t.Context(), pos.Op{Key: "f"}, "77", pos.FulfillmentInput{State: pos.Complete})
	wantClass(t, "SetFulfillment of an invoice with the status VOID", err, pos.Invalid)
}

// A status that SkyBox took and does not show is not taken for set.
func TestFulfillmentThatDoesNotStick(t *testing.T) {
	t.Parallel()
	a := answers{"GET /invoices/77": invoiceJSON, "PUT /invoices/bulk": ``}
	_, err := serve(t, a.ServeHTTP).SetFulfillment(t.Context(), pos.Op{Key: "f"}, "77", pos.FulfillmentInput{State: pos.Complete})
	wantClass(t, "SetFulfillment", err, pos.OutcomeUnknown)
}

// A void of lines that broke off at any of its writes is finished by the next, in both of its kinds, and leaves the other lines.
func TestVoidOfLinesIsFinishedAfterABreakAtEachStep(t *testing.T) {
	t.Parallel()
	for _, second := range []int{200, 404, 400} {
		for name, fault := range map[string]sim.Fault{
			"delete": {Method: "DELETE", Path: "/invoices/*"}, "later delete": {Method: "DELETE", Path: "/invoices/ID/lines/LINE"},
			"cancel": {Method: "POST", Path: "/lines/*"}, "restocked status": {Method: "PUT", Path: "/invoices/bulk"},
			"status": {Method: "PUT", Path: "/invoices/bulk"},
		} {
			for _, how := range []string{sim.FaultLostAnswer, sim.FaultRefuseBefore, sim.FaultStatus, sim.FaultPartial} {
				if how == sim.FaultPartial && name != "cancel" {
					continue
				}
				t.Run(fmt.Sprintf("%d/%s/%s", second, name, how), func(t *testing.T) {
					t.Parallel()
					restock := fault.Method == "DELETE" || name == "restocked status"
					c, s, _, _ := simulated(t, kind{opts: sim.SkyBoxOptions{SecondDelete: second}})
					in := twoLines(buyer(t, c))
					in.Lines = append(in.Lines, pos.InvoiceLine{InventoryID: "46", TicketIDs: []string{"46001"}, Quantity: 1, Total: usd(300)})
					inv := sell(t, c, "ord", in)
					fault := fault
					fault.Path = strings.NewReplacer("ID", inv.ID, "LINE", inv.Lines[1].ID).Replace(fault.Path)
					fault.Kind, fault.Count = how, 1
					if how == sim.FaultStatus {
						fault.Status = http.StatusBadGateway
					}
					setFaults(t, s, fault)
					void := pos.VoidInput{Restock: restock, Reason: "two fewer"}
					lines := []string{inv.Lines[0].ID, inv.Lines[1].ID}
					_, err := c.VoidInvoiceLines(t.Context(), pos.Op{Key: "v"}, inv.ID, lines, void)
					wantClass(t, "VoidInvoiceLines that breaks off", err, pos.OutcomeUnknown)
					var writes int
					for i := range 2 {
						if i == 1 {
							writes = len(s.Log())
						}
						got, err := c.VoidInvoiceLines(t.Context(), pos.Op{Key: "v"}, inv.ID, lines, void)
						var live []string
						for _, l := range got.Lines {
							if !l.Voided {
								live = append(live, l.ID)
							}
						}
						if err != nil || got.Voided || len(live) != 1 || live[0] != inv.Lines[2].ID {
							t.Fatalf("VoidInvoiceLines again: got %+v, %v; want the third line left", got, err)
						}
					}
					if n := len(s.Log()) - writes; n != 0 {
						t.Errorf("writes after it was done: got %d; want none", n)
					}
					for group, left := range map[string]int{"44": 8, "45": 8, "46": 7} {
						if group != "46" && !restock {
							left = 7
						}
						if g, err := c.GetInventory(t.Context(), group); err != nil || g.Quantity != left {
							t.Errorf("group %s: got %d, %v; want %d", group, g.Quantity, err, left)
						}
					}
					var notes int
					for _, w := range s.Log() {
						if w.Method == "PUT" && w.Path == "/invoices/bulk" && w.Outcome == "updated" {
							notes++
						}
					}
					if notes != 1 {
						t.Errorf("status and note: got them %d times; want once", notes)
					}
				})
			}
		}
	}
}

// A line that SkyBox ended by its word and shows live is not taken for void.
func TestLineThatDoesNotGo(t *testing.T) {
	t.Parallel()
	a := answers{"GET /invoices/77": invoiceJSON, "PUT /invoices/bulk": ``, "DELETE /invoices/77/lines/78": ``, "POST /lines/invoice/bulk-cancel": ``}
	for _, restock := range []bool{true, false} {
		_, err := serve(t, a.ServeHTTP).VoidInvoiceLines(t.Context(), pos.Op{Key: "v"}, "77", []string{"78"}, pos.VoidInput{Restock: restock, Reason: "r"})
		wantClass(t, "VoidInvoiceLines", err, pos.OutcomeUnknown)
	}
}

// After lines the rest goes as a whole invoice does, with the reason of the last void.
func TestVoidOfTheLastLinesIsThatOfTheInvoice(t *testing.T) {
	t.Parallel()
	for _, restock := range []bool{true, false} {
		c, _, _, _ := simulated(t, kind{})
		inv := sell(t, c, "ord", twoLines(buyer(t, c)))
		for i, reason := range []string{"one fewer", "all of it"} {
			got, err := c.VoidInvoiceLines(t.Context(), pos.Op{Key: "v"}, inv.ID, []string{inv.Lines[i].ID}, pos.VoidInput{Restock: restock, Reason: reason})
			if err != nil || got.Voided != (i == 1) || got.Voided && got.VoidReason != reason {
				t.Errorf("VoidInvoiceLines %d: got %+v, %v; want it void %v", i, got, err, i == 1)
			}
		}
	}
}

// A sale of another number must not stop this one, however SkyBox's filter matches.
func TestSalesAreFoundByTheirExactNumber(t *testing.T) {
	t.Parallel()
	for _, matching := range []string{"", "prefix", "contains"} {
		c, _, _, _ := simulated(t, kind{opts: sim.SkyBoxOptions{Matching: matching, IgnoreCase: true}})
		customer := buyer(t, c)
		ids := map[string]string{}
		for i, ref := range []string{"vs-471", "vs-4711", "VS-471", "x-vs-471"} {
			ids[ref] = sell(t, c, ref, pos.InvoiceInput{CustomerID: customer, Lines: []pos.InvoiceLine{
				{InventoryID: "44", TicketIDs: []string{strconv.Itoa(44001 + i)}, Quantity: 1, Total: usd(100)},
			}}).ID
		}
		got, err := c.FindInvoicesBySale(t.Context(), "vs-471")
		if err != nil || len(got) != 1 || got[0].ID != ids["vs-471"] {
			t.Errorf("%s: got %+v, %v; want %s alone", matching, got, err, ids["vs-471"])
		}
	}
}

const holdJSON = `{"id":7,"inventoryId":44,"externalRef":"ord","quantity":2,"seats":"1-2","expiryDate":"2099-01-01T00:00:00Z","createdDate":"2027-01-01T00:00:00Z"}`

func TestHoldsAreReadAsFarAsTheyCanBe(t *testing.T) {
	t.Parallel()
	group := func(kind string) string {
		return `{"id":44,"status":"AVAILABLE","quantity":3,"seatType":"` + kind + `","tickets":[{"id":501,"seatNumber":1,"status":"AVAILABLE"},` +
			`{"id":502,"seatNumber":2,"status":"AVAILABLE"},{"id":503,"seatNumber":3,"status":"AVAILABLE"}]}`
	}
	change := func(old, new string) string {
		if !strings.Contains(holdJSON, old) {
			t.Fatalf("%q is not in the hold", old)
		}
		return strings.Replace(holdJSON, old, new, 1)
	}
	for name, test := range map[string]struct {
		hold, kind string
		found      bool
		tickets    string
		err        pos.Class
	}{
		"Range":          {holdJSON, "CONSECUTIVE", true, "501 502", ""},
		"List":           {change("1-2", "1, 2"), "CONSECUTIVE", true, "501 502", ""},
		"EveryOther":     {change("1-2", "1-3"), "ALTERNATING", true, "501 503", ""},
		"TooMany":        {change("1-2", "1-3"), "CONSECUTIVE", true, "", ""},
		"PartlyThere":    {change("1-2", "2-4"), "CONSECUTIVE", true, "", ""},
		"Words":          {change("1-2", "one and two"), "CONSECUTIVE", true, "", ""},
		"NoSeats":        {change(`"seats":"1-2",`, ``), "CONSECUTIVE", true, "", ""},
		"UnknownSeats":   {change("1-2", "8-9"), "CONSECUTIVE", true, "", ""},
		"HugeRange":      {change("1-2", "1-999999999"), "CONSECUTIVE", true, "", ""},
		"OtherReference": {change(`"ord"`, `"ord-1"`), "CONSECUTIVE", false, "", ""},
		"OtherCase":      {change(`"ord"`, `"ORD"`), "CONSECUTIVE", false, "", ""},
		"Removed":        {change(`"quantity"`, `"removedDate":"2027-01-01T00:00:00Z","quantity"`), "CONSECUTIVE", false, "", ""},
		"RanOut":         {change("2099", "2020"), "CONSECUTIVE", false, "", ""},
		"NoEnd":          {change(`"2099-01-01T00:00:00Z"`, `null`), "CONSECUTIVE", false, "", pos.Transient},
		"NoQuantity":     {change(`"quantity":2,`, ``), "CONSECUTIVE", false, "", pos.Transient},
		"NoInventory":    {change(`"inventoryId":44,`, ``), "CONSECUTIVE", false, "", pos.Transient},
		"NoReference":    {change(`"ord"`, `7`), "CONSECUTIVE", false, "", pos.Transient},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := answers{"GET /holds": `[` + test.hold + `]`, "GET /inventory/44": group(test.kind)}
			got, err := serve(t, a.ServeHTTP).FindHolds(t.Context(), "ord")
			if test.err != "" {
				wantClass(t, "FindHolds", err, test.err)
				return
			}
			if err != nil || len(got) != map[bool]int{true: 1}[test.found] {
				t.Fatalf("FindHolds: got %+v, %v; want found %v", got, err, test.found)
			}
			if test.found && strings.Join(got[0].TicketIDs, " ") != test.tickets {
				t.Errorf("tickets: got %v; want %q", got[0].TicketIDs, test.tickets)
			}
		})
	}
}

func TestWhatCannotBeHeld(t *testing.T) {
	t.Parallel()
	until := time.Date(2099, 1, 1, 0, 0, 0, 0, time.UTC)
	for name, test := range map[string]struct {
		tickets  []string
		quantity int
		group    string // that it is of
		want     pos.Class
	}{
		"NotSideBySide":  {[]string{"44001", "44003"}, 2, "44", pos.Unsupported},
		"OneTwice":       {[]string{"44001", "44001"}, 2, "44", pos.Unsupported},
		"OfAnotherGroup": {[]string{"45001"}, 1, "44", pos.NotFound},
		"Sold":           {[]string{"44008"}, 1, "44", pos.Unavailable},
		"Held":           {[]string{"44007"}, 1, "44", pos.Unavailable},
		"TooMany":        {nil, 7, "44", pos.Unavailable},
		"UnknownGroup":   {nil, 1, "49", pos.NotFound},
		"None":           {nil, 0, "44", pos.Invalid},
		"FewerThanNamed": {[]string{"44001", "44002"}, 1, "44", pos.Invalid},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, s, _, _ := simulated(t, kind{})
			sell(t, c, "sold", pos.InvoiceInput{CustomerID: buyer(t, c), Lines: []pos.InvoiceLine{
				{InventoryID: "44", TicketIDs: []string{"44008"}, Quantity: 1, Total: usd(100)},
			}})
			held := pos.HoldInput{InventoryID: "44", TicketIDs: []string{"44007"}, Quantity: 1, Until: until}
			if _, err := c.PlaceHold(t.Context(), pos.Op{Key: "h", Ref: "held"}, held); err != nil {
				t.Fatalf("PlaceHold: got %v; want no error", err)
			}
			_, err := c.PlaceHold(t.Context(), pos.Op{Key: "k", Ref: "r"},
				pos.HoldInput{InventoryID: test.group, TicketIDs: test.tickets, Quantity: test.quantity, Until: until})
			wantClass(t, "PlaceHold", err, test.want)
			if n := len(s.State().Holds); n != 1 {
				t.Errorf("holds: got %d; want the first alone", n)
			}
			_, err = c.CreateInvoice(t.Context(), pos.Op{Key: "k", Ref: "r"}, pos.InvoiceInput{CustomerID: buyer(t, c), Lines: []pos.InvoiceLine{
				{InventoryID: "44", TicketIDs: []string{"44007"}, Quantity: 1, Total: usd(100)},
			}})
			wantClass(t, "CreateInvoice of a held seat", err, pos.Unavailable)
		})
	}
}

// A sale that names no tickets leaves those of holds to their holders, and asks for holds only where the group has fewer than its
// tickets make out.
func TestSalePicksTicketsThatNobodyHolds(t *testing.T) {
	t.Parallel()
	group := func(quantity string) string {
		return `{"id":44,"status":"AVAILABLE","quantity":` + quantity + `,"tickets":[{"id":501,"seatNumber":1,"status":"AVAILABLE"},` +
			`{"id":502,"seatNumber":2,"status":"AVAILABLE"},{"id":503,"seatNumber":3,"status":"AVAILABLE"}]}`
	}
	hold := func(old, new string) string { return "[" + strings.Replace(holdJSON, old, new, 1) + "]" }
	const noHolds, asked = "GET /inventory/44, POST /invoices", "GET /inventory/44, GET /holds?inventoryId=44&limit=50, POST /invoices"
	for name, test := range map[string]struct {
		quantity, holds string
		lines           int
		itemIDs, calls  string // "" is an error
		want            pos.Class
	}{
		"NoHolds":       {"3", "503", 1, "[501]", noHolds, ""},
		"Held":          {"1", hold("", ""), 1, "[503]", asked, ""},
		"HeldToTheLast": {"1", hold("", ""), 2, "", "", pos.Unavailable},
		"Removed":       {"2", hold(`"quantity"`, `"removedDate":"2027-01-01T00:00:00Z","quantity"`), 1, "[501]", asked, ""},
		"RanOut":        {"2", hold("2099", "2020"), 1, "[501]", asked, ""},
		"OfAnother":     {"2", hold(`"inventoryId":44`, `"inventoryId":45`), 1, "[501]", asked, ""},
		"Untold":        {"2", hold(`"seats":"1-2",`, ``), 1, "[501]", asked, ""},
		"Unreadable":    {"2", hold(`"quantity":2`, `"quantity":"many"`), 1, "[501]", asked, ""},
		"Found":         {"2", `[]`, 1, "[501]", asked, ""},
		"Unseen":        {"2", "503", 1, "", "", pos.Transient},
		"Throttled":     {"2", "429", 1, "", "", pos.RateLimited},
		"NoSuchPath":    {"2", "404", 1, "", "", pos.Transient},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := answers{"POST /invoices": invoiceJSON, "GET /inventory/44": group(test.quantity), "GET /holds": test.holds}
			if test.holds == "404" {
				delete(a, "GET /holds")
			}
			var mu sync.Mutex
			var calls []string
			var sold string
			c := serve(t, func(w http.ResponseWriter, r *http.Request) {
				mu.Lock()
				defer mu.Unlock()
				calls = append(calls, r.Method+" "+r.URL.RequestURI())
				if r.Method == http.MethodPost {
					body, _ := io.ReadAll(r.Body)
					_, sold, _ = strings.Cut(string(body), `"itemIds":`)
				}
				a.ServeHTTP(w, r)
			})
			in := oneTicket()
			in.Lines[0].TicketIDs, in.Lines[0].Quantity = nil, test.lines
			_, err := c.CreateInvoice(t.Context(), pos.Op{Key: "k", Ref: "ord"}, in)
			mu.Lock()
			defer mu.Unlock()
			if test.want != "" {
				wantClass(t, "CreateInvoice", err, test.want)
				if sold != "" {
					t.Error("a sale was written; want none")
				}
				return
			}
			if got := strings.Join(calls, ", "); err != nil || !strings.HasPrefix(sold, test.itemIDs) || got != test.calls {
				t.Errorf("got %s of %s, %v; want %s of %s", got, sold, err, test.calls, test.itemIDs)
			}
		})
	}
}

// A forced sale passes over holds: it is made of the hold's own tickets, or not at all.
func TestSaleOutOfAHoldTakesNobodyElsesSeats(t *testing.T) {
	t.Parallel()
	until := time.Date(2099, 1, 1, 0, 0, 0, 0, time.UTC)
	for name, test := range map[string]struct {
		untold bool
		line   pos.InvoiceLine
		over   bool
		want   pos.Class
	}{
		"Named":      {line: pos.InvoiceLine{InventoryID: "44", TicketIDs: []string{"44004"}, Quantity: 1}},
		"Picked":     {line: pos.InvoiceLine{InventoryID: "44", Quantity: 2}},
		"TooMany":    {line: pos.InvoiceLine{InventoryID: "44", Quantity: 3}, want: pos.Unavailable},
		"Others":     {line: pos.InvoiceLine{InventoryID: "44", TicketIDs: []string{"44001"}, Quantity: 1}, want: pos.Unavailable},
		"OtherGroup": {line: pos.InvoiceLine{InventoryID: "45", Quantity: 1}, want: pos.Unsupported},
		"Untold":     {untold: true, line: pos.InvoiceLine{InventoryID: "44", Quantity: 2}, want: pos.Unsupported},
		"Over":       {over: true, line: pos.InvoiceLine{InventoryID: "44", Quantity: 2}, want: pos.Unavailable},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, s, _, _ := simulated(t, kind{opts: sim.SkyBoxOptions{SeatsUntold: test.untold, OldHolds: true}})
			customer := buyer(t, c)
			var holds []pos.Hold
			for _, ref := range []string{"theirs", "ours"} {
				h, err := c.PlaceHold(t.Context(), pos.Op{Key: ref, Ref: ref}, pos.HoldInput{InventoryID: "44", Quantity: 2, Until: until})
				if err != nil {
					t.Fatalf("PlaceHold: got %v; want no error", err)
				}
				holds = append(holds, h)
			}
			if test.over {
				if err := c.ReleaseHold(t.Context(), pos.Op{Key: "r"}, holds[1].ID); err != nil {
					t.Fatalf("ReleaseHold: got %v; want no error", err)
				}
			}
			test.line.Total = usd(100)
			got, err := c.CreateInvoice(t.Context(), pos.Op{Key: "k", Ref: "r"},
				pos.InvoiceInput{CustomerID: customer, HoldID: holds[1].ID, Lines: []pos.InvoiceLine{test.line}})
			if test.want != "" {
				wantClass(t, "CreateInvoice", err, test.want)
				if n := len(s.State().Invoices); n != 0 {
					t.Errorf("invoices: got %d; want none", n)
				}
				return
			}
			if err != nil || len(got.Lines) != 1 || strings.Trim(strings.Join(got.Lines[0].TicketIDs, " "), "4 03") != "" {
				t.Errorf("CreateInvoice: got %+v, %v; want tickets 44003 and 44004 alone", got, err)
			}
		})
	}
}

// What SkyBox answers to a hold that is gone is not known; one that stays is not taken for released.
func TestReleaseAsksWhenItIsRefused(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		hold string
		want pos.Class
	}{
		"Gone":    {``, ""},
		"Removed": {strings.Replace(holdJSON, `"quantity"`, `"removedDate":"2027-01-01T00:00:00Z","quantity"`, 1), ""},
		"There":   {holdJSON, pos.Invalid},
		"Unseen":  {"503", pos.Invalid},
	} {
		a := answers{"DELETE /holds/7": "400{}"}
		if test.hold != "" {
			a["GET /holds/7"] = test.hold
		}
		err := serve(t, a.ServeHTTP).ReleaseHold(t.Context(), pos.Op{Key: "r"}, "7")
		if test.want == "" && err != nil {
			t.Errorf("%s: got %v; want no error", name, err)
		} else if test.want != "" {
			wantClass(t, name, err, test.want)
		}
	}
}
