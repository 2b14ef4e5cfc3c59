package sim

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

// shop is a POS behind a real server, with one customer, cust_1.
type shop struct {
	*POS
	t   *testing.T
	srv *httptest.Server
}

func newShop(t *testing.T, opts POSOptions) *shop {
	t.Helper()
	opts.Token = testToken
	s := &shop{t: t, POS: NewPOS(opts)}
	s.srv = httptest.NewServer(s.Handler())
	t.Cleanup(s.srv.Close)
	if status, _ := s.post("customer", "/v1/customers", `{"name":"Ada Sample","email":"Ada@Example.com","phone":"+1 555 0100","kind":"RETAIL"}`); status != 201 {
		t.Fatalf("customer: got %d; want 201", status)
	}
	return s
}

// try sends a request; err is a missing answer. An empty key sends none.
func (s *shop) try(method, path, key, body string) (status int, answer map[string]any, err error) {
	s.t.Helper()
	req, err := http.NewRequestWithContext(s.t.Context(), method, s.srv.URL+path, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+testToken)
	req.Header.Set("Content-Type", "application/json")
	if key != "" {
		req.Header.Set("Idempotency-Key", key)
	}
	// No reuse of connections: net/http itself sends a request with a key again when a reused one breaks.
	resp, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		return 0, nil, err
	}
	if len(raw) > 0 {
		if err := json.Unmarshal(raw, &answer); err != nil {
			s.t.Fatalf("%s %s: answer is not a JSON object: %v", method, path, err)
		}
	}
	return resp.StatusCode, answer, nil
}

func (s *shop) do(method, path, key, body string) (int, map[string]any) {
	s.t.Helper()
	status, answer, err := s.try(method, path, key, body)
	if err != nil {
		s.t.Fatal(err)
	}
	return status, answer
}

func (s *shop) post(key, path, body string) (int, map[string]any) {
	s.t.Helper()
	return s.do("POST", path, key, body)
}

func (s *shop) get(path string) (int, map[string]any) {
	s.t.Helper()
	return s.do("GET", path, "", "")
}

func (s *shop) outcomes() string {
	var all []string
	for _, w := range s.Log()[1:] { // without the customer
		all = append(all, w.Outcome)
	}
	return strings.Join(all, ", ")
}

// wantProblem wants a refusal of a type.
func wantProblem(t *testing.T, what string, gotStatus int, answer map[string]any, status int, kind string) {
	t.Helper()
	if gotStatus != status || answer["type"] != problemPrefix+kind || answer["status"] != float64(status) {
		t.Errorf("%s: got %d %v; want %d %s", what, gotStatus, answer, status, kind)
	}
}

// sale is the body of an invoice for two tickets.
func sale(ref string) string {
	return `{"external_reference":"` + ref + `","customer_id":"cust_1","lines":[{"inventory_id":"44","quantity":2,"total":{"amount":"240.00","currency":"USD"}}]}`
}

func TestPOSRefusesUnknownTokens(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ token, header string }{
		"None": {"t", ""}, "Other": {"t", "Bearer else"}, "OtherScheme": {"t", "Basic t"}, "NoneConfigured": {"", "Bearer "},
	} {
		w := httptest.NewRecorder()
		r := httptest.NewRequest("GET", "/v1/health", nil)
		r.Header.Set("Authorization", c.header)
		NewPOS(POSOptions{Token: c.token}).ServeHTTP(w, r)
		if w.Code != 401 || w.Header().Get("Content-Type") != "application/problem+json" {
			t.Errorf("%s: got %d %s; want 401 and a problem", name, w.Code, w.Header().Get("Content-Type"))
		}
	}
}

func TestBodiesAreJSON(t *testing.T) {
	t.Parallel()
	w := httptest.NewRecorder()
	r := httptest.NewRequest("POST", "/v1/customers", strings.NewReader(`{"name":"Ada Sample","kind":"RETAIL"}`))
	r.Header.Set("Authorization", "Bearer t")
	r.Header.Set("Idempotency-Key", "k")
	r.Header.Set("Content-Type", "text/plain")
	if NewPOS(POSOptions{Token: "t"}).ServeHTTP(w, r); w.Code != 400 {
		t.Errorf("got %d; want 400", w.Code)
	}
}

