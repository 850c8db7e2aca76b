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

// reading is a stream that is followed.
type reading struct {
	stream string
	from   jetstream.OrderedConsumerConfig
	fn     func(jetstream.Msg, *jetstream.MsgMetadata)
	// caughtUp, when set, is called whenever all that is stored was handed over.
	caughtUp func()
	// torn, when set, is called when the stream does not hold any more what was
	// handed over: a restarted server lost the newest part. Reading goes on with
	// what was stored since, or from the start where torn says so.
	torn  func() (fromStart bool)
	begin place // where from begins, when it is known
}

// follow hands over every message that the reading asks for, in order and without
// a gap, until ctx ends; it survives lost consumers and restarted servers.
func (b *Bus) follow(ctx context.Context, r reading) error {
	r.from.InactiveThreshold, r.from.MaxResetAttempts = idle, 5
	cfg, done := r.from, r.begin
	for attempt := 0; ; attempt++ {
		p, err := b.followOnce(ctx, r, cfg)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if p.seq > 0 {
			done, attempt = p, 0
			cfg.DeliverPolicy, cfg.OptStartSeq, cfg.OptStartTime = jetstream.DeliverByStartSequencePolicy, p.seq+1, nil
		}
		b.log.Debug("reading a stream was interrupted", "stream", r.stream, "err", b.explain("read", err))
		if !wait(ctx, backoff(attempt+1)) {
			return ctx.Err()
		}
		torn, end, err := b.torn(ctx, r.stream, done)
		if err != nil || !torn {
			continue
		}
		b.log.Error("a stream lost its end", "stream", r.stream, "end", end, "had", done.seq)
		cfg.DeliverPolicy, cfg.OptStartSeq, cfg.OptStartTime = jetstream.DeliverByStartTimePolicy, 0, new(done.at.Add(time.Nanosecond))
		if r.torn != nil && r.torn() {
			cfg = r.from
		}
		done = place{}
	}
}

// torn reports whether a stream does not hold any more what stood at the place,
// because it ends before or something younger stands there, and where it ends.
// What retention removed is not torn.
func (b *Bus) torn(ctx context.Context, stream string, p place) (torn bool, end uint64, err error) {
	at, err := b.bounds(ctx, stream)
	if err != nil || p.seq > at.last {
		return err == nil, at.last, err
	}
	if p.at.IsZero() || p.seq < at.first {
		return false, at.last, nil
	}
	m, err := b.at(ctx, stream, p.seq)
	return err == nil && m.time.After(p.at), at.last, err
}

func (b *Bus) followOnce(ctx context.Context, r reading, cfg jetstream.OrderedConsumerConfig) (done place, err error) {
	stream, caughtUp := r.stream, r.caughtUp
	ctx, cancelAll := b.untilCut(ctx)
	defer cancelAll()
	call, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	c, err := b.js.OrderedConsumer(call, stream, cfg)
	if err != nil {
		return done, err
	}
	info := c.CachedInfo()
	if info != nil && info.NumPending == 0 && caughtUp != nil {
		caughtUp()
	}
	it, err := c.Messages(jetstream.PullExpiry(10*time.Second), jetstream.PullHeartbeat(2*time.Second))
	if err != nil {
		return done, err
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
			return done, err
		}
		md, err := m.Metadata()
		if err != nil {
			return done, err
		}
		r.fn(m, md)
		done = place{seq: md.Sequence.Stream, at: md.Timestamp}
		if md.NumPending == 0 && caughtUp != nil {
			caughtUp()
		}
	}
}

// untilCut is a context that ends when the connection is lost, for answers that
// are on their way don't come any more, or is back, for the store may not be what
// it was.
func (b *Bus) untilCut(parent context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(parent)
	b.cutMu.Lock()
	defer b.cutMu.Unlock()
	id := new(byte)
	b.onCut[id] = cancel
	return ctx, func() {
		cancel()
		b.cutMu.Lock()
		defer b.cutMu.Unlock()
		delete(b.onCut, id)
	}
}

// cut ends what waits for an answer, and makes all readers look at the store anew.
func (b *Bus) cut() {
	b.cutMu.Lock()
	for _, cancel := range b.onCut {
		cancel()
	}
	b.cutMu.Unlock()
	b.tail.doubt()
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

// replay hands over what a stream holds now of what the configuration asks for. It
// waits while a cluster has no leader.
func (b *Bus) replay(ctx context.Context, stream string, cfg jetstream.ConsumerConfig, fn func(jetstream.Msg, *jetstream.MsgMetadata)) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for attempt := 0; ; attempt++ {
		left, err := b.read(ctx, stream, cfg, 2048, func(m jetstream.Msg, md *jetstream.MsgMetadata) {
			fn(m, md)
			cfg.DeliverPolicy, cfg.OptStartSeq, cfg.OptStartTime = jetstream.DeliverByStartSequencePolicy, md.Sequence.Stream+1, nil
		})
		switch {
		case err == nil && left == 0:
			return nil
		case err == nil:
			attempt = 0
		case !wait(ctx, backoff(attempt)):
			return err
		}
	}
}

// read hands over at most n messages of a stream through a consumer of its own,
// in order and without a gap, and returns how many more there are.
func (b *Bus) read(ctx context.Context, stream string, cfg jetstream.ConsumerConfig, n int, fn func(jetstream.Msg, *jetstream.MsgMetadata)) (left uint64, err error) {
	call, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	cfg.AckPolicy, cfg.InactiveThreshold = jetstream.AckNonePolicy, idle
	cfg.MemoryStorage, cfg.Replicas = true, 1
	c, err := b.js.CreateConsumer(call, stream, cfg)
	if err != nil {
		return 0, b.explain("read "+stream, err)
	}
	defer b.forget(context.WithoutCancel(ctx), stream, c)
	left = c.CachedInfo().NumPending
	if left == 0 || n == 0 {
		return left, nil
	}
	batch, err := c.Fetch(min(n, int(min(left, 1<<20))), jetstream.FetchContext(call))
	if err != nil {
		return left, b.explain("read "+stream, err)
	}
	want := uint64(1)
	for m := range batch.Messages() {
		md, err := m.Metadata()
		if err != nil {
			return left, fmt.Errorf("read %s: %w", stream, err)
		}
		if md.Sequence.Consumer != want {
			return left, nil // one was lost on the way: read again from here
		}
		want++
		left = md.NumPending
		fn(m, md)
	}
	if err := batch.Error(); err != nil && want == 1 {
		return left, b.explain("read "+stream, err)
	}
	return left, nil
}
