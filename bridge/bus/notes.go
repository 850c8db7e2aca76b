package bus

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/nats-io/nats.go"

	"github.com/imaginebridge/imaginebridge/bridge"
)

// maxNote bounds a note's value, in bytes.
const maxNote = 64 << 10

// Note returns what was noted under the key, or nil for nothing.
func (b *Bus) Note(ctx context.Context, key string) ([]byte, error) {
	m, err := b.lookUp(ctx, "KV_"+bucketReceipts, noteSubject(key))
	if err != nil || m.seq == 0 || deleted(m.header) {
		return nil, err
	}
	return m.data, nil
}

// PutNote notes a value of at most 64 KiB under the key for 30 days, in place of
// what was there. Keys are any text. Notes are for what a door has to find again:
// which thread belongs to what, button values that the platform has no room for.
// They are no place for secrets.
func (b *Bus) PutNote(ctx context.Context, key string, value []byte) error {
	if err := fits(key, value); err != nil {
		return err
	}
	return b.put(ctx, &nats.Msg{Subject: noteSubject(key), Data: value})
}

// CreateNote is PutNote for a key that holds nothing. It reports whether this
// call was the first; of several at once exactly one is.
func (b *Bus) CreateNote(ctx context.Context, key string, value []byte) (bool, error) {
	if err := fits(key, value); err != nil {
		return false, err
	}
	subject := noteSubject(key)
	for {
		m, err := b.lookUp(ctx, "KV_"+bucketReceipts, subject)
		if err != nil || m.seq != 0 && !deleted(m.header) {
			return false, err
		}
		_, err = b.swap(ctx, swap{
			stream: "KV_" + bucketReceipts, subject: subject, stored: subject, data: value, revision: m.seq, mortal: true,
		})
		if !errors.Is(err, bridge.ErrFenced) {
			return err == nil, err
		}
	}
}

// DeleteNote forgets what is noted under the key.
func (b *Bus) DeleteNote(ctx context.Context, key string) error {
	return b.put(ctx, &nats.Msg{Subject: noteSubject(key), Header: nats.Header{"KV-Operation": {"DEL"}}})
}

// threadSubjects begins the subjects of notes of threads, which are counted.
const threadSubjects = "$KV." + bucketReceipts + ".thread."

// noteSubject keeps notes apart from receipts, whose keys are one token, and those of
// threads from the others.
func noteSubject(key string) string {
	if thread, is := strings.CutPrefix(key, bridge.ThreadNotes); is {
		return threadSubjects + keyToken(thread)
	}
	return "$KV." + bucketReceipts + ".note." + keyToken(key)
}

func fits(key string, value []byte) error {
	if len(value) > maxNote {
		return fmt.Errorf("note %s: %d bytes are more than %d", key, len(value), maxNote)
	}
	return nil
}
