package sim

import (
	"cmp"
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
	_ "time/tzdata" // the images that serve the simulators have no time zones of their own
)

// LTDAffiliateID is the partner's id at London Theatre Direct, that of the document's sample.
const LTDAffiliateID = "281ffaaa-a70b-4cd2-a401-9e50b00a1204"

// How a booking is delivered, as a display string: the sample's one, and that of the bookings whose barcodes come later.
const (
	LTDPrintAtHome = "Print at Home"
	LTDScheduled   = "Scheduled E-tickets"
)

// london is where the times without a zone are, which is an assumption: the document does not say.
var london = sync.OnceValue(func() *time.Location {
	l, err := time.LoadLocation("Europe/London")
	if err != nil {
		panic(fmt.Sprintf("sim: %v", err))
	}
	return l
})

// An LTDTicket is one seat of a performance.
type LTDTicket struct {
	ID         int
	Row        string // TicketName1
	Seat       int    // TicketName2
	Area       string
	FaceMinor  int64  // pence, face value
	PriceMinor int64  // pence, what was paid
	Barcode    string // text with leading zeros; seats may share one
	Status     string // "Purchased" (default) or "Cancelled"
}

// seatInfo is row and seat in one word, as TransactionChanged has them.
func (t LTDTicket) seatInfo() string { return t.Row + strconv.Itoa(t.Seat) }

// An LTDPerformance is one performance of a booking, with the seats in it.
type LTDPerformance struct {
	EventID int
	Event   string
	At      time.Time // default six weeks after the purchase, half past seven in London
	Venue   string
	VenueID int
	Tickets []LTDTicket // default three neighbours in one row that share a barcode
}

// An LTDBooking is a booking that the affiliate made with London Theatre Direct. Every field has a default. It is a value: the
// methods that change it return a copy.
type LTDBooking struct {
	BookingReference string
	BasketID         string
	AffiliateID      string
	DeliveryType     string // default "Print at Home"
	CustomerName     string
	CustomerEmail    string
	Performances     []LTDPerformance
	PurchasedAt      time.Time
	// ScheduledOn is when the barcodes of scheduled e-tickets become available; default two days before the first performance.
	ScheduledOn time.Time
}

// LTDSale is a booking with scheduled e-tickets for even n and one to print at home for odd n. n ≥ 0 chooses ids, event, seats
// and money; the same n is always the same booking.
func LTDSale(n int) LTDBooking {
	e := tevoEvents[n%len(tevoEvents)]
	b := LTDBooking{
		BookingReference: ltdReference(n), BasketID: ltdGUID("basket", strconv.Itoa(n)), CustomerName: fullName(n), DeliveryType: LTDScheduled,
	}
	if n%2 == 1 {
		b.DeliveryType = LTDPrintAtHome
	}
	p := LTDPerformance{EventID: 3000 + n%len(tevoEvents), Event: e.name, Venue: e.venue, VenueID: 10 + n%len(tevoEvents)}
	for i := range 1 + (n+2)%4 {
		p.Tickets = append(p.Tickets, LTDTicket{
			Row: string(rune('A' + n%20)), Seat: 40 - i, Area: "Balcony", FaceMinor: 3000 + int64(n%20)*250, PriceMinor: 3600 + int64(n%20)*300,
		})
	}
	b.Performances = []LTDPerformance{p}
	return b.filled()
}

// ltdReference is three letters and five digits.
func ltdReference(n int) string {
	letters := n / 100_000 % (26 * 26 * 26)
	return fmt.Sprintf("%c%c%c%05d", 'A'+letters/676, 'A'+letters/26%26, 'A'+letters%26, n%100_000)
}

// ltdGUID is an id in the form that LTD's baskets have; the parts alone decide.
func ltdGUID(parts ...string) string {
	return uuidOf(sha256.Sum256([]byte("ltd\x00" + strings.Join(parts, "\x00"))))
}

