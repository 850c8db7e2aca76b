package command

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/internal/language"
)

const (
	// atName is the argument that puts a command off. The runner takes it: what a
	// row of the table does is the same now and later.
	atName = "at"
	// maxPlans is how many commands may be scheduled for one agent.
	maxPlans = 100
	// maxLate is how late a scheduled command may still run, after the bridge was
	// away: as long as replies typed meanwhile are taken.
	maxLate = 24 * time.Hour
)

func atArg() Arg { return Arg{Name: atName, Summary: "when, such as 18:30", Max: 64} }

// Planned is a command that waits for its time.
type Planned struct {
	ID    string    `json:"id"`
	At    time.Time `json:"at"`
	Agent string    `json:"agent"`
	Text  string    `json:"text,omitempty"`
	Media []string  `json:"media,omitempty"`
}

// plan is a record as people and programs see it.
func plan(rec Record) Planned {
	media := strings.FieldsFunc(typed(rec.Request.Values["media"]), func(r rune) bool { return r == ',' || r == ' ' })
	return Planned{ID: planID(rec.ID), At: rec.Due, Agent: rec.Request.Agent, Text: typed(rec.Request.Values["text"]), Media: media}
}

// planID is a record's short name. The record's own says where it was ordered.
func planID(id string) string {
	sum := sha256.Sum256([]byte(id))
	return hex.EncodeToString(sum[:5])
}

func (p Planned) card(in language.Speaker, zone *time.Location, actions ...bridge.Action) bridge.Message {
	m := bridge.Message{
		Event: "post.scheduled", Agent: p.Agent, At: p.At, Title: in.Word("Scheduled post"), Text: cut(p.Text, maxText), Fields: field("When", Moment(p.At, zone)), Actions: actions,
	}
	if len(p.Media) > 0 {
		m.Footnote = in.Count(len(p.Media), "attachment")
	}
	return m
}

func (p Planned) cancel() bridge.Action { return press("Cancel", "post unschedule", "scheduled", p.ID) }

// zone is whose clock a request means.
func (r *Runner) zone(q Request) *time.Location {
	for _, name := range []string{q.Zone, r.o.Zone} {
		if zone, err := time.LoadLocation(name); err == nil && name != "" {
			return zone
		}
	}
	return time.UTC
}

// putOff reports that a command is to run later.
func (j *job) putOff() bool { return j.args.Text(atName) != "" }

// timely checks when a command is to run. What has passed since it was sent is
// no mistake unless strict: it may be the repeat of one that ran in time.
func (r *Runner) timely(j *job, strict bool) error {
	if !j.putOff() {
		return nil
	}
	if len(j.q.Files) > 0 {
		return &ArgError{
			Spec: j.spec, Arg: "files", Status: "file", Reason: phrase("Not scheduled: files are not kept until then."),
			Hint: phrase(`Upload them first ("media image" or "media video") and give their ids as media.`),
		}
	}
	_, err := When(j.args.Text(atName), j.begun, r.zone(j.q))
	if e, ok := errors.AsType[*ArgError](err); ok && (strict || e.Status != "passed") {
		return unplanned(j.spec, e)
	}
	return nil
}

// unplanned is why a time was refused, as a sentence about the command.
func unplanned(spec *Spec, e *ArgError) *ArgError {
	e.Spec, e.Arg, e.Reason = spec, atName, phrase("Not scheduled: %s", e.Reason)
	return e
}

