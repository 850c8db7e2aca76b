package slack

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"strings"
	"time"

	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/bridge/command"
	"github.com/imaginebridge/imaginebridge/internal/trail"
)

// interact takes what a person did.
func (s *Sink) interact(ctx context.Context, in inbound) ack {
	switch in.kind {
	case slash:
		return s.typed(ctx, in)
	case click:
		return s.pressed(ctx, in)
	case shortcut:
		return s.called(ctx, in)
	case submit:
		return s.submitted(ctx, in)
	case query:
		return ack{body: s.offers(ctx, in)}
	case unknown, event, closing:
	}
	return ack{}
}

// principal is who asks. People of other organisations are nobody's principals
// here: in no workspace, they may do nothing.
func (s *Sink) principal(in inbound) command.Principal {
	p := command.Principal{
		Platform: command.Slack, Workspace: in.at.team, User: in.who.id, Name: cut(oneLine(in.who.name), maxName),
		Manages: s.opt.Manages(in.at.team, in.who.id),
	}
	if in.outsider() {
		p.Workspace, p.Manages = "", false
	}
	return p
}

// requestID names a request the same however often and through whichever process
// it comes.
func requestID(in inbound, parts ...string) string {
	return bridge.Key("slack", strings.Join(parts, "\n"), bridge.Destination{Scheme: "slack", Place: in.at.team}, 0, 0)
}

func (s *Sink) request(in inbound, group, verb string, parts ...string) command.Request {
	who := s.known(in.at.team, in.who.id)
	return command.Request{
		ID: requestID(in, parts...), Principal: s.principal(in), Group: group, Verb: verb, Values: map[string]any{},
		Door: command.Slack, Place: in.at.channel, Locale: who.Locale, Zone: who.Zone,
	}
}

// errRepeated is a delivery that was recorded before.
var errRepeated = errors.New("recorded before")

// record notes a request before its delivery is acknowledged. Errors: errRepeated,
// and whatever kept it from being stored in time.
func (s *Sink) record(ctx context.Context, q command.Request) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if s.opt.Accept != nil {
		return s.opt.Accept(ctx, q)
	}
	fresh, err := s.opt.Notes.CreateNote(ctx, "slack/"+noteWord(q.Principal.Workspace)+"/seen/"+q.ID, []byte(time.Now().UTC().Format(time.RFC3339)))
	if err == nil && !fresh {
		return errRepeated
	}
	return err
}

// work is a request with the way back to who asked.
type work struct {
	q       command.Request
	to      back
	again   string         // its id when it is tried anew because it failed for good when it came before
	instead *bridge.Action // what else may have been meant
	ran     func()         // called when it was done, before its answer is brought; nil for nobody
	heard   time.Time      // when it was told of
}

// do records a request, acknowledges with body, and has it run.
func (s *Sink) do(ctx context.Context, in inbound, w work, body any) ack {
	ctx, w.heard = trail.WithCommand(ctx, w.q.ID), time.Now()
	w.q.Back = w.to.kept()
	s.log.DebugContext(ctx, "command heard", "command", w.q.Group+" "+w.q.Verb)
	switch err := s.record(ctx, w.q); {
	case errors.Is(err, errRepeated):
		return ack{}
	case err != nil:
		s.log.WarnContext(ctx, "command not recorded", "command", w.q.Group+" "+w.q.Verb, "err", err)
		return s.notDone(in, w.to)
	}
	return ack{body: body, then: func(ctx context.Context) { s.run(ctx, w) }}
}

// notDone says, in the acknowledgement where it can hold words, that a request
// could not be recorded and nothing was done.
func (s *Sink) notDone(in inbound, to back) ack {
	const sorry = "Not done: the bridge could not note this. Send it again in a few seconds."
	switch in.kind {
	case slash:
		return ack{body: map[string]string{"response_type": "ephemeral", "text": s.speaker(in).Word(sorry)}}
	case submit:
		return ack{body: updated(messageView(s.speaker(in), "Not done", sorry))}
	case unknown, event, click, shortcut, closing, query:
	}
	return ack{then: func(ctx context.Context) { s.tellPrivately(ctx, to, draft{head: sorry}) }}
}

// tellPrivately shows something to the person alone, beside what they pressed.
func (s *Sink) tellPrivately(ctx context.Context, to back, d draft) {
	to.Replace, to.Locale = false, s.reader(ctx, to.Team, to.User).Locale
	out := s.answering(to)
	out.mu.Lock()
	defer out.mu.Unlock()
	out.private(ctx, d)
}

