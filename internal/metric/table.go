package metric

import (
	"slices"

	"github.com/imaginebridge/imaginebridge/events"
)

// Kind is how a metric behaves, in Prometheus' words.
type Kind string

// Kinds.
const (
	Counter   Kind = "counter"
	Gauge     Kind = "gauge"
	Histogram Kind = "histogram"
)

// Family is one metric: a row of the table that registry, documents, dashboard and
// alert rules follow.
type Family struct {
	Name, Help string
	Kind       Kind
	Labels     []Label
	buckets    []float64 // of a histogram
}

// Label is a label with its closed set of values: whatever is in none of them is
// told as "other". No handle, name, id or place of anybody is ever one.
type Label struct {
	Name   string
	Values []string
}

// Other is the value of what is in no set.
const Other = "other"

func (l Label) of(value string) string {
	if slices.Contains(l.Values, value) {
		return value
	}
	return Other
}

// Bounds of histograms, in seconds.
var (
	soon  = []float64{0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60}
	acks  = []float64{0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 1.5, 2, 2.5, 3}          // three seconds are the platforms' limit
	fresh = []float64{0.5, 1, 2, 4, 6, 8, 10, 13, 20, 30, 60, 120, 300, 1800, 21600} // 6 s and 13 s are promised (P6)
)

// Sets of values. Those that another room knows best are handed to [Table].
var (
	platforms = Label{"platform", []string{"imagineanything", "discord", "slack", "webhook"}}
	statuses  = Label{"status", []string{"2xx", "3xx", "4xx", "5xx", "429", "none"}}
	sinks     = Label{"sink", []string{"console", "discord", "slack", "webhook"}}
	doors     = Label{"door", []string{"discord", "slack", "nats", "terminal", "console"}}
	askers    = Label{"door", []string{"discord", "slack"}}
	sources   = Label{"source", []string{"notifications", "messages", "generations", "feed", "timeline", "profile", "listings", "orders", "watch", "authors"}}
	classes   = Label{"class", []string{"auth", "read", "write", "upload"}}
	outcomes  = Label{"outcome", []string{"delivered", "superseded", "retried", "dead", "suspended", "resumed", "gap", "skipped"}}
	results   = Label{"outcome", []string{"ok", "failed"}}
	replies   = Label{"outcome", []string{"done", "scheduled", "refused", "failed", "unknown", "asked", "running"}}
	states    = Label{"state", []string{"ok", "starting", "degraded", "down"}}
	lanes     = Label{"state", []string{"live", "paused", "suspended"}}
	purse     = Label{"state", []string{"used", "remaining"}}
	leases    = Label{"kind", []string{"agent", "lane", "gateway"}}
	incidents = Label{"kind", []string{
		"repeats_without_look", "messages_refused", "events_repeated", "deliveries_unheard", "deliveries_dropped", "acks_lost",
		"socket_errors", "retries", "bad_signatures", "answers_lost", "panics",
	}}
	components = Label{"component", []string{"configuration", "delivery", "discord", "nats", "poller", "slack", "web", "webhook"}}
)

// Sets are the closed sets that other rooms know.
type Sets struct {
	Groups  []string // of commands
	Streams []string // of the store
}

