package sim

import (
	"cmp"
	"encoding/json"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"sync"
	"time"
)

// TEvoOptions configure a [TEvo].
type TEvoOptions struct {
	// Token and Secret are the API credential. Without both every signed call is answered 401.
	Token, Secret string
	// AirbillJSON makes get_airbill answer {"airbill": "<base64>"} instead of the raw PDF; which of the two the real
	// API does is not public.
	AirbillJSON bool
	// ETicketsJSON makes both print_etickets answer {"eticket": "<base64>"} instead of the raw PDF; the same.
	ETicketsJSON bool
	// HideUploads keeps files that are not final out of the items' fields; whether those tell of them is not public.
	HideUploads bool
	// RemoveRefusesNone makes remove_etickets answer 422 where there are none; what the real one does is not public.
	RemoveRefusesNone bool
	// TransferTBDAlone makes only shipments of type TBD become mobile transfers, as older texts say; newer ones have any.
	TransferTBDAlone bool
	// Lenient takes any id for that of a pending sale that somebody else made, so that orders whose webhooks are posted
	// by hand can be accepted as well. Such an order is not in Orders/Index, its lines are made up, so that they cannot be
	// delivered, and no webhook reports what becomes of it. PUT /admin/orders/{id} makes an order known as it is.
	Lenient bool
	Logger  *slog.Logger     // nil logs nothing
	Now     func() time.Time // nil is time.Now
}

// A TEvoChange tells that an order changed through the API, and by which webhook Ticket Evolution reports it.
type TEvoChange struct {
	Order     TEvoOrder
	Recipient string
	EventType string
	Item      int // which item the webhook is about, where it is about one
}

// A TEvoCall is one call to change something that reached the simulator, for audits.
type TEvoCall struct {
	At         time.Time `json:"at"`
	OrderID    string    `json:"order_id"` // empty: of a shipment that no order has
	Op         string    `json:"op"`       // the last segment of its path, such as "accept"; "update" where that is a shipment's id
	Status     int       `json:"status"`
	ReviewerID int64     `json:"reviewer_id,omitempty"`
	Reason     string    `json:"reason,omitempty"`
	ItemID     string    `json:"item_id,omitempty"` // as the path has it
	ShipmentID string    `json:"shipment_id,omitempty"`
	Files      int       `json:"files,omitempty"`      // that were uploaded
	KeepPages  []int     `json:"keep_pages,omitempty"` // as asked for
	Type       string    `json:"type,omitempty"`       // mobile_transfer_type
	Link       string    `json:"link,omitempty"`       // tm_mobile_link
	Source     string    `json:"source,omitempty"`     // transfer_source
	Answered   bool      `json:"answered"`             // false: the call was carried out and its answer withheld
}

// TEvo is Ticket Evolution's API, version 9, as far as a broker needs it to sell and to buy: Orders/Index, Show, Accept, Reject
// and Deliver Etickets, what is done with the e-tickets of an order's item, and Shipments/Show, Get Airbill, Update, Complete
// and Deliver. It is safe for concurrent use.
type TEvo struct {
	opts   TEvoOptions
	now    func() time.Time
	mux    *http.ServeMux
	faults *faultBox

	mu     sync.Mutex
	orders map[string]*tevoRecord
	calls  []TEvoCall
	notify func(TEvoChange)
}

type tevoRecord struct {
	order     TEvoOrder
	changed   time.Time // by our clock, for the search lag
	shipments int       // that were made of others
	foreign   bool      // see TEvoOptions.Lenient
}

// NewTEvo makes an API without orders.
func NewTEvo(opts TEvoOptions) *TEvo {
	t := &TEvo{
		opts: opts, now: opts.Now, mux: http.NewServeMux(), orders: map[string]*tevoRecord{},
		faults: &faultBox{kinds: []string{FaultLostAnswer, FaultRefuseBefore, FaultStatus, FaultHang, FaultDelay}},
	}
	if t.now == nil {
		t.now = time.Now
	}
	if t.opts.Logger == nil {
		t.opts.Logger = slog.New(slog.DiscardHandler)
	}
	t.mux.HandleFunc("GET /v9/orders", t.signed(t.index))
	t.mux.HandleFunc("GET /v9/orders/{id}", t.signed(t.show))
	t.mux.HandleFunc("POST /v9/orders/{id}/accept", t.signed(t.accept))
	t.mux.HandleFunc("POST /v9/orders/{id}/reject", t.signed(t.reject))
	t.mux.HandleFunc("GET /v9/shipments/{id}/get_airbill", t.signed(t.airbill))
	t.handleDelivery()
	t.mux.HandleFunc("GET /admin/log", t.serveLog)
	t.mux.HandleFunc("GET /admin/orders", t.serveOrders)
	t.mux.HandleFunc("PUT /admin/orders/{id}", t.servePut)
	t.mux.HandleFunc("GET /admin/orders/{id}/etickets", t.serveETickets)
	t.mux.HandleFunc("PUT /admin/faults", t.faults.serveFaults)
	return t
}

