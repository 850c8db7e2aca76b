package bus

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/imaginebridge/imaginebridge/bridge"
)

// maxFilters is up to how many filters the server sorts events out; with more it
// is quicker to read all of them and look here.
const maxFilters = 16

// Next blocks for the first event of the lane after the given position. Asked
// again with the same position it returns the same event. It returns ctx's error
// when ctx ends first, bridge.ErrFenced when the lane is another owner's by now or
// has to be claimed anew because the stream lost its end, and a *StateError when the store has not answered for 15 s.
func (l *Lane) Next(ctx context.Context, after uint64) (bridge.Entry, error) {
	var trouble time.Time
	for attempt := 0; ; {
		e, found, behind, fenced := l.head(after)
		switch {
		case fenced:
			return bridge.Entry{}, fmt.Errorf("read lane %s: %w", l.subscription, bridge.ErrFenced)
		case found:
			return e, nil
		case !behind:
			attempt, trouble = 0, time.Time{}
			select {
			case <-l.wake:
			case <-ctx.Done():
				return bridge.Entry{}, ctx.Err()
			}
			continue
		}
		err := l.catchUp(ctx)
		if err == nil {
			attempt, trouble = 0, time.Time{}
			continue
		}
		if trouble.IsZero() {
			trouble = time.Now()
		}
		switch {
		case ctx.Err() != nil:
			return bridge.Entry{}, ctx.Err()
		case time.Since(trouble) > patience:
			return bridge.Entry{}, err
		}
		attempt++
		if !wait(ctx, backoff(attempt)) {
			return bridge.Entry{}, ctx.Err()
		}
	}
}

// head is the first event in memory after the position, and whether more has to
// be read from the stream, or the lane is another's.
func (l *Lane) head(after uint64) (e bridge.Entry, found, behind, fenced bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.fenced {
		return e, false, false, true
	}
	if after < l.floor { // a replay: what is in memory begins too late
		l.dropLocked(0)
		l.upto, l.returned, l.behind, l.counted = after, place{seq: after}, true, false
	}
	if after > l.upto {
		l.counted = false // what is passed over is still in ahead
	}
	l.floor, l.upto = after, max(l.upto, after)
	n := 0
	for n < len(l.queue) && l.queue[n].Position <= after {
		n++
	}
	l.forgetLocked(n)
	if len(l.queue) == 0 {
		return e, false, l.behind, false
	}
	if l.gap.count > 0 {
		l.queue[0].Skipped, l.queue[0].AtMost, l.gap = l.gap.count, l.gap.loose, loss{}
		l.queue[0].Since = l.stood.at
	}
	if e = l.queue[0]; e.Position > l.returned.seq {
		l.returned = place{seq: e.Position, at: e.Stored}
	}
	return e, true, false, false
}

// forgetLocked frees the first n events of the queue.
func (l *Lane) forgetLocked(n int) {
	for i := range n {
		l.bus.tail.waiting.Add(-int64(len(l.queue[i].Data)))
		l.queue[i] = bridge.Entry{}
	}
	l.queue = l.queue[n:]
	if len(l.queue) == 0 {
		l.queue = nil
	}
}

// dropLocked frees all but the first keep events; what is dropped waits in the
// stream.
func (l *Lane) dropLocked(keep int) {
	for i := keep; i < len(l.queue); i++ {
		l.bus.tail.waiting.Add(-int64(len(l.queue[i].Data)))
		l.queue[i] = bridge.Entry{}
		l.ahead++
	}
	l.queue = l.queue[:min(keep, len(l.queue))]
}

// close frees what waits in memory; the lane gets nothing any more.
func (l *Lane) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.dropLocked(0)
	l.closed, l.behind = true, true // what was dropped still waits for the next owner
}

// Lag is how many events wait for the lane, as far as this process knows: those
// in memory, and those it left in the stream.
func (l *Lane) Lag() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return uint64(len(l.queue)) + l.ahead
}

// Newest is the position of the newest event that this process has heard of,
// whoever it is for.
func (l *Lane) Newest() uint64 { return l.bus.tail.end().seq }

// offer takes an event from the tail. A lane whose buffer is full keeps only the
// event in work and reads the rest from the stream when it comes to it.
func (l *Lane) offer(e bridge.Entry) {
	l.mu.Lock()
	defer l.mu.Unlock()
	t := l.bus.tail
	size := int64(len(e.Data))
	switch {
	case e.Position <= l.upto, l.closed:
		return
	case l.behind:
		l.missed = e.Position
		if e.Position > l.sure {
			l.ahead++
		}
		return
	case len(l.queue) >= laneBuffer || t.waiting.Load()+size > t.limit:
		l.dropLocked(1)
		if len(l.queue) > 0 {
			l.upto = l.queue[0].Position
		} else {
			l.upto = max(l.upto, t.end().seq)
		}
		l.behind, l.missed = true, e.Position
		l.ahead++
	default:
		t.waiting.Add(size)
		l.queue, l.upto = append(l.queue, e), e.Position
	}
	l.signal()
}

