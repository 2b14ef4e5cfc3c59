package httpapi

import (
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"willcall/pos"
)

// problemPrefix is what the contract's problem types begin with.
const problemPrefix = "urn:willcall:problem:pos:"

// classes is the contract's closed list of problem types.
var classes = map[string]pos.Class{
	"validation":              pos.Invalid,
	"idempotency-key-missing": pos.Invalid,
	"unauthorized":            pos.Unauthorized,
	"not-found":               pos.NotFound,
	"inventory-unavailable":   pos.Unavailable,
	"idempotency-in-progress": pos.InProgress,
	"reference-conflict":      pos.ReferenceConflict,
	"idempotency-key-reused":  pos.Invalid,
	"rate-limited":            pos.RateLimited,
	"unsupported":             pos.Unsupported,
	"unavailable":             pos.Transient,
}

// A problem is the part of an RFC 9457 document that a program may use. Its texts (title, detail) are for
// people and may quote a buyer, so they are not even read.
type problem struct {
	kind      string // without the prefix; "" if it is not of the contract
	ticketIDs []string
	pointers  []string
}

// maxNamed is how many tickets and pointers of a problem an error repeats.
const maxNamed = 8

var (
	ticketForm  = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)
	pointerForm = regexp.MustCompile(`^(/[a-z0-9_]{1,32}){1,8}$`)
)

// readProblem takes from a body what it can. Members of the wrong type are ignored (RFC 9457, section 3.1).
func readProblem(body []byte) problem {
	var raw map[string]json.RawMessage
	if json.Unmarshal(body, &raw) != nil {
		return problem{}
	}
	var p problem
	var uri string
	if json.Unmarshal(raw["type"], &uri) == nil {
		if kind, ok := strings.CutPrefix(uri, problemPrefix); ok {
			if _, known := classes[kind]; known {
				p.kind = kind
			}
		}
	}
	var ids []string
	if json.Unmarshal(raw["ticket_ids"], &ids) == nil {
		p.ticketIDs = keep(ids, ticketForm)
	}
	var faults []struct {
		Pointer string `json:"pointer"`
	}
	if json.Unmarshal(raw["errors"], &faults) == nil {
		var pointers []string
		for _, f := range faults {
			pointers = append(pointers, f.Pointer)
		}
		p.pointers = keep(pointers, pointerForm)
	}
	return p
}

// keep returns those that can be nothing but ids or pointers.
func keep(all []string, form *regexp.Regexp) []string {
	all = slices.DeleteFunc(all, func(s string) bool { return !form.MatchString(s) })
	return all[:min(len(all), maxNamed)]
}

// refused makes the error of an answer that is no success: by the problem's type, else by the status.
func (k call) refused(resp *http.Response, body []byte, now time.Time) error {
	p := readProblem(body)
	e := &pos.Error{Op: k.op, Message: strconv.Itoa(resp.StatusCode), RetryAfter: retryAfter(resp.Header, now)}
	if p.kind == "" {
		e.Class = k.classOf(resp.StatusCode)
		if resp.StatusCode < 400 {
			e.Message += " (redirects are not followed: check the base URL)"
		}
		return e
	}
	e.Class = classes[p.kind]
	e.Message += " " + p.kind
	if len(p.ticketIDs) > 0 {
		e.Message += fmt.Sprintf(" (tickets %s)", strings.Join(p.ticketIDs, ", "))
	}
	if len(p.pointers) > 0 {
		e.Message += fmt.Sprintf(" (at %s)", strings.Join(p.pointers, ", "))
	}
	return e
}

// classOf classes a status that came without a type of the contract, as from a proxy in between.
func (k call) classOf(status int) pos.Class {
	switch status {
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusProxyAuthRequired:
		return pos.Unauthorized
	case http.StatusNotFound, http.StatusGone:
		return pos.NotFound
	case http.StatusMethodNotAllowed, http.StatusNotImplemented:
		return pos.Unsupported
	case http.StatusConflict:
		// Which conflict is not known; one for a person is the safe guess.
		return pos.ReferenceConflict
	case http.StatusTooManyRequests:
		return pos.RateLimited
	case http.StatusTooEarly:
		return pos.Transient
	case http.StatusRequestTimeout:
		// Below: whoever waited too long may have been behind the effect.
	default:
		if status < 500 {
			return pos.Invalid
		}
	}
	// Any 5xx without the contract's word that nothing was done, 503 included: a proxy may have lost the answer.
	if k.write() {
		return pos.OutcomeUnknown
	}
	return pos.Transient
}

// maxRetryAfter bounds what a server may ask for: more is a mistake, and would park an order for ever.
const maxRetryAfter = 24 * time.Hour

// retryAfter reads a Retry-After header, seconds or a date (RFC 9110, section 10.2.3), and returns 0 where
// there is none to be used. A date is measured by the server's own clock where it sends one.
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
