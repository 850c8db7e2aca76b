package fakediscord

import (
	"regexp"
	"slices"
)

// customEmoji is a guild's own emoji in a path: name:id.
var customEmoji = regexp.MustCompile(`^[A-Za-z0-9_]{2,32}:[0-9]+$`)

// addReaction is "Create Reaction". An emoji that is already there needs no
// permission but to read.
func (s *Server) addReaction(c *call) reply {
	ch, m, refusal := s.openMessage(c)
	if refusal != nil {
		return *refusal
	}
	have, name := s.permissions(ch), c.PathValue("emoji_name")
	i := slices.IndexFunc(m.Reactions, func(r Reaction) bool { return r.Emoji.Name == name })
	switch {
	case have&PermReadHistory == 0:
		return refuse(codeMissingAccess)
	case i < 0 && have&PermAddReactions == 0:
		return refuse(codeMissingPermission)
	case !isEmoji(name):
		return refuse(codeUnknownEmoji)
	case ch.isThread() && ch.Metadata.Archived:
		return refuse(codeArchivedThread)
	}
	m.Reactions = slices.Clone(m.Reactions)
	if i < 0 {
		m.Reactions = append(m.Reactions, Reaction{Emoji: Emoji{Name: name}, Count: 1, Me: true})
	} else if !m.Reactions[i].Me {
		m.Reactions[i].Me = true
		m.Reactions[i].Count++
	}
	return noContent()
}

// removeReaction is "Delete Own Reaction".
func (s *Server) removeReaction(c *call) reply {
	_, m, refusal := s.openMessage(c)
	if refusal != nil {
		return *refusal
	}
	name := c.PathValue("emoji_name")
	m.Reactions = slices.Clone(m.Reactions)
	for i := range m.Reactions {
		if m.Reactions[i].Emoji.Name == name && m.Reactions[i].Me {
			m.Reactions[i].Me = false
			m.Reactions[i].Count--
		}
	}
	m.Reactions = slices.DeleteFunc(m.Reactions, func(r Reaction) bool { return r.Count == 0 })
	return noContent()
}

// isEmoji is a rough look: a custom emoji's form, or characters outside ASCII.
func isEmoji(name string) bool {
	if customEmoji.MatchString(name) {
		return true
	}
	for _, r := range name {
		if r > 0x2000 || r == 0xA9 || r == 0xAE {
			return true
		}
	}
	return false
}
