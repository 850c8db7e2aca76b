package slack

import (
	"cmp"
	"context"
	"strconv"
	"strings"
	"sync"
	"time"

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
	from   time.Time     // of the span
	turn   chan struct{} // one reader at a time; guards the rest
	cursor string
	begun  time.Time // when the reading under way began
	read   time.Time // when the reading began that came to the end; zero: not yet
	blind  bool      // the app may not read here
	posted bridge.Posted
	asked  map[string]bool // messages from before the span that were asked for
}

// Sent implements bridge.Witness by the metadata of our messages.
func (s *Sink) Sent(ctx context.Context, d bridge.Delivery, f bridge.Former) (bridge.Sighting, error) {
	if PlaceProblem(d.To.Place) != "" {
		return bridge.Sighting{}, nil // Send says what is wrong
	}
	ctx, cancel := context.WithTimeout(ctx, maxSend)
	defer cancel()
	if bad := s.web.meet(ctx); bad != nil {
		return bridge.Sighting{}, s.stillInDoubt(bad, d)
	}
	places := []place{{channel: d.To.Place}}
	if thread := threadOf(d); thread != "" {
		places = append(places, place{d.To.Place, thread})
	}
	var out bridge.Sighting
	for _, where := range places {
		seen, bad := s.formerIn(ctx, where, d, f)
		if bad != nil {
			return bridge.Sighting{}, s.stillInDoubt(bad, d)
		}
		out.Told, out.Blind = out.Told || seen.Told, out.Blind || seen.Blind
		if at := seen.Receipt; !at.IsZero() {
			out.Receipt = receipt(where.channel, at.Message, at.Thread, d)
			out.Receipt.Version = at.Version
			break
		}
	}
	out.Blind = out.Blind && !out.Told && out.Receipt.IsZero()
	return out, nil
}

// formerIn is what stands at a place of what we posted within the span.
func (s *Sink) formerIn(ctx context.Context, where place, d bridge.Delivery, f bridge.Former) (bridge.Sighting, *fault) {
	c := s.formers.place(where, f)
	select {
	case c.turn <- struct{}{}:
		defer func() { <-c.turn }()
	case <-ctx.Done():
		return bridge.Sighting{}, &fault{method: methodHistory, reason: "stopped", ended: true}
	}
	if c.blind {
		return bridge.Sighting{Blind: true}, nil
	}
	bad := s.readFormer(ctx, where, c, f)
	if bad == nil {
		bad = s.readReplaced(ctx, where, c, d)
	}
	switch {
	case bad != nil && bad.threadGone():
		return bridge.Sighting{}, nil
	case bad != nil && bad.cannotLook():
		c.blind = true
		s.log.Warn("the channel can't be read for what was sent before the store was restored", "destination", d.To.String(), "err", bad)
		return bridge.Sighting{Blind: true}, nil
	case bad != nil:
		return bridge.Sighting{}, bad
	}
	return c.posted.Find(cmp.Or(updateMark(d), d.Key), d), nil
}

// readFormer reads a place from its end back to the span's begin. A reading that was
// broken off goes on where it was.
func (s *Sink) readFormer(ctx context.Context, where place, c *former, f bridge.Former) *fault {
	self := s.web.selfKnown().BotID
	for c.read.IsZero() {
		if c.cursor == "" {
			c.begun = time.Now()
		}
		messages, next, bad := s.history(ctx, where, f.From.Add(s.web.ahead()-clockSlack), c.cursor)
		if bad != nil {
			if bad.code == "invalid_cursor" {
				c.cursor = ""
			}
			return bad
		}
		for _, m := range messages {
			c.note(m, self)
		}
		if c.cursor = next; next == "" {
			c.read = c.begun
		}
	}
	return nil
}

// readReplaced reads the message that the delivery replaces, which may be older than
// the span and edited since.
func (s *Sink) readReplaced(ctx context.Context, where place, c *former, d bridge.Delivery) *fault {
	old := d.Replaces
	if old.Message == "" || old.Channel != where.channel || old.Root != where.thread || c.asked[old.Message] {
		return nil
	}
	m, bad := s.oneMessage(ctx, where, old.Message)
	if bad != nil {
		return bad
	}
	c.note(m, s.web.selfKnown().BotID)
	c.asked[old.Message] = true
	return nil
}

// note adds a message of ours to the index.
func (c *former) note(m slackgo.Message, self string) {
	if m.Metadata.EventType != eventType || self != "" && m.BotID != self {
		return
	}
	word := func(field string) string {
		text, _ := m.Metadata.EventPayload[field].(string)
		return text
	}
	post := bridge.Post{Mark: cmp.Or(word("u"), word("d")), At: bridge.Receipt{Message: m.Timestamp, Thread: m.ThreadTimestamp, At: timeOf(m.Timestamp), Version: -1}}
	if post.Mark == "" {
		return
	}
	if v, ok := m.Metadata.EventPayload["s"].(float64); ok {
		post.At.Version = int(v)
	}
	post.Told, _ = bridge.ParseTold(word("e")) // what is no list names nothing
	c.posted.Add(post)
}

// timeOf is when a message was posted, the zero time where its name is no time.
func timeOf(ts string) time.Time {
	seconds, micros, _ := strings.Cut(ts, ".")
	sec, err := strconv.ParseInt(seconds, 10, 64)
	if err != nil {
		return time.Time{}
	}
	micro, _ := strconv.ParseInt(micros, 10, 64)
	return time.Unix(sec, micro*int64(time.Microsecond)).UTC()
}

// place is what is known of a place. Of another span, or one that ends later than
// what was read, nothing is.
func (f *formers) place(where place, span bridge.Former) *former {
	f.mu.Lock()
	defer f.mu.Unlock()
	c := f.of[where]
	if c == nil || !c.covers(span) {
		if f.of == nil || len(f.of) >= maxFormer {
			f.of = map[place]*former{}
		}
		c = &former{from: span.From, turn: make(chan struct{}, 1), asked: map[string]bool{}}
		f.of[where] = c
	}
	return c
}

// covers reports whether what was read, or will be, is of the span.
func (c *former) covers(span bridge.Former) bool {
	if !c.from.Equal(span.From) {
		return false
	}
	select {
	case c.turn <- struct{}{}:
		defer func() { <-c.turn }()
		return c.read.IsZero() || !c.read.Before(span.Until)
	default:
		return true // it is being read now
	}
}

// Sent implements bridge.Witness.
func (w within) Sent(ctx context.Context, d bridge.Delivery, f bridge.Former) (bridge.Sighting, error) {
	s, err := w.apps.out(ctx, w.team, d.To.Place)
	if err != nil {
		return bridge.Sighting{}, err
	}
	return s.Sent(ctx, d, f)
}

// Sent implements bridge.Witness for channels of which only the id is known.
func (a *Apps) Sent(ctx context.Context, d bridge.Delivery, f bridge.Former) (bridge.Sighting, error) {
	return within{a, ""}.Sent(ctx, d, f)
}
