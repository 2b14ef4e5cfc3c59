package postgres_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"testing"
	"time"

	"willcall/postgres"
	"willcall/postgres/postgrestest"
)

func TestDocument(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t)
	pdf := []byte("%PDF-1.7 \x00\xff")
	sum := sha256.Sum256(pdf)

	t.Run("IsStoredOncePerContentAndLinkedToEachOrder", func(t *testing.T) {
		t.Parallel()
		for _, order := range []string{"order:tixstock:1", "order:tixstock:1", "order:tixstock:2"} {
			id, err := db.PutDocument(t.Context(), postgres.Document{SHA256: sum, MediaType: "application/pdf", Body: pdf}, order, "ticket-1.pdf")
			if err != nil || id != hex.EncodeToString(sum[:]) {
				t.Fatalf("got %q, %v; want the hash", id, err)
			}
		}
		if n, links := count(t, db, "SELECT count(*) FROM documents WHERE sha256 = $1", sum[:]), count(t, db, "SELECT count(*) FROM order_documents WHERE sha256 = $1", sum[:]); n != 1 || links != 2 {
			t.Errorf("got %d documents, %d links; want 1, 2", n, links)
		}
		d, err := db.Document(t.Context(), hex.EncodeToString(sum[:]))
		if err != nil || d.SHA256 != sum || d.MediaType != "application/pdf" || !bytes.Equal(d.Body, pdf) {
			t.Errorf("got %+v, %v; want the very bytes", d, err)
		}
	})
	t.Run("MustHaveItsHash", func(t *testing.T) {
		t.Parallel()
		_, err := db.PutDocument(t.Context(), postgres.Document{SHA256: sum, Body: []byte("other")}, "order:tixstock:3", "")
		wantErr(t, err, postgres.ErrInvalid)
		if _, err := db.Pool.Exec(t.Context(), "INSERT INTO documents (sha256, media_type, body) VALUES ($1, '', 'other')", sum[:]); err == nil {
			t.Error("Postgres took a document under another's hash")
		}
		if _, err := db.PutDocument(t.Context(), postgres.Document{}, "order:tixstock:3", "empty"); err != nil {
			t.Errorf("without a hash: got %v; want it computed", err)
		}
		_, err = db.PutDocument(t.Context(), postgres.Document{}, "", "lost")
		wantErr(t, err, postgres.ErrInvalid)
	})
	t.Run("IsNotFoundOtherwise", func(t *testing.T) {
		t.Parallel()
		for _, id := range []string{"", "zz", strings.Repeat("0", 64)} {
			_, err := db.Document(t.Context(), id)
			wantErr(t, err, postgres.ErrNotFound)
		}
	})
}

func TestCursor(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t)
	if at, err := db.Cursor(t.Context(), "sweep:tevo"); err != nil || !at.IsZero() {
		t.Errorf("got %v, %v; want zero", at, err)
	}
	for _, want := range []time.Time{noon, noon.Add(time.Hour), noon.Add(-time.Hour)} {
		must(t, db.SetCursor(t.Context(), "sweep:tevo", want))
		must(t, db.SetCursor(t.Context(), "sweep:ltd", noon))
		if at, err := db.Cursor(t.Context(), "sweep:tevo"); err != nil || at != want {
			t.Errorf("got %v, %v; want %v", at, err, want)
		}
	}
}
