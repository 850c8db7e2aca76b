package bus

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/events"
)

const (
	laneBuffer = 64 // events that wait in memory for one lane
	// maxDeadEvent bounds the event inside a dead letter in bytes; in Base64 it
	// still fits a NATS message.
	maxDeadEvent = 512 << 10
	// stoodHeader of a lane's record is when the stream took the event at the
	// record's position. It tells whether the event there is still the same.
	stoodHeader = "ia-stood"
)

// place is a position in a stream, and when the stream took what is there; the
// time is zero where it is not known.
type place struct {
	seq uint64
	at  time.Time
	nth uint64 // events that the stream had ever taken then; known of the tail's end alone
}

// LaneSpec says which events a subscription gets.
type LaneSpec struct {
	Subscription string
	Agents       []string // handles; none or "*" means all
	Events       []string // event patterns; none means all
	// Start says where the very first owner begins: "new" (also when empty),
	// "all", or a duration back from now such as "24h".
	Start string
	// After, when set, is the instant that Start counts from, in the place of the
	// moment at which the lane is first opened.
	After time.Time
}

// Lane is a subscription's place in the stream. It implements bridge.Lane; one
// worker uses it.
type Lane struct {
	bus          *Bus
	subscription string
	key          string // last token of its subjects
	filters      []string

	writing sync.Mutex // one write of the record at a time

	mu       sync.Mutex
	record   bridge.Record
	newer    bridge.Newer // of the record
	revision uint64       // of the record as last written
	stood    place        // of the record's position
	fenced   bool

	queue    []bridge.Entry // after floor, complete up to upto
	floor    uint64         // what the worker last asked to come after
	upto     uint64         // up to here the queue holds all there is
	returned place          // the highest one handed out
	behind   bool           // the tail doesn't fill the queue now
	missed   uint64         // the highest position the tail did not get rid of
	ahead    uint64         // events known to wait beyond upto
	counted  bool           // ahead is right
	sure     uint64         // what waits up to here is in ahead
	gap      loss           // events that retention took, not told yet
	told     tally          // as last written
	wake     chan struct{}
	closed   bool
	onWish   func() // nil for nobody

	wished atomic.Bool // a dead letter may have to be sent again
}

var _ bridge.Lane = (*Lane)(nil)

// Lane takes over a subscription's lane, or makes it: the record is written with
// a new epoch before it returns, so that a former owner can move nothing. The
// lane is fed until ctx ends, while Run runs.
func (b *Bus) Lane(ctx context.Context, spec LaneSpec) (*Lane, error) {
	key, err := events.Token(spec.Subscription)
	if err != nil {
		return nil, fmt.Errorf("open lane %q: %w", spec.Subscription, err)
	}
	filters, err := filtersOf(spec.Agents, spec.Events)
	if err != nil {
		return nil, fmt.Errorf("open lane %s: %w", spec.Subscription, err)
	}
	l := &Lane{
		bus: b, subscription: spec.Subscription, key: key, filters: filters,
		behind: true, wake: make(chan struct{}, 1),
	}
	l.wished.Store(true)
	if err := l.claim(ctx, spec); err != nil {
		return nil, fmt.Errorf("open lane %s: %w", spec.Subscription, err)
	}
	l.floor, l.upto, l.returned = l.record.Position, l.record.Position, l.stood
	if err := b.tail.add(l); err != nil {
		return nil, fmt.Errorf("open lane %s: %w", spec.Subscription, err)
	}
	context.AfterFunc(ctx, func() { b.tail.remove(l) })
	return l, nil
}

func (l *Lane) subject() string { return "ia.lane." + l.key }

