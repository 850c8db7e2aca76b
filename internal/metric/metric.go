// Package metric counts what the bridge does, and shows it as Prometheus reads it.
//
// Its main type is [Metrics]: rooms report to it through functions that they are
// handed, and what can be asked at any moment is read when somebody scrapes, from a
// [Reading]. The table in table.go says which metrics there are; every label has a
// closed set of values. The package is the only one that knows the library.
package metric

import (
	"net/http"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/imaginebridge/imaginebridge/events"
)

// Options is what a Metrics needs.
type Options struct {
	Version string
	Sets    Sets
	Read    func() Reading // asked at each scrape; nil: there is nothing to read
}

// Metrics counts. Its methods may be used at the same time.
type Metrics struct {
	registry *prometheus.Registry
	labels   map[string][]Label
	counters map[string]*prometheus.CounterVec
	times    map[string]*prometheus.HistogramVec
}

// New makes the registry.
func New(o Options) *Metrics {
	m := &Metrics{
		registry: prometheus.NewRegistry(), labels: map[string][]Label{},
		counters: map[string]*prometheus.CounterVec{}, times: map[string]*prometheus.HistogramVec{},
	}
	read := &reader{read: o.Read, gauges: map[string]*prometheus.Desc{}, labels: m.labels}
	for _, f := range Table(o.Sets) {
		var names []string
		for _, l := range f.Labels {
			names = append(names, l.Name)
		}
		m.labels[f.Name] = f.Labels
		switch {
		case f.Name == build:
			info := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: f.Name, Help: f.Help}, names)
			info.WithLabelValues(o.Version, runtime.Version()).Set(1)
			m.registry.MustRegister(info)
		case f.Kind == Histogram:
			m.times[f.Name] = prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: f.Name, Help: f.Help, Buckets: f.buckets}, names)
			m.registry.MustRegister(m.times[f.Name])
		case f.Kind == Counter && f.Name != reconnects:
			m.counters[f.Name] = prometheus.NewCounterVec(prometheus.CounterOpts{Name: f.Name, Help: f.Help}, names)
			m.registry.MustRegister(m.counters[f.Name])
		default:
			read.gauges[f.Name] = prometheus.NewDesc(f.Name, f.Help, names, nil)
		}
	}
	if o.Read != nil {
		m.registry.MustRegister(read)
	}
	m.registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	m.begin()
	return m
}

// begin makes the counters that alarms are set on stand at 0, so that their first
// step is seen.
func (m *Metrics) begin() {
	for k := range events.Kinds() {
		m.counters[stored].WithLabelValues(k.Family, k.Type)
	}
	for _, sink := range sinks.Values {
		for _, outcome := range outcomes.Values {
			m.counters[deliveries].WithLabelValues(sink, outcome)
		}
	}
	for _, source := range sources.Values[:3] { // what is watched of every agent
		for _, outcome := range results.Values {
			m.counters[polls].WithLabelValues(source, outcome)
		}
	}
}

// Handler shows all of it.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{MaxRequestsInFlight: 4})
}

func (m *Metrics) count(name string, values ...string) {
	m.counters[name].WithLabelValues(closed(m.labels[name], values)...).Inc()
}

func (m *Metrics) time(name string, took time.Duration, values ...string) {
	m.times[name].WithLabelValues(closed(m.labels[name], values)...).Observe(max(0, took.Seconds()))
}

// closed puts values into their sets.
func closed(labels []Label, values []string) []string {
	out := make([]string, len(values))
	for i, v := range values {
		out[i] = labels[i].of(v)
	}
	return out
}

// Polled counts a look at a source, and what it stored.
func (m *Metrics) Polled(source string, took time.Duration, found []events.Event, failed bool) {
	source, _, _ = strings.Cut(source, " ") // what is watched for is somebody's
	outcome := "ok"
	if failed {
		outcome = "failed"
	}
	m.count(polls, source, outcome)
	m.time(pollTime, took, source)
	for _, e := range found {
		family, kind, _ := strings.Cut(e.Name(), ".")
		m.count(stored, family, kind)
	}
}

// Asked counts a request to a platform. A status of 0 means that no answer came.
func (m *Metrics) Asked(platform string, status int, took time.Duration) {
	m.count(requests, platform, class(status))
	m.time(requestTime, took, platform)
}

func class(status int) string {
	switch status {
	case 0:
		return "none"
	case http.StatusTooManyRequests:
		return "429"
	}
	return strconv.Itoa(status/100) + "xx"
}

// Delivered counts what became of a delivery. happened is when its event did, of
// one that was sent.
func (m *Metrics) Delivered(sink, outcome string, happened time.Time) {
	m.count(deliveries, sink, outcome)
	if outcome == "delivered" && !happened.IsZero() {
		m.time(freshness, time.Since(happened), sink)
	}
}