// Table lists every metric of ours, in the order in which documents show them.
func Table(sets Sets) []Family {
	var families, types []string
	for k := range events.Kinds() {
		families, types = append(families, k.Family), append(types, k.Type)
	}
	family, kind := Label{"family", uniq(families)}, Label{"type", uniq(types)}
	group, stream := Label{"group", sets.Groups}, Label{"stream", sets.Streams}
	return []Family{
		{Name: ready, Kind: Gauge, Help: "1 when nothing is starting any more."},
		{Name: component, Kind: Gauge, Help: "How many of a component (one per agent, where it is an agent's) are in a state.", Labels: []Label{components, states}},
		{Name: build, Kind: Gauge, Help: "Always 1; the labels say what runs.", Labels: []Label{{Name: "version"}, {Name: "go"}}},

		{Name: stored, Kind: Counter, Help: "Events that this process stored, by kind.", Labels: []Label{family, kind}},
		{Name: polls, Kind: Counter, Help: "Looks at a source of an agent.", Labels: []Label{sources, results}},
		{Name: pollTime, Kind: Histogram, Help: "How long a look took, with storing what was found.", Labels: []Label{sources}, buckets: soon},
		{Name: pollAge, Kind: Gauge, Help: "Time since the last look that worked, of the agent that waits longest.", Labels: []Label{sources}},
		{Name: budget, Kind: Gauge, Help: "Calls of the last minute that the agents have spent, and that they may still make.", Labels: []Label{classes, purse}},
		{Name: budgetLow, Kind: Gauge, Help: "What is left of its limit to the agent that has least.", Labels: []Label{classes}},

		{Name: requests, Kind: Counter, Help: "Requests to platforms; none is one without an answer, 429 is not among 4xx.", Labels: []Label{platforms, statuses}},
		{Name: requestTime, Kind: Histogram, Help: "How long requests took until the answer began.", Labels: []Label{platforms}, buckets: soon},

		{Name: deliveries, Kind: Counter, Help: "What became of deliveries.", Labels: []Label{sinks, outcomes}},
		{Name: freshness, Kind: Histogram, Help: "From when something happened until it was sent.", Labels: []Label{sinks}, buckets: fresh},
		{Name: subscriptions, Kind: Gauge, Help: "Subscriptions by the state of their lane.", Labels: []Label{sinks, lanes}},
		{Name: lagEvents, Kind: Gauge, Help: "Events that wait for the lane with most of them."},
		{Name: lagTime, Kind: Gauge, Help: "How long the event that waits longest has been waiting to be sent."},
		{Name: late, Kind: Gauge, Help: "Lanes that are behind by five minutes or more."},
		{Name: dead, Kind: Gauge, Help: "Dead letters that are kept."},
		{Name: circuits, Kind: Gauge, Help: "Destinations that are left alone for a while, since they refuse or fail.", Labels: []Label{sinks}},

		{Name: commands, Kind: Counter, Help: "Commands, by what became of them.", Labels: []Label{doors, group, replies}},
		{Name: commandTime, Kind: Histogram, Help: "How long commands took.", Labels: []Label{doors}, buckets: soon},
		{Name: ackTime, Kind: Histogram, Help: "From when a platform told of what a person did until it was acknowledged.", Labels: []Label{askers}, buckets: acks},
		{Name: slack, Kind: Counter, Help: "What went otherwise than it should between Slack and this process.", Labels: []Label{incidents}},

		{Name: held, Kind: Gauge, Help: "What this process works on now.", Labels: []Label{leases}},
		{Name: members, Kind: Gauge, Help: "Processes that share the work."},
		{Name: connected, Kind: Gauge, Help: "1 while the connection to NATS is up."},
		{Name: reconnects, Kind: Counter, Help: "Connections to NATS that were made anew."},
		{Name: streamBytes, Kind: Gauge, Help: "Size of a stream or bucket.", Labels: []Label{stream}},
		{Name: streamLimit, Kind: Gauge, Help: "Size at which a stream or bucket drops its oldest entries; 0 for none.", Labels: []Label{stream}},
		{Name: streamCount, Kind: Gauge, Help: "Entries of a stream or bucket.", Labels: []Label{stream}},
		{Name: viewers, Kind: Gauge, Help: "Browsers that watch the console now."},
	}
}

// Names, by what is measured.
const (
	prefix = "imaginebridge_"

	ready         = prefix + "ready"
	component     = prefix + "component_state"
	build         = prefix + "build_info"
	stored        = prefix + "events_total"
	polls         = prefix + "polls_total"
	pollTime      = prefix + "poll_duration_seconds"
	pollAge       = prefix + "poll_age_seconds"
	budget        = prefix + "api_budget_calls"
	budgetLow     = prefix + "api_budget_lowest_ratio"
	requests      = prefix + "requests_total"
	requestTime   = prefix + "request_duration_seconds"
	deliveries    = prefix + "deliveries_total"
	freshness     = prefix + "delivery_freshness_seconds"
	subscriptions = prefix + "subscriptions"
	lagEvents     = prefix + "lane_lag_events"
	lagTime       = prefix + "lane_lag_seconds"
	late          = prefix + "lanes_late"
	dead          = prefix + "dead_letters"
	circuits      = prefix + "circuits_open"
	commands      = prefix + "commands_total"
	commandTime   = prefix + "command_duration_seconds"
	ackTime       = prefix + "ack_duration_seconds"
	slack         = prefix + "slack_incidents_total"
	held          = prefix + "leases"
	members       = prefix + "members"
	connected     = prefix + "nats_connected"
	reconnects    = prefix + "nats_reconnects_total"
	streamBytes   = prefix + "nats_stream_bytes"
	streamLimit   = prefix + "nats_stream_limit_bytes"
	streamCount   = prefix + "nats_stream_entries"
	viewers       = prefix + "console_streams"
)

func uniq(list []string) []string { return slices.Compact(slices.Sorted(slices.Values(list))) }
