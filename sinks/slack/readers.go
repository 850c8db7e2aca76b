package slack

import (
	"context"

	slackgo "github.com/slack-go/slack"
)

// Readers tells what people call a channel of a workspace and how many are in it;
// "" and 0 where Slack does not tell. Others may read a public one too.
func (a *Apps) Readers(ctx context.Context, team, channel string) (name string, people int) {
	s, err := a.out(ctx, team, channel)
	if err != nil {
		return "", 0
	}
	return s.Readers(ctx, channel)
}

// Readers is Apps.Readers of this workspace.
func (s *Sink) Readers(ctx context.Context, channel string) (name string, people int) {
	var info *slackgo.Channel
	f := s.paced(ctx, call{method: methodInfo}, func(ctx context.Context, api *slackgo.Client) error {
		var err error
		info, err = api.GetConversationInfoContext(ctx, &slackgo.GetConversationInfoInput{ChannelID: channel, IncludeNumMembers: true})
		return err
	})
	if f != nil || info == nil || info.Name == "" {
		return "", 0
	}
	return "#" + oneLine(info.Name), info.NumMembers
}
