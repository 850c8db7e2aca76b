package fakeslack_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/slack-go/slack"
	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/internal/fakeslack"
)

func TestUserGroupsShowWhoIsInThem(t *testing.T) {
	t.Parallel()
	h := open(t, fakeslack.Options{}, "chat:write", "usergroups:read")
	ann, bob := h.team.AddUser("ann"), h.team.AddUser("bob")
	editors, former := h.team.AddGroup("editors", ann), h.team.AddGroup("former", bob)
	other := h.AddWorkspace("bolt", "usergroups:read").AddGroup("editors", bob)
	h.DisableGroup(former)

	all, err := h.api.GetUserGroupsContext(t.Context(), slack.GetUserGroupsOptionIncludeUsers(true))
	require.NoError(t, err)
	require.Len(t, all, 1, "neither switched off nor another workspace's")
	require.Equal(t, editors, all[0].ID)
	require.Equal(t, "editors", all[0].Handle)
	require.Equal(t, []string{ann}, all[0].Users)
	all, err = h.api.GetUserGroupsContext(t.Context(), slack.GetUserGroupsOptionIncludeDisabled(true))
	require.NoError(t, err)
	require.Len(t, all, 2)
	require.Empty(t, all[0].Users)
	require.NotZero(t, all[1].DateDelete)

	h.Regroup(editors, bob)
	in, err := h.api.GetUserGroupMembersContext(t.Context(), editors)
	require.NoError(t, err)
	require.Equal(t, []string{bob}, in)
	require.Empty(t, h.Codes())
	for _, id := range []string{former, other, "S0NOBODY"} {
		_, err = h.api.GetUserGroupMembersContext(t.Context(), id)
		require.EqualError(t, err, "no_such_subteam")
	}
	h.team.SetScopes("chat:write")
	for _, method := range []string{"usergroups.list", "usergroups.users.list"} {
		code, got := h.call(t, method, map[string]any{"usergroup": editors})
		require.Equal(t, "missing_scope", code)
		require.Equal(t, "usergroups:read", got["needed"])
	}
}

// The app hears of user groups where it may see them.
func TestUserGroupEventsFollowTheScope(t *testing.T) {
	t.Parallel()
	heard := make(chan []byte, 10)
	app := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		raw, _ := io.ReadAll(r.Body)
		heard <- raw
	}))
	t.Cleanup(app.Close)
	s, err := fakeslack.New(fakeslack.Options{Deliver: fakeslack.Deliver{EventsURL: app.URL}})
	require.NoError(t, err)
	t.Cleanup(s.Close)
	blind := s.AddWorkspace("blind", "chat:write")
	s.Regroup(blind.AddGroup("nobody"), blind.Owner)
	team := s.AddWorkspace("acme", "usergroups:read")
	editors := team.AddGroup("editors")
	s.Regroup(editors, team.Owner)
	want := map[string]bool{"subteam_created": true, "subteam_updated": true, "subteam_members_changed": true}
	for len(want) > 0 {
		select {
		case raw := <-heard:
			var got struct {
				Team  string `json:"team_id"`
				Event struct{ Type string }
			}
			require.NoError(t, json.Unmarshal(raw, &got))
			require.Equal(t, team.ID, got.Team)
			require.Contains(t, string(raw), editors)
			require.True(t, want[got.Event.Type], got.Event.Type)
			delete(want, got.Event.Type)
		case <-time.After(time.Minute):
			require.Empty(t, want, "not heard")
		}
	}
}

// A token of an organisation is good for its workspaces, and says which of them a
// call about groups means.
func TestAnOrganisationsTokenServesItsWorkspaces(t *testing.T) {
	t.Parallel()
	h := open(t, fakeslack.Options{})
	shop := newShop(t, h, "chat:write,usergroups:read")
	head := h.AddEmptyWorkspace("head")
	_, err := h.Install(t.Context(), fakeslack.Install{URL: shop.URL + "/install", Workspace: head.ID, OrgWide: true})
	require.NoError(t, err)
	got, err := h.redeem(t, (<-shop.back).Get("code"), shop.URL+"/callback", clientSecret)
	require.NoError(t, err)
	lab := head.AddSister("lab")
	crew := lab.AddGroup("crew", lab.Owner)
	api := h.client(got.AccessToken)
	teams, next, err := api.ListTeamsContext(t.Context(), slack.ListTeamsParameters{Limit: 1})
	require.NoError(t, err)
	require.Equal(t, "head", teams[0].Name)
	require.NotEmpty(t, next)
	teams, next, err = api.ListTeamsContext(t.Context(), slack.ListTeamsParameters{Limit: 1, Cursor: next})
	require.NoError(t, err)
	require.Equal(t, lab.ID, teams[0].ID)
	require.Empty(t, next)
	_, _, err = api.ListTeamsContext(t.Context(), slack.ListTeamsParameters{Limit: 5000})
	require.EqualError(t, err, "invalid_limit")

	_, err = api.GetUserGroupMembersContext(t.Context(), crew)
	require.EqualError(t, err, "missing_argument")
	_, err = api.GetUserGroupMembersContext(t.Context(), crew, slack.GetUserGroupMembersOptionTeamID(h.team.ID))
	require.EqualError(t, err, "team_not_found")
	in, err := api.GetUserGroupMembersContext(t.Context(), crew, slack.GetUserGroupMembersOptionTeamID(lab.ID))
	require.NoError(t, err)
	require.Equal(t, []string{lab.Owner}, in)

	lab.Withdraw()
	teams, _, err = api.ListTeamsContext(t.Context(), slack.ListTeamsParameters{})
	require.NoError(t, err)
	require.Len(t, teams, 1)
}
