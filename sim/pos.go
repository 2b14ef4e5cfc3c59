package sim

import (
	"cmp"
	"crypto/subtle"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// POSOptions configure a [POS]. The zero value keeps the whole contract, but lets nobody in.
type POSOptions struct {
	Token  string           // bearer token of the one tenant; empty answers every call 401
	Logger *slog.Logger     // nil logs nothing
	Now    func() time.Time // nil is time.Now

	// IgnoreKeys simulates a POS that knows no idempotency keys: they are neither demanded nor remembered, so
	// that only searching before creating protects against a second record.
	IgnoreKeys bool
	// DuplicateReferences lets several live records share an external_reference, as many a real POS does.
	DuplicateReferences bool

	QuantityOnly   bool          // capability sells_seats is false: lines count, seats do not
	NoHolds        bool          // capability holds is false
	NoTicketUpload bool          // capability ticket_upload is false
	Settle         time.Duration // capability settle_seconds; what is promised, whatever search_lag then does

	// NoDeliveries, NoLineVoids and NoPurchaseFulfillment: the capabilities deliveries, void_lines and fulfill_purchases are absent,
	// as in a POS that was built for the contract's first edition.
	NoDeliveries, NoLineVoids, NoPurchaseFulfillment bool

	// Events are posted when deliveries are set, or when a person does something through /admin. The zero value posts none.
	Events POSEvents

	// State is what an earlier POS held; see [POS.State]. Its holds and idempotency keys are not restored.
	State *POSState

	Inventory []POSGroup
	// Strict answers 404 for inventory that is not in Inventory. Otherwise an unknown id is a group of OnDemand
	// tickets (0 is 1000) that is there as soon as somebody asks for it.
	Strict   bool
	OnDemand int
}

// A POSWrite is one attempt to change something, for audits. It holds no data of buyers.
type POSWrite struct {
	At        time.Time `json:"at"`
	Method    string    `json:"method"`
	Path      string    `json:"path"`
	Key       string    `json:"key"`       // Idempotency-Key without quotes, as sent
	Reference string    `json:"reference"` // external_reference of the body
	// Outcome is "created", "doubled", "replayed", "fulfilled", "voided", "lines voided", "unchanged" (was void already), "released",
	// "refused: <problem type>", or "fault: <kind>" for a call that a fault ended before the write.
	Outcome  string `json:"outcome"`
	ID       string `json:"id"`       // of the record that the write is about, where there is one
	Status   int    `json:"status"`   // HTTP status; 0 if there was none
	Answered bool   `json:"answered"` // false: no answer left the POS
}

// POSState is everything the POS holds, in the contract's fields, oldest first.
type POSState struct {
	Customers      []POSCustomer      `json:"customers"`
	Invoices       []POSInvoice       `json:"invoices"`
	PurchaseOrders []POSPurchaseOrder `json:"purchase_orders"`
	Holds          []POSHold          `json:"holds"`
}

// POS is a point of sale that speaks the published contract (pos/httpapi/openapi.yaml) for one tenant. It is safe
// for concurrent use.
type POS struct {
	opts   POSOptions
	now    func() time.Time
	mux    *http.ServeMux
	faults *faultBox

	mu        sync.Mutex
	keys      map[string]*keyRecord
	groups    map[string]*group
	customers []*POSCustomer
	invoices  []*POSInvoice
	purchases []*POSPurchaseOrder
	holds     []*hold
	vendors   map[string]string                // by name
	taken     map[string]map[string]allocation // invoice → line → its tickets, as long as they can go back
	supply    map[string][]POSDelivery         // by invoice
	born      map[string]time.Time             // record id → when it was written, for the search lag
	lastID    int
	writes    []POSWrite
}

// NewPOS makes a POS that holds nothing but opts.Inventory.
func NewPOS(opts POSOptions) *POS {
	p := &POS{
		opts: opts, now: opts.Now, mux: http.NewServeMux(),
		faults: &faultBox{kinds: []string{
			FaultLostAnswer, FaultRefuseBefore, FaultStatus, FaultHang, FaultDelay, FaultSeatsGone, FaultDouble, FaultPartial,
		}},
		keys: map[string]*keyRecord{}, groups: map[string]*group{}, vendors: map[string]string{},
		taken: map[string]map[string]allocation{}, supply: map[string][]POSDelivery{}, born: map[string]time.Time{},
	}
	if p.now == nil {
		p.now = time.Now
	}
	if p.opts.Logger == nil {
		p.opts.Logger = slog.New(slog.DiscardHandler)
	}
	if p.opts.OnDemand == 0 {
		p.opts.OnDemand = 1000
	}
	for _, g := range opts.Inventory {
		p.groups[g.ID] = g.group()
	}
	if opts.State != nil {
		p.restore(*opts.State)
	}
	for pattern, call := range map[string]posCall{
		"GET /v1/health":                           p.health,
		"GET /v1/capabilities":                     p.capabilities,
		"GET /v1/inventory/{id}":                   p.getInventory,
		"GET /v1/customers":                        p.findCustomers,
		"POST /v1/customers":                       p.createCustomer,
		"PUT /v1/customers/{id}":                   p.updateCustomer,
		"POST /v1/holds":                           p.createHold,
		"DELETE /v1/holds/{id}":                    p.releaseHold,
		"GET /v1/invoices":                         p.findInvoices,
		"POST /v1/invoices":                        p.createInvoice,
		"GET /v1/invoices/{id}":                    p.getInvoice,
		"GET /v1/invoices/{id}/deliveries":         p.getDeliveries,
		"PUT /v1/invoices/{id}/fulfillment":        p.setFulfillment,
		"PUT /v1/invoices/{id}/lines/void":         p.voidInvoiceLines,
		"PUT /v1/invoices/{id}/void":               p.voidInvoice,
		"GET /v1/purchase-orders":                  p.findPurchaseOrders,
		"POST /v1/purchase-orders":                 p.createPurchaseOrder,
		"PUT /v1/purchase-orders/{id}/fulfillment": p.fulfillPurchaseOrder,
		"PUT /v1/purchase-orders/{id}/void":        p.voidPurchaseOrder,
		"/":                                        func(*posRequest) posAnswer { return refuse(notFound("no such path or method")) },
	} {
		p.mux.HandleFunc(pattern, p.serve(call))
	}
	p.mux.HandleFunc("GET /admin/state", func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, http.StatusOK, p.State()) })
	p.mux.HandleFunc("GET /admin/log", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, http.StatusOK, object{"writes": p.Log()})
	})
	p.mux.HandleFunc("PUT /admin/faults", p.faults.serveFaults)
	p.mux.HandleFunc("PUT /admin/invoices/{id}/deliveries", p.adminDeliveries)
	p.mux.HandleFunc("PUT /admin/invoices/{id}/void", p.adminVoid)
	return p
}

