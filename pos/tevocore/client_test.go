package tevocore_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"willcall/pos"
	"willcall/pos/tevocore"
	"willcall/sim"
)

// saleJSON is an order as it comes back, in the types of the published samples.
const saleJSON = `{"id":900,"state":"accepted","isPO":false,"seller_reference_number":"ord","created_at":"2027-01-01T00:00:00Z",` +
	`"buyer":{"type":"Client","id":"7","name":"Zelda Quibblethorpe"},"seller":{"type":"Office","id":4410,"name":"Ours"},"client":{"id":"7"},` +
	`"items":[{"id":901,"order_item_id":902,"quantity":2,"price":"0.5","ticket_group":{"id":"11","section":"A","row":"1",` +
	`"seats":[null,null],"event":{"id":"9","name":"Play","occurs_at":"2027-02-01T19:30:00Z"}}}],"payments":[]}`

func created(order string) string { return `{"orders":[` + order + `]}` }

func listed(orders ...string) string {
	return fmt.Sprintf(`{"total_entries":%d,"orders":[%s]}`, len(orders), strings.Join(orders, ","))
}

// with changes one thing of a body.
func with(body, old, new string) string {
	if !strings.Contains(body, old) {
		panic("nothing to change: " + old)
	}
	return strings.Replace(body, old, new, 1)
}

func config(url string) tevocore.Config {
	return tevocore.Config{
		BaseURL: url, Token: token, Secret: secret, OfficeID: office, ReviewerID: "7", ScanClients: true,
		Vendors: map[string]string{"Sample Tickets": vendor},
	}
}

// serve starts a server and a client of it.
func serve(t *testing.T, handler http.HandlerFunc, change ...func(*tevocore.Config)) *tevocore.Client {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	cfg := config(server.URL)
	cfg.HTTP = server.Client()
	for _, c := range change {
		c(&cfg)
	}
	c, err := tevocore.New(cfg)
	if err != nil {
		t.Fatalf("New: got %v; want no error", err)
	}
	return c
}

// answering answers everything alike.
func answering(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

// routes answers by method and path; what is not there is a mistake of the test's.
func routes(t *testing.T, by map[string]http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		h := by[r.Method+" "+r.URL.Path]
		if h == nil {
			t.Errorf("unexpected request: %s %s", r.Method, r.URL.Path)
			h = answering(500, "")
		}
		h(w, r)
	}
}

func aSale(minor int64, quantity int) pos.InvoiceInput {
	return pos.InvoiceInput{CustomerID: "7", Lines: []pos.InvoiceLine{
		{InventoryID: "11", Quantity: quantity, Total: pos.Money{Minor: minor, Currency: "USD"}},
	}}
}

func write(ctx context.Context, c *tevocore.Client) error {
	_, err := c.CreateInvoice(ctx, pos.Op{Key: "k", Ref: "ord"}, aSale(100, 2))
	return err
}

func read(ctx context.Context, c *tevocore.Client) error {
	_, err := c.FindInvoices(ctx, "ord")
	return err
}

func wantClass(t *testing.T, what string, err error, want pos.Class) {
	t.Helper()
	var e *pos.Error
	if !errors.As(err, &e) || e.Class != want {
		t.Errorf("%s: got %v; want class %s", what, err, want)
	}
}

func TestStatusDecidesTheClass(t *testing.T) {
	t.Parallel()
	for status, want := range map[int]struct{ write, read pos.Class }{
		301: {pos.Unsupported, pos.Unsupported}, 307: {pos.Unsupported, pos.Unsupported},
		400: {pos.Invalid, pos.Invalid}, 401: {pos.Unauthorized, pos.Unauthorized}, 403: {pos.Unauthorized, pos.Unauthorized},
		404: {pos.NotFound, pos.NotFound}, 405: {pos.Unsupported, pos.Unsupported}, 406: {pos.Unsupported, pos.Unsupported},
		408: {pos.OutcomeUnknown, pos.Transient}, 409: {pos.ReferenceConflict, pos.ReferenceConflict}, 410: {pos.NotFound, pos.NotFound},
		422: {pos.Invalid, pos.Invalid}, 425: {pos.Transient, pos.Transient}, 429: {pos.RateLimited, pos.RateLimited},
		500: {pos.OutcomeUnknown, pos.Transient}, 502: {pos.OutcomeUnknown, pos.Transient}, 503: {pos.RateLimited, pos.RateLimited},
		504: {pos.OutcomeUnknown, pos.Transient}, 599: {pos.OutcomeUnknown, pos.Transient},
	} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			t.Parallel()
			for _, body := range []string{``, `<html>`, `{"error":"no"}`, `{"errors":["no"]}`, `{"errors":7}`, `[]`, `null`} {
				c := serve(t, routes(t, map[string]http.HandlerFunc{
					"POST /v9/orders": answering(status, body), "GET /v9/orders": answering(status, body),
					// Asked after a refusal: the tickets are all there.
					"GET /v9/ticket_groups/11": answering(200, `{"id":"11","available_quantity":2,"event":{"name":"Play"}}`),
				}))
				wantClass(t, "write", write(t.Context(), c), want.write)
				wantClass(t, "read", read(t.Context(), c), want.read)
			}
		})
	}
}

