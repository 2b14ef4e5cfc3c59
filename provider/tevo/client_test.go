package tevo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"willcall/order"
	"willcall/provider"
	"willcall/sim"
)

// TestSign has the vectors that the Ruby client publishes in its tests.
func TestSign(t *testing.T) {
	t.Parallel()
	const secret, host = "/3uZ9bXNe/6rxEBmlGLvoRXrcSzRDMfyJSewhlrc", "api.sandbox.ticketevolution.com"
	for _, c := range []struct{ method, path, tail, want string }{
		{"GET", "/v9/test", "one=1&three=three&two=two", "YbwEmJL9P0hvpplEr2q2iL4Mpz+KevHUOjzgYh0ewh4="},
		{"GET", "/test", "", "1Ra2c8cbuw1G5Pw8BWaowDlMcxwMte8y/sL+vW2H4mY="},
		{"POST", "/test", `{"one":1,"two":"two","three":"three"}`, "6PMaU8JQ5kH4PZLl8agJrZRZqnn65UGcCUA80E2dTDg="},
		{"DELETE", "/test", "", "Mwr4Z+hveuo8ITaYwaRQ/QdxYotpw97ZH1JfJmblVQY="},
	} {
		if got := sign(secret, c.method, host, c.path, c.tail); got != c.want {
			t.Errorf("%s %s?%s: got %s; want %s", c.method, c.path, c.tail, got, c.want)
		}
	}
}

// setup serves a simulated API, which checks signatures by code of its own, and a client for it.
func setup(t *testing.T, opts sim.TEvoOptions) (*sim.TEvo, *Client) {
	t.Helper()
	opts.Token, opts.Secret = "a-token", "a-secret"
	api := sim.NewTEvo(opts)
	return api, serve(t, api)
}

func serve(t *testing.T, h http.Handler) *Client {
	t.Helper()
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	return &Client{BaseURL: srv.URL, Token: "a-token", Secret: "a-secret", ReviewerID: 2335, HTTP: srv.Client()}
}

func classIs(t *testing.T, what string, err error, want Class) {
	t.Helper()
	if got := ClassOf(err); got != want || (err == nil) != (want == "") {
		t.Errorf("%s: got %v; want class %q", what, err, want)
	}
}

func TestShowOrder(t *testing.T) {
	t.Parallel()
	api, c := setup(t, sim.TEvoOptions{})
	o := sim.ClientSale(4)
	api.Put(o)

	got, err := c.ShowOrder(t.Context(), o.ID)
	if err != nil || got.ID != o.ID || got.GroupID != o.GroupID || !got.UpdatedAt.Equal(o.UpdatedAt) {
		t.Errorf("got %s-%s of %s, %v; want %s of %s", got.GroupID, got.ID, got.UpdatedAt, err, o.OID(), o.UpdatedAt)
	}
	out, err := Decode(provider.Delivery{ID: "1", Body: got.Form(order.Sale), Received: received}, usd)
	if err != nil || out.OrderID != o.GroupID || out.Event == nil || out.Event.Fraud != order.FraudPending {
		t.Errorf("its form: got %+v, %v; want the order, held by the fraud service", out, err)
	}
	_, err = c.ShowOrder(t.Context(), "1")
	classIs(t, "another order", err, NotFound)
	for _, id := range []string{"", "1/accept", "../orders", "1?x=y"} {
		_, err = c.ShowOrder(t.Context(), id)
		classIs(t, "the id "+id, err, Invalid)
	}
	wrong := *c
	wrong.Secret = "another"
	_, err = wrong.ShowOrder(t.Context(), o.ID)
	classIs(t, "a wrong secret", err, Unauthorized)
	wrong.Secret = ""
	_, err = wrong.ShowOrder(t.Context(), o.ID)
	classIs(t, "no secret", err, Unauthorized)
	wrong = *c
	wrong.BaseURL = "ticketevolution"
	_, err = wrong.ShowOrder(t.Context(), o.ID)
	classIs(t, "no URL", err, Invalid)
}

