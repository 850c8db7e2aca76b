package discord

import (
	"context"
	"log/slog"
	"time"

	"github.com/imaginebridge/imaginebridge/bridge/command"
	"github.com/imaginebridge/imaginebridge/internal/trail"
)

// heard puts an interaction on its trail. The command that it turns out to be may
// have an id of its own, where pressing twice is the same.
func (s *Sink) heard(ctx context.Context, interaction string, at time.Time) (context.Context, trail.End) {
	ctx, end := s.o.Trace.Begin(trail.WithCommand(ctx, "discord:"+interaction), trail.Span{
		Name: "door", Kind: trail.Server, Begun: at, Attrs: []slog.Attr{slog.String("door", command.Discord)},
	})
	s.log.DebugContext(ctx, "command heard", "interaction", interaction)
	return ctx, end
}

// clocked is a door that tells how long its first response took.
type clocked struct {
	door
	s  *Sink
	at time.Time // when the interaction arrived
}

func (c clocked) first(ctx context.Context, r response) error {
	err := c.door.first(ctx, r)
	if err == nil && r.Type != 0 {
		took := time.Since(c.at)
		c.s.o.Acked(took)
		c.s.log.DebugContext(ctx, "command acknowledged", "took", took.Round(time.Millisecond))
	}
	return err
}
