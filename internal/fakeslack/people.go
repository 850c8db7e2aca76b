package fakeslack

// Say posts a message of a person, in a thread when thread is its first message's ts, and returns its ts. The app is
// told about it as far as its scopes go. It is empty where the channel is unknown.
func (s *Server) Say(userID, channelID, thread, text string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	ch := s.channels[channelID]
	if ch == nil {
		return ""
	}
	m := &message{}
	m.Channel, m.User, m.Text = ch.id, userID, text
	if root := ch.find(thread); root != nil {
		m.ThreadTS = root.TS
	}
	s.store(ch, m)
	return m.TS
}