func TestListOrders(t *testing.T) {
	t.Parallel()
	api, c := setup(t, sim.TEvoOptions{})
	since := time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)
	for n := range 230 {
		api.Put(sim.OfficeSale(n).Updated(since.Add(time.Duration(n-10) * time.Minute)))
	}
	for _, want := range []struct {
		page, orders int
		more         bool
	}{{0, 100, true}, {1, 100, true}, {2, 100, true}, {3, 20, false}, {4, 0, false}} {
		got, err := c.ListOrders(t.Context(), order.Sale, since.In(time.FixedZone("", 3600)), want.page)
		if err != nil || len(got.Orders) != want.orders || got.More != want.more {
			t.Errorf("page %d: got %d orders, more %t, %v; want %d, more %t", want.page, len(got.Orders), got.More, err, want.orders, want.more)
		}
		for _, o := range got.Orders {
			if o.UpdatedAt.Before(since) || o.GroupID == "" || o.ID == "" {
				t.Errorf("page %d: got %s-%s of %s; want none before %s", want.page, o.GroupID, o.ID, o.UpdatedAt, since)
			}
		}
	}
}

func TestListOrdersTellsTheSides(t *testing.T) {
	t.Parallel()
	const both = `{"orders":[{"id":1,"isPO":false},{"id":2,"isPO":true},{"id":3,"isPO":"false"},{"id":4}],"total_entries":4}`
	for kind, want := range map[order.Kind]struct{ query, ids string }{
		order.Sale:     {"page=2&per_page=100&type=Order&updated_at.gte=2026-06-01T12%3A00%3A00Z", "1 3 4"},
		order.Purchase: {"page=2&per_page=100&type=PurchaseOrder&updated_at.gte=2026-06-01T12%3A00%3A00Z", "2 4"},
	} {
		c := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if got := r.URL.RawQuery; got != want.query {
				t.Errorf("%s: got query %s; want %s", kind, got, want.query)
			}
			io.WriteString(w, both)
		}))
		got, err := c.ListOrders(t.Context(), kind, time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC), 2)
		var ids []string
		for _, o := range got.Orders {
			ids = append(ids, o.ID)
		}
		if err != nil || strings.Join(ids, " ") != want.ids || got.Skipped+len(ids) != 4 {
			t.Errorf("%s: got %v, %d skipped, %v; want %s", kind, ids, got.Skipped, err, want.ids)
		}
	}

	api, c := setup(t, sim.TEvoOptions{})
	sale, purchase := sim.OfficeSale(1), sim.Purchase(2)
	api.Put(sale)
	api.Put(purchase)
	for kind, want := range map[order.Kind]string{order.Sale: sale.ID, order.Purchase: purchase.ID} {
		got, err := c.ListOrders(t.Context(), kind, time.Time{}, 1)
		if err != nil || len(got.Orders) != 1 || got.Orders[0].ID != want {
			t.Errorf("%s: got %d orders, %v; want %s alone", kind, len(got.Orders), err, want)
		}
	}
}

func TestListOrdersOfOddShapes(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]struct {
		orders int
		more   bool
		class  Class
	}{
		`{"orders":[],"total_entries":0}`:                                                {0, false, ""},
		`{"orders":[]}`:                                                                  {0, false, ""},
		`{"orders":[],"total_entries":500}`:                                              {0, false, ""},
		`{"orders":[{"id":1},{"id":"x y"},7],"total_entries":3}`:                         {3, false, ""},
		`{"orders":[{"id":1}]}`:                                                          {1, true, ""},
		`{"orders":[{"id":1}],"total_entries":1,"per_page":100}`:                         {1, false, ""},
		`{"orders":[{"id":1}],"total_entries":"2","per_page":"1"}`:                       {1, true, ""},
		`{"orders":[` + strings.Repeat("7,", 9) + `7],"total_entries":11,"per_page":10}`: {10, true, ""},
		`{"orders":[` + strings.Repeat("7,", 9) + `7],"total_entries":11}`:               {10, true, ""},
		`{"orders":[{"id":1,"isPO":true}],"total_entries":2}`:                            {0, true, ""},
		`{"orders":null}`: {0, false, Transient},
		`{"error":"x"}`:   {0, false, Transient},
		`<html>We are down for maintenance.</html>`: {0, false, Transient},
		`{"orders":{"id":1}}`:                       {0, false, Transient},
		`[]`:                                        {0, false, Transient},
		``:                                          {0, false, Transient},
		`{"orders":[` + strings.Repeat("[", 200_000) + `]]}`: {0, false, Transient},
	} {
		c := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, body) }))
		got, err := c.ListOrders(t.Context(), order.Sale, time.Time{}, 0) // the first page, too
		classIs(t, body[:min(len(body), 60)], err, want.class)
		if len(got.Orders) != want.orders || got.More != want.more {
			t.Errorf("%.60s: got %d orders, more %t; want %d, more %t", body, len(got.Orders), got.More, want.orders, want.more)
		}
	}
}

