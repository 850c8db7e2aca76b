package bus

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strconv"
	"time"
)

// shards is into how many parts the names of one kind are divided. It must be
// the same in all processes for ever.
const shards = 256

// shardSet says which shards a process has names in.
type shardSet [shards / 8]byte

func (s *shardSet) add(n int)     { s[n/8] |= 1 << (n % 8) }
func (s shardSet) has(n int) bool { return s[n/8]&(1<<(n%8)) != 0 }

// MarshalText writes the set as hex digits.
func (s shardSet) MarshalText() ([]byte, error) { return []byte(hex.EncodeToString(s[:])), nil }

// UnmarshalText reads hex digits.
func (s *shardSet) UnmarshalText(text []byte) error {
	raw, err := hex.DecodeString(string(text))
	if err != nil || len(raw) != len(s) {
		return fmt.Errorf("%q is no set of %d shards", text, shards)
	}
	copy(s[:], raw)
	return nil
}

func shardOf(name string) int {
	sum := sha256.Sum256([]byte(name))
	return int(sum[0]) // 256 shards
}

func shardKey(kind string, n int) string { return kind + "." + strconv.Itoa(n) }

// score decides who of several members gets a shard: the highest wins, so that a
// member that comes or goes moves only its own share.
func score(member, key string) uint64 {
	sum := sha256.Sum256([]byte(member + "\x00" + key))
	return binary.BigEndian.Uint64(sum[:8])
}

// view is what a holder decides on.
type view struct {
	me      string
	now     time.Time
	ready   time.Time // since when all there is is known; zero before
	fenced  bool      // this process has not reached the store for too long
	alive   map[string]member
	gone    map[string]time.Time
	newest  time.Time
	holding map[string]claim // by shard key
}

// winner is the living member that should hold the shard, "" for none.
func (v view) winner(kind string, n int) string {
	best, high := "", uint64(0)
	key := shardKey(kind, n)
	for id, m := range v.alive {
		if set, serves := m.Kinds[kind]; !serves || !set.has(n) || v.newest.Sub(m.beat) > staleAfter {
			continue
		}
		if s := score(id, key); best == "" || s > high || s == high && id > best {
			best, high = id, s
		}
	}
	return best
}

// free reports whether nobody else can be at work on the shard.
func (v view) free(key string) bool {
	owner := v.holding[key].Owner
	return owner == "" || owner == v.me || v.dead(owner)
}

// dead reports whether a process has been away for so long that it does nothing
// any more.
func (v view) dead(member string) bool {
	if m, alive := v.alive[member]; alive {
		return v.newest.Sub(m.beat) > staleAfter+grace
	}
	since, seen := v.gone[member]
	if !seen {
		since = v.ready // never seen at all
	}
	return v.now.Sub(since) > grace
}

// view takes a picture of what is known. The maps are the members' own: they are
// read under its lock.
func (m *members) view(now time.Time) view {
	v := view{
		me: m.me, now: now, fenced: now.Sub(m.lastBeat) > fenceAfter,
		alive: m.alive, gone: m.gone, newest: m.newest, holding: m.claims,
	}
	a, b := m.ready[bucketMembers], m.ready[bucketShards]
	if !a.IsZero() && !b.IsZero() {
		v.ready = b
		if a.After(b) {
			v.ready = a
		}
	}
	return v
}

// move is what is to be done about a shard.
type move int

const (
	stay    move = iota
	take         // claim it, then work
	giveUp       // end the work, then give it back
	halt         // end the work at once: it is another's, or nobody knows
	standBy      // not ours, nothing to do
)

// decide is the whole policy for one shard. held is the epoch under which this
// process holds it, 0 for not; wanted is whether there is work in it.
func (v view) decide(kind string, n int, held uint64, wanted bool) move {
	c := v.holding[shardKey(kind, n)]
	if held > 0 && (v.fenced || c.Owner != v.me || c.Epoch != held) {
		return halt
	}
	if v.ready.IsZero() || v.fenced {
		return standBy
	}
	w := v.winner(kind, n)
	elsewhere := !wanted || w != v.me && w != ""
	switch {
	case elsewhere && c.Owner == v.me:
		return giveUp
	case held > 0:
		return stay
	case !elsewhere && w == v.me && v.free(shardKey(kind, n)):
		return take
	}
	return standBy
}
