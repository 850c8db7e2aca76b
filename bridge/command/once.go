package command

import (
	"context"
	"crypto/rand"
	"errors"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/internal/imagine"
	"github.com/imaginebridge/imaginebridge/internal/language"
	"github.com/imaginebridge/imaginebridge/internal/trail"
)

// once runs a command that passed every check, or gives what became of it when
// it came before.
func (r *Runner) once(ctx context.Context, j *job) Answer {
	if r.o.Records != nil && j.q.ID == "" && j.putOff() {
		j.q.ID = "at:" + rand.Text() // what is to be done later has to be known by something
	}
	if r.o.Records == nil || j.q.ID == "" || j.spec.Repeat == Reads {
		if j.putOff() {
			return r.refuse(ctx, j, errNoDesk())
		}
		j.args.since = j.begun
		return r.finish(ctx, j, r.perform(ctx, j))
	}
	rec, fresh, err := r.note(ctx, j)
	if err != nil {
		return r.unnoted(ctx, j, err)
	}
	if !fresh && !samePerson(rec.Request.Principal, j.q.Principal) {
		return r.refuse(ctx, j, &Problem{Code: 409, Status: "id_taken", Message: "Not done: this id belongs to another command.", Hint: "Send it again under a new one."})
	}
	return r.carryOn(ctx, j, rec)
}

// Accept records a command before a door acknowledges it. Where it fails, the
// door says so in the acknowledgement itself, and nothing runs. Do goes on from
// the record. Commands that only read, and requests that Do will refuse, are
// not recorded. The error is a *Problem.
func (r *Runner) Accept(ctx context.Context, q Request) error {
	ctx = trail.WithCommand(ctx, q.ID)
	j := &job{q: q, begun: time.Now(), early: true}
	if r.o.Records == nil || q.ID == "" || !r.willRun(ctx, j) {
		return nil
	}
	if _, _, err := r.note(ctx, j); err != nil {
		return r.disown(ctx, j, err).In(q.speaker())
	}
	return nil
}

// willRun reports that Do would go on to change something.
func (r *Runner) willRun(ctx context.Context, j *job) bool {
	if p := r.prepare(ctx, j); p != nil || j.spec.Repeat == Reads {
		return false
	}
	_, asked := r.ask(ctx, j)
	return !asked
}

func samePerson(a, b Principal) bool {
	return a.Platform == b.Platform && a.Workspace == b.Workspace && a.User == b.User
}

func (r *Runner) newRecord(j *job) Record {
	rec := Record{ID: j.q.ID, State: Recorded, Request: j.q, At: j.begun, Owner: r.o.Owner, Skipped: len(j.q.Files) > 0}
	rec.Request.Values = make(map[string]any, len(j.q.Values))
	for name, v := range j.q.Values {
		if arg, _ := j.spec.Arg(name); arg.Secret || isWebhook(v) {
			rec.Skipped = true
			continue
		}
		rec.Request.Values[name] = v
	}
	return rec
}

// isWebhook reports a destination whose address may hold a secret: who has it may
// send there.
func isWebhook(v any) bool {
	text, ok := v.(string)
	return ok && strings.HasPrefix(text, "webhook:")
}

// carryOn takes a record from where it stands to its end.
func (r *Runner) carryOn(ctx context.Context, j *job, rec Record) Answer {
	switch rec.State {
	case Done, Failed, Unknown:
		if rec.Answer != nil {
			a := r.owing(rec, *rec.Answer)
			a.Repeat = true
			return a
		}
		return Answer{Repeat: true, OK: rec.State == Done, Agent: j.q.Agent, Group: j.q.Group, Verb: j.q.Verb}
	case Running:
		if rec.Owner == r.o.Owner && r.turns.busy(rec.ID) || rec.Owner != r.o.Owner && r.o.Alive(rec.Owner) {
			return r.atWork(j)
		}
	case Scheduled:
		if !j.left && rec.Answer != nil {
			a := *rec.Answer
			a.Repeat = true
			return a
		}
	case Recorded:
		if j.putOff() {
			return r.schedule(ctx, j, rec)
		}
	}
	if !r.turns.begin(rec.ID) {
		return r.atWork(j)
	}
	defer r.turns.end(rec.ID)
	interrupted := rec.State == Running
	if !interrupted {
		rec.Since = time.Now()
	}
	rec.State, rec.Owner = Running, r.o.Owner
	rec, err := r.o.Records.Update(ctx, rec)
	switch {
	case errors.Is(err, ErrMoved):
		return r.atWork(j)
	case err != nil && j.left: // it is tried again
		r.o.Log.WarnContext(ctx, "command not begun", "command", j.spec.Name(), "agent", j.q.Agent, "err", err)
		return r.atWork(j)
	case err != nil:
		return r.unnoted(ctx, j, err)
	}
	j.args.since = rec.Since
	var a Answer
	if interrupted && j.spec.Repeat >= Creates {
		a = r.settle(ctx, j, errInterrupted)
	} else {
		a = r.perform(ctx, j)
	}
	return r.close(ctx, j, rec, r.finish(ctx, j, a))
}