// TestListOrdersEnds reads all pages of an API that gives fewer than it is asked for, and of one that knows no pages.
func TestListOrdersEnds(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, answer string
		calls        int
		want         Class
	}{
		{"ThreeOfSeven", `{"orders":[1,2,3],"total_entries":7,"per_page":3}`, 3, ""},
		{"ThreeOfSevenUnsaid", `{"orders":[1,2,3],"total_entries":7}`, 3, ""},
		{"NoPages", `{"orders":[1]}`, maxPages, Unsupported},
	} {
		calls := 0
		client := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			calls++
			io.WriteString(w, c.answer)
		}))
		p, err := Page{More: true}, error(nil)
		for page := 1; p.More; page++ {
			if p, err = client.ListOrders(t.Context(), order.Sale, time.Time{}, page); err != nil {
				break
			}
		}
		classIs(t, c.name, err, c.want)
		if calls != c.calls {
			t.Errorf("%s: got %d calls; want %d", c.name, calls, c.calls)
		}
	}
}

func TestEnsure(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 6, 2, 9, 0, 0, 0, time.UTC)
	pending := sim.OfficeSale(1)
	proposed := pending.Accepted(at)
	proposed.BuyerState = "canceled"
	odd := pending
	odd.State, odd.SellerState = "in_dispute", "in_dispute"
	for _, c := range []struct {
		name           string
		order          sim.TEvoOrder
		accept, reject Class // of the error of EnsureAccepted and EnsureRejected
		writes         int   // how many calls each of them makes
	}{
		{"Pending", pending, "", "", 1},
		{"Accepted", pending.Accepted(at), "", Conflict, 0},
		{"Completed", pending.Completed(at), "", Conflict, 0},
		{"Rejected", pending.Rejected("Other", at), Conflict, "", 0},
		{"Cancelled", pending.Canceled(at), Conflict, "", 0},
		{"CancelledAfterAcceptance", pending.Accepted(at).Canceled(at), Conflict, "", 0},
		{"CancellationProposed", proposed, Conflict, Conflict, 0},
		{"StateUnknown", odd, Conflict, Conflict, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			for op, want := range map[string]Class{"accept": c.accept, "reject": c.reject} {
				api, client := setup(t, sim.TEvoOptions{})
				api.Put(c.order)
				for range 3 {
					classIs(t, op, ensure(t.Context(), client, op, c.order.ID), want)
				}
				if got := api.Log(); len(got) != c.writes {
					t.Errorf("%s: got calls %+v; want %d", op, got, c.writes)
				}
				if c.writes > 0 {
					state := map[string]string{"accept": "accepted", "reject": "rejected"}[op]
					if o, _ := api.Order(c.order.ID); o.SellerState != state || api.Log()[0].ReviewerID != 2335 {
						t.Errorf("%s: got %s, %+v; want %s by reviewer 2335", op, o.SellerState, api.Log(), state)
					}
				}
			}
		})
	}
}

func ensure(ctx context.Context, c *Client, op, id string) error {
	if op == "reject" {
		return c.EnsureRejected(ctx, id, NoLongerAvailable)
	}
	return c.EnsureAccepted(ctx, id)
}

func TestEnsureAfterALostAnswer(t *testing.T) {
	t.Parallel()
	for _, op := range []string{"accept", "reject"} {
		api, c := setup(t, sim.TEvoOptions{})
		o := sim.OfficeSale(1)
		api.Put(o)
		if err := api.SetFaults(sim.Faults{Faults: []sim.Fault{{Method: "POST", Kind: sim.FaultLostAnswer, Count: 1}}}); err != nil {
			t.Fatal(err)
		}
		classIs(t, op+", the answer lost", ensure(t.Context(), c, op, o.ID), OutcomeUnknown)
		classIs(t, op+" again", ensure(t.Context(), c, op, o.ID), "")
		if got := api.Log(); len(got) != 1 || got[0].Op != op {
			t.Errorf("%s: got calls %+v; want one", op, got)
		}
	}
}

