package discord

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"slices"
	"sync"
	"time"

	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/bridge/command"
)

// answerGrace is for showing the end of a command when the process ends.
const answerGrace = 2 * time.Second

const routeHooked = "/webhooks/{application}/{token}/messages/{message}"

// live is the answer to one interaction while it changes.
type live struct {
	*visit
	q  command.Request
	at spotOf

	mu      sync.Mutex // guards all below
	message string     // of the answer, once it is known
	states  int
	ended   bool
	moved   bool // the token's life is nearly over: the rest appears elsewhere
}

func (v *visit) live(q command.Request, at spotOf) *live {
	return &live{visit: v, q: q, at: at}
}

// next numbers a state; false when the answer has ended.
func (l *live) next() (int, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.states++
	return l.states, !l.ended
}

// tell shows how far the work is. It returns at once.
func (l *live) tell(ctx context.Context, r command.Reply) {
	n, open := l.next()
	if !open {
		return
	}
	l.visits.work.run(func() {
		shown := l.shown(ctx, l.in.Guild, l.q.Agent, l.in.Locale, command.Answer{Agent: l.q.Agent, Reply: r})
		if old, err := l.edits.turn(ctx, l.key(), n); old || err != nil {
			return
		}
		if err := l.show(ctx, shown); err != nil {
			l.log.Debug("progress not shown", "interaction", l.in.ID, "err", err)
		}
	})
}

func (l *live) key() string { return "visit " + l.in.ID }

// farewell says where the answer appears when the token can carry it no longer.
func (l *live) farewell(ctx context.Context) {
	l.mu.Lock()
	over := l.ended
	l.ended, l.moved = true, !over
	l.mu.Unlock()
	if over {
		return
	}
	text := "This takes longer than Discord lets me answer here. I'll send you the result by direct message."
	if l.at == public || l.at == behind {
		text = "This takes longer than Discord lets me answer here. The result follows in this channel."
	}
	if err := l.show(ctx, sentence(l.reader().Word(text))); err != nil {
		l.log.Debug("farewell not shown", "interaction", l.in.ID, "err", err)
	}
}

// finish shows the end, here while the token lives, else where Tell finds the
// person.
func (l *live) finish(ctx context.Context, a command.Answer) {
	l.mu.Lock()
	moved := l.moved
	l.ended = true
	l.mu.Unlock()
	ctx, cancel := lingering(ctx, sendTimeout, answerGrace)
	defer cancel()
	if moved || l.age(l.in.ID) > tokenLife {
		if l.elsewhere(ctx, l.q, a) {
			a.Told(ctx)
		}
		return
	}
	if !a.OK && l.aside() {
		l.rouse(ctx)
	}
	r := l.answer(ctx, l.in.Guild, l.q, a)
	if _, err := l.edits.turn(ctx, l.key(), math.MaxInt); err != nil {
		l.log.Warn("answer not shown", "interaction", l.in.ID, "err", err)
		return
	}
	if a.Private {
		r = r.private()
	}
	err := l.show(ctx, r)
	if bad, ok := errors.AsType[*Error](err); ok && bad.badForm() {
		r.Embeds, r.Components = []embed{}, []row{}
		err = l.show(ctx, r)
	}
	switch {
	case err == nil:
		a.Told(ctx)
		l.follow(ctx, a)
	case dismissed(err):
		a.Told(ctx)
		l.log.Debug("answer dismissed by its reader", "interaction", l.in.ID)
	case overdue(err):
		if l.elsewhere(ctx, l.q, a) {
			a.Told(ctx)
		}
	default:
		l.log.Warn("answer not shown", "interaction", l.in.ID, "err", err)
		if lasting(err) || l.aside() && unsure(err) { // which has no nonce
			a.Told(ctx)
		}
	}
}

// dismissed reports that the person closed the private answer.
func dismissed(err error) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && (e.Code == codeUnknownMessage || e.Code == codeManyFollowUps)
}

// overdue reports that the interaction's token opens nothing any more.
func overdue(err error) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && (e.Code == codeTokenOver || e.Code == codeUnknownWebhook || e.Code == codeUnknownVisit)
}

// edit changes the first response.
func (v *visit) edit(ctx context.Context, r any) error {
	return v.insist(ctx, v.hook("PATCH", routeOriginal, v.in.App, v.in.Token), r, nil)
}

// aside reports an answer that is a message beside the card with the button.
func (l *live) aside() bool { return l.at == beside || l.at == behind }

// show puts a state of the answer in its place.
func (l *live) show(ctx context.Context, r reply) error {
	l.mu.Lock()
	message := l.message
	l.mu.Unlock()
	var made struct {
		ID flexID `json:"id"`
	}
	c := l.hook("PATCH", routeOriginal, l.in.App, l.in.Token)
	private := l.at == beside || r.Flags&flagPrivate != 0
	r.Flags = 0 // fixed by the first response
	switch {
	case l.aside() && message == "":
		c = l.hook("POST", routeFollowUp, l.in.App, l.in.Token)
		if private {
			r = r.private()
		}
		err := l.rest.do(ctx, c, r, &made) // not repeated: it has no nonce
		l.found(string(made.ID))
		return err
	case l.aside():
		c = fill("PATCH", routeHooked, l.in.App, l.in.Token, message)
		c.top, c.exempt = l.in.Token, true
	}
	err := l.insist(ctx, c, r, &made)
	l.found(string(made.ID))
	return err
}