func (l *Lane) claim(ctx context.Context, spec LaneSpec) error {
	for attempt := 0; ; attempt++ {
		m, err := l.bus.lookUp(ctx, streamDelivery, l.subject())
		if err != nil {
			return err
		}
		r, p, err := l.found(ctx, m, spec)
		if err != nil {
			return err
		}
		if err := l.count(ctx, m, p.seq); err != nil {
			return err
		}
		r.Epoch++
		l.record, l.revision, l.stood = r, m.seq, p
		if err = l.store(ctx, r, nil); err == nil {
			return l.bus.noteBegun(ctx, l.key, spec.After)
		}
		if !errors.Is(err, bridge.ErrFenced) || attempt == 5 {
			return err
		}
		l.fenced = false // the former owner wrote meanwhile: read again
		if !wait(ctx, backoff(attempt)) {
			return ctx.Err()
		}
	}
}

// found is the record that the message holds, or a new one.
func (l *Lane) found(ctx context.Context, m stored, spec LaneSpec) (bridge.Record, place, error) {
	if m.seq == 0 {
		lost, err := l.bus.begun(ctx, l.key, spec.After)
		if err != nil {
			return bridge.Record{}, place{}, err
		}
		if lost {
			l.bus.log.Warn("the place of a lane was lost, it begins at what is new; replay what it missed", "subscription", l.subscription)
			spec.Start, spec.After = "new", time.Time{}
		}
		p, err := l.bus.first(ctx, l.filters, spec)
		l.bus.log.Info("a lane begins", "subscription", l.subscription, "position", p.seq)
		if err != nil {
			return bridge.Record{}, p, err
		}
		former, err := l.bus.former(ctx, time.Time{})
		return bridge.Record{State: bridge.Live, Position: p.seq, Former: former}, p, err
	}
	var r bridge.Record
	err := json.Unmarshal(m.data, &r)
	if err == nil {
		l.newer, err = bridge.NewerThan[bridge.Record](m.data)
	}
	if err != nil {
		return r, place{}, fmt.Errorf("its record is damaged: %w", err)
	}
	former, err := l.bus.former(ctx, m.time)
	if err != nil {
		return r, place{}, err
	}
	r.Former = cmp.Or(former, r.Former)
	p := place{seq: r.Position}
	if text := m.header.Get(stoodHeader); text != "" {
		at, err := time.Parse(time.RFC3339Nano, text)
		if err != nil {
			return r, p, fmt.Errorf("its record is damaged: %w", err)
		}
		p.at = at
	}
	return l.within(ctx, r, p, m.time)
}

// within brings a lane back that stands beyond what the stream holds: a torn disk
// took events that were delivered already, and they come again under positions of
// their own. known is when the lane's record was stored.
func (l *Lane) within(ctx context.Context, r bridge.Record, p place, known time.Time) (bridge.Record, place, error) {
	torn, end, err := l.bus.torn(ctx, streamEvents, p)
	if err != nil || !torn {
		return r, p, err
	}
	since := p.at
	if since.IsZero() {
		since = known
	}
	back, err := l.bus.before(ctx, l.filters, since, end)
	if err != nil {
		return r, p, err
	}
	l.bus.log.Warn("the stream lost its end, the lane goes back", "subscription", l.subscription, "position", r.Position, "to", back)
	r.GoBack(back)
	return r, place{seq: r.Position}, nil
}

// first is where a new subscription begins.
func (b *Bus) first(ctx context.Context, filters []string, spec LaneSpec) (place, error) {
	at, err := b.bounds(ctx, streamEvents)
	if err != nil {
		return place{}, err
	}
	switch start := spec.Start; {
	case (start == "" || start == "new") && spec.After.IsZero():
		return place{seq: at.last, at: at.lastAt}, nil
	case start == "" || start == "new":
		seq, err := b.before(ctx, filters, spec.After, at.last)
		return place{seq: seq}, err
	case start == "all":
		return place{seq: max(at.first, 1) - 1}, nil
	}
	back, err := time.ParseDuration(spec.Start)
	if err != nil || back < 0 {
		return place{}, fmt.Errorf(`start %q is neither "new", "all" nor a duration`, spec.Start)
	}
	from := spec.After
	if from.IsZero() {
		from = time.Now()
	}
	seq, err := b.before(ctx, filters, from.Add(-back), at.last)
	return place{seq: seq}, err
}

