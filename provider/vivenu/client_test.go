package vivenu

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

	"willcall/provider"
)

const apiKey = "key_hunter2hunter2"

func serve(t *testing.T, h http.HandlerFunc) *Client {
	t.Helper()
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	return &Client{BaseURL: srv.URL, Key: apiKey, Mode: "prod", HTTP: srv.Client()}
}

// answers serves fixed answers by method and path, and 404 for all others.
func answers(t *testing.T, by map[string]string) *Client {
	t.Helper()
	return serve(t, func(w http.ResponseWriter, r *http.Request) {
		body, ok := by[r.Method+" "+r.URL.Path]
		if !ok {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		io.WriteString(w, body)
	})
}

func classIs(t *testing.T, what string, err error, want string) {
	t.Helper()
	if got := provider.ClassOf(err); got != want || (err == nil) != (want == "") {
		t.Errorf("%s: got %v; want class %q", what, err, want)
	}
	var e *provider.CallError
	if err != nil && !errors.As(err, &e) {
		t.Errorf("%s: got %T; want a CallError", what, err)
	}
	if err != nil && strings.Contains(err.Error(), "hunter2") {
		t.Errorf("%s: got %q; want no credential", what, err)
	}
}

// reads and writes are one call each of every kind.
func reads(c *Client, ctx context.Context) map[string]error {
	_, tx := c.Transaction(ctx, "1")
	_, tickets := c.Tickets(ctx, "1")
	_, cancellations := c.Cancellations(ctx, "1")
	_, page := c.Transactions(ctx, received, 0)
	_, checkout := c.Checkout(ctx, "1", "hunter2-of-the-transaction")
	_, intent := c.PurchaseIntent(ctx, "1")
	_, event := c.Event(ctx, "1")
	_, show := c.Show(ctx, "1")
	_, showIntent := c.Show(ctx, "purchaseintents/1")
	_, subscriptions := c.Subscriptions(ctx)
	return map[string]error{
		"Transaction": tx, "Tickets": tickets, "Cancellations": cancellations, "Transactions": page, "Checkout": checkout, "PurchaseIntent": intent,
		"Event": event, "Show": show, "Show an intent": showIntent, "Subscriptions": subscriptions,
		"Poll": c.Poll(ctx, received, func([]byte) error { return nil }), "EnsureIntentApproved": c.EnsureIntentApproved(ctx, "1"),
	}
}

func writes(c *Client, ctx context.Context) map[string]error {
	want := wanted()
	return map[string]error{
		"create": c.Apply(ctx, []Change{{Kind: Create, Want: want}}),
		"update": c.Apply(ctx, []Change{{Kind: Update, ID: "1", Want: want}}),
	}
}

func TestStatusClasses(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		status      int
		read, write string
	}{
		{301, provider.Invalid, provider.Invalid}, {400, provider.Invalid, provider.Invalid}, {401, provider.Unauthorized, provider.Unauthorized},
		{403, provider.Unauthorized, provider.Unauthorized}, {404, provider.NotFound, provider.NotFound}, {408, provider.Transient, provider.OutcomeUnknown},
		{422, provider.Invalid, provider.Invalid}, {429, provider.RateLimited, provider.RateLimited}, {500, provider.Transient, provider.OutcomeUnknown},
		{502, provider.Transient, provider.OutcomeUnknown}, {503, provider.RateLimited, provider.RateLimited},
	} {
		client := serve(t, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Location", "/elsewhere")
			w.Header().Set("Retry-After", "7")
			w.WriteHeader(c.status)
			io.WriteString(w, `{"statusCode": 400, "error": "Isolde Marchbank may not", "message": "hunter2"}`)
		})
		for what, err := range reads(client, t.Context()) {
			what = fmt.Sprint(what, " ", c.status)
			classIs(t, what, err, c.read)
			if wait := provider.RateLimited == c.read; err != nil && wait != (retryAfter(err) == 7*time.Second) {
				t.Errorf("%s: got RetryAfter %s", what, retryAfter(err))
			}
			if err != nil && (strings.Contains(err.Error(), "Marchbank") || !strings.HasSuffix(err.Error(), "the answer has the fields error, message, statusCode")) {
				t.Errorf("%s: got %q; want the names of the answer's fields alone", what, err)
			}
		}
		for what, err := range writes(client, t.Context()) {
			classIs(t, fmt.Sprint(what, " ", c.status), err, c.write)
		}
		deleted := c.write
		if c.status == http.StatusNotFound {
			deleted = "" // it is gone, as was wanted
		}
		classIs(t, fmt.Sprint("delete ", c.status), client.Apply(t.Context(), []Change{{Kind: Delete, ID: "1"}}), deleted)
	}
}

