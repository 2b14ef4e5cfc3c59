package postgres

import (
	"crypto/rand"
	"encoding/binary"
	"time"

	"github.com/jackc/pgx/v5/pgtype"
)

// NewID returns a UUIDv7 (RFC 9562, section 5.7) with the time in its first 60 bits, so that ids sort by when
// they were made: 48 bits of milliseconds, and 12 of a fraction of one (method 3 of section 6.2).
func NewID() string { return newID(time.Now()) }

func newID(now time.Time) string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails: it ends the program instead
	micros := now.UnixMicro()
	binary.BigEndian.PutUint64(b[:8], uint64(micros/1000)<<16|0x7000|uint64(micros%1000)<<12/1000)
	b[8] = b[8]&0x3f | 0x80
	return pgtype.UUID{Bytes: b, Valid: true}.String()
}

// parseID returns false for what is not a UUID; such a row cannot exist.
func parseID(id string) (pgtype.UUID, bool) {
	var u pgtype.UUID
	if len(id) != 36 || u.Scan(id) != nil {
		return pgtype.UUID{}, false
	}
	return u, true
}

// parseIDs leaves out what is not a UUID.
func parseIDs(ids []string) []pgtype.UUID {
	out := make([]pgtype.UUID, 0, len(ids))
	for _, id := range ids {
		if u, ok := parseID(id); ok {
			out = append(out, u)
		}
	}
	return out
}
