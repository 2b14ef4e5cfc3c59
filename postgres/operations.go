package postgres

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"
)

// What may come of an operation; "" is none yet. The words are those of order.Outcome.
const (
	OperationDone    = "done"            // final
	OperationFailed  = "failed"          // nothing was written; it may be begun again
	OperationUnknown = "outcome_unknown" // it may have been written: look by Ref before the next try
)

// Operation is one intent to change something outside, under its business key: "<order>/<step>", never a run's id, or
// "customer/<pos>/<hash of the identity>", so that two simultaneous orders of one buyer make one customer. It holds no
// buyer data, its result neither.
type Operation struct {
	Key      string
	OrderID  string // whose attempt began it first
	Do       string
	Adapter  string
	Ref      string // the reference under which the outside can be asked what became of it
	Attempts int    // this one included
	// Outcome is what came of the last attempt before this one: "" for the first, OperationUnknown for one that was
	// lost with its worker.
	Outcome    string
	Class      string
	Detail     string
	Result     json.RawMessage
	BegunAt    time.Time
	FinishedAt time.Time
	Lease      string // token of the attempt that was begun; "" if it is done
}

const operationColumns = "key, order_id, verb, adapter, ref, attempts, outcome, class, detail, result, begun_at, finished_at"

func operationFrom(row pgx.CollectableRow, more ...any) (Operation, error) {
	var o Operation
	into := []any{&o.Key, &o.OrderID, &o.Do, &o.Adapter, &o.Ref, &o.Attempts, &o.Outcome, &o.Class, &o.Detail, &o.Result,
		&o.BegunAt, orZero{&o.FinishedAt}}
	err := row.Scan(append(into, more...)...)
	return o, err
}

// BeginOperation writes the intent o (Key, OrderID, Do, Adapter, Ref) before the call, and returns what is stored. If
// its Outcome is OperationDone, somebody did it: take the Result and call nobody. Otherwise the caller holds its Lease,
// alone, for the given time, and must finish or extend it before that.
//
// Errors: ErrInProgress, as an *[InProgressError], while another attempt's lease is alive; ErrConflict if the key
// belongs to another intent (Do, Adapter or Ref differ); ErrInvalid.
func (db *DB) BeginOperation(ctx context.Context, o Operation, lease time.Duration) (Operation, error) {
	const op = "begin operation"
	if o.Key == "" || o.Do == "" || lease <= 0 {
		return Operation{}, invalid(op, "key, verb and lease are needed")
	}
	token := rand.Text()
	var begun Operation
	err := pgx.BeginFunc(ctx, db.Pool, func(tx pgx.Tx) (err error) {
		begun, err = begin(ctx, tx, o, token, lease)
		return err
	})
	if busy := new(InProgressError); errors.As(err, &busy) {
		return begun, busy
	}
	return begun, classify(op, err)
}

func begin(ctx context.Context, tx pgx.Tx, o Operation, token string, lease time.Duration) (Operation, error) {
	rows, err := tx.Query(ctx, `INSERT INTO operations (key, order_id, verb, adapter, ref, attempts, outcome, class, detail, begun_at, lease, lease_until)
		VALUES ($1, $2, $3, $4, $5, 1, '', '', '', now(), $6, now() + $7::interval)
		ON CONFLICT (key) DO NOTHING RETURNING `+operationColumns, o.Key, o.OrderID, o.Do, o.Adapter, o.Ref, token, lease)
	if err != nil {
		return Operation{}, err
	}
	first, err := pgx.CollectExactlyOneRow(rows, func(r pgx.CollectableRow) (Operation, error) { return operationFrom(r) })
	if first.Lease = token; !errors.Is(err, pgx.ErrNoRows) {
		return first, err
	}

	var until time.Time
	var alive bool
	rows, err = tx.Query(ctx, "SELECT "+operationColumns+", lease_until, coalesce(lease_until > clock_timestamp(), false) FROM operations WHERE key = $1 FOR UPDATE", o.Key)
	if err != nil {
		return Operation{}, err
	}
	stored, err := pgx.CollectExactlyOneRow(rows, func(r pgx.CollectableRow) (Operation, error) { return operationFrom(r, orZero{&until}, &alive) })
	switch {
	case err != nil:
		return Operation{}, err
	case stored.Outcome == OperationDone:
		return stored, nil
	case stored.Do != o.Do || stored.Adapter != o.Adapter || stored.Ref != o.Ref:
		return Operation{}, conflict("begin operation", "the key belongs to another intent")
	case alive:
		return stored, &InProgressError{Until: until}
	case stored.Outcome == "":
		stored.Outcome = OperationUnknown
	}
	stored.Attempts++
	stored.Lease = token
	err = tx.QueryRow(ctx, `UPDATE operations SET attempts = $2, outcome = '', class = '', detail = '', begun_at = clock_timestamp(),
		finished_at = NULL, lease = $3, lease_until = clock_timestamp() + $4::interval WHERE key = $1 RETURNING begun_at`,
		o.Key, stored.Attempts, token, lease).Scan(&stored.BegunAt)
	return stored, err
}

