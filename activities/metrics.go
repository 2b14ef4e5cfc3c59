package activities

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"willcall/order"
)

// Metrics counts what the activities do. Its labels are sources, steps and classes: never an order.
type Metrics struct {
	steps         *prometheus.CounterVec
	stepSeconds   *prometheus.HistogramVec
	invoiceAfter  *prometheus.HistogramVec
	customers     *prometheus.CounterVec
	sweeps        *prometheus.CounterVec
	sweepMissed   *prometheus.CounterVec
	sweepLastSeen *prometheus.GaugeVec
	looksFound    *prometheus.CounterVec
}

// NewMetrics registers the metrics with reg.
func NewMetrics(reg prometheus.Registerer) *Metrics {
	m := &Metrics{
		steps: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "willcall_steps_total",
			Help: "Attempts of steps by outcome: done, stopped, or the class of the error."}, []string{"source", "step", "outcome"}),
		stepSeconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "willcall_step_duration_seconds",
			Help: "Duration of one attempt of a step.", Buckets: []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30}}, []string{"step"}),
		invoiceAfter: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "willcall_webhook_to_invoice_seconds",
			Help:    "From the first webhook of an order to its invoice in the POS.",
			Buckets: []float64{.05, .1, .25, .5, 1, 2.5, 5, 15, 60, 300, 1800, 7200, 86400}}, []string{"source"}),
		customers: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "willcall_pos_customers_total",
			Help: "Customers found or created in the POS."}, []string{"source", "result"}),
		sweeps: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "willcall_sweeps_total",
			Help: "Sweeps of a provider's API by result."}, []string{"source", "result"}),
		sweepMissed: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "willcall_sweep_missed_total",
			Help: "Changes that a sweep found and no webhook had told."}, []string{"source"}),
		sweepLastSeen: prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "willcall_sweep_last_success_timestamp_seconds",
			Help: "When a sweep of the source last succeeded."}, []string{"source"}),
		looksFound: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "willcall_looks_found_total",
			Help: "Orders for which a look found that the POS holds other tickets than any event had told."}, []string{"source"}),
	}
	reg.MustRegister(m.steps, m.stepSeconds, m.invoiceAfter, m.customers, m.sweeps, m.sweepMissed, m.sweepLastSeen, m.looksFound)
	return m
}

func (m *Metrics) step(source string, do order.Do, outcome string, d time.Duration) {
	m.steps.WithLabelValues(source, string(do), outcome).Inc()
	m.stepSeconds.WithLabelValues(string(do)).Observe(d.Seconds())
}

func (m *Metrics) invoiced(source string, after time.Duration) {
	m.invoiceAfter.WithLabelValues(source).Observe(after.Seconds())
}

func (m *Metrics) customer(source string, created bool) {
	result := "found"
	if created {
		result = "created"
	}
	m.customers.WithLabelValues(source, result).Inc()
}

// Expect has the counters of a source that are watched for growth be there, as 0, before anything is counted: the first count of one
// that is not there yet is no growth to Prometheus.
func (m *Metrics) Expect(source string, sweeps, looks bool) {
	if sweeps {
		m.sweepMissed.WithLabelValues(source)
	}
	if looks {
		m.looksFound.WithLabelValues(source)
	}
}

func (m *Metrics) foundTickets(source string) { m.looksFound.WithLabelValues(source).Inc() }

func (m *Metrics) swept(source string, p Polled, err error) {
	if err != nil {
		m.sweeps.WithLabelValues(source, "failed").Inc()
		return
	}
	m.sweeps.WithLabelValues(source, "done").Inc()
	m.sweepMissed.WithLabelValues(source).Add(float64(p.Missed))
	m.sweepLastSeen.WithLabelValues(source).SetToCurrentTime()
}
