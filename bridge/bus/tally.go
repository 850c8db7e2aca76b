package bus

import (
	"context"
	"fmt"
	"hash/crc32"
	"slices"
	"strconv"
	"strings"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/imaginebridge/imaginebridge/events"
)

// What retention took can't be seen in the stream itself: its sequence counts
// cursors too, and those are replaced all the time. So every cursor says how many
// events its source ever stored; what was stored, less what is there, was taken.
const (
	// countHeader of a cursor is how many events were stored with it, ever.
	countHeader = "ia-count"
	// tallyHeader of a lane's record is its tally.
	tallyHeader = "ia-tally"
)

// tally is what a lane knew when its record was written: up to a sequence the
// stream had taken so many events, and so many of them had still to come to it.
type tally struct {
	seq, total, waiting uint64
	filters             uint32 // digest of what the lane asked for
}

func (t tally) String() string {
	return fmt.Sprintf("%d %d %d %x", t.seq, t.total, t.waiting, t.filters)
}

func parseTally(text string) (t tally, ok bool) {
	n, err := fmt.Sscanf(text, "%d %d %d %x", &t.seq, &t.total, &t.waiting, &t.filters)
	return t, err == nil && n == 4
}

// loss is how many events of a lane retention took. It is loose where it is only
// the most that it can be.
type loss struct {
	count uint64
	loose bool
}

func (l loss) plus(o loss) loss {
	return loss{count: l.count + o.count, loose: l.loose && l.count > 0 || o.loose && o.count > 0}
}

func less(a, b uint64) uint64 { return a - min(a, b) }

func countOf(h nats.Header) uint64 {
	n, err := strconv.ParseUint(h.Get(countHeader), 10, 64)
	if err != nil {
		return 0 // written before there were counts: it begins at nothing
	}
	return n
}

func countHeaders(n uint64) nats.Header {
	return nats.Header{countHeader: {strconv.FormatUint(n, 10)}}
}

// committed is how many events all sources stored, ever.
func (b *Bus) committed(ctx context.Context) (total uint64, err error) {
	err = b.replay(ctx, streamEvents, jetstream.ConsumerConfig{
		FilterSubject: "ia.cursor.>", HeadersOnly: true, DeliverPolicy: jetstream.DeliverLastPerSubjectPolicy,
	}, func(m jetstream.Msg, _ *jetstream.MsgMetadata) { total += countOf(m.Headers()) })
	return total, err
}

// pending is how many messages under the filters come after a sequence.
func (b *Bus) pending(ctx context.Context, filters []string, after uint64) (uint64, error) {
	return b.read(ctx, streamEvents, jetstream.ConsumerConfig{
		FilterSubjects: filters, DeliverPolicy: jetstream.DeliverByStartSequencePolicy, OptStartSeq: after + 1, HeadersOnly: true,
	}, 0, nil)
}

// recount compares how many events were stored with how many the tail has seen.
// Those it did not see were taken by retention while the connection was away, and
// every lane may have missed one. While events are being stored it looks again,
// and leaves it to the next time in the end.
func (b *Bus) recount(ctx context.Context) error {
	for range 3 {
		before, err := b.bounds(ctx, streamEvents)
		if err != nil {
			return err
		}
		total, err := b.committed(ctx)
		if err != nil {
			return err
		}
		end := b.tail.end()
		waiting, err := b.pending(ctx, []string{allEvents}, end.seq)
		if err != nil {
			return err
		}
		after, err := b.bounds(ctx, streamEvents)
		if err != nil {
			return err
		}
		if before.last == after.last {
			b.tail.correct(end, less(total, waiting))
			return nil
		}
	}
	return nil
}

// correct sets how many events the stream took up to the end.
func (t *tail) correct(end place, total uint64) {
	t.mu.Lock()
	now, known := t.end(), t.counted
	t.counted = true
	missed := less(total, end.nth)
	now.nth = less(now.nth+total, end.nth)
	t.seen.Store(&now)
	t.mu.Unlock()
	if !known || missed == 0 {
		return
	}
	for _, l := range t.each() {
		l.lost(loss{count: missed, loose: !l.all()})
	}
}

// all reports whether every event is for this lane.
func (l *Lane) all() bool { return slices.Equal(l.filters, []string{events.SubjectPrefix + "*.>"}) }

// lost notes events that the lane will not get. It is told with the next one.
func (l *Lane) lost(more loss) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.gap = l.gap.plus(more)
}

// count looks what retention took since the lane's record m was written, and how
// many events wait for the lane now.
func (l *Lane) count(ctx context.Context, m stored, position uint64) error {
	waiting, err := l.bus.pending(ctx, l.filters, position)
	if err != nil {
		return err
	}
	at, err := l.bus.bounds(ctx, streamEvents) // later: what comes between is in waiting, or in nothing
	if err != nil {
		return err
	}
	l.ahead, l.sure, l.counted, l.gap = waiting, at.last, true, loss{}
	if m.seq == 0 || at.first <= position+1 {
		return nil
	}
	known, ok := parseTally(m.header.Get(tallyHeader))
	if !ok { // written before there were tallies, or when nothing could be counted
		l.gap = loss{count: at.first - 1 - position, loose: true}
		return nil
	}
	later, err := l.bus.pending(ctx, l.filters, known.seq)
	if err != nil {
		return err
	}
	l.gap = loss{count: less(known.waiting, less(l.ahead, later)), loose: known.filters != l.digest()}
	unseen, err := l.bus.unseen(ctx, known)
	l.gap = l.gap.plus(loss{count: unseen, loose: !l.all()})
	return err
}

// unseen is how many events retention took of those that came after a tally.
func (b *Bus) unseen(ctx context.Context, known tally) (uint64, error) {
	end := b.tail.end()
	if !b.tail.sure() || end.seq < known.seq {
		return 0, nil
	}
	there, err := b.pending(ctx, []string{allEvents}, known.seq)
	if err != nil {
		return 0, err
	}
	beyond, err := b.pending(ctx, []string{allEvents}, end.seq)
	return less(less(end.nth, known.total), less(there, beyond)), err
}

// digest tells whether the lane still asks for the same.
func (l *Lane) digest() uint32 {
	return crc32.ChecksumIEEE([]byte(strings.Join(l.filters, " ")))
}

// tallyLocked is what the lane knows where its record is at the position. It
// counts too few rather than too many: a gap that is told is one.
func (l *Lane) tallyLocked(position uint64) (tally, bool) {
	end := l.bus.tail.end()
	t := tally{seq: end.seq, total: end.nth, filters: l.digest()}
	if l.counted {
		t.waiting = l.ahead
	}
	if l.missed > end.seq {
		t.waiting = less(t.waiting, 1) // the one that the tail hands out at this moment
	}
	t.waiting = less(t.waiting, less(l.sure, end.seq))
	for _, e := range l.queue {
		if e.Position > position && e.Position <= end.seq {
			t.waiting++
		}
	}
	if l.gap.loose {
		t.total = less(t.total, l.gap.count)
	} else {
		t.waiting += l.gap.count
	}
	return t, l.bus.tail.sure()
}
