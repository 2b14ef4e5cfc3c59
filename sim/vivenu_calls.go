package sim

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// vivenuPage is top and skip of a list; by vivenu's OpenAPI document top is 25 unless told and 1000 at most.
func vivenuPage(q url.Values) (top, skip int, err error) {
	top, skip = 25, 0
	for _, p := range []struct {
		name     string
		into     *int
		from, to int
	}{{"top", &top, 1, 1000}, {"skip", &skip, 0, 1 << 30}} {
		if !q.Has(p.name) {
			continue
		}
		n, err := strconv.Atoi(q.Get(p.name))
		if err != nil || n < p.from || n > p.to {
			return 0, 0, fmt.Errorf("%q must be a number from %d to %d", p.name, p.from, p.to)
		}
		*p.into = n
	}
	return top, skip, nil
}

// vivenuSince reads the bounds of updatedAt.
func vivenuSince(q url.Values) (holds func(time.Time) bool, err error) {
	var checks []func(time.Time) bool
	for name, check := range map[string]func(t, bound time.Time) bool{
		"$gt": time.Time.After, "$lt": time.Time.Before,
		"$gte": func(t, bound time.Time) bool { return !t.Before(bound) },
		"$lte": func(t, bound time.Time) bool { return !t.After(bound) },
		"$eq":  time.Time.Equal,
		"$ne":  func(t, bound time.Time) bool { return !t.Equal(bound) },
	} {
		key := "updatedAt[" + name + "]"
		if !q.Has(key) {
			continue
		}
		bound, err := time.Parse(time.RFC3339, q.Get(key))
		if err != nil {
			return nil, fmt.Errorf("%q must be a valid ISO 8601 date", key)
		}
		checks = append(checks, func(t time.Time) bool { return check(t, bound) })
	}
	return func(t time.Time) bool {
		return !slices.ContainsFunc(checks, func(check func(time.Time) bool) bool { return !check(t) })
	}, nil
}

func badRequest(err error) vivenuAnswer { return vivenuError(http.StatusBadRequest, err.Error()) }

func vivenuOK(body any) vivenuAnswer { return vivenuAnswer{http.StatusOK, body} }

// page cuts a list and answers it under its name.
func page(q url.Values, name string, list []any) vivenuAnswer {
	top, skip, err := vivenuPage(q)
	if err != nil {
		return badRequest(err)
	}
	skip = min(skip, len(list))
	return vivenuOK(object{name: append([]any{}, list[skip:min(skip+top, len(list))]...), "total": len(list)})
}

// is says whether the parameter, if it is given, names this value, alone or in a list with commas.
func is(q url.Values, name, value string) bool {
	return !q.Has(name) || slices.Contains(strings.Split(q.Get(name), ","), value)
}

func (v *Vivenu) listTransactions(r vivenuRequest) vivenuAnswer {
	q := r.URL.Query()
	since, err := vivenuSince(q)
	if err != nil {
		return badRequest(err)
	}
	list := []any{}
	for _, t := range v.snapshot(v.now().Add(-v.faults.searchLag())) {
		if since(t.UpdatedAt) && is(q, "status", t.Status) && is(q, "paymentStatus", t.PaymentStatus) && is(q, "event", t.Event.ID) {
			list = append(list, t.Body())
		}
	}
	return page(q, "docs", list)
}

// listTickets lists tickets under rows, as vivenu's OpenAPI document has it.
func (v *Vivenu) listTickets(r vivenuRequest) vivenuAnswer {
	q := r.URL.Query()
	since, err := vivenuSince(q)
	if err != nil {
		return badRequest(err)
	}
	list := []any{}
	for _, t := range v.snapshot(v.now().Add(-v.faults.searchLag())) {
		for i, it := range t.Tickets {
			if since(it.UpdatedAt) && is(q, "event", t.Event.ID) && is(q, "status", it.Status) {
				list = append(list, t.TicketBody(i))
			}
		}
	}
	return page(q, "rows", list)
}

// ofTransaction answers with a part of the transaction that the path names.
func (v *Vivenu) ofTransaction(r vivenuRequest, part func(VivenuTransaction) any) vivenuAnswer {
	t, ok := v.Transaction(r.PathValue("id"))
	if !ok {
		return vivenuError(http.StatusNotFound, "there is no such transaction")
	}
	return vivenuOK(part(t))
}

func (v *Vivenu) getTransaction(r vivenuRequest) vivenuAnswer {
	return v.ofTransaction(r, func(t VivenuTransaction) any { return t.Body() })
}

func (v *Vivenu) getTickets(r vivenuRequest) vivenuAnswer {
	return v.ofTransaction(r, func(t VivenuTransaction) any { return t.TicketBodies() })
}