func retryAfter(err error) time.Duration {
	var e *provider.CallError
	if errors.As(err, &e) {
		return e.RetryAfter
	}
	return 0
}

func TestNoAnswer(t *testing.T) {
	t.Parallel()
	all := func(t *testing.T, ctx context.Context, c *Client, read, write string) {
		t.Helper()
		for what, err := range reads(c, ctx) {
			classIs(t, what, err, read)
		}
		for what, err := range writes(c, ctx) {
			classIs(t, what, err, write)
		}
	}
	t.Run("NothingListens", func(t *testing.T) {
		t.Parallel()
		srv := httptest.NewServer(http.NotFoundHandler())
		c := &Client{BaseURL: srv.URL, Key: apiKey}
		srv.Close()
		all(t, t.Context(), c, provider.Transient, provider.Transient)
	})
	t.Run("TooLate", func(t *testing.T) {
		t.Parallel()
		c := serve(t, func(w http.ResponseWriter, r *http.Request) {
			io.Copy(io.Discard, r.Body) // only then does the server notice that the client left
			<-r.Context().Done()
		})
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		_, read := c.Transaction(ctx, "1")
		classIs(t, "read", read, provider.Transient)
		ctx, cancel = context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		write := c.Apply(ctx, []Change{{Kind: Create, Want: wanted()}})
		classIs(t, "write", write, provider.OutcomeUnknown)
		for _, err := range []error{read, write} {
			if !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("got %v; want DeadlineExceeded in its chain", err)
			}
		}
	})
	t.Run("ClosedWithoutAnswer", func(t *testing.T) {
		t.Parallel()
		all(t, t.Context(), serve(t, func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }), provider.Transient, provider.OutcomeUnknown)
	})
	t.Run("BrokenOff", func(t *testing.T) {
		t.Parallel()
		all(t, t.Context(), serve(t, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", "1000")
			io.WriteString(w, `{"_id": "1"}`)
		}), provider.Transient, provider.OutcomeUnknown)
	})
}

func TestOddAnswers(t *testing.T) {
	t.Parallel()
	for _, body := range []string{"", "<html>", "null", "{", "[]x", `"1"`, `{"_id": null}`, `{"docs": null}`, `{"docs": {}}`, `{"docs": [{}], "total": 1, "cancellableItems": 7}`} {
		c := serve(t, func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, body) })
		for what, err := range reads(c, t.Context()) {
			if strings.HasPrefix(body, `{"docs": [`) && (what == "Transactions" || what == "Poll") {
				continue // of those it is one, with something in it that Decode will refuse
			}
			classIs(t, what+" "+body, err, provider.Transient)
		}
	}
	c := answers(t, map[string]string{"GET /api/transactions/1": `{"_id": "2"}`})
	_, err := c.Transaction(t.Context(), "1")
	classIs(t, "another transaction", err, provider.Transient)
}

