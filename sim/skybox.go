package sim

import (
	"cmp"
	"crypto/subtle"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// SkyBoxOptions configure a [SkyBox]. The zero value lets nobody in. What the vendor's OpenAPI 1.0.0 leaves open is an option,
// and its zero value the kinder possibility.
type SkyBoxOptions struct {
	// The three headers that every call must carry; any that is empty answers every call 401.
	ApplicationToken, APIToken, Account string

	Logger *slog.Logger     // nil logs nothing
	Now    func() time.Time // nil is time.Now

	Inventory []SkyBoxGroup

	// Rows answers searches with {"rows":[…]}, as a client in use reads them, in place of the array of the document.
	Rows bool
	// Matching is how the externalRef of a search is compared: "" exactly, "prefix", or "contains".
	Matching string
	// IgnoreCase compares it without regard to letter case.
	IgnoreCase bool
	// FirstPage is the pageNumber of the first page. The document does not say whether it is 0 or 1.
	FirstPage int
	// PageLimit is the most records of a page, whatever limit asks for; 0 is 100.
	PageLimit int
	// SecondDelete is the status of deleting or cancelling a line that is gone or dead already: 0 is 200, else 404 or 400.
	SecondDelete int
	// LastLineTakesInvoice removes an invoice with its last line.
	LastLineTakesInvoice bool
	// UniqueReferences refuses a second live invoice or purchase of one externalRef.
	UniqueReferences bool
	// BareLines leaves itemIds and inventory out of the lines of invoices, so that the tickets must be asked for by line, and the lines
	// out of what searches find.
	BareLines bool

	// SeatsAsList writes the seats of a hold as 9,10 in place of 9-10; SeatsUntold leaves them out.
	SeatsAsList, SeatsUntold bool
	// OldHolds keeps holds that were removed or ran out among what is found and read, with a removedDate.
	OldHolds bool
	// AssetsAsJSON answers a file as a JSON string of base64, in place of bare base64.
	AssetsAsJSON bool

	// RateLimit is how many calls of one endpoint are served in each RateInterval (0 is a second); 0 is any number.
	// More are answered with RateStatus (0 is 429) and, unless it is empty, RateRetryAfter as the Retry-After header.
	RateLimit      int
	RateInterval   time.Duration
	RateStatus     int
	RateRetryAfter string
}

// SkyBox is Vivid Seats' point of sale for one account, written from "SkyBox OpenAPI 1.0.0": customers, vendors, inventory, holds,
// invoices and purchases, as far as an order needs them. It is safe for concurrent use.
//
// Assumptions, where the document is silent: the field names of a 400 are in an array of {"propertyPath", "message"}; e-mail
// addresses of customers are compared without regard to case, telephone numbers by their digits; a doubled write claims its
// tickets once; a hold takes the free seats from lowSeat upwards, side by side or not; a file has the name of its ticket's fileName;
// FaultSeatsGone refuses a sale as if another had bought the seats, and shows them sold until one of their groups was looked at;
// then all of the other sale is undone.
type SkyBox struct {
	opts   SkyBoxOptions
	now    func() time.Time
	mux    *http.ServeMux
	faults *faultBox

	mu        sync.Mutex
	events    map[int64]*skyEvent
	groups    []*skyGroup
	customers []*skyCustomer
	vendors   []*skyVendor
	invoices  []*skyInvoice
	purchases []*skyPurchase
	holds     []*skyHold
	oldHolds  []*skyHold
	files     map[string][]byte   // by name
	born      map[int64]time.Time // record id → when it was written, for the search lag
	gone      map[int64]bool      // ids of deleted lines
	windows   map[string]skyWindow
	lastID    int64
	writes    []POSWrite
}

// NewSkyBox makes an account that holds nothing but opts.Inventory and a default vendor.
func NewSkyBox(opts SkyBoxOptions) *SkyBox {
	s := &SkyBox{
		opts: opts, now: opts.Now, mux: http.NewServeMux(),
		faults: &faultBox{kinds: []string{
			FaultLostAnswer, FaultRefuseBefore, FaultStatus, FaultHang, FaultDelay, FaultSeatsGone, FaultDouble, FaultPartial,
		}},
		events: map[int64]*skyEvent{}, born: map[int64]time.Time{}, gone: map[int64]bool{}, windows: map[string]skyWindow{}, files: map[string][]byte{},
		lastID: 1_000_000, // above the ids of any inventory that is given
	}
	if s.now == nil {
		s.now = time.Now
	}
	if s.opts.Logger == nil {
		s.opts.Logger = slog.New(slog.DiscardHandler)
	}
	s.opts.PageLimit = cmp.Or(s.opts.PageLimit, 100)
	s.opts.SecondDelete = cmp.Or(s.opts.SecondDelete, http.StatusOK)
	s.opts.RateInterval = cmp.Or(s.opts.RateInterval, time.Second)
	s.opts.RateStatus = cmp.Or(s.opts.RateStatus, http.StatusTooManyRequests)
	for _, g := range opts.Inventory {
		s.stock(g)
	}
	s.vendors = []*skyVendor{{ID: s.newID(), DisplayName: "Default vendor", AccountDefault: true, CreatedDate: s.stamp()}}
	for pattern, call := range map[string]skyCall{
		"GET /account":                            s.account,
		"GET /events/{id}":                        s.getEvent,
		"GET /inventory":                          s.findInventory,
		"GET /inventory/{id}":                     s.getInventory,
		"GET /customers":                          s.findCustomers,
		"POST /customers":                         s.createCustomer,
		"GET /vendors":                            s.findVendors,
		"POST /vendors":                           s.createVendor,
		"GET /vendors/default":                    s.defaultVendor,
		"GET /vendors/{id}":                       s.getVendor,
		"GET /holds":                              s.findHolds,
		"POST /holds":                             s.createHold,
		"GET /holds/{id}":                         s.getHold,
		"DELETE /holds/{id}":                      s.deleteHold,
		"GET /invoices":                           s.findInvoices,
		"POST /invoices":                          s.createInvoice,
		"GET /invoices/external-ref":              s.invoiceTickets,
		"GET /invoices/{id}":                      s.getInvoice,
		"GET /assets/{filename}":                  s.getAsset,
		"PUT /invoices/bulk":                      s.updateInvoices,
		"GET /invoices/{id}/lines/{line}/tickets": s.lineTickets,
		"DELETE /invoices/{id}/lines/{line}":      s.deleteInvoiceLine,
		"POST /lines/bulk-delete":                 s.deleteLines,
		"POST /lines/invoice/bulk-cancel":         s.cancelLines,
		"GET /purchases":                          s.findPurchases,
		"POST /purchases":                         s.createPurchase,
		"GET /purchases/{id}":                     s.getPurchase,
		"PUT /purchases/bulk":                     s.updatePurchases,
		"POST /purchases/{id}/notes":              s.addPurchaseNote,
		"PUT /purchases/{id}/lines/{line}/cancel": s.cancelPurchaseLine,
		"/": func(*skyRequest) skyAnswer { return skyNotFound("no such path or method") },
	} {
		s.mux.HandleFunc(pattern, s.serve(pattern, call))
	}
	s.mux.HandleFunc("GET /admin/state", func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, http.StatusOK, s.State()) })
	s.mux.HandleFunc("GET /admin/log", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, http.StatusOK, object{"writes": s.Log()})
	})
	s.mux.HandleFunc("PUT /admin/faults", s.faults.serveFaults)
	return s
}

