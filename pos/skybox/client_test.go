package skybox_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"willcall/pos"
	"willcall/pos/skybox"
)

const invoiceJSON = `{"id":77,"customerId":5,"externalRef":"ord","paymentStatus":"UNPAID","fulfillmentStatus":"PENDING","currencyCode":"USD",` +
	`"createdDate":"2027-01-01T00:00:00.000+0000","notes":null,"lines":[{"id":78,"quantity":1,"amount":1.0,"lineItemType":"INVENTORY",` +
	`"itemIds":[501],"inventory":{"id":44},"cancelled":false}]}`

func client(t testing.TB, cfg skybox.Config) *skybox.Client {
	t.Helper()
	c, err := skybox.New(settings(cfg))
	if err != nil {
		t.Fatalf("New: got %v; want no error", err)
	}
	return c
}

// serve starts a server and a client of it.
func serve(t testing.TB, handler http.HandlerFunc) *skybox.Client {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return client(t, skybox.Config{BaseURL: server.URL, HTTP: server.Client()})
}

// answering answers everything alike.
func answering(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

func oneTicket() pos.InvoiceInput {
	return pos.InvoiceInput{CustomerID: "5", Lines: []pos.InvoiceLine{
		{InventoryID: "44", TicketIDs: []string{"501"}, Quantity: 1, Total: pos.Money{Minor: 100, Currency: "USD"}},
	}}
}

func write(ctx context.Context, c *skybox.Client) error {
	_, err := c.CreateInvoice(ctx, pos.Op{Key: "k", Ref: "ord"}, oneTicket())
	return err
}

func read(ctx context.Context, c *skybox.Client) error {
	_, err := c.GetInvoice(ctx, "77")
	return err
}

func find(ctx context.Context, c *skybox.Client) error {
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

func TestStatusDecides(t *testing.T) {
	t.Parallel()
	for status, want := range map[int]struct{ write, read pos.Class }{
		300: {pos.Invalid, pos.Invalid}, 302: {pos.Invalid, pos.Invalid}, 307: {pos.Invalid, pos.Invalid},
		401: {pos.Unauthorized, pos.Unauthorized}, 403: {pos.Unauthorized, pos.Unauthorized},
		404: {pos.NotFound, pos.NotFound}, 405: {pos.Unsupported, pos.Unsupported}, 408: {pos.OutcomeUnknown, pos.Transient},
		409: {pos.ReferenceConflict, pos.ReferenceConflict}, 413: {pos.Invalid, pos.Invalid}, 422: {pos.Invalid, pos.Invalid},
		425: {pos.Transient, pos.Transient}, 429: {pos.RateLimited, pos.RateLimited}, 500: {pos.OutcomeUnknown, pos.Transient},
		501: {pos.Unsupported, pos.Unsupported}, 502: {pos.OutcomeUnknown, pos.Transient}, 503: {pos.OutcomeUnknown, pos.Transient},
		504: {pos.OutcomeUnknown, pos.Transient}, 599: {pos.OutcomeUnknown, pos.Transient},
	} {
		t.Run(http.StatusText(status), func(t *testing.T) {
			t.Parallel()
			for _, body := range []string{``, `<html>`, `{"message":"no"}`, `[]`} {
				c := serve(t, answering(status, body))
				wantClass(t, "write", write(t.Context(), c), want.write)
				wantClass(t, "read", read(t.Context(), c), want.read)
			}
		})
	}
}

// answers gives each path an answer of its own; a path that is not there is 404.
type answers map[string]string

func (a answers) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, ok := a[r.Method+" "+r.URL.Path]
	switch {
	case !ok:
		answering(404, `{}`)(w, r)
	case strings.HasPrefix(body, "400"):
		answering(400, strings.TrimPrefix(body, "400"))(w, r)
	case body == "503":
		answering(503, ``)(w, r)
	case body == "429":
		w.Header().Set("Retry-After", "7")
		answering(429, ``)(w, r)
	default:
		answering(200, body)(w, r)
	}
}

func TestRefusedSaleIsUnavailableOnlyForWantOfSeats(t *testing.T) {
	t.Parallel()
	group := func(status, ticket string) string {
		return `{"id":44,"eventId":7,"status":"` + status + `","quantity":1,"tickets":[{"id":501,"seatNumber":1,"status":"` + ticket + `"}]}`
	}
	for name, c := range map[string]struct {
		inventory string
		want      pos.Class
	}{
		"Sold":      {group("DEPLETED", "SOLD"), pos.Unavailable},
		"OnHold":    {group("ON_HOLD", "AVAILABLE"), pos.Unavailable},
		"Dead":      {group("AVAILABLE", "CANCELLED"), pos.Unavailable},
		"Free":      {group("AVAILABLE", "AVAILABLE"), pos.Invalid},
		"NoTicket":  {`{"id":44,"eventId":7,"status":"AVAILABLE","tickets":[]}`, pos.NotFound},
		"Down":      {"503", pos.Transient},
		"Throttled": {"429", pos.RateLimited},
		"Other":     {strings.Replace(group("AVAILABLE", "SOLD"), "44", "45", 1), pos.Transient},
		"Gone":      {"", pos.NotFound},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := answers{"POST /invoices": `400[{"propertyPath":"lines[0].itemIds","message":"no"}]`, "GET /inventory/44": c.inventory}
			if c.inventory == "" {
				delete(a, "GET /inventory/44")
			}
			wantClass(t, "CreateInvoice", write(t.Context(), serve(t, a.ServeHTTP)), c.want)
		})
	}
}

