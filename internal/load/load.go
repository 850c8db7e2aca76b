// Package load says how much happens in a fault test: a little at every change, a
// lot where it is asked for. Only tests import it; `go test ./some/package -run F8
// -args -load M` runs the nightly load.
package load

import (
	"flag"
	"testing"
	"time"
)

var chosen = flag.String("load", "S", "load of fault tests: S at every change, M nightly")

// Profile is a load: each agent has Rate events a second for as long as For, and
// all of them go to each of so many destinations.
type Profile struct {
	Name         string // S or M
	Agents       int
	Rate         int // events a second of one agent
	For          time.Duration
	Destinations int
}

// profiles are those of docs/reliability.md.
func profiles() map[string]Profile {
	return map[string]Profile{
		"S": {Name: "S", Agents: 4, Rate: 10, For: 10 * time.Second, Destinations: 3},
		"M": {Name: "M", Agents: 50, Rate: 2, For: 10 * time.Minute, Destinations: 20},
	}
}

// Of is the load that -load asks for, S where it does not; it fails the test for a
// name that is none.
func Of(tb testing.TB) Profile {
	tb.Helper()
	return named(tb, *chosen)
}

func named(tb testing.TB, name string) Profile {
	tb.Helper()
	p, ok := profiles()[name]
	if !ok {
		tb.Fatalf("load: -load %q is none; it is S or M", name)
	}
	return p
}

// Pick is s under the load S and m under M, for what differs by row: so many kills,
// so long an outage.
func Pick[T any](tb testing.TB, s, m T) T {
	tb.Helper()
	if Of(tb).Heavy() {
		return m
	}
	return s
}

// Each is how many events an agent has in all.
func (p Profile) Each() int { return p.Rate * int(p.For/time.Second) }

// Events is how many events there are of all agents.
func (p Profile) Events() int { return p.Agents * p.Each() }

// Every is the time between two events of one agent.
func (p Profile) Every() time.Duration { return time.Second / time.Duration(p.Rate) }

// Heavy says whether this is more than S.
func (p Profile) Heavy() bool { return p.Name != "S" }
