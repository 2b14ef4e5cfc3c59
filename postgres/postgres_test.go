package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"willcall/order"
	"willcall/postgres"
	"willcall/postgres/postgrestest"
	"willcall/provider"
)

// noon is when things happen in these tests; Postgres keeps microseconds.
var noon = time.Date(2026, 11, 22, 12, 0, 0, 123456000, time.UTC)

// delivery is a webhook of order n of the source "tevo", with a body of its own.
func delivery(n int) postgres.Webhook {
	return postgres.Webhook{
		ID: postgres.NewID(), Source: "tevo", Provider: "tevo", Type: "seller/order_created", Disposition: provider.Forward,
		OrderID: fmt.Sprintf("order:tevo:%d", n), ProviderOrderID: fmt.Sprint(n), Kind: order.Sale,
		DedupeKey: fmt.Sprintf("key-%d", n), Headers: map[string]string{"Content-Type": "application/json"},
		Body: fmt.Appendf(nil, `{"id":%d}`, n), ReceivedAt: noon,
	}
}

func inbox(t testing.TB, db *postgres.DB, o postgres.InboxOptions) *postgres.Inbox {
	t.Helper()
	in := postgres.NewInbox(db, o)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := in.Close(ctx); err != nil {
			t.Errorf("close the inbox: %v", err)
		}
	})
	return in
}

func put(t testing.TB, in *postgres.Inbox, w postgres.Webhook) postgres.Stored {
	t.Helper()
	s, err := in.Put(t.Context(), w)
	if err != nil {
		t.Fatalf("put: %v", err)
	}
	return s
}

func count(t testing.TB, db *postgres.DB, sql string, args ...any) (n int) {
	t.Helper()
	if err := db.Pool.QueryRow(t.Context(), sql, args...).Scan(&n); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return n
}

func exec(t testing.TB, db *postgres.DB, sql string, args ...any) {
	t.Helper()
	if _, err := db.Pool.Exec(t.Context(), sql, args...); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

func wantErr(t testing.TB, err, class error) {
	t.Helper()
	if !errors.Is(err, class) {
		t.Fatalf("got error %v; want %v", err, class)
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// A result that was read says nothing about the commit, which may still fail.
func TestFailureOfTheCommitIsReported(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t)
	in := inbox(t, db, postgres.InboxOptions{})
	ids := stored(t, db, 1)
	exec(t, db, `CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no'; END $$`)
	for _, table := range []string{"webhooks", "orders", "documents", "operations"} {
		exec(t, db, "CREATE CONSTRAINT TRIGGER refuse AFTER INSERT OR UPDATE ON "+table+" DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION refuse()")
	}
	for name, f := range map[string]func() error{
		"put":   func() error { _, err := in.Put(t.Context(), delivery(7)); return err },
		"claim": func() error { _, err := db.Claim(t.Context(), "a", time.Minute, 1); return err },
		"mark":  func() error { return db.MarkForwarded(t.Context(), ids, noon) },
		"order": func() error { return onlyErr(db.SaveOrder(t.Context(), orderRow(1), nil, nil)) },
		"document": func() error {
			_, err := db.PutDocument(t.Context(), postgres.Document{}, "order:tevo:1", "")
			return err
		},
		"begin": func() error { _, err := db.BeginOperation(t.Context(), operation("x"), time.Minute); return err },
	} {
		if err := f(); err == nil {
			t.Errorf("%s: no error, although nothing was committed", name)
		}
	}
	if n := count(t, db, "SELECT count(*) FROM webhooks"); n != 1 {
		t.Errorf("got %d rows; want the one from before", n)
	}
}