func TestRefusalsNameFieldsOnly(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ body, want string }{
		"PropertyPath": {`[{"propertyPath":"address.postalCode","message":"zelda"},{"propertyPath":"email","invalidValue":"zelda"}]`, "400 (at address.postalCode, email)"},
		"Violations":   {`{"violations":[{"path":"lines[12].itemIds"},{"field":"zelda"}]}`, "400 (at lines[12].itemIds)"},
		"ByField":      {`{"displayName":"zelda may not be longer","zelda":"x"}`, "400 (at displayName)"},
		"Unknown":      {`{"message":"zelda is no address"}`, "400"},
		"Crooked":      {`[{"propertyPath":"lines[zelda].email"},{"propertyPath":"lines["},{"propertyPath":"lines[]"},{"propertyPath":7}]`, "400"},
		"NoJSON":       {`zelda`, "400"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in := pos.CustomerInput{Name: "Ada", Email: "ada@example.com", Kind: pos.Retail}
			_, err := serve(t, answering(400, c.body)).CreateCustomer(t.Context(), pos.Op{Key: "k"}, in)
			if want := "pos: create customer: invalid: " + c.want + ": refused as invalid"; err == nil || err.Error() != want {
				t.Errorf("CreateCustomer: got %v; want %s", err, want)
			}
		})
	}
}

func TestAnswersThatAreNotTheDocumentsAreNoAnswers(t *testing.T) {
	t.Parallel()
	change := func(old, new string) string {
		if !strings.Contains(invoiceJSON, old) {
			t.Fatalf("%q is not in the invoice", old)
		}
		return strings.Replace(invoiceJSON, old, new, 1)
	}
	for name, c := range map[string]struct {
		status int
		body   string
	}{
		"Empty":          {200, ``},
		"HTML":           {200, `<html>please log in</html>`},
		"Null":           {200, `null`},
		"EmptyObject":    {200, `{}`},
		"List":           {200, `[` + invoiceJSON + `,` + invoiceJSON + `]`},
		"Rest":           {200, invoiceJSON + `{}`},
		"IDNoNumber":     {200, change(`"id":77`, `"id":"i"`)},
		"IDNegative":     {200, change(`"id":77`, `"id":-7`)},
		"IDFraction":     {200, change(`"id":77`, `"id":7.7`)},
		"NoPayment":      {200, change(`"paymentStatus":"UNPAID",`, ``)},
		"OtherStatus":    {200, change(`"PENDING"`, `"UNFULFILLED"`)},
		"NoCurrency":     {200, change(`"currencyCode":"USD",`, ``)},
		"OtherCurrency":  {200, change(`"USD"`, `"XBT"`)},
		"RoundedAmount":  {200, change(`1.0,`, `1.005,`)},
		"FloatNoise":     {200, change(`1.0,`, `1.0000000000000002,`)},
		"AmountIsText":   {200, change(`1.0,`, `"one",`)},
		"NoAmount":       {200, change(`"amount":1.0,`, ``)},
		"LineWithoutID":  {200, change(`"id":78,`, ``)},
		"NoTime":         {200, change(`2027-01-01T00:00:00.000+0000`, `yesterday`)},
		"TooLarge":       {200, invoiceJSON + strings.Repeat(" ", 9<<20)},
		"Accepted":       {202, invoiceJSON},
		"NoContent":      {204, ``},
		"LinesNoList":    {200, change(`"lines":[`, `"lines":7,"x":[`)},
		"CancelledNoYes": {200, change(`"cancelled":false`, `"cancelled":"no"`)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client := serve(t, answering(c.status, c.body))
			wantClass(t, "write", write(t.Context(), client), pos.OutcomeUnknown)
			wantClass(t, "read", read(t.Context(), client), pos.Transient)
		})
	}
	t.Run("Good", func(t *testing.T) {
		t.Parallel()
		for _, status := range []int{200, 201} {
			c := serve(t, answering(status, invoiceJSON))
			if err := errors.Join(write(t.Context(), c), read(t.Context(), c)); err != nil {
				t.Errorf("%d: got %v; want no error", status, err)
			}
		}
	})
}

