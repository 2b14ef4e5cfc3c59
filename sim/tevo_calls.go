package sim

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// tevoReasons are the only reasons that Orders/Reject takes.
var tevoReasons = []string{
	"Tickets No Longer Available", "Tickets Priced Incorrectly", "Duplicate Order", "Fraudulent Order", "Test Order", "Other",
}

// perPageMax is default and maximum of per_page.
const perPageMax = 100

// index is Orders/Index. Assumptions: the answer's members total_entries, current_page and per_page are those that
// the public client libraries read; orders are sorted by id; a per_page beyond the maximum counts as the maximum; unknown
// parameters are ignored.
func (t *TEvo) index(r *http.Request, _ []byte, _ bool) tevoAnswer {
	q := r.URL.Query()
	page, err := pageNumber(q, "page", 1)
	if err != nil {
		return tevoError(http.StatusUnprocessableEntity, err.Error())
	}
	perPage, err := pageNumber(q, "per_page", perPageMax)
	if err != nil {
		return tevoError(http.StatusUnprocessableEntity, err.Error())
	}
	perPage = min(perPage, perPageMax)
	var found []TEvoOrder
	for _, o := range t.snapshot() {
		ok, err := o.matches(q)
		if err != nil {
			return tevoError(http.StatusUnprocessableEntity, err.Error())
		}
		if ok {
			found = append(found, o)
		}
	}
	list := []any{}
	if from := (page - 1) * perPage; from < len(found) {
		for _, o := range found[from:min(from+perPage, len(found))] {
			list = append(list, t.body(o))
		}
	}
	return tevoAnswer{status: http.StatusOK, body: object{
		"total_entries": len(found), "current_page": page, "per_page": perPage, "orders": list,
	}}
}

