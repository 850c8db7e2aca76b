package bus

import (
	"context"
	"fmt"

	"github.com/nats-io/nats.go/jetstream"
)

// mostDead is how many dead letters are kept (docs/reliability.md, "Bounds"). They
// also leave after 90 days, which the stream itself sees to.
const mostDead = 10_000

// trimDead lets the oldest dead letters leave where there are more than so many, and
// returns how many left.
func (b *Bus) trimDead(ctx context.Context, most uint64) (left uint64, err error) {
	return b.trim(ctx, streamDelivery, deadPrefix+">", most, func(ctx context.Context, s jetstream.Stream) (n uint64, err error) {
		in, err := s.Info(ctx, jetstream.WithSubjectFilter(deadPrefix+">"))
		if err != nil {
			return 0, err
		}
		for _, of := range in.State.Subjects {
			n += of
		}
		return n, nil
	})
}

// boundDead trims them and tells of it once, until there is room again.
func (b *Bus) boundDead(ctx context.Context, most uint64, told map[string]bool) {
	left, err := b.trimDead(ctx, most)
	if err != nil {
		b.log.Debug("dead letters were not counted", "err", err)
		return
	}
	if left == 0 {
		told[deadPrefix] = false
		return
	}
	b.log.Warn("there are too many dead letters, the oldest left", "count", left, "limit", most)
	if told[deadPrefix] {
		return
	}
	told[deadPrefix] = true
	s := Status{
		Component: "dead", State: Degraded, Reason: fmt.Sprintf("There are more than %d dead letters; the oldest %d left.", most, left),
		Next: `Look why so many are refused: imaginebridge dead list. Drop or replay them.`,
	}
	if err := b.Status(ctx, s); err != nil {
		b.log.Warn("status was not stored", "err", err)
	}
}