func TestListsThatAreNoneAreNoEmptyLists(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"Empty": ``, "HTML": `<html>`, "Null": `null`, "Object": `{}`, "NullRows": `{"rows":null}`, "RowsNoList": `{"rows":{}}`, "Text": `"x"`,
		"Broken": `[`, "NoRecord": `[7]`, "NoID": `[{}]`, "NullRecord": `[null]`,
		"RefNoText":  `[` + strings.Replace(invoiceJSON, `"externalRef":"ord"`, `"externalRef":7`, 1) + `]`,
		"OursBroken": `[` + strings.Replace(invoiceJSON, `"amount":1.0`, `"amount":1.005`, 1) + `]`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			wantClass(t, "FindInvoices", find(t.Context(), serve(t, answering(200, body))), pos.Transient)
		})
	}
	for name, c := range map[string]struct {
		body string
		want int
	}{
		"EmptyArray": {`[]`, 0}, "EmptyRows": {`{"rows":[]}`, 0}, "One": {`[` + invoiceJSON + `]`, 1},
		// That another writer's invoice has no currency must not hide ours.
		"OthersBroken":  {`{"rows":[{"id":3,"externalRef":"ord-2"},` + invoiceJSON + `,{"id":4,"externalRef":null}]}`, 1},
		"OthersStrange": {`[{"id":3,"externalRef":"ord-2","lines":"many","customerId":{}},` + invoiceJSON + `]`, 1},
		"Twice":         {`[` + invoiceJSON + `,` + invoiceJSON + `]`, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := serve(t, answering(200, c.body)).FindInvoices(t.Context(), "ord")
			if err != nil || len(got) != c.want {
				t.Errorf("FindInvoices: got %d, %v; want %d", len(got), err, c.want)
			}
		})
	}
}

func TestBrokenAnswerIsNone(t *testing.T) {
	t.Parallel()
	c := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "1000")
		w.WriteHeader(http.StatusOK)
		_, _ = io.WriteString(w, invoiceJSON[:20])
		panic(http.ErrAbortHandler)
	})
	wantClass(t, "write", write(t.Context(), c), pos.OutcomeUnknown)
	wantClass(t, "read", read(t.Context(), c), pos.Transient)
}

func TestRefusedConnectionDidNothing(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	c := client(t, skybox.Config{BaseURL: "http://" + address})
	wantClass(t, "write", write(t.Context(), c), pos.Transient)
	wantClass(t, "read", read(t.Context(), c), pos.Transient)
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
			c := client(t, skybox.Config{BaseURL: "http://pos.example.com", Timeout: test.own, HTTP: &http.Client{Transport: &sent}})
			for _, call := range []func(context.Context, *skybox.Client) error{write, read} {
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
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		if calls.Add(1) == 1 {
			answering(200, invoiceJSON)(w, r)
			return
		}
		<-r.Context().Done()
	}))
	defer server.Close()
	// So that there is a connection: whoever could not connect in time knows that nothing was written.
	if err := read(t.Context(), client(t, skybox.Config{BaseURL: server.URL, HTTP: server.Client()})); err != nil {
		t.Fatalf("read: got %v; want no error", err)
	}
	c := client(t, skybox.Config{BaseURL: server.URL, Timeout: 50 * time.Millisecond, HTTP: server.Client()})
	err := write(t.Context(), c)
	wantClass(t, "write", err, pos.OutcomeUnknown)
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("write: got %v; want context.DeadlineExceeded", err)
	}
	wantClass(t, "read", read(t.Context(), c), pos.Transient)
}

