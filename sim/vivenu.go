package sim

import (
	"cmp"
	"crypto/subtle"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// VivenuOptions configure a [Vivenu].
type VivenuOptions struct {
	APIKey string // bearer token; empty answers every call that needs one 401
	// Mode is "dev" (default) or "prod": what the webhooks say of where they come from.
	Mode string
	// Lenient takes any id for that of a purchase, a purchase intent or an event that somebody else made, so that objects whose
	// webhooks are posted by hand can be read as well. They are in no list, and no webhook reports what becomes of them.
	Lenient bool
	Logger  *slog.Logger     // nil logs nothing
	Now     func() time.Time // nil is time.Now
}

// A VivenuChange tells that something changed through the API, and by which webhook vivenu reports it. One of the two is set.
type VivenuChange struct {
	Type        string
	Transaction *VivenuTransaction
	Intent      *VivenuIntent
}

// Webhook is the bytes of the webhook that reports the change.
func (c VivenuChange) Webhook() []byte {
	if c.Intent != nil {
		return c.Intent.Webhook(c.Type)
	}
	return c.Transaction.Webhook(c.Type)
}

// A VivenuCall is one call that changes something and that reached the simulator, for audits.
type VivenuCall struct {
	At          time.Time `json:"at"`
	ID          string    `json:"id"` // of the transaction or the purchase intent
	Op          string    `json:"op"` // "cancel", "approved", "rejected", "cancel intent"
	Status      int       `json:"status"`
	RefundFunds bool      `json:"refund_funds,omitempty"`
	Reason      string    `json:"reason,omitempty"`
	Answered    bool      `json:"answered"` // false: the call was carried out and its answer withheld
}

// Vivenu is vivenu's REST API as far as an organiser's integration needs it: transactions, tickets, checkouts, purchase
// intents, events and webhooks. It is safe for concurrent use.
type Vivenu struct {
	opts   VivenuOptions
	now    func() time.Time
	mux    *http.ServeMux
	faults *faultBox

	mu           sync.Mutex
	transactions map[string]*vivenuRecord[VivenuTransaction]
	intents      map[string]*vivenuRecord[VivenuIntent]
	events       map[string]VivenuEvent
	hooks        []vivenuHook
	lastHook     int
	calls        []VivenuCall
	notify       func(VivenuChange)
}

type vivenuRecord[T any] struct {
	value   T
	changed time.Time // by our clock, for the search lag
	foreign bool      // see VivenuOptions.Lenient
}

// NewVivenu makes an API that knows nothing.
func NewVivenu(opts VivenuOptions) *Vivenu {
	v := &Vivenu{
		opts: opts, now: opts.Now, mux: http.NewServeMux(),
		transactions: map[string]*vivenuRecord[VivenuTransaction]{}, intents: map[string]*vivenuRecord[VivenuIntent]{},
		events: map[string]VivenuEvent{},
		faults: &faultBox{kinds: []string{FaultLostAnswer, FaultRefuseBefore, FaultStatus, FaultHang, FaultDelay}},
	}
	if v.now == nil {
		v.now = time.Now
	}
	v.opts.Mode = cmp.Or(v.opts.Mode, "dev")
	if v.opts.Logger == nil {
		v.opts.Logger = slog.New(slog.DiscardHandler)
	}
	for pattern, call := range map[string]vivenuCall{
		"GET /api/transactions":                    v.listTransactions,
		"GET /api/transactions/{id}":               v.getTransaction,
		"GET /api/transactions/{id}/tickets":       v.getTickets,
		"GET /api/transactions/{id}/cancellations": v.getCancellations,
		"POST /api/transactions/{id}/cancel":       v.cancelTransaction,
		"GET /api/tickets":                         v.listTickets,
		"GET /api/purchaseintents/{id}":            v.getIntent,
		"POST /api/purchaseintents/{id}/approval":  v.approveIntent,
		"POST /api/purchaseintents/{id}/cancel":    v.cancelIntent,
		"GET /api/events/{id}":                     v.getEvent,
		"GET /api/webhooks":                        v.listHooks,
		"POST /api/webhooks":                       v.createHook,
		"PUT /api/webhook/{id}":                    v.updateHook,
		"DELETE /api/webhook/{id}":                 v.deleteHook,
		"/api/":                                    func(vivenuRequest) vivenuAnswer { return vivenuError(http.StatusNotFound, "no such path or method") },
	} {
		v.mux.HandleFunc(pattern, v.serve(call, true))
	}
	// The secret lets anybody read a checkout; no key is asked for (vivenu's OpenAPI document).
	v.mux.HandleFunc("GET /api/transaction/{id}/checkout", v.serve(v.getCheckout, false))
	v.mux.HandleFunc("GET /admin/log", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, http.StatusOK, object{"calls": append([]VivenuCall{}, v.Log()...)})
	})
	v.mux.HandleFunc("GET /admin/transactions", v.serveTransactions)
	v.mux.HandleFunc("PUT /admin/faults", v.faults.serveFaults)
	return v
}

