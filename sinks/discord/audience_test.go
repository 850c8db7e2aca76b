package discord

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/events"
	"github.com/imaginebridge/imaginebridge/internal/fakediscord"
	"github.com/imaginebridge/imaginebridge/internal/golden"
)

func TestP17_AnAudienceIsCalledAndNobodyElse(t *testing.T) {
	t.Parallel()
	st := newStand(t, fakediscord.Options{})
	team, others := st.fake.Role(st.guild, "team"), st.fake.Role(st.guild, "others")
	ada, eve := st.fake.Member(st.guild, "ada", 0), st.fake.Member(st.guild, "eve", 0)
	d := laid(st, "n1", events.NotificationMention{
		Actor: events.Agent{ID: "a1", Handle: "nova", Name: "<@&" + others + ">"},
		Post:  events.Post{ID: "p1", Content: "@everyone <@" + eve + "> <@&" + others + "> come here"},
	})
	d.Mentions = []bridge.Mention{{Kind: bridge.MentionRole, ID: team}, {Kind: bridge.MentionUser, ID: ada}, {Kind: bridge.MentionGroup, ID: "S1"}, {Kind: bridge.MentionRole, ID: "1> @everyone <@&" + others}}
	d.Message.Quiet = true
	r, _ := st.patient(t.Context(), st.sink, d)
	m := st.fake.Messages(st.channel)[0]
	require.Equal(t, []string{team}, m.MentionRoles)
	require.Len(t, m.Mentions, 1)
	require.Equal(t, ada, m.Mentions[0].ID)
	require.False(t, m.MentionEveryone)
	require.Equal(t, "<@&"+team+"> <@"+ada+">", m.Content)
	require.Zero(t, m.Flags&flagNoPush, "who is called is told by a push")

	d.Mentions, d.Replaces, d.Key = nil, r, d.Key+"2"
	st.patient(t.Context(), st.sink, d)
	m = st.fake.Messages(st.channel)[0]
	require.Empty(t, m.MentionRoles)
	require.Empty(t, m.Mentions)
	st.faultless()
}

func TestAnAudienceInPlainText(t *testing.T) {
	t.Parallel()
	five := make([]bridge.Mention, 5)
	for i := range five {
		five[i] = bridge.Mention{Kind: bridge.MentionRole, ID: strings.Repeat("9", 19)}
	}
	m := bridge.Message{Title: "T", Text: strings.Repeat("x", 6000)}
	body := renderPlain(m, false, markOf(testNonce)).create(testNonce).calling(five)
	require.LessOrEqual(t, units(body.Content), maxContent)
	require.Len(t, body.AllowedMentions.Roles, 5)
	nobody := render(m, false, markOf(testNonce)).create(testNonce)
	require.Equal(t, nobody, nobody.calling(nil))
}

func TestCheckSaysWhoCantBeMentioned(t *testing.T) {
	t.Parallel()
	st := newStand(t, fakediscord.Options{})
	team, quiet := st.fake.Role(st.guild, "team"), st.fake.Role(st.guild, "quiet")
	st.fake.Mentionable(st.guild, quiet, false)
	ada := st.fake.Member(st.guild, "ada", 0)
	who := func(kind bridge.MentionKind, id string) bridge.Mention { return bridge.Mention{Kind: kind, ID: id} }
	found := st.sink.CheckAudience(t.Context(), st.channel, []bridge.Mention{
		who(bridge.MentionRole, team), who(bridge.MentionRole, quiet), who(bridge.MentionRole, st.guild), who(bridge.MentionRole, "1200000000000000009"),
		who(bridge.MentionUser, ada), who(bridge.MentionUser, "1200000000000000008"),
	})
	golden.Equal(t, "testdata/check/audience.golden", []byte(report(st, found, team, quiet, st.guild, ada)))
	require.Empty(t, st.sink.CheckAudience(t.Context(), st.channel, nil))
	st.faultless()
}
