package slack

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/bridge/command"
	"github.com/imaginebridge/imaginebridge/internal/language"
)

// back is the way to a person who asked for something. It is stored with the
// command's record, so that an answer finds them after a restart too.
type back struct {
	Channel string    `json:"channel,omitempty"`
	Thread  string    `json:"thread,omitempty"`
	User    string    `json:"user"`
	Team    string    `json:"team,omitempty"`
	Respond string    `json:"respond,omitempty"`
	At      time.Time `json:"at"`
	View    string    `json:"view,omitempty"`    // form that shows the work and then its end
	Said    string    `json:"said,omitempty"`    // their own message in a thread, which shows its fate
	Private bool      `json:"private,omitempty"` // whatever the command says
	Files   int       `json:"files,omitempty"`   // that came with their words and stay here
	Locale  string    `json:"locale,omitempty"`  // the language they read
	Replace bool      `json:"replace,omitempty"` // the answer takes the place of the message that was pressed
}

func backOf(in inbound) back {
	return back{
		Channel: in.at.channel, Thread: in.at.thread, User: in.who.id, Team: in.at.team, Respond: in.at.respond, At: time.Now(),
		Replace: in.at.ephemeral && in.kind == click,
	}
}

// kept is the way back as a command's record holds it.
func (b back) kept() json.RawMessage {
	raw, err := json.Marshal(b)
	if err != nil {
		return nil // strings and a time always encode
	}
	return raw
}

// answering brings what becomes of one request to the person.
type answering struct {
	s  *Sink
	to back

	mu    sync.Mutex // guards all below
	uses  int        // of the response_url
	last  time.Time  // of its last use
	where string     // channel and time of the message that shows how far it is
	live  string
	told  time.Time
	ended bool
	lost  bool // something of the end could not be brought

	entered map[string]string // what was asked for, without secrets
	instead *bridge.Action    // what else may have been meant, offered where this fails
}

func (s *Sink) answering(to back) *answering { return &answering{s: s, to: to} }

// begin notes what was asked for, to offer it again, and shows in a private place
// that it is under way.
func (o *answering) begin(ctx context.Context, q command.Request) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.entered = map[string]string{}
	spec, known := command.Find(q.Group, q.Verb)
	for name, v := range q.Values {
		if !known {
			break
		}
		if arg, ok := spec.Arg(name); ok && !arg.Secret {
			o.entered[name] = fmt.Sprint(v)
		}
	}
	if q.Agent != "" {
		o.entered[agentArg] = q.Agent
	}
	if q.Button {
		o.inPlace(ctx)
	}
}

// Answer brings the answer to a request of an earlier process, as
// command.Runner.Recover gives both. It does nothing for other doors' requests.
func (s *Sink) Answer(ctx context.Context, q command.Request, a command.Answer) {
	var to back
	if q.Door != command.Slack || json.Unmarshal(q.Back, &to) != nil || to.User == "" {
		return
	}
	to.Replace = false // that message may be gone
	out := s.answering(to)
	out.uses = 1 // nobody knows
	if out.finish(ctx, a) {
		a.Told(ctx)
	}
}

// progressGap lies between two states of a command's progress.
const progressGap = 3 * time.Second

// progress shows how far slow work has come. It is called by the command itself
// and drops what comes too soon.
func (o *answering) progress(ctx context.Context, q command.Request, r command.Reply) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.ended || r.Text == "" && len(r.Messages) == 0 || time.Since(o.told) < progressGap {
		return
	}
	o.told = time.Now()
	spec, known := command.Find(q.Group, q.Verb)
	switch {
	case o.to.View != "":
		_ = o.s.showView(ctx, o.to.View, workingView(language.Match(o.to.Locale), r.Text)) // the end comes by another way too
	case o.to.Said != "":
	case o.to.Private || !known || spec.Private:
		if o.uses < 2 {
			replace := o.to.Replace // the end takes the same place
			o.private(ctx, draft{head: r.Text})
			o.to.Replace, o.told = replace, time.Now().Add(respondLife)
		}
	case o.live == "":
		o.where, o.live, _ = o.s.publish(ctx, cmp.Or(o.to.Channel, o.to.User), o.to.Thread, draft{head: r.Text, cards: r.Messages})
	default:
		_ = o.s.rewrite(ctx, o.where, o.live, draft{head: r.Text, cards: r.Messages})
	}
}

// finish brings the end, and reports whether all of it was brought.
func (o *answering) finish(ctx context.Context, a command.Answer) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.ended = true
	if a.Running { // an earlier delivery of the same answers
		return false
	}
	o.end(ctx, a)
	return !o.lost
}

