package postgres_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"willcall/order"
	"willcall/postgres"
	"willcall/postgres/postgrestest"
	"willcall/provider"
)

// A year of a broker's webhooks in small: nearly all are forwarded, and every look-up must do without reading them.
func TestLookUpsUseTheirIndex(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t)
	exec(t, db, `INSERT INTO webhooks (id, source, provider, type, disposition, reason, order_id, provider_order_id, kind, dedupe_key,
			body_sha256, headers, body, via, received_at, forwarded_at)
		SELECT gen_random_uuid(), 'tevo', 'tevo', 'seller/order_updated', CASE WHEN i % 1000 = 1 THEN 'quarantined' ELSE 'forward' END,
			'', 'order:tevo:' || i / 5, i / 5, 'sale', 'k' || i, sha256(i::text::bytea), '{}', '{}', 'webhook', now() - i * interval '1 min',
			CASE WHEN i % 1000 <> 1 AND i > 30 THEN now() END
		FROM generate_series(1, 30000) i`)
	exec(t, db, `INSERT INTO orders (id, created_at, decided_at, revision, amount_minor, source, provider, provider_order_id, kind, state,
			attention_reason, attention_detail, attention_advice, currency, event_id, event_name, customer_id, invoice_id,
			purchase_order_id, awaits, lines, doc)
		SELECT 'order:tevo:' || i, now() - i * interval '5 min', now(), 1, 5400, 'tevo', 'tevo', i, 'sale',
			CASE WHEN i < 60 THEN 'awaiting_fulfilment' ELSE 'completed' END, CASE WHEN i % 500 = 0 THEN 'step_invalid' ELSE '' END, '', '',
			'USD', 'e' || i / 20, '', '', '', '', '', '[]', '{}'
		FROM generate_series(1, 6000) i`)
	exec(t, db, "ANALYZE")

	orders := func(f postgres.OrderFilter, cursor bool) query {
		sql, args := postgres.OrdersSQL(f, cursor)
		return query{sql, args}
	}
	hooks := func(f postgres.WebhookFilter, cursor bool) query {
		sql, args := postgres.WebhooksSQL(f, cursor)
		return query{sql, args}
	}
	for name, c := range map[string]struct {
		query
		index string
	}{
		"Claim":                 {query{postgres.ClaimSQL, []any{"a", time.Minute, 100}}, "webhooks_waiting"},
		"ClaimLooksForEarlier":  {query{postgres.ClaimSQL, []any{"a", time.Minute, 100}}, "webhooks_order"},
		"Lag":                   {query{postgres.LagSQL, nil}, "webhooks_waiting"},
		"RepeatOfADelivery":     {query{postgres.RepeatsSQL, []any{[]string{"tevo"}, []string{"k7"}}}, "webhooks_dedupe"},
		"RepeatOfAConflict":     {query{postgres.RepeatsSQL, []any{[]string{"tevo"}, []string{"k7"}}}, "webhooks_conflicts"},
		"Webhooks":              {hooks(postgres.WebhookFilter{}, false), "webhooks_pkey"},
		"WebhooksNextPage":      {hooks(postgres.WebhookFilter{Source: "tevo"}, true), "webhooks_pkey"},
		"WebhooksOfAnOrder":     {hooks(postgres.WebhookFilter{OrderID: "order:tevo:7"}, false), "webhooks_order"},
		"WebhooksQuarantined":   {hooks(postgres.WebhookFilter{Disposition: provider.Quarantined}, false), "webhooks_set_aside"},
		"WebhooksNotForwarded":  {hooks(postgres.WebhookFilter{NotForwarded: true}, false), "webhooks_waiting"},
		"WebhooksOfAnHour":      {hooks(postgres.WebhookFilter{From: time.Now().Add(-101 * time.Hour), To: time.Now().Add(-100 * time.Hour)}, false), "webhooks_received"},
		"Orders":                {orders(postgres.OrderFilter{}, false), "orders_created"},
		"OrdersNextPage":        {orders(postgres.OrderFilter{}, true), "orders_created"},
		"OrdersOfASource":       {orders(postgres.OrderFilter{Source: "tevo"}, true), "orders_created"},
		"OrdersInAState":        {orders(postgres.OrderFilter{State: order.AwaitingFulfilment}, false), "orders_state"},
		"OrdersWithAttention":   {orders(postgres.OrderFilter{Attention: postgres.AnyAttention}, false), "orders_attention"},
		"OrdersWithOneReason":   {orders(postgres.OrderFilter{Attention: "step_invalid"}, true), "orders_attention"},
		"OrdersOfAnEvent":       {orders(postgres.OrderFilter{EventID: "e7"}, false), "orders_event"},
		"OrdersOfAnEventInPart": {orders(postgres.OrderFilter{EventID: "e7", Source: "tevo"}, true), "orders_event"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			plan := c.explain(t, db)
			if !strings.Contains(plan, c.index) || strings.Contains(plan, "Seq Scan on webhooks") || strings.Contains(plan, "Seq Scan on orders") {
				t.Errorf("want %s and no scan of the table; got\n%s", c.index, plan)
			}
		})
	}
}

// Autovacuum analyses the inbox when hardly anything waits; a backlog must not be claimed by a plan for that.
func TestClaimLooksUpByOrderWhateverTheStatistics(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t)
	exec(t, db, `INSERT INTO webhooks (id, source, provider, type, disposition, reason, order_id, provider_order_id, kind, dedupe_key,
			body_sha256, headers, body, via, received_at, forwarded_at)
		SELECT gen_random_uuid(), 'tevo', 'tevo', '', 'forward', '', 'order:tevo:' || i / 5, '', 'sale', 'k' || i, sha256(i::text::bytea),
			'{}', '{}', 'webhook', now(), now() FROM generate_series(1, 5000) i`)
	exec(t, db, "ANALYZE")
	exec(t, db, "UPDATE webhooks SET forwarded_at = NULL")
	plan := query{postgres.ClaimSQL, []any{"a", time.Minute, 100}}.explain(t, db)
	if !strings.Contains(plan, "SubPlan") || !strings.Contains(plan, "Index Scan using webhooks_order on webhooks s") {
		t.Errorf("want one look-up by order for each row; got\n%s", plan)
	}
}

type query struct {
	sql  string
	args []any
}

// explain asks for the plan that serves any arguments, which Postgres settles on after a few executions: it can use a
// partial index only if the text of the query implies the index's condition.
func (q query) explain(t *testing.T, db *postgres.DB) string {
	t.Helper()
	conn, err := db.Pool.Acquire(t.Context())
	must(t, err)
	defer conn.Release()
	var args []string
	for _, a := range q.args {
		text := fmt.Sprint(a)
		switch a := a.(type) {
		case time.Time:
			text = a.Format(time.RFC3339)
		case []string:
			text = "{" + strings.Join(a, ",") + "}"
		}
		args = append(args, "'"+strings.ReplaceAll(text, "'", "''")+"'")
	}
	execute := "EXPLAIN EXECUTE q"
	if len(args) > 0 {
		execute += "(" + strings.Join(args, ", ") + ")"
	}
	for _, sql := range []string{"SET plan_cache_mode = force_generic_plan", "PREPARE q AS " + q.sql} {
		_, err := conn.Exec(t.Context(), sql)
		must(t, err)
	}
	rows, err := conn.Query(t.Context(), execute)
	must(t, err)
	lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
	must(t, err)
	_, err = conn.Exec(t.Context(), "DEALLOCATE q")
	must(t, err)
	return strings.Join(lines, "\n")
}
