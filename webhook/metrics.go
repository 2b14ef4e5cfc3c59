package webhook

import (
	"context"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"willcall/postgres"
)

// Metrics are the door's and the forwarder's, under the prefix willcall_. No label ever holds an order's id or a word
// that a sender can choose freely: types that no decoder knows are "unknown", those that are no plain name "other", sources that
// do not exist "none".
type Metrics struct {
	received    *prometheus.CounterVec // source, type
	duplicates  *prometheus.CounterVec // source, type
	conflicts   *prometheus.CounterVec // source, type
	refused     *prometheus.CounterVec // source, reason
	quarantined *prometheus.CounterVec // source
	ack         *prometheus.HistogramVec
	lastSeen    *prometheus.GaugeVec // source
	verifyOff   *prometheus.GaugeVec // source

	forwarded    *prometheus.CounterVec // source, path: memory or sweep
	delay        *prometheus.HistogramVec
	failures     *prometheus.CounterVec // reason
	unconfigured prometheus.Counter
	catchingUp   prometheus.Gauge
	held         prometheus.Gauge

	types typeNames
}

// NewMetrics registers the metrics with reg. inFlight of the door is added by [Handler], the inbox's by [WatchInbox].
func NewMetrics(reg prometheus.Registerer) *Metrics {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		v := prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
		reg.MustRegister(v)
		return v
	}
	gauge := func(name, help string, labels ...string) *prometheus.GaugeVec {
		v := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: name, Help: help}, labels)
		reg.MustRegister(v)
		return v
	}
	m := &Metrics{
		received: counter("willcall_webhooks_received_total",
			"Authentic webhooks that were committed, repeats not counted.", "source", "type"),
		duplicates: counter("willcall_webhooks_duplicate_total",
			"Authentic webhooks that had been committed before.", "source", "type"),
		conflicts: counter("willcall_webhooks_conflict_total",
			"Webhooks under the id of an earlier one but with another body; both are kept.", "source", "type"),
		refused: counter("willcall_webhooks_refused_total",
			"Requests that were not answered 2xx, by reason: the last part of the problem's type.", "source", "reason"),
		quarantined: counter("willcall_webhooks_quarantined_total",
			"Authentic webhooks that cannot be decoded and wait for a person.", "source"),
		lastSeen: gauge("willcall_webhook_last_received_timestamp_seconds",
			"When the last authentic webhook came. A source that is silent for long may be cut off.", "source"),
		verifyOff: gauge("willcall_webhook_verification_off",
			"1 where the source takes webhooks without any proof of their origin.", "source"),
		ack: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "willcall_webhook_ack_seconds",
			Help:    "From the header's arrival to the 2xx answer, commit included.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10},
		}, []string{"source"}),
		forwarded: counter("willcall_forwarded_total",
			"Webhooks handed to their order's workflow, by the way they took: memory or sweep.", "source", "path"),
		delay: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "willcall_forward_delay_seconds",
			Help:    "From a webhook's arrival until its order's workflow had it, by the way it took.",
			Buckets: []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 300, 1800},
		}, []string{"path"}),
		failures: counter("willcall_forward_failures_total",
			"Attempts to hand a webhook over that failed: unreachable (Temporal as a whole) or order (this one).", "reason"),
		unconfigured: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "willcall_forward_unconfigured_total",
			Help: "Times that a webhook was left in the inbox because its source is no longer configured.",
		}),
		catchingUp: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "willcall_forward_catching_up",
			Help: "1 while webhooks are forwarded from the inbox, after a start, an outage or an overload.",
		}),
		held: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "willcall_forward_held_orders",
			Help: "Orders whose next webhook Temporal refused; each is tried again by itself.",
		}),
		types: typeNames{known: map[[2]string]bool{}, perSource: map[string]int{}},
	}
	reg.MustRegister(m.ack, m.delay, m.unconfigured, m.catchingUp, m.held)
	return m
}

