package slack

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"sync"
	"time"

	slackgo "github.com/slack-go/slack"

	"github.com/imaginebridge/imaginebridge/bridge"
)

const (
	echoWait   = 10 * time.Second // Slack's own word that a message is there
	clockSlack = 30 * time.Second // how well we know Slack's clock, whose time messages carry
	pageSize   = 200
)

// resolve finds out whether an earlier attempt of this delivery arrived. It
// returns that message's receipt, or none and whether a repeat has to be marked
// because nobody could look.
//
// The best witness is the channel's history, where the app may read it; next the
// event that Slack sends of messages with metadata. Without either the message is
// repeated once, marked; when that one is in doubt too, it is set aside rather
// than posted a third time.
func (s *Sink) resolve(ctx context.Context, d bridge.Delivery) (r bridge.Receipt, mark bool, bad *bridge.SendError) {
	if r, ok := s.echoed(d); ok {
		return r, false, nil
	}
	if f := s.web.meet(ctx); f != nil {
		return r, false, s.stillInDoubt(f, d)
	}
	scopes := s.web.known()
	if readable(scopes, d.To.Place) {
		r, f := s.lookBack(ctx, d)
		if f == nil {
			return r, false, nil
		}
		if !f.cannotLook() {
			return bridge.Receipt{}, false, s.stillInDoubt(f, d)
		}
	}
	if left := time.Until(d.Doubt.Add(echoWait)); left > 0 && left <= echoWait && slices.Contains(scopes, scopeEcho) && s.sockets.Load() > 0 {
		return r, false, &bridge.SendError{Verdict: bridge.InDoubt, After: left, Paced: true, Err: errors.New("waits for Slack's word about the message")}
	}
	if _, twice := s.repeated.get(d.Key); twice {
		return r, false, &bridge.SendError{
			Verdict: bridge.Reject, Err: errors.New("in doubt twice, and the channel's history cannot be read"),
			Advice: "I can't tell whether this message was posted: Slack broke off twice. To let me look, add the scope " +
				"channels:history (groups:history for private channels) and reinstall the app.",
		}
	}
	if _, f := s.web.whoAmI(ctx); f != nil { // Slack is not well: another message would only be lost too
		return r, false, s.stillInDoubt(f, d)
	}
	return r, true, nil
}

// stillInDoubt is what Send returns where it could not look.
func (s *Sink) stillInDoubt(f *fault, d bridge.Delivery) *bridge.SendError {
	e := s.failed(f, reading, d)
	if e.Verdict == bridge.Retry || e.Verdict == bridge.Reject {
		e.Verdict = bridge.InDoubt
	}
	return e
}

// cannotLook reports that the history stays closed however often one asks.
func (f *fault) cannotLook() bool {
	switch f.code {
	case "missing_scope", "not_in_channel", "channel_not_found", "method_not_supported_for_channel_type":
		return true
	}
	return false
}

// readable reports whether the app may read the history of such a channel. The id
// of a private channel may begin with C too, so either scope is worth a try.
func readable(scopes []string, channel string) bool {
	for _, s := range historyScopes(channel) {
		if slices.Contains(scopes, s) {
			return true
		}
	}
	return false
}

func historyScopes(channel string) []string {
	if channel[0] == 'D' {
		return []string{"im:history"}
	}
	return []string{scopeHistory, scopePrivateHistory}
}

// echoed is the receipt of a message that Slack told us about. The event does not
// say which thread it stands in.
func (s *Sink) echoed(d bridge.Delivery) (bridge.Receipt, bool) {
	r, ok := s.echoes.get(d.Key)
	if !ok {
		return bridge.Receipt{}, false
	}
	return receipt(r.Channel, r.Message, threadOf(d), d), true
}

// place is a stretch of history: a channel, or a thread in it.
type place struct{ channel, thread string }

// looks are the histories being read, so that one reading serves every doubt
// about a channel: reading may be limited to one call a minute.
type looks struct {
	mu sync.Mutex // guards of and the doubts in it
	of map[place]*look
}

type look struct {
	turn   chan struct{}    // one reader at a time
	doubts map[string]doubt // by delivery key, while unresolved
	since  time.Time        // what the reading under way goes back to
	begun  time.Time        // when the reading under way began
	cursor string           // where it goes on; "" when none is under way
	found  map[string]slackgo.Message
	read   time.Time // when the last complete reading began
}

// doubt is a message that may have arrived: from its first attempt on, asked
// about since.
type doubt struct{ from, asked time.Time }

// lookBack reads the history from the doubtful attempt on and returns the
// message's receipt, or none when it never arrived.
func (s *Sink) lookBack(ctx context.Context, d bridge.Delivery) (bridge.Receipt, *fault) {
	where := place{d.To.Place, threadOf(d)}
	r, f := s.lookIn(ctx, where, d)
	if where.thread != "" && f != nil && f.threadGone() {
		return s.lookIn(ctx, place{channel: where.channel}, d) // its root was deleted: Slack puts such a reply into the channel
	}
	return r, f
}

