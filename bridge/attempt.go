package bridge

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/imaginebridge/imaginebridge/internal/trail"
)

const (
	lookAgain   = time.Hour // a suspended lane tries by itself so often
	poisonLimit = 8         // failures of one message at a destination that answers
	panicLimit  = 5         // panics in a minute that suspend the lane
)

// Prober is a sink that can ask without harm whether a destination answers. Only
// where it does is a message that keeps failing taken for poison.
type Prober interface {
	// Probe returns nil when the destination answers.
	Probe(ctx context.Context, to Destination) error
}

// trial is what is known of the attempts to send one parcel.
type trial struct {
	attempt  int       // number of the one under way
	began    time.Time // when it began
	doubt    time.Time // when the first that may have arrived began
	failures int       // where surely nothing arrived
	aside    time.Time // when the first of all began, of an event that was set aside
	unknown  time.Time // since when only errors come that the sink knows nothing of
}

// deliver takes a parcel to its end: sent, superseded or in the dead letters.
func (w *Worker) deliver(ctx context.Context, p parcel) error {
	t := trial{attempt: 1}
	if in := w.record.Intent; in != nil && in.Position == p.position() && in.Form == p.form {
		t.attempt, t.doubt = in.Attempt+1, in.At
	} else if a := w.aside(&p); a != nil {
		t.attempt, t.aside = a.Attempt+1, a.Since
	}
	for ; ; t.attempt++ {
		if err := w.hush(ctx); err != nil {
			return err
		}
		m, failure := w.render(ctx, &p)
		if failure == nil {
			failure = w.enter(ctx)
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if failure == nil {
			d, done, err := w.address(ctx, &p, m, t)
			if err != nil {
				return err
			}
			if done != "" {
				w.Circuits.leave(w.Subscription.To, nil, 0)
				w.log.DebugContext(ctx, "delivered before", "event_id", p.id(), "as", done)
				w.reportParcel(ctx, p, t, Outcome{Kind: done})
				return w.finish(ctx, &p, true)
			}
			if err := w.await(ctx, d); err != nil {
				return err
			}
			if err := w.intend(ctx, p, &t); err != nil {
				return err
			}
			var r Receipt
			if r, failure = w.traced(ctx, d); failure == nil {
				return w.settle(ctx, p, t, d, r)
			}
		}
		if done, err := w.judge(ctx, p, &t, failure); done || err != nil {
			return err
		}
	}
}

// render makes the parcel's message; a panic there is a failure like others.
func (w *Worker) render(ctx context.Context, p *parcel) (m Message, failure error) {
	_, end := w.Trace.Begin(ctx, trail.Span{Name: "layout"})
	defer func() { end(failure) }()
	defer func() {
		if v := recover(); v != nil {
			failure = w.panicked(v, Retry)
		}
	}()
	return w.message(p), nil
}

// address looks up where the message belongs. Nothing is left to do, and done
// says why, when a newer state of the same thing is already shown, or when a
// receipt tells that this very delivery was sent: a crash came between receipt
// and record.
func (w *Worker) address(ctx context.Context, p *parcel, m Message, t trial) (d Delivery, done OutcomeKind, err error) {
	s := &w.Subscription
	d = Delivery{
		Subscription: s.Name, To: s.To, Event: p.events[len(p.events)-1],
		Generation: w.record.Generation, Message: m, Attempt: t.attempt, Doubt: t.doubt,
	}
	if p.form == formResend {
		d.Generation = int(p.resend.ID)
	}
	d.Key = Key(s.Name, p.id(), s.To, 0, d.Generation)
	if len(p.events) > 1 {
		d.Event.Data = nil // the message is about none of them alone
	}
	switch {
	case p.form == formFold:
		d.Told = p.told.Told
	case len(p.events) > 1, p.form == formCatchUp && m.UpdateKey == "":
		d.Told = w.told(p)
	}
	shown, err := w.receipt(ctx, w.updateKey(m))
	switch {
	case err != nil:
		return d, "", err
	case shown.Version > m.Version:
		return d, Superseded, nil
	case shown.Delivery == d.Key:
		return d, Delivered, nil
	case shown.Message != "" && (p.form != formFold || p.tally != nil):
		d.Replaces = shown
	}
	if d.Replaces.IsZero() {
		d.Mentions, d.Unsure = w.mentions(p), w.unsure(p)
	}
	d.Thread, err = w.receipt(ctx, w.threadKey(m))
	if err == nil && d.Thread.Delivery == d.Key {
		done = Delivered
	}
	return d, done, err
}

// intend stores that the message is about to be sent, and with it the last move.
func (w *Worker) intend(ctx context.Context, p parcel, t *trial) error {
	before := w.record.Intent
	t.began = time.Now().UTC()
	first := t.began
	if !t.doubt.IsZero() {
		first = t.doubt
	}
	w.record.Intent = &Intent{Position: p.position(), Form: p.form, Attempt: t.attempt, At: first, Tried: t.began}
	if w.record.State != Suspended {
		w.record.State, w.record.Reason, w.record.Until = Live, "", time.Time{}
	}
	w.unsaved = true
	for stored := false; !stored; {
		begun := time.Now()
		if err := w.insist(ctx, "intend", w.save); err != nil {
			w.record.Intent = before // nothing was sent
			return err
		}
		// A process that was stopped for a while may own the lane no more: to store
		// the intent once more tells.
		stored = time.Since(begun) < staleIntent
	}
	return nil
}

// send hands the delivery to the sink. One in flight when ctx ends may finish.
func (w *Worker) send(ctx context.Context, d Delivery) (r Receipt, failure error) {
	owned := ctx
	ctx, cancel := graceful(ctx, sendGrace)
	defer cancel()
	defer context.AfterFunc(owned, func() {
		if errors.Is(context.Cause(owned), ErrFenced) {
			cancel()
		}
	})()
	ctx, stop := context.WithTimeout(ctx, w.SendTimeout)
	defer stop()
	defer func() {
		if v := recover(); v != nil {
			r, failure = Receipt{}, w.panicked(v, InDoubt)
		}
	}()
	return w.Sink.Send(ctx, d)
}

// panicked turns a panic into a failure. Its value is not shown: it may hold
// anything.
func (w *Worker) panicked(value any, v Verdict) error {
	w.panics = append(w.panics, time.Now())
	if len(w.panics) > panicLimit {
		w.panics = w.panics[1:]
	}
	stack := debug.Stack()
	w.log.Error("a sink or layout panicked", "kind", fmt.Sprintf("%T", value), "stack", string(stack[:min(len(stack), 4<<10)]))
	return &SendError{Verdict: v, Err: errors.New("panicked")}
}

// unsound reports whether panics come too often to go on.
func (w *Worker) unsound() bool {
	return len(w.panics) == panicLimit && time.Since(w.panics[0]) < time.Minute
}

// settle records that the parcel was sent, and moves the lane.
func (w *Worker) settle(ctx context.Context, p parcel, t trial, d Delivery, r Receipt) error {
	late, cancel := graceful(ctx, saveGrace)
	defer cancel()
	if err := w.keep(late, &p, d, r); err != nil {
		return err // the stored intent says that it is in doubt
	}
	w.Circuits.leave(w.Subscription.To, nil, 0)
	w.took()
	w.record.Failing, w.record.Dying = time.Time{}, time.Time{}
	if d.Replaces.IsZero() {
		w.spend()
	}
	if w.record.State == Suspended {
		w.recover(late, &p)
	}
	done := "sent"
	if !d.Replaces.IsZero() {
		done = "edited"
	}
	w.log.DebugContext(ctx, "delivered", "event_id", p.id(), "attempt", t.attempt, "as", done)
	w.reportParcel(late, p, t, Outcome{Kind: Delivered})
	return w.finish(late, &p, true)
}

// finish moves the lane past a parcel that is done.
func (w *Worker) finish(ctx context.Context, p *parcel, sent bool) error {
	switch p.form {
	case formAhead:
		w.record.Ahead = max(w.record.Ahead, p.position())
	case formAside:
		w.dropAside(p.position())
	case formNotice:
		w.record.Gap = nil
	case formResend:
		keeper, _ := w.Lane.(Resender)
		if err := w.insist(ctx, "resent", func(ctx context.Context) error { return keeper.Resent(ctx, p.resend, sent) }); err != nil {
			return err
		}
	case formPlain, formDigest, formFold, formCatchUp:
		w.moved(p.position(), sent)
		return nil
	}
	w.moved(w.record.Position, true)
	return nil
}

// judge is the one place that decides what follows from a failure. It is done
// when the parcel is out of the way; otherwise it returns when the next attempt
// is due.
func (w *Worker) judge(ctx context.Context, p parcel, t *trial, failure error) (done bool, err error) {
	e, typed := errors.AsType[*SendError](failure)
	if !typed {
		e = &SendError{Verdict: InDoubt, Unknown: true, Err: failure}
	}
	if !e.Unknown {
		t.unknown = time.Time{}
	} else if t.unknown.IsZero() {
		t.unknown = time.Now()
	}
	if t.aside.IsZero() {
		t.aside = cmp.Or(t.began, time.Now())
	} else if e.Unknown {
		t.unknown = t.aside
	}
	if e.Verdict == InDoubt {
		t.doubt = cmp.Or(t.doubt, t.began)
	}
	if t.doubt.IsZero() {
		w.record.Intent, w.unsaved = nil, true // surely nothing arrived
	}
	switch {
	case w.unsound():
		return false, w.suspend(ctx, p, t, &SendError{Verdict: e.Verdict, Advice: "The bridge broke on this event five times within a minute. Please report it; the lane looks again every hour."})
	case e.Unknown && w.inexplicable(&p, t):
		return true, w.refused(ctx, p, reasonOf(e), t.attempt)
	}
	switch e.Verdict {
	case Reject:
		return true, w.refused(ctx, p, reasonOf(e), t.attempt)
	case Gone, Revoked:
		return false, w.suspend(ctx, p, t, e)
	case Retry, InDoubt:
		if end := w.dying(e); end != nil {
			return false, w.suspend(ctx, p, t, end)
		}
		if set, err := w.setAside(ctx, &p, t, e); set || err != nil {
			return true, err
		}
		if w.poisonous(ctx, t, e) {
			return true, w.refused(ctx, p, "failed 8 times while the destination answers: "+reasonOf(e), t.attempt)
		}
	}
	return false, w.again(ctx, p, t, e)
}

// poisonous counts failures and reports whether the message is to blame for them.
func (w *Worker) poisonous(ctx context.Context, t *trial, e *SendError) bool {
	if e.Verdict != Retry || e.Paced {
		return false
	}
	t.failures++
	prober, can := w.Sink.(Prober)
	if !can || t.failures < poisonLimit || !t.doubt.IsZero() {
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, w.SendTimeout)
	defer cancel()
	return prober.Probe(ctx, w.Subscription.To) == nil
}

// again waits until the next attempt is due.
func (w *Worker) again(ctx context.Context, p parcel, t *trial, e *SendError) error {
	d := backoff(t.attempt)
	if e.After > 0 {
		asked := obeyed(e.After)
		if d = max(d, asked); e.Paced {
			d = asked
		}
	}
	w.behind = true
	w.Circuits.leave(w.Subscription.To, e, d)
	w.log.WarnContext(ctx, "not sent, trying again", "event_id", p.id(), "attempt", t.attempt, "status", e.Verdict, "retry_in", d, "err", e.Err)
	w.reportParcel(ctx, p, *t, Outcome{Kind: Retried, Verdict: e.Verdict.String(), Reason: e.Advice, RetryIn: d})
	if e.Paced {
		t.attempt-- // a pause that the platform asked for is no attempt
	}
	return wait(ctx, d)
}

// reportParcel reports an outcome of each event of the parcel.
func (w *Worker) reportParcel(ctx context.Context, p parcel, t trial, o Outcome) {
	if p.form == formNotice {
		return
	}
	o.Attempt = t.attempt
	if len(p.events) == 0 {
		o.Position = p.last().Position
		w.report(ctx, o)
	}
	for i, e := range p.events {
		o.Position, o.EventID, o.Event, o.EventTime = p.entries[i].Position, e.ID, e.Name(), e.Time
		w.report(ctx, o)
	}
}

// reasonOf is a failure for people.
func reasonOf(e *SendError) string {
	if e.Advice != "" {
		return e.Advice
	}
	return cutReason(e)
}
