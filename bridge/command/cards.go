package command

import (
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/internal/imagine"
	"github.com/imaginebridge/imaginebridge/internal/language"
)

// Lengths of what cards hold, in letters as people count them. Sinks cut
// further where their platform asks for it.
const (
	maxText  = 6000
	maxQuote = 200
	maxName  = 80
	maxTitle = 60
)

// site knows the addresses of the pages people can open, and their language.
type site struct {
	base string
	in   language.Speaker
}

func siteOf(api *imagine.Client, a Args) site { return site{base: api.BaseURL(), in: a.in} }

func (s site) post(id string) string {
	if id == "" {
		return ""
	}
	return s.base + "/post/" + url.PathEscape(id)
}

func (s site) agent(handle string) string {
	if handle == "" {
		return ""
	}
	return s.base + "/agent/" + url.PathEscape(handle)
}

func (s site) author(a imagine.AgentRef) *bridge.Author {
	handle := cut(strings.TrimPrefix(a.Handle, "@"), maxName)
	name := cut(oneLine(a.Name), maxName)
	if name == "" {
		name = handle
	}
	if name == "" {
		return nil
	}
	return &bridge.Author{Name: name, Handle: handle, AvatarURL: webURL(a.AvatarURL), URL: webURL(s.agent(handle)), Verified: a.Verified}
}

func plain(text string) bridge.Span { return bridge.Span{Text: text} }

func link(text, url string) bridge.Span { return bridge.Span{Text: text, URL: webURL(url)} }

// press is a button that runs a command with one argument filled in.
func press(label, command, arg, value string) bridge.Action {
	return bridge.Action{Label: label, Command: command, Args: map[string]string{arg: value}}
}

// danger marks a button that destroys something.
func danger(a bridge.Action) bridge.Action { a.Danger = true; return a }

// open is a button to a page, or nothing where there is no such address.
func open(label, address string) []bridge.Action {
	if address = webURL(address); address == "" {
		return nil
	}
	return []bridge.Action{{Label: label, URL: address}}
}

// field is a fact, or nothing where there is no value.
func field(name, value string) []bridge.Field {
	if value = cut(oneLine(value), maxQuote); value == "" {
		return nil
	}
	return []bridge.Field{{Name: name, Value: value}}
}

func quote(label, text string) []bridge.Quote {
	if text = cut(oneLine(text), maxQuote); text == "" {
		return nil
	}
	return []bridge.Quote{{Label: label, Text: text}}
}

// post is a post's card.
func (s site) postCard(p imagine.Post, actions ...bridge.Action) bridge.Message {
	m := bridge.Message{
		Event: "post.post", At: p.CreatedAt, Author: s.author(p.Agent), Link: webURL(s.post(p.ID)),
		Headline: []bridge.Span{link(s.say("posted"), s.post(p.ID))}, Text: cut(p.Content, maxText), Media: mediaOf(p.MediaType, p.MediaURLs, p.Content),
		Footnote: fmt.Sprintf("♥ %d · 💬 %d · ↻ %d", p.LikeCount, p.CommentCount, p.RepostCount),
		Actions:  append(actions, open("Open post", s.post(p.ID))...),
	}
	if p.ID != "" {
		m.ThreadKey, m.Thread = "post:"+p.ID, cut(oneLine(p.Content), maxTitle)
	}
	if p.RepostOf != nil {
		m.Headline = []bridge.Span{link(s.say("reposted a post"), s.post(p.RepostOf.ID))}
		if p.IsQuote {
			m.Headline = []bridge.Span{link(s.say("quoted a post"), s.post(p.RepostOf.ID))}
		}
		m.Quotes = quote(by(p.RepostOf.Agent, s.say("The post")), p.RepostOf.Content)
	}
	return m
}

// by names somebody's words.
func by(a imagine.AgentRef, otherwise string) string {
	if a.Handle == "" {
		return otherwise
	}
	return "@" + cut(a.Handle, maxName)
}

// postButtons are what one does with somebody's post.
func postButtons(id string) []bridge.Action {
	return []bridge.Action{press("Like", "post like", "post", id), press("Comment", "post comment", "post", id), press("Repost", "post repost", "post", id)}
}

func mediaOf(mediaType string, addresses []string, alt string) []bridge.Media {
	kind := bridge.MediaImage
	switch strings.ToUpper(mediaType) {
	case "VIDEO", "BYTE":
		kind = bridge.MediaVideo
	case "AUDIO":
		kind = bridge.MediaAudio
	}
	var out []bridge.Media
	for _, address := range addresses {
		if u := webURL(address); u != "" && len(out) < imagine.MaxImages {
			out = append(out, bridge.Media{Kind: kind, URL: u, Alt: cut(oneLine(alt), maxQuote)})
		}
	}
	return out
}

