package api

import (
	"net/http"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/prassi-cms/prassi/catalog"
	"github.com/prassi-cms/prassi/search/feed"
	"github.com/prassi-cms/prassi/site/publish"
	"github.com/prassi-cms/prassi/webhooks"
)

// metrics is the server's own Prometheus registry.
type metrics struct {
	registry  *prometheus.Registry
	requests  *prometheus.CounterVec
	durations *prometheus.HistogramVec
	handler   http.Handler
}

func newMetrics(opt Options, clock func() time.Time) *metrics {
	c, index, asking, air := opt.Catalog, opt.Search, opt.Freshness, opt.Site
	m := &metrics{
		registry: prometheus.NewRegistry(),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "prassi_http_requests_total", Help: "Requests answered, by method, route template and status.",
		}, []string{"method", "route", "status"}),
		durations: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "prassi_http_request_duration_seconds", Help: "Time to answer, in seconds.",
			Buckets: []float64{.0005, .002, .01, .05, .25, 1, 5},
		}, []string{"method", "route"}),
	}
	gauge := func(name, help string, value func(catalog.Stats) float64) prometheus.Collector {
		return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, func() float64 { return value(c.Stats()) })
	}
	build := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "prassi_build_info", Help: "1, labelled with the version.", ConstLabels: prometheus.Labels{"version": opt.Version},
	})
	build.Set(1)
	m.registry.MustRegister(m.requests, m.durations, build,
		gauge("prassi_catalog_items", "Published variants in the catalogue.", func(s catalog.Stats) float64 { return float64(s.Items) }),
		gauge("prassi_catalog_documents", "Published documents in the catalogue.", func(s catalog.Stats) float64 { return float64(s.Documents) }),
		gauge("prassi_catalog_bytes", "Size of the catalogue's file, in bytes.", func(s catalog.Stats) float64 { return float64(s.Bytes) }),
		gauge("prassi_catalog_lag_events", "Events of the log that the catalogue has yet to apply.", func(s catalog.Stats) float64 { return float64(s.Lag) }),
		gauge("prassi_catalog_unrendered", "Live documents that could not be rendered.", func(s catalog.Stats) float64 { return float64(s.Unrendered) }),
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	if index != nil {
		figure := func(name, help string, value func(feed.Stats) float64) prometheus.Collector {
			return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, func() float64 { return value(index.Stats()) })
		}
		m.registry.MustRegister(
			figure("prassi_search_documents", "Published variants in the search index.", func(s feed.Stats) float64 { return float64(s.Documents) }),
			figure("prassi_search_lag_events", "Events that the catalogue has applied and the search index has not.", func(s feed.Stats) float64 { return float64(s.Lag) }),
			figure("prassi_search_up", "1 when the search index is whole and could be reached when it was written last, else 0.", func(s feed.Stats) float64 {
				if s.Available {
					return 1
				}
				return 0
			}))
	}
	if asking != nil {
		m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "prassi_reminders_waiting", Help: "Documents whose people wait to be asked whether they are still right.",
		}, func() float64 { return float64(asking.Waiting()) }))
	}
	if air != nil {
		figure := func(name, help string, value func(publish.Status) float64) prometheus.Collector {
			return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, func() float64 { return value(air.Status()) })
		}
		m.registry.MustRegister(
			figure("prassi_site_up", "1 when the last build of the public site went well and nothing holds it, else 0.", func(s publish.Status) float64 {
				if s.Err == nil && !s.Held && s.Builds > 0 {
					return 1
				}
				return 0
			}),
			figure("prassi_site_pages", "Files of the public site at the last build.", func(s publish.Status) float64 { return float64(s.Report.Pages) }),
			figure("prassi_site_builds", "Builds of the public site since the start.", func(s publish.Status) float64 { return float64(s.Builds) }),
			figure("prassi_site_failures", "Builds of the public site that failed since the start.", func(s publish.Status) float64 { return float64(s.Failures) }),
			figure("prassi_site_build_seconds", "How long the last build took.", func(s publish.Status) float64 { return s.Took.Seconds() }),
			figure("prassi_site_outputs_failing", "Targets, hooks and partners' sites whose last copy failed.", func(s publish.Status) float64 {
				n := 0.0
				for _, o := range s.Outputs {
					if o.Err != nil {
						n++
					}
				}
				return n
			}))
	}
	if hooks := opt.Webhooks; hooks != nil {
		for _, outcome := range webhooks.Outcomes {
			m.registry.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{
				Name: "prassi_webhooks_attempts_total", Help: "Messages that webhooks were sent since the start, by what became of them; waiting: it is tried again.",
				ConstLabels: prometheus.Labels{"outcome": string(outcome)},
			}, func() float64 { return float64(hooks.Status().Attempts[outcome]) }))
		}
		m.registry.MustRegister(
			prometheus.NewGaugeFunc(prometheus.GaugeOpts{
				Name: "prassi_webhooks_waiting", Help: "Messages that failed and wait for another attempt, with those behind them.",
			}, func() float64 { return float64(hooks.Status().Waiting) }),
			prometheus.NewGaugeFunc(prometheus.GaugeOpts{
				Name: "prassi_webhooks_behind_seconds", Help: "How long ago the oldest news happened that a receiver has yet to take, in seconds.",
			}, func() float64 {
				if oldest := hooks.Status().Oldest; !oldest.IsZero() {
					return max(0, clock().Sub(oldest).Seconds())
				}
				return 0
			}))
	}
	m.handler = promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{MaxRequestsInFlight: 4, DisableCompression: true})
	return m
}

// routeMetrics counts the requests of one route. Counters are looked up once for
// each status and then kept.
type routeMetrics struct {
	method, route string
	requests      *prometheus.CounterVec
	duration      prometheus.Observer
	byStatus      [500]atomic.Pointer[prometheus.Counter]
}

func (m *metrics) route(method, route string) *routeMetrics {
	if method == "" {
		method = "other"
	}
	return &routeMetrics{method: method, route: route, requests: m.requests, duration: m.durations.WithLabelValues(method, route)}
}

func (r *routeMetrics) observe(status int, elapsed time.Duration) {
	r.duration.Observe(elapsed.Seconds())
	if status < 100 || status >= 600 {
		return
	}
	slot := &r.byStatus[status-100]
	counter := slot.Load()
	if counter == nil {
		made := r.requests.WithLabelValues(r.method, r.route, strconv.Itoa(status))
		counter = &made
		slot.Store(counter)
	}
	(*counter).Inc()
}

// serveMetrics answers GET /metrics in Prometheus' text format.
func (s *Server) serveMetrics(c *gin.Context) error {
	s.metrics.handler.ServeHTTP(c.Writer, c.Request)
	return nil
}
