package sim

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// account is a SkyBox behind a real server, with one group of four seats, 44, whose tickets are 44001 to 44004.
type account struct {
	*SkyBox
	t   *testing.T
	srv *httptest.Server
}

func newAccount(t *testing.T, opts SkyBoxOptions) *account {
	t.Helper()
	opts.ApplicationToken, opts.APIToken, opts.Account = "app", "api", "9"
	opts.Inventory = []SkyBoxGroup{{ID: 44, EventID: 7, EventName: "The Sample Play", Section: "A", Row: "T", Seats: []int{1, 2, 3, 4}}}
	a := &account{t: t, SkyBox: NewSkyBox(opts)}
	a.srv = httptest.NewServer(a)
	t.Cleanup(a.srv.Close)
	return a
}

// try sends a request and decodes the answer; err is a missing one.
func (a *account) try(method, path, body string) (int, any, http.Header, error) {
	a.t.Helper()
	req, err := http.NewRequestWithContext(a.t.Context(), method, a.srv.URL+path, strings.NewReader(body))
	if err != nil {
		a.t.Fatal(err)
	}
	for name, value := range map[string]string{"X-Application-Token": "app", "X-Api-Token": "api", "X-Account": "9"} {
		req.Header.Set(name, value)
	}
	resp, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(req)
	if err != nil {
		return 0, nil, nil, err
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		return 0, nil, nil, err
	}
	var v any
	if len(raw) > 0 {
		if err := json.Unmarshal(raw, &v); err != nil {
			a.t.Fatalf("%s %s: the answer is not JSON: %v", method, path, err)
		}
	}
	return resp.StatusCode, v, resp.Header, nil
}

func (a *account) call(method, path, body string, want int) any {
	a.t.Helper()
	status, v, _, err := a.try(method, path, body)
	if err != nil || status != want {
		a.t.Fatalf("%s %s: got %d, %v (%v); want %d", method, path, status, v, err, want)
	}
	return v
}

func member(v any, name string) any {
	m, _ := v.(map[string]any)
	return m[name]
}

func whole(v any) string { return fmt.Sprintf("%.0f", v) }

const skyCustomerJSON = `{"accountId":9,"email":"ada@example.com","displayName":"Ada Sample","customerType":"RETAIL","salesTerm":"NET0",` +
	`"paymentMethod":"AR","defaultDeliveryMethod":"EMAIL","address":{"address1":"","city":"x","state":"IL","postalCode":"60601","country":"US","phone1":""}}`

func (a *account) customer() string {
	a.t.Helper()
	return whole(member(a.call("POST", "/customers", skyCustomerJSON, 200), "id"))
}

func skySale(customer, ref, tickets string) string {
	return `{"customerId":` + customer + `,"accountId":9,"externalRef":"` + ref + `","currencyCode":"USD","salesTerm":"NET0","paymentStatus":"UNPAID",` +
		`"fulfillmentStatus":"PENDING","taxAmount":0,"shippingAmount":0,"otherAmount":0,` +
		`"lines":[{"accountId":9,"lineType":"INVOICE","lineItemType":"INVENTORY","amount":240.00,"itemIds":[` + tickets + `]}]}`
}

// sold returns the ids of an invoice and of its only line.
func (a *account) sold(ref, tickets string) (invoice, line string) {
	a.t.Helper()
	inv := a.call("POST", "/invoices", skySale(a.customer(), ref, tickets), 200)
	return whole(member(inv, "id")), whole(member(member(inv, "lines").([]any)[0], "id"))
}

func (a *account) left() int {
	a.t.Helper()
	return int(member(a.call("GET", "/inventory/44", "", 200), "quantity").(float64))
}

func TestSkyBoxWantsThreeHeaders(t *testing.T) {
	t.Parallel()
	a := newAccount(t, SkyBoxOptions{})
	for _, wrong := range []string{"X-Application-Token", "X-Api-Token", "X-Account"} {
		for _, value := range []string{"", "other"} {
			req := httptest.NewRequest("GET", "/account", nil)
			for name, good := range map[string]string{"X-Application-Token": "app", "X-Api-Token": "api", "X-Account": "9"} {
				req.Header.Set(name, good)
			}
			req.Header.Set(wrong, value)
			w := httptest.NewRecorder()
			if a.ServeHTTP(w, req); w.Code != 401 {
				t.Errorf("%s %q: got %d; want 401", wrong, value, w.Code)
			}
		}
	}
	if id := member(a.call("GET", "/account", "", 200), "id"); id != 9.0 {
		t.Errorf("account: got %v; want 9", id)
	}
	w := httptest.NewRecorder()
	req := httptest.NewRequest("GET", "/account", nil)
	if NewSkyBox(SkyBoxOptions{}).ServeHTTP(w, req); w.Code != 401 {
		t.Errorf("the zero value: got %d; want 401", w.Code)
	}
}

