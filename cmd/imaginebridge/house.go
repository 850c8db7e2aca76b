package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/bridge/command"
	"github.com/imaginebridge/imaginebridge/config"
	"github.com/imaginebridge/imaginebridge/events"
	"github.com/imaginebridge/imaginebridge/sinks/discord"
	"github.com/imaginebridge/imaginebridge/sinks/slack"
)

// house is what the bridge's own commands need of this process. It implements
// command.Channels.
type house struct {
	book         *book
	places       *places
	doors        []door // set when they are there, before anybody asks
	allowPrivate bool
}

// Workspace implements command.Channels.
func (h *house) Workspace(ctx context.Context, to bridge.Destination) string {
	workspace, _ := h.places.learnOne(ctx, to.String(), h.doors)
	return workspace.id
}

// Sees implements command.Channels.
func (h *house) Sees(ctx context.Context, workspace string, to bridge.Destination) bool {
	for _, d := range h.doors {
		if apps, ok := d.sink.(*slack.Apps); ok && to.Scheme == command.Slack {
			return apps.Sees(ctx, workspace, to.Place)
		}
	}
	return h.Workspace(ctx, to) == workspace
}

// Check implements command.Channels.
func (h *house) Check(ctx context.Context, workspace string, to bridge.Destination) *command.Problem {
	i := slices.IndexFunc(h.doors, func(d door) bool { return d.scheme == to.Scheme })
	if i < 0 {
		return unfit(fmt.Sprintf("nothing here sends to %q.", to.Scheme), "Write discord:CHANNEL, slack:CHANNEL, webhook:URL or console.")
	}
	if to.Scheme == "webhook" {
		if wrong := config.CheckWebhook(to.Place, h.allowPrivate); wrong != "" {
			return unfit(wrong, "")
		}
	}
	if to.Scheme == "console" && to.Place != "" {
		return unfit("console takes no address; write just console.", "")
	}
	ctx, cancel := context.WithTimeout(ctx, checkTime)
	defer cancel()
	switch sink := h.doors[i].sink.(type) {
	case *discord.Sink:
		for _, f := range sink.CheckChannel(ctx, to.Place) {
			if f.Level == discord.Failure {
				return unfit(f.Problem, f.Remedy)
			}
		}
	case *slack.Apps:
		if f := sink.CheckChannel(ctx, workspace, to.Place); f.Level == slack.Problem {
			return unfit(f.Problem, f.Remedy)
		}
	}
	return nil
}

// Readers implements command.Channels.
func (h *house) Readers(ctx context.Context, workspace string, to bridge.Destination) (string, int) {
	i := slices.IndexFunc(h.doors, func(d door) bool { return d.scheme == to.Scheme })
	if i < 0 {
		return "", 0
	}
	ctx, cancel := context.WithTimeout(ctx, checkTime)
	defer cancel()
	switch sink := h.doors[i].sink.(type) {
	case *discord.Sink:
		return sink.Readers(ctx, to.Place)
	case *slack.Apps:
		return sink.Readers(ctx, workspace, to.Place)
	}
	return "", 0
}

// CheckAudience implements command.Channels.
func (h *house) CheckAudience(ctx context.Context, workspace string, to bridge.Destination, who []bridge.Mention) *command.Problem {
	i := slices.IndexFunc(h.doors, func(d door) bool { return d.scheme == to.Scheme })
	if i < 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, checkTime)
	defer cancel()
	no := func(problem, remedy string) *command.Problem {
		return &command.Problem{Code: 400, Status: "unfit_audience", Message: "The bridge can't mention them: " + problem, Hint: remedy}
	}
	switch sink := h.doors[i].sink.(type) {
	case *discord.Sink:
		for _, f := range sink.CheckAudience(ctx, to.Place, who) {
			if f.Level != discord.Fine {
				return no(f.Problem, f.Remedy)
			}
		}
	case *slack.Apps:
		for _, f := range sink.CheckAudience(ctx, workspace, to.Place, who) {
			if f.Level == slack.Problem {
				return no(f.Problem, f.Remedy)
			}
		}
	}
	return nil
}

// checkTime bounds a look at a channel: a call to Slack may take ten seconds of it,
// and waits for its turn before.
const checkTime = 15 * time.Second

func unfit(problem, remedy string) *command.Problem {
	return &command.Problem{Code: 400, Status: command.Unfit, Message: "The bridge can't send there: " + problem, Hint: remedy}
}

// send is command.House.Send.
func (h *house) send(ctx context.Context, r bridge.SubscriptionRecord, id string, m bridge.Message) error {
	to := bridge.ParseDestination(r.To)
	i := slices.IndexFunc(h.doors, func(d door) bool { return d.scheme == to.Scheme })
	if i < 0 {
		return errors.New("nothing sends there")
	}
	agent := "*"
	if len(r.Agents) > 0 {
		agent = r.Agents[0]
	}
	// A webhook's body is an event: one that nobody takes for something that
	// happened, by its id and its text.
	e := events.New("urn:imaginebridge:test", agent, id, "test", time.Now(), events.NotificationOther{RawType: "TEST", Text: cmp.Or(m.Text, m.Title)})
	_, err := h.doors[i].exit(r).Send(ctx, bridge.Delivery{
		Key: bridge.Key(r.ID, id, to, 0, 0), Subscription: r.ID, To: to, Event: e, Message: m, Attempt: 1,
	})
	return err
}