func TestRefusalsNameFieldsAndNothingElse(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		`{"error":"zelda"}`: "422",
		`{"errors":{"client_id":["zelda"],"price":["zelda"]}}`:                             "422 (at client_id, price)",
		`{"errors":["zelda"]}`:                                                             "422 (at base)",
		`{"orders":[{"client":"zelda","errors":{"shipped_items.price":["zelda"]}}]}`:       "422 (at shipped_items.price)",
		`{"clients":[{"errors":{"zelda@example.com":["x"],"Zelda Quibblethorpe":["x"]}}]}`: "422 (at base)",
		`{"orders":[{"errors":{"a":1,"b":1,"c":1,"d":1,"e":1,"f":1,"g":1,"h":1,"i":1}}]}`:  "422 (at a, b, c, d, e, f, g, h)",
	} {
		c := serve(t, routes(t, map[string]http.HandlerFunc{
			"POST /v9/orders":          answering(422, body),
			"GET /v9/ticket_groups/11": answering(200, `{"id":"11","available_quantity":2,"event":{"name":"Play"}}`),
		}))
		if err := write(t.Context(), c); err == nil || err.Error() != "pos: create invoice: invalid: "+want {
			t.Errorf("%s: got %v; want …%s", body, err, want)
		}
	}
	// An item that is refused under a status that is none.
	c := serve(t, answering(200, `{"clients":[{"name":"Zelda","errors":{"name":["must include a space"]}}]}`))
	_, err := c.CreateCustomer(t.Context(), pos.Op{Key: "k"}, pos.CustomerInput{Name: "Zelda"})
	wantClass(t, "CreateCustomer", err, pos.Invalid)
}

func TestRefusedSalesAreLookedInto(t *testing.T) {
	t.Parallel()
	group := func(left int) http.HandlerFunc {
		return answering(200, fmt.Sprintf(`{"id":"11","available_quantity":%d,"event":{"name":"Play"}}`, left))
	}
	for name, c := range map[string]struct {
		group http.HandlerFunc
		want  pos.Class
	}{
		"Enough":          {group(4), pos.Invalid},
		"TooFewForBoth":   {group(3), pos.Unavailable},
		"None":            {group(0), pos.Unavailable},
		"NoGroup":         {answering(404, ``), pos.NotFound},
		"CannotBeSeen":    {answering(503, ``), pos.Transient},
		"CannotBeSeenYet": {answering(500, ``), pos.Transient},
		"MayNotBeSeen":    {answering(401, ``), pos.Invalid},
	} {
		client := serve(t, routes(t, map[string]http.HandlerFunc{
			"POST /v9/orders": answering(422, `{"error":"no"}`), "GET /v9/ticket_groups/11": c.group,
		}))
		in := aSale(100, 2)
		in.Lines = append(in.Lines, in.Lines[0]) // two lines of one group ask it for four
		_, err := client.CreateInvoice(t.Context(), pos.Op{Key: "k", Ref: "ord"}, in)
		wantClass(t, name, err, c.want)
	}
}

func TestAnswersThatAreNotWhatIsKnownAreNoAnswers(t *testing.T) {
	t.Parallel()
	for name, order := range map[string]string{
		"NoID":          with(saleJSON, `"id":900`, `"id":0`),
		"NoReference":   with(saleJSON, `"seller_reference_number":"ord",`, ``),
		"NewState":      with(saleJSON, `"accepted"`, `"teleported"`),
		"NoState":       with(saleJSON, `"state":"accepted",`, ``),
		"NoItems":       with(saleJSON, `"items"`, `"lines"`),
		"NoKind":        with(saleJSON, `"isPO":false,`, ``),
		"Purchase":      with(saleJSON, `"isPO":false`, `"isPO":true`),
		"NoQuantity":    with(saleJSON, `"quantity":2`, `"quantity":null`),
		"HalfTicket":    with(saleJSON, `"quantity":2`, `"quantity":1.5`),
		"RoundedPrice":  with(saleJSON, `"0.5"`, `"0.505"`),
		"FloatPrice":    with(saleJSON, `"0.5"`, `0.50000000000000004`),
		"NegativePrice": with(saleJSON, `"0.5"`, `"-0.5"`),
		"HugePrice":     with(saleJSON, `"0.5"`, `"90000000000000000.0"`),
		"NoPrice":       with(saleJSON, `"price":"0.5",`, ``),
		"NoGroup":       with(saleJSON, `"id":"11"`, `"id":null`),
		"NoTime":        with(saleJSON, `2027-01-01T00:00:00Z`, `yesterday`),
		"WrongType":     with(saleJSON, `"items":[{`, `"items":[7,{`),
		"NotAnObject":   `"zelda"`,
		"Null":          `null`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			wantClass(t, "write", write(t.Context(), serve(t, answering(200, created(order)))), pos.OutcomeUnknown)
			_, err := serve(t, answering(200, order)).GetInvoice(t.Context(), "900")
			if name != "Purchase" { // which is found, and is no invoice
				wantClass(t, "GetInvoice", err, pos.Transient)
			}
		})
	}
	for name, body := range map[string]string{
		"Empty": ``, "HTML": `<html>`, "Null": `null`, "EmptyObject": `{}`, "NullList": `{"orders":null}`, "Rest": created(saleJSON) + `{}`,
		"TwoOrders": created(saleJSON + "," + saleJSON), "NoOrders": created(``), "TooLarge": created(saleJSON) + strings.Repeat(" ", 33<<20),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := serve(t, answering(200, body))
			wantClass(t, "write", write(t.Context(), c), pos.OutcomeUnknown)
			if name != "TwoOrders" && name != "NoOrders" {
				wantClass(t, "read", read(t.Context(), c), pos.Transient)
			}
		})
	}
	for _, status := range []int{202, 204, 206} {
		c := serve(t, answering(status, created(saleJSON)))
		wantClass(t, "write", write(t.Context(), c), pos.OutcomeUnknown)
		wantClass(t, "read", read(t.Context(), c), pos.Transient)
	}
}

