package bus

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/bridge/command"
)

const (
	streamLedger  = "KV_" + bucketLedger
	commandPrefix = "$KV." + bucketLedger + ".command."

	// stateHeader repeats a record's state, so that those still open are found
	// without reading all of them.
	stateHeader = "ia-state"

	// owedWord is in its place where a command ended and its answer is owed.
	owedWord command.State = "owed"

	// maxRecord bounds a stored command, in bytes. An answer that would be larger
	// is kept without its cards, and then without its data.
	maxRecord = 512 << 10
)

// Records is the ledger of commands in IA_LEDGER, where each stays for 30 days,
// or until it is due and 30 days more. All processes share it: of several that create one, the first wins, and every
// change is made by compare-and-set.
func (b *Bus) Records() command.Records { return &records{bus: b, open: map[string]kept{}} }

// records remembers between two calls of Open what it has seen.
type records struct {
	bus *Bus

	mu   sync.Mutex
	open map[string]kept // by subject, the records that had not ended
	seen place           // up to where the stream was read
}

// kept is a record as it was last seen. One that is scheduled is read once, since
// nothing happens to it until it is due; the others are looked at each time.
type kept struct {
	seq uint64
	at  time.Time       // when it was stored
	rec *command.Record // nil where it has to be read
}

// refreshed is after what time a scheduled record is written anew: the ledger,
// when it is full, drops what is oldest.
const refreshed = 24 * time.Hour

// Create implements command.Records.
func (l *records) Create(ctx context.Context, r command.Record) (stored command.Record, fresh bool, err error) {
	s, err := writeRecord(r)
	if err != nil {
		return command.Record{}, false, err
	}
	for {
		seq, err := l.bus.swap(ctx, s)
		if err == nil {
			r.Rev = seq
			return r, true, nil
		}
		if !errors.Is(err, bridge.ErrFenced) {
			return command.Record{}, false, err
		}
		m, err := l.bus.lookUp(ctx, streamLedger, s.stored)
		if err != nil {
			return command.Record{}, false, err
		}
		if m.seq != 0 && !deleted(m.header) {
			stored, err = readRecord(r.ID, m)
			return stored, false, err
		}
		s.revision = m.seq // gone meanwhile
	}
}

// Update implements command.Records.
func (l *records) Update(ctx context.Context, r command.Record) (command.Record, error) {
	s, err := writeRecord(r)
	if err != nil {
		return command.Record{}, err
	}
	s.revision = r.Rev
	r.Rev, err = l.bus.swap(ctx, s)
	if errors.Is(err, bridge.ErrFenced) {
		err = fmt.Errorf("record %s: %w", r.ID, command.ErrMoved)
	}
	return r, err
}

// Open implements command.Records. It gives the oldest first. The first call
// looks at every record, later ones at what changed since.
func (l *records) Open(ctx context.Context) ([]command.Record, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.look(ctx); err != nil {
		return nil, err
	}
	var out []command.Record
	for subject, known := range l.open {
		if known.rec != nil {
			out = append(out, l.fresh(ctx, *known.rec, known.at))
			continue
		}
		m, err := l.bus.lookUp(ctx, streamLedger, subject)
		if err != nil {
			return nil, err
		}
		if m.seq == 0 || ended(m.header) {
			continue
		}
		r, err := readRecord(subject, m)
		if err != nil {
			l.bus.log.Warn("a command's record can't be read", "err", err)
			continue
		}
		if r.State == command.Scheduled {
			l.open[subject] = kept{seq: m.seq, at: m.time, rec: &r}
		}
		out = append(out, r)
	}
	slices.SortFunc(out, func(a, b command.Record) int { return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.ID, b.ID)) })
	return out, nil
}

// fresh writes a scheduled record anew once a day. Where that fails it is tried
// at the next look.
func (l *records) fresh(ctx context.Context, r command.Record, stored time.Time) command.Record {
	if time.Since(stored) > refreshed {
		if again, err := l.Update(ctx, r); err == nil {
			return again
		}
	}
	return r
}

// look brings what is known of open records up to date.
func (l *records) look(ctx context.Context) error {
	torn, _, err := l.bus.torn(ctx, streamLedger, l.seen)
	if err != nil {
		return err
	}
	if torn {
		clear(l.open)
		l.seen = place{}
	}
	return l.bus.replay(ctx, streamLedger, jetstream.ConsumerConfig{
		FilterSubject: commandPrefix + ">", HeadersOnly: true,
		DeliverPolicy: jetstream.DeliverByStartSequencePolicy, OptStartSeq: l.seen.seq + 1,
	}, func(m jetstream.Msg, md *jetstream.MsgMetadata) {
		l.seen = place{seq: md.Sequence.Stream, at: md.Timestamp}
		if ended(m.Headers()) {
			delete(l.open, m.Subject())
		} else {
			l.open[m.Subject()] = kept{seq: md.Sequence.Stream, at: md.Timestamp}
		}
	})
}

func ended(h nats.Header) bool {
	switch command.State(h.Get(stateHeader)) {
	case command.Recorded, command.Scheduled, command.Running, owedWord:
		return deleted(h)
	case command.Done, command.Failed, command.Unknown:
	}
	return true
}

func writeRecord(r command.Record) (swap, error) {
	data, err := r.Newer.Onto(r)
	if err == nil && len(data) > maxRecord && r.Answer != nil {
		a := *r.Answer
		a.Reply.Messages, r.Answer = nil, &a
		if data, err = r.Newer.Onto(r); err == nil && len(data) > maxRecord {
			a.Reply.Data = nil
			data, err = r.Newer.Onto(r)
		}
	}
	switch {
	case err != nil:
		return swap{}, fmt.Errorf("encode record %s: %w", r.ID, err)
	case len(data) > maxRecord:
		return swap{}, fmt.Errorf("record %s: %d bytes are more than %d", r.ID, len(data), maxRecord)
	}
	subject, state := commandPrefix+keyToken(r.ID), r.State
	if r.Owed {
		state = owedWord
	}
	return swap{
		stream: streamLedger, subject: subject, stored: subject, data: data, mortal: r.State != command.Scheduled,
		header: nats.Header{stateHeader: {string(state)}},
	}, nil
}

func readRecord(name string, m stored) (command.Record, error) {
	var r struct {
		command.Record
		Answer json.RawMessage `json:"answer"`
	}
	err := decodeExact(m.data, &r)
	if err == nil {
		r.Newer, err = bridge.NewerThan[command.Record](m.data)
	}
	if err == nil && r.Answer != nil {
		r.Record.Answer = new(command.Answer)
		*r.Record.Answer, err = readAnswer(r.Answer)
	}
	if err != nil {
		return command.Record{}, fmt.Errorf("record %s: %w", name, err)
	}
	r.Rev = m.seq
	return r.Record, nil
}

// readAnswer leaves what is for programs as it was written: a repeated answer
// equals the first to the byte.
func readAnswer(data []byte) (command.Answer, error) {
	var result json.RawMessage
	a := command.Answer{Reply: command.Reply{Data: &result}}
	if err := decodeExact(data, &a); err != nil {
		return command.Answer{}, err
	}
	if a.Reply.Data = nil; result != nil {
		a.Reply.Data = result
	}
	return a, nil
}

// decodeExact keeps large numbers as they are written.
func decodeExact(data []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	return d.Decode(v)
}
