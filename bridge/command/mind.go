package command

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/imaginebridge/imaginebridge/bridge"
)

const (
	// mindEvery is how often commands are looked for that a process left behind.
	mindEvery = 10 * time.Second
	// mindAgain is the pause before something is tried again that the store held up.
	mindAgain = 2 * time.Second
	// maxMinded is how many commands are taken up at once.
	maxMinded = 16
	// settleTime is how long a process that just started waits until it knows
	// whom each workspace may reach, before it refuses what was left behind.
	settleTime = 2 * time.Minute
	// reachTime is the same for something scheduled, from when it is due.
	reachTime = time.Hour
)

// mind is what a runner keeps in mind of commands that nobody waits for.
type mind struct {
	born time.Time
	wake chan struct{}
	room chan struct{}

	mu       sync.Mutex
	taken    map[string]time.Time // records taken up here: zero while in work, then when to try again
	disowned map[string]Record    // told as not done: never to be run from what may be stored
	brought  map[string]Record    // whose answers people have, which the store does not know yet
}

func newMind() *mind {
	return &mind{
		born: time.Now(), wake: make(chan struct{}, 1), room: make(chan struct{}, maxMinded),
		taken: map[string]time.Time{}, disowned: map[string]Record{}, brought: map[string]Record{},
	}
}

// wake makes Run look at once.
func (r *Runner) wake() {
	select {
	case r.mind.wake <- struct{}{}:
	default: // it is about to look
	}
}

// Run begins scheduled commands when they are due, and ends those that a
// process left behind, until ctx ends; tell hears of each as from Recover. What
// is in work then is given up as ctx says. It returns nil.
func (r *Runner) Run(ctx context.Context, tell func(Request, Answer)) error {
	var work sync.WaitGroup
	defer work.Wait()
	for ctx.Err() == nil {
		next, err := r.look(ctx, &work, tell)
		if err != nil && ctx.Err() == nil {
			r.o.Log.WarnContext(ctx, "commands left behind could not be looked at", "err", err)
			next = time.Now().Add(mindAgain)
		}
		timer := time.NewTimer(time.Until(next))
		select {
		case <-ctx.Done():
		case <-r.mind.wake:
		case <-timer.C:
		}
		timer.Stop()
	}
	return nil
}

// Recover takes up, once, what is due and what a process left behind: commands
// whose owner does not run any more are settled as a repeat of them would be,
// and tell hears the answer with the request as it was recorded. Commands that
// were only recorded run now, unless what they need was not kept. tell may be
// called by several goroutines. Errors: of Records.
func (r *Runner) Recover(ctx context.Context, tell func(Request, Answer)) error {
	var work sync.WaitGroup
	defer work.Wait()
	_, err := r.look(ctx, &work, tell)
	return err
}

// look takes up what is to be done now, and says when to look again.
func (r *Runner) look(ctx context.Context, work *sync.WaitGroup, tell func(Request, Answer)) (next time.Time, err error) {
	next = time.Now().Add(mindEvery)
	if !r.bury(ctx) {
		next = time.Now().Add(mindAgain)
	}
	r.noteBrought(ctx)
	r.forget()
	open, err := r.o.Records.Open(ctx)
	if err != nil {
		return next, fmt.Errorf("list open commands: %w", err)
	}
	for _, rec := range open {
		if at := r.dueAt(rec); at.After(time.Now()) {
			if at.Before(next) {
				next = at
			}
			continue
		}
		select {
		case r.mind.room <- struct{}{}:
		case <-ctx.Done():
			return next, ctx.Err()
		}
		r.take(rec.ID, time.Time{})
		work.Go(func() {
			defer func() { <-r.mind.room }()
			if rec.Owed {
				r.bringOwed(ctx, rec, tell)
				return
			}
			r.bring(ctx, rec, tell)
		})
	}
	return next, nil
}

// bring brings a record to its end, and says so.
func (r *Runner) bring(ctx context.Context, rec Record, tell func(Request, Answer)) {
	q := rec.Request
	if a := r.resume(ctx, rec); a.Running {
		r.take(rec.ID, time.Now().Add(mindAgain))
		r.wake()
	} else {
		if a.told == nil { // else it stays taken until it is brought
			r.release(rec.ID)
		}
		tell(q, a)
	}
}

func (r *Runner) take(id string, until time.Time) {
	r.mind.mu.Lock()
	defer r.mind.mu.Unlock()
	r.mind.taken[id] = until
}

func (r *Runner) release(id string) {
	r.mind.mu.Lock()
	defer r.mind.mu.Unlock()
	delete(r.mind.taken, id)
}

// forget drops what is long over.
func (r *Runner) forget() {
	r.mind.mu.Lock()
	defer r.mind.mu.Unlock()
	maps.DeleteFunc(r.mind.taken, func(_ string, until time.Time) bool { return !until.IsZero() && time.Since(until) > mindEvery })
}

// never is a time that is not looked forward to.
var never = time.Unix(1<<40, 0)

