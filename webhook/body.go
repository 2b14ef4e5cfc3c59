package webhook

import (
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"sync/atomic"
)

// firstBytes of a body must have come before the rest of the announced size is set aside for it: whoever opens many
// connections and announces much shall at least have to send something.
const firstBytes = 64 << 10

var (
	errTooLarge = errors.New("the body is larger than the limit")
	errTooBusy  = errors.New("too many bytes are in flight")
	errTooSlow  = errors.New("the body did not come in time")
	errCutOff   = errors.New("the body ended early")
)

// largeBody is the size above which a body takes one of the few places for large ones: it is held several times over while
// it is handled (the body, the ticket in it, what goes to Postgres).
const largeBody = 1 << 20

// budget bounds the memory that bodies take which are not committed yet.
type budget struct {
	max    int64
	used   atomic.Int64
	places chan struct{} // for large bodies
}

// share is what one body has of the budget.
type share struct {
	from  *budget
	bytes int64
	place bool
}

// grow takes more bytes, and a place for a large body when it becomes one: it waits for that, but not longer than ctx
// allows, since a sender that is told to come again later may not.
func (s *share) grow(ctx context.Context, n int64) error {
	if n > largeBody && !s.place {
		select {
		case s.from.places <- struct{}{}:
			s.place = true
		case <-ctx.Done():
			return errTooBusy
		}
	}
	if !s.from.take(n - s.bytes) {
		return errTooBusy
	}
	s.bytes = n
	return nil
}

// giveBack returns all of it.
func (s *share) giveBack() {
	s.from.give(s.bytes)
	if s.place {
		<-s.from.places
	}
	s.bytes, s.place = 0, false
}

func (b *budget) take(n int64) bool {
	if b.used.Add(n) > b.max {
		b.used.Add(-n)
		return false
	}
	return true
}

func (b *budget) give(n int64) { b.used.Add(-n) }

// read reads the whole body of r, of at most limit bytes, whether or not its length was announced. The share is what it
// took from the budget, also where it fails: the caller gives it back when the body is no longer needed. ctx bounds the wait
// for a place. Errors: errTooLarge, errTooBusy, errTooSlow, errCutOff.
func (b *budget) read(ctx context.Context, w http.ResponseWriter, r *http.Request, limit int64) (body []byte, taken *share, err error) {
	taken = &share{from: b}
	in := http.MaxBytesReader(w, r.Body, limit)
	size := r.ContentLength
	if size > limit {
		return nil, taken, errTooLarge
	}
	if size < 0 {
		body, err = taken.readUnsized(ctx, in, limit)
		return body, taken, err
	}
	first := min(size, firstBytes)
	if err := taken.grow(ctx, first); err != nil {
		return nil, taken, err
	}
	body = make([]byte, first)
	if _, err := io.ReadFull(in, body); err != nil {
		return nil, taken, readError(err)
	}
	if size > first {
		head := body
		if err := taken.grow(ctx, size); err != nil {
			return nil, taken, err
		}
		body = make([]byte, size)
		if _, err := io.ReadFull(in, body[copy(body, head):]); err != nil {
			return nil, taken, readError(err)
		}
	}
	return body, taken, nil
}

// readUnsized doubles its buffer as bytes come in.
func (s *share) readUnsized(ctx context.Context, in io.Reader, limit int64) (body []byte, err error) {
	for {
		if len(body) == cap(body) {
			// One byte more than the limit, so that a body of just that size meets its end and not a full buffer.
			grown := min(max(2*int64(cap(body)), firstBytes), limit+1)
			if err := s.grow(ctx, grown); err != nil {
				return nil, err
			}
			bigger := make([]byte, len(body), grown)
			copy(bigger, body)
			body = bigger
		}
		n, err := in.Read(body[len(body):cap(body)])
		body = body[:len(body)+n]
		if errors.Is(err, io.EOF) {
			return body, nil
		}
		if err != nil {
			return nil, readError(err)
		}
	}
}

func readError(err error) error {
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		return errTooLarge
	case errors.Is(err, os.ErrDeadlineExceeded):
		return errTooSlow
	default:
		return errCutOff
	}
}