func (o *answering) end(ctx context.Context, a command.Answer) {
	drafts := draftsOf(a)
	if a.NeedsConfirm {
		drafts = []draft{questionOf(a, o.entered)}
	}
	if o.instead != nil && a.Problem != nil && (a.Problem.Code == 400 || a.Problem.Code == 404) && a.Problem.Status != command.Unfit {
		drafts[0].actions = append(slices.Clone(drafts[0].actions), *o.instead)
	}
	if o.to.Said != "" {
		o.fate(ctx, a, drafts)
		return
	}
	if o.to.View != "" && o.inForm(ctx, a, drafts) {
		return
	}
	if a.Private || o.to.Private {
		if o.live != "" {
			_ = o.s.remove(ctx, o.where, o.live)
		}
		for _, d := range drafts {
			o.private(ctx, d)
		}
		return
	}
	if o.to.Replace { // what was pressed is seen by this person alone, the answer by all
		o.respond(ctx, draft{head: cmp.Or(a.Reply.Text, "Done.")}, "ephemeral")
	}
	for i, d := range drafts {
		d = d.spoken(o.to.Locale)
		if i == 0 && o.live != "" && o.s.rewrite(ctx, o.where, o.live, d) == nil {
			continue
		}
		o.public(ctx, d)
	}
	o.follow(ctx, a)
}

// follow shows a generation's states in the message that answered, to its end.
func (o *answering) follow(ctx context.Context, a command.Answer) {
	if a.Reply.Job == "" || o.s.opt.Follow == nil || o.live == "" {
		return
	}
	o.s.opt.Follow(ctx, a.Agent, a.Reply.Job, func(state bridge.Localized) {
		m := state(o.to.Locale)
		m.Agent = cmp.Or(m.Agent, a.Agent)
		_ = o.s.rewrite(ctx, o.where, o.live, draft{cards: []bridge.Message{m}}) // the next state comes by itself
	})
}

// public shows an answer to everybody in the channel.
func (o *answering) public(ctx context.Context, d draft) {
	d = d.spoken(o.to.Locale)
	where, ts, bad := o.s.publish(ctx, cmp.Or(o.to.Channel, o.to.User), o.to.Thread, d)
	if bad == nil {
		if o.live == "" {
			o.where, o.live = where, ts
		}
		return
	}
	if o.respond(ctx, d, "in_channel") {
		return
	}
	o.direct(ctx, d, bad)
}

// private shows an answer to the person alone, wherever that still works.
func (o *answering) private(ctx context.Context, d draft) {
	if o.respond(ctx, d, "ephemeral") {
		return
	}
	if o.to.Channel != "" {
		for f := full; f <= textOnly; f++ {
			bad := o.s.whisper(ctx, o.to.Channel, o.to.Thread, o.to.User, d.spoken(o.to.Locale).body(o.s.binder(), f))
			if bad == nil {
				return
			}
			if bad.verdict(posting) != bridge.Reject {
				break
			}
		}
	}
	o.direct(ctx, d, nil)
}

// direct writes to the person, the last way there is.
func (o *answering) direct(ctx context.Context, d draft, before *fault) {
	_, _, bad := o.s.publish(ctx, o.to.User, "", d)
	if bad != nil {
		o.lost = true
		o.s.opt.Count("slack_answers_lost")
		o.s.log.WarnContext(ctx, "answer not brought", "err", bad, "before", before)
	}
}

// respond answers by the response_url, and reports whether that worked.
func (o *answering) respond(ctx context.Context, d draft, who string) bool {
	for f := full; f <= textOnly; f++ {
		if o.to.Respond == "" || o.uses >= respondUses || time.Since(o.to.At) > respondLife || !o.s.web.respondable(o.to.Respond) {
			return false
		}
		if !sleep(ctx, max(0, respondGap-time.Since(o.last))) {
			return false
		}
		b := d.spoken(o.to.Locale).body(o.s.binder(), f)
		o.s.keep(ctx, b.kept)
		o.uses++
		bad := o.s.web.respond(ctx, o.to.Respond, response{Text: b.text, Blocks: b.blocks, Type: who, Replace: o.to.Replace, Thread: o.to.Thread})
		o.last = time.Now()
		switch {
		case bad == nil:
			o.to.Replace = false // what follows stands beside it
			return true
		case bad.status != 400: // not the answer's fault
			return false
		}
	}
	return false
}

// publish says a draft, in smaller forms where Slack refuses it.
func (s *Sink) publish(ctx context.Context, channel, thread string, d draft) (where, ts string, bad *fault) {
	for f := full; f <= textOnly; f++ {
		if where, ts, bad = s.say(ctx, channel, thread, d.body(s.binder(), f)); bad == nil || bad.paced != nil || bad.verdict(posting) != bridge.Reject {
			break
		}
	}
	return where, ts, bad
}

// rewrite puts a draft in the place of a message of ours.
func (s *Sink) rewrite(ctx context.Context, channel, ts string, d draft) (bad *fault) {
	for f := full; f <= textOnly; f++ {
		if bad = s.change(ctx, channel, ts, d.body(s.binder(), f)); bad == nil || bad.paced != nil || bad.verdict(editing) != bridge.Reject {
			break
		}
	}
	return bad
}
