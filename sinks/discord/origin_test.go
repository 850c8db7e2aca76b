package discord

import (
	"errors"
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestOrigins(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]string{
		"https://discord.com":         "",
		"https://discord.com/":        "",
		"http://127.0.0.1:8080":       "",
		"http://localhost:8080":       "",
		"http://[::1]:8080":           "",
		"http://10.0.0.1":             "http sends the bot token in clear",
		"http://localhost.evil.test":  "http sends the bot token in clear",
		"https://discord.com/api/v10": "write the origin alone",
		"https://discord.com?x=1":     "write the origin alone",
		"https://me:pw@discord.com":   "carries no user or password",
		"ftp://discord.com":           "starts with https://",
		"discord.com":                 "no address",
		"https://":                    "no address",
		"":                            "no address",
		"https://dis cord.com":        "no address",
	} {
		_, err := ParseOrigin(raw)
		if want == "" {
			require.NoError(t, err, raw)
			continue
		}
		e, ok := errors.AsType[*OptionError](err)
		require.True(t, ok, raw)
		require.Equal(t, "discord.api_url", e.Option)
		require.Contains(t, e.Problem, want, raw)
		require.NotContains(t, e.Error(), "pw@")
	}
}

func TestGatewayAddresses(t *testing.T) {
	t.Parallel()
	for raw, origins := range map[string]struct{ https, http bool }{
		"wss://gateway.discord.gg":         {true, true},
		"ws://127.0.0.1:9":                 {false, true},
		"ws://gateway.discord.gg":          {false, false},
		"https://gateway.discord.gg":       {false, false},
		"wss://user:pw@gateway.discord.gg": {false, false},
		"wss:///":                          {false, false},
		"":                                 {false, false},
		"wss://gateway.discord.gg/%zz":     {false, false},
	} {
		for _, origin := range []string{"https", "http"} {
			_, err := parseGateway(raw, &url.URL{Scheme: origin, Host: "127.0.0.1"})
			require.Equal(t, map[string]bool{"https": origins.https, "http": origins.http}[origin], err == nil, "%s under %s", raw, origin)
		}
	}
}

func TestNewWantsAToken(t *testing.T) {
	t.Parallel()
	_, err := New(Options{})
	e, ok := errors.AsType[*OptionError](err)
	require.True(t, ok)
	require.Equal(t, "discord.bot_token", e.Option)
	_, err = New(Options{Token: func() string { return "x" }, APIURL: "http://example.com"})
	require.Error(t, err)
	s, err := New(Options{Token: func() string { return "x" }})
	require.NoError(t, err)
	require.Equal(t, StateOK, s.Status().State, "nothing is wrong yet")
}
