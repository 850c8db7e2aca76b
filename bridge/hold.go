package bridge

import (
	"context"
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
		_ = wait(ctx, time.Until(until)) // its error ends the loop
	}
	return ctx.Err()
}

// suspend keeps the backlog until the destination may work again: after an hour,
// or when Resume is called. The owner is told at the first time only.
func (w *Worker) suspend(ctx context.Context, p parcel, t *trial, e *SendError) error {
	first := w.record.State != Suspended
	reason := reasonOf(e)
	w.record.State, w.record.Reason, w.record.Until = Suspended, reason, time.Now().Add(lookAgain).UTC()
	w.unsaved = true
	if err := w.insist(ctx, "suspend", w.save); err != nil {
		return err
	}
	if first {
		w.log.Error("the destination refuses, its events wait", "status", e.Verdict, "event_id", p.id(), "reason", reason, "err", e.Err)
		w.reportParcel(ctx, p, *t, Outcome{Kind: Stopped, Verdict: e.Verdict.String(), Reason: reason, RetryIn: lookAgain})
	}
	return w.rest(ctx, lookAgain)
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
	for i, entry := range p.entries {
		letter := DeadLetter{
			Subscription: w.Subscription.Name, To: w.Subscription.To.Label(), Position: entry.Position,
			Reason: reason, Attempts: attempts, At: time.Now().UTC(), Event: entry.Data,
		}
		one := parcel{entries: p.entries[i : i+1]}
		if i < len(p.events) {
			letter.EventID, one.events = p.events[i].ID, p.events[i:i+1]
		}
		moved := w.record
		moved.Position, moved.Intent, moved.Updated = entry.Position, nil, letter.At
		if err := w.insist(late, "bury", func(ctx context.Context) error { return w.Lane.Bury(ctx, moved, letter) }); err != nil {
			return err
		}
		w.record, w.unsaved, w.prompt, w.saved = moved, false, false, time.Now()
		w.log.Warn("an event went to the dead letters", "event_id", letter.EventID, "attempt", attempts, "reason", reason)
		w.reportParcel(late, one, trial{attempt: attempts}, Outcome{Kind: Dead, Verdict: Reject.String(), Reason: reason})
	}
	return nil
}
