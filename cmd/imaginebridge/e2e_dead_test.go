package main

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/internal/fakediscord"
	"github.com/imaginebridge/imaginebridge/internal/sandbox"
)

// dead asks the running bridge for its dead letters, as programs do.
func (w *world) dead() []struct {
	ID           uint64 `json:"id"`
	Subscription string `json:"subscription"`
	Reason       string `json:"reason"`
} {
	w.t.Helper()
	out, errs, code := w.output("dead", "list", "--json", "--config", w.file())
	require.Zero(w.t, code, out+errs)
	var got struct {
		Result struct {
			Items []struct {
				ID           uint64 `json:"id"`
				Subscription string `json:"subscription"`
				Reason       string `json:"reason"`
			} `json:"items"`
		} `json:"result"`
	}
	require.NoError(w.t, json.Unmarshal([]byte(out), &got), out)
	return got.Result.Items
}

const moderated = 200000 // Discord: a message that AutoMod blocked

func TestF74_DeadLettersAreSentAgainFromTheTerminal(t *testing.T) {
	t.Parallel()
	w := newWorld(t, lenient)
	w.configure(w.everywhere())
	out, errs, code := w.output("dead", "list", "--config", w.file())
	require.Equal(t, 1, code, out)
	require.Contains(t, errs, "No bridge is running here")
	refused := w.discord.Inject(fakediscord.Rule{
		Route: "POST /channels/{channel_id}/messages", Effect: fakediscord.Refuse(moderated),
		Match: func(r fakediscord.Request) bool {
			return strings.Contains(string(r.Body), numbered(2)) || strings.Contains(string(r.Body), numbered(4))
		},
	})
	run := w.start()
	w.ready()
	for i := range 5 {
		w.mention(i + 1)
	}
	w.eventually("the others", 30*time.Second, func() bool { return len(w.atDiscord()) == 3 })
	var letters []uint64
	w.eventually("two dead letters", 20*time.Second, func() bool {
		letters = nil
		for _, l := range w.dead() {
			require.Equal(t, "d", l.Subscription)
			require.Contains(t, l.Reason, "moderation blocked")
			letters = append(letters, l.ID)
		}
		return len(letters) == 2
	})
	out, _, code = w.output("dead", "show", strconv.FormatUint(letters[0], 10), "--config", w.file())
	require.Zero(t, code)
	require.Contains(t, out, "moderation blocked")
	_, errs, code = w.output("dead", "replay", "999999", "--config", w.file())
	require.NotZero(t, code)
	require.Contains(t, errs, `No dead letter 999999; "imaginebridge dead list" shows 2.`)

	// Refused again it stays; once Discord takes it, it is sent and leaves.
	before := refused.Hits()
	_, errs, code = w.output("dead", "replay", strconv.FormatUint(letters[0], 10), "--config", w.file())
	require.Zero(t, code, errs)
	w.eventually("another refusal", 20*time.Second, func() bool { return refused.Hits() > before })
	require.Len(t, w.dead(), 2)
	refused.Stop()
	_, errs, code = w.output("dead", "replay", "all", "--subscription", "d", "--config", w.file())
	require.Zero(t, code, errs)
	w.eventually("both at Discord", 30*time.Second, func() bool { return len(w.atDiscord()) == 5 })
	w.eventually("no dead letter left", 20*time.Second, func() bool { return len(w.dead()) == 0 })
	require.ElementsMatch(t, wanted(5), w.atDiscord())
	run.stop()
	require.Len(t, w.discord.Messages(w.channel), 5, "each once")
}

func TestF21_TheOwnerHearsOfASuspensionInAnotherChannel(t *testing.T) {
	t.Parallel()
	w := newWorld(t, lenient)
	w.configure(fmt.Sprintf(`subscriptions:
  - {name: d, events: ["notification.*"], to: "discord:%s", notify: "slack:%s"}
`, w.channel, w.alerts))
	w.discord.SetPermissions(w.channel, fakediscord.PermViewChannel)
	run := w.start()
	w.ready()
	w.mention(1)
	w.mention(2)
	told := func() string {
		var all []string
		for _, m := range w.slack.Messages(w.alerts) {
			all = append(all, string(m.Blocks))
		}
		return strings.Join(all, "\n")
	}
	w.eventually("a notice", 30*time.Second, func() bool { return strings.Contains(told(), "Subscription d is suspended") })
	require.Contains(t, told(), "I may not")
	w.discord.SetPermissions(w.channel, 1<<40-1)
	w.eventually("what waited", 30*time.Second, func() bool { return len(w.atDiscord()) == 2 })
	w.eventually("that it works", 30*time.Second, func() bool { return strings.Contains(told(), "Subscription d works again") })
	require.Len(t, w.slack.Messages(w.alerts), 2, "once each")
	run.stop()
}

func TestF28_WhatWaitedForTheProgramComesAsDigests(t *testing.T) {
	t.Parallel()
	w := newWorld(t, lenient)
	w.configure(w.everywhere())
	run := w.start()
	w.ready()
	post := w.act(sandbox.Action{As: w.agent.Handle, Do: "post", Content: "Docking ring done"}).Post
	w.mention(1)
	w.eventually("a first one", 30*time.Second, func() bool { return len(w.atDiscord()) == 1 && len(w.hook.seen()) == 1 })
	down := w.discord.Inject(fakediscord.Rule{Route: "POST /channels/{channel_id}/messages", Effect: fakediscord.Status(503)})
	for range 60 {
		w.act(sandbox.Action{As: "nova_ai", Do: "comment", Post: post, Content: "How heavy is it?"})
	}
	w.mention(2)
	w.eventually("all at the webhook, one by one", 40*time.Second, func() bool { return len(w.hook.seen()) == 62 })
	run.stop()
	down.Stop()
	run = w.start()
	w.eventually("all at Discord", 60*time.Second, func() bool {
		all, err := json.Marshal(w.discord.Messages(w.channel))
		require.NoError(t, err)
		return strings.Count(string(all), "How heavy is it?") >= 60
	})
	run.stop()
	require.Len(t, w.discord.Messages(w.channel), 2+1+3, "a mention each, the comment in doubt, and the others in three digests")
	require.Equal(t, wanted(2), w.atDiscord(), "the second mention went before the digests")
}