func TestOddTypesAreRead(t *testing.T) {
	t.Parallel()
	odd := saleJSON
	for old, new := range map[string]string{
		`"id":900`: `"id":"900"`, `"isPO":false`: `"isPO":"false"`, `"quantity":2`: `"quantity":"2"`, `"0.5"`: `0.50`, `"id":901`: `"id":"901"`,
		`"payments":[]`: `"payments":[{"state":"completed","amount":0.25,"is_refund":"false"},{"state":"captured","amount":"0.75"},` +
			`{"state":"completed","amount":"9.0","is_refund":true},{"state":"completed","amount":"zelda"}]`,
	} {
		odd = with(odd, old, new)
	}
	for name, order := range map[string]string{"Sample": saleJSON, "Odd": odd} {
		got, err := serve(t, answering(200, order)).GetInvoice(t.Context(), "900")
		if err != nil || got.ID != "900" || got.Ref != "ord" || got.CustomerID != "7" || len(got.Lines) != 1 || got.Lines[0].InventoryID != "11" ||
			got.Lines[0].Quantity != 2 || got.Lines[0].Total != (pos.Money{Minor: 100, Currency: "USD"}) || got.Voided {
			t.Errorf("%s: got %+v, %v", name, got, err)
		}
		if want := map[string]pos.Payment{"Sample": pos.Unpaid, "Odd": pos.Paid}[name]; got.Payment != want {
			t.Errorf("%s: got payment %s; want %s", name, got.Payment, want)
		}
	}
	for state, void := range map[string]bool{
		"pending": false, "completed": false, "cancel_proposed": false, "rejected": true, "canceled": true, "canceled_open": true, "canceled_post_acceptance": true,
	} {
		order := with(with(saleJSON, `"accepted"`, `"`+state+`"`), `"payments"`, `"seller_cancellation_reason":"Other","payments"`)
		got, err := serve(t, answering(200, order)).GetInvoice(t.Context(), "900")
		if err != nil || got.Voided != void || (got.VoidReason == "Other") != void || (got.Fulfillment == pos.Complete) != (state == "completed") {
			t.Errorf("%s: got %+v, %v; want void %v", state, got, err, void)
		}
	}
}

// TestPricesAreExact: only the price of one ticket can be written, so a total that does not divide is not written at all.
func TestPricesAreExact(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		minor    int64
		quantity int
		want     string
	}{
		{24000, 2, `"price":120.00`}, {1, 1, `"price":0.01`}, {0, 3, `"price":0.00`}, {99999999999999, 1, `"price":999999999999.99`},
		{10, 3, ""}, {-2, 2, ""}, {100, 0, ""},
	} {
		var got string
		client := serve(t, func(w http.ResponseWriter, r *http.Request) {
			b, _ := io.ReadAll(r.Body)
			got = string(b)
			answering(500, "")(w, r)
		}, func(cfg *tevocore.Config) { cfg.PaymentType = "offline" })
		in := aSale(c.minor, c.quantity)
		in.Payment = pos.Paid
		_, err := client.CreateInvoice(t.Context(), pos.Op{Key: "k", Ref: "ord"}, in)
		if c.want == "" {
			wantClass(t, fmt.Sprint(c.minor, "/", c.quantity), err, pos.Invalid)
			if got != "" {
				t.Errorf("%d/%d: sent %s; want nothing", c.minor, c.quantity, got)
			}
			continue
		}
		if !strings.Contains(got, c.want) {
			t.Errorf("%d/%d: sent %s; want %s in it", c.minor, c.quantity, got, c.want)
		}
	}
	yen := serve(t, answering(200, created(with(saleJSON, `"0.5"`, `"50"`))), func(cfg *tevocore.Config) { cfg.Currency = "JPY" })
	in := aSale(100, 2)
	in.Lines[0].Total.Currency = "JPY"
	if got, err := yen.CreateInvoice(t.Context(), pos.Op{Key: "k", Ref: "ord"}, in); err != nil || got.Lines[0].Total != in.Lines[0].Total {
		t.Errorf("CreateInvoice in yen: got %+v, %v", got, err)
	}
}

func TestRequestOfASale(t *testing.T) {
	t.Parallel()
	var got string
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		got = string(b)
		answering(200, created(saleJSON))(w, r)
	})
	if err := write(t.Context(), c); err != nil {
		t.Fatalf("write: got %v; want no error", err)
	}
	want := `{"orders":[{"client_id":7,"seller_id":4410,"seller_reference_number":"ord","shipped_items":[{"type":"TBD","items":` +
		`[{"ticket_group_id":11,"quantity":2,"price":0.50}]}],"payments":[],"shipping":0,"service_fee":0,"tax":0,"discount":0,` +
		`"additional_expense":0,"internal_notes":"willcall k"}]}`
	if got != want {
		t.Errorf("sent %s; want %s", got, want)
	}
	in := aSale(100, 2)
	in.HoldID = "h"
	_, err := c.CreateInvoice(t.Context(), pos.Op{Key: "k", Ref: "ord"}, in)
	wantClass(t, "CreateInvoice of a hold", err, pos.Unsupported)
}

