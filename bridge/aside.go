package bridge

import (
	"context"
	"math/rand/v2"
	"slices"
	"time"
)

// asideWaits are the waits after each failed attempt of an event that was set
// aside (Standard Webhooks 1.0, "Deliverability and reliability"). After the
// last attempt it becomes a dead letter.
var asideWaits = []time.Duration{
	5 * time.Second, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 5 * time.Hour,
	10 * time.Hour, 14 * time.Hour, 20 * time.Hour, 24 * time.Hour,
}

const (
	maxAsides  = 64             // events of one lane that are set aside; with more the line holds
	dyingAfter = 12 * time.Hour // failures so far apart start the clock
	deadAfter  = 5 * 24 * time.Hour
)

// setsAside reports whether a failed event lets later ones pass.
func (w *Worker) setsAside() bool {
	return w.Subscription.To.Scheme == "webhook" && !w.Subscription.Pace.Strict
}

// setAside takes a failed event out of the line until its next attempt is due, or
// to the dead letters after the last. It does neither where the line holds.
func (w *Worker) setAside(ctx context.Context, p *parcel, t *trial, e *SendError) (done bool, err error) {
	if !w.setsAside() || p.form != formPlain && p.form != formAside {
		return false, nil
	}
	if e.Paced || p.form == formPlain && (t.attempt > 1 || len(w.record.Asides) >= maxAsides) {
		return false, nil
	}
	if t.attempt > len(asideWaits) {
		return true, w.bury(ctx, *p, "failed ten times in three days: "+reasonOf(e), t.attempt)
	}
	d := asideWaits[t.attempt-1]
	d = max(d-d/5+rand.N(2*d/5), e.After) //nolint:gosec // spreads load, hides nothing
	a := Aside{Position: p.position(), Attempt: t.attempt, Due: time.Now().Add(d).UTC(), Since: t.aside.UTC()}
	w.record.Asides = append(withoutAside(w.record.Asides, a.Position), a)
	w.moved(max(w.record.Position, a.Position), true)
	w.log.Warn("not sent, set aside while later events go on", "event_id", p.id(), "attempt", t.attempt, "status", e.Verdict, "retry_in", d, "err", e.Err)
	w.reportParcel(ctx, *p, *t, Outcome{Kind: Retried, Verdict: e.Verdict.String(), Reason: e.Advice, RetryIn: d})
	return true, nil
}

// aside is what is known of the parcel's event, if it was set aside.
func (w *Worker) aside(p *parcel) *Aside {
	if p.form != formAside {
		return nil
	}
	i := slices.IndexFunc(w.record.Asides, func(a Aside) bool { return a.Position == p.position() })
	if i < 0 {
		return nil
	}
	return &w.record.Asides[i]
}

// dueAside is the event set aside whose next attempt is due, the longest first.
func (w *Worker) dueAside() (Aside, bool) {
	if len(w.record.Asides) == 0 {
		return Aside{}, false
	}
	a := w.firstAside()
	return a, !time.Now().Before(a.Due)
}

func (w *Worker) fetchAside(ctx context.Context, a Aside) (parcel, error) {
	p, err := w.fetch(ctx, a.Position, formAside)
	if err == nil && len(p.events) == 0 {
		w.log.Warn("an event that was set aside left the store", "position", a.Position)
		w.report(ctx, Outcome{Kind: Gap, Position: a.Position, Count: 1, From: a.Since, Until: a.Due})
		w.dropAside(a.Position)
		w.moved(w.record.Position, false)
	}
	return p, err
}

func (w *Worker) dropAside(position uint64) {
	w.record.Asides = withoutAside(w.record.Asides, position)
}

func withoutAside(list []Aside, position uint64) []Aside {
	return slices.DeleteFunc(slices.Clone(list), func(a Aside) bool { return a.Position == position })
}

// dying returns why a webhook is given up: nothing was taken for five days. The
// clock starts only when failures lie twelve hours apart, so that one bad minute
// ends nothing.
func (w *Worker) dying(e *SendError) *SendError {
	if w.chats() || e.Paced {
		return nil
	}
	now := time.Now().UTC()
	switch r := &w.record; {
	case r.Failing.IsZero():
		r.Failing = now
	case r.Dying.IsZero() && now.Sub(r.Failing) >= dyingAfter:
		r.Dying = now
	case !r.Dying.IsZero() && now.Sub(r.Dying) >= deadAfter:
		return &SendError{Verdict: Gone, Err: e.Err, Advice: w.Subscription.Name + ": " + w.Subscription.To.Label() +
			" took nothing for five days. What was not sent is kept; mend the receiver, and it goes on within the hour."}
	}
	w.unsaved = true
	return nil
}
