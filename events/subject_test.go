package events_test

import (
	"strings"
	"testing"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/events"
)

func TestTokens(t *testing.T) {
	for name, tc := range map[string]struct{ in, want string }{
		"handle":    {"orbit_bot", "orbit_bot"},
		"upper":     {"Orbit-Bot", "orbit-bot"},
		"dot":       {"a.b", "a=2Eb"},
		"wildcards": {"a*>", "a=2A=3E"},
		"space":     {"a b", "a=20b"},
		"equals":    {"a=b", "a=3Db"},
		"unicode":   {"é", "=C3=A9"},
		"too long":  {strings.Repeat("a", 101), "=H9d0793397991b57a99a07c6e"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := events.Token(tc.in)
			require.NoError(t, err)
			require.Equal(t, tc.want, got)
		})
	}
	_, err := events.Token("")
	require.Error(t, err)
}

func TestEverySubjectHasFiveTokens(t *testing.T) {
	for k := range events.Kinds() {
		e := exampleOf(k)
		e.Source = events.SourceOf("https://imagineanything.com", "strange.handle >")
		subject, err := e.Subject()
		require.NoError(t, err)
		require.Equal(t, "ia.event.strange=2Ehandle=20=3E."+k.Name(), subject)
		require.Len(t, strings.Split(subject, "."), 5)
	}
}

func TestPatterns(t *testing.T) {
	for name, tc := range map[string]struct {
		pattern, event string
		want           bool
	}{
		"all":          {"*", "notification.like", true},
		"family":       {"notification.*", "notification.like", true},
		"one":          {"notification.like", "notification.like", true},
		"other family": {"message.*", "notification.like", false},
		"prefix":       {"notification.lik", "notification.like", false},
		"half family":  {"notif.*", "notification.like", false},
		"empty":        {"", "notification.like", false},
	} {
		t.Run(name, func(t *testing.T) {
			require.Equal(t, tc.want, events.MatchPattern(tc.pattern, tc.event))
		})
	}
	for _, p := range events.Patterns() {
		require.True(t, events.CheckPattern(p), p)
	}
	require.False(t, events.CheckPattern("notifcation.like"))
}

func FuzzToken(f *testing.F) {
	f.Add("orbit_bot")
	f.Add("=2E")
	f.Add("ÄÖ .*>")
	f.Add(strings.Repeat("x", 300))
	f.Fuzz(func(t *testing.T, text string) {
		token, err := events.Token(text)
		if text == "" {
			require.Error(t, err)
			return
		}
		require.NoError(t, err)
		require.True(t, server.IsValidLiteralSubject("ia.event."+token+".a.b"), token)
		require.LessOrEqual(t, len(token), 100)
		if back, ok := events.Untoken(token); ok {
			require.Equal(t, strings.ToLower(text), back)
		} else {
			require.True(t, strings.HasPrefix(token, "=H"))
		}
	})
}
