package poller

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/imaginebridge/imaginebridge/events"
	"github.com/imaginebridge/imaginebridge/internal/imagine"
)

const (
	// lostAfter is when a job that no list shows any more counts as failed: the
	// service itself fails every job at five minutes.
	lostAfter = imagine.JobLife + time.Minute
	// postGrace is how long a completed job waits for the post it was made into.
	postGrace = 15 * time.Second
	// maxEnded bounds the ended jobs that a cursor remembers.
	maxEnded = 300
)

// generations watches an agent's AI generations: closely while one runs, with a
// look at both lists in turn while none does.
type generations struct {
	agent    Agent
	backfill time.Duration
}

// Name implements Source.
func (*generations) Name() string { return "generations" }

// workshop is the cursor of generations.
type workshop struct {
	Floor   time.Time      `json:"floor"`   // jobs made before it that are not remembered are history
	Running map[string]run `json:"running"` // by job id
	Ended   []ended        `json:"ended"`   // newest last
}

// run is one try of a job that has not ended as far as is known.
type run struct {
	Retry  int       `json:"retry"`
	Status string    `json:"status"`
	Seen   time.Time `json:"seen"`          // in any list
	Done   time.Time `json:"done,omitzero"` // completed, but its post is not there yet
}

// ended is one try of a job whose end was told.
type ended struct {
	ID    string    `json:"id"`
	Retry int       `json:"retry"`
	Made  time.Time `json:"made"`
}

// Poll implements Source.
func (g *generations) Poll(ctx context.Context, l Look) (Found, error) {
	var w workshop
	first := l.Cursor == nil
	if !first {
		if err := json.Unmarshal(l.Cursor, &w); err != nil {
			return Found{}, fmt.Errorf("read cursor: %w", err)
		}
	}
	if w.Running == nil {
		w.Running = map[string]run{}
	}
	if first {
		return g.begin(ctx, l, w)
	}
	jobs, err := g.lists(ctx, l, &w)
	if err != nil {
		return Found{}, err
	}
	fresh, moved := w.advance(jobs, l.Now)
	found := Found{Busy: len(w.Running) > 0}
	if moved {
		found.add(g.events(fresh), w)
	}
	return found, nil
}

// lists reads what is needed: pending while something runs, and history where a
// known job left that list; one of the two in turn while nothing runs.
func (g *generations) lists(ctx context.Context, l Look, w *workshop) ([]imagine.Job, error) {
	idle := len(w.Running) == 0
	var jobs []imagine.Job
	if !idle || l.Turn%2 == 0 || l.Deep {
		page, err := g.agent.API.PendingJobs(ctx)
		if err != nil {
			return nil, err
		}
		jobs = page.Items
	}
	if !idle && !w.missing(jobs) || idle && l.Turn%2 == 0 && !l.Deep {
		return jobs, nil
	}
	past, err := g.past(ctx, w)
	if err != nil {
		return nil, err
	}
	return append(jobs, past...), nil
}

// past reads history back to what is known.
func (g *generations) past(ctx context.Context, w *workshop) ([]imagine.Job, error) {
	l := list[imagine.Job]{read: g.agent.API.JobHistory, id: func(j *imagine.Job) item { return item{ID: j.ID, At: j.CreatedAt} }}
	read, err := l.walk(ctx, "", maxPages, func(page []item) bool {
		last := page[len(page)-1]
		return !ascending(page) && (!last.At.After(w.Floor) || w.told(last.ID))
	})
	if err != nil {
		return nil, err
	}
	var out []imagine.Job
	for _, e := range read.entries {
		if e.value != nil {
			out = append(out, *e.value)
		}
	}
	return out, nil
}

// begin remembers every job as it stands: those that ended are history, those
// that run are followed from here on.
func (g *generations) begin(ctx context.Context, l Look, w workshop) (Found, error) {
	pending, err := g.agent.API.PendingJobs(ctx)
	if err != nil {
		return Found{}, err
	}
	head, err := g.agent.API.JobHistory(ctx, imagine.PageQuery{Limit: pageSize})
	if err != nil {
		return Found{}, err
	}
	since := l.Now.Add(-g.backfill)
	w.Floor = l.Now.Add(-g.backfill - overlap)
	var wanted []imagine.Job
	for _, j := range append(pending.Items, head.Items...) {
		switch {
		case g.backfill > 0 && j.CreatedAt.After(since):
			wanted = append(wanted, j)
		case isEnd(j.Status):
			w.Ended = append(w.Ended, ended{ID: j.ID, Retry: j.RetryCount, Made: j.CreatedAt})
		default:
			w.Running[j.ID] = run{Retry: j.RetryCount, Status: j.Status, Seen: l.Now}
		}
	}
	fresh, _ := w.advance(wanted, l.Now)
	var found Found
	found.Busy = len(w.Running) > 0
	found.add(g.events(fresh), w)
	return found, nil
}

// state is a state of a job that is to be told.
type state struct {
	imagine.Job
	first bool // of this try: it may be any, since states between two looks are not seen
}

