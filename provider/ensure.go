package provider

import (
	"cmp"
	"slices"

	"willcall/order"
)

// Standing is where an order stands at its API. Unknown says that it is in a state that we do not know, whatever Status is.
type Standing struct {
	Status  order.Status
	Unknown bool
}

// Accepted and Rejected are what [Ensure] can be asked for: where an order may stand once it is decided so, by whomever.
var (
	Accepted = []order.Status{order.StatusAccepted, order.StatusCompleted}
	Rejected = []order.Status{order.StatusRejected, order.StatusCancelled}
)

// Ensure has a pending order decided as wanted, unless it is so already. It may be called as often as one likes: it looks,
// acts, and looks again where that was refused or the answer does not settle it, for somebody else may have been faster, or an
// earlier call of ours. An order that stands elsewhere, or that we do not know where it stands, is a [Conflict]. what names the
// order in errors.
func Ensure(op, what string, wanted []order.Status, look, act func() (Standing, error)) error {
	settled := func(s Standing) (bool, error) {
		switch {
		case s.Unknown:
			return true, &CallError{Class: Conflict, Op: op, Detail: "the " + what + " is in a state that we do not know"}
		case slices.Contains(wanted, s.Status):
			return true, nil
		case s.Status != order.StatusPending:
			return true, &CallError{Class: Conflict, Op: op, Detail: "the " + what + " is " + cmp.Or(string(s.Status), "in no state")}
		}
		return false, nil
	}
	s, err := look()
	if err != nil {
		return err
	}
	if ok, err := settled(s); ok {
		return err
	}
	s, refused := act()
	switch class := ClassOf(refused); {
	case refused == nil:
		if ok, err := settled(s); ok {
			return err
		}
	case class != Invalid && class != NotFound:
		return refused
	}
	if s, err = look(); err != nil {
		return err
	}
	if ok, err := settled(s); ok {
		return err
	}
	if refused == nil {
		return &CallError{Class: OutcomeUnknown, Op: op, Detail: "the API took the call, and the " + what + " is still pending"}
	}
	return refused
}
