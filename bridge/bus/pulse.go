package bus

import (
	"context"

	"github.com/nats-io/nats.go/jetstream"
)

// Pulse is what a process knows of its own part without asking the server.
type Pulse struct {
	Connected  bool
	Reconnects uint64
	Members    int            // processes that share the work
	Held       map[string]int // names that this process works on, by kind
}

// Pulse tells how the process stands with the store and its fellows.
func (b *Bus) Pulse() Pulse {
	p := Pulse{Connected: b.nc.IsConnected(), Reconnects: b.nc.Stats().Reconnects, Members: b.members.count(), Held: map[string]int{}}
	m := b.members
	m.mu.Lock()
	defer m.mu.Unlock()
	for kind, h := range m.holders {
		p.Held[kind] = int(h.working.Load())
	}
	return p
}

// DeadLetters is how many dead letters are kept. Errors: *StateError.
func (b *Bus) DeadLetters(ctx context.Context) (n uint64, err error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	s, err := b.js.Stream(ctx, streamDelivery)
	if err != nil {
		return 0, b.explain("look at dead letters", err)
	}
	info, err := s.Info(ctx, jetstream.WithSubjectFilter(deadPrefix+">"))
	if err != nil {
		return 0, b.explain("look at dead letters", err)
	}
	for _, count := range info.State.Subjects {
		n += count
	}
	return n, nil
}

// Assets names the streams and buckets of the store.
func Assets() []string {
	var out []string
	for _, a := range (Options{Store: 1 << 30}).assets() {
		out = append(out, a.Name)
	}
	return out
}
