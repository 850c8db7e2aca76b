package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/internal/sandbox"
)

// A copy taken under load, and restored after its original went on for a while:
// nothing is sent twice, and nothing is lost.
func TestF18_RestoreOfARunningBackup(t *testing.T) {
	t.Parallel()
	w := newWorld(t, lenient)
	w.sandbox.AddNotifications(w.agent.Handle, 50, time.Hour)
	w.configure(w.everywhere())
	run := w.start()
	w.ready()
	n := 0
	happen := func(more int) {
		for range more {
			n++
			w.mention(n)
		}
	}
	arrived := func(what string) {
		t.Helper()
		w.eventually(what+": Discord", time.Minute, func() bool { return len(w.atDiscord()) >= n })
		w.eventually(what+": Slack", time.Minute, func() bool { return len(w.atSlack()) >= n })
		w.eventually(what+": webhook", time.Minute, func() bool { return len(w.hook.seen()) >= n })
	}
	happen(3)
	arrived("before the copy")
	happen(4) // on their way while it is made
	file := filepath.Join(w.dir, "state.backup")
	out, errs, code := w.output("backup", file, "--config", w.file())
	require.Zero(t, code, out+errs)
	require.Contains(t, out, "The key that opens the secrets in it")
	info, err := os.Stat(file)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	happen(6) // sent by the original after it
	w.act(sandbox.Action{As: w.agent.Handle, Do: "generate", Prompt: "a ring station"})
	for i := range 3 {
		w.act(sandbox.Action{As: "nova_ai", Do: "dm", Handle: w.agent.Handle, Content: fmt.Sprint("word-", i)})
	}
	arrived("after the copy")
	w.eventually("the talk at Discord", time.Minute, func() bool { return len(w.words()) >= 3 })
	w.eventually("the picture at Discord", time.Minute, func() bool { return strings.Contains(w.discord.Screen(w.channel), "ring station") })
	w.eventually("all at Slack", time.Minute, func() bool {
		screen := w.slack.Screen(w.alerts)
		return strings.Contains(screen, "word-2") && strings.Contains(screen, "ring station")
	})
	run.stop()
	cards, posts := len(w.discord.Messages(w.channel)), len(w.slack.Messages(w.alerts))
	happen(5) // while nobody looks

	_, errs, code = w.output("restore", file, "--config", w.file())
	require.Equal(t, 1, code)
	require.Contains(t, errs, "say --over. Nothing was changed.")
	w.bringBack(file)
	run = w.start()
	w.ready()
	happen(2)
	arrived("after the restore")
	run.stop()
	require.Equal(t, wanted(n), w.atDiscord())
	require.Equal(t, wanted(n), w.atSlack())
	require.Equal(t, slices.Compact(slices.Sorted(slices.Values(w.hook.seen()))), slices.Sorted(slices.Values(w.hook.seen())))
	require.Equal(t, []string{"word-0", "word-1", "word-2"}, w.words(), "in the thread, each once")
	require.Equal(t, cards+7, len(w.discord.Messages(w.channel)), "the picture's card and the talk's head are not made anew") //nolint:testifylint // the messages are too long to be shown
	require.Equal(t, posts+7, len(w.slack.Messages(w.alerts)))                                                                //nolint:testifylint // likewise
	require.Empty(t, w.discord.Faults())
	require.Empty(t, w.slack.Faults("ratelimited"))
}

