package bus

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/imaginebridge/imaginebridge/bridge"
)

const invitesPrefix = "$KV." + bucketLedger + ".invite."

// Invites are the invite codes of all processes, in IA_LEDGER under
// invite.<SHA-256 of the code>, until they can't be redeemed any more.
func (b *Bus) Invites() *Invites { return &Invites{bus: b} }

// Invites keeps invite codes.
type Invites struct{ bus *Bus }

func inviteSubject(code string) string {
	sum := sha256.Sum256([]byte(code))
	return invitesPrefix + hex.EncodeToString(sum[:])
}

// Put stores an invite under its code. Errors: *StateError; bridge.ErrFenced where
// that code was given out before.
func (i *Invites) Put(ctx context.Context, code string, v bridge.Invite) error {
	return i.store(ctx, inviteSubject(code), v, 0)
}

// Take redeems a code: of several who try at once exactly one is first. ok is false
// where there is no such code, or it was redeemed before, or its time is over.
// Errors: *StateError.
func (i *Invites) Take(ctx context.Context, code string, by bridge.Person, in string) (v bridge.Invite, ok bool, err error) {
	subject := inviteSubject(code)
	m, err := i.bus.lookUp(ctx, streamLedger, subject)
	if err != nil || m.seq == 0 || deleted(m.header) {
		return v, false, err
	}
	if err := json.Unmarshal(m.data, &v); err != nil {
		return bridge.Invite{}, false, fmt.Errorf("read an invite: %w", err)
	}
	now := time.Now().UTC()
	if !v.Used.IsZero() || !now.Before(v.Until) {
		return bridge.Invite{}, false, nil
	}
	v.Used, v.UsedBy, v.UsedIn = now, by, in
	err = i.store(ctx, subject, v, m.seq)
	if errors.Is(err, bridge.ErrFenced) {
		return bridge.Invite{}, false, nil
	}
	return v, err == nil, err
}

func (i *Invites) store(ctx context.Context, subject string, v bridge.Invite, revision uint64) error {
	data, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("encode an invite: %w", err)
	}
	left := max(time.Minute, time.Until(v.Until)).Truncate(time.Second)
	_, err = i.bus.swap(ctx, swap{
		stream: streamLedger, subject: subject, stored: subject, data: data, revision: revision, mortal: true,
		header: nats.Header{jetstream.MsgTTLHeader: {left.String()}},
	})
	return err
}
