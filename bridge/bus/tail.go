package bus

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats-server/v2/server/gsl"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/events"
)

// tail is the end of the stream, read once for all lanes of this process.
type tail struct {
	limit   int64 // of buffered, in bytes
	lanes   *gsl.GenericSublist[*Lane]
	seen    atomic.Pointer[place] // every event up to here, from Open on, was offered to its lanes
	waiting atomic.Int64          // bytes that wait in all lanes

	mu      sync.Mutex
	all     map[string]*Lane // by key
	counted bool             // seen.nth is right
}

func newTail(limit int64) *tail {
	t := &tail{limit: limit, lanes: gsl.NewSublist[*Lane](), all: map[string]*Lane{}}
	t.seen.Store(&place{})
	return t
}

func (t *tail) end() place { return *t.seen.Load() }

func (t *tail) advance(p place) {
	t.mu.Lock()
	defer t.mu.Unlock()
	p.nth = t.end().nth + 1
	t.seen.Store(&p)
}

// sure reports whether it is known how many events the stream took.
func (t *tail) sure() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.counted
}

// feed reads the tail until ctx ends.
func (b *Bus) feed(ctx context.Context) error {
	t := b.tail
	begin := t.end()
	return b.follow(ctx, reading{
		stream: streamEvents,
		from: jetstream.OrderedConsumerConfig{
			FilterSubjects: []string{allEvents}, DeliverPolicy: jetstream.DeliverByStartSequencePolicy, OptStartSeq: begin.seq + 1,
		},
		begin: begin,
		fn: func(m jetstream.Msg, md *jetstream.MsgMetadata) {
			e := bridge.Entry{Position: md.Sequence.Stream, Data: m.Data(), Stored: md.Timestamp}
			t.lanes.Match(m.Subject(), func(l *Lane) { l.offer(e) })
			t.advance(place{seq: md.Sequence.Stream, at: md.Timestamp})
		},
		torn: func() bool {
			t.mu.Lock()
			t.seen.Store(&place{})
			t.counted = false
			t.mu.Unlock()
			for _, l := range t.each() {
				l.fence() // to be claimed anew, where its record is brought back
			}
			return false
		},
	})
}

func (t *tail) add(l *Lane) error {
	for _, f := range l.filters {
		if err := t.lanes.Insert(f, l); err != nil {
			return err
		}
	}
	t.mu.Lock()
	former := t.all[l.key]
	t.all[l.key] = l
	t.mu.Unlock()
	if former != nil { // fenced by now
		t.remove(former)
	}
	return nil
}

func (t *tail) remove(l *Lane) {
	for _, f := range l.filters {
		_ = t.lanes.Remove(f, l) // never there twice, and gone is what we want
	}
	t.mu.Lock()
	if t.all[l.key] == l {
		delete(t.all, l.key)
	}
	t.mu.Unlock()
	l.close()
}

// each returns the lanes of this process.
func (t *tail) each() []*Lane {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Collect(maps.Values(t.all))
}

// doubt makes every lane read for itself once: the connection was gone, and
// retention may have overtaken the tail meanwhile.
func (t *tail) doubt() {
	for _, l := range t.each() {
		l.fallBehind()
		l.wish() // one may have come meanwhile
	}
}

// filtersOf returns the subjects of the agents' events that the patterns cover,
// none of them part of another: a consumer refuses overlapping filters.
func filtersOf(agents, patterns []string) ([]string, error) {
	if len(agents) == 0 || slices.Contains(agents, "*") {
		agents = []string{"*"}
	}
	if len(patterns) == 0 || slices.Contains(patterns, "*") {
		patterns = []string{"*"}
	}
	var out []string
	for _, a := range agents {
		if a != "*" {
			token, err := events.Token(a)
			if err != nil {
				return nil, err
			}
			a = token
		}
		for _, p := range patterns {
			if !covered(p, patterns) {
				out = append(out, events.SubjectPrefix+a+"."+tokens(p))
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out), nil
}

// covered reports whether another of the patterns takes in all of p.
func covered(p string, patterns []string) bool {
	return slices.ContainsFunc(patterns, func(q string) bool { return q != p && events.MatchPattern(q, p) })
}

func tokens(pattern string) string {
	if pattern == "*" {
		return ">"
	}
	return pattern
}

// Query says which events Tail reads.
type Query struct {
	Agents []string  // handles; none or "*" means all
	Events []string  // event patterns; none means all
	Since  time.Time // stored at or after; zero means from now on
}

// Stored tells where and when the stream took an event.
type Stored struct {
	Position uint64
	At       time.Time
	Subject  string
	Raw      []byte // the event as stored
	Err      error  // why Raw could not be decoded; the event is zero then
}

// Tail hands the events that the query asks for to fn, in the order of the
// stream, until ctx ends, and returns ctx's error. It moves no position.
func (b *Bus) Tail(ctx context.Context, q Query, fn func(events.Event, Stored)) error {
	filters, err := filtersOf(q.Agents, q.Events)
	if err != nil {
		return err
	}
	cfg := jetstream.OrderedConsumerConfig{FilterSubjects: filters}
	var begin place
	if q.Since.IsZero() {
		at, err := b.bounds(ctx, streamEvents) // a sequence, so that an early interruption loses nothing
		if err != nil {
			return err
		}
		begin = place{seq: at.last, at: at.lastAt}
		cfg.DeliverPolicy, cfg.OptStartSeq = jetstream.DeliverByStartSequencePolicy, at.last+1
	} else {
		cfg.DeliverPolicy, cfg.OptStartTime = jetstream.DeliverByStartTimePolicy, &q.Since
	}
	return b.follow(ctx, reading{
		stream: streamEvents, from: cfg, begin: begin,
		fn: func(m jetstream.Msg, md *jetstream.MsgMetadata) {
			var e events.Event
			err := json.Unmarshal(m.Data(), &e)
			fn(e, Stored{Position: md.Sequence.Stream, At: md.Timestamp, Subject: m.Subject(), Raw: m.Data(), Err: err})
		},
	})
}
