package postgres

import (
	"context"
	"encoding/json"
	"time"

	"github.com/jackc/pgx/v5"

	"willcall/order"
)

// OrderRow is one order as operators list it, and the whole of it in Doc. It holds no buyer data.
type OrderRow struct {
	order.Identity
	State           order.State
	StateSince      time.Time
	AttentionReason string // an order.Reason; "": none
	AttentionDetail string
	AttentionAdvice string
	AttentionSince  time.Time
	AmountMinor     int64
	Currency        string // ISO 4217, or ""
	EventID         string
	EventName       string
	EventStartsAt   time.Time
	CustomerID      string // of the POS
	InvoiceID       string
	PurchaseOrderID string
	Deadline        time.Time
	Awaits          string
	Lines           json.RawMessage // a list; nil is the empty one
	Doc             json.RawMessage // the order.Order
	DecidedAt       time.Time       // with Revision: which of two saves is the newer
	Revision        int64
	FirstReceivedAt time.Time
	InvoicedAt      time.Time
	ClosedAt        time.Time
	Refs            []string // its other names; see [DB.FindOrder]
	POS             string   // the configured name of the POS that InvoiceID and PurchaseOrderID are of: they are names of the order there; "" for none
}

// TimelineEntry is one line of an order's story. The four fields but Detail are its key: repeats are ignored.
type TimelineEntry struct {
	At        time.Time
	What      string
	WebhookID string // "" where no delivery caused it
	Detail    string
}

// StepRow is the newest result of one step.
type StepRow struct {
	StepID  order.StepID
	Do      order.Do
	Outcome order.Outcome
	Class   string
	Detail  string
	Ref     string
	At      time.Time
}

// orderColumns are in the order of OrderRow.values.
const orderColumns = `id, source, provider, provider_order_id, kind, state, state_since, attention_reason, attention_detail,
	attention_advice, attention_since, amount_minor, currency, event_id, event_name, event_starts_at, customer_id, invoice_id,
	purchase_order_id, deadline, awaits, lines, doc, decided_at, revision, first_received_at, invoiced_at, closed_at`

// saveOrderSQL leaves a newer row alone; the same decision may be saved again.
const saveOrderSQL = `INSERT INTO orders AS o (` + orderColumns + `)
	VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26, $27, $28)
	ON CONFLICT (id) DO UPDATE SET (source, provider, provider_order_id, kind, state, state_since, attention_reason, attention_detail,
		attention_advice, attention_since, amount_minor, currency, event_id, event_name, event_starts_at, customer_id, invoice_id,
		purchase_order_id, deadline, awaits, lines, doc, decided_at, revision, first_received_at, invoiced_at, closed_at)
	= (excluded.source, excluded.provider, excluded.provider_order_id, excluded.kind, excluded.state, excluded.state_since,
		excluded.attention_reason, excluded.attention_detail, excluded.attention_advice, excluded.attention_since,
		excluded.amount_minor, excluded.currency, excluded.event_id, excluded.event_name, excluded.event_starts_at,
		excluded.customer_id, excluded.invoice_id, excluded.purchase_order_id, excluded.deadline, excluded.awaits,
		excluded.lines, excluded.doc, excluded.decided_at, excluded.revision, excluded.first_received_at, excluded.invoiced_at,
		excluded.closed_at)
	WHERE (o.decided_at, o.revision) <= (excluded.decided_at, excluded.revision)`

// saveStepsSQL keeps the newest result of each step, and a step that is done stays done.
const saveStepsSQL = `INSERT INTO steps AS s (order_id, step_id, verb, outcome, class, detail, ref, at)
	SELECT $1, step_id, verb, outcome, class, detail, ref, at
	FROM unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::timestamptz[])
		AS t (step_id, verb, outcome, class, detail, ref, at)
	ON CONFLICT (order_id, step_id) DO UPDATE SET verb = excluded.verb, outcome = excluded.outcome, class = excluded.class,
		detail = excluded.detail, ref = excluded.ref, at = excluded.at
	WHERE s.at <= excluded.at AND (s.outcome <> 'done' OR excluded.outcome = 'done')`

