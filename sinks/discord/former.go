package discord

import (
	"context"
	"errors"
	"regexp"
	"slices"
	"sync"
	"time"

	"github.com/imaginebridge/imaginebridge/bridge"
)

// formerMargin is for clocks that differ: the store's, and those of who sent.
const formerMargin = 30 * time.Second

// maxFormer bounds the channels whose messages of a former run are kept in memory.
const maxFormer = 256

var _ bridge.Witness = (*Sink)(nil)

// formers are what a former run posted, by channel. Each channel is read once:
// what was sent by then does not grow any more.
type formers struct {
	mu sync.Mutex // guards of
	of map[string]*former
}

// former is what a channel holds of a former run.
type former struct {
	span  bridge.Former
	turn  chan struct{}     // one reader at a time; guards the rest
	after string            // up to here it was read
	whole bool              // to its end
	marks map[string]string // ids of our messages by their mark
}

// Sent implements bridge.Witness: it reads the channel, and the message's thread, for
// the mark that every card carries.
func (s *Sink) Sent(ctx context.Context, d bridge.Delivery, f bridge.Former) (bridge.Receipt, error) {
	if !isSnowflake(d.To.Place) {
		return bridge.Receipt{}, nil // Send says what is wrong
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
	for _, at := range places {
		marks, err := j.formerMarks(ctx, at.channel, f)
		if err != nil {
			return bridge.Receipt{}, err
		}
		id := marks[j.mark()]
		if id == "" {
			continue
		}
		r := at.receipt(id)
		r.Version = d.Message.Version
		if at.head {
			if r.Thread, err = j.openThread(ctx, at.channel, id, d.Message); err != nil {
				return bridge.Receipt{}, judge(err, thread, j.place(at.channel))
			}
		}
		return r, nil
	}
	return bridge.Receipt{}, nil
}

// formerMarks are the marks of what we posted in a channel within the span.
func (j *job) formerMarks(ctx context.Context, channel string, f bridge.Former) (map[string]string, error) {
	c := j.formers.channel(channel, f)
	select {
	case c.turn <- struct{}{}:
		defer func() { <-c.turn }()
	case <-ctx.Done():
		return nil, &bridge.SendError{Verdict: bridge.Retry, Err: ctx.Err()}
	}
	self, err := j.self(ctx)
	if err != nil {
		return nil, judge(err, look, j.place(channel))
	}
	if c.after == "" {
		c.after = snowflakeAt(f.From.Add(j.rest.ahead() - formerMargin))
	}
	for !c.whole { // a reading that was broken off goes on where it was
		ask := fill("GET", routeMessages, channel)
		ask.path += "?limit=100&after=" + c.after
		var page []seen
		if err := j.rest.do(ctx, ask, nil, &page); err != nil {
			if e, ok := errors.AsType[*Error](err); ok && e.Code == codeUnknownChannel && channel != j.d.To.Place {
				return nil, nil // the thread was deleted
			}
			return nil, judge(err, look, j.place(channel))
		}
		for _, m := range page {
			if string(m.Author.ID) != self {
				continue
			}
			for _, mark := range m.marks() {
				if c.marks[mark] == "" {
					c.marks[mark] = string(m.ID)
				}
			}
		}
		if c.whole = len(page) < lookPage; !c.whole {
			c.after = string(slices.MaxFunc(page, func(a, b seen) int { return a.ID.compare(b.ID) }).ID)
		}
	}
	return c.marks, nil
}

// channel is what is known of a channel. Of another span, nothing is.
func (f *formers) channel(id string, span bridge.Former) *former {
	f.mu.Lock()
	defer f.mu.Unlock()
	c := f.of[id]
	if c == nil || c.span != span {
		if f.of == nil || len(f.of) >= maxFormer {
			f.of = map[string]*former{}
		}
		c = &former{span: span, turn: make(chan struct{}, 1), marks: map[string]string{}}
		f.of[id] = c
	}
	return c
}

var markForm = regexp.MustCompile(`#(` + markPrefix + `[0-9A-Za-z]+)(>|$)`)

// marks are the marks that a message carries.
func (m seen) marks() []string {
	var out []string
	note := func(text string) {
		for _, found := range markForm.FindAllStringSubmatch(text, -1) {
			out = append(out, found[1])
		}
	}
	for _, e := range m.Embeds {
		note(e.Author.URL)
		note(e.URL)
	}
	note(m.Content)
	return out
}
