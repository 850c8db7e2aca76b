package main

import (
	"context"
	"iter"

	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/sinks/discord"
	"github.com/imaginebridge/imaginebridge/sinks/slack"
)

// audiences are whom the subscriptions of the file mention, by destination.
func (c *checkup) audiences(scheme string) iter.Seq2[bridge.Destination, []bridge.Mention] {
	return func(yield func(bridge.Destination, []bridge.Mention) bool) {
		for _, s := range c.cfg.Subscriptions {
			to := bridge.ParseDestination(s.To)
			audience, err := bridge.ParseAudience(to, s.Audience)
			if err != nil || to.Scheme != scheme { // told when the file was read
				continue
			}
			if who := audience.All(); len(who) > 0 && !yield(to, who) {
				return
			}
		}
	}
}

// discordFindings are those of the channels, and of who is mentioned in them.
func (c *checkup) discordFindings(ctx context.Context, sink *discord.Sink, channels []string) []discord.Finding {
	out := sink.Check(ctx, channels...)
	for to, who := range c.audiences("discord") {
		out = append(out, sink.CheckAudience(ctx, to.Place, who)...)
	}
	return out
}

// slackFindings are likewise.
func (c *checkup) slackFindings(ctx context.Context, sink *slack.Sink) []slack.Finding {
	out := sink.Check(ctx, c.places("slack"))
	for _, who := range c.audiences("slack") {
		out = append(out, sink.CheckAudience(ctx, who)...)
	}
	return out
}