// pressed takes a button or a menu entry.
func (s *Sink) pressed(ctx context.Context, in inbound) ack {
	to := backOf(in)
	if in.view.Type == "modal" {
		if m, err := s.metaOf(ctx, in); err == nil {
			to = m.Back
		}
		to.View, to.Replace = in.view.ID, false
	}
	switch id := in.press.action; {
	case strings.HasPrefix(id, idOpen):
		return ack{}
	case strings.HasPrefix(id, idCancel):
		return ack{then: func(ctx context.Context) { s.replaceOrSay(ctx, to, draft{head: "Cancelled. Nothing was done."}) }}
	case strings.HasPrefix(id, idHelp):
		topic := in.press.value
		return ack{then: func(ctx context.Context) { s.replaceOrSay(ctx, to, helpOn(s.speaker(in), topic)) }}
	case !strings.HasPrefix(id, idPrefix), in.press.value == "" || strings.HasPrefix(id, idPick):
		s.unheard("block_actions/" + id)
		return ack{}
	}
	b, err := s.unbind(ctx, in.at.team, in.press)
	if err != nil {
		if !errors.Is(err, errStale) {
			s.log.WarnContext(ctx, "value of a button not read", "err", err)
		}
		s.refused(ctx, in, "old_button")
		return s.stale(to, b)
	}
	spec, known := b.spec()
	if !known {
		s.refused(ctx, in, "unknown_button")
		return s.stale(to, b)
	}
	values, form, confirmed := b.values()
	if form || s.wants(spec, values) {
		return s.open(in, spec, b.Agent, values, to)
	}
	return s.act(ctx, in, spec, b, values, confirmed, to)
}

// refused tells of a press or a form that no command comes of.
func (s *Sink) refused(ctx context.Context, in inbound, status string) {
	if s.opt.Refused != nil {
		s.opt.Refused(ctx, s.principal(in), in.at.channel, status)
	}
}

// stale answers a button that means nothing any more.
func (s *Sink) stale(to back, b bound) ack {
	d := draft{head: "This button is too old to be used.", hint: "Use /ia instead; /ia help lists what there is."}
	if spec, ok := b.spec(); ok {
		p := command.Expired(bridge.Action{Command: spec.Name()})
		d = draft{head: p.Message, hint: p.Hint, agent: b.Agent, actions: p.Buttons}
	}
	return ack{then: func(ctx context.Context) { s.tellPrivately(ctx, to, d) }}
}

// replaceOrSay puts a draft in the place of the message that was pressed where
// only this person sees that, else beside it.
func (s *Sink) replaceOrSay(ctx context.Context, to back, d draft) {
	out := s.answering(to)
	out.mu.Lock()
	defer out.mu.Unlock()
	out.private(ctx, d)
}

// act runs a button's command. What makes something is known by message and
// button, so that a second press finds the first; its buttons give way to a line
// that says what is going on.
func (s *Sink) act(ctx context.Context, in inbound, spec *command.Spec, b bound, values map[string]any, confirmed bool, to back) ack {
	makes := spec.Repeat >= command.Creates
	q := s.request(in, spec.Group, spec.Verb, "click", in.trigger)
	if makes {
		q.ID = requestID(in, "button", in.at.channel, in.message.TS, in.view.ID, in.view.Hash, in.who.id, in.press.action, in.press.value)
	}
	q.Agent, q.Values, q.Confirmed, q.Button = b.Agent, values, confirmed, true
	to.Private = to.Private || !makes
	w := work{q: q, to: to}
	if makes {
		w.again = requestID(in, "click", in.trigger)
	}
	out := s.do(ctx, in, w, nil)
	if work := out.then; work != nil && in.view.Type == "home" && spec.Repeat != command.Reads {
		out.then = func(ctx context.Context) {
			work(ctx)
			s.refreshHome(ctx, in)
		}
		return out
	}
	if makes && out.then != nil {
		out.then = func(ctx context.Context) {
			card := s.working(ctx, in, q)
			card.done(ctx, s.run(ctx, w))
		}
	}
	return out
}

// run has a command run and brings its answer.
func (s *Sink) run(ctx context.Context, w work) command.Answer {
	ctx = trail.WithCommand(ctx, w.q.ID)
	ctx, end := s.opt.Trace.Begin(ctx, trail.Span{Name: "door", Kind: trail.Server, Begun: w.heard, Attrs: []slog.Attr{slog.String("door", command.Slack)}})
	defer end(nil)
	s.log.DebugContext(ctx, "command acknowledged")
	q, who := w.q, s.reader(ctx, w.to.Team, w.to.User)
	q.Locale, q.Zone, w.to.Locale = who.Locale, who.Zone, who.Locale
	out := s.answering(w.to)
	out.instead = w.instead
	q.Back = w.to.kept()
	q.Tell = func(r command.Reply) { out.progress(ctx, q, r) }
	out.begin(ctx, q)
	a := s.opt.Commands(ctx, q)
	if a.Repeat && !a.OK && w.again != "" && (a.Problem == nil || !a.Problem.Unknown) {
		q.ID = w.again
		a = s.opt.Commands(ctx, q)
	}
	if w.ran != nil {
		w.ran()
	}
	if out.finish(ctx, a) {
		a.Told(ctx)
	}
	s.log.DebugContext(ctx, "command answered", "ok", a.OK)
	return a
}

// questionOf asks what a command asks, with the same command as the yes.
func questionOf(a command.Answer, entered map[string]string) draft {
	args := with(entered, sure, "yes")
	delete(args, command.Form)
	return draft{head: a.Question, agent: a.Agent, actions: []bridge.Action{
		{Label: cmp.Or(a.Agree, "Yes"), Command: a.Group + " " + a.Verb, Args: args, Danger: true}, {Label: "Cancel", Command: idCancel},
	}}
}
