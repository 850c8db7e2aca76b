package web

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/internal/language"
)

// overviewView says at one glance whether everything goes.
type overviewView struct {
	Tiles      []tile
	Alerts     []alert
	Components []chip
	Store      Store
	Streams    []streamRow
	Audit      []auditRow
}

// tile is one number with what it means.
type tile struct {
	Label, Value, Note, Path string
	State                    string // one of the States; "" where the number is neither good nor bad
}

type streamRow struct {
	Stream
	Size    string
	Percent int
}

const shownAudit = 8 // entries of the audit on the overview

func (s *Server) overview(ctx context.Context, look visit) (any, error) {
	d, in := s.desk, look.In
	subscriptions, err := d.subscriptions.get(ctx)
	if err != nil {
		return nil, err
	}
	agents, err := d.agents.get(ctx)
	if err != nil {
		return nil, err
	}
	letters, err := d.dead.get(ctx)
	if err != nil {
		return nil, err
	}
	entries, err := d.audit.get(ctx)
	if err != nil {
		return nil, err
	}
	store, err := d.store.get(ctx)
	if err != nil {
		return nil, err
	}
	v := overviewView{Store: store}
	for _, e := range entries[:min(len(entries), shownAudit)] {
		v.Audit = append(v.Audit, auditOf(e))
	}
	going := status(in, s.o.Conditions(), nil)
	v.Components, v.Alerts = going.Components, going.Alerts
	here := s.o.Conditions()
	for _, a := range agents {
		known := slices.ContainsFunc(here, func(c Condition) bool { return c.Agent == a.Handle && c.State == a.State })
		if rank(stateOf(a.State)) > rank(StateStarting) && !known { // as another process tells
			name := joined("@"+oneLine(a.Handle, maxName), in.Word(a.State))
			v.Alerts = append(v.Alerts, alert{State: stateOf(a.State), Name: name, Reason: oneLine(a.Reason, maxQuote), Next: oneLine(a.Next, maxQuote)})
		}
	}
	for _, st := range store.Streams {
		v.Streams = append(v.Streams, streamRow{Stream: st, Size: size(st.Bytes), Percent: int(st.Share * 100)})
	}
	waiting, hour := 0, 0
	states := map[string]int{}
	for _, one := range s.rows(in, subscriptions) {
		states[one.State]++
		waiting += one.Waiting
		hour += one.Hour
		if one.State == string(bridge.Suspended) {
			v.Alerts = append(v.Alerts, alert{State: StateDown, Name: joined(one.Name, in.Word(one.State)), Reason: oneLine(one.Reason, maxQuote)})
		}
	}
	laneNote := joined(
		some(in, "%d live", states[string(bridge.Live)]+states[string(bridge.Held)]), some(in, "%d paused", states[string(bridge.Paused)]),
		some(in, "%d suspended", states[string(bridge.Suspended)]),
	)
	v.Tiles = []tile{
		agentTile(in, agents),
		counter(in, len(subscriptions), "subscription", laneNote, "/console/subscriptions", worse(states[string(bridge.Suspended)] > 0, StateDown)),
		counter(in, waiting, "waiting event", in.Say("%d delivered in the last hour", hour), "/console/subscriptions", ""),
		counter(in, len(letters), "dead letter", newest(in, letters), "/console/dead", worse(len(letters) > 0, StateDegraded)),
		{Label: processes(in, store.Members), Value: strconv.Itoa(store.Members), Note: storeNote(in, store), State: worse(store.Members == 0, StateDegraded)},
	}
	return v, nil
}

// counter is a tile of a number of things.
func counter(in language.Speaker, n int, one, note, path, state string) tile {
	value, label, _ := strings.Cut(in.Count(n, one), " ")
	return tile{Value: value, Label: label, Note: note, Path: path, State: state}
}

func agentTile(in language.Speaker, agents []Agent) tile {
	well, state := 0, StateOK
	for _, a := range agents {
		if a.State == StateOK {
			well++
		}
		if rank(stateOf(a.State)) > rank(state) {
			state = stateOf(a.State)
		}
	}
	return counter(in, len(agents), "agent", in.Say("%d ok", well), "/console/agents", state)
}

func newest(in language.Speaker, letters []bridge.DeadLetter) string {
	if len(letters) == 0 {
		return in.Say("nothing is lost")
	}
	return in.Say("newest of %s", oneLine(letters[0].Subscription, maxName))
}

func processes(in language.Speaker, n int) string {
	if n == 1 {
		return in.Word("process")
	}
	return in.Word("processes")
}

func storeNote(in language.Speaker, st Store) string {
	full := slices.MaxFunc(append(st.Streams, Stream{}), func(a, b Stream) int { return cmp.Compare(a.Share, b.Share) })
	share := int(full.Share * 100)
	if st.Embedded {
		return in.Say("NATS %s inside this process, %d %% full", st.Version, share)
	}
	return in.Say("NATS %s at %s, %d %% full", st.Version, st.URL, share)
}

// worse is StateOK, or another state where that is so.
func worse(so bool, other string) string {
	if so {
		return other
	}
	return StateOK
}

// some says a number that is not zero.
func some(in language.Speaker, says string, n int) string {
	if n == 0 {
		return ""
	}
	return in.Say(says, n)
}

func size(bytes uint64) string {
	switch {
	case bytes >= 1<<30:
		return fmt.Sprintf("%.1f GiB", float64(bytes)/(1<<30))
	case bytes >= 1<<20:
		return fmt.Sprintf("%.1f MiB", float64(bytes)/(1<<20))
	}
	return fmt.Sprintf("%d KiB", (bytes+1023)>>10)
}
