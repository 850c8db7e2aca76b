package command

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/imaginebridge/imaginebridge/internal/imagine"
	"github.com/imaginebridge/imaginebridge/internal/trail"
)

// RunnerOptions is what a Runner needs. Agents is required.
type RunnerOptions struct {
	Agents func() map[string]*imagine.Client     // by handle, those of this moment
	Reach  func(p Principal) []string            // handles a principal's workspace is connected to; nil: all
	Access func(p Principal, agent string) Lists // who may do what; nil: empty lists
	// Now is who a person is at this moment, with the roles that they have by now, for what they ordered
	// earlier; false while nobody can tell. nil: as they were then.
	Now func(ctx context.Context, p Principal) (Principal, bool)
	// Groups gives those of some Slack user groups that a person is in at this moment: Slack does not send them
	// along. The error, with what is known nevertheless, is a *Problem. nil: as the request says.
	Groups  func(ctx context.Context, p Principal, ids []string) ([]string, error)
	Records Records                                                              // the ledger; nil: nothing is recorded, so a repeat runs again
	Audit   func(ctx context.Context, e Entry)                                   // hears of every command and refusal; nil: nobody does
	Label   func(ctx context.Context, p Principal, listed string) string         // a listed principal's name, "@Agent-Team"; "" where it is not known; nil: none is
	Keep    func(ctx context.Context, p Principal, r imagine.Registration) error // seals the secret of an agent just registered; nil: nobody registers
	Spent   func(ctx context.Context, agent string, p Principal) int             // generations p has started as agent today; nil: not counted
	Daily   func() int                                                           // generations a person may start a day before being asked; nil or 0: no end
	House   *House                                                               // the bridge itself, for its own commands; nil: they can't be done here
	Zone    string                                                               // time zone of people whose door tells none; "": UTC
	Owner   string                                                               // this process, in records
	Alive   func(owner string) bool                                              // whether another process runs; nil: none does
	Trace   trail.Tracer                                                         // nil: nothing is traced
	Log     *slog.Logger                                                         // nil: none
}

// Runner runs commands. It is safe for concurrent use.
type Runner struct {
	o     RunnerOptions
	turns *turns
	mind  *mind
}

// NewRunner makes one.
func NewRunner(o RunnerOptions) *Runner {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Access == nil {
		o.Access = func(Principal, string) Lists { return Lists{} }
	}
	if o.Audit == nil {
		o.Audit = func(context.Context, Entry) {}
	}
	o.Trace = trail.Or(o.Trace)
	if o.Alive == nil {
		o.Alive = func(string) bool { return false }
	}
	return &Runner{o: o, turns: newTurns(), mind: newMind()}
}

// job is one request on its way through the runner.
type job struct {
	q     Request
	spec  *Spec
	api   *imagine.Client
	args  Args
	begun time.Time
	left  bool   // taken up from the ledger, with nobody waiting for the answer
	early bool   // an acknowledgement waits
	trail string // id in the log; q.ID where there is one
}

// Do finds, authorises, checks, records, runs and audits one command. It never
// panics and never runs a recorded command twice. ctx bounds the work: a
// command that ends with it is settled by reading, or told as unknown.
func (r *Runner) Do(ctx context.Context, q Request) (a Answer) {
	j := &job{q: q, begun: time.Now()}
	ctx, end := r.follow(ctx, j)
	defer func() { end(a) }()
	defer func() { // of the functions handed in: a command's own panic is caught where it is called
		if v := recover(); v != nil {
			r.panicked(ctx, j, v)
			a = Answer{Agent: q.Agent, Group: q.Group, Verb: q.Verb, Private: true, Problem: Explain(q.speaker(), errPanicked)}
		}
	}()
	if p := r.prepare(ctx, j); p != nil {
		return r.refuse(ctx, j, p)
	}
	if a, asked := r.ask(ctx, j); asked {
		return r.finish(ctx, j, a)
	}
	return r.once(ctx, j)
}

