package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/bridge/bus"
	"github.com/imaginebridge/imaginebridge/bridge/command"
	"github.com/imaginebridge/imaginebridge/internal/imagine"
	"github.com/imaginebridge/imaginebridge/internal/metric"
	"github.com/imaginebridge/imaginebridge/internal/trace"
	"github.com/imaginebridge/imaginebridge/internal/trail"
	"github.com/imaginebridge/imaginebridge/poller"
	"github.com/imaginebridge/imaginebridge/sinks/web"
)

// observed is how a process is watched from outside. A nil one is watched by
// nobody.
type observed struct {
	metrics *metric.Metrics
	traces  *trace.Tracer // nil where none are asked for
}

// observe makes the counters of the process, and its tracer where the environment
// asks for one.
func (pr *process) observe(env func(string) (string, bool)) {
	pr.seen = &observed{traces: trace.Open(env, pr.version, pr.log.With("component", "traces"))}
	pr.seen.metrics = metric.New(metric.Options{Version: pr.version, Sets: metricSets(), Read: pr.reading})
}

// metricSets are the sets of labels that other rooms know.
func metricSets() metric.Sets {
	var groups []string
	for _, s := range command.Table() {
		groups = append(groups, s.Group)
	}
	slices.Sort(groups)
	return metric.Sets{Groups: slices.Compact(groups), Streams: bus.Assets()}
}

// tracer is nil where nothing is traced.
func (o *observed) tracer() trail.Tracer {
	if o == nil || o.traces == nil {
		return nil
	}
	return o.traces
}

// close sends the last spans.
func (o *observed) close(ctx context.Context) error {
	if o == nil || o.traces == nil {
		return nil
	}
	return o.traces.Close(ctx)
}

// asked counts requests to a platform whose room tells of them itself.
func (o *observed) asked(platform string) func(status int, took time.Duration) {
	if o == nil {
		return nil
	}
	return func(status int, took time.Duration) { o.metrics.Asked(platform, status, took) }
}

func (o *observed) polled(r poller.Round) {
	o.metrics.Polled(r.Source, r.Took, r.Events, r.Err != nil)
}

// acked notes how long a platform waited for its acknowledgement.
func (o *observed) acked(door string) func(time.Duration) {
	if o == nil {
		return nil
	}
	return func(took time.Duration) { o.metrics.Acknowledged(door, took) }
}

func (o *observed) slackCount() func(string) {
	if o == nil {
		return nil
	}
	return o.metrics.Slack
}

// audited counts commands on their way into the audit.
func (o *observed) audited(next func(context.Context, command.Entry)) func(context.Context, command.Entry) {
	if o == nil {
		return next
	}
	return func(ctx context.Context, e command.Entry) {
		o.metrics.Commanded(e.Door, e.Group, e.Outcome, e.Took)
		next(ctx, e)
	}
}

func (o *observed) outcome(b bridge.Outcome) {
	if o != nil {
		scheme, _, _ := strings.Cut(b.To, ":")
		o.metrics.Delivered(scheme, string(b.Kind), b.EventTime)
	}
}

// client carries requests to a platform, counted and traced.
func (o *observed) client(platform string) *http.Client {
	return &http.Client{Transport: o.through(platform)(http.DefaultTransport)}
}

// through counts and traces the requests that a transport carries.
func (o *observed) through(platform string) func(http.RoundTripper) http.RoundTripper {
	return func(next http.RoundTripper) http.RoundTripper {
		if o == nil {
			return next
		}
		return &watchedTransport{next: next, platform: platform, asked: o.asked(platform), trace: trail.Or(o.tracer())}
	}
}

// watchedTransport tells of requests. Their addresses stay untold: some hold tokens.
type watchedTransport struct {
	next     http.RoundTripper
	platform string
	asked    func(status int, took time.Duration)
	trace    trail.Tracer
}

var errNotTaken = errors.New("refused")

// RoundTrip implements http.RoundTripper.
func (t *watchedTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	ctx, end := t.trace.Begin(r.Context(), trail.Span{Name: "HTTP " + r.Method, Kind: trail.Client, Attrs: []slog.Attr{
		slog.String("method", r.Method), slog.String("platform", t.platform),
	}})
	began, status := time.Now(), 0
	answer, err := t.next.RoundTrip(r.WithContext(ctx))
	failure := err
	if answer != nil {
		if status = answer.StatusCode; status >= http.StatusBadRequest {
			failure = errNotTaken
		}
	}
	t.asked(status, time.Since(began))
	end(failure, slog.Int("status", status))
	return answer, err
}

// scrapeTimeout bounds what the store is asked for one scrape.
const scrapeTimeout = 2 * time.Second

