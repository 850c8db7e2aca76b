package command

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/imaginebridge/imaginebridge/bridge"
)

// DeadLetters keeps events that could not be delivered.
type DeadLetters interface {
	// List hands over the letters of a subscription, "" for all, oldest first, until
	// fn returns false. Their events are left out.
	List(ctx context.Context, subscription string, fn func(bridge.DeadLetter) bool) error
	// Get returns one with its event; ok is false where there is none.
	Get(ctx context.Context, id uint64) (l bridge.DeadLetter, ok bool, err error)
	// Resend has one sent again by whoever delivers for its subscription. It leaves
	// when it was sent.
	Resend(ctx context.Context, l bridge.DeadLetter) error
	// Drop removes one. None of that id is no error.
	Drop(ctx context.Context, id uint64) error
}

// DeadView is a dead letter as programs see it.
type DeadView struct {
	ID           uint64          `json:"id"`
	Subscription string          `json:"subscription"`
	To           string          `json:"to"` // of an address the host alone
	EventID      string          `json:"eventId,omitempty"`
	Reason       string          `json:"reason"`
	Attempts     int             `json:"attempts"`
	At           time.Time       `json:"at"`
	Event        json.RawMessage `json:"event,omitempty"` // of "dead show", where it is JSON
	Raw          string          `json:"raw,omitempty"`   // of "dead show", where it is not
}

// DeadList is what "dead list" gives programs.
type DeadList struct {
	Items []DeadView `json:"items"`
	Total int        `json:"total"` // those that fit, shown or not
}

// DeadDone is what "dead replay" and "dead drop" give programs.
type DeadDone struct {
	Count int      `json:"count"`
	IDs   []uint64 `json:"ids"`
}

const (
	shownDead = 25    // letters that a list shows
	someDead  = 10    // letters that are replayed or dropped without a question
	mostDead  = 10000 // letters that one command takes
)

func deadSpecs() []Spec {
	id := required(Arg{Name: "id", Summary: "its number, or all", Max: 20})
	which := []Arg{
		{Name: "subscription", Summary: "only of this one", Complete: SubscriptionNames, Max: 80},
		{Name: "reason", Summary: "only with these words", Max: 200},
	}
	list := []Spec{
		{Verb: "list", Summary: "Events that could not be sent", Aliases: []string{"dead"}, Access: Admin, Result: DeadList{}, House: listDead, Args: which},
		{Verb: "show", Summary: "Show a dead letter", Access: Admin, Result: DeadView{}, House: showDead, Args: []Arg{required(Arg{Name: "id", Summary: "its number", Max: 20})}},
		{
			Verb: "replay", Summary: "Send dead letters again", Access: Admin, Repeat: Same, Failed: "Not replayed", Result: DeadDone{}, House: replayDead,
			Args: append([]Arg{id}, which...),
		},
		{
			Verb: "drop", Summary: "Drop dead letters", Access: Admin, Repeat: Same, Failed: "Not dropped", Confirm: true, Question: "Drop these dead letters? They are gone for good.",
			Result: DeadDone{}, House: dropDead, Args: append([]Arg{id}, which...),
		},
	}
	for i := range list {
		list[i].Group, list[i].Private = "dead", true
	}
	return list
}

func viewDead(l bridge.DeadLetter) DeadView {
	v := DeadView{ID: l.ID, Subscription: l.Subscription, To: l.To, EventID: l.EventID, Reason: l.Reason, Attempts: l.Attempts, At: l.At}
	switch {
	case len(l.Event) == 0:
	case json.Valid(l.Event):
		v.Event = l.Event
	default:
		v.Raw = cut(strings.ToValidUTF8(string(l.Event), "\uFFFD"), 2000)
	}
	return v
}

// letters finds those that the caller may see and the arguments mean.
func (h *House) letters(ctx context.Context, who Caller, a Args) ([]bridge.DeadLetter, error) {
	subscription, err := h.deadOf(ctx, who, a.Text("subscription"))
	if err != nil {
		return nil, err
	}
	mine, err := h.reach(ctx, who)
	if err != nil {
		return nil, err
	}
	words := strings.ToLower(a.Text("reason"))
	var out []bridge.DeadLetter
	err = h.Dead.List(ctx, subscription, func(l bridge.DeadLetter) bool {
		if mine.has(l) && strings.Contains(strings.ToLower(l.Reason), words) {
			out = append(out, l)
		}
		return len(out) < mostDead
	})
	if err != nil {
		return nil, &storeError{err: err}
	}
	return out, nil
}

// lettersOf are the dead letters that a caller may see: of these subscriptions and
// these agents. nil is all of them.
type lettersOf struct {
	subscriptions map[string]bool
	agents        []string
}

// has reports whether a letter is among them. One that can't be read names no agent.
func (m *lettersOf) has(l bridge.DeadLetter) bool {
	return m == nil || m.subscriptions[l.Subscription] && (l.Agent == "" || slices.ContainsFunc(m.agents, func(a string) bool { return strings.EqualFold(a, l.Agent) }))
}

// reach is what the caller may see of the dead letters.
func (h *House) reach(ctx context.Context, who Caller) (*lettersOf, error) {
	if who.trusted() {
		return nil, nil //nolint:nilnil // nil is all of them
	}
	all, err := h.inSight(ctx, who)
	if err != nil {
		return nil, err
	}
	out := &lettersOf{subscriptions: map[string]bool{}, agents: who.Agents}
	for _, r := range all {
		out.subscriptions[r.ID] = true
	}
	return out, nil
}

