package discord

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/bridge/command"
)

const (
	routeReaction = "/channels/{channel}/messages/{message}/reactions/{emoji}/@me"

	signBusy = "⏳"
	signDone = "✅"
	signFail = "❌"

	busyAfter    = 3 * time.Second // until the sign that it takes longer
	maxWaiting   = 200             // messages that wait in one thread; more are read again later
	maxTalking   = 500             // threads with messages at work
	signlessFor  = time.Hour
	persistFirst = 2 * time.Second
	persistLast  = time.Minute
)

// talk carries what people write in threads to where the threads lead, each
// thread in its order.
type talk struct {
	*Sink
	work sync.WaitGroup

	mu      sync.Mutex // guards all below
	threads map[string]*threadLine
	caught  map[string]int // thread → the gap that was read up for it
	gap     int            // grows with each break of the event stream
}

// threadLine is one thread with messages at work.
type threadLine struct {
	waiting []spoken
	missed  bool // there were more than could wait, or a gap to read up
}

func newTalk(s *Sink) *talk {
	return &talk{Sink: s, threads: map[string]*threadLine{}, caught: map[string]int{}}
}

// broken notes a gap: what was written meanwhile is read up, thread by thread.
func (t *talk) broken() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.gap++
	if len(t.caught) > maxNames {
		t.caught = map[string]int{}
	}
}

// hear takes a message, or with none a wish to read the thread up.
func (t *talk) hear(ctx context.Context, thread, guild string, m *spoken) {
	t.mu.Lock()
	defer t.mu.Unlock()
	line := t.threads[thread]
	fresh := line == nil
	if fresh {
		if len(t.threads) >= maxTalking {
			delete(t.caught, thread) // the next message there reads it up
			return
		}
		line = &threadLine{}
		t.threads[thread] = line
	}
	switch {
	case m == nil || len(line.waiting) >= maxWaiting:
		line.missed = true
	default:
		line.waiting = append(line.waiting, *m)
	}
	if fresh {
		t.work.Go(func() { t.drain(ctx, thread, guild) })
	}
}

// drain works on one thread until nothing waits there.
func (t *talk) drain(ctx context.Context, thread, guild string) {
	var about subject
	t.persist(ctx, thread, func() (err error) {
		about, err = t.about(ctx, threadNote(thread))
		return err
	})
	for {
		m, missed, more := t.step(thread)
		switch {
		case !more:
			return
		case !about.known() || ctx.Err() != nil:
			continue // a thread of others, or the process ends
		case missed:
			t.catchUp(ctx, thread, guild, about)
		default:
			m.Guild = guild
			t.consider(ctx, about, m)
		}
	}
}

// step takes the next thing to do in a thread. A gap is read up before what came
// after it, what had no room to wait is read up last.
func (t *talk) step(thread string) (m spoken, missed, more bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	line := t.threads[thread]
	waits := len(line.waiting) > 0
	switch {
	case waits && t.caught[thread] != t.gap:
		t.caught[thread] = t.gap
		return spoken{}, true, true
	case waits:
		m, line.waiting = line.waiting[0], line.waiting[1:]
		return m, false, true
	case line.missed:
		line.missed, t.caught[thread] = false, t.gap
		return spoken{}, true, true
	}
	delete(t.threads, thread)
	return spoken{}, false, false
}

func seenNote(thread string) string { return "discord.seen." + thread }

// watermark is the last message of a thread that was dealt with; its root before
// there was one.
func (s *Sink) watermark(ctx context.Context, thread string) (string, error) {
	form, err := s.notes.Note(ctx, seenNote(thread))
	if err != nil || !isSnowflake(string(form)) {
		return thread, err
	}
	return string(form), nil
}

