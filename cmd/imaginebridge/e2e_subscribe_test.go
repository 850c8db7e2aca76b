package main

import (
	"encoding/json"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/internal/fakediscord"
)

// subscriber is ann at Discord, who may do everything, and the channel that she
// subscribes.
type subscriber struct {
	*world
	fresh string
}

func newSubscriber(t *testing.T, change ...func(*options)) *subscriber {
	t.Helper()
	w := newWorld(t, append(change, lenient)...)
	guild := w.discord.Guild("Annex")
	s := &subscriber{world: w, fresh: w.discord.Channel(guild, "fresh")}
	w.channel = w.discord.Channel(guild, "agents")
	ann := w.discord.User("ann")
	w.configure("access: {write: [\"discord:user:" + ann + "\"], admin: [\"discord:user:" + ann + "\"]}\n" + w.everywhere())
	return s
}

// says types a line into a channel until Discord offers the command, and returns
// the answer.
func (s *subscriber) says(channel, line string) string {
	s.t.Helper()
	var m *fakediscord.Message
	s.eventually(line, 20*time.Second, func() bool {
		i, err := s.discord.Slash("ann", channel, line)
		if err != nil {
			return false
		}
		r, err := i.Settled(s.t.Context())
		require.NoError(s.t, err)
		m = r.Message
		return m != nil && !strings.Contains(m.Content, "No agent is connected")
	})
	return textOf(s.t, m)
}

// answers presses a button under an answer, and waits until it says so.
func (s *subscriber) answers(channel, message, label, want string) {
	s.t.Helper()
	i, err := s.discord.Click("ann", channel, message, label)
	require.NoError(s.t, err)
	s.eventually(want, 20*time.Second, func() bool {
		r, err := i.Settled(s.t.Context())
		return err == nil && strings.Contains(textOf(s.t, r.Message), want)
	})
}

func textOf(t *testing.T, m *fakediscord.Message) string {
	t.Helper()
	embeds, err := json.Marshal(m.Embeds)
	require.NoError(t, err)
	return m.Content + string(embeds)
}

// arrived are the numbered texts in a channel, in order.
func (s *subscriber) arrived(channel string) []string {
	var out []string
	for _, m := range s.discord.Messages(channel) {
		out = append(out, number.FindString(textOf(s.t, &m)))
	}
	return texts(out)
}

func (s *subscriber) shows(channel string, want ...int) {
	s.t.Helper()
	var all []string
	for _, n := range want {
		all = append(all, numbered(n))
	}
	s.eventually("what the channel shows", 20*time.Second, func() bool { return slices.Equal(s.arrived(channel), all) })
}

func TestAPersonSubscribesAChannelAndSteersIt(t *testing.T) {
	t.Parallel()
	s := newSubscriber(t)
	run := s.start()
	s.ready()

	require.Contains(t, s.says(s.fresh, "/ia subscribe add preset:public"), "Subscribed: public.")
	s.mention(1)
	s.shows(s.fresh, 1)

	require.Contains(t, s.says(s.fresh, "/ia subscribe pause subscription:public"), "Paused: public.")
	s.eventually("the lane is paused", 10*time.Second, func() bool {
		return strings.Contains(s.says(s.fresh, "/ia subscribe show subscription:public"), "paused")
	})
	s.mention(2)
	s.mention(3)
	s.shows(s.channel, 1, 2, 3) // another lane goes on
	require.Equal(t, []string{numbered(1)}, s.arrived(s.fresh))
	require.Contains(t, s.says(s.fresh, "/ia subscribe resume subscription:public"), "It goes on: public.")
	s.shows(s.fresh, 1, 2, 3)

	require.Contains(t, s.says(s.fresh, "/ia subscribe replay subscription:public since:1h"), "3 events to send")
	s.shows(s.fresh, 1, 2, 3, 1, 2, 3)

	run.stop()
	run = s.start()
	s.ready()
	s.mention(4)
	s.shows(s.fresh, 1, 2, 3, 1, 2, 3, 4)

	// Removing asks first.
	i, err := s.discord.Slash("ann", s.fresh, "/ia subscribe remove subscription:public")
	require.NoError(t, err)
	r, err := i.Settled(t.Context())
	require.NoError(t, err)
	require.Contains(t, r.Message.Content, "Remove this subscription?")
	s.answers(s.fresh, r.Message.ID, "Yes, do it", "Removed: public.")
	s.mention(5)
	s.shows(s.channel, 1, 2, 3, 4, 5)
	require.Len(t, s.arrived(s.fresh), 7)
	run.stop()
	require.Empty(t, s.discord.Faults())
}