// filled returns the booking with every default in place. It is idempotent.
func (b LTDBooking) filled() LTDBooking {
	b.BookingReference = cmp.Or(b.BookingReference, "CSK46133")
	b.BasketID = cmp.Or(b.BasketID, ltdGUID("basket", b.BookingReference))
	b.AffiliateID = cmp.Or(b.AffiliateID, LTDAffiliateID)
	b.DeliveryType = cmp.Or(b.DeliveryType, LTDPrintAtHome)
	b.CustomerName = cmp.Or(b.CustomerName, fullName(spread(b.BookingReference)))
	b.CustomerEmail = cmp.Or(b.CustomerEmail, strings.ToLower(strings.ReplaceAll(b.CustomerName, " ", "."))+"@example.com")
	if b.PurchasedAt.IsZero() {
		b.PurchasedAt = time.Date(2026, 6, 1, 14, 40, 1, 623_000_000, time.UTC)
	}
	b.Performances = slices.Clone(b.Performances)
	if len(b.Performances) == 0 {
		b.Performances = []LTDPerformance{{}}
	}
	id := 100_000 + spread(b.BookingReference)*100
	for i := range b.Performances {
		b.Performances[i] = b.Performances[i].filled(b.BookingReference, b.PurchasedAt, id)
		id += len(b.Performances[i].Tickets)
	}
	if b.ScheduledOn.IsZero() {
		b.ScheduledOn = b.Performances[0].At.AddDate(0, 0, -2)
	}
	return b
}

func (p LTDPerformance) filled(reference string, purchased time.Time, firstID int) LTDPerformance {
	p.EventID, p.VenueID = cmp.Or(p.EventID, 3868), cmp.Or(p.VenueID, 11)
	p.Event, p.Venue = cmp.Or(p.Event, tevoEvents[4].name), cmp.Or(p.Venue, tevoEvents[4].venue)
	if p.At.IsZero() {
		day := purchased.In(london()).AddDate(0, 0, 42)
		p.At = time.Date(day.Year(), day.Month(), day.Day(), 19, 30, 0, 0, london())
	}
	if len(p.Tickets) == 0 {
		p.Tickets = []LTDTicket{{Seat: 40}, {Seat: 39}, {Seat: 38}}
	}
	p.Tickets = slices.Clone(p.Tickets)
	for i := range p.Tickets {
		t := &p.Tickets[i]
		t.ID = cmp.Or(t.ID, firstID+i)
		t.Row, t.Seat, t.Area = cmp.Or(t.Row, "N"), cmp.Or(t.Seat, 40-i), cmp.Or(t.Area, "Balcony")
		t.FaceMinor = cmp.Or(t.FaceMinor, 3000)
		t.PriceMinor = cmp.Or(t.PriceMinor, 3600)
		t.Status = cmp.Or(t.Status, "Purchased")
		t.Barcode = cmp.Or(t.Barcode, fmt.Sprintf("%020d", 15125182800000+spread(reference+p.Event))) // one for all seats
	}
	return p
}

// At moves the booking in time: purchased at a time, its performances six weeks later.
func (b LTDBooking) At(at time.Time) LTDBooking {
	b = b.filled()
	b.PurchasedAt, b.ScheduledOn = at.UTC().Truncate(time.Millisecond), time.Time{}
	for i := range b.Performances {
		b.Performances[i].At = time.Time{}
	}
	return b.filled()
}

// ticket finds ticket i, counted over all performances; nil is none.
func (b *LTDBooking) ticket(i int) *LTDTicket {
	for p := range b.Performances {
		if tickets := b.Performances[p].Tickets; i < len(tickets) {
			if i < 0 {
				return nil
			}
			return &tickets[i]
		}
		i -= len(b.Performances[p].Tickets)
	}
	return nil
}

// CancelTickets is the booking after some tickets were cancelled, counted over all performances.
func (b LTDBooking) CancelTickets(tickets ...int) LTDBooking {
	b = b.filled()
	for _, i := range tickets {
		if t := b.ticket(i); t != nil {
			t.Status = "Cancelled"
		}
	}
	return b
}

