package httpapi_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"willcall/pos"
	"willcall/pos/httpapi"
)

const invoiceJSON = `{"id":"i","external_reference":"ord","customer_id":"c","hold_id":null,"lines":[{"id":"l",` +
	`"inventory_id":"g","ticket_ids":["t"],"quantity":1,"total":{"amount":"1.00","currency":"USD"}}],` +
	`"payment":"UNPAID","fulfillment":"PENDING","voided":false,"void_reason":null,"created_at":"2027-01-01T00:00:00Z"}`

// serve starts a server and a client of it.
func serve(t *testing.T, handler http.HandlerFunc) *httpapi.Client {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return client(t, httpapi.Config{BaseURL: server.URL, Token: token, HTTP: server.Client()})
}

func client(t *testing.T, cfg httpapi.Config) *httpapi.Client {
	t.Helper()
	c, err := httpapi.New(cfg)
	if err != nil {
		t.Fatalf("New: got %v; want no error", err)
	}
	return c
}

// answering answers everything alike.
func answering(status int, kind, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", kind)
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

func write(ctx context.Context, c *httpapi.Client) error {
	_, err := c.CreateInvoice(ctx, pos.Op{Key: "k", Ref: "ord"}, pos.InvoiceInput{CustomerID: "c", Lines: []pos.InvoiceLine{
		{InventoryID: "g", Quantity: 1, Total: pos.Money{Minor: 100, Currency: "USD"}},
	}})
	return err
}

func read(ctx context.Context, c *httpapi.Client) error {
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

func TestProblemTypesDecideBeforeStatus(t *testing.T) {
	t.Parallel()
	want := map[string]pos.Class{
		"validation": pos.Invalid, "idempotency-key-missing": pos.Invalid, "unauthorized": pos.Unauthorized,
		"not-found": pos.NotFound, "inventory-unavailable": pos.Unavailable, "idempotency-in-progress": pos.InProgress,
		"reference-conflict": pos.ReferenceConflict, "idempotency-key-reused": pos.Invalid,
		"rate-limited": pos.RateLimited, "unsupported": pos.Unsupported, "unavailable": pos.Transient,
	}
	// The closed list of the document is the one of this table.
	listed := 0
	for _, v := range document(t).Components.Schemas["ProblemType"].Value.Enum {
		kind, ours := strings.CutPrefix(v.(string), "urn:willcall:problem:pos:")
		if _, known := want[kind]; ours && !known {
			t.Errorf("problem type %s: not in this table", kind)
		}
		if ours {
			listed++
		}
	}
	if listed != len(want) {
		t.Errorf("problem types: got %d in the document; want %d", listed, len(want))
	}
	for kind, class := range want {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			// 500 alone would be unknown for a write.
			c := serve(t, answering(500, "application/problem+json", `{"type":"urn:willcall:problem:pos:`+kind+`","title":"t","status":500,"more":[1]}`))
			wantClass(t, "write", write(t.Context(), c), class)
			wantClass(t, "read", read(t.Context(), c), class)
		})
	}
}

func TestStatusDecidesWithoutType(t *testing.T) {
	t.Parallel()
	for status, want := range map[int]struct{ write, read pos.Class }{
		300: {pos.Invalid, pos.Invalid}, 302: {pos.Invalid, pos.Invalid}, 307: {pos.Invalid, pos.Invalid},
		400: {pos.Invalid, pos.Invalid}, 401: {pos.Unauthorized, pos.Unauthorized}, 403: {pos.Unauthorized, pos.Unauthorized},
		404: {pos.NotFound, pos.NotFound}, 405: {pos.Unsupported, pos.Unsupported}, 408: {pos.OutcomeUnknown, pos.Transient},
		409: {pos.ReferenceConflict, pos.ReferenceConflict}, 410: {pos.NotFound, pos.NotFound},
		413: {pos.Invalid, pos.Invalid}, 422: {pos.Invalid, pos.Invalid}, 425: {pos.Transient, pos.Transient},
		429: {pos.RateLimited, pos.RateLimited}, 500: {pos.OutcomeUnknown, pos.Transient},
		501: {pos.Unsupported, pos.Unsupported}, 502: {pos.OutcomeUnknown, pos.Transient},
		503: {pos.OutcomeUnknown, pos.Transient}, 504: {pos.OutcomeUnknown, pos.Transient}, 599: {pos.OutcomeUnknown, pos.Transient},
	} {
		t.Run(http.StatusText(status), func(t *testing.T) {
			t.Parallel()
			for _, body := range []string{``, `<html>`, `{"type":"about:blank"}`, `{"type":7}`, `{"type":"urn:willcall:problem:pos:new"}`, `[]`} {
				c := serve(t, answering(status, "text/html", body))
				wantClass(t, "write", write(t.Context(), c), want.write)
				wantClass(t, "read", read(t.Context(), c), want.read)
			}
		})
	}
}

