package sim

import (
	"cmp"
	"errors"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Whose cancellation Ticket Evolution Core lets stand alone, and whose is only a proposal until the other side agrees. The
// documents say that both sides of a sale between brokers must cancel; what holds for a sale to one's own client, where there
// is no other broker, they do not say. See [TEvoCoreOptions].
const (
	TEvoCoreAgreeNever     = ""          // every cancellation takes effect at once
	TEvoCoreAgreePurchases = "purchases" // the sellers of our purchases must agree
	TEvoCoreAgreeAlways    = "always"    // clients must agree, too
)

// TEvoCoreOptions configure a [TEvoCore].
type TEvoCoreOptions struct {
	// Token and Secret are the API credential. Without both every signed call is answered 401.
	Token, Secret string
	// OfficeID is the broker's own office; empty is the one whose webhooks [TEvo] simulates.
	OfficeID string
	Logger   *slog.Logger     // nil logs nothing
	Now      func() time.Time // nil is time.Now

	// Groups are the ticket groups to start with, Events what purchases can be for, Offices who sells them (name by id).
	Groups  []TEvoCoreGroup
	Events  []TEvoCoreEvent
	Offices map[string]string
	// Strict answers 404 for groups, events and offices that are not among those. Otherwise an unknown group is one of
	// OnDemand tickets (0 is 1000), and an event that is searched for and an office that is named exist from then on.
	Strict   bool
	OnDemand int

	// Agree is one of the TEvoCoreAgree… constants.
	Agree string
	// CancelKeepsTickets leaves the tickets of a cancelled sale out of their group. What the real one does is unknown.
	CancelKeepsTickets bool
	// UniqueReferences refuses a second live order with one reference. Assumption otherwise: it does not look.
	UniqueReferences bool
	// ReferenceFilter, EmailFilter and PhoneFilter name query parameters that filter orders and clients; empty is none, and
	// then such a parameter is ignored as unknown ones are. Which exist is unknown.
	ReferenceFilter, EmailFilter, PhoneFilter string
	// ListingsOnly redirects ticket_groups/{id} to listings/{id}, as the documents announce for 2023.
	ListingsOnly bool
	// FinalStaysOpen leaves an order open whose last item's e-tickets were made final. What the real one does is unknown.
	FinalStaysOpen bool
	// PrintJSON answers e-tickets as JSON with a document in base64, instead of as the document. Which it is is unknown.
	PrintJSON bool
	// PerSecond is how many signed calls a second are served, by the simulator's clock; the rest is answered 503, which
	// "may mean the rate limit". 0 is no limit.
	PerSecond int
}

// A TEvoCoreGroup is a ticket group to start with: some seats that are sold by number of tickets.
type TEvoCoreGroup struct {
	ID           string
	Event        TEvoCoreEvent
	Section, Row string
	Quantity     int
}

// A TEvoCoreEvent is an event in the catalogue. ID may stay empty within a [TEvoCoreGroup]; it gets one then.
type TEvoCoreEvent struct {
	ID, Name string
	StartsAt time.Time // zero: not announced
}

// TEvoCore is Ticket Evolution's API, version 9, as far as it is a broker's point of sale: clients, ticket groups, sales to
// own clients, purchases, cancellation, and delivery. It is safe for concurrent use.
//
// Clients and ticket groups have ids that are strings, orders and their items numbers, as in the samples. Errors come in
// the three forms that the client libraries decode: {error}, {errors}, and an errors map within each item of a list.
type TEvoCore struct {
	opts   TEvoCoreOptions
	now    func() time.Time
	mux    *http.ServeMux
	faults *faultBox

	mu      sync.Mutex
	groups  map[string]*coreGroup
	events  []TEvoCoreEvent
	offices map[string]string
	clients []*coreClient
	orders  []*coreOrder
	lastID  int
	writes  []POSWrite
	second  time.Time // that calls are being counted for
	calls   int
	hidden  map[string]int // group → how often it is yet to be shown as sold out; see FaultSeatsGone
}

// coreGroup is a ticket group in stock.
type coreGroup struct {
	id, section, row string
	event            TEvoCoreEvent
	left             int
}

// NewTEvoCore makes a point of sale that holds nothing but the groups of opts.
func NewTEvoCore(opts TEvoCoreOptions) *TEvoCore {
	c := &TEvoCore{
		opts: opts, now: opts.Now, mux: http.NewServeMux(), lastID: 500,
		faults: &faultBox{kinds: []string{
			FaultLostAnswer, FaultRefuseBefore, FaultStatus, FaultHang, FaultDelay, FaultSeatsGone, FaultDouble,
		}},
		groups: map[string]*coreGroup{}, events: slices.Clone(opts.Events), offices: map[string]string{}, hidden: map[string]int{},
	}
	if c.now == nil {
		c.now = time.Now
	}
	if c.opts.Logger == nil {
		c.opts.Logger = slog.New(slog.DiscardHandler)
	}
	c.opts.OfficeID = cmp.Or(opts.OfficeID, ourOfficeID)
	c.opts.OnDemand = cmp.Or(opts.OnDemand, 1000)
	for id, name := range opts.Offices {
		c.offices[id] = name
	}
	for _, g := range opts.Groups {
		c.groups[g.ID] = &coreGroup{id: g.ID, section: g.Section, row: g.Row, event: c.catalogued(g.Event), left: g.Quantity}
	}
	for pattern, call := range map[string]coreCall{
		"GET /v9/clients":                                     c.listClients,
		"POST /v9/clients":                                    c.createClients,
		"GET /v9/ticket_groups/{id}":                          c.showGroup,
		"GET /v9/listings/{id}":                               c.showListing,
		"GET /v9/events/search":                               c.searchEvents,
		"GET /v9/orders":                                      c.listOrders,
		"POST /v9/orders":                                     c.createOrders,
		"GET /v9/orders/{id}":                                 c.showOrder,
		"POST /v9/orders/{id}/cancel":                         c.cancelOrder,
		"POST /v9/orders/{id}/return":                         c.returnOrder,
		"POST /v9/orders/{id}/deliver_etickets":               c.deliverEtickets,
		"POST /v9/orders/{id}/items/{item}/add_etickets":      c.addEtickets,
		"POST /v9/orders/{id}/items/{item}/finalize_etickets": c.finalizeEtickets,
		"GET /v9/orders/{id}/items/{item}/remove_etickets":    c.removeEtickets,
		"GET /v9/orders/{id}/items/{item}/print_etickets":     c.printEtickets,
		"GET /v9/orders/{id}/print_etickets":                  c.printEtickets,
		"POST /v9/orders/{id}/complete":                       c.completeOrder,
		"PUT /v9/tickets/{id}":                                c.updateTicket,
		"PUT /v9/shipments/{id}":                              c.updateShipment,
		"PUT /v9/shipments/{id}/complete":                     c.completeShipment,
		"/":                                                   func(*coreRequest) coreAnswer { return coreRefuse(http.StatusNotFound, "no such path or method") },
	} {
		c.mux.HandleFunc(pattern, c.signed(call))
	}
	c.mux.HandleFunc("GET /admin/state", func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, http.StatusOK, c.State()) })
	c.mux.HandleFunc("GET /admin/log", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, http.StatusOK, object{"writes": c.Log()})
	})
	c.mux.HandleFunc("POST /admin/orders/{id}/agree", func(w http.ResponseWriter, r *http.Request) {
		if err := c.Agree(r.PathValue("id")); err != nil {
			writeJSON(w, http.StatusConflict, object{"error": err.Error()})
			return
		}
		w.WriteHeader(http.StatusNoContent)
	})
	c.mux.HandleFunc("PUT /admin/faults", c.faults.serveFaults)
	return c
}

