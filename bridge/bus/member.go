package bus

import (
	"context"
	"encoding/json"
	"maps"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

const (
	beatEvery = time.Second
	// memberTTL is after how long the server removes the key of a process whose
	// heart stopped.
	memberTTL = 5 * time.Second
	// grace is how long a vanished owner's shards are left alone: at a loss of
	// the server's leader all members look dead for a moment.
	grace = 2 * time.Second
	// fenceAfter is after how long without a beat a process stops its own work,
	// before others may think of taking it.
	fenceAfter = 4 * time.Second
	// staleAfter is how far a member's last beat may lie behind the newest one of
	// all. It covers a delete marker that was missed.
	staleAfter = 8 * time.Second
	// settleFor bounds how long a stopping process beats on for works that don't
	// end.
	settleFor = 9 * time.Second
)

// member is what a process says about itself with each beat.
type member struct {
	Kinds map[string]shardSet `json:"kinds"`          // of what it would take, and in which shards it has names
	Keys  []string            `json:"keys,omitempty"` // ids of the keys that it has, and where it looks for more

	beat  time.Time // by the server's clock
	beats int       // heard by this process; the first may be what is left of one that died
}

// claim is who holds a shard. It is written only when the shard changes hands.
type claim struct {
	Owner string `json:"owner"` // "" when given back
	Epoch uint64 `json:"epoch"`

	revision uint64
}

// members is what this process knows of its fellows and of who holds what.
type members struct {
	me string

	mu       sync.Mutex
	alive    map[string]member
	gone     map[string]time.Time // when a member was seen to be absent
	newest   time.Time            // last beat of all
	claims   map[string]claim     // by shard key
	ready    map[string]time.Time // since when a watch shows all there is
	lastBeat time.Time            // of this process, taken before it was sent
	holders  map[string]*holder   // by kind
	beatNow  chan struct{}
	empty    chan struct{} // signalled when a holder ends
}

func newMembers(me string) *members {
	return &members{
		me: me, alive: map[string]member{}, gone: map[string]time.Time{}, claims: map[string]claim{},
		ready: map[string]time.Time{}, holders: map[string]*holder{},
		beatNow: make(chan struct{}, 1), empty: make(chan struct{}, 1),
	}
}

// beat tells the others that this process lives, once a second.
func (b *Bus) beat(ctx context.Context) error {
	t := time.NewTicker(beatEvery)
	defer t.Stop()
	for failed := false; ; {
		at := time.Now()
		err := b.beatOnce(ctx)
		switch {
		case err == nil:
			b.members.beaten(at)
			failed = false
		case ctx.Err() == nil && !failed:
			b.log.Warn("heartbeat failed", "err", b.explain("beat", err))
			failed = true
		}
		select {
		case <-t.C:
		case <-b.members.beatNow:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (b *Bus) beatOnce(ctx context.Context) error {
	v := b.members.self()
	if b.opts.Seal != nil {
		v.Keys = b.opts.Seal.IDs()
		if b.opts.KeySource != "" {
			v.Keys = append(v.Keys, b.opts.KeySource)
		}
	}
	data, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return b.putOnce(ctx, &nats.Msg{Subject: memberSubject(b.me), Data: data})
}

// leave takes this process off the list, so that nobody waits for it.
func (b *Bus) leave(ctx context.Context) {
	if !b.nc.IsConnected() {
		return
	}
	err := b.putOnce(ctx, &nats.Msg{Subject: memberSubject(b.me), Header: nats.Header{"KV-Operation": {"DEL"}}})
	if err != nil {
		b.log.Debug("the others will notice by themselves", "err", b.explain("leave", err))
	}
}

func memberSubject(id string) string { return "$KV." + bucketMembers + "." + id }

// deleted reports whether a message of a bucket says that its key is gone:
// deleted by somebody, or removed by the server at the end of its life.
func deleted(h nats.Header) bool {
	return h.Get("KV-Operation") != "" || h.Get("Nats-Marker-Reason") != ""
}

func (b *Bus) watchMembers(ctx context.Context) error {
	return b.watch(ctx, bucketMembers, func(id string, m jetstream.Msg, md *jetstream.MsgMetadata) {
		if deleted(m.Headers()) {
			b.members.bury(id, time.Now())
			return
		}
		var v member
		if err := json.Unmarshal(m.Data(), &v); err != nil {
			b.log.Warn("a member's key can't be read", "member", id)
			return
		}
		v.beat = md.Timestamp
		b.members.meet(id, v)
	})
}

func (b *Bus) watchShards(ctx context.Context) error {
	return b.watch(ctx, bucketShards, func(key string, m jetstream.Msg, md *jetstream.MsgMetadata) {
		c := claim{revision: md.Sequence.Stream}
		if !deleted(m.Headers()) {
			if err := json.Unmarshal(m.Data(), &c); err != nil {
				b.log.Warn("a shard's key can't be read", "shard", key)
				return
			}
		}
		b.members.claimed(key, c)
	})
}

// watch hands over the newest value of each key of a bucket, and every change.
func (b *Bus) watch(ctx context.Context, bucket string, fn func(key string, m jetstream.Msg, md *jetstream.MsgMetadata)) error {
	prefix := "$KV." + bucket + "."
	return b.follow(ctx, reading{
		stream: "KV_" + bucket,
		from: jetstream.OrderedConsumerConfig{
			FilterSubjects: []string{prefix + ">"}, DeliverPolicy: jetstream.DeliverLastPerSubjectPolicy,
		},
		fn: func(m jetstream.Msg, md *jetstream.MsgMetadata) {
			fn(strings.TrimPrefix(m.Subject(), prefix), m, md)
		},
		caughtUp: func() { b.members.complete(bucket, time.Now()) },
		torn: func() bool {
			b.members.forget(bucket)
			return true
		},
	})
}

func (m *members) beaten(at time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.lastBeat = at
}

func (m *members) meet(id string, v member) {
	m.mu.Lock()
	defer m.mu.Unlock()
	old, known := m.alive[id]
	v.beats = old.beats + 1
	m.alive[id] = v
	delete(m.gone, id)
	m.newest = v.beat // in the stream's order: the server's clock may be set back
	if !known || !maps.Equal(old.Kinds, v.Kinds) {
		m.wakeLocked()
	}
}

func (m *members) bury(id string, now time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.alive, id)
	maps.DeleteFunc(m.gone, func(_ string, at time.Time) bool { return now.Sub(at) > time.Minute })
	if _, known := m.gone[id]; !known {
		m.gone[id] = now
	}
	m.wakeLocked()
}

func (m *members) claimed(key string, c claim) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if c.revision > m.claims[key].revision {
		m.claims[key] = c
		m.wakeLocked()
	}
}

func (m *members) complete(bucket string, now time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.ready[bucket].IsZero() {
		m.ready[bucket] = now
		m.wakeLocked()
	}
}

// forget drops what a bucket said; nothing is known until it was read anew.
func (m *members) forget(bucket string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if bucket == bucketShards {
		clear(m.claims)
	} else {
		clear(m.alive)
	}
	delete(m.ready, bucket)
	m.wakeLocked()
}

func (m *members) wakeLocked() {
	for _, h := range m.holders {
		h.signal()
	}
}

// Member is the name of this process among those that share the store. The
// process that embeds the server keeps it over a restart, others get a new one.
func (b *Bus) Member() string { return b.me }

// Alive reports whether the process of that name may still be at work. While it
// can't be told, it may be. It needs Run.
func (b *Bus) Alive(member string) bool {
	if member == b.me {
		return true
	}
	m := b.members
	m.mu.Lock()
	defer m.mu.Unlock()
	v := m.view(time.Now())
	return v.ready.IsZero() || v.fenced || !v.dead(member)
}

func (m *members) count() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.alive)
}

// self is what this process says about itself.
func (m *members) self() member {
	m.mu.Lock()
	defer m.mu.Unlock()
	v := member{Kinds: map[string]shardSet{}}
	for kind, h := range m.holders {
		v.Kinds[kind] = h.offered
	}
	return v
}

// settle waits until nothing is held any more.
func (m *members) settle(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, settleFor)
	defer cancel()
	for {
		m.mu.Lock()
		n := len(m.holders)
		m.mu.Unlock()
		if n == 0 {
			return
		}
		select {
		case <-m.empty:
		case <-ctx.Done():
			return
		}
	}
}
