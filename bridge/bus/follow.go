package bus

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// idle is after how long the server removes a consumer of ours that nobody reads.
const idle = 30 * time.Second

// follow hands every message of a stream that the configuration asks for to fn,
// in order and without a gap, until ctx ends; it survives lost consumers and
// restarted servers. caughtUp is called whenever everything that was stored at
// the start has been handed over.
func (b *Bus) follow(ctx context.Context, stream string, cfg jetstream.OrderedConsumerConfig, fn func(jetstream.Msg, *jetstream.MsgMetadata), caughtUp func()) error {
	cfg.InactiveThreshold, cfg.MaxResetAttempts = idle, 5
	for attempt := 0; ; attempt++ {
		next, err := b.followOnce(ctx, stream, cfg, fn, caughtUp)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if next > 0 {
			attempt = 0
			cfg.DeliverPolicy, cfg.OptStartSeq, cfg.OptStartTime = jetstream.DeliverByStartSequencePolicy, next, nil
		}
		b.log.Debug("reading a stream was interrupted", "stream", stream, "err", b.explain("read", err))
		if !wait(ctx, backoff(attempt+3)) {
			return ctx.Err()
		}
	}
}

func (b *Bus) followOnce(ctx context.Context, stream string, cfg jetstream.OrderedConsumerConfig, fn func(jetstream.Msg, *jetstream.MsgMetadata), caughtUp func()) (next uint64, err error) {
	call, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	c, err := b.js.OrderedConsumer(call, stream, cfg)
	if err != nil {
		return 0, err
	}
	info := c.CachedInfo()
	if info != nil && info.NumPending == 0 && caughtUp != nil {
		caughtUp()
	}
	it, err := c.Messages(jetstream.PullExpiry(10*time.Second), jetstream.PullHeartbeat(2*time.Second))
	if err != nil {
		return 0, err
	}
	stop := context.AfterFunc(ctx, it.Stop)
	defer func() {
		if stop() {
			it.Stop()
		}
		b.forget(context.WithoutCancel(ctx), stream, c)
	}()
	for {
		m, err := it.Next()
		if err != nil {
			return next, err
		}
		md, err := m.Metadata()
		if err != nil {
			return next, err
		}
		fn(m, md)
		next = md.Sequence.Stream + 1
		if md.NumPending == 0 && caughtUp != nil {
			caughtUp()
		}
	}
}

// forget removes the consumer at once; otherwise it would live on for a while.
func (b *Bus) forget(ctx context.Context, stream string, c jetstream.Consumer) {
	info := c.CachedInfo()
	if info == nil || !b.nc.IsConnected() {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	if err := b.js.DeleteConsumer(ctx, stream, info.Name); err != nil && !errors.Is(err, jetstream.ErrConsumerNotFound) {
		b.log.Debug("consumer was left to the server", "stream", stream, "err", b.explain("delete consumer", err))
	}
}

// replay hands over what IA_EVENTS holds now of what the configuration asks for.
func (b *Bus) replay(ctx context.Context, cfg jetstream.ConsumerConfig, fn func(jetstream.Msg, *jetstream.MsgMetadata)) error {
	for {
		left, err := b.read(ctx, cfg, 512, func(m jetstream.Msg, md *jetstream.MsgMetadata) {
			fn(m, md)
			cfg.DeliverPolicy, cfg.OptStartSeq, cfg.OptStartTime = jetstream.DeliverByStartSequencePolicy, md.Sequence.Stream+1, nil
		})
		if err != nil || left == 0 {
			return err
		}
	}
}

// read hands over at most n messages of IA_EVENTS through a consumer of its own,
// in order and without a gap, and returns how many more there are.
func (b *Bus) read(ctx context.Context, cfg jetstream.ConsumerConfig, n int, fn func(jetstream.Msg, *jetstream.MsgMetadata)) (left uint64, err error) {
	call, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	cfg.AckPolicy, cfg.InactiveThreshold = jetstream.AckNonePolicy, idle
	cfg.MemoryStorage, cfg.Replicas = true, 1
	c, err := b.js.CreateConsumer(call, streamEvents, cfg)
	if err != nil {
		return 0, b.explain("read events", err)
	}
	defer b.forget(context.WithoutCancel(ctx), streamEvents, c)
	left = c.CachedInfo().NumPending
	if left == 0 {
		return 0, nil
	}
	batch, err := c.Fetch(min(n, int(min(left, 1<<20))), jetstream.FetchContext(call))
	if err != nil {
		return left, b.explain("read events", err)
	}
	want := uint64(1)
	for m := range batch.Messages() {
		md, err := m.Metadata()
		if err != nil {
			return left, fmt.Errorf("read events: %w", err)
		}
		if md.Sequence.Consumer != want {
			return left, nil // one was lost on the way: read again from here
		}
		want++
		left = md.NumPending
		fn(m, md)
	}
	if err := batch.Error(); err != nil && want == 1 {
		return left, b.explain("read events", err)
	}
	return left, nil
}