// before is the sequence before the first event after an instant, or otherwise
// where there is none.
func (b *Bus) before(ctx context.Context, filters []string, since time.Time, otherwise uint64) (uint64, error) {
	since = since.Add(time.Nanosecond)
	seq := otherwise
	_, err := b.read(ctx, streamEvents, jetstream.ConsumerConfig{
		FilterSubjects: filters, DeliverPolicy: jetstream.DeliverByStartTimePolicy, OptStartTime: &since, HeadersOnly: true,
	}, 1, func(_ jetstream.Msg, md *jetstream.MsgMetadata) { seq = md.Sequence.Stream - 1 })
	return seq, err
}

// Record returns the record as this owner last wrote it.
func (l *Lane) Record() bridge.Record {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.record
}

// Save stores the record under this owner's epoch. While nothing waits for the
// lane the stored position may be later than the given one, up to the end of the
// stream, so that retention overtakes no quiet lane. Errors: bridge.ErrFenced,
// *StateError.
func (l *Lane) Save(ctx context.Context, r bridge.Record) error { return l.store(ctx, r, nil) }

// Bury stores a dead letter and the moved record in one atomic batch. An event of
// more than 512 KiB is cut. Errors as with Save.
func (l *Lane) Bury(ctx context.Context, r bridge.Record, d bridge.DeadLetter) error {
	if len(d.Event) > maxDeadEvent {
		d.Event = d.Event[:maxDeadEvent]
		d.Reason += fmt.Sprintf(" (the event was cut to %d bytes)", maxDeadEvent)
	}
	data, err := json.Marshal(d)
	if err != nil {
		return fmt.Errorf("encode dead letter of %s: %w", l.subscription, err)
	}
	return l.store(ctx, r, []*nats.Msg{{
		Subject: "ia.dead." + l.key, Data: data, Header: nats.Header{"Content-Type": {"application/json"}},
	}})
}

func (l *Lane) store(ctx context.Context, r bridge.Record, with []*nats.Msg) error {
	l.writing.Lock()
	defer l.writing.Unlock()
	return l.write(ctx, r, with)
}

// write is store for whoever holds writing.
func (l *Lane) write(ctx context.Context, r bridge.Record, with []*nats.Msg) error {
	l.mu.Lock()
	fenced, revision := l.fenced, l.revision
	p := l.placeOf(r)
	r.Position = p.seq
	known, counted := l.tallyLocked(p.seq)
	if l.revision > 0 && l.record.Epoch > 0 {
		r.Epoch = l.record.Epoch
	}
	l.mu.Unlock()
	if fenced {
		return fmt.Errorf("save lane %s: %w", l.subscription, bridge.ErrFenced)
	}
	r.Updated = time.Now().UTC()
	data, err := l.newer.Onto(r)
	if err != nil {
		return fmt.Errorf("encode lane %s: %w", l.subscription, err)
	}
	write := swap{
		stream: streamDelivery, with: with, subject: l.subject(), stored: l.subject(), data: data, revision: revision, header: nats.Header{},
	}
	if !p.at.IsZero() {
		write.header.Set(stoodHeader, p.at.UTC().Format(time.RFC3339Nano))
	}
	if counted {
		write.header.Set(tallyHeader, known.String())
	}
	seq, err := l.bus.swap(ctx, write)
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case err == nil:
		l.record, l.revision, l.stood, l.told = r, seq, p, known
	case errors.Is(err, bridge.ErrFenced):
		l.fenced = true
	}
	return err
}

// placeOf is the place the record may have: its own, or the end of the stream
// where everything up to there was done or is not for this lane.
func (l *Lane) placeOf(r bridge.Record) place {
	p := place{seq: r.Position}
	switch r.Position {
	case l.stood.seq:
		p = l.stood
	case l.returned.seq:
		p = l.returned
	}
	idle := !l.behind && r.Intent == nil && r.Generation == l.record.Generation && r.Position >= l.returned.seq &&
		(len(l.queue) == 0 || l.queue[len(l.queue)-1].Position <= r.Position)
	if end := l.bus.tail.end(); idle && end.seq > p.seq {
		return end
	}
	return p
}
