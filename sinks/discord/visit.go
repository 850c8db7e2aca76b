package discord

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/bridge/command"
	"github.com/imaginebridge/imaginebridge/internal/language"
	"github.com/imaginebridge/imaginebridge/internal/trail"
)

// Commands carries out what people ask for; *command.Runner does.
type Commands interface {
	// Check says no without doing anything.
	Check(ctx context.Context, q command.Request) *command.Problem
	// Accept records a command before Discord hears that it was taken.
	Accept(ctx context.Context, q command.Request) error
	// Do does it, once however often it is asked for.
	Do(ctx context.Context, q command.Request) command.Answer
}

// acceptLimit is for recording a command before Discord hears that it was taken.
const acceptLimit = 1800 * time.Millisecond

// visit is one interaction on its way to its answer.
type visit struct {
	*Sink
	in   interaction
	door door
}

// serve answers one interaction, whatever happens.
func (v *visit) serve(ctx context.Context) {
	defer func() {
		if r := recover(); r != nil {
			v.log.Error("interaction ended unexpectedly", "interaction", v.in.ID, "panic", fmt.Sprintf("%T", r), "stack", string(debug.Stack()))
			v.sorry(ctx)
		}
	}()
	if !v.visits.fresh(v.in.ID) {
		v.log.Debug("interaction came again", "interaction", v.in.ID)
		_ = v.door.first(ctx, response{}) // only the HTTP door needs an end
		return
	}
	// The clock that counts is Discord's, from the click on.
	if age := v.age(v.in.ID); age > maxClickAge {
		v.log.Warn("interaction came too late and was not carried out", "interaction", v.in.ID, "age", age.Round(time.Millisecond))
		_ = v.door.first(ctx, response{})
		return
	}
	switch {
	case v.in.Kind == visitComplete:
		v.complete(ctx)
	case !v.in.GuildInstalled:
		v.say(ctx, "Add the app to the server first: commands work where the bot is a member.")
	case v.in.Kind == visitCommand && v.in.Menu:
		v.menu(ctx)
	case v.in.Kind == visitCommand:
		v.typed(ctx)
	case v.in.Kind == visitPress, v.in.Kind == visitForm:
		v.pressed(ctx)
	default:
		v.say(ctx, "This bridge doesn't know that kind of interaction yet.")
	}
}

// age is how long ago the thing with this id was made, by Discord's clock.
func (s *Sink) age(id string) time.Duration { return time.Now().Add(s.rest.ahead()).Sub(timeOf(id)) }

// sorry is the answer when a handler of ours broke.
func (v *visit) sorry(ctx context.Context) {
	text := v.reader().Say("Something went wrong inside the bridge. I can't tell whether it was done.")
	if v.first(ctx, respondMessage, sentence(text).private()) == nil {
		return
	}
	_ = v.edit(ctx, sentence(text)) // it was acknowledged before; nobody is left to tell
}

// first sends the first response.
func (v *visit) first(ctx context.Context, kind int, data any) error {
	if data == nil {
		data = struct{}{}
	}
	err := v.door.first(ctx, response{Type: kind, Data: data})
	if e, ok := errors.AsType[*Error](err); ok && e.Code == codeAcknowledged {
		return errAcknowledged
	}
	if err != nil {
		v.log.Warn("interaction not acknowledged", "interaction", v.in.ID, "err", err)
	}
	return err
}

// errAcknowledged says that another process answered first.
var errAcknowledged = errors.New("acknowledged before")

// say is a private sentence as first response.
func (v *visit) say(ctx context.Context, text string) {
	_ = v.first(ctx, respondMessage, sentence(v.reader().Word(text)).private()) // logged there
}

// reader speaks the language of who did it.
func (v *visit) reader() language.Speaker { return language.Match(v.in.Locale) }

func (v *visit) principal() command.Principal {
	return command.Principal{
		Platform: command.Discord, Workspace: v.in.Guild, User: v.in.User.ID, Name: v.in.User.Name,
		Roles: v.in.User.Roles, Manages: v.in.User.Manages,
	}
}

// request is the command that a press or a typed line means.
func (v *visit) request(p press) command.Request {
	values := make(map[string]any, len(p.Args))
	for k, val := range p.Args {
		values[k] = val
	}
	return command.Request{
		ID: "discord:" + v.in.ID, Principal: v.principal(), Agent: p.Agent, Group: p.Group, Verb: p.Verb,
		Values: values, Files: map[string][]command.File{}, Confirmed: p.Confirmed, Door: command.Discord, Place: v.in.Channel, Locale: v.in.Locale,
	}
}

