package sim

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"
)

// TestTEvoSignaturePublishedVectors uses the vectors of Ticket Evolution's own client library.
func TestTEvoSignaturePublishedVectors(t *testing.T) {
	t.Parallel()
	const secret, host = "/3uZ9bXNe/6rxEBmlGLvoRXrcSzRDMfyJSewhlrc", "api.sandbox.ticketevolution.com"
	for _, v := range []struct{ method, path, tail, want string }{
		{"GET", "/v9/test", "one=1&three=three&two=two", "YbwEmJL9P0hvpplEr2q2iL4Mpz+KevHUOjzgYh0ewh4="},
		{"GET", "/test", "", "1Ra2c8cbuw1G5Pw8BWaowDlMcxwMte8y/sL+vW2H4mY="},
		{"POST", "/test", `{"one":1,"two":"two","three":"three"}`, "6PMaU8JQ5kH4PZLl8agJrZRZqnn65UGcCUA80E2dTDg="},
		{"DELETE", "/test", "", "Mwr4Z+hveuo8ITaYwaRQ/QdxYotpw97ZH1JfJmblVQY="},
	} {
		if got := tevoSignature(secret, v.method, host, v.path, v.tail); got != v.want {
			t.Errorf("%s %s?%s: got %s; want %s", v.method, v.path, v.tail, got, v.want)
		}
		r := httptest.NewRequest(v.method, "https://"+host+":8443"+v.path, nil)
		body := []byte(v.tail)
		if v.method == "GET" {
			r.URL.RawQuery, body = v.tail, nil
		}
		r.Header.Set("X-Token", "token")
		r.Header.Set("X-Signature", v.want)
		if err := checkTEvoSignature(r, body, "token", secret); err != nil {
			t.Errorf("%s %s?%s: refused: %v", v.method, v.path, v.tail, err)
		}
	}
}

const (
	testToken  = "token"
	testSecret = "secret"
)

// api is a TEvo behind a real server, and a client that signs.
type api struct {
	*TEvo
	t   *testing.T
	srv *httptest.Server
}

var testNow = time.Date(2026, 6, 2, 9, 0, 0, 0, time.UTC)

// newAPI serves a TEvo whose clock stands at testNow, unless opts say otherwise.
func newAPI(t *testing.T, opts TEvoOptions) *api {
	t.Helper()
	opts.Token, opts.Secret = testToken, testSecret
	if opts.Now == nil {
		opts.Now = func() time.Time { return testNow }
	}
	a := &api{t: t, TEvo: NewTEvo(opts)}
	a.srv = httptest.NewServer(a.TEvo)
	t.Cleanup(a.srv.Close)
	return a
}

// request builds a signed request. The query has to be sorted already.
func (a *api) request(method, pathAndQuery, body string) *http.Request {
	a.t.Helper()
	req, err := http.NewRequestWithContext(a.t.Context(), method, a.srv.URL+pathAndQuery, strings.NewReader(body))
	if err != nil {
		a.t.Fatal(err)
	}
	tail := body
	if method == http.MethodGet {
		tail = req.URL.RawQuery
	}
	req.Header.Set("X-Token", testToken)
	req.Header.Set("X-Signature", tevoSignature(testSecret, method, req.URL.Hostname(), req.URL.EscapedPath(), tail))
	return req
}

func (a *api) send(req *http.Request) (status int, body []byte, err error) {
	a.t.Helper()
	// No reuse of connections: net/http itself sends some requests again when a reused one breaks.
	resp, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer resp.Body.Close()
	body, err = io.ReadAll(resp.Body)
	return resp.StatusCode, body, err
}

// call wants an answer.
func (a *api) call(method, pathAndQuery, body string) (int, map[string]any) {
	a.t.Helper()
	status, raw, err := a.send(a.request(method, pathAndQuery, body))
	if err != nil {
		a.t.Fatal(err)
	}
	var m map[string]any
	if err := json.Unmarshal(raw, &m); err != nil {
		a.t.Fatalf("%s %s: answer is not a JSON object: %v", method, pathAndQuery, err)
	}
	return status, m
}

