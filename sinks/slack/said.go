package slack

import (
	"cmp"
	"context"
	"errors"
	"strings"
	"sync"
	"time"

	slackgo "github.com/slack-go/slack"

	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/bridge/command"
	"github.com/imaginebridge/imaginebridge/internal/language"
)

const methodReact = "reactions.add"

// chains keep what is said in one thread in its order: each waits for the one
// before it.
type chains struct {
	mu   sync.Mutex // guards last
	last map[string]chan struct{}
}

// link takes a place at the end of a chain. before is closed when its turn has
// come, nil for at once; done gives the turn on.
func (c *chains) link(key string) (before <-chan struct{}, done func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	previous := c.last[key]
	own := make(chan struct{})
	c.last[key] = own
	return previous, func() {
		close(own)
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.last[key] == own {
			delete(c.last, key)
		}
	}
}

// spoken reports a message that a person wrote just now, and not a change of one,
// a notice of Slack's, or the app itself.
func (e inner) spoken(self string) bool {
	if e.BotID != "" || text(e.User) == "" || text(e.User) == self || e.TS == "" {
		return false
	}
	return e.Subtype == "" || e.Subtype == "file_share" || e.Subtype == "thread_broadcast"
}

// said takes what somebody wrote. In a thread of ours it is an answer and goes to
// where the thread came from; everything else is nobody's business here.
func (s *Sink) said(ctx context.Context, in inbound) ack {
	e := in.event.Event
	self := s.web.selfKnown().UserID
	in.who = person{id: text(e.User), team: cmp.Or(e.Home, e.Source, e.Team)}
	in.at.channel, in.at.thread = text(e.Channel), e.Thread
	switch {
	case e.Subtype == "message_changed":
		return s.edited(ctx, in)
	case !e.spoken(self) || in.at.channel == "":
		return ack{}
	case e.Thread == "" || e.Thread == e.TS:
		return s.unthreaded(in)
	}
	t, ok, err := s.talkAt(ctx, in.at.team, in.at.channel, e.Thread)
	if err != nil {
		s.log.WarnContext(ctx, "thread not looked up", "err", err)
		return ack{again: true}
	}
	if !ok {
		return s.unthreaded(in)
	}
	return s.reply(ctx, in, t)
}

// reply sends an answer on its way. The same message may come under several event
// ids, and as a mention too: it is known by where and when it was said.
func (s *Sink) reply(ctx context.Context, in inbound, t talk) ack {
	e := in.event.Event
	group, verb, values := t.command()
	words := decodeText(e.Text)
	if self := s.web.selfKnown().UserID; self != "" {
		words = strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(e.Text), "<@"+self+">"))
		words = decodeText(words)
	}
	values["text"] = words
	q := s.request(in, group, verb, "said", in.at.channel, e.TS)
	q.Agent, q.Values, q.Open = t.Agent, values, true
	to := backOf(in)
	to.Said, to.Files = e.TS, len(e.Files)
	if strings.TrimSpace(words) == "" && to.Files > 0 {
		return ack{then: func(ctx context.Context) {
			s.react(ctx, in.at.channel, e.TS, "x")
			s.tellPrivately(ctx, to, filesStay(s.speaker(in), "Not sent", to.Files, verb))
		}}
	}
	if s.mirror.Returns(in.at.channel+"/"+in.at.thread, words) {
		p := command.Reflected(q)
		return ack{then: func(ctx context.Context) {
			s.react(ctx, in.at.channel, e.TS, "x")
			s.tellPrivately(ctx, to, draft{head: p.Message, hint: p.Hint, agent: q.Agent, actions: p.Buttons})
		}}
	}
	q.Back = to.kept()
	if err := s.record(ctx, q); errors.Is(err, errRepeated) {
		return ack{}
	} else if err != nil {
		s.log.WarnContext(ctx, "answer in a thread not recorded", "err", err)
		return ack{again: true}
	}
	before, next := s.turn.link(in.at.channel + "/" + in.at.thread)
	done := sync.OnceFunc(next)
	return ack{then: func(ctx context.Context) {
		defer done()
		if before != nil {
			select {
			case <-before:
			case <-ctx.Done():
				return
			}
		}
		typed := s.wrote(ctx, in, q)
		if a := s.run(ctx, work{q: q, to: to, ran: done}); a.Problem != nil && !a.Problem.Unknown {
			s.unwrote(ctx, typed)
		}
	}}
}

