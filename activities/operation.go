package activities

import (
	"context"
	"encoding/json"
	"time"

	"go.temporal.io/sdk/activity"

	"willcall/postgres"
)

// lease is how long an attempt that has died keeps others out. It is longer than any single call to the outside, so that
// two attempts never write at once; a living attempt extends it.
const lease = 15 * time.Second

// beat is how often a living attempt heartbeats and extends its lease. A cancellation is noticed as fast.
const beat = 2 * time.Second

// once does op at most one attempt at a time and, once done, never again: the intent is written before do is called, the
// result after. do gets the number of the attempt, counted over all workers and runs.
func once[T any](ctx context.Context, a *Activities, op postgres.Operation, do func(ctx context.Context, attempt int) (T, error)) (T, error) {
	var out T
	row, err := a.DB.BeginOperation(ctx, op, lease)
	if err != nil {
		return out, err
	}
	if row.Outcome == postgres.OperationDone {
		return out, json.Unmarshal(row.Result, &out)
	}
	stop := a.keepAlive(ctx, row)
	out, err = do(ctx, row.Attempts)
	stop()

	// The result must be kept even if the activity is being cancelled: it is what really happened.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	if err == nil {
		return out, a.DB.FinishOperation(ctx, row.Key, row.Lease, postgres.OperationDone, "", "", out)
	}
	class, _ := classify(err)
	outcome := postgres.OperationFailed
	if class.Retryable() {
		outcome = postgres.OperationUnknown
	}
	if finish := a.DB.FinishOperation(ctx, row.Key, row.Lease, outcome, string(class), "", nil); finish != nil {
		a.Logger.Warn("the outcome of an operation was not stored; its lease runs out by itself", "key", row.Key, "error", finish)
	}
	return out, err
}

// keepAlive heartbeats, and extends the lease of the operation, until it is stopped.
func (a *Activities) keepAlive(ctx context.Context, row postgres.Operation) (stop func()) {
	return beating(ctx, func(ctx context.Context) {
		if err := a.DB.ExtendOperation(ctx, row.Key, row.Lease, lease); err != nil && ctx.Err() == nil {
			a.Logger.Warn("the lease of an operation was not extended", "key", row.Key, "error", err)
		}
	})
}

// beating heartbeats until it is stopped, for what may take longer than Temporal waits for a sign of life; each is called with every
// beat, unless it is nil.
func beating(ctx context.Context, each func(context.Context)) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(beat)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				activity.RecordHeartbeat(ctx)
				if each != nil {
					each(ctx)
				}
			}
		}
	}()
	return func() { cancel(); <-done }
}