func TestWritesAreSentOnce(t *testing.T) {
	t.Parallel()
	var posts atomic.Int32
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		if r.Method == http.MethodGet {
			answering(200, invoiceJSON)(w, r)
			return
		}
		posts.Add(1)
		panic(http.ErrAbortHandler)
	})
	if err := read(t.Context(), c); err != nil { // so that there is a connection to be kept
		t.Fatalf("read: got %v; want no error", err)
	}
	wantClass(t, "write", write(t.Context(), c), pos.OutcomeUnknown)
	if got := posts.Load(); got != 1 {
		t.Errorf("requests: got %d; want 1", got)
	}
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	t.Parallel()
	var reached atomic.Bool
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached.Store(true) }))
	defer other.Close()
	for _, status := range []int{301, 302, 303, 307, 308} {
		c := serve(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, other.URL, status) })
		wantClass(t, "write", write(t.Context(), c), pos.Invalid)
		wantClass(t, "read", read(t.Context(), c), pos.Invalid)
	}
	if reached.Load() {
		t.Error("the redirect was followed; want it refused")
	}
}

func TestHeaders(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var got http.Header
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		got = r.Header
		mu.Unlock()
		answering(200, invoiceJSON)(w, r)
	})
	_ = write(t.Context(), c)
	mu.Lock()
	defer mu.Unlock()
	for name, want := range map[string]string{
		"X-Application-Token": applicationToken, "X-Api-Token": apiToken, "X-Account": account, "Content-Type": "application/json",
	} {
		if got.Get(name) != want {
			t.Errorf("%s: got %q; want %q", name, got.Get(name), want)
		}
	}
}

// SkyBox may put the buyer or our credentials into whatever it sends back; none of that may reach an error.
func TestErrorsQuoteNothingThatWasSent(t *testing.T) {
	t.Parallel()
	const secret = "zelda@example.com"
	const echo = secret + applicationToken + apiToken
	for name, handler := range map[string]http.HandlerFunc{
		"Validator": answering(400, `[{"propertyPath":"`+echo+`","message":"`+echo+`","`+echo+`":"x"}]`),
		"Message":   answering(500, `{"message":"`+echo+`"}`),
		"BadJSON":   answering(200, `{"id":`+echo),
		"BadID":     answering(200, `{"id":"`+echo+`"}`),
		"BadTime":   answering(200, strings.Replace(invoiceJSON, "2027-01-01T00:00:00.000+0000", echo, 1)),
		"BadAmount": answering(200, strings.Replace(invoiceJSON, "1.0,", `"`+echo+`",`, 1)),
		"BadType":   answering(200, `{"rows":"`+echo+`"}`),
		"Redirect": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://pos.example.com/?"+echo, http.StatusFound)
		},
		"NotHTTP": func(w http.ResponseWriter, _ *http.Request) {
			conn, _, err := http.NewResponseController(w).Hijack()
			if err != nil {
				t.Error(err)
				return
			}
			_, _ = io.WriteString(conn, echo+"\r\n\r\n")
			_ = conn.Close()
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := serve(t, handler)
			ctx, op := t.Context(), pos.Op{Key: "k", Ref: "ord"}
			_, customers := c.FindCustomers(ctx, pos.CustomerQuery{Email: secret})
			_, customer := c.CreateCustomer(ctx, op, pos.CustomerInput{Name: secret, Email: secret, Kind: pos.Retail})
			_, inventory := c.GetInventory(ctx, "44")
			_, void := c.VoidInvoice(ctx, op, "77", pos.VoidInput{Reason: "r"})
			_, orders := c.FindPurchaseOrders(ctx, "ord")
			errs := []error{customers, customer, inventory, void, orders, write(ctx, c), find(ctx, c), read(ctx, c)}
			if errs[7] == nil {
				t.Error("read: got no error; want one")
			}
			for _, err := range errs {
				for e := err; e != nil; e = errors.Unwrap(e) {
					for _, word := range []string{"zelda", applicationToken, apiToken} {
						if strings.Contains(e.Error(), word) {
							t.Errorf("the error holds %q", word)
						}
					}
				}
			}
		})
	}
}