// ServeHTTP serves the API under /v9 and the simulator's own view under /admin. Faults that close the connection
// panic with [http.ErrAbortHandler], which every net/http server understands.
func (t *TEvo) ServeHTTP(w http.ResponseWriter, r *http.Request) { t.mux.ServeHTTP(w, r) }

// SetFaults replaces the faults in force. It changes nothing and reports what is wrong if f cannot be served.
func (t *TEvo) SetFaults(f Faults) error { return t.faults.set(f) }

// OnChange has f called for every order of which a webhook tells what was done through the API: that it was accepted or rejected,
// or that e-tickets are final; also when the answer is lost. f runs on the request's goroutine and must not block. It replaces the f of an earlier call.
func (t *TEvo) OnChange(f func(TEvoChange)) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.notify = f
}

// Put adds the order, or replaces the one with its id.
func (t *TEvo) Put(o TEvoOrder) {
	t.mu.Lock()
	defer t.mu.Unlock()
	o = o.filled()
	t.orders[o.ID] = &tevoRecord{order: o, changed: t.now()}
}

// meet makes up the order with this id where strangers are taken.
func (t *TEvo) meet(id string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if _, ok := t.orders[id]; !ok && t.opts.Lenient {
		o := OfficeSale(1)
		o.ID = id
		t.orders[id] = &tevoRecord{order: o.filled(), changed: t.now(), foreign: true}
	}
}

// putNewer adds the order unless it is known already as it is or in a newer state.
func (t *TEvo) putNewer(o TEvoOrder) {
	t.mu.Lock()
	defer t.mu.Unlock()
	o = o.filled()
	if rec, ok := t.orders[o.ID]; ok && !o.UpdatedAt.After(rec.order.UpdatedAt) {
		return
	}
	t.orders[o.ID] = &tevoRecord{order: o, changed: t.now()}
}

// Order returns the order with this id as it is now.
func (t *TEvo) Order(id string) (TEvoOrder, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	rec, ok := t.orders[id]
	if !ok {
		return TEvoOrder{}, false
	}
	return rec.order.filled(), true
}

// Update replaces the order by change(order) and returns the result; ok is false if there is no such order.
// change must not call t.
func (t *TEvo) Update(id string, change func(TEvoOrder) TEvoOrder) (o TEvoOrder, ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	rec, ok := t.orders[id]
	if !ok {
		return TEvoOrder{}, false
	}
	rec.order, rec.changed = change(rec.order.filled()).filled(), t.now()
	return rec.order.filled(), true
}

// Orders returns every order, sorted by id.
func (t *TEvo) Orders() []TEvoOrder {
	t.mu.Lock()
	defer t.mu.Unlock()
	list := make([]TEvoOrder, 0, len(t.orders))
	for _, rec := range t.orders {
		if !rec.foreign {
			list = append(list, rec.order.filled())
		}
	}
	slices.SortFunc(list, compareOrderIDs)
	return list
}

// Log returns every call to change something that reached the API, in the order of their arrival.
func (t *TEvo) Log() []TEvoCall {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Clone(t.calls)
}

// compareOrderIDs sorts as numbers are sorted, for ids without leading zeros.
func compareOrderIDs(a, b TEvoOrder) int {
	return cmp.Or(cmp.Compare(len(a.ID), len(b.ID)), cmp.Compare(a.ID, b.ID))
}

// An answer is what a call will be answered; it is not written yet, because a fault may withhold it.
type tevoAnswer struct {
	status int
	body   any    // JSON, unless raw is set
	raw    []byte // PDF
}

func tevoError(status int, text string) tevoAnswer {
	return tevoAnswer{status: status, body: object{"error": text}}
}