// Check says no without doing anything: unknown commands, agents out of reach,
// people who may not, arguments that are wrong. It is for forms and for doors
// that want to know before they acknowledge; Do checks again.
func (r *Runner) Check(ctx context.Context, q Request) *Problem {
	j := &job{q: q, begun: time.Now()}
	p := r.prepare(ctx, j)
	if p == nil {
		if err := r.timely(j, true); err != nil {
			p = r.explain(ctx, j, err)
		}
	}
	return p.In(q.speaker())
}

// prepare finds, authorises and parses.
func (r *Runner) prepare(ctx context.Context, j *job) *Problem {
	spec, p := find(j.q.speaker(), j.q.Group, j.q.Verb)
	if p != nil {
		return p
	}
	j.spec = spec
	j.q.Group, j.q.Verb = spec.Group, spec.Verb
	j.unbind()
	if p := r.choose(j); p != nil {
		return p
	}
	if p := r.authorise(ctx, j); p != nil {
		return p
	}
	args, err := Parse(spec, j.q.Values, j.q.Files)
	if err == nil {
		err = secrets(spec, j.q)
	}
	if j.args = args; err == nil {
		err = r.timely(j, false)
	}
	if err != nil {
		return r.explain(ctx, j, err)
	}
	args.zone, args.desk = r.zone(j.q), &desk{r, j.q.Principal}
	args.agent, args.in, args.confirmed, args.tell = j.q.Agent, j.q.speaker(), j.q.Confirmed, r.dress(ctx, j)
	if r.o.Keep != nil {
		args.keep = func(ctx context.Context, reg imagine.Registration) error { return r.o.Keep(ctx, j.q.Principal, reg) }
	}
	j.args = args
	return nil
}

// unbind takes out of the values what buttons bind besides arguments.
func (j *job) unbind() {
	agent, named := j.q.Values["agent"].(string)
	if _, form := j.q.Values[Form]; !named && !form {
		return
	}
	j.q.Values = maps.Clone(j.q.Values)
	delete(j.q.Values, "agent")
	delete(j.q.Values, Form)
	if j.q.Agent == "" {
		j.q.Agent = agent
	}
}