// Delivered is the booking with another delivery type.
func (b LTDBooking) Delivered(deliveryType string) LTDBooking {
	b = b.filled()
	b.DeliveryType = deliveryType
	return b
}

// Count is how many tickets are not cancelled.
func (b LTDBooking) Count() int { n, _ := b.live(); return n }

// AmountMinor is what the tickets cost that are not cancelled, in pence.
func (b LTDBooking) AmountMinor() int64 { _, sum := b.live(); return sum }

func (b LTDBooking) live() (n int, sum int64) {
	for _, p := range b.filled().Performances {
		for _, t := range p.Tickets {
			if t.Status != "Cancelled" {
				n, sum = n+1, sum+t.PriceMinor
			}
		}
	}
	return n, sum
}

// barcode is empty for scheduled e-tickets that are not due yet.
func (b LTDBooking) barcode(t LTDTicket, at time.Time) string {
	if b.DeliveryType == LTDScheduled && at.Before(b.ScheduledOn) {
		return ""
	}
	return t.Barcode
}

// localTime is a time as LTD writes it: in London, without saying so.
func localTime(t time.Time) string { return t.In(london()).Format("2006-01-02T15:04:05.999") }

type ltdEnvelope struct {
	MessageType string
	Payload     any
	Timestamp   string
}

func ltdBody(typ string, payload any, at time.Time) []byte {
	return mustMarshal(ltdEnvelope{typ, payload, at.UTC().Format("2006-01-02T15:04:05.0000000Z")})
}

// TransactionChanged is the body of the webhook of that type as of a time. As in the document's sample, TotalCount leaves
// cancelled tickets out, and an order with one is "Cancelled" whatever its other tickets are. Assumptions: TotalAmount leaves them
// out too, the other OrderStatus is "Purchased", and a barcode that is not due yet is "".
func (b LTDBooking) TransactionChanged(at time.Time) []byte {
	b = b.filled()
	type ticket struct{ SeatInfo, Barcode, BarcodeType, Status string }
	type order struct {
		EventID             int    `json:"EventId"`
		EventImageURL       string `json:"EventImageUrl"`
		PerformanceTimeDate string
		VenueName           string
		VenueID             int `json:"VenueId"`
		EventName           string
		Tickets             []ticket
		OrderStatus         string
	}
	orders := []order{}
	for _, p := range b.Performances {
		o := order{
			EventID: p.EventID, EventImageURL: fmt.Sprintf("https://media.example.com/Event/%d/event-detail-image.jpg", p.EventID),
			PerformanceTimeDate: localTime(p.At), VenueName: p.Venue, VenueID: p.VenueID, EventName: p.Event, OrderStatus: "Purchased",
		}
		for _, t := range p.Tickets {
			o.Tickets = append(o.Tickets, ticket{t.seatInfo(), b.barcode(t, at), "QRCode", t.Status})
			if t.Status == "Cancelled" {
				o.OrderStatus = "Cancelled"
			}
		}
		orders = append(orders, o)
	}
	type address struct {
		AddressLine1, AddressLine2 string
		AddressLine3, AddressLine4 *string
		City, Country, PostCode    string
	}
	type customer struct {
		FullName, Email, PhoneNumber string
		Address                      address
	}
	return ltdBody("TransactionChanged", struct {
		BookingReference string
		BasketID         string `json:"BasketId"`
		DeliveryType     string
		TotalAmount      float64
		TotalCount       int
		Customer         customer
		PurchaseDateTime string
		Orders           []order
	}{
		b.BookingReference, b.BasketID, b.DeliveryType, float64(b.AmountMinor()) / 100, b.Count(),
		customer{b.CustomerName, b.CustomerEmail, "07700900123", address{Country: "GB"}}, localTime(b.PurchasedAt), orders,
	}, at)
}