func (v *Vivenu) getCancellations(r vivenuRequest) vivenuAnswer {
	return v.ofTransaction(r, func(t VivenuTransaction) any { return t.CancellationsBody() })
}

// getCheckout wants the secret of the transaction. A wrong one tells no more than that nothing was found.
func (v *Vivenu) getCheckout(r vivenuRequest) vivenuAnswer {
	secret := r.URL.Query().Get("secret")
	if secret == "" {
		return vivenuError(http.StatusBadRequest, `"secret" is required`)
	}
	t, ok := v.Transaction(r.PathValue("id"))
	if !ok || secret != t.Secret {
		return vivenuError(http.StatusNotFound, "there is no such checkout")
	}
	return vivenuOK(t.CheckoutBody())
}

// decode reads a body that is a JSON object; without a body it is empty.
func (r vivenuRequest) decode(into any) error {
	if len(r.body) == 0 {
		return nil
	}
	if err := json.Unmarshal(r.body, into); err != nil {
		return fmt.Errorf("the body is not what this call takes: %w", err)
	}
	return nil
}

// cancelTransaction cancels what is reserved or complete. Assumption: anything else is a 400, a second cancel too.
func (v *Vivenu) cancelTransaction(r vivenuRequest) vivenuAnswer {
	var in struct {
		RefundFunds bool   `json:"refundFunds"`
		Reason      string `json:"cancellationReason"`
	}
	if err := r.decode(&in); err != nil {
		return badRequest(err)
	}
	call := VivenuCall{ID: r.PathValue("id"), Op: "cancel", RefundFunds: in.RefundFunds, Reason: in.Reason, Answered: r.answered}
	known := []string{"", "REQUESTED_BY_CUSTOMER", "CLAIM", "COMMUNICATION_ERROR", "TRAINING/TEST"}
	return v.change(call, func() (vivenuAnswer, *VivenuChange) {
		rec := v.transactions[call.ID]
		switch {
		case rec == nil:
			return vivenuError(http.StatusNotFound, "there is no such transaction"), nil
		case !slices.Contains(known, in.Reason):
			return vivenuError(http.StatusBadRequest, `"cancellationReason" must be one of `+strings.Join(known[1:], ", ")), nil
		case rec.value.Status != vivenuComplete && rec.value.Status != vivenuReserved:
			return vivenuError(http.StatusBadRequest, "a transaction in status "+rec.value.Status+" cannot be canceled"), nil
		}
		t := rec.value.canceledFor(in.Reason, in.RefundFunds, v.now())
		rec.value, rec.changed = t, v.now()
		changed := &VivenuChange{Type: "transaction.canceled", Transaction: &t}
		if rec.foreign {
			changed = nil
		}
		return vivenuAnswer{http.StatusCreated, t.Body()}, changed
	})
}

// change carries out a call that writes, puts it into the log and reports it.
func (v *Vivenu) change(call VivenuCall, write func() (vivenuAnswer, *VivenuChange)) vivenuAnswer {
	v.mu.Lock()
	a, changed := write()
	call.At, call.Status = v.now().UTC(), a.status
	v.calls = append(v.calls, call)
	notify := v.notify
	v.mu.Unlock()
	if changed != nil && notify != nil {
		notify(*changed)
	}
	return a
}

func (v *Vivenu) getIntent(r vivenuRequest) vivenuAnswer {
	p, ok := v.Intent(r.PathValue("id"))
	if !ok {
		return vivenuError(http.StatusNotFound, "there is no such purchase intent")
	}
	return vivenuOK(p.Body())
}

// changeIntent changes an intent that nobody has answered or withdrawn. Assumption: the answers 404 and 400.
func (v *Vivenu) changeIntent(call VivenuCall, can func(VivenuIntent) bool, change func(VivenuIntent) VivenuIntent, typ string) vivenuAnswer {
	return v.change(call, func() (vivenuAnswer, *VivenuChange) {
		rec := v.intents[call.ID]
		if rec == nil {
			return vivenuError(http.StatusNotFound, "there is no such purchase intent"), nil
		}
		if !can(rec.value) {
			return vivenuError(http.StatusBadRequest, "the purchase intent is "+rec.value.Status+" and "+rec.value.ApprovalStatus), nil
		}
		p := change(rec.value)
		rec.value, rec.changed = p, v.now()
		changed := &VivenuChange{Type: typ, Intent: &p}
		if rec.foreign {
			changed = nil
		}
		return vivenuOK(p.Body()), changed
	})
}