// advance compares jobs, as any list shows them, with what is known. It returns
// the states to tell, oldest job first, and whether the cursor moved.
func (w *workshop) advance(jobs []imagine.Job, now time.Time) (fresh []state, moved bool) {
	slices.SortStableFunc(jobs, func(a, b imagine.Job) int { return a.CreatedAt.Compare(b.CreatedAt) })
	for _, j := range jobs {
		r, known := w.Running[j.ID]
		tell, changed := w.step(j, now)
		moved = moved || changed
		if tell {
			fresh = append(fresh, state{j, !known || j.RetryCount > r.Retry})
		}
	}
	lost := w.lose(now)
	w.bound()
	return append(fresh, lost...), moved || len(lost) > 0
}

// step takes in one job as a list shows it.
func (w *workshop) step(j imagine.Job, now time.Time) (tell, moved bool) {
	if w.endedAlready(j) {
		return false, false
	}
	r, known := w.Running[j.ID]
	switch {
	case !known && !j.CreatedAt.IsZero() && !j.CreatedAt.After(w.Floor) && isEnd(j.Status) && !w.told(j.ID):
		return false, false // history that was never remembered
	case known && (j.RetryCount < r.Retry || j.RetryCount == r.Retry && stage(j.Status) < stage(r.Status)):
		return false, false // an older look at it
	case j.Status == imagine.JobCompleted && j.PostID == "" && (r.Done.IsZero() || now.Sub(r.Done) < postGrace):
		if r.Done.IsZero() {
			r.Done = now
		}
		r.Retry, r.Seen = j.RetryCount, now
		w.Running[j.ID] = r
		return false, true
	case isEnd(j.Status):
		delete(w.Running, j.ID)
		w.Ended = append(w.Ended, ended{ID: j.ID, Retry: j.RetryCount, Made: j.CreatedAt})
		return true, true
	}
	tell = !known || j.RetryCount > r.Retry || j.Status != r.Status
	moved = tell || now.Sub(r.Seen) > time.Minute // often enough to know when it was lost
	if moved {
		r.Retry, r.Status, r.Seen = j.RetryCount, j.Status, now
		w.Running[j.ID] = r
	}
	return tell, moved
}

// lose ends the jobs that no list has shown for so long that the service must
// have failed them.
func (w *workshop) lose(now time.Time) []state {
	var out []state
	for id, r := range w.Running {
		if now.Sub(r.Seen) < lostAfter {
			continue
		}
		delete(w.Running, id)
		w.Ended = append(w.Ended, ended{ID: id, Retry: r.Retry, Made: r.Seen})
		out = append(out, state{Job: imagine.Job{
			ID: id, RetryCount: r.Retry, Status: imagine.JobFailed, CreatedAt: r.Seen, CompletedAt: now,
			ErrorMessage: "ImagineAnything no longer shows this job.",
		}})
	}
	slices.SortFunc(out, func(a, b state) int { return a.CreatedAt.Compare(b.CreatedAt) })
	return out
}

// missing reports whether a running job is in none of the jobs.
func (w *workshop) missing(jobs []imagine.Job) bool {
	for id := range w.Running {
		if !slices.ContainsFunc(jobs, func(j imagine.Job) bool { return j.ID == id }) {
			return true
		}
	}
	return false
}

func (w *workshop) endedAlready(j imagine.Job) bool {
	return slices.ContainsFunc(w.Ended, func(e ended) bool { return e.ID == j.ID && e.Retry >= j.RetryCount })
}

// told reports whether the end of any try of a job is remembered.
func (w *workshop) told(id string) bool {
	return slices.ContainsFunc(w.Ended, func(e ended) bool { return e.ID == id })
}

// bound forgets the ended jobs that were made first; the floor rises to them.
func (w *workshop) bound() {
	if len(w.Ended) <= maxEnded {
		return
	}
	slices.SortStableFunc(w.Ended, func(a, b ended) int { return a.Made.Compare(b.Made) })
	cut := len(w.Ended) - maxEnded
	w.Floor = later(w.Floor, w.Ended[cut-1].Made)
	w.Ended = slices.Clone(w.Ended[cut:])
}

// stage orders the states of one try; an unknown one lies between the known.
func stage(status string) int {
	order := []string{imagine.JobPending, imagine.JobGenerating, imagine.JobUploading, imagine.JobCompleted, imagine.JobFailed}
	if i := slices.Index(order, status); i >= 0 {
		return 2 * i
	}
	return 3
}

func isEnd(status string) bool { return status == imagine.JobCompleted || status == imagine.JobFailed }

func (g *generations) events(states []state) []events.Event {
	base := g.agent.API.BaseURL()
	var out []events.Event
	for _, j := range states {
		job := site(base).jobOf(j.Job)
		id := fmt.Sprintf("job_%s_%d_%s", j.ID, j.RetryCount, j.Status)
		var data events.Payload
		at := later(j.CreatedAt, j.UpdatedAt)
		switch {
		case j.Status == imagine.JobCompleted:
			data, at = events.GenerationCompleted{Job: job}, later(at, j.CompletedAt)
		case j.Status == imagine.JobFailed:
			data, at = events.GenerationFailed{Job: job}, later(at, j.CompletedAt)
		case j.first:
			data = events.GenerationStarted{Job: job}
		default:
			data = events.GenerationProgressed{Job: job}
		}
		out = append(out, events.New(base, g.agent.Handle, id, j.ID, at, data))
	}
	return out
}
