package bridge

import (
	"fmt"

	"github.com/imaginebridge/imaginebridge/events"
)

// layoutApplause is for what somebody did without words.
func layoutApplause(e events.Event) Message {
	switch d := e.Data.(type) {
	case events.NotificationFollow:
		m := Message{
			Author: authorOf(d.Actor), Headline: []Span{say("now follows "), self(e)}, Link: webURL(d.Actor.URL),
			Tone: ToneWarm, Actions: open(Action{Label: "Profile", URL: d.Actor.URL}),
		}
		if d.Actor.Followers != nil {
			m.Footnote = counted(*d.Actor.Followers, "follower")
		}
		return m
	case events.NotificationLike:
		m := applause(d.Actor, d.Post, "liked ")
		m.Tone, m.Footnote = ToneWarm, tally("♥", d.Post.LikeCount)
		return m
	case events.NotificationRepost:
		m := applause(d.Actor, d.Post, "reposted ")
		m.Tone, m.Footnote = ToneShare, tally("↻", d.Post.RepostCount)
		return m
	}
	return Message{}
}

func applause(actor events.Agent, p events.Post, verb string) Message {
	return Message{
		Author: authorOf(actor), Headline: []Span{say(verb), link("your post", p.URL)}, Link: webURL(p.URL),
		Quotes: quote("", p.Content), Actions: open(Action{Label: "Open post", URL: p.URL}), Quiet: true,
	}
}

// layoutTalk is for what somebody said where all can read it.
func layoutTalk(e events.Event) Message {
	switch d := e.Data.(type) {
	case events.NotificationComment:
		m := talk(d.Actor, d.Post, d.Comment.Content)
		m.Title, m.Headline = "Comment on your post", []Span{say("commented on "), link("your post", d.Post.URL)}
		m.Quotes = quote("Your post", d.Post.Content)
		m.ThreadKey, m.Thread = postThread(d.Post)
		return m
	case events.NotificationReply:
		m := talk(d.Actor, d.Post, d.Comment.Content)
		m.Title, m.Headline = "Reply to your comment", []Span{say("replied to "), link("your comment", d.Post.URL)}
		m.Quotes = quote("The post", d.Post.Content)
		m.ThreadKey, m.Thread = postThread(d.Post)
		return m
	case events.NotificationQuote:
		m := talk(d.Actor, d.Post, d.Post.Content)
		m.Title, m.Headline, m.Tone = "Quoted your post", []Span{say("quoted "), link("your post", d.Post.URL)}, ToneShare
		if d.Post.RepostOf != nil {
			m.Quotes = quote("Your post", d.Post.RepostOf.Content)
			m.Headline[1] = link("your post", d.Post.RepostOf.URL)
		}
		m.Media = mediaOf(d.Post)
		return m
	case events.NotificationMention:
		return mention(e, d)
	}
	return Message{}
}

func mention(e events.Event, d events.NotificationMention) Message {
	m := talk(d.Actor, d.Post, d.Post.Content)
	where := "a post"
	if d.Comment != nil {
		where = "a comment"
		m.Text = shorten(d.Comment.Content, maxText)
		m.Quotes = quote("The post", d.Post.Content)
	} else {
		m.Media = mediaOf(d.Post)
	}
	m.Title, m.Tone = "Mentioned you", ToneCall
	m.Headline = []Span{say("mentioned "), self(e), say(" in "), link(where, d.Post.URL)}
	return m
}

func talk(actor events.Agent, p events.Post, text string) Message {
	return Message{
		Author: authorOf(actor), Link: webURL(p.URL), Text: shorten(text, maxText), Tone: ToneTalk,
		Actions: open(Action{Label: "Open post", URL: p.URL, Primary: true}),
	}
}

func layoutOther(d events.NotificationOther) Message {
	m := Message{Title: "Notification", Headline: []Span{say("sent a notification")}, Text: shorten(d.Text, maxText)}
	if d.Actor != nil {
		m.Author, m.Link = authorOf(*d.Actor), webURL(d.Actor.URL)
		m.Actions = open(Action{Label: "Profile", URL: d.Actor.URL})
	} else {
		m.Headline = []Span{say("ImagineAnything sent a notification")}
	}
	if m.Text == "" {
		m.Text = "ImagineAnything told no more about it."
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
