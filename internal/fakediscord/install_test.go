package fakediscord_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/internal/fakediscord"
)

// identifyAs identifies as one shard of several.
func (s socket) identifyAs(shard, of int) {
	s.t.Helper()
	s.say(fmt.Sprintf(`{"op":2,"d":{"token":"Bot %s","intents":4609,"shard":[%d,%d],"properties":{"$os":"linux"}}}`, fakediscord.DefaultToken, shard, of))
}

func TestShardsCarryTheirGuilds(t *testing.T) {
	t.Parallel()
	o := often()
	o.Shards = 2
	fake, _ := start(t, o)
	odd := fake.GuildOf("odd", 1, 2)
	for name, tc := range map[string]struct{ shard, of, code int }{
		"none named":   {0, 1, 4011},
		"out of range": {2, 2, 4010},
	} {
		t.Run(name, func(t *testing.T) {
			ws := greeted(t, fake)
			ws.identifyAs(tc.shard, tc.of)
			require.Equal(t, tc.code, ws.code())
		})
	}
	ws := greeted(t, fake)
	ws.identifyAs(1, 2)
	ready := ws.read()
	require.Equal(t, "READY", ready.Name)
	require.Contains(t, string(ready.Data), `"id":"`+odd+`"`)
	require.Equal(t, []string{"1/2"}, fake.Shards())
	fake.SetShards(3)
	require.Equal(t, 4011, ws.code(), "it grew out of two")
	require.Empty(t, fake.Faults())
}

// A bucket of shards may identify once in five seconds; different buckets don't
// wait for each other.
func TestIdentifiesAreSpacedByBucket(t *testing.T) {
	t.Parallel()
	o := quick()
	o.Shards, o.MaxConcurrency = 4, 2
	fake, _ := start(t, o)
	for shard, fault := range []bool{false, false, true} {
		ws := greeted(t, fake)
		ws.identifyAs(shard, 4)
		if !fault {
			require.Equal(t, "READY", ws.read().Name)
			continue
		}
		require.Equal(t, 9, ws.read().Op)
		require.Len(t, fake.Faults(), 1)
		require.Equal(t, "identify-rate", fake.Faults()[0].Rule)
	}
}

func TestInstallLinks(t *testing.T) {
	t.Parallel()
	fake, _ := start(t, quick())
	guild := fake.Found("new")
	hall := fake.Channel(guild, "hall")
	fake.Member(guild, "ada", 1<<5)
	page := "/oauth2/authorize?client_id=" + fakediscord.DefaultApplicationID + "&scope=bot+applications.commands&permissions=309237763136"
	for name, tc := range map[string]struct{ who, link, wrong string }{
		"another application": {"ada", "/oauth2/authorize?client_id=1&scope=bot+applications.commands&permissions=0", "unknown application"},
		"no commands":         {"ada", "/oauth2/authorize?client_id=" + fakediscord.DefaultApplicationID + "&scope=bot&permissions=0", "scopes"},
		"no number":           {"ada", "/oauth2/authorize?client_id=" + fakediscord.DefaultApplicationID + "&scope=bot+applications.commands&permissions=all", "permissions"},
		"a secret besides":    {"ada", page + "&client_secret=x", "client_secret is unknown"},
		"no install link":     {"ada", "/somewhere", "no install link"},
		"a member":            {"bob", page, "doesn't manage"},
	} {
		require.ErrorContains(t, fake.Authorize(tc.who, fake.URL()+tc.link, guild), tc.wrong, name)
	}
	require.Equal(t, http.StatusForbidden, do(t, fake, "GET", "/channels/"+hall, "").status, "not there yet")
	for link, status := range map[string]int{page: http.StatusOK, page + "&x=1": http.StatusBadRequest} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, fake.URL()+link, http.NoBody)
		require.NoError(t, err)
		require.Equal(t, status, send(t, req).status)
	}
	require.NoError(t, fake.Authorize("ada", fake.URL()+page, guild))
	require.Equal(t, http.StatusOK, do(t, fake, "GET", "/channels/"+hall, "").status)
	require.Empty(t, fake.Faults())
}

func TestConsentInABrowser(t *testing.T) {
	t.Parallel()
	fake, _ := start(t, quick())
	guild := fake.Found("new")
	hall := fake.Channel(guild, "hall")
	fake.Guild("has it already")
	page := "/oauth2/authorize?client_id=" + fakediscord.DefaultApplicationID + "&scope=bot+applications.commands&permissions=309237763136"
	press := func(link, guild string) answer {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, fake.URL()+link, strings.NewReader("guild_id="+guild))
		require.NoError(t, err)
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		return send(t, req)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, fake.URL()+page, http.NoBody)
	require.NoError(t, err)
	shown := string(send(t, req).body)
	require.Contains(t, shown, `<option value="`+guild+`">new</option>`)
	require.NotContains(t, shown, "has it already")
	require.Equal(t, http.StatusBadRequest, press(page, "1").status, "no such guild")
	require.Equal(t, http.StatusBadRequest, press(page+"&x=1", guild).status, "no install link")
	require.Equal(t, http.StatusForbidden, do(t, fake, "GET", "/channels/"+hall, "").status, "not there yet")
	require.Equal(t, http.StatusOK, press(page, guild).status)
	require.Equal(t, http.StatusOK, do(t, fake, "GET", "/channels/"+hall, "").status)
}
