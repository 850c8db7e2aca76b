package web

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/bridge/command"
	"github.com/imaginebridge/imaginebridge/events"
)

// desk is what the operator's pages know: looks at the store that browsers share,
// and what the journal told.
type desk struct {
	o       Operator
	tallies *tallies
	recent  *recent
	results *results

	subscriptions *looked[[]command.SubscriptionView]
	dead          *looked[[]bridge.DeadLetter]
	audit         *looked[[]command.Entry]
	agents        *looked[[]Agent]
	workspaces    *looked[[]bridge.Workplace]
	store         *looked[Store]
}

// How old a look may be that a browser is shown. What the journal tells of makes
// looks old at once, but none is repeated sooner than after soonest.
const (
	soonest = time.Second
	latest  = 20 * time.Second
)

// Bounds of what the pages show.
const (
	maxLetters = 10_000 // dead letters that are counted
	maxEntries = 500    // of the audit
	auditBack  = 24 * time.Hour
)

func newDesk(o Operator) *desk {
	d := &desk{o: o, tallies: newTallies(), recent: &recent{}, results: &results{all: map[string]result{}}}
	d.subscriptions = &looked[[]command.SubscriptionView]{look: o.Subscriptions, most: soonest}
	d.agents = &looked[[]Agent]{look: o.Agents, most: soonest}
	d.workspaces = &looked[[]bridge.Workplace]{look: d.workplaces, most: soonest}
	d.store = &looked[Store]{look: o.Store, most: soonest}
	d.dead = &looked[[]bridge.DeadLetter]{look: d.letters, most: latest}
	d.audit = &looked[[]command.Entry]{most: latest, look: func(ctx context.Context) ([]command.Entry, error) {
		return d.audits(ctx, time.Now().Add(-auditBack))
	}}
	return d
}

// workplaces are where the app was added to.
func (d *desk) workplaces(ctx context.Context) ([]bridge.Workplace, error) {
	records, err := d.o.Workspaces(ctx)
	if err != nil {
		return nil, err
	}
	installs, err := d.o.Installs(ctx)
	return bridge.Workplaces(records, installs), err
}

// letters are the dead letters, newest first.
func (d *desk) letters(ctx context.Context) ([]bridge.DeadLetter, error) {
	var out []bridge.DeadLetter
	err := d.o.Dead.List(ctx, "", func(l bridge.DeadLetter) bool {
		out = append(out, l)
		return len(out) < maxLetters
	})
	slices.Reverse(out)
	return out, err
}

// audits are the newest entries since an instant, newest first.
func (d *desk) audits(ctx context.Context, since time.Time) ([]command.Entry, error) {
	var out []command.Entry
	err := d.o.History.Audits(ctx, since, func(e command.Entry) bool {
		if out = append(out, e); len(out) == 2*maxEntries {
			out = slices.Clone(out[maxEntries:])
		}
		return true
	})
	out = out[max(0, len(out)-maxEntries):]
	slices.Reverse(out)
	return out, err
}

// done hears what the journal tells of commands.
func (d *desk) done(command.Entry) {
	d.audit.old()
	d.subscriptions.old()
}

// became hears what the journal tells of deliveries.
func (d *desk) became(o bridge.Outcome) {
	d.tallies.note(o, time.Now())
	if o.Kind == bridge.Dead || slices.ContainsFunc(d.dead.last(), func(l bridge.DeadLetter) bool { return l.EventID == o.EventID && l.Subscription == o.Subscription }) {
		d.dead.old()
	}
}

// looked is a look at something that is shared by all who want to see it.
type looked[T any] struct {
	look func(ctx context.Context) (T, error)
	most time.Duration // how old it may be

	one sync.Mutex // only one looks

	mu    sync.Mutex
	value T
	at    time.Time
	took  time.Duration
	stale bool
}

// get is the newest look that is young enough, else a new one. A store that is slow
// to look at is looked at less often.
func (l *looked[T]) get(ctx context.Context) (T, error) {
	l.one.Lock()
	defer l.one.Unlock()
	l.mu.Lock()
	age := time.Since(l.at)
	fresh := !l.at.IsZero() && (age < max(soonest, 5*l.took) || !l.stale && age < l.most)
	value := l.value
	l.stale = l.stale && fresh
	l.mu.Unlock()
	if fresh {
		return value, nil
	}
	began := time.Now()
	value, err := l.look(ctx)
	if err != nil {
		return value, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.value, l.at, l.took = value, time.Now(), time.Since(began)
	return value, nil
}

// old says that things have changed since the last look.
func (l *looked[T]) old() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.stale = true
}

// forget makes the next look a new one.
func (l *looked[T]) forget() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.at = time.Time{}
}

func (l *looked[T]) last() T {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.value
}

// forget makes the next look at everything a new one: a person has just changed
// something, and wants to see it.
func (d *desk) forget() {
	d.subscriptions.forget()
	d.dead.forget()
	d.audit.forget()
}

// recent are the newest events, as a line each.
type recent struct {
	mu  sync.Mutex
	all []eventLine
}

const maxRecent = 2000

// eventLine is one event in a list.
type eventLine struct {
	ID, Event, Agent, Say string
	At                    time.Time
}

func lineOf(e events.Event) eventLine {
	return eventLine{ID: e.ID, Event: e.Name(), Agent: e.Agent(), Say: sentence(bridge.Layout(e)), At: e.Time}
}

func (l eventLine) matches(words []string) bool {
	return contains(words, l.ID, l.Event, l.Agent, l.Say)
}

// contains reports whether every word is somewhere in the texts.
func contains(words []string, texts ...string) bool {
	all := strings.ToLower(strings.Join(texts, "\n"))
	return !slices.ContainsFunc(words, func(w string) bool { return !strings.Contains(all, w) })
}

func wordsOf(typed string) []string { return strings.Fields(strings.ToLower(typed)) }

func (r *recent) add(e events.Event) {
	l := lineOf(e)
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.all = append(r.all, l); len(r.all) >= 2*maxRecent {
		r.all = slices.Clone(r.all[maxRecent:])
	}
}

// newest are at most n events with these words, newest first.
func (r *recent) newest(words []string, n int) []eventLine {
	r.mu.Lock()
	defer r.mu.Unlock()
	var out []eventLine
	for _, l := range slices.Backward(r.all) {
		if len(out) == n {
			break
		}
		if l.matches(words) {
			out = append(out, l)
		}
	}
	return out
}
