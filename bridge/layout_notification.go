package bridge

import (
	"fmt"

	"github.com/imaginebridge/imaginebridge/events"
)

// layoutApplause is for what somebody did without words.
func (c Cards) layoutApplause(e events.Event) Message {
	switch d := e.Data.(type) {
	case events.NotificationFollow:
		m := Message{
			Author: authorOf(d.Actor), Headline: c.headline("now follows %s", "", self(e)), Link: webURL(d.Actor.URL),
			Tone: ToneWarm, Actions: open(Action{Label: "Profile", URL: d.Actor.URL}),
		}
		if d.Actor.Followers != nil {
			m.Footnote = c.In.Count(*d.Actor.Followers, "follower")
		}
		return m
	case events.NotificationLike:
		m := c.applause(d.Actor, d.Post, "liked [your post]")
		m.Tone, m.Footnote = ToneWarm, tally("♥", d.Post.LikeCount)
		return m
	case events.NotificationRepost:
		m := c.applause(d.Actor, d.Post, "reposted [your post]")
		m.Tone, m.Footnote = ToneShare, tally("↻", d.Post.RepostCount)
		return m
	}
	return Message{}
}

func (c Cards) applause(actor events.Agent, p events.Post, what string) Message {
	return Message{
		Author: authorOf(actor), Headline: c.headline(what, p.URL), Link: webURL(p.URL),
		Quotes: quote("", p.Content), Actions: open(Action{Label: "Open post", URL: p.URL}), Quiet: true,
	}
}

// layoutTalk is for what somebody said where all can read it.
func (c Cards) layoutTalk(e events.Event) Message {
	switch d := e.Data.(type) {
	case events.NotificationComment:
		m := c.talk(d.Actor, d.Post, d.Comment.Content)
		m.Title, m.Headline = c.say("Comment on your post"), c.headline("commented on [your post]", d.Post.URL)
		m.Quotes = quote(c.say("Your post"), d.Post.Content)
		m.ThreadKey, m.Thread = c.postThread(d.Post)
		return m
	case events.NotificationReply:
		m := c.talk(d.Actor, d.Post, d.Comment.Content)
		m.Title, m.Headline = c.say("Reply to your comment"), c.headline("replied to [your comment]", d.Post.URL)
		m.Quotes = quote(c.say("The post"), d.Post.Content)
		m.ThreadKey, m.Thread = c.postThread(d.Post)
		return m
	case events.NotificationQuote:
		m := c.talk(d.Actor, d.Post, d.Post.Content)
		m.Title, m.Headline, m.Tone = c.say("Quoted your post"), c.headline("quoted [your post]", d.Post.URL), ToneShare
		if d.Post.RepostOf != nil {
			m.Quotes = quote(c.say("Your post"), d.Post.RepostOf.Content)
			m.Headline = c.headline("quoted [your post]", d.Post.RepostOf.URL)
		}
		m.Media = mediaOf(d.Post)
		return m
	case events.NotificationMention:
		return c.mention(e, d)
	}
	return Message{}
}

func (c Cards) mention(e events.Event, d events.NotificationMention) Message {
	m := c.talk(d.Actor, d.Post, d.Post.Content)
	what := "mentioned %s in [a post]"
	if d.Comment != nil {
		what = "mentioned %s in [a comment]"
		m.Text = shorten(d.Comment.Content, maxText)
		m.Quotes = quote(c.say("The post"), d.Post.Content)
	} else {
		m.Media = mediaOf(d.Post)
	}
	m.Title, m.Tone = c.say("Mentioned you"), ToneCall
	m.Headline = c.headline(what, d.Post.URL, self(e))
	return m
}

func (c Cards) talk(actor events.Agent, p events.Post, text string) Message {
	return Message{
		Author: authorOf(actor), Link: webURL(p.URL), Text: shorten(text, maxText), Tone: ToneTalk,
		Actions: open(Action{Label: "Open post", URL: p.URL, Primary: true}),
	}
}

func (c Cards) layoutOther(d events.NotificationOther) Message {
	m := Message{Title: c.say("Notification"), Headline: []Span{say(c.say("sent a notification"))}, Text: shorten(d.Text, maxText)}
	if d.Actor != nil {
		m.Author, m.Link = authorOf(*d.Actor), webURL(d.Actor.URL)
		m.Actions = open(Action{Label: "Profile", URL: d.Actor.URL})
	} else {
		m.Headline = []Span{say(c.say("ImagineAnything sent a notification"))}
	}
	if m.Text == "" {
		m.Text = c.say("ImagineAnything told no more about it.")
	}
	if kind := shorten(oneLine(d.RawType), maxName); kind != "" {
		m.Fields = append(m.Fields, Field{Name: "Type", Value: kind})
	}
	if problem := shorten(oneLine(d.Problem), maxQuote); problem != "" {
		m.Fields = append(m.Fields, Field{Name: "Not read further", Value: problem})
	}
	return m
}

func tally(sign string, n int) string {
	if n <= 0 {
		return ""
	}
	return fmt.Sprintf("%s %d", sign, n)
}
