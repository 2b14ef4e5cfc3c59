package postgres

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"willcall/order"
)

// names are all names of the order, each with whose it is: those of its source, and those of its records in the POS.
func (o OrderRow) names() (of, refs []string) {
	add := func(source, ref string) { of, refs = append(of, source), append(refs, clean(ref)) }
	for _, r := range o.Refs {
		add(o.Source, r)
	}
	if o.POS != "" && o.InvoiceID != "" {
		add(o.POS, InvoiceRef(o.InvoiceID))
	}
	if o.POS != "" && o.PurchaseOrderID != "" {
		add(o.POS, PurchaseOrderRef(o.PurchaseOrderID))
	}
	return of, refs
}

// InvoiceRef is the name that an invoice of a POS gives its order. The order keeps it when another invoice takes that one's place.
func InvoiceRef(id string) string { return "invoice:" + id }

// PurchaseOrderRef is to purchase orders what [InvoiceRef] is to invoices.
func PurchaseOrderRef(id string) string { return "purchase_order:" + id }

// queueRefs writes the names of an order, and releases what is parked under them. A name that another order has stays with
// that one: of two orders that claim one ticket the first is as good as the second, and news must not go to and fro.
func queueRefs(b *pgx.Batch, o OrderRow, of, refs []string) {
	b.Queue(`INSERT INTO order_refs (source, ref, order_id) SELECT n.source, n.ref, $3 FROM unnest($1::text[], $2::text[]) AS n (source, ref)
		ON CONFLICT DO NOTHING`, of, refs, o.ID)
	b.Queue(`UPDATE webhooks w SET disposition = 'forward', order_id = $3, provider_order_id = $4, kind = $5, queued_at = now(), next_try = NULL
		FROM unnest($1::text[], $2::text[]) AS n (source, ref)
		WHERE w.disposition = 'parked' AND w.source = n.source AND w.concern = n.ref`, of, refs, o.ID, clean(o.ProviderOrderID), o.Kind)
}

// FindOrder returns the order that has the name ref ("ticket:65f0…") at the source. The source may be a POS: then the order is of
// another. None is no error.
func (db *DB) FindOrder(ctx context.Context, source, ref string) (id order.Identity, found bool, err error) {
	ids, err := list(ctx, db, "find order", `SELECT o.id, o.source, o.provider, o.provider_order_id, o.kind
		FROM order_refs r JOIN orders o ON o.id = r.order_id WHERE r.source = $1 AND r.ref = $2`, []any{source, clean(ref)}, scanIdentity)
	if err != nil || len(ids) == 0 {
		return order.Identity{}, false, err
	}
	return ids[0], true, nil
}

// OrderIdentity returns whose order the workflow id stands for. None is no error.
func (db *DB) OrderIdentity(ctx context.Context, id string) (of order.Identity, found bool, err error) {
	ids, err := list(ctx, db, "order identity", "SELECT id, source, provider, provider_order_id, kind FROM orders WHERE id = $1", []any{id}, scanIdentity)
	if err != nil || len(ids) == 0 {
		return order.Identity{}, false, err
	}
	return ids[0], true, nil
}

func scanIdentity(row pgx.CollectableRow) (id order.Identity, err error) {
	err = row.Scan(&id.ID, &id.Source, &id.Provider, &id.ProviderOrderID, &id.Kind)
	return id, err
}

// ReleaseParked looks for the orders of at most limit parked webhooks that are due for it, and returns how many it released.
// It is for those that were parked at the very moment at which their order was saved: all others are released by that. A
// webhook whose order is not there is looked at again when it has been parked for twice as long, or ten minutes later. News of a
// record of a POS is given up after a day: a POS tells of every sale that it has, also of those that we have nothing to do with.
func (db *DB) ReleaseParked(ctx context.Context, limit int) (released int64, err error) {
	err = db.one(ctx, "release parked", `WITH due AS (
			SELECT id, source, concern FROM webhooks WHERE disposition = 'parked' AND (next_try IS NULL OR next_try <= now())
			ORDER BY id LIMIT $1 FOR UPDATE SKIP LOCKED
		), found AS (
			SELECT due.id, o.id AS order_id, o.provider_order_id, o.kind FROM due
			JOIN order_refs r ON r.source = due.source AND r.ref = due.concern JOIN orders o ON o.id = r.order_id
		), released AS (
			UPDATE webhooks w SET disposition = 'forward', order_id = found.order_id, provider_order_id = found.provider_order_id,
				kind = found.kind, queued_at = now(), next_try = NULL
			FROM found WHERE w.id = found.id RETURNING w.id
		), missed AS (
			UPDATE webhooks w SET next_try = now() + least(greatest(now() - w.received_at, interval '1 second'), interval '10 minutes'),
				disposition = CASE WHEN w.received_at < now() - interval '1 day' AND split_part(w.concern, ':', 1) IN ('invoice', 'purchase_order')
					THEN 'recorded' ELSE 'parked' END
			FROM due WHERE w.id = due.id AND due.id NOT IN (SELECT id FROM found)
		)
		SELECT count(*) FROM released`, []any{limit}, &released)
	return released, err
}