// close ends a record. The answer holds also where that can't be stored: a
// repeat then settles by reading.
func (r *Runner) close(ctx context.Context, j *job, rec Record, a Answer) Answer {
	switch {
	case a.OK:
		rec.State = Done
	case a.Problem != nil && a.Problem.Unknown:
		rec.State = Unknown
	default:
		rec.State = Failed // also a question: the yes comes under a new id
	}
	rec.Answer, rec.Request.Values = kept(j.spec, a), nil
	owe(&rec, rec.Request.Back)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTime)
	defer cancel()
	rec, err := r.o.Records.Update(ctx, rec)
	if err != nil {
		r.o.Log.WarnContext(ctx, "command's end not recorded", "command", j.spec.Name(), "agent", j.q.Agent, "err", err)
		return a
	}
	return r.owing(rec, a)
}

// kept is what the ledger keeps of an answer: of a private one only that it was
// given, since the words may be a direct message or a payment link.
func kept(s *Spec, a Answer) *Answer {
	if s != nil && !s.Private {
		return &a
	}
	a.Reply = Reply{Text: a.Reply.Text, Job: a.Reply.Job}
	if a.Problem != nil {
		p := *a.Problem
		p.Buttons = nil
		a.Problem = &p
	}
	return &a
}

// atWork is the answer while somebody works on it who will answer.
func (r *Runner) atWork(j *job) Answer {
	return Answer{Running: true, Agent: j.q.Agent, Group: j.q.Group, Verb: j.q.Verb, Private: true}
}

// closeTime is for writing down the end of a command whose caller has gone.
const closeTime = 5 * time.Second

// resume is Do for a record that nobody works on. The person is authorised
// again: rights may have gone meanwhile.
func (r *Runner) resume(ctx context.Context, rec Record) (a Answer) {
	j := &job{q: rec.Request, begun: time.Now(), left: true}
	ctx, end := r.follow(ctx, j)
	defer func() { end(a) }()
	j.q.Open = false // was checked when it came
	if !r.renew(ctx, j, rec) {
		return r.atWork(j)
	}
	p := r.prepare(ctx, j)
	switch {
	case rec.State == Scheduled && time.Since(rec.Due) > maxLate && j.spec != nil:
		p = r.missed(j, rec)
	case p != nil && p.Status == GroupsUnknown && !tooLate(rec):
		return r.atWork(j) // it is asked again
	case rec.Skipped && rec.State == Recorded && j.spec != nil:
		p = &Problem{Code: 503, Status: "interrupted", Message: j.say("%s: the bridge restarted, and files and keys are not kept.", j.say(j.spec.failed())), Hint: "Send it again."}
	case rec.Skipped && j.spec != nil && j.api != nil:
		j.args = Args{agent: j.q.Agent, in: j.q.speaker(), values: loose(rec.Request.Values)}
		if j.spec.Repeat < Creates {
			return r.close(ctx, j, rec, r.finish(ctx, j, Answer{Problem: r.doubt(ctx, j, errInterrupted)}))
		}
		p = nil
	}
	if p != nil {
		return r.close(ctx, j, rec, r.refuse(ctx, j, p))
	}
	return r.carryOn(ctx, j, rec)
}

// renew settles who somebody is now who ordered something earlier. It reports false
// while that can't be told, and it is not too late to ask again.
func (r *Runner) renew(ctx context.Context, j *job, rec Record) bool {
	if r.o.Now == nil {
		return true
	}
	p, known := r.o.Now(ctx, j.q.Principal)
	if known {
		j.q.Principal = p
	}
	return known || tooLate(rec)
}

// tooLate reports a record that waited so long that it does not wait any more for
// who somebody is now.
func tooLate(rec Record) bool {
	if rec.State == Scheduled {
		return time.Since(rec.Due) > maxLate
	}
	return time.Since(rec.At) > maxLate
}

// errInterrupted is a command that ran when its process ended.
var errInterrupted = errors.New("the bridge was restarted while this ran")

// doubtful reports an error after which the command may have been done.
func doubtful(s *Spec, err error) bool {
	if s.Repeat == Reads {
		return false
	}
	return imagine.IsUncertain(err) || errors.Is(err, errPanicked) && s.Repeat >= Creates
}