func TestTEvoRefusesWrongCredentials(t *testing.T) {
	t.Parallel()
	a := newAPI(t, TEvoOptions{})
	a.Put(OfficeSale(0))
	for name, spoil := range map[string]func(*http.Request) *http.Request{
		"NoSignature":      func(r *http.Request) *http.Request { r.Header.Del("X-Signature"); return r },
		"OtherToken":       func(r *http.Request) *http.Request { r.Header.Set("X-Token", "else"); return r },
		"SignedOtherPath":  func(r *http.Request) *http.Request { r.URL.Path = "/v9/orders/1"; return r },
		"SignedOtherQuery": func(r *http.Request) *http.Request { r.URL.RawQuery = "page=1"; return r },
		"UnsortedQuery":    func(*http.Request) *http.Request { return a.request("GET", "/v9/orders?per_page=1&page=1", "") },
		"SignedOtherBody": func(*http.Request) *http.Request {
			r := a.request("POST", "/v9/orders/147277/accept", `{"reviewer_id":1}`)
			r.Body = io.NopCloser(strings.NewReader(`{"reviewer_id":2}`))
			return r
		},
	} {
		t.Run(name, func(t *testing.T) {
			status, _, err := a.send(spoil(a.request("GET", "/v9/orders/147277", "")))
			if err != nil || status != http.StatusUnauthorized {
				t.Errorf("got %d, %v; want 401", status, err)
			}
		})
	}
	t.Run("NoneConfiguredLetsNobodyIn", func(t *testing.T) {
		t.Parallel()
		r := httptest.NewRequest("GET", "/v9/orders", nil)
		r.Header.Set("X-Signature", tevoSignature("", "GET", "example.com", "/v9/orders", ""))
		if err := checkTEvoSignature(r, nil, "", ""); err == nil {
			t.Error("got no error; want one")
		}
	})
}

func TestTEvoAcceptMovesAPendingOrderOnce(t *testing.T) {
	t.Parallel()
	a := newAPI(t, TEvoOptions{})
	a.Put(OfficeSale(0))
	var mu sync.Mutex
	var told []TEvoChange
	a.OnChange(func(c TEvoChange) { mu.Lock(); told = append(told, c); mu.Unlock() })

	if status, _ := a.call("POST", "/v9/orders/147277/accept", `{}`); status != 422 {
		t.Errorf("without reviewer_id: got %d; want 422", status)
	}
	if status, _ := a.call("POST", "/v9/orders/147277/accept", `{"reviewer_id":"7"}`); status != 422 {
		t.Errorf("with a reviewer_id that is no integer: got %d; want 422", status)
	}
	status, o := a.call("POST", "/v9/orders/147277/accept", `{"reviewer_id":7}`)
	if status != 200 || o["state"] != "accepted" || o["seller_state"] != "accepted" || o["buyer_state"] != "accepted" {
		t.Errorf("got %d %v %v %v; want 200 and accepted three times", status, o["state"], o["seller_state"], o["buyer_state"])
	}
	if got, want := o["updated_at"], "2026-06-02T09:00:00Z"; got != want {
		t.Errorf("updated_at: got %v; want %v", got, want)
	}
	if status, _ := a.call("POST", "/v9/orders/147277/accept", `{"reviewer_id":7}`); status != 422 {
		t.Errorf("the second time: got %d; want 422", status)
	}
	if status, _ := a.call("POST", "/v9/orders/147277/reject", `{"reviewer_id":7,"reason":"Other"}`); status != 422 {
		t.Errorf("rejecting what is accepted: got %d; want 422", status)
	}
	mu.Lock()
	defer mu.Unlock()
	if len(told) != 1 || told[0].Recipient != "seller" || told[0].EventType != "seller_accepted" || told[0].Order.State != "accepted" {
		t.Errorf("told %+v; want one seller_accepted to the seller", told)
	}
	var statuses []int
	for _, c := range a.Log() {
		statuses = append(statuses, c.Status)
	}
	if got, want := len(statuses), 5; got != want || statuses[2] != 200 {
		t.Errorf("log: got %v; want %d calls, the third 200", statuses, want)
	}
}

