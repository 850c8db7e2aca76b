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
// It returns how many left, about: others write meanwhile. Any number of processes may
// do it at once.
func (b *Bus) trimThreads(ctx context.Context, most uint64) (left uint64, err error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	s, err := b.js.Stream(ctx, "KV_"+bucketReceipts)
	if err != nil {
		return 0, b.explain("look at bucket "+bucketReceipts, err)
	}
	before := s.CachedInfo().State.Msgs
	if before <= most {
		return 0, nil // with all other notes and the receipts
	}
	if err := s.Purge(ctx, jetstream.WithPurgeSubject(threadSubjects+">"), jetstream.WithPurgeKeep(most)); err != nil {
		return 0, b.explain("let the oldest threads leave", err)
	}
	after, err := s.Info(ctx)
	if err != nil {
		return 0, b.explain("look at bucket "+bucketReceipts, err)
	}
	return before - min(after.State.Msgs, before), nil
}

func (b *Bus) boundThreads(ctx context.Context) {
	switch left, err := b.trimThreads(ctx, mostThreads); {
	case err != nil:
		b.log.Debug("threads were not counted", "err", err)
	case left > 0:
		b.log.Info("there are too many threads, the oldest are not heard any more", "count", left, "limit", mostThreads)
	}
}