// ServeHTTP serves the API under /api and the simulator's own view under /admin. Faults that close the connection panic with
// [http.ErrAbortHandler], which every net/http server understands.
func (v *Vivenu) ServeHTTP(w http.ResponseWriter, r *http.Request) { v.mux.ServeHTTP(w, r) }

// SetFaults replaces the faults in force. It changes nothing and reports what is wrong if f cannot be served.
func (v *Vivenu) SetFaults(f Faults) error { return v.faults.set(f) }

// OnChange has f called for everything that is changed through the API, also when the answer is lost. f runs on the request's
// goroutine and must not block. It replaces the f of an earlier call.
func (v *Vivenu) OnChange(f func(VivenuChange)) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.notify = f
}

// Put adds the transaction, or replaces the one with its id, and makes its event known. It gets the API's mode.
func (v *Vivenu) Put(t VivenuTransaction) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.keep(t)
}

func (v *Vivenu) keep(t VivenuTransaction) VivenuTransaction {
	t.Mode = v.opts.Mode
	t = t.filled()
	v.transactions[t.ID] = &vivenuRecord[VivenuTransaction]{value: t, changed: v.now()}
	v.keepEvent(t.Event)
	return t
}

// keepEvent keeps the news of an event: an old transaction does not know where it was moved to.
func (v *Vivenu) keepEvent(e VivenuEvent) {
	if old, ok := v.events[e.ID]; !ok || e.UpdatedAt.After(old.UpdatedAt) {
		v.events[e.ID] = e
	}
}

// PutEvent makes the event known, unless it is known already as it is or in a newer state.
func (v *Vivenu) PutEvent(e VivenuEvent) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.keepEvent(e.filled(v.now()))
}

// PutIntent adds the intent, or replaces the one with its id.
func (v *Vivenu) PutIntent(p VivenuIntent) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.keepIntent(p)
}

func (v *Vivenu) keepIntent(p VivenuIntent) VivenuIntent {
	p.Mode = v.opts.Mode
	p = p.filled()
	v.intents[p.ID] = &vivenuRecord[VivenuIntent]{value: p, changed: v.now()}
	v.keepEvent(p.Event)
	return p
}

// meet makes up what the path asks for where strangers are taken.
func (v *Vivenu) meet(path, id string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if !v.opts.Lenient {
		return
	}
	switch {
	case strings.HasPrefix(path, "/api/transaction"):
		if _, ok := v.transactions[id]; !ok {
			t := VivenuSale(1)
			t.ID, t.Mode = id, v.opts.Mode
			v.transactions[id] = &vivenuRecord[VivenuTransaction]{value: t.Complete(t.CreatedAt), changed: v.now(), foreign: true}
			v.keepEvent(t.Event)
		}
	case strings.HasPrefix(path, "/api/purchaseintents/"):
		if _, ok := v.intents[id]; !ok {
			p := VivenuRequest(1)
			p.ID, p.Mode = id, v.opts.Mode
			v.intents[id] = &vivenuRecord[VivenuIntent]{value: p.filled(), changed: v.now(), foreign: true}
		}
	case strings.HasPrefix(path, "/api/events/"):
		if _, ok := v.events[id]; !ok {
			v.events[id] = VivenuEvent{ID: id}.filled(v.now())
		}
	}
}

// Transaction returns the transaction with this id as it is now.
func (v *Vivenu) Transaction(id string) (VivenuTransaction, bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	rec, ok := v.transactions[id]
	if !ok {
		return VivenuTransaction{}, false
	}
	return rec.value.filled(), true
}

// Intent returns the purchase intent with this id as it is now.
func (v *Vivenu) Intent(id string) (VivenuIntent, bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	rec, ok := v.intents[id]
	if !ok {
		return VivenuIntent{}, false
	}
	return rec.value.filled(), true
}

// Event returns the event with this id as it is now.
func (v *Vivenu) Event(id string) (VivenuEvent, bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	e, ok := v.events[id]
	return e, ok
}

