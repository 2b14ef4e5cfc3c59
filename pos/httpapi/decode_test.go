package httpapi

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"willcall/pos"
)

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	now := time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		name, value, date string
		want              time.Duration
	}{
		{"Absent", "", "", 0},
		{"Seconds", "7", "", 7 * time.Second},
		{"SecondsWithSpaces", " 7 ", "", 7 * time.Second},
		{"Zero", "0", "", 0},
		{"Negative", "-7", "", 0},
		{"Fraction", "1.5", "", 0},
		{"Words", "soon", "", 0},
		{"TooLong", "99999999", "", 24 * time.Hour},
		{"BeyondNumbers", "99999999999999999999", "", 0},
		{"Date", "Fri, 01 Jan 2027 00:01:00 GMT", "", time.Minute},
		{"DateByTheServersClock", "Fri, 01 Jan 2027 03:01:00 GMT", "Fri, 01 Jan 2027 03:00:30 GMT", 30 * time.Second},
		{"DateInThePast", "Thu, 31 Dec 2026 23:00:00 GMT", "", 0},
		{"DateFarAway", "Fri, 01 Jan 2100 00:00:00 GMT", "", 24 * time.Hour},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			h := http.Header{}
			h.Set("Retry-After", c.value)
			h.Set("Date", c.date)
			if got := retryAfter(h, now); got != c.want {
				t.Errorf("retryAfter: got %v; want %v", got, c.want)
			}
		})
	}
}

func TestQuoteKey(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"tevo/4711/invoice/1": `"tevo/4711/invoice/1"`, `a "b" \c`: `"a \"b\" \\c"`, " ": `" "`,
	} {
		if got, ok := quoteKey(in); !ok || got != want {
			t.Errorf("quoteKey(%q): got %s, %v; want %s", in, got, ok, want)
		}
	}
	for _, in := range []string{"", "a\n", "\x7f", "ü"} {
		if got, ok := quoteKey(in); ok {
			t.Errorf("quoteKey(%q): got %s; want it refused", in, got)
		}
	}
}

func TestCapabilitiesAreKeptForAWhile(t *testing.T) {
	t.Parallel()
	asked := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked++
		if asked == 1 {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		_, _ = io.WriteString(w, `{"sells_seats":true,"holds":false,"ticket_upload":true,"settle_seconds":0.0015}`)
	}))
	defer server.Close()
	c, err := New(Config{BaseURL: server.URL, Token: "t"})
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)
	c.now = func() time.Time { return now }
	if _, err := c.Capabilities(t.Context()); pos.ClassOf(err) != pos.Transient || err == nil {
		t.Errorf("Capabilities: got %v; want transient", err)
	}
	want := pos.Capabilities{
		NativeKey: true, SearchCustomers: true, SearchInvoices: true, SearchPurchaseOrders: true,
		SellsSeats: true, TicketUpload: true, SettleDelay: 2 * time.Millisecond,
	}
	for range 3 {
		if got, err := c.Capabilities(t.Context()); err != nil || got != want {
			t.Errorf("Capabilities: got %+v, %v; want %+v", got, err, want)
		}
	}
	if asked != 2 {
		t.Errorf("requests: got %d; want 2, a failure and an answer", asked)
	}
	now = now.Add(capabilitiesAge)
	if _, err := c.Capabilities(t.Context()); err != nil || asked != 3 {
		t.Errorf("Capabilities later: got %d requests, %v; want 3, no error", asked, err)
	}
}

func TestCapabilitiesOutOfRangeAreRefused(t *testing.T) {
	t.Parallel()
	for _, body := range []string{
		`{}`, `{"sells_seats":true,"holds":true,"ticket_upload":true}`,
		`{"sells_seats":true,"holds":true,"ticket_upload":true,"settle_seconds":-1}`,
		`{"sells_seats":true,"holds":true,"ticket_upload":true,"settle_seconds":61}`,
	} {
		if err := decode([]byte(body), &capabilitiesAnswer{}); err == nil {
			t.Errorf("decode(%s): got no error; want one", body)
		}
	}
}

