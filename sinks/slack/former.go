package slack

import (
	"cmp"
	"context"
	"strconv"
	"strings"
	"time"

	slackgo "github.com/slack-go/slack"

	"github.com/imaginebridge/imaginebridge/bridge"
)

var _ bridge.Witness = (*Sink)(nil)

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
	c, err := s.formers.Take(ctx, where, f)
	if err != nil {
		return bridge.Sighting{}, &fault{method: methodHistory, reason: "stopped", ended: true}
	}
	defer c.Leave()
	if c.Blind {
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
		c.Blind = true
		s.log.Warn("the channel can't be read for what was sent before the store was restored", "destination", d.To.String(), "err", bad)
		return bridge.Sighting{Blind: true}, nil
	case bad != nil:
		return bridge.Sighting{}, bad
	}
	return c.Posted.Find(cmp.Or(updateMark(d), d.Key), d), nil
}

// readFormer reads a place from its end back to the span's begin.
func (s *Sink) readFormer(ctx context.Context, where place, c *bridge.Reading, f bridge.Former) (bad *fault) {
	self := s.web.selfKnown().BotID
	_ = c.Read(func() (string, error) {
		var messages []slackgo.Message
		var next string
		messages, next, bad = s.history(ctx, where, f.From.Add(s.web.ahead()-clockSlack), c.Cursor)
		if bad != nil {
			if bad.code == "invalid_cursor" {
				c.Cursor = ""
			}
			return "", bad
		}
		for _, m := range messages {
			keepPost(c, m, self)
		}
		return next, nil
	})
	return bad
}

// readReplaced reads the message that the delivery replaces, which may be older than
// the span and edited since.
func (s *Sink) readReplaced(ctx context.Context, where place, c *bridge.Reading, d bridge.Delivery) *fault {
	old := d.Replaces
	if old.Message == "" || old.Channel != where.channel || old.Root != where.thread || c.Asked[old.Message] {
		return nil
	}
	m, bad := s.oneMessage(ctx, where, old.Message)
	if bad != nil {
		return bad
	}
	keepPost(c, m, s.web.selfKnown().BotID)
	c.Asked[old.Message] = true
	return nil
}

// keepPost keeps a message of ours.
func keepPost(c *bridge.Reading, m slackgo.Message, self string) {
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
	c.Posted.Add(post)
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
