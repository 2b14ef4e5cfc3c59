package postgres

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
)

// The insert of one batch returns the ids of the rows that it added. Which rows are there already differs.
const (
	insertHead = `INSERT INTO webhooks (id, source, provider, type, disposition, reason, order_id, provider_order_id, kind,
			dedupe_key, body_sha256, headers, body, via, received_at, concern, conflict, claimed_by, claimed_until)
		SELECT id, source, provider, type, disposition, reason, order_id, provider_order_id, kind,
			dedupe_key, body_sha256, headers::jsonb, body, via, received_at, concern, $17,
			CASE WHEN disposition = 'forward' THEN nullif($18, '') END,
			CASE WHEN disposition = 'forward' AND $18 <> '' THEN now() + $19::interval END
		FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[],
			$10::text[], $11::bytea[], $12::text[], $13::bytea[], $14::text[], $15::timestamptz[], $16::text[])
			AS t (id, source, provider, type, disposition, reason, order_id, provider_order_id, kind,
				dedupe_key, body_sha256, headers, body, via, received_at, concern)
		ON CONFLICT `
	insertFirst    = insertHead + `(source, dedupe_key) WHERE NOT conflict DO NOTHING RETURNING id`
	insertConflict = insertHead + `(source, dedupe_key, body_sha256) WHERE conflict DO NOTHING RETURNING id`
)

// repeatsSQL finds all that is stored under the keys. It asks the two unique indexes one by one, since each is partial.
const repeatsSQL = `WITH k AS (SELECT DISTINCT source, dedupe_key FROM unnest($1::text[], $2::text[]) AS t (source, dedupe_key))
	SELECT w.id::text, w.conflict, w.source, w.dedupe_key, w.body_sha256 FROM k JOIN webhooks w USING (source, dedupe_key) WHERE NOT w.conflict
	UNION ALL
	SELECT w.id::text, w.conflict, w.source, w.dedupe_key, w.body_sha256 FROM k JOIN webhooks w USING (source, dedupe_key) WHERE w.conflict`

// flush writes the batch and answers everybody in it.
func (in *Inbox) flush(batch []*pending) {
	ctx, cancel := context.WithTimeout(in.ctx, in.opt.Timeout)
	defer cancel()
	// Two batches that wait for each other's rows would be a deadlock; in one order they only wait.
	slices.SortStableFunc(batch, func(a, b *pending) int { return compareKeys(a.w, b.w) })
	in.write(ctx, batch)
}

func compareKeys(a, b Webhook) int {
	return cmp.Or(cmp.Compare(a.Source, b.Source), cmp.Compare(a.DedupeKey, b.DedupeKey), bytes.Compare(a.BodySHA256[:], b.BodySHA256[:]))
}

// write tries the batch as a whole and, if Postgres refuses a value in it, each row alone: one bad row must not fail
// its neighbours.
func (in *Inbox) write(ctx context.Context, batch []*pending) {
	rest, err := in.settle(ctx, batch)
	if err != nil && in.ctx.Err() != nil {
		err = errClosed // our end of the context, not the caller's
	}
	if errors.Is(err, ErrUnavailable) || errors.Is(err, ErrSchema) || len(batch) == 1 {
		for _, p := range rest {
			p.done <- result{err: err}
		}
		return
	}
	for _, p := range rest {
		in.write(ctx, []*pending{p})
	}
}

// settle stores the batch and answers whoever it can; it returns the others. New rows are settled by the first
// statement. What is left has a key that was there: repeats of the same body are told from conflicts, which are added.
func (in *Inbox) settle(ctx context.Context, batch []*pending) (rest []*pending, err error) {
	for _, step := range []func(context.Context, []*pending) ([]*pending, error){
		in.addFirst, in.answerRepeats, in.addConflicts,
		in.answerRepeats, // the same conflict was added at the same moment, by this batch or another
	} {
		if batch, err = step(ctx, batch); err != nil || len(batch) == 0 {
			return batch, err
		}
	}
	return batch, &Error{op: "put webhook", class: ErrUnavailable, detail: "the row that it repeats was deleted meanwhile"}
}

func (in *Inbox) addFirst(ctx context.Context, batch []*pending) ([]*pending, error) {
	return in.add(ctx, insertFirst, batch, false)
}

func (in *Inbox) addConflicts(ctx context.Context, batch []*pending) ([]*pending, error) {
	return in.add(ctx, insertConflict, batch, true)
}