// dueAt is when a record is to be taken up here, as far as is known now.
func (r *Runner) dueAt(rec Record) time.Time {
	r.mind.mu.Lock()
	until, taken := r.mind.taken[rec.ID]
	_, disowned := r.mind.disowned[rec.ID]
	_, brought := r.mind.brought[rec.ID]
	r.mind.mu.Unlock()
	switch {
	case disowned, brought, taken && until.IsZero(), r.turns.busy(rec.ID):
		return never
	case taken && until.After(time.Now()):
		return until
	case rec.State == Scheduled:
		if time.Since(rec.Due) < reachTime && !r.reaches(rec.Request) {
			return laterOf(rec.Due, time.Now().Add(mindAgain))
		}
		return rec.Due
	case rec.Owner == r.o.Owner && rec.State == Recorded: // noted for a door of this process that is about to come with it
		return rec.At.Add(closeTime)
	case rec.Owner != r.o.Owner && r.o.Alive(rec.Owner):
		return never
	case rec.Owed:
	case time.Since(r.mind.born) < settleTime && !r.reaches(rec.Request):
		return time.Now().Add(mindAgain)
	}
	return time.Time{}
}

func laterOf(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// reaches reports that a request's agent is known here, and to whom asks.
func (r *Runner) reaches(q Request) bool { return slices.Contains(r.Reachable(q.Principal), q.Agent) }

// missed is the end of a scheduled command for which the bridge came back too late.
func (r *Runner) missed(j *job, rec Record) *Problem {
	return &Problem{
		Code: 410, Status: "missed", Message: j.say("%s: it was due at %s, and the bridge was away for more than a day.", j.say(j.spec.failed()), Moment(rec.Due, r.zone(rec.Request))),
		Buttons: []bridge.Action{{Label: "Do it now", Command: j.spec.Name(), Args: typedAll(rec.Request.Values), Primary: true}},
	}
}

// note records a command, or gives what is recorded of it. What was told as not
// done may be sent again under its old id: that is a new beginning.
func (r *Runner) note(ctx context.Context, j *job) (rec Record, fresh bool, err error) {
	fresher := r.newRecord(j)
	rec, fresh, err = r.o.Records.Create(ctx, fresher)
	if err == nil && !fresh && buried(rec) && samePerson(rec.Request.Principal, j.q.Principal) {
		fresher.Rev = rec.Rev
		rec, err = r.o.Records.Update(ctx, fresher)
		fresh = true
	}
	if err == nil {
		r.mind.mu.Lock()
		delete(r.mind.disowned, j.q.ID)
		r.mind.mu.Unlock()
		r.o.Log.DebugContext(ctx, "command recorded", "command", j.spec.Name(), "state", rec.State, "fresh", fresh)
	}
	return rec, fresh, err
}

func notRecorded() *Problem {
	return &Problem{Code: 503, Status: "not_recorded", Message: "Not done: the bridge could not note this command.", Hint: "Send it again in a few seconds."}
}

// unnoted is the answer to a command that the store did not take.
func (r *Runner) unnoted(ctx context.Context, j *job, cause error) Answer {
	return r.refuse(ctx, j, r.disown(ctx, j, cause))
}

// disown remembers that a command was told as not done although the store, which
// did not answer, may have taken it: Run puts an ended record in its place.
func (r *Runner) disown(ctx context.Context, j *job, cause error) *Problem {
	r.o.Log.WarnContext(ctx, "command not recorded", "command", j.spec.Name(), "agent", j.q.Agent, "err", cause)
	p := notRecorded()
	rec := r.newRecord(j)
	rec.State, rec.Request.Values, rec.Request.Back = Failed, nil, nil
	rec.Answer = &Answer{Agent: j.q.Agent, Group: j.q.Group, Verb: j.q.Verb, Private: true, Problem: p}
	r.mind.mu.Lock()
	r.mind.disowned[rec.ID] = rec
	r.mind.mu.Unlock()
	r.wake()
	return p
}

// buried reports the record of a command that was told as not done.
func buried(rec Record) bool {
	return rec.State == Failed && rec.Answer != nil && rec.Answer.Problem != nil && rec.Answer.Problem.Status == notRecorded().Status
}

// bury ends the records of disowned commands, those included that were never
// stored: a write that is still on its way then comes too late. It reports that
// none is left.
func (r *Runner) bury(ctx context.Context) bool {
	r.mind.mu.Lock()
	var all []Record
	for _, rec := range r.mind.disowned {
		all = append(all, rec)
	}
	r.mind.mu.Unlock()
	left := false
	for _, rec := range all {
		if err := r.buryOne(ctx, rec); err != nil {
			left = true
			continue
		}
		r.mind.mu.Lock()
		delete(r.mind.disowned, rec.ID)
		r.mind.mu.Unlock()
	}
	return !left
}

func (r *Runner) buryOne(ctx context.Context, rec Record) error {
	stored, fresh, err := r.o.Records.Create(ctx, rec)
	if err != nil || fresh || stored.State != Recorded && stored.State != Running && stored.State != Scheduled || r.turns.busy(rec.ID) {
		return err
	}
	rec.Rev, rec.At = stored.Rev, stored.At
	if _, err = r.o.Records.Update(ctx, rec); errors.Is(err, ErrMoved) {
		return nil // somebody went on with it
	}
	return err
}