// ParkedConcerns returns at most limit names of the given kind ("checkout") under which webhooks of the source are parked.
func (db *DB) ParkedConcerns(ctx context.Context, source, kind string, limit int) ([]string, error) {
	return list(ctx, db, "parked concerns", `SELECT DISTINCT w.concern FROM webhooks w
		WHERE w.disposition = 'parked' AND w.source = $1 AND starts_with(w.concern, $2) ORDER BY 1 LIMIT $3`,
		[]any{source, kind + ":", limit}, pgx.RowTo[string])
}

// PutEventNews notes what was said of a performance at the time at, unless something later is noted already. It returns what
// counts now.
func (db *DB) PutEventNews(ctx context.Context, source, eventID string, at time.Time, news json.RawMessage) (json.RawMessage, error) {
	var now json.RawMessage
	err := db.one(ctx, "put event news", `INSERT INTO event_news AS n (source, event_id, at, news) VALUES ($1, $2, $3, $4)
		ON CONFLICT (source, event_id) DO UPDATE SET
			at = greatest(n.at, excluded.at), news = CASE WHEN n.at <= excluded.at THEN excluded.news ELSE n.news END
		RETURNING news`, []any{source, clean(eventID), at, cleanJSON(news)}, &now)
	return now, err
}

// OpenOrders returns the orders of a performance that may still hear of it, sorted by id, those after the given one, at most
// limit of them.
func (db *DB) OpenOrders(ctx context.Context, source, eventID, after string, limit int) ([]order.Identity, error) {
	return list(ctx, db, "open orders", `SELECT o.id, o.source, o.provider, o.provider_order_id, o.kind FROM orders o
		WHERE o.event_id <> '' AND o.event_id = $2 AND o.source = $1 AND o.closed_at IS NULL
			AND o.state NOT IN ('completed', 'rejected', 'cancelled') AND o.id > $3 ORDER BY o.id LIMIT $4`,
		[]any{source, clean(eventID), after, pageSize(limit)}, scanIdentity)
}

// UndeliveredOrders returns the orders of a source that wait for tickets, with the document of each, sorted by id, those after
// the given one, at most limit of them. They are what a provider that lists no changes is polled for, and
// for whose tickets the POS is asked.
func (db *DB) UndeliveredOrders(ctx context.Context, source, after string, limit int) ([]json.RawMessage, error) {
	return list(ctx, db, "undelivered orders", `SELECT o.doc FROM orders o
		WHERE o.source = $1 AND o.state IN ('awaiting_fulfilment', 'partially_fulfilled') AND o.id > $2 ORDER BY o.id LIMIT $3`,
		[]any{source, after, pageSize(limit)}, pgx.RowTo[json.RawMessage])
}

// LinkCustomer notes which customer of a POS a provider's buyer is.
func (db *DB) LinkCustomer(ctx context.Context, pos, provider, buyerID, customerID string) error {
	_, err := db.exec(ctx, "link customer", `INSERT INTO customer_links (pos, provider, buyer_id, customer_id) VALUES ($1, $2, $3, $4)
		ON CONFLICT (pos, provider, buyer_id) DO UPDATE SET customer_id = excluded.customer_id`, pos, provider, clean(buyerID), clean(customerID))
	return err
}

// LinkedCustomer returns the customer that [DB.LinkCustomer] noted, "" if none is, and the version of the newest news of the buyer
// that it has, see [DB.NoteCustomerNews].
func (db *DB) LinkedCustomer(ctx context.Context, pos, provider, buyerID string) (customer string, at time.Time, err error) {
	err = db.one(ctx, "linked customer", "SELECT customer_id, news_at FROM customer_links WHERE pos = $1 AND provider = $2 AND buyer_id = $3",
		[]any{pos, provider, clean(buyerID)}, &customer, orZero{&at})
	if errors.Is(err, ErrNotFound) {
		return "", time.Time{}, nil
	}
	return customer, at, err
}

// NoteCustomerNews notes that the customer has the news of that version.
func (db *DB) NoteCustomerNews(ctx context.Context, pos, provider, buyerID string, at time.Time) error {
	_, err := db.exec(ctx, "note customer news", `UPDATE customer_links SET news_at = greatest(news_at, $4)
		WHERE pos = $1 AND provider = $2 AND buyer_id = $3`, pos, provider, clean(buyerID), at)
	return err
}
