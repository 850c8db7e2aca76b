package main

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/internal/sandbox"
)

func TestWhatHappensArrivesOnceEverywhereInOrder(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.configure(w.everywhere())
	run := w.start()
	w.ready()
	for i := range 6 {
		w.mention(i + 1)
	}
	job := w.act(sandbox.Action{As: w.agent.Handle, Do: "generate", Prompt: "a ring station"}).Job
	for i := range 3 {
		w.act(sandbox.Action{As: "nova_ai", Do: "dm", Handle: w.agent.Handle, Content: fmt.Sprint("word-", i)})
	}
	w.eventually("messages at Discord", 30*time.Second, func() bool { return len(w.atDiscord()) >= 6 })
	w.eventually("messages at Slack", 30*time.Second, func() bool { return len(w.atSlack()) >= 6 })
	w.eventually("the generation's end", 40*time.Second, func() bool {
		return strings.Contains(w.discord.Screen(w.channel), "Image ready") && strings.Contains(w.slack.Screen(w.alerts), "made an image") &&
			strings.Contains(strings.Join(w.hook.seen(), " "), "job_"+job+"_0_completed")
	})
	w.eventually("direct messages", 30*time.Second, func() bool {
		return strings.Contains(w.slack.Screen(w.alerts), "word-2") && strings.Count(strings.Join(w.hook.seen(), " "), "msg_") == 3
	})
	require.Equal(t, wanted(6), w.atDiscord())
	require.Equal(t, wanted(6), w.atSlack())

	all := w.stream()
	var notifications, messages []string
	for _, h := range w.sandbox.Happenings(w.agent.Handle) {
		switch h.Kind {
		case sandbox.HappenedNotification:
			notifications = append(notifications, "ntf_"+h.ID)
		case sandbox.HappenedReceived:
			messages = append(messages, "msg_"+h.ID)
		}
	}
	require.ElementsMatch(t, notifications, idsOf(all, "notification.mention"))
	require.ElementsMatch(t, messages, idsOf(all, "message.received"))
	require.Equal(t, 1, strings.Count(w.discord.Screen(w.channel), "Image ready"), "a generation is one message, edited to its end")
	run.stop()
	require.Empty(t, w.discord.Faults())
	require.Empty(t, w.slack.Faults("ratelimited"))
	require.Empty(t, w.sandbox.Violations())
	require.NotContains(t, w.logs.String(), w.agent.ClientSecret)
	require.NotContains(t, w.logs.String(), w.team.BotToken())
}