func TestIdempotencyKeys(t *testing.T) {
	t.Parallel()
	s := newShop(t, POSOptions{})
	status, answer := s.post("", "/v1/invoices", sale("r"))
	wantProblem(t, "no key", status, answer, 400, "idempotency-key-missing")
	status, answer = s.post(`"half`, "/v1/invoices", sale("r"))
	wantProblem(t, "malformed key", status, answer, 400, "idempotency-key-missing")
	status, answer = s.post(`"k/1"`, "/v1/invoices", `{"external_reference":"r"}`)
	wantProblem(t, "refused request", status, answer, 400, "validation")
	status, first := s.post(`"k/1"`, "/v1/invoices", sale("r"))
	if status != 201 {
		t.Errorf("a refusal kept the key: got %d; want 201", status)
	}
	// Other bytes, the same JSON value, and the key without its quotes.
	same := `{"lines":[{"quantity":2,"inventory_id":"44","total":{"currency":"USD","amount":"240.00"}}], "customer_id":"cust_1","external_reference":"r"}`
	status, again := s.post(`k/1`, "/v1/invoices", same)
	if status != 201 || again["id"] != first["id"] {
		t.Errorf("repeat: got %d %v; want 201 %v", status, again["id"], first["id"])
	}
	status, answer = s.post(`"k/1"`, "/v1/invoices", sale("other"))
	wantProblem(t, "other body", status, answer, 422, "idempotency-key-reused")
	status, answer = s.post(`"k/1"`, "/v1/customers", sale("r"))
	wantProblem(t, "other path", status, answer, 422, "idempotency-key-reused")
	if got := len(s.State().Invoices); got != 1 {
		t.Errorf("got %d invoices; want 1", got)
	}
	want := "refused: idempotency-key-missing, refused: idempotency-key-missing, refused: validation, created, replayed, " +
		"refused: idempotency-key-reused, refused: idempotency-key-reused"
	if got := s.outcomes(); got != want {
		t.Errorf("log: got %s; want %s", got, want)
	}
	if w := s.Log()[4]; w.Key != "k/1" || w.Reference != "r" || w.Status != 201 || w.ID != first["id"] || !w.Answered {
		t.Errorf("log: got %+v", w)
	}
}

func TestKeyOfARunningRequestIsRefused(t *testing.T) {
	t.Parallel()
	s := newShop(t, POSOptions{})
	if err := s.SetFaults(Faults{Faults: []Fault{{Method: "POST", Kind: FaultDelay, Delay: 300 * time.Millisecond, Count: 1}}}); err != nil {
		t.Fatal(err)
	}
	var group sync.WaitGroup
	statuses := make(chan int, 2)
	for range 2 {
		group.Go(func() {
			status, _, err := s.try("POST", "/v1/invoices", "k", sale("r"))
			if err != nil {
				t.Error(err)
			}
			statuses <- status
		})
	}
	group.Wait()
	// Whichever came first was delayed, so the other one met it running.
	if a, b := <-statuses, <-statuses; a+b != 201+409 {
		t.Errorf("got %d and %d; want 201 and 409", a, b)
	}
	if status, _ := s.post("k", "/v1/invoices", sale("r")); status != 201 || len(s.State().Invoices) != 1 {
		t.Errorf("afterwards: got %d and %d invoices; want 201 and 1", status, len(s.State().Invoices))
	}
}

func TestReferenceIsUniqueAmongLiveInvoices(t *testing.T) {
	t.Parallel()
	s := newShop(t, POSOptions{})
	_, first := s.post("1", "/v1/invoices", sale("r"))
	status, answer := s.post("2", "/v1/invoices", sale("r"))
	wantProblem(t, "second", status, answer, 409, "reference-conflict")
	status, answer = s.do("PUT", "/v1/invoices/"+first["id"].(string)+"/void", "", `{"reason":"restock is missing"}`)
	wantProblem(t, "void", status, answer, 400, "validation")
	for _, body := range []string{`{"restock":true,"reason":"first"}`, `{"restock":true,"reason":"second"}`, `{}`} {
		status, inv := s.do("PUT", "/v1/invoices/"+first["id"].(string)+"/void", "", body)
		if status != 200 || inv["voided"] != true || inv["void_reason"] != "first" {
			t.Errorf("void: got %d %v; want 200 and the first reason", status, inv)
		}
	}
	if status, _ := s.post("3", "/v1/invoices", sale("r")); status != 201 {
		t.Errorf("after voiding: got %d; want 201", status)
	}
	_, found := s.get("/v1/invoices?external_reference=r")
	if items := found["items"].([]any); len(items) != 2 || items[0].(map[string]any)["voided"] != true {
		t.Errorf("search: got %v; want the void one and the live one", items)
	}
	if _, found := s.get("/v1/invoices?external_reference=R"); len(found["items"].([]any)) != 0 {
		t.Errorf("search is not exact: got %v; want nothing", found)
	}
}