// TestRequestsAreSigned holds the signature against the bytes that arrive.
func TestRequestsAreSigned(t *testing.T) {
	t.Parallel()
	c, faults := simulated(t, kinds()["ScansClients"])
	ref := "ord ü&=?+%2F"
	if got, err := c.FindInvoices(t.Context(), ref); err != nil || len(got) != 0 {
		t.Errorf("FindInvoices: got %v, %v; want none", got, err)
	}
	if _, err := c.FindCustomers(t.Context(), pos.CustomerQuery{Email: "a+b@example.com"}); err != nil {
		t.Errorf("FindCustomers: got %v; want no error", err)
	}
	core := sim.NewTEvoCore(sim.TEvoCoreOptions{Token: token, Secret: "another secret"})
	stranger := serve(t, core.ServeHTTP)
	wantClass(t, "read with another secret", read(t.Context(), stranger), pos.Unauthorized)
	wantClass(t, "write with another secret", write(t.Context(), stranger), pos.Unauthorized)
	if s := core.State(); len(s.Invoices) != 0 || len(faults.core.Log()) != 0 {
		t.Errorf("writes: got %+v, %+v; want none", s, faults.core.Log())
	}
}

func entries(from, to int) string {
	var all []string
	for i := from; i < to; i++ {
		all = append(all, fmt.Sprintf(`{"id":%d,"seller_reference_number":null}`, i))
	}
	return strings.Join(all, ",")
}

func TestListsAreReadToTheirEnd(t *testing.T) {
	t.Parallel()
	ours := saleJSON
	for name, c := range map[string]struct {
		pages []string
		want  pos.Class // "" finds ours
	}{
		"OnTheSecondPage":    {[]string{`{"total_entries":101,"orders":[` + entries(1, 101) + `]}`, `{"total_entries":101,"orders":[` + ours + `]}`}, ""},
		"WithoutTotals":      {[]string{`{"orders":[` + entries(1, 101) + `]}`, `{"orders":[` + ours + `]}`}, ""},
		"SmallerPages":       {[]string{`{"total_entries":11,"orders":[` + entries(1, 11) + `]}`, `{"total_entries":11,"orders":[` + ours + `]}`}, ""},
		"Growing":            {[]string{`{"total_entries":11,"orders":[` + entries(1, 11) + `]}`, `{"total_entries":12,"orders":[` + entries(10, 11) + `,` + ours + `]}`}, ""},
		"OursMovesOn":        {[]string{`{"total_entries":3,"orders":[` + entries(1, 2) + `,` + ours + `]}`, `{"total_entries":4,"orders":[` + ours + `,` + entries(2, 3) + `]}`}, ""},
		"EndsTooSoon":        {[]string{`{"total_entries":12,"orders":[` + entries(1, 11) + `]}`, `{"total_entries":12,"orders":[` + ours + `]}`, `{"total_entries":12,"orders":[]}`}, pos.Transient},
		"TooLong":            {[]string{`{"orders":[` + entries(1, 101) + `]}`, `{"orders":[` + entries(101, 201) + `]}`, `{"orders":[` + entries(201, 301) + `]}`, `{"orders":[` + ours + `]}`}, pos.Unsupported},
		"WithoutID":          {[]string{`{"orders":[{}]}`}, pos.Transient},
		"WithoutReferences":  {[]string{`{"orders":[{"id":1}]}`}, pos.Unsupported},
		"OursCannotBeRead":   {[]string{listed(with(ours, `"0.5"`, `"a"`))}, pos.Transient},
		"OthersNeedNotBe":    {[]string{listed(`{"id":1,"seller_reference_number":"other","items":7}`, `{"id":2,"seller_reference_number":8}`, ours)}, ""},
		"PurchaseAmongSales": {[]string{listed(with(with(ours, `"id":900`, `"id":899`), `"isPO":false`, `"isPO":true`), ours)}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client := serve(t, func(w http.ResponseWriter, r *http.Request) {
				q := r.URL.Query()
				var page int
				fmt.Sscan(q.Get("page"), &page)
				if page < 1 || page > len(c.pages) || q.Get("per_page") != "100" || q.Get("type") != "Order" || q.Get("created_at.gte") == "" {
					t.Errorf("asked for %s", r.URL.RawQuery)
					return
				}
				answering(200, c.pages[page-1])(w, r)
			}, func(cfg *tevocore.Config) { cfg.MaxPages = 3 })
			got, err := client.FindInvoices(t.Context(), "ord")
			if c.want != "" {
				wantClass(t, "FindInvoices", err, c.want)
			} else if err != nil || len(got) != 1 || got[0].ID != "900" {
				t.Errorf("FindInvoices: got %+v, %v; want 900", got, err)
			}
		})
	}
}