// fence takes the lane from its worker.
func (l *Lane) fence() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.fenced = true
	l.signal()
}

// fallBehind makes the lane read for itself once.
func (l *Lane) fallBehind() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.behind {
		l.behind = true
		l.upto = max(l.upto, l.bus.tail.end().seq)
	}
	l.signal()
}

func (l *Lane) signal() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// catchUp reads the next events from the stream, and joins the tail when there
// are no more. An event that comes in between is either counted by the server as
// pending, or the tail offered it and missed tells. A deadline of ctx does not
// cut a reading short that has begun: the worker asks with very short ones.
func (l *Lane) catchUp(parent context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(parent), 2*callTimeout)
	defer cancel()
	stop := context.AfterFunc(parent, func() {
		if errors.Is(parent.Err(), context.Canceled) {
			cancel()
		}
	})
	defer stop()
	l.mu.Lock()
	from, missed, known := l.upto, l.missed, promise{count: l.ahead, upto: max(l.sure, l.missed)}
	if !l.counted {
		known.count = 0
	}
	l.mu.Unlock()
	n := laneBuffer
	if l.bus.tail.waiting.Load() > l.bus.tail.limit {
		n = 1
	}
	filters := l.filters
	if len(filters) > maxFilters {
		filters = []string{allEvents}
	}
	var promised uint64
	left, err := l.bus.read(ctx, streamEvents, jetstream.ConsumerConfig{
		FilterSubjects: filters, DeliverPolicy: jetstream.DeliverByStartSequencePolicy, OptStartSeq: from + 1,
	}, n, func(m jetstream.Msg, md *jetstream.MsgMetadata) {
		if l.take(m, md) && md.Sequence.Stream <= known.upto {
			promised++
		}
	})
	if err != nil {
		return err
	}
	known.count = less(known.count, promised)
	at, waiting, gone, err := l.kept(ctx, known, from, left)
	l.mu.Lock()
	defer l.mu.Unlock()
	if err != nil {
		if l.counted {
			l.ahead = known.count // to be looked at again
		}
		return err
	}
	l.gap = l.gap.plus(loss{count: gone})
	l.ahead, l.sure, l.counted = waiting, at, true
	if left == 0 && l.missed <= max(l.upto, missed) && !l.closed {
		l.behind = false
	}
	return nil
}

// promise is how many events are known to wait for a lane up to a sequence.
type promise struct{ count, upto uint64 }

// kept looks what became of the events that were known to wait, after some were
// read: how many wait now, up to where that is so, and how many retention took.
// left is how many the server said are left under the filters that were read.
func (l *Lane) kept(ctx context.Context, known promise, from, left uint64) (at, waiting, gone uint64, err error) {
	upto := l.end()
	b, err := l.bus.bounds(ctx, streamEvents)
	if err != nil {
		return 0, 0, 0, err
	}
	maybe := known.count > 0 && b.first > from+1
	if !maybe && len(l.filters) <= maxFilters {
		return b.last, left, 0, nil
	}
	if waiting, err = l.bus.pending(ctx, l.filters, upto); err != nil || !maybe {
		return b.last, waiting, 0, err
	}
	beyond, err := l.bus.pending(ctx, l.filters, max(known.upto, upto))
	return b.last, waiting, less(known.count, less(waiting, beyond)), err
}

// end is up to where everything was read.
func (l *Lane) end() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.upto
}

// take reports whether the message is for this lane.
func (l *Lane) take(m jetstream.Msg, md *jetstream.MsgMetadata) (mine bool) {
	mine = len(l.filters) <= maxFilters || l.matches(m.Subject())
	l.mu.Lock()
	defer l.mu.Unlock()
	if md.Sequence.Stream <= l.upto || l.closed {
		return mine
	}
	l.upto = md.Sequence.Stream
	if mine {
		l.queue = append(l.queue, bridge.Entry{Position: md.Sequence.Stream, Data: m.Data(), Stored: md.Timestamp})
		l.bus.tail.waiting.Add(int64(len(m.Data())))
	}
	return mine
}

func (l *Lane) matches(subject string) bool {
	found := false
	l.bus.tail.lanes.Match(subject, func(other *Lane) { found = found || other == l })
	return found
}
