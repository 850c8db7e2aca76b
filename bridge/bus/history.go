package bus

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/bridge/command"
	"github.com/imaginebridge/imaginebridge/events"
)

// History looks at what is stored, for people who ask what became of it.
func (b *Bus) History() *History { return &History{bus: b} }

// History implements command.History.
type History struct{ bus *Bus }

var _ command.History = (*History)(nil)

// Events hands over the events of the agents that were stored since an instant,
// oldest first, until fn returns false. Errors: *StateError.
func (h *History) Events(ctx context.Context, agents []string, since time.Time, fn func(e events.Event, at bridge.Entry) bool) error {
	filters, err := filtersOf(agents, nil)
	if err != nil {
		return err
	}
	cfg := jetstream.ConsumerConfig{FilterSubjects: filters, DeliverPolicy: jetstream.DeliverByStartTimePolicy, OptStartTime: &since}
	return h.pages(ctx, streamEvents, cfg, func(m jetstream.Msg, md *jetstream.MsgMetadata) bool {
		var e events.Event
		if json.Unmarshal(m.Data(), &e) != nil {
			return true // the lanes bury it
		}
		return fn(e, bridge.Entry{Position: md.Sequence.Stream, Data: m.Data(), Stored: md.Timestamp})
	})
}

// page is how many messages are read at once.
const page = 1000

// pages reads a stream until fn has enough or all is read.
func (h *History) pages(ctx context.Context, stream string, cfg jetstream.ConsumerConfig, fn func(jetstream.Msg, *jetstream.MsgMetadata) bool) error {
	for {
		more := true
		var last uint64
		left, err := h.bus.read(ctx, stream, cfg, page, func(m jetstream.Msg, md *jetstream.MsgMetadata) {
			last = md.Sequence.Stream
			more = more && fn(m, md)
		})
		if err != nil || !more || left == 0 {
			return err
		}
		if last > 0 {
			cfg.DeliverPolicy, cfg.OptStartSeq, cfg.OptStartTime = jetstream.DeliverByStartSequencePolicy, last+1, nil
		}
	}
}

// Find looks an event up by its id among those of the agents; ok is false where
// none of that id is kept. It reads ids only. Errors: *StateError.
func (h *History) Find(ctx context.Context, agents []string, id string) (e events.Event, at bridge.Entry, ok bool, err error) {
	filters, err := filtersOf(agents, nil)
	if err != nil {
		return e, at, false, err
	}
	cfg := jetstream.ConsumerConfig{FilterSubjects: filters, DeliverPolicy: jetstream.DeliverAllPolicy, HeadersOnly: true}
	err = h.pages(ctx, streamEvents, cfg, func(m jetstream.Msg, md *jetstream.MsgMetadata) bool {
		if m.Headers().Get(nats.MsgIdHdr) == id {
			at, ok = bridge.Entry{Position: md.Sequence.Stream, Stored: md.Timestamp}, true
		}
		return !ok
	})
	if err != nil || !ok {
		return e, at, false, err
	}
	m, err := h.bus.at(ctx, streamEvents, at.Position)
	if err != nil || m.seq == 0 {
		return e, at, false, err
	}
	at.Data = m.data
	if err := json.Unmarshal(m.data, &e); err != nil {
		return e, at, false, fmt.Errorf("event %s can't be read: %w", id, err)
	}
	return e, at, true, nil
}

// Outcomes lists what became of deliveries of a subscription since an instant,
// oldest first. Errors: *StateError.
func (h *History) Outcomes(ctx context.Context, subscription string, since time.Time) ([]bridge.Outcome, error) {
	key, err := events.Token(subscription)
	if err != nil {
		return nil, fmt.Errorf("outcomes of %q: %w", subscription, err)
	}
	var out []bridge.Outcome
	err = h.pages(ctx, streamAudit, jetstream.ConsumerConfig{
		FilterSubject: outcomePrefix + key + ".>", DeliverPolicy: jetstream.DeliverByStartTimePolicy, OptStartTime: &since,
	}, func(m jetstream.Msg, _ *jetstream.MsgMetadata) bool {
		if o, ok := readOutcome(m); ok {
			out = append(out, o)
		}
		return len(out) < maxOutcomes
	})
	return out, err
}

// readOutcome reads what Report wrote; ok is false for anything else.
func readOutcome(m jetstream.Msg) (bridge.Outcome, bool) {
	var o outcome
	if !strings.HasPrefix(m.Subject(), outcomePrefix) || json.Unmarshal(m.Data(), &o) != nil {
		return bridge.Outcome{}, false
	}
	return bridge.Outcome{
		Kind: o.Outcome, Subscription: o.Subscription, To: o.To, EventID: o.EventID, Event: o.Event, Position: o.Position,
		Attempt: o.Attempt, Verdict: o.Verdict, Reason: o.Reason, Count: o.Count, From: o.From, Until: o.Until, At: o.At,
	}, true
}

// maxOutcomes bounds what is read to answer one question.
const maxOutcomes = 20_000

// DeadLetters lists those of a subscription that are kept, oldest first. Errors:
// *StateError.
func (h *History) DeadLetters(ctx context.Context, subscription string) ([]bridge.DeadLetter, error) {
	key, err := events.Token(subscription)
	if err != nil {
		return nil, fmt.Errorf("dead letters of %q: %w", subscription, err)
	}
	var out []bridge.DeadLetter
	err = h.pages(ctx, streamDelivery, jetstream.ConsumerConfig{
		FilterSubject: "ia.dead." + key, DeliverPolicy: jetstream.DeliverAllPolicy,
	}, func(m jetstream.Msg, _ *jetstream.MsgMetadata) bool {
		var d bridge.DeadLetter
		if json.Unmarshal(m.Data(), &d) == nil {
			d.Event = nil
			out = append(out, d)
		}
		return len(out) < maxOutcomes
	})
	return out, err
}

// Standing is where a subscription's lane stands, and how many events of its
// patterns were stored since; ok is false while it has none. Errors: *StateError.
func (h *History) Standing(ctx context.Context, r bridge.SubscriptionRecord) (s command.Standing, ok bool, err error) {
	key, err := events.Token(r.ID)
	if err != nil {
		return s, false, fmt.Errorf("lane of %q: %w", r.ID, err)
	}
	m, err := h.bus.lookUp(ctx, streamDelivery, "ia.lane."+key)
	if err != nil || m.seq == 0 {
		return s, false, err
	}
	if err := json.Unmarshal(m.data, &s.Record); err != nil {
		return s, false, fmt.Errorf("lane %s is damaged: %w", r.ID, err)
	}
	filters, err := filtersOf(r.Agents, r.Events)
	if err != nil {
		return s, false, err
	}
	read := 0
	left, err := h.bus.read(ctx, streamEvents, jetstream.ConsumerConfig{
		FilterSubjects: filters, DeliverPolicy: jetstream.DeliverByStartSequencePolicy, OptStartSeq: s.Record.Position + 1, HeadersOnly: true,
	}, 1, func(jetstream.Msg, *jetstream.MsgMetadata) { read++ })
	s.Waiting = int(left) + read
	return s, true, err
}
