package webhook

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

const (
	markLinger = 5 * time.Millisecond // how long the first mark waits for company
	markBatch  = 256
	maxMarks   = 100_000
)

// marks gathers the ids of forwarded rows and tells the database in batches. An id that is lost is no harm: the row is
// signalled again, and Temporal knows it by its request id.
type marks struct {
	mark   func(ctx context.Context, ids []string, at time.Time) error
	logger *slog.Logger
	some   chan struct{}

	flushing sync.Mutex // one flush at a time, so that a flush that returns has seen all ids added before it
	mu       sync.Mutex
	ids      []string
}

func newMarks(mark func(context.Context, []string, time.Time) error, logger *slog.Logger) *marks {
	return &marks{mark: mark, logger: logger, some: make(chan struct{}, 1)}
}

func (m *marks) add(id string) {
	m.mu.Lock()
	if len(m.ids) < maxMarks {
		m.ids = append(m.ids, id)
	}
	m.mu.Unlock()
	select {
	case m.some <- struct{}{}:
	default:
	}
}

// run flushes until ctx is done.
func (m *marks) run(ctx context.Context) {
	for failed := 0; ; {
		select {
		case <-ctx.Done():
			return
		case <-m.some:
		}
		wait := markLinger
		if failed > 0 {
			wait = backOff(100*time.Millisecond, 5*time.Second, failed)
		}
		if !sleep(ctx, wait, nil) {
			return
		}
		if err := m.flush(ctx); err != nil {
			if failed == 0 {
				m.logger.Warn("forwarded webhooks could not be marked; trying again", "err", err)
			}
			failed++
			select {
			case m.some <- struct{}{}:
			default:
			}
			continue
		}
		failed = 0
	}
}

// flush marks everything that was added before; on an error the rest is kept.
func (m *marks) flush(ctx context.Context) error {
	m.flushing.Lock()
	defer m.flushing.Unlock()
	for {
		m.mu.Lock()
		batch := m.ids[:min(len(m.ids), markBatch)]
		m.mu.Unlock()
		if len(batch) == 0 {
			return nil
		}
		if err := m.mark(ctx, batch, time.Now().UTC()); err != nil {
			return err
		}
		m.mu.Lock()
		if m.ids = m.ids[len(batch):]; len(m.ids) == 0 {
			m.ids = nil
		}
		m.mu.Unlock()
	}
}

// sleep waits for d, or until something comes over wake; false means that ctx is done.
func sleep(ctx context.Context, d time.Duration, wake <-chan struct{}) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
	case <-wake:
	}
	return ctx.Err() == nil
}
