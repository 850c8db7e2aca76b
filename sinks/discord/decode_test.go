package discord

import (
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestHeadersOfLimits(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		remaining, after string
		want             limits
		ok               bool
	}{
		"usual":         {"4", "0.57", limits{remaining: 4, resetAfter: 570 * time.Millisecond}, true},
		"used up":       {"0", "5", limits{resetAfter: 5 * time.Second}, true},
		"absurdly long": {"0", "1e300", limits{resetAfter: longestPause}, true},
		"endless":       {"0", "Inf", limits{resetAfter: longestPause}, true},
		"negative":      {"1", "-1", limits{}, false},
		"not a number":  {"1", "NaN", limits{}, false},
		"no reset":      {"1", "", limits{}, false},
		"no remaining":  {"", "1", limits{}, false},
		"less than 0":   {"-1", "1", limits{}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := http.Header{}
			h.Add("X-RateLimit-Remaining", tc.remaining)
			h.Add("X-RateLimit-Remaining", "99") // doubled: the first counts
			h.Set("X-RateLimit-Reset-After", tc.after)
			got, ok := readLimits(h)
			require.Equal(t, tc.ok, ok)
			require.Equal(t, tc.want, got)
		})
	}
}

func FuzzRefusal(f *testing.F) {
	for _, body := range []string{
		`{"message":"Invalid Form Body","code":50035,"errors":{"embeds":{"0":{"fields":{"2":{"value":{"_errors":[{"code":"X","message":"y"}]}}}}}}}`,
		`{"message":"You are being rate limited.","retry_after":0.57,"global":false}`,
		`{"message":"x","retry_after":-1,"global":true,"code":20028}`, `<!doctype html>`, `null`, `[]`, `{"errors":[1]}`, `{"code":"x"}`, "",
	} {
		f.Add(429, "0.5", "user", body)
		f.Add(400, "", "", body)
	}
	f.Fuzz(func(t *testing.T, status int, after, scope, body string) {
		h := http.Header{"Retry-After": {after}, "X-Ratelimit-Scope": {scope}, "X-Ratelimit-Reset-After": {after}, "X-Ratelimit-Remaining": {scope}}
		e := readError(fill("POST", routeMessages, "1"), status, h, []byte(body))
		require.GreaterOrEqual(t, e.After, time.Duration(0))
		require.LessOrEqual(t, e.After, longestPause)
		require.LessOrEqual(t, len(e.Fields), maxPaths)
		require.Less(t, len(e.Error()), 20*maxReason)
		for _, what := range []deed{create, createInThread, edit, thread, look} {
			verdict := judge(e, what, "#x")
			require.GreaterOrEqual(t, verdict.After, time.Duration(0))
		}
		if limits, ok := readLimits(h); ok {
			require.GreaterOrEqual(t, limits.remaining, 0)
			require.LessOrEqual(t, limits.resetAfter, longestPause)
		}
	})
}

func FuzzGatewayEvent(f *testing.F) {
	for kind, data := range map[string]string{
		"READY":               `{"v":10,"session_id":"s","user":{"id":"1100"},"guilds":[{"id":"1200","unavailable":true}],"application":{"id":"1100","flags":565248}}`,
		"MESSAGE_CREATE":      `{"id":"1205","channel_id":"1200","author":{"id":"1100","bot":true},"nonce":"7Qk2mN4xR8sT1vW3yZ5aB6cD0","components":[{"type":99}]}`,
		"GUILD_CREATE":        `{"id":1200,"name":"g","channels":[{"id":"1","type":0,"name":"alerts"}],"threads":[]}`,
		"GUILD_DELETE":        `{"id":"1200","unavailable":true}`,
		"CHANNEL_UPDATE":      `{"id":"1","guild_id":"1200","name":"x","permission_overwrites":null}`,
		"THREAD_DELETE":       `{"id":"1","guild_id":"1200","parent_id":null}`,
		"GUILD_MEMBER_UPDATE": `{"guild_id":"1200","user":{"id":"1100"},"roles":[]}`,
		"GUILD_ROLE_UPDATE":   `{"guild_id":"1200","role":{"id":"2"}}`,
	} {
		f.Add(kind, data)
		f.Add(kind, `{"id":{},"nonce":[1],"author":3}`)
	}
	f.Fuzz(func(t *testing.T, kind, data string) {
		s, err := New(Options{Token: func() string { return "x" }, Watch: func(c Change) {
			require.NotContains(t, []string{c.Guild, c.Channel}, "x")
		}})
		require.NoError(t, err)
		me := "1100"
		s.me.Store(&me)
		c := consumer{Sink: s, known: map[string]bool{}}
		c.take(t.Context(), packet{kind, json.RawMessage(data)})
		c.take(t.Context(), packet{kind, json.RawMessage(data)})
	})
}

func FuzzSeenMessage(f *testing.F) {
	f.Add(`{"id":"1","author":{"id":"2"},"content":"x #ib-7Qk2mN4x>","embeds":[{"url":"https://x#ib-7Qk2mN4x","author":{"url":"https://x#ib-7Qk2mN4x"}}]}`)
	f.Add(`{"id":1,"embeds":[{"author":null}]}`)
	f.Fuzz(func(_ *testing.T, data string) {
		var m seen
		if json.Unmarshal([]byte(data), &m) == nil {
			_ = m.bears("ib-7Qk2mN4x")
			_ = timeOf(string(m.ID))
		}
	})
}

func TestIDsMayBeNumbers(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]string{`"12"`: "12", `12`: "12", `null`: "", `""`: ""} {
		var id flexID
		require.NoError(t, json.Unmarshal([]byte(raw), &id), raw)
		require.Equal(t, want, string(id))
	}
	for _, raw := range []string{`"1x"`, `1.5`, `-1`, `{}`, `true`, `"111111111111111111111"`} {
		var id flexID
		require.Error(t, json.Unmarshal([]byte(raw), &id), raw)
	}
}

func TestSnowflakes(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 2, 6, 13, 36, 48, 120e6, time.UTC)
	require.Equal(t, at, timeOf(snowflakeAt(at)))
	require.Equal(t, "0", snowflakeAt(time.Unix(0, 0)))
	require.True(t, timeOf("x").IsZero())
	for id, want := range map[string]bool{"103735883630395392": true, "": false, "#general": false, "0": false, "99999999999999999999": false, "-1": false} {
		require.Equal(t, want, isSnowflake(id), id)
	}
}