// ServeHTTP serves the API under /v9 and the simulator's own view under /admin. Faults that close the connection panic with
// [http.ErrAbortHandler], which every net/http server understands.
func (c *TEvoCore) ServeHTTP(w http.ResponseWriter, r *http.Request) { c.mux.ServeHTTP(w, r) }

// SetFaults replaces the faults in force. It changes nothing and reports what is wrong if f cannot be served.
// [FaultSeatsGone] refuses a sale and shows the first of its groups as sold out once; [FaultDouble] doubles what a POST
// creates.
func (c *TEvoCore) SetFaults(f Faults) error { return c.faults.set(f) }

// Log returns every attempt to write, in the order in which they ended. There are no keys, so Key is empty; a Reference is
// a seller_reference_number, an Outcome as in [POSWrite], "proposed" for a cancellation that needs the other side,
// and "added" and "removed" for e-tickets that are not final.
func (c *TEvoCore) Log() []POSWrite {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]POSWrite{}, c.writes...)
}

// State returns a copy of everything the point of sale holds, in the fields of the contract's simulator ([POS.State]), so
// that an audit reads both alike. Amounts are in US dollars; an order is void in every state that will not deliver.
func (c *TEvoCore) State() POSState {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := POSState{Customers: []POSCustomer{}, Invoices: []POSInvoice{}, PurchaseOrders: []POSPurchaseOrder{}, Holds: []POSHold{}}
	for _, cl := range c.clients {
		s.Customers = append(s.Customers, cl.customer())
	}
	for _, o := range c.orders {
		if o.purchase {
			s.PurchaseOrders = append(s.PurchaseOrders, o.purchaseOrder(c.offices[o.sellerID]))
		} else {
			s.Invoices = append(s.Invoices, o.invoice())
		}
	}
	return s
}