// ServeHTTP serves SkyBox's paths (below its /services) and the simulator's own view under /admin. Faults that close the connection
// panic with [http.ErrAbortHandler], which every net/http server understands.
func (s *SkyBox) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.mux.ServeHTTP(w, r) }

// SetFaults replaces the faults in force. It changes nothing and reports what is wrong if f cannot be served.
func (s *SkyBox) SetFaults(f Faults) error { return s.faults.set(f) }

// Log returns every attempt to write, in the order in which they ended. SkyBox knows no keys, so Key is empty.
func (s *SkyBox) Log() []POSWrite {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]POSWrite{}, s.writes...)
}

// State returns a copy of everything the account holds, in the shape of [POS.State], so that audits read both alike. A record is
// voided if it has no live line and, an invoice, the payment status VOID; lines that were deleted are not in it.
func (s *SkyBox) State() POSState {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.expireHolds()
	st := POSState{Customers: []POSCustomer{}, Invoices: []POSInvoice{}, PurchaseOrders: []POSPurchaseOrder{}, Holds: []POSHold{}}
	for _, c := range s.customers {
		st.Customers = append(st.Customers, POSCustomer{
			ID: skyID(c.ID), Name: c.DisplayName, Email: known(&c.Email), Phone: known(c.Address.Phone1), Company: known(&c.Company),
			Kind: c.CustomerType, CreatedAt: c.CreatedDate,
		})
	}
	for _, inv := range s.invoices {
		st.Invoices = append(st.Invoices, inv.state())
	}
	for _, po := range s.purchases {
		st.PurchaseOrders = append(st.PurchaseOrders, s.purchaseState(po))
	}
	for _, h := range s.holds {
		hold := POSHold{
			ID: skyID(h.ID), ExternalReference: h.ExternalRef, InventoryID: skyID(h.InventoryID), Quantity: h.Quantity, ExpiresAt: h.ExpiryDate,
		}
		for _, t := range h.tickets {
			hold.TicketIDs = append(hold.TicketIDs, skyID(t.id))
		}
		st.Holds = append(st.Holds, hold)
	}
	return st
}

