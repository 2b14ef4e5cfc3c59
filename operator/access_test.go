package operator_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"willcall/operator"
	"willcall/postgres"
)

func TestRefusals(t *testing.T) {
	t.Parallel()
	s := newSetup(t)
	id := s.saveWebhook("new", nil)
	for _, test := range []struct {
		name, method, path, body string
		code                     int
		problem, says            string
	}{
		{"UnknownPath", "GET", "/v2", "", 404, "not-found", "/v1/orders"},
		{"WrongMethod", "DELETE", "/v1/orders", "", 405, "method-not-allowed", "Allow"},
		{"NoSuchOrder", "GET", "/v1/orders/order:toy:nope", "", 404, "not-found", "order"},
		{"NoOrderID", "GET", "/v1/orders/7", "", 400, "bad-request", "order:<source>"},
		{"OrderIDWithZeroByte", "GET", "/v1/orders/order:%00", "", 400, "bad-request", "order:<source>"},
		{"NoWebhookID", "GET", "/v1/webhooks/7", "", 400, "bad-request", "UUID"},
		{"NoSuchWebhook", "GET", "/v1/webhooks/" + postgres.NewID(), "", 404, "not-found", "webhook"},
		{"ReplayOfNoID", "POST", "/v1/webhooks/7/replay", "", 400, "bad-request", "UUID"},
		{"UnknownParameter", "GET", "/v1/orders?stat=x", "", 400, "bad-request", "source, state, attention, event, limit, cursor"},
		{"ParameterTwice", "GET", "/v1/orders?source=a&source=b", "", 400, "bad-request", "more than once"},
		{"UnknownState", "GET", "/v1/orders?state=banana", "", 400, "bad-request", "awaiting_payment"},
		{"UnknownDisposition", "GET", "/v1/webhooks?disposition=banana", "", 400, "bad-request", "quarantined"},
		{"NoTime", "GET", "/v1/webhooks?from=yesterday", "", 400, "bad-request", "2026-"},
		{"LimitZero", "GET", "/v1/orders?limit=0", "", 400, "bad-request", "1 to 500"},
		{"LimitTooLarge", "GET", "/v1/webhooks?limit=501", "", 400, "bad-request", "1 to 500"},
		{"ForeignOrderCursor", "GET", "/v1/orders?cursor=banana", "", 400, "bad-request", "next"},
		{"ForeignWebhookCursor", "GET", "/v1/webhooks?cursor=banana", "", 400, "bad-request", "next"},
		{"ForeignDuplicateCursor", "GET", "/v1/duplicates?cursor=banana", "", 400, "bad-request", "next"},
		{"UnknownParameterOfDuplicates", "GET", "/v1/duplicates?kind=invoice", "", 400, "bad-request", "source, gone, limit, cursor"},
		{"ZeroByteInFilter", "GET", "/v1/orders?source=%00", "", 400, "bad-request", "control"},
		{"ReplayOfEverything", "POST", "/v1/webhooks/replay", `{}`, 400, "bad-request", "at least one"},
		{"ReplayWithTypo", "POST", "/v1/webhooks/replay", `{"sorce":"toy"}`, 400, "bad-request", "sorce"},
		{"ReplayOfNoJSON", "POST", "/v1/webhooks/replay", `{"source":`, 400, "bad-request", "JSON"},
		{"ReplayOfTwoJSONs", "POST", "/v1/webhooks/replay", `{"source":"toy"}{}`, 400, "bad-request", "behind"},
		{"ReplayWithoutFilter", "POST", "/v1/webhooks/replay", "", 415, "unsupported-media-type", "application/json"},
		{"ReplayLimitTooLarge", "POST", "/v1/webhooks/replay", `{"source":"toy","limit":501}`, 400, "bad-request", "500"},
		{"ReplayOfUnknownDisposition", "POST", "/v1/webhooks/replay", `{"disposition":"banana"}`, 400, "bad-request", "quarantined"},
		{"ReplayBodyTooLarge", "POST", "/v1/webhooks/" + id + "/replay", `{"by":"` + strings.Repeat("x", 70_000) + `"}`, 400, "bad-request", "64 KB"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w := s.ask(test.method, test.path, test.body)
			name, detail := problem(t, w)
			if w.Code != test.code || name != test.problem || !strings.Contains(detail, test.says) {
				t.Errorf("got %d %s %q; want %d %s with %q", w.Code, name, detail, test.code, test.problem, test.says)
			}
		})
	}
}