// Agree is the other side cancelling, too, where a cancellation was proposed. The error says why there is nothing to agree to.
func (c *TEvoCore) Agree(orderID string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	o := c.order(orderID)
	switch {
	case o == nil:
		return errors.New("no such order")
	case o.state != tevoCancelProposed:
		return errors.New("no cancellation is proposed: the order is " + o.state)
	}
	c.cancelled(o)
	return nil
}

// A coreRequest is a call whose body has been read.
type coreRequest struct {
	*http.Request
	body  []byte
	fault Fault // what the call itself has to do wrong: double, seats_gone
}

// A coreAnswer is what a call will be answered; it is not written yet, because a fault may withhold it.
type coreAnswer struct {
	tevoAnswer
	location    string // of a redirect
	file        []byte // a PDF document instead of JSON
	outcome, id string // for the log
}

type coreCall func(*coreRequest) coreAnswer

func coreRefuse(status int, text string) coreAnswer {
	return coreAnswer{tevoAnswer: tevoError(status, text), outcome: "refused: " + strconv.Itoa(status)}
}

// coreInvalid refuses for faults of named fields.
func coreInvalid(faults coreFaults) coreAnswer {
	return coreAnswer{
		tevoAnswer: tevoAnswer{status: http.StatusUnprocessableEntity, body: object{"errors": faults}},
		outcome:    "refused: 422",
	}
}

// coreFaults is an errors map: what is wrong with each field.
type coreFaults map[string][]string

func (f coreFaults) check(ok bool, field, text string) {
	if !ok {
		f[field] = append(f[field], text)
	}
}

