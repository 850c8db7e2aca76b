package bus

import (
	"context"
	"maps"
	"slices"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// rows are the records of one kind in a bucket: the newest of each key under a
// prefix.
type rows[T any] struct {
	bus    *Bus
	stream string // of the bucket
	prefix string // of the records' subjects
	// decode reads a record; false where it can't be read, which it tells.
	decode func(m jetstream.Msg, revision uint64) (T, bool)
	order  func(a, b T) int
}

// list returns all of them, in order. Errors: *StateError.
func (r rows[T]) list(ctx context.Context) ([]T, error) {
	known := map[string]T{}
	err := r.bus.replay(ctx, r.stream, jetstream.ConsumerConfig{
		FilterSubject: r.prefix + ">", DeliverPolicy: jetstream.DeliverLastPerSubjectPolicy,
	}, func(m jetstream.Msg, md *jetstream.MsgMetadata) { r.note(known, m, md) })
	return r.sorted(known), err
}

// watch calls changed with all of them, at the start and after every change, until
// ctx ends; it returns ctx's error.
func (r rows[T]) watch(ctx context.Context, changed func([]T)) error {
	known := map[string]T{}
	return r.bus.follow(ctx, reading{
		stream: r.stream,
		from: jetstream.OrderedConsumerConfig{
			FilterSubjects: []string{r.prefix + ">"}, DeliverPolicy: jetstream.DeliverLastPerSubjectPolicy,
		},
		fn:       func(m jetstream.Msg, md *jetstream.MsgMetadata) { r.note(known, m, md) },
		caughtUp: func() { changed(r.sorted(known)) },
		torn: func() bool {
			clear(known)
			return true
		},
	})
}

// note keeps what a message of the bucket says. Of a record that can't be read the
// former state stays.
func (r rows[T]) note(known map[string]T, m jetstream.Msg, md *jetstream.MsgMetadata) {
	if deleted(m.Headers()) {
		delete(known, m.Subject())
		return
	}
	if record, ok := r.decode(m, md.Sequence.Stream); ok {
		known[m.Subject()] = record
	}
}

func (r rows[T]) sorted(known map[string]T) []T {
	return slices.SortedFunc(maps.Values(known), r.order)
}

// remove takes out the record of a revision. Errors: bridge.ErrFenced where another
// is stored there by now, *StateError.
func (r rows[T]) remove(ctx context.Context, subject string, revision uint64) error {
	_, err := r.bus.swap(ctx, swap{
		stream: r.stream, subject: subject, stored: subject, revision: revision, mortal: true, header: nats.Header{"KV-Operation": {"DEL"}},
	})
	return err
}

// vacant returns the revision to store a new record over, which a removed one
// leaves behind, and whether there is none at present. Errors: *StateError.
func (r rows[T]) vacant(ctx context.Context, subject string) (over uint64, free bool, err error) {
	m, err := r.bus.lookUp(ctx, r.stream, subject)
	return m.seq, m.seq == 0 || deleted(m.header), err
}
