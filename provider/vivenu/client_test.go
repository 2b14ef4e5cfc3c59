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
	"willcall/provider/providertest"
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

// classIs also holds that the key is in no error.
func classIs(t *testing.T, what string, err error, want string) {
	t.Helper()
	providertest.ClassIs(t, what, err, want)
	if err != nil && strings.Contains(err.Error(), "hunter2") {
		t.Errorf("%s: got %q; want no credential", what, err)
	}
}

// api has one call each of every kind.
var api = providertest.API{
	Calls: func(base string, h *http.Client) providertest.Calls {
		c := &Client{BaseURL: base, Key: apiKey, Mode: "prod", HTTP: h}
		return providertest.Calls{
			Reads: map[string]func(context.Context) error{
				"Transaction":   func(ctx context.Context) error { _, err := c.Transaction(ctx, "1"); return err },
				"Tickets":       func(ctx context.Context) error { _, err := c.Tickets(ctx, "1"); return err },
				"Cancellations": func(ctx context.Context) error { _, err := c.Cancellations(ctx, "1"); return err },
				"Transactions":  func(ctx context.Context) error { _, err := c.Transactions(ctx, received, 0); return err },
				"Checkout": func(ctx context.Context) error {
					_, err := c.Checkout(ctx, "1", "hunter2-of-the-transaction")
					return err
				},
				"PurchaseIntent":       func(ctx context.Context) error { _, err := c.PurchaseIntent(ctx, "1"); return err },
				"Event":                func(ctx context.Context) error { _, err := c.Event(ctx, "1"); return err },
				"Show":                 func(ctx context.Context) error { _, err := c.Show(ctx, "1"); return err },
				"Show an intent":       func(ctx context.Context) error { _, err := c.Show(ctx, "purchaseintents/1"); return err },
				"Subscriptions":        func(ctx context.Context) error { _, err := c.Subscriptions(ctx); return err },
				"Poll":                 func(ctx context.Context) error { return c.Poll(ctx, received, func([]byte) error { return nil }) },
				"EnsureIntentApproved": func(ctx context.Context) error { return c.EnsureIntentApproved(ctx, "1") },
			},
			Writes: map[string]func(context.Context) error{
				"create": func(ctx context.Context) error { return c.Apply(ctx, []Change{{Kind: Create, Want: wanted()}}) },
				"update": func(ctx context.Context) error {
					return c.Apply(ctx, []Change{{Kind: Update, ID: "1", Want: wanted()}})
				},
			},
		}
	},
	Answer: `{"_id": "1"}`, Limit: maxAnswer, Secrets: []string{"hunter2"},
}

func TestStatusClasses(t *testing.T) {
	t.Parallel()
	api.StatusClasses(t)
	for _, s := range providertest.Statuses {
		client := serve(t, func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(s.Status) })
		deleted := s.Write
		if s.Write == provider.NotFound {
			deleted = "" // it is gone, as was wanted
		}
		classIs(t, fmt.Sprint("delete ", s.Status), client.Apply(t.Context(), []Change{{Kind: Delete, ID: "1"}}), deleted)
	}
}

func TestNoAnswer(t *testing.T) {
	t.Parallel()
	api.NoAnswer(t)
}

func TestOddAnswers(t *testing.T) {
	t.Parallel()
	for _, body := range []string{"", "<html>", "null", "{", "[]x", `"1"`, `{"_id": null}`, `{"docs": null}`, `{"docs": {}}`, `{"docs": [{}], "total": 1, "cancellableItems": 7}`} {
		c := serve(t, func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, body) })
		for what, call := range api.Calls(c.BaseURL, c.HTTP).Reads {
			if strings.HasPrefix(body, `{"docs": [`) && (what == "Transactions" || what == "Poll") {
				continue // of those it is one, with something in it that Decode will refuse
			}
			classIs(t, what+" "+body, call(t.Context()), provider.Transient)
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