// signed wraps a call: read the body, faults, signature, rate limit, version, call, answer. Faults come before the
// signature as a broken network would.
func (c *TEvoCore) signed(call coreCall) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		// Reading to the end first lets the server notice a client that goes away during a hang.
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 64<<20))
		if err != nil {
			writeJSON(w, http.StatusBadRequest, object{"error": "the body could not be read"})
			return
		}
		fault, _ := c.faults.take(r.Method, r.URL.Path)
		write := POSWrite{Method: r.Method, Path: r.URL.Path, Reference: coreReference(body)}
		switch fault.Kind {
		case FaultRefuseBefore, FaultStatus, FaultHang:
			write.Outcome = "fault: " + fault.Kind
			if fault.Kind == FaultStatus {
				write.Status, write.Answered = fault.Status, true
			}
			c.record(write)
		}
		if fault.strike(w, r, func(status int) { writeJSON(w, status, object{"error": http.StatusText(status)}) }) {
			return
		}
		a := c.admitted(&coreRequest{Request: r, body: body, fault: fault}, call)
		write.Status, write.Outcome, write.ID, write.Answered = a.status, a.outcome, a.id, fault.Kind != FaultLostAnswer
		c.record(write)
		c.opts.Logger.Info("tevo core simulator: call", "method", r.Method, "path", r.URL.Path, "status", a.status, "answered", write.Answered)
		if fault.Kind == FaultLostAnswer {
			panic(http.ErrAbortHandler)
		}
		if a.location != "" {
			w.Header().Set("Location", a.location)
		}
		if a.file != nil {
			writeBytes(w, a.status, "application/pdf", a.file)
			return
		}
		writeJSON(w, a.status, a.body)
	}
}

// admitted checks who calls, how often, and for which version.
func (c *TEvoCore) admitted(r *coreRequest, call coreCall) coreAnswer {
	if err := checkTEvoSignature(r.Request, r.body, c.opts.Token, c.opts.Secret); err != nil {
		return coreRefuse(http.StatusUnauthorized, err.Error())
	}
	if c.tooMany() {
		return coreRefuse(http.StatusServiceUnavailable, "rate limit exceeded")
	}
	if !coreVersion(r.Header.Get("Accept")) {
		return coreRefuse(http.StatusNotAcceptable, "version not acceptable")
	}
	return call(r)
}

func (c *TEvoCore) tooMany() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if second := c.now().Truncate(time.Second); !second.Equal(c.second) {
		c.second, c.calls = second, 0
	}
	c.calls++
	return c.opts.PerSecond > 0 && c.calls > c.opts.PerSecond
}

// coreVersion reports whether an Accept header can be served. Assumption: 406 is about the media type with a version
// that the older clients send ("application/vnd.ticketevolution.api+json; version=8").
func coreVersion(accept string) bool {
	for one := range strings.SplitSeq(accept, ",") {
		kind, params, err := mime.ParseMediaType(one)
		if err == nil && kind == "application/vnd.ticketevolution.api+json" && params["version"] != "" && params["version"] != "9" {
			return false
		}
	}
	return true
}

// record keeps attempts to write. What only reads is none; a GET that removes is one.
func (c *TEvoCore) record(w POSWrite) {
	if w.Method == http.MethodGet && !strings.HasSuffix(w.Path, "/remove_etickets") {
		return
	}
	w.At = c.now().UTC()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.writes = append(c.writes, w)
}

// newID needs c.mu. Ids of all kinds come from one sequence, so that one is never taken for another.
func (c *TEvoCore) newID() string {
	c.lastID++
	return strconv.Itoa(c.lastID)
}

// visible reports whether searches see yet what was created then.
func (c *TEvoCore) visible(born time.Time) bool {
	return !born.After(c.now().Add(-c.faults.searchLag()))
}

// page cuts the page that q asks for out of a list of n. The names of the answer's members are those that the client
// libraries read; a per_page beyond the maximum counts as the maximum (assumptions).
func corePage(q url.Values, n int) (from, to int, members object, err error) {
	page, err := pageNumber(q, "page", 1)
	if err != nil {
		return 0, 0, nil, err
	}
	perPage, err := pageNumber(q, "per_page", perPageMax)
	if err != nil {
		return 0, 0, nil, err
	}
	perPage = min(perPage, perPageMax)
	from = min((page-1)*perPage, n)
	to = min(from+perPage, n)
	return from, to, object{"total_entries": n, "current_page": page, "per_page": perPage}, nil
}

