package discord

import (
	"context"
	"encoding/json"
	"sync"
	"time"

	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/bridge/command"
)

// Workspaces keeps what is known of guilds, for all processes and for ever;
// *bus.Workspaces does.
type Workspaces interface {
	// List gives those of all platforms.
	List(ctx context.Context) ([]bridge.WorkspaceRecord, error)
	// Change edits one by compare-and-set; change returns false to leave it as it
	// is, and may be called several times. The record as it is then is returned.
	Change(ctx context.Context, platform, id string, change func(*bridge.WorkspaceRecord) (bool, error)) (bridge.WorkspaceRecord, error)
}

// news is what a session told of its guilds.
type news struct {
	kind   newsKind
	guild  string
	name   string
	guilds []string // of a READY: all that the session carries
	create json.RawMessage
}

type newsKind int

const (
	newsAll  newsKind = iota // the guilds where the bot is
	newsSeen                 // a guild that was in the READY, or that an outage gave back
	newsCame                 // a guild that the bot was added to
	newsGone                 // a guild that the bot was removed from
)

const (
	maxNews   = 20_000
	newsTries = 30 * time.Second // for storing one of them
	metNote   = "discord.met"    // somebody stood here before: a guild that nobody knows is a new one
)

// registrar keeps the guilds of a session in the store: where the bot came, where
// it went, and whom it welcomed. It works in the order of what was told, apart from
// the events themselves, since the store may be slow.
type registrar struct {
	*Sink
	shard Shard

	mu   sync.Mutex // guards todo
	todo []news
	wake chan struct{} // has room for one

	known map[string]bridge.WorkspaceRecord // of the session, as last seen
	fresh map[string]bool                   // in the READY, but in no record: the bot came while nobody looked
}

func newRegistrar(s *Sink, shard Shard) *registrar {
	return &registrar{Sink: s, shard: shard, wake: make(chan struct{}, 1), known: map[string]bridge.WorkspaceRecord{}, fresh: map[string]bool{}}
}

// hear takes news in and returns at once.
func (r *registrar) hear(n news) {
	if r == nil || r.o.Workspaces == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.todo) >= maxNews {
		r.log.Warn("news of a server dropped, too many at once", "guild", n.guild)
		return
	}
	r.todo = append(r.todo, n)
	signal(r.wake)
}

// run works on the news until ctx ends.
func (r *registrar) run(ctx context.Context) {
	for {
		r.mu.Lock()
		todo := r.todo
		r.todo = nil
		r.mu.Unlock()
		for _, n := range todo {
			r.enter(ctx, n)
		}
		select {
		case <-r.wake:
		case <-ctx.Done():
			return
		}
	}
}

// enter stores one piece of news, again and again where the store does not take
// it, for a while.
func (r *registrar) enter(ctx context.Context, n news) {
	ctx, cancel := context.WithTimeout(ctx, newsTries)
	defer cancel()
	for wait := 100 * time.Millisecond; ; wait *= 2 {
		err := r.try(ctx, n)
		if err == nil {
			return
		}
		if pause(ctx, wait) != nil {
			r.log.Warn("news of a server not stored", "guild", n.guild, "err", err)
			return
		}
	}
}

func (r *registrar) try(ctx context.Context, n news) error {
	switch n.kind {
	case newsAll:
		return r.compare(ctx, n.guilds)
	case newsCame:
		return r.joined(ctx, n)
	case newsGone:
		return r.left(ctx, n.guild)
	case newsSeen:
		if r.fresh[n.guild] {
			return r.joined(ctx, n)
		}
		return r.named(ctx, n)
	}
	return nil
}

// compare holds the guilds of a session against what is stored: the bot may have
// come or gone while nobody looked.
func (r *registrar) compare(ctx context.Context, guilds []string) error {
	list, err := r.o.Workspaces.List(ctx)
	if err != nil {
		return err
	}
	met, err := r.notes.Note(ctx, metNote)
	if err != nil {
		return err
	}
	clear(r.known)
	clear(r.fresh)
	for _, w := range list {
		if w.Platform == command.Discord && r.shard.carries(w.ID) {
			r.known[w.ID] = w
		}
	}
	there := map[string]bool{}
	for _, id := range guilds {
		there[id] = true
		w, known := r.known[id]
		switch {
		case known && w.Left.IsZero():
		case known || met != nil:
			r.fresh[id] = true // its GUILD_CREATE follows
		default:
			if err := r.change(ctx, id, func(*bridge.WorkspaceRecord) bool { return true }); err != nil {
				return err // at the very first start, all that is there is old
			}
		}
	}
	for id, w := range r.known {
		if !there[id] && w.Left.IsZero() {
			if err := r.left(ctx, id); err != nil {
				return err
			}
			r.tell(Change{Kind: Removed, Guild: id})
		}
	}
	return r.notes.PutNote(ctx, metNote, []byte("1"))
}

// carries reports a guild that the session tells of (docs, "Sharding").
func (s Shard) carries(guild string) bool {
	return s.Of <= 1 || int64(timeless(guild)%uint64(s.Of)) == int64(s.ID)
}

// change stores a change of a guild's record, where it is one.
func (r *registrar) change(ctx context.Context, guild string, edit func(*bridge.WorkspaceRecord) bool) error {
	w, err := r.o.Workspaces.Change(ctx, command.Discord, guild, func(w *bridge.WorkspaceRecord) (bool, error) { return edit(w), nil })
	if err == nil {
		r.known[guild] = w
	}
	return err
}

// joined notes that the bot was added to a guild, and welcomes it where nobody
// ever did.
func (r *registrar) joined(ctx context.Context, n news) error {
	err := r.change(ctx, n.guild, func(w *bridge.WorkspaceRecord) bool {
		again := w.Joined.IsZero() || !w.Left.IsZero()
		if again {
			w.Joined, w.Left = time.Now().UTC(), time.Time{}
		}
		renamed := w.Name != n.name
		w.Name = n.name
		return again || renamed
	})
	if err != nil {
		return err
	}
	if r.fresh[n.guild] {
		delete(r.fresh, n.guild)
		r.tell(Change{Kind: Joined, Guild: n.guild})
	}
	r.log.Info("added to a server", "guild", n.guild, "name", n.name)
	if r.known[n.guild].Welcomed.IsZero() && r.o.Commands != nil {
		r.welcome(ctx, n)
	}
	return nil
}

// left notes that the bot was removed from a guild. What it was set up for stays.
func (r *registrar) left(ctx context.Context, guild string) error {
	r.log.Info("removed from a server; its subscriptions rest, and go on when the app is added again", "guild", guild)
	return r.change(ctx, guild, func(w *bridge.WorkspaceRecord) bool {
		if !w.Left.IsZero() {
			return false
		}
		w.Left = time.Now().UTC()
		return true
	})
}

// named keeps a guild's name as it is now.
func (r *registrar) named(ctx context.Context, n news) error {
	if w, known := r.known[n.guild]; known && w.Name == n.name && w.Left.IsZero() {
		return nil
	}
	return r.change(ctx, n.guild, func(w *bridge.WorkspaceRecord) bool {
		if w.Name == n.name && w.Left.IsZero() {
			return false
		}
		w.Name, w.Left = n.name, time.Time{}
		return true
	})
}