// seeds are bodies of every sort, good and bad.
func seeds(f *testing.F) {
	invoice := `{"id":"i","external_reference":"ord","customer_id":"c","hold_id":"h","lines":[{"id":"l","inventory_id":"g",` +
		`"ticket_ids":["t"],"quantity":1,"total":{"amount":"1.00","currency":"USD"}}],"payment":"PAID",` +
		`"fulfillment":"COMPLETE","voided":true,"void_reason":"r","created_at":"2027-01-01T00:00:00Z"}`
	order := `{"id":"p","external_reference":"ord","vendor":{"id":"v","name":"Sample Tickets"},"lines":[{"id":"l",` +
		`"event":{"name":"Play","starts_at":null},"section":"A","row":"1","seats":["1"],"quantity":1,` +
		`"total":{"amount":"180","currency":"JPY"}}],"payment":"UNPAID","fulfillment":"PENDING","voided":false,` +
		`"created_at":"2027-01-01T00:00:00+02:00"}`
	customer := `{"id":"c","name":"Ada Sample","email":null,"kind":"RETAIL","created_at":"2027-01-01T00:00:00Z"}`
	group := `{"id":"g","event":{"name":"Play","starts_at":"2027-02-01T19:30:00Z"},"section":"A","row":"1","quantity":2,` +
		`"status":"AVAILABLE","tickets":[{"id":"t","seat":"1","status":"AVAILABLE"}]}`
	delivery := `{"form":"file","line_id":"l","ticket_ids":["t"],"name":"a.pdf","media_type":"application/pdf","content":"JVBERg=="}`
	hold := `{"id":"h","external_reference":"ord","inventory_id":"g","ticket_ids":[],"quantity":1,"expires_at":"2027-01-01T00:00:00Z"}`
	for _, body := range []string{invoice, order, customer, group, delivery, hold} {
		f.Add([]byte(body))
		f.Add([]byte(`{"items":[` + body + `]}`))
		f.Add([]byte(body[:len(body)/2]))
	}
	for _, body := range []string{`{"items":[]}`, `{"items":[null]}`, `null`, `{"status":"ok"}`, ``, `[]`, `"\ud800"`,
		`{"sells_seats":true,"holds":true,"ticket_upload":true,"settle_seconds":1e-9}`} {
		f.Add([]byte(body))
	}
}

// FuzzDecodeAnswers: what passes has all that the rule of package pos relies on, and errors quote nothing.
func FuzzDecodeAnswers(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, body []byte) {
		var (
			inv    invoiceAnswer
			invs   invoicesAnswer
			order  purchaseOrderAnswer
			orders purchaseOrdersAnswer
			cust   customerAnswer
			custs  customersAnswer
			group  inventoryAnswer
			caps   capabilitiesAnswer
			supply deliveriesAnswer
			hold   holdAnswer
		)
		for _, a := range []answer{&inv, &invs, &order, &orders, &cust, &custs, &group, &caps, &supply, &hold, &healthAnswer{}} {
			err := decode(body, a)
			if err != nil {
				if len(err.Error()) > 80 {
					t.Errorf("decode: the error is long enough to quote the body: %q", err)
				}
				continue
			}
			switch a := a.(type) {
			case *invoiceAnswer:
				checkInvoice(t, a.record())
			case *invoicesAnswer:
				for _, r := range a.records() {
					checkInvoice(t, r)
				}
			case *purchaseOrderAnswer:
				checkPurchaseOrder(t, a.record())
			case *purchaseOrdersAnswer:
				for _, r := range a.records() {
					checkPurchaseOrder(t, r)
				}
			case *customerAnswer:
				if r := a.record(); r.ID == "" || r.CreatedAt.Location() != time.UTC {
					t.Errorf("customer: got %q at %v; want an id and UTC", r.ID, r.CreatedAt)
				}
			case *customersAnswer:
				a.records()
			case *inventoryAnswer:
				if r := a.record(); r.ID == "" || r.Quantity < 0 {
					t.Errorf("inventory: got %+v; want an id and a quantity", r)
				}
			case *deliveriesAnswer:
				for _, d := range a.records() {
					checkDelivery(t, d)
				}
			case *holdAnswer:
				if r := a.record(); r.ID == "" || r.Ref == "" || r.InventoryID == "" || r.Quantity < 1 || r.Until.Location() != time.UTC {
					t.Errorf("hold: got %+v; want id, reference, group, tickets and UTC", r)
				}
			case *capabilitiesAnswer:
				if r := a.record(); r.SettleDelay < 0 || r.SettleDelay > time.Minute {
					t.Errorf("SettleDelay: got %v; want 0 to a minute", r.SettleDelay)
				}
			}
		}
	})
}

func checkDelivery(t *testing.T, d pos.Delivery) {
	t.Helper()
	switch d.Form {
	case pos.FormFile:
		if len(d.Content) == 0 || d.MediaType == "" {
			t.Errorf("file: got nothing to deliver")
		}
	case pos.FormLink:
		if d.URL == "" {
			t.Errorf("link: got no address")
		}
	case pos.FormTransfer, pos.FormParcel, pos.FormWillCall:
	default:
		t.Errorf("form: got %q; want one of the contract", d.Form)
	}
}