// consider deals with one message, unless it was dealt with before. The
// watermark moves when its command is recorded: what happens after is the
// record's to settle.
func (t *talk) consider(ctx context.Context, about subject, m spoken) {
	var seen, self string
	known := t.persist(ctx, m.Channel, func() (err error) {
		if seen, err = t.watermark(ctx, m.Channel); err == nil {
			self, err = t.self(ctx)
		}
		return err
	})
	if !known || flexID(m.ID).compare(flexID(seen)) <= 0 || !m.human() || m.User.ID == self {
		return
	}
	done := func() {
		if err := t.notes.PutNote(ctx, seenNote(m.Channel), []byte(m.ID)); err != nil {
			t.log.Warn("place in the thread not noted", "thread", m.Channel, "err", err)
		}
	}
	if m.Sent { // the ledger knows, unless it is an older copy that was brought back from a backup
		done()
		return
	}
	text := outward(m, self, t.channelName)
	q := t.requestOf(ctx, about, m, text)
	ctx, end := t.heard(ctx, "message:"+m.ID, time.Now())
	defer end(nil)
	switch {
	case text == "" && len(m.Files) == 0:
		t.hint(ctx, m, q)
		done()
		return
	case len(m.Files) > 0:
		t.showFate(ctx, m, q, command.Answer{Problem: wordsAlone(q, text)})
		done()
		return
	case t.mirror.Returns(m.Channel, text):
		t.showFate(ctx, m, q, command.Answer{Problem: command.Reflected(q)})
		done()
		return
	}
	if !t.persist(ctx, m.Channel, func() error { return t.o.Commands.Accept(ctx, q) }) {
		return // read up when a process is there again
	}
	done()
	t.deliver(ctx, m, q)
}

// wordsAlone says that ImagineAnything's messages and comments hold no files, and
// keeps the words.
func wordsAlone(q command.Request, text string) *command.Problem {
	p := &command.Problem{
		Code: 400, Status: "file", Message: "Not delivered: an answer here carries words alone, no files.",
		Hint: "To post the file, choose " + shareMenu + " in the message's menu.",
	}
	if text != "" {
		args := map[string]string{}
		for name, v := range q.Values {
			args[name] = written(v)
		}
		p.Buttons = []bridge.Action{{Label: "Send the words alone", Command: q.Group + " " + q.Verb, Args: args, Primary: true}}
	}
	return p
}

// persist tries until it succeeds, for as long as ctx lets it: the message waits
// in its thread, and those behind it with it.
func (t *talk) persist(ctx context.Context, thread string, try func() error) bool {
	for wait := persistFirst; ; wait = min(2*wait, persistLast) {
		err := try()
		if err == nil {
			return true
		}
		if ctx.Err() != nil {
			return false
		}
		t.log.Warn("answers in a thread wait", "thread", thread, "err", err, "retry_in", wait)
		if pause(ctx, wait) != nil {
			return false
		}
	}
}

// deliver carries an answer out and shows its fate on the person's own message.
func (t *talk) deliver(ctx context.Context, m spoken, q command.Request) {
	ctx, cancel := lingering(ctx, tokenLife, leaveGrace)
	defer cancel()
	waits := time.AfterFunc(busyAfter, func() { t.sign(ctx, m, signBusy) })
	t.wrote(ctx, m, q)
	a := t.o.Commands.Do(ctx, q)
	if p := a.Problem; p != nil && !p.Unknown {
		t.unwrote(ctx, m, q)
	}
	busy := !waits.Stop()
	if a.Running || a.Repeat {
		return
	}
	if busy {
		t.unsign(ctx, m, signBusy)
	}
	t.showFate(ctx, m, q, a)
	a.Told(ctx)
	t.log.DebugContext(ctx, "command answered", "ok", a.OK)
}

// requestOf is the command that an answer in a thread means.
func (t *talk) requestOf(ctx context.Context, about subject, m spoken, text string) command.Request {
	q := command.Request{
		ID: "discord:message:" + m.ID, Agent: about.Agent, Values: map[string]any{"text": text}, Open: true,
		Principal: t.writer(ctx, m), Door: command.Discord, Place: m.Channel, Button: true,
	}
	if about.Conversation != "" {
		q.Group, q.Verb, q.Values["conversation"] = "dm", "send", about.Conversation
	} else {
		q.Group, q.Verb, q.Values["post"] = "post", "comment", about.Post
		if m.Answers != "" {
			if card, err := t.about(ctx, cardNote(m.Answers)); err == nil && card.Post == about.Post && card.Comment != "" {
				q.Values["reply_to"] = card.Comment
			}
		}
	}
	if form, err := json.Marshal(back{Channel: m.Channel, Guild: m.Guild, User: m.User.ID, Message: m.ID}); err == nil {
		q.Back = form
	}
	return q
}

