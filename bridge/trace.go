package bridge

import (
	"context"
	"log/slog"
	"time"

	"github.com/imaginebridge/imaginebridge/internal/trail"
)

// linked bounds the further events that the trace of one message names.
const linked = 16

// about is what every span of this worker tells.
func (w *Worker) about() []slog.Attr {
	return []slog.Attr{slog.String("subscription", w.Subscription.Name), slog.String("sink", w.Subscription.To.Scheme)}
}

// follow delivers a parcel on the trail of its newest event.
func (w *Worker) follow(ctx context.Context, p parcel) error {
	var also []string
	for _, e := range p.events[:min(len(p.events)-1, linked)] {
		also = append(also, e.ID)
	}
	if p.form != formResend && p.form != formNotice { // those are as late as somebody made them
		since := p.entries[0].Stored
		if p.due.After(since) {
			since = p.due // until then it waited on purpose
		}
		w.waiting.Store(since.UnixNano())
		defer w.waiting.Store(0)
	}
	if len(p.events) > 1 { // the lines that follow name the message; these lead to it
		for _, e := range p.events {
			w.log.DebugContext(ctx, "gathered", "event_id", e.ID, "into", p.id(), "form", string(p.form))
		}
	}
	ctx, end := w.Trace.Begin(trail.WithEvent(ctx, p.id()), trail.Span{
		Name: "deliver", Kind: trail.Consumer, Event: p.events[len(p.events)-1].ID, Also: also, Attrs: append(w.about(), slog.String("form", string(p.form))),
	})
	err := w.deliver(ctx, p)
	end(err)
	return err
}

// traced is send with its span.
func (w *Worker) traced(ctx context.Context, d Delivery) (Receipt, error) {
	ctx, end := w.Trace.Begin(ctx, trail.Span{Name: "send", Attrs: append(w.about(), slog.Int("attempt", d.Attempt), slog.Bool("edit", !d.Replaces.IsZero()))})
	r, err := w.send(ctx, d)
	end(err)
	return r, err
}

// Waiting is since when the message at work waits to be sent, the zero time where
// nothing does or it is to be quiet, and how many events wait behind it. It may be
// called at any time.
func (w *Worker) Waiting() (since time.Time, behind uint64) {
	if ns := w.waiting.Load(); ns != 0 {
		since = time.Unix(0, ns)
	}
	if b, knows := w.Lane.(backlog); knows {
		behind = b.Lag()
	}
	return since, behind
}
