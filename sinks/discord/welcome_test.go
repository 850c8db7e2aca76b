package discord

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/bridge/command"
	"github.com/imaginebridge/imaginebridge/internal/fakediscord"
	"github.com/imaginebridge/imaginebridge/internal/golden"
)

// registering is a stand that keeps its guilds, and its first guild known.
func registering(t *testing.T, fo fakediscord.Options, change ...func(*Options)) (*stand, *book) {
	t.Helper()
	b := newBook()
	st := newStand(t, fo, append([]func(*Options){func(o *Options) {
		o.Workspaces, o.Commands = b, &desk{records: map[string]command.Answer{}}
	}}, change...)...)
	st.run()
	st.connected()
	st.eventually("the guild is known", func() bool { return b.get(st.guild).Name != "" })
	return st, b
}

// added makes a guild with a channel of that name and adds the bot.
func (st *stand) added(name string, channels ...string) (guild string, ids []string) {
	st.Helper()
	guild = st.fake.Found(name)
	for _, c := range channels {
		ids = append(ids, st.fake.Channel(guild, c))
	}
	st.fake.Install(guild, fakediscord.DefaultPermissions)
	return guild, ids
}

func (st *stand) await(channel string, n int) []fakediscord.Message {
	st.Helper()
	ctx, cancel := context.WithTimeout(st.Context(), 40*time.Second)
	defer cancel()
	got := st.fake.Await(ctx, channel, n)
	require.Len(st, got, n)
	return got
}

// Install, remove, outage, rejoin: the right states, and one welcome (test 38 of
// the sink's list).
func TestWelcomeOnceForEver(t *testing.T) {
	t.Parallel()
	st, b := registering(t, fakediscord.Options{})
	require.Zero(t, b.get(st.guild).Joined, "it was there before us")
	guild, halls := st.added("new", "lobby", "other")
	welcome := st.await(halls[0], 1)[0]
	require.Contains(t, welcome.Content, "Hello!")
	require.Equal(t, "Set up", welcome.Components[0].Components[0].Label)
	r := b.get(guild)
	require.Equal(t, "new", r.Name)
	require.False(t, r.Joined.IsZero() || r.Welcomed.IsZero() || !r.Left.IsZero())

	st.fake.Outage(guild, true)
	st.fake.Outage(guild, false)
	st.eventually("it is back", st.changed(Change{Kind: Altered, Guild: guild}))
	require.Zero(t, b.get(guild).Left, "an outage is no goodbye")

	st.fake.Remove(guild)
	st.eventually("gone", func() bool { return !b.get(guild).Left.IsZero() })
	require.True(t, st.changed(Change{Kind: Removed, Guild: guild})())
	st.fake.Install(guild, fakediscord.DefaultPermissions)
	st.eventually("back again", func() bool { return b.get(guild).Left.IsZero() })
	require.Equal(t, r.Welcomed, b.get(guild).Welcomed)

	// A later guild's welcome comes after whatever else would have been said.
	_, later := st.added("later", "lobby")
	st.await(later[0], 1)
	require.Len(t, st.fake.Messages(halls[0]), 1)
	require.Empty(t, st.fake.Messages(halls[1]))
	require.Empty(t, st.fake.Messages(st.channel), "nobody is greeted who was there before")
	st.faultless()
}

func TestWelcomeGoesWhereTheBotMayWrite(t *testing.T) {
	t.Parallel()
	st, b := registering(t, fakediscord.Options{})
	guild := st.fake.Found("closed lobby")
	st.fake.SettleGuild(guild, "de")
	st.fake.ChannelOf(guild, "talk", fakediscord.ChannelVoice)
	lobby, second := st.fake.Channel(guild, "lobby"), st.fake.Channel(guild, "second")
	st.fake.SetPermissions(lobby, lesser(sendMessages))
	st.fake.Install(guild, fakediscord.DefaultPermissions)
	require.Contains(t, st.await(second, 1)[0].Content, "Hallo!", "in the language of the server")

	silent := st.fake.Found("silent")
	hall := st.fake.Channel(silent, "hall")
	st.fake.SetPermissions(hall, lesser(sendMessages))
	st.fake.Install(silent, fakediscord.DefaultPermissions)
	st.eventually("it is known", func() bool { return !b.get(silent).Joined.IsZero() })
	_, later := st.added("later", "lobby")
	st.await(later[0], 1)
	for _, r := range st.fake.Requests() {
		require.NotEqual(t, http.StatusForbidden, r.Status, "nothing is tried that can't be")
		require.NotEqual(t, "POST /users/@me/channels", r.Route, "nobody gets a direct message")
	}
	st.faultless()
}