func TestAnswersThatAreNotTheContractsAreNoAnswers(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		status int
		body   string
	}{
		"Empty":          {201, ``},
		"HTML":           {200, `<html>please log in</html>`},
		"Null":           {201, `null`},
		"EmptyObject":    {201, `{}`},
		"NullItems":      {201, `{"items":null}`},
		"WrongType":      {201, strings.Replace(invoiceJSON, `"id":"i"`, `"id":7`, 1)},
		"Rest":           {201, invoiceJSON + `{}`},
		"NoID":           {201, strings.Replace(invoiceJSON, `"id":"i"`, `"id":""`, 1)},
		"NoReference":    {201, strings.Replace(invoiceJSON, `"external_reference"`, `"ref"`, 1)},
		"NoVoided":       {201, strings.Replace(invoiceJSON, `"voided":false,`, ``, 1)},
		"NoLines":        {201, strings.Replace(invoiceJSON, `"lines"`, `"line"`, 1)},
		"AmountAsNumber": {201, strings.Replace(invoiceJSON, `"1.00"`, `1.00`, 1)},
		"RoundedAmount":  {201, strings.Replace(invoiceJSON, `"1.00"`, `"1.005"`, 1)},
		"NegativeAmount": {201, strings.Replace(invoiceJSON, `"1.00"`, `"-1.00"`, 1)},
		"NoTime":         {201, strings.Replace(invoiceJSON, `2027-01-01T00:00:00Z`, `yesterday`, 1)},
		"TooLarge":       {201, invoiceJSON + strings.Repeat(" ", 5<<20)},
		"Accepted":       {202, invoiceJSON},
		"NoContent":      {204, ``},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client := serve(t, answering(c.status, "application/json", c.body))
			wantClass(t, "write", write(t.Context(), client), pos.OutcomeUnknown)
			wantClass(t, "read", read(t.Context(), client), pos.Transient)
		})
	}
	t.Run("Good", func(t *testing.T) {
		t.Parallel()
		if err := write(t.Context(), serve(t, answering(201, "application/json", invoiceJSON))); err != nil {
			t.Errorf("write: got %v; want no error", err)
		}
		if err := read(t.Context(), serve(t, answering(200, "application/json", `{"items":[`+invoiceJSON+`],"more":1}`))); err != nil {
			t.Errorf("read: got %v; want no error", err)
		}
	})
}

func TestAnswerAboutAnotherRecordIsNone(t *testing.T) {
	t.Parallel()
	c := serve(t, answering(200, "application/json", strings.Replace(invoiceJSON, `"voided":false`, `"voided":true`, 1)))
	if _, err := c.VoidInvoice(t.Context(), pos.Op{Key: "k"}, "i", pos.VoidInput{Reason: "r"}); err != nil {
		t.Errorf("VoidInvoice: got %v; want no error", err)
	}
	_, err := c.VoidInvoice(t.Context(), pos.Op{Key: "k"}, "other", pos.VoidInput{Reason: "r"})
	wantClass(t, "VoidInvoice, other id", err, pos.OutcomeUnknown)
	_, err = c.GetInvoice(t.Context(), "other")
	wantClass(t, "GetInvoice, other id", err, pos.Transient)
	c = serve(t, answering(200, "application/json", invoiceJSON))
	_, err = c.VoidInvoice(t.Context(), pos.Op{Key: "k"}, "i", pos.VoidInput{Reason: "r"})
	wantClass(t, "VoidInvoice, still live", err, pos.OutcomeUnknown)
}

