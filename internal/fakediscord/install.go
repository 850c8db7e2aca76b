package fakediscord

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

const permManageGuild = 1 << 5

// Found makes a guild that the bot is not in, with an owner of its own, and gives
// its id. Channels can be made in it before the bot joins by [Server.Install] or
// [Server.Authorize].
func (s *Server) Found(name string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.found(name).id
}

func (s *Server) found(name string) *guild {
	owner := s.person("owner of " + name)
	g := &guild{id: s.world.newID(s.now()), name: name, owner: owner.ID, members: map[string]*member{}}
	g.roles = []role{{ID: g.id, Name: "@everyone", Permissions: "0"}}
	g.members[owner.ID] = &member{Roles: []string{}, JoinedAt: stamp(s.now()), may: everybody | permManageGuild}
	s.world.guilds[g.id] = g
	s.world.order = append(s.world.order, g.id)
	return g
}

// Authorize lets a person who followed an install link choose a guild and press
// Authorize, docs "Bot Authorization Flow". What the page would refuse (another
// application, a scope or permission that is none, a guild that they don't manage)
// is an error.
func (s *Server) Authorize(user, link, guildID string) error {
	u, err := url.Parse(link)
	if err != nil || u.Path != authorizePath {
		return fmt.Errorf("authorize: %q is no install link", link)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	g := s.theGuild(guildID)
	if g == nil {
		return errors.New("authorize: no such guild")
	}
	permissions, err := s.asked(u.Query())
	if err != nil {
		return fmt.Errorf("authorize: %w", err)
	}
	m := s.join(g, s.person(user))
	if g.owner != s.person(user).ID && m.may&permManageGuild == 0 {
		return fmt.Errorf("authorize: %s doesn't manage %s", user, g.name)
	}
	s.install(g, permissions)
	return nil
}

// asked reads what an install link asks for.
func (s *Server) asked(q url.Values) (permissions uint64, err error) {
	for name, values := range q {
		if !slices.Contains([]string{"client_id", "scope", "permissions"}, name) || len(values) != 1 {
			return 0, fmt.Errorf("parameter %s is unknown or doubled", name)
		}
	}
	if q.Get("client_id") != s.opts.ApplicationID {
		return 0, errors.New("unknown application")
	}
	scopes := strings.Fields(q.Get("scope"))
	slices.Sort(scopes)
	if !slices.Equal(scopes, []string{"applications.commands", "bot"}) {
		return 0, fmt.Errorf("scopes %q are not those of a bot with commands", scopes)
	}
	permissions, err = strconv.ParseUint(q.Get("permissions"), 10, 64)
	if err != nil || permissions&^permAll != 0 {
		return 0, errors.New("permissions are no number of known bits")
	}
	return permissions, nil
}

// SetShards changes the number that /gateway/bot tells and Identify must have;
// sessions with fewer are closed with 4011.
func (s *Server) SetShards(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.opts.Shards = n
	for _, ses := range s.gateway.sessions {
		if ses.line != nil && ses.shards < n {
			s.hangUp(ses.line, closeShardingRequired)
		}
	}
}

// Shards are the shards with a live line, "0/2", in order.
func (s *Server) Shards() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []string
	for _, ses := range s.gateway.sessions {
		if ses.line != nil {
			out = append(out, fmt.Sprintf("%d/%d", ses.shard, ses.shards))
		}
	}
	slices.Sort(out)
	return out
}

// GuildOf makes a guild that the given shard of so many carries, with the bot in
// it, and gives its id.
func (s *Server) GuildOf(name string, shard, shards int) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	g := s.found(name)
	for !(&session{shard: shard, shards: shards}).carries(g) {
		delete(s.world.guilds, g.id)
		s.world.order = s.world.order[:len(s.world.order)-1]
		s.world.lastID += 1 << 22 // the next millisecond
		g = s.found(name)
	}
	s.install(g, DefaultPermissions)
	return g.id
}

// SettleGuild sets the language that a guild prefers.
func (s *Server) SettleGuild(guildID, locale string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if g := s.theGuild(guildID); g != nil {
		g.locale = locale
	}
}
