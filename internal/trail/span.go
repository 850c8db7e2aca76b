package trail

import (
	"context"
	"log/slog"
	"time"
)

// Tracer makes the spans of traces. Its methods may be used at the same time.
type Tracer interface {
	// Begin opens a span below the one that ctx carries, and gives the context that
	// carries it. Whoever began it ends it once.
	Begin(ctx context.Context, s Span) (context.Context, End)
	// Parent is the W3C traceparent of the span that ctx carries, for another
	// process; "" for none.
	Parent(ctx context.Context) string
}

// End ends a span: with the error that it came to, nil for none, and with what is
// known only then. An error's text is not kept, since it may quote what people
// wrote.
type End func(err error, attrs ...slog.Attr)

// Span is what a span tells. Attributes hold names, ids, counts and words from
// closed sets: never a secret, an address or what people wrote.
type Span struct {
	Name  string // from a closed set
	Kind  Kind
	Attrs []slog.Attr

	// Event is the event that it is about: where ctx carries no span, it stands in
	// the trace of that event, below its Origin. The trace follows from the id, so
	// that nothing has to travel with the event.
	Event string
	// Origin makes it the first span of its event. The span that ctx carries is
	// linked.
	Origin bool
	Also   []string  // further events that it is about, which are linked
	Begun  time.Time // when it began; zero for now
	Remote string    // W3C traceparent of who asked, where ctx carries no span
}

// Kind is the part that a span plays between programs.
type Kind int

// Kinds, as OpenTelemetry has them.
const (
	Internal Kind = iota
	Client        // asks another program
	Server        // is asked by another program or a person
	Producer      // stores what others take up later
	Consumer      // takes up what was stored
)

// Or is the tracer, or one that makes nothing for nil.
func Or(t Tracer) Tracer {
	if t == nil {
		return none{}
	}
	return t
}

type none struct{}

// Begin implements Tracer.
func (none) Begin(ctx context.Context, _ Span) (context.Context, End) { return ctx, ended }

// Parent implements Tracer.
func (none) Parent(context.Context) string { return "" }

func ended(error, ...slog.Attr) {}
