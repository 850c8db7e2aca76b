package bridge_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/bridge"
)

func TestWorkplacesBringRecordsAndInstallationsTogether(t *testing.T) {
	t.Parallel()
	day := func(n int) time.Time { return time.Date(2026, 3, n, 0, 0, 0, 0, time.UTC) }
	all := bridge.Workplaces([]bridge.WorkspaceRecord{
		{Platform: "slack", ID: "T5", Enterprise: "E1", Name: "branch"},
		{Platform: "slack", ID: "T1", Name: "old name", Joined: day(1), Installer: bridge.Person{Name: "Ann"}},
		{Platform: "discord", ID: "T1", Name: "Zoo", Left: day(4)},
		{Platform: "slack", ID: "T6", Enterprise: "E2", Name: "cut off"},
	}, []bridge.Installation{
		{Platform: "slack", Team: "T1", Name: "acme", Installed: day(2), Installer: bridge.Person{Name: "Bo"}},
		{Platform: "slack", Team: "T2", Name: "bolt", Ended: day(3), Why: "tokens_revoked"},
		{Platform: "slack", Team: bridge.WholeOrganisation, Enterprise: "E1", Name: "Corp", Installed: day(2)},
		{Platform: "slack", Team: bridge.WholeOrganisation, Enterprise: "E2", Name: "Dead Corp", Ended: day(3)},
	})
	var names []string
	found := map[string]bridge.Workplace{}
	for _, w := range all {
		names = append(names, w.Name)
		found[w.Name] = w
	}
	require.Equal(t, []string{"Zoo", "acme", "bolt", "branch", "Corp", "cut off", "Dead Corp"}, names)
	require.Nil(t, found["Zoo"].Install, "an id is one of its platform")
	require.Equal(t, day(2), found["acme"].Joined)
	require.Equal(t, "Ann", found["acme"].Installer.Name, "who is kept is who added it")
	require.True(t, found["Corp"].Whole)
	require.Equal(t, "E1", found["Corp"].ID)
	require.True(t, found["branch"].Under)
	require.False(t, found["cut off"].Under, "the organisation's installation has ended")
	at, why := found["bolt"].Gone()
	require.Equal(t, day(3), at)
	require.Equal(t, "tokens_revoked", why)
	at, _ = found["Zoo"].Gone()
	require.Equal(t, day(4), at)
	at, _ = found["acme"].Gone()
	require.Zero(t, at)
}