func TestBrokenAnswerIsNone(t *testing.T) {
	t.Parallel()
	c := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "1000")
		w.WriteHeader(http.StatusCreated)
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
	c := client(t, httpapi.Config{BaseURL: "http://" + address, Token: token})
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
			c := client(t, httpapi.Config{BaseURL: "http://pos.example.com", Token: token, Timeout: test.own, HTTP: &http.Client{Transport: &sent}})
			for _, call := range []func(context.Context, *httpapi.Client) error{write, read} {
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
			answering(200, "application/json", `{"items":[]}`)(w, r)
			return
		}
		<-r.Context().Done()
	}))
	defer server.Close()
	// So that there is a connection: whoever could not connect in time knows that nothing was written.
	if err := read(t.Context(), client(t, httpapi.Config{BaseURL: server.URL, Token: token, HTTP: server.Client()})); err != nil {
		t.Fatalf("read: got %v; want no error", err)
	}
	c := client(t, httpapi.Config{BaseURL: server.URL, Token: token, Timeout: 50 * time.Millisecond, HTTP: server.Client()})
	err := write(t.Context(), c)
	wantClass(t, "write", err, pos.OutcomeUnknown)
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("write: got %v; want context.DeadlineExceeded", err)
	}
	wantClass(t, "read", read(t.Context(), c), pos.Transient)
}

// net/http repeats a request with an Idempotency-Key by itself when a kept connection breaks. If that second
// try were refused a connection, the first one's effect would be reported as "nothing was done".
func TestWritesAreSentOnce(t *testing.T) {
	t.Parallel()
	var posts atomic.Int32
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		if r.Method == http.MethodGet {
			answering(200, "application/json", `{"items":[]}`)(w, r)
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
	var got http.Header
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		got = r.Header
		answering(200, "application/json", `{"items":[]}`)(w, r)
	})
	_ = write(t.Context(), c)
	for name, want := range map[string]string{
		"Authorization": "Bearer " + token, "Idempotency-Key": `"k"`, "X-Correlation-Id": "k", "Content-Type": "application/json",
	} {
		if got.Get(name) != want {
			t.Errorf("write, %s: got %q; want %q", name, got.Get(name), want)
		}
	}
	_ = read(pos.WithCorrelation(t.Context(), "tevo/4711/invoice/1"), c)
	if id, key := got.Get("X-Correlation-Id"), got.Get("Idempotency-Key"); id != "tevo/4711/invoice/1" || key != "" {
		t.Errorf("read: got correlation %q, key %q; want the context's, and none", id, key)
	}
	_ = read(pos.WithCorrelation(t.Context(), "two\nlines"), c)
	if id := got.Get("X-Correlation-Id"); id == "" || strings.Contains(id, "two") {
		t.Errorf("read without a usable correlation: got %q; want a made one", id)
	}
	_, err := c.CreateCustomer(t.Context(), pos.Op{Key: "ключ"}, pos.CustomerInput{Name: "Ada Sample"})
	wantClass(t, "a key that no header carries", err, pos.Invalid)
	_, err = c.CreateCustomer(t.Context(), pos.Op{}, pos.CustomerInput{Name: "Ada Sample"})
	wantClass(t, "no key", err, pos.Invalid)
}

