package sim

import (
	"bytes"
	"cmp"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode/utf16"
	"unicode/utf8"
)

// The types of the webhooks by which Tixstock delivers one ticket of an order. The third is known by name only; that it has the
// payload of the others is an assumption.
const (
	TixstockETicket    = "order.eticket_fulfilment"
	TixstockMobile     = "order.mobile_ticket_fulfilment"
	TixstockMobileLink = "order.mobile_link_ticket_fulfilment"
)

// A TixstockOrder is an order of a reseller's that a broker on Tixstock fulfils. Every field has a default. It is a value: the
// methods that change it return a copy.
type TixstockOrder struct {
	OrderID      string // the reseller's own id of the order
	ListingID    string // the reseller's id of the listing
	TixstockID   string // Tixstock's own id of the order
	EventID      string
	EventName    string
	CustomerName string
	PriceMinor   int64            // pence per ticket
	Tickets      []TixstockTicket // default two seats in one row
	Status       string           // default "Approved", as the reseller calls it
	Kind         string           // type of the fulfilment webhooks, default TixstockETicket
}

// A TixstockTicket is one ticket of a [TixstockOrder]. Without a row and a seat it is general admission.
type TixstockTicket struct {
	Row, Seat string
	PDF       []byte   // default made by TicketPDF; mobile tickets have none unless it is given
	Proofs    []string // URLs that prove a mobile transfer; mobile tickets have one by default
}

// TixstockSale is an order that waits for its tickets. n ≥ 0 chooses ids, event, seats and money; the same n is always the
// same order. Every fourth is general admission, every third of the others mobile.
func TixstockSale(n int) TixstockOrder {
	e := tevoEvents[n%len(tevoEvents)]
	o := TixstockOrder{
		OrderID: strconv.Itoa(3434341233 + n), ListingID: strconv.Itoa(15454542 + n), EventID: e.id, EventName: e.name,
		CustomerName: fullName(n), PriceMinor: 4500 + int64(n%25)*350,
	}
	for i := range 1 + (n+1)%4 {
		t := TixstockTicket{}
		if n%4 != 3 {
			t.Row, t.Seat = rows[n%len(rows)], strconv.Itoa(100+n%40+i)
		}
		o.Tickets = append(o.Tickets, t)
	}
	if n%4 != 3 && n%3 == 2 {
		o.Kind = TixstockMobile
	}
	return o.filled()
}

// filled returns the order with every default in place. It is idempotent.
func (o TixstockOrder) filled() TixstockOrder {
	o.OrderID, o.ListingID = cmp.Or(o.OrderID, "3434341233"), cmp.Or(o.ListingID, "15454542")
	o.TixstockID = cmp.Or(o.TixstockID, "9"+o.OrderID)
	o.EventID, o.EventName = cmp.Or(o.EventID, tevoEvents[0].id), cmp.Or(o.EventName, tevoEvents[0].name)
	o.CustomerName = cmp.Or(o.CustomerName, fullName(spread(o.OrderID)))
	o.PriceMinor = cmp.Or(o.PriceMinor, 4500)
	o.Status, o.Kind = cmp.Or(o.Status, "Approved"), cmp.Or(o.Kind, TixstockETicket)
	if len(o.Tickets) == 0 {
		o.Tickets = []TixstockTicket{{Row: "V", Seat: "100"}, {Row: "V", Seat: "101"}}
	}
	o.Tickets = slices.Clone(o.Tickets)
	for i := range o.Tickets {
		t := &o.Tickets[i]
		if o.Kind == TixstockETicket {
			if t.PDF == nil {
				t.PDF = TicketPDF(fmt.Sprintf("%s - order %s - ticket %d of %d - row %s seat %s", o.EventName, o.OrderID, i+1, len(o.Tickets), t.Row, t.Seat))
			}
		} else if t.Proofs == nil {
			t.Proofs = []string{fmt.Sprintf("https://proofs.example.com/%s/%d.png", o.OrderID, i+1)}
		}
	}
	return o
}

