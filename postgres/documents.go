package postgres

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"time"

	"github.com/jackc/pgx/v5"
)

// Document is a file: a ticket, a proof, an airbill. It may hold buyer data.
type Document struct {
	SHA256    [32]byte // of Body; zero: computed by PutDocument
	MediaType string
	Body      []byte
}

// PutDocument stores the document once per content and links it to the order under a name; both may be repeated. It
// returns the document's id: its SHA-256 in hexadecimal. Errors: ErrInvalid, also if SHA256 is not that of Body.
func (db *DB) PutDocument(ctx context.Context, d Document, orderID, name string) (id string, err error) {
	const op = "put document"
	sum := sha256.Sum256(d.Body)
	if d.SHA256 != sum && d.SHA256 != [32]byte{} {
		return "", invalid(op, "the body has another SHA-256")
	}
	if orderID == "" {
		return "", invalid(op, "an order is needed")
	}
	body := d.Body
	if body == nil {
		body = []byte{}
	}
	b := &pgx.Batch{}
	b.Queue("INSERT INTO documents (sha256, media_type, body) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING", sum[:], clean(d.MediaType), body)
	b.Queue("INSERT INTO order_documents (order_id, sha256, name) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING", orderID, sum[:], clean(name))
	err = db.send(ctx, op, b, func(results pgx.BatchResults) error {
		if _, err := results.Exec(); err != nil {
			return err
		}
		_, err := results.Exec()
		return err
	})
	if err != nil {
		return "", err
	}
	return hex.EncodeToString(sum[:]), nil
}

// Document returns the document with the id. Errors: ErrNotFound.
func (db *DB) Document(ctx context.Context, id string) (Document, error) {
	const op = "document"
	sum, err := hex.DecodeString(id)
	if err != nil || len(sum) != 32 {
		return Document{}, notFound(op)
	}
	d := Document{SHA256: [32]byte(sum)}
	if err := db.one(ctx, op, "SELECT media_type, body FROM documents WHERE sha256 = $1", []any{sum}, &d.MediaType, &d.Body); err != nil {
		return Document{}, err
	}
	return d, nil
}

// Cursor returns how far the reader of that name has come; zero if it never set one.
func (db *DB) Cursor(ctx context.Context, name string) (time.Time, error) {
	at, err := list(ctx, db, "cursor", "SELECT at FROM cursors WHERE name = $1", []any{name}, pgx.RowTo[time.Time])
	if err != nil || len(at) == 0 {
		return time.Time{}, err
	}
	return at[0], nil
}

// SetCursor notes how far the reader of that name has come. It may go back: an operator may want a period read again.
func (db *DB) SetCursor(ctx context.Context, name string, at time.Time) error {
	_, err := db.exec(ctx, "set cursor", `INSERT INTO cursors (name, at) VALUES ($1, $2)
		ON CONFLICT (name) DO UPDATE SET at = excluded.at, updated_at = now()`, name, at)
	return err
}
