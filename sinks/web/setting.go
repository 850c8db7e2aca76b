package web

import (
	"cmp"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/bridge/command"
)

// setting is one setting of a subscription, as its form asks for it. Its name is that
// of the command's argument.
type setting struct {
	Name, Label string
	Example     string
	Help        string
	Empty       string // what is asked for where a person empties it; "" where it can't be empty
	Usual       string // what holds where nobody says anything
	Unsaid      string // Usual, where a new subscription needs no word of it
	Choices     []option
	List        string // id of what is suggested
	Kind        string // "area" or "number"; "" is a line of text
	More        bool   // one of those that few need
	OnlyNew     bool   // of one that is not there yet
	Required    bool
}

// option is one of several choices.
type option struct{ Value, Label string }

// settings are all of them, in the order of the form.
func settings() []setting {
	return []setting{
		{Name: "to", Label: "Where to", Example: "discord:123456789012345678", Help: "discord:CHANNEL, slack:CHANNEL, webhook:https://… or console", List: "places", Required: true},
		{Name: "preset", Label: "What", Choices: presets()},
		{Name: "events", Label: "Own choice of events", Example: "notification.mention,message.*", Help: "Patterns with commas between them.", List: "patterns"},
		{Name: "agents", Label: "Of which agents", Usual: bridge.EveryAgent, Empty: bridge.EveryAgent, Help: "Handles with commas between them; * is every agent.", List: "handles"},
		{Name: "filter", Label: "Only where", Example: "data.actor.verified", Help: "An expression that is true or false for an event.", Empty: "off"},
		{Name: "name", Label: "Name", Example: "team", Help: "Letters, digits, - and _. A new subscription may do without."},
		{Name: "quiet", Label: "Quiet hours", Example: "22:00-07:00 Europe/Berlin", Empty: "off", More: true},
		{Name: "digest", Label: "Gather into one message", Example: "1h, or 09:00 Europe/Berlin", Empty: "off", More: true},
		{Name: "cap", Label: "Messages a minute, at most", Kind: "number", Empty: "0", More: true},
		{Name: "fold", Label: "Likes, reposts and follows as one, within", Example: "10m", Empty: "off", More: true},
		{Name: "catch_up", Label: "After an outage", Usual: string(bridge.CatchUpDigest), Unsaid: string(bridge.CatchUpDigest), More: true, Choices: []option{
			{string(bridge.CatchUpDigest), "a digest of what waited"}, {string(bridge.CatchUpAll), "all of it, each by itself"}, {string(bridge.CatchUpSkip), "only what is new"},
		}},
		{Name: "order", Label: "Where a webhook refuses one", Usual: "free", Unsaid: "free", More: true, Choices: []option{{"free", "later ones pass it"}, {"strict", "later ones wait for it"}}},
		{Name: "audience", Label: "Mention", Example: "notification.mention=discord:role:123", Help: "Which events mention whom, with commas between them.", Empty: "off", More: true},
		{Name: "notify", Label: "Tell of troubles", Example: "discord:CHANNEL", Help: "A channel that hears when the destination refuses everything.", Empty: "off", More: true},
		{Name: "template", Label: "Words of its own", Kind: "area", Example: "{{.data.actor.name}}: {{.type}}", Help: "A Go template in place of the usual card.", Empty: "off", More: true},
		{Name: "start", Label: "Begin with", Example: "new, all, or 24h", Help: "What is stored already and is to be sent too; usually nothing.", More: true, OnlyNew: true},
	}
}

func presets() []option {
	var out []option
	for _, p := range bridge.Presets() {
		out = append(out, option{p.Name, p.Summary})
	}
	return append(out, option{"", "own choice, below"})
}

// present are the settings of a subscription that is there, as a form shows them.
func present(v command.SubscriptionView) map[string]string {
	out := map[string]string{
		"to": v.To, "preset": v.Preset, "events": strings.Join(v.Events, ", "), "agents": strings.Join(v.Agents, ", "), "filter": v.Filter, "name": v.Name,
		"quiet": v.Quiet, "digest": v.Digest, "fold": v.Fold, "catch_up": v.CatchUp, "order": v.Order, "notify": v.Notify, "template": v.Template,
	}
	if v.Preset != "" {
		out["events"] = ""
	}
	if v.Cap > 0 {
		out["cap"] = strconv.Itoa(v.Cap)
	}
	var audience []string
	for _, pattern := range slices.Sorted(maps.Keys(v.Audience)) {
		audience = append(audience, pattern+"="+v.Audience[pattern])
	}
	out["audience"] = strings.Join(audience, ", ")
	for _, s := range settings() {
		out[s.Name] = cmp.Or(out[s.Name], s.Usual)
	}
	return out
}

// fresh are the settings of one that is not there yet.
func fresh() map[string]string {
	out := map[string]string{"preset": bridge.Presets()[0].Name}
	for _, s := range settings() {
		if s.Usual != "" {
			out[s.Name] = s.Usual
		}
	}
	return out
}

// wasPrefix is of a form's fields that say how a setting was when it was drawn.
const wasPrefix = "was."

// settled is a form with nothing in it but what is to be different: what a person
// left as it was is whatever it is by now. The problem is at a field.
func settled(form url.Values) (url.Values, *command.Problem) {
	out := maps.Clone(form)
	for _, s := range settings() {
		key := argPrefix + s.Name
		value, was := typedIn(form, key), typedIn(form, wasPrefix+s.Name)
		delete(out, wasPrefix+s.Name)
		switch {
		case !form.Has(key):
		case form.Has(wasPrefix+s.Name) && value == was:
			delete(out, key)
		case value != "":
			out.Set(key, value)
		case s.Empty != "":
			out.Set(key, s.Empty)
		case s.Name != "preset" && s.Name != "events":
			return out, &command.Problem{Code: 400, Field: s.Name, Message: "This can't be empty."}
		}
	}
	if !form.Has(argPrefix+"preset") || !form.Has(argPrefix+"events") {
		return out, nil
	}
	preset, own := typedIn(form, argPrefix+"preset"), typedIn(form, argPrefix+"events")
	switch {
	case preset == "" && own == "":
		return out, &command.Problem{Code: 400, Field: "events", Message: "No event is named.", Hint: "Write patterns such as notification.*, or choose one of the lists above."}
	case preset != "" && own != "":
		return out, &command.Problem{Code: 400, Field: "events", Message: "There is a list chosen above, and a choice of your own here.", Hint: "Empty this, or take your own choice above."}
	}
	return out, nil
}

// typedIn is a field as a person typed it.
func typedIn(form url.Values, key string) string {
	return strings.TrimSpace(strings.ReplaceAll(form.Get(key), "\r\n", "\n"))
}