func TestAccess(t *testing.T) {
	t.Parallel()
	s := newSetup(t)
	for _, test := range []struct {
		name    string
		token   string
		method  string
		path    string
		change  func(*http.Request)
		code    int
		problem string
	}{
		{"LoopbackWithoutToken", "", "GET", "/v1/orders", nil, 200, ""},
		{"IPv6Loopback", "", "GET", "/v1/orders", func(r *http.Request) { r.RemoteAddr, r.Host = "[::1]:1", "[::1]:8081" }, 200, ""},
		{"LoopbackHostWithoutPort", "", "GET", "/v1/orders", func(r *http.Request) { r.Host = "127.0.0.1" }, 200, ""},
		{"ForeignAddressWithoutToken", "", "GET", "/v1/orders", func(r *http.Request) { r.RemoteAddr = "192.0.2.1:1" }, 403, "loopback-only"},
		{"ForeignHostNameThatResolvesHere", "", "GET", "/v1/orders", func(r *http.Request) { r.Host = "evil.example:8081" }, 403, "loopback-only"},
		{"PostFromAnotherOrigin", "", "POST", "/v1/webhooks/replay", func(r *http.Request) { r.Header.Set("Origin", "https://evil.example") }, 403, "cross-origin"},
		{"RightToken", "t0ken", "GET", "/v1/orders", func(r *http.Request) {
			r.RemoteAddr, r.Host = "192.0.2.1:1", "willcall.example"
			r.Header.Set("Authorization", "Bearer t0ken")
		}, 200, ""},
		{"NoToken", "t0ken", "GET", "/v1/orders", nil, 401, "not-authorized"},
		{"WrongToken", "t0ken", "GET", "/v1/orders", func(r *http.Request) { r.Header.Set("Authorization", "Bearer t0kem") }, 401, "not-authorized"},
		{"TokenWithoutScheme", "t0ken", "GET", "/v1/orders", func(r *http.Request) { r.Header.Set("Authorization", "t0ken") }, 401, "not-authorized"},
		{"MetricsNeedTheToken", "t0ken", "GET", "/metrics", nil, 401, "not-authorized"},
		{"DuplicatesNeedTheToken", "t0ken", "GET", "/v1/duplicates", nil, 401, "not-authorized"},
		{"ReplayNeedsTheToken", "t0ken", "POST", "/v1/webhooks/replay", nil, 401, "not-authorized"},
		{"ProbesNeedNoToken", "t0ken", "GET", "/livez", func(r *http.Request) { r.RemoteAddr = "192.0.2.1:1" }, 200, ""},
		{"ReadinessNeedsNoToken", "t0ken", "GET", "/readyz", nil, 200, ""},
		{"Metrics", "", "GET", "/metrics", nil, 200, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			with := &setup{t: t, opt: s.opt}
			with.opt.Token = test.token
			w := with.ask(test.method, test.path, "", func(r *http.Request) {
				if test.change != nil {
					test.change(r)
				}
			})
			if w.Code != test.code {
				t.Errorf("status = %d; want %d: %s", w.Code, test.code, w.Body)
			}
			if test.problem != "" {
				if name, _ := problem(t, w); name != test.problem {
					t.Errorf("problem = %s; want %s", name, test.problem)
				}
			}
			if test.code == 401 && w.Header().Get("WWW-Authenticate") == "" {
				t.Error("401 without WWW-Authenticate")
			}
			if test.path == "/metrics" && test.code == 200 && !strings.Contains(w.Body.String(), "willcall_test_total 0") {
				t.Errorf("metrics = %s", w.Body)
			}
			if test.token != "" && strings.Contains(w.Body.String(), test.token) {
				t.Errorf("the token is in the answer: %s", w.Body)
			}
		})
	}
}

func TestReadinessSaysWhatIsMissing(t *testing.T) {
	t.Parallel()
	s := newSetup(t)
	s.opt.Ready = func(context.Context) error { return errors.New("postgres: schema is at 3, this program wants 4") }
	w := s.ask("GET", "/readyz", "")
	name, detail := problem(t, w)
	if w.Code != 503 || name != "not-ready" || !strings.Contains(detail, "schema is at 3") || w.Header().Get("Retry-After") == "" {
		t.Errorf("readyz = %d %s %q; want 503 with the reason", w.Code, name, detail)
	}
	if w := s.ask("GET", "/livez", ""); w.Code != 200 {
		t.Errorf("livez = %d; want 200: a restart would not help", w.Code)
	}
}

func TestPostgresAway(t *testing.T) {
	t.Parallel()
	s := newSetup(t)
	db, err := postgres.Open(t.Context(), postgres.Options{URL: "postgres://u:secret-word@127.0.0.1:1/none"})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	s.opt.DB = db
	for _, path := range []string{"/v1/orders", "/v1/orders/order:toy:7", "/v1/webhooks", "/v1/webhooks/" + postgres.NewID(), "/v1/duplicates"} {
		w := s.ask("GET", path, "")
		if name, _ := problem(t, w); w.Code != 503 || name != "storage-unavailable" || w.Header().Get("Retry-After") == "" {
			t.Errorf("%s = %d %s; want 503 with Retry-After", path, w.Code, name)
		}
		if strings.Contains(w.Body.String()+s.logs.String(), "secret-word") {
			t.Errorf("%s leaks the password", path)
		}
	}
}

func FuzzAPI(f *testing.F) {
	f.Add("GET", "/v1/orders/order:toy:7", "cursor=x&limit=1", []byte(nil))
	f.Add("POST", "/v1/webhooks/replay", "", []byte(`{"source":"toy"}`))
	f.Fuzz(func(t *testing.T, method, path, rawQuery string, body []byte) {
		db, err := postgres.Open(t.Context(), postgres.Options{URL: "postgres://u@127.0.0.1:1/none"})
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		r := httptest.NewRequest("GET", "/", io.NopCloser(bytes.NewReader(body)))
		r.Method, r.URL.Path, r.URL.RawQuery = method, path, rawQuery
		r.RemoteAddr, r.Host = "127.0.0.1:1", "localhost"
		r.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		operator.Handler(operator.Options{DB: db, Registry: prometheus.NewRegistry(), Logger: slog.New(slog.DiscardHandler),
			Ready: func(context.Context) error { return nil }}).ServeHTTP(w, r)
		if w.Code >= 500 && w.Code != 503 {
			t.Errorf("status = %d: %s", w.Code, w.Body)
		}
	})
}
