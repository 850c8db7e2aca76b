package fakediscord

import (
	"regexp"
	"slices"
	"strings"
)

var (
	userMention = regexp.MustCompile(`<@!?([0-9]+)>`)
	roleMention = regexp.MustCompile(`<@&([0-9]+)>`)
	massMention = regexp.MustCompile(`@(everyone|here)\b`)
)

func blank(s string) bool { return strings.TrimSpace(s) == "" }

// mention works out whom a message pings: what its content names and its
// allowed_mentions lets through, docs "Allowed Mentions Object". Without that
// object everything pings.
func (s *Server) mention(ch *channel, m *Message, allowed *allowedMentions) {
	m.Mentions, m.MentionRoles, m.MentionEveryone = []User{}, []string{}, false
	if allowed == nil {
		allowed = &allowedMentions{Parse: []string{"users", "roles", "everyone"}, RepliedUser: true}
	}
	may := func(kind string, list []string, id string) bool {
		return slices.Contains(allowed.Parse, kind) || slices.Contains(list, id)
	}
	add := func(id string) {
		u := s.world.users[id]
		if u != nil && !slices.ContainsFunc(m.Mentions, func(o User) bool { return o.ID == id }) {
			m.Mentions = append(m.Mentions, *u)
		}
	}
	for _, f := range userMention.FindAllStringSubmatch(m.Content, -1) {
		if may("users", allowed.Users, f[1]) {
			add(f[1])
		}
	}
	for _, f := range roleMention.FindAllStringSubmatch(m.Content, -1) {
		if may("roles", allowed.Roles, f[1]) && s.callable(ch, m, f[1]) && !slices.Contains(m.MentionRoles, f[1]) {
			m.MentionRoles = append(m.MentionRoles, f[1])
		}
	}
	if massMention.MatchString(m.Content) && slices.Contains(allowed.Parse, "everyone") {
		m.MentionEveryone = m.Author.ID != s.world.bot.ID || s.permissions(ch)&PermMentionEveryone != 0
	}
	if m.Reference != nil && allowed.RepliedUser {
		if target := ch.message(m.Reference.MessageID); target != nil {
			add(target.Author.ID)
		}
	}
}

// callable reports a role of the guild that the author may mention: one that
// everybody may, or any with the permission Mention All Roles.
func (s *Server) callable(ch *channel, m *Message, id string) bool {
	if ch.guild == nil || id == ch.guild.id {
		return false
	}
	i := slices.IndexFunc(ch.guild.roles, func(r role) bool { return r.ID == id })
	return i >= 0 && (ch.guild.roles[i].Mentionable || m.Author.ID != s.world.bot.ID || s.permissions(ch)&PermMentionEveryone != 0)
}

// numbered gives components the ids they lack, counting from 1 in reading
// order, as Discord does.
func numbered(top []Component) []Component {
	n := 0
	var walk func([]Component) []Component
	one := func(c Component) Component {
		n++
		if c.ID == 0 {
			c.ID = n
		}
		c.Components = walk(c.Components)
		if c.Accessory != nil {
			n++
			a := *c.Accessory
			if a.ID == 0 {
				a.ID = n
			}
			c.Accessory = &a
		}
		return c
	}
	walk = func(list []Component) []Component {
		if list == nil {
			return nil
		}
		out := make([]Component, len(list))
		for i, c := range list {
			out[i] = one(c)
		}
		return out
	}
	return walk(top)
}
