package tevocore

import (
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"willcall/pos"
)

// maxNamed is how many fields an error names.
const maxNamed = 8

// fieldForm is what a field of a refusal may look like to be repeated in an error. The texts beside it may quote a buyer,
// and a refusal repeats the whole request, so neither is even read.
var fieldForm = regexp.MustCompile(`^[a-z][a-z0-9_]{0,31}(\.[a-z][a-z0-9_]{0,31}){0,3}$`)

// faultyFields returns the names of the fields that a body finds fault with, in the forms that the client libraries decode:
// {"errors": {field: […]}}, and such a map within the entries of "orders" or "clients". ({"error": text} and
// {"errors": [text]} name none; then the status must do.)
func faultyFields(body []byte) []string {
	type refusal struct {
		Errors jsontext.Value `json:"errors"`
	}
	var raw struct {
		refusal
		Orders  []refusal `json:"orders"`
		Clients []refusal `json:"clients"`
	}
	if parse(body, &raw) != nil {
		return nil
	}
	named := map[string]bool{}
	for _, r := range slices.Concat([]refusal{raw.refusal}, raw.Orders, raw.Clients) {
		var fields map[string]jsontext.Value
		if parse(r.Errors, &fields) != nil {
			// A list of texts is a refusal, too.
			var texts []jsontext.Value
			if parse(r.Errors, &texts) == nil && len(texts) > 0 {
				named["base"] = true
			}
			continue
		}
		for name := range fields {
			if fieldForm.MatchString(name) {
				named[name] = true
			} else {
				named["base"] = true
			}
		}
	}
	names := slices.Sorted(maps.Keys(named))
	return names[:min(len(names), maxNamed)]
}

func (k call) invalid(status int, names []string) error {
	e := &pos.Error{Class: pos.Invalid, Op: k.op, Message: strconv.Itoa(status)}
	if len(names) > 0 {
		e.Message += " (at " + strings.Join(names, ", ") + ")"
	}
	return e
}

// refused makes the error of an answer that is no success. (public: the Ruby client's request handler for the statuses)
func (k call) refused(resp *http.Response, body []byte, now time.Time) error {
	class := k.classOf(resp.StatusCode)
	if class == pos.Invalid && resp.StatusCode >= 400 {
		return k.invalid(resp.StatusCode, faultyFields(body))
	}
	e := &pos.Error{Class: class, Op: k.op, Message: strconv.Itoa(resp.StatusCode), RetryAfter: retryAfter(resp.Header, now)}
	switch {
	case resp.StatusCode < 400:
		e.Message += " (redirects are not followed: check BaseURL and Listings)"
	case resp.StatusCode == http.StatusNotAcceptable:
		e.Message += " (this version of the API is not served)"
	}
	return e
}

func (k call) classOf(status int) pos.Class {
	switch status {
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusProxyAuthRequired:
		return pos.Unauthorized
	case http.StatusNotFound, http.StatusGone:
		return pos.NotFound
	case http.StatusNotAcceptable, http.StatusMethodNotAllowed, http.StatusNotImplemented:
		return pos.Unsupported
	case http.StatusConflict:
		// None is documented; one for a person is the safe guess.
		return pos.ReferenceConflict
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		// 503 "may mean the rate limit" and "should be retried"; no other sign of the limit is documented.
		return pos.RateLimited
	case http.StatusTooEarly:
		return pos.Transient
	case http.StatusRequestTimeout:
		// Below: whoever waited too long may have been behind the effect.
	default:
		if status < 400 {
			return pos.Unsupported
		}
		if status < 500 {
			return pos.Invalid
		}
	}
	// Any other 5xx: whether it came before the effect nobody says.
	if k.write() {
		return pos.OutcomeUnknown
	}
	return pos.Transient
}

// maxRetryAfter bounds what a server may ask for: more is a mistake, and would park an order for ever.
const maxRetryAfter = 24 * time.Hour

// retryAfter reads a Retry-After header, seconds or a date (RFC 9110, section 10.2.3), and returns 0 where there is none to
// be used. A date is measured by the server's own clock where it sends one.
func retryAfter(h http.Header, now time.Time) time.Duration {
	v := strings.TrimSpace(h.Get("Retry-After"))
	if seconds, err := strconv.ParseUint(v, 10, 32); err == nil {
		return min(time.Duration(seconds)*time.Second, maxRetryAfter)
	}
	at, err := http.ParseTime(v)
	if err != nil {
		return 0
	}
	if date, err := http.ParseTime(h.Get("Date")); err == nil {
		now = date
	}
	return min(max(at.Sub(now), 0), maxRetryAfter)
}
