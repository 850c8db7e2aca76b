package command

import (
	"cmp"
	"context"
	"time"
)

// Entry is what the audit keeps of a command or a refusal: who did what, from
// where, with which result. It holds no text that people wrote, no secret and
// no file.
type Entry struct {
	At        time.Time         `json:"at"`
	ID        string            `json:"id,omitempty"`
	Principal Principal         `json:"principal"`
	Door      string            `json:"door"`
	Place     string            `json:"place,omitempty"`
	Agent     string            `json:"agent"`
	Group     string            `json:"group"`
	Verb      string            `json:"verb"`
	Access    string            `json:"access,omitempty"`
	Targets   map[string]string `json:"targets,omitempty"` // arguments that name things: ids, handles, choices
	Outcome   string            `json:"outcome"`           // done, scheduled, refused, failed, unknown, asked
	Status    string            `json:"status,omitempty"`  // the problem's stable word
	Took      time.Duration     `json:"took"`
}

// outcome is the audit's word for an answer.
func outcome(a Answer) string {
	switch {
	case a.OK && a.Reply.Planned != nil:
		return "scheduled"
	case a.OK:
		return "done"
	case a.NeedsConfirm:
		return "asked"
	case a.Problem == nil:
		return "running"
	case a.Problem.Unknown:
		return "unknown"
	case a.Problem.Code >= 400 && a.Problem.Code < 500:
		return "refused"
	}
	return "failed"
}

func (r *Runner) audit(ctx context.Context, j *job, a Answer) {
	e := Entry{
		At: j.begun, ID: cmp.Or(j.q.ID, j.trail), Principal: j.q.Principal, Door: j.q.Door, Place: j.q.Place,
		Agent: cmp.Or(a.Reply.about, j.q.Agent), Group: j.q.Group, Verb: j.q.Verb, Outcome: outcome(a), Took: time.Since(j.begun),
	}
	if a.Problem != nil {
		e.Status = a.Problem.Status
	}
	if j.spec != nil {
		e.Access, e.Targets = j.spec.Access.String(), targets(j)
	} else {
		e.Group, e.Verb = cut(e.Group, 32), cut(e.Verb, 32)
	}
	if j.api == nil {
		e.Agent = cut(e.Agent, 64)
	}
	var name, agent string // what is known; what somebody typed may be anything
	if j.spec != nil {
		name = j.spec.Name()
	}
	if j.api != nil {
		agent = e.Agent
	}
	r.o.Log.DebugContext(ctx, "command audited", "command", name, "agent", agent, "door", e.Door, "outcome", e.Outcome, "status", e.Status, "took", e.Took.Round(time.Millisecond))
	r.o.Audit(context.WithoutCancel(ctx), e)
}

// targets are the values that name something.
func targets(j *job) map[string]string {
	out := map[string]string{}
	for _, arg := range j.spec.Args {
		if arg.names() && j.args.Has(arg.Name) {
			out[arg.Name] = cut(typed(j.args.values[arg.Name]), 200)
		}
	}
	return out
}

// names reports an argument whose value is an id, a handle or a word from a list.
func (a Arg) names() bool {
	return !a.Secret && !a.Long && (a.Complete != "" || len(a.Choices) > 0 || a.Kind == Flag || a.People)
}
