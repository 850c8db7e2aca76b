package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/imaginebridge/imaginebridge/internal/fakediscord"
)

// people is how many type at once.
const people = 50

func nameOf(n int) string { return fmt.Sprintf("person%02d", n) }

// crowd is fifty people at one platform.
type crowd interface {
	// door names the way from the platform to the bridge.
	door() string
	// types lets the n-th person send a line, and returns when the platform has
	// the bridge's acknowledgement, or would wait for it no longer.
	types(ctx context.Context, n int, line string) (acknowledged bool, err error)
	// answered waits until everybody who typed sees an answer.
	answered(ctx context.Context) error
}

// discordCrowd is at Discord, each with their latest command.
type discordCrowd struct {
	*world

	typed [people]*fakediscord.Interaction
}

func (w *world) crowdAtDiscord() *discordCrowd {
	for n := range people {
		w.writers = append(w.writers, `"discord:user:`+w.discord.User(nameOf(n))+`"`)
	}
	return &discordCrowd{world: w}
}

func (c *discordCrowd) door() string {
	if c.signed {
		return "Discord HTTP"
	}
	return "Discord gateway"
}

func (c *discordCrowd) types(ctx context.Context, n int, line string) (bool, error) {
	in, err := c.discord.Slash(nameOf(n), c.channel, line) //nolint:contextcheck // sent by Discord, not by us
	if err != nil {
		return false, err
	}
	if _, err = in.Response(ctx); errors.Is(err, fakediscord.ErrNoResponse) {
		return false, nil
	}
	c.typed[n] = in
	return err == nil, err
}

func (c *discordCrowd) answered(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for n, in := range c.typed {
		if in == nil {
			continue
		}
		if _, err := in.Settled(ctx); err != nil {
			return fmt.Errorf("person %d has no answer: %w", n, err)
		}
	}
	c.typed = [people]*fakediscord.Interaction{}
	return nil
}

// slackCrowd is at Slack, each in a channel of their own: in one, the answers
// would take turns of a second.
type slackCrowd struct {
	*world

	ids, channels [people]string
	owed          int // answers in each channel
}

func (w *world) crowdAtSlack() *slackCrowd {
	w.team = w.slack.AddWorkspace("crowd", "chat:write", "commands", "channels:history", "channels:read")
	w.alerts = w.team.AddChannel("alerts")
	c := &slackCrowd{world: w}
	for n := range people {
		c.ids[n], c.channels[n] = w.team.AddUser(nameOf(n)), w.team.AddChannel("room-of-"+nameOf(n))
		w.writers = append(w.writers, `"slack:user:`+c.ids[n]+`"`)
	}
	return c
}

func (c *slackCrowd) door() string {
	if c.signed {
		return "Slack HTTP"
	}
	return "Slack Socket Mode"
}

func (c *slackCrowd) types(_ context.Context, n int, line string) (bool, error) {
	r, err := c.slack.Slash(c.ids[n], c.channels[n], line)
	return r.Acked, err
}

func (c *slackCrowd) answered(ctx context.Context) error {
	c.owed++
	return until(ctx, time.Minute, 50*time.Millisecond, "answered", func() bool {
		return !slices.ContainsFunc(c.channels[:], func(channel string) bool { return len(c.slack.Messages(channel)) < c.owed })
	})
}

// writersLine lets the crowds post.
func (w *world) writersLine() string {
	if len(w.writers) == 0 {
		return ""
	}
	return "access: {write: [" + strings.Join(w.writers, ", ") + "]}\n"
}
