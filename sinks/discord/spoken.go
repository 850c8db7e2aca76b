package discord

import (
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Types of messages that people write, Discord docs "Message Types".
const (
	typeDefault = 0
	typeReply   = 19

	maxAttached = 10 // files of one message
)

// spoken is a message that a person wrote.
type spoken struct {
	ID, Channel, Guild string
	User               sender
	Type               int
	Webhook            bool
	Content            string
	Files              []attachment
	Answers            string            // message that it replies to
	Names              map[string]string // user id → name, of those mentioned
	Edited             bool
	Member             bool // the event told the sender's roles
	Outside            bool // of a thread, as far as the event says
	Sent               bool // our own sign says that it was sent on
}

// readSpoken reads a message of an event or of the history.
func readSpoken(n node) spoken {
	m := spoken{
		ID: n.at("id").id(), Channel: n.at("channel_id").id(), Guild: n.at("guild_id").id(), User: senderOf(n),
		Type: n.at("type").number(), Webhook: n.at("webhook_id").text() != "", Content: n.at("content").text(),
		Answers: n.at("message_reference", "message_id").id(), Names: map[string]string{},
		Edited: n.at("edited_timestamp").text() != "", Member: n.at("member").v != nil,
	}
	for _, r := range n.at("reactions").list() {
		m.Sent = m.Sent || r.at("me").yes() && r.at("emoji", "name").text() == signDone
	}
	if kind := n.at("channel_type"); kind.v != nil {
		m.Outside = !isThread(kind.number())
	}
	for _, a := range n.at("attachments").list()[:min(len(n.at("attachments").list()), maxAttached)] {
		m.Files = append(m.Files, fileOf(a))
	}
	for _, u := range n.at("mentions").list() {
		name := u.at("global_name").text()
		if name == "" {
			name = u.at("username").text()
		}
		m.Names[u.at("id").id()] = plain(name, maxLabel)
	}
	return m
}

// isThread knows the types of channels that are threads, Discord docs "Channel Types".
func isThread(kind int) bool { return kind >= 10 && kind <= 12 }

// human reports a message that a person wrote with their own hand.
func (m spoken) human() bool {
	return m.ID != "" && m.User.ID != "" && !m.User.Bot && !m.Webhook && (m.Type == typeDefault || m.Type == typeReply)
}

var markup = regexp.MustCompile(`<(?:@[!&]?[0-9]+|#[0-9]+|a?:[A-Za-z0-9_]+:[0-9]+|t:-?[0-9]+(?::[a-zA-Z])?)>`)

// outward is what a person wrote as the world outside reads it: names for
// mentions, ISO times, no mention of ourselves in front; all else as typed.
func outward(m spoken, self string, channel func(id string) string) string {
	text := strings.TrimSpace(m.Content)
	for _, me := range []string{"<@" + self + ">", "<@!" + self + ">"} {
		text = strings.TrimSpace(strings.TrimPrefix(text, me))
	}
	return markup.ReplaceAllStringFunc(text, func(s string) string {
		inner := s[1 : len(s)-1]
		switch {
		case strings.HasPrefix(inner, "@&"):
			return "@role"
		case inner[0] == '@':
			if name := m.Names[strings.TrimLeft(inner, "@!")]; name != "" {
				return "@" + name
			}
			return "@somebody"
		case inner[0] == '#':
			if name := channel(inner[1:]); name != "" {
				return "#" + name
			}
			return "#channel"
		case strings.HasPrefix(inner, "t:"):
			return isoTime(inner)
		}
		return ":" + strings.Split(inner, ":")[1] + ":"
	})
}

func isoTime(inner string) string {
	n, err := strconv.ParseInt(strings.Split(inner, ":")[1], 10, 64)
	if at := time.Unix(n, 0).UTC(); err == nil && at.Year() > 0 && at.Year() < 10000 {
		return at.Format(time.RFC3339)
	}
	return "<" + inner + ">"
}

// channelName is the name of a channel, "" where it is not known.
func (s *Sink) channelName(id string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.names[id]
}
