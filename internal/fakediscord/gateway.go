package fakediscord

import (
	"net/http"
	"strings"
	"time"
)

// Intents, docs "Gateway Intents".
const (
	intentGuilds         = 1 << 0
	intentGuildMessages  = 1 << 9
	intentDirectMessages = 1 << 12
	intentContent        = 1 << 15
)

// Gateway close codes, docs "Gateway Close Event Codes".
const closeAuthenticationFailed = 4004

// hub is every gateway session.
type hub struct{}

func newHub(Options) hub { return hub{} }

func (h *hub) budget(time.Time) (int, time.Duration) { return 1000, 0 }

func (s *Server) gatewayURL() string { return "ws" + strings.TrimPrefix(s.url, "http") + "/gateway/ws" }

func (s *Server) dial(w http.ResponseWriter, _ *http.Request) { http.NotFound(w, nil) }

func (s *Server) cutSessions() {}

func (s *Server) closeSessions(int) {}

// event is one dispatch to the sessions that want it.
type event struct {
	name    string
	guild   *guild
	channel *channel
	message *Message
	data    any
	intent  int
}

func (s *Server) emit(event) {}

func messageIntent(ch *channel) int {
	if ch.guild == nil {
		return intentDirectMessages
	}
	return intentGuildMessages
}

func (s *Server) emitMessage(name string, ch *channel, m *Message) {
	if m.private != "" {
		return // only people see it
	}
	s.emit(event{name: name, channel: ch, guild: ch.guild, message: m, intent: messageIntent(ch)})
}

func (s *Server) emitChannel(name string, ch *channel, data any) {
	s.emit(event{name: name, channel: ch, guild: ch.guild, data: data, intent: intentGuilds})
}

func (s *Server) emitGuild(g *guild) {
	s.emit(event{name: "GUILD_CREATE", guild: g, intent: intentGuilds})
}

// blanked is a message as a bot without the message content intent gets it:
// words, pictures and buttons only where the bot is meant. Docs "Message
// Content Intent".
func (s *Server) blanked(ch *channel, m *Message) *Message {
	out := s.present(m)
	if s.opts.MessageContent || s.meant(ch, out) {
		return out
	}
	out.Content, out.Embeds, out.Attachments, out.Components = "", []Embed{}, []Attachment{}, []Component{}
	return out
}

// meant: own messages, direct ones, mentions and replies with ping.
func (s *Server) meant(ch *channel, m *Message) bool {
	if ch.guild == nil || m.Author.ID == s.world.bot.ID {
		return true
	}
	for _, u := range m.Mentions {
		if u.ID == s.world.bot.ID {
			return true
		}
	}
	return false
}
