package app

import (
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"willcall/config"
	"willcall/order"
	"willcall/postgres"
	"willcall/postgres/postgrestest"
)

func TestDuplicateGauges(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t)
	for _, ref := range []string{"order:tevo:1", "order:tevo:2", "order:gone:3"} {
		d := postgres.Duplicate{Source: strings.Split(ref, ":")[1], Reference: ref, Kind: order.DoInvoice, Live: 2, IDs: []string{"a", "b"}, LastSeen: time.Now()}
		if _, err := db.PutDuplicate(t.Context(), d); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := db.DuplicateGone(t.Context(), "tevo", "order:tevo:2", order.DoInvoice, time.Now()); err != nil {
		t.Fatal(err)
	}
	g := &duplicateGauges{db: db, sources: []string{"tevo", "vivenu"}}
	want := `willcall_pos_duplicates{source="gone"} 1
willcall_pos_duplicates{source="tevo"} 1
willcall_pos_duplicates{source="vivenu"} 0
willcall_pos_duplicates_known 1
`
	if got := scrape(t, g); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}

	away, err := postgres.Open(t.Context(), postgres.Options{URL: "postgres://u@127.0.0.1:1/none"})
	if err != nil {
		t.Fatal(err)
	}
	defer away.Close()
	if got, want := scrape(t, &duplicateGauges{db: away, sources: g.sources}), "willcall_pos_duplicates_known 0\n"; got != want {
		t.Errorf("while Postgres is away: got\n%s\nwant no count, and that said", got)
	}
}

// scrape is what Prometheus would read of one collector, without the explanations.
func scrape(t *testing.T, c prometheus.Collector) (lines string) {
	t.Helper()
	reg := prometheus.NewRegistry()
	reg.MustRegister(c)
	w := httptest.NewRecorder()
	promhttp.HandlerFor(reg, promhttp.HandlerOpts{}).ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	for line := range strings.Lines(w.Body.String()) {
		if !strings.HasPrefix(line, "#") {
			lines += line
		}
	}
	return lines
}

func TestTheLookForDuplicatesKeepsToTheOperatorsRate(t *testing.T) {
	t.Parallel()
	for perSecond, want := range map[float64]time.Duration{0: 200 * time.Millisecond, 100: 200 * time.Millisecond, 2: 500 * time.Millisecond, .5: 2 * time.Second} {
		if got := askPause(config.Worker{POSPerSecond: perSecond}); got != want {
			t.Errorf("%g per second: got %s; want %s", perSecond, got, want)
		}
	}
}