func pageNumber(q url.Values, name string, otherwise int) (int, error) {
	s := q.Get(name)
	if s == "" {
		return otherwise, nil
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < 1 || n > 1_000_000 {
		return 0, fmt.Errorf("%s must be a positive integer", name)
	}
	return n, nil
}

// matches applies type, state and the date filters .eq .not_eq .gt .gte .lt .lte on created_at and updated_at.
func (o TEvoOrder) matches(q url.Values) (bool, error) {
	if s := q.Get("state"); s != "" && s != o.State {
		return false, nil
	}
	switch q.Get("type") {
	case "Order":
		if o.Purchase {
			return false, nil
		}
	case "PurchaseOrder":
		if !o.Purchase {
			return false, nil
		}
	}
	return tevoDates(q, o.CreatedAt, o.UpdatedAt)
}

// tevoDates applies the date filters of a query. The error says which of them is none.
func tevoDates(q url.Values, created, updated time.Time) (bool, error) {
	ok := true
	for key, values := range q {
		field, op, dotted := strings.Cut(key, ".")
		at := updated
		if field == "created_at" {
			at = created
		} else if field != "updated_at" {
			continue
		}
		if !dotted {
			op = "eq"
		}
		limit, err := time.Parse(time.RFC3339, values[0])
		if err != nil {
			return false, fmt.Errorf("%s must be an ISO 8601 time", key)
		}
		c := at.Compare(limit)
		pass, known := map[string]bool{
			"eq": c == 0, "not_eq": c != 0, "gt": c > 0, "gte": c >= 0, "lt": c < 0, "lte": c <= 0,
		}[op]
		if !known {
			return false, fmt.Errorf("%s is not a filter", key)
		}
		ok = ok && pass
	}
	return ok, nil
}

// show is Orders/Show. The id is the right half of the order number; the whole number is not found.
func (t *TEvo) show(r *http.Request, _ []byte, _ bool) tevoAnswer {
	t.meet(r.PathValue("id"))
	o, ok := t.Order(r.PathValue("id"))
	if !ok || o.SellerState == tevoOpen {
		return tevoError(http.StatusNotFound, "order not found")
	}
	return tevoAnswer{status: http.StatusOK, body: t.body(o)}
}

// accept is Orders/Accept: pending orders only, reviewer_id required.
func (t *TEvo) accept(r *http.Request, body []byte, answered bool) tevoAnswer {
	return t.review(r, body, answered, "accept", "seller_accepted", func(o TEvoOrder, _ string) TEvoOrder {
		return o.Accepted(t.now())
	})
}

// reject is Orders/Reject: pending orders only, reviewer_id and a reason of the list required.
func (t *TEvo) reject(r *http.Request, body []byte, answered bool) tevoAnswer {
	return t.review(r, body, answered, "reject", "order_rejected", func(o TEvoOrder, reason string) TEvoOrder {
		return o.Rejected(reason, t.now())
	})
}

func (t *TEvo) review(r *http.Request, body []byte, answered bool, op, event string, change func(TEvoOrder, string) TEvoOrder) tevoAnswer {
	id := r.PathValue("id")
	t.meet(id)
	return t.change(TEvoCall{OrderID: id, Op: op, Answered: answered}, func(call *TEvoCall) (tevoAnswer, *TEvoChange) {
		o, a := t.reviewed(call, decodeTEvo(body), change)
		return a, &TEvoChange{Order: o, Recipient: "seller", EventType: event}
	})
}

// change carries out a call that changes something, logs it, and tells of it what do says, if it was not refused. do runs with
// t.mu held.
func (t *TEvo) change(call TEvoCall, do func(*TEvoCall) (tevoAnswer, *TEvoChange)) tevoAnswer {
	call.At = t.now().UTC()
	t.mu.Lock()
	a, told := do(&call)
	call.Status = a.status
	t.calls = append(t.calls, call)
	notify := t.notify
	if rec := t.orders[call.OrderID]; rec == nil || rec.foreign {
		notify = nil
	}
	t.mu.Unlock()
	if a.status == http.StatusOK && told != nil && notify != nil {
		notify(*told)
	}
	return a
}

// reviewed needs t.mu.
func (t *TEvo) reviewed(call *TEvoCall, in map[string]json.RawMessage, change func(TEvoOrder, string) TEvoOrder) (TEvoOrder, tevoAnswer) {
	reviewer, err := strconv.ParseInt(string(in["reviewer_id"]), 10, 64)
	if err != nil || reviewer < 1 {
		return TEvoOrder{}, tevoError(http.StatusUnprocessableEntity, "reviewer_id is required and must be an integer")
	}
	call.ReviewerID = reviewer
	if call.Op == "reject" {
		_ = json.Unmarshal(in["reason"], &call.Reason)
		if !slices.Contains(tevoReasons, call.Reason) {
			return TEvoOrder{}, tevoError(http.StatusUnprocessableEntity, "reason must be one of: "+strings.Join(tevoReasons, ", "))
		}
	}
	rec, ok := t.orders[call.OrderID]
	if !ok || rec.order.SellerState == tevoOpen {
		return TEvoOrder{}, tevoError(http.StatusNotFound, "order not found")
	}
	if rec.order.Purchase {
		return TEvoOrder{}, tevoError(http.StatusUnprocessableEntity, "only the seller can "+call.Op+" an order")
	}
	if rec.order.State != tevoPending {
		return TEvoOrder{}, tevoError(http.StatusUnprocessableEntity, "order must be pending, it is "+rec.order.State)
	}
	rec.order, rec.changed = change(rec.order.filled(), call.Reason).filled(), t.now()
	o := rec.order.filled()
	return o, tevoAnswer{status: http.StatusOK, body: t.body(o)}
}

// airbill is Shipments/Get Airbill. A shipment without an airbill is not found (assumption).
func (t *TEvo) airbill(r *http.Request, _ []byte, _ bool) tevoAnswer {
	id := r.PathValue("id")
	for _, o := range t.Orders() {
		if o.ShipmentID != id || o.AirbillURL == "" {
			continue
		}
		pdf := tinyPDF("Airbill " + o.Tracking)
		if t.opts.AirbillJSON {
			return tevoAnswer{status: http.StatusOK, body: object{"airbill": base64.StdEncoding.EncodeToString(pdf)}}
		}
		return tevoAnswer{status: http.StatusOK, raw: pdf}
	}
	return tevoError(http.StatusNotFound, "shipment has no airbill")
}

// tinyPDF is a valid PDF of one page that says text. text must not hold parentheses or backslashes.
func tinyPDF(text string) []byte {
	stream := "BT /F1 18 Tf 40 100 Td (" + text + ") Tj ET"
	parts := []string{
		"<< /Type /Catalog /Pages 2 0 R >>",
		"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
		"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 360 200] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>",
		fmt.Sprintf("<< /Length %d >>\nstream\n%s\nendstream", len(stream), stream),
		"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
	}
	var b strings.Builder
	b.WriteString("%PDF-1.4\n")
	offsets := make([]int, len(parts))
	for i, p := range parts {
		offsets[i] = b.Len()
		fmt.Fprintf(&b, "%d 0 obj\n%s\nendobj\n", i+1, p)
	}
	xref := b.Len()
	fmt.Fprintf(&b, "xref\n0 %d\n0000000000 65535 f \n", len(parts)+1)
	for _, at := range offsets {
		fmt.Fprintf(&b, "%010d 00000 n \n", at)
	}
	fmt.Fprintf(&b, "trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n", len(parts)+1, xref)
	return []byte(b.String())
}