func TestPOSWithoutItsOwnProtection(t *testing.T) {
	t.Parallel()
	s := newShop(t, POSOptions{IgnoreKeys: true, DuplicateReferences: true})
	for range 2 {
		if status, _ := s.post("", "/v1/invoices", sale("r")); status != 201 {
			t.Errorf("got %d; want 201", status)
		}
	}
	if got := len(s.State().Invoices); got != 2 {
		t.Errorf("got %d invoices; want 2: keys and references are ignored", got)
	}
}

func TestCustomersAreFound(t *testing.T) {
	t.Parallel()
	s := newShop(t, POSOptions{})
	for query, want := range map[string]int{
		"email=ada@example.COM": 1, "phone=15550100": 1, "email=ada@example.com&phone=%2B1-555-0100": 1,
		"email=ada@example.com&phone=999": 0, "email=da@example.com": 0,
	} {
		if _, found := s.get("/v1/customers?" + query); len(found["items"].([]any)) != want {
			t.Errorf("%s: got %v; want %d", query, found["items"], want)
		}
	}
	status, answer := s.get("/v1/customers")
	wantProblem(t, "neither", status, answer, 400, "validation")
}

func TestSeatsAreSoldOnce(t *testing.T) {
	t.Parallel()
	s := newShop(t, POSOptions{Strict: true, Inventory: []POSGroup{
		{ID: "44", Seats: []string{"1", "2", "3"}}, {ID: "45", Quantity: 1},
	}})
	lines := func(ref, lines string) string {
		return `{"external_reference":"` + ref + `","customer_id":"cust_1","lines":[` + lines + `]}`
	}
	const money = `"total":{"amount":"1.00","currency":"USD"}}`
	named := `{"inventory_id":"44","quantity":2,"ticket_ids":["44-1","44-2"],` + money
	_, inv := s.post("1", "/v1/invoices", lines("a", named))
	if got := at(inv, "lines.0.ticket_ids.1"); got != "44-2" {
		t.Errorf("got %v; want 44-2", got)
	}
	status, answer := s.post("2", "/v1/invoices", lines("b", named))
	wantProblem(t, "sold seats", status, answer, 409, "inventory-unavailable")
	if got := len(answer["ticket_ids"].([]any)); got != 2 {
		t.Errorf("the problem names %d tickets; want 2", got)
	}
	status, answer = s.post("3", "/v1/invoices", lines("c", `{"inventory_id":"44","quantity":1,`+money+`,{"inventory_id":"45","quantity":2,`+money))
	wantProblem(t, "one line too many", status, answer, 409, "inventory-unavailable")
	if _, group := s.get("/v1/inventory/44"); group["quantity"] != 1.0 {
		t.Errorf("a refused invoice kept tickets: got %v left; want 1", group["quantity"])
	}
	if status, _ := s.do("PUT", "/v1/invoices/"+inv["id"].(string)+"/void", "", `{"restock":true,"reason":"cancelled"}`); status != 200 {
		t.Errorf("void: got %d", status)
	}
	if _, group := s.get("/v1/inventory/44"); group["quantity"] != 3.0 {
		t.Errorf("after voiding: got %v; want 3", group["quantity"])
	}
	status, answer = s.post("4", "/v1/invoices", sale("d")) // the POS picks
	if got := at(answer, "lines.0.ticket_ids"); status != 201 || len(got.([]any)) != 2 {
		t.Errorf("got %d, %v; want 201 and two tickets picked", status, got)
	}
	if status, _ := s.get("/v1/inventory/46"); status != 404 {
		t.Errorf("strict: got %d; want 404", status)
	}
}

