package main

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/imaginebridge/imaginebridge/bench/check"
)

// stored is one event as the stream has it.
type stored struct {
	id, kind string
	agent    string
	at       time.Time
	seq      uint64
}

// outcome is what the bridge itself noted of a delivery.
type outcome struct {
	Subscription string    `json:"subscription"`
	Outcome      string    `json:"outcome"`
	EventID      string    `json:"event_id"`
	Attempt      int       `json:"attempt"`
	Verdict      string    `json:"verdict"`
	Reason       string    `json:"reason"`
	At           time.Time `json:"at"`
}

// books are what NATS holds in the end.
type books struct {
	events   []stored
	outcomes []outcome
	dead     map[string]map[string]string // by subscription and event: why
}

// read reads the books.
func (w *world) read(ctx context.Context) (b books, err error) {
	nc, err := nats.Connect("nats://"+w.lines[lineNATS].address(), nats.Timeout(10*time.Second))
	if err != nil {
		return b, fmt.Errorf("connect to NATS: %w", err)
	}
	defer nc.Close()
	js, err := jetstream.New(nc, jetstream.WithDefaultTimeout(time.Minute))
	if err != nil {
		return b, fmt.Errorf("open JetStream: %w", err)
	}
	b.dead = map[string]map[string]string{}
	err = each(ctx, js, "IA_EVENTS", "ia.event.>", func(m jetstream.Msg, about *jetstream.MsgMetadata) error {
		var e struct{ ID, Type, Source string }
		err := json.Unmarshal(m.Data(), &e)
		s := stored{id: e.ID, kind: e.Type, agent: e.Source[strings.LastIndex(e.Source, "/")+1:], at: about.Timestamp, seq: about.Sequence.Stream}
		b.events = append(b.events, s)
		return err
	})
	if err != nil {
		return b, err
	}
	err = each(ctx, js, "IA_AUDIT", "ia.delivery.>", func(m jetstream.Msg, _ *jetstream.MsgMetadata) error {
		var o outcome
		err := json.Unmarshal(m.Data(), &o)
		b.outcomes = append(b.outcomes, o)
		return err
	})
	if err != nil {
		return b, err
	}
	return b, each(ctx, js, "IA_DELIVERY", "ia.dead.>", func(m jetstream.Msg, _ *jetstream.MsgMetadata) error {
		var d struct {
			Subscription string
			EventID      string `json:"event_id"`
			Reason       string
		}
		err := json.Unmarshal(m.Data(), &d)
		if b.dead[d.Subscription] == nil {
			b.dead[d.Subscription] = map[string]string{}
		}
		b.dead[d.Subscription][d.EventID] = "dead letter: " + d.Reason
		return err
	})
}

// each hands over everything that a stream holds on a subject.
func each(ctx context.Context, js jetstream.JetStream, stream, subject string, fn func(jetstream.Msg, *jetstream.MsgMetadata) error) error {
	c, err := js.OrderedConsumer(ctx, stream, jetstream.OrderedConsumerConfig{FilterSubjects: []string{subject}})
	if err != nil {
		return fmt.Errorf("read %s: %w", stream, err)
	}
	for waiting := c.CachedInfo().NumPending; waiting > 0; {
		m, err := c.Next(jetstream.FetchMaxWait(20 * time.Second))
		if err != nil {
			return fmt.Errorf("read %s: %w", stream, err)
		}
		about, err := m.Metadata()
		if err != nil {
			return fmt.Errorf("read %s: %w", stream, err)
		}
		if err := fn(m, about); err != nil {
			return fmt.Errorf("read %s: %w", stream, err)
		}
		waiting = about.NumPending
	}
	return nil
}

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

// judge has the checker look at everything.
func (w *world) judge(ctx context.Context) ([]check.Finding, func(place, fact string) []check.Step, error) {
	b, err := w.read(ctx)
	if err != nil {
		return nil, nil, err
	}
	facts := w.ledger()
	findings := check.Judge(streamFacts(facts), streamPlace(b, facts))
	seqs := map[string]uint64{}
	for _, e := range b.events {
		seqs[e.id] = e.seq
	}
	for _, p := range w.places {
		place := check.Place{Name: p.name, Sights: w.sights(p, facts), Excuses: map[string]string{}}
		wants := map[string]bool{}
		var happened []check.Fact
		for _, f := range facts {
			wants[f.mark] = slices.Contains(p.agents, f.agent)
			happened = append(happened, check.Fact{ID: f.mark, At: f.at, Order: seqs[f.event]})
			if why := b.dead[p.name][f.event]; why != "" {
				place.Excuses[f.mark] = why
			}
		}
		place.Once = strings.HasPrefix(p.to, "discord:")
		place.Wants = func(f check.Fact) bool { return wants[f.ID] }
		findings = append(findings, check.Judge(happened, place)...)
	}
	findings = append(findings, check.JudgeCommands(w.answers())...)
	return findings, func(place, fact string) []check.Step { return w.path(b, facts, place, fact) }, nil
}

