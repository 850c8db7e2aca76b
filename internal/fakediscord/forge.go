package fakediscord

// Forge sends an interaction as a hostile client would: a press of a button, or the
// sending of a form where values are given, with any custom_id, in a channel of the
// person's own server. Discord vouches for who and where, for nothing else.
func (s *Server) Forge(user, channelID, customID string, values map[string]string) (*Interaction, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	ch := s.theChannel(channelID)
	if ch == nil {
		return nil, errNoChannel
	}
	if values == nil {
		m := &Message{ID: s.world.newID(s.now()), ChannelID: ch.ID, Timestamp: stamp(s.now())}
		return s.begun(user, ch, interactionComponent, m, map[string]any{"id": 1, "component_type": typeButton, "custom_id": customID}), nil
	}
	fields := []any{}
	for name, value := range values {
		fields = append(fields, map[string]any{"type": typeLabel, "id": 1, "component": map[string]any{"type": typeTextInput, "id": 2, "custom_id": name, "value": value}})
	}
	return s.begun(user, ch, interactionModal, nil, map[string]any{"custom_id": customID, "components": fields}), nil
}