func TestDeliveriesAreTakenWholeOrNotAtAll(t *testing.T) {
	t.Parallel()
	const good = `{"form":"will_call"}`
	for name, c := range map[string]struct {
		delivery string
		ok       bool
	}{
		"File":               {`{"form":"file","media_type":"application/pdf","content":"JVBERg==","more":1}`, true},
		"FileWithoutContent": {`{"form":"file","media_type":"application/pdf"}`, false},
		"FileWithoutType":    {`{"form":"file","content":"JVBERg=="}`, false},
		"FileIsNotBase64":    {`{"form":"file","media_type":"application/pdf","content":"%PDF"}`, false},
		"Link":               {`{"form":"link","url":"https://tickets.example.com/1"}`, true},
		"LinkToNowhere":      {`{"form":"link"}`, false},
		"LinkThatIsNone":     {`{"form":"link","url":"tickets"}`, false},
		"LinkToAScript":      {`{"form":"link","url":"javascript:alert(1)"}`, false},
		"Transfer":           {`{"form":"transfer","via":"Sample Arena"}`, true},
		"TransferInNothing":  {`{"form":"transfer"}`, false},
		"Parcel":             {`{"form":"parcel","carrier":"Sample Post"}`, true},
		"ParcelOfNobody":     {`{"form":"parcel","tracking":"1Z"}`, false},
		"WillCall":           {good, true},
		"UnknownForm":        {`{"form":"carrier_pigeon","url":"https://tickets.example.com/1"}`, false},
		"NoForm":             {`{"url":"https://tickets.example.com/1"}`, false},
		"Nothing":            {`null`, false},
	} {
		var a deliveriesAnswer
		err := decode([]byte(`{"items":[`+good+`,`+c.delivery+`]}`), &a)
		if (err == nil) != c.ok || c.ok && len(a.records()) != 2 {
			t.Errorf("%s: got %d, %v; want it taken: %v", name, len(a.records()), err, c.ok)
		}
	}
	for _, body := range []string{`{}`, `{"items":null}`, `[]`} {
		if err := decode([]byte(body), &deliveriesAnswer{}); err == nil {
			t.Errorf("decode(%s): got no error; want one: it must not pass for an empty list", body)
		}
	}
}

func checkInvoice(t *testing.T, r pos.Invoice) {
	t.Helper()
	if r.ID == "" || r.Ref == "" || r.CustomerID == "" || len(r.Lines) == 0 {
		t.Errorf("invoice: got %+v; want id, reference, customer and lines", r)
	}
	for _, l := range r.Lines {
		checkAmount(t, l.Total, l.Quantity)
	}
}

func checkPurchaseOrder(t *testing.T, r pos.PurchaseOrder) {
	t.Helper()
	if r.ID == "" || r.Ref == "" || r.Vendor.Name == "" || len(r.Lines) == 0 {
		t.Errorf("purchase order: got %+v; want id, reference, vendor and lines", r)
	}
	for _, l := range r.Lines {
		checkAmount(t, l.Total, l.Quantity)
	}
}

func checkAmount(t *testing.T, m pos.Money, quantity int) {
	t.Helper()
	if amount, err := m.Amount(); err != nil || strings.HasPrefix(amount, "-") || quantity < 1 {
		t.Errorf("line: got %d for %q, %v; want at least one, for an amount", quantity, amount, err)
	}
}

// FuzzReadProblem: whatever a server sends, an error has one of the contract's types and quotes only what can be
// nothing but an id or a place.
func FuzzReadProblem(f *testing.F) {
	f.Add([]byte(`{"type":"urn:willcall:problem:pos:validation","errors":[{"pointer":"/lines/0"}],"ticket_ids":["t"]}`))
	f.Add([]byte(`{"type":null,"errors":{},"ticket_ids":[1]}`))
	f.Add([]byte(`{"type":"urn:willcall:problem:pos:","ticket_ids":["ada@example.com"]}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		p := readProblem(body)
		if _, known := classes[p.kind]; p.kind != "" && !known {
			t.Errorf("kind: got %q; want one of the contract", p.kind)
		}
		if len(p.ticketIDs) > maxNamed || len(p.pointers) > maxNamed {
			t.Errorf("got %d tickets and %d pointers; want at most %d", len(p.ticketIDs), len(p.pointers), maxNamed)
		}
		for _, s := range append(p.ticketIDs, p.pointers...) {
			if strings.ContainsAny(s, "@ \n\"") {
				t.Errorf("got %q; want an id or a pointer", s)
			}
		}
		resp := &http.Response{StatusCode: 400, Header: http.Header{}}
		var e *pos.Error
		if err := (call{op: "x", method: http.MethodPost}).refused(resp, body, time.Time{}); !errors.As(err, &e) || e.Class == "" {
			t.Errorf("refused: got %v; want a class", err)
		}
	})
}
