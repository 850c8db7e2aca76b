package command

import (
	"cmp"
	"context"
	"crypto/rand"
	"log/slog"

	"github.com/imaginebridge/imaginebridge/internal/trail"
)

// follow puts a command on its trail: the id that its log lines, its audit entry and
// its spans carry. One that can't be repeated has no id of its own, and gets one for
// that. The function returned ends its span.
func (r *Runner) follow(ctx context.Context, j *job) (context.Context, func(Answer)) {
	j.trail = cmp.Or(j.q.ID, trail.Command(ctx))
	if j.trail == "" {
		j.trail = rand.Text()
	}
	ctx, end := r.o.Trace.Begin(trail.WithCommand(ctx, j.trail), trail.Span{Name: "command", Attrs: []slog.Attr{slog.String("door", j.q.Door)}})
	return ctx, func(a Answer) {
		attrs := []slog.Attr{slog.String("outcome", outcome(a))}
		if j.spec != nil { // else these are what somebody typed
			attrs = append(attrs, slog.String("group", j.spec.Group), slog.String("verb", j.spec.Verb))
		}
		if j.api != nil {
			attrs = append(attrs, slog.String("agent", j.q.Agent))
		}
		end(nil, attrs...)
	}
}