func TestUnknownInventoryIsMadeOnDemand(t *testing.T) {
	t.Parallel()
	s := newShop(t, POSOptions{OnDemand: 3})
	if _, group := s.get("/v1/inventory/any"); group["quantity"] != 3.0 || group["status"] != "AVAILABLE" {
		t.Errorf("got %v; want 3 available", group)
	}
	if status, _ := s.post("1", "/v1/invoices", sale("a")); status != 201 {
		t.Errorf("got %d; want 201", status)
	}
	status, answer := s.post("2", "/v1/invoices", sale("b"))
	wantProblem(t, "more than there are", status, answer, 409, "inventory-unavailable")
}

func TestHolds(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	now := testNow
	s := newShop(t, POSOptions{
		Now:    func() time.Time { mu.Lock(); defer mu.Unlock(); return now },
		Strict: true, Inventory: []POSGroup{{ID: "44", Seats: []string{"1", "2"}}},
	})
	keep := `{"external_reference":"h","inventory_id":"44","quantity":2,"expires_at":"2026-06-02T09:10:00Z"}`
	_, hold := s.post("1", "/v1/holds", keep)
	if _, group := s.get("/v1/inventory/44"); group["status"] != "ON_HOLD" || group["quantity"] != 0.0 {
		t.Errorf("got %v; want it on hold", group)
	}
	status, answer := s.post("2", "/v1/invoices", sale("r"))
	wantProblem(t, "sale of held tickets", status, answer, 409, "inventory-unavailable")
	withHold := strings.Replace(sale("r"), `{`, `{"hold_id":"`+hold["id"].(string)+`",`, 1)
	if status, answer := s.post("3", "/v1/invoices", withHold); status != 201 || answer["hold_id"] != hold["id"] {
		t.Errorf("sale out of the hold: got %d %v; want 201", status, answer)
	}
	if got := len(s.State().Holds); got != 0 {
		t.Errorf("got %d holds; want 0: the sale used it up", got)
	}
	_, _ = s.do("PUT", "/v1/invoices/"+s.State().Invoices[0].ID+"/void", "", `{"restock":true,"reason":"cancelled"}`)
	_, hold = s.post("4", "/v1/holds", keep)
	if status, _ := s.do("DELETE", "/v1/holds/"+hold["id"].(string), "", ""); status != 204 {
		t.Errorf("release: got %d; want 204", status)
	}
	_, _ = s.post("5", "/v1/holds", keep)
	mu.Lock()
	now = now.Add(10 * time.Minute)
	mu.Unlock()
	if _, group := s.get("/v1/inventory/44"); group["quantity"] != 2.0 {
		t.Errorf("after it ran out: got %v; want 2 free", group["quantity"])
	}
}

func TestFulfilmentReplacesStateAndFiles(t *testing.T) {
	t.Parallel()
	s := newShop(t, POSOptions{})
	_, inv := s.post("1", "/v1/invoices", sale("r"))
	path := "/v1/invoices/" + inv["id"].(string) + "/fulfillment"
	for range 2 {
		status, answer := s.do("PUT", path, "", `{"fulfillment":"COMPLETE","files":[{"name":"t.pdf","media_type":"application/pdf","content":"JVBERg=="}]}`)
		if _, shown := answer["files"]; status != 200 || answer["fulfillment"] != "COMPLETE" || shown {
			t.Errorf("got %d %v; want 200, complete, and no files in the answer", status, answer)
		}
	}
	files := s.State().Invoices[0].Files
	if len(files) != 1 || files[0].Bytes != 4 || files[0].SHA256 != "315d429b7714cedb6ad04ac31240145257692630457f3c88253c5beceac76027" {
		t.Errorf("got %+v; want one file of four bytes", files)
	}
	if _, answer := s.do("PUT", path, "", `{"fulfillment":"PENDING"}`); answer["fulfillment"] != "PENDING" || len(s.State().Invoices[0].Files) != 1 {
		t.Error("no files in the request: want the state changed and the files left")
	}
	status, answer := s.do("PUT", path, "", `{"fulfillment":"COMPLETE","files":[{"name":"t","media_type":"m"}]}`)
	wantProblem(t, "neither url nor content", status, answer, 400, "validation")
}

