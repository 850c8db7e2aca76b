package slack

import (
	"context"
	"sync"

	slackgo "github.com/slack-go/slack"

	"github.com/imaginebridge/imaginebridge/bridge"
)

// maxFormer bounds the channels and threads whose messages of a former run are kept
// in memory.
const maxFormer = 256

var _ bridge.Witness = (*Sink)(nil)

// formers are what a former run posted, by place. Each place is read once: what was
// sent by then does not grow any more.
type formers struct {
	mu sync.Mutex // guards of
	of map[place]*former
}

type former struct {
	span   bridge.Former
	turn   chan struct{} // one reader at a time; guards the rest
	cursor string
	whole  bool
	found  map[string]slackgo.Message // by delivery key and by update key
}

// Sent implements bridge.Witness by the metadata of our messages. Where the app may
// not read the channel nobody can tell, and the message is sent.
func (s *Sink) Sent(ctx context.Context, d bridge.Delivery, f bridge.Former) (bridge.Receipt, error) {
	if PlaceProblem(d.To.Place) != "" {
		return bridge.Receipt{}, nil // Send says what is wrong
	}
	ctx, cancel := context.WithTimeout(ctx, maxSend)
	defer cancel()
	if bad := s.web.meet(ctx); bad != nil {
		return bridge.Receipt{}, s.stillInDoubt(bad, d)
	}
	places := []place{{channel: d.To.Place}}
	if thread := threadOf(d); thread != "" {
		places = append(places, place{d.To.Place, thread})
	}
	for _, where := range places {
		found, bad := s.formerIn(ctx, where, f)
		switch {
		case bad != nil && (bad.cannotLook() || bad.threadGone()):
			s.log.Warn("the channel can't be read for what was sent before the store was restored", "destination", d.To.String(), "err", bad)
			continue
		case bad != nil:
			return bridge.Receipt{}, s.stillInDoubt(bad, d)
		}
		m, ok := found[d.Key]
		if update := updateMark(d); !ok && update != "" {
			m, ok = found[update]
		}
		if ok {
			return receipt(where.channel, m.Timestamp, m.ThreadTimestamp, d), nil
		}
	}
	return bridge.Receipt{}, nil
}

// formerIn are our messages at a place within the span.
func (s *Sink) formerIn(ctx context.Context, where place, f bridge.Former) (map[string]slackgo.Message, *fault) {
	c := s.formers.place(where, f)
	select {
	case c.turn <- struct{}{}:
		defer func() { <-c.turn }()
	case <-ctx.Done():
		return nil, &fault{method: methodHistory, reason: "stopped", ended: true}
	}
	self := s.web.selfKnown().BotID
	for !c.whole { // a reading that was broken off goes on where it was
		messages, next, bad := s.history(ctx, where, f.From.Add(s.web.ahead()-clockSlack), c.cursor)
		if bad != nil {
			if bad.code == "invalid_cursor" {
				c.cursor = ""
			}
			return nil, bad
		}
		for _, m := range messages {
			if m.Metadata.EventType != eventType || self != "" && m.BotID != self {
				continue
			}
			for _, field := range []string{"d", "u"} {
				if key, ok := m.Metadata.EventPayload[field].(string); ok && key != "" {
					c.found[key] = m
				}
			}
		}
		c.cursor, c.whole = next, next == ""
	}
	return c.found, nil
}

// place is what is known of a place. Of another span, nothing is.
func (f *formers) place(where place, span bridge.Former) *former {
	f.mu.Lock()
	defer f.mu.Unlock()
	c := f.of[where]
	if c == nil || c.span != span {
		if f.of == nil || len(f.of) >= maxFormer {
			f.of = map[place]*former{}
		}
		c = &former{span: span, turn: make(chan struct{}, 1), found: map[string]slackgo.Message{}}
		f.of[where] = c
	}
	return c
}

// Sent implements bridge.Witness.
func (w within) Sent(ctx context.Context, d bridge.Delivery, f bridge.Former) (bridge.Receipt, error) {
	s, err := w.apps.out(ctx, w.team, d.To.Place)
	if err != nil {
		return bridge.Receipt{}, err
	}
	return s.Sent(ctx, d, f)
}

// Sent implements bridge.Witness for channels of which only the id is known.
func (a *Apps) Sent(ctx context.Context, d bridge.Delivery, f bridge.Former) (bridge.Receipt, error) {
	return within{a, ""}.Sent(ctx, d, f)
}
