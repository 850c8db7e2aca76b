package bus

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/nats-io/nats.go/jetstream"

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
	By       string    `json:"by,omitempty"` // who added it, as a principal: "discord:user:1"
}

// AgentPlace is where an agent's record is stored, for its seal.
func AgentPlace(handle string) string { return bucketConfig + "/agent." + handle }

// PutAgent stores an agent in IA_CONFIG under agent.<handle>, in the place of any
// of that handle. Errors: *StateError; bridge.ErrFenced when another process
// stored one at the same time.
func (b *Bus) PutAgent(ctx context.Context, r AgentRecord) error {
	token, err := events.Token(r.Handle)
	if err != nil {
		return fmt.Errorf("store agent %q: %w", r.Handle, err)
	}
	data, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("encode agent %s: %w", r.Handle, err)
	}
	subject := agentsPrefix + token
	old, err := b.lookUp(ctx, streamConfig, subject)
	if err != nil {
		return err
	}
	_, err = b.swap(ctx, swap{stream: streamConfig, subject: subject, stored: subject, data: data, revision: old.seq, mortal: true})
	return err
}

// WatchAgents calls changed with all stored agents, in the order of their handles,
// at the start and after every change, until ctx ends; it returns ctx's error.
func (b *Bus) WatchAgents(ctx context.Context, changed func([]AgentRecord)) error {
	known := map[string]AgentRecord{}
	return b.follow(ctx, reading{
		stream: streamConfig,
		from: jetstream.OrderedConsumerConfig{
			FilterSubjects: []string{agentsPrefix + ">"}, DeliverPolicy: jetstream.DeliverLastPerSubjectPolicy,
		},
		fn: func(m jetstream.Msg, _ *jetstream.MsgMetadata) {
			var r AgentRecord
			switch {
			case deleted(m.Headers()):
				delete(known, m.Subject())
			case json.Unmarshal(m.Data(), &r) != nil || r.Handle == "":
				b.log.Warn("a stored agent can't be read", "key", m.Subject())
			default:
				known[m.Subject()] = r
			}
		},
		caughtUp: func() {
			changed(slices.SortedFunc(maps.Values(known), func(a, b AgentRecord) int { return cmp.Compare(a.Handle, b.Handle) }))
		},
		torn: func() bool {
			clear(known)
			return true
		},
	})
}
