package sim

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

func TestScheduleRunsInOrderOfTimeThenOfAdding(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, start := newSchedule(), time.Now()
		var got, want []int
		for i := range 40 {
			s.add(start.Add(time.Duration(3-i/10)*time.Second), func() { got = append(got, i) })
		}
		for tens := range 4 {
			for i := range 10 {
				want = append(want, 30-10*tens+i)
			}
		}
		ctx, stop := context.WithTimeout(t.Context(), time.Minute)
		defer stop()
		s.run(ctx, 1)
		if !slices.Equal(got, want) {
			t.Errorf("got %v; want %v", got, want)
		}
	})
}

func TestScheduleIsWokenByAnEarlierJob(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, start := newSchedule(), time.Now()
		ctx, stop := context.WithCancel(t.Context())
		s.add(start.Add(time.Hour), func() {})
		go s.run(ctx, 1)
		synctest.Wait() // it sleeps for the hour
		var ran time.Duration
		s.add(start.Add(time.Second), func() { ran = time.Since(start); stop() })
		<-ctx.Done()
		if ran != time.Second {
			t.Errorf("ran after %v; want 1s", ran)
		}
	})
}
