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

func classIs(t *testing.T, what string, err error, want string) {
	t.Helper()
	if got := provider.ClassOf(err); got != want || (err == nil) != (want == "") {
		t.Errorf("%s: got %v; want class %q", what, err, want)
	}
}

func TestStatusClasses(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		status      int
		read, write string
	}{
		{301, provider.Invalid, provider.Invalid}, {304, provider.Invalid, provider.Invalid}, {400, provider.Invalid, provider.Invalid}, {401, provider.Unauthorized, provider.Unauthorized}, {403, provider.Unauthorized, provider.Unauthorized},
		{404, provider.NotFound, provider.NotFound}, {406, provider.Invalid, provider.Invalid}, {408, provider.Transient, provider.OutcomeUnknown}, {409, provider.Invalid, provider.Invalid}, {410, provider.NotFound, provider.NotFound},
		{422, provider.Invalid, provider.Invalid}, {429, provider.RateLimited, provider.RateLimited}, {500, provider.Transient, provider.OutcomeUnknown}, {502, provider.Transient, provider.OutcomeUnknown},
		{503, provider.RateLimited, provider.RateLimited}, {504, provider.Transient, provider.OutcomeUnknown},
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
			var e *provider.CallError
			if !errors.As(err, &e) || e.Status != c.status {
				t.Errorf("%d: got %+v; want the status", c.status, err)
				continue
			}
			wait := time.Duration(0)
			if c.read == provider.RateLimited {
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

func TestNoAnswer(t *testing.T) {
	t.Parallel()
	both := func(t *testing.T, ctx context.Context, c *Client, read, write string) (error, error) {
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
		both(t, t.Context(), c, provider.Transient, provider.Transient)
	})
	t.Run("TooLate", func(t *testing.T) {
		t.Parallel()
		api, c := setup(t, sim.TEvoOptions{})
		if err := api.SetFaults(sim.Faults{Faults: []sim.Fault{{Kind: sim.FaultHang}}}); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		for _, err := range func() []error {
			r, w := both(t, ctx, c, provider.Transient, provider.OutcomeUnknown)
			return []error{r, w}
		}() {
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
		classIs(t, "POST", err, provider.OutcomeUnknown)
		if !errors.Is(err, context.Canceled) {
			t.Errorf("got %v; want Canceled in its chain", err)
		}
	})
	t.Run("ClosedWithoutAnswer", func(t *testing.T) {
		t.Parallel()
		_, c := setup(t, sim.TEvoOptions{})
		c2 := serve(t, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }))
		c2.HTTP = c.HTTP
		both(t, t.Context(), c2, provider.Transient, provider.OutcomeUnknown)
	})
	t.Run("BrokenOff", func(t *testing.T) {
		t.Parallel()
		c := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", "1000")
			io.WriteString(w, `{"id": 5, "state": "accepted"}`)
		}))
		both(t, t.Context(), c, provider.Transient, provider.OutcomeUnknown)
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
		_, err := both(t, t.Context(), c, provider.Transient, provider.OutcomeUnknown)
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
		both(t, t.Context(), c, provider.Transient, provider.OutcomeUnknown)
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
	classIs(t, "GET", err, provider.Invalid)
}
