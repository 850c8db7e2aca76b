package web

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"

	"github.com/imaginebridge/imaginebridge/bridge"
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

func (s *Server) overview(ctx context.Context, _ visit) (any, error) {
	d := s.desk
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
	going := status(s.o.Conditions(), nil)
	v.Components, v.Alerts = going.Components, going.Alerts
	here := s.o.Conditions()
	for _, a := range agents {
		known := slices.ContainsFunc(here, func(c Condition) bool { return c.Agent == a.Handle && c.State == a.State })
		if rank(stateOf(a.State)) > rank(StateStarting) && !known { // as another process tells
			name := joined("@"+oneLine(a.Handle, maxName), a.State)
			v.Alerts = append(v.Alerts, alert{State: stateOf(a.State), Name: name, Reason: oneLine(a.Reason, maxQuote), Next: oneLine(a.Next, maxQuote)})
		}
	}
	for _, st := range store.Streams {
		v.Streams = append(v.Streams, streamRow{Stream: st, Size: size(st.Bytes), Percent: int(st.Share * 100)})
	}
	waiting, hour := 0, 0
	states := map[string]int{}
	for _, one := range s.rows(subscriptions) {
		states[one.State]++
		waiting += one.Waiting
		hour += one.Hour
		if one.State == string(bridge.Suspended) {
			v.Alerts = append(v.Alerts, alert{State: StateDown, Name: joined(one.Name, one.State), Reason: oneLine(one.Reason, maxQuote)})
		}
	}
	v.Tiles = append(agentTiles(agents), tile{
		Label: counting(len(subscriptions), "subscription"), Value: strconv.Itoa(len(subscriptions)), Path: "/console/subscriptions",
		Note:  joined(some(states[string(bridge.Live)]+states[string(bridge.Held)], "live"), some(states[string(bridge.Paused)], "paused"), some(states[string(bridge.Suspended)], "suspended")),
		State: worse(states[string(bridge.Suspended)] > 0, StateDown),
	}, tile{
		Label: counting(waiting, "event") + " waiting", Value: strconv.Itoa(waiting), Note: fmt.Sprintf("%d delivered in the last hour", hour), Path: "/console/subscriptions",
	}, tile{
		Label: counting(len(letters), "dead letter"), Value: strconv.Itoa(len(letters)), Path: "/console/dead", State: worse(len(letters) > 0, StateDegraded),
		Note: cmp.Or(newest(letters), "nothing is lost"),
	}, tile{
		Label: counting(store.Members, "process"), Value: strconv.Itoa(store.Members), Note: storeNote(store), State: worse(store.Members == 0, StateDegraded),
	})
	return v, nil
}

func agentTiles(agents []Agent) []tile {
	well, state := 0, StateOK
	for _, a := range agents {
		if a.State == StateOK {
			well++
		}
		if rank(stateOf(a.State)) > rank(state) {
			state = stateOf(a.State)
		}
	}
	return []tile{{Label: counting(len(agents), "agent"), Value: strconv.Itoa(len(agents)), Note: fmt.Sprintf("%d ok", well), Path: "/console/agents", State: state}}
}

func newest(letters []bridge.DeadLetter) string {
	if len(letters) == 0 {
		return ""
	}
	return "newest of " + oneLine(letters[0].Subscription, maxName)
}

func storeNote(st Store) string {
	where := "at " + st.URL
	if st.Embedded {
		where = "inside this process"
	}
	full := slices.MaxFunc(append(st.Streams, Stream{}), func(a, b Stream) int { return cmp.Compare(a.Share, b.Share) })
	return fmt.Sprintf("NATS %s %s, %d %% full", st.Version, where, int(full.Share*100))
}

// worse is StateOK, or another state where that is so.
func worse(so bool, other string) string {
	if so {
		return other
	}
	return StateOK
}

// some names a number that is not zero.
func some(n int, what string) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprintf("%d %s", n, what)
}

// counting is what is counted, in the right number.
func counting(n int, what string) string {
	switch {
	case n == 1:
		return what
	case what == "process":
		return "processes"
	}
	return what + "s"
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
