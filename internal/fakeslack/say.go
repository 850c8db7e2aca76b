package fakeslack

import (
	"crypto/rand"
	"net/url"
	"strings"
)

// Say posts a message of a person, in a thread when thread is its first message's ts, and returns its ts. The app is
// told about it as far as its scopes go: message events, and app_mention where the text names its bot user. It is empty
// where the channel is unknown.
func (s *Server) Say(userID, channelID, thread, text string) string {
	return s.SayWith(userID, channelID, thread, text)
}

// SayWith is Say with files of the person, by their ids.
func (s *Server) SayWith(userID, channelID, thread, text string, files ...string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	ch := s.channels[channelID]
	if ch == nil {
		return ""
	}
	m := &message{}
	m.Channel, m.User, m.Text = ch.id, userID, text
	if root := ch.find(thread); root != nil {
		m.ThreadTS = root.TS
	}
	for _, id := range files {
		if f := s.hosted[id]; f != nil {
			m.attached, m.Files = append(m.attached, f), append(m.Files, f.name)
		}
	}
	s.store(ch, m)
	if s.doors() && ch.has(ch.home.BotUser) && strings.Contains(text, "<@"+ch.home.BotUser+">") && !ch.home.bot.missing([]string{"app_mentions:read"}) {
		event := m.wire(ch, false)
		event["type"], event["channel"], event["event_ts"] = "app_mention", ch.id, m.TS
		ch.home.emit(event)
	}
	return m.TS
}

// Share posts a link, or writes it without posting when composing is true; the app gets link_shared in both cases, also
// where it is no member. It returns the unfurl_id.
func (s *Server) Share(userID, channelID string, composing bool, links ...string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	ch := s.channels[channelID]
	if ch == nil {
		return ""
	}
	shared := &sharedLink{source: "conversations_history", channel: ch.id, urls: links}
	if composing {
		shared.source, shared.channel, shared.ts = "composer", "COMPOSER", strings.ToLower(rand.Text())
	} else {
		m := &message{}
		m.Channel, m.User, m.Text = ch.id, userID, "<"+strings.Join(links, "> <")+">"
		s.store(ch, m)
		shared.ts = m.TS
	}
	id := "u." + shared.ts + "." + rand.Text()[:8]
	s.unfurls[id] = shared
	var list []any
	for _, l := range links {
		domain := ""
		if u, err := url.Parse(l); err == nil {
			domain = u.Hostname()
		}
		list = append(list, map[string]any{"domain": domain, "url": l})
	}
	ch.home.emit(map[string]any{
		"type": "link_shared", "user": userID, "channel": shared.channel, "message_ts": shared.ts, "links": list,
		"unfurl_id": id, "source": shared.source, "is_bot_user_member": ch.has(ch.home.BotUser),
	})
	return id
}