// TestCustomersComeByAge: a list need not be sorted, and a client says nothing of its age but its id.
func TestCustomersComeByAge(t *testing.T) {
	t.Parallel()
	client := func(id, email, phone string) string {
		return `{"id":"` + id + `","name":"Ida Invented","email_addresses":[{"address":"first@example.com"},{"address":"` + email + `"}],` +
			`"phone_numbers":[{"number":"1"},{"number":"` + phone + `"}]}`
	}
	c := serve(t, answering(200, `{"clients":[`+strings.Join([]string{
		client("100", "IDA@example.com", "201-555-0101"), client("99", "ida@example.com ", "(201) 5550101"), client("98", "ida@example.org", "")}, ",")+`]}`))
	for name, q := range map[string]pos.CustomerQuery{"email": {Email: "ida@example.com"}, "phone": {Phone: "201 555 0101"}} {
		got, err := c.FindCustomers(t.Context(), q)
		if err != nil || len(got) != 2 || got[0].ID != "99" || got[1].ID != "100" {
			t.Errorf("FindCustomers by %s: got %+v, %v; want 99 before 100", name, got, err)
			continue
		}
		// The caller compares with the address that it asked for.
		if q.Email != "" && got[1].Email != "IDA@example.com" || q.Phone != "" && got[1].Phone != "201-555-0101" {
			t.Errorf("FindCustomers by %s: got %+v; want what was asked for", name, got[1])
		}
	}
}

func TestSearchWindowAndFilter(t *testing.T) {
	t.Parallel()
	var query string
	handler := func(w http.ResponseWriter, r *http.Request) {
		query = r.URL.RawQuery
		answering(200, listed())(w, r)
	}
	_ = read(t.Context(), serve(t, handler, func(cfg *tevocore.Config) { cfg.SearchDays = 10 }))
	day := time.Now().UTC().AddDate(0, 0, -10).Format("2006-01-02")
	if want := "created_at.gte=" + day; !strings.HasPrefix(query, want) {
		t.Errorf("query: got %s; want it to begin with %s", query, want)
	}
	_ = read(t.Context(), serve(t, handler, func(cfg *tevocore.Config) { cfg.SearchByReference = "ref" }))
	if want := "page=1&per_page=100&ref=ord&type=Order"; query != want {
		t.Errorf("query: got %s; want %s", query, want)
	}
}

func TestCancellationsThatWaitAreForAPerson(t *testing.T) {
	t.Parallel()
	for name, agree := range map[string]string{"Purchases": "purchases", "Everything": "always"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k := kinds()["ScansClients"]
			k.sim.Agree = agree
			c, faults := simulated(t, k)
			ctx, op := t.Context(), pos.Op{Key: "k", Ref: "ord"}
			customer, err := c.CreateCustomer(ctx, op, pos.CustomerInput{Name: "Ida Invented"})
			if err != nil {
				t.Fatal(err)
			}
			in := aSale(100, 2)
			in.CustomerID, in.Lines[0].InventoryID = customer.ID, "101"
			inv, err := c.CreateInvoice(ctx, op, in)
			if err != nil {
				t.Fatal(err)
			}
			po, err := c.CreatePurchaseOrder(ctx, op, pos.PurchaseInput{Vendor: pos.Vendor{ID: vendor, Name: "n"}, Lines: []pos.PurchaseLine{{
				Event: pos.Event{Name: "The Sample Play", StartsAt: time.Date(2027, 2, 1, 19, 30, 0, 0, time.UTC)}, Section: "B", Row: "T",
				Seats: []string{"9", "11"}, Quantity: 2, Total: pos.Money{Minor: 18000, Currency: "USD"},
			}}})
			if err != nil || len(po.Lines) != 1 || strings.Join(po.Lines[0].Seats, " ") != "9 11" || po.Vendor.ID != vendor {
				t.Fatalf("CreatePurchaseOrder: got %+v, %v", po, err)
			}
			void := pos.VoidInput{Ref: "ord", Restock: true, Reason: "cancelled"}
			opts := pos.Options{Attempt: 2, Sleep: faults.Sleep}
			for range 2 { // the second time it is proposed already
				_, found, err := pos.VoidPurchaseOrderByRef(ctx, c, op, void, opts)
				wantClass(t, "VoidPurchaseOrderByRef", err, pos.Unsupported)
				if !found || !strings.Contains(err.Error(), "the other side must agree") || !strings.Contains(err.Error(), po.ID) {
					t.Errorf("VoidPurchaseOrderByRef: got %v; want the order and who must agree", err)
				}
			}
			if err := faults.core.Agree(po.ID); err != nil {
				t.Fatal(err)
			}
			orders, _, err := pos.VoidPurchaseOrderByRef(ctx, c, op, void, opts)
			if err != nil || len(orders) != 1 || !orders[0].Voided {
				t.Errorf("VoidPurchaseOrderByRef after they agreed: got %+v, %v; want it void", orders, err)
			}
			_, _, err = pos.VoidInvoiceByRef(ctx, c, op, void, opts)
			if agree == "purchases" {
				if err != nil {
					t.Errorf("VoidInvoiceByRef: got %v; want no error", err)
				}
				return
			}
			wantClass(t, "VoidInvoiceByRef", err, pos.Unsupported)
			if err := faults.core.Agree(inv.ID); err != nil {
				t.Fatal(err)
			}
			// Void without restock, too, is done once it is done.
			if got, err := c.VoidInvoice(ctx, op, inv.ID, pos.VoidInput{Reason: "r"}); err != nil || !got.Voided {
				t.Errorf("VoidInvoice after they agreed: got %+v, %v; want it void", got, err)
			}
		})
	}
}

