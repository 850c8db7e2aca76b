package discord

import (
	"cmp"
	"context"
	"errors"
	"iter"
	"regexp"
	"slices"
	"strconv"
	"time"

	"github.com/imaginebridge/imaginebridge/bridge"
)

// formerMargin is for clocks that differ: the store's, and those of who sent.
const formerMargin = 30 * time.Second

var _ bridge.Witness = (*Sink)(nil)

// Sent implements bridge.Witness: it reads the channel, and the message's thread, for
// the sign that every card carries, and the message that the delivery replaces.
func (s *Sink) Sent(ctx context.Context, d bridge.Delivery, f bridge.Former) (bridge.Sighting, error) {
	if !isSnowflake(d.To.Place) {
		return bridge.Sighting{}, nil // Send says what is wrong
	}
	ctx, cancel := context.WithTimeout(ctx, sendTimeout)
	defer cancel()
	j := &job{Sink: s, d: d, nonce: nonceOf(d)}
	places := []spot{{channel: d.To.Place, head: d.Message.ThreadKey != "" && d.Message.Thread != "" && d.Thread.Message == ""}}
	if d.Thread.Thread != "" {
		root := d.Thread.Root
		if root == "" {
			root = d.Thread.Message
		}
		places = append(places, spot{channel: d.Thread.Thread, root: root})
	}
	if at := d.Replaces; at.Channel != "" && !slices.ContainsFunc(places, func(p spot) bool { return p.channel == at.Channel }) {
		places = append(places, spot{channel: at.Channel, root: at.Root})
	}
	var out bridge.Sighting
	for _, at := range places {
		seen, err := j.formerIn(ctx, at, f)
		if err != nil {
			return bridge.Sighting{}, err
		}
		out.Told = out.Told || seen.Told
		if seen.Receipt.IsZero() {
			continue
		}
		version := seen.Receipt.Version
		out.Receipt = at.receipt(seen.Receipt.Message)
		out.Receipt.Version = version
		if at.head {
			if out.Receipt.Thread, err = j.openThread(ctx, at.channel, out.Receipt.Message, d.Message); err != nil {
				return bridge.Sighting{}, judge(err, thread, j.place(at.channel))
			}
		}
		return out, nil
	}
	return out, nil
}

// formerIn is what stands in a channel or thread of what we posted within the span.
func (j *job) formerIn(ctx context.Context, at spot, f bridge.Former) (bridge.Sighting, error) {
	c, err := j.formers.Take(ctx, at.channel, f)
	if err != nil {
		return bridge.Sighting{}, &bridge.SendError{Verdict: bridge.Retry, Err: err}
	}
	defer c.Leave()
	err = j.readFormer(ctx, c, at.channel, f)
	if old := j.d.Replaces; err == nil && old.Channel == at.channel && !c.Asked[old.Message] {
		if err = j.readOne(ctx, c, old); err == nil {
			c.Asked[old.Message] = true
		}
	}
	if e, ok := errors.AsType[*Error](err); ok && e.Code == codeUnknownChannel && at.channel != j.d.To.Place {
		return bridge.Sighting{}, nil // the thread was deleted
	}
	if err != nil {
		return bridge.Sighting{}, judge(err, look, j.place(at.channel))
	}
	return c.Posted.Find(j.mark(), j.d), nil
}

// readFormer reads a channel from the span's begin to its end.
func (j *job) readFormer(ctx context.Context, c *bridge.Reading, channel string, f bridge.Former) error {
	self, err := j.self(ctx)
	if err != nil {
		return err
	}
	return c.Read(func() (string, error) {
		after := cmp.Or(c.Cursor, snowflakeAt(f.From.Add(j.rest.ahead()-formerMargin)))
		ask := fill("GET", routeMessages, channel)
		ask.path += "?limit=100&after=" + after
		var page []seen
		if err := j.rest.do(ctx, ask, nil, &page); err != nil {
			return "", err
		}
		for _, m := range page {
			keepPost(c, m, self)
		}
		if len(page) < lookPage {
			return "", nil
		}
		return string(slices.MaxFunc(page, func(a, b seen) int { return a.ID.compare(b.ID) }).ID), nil
	})
}

// readOne reads a message that was there when the span began, and may have been
// edited since.
func (j *job) readOne(ctx context.Context, c *bridge.Reading, at bridge.Receipt) error {
	self, err := j.self(ctx)
	if err != nil {
		return err
	}
	var m seen
	err = j.rest.do(ctx, fill("GET", routeMessage, at.Channel, at.Message), nil, &m)
	if e, ok := errors.AsType[*Error](err); ok && e.Code == codeUnknownMessage {
		return nil
	}
	if err == nil {
		keepPost(c, m, self)
	}
	return err
}

// keepPost keeps a message of ours.
func keepPost(c *bridge.Reading, m seen, self string) {
	if string(m.Author.ID) != self {
		return
	}
	for sign := range m.signs() {
		sign.At.Message, sign.At.At = string(m.ID), timeOf(string(m.ID))
		c.Posted.Add(sign)
	}
}

var signForm = regexp.MustCompile(`#(` + markPrefix + `[0-9A-Za-z]{1,` + strconv.Itoa(markSize) + `})(?:\.([0-9]{1,18}))?(?:~([0-9A-Za-z~-]+))?(?:>|$)`)

// signs are the signs that a message carries.
func (m seen) signs() iter.Seq[bridge.Post] {
	return func(yield func(bridge.Post) bool) {
		texts := []string{m.Content}
		for _, e := range m.Embeds {
			texts = append(texts, e.Author.URL, e.URL)
		}
		for _, text := range texts {
			for _, found := range signForm.FindAllStringSubmatch(text, -1) {
				if !yield(signOf(found)) {
					return
				}
			}
		}
	}
}

// signOf reads a sign: the mark, the version that is shown, what is told.
func signOf(parts []string) bridge.Post {
	out := bridge.Post{Mark: parts[1], At: bridge.Receipt{Version: -1}}
	if n, err := strconv.Atoi(parts[2]); err == nil {
		out.At.Version = n
	}
	out.Told, _ = bridge.ParseTold(parts[3]) // what is no list names nothing
	return out
}
