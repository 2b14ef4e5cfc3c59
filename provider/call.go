package provider

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The classes of a [CallError]. The values lie in workflow histories and metrics; they are those of the POS where the meaning
// is the same, and never change.
const (
	Transient      = "transient"       // nothing was done; the same call may be made again
	RateLimited    = "rate_limited"    // nothing was done; the same call may be made again after RetryAfter
	OutcomeUnknown = "outcome_unknown" // a write without a usable answer: look before it is made again
	Invalid        = "invalid"         // the API refused the request as it is, and will again
	Unauthorized   = "unauthorized"    // credentials are wrong, missing, or may not do this
	NotFound       = "not_found"       // no object of this id, or none that we may see
	Conflict       = "conflict"        // the object stands where what was asked can no longer be had
	Unsupported    = "unsupported"     // the answer is of a kind that no document describes
)

// CallError says what became of a call to a provider's API. Its text holds no buyer data and nothing of the answer's body.
type CallError struct {
	Class      string // one of those above
	Op         string // such as "accept order"
	Status     int    // HTTP status; 0 where no answer came
	RetryAfter time.Duration
	Detail     string
	Err        error // what the network said; not in the text, for it may quote an answer
}

func (e *CallError) Error() string {
	s := e.Op + ": " + e.Class
	if e.Status != 0 {
		s += fmt.Sprintf(" (HTTP %d)", e.Status)
	}
	if e.Detail != "" {
		s += ": " + e.Detail
	}
	return s
}

func (e *CallError) Unwrap() error { return e.Err }

// ClassOf is the class of the outermost [*CallError] in err's chain, "" if there is none.
func ClassOf(err error) string {
	var e *CallError
	if errors.As(err, &e) {
		return e.Class
	}
	return ""
}

// Answer is what an API answered with success.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
}

// NewRequest is a request for [Do], still without credentials. path, which is escaped, goes behind that of base. in is the JSON of a
// write, nil for none, and body its bytes. Errors are [*CallError].
func NewRequest(ctx context.Context, op, method, base, path string, query url.Values, in any) (req *http.Request, body []byte, err error) {
	fail := func(detail string) (*http.Request, []byte, error) {
		return nil, nil, &CallError{Class: Invalid, Op: op, Detail: detail}
	}
	const noURL = "the configured base URL is no URL"
	u, err := url.Parse(strings.TrimRight(base, "/"))
	if err != nil || u.Host == "" {
		return fail(noURL)
	}
	if in != nil {
		if body, err = json.Marshal(in); err != nil {
			return fail("the request cannot be written as JSON")
		}
	}
	target := u.Scheme + "://" + u.Host + u.EscapedPath() + path
	if len(query) > 0 {
		target += "?" + query.Encode() // sorted by key; these very bytes are sent
	}
	if req, err = http.NewRequestWithContext(ctx, method, target, bytes.NewReader(body)); err != nil {
		return fail(noURL)
	}
	if in != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	return req, body, nil
}

// Do makes one request and retries nothing: that is for the caller, who can read from the error's class whether it helps.
// Every method but GET is taken for a write; see [Write]. A nil client gives up after 30 seconds. An answer of more than limit
// bytes is none. Errors are [*CallError].
func Do(client *http.Client, req *http.Request, op string, limit int64) (Answer, error) {
	return do(client, req, op, limit, req.Method != http.MethodGet)
}

// Write is [Do] for a call that changes something whatever its method: some APIs write by GET. req must have no body.
func Write(client *http.Client, req *http.Request, op string, limit int64) (Answer, error) {
	// net/http sends a GET again by itself where a connection breaks that was used before, unless its body, even one of no bytes,
	// cannot be had twice. What is done once must not be done again before somebody has looked.
	req.Body, req.GetBody, req.ContentLength = io.NopCloser(strings.NewReader("")), nil, 0
	return do(client, req, op, limit, true)
}

