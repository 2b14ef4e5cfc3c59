package postgres

import (
	"context"
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"willcall/order"
	"willcall/provider"
)

// Webhook is one delivery as it lies in the inbox.
type Webhook struct {
	ID              string // UUIDv7, see [NewID]
	Seq             int64  // order of arrival among rows that did not arrive at the same moment; set by Postgres
	Source          string
	Provider        string
	Type            string
	Disposition     provider.Disposition
	Reason          string // why it is Unknown or Quarantined
	OrderID         string // workflow id; "" where no order is concerned
	ProviderOrderID string
	Kind            order.Kind // "" where no order is concerned
	Concern         string     // the name under which its order is looked for; see [DB.FindOrder]
	DedupeKey       string     // of the source's deliveries; longer than 512 bytes: its SHA-256 is kept
	BodySHA256      [32]byte   // zero: computed by Put
	Headers         map[string]string
	Body            []byte // the very bytes that came; empty in lists
	Via             Via    // "" is ViaWebhook
	Conflict        bool   // another body came first under the same key
	KeyTells        bool   // the key stands for all that the delivery says: another body under it is a repeat. Not stored

	ReceivedAt  time.Time // zero: when Put was called
	ForwardedAt time.Time // zero: not yet
	Attempt     int       // 1 is the first; a replay raises it
	LastError   string    // why the newest attempt to forward failed
	NextTry     time.Time // zero: at once
}

// Via says by which road a delivery came.
type Via string

// The roads into the inbox.
const (
	ViaWebhook Via = "webhook" // the provider posted it
	ViaSweep   Via = "sweep"   // we found it by polling
	ViaReread  Via = "reread"  // we read it again before doing something irreversible
)

// WebhookFilter narrows a list; a zero field does not.
type WebhookFilter struct {
	Source       string
	Type         string
	Disposition  provider.Disposition
	OrderID      string
	From, To     time.Time // received in [From, To)
	NotForwarded bool      // to be forwarded, and not yet
}

const webhookColumns = `w.id, w.seq, w.source, w.provider, w.type, w.disposition, w.reason, w.order_id, w.provider_order_id,
	w.kind, w.dedupe_key, w.body_sha256, w.headers, w.via, w.conflict, w.received_at, w.forwarded_at, w.attempt, w.last_error, w.next_try, w.concern`

func scanWebhook(row pgx.CollectableRow) (Webhook, error) { return webhookFrom(row) }

func scanWebhookWithBody(row pgx.CollectableRow) (Webhook, error) {
	var body []byte
	w, err := webhookFrom(row, &body)
	w.Body = body
	return w, err
}

func webhookFrom(row pgx.CollectableRow, more ...any) (Webhook, error) {
	var w Webhook
	var sum []byte
	into := []any{&w.ID, &w.Seq, &w.Source, &w.Provider, &w.Type, &w.Disposition, &w.Reason, &w.OrderID, &w.ProviderOrderID,
		&w.Kind, &w.DedupeKey, &sum, &w.Headers, &w.Via, &w.Conflict, &w.ReceivedAt, orZero{&w.ForwardedAt}, &w.Attempt,
		&w.LastError, orZero{&w.NextTry}, &w.Concern}
	err := row.Scan(append(into, more...)...)
	copy(w.BodySHA256[:], sum)
	return w, err
}

// Webhook returns one delivery with its body. Errors: ErrNotFound.
func (db *DB) Webhook(ctx context.Context, id string) (Webhook, error) {
	const op = "webhook"
	u, ok := parseID(id)
	if !ok {
		return Webhook{}, notFound(op)
	}
	found, err := list(ctx, db, op, "SELECT "+webhookColumns+", w.body FROM webhooks w WHERE w.id = $1", []any{u}, scanWebhookWithBody)
	if err == nil && len(found) == 0 {
		err = notFound(op)
	}
	if err != nil {
		return Webhook{}, err
	}
	return found[0], nil
}

// Webhooks lists deliveries without their bodies, the newest first, at most limit of them (0 is 50, more than 500 is
// 500). next is the cursor of the next page, "" after the last. Errors: ErrInvalid for a cursor or a disposition that
// does not exist.
func (db *DB) Webhooks(ctx context.Context, f WebhookFilter, cursor string, limit int) (items []Webhook, next string, err error) {
	const op = "webhooks"
	limit = pageSize(limit)
	sql, args, err := webhooksQuery(op, f, cursor, limit+1)
	if err != nil {
		return nil, "", err
	}
	items, err = list(ctx, db, op, sql, args, scanWebhook)
	if err != nil {
		return nil, "", err
	}
	if len(items) > limit {
		items = items[:limit]
		next = items[limit-1].ID
	}
	return items, next, nil
}