// hint tells once a day and thread why an answer was not heard, to people who
// may write.
func (t *talk) hint(ctx context.Context, m spoken, q command.Request) {
	if p := t.o.Commands.Check(ctx, q); p != nil && p.Code == http.StatusForbidden {
		return
	}
	day := time.Now().UTC().Format(time.DateOnly)
	first, err := t.notes.CreateNote(ctx, "discord.hint."+m.Channel+"."+day, []byte(m.ID))
	if err != nil || !first {
		return
	}
	t.respond(ctx, m, "hint", sentence("I can't read that. Mention me, reply with ping, or press Reply: then your words go out."))
}

// showFate marks the person's message, and says why where it failed.
func (s *Sink) showFate(ctx context.Context, m spoken, q command.Request, a command.Answer) {
	if a.OK {
		s.sign(ctx, m, signDone)
		return
	}
	s.sign(ctx, m, signFail)
	s.respond(ctx, m, "fate", s.answer(ctx, m.Guild, q, a))
}

// respond writes below a person's message, once for each reason.
func (s *Sink) respond(ctx context.Context, m spoken, why string, r reply) {
	body := createBody{
		Content: r.Content, Embeds: r.Embeds, Components: r.Components, AllowedMentions: nobody(),
		Nonce: shortKey([]byte(why + " " + m.ID)), EnforceNonce: true, Reference: &reference{Message: m.ID},
	}
	err := s.insist(ctx, fill("POST", routeMessages, m.Channel), body, nil)
	if e, ok := errors.AsType[*Error](err); ok && e.Code == codeNoHistory {
		body.Reference = nil
		err = s.insist(ctx, fill("POST", routeMessages, m.Channel), body, nil)
	}
	if err != nil {
		s.log.Warn("fate of an answer not shown", "thread", m.Channel, "err", err)
	}
}

// sign puts a reaction on a message. Where that is not permitted there is none.
func (s *Sink) sign(ctx context.Context, m spoken, emoji string) {
	if s.signless(m.Channel) {
		return
	}
	err := s.insist(ctx, fill("PUT", routeReaction, m.Channel, m.ID, url.PathEscape(emoji)), nil, nil)
	if e, ok := errors.AsType[*Error](err); ok && e.Status == http.StatusForbidden && !e.Edge {
		s.mu.Lock()
		s.noSigns[m.Channel] = time.Now().Add(signlessFor)
		s.mu.Unlock()
	}
	if err != nil {
		s.log.Debug("no sign on an answer", "thread", m.Channel, "err", err)
	}
}

// signless reports whether the channel refused a reaction lately.
func (s *Sink) signless(channel string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	until, ok := s.noSigns[channel]
	if ok && time.Now().After(until) {
		delete(s.noSigns, channel)
		return false
	}
	return ok
}

func (s *Sink) unsign(ctx context.Context, m spoken, emoji string) {
	if s.signless(m.Channel) {
		return
	}
	err := s.insist(ctx, fill("DELETE", routeReaction, m.Channel, m.ID, url.PathEscape(emoji)), nil, nil)
	if err != nil {
		s.log.Debug("sign not taken back", "thread", m.Channel, "err", err)
	}
}

// edited tells once a thread that a message which was sent on stays as it was.
func (t *talk) edited(ctx context.Context, m spoken) {
	about, err := t.about(ctx, threadNote(m.Channel))
	if err != nil || !about.known() {
		return
	}
	seen, err := t.watermark(ctx, m.Channel)
	if err != nil || flexID(m.ID).compare(flexID(seen)) > 0 || flexID(m.ID).compare(flexID(m.Channel)) <= 0 {
		return
	}
	if first, err := t.notes.CreateNote(ctx, "discord.edited."+m.Channel, []byte(m.ID)); err == nil && first {
		t.respond(ctx, m, "edited", sentence("ImagineAnything can't edit a sent message. The first version stands."))
	}
}
