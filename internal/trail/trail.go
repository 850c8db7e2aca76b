// Package trail lets one id follow an event from poll to message, and a command
// from click to answer: it travels in the context, and every log line that is
// written with that context carries it. Spans of a trace go the same way, through a
// [Tracer] that is handed in.
//
// The package knows no tracing library, and nothing of what is followed.
package trail

import (
	"context"
	"log/slog"
	"slices"
)

// Names of the ids in log lines and spans.
const (
	EventID   = "event_id"
	CommandID = "command_id"
)

type idKey string

// WithEvent returns a context whose log lines name the event.
func WithEvent(ctx context.Context, id string) context.Context { return with(ctx, EventID, id) }

// WithCommand returns a context whose log lines name the command.
func WithCommand(ctx context.Context, id string) context.Context { return with(ctx, CommandID, id) }

// Command is the id of the command that the context is about, "" for none.
func Command(ctx context.Context) string { return of(ctx, CommandID) }

func with(ctx context.Context, name, id string) context.Context {
	if id == "" || of(ctx, name) == id {
		return ctx
	}
	return context.WithValue(ctx, idKey(name), id)
}

func of(ctx context.Context, name string) string {
	id, _ := ctx.Value(idKey(name)).(string)
	return id
}

// Handler gives every record the ids of its context, and then to next. A record
// that names an id itself keeps its own.
func Handler(next slog.Handler) slog.Handler { return handler{next} }

type handler struct{ slog.Handler }

// Handle implements slog.Handler.
func (h handler) Handle(ctx context.Context, r slog.Record) error {
	var own []string
	r.Attrs(func(a slog.Attr) bool {
		own = append(own, a.Key)
		return true
	})
	r = r.Clone()
	for _, name := range []string{EventID, CommandID} {
		if id := of(ctx, name); id != "" && !slices.Contains(own, name) {
			r.AddAttrs(slog.String(name, id))
		}
	}
	return h.Handler.Handle(ctx, r)
}

// WithAttrs implements slog.Handler.
func (h handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return handler{h.Handler.WithAttrs(attrs)}
}

// WithGroup implements slog.Handler.
func (h handler) WithGroup(name string) slog.Handler { return handler{h.Handler.WithGroup(name)} }