// A POS may put the buyer into whatever it sends back; none of that may reach an error.
func TestErrorsQuoteNothingThatWasSent(t *testing.T) {
	t.Parallel()
	const secret = "zelda@example.com"
	for name, handler := range map[string]http.HandlerFunc{
		"Problem": answering(400, "application/problem+json", `{"type":"urn:willcall:problem:pos:validation","title":"`+secret+`",`+
			`"status":400,"detail":"`+secret+`","instance":"`+secret+`","ticket_ids":["`+secret+`"],"errors":[{"detail":"`+secret+`","pointer":"/`+secret+`"}]}`),
		"OtherType": answering(400, "application/problem+json", `{"type":"urn:`+secret+`"}`),
		"BadJSON":   answering(200, "application/json", `{"id":`+secret),
		"BadTime":   answering(200, "application/json", `{"items":[`+strings.Replace(invoiceJSON, "2027-01-01T00:00:00Z", secret, 1)+`]}`),
		"BadAmount": answering(200, "application/json", `{"items":[`+strings.Replace(invoiceJSON, "1.00", secret, 1)+`]}`),
		"BadType":   answering(200, "application/json", `{"items":"`+secret+`"}`),
		"Redirect": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://pos.example.com/?"+secret, http.StatusFound)
		},
		"NotHTTP": func(w http.ResponseWriter, _ *http.Request) {
			conn, _, err := http.NewResponseController(w).Hijack()
			if err != nil {
				t.Error(err)
				return
			}
			_, _ = io.WriteString(conn, secret+"\r\n\r\n")
			_ = conn.Close()
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := serve(t, handler)
			_, find := c.FindCustomers(t.Context(), pos.CustomerQuery{Email: secret})
			_, create := c.CreateCustomer(t.Context(), pos.Op{Key: "k"}, pos.CustomerInput{Name: secret, Email: secret})
			errs := []error{find, create, write(t.Context(), c), read(t.Context(), c)}
			if errs[3] == nil {
				t.Error("read: got no error; want one")
			}
			for _, err := range errs {
				for e := err; e != nil; e = errors.Unwrap(e) {
					if s := e.Error(); strings.Contains(s, "zelda") || strings.Contains(s, token) {
						t.Errorf("the error quotes what was sent: %q", strings.ReplaceAll(s, secret, "…"))
					}
				}
			}
		})
	}
}

func TestProblemsNameTicketsAndPlaces(t *testing.T) {
	t.Parallel()
	c := serve(t, answering(409, "application/problem+json", `{"type":"urn:willcall:problem:pos:inventory-unavailable","ticket_ids":["g1-1","502"],"errors":[{"pointer":"/lines/0/ticket_ids"}]}`))
	err := write(t.Context(), c)
	want := "pos: create invoice: unavailable: 409 inventory-unavailable (tickets g1-1, 502) (at /lines/0/ticket_ids)"
	if err == nil || err.Error() != want {
		t.Errorf("write: got %v; want %s", err, want)
	}
}

func TestNewReportsEveryFault(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		cfg  httpapi.Config
		want string
	}{
		{"NoURL", httpapi.Config{Token: "t"}, "BaseURL"},
		{"NoHost", httpapi.Config{BaseURL: "http://", Token: "t"}, "BaseURL"},
		{"OtherScheme", httpapi.Config{BaseURL: "ftp://pos.example.com", Token: "t"}, "BaseURL"},
		{"Unreadable", httpapi.Config{BaseURL: "http://ada:hunter2@[", Token: "t"}, "BaseURL"},
		{"WithUser", httpapi.Config{BaseURL: "http://ada:hunter2@pos.example.com", Token: "t"}, "BaseURL"},
		{"WithQuery", httpapi.Config{BaseURL: "http://pos.example.com?a=hunter2", Token: "t"}, "BaseURL"},
		{"NoToken", httpapi.Config{BaseURL: "http://pos.example.com"}, "Token"},
		{"TokenWithNewline", httpapi.Config{BaseURL: "http://pos.example.com", Token: "hunter2\n"}, "Token"},
		{"NegativeTimeout", httpapi.Config{BaseURL: "http://pos.example.com", Token: "t", Timeout: -1}, "Timeout"},
		{"All", httpapi.Config{Timeout: -1}, "Timeout"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, err := httpapi.New(c.cfg)
			if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "hunter2") {
				t.Errorf("New: got %v; want an error about %s, without secrets", err, c.want)
			}
			if n := len(strings.Split(errText(err), "\n")); c.name == "All" && n != 3 {
				t.Errorf("New: got %d faults; want 3", n)
			}
		})
	}
}

