package command

import (
	"context"
	"encoding/json"
	"errors"
	"time"
)

const (
	// owedAfter is how long a door has to bring an answer before it is brought for it.
	owedAfter = time.Minute
	// owedAgain is the pause before an answer that could not be brought is tried again.
	owedAgain = 30 * time.Second
	// maxOwed is after what time nobody waits for an answer any more. The audit has it.
	maxOwed = 24 * time.Hour
)

// Told notes that the person has the answer. Until then it is owed: where the
// process ends before, or the platform can't be reached, it is brought later by
// whoever tells of commands left behind (Run). It may be called more than once.
func (a Answer) Told(ctx context.Context) {
	if a.told != nil {
		a.told(ctx)
	}
}

// owes reports that a door can bring an answer later, and knows whether it did.
func owes(q Request) bool {
	return len(q.Back) > 0 && (q.Door == Discord || q.Door == Slack)
}

// owe marks an ended record whose answer a person has still to get, and keeps the
// way back to them.
func owe(rec *Record, back json.RawMessage) {
	rec.Request.Back = nil
	if rec.Owed = owes(Request{Door: rec.Request.Door, Back: back}); rec.Owed {
		rec.Request.Back = back
	}
}

// owing gives an answer the means to note that it was brought. The door has a
// while for that.
func (r *Runner) owing(rec Record, a Answer) Answer {
	if !rec.Owed {
		return a
	}
	r.take(rec.ID, time.Now().Add(owedAfter))
	a.told = func(ctx context.Context) { r.settled(ctx, rec) }
	return a
}

// settled ends what is owed. Where the store does not take that now, it is tried
// again with every look, and the answer is not brought a second time.
func (r *Runner) settled(ctx context.Context, rec Record) {
	rec.Owed, rec.Request.Back = false, nil
	r.release(rec.ID)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTime)
	defer cancel()
	_, err := r.o.Records.Update(ctx, rec)
	r.mind.mu.Lock()
	defer r.mind.mu.Unlock()
	if err == nil || errors.Is(err, ErrMoved) {
		delete(r.mind.brought, rec.ID)
		return
	}
	r.mind.brought[rec.ID] = rec
}

// noteBrought tries again to note what was brought.
func (r *Runner) noteBrought(ctx context.Context) {
	r.mind.mu.Lock()
	var all []Record
	for _, rec := range r.mind.brought {
		all = append(all, rec)
	}
	r.mind.mu.Unlock()
	for _, rec := range all {
		r.settled(ctx, rec)
	}
}

// bringOwed brings an answer that a door, or a process, did not bring. Whoever
// takes the record over first does it.
func (r *Runner) bringOwed(ctx context.Context, rec Record, tell func(Request, Answer)) {
	r.take(rec.ID, time.Now().Add(owedAgain))
	rec.Owner = r.o.Owner
	rec, err := r.o.Records.Update(ctx, rec)
	if err != nil || rec.Answer == nil {
		return // another process was quicker, or the store will tell again
	}
	if time.Since(rec.At) > maxOwed {
		r.o.Log.WarnContext(ctx, "nobody could be told how a command ended", "command", rec.Request.Group+" "+rec.Request.Verb, "agent", rec.Request.Agent)
		r.settled(ctx, rec)
		return
	}
	a := *rec.Answer
	a.told = func(ctx context.Context) { r.settled(ctx, rec) }
	tell(rec.Request, a)
}
