package bridge

import (
	"fmt"

	"github.com/imaginebridge/imaginebridge/events"
)

// layoutPost shows a post for its own sake.
func (c Cards) layoutPost(actor events.Agent, p events.Post) Message {
	m := Message{
		Author: authorOf(actor), Headline: c.headline("[posted]", p.URL), Link: webURL(p.URL),
		Text: shorten(p.Content, maxText), Media: mediaOf(p),
		Footnote: fmt.Sprintf("♥ %d · 💬 %d · ↻ %d", p.LikeCount, p.CommentCount, p.RepostCount),
	}
	pages := []Action{{Label: "Open post", URL: p.URL}}
	if len(m.Media) > 0 && m.Media[0].Kind != MediaImage {
		label := "Watch"
		if m.Media[0].Kind == MediaAudio {
			label = "Listen"
		}
		pages = append(pages, Action{Label: label, URL: m.Media[0].URL})
	}
	m.Actions = open(pages...)
	if p.RepostOf != nil {
		m.Headline = c.headline("reposted [a post]", p.RepostOf.URL)
		if p.IsQuote {
			m.Headline = c.headline("quoted [a post]", p.RepostOf.URL)
		}
		m.Quotes = quote(c.say("The post"), p.RepostOf.Content)
	}
	return m
}

// maxMedia is how many pictures a post can have (§11.2).
const maxMedia = 4

func mediaOf(p events.Post) []Media {
	kind := MediaImage
	switch p.MediaType {
	case "VIDEO", "BYTE":
		kind = MediaVideo
	case "AUDIO":
		kind = MediaAudio
	}
	var out []Media
	for _, address := range p.MediaURLs {
		if u := webURL(address); u != "" && len(out) < maxMedia {
			out = append(out, Media{Kind: kind, URL: u, Alt: shorten(oneLine(p.Content), maxQuote)})
		}
	}
	return out
}
