package providertest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"willcall/provider"
)

// ClassIs fails unless the error is of the class, or there is none where that is "".
func ClassIs(t testing.TB, name string, err error, want string) {
	t.Helper()
	if got := provider.ClassOf(err); got != want || (err == nil) != (want == "") {
		t.Errorf("%s: got %v; want class %q", name, err, want)
	}
}

// Calls are a client's, by name.
type Calls struct {
	Reads, Writes map[string]func(context.Context) error
}

// API is a client under test.
type API struct {
	Calls   func(baseURL string, c *http.Client) Calls
	Answer  string   // one that calls take, so that what is wrong beside it is found
	Limit   int64    // bytes that an answer may have
	Secrets []string // credentials, which must be in no error
}

// serve gives the calls of a client of this server.
func (a API) serve(t *testing.T, h http.HandlerFunc) Calls {
	t.Helper()
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	return a.Calls(srv.URL, srv.Client())
}

// each makes every call and holds its error against the class of its kind.
func (a API) each(t *testing.T, name string, calls Calls, read, write string, call func(func(context.Context) error) error, then func(name string, err error)) {
	t.Helper()
	for _, kind := range []struct {
		calls map[string]func(context.Context) error
		class string
	}{{calls.Reads, read}, {calls.Writes, write}} {
		for _, what := range slices.Sorted(maps.Keys(kind.calls)) {
			err := call(kind.calls[what])
			what = name + " " + what
			ClassIs(t, what, err, kind.class)
			if err == nil {
				continue
			}
			for _, secret := range slices.Concat(a.Secrets, []string{"Pemberly", "pemberly"}) {
				if strings.Contains(err.Error(), secret) {
					t.Errorf("%s: got %q; want nothing of the answer's values and no credential", what, err)
				}
			}
			then(what, err)
		}
	}
}

// one leaves one call of each kind, for what is slow.
func (c Calls) one() Calls {
	first := func(calls map[string]func(context.Context) error) map[string]func(context.Context) error {
		for _, what := range slices.Sorted(maps.Keys(calls)) {
			return map[string]func(context.Context) error{what: calls[what]}
		}
		return nil
	}
	return Calls{first(c.Reads), first(c.Writes)}
}

// Statuses are those with which an API refuses, and the classes that they are.
var Statuses = []struct {
	Status      int
	Read, Write string
}{
	{301, provider.Invalid, provider.Invalid}, {304, provider.Invalid, provider.Invalid}, {400, provider.Invalid, provider.Invalid},
	{401, provider.Unauthorized, provider.Unauthorized}, {403, provider.Unauthorized, provider.Unauthorized},
	{404, provider.NotFound, provider.NotFound}, {406, provider.Invalid, provider.Invalid}, {408, provider.Transient, provider.OutcomeUnknown},
	{409, provider.Invalid, provider.Invalid}, {410, provider.NotFound, provider.NotFound}, {422, provider.Invalid, provider.Invalid},
	{429, provider.RateLimited, provider.RateLimited}, {500, provider.Transient, provider.OutcomeUnknown},
	{502, provider.Transient, provider.OutcomeUnknown}, {503, provider.RateLimited, provider.RateLimited}, {504, provider.Transient, provider.OutcomeUnknown},
}

