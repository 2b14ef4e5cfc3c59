package postgres_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"willcall/postgres"
	"willcall/postgres/postgrestest"
)

// BenchmarkInboxPut is 32 senders in a closed loop, each with 16 KB of JSON that commits with fsync before it sends the
// next. Compare within one run only, and CPU rather than time: what else the machine does counts for more than any
// option.
func BenchmarkInboxPut(b *testing.B) {
	_, db := postgrestest.Server(b)
	for _, o := range []postgres.InboxOptions{
		{},
		{Linger: -1},
		{Flushers: 2, Linger: -1},
		{Flushers: 2},
		{Flushers: 4, Linger: -1},
		{Flushers: 4},
		{Flushers: 16, MaxBatch: 1, Linger: -1}, // one commit a row
	} {
		b.Run(fmt.Sprintf("flushers=%d/batch=%d/linger=%v", o.Flushers, o.MaxBatch, o.Linger), func(b *testing.B) {
			o.Owner = "bench"
			benchmarkPut(b, db, o)
		})
	}
}

func benchmarkPut(b *testing.B, db *postgres.DB, o postgres.InboxOptions) {
	in := inbox(b, db, o)
	bodies := make([][]byte, 64)
	for i := range bodies {
		bodies[i] = jsonOf(16 << 10)
	}
	if _, err := db.Pool.Exec(b.Context(), "TRUNCATE webhooks"); err != nil {
		b.Fatal(err)
	}
	for i := range 500 { // connections, statements
		w := delivery(-i)
		w.Body = bodies[0]
		put(b, in, w)
	}
	var next atomic.Int64
	var mu sync.Mutex
	var took []time.Duration
	serverCPU, ourCPU := cpuOfServer(b, db), cpuOfProcess(b, "self")
	b.ResetTimer()
	var wg sync.WaitGroup
	for range 32 {
		wg.Go(func() {
			var mine []time.Duration
			for {
				n := int(next.Add(1))
				if n > b.N {
					break
				}
				w := delivery(n)
				w.Body = bodies[n%len(bodies)]
				began := time.Now()
				if _, err := in.Put(b.Context(), w); err != nil {
					b.Errorf("put: %v", err)
					return
				}
				mine = append(mine, time.Since(began))
			}
			mu.Lock()
			defer mu.Unlock()
			took = append(took, mine...)
		})
	}
	wg.Wait()
	b.StopTimer()
	slices.Sort(took)
	if len(took) > 0 {
		b.ReportMetric(float64(len(took))/b.Elapsed().Seconds(), "rows/s")
		b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "p50-ms")
		b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "p99-ms")
	}
	rows := float64(b.N)
	b.ReportMetric(float64((cpuOfServer(b, db)-serverCPU).Microseconds())/rows, "server-cpu-µs/row")
	b.ReportMetric(float64((cpuOfProcess(b, "self")-ourCPU).Microseconds())/rows, "our-cpu-µs/row")
	b.ReportMetric(rows/float64(count(b, db, "SELECT count(DISTINCT xmin::text) FROM webhooks WHERE dedupe_key !~ '^key-[-0]'")), "rows/commit")
}

// cpuOfServer is what Postgres' processes have used that are alive now.
func cpuOfServer(b *testing.B, db *postgres.DB) (sum time.Duration) {
	b.Helper()
	rows, err := db.Pool.Query(b.Context(), "SELECT pid::text FROM pg_stat_activity")
	if err != nil {
		b.Fatal(err)
	}
	pids, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		b.Fatal(err)
	}
	for _, pid := range pids {
		sum += cpuOfProcess(b, pid)
	}
	return sum
}

// cpuOfProcess is 0 where there is no /proc.
func cpuOfProcess(b *testing.B, pid string) time.Duration {
	b.Helper()
	raw, err := os.ReadFile("/proc/" + pid + "/stat")
	if err != nil {
		return 0
	}
	fields := strings.Fields(string(raw[bytes.LastIndexByte(raw, ')')+1:])) // utime and stime are the 14th and 15th of all
	var ticks time.Duration
	for _, f := range fields[11:13] {
		n, err := strconv.Atoi(f)
		if err != nil {
			b.Fatal(err)
		}
		ticks += time.Duration(n)
	}
	return ticks * 10 * time.Millisecond // USER_HZ is 100
}

// jsonOf makes a body about as compressible as a provider's: keys repeat, ids and prices do not.
func jsonOf(size int) []byte {
	var out bytes.Buffer
	for out.Len() < size {
		raw, err := json.Marshal(map[string]any{
			"id": rand.Int64(), "ticket_group_id": rand.Int64N(1e9), "section": fmt.Sprint("Section ", rand.IntN(400)), "row": fmt.Sprint(rand.IntN(40)),
			"price": fmt.Sprintf("%d.%02d", rand.IntN(900), rand.IntN(100)), "updated_at": "2026-11-22T12:00:00Z", "url": fmt.Sprintf("/v9/orders/%d", rand.IntN(1e8)),
		})
		if err != nil {
			panic(err)
		}
		out.Write(raw)
		out.WriteByte('\n')
	}
	return out.Bytes()[:size]
}
