package command

import (
	"context"
	"sync"
	"time"

	"github.com/imaginebridge/imaginebridge/internal/imagine"
	"github.com/imaginebridge/imaginebridge/internal/language"
)

const (
	// maxInFlight is how many commands one process runs at once (docs/reliability.md, limits).
	maxInFlight = 256
	// maxPerPerson is how many of them one person may have; further ones wait their turn.
	maxPerPerson = 5
	// maxWaiting is how many of a person's commands wait; more are refused.
	maxWaiting = 20
	// patience is after what time somebody who waits is told why.
	patience = 3 * time.Second
)

// turns keeps one person's flood from everybody else's commands, and knows
// which records this process is at work on.
type turns struct {
	mu      sync.Mutex
	running int
	people  map[string]*queue
	records map[string]bool
}

// queue is one person's commands. Slots are handed over in order of arrival.
type queue struct {
	running int
	waiting []chan struct{}
}

func newTurns() *turns {
	return &turns{people: map[string]*queue{}, records: map[string]bool{}}
}

func (t *turns) begin(id string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.records[id] {
		return false
	}
	t.records[id] = true
	return true
}

func (t *turns) end(id string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.records, id)
}

func (t *turns) busy(id string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.records[id]
}

// enter waits for a place. late is called once when that takes long, with the
// number of commands ahead.
func (t *turns) enter(ctx context.Context, j *job, late func(ahead int)) (leave func(), p *Problem) {
	who := j.q.Principal.Platform + " " + j.q.Principal.Workspace + " " + j.q.Principal.User
	one := maxPerPerson
	if j.q.Principal.Platform == NATS || j.q.Principal.Platform == Terminal {
		one = maxInFlight
	}
	t.mu.Lock()
	q := t.people[who]
	if q == nil {
		q = &queue{}
		t.people[who] = q
	}
	switch {
	case t.running >= maxInFlight || len(q.waiting) >= maxWaiting:
		t.drop(who, q)
		t.mu.Unlock()
		return nil, &Problem{Code: 503, Status: "busy", Message: j.say("%s: too many commands are running.", j.say(j.spec.failed())), Hint: "Send it again in 10 s."}
	case q.running < one:
		q.running++
		t.running++
		t.mu.Unlock()
		return func() { t.leave(who) }, nil
	}
	turn := make(chan struct{})
	q.waiting = append(q.waiting, turn)
	ahead := len(q.waiting)
	t.mu.Unlock()
	return t.wait(ctx, j, who, turn, func() { late(ahead) })
}

func (t *turns) wait(ctx context.Context, j *job, who string, turn chan struct{}, late func()) (func(), *Problem) {
	timer := time.NewTimer(patience)
	defer timer.Stop()
	for {
		select {
		case <-turn: // the place was handed over
			return func() { t.leave(who) }, nil
		case <-timer.C:
			late()
		case <-ctx.Done():
			if t.giveUp(who, turn) {
				t.leave(who)
			}
			return nil, &Problem{Code: 503, Status: "busy", Message: j.say("%s: your other commands took too long.", j.say(j.spec.failed())), Hint: "Send it again when they are done."}
		}
	}
}

// giveUp takes a waiting command out. It reports that its turn had come just before.
func (t *turns) giveUp(who string, turn chan struct{}) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	q := t.people[who]
	for i, w := range q.waiting {
		if w == turn {
			q.waiting = append(q.waiting[:i:i], q.waiting[i+1:]...)
			return false
		}
	}
	return true
}

func (t *turns) leave(who string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	q := t.people[who]
	if len(q.waiting) > 0 {
		close(q.waiting[0])
		q.waiting = q.waiting[1:]
		return
	}
	q.running--
	t.running--
	t.drop(who, q)
}

func (t *turns) drop(who string, q *queue) {
	if q.running == 0 && len(q.waiting) == 0 {
		delete(t.people, who)
	}
}

// patience words a wait for one's own earlier commands.
func (r *Runner) patience(j *job) func(ahead int) {
	return func(ahead int) {
		j.args.Tell(Reply{Text: j.say("%d of your commands are ahead of this one; nothing to press.", ahead+maxPerPerson-1)})
	}
}

// announce tells the person why nothing comes when the API asks for a pause or
// the rate budget is spent. stop ends it.
func (r *Runner) announce(ctx context.Context, j *job) (stop func()) {
	if j.q.Tell == nil || j.api == nil {
		return func() {}
	}
	class := j.spec.class()
	if b := j.api.Budget(class); b.Wait >= patience {
		j.args.Tell(Reply{Text: pauseWords(j.q.speaker(), b)})
		return func() {}
	}
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	t := time.AfterFunc(patience, func() {
		defer close(done)
		if text := pauseWords(j.q.speaker(), j.api.Budget(class)); text != "" && ctx.Err() == nil {
			j.args.Tell(Reply{Text: text})
		}
	})
	return func() {
		cancel()
		if !t.Stop() {
			<-done // nothing is told after the answer
		}
	}
}

// pauseWords says why a call waits, or nothing when it does not.
func pauseWords(in language.Speaker, b imagine.Budget) string {
	switch {
	case b.Wait > 0:
		return in.Say("ImagineAnything asks for a pause. I'll do it in %d s; nothing to press.", int((b.Wait+time.Second-1)/time.Second))
	case b.Remaining <= b.Limit/10:
		return in.Say("ImagineAnything allows %d of these a minute. I'll do it when its turn comes; nothing to press.", b.Limit)
	}
	return ""
}