// reading is how the process is at this moment.
func (pr *process) reading() metric.Reading {
	ctx, cancel := context.WithTimeout(context.Background(), scrapeTimeout)
	defer cancel()
	pulse := pr.bus.Pulse()
	r := metric.Reading{
		Ready: pr.health.ready(), PollAges: pr.pollAges(), Budgets: budgets(pr.accounts.all()), Leases: pulse.Held,
		Circuits: pr.workers.circuits.Broken(), Members: pulse.Members, Connected: pulse.Connected, Reconnects: pulse.Reconnects,
	}
	for _, c := range pr.health.all() {
		r.Components = append(r.Components, metric.State{Of: c.Component, Is: c.State})
	}
	for _, l := range pr.health.allLanes() {
		scheme, _, _ := strings.Cut(l.To, ":")
		r.Subscriptions = append(r.Subscriptions, metric.State{Of: scheme, Is: l.State})
	}
	for _, l := range pr.workers.lags() {
		r.Lags = append(r.Lags, l.Lag)
	}
	if pr.web != nil {
		r.Viewers = pr.web.Viewers()
	}
	if info, err := pr.bus.Info(ctx); err == nil {
		for _, s := range info.Streams {
			r.Streams = append(r.Streams, metric.Stream{Name: s.Name, Entries: s.Messages, Bytes: s.Bytes, Limit: s.MaxBytes})
		}
	}
	if n, err := pr.bus.DeadLetters(ctx); err == nil {
		r.DeadLetters = n
	}
	return r
}

// pollAges is how long ago each source was read, of the agent that waits longest.
func (pr *process) pollAges() map[string]time.Duration {
	out := map[string]time.Duration{}
	pr.polling.Lock()
	p := pr.poller
	pr.polling.Unlock()
	if p == nil {
		return out
	}
	for _, sources := range p.Sources() {
		for _, s := range sources {
			if !s.Last.IsZero() {
				out[s.Source] = max(out[s.Source], time.Since(s.Last))
			}
		}
	}
	return out
}

// budgets sums up what the agents may spend.
func budgets(agents map[string]*imagine.Client) []metric.Budget {
	var out []metric.Budget
	for _, class := range []imagine.Class{imagine.Auth, imagine.Read, imagine.Write, imagine.Upload} {
		b := metric.Budget{Class: string(class), Lowest: 1}
		for _, a := range agents {
			has := a.Budget(class)
			b.Used += max(0, has.Limit-has.Remaining)
			b.Remaining += has.Remaining
			if has.Limit > 0 {
				b.Lowest = min(b.Lowest, float64(has.Remaining)/float64(has.Limit))
			}
		}
		out = append(out, b)
	}
	return out
}

// laneLag is how far one of this process's lanes is behind.
type laneLag struct {
	metric.Lag
	subscription string
}

// lags tells of the lanes that this process works, in the order of their names.
func (w *workers) lags() []laneLag {
	w.mu.Lock()
	defer w.mu.Unlock()
	var out []laneLag
	for name, l := range w.live {
		since, events := l.worker.Waiting()
		lag := metric.Lag{Events: events}
		if !since.IsZero() {
			lag.Age = max(0, time.Since(since))
		}
		out = append(out, laneLag{lag, name})
	}
	slices.SortFunc(out, func(a, b laneLag) int { return strings.Compare(a.subscription, b.subscription) })
	return out
}

// lateEvery is how often lanes are looked at: who is late is told within thirty
// seconds (P7).
const lateEvery = 10 * time.Second

// watchLanes tells of destinations that fall behind, until ctx ends.
func (pr *process) watchLanes(ctx context.Context) error {
	tick := time.NewTicker(lateEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			pr.health.late(pr.workers.lags())
		}
	}
}

// late notes which lanes are behind. Lanes that keep up are no news unless they did
// not before.
func (h *health) late(lags []laneLag) {
	var names []string
	for _, l := range lags {
		if l.Age >= metric.Late {
			names = append(names, l.subscription)
		}
	}
	c := web.Condition{Component: "delivery", State: web.StateOK}
	switch n := len(names); {
	case n == 0 && !h.knows(c.Component):
		return
	case n > 3:
		names = append(names[:3:3], fmt.Sprintf("%d more", n-3))
		fallthrough
	case n > 0:
		c.State = web.StateDegraded
		c.Reason = fmt.Sprintf("Behind by more than %.0f minutes: %s.", metric.Late.Minutes(), strings.Join(names, ", "))
		c.Next = "They are tried on in their order, and nothing is lost. What refuses them stands at the subscription."
	}
	h.set(c)
}

func (h *health) knows(component string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	_, ok := h.conditions[component+"/"]
	return ok
}
