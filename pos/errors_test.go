package pos_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"willcall/pos"
)

func TestClassOf(t *testing.T) {
	t.Parallel()
	inner := &pos.Error{Class: pos.RateLimited, Op: "find"}
	for _, c := range []struct {
		name string
		err  error
		want pos.Class
	}{
		{"NilHasNone", nil, ""},
		{"UnclassedIsTransient", errors.New("x"), pos.Transient},
		{"ContextIsTransient", context.Canceled, pos.Transient},
		{"WrappedIsFound", fmt.Errorf("x: %w", inner), pos.RateLimited},
		{"OutermostWins", &pos.Error{Class: pos.OutcomeUnknown, Op: "ensure", Err: inner}, pos.OutcomeUnknown},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if got := pos.ClassOf(c.err); got != c.want {
				t.Errorf("ClassOf: got %q; want %q", got, c.want)
			}
		})
	}
}

func TestRetryable(t *testing.T) {
	t.Parallel()
	for class, want := range map[pos.Class]bool{
		pos.Transient: true, pos.RateLimited: true, pos.InProgress: true, pos.OutcomeUnknown: true,
		pos.Invalid: false, pos.Unauthorized: false, pos.NotFound: false, pos.Unavailable: false,
		pos.ReferenceConflict: false, pos.Duplicate: false, pos.Unsupported: false, "": false,
	} {
		if got := class.Retryable(); got != want {
			t.Errorf("Retryable of %q: got %v; want %v", class, got, want)
		}
	}
}

func TestErrorText(t *testing.T) {
	t.Parallel()
	err := &pos.Error{Class: pos.OutcomeUnknown, Op: "create invoice", Message: "no answer", Err: errors.New("timeout")}
	if got, want := err.Error(), "pos: create invoice: outcome_unknown: no answer: timeout"; got != want {
		t.Errorf("Error: got %q; want %q", got, want)
	}
}
