package webhook

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"willcall/postgres"
	"willcall/provider"
)

func TestAnswers(t *testing.T) {
	t.Parallel()
	big := strings.Repeat(" ", 200_001)
	request := func(change func(*http.Request)) func() *http.Request {
		return func() *http.Request {
			r := post(toy("order", "7", ""))
			change(r)
			return r
		}
	}
	body := func(b string) func() *http.Request { return func() *http.Request { return post(b) } }
	to := func(method, path string) func() *http.Request {
		return request(func(r *http.Request) { r.Method, r.URL.Path = method, path })
	}
	fails := func(err error) func(*rig) {
		return func(r *rig) {
			r.put = func(context.Context, postgres.Webhook) (postgres.Stored, error) { return postgres.Stored{}, err }
		}
	}
	for _, test := range []struct {
		name    string
		rig     func(*rig)
		request func() *http.Request
		code    int
		status  string // of a receipt
		problem string // of a refusal
		header  map[string]string
		rows    int
		forward int
	}{
		{name: "OrdersAreAccepted", request: body(toy("order", "7", "")), code: 200, status: "accepted", rows: 1, forward: 1,
			header: map[string]string{"Content-Type": "application/json"}},
		{name: "OtherNewsIsRecorded", request: body(toy("note", "7", "")), code: 200, status: "recorded", rows: 1},
		{name: "UnknownTypesAreKept", request: body(toy("banana", "", "")), code: 202, status: "unknown", rows: 1},
		{name: "UndecodableIsQuarantined", request: body("no json"), code: 202, status: "quarantined", rows: 1},
		{name: "EmptyIsQuarantined", request: body(""), code: 202, status: "quarantined", rows: 1},
		{name: "DecoderPanicIsQuarantined", request: body(toy("panic", "", "")), code: 202, status: "quarantined", rows: 1},
		{name: "OrderWithoutIDIsQuarantined", request: body(toy("order", "", "")), code: 202, status: "quarantined", rows: 1},
		{name: "OrderIDTooLongForAWorkflowIsQuarantined", request: body(toy("order", strings.Repeat("7", 201), "")), code: 202,
			status: "quarantined", rows: 1},
		{name: "OrderIDWithZeroByteIsQuarantined", request: body(toy("order", "7\x00", "")), code: 202, status: "quarantined", rows: 1},

		{name: "UnknownSource", request: to("POST", "/webhooks/other"), code: 404, problem: "unknown-source"},
		{name: "UnknownPath", request: to("POST", "/elsewhere"), code: 404, problem: "unknown-source"},
		{name: "TrailingSlashIsNoRedirect", request: to("POST", "/webhooks/toy/a/"), code: 404, problem: "unknown-source"},
		{name: "GET", request: to("GET", "/webhooks/toy"), code: 405, problem: "method-not-allowed",
			header: map[string]string{"Allow": "POST"}},
		{name: "PUTWithToken", request: to("PUT", "/webhooks/toy/token"), code: 405, problem: "method-not-allowed",
			header: map[string]string{"Allow": "POST"}},
		{name: "MethodRevealsNoSource", request: to("GET", "/webhooks/other"), code: 405, problem: "method-not-allowed"},

		{name: "WrongMediaType", request: request(func(r *http.Request) { r.Header.Set("Content-Type", "text/plain") }), code: 415,
			problem: "unsupported-media-type", header: map[string]string{"Accept-Post": "application/json"}},
		{name: "NoMediaType", request: request(func(r *http.Request) { r.Header.Del("Content-Type") }), code: 415,
			problem: "unsupported-media-type"},
		{name: "MediaTypeParametersDoNotMatter", request: request(func(r *http.Request) {
			r.Header.Set("Content-Type", "Application/JSON; charset=utf-8; x")
		}), code: 200, status: "accepted", rows: 1, forward: 1},
		{name: "CompressedBody", request: request(func(r *http.Request) { r.Header.Set("Content-Encoding", "gzip") }), code: 415,
			problem: "unsupported-media-type"},
		{name: "DeclaredTooLarge", request: body(big), code: 413, problem: "body-too-large",
			header: map[string]string{"Connection": "close"}},
		{name: "ChunkedTooLarge", request: func() *http.Request {
			r := post(big)
			r.ContentLength = -1
			return r
		}, code: 413, problem: "body-too-large", header: map[string]string{"Connection": "close"}},
		{name: "LimitItselfIsTaken", request: body(toy("order", "7", "") + strings.Repeat(" ", 200_000-len(toy("order", "7", "")))),
			code: 200, status: "accepted", rows: 1, forward: 1},
		{name: "TooManyBytesInFlight", rig: func(r *rig) { r.MaxInFlightBytes = 10 }, request: body(toy("order", "7", "")), code: 503,
			problem: "too-busy", header: map[string]string{"Retry-After": "2"}},
		{name: "ChunkedTooManyBytesInFlight", rig: func(r *rig) { r.MaxInFlightBytes = 10 }, request: request(func(r *http.Request) {
			r.ContentLength = -1
		}), code: 503, problem: "too-busy"},
		{name: "CutOffBody", request: request(func(r *http.Request) { r.ContentLength++ }), code: 400, problem: "body-incomplete"},

		{name: "Unsigned", request: request(func(r *http.Request) { r.Header.Del("X-Toy-Signature") }), code: 401,
			problem: "not-authentic", header: map[string]string{"Www-Authenticate": `Webhook realm="webhooks"`}},
		{name: "ForeignSignature", request: request(func(r *http.Request) { r.Header.Set("X-Toy-Signature", toySign(nil)) }), code: 401,
			problem: "not-authentic"},
		{name: "VerifierWithAnotherErrorFailsClosed", rig: func(r *rig) {
			r.Sources[0].Verify = func(provider.Delivery, netip.Addr) error { return io.EOF }
		}, request: body(toy("order", "7", "")), code: 401, problem: "not-authentic"},
		{name: "OwnSecretMissingIsOurFault", rig: func(r *rig) {
			r.Sources[0].Verify = func(provider.Delivery, netip.Addr) error { return fmt.Errorf("toy: %w", provider.ErrNoSecret) }
		}, request: body(toy("order", "7", "")), code: 503, problem: "not-verifiable", header: map[string]string{"Retry-After": "60"}},
		{name: "VerifierPanicIsOurFault", rig: func(r *rig) {
			r.Sources[0].Verify = func(provider.Delivery, netip.Addr) error { panic(buyer) }
		}, request: body(toy("order", "7", "")), code: 500, problem: "internal"},

		{name: "StorageAway", rig: fails(postgres.ErrUnavailable), request: body(toy("order", "7", "")), code: 503,
			problem: "storage-unavailable", header: map[string]string{"Retry-After": "5"}},
		{name: "StorageBusy", rig: fails(postgres.ErrBusy), request: body(toy("order", "7", "")), code: 503, problem: "too-busy"},
		{name: "StorageTooSlow", rig: func(r *rig) {
			r.AckTimeout = time.Millisecond
			r.put = func(ctx context.Context, _ postgres.Webhook) (postgres.Stored, error) {
				<-ctx.Done()
				return postgres.Stored{}, ctx.Err()
			}
		}, request: body(toy("order", "7", "")), code: 503, problem: "storage-unavailable"},
		{name: "StorageRefusal", rig: fails(errors.New("a bug")), request: body(toy("order", "7", "")), code: 503,
			problem: "storage-unavailable"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			if test.rig != nil {
				test.rig(r)
			}
			w := serve(Handler(r.Options), test.request())
			if w.Code != test.code {
				t.Errorf("status = %d; want %d\n%s", w.Code, test.code, w.Body)
			}
			for name, want := range test.header {
				if got := w.Header().Get(name); got != want {
					t.Errorf("header %s = %q; want %q", name, got, want)
				}
			}
			switch {
			case test.problem != "":
				if got := problemOf(t, w); got != test.problem {
					t.Errorf("problem = %q; want %q", got, test.problem)
				}
				source := "toy"
				if test.problem == "unknown-source" || test.problem == "method-not-allowed" || test.problem == "internal" {
					source = "none"
				}
				if got := r.count(t, "willcall_webhooks_refused_total", test.problem, source); got != 1 {
					t.Errorf("refusals counted = %v; want 1", got)
				}
			default:
				var got receipt
				if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil {
					t.Fatal(err)
				}
				if want := (receipt{ID: r.rows[0].ID, Status: test.status}); got != want {
					t.Errorf("receipt = %+v; want %+v", got, want)
				}
			}
			if got := len(r.rows); got != test.rows {
				t.Errorf("rows = %d; want %d", got, test.rows)
			}
			if got := len(r.forwarded); got != test.forward {
				t.Errorf("forwarded = %d; want %d", got, test.forward)
			}
			if got := r.count(t, "willcall_webhook_in_flight_bytes"); got != 0 {
				t.Errorf("bytes in flight afterwards = %v; want 0", got)
			}
			if test.problem == "not-authentic" && !strings.Contains(r.logs.String(), `"error":"`) {
				t.Errorf("the log does not say why it was not believed:\n%s", r.logs)
			}
			for _, secret := range []string{"Ada", "ada@example.com", toyKey} {
				if strings.Contains(r.logs.String(), secret) || strings.Contains(w.Body.String(), secret) {
					t.Errorf("%q leaked:\n%s\n%s", secret, r.logs, w.Body)
				}
			}
		})
	}
}
