package fakediscord

import (
	"net/http"
	"time"
)

func (s *Server) getMe(*call) reply { return ok(s.world.bot) }

func (s *Server) getChannel(c *call) reply {
	ch, refusal := s.open(c.PathValue("channel_id"))
	if refusal != nil {
		return *refusal
	}
	return ok(ch.wire())
}

// Application flags that say whether the message content intent is on, docs
// "Application Flags"; the limited kind is that of bots in few guilds.
const flagMessageContentLimited = 1 << 19

// getApplication is "Get Current Application".
func (s *Server) getApplication(*call) reply {
	flags := 0
	if s.opts.MessageContent {
		flags |= flagMessageContentLimited
	}
	var endpoint *string
	if s.calls.door != "" {
		endpoint = &s.calls.door
	}
	return ok(map[string]any{
		"id": s.opts.ApplicationID, "name": s.opts.BotName, "icon": nil, "description": "",
		"bot_public": true, "bot_require_code_grant": false,
		"verify_key": s.calls.publicKey(), "flags": flags,
		"interactions_endpoint_url": endpoint,
		"integration_types_config":  map[string]any{"0": map[string]any{}},
		"approximate_guild_count":   len(s.world.guilds),
		"bot":                       s.world.bot,
	})
}

func (s *Server) openGuild(c *call) (*guild, *reply) {
	g := s.world.guilds[c.PathValue("guild_id")]
	if g == nil || !g.present {
		return nil, new(refuse(codeUnknownGuild))
	}
	return g, nil
}

func (s *Server) getGuild(c *call) reply {
	g, refusal := s.openGuild(c)
	if refusal != nil {
		return *refusal
	}
	out := g.wire(nil)
	if c.URL.Query().Get("with_counts") == "true" {
		out["approximate_member_count"], out["approximate_presence_count"] = len(g.members), 1
	}
	return ok(out)
}

func (s *Server) getRoles(c *call) reply {
	g, refusal := s.openGuild(c)
	if refusal != nil {
		return *refusal
	}
	return ok(g.roles)
}

// listChannels is "Get Guild Channels": no threads.
func (s *Server) listChannels(c *call) reply {
	g, refusal := s.openGuild(c)
	if refusal != nil {
		return *refusal
	}
	return ok(s.channelsOf(g))
}

// channelsOf gives a guild's channels in order of creation; those the bot may
// not see too, as Discord does.
func (s *Server) channelsOf(g *guild) []*channelWire {
	out := []*channelWire{}
	for _, ch := range s.world.inOrder() {
		if ch.guild == g && !ch.isThread() {
			out = append(out, ch.wire())
		}
	}
	return out
}

func (s *Server) getMember(c *call) reply {
	g, refusal := s.openGuild(c)
	if refusal != nil {
		return *refusal
	}
	m := g.members[c.PathValue("user_id")]
	if m == nil {
		return refuse(codeUnknownMember)
	}
	out := *m
	out.User = s.world.users[c.PathValue("user_id")]
	return ok(out)
}

// listGuilds is "Get Current User Guilds"; permissions are those of the bot's
// roles, without channel overwrites.
func (s *Server) listGuilds(*call) reply {
	out := []map[string]any{}
	for _, id := range s.world.order {
		g := s.world.guilds[id]
		if !g.present {
			continue
		}
		bare := &channel{guild: g}
		out = append(out, map[string]any{
			"id": g.id, "name": g.name, "icon": nil, "owner": false, "features": []string{},
			"permissions": bits(s.permissions(bare)),
		})
	}
	return ok(out)
}

func (s *Server) leaveGuild(c *call) reply {
	g, refusal := s.openGuild(c)
	if refusal != nil {
		return *refusal
	}
	s.removeBot(g)
	return noContent()
}

// openDM is "Create DM": the same channel every time.
func (s *Server) openDM(c *call) reply {
	b := decode[struct {
		Recipient string `json:"recipient_id"`
	}](c.raw)
	u := s.world.users[b.Recipient]
	if u == nil {
		return refuse(codeUnknownUser)
	}
	return ok(s.dm(u).wire())
}

func (s *Server) dm(u *User) *channel {
	for _, ch := range s.world.channels {
		if ch.Type == ChannelDM && ch.Recipients[0].ID == u.ID {
			return ch
		}
	}
	id := s.world.newID(s.now())
	ch := &channel{channelWire: channelWire{ID: id, Type: ChannelDM, Recipients: []User{*u}}}
	s.world.channels[id] = ch
	return ch
}

func (s *Server) getGateway(*call) reply { return ok(map[string]string{"url": s.gatewayURL()}) }

// getGatewayBot is "Get Gateway Bot", with the identify budget of the day.
func (s *Server) getGatewayBot(*call) reply {
	remaining, reset := s.gateway.budget(s.now())
	return reply{status: http.StatusOK, body: map[string]any{
		"url": s.gatewayURL(), "shards": s.opts.Shards,
		"session_start_limit": map[string]any{
			"total": s.opts.Identifies, "remaining": remaining,
			"reset_after": int(reset / time.Millisecond), "max_concurrency": s.opts.MaxConcurrency,
		},
	}}
}
