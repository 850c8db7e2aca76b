package main

import (
	"context"
	"slices"
	"time"

	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/bridge/command"
	"github.com/imaginebridge/imaginebridge/sinks/discord"
)

// inviteTime bounds the question which application is to be added.
const inviteTime = 10 * time.Second

// invite says how Discord is set up where no channel is subscribed yet.
func (pr *process) invite(ctx context.Context) {
	if pr.discordSink == nil || slices.ContainsFunc(pr.book.all(), func(r bridge.SubscriptionRecord) bool {
		return bridge.ParseDestination(r.To).Scheme == command.Discord
	}) {
		return
	}
	if link := inviteLink(ctx, pr.discordSink); link != "" {
		pr.log.InfoContext(ctx, "no discord channel is subscribed yet; add the app to your server, then press Set up in its welcome there, or send /ia setup", "open", link)
	}
}

// inviteLink is the page that adds the application to a server, "" where nobody
// tells which one.
func inviteLink(ctx context.Context, sink *discord.Sink) string {
	ctx, cancel := context.WithTimeout(ctx, inviteTime)
	defer cancel()
	link, err := sink.InstallURL(ctx)
	if err != nil {
		return "" // what is wrong with the token is said elsewhere
	}
	return link
}
