package bus

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

const (
	// chunkSize is of the parts that a snapshot travels in: the server's own (nats-server, defaultSnapshotChunkSize).
	chunkSize = 128 << 10
	// snapshotTime bounds the wait for one answer: the server flushes and reads a
	// whole stream before the first.
	snapshotTime = time.Minute
)

// snapshot is what the server tells of a stream with a copy of it.
type snapshot struct {
	Config json.RawMessage `json:"config"`
	State  json.RawMessage `json:"state"`
}

// copyOut writes a stream as the server itself keeps it: messages with their
// sequences, headers and times, and its consumers (JetStream API, STREAM.SNAPSHOT).
func (b *Bus) copyOut(ctx context.Context, stream string, to io.Writer) (snapshot, error) {
	what := "copy stream " + stream
	inbox := b.nc.NewInbox()
	parts, err := b.nc.SubscribeSync(inbox)
	if err != nil {
		return snapshot{}, b.explain(what, err)
	}
	defer func() { _ = parts.Unsubscribe() }()
	ask := map[string]any{"deliver_subject": inbox, "chunk_size": chunkSize}
	var answer struct {
		Error *jetstream.APIError `json:"error"`
		snapshot
	}
	if err := b.api(ctx, what, "$JS.API.STREAM.SNAPSHOT."+stream, ask, &answer); err != nil {
		return snapshot{}, err
	}
	if answer.Error != nil {
		return snapshot{}, b.explain(what, answer.Error)
	}
	for {
		m, err := nextPart(ctx, parts)
		if err != nil {
			return snapshot{}, b.explain(what, err)
		}
		if len(m.Data) == 0 {
			if status := m.Header.Get("Status"); status != "" && status != "204" {
				return snapshot{}, fmt.Errorf("%s: the server broke off: %s %s", what, status, m.Header.Get("Description"))
			}
			return answer.snapshot, nil
		}
		if _, err := to.Write(m.Data); err != nil {
			return snapshot{}, fmt.Errorf("%s: %w", what, err)
		}
		if m.Reply == "" {
			continue
		}
		if err := m.Respond(nil); err != nil {
			return snapshot{}, b.explain(what, err)
		}
	}
}

func nextPart(ctx context.Context, parts *nats.Subscription) (*nats.Msg, error) {
	ctx, cancel := context.WithTimeout(ctx, snapshotTime)
	defer cancel()
	return parts.NextMsgWithContext(ctx)
}

// copyIn makes a stream from a copy (JetStream API, STREAM.RESTORE). There must be
// none of its name.
func (b *Bus) copyIn(ctx context.Context, stream string, s snapshot, from io.Reader) error {
	what := "restore stream " + stream
	var opened struct {
		Error *jetstream.APIError `json:"error"`
		To    string              `json:"deliver_subject"`
	}
	if err := b.api(ctx, what, "$JS.API.STREAM.RESTORE."+stream, s, &opened); err != nil {
		return err
	}
	if opened.Error != nil {
		return b.explain(what, opened.Error)
	}
	part := make([]byte, chunkSize)
	for {
		n, err := io.ReadFull(from, part)
		if n == 0 && errors.Is(err, io.EOF) {
			break
		}
		if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
			return fmt.Errorf("%s: %w", what, err)
		}
		if err := b.handIn(ctx, what, opened.To, part[:n]); err != nil {
			return err
		}
	}
	return b.handIn(ctx, what, opened.To, nil)
}

// handIn sends one part of a copy; an empty one ends it.
func (b *Bus) handIn(ctx context.Context, what, to string, part []byte) error {
	ctx, cancel := context.WithTimeout(ctx, snapshotTime)
	defer cancel()
	reply, err := b.nc.RequestWithContext(ctx, to, part)
	if err != nil {
		return b.explain(what, err)
	}
	var answer struct {
		Error *jetstream.APIError `json:"error"`
	}
	if len(reply.Data) == 0 {
		return nil
	}
	if err := json.Unmarshal(reply.Data, &answer); err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	if answer.Error != nil {
		return b.explain(what, answer.Error)
	}
	return nil
}

// api makes one request of JetStream's that no method of the client makes.
func (b *Bus) api(ctx context.Context, what, subject string, ask, answer any) error {
	ctx, cancel := context.WithTimeout(ctx, snapshotTime)
	defer cancel()
	data, err := json.Marshal(ask)
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	reply, err := b.nc.RequestWithContext(ctx, subject, data)
	if err != nil {
		return b.explain(what, err)
	}
	if err := json.Unmarshal(reply.Data, answer); err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}