// signed wraps a call: read the body, faults, signature, call, answer. Faults come before the signature as a
// broken network would.
func (t *TEvo) signed(call func(r *http.Request, body []byte, answered bool) tevoAnswer) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		// Reading to the end first lets the server notice a client that goes away during a hang.
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxUpload))
		if err != nil {
			t.answer(w, tevoError(http.StatusBadRequest, "the body could not be read"))
			return
		}
		fault, _ := t.faults.take(r.Method, r.URL.Path)
		if fault.strike(w, r, func(status int) { t.answer(w, tevoError(status, http.StatusText(status))) }) {
			return
		}
		if err := checkTEvoSignature(r, body, t.opts.Token, t.opts.Secret); err != nil {
			t.opts.Logger.Warn("tevo simulator: refused", "path", r.URL.Path, "reason", err.Error())
			t.answer(w, tevoError(http.StatusUnauthorized, err.Error()))
			return
		}
		lost := fault.Kind == FaultLostAnswer
		a := call(r, body, !lost)
		t.opts.Logger.Info("tevo simulator: call", "method", r.Method, "path", r.URL.Path, "status", a.status, "answered", !lost)
		if lost {
			panic(http.ErrAbortHandler)
		}
		t.answer(w, a)
	}
}

func (t *TEvo) answer(w http.ResponseWriter, a tevoAnswer) {
	if a.raw != nil {
		writeBytes(w, a.status, "application/pdf", a.raw)
		return
	}
	writeJSON(w, a.status, a.body)
}

func (t *TEvo) serveLog(w http.ResponseWriter, r *http.Request) {
	type tally struct {
		Accepts   []time.Time `json:"accepts"` // those carried out
		Rejects   []time.Time `json:"rejects"`
		Adds      []time.Time `json:"adds"`      // of files, deliver_etickets among them
		Finals    []time.Time `json:"finals"`    // items that got their final files, the same
		Removes   []time.Time `json:"removes"`   // of files
		Changes   []time.Time `json:"changes"`   // of the way that items travel
		Transfers []time.Time `json:"transfers"` // shipments completed
		HandOvers []time.Time `json:"handovers"` // shipments delivered
		Refused   int         `json:"refused"`
	}
	calls, orders := t.Log(), map[string]*tally{}
	for _, c := range calls {
		o := orders[c.OrderID]
		if o == nil {
			none := []time.Time{}
			o = &tally{none, none, none, none, none, none, none, none, 0}
			orders[c.OrderID] = o
		}
		if c.Status != http.StatusOK {
			o.Refused++
			continue
		}
		for _, list := range map[string][]*[]time.Time{
			"accept": {&o.Accepts}, "reject": {&o.Rejects}, "add_etickets": {&o.Adds}, "finalize_etickets": {&o.Finals},
			"deliver_etickets": {&o.Adds, &o.Finals}, "remove_etickets": {&o.Removes}, "convert_to_etickets": {&o.Changes},
			"update": {&o.Changes}, "complete": {&o.Transfers}, "deliver": {&o.HandOvers},
		}[c.Op] {
			*list = append(*list, c.At)
		}
	}
	if calls == nil {
		calls = []TEvoCall{}
	}
	writeJSON(w, http.StatusOK, object{"calls": calls, "orders": orders})
}

func (t *TEvo) serveOrders(w http.ResponseWriter, r *http.Request) {
	list := []any{}
	for _, o := range t.Orders() {
		list = append(list, t.body(o))
	}
	writeJSON(w, http.StatusOK, object{"orders": list})
}

// body is the order as this API shows it.
func (t *TEvo) body(o TEvoOrder) object {
	o.hideUploads = t.opts.HideUploads
	return o.Body()
}

// snapshot returns the orders that Orders/Index may show: not those in state open, which a seller cannot see,
// and none that changed within the search lag.
func (t *TEvo) snapshot() []TEvoOrder {
	until := t.now().Add(-t.faults.searchLag())
	t.mu.Lock()
	defer t.mu.Unlock()
	var list []TEvoOrder
	for rec := range maps.Values(t.orders) {
		if rec.order.SellerState != tevoOpen && !rec.changed.After(until) {
			list = append(list, rec.order.filled())
		}
	}
	slices.SortFunc(list, compareOrderIDs)
	return list
}

// decodeTEvo reads a JSON object; anything else is an empty one, whose missing parameters are then reported.
func decodeTEvo(body []byte) map[string]json.RawMessage {
	var m map[string]json.RawMessage
	_ = json.Unmarshal(body, &m)
	return m
}
