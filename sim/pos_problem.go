package sim

import (
	"encoding/json"
	"fmt"
	"mime"
	"net/http"
	"regexp"
	"strings"
	"time"
)

// Problem types of the published contract; a closed list (pos/httpapi/openapi.yaml, ProblemType).
const (
	problemPrefix         = "urn:willcall:problem:pos:"
	problemValidation     = problemPrefix + "validation"
	problemKeyMissing     = problemPrefix + "idempotency-key-missing"
	problemUnauthorized   = problemPrefix + "unauthorized"
	problemNotFound       = problemPrefix + "not-found"
	problemInventory      = problemPrefix + "inventory-unavailable"
	problemKeyRunning     = problemPrefix + "idempotency-in-progress"
	problemReferenceTaken = problemPrefix + "reference-conflict"
	problemKeyReused      = problemPrefix + "idempotency-key-reused"
	problemRateLimited    = problemPrefix + "rate-limited"
	problemUnsupported    = problemPrefix + "unsupported"
	problemUnavailable    = problemPrefix + "unavailable"
	problemBlank          = "about:blank"
)

// A problem is an RFC 9457 problem document. Details never quote what a request says of a person.
type problem struct {
	Type      string         `json:"type"`
	Title     string         `json:"title"`
	Status    int            `json:"status"`
	Detail    string         `json:"detail,omitempty"`
	TicketIDs []string       `json:"ticket_ids,omitempty"`
	Errors    []problemError `json:"errors,omitempty"`
}

type problemError struct {
	Detail  string `json:"detail"`
	Pointer string `json:"pointer,omitempty"`
}

func newProblem(kind string, status int, title, detail string) *problem {
	return &problem{Type: kind, Title: title, Status: status, Detail: detail}
}

func notFound(detail string) *problem {
	return newProblem(problemNotFound, http.StatusNotFound, "No such record", detail)
}

func seatsGone(ticketIDs []string, detail string) *problem {
	p := newProblem(problemInventory, http.StatusConflict, "Seats are not available", detail)
	p.TicketIDs = ticketIDs
	return p
}

func unsupported(detail string) *problem {
	return newProblem(problemUnsupported, http.StatusNotImplemented, "Not supported", detail)
}

// statusProblem is what a fault of kind status answers: the type the contract has for that status, if it has one.
func statusProblem(status int) *problem {
	kind := problemBlank
	switch status {
	case http.StatusBadRequest:
		kind = problemValidation
	case http.StatusUnauthorized, http.StatusForbidden:
		kind = problemUnauthorized
	case http.StatusNotFound:
		kind = problemNotFound
	case http.StatusUnprocessableEntity:
		kind = problemKeyReused
	case http.StatusTooManyRequests:
		kind = problemRateLimited
	case http.StatusNotImplemented:
		kind = problemUnsupported
	case http.StatusServiceUnavailable:
		kind = problemUnavailable
	}
	title := http.StatusText(status)
	if title == "" {
		title = fmt.Sprintf("Status %d", status)
	}
	return newProblem(kind, status, title, "a fault that was asked for")
}

// A validator collects everything that is wrong with a request body.
type validator struct {
	errors []problemError
}

func (v *validator) check(ok bool, pointer, detail string) {
	if !ok {
		v.errors = append(v.errors, problemError{Detail: detail, Pointer: pointer})
	}
}

func (v *validator) text(s, pointer string, shortest, longest int) {
	n := len([]rune(s))
	v.check(n >= shortest && n <= longest, pointer, fmt.Sprintf("must have %d to %d characters", shortest, longest))
}

func (v *validator) oneOf(s, pointer string, allowed ...string) {
	for _, a := range allowed {
		if s == a {
			return
		}
	}
	v.check(false, pointer, "must be one of "+strings.Join(allowed, ", "))
}

func (v *validator) time(s, pointer string) time.Time {
	t, err := time.Parse(time.RFC3339, s)
	v.check(err == nil && strings.HasSuffix(s, "Z"), pointer, "must be an RFC 3339 time in UTC")
	return t
}

var (
	amountForm   = regexp.MustCompile(`^(0|[1-9][0-9]{0,14})(\.[0-9]{1,4})?$`)
	currencyForm = regexp.MustCompile(`^[A-Z]{3}$`)
)

// decimals of the currencies that do not have two.
var decimals = map[string]int{
	"BHD": 3, "CLP": 0, "IQD": 3, "ISK": 0, "JOD": 3, "JPY": 0, "KRW": 0, "KWD": 3, "LYD": 3, "OMR": 3, "PYG": 0, "TND": 3, "VND": 0,
}

func (v *validator) money(m POSMoney, pointer string) {
	v.check(currencyForm.MatchString(m.Currency), pointer+"/currency", "must be an ISO 4217 code")
	want, special := decimals[m.Currency]
	if !special {
		want = 2
	}
	_, fraction, _ := strings.Cut(m.Amount, ".")
	v.check(amountForm.MatchString(m.Amount) && len(fraction) == want, pointer+"/amount",
		fmt.Sprintf("must be a decimal string with %d decimals", want))
}

// problem is nil if nothing is wrong.
func (v *validator) problem() *problem {
	if len(v.errors) == 0 {
		return nil
	}
	p := newProblem(problemValidation, http.StatusBadRequest, "The request is not valid", v.errors[0].Detail)
	p.Errors = v.errors
	return p
}

// readJSON decodes a body into v, ignoring members it does not know.
func readJSON(r *http.Request, body []byte, v any) *problem {
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		return newProblem(problemValidation, http.StatusBadRequest, "The request is not valid", "Content-Type must be application/json")
	}
	if err := json.Unmarshal(body, v); err != nil {
		// The decoder's text can quote the body, which can hold a buyer's name.
		p := newProblem(problemValidation, http.StatusBadRequest, "The request is not valid", "the body is not JSON of the wanted form")
		if wrong, ok := err.(*json.UnmarshalTypeError); ok {
			p.Errors = []problemError{{Detail: "has the wrong type", Pointer: "/" + strings.ReplaceAll(wrong.Field, ".", "/")}}
		}
		return p
	}
	return nil
}
