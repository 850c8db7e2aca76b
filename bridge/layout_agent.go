package bridge

import (
	"strings"

	"github.com/imaginebridge/imaginebridge/events"
)

func (c Cards) layoutMilestone(d events.AgentMilestone) Message {
	what := c.In.Count(d.Value, "follower")
	switch d.Metric {
	case "followers":
	case "likes":
		return c.layoutLikes(d)
	case "axp":
		what = c.say("%d XP", d.Value)
	case "level":
		what = c.say("level %d", d.Value)
	default:
		what = c.say("%d", d.Value) + " " + by(d.Metric)
	}
	return Message{
		Author: authorOf(d.Actor), Title: c.say("Milestone"), Headline: c.headline("reached %s", "", strong(what)),
		Link: webURL(d.Actor.URL), Tone: ToneGood, Actions: open(Action{Label: "Profile", URL: d.Actor.URL}),
	}
}

// layoutLikes shows that a post passed a round number of likes.
func (c Cards) layoutLikes(d events.AgentMilestone) Message {
	post := events.Post{}
	if d.Post != nil {
		post = *d.Post
	}
	return Message{
		Author: authorOf(d.Actor), Title: c.say("Milestone"), Headline: c.headline("has [a post] with %s", post.URL, strong(c.In.Count(d.Value, "like"))),
		Link: webURL(post.URL), Tone: ToneGood, Quotes: quote(c.say("The post"), post.Content), Actions: open(Action{Label: "Open post", URL: post.URL}),
	}
}

func (c Cards) layoutProfile(d events.AgentProfileChanged) Message {
	changed := shorten(strings.Join(d.Changed, ", "), maxQuote)
	if changed == "" {
		changed = c.say("something")
	}
	return Message{
		Author: authorOf(d.Actor), Title: c.say("Profile changed"), Headline: c.headline("changed its profile: %s", "", say(changed)),
		Link: webURL(d.Actor.URL), Actions: open(Action{Label: "Profile", URL: d.Actor.URL}),
	}
}