func TestAnotherProcessFollowsASubscription(t *testing.T) {
	t.Parallel()
	s := newSubscriber(t)
	s.natsURL = natsServer(t).ClientURL()
	s.configure("access: {write: [\"discord:user:" + s.discord.User("ann") + "\"]}\n" + s.everywhere())
	s.extra = append(s.extra, sharedKey) // the store is sealed with one key
	first := s.start()
	s.ready()
	require.Contains(t, s.says(s.fresh, "/ia subscribe add preset:public"), "Subscribed: public.")
	s.mention(1)
	s.shows(s.fresh, 1)
	second := s.startWith([]string{"IMAGINEBRIDGE_LISTEN=" + freeAddress(t), "IMAGINEBRIDGE_DATA_DIR=" + filepath.Join(s.dir, "other")})
	s.eventually("its share", 20*time.Second, func() bool { return strings.Contains(second.logs.String(), "took a shard") })
	s.mention(2)
	s.shows(s.fresh, 1, 2)
	first.kill()
	s.mention(3)
	s.shows(s.fresh, 1, 2, 3) // whoever fed the lane before
	second.stop()
}

func TestSubscriptionsFromTheTerminal(t *testing.T) {
	t.Parallel()
	s := newSubscriber(t)
	type terminal func(want string, code int, args ...string) string
	types := terminal(func(want string, code int, args ...string) string {
		t.Helper()
		out, errs, got := s.output(append([]string{"subscriptions"}, append(args, "--config", s.file())...)...)
		require.Equal(t, code, got, "%v: %s%s", args, out, errs)
		require.Contains(t, out+errs, want, "%v", args)
		return out
	})
	types("No bridge is running here.", 1, "add", "preset=public", "to=discord:"+s.fresh)
	types("NAME", 0, "list")

	run := s.start()
	s.ready()
	types("to is required", 2, "add", "preset=public")
	types("Everybody in that channel will read the direct messages", 2, "add", "preset=dms", "to=discord:"+s.fresh)
	types("Subscribed: news.", 0, "add", "preset=public", "to=discord:"+s.fresh, "name=news")
	types("did you mean", 2, "add", "events=notification.like", "filter=data.actor.verfied", "to=console")
	s.mention(1)
	s.shows(s.fresh, 1)
	types("It would have sent 1 event", 0, "preview", "news")
	var item struct {
		Event struct{ Items []struct{ ID string } }
	}
	out := types("ntf_", 0, "preview", "news", "--json")
	require.NoError(t, json.Unmarshal([]byte(strings.Replace(out, `"result"`, `"event"`, 1)), &item))
	s.eventually("what became of it is stored", 10*time.Second, func() bool {
		out, _, _ := s.output("subscriptions", "why", item.Event.Items[0].ID, "subscription=news", "--config", s.file())
		return strings.Contains(out, "news sent it to discord:"+s.fresh)
	})
	types("Not done: d is from the configuration file.", 1, "edit", "d", "digest=1h")
	types("Changed: news.", 0, "edit", "news", `filter=type != "mention"`)
	types("Its filter held back 1 event", 0, "preview", "news")
	types("Sent to discord:"+s.fresh, 0, "test", "news")
	types("--yes", 2, "remove", "news")
	types("Removed: news.", 0, "remove", "news", "--yes")
	require.NotContains(t, types("NAME", 0, "list"), "news")
	run.stop()
	require.Empty(t, s.discord.Faults())
}
