package webhook

import (
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

// budget bounds the memory that bodies take which are not committed yet.
type budget struct {
	max  int64
	used atomic.Int64
}

func (b *budget) take(n int64) bool {
	if b.used.Add(n) > b.max {
		b.used.Add(-n)
		return false
	}
	return true
}

func (b *budget) give(n int64) { b.used.Add(-n) }

// read reads the whole body of r, of at most limit bytes, whether or not its length was announced. taken is what it
// took from the budget, also where it fails: the caller gives it back when the body is no longer needed. Errors:
// errTooLarge, errTooBusy, errTooSlow, errCutOff.
func (b *budget) read(w http.ResponseWriter, r *http.Request, limit int64) (body []byte, taken int64, err error) {
	in := http.MaxBytesReader(w, r.Body, limit)
	size := r.ContentLength
	if size > limit {
		return nil, 0, errTooLarge
	}
	if size < 0 {
		return b.readUnsized(in, limit)
	}
	taken = min(size, firstBytes)
	if !b.take(taken) {
		return nil, 0, errTooBusy
	}
	body = make([]byte, taken)
	if _, err := io.ReadFull(in, body); err != nil {
		return nil, taken, readError(err)
	}
	if size > taken {
		head := body
		if !b.take(size - taken) {
			return nil, taken, errTooBusy
		}
		taken = size
		body = make([]byte, size)
		if _, err := io.ReadFull(in, body[copy(body, head):]); err != nil {
			return nil, taken, readError(err)
		}
	}
	return body, taken, nil
}

// readUnsized doubles its buffer as bytes come in.
func (b *budget) readUnsized(in io.Reader, limit int64) (body []byte, taken int64, err error) {
	for {
		if len(body) == cap(body) {
			// One byte more than the limit, so that a body of just that size meets its end and not a full buffer.
			grown := min(max(2*int64(cap(body)), firstBytes), limit+1)
			if !b.take(grown - taken) {
				return nil, taken, errTooBusy
			}
			taken = grown
			bigger := make([]byte, len(body), grown)
			copy(bigger, body)
			body = bigger
		}
		n, err := in.Read(body[len(body):cap(body)])
		body = body[:len(body)+n]
		if errors.Is(err, io.EOF) {
			return body, taken, nil
		}
		if err != nil {
			return nil, taken, readError(err)
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