// restore takes over the records of an earlier POS.
func (p *POS) restore(s POSState) {
	keep := func(id string) {
		if n, err := strconv.Atoi(id[strings.LastIndex(id, "_")+1:]); err == nil {
			p.lastID = max(p.lastID, n)
		}
	}
	for _, c := range s.Customers {
		keep(c.ID)
		p.customers = append(p.customers, &c)
	}
	for _, inv := range s.Invoices {
		keep(inv.ID)
		p.invoices = append(p.invoices, &inv)
	}
	for _, po := range s.PurchaseOrders {
		keep(po.ID)
		p.purchases = append(p.purchases, &po)
	}
}

// Handler is the POS itself.
func (p *POS) Handler() http.Handler { return p }

// ServeHTTP serves the contract under /v1 and the simulator's own view under /admin. Faults that close the
// connection panic with [http.ErrAbortHandler], which every net/http server understands.
func (p *POS) ServeHTTP(w http.ResponseWriter, r *http.Request) { p.mux.ServeHTTP(w, r) }

// SetFaults replaces the faults in force. It changes nothing and reports what is wrong if f cannot be served.
func (p *POS) SetFaults(f Faults) error { return p.faults.set(f) }

// State returns a copy of everything the POS holds.
func (p *POS) State() POSState {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.expireHolds()
	s := POSState{Customers: []POSCustomer{}, Invoices: []POSInvoice{}, PurchaseOrders: []POSPurchaseOrder{}, Holds: []POSHold{}}
	for _, c := range p.customers {
		s.Customers = append(s.Customers, *c)
	}
	for _, inv := range p.invoices {
		c := inv.copied()
		for _, d := range p.supply[inv.ID] {
			c.Deliveries = append(c.Deliveries, cmp.Or(d.Name, d.Form))
		}
		s.Invoices = append(s.Invoices, c)
	}
	for _, po := range p.purchases {
		s.PurchaseOrders = append(s.PurchaseOrders, po.copied())
	}
	for _, h := range p.holds {
		s.Holds = append(s.Holds, h.copied())
	}
	return s
}

// Log returns every attempt to write, in the order in which they ended.
func (p *POS) Log() []POSWrite {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]POSWrite{}, p.writes...)
}

// A posRequest is a call whose body has been read.
type posRequest struct {
	*http.Request
	body  []byte
	fault Fault // what the call itself has to do wrong: double, seats_gone
}

// A posAnswer is what a call will be answered; it is not written yet, because a fault may withhold it.
type posAnswer struct {
	status  int
	value   any // nil is no content
	problem *problem
	outcome string
	id      string
}

type posCall func(*posRequest) posAnswer

func refuse(p *problem) posAnswer {
	return posAnswer{status: p.Status, problem: p, outcome: "refused: " + strings.TrimPrefix(p.Type, problemPrefix)}
}