// InStatus is the order in another status.
func (o TixstockOrder) InStatus(status string) TixstockOrder {
	o = o.filled()
	o.Status = status
	return o
}

// ETicket is the body of the order.eticket_fulfilment webhook that delivers ticket i.
func (o TixstockOrder) ETicket(i int) []byte { return o.Fulfilment(TixstockETicket, i) }

// MobileTicket is the body of the order.mobile_ticket_fulfilment webhook that delivers ticket i.
func (o TixstockOrder) MobileTicket(i int) []byte { return o.Fulfilment(TixstockMobile, i) }

// MobileLink is the body of the order.mobile_link_ticket_fulfilment webhook that delivers ticket i.
func (o TixstockOrder) MobileLink(i int) []byte { return o.Fulfilment(TixstockMobileLink, i) }

// Fulfilment is the body of the webhook of a type that delivers ticket i ("Order Ticket Fulfilment Webhooks"). The document
// calls general_admission a boolean and shows 1 and 0.
func (o TixstockOrder) Fulfilment(typ string, i int) []byte {
	o.Kind = typ
	o = o.filled()
	t := o.Tickets[min(max(i, 0), len(o.Tickets)-1)]
	data := struct {
		OrderID string   `json:"order_id"`
		ID      string   `json:"id"`
		GA      int      `json:"general_admission"`
		Row     *string  `json:"row"`
		Seat    *string  `json:"seat"`
		File    string   `json:"file"`
		Proofs  []string `json:"proof_file_url"`
	}{OrderID: o.OrderID, ID: o.ListingID, File: base64.StdEncoding.EncodeToString(t.PDF), Proofs: append([]string{}, t.Proofs...)}
	if t.Row == "" && t.Seat == "" {
		data.GA = 1
	} else {
		data.Row, data.Seat = &t.Row, &t.Seat
	}
	return tixstockBody(typ, data)
}

// Update is the body of an order.update webhook. Its data.id is the order, not the listing; that it is the reseller's id, and
// that the status stands under "status", is an assumption.
func (o TixstockOrder) Update(status string) []byte {
	o = o.filled()
	type item struct {
		ListingID string `json:"listing_id"`
		Quantity  int    `json:"quantity"`
		GA        string `json:"general_admission"` // a string in this webhook
		Price     string `json:"price"`
	}
	ga := strconv.FormatBool(o.Tickets[0].Row == "" && o.Tickets[0].Seat == "")
	return tixstockBody("order.update", struct {
		ID     string `json:"id"`
		Status string `json:"status"`
		Items  []item `json:"items"`
	}{o.OrderID, status, []item{{o.ListingID, len(o.Tickets), ga, fmt.Sprintf("%d.%02d", o.PriceMinor/100, o.PriceMinor%100)}}})
}

// TixstockHold is the body of a ticket.hold webhook: so many tickets of a listing are held.
func TixstockHold(listingID string, quantity int) []byte {
	return tixstockBody("ticket.hold", struct {
		ID       string `json:"external_id"`
		Quantity int    `json:"hold_quantity"`
	}{listingID, quantity})
}

// TixstockRelease is the body of a ticket.release webhook. The document's sample has release_quantity, its table hold_quantity.
func TixstockRelease(listingID string, quantity int) []byte {
	return tixstockBody("ticket.release", struct {
		ID       string `json:"external_id"`
		Quantity int    `json:"release_quantity"`
	}{listingID, quantity})
}

// TixstockDelete is the body of a ticket.delete webhook: the listing is gone.
func TixstockDelete(listingID string) []byte {
	return tixstockBody("ticket.delete", struct {
		ID string `json:"listing_id"`
	}{listingID})
}

// TixstockEventUpdate is the body of an event.update webhook. Of its fields only id is known; the others are an assumption.
func TixstockEventUpdate(eventID, name string, start time.Time) []byte {
	return tixstockBody("event.update", struct {
		ID   string `json:"id"`
		Name string `json:"name"`
		Date string `json:"datetime"`
	}{eventID, name, start.UTC().Format(time.RFC3339)})
}