func TestSkyBoxValidates(t *testing.T) {
	t.Parallel()
	a := newAccount(t, SkyBoxOptions{})
	customer := a.customer()
	replaced := func(text, old, with string) string {
		if !strings.Contains(text, old) {
			t.Fatalf("%q is not in %s", old, text)
		}
		return strings.Replace(text, old, with, 1)
	}
	sale, purchase := skySale(customer, "r", "44001"), skyPurchaseJSON("r")
	for _, c := range []struct{ path, body, field string }{
		{"/customers", replaced(skyCustomerJSON, `"ada@example.com"`, `""`), "email"},
		{"/customers", replaced(skyCustomerJSON, `"60601"`, `""`), "address.postalCode"},
		{"/customers", replaced(skyCustomerJSON, `"address1":"",`, ``), "address.address1"},
		{"/customers", replaced(skyCustomerJSON, `,"phone1":""`, ``), "address.phone1"},
		{"/customers", replaced(skyCustomerJSON, `"address"`, `"home"`), "address"},
		{"/customers", replaced(skyCustomerJSON, `RETAIL`, `FRIEND`), "customerType"},
		{"/invoices", replaced(sale, `"salesTerm":"NET0",`, ``), "salesTerm"},
		{"/invoices", replaced(sale, `"taxAmount":0,`, ``), "taxAmount"},
		{"/invoices", replaced(sale, `PENDING`, `UNFULFILLED`), "fulfillmentStatus"},
		{"/invoices", replaced(sale, `USD`, `KWD`), "currencyCode"},
		{"/invoices", replaced(sale, `"amount":240.00,`, ``), "lines[0].amount"},
		{"/invoices", replaced(sale, `[44001]`, `[]`), "lines[0].itemIds"},
		{"/invoices", replaced(sale, `44001`, `44009`), "lines[0].itemIds"},
		{"/invoices", replaced(sale, `44001`, `44001,44001`), "lines[0].itemIds"},
		{"/invoices", replaced(sale, `"customerId":`+customer, `"customerId":5`), "customerId"},
		{"/purchases", replaced(purchase, `"row":"T"`, `"row":""`), "lines[0].inventory.row"},
		{"/purchases", replaced(purchase, `"venueName":"x"`, `"venue":"x"`), "lines[0].inventory.eventMapping.venueName"},
		{"/purchases", replaced(purchase, `"highSeat":10`, `"highSeat":11`), "lines[0].inventory.quantity"},
		{"/purchases", replaced(purchase, `"vendorId":1000001`, `"vendorId":5`), "vendorId"},
	} {
		v, _ := a.call("POST", c.path, c.body, 400).([]any)
		if len(v) != 1 || member(v[0], "propertyPath") != c.field {
			t.Errorf("POST %s: got %v; want %s alone", c.path, v, c.field)
		}
	}
	if s := a.State(); len(s.Invoices)+len(s.PurchaseOrders) != 0 || len(s.Customers) != 1 || a.left() != 4 {
		t.Errorf("state: got %+v; want nothing written", s)
	}
}

func skyPurchaseJSON(ref string) string {
	return `{"vendorId":1000001,"externalRef":"` + ref + `","currencyCode":"USD","paymentMethod":"CREDITCARD","deliveryMethod":"EMAIL","lines":[{"accountId":9,` +
		`"quantity":2,"amount":180,"lineType":"PURCHASE","lineItemType":"INVENTORY","inventory":{"eventMapping":{"eventName":"The Sample Play","venueName":"x"},` +
		`"quantity":2,"section":"A","row":"T","lowSeat":9,"highSeat":10,"cost":180,"stockType":"MOBILE_TRANSFER","splitType":"DEFAULT","seatType":"CONSECUTIVE"}}]}`
}

func TestSkyBoxSellsASeatOnce(t *testing.T) {
	t.Parallel()
	a := newAccount(t, SkyBoxOptions{})
	a.sold("r", "44001,44002")
	a.call("POST", "/invoices", skySale(a.customer(), "r", "44003"), 200) // references may repeat
	a.call("POST", "/invoices", skySale(a.customer(), "s", "44004,44002"), 400)
	if got := a.left(); got != 1 {
		t.Errorf("left: got %d; want 1", got)
	}
	unique := newAccount(t, SkyBoxOptions{UniqueReferences: true})
	unique.sold("r", "44001")
	unique.call("POST", "/invoices", skySale(unique.customer(), "r", "44003"), 400)
}