func (l *live) found(message string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if message != "" {
		l.message = message
	}
}

// rouse lets the pressed button be pressed again.
func (l *live) rouse(ctx context.Context) {
	rows := l.in.Message.Rows
	if rows == nil {
		rows = []any{}
	}
	if err := l.edit(ctx, changeData{rows, nobody()}); err != nil {
		l.log.Debug("button not given back", "interaction", l.in.ID, "err", err)
	}
}

// followed is an answer that shows a job to its end, as it is noted.
type followed struct {
	Channel string `json:"channel"`
	Message string `json:"message"`
	Locale  string `json:"locale,omitempty"`
}

func liveNote(key string) string { return "discord.live." + key }

// follow keeps the answer that shows a generation, so that Update finds it.
func (l *live) follow(ctx context.Context, a command.Answer) {
	if a.Reply.Job == "" || len(a.Reply.Messages) == 0 || a.Reply.Messages[0].UpdateKey == "" {
		return
	}
	m := a.Reply.Messages[0]
	if l.at != public && l.at != behind {
		l.watchers.add(m.UpdateKey, l)
	} else if form, err := json.Marshal(followed{l.in.Channel, l.message, l.in.Locale}); err == nil {
		if err := l.notes.PutNote(ctx, liveNote(m.UpdateKey), form); err != nil {
			l.log.Warn("answer not followed", "interaction", l.in.ID, "err", err)
			return
		}
	}
	if newer, ok := l.watchers.latest(m.UpdateKey); ok && newer("").Version > m.Version {
		if err := l.Update(ctx, newer); err != nil {
			l.log.Warn("answer not brought up to date", "interaction", l.in.ID, "err", err)
		}
	}
}

// Update shows a state of a job in the answers to commands that show it: a
// generation that a person started is followed to its end where it was started, in
// that person's language.
// Messages that no answer shows cost one look. Errors are *Error, or of Notes.
func (s *Sink) Update(ctx context.Context, state bridge.Localized) error {
	m := state("")
	if s.o.Commands == nil || m.UpdateKey == "" {
		return nil
	}
	for _, l := range s.watchers.heard(m, state) {
		shown := l.shown(ctx, l.in.Guild, m.Agent, l.in.Locale, command.Answer{Agent: m.Agent, Reply: command.Reply{Messages: []bridge.Message{state(l.in.Locale)}}})
		if old, err := s.edits.turn(ctx, l.key(), math.MaxInt); old || err != nil {
			continue
		}
		if err := l.show(ctx, shown); err != nil && !dismissed(err) && !overdue(err) {
			return err
		}
	}
	form, err := s.notes.Note(ctx, liveNote(m.UpdateKey))
	if err != nil || form == nil {
		return err
	}
	var at followed
	if readable := json.Unmarshal(form, &at) == nil; !readable || at.Message == "" {
		return nil
	}
	superseded, err := s.edits.turn(ctx, at.Message, m.Version)
	if superseded || err != nil {
		return err
	}
	m = state(at.Locale)
	body := render(m, false, "", s.ids(ctx, m.Actions, m.Agent, "")...).edit()
	err = s.insist(ctx, fill("PATCH", routeMessage, at.Channel, at.Message), body, nil)
	if removed(err) {
		err = nil
	}
	return err
}

// removed reports a message that somebody deleted, alone or with its channel.
func removed(err error) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && (e.Code == codeUnknownMessage || e.Code == codeUnknownChannel)
}

const maxWatched = 256

// watchers are private answers that show a job, and the last states of jobs.
type watchers struct {
	mu     sync.Mutex // guards all below
	lives  map[string][]*live
	states map[string]bridge.Localized
	order  []string
}

func newWatchers() *watchers {
	return &watchers{lives: map[string][]*live{}, states: map[string]bridge.Localized{}}
}

func (w *watchers) add(key string, l *live) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.lives[key] = append(w.lives[key], l)
	w.note(key)
}

// heard keeps a state and gives the private answers that show it.
func (w *watchers) heard(m bridge.Message, state bridge.Localized) []*live {
	w.mu.Lock()
	defer w.mu.Unlock()
	if old, ok := w.states[m.UpdateKey]; ok && old("").Version > m.Version {
		return nil
	}
	w.states[m.UpdateKey] = state
	w.note(m.UpdateKey)
	var out []*live
	for _, l := range w.lives[m.UpdateKey] {
		if l.age(l.in.ID) < tokenLife {
			out = append(out, l)
		}
	}
	return out
}

func (w *watchers) latest(key string) (bridge.Localized, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	m, ok := w.states[key]
	return m, ok
}

// note forgets the oldest key when there are many; callers hold mu.
func (w *watchers) note(key string) {
	if slices.Contains(w.order, key) {
		return
	}
	w.order = append(w.order, key)
	if len(w.order) > maxWatched {
		delete(w.lives, w.order[0])
		delete(w.states, w.order[0])
		w.order = w.order[1:]
	}
}
