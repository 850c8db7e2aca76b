// Package check says of everything that happened what became of it at each
// destination, and of every command whether what was told of it is true. Its
// functions are pure: they get the ledger of what happened and what was to be seen,
// as tables, and return verdicts. Whoever calls them gathers the tables.
//
// It knows nothing of the bridge, so that it can't share a mistake with it. Its main
// function is [Judge]; commands have [JudgeCommands].
package check

import (
	"cmp"
	"slices"
	"time"
)

// Verdict is what became of one fact at one destination, or of one command.
type Verdict string

// Verdicts on facts. All but OK, Repeated and Excused are broken promises.
const (
	OK        Verdict = "ok"
	Repeated  Verdict = "repeated, and marked so" // seen again, with a word that it may be a repeat
	Excused   Verdict = "unknown, allowed"        // not seen, and it need not be: taken back, or a dead letter
	Lost      Verdict = "lost"                    // not seen
	Doubled   Verdict = "doubled"                 // seen more than once
	Early     Verdict = "early"                   // seen before it happened
	Stale     Verdict = "stale"                   // seen later than the destination allows
	Reordered Verdict = "reordered"               // seen after a later one of its line
	Misrouted Verdict = "misrouted"               // seen where it does not belong
	Invented  Verdict = "unknown, not allowed"    // seen, and it never happened
	skew              = 50 * time.Millisecond     // between the clocks of those who write tables
)

// Fact is one thing that happened.
type Fact struct {
	ID    string    // by which it is recognised where it is seen
	At    time.Time // when it became true
	Order uint64    // its place in the order of acceptance; 0 where nobody knows it
	Loose bool      // it may be missing: it was taken back before anybody had to look
}

// Sight is one appearance of a fact at a destination.
type Sight struct {
	Fact    string
	At      time.Time
	Line    string // within a line order is promised; "" for no promise
	Message string // what stands in one message has no order within it
	Marked  bool   // it says of itself that it may be a repeat
}

// Place is one destination.
type Place struct {
	Name   string
	Wants  func(Fact) bool // which facts belong here
	Sights []Sight         // of each line in the order in which people see them
	// Once says that not even a marked repeat is allowed: whoever sends can look what
	// is there.
	Once bool
	// Excuses are facts that need not be seen here, with the reason: a dead letter, an
	// announced gap.
	Excuses map[string]string
	Limit   time.Duration // later than this after it happened is stale; 0 for no limit
}

// Finding is a verdict on one fact at one destination.
type Finding struct {
	Place, Fact string
	Verdict     Verdict
	Detail      string // what contradicts the promise
}

// Bad reports a broken promise.
func (v Verdict) Bad() bool {
	switch v {
	case OK, Repeated, Excused, Answered, Refused, NotTaken, Doubtful:
		return false
	case Lost, Doubled, Early, Stale, Reordered, Misrouted, Invented, FalselyDone, DoneTwice, FalselyRefused, Silent:
	}
	return true
}

// Judge gives each fact that belongs to the place, or is seen there, one verdict:
// the worst that applies. What is seen and never happened is told besides.
func Judge(happened []Fact, p Place) []Finding {
	seen := map[string][]Sight{}
	for _, s := range p.Sights {
		seen[s.Fact] = append(seen[s.Fact], s)
	}
	overtaken := overtaken(happened, p.Sights)
	var out []Finding
	known := map[string]bool{}
	for _, f := range happened {
		known[f.ID] = true
		sights := seen[f.ID]
		if !p.Wants(f) {
			if len(sights) > 0 {
				out = append(out, Finding{p.Name, f.ID, Misrouted, "seen at " + clock(sights[0].At)})
			}
			continue
		}
		v, detail := p.verdict(f, sights, overtaken[f.ID])
		out = append(out, Finding{p.Name, f.ID, v, detail})
	}
	for _, s := range p.Sights {
		if !known[s.Fact] {
			known[s.Fact] = true
			out = append(out, Finding{p.Name, s.Fact, Invented, "seen at " + clock(s.At)})
		}
	}
	return out
}

// verdict on a fact that belongs here.
func (p *Place) verdict(f Fact, sights []Sight, by string) (Verdict, string) {
	if len(sights) == 0 {
		if why := p.Excuses[f.ID]; why != "" {
			return Excused, why
		}
		if f.Loose {
			return Excused, "taken back"
		}
		return Lost, "happened at " + clock(f.At)
	}
	first := slices.MinFunc(sights, func(a, b Sight) int { return a.At.Compare(b.At) })
	plain := 0
	for _, s := range sights {
		if !s.Marked {
			plain++
		}
	}
	switch late := first.At.Sub(f.At); {
	case plain > 1, p.Once && len(sights) > 1:
		return Doubled, "seen at " + clock(sights[0].At) + " and at " + clock(sights[1].At)
	case late < -skew:
		return Early, (-late).String() + " before it happened"
	case by != "":
		return Reordered, "after " + by
	case p.Limit > 0 && late > p.Limit:
		return Stale, late.Round(time.Millisecond).String() + " later"
	case len(sights) > 1:
		return Repeated, ""
	}
	return OK, ""
}

// overtaken tells of facts that are first seen after a later one of their line, and
// after which. Within one message there is no order.
func overtaken(happened []Fact, sights []Sight) map[string]string {
	order := map[string]uint64{}
	for _, f := range happened {
		order[f.ID] = f.Order
	}
	type reached struct {
		order         uint64
		fact, message string
	}
	lines := map[string][]reached{} // of each message its highest
	out, before := map[string]string{}, map[string]bool{}
	for _, s := range sights {
		if before[s.Fact] || s.Line == "" || order[s.Fact] == 0 {
			continue
		}
		before[s.Fact] = true
		line := lines[s.Line]
		for _, r := range line {
			if r.message != s.Message && r.order > order[s.Fact] {
				out[s.Fact] = r.fact
			}
		}
		// The two highest of different messages are enough to tell.
		line = append(line, reached{order[s.Fact], s.Fact, s.Message})
		slices.SortFunc(line, func(a, b reached) int { return cmp.Compare(b.order, a.order) })
		kept := line[:1]
		for _, r := range line[1:] {
			if len(kept) < 2 && r.message != kept[0].message {
				kept = append(kept, r)
			}
		}
		lines[s.Line] = kept
	}
	return out
}

func clock(t time.Time) string { return t.UTC().Format("15:04:05.000") }