// StatusClasses has the API refuse every call with every status. The errors must tell the status, how long to wait and the names
// of the answer's fields, and nothing of what is in them.
func (a API) StatusClasses(t *testing.T) {
	for _, s := range Statuses {
		calls := a.serve(t, func(w http.ResponseWriter, r *http.Request) {
			if strings.HasPrefix(r.URL.Path, "/elsewhere") {
				t.Errorf("%d: got %s %s; want no redirect to be followed", s.Status, r.Method, r.URL)
			}
			w.Header().Set("Location", "/elsewhere")
			w.Header().Set("Retry-After", "7")
			w.WriteHeader(s.Status)
			if s.Status != http.StatusNotModified {
				fmt.Fprintf(w, `{"statusCode": 400, "error": "Wren Pemberly may not", "message": %q,
					"errors": {"reviewer_id": ["of wren.pemberly@example.com"], "Wren Pemberly": 1}}`, strings.Join(a.Secrets, " "))
			}
		})
		a.each(t, fmt.Sprint(s.Status), calls, s.Read, s.Write, within(t.Context()), func(name string, err error) {
			var e *provider.CallError
			if !errors.As(err, &e) || e.Status != s.Status {
				t.Errorf("%s: got %+v; want the status", name, err)
				return
			}
			wait := time.Duration(0)
			if s.Read == provider.RateLimited {
				wait = 7 * time.Second
			}
			if e.RetryAfter != wait {
				t.Errorf("%s: got RetryAfter %s; want %s", name, e.RetryAfter, wait)
			}
			if s.Status != http.StatusNotModified && !strings.HasSuffix(err.Error(), ": the answer has the fields error, errors, errors.reviewer_id, message, statusCode") {
				t.Errorf("%s: got %q; want the names of the answer's fields alone", name, err)
			}
		})
	}
}

func within(ctx context.Context) func(func(context.Context) error) error {
	return func(call func(context.Context) error) error { return call(ctx) }
}

// NoAnswer has the API fail to answer, each way in a subtest.
func (a API) NoAnswer(t *testing.T) {
	run := func(name string, h http.HandlerFunc) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			calls := a.serve(t, h)
			if name == "TooLarge" {
				calls = calls.one()
			}
			a.each(t, name, calls, provider.Transient, provider.OutcomeUnknown, within(t.Context()), func(string, error) {})
		})
	}
	run("ClosedWithoutAnswer", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	run("BrokenOff", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "1000")
		io.WriteString(w, a.Answer)
	})
	run("NoHTTPAtAll", func(w http.ResponseWriter, _ *http.Request) {
		if conn, _, err := w.(http.Hijacker).Hijack(); err == nil {
			io.WriteString(conn, "Wren Pemberly says hello\r\n\r\n")
			conn.Close()
		}
	})
	run("TooLarge", func(w http.ResponseWriter, _ *http.Request) {
		io.WriteString(w, a.Answer)
		chunk := []byte(strings.Repeat(" ", 1<<20))
		for range a.Limit/int64(len(chunk)) + 1 {
			w.Write(chunk)
		}
	})
	t.Run("NothingListens", func(t *testing.T) {
		t.Parallel()
		srv := httptest.NewServer(http.NotFoundHandler())
		srv.Close()
		a.each(t, "NothingListens", a.Calls(srv.URL, nil), provider.Transient, provider.Transient, within(t.Context()), func(string, error) {})
	})
	hang := func(name string, want error, limit func(context.Context) (context.Context, context.CancelFunc), arrived func(stop func())) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var stop atomic.Pointer[context.CancelFunc]
			calls := a.serve(t, func(_ http.ResponseWriter, r *http.Request) {
				io.Copy(io.Discard, r.Body) // only then does the server notice that the client left
				arrived(*stop.Load())
				<-r.Context().Done()
			})
			call := func(call func(context.Context) error) error {
				ctx, cancel := limit(t.Context())
				defer cancel()
				stop.Store(&cancel)
				return call(ctx)
			}
			a.each(t, name, calls.one(), provider.Transient, provider.OutcomeUnknown, call, func(what string, err error) {
				if !errors.Is(err, want) {
					t.Errorf("%s: got %v; want %v in its chain", what, err, want)
				}
			})
		})
	}
	hang("Stopped", context.Canceled, context.WithCancel, func(stop func()) { stop() })
	hang("TooLate", context.DeadlineExceeded, func(ctx context.Context) (context.Context, context.CancelFunc) {
		return context.WithTimeout(ctx, 50*time.Millisecond)
	}, func(func()) {})
}
