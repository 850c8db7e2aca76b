package config_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/config"
)

func TestDifferencesNameTheKeys(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		change func(*config.Config)
		want   []string
	}{
		"nothing": {func(*config.Config) {}, nil},
		"an interval and a switch": {func(c *config.Config) {
			c.Poll.Messages, c.Poll.Feed = config.Duration(time.Minute), true
		}, []string{"poll.messages", "poll.feed"}},
		"only a secret of an agent": {func(c *config.Config) {
			c.Agents = []config.Agent{{Handle: "luna", ClientSecret: config.NewSecret("other")}}
		}, []string{"agents"}},
		"a token":                 {func(c *config.Config) { c.Discord.BotToken = config.NewSecret("other") }, []string{"discord.bot_token"}},
		"what the file can't say": {func(c *config.Config) { c.Runtime.DataDir = "elsewhere" }, nil},
		"a list":                  {func(c *config.Config) { c.Access.Write = []string{"slack:user:U1"} }, []string{"access.write"}},
		"a flush":                 {func(c *config.Config) { c.NATS.Sync.Always = true }, []string{"nats.sync"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			before := config.Config{Agents: []config.Agent{{Handle: "luna", ClientSecret: config.NewSecret("one")}}}
			after := before
			tc.change(&after)
			require.Equal(t, tc.want, config.Differences(before, after))
		})
	}
}
