package bridge

import (
	"context"
	"strconv"
	"time"
)

// hush waits while it is quiet at the destination.
func (w *Worker) hush(ctx context.Context) error {
	for ctx.Err() == nil {
		until := w.Subscription.Quiet.Until(time.Now())
		if until.IsZero() {
			return nil
		}
		if w.record.State != Suspended {
			w.record.State, w.record.Reason, w.record.Until = Held, "quiet hours", until.UTC()
			w.unsaved = true
			if err := w.insist(ctx, "hold", w.save); err != nil {
				return err
			}
		}
		w.behind = true
		late := w.waiting.Swap(0) != 0   // nobody is late who is to be quiet
		_ = wait(ctx, time.Until(until)) // its error ends the loop
		if late {
			w.waiting.Store(time.Now().UnixNano())
		}
	}
	return ctx.Err()
}

// await waits until the cap on messages leaves room. Edits are free.
func (w *Worker) await(ctx context.Context, d Delivery) error {
	if free := w.slot(); d.Replaces.IsZero() && time.Now().Before(free) {
		return wait(ctx, time.Until(free))
	}
	return nil
}

// OwnerNotice is what the owner of a subscription is told about its lane.
type OwnerNotice struct {
	Subscription string
	To           string // label of the destination, without secrets
	Key          string // names this notice for ever
	Works        bool   // the lane works again
	Reason       string // else what is wrong and what to do
	Waiting      uint64 // events that wait, as far as is known
}

// suspend keeps the backlog until the destination may work again: after an hour,
// or when Resume is called. The owner is told at the first time only.
func (w *Worker) suspend(ctx context.Context, p parcel, t *trial, e *SendError) error {
	first := w.record.State != Suspended
	reason := reasonOf(e)
	w.behind = true
	w.Circuits.leave(w.Subscription.To, e, lookAgain)
	w.record.State, w.record.Reason, w.record.Until = Suspended, reason, time.Now().Add(lookAgain).UTC()
	w.unsaved = true
	if err := w.insist(ctx, "suspend", w.save); err != nil {
		return err
	}
	if first {
		w.log.Error("the destination refuses, its events wait", "status", e.Verdict, "event_id", p.id(), "reason", reason, "err", e.Err)
		w.reportParcel(ctx, parcel{form: p.form, entries: p.entries[:1], events: p.events[:1]}, *t, Outcome{Kind: Stopped, Verdict: e.Verdict.String(), Reason: reason, RetryIn: lookAgain})
	}
	if !w.record.Told && w.tell(ctx, OwnerNotice{Reason: reason}) {
		w.record.Told, w.unsaved = true, true
		if err := w.insist(ctx, "suspend", w.save); err != nil {
			return err
		}
	}
	return w.rest(ctx, lookAgain)
}

// recover notes that the destination works again.
func (w *Worker) recover(ctx context.Context, p *parcel) {
	w.record.State, w.record.Reason, w.record.Until = Live, "", time.Time{}
	w.log.Info("the destination works again")
	w.report(ctx, Outcome{Kind: Resumed, Position: p.last().Position})
	if w.record.Told {
		w.tell(ctx, OwnerNotice{Works: true})
		w.record.Told = false
	}
}

// tell brings a notice to the owner and reports whether it got there.
func (w *Worker) tell(ctx context.Context, n OwnerNotice) bool {
	if w.Tell == nil {
		return true
	}
	n.Subscription, n.To = w.Subscription.Name, w.Subscription.To.Label()
	n.Key = Key(n.Subscription, "suspended_"+strconv.FormatBool(n.Works)+"_"+strconv.FormatUint(w.record.Position, 10), w.Subscription.To, 0, w.record.Generation)
	if b, knows := w.Lane.(backlog); knows {
		n.Waiting = b.Lag()
	}
	if err := w.Tell(ctx, n); err != nil {
		w.log.Warn("the owner could not be told", "err", err)
		return false
	}
	return true
}

// rest waits for d, for Resume, or for ctx to end.
func (w *Worker) rest(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-w.resume:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// bury moves the parcel's events to the dead letters, each together with the
// lane.
func (w *Worker) bury(ctx context.Context, p parcel, reason string, attempts int) error {
	late, cancel := graceful(ctx, saveGrace)
	defer cancel()
	switch p.form {
	case formNotice:
		w.log.Warn("a notice was refused", "reason", reason)
		return w.finish(late, &p, false)
	case formResend:
		w.log.Warn("a dead letter was refused again", "event_id", p.id(), "reason", reason)
		w.reportParcel(late, p, trial{attempt: attempts}, Outcome{Kind: Dead, Verdict: Reject.String(), Reason: reason})
		return w.finish(late, &p, false)
	case formPlain, formDigest, formFold, formCatchUp, formAhead, formAside:
	}
	for i, entry := range p.entries {
		letter := DeadLetter{
			Subscription: w.Subscription.Name, To: w.Subscription.To.Label(), Position: entry.Position,
			Reason: reason, Attempts: attempts, At: time.Now().UTC(), Event: entry.Data,
		}
		one := parcel{form: p.form, entries: p.entries[i : i+1]}
		if i < len(p.events) {
			letter.EventID, one.events = p.events[i].ID, p.events[i:i+1]
		}
		moved := w.record
		moved.Intent, moved.Updated = nil, letter.At
		switch p.form {
		case formAhead:
			moved.Ahead = max(moved.Ahead, entry.Position)
		case formAside:
			moved.Asides = withoutAside(moved.Asides, entry.Position)
		case formPlain, formDigest, formFold, formCatchUp, formNotice, formResend:
			moved.Position = entry.Position
			moved.unbound()
		}
		if err := w.insist(late, "bury", func(ctx context.Context) error { return w.Lane.Bury(ctx, moved, letter) }); err != nil {
			return err
		}
		w.record, w.unsaved, w.prompt, w.saved = moved, false, false, time.Now()
		w.log.Warn("an event went to the dead letters", "event_id", letter.EventID, "attempt", attempts, "reason", reason)
		w.reportParcel(late, one, trial{attempt: attempts}, Outcome{Kind: Dead, Verdict: Reject.String(), Reason: reason})
	}
	return nil
}
