package main

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/imaginebridge/imaginebridge/bench/check"
)

// path is all that is known of a fact's way to a place.
func (w *world) path(ctx context.Context, b books, facts []fact, where, id string) (out []check.Step) {
	i := slices.IndexFunc(facts, func(f fact) bool { return f.mark == id })
	if i < 0 {
		return w.commandPath(ctx, id)
	}
	f := facts[i]
	step := func(at time.Time, format string, args ...any) {
		out = append(out, check.Step{At: at, What: fmt.Sprintf(format, args...)})
	}
	step(f.at, "%s happens to %s, event %s", f.kind, f.agent, f.event)
	looks := 0
	source := map[string]string{"ntf": "/api/notifications", "msg": "/api/conversations", "job": "/api/generate"}[f.event[:3]]
	for _, e := range w.sandbox.Journal() {
		if e.Agent == f.agent && strings.HasPrefix(e.Path, source) && e.At.After(f.at) && looks < 3 {
			looks++
			step(e.At, "polled: GET %s %d, lost %t", e.Path, e.Status, e.Lost)
		}
	}
	for _, e := range b.events {
		if e.id == f.event {
			step(e.at, "published as %d", e.seq)
		}
	}
	for _, p := range w.places {
		if p.name == where {
			w.attempts(p, f, step)
		}
	}
	for _, o := range b.outcomes {
		if o.EventID == f.event && o.Subscription == where {
			step(o.At, "outcome: %s, attempt %d %s %s", o.Outcome, o.Attempt, o.Verdict, o.Reason)
		}
	}
	last := slices.MaxFunc(out, func(a, b check.Step) int { return a.At.Compare(b.At) }).At.Add(time.Second)
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, n := range w.notes {
		if n.at.After(f.at.Add(-time.Second)) && n.at.Before(last) && len(out) < 60 {
			step(n.at, "· %s", n.what)
		}
	}
	return out
}

// attempts tells of the requests that carried a fact to a place.
func (w *world) attempts(p place, f fact, step func(at time.Time, format string, args ...any)) {
	_, channel, _ := strings.Cut(p.to, ":")
	switch {
	case p.hook != nil:
		for _, a := range p.hook.seen() {
			if a.id == f.event {
				step(a.at, "attempt: answered %d", a.status)
			}
		}
	case strings.HasPrefix(p.to, "discord:"):
		for _, r := range w.discord.Requests() {
			if strings.Contains(string(r.Body), f.mark) && (r.Channel == channel || slices.Contains(w.discord.Threads(channel), r.Channel)) {
				step(r.Time, "attempt: %s %s %d %s %s", r.Method, r.Path, r.Status, r.Effect, nonceOf(r.Body))
			}
		}
	default:
		for _, r := range w.slack.Requests("chat.postMessage", "chat.update", "conversations.history", "conversations.replies") {
			text, err := json.Marshal(r.Args)
			if err != nil || r.Args["channel"] != channel {
				continue
			}
			if strings.Contains(string(text), f.mark) {
				step(r.At, "attempt: %s %d %s injected %t", r.Method, r.Status, r.Error, r.Injected)
			} else if strings.HasPrefix(r.Method, "conversations.") && r.At.After(f.at) && r.At.Before(f.at.Add(3*time.Minute)) {
				step(r.At, "look: %s %d %s", r.Method, r.Status, r.Error)
			}
		}
	}
}

func nonceOf(body []byte) string {
	var b struct {
		Nonce any `json:"nonce"`
	}
	if json.Unmarshal(body, &b) != nil || b.Nonce == nil {
		return ""
	}
	return fmt.Sprint("nonce ", b.Nonce)
}

// commandPath is what is known of a command.
func (w *world) commandPath(ctx context.Context, text string) (out []check.Step) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, e := range w.sandbox.Journal() {
		if strings.Contains(e.Body, text) {
			out = append(out, check.Step{At: e.At, What: fmt.Sprintf("API: %s %s by %s %d, lost %t", e.Method, e.Path, e.Agent, e.Status, e.Lost)})
		}
	}
	for _, c := range w.commands {
		if c.text != text {
			continue
		}
		out = append(out, check.Step{At: c.at, What: fmt.Sprintf("asked at %s, taken %t", c.door, c.taken)})
		words := w.wordsIn(c.channel)
		if c.discord != nil && c.taken {
			words += w.wordsOf(ctx, c.discord)
		}
		out = append(out, check.Step{At: c.at.Add(3 * time.Second), What: "answer, whenever: " + words})
		for _, n := range w.notes {
			if n.at.After(c.at.Add(-time.Second)) && n.at.Before(c.at.Add(20*time.Second)) {
				out = append(out, check.Step{At: n.at, What: "· " + n.what})
			}
		}
	}
	return out
}