// add inserts what is new and answers it; it returns what was there.
func (in *Inbox) add(ctx context.Context, sql string, batch []*pending, conflict bool) ([]*pending, error) {
	var added []pgtype.UUID
	args := in.columns(batch, conflict)
	err := in.try(ctx, func() (err error) {
		added, err = list(ctx, in.db, "put webhook", sql, args, pgx.RowTo[pgtype.UUID])
		return err
	})
	if err != nil {
		return batch, err
	}
	if len(added) == len(batch) {
		for _, p := range batch {
			p.done <- result{stored: Stored{ID: p.w.ID, Conflict: conflict}}
		}
		return nil, nil
	}
	ours := make(map[pgtype.UUID]bool, len(added))
	for _, id := range added {
		ours[id] = true
	}
	return slices.DeleteFunc(slices.Clone(batch), func(p *pending) bool {
		if !ours[p.id] {
			return false
		}
		p.done <- result{stored: Stored{ID: p.w.ID, Conflict: conflict}}
		return true
	}), nil
}

// answerRepeats answers those whose very body is stored under their key; it returns the others. A row that lies there
// under its own id is no repeat: it was stored by an attempt whose answer was lost with the connection.
func (in *Inbox) answerRepeats(ctx context.Context, batch []*pending) ([]*pending, error) {
	type key struct {
		source, dedupe string
		sum            [32]byte
	}
	type row struct {
		id       string
		conflict bool
	}
	sources, keys := make([]string, len(batch)), make([]string, len(batch))
	for i, p := range batch {
		sources[i], keys[i] = p.w.Source, p.w.DedupeKey
	}
	stored := map[key]row{}
	first := map[[2]string]row{} // by source and dedupe key alone
	err := in.try(ctx, func() error {
		_, err := list(ctx, in.db, "put webhook", repeatsSQL, []any{sources, keys}, func(r pgx.CollectableRow) (struct{}, error) {
			var k key
			var v row
			var sum []byte
			err := r.Scan(&v.id, &v.conflict, &k.source, &k.dedupe, &sum)
			copy(k.sum[:], sum)
			stored[k] = v
			if !v.conflict {
				first[[2]string{k.source, k.dedupe}] = v
			}
			return struct{}{}, err
		})
		return err
	})
	if err != nil {
		return batch, err
	}
	return slices.DeleteFunc(slices.Clone(batch), func(p *pending) bool {
		v, ok := stored[key{p.w.Source, p.w.DedupeKey, p.w.BodySHA256}]
		if !ok && p.w.KeyTells {
			v, ok = first[[2]string{p.w.Source, p.w.DedupeKey}]
		}
		if !ok {
			return false
		}
		p.done <- result{stored: Stored{ID: v.id, Duplicate: v.id != p.w.ID, Conflict: v.conflict && v.id == p.w.ID}}
		return true
	}), nil
}

// columns turns rows into the arrays that insertHead takes.
func (in *Inbox) columns(batch []*pending, conflict bool) []any {
	n := len(batch)
	text := func(of func(*pending) string) []string {
		out := make([]string, n)
		for i, p := range batch {
			out[i] = of(p)
		}
		return out
	}
	ids, sums, bodies := make([]pgtype.UUID, n), make([][]byte, n), make([][]byte, n)
	received := make([]time.Time, n)
	for i, p := range batch {
		ids[i], sums[i], bodies[i], received[i] = p.id, p.w.BodySHA256[:], p.w.Body, p.w.ReceivedAt
	}
	return []any{
		ids,
		text(func(p *pending) string { return p.w.Source }),
		text(func(p *pending) string { return p.w.Provider }),
		text(func(p *pending) string { return p.w.Type }),
		text(func(p *pending) string { return string(p.w.Disposition) }),
		text(func(p *pending) string { return p.w.Reason }),
		text(func(p *pending) string { return p.w.OrderID }),
		text(func(p *pending) string { return p.w.ProviderOrderID }),
		text(func(p *pending) string { return string(p.w.Kind) }),
		text(func(p *pending) string { return p.w.DedupeKey }),
		pgtype.FlatArray[[]byte](sums),
		text(func(p *pending) string { return p.head }),
		pgtype.FlatArray[[]byte](bodies),
		text(func(p *pending) string { return string(p.w.Via) }),
		received,
		text(func(p *pending) string { return p.w.Concern }),
		conflict, in.opt.Owner, in.opt.Lease,
	}
}

// try runs a statement again, at once, when the connection that it was sent on turns out to be dead, as all in the pool
// are after a restart of Postgres, or when Postgres asks for it. That is safe because an insert that was committed all
// the same is recognised by its id. When no connection can be made, Postgres is away and nobody is kept waiting.
func (in *Inbox) try(ctx context.Context, statement func() error) error {
	for tries := in.tries; ; tries-- {
		err := statement()
		if tries == 0 || ctx.Err() != nil || !again(err) {
			return err
		}
	}
}

func again(err error) bool {
	e := new(Error)
	if !errors.As(err, &e) {
		return false
	}
	switch e.code {
	case "": // of no server: the connection broke
		return e.class == ErrUnavailable && e.lost
	case "57P01", "57P02", "57P05", "40001", "40P01": // admin_shutdown, crash_shutdown, idle_session_timeout; serialization_failure, deadlock_detected
		return !e.dialled
	}
	return false
}
