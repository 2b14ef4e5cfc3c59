package postgrestest_test

import (
	"testing"

	"willcall/postgres/postgrestest"
)

func TestNew(t *testing.T) {
	t.Parallel()
	a, b := postgrestest.New(t), postgrestest.New(t)
	t.Run("IsMigrated", func(t *testing.T) {
		t.Parallel()
		if err := a.SchemaCurrent(t.Context()); err != nil {
			t.Errorf("got %v; want the newest schema", err)
		}
	})
	t.Run("SharesNothing", func(t *testing.T) {
		t.Parallel()
		if _, err := a.Pool.Exec(t.Context(), "INSERT INTO cursors (name, at) VALUES ('x', now())"); err != nil {
			t.Fatal(err)
		}
		var n int
		if err := b.Pool.QueryRow(t.Context(), "SELECT count(*) FROM cursors").Scan(&n); err != nil || n != 0 {
			t.Errorf("got %d rows of another test, %v; want none", n, err)
		}
	})
}

func TestDatabaseIsGoneWhenItsTestIs(t *testing.T) {
	t.Parallel()
	var name string
	db := postgrestest.New(t)
	t.Run("Inner", func(t *testing.T) {
		if err := postgrestest.New(t).Pool.QueryRow(t.Context(), "SELECT current_database()").Scan(&name); err != nil {
			t.Fatal(err)
		}
	})
	var n int
	if err := db.Pool.QueryRow(t.Context(), "SELECT count(*) FROM pg_database WHERE datname = $1", name).Scan(&n); err != nil || n != 0 {
		t.Errorf("got %d databases %s, %v; want it dropped", n, name, err)
	}
}

func TestEmptyHasNoSchema(t *testing.T) {
	t.Parallel()
	first := postgrestest.Empty(t)
	if postgrestest.Empty(t) == first {
		t.Error("got one database twice")
	}
}
