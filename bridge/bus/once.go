package bus

import (
	"context"
	"errors"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/imaginebridge/imaginebridge/bridge"
)

// onceSubject is where something is kept that is good once.
func onceSubject(key string) string { return "$KV." + bucketLedger + ".once." + keyToken(key) }

// PutOnce keeps a value for whoever takes it first, within life. Keys are any text;
// the value is no place for secrets. Errors: *StateError; bridge.ErrFenced where
// the key is taken.
func (b *Bus) PutOnce(ctx context.Context, key string, value []byte, life time.Duration) error {
	if err := fits(key, value); err != nil {
		return err
	}
	subject := onceSubject(key)
	_, err := b.swap(ctx, swap{
		stream: streamLedger, subject: subject, stored: subject, data: value, mortal: true,
		header: nats.Header{jetstream.MsgTTLHeader: {life.String()}},
	})
	return err
}

// TakeOnce gives what PutOnce kept, and takes it away; nil for nothing, also where
// another was quicker or it is too late. Errors: *StateError.
func (b *Bus) TakeOnce(ctx context.Context, key string) ([]byte, error) {
	subject := onceSubject(key)
	m, err := b.lookUp(ctx, streamLedger, subject)
	if err != nil || m.seq == 0 || deleted(m.header) {
		return nil, err
	}
	_, err = b.swap(ctx, swap{
		stream: streamLedger, subject: subject, stored: subject, revision: m.seq, mortal: true,
		header: nats.Header{"KV-Operation": {"DEL"}, jetstream.MsgTTLHeader: {onceGone.String()}},
	})
	if errors.Is(err, bridge.ErrFenced) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return m.data, nil
}

// onceGone is how long it stays known that something was taken.
const onceGone = time.Hour