// usual is the agent that acts where none was named and several could: the one
// that the thread is about, else the one that the channel is for.
func (v *visit) usual(ctx context.Context) string {
	all := v.agents()
	if len(all) < 2 {
		return ""
	}
	if v.in.Parent != "" {
		if about, err := v.about(ctx, threadNote(v.in.Channel)); err == nil && slices.Contains(all, about.Agent) {
			return about.Agent
		}
	}
	if v.o.Usual == nil {
		return ""
	}
	agent := v.o.Usual(cmp.Or(v.in.Parent, v.in.Channel))
	if !slices.Contains(all, agent) {
		return ""
	}
	return agent
}

// spec is the row of the table for a group and a verb, nil for none.
func (s *Sink) spec(group, verb string) *command.Spec {
	for i := range s.table {
		if s.table[i].Group == group && s.table[i].Verb == verb {
			return &s.table[i]
		}
	}
	return nil
}

// typed carries out a slash command.
func (v *visit) typed(ctx context.Context) {
	spec := specOf(v.table, v.in.Command, v.in.Path)
	if spec == nil && len(v.in.Path) == 1 && v.in.Path[0] == helpVerb {
		_ = v.first(ctx, respondMessage, v.help().private()) // logged there
		return
	}
	if spec == nil && len(v.in.Path) == 1 && v.in.Path[0] == setupVerb {
		v.setup(ctx)
		return
	}
	if spec == nil {
		v.say(ctx, "This command is no longer part of the bridge. /ia help lists all; Discord shows new ones after a minute.")
		return
	}
	q := v.request(press{Group: spec.Group, Verb: spec.Verb})
	q.Agent, q.Open = v.usual(ctx), true
	for name, value := range v.in.Values {
		switch n, isNumber := value.(json.Number); {
		case name == agentOption && !hasArg(spec, name):
			q.Agent, _ = value.(string)
		case isNumber:
			q.Values[name] = n.String()
		default:
			q.Values[name] = value
		}
	}
	for option, files := range v.in.Files {
		if a, ok := argOf(spec, option); ok {
			q.Files[a.Name] = append(q.Files[a.Name], v.downloads(files)...)
		}
	}
	v.carry(ctx, spec, q, v.wantsForm(spec, q), true)
}

func hasArg(spec *command.Spec, name string) bool { _, ok := spec.Arg(name); return ok }

// pressed carries out a button, a choice or a filled form.
func (v *visit) pressed(ctx context.Context) {
	id := v.in.CustomID
	if len(v.in.Chosen) > 0 && id == chooserID {
		id = v.in.Chosen[0]
	}
	if id == neverID {
		r := sentence(v.reader().Say("Not done."))
		_ = v.first(ctx, respondChange, r) // logged there
		return
	}
	switch {
	case id == setupID:
		v.setup(ctx)
		return
	case strings.HasPrefix(id, wizardPrefix):
		v.wizardly(ctx, id)
		return
	}
	p, fate := v.press(ctx, id, v.in.Guild)
	spec := v.spec(p.Group, p.Verb)
	switch {
	case fate == foreign || spec == nil:
		v.refused(ctx, "unknown_button")
		v.say(ctx, "This button is not known here any more. Run the command again: /ia help lists all.")
		return
	case fate == tooOld:
		v.refused(ctx, "old_button")
		v.afresh(ctx, command.Expired(bridge.Action{}).In(v.reader()).Error(), p)
		return
	}
	q := v.request(p)
	q.Button = true
	if v.in.Kind == visitForm {
		if !v.fill(spec, &q, p) {
			for name, value := range q.Values {
				if w := written(value); w != "" && !v.secret(q, name) {
					p.Args = with(p.Args, name, w)
				}
			}
			v.afresh(ctx, "The file is gone meanwhile, and the words are kept. Open the form to send it again:", p)
			return
		}
		q.Button = !p.Open
		v.carry(ctx, spec, q, false, p.Open)
		return
	}
	v.carry(ctx, spec, q, p.Form || v.wantsForm(spec, q), false)
}

// refused tells of a press that no command comes of.
func (v *visit) refused(ctx context.Context, status string) {
	if v.o.Refused != nil {
		v.o.Refused(ctx, v.principal(), v.in.Channel, status)
	}
}

// afresh answers what can't be carried out any more with a button that opens the
// command's form.
func (v *visit) afresh(ctx context.Context, why string, p press) {
	p.Form, p.Files, p.Confirmed = true, "", false
	r := sentence(v.reader().Word(why)).private()
	if id := v.customID(ctx, p, v.in.Guild); id != "" {
		r.Components = []row{{Type: kindRow, Components: []button{{Type: kindButton, Style: styleNext, Label: v.reader().Say("Open"), CustomID: id}}}}
	}
	_ = v.first(ctx, respondMessage, r) // logged there
}

func with(args map[string]string, name, value string) map[string]string {
	if args == nil {
		args = map[string]string{}
	}
	args[name] = value
	return args
}

