package fakediscord

import (
	"slices"
	"time"
)

// Guild makes a guild that the bot has joined with [DefaultPermissions], and
// gives its id. The gateway hears GUILD_CREATE.
func (s *Server) Guild(name string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	owner := s.person("owner of " + name)
	g := &guild{
		id: s.world.newID(s.now()), name: name, owner: owner.ID,
		members: map[string]*member{},
	}
	g.roles = []role{{ID: g.id, Name: "@everyone", Permissions: "0"}}
	g.members[owner.ID] = &member{Roles: []string{}, JoinedAt: stamp(s.now())}
	s.world.guilds[g.id] = g
	s.world.order = append(s.world.order, g.id)
	s.install(g, DefaultPermissions)
	return g.id
}

// install adds the bot with a role of its own.
func (s *Server) install(g *guild, permissions uint64) {
	r := role{
		ID: s.world.newID(s.now()), Name: s.world.bot.Username, Permissions: bits(permissions),
		Position: len(g.roles), Managed: true,
	}
	g.roles = append(g.roles, r)
	g.members[s.world.bot.ID] = &member{Roles: []string{r.ID}, JoinedAt: stamp(s.now())}
	g.present, g.joined = true, s.now()
	s.emitGuild(g)
}

// Install lets the bot join a guild again with these permissions.
func (s *Server) Install(guildID string, permissions uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.install(s.world.guilds[guildID], permissions)
}

// Remove throws the bot out of a guild. The gateway hears GUILD_DELETE.
func (s *Server) Remove(guildID string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.removeBot(s.world.guilds[guildID])
}

func (s *Server) removeBot(g *guild) {
	s.emit(event{name: "GUILD_DELETE", guild: g, data: map[string]any{"id": g.id}, intent: intentGuilds})
	mine := g.members[s.world.bot.ID]
	if mine != nil {
		g.roles = slices.DeleteFunc(g.roles, func(r role) bool { return slices.Contains(mine.Roles, r.ID) })
	}
	delete(g.members, s.world.bot.ID)
	g.present = false
}

// Outage takes a guild down or brings it back: GUILD_DELETE with unavailable,
// then GUILD_CREATE. REST goes on as before.
func (s *Server) Outage(guildID string, down bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	g := s.world.guilds[guildID]
	g.outage = down
	if down {
		s.emit(event{name: "GUILD_DELETE", guild: g, data: map[string]any{"id": g.id, "unavailable": true}, intent: intentGuilds})
		return
	}
	s.emitGuild(g)
}

// Channel makes a text channel and gives its id.
func (s *Server) Channel(guildID, name string) string {
	return s.ChannelOf(guildID, name, ChannelText)
}

// ChannelOf makes a channel of any type and gives its id.
func (s *Server) ChannelOf(guildID, name string, kind int) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	g := s.world.guilds[guildID]
	id := s.world.newID(s.now())
	ch := &channel{guild: g, channelWire: channelWire{ID: id, Type: kind, GuildID: g.id, Name: name, Position: len(s.world.channels)}}
	s.world.channels[id] = ch
	if g.systemChannel == "" && kind == ChannelText {
		g.systemChannel = id
	}
	s.emitChannel("CHANNEL_CREATE", ch, ch.wire())
	return id
}

// DeleteChannel deletes a channel or thread, with what is in it.
func (s *Server) DeleteChannel(channelID string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	ch := s.world.channels[channelID]
	name := "CHANNEL_DELETE"
	if ch.isThread() {
		name = "THREAD_DELETE"
	}
	s.emitChannel(name, ch, ch.wire())
	for id, t := range s.world.channels {
		if t.parent == ch {
			delete(s.world.channels, id)
		}
	}
	delete(s.world.channels, channelID)
}

// SetPermissions makes these the bot's permissions in a channel, by an
// overwrite for the bot as an administrator would set it.
func (s *Server) SetPermissions(channelID string, permissions uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	ch := s.world.channels[channelID]
	kept := slices.DeleteFunc(slices.Clone(ch.Overwrites), func(o overwrite) bool { return o.ID == s.world.bot.ID })
	ch.Overwrites = append(kept, overwrite{ID: s.world.bot.ID, Type: 1, Allow: bits(permissions), Deny: bits(permAll &^ permissions)})
	s.emitChannel("CHANNEL_UPDATE", ch, ch.wire())
}

// CloseDMs makes a user refuse direct messages (50007), or take them again.
func (s *Server) CloseDMs(user string, closed bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.world.closed[s.person(user).ID] = closed
}

// Archive archives a thread or takes it out of the archive.
func (s *Server) Archive(threadID string, archived bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.setArchived(s.world.channels[threadID], archived)
}

// Lock locks a thread or opens it again.
func (s *Server) Lock(threadID string, locked bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.world.channels[threadID]
	t.Metadata = new(*t.Metadata)
	t.Metadata.Locked = locked
	s.emitChannel("THREAD_UPDATE", t, t.wire())
}

// User gives the id of the person of that name, who comes into being when
// first named.
func (s *Server) User(name string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.person(name).ID
}

// DM gives the id of the direct message channel with the person of that name.
func (s *Server) DM(user string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.dm(s.person(user)).ID
}

// Say lets a person write text into a channel or thread and gives the
// message's id. With replyTo it is a reply to that message, and pings its
// author when ping is set.
func (s *Server) Say(user, channelID, text, replyTo string, ping bool) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	ch := s.world.channels[channelID]
	author := s.person(user)
	s.join(ch.guild, author)
	m := &Message{Author: *author, Content: text}
	if replyTo != "" {
		m.Type = 19
		m.Reference = &Reference{MessageID: replyTo, ChannelID: ch.ID, GuildID: ch.guildID()}
	}
	s.mention(ch, m, &allowedMentions{Parse: []string{"users", "roles", "everyone"}, RepliedUser: ping})
	s.post(ch, m)
	return m.ID
}

// Webhook posts text into a channel as a foreign webhook does.
func (s *Server) Webhook(name, channelID, text string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	ch := s.world.channels[channelID]
	id := s.world.newID(s.now())
	m := &Message{Author: User{ID: id, Username: name, Discriminator: "0000", Bot: true}, WebhookID: id, Content: text}
	s.mention(ch, m, &allowedMentions{})
	s.post(ch, m)
	return m.ID
}

// Delete removes a message, as a moderator does.
func (s *Server) Delete(channelID, messageID string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if m := s.world.message(channelID, messageID); m != nil {
		s.erase(s.world.channels[channelID], m)
	}
}

// Age makes a message older by d, for rules that depend on its age.
func (s *Server) Age(channelID, messageID string, d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if m := s.world.message(channelID, messageID); m != nil {
		m.at = m.at.Add(-d)
		m.Timestamp = stamp(m.at)
	}
}

// Messages gives the messages people see in a channel or thread, oldest first.
// Copies: what is done to them changes nothing.
func (s *Server) Messages(channelID string) []Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	ch := s.world.channels[channelID]
	if ch == nil {
		return nil
	}
	out := []Message{}
	for _, m := range ch.messages {
		if m.Type != 21 && m.private == "" {
			out = append(out, *s.present(m))
		}
	}
	return out
}

// Threads gives the ids of the threads below a channel, oldest first.
func (s *Server) Threads(channelID string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []string
	for _, ch := range s.world.inOrder() {
		if ch.parent != nil && ch.parent.ID == channelID {
			out = append(out, ch.ID)
		}
	}
	return out
}