// looks are the waits before each look for what an uncertain call may have
// made: the service may finish after it hung up.
var looks = [...]time.Duration{0, 2 * time.Second, 5 * time.Second}

// settle finds out by reading what became of a call of unknown fate, or says
// that nobody can tell.
func (r *Runner) settle(ctx context.Context, j *job, cause error) Answer {
	if j.spec.Look == nil {
		return Answer{Problem: r.doubt(ctx, j, cause)}
	}
	for _, wait := range looks {
		if !sleep(ctx, wait) {
			break
		}
		found := false
		reply, err := r.call(ctx, j, func(ctx context.Context, api *imagine.Client, a Args) (reply Reply, err error) {
			reply, found, err = j.spec.Look(ctx, api, a)
			return reply, err
		})
		if err == nil && found {
			return Answer{OK: true, Reply: reply}
		}
	}
	return Answer{Problem: r.doubt(ctx, j, cause)}
}

func sleep(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// finish completes an answer and tells the audit.
func (r *Runner) finish(ctx context.Context, j *job, a Answer) Answer {
	a = r.complete(j, a)
	r.audit(ctx, j, a)
	return a
}

func (r *Runner) complete(j *job, a Answer) Answer {
	a.Agent, a.Group, a.Verb = j.q.Agent, j.q.Group, j.q.Verb
	a.Private = a.Private || !a.OK || j.spec.Private
	a.Reply = dressed(j.q.speaker(), a.Reply, j.q.Agent)
	a.Question = j.q.speaker().Word(a.Question)
	if a.Problem != nil {
		a.Problem = a.Problem.at(j.q.speaker(), j.q.Door, j.q.Agent)
	}
	return a
}

// refuse is the answer to a request that was not begun.
func (r *Runner) refuse(ctx context.Context, j *job, p *Problem) Answer {
	agent := ""
	if j.api != nil {
		agent = j.q.Agent
	}
	a := Answer{Agent: j.q.Agent, Group: j.q.Group, Verb: j.q.Verb, Private: true, Problem: p.at(j.q.speaker(), j.q.Door, agent)}
	r.audit(ctx, j, a)
	return a
}

// dress lets a command tell how far it is, in the same clothes as its end.
func (r *Runner) dress(ctx context.Context, j *job) func(Reply) {
	if j.q.Tell == nil {
		return nil
	}
	var one sync.Mutex // a door hears one thing at a time
	return func(reply Reply) {
		one.Lock()
		defer one.Unlock()
		defer func() { // a door's defect ends no command
			if v := recover(); v != nil {
				r.panicked(ctx, j, v)
			}
		}()
		j.q.Tell(dressed(j.q.speaker(), reply, j.q.Agent))
	}
}

// dressed names the agent on every card and binds it to every button, and says
// what is not said yet.
func dressed(in language.Speaker, reply Reply, agent string) Reply {
	messages := make([]bridge.Message, 0, len(reply.Messages))
	for _, m := range reply.Messages {
		if m.Agent == "" {
			m.Agent = agent
		}
		m.Actions, m.Fields = bound(in, m.Actions, agent), labelled(in, m.Fields)
		messages = append(messages, m)
	}
	if len(messages) > 0 {
		reply.Messages = messages
	}
	reply.Text = in.Word(reply.Text)
	if reply.More != nil {
		reply.More = with(reply.More, "agent", agent)
	}
	if reply.Undo != nil {
		reply.Undo = &bound(in, []bridge.Action{*reply.Undo}, agent)[0]
	}
	return reply
}

// labelled says the names of facts.
func labelled(in language.Speaker, fields []bridge.Field) []bridge.Field {
	out := slices.Clone(fields)
	for i := range out {
		out[i].Name = in.Word(out[i].Name)
	}
	return out
}

// bound binds the agent to buttons, and Form to those whose command still needs
// words.
func bound(in language.Speaker, actions []bridge.Action, agent string) []bridge.Action {
	var out []bridge.Action
	for _, a := range actions {
		a.Label = in.Word(a.Label)
		if a.Command != "" {
			a.Args = maps.Clone(a.Args)
			if a.Args == nil {
				a.Args = map[string]string{}
			}
			if a.Args["agent"] == "" && agent != "" {
				a.Args["agent"] = agent
			}
			group, verb, _ := strings.Cut(a.Command, " ")
			if s, ok := Find(group, verb); ok && s.needsWords(a.Args) {
				a.Args[Form] = "yes"
			}
		}
		out = append(out, a)
	}
	return out
}

// needsWords reports that a required argument, or text that deserves a form, is
// not bound yet.
func (s *Spec) needsWords(args map[string]string) bool {
	return slices.ContainsFunc(s.Args, func(a Arg) bool { return (a.Required || a.Long) && args[a.Name] == "" })
}