func errText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func TestBaseURLMayHaveAPath(t *testing.T) {
	t.Parallel()
	for _, suffix := range []string{"/willcall", "/willcall/"} {
		var got string
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			got = r.URL.EscapedPath()
			answering(200, "application/json", invoiceJSON)(w, r)
		}))
		c := client(t, httpapi.Config{BaseURL: server.URL + suffix, Token: token, HTTP: server.Client()})
		_, _ = c.GetInvoice(t.Context(), "a/b")
		server.Close()
		if want := "/willcall/v1/invoices/a%2Fb"; got != want {
			t.Errorf("path: got %s; want %s", got, want)
		}
	}
}

// endless answers with a body that does not end before limit bytes are over.
func endless(before, after string, limit int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, before)
		chunk := []byte(strings.Repeat("AAAA", 16<<10))
		for sent := 0; sent < limit; sent += len(chunk) {
			if _, err := w.Write(chunk); err != nil {
				return
			}
		}
		_, _ = io.WriteString(w, after)
	}
}

func TestAnswersWithFilesMayBeLargeButNotEndless(t *testing.T) {
	t.Parallel()
	const before, after = `{"items":[{"form":"file","media_type":"application/pdf","content":"`, `"}]}`
	got, err := serve(t, endless(before, after, 6<<20)).GetDeliveries(t.Context(), "i")
	if err != nil || len(got) != 1 || len(got[0].Content) != 6<<20/4*3 {
		t.Errorf("GetDeliveries of six megabytes: got %d, %v; want one file", len(got), err)
	}
	_, err = serve(t, endless(before, after, 65<<20)).GetDeliveries(t.Context(), "i")
	wantClass(t, "GetDeliveries of 65 megabytes", err, pos.Transient)
	_, err = serve(t, endless(before, after, 6<<20)).GetInvoice(t.Context(), "i")
	wantClass(t, "GetInvoice of six megabytes", err, pos.Transient)
}

func TestLinesThatStayLiveAreNotBelievedToBeVoid(t *testing.T) {
	t.Parallel()
	void := func(body string) error {
		_, err := serve(t, answering(200, "application/json", body)).VoidInvoiceLines(
			t.Context(), pos.Op{Key: "k"}, "i", []string{"l"}, pos.VoidInput{Reason: "test"})
		return err
	}
	wantClass(t, "VoidInvoiceLines answered by a live line", void(invoiceJSON), pos.OutcomeUnknown)
	wantClass(t, "VoidInvoiceLines answered by another invoice", void(strings.Replace(invoiceJSON, `"id":"i"`, `"id":"j"`, 1)), pos.OutcomeUnknown)
	for _, body := range []string{
		strings.Replace(invoiceJSON, `"id":"l",`, `"id":"l","voided":true,`, 1), strings.Replace(invoiceJSON, `"voided":false`, `"voided":true`, 1),
	} {
		if err := void(body); err != nil {
			t.Errorf("VoidInvoiceLines: got %v; want no error", err)
		}
	}
}

// Only 204 says that a hold is gone: 404 may come from a wrong base URL.
func TestReleaseIsBelievedOnlyAsTheContractSaysIt(t *testing.T) {
	t.Parallel()
	for status, want := range map[int]pos.Class{204: "", 200: pos.OutcomeUnknown, 202: pos.OutcomeUnknown, 404: pos.NotFound, 500: pos.OutcomeUnknown} {
		body := "{}"
		if status == 204 {
			body = ""
		}
		err := serve(t, answering(status, "application/json", body)).ReleaseHold(t.Context(), pos.Op{Key: "k"}, "h")
		if pos.ClassOf(err) != want {
			t.Errorf("ReleaseHold answered %d: got %v; want class %q", status, err, want)
		}
	}
}
