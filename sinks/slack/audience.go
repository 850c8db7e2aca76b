package slack

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"

	slackgo "github.com/slack-go/slack"

	"github.com/imaginebridge/imaginebridge/bridge"
)

var mentionID = regexp.MustCompile(`^[USW][A-Z0-9]{1,20}$`)

// callsOf names whom a new message calls, as mrkdwn reads it (Slack docs: "Formatting
// text", "Mentioning users", "Mentioning groups"); "" for nobody. Nothing of it
// comes from outside.
func callsOf(who []bridge.Mention) string {
	var out []string
	for _, m := range who {
		switch {
		case !mentionID.MatchString(m.ID):
		case m.Kind == bridge.MentionUser:
			out = append(out, "<@"+m.ID+">")
		case m.Kind == bridge.MentionGroup:
			out = append(out, "<!subteam^"+m.ID+">")
		}
	}
	return strings.Join(out, " ")
}

// calling stands in a section of its own above the rest.
func (p *page) calling(who []bridge.Mention) {
	if names := callsOf(who); names != "" {
		p.add(slackgo.NewSectionBlock(p.mrkdwn(names), nil, nil))
	}
}

// CheckAudience looks whether those whom a subscription mentions are there.
func (s *Sink) CheckAudience(ctx context.Context, who []bridge.Mention) []Finding {
	const subject = "slack audience"
	var out []Finding
	for _, m := range who {
		if m.Kind == bridge.MentionGroup {
			out = append(out, s.checkGroup(ctx, subject, m.ID))
			continue
		}
		f := s.paced(ctx, call{method: methodUser}, func(ctx context.Context, api *slackgo.Client) error {
			_, err := api.GetUserInfoContext(ctx, m.ID)
			return err
		})
		switch {
		case f == nil:
			out = append(out, Finding{Level: Good, Subject: subject, Problem: "the person " + m.ID + " can be mentioned"})
		case f.code == "missing_scope":
			out = append(out, Finding{Level: Notice, Subject: subject, Problem: fmt.Sprintf("I can't see whether there is a person %s.", m.ID), Remedy: addScope(scopeUsers) + "."})
		case f.code == "user_not_found":
			out = append(out, Finding{Level: Problem, Subject: subject, Problem: "There is no person " + m.ID + " in this workspace.", Remedy: "Open the person's profile, ⋮, Copy member ID."})
		default:
			out = append(out, s.broken(subject, f, ""))
		}
	}
	return out
}

// checkGroup looks whether a user group is there.
func (s *Sink) checkGroup(ctx context.Context, subject, id string) Finding {
	all, f := s.listGroups(ctx, false)
	i := slices.IndexFunc(all, func(g userGroup) bool { return g.ID == id })
	switch {
	case f != nil && f.code == "missing_scope":
		return Finding{
			Level: Notice, Subject: subject, Problem: fmt.Sprintf("I can't see whether there is a group %s: Slack calls nobody where there is none.", id),
			Remedy: addScope(scopeGroups) + ".",
		}
	case groupless(f) != nil:
		return s.broken(subject, f, "")
	case i < 0:
		return Finding{Level: Problem, Subject: subject, Problem: "There is no group " + id + " in this workspace.", Remedy: "Its ID is in the address of the group's page, under People, User groups."}
	}
	return Finding{Level: Good, Subject: subject, Problem: "the group @" + cut(oneLine(all[i].Handle), maxName) + " can be mentioned"}
}
