package metrics

import (
	"net/http"
	"runtime"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/tenovos-ingest/ingestd/journal"
)

// Deps are what the metrics are of.
type Deps struct {
	Reader  *journal.Reader  // of the journal; one connection of it is used at once, at most
	Journal string           // its file
	Version string           // of the program
	Clock   func() time.Time // nil is time.Now
}

// Metrics are the instruments of one process, in a registry of their own. They outlive the
// configuration: a reload begins no counter anew. A nil *Metrics observes nothing. All
// methods may be called from any goroutine.
type Metrics struct {
	registry *prometheus.Registry
	watched  atomic.Pointer[[]string] // names of the folders; nil before there are any

	bytesSent *prometheus.CounterVec
	api       *prometheus.HistogramVec
	parts     prometheus.Histogram
	retries   *prometheus.CounterVec
	refreshes *prometheus.CounterVec
}

// New returns the instruments, all at zero.
func New(d Deps) *Metrics {
	if d.Clock == nil {
		d.Clock = time.Now
	}
	m := &Metrics{
		registry: prometheus.NewRegistry(),
		bytesSent: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "ingestd_bytes_sent_total",
			Help: "Bytes of files that left for the content store, those sent once more included.",
		}, []string{"folder"}),
		api: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "ingestd_api_seconds",
			Help: "How long requests to the Tenovos API took, by operation and outcome.",
			// A gateway gives up after 30 s, the client after a minute.
			Buckets: []float64{.01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60},
		}, []string{"operation", "outcome"}),
		parts: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name:    "ingestd_part_seconds",
			Help:    "How long parts of files took that the content store confirmed.",
			Buckets: []float64{.05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800},
		}),
		retries: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "ingestd_retries_total",
			Help: "How often a step of a file failed and was left to be tried again, by the class of the reason.",
		}, []string{"reason"}),
		refreshes: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "ingestd_token_refreshes_total",
			Help: "Requests to refresh the session with Tenovos, by outcome; the logins are in ingestd_api_seconds.",
		}, []string{"outcome"}),
	}
	build := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "ingestd_build_info", Help: "1, with the version of the program and of Go.",
		ConstLabels: prometheus.Labels{"version": d.Version, "goversion": runtime.Version()},
	})
	build.Set(1)
	m.refreshes.WithLabelValues(ok) // it is rare: an alert needs the zero before the first
	m.registry.MustRegister(
		m.bytesSent, m.api, m.parts, m.retries, m.refreshes, build, &books{Deps: d, watched: m.watchedNow},
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	)
	return m
}

// Handler answers scrapes. What cannot be read of the journal makes the whole scrape fail,
// for a number that is missing is seen by nobody.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{ErrorHandling: promhttp.HTTPErrorOnError})
}

// Watch says which folders are watched from now on: of these it is known whether they are
// up.
func (m *Metrics) Watch(folders []string) {
	if m == nil {
		return
	}
	m.watched.Store(&folders)
	for _, name := range folders {
		m.bytesSent.WithLabelValues(name)
	}
}

func (m *Metrics) watchedNow() []string {
	if names := m.watched.Load(); names != nil {
		return *names
	}
	return nil
}

// Call observes a request to the API, see tenovos.Config.
func (m *Metrics) Call(operation string, err error, took time.Duration) {
	if m == nil {
		return
	}
	outcome := outcomeOf(err)
	m.api.WithLabelValues(word(operation), outcome).Observe(took.Seconds())
	if operation == "refresh the session" {
		m.refreshes.WithLabelValues(outcome).Inc()
	}
}

// Sent observes bytes of a folder's files on their way, see uploader.Observer.
func (m *Metrics) Sent(folder string, bytes int64) {
	if m != nil {
		m.bytesSent.WithLabelValues(folder).Add(float64(bytes))
	}
}

// Stored observes a part that is stored, see uploader.Observer.
func (m *Metrics) Stored(took time.Duration) {
	if m != nil {
		m.parts.Observe(took.Seconds())
	}
}

// Retried observes a file that is tried again, by the class of the reason, see ingest.Deps.
func (m *Metrics) Retried(class string) {
	if m != nil {
		m.retries.WithLabelValues(word(class)).Inc()
	}
}
