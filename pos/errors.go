package pos

import (
	"errors"
	"fmt"
	"time"
)

// A Class says what went wrong at the POS, and so what may be done next. The values are stored (workflow
// histories, metrics): they never change.
type Class string

// The classes of errors.
const (
	// Transient: nothing was done; the same call may be made again.
	Transient Class = "transient"
	// RateLimited: nothing was done; the same call may be made again after Error.RetryAfter.
	RateLimited Class = "rate_limited"
	// InProgress: an earlier call with the same key still runs; ask again later.
	InProgress Class = "in_progress"
	// OutcomeUnknown: a write without a usable answer. It may have been done. The Ensure functions look first
	// when they are called again.
	OutcomeUnknown Class = "outcome_unknown"
	// Invalid: the POS refused the request as it is, and will again.
	Invalid Class = "invalid"
	// Unauthorized: the credentials are wrong or may not do this. An operator mends that.
	Unauthorized Class = "unauthorized"
	// NotFound: no record of this id.
	NotFound Class = "not_found"
	// Unavailable: the seats are sold, held by another, or fewer than asked. (A POS that is down is Transient.)
	Unavailable Class = "unavailable"
	// ReferenceConflict: the reference has a record with other content. For a person.
	ReferenceConflict Class = "reference_conflict"
	// Duplicate: the reference has more than one live record. For a person.
	Duplicate Class = "duplicate"
	// Unsupported: this POS cannot do it, or cannot do it safely. For a person.
	Unsupported Class = "unsupported"
)

// Retryable reports whether calling again, later and unchanged, can help.
func (c Class) Retryable() bool {
	switch c {
	case Transient, RateLimited, InProgress, OutcomeUnknown:
		return true
	}
	return false
}

// An Error is what every function of this package and every [Adapter] returns.
type Error struct {
	Class Class
	// Op is what was tried, such as "create invoice".
	Op string
	// Message is for operators. Like the text of Err it never holds buyer data or credentials: errors reach
	// logs, metrics and workflow histories.
	Message string
	// RetryAfter is how long the POS asked to be left alone; 0 where it did not say.
	RetryAfter time.Duration
	Err        error
}

func (e *Error) Error() string {
	s := fmt.Sprintf("pos: %s: %s", e.Op, e.Class)
	if e.Message != "" {
		s += ": " + e.Message
	}
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

func (e *Error) Unwrap() error { return e.Err }

// ClassOf returns the class of err: that of the outermost [*Error] in its chain, "" for nil, and Transient for
// anything else. Transient is right for reads only; the Ensure and Void functions never let an unclassed error
// of a write through.
func ClassOf(err error) Class {
	if err == nil {
		return ""
	}
	var e *Error
	if errors.As(err, &e) {
		return e.Class
	}
	return Transient
}

// ofWrite classes an error of a write that its adapter left unclassed.
func ofWrite(op string, err error) error {
	var e *Error
	if errors.As(err, &e) {
		return err
	}
	return &Error{Class: OutcomeUnknown, Op: op, Message: "the write has no answer", Err: err}
}

// ofRead classes an error of a read that its adapter left unclassed.
func ofRead(op string, err error) error {
	var e *Error
	if errors.As(err, &e) {
		return err
	}
	return &Error{Class: Transient, Op: op, Message: "no answer", Err: err}
}

// unproven turns the error of a look at the POS that had to prove a write into OutcomeUnknown: whatever kept
// us from looking, the write may be there.
func unproven(op, message string, err error) error {
	u := &Error{Class: OutcomeUnknown, Op: op, Message: message, Err: err}
	var e *Error
	if errors.As(err, &e) {
		u.RetryAfter = e.RetryAfter
	}
	return u
}
