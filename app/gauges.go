package app

import (
	"context"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"willcall/postgres"
)

// orderGauges counts orders by state and by attention when it is scraped, but not more often than every ten seconds: the
// count reads the whole table.
type orderGauges struct {
	db *postgres.DB

	mu      sync.Mutex
	counted time.Time
	counts  []postgres.OrderCount
}

var (
	ordersDesc = prometheus.NewDesc("willcall_orders", "Orders by state and by the reason for attention.",
		[]string{"source", "state", "attention"}, nil)
	ordersUpDesc = prometheus.NewDesc("willcall_orders_known", "1 if the orders could be counted, 0 if Postgres did not answer.", nil, nil)
)

func (g *orderGauges) Describe(ch chan<- *prometheus.Desc) {
	ch <- ordersDesc
	ch <- ordersUpDesc
}

func (g *orderGauges) Collect(ch chan<- prometheus.Metric) {
	counts, err := g.count()
	if err != nil {
		ch <- prometheus.MustNewConstMetric(ordersUpDesc, prometheus.GaugeValue, 0)
		return
	}
	ch <- prometheus.MustNewConstMetric(ordersUpDesc, prometheus.GaugeValue, 1)
	for _, c := range counts {
		ch <- prometheus.MustNewConstMetric(ordersDesc, prometheus.GaugeValue, float64(c.N), c.Source, string(c.State), c.Attention)
	}
}

func (g *orderGauges) count() ([]postgres.OrderCount, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if time.Since(g.counted) < 10*time.Second {
		return g.counts, nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	counts, err := g.db.OrderCounts(ctx)
	if err == nil {
		g.counts, g.counted = counts, time.Now()
	}
	return counts, err
}

// duplicateGauges counts the references that a point of sale has several live records of, by source.
type duplicateGauges struct {
	db      *postgres.DB
	sources []string // of which 0 is said, too
}

var (
	duplicatesDesc = prometheus.NewDesc("willcall_pos_duplicates", "References that have several live records in the POS, as the last look found them.",
		[]string{"source"}, nil)
	duplicatesUpDesc = prometheus.NewDesc("willcall_pos_duplicates_known", "1 if the duplicates could be counted, 0 if Postgres did not answer.", nil, nil)
)

func (g *duplicateGauges) Describe(ch chan<- *prometheus.Desc) {
	ch <- duplicatesDesc
	ch <- duplicatesUpDesc
}

func (g *duplicateGauges) Collect(ch chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	counts, err := g.db.DuplicateCounts(ctx)
	if err != nil {
		ch <- prometheus.MustNewConstMetric(duplicatesUpDesc, prometheus.GaugeValue, 0)
		return
	}
	ch <- prometheus.MustNewConstMetric(duplicatesUpDesc, prometheus.GaugeValue, 1)
	open := map[string]int64{}
	for _, name := range g.sources {
		open[name] = 0
	}
	for _, c := range counts { // also of a source that is no longer configured: its duplicates are still there
		open[c.Source] = c.N
	}
	for source, n := range open {
		ch <- prometheus.MustNewConstMetric(duplicatesDesc, prometheus.GaugeValue, float64(n), source)
	}
}
