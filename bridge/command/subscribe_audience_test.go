package command_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/bridge/command"
)

func TestAnAudienceIsAnAdministratorsChoice(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	require.Equal(t, 403, d.says("writer", "add", values("preset", "public", "audience", "<@&12345>")).Problem.Code)
	require.Empty(t, d.house.list)
	a := d.says("admin", "add", values("preset", "public", "audience", "notification.mention=<@&12345>, notification.*=discord:user:67890, <@!55555>", "name", "team"))
	require.True(t, a.OK, a.Problem)
	require.Equal(t, map[string]string{"notification.mention": "discord:role:12345", "notification.*": "discord:user:67890", "*": "discord:user:55555"}, d.house.list[0].Audience)
	require.True(t, d.says("writer", "edit", values("cap", 5)).OK, "what was chosen stays")
	require.Len(t, d.house.list[0].Audience, 3)
	for _, wrong := range []string{"@everyone", "mesage.received=<@&12345>", "slack:user:U1", "<@&99999>", "discord:role:1> @everyone"} {
		require.NotNil(t, d.says("admin", "edit", values("audience", wrong)).Problem, wrong)
	}
	require.Len(t, d.house.list[0].Audience, 3)
	require.True(t, d.says("admin", "edit", values("audience", "off")).OK)
	require.Empty(t, d.house.list[0].Audience)
	terminal := command.Principal{Platform: command.Terminal}
	require.True(t, d.asks(terminal, "add", values("preset", "public", "to", "slack:C2", "audience", "<!subteam^S1|@team>", "name", "there"), false).OK)
	require.Equal(t, map[string]string{"*": "slack:group:S1"}, d.house.list[1].Audience)
	d.sealed("audience")
}
