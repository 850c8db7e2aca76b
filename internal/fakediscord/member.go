package fakediscord

// everybody is what members may do when a test says nothing else.
const everybody = PermViewChannel | PermSendMessages | PermReadHistory | PermSendInThreads | PermAddReactions

// join makes a person a member of the guild, if there is one.
func (s *Server) join(g *guild, u *User) *member {
	if g == nil {
		return nil
	}
	if g.members[u.ID] == nil {
		g.members[u.ID] = &member{Roles: []string{}, JoinedAt: stamp(s.now()), may: everybody}
	}
	return g.members[u.ID]
}

// Role makes a role in a guild and gives its id.
func (s *Server) Role(guildID, name string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	g := s.theGuild(guildID)
	if g == nil {
		return ""
	}
	r := role{ID: s.world.newID(s.now()), Name: name, Permissions: "0", Position: len(g.roles), Mentionable: true}
	g.roles = append(g.roles, r)
	return r.ID
}

// Mentionable says whether everybody may mention a role, as everybody may at first.
func (s *Server) Mentionable(guildID, roleID string, yes bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	g := s.theGuild(guildID)
	if g == nil {
		return
	}
	for i := range g.roles {
		if g.roles[i].ID == roleID {
			g.roles[i].Mentionable = yes
		}
	}
}

// Member makes a person a member of a guild with these permissions (0: the
// usual ones) and roles, and gives the person's id.
func (s *Server) Member(guildID, user string, permissions uint64, roles ...string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	u := s.person(user)
	m := s.join(s.theGuild(guildID), u)
	if m == nil {
		return u.ID
	}
	if permissions != 0 {
		m.may = permissions
	}
	m.Roles = append([]string{}, roles...)
	return u.ID
}