func TestSkyBoxSearchesAsItsOptionsSay(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		opts SkyBoxOptions
		ref  string
		want int
	}{
		{SkyBoxOptions{}, "ord-1", 1}, {SkyBoxOptions{}, "ORD-1", 0}, {SkyBoxOptions{IgnoreCase: true}, "ORD-1", 1},
		{SkyBoxOptions{Matching: "prefix"}, "ord-1", 2}, {SkyBoxOptions{Matching: "prefix"}, "rd-1", 0}, {SkyBoxOptions{Matching: "contains"}, "rd-1", 2},
		{SkyBoxOptions{Rows: true}, "ord-1", 1}, {SkyBoxOptions{}, "ord-1&externalRef=ord-12", 2}, {SkyBoxOptions{PageLimit: 1, Matching: "prefix"}, "ord&pageNumber=1", 1},
		{SkyBoxOptions{Matching: "prefix", FirstPage: 1}, "ord&pageNumber=2", 0}, {SkyBoxOptions{Matching: "prefix"}, "ord&limit=1", 1},
	} {
		a := newAccount(t, c.opts)
		a.sold("ord-1", "44001")
		a.sold("ord-12", "44002")
		v := a.call("GET", "/invoices?externalRef="+c.ref, "", 200)
		if c.opts.Rows {
			v = member(v, "rows")
		}
		if list, ok := v.([]any); !ok || len(list) != c.want {
			t.Errorf("%+v, %s: got %v; want %d", c.opts, c.ref, v, c.want)
		}
	}
	a := newAccount(t, SkyBoxOptions{})
	invoice, _ := a.sold("ord", "44001,44002")
	tickets, _ := a.call("GET", "/invoices/external-ref?external-ref=ord", "", 200).([]any)
	if len(tickets) != 2 || whole(member(tickets[0], "invoiceId")) != invoice {
		t.Errorf("tickets by reference: got %v; want two of %s", tickets, invoice)
	}
	a.call("GET", "/invoices/external-ref?external-ref=or", "", 404)
	if err := a.SetFaults(Faults{SearchLag: time.Hour}); err != nil {
		t.Fatal(err)
	}
	if list, _ := a.call("GET", "/invoices?externalRef=ord", "", 200).([]any); len(list) != 0 {
		t.Errorf("a search that lags: got %v; want none", list)
	}
	a.call("GET", "/invoices/"+invoice, "", 200)
}

func TestSkyBoxEndsLinesInTwoWays(t *testing.T) {
	t.Parallel()
	for _, second := range []int{200, 404, 400} {
		a := newAccount(t, SkyBoxOptions{SecondDelete: second})
		invoice, line := a.sold("r", "44001,44002")
		a.call("DELETE", "/invoices/"+invoice+"/lines/"+line, "", 200)
		if got := a.left(); got != 4 {
			t.Errorf("after the delete: got %d left; want 4", got)
		}
		a.call("DELETE", "/invoices/"+invoice+"/lines/"+line, "", second)
		if a.State().Invoices[0].Voided {
			t.Error("an invoice without lines: got void; want it to need the status, too")
		}
		a.call("PUT", "/invoices/bulk", `{"invoiceIds":[`+invoice+`],"paymentStatus":"VOID","invoiceNote":"why"}`, 200)
		inv := a.call("GET", "/invoices/"+invoice, "", 200)
		if !a.State().Invoices[0].Voided || member(inv, "fulfillmentStatus") != "PENDING" || len(member(inv, "notes").([]any)) != 1 {
			t.Errorf("after the status: got %v; want it void, and the rest as it was", inv)
		}

		_, line = a.sold("s", "44001,44002")
		a.call("POST", "/lines/invoice/bulk-cancel", `{"lineIds":[`+line+`]}`, 200)
		if got := a.left(); got != 2 {
			t.Errorf("after the cancel: got %d left; want 2", got)
		}
		a.call("POST", "/lines/invoice/bulk-cancel", `{"lineIds":[`+line+`]}`, second)
		_, line = a.sold("t", "44003")
		a.call("POST", "/lines/bulk-delete", `{"lineIds":[`+line+`]}`, 200)
		if got := a.left(); got != 2 {
			t.Errorf("after the bulk delete: got %d left; want 2", got)
		}
		a.call("DELETE", "/invoices/"+invoice+"/lines/5", "", 400)
	}
}