// What is sent is what the document has: amounts are numbers with all their decimals, ids numbers, the key is a note for people.
func TestRequestBodies(t *testing.T) {
	t.Parallel()
	sent := map[string]string{}
	var mu sync.Mutex
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		mu.Lock()
		sent[r.Method+" "+r.URL.Path] = string(body)
		mu.Unlock()
		switch {
		case r.URL.Path == "/vendors" && r.Method == http.MethodGet:
			answering(200, `[{"id":5,"displayName":"Sample Tickets"}]`)(w, r)
		case strings.HasPrefix(r.URL.Path, "/invoices"):
			answering(200, invoiceJSON)(w, r)
		default:
			answering(400, ``)(w, r)
		}
	})
	ctx, op := t.Context(), pos.Op{Key: "tevo/1/invoice/1", Ref: "tevo/1"}
	in := oneTicket()
	in.Payment, in.Lines[0].Total = pos.Paid, usd(24000)
	_, _ = c.CreateInvoice(ctx, op, in)
	_, _ = c.CreateCustomer(ctx, op, pos.CustomerInput{Name: "Ada B. Sample", Email: "a@b.c", Phone: "+1 555 0100", Company: "Sample", Kind: pos.Broker})
	_, _ = c.CreatePurchaseOrder(ctx, op, bought("9", "10"))
	_, _ = c.VoidInvoice(ctx, op, "77", pos.VoidInput{Restock: false, Reason: "cancelled"})
	for call, want := range map[string]string{
		"POST /invoices": `{"customerId":5,"accountId":977,"externalRef":"tevo/1","currencyCode":"USD","salesTerm":"NET0","paymentMethod":"AR",` +
			`"deliveryMethod":"MOBILE_DELIVERY","paymentStatus":"PAID","fulfillmentStatus":"PENDING","taxAmount":0,"shippingAmount":0,"otherAmount":0,` +
			`"internalNotes":"tevo/1/invoice/1","lines":[{"accountId":977,"lineType":"INVOICE","lineItemType":"INVENTORY","quantity":1,"amount":240.00,"itemIds":[501]}]}`,
		"POST /customers": `{"accountId":977,"email":"a@b.c","company":"Sample","displayName":"Ada B. Sample","firstName":"Ada B.","lastName":"Sample",` +
			`"customerType":"BROKER","salesTerm":"NET0","paymentMethod":"AR","defaultDeliveryMethod":"MOBILE_DELIVERY",` +
			`"address":{"address1":"","city":"Unknown","state":"UNKNOWN","postalCode":"00000","country":"US","phone1":"+1 555 0100"}}`,
		"POST /purchases": `{"vendorId":5,"accountId":977,"externalRef":"tevo/1","currencyCode":"USD","purchaseTerm":"NET0","paymentMethod":"CREDITCARD",` +
			`"paymentStatus":"UNPAID","deliveryMethod":"MOBILE_DELIVERY","internalNotes":"tevo/1/invoice/1","lines":[{"accountId":977,"lineType":"PURCHASE",` +
			`"lineItemType":"INVENTORY","quantity":2,"amount":180.00,"inventory":{"eventMapping":{"eventName":"The Sample Play","venueName":"To be mapped",` +
			`"eventDate":"2027-02-01T19:30:00Z"},"quantity":2,"section":"B","row":"T","lowSeat":9,"highSeat":10,"cost":180.00,"stockType":"MOBILE_TRANSFER",` +
			`"splitType":"DEFAULT","seatType":"CONSECUTIVE","hideSeatNumbers":false}}]}`,
		"POST /lines/invoice/bulk-cancel": `{"lineIds":[78]}`,
	} {
		mu.Lock()
		got := sent[call]
		mu.Unlock()
		if got != want {
			t.Errorf("%s: got %s; want %s", call, got, want)
		}
	}
}