// A skyRequest is a call whose body has been read.
type skyRequest struct {
	*http.Request
	body  []byte
	fault Fault // what the call itself has to do wrong: double, seats_gone
}

// id reads an id of the path; what is no number is nobody's.
func (r *skyRequest) id(name string) int64 {
	n, _ := strconv.ParseInt(r.PathValue(name), 10, 64)
	return n
}

type skyAnswer struct {
	status  int
	value   any  // nil is no content
	plain   bool // value is []byte, to be sent as it is
	outcome string
	id      string
}

type skyCall func(*skyRequest) skyAnswer

func skyOK(v any) skyAnswer { return skyAnswer{status: http.StatusOK, value: v} }

func skyRefuse(status int, message string) skyAnswer {
	return skyAnswer{status: status, value: object{"message": message}, outcome: "refused: " + strconv.Itoa(status)}
}

func skyNotFound(message string) skyAnswer { return skyRefuse(http.StatusNotFound, message) }

// A skyCheck collects what a validator finds; its answer is the 400 with a body "in javax.validation.Validator format".
type skyCheck []object

func (c *skyCheck) that(ok bool, path, message string) {
	if !ok {
		*c = append(*c, object{"propertyPath": path, "message": message, "invalidValue": nil})
	}
}

func (c *skyCheck) oneOf(s, path string, allowed ...string) {
	c.that(slices.Contains(allowed, s), path, "must be one of "+strings.Join(allowed, ", "))
}

func (c skyCheck) refusal() (skyAnswer, bool) {
	return skyAnswer{status: http.StatusBadRequest, value: []object(c), outcome: "refused: 400"}, len(c) > 0
}

// read decodes a body, ignoring members that it does not know.
func (r *skyRequest) read(v any) (skyAnswer, bool) {
	if json.Unmarshal(r.body, v) != nil {
		return skyRefuse(http.StatusBadRequest, "invalid request"), true // its text could quote the body
	}
	return skyAnswer{}, false
}

// serve wraps a call. Faults of the network come first, then the headers, then the rate, then the call.
func (s *SkyBox) serve(pattern string, call skyCall) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 64<<20))
		if err != nil {
			writeJSON(w, http.StatusBadRequest, object{"message": "the body could not be read"})
			return
		}
		fault, _ := s.faults.take(r.Method, r.URL.Path)
		write := POSWrite{Method: r.Method, Path: r.URL.Path, Reference: skyReference(body)}
		switch fault.Kind {
		case FaultRefuseBefore, FaultStatus:
			write.Outcome = "fault: " + fault.Kind
			if fault.Kind == FaultStatus {
				write.Status, write.Answered = fault.Status, true
			}
			s.record(write)
			fault.strike(w, r, func(status int) { writeJSON(w, status, object{"message": "a fault that was asked for"}) })
			return
		}
		if !s.known(r.Header) {
			write.Status, write.Outcome, write.Answered = http.StatusUnauthorized, "refused: 401", true
			s.record(write)
			writeJSON(w, http.StatusUnauthorized, object{"message": "not authorized"})
			return
		}
		if s.exceeded(pattern) {
			write.Status, write.Outcome, write.Answered = s.opts.RateStatus, "refused: rate", true
			s.record(write)
			if s.opts.RateRetryAfter != "" {
				w.Header().Set("Retry-After", s.opts.RateRetryAfter)
			}
			writeJSON(w, s.opts.RateStatus, object{"message": "too many calls"})
			return
		}
		if fault.Kind == FaultHang {
			write.Outcome = "fault: hang"
			s.record(write)
		}
		fault.strike(w, r, nil)
		a := call(&skyRequest{Request: r, body: body, fault: fault})
		write.Status, write.Outcome, write.ID, write.Answered = a.status, a.outcome, a.id, fault.Kind != FaultLostAnswer
		s.record(write)
		switch {
		case fault.Kind == FaultLostAnswer:
			panic(http.ErrAbortHandler)
		case a.value == nil:
			w.WriteHeader(a.status)
		case a.plain:
			writeBytes(w, a.status, "text/plain", a.value.([]byte))
		default:
			writeJSON(w, a.status, a.value)
		}
	}
}