func TestSkyBoxCancelOfSoldTicketsCancelsTheirPurchase(t *testing.T) {
	t.Parallel()
	a := newAccount(t, SkyBoxOptions{})
	po := a.call("POST", "/purchases", skyPurchaseJSON("po"), 200)
	tickets := member(member(member(po, "lines").([]any)[0], "inventory"), "tickets").([]any)
	_, line := a.sold("r", whole(member(tickets[0], "id"))+","+whole(member(tickets[1], "id")))
	a.call("POST", "/lines/invoice/bulk-cancel", `{"lineIds":[`+line+`]}`, 200)
	if s := a.State().PurchaseOrders; len(s) != 1 || !s[0].Voided || s[0].Lines[0].Total.Amount != "180" {
		t.Errorf("purchases: got %+v; want one, void", s)
	}
}

func TestSkyBoxPurchases(t *testing.T) {
	t.Parallel()
	a := newAccount(t, SkyBoxOptions{})
	po := a.call("POST", "/purchases", skyPurchaseJSON("po-1/2"), 200)
	id, line := whole(member(po, "id")), whole(member(member(po, "lines").([]any)[0], "id"))
	for query, want := range map[string]int{
		"externalRef=po-1/2": 1, "externalRef=po12": 0, "simplifiedExternalRef=po12": 1, "simplifiedExternalRef=po13": 0,
	} {
		if list, _ := a.call("GET", "/purchases?"+query, "", 200).([]any); len(list) != want {
			t.Errorf("%s: got %v; want %d", query, list, want)
		}
	}
	a.call("POST", "/purchases/"+id+"/notes", `{"text":"why"}`, 200)
	a.call("PUT", "/purchases/"+id+"/lines/"+line+"/cancel", "", 200)
	a.call("PUT", "/purchases/"+id+"/lines/5/cancel", "", 400)
	if po := a.call("GET", "/purchases/"+id, "", 200); member(member(po, "lines").([]any)[0], "cancelled") != true || len(member(po, "notes").([]any)) != 1 {
		t.Errorf("purchase: got %v; want its line cancelled, with a note", po)
	}
	vendor := `{"email":"v@example.com","displayName":"Sample Tickets","type":"BROKER","paymentMethod":"AP","purchaseTerm":"NET0","defaultDeliveryMethod":"EMAIL",` +
		`"address":{"address1":"","city":"x","state":"IL","postalCode":"60601","country":"US","phone1":""}}`
	if made, _ := a.call("POST", "/vendors", vendor, 200).([]any); len(made) != 1 {
		t.Errorf("POST /vendors: got %v; want a list of one, as the document says", made)
	}
	if list, _ := a.call("GET", "/vendors?displayName=sample", "", 200).([]any); len(list) != 1 {
		t.Errorf("GET /vendors: got %v; want one", list)
	}
	if id := whole(member(a.call("GET", "/vendors/default", "", 200), "id")); id != "1000001" {
		t.Errorf("default vendor: got %s; want the first", id)
	}
}

func TestSkyBoxHolds(t *testing.T) {
	t.Parallel()
	now := time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)
	a := newAccount(t, SkyBoxOptions{Now: func() time.Time { return now }, SecondDelete: 404})
	hold := func(seats int, want int) any {
		t.Helper()
		return a.call("POST", "/holds", fmt.Sprintf(`{"inventoryId":44,"quantity":%d,"lowSeat":2,"externalRef":"h","expiryDate":"2027-01-01T00:10:00Z"}`, seats), want)
	}
	hold(4, 400)
	id := whole(member(hold(2, 200), "id"))
	customer := a.customer()
	a.call("POST", "/invoices", skySale(customer, "r", "44002"), 400)
	a.call("POST", "/invoices?force=true", skySale(customer, "r", "44002"), 200)
	if list, _ := a.call("GET", "/holds?externalRef=h", "", 200).([]any); len(list) != 1 {
		t.Errorf("holds: got %v; want one", list)
	}
	a.call("DELETE", "/holds/"+id, "", 200)
	a.call("DELETE", "/holds/"+id, "", 404)
	hold(2, 200)
	now = now.Add(time.Hour)
	if got := a.left(); got != 3 {
		t.Errorf("after the hold ran out: got %d left; want 3", got)
	}
}

