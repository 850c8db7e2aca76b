package discord

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/bridge/command"
	"github.com/imaginebridge/imaginebridge/internal/fakediscord"
)

// F55: who somebody is now is what their server says now, not what it said a minute
// ago, and not known where it does not say.
func TestF55_RolesAreThoseOfTheMoment(t *testing.T) {
	t.Parallel()
	st := newStand(t, fakediscord.Options{})
	role := st.fake.Role(st.guild, "Editors")
	eve := st.fake.Member(st.guild, "eve", 0, role)
	ordered := command.Principal{Platform: command.Discord, Workspace: st.guild, User: eve, Name: "eve", Roles: []string{role}, Manages: true}
	now := func(p command.Principal) (command.Principal, bool) { return st.sink.Now(t.Context(), p) }

	p, known := now(ordered)
	require.True(t, known)
	require.Equal(t, []string{role}, p.Roles)
	require.False(t, p.Manages, "what they could do then is not asked")
	st.fake.Member(st.guild, "eve", 0)
	p, known = now(ordered)
	require.True(t, known)
	require.Empty(t, p.Roles, "the role was taken away")
	require.False(t, p.Gone)

	stranger := ordered
	stranger.User = st.fake.User("mallory")
	p, known = now(stranger)
	require.True(t, known)
	require.True(t, p.Gone, "who left")
	require.Equal(t, st.guild, p.Workspace, "the audit still says where")
	require.Empty(t, p.Roles)
	require.False(t, p.Manages)

	st.fake.Inject(fakediscord.Rule{Route: "GET /guilds/{guild_id}/members/{user_id}", Effect: fakediscord.Status(http.StatusBadGateway)})
	_, known = now(ordered)
	require.False(t, known, "Discord does not tell")
	p, known = now(command.Principal{Platform: command.Discord, User: eve})
	require.True(t, known, "a direct message is in no server")
	require.False(t, p.Gone)
}
