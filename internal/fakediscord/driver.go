package fakediscord

import "slices"

// Guild makes a guild that the bot has joined with [DefaultPermissions], and
// gives its id. The gateway hears GUILD_CREATE.
func (s *Server) Guild(name string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	g := s.found(name)
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
	if g := s.theGuild(guildID); g != nil {
		s.install(g, permissions)
	}
}

// Remove throws the bot out of a guild. The gateway hears GUILD_DELETE.
func (s *Server) Remove(guildID string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if g := s.theGuild(guildID); g != nil {
		s.removeBot(g)
	}
}

func (s *Server) removeBot(g *guild) {
	s.emit(event{name: "GUILD_DELETE", guild: g, data: map[string]any{"id": g.id}, intent: intentGuilds})
	mine := g.members[s.world.bot.ID]
	if mine != nil {
		g.roles = slices.DeleteFunc(slices.Clone(g.roles), func(r role) bool { return slices.Contains(mine.Roles, r.ID) })
	}
	delete(g.members, s.world.bot.ID)
	g.present = false
}

// Outage takes a guild down or brings it back: GUILD_DELETE with unavailable,
// then GUILD_CREATE. REST goes on as before.
func (s *Server) Outage(guildID string, down bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	g := s.theGuild(guildID)
	if g == nil {
		return
	}
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
	g := s.theGuild(guildID)
	if g == nil {
		return ""
	}
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
	ch := s.theChannel(channelID)
	if ch == nil {
		return
	}
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
	ch := s.theChannel(channelID)
	if ch == nil {
		return
	}
	kept := slices.DeleteFunc(slices.Clone(ch.Overwrites), func(o overwrite) bool { return o.ID == s.world.bot.ID })
	ch.Overwrites = append(kept, overwrite{ID: s.world.bot.ID, Type: 1, Allow: bits(permissions), Deny: bits(permAll &^ permissions)})
	s.emitChannel("CHANNEL_UPDATE", ch, ch.wire())
}

// ShowToEveryone lets all members of its guild see a channel, by an overwrite for
// @everyone: without it guilds of this emulator show theirs to roles alone.
func (s *Server) ShowToEveryone(channelID string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if ch := s.theChannel(channelID); ch != nil && ch.guild != nil {
		ch.Overwrites = append(ch.Overwrites, overwrite{ID: ch.guild.id, Allow: bits(PermViewChannel), Deny: "0"})
		s.emitChannel("CHANNEL_UPDATE", ch, ch.wire())
	}
}

// CloseDMs makes a user refuse direct messages (50007), or take them again.
func (s *Server) CloseDMs(user string, closed bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.world.closed[s.person(user).ID] = closed
}

// Settle sets the language of a person's client, an IETF tag as Discord has them.
func (s *Server) Settle(user, locale string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.world.locales[s.person(user).ID] = locale
}

// Archive archives a thread or takes it out of the archive.
func (s *Server) Archive(threadID string, archived bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if t := s.theThread(threadID); t != nil {
		s.setArchived(t, archived)
	}
}

// Lock locks a thread or opens it again.
func (s *Server) Lock(threadID string, locked bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.theThread(threadID)
	if t == nil {
		return
	}
	t.Metadata = new(*t.Metadata)
	t.Metadata.Locked = locked
	s.emitChannel("THREAD_UPDATE", t, t.wire())
}

// theGuild finds a guild a test names; a wrong id is the test's fault and told
// as one.
func (s *Server) theGuild(id string) *guild {
	g := s.world.guilds[id]
	if g == nil {
		s.log.fault(s.now(), "driver", 0, "no guild "+id)
	}
	return g
}

func (s *Server) theChannel(id string) *channel {
	ch := s.world.channels[id]
	if ch == nil {
		s.log.fault(s.now(), "driver", 0, "no channel "+id)
	}
	return ch
}

func (s *Server) theThread(id string) *channel {
	t := s.theChannel(id)
	if t != nil && !t.isThread() {
		s.log.fault(s.now(), "driver", 0, id+" is no thread")
		return nil
	}
	return t
}
