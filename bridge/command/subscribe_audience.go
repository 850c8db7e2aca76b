package command

import (
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/imaginebridge/imaginebridge/bridge"
)

// mentionForms are the ways in which platforms write a mention that somebody typed, and
// what the one named is there.
var mentionForms = []struct {
	form *regexp.Regexp
	kind bridge.MentionKind
}{
	{regexp.MustCompile(`^<@&([0-9]+)>$`), bridge.MentionRole},
	{regexp.MustCompile(`^<@!?([A-Z0-9]+)(?:\|[^>]*)?>$`), bridge.MentionUser},
	{regexp.MustCompile(`^<!subteam\^([A-Z0-9]+)(?:\|[^>]*)?>$`), bridge.MentionGroup},
}

// addressed settles who is mentioned: from chat an administrator's choice, since it
// calls people.
func addressed(r *bridge.SubscriptionRecord, who Caller, a Args) error {
	if !a.Has("audience") {
		return nil
	}
	if !who.May(Admin) {
		return &Problem{
			Code: 403, Status: "denied", Field: "audience", Message: "Only administrators may have people mentioned.",
			Hint: "Leave audience out, or ask an administrator.",
		}
	}
	r.Audience = nil
	for _, rule := range a.List("audience") {
		pattern, whom, named := strings.Cut(rule, "=")
		if !named {
			pattern, whom = "*", rule
		}
		pattern, whom = strings.TrimSpace(pattern), strings.TrimSpace(whom)
		if off(whom) == "" {
			continue
		}
		for _, s := range mentionForms {
			if m := s.form.FindStringSubmatch(whom); m != nil {
				whom = bridge.ParseDestination(r.To).Scheme + ":" + string(s.kind) + ":" + m[1]
				break
			}
		}
		if r.Audience == nil {
			r.Audience = map[string]string{}
		}
		r.Audience[pattern] = whom
	}
	return nil
}

// audience is who is mentioned, in people's words.
func (v SubscriptionView) audience() string {
	var out []string
	for _, pattern := range slices.Sorted(maps.Keys(v.Audience)) {
		out = append(out, pattern+" = "+v.Audience[pattern])
	}
	return strings.Join(out, ", ")
}
