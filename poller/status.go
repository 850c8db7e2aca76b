package poller

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/imaginebridge/imaginebridge/internal/imagine"
)

// Health is how an agent's polling goes.
type Health string

// Healths.
const (
	Starting Health = "starting" // not yet looked at by this process
	OK       Health = "ok"
	Degraded Health = "degraded" // in trouble that passes
	Down     Health = "down"     // somebody must act
)

// Status is the state of one agent's polling.
type Status struct {
	Agent    string
	Health   Health
	Reason   string    // one sentence, "" when all is well
	Next     string    // what to do about it, "" when nothing
	Since    time.Time // of this state
	Ready    bool      // every source has stored its baseline
	LastPoll time.Time // last look that worked, of the source that lags most
}

// watched is one agent with what is known of its polling.
type watched struct {
	agent   Agent
	plan    Plan
	phase   float64       // of its first wait: the share of it that it waits
	changed chan struct{} // closed when the agent is to be watched otherwise, or not any more

	mu      sync.Mutex
	active  bool
	sources map[string]*progress
	told    Status
}

// progress is how one source of an agent goes.
type progress struct {
	wake     chan bool     // asks for a look now, true for one at everything
	patience time.Duration // without a look that worked, before it is late
	extra    bool          // watched on wish
	worked   time.Time
	began    time.Time
	failures int
	err      error
}

func newWatched(a Agent, plan Plan, phase float64) *watched {
	a.Watch = slices.Clone(a.Watch)
	return &watched{
		agent: a, plan: plan, phase: phase, changed: make(chan struct{}), sources: map[string]*progress{}, told: Status{Agent: a.Handle, Health: Starting},
	}
}

// same reports whether both watch one account in one way.
func (w *watched) same(o *watched) bool {
	return w.agent.API == o.agent.API && w.plan == o.plan && slices.Equal(w.agent.Watch, o.agent.Watch)
}

// change says that this is not how the agent is watched any more.
func (w *watched) change() { close(w.changed) }

// begin notes that this process polls the agent's sources now.
func (w *watched) begin(sources []paced) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.active, w.sources = true, map[string]*progress{}
	for _, s := range sources {
		w.sources[s.Name()] = &progress{
			began: time.Now().Add(s.after), wake: make(chan bool, 1), patience: 3 * max(w.plan.Ceiling, s.pace.ceiling), extra: s.extra,
		}
	}
}

// poke asks a source of the agent for a look now.
func (w *watched) poke(source string, everywhere bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if p := w.sources[source]; p != nil {
		select {
		case p.wake <- everywhere:
		default: // asked already
		}
	}
}

// woken is where a source hears that it is to look now.
func (w *watched) woken(source string) <-chan bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.sources[source].wake
}

func (w *watched) end() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.active = false
}

// looked notes the outcome of a look and returns the failures in a row.
func (w *watched) looked(source string, err error) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	p := w.sources[source]
	if p.err = err; err == nil {
		p.worked, p.failures = time.Now(), 0
	} else {
		p.failures++
	}
	return p.failures
}

// status judges the agent by its sources. Lateness counts by age, not by errors:
// a call that hangs is late too.
func (w *watched) status(now time.Time) Status {
	w.mu.Lock()
	defer w.mu.Unlock()
	s := Status{Agent: w.agent.Handle, Health: Starting, Ready: w.active}
	if !w.active {
		return s
	}
	s.Health = OK
	for name, p := range w.sources {
		last := later(p.began, p.worked)
		if p.worked.IsZero() && !p.extra {
			s.Ready = false
			s.Health = worse(s.Health, Starting)
		}
		if s.LastPoll.IsZero() || last.Before(s.LastPoll) {
			s.LastPoll = last
		}
		switch {
		case isRefusal(p.err), p.err != nil && p.failures >= 3 && !p.extra:
			s = s.because(p.err)
		case p.err != nil && p.failures >= 3 && s.Reason == "":
			s.Health = worse(s.Health, Degraded)
			s.Reason = s.Agent + ": " + p.err.Error() + "."
			s.Next = "Everything else is watched. Where ImagineAnything does not offer this, take it out of the configuration."
		}
		if late := now.Sub(last); late > p.patience && s.Reason == "" {
			s.Health = Degraded
			s.Reason = fmt.Sprintf("%s: %s were not read for %s.", w.agent.Handle, name, late.Round(time.Second))
			s.Next = "They are tried on; nothing is lost that ImagineAnything still shows."
		}
	}
	return s
}

func worse(a, b Health) Health {
	order := map[Health]int{OK: 0, Starting: 1, Degraded: 2, Down: 3}
	if order[b] > order[a] {
		return b
	}
	return a
}

// because fills in what an error means for the agent.
func (s Status) because(err error) Status {
	switch {
	case isRefusal(err):
		s.Health = Down
		s.Reason = s.Agent + ": ImagineAnything refused these credentials (invalid_client)."
		s.Next = "Check the secret; if it is lost, make a new one in the agent's settings. Other agents keep running."
	case imagine.IsForbidden(err):
		s.Health = Down
		s.Reason = s.Agent + ": ImagineAnything does not allow this agent to read (403)."
		s.Next = "See whether the account is suspended."
	default:
		s.Health = worse(s.Health, Degraded)
		s.Reason = s.Agent + ": " + err.Error() + "."
		s.Next = "It is tried on with growing pauses."
	}
	return s
}

// isRefusal reports whether the credentials themselves are refused.
func isRefusal(err error) bool { return err != nil && imagine.IsUnauthorized(err) }

// errChanged ends the work on an agent that is to be watched otherwise.
var errChanged = errors.New("the agent is to be watched otherwise")

// watch tells every change of state, ten seconds after it at the latest, until
// ctx ends, or until the agent is to be watched otherwise: then with errChanged.
func (w *watched) watch(ctx context.Context, report func(context.Context, Status)) error {
	tick := time.NewTicker(10 * time.Second)
	defer tick.Stop()
	for {
		w.tell(ctx, report)
		select {
		case <-ctx.Done():
			return nil
		case <-w.changed:
			return errChanged
		case <-tick.C:
		}
	}
}

// tell reports the state where it differs from what was told last.
func (w *watched) tell(ctx context.Context, report func(context.Context, Status)) {
	now := w.status(time.Now())
	w.mu.Lock()
	changed := now.Health != w.told.Health || now.Health != OK && now.Reason != w.told.Reason && now.Next != w.told.Next
	if changed {
		now.Since = time.Now()
		w.told = now
	}
	w.mu.Unlock()
	if changed && now.Health != Starting && report != nil {
		report(ctx, now)
	}
}
