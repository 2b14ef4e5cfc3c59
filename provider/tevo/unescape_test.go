package tevo

import (
	"net/url"
	"testing"
)

// FuzzUnescape holds our form decoding against the standard library's.
func FuzzUnescape(f *testing.F) {
	for _, s := range []string{"", "a+b%20c", "%7B%22id%22%3A1%7D", "%", "%2", "%zz", "100%25", "%E2%82%AC", "a%00b"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got, ok := unescape([]byte(s))
		want, err := url.QueryUnescape(s)
		if ok != (err == nil) || ok && string(got) != want {
			t.Errorf("%q: got %q %v; want %q %v", s, got, ok, want, err)
		}
	})
}