// TestEnsureWhileOthersAct scripts the API: the state that each look finds, and what the write is answered.
func TestEnsureWhileOthersAct(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		looks  []string
		status int
		answer string
		want   Class
	}{
		{"SomebodyWasFaster", []string{"pending", "accepted"}, 422, `{}`, ""},
		{"TheBuyerWasFaster", []string{"pending", "canceled"}, 422, `{}`, Conflict},
		{"RefusedAndStillPending", []string{"pending", "pending"}, 422, `{}`, Invalid},
		{"GoneAndStillPending", []string{"pending", "pending"}, 404, `{}`, NotFound},
		{"TakenForLater", []string{"pending", "pending"}, 202, ``, OutcomeUnknown},
		{"TakenAndNotYetDone", []string{"pending", "pending"}, 200, `{"id": 5, "state": "pending"}`, OutcomeUnknown},
		{"TakenAndDoneSince", []string{"pending", "accepted"}, 200, `{"id": 5, "state": "pending"}`, ""},
		{"AnsweredWithTheOrder", []string{"pending"}, 200, `{"id": 5, "state": "accepted"}`, ""},
		{"AnsweredWithAnother", []string{"pending", "pending"}, 200, `{"id": 6, "state": "accepted"}`, OutcomeUnknown},
		{"AnsweredWithAConflict", []string{"pending"}, 200, `{"id": 5, "state": "canceled"}`, Conflict},
		{"Unauthorized", []string{"pending"}, 401, `{}`, Unauthorized},
		{"Down", []string{"pending"}, 500, `{}`, OutcomeUnknown},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			looks := c.looks
			client := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Method == http.MethodPost {
					w.WriteHeader(c.status)
					io.WriteString(w, c.answer)
					return
				}
				if len(looks) == 0 {
					t.Error("one look too many")
					return
				}
				fmt.Fprintf(w, `{"id": 5, "state": %q}`, looks[0])
				looks = looks[1:]
			}))
			classIs(t, "accept", client.EnsureAccepted(t.Context(), "5"), c.want)
		})
	}
}

func TestRejectTakesTheReasonsOfTheAPI(t *testing.T) {
	t.Parallel()
	for _, reason := range []Reason{NoLongerAvailable, PricedIncorrectly, DuplicateOrder, FraudulentOrder, TestOrder, OtherReason} {
		api, c := setup(t, sim.TEvoOptions{})
		o := sim.OfficeSale(1)
		api.Put(o)
		got, err := c.Reject(t.Context(), o.ID, reason)
		if err != nil || got.ID != o.ID || api.Log()[0].Reason != string(reason) {
			t.Errorf("%s: got %v, calls %+v", reason, err, api.Log())
		}
	}
	api, c := setup(t, sim.TEvoOptions{})
	api.Put(sim.OfficeSale(1))
	_, err := c.Reject(t.Context(), sim.OfficeSale(1).ID, "I do not like it")
	classIs(t, "another reason", err, Invalid)
	c.ReviewerID = 0
	_, err = c.Accept(t.Context(), sim.OfficeSale(1).ID)
	classIs(t, "no reviewer", err, Unauthorized)
	if got := api.Log(); len(got) != 0 {
		t.Errorf("got calls %+v; want none", got)
	}
}