// Likes folded into one message that was edited after the copy, and digests that
// were sent after it: the restored store tells none of them again, and goes on with the
// number in the message.
func TestF18_RestoreKnowsWhatFoldsAndDigestsTold(t *testing.T) {
	t.Parallel()
	w := newWorld(t, lenient)
	w.configure(fmt.Sprintf(`subscriptions:
  - {name: d, events: ["notification.*"], to: "discord:%s", fold: 1h}
  - {name: s, events: ["notification.*"], to: "slack:%s", fold: 1h}
`, w.channel, w.alerts))
	run := w.start()
	w.ready()
	post := w.act(sandbox.Action{As: w.agent.Handle, Do: "post", Content: "a docking ring"}).Post
	like := func(who string) { w.act(sandbox.Action{As: who, Do: "like", Post: post}) }
	shown := func(text string) {
		t.Helper()
		for place, screen := range map[string]func() string{
			"Discord": func() string { return w.discord.Screen(w.channel) },
			"Slack":   func() string { return w.slack.Screen(w.alerts) },
		} {
			w.eventually(text+" at "+place, time.Minute, func() bool { return strings.Contains(screen(), text) })
		}
	}
	like("nova_ai")
	like("pixel_pilot")
	shown("2 likes")
	file := filepath.Join(w.dir, "state.backup")
	out, errs, code := w.output("backup", file, "--config", w.file())
	require.Zero(t, code, out+errs)
	like("echo_valley")
	shown("3 likes")
	steer := func(verb string) {
		t.Helper()
		for _, name := range []string{"d", "s"} {
			out, errs, code := w.output("subscriptions", verb, name, "--config", w.file())
			require.Zero(t, code, out+errs)
		}
	}
	steer("pause") // what waits then is a line, however quickly the program hears of it
	for n := range 60 {
		w.act(sandbox.Action{As: "nova_ai", Do: "comment", Post: post, Content: numbered(n + 1)})
	}
	w.eventually("the comments in the stream", time.Minute, func() bool { return len(idsOf(w.stream(), "notification.comment")) == 60 })
	steer("resume")
	told := func(n int) {
		t.Helper()
		w.eventually("all at Discord", time.Minute, func() bool { return len(w.toldAtDiscord()) >= n })
		w.eventually("all at Slack", time.Minute, func() bool { return len(w.toldAtSlack()) >= n })
	}
	told(60)
	run.stop()
	cards, posts := len(w.discord.Messages(w.channel)), len(w.slack.Messages(w.alerts))
	require.Less(t, cards, 20, "digests")

	w.bringBack(file)
	run = w.start()
	w.ready()
	like("juno_relay")
	w.mention(61)
	shown("4 likes")
	told(61)
	run.stop()
	require.Equal(t, wanted(61), w.toldAtDiscord(), "each once")
	require.Equal(t, wanted(61), w.toldAtSlack(), "each once")
	require.Equal(t, cards+1, len(w.discord.Messages(w.channel)), "the mention alone is new")                //nolint:testifylint // the messages are too long to be shown
	require.Equal(t, posts+1, len(w.slack.Messages(w.alerts)), "the mention alone is new, the like an edit") //nolint:testifylint // likewise
	require.Empty(t, w.discord.Faults())
	require.Empty(t, w.slack.Faults("ratelimited"))
}

// bringBack restores a backup in the place of the data, with its key.
func (w *world) bringBack(file string) {
	w.t.Helper()
	data := filepath.Join(w.dir, "data")
	require.NoError(w.t, os.Rename(data, data+".gone"))
	out, errs, code := w.output("restore", file, "--config", w.file())
	require.Zero(w.t, code, out+errs)
	require.Contains(w.t, out, "set IMAGINEBRIDGE_KEY to it, or put the file key into the data folder")
	key, err := os.ReadFile(filepath.Join(data+".gone", "key"))
	require.NoError(w.t, err)
	require.NoError(w.t, os.WriteFile(filepath.Join(data, "key"), key, 0o600))
}

// toldAtDiscord are the numbered texts of all messages and digests in the channel, in
// the order of their numbers.
func (w *world) toldAtDiscord() []string {
	var out []string
	for _, m := range w.discord.Messages(w.channel) {
		b, err := json.Marshal(m.Embeds)
		require.NoError(w.t, err)
		out = append(out, number.FindAllString(string(b), -1)...)
	}
	return slices.Sorted(slices.Values(out))
}

// toldAtSlack are those in the channel at Slack.
func (w *world) toldAtSlack() []string {
	var out []string
	for _, m := range w.slack.Messages(w.alerts) {
		out = append(out, number.FindAllString(string(m.Blocks), -1)...)
	}
	return slices.Sorted(slices.Values(out))
}

// words are the direct messages that stand at Discord, in the channel and its threads.
func (w *world) words() []string {
	w.t.Helper()
	var out []string
	for _, place := range slices.Concat([]string{w.channel}, w.discord.Threads(w.channel)) {
		screen := w.discord.Screen(place)
		for i := range 9 {
			for range strings.Count(screen, fmt.Sprint("word-", i)) {
				out = append(out, fmt.Sprint("word-", i))
			}
		}
	}
	return out
}
