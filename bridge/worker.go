package bridge

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/imaginebridge/imaginebridge/events"
	"github.com/imaginebridge/imaginebridge/internal/trail"
)

// Worker takes the events of one lane to one destination, one after the other:
// fetched, rendered, intended, sent, recorded, moved. The lane moves last, so
// that a crash anywhere repeats a step and skips none.
type Worker struct {
	WorkerOptions
	log    *slog.Logger
	resume chan struct{}

	record   Record    // as it should be stored
	unsaved  bool      // record differs from what is stored
	prompt   bool      // what differs tells of something sent: to be stored soon
	saved    time.Time // when it was stored last
	panics   []time.Time
	strange  strangeness // the newest message that nobody knows what was wrong with
	stood    time.Time   // when the newest event that was looked at had been stored
	broken   bool        // the filter broke before, which is told once
	began    time.Time   // when all up to the position was known to be done, as this worker began
	behind   bool        // events may have piled up: it began, or was held, and saw no end yet
	gathered bool        // it looked at its first event, with what stands behind that
	scouted  uint64      // the end of the stream when the last look for urgent events found none
	skipped  time.Time   // when to tell of what was left out, if no more of it comes

	former map[string]account // by event id: what is known of a former run's sending it

	waiting   atomic.Int64 // since when what is to be sent waits, in Unix nanoseconds; 0 for nothing
	nudging   sync.Mutex
	nudged    bool
	interrupt context.CancelFunc // of a wait under way
}

// WorkerOptions are what a worker needs; Reporter may be nil.
type WorkerOptions struct {
	Cards        Cards // the language that people at the destination read
	Subscription Subscription
	Lane         Lane
	Ledger       Ledger
	Sink         Sink
	Reporter     Reporter
	Log          *slog.Logger
	// SendTimeout bounds one Send whose sink has no deadline of its own, 25 s when
	// 0.
	SendTimeout time.Duration
	// Circuits are shared by the workers of one process; nil for none.
	Circuits *Circuits
	Trace    trail.Tracer // nil: nothing is traced
	// Tell brings a notice to the owner: it is called once when the lane is
	// suspended, and once when it works again. nil for nobody.
	Tell func(ctx context.Context, n OwnerNotice) error
}

const (
	sendTimeout = 25 * time.Second
	sendGrace   = 5 * time.Second       // for a Send in flight when the worker is told to end
	saveGrace   = 2 * time.Second       // likewise for records
	staleIntent = 4 * time.Second       // so old an intent may be another's to fulfil by now
	linger      = 20 * time.Millisecond // for a next event whose intent shares the write
	lazily      = 5 * time.Second       // a record that only passes over events may wait so long
)

