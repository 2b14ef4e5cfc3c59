package postgres

import (
	"context"
	"encoding/base64"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"willcall/order"
)

// AnyAttention as OrderFilter.Attention asks for orders that need a person, whatever the reason.
const AnyAttention = "any"

// OrderFilter narrows a list; a zero field does not.
type OrderFilter struct {
	Source    string
	State     order.State
	Attention string // AnyAttention, or one reason
	EventID   string
}

// OrderCount is how many orders of a source are in a state and need attention for a reason ("": they do not).
type OrderCount struct {
	Source    string
	State     string
	Attention string
	N         int64
}

func orderFrom(row pgx.CollectableRow, more ...any) (OrderRow, error) {
	var o OrderRow
	into := []any{&o.ID, &o.Source, &o.Provider, &o.ProviderOrderID, &o.Kind, &o.State, orZero{&o.StateSince}, &o.AttentionReason,
		&o.AttentionDetail, &o.AttentionAdvice, orZero{&o.AttentionSince}, &o.AmountMinor, &o.Currency, &o.EventID,
		&o.EventName, orZero{&o.EventStartsAt}, &o.CustomerID, &o.InvoiceID, &o.PurchaseOrderID, orZero{&o.Deadline},
		&o.Awaits, &o.Lines, &o.Doc, &o.DecidedAt, &o.Revision, orZero{&o.FirstReceivedAt}, orZero{&o.InvoicedAt},
		orZero{&o.ClosedAt}}
	err := row.Scan(append(into, more...)...)
	return o, err
}

// Orders lists orders, the newest first, at most limit of them (0 is 50, more than 500 is 500). next is the cursor of
// the next page, "" after the last; orders that change between two pages are neither skipped nor repeated. Errors:
// ErrInvalid for a cursor that does not exist.
func (db *DB) Orders(ctx context.Context, f OrderFilter, cursor string, limit int) (items []OrderRow, next string, err error) {
	const op = "orders"
	limit = pageSize(limit)
	sql, args, err := ordersQuery(op, f, cursor, limit+1)
	if err != nil {
		return nil, "", err
	}
	var created []time.Time
	items, err = list(ctx, db, op, sql, args, func(row pgx.CollectableRow) (OrderRow, error) {
		var at time.Time
		o, err := orderFrom(row, &at)
		created = append(created, at)
		return o, err
	})
	if err != nil {
		return nil, "", err
	}
	if len(items) > limit {
		items = items[:limit]
		next = place{created[limit-1], items[limit-1].ID}.String()
	}
	return items, next, nil
}

func ordersQuery(op string, f OrderFilter, cursor string, limit int) (sql string, args []any, err error) {
	w := &conditions{}
	if f.Source != "" {
		w.add("source = $%", f.Source)
	}
	if f.State != "" {
		w.add("state = $%", f.State)
	}
	if f.Attention != "" {
		w.literal("attention_reason <> ''") // as the partial index says it
	}
	if f.Attention != "" && f.Attention != AnyAttention {
		w.add("attention_reason = $%", f.Attention)
	}
	if f.EventID != "" {
		w.literal("event_id <> ''")
		w.add("event_id = $%", f.EventID)
	}
	if cursor != "" {
		p, ok := parsePlace(cursor)
		if !ok {
			return "", nil, invalid(op, "no such cursor")
		}
		w.add("(created_at, id) < ($%, ", p.at)
		w.args = append(w.args, p.id)
		w.sql[len(w.sql)-1] += "$" + strconv.Itoa(len(w.args)) + ")"
	}
	return "SELECT " + orderColumns + ", created_at FROM orders" + w.String() + " ORDER BY created_at DESC, id DESC LIMIT " + strconv.Itoa(limit), w.args, nil
}

// Order returns one order with its timeline and its steps, the oldest first. Errors: ErrNotFound.
func (db *DB) Order(ctx context.Context, id string) (o OrderRow, entries []TimelineEntry, steps []StepRow, err error) {
	const op = "order"
	b := &pgx.Batch{}
	b.Queue("SELECT "+orderColumns+" FROM orders WHERE id = $1", id)
	b.Queue("SELECT at, what, webhook_id, detail FROM timeline WHERE order_id = $1 ORDER BY at, what, webhook_id", id)
	b.Queue("SELECT step_id, verb, outcome, class, detail, ref, at FROM steps WHERE order_id = $1 ORDER BY at, step_id", id)
	err = db.send(ctx, op, b, func(results pgx.BatchResults) error {
		rows, err := results.Query()
		if err != nil {
			return err
		}
		o, err = pgx.CollectOneRow(rows, func(row pgx.CollectableRow) (OrderRow, error) { return orderFrom(row) })
		if err != nil {
			return err
		}
		if rows, err = results.Query(); err != nil {
			return err
		}
		if entries, err = pgx.CollectRows(rows, pgx.RowToStructByPos[TimelineEntry]); err != nil {
			return err
		}
		if rows, err = results.Query(); err != nil {
			return err
		}
		steps, err = pgx.CollectRows(rows, pgx.RowToStructByPos[StepRow])
		return err
	})
	return o, entries, steps, err
}

// OrderCounts counts all orders, for gauges. It reads the whole table: ask once a minute, not once a request.
func (db *DB) OrderCounts(ctx context.Context) ([]OrderCount, error) {
	return list(ctx, db, "order counts", `SELECT source, state, attention_reason, count(*) FROM orders
		GROUP BY source, state, attention_reason ORDER BY source, state, attention_reason`, nil, pgx.RowToStructByPos[OrderCount])
}

// OpenOrdersOfEvent returns the ids of the source's orders for the event that are in no final state, sorted.
func (db *DB) OpenOrdersOfEvent(ctx context.Context, source, eventID string) ([]string, error) {
	return list(ctx, db, "open orders of event", `SELECT id FROM orders WHERE event_id <> '' AND event_id = $2 AND source = $1
		AND state NOT IN ('completed', 'rejected', 'cancelled') ORDER BY id`, []any{source, eventID}, pgx.RowTo[string])
}

// place is where a page of orders ends.
type place struct {
	at time.Time
	id string
}

func (p place) String() string {
	return base64.RawURLEncoding.EncodeToString([]byte(strconv.FormatInt(p.at.UnixMicro(), 10) + " " + p.id))
}

func parsePlace(cursor string) (place, bool) {
	text, err := base64.RawURLEncoding.DecodeString(cursor)
	if err != nil {
		return place{}, false
	}
	at, id, ok := strings.Cut(string(text), " ")
	micros, err := strconv.ParseInt(at, 10, 64)
	if err != nil || !ok || !storable(id) {
		return place{}, false
	}
	return place{time.UnixMicro(micros).UTC(), id}, true
}

// OrderState is where an order stood when it was last saved; "" where it never was.
func (db *DB) OrderState(ctx context.Context, id string) (order.State, error) {
	found, err := list(ctx, db, "order state", "SELECT state FROM orders WHERE id = $1", []any{id}, pgx.RowTo[order.State])
	if err != nil || len(found) == 0 {
		return "", err
	}
	return found[0], nil
}
