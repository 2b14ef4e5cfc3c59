package sim

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// tevoSignature is the X-Signature of a request ("Signing requests with X-Signature"): the base64 HMAC-SHA256 of
// method, space, host without port, path, "?" and tail. The tail is the query of a GET, the exact body of the others;
// the "?" is there even when the tail is empty.
func tevoSignature(secret, method, host, path, tail string) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(method + " " + host + path + "?" + tail))
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// checkTEvoSignature says what is wrong with the credentials of r; nil means that they are right. A request passes
// only if token and secret are set, X-Token equals the token, a GET's query is sorted by key, and X-Signature
// fits the request byte for byte.
func checkTEvoSignature(r *http.Request, body []byte, token, secret string) error {
	if token == "" || secret == "" {
		return errors.New("no credentials are configured")
	}
	if !hmac.Equal([]byte(r.Header.Get("X-Token")), []byte(token)) {
		return errors.New("X-Token is unknown")
	}
	tail := string(body)
	if r.Method == http.MethodGet {
		if !sortedQuery(r.URL.RawQuery) {
			return errors.New("the query is not sorted by key")
		}
		tail = r.URL.RawQuery
	}
	host := r.Host
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	want := tevoSignature(secret, r.Method, host, r.URL.EscapedPath(), tail)
	if !hmac.Equal([]byte(r.Header.Get("X-Signature")), []byte(want)) {
		return errors.New("X-Signature does not fit the request")
	}
	return nil
}

func sortedQuery(raw string) bool {
	if raw == "" {
		return true
	}
	var keys []string
	for pair := range strings.SplitSeq(raw, "&") {
		key, _, _ := strings.Cut(pair, "=")
		if plain, err := url.QueryUnescape(key); err == nil {
			key = plain
		}
		keys = append(keys, key)
	}
	return slices.IsSorted(keys)
}