func TestVoidsOnlyWhatItMay(t *testing.T) {
	t.Parallel()
	void := func(order string, in pos.VoidInput, change ...func(*tevocore.Config)) (sent string, err error) {
		current := order
		by := map[string]http.HandlerFunc{"GET /v9/orders/900": func(w http.ResponseWriter, r *http.Request) { answering(200, current)(w, r) }}
		for _, path := range []string{"cancel", "return"} {
			by["POST /v9/orders/900/"+path] = func(w http.ResponseWriter, r *http.Request) {
				sent, current = path, strings.Replace(order, `"accepted"`, `"canceled_post_acceptance"`, 1)
				answering(200, `{}`)(w, r)
			}
		}
		_, err = serve(t, routes(t, by), change...).VoidInvoice(t.Context(), pos.Op{Key: "k"}, "900", in)
		return sent, err
	}
	restock, dead := pos.VoidInput{Restock: true, Reason: "r"}, pos.VoidInput{Reason: "r"}
	office := with(with(saleJSON, `"client":{"id":"7"},`, `"client":null,`), `"type":"Client","id":"7"`, `"type":"Office","id":6`)
	keeps := func(cfg *tevocore.Config) { cfg.CancelKeepsTickets = true }
	returns := func(cfg *tevocore.Config) { cfg.VoidByReturn = true }
	for name, c := range map[string]struct {
		order  string
		in     pos.VoidInput
		change []func(*tevocore.Config)
		sent   string
		class  pos.Class
	}{
		"Sale":               {saleJSON, restock, nil, "cancel", ""},
		"ByReturn":           {saleJSON, restock, []func(*tevocore.Config){returns}, "return", ""},
		"TicketsMustNotSell": {saleJSON, dead, nil, "", pos.Unsupported},
		"TicketsDoNotSell":   {saleJSON, dead, []func(*tevocore.Config){keeps}, "cancel", ""},
		"OfAnotherOffice":    {office, restock, nil, "", pos.Unsupported},
		"Purchase":           {with(saleJSON, `"isPO":false`, `"isPO":true`), restock, nil, "", pos.NotFound},
		"VoidAlready":        {with(saleJSON, `"accepted"`, `"rejected"`), dead, nil, "", ""},
		"Proposed":           {with(saleJSON, `"accepted"`, `"cancel_proposed"`), restock, nil, "", pos.Unsupported},
		"StaysLive":          {with(saleJSON, `"accepted"`, `"pending"`), restock, nil, "cancel", pos.OutcomeUnknown},
	} {
		sent, err := void(c.order, c.in, c.change...)
		if sent != c.sent || pos.ClassOf(err) != c.class {
			t.Errorf("%s: sent %q, got %v; want %q, class %q", name, sent, err, c.sent, c.class)
		}
	}
}

func TestPurchasesNeedWhatCoreKnows(t *testing.T) {
	t.Parallel()
	c, faults := simulated(t, kinds()["ScansClients"])
	at := time.Date(2027, 2, 1, 19, 30, 0, 0, time.UTC)
	good := pos.PurchaseLine{Event: pos.Event{Name: "The Sample Play", StartsAt: at}, Section: "B", Quantity: 2, Total: pos.Money{Minor: 2, Currency: "USD"}}
	for name, change := range map[string]func(*pos.PurchaseInput){
		"VendorWithoutOffice": func(in *pos.PurchaseInput) { in.Vendor.Name = "Somebody" },
		"VendorWithOddID":     func(in *pos.PurchaseInput) { in.Vendor.ID = "5/../6" },
		"NoSuchEvent":         func(in *pos.PurchaseInput) { in.Lines[0].Event.Name = "The Sample" },
		"OtherTime":           func(in *pos.PurchaseInput) { in.Lines[0].Event.StartsAt = at.Add(time.Hour) },
		"EventOfTwoTimes":     func(in *pos.PurchaseInput) { in.Lines[0].Event.StartsAt = time.Time{} },
		"SeatsApart":          func(in *pos.PurchaseInput) { in.Lines[0].Seats = []string{"1", "4"} },
		"SeatsOfLetters":      func(in *pos.PurchaseInput) { in.Lines[0].Seats = []string{"A", "B"} },
		"TooFewSeats":         func(in *pos.PurchaseInput) { in.Lines[0].Seats = []string{"1"} },
		"TotalThatIsOdd":      func(in *pos.PurchaseInput) { in.Lines[0].Total.Minor = 3 },
	} {
		in := pos.PurchaseInput{Vendor: pos.Vendor{Name: "Sample Tickets"}, Lines: []pos.PurchaseLine{good}}
		change(&in)
		_, err := c.CreatePurchaseOrder(t.Context(), pos.Op{Key: "k", Ref: "r"}, in)
		want := pos.Invalid
		if name == "VendorWithOddID" {
			want = pos.NotFound
		}
		wantClass(t, name, err, want)
	}
	if log := faults.core.Log(); len(log) != 0 {
		t.Errorf("writes: got %+v; want none", log)
	}
}

