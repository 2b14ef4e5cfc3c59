package sim

import (
	"cmp"
	"container/heap"
	"context"
	"sync"
	"time"
)

// schedule runs jobs when they are due: quick ones one after the other, in order of time, slow ones beside them, a
// limited number at once.
type schedule struct {
	mu   sync.Mutex
	jobs jobHeap
	seq  int
	wake chan struct{}
}

type job struct {
	at    time.Time
	seq   int // jobs of the same time run in the order in which they were added
	quick func()
	slow  func(context.Context)
}

func newSchedule() *schedule { return &schedule{wake: make(chan struct{}, 1)} }

func (s *schedule) add(at time.Time, f func())                    { s.push(job{at: at, quick: f}) }
func (s *schedule) addSlow(at time.Time, f func(context.Context)) { s.push(job{at: at, slow: f}) }

func (s *schedule) push(j job) {
	s.mu.Lock()
	s.seq++
	j.seq = s.seq
	heap.Push(&s.jobs, j)
	s.mu.Unlock()
	select {
	case s.wake <- struct{}{}:
	default: // it is awake already
	}
}

// due returns the next job if it is time, else how long to wait for it; with no job it waits for long.
func (s *schedule) due(now time.Time) (j job, wait time.Duration, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.jobs) == 0 {
		return job{}, time.Hour, false
	}
	if wait := s.jobs[0].at.Sub(now); wait > 0 {
		return job{}, wait, false
	}
	return heap.Pop(&s.jobs).(job), 0, true
}

// run runs jobs until ctx ends and then waits for those under way.
func (s *schedule) run(ctx context.Context, atOnce int) {
	var group sync.WaitGroup
	defer group.Wait()
	slots := make(chan struct{}, atOnce)
	for ctx.Err() == nil {
		j, wait, ok := s.due(time.Now())
		switch {
		case !ok:
			select {
			case <-ctx.Done():
			case <-s.wake:
			case <-time.After(wait):
			}
		case j.quick != nil:
			j.quick()
		default:
			select {
			case <-ctx.Done():
				return
			case slots <- struct{}{}:
			}
			group.Go(func() {
				defer func() { <-slots }()
				j.slow(ctx)
			})
		}
	}
}

// runAtRate is run, with begin as a quick job so many times a minute, from now on; a rate of 0 is never.
func (s *schedule) runAtRate(ctx context.Context, rate float64, atOnce int, begin func()) {
	if rate > 0 {
		every := time.Duration(float64(time.Minute) / rate)
		due := time.Now()
		var next func()
		next = func() {
			begin()
			due = due.Add(every)
			s.add(due, next)
		}
		s.add(due, next)
	}
	s.run(ctx, atOnce)
}

// jobHeap is a container/heap of jobs, the earliest first.
type jobHeap []job

func (h jobHeap) Len() int      { return len(h) }
func (h jobHeap) Swap(i, j int) { h[i], h[j] = h[j], h[i] }
func (h jobHeap) Less(i, j int) bool {
	return cmp.Or(h[i].at.Compare(h[j].at), cmp.Compare(h[i].seq, h[j].seq)) < 0
}
func (h *jobHeap) Push(x any) { *h = append(*h, x.(job)) }
func (h *jobHeap) Pop() any {
	old := *h
	last := old[len(old)-1]
	old[len(old)-1] = job{} // lets go of the closure
	*h = old[:len(old)-1]
	return last
}
