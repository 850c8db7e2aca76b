package poller

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/imaginebridge/imaginebridge/events"
	"github.com/imaginebridge/imaginebridge/internal/imagine"
	"github.com/imaginebridge/imaginebridge/internal/trail"
)

// These are how often a source reads the whole overlap: one that is watched on
// wish seldom, since it may lie in a list of everybody's.
const (
	deepEvery      = time.Minute
	deepExtraEvery = overlap
)

// commitTimeout bounds one commit.
const commitTimeout = 15 * time.Second

// loop polls one source of one agent: look, commit, wait.
type loop struct {
	source  Source
	watched *watched
	journal Journal
	report  func(context.Context, Status)
	polled  func(Round)
	trace   trail.Tracer
	log     *slog.Logger

	pace     pace
	extra    bool
	after    time.Duration // before the first look
	cursor   []byte
	revision uint64
	loaded   bool
	deep     time.Time // last look at the whole overlap
	turn     int       // looks so far
}

func (p *Poller) newLoop(w *watched, s paced) *loop {
	s.pace.phase = w.phase
	return &loop{
		source: s.Source, watched: w, journal: p.o.Journal, report: p.o.Report, polled: p.o.Polled, trace: p.o.Trace,
		pace: s.pace, extra: s.extra, after: s.after,
		log: p.o.Log.With("component", "poller", "agent", w.agent.Handle, "source", s.Name()),
	}
}

// run polls until ctx ends; it then returns nil.
func (l *loop) run(ctx context.Context) error {
	woken := l.watched.woken(l.source.Name())
	for wait := l.after; ctx.Err() == nil; {
		if wait == 0 {
			wait = l.step(ctx)
		}
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
		case <-timer.C:
		case everywhere := <-woken:
			timer.Stop()
			if everywhere {
				l.deep = time.Time{}
			}
		}
		wait = 0
	}
	return nil
}

// step looks once and returns how long to wait before the next look.
func (l *loop) step(ctx context.Context) time.Duration {
	found, stored, err := l.round(ctx)
	if ctx.Err() != nil {
		return 0
	}
	failures := l.watched.looked(l.source.Name(), err)
	l.watched.tell(ctx, l.report)
	if err != nil {
		wait := max(backoff(failures), retryAfter(err))
		l.log.WarnContext(ctx, "poll failed", "err", err, "attempt", failures, "retry_in", wait)
		return wait
	}
	if found.More && !l.extra {
		return 0
	}
	l.pace = l.pace.next(stored > 0, found.Busy || found.More)
	return l.pace.wait(time.Now(), l.watched.agent.API.Budget(imagine.Read).Refusals)
}

func (l *loop) deepEvery() time.Duration {
	if l.extra {
		return deepExtraEvery
	}
	return deepEvery
}

// round is a look, told to those who watch.
func (l *loop) round(ctx context.Context) (found Found, stored int, err error) {
	began, agent, source := time.Now(), l.watched.agent.Handle, l.source.Name()
	kind, _, _ := strings.Cut(source, " ") // what is watched for is somebody's own
	inner, end := l.trace.Begin(ctx, trail.Span{Name: "poll " + kind, Attrs: []slog.Attr{slog.String("agent", agent)}})
	found, stored, err = l.look(inner)
	end(err, slog.Int("count", stored))
	if ctx.Err() != nil && err != nil {
		return found, stored, err // it was broken off
	}
	r := Round{Agent: agent, Source: source, Took: time.Since(began), Err: err}
	for _, b := range found.Batches {
		r.Events = append(r.Events, b.Events[:min(len(b.Events), stored-len(r.Events))]...)
	}
	l.polled(r)
	return found, stored, err
}

// look polls once and commits what was found. After any failure the cursor is
// loaded anew: a commit whose answer was lost may have happened, and another
// owner may have moved it.
func (l *loop) look(ctx context.Context) (Found, int, error) {
	if !l.loaded {
		cursor, revision, err := l.journal.Load(ctx, l.watched.agent.Handle, l.source.Name())
		if err != nil {
			return Found{}, 0, fmt.Errorf("load cursor: %w", err)
		}
		l.cursor, l.revision, l.loaded, l.deep = cursor, revision, true, time.Time{}
	}
	now := time.Now()
	deep := now.Sub(l.deep) >= l.deepEvery()
	found, err := l.source.Poll(ctx, Look{Cursor: l.cursor, Now: now.Add(-l.skew()), Deep: deep, Turn: l.turn})
	if err != nil {
		return Found{}, 0, fmt.Errorf("poll %s: %w", l.source.Name(), err)
	}
	count := 0
	for _, b := range found.Batches {
		dated(b.Events, now)
		if err := l.commit(ctx, b); err != nil {
			l.loaded = false
			return Found{Batches: found.Batches}, count, err
		}
		count += len(b.Events)
	}
	if deep {
		l.deep = now
	}
	l.turn++
	return found, count, nil
}

// dated gives events that the API told no time of the time of the look: without
// one they could not be stored, and would be tried for ever.
func dated(evs []events.Event, now time.Time) {
	for i := range evs {
		if evs[i].Time.IsZero() {
			evs[i].Time = now.UTC()
		}
	}
}

// commit stores one batch. A look that was begun is stored even when ctx ends.
func (l *loop) commit(ctx context.Context, b Batch) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), commitTimeout)
	defer cancel()
	ctx, end := l.trace.Begin(ctx, trail.Span{Name: "store", Kind: trail.Client, Attrs: []slog.Attr{slog.Int("count", len(b.Events))}})
	revision, err := l.journal.Commit(ctx, l.watched.agent.Handle, l.source.Name(), b.Events, b.Cursor, l.revision)
	if err == nil {
		l.follow(ctx, b.Events)
	}
	end(err)
	if err != nil {
		return fmt.Errorf("store %d events: %w", len(b.Events), err)
	}
	l.cursor, l.revision = b.Cursor, revision
	return nil
}

// follow begins the trail of each event that was stored: from when it happened
// until now.
func (l *loop) follow(ctx context.Context, evs []events.Event) {
	for _, e := range evs {
		_, end := l.trace.Begin(ctx, trail.Span{
			Name: "event", Kind: trail.Producer, Event: e.ID, Origin: true, Begun: e.Time,
			Attrs: []slog.Attr{slog.String("agent", e.Agent()), slog.String("event", e.Name())},
		})
		end(nil)
		l.log.DebugContext(ctx, "event stored", "event_id", e.ID, "event", e.Name(), "time", e.Time)
	}
}

// skew is how far our clock is ahead of the API's, as far as it is known.
func (l *loop) skew() time.Duration {
	d, _ := l.watched.agent.API.Skew()
	return d
}

// retryAfter is the API's own wish, or a minute where the credentials are
// refused: asking on would spend the auth class of everybody.
func retryAfter(err error) time.Duration {
	if isRefusal(err) {
		return time.Minute
	}
	if e, ok := errors.AsType[*imagine.Error](err); ok {
		return e.RetryAfter
	}
	return 0
}