func TestSkyBoxFaults(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		fault    Fault
		status   int // 0 is no answer
		invoices int
		outcome  string
	}{
		{Fault{Kind: FaultLostAnswer}, 0, 1, "created"},
		{Fault{Kind: FaultRefuseBefore}, 0, 0, "fault: refuse_before"},
		{Fault{Kind: FaultHang, Delay: time.Millisecond}, 0, 0, "fault: hang"},
		{Fault{Kind: FaultDelay, Delay: time.Millisecond}, 200, 1, "created"},
		{Fault{Kind: FaultStatus, Status: 429, RetryAfter: "2"}, 429, 0, "fault: status"},
		{Fault{Kind: FaultSeatsGone}, 400, 0, "refused: 400"},
		{Fault{Kind: FaultDouble}, 200, 2, "doubled"},
	} {
		t.Run(c.fault.Kind, func(t *testing.T) {
			t.Parallel()
			a := newAccount(t, SkyBoxOptions{})
			customer := a.customer()
			c.fault.Method, c.fault.Path, c.fault.Count = "POST", "/invoices", 1
			if err := a.SetFaults(Faults{Faults: []Fault{c.fault}}); err != nil {
				t.Fatal(err)
			}
			status, _, header, err := a.try("POST", "/invoices", skySale(customer, "r", "44001"))
			if status != c.status || (err == nil) != (c.status != 0) || header.Get("Retry-After") != c.fault.RetryAfter {
				t.Errorf("got %d, %v; want %d", status, err, c.status)
			}
			log := a.Log()
			if last := log[len(log)-1]; last.Outcome != c.outcome || last.Reference != "r" || last.Answered != (c.status != 0) {
				t.Errorf("log: got %+v; want %s", last, c.outcome)
			}
			if got := len(a.State().Invoices); got != c.invoices {
				t.Errorf("invoices: got %d; want %d", got, c.invoices)
			}
			if c.fault.Kind == FaultSeatsGone {
				if first, then := a.left(), a.left(); first != 3 || then != 4 {
					t.Errorf("left: got %d, then %d; want 3, then 4", first, then)
				}
			}
		})
	}
	a := newAccount(t, SkyBoxOptions{})
	a.call("PUT", "/admin/faults", `{"faults":[{"kind":"status","status":503,"path":"/account"}]}`, 204)
	a.call("GET", "/account", "", 503)
	a.call("PUT", "/admin/faults", `{"faults":[{"kind":"nonsense"}]}`, 400)
	if v := a.call("GET", "/admin/state", "", 200); member(v, "purchase_orders") == nil || member(v, "invoices") == nil {
		t.Errorf("state: got %v; want the shape of the POS's", v)
	}
}

// The sale by another that the fault makes up ends as a whole, when one of its groups was looked at.
func TestSkyBoxSeatsGoneInTwoGroups(t *testing.T) {
	t.Parallel()
	a := newAccount(t, SkyBoxOptions{})
	a.stock(SkyBoxGroup{ID: 45, EventID: 7, Seats: []int{1}})
	customer := a.customer()
	if err := a.SetFaults(Faults{Faults: []Fault{{Kind: FaultSeatsGone, Method: "POST", Path: "/invoices", Count: 1}}}); err != nil {
		t.Fatal(err)
	}
	a.call("POST", "/invoices", skySale(customer, "r", "44001,45001"), 400)
	a.call("POST", "/invoices", skySale(customer, "r", "45001"), 400)
	if got := member(a.call("GET", "/inventory/44", "", 200), "quantity"); got != 3.0 {
		t.Errorf("quantity: got %v; want 3", got)
	}
	a.call("POST", "/invoices", skySale(customer, "r", "44001,45001"), 200)
}

func TestSkyBoxLimitsEachEndpoint(t *testing.T) {
	t.Parallel()
	now := time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)
	a := newAccount(t, SkyBoxOptions{RateLimit: 2, RateStatus: 503, RateRetryAfter: "1", Now: func() time.Time { return now }})
	for range 2 {
		a.call("GET", "/account", "", 200)
	}
	if status, _, header, err := a.try("GET", "/account", ""); err != nil || status != 503 || header.Get("Retry-After") != "1" {
		t.Errorf("the third: got %d, %v; want 503 with Retry-After", status, err)
	}
	a.call("GET", "/inventory/44", "", 200)
	now = now.Add(time.Second)
	a.call("GET", "/account", "", 200)
}