// fate shows on somebody's own message what became of it, and says why where it
// did not get through.
func (o *answering) fate(ctx context.Context, a command.Answer, drafts []draft) {
	switch {
	case a.Repeat: // said when it came first
	case a.OK:
		o.s.react(ctx, o.to.Channel, o.to.Said, signSent)
		if o.to.Files > 0 {
			o.private(ctx, filesStay(language.Match(o.to.Locale), "Your words were sent, without what hung on them", o.to.Files, a.Verb))
		}
	case a.Problem != nil && a.Problem.Unknown:
		o.s.react(ctx, o.to.Channel, o.to.Said, "grey_question")
		o.private(ctx, drafts[0])
	default:
		o.s.react(ctx, o.to.Channel, o.to.Said, "x")
		o.private(ctx, drafts[0])
	}
}

// filesStay says that files in a thread go nowhere, and where they can go.
func filesStay(in language.Speaker, before string, n int, verb string) draft {
	key := "%s: a message at ImagineAnything can hold words only."
	if verb == "comment" {
		key = "%s: a comment at ImagineAnything can hold words only."
	}
	files := "The file stays here."
	if n > 1 {
		files = "The files stay here."
	}
	return draft{head: in.Say(key, in.Say(before)) + " " + in.Say(files), hint: "Pictures and films go with a post:", actions: []bridge.Action{
		{Label: "Post with files", Command: "post create", Args: map[string]string{command.Form: "yes"}},
	}}
}

// react puts a mark on a message, where the app may.
func (s *Sink) react(ctx context.Context, channel, ts, name string) {
	if !s.granted(scopeReactions) {
		return
	}
	bad := s.patiently(ctx, call{method: methodReact}, func(ctx context.Context, api *slackgo.Client) error {
		return api.AddReactionContext(ctx, name, slackgo.NewRefToMessage(channel, ts))
	})
	if bad != nil && bad.code != "already_reacted" {
		s.log.DebugContext(ctx, "mark not put on a message", "err", bad)
	}
}

// unthreaded answers who speaks to the app where it can't know what about, once a
// day and channel.
func (s *Sink) unthreaded(in inbound) ack {
	e := in.event.Event
	direct := strings.HasPrefix(in.at.channel, "D")
	if !direct && e.Type != "app_mention" || in.outsider() {
		return ack{}
	}
	to := backOf(in)
	return ack{then: func(ctx context.Context) {
		key := "slack/" + noteWord(in.at.team) + "/hint/" + noteWord(in.at.channel) + "/" + noteWord(in.who.id) + "/" + time.Now().UTC().Format("2006-01-02")
		if fresh, err := s.opt.Notes.CreateNote(ctx, key, []byte{'1'}); err != nil || !fresh {
			return
		}
		s.tellPrivately(ctx, to, draft{
			head:    "Answer in the thread of a card, and your words go to ImagineAnything. Everything else is a command: /ia help.",
			actions: []bridge.Action{{Label: "What can you do?", Command: idHelp}},
		})
	}}
}

// edited tells somebody, once per thread, that a change does not follow what was
// sent on.
func (s *Sink) edited(ctx context.Context, in inbound) ack {
	c := in.event.Event.Changed
	if c.BotID != "" || c.User == "" || c.Thread == "" || c.Thread == c.TS || c.Text == in.event.Event.Previous.Text {
		return ack{}
	}
	if _, ok, err := s.talkAt(ctx, in.at.team, in.at.channel, c.Thread); err != nil || !ok {
		return ack{} // a notice alone: not worth another delivery
	}
	in.who, in.at.thread = person{id: c.User}, c.Thread
	to := backOf(in)
	return ack{then: func(ctx context.Context) {
		key := placeKey(in.at.team, in.at.channel, c.Thread) + "/edited"
		if fresh, err := s.opt.Notes.CreateNote(ctx, key, []byte{'1'}); err == nil && fresh {
			p := command.EditedLater()
			s.tellPrivately(ctx, to, draft{head: p.Message, hint: p.Hint})
		}
	}}
}
