package serve

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"axolotl/chaos"
	"axolotl/chaos/schedule"
)

// Metrics are what Prometheus is told. Names and labels are a promise: they
// stand in the dashboard and the alert rules that come with axolotl.
type Metrics struct {
	registry *prometheus.Registry

	heal        *prometheus.HistogramVec
	runs        *prometheus.CounterVec
	firings     *prometheus.CounterVec
	undoFailure *prometheus.CounterVec
	recreations *prometheus.CounterVec
	restore     *prometheus.HistogramVec
	lost        prometheus.Counter
	kept        *prometheus.GaugeVec
	next        *prometheus.GaugeVec
	atWork      *prometheus.GaugeVec
	leading     prometheus.Gauge
}

// bounds are those of the histograms in seconds: a pod is back in one, a node of an
// emulated machine in several hundred.
var bounds = []float64{.1, .25, .5, 1, 2, 4, 8, 15, 30, 60, 120, 240, 480, 960}

// NewMetrics makes metrics that stand at zero.
func NewMetrics() *Metrics {
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	to := promauto.With(registry)
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return to.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
	}
	gauge := func(name, help string, labels ...string) *prometheus.GaugeVec {
		return to.NewGaugeVec(prometheus.GaugeOpts{Name: name, Help: help}, labels)
	}
	histogram := func(name, help string, labels ...string) *prometheus.HistogramVec {
		return to.NewHistogramVec(prometheus.HistogramOpts{Name: name, Help: help, Buckets: bounds}, labels)
	}
	return &Metrics{
		registry:    registry,
		heal:        histogram("axolotl_heal_seconds", "Time that what a fault broke took to heal, by phase; phase total is from the fault until all was well.", "experiment", "phase"),
		runs:        counter("axolotl_runs_total", "Runs by their verdict.", "experiment", "cluster", "verdict"),
		firings:     counter("axolotl_firings_total", "Firings by what became of them: ran, missed, skipped, interrupted.", "schedule", "outcome"),
		undoFailure: counter("axolotl_undo_failures_total", "Faults that could not be undone: something of a run is still in the cluster.", "cluster"),
		recreations: counter("axolotl_recreations_total", "Clusters and single machines that were thrown away and had back.", "cluster", "result"),
		restore:     histogram("axolotl_restore_seconds", "Time until what was thrown away, a cluster or a machine of it, was healthy again.", "cluster"),
		lost: to.NewCounter(prometheus.CounterOpts{Name: "axolotl_notifications_lost_total",
			Help: "Notifications that reached nobody, after all tries."}),
		kept: gauge("axolotl_schedules", "Schedules by state: active, paused, expired, broken.", "state"),
		next: gauge("axolotl_next_firing_timestamp_seconds", "When a schedule fires next, in seconds since 1970.", "schedule"),
		leading: to.NewGauge(prometheus.GaugeOpts{Name: "axolotl_leading",
			Help: "1 where this daemon runs what is due, 0 where it waits for the one that does to end."}),
		atWork: gauge("axolotl_cluster_busy", "1 while a run, a restore or an undo is at work on a cluster.", "cluster"),
	}
}

// ran counts a run and observes how it healed.
func (m *Metrics) ran(p *chaos.Report) {
	m.runs.WithLabelValues(p.Experiment, p.Cluster, string(p.Verdict)).Inc()
	if p.Verdict == chaos.UndoFailed {
		m.undoFailed(p.Cluster)
	}
	if p.HealedAfter != nil {
		m.heal.WithLabelValues(p.Experiment, "total").Observe(p.HealedAfter.Seconds())
	}
	for _, phase := range p.Phases() { // what nobody saw is not among them: it is no zero
		m.heal.WithLabelValues(p.Experiment, phase.Name).Observe(phase.Took.Seconds())
	}
}

func (m *Metrics) firing(schedule, outcome string, count int) {
	m.firings.WithLabelValues(schedule, outcome).Add(float64(count))
}

func (m *Metrics) undoFailed(cluster string) { m.undoFailure.WithLabelValues(cluster).Inc() }

func (m *Metrics) restored(cluster string, took time.Duration, err error) {
	if err != nil {
		m.recreations.WithLabelValues(cluster, "failed").Inc()
		return
	}
	m.recreations.WithLabelValues(cluster, "ready").Inc()
	m.restore.WithLabelValues(cluster).Observe(took.Seconds())
}

func (m *Metrics) busy(cluster string, at bool) {
	value := 0.0
	if at {
		value = 1
	}
	m.atWork.WithLabelValues(cluster).Set(value)
}

// Leading shows whether this daemon is the one that runs what is due.
func (m *Metrics) Leading(leads bool) {
	m.leading.Set(0)
	if leads {
		m.leading.Set(1)
	}
}

// schedules shows which schedules there are, and drops those that are gone.
func (m *Metrics) schedules(all []*schedule.Record, entries map[string]*entry, now time.Time) {
	for _, state := range []string{"active", "paused", "expired", "broken"} {
		m.kept.WithLabelValues(state).Set(0)
	}
	for _, r := range all {
		m.kept.WithLabelValues(r.State(now)).Inc()
	}
	m.next.Reset()
	for _, e := range entries {
		e.shown = time.Time{}
	}
}

// upcoming shows when each schedule fires next.
func (m *Metrics) upcoming(entries map[string]*entry) {
	for name, e := range entries {
		fires := e.hasOne && e.record.Paused == nil
		switch {
		case fires && !e.shown.Equal(e.next.Start):
			m.next.WithLabelValues(name).Set(float64(e.next.Start.Unix()))
			e.shown = e.next.Start
		case !fires && !e.shown.IsZero():
			m.next.DeleteLabelValues(name)
			e.shown = time.Time{}
		}
	}
}
