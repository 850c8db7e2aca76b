package bus

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/bridge/command"
	"github.com/imaginebridge/imaginebridge/events"
)

const agentsPrefix = "$KV." + bucketConfig + ".agent."

// AgentRecord is an agent that was added while the bridge ran. Its secret is
// sealed for AgentPlace; this room can't open it.
type AgentRecord struct {
	Handle   string    `json:"handle"`
	ClientID string    `json:"client_id"`
	Sealed   string    `json:"sealed"`
	At       time.Time `json:"at"`
	By       string    `json:"by,omitempty"`  // who added it, as a principal: "discord:user:1"
	Gone     time.Time `json:"gone,omitzero"` // when its last workspace let it go: without id and secret, and polled no more

	Rev uint64 `json:"-"` // of the store; 0 for one that is not stored yet

	newer bridge.Newer // fields that this version does not know
}

// plainAgent is an AgentRecord without its ways to be written and read.
type plainAgent AgentRecord

// MarshalJSON writes the record with the fields that came from a newer version.
func (r AgentRecord) MarshalJSON() ([]byte, error) { return r.newer.Onto(plainAgent(r)) }

// UnmarshalJSON reads the record and keeps the fields that it does not know.
func (r *AgentRecord) UnmarshalJSON(data []byte) error {
	var plain plainAgent
	if err := json.Unmarshal(data, &plain); err != nil {
		return err
	}
	newer, err := bridge.NewerThan[plainAgent](data)
	plain.newer = newer
	*r = AgentRecord(plain)
	return err
}

// FromChat reports an agent that somebody in a workspace added. It belongs to the
// workspaces that are connected to it, and to none of the operator's subscriptions.
func (r AgentRecord) FromChat() bool {
	return strings.HasPrefix(r.By, command.Discord+":") || strings.HasPrefix(r.By, command.Slack+":")
}

// AgentPlace is where an agent's record is stored, for its seal.
func AgentPlace(handle string) string { return bucketConfig + "/agent." + handle }

// PutAgent stores an agent in IA_CONFIG under agent.<handle>, in the place of any
// of that handle. Errors: *StateError; bridge.ErrFenced when another process
// stored one at the same time.
func (b *Bus) PutAgent(ctx context.Context, r AgentRecord) error {
	old, err := b.Agent(ctx, r.Handle)
	if err != nil {
		return err
	}
	r.Rev, r.newer = old.Rev, old.newer
	_, err = b.SwapAgent(ctx, r)
	return err
}

// Agent returns a stored agent; of an absent one only the handle is set. Errors:
// *StateError.
func (b *Bus) Agent(ctx context.Context, handle string) (AgentRecord, error) {
	absent := AgentRecord{Handle: handle}
	token, err := events.Token(handle)
	if err != nil {
		return absent, fmt.Errorf("read agent %q: %w", handle, err)
	}
	m, err := b.lookUp(ctx, streamConfig, agentsPrefix+token)
	if err != nil || m.seq == 0 {
		return absent, err
	}
	absent.Rev = m.seq
	if deleted(m.header) {
		return absent, nil
	}
	r := AgentRecord{}
	if err := json.Unmarshal(m.data, &r); err != nil {
		return absent, fmt.Errorf("read agent %s: %w", handle, err)
	}
	r.Rev = m.seq
	return r, nil
}

// SwapAgent stores an agent over the one of its revision, and returns it with its
// new one. Nothing of the former one stays in the store. Errors: *StateError;
// bridge.ErrFenced when another is stored there by now.
func (b *Bus) SwapAgent(ctx context.Context, r AgentRecord) (AgentRecord, error) {
	token, err := events.Token(r.Handle)
	if err != nil {
		return r, fmt.Errorf("store agent %q: %w", r.Handle, err)
	}
	data, err := json.Marshal(r)
	if err != nil {
		return r, fmt.Errorf("encode agent %s: %w", r.Handle, err)
	}
	subject := agentsPrefix + token
	r.Rev, err = b.swap(ctx, swap{stream: streamConfig, subject: subject, stored: subject, data: data, revision: r.Rev, mortal: true})
	return r, err
}

// WatchAgents calls changed with all stored agents, those that are gone too, in the order of their handles,
// at the start and after every change, until ctx ends; it returns ctx's error.
func (b *Bus) WatchAgents(ctx context.Context, changed func([]AgentRecord)) error {
	return rows[AgentRecord]{
		bus: b, stream: streamConfig, prefix: agentsPrefix, decode: b.decodeAgent,
		order: func(a, b AgentRecord) int { return cmp.Compare(a.Handle, b.Handle) },
	}.watch(ctx, changed)
}

func (b *Bus) decodeAgent(m jetstream.Msg, revision uint64) (AgentRecord, bool) {
	var r AgentRecord
	if json.Unmarshal(m.Data(), &r) != nil || r.Handle == "" {
		b.log.Warn("a stored agent can't be read", "key", m.Subject())
		return r, false
	}
	r.Rev = revision
	return r, true
}
