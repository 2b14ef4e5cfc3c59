package provider

import (
	"io"
	"net/http"
	"net/url"
	"testing"
	"time"
)

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

func TestNewRequest(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		base  string
		query url.Values
		in    any
		want  string // URL, content type and body
	}{
		{"https://api.example.com", nil, nil, "https://api.example.com/v9/a%2Fb  "},
		{"https://u:p@api.example.com:8443/gate%20way/", url.Values{"b": {"2"}, "a": {"1 &"}}, map[string]int{"n": 1},
			`https://api.example.com:8443/gate%20way/v9/a%2Fb?a=1+%26&b=2 application/json {"n":1}`},
		{"api.example.com", nil, nil, ""}, {"", nil, nil, ""}, {"http://a b", nil, nil, ""}, {"::", nil, nil, ""},
		{"https://api.example.com", nil, func() {}, ""},
	} {
		req, body, err := NewRequest(t.Context(), "show", http.MethodPost, c.base, "/v9/a%2Fb", c.query, c.in)
		if c.want == "" {
			if ClassOf(err) != Invalid || req != nil {
				t.Errorf("%s: got %v, %v; want none, and %s", c.base, req, err, Invalid)
			}
			continue
		}
		if err != nil {
			t.Fatalf("%s: %v", c.base, err)
		}
		sent, _ := io.ReadAll(req.Body)
		if got := req.URL.String() + " " + req.Header.Get("Content-Type") + " " + string(body); got != c.want || string(sent) != string(body) {
			t.Errorf("%s: got %s, sends %s; want %s", c.base, got, sent, c.want)
		}
	}
}
