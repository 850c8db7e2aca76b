package slack

import "context"

// Team is the workspace that the bot token belongs to. Slack is asked once; ""
// says that it did not answer.
func (s *Sink) Team(ctx context.Context) string {
	if who := s.web.selfKnown(); who.TeamID != "" {
		return who.TeamID
	}
	who, failed := s.web.whoAmI(ctx)
	if failed != nil {
		return ""
	}
	return who.TeamID
}
