package sandbox

import (
	"slices"
	"strings"
	"sync"
	"time"
)

// Rule is one thing that goes wrong: which requests it meets, what happens to
// them, and how often. Empty conditions meet everything.
type Rule struct {
	Method string `json:"method,omitempty"`
	Path   string `json:"path,omitempty"` // as in Routes; "*" or "{id}" is any segment, a "*" at the end any rest
	Agent  string `json:"agent,omitempty"`
	Class  Class  `json:"class,omitempty"`

	Fault  Fault         `json:"fault"`
	Status int           `json:"status,omitempty"` // FaultStatus: 500, 502, 503 …; 0 is 500
	Wait   time.Duration `json:"-"`                // how long, how late, how far off; each fault has a default
	Amount int           `json:"amount,omitempty"` // how many, how far; each fault has a default
	Effect bool          `json:"effect,omitempty"` // of the status family: the call is carried out all the same

	Skip   int           `json:"skip,omitempty"`   // so many matching requests pass first
	Every  int           `json:"every,omitempty"`  // then each n-th is hit
	Chance float64       `json:"chance,omitempty"` // of those, this share, under the seed; 0 is all
	Count  int           `json:"count,omitempty"`  // hits at most; 0 is no end
	After  time.Duration `json:"-"`                // begins so long after Inject, on the emulator's clock
	For    time.Duration `json:"-"`                // and lasts so long; 0 is no end
}

// Injection is a rule at work.
type Injection struct {
	rule   Rule
	begun  time.Time
	undo   func()         // what a hit changed for good; nil if nothing
	parted map[string]any // the last item of a page, by the cursor that leads on

	mu      sync.Mutex
	dice    chance
	matched int
	hits    int
	stopped bool
}

// Rule is what was injected.
func (i *Injection) Rule() Rule { return i.rule }

// Hits is how often it went wrong. A test that injects a fault checks that it is
// not zero: a rule that meets nothing proves nothing.
func (i *Injection) Hits() int {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.hits
}

// Matched is how many requests the conditions met, hit or not.
func (i *Injection) Matched() int {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.matched
}

// Stop ends the fault and takes back a changed limit.
func (i *Injection) Stop() {
	i.mu.Lock()
	undo := i.undo
	i.stopped, i.undo = true, nil
	i.mu.Unlock()
	if undo != nil {
		undo()
	}
}

// Inject lets something go wrong from now on. Rules add up, in the order they
// were injected. A rule with an unknown fault never hits.
func (s *Sandbox) Inject(r Rule) *Injection { return s.faults.add(r, s.clock.Now()) }

// Injections lists all since the start or the last Reset, stopped ones too.
func (s *Sandbox) Injections() []*Injection {
	s.faults.mu.Lock()
	defer s.faults.mu.Unlock()
	return slices.Clone(s.faults.list)
}

// inTheWay is what every request passes. before is true when the request is
// over; after runs when its reply is ready.
type inTheWay interface {
	before(x *exchange) bool
	after(x *exchange)
}

// injector is the one with the rules.
type injector struct {
	box  *Sandbox
	seed uint64

	mu   sync.Mutex
	list []*Injection
	long bool // some ids went out longer than they are
}

func (f *injector) add(r Rule, now time.Time) *Injection {
	f.mu.Lock()
	defer f.mu.Unlock()
	i := &Injection{
		rule: r, begun: now, dice: newChance(f.seed+uint64(len(f.list)), "fault"), parted: map[string]any{},
	}
	f.list = append(f.list, i)
	f.long = f.long || r.Fault == FaultLongIDs
	return i
}

func (f *injector) clear() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, i := range f.list {
		i.mu.Lock()
		i.stopped, i.undo = true, nil // the limits are new ones anyway
		i.mu.Unlock()
	}
	f.list, f.long = nil, false
}

// strike is one fault meeting one request.
type strike struct {
	*exchange

	box      *Sandbox
	on       *Injection
	rule     Rule
	happened bool
}

// trouble is how a fault is done. Both halves run without the world's lock and
// may wait, the request's context permitting.
type trouble struct {
	// before runs when the caller is known and nothing has happened yet. With
	// ends set the request is over: what the fault has put into the exchange
	// is the reply, and no rate window counts it.
	before func(*strike) (happened, ends bool)
	// after runs when the effect is done and the reply is ready, and may
	// rewrite it, or set lost (so the journal knows that the client cannot
	// know), or set send, which writes the reply in the fault's own way.
	after func(*strike) (happened bool)
}

// before decides which rules strike this request, and lets those begin. True
// ends the request.
func (f *injector) before(x *exchange) bool {
	for _, i := range f.choose(x) {
		x.strikes = append(x.strikes, &strike{exchange: x, box: f.box, on: i, rule: i.rule})
	}
	for _, k := range x.strikes {
		do := troubles[k.rule.Fault].before
		if do == nil {
			continue
		}
		var ends bool
		k.happened, ends = do(k)
		if ends {
			x.release()
			return true
		}
	}
	return false
}

func (f *injector) after(x *exchange) {
	for _, k := range x.strikes {
		if do := troubles[k.rule.Fault].after; do != nil && do(k) {
			k.happened = true
		}
	}
	x.release()
}

// release gives back the hits of faults that had nothing to work on.
func (x *exchange) release() {
	for _, k := range x.strikes {
		if !k.happened {
			k.on.mu.Lock()
			k.on.hits--
			k.on.mu.Unlock()
		}
	}
	x.strikes = nil
}

func (f *injector) choose(x *exchange) []*Injection {
	f.mu.Lock()
	list, long := f.list, f.long
	f.mu.Unlock()
	if long {
		x.shorten()
	}
	var chosen []*Injection
	for _, i := range list {
		if i.rule.meets(x) && i.due(x.at) {
			chosen = append(chosen, i)
		}
	}
	return chosen
}

// due counts a match and says whether it is hit.
func (i *Injection) due(now time.Time) bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	age := now.Sub(i.begun)
	r := i.rule
	if _, known := troubles[r.Fault]; !known || i.stopped || age < r.After || (r.For > 0 && age >= r.After+r.For) {
		return false
	}
	i.matched++
	n := i.matched - r.Skip
	switch {
	case n < 1, r.Every > 1 && n%r.Every != 0, r.Count > 0 && i.hits >= r.Count:
		return false
	case r.Chance > 0 && i.dice.Float64() >= r.Chance:
		return false
	}
	i.hits++
	return true
}

func (r Rule) meets(x *exchange) bool {
	return (r.Method == "" || strings.EqualFold(r.Method, x.req.Method)) && (r.Agent == "" || r.Agent == x.who.name) &&
		(r.Class == "" || r.Class == x.class) && (r.Path == "" || meetsPath(r.Path, x.req.URL.EscapedPath()))
}

func meetsPath(pattern, escaped string) bool {
	segments, good := split(escaped)
	if !good {
		return false
	}
	wanted := strings.Split(strings.TrimPrefix(pattern, "/"), "/")
	for i, p := range wanted {
		if p == "*" && i == len(wanted)-1 {
			return len(segments) > i
		}
		if i >= len(segments) || (p != "*" && !isVar(p) && p != segments[i]) {
			return false
		}
	}
	return len(segments) == len(wanted)
}

// wait is the rule's time, or what is usual.
func (k *strike) wait(usual time.Duration) time.Duration {
	if k.rule.Wait != 0 {
		return k.rule.Wait
	}
	return usual
}

func (k *strike) amount(usual int) int {
	if k.rule.Amount != 0 {
		return k.rule.Amount
	}
	return usual
}
