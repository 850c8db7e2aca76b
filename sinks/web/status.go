package web

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/imaginebridge/imaginebridge/internal/language"
)

// statusView is the head of the page: how agents, platforms and subscriptions go.
type statusView struct {
	Starting   bool
	Watching   string // the agents, as a sentence names them
	Components []chip
	Lanes      []chip
	Alerts     []alert
	More       int // alerts not shown
}

// chip is one small label with a coloured dot.
type chip struct {
	State string // one of the States
	Name  string
	Note  string
	Last  time.Time // of a delivery
	Dead  uint64
}

// alert is something that a person should know or do.
type alert struct{ State, Name, Reason, Next string }

const (
	maxChips  = 8
	maxAlerts = 4
)

// status lays the state of everything out. It is pure.
func status(in language.Speaker, conditions []Condition, lanes []Lane) statusView {
	v := statusView{Starting: !isReady(conditions), Watching: watching(in, conditions)}
	for _, c := range conditions {
		name := oneLine(c.Component, maxName)
		if c.Agent != "" {
			name = "@" + oneLine(c.Agent, maxName)
		}
		v.Components = append(v.Components, chip{State: stateOf(c.State), Name: name, Note: noteOf(in, c)})
		if c.State == StateDegraded || c.State == StateDown {
			v.Alerts = append(v.Alerts, alert{State: c.State, Name: joined(name, in.Word(c.State)), Reason: oneLine(c.Reason, maxQuote), Next: oneLine(c.Next, maxQuote)})
		}
	}
	for _, l := range lanes {
		name, state := oneLine(l.Subscription, maxName), laneState(l.State)
		note := "→ " + oneLine(l.To, maxName) + " · " + in.Say("%d delivered", l.Delivered)
		if l.State != "live" {
			note = joined(note, in.Word(l.State))
		}
		v.Lanes = append(v.Lanes, chip{State: state, Name: name, Last: l.Last, Dead: l.Dead, Note: note})
		if reason := oneLine(l.Reason, maxQuote); reason != "" && state != StateStarting {
			if state == StateOK {
				state = StateDegraded
			}
			v.Alerts = append(v.Alerts, alert{State: state, Name: joined(name, in.Word(l.State)), Reason: reason})
		}
	}
	v.Components, v.Lanes = shorten(in, v.Components), shorten(in, v.Lanes)
	slices.SortStableFunc(v.Alerts, func(a, b alert) int { return -cmp.Compare(rank(a.State), rank(b.State)) })
	if v.More = len(v.Alerts) - maxAlerts; v.More > 0 {
		v.Alerts = v.Alerts[:maxAlerts]
	}
	return v
}

func rank(state string) int {
	return slices.Index([]string{StateOK, StateStarting, StateDegraded, StateDown}, state)
}

func stateOf(state string) string {
	if rank(state) < 0 {
		return StateDegraded
	}
	return state
}

// laneState is a lane's state in the words of components.
func laneState(state string) string {
	switch state {
	case "live":
		return StateOK
	case "paused":
		return StateStarting
	case "suspended":
		return StateDown
	}
	return StateDegraded
}

// noteOf says the state where it is worth a word.
func noteOf(in language.Speaker, c Condition) string {
	if c.State == StateOK {
		return ""
	}
	return in.Word(oneLine(c.State, maxName))
}

// shorten keeps the worst of a long list and counts the rest.
func shorten(in language.Speaker, all []chip) []chip {
	if len(all) <= maxChips {
		return all
	}
	out := slices.Clone(all)
	slices.SortStableFunc(out, func(a, b chip) int { return -cmp.Compare(rank(a.State), rank(b.State)) })
	rest := out[maxChips-1:]
	return append(slices.Clip(out[:maxChips-1]), chip{State: rest[0].State, Name: in.Say("and %d more", len(rest))})
}

// watching names the agents: "@luna", "@luna and @nova", "@luna, @nova and 3 more".
func watching(in language.Speaker, conditions []Condition) string {
	var names []string
	for _, c := range conditions {
		if c.Agent != "" && !slices.Contains(names, "@"+c.Agent) {
			names = append(names, "@"+oneLine(c.Agent, maxName))
		}
	}
	switch n := len(names); {
	case n == 0:
		return ""
	case n == 1:
		return names[0]
	case n <= 3:
		return in.Say("%s and %s", strings.Join(names[:n-1], ", "), names[n-1])
	default:
		return in.Say("%s and %d more", strings.Join(names[:2], ", "), n-2)
	}
}

// lanes are the subscriptions with what other processes delivered of them, where
// the journal tells.
func (s *Server) lanes() []Lane {
	all := s.o.Lanes()
	if s.desk == nil {
		return all
	}
	now := time.Now()
	for i, l := range all {
		c := s.desk.tallies.of(l.Subscription, now)
		all[i].Delivered = max(l.Delivered, uint64(c.Hour))
		if c.Last.After(l.Last) {
			all[i].Last = c.Last
		}
	}
	return all
}

// states draw how everything goes now, in each language.
func (s *Server) states() (map[string]state, error) {
	conditions, lanes, out := s.o.Conditions(), s.lanes(), map[string]state{}
	for tag, pages := range s.pages {
		v := status(language.Match(tag), conditions, slices.Clone(lanes))
		head, err := draw(pages, "status", v)
		if err != nil {
			return nil, err
		}
		wait, err := draw(pages, "waiting", v)
		if err != nil {
			return nil, err
		}
		out[tag] = state{Head: head, Wait: wait}
	}
	return out, nil
}
