package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"time"

	"github.com/imaginebridge/imaginebridge/bench/check"
	"github.com/imaginebridge/imaginebridge/internal/fakediscord"
)

// asked is one command of a person: to post a text that no other post has.
type asked struct {
	text, door string
	channel    string // of its own, so that every answer there is its answer
	at         time.Time
	taken      bool
	discord    *fakediscord.Interaction
}

// ask lets people post through chat until ctx ends.
func (w *world) ask(ctx context.Context, dice *rand.Rand) error {
	var under sync.WaitGroup
	defer under.Wait()
	for n := 1; ctx.Err() == nil; n++ {
		pause(ctx, between(dice, 2*time.Second, 8*time.Second))
		c := &asked{text: fmt.Sprintf("said-%06d", n), door: lineDiscord}
		if dice.IntN(2) == 0 {
			c.door = lineSlack
		}
		agent := w.agents[dice.IntN(len(w.agents))].Handle
		under.Go(func() { w.say(ctx, c, agent) })
	}
	return nil
}

// say types a command and notes whether it was taken. One that the platform could
// not even send, since nobody listens, is not noted: the person saw that at once.
func (w *world) say(ctx context.Context, c *asked, agent string) {
	line := fmt.Sprintf("/ia post create text:%s agent:%s", c.text, agent)
	if c.at = time.Now(); c.door == lineDiscord {
		c.channel = w.discord.Channel(w.asker.guild, c.text)
		in, err := w.discord.Slash("ann", c.channel, line) //nolint:contextcheck // sent by Discord, not by us
		if err != nil {
			return // not even sent
		}
		_, err = in.Response(context.WithoutCancel(ctx)) // which lasts three seconds at most
		c.discord, c.taken = in, !errors.Is(err, fakediscord.ErrNoResponse)
	} else {
		c.channel = w.team.AddChannel(c.text)
		r, err := w.slack.Slash(w.asker.slack, c.channel, line)
		if err != nil {
			return
		}
		c.taken = r.Acked
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.commands = append(w.commands, c)
}

// answers are the commands with what became of them at the API, and what was told.
func (w *world) answers(ctx context.Context) []check.Command {
	effects := map[string]int{}
	for _, p := range w.sandbox.State().Posts {
		effects[p.Content]++
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	var out []check.Command
	for _, c := range w.commands {
		words := w.wordsIn(c.channel)
		if c.discord != nil && c.taken {
			words += w.wordsOf(ctx, c.discord)
		}
		out = append(out, check.Command{
			ID: c.text, Door: "commands, " + c.door, Asked: c.at, Taken: c.taken, Told: toldBy(words), Effects: effects[c.text],
		})
	}
	return out
}

// wordsOf is what the person sees as the answer at Discord, once it is one.
func (w *world) wordsOf(ctx context.Context, in *fakediscord.Interaction) string {
	now, cancel := context.WithTimeout(ctx, time.Millisecond) // it is there, or it is not
	defer cancel()
	r, err := in.Settled(now)
	if err != nil || r.Message == nil {
		return ""
	}
	b, err := json.Marshal(r.Message)
	if err != nil {
		return ""
	}
	return string(b)
}

// wordsIn are the messages of a channel.
func (w *world) wordsIn(channel string) (words string) {
	for _, m := range w.slack.Messages(channel) {
		words += m.Text + string(m.Blocks)
	}
	for _, m := range w.discord.Messages(channel) {
		if b, err := json.Marshal(m); err == nil {
			words += string(b)
		}
	}
	return words
}

// toldBy reads what an answer means. "Not posted" is said first where it is so.
func toldBy(words string) check.Told {
	switch {
	case words == "":
		return check.ToldNothing
	case strings.Contains(words, "can't tell"), strings.Contains(words, "can’t tell"):
		return check.ToldUnknown
	case strings.Contains(words, "Posted as"):
		return check.ToldDone
	}
	return check.ToldNotDone
}
