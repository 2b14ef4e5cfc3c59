package postgres_test

import (
	"context"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"

	"willcall/order"
	"willcall/postgres"
	"willcall/postgres/postgrestest"
)

func open(t *testing.T, url string) *postgres.DB {
	t.Helper()
	db, err := postgres.Open(t.Context(), postgres.Options{URL: url})
	must(t, err)
	t.Cleanup(db.Close)
	return db
}

func migrationFiles(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob("migrations/*.sql")
	if err != nil || len(files) == 0 {
		t.Fatalf("no migrations: %v", err)
	}
	return files
}

func TestMigrate(t *testing.T) {
	t.Parallel()
	all := len(migrationFiles(t))

	t.Run("BringsAnEmptyDatabaseUpToDateOnce", func(t *testing.T) {
		t.Parallel()
		db := open(t, postgrestest.Empty(t))
		err := db.SchemaCurrent(t.Context())
		wantErr(t, err, postgres.ErrSchema)
		if want := "schema is at 0, this program wants 7: run `go run ./webhookd -migrate`"; !strings.Contains(err.Error(), want) {
			t.Errorf("got %v; want %q in it", err, want)
		}
		if n, err := db.Migrate(t.Context()); err != nil || n != all {
			t.Fatalf("got %d, %v; want %d", n, err, all)
		}
		must(t, db.SchemaCurrent(t.Context()))
		if n, err := db.Migrate(t.Context()); err != nil || n != 0 {
			t.Errorf("again: got %d, %v; want 0", n, err)
		}
		put(t, inbox(t, db, postgres.InboxOptions{}), delivery(1))
	})
	t.Run("MayBeCalledByManyAtOnce", func(t *testing.T) {
		t.Parallel()
		url := postgrestest.Empty(t)
		applied := make([]int, 6)
		var wg sync.WaitGroup
		for i := range applied {
			db := open(t, url)
			wg.Go(func() {
				var err error
				if applied[i], err = db.Migrate(t.Context()); err != nil {
					t.Errorf("daemon %d: %v", i, err)
				}
			})
		}
		wg.Wait()
		total := 0
		for _, n := range applied {
			total += n
		}
		if total != all {
			t.Errorf("got %v applied; want each of %d migrations once", applied, all)
		}
	})
	t.Run("LeavesANewerSchemaAlone", func(t *testing.T) {
		t.Parallel()
		db := postgrestest.New(t)
		exec(t, db, "INSERT INTO goose_db_version (version_id, is_applied) VALUES (99, true)")
		must(t, db.SchemaCurrent(t.Context()))
	})
	t.Run("WaitsForItsTurnUntilItsCallerGivesUp", func(t *testing.T) {
		t.Parallel()
		url := postgrestest.Empty(t)
		db, other := open(t, url), open(t, url)
		tx, err := other.Pool.Begin(t.Context())
		must(t, err)
		defer func() { _ = tx.Rollback(context.WithoutCancel(t.Context())) }()
		_, err = tx.Exec(t.Context(), "SELECT pg_advisory_xact_lock($1)", postgres.LockMigrate)
		must(t, err)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { _, err := db.Migrate(ctx); done <- err }()
		until(t, "it asks for its turn", func() bool {
			return count(t, other, "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND query = 'SELECT pg_try_advisory_lock($1)' AND state = 'idle'") == 1
		})
		cancel()
		wantErr(t, <-done, context.Canceled)
		if n := count(t, other, "SELECT count(to_regclass('webhooks'))"); n != 0 {
			t.Error("it migrated while another did")
		}
	})
}

func TestMigrationFilesSayWhyAndHow(t *testing.T) {
	t.Parallel()
	for _, file := range migrationFiles(t) {
		raw, err := os.ReadFile(file)
		must(t, err)
		head, body, found := strings.Cut(string(raw), "-- +goose Up")
		if !found {
			t.Fatalf("%s: no goose annotation", file)
		}
		for _, want := range []string{"\n-- Why so:", "\n-- Lock:", "\n-- How long:", "\n-- By hand:"} {
			if !strings.Contains(head, want) {
				t.Errorf("%s: its head does not say %q", file, want)
			}
		}
		if strings.Contains(body, "SELECT *") {
			t.Errorf("%s: names no columns", file)
		}
	}
}

// Buyer data is erased by erasing two columns. A column that is added must be put on one of these lists knowingly.
func TestBuyerDataHasTwoPlacesOnly(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t)
	for what, c := range map[string]struct {
		sql  string
		want []string
	}{
		"columns that could hold a document": {
			`data_type IN ('bytea', 'json', 'jsonb', 'xml', 'ARRAY')`,
			[]string{
				"documents.body", "webhooks.body", // the two places
				"documents.sha256", "order_documents.sha256", "webhooks.body_sha256",
				"operations.result", "orders.doc", "orders.lines", "webhooks.headers", "event_news.news", "pos_duplicates.ids", // facts and ids
			},
		},
		"columns that sound like a person": {
			`column_name ~ 'name|mail|phone|address|street|city|postal|buyer|customer|recipient|barcode|person|contact'`,
			[]string{"cursors.name", "order_documents.name", "orders.customer_id", "orders.event_name", "customer_links.buyer_id", "customer_links.customer_id"},
		},
	} {
		rows, err := db.Pool.Query(t.Context(), `SELECT table_name || '.' || column_name FROM information_schema.columns
			WHERE table_schema = 'public' AND table_name NOT LIKE 'goose%' AND `+c.sql)
		must(t, err)
		got, err := pgx.CollectRows(rows, pgx.RowTo[string])
		must(t, err)
		slices.Sort(got)
		slices.Sort(c.want)
		wantIDs(t, what, got, c.want)
	}
}

func TestSchemaKnowsTheWordsOfPackageOrder(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t)
	words := func(constraint string) (found []string) {
		var definition string
		must(t, db.Pool.QueryRow(t.Context(), "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = $1", constraint).Scan(&definition))
		for _, m := range regexp.MustCompile(`'([a-z_]*)'::text`).FindAllStringSubmatch(definition, -1) {
			found = append(found, m[1])
		}
		return found
	}
	var states []string
	for _, s := range order.States() {
		states = append(states, string(s))
	}
	wantIDs(t, "states", words("orders_state_check"), states)
	wantIDs(t, "outcomes", words("steps_outcome_check"), []string{string(order.Running), string(order.Done), string(order.Failed), string(order.Unsure)})
	wantIDs(t, "kinds", words("orders_kind_check"), []string{string(order.Sale), string(order.Purchase)})
}

func TestWebhookBodiesAreCompressedFast(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t)
	w := delivery(1)
	w.Body = []byte(strings.Repeat(`{"ticket_group": 1}`, 1000))
	put(t, inbox(t, db, postgres.InboxOptions{}), w)
	var method *string
	must(t, db.Pool.QueryRow(t.Context(), "SELECT pg_column_compression(body) FROM webhooks").Scan(&method))
	if method == nil || *method != "lz4" {
		t.Errorf("got compression %v; want lz4", method)
	}
}
