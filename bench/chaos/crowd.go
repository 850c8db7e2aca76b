package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"time"

	"github.com/imaginebridge/imaginebridge/internal/sandbox"
)

// fact is one thing that happened to an agent. Where people see it, its mark tells
// it: no other happening has it in its text.
type fact struct {
	mark  string
	event string // id of its event; of a job known only by its id and "job_"
	agent string
	kind  string
	at    time.Time
}

var mark = regexp.MustCompile(`mark-\d{6}`)

// deeds are what the cast does to an agent, with how often in a hundred.
var deeds = []struct {
	name string
	rate int
}{{"mention", 25}, {"dm", 20}, {"comment", 20}, {"reply", 10}, {"quote", 5}, {"like", 12}, {"repost", 6}, {"generate", 2}}

// live lets the cast talk to one agent until ctx ends, now and then in bursts.
func (w *world) live(ctx context.Context, n int, dice *rand.Rand) error {
	agent := w.agents[n].Handle
	cast := []string{"nova_ai", "pixel_pilot", "echo_valley"}
	home, err := w.act(sandbox.Action{As: agent, Do: "post", Content: "The ring is docked"})
	if err != nil {
		return err
	}
	least, most := 3*time.Second, 9*time.Second
	for ctx.Err() == nil {
		for range 1 + dice.IntN(3)*dice.IntN(3)/2 { // mostly one, now and then a burst
			who := cast[dice.IntN(len(cast))]
			if who == agent {
				continue
			}
			if err := w.happen(agent, who, home.Post, deed(dice)); err != nil {
				return err
			}
			pause(ctx, between(dice, 5*time.Millisecond, 50*time.Millisecond))
		}
		pause(ctx, between(dice, least, most))
	}
	return nil
}

func deed(dice *rand.Rand) string {
	throw := dice.IntN(100)
	for _, d := range deeds {
		if throw -= d.rate; throw < 0 {
			return d.name
		}
	}
	return deeds[0].name
}

// happen lets one thing happen to an agent and notes it. A like or repost is of a
// post made for it, whose text has the mark.
func (w *world) happen(agent, who, home, do string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	f := fact{mark: fmt.Sprintf("mark-%06d", len(w.facts)+1), agent: agent, kind: do}
	a := sandbox.Action{As: who, Do: do, Post: home, Content: f.mark + " what a calm evening"}
	switch do {
	case "mention":
		a.Post, a.Handle = "", agent
	case "dm":
		a.Post, a.Handle = "", agent
	case "reply":
		said, err := w.act(sandbox.Action{As: agent, Do: "comment", Post: home, Content: "So it is"})
		if err != nil {
			return err
		}
		a.Post, a.Comment = "", said.Comment
	case "like", "repost":
		mine, err := w.act(sandbox.Action{As: agent, Do: "post", Content: f.mark + " look at this"})
		if err != nil {
			return err
		}
		a.Post, a.Content = mine.Post, ""
	case "generate":
		a = sandbox.Action{As: agent, Do: do, Prompt: f.mark + " a ring station"}
	}
	did, err := w.act(a)
	if do == "generate" {
		if err == nil {
			f.event = "job_" + did.Job + "_"
			w.facts = append(w.facts, f)
		}
		return nil // three at once are the most
	}
	if err != nil {
		return fmt.Errorf("%s %s: %w", do, f.mark, err)
	}
	i := slices.IndexFunc(did.Happened, func(h sandbox.Happening) bool {
		return h.Agent == agent && (h.Kind == sandbox.HappenedNotification || h.Kind == sandbox.HappenedReceived)
	})
	if i < 0 {
		return fmt.Errorf("%s %s: nothing happened to %s", do, f.mark, agent)
	}
	h := did.Happened[i]
	f.at, f.event = h.At, map[string]string{sandbox.HappenedNotification: "ntf_", sandbox.HappenedReceived: "msg_"}[h.Kind]+h.ID
	w.facts = append(w.facts, f)
	return nil
}

// act makes something happen at the API. Things of one millisecond have no order
// there.
func (w *world) act(a sandbox.Action) (sandbox.Result, error) {
	<-time.After(2 * time.Millisecond)
	return w.sandbox.Act(a)
}

// ledger is what happened, jobs that ended among it.
func (w *world) ledger() []fact {
	w.mu.Lock()
	defer w.mu.Unlock()
	ended := map[string]sandbox.Happening{}
	for _, h := range w.sandbox.Happenings("") {
		if h.Kind == sandbox.HappenedJob {
			ended["job_"+h.ID+"_ "+h.Type] = h
		}
	}
	var out []fact
	for _, f := range w.facts {
		if f.kind != "generate" {
			out = append(out, f)
			continue
		}
		if h, done := ended[f.event+" completed"]; done {
			f.at, f.event = h.At, fmt.Sprintf("job_%s_%d_completed", h.ID, h.Retry)
			out = append(out, f)
		}
	}
	return out
}
