package discord

import (
	"context"
	"sync"
	"time"

	"github.com/imaginebridge/imaginebridge/bridge/command"
)

const (
	maxVisits  = 256 // interactions at work at once
	maxSeen    = 4096
	leaveGrace = 5 * time.Second // for visits at work when the process ends
)

// visits counts interactions at work and knows those that came before.
type visits struct {
	work *tally
	room chan struct{}

	mu   sync.Mutex // guards all below
	seen map[string]time.Time
	held map[string]held // files that wait for a form
}

type held struct {
	files map[string][]command.File
	until time.Time
}

func newVisits() *visits {
	return &visits{work: newTally(), room: make(chan struct{}, maxVisits), seen: map[string]time.Time{}, held: map[string]held{}}
}

// fresh reports that an interaction was not met before.
func (v *visits) fresh(id string) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	if _, ok := v.seen[id]; ok {
		return false
	}
	if len(v.seen) >= maxSeen {
		for k, at := range v.seen {
			if time.Since(at) > clickLimit {
				delete(v.seen, k)
			}
		}
	}
	v.seen[id] = time.Now()
	return true
}

// hold keeps files until their form comes back.
func (v *visits) hold(key string, files map[string][]command.File) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for k, h := range v.held {
		if time.Now().After(h.until) {
			delete(v.held, k)
		}
	}
	if len(v.held) < maxVisits {
		v.held[key] = held{files, time.Now().Add(tokenLife)}
	}
}

func (v *visits) files(key string) (map[string][]command.File, bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	h, ok := v.held[key]
	return h.files, ok
}

// lingering outlives ctx by a grace, and ends after limit in any case.
func lingering(ctx context.Context, limit, grace time.Duration) (context.Context, context.CancelFunc) {
	out, cancel := context.WithTimeout(context.WithoutCancel(ctx), limit)
	stop := context.AfterFunc(ctx, func() { time.AfterFunc(grace, cancel) })
	return out, func() { stop(); cancel() }
}

// receive starts work on an interaction. ctx ends when the process does; work
// that has begun then has a few seconds left. It reports whether there was room.
func (s *Sink) receive(ctx context.Context, in interaction, d door) bool {
	select {
	case s.visits.room <- struct{}{}:
	default:
		s.log.Warn("interaction dropped, too many at once", "interaction", in.ID)
		return false
	}
	arrived := time.Now()
	s.visits.work.run(func() {
		defer func() { <-s.visits.room }()
		work, cancel := lingering(ctx, tokenLife, leaveGrace)
		defer cancel()
		work, end := s.heard(work, in.ID, arrived)
		defer end(nil)
		(&visit{Sink: s, in: in, door: clocked{d, s, arrived}}).serve(work)
	})
	return true
}