func TestPerSecondKeepsRequestsApart(t *testing.T) {
	t.Parallel()
	var n atomic.Int32
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		n.Add(1)
		answering(200, listed())(w, r)
	}, func(cfg *tevocore.Config) { cfg.PerSecond = 50 })
	began := time.Now()
	for range 4 {
		if err := read(t.Context(), c); err != nil {
			t.Fatalf("read: got %v; want no error", err)
		}
	}
	if took := time.Since(began); took < 60*time.Millisecond {
		t.Errorf("four requests: took %v; want three steps of 20ms at least", took)
	}
	slow := serve(t, answering(200, listed()), func(cfg *tevocore.Config) { cfg.PerSecond = 1 })
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	_ = read(ctx, slow)
	wantClass(t, "a write that waits for longer than its caller", write(ctx, slow), pos.Transient)
}

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	for header, want := range map[string]time.Duration{
		"": 0, "7": 7 * time.Second, "-1": 0, "soon": 0, "999999999": 24 * time.Hour, "Fri, 01 Jan 2027 00:00:30 GMT": 30 * time.Second,
	} {
		c := serve(t, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Retry-After", header)
			w.Header().Set("Date", "Fri, 01 Jan 2027 00:00:00 GMT")
			answering(503, `{"error":"rate limit"}`)(w, r)
		})
		var e *pos.Error
		if err := write(t.Context(), c); !errors.As(err, &e) || e.Class != pos.RateLimited || e.RetryAfter != want {
			t.Errorf("Retry-After %q: got %v; want rate_limited after %v", header, err, want)
		}
	}
}

func TestBrokenAnswersAndConnections(t *testing.T) {
	t.Parallel()
	broken := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "1000")
		w.WriteHeader(http.StatusOK)
		_, _ = io.WriteString(w, saleJSON[:20])
		panic(http.ErrAbortHandler)
	})
	wantClass(t, "write, broken answer", write(t.Context(), broken), pos.OutcomeUnknown)
	wantClass(t, "read, broken answer", read(t.Context(), broken), pos.Transient)

	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	refused, err := tevocore.New(config("http://" + address))
	if err != nil {
		t.Fatal(err)
	}
	wantClass(t, "write, refused connection", write(t.Context(), refused), pos.Transient)

	var posts atomic.Int32
	once := serve(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		if r.Method == http.MethodGet {
			answering(200, listed())(w, r)
			return
		}
		posts.Add(1)
		panic(http.ErrAbortHandler)
	})
	if err := read(t.Context(), once); err != nil { // so that there is a connection to be kept
		t.Fatalf("read: got %v; want no error", err)
	}
	wantClass(t, "write, lost answer", write(t.Context(), once), pos.OutcomeUnknown)
	if got := posts.Load(); got != 1 {
		t.Errorf("writes sent: got %d; want 1", got)
	}
}

// deadline is the deadline of the last request, none of which is sent.
type deadline struct{ time.Time }

func (d *deadline) RoundTrip(r *http.Request) (*http.Response, error) {
	d.Time, _ = r.Context().Deadline()
	return nil, io.ErrUnexpectedEOF
}

// A request may take Config.Timeout, but ends before its caller does, who else would not hear what became of it. Its deadline is
// looked at and not waited for: on a machine that is busy both would pass at once.
func TestTimeouts(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ own, callers, want time.Duration }{
		"NoDeadlineOfTheCaller":     {own: time.Hour, want: time.Hour},
		"OwnTimeout":                {own: time.Hour, callers: 10 * time.Hour, want: time.Hour},
		"NearerDeadlineOfTheCaller": {own: 10 * time.Hour, callers: time.Hour, want: 54 * time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			began, ctx := time.Now(), t.Context()
			if test.callers > 0 {
				var cancel context.CancelFunc
				ctx, cancel = context.WithDeadline(ctx, began.Add(test.callers))
				defer cancel()
			}
			var sent deadline
			cfg := config("http://pos.example.com")
			cfg.Timeout, cfg.HTTP = test.own, &http.Client{Transport: &sent}
			c, err := tevocore.New(cfg)
			if err != nil {
				t.Fatalf("New: got %v; want no error", err)
			}
			for _, call := range []func(context.Context, *tevocore.Client) error{write, read} {
				sent.Time = time.Time{}
				_ = call(ctx, c)
				if got := sent.Sub(began); got < test.want || got > test.want+time.Minute {
					t.Errorf("deadline of the request: got %v from now; want %v", got, test.want)
				}
			}
		})
	}
}

func TestCallThatHangsEnds(t *testing.T) {
	t.Parallel()
	var calls atomic.Int32
	var shared tevocore.Config
	patient := serve(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		if calls.Add(1) == 1 {
			answering(200, listed())(w, r)
			return
		}
		<-r.Context().Done()
	}, func(cfg *tevocore.Config) { shared = *cfg })
	// So that there is a connection: whoever could not connect in time knows that nothing was written.
	if err := read(t.Context(), patient); err != nil {
		t.Fatalf("read: got %v; want no error", err)
	}
	shared.Timeout = 50 * time.Millisecond
	c, err := tevocore.New(shared)
	if err != nil {
		t.Fatalf("New: got %v; want no error", err)
	}
	err = write(t.Context(), c)
	wantClass(t, "write", err, pos.OutcomeUnknown)
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("write: got %v; want context.DeadlineExceeded", err)
	}
	wantClass(t, "read", read(t.Context(), c), pos.Transient)
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	t.Parallel()
	var reached atomic.Bool
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached.Store(true) }))
	defer other.Close()
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, other.URL, http.StatusMovedPermanently)
	})
	_, err := c.GetInventory(t.Context(), "11")
	wantClass(t, "GetInventory", err, pos.Unsupported)
	if err == nil || !strings.Contains(err.Error(), "Listings") {
		t.Errorf("GetInventory: got %v; want the setting to be named", err)
	}
	if reached.Load() {
		t.Error("the redirect was followed; want it refused")
	}
}