// deadOf is the id of the subscription that is meant. Letters outlive theirs: the
// terminal and NATS may name one that is gone.
func (h *House) deadOf(ctx context.Context, who Caller, name string) (string, error) {
	if name == "" {
		return "", nil
	}
	r, err := h.find(ctx, who, name)
	switch {
	case err == nil:
		return r.ID, nil
	case who.trusted():
		return name, nil
	}
	return "", err
}

// letter is the one that the argument names.
func (h *House) letter(ctx context.Context, who Caller, a Args) (bridge.DeadLetter, error) {
	mine, err := h.reach(ctx, who)
	if err != nil {
		return bridge.DeadLetter{}, err
	}
	var id uint64
	_, wrong := fmt.Sscanf(a.Text("id")+"\n", "%d\n", &id)
	if wrong == nil {
		l, ok, err := h.Dead.Get(ctx, id)
		if err != nil {
			return l, &storeError{err: err}
		}
		if ok && mine.has(l) {
			return l, nil
		}
	}
	count := 0
	if err := h.Dead.List(ctx, "", func(l bridge.DeadLetter) bool {
		if mine.has(l) {
			count++
		}
		return count < mostDead
	}); err != nil {
		return bridge.DeadLetter{}, &storeError{err: err}
	}
	list := "/ia dead list"
	if who.trusted() {
		list = "imaginebridge dead list"
	}
	return bridge.DeadLetter{}, &Problem{
		Code: 404, Status: "no_dead_letter", Field: "id", Message: a.say("No dead letter %s; %q shows %d.", cut(oneLine(a.Text("id")), 20), list, count),
	}
}

func listDead(ctx context.Context, h *House, who Caller, a Args) (Reply, error) {
	all, err := h.letters(ctx, who, a)
	if err != nil {
		return Reply{}, err
	}
	slices.Reverse(all) // newest first
	out := DeadList{Items: []DeadView{}, Total: len(all)}
	m := bridge.Message{Event: "dead.list", Title: a.say("%s", counted(len(all), "dead letter")), Tone: bridge.ToneNeutral}
	for _, l := range all[:min(len(all), shownDead)] {
		out.Items = append(out.Items, viewDead(l))
		m.Quotes = append(m.Quotes, bridge.Quote{Label: fmt.Sprintf("%d · %s · %s", l.ID, l.Subscription, Moment(l.At, a.zone)), Text: cut(oneLine(l.Reason), 200)})
	}
	if len(all) == 0 {
		return Reply{Data: out, Text: a.say("No event waits as a dead letter.")}, nil
	}
	text := a.say("%s.", counted(len(all), "dead letter"))
	if len(all) > shownDead {
		text = a.say("%s, the newest %d of them:", counted(len(all), "dead letter"), shownDead)
	}
	return Reply{Data: out, Text: text, Messages: []bridge.Message{m}}, nil
}

func showDead(ctx context.Context, h *House, who Caller, a Args) (Reply, error) {
	l, err := h.letter(ctx, who, a)
	if err != nil {
		return Reply{}, err
	}
	v := viewDead(l)
	m := bridge.Message{
		Event: "dead.show", Title: fmt.Sprintf("Dead letter %d", l.ID), At: l.At, Text: l.Reason, Tone: bridge.ToneBad,
		Fields: []bridge.Field{
			{Name: "Subscription", Value: l.Subscription},
			{Name: "To", Value: l.To},
			{Name: "Event", Value: cmp.Or(l.EventID, "can't be read")},
			{Name: "Attempts", Value: strconv.Itoa(l.Attempts)},
		},
	}
	return Reply{Data: v, Text: a.say("Dead letter %d of %s: %s", l.ID, l.Subscription, l.Reason), Messages: []bridge.Message{m}}, nil
}

// meant are the letters that a command is to work on: the one named, or all of
// those that fit.
func (h *House) meant(ctx context.Context, who Caller, a Args) ([]bridge.DeadLetter, error) {
	if !strings.EqualFold(a.Text("id"), "all") {
		l, err := h.letter(ctx, who, a)
		return []bridge.DeadLetter{l}, err
	}
	return h.letters(ctx, who, a)
}

func replayDead(ctx context.Context, h *House, who Caller, a Args) (Reply, error) {
	all, err := h.meant(ctx, who, a)
	if err != nil {
		return Reply{}, err
	}
	if len(all) > someDead && !a.Confirmed() {
		return Reply{}, &AskError{Question: a.say("That sends %s again. Do it?", counted(len(all), "event"))}
	}
	return eachDead(all, a.say("To be sent again: %s. Each leaves the dead letters when it was sent.", counted(len(all), "event")), func(l bridge.DeadLetter) error {
		return h.Dead.Resend(ctx, l)
	})
}

func dropDead(ctx context.Context, h *House, who Caller, a Args) (Reply, error) {
	all, err := h.meant(ctx, who, a)
	if err != nil {
		return Reply{}, err
	}
	return eachDead(all, a.say("Dropped: %s.", counted(len(all), "dead letter")), func(l bridge.DeadLetter) error { return h.Dead.Drop(ctx, l.ID) })
}

func eachDead(all []bridge.DeadLetter, done string, do func(bridge.DeadLetter) error) (Reply, error) {
	out := DeadDone{IDs: []uint64{}}
	for _, l := range all {
		if err := do(l); err != nil {
			return Reply{}, &storeError{wrote: true, err: err}
		}
		out.Count, out.IDs = out.Count+1, append(out.IDs, l.ID)
	}
	return Reply{Data: out, Text: done}, nil
}