// ScheduledEtickets is the body of the ScheduledEticketDelivery webhook: the barcodes, whether they are due or not. Assumption:
// cancelled tickets are left out.
func (b LTDBooking) ScheduledEtickets(at time.Time) []byte {
	b = b.filled()
	type ticket struct {
		EventName, PerformanceDate string
		TicketName1                string
		TicketName2                int // a number, though the document calls it a string
		AreaName, VenueName        string
		Barcode, BarcodeType       string
	}
	tickets := []ticket{}
	for _, p := range b.Performances {
		for _, t := range p.Tickets {
			if t.Status != "Cancelled" {
				tickets = append(tickets, ticket{p.Event, localTime(p.At), t.Row, t.Seat, t.Area, p.Venue, t.Barcode, "QRCode"})
			}
		}
	}
	return ltdBody("ScheduledEticketDelivery", struct {
		AffiliateID      string `json:"AffiliateId"`
		BookingReference string
		CustomerEmail    string
		Tickets          []ticket
	}{b.AffiliateID, b.BookingReference, b.CustomerEmail, tickets}, at)
}

// Basket is the summary of the submitted basket as of a time. Its tickets are of the published type TicketInfoBooking; how they
// are nested is an assumption.
func (b LTDBooking) Basket(at time.Time) map[string]any {
	b = b.filled()
	items := []any{}
	for _, p := range b.Performances {
		tickets := []any{}
		for _, t := range p.Tickets {
			line := object{
				"TicketId": t.ID, "TicketName1": t.Row, "TicketName2": strconv.Itoa(t.Seat), "AreaName": t.Area,
				"FaceValue": float64(t.FaceMinor) / 100, "SellingPrice": float64(t.PriceMinor) / 100,
				"Barcode": b.barcode(t, at), "BarcodeType": "QRCode", "Status": t.Status, "ScheduledOn": nil,
			}
			if b.DeliveryType == LTDScheduled {
				line["ScheduledOn"] = localTime(b.ScheduledOn)
			}
			tickets = append(tickets, line)
		}
		items = append(items, object{
			"EventId": p.EventID, "EventName": p.Event, "VenueId": p.VenueID, "VenueName": p.Venue, "PerformanceDate": localTime(p.At),
			"Tickets": tickets,
		})
	}
	return object{
		"BasketId": b.BasketID, "BookingReference": b.BookingReference, "DeliveryType": b.DeliveryType, "TotalCount": b.Count(),
		"TotalAmount": float64(b.AmountMinor()) / 100, "PurchaseDateTime": localTime(b.PurchasedAt), "Items": items,
		"Customer": object{"FullName": b.CustomerName, "Email": b.CustomerEmail},
	}
}

// LTDOptions configure an [LTD].
type LTDOptions struct {
	APIKey string // Api-Key; empty answers every call 401
	// BasketPath is where the summary of a submitted basket is read. The default, "/rest/v2/Baskets/{basket}", is an assumption.
	BasketPath string
	// AffiliateID is the partner that the bookings of a Mix are of; empty is LTDAffiliateID.
	AffiliateID string
	Logger      *slog.Logger     // nil logs nothing
	Now         func() time.Time // nil is time.Now
}

// LTD is London Theatre Direct's API as far as it tells the barcodes of a booking. It is safe for concurrent use.
type LTD struct {
	opts   LTDOptions
	now    func() time.Time
	mux    *http.ServeMux
	faults *faultBox

	mu       sync.Mutex
	bookings map[string]LTDBooking // by basket
	reads    map[string]int
}