func (o OrderRow) values() []any {
	lines := o.Lines
	if len(lines) == 0 {
		lines = json.RawMessage("[]")
	}
	return []any{o.ID, o.Source, o.Provider, clean(o.ProviderOrderID), o.Kind, o.State, null(o.StateSince), o.AttentionReason,
		clean(o.AttentionDetail), clean(o.AttentionAdvice), null(o.AttentionSince), o.AmountMinor, o.Currency, clean(o.EventID),
		clean(o.EventName), null(o.EventStartsAt), clean(o.CustomerID), clean(o.InvoiceID), clean(o.PurchaseOrderID),
		null(o.Deadline), clean(o.Awaits), cleanJSON(lines), cleanJSON(o.Doc), o.DecidedAt, o.Revision, null(o.FirstReceivedAt),
		null(o.InvoicedAt), null(o.ClosedAt)}
}

// SaveOrder writes the order, its new timeline entries and its steps in one transaction. An order that was decided
// earlier (DecidedAt, then Revision) than the stored one changes nothing of it, but its entries are added, and each step
// counts by its own time. So it may be repeated, and come late. What was parked under one of its names is released.
//
// It returns what was last said of the order's performance ([DB.PutEventNews]), nil if nothing was: whoever spread that news
// may have done so before the order was known to be of that performance. Errors: ErrInvalid.
func (db *DB) SaveOrder(ctx context.Context, o OrderRow, entries []TimelineEntry, steps []StepRow) (news json.RawMessage, err error) {
	const op = "save order"
	if o.ID == "" || o.DecidedAt.IsZero() || len(o.Doc) == 0 {
		return nil, invalid(op, "id, time of decision and document are needed")
	}
	b := &pgx.Batch{}
	b.Queue(saveOrderSQL, o.values()...)
	if len(entries) > 0 {
		queueEntries(b, o.ID, entries)
	}
	if len(steps) > 0 {
		queueSteps(b, o.ID, steps)
	}
	if of, refs := o.names(); len(refs) > 0 {
		queueRefs(b, o, of, refs)
	}
	writes := b.Len()
	if o.EventID != "" {
		b.Queue("SELECT news FROM event_news WHERE source = $1 AND event_id = $2", o.Source, clean(o.EventID))
	}
	err = db.send(ctx, op, b, func(results pgx.BatchResults) error {
		for range writes {
			if _, err := results.Exec(); err != nil {
				return err
			}
		}
		if o.EventID == "" {
			return nil
		}
		rows, err := results.Query()
		if err != nil {
			return err
		}
		found, err := pgx.CollectRows(rows, pgx.RowTo[json.RawMessage])
		if len(found) > 0 {
			news = found[0]
		}
		return err
	})
	return news, err
}

func queueEntries(b *pgx.Batch, orderID string, entries []TimelineEntry) {
	n := len(entries)
	at, what, hooks, details := make([]time.Time, n), make([]string, n), make([]string, n), make([]string, n)
	for i, e := range entries {
		at[i], what[i], hooks[i], details[i] = e.At, clean(e.What), clean(e.WebhookID), clean(e.Detail)
	}
	b.Queue(`INSERT INTO timeline (order_id, at, what, webhook_id, detail)
		SELECT $1, at, what, webhook_id, detail FROM unnest($2::timestamptz[], $3::text[], $4::text[], $5::text[]) AS t (at, what, webhook_id, detail)
		ON CONFLICT DO NOTHING`, orderID, at, what, hooks, details)
}

func queueSteps(b *pgx.Batch, orderID string, steps []StepRow) {
	var at []time.Time
	var ids, verbs, outcomes, classes, details, refs []string
	place := map[order.StepID]int{} // one statement may touch a row only once: the last mention counts
	for _, s := range steps {
		i, seen := place[s.StepID]
		if !seen {
			i = len(ids)
			place[s.StepID] = i
			at = append(at, time.Time{})
			for _, column := range []*[]string{&ids, &verbs, &outcomes, &classes, &details, &refs} {
				*column = append(*column, "")
			}
		}
		ids[i], verbs[i], outcomes[i], at[i] = string(s.StepID), string(s.Do), string(s.Outcome), s.At
		classes[i], details[i], refs[i] = clean(s.Class), clean(s.Detail), clean(s.Ref)
	}
	b.Queue(saveStepsSQL, orderID, ids, verbs, outcomes, classes, details, refs, at)
}

// LoadOrder returns the order.Order that was saved last, for a run that begins after another one ended. An order that
// was never saved is not an error.
func (db *DB) LoadOrder(ctx context.Context, id string) (doc json.RawMessage, found bool, err error) {
	docs, err := list(ctx, db, "load order", "SELECT doc FROM orders WHERE id = $1", []any{id}, pgx.RowTo[json.RawMessage])
	if err != nil || len(docs) == 0 {
		return nil, false, err
	}
	return docs[0], true, nil
}
