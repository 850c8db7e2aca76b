package bus

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/nats-io/nuid"
	"github.com/synadia-io/orbit.go/jetstreamext"

	"github.com/imaginebridge/imaginebridge/bridge"
)

// writeHeader names one write, so that a process that got no answer can find out
// whether the record it reads back is its own.
const writeHeader = "ia-write"

// errDuplicate says that a batch holds an event that the stream took within its
// dedupe window, so that all of the batch was refused.
var errDuplicate = errors.New("an event of the batch is stored already")

// swap is a record that is written only over the revision its owner knows, with
// whatever must be stored together with it.
type swap struct {
	stream   string
	with     []*nats.Msg // stored before the record, all or none
	subject  string      // to publish the record on
	stored   string      // where the stream keeps it
	data     []byte
	revision uint64 // the record's sequence as last seen, 0 for none
	header   nats.Header
	mortal   bool // leaves when its stream's age says so; other records stay for ever
}

// swap writes, and returns the record's new revision. A write without an answer
// is settled by reading the record; it is repeated only while the record is
// unchanged, and the expectation makes the repetition harmless. Errors:
// bridge.ErrFenced when the record is another's, errDuplicate, *StateError.
func (b *Bus) swap(ctx context.Context, s swap) (uint64, error) {
	what := "store " + s.stored
	if len(s.with) > 0 {
		select {
		case b.commits <- struct{}{}:
			defer func() { <-b.commits }()
		case <-ctx.Done():
			return 0, fmt.Errorf("%s: %w", what, ctx.Err())
		}
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	id := nuid.Next()
	for attempt := 0; ; attempt++ {
		seq, err := b.send(ctx, s, id)
		if err == nil {
			return seq, nil
		}
		if code := codeOf(err); saysFull(code) || saysOff(code) || errors.Is(err, nats.ErrMaxPayload) {
			return 0, b.explain(what, err)
		}
		now, read := b.last(ctx, s.stream, s.stored)
		switch {
		case read != nil:
		case now.header.Get(writeHeader) == id:
			return now.seq, nil
		case now.seq != s.revision:
			return 0, fmt.Errorf("%s: %w", what, bridge.ErrFenced)
		case codeOf(err) == codeDuplicate:
			return 0, fmt.Errorf("%s: %w", what, errDuplicate)
		}
		if !wait(ctx, backoff(attempt)) {
			return 0, b.explain(what, err)
		}
	}
}

// backoff is the pause before a repetition: 20 ms to 2 s, with jitter.
func backoff(attempt int) time.Duration {
	d := min(2*time.Second, 20*time.Millisecond<<min(attempt, 8))
	return d/2 + rand.N(d/2) //nolint:gosec // jitter, not a secret
}

func (b *Bus) send(ctx context.Context, s swap, id string) (uint64, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	ctx, done := b.untilCut(ctx)
	defer done()
	record := &nats.Msg{Subject: s.subject, Data: s.data, Header: nats.Header{
		jetstream.MsgRollup:                 {jetstream.MsgRollupSubject},
		jetstream.ExpectedLastSubjSeqHeader: {strconv.FormatUint(s.revision, 10)},
		writeHeader:                         {id},
	}}
	if !s.mortal {
		record.Header.Set(jetstream.MsgTTLHeader, "never")
	}
	maps.Copy(record.Header, s.header)
	if len(s.with) == 0 {
		ack, err := b.js.PublishMsg(ctx, record)
		if err != nil {
			return 0, err
		}
		return ack.Sequence, nil
	}
	batch, err := jetstreamext.NewBatchPublisher(b.js, jetstreamext.BatchFlowControl{})
	if err != nil {
		return 0, err
	}
	for _, m := range s.with {
		if err := batch.AddMsg(m); err != nil {
			return 0, err
		}
	}
	ack, err := batch.CommitMsg(ctx, record)
	if err != nil {
		return 0, err
	}
	return ack.Sequence, nil
}

// stored is a message as the stream keeps it; seq 0 means none.
type stored struct {
	seq     uint64
	subject string
	header  nats.Header
	data    []byte
	time    time.Time
}

// lookUp is last, tried until the store answers.
func (b *Bus) lookUp(ctx context.Context, stream, subject string) (stored, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for attempt := 0; ; attempt++ {
		m, err := b.last(ctx, stream, subject)
		if err == nil || !wait(ctx, backoff(attempt)) {
			return m, err
		}
	}
}

// last reads the newest message of a subject from the stream's leader. A direct
// get may be answered by a replica that is behind.
func (b *Bus) last(ctx context.Context, stream, subject string) (stored, error) {
	return b.get(ctx, stream, "read "+subject, map[string]any{"last_by_subj": subject})
}

// at reads the message at a sequence.
func (b *Bus) at(ctx context.Context, stream string, seq uint64) (stored, error) {
	return b.get(ctx, stream, "read "+stream, map[string]any{"seq": seq})
}

func (b *Bus) get(ctx context.Context, stream, what string, which map[string]any) (stored, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	ask, err := json.Marshal(which)
	if err != nil {
		return stored{}, fmt.Errorf("%s: %w", what, err)
	}
	reply, err := b.nc.RequestWithContext(ctx, "$JS.API.STREAM.MSG.GET."+stream, ask)
	if err != nil {
		return stored{}, b.explain(what, err)
	}
	var answer struct {
		Error   *jetstream.APIError `json:"error"`
		Message struct {
			Seq     uint64    `json:"seq"`
			Subject string    `json:"subject"`
			Header  []byte    `json:"hdrs"`
			Data    []byte    `json:"data"`
			Time    time.Time `json:"time"`
		} `json:"message"`
	}
	if err := json.Unmarshal(reply.Data, &answer); err != nil {
		return stored{}, fmt.Errorf("%s: %w", what, err)
	}
	switch {
	case answer.Error == nil:
	case answer.Error.ErrorCode == codeNotFound:
		return stored{}, nil
	default:
		return stored{}, b.explain(what, answer.Error)
	}
	m := stored{seq: answer.Message.Seq, subject: answer.Message.Subject, data: answer.Message.Data, time: answer.Message.Time}
	if len(answer.Message.Header) > 0 {
		if m.header, err = nats.DecodeHeadersMsg(answer.Message.Header); err != nil {
			return stored{}, fmt.Errorf("%s: %w", what, err)
		}
	}
	return m, nil
}