func TestTEvoRejectWantsAReasonOfTheList(t *testing.T) {
	t.Parallel()
	a := newAPI(t, TEvoOptions{})
	a.Put(OfficeSale(0))
	if status, _ := a.call("POST", "/v9/orders/147277/reject", `{"reviewer_id":7,"reason":"Did not like it"}`); status != 422 {
		t.Errorf("unknown reason: got %d; want 422", status)
	}
	if status, _ := a.call("POST", "/v9/orders/147277/reject", `{"reason":"Other"}`); status != 422 {
		t.Errorf("without reviewer_id: got %d; want 422", status)
	}
	status, o := a.call("POST", "/v9/orders/147277/reject", `{"reviewer_id":7,"reason":"Tickets No Longer Available"}`)
	if status != 200 || o["state"] != "rejected" || o["seller_rejection_reason"] != "Tickets No Longer Available" {
		t.Errorf("got %d %v %v; want 200, rejected and the reason", status, o["state"], o["seller_rejection_reason"])
	}
}

func TestTEvoShowsOnlyWhatASellerMaySee(t *testing.T) {
	t.Parallel()
	a := newAPI(t, TEvoOptions{})
	open := OfficeSale(1)
	open.State, open.SellerState, open.BuyerState = "open", "open", "open"
	a.Put(open)
	a.Put(Purchase(2))
	if status, _ := a.call("GET", "/v9/orders/"+open.ID, ""); status != 404 {
		t.Errorf("open order: got %d; want 404", status)
	}
	if status, _ := a.call("GET", "/v9/orders/44444-147279", ""); status != 404 {
		t.Errorf("whole order number: got %d; want 404", status)
	}
	if status, _ := a.call("POST", "/v9/orders/147279/accept", `{"reviewer_id":7}`); status != 422 {
		t.Errorf("accepting our own purchase: got %d; want 422", status)
	}
	for query, want := range map[string]float64{"": 1, "type=Order": 0, "type=PurchaseOrder": 1} {
		if _, m := a.call("GET", "/v9/orders?"+query, ""); m["total_entries"] != want {
			t.Errorf("index %s: got %v orders; want %v", query, m["total_entries"], want)
		}
	}
	if status, o := a.call("GET", "/v9/orders/147279", ""); status != 200 || o["oid"] != "44444-147279" {
		t.Errorf("got %d %v; want 200 and 44444-147279", status, o["oid"])
	}
}

func TestTEvoIndexFiltersAndPages(t *testing.T) {
	t.Parallel()
	a := newAPI(t, TEvoOptions{})
	for n := range 150 {
		o := OfficeSale(n).At(testNow.Add(time.Duration(n) * time.Minute))
		if n%3 == 0 {
			o = o.Accepted(o.UpdatedAt)
		}
		a.Put(o)
	}
	for _, c := range []struct {
		name, query              string
		total, page, perPage, on int
	}{
		{"AllOnPagesOfAHundred", "", 150, 1, 100, 100},
		{"SecondPage", "page=2", 150, 2, 100, 50},
		{"BeyondTheEnd", "page=9", 150, 9, 100, 0},
		{"NeverMoreThanAHundred", "per_page=500", 150, 1, 100, 100},
		{"State", "per_page=10&state=accepted", 50, 1, 10, 10},
		{"UpdatedSinceIncludesTheLimit", "updated_at.gte=" + url.QueryEscape(stamp(testNow.Add(140*time.Minute))), 10, 1, 100, 10},
		{"UpdatedAfterExcludesIt", "updated_at.gt=" + url.QueryEscape(stamp(testNow.Add(140*time.Minute))), 9, 1, 100, 9},
		{"NoPurchaseOrders", "type=PurchaseOrder", 0, 1, 100, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			status, m := a.call("GET", "/v9/orders?"+c.query, "")
			orders, _ := m["orders"].([]any)
			if status != 200 || m["total_entries"] != float64(c.total) || m["current_page"] != float64(c.page) ||
				m["per_page"] != float64(c.perPage) || len(orders) != c.on {
				t.Errorf("got %d, total %v, page %v, per_page %v, %d orders; want %+v", status, m["total_entries"],
					m["current_page"], m["per_page"], len(orders), c)
			}
		})
	}
	for _, query := range []string{"page=0", "page=x", "updated_at.gte=yesterday", "updated_at.about=2026-06-02T09:00:00Z"} {
		if status, _ := a.call("GET", "/v9/orders?"+query, ""); status != 422 {
			t.Errorf("%s: got %d; want 422", query, status)
		}
	}
}

