package discord

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/imaginebridge/imaginebridge/bridge/command"
)

// completeWithin bounds a completion: people are typing.
const completeWithin = 150 * time.Millisecond

// Choice is one completion: what people read and what is sent, at most 100
// characters each.
type Choice struct{ Name, Value string }

// complete answers while a person types. Whoever may not use the command gets
// no choices: they would show what the agent knows.
func (v *visit) complete(ctx context.Context) {
	out := []appChoice{}
	for _, c := range v.choices(ctx) {
		name, value := plain(c.Name, maxChoiceText), c.Value
		if name == "" {
			name = plain(value, maxChoiceText)
		}
		if value != "" && units(value) <= maxChoiceText && name != "" && len(out) < maxChoices {
			out = append(out, appChoice{name, value})
		}
	}
	_ = v.first(ctx, respondChoices, choicesData{out}) // logged there
}

func (v *visit) choices(ctx context.Context) []Choice {
	spec := specOf(v.table, v.in.Command, v.in.Path)
	typed, _ := v.in.Values[v.in.Focused].(string)
	if spec == nil {
		return nil
	}
	arg, ok := argOf(spec, v.in.Focused)
	switch {
	case !ok && v.in.Focused == agentOption:
		return matching(v.agents(), strings.TrimPrefix(typed, "@"))
	case !ok:
		return nil
	case len(arg.Choices) > 0:
		return matching(arg.Choices, typed)
	case arg.Complete == command.Agents:
		return matching(v.agents(), strings.TrimPrefix(typed, "@"))
	case v.o.Complete == nil || arg.Complete == "":
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, completeWithin)
	defer cancel()
	q := v.request(press{Group: spec.Group, Verb: spec.Verb})
	if q.Agent, _ = v.in.Values[agentOption].(string); q.Agent == "" {
		q.Agent = v.usual(ctx)
	}
	if all := v.agents(); q.Agent == "" && len(all) > 0 {
		q.Agent = all[0]
	}
	if p := v.o.Commands.Check(ctx, q); p != nil && (p.Code == http.StatusForbidden || p.Code == http.StatusNotFound) {
		return nil
	}
	if arg.Complete == command.SubscriptionNames {
		if v.o.Subscriptions == nil || v.in.Guild == "" {
			return nil
		}
		return matching(v.o.Subscriptions(v.in.Guild), typed)
	}
	return v.suggest(ctx, q.Agent, command.Narrow(spec, arg, v.in.Values), typed)
}

// suggest asks for completions, for as long as a person is willing to wait.
func (v *visit) suggest(ctx context.Context, agent string, source command.Source, typed string) []Choice {
	ctx, cancel := context.WithTimeout(ctx, completeWithin)
	defer cancel()
	done := make(chan []Choice, 1)
	v.visits.work.run(func() { done <- v.o.Complete(ctx, agent, source, typed) })
	select {
	case list := <-done:
		return list
	case <-ctx.Done():
		return nil
	}
}

// agents are those the guild is connected to.
func (v *visit) agents() []string {
	if v.o.Agents == nil || v.in.Guild == "" {
		return nil
	}
	return v.o.Agents(v.in.Guild)
}

// matching are the words that contain what was typed, those that begin with it first.
func matching(words []string, typed string) []Choice {
	typed = strings.ToLower(strings.TrimSpace(typed))
	var first, then []Choice
	for _, w := range words {
		switch low := strings.ToLower(w); {
		case strings.HasPrefix(low, typed):
			first = append(first, Choice{w, w})
		case strings.Contains(low, typed):
			then = append(then, Choice{w, w})
		}
	}
	return append(first, then...)
}
