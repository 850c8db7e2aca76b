package bus

import (
	"context"
	"fmt"
	"time"
)

// care looks after the store: it brings JetStream of the embedded server back
// when it switched itself off, and keeps cursors and lane records from being
// overtaken by retention.
func (b *Bus) care(ctx context.Context) error {
	look := time.NewTicker(time.Second)
	defer look.Stop()
	refresh := time.NewTicker(time.Minute)
	defer refresh.Stop()
	told := map[string]bool{}
	for pause := time.Duration(0); ; {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-look.C:
			broken := b.host != nil && b.host.diskTrouble() != nil
			if b.host == nil || !broken && b.host.server.JetStreamEnabled() {
				pause = 0
				continue
			}
			pause = min(pause+time.Second, 10*time.Second)
			if !broken {
				b.reviveHost(ctx)
			} else if b.reopen(ctx) {
				continue
			}
			if !wait(ctx, pause) {
				return ctx.Err()
			}
		case <-refresh.C:
			b.refresh(ctx)
			if err := b.recount(ctx); err != nil {
				b.log.Debug("events were not counted", "err", err)
			}
			b.tellLacking(ctx, told)
			b.alarm(ctx, told)
			b.boundDead(ctx, mostDead, told)
			b.boundThreads(ctx)
		}
	}
}

// alarmAt is the share of its room at which a stream is told to be nearly full.
const alarmAt = 0.8

// alarm tells once when a stream is nearly full, and when it is not any more.
func (b *Bus) alarm(ctx context.Context, told map[string]bool) {
	in, err := b.Info(ctx)
	if err != nil {
		return
	}
	for _, s := range in.Streams {
		tight := s.Share() >= alarmAt
		if tight == told[s.Name] {
			continue
		}
		told[s.Name] = tight
		status := Status{Component: "nats", State: OK, Reason: s.Name + " has room again."}
		if tight {
			status.State = Degraded
			status.Reason = fmt.Sprintf("%s fills %.0f %% of its room; when it is full, its oldest entries go.", s.Name, 100*s.Share())
			status.Next = "Raise nats.store, or shorten nats.keep."
			b.log.Warn("a stream is nearly full", "stream", s.Name, "bytes", s.Bytes, "limit", s.MaxBytes)
		}
		if err := b.Status(ctx, status); err != nil {
			b.log.Warn("status was not stored", "err", err)
		}
	}
}

func (b *Bus) reviveHost(ctx context.Context) {
	b.log.Error("jetstream switched itself off; is the disk full?", "folder", b.host.dir)
	if err := b.host.revive(); err != nil {
		b.log.Error("jetstream stays off", "err", err)
		return
	}
	b.log.Info("jetstream is on again")
	b.cut()
	s := Status{Component: "nats", State: OK, Reason: "JetStream had switched itself off after a failed write and is on again.", Next: "Look at the free space of the disk."}
	if err := b.Status(ctx, s); err != nil {
		b.log.Warn("status was not stored", "err", err)
	}
}

// refresh rewrites what lies in the older half of a stream that is half full:
// a full stream drops its oldest messages, whatever they are.
func (b *Bus) refresh(ctx context.Context) {
	if at, err := b.bounds(ctx, streamDelivery); err == nil {
		limit := b.oldHalf(at, 15)
		for _, l := range b.tail.each() {
			l.refresh(ctx, limit)
		}
	}
	at, err := b.bounds(ctx, streamEvents)
	if err != nil {
		return
	}
	limit := b.oldHalf(at, 60)
	for key, revision := range b.cursors.olderThan(limit) {
		b.refreshCursor(ctx, key, revision)
	}
}

// oldHalf is the sequence in the middle of a stream, or 0 while it is not half
// full of its share of the store.
func (b *Bus) oldHalf(at bounds, percent int64) uint64 {
	if int64(at.bytes) < b.opts.Store*percent/200 {
		return 0
	}
	return at.first + (at.last-at.first)/2
}

// refresh saves a record that may be overtaken, whose position can move on
// because nothing of what came was for this lane, or that knows less of what waits
// for the lane than is known now.
func (l *Lane) refresh(ctx context.Context, limit uint64) {
	l.writing.Lock()
	defer l.writing.Unlock()
	l.mu.Lock()
	r, old := l.record, l.revision < limit
	p := l.placeOf(r)
	known, counted := l.tallyLocked(p.seq)
	grown := counted && known.waiting != l.told.waiting
	skip := l.fenced
	l.mu.Unlock()
	if skip || !old && !grown && p.seq == r.Position {
		return
	}
	if err := l.write(ctx, r, nil); err != nil {
		l.bus.log.Debug("lane was not refreshed", "subscription", l.subscription, "err", err)
	}
}
