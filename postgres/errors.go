package postgres

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// The classes of error; use errors.Is.
var (
	ErrNotFound    = errors.New("not found")
	ErrUnavailable = errors.New("postgres is unavailable") // away, refusing, shutting down, too slow: try again later
	ErrBusy        = errors.New("too many are waiting")    // of our own bounded queue: try again later
	ErrInProgress  = errors.New("in progress elsewhere")   // see [InProgressError]
	ErrConflict    = errors.New("conflict")                // with what is stored: trying again changes nothing
	ErrInvalid     = errors.New("invalid")                 // the argument cannot be stored or understood
	ErrSchema      = errors.New("wrong schema version")
)

// Error says which operation failed and why, without any value of a row: drivers and servers quote values in their
// messages, so those are dropped unless they are known to be free of them.
type Error struct {
	op     string
	class  error // one of the sentinels above, or nil
	code   string
	detail string
	cause  error // a context's error, or nil

	dialled bool // no connection could be made
	lost    bool // the connection broke under the statement
}

// Error returns the operation, the class and what is known beside.
func (e *Error) Error() string {
	s := "postgres: " + e.op
	if e.class != nil {
		s += ": " + e.class.Error()
	}
	if e.detail != "" {
		s += ": " + e.detail
	}
	if e.cause != nil {
		s += ": " + e.cause.Error()
	}
	if e.code != "" {
		s += " (SQLSTATE " + e.code + ")"
	}
	return s
}

// Unwrap returns the class and, if the caller's context ended the operation, the context's error.
func (e *Error) Unwrap() []error {
	var errs []error
	for _, err := range []error{e.class, e.cause} {
		if err != nil {
			errs = append(errs, err)
		}
	}
	return errs
}

// InProgressError says until when another attempt holds the operation. It is an ErrInProgress.
type InProgressError struct {
	Until time.Time
}

// Error returns the class and the time.
func (e *InProgressError) Error() string {
	return fmt.Sprintf("postgres: operation: %v until %s", ErrInProgress, e.Until.UTC().Format(time.RFC3339))
}

// Unwrap returns ErrInProgress.
func (e *InProgressError) Unwrap() error { return ErrInProgress }

func invalid(op, detail string) error  { return &Error{op: op, class: ErrInvalid, detail: detail} }
func conflict(op, detail string) error { return &Error{op: op, class: ErrConflict, detail: detail} }
func notFound(op string) error         { return &Error{op: op, class: ErrNotFound} }

// classify turns what the driver says into an *Error. nil stays nil, and an error of ours stays as it is.
func classify(op string, err error) error {
	if err == nil {
		return nil
	}
	if own := new(Error); errors.As(err, &own) {
		return own
	}
	e := &Error{op: op}
	var refused *pgconn.PgError
	switch {
	case errors.Is(err, context.Canceled):
		e.cause = context.Canceled
	case errors.Is(err, context.DeadlineExceeded):
		e.class, e.cause = ErrUnavailable, context.DeadlineExceeded
	case errors.As(err, &refused):
		e.code = refused.Code
		e.detail, e.class = classOf(refused)
		if dialling(err) {
			e.class, e.dialled = ErrUnavailable, true
		}
	case errors.Is(err, pgx.ErrNoRows):
		e.class = ErrNotFound
	case dialling(err):
		e.class, e.detail, e.dialled = ErrUnavailable, "cannot connect", true
	case lost(err):
		e.class, e.detail, e.lost = ErrUnavailable, "the connection was lost", true
	default:
		// Encoding and scanning errors quote the value.
		e.detail = fmt.Sprintf("unexpected %T", err)
	}
	return e
}

// classOf sorts by SQLSTATE (PostgreSQL manual, appendix A), and keeps the messages of those classes that speak of
// the server or the schema rather than of a row.
func classOf(e *pgconn.PgError) (detail string, class error) {
	switch e.Code {
	case "55P03", "57014", "25006": // lock_not_available, query_canceled, read_only_sql_transaction (a standby)
		return e.Message, ErrUnavailable
	case "42P01", "42703": // undefined_table, undefined_column
		return e.Message, ErrSchema
	}
	switch e.Code[:min(2, len(e.Code))] {
	case "08", "53", "57", "58", "40": // connection, resources, operator, system, transaction rollback
		return e.Message, ErrUnavailable
	case "22", "54": // data exception, program limit
		return "", ErrInvalid
	case "23":
		return "constraint " + e.ConstraintName + " of " + e.TableName + " " + e.ColumnName, ErrInvalid
	case "28", "3D", "42": // authorization, no such database, syntax or access rule
		return e.Message, nil
	}
	return "", nil
}

// dialling reports whether no connection could be made.
func dialling(err error) bool {
	var c *pgconn.ConnectError
	return errors.As(err, &c)
}

// lost reports whether a connection broke, as opposed to a statement that was refused.
func lost(err error) bool {
	var n net.Error
	return errors.As(err, &n) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) ||
		errors.Is(err, pgconn.ErrConnClosed) || pgconn.SafeToRetry(err)
}
