package activities

import (
	"context"
	"errors"
	"time"

	"go.temporal.io/sdk/temporal"

	"willcall/pos"
	"willcall/postgres"
	"willcall/provider"
)

// classify says which class of pos.md 8.2 an error has, and how long the other side asked to be left alone.
func classify(err error) (class pos.Class, after time.Duration) {
	var busy *postgres.InProgressError
	var call *provider.CallError
	var pe *pos.Error
	switch {
	case errors.As(err, &busy):
		// The other attempt is mostly done long before its lease is over.
		return pos.InProgress, min(time.Until(busy.Until), 2*time.Second)
	case errors.As(err, &call):
		return pos.Class(call.Class), call.RetryAfter
	case errors.As(err, &pe):
		return pe.Class, pe.RetryAfter
	case errors.Is(err, ErrNoSource):
		return pos.Unauthorized, 0
	case errors.Is(err, provider.ErrMalformed), errors.Is(err, postgres.ErrInvalid), errors.Is(err, postgres.ErrConflict):
		return pos.Invalid, 0
	}
	return pos.Transient, 0
}

// toTemporal is the one place where an error becomes Temporal's: its type is the class, and what retrying cannot mend is
// not retried. Texts of the classed errors hold no buyer data; any other text stays out of the history.
func toTemporal(err error) error {
	if err == nil {
		return nil
	}
	if errors.Is(err, context.Canceled) {
		return err // the worker stops, or the workflow no longer wants the step
	}
	class, after := classify(err)
	text := "internal error, see the worker's log"
	var call *provider.CallError
	var pe *pos.Error
	switch {
	case errors.As(err, &call), errors.As(err, &pe), errors.Is(err, ErrNoSource), errors.Is(err, provider.ErrMalformed):
		text = err.Error()
	case class == pos.InProgress:
		text = "another attempt is still running"
	case errors.Is(err, postgres.ErrUnavailable):
		text = "Postgres is not available"
	case errors.Is(err, postgres.ErrInvalid), errors.Is(err, postgres.ErrConflict):
		text = err.Error() // of the postgres package, whose texts quote no values
	}
	category := temporal.ApplicationErrorCategoryUnspecified
	if class == pos.InProgress || class == pos.RateLimited {
		category = temporal.ApplicationErrorCategoryBenign // waiting as told is no fault: keep it out of error metrics
	}
	return temporal.NewApplicationErrorWithOptions(text, string(class), temporal.ApplicationErrorOptions{
		NonRetryable: !class.Retryable(), NextRetryDelay: max(after, 0), Category: category,
	})
}