// Whatever happens while no process looks is made up for when one does: who was
// added is welcomed, who was removed rests.
func TestGuildsAreComparedAtTheStart(t *testing.T) {
	t.Parallel()
	st, b := registering(t, fakediscord.Options{})
	gone, _ := st.added("gone", "lobby")
	st.eventually("known", func() bool { return !b.get(gone).Welcomed.IsZero() })
	st.stop()
	st.fake.Remove(gone)
	added, halls := st.added("added", "lobby")
	st.run()
	require.Contains(t, st.await(halls[0], 1)[0].Content, "Hello!")
	require.False(t, b.get(added).Joined.IsZero())
	require.False(t, b.get(gone).Left.IsZero())
	require.True(t, st.changed(Change{Kind: Removed, Guild: gone})())
	st.stop()
	st.fake.Install(gone, fakediscord.DefaultPermissions)
	st.run()
	st.eventually("back", func() bool { return b.get(gone).Left.IsZero() })
	st.faultless()
}

// Two processes may both hear of a guild for a moment: one of them welcomes it.
func TestWelcomeOnceByTwoProcesses(t *testing.T) {
	t.Parallel()
	st, b := registering(t, fakediscord.Options{})
	notes := newLooseNotes()
	other, err := New(Options{
		Token: func() string { return secretToken }, APIURL: st.fake.URL(), Workspaces: b, Notes: notes,
		Commands: &desk{records: map[string]command.Answer{}},
	})
	require.NoError(t, err)
	other.times = st.sink.times
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); _ = other.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-done })
	st.eventually("both listen", func() bool { return st.fake.Sessions() == 2 })
	st.eventually("both were here before", func() bool { met, err := notes.Note(t.Context(), metNote); return err == nil && met != nil })
	var all []string
	for _, name := range []string{"one", "two", "three"} {
		_, ids := st.added(name, "lobby")
		all = append(all, ids...)
	}
	for _, id := range all {
		st.await(id, 1)
	}
	posts := 0
	for _, r := range st.fake.Requests() {
		if r.Route == "POST /channels/{channel_id}/messages" {
			posts++
		}
	}
	require.Equal(t, len(all), posts)
}

func TestWelcomeGolden(t *testing.T) {
	t.Parallel()
	for _, locale := range []string{"en-US", "de"} {
		st, _ := registering(t, fakediscord.Options{})
		guild := st.fake.Found("new")
		st.fake.SettleGuild(guild, locale)
		hall := st.fake.Channel(guild, "lobby")
		st.fake.Install(guild, fakediscord.DefaultPermissions)
		st.await(hall, 1)
		golden.Equal(t, "testdata/wizard/welcome."+locale+".golden", []byte(st.fake.Screen(hall)))
		st.stop()
	}
}

// lesser are the bot's usual permissions without some.
func lesser(gone ...permission) uint64 {
	have := uint64(fakediscord.DefaultPermissions)
	for _, p := range gone {
		have &^= p.bit
	}
	return have
}

// F57: removed from a server, a message for it costs one request and says what to
// do; added again it goes through.
func TestF57_RemovedFromTheServer(t *testing.T) {
	t.Parallel()
	st, b := registering(t, fakediscord.Options{})
	st.fake.Remove(st.guild)
	st.eventually("gone", func() bool { return !b.get(st.guild).Left.IsZero() })
	about := func() (n int) {
		for _, r := range st.fake.Requests() {
			if r.Channel == st.channel {
				n++
			}
		}
		return n
	}
	_, err := st.sink.Send(t.Context(), delivery(st, "ntf_1"))
	e, ok := errors.AsType[*bridge.SendError](err)
	require.True(t, ok)
	require.Equal(t, bridge.Gone, e.Verdict)
	require.NotEmpty(t, e.Advice)
	require.Equal(t, 1, about())
	st.fake.Install(st.guild, fakediscord.DefaultPermissions)
	st.eventually("told that it is back", st.changed(Change{Kind: Joined, Guild: st.guild}))
	st.eventually("noted", func() bool { return b.get(st.guild).Left.IsZero() })
	_, err = st.sink.Send(t.Context(), delivery(st, "ntf_1"))
	require.NoError(t, err)
}