func TestTEvoAirbill(t *testing.T) {
	t.Parallel()
	o := OfficeSale(0).AirbillUploaded(testNow)
	t.Run("IsAPDF", func(t *testing.T) {
		t.Parallel()
		a := newAPI(t, TEvoOptions{})
		a.Put(o)
		status, body, err := a.send(a.request("GET", "/v9/shipments/"+o.ShipmentID+"/get_airbill", ""))
		if err != nil || status != 200 || !bytes.HasPrefix(body, []byte("%PDF-")) || !bytes.HasSuffix(body, []byte("%%EOF\n")) {
			t.Errorf("got %d, %v, %q", status, err, body)
		}
	})
	t.Run("IsJSONOnRequest", func(t *testing.T) {
		t.Parallel()
		a := newAPI(t, TEvoOptions{AirbillJSON: true})
		a.Put(o)
		status, m := a.call("GET", "/v9/shipments/"+o.ShipmentID+"/get_airbill", "")
		if s, _ := m["airbill"].(string); status != 200 || !strings.HasPrefix(s, "JVBERi") {
			t.Errorf("got %d %v; want 200 and a base64 PDF", status, m)
		}
	})
	t.Run("IsNotFoundBeforeItWasUploaded", func(t *testing.T) {
		t.Parallel()
		a := newAPI(t, TEvoOptions{})
		a.Put(OfficeSale(0))
		if status, _ := a.call("GET", "/v9/shipments/"+o.ShipmentID+"/get_airbill", ""); status != 404 {
			t.Errorf("got %d; want 404", status)
		}
	})
}

func TestTEvoFaults(t *testing.T) {
	t.Parallel()
	const path, body = "/v9/orders/147277/accept", `{"reviewer_id":7}`
	for _, c := range []struct {
		fault    Fault
		answered bool
		state    string
	}{
		{Fault{Kind: FaultLostAnswer}, false, "accepted"},
		{Fault{Kind: FaultRefuseBefore}, false, "pending"},
		{Fault{Kind: FaultHang, Delay: time.Millisecond}, false, "pending"},
		{Fault{Kind: FaultDelay, Delay: time.Millisecond}, true, "accepted"},
	} {
		t.Run(c.fault.Kind, func(t *testing.T) {
			t.Parallel()
			a := newAPI(t, TEvoOptions{})
			a.Put(OfficeSale(0))
			c.fault.Method, c.fault.Path, c.fault.Count = "POST", "/v9/orders/*", 1
			if err := a.SetFaults(Faults{Faults: []Fault{c.fault}}); err != nil {
				t.Fatal(err)
			}
			if status, _, err := a.send(a.request("POST", path, body)); (err == nil) != c.answered {
				t.Errorf("got status %d, error %v; want an answer: %v", status, err, c.answered)
			}
			if o, _ := a.Order("147277"); o.State != c.state {
				t.Errorf("state: got %s; want %s", o.State, c.state)
			}
			// One call only: now it works again, or finds what was done.
			want := map[string]int{"pending": 200, "accepted": 422}[c.state]
			if status, _ := a.call("POST", path, body); status != want {
				t.Errorf("next call: got %d; want %d", status, want)
			}
		})
	}
	t.Run("LostAnswerIsInTheLog", func(t *testing.T) {
		t.Parallel()
		a := newAPI(t, TEvoOptions{})
		a.Put(OfficeSale(0))
		if err := a.SetFaults(Faults{Faults: []Fault{{Kind: FaultLostAnswer}}}); err != nil {
			t.Fatal(err)
		}
		_, _, _ = a.send(a.request("POST", path, body))
		resp, err := http.Get(a.srv.URL + "/admin/log")
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		var log struct {
			Calls  []TEvoCall
			Orders map[string]struct{ Accepts, Rejects []time.Time }
		}
		if err := json.NewDecoder(resp.Body).Decode(&log); err != nil {
			t.Fatal(err)
		}
		if len(log.Calls) != 1 || log.Calls[0].Answered || log.Calls[0].Status != 200 {
			t.Errorf("calls: got %+v; want one, carried out and not answered", log.Calls)
		}
		if got := log.Orders["147277"].Accepts; len(got) != 1 || !got[0].Equal(testNow) {
			t.Errorf("accepts: got %v; want one at %v", got, testNow)
		}
	})
}

