package bus

import (
	"context"

	"github.com/nats-io/nats.go/jetstream"
)

// trim lets the oldest messages of some subjects of a stream leave where more than so
// many are counted, and returns how many left. Any number of processes may do it at once.
func (b *Bus) trim(ctx context.Context, stream, subjects string, most uint64, count func(context.Context, jetstream.Stream) (uint64, error)) (left uint64, err error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	s, err := b.js.Stream(ctx, stream)
	if err != nil {
		return 0, b.explain("look at stream "+stream, err)
	}
	before, err := count(ctx, s)
	if err != nil {
		return 0, b.explain("count "+subjects, err)
	}
	if before <= most {
		return 0, nil
	}
	if err := s.Purge(ctx, jetstream.WithPurgeSubject(subjects), jetstream.WithPurgeKeep(most)); err != nil {
		return 0, b.explain("let the oldest of "+subjects+" leave", err)
	}
	after, err := count(ctx, s)
	if err != nil {
		return 0, b.explain("count "+subjects, err)
	}
	return before - min(after, before), nil
}
