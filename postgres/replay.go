package postgres

import (
	"context"
	"strconv"

	"github.com/jackc/pgx/v5"

	"willcall/provider"
)

// Replay begins a new attempt on rows of disposition Forward: they wait to be claimed again, whoever held them. It
// bypasses the dedupe by construction, since no row is added. It returns how many rows there were, and leaves an audit
// row for each. Errors: ErrInvalid if nobody is named.
func (db *DB) Replay(ctx context.Context, ids []string, by string) (n int, err error) {
	replayed, err := db.replay(ctx, ids, by)
	return len(replayed), err
}

func (db *DB) replay(ctx context.Context, ids []string, by string) ([]string, error) {
	const op = "replay"
	if by == "" {
		return nil, invalid(op, "say who replays")
	}
	return list(ctx, db, op, `WITH again AS (
			UPDATE webhooks SET forwarded_at = NULL, attempt = attempt + 1, queued_at = now(), claimed_by = NULL,
				claimed_until = NULL, next_try = NULL, last_error = ''
			WHERE id = ANY($1) AND disposition = 'forward' RETURNING id, attempt
		), noted AS (
			INSERT INTO audit (by, what, subject, detail) SELECT $2, 'replay webhook', id::text, 'attempt ' || attempt FROM again
		)
		SELECT id::text FROM again ORDER BY id`,
		[]any{parseIDs(ids), clean(by)}, pgx.RowTo[string])
}

// ReplayMatching replays the oldest rows of disposition Forward that match, at most limit of them (0 is 50, more than
// 500 is 500), and returns their ids. With dryRun it only says which. Errors: ErrInvalid if nobody is named, or if the
// filter asks for another disposition: such rows must be decoded again first, see [DB.Reclassify].
func (db *DB) ReplayMatching(ctx context.Context, f WebhookFilter, limit int, dryRun bool, by string) ([]string, error) {
	const op = "replay matching"
	if f.Disposition != "" && f.Disposition != provider.Forward {
		return nil, invalid(op, "only rows of disposition forward can be replayed")
	}
	f.Disposition = provider.Forward
	w, err := f.where(op)
	if err != nil {
		return nil, err
	}
	sql := "SELECT w.id::text FROM webhooks w" + w.String() + " ORDER BY w.id LIMIT " + strconv.Itoa(pageSize(limit))
	ids, err := list(ctx, db, op, sql, w.args, pgx.RowTo[string])
	if err != nil || dryRun || len(ids) == 0 {
		return ids, err
	}
	return db.replay(ctx, ids, by)
}