// TixstockEventCancel is the body of an event.cancel webhook.
func TixstockEventCancel(eventID string) []byte {
	return tixstockBody("event.cancel", struct {
		ID string `json:"id"`
	}{eventID})
}

// TixstockBroker is the body of a broker.open or broker.closed webhook.
func TixstockBroker(brokerID string, open bool) []byte {
	typ := "broker.closed"
	if open {
		typ = "broker.open"
	}
	return tixstockBody(typ, struct {
		ID string `json:"broker_id"`
	}{brokerID})
}

func tixstockBody(typ string, data any) []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	err := enc.Encode(struct {
		Data any               `json:"data"`
		Meta map[string]string `json:"meta"`
	}{data, map[string]string{"type": typ}})
	if err != nil {
		panic(fmt.Sprintf("sim: webhook is not JSON: %v", err))
	}
	return phpJSON(bytes.TrimSpace(b.Bytes()))
}

// phpJSON writes JSON as PHP's json_encode does unless told otherwise: with escaped slashes and characters beyond ASCII. A
// receiver that checks the signature of what it encoded anew, and not of the bytes it got, fails on them.
func phpJSON(b []byte) []byte {
	var out bytes.Buffer
	for len(b) > 0 {
		r, n := utf8.DecodeRune(b)
		switch {
		case r == '/': // only strings have one
			out.WriteString(`\/`)
		case r < utf8.RuneSelf:
			out.WriteByte(b[0])
		default:
			for _, unit := range utf16.AppendRune(nil, r) {
				fmt.Fprintf(&out, `\u%04x`, unit)
			}
		}
		b = b[n:]
	}
	return out.Bytes()
}

// SignTixstock is the value of the header X-Tixstock-Signature for a body: the lower-case hexadecimal HMAC-SHA256 of its bytes
// under the bearer token.
func SignTixstock(token string, body []byte) string {
	mac := hmac.New(sha256.New, []byte(token))
	mac.Write(body)
	return hex.EncodeToString(mac.Sum(nil))
}

// TixstockHeader is the header of a webhook with this body.
func TixstockHeader(token string, body []byte) http.Header {
	h := http.Header{}
	h.Set("Content-Type", "application/json")
	h.Set("Tixstock-Version", "v1")
	h.Set("User-Agent", "Tixstock API")
	h.Set("X-Tixstock-Signature", SignTixstock(token, body))
	return h
}