func do(client *http.Client, req *http.Request, op string, limit int64, write bool) (Answer, error) {
	c := http.Client{Timeout: 30 * time.Second}
	if client != nil {
		c = *client
	}
	// A redirect would be followed with a signature for another path, or a POST as a GET.
	c.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	resp, err := c.Do(req)
	if err != nil {
		return Answer{}, NoAnswer(op, write, err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, limit+1))
	switch ok := resp.StatusCode/100 == 2; {
	case !ok:
		return Answer{}, Refusal(op, write, resp.StatusCode, resp.Header, body)
	case err != nil:
		e := NoAnswer(op, write, err)
		e.Status, e.Detail = resp.StatusCode, "the answer broke off"
		return Answer{}, e
	case int64(len(body)) > limit:
		return Answer{}, Odd(op, write, resp.StatusCode, "the answer is too large")
	}
	return Answer{resp.StatusCode, resp.Header, body}, nil
}

// NoAnswer classes an error of the network. A write that reached no server did nothing; of any other write nobody knows.
func NoAnswer(op string, write bool, err error) *CallError {
	e := &CallError{Class: Transient, Op: op, Detail: "no answer", Err: err}
	if write {
		e.Class = OutcomeUnknown
	}
	var dial *net.OpError
	var cert *tls.CertificateVerificationError
	switch {
	case errors.Is(err, context.Canceled):
		e.Detail = "the call was stopped"
	case errors.Is(err, context.DeadlineExceeded):
		e.Detail = "no answer in time"
	case errors.As(err, &dial) && dial.Op == "dial":
		e.Class, e.Detail = Transient, "no connection: "+dial.Error()
	case errors.As(err, &cert):
		e.Class, e.Detail = Transient, "no connection: "+cert.Error()
	}
	return e
}

// Refusal classes a status that is no success. Of the answer's body only names of fields get into the error.
func Refusal(op string, write bool, status int, h http.Header, body []byte) *CallError {
	e := &CallError{Op: op, Status: status, Detail: FieldNames(body)}
	switch {
	case status == http.StatusTooManyRequests, status == http.StatusServiceUnavailable:
		e.Class, e.RetryAfter = RateLimited, retryAfter(h)
	case status >= 500, status == http.StatusRequestTimeout:
		e.Class = Transient
		if write {
			e.Class = OutcomeUnknown
		}
	case status == http.StatusUnauthorized, status == http.StatusForbidden:
		e.Class = Unauthorized
	case status == http.StatusNotFound, status == http.StatusGone:
		e.Class = NotFound
	default:
		e.Class = Invalid
	}
	return e
}

// Odd classes a success whose content cannot be used. A proxy's page or a broken answer may be gone next time.
func Odd(op string, write bool, status int, detail string) *CallError {
	e := &CallError{Class: Transient, Op: op, Status: status, Detail: detail}
	if write {
		e.Class = OutcomeUnknown
	}
	return e
}

// longestWait bounds what a Retry-After may ask for.
const longestWait = time.Hour

// retryAfter reads a Retry-After in seconds or as a date (RFC 9110, 10.2.3).
func retryAfter(h http.Header) time.Duration {
	v := strings.TrimSpace(h.Get("Retry-After"))
	wait := time.Duration(0)
	if n, err := strconv.Atoi(v); err == nil {
		wait = time.Duration(min(n, int(longestWait/time.Second))) * time.Second
	} else if t, err := http.ParseTime(v); err == nil {
		wait = time.Until(t)
	}
	return max(0, min(wait, longestWait))
}

// maxName is how long a word may be to pass for the name of a field.
const maxName = 64

// FieldNames lists the names of the fields that an answer complains of: the keys of its object, and of objects in it.
// Their values are not for logs.
func FieldNames(body []byte) string {
	var top map[string]json.RawMessage
	if json.Unmarshal(body, &top) != nil {
		return ""
	}
	names := map[string]bool{}
	for k, v := range top {
		names[k] = true
		var inner map[string]json.RawMessage
		if k != "errors" && k != "error" || json.Unmarshal(v, &inner) != nil {
			continue
		}
		for f := range inner {
			names[k+"."+f] = true
		}
	}
	list := slices.Sorted(maps.Keys(names))
	list = slices.DeleteFunc(list, func(s string) bool {
		return strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_.") != "" || len(s) > maxName
	})
	if len(list) == 0 {
		return ""
	}
	return "the answer has the fields " + strings.Join(list[:min(len(list), 10)], ", ")
}
