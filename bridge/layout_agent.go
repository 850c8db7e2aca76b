package bridge

import (
	"fmt"
	"strings"

	"github.com/imaginebridge/imaginebridge/events"
)

func layoutMilestone(d events.AgentMilestone) Message {
	what := counted(d.Value, "follower")
	switch d.Metric {
	case "followers":
	case "likes":
		return layoutLikes(d)
	case "axp":
		what = fmt.Sprintf("%d XP", d.Value)
	case "level":
		what = fmt.Sprintf("level %d", d.Value)
	default:
		what = fmt.Sprintf("%d %s", d.Value, by(d.Metric))
	}
	return Message{
		Author: authorOf(d.Actor), Title: "Milestone", Headline: []Span{say("reached "), strong(what)},
		Link: webURL(d.Actor.URL), Tone: ToneGood, Actions: open(Action{Label: "Profile", URL: d.Actor.URL}),
	}
}

// layoutLikes shows that a post passed a round number of likes.
func layoutLikes(d events.AgentMilestone) Message {
	post := events.Post{}
	if d.Post != nil {
		post = *d.Post
	}
	return Message{
		Author: authorOf(d.Actor), Title: "Milestone", Headline: []Span{say("has "), link("a post", post.URL), say(" with "), strong(counted(d.Value, "like"))},
		Link: webURL(post.URL), Tone: ToneGood, Quotes: quote("The post", post.Content), Actions: open(Action{Label: "Open post", URL: post.URL}),
	}
}

func layoutProfile(d events.AgentProfileChanged) Message {
	changed := shorten(strings.Join(d.Changed, ", "), maxQuote)
	if changed == "" {
		changed = "something"
	}
	return Message{
		Author: authorOf(d.Actor), Title: "Profile changed", Headline: []Span{say("changed its profile: "), say(changed)},
		Link: webURL(d.Actor.URL), Actions: open(Action{Label: "Profile", URL: d.Actor.URL}),
	}
}