func webhooksQuery(op string, f WebhookFilter, cursor string, limit int) (sql string, args []any, err error) {
	w, err := f.where(op)
	if err != nil {
		return "", nil, err
	}
	if cursor != "" {
		u, ok := parseID(cursor)
		if !ok {
			return "", nil, invalid(op, "no such cursor")
		}
		w.add("w.id < $%", u)
	}
	return "SELECT " + webhookColumns + " FROM webhooks w" + w.String() + " ORDER BY w.id DESC LIMIT " + strconv.Itoa(limit), w.args, nil
}

// where writes the conditions of partial indexes out literally, or Postgres could not see that the index serves.
func (f WebhookFilter) where(op string) (*conditions, error) {
	w := &conditions{}
	if f.Source != "" {
		w.add("w.source = $%", f.Source)
	}
	if f.Type != "" {
		w.add("w.type = $%", f.Type)
	}
	switch f.Disposition {
	case "":
	case provider.Forward, provider.Recorded, provider.Parked, provider.Unknown, provider.Quarantined:
		w.literal("w.disposition = '" + string(f.Disposition) + "'")
	default:
		return nil, invalid(op, "no such disposition")
	}
	if f.OrderID != "" {
		w.literal("w.order_id <> ''")
		w.add("w.order_id = $%", f.OrderID)
	}
	if !f.From.IsZero() {
		w.add("w.received_at >= $%", f.From)
	}
	if !f.To.IsZero() {
		w.add("w.received_at < $%", f.To)
	}
	if f.NotForwarded {
		w.literal(waiting)
	}
	return w, nil
}

// waiting is the predicate of the index webhooks_waiting.
const waiting = "w.forwarded_at IS NULL AND w.disposition = 'forward'"

// Reclassify stores what a decoder makes of the delivery now: type, disposition, reason, order and kind. What thereby
// becomes Forward waits to be claimed. Errors: ErrNotFound; ErrConflict if it was forwarded already (replay it
// instead); ErrInvalid.
func (db *DB) Reclassify(ctx context.Context, id string, now Webhook) error {
	const op = "reclassify"
	u, ok := parseID(id)
	if !ok {
		return notFound(op)
	}
	n, err := db.exec(ctx, op, `UPDATE webhooks SET type = $2, disposition = $3, reason = $4, order_id = $5, provider_order_id = $6,
		kind = $7, concern = $8, queued_at = now(), claimed_by = NULL, claimed_until = NULL, next_try = NULL, last_error = ''
		WHERE id = $1 AND forwarded_at IS NULL`,
		u, clean(now.Type), now.Disposition, clean(now.Reason), now.OrderID, now.ProviderOrderID, now.Kind, now.Concern)
	if err != nil || n == 1 {
		return err
	}
	if _, err := db.Webhook(ctx, id); err != nil {
		return err
	}
	return conflict(op, "it was forwarded already: replay it")
}

// conditions builds a WHERE clause.
type conditions struct {
	sql  []string
	args []any
}

// add appends a condition on one argument; its place is written $%.
func (c *conditions) add(condition string, arg any) {
	c.args = append(c.args, arg)
	c.sql = append(c.sql, strings.ReplaceAll(condition, "$%", "$"+strconv.Itoa(len(c.args))))
}

func (c *conditions) literal(condition string) { c.sql = append(c.sql, condition) }

func (c *conditions) String() string {
	if len(c.sql) == 0 {
		return ""
	}
	return " WHERE " + strings.Join(c.sql, " AND ")
}

func pageSize(limit int) int {
	if limit <= 0 {
		return 50
	}
	return min(limit, 500)
}

// clean makes text storable: Postgres takes no zero byte and no invalid UTF-8. It is for texts that people read; a key
// that was changed would be another key.
func clean(s string) string {
	return strings.ToValidUTF8(strings.ReplaceAll(s, "\x00", "\uFFFD"), "\uFFFD")
}

// storable reports whether clean would leave s as it is.
func storable(s string) bool { return clean(s) == s }

// cleanJSON does the same for JSON made by encoding/json, which writes a zero byte as an escape that jsonb refuses.
func cleanJSON(raw json.RawMessage) json.RawMessage {
	if !strings.Contains(string(raw), `\u0000`) {
		return raw
	}
	return json.RawMessage(strings.ReplaceAll(string(raw), `\u0000`, `\ufffd`))
}
