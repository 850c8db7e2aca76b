package web

import (
	"net/http"
	"runtime"
	"slices"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/imaginebridge/imaginebridge/events"
)

// Labels come from closed sets only (T27): no handle, name, id or place of
// anybody is ever one. What is in none of them counts as "other".
var (
	sinkLabels      = []string{"console", "discord", "slack", "webhook"}
	componentLabels = []string{"discord", "nats", "poller", "slack", "web", "webhook"}
	laneLabels      = []string{"live", "paused", "suspended"}
	stateLabels     = []string{StateOK, StateStarting, StateDegraded, StateDown}
)

func label(set []string, text string) string {
	if slices.Contains(set, text) {
		return text
	}
	return "other"
}

// measure makes the registry of this server.
func (s *Server) measure() {
	s.events = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "imaginebridge_events_total", Help: "Events stored since this process watches, by kind.",
	}, []string{"family", "type"})
	for k := range events.Kinds() {
		s.events.WithLabelValues(k.Family, k.Type)
	}
	build := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "imaginebridge_build_info", Help: "Always 1; the labels say what runs.",
		ConstLabels: prometheus.Labels{"version": s.o.Version, "go": runtime.Version()},
	})
	build.Set(1)
	streams := prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "imaginebridge_console_streams", Help: "Browsers that watch the console now.",
	}, func() float64 { return float64(s.streams.Load()) })
	s.registry = prometheus.NewRegistry()
	s.registry.MustRegister(s.events, build, streams, newHealthCollector(s.o),
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
}

func (s *Server) metrics() http.Handler {
	return promhttp.HandlerFor(s.registry, promhttp.HandlerOpts{MaxRequestsInFlight: 4})
}

// healthCollector tells of components and lanes what they say of themselves at
// the moment of asking.
type healthCollector struct {
	o                                   Options
	deliveries, lanes, component, ready *prometheus.Desc
}

func newHealthCollector(o Options) *healthCollector {
	return &healthCollector{
		o:          o,
		deliveries: prometheus.NewDesc("imaginebridge_deliveries_total", "Messages that this process delivered, or gave up (dead).", []string{"sink", "outcome"}, nil),
		lanes:      prometheus.NewDesc("imaginebridge_subscriptions", "Subscriptions by the state of their lane.", []string{"sink", "state"}, nil),
		component:  prometheus.NewDesc("imaginebridge_component_state", "How many of a component (one per agent, where it is an agent's) are in a state.", []string{"component", "state"}, nil),
		ready:      prometheus.NewDesc("imaginebridge_ready", "1 when nothing is starting any more.", nil, nil),
	}
}

// Describe implements prometheus.Collector.
func (c *healthCollector) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{c.deliveries, c.lanes, c.component, c.ready} {
		ch <- d
	}
}

// Collect implements prometheus.Collector.
func (c *healthCollector) Collect(ch chan<- prometheus.Metric) {
	type pair [2]string
	delivered, lanes, components := map[pair]uint64{}, map[pair]uint64{}, map[pair]uint64{}
	for _, l := range c.o.Lanes() {
		scheme, _, _ := strings.Cut(l.To, ":")
		sink := label(sinkLabels, scheme)
		delivered[pair{sink, "delivered"}] += l.Delivered
		delivered[pair{sink, "dead"}] += l.Dead
		lanes[pair{sink, label(laneLabels, l.State)}]++
	}
	all := c.o.Conditions()
	for _, one := range all {
		name := label(componentLabels, one.Component)
		for _, state := range stateLabels {
			components[pair{name, state}] += 0
		}
		components[pair{name, label(stateLabels, one.State)}]++
	}
	send := func(d *prometheus.Desc, t prometheus.ValueType, m map[pair]uint64) {
		for k, n := range m {
			ch <- prometheus.MustNewConstMetric(d, t, float64(n), k[0], k[1])
		}
	}
	send(c.deliveries, prometheus.CounterValue, delivered)
	send(c.lanes, prometheus.GaugeValue, lanes)
	send(c.component, prometheus.GaugeValue, components)
	ready := 0.0
	if isReady(all) {
		ready = 1
	}
	ch <- prometheus.MustNewConstMetric(c.ready, prometheus.GaugeValue, ready)
}
