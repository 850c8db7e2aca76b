package command

import (
	"fmt"
	"slices"
	"strings"

	"github.com/imaginebridge/imaginebridge/bridge"
)

// Unfit is the status of a problem with the place where messages are to go, which
// people can set right there.
const Unfit = "unfit_destination"

// mendable is a problem with a place, and the button that does the same again once
// somebody has set it right: invited the app, say. Programs have no buttons.
func (j *job) mendable(p *Problem) *Problem {
	if j.q.Door != Discord && j.q.Door != Slack {
		return p
	}
	again := bridge.Action{Label: "Try again", Command: j.spec.Name(), Args: map[string]string{}, Primary: true}
	for name, v := range j.q.Values {
		if a, _ := j.spec.Arg(name); a.Secret {
			return p // nothing keeps it
		}
		again.Args[name] = inWords(v)
	}
	out := *p
	out.Buttons = append(slices.Clone(p.Buttons), again)
	if mend, ok := strings.CutSuffix(j.q.speaker().Word(p.Hint), "."); ok {
		out.Hint = j.say("%s, then press [Try again].", mend)
	}
	return &out
}

// inWords is a value as it could have been typed.
func inWords(v any) string {
	switch v := v.(type) {
	case []string:
		return strings.Join(v, ",")
	case []any:
		var words []string
		for _, word := range v {
			words = append(words, fmt.Sprint(word))
		}
		return strings.Join(words, ",")
	}
	return fmt.Sprint(v)
}

// notHere is a place that the bridge can't see although somebody is in it.
func notHere() *Problem {
	return &Problem{Code: 400, Status: Unfit, Message: "The bridge can't send there: I'm not in this channel.", Hint: "Type /invite @ImagineBridge there."}
}
