package postgres

import "time"

// Statements as they are sent, for EXPLAIN.
const (
	ClaimSQL   = claimSQL
	RepeatsSQL = repeatsSQL
	LagSQL     = lagSQL
)

const LockMigrate = lockMigrate

var (
	Classify = classify
	NewIDAt  = newID
)

func OrdersSQL(f OrderFilter, cursor bool) (string, []any) {
	at := ""
	if cursor {
		at = place{time.Now(), "x"}.String()
	}
	sql, args, err := ordersQuery("orders", f, at, 50)
	if err != nil {
		panic(err)
	}
	return sql, args
}

func WebhooksSQL(f WebhookFilter, cursor bool) (string, []any) {
	at := ""
	if cursor {
		at = NewID()
	}
	sql, args, err := webhooksQuery("webhooks", f, at, 50)
	if err != nil {
		panic(err)
	}
	return sql, args
}