// Reachable lists the agents a principal may name, in alphabetical order.
func (r *Runner) Reachable(p Principal) []string {
	all := r.o.Agents()
	if r.o.Reach == nil || p.Platform == NATS || p.Platform == Terminal {
		return slices.Sorted(maps.Keys(all))
	}
	var out []string
	for _, h := range r.o.Reach(p) {
		if all[h] != nil {
			out = append(out, h)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// Allowed lists the commands a principal may use as an agent.
func (r *Runner) Allowed(p Principal, agent string) []Spec {
	lists := r.o.Access(p, agent)
	return slices.DeleteFunc(Table(), func(s Spec) bool { return !lists.allows(p, s.Access) })
}

// choose settles which agent acts. An agent out of reach reads like one that does not exist.
func (r *Runner) choose(j *job) *Problem {
	near := r.Reachable(j.q.Principal)
	if p := r.named(j, near); p != nil {
		return p
	}
	j.q.Agent = bareHandle(j.q.Agent)
	switch {
	case j.q.Agent == "" && j.spec.House != nil && (j.spec.Whole || len(near) != 1):
		return nil // it needs none
	case j.q.Agent == "" && len(near) == 1:
		j.q.Agent = near[0]
	case j.q.Agent == "" && len(near) == 0:
		return &Problem{Code: 404, Status: "no_agent", Message: "No agent is connected here yet.", Hint: "An admin can connect one: /ia connect."}
	case j.q.Agent == "":
		return &Problem{Code: 400, Status: "agent_required", Field: "agent", Message: j.say("Several agents are connected here: %s.", allOf(near)), Hint: j.say("Say which one: %s", "agent:"+near[0])}
	}
	if i := slices.IndexFunc(near, func(h string) bool { return strings.EqualFold(h, j.q.Agent) }); i >= 0 {
		j.q.Agent = near[i]
		j.api = r.o.Agents()[near[i]]
	}
	if j.api == nil {
		return noAgent(j.q, near)
	}
	return nil
}

// named settles the agent of commands that an argument may name it for. Who asks on
// the subject of one agent is permitted that one alone.
func (r *Runner) named(j *job, near []string) *Problem {
	if j.spec.Whole && !j.q.bound() && slices.Contains(near, bareHandle(j.q.Agent)) {
		j.q.Agent = "" // doors name the agent of where people are
	}
	of, _ := j.q.Values[j.spec.Of].(string)
	switch {
	case j.spec.Of == "" || of == "":
	case j.q.bound() && !strings.EqualFold(bareHandle(of), j.q.Agent):
		q := j.q
		q.Agent = of
		return noAgent(q, nil)
	default:
		j.q.Agent = of
	}
	return nil
}

func (r *Runner) authorise(ctx context.Context, j *job) *Problem {
	lists := r.o.Access(j.q.Principal, j.q.Agent)
	unseen := r.enrol(ctx, j, lists)
	switch {
	case lists.allows(j.q.Principal, j.spec.Access):
		return nil
	case unseen != nil:
		return unseen
	}
	return r.denied(ctx, j, lists)
}

// ask asks before what can't be undone, and before one more generation than a person has a day.
func (r *Runner) ask(ctx context.Context, j *job) (Answer, bool) {
	if j.q.Confirmed {
		return Answer{}, false
	}
	question := ""
	switch {
	case j.spec.Confirm:
		question = j.say(j.spec.Question)
	case j.spec.Repeat == Costs && r.o.Spent != nil && r.daily() > 0:
		if n := r.o.Spent(ctx, j.q.Agent, j.q.Principal); n >= r.daily() {
			question = j.say("You have started %s as @%s today, and each costs its owner money. Start another?", counted(n, "generation"), j.q.Agent)
		}
	}
	return Answer{NeedsConfirm: true, Question: question}, question != ""
}

func (r *Runner) daily() int {
	if r.o.Daily == nil {
		return 0
	}
	return r.o.Daily()
}

// limit is how long one command may take: a large upload and its processing.
const limit = 10 * time.Minute

// perform calls the spec's function and settles what is uncertain.
func (r *Runner) perform(ctx context.Context, j *job) Answer {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	leave, p := r.turns.enter(ctx, j, r.patience(j))
	if p != nil {
		return Answer{Problem: p}
	}
	defer leave()
	r.o.Log.DebugContext(ctx, "command runs", "command", j.spec.Name(), "agent", j.q.Agent)
	stop := r.announce(ctx, j)
	run := j.spec.Run
	if j.spec.House != nil {
		run = func(ctx context.Context, _ *imagine.Client, _ Args) (Reply, error) { return r.house(ctx, j) }
	}
	reply, err := r.call(ctx, j, run)
	if err != nil && j.spec.Repeat == Same && doubtful(j.spec, err) && sleep(ctx, looks[1]) {
		reply, err = r.call(ctx, j, run) // twice is the same as once
	}
	stop()
	if err == nil {
		return Answer{OK: true, Reply: reply}
	}
	if a, ok := errors.AsType[*AskError](err); ok && !j.q.Confirmed {
		return Answer{NeedsConfirm: true, Question: a.Question, Agree: a.Agree}
	}
	if doubtful(j.spec, err) {
		return r.settle(ctx, j, err)
	}
	return Answer{Problem: r.explain(ctx, j, err)}
}

// call runs a function of the table and turns its panic into an error.
func (r *Runner) call(ctx context.Context, j *job, run func(context.Context, *imagine.Client, Args) (Reply, error)) (reply Reply, err error) {
	defer func() {
		if v := recover(); v != nil {
			r.panicked(ctx, j, v)
			err = errPanicked
		}
	}()
	return run(ctx, j.api, j.args)
}

// panicked logs a defect, without the value: it may hold what people wrote.
func (r *Runner) panicked(ctx context.Context, j *job, v any) {
	r.o.Log.ErrorContext(ctx, "command panicked", "command", j.q.Group+" "+j.q.Verb, "agent", j.q.Agent, "panic", fmt.Sprintf("%T", v), "stack", string(debug.Stack()))
}

// errPanicked is a defect of ours. What it interrupted may have been done.
var errPanicked = errors.New("the command ended unexpectedly")

// AskError asks a question before a command goes on; the same request with
// Confirmed is the yes.
type AskError struct {
	Question string
	Agree    string // what the button of the yes says; "" for the usual
}

// Error is the question.
func (e *AskError) Error() string { return e.Question }