func (v *Vivenu) approveIntent(r vivenuRequest) vivenuAnswer {
	var in struct {
		Status string `json:"approvalStatus"`
		Reason string `json:"rejectionReason"`
	}
	if err := r.decode(&in); err != nil {
		return badRequest(err)
	}
	call := VivenuCall{ID: r.PathValue("id"), Op: in.Status, Reason: in.Reason, Answered: r.answered}
	waits := func(p VivenuIntent) bool { return p.Status == intentNew && p.ApprovalStatus == intentAwaiting }
	switch in.Status {
	case intentApproved:
		return v.changeIntent(call, waits, func(p VivenuIntent) VivenuIntent { return p.Approved(v.now()) }, "purchaseIntent.approved")
	case intentRejected:
		return v.changeIntent(call, waits, func(p VivenuIntent) VivenuIntent { return p.Rejected(in.Reason, v.now()) }, "purchaseIntent.rejected")
	}
	return vivenuError(http.StatusBadRequest, `"approvalStatus" must be approved or rejected`)
}

func (v *Vivenu) cancelIntent(r vivenuRequest) vivenuAnswer {
	call := VivenuCall{ID: r.PathValue("id"), Op: "cancel intent", Answered: r.answered}
	return v.changeIntent(call, func(p VivenuIntent) bool { return p.Status == intentNew },
		func(p VivenuIntent) VivenuIntent { return p.Cancelled(v.now()) }, "purchaseIntent.cancelled")
}

func (v *Vivenu) getEvent(r vivenuRequest) vivenuAnswer {
	e, ok := v.Event(r.PathValue("id"))
	if !ok {
		return vivenuError(http.StatusNotFound, "there is no such event")
	}
	return vivenuOK(e.Body())
}

// A vivenuHook is a webhook as the document has it. Its hmacKey is told to whoever may read it: that is so there, too.
type vivenuHook struct {
	ID        string          `json:"_id"`
	Name      string          `json:"name"`
	Enabled   bool            `json:"enabled"`
	URL       string          `json:"url"`
	Events    map[string]bool `json:"events"`
	HMACKey   string          `json:"hmacKey,omitempty"`
	CreatedBy object          `json:"createdBy"`
}

func (v *Vivenu) listHooks(r vivenuRequest) vivenuAnswer {
	v.mu.Lock()
	list := []any{}
	for _, h := range v.hooks {
		list = append(list, h)
	}
	v.mu.Unlock()
	return page(r.URL.Query(), "docs", list)
}

// readHook reads and checks a webhook. Assumption: it is enabled unless it says that it is not.
func (r vivenuRequest) readHook() (vivenuHook, error) {
	h := vivenuHook{Enabled: true}
	if err := r.decode(&h); err != nil {
		return h, err
	}
	if n := utf8.RuneCountInString(h.Name); n < 5 || n > 30 {
		return h, fmt.Errorf(`"name" must be 5 to 30 characters long; it has %d`, n)
	}
	if u, err := url.Parse(h.URL); err != nil || u.Host == "" || (u.Scheme != "https" && u.Scheme != "http") {
		return h, fmt.Errorf(`"url" must be a valid uri`)
	}
	for typ := range h.Events {
		if typ == "ticket.checkin" || !slices.Contains(vivenuTypes, typ) {
			return h, fmt.Errorf("%q is no event that can be subscribed to", "events."+typ)
		}
	}
	if h.Events == nil {
		h.Events = map[string]bool{}
	}
	return h, nil
}

func (v *Vivenu) createHook(r vivenuRequest) vivenuAnswer {
	h, err := r.readHook()
	if err != nil {
		return badRequest(err)
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.lastHook++
	h.ID, h.CreatedBy = vivenuID("webhook", strconv.Itoa(v.lastHook)), object{"type": "API_KEY", "id": vivenuID("key")}
	v.hooks = append(v.hooks, h)
	return vivenuAnswer{http.StatusCreated, h}
}

// updateHook answers 201: the document has it so.
func (v *Vivenu) updateHook(r vivenuRequest) vivenuAnswer {
	h, err := r.readHook()
	if err != nil {
		return badRequest(err)
	}
	return v.onHook(r, func(i int) vivenuAnswer {
		h.ID, h.CreatedBy = v.hooks[i].ID, v.hooks[i].CreatedBy
		v.hooks[i] = h
		return vivenuAnswer{http.StatusCreated, h}
	})
}

func (v *Vivenu) deleteHook(r vivenuRequest) vivenuAnswer {
	return v.onHook(r, func(i int) vivenuAnswer {
		h := v.hooks[i]
		v.hooks = slices.Delete(v.hooks, i, i+1)
		return vivenuOK(h)
	})
}

func (v *Vivenu) onHook(r vivenuRequest, do func(i int) vivenuAnswer) vivenuAnswer {
	v.mu.Lock()
	defer v.mu.Unlock()
	i := slices.IndexFunc(v.hooks, func(h vivenuHook) bool { return h.ID == r.PathValue("id") })
	if i < 0 {
		return vivenuError(http.StatusNotFound, "there is no such webhook")
	}
	return do(i)
}