func TestSkyBoxWritesAmountsAsJavaDoes(t *testing.T) {
	t.Parallel()
	for in, want := range map[json.Number]json.Number{
		"240.00": "240.0", "0.05": "0.05", "180": "180.0", "12000000": "1.2E7", "10000000": "1.0E7", "12345678.91": "1.234567891E7", "0": "0.0",
	} {
		if got := skyAmount(in); got != want {
			t.Errorf("skyAmount(%s): got %s; want %s", in, got, want)
		}
	}
}

func TestSkyBoxHoldsAreShownAsItsOptionsSay(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		opts  SkyBoxOptions
		seats any
		found int // after it was released
	}{
		{SkyBoxOptions{}, "2-3", 0}, {SkyBoxOptions{SeatsAsList: true}, "2,3", 0}, {SkyBoxOptions{SeatsUntold: true}, nil, 0},
		{SkyBoxOptions{OldHolds: true}, "2-3", 1},
	} {
		a := newAccount(t, c.opts)
		h := a.call("POST", "/holds", `{"inventoryId":44,"quantity":2,"lowSeat":2,"externalRef":"h","expiryDate":"2099-01-01T00:00:00Z"}`, 200)
		if got := member(h, "seats"); got != c.seats {
			t.Errorf("%+v: got seats %v; want %v", c.opts, got, c.seats)
		}
		a.call("DELETE", "/holds/"+whole(member(h, "id")), "", 200)
		list, _ := a.call("GET", "/holds?externalRef=h", "", 200).([]any)
		if len(list) != c.found || c.found == 1 && member(list[0], "removedDate") == nil || len(a.State().Holds) != 0 {
			t.Errorf("%+v: got %v; want %d, none in force", c.opts, list, c.found)
		}
	}
}

func TestSkyBoxFilesOfTickets(t *testing.T) {
	t.Parallel()
	a := newAccount(t, SkyBoxOptions{AssetsAsJSON: true})
	invoice, line := a.sold("r", "44001,44002")
	if !a.PutFile(44001, "one.pdf", []byte("%PDF")) || a.PutFile(1, "x", nil) {
		t.Error("PutFile: got another answer than whether there is such a ticket")
	}
	tickets, _ := a.call("GET", "/invoices/"+invoice+"/lines/"+line+"/tickets", "", 200).([]any)
	if len(tickets) != 2 || member(tickets[0], "fileName") != "one.pdf" || member(tickets[1], "fileName") != nil {
		t.Errorf("tickets: got %v; want a file of the first", tickets)
	}
	if got := a.call("GET", "/assets/one.pdf", "", 200); got != "JVBERg==" {
		t.Errorf("file: got %v; want it in base64", got)
	}
	a.call("GET", "/assets/two.pdf", "", 404)
	a.PutFile(44001, "one.pdf", nil)
	a.call("GET", "/assets/one.pdf", "", 404)
}

func TestSkyBoxPurchaseIsReceived(t *testing.T) {
	t.Parallel()
	a := newAccount(t, SkyBoxOptions{})
	id := whole(member(a.call("POST", "/purchases", skyPurchaseJSON("po"), 200), "id"))
	for _, step := range []struct {
		body     string
		received bool
	}{{`"received":true`, true}, {`"paymentStatus":"PAID"`, true}, {`"received":false`, false}} {
		a.call("PUT", "/purchases/bulk", `{"purchaseIds":[`+id+`],`+step.body+`}`, 200)
		if got := member(a.call("GET", "/purchases/"+id, "", 200), "received"); got != step.received {
			t.Errorf("%s: got %v; want %v", step.body, got, step.received)
		}
	}
	a.call("PUT", "/purchases/bulk", `{"purchaseIds":[5],"received":true}`, 400)
}

func TestSkyBoxDoesSomeOfTheLines(t *testing.T) {
	t.Parallel()
	a := newAccount(t, SkyBoxOptions{})
	_, one := a.sold("r", "44001")
	_, two := a.sold("s", "44002")
	if err := a.SetFaults(Faults{Faults: []Fault{{Kind: FaultPartial, Path: "/lines/*", Count: 1}}}); err != nil {
		t.Fatal(err)
	}
	body := `{"lineIds":[` + one + `,` + two + `]}`
	a.call("POST", "/lines/bulk-delete", body, 500)
	if got := a.left(); got != 3 {
		t.Errorf("left: got %d; want the first line's ticket back", got)
	}
	a.call("POST", "/lines/bulk-delete", body, 200)
	if got := a.left(); got != 4 {
		t.Errorf("left: got %d; want all", got)
	}
}
