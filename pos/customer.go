package pos

import (
	"context"
	"slices"
	"strings"
)

// EnsureCustomer finds the buyer in the POS or creates them, and reports whether it created them.
//
// A customer is the buyer if the e-mail addresses are equal (trimmed, without regard to letter case), or, where
// one of the two has no address, the telephone numbers are (digits only). Of several the oldest is taken, one
// with the same address before one without; customers are never merged nor changed. op.Ref is not used.
//
// Two calls at once for one buyer may create two customers: callers serialise them per buyer. Errors: those of
// the Adapter's methods; [Unsupported] if a repetition could not be recognised, neither by key nor by search.
func EnsureCustomer(ctx context.Context, a Adapter, op Op, in CustomerInput, opts Options) (Customer, bool, error) {
	const what = "ensure customer"
	if err := checkKey(what, op.Key); err != nil {
		return Customer{}, false, err
	}
	if strings.TrimSpace(in.Name) == "" {
		return Customer{}, false, &Error{Class: Invalid, Op: what, Message: "the customer has no name"}
	}
	ctx = correlated(ctx, op)
	caps, err := a.Capabilities(ctx)
	if err != nil {
		return Customer{}, false, ofRead(what, err)
	}
	s := customerSearch{a: a, what: what, email: normalEmail(in.Email), phone: normalPhone(in.Phone), asGiven: in.Phone}
	searchable := caps.SearchCustomers && (s.email != "" || s.phone != "")
	if !caps.NativeKey && !searchable {
		return Customer{}, false, &Error{Class: Unsupported, Op: what,
			Message: "this POS has no idempotency keys, and there is nothing to find the customer by"}
	}
	settle := settling(caps, opts)
	if searchable {
		if opts.Attempt != 1 {
			if err := settle(ctx); err != nil {
				return Customer{}, false, ofRead(what, err)
			}
		}
		found, ok, err := s.find(ctx)
		if err != nil || ok {
			return found, false, err
		}
	}
	if err := ctx.Err(); err != nil {
		return Customer{}, false, &Error{Class: Transient, Op: what, Message: "stopped before the write", Err: err}
	}
	made, err := a.CreateCustomer(ctx, op, in)
	if err == nil && made.ID == "" {
		return Customer{}, false, &Error{Class: OutcomeUnknown, Op: what, Message: "the answer names no record"}
	}
	if err == nil {
		return made, true, nil
	}
	err = ofWrite(what, err)
	switch ClassOf(err) {
	case Invalid, ReferenceConflict, Duplicate:
	default:
		return Customer{}, false, err
	}
	if !searchable {
		return Customer{}, false, err
	}
	// The refusal may be about the customer that our own first attempt made.
	const message = "refused, and whether an earlier attempt had succeeded could not be seen"
	if err := settle(ctx); err != nil {
		return Customer{}, false, unproven(what, message, err)
	}
	found, ok, searchErr := s.find(ctx)
	switch {
	case searchErr != nil:
		return Customer{}, false, unproven(what, message, searchErr)
	case ok:
		return found, false, nil
	}
	return Customer{}, false, err
}

// customerSearch looks for one buyer.
type customerSearch struct {
	a            Adapter
	what         string
	email, phone string // normalised; empty where unknown
	asGiven      string // telephone number as the buyer wrote it
}

func (s customerSearch) find(ctx context.Context) (Customer, bool, error) {
	if s.email != "" {
		hits, err := s.a.FindCustomers(ctx, CustomerQuery{Email: s.email})
		if err != nil {
			return Customer{}, false, ofRead(s.what, err)
		}
		if c, ok := oldest(hits, func(c Customer) bool { return normalEmail(c.Email) == s.email }); ok {
			return c, true, nil
		}
	}
	if s.phone == "" {
		return Customer{}, false, nil
	}
	hits, err := s.a.FindCustomers(ctx, CustomerQuery{Phone: strings.TrimSpace(s.asGiven)})
	if err != nil {
		return Customer{}, false, ofRead(s.what, err)
	}
	samePhone := func(c Customer) bool { return normalPhone(c.Phone) == s.phone }
	if c, ok := oldest(hits, func(c Customer) bool { return samePhone(c) && normalEmail(c.Email) == s.email }); ok {
		return c, true, nil
	}
	// A shared telephone with two different addresses is two people, and one must not get the other's tickets.
	c, ok := oldest(hits, func(c Customer) bool { return samePhone(c) && (normalEmail(c.Email) == "" || s.email == "") })
	return c, ok, nil
}

// oldest returns the oldest that fits; of those of one age, the first.
func oldest(hits []Customer, fits func(Customer) bool) (Customer, bool) {
	hits = slices.DeleteFunc(slices.Clone(hits), func(c Customer) bool { return c.ID == "" || !fits(c) })
	if len(hits) == 0 {
		return Customer{}, false
	}
	return slices.MinFunc(hits, func(a, b Customer) int { return a.CreatedAt.Compare(b.CreatedAt) }), true
}

func normalEmail(s string) string { return strings.ToLower(strings.TrimSpace(s)) }

// normalPhone returns the digits of a telephone number, or "" if they can be nobody's: too few, or all the
// same, as people type into a field that insists.
func normalPhone(s string) string {
	digits := strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, s)
	if len(digits) < 5 || strings.Trim(digits, digits[:1]) == "" {
		return ""
	}
	return digits
}
