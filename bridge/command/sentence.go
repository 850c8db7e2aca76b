package command

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/internal/language"
)

// notDelivered is how the failure of a direct message begins.
const notDelivered = "Not delivered"

// find is Find with the sentence for a word that is no command.
func find(in language.Speaker, group, verb string) (*Spec, *Problem) {
	if s, ok := Find(strings.ToLower(group), strings.ToLower(verb)); ok {
		return s, nil
	}
	return nil, unknownCommand(in, group, verb)
}

// unknownCommand suggests the nearest command: by both words, else by the first
// as a short word, a verb or a group.
func unknownCommand(in language.Speaker, group, verb string) *Problem {
	typed := cut(oneLine(group+" "+verb), 64)
	p := &Problem{Code: 404, Status: "unknown_command", Message: in.Say("No command %q.", typed), Hint: in.Say("/ia help lists all.")}
	rows := table()
	var full, short []string
	meant := map[string]string{}
	add := func(list *[]string, word, name string) {
		if meant[word] == "" {
			meant[word] = name
			*list = append(*list, word)
		}
	}
	for _, s := range rows {
		add(&full, s.Name(), s.Name())
		for _, a := range s.Aliases {
			add(&short, a, s.Name())
		}
	}
	for _, s := range rows {
		add(&short, s.Verb, s.Name())
		add(&short, s.Group, s.Name())
	}
	near := ""
	if verb != "" {
		near = nearest(typed, full)
	}
	if near == "" && !isGroup(strings.ToLower(group)) {
		near = nearest(group, short)
	}
	if near != "" {
		p.Hint = in.Say("Did you mean /ia %s? /ia help lists all.", meant[near])
		p.Buttons = []bridge.Action{{Label: meant[near], Command: meant[near], Args: map[string]string{Form: "yes"}}}
	}
	return p
}

// noAgent reads the same whether the agent does not exist or is somebody else's.
func noAgent(q Request, near []string) *Problem {
	in, agent := q.speaker(), cut(oneLine(q.Agent), 64)
	p := &Problem{Code: 404, Status: "unknown_agent", Message: in.Say("no agent %q on this bridge", agent)}
	if n := nearest(agent, near); n != "" {
		p.Hint = in.Say("did you mean %q?", n)
	}
	switch {
	case q.Door == NATS || q.Door == Terminal:
	case q.Button:
		p.Message, p.Hint = in.Say("This card belongs to %s, which is no longer connected here.", agent), in.Say("An admin can reconnect it: /ia connect.")
	default:
		p.Message = in.Say("No agent %q is connected here.", agent)
		p.Hint = upper(p.Hint)
	}
	return p
}

// denied says whom to ask.
func (r *Runner) denied(ctx context.Context, j *job, lists Lists) *Problem {
	p := &Problem{Code: 403, Status: "forbidden", Ask: lists.of(j.spec.Access)}
	switch j.spec.Access {
	case Read:
		p.Message = j.say("You can't look at %s here.", j.q.Agent)
	case Write:
		p.Message = j.say("You can look, but not act for %s here.", j.q.Agent)
	case Admin:
		p.Message = j.say("You can't change keys, identity or money of %s here.", j.q.Agent)
	}
	if j.spec.House != nil {
		p.Message = "You can look at the bridge here, but not change it."
	}
	// People before roles would be named one by one: a role or group is the better address.
	var names []string
	for _, entry := range p.Ask {
		platform, rest, _ := strings.Cut(entry, ":")
		if kind, _, _ := strings.Cut(rest, ":"); platform == j.q.Principal.Platform && (kind != "user" || len(p.Ask) == 1) && r.o.Label != nil {
			names = append(names, r.o.Label(ctx, j.q.Principal, entry))
		}
	}
	names = slices.Compact(slices.DeleteFunc(names, func(n string) bool { return n == "" }))
	key := j.spec.Access.String()
	line := j.say("an admin can run /ia access or add %s:user:%s to access.%s.", j.q.Principal.Platform, j.q.Principal.User, key)
	switch {
	case len(names) > 0:
		p.Hint = j.say("Ask someone with %s, or an admin can run /ia access.", anyOf(names[:min(3, len(names))]))
	default:
		p.Hint = upper(line)
	}
	return p
}

