package tevo

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"willcall/provider"
	"willcall/provider/providertest"
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
	return client(srv.URL, srv.Client())
}

func client(base string, h *http.Client) *Client {
	return &Client{BaseURL: base, Token: "a-token", Secret: "a-secret", ReviewerID: 2335, HTTP: h}
}

// api has a call of each kind.
var api = providertest.API{
	Calls: func(base string, h *http.Client) providertest.Calls {
		c := client(base, h)
		return providertest.Calls{
			Reads: map[string]func(context.Context) error{"ShowOrder": func(ctx context.Context) error { _, err := c.ShowOrder(ctx, "5"); return err }},
			Writes: map[string]func(context.Context) error{
				"Accept": func(ctx context.Context) error { _, err := c.Accept(ctx, "5"); return err },
				"Add": func(ctx context.Context) error {
					_, err := c.addETickets(ctx, "add", "5", item{}, [][]byte{[]byte(aTicket)})
					return err
				},
				"Finalize": func(ctx context.Context) error {
					_, err := c.finalizeETickets(ctx, "finalize", "5", item{}, []int{1})
					return err
				},
				"Remove": func(ctx context.Context) error { _, err := c.removeETickets(ctx, "remove", "5", item{}); return err },
				"Convert": func(ctx context.Context) error {
					_, err := c.convertToETickets(ctx, "convert", "5", item{})
					return err
				},
				"Update": func(ctx context.Context) error {
					_, err := c.updateShipment(ctx, "update", "5", "TMMobile")
					return err
				},
				"Complete": func(ctx context.Context) error {
					_, err := c.completeShipment(ctx, "complete", "5", transfer{link: aLink})
					return err
				},
				"Deliver": func(ctx context.Context) error { _, err := c.deliverShipment(ctx, "deliver", "5"); return err },
			},
		}
	},
	Answer: `{"id": 5, "state": "accepted"}`, Limit: maxAnswer, Secrets: []string{"a-token", "a-secret", aTicket, aLink},
}

// What no error may hold.
const (
	aTicket = "%PDF- of seat 1"
	aLink   = "https://claim.example.com/1"
)

func TestStatusClasses(t *testing.T) {
	t.Parallel()
	api.StatusClasses(t)
}

func TestNoAnswer(t *testing.T) {
	t.Parallel()
	api.NoAnswer(t)
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
	providertest.ClassIs(t, "GET", err, provider.Invalid)
}
