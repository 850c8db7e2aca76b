package main

import (
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/imaginebridge/imaginebridge/bench/check"
)

// sights are what is to be seen at a place, by marks. A message of a conversation
// or mention may overtake others after an outage, so these are a line of their own.
func (w *world) sights(p place, facts []fact) []check.Sight {
	if p.hook != nil {
		return hookSights(p, facts)
	}
	kinds := map[string]string{}
	for _, f := range facts {
		kinds[f.mark] = "crowd"
		if f.kind == "dm" || f.kind == "mention" {
			kinds[f.mark] = "talk"
		}
	}
	var out []check.Sight
	see := func(line, message, text string, at time.Time) {
		found := mark.FindAllString(text, -1)
		slices.Sort(found)
		for _, m := range slices.Compact(found) {
			out = append(out, check.Sight{
				Fact: m, At: at, Line: line + " " + kinds[m], Message: message, Marked: strings.Contains(text, "may be a repeat"),
			})
		}
	}
	_, channel, _ := strings.Cut(p.to, ":")
	if strings.HasPrefix(p.to, "slack:") {
		for _, m := range w.slack.Messages(channel) {
			see(channel+m.ThreadTS, m.TS, string(m.Blocks), m.At)
		}
		return out
	}
	for _, where := range append(w.discord.Threads(channel), channel) {
		for _, m := range w.discord.Messages(where) {
			at, err := time.Parse(time.RFC3339Nano, m.Timestamp)
			text, badly := json.Marshal(m)
			if err == nil && badly == nil {
				see(where, m.ID, string(text), at)
			}
		}
	}
	return out
}

// hookSights are what a receiver has. The id of a webhook is the mark by which a
// receiver knows a repeat.
func hookSights(p place, facts []fact) (out []check.Sight) {
	marks := map[string]string{}
	for _, f := range facts {
		marks[f.event] = f.mark
	}
	line, seen := "", map[string]bool{}
	if p.strict {
		line = p.name
	}
	for _, a := range p.hook.seen() {
		if !a.took {
			continue
		}
		known := marks[a.id]
		if known == "" {
			known = a.id
		}
		out = append(out, check.Sight{Fact: known, At: a.at, Line: line, Message: a.id + a.at.String(), Marked: seen[a.id]})
		seen[a.id] = true
	}
	return out
}

// missing counts what is not to be seen yet.
func (w *world) missing() (n int) {
	facts := w.ledger()
	for _, p := range w.places {
		seen := map[string]bool{}
		for _, s := range w.sights(p, facts) {
			seen[s.Fact] = true
		}
		for _, f := range facts {
			if slices.Contains(p.agents, f.agent) && !seen[f.mark] {
				n++
			}
		}
	}
	return n
}
