package bridge

import (
	"slices"
	"time"

	"github.com/imaginebridge/imaginebridge/events"
)

// Subscription says which events go where, and when. It is a value: who changes
// one makes another.
type Subscription struct {
	Name   string        // unique; also the last token of its lane's subject
	Agents []string      // handles, "*" for all; none means all
	Events []string      // patterns: "*", "family.*", "family.type"
	Filter *Filter       // nil lets all of them through
	To     Destination   // where messages go
	Secret func() string // signing secret of a webhook; nil where there is none
	Start  string        // "new", "all" or a duration back from now, on its first start only
	Digest time.Duration // gather for so long; 0 sends each event by itself
	Quiet  *Quiet        // hours without messages; nil for none
	Pace   Pace          // how its messages follow each other

	Except []string             // handles that it is not about after all
	Since  map[string]time.Time // by handle: what was stored before is not sent

	Audience *Audience // who is mentioned; nil for nobody
	Template *Template // its own words for single events; nil for the usual cards
	Replayed time.Time // when the newest replay was asked for; zero: never
}

// Covers reports whether the subscription is about the event's agent and kind,
// whatever its filter says.
func (s *Subscription) Covers(e events.Event) bool {
	return s.coversAgent(e.Agent()) && slices.ContainsFunc(s.Events, func(p string) bool {
		return events.MatchPattern(p, e.Name())
	})
}

// Matches reports whether the event is to be sent. A filter that breaks on an
// event lets it through.
func (s *Subscription) Matches(e events.Event) bool {
	if !s.Covers(e) {
		return false
	}
	through, _ := s.Filter.Match(e)
	return through
}