func TestStatusClasses(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		status      int
		read, write Class
	}{
		{301, Invalid, Invalid}, {304, Invalid, Invalid}, {400, Invalid, Invalid}, {401, Unauthorized, Unauthorized}, {403, Unauthorized, Unauthorized},
		{404, NotFound, NotFound}, {406, Invalid, Invalid}, {408, Transient, OutcomeUnknown}, {409, Invalid, Invalid}, {410, NotFound, NotFound},
		{422, Invalid, Invalid}, {429, RateLimited, RateLimited}, {500, Transient, OutcomeUnknown}, {502, Transient, OutcomeUnknown},
		{503, RateLimited, RateLimited}, {504, Transient, OutcomeUnknown},
	} {
		client := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Location", "/elsewhere")
			w.Header().Set("Retry-After", "7")
			w.WriteHeader(c.status)
			if c.status != 304 {
				io.WriteString(w, `{"error": "Wren Pemberly may not", "errors": {"reviewer_id": ["of wren.pemberly@example.com"], "Wren Pemberly": 1}}`)
			}
		}))
		_, read := client.ShowOrder(t.Context(), "5")
		_, write := client.Accept(t.Context(), "5")
		classIs(t, fmt.Sprint("GET ", c.status), read, c.read)
		classIs(t, fmt.Sprint("POST ", c.status), write, c.write)
		for _, err := range []error{read, write} {
			var e *Error
			if !errors.As(err, &e) || e.Status != c.status {
				t.Errorf("%d: got %+v; want the status", c.status, err)
				continue
			}
			wait := time.Duration(0)
			if c.read == RateLimited {
				wait = 7 * time.Second
			}
			if e.RetryAfter != wait {
				t.Errorf("%d: got RetryAfter %s; want %s", c.status, e.RetryAfter, wait)
			}
			for _, secret := range []string{"Pemberly", "pemberly", "a-token", "a-secret"} {
				if strings.Contains(err.Error(), secret) {
					t.Errorf("%d: got %q; want nothing of the answer's values and no credential", c.status, err)
				}
			}
			if c.status != 304 && !strings.HasSuffix(err.Error(), "the answer has the fields error, errors, errors.reviewer_id") {
				t.Errorf("%d: got %q; want the fields' names", c.status, err)
			}
		}
	}
}

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	for v, want := range map[string]time.Duration{
		"": 0, "0": 0, "30": 30 * time.Second, "-1": 0, "soon": 0, "999999999": longestWait, "99999999999999999999": 0,
		"Mon, 02 Jan 2006 15:04:05 GMT": 0, "Fri, 31 Dec 9999 23:59:59 GMT": longestWait,
	} {
		if got := retryAfter(http.Header{"Retry-After": {v}}); got != want {
			t.Errorf("%q: got %s; want %s", v, got, want)
		}
	}
}

func TestNoAnswer(t *testing.T) {
	t.Parallel()
	both := func(t *testing.T, ctx context.Context, c *Client, read, write Class) (error, error) {
		t.Helper()
		_, r := c.ShowOrder(ctx, "5")
		_, w := c.Accept(ctx, "5")
		classIs(t, "GET", r, read)
		classIs(t, "POST", w, write)
		return r, w
	}
	t.Run("NothingListens", func(t *testing.T) {
		t.Parallel()
		srv := httptest.NewServer(http.NotFoundHandler())
		c := &Client{BaseURL: srv.URL, Token: "a-token", Secret: "a-secret", ReviewerID: 1}
		srv.Close()
		both(t, t.Context(), c, Transient, Transient)
	})
	t.Run("TooLate", func(t *testing.T) {
		t.Parallel()
		api, c := setup(t, sim.TEvoOptions{})
		if err := api.SetFaults(sim.Faults{Faults: []sim.Fault{{Kind: sim.FaultHang}}}); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		for _, err := range func() []error { r, w := both(t, ctx, c, Transient, OutcomeUnknown); return []error{r, w} }() {
			if !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("got %v; want DeadlineExceeded in its chain", err)
			}
		}
	})
	t.Run("Stopped", func(t *testing.T) {
		t.Parallel()
		ctx, cancel := context.WithCancel(t.Context())
		c := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			io.Copy(io.Discard, r.Body) // only then does the server notice that the client left
			cancel()
			<-r.Context().Done()
		}))
		_, err := c.Accept(ctx, "5")
		classIs(t, "POST", err, OutcomeUnknown)
		if !errors.Is(err, context.Canceled) {
			t.Errorf("got %v; want Canceled in its chain", err)
		}
	})
	t.Run("ClosedWithoutAnswer", func(t *testing.T) {
		t.Parallel()
		_, c := setup(t, sim.TEvoOptions{})
		c2 := serve(t, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }))
		c2.HTTP = c.HTTP
		both(t, t.Context(), c2, Transient, OutcomeUnknown)
	})
	t.Run("BrokenOff", func(t *testing.T) {
		t.Parallel()
		c := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", "1000")
			io.WriteString(w, `{"id": 5, "state": "accepted"}`)
		}))
		both(t, t.Context(), c, Transient, OutcomeUnknown)
	})
	t.Run("NoHTTPAtAll", func(t *testing.T) {
		t.Parallel()
		c := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			conn, _, err := w.(http.Hijacker).Hijack()
			if err == nil {
				io.WriteString(conn, "Wren Pemberly says hello\r\n\r\n")
				conn.Close()
			}
		}))
		_, err := both(t, t.Context(), c, Transient, OutcomeUnknown)
		if err != nil && strings.Contains(err.Error(), "Pemberly") {
			t.Errorf("got %q; want nothing of the answer", err)
		}
	})
	t.Run("TooLarge", func(t *testing.T) {
		t.Parallel()
		c := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			io.WriteString(w, `{"id": 5, "state": "accepted"}`)
			chunk := []byte(strings.Repeat(" ", 1<<20))
			for range maxAnswer/len(chunk) + 1 {
				w.Write(chunk)
			}
		}))
		both(t, t.Context(), c, Transient, OutcomeUnknown)
	})
}