// Commanded counts a command.
func (m *Metrics) Commanded(door, group, outcome string, took time.Duration) {
	m.count(commands, door, group, outcome)
	m.time(commandTime, took, door)
}

// Acknowledged notes how long a platform waited for its acknowledgement.
func (m *Metrics) Acknowledged(door string, took time.Duration) { m.time(ackTime, took, door) }

// Slack counts something by the name that the sink has for it.
func (m *Metrics) Slack(name string) { m.count(slack, strings.TrimPrefix(name, "slack_")) }

// Reading is how everything is at the moment of asking.
type Reading struct {
	Ready         bool
	Components    []State // component and state
	Subscriptions []State // sink and state of the lane
	Lags          []Lag   // of the lanes that this process works
	PollAges      map[string]time.Duration
	Budgets       []Budget
	Leases        map[string]int // by kind
	Circuits      map[string]int // by sink
	Members       int
	Connected     bool
	Reconnects    uint64
	Streams       []Stream
	DeadLetters   uint64
	Viewers       int
}

// State is one thing and how it is.
type State struct{ Of, Is string }

// Lag is how far a lane is behind: events that wait, and for how long the first.
type Lag struct {
	Events uint64
	Age    time.Duration
}

// Late is how far a lane may be behind before that is told (P7).
const Late = 5 * time.Minute

// Budget is what agents spend of one rate class.
type Budget struct {
	Class           string
	Used, Remaining int
	Lowest          float64 // share of the limit that is left to whom least is, 0 to 1
}

// Stream is the size of a stream or bucket.
type Stream struct {
	Name           string
	Entries, Bytes uint64
	Limit          int64 // bytes; 0 or less for none
}

// reader shows what is read at each scrape.
type reader struct {
	read   func() Reading
	gauges map[string]*prometheus.Desc
	labels map[string][]Label
}

// Describe implements prometheus.Collector.
func (r *reader) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range r.gauges {
		ch <- d
	}
}

// Collect implements prometheus.Collector.
func (r *reader) Collect(ch chan<- prometheus.Metric) {
	for name, sum := range r.read().values(r.labels) {
		kind := prometheus.GaugeValue
		if name == reconnects {
			kind = prometheus.CounterValue
		}
		for labels, v := range sum {
			var values []string
			if n := len(r.labels[name]); n > 0 {
				values = labels[:n]
			}
			ch <- prometheus.MustNewConstMetric(r.gauges[name], kind, v, values...)
		}
	}
}

// series is the values of a metric, by those of its labels.
type series map[[2]string]float64

// values puts a reading under the names of the table.
func (g Reading) values(labels map[string][]Label) map[string]series {
	out := map[string]series{}
	add := func(name string, v float64, values ...string) {
		if out[name] == nil {
			out[name] = series{}
		}
		var at [2]string
		copy(at[:], closed(labels[name], values))
		out[name][at] += v
	}
	add(ready, truth(g.Ready))
	add(connected, truth(g.Connected))
	add(members, float64(g.Members))
	add(reconnects, float64(g.Reconnects))
	add(dead, float64(g.DeadLetters))
	add(viewers, float64(g.Viewers))
	for _, c := range g.Components {
		for _, state := range states.Values {
			add(component, 0, c.Of, state)
		}
		add(component, 1, c.Of, c.Is)
	}
	for _, s := range g.Subscriptions {
		add(subscriptions, 1, s.Of, s.Is)
	}
	g.lags(add)
	out[pollAge] = g.ages()
	for _, b := range g.Budgets {
		add(budget, float64(b.Used), b.Class, "used")
		add(budget, float64(b.Remaining), b.Class, "remaining")
		add(budgetLow, b.Lowest, b.Class)
	}
	for _, kind := range leases.Values {
		add(held, float64(g.Leases[kind]), kind)
	}
	for _, sink := range sinks.Values {
		add(circuits, float64(g.Circuits[sink]), sink)
	}
	for _, s := range g.Streams {
		add(streamBytes, float64(s.Bytes), s.Name)
		add(streamLimit, float64(max(0, s.Limit)), s.Name)
		add(streamCount, float64(s.Entries), s.Name)
	}
	return out
}

// lags sums up how far the lanes are behind.
func (g Reading) lags(add func(name string, v float64, values ...string)) {
	var most, longest, behind float64
	for _, l := range g.Lags {
		most, longest = max(most, float64(l.Events)), max(longest, l.Age.Seconds())
		if l.Age >= Late {
			behind++
		}
	}
	add(lagEvents, most)
	add(lagTime, longest)
	add(late, behind)
}

// ages are those of the sources; what is watched for is somebody's.
func (g Reading) ages() series {
	out := series{}
	for source, age := range g.PollAges {
		source, _, _ = strings.Cut(source, " ")
		at := [2]string{sources.of(source)}
		out[at] = max(out[at], age.Seconds())
	}
	return out
}

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
