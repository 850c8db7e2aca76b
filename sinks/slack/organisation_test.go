package slack

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/internal/fakeslack"
)

// campus is an organisation of two workspaces that installed the app once.
type campus struct {
	*town
	org       string
	head, lab *fakeslack.Workspace
}

func newCampus(t *testing.T) *campus {
	t.Helper()
	c := &campus{town: buildTown(t, fakeslack.Options{}, 1, nil)}
	c.head = c.fake.AddEmptyWorkspace("head")
	c.org = "E" + c.head.ID[1:]
	page := c.install(fakeslack.Install{Workspace: c.head.ID, OrgWide: true})
	require.Equal(t, 200, page.Status, page.Body)
	c.lab = c.head.AddSister("lab")
	c.serves(c.head.ID, c.lab.ID)
	return c
}

// serves waits until the record names these workspaces.
func (c *campus) serves(teams ...string) {
	c.Helper()
	slices.Sort(teams)
	c.eventually("the record names the workspaces", func() bool { return slices.Equal(teams, c.record(c.org, bridge.WholeOrganisation).Teams) })
}

// A process that was just started knows the workspaces of an organisation without a
// delivery from them, also while Slack does not list them.
func TestARestartedProcessKnowsAnOrganisationsWorkspaces(t *testing.T) {
	t.Parallel()
	c := newCampus(t)
	silent := c.fake.Inject(fakeslack.Trouble{Method: methodTeams, Kind: fakeslack.Status, Code: 503})
	c.process(1, nil)
	next := c.apps[1]
	alerts := map[string]string{}
	for _, team := range []*fakeslack.Workspace{c.head, c.lab} {
		alerts[team.ID] = team.AddChannel("alerts")
		_, err := next.In(team.ID).Send(t.Context(), note(alerts[team.ID], 1))
		require.NoError(t, err)
		require.Len(t, c.fake.Messages(alerts[team.ID]), 1)
	}
	require.True(t, next.Sees(t.Context(), c.lab.ID, alerts[c.lab.ID]))
	require.Equal(t, c.lab.ID, next.Team(t.Context(), alerts[c.lab.ID]), "found by its channel")
	_, err := next.In("T0NOWHERE").Send(t.Context(), note(alerts[c.lab.ID], 2))
	require.Error(t, err)
	silent.Stop()
	c.clean()
}

// What an organisation decided while no process listened is asked for at the start.
func TestAnOrganisationsChangesWhileNobodyListenedAreFound(t *testing.T) {
	t.Parallel()
	c := newCampus(t)
	deliver := quickDeliveries
	deliver.Retries = []time.Duration{}
	c.fake.SetDeliver(deliver) // nobody hears of it
	annex := c.head.AddSister("annex")
	c.lab.Withdraw()
	c.process(1, nil)
	c.serves(c.head.ID, annex.ID)
	c.eventually("it is told of", func() bool {
		return slices.Contains(c.noticed(&c.came), annex.ID+" by "+c.head.Owner) && slices.Contains(c.noticed(&c.left), c.lab.ID+" by "+c.head.Owner)
	})
	_, err := c.apps[1].In(annex.ID).Send(t.Context(), note(annex.AddChannel("alerts"), 1))
	require.NoError(t, err)
	_, err = c.apps[1].In(c.lab.ID).Send(t.Context(), note("C0GONE1", 1))
	require.ErrorContains(t, err, "not installed there")
	c.clean()
}

// A workspace that is taken away is no place any more, and one that is given back is.
func TestAWorkspaceLeavesAnOrganisationsInstallation(t *testing.T) {
	t.Parallel()
	c := newCampus(t)
	c.lab.Withdraw()
	c.serves(c.head.ID)
	c.eventually("it is told of", func() bool { return slices.Contains(c.noticed(&c.left), c.lab.ID+" by "+c.head.Owner) })
	require.Nil(t, c.apps[0].of("", c.lab.ID))
	c.clean()
}

// A new pair of tokens does not forget what was learned while it was bought.
func TestARenewedTokenKeepsTheWorkspaces(t *testing.T) {
	t.Parallel()
	c := newCampus(t)
	old := c.record(c.org, bridge.WholeOrganisation)
	require.NoError(t, c.apps[0].enlist(t.Context(), seat{keyOf(old), "T0NEW"}, true))
	next := old
	next.Refresh = "xoxe-1-next"
	require.NoError(t, c.apps[0].stored(t.Context(), old, next))
	got := c.record(c.org, bridge.WholeOrganisation)
	require.Equal(t, next.Refresh, got.Refresh)
	require.Contains(t, got.Teams, "T0NEW")
}