// Decode reads a program's arguments: one JSON object. Its failure says at which byte.
func Decode(data []byte) (map[string]any, *Problem) {
	if len(bytes.TrimSpace(data)) == 0 {
		return map[string]any{}, nil
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	var out map[string]any
	err := dec.Decode(&out)
	if err == nil && out != nil {
		if rest := bytes.TrimLeft(data[dec.InputOffset():], " \t\r\n"); len(rest) > 0 {
			return nil, badJSON(fmt.Sprintf("byte %d: unexpected %s", len(data)-len(rest)+1, quoteByte(rest[0])))
		}
		return out, nil
	}
	if e, ok := errors.AsType[*json.SyntaxError](err); ok && e.Offset > 0 && int(e.Offset) <= len(data) && !strings.Contains(e.Error(), "unexpected end") {
		return nil, badJSON(fmt.Sprintf("byte %d: unexpected %s", e.Offset, quoteByte(data[e.Offset-1])))
	}
	if _, ok := errors.AsType[*json.UnmarshalTypeError](err); ok || err == nil {
		return nil, badJSON("the arguments are not a JSON object")
	}
	return nil, badJSON(fmt.Sprintf("byte %d: the JSON ends too early", len(data)+1))
}

func badJSON(message string) *Problem {
	return &Problem{Code: 400, Status: "invalid_json", Message: message, Hint: `send an object such as {"text":"hello"}`}
}

func quoteByte(b byte) string {
	if b < 0x20 || b >= 0x7f {
		return fmt.Sprintf("0x%02x", b)
	}
	return "'" + string(rune(b)) + "'"
}

// EditedLater tells somebody whose message had gone out before they changed it.
func EditedLater() *Problem {
	return &Problem{Code: 409, Status: "already_sent", Message: "ImagineAnything can't edit a sent message.", Hint: "The first version stands."}
}

// Reflected tells somebody whose answer is, word for word, what their thread was
// shown a moment ago: it may be a program's, and two that repeat each other would
// never end. A person sends it with one press.
func Reflected(q Request) *Problem {
	p := &Problem{Code: 409, Status: "reflected", Message: "Not delivered: that is what was said here less than a minute ago, word for word."}
	p.Buttons = []bridge.Action{{Label: "Send it anyway", Command: q.Group + " " + q.Verb, Args: typedAll(q.Values), Primary: true}}
	return p
}

// Expired is the answer to a button older than its life: the command's form, fresh,
// with what is still known of it.
func Expired(fresh bridge.Action) *Problem {
	fresh.Label, fresh.Args = "Open", with(fresh.Args, Form, "yes")
	return &Problem{Code: 410, Status: "expired", Message: "This button is too old.", Hint: "Here is a fresh form:", Buttons: []bridge.Action{fresh}}
}

// Gone is a card whose agent is not connected any more.
func Gone(locale, agent string) *Problem {
	return noAgent(Request{Agent: agent, Button: true, Locale: locale}, nil)
}

// In is the problem in a language, as far as it is not said in one yet. nil gives nil.
func (p *Problem) In(in language.Speaker) *Problem {
	if p == nil {
		return nil
	}
	out := *p
	out.Message, out.Hint, out.Buttons = in.Word(p.Message), in.Word(p.Hint), slices.Clone(p.Buttons)
	for i := range out.Buttons {
		out.Buttons[i].Label = in.Word(out.Buttons[i].Label)
	}
	return &out
}

// at is the problem as one door tells it: commands are called there as people
// call them, and buttons know their agent.
func (p *Problem) at(in language.Speaker, door, agent string) *Problem {
	out := p.In(in)
	out.Buttons = bound(in, out.Buttons, agent)
	var called *strings.Replacer
	setting, with, lists := in.Say("in the configuration"), in.Say("with /ia connect"), in.Say("/ia help lists all.")
	switch door {
	case Discord: // there the wizard connects
		called = strings.NewReplacer("/ia connect", "/ia setup")
	case Slack:
		called = strings.NewReplacer("/ia-admin ", "/ia ")
	case Terminal:
		called = strings.NewReplacer(": /ia connect", " "+setting, with, setting, "/ia-admin ", "imaginebridge do ", "/ia help", "imaginebridge do --help", "/ia ", "imaginebridge do ")
	case NATS:
		called = strings.NewReplacer(": /ia connect", " "+setting, with, setting, "/ia-admin ", "", " "+lists, "", lists, "", "/ia ", "")
	default:
		return out
	}
	out.Message, out.Hint = called.Replace(out.Message), called.Replace(out.Hint)
	return out
}
