package poller

import (
	"slices"
	"strings"
	"time"
)

// SourceStatus is how one source of an agent goes.
type SourceStatus struct {
	Source   string
	Last     time.Time // look that worked; zero for none yet
	Failures int       // in a row
	Problem  string    // of the newest failure, "" after a look that worked
}

// Sources returns, by handle, how each source goes of the agents that this process
// polls, in the order of the sources' names.
func (p *Poller) Sources() map[string][]SourceStatus {
	p.mu.Lock()
	defer p.mu.Unlock()
	out := map[string][]SourceStatus{}
	for handle, w := range p.agents {
		if all := w.sourceStatuses(); all != nil {
			out[handle] = all
		}
	}
	return out
}

func (w *watched) sourceStatuses() []SourceStatus {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.active {
		return nil
	}
	out := []SourceStatus{}
	for name, s := range w.sources {
		l := SourceStatus{Source: name, Last: s.worked, Failures: s.failures}
		if s.err != nil {
			l.Problem = s.err.Error()
		}
		out = append(out, l)
	}
	slices.SortFunc(out, func(a, b SourceStatus) int { return strings.Compare(a.Source, b.Source) })
	return out
}
