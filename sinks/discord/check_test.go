package discord

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/internal/fakediscord"
	"github.com/imaginebridge/imaginebridge/internal/golden"
)

// report writes findings as lines, without the ids and addresses that change.
func report(st *stand, found []Finding, ids ...string) string {
	var b strings.Builder
	for _, f := range found {
		fmt.Fprintf(&b, "%s %s: %s", f.Level, f.Subject, f.Problem)
		if f.Remedy != "" {
			b.WriteString(" → " + f.Remedy)
		}
		b.WriteString("\n")
	}
	out := strings.ReplaceAll(b.String(), strings.TrimPrefix(st.fake.URL(), "http://"), "HOST")
	for i, id := range ids {
		out = strings.ReplaceAll(out, id, fmt.Sprintf("ID%d", i+1))
	}
	return out
}

func TestCheckSaysWhatIsWrongAndWhereToClick(t *testing.T) {
	t.Parallel()
	without := func(bits ...permission) uint64 {
		have := uint64(InstallPermissions)
		for _, p := range bits {
			have &^= p.bit
		}
		return have
	}
	for name, tc := range map[string]struct {
		fake  fakediscord.Options
		with  func(*Options)
		setup func(*stand) []string
	}{
		"all well":            {setup: func(st *stand) []string { return []string{st.channel} }},
		"token of other form": {with: func(o *Options) { o.Token = func() string { return "Bot abc" } }},
		"wrong token":         {setup: func(st *stand) []string { st.fake.RevokeToken(); return nil }},
		"wrong application":   {with: func(o *Options) { o.ApplicationID = "123" }},
		"intent off":          {with: func(o *Options) { o.MessageContent = true }},
		"intent on":           {fake: fakediscord.Options{MessageContent: true}, with: func(o *Options) { o.MessageContent = true }},
		"few identifies":      {fake: fakediscord.Options{Identifies: 7}},
		"shards":              {fake: fakediscord.Options{Shards: 2}},
		"clock":               {setup: func(st *stand) []string { st.fake.Skew(10 * time.Minute); return nil }},
		"no such channel":     {setup: func(*stand) []string { return []string{"1200000000000000009"} }},
		"channel by name":     {setup: func(*stand) []string { return []string{"#general"} }},
		"voice": {setup: func(st *stand) []string {
			return []string{st.fake.ChannelOf(st.guild, "talk", fakediscord.ChannelVoice)}
		}},
		"forum": {setup: func(st *stand) []string {
			return []string{st.fake.ChannelOf(st.guild, "forum", fakediscord.ChannelForum)}
		}},
		"may not see": {setup: func(st *stand) []string {
			st.fake.SetPermissions(st.channel, without(viewChannel))
			return []string{st.channel}
		}},
		"may not send": {setup: func(st *stand) []string {
			st.fake.SetPermissions(st.channel, without(sendMessages, embedLinks))
			return []string{st.channel}
		}},
		"B54 may not send in threads": {setup: func(st *stand) []string {
			st.fake.SetPermissions(st.channel, without(sendInThreads))
			return []string{st.channel}
		}},
		"locked thread": {setup: func(st *stand) []string {
			r, err := st.sink.Send(st.Context(), direct(st, "m1", "hi"))
			require.NoError(st, err)
			st.fake.Lock(r.Thread, true)
			return []string{r.Thread}
		}},
		"twice and a DM": {setup: func(st *stand) []string { return []string{st.channel, st.fake.DM("grace"), st.channel} }},
		"gateway asks for a pause": {setup: func(st *stand) []string {
			st.fake.Inject(fakediscord.Rule{Route: "GET /gateway/bot", Effect: fakediscord.RateLimited("user", 1500*time.Millisecond)})
			return []string{st.channel}
		}},
		"server trouble": {setup: func(st *stand) []string {
			st.fake.Inject(fakediscord.Rule{Route: "GET /guilds/{guild_id}/roles", Effect: fakediscord.Status(http.StatusBadGateway)})
			return []string{st.channel}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var with []func(*Options)
			if tc.with != nil {
				with = append(with, tc.with)
			}
			st := newStand(t, tc.fake, with...)
			var channels []string
			if tc.setup != nil {
				channels = tc.setup(st)
			}
			found := st.sink.Check(t.Context(), channels...)
			golden.Equal(t, "testdata/check/"+strings.ReplaceAll(name, " ", "_")+".golden", []byte(report(st, found, channels...)))
			st.faultless()
		})
	}
}

func TestCheckOfAServerThatIsNotThere(t *testing.T) {
	t.Parallel()
	st := newStand(t, fakediscord.Options{})
	st.fake.Close()
	found := st.sink.Check(t.Context(), st.channel)
	require.Len(t, found, 1)
	require.Equal(t, Failure, found[0].Level)
	require.Contains(t, found[0].Problem, "connection refused")
	require.NotContains(t, fmt.Sprint(found), secretToken)
}

func TestPermissionsAreThoseThatDiscordComputes(t *testing.T) {
	t.Parallel()
	roles := []role{{ID: "1", Permissions: 1}, {ID: "2", Permissions: 2}, {ID: "3", Permissions: bits(administrator)}}
	for name, tc := range map[string]struct {
		mine       []flexID
		overwrites []overwrite
		want       uint64
	}{
		"everyone":               {want: 1},
		"role":                   {mine: []flexID{"2"}, want: 3},
		"administrator":          {mine: []flexID{"3"}, overwrites: []overwrite{{ID: "9", Type: 1, Deny: 3}}, want: everyPermitted},
		"everyone denied":        {mine: []flexID{"2"}, overwrites: []overwrite{{ID: "1", Deny: 1}}, want: 2},
		"role beats everyone":    {mine: []flexID{"2"}, overwrites: []overwrite{{ID: "2", Allow: 4}, {ID: "1", Deny: 4}}, want: 7},
		"other role":             {mine: []flexID{"2"}, overwrites: []overwrite{{ID: "3", Deny: 3}}, want: 3},
		"member beats roles":     {mine: []flexID{"2"}, overwrites: []overwrite{{ID: "9", Type: 1, Deny: 2}, {ID: "2", Allow: 2}}, want: 1},
		"member of another name": {overwrites: []overwrite{{ID: "8", Type: 1, Allow: 8}}, want: 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, tc.want, permissionsIn("1", "9", tc.mine, roles, tc.overwrites))
		})
	}
}

func TestCheckNoticesInteractionsThatGoElsewhere(t *testing.T) {
	t.Parallel()
	s := overHTTP(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/api/v10/applications/@me":
			fmt.Fprint(w, `{"id":"1","flags":0,"interactions_endpoint_url":"https://x.example/"}`)
		case "/api/v10/gateway/bot":
			fmt.Fprint(w, `{"url":"ws://gateway.example/","shards":1}`)
		default:
			fmt.Fprint(w, `{"id":1100,"username":"bridge"}`)
		}
	})
	found := s.Check(t.Context())
	require.Len(t, found, 4)
	require.Equal(t, "interactions", found[2].Subject)
	require.Contains(t, found[3].Problem, "wss://", "the token does not travel in clear")
}