func TestDeletedCustomersAreNotFound(t *testing.T) {
	t.Parallel()
	c := serve(t, answering(200, `[{"id":3,"displayName":"Ada","email":"ada@example.com","deleted":true},{"id":10,"displayName":"Ada","email":"ada@example.com"},`+
		`{"id":9,"displayName":"Ada","email":"ada@example.com","address":null}]`))
	got, err := c.FindCustomers(t.Context(), pos.CustomerQuery{Email: "ada@example.com"})
	if err != nil || len(got) != 2 || got[0].ID != "9" || got[1].ID != "10" {
		t.Errorf("FindCustomers: got %+v, %v; want 9 and 10", got, err)
	}
	_, err = c.FindCustomers(t.Context(), pos.CustomerQuery{})
	wantClass(t, "FindCustomers by nothing", err, pos.Invalid)
}

func TestNewReportsEveryFault(t *testing.T) {
	t.Parallel()
	good := func(change func(*skybox.Config)) skybox.Config {
		cfg := settings(skybox.Config{})
		change(&cfg)
		return cfg
	}
	if _, err := skybox.New(good(func(*skybox.Config) {})); err != nil {
		t.Errorf("New: got %v; want no error", err)
	}
	for _, c := range []struct {
		name   string
		change func(*skybox.Config)
		want   string
	}{
		{"NoHost", func(c *skybox.Config) { c.BaseURL = "http://" }, "BaseURL"},
		{"OtherScheme", func(c *skybox.Config) { c.BaseURL = "ftp://pos.example.com" }, "BaseURL"},
		{"Unreadable", func(c *skybox.Config) { c.BaseURL = "http://ada:hunter2@[" }, "BaseURL"},
		{"WithUser", func(c *skybox.Config) { c.BaseURL = "http://ada:hunter2@pos.example.com" }, "BaseURL"},
		{"WithQuery", func(c *skybox.Config) { c.BaseURL = "http://pos.example.com?a=hunter2" }, "BaseURL"},
		{"NoApplicationToken", func(c *skybox.Config) { c.ApplicationToken = "" }, "ApplicationToken"},
		{"APITokenWithNewline", func(c *skybox.Config) { c.APIToken = "hunter2\n" }, "APIToken"},
		{"AccountNoNumber", func(c *skybox.Config) { c.Account = "hunter2" }, "Account"},
		{"NegativeTimeout", func(c *skybox.Config) { c.Timeout = -1 }, "Timeout"},
		{"NegativeSettleDelay", func(c *skybox.Config) { c.SettleDelay = -1 }, "SettleDelay"},
		{"NegativeRate", func(c *skybox.Config) { c.PerSecond = -1 }, "PerSecond"},
		{"VendorNoNumber", func(c *skybox.Config) { c.VendorID = "them" }, "VendorID"},
		{"OtherCurrency", func(c *skybox.Config) { c.Currency = "CHF" }, "Currency"},
		{"OtherTerm", func(c *skybox.Config) { c.SalesTerm = "SOON" }, "SalesTerm"},
		{"OtherDelivery", func(c *skybox.Config) { c.DeliveryMethod = "PIGEON" }, "DeliveryMethod"},
		{"HalfAnAddress", func(c *skybox.Config) { c.Address.PostalCode, c.VendorEmail = "", "" }, "Address"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, err := skybox.New(good(c.change))
			if err == nil || !strings.HasPrefix(err.Error(), "skybox: "+c.want+" ") || strings.Contains(err.Error(), "hunter2") ||
				strings.Contains(err.Error(), "\n") {
				t.Errorf("New: got %v; want one error about %s, without secrets", err, c.want)
			}
		})
	}
	_, err := skybox.New(skybox.Config{Timeout: -1})
	if err == nil || len(strings.Split(err.Error(), "\n")) != 4 {
		t.Errorf("New: got %v; want four faults", err)
	}
}

func TestOwnRateLimit(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(answering(200, invoiceJSON))
	defer server.Close()
	c := client(t, skybox.Config{BaseURL: server.URL, HTTP: server.Client(), PerSecond: 0.01})
	if err := read(t.Context(), c); err != nil {
		t.Fatalf("read: got %v; want no error", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	began := time.Now()
	wantClass(t, "a write before its turn", write(ctx, c), pos.Transient)
	if time.Since(began) > 10*time.Second {
		t.Error("the write waited; want it to see that its turn is after its deadline")
	}
}