func TestClientRefusesWhatItCannotSend(t *testing.T) {
	t.Parallel()
	c := serve(t, func(w http.ResponseWriter, r *http.Request) { t.Errorf("got %s %s; want no call", r.Method, r.URL) })
	for _, id := range []string{"", "a/b", "..", "1?x=1", strings.Repeat("1", 65)} {
		_, tx := c.Transaction(t.Context(), id)
		_, tickets := c.Tickets(t.Context(), id)
		_, checkout := c.Checkout(t.Context(), id, "s")
		_, cancellations := c.Cancellations(t.Context(), id)
		_, show := c.Show(t.Context(), "purchaseintents/"+id)
		for _, err := range []error{tx, tickets, checkout, cancellations, show, c.EnsureIntentRejected(t.Context(), id, "")} {
			classIs(t, "id "+id, err, provider.Invalid)
		}
	}
	for what, broken := range map[string]*Client{"no base": {Key: apiKey}, "no URL": {Key: apiKey, BaseURL: "::"}, "no host": {Key: apiKey, BaseURL: "/api"}} {
		_, err := broken.Transaction(t.Context(), "1")
		classIs(t, what, err, provider.Invalid)
	}
	_, err := (&Client{BaseURL: c.BaseURL}).Transaction(t.Context(), "1")
	classIs(t, "no key", err, provider.Unauthorized)
}

func TestClientAsks(t *testing.T) {
	t.Parallel()
	var asked []string
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if got := r.Header.Get("Authorization"); got != "Bearer "+apiKey {
			t.Errorf("got Authorization %q; want the key as a bearer's", got)
		}
		asked = append(asked, r.Method+" "+r.URL.RequestURI())
		switch {
		case strings.HasSuffix(r.URL.Path, "/tickets"):
			io.WriteString(w, `[]`)
		case strings.HasSuffix(r.URL.Path, "/cancellations"):
			io.WriteString(w, `{"cancellableItems": []}`)
		case r.URL.Path == "/gateway/api/transactions":
			io.WriteString(w, `{"docs": [], "total": 0}`)
		default:
			io.WriteString(w, `{"_id": "1"}`)
		}
	})
	c.BaseURL += "/gateway/"
	ctx := t.Context()
	_, e1 := c.Transaction(ctx, "1")
	_, e2 := c.Tickets(ctx, "1")
	_, e3 := c.Cancellations(ctx, "1")
	_, e4 := c.Checkout(ctx, "1", "a&b")
	_, e5 := c.PurchaseIntent(ctx, "1")
	_, e6 := c.Event(ctx, "1")
	_, e7 := c.Transactions(ctx, time.Date(2026, 3, 1, 10, 0, 0, 0, time.FixedZone("", 3600)), 200)
	if err := errors.Join(e1, e2, e3, e4, e5, e6, e7); err != nil {
		t.Error(err)
	}
	want := []string{
		"GET /gateway/api/transactions/1", "GET /gateway/api/transactions/1/tickets", "GET /gateway/api/transactions/1/cancellations",
		"GET /gateway/api/transaction/1/checkout?secret=a%26b", "GET /gateway/api/purchaseintents/1", "GET /gateway/api/events/1",
		"GET /gateway/api/transactions?skip=200&top=100&updatedAt%5B%24gte%5D=2026-03-01T09%3A00%3A00.000Z",
	}
	if got := strings.Join(asked, "\n"); got != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", got, strings.Join(want, "\n"))
	}
}

// pageOf serves elements of a list as the API does.
func pageOf(t *testing.T, w http.ResponseWriter, r *http.Request, all []any, total bool) {
	t.Helper()
	var top, skip int
	fmt.Sscan(r.URL.Query().Get("top"), &top)
	fmt.Sscan(r.URL.Query().Get("skip"), &skip)
	from, to := min(skip, len(all)), min(skip+min(top, 40), len(all)) // shorter pages than were asked for
	answer := map[string]any{"docs": append([]any{}, all[from:to]...)}
	if total {
		answer["total"] = len(all)
	}
	if err := json.NewEncoder(w).Encode(answer); err != nil {
		t.Error(err)
	}
}