// sourceOf is the line in which the API tells of a fact.
func sourceOf(f fact) string {
	family, _, _ := strings.Cut(f.event, "_")
	return f.agent + " " + family
}

// streamFacts are the facts in the order in which each source tells of them.
func streamFacts(facts []fact) (out []check.Fact) {
	sorted := slices.SortedStableFunc(slices.Values(facts), func(a, b fact) int { return a.at.Compare(b.at) })
	for n, f := range sorted {
		out = append(out, check.Fact{ID: f.mark, At: f.at, Order: uint64(n + 1)})
	}
	return out
}

// streamPlace is NATS as a place where each fact is stored once, each source in its
// own order. Events that tell of no fact, such as the progress of a generation, are
// left out.
func streamPlace(b books, facts []fact) check.Place {
	p := check.Place{Name: "NATS", Wants: func(check.Fact) bool { return true }, Once: true}
	by := map[string]fact{}
	for _, f := range facts {
		by[f.event] = f
	}
	for _, e := range b.events {
		f, known := by[e.id]
		switch {
		case known:
			p.Sights = append(p.Sights, check.Sight{Fact: f.mark, At: e.at, Line: sourceOf(f), Message: fmt.Sprint(e.seq)})
		case !strings.Contains(e.kind, ".generation.") && !strings.HasSuffix(e.kind, "message.sent"):
			p.Sights = append(p.Sights, check.Sight{Fact: e.id + " (" + e.kind + ")", At: e.at})
		}
	}
	return p
}

// path is all that is known of a fact's way to a place.
func (w *world) path(b books, facts []fact, where, id string) (out []check.Step) {
	i := slices.IndexFunc(facts, func(f fact) bool { return f.mark == id })
	if i < 0 {
		return w.commandPath(id)
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
func (w *world) commandPath(text string) (out []check.Step) {
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
			words += w.wordsOf(c.discord)
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

// settle ends all trouble and waits for what is under way. Its error says what did
// not come in time.
func (w *world) settle(ctx context.Context) error {
	w.mu.Lock()
	w.ended = time.Now()
	w.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, w.plan.settle)
	defer cancel()
	if err := w.heal(); err != nil {
		return err
	}
	tended, stop := context.WithCancel(ctx)
	done := make(chan error, 1)
	var tending sync.WaitGroup
	tending.Go(func() { done <- w.bridge.tend(tended) })
	defer tending.Wait()
	defer stop()
	for ctx.Err() == nil {
		if w.missing() == 0 && w.untold() == 0 {
			pause(ctx, 12*time.Second) // for what would come twice
			return nil
		}
		pause(ctx, 2*time.Second)
	}
	return fmt.Errorf("after %s %d facts were missing somewhere, and %d commands had no answer", w.plan.settle, w.missing(), w.untold())
}

// untold counts commands that were taken and have no answer.
func (w *world) untold() (n int) {
	for _, c := range w.answers() {
		if c.Taken && c.Told == check.ToldNothing {
			n++
		}
	}
	return n
}

// speed is how long facts took to each place, by the middle and the slowest
// hundredth.
func (w *world) speed() string {
	facts := w.ledger()
	var out strings.Builder
	for _, p := range w.places {
		first := map[string]time.Time{}
		for _, s := range w.sights(p, facts) {
			if at, known := first[s.Fact]; !known || s.At.Before(at) {
				first[s.Fact] = s.At
			}
		}
		var took []time.Duration
		for _, f := range facts {
			if at, seen := first[f.mark]; seen && slices.Contains(p.agents, f.agent) {
				took = append(took, at.Sub(f.at))
			}
		}
		slices.Sort(took)
		if len(took) > 0 {
			fmt.Fprintf(&out, "%s: %d arrived, p50 %s, p99 %s, worst %s\n", p.name, len(slices.Collect(maps.Keys(first))),
				took[len(took)/2].Round(time.Millisecond), took[len(took)*99/100].Round(time.Millisecond), took[len(took)-1].Round(time.Millisecond))
		}
	}
	return out.String()
}