func TestTEvoSearchLag(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	now := testNow
	a := newAPI(t, TEvoOptions{Now: func() time.Time { mu.Lock(); defer mu.Unlock(); return now }})
	if err := a.SetFaults(Faults{SearchLag: time.Minute}); err != nil {
		t.Fatal(err)
	}
	a.Put(OfficeSale(0))
	if _, m := a.call("GET", "/v9/orders", ""); m["total_entries"] != 0.0 {
		t.Errorf("at once: got %v orders; want none", m["total_entries"])
	}
	if status, _ := a.call("GET", "/v9/orders/147277", ""); status != 200 {
		t.Errorf("by id: got %d; want 200", status)
	}
	mu.Lock()
	now = now.Add(time.Minute)
	mu.Unlock()
	if _, m := a.call("GET", "/v9/orders", ""); m["total_entries"] != 1.0 {
		t.Errorf("a minute later: got %v orders; want 1", m["total_entries"])
	}
}

func TestFaultsAreChecked(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ body, want string }{
		"UnknownKind":    {`{"faults":[{"kind":"lost_anwser"}]}`, `"lost_anwser" is unknown here; want one of lost_answer, refuse_before, status, hang, delay`},
		"KindOfThePOS":   {`{"faults":[{"kind":"seats_gone"}]}`, `"seats_gone" is unknown here`},
		"UnknownField":   {`{"fault":[]}`, `unknown field "fault"`},
		"StatusMissing":  {`{"faults":[{"kind":"status"}]}`, "kind status needs 400 to 599"},
		"DelayMissing":   {`{"faults":[{"kind":"delay"}]}`, "needs a positive duration"},
		"DelayUnreadble": {`{"faults":[{"kind":"delay","delay":"2"}]}`, "faults[0].delay"},
		"NegativeCount":  {`{"faults":[{"kind":"hang","count":-1}]}`, "faults[0].count is negative"},
		"LagUnreadable":  {`{"search_lag":"soon"}`, "search_lag"},
		"NegativeLag":    {`{"search_lag":"-1s"}`, "search_lag is negative"},
		"NotJSON":        {`kind`, "faults: invalid character"},
		"TwoValues":      {`{}{}`, "more than one JSON value"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := httptest.NewRecorder()
			NewTEvo(TEvoOptions{}).ServeHTTP(w, httptest.NewRequest("PUT", "/admin/faults", strings.NewReader(c.body)))
			var m struct{ Error string }
			if err := json.Unmarshal(w.Body.Bytes(), &m); err != nil || w.Code != 400 || !strings.Contains(m.Error, c.want) {
				t.Errorf("got %d %q; want 400 and %q in it", w.Code, m.Error, c.want)
			}
		})
	}
	t.Run("AFaultyListChangesNothing", func(t *testing.T) {
		t.Parallel()
		b := &faultBox{kinds: []string{FaultHang}}
		_ = b.set(Faults{Down: true, Faults: []Fault{{Kind: "nonsense"}}})
		if _, hit := b.take("GET", "/"); hit {
			t.Error("the faults are in force; want them refused")
		}
	})
}

func TestFaultsByHTTP(t *testing.T) {
	t.Parallel()
	a := newAPI(t, TEvoOptions{})
	a.Put(OfficeSale(0))
	put := func(body string) {
		t.Helper()
		req, _ := http.NewRequest("PUT", a.srv.URL+"/admin/faults", strings.NewReader(body))
		if status, answer, err := a.send(req); err != nil || status != 204 {
			t.Fatalf("got %d, %v, %s; want 204", status, err, answer)
		}
	}
	put(`{"faults":[{"method":"GET","path":"/v9/orders/147277","kind":"status","status":503,"retry_after":"2","count":2}]}`)
	for i, want := range []int{503, 503, 200} {
		resp, err := http.DefaultClient.Do(a.request("GET", "/v9/orders/147277", ""))
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if after := resp.Header.Get("Retry-After"); resp.StatusCode != want || (want == 503) != (after == "2") {
			t.Errorf("call %d: got %d, Retry-After %q; want %d", i, resp.StatusCode, after, want)
		}
	}
	put(`{"down":true}`)
	for range 2 {
		if _, _, err := a.send(a.request("GET", "/v9/orders", "")); !errors.Is(err, io.EOF) {
			t.Errorf("down: got %v; want a closed connection", err)
		}
	}
	put(`{}`)
	if status, _ := a.call("GET", "/v9/orders", ""); status != 200 {
		t.Errorf("up again: got %d; want 200", status)
	}
}