// NoneUnderWay returns an [InProgressError] while an attempt of an operation of the order with one of these verbs may be alive: whoever
// undoes what it does must wait, or it may do it afterwards.
func (db *DB) NoneUnderWay(ctx context.Context, orderID string, verbs ...string) error {
	var until time.Time
	err := db.one(ctx, "operations under way", `SELECT max(lease_until) FROM operations
		WHERE order_id = $1 AND verb = ANY($2) AND outcome = '' AND lease_until > now()`, []any{orderID, verbs}, orZero{&until})
	if err == nil && !until.IsZero() {
		return &InProgressError{Until: until}
	}
	return err
}

// ExtendOperation prolongs the lease to d from now. Errors: ErrConflict if the lease was lost to another attempt or the
// operation is finished: stop, and write nothing more outside.
func (db *DB) ExtendOperation(ctx context.Context, key, lease string, d time.Duration) error {
	const op = "extend operation"
	n, err := db.exec(ctx, op, "UPDATE operations SET lease_until = now() + $3::interval WHERE key = $1 AND lease = $2 AND outcome = ''", key, lease, d)
	if err == nil && n == 0 {
		err = conflict(op, "the lease is lost")
	}
	return err
}

// FinishOperation notes what came of the attempt that holds the lease, and releases it. result is stored as JSON; nil is
// none. It may be repeated. Errors: ErrConflict if the lease was lost to another attempt, or the operation is done;
// ErrInvalid for another outcome than the three.
func (db *DB) FinishOperation(ctx context.Context, key, lease, outcome, class, detail string, result any) error {
	const op = "finish operation"
	if outcome == "" {
		return invalid(op, "an outcome is needed")
	}
	var stored json.RawMessage
	if result != nil {
		raw, err := json.Marshal(result)
		if err != nil {
			return invalid(op, "the result cannot be written as JSON")
		}
		stored = cleanJSON(raw)
	}
	n, err := db.exec(ctx, op, `UPDATE operations SET outcome = $3, class = $4, detail = $5, result = $6, finished_at = now(), lease_until = NULL
		WHERE key = $1 AND lease = $2 AND (outcome = '' OR outcome = $3)`, key, lease, outcome, clean(class), clean(detail), stored)
	if err == nil && n == 0 {
		err = conflict(op, "the lease is lost")
	}
	return err
}

// FinishOperationByHand notes that a person did it: ref is the id of what they made, and becomes the result
// {"ref": ref, "by": by}. An audit row says so. Errors: ErrNotFound; ErrInProgress while an attempt's lease is alive;
// ErrConflict if it is done already; ErrInvalid if by or ref is empty.
func (db *DB) FinishOperationByHand(ctx context.Context, key, by, ref string) error {
	const op = "finish operation by hand"
	if by == "" || ref == "" {
		return invalid(op, "say who did it, and what they made")
	}
	n, err := db.exec(ctx, op, `WITH finished AS (
			UPDATE operations SET outcome = 'done', class = '', detail = 'by hand', lease = '', lease_until = NULL, finished_at = now(),
				result = jsonb_build_object('ref', $3::text, 'by', $2::text)
			WHERE key = $1 AND outcome <> 'done' AND (lease_until IS NULL OR lease_until <= now()) RETURNING key
		)
		INSERT INTO audit (by, what, subject, detail) SELECT $2, 'finish operation by hand', key, 'ref ' || $3 FROM finished`,
		key, clean(by), clean(ref))
	if err != nil || n == 1 {
		return err
	}
	var outcome string
	var until time.Time
	if err := db.one(ctx, op, "SELECT outcome, lease_until FROM operations WHERE key = $1", []any{key}, &outcome, orZero{&until}); err != nil {
		return err
	}
	if outcome == OperationDone {
		return conflict(op, "it is done already")
	}
	return &InProgressError{Until: until}
}

// ReviseOperation gives an operation that is done another result, because what it had made is gone from the outside and
// something took its place. Errors: ErrNotFound if it is not done.
func (db *DB) ReviseOperation(ctx context.Context, key string, result any) error {
	const op = "revise operation"
	doc, err := json.Marshal(result)
	if err != nil {
		return invalid(op, "the result is not JSON")
	}
	n, err := db.exec(ctx, op, "UPDATE operations SET result = $2 WHERE key = $1 AND outcome = 'done'", key, cleanJSON(doc))
	if err == nil && n == 0 {
		return notFound(op)
	}
	return err
}