// serve wraps a call. Faults of the network come first, then the token, then the key, then the call.
func (p *POS) serve(call posCall) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		// Reading to the end first lets the server notice a client that goes away during a hang.
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 64<<20))
		if err != nil {
			answer(w, refuse(newProblem(problemValidation, http.StatusBadRequest, "The body could not be read", "")))
			return
		}
		fault, _ := p.faults.take(r.Method, r.URL.Path)
		write := POSWrite{Method: r.Method, Path: r.URL.Path, Reference: referenceOf(body)}
		write.Key, _ = parseKey(r.Header)
		switch fault.Kind {
		case FaultRefuseBefore, FaultStatus:
			write.Outcome = "fault: " + fault.Kind
			if fault.Kind == FaultStatus {
				write.Status, write.Answered = fault.Status, true
			}
			p.record(write)
			fault.strike(w, r, func(status int) { answer(w, refuse(statusProblem(status))) })
			return
		}
		a := p.authorized(w, &posRequest{Request: r, body: body, fault: fault}, &write, call)
		write.Status, write.Outcome, write.ID, write.Answered = a.status, a.outcome, a.id, fault.Kind != FaultLostAnswer && fault.Kind != FaultPartial
		p.record(write)
		if fault.Kind == FaultLostAnswer || fault.Kind == FaultPartial {
			panic(http.ErrAbortHandler)
		}
		answer(w, a)
	}
}

// authorized checks the token and, on a POST, the key. Hang and delay strike while the key is claimed, so that a
// second request with the key meets the first one running.
func (p *POS) authorized(w http.ResponseWriter, r *posRequest, write *POSWrite, call posCall) (a posAnswer) {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	known := p.opts.Token != "" && subtle.ConstantTimeCompare([]byte(token), []byte(p.opts.Token)) == 1
	if !known || !strings.EqualFold(scheme, "Bearer") {
		w.Header().Set("WWW-Authenticate", "Bearer")
		return refuse(newProblem(problemUnauthorized, http.StatusUnauthorized, "Unknown token", ""))
	}
	if r.Method == http.MethodPost && !p.opts.IgnoreKeys {
		key, ok := parseKey(r.Header)
		if !ok {
			return refuse(newProblem(problemKeyMissing, http.StatusBadRequest, "Idempotency-Key is missing or malformed", ""))
		}
		replay, refused := p.claim(key, fingerprint(r.Method, r.URL.Path, r.body))
		if refused != nil {
			return refuse(refused)
		}
		if replay != nil {
			replay.outcome = "replayed"
			return *replay
		}
		defer func() { p.settle(key, a) }() // also when a hang ends the call by a panic
	}
	if r.fault.Kind == FaultHang {
		defer func() { write.Outcome = "fault: hang"; p.record(*write) }()
	}
	r.fault.strike(w, r.Request, nil)
	return call(r)
}

// record keeps attempts to write; reading is not logged.
func (p *POS) record(w POSWrite) {
	if w.Method == http.MethodGet || w.Method == http.MethodHead {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	w.At = p.now().UTC()
	p.writes = append(p.writes, w)
	p.opts.Logger.Info("pos simulator: write", "method", w.Method, "path", w.Path, "key", w.Key, "reference", w.Reference,
		"outcome", w.Outcome, "id", w.ID, "status", w.Status, "answered", w.Answered)
}

func answer(w http.ResponseWriter, a posAnswer) {
	switch {
	case a.problem != nil:
		writeJSONAs(w, a.status, "application/problem+json", a.problem)
	case a.value == nil:
		w.WriteHeader(a.status)
	default:
		writeJSON(w, a.status, a.value)
	}
}

func referenceOf(body []byte) string {
	var in struct {
		Reference string `json:"external_reference"`
	}
	_ = json.Unmarshal(body, &in) // for the log only; the call reports what is wrong
	return in.Reference
}

// newID needs p.mu. Ids of all kinds come from one sequence, so that one is never taken for another.
func (p *POS) newID(prefix string) string {
	p.lastID++
	id := prefix + strconv.Itoa(p.lastID)
	p.born[id] = p.now()
	return id
}

// searchable says whether a search finds the record yet. It needs p.mu.
func (p *POS) searchable(id string) bool {
	return !p.born[id].After(p.now().Add(-p.faults.searchLag()))
}

func (p *POS) stamp() string { return p.now().UTC().Format(time.RFC3339) }

func (p *POS) health(*posRequest) posAnswer {
	return posAnswer{status: http.StatusOK, value: object{"status": "ok"}}
}

func (p *POS) capabilities(*posRequest) posAnswer {
	can := object{
		"sells_seats": !p.opts.QuantityOnly, "holds": !p.opts.NoHolds, "ticket_upload": !p.opts.NoTicketUpload,
		"update_customers": true,
		"settle_seconds":   p.opts.Settle.Seconds(),
	}
	for name, not := range map[string]bool{
		"deliveries": p.opts.NoDeliveries, "void_lines": p.opts.NoLineVoids, "fulfill_purchases": p.opts.NoPurchaseFulfillment,
	} {
		if !not { // absent is false
			can[name] = true
		}
	}
	return posAnswer{status: http.StatusOK, value: can}
}

// reference reads the parameter of a search by reference.
func reference(r *posRequest) (string, *problem) {
	v, ref := validator{}, r.URL.Query().Get("external_reference")
	v.text(ref, "external_reference", 1, 255)
	return ref, v.problem()
}

// find returns the record with this id.
func find[T any](records []*T, id string, idOf func(*T) string) *T {
	if i := slices.IndexFunc(records, func(t *T) bool { return idOf(t) == id }); i >= 0 {
		return records[i]
	}
	return nil
}