func (s *Sink) lookIn(ctx context.Context, where place, d bridge.Delivery) (bridge.Receipt, *fault) {
	l, asked := s.looks.ask(where, d)
	select {
	case l.turn <- struct{}{}:
		defer func() { <-l.turn }()
	case <-ctx.Done():
		return bridge.Receipt{}, &fault{method: methodHistory, reason: "stopped", ended: true}
	}
	for l.read.Before(asked) {
		if r := located(where, l.found, d); !r.IsZero() && !l.begun.Before(asked) {
			s.looks.settle(where, d.Key)
			return r, nil
		}
		if f := s.readOn(ctx, where, l); f != nil {
			if f.cannotLook() || f.threadGone() {
				s.looks.settle(where, d.Key)
			}
			return bridge.Receipt{}, f
		}
	}
	s.looks.settle(where, d.Key)
	return located(where, l.found, d), nil
}

// readOn reads one page. A pause that Slack asks for keeps the place.
func (s *Sink) readOn(ctx context.Context, where place, l *look) *fault {
	if l.cursor == "" {
		l.begun, l.since, l.found = time.Now(), s.looks.oldest(l).Add(s.web.ahead()-clockSlack), map[string]slackgo.Message{}
	}
	messages, next, f := s.history(ctx, where, l.since, l.cursor)
	if f != nil {
		if f.code == "invalid_cursor" {
			l.cursor = ""
		}
		return f
	}
	self := s.web.selfKnown().BotID
	for _, m := range messages {
		if self != "" && m.BotID != self {
			continue
		}
		key, ok := m.Metadata.EventPayload["d"].(string)
		if _, known := l.found[key]; m.Metadata.EventType == eventType && ok && !known {
			l.found[key] = m
		}
	}
	if l.cursor = next; next == "" {
		l.read = l.begun
	}
	return nil
}

// located is the receipt of a message that a reading found; the zero one of none.
func located(where place, found map[string]slackgo.Message, d bridge.Delivery) bridge.Receipt {
	m, ok := found[d.Key]
	if !ok {
		return bridge.Receipt{}
	}
	return receipt(where.channel, m.Timestamp, m.ThreadTimestamp, d)
}

func (s *Sink) history(ctx context.Context, where place, since time.Time, cursor string) (page []slackgo.Message, next string, f *fault) {
	return s.pageOf(ctx, where, strconv.FormatInt(since.Unix(), 10)+".000000", "", cursor)
}

// oneMessage reads the message of that name, without the answers below it.
func (s *Sink) oneMessage(ctx context.Context, where place, ts string) (m slackgo.Message, f *fault) {
	page, _, f := s.pageOf(ctx, where, ts, ts, "")
	if i := slices.IndexFunc(page, func(m slackgo.Message) bool { return m.Timestamp == ts }); i >= 0 {
		m = page[i]
	}
	return m, f
}

// pageOf reads a page of what was posted after oldest, or with latest from oldest to
// latest.
func (s *Sink) pageOf(ctx context.Context, where place, oldest, latest, cursor string) (page []slackgo.Message, next string, f *fault) {
	if where.thread != "" {
		f = s.paced(ctx, call{method: methodReplies}, func(ctx context.Context, api *slackgo.Client) error {
			var err error
			page, _, next, err = api.GetConversationRepliesContext(ctx, &slackgo.GetConversationRepliesParameters{
				ChannelID: where.channel, Timestamp: where.thread, Oldest: oldest, Latest: latest, Inclusive: latest != "", Cursor: cursor, Limit: pageSize, IncludeAllMetadata: true,
			})
			return err
		})
		return page, next, f
	}
	f = s.paced(ctx, call{method: methodHistory}, func(ctx context.Context, api *slackgo.Client) error {
		got, err := api.GetConversationHistoryContext(ctx, &slackgo.GetConversationHistoryParameters{
			ChannelID: where.channel, Oldest: oldest, Latest: latest, Inclusive: latest != "", Cursor: cursor, Limit: pageSize, IncludeAllMetadata: true,
		})
		if err != nil {
			return err
		}
		page, next = got.Messages, got.ResponseMetaData.NextCursor
		return nil
	})
	return page, next, f
}

// ask notes a doubt and returns the place's reading, and since when this doubt is
// waiting for one.
func (l *looks) ask(where place, d bridge.Delivery) (*look, time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	at := l.of[where]
	if at == nil {
		at = &look{turn: make(chan struct{}, 1), doubts: map[string]doubt{}}
		l.of[where] = at
	}
	old, ok := at.doubts[d.Key]
	if !ok {
		old = doubt{from: d.Doubt, asked: time.Now()}
		at.doubts[d.Key] = old
	}
	return at, old.asked
}

// settle takes a doubt away; a place without doubts is forgotten.
func (l *looks) settle(where place, key string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	at := l.of[where]
	if at == nil {
		return
	}
	if delete(at.doubts, key); len(at.doubts) == 0 {
		delete(l.of, where)
	}
}

// oldest is the earliest attempt in doubt.
func (l *looks) oldest(at *look) time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	first := time.Now()
	for _, d := range at.doubts {
		if d.from.Before(first) {
			first = d.from
		}
	}
	return first
}