// watch registers the gauge over the door's budget and makes the sources' series exist before the first webhook.
func (m *Metrics) watch(reg prometheus.Registerer, b *budget, sources []Source) {
	reg.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "willcall_webhook_in_flight_bytes",
		Help: "Memory set aside for bodies that are not committed yet.",
	}, func() float64 { return float64(b.used.Load()) }))
	for _, s := range sources {
		off := 0.0
		if s.VerifyOff {
			off = 1
		}
		m.verifyOff.WithLabelValues(s.Name).Set(off)
		m.quarantined.WithLabelValues(s.Name)
		m.refused.WithLabelValues(s.Name, refuseNotAuthentic)
	}
}

// maxTypes bounds the series of one source, should a decoder pass on a provider's words after all.
const maxTypes = 100

type typeNames struct {
	mu        sync.Mutex
	known     map[[2]string]bool
	perSource map[string]int
}

// maxTypeName is more than the longest type that any document names.
const maxTypeName = 64

// label is typ if it may be a label value, else "other". Some decoders take types for known by their first word, or whatever their
// name: then the rest is what the sender wrote, and a text that is no plain name has no place in a metric.
func (t *typeNames) label(source, typ string) string {
	if len(typ) > maxTypeName || strings.ContainsFunc(typ, notOfAName) {
		return "other"
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	k := [2]string{source, typ}
	if t.known[k] {
		return typ
	}
	if t.perSource[source] == maxTypes {
		return "other"
	}
	t.perSource[source]++
	t.known[k] = true
	return typ
}

// notOfAName reports whether r stands in no type that any document names.
func notOfAName(r rune) bool {
	return (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && !strings.ContainsRune("_-./", r)
}

// inboxLag asks the database at most once per lagEvery, however often it is scraped.
type inboxLag struct {
	lag           func(context.Context) (postgres.Lag, error)
	up, n, oldest *prometheus.Desc

	mu      sync.Mutex
	at      time.Time
	last    postgres.Lag
	lastErr error
}

const (
	lagEvery   = 2 * time.Second
	lagTimeout = 2 * time.Second
)

// WatchInbox registers gauges over what waits in the inbox to be forwarded. lag is (*postgres.DB).InboxLag. While it
// fails, willcall_inbox_up is 0 and the others are absent: a gap in a graph is more honest than the last known value.
func WatchInbox(reg prometheus.Registerer, lag func(context.Context) (postgres.Lag, error)) {
	reg.MustRegister(&inboxLag{
		lag: lag,
		up:  prometheus.NewDesc("willcall_inbox_up", "1 while the inbox can be read.", nil, nil),
		n:   prometheus.NewDesc("willcall_inbox_waiting", "Webhooks that are not forwarded yet.", nil, nil),
		oldest: prometheus.NewDesc("willcall_inbox_oldest_age_seconds",
			"Age of the oldest webhook that is not forwarded yet; 0 if none waits.", nil, nil),
	})
}

func (l *inboxLag) Describe(out chan<- *prometheus.Desc) {
	out <- l.up
	out <- l.n
	out <- l.oldest
}

func (l *inboxLag) Collect(out chan<- prometheus.Metric) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if time.Since(l.at) >= lagEvery {
		ctx, cancel := context.WithTimeout(context.Background(), lagTimeout)
		l.last, l.lastErr = l.lag(ctx)
		cancel()
		l.at = time.Now()
	}
	if l.lastErr != nil {
		out <- prometheus.MustNewConstMetric(l.up, prometheus.GaugeValue, 0)
		return
	}
	age := 0.0
	if !l.last.Oldest.IsZero() {
		age = max(0, time.Since(l.last.Oldest).Seconds())
	}
	out <- prometheus.MustNewConstMetric(l.up, prometheus.GaugeValue, 1)
	out <- prometheus.MustNewConstMetric(l.n, prometheus.GaugeValue, float64(l.last.Count))
	out <- prometheus.MustNewConstMetric(l.oldest, prometheus.GaugeValue, age)
}
