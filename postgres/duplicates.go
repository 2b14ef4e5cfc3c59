package postgres

import (
	"context"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"

	"willcall/order"
)

// Duplicate is a reference of ours with more than one live record in the point of sale.
type Duplicate struct {
	ID        int64
	Source    string
	Reference string   // a workflow id
	Kind      order.Do // of the records: order.DoInvoice or order.DoPurchaseOrder
	Live      int      // how many there are
	IDs       []string // the POS's ids of the first of them
	FirstSeen time.Time
	LastSeen  time.Time
	GoneAt    time.Time // zero while it is there

	Named string // the one that the order names; "" where we have no such order, or it names none
}

// maxDuplicateIDs is how many ids of one reference are kept: enough for a person to see what happens.
const maxDuplicateIDs = 100

// Written is an order of which records were written to a point of sale, or may have been.
type Written struct {
	ID    string     // the order's, and the records' reference
	Kinds []order.Do // of the records: order.DoInvoice, order.DoPurchaseOrder
}

// WrittenOrders returns the orders of a source whose records we have begun to write under their own id, sorted by id, those
// after the given one, at most limit of them: those that had news or were invoiced since then, and those of which a
// duplicate is open, so that it is seen when that is gone. A record that was there before us bears another reference.
//
// It follows the primary key and has no index of its own, which every save of an order would have to keep up.
func (db *DB) WrittenOrders(ctx context.Context, source, after string, since time.Time, limit int) ([]Written, error) {
	return list(ctx, db, "written orders", `SELECT o.id, w.kinds FROM orders o CROSS JOIN LATERAL (
			SELECT array_agg(DISTINCT verb ORDER BY verb) AS kinds FROM operations p
			WHERE p.order_id = o.id AND p.ref = o.id AND p.verb IN ('invoice', 'purchase_order')) w
		WHERE o.source = $1 AND o.id > $2 AND w.kinds IS NOT NULL AND (o.decided_at >= $3 OR o.invoiced_at >= $3
			OR o.id IN (SELECT reference FROM pos_duplicates WHERE source = $1 AND gone_at IS NULL))
		ORDER BY o.id LIMIT $4`, []any{source, after, since, pageSize(limit)}, pgx.RowToStructByPos[Written])
}

// PutDuplicate notes that d was there at d.LastSeen, and reports whether that is news: it was never there before, or was gone.
// Errors: ErrInvalid.
func (db *DB) PutDuplicate(ctx context.Context, d Duplicate) (news bool, err error) {
	ids := []string{}
	for _, id := range d.IDs[:min(len(d.IDs), maxDuplicateIDs)] {
		ids = append(ids, clean(id))
	}
	err = db.one(ctx, "put duplicate", `INSERT INTO pos_duplicates AS d (source, reference, kind, live, ids, first_seen, last_seen)
		VALUES ($1, $2, $3, $4, $5, $6, $6)
		ON CONFLICT (source, reference, kind) DO UPDATE SET live = excluded.live, ids = excluded.ids, last_seen = excluded.last_seen,
			first_seen = CASE WHEN d.gone_at IS NULL THEN d.first_seen ELSE excluded.first_seen END, gone_at = NULL
		RETURNING first_seen = last_seen`, []any{d.Source, d.Reference, d.Kind, d.Live, ids, d.LastSeen}, &news)
	return news, err
}

// DuplicateGone notes that the reference has no more than one live record of the kind, and reports whether that is news.
func (db *DB) DuplicateGone(ctx context.Context, source, reference string, kind order.Do, at time.Time) (news bool, err error) {
	n, err := db.exec(ctx, "duplicate gone", `UPDATE pos_duplicates SET gone_at = $4
		WHERE source = $1 AND reference = $2 AND kind = $3 AND gone_at IS NULL`, source, reference, kind, at)
	return n == 1, err
}

// Duplicates lists what was found, the newest first, at most limit of them (0 is 50, more than 500 is 500): of one source
// or, for "", of all; those that are gone only if they are asked for. next is the cursor of the next page, "" after the last.
// Errors: ErrInvalid for a cursor that does not exist.
func (db *DB) Duplicates(ctx context.Context, source string, gone bool, cursor string, limit int) (items []Duplicate, next string, err error) {
	const op = "duplicates"
	limit = pageSize(limit)
	w := &conditions{}
	if source != "" {
		w.add("d.source = $%", source)
	}
	if !gone {
		w.literal("d.gone_at IS NULL")
	}
	if cursor != "" {
		before, err := strconv.ParseInt(cursor, 10, 64)
		if err != nil {
			return nil, "", invalid(op, "no such cursor")
		}
		w.add("d.id < $%", before)
	}
	items, err = list(ctx, db, op, `SELECT d.id, d.source, d.reference, d.kind, d.live, d.ids, d.first_seen, d.last_seen, d.gone_at,
			COALESCE(CASE d.kind WHEN 'invoice' THEN o.invoice_id ELSE o.purchase_order_id END, '')
		FROM pos_duplicates d LEFT JOIN orders o ON o.id = d.reference`+w.String()+" ORDER BY d.id DESC LIMIT "+strconv.Itoa(limit+1),
		w.args, func(row pgx.CollectableRow) (d Duplicate, err error) {
			return d, row.Scan(&d.ID, &d.Source, &d.Reference, &d.Kind, &d.Live, &d.IDs, &d.FirstSeen, &d.LastSeen, orZero{&d.GoneAt}, &d.Named)
		})
	if err != nil {
		return nil, "", err
	}
	if len(items) > limit {
		items = items[:limit]
		next = strconv.FormatInt(items[limit-1].ID, 10)
	}
	return items, next, nil
}

// DuplicateCount is how many duplicates of a source are open.
type DuplicateCount struct {
	Source string
	N      int64
}

// DuplicateCounts counts the open duplicates of the sources that have any, sorted by source.
func (db *DB) DuplicateCounts(ctx context.Context) ([]DuplicateCount, error) {
	return list(ctx, db, "duplicate counts", `SELECT source, count(*) FROM pos_duplicates WHERE gone_at IS NULL
		GROUP BY source ORDER BY source`, nil, pgx.RowToStructByPos[DuplicateCount])
}
