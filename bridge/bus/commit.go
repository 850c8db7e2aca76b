package bus

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/imaginebridge/imaginebridge/events"
)

// MaxEvents is how many events one Commit takes: a batch holds 1,000 messages
// (nats-server, max_batch_size), one of them the cursor.
const MaxEvents = 999

// dedupeWindow is how far back an id is looked for that the stream refuses: its
// own window of two minutes, and a little.
const dedupeWindow = 2*time.Minute + 10*time.Second

// Load reads the cursor of one of an agent's sources and the revision that the
// next Commit has to name. Without a cursor it returns nil and 0.
func (b *Bus) Load(ctx context.Context, agent, source string) (cursor []byte, revision uint64, err error) {
	key, err := cursorKey(agent, source)
	if err != nil {
		return nil, 0, err
	}
	m, err := b.lookUp(ctx, streamEvents, "ia.cursor."+key)
	if err != nil {
		return nil, 0, err
	}
	b.cursors.read(key, m)
	return m.data, m.seq, nil
}

// Commit stores new events, at most MaxEvents, and the moved cursor in one
// atomic batch: all or nothing. It returns the cursor's new revision. The error
// wraps bridge.ErrFenced when the cursor is not at the given revision any more:
// Load again, another process may own the agent; nothing was stored. Events that
// the stream has already are left out: those above the cursor, which a torn disk
// may leave there, at the first Commit after a Load; later those of the last two
// minutes. A *StateError tells what refuses, a full store for example.
func (b *Bus) Commit(ctx context.Context, agent, source string, evs []events.Event, cursor []byte, revision uint64) (uint64, error) {
	if len(evs) > MaxEvents {
		return 0, fmt.Errorf("commit %d events of %s: %d are the most at once", len(evs), agent, MaxEvents)
	}
	key, err := cursorKey(agent, source)
	if err != nil {
		return 0, err
	}
	s := swap{
		stream: streamEvents, subject: "ia.put.cursor." + key, stored: "ia.cursor." + key,
		data: cursor, revision: b.cursors.current(key, revision),
	}
	if s.with, err = messages(evs); err != nil {
		return 0, err
	}
	if len(s.with) > 0 && !b.cursors.followed(key) {
		above := jetstream.ConsumerConfig{
			FilterSubject: allOf(key), DeliverPolicy: jetstream.DeliverByStartSequencePolicy, OptStartSeq: revision + 1,
		}
		if s.with, err = b.unknown(ctx, s.with, above); err != nil {
			return 0, err
		}
	}
	before, err := b.countOf(ctx, key, revision)
	if err != nil {
		return 0, err
	}
	s.header = countHeaders(before + uint64(len(s.with)))
	seq, err := b.swap(ctx, s)
	if errors.Is(err, errDuplicate) {
		recent := jetstream.ConsumerConfig{
			FilterSubject: allEvents, DeliverPolicy: jetstream.DeliverByStartTimePolicy, OptStartTime: new(time.Now().Add(-dedupeWindow)),
		}
		if s.with, err = b.unknown(ctx, s.with, recent); err != nil {
			return 0, err
		}
		s.header = countHeaders(before + uint64(len(s.with)))
		seq, err = b.swap(ctx, s)
	}
	if err == nil {
		b.cursors.wrote(key, seq, before+uint64(len(s.with)))
	}
	return seq, err
}

// allOf is the subject of all events of a cursor's agent.
func allOf(key string) string {
	agent, _, _ := strings.Cut(key, ".")
	return events.SubjectPrefix + agent + ".>"
}

func cursorKey(agent, source string) (string, error) {
	a, err := events.Token(agent)
	if err != nil {
		return "", fmt.Errorf("cursor of agent %q: %w", agent, err)
	}
	s, err := events.Token(source)
	if err != nil {
		return "", fmt.Errorf("cursor of source %q: %w", source, err)
	}
	return a + "." + s, nil
}

func messages(evs []events.Event) ([]*nats.Msg, error) {
	out := make([]*nats.Msg, 0, len(evs))
	for _, e := range evs {
		if err := e.Validate(); err != nil {
			return nil, fmt.Errorf("event %s: %w", e.ID, err)
		}
		subject, err := e.Subject()
		if err != nil {
			return nil, err
		}
		data, err := json.Marshal(e)
		if err != nil {
			return nil, fmt.Errorf("encode event %s: %w", e.ID, err)
		}
		if len(data) > events.MaxSize {
			return nil, fmt.Errorf("event %s has %d bytes; %d are the most", e.ID, len(data), events.MaxSize)
		}
		out = append(out, &nats.Msg{Subject: "ia.put." + subject[len("ia."):], Data: data, Header: nats.Header{
			"Content-Type": {events.ContentType}, jetstream.MsgIDHeader: {e.ID},
		}})
	}
	return out, nil
}

// unknown leaves out the messages whose ids the stream holds among those that
// the configuration asks for, or that come twice.
func (b *Bus) unknown(ctx context.Context, msgs []*nats.Msg, among jetstream.ConsumerConfig) ([]*nats.Msg, error) {
	among.HeadersOnly = true
	known := map[string]bool{}
	err := b.replay(ctx, streamEvents, among, func(m jetstream.Msg, _ *jetstream.MsgMetadata) {
		known[m.Headers().Get(jetstream.MsgIDHeader)] = true
	})
	if err != nil {
		return nil, err
	}
	var out []*nats.Msg
	for _, m := range msgs {
		if id := m.Header.Get(jetstream.MsgIDHeader); !known[id] {
			known[id] = true
			out = append(out, m)
		}
	}
	if left := len(msgs) - len(out); left > 0 {
		b.log.Warn("events are stored already and were left out", "count", left)
	}
	return out, nil
}