// catalogued gives an event its id and a place in the catalogue. It needs c.mu, or that nobody else has c yet.
func (c *TEvoCore) catalogued(e TEvoCoreEvent) TEvoCoreEvent {
	for _, known := range c.events {
		if e.ID != "" && known.ID == e.ID || e.ID == "" && known.Name == e.Name && known.StartsAt.Equal(e.StartsAt) {
			return known
		}
	}
	if e.ID == "" {
		e.ID = c.newID()
	}
	c.events = append(c.events, e)
	return e
}

// body is the event as orders and groups carry it. A time that is not announced is null (assumption).
func (e TEvoCoreEvent) body() object {
	b := object{"id": e.ID, "name": e.Name, "url": "/events/" + e.ID, "occurs_at": nil}
	if !e.StartsAt.IsZero() {
		b["occurs_at"] = stamp(e.StartsAt)
	}
	return b
}

func (e TEvoCoreEvent) contract() POSEvent {
	v := POSEvent{Name: e.Name}
	if !e.StartsAt.IsZero() {
		at := e.StartsAt.UTC().Format(time.RFC3339)
		v.StartsAt = &at
	}
	return v
}

// searchEvents is Events/Search, full text (parameter q). Assumption: every word must occur in the name.
func (c *TEvoCore) searchEvents(r *coreRequest) coreAnswer {
	q := r.URL.Query()
	words := strings.Fields(strings.ToLower(q.Get("q")))
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.opts.Strict && q.Get("q") != "" && !slices.ContainsFunc(c.events, func(e TEvoCoreEvent) bool { return e.Name == q.Get("q") }) {
		c.catalogued(TEvoCoreEvent{Name: q.Get("q")})
	}
	var found []TEvoCoreEvent
	for _, e := range c.events {
		name := strings.ToLower(e.Name)
		if !slices.ContainsFunc(words, func(word string) bool { return !strings.Contains(name, word) }) {
			found = append(found, e)
		}
	}
	from, to, body, err := corePage(q, len(found))
	if err != nil {
		return coreRefuse(http.StatusUnprocessableEntity, err.Error())
	}
	list := []any{}
	for _, e := range found[from:to] {
		list = append(list, e.body())
	}
	body["events"] = list
	return coreAnswer{tevoAnswer: tevoAnswer{status: http.StatusOK, body: body}}
}

// group returns the ticket group with this id, making it where unknown ones are made on demand; nil is none. It needs c.mu.
func (c *TEvoCore) group(id string) *coreGroup {
	g := c.groups[id]
	if _, err := strconv.ParseUint(id, 10, 63); g == nil && err == nil && !c.opts.Strict {
		g = &coreGroup{id: id, section: "GA", row: "GA", event: c.catalogued(TEvoCoreEvent{Name: "Made on demand"}), left: c.opts.OnDemand}
		c.groups[id] = g
	}
	return g
}

// showGroup is Ticket Groups/Show.
func (c *TEvoCore) showGroup(r *coreRequest) coreAnswer {
	if c.opts.ListingsOnly {
		a := coreRefuse(http.StatusMovedPermanently, "use listings")
		a.location = "/v9/listings/" + url.PathEscape(r.PathValue("id"))
		return a
	}
	return c.showListing(r)
}

// showListing is Listings/Show. Assumption: a group that is sold out is still shown.
func (c *TEvoCore) showListing(r *coreRequest) coreAnswer {
	c.mu.Lock()
	defer c.mu.Unlock()
	g := c.group(r.PathValue("id"))
	if g == nil {
		return coreRefuse(http.StatusNotFound, "ticket group not found")
	}
	left := g.left
	if c.hidden[g.id] > 0 {
		c.hidden[g.id]--
		left = 0
	}
	return coreAnswer{tevoAnswer: tevoAnswer{status: http.StatusOK, body: object{
		"id": g.id, "url": "/ticket_groups/" + g.id, "type": "event", "section": g.section, "row": g.row,
		"available_quantity": left, "event": g.event.body(), "owned": true, "in_hand": true,
	}}}
}