// carry takes a request from here to its answer: the form it lacks, or refusal,
// or acknowledgement, work and answer. open says that a person typed it where
// others may see the answer.
func (v *visit) carry(ctx context.Context, spec *command.Spec, q command.Request, form, open bool) {
	p := v.o.Commands.Check(ctx, q)
	switch {
	case form && v.in.Kind != visitForm && (p == nil || !refuses(p)) && v.guides(spec, q):
		v.begin(ctx, written(q.Values["agents"]))
		return
	case form && v.in.Kind != visitForm && (p == nil || !refuses(p)):
		v.offer(ctx, v.form(ctx, spec, q, open))
		return
	case p != nil:
		v.quick(ctx, q)
		return
	}
	at := v.placeFor(spec, open)
	if at == beside || at == behind || at == inPlace && spec.Repeat >= command.Creates {
		if v.disabled() {
			_ = v.first(ctx, respondSilent, nil) // pressed twice; the first is at work
			return
		}
		q.ID = v.once()
		ctx = trail.WithCommand(ctx, q.ID)
		v.log.DebugContext(ctx, "command heard", "interaction", v.in.ID)
	}
	q.Back = v.back(at)
	if spec.Confirm && !q.Confirmed {
		v.quick(ctx, q)
		return
	}
	limit, cancel := context.WithTimeout(ctx, acceptLimit)
	err := v.o.Commands.Accept(limit, q)
	cancel()
	if err != nil {
		_ = v.first(ctx, respondMessage, v.problem(ctx, v.in.Guild, q.Agent, command.Explain(v.reader(), err)).private()) // logged there
		return
	}
	if err := v.acknowledge(ctx, at); err != nil && !errors.Is(err, errAcknowledged) && !unsure(err) {
		if spec.Repeat != command.Reads {
			v.log.Warn("command goes on without its acknowledgement", "command", spec.Name(), "interaction", v.in.ID)
		} else {
			return // nobody can see the answer
		}
	}
	v.work(ctx, q, at)
}

func unsure(err error) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && e.Unsure
}

// offer opens a form.
func (v *visit) offer(ctx context.Context, f formBody) {
	if f.CustomID == "" {
		v.say(ctx, "The form can't be opened now. Nothing was done; send the command again in a minute.")
		return
	}
	_ = v.first(ctx, respondForm, f) // logged there
}

// refuses reports a problem that no form can mend.
func refuses(p *command.Problem) bool {
	return p.Code == http.StatusForbidden || p.Code == http.StatusNotFound || p.Field == agentOption
}

// quick answers at once where no work is to be done: a refusal, which goes into
// the audit, or the question before what can't be undone.
func (v *visit) quick(ctx context.Context, q command.Request) {
	a := v.o.Commands.Do(ctx, q)
	if v.first(ctx, respondMessage, v.answer(ctx, v.in.Guild, q, a).private()) == nil { // else logged there
		v.log.DebugContext(ctx, "command answered", "ok", a.OK)
	}
}

// spotOf is where an answer goes.
type spotOf int

const (
	public  spotOf = iota // a message that all see
	private               // a message that one person sees
	inPlace               // instead of the private message with the button
	beside                // in a private message beside the card, whose button rests meanwhile
	behind                // the same, in a public message
)

// placeFor decides where the answer of a command goes.
func (v *visit) placeFor(spec *command.Spec, open bool) spotOf {
	switch {
	case open && !spec.Private:
		return public
	case open || v.in.Message.ID == "":
		return private
	case v.in.Message.Private:
		return inPlace
	case v.in.Kind == visitPress && spec.Repeat == command.Costs && !spec.Private && v.in.CustomID != chooserID:
		return behind
	case v.in.Kind == visitPress && spec.Repeat >= command.Creates && v.in.CustomID != chooserID:
		return beside
	case spec.Repeat == command.Costs && !spec.Private:
		return public
	}
	return private
}

// acknowledge tells Discord that the interaction was taken.
func (v *visit) acknowledge(ctx context.Context, at spotOf) error {
	switch at {
	case public:
		return v.first(ctx, respondLater, laterData{})
	case private:
		return v.first(ctx, respondLater, laterData{Flags: flagPrivate})
	case inPlace:
		return v.first(ctx, respondChange, changeData{disable(v.in.Message.Rows, ""), nobody()})
	case beside, behind:
		return v.first(ctx, respondChange, changeData{disable(v.in.Message.Rows, v.in.CustomID), nobody()})
	}
	return nil
}

// work does the command and shows what became of it.
func (v *visit) work(ctx context.Context, q command.Request, at spotOf) {
	l := v.live(q, at)
	q.Tell = func(r command.Reply) { l.tell(ctx, r) }
	timer := time.AfterFunc(tokenUse-v.age(v.in.ID), func() { l.farewell(ctx) })
	defer timer.Stop()
	a := v.o.Commands.Do(ctx, q)
	if a.Running || a.Problem != nil && a.Problem.Status == "id_taken" {
		return // whoever runs it answers
	}
	l.finish(ctx, a)
	v.log.DebugContext(ctx, "command answered", "ok", a.OK)
}
