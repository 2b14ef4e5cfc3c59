package postgres_test

import (
	"errors"
	"sync"
	"testing"
	"time"

	"willcall/postgres"
	"willcall/postgres/postgrestest"
)

func operation(key string) postgres.Operation {
	return postgres.Operation{Key: key, OrderID: "order:tevo:1", Do: "invoice", Adapter: "httpapi", Ref: "order:tevo:1"}
}

func begin(t *testing.T, db *postgres.DB, key string) postgres.Operation {
	t.Helper()
	o, err := db.BeginOperation(t.Context(), operation(key), time.Minute)
	if err != nil {
		t.Fatalf("begin: %v", err)
	}
	return o
}

// loseWorker lets the lease of key run out.
func loseWorker(t *testing.T, db *postgres.DB, key string) {
	t.Helper()
	exec(t, db, "UPDATE operations SET lease_until = now() - interval '1 ms' WHERE key = $1", key)
}

func TestOperation(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t)
	type made struct {
		ID string `json:"id"`
	}

	t.Run("DoneIsFinalAndGivesItsResult", func(t *testing.T) {
		t.Parallel()
		o := begin(t, db, "done")
		if o.Attempts != 1 || o.Outcome != "" || o.Lease == "" || o.Ref != "order:tevo:1" || o.BegunAt.IsZero() {
			t.Fatalf("got %+v; want a first attempt", o)
		}
		must(t, db.FinishOperation(t.Context(), "done", o.Lease, postgres.OperationDone, "", "", made{"i1"}))
		must(t, db.FinishOperation(t.Context(), "done", o.Lease, postgres.OperationDone, "", "", made{"i1"})) // its answer was lost
		again := begin(t, db, "done")
		if again.Outcome != postgres.OperationDone || string(again.Result) != `{"id": "i1"}` || again.Lease != "" || again.Attempts != 1 || again.FinishedAt.IsZero() {
			t.Errorf("got %+v; want the result, and no lease to call anybody with", again)
		}
		wantErr(t, db.FinishOperation(t.Context(), "done", o.Lease, postgres.OperationFailed, "invalid", "", nil), postgres.ErrConflict)
		wantErr(t, db.ExtendOperation(t.Context(), "done", o.Lease, time.Minute), postgres.ErrConflict)
		wantErr(t, db.FinishOperationByHand(t.Context(), "done", "ann", "i2"), postgres.ErrConflict)
	})
	t.Run("IsSeenByWhoeverUndoesIt", func(t *testing.T) {
		t.Parallel()
		o := operation("seen")
		o.OrderID, o.Do = "order:tevo:seen", "etickets"
		begun, err := db.BeginOperation(t.Context(), o, time.Minute)
		must(t, err)
		wantErr(t, db.NoneUnderWay(t.Context(), o.OrderID, "invoice", "etickets"), postgres.ErrInProgress)
		must(t, db.NoneUnderWay(t.Context(), o.OrderID, "invoice"))
		must(t, db.NoneUnderWay(t.Context(), "order:tevo:another", "etickets"))
		loseWorker(t, db, "seen")
		must(t, db.NoneUnderWay(t.Context(), o.OrderID, "etickets"))
		begun, err = db.BeginOperation(t.Context(), o, time.Minute)
		must(t, err)
		must(t, db.FinishOperation(t.Context(), "seen", begun.Lease, postgres.OperationUnknown, "outcome_unknown", "", nil))
		must(t, db.NoneUnderWay(t.Context(), o.OrderID, "etickets"))
	})
	t.Run("IsInProgressWhileTheLeaseIsAlive", func(t *testing.T) {
		t.Parallel()
		begin(t, db, "busy")
		_, err := db.BeginOperation(t.Context(), operation("busy"), time.Minute)
		wantErr(t, err, postgres.ErrInProgress)
		busy := new(postgres.InProgressError)
		if left := 0 * time.Second; !errors.As(err, &busy) || !(time.Until(busy.Until) > left) || time.Until(busy.Until) > 2*time.Minute {
			t.Errorf("got %v; want a minute to wait", err)
		}
		wantErr(t, db.FinishOperationByHand(t.Context(), "busy", "ann", "i2"), postgres.ErrInProgress)
	})
	t.Run("BeginsAgainAfterAFailureAndSaysWhatItWas", func(t *testing.T) {
		t.Parallel()
		for _, outcome := range []string{postgres.OperationFailed, postgres.OperationUnknown} {
			key := "again " + outcome
			o := begin(t, db, key)
			must(t, db.FinishOperation(t.Context(), key, o.Lease, outcome, "invalid", "no such seat", nil))
			second := begin(t, db, key)
			if second.Outcome != outcome || second.Class != "invalid" || second.Detail != "no such seat" || second.Attempts != 2 || second.Lease == o.Lease {
				t.Errorf("got %+v; want the second attempt after %s", second, outcome)
			}
			must(t, db.FinishOperation(t.Context(), key, second.Lease, postgres.OperationDone, "", "", nil))
		}
	})
	t.Run("LostAttemptIsOutcomeUnknownAndCannotFinish", func(t *testing.T) {
		t.Parallel()
		lost := begin(t, db, "lost")
		must(t, db.FinishOperation(t.Context(), "lost", lost.Lease, postgres.OperationFailed, "invalid", "", nil))
		lost = begin(t, db, "lost")
		loseWorker(t, db, "lost")
		next := begin(t, db, "lost")
		if next.Outcome != postgres.OperationUnknown || next.Attempts != 3 {
			t.Errorf("got %+v; want to be told that the outcome is unknown, not that it failed", next)
		}
		wantErr(t, db.FinishOperation(t.Context(), "lost", lost.Lease, postgres.OperationDone, "", "", made{"i1"}), postgres.ErrConflict)
		wantErr(t, db.ExtendOperation(t.Context(), "lost", lost.Lease, time.Minute), postgres.ErrConflict)
		must(t, db.FinishOperation(t.Context(), "lost", next.Lease, postgres.OperationDone, "", "", made{"i1"}))
	})
	t.Run("ExtendedLeaseStaysAlive", func(t *testing.T) {
		t.Parallel()
		o := begin(t, db, "long")
		loseWorker(t, db, "long")
		must(t, db.ExtendOperation(t.Context(), "long", o.Lease, time.Minute)) // late, but nobody came
		_, err := db.BeginOperation(t.Context(), operation("long"), time.Minute)
		wantErr(t, err, postgres.ErrInProgress)
	})
	t.Run("KeyBelongsToOneIntent", func(t *testing.T) {
		t.Parallel()
		o := begin(t, db, "one")
		must(t, db.FinishOperation(t.Context(), "one", o.Lease, postgres.OperationFailed, "", "", nil))
		for _, other := range []postgres.Operation{
			{Key: "one", Do: "void_invoice", Adapter: o.Adapter, Ref: o.Ref},
			{Key: "one", Do: o.Do, Adapter: "skybox", Ref: o.Ref},
			{Key: "one", Do: o.Do, Adapter: o.Adapter, Ref: "another"},
		} {
			_, err := db.BeginOperation(t.Context(), other, time.Minute)
			wantErr(t, err, postgres.ErrConflict)
		}
	})
	t.Run("CustomerOfTwoOrdersIsOneOperation", func(t *testing.T) {
		t.Parallel()
		c := postgres.Operation{Key: "customer/pos/0a1b", OrderID: "order:tevo:1", Do: "customer", Adapter: "httpapi"}
		first, err := db.BeginOperation(t.Context(), c, time.Minute)
		must(t, err)
		c.OrderID = "order:tevo:2"
		_, err = db.BeginOperation(t.Context(), c, time.Minute)
		wantErr(t, err, postgres.ErrInProgress)
		must(t, db.FinishOperation(t.Context(), c.Key, first.Lease, postgres.OperationDone, "", "", made{"c1"}))
		second, err := db.BeginOperation(t.Context(), c, time.Minute)
		if err != nil || second.Outcome != postgres.OperationDone || second.OrderID != "order:tevo:1" {
			t.Errorf("got %+v, %v; want the first order's customer", second, err)
		}
	})
	t.Run("ManyAtOnceBeginOnce", func(t *testing.T) {
		t.Parallel()
		db := postgrestest.New(t)
		beginMany := func(key string, meanwhile func()) {
			begun := make([]bool, 8)
			var wg sync.WaitGroup
			for i := range begun {
				wg.Go(func() {
					_, err := db.BeginOperation(t.Context(), operation(key), time.Minute)
					if begun[i] = err == nil; err != nil && !errors.Is(err, postgres.ErrInProgress) {
						t.Errorf("got %v; want ErrInProgress", err)
					}
				})
			}
			meanwhile()
			wg.Wait()
			n := 0
			for _, b := range begun {
				if b {
					n++
				}
			}
			if n != 1 {
				t.Errorf("%s: got %d that may call the POS; want 1", key, n)
			}
		}
		beginMany("race", func() {})
		begin(t, db, "race after a loss")
		loseWorker(t, db, "race after a loss")
		tx, err := db.Pool.Begin(t.Context())
		must(t, err)
		_, err = tx.Exec(t.Context(), "SELECT FROM operations WHERE key = 'race after a loss' FOR UPDATE")
		must(t, err)
		beginMany("race after a loss", func() {
			until(t, "all are at the row", func() bool { return lockWaits(t, db) == 8 })
			must(t, tx.Rollback(t.Context()))
		})
	})
	t.Run("IsFinishedByHandWithAnAudit", func(t *testing.T) {
		t.Parallel()
		o := begin(t, db, "hand")
		must(t, db.FinishOperation(t.Context(), "hand", o.Lease, postgres.OperationUnknown, "", "", nil))
		must(t, db.FinishOperationByHand(t.Context(), "hand", "ann", "i7"))
		got := begin(t, db, "hand")
		if got.Outcome != postgres.OperationDone || string(got.Result) != `{"by": "ann", "ref": "i7"}` {
			t.Errorf("got %+v; want done, with the reference", got)
		}
		if n := count(t, db, "SELECT count(*) FROM audit WHERE by = 'ann' AND subject = 'hand' AND detail = 'ref i7'"); n != 1 {
			t.Errorf("got %d audit rows; want 1", n)
		}
		wantErr(t, db.FinishOperationByHand(t.Context(), "none", "ann", "i7"), postgres.ErrNotFound)
		wantErr(t, db.FinishOperationByHand(t.Context(), "hand", "", "i7"), postgres.ErrInvalid)
	})
	t.Run("OutcomeIsOneOfThree", func(t *testing.T) {
		t.Parallel()
		o := begin(t, db, "odd")
		wantErr(t, db.FinishOperation(t.Context(), "odd", o.Lease, "maybe", "", "", nil), postgres.ErrInvalid)
		wantErr(t, db.FinishOperation(t.Context(), "odd", o.Lease, "", "", "", nil), postgres.ErrInvalid)
		wantErr(t, db.FinishOperation(t.Context(), "odd", o.Lease, postgres.OperationDone, "", "", func() {}), postgres.ErrInvalid)
	})
}