func (s *SkyBox) known(h http.Header) bool {
	all := 1
	for name, want := range map[string]string{
		"X-Application-Token": s.opts.ApplicationToken, "X-Api-Token": s.opts.APIToken, "X-Account": s.opts.Account,
	} {
		if want == "" {
			return false
		}
		all &= subtle.ConstantTimeCompare([]byte(h.Get(name)), []byte(want))
	}
	return all == 1
}

type skyWindow struct {
	since time.Time
	calls int
}

// exceeded counts a call of an endpoint, and says whether it is one too many.
func (s *SkyBox) exceeded(pattern string) bool {
	if s.opts.RateLimit == 0 {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	w := s.windows[pattern]
	if now := s.now(); now.Sub(w.since) >= s.opts.RateInterval {
		w = skyWindow{since: now}
	}
	w.calls++
	s.windows[pattern] = w
	return w.calls > s.opts.RateLimit
}

// record keeps attempts to write; reading is not logged.
func (s *SkyBox) record(w POSWrite) {
	if w.Method == http.MethodGet || w.Method == http.MethodHead {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	w.At = s.now().UTC()
	s.writes = append(s.writes, w)
	s.opts.Logger.Info("skybox simulator: write", "method", w.Method, "path", w.Path, "reference", w.Reference,
		"outcome", w.Outcome, "id", w.ID, "status", w.Status, "answered", w.Answered)
}

func skyReference(body []byte) string {
	var in struct {
		ExternalRef string `json:"externalRef"`
	}
	_ = json.Unmarshal(body, &in) // for the log only; the call reports what is wrong
	return in.ExternalRef
}

// newID needs s.mu. Ids of all kinds come from one sequence, so that one is never taken for another.
func (s *SkyBox) newID() int64 {
	s.lastID++
	s.born[s.lastID] = s.now()
	return s.lastID
}

func (s *SkyBox) searchable(id int64) bool {
	return !s.born[id].After(s.now().Add(-s.faults.searchLag()))
}

func (s *SkyBox) stamp() string { return s.now().UTC().Format("2006-01-02T15:04:05.000Z") }

func skyID(n int64) string { return strconv.FormatInt(n, 10) }

// matches compares a reference with those that a search names; one that names none matches everything.
func (s *SkyBox) matches(ref string, q url.Values) bool {
	wanted := q["externalRef"]
	return len(wanted) == 0 || slices.ContainsFunc(wanted, func(want string) bool {
		ref := ref
		if s.opts.IgnoreCase {
			ref, want = strings.ToLower(ref), strings.ToLower(want)
		}
		switch s.opts.Matching {
		case "prefix":
			return strings.HasPrefix(ref, want)
		case "contains":
			return strings.Contains(ref, want)
		}
		return ref == want
	})
}

// page answers a search with one page of what it found.
func (s *SkyBox) page(r *skyRequest, found []any) skyAnswer {
	q := r.URL.Query()
	limit, page := s.opts.PageLimit, 0
	if n, err := strconv.Atoi(q.Get("limit")); err == nil && n > 0 {
		limit = min(n, limit)
	}
	if n, err := strconv.Atoi(q.Get("pageNumber")); err == nil {
		page = max(n-s.opts.FirstPage, 0)
	}
	from := min(page*limit, len(found))
	list := append([]any{}, found[from:min(from+limit, len(found))]...)
	if s.opts.Rows {
		return skyOK(object{"rows": list, "rowCount": len(found)})
	}
	return skyOK(list)
}

func (s *SkyBox) account(*skyRequest) skyAnswer {
	id, _ := strconv.ParseInt(s.opts.Account, 10, 64)
	return skyOK(object{"id": id, "company": "Sample Tickets"})
}

// skyAmount writes an amount as a Java service writes a double: 240.0, and 1.2E7 from ten million on.
func skyAmount(n json.Number) json.Number {
	f, err := n.Float64()
	if err != nil {
		return n
	}
	if f >= 1e7 {
		text := strconv.FormatFloat(f, 'E', -1, 64)
		mantissa, exponent, _ := strings.Cut(text, "E+")
		if !strings.Contains(mantissa, ".") {
			mantissa += ".0"
		}
		return json.Number(mantissa + "E" + strings.TrimLeft(exponent, "0"))
	}
	text := strconv.FormatFloat(f, 'f', -1, 64)
	if !strings.Contains(text, ".") {
		text += ".0"
	}
	return json.Number(text)
}