func TestClientSendsWhatItSigned(t *testing.T) {
	t.Parallel()
	c := serve(t, http.StripPrefix("/gateway", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		want := sign("a-secret", "POST", "127.0.0.1", "/gateway/v9/orders/5/reject", string(body))
		if got := r.Header.Get("X-Signature"); got != want || r.Header.Get("X-Token") != "a-token" || r.Header.Get("Content-Type") != "application/json" {
			t.Errorf("got headers %v; want signature %s", r.Header, want)
		}
		var in map[string]any
		if err := json.Unmarshal(body, &in); err != nil || len(in) != 2 || in["reviewer_id"] != 2335.0 || in["reason"] != "Other" {
			t.Errorf("got body %s, %v", body, err)
		}
		io.WriteString(w, `{"id": 5}`)
	})))
	c.BaseURL += "/gateway/"
	if _, err := c.Reject(t.Context(), "5", OtherReason); err != nil {
		t.Error(err)
	}
}

func TestClientFollowsNoRedirect(t *testing.T) {
	t.Parallel()
	c := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/elsewhere") {
			t.Errorf("got %s %s with token %q; want no call", r.Method, r.URL, r.Header.Get("X-Token"))
		}
		http.Redirect(w, r, "/elsewhere", http.StatusFound)
	}))
	_, err := c.ShowOrder(t.Context(), "5")
	classIs(t, "GET", err, Invalid)
}

func TestGetAirbill(t *testing.T) {
	t.Parallel()
	for _, asJSON := range []bool{false, true} {
		api, c := setup(t, sim.TEvoOptions{AirbillJSON: asJSON})
		o := sim.ClientSale(1)
		api.Put(o)
		_, _, err := c.GetAirbill(t.Context(), o.ShipmentID)
		classIs(t, "before it was uploaded", err, NotFound)
		api.Put(o.AirbillUploaded(time.Date(2026, 6, 2, 9, 0, 0, 0, time.UTC)))
		file, mediaType, err := c.GetAirbill(t.Context(), o.ShipmentID)
		if err != nil || mediaType != "application/pdf" || !strings.HasPrefix(string(file), "%PDF-") {
			t.Errorf("JSON %t: got %.20q, %s, %v; want a PDF", asJSON, file, mediaType, err)
		}
	}
	const png = "\x89PNG\x0d\x0a\x1a\x0a....."
	for _, w := range []struct {
		name, answer, mediaType string
		want                    Class
	}{
		{"Image", png, "image/png", ""},
		{"DataURL", `{"airbill":"data:application/pdf;base64,JVBERi0xLjQK"}`, "application/pdf", ""},
		{"FileInLines", `{"file":"JVBER\ni0xLjQK\n"}`, "application/pdf", ""},
		{"Link", `{"airbill":"https://media.example.com/1.pdf"}`, "", Unsupported},
		{"OtherJSON", `{"url":"x"}`, "", Unsupported},
		{"Page", "<html><body>Wren Pemberly, sign in</body></html>", "", Unsupported},
		{"Empty", "", "", NotFound},
	} {
		c := serve(t, http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			rw.Header().Set("Content-Type", "application/pdf") // not to be believed
			io.WriteString(rw, w.answer)
		}))
		file, mediaType, err := c.GetAirbill(t.Context(), "5")
		classIs(t, w.name, err, w.want)
		if mediaType != w.mediaType || (len(file) > 0) != (w.want == "") {
			t.Errorf("%s: got %q, %s; want %s", w.name, file, mediaType, w.mediaType)
		}
		if err != nil && strings.Contains(err.Error(), "Pemberly") {
			t.Errorf("%s: got %q; want nothing of the answer", w.name, err)
		}
	}
	c := &Client{}
	_, _, err := c.GetAirbill(t.Context(), "")
	classIs(t, "no id", err, Invalid)
}
