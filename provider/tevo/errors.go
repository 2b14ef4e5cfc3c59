package tevo

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A Class says what went wrong at the API, and so what may be done next. The values are stored in workflow histories and
// metrics; they are those of the POS where the meaning is the same.
type Class string

// The classes of errors.
const (
	// Transient: nothing was done; the same call may be made again.
	Transient Class = "transient"
	// RateLimited: nothing was done; the same call may be made again after Error.RetryAfter.
	RateLimited Class = "rate_limited"
	// OutcomeUnknown: a write without a usable answer. It may have been done; the Ensure methods look first.
	OutcomeUnknown Class = "outcome_unknown"
	// Invalid: the API refused the request as it is, and will again.
	Invalid Class = "invalid"
	// Unauthorized: the credentials are wrong, missing, or may not do this. An operator mends that.
	Unauthorized Class = "unauthorized"
	// NotFound: no object of this id, or none that we may see.
	NotFound Class = "not_found"
	// Conflict: the order stands where what was asked can no longer be had. For a person.
	Conflict Class = "conflict"
	// Unsupported: the answer is of a kind that no document describes. For a person.
	Unsupported Class = "unsupported"
)

// Retryable reports whether calling again, later and unchanged, can help.
func (c Class) Retryable() bool {
	return c == Transient || c == RateLimited || c == OutcomeUnknown
}

// An Error is what every method of [Client] returns. Its text holds the operation, the status and names of fields, and
// nothing else of an answer: answers hold buyer data.
type Error struct {
	Class      Class
	Op         string        // such as "accept order"
	Status     int           // HTTP status; 0 where there was no answer
	RetryAfter time.Duration // how long the API asked to be left alone; 0 where it did not say
	Detail     string        // for operators
	Err        error         // what the network said; not in the text, for it may quote an answer
}

func (e *Error) Error() string {
	s := fmt.Sprintf("tevo: %s: %s", e.Op, e.Class)
	if e.Status != 0 {
		s += fmt.Sprintf(" (status %d)", e.Status)
	}
	if e.Detail != "" {
		s += ": " + e.Detail
	}
	return s
}

func (e *Error) Unwrap() error { return e.Err }

// ClassOf is the class of the outermost [*Error] in err's chain, "" if there is none.
func ClassOf(err error) Class {
	var e *Error
	if errors.As(err, &e) {
		return e.Class
	}
	return ""
}

// noAnswer classes an error of the network. A write that reached no server did nothing; of any other write nobody knows.
func noAnswer(op string, write bool, err error) *Error {
	e := &Error{Class: Transient, Op: op, Detail: "no answer", Err: err}
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

// refusal classes a status that is no success. (public: the request handler of the Ruby client; 503 may be a rate limit)
func refusal(op string, write bool, status int, h http.Header, body []byte) *Error {
	e := &Error{Op: op, Status: status, Detail: fieldNames(body)}
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

// fieldNames lists the names of the fields that an answer complains of: the keys of its object, and of objects in it.
// Their values are not for logs.
func fieldNames(body []byte) string {
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
	list = slices.DeleteFunc(list, func(s string) bool { return strings.Trim(s, "abcdefghijklmnopqrstuvwxyz_.") != "" || len(s) > maxID })
	if len(list) == 0 {
		return ""
	}
	return "the answer has the fields " + strings.Join(list[:min(len(list), 10)], ", ")
}
