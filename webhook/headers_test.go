package webhook

import (
	"net/http/httptest"
	"net/netip"
	"testing"
)

func TestSender(t *testing.T) {
	t.Parallel()
	ours := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
	for _, test := range []struct {
		name, remote, forwarded, want string
		proxies                       []netip.Prefix
	}{
		{"Direct", "203.0.113.7:4711", "", "203.0.113.7", ours},
		{"DirectClaimsAreIgnored", "203.0.113.7:4711", "198.51.100.1", "203.0.113.7", ours},
		{"NoProxiesConfigured", "10.0.0.1:4711", "198.51.100.1", "10.0.0.1", nil},
		{"BehindProxy", "10.0.0.1:4711", "198.51.100.1", "198.51.100.1", ours},
		{"ClaimInFrontOfProxyIsIgnored", "10.0.0.1:4711", "192.0.2.9, 198.51.100.1, 10.0.0.2", "198.51.100.1", ours},
		{"MappedAddress", "[::ffff:203.0.113.7]:1", "", "203.0.113.7", ours},
		{"NonsenseIsNoAddress", "10.0.0.1:4711", "banana", "invalid IP", ours},
		{"OnlyProxies", "10.0.0.1:4711", "", "10.0.0.1", ours},
		{"NoAddress", "@", "", "invalid IP", ours},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			r := httptest.NewRequest("POST", "/", nil)
			r.RemoteAddr = test.remote
			if test.forwarded != "" {
				r.Header.Set("X-Forwarded-For", test.forwarded)
			}
			if got := sender(r, test.proxies).String(); got != test.want {
				t.Errorf("sender = %q; want %q", got, test.want)
			}
		})
	}
}

func TestClip(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		in   string
		n    int
		want string
	}{{"abc", 3, "abc"}, {"abcd", 3, "abc"}, {"a€", 3, "a"}, {"a€", 4, "a€"}, {"€", 2, ""}, {"a\x00b\xff", 9, "ab\uFFFD"}, {"", 0, ""}} {
		if got := clip(test.in, test.n); got != test.want {
			t.Errorf("clip(%q, %d) = %q; want %q", test.in, test.n, got, test.want)
		}
	}
}