func TestAbilitiesThatAreOffAreUnsupported(t *testing.T) {
	t.Parallel()
	s := newShop(t, POSOptions{QuantityOnly: true, NoHolds: true, NoTicketUpload: true, Settle: 1500 * time.Millisecond})
	_, got := s.get("/v1/capabilities")
	if got["sells_seats"] != false || got["holds"] != false || got["ticket_upload"] != false || got["settle_seconds"] != 1.5 {
		t.Errorf("capabilities: got %v", got)
	}
	status, answer := s.post("1", "/v1/holds", `{}`)
	wantProblem(t, "hold", status, answer, 501, "unsupported")
	named := strings.Replace(sale("r"), `"quantity"`, `"ticket_ids":["x","y"],"quantity"`, 1)
	_, inv := s.post("2", "/v1/invoices", named)
	if got := at(inv, "lines.0.ticket_ids"); len(got.([]any)) != 0 {
		t.Errorf("ticket_ids: got %v; want none, only quantity counts", got)
	}
	path := "/v1/invoices/" + inv["id"].(string) + "/fulfillment"
	status, answer = s.do("PUT", path, "", `{"fulfillment":"COMPLETE","files":[{"name":"t","media_type":"m","url":"https://example.com/t"}]}`)
	wantProblem(t, "files", status, answer, 501, "unsupported")
	if status, _ := s.do("PUT", path, "", `{"fulfillment":"COMPLETE"}`); status != 200 {
		t.Errorf("state alone: got %d; want 200", status)
	}
}

func TestPurchaseOrders(t *testing.T) {
	t.Parallel()
	s := newShop(t, POSOptions{})
	body := `{"external_reference":"p","vendor":{"name":"Bluegate Seats"},"lines":[{"event":{"name":"The Sample Play"},"section":"A","row":"","quantity":2,"total":{"amount":"180.00","currency":"USD"}}]}`
	status, po := s.post("1", "/v1/purchase-orders", body)
	if status != 201 || at(po, "vendor.id") != "vendor_2" || po["payment"] != "UNPAID" {
		t.Errorf("got %d %v", status, po)
	}
	status, answer := s.post("2", "/v1/purchase-orders", body)
	wantProblem(t, "second", status, answer, 409, "reference-conflict")
	status, answer = s.do("PUT", "/v1/purchase-orders/po_1/void", "", `{}`)
	wantProblem(t, "void of an unknown one", status, answer, 404, "not-found")
	for _, reason := range []string{`{"reason":"first"}`, `{"reason":"second"}`, `{}`} { // the first one stays
		status, po = s.do("PUT", "/v1/purchase-orders/"+po["id"].(string)+"/void", "", reason)
		if status != 200 || po["voided"] != true || po["void_reason"] != "first" {
			t.Errorf("void: got %d %v", status, po)
		}
	}
	if status, _ := s.post("3", "/v1/purchase-orders", body); status != 201 {
		t.Errorf("after voiding: got %d; want 201", status)
	}
	status, answer = s.post("4", "/v1/purchase-orders", strings.Replace(body, `"row":"",`, "", 1))
	wantProblem(t, "row missing", status, answer, 400, "validation")
}

func TestMoneyHasTheDecimalsOfItsCurrency(t *testing.T) {
	t.Parallel()
	for amount, want := range map[POSMoney]bool{
		{"240.00", "USD"}: true, {"240", "USD"}: false, {"240.000", "USD"}: false, {"240", "JPY"}: true, {"240.00", "JPY"}: false,
		{"1.000", "KWD"}: true, {"-1.00", "USD"}: false, {"01.00", "USD"}: false, {"1.00", "usd"}: false, {"1,00", "USD"}: false,
	} {
		var v validator
		v.money(amount, "")
		if got := len(v.errors) == 0; got != want {
			t.Errorf("%v: got %v; want %v", amount, got, want)
		}
	}
}

func TestProblemsQuoteNoBuyer(t *testing.T) {
	t.Parallel()
	s := newShop(t, POSOptions{})
	for _, body := range []string{`{"name":"Secretive Person","kind":7}`, `{"name":"Secretive Person`, `{"name":"Secretive Person","kind":"Secretive"}`} {
		_, answer := s.post("k", "/v1/customers", body)
		if got := string(mustJSON(t, answer)); strings.Contains(got, "Secretive") {
			t.Errorf("got %s", got)
		}
	}
}