// TicketPDF makes a PDF of one page that shows a line of text; readers open it. Characters beyond ASCII are shown as "?".
func TicketPDF(text string) []byte {
	ascii := strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return '?'
		}
		return r
	}, text)
	show := "BT /F1 12 Tf 40 160 Td (" + strings.NewReplacer(`\`, `\\`, `(`, `\(`, `)`, `\)`).Replace(ascii) + ") Tj ET"
	var b bytes.Buffer
	var offsets []int
	b.WriteString("%PDF-1.4\n")
	for i, one := range []string{
		"<< /Type /Catalog /Pages 2 0 R >>",
		"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
		"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 600 200] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>",
		fmt.Sprintf("<< /Length %d >>\nstream\n%s\nendstream", len(show), show),
		"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
	} {
		offsets = append(offsets, b.Len())
		fmt.Fprintf(&b, "%d 0 obj\n%s\nendobj\n", i+1, one)
	}
	xref := b.Len()
	fmt.Fprintf(&b, "xref\n0 %d\n0000000000 65535 f \n", len(offsets)+1)
	for _, at := range offsets {
		fmt.Fprintf(&b, "%010d 00000 n \n", at)
	}
	fmt.Fprintf(&b, "trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n", len(offsets)+1, xref)
	return b.Bytes()
}

// TixstockOptions configure a [Tixstock].
type TixstockOptions struct {
	Token  string           // bearer token that signs the webhooks
	Logger *slog.Logger     // nil logs nothing
	Now    func() time.Time // nil is time.Now
}

// A TixstockAnswer is what a webhook was answered, for audits.
type TixstockAnswer struct {
	At          time.Time
	Type        string
	OrderID     string // of the order that the webhook was about, if any
	HTTPStatus  int
	ExternalID  string
	OrderStatus string
	Message     string
	Success     bool
	Valid       bool // the answer was JSON with what the type wants
}

// Tixstock is Tixstock's side: the orders, and what their webhooks were answered. It has no API of its own, for it is they that
// call. The status of an order follows the answers: that is how both systems stay in sync. It is safe for concurrent use.
type Tixstock struct {
	opts TixstockOptions
	now  func() time.Time

	mu      sync.Mutex
	orders  map[string]TixstockOrder
	answers []TixstockAnswer
}

// NewTixstock makes one without orders.
func NewTixstock(opts TixstockOptions) *Tixstock {
	x := &Tixstock{opts: opts, now: opts.Now, orders: map[string]TixstockOrder{}}
	if x.now == nil {
		x.now = time.Now
	}
	if x.opts.Logger == nil {
		x.opts.Logger = slog.New(slog.DiscardHandler)
	}
	return x
}

// Put adds the order, or replaces the one with its id.
func (x *Tixstock) Put(o TixstockOrder) {
	x.mu.Lock()
	defer x.mu.Unlock()
	o = o.filled()
	x.orders[o.OrderID] = o
}

// Order returns the order with this id of the reseller's as it is now.
func (x *Tixstock) Order(orderID string) (TixstockOrder, bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	o, ok := x.orders[orderID]
	if !ok {
		return TixstockOrder{}, false
	}
	return o.filled(), true // a copy
}

// Orders returns every order, sorted by id.
func (x *Tixstock) Orders() []TixstockOrder {
	x.mu.Lock()
	defer x.mu.Unlock()
	list := slices.Collect(maps.Values(x.orders))
	slices.SortFunc(list, func(a, b TixstockOrder) int { return cmp.Compare(a.OrderID, b.OrderID) })
	return list
}

// Answers returns what webhooks were answered, in the order of arrival.
func (x *Tixstock) Answers() []TixstockAnswer {
	x.mu.Lock()
	defer x.mu.Unlock()
	return slices.Clone(x.answers)
}

// Header is the header of a webhook with this body, signed with the token.
func (x *Tixstock) Header(body []byte) http.Header { return TixstockHeader(x.opts.Token, body) }

// Answered keeps what a webhook was answered and, on success of the call, moves its order to the status that it names. Assumption:
// an order_status counts whatever "success" says, as the document's error response has one too.
func (x *Tixstock) Answered(webhook []byte, httpStatus int, answer []byte) TixstockAnswer {
	var sent struct {
		Data struct {
			OrderID string `json:"order_id"`
			ID      string `json:"id"`
		} `json:"data"`
		Meta struct {
			Type string `json:"type"`
		} `json:"meta"`
	}
	_ = json.Unmarshal(webhook, &sent) // we made it
	var got struct {
		ExternalID  string `json:"external_id"`
		OrderStatus string `json:"order_status"`
		Message     string `json:"message"`
		Success     any    `json:"success"`
	}
	err := json.Unmarshal(answer, &got)
	a := TixstockAnswer{
		Type: sent.Meta.Type, OrderID: sent.Data.OrderID, HTTPStatus: httpStatus, ExternalID: got.ExternalID, OrderStatus: got.OrderStatus,
		Message: got.Message, Success: got.Success == true || got.Success == "true", Valid: err == nil,
	}
	if a.Type == "order.update" {
		a.OrderID = sent.Data.ID
	}
	if strings.HasPrefix(a.Type, "order.") {
		_, told := got.Success.(bool)
		a.Valid = a.Valid && told && got.OrderStatus != ""
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	a.At = x.now().UTC()
	x.answers = append(x.answers, a)
	if o, ok := x.orders[a.OrderID]; ok && httpStatus/100 == 2 && a.Valid && strings.HasPrefix(a.Type, "order.") {
		o.Status = a.OrderStatus
		x.orders[a.OrderID] = o
	}
	x.opts.Logger.Info("tixstock simulator: answer", "type", a.Type, "order", a.OrderID, "http", httpStatus, "status", a.OrderStatus, "success", a.Success)
	return a
}