// A server may put the buyer and the credential into whatever it sends back; none of that may reach an error.
func TestErrorsQuoteNothingThatWasSent(t *testing.T) {
	t.Parallel()
	const buyer = "zelda@example.com"
	for name, handler := range map[string]http.HandlerFunc{
		"Text":      answering(422, `{"error":"`+buyer+` `+secret+`"}`),
		"Texts":     answering(422, `{"errors":["`+buyer+`"]}`),
		"Fields":    answering(422, `{"errors":{"`+buyer+`":["`+buyer+`"],"`+secret+`":["x"]},"clients":[{"name":"`+buyer+`","errors":{"Zelda":1}}]}`),
		"BadJSON":   answering(200, `{"orders":[`+buyer),
		"BadTime":   answering(200, listed(with(saleJSON, "2027-01-01T00:00:00Z", buyer))),
		"BadAmount": answering(200, listed(with(saleJSON, "0.5", buyer))),
		"BadState":  answering(200, listed(with(saleJSON, "accepted", buyer))),
		"BadType":   answering(200, `{"orders":"`+buyer+`"}`),
		"Redirect": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://pos.example.com/?"+buyer+token, http.StatusFound)
		},
		"NotHTTP": func(w http.ResponseWriter, _ *http.Request) {
			conn, _, err := http.NewResponseController(w).Hijack()
			if err != nil {
				t.Error(err)
				return
			}
			_, _ = io.WriteString(conn, buyer+token+"\r\n\r\n")
			_ = conn.Close()
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := serve(t, handler, func(cfg *tevocore.Config) { cfg.EmailFilter, cfg.PhoneFilter = "email", "phone" })
			_, find := c.FindCustomers(t.Context(), pos.CustomerQuery{Email: buyer})
			_, create := c.CreateCustomer(t.Context(), pos.Op{Key: "k"}, pos.CustomerInput{Name: buyer, Email: buyer})
			_, void := c.VoidInvoice(t.Context(), pos.Op{Key: "k"}, "900", pos.VoidInput{Restock: true, Reason: "r"})
			errs := []error{find, create, void, write(t.Context(), c), read(t.Context(), c)}
			if errs[4] == nil {
				t.Error("read: got no error; want one")
			}
			for _, err := range errs {
				for e := err; e != nil; e = errors.Unwrap(e) {
					if s := strings.ToLower(e.Error()); strings.Contains(s, "zelda") || strings.Contains(s, token) || strings.Contains(s, secret) {
						t.Errorf("the error quotes what was sent: %q", s)
					}
				}
			}
		})
	}
}

func TestNewReportsEveryFault(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*tevocore.Config)
		want   string
	}{
		"NoURL":            {func(c *tevocore.Config) { c.BaseURL = "" }, "BaseURL"},
		"Unreadable":       {func(c *tevocore.Config) { c.BaseURL = "http://ada:hunter2@[" }, "BaseURL"},
		"WithUser":         {func(c *tevocore.Config) { c.BaseURL = "http://ada:hunter2@example.com" }, "BaseURL"},
		"WithQuery":        {func(c *tevocore.Config) { c.BaseURL = "http://example.com?hunter2" }, "BaseURL"},
		"TokenWithNewline": {func(c *tevocore.Config) { c.Token = "hunter2\n" }, "Token"},
		"NoSecret":         {func(c *tevocore.Config) { c.Secret = "" }, "Secret"},
		"NoOffice":         {func(c *tevocore.Config) { c.OfficeID = "" }, "OfficeID"},
		"NoReviewer":       {func(c *tevocore.Config) { c.ReviewerID = "ada" }, "ReviewerID"},
		"NegativeTimeout":  {func(c *tevocore.Config) { c.Timeout = -1 }, "Timeout"},
		"NegativeDays":     {func(c *tevocore.Config) { c.SearchDays = -1 }, "SearchDays"},
		"OneFilter":        {func(c *tevocore.Config) { c.EmailFilter = "email" }, "PhoneFilter"},
		"FilterIsAPage":    {func(c *tevocore.Config) { c.SearchByReference = "page" }, "filter"},
		"OddCurrency":      {func(c *tevocore.Config) { c.Currency = "usd" }, "Currency"},
		"VendorIsNoOffice": {func(c *tevocore.Config) { c.Vendors = map[string]string{"a": "b"} }, "Vendors"},
		"VendorTwice":      {func(c *tevocore.Config) { c.Vendors = map[string]string{"a": "1", "b": "1"} }, "two names"},
		"All":              {func(c *tevocore.Config) { *c = tevocore.Config{Timeout: -1} }, "Timeout"},
	} {
		cfg := config("https://api.example.com")
		c.change(&cfg)
		_, err := tevocore.New(cfg)
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: got %v; want an error about %s, without secrets", name, err, c.want)
		}
		if name == "All" && strings.Count(err.Error(), "\n") != 5 {
			t.Errorf("All: got %v; want six faults", err)
		}
	}
}