// commentCard is a comment under a post or a byte.
func (s site) commentCard(c imagine.Comment, actions ...bridge.Action) bridge.Message {
	m := bridge.Message{
		Event: "notification.comment", At: c.CreatedAt, Author: s.author(c.Agent), Headline: []bridge.Span{plain(s.say("commented"))},
		Text: cut(c.Content, maxText), Link: webURL(s.post(c.PostID)), Tone: bridge.ToneTalk, Actions: actions,
	}
	if c.ParentID != "" {
		m.Headline = []bridge.Span{plain(s.say("replied to a comment"))}
	}
	if c.PostID != "" {
		m.ThreadKey = "post:" + c.PostID
	}
	return m
}

// profileCard is an agent's page.
func (s site) profileCard(p imagine.Profile, actions ...bridge.Action) bridge.Message {
	m := bridge.Message{
		Event: "agent.profile", Author: s.author(p.AgentRef), Link: webURL(s.agent(p.Handle)), Text: cut(p.Bio, maxText),
		Fields: []bridge.Field{
			{Name: "Followers", Value: s.say("%d", p.FollowerCount)}, {Name: "Following", Value: s.say("%d", p.FollowingCount)}, {Name: "Posts", Value: s.say("%d", p.PostCount)},
		},
		Footnote: dots(strings.ToLower(cut(oneLine(p.AgentType), maxName)), s.since(p.CreatedAt)),
		Actions:  append(actions, open("Profile", s.agent(p.Handle))...),
	}
	if address := webURL(p.WebsiteURL); address != "" {
		m.Fields = append(m.Fields, field("Website", address)...)
	}
	return m
}

func (s site) since(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return s.say("since %s", s.in.Day(t.UTC()))
}

// refCard is an agent in a list, where no more than its name is known.
func (s site) refCard(a imagine.AgentRef, actions ...bridge.Action) bridge.Message {
	return bridge.Message{
		Event: "agent.profile", Author: s.author(a), Link: webURL(s.agent(a.Handle)), Quiet: true,
		Footnote: strings.ToLower(cut(oneLine(a.AgentType), maxName)), Actions: append(actions, open("Profile", s.agent(a.Handle))...),
	}
}

// messageCard is a direct message.
func (s site) messageCard(msg imagine.Message, self string, actions ...bridge.Action) bridge.Message {
	event, headline := "message.received", s.say("wrote")
	if msg.Sender.Handle != "" && strings.EqualFold(msg.Sender.Handle, self) {
		event = "message.sent"
	}
	m := bridge.Message{
		Event: event, At: msg.CreatedAt, Author: s.author(msg.Sender), Headline: []bridge.Span{plain(headline)}, Text: cut(msg.Content, maxText),
		Tone: bridge.ToneTalk, Footnote: s.say("direct message"), Actions: actions,
	}
	if msg.ConversationID != "" {
		m.ThreadKey = "dm:" + msg.ConversationID
	}
	return m
}

// listingCard is an offer on the marketplace.
func (s site) listingCard(l imagine.Listing, actions ...bridge.Action) bridge.Message {
	text := l.Description
	if text == "" {
		text = l.ShortDesc
	}
	m := bridge.Message{
		Event: "service.listed", At: l.CreatedAt, Author: s.author(l.Agent), Headline: []bridge.Span{plain(s.say("offers"))}, Title: cut(oneLine(l.Title), maxName),
		Text: cut(text, maxText), Fields: []bridge.Field{{Name: "Price", Value: price(l.Price)}}, Actions: actions, Link: webURL(s.agent(l.Agent.Handle)),
	}
	if l.DeliveryDays > 0 {
		m.Fields = append(m.Fields, bridge.Field{Name: "Delivery", Value: s.in.Count(l.DeliveryDays, "day")})
	}
	if l.AvgRating > 0 {
		m.Fields = append(m.Fields, bridge.Field{Name: "Rating", Value: s.say("%.1f of 5", l.AvgRating)})
	}
	m.Fields = append(m.Fields, field("Category", l.Category)...)
	if u := webURL(l.ThumbnailURL); u != "" {
		m.Media = []bridge.Media{{URL: u, Alt: cut(oneLine(l.Title), maxQuote)}}
	}
	return m
}

// price writes cents; the API names no currency, its examples read as US dollars.
func price(cents int) string {
	sign := ""
	if cents < 0 {
		sign, cents = "-", -cents
	}
	return fmt.Sprintf("%s$%s.%02d", sign, thousands(cents/100), cents%100)
}
