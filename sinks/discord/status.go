package discord

import (
	"maps"
	"slices"
	"time"
)

// State of the connection to Discord, spelled as status events spell it.
type State string

// States of the connection.
const (
	StateOK       State = "ok"
	StateDegraded State = "degraded" // works in part, or will again by itself
	StateDown     State = "down"     // does not work until somebody acts
)

// Status is how the connection is, with the reason and the next step for people.
type Status struct {
	State  State
	Reason string // "" when ok
	Next   string // what to do, "" where nothing is to be done
	Since  time.Time
}

// aspect is a part of the connection that can be well or ill by itself: a session
// that receives, by the number of its shard, or the requests that send.
type aspect int

const byREST aspect = maxShards

// Status returns the present state, for readiness pages: the worse of sending
// and receiving. A process that holds no gateway session is judged by sending.
func (s *Sink) Status() Status {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.worst()
}

// worst picks the aspect to speak of; callers hold mu.
func (s *Sink) worst() Status {
	out := Status{State: StateOK, Since: s.health[byREST].Since}
	rank := map[State]int{StateOK: 0, StateDegraded: 1, StateDown: 2}
	for _, of := range slices.Sorted(maps.Keys(s.health)) {
		h := s.health[of]
		if rank[h.State] > rank[out.State] || out.Since.IsZero() && rank[h.State] == rank[out.State] {
			out = h
		}
	}
	if out.State == "" {
		out.State = StateOK
	}
	return out
}

// report stores the state of one aspect and tells of the whole when it differs
// from the last.
func (s *Sink) report(of aspect, state State, reason, next string) {
	s.mu.Lock()
	before := s.worst()
	if h := s.health[of]; state == "" {
		delete(s.health, of)
	} else if h.State != state || h.Reason != reason {
		s.health[of] = Status{State: state, Reason: reason, Next: next, Since: time.Now()}
	}
	now := s.worst()
	s.mu.Unlock()
	if before.State == now.State && before.Reason == now.Reason && !before.Since.IsZero() {
		return
	}
	s.log.Debug("discord connection changed", "state", string(now.State), "reason", now.Reason)
	if s.o.Report != nil {
		s.o.Report(now)
	}
}

// trouble reports what stops sending, and its end.
func (s *Sink) trouble(t trouble, after time.Duration) {
	switch t {
	case untroubled:
		s.report(byREST, StateOK, "", "")
	case tokenRefused:
		s.report(byREST, StateDown, "Discord refuses the bot token", tokenAdvice)
	case addressStopped:
		s.report(byREST, StateDegraded, "Discord's network refuses this address for now",
			"Nothing is to be done: sending goes on by itself in "+roughly(after)+".")
	case manyRefused:
		s.report(byREST, StateDegraded, "Discord refuses many requests", "Run imaginebridge check: it names the missing permissions.")
	}
}

// Change is news about a place, for those who hold subscriptions into it.
type Change struct {
	Kind    ChangeKind
	Guild   string // its id, "" where unknown
	Channel string // its id, "" when the whole guild is meant
}

// ChangeKind says what happened to a place.
type ChangeKind int

// Kinds of changes.
const (
	Altered ChangeKind = iota // permissions or settings may differ: what failed may work now
	Removed                   // it is gone, or the bot was removed from it
	Joined                    // the bot is new in it
)

// String names the kind for logs.
func (k ChangeKind) String() string {
	switch k {
	case Altered:
		return "altered"
	case Removed:
		return "removed"
	case Joined:
		return "joined"
	}
	return "unknown"
}
