package discord

import "time"

// State of the connection to Discord, spelled as status events spell it.
type State string

// States of the connection.
const (
	StateOK       State = "ok"
	StateDegraded State = "degraded" // works in part, or will again by itself
	StateDown     State = "down"     // does not work until somebody acts or the network returns
)

// Status is how the connection is, with the reason and the next step for people.
type Status struct {
	State  State
	Reason string // "" when ok
	Next   string // what to do, "" where nothing is to be done
	Since  time.Time
}

// Status returns the present state, for readiness pages.
func (s *Sink) Status() Status {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.status
}

// report stores a state and tells of it when it differs from the last.
func (s *Sink) report(state State, reason, next string) {
	s.mu.Lock()
	same := s.status.State == state && s.status.Reason == reason && !s.status.Since.IsZero()
	if !same {
		s.status = Status{State: state, Reason: reason, Next: next, Since: time.Now()}
	}
	now := s.status
	s.mu.Unlock()
	if same {
		return
	}
	s.log.Info("discord connection changed", "state", string(state), "reason", reason)
	if s.o.Report != nil {
		s.o.Report(now)
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
	Altered ChangeKind = iota // permissions or settings differ: what failed may work now
	Removed                   // it is gone, or the bot was removed from it
	Joined                    // the bot is in it, for the first time or again
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
