package fakediscord

import (
	"encoding/json"
	"strconv"
	"strings"
	"time"
)

// Intents, docs "Gateway Intents".
const (
	intentGuilds         = 1 << 0
	intentMembers        = 1 << 1
	intentPresences      = 1 << 8
	intentGuildMessages  = 1 << 9
	intentDirectMessages = 1 << 12
	intentContent        = 1 << 15

	// intentAll are the bits that mean something.
	intentAll = 1<<17 - 1 | 1<<20 | 1<<21 | 1<<24 | 1<<25
)

// hub is every gateway session and socket.
type hub struct {
	sessions   map[string]*session
	lines      map[*line]bool
	identifies []identified // of the last day
	perDay     int
	rules      []*GatewayInjector
	ended      bool
}

// identified is one identify of the day.
type identified struct {
	at     time.Time
	bucket int // docs "Sharding": shard modulo max_concurrency
}

// last is when a bucket was used last.
func (h *hub) last(bucket int) (at time.Time) {
	for _, i := range h.identifies {
		if i.bucket == bucket {
			at = i.at
		}
	}
	return at
}

func newHub(o Options) hub {
	return hub{sessions: map[string]*session{}, lines: map[*line]bool{}, perDay: o.Identifies}
}

// budget is what is left of the day's identifies and when it is full again.
func (h *hub) budget(now time.Time) (remaining int, reset time.Duration) {
	for len(h.identifies) > 0 && now.Sub(h.identifies[0].at) > 24*time.Hour {
		h.identifies = h.identifies[1:]
	}
	if len(h.identifies) > 0 {
		reset = h.identifies[0].at.Add(24 * time.Hour).Sub(now)
	}
	return max(h.perDay-len(h.identifies), 0), reset
}

func (s *Server) gatewayURL() string {
	return "ws" + strings.TrimPrefix(s.url, "http")
}

// frame is one gateway message, either way.
type frame struct {
	Op   int             `json:"op"`
	Data json.RawMessage `json:"d"`
	Seq  *int64          `json:"s"`
	Name *string         `json:"t"`
}

// event is one dispatch to the sessions that want it.
type event struct {
	name    string
	guild   *guild
	channel *channel
	message *Message // data is made of it for each session
	data    any
	intent  int
}

// emit hands an event to every session that asked for its kind, connected or
// resumable.
func (s *Server) emit(e event) {
	if e.guild != nil && !e.guild.present {
		return
	}
	for id, ses := range s.gateway.sessions {
		if ses.line == nil && s.now().After(ses.until) {
			delete(s.gateway.sessions, id)
			continue
		}
		if ses.intents&e.intent == 0 || !ses.carries(e.guild) {
			continue
		}
		data := e.data
		if e.message != nil {
			data = s.messageEvent(ses, e)
		}
		s.dispatch(ses, e.name, data)
	}
}

// carries: guilds go by shard, direct messages to the first.
func (ses *session) carries(g *guild) bool {
	if g == nil {
		return ses.shard == 0
	}
	id, _ := strconv.ParseUint(g.id, 10, 64) // our own ids are numbers
	return (id>>22)%uint64(ses.shards) == uint64(ses.shard)
}

// messageEvent is a message as one session gets it: with nonce, member and
// guild, and blanked without the intent.
func (s *Server) messageEvent(ses *session, e event) any {
	m := s.present(e.message)
	if ses.intents&intentContent == 0 && !s.meant(e.channel, m) {
		blankOut(m)
	}
	out := struct {
		*Message
		Nonce       string  `json:"nonce,omitempty"`
		GuildID     string  `json:"guild_id,omitempty"`
		Member      *member `json:"member,omitempty"`
		ChannelType int     `json:"channel_type"`
	}{Message: m, Nonce: e.message.Nonce, GuildID: e.channel.guildID(), ChannelType: e.channel.Type}
	if e.guild != nil && m.WebhookID == "" {
		out.Member = e.guild.members[m.Author.ID]
	}
	return out
}

func messageIntent(ch *channel) int {
	if ch.guild == nil {
		return intentDirectMessages
	}
	return intentGuildMessages
}

func (s *Server) emitMessage(name string, ch *channel, m *Message) {
	if m.private != "" || s.permissions(ch)&PermViewChannel == 0 {
		return
	}
	s.emit(event{name: name, channel: ch, guild: ch.guild, message: m, intent: messageIntent(ch)})
}

func (s *Server) emitChannel(name string, ch *channel, data any) {
	s.emit(event{name: name, channel: ch, guild: ch.guild, data: data, intent: intentGuilds})
}

func (s *Server) emitGuild(g *guild) {
	s.emit(event{name: "GUILD_CREATE", guild: g, data: s.guildEvent(g, 0), intent: intentGuilds})
}

// guildEvent is GUILD_CREATE's data; padding makes it as large as a real big
// guild's.
func (s *Server) guildEvent(g *guild, padding int) map[string]any {
	out := g.wire(s.channelsOf(g))
	threads := []*channelWire{}
	for _, ch := range s.world.inOrder() {
		if ch.guild == g && ch.isThread() && !ch.Metadata.Archived {
			threads = append(threads, ch.wire())
		}
	}
	out["threads"] = threads
	out["joined_at"], out["large"], out["unavailable"] = stamp(g.joined), false, false
	mine := []any{}
	if m := g.members[s.world.bot.ID]; m != nil {
		mine = append(mine, struct {
			member
			User User `json:"user"`
		}{*m, s.world.bot})
	}
	out["member_count"], out["members"], out["presences"] = len(g.members), mine, []any{}
	if padding > 0 {
		out["description"] = strings.Repeat("x", padding)
	}
	return out
}

// blanked is a message as REST gives it to an application whose message
// content intent is off: words, pictures and buttons only where the bot is
// meant. Docs "Message Content Intent".
func (s *Server) blanked(ch *channel, m *Message) *Message {
	out := s.present(m)
	if !s.opts.MessageContent && !s.meant(ch, out) {
		blankOut(out)
	}
	return out
}

func blankOut(m *Message) {
	m.Content, m.Embeds, m.Attachments, m.Components = "", []Embed{}, []Attachment{}, []Component{}
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