// NewWorker makes the worker of one lane. It starts nothing.
func NewWorker(o WorkerOptions) *Worker {
	if o.SendTimeout == 0 {
		o.SendTimeout = sendTimeout
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	o.Trace = trail.Or(o.Trace)
	return &Worker{
		WorkerOptions: o, resume: make(chan struct{}, 1),
		log: o.Log.With("subscription", o.Subscription.Name, "destination", o.Subscription.To.Label()),
	}
}

// Resume makes a suspended worker look again now, as after a new credential or
// permission. It may be called at any time.
func (w *Worker) Resume() {
	w.Circuits.Close(w.Subscription.To)
	select {
	case w.resume <- struct{}{}:
	default:
	}
}

// Run delivers until ctx ends: then a Send in flight gets 5 s, its record 2 s
// more, and Run returns nil. It returns ErrFenced at once when another process
// owns the lane. When ctx ended with ErrFenced as its cause, a Send in flight gets
// no time: the next owner takes the message up soon.
func (w *Worker) Run(ctx context.Context) error {
	w.record, w.saved, w.behind, w.gathered = w.Lane.Record(), time.Now(), true, false
	w.began = w.record.Updated
	err := w.adopt(ctx)
	for err == nil && ctx.Err() == nil {
		var p parcel
		if p, err = w.choose(ctx); err == nil && len(p.events) > 0 {
			err = w.follow(ctx, p)
		}
	}
	if errors.Is(err, ErrFenced) {
		return ErrFenced
	}
	if ctx.Err() == nil {
		return err
	}
	return w.leave(ctx)
}

// adopt waits while a person paused the lane. An intent that is found is nobody's:
// whoever wrote it is dead, or its Send was ended before this worker began.
func (w *Worker) adopt(ctx context.Context) error {
	if w.record.State == Paused {
		select {
		case <-w.resume:
			w.record.State, w.record.Reason, w.unsaved = Live, "", true
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	if in := w.record.Intent; in != nil {
		w.log.Info("a message is in doubt", "position", in.Position, "attempt", in.Attempt, "at", in.At)
	}
	return nil
}

// leave stores what is not stored yet.
func (w *Worker) leave(ctx context.Context) error {
	if !w.unsaved {
		return nil
	}
	ctx, cancel := graceful(ctx, saveGrace)
	defer cancel()
	if err := w.save(ctx); err != nil && !errors.Is(err, ErrFenced) {
		w.log.Warn("the lane's last move was not stored and will be repeated", "err", err)
	}
	return nil
}

// save stores the record once.
func (w *Worker) save(ctx context.Context) error {
	w.record.Updated = time.Now().UTC()
	if err := w.Lane.Save(ctx, w.record); err != nil {
		return err
	}
	w.unsaved, w.prompt, w.saved = false, false, time.Now()
	return nil
}

// insist repeats an operation on the store until it succeeds, another process
// owns the lane, or ctx ends.
func (w *Worker) insist(ctx context.Context, what string, f func(context.Context) error) error {
	for n := 1; ; n++ {
		err := f(ctx)
		if err == nil || errors.Is(err, ErrFenced) || ctx.Err() != nil {
			return err
		}
		if n == 1 {
			w.log.Warn("the store refuses, trying again", "operation", what, "err", err)
		}
		if err := wait(ctx, backoff(n)); err != nil {
			return err
		}
	}
}

// Nudge makes the worker look whether a person wants a dead letter sent again. It
// may be called at any time.
func (w *Worker) Nudge() {
	w.nudging.Lock()
	defer w.nudging.Unlock()
	w.nudged = true
	if w.interrupt != nil {
		w.interrupt()
	}
}

// interruptible returns a context that a nudge ends.
func (w *Worker) interruptible(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	w.nudging.Lock()
	defer w.nudging.Unlock()
	w.interrupt = cancel
	if w.nudged {
		cancel()
	}
	return ctx, func() {
		w.nudging.Lock()
		defer w.nudging.Unlock()
		w.interrupt = nil
		cancel()
	}
}

func (w *Worker) takeNudge() bool {
	w.nudging.Lock()
	defer w.nudging.Unlock()
	was := w.nudged
	w.nudged = false
	return was
}

// moved notes that everything up to the position is done.
func (w *Worker) moved(position uint64, sent bool) {
	w.record.Position, w.record.Intent = position, nil
	if position >= w.record.Ahead {
		w.record.Ahead, w.record.Away = 0, nil // caught up
	}
	w.record.unbound()
	w.unsaved, w.prompt = true, w.prompt || sent
}

// next returns the next entry after the position, or errDue at that instant when
// there is one. What is unsaved is stored when no entry comes soon; otherwise it
// shares the write of the next intent.
func (w *Worker) next(ctx context.Context, after uint64, due time.Time) (Entry, error) {
	for failed := 0; ; {
		wake, store := due, w.storing()
		if !store.IsZero() && (due.IsZero() || store.Before(due)) {
			wake = store
		}
		entry, err := w.nextUntil(ctx, after, wake)
		switch {
		case err == nil:
			return entry, nil
		case ctx.Err() != nil:
			return entry, ctx.Err()
		case w.takeNudge():
			return entry, errNudged
		case wake.IsZero() || time.Now().Before(wake):
			if failed++; failed == 1 {
				w.log.Warn("the stream can't be read, trying again", "err", err)
			}
			if err := wait(ctx, backoff(failed)); err != nil {
				return entry, err
			}
		}
		if !store.IsZero() && !time.Now().Before(store) {
			if err := w.insist(ctx, "save", w.save); err != nil {
				return entry, err
			}
		}
		if !due.IsZero() && !time.Now().Before(due) {
			return entry, errDue
		}
	}
}

// storing is when the record is to be stored if nothing comes whose intent could
// share the write; zero where nothing is unsaved.
func (w *Worker) storing() time.Time {
	switch {
	case !w.unsaved:
		return time.Time{}
	case w.prompt:
		return time.Now().Add(linger)
	}
	return time.Now().Add(max(linger, lazily-time.Since(w.saved)))
}

func (w *Worker) nextUntil(ctx context.Context, after uint64, wake time.Time) (Entry, error) {
	ctx, stop := w.interruptible(ctx)
	defer stop()
	if wake.IsZero() {
		return w.Lane.Next(ctx, after)
	}
	ctx, cancel := context.WithDeadline(ctx, wake)
	defer cancel()
	return w.Lane.Next(ctx, after)
}

// lets reports whether the subscription wants the event. A filter that breaks is
// told once.
func (w *Worker) lets(ctx context.Context, e events.Event, stored time.Time) bool {
	if w.former[e.ID] == wasSent || !w.Subscription.Covers(e) || !w.Subscription.meant(e, stored) {
		return false
	}
	_, end := w.Trace.Begin(ctx, trail.Span{Name: "filter", Event: e.ID, Attrs: w.about()})
	through, err := w.Subscription.Filter.Match(e)
	end(err, slog.Bool("passed", through))
	if !through {
		w.log.DebugContext(ctx, "filtered", "event_id", e.ID)
	}
	if err != nil && !w.broken {
		w.broken = true
		w.log.Warn("the filter broke on an event, which goes through", "event_id", e.ID, "err", err)
	}
	return through
}

func (w *Worker) report(ctx context.Context, o Outcome) {
	if w.Reporter == nil {
		return
	}
	o.Subscription, o.To, o.At = w.Subscription.Name, w.Subscription.To.Label(), time.Now().UTC()
	w.Reporter.Report(ctx, o)
}

// cutReason makes an error a reason that people can read.
func cutReason(err error) string { return shorten(oneLine(err.Error()), maxQuote) }
