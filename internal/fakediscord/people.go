package fakediscord

import (
	"context"
	"time"
)

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
// author when ping is set. Files are attached to it.
func (s *Server) Say(user, channelID, text, replyTo string, ping bool, files ...Upload) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	ch := s.theChannel(channelID)
	if ch == nil {
		return ""
	}
	author := s.person(user)
	s.join(ch.guild, author)
	m := &Message{Author: *author, Content: text}
	if len(files) > 0 {
		c := &call{}
		for _, f := range files {
			c.files = append(c.files, upload{name: f.Name, contentType: f.ContentType, data: f.Data})
		}
		m.Attachments = s.store(c, ch, nil, nil)
	}
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
	ch := s.theChannel(channelID)
	if ch == nil {
		return ""
	}
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

// Await waits until a channel or thread shows at least n messages, and gives
// them; when ctx ends first, it gives those there are.
func (s *Server) Await(ctx context.Context, channelID string, n int) []Message {
	for {
		s.mu.Lock()
		changed := s.changed
		s.mu.Unlock()
		if got := s.Messages(channelID); len(got) >= n {
			return got
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return s.Messages(channelID)
		}
	}
}

// touch wakes those who await messages.
func (s *Server) touch() {
	close(s.changed)
	s.changed = make(chan struct{})
}
