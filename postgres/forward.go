package postgres

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
)

// Lag is how much waits to be forwarded, and since when.
type Lag struct {
	Count  int64
	Oldest time.Time // arrival, or the newest replay, of the one that waits longest; zero if none does
}

// claimSQL takes rows oldest first, and looks at each one's earlier siblings: two owners must not forward two rows of one
// order at the same time, or the order would hear the later one first. OFFSET 0 makes that a look-up by order for each
// row taken: the table was analysed when nothing waited, and joined freely a backlog would be read once for each.
const claimSQL = `WITH due AS (
		SELECT w.id FROM webhooks w
		WHERE w.forwarded_at IS NULL AND w.disposition = 'forward'
			AND (w.claimed_until IS NULL OR w.claimed_until <= now())
			AND (w.next_try IS NULL OR w.next_try <= now())
			AND NOT EXISTS (
				SELECT FROM (
					SELECT s.forwarded_at, s.disposition, s.claimed_by, s.claimed_until, s.next_try FROM webhooks s
					WHERE s.order_id = w.order_id AND s.order_id <> '' AND s.seq < w.seq OFFSET 0
				) e
				WHERE e.forwarded_at IS NULL AND e.disposition = 'forward' AND (e.claimed_until > now() AND e.claimed_by <> $1 OR e.next_try > now()))
		ORDER BY w.seq LIMIT $3 FOR UPDATE OF w SKIP LOCKED
	)
	UPDATE webhooks w SET claimed_by = $1, claimed_until = now() + $2::interval FROM due WHERE w.id = due.id
	RETURNING ` + webhookColumns + `, CASE WHEN octet_length(w.body) <= 262144 THEN w.body END`

// SmallBody is the size up to which [DB.Claim] returns bodies.
const SmallBody = 256 << 10

// Claim takes at most limit rows for owner, oldest first: not forwarded, due, and held by nobody whose lease is alive.
// For the length of the lease nobody else gets them. A row is held back while an earlier row of the same order is with
// another owner, or waits for its next try. Claims of several owners take turns, so that this holds for claims at the same moment, too.
//
// A body above [SmallBody] is nil, so that a batch stays small: read it with [DB.Webhook].
//
// Rows that [Inbox.Put] stored are claimed by the inbox's owner from the start: this is for what a crash, a failure or
// a replay left behind.
func (db *DB) Claim(ctx context.Context, owner string, lease time.Duration, limit int) ([]Webhook, error) {
	const op = "claim"
	if owner == "" || lease <= 0 || limit <= 0 {
		return nil, invalid(op, "owner, lease and limit are needed")
	}
	b := &pgx.Batch{}
	b.Queue("SELECT pg_advisory_xact_lock($1)", lockClaim) // a statement of its own: the next one must see what the last holder did
	b.Queue(claimSQL, owner, lease, limit)
	var claimed []Webhook
	err := db.send(ctx, op, b, func(results pgx.BatchResults) error {
		if _, err := results.Exec(); err != nil {
			return err
		}
		rows, err := results.Query()
		if err != nil {
			return err
		}
		claimed, err = pgx.CollectRows(rows, scanWebhookWithBody)
		return err
	})
	if err != nil {
		return nil, err
	}
	slices.SortFunc(claimed, func(a, b Webhook) int { return cmp.Compare(a.Seq, b.Seq) }) // RETURNING has no order
	return claimed, nil
}

// MarkForwarded notes that the workflows have the rows. Ids that are unknown or marked already are ignored. It does not
// wait for the disk: a mark that is lost with the server means one more signal, which the workflow recognises.
func (db *DB) MarkForwarded(ctx context.Context, ids []string, at time.Time) error {
	if len(ids) == 0 {
		return nil
	}
	_, err := db.exec(ctx, "mark forwarded", `WITH lazy AS MATERIALIZED (SELECT set_config('synchronous_commit', 'off', true))
		UPDATE webhooks SET forwarded_at = $2, claimed_by = NULL, claimed_until = NULL, next_try = NULL, last_error = ''
		FROM lazy WHERE id = ANY($1) AND forwarded_at IS NULL AND disposition = 'forward'`, parseIDs(ids), at)
	return err
}

// MarkForwardFailed gives the row back, to be claimed from next on. detail is for people and must hold no buyer data;
// it is cut to 500 bytes. A row that was forwarded meanwhile stays so.
func (db *DB) MarkForwardFailed(ctx context.Context, id, detail string, next time.Time) error {
	const op = "mark forward failed"
	u, ok := parseID(id)
	if !ok {
		return notFound(op)
	}
	_, err := db.exec(ctx, op, `UPDATE webhooks SET last_error = $2, next_try = $3, claimed_by = NULL, claimed_until = NULL
		WHERE id = $1 AND forwarded_at IS NULL`, u, clean(detail[:min(len(detail), 500)]), null(next))
	return err
}

// ReleaseClaims gives back whatever owner holds, for a graceful stop: others need not wait for its leases to end.
func (db *DB) ReleaseClaims(ctx context.Context, owner string) error {
	_, err := db.exec(ctx, "release claims", "UPDATE webhooks w SET claimed_by = NULL, claimed_until = NULL WHERE "+waiting+" AND w.claimed_by = $1", owner)
	return err
}

const lagSQL = "SELECT count(*), min(w.queued_at) FROM webhooks w WHERE " + waiting

// InboxLag says how much waits to be forwarded, rows that are claimed or wait for their next try included.
func (db *DB) InboxLag(ctx context.Context) (Lag, error) {
	var l Lag
	err := db.one(ctx, "inbox lag", lagSQL, nil, &l.Count, orZero{&l.Oldest})
	return l, err
}
