package bus

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
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
)

// LaneSpec says which events a subscription gets.
type LaneSpec struct {
	Subscription string
	Agents       []string // handles; none or "*" means all
	Events       []string // event patterns; none means all
	// Start says where the very first owner begins: "new" (also when empty),
	// "all", or a duration back from now such as "24h".
	Start string
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
	revision uint64 // of the record as last written
	fenced   bool

	queue    []bridge.Entry // after floor, complete up to upto
	floor    uint64         // what the worker last asked to come after
	upto     uint64         // up to here the queue holds all there is
	returned uint64         // the highest position handed out
	behind   bool           // the tail doesn't fill the queue now
	missed   uint64         // the highest position the tail did not get rid of
	ahead    uint64         // events known to wait beyond upto
	counted  bool           // ahead is right
	gap      uint64         // events that retention took, not told yet
	wake     chan struct{}
	closed   bool
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
	if err := l.claim(ctx, spec.Start); err != nil {
		return nil, fmt.Errorf("open lane %s: %w", spec.Subscription, err)
	}
	l.floor, l.upto, l.returned = l.record.Position, l.record.Position, l.record.Position
	if err := b.tail.add(l); err != nil {
		return nil, fmt.Errorf("open lane %s: %w", spec.Subscription, err)
	}
	context.AfterFunc(ctx, func() { b.tail.remove(l) })
	return l, nil
}

func (l *Lane) subject() string { return "ia.lane." + l.key }

func (l *Lane) claim(ctx context.Context, start string) error {
	for attempt := 0; ; attempt++ {
		m, err := l.bus.lookUp(ctx, streamDelivery, l.subject())
		if err != nil {
			return err
		}
		var r bridge.Record
		if m.seq == 0 {
			if r, err = l.bus.firstRecord(ctx, l.filters, start); err != nil {
				return err
			}
		} else if err := json.Unmarshal(m.data, &r); err != nil {
			return fmt.Errorf("its record is damaged: %w", err)
		}
		r.Epoch++
		l.record, l.revision = r, m.seq
		err = l.store(ctx, r, nil)
		if !errors.Is(err, bridge.ErrFenced) || attempt == 5 {
			return err
		}
		l.fenced = false // the former owner wrote meanwhile: read again
		if !wait(ctx, backoff(attempt)) {
			return ctx.Err()
		}
	}
}

// firstRecord is where a new subscription begins.
func (b *Bus) firstRecord(ctx context.Context, filters []string, start string) (bridge.Record, error) {
	r := bridge.Record{State: bridge.Live}
	at, err := b.bounds(ctx, streamEvents)
	if err != nil {
		return r, err
	}
	switch start {
	case "", "new":
		r.Position = at.last
		return r, nil
	case "all":
		r.Position = max(at.first, 1) - 1
		return r, nil
	}
	back, err := time.ParseDuration(start)
	if err != nil || back < 0 {
		return r, fmt.Errorf(`start %q is neither "new", "all" nor a duration`, start)
	}
	r.Position = at.last
	since := time.Now().Add(-back)
	_, err = b.read(ctx, jetstream.ConsumerConfig{
		FilterSubjects: filters, DeliverPolicy: jetstream.DeliverByStartTimePolicy, OptStartTime: &since, HeadersOnly: true,
	}, 1, func(_ jetstream.Msg, md *jetstream.MsgMetadata) { r.Position = md.Sequence.Stream - 1 })
	return r, err
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
	l.mu.Lock()
	fenced, revision := l.fenced, l.revision
	if r.Generation == l.record.Generation {
		r.Position = l.clear(r)
	}
	if l.revision > 0 && l.record.Epoch > 0 {
		r.Epoch = l.record.Epoch
	}
	l.mu.Unlock()
	if fenced {
		return fmt.Errorf("save lane %s: %w", l.subscription, bridge.ErrFenced)
	}
	r.Updated = time.Now().UTC()
	data, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("encode lane %s: %w", l.subscription, err)
	}
	seq, err := l.bus.swap(ctx, swap{
		stream: streamDelivery, with: with, subject: l.subject(), stored: l.subject(), data: data, revision: revision,
	})
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case err == nil:
		l.record, l.revision = r, seq
	case errors.Is(err, bridge.ErrFenced):
		l.fenced = true
	}
	return err
}

// clear returns the position the record may have: that of the record, or the end
// of the stream where everything up to there was done or is not for this lane.
func (l *Lane) clear(r bridge.Record) uint64 {
	idle := !l.behind && r.Intent == nil && r.Position >= l.returned &&
		(len(l.queue) == 0 || l.queue[len(l.queue)-1].Position <= r.Position)
	if !idle {
		return r.Position
	}
	return max(r.Position, l.bus.tail.seen.Load())
}
