package bus

import (
	"context"

	"github.com/nats-io/nats.go/jetstream"
)

// mostThreads is how many notes of threads are kept (docs/reliability.md, "Bounds").
// They also leave after 30 days, and when the bucket is full, which the stream itself
// sees to.
const mostThreads = 50_000

// trimThreads lets the oldest notes of threads leave where there are more than so many.
// It returns how many left, about: counted are the other notes and the receipts of the
// bucket too, since each note has a subject of its own, and others write meanwhile.
func (b *Bus) trimThreads(ctx context.Context, most uint64) (left uint64, err error) {
	return b.trim(ctx, "KV_"+bucketReceipts, threadSubjects+">", most, func(ctx context.Context, s jetstream.Stream) (uint64, error) {
		in, err := s.Info(ctx)
		if err != nil {
			return 0, err
		}
		return in.State.Msgs, nil
	})
}

func (b *Bus) boundThreads(ctx context.Context) {
	switch left, err := b.trimThreads(ctx, mostThreads); {
	case err != nil:
		b.log.Debug("threads were not counted", "err", err)
	case left > 0:
		b.log.Info("there are too many threads, the oldest are not heard any more", "count", left, "limit", mostThreads)
	}
}