// schedule keeps a recorded command for its time, counted from when it was noted.
func (r *Runner) schedule(ctx context.Context, j *job, rec Record) Answer {
	due, err := When(j.args.Text(atName), rec.At, r.zone(j.q))
	zone := due.Location()
	if e, ok := errors.AsType[*ArgError](err); ok {
		return r.close(ctx, j, rec, r.finish(ctx, j, Answer{Problem: r.explain(ctx, j, unplanned(j.spec, e))}))
	}
	if waiting, err := r.planned(ctx, j.q.Agent, nil); err != nil {
		return r.unnoted(ctx, j, err)
	} else if len(waiting) >= maxPlans {
		return r.close(ctx, j, rec, r.finish(ctx, j, Answer{Problem: &Problem{
			Code: 409, Status: "too_many_scheduled", Message: j.say("Not scheduled: %d posts wait as @%s already, the most.", len(waiting), j.q.Agent),
			Hint: "Cancel one first.", Buttons: []bridge.Action{{Label: "Show", Command: "post scheduled"}},
		}}))
	}
	rec.State, rec.Due, rec.Request.Values = Scheduled, due, maps.Clone(rec.Request.Values)
	delete(rec.Request.Values, atName)
	rec.Request.Agent = j.q.Agent
	p := plan(rec)
	a := r.complete(j, Answer{OK: true, Reply: Reply{
		Text:     j.say("Will be posted as @%s at %s.", j.q.Agent, Moment(due, zone)),
		Messages: []bridge.Message{p.card(j.q.speaker(), zone)}, Planned: &p, Undo: new(p.cancel()),
	}})
	rec.Answer = kept(j.spec, a)
	_, err = r.o.Records.Update(ctx, rec)
	switch {
	case errors.Is(err, ErrMoved):
		return r.atWork(j)
	case err != nil:
		return r.unnoted(ctx, j, err)
	}
	r.audit(ctx, j, a)
	r.wake()
	return a
}

// planned lists what waits for its time as an agent and may be seen, in the order in
// which it will run. A nil who sees all.
func (r *Runner) planned(ctx context.Context, agent string, who *Principal) ([]Record, error) {
	open, err := r.o.Records.Open(ctx)
	if err != nil {
		return nil, fmt.Errorf("list scheduled commands: %w", err)
	}
	out := slices.DeleteFunc(open, func(rec Record) bool {
		by := rec.Request.Principal
		return rec.State != Scheduled || rec.Request.Agent != agent ||
			who != nil && who.Platform != NATS && who.Platform != Terminal && (by.Platform != who.Platform || by.Workspace != who.Workspace)
	})
	slices.SortStableFunc(out, func(a, b Record) int { return cmp.Or(a.Due.Compare(b.Due), cmp.Compare(a.ID, b.ID)) })
	return out, nil
}

// desk is what commands about scheduled ones may do for the person who asks.
type desk struct {
	r   *Runner
	who Principal
}

// errNoDesk answers where nothing is recorded.
func errNoDesk() *Problem {
	return &Problem{Code: 503, Status: "no_bridge", Message: "Not scheduled: only a running bridge can do things later.", Hint: `Start it with "imaginebridge run".`}
}

func (d *desk) list(ctx context.Context, agent string) ([]Record, error) {
	if d == nil || d.r.o.Records == nil {
		return nil, &Problem{Code: 503, Status: "no_bridge", Message: "Only a running bridge keeps posts for later.", Hint: `Start it with "imaginebridge run".`}
	}
	return d.r.planned(ctx, agent, &d.who)
}

// cancel ends a scheduled command. ErrMoved says that its time came just now.
func (d *desk) cancel(ctx context.Context, agent, id string) (rec Record, found bool, err error) {
	all, err := d.list(ctx, agent)
	if err != nil {
		return Record{}, false, err
	}
	i := slices.IndexFunc(all, func(rec Record) bool { return planID(rec.ID) == id })
	if i < 0 {
		return Record{}, false, nil
	}
	was := all[i]
	rec = was
	rec.State, rec.Request.Values, rec.Request.Back = Failed, nil, nil
	rec.Answer = &Answer{Agent: agent, Group: was.Request.Group, Verb: was.Request.Verb, Private: true, Problem: &Problem{Code: 409, Status: "cancelled", Message: "Not posted: it was cancelled."}}
	_, err = d.r.o.Records.Update(ctx, rec)
	return was, true, err
}
