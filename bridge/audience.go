package bridge

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Mention is somebody whom a message calls by name on its platform.
type Mention struct {
	Kind MentionKind
	ID   string // of the user, role or group there; letters and digits alone
}

// MentionKind is what a mention names.
type MentionKind string

// Kinds of mentions. Roles are Discord's, groups are Slack's.
const (
	MentionUser  MentionKind = "user"
	MentionRole  MentionKind = "role"
	MentionGroup MentionKind = "group"
)

// Audience says whom a subscription mentions at which events. The zero value and
// nil mention nobody.
type Audience struct {
	rules map[string]Mention // by event pattern
}

const (
	maxAudience = 25 // rules of one subscription
	maxMentions = 5  // that one message carries
)

// mentionable are the ids that each platform gives: Discord's snowflakes, Slack's
// letters with capitals and digits.
var mentionable = map[string]*regexp.Regexp{
	"discord:user": regexp.MustCompile(`^[0-9]{5,20}$`), "discord:role": regexp.MustCompile(`^[0-9]{5,20}$`),
	"slack:user": regexp.MustCompile(`^[UW][A-Z0-9]{1,20}$`), "slack:group": regexp.MustCompile(`^S[A-Z0-9]{1,20}$`),
}

// ParseAudience reads whom to mention, principals such as "discord:role:123" or
// "slack:user:U1" by event pattern, for a destination. Errors name the rule.
func ParseAudience(to Destination, rules map[string]string) (*Audience, error) {
	if len(rules) == 0 {
		return nil, nil //nolint:nilnil // nobody is an audience too
	}
	if len(rules) > maxAudience {
		return nil, fmt.Errorf("%d rules are too many; %d are the most", len(rules), maxAudience)
	}
	if to.Scheme != "discord" && to.Scheme != "slack" {
		return nil, fmt.Errorf("nobody can be mentioned at %s; leave it out", to.Label())
	}
	out := &Audience{rules: map[string]Mention{}}
	for _, pattern := range slices.Sorted(maps.Keys(rules)) {
		if err := knownPattern(pattern); err != nil {
			return nil, err
		}
		platform, rest, _ := strings.Cut(rules[pattern], ":")
		kind, id, _ := strings.Cut(rest, ":")
		form, known := mentionable[platform+":"+kind]
		switch {
		case !known || !form.MatchString(id):
			return nil, fmt.Errorf("%q names nobody; write discord:role:ID, discord:user:ID, slack:user:ID or slack:group:ID", shorten(rules[pattern], maxName))
		case platform != to.Scheme:
			return nil, fmt.Errorf("%q can't be mentioned at %s", rules[pattern], to.Label())
		}
		out.rules[pattern] = Mention{Kind: MentionKind(kind), ID: id}
	}
	return out, nil
}

// All are all who may be mentioned, in a fixed order.
func (a *Audience) All() []Mention {
	if a == nil {
		return nil
	}
	var out []Mention
	for _, pattern := range slices.Sorted(maps.Keys(a.rules)) {
		if m := a.rules[pattern]; !slices.Contains(out, m) {
			out = append(out, m)
		}
	}
	return out
}

// of is whom an event mentions: the rule for its very kind, else for its family,
// else for all.
func (a *Audience) of(name string) (Mention, bool) {
	family, _, _ := strings.Cut(name, ".")
	for _, pattern := range []string{name, family + ".*", "*"} {
		if m, ok := a.rules[pattern]; ok {
			return m, true
		}
	}
	return Mention{}, false
}

// mentions are those whom a new message calls: once each, in the order of its
// events. An edit calls nobody, nor does what comes late or again: a digest after an
// outage, a dead letter sent again, events from before the newest replay.
func (w *Worker) mentions(p *parcel) []Mention {
	a := w.Subscription.Audience
	if a == nil {
		return nil
	}
	switch p.form {
	case formNotice, formResend, formCatchUp:
		return nil
	case formPlain, formDigest, formFold, formAhead, formAside:
	}
	var out []Mention
	for i, e := range p.events {
		if m, ok := a.of(e.Name()); ok && len(out) < maxMentions && !slices.Contains(out, m) && w.fresh(p.entries[i].Stored) {
			out = append(out, m)
		}
	}
	return out
}

// fresh reports an event that no replay brings back.
func (w *Worker) fresh(stored time.Time) bool { return stored.After(w.Subscription.Replayed) }