// NewLTD makes an API without bookings.
func NewLTD(opts LTDOptions) *LTD {
	l := &LTD{
		opts: opts, now: opts.Now, mux: http.NewServeMux(), bookings: map[string]LTDBooking{}, reads: map[string]int{},
		faults: &faultBox{kinds: []string{FaultLostAnswer, FaultRefuseBefore, FaultStatus, FaultHang, FaultDelay}},
	}
	if l.now == nil {
		l.now = time.Now
	}
	if l.opts.Logger == nil {
		l.opts.Logger = slog.New(slog.DiscardHandler)
	}
	l.mux.HandleFunc("GET "+cmp.Or(opts.BasketPath, "/rest/v2/Baskets/{basket}"), l.serveBasket)
	l.mux.HandleFunc("GET /admin/bookings", l.serveBookings)
	l.mux.HandleFunc("PUT /admin/faults", l.faults.serveFaults)
	return l
}

// ServeHTTP serves the API and, under /admin, the simulator's own view. Faults that close the connection panic with
// [http.ErrAbortHandler], which every net/http server understands.
func (l *LTD) ServeHTTP(w http.ResponseWriter, r *http.Request) { l.mux.ServeHTTP(w, r) }

// SetFaults replaces the faults in force. It changes nothing and reports what is wrong if f cannot be served.
func (l *LTD) SetFaults(f Faults) error { return l.faults.set(f) }

func (l *LTD) affiliate() string { return cmp.Or(l.opts.AffiliateID, LTDAffiliateID) }

// Put adds the booking, or replaces the one with its basket.
func (l *LTD) Put(b LTDBooking) {
	l.mu.Lock()
	defer l.mu.Unlock()
	b = b.filled()
	l.bookings[b.BasketID] = b
}

// Booking returns the booking with this basket as it is now.
func (l *LTD) Booking(basketID string) (LTDBooking, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	b, ok := l.bookings[basketID]
	if !ok {
		return LTDBooking{}, false
	}
	return b.filled(), true // a copy
}

// Update replaces the booking by change(booking) and returns the result; ok is false if there is none. change must not call l.
func (l *LTD) Update(basketID string, change func(LTDBooking) LTDBooking) (b LTDBooking, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	b, ok = l.bookings[basketID]
	if !ok {
		return LTDBooking{}, false
	}
	b = change(b.filled()).filled()
	l.bookings[basketID] = b
	return b, true
}

// Reads is how often a basket was read.
func (l *LTD) Reads(basketID string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.reads[basketID]
}

// serveBasket answers errors as {"Message": …}, which is an assumption.
func (l *LTD) serveBasket(w http.ResponseWriter, r *http.Request) {
	refuse := func(status int, message string) { writeJSON(w, status, object{"Message": message}) }
	fault, _ := l.faults.take(r.Method, r.URL.Path)
	if fault.strike(w, r, func(status int) { refuse(status, "a fault that was asked for") }) {
		return
	}
	if l.opts.APIKey == "" || subtle.ConstantTimeCompare([]byte(r.Header.Get("Api-Key")), []byte(l.opts.APIKey)) != 1 {
		l.opts.Logger.Warn("ltd simulator: refused", "path", r.URL.Path)
		refuse(http.StatusUnauthorized, "The Api-Key is missing or unknown.")
		return
	}
	id := r.PathValue("basket")
	b, ok := l.Booking(id)
	if ok {
		l.mu.Lock()
		l.reads[id]++
		l.mu.Unlock()
	}
	l.opts.Logger.Info("ltd simulator: basket", "basket", id, "known", ok)
	switch {
	case fault.Kind == FaultLostAnswer:
		panic(http.ErrAbortHandler)
	case !ok:
		refuse(http.StatusNotFound, "There is no such basket.")
	default:
		writeJSON(w, http.StatusOK, b.Basket(l.now()))
	}
}

func (l *LTD) serveBookings(w http.ResponseWriter, r *http.Request) {
	l.mu.Lock()
	all := slices.SortedFunc(maps.Values(l.bookings), func(a, b LTDBooking) int { return cmp.Compare(a.BookingReference, b.BookingReference) })
	l.mu.Unlock()
	list := []any{}
	for _, b := range all {
		list = append(list, b.Basket(l.now()))
	}
	writeJSON(w, http.StatusOK, object{"bookings": list})
}
