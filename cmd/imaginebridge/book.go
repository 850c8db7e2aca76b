package main

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"maps"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/bridge/command"
	"github.com/imaginebridge/imaginebridge/config"
)

// book is what this process knows of the subscriptions that are stored. It
// follows them, so that a change made anywhere is at work here at once.
type book struct {
	mu      sync.Mutex
	records map[string]bridge.SubscriptionRecord
	holders map[*byte]holding // works that end when their subscription changes
	ids     chan []string     // the newest list, for whoever holds lanes
	turned  chan struct{}     // signalled at each change, for whoever looks at all of them
	wants   func(bridge.SubscriptionRecord) bool

	// scope is what a subscription is about now; false while that can't be told. It is
	// set before anybody holds one, and asks for nothing that is locked here.
	scope func(bridge.SubscriptionRecord) (bridge.Scope, bool)

	// absent reports one whose destination can't be reached: the app was removed from
	// its workspace. Set likewise.
	absent func(bridge.SubscriptionRecord) bool
}

type holding struct {
	task
	cancel context.CancelFunc
}

// task is a subscription as somebody works on it.
type task struct {
	bridge.SubscriptionRecord
	there   bool
	about   bridge.Scope
	settled bool // what it is about is known
	absent  bool // its destination's workspace is gone
	changed bool // by somebody, since it was worked on here before
}

// same reports that nothing changed that a work depends on.
func (h task) same(o task) bool {
	return h.Rev == o.Rev && h.settled == o.settled && h.absent == o.absent && reflect.DeepEqual(h.about, o.about)
}

// newBook makes an empty one; wants says which subscriptions this process can
// serve.
func newBook(wants func(bridge.SubscriptionRecord) bool) *book {
	return &book{
		records: map[string]bridge.SubscriptionRecord{}, holders: map[*byte]holding{}, wants: wants,
		ids: make(chan []string, 1), turned: make(chan struct{}, 1),
		scope:  func(r bridge.SubscriptionRecord) (bridge.Scope, bool) { return bridge.Scope{Agents: r.Agents}, true },
		absent: func(bridge.SubscriptionRecord) bool { return false },
	}
}

// set takes what is stored now.
func (b *book) set(list []bridge.SubscriptionRecord) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.records = make(map[string]bridge.SubscriptionRecord, len(list))
	var ids []string
	for _, r := range list {
		b.records[r.ID] = r
		if b.wants(r) {
			ids = append(ids, r.ID)
		}
	}
	select {
	case <-b.ids: // an older list that nobody took
	default:
	}
	b.ids <- ids
	select {
	case b.turned <- struct{}{}:
	default:
	}
}

// all lists the subscriptions in the order of their ids.
func (b *book) all() []bridge.SubscriptionRecord {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.SortedFunc(maps.Values(b.records), func(x, y bridge.SubscriptionRecord) int { return cmp.Compare(x.ID, y.ID) })
}

// hold gives a subscription with a context that ends when it changes or goes, when
// it comes to be about others, or with the parent. Release it when the work is done.
func (b *book) hold(parent context.Context, id string) (h task, ctx context.Context, release func()) {
	h = b.at(id)
	ctx, cancel := context.WithCancel(parent)
	key := new(byte)
	b.mu.Lock()
	b.holders[key] = holding{task: h, cancel: cancel}
	b.mu.Unlock()
	if !b.at(id).same(h) { // it changed before anybody could know that it is task
		cancel()
	}
	return h, ctx, func() {
		cancel()
		b.mu.Lock()
		defer b.mu.Unlock()
		delete(b.holders, key)
	}
}

// at is a subscription as it is now.
func (b *book) at(id string) task {
	b.mu.Lock()
	r, there := b.records[id]
	b.mu.Unlock()
	h := task{SubscriptionRecord: r, there: there}
	h.ID = id
	if there {
		h.about, h.settled = b.scope(r)
		h.absent = b.absent(r)
	}
	return h
}

// recheck ends the works whose subscription changed, or is about others now.
func (b *book) recheck() {
	b.mu.Lock()
	holders := slices.Collect(maps.Values(b.holders))
	b.mu.Unlock()
	for _, h := range holders {
		if !b.at(h.ID).same(h.task) {
			h.cancel()
		}
	}
}

// knows reports a subscription that is stored.
func (b *book) knows(id string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	_, there := b.records[id]
	return there
}

// fileRecords are the subscriptions of the configuration as they are stored.
func fileRecords(cfg config.Config) []bridge.SubscriptionRecord {
	var out []bridge.SubscriptionRecord
	for _, s := range cfg.Subscriptions {
		r := bridge.SubscriptionRecord{
			ID: s.Name, Name: s.Name, Agents: s.Agents, Events: s.Events, Filter: s.Filter, To: s.To, Start: s.Start, Digest: s.Digest.Std(), Origin: bridge.FromFile,
			Cap: int(s.Cap), Fold: s.Fold.Std(), CatchUp: s.CatchUp, Strict: s.Order == "strict", Notify: s.Notify, Audience: s.Audience, Template: s.Template,
		}
		if s.DigestAt.Time != "" {
			r.DigestAt = strings.TrimSpace(s.DigestAt.Time + " " + s.DigestAt.Zone)
		}
		if s.Quiet != (config.Quiet{}) {
			r.Quiet = &bridge.QuietHours{From: s.Quiet.From, To: s.Quiet.To, Zone: s.Quiet.Zone}
		}
		out = append(out, r)
	}
	return out
}

// filed reports whether the file's subscriptions are in the book: soon after the
// start.
func (w *wiring) filed(b *book) bool {
	return !slices.ContainsFunc(w.now().Subscriptions, func(s config.Subscription) bool { return !b.knows(s.Name) })
}

// seedRetry is the pause before the file's subscriptions are stored again.
const seedRetry = time.Second

// seed brings what is stored to what the file says: its own entries, and no more
// under its name. What people asked of their lanes stays. It tries until it
// succeeds or ctx ends.
func seed(ctx context.Context, store command.Subscriptions, file []bridge.SubscriptionRecord, log *slog.Logger) {
	for attempt := 0; ctx.Err() == nil; attempt++ {
		err := seedOnce(ctx, store, file)
		if err == nil || ctx.Err() != nil {
			return
		}
		if attempt > 0 || !errors.Is(err, command.ErrMoved) {
			log.WarnContext(ctx, "the file's subscriptions are not stored yet", "err", err, "retry_in", seedRetry)
		}
		select {
		case <-ctx.Done():
		case <-time.After(seedRetry):
		}
	}
}

func seedOnce(ctx context.Context, store command.Subscriptions, file []bridge.SubscriptionRecord) error {
	stored, err := store.List(ctx)
	if err != nil {
		return err
	}
	for _, want := range file {
		have := bridge.SubscriptionRecord{Made: time.Now().UTC()}
		if i := slices.IndexFunc(stored, func(r bridge.SubscriptionRecord) bool { return r.ID == want.ID }); i >= 0 {
			if have = stored[i]; have.SameSettings(&want) {
				continue
			}
		}
		want.Inherit(have)
		want.Changed = time.Now().UTC()
		if _, err := store.Put(ctx, want); err != nil {
			return err
		}
	}
	for _, r := range stored {
		gone := r.Origin == bridge.FromFile && !slices.ContainsFunc(file, func(f bridge.SubscriptionRecord) bool { return f.ID == r.ID })
		if !gone {
			continue
		}
		if err := store.Remove(ctx, r); err != nil {
			return err
		}
	}
	return nil
}
