package slack

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/bridge/command"
	"github.com/imaginebridge/imaginebridge/internal/language"
)

// typed takes a line after /ia. What is missing in it opens the command's form.
func (s *Sink) typed(ctx context.Context, in inbound) ack {
	to := backOf(in)
	line, p := command.ParseLine(s.speaker(in), decodeText(in.text), func(from command.Source) string {
		id, _ := s.latest.get(in.at.channel + " " + string(from))
		return id
	})
	switch {
	case p != nil:
		return s.answerWith(to, draft{head: p.Message, hint: p.Hint, actions: p.Buttons})
	case line.Help:
		return s.answerWith(to, helpOn(s.speaker(in), strings.Join(line.Words, " ")))
	}
	spec, known := command.Find(line.Group, line.Verb)
	if known && slices.ContainsFunc(spec.Args, func(a command.Arg) bool { return a.People }) {
		if again, p := command.ParseLine(s.speaker(in), decodeText(byID(in.text)), nil); p == nil {
			line = again
		}
	}
	if !known {
		return s.answerWith(to, helpOn(s.speaker(in), ""))
	}
	if s.needsForm(in, spec, line) {
		return s.open(in, spec, line.Agent, line.Values, to)
	}
	q := s.request(in, spec.Group, spec.Verb, "slash", in.trigger)
	q.Agent, q.Values, q.Open = line.Agent, line.Values, true
	return s.do(ctx, in, work{q: q, to: to, instead: line.Instead}, nil)
}

// answerWith shows a draft to who asked, after the acknowledgement.
func (s *Sink) answerWith(to back, d draft) ack {
	return ack{then: func(ctx context.Context) { s.tellPrivately(ctx, to, d) }}
}

// needsForm reports a line that lacks what the command must have, or whose agent
// can't be told. A key typed in the line goes on to be refused.
func (s *Sink) needsForm(in inbound, spec *command.Spec, line command.Line) bool {
	for _, a := range spec.Args {
		if _, given := line.Values[a.Name]; given && a.Secret {
			return false
		}
	}
	return s.wants(spec, line.Values) || spec.House == nil && line.Agent == "" && len(s.agentsFor(in)) > 1
}

// helpOn is help that fits a screen: on everything, on a group, or on a command.
func helpOn(reader language.Speaker, topic string) draft {
	group, verb, _ := strings.Cut(strings.TrimSpace(topic), " ")
	var found []command.Spec
	for _, spec := range command.Table() {
		if spec.Group == group && (verb == "" || spec.Verb == verb) || verb == "" && slices.Contains(spec.Aliases, group) {
			found = append(found, spec)
		}
	}
	switch {
	case topic == "":
		return overview(reader)
	case len(found) == 0:
		_, p := command.ParseLine(reader, topic, nil)
		if p == nil {
			return overview(reader)
		}
		return draft{head: p.Message, hint: p.Hint, actions: p.Buttons}
	case len(found) == 1:
		return helpCommand(reader, found[0])
	}
	var b strings.Builder
	fmt.Fprintf(&b, "/ia %s …\n", group)
	for _, spec := range found {
		fmt.Fprintf(&b, "• %s: %s\n", spec.Verb, reader.Word(spec.Summary))
	}
	return draft{head: b.String(), hint: reader.Say("%s says more about one of them.", "/ia help "+group+" "+found[0].Verb)}
}

// overview names each group with its verbs.
func overview(reader language.Speaker) draft {
	var b strings.Builder
	b.WriteString(reader.Say("Type /ia and what to do, for example:\n• /ia post Hello from the dock\n• /ia dm @nova See you there\n• /ia image A city at night\n• /ia unread") + "\n\n")
	verbs := map[string][]string{}
	for _, spec := range command.Table() {
		verbs[spec.Group] = append(verbs[spec.Group], spec.Verb)
	}
	for _, group := range command.Groups() {
		shown := verbs[group]
		line := strings.Join(shown[:min(len(shown), maxHelpVerbs)], ", ")
		if len(shown) > maxHelpVerbs {
			line += " …"
		}
		fmt.Fprintf(&b, "• %s: %s\n", group, line)
	}
	return draft{head: b.String(), hint: "/ia help post says more about a group, /ia help post create about a command."}
}

const maxHelpVerbs = 5

func helpCommand(reader language.Speaker, spec command.Spec) draft {
	return draft{head: "/ia " + command.HelpVerb(reader, &spec), actions: []bridge.Action{
		{Label: "Open form", Command: spec.Name(), Args: map[string]string{command.Form: "yes"}, Primary: true},
	}}
}

// called takes a shortcut, of the app or of a message.
func (s *Sink) called(ctx context.Context, in inbound) ack {
	to := backOf(in)
	name := strings.TrimPrefix(in.callback, idPrefix)
	switch name {
	case "generate":
		name = "generate.image"
	case "share":
		return s.openNamed(in, "post.create", "", map[string]any{"text": decodeText(in.message.Text)}, to)
	case "reply":
		t, ok, err := s.talkAt(ctx, in.at.team, in.at.channel, in.message.TS)
		if err != nil {
			s.log.WarnContext(ctx, "message not looked up", "err", err)
			return s.answerWith(to, draft{head: "Not done: the bridge could not look this message up. Try it again in a few seconds."})
		}
		if !ok {
			return s.answerWith(to, draft{head: "That message is not from ImagineAnything, so there is nothing to answer."})
		}
		group, verb, values := t.command()
		return s.openNamed(in, group+"."+verb, t.Agent, values, to)
	}
	return s.openNamed(in, name, "", map[string]any{}, to)
}

func (s *Sink) openNamed(in inbound, name, agent string, values map[string]any, to back) ack {
	spec, known := bound{Command: name}.spec()
	if !known {
		s.unheard("shortcut/" + in.callback)
		return ack{}
	}
	return s.open(in, spec, agent, values, to)
}
