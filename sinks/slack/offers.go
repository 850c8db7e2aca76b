package slack

import (
	"context"
	"slices"
	"strings"
	"time"

	slackgo "github.com/slack-go/slack"

	"github.com/imaginebridge/imaginebridge/bridge/command"
)

const (
	offerTime     = 500 * time.Millisecond
	maxOfferBytes = 16 << 10 // Slack drops acknowledgements of 20 KB and more
)

// offers completes what somebody types into a select: what there is within half a
// second, and the typed words themselves.
func (s *Sink) offers(ctx context.Context, in inbound) any {
	typed := strings.TrimSpace(clean(in.press.value))
	options := []*slackgo.OptionBlockObject{} // [] and not nothing, which Slack takes for an error
	size := 0
	add := func(label, value string) {
		if value == "" || len(value) > maxOptionValue || len(options) == maxOptions || slices.ContainsFunc(options, func(o *slackgo.OptionBlockObject) bool { return o.Value == value }) {
			return
		}
		o := choice(label, value)
		if size += len(o.Text.Text) + len(value) + 60; size < maxOfferBytes {
			options = append(options, o)
		}
	}
	if in.press.action == idPick+agentArg && in.press.block == agentArg {
		for _, h := range s.agentsFor(in) {
			if strings.Contains(h, strings.ToLower(strings.TrimPrefix(typed, "@"))) {
				add("@"+h, h)
			}
		}
		return map[string]any{"options": options}
	}
	for _, word := range s.ownWords(in) {
		if strings.Contains(strings.ToLower(word), strings.ToLower(strings.TrimPrefix(typed, "@"))) {
			add(word, word)
		}
	}
	for _, c := range s.completions(ctx, in, typed) {
		add(c.Label, c.Value)
	}
	add(typed, typed)
	return map[string]any{"options": options}
}

// ownWords are what the bridge itself knows for the field that is typed into: the
// workspace's agents or subscriptions.
func (s *Sink) ownWords(in inbound) []string {
	spec, ok := bound{Command: strings.TrimPrefix(in.view.Callback, idPrefix)}.spec()
	if !ok || in.outsider() {
		return nil
	}
	switch arg, _ := spec.Arg(in.press.block); {
	case arg.Complete == command.Agents:
		return s.agentsFor(in)
	case arg.Complete == command.SubscriptionNames && s.opt.Subscriptions != nil:
		return s.opt.Subscriptions(in.at.team)
	}
	return nil
}

func (s *Sink) agentsFor(in inbound) []string {
	if in.outsider() {
		return nil
	}
	return s.opt.Agents(in.at.team)
}

// completions asks for at most half a second.
func (s *Sink) completions(ctx context.Context, in inbound, typed string) []command.Choice {
	b := bound{Command: strings.TrimPrefix(in.view.Callback, idPrefix)}
	spec, ok := b.spec()
	if !ok || s.opt.Complete == nil {
		return nil
	}
	arg, ok := spec.Arg(in.press.block)
	if !ok || arg.Complete == "" {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, offerTime)
	defer cancel()
	m, err := s.metaOf(ctx, in)
	if err != nil {
		return nil
	}
	agent := m.Agent
	if chosen := in.view.State.Values[agentArg][idPick+agentArg].Option.Value; chosen != "" {
		agent = chosen
	}
	if !slices.Contains(s.agentsFor(in), agent) {
		return nil
	}
	got := make(chan []command.Choice, 1)
	s.late.Go(func() {
		defer s.caught(ctx)
		got <- s.opt.Complete(ctx, agent, command.Narrow(spec, arg, nil), typed)
	})
	select {
	case choices := <-got:
		return choices
	case <-ctx.Done():
		return nil
	}
}
