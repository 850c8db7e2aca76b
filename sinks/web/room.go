package web

import (
	"crypto/rand"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/events"
)

// Bounds of what the console remembers; the oldest leaves.
const (
	maxRoots   = 120  // messages in the channel
	maxReplies = 12   // newest messages shown of each thread
	maxSeen    = 4000 // ids of events, so that a tail taken up again repeats none
)

// state is how everything goes, as HTML.
type state struct {
	Head string `json:"head"` // chips and alerts
	Wait string `json:"wait"` // what stands where there is no message yet
}

// room is the channel that the console shows: messages in their order, edits in
// place, threads under their roots. It keeps no queue for anybody: who watches
// asks what changed since they looked last, so a slow browser costs nothing.
type room struct {
	epoch string // tells positions of this process from those of another

	mu      sync.Mutex
	changed chan struct{} // closed and replaced by every change
	seq     uint64        // of the newest change
	born    int           // of the newest root
	roots   []*root
	threads map[string]*root
	updates map[string]place
	seen    map[string]bool
	order   []string         // of seen, oldest first
	state   map[string]state // by the tag of its language
	stateAt uint64           // change that made it
}

// root is one message of the channel with its thread.
type root struct {
	n       int // place in the channel
	changed uint64
	head    entry
	name    string  // of the thread
	replies []entry // newest maxReplies
	count   int     // of all replies
}

// entry is one message as it reads now.
type entry struct {
	msg    bridge.Message
	posted time.Time // when its first state happened
	edited bool
}

// place is where a message stands that later ones replace.
type place struct {
	root  *root
	reply int // number of the reply, from 1; 0 for the root
}

func newRoom() *room {
	return &room{
		epoch: strings.ToLower(rand.Text()[:8]), changed: make(chan struct{}),
		threads: map[string]*root{}, updates: map[string]place{}, seen: map[string]bool{},
	}
}

// add shows an event. It reports false for one that was there before.
func (r *room) add(e events.Event) bool {
	m := bridge.Layout(e)
	m.Text, m.Thread = clean(m.Text, maxText), oneLine(m.Thread, maxThread) // what is kept is bounded
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.seen[e.ID] {
		return false
	}
	r.remember(e.ID)
	if !r.replace(m) {
		r.place(m)
	}
	return true
}

func (r *room) remember(id string) {
	r.seen[id] = true
	if r.order = append(r.order, id); len(r.order) > maxSeen {
		delete(r.seen, r.order[0])
		r.order = r.order[1:]
	}
}

// replace puts a message in the place of an older state of the same thing. An
// older state that comes late changes nothing.
func (r *room) replace(m bridge.Message) bool {
	at, known := r.updates[m.UpdateKey]
	if m.UpdateKey == "" || !known {
		return false
	}
	old := &at.root.head
	if at.reply > 0 {
		i := at.reply - 1 - (at.root.count - len(at.root.replies))
		if i < 0 {
			return false // left the thread's newest: it is told anew
		}
		old = &at.root.replies[i]
	}
	if m.Version < old.msg.Version {
		return true
	}
	old.msg, old.edited = m, true
	r.touch(at.root)
	return true
}

// place adds a message to its thread, or else to the channel.
func (r *room) place(m bridge.Message) {
	at := place{root: r.threads[m.ThreadKey]}
	if m.ThreadKey != "" && at.root != nil {
		at.root.count++
		at.reply = at.root.count
		if at.root.replies = append(at.root.replies, entry{msg: m, posted: m.At}); len(at.root.replies) > maxReplies {
			at.root.replies = slices.Delete(at.root.replies, 0, 1)
		}
	} else {
		r.born++
		at.root = &root{n: r.born, head: entry{msg: m, posted: m.At}, name: m.Thread}
		r.roots = append(r.roots, at.root)
		if m.ThreadKey != "" {
			r.threads[m.ThreadKey] = at.root
		}
		r.evict()
	}
	if m.UpdateKey != "" {
		r.updates[m.UpdateKey] = at
	}
	r.touch(at.root)
}

// evict lets the oldest messages go.
func (r *room) evict() {
	for len(r.roots) > maxRoots {
		old := r.roots[0]
		r.roots = slices.Delete(r.roots, 0, 1)
		for key, t := range r.threads {
			if t == old {
				delete(r.threads, key)
			}
		}
		for key, p := range r.updates {
			if p.root == old {
				delete(r.updates, key)
			}
		}
	}
}

func (r *room) touch(t *root) {
	r.seq++
	t.changed = r.seq
	r.wake()
}

func (r *room) wake() {
	close(r.changed)
	r.changed = make(chan struct{})
}

// setState notes how the components go.
func (r *room) setState(now map[string]state) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if maps.Equal(now, r.state) {
		return
	}
	r.state = now
	r.stateAt++
	r.wake()
}

// glance is what changed since somebody looked.
type glance struct {
	roots   []root // in the order in which they changed; they share nothing with the room
	seq     uint64
	state   map[string]state // nil where it did not change
	stateAt uint64
	next    <-chan struct{} // closed by the next change
}

// since returns the roots that changed after seq, and the state where it is not
// that of stateAt.
func (r *room) since(seq, stateAt uint64) glance {
	r.mu.Lock()
	defer r.mu.Unlock()
	g := glance{seq: r.seq, stateAt: r.stateAt, next: r.changed}
	for _, t := range r.roots {
		if t.changed > seq {
			c := *t
			c.replies = slices.Clone(t.replies)
			g.roots = append(g.roots, c)
		}
	}
	slices.SortFunc(g.roots, func(a, b root) int { return int(a.changed) - int(b.changed) })
	if stateAt != r.stateAt {
		g.state = r.state
	}
	return g
}

// position names a change, "k3v9…-17", so that a browser can ask for what came
// after it, and a new process knows that it was not its own.
func (r *room) position(seq uint64) string { return r.epoch + "-" + strconv.FormatUint(seq, 10) }

// parse returns the change that a position names, or 0 and false for one that is
// not of this room.
func (r *room) parse(position string) (uint64, bool) {
	epoch, number, _ := strings.Cut(position, "-")
	seq, err := strconv.ParseUint(number, 10, 64)
	if epoch != r.epoch || err != nil {
		return 0, false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if seq > r.seq {
		return 0, false
	}
	return seq, true
}

// sortByPlace puts the roots in the order of the channel.
func (g *glance) sortByPlace() {
	slices.SortFunc(g.roots, func(a, b root) int { return a.n - b.n })
}