// Update replaces the transaction by change(transaction) and returns the result; ok is false if there is none. change must
// not call v.
func (v *Vivenu) Update(id string, change func(VivenuTransaction) VivenuTransaction) (t VivenuTransaction, ok bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	rec, ok := v.transactions[id]
	if !ok {
		return VivenuTransaction{}, false
	}
	rec.value, rec.changed = change(rec.value.filled()).filled(), v.now()
	v.keepEvent(rec.value.Event)
	return rec.value.filled(), true
}

// UpdateIntent is Update for a purchase intent.
func (v *Vivenu) UpdateIntent(id string, change func(VivenuIntent) VivenuIntent) (p VivenuIntent, ok bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	rec, ok := v.intents[id]
	if !ok {
		return VivenuIntent{}, false
	}
	rec.value, rec.changed = change(rec.value.filled()).filled(), v.now()
	return rec.value.filled(), true
}

// Transactions returns every transaction, the oldest first.
func (v *Vivenu) Transactions() []VivenuTransaction { return v.snapshot(v.now()) }

// snapshot returns the transactions that last changed until a time, the oldest first. Assumption: lists are in the order of
// creation; vivenu documents none.
func (v *Vivenu) snapshot(until time.Time) []VivenuTransaction {
	v.mu.Lock()
	defer v.mu.Unlock()
	list := []VivenuTransaction{}
	for rec := range maps.Values(v.transactions) {
		if !rec.foreign && !rec.changed.After(until) {
			list = append(list, rec.value.filled())
		}
	}
	slices.SortFunc(list, func(a, b VivenuTransaction) int {
		return cmp.Or(a.CreatedAt.Compare(b.CreatedAt), cmp.Compare(a.ID, b.ID))
	})
	return list
}

// Log returns every call that wanted to change a transaction or an intent, in the order of their arrival.
func (v *Vivenu) Log() []VivenuCall {
	v.mu.Lock()
	defer v.mu.Unlock()
	return slices.Clone(v.calls)
}

// A vivenuRequest is a call whose body has been read; answered is false if a fault will withhold the answer.
type vivenuRequest struct {
	*http.Request
	body     []byte
	answered bool
}

// A vivenuAnswer is what a call will be answered; it is not written yet, because a fault may withhold it.
type vivenuAnswer struct {
	status int
	body   any
}

type vivenuCall func(vivenuRequest) vivenuAnswer

func vivenuError(status int, message string) vivenuAnswer {
	return vivenuAnswer{status, object{"statusCode": status, "error": http.StatusText(status), "message": message}}
}

// serve wraps a call: read the body, faults, key, call, answer. Faults come before the key as a broken network would.
func (v *Vivenu) serve(call vivenuCall, keyed bool) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		// Reading to the end first lets the server notice a client that goes away during a hang.
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<20))
		answer := func(a vivenuAnswer) { writeJSON(w, a.status, a.body) }
		if err != nil {
			answer(vivenuError(http.StatusBadRequest, "the body could not be read"))
			return
		}
		fault, _ := v.faults.take(r.Method, r.URL.Path)
		if fault.strike(w, r, func(status int) { answer(vivenuError(status, "a fault that was asked for")) }) {
			return
		}
		if keyed && !bearer(r, v.opts.APIKey) {
			v.opts.Logger.Warn("vivenu simulator: refused", "path", r.URL.Path)
			answer(vivenuError(http.StatusUnauthorized, "the API key is missing or unknown"))
			return
		}
		v.meet(r.URL.Path, r.PathValue("id"))
		lost := fault.Kind == FaultLostAnswer
		a := call(vivenuRequest{r, body, !lost})
		v.opts.Logger.Info("vivenu simulator: call", "method", r.Method, "path", r.URL.Path, "status", a.status, "answered", !lost)
		if lost {
			panic(http.ErrAbortHandler)
		}
		answer(a)
	}
}

// bearer says whether the call has this token; an empty one lets nobody in.
func bearer(r *http.Request, token string) bool {
	scheme, got, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	return token != "" && strings.EqualFold(scheme, "Bearer") && subtle.ConstantTimeCompare([]byte(got), []byte(token)) == 1
}

func (v *Vivenu) serveTransactions(w http.ResponseWriter, r *http.Request) {
	list := []any{}
	for _, t := range v.Transactions() {
		list = append(list, t.Body())
	}
	writeJSON(w, http.StatusOK, object{"transactions": list})
}
