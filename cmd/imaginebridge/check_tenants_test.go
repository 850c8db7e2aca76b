package main

import (
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/config"
	"github.com/imaginebridge/imaginebridge/internal/fakediscord"
	"github.com/imaginebridge/imaginebridge/internal/golden"
)

// remember puts what people did into the store that a check will look at.
func (o *outside) remember(workspaces []bridge.WorkspaceRecord, installs []bridge.Installation) {
	o.t.Helper()
	p := &program{configFile: o.file(), env: func(name string) (string, bool) {
		return filepath.Join(o.dir, "data"), name == "IMAGINEBRIDGE_DATA_DIR"
	}}
	cfg, err := p.load()
	require.NoError(o.t, err)
	require.NoError(o.t, ensureKey(&cfg))
	ring, err := newRing(cfg)
	require.NoError(o.t, err)
	b, err := openBus(o.t.Context(), cfg, ring, slog.New(slog.DiscardHandler))
	require.NoError(o.t, err)
	for _, w := range workspaces {
		_, err := b.Workspaces().Change(o.t.Context(), w.Platform, w.ID, func(r *bridge.WorkspaceRecord) (bool, error) {
			w.Rev = r.Rev
			*r = w
			return true, nil
		})
		require.NoError(o.t, err)
	}
	for _, in := range installs {
		in.Platform, in.Bot = "slack", "xoxb-canary"
		_, err := b.Installs().Put(o.t.Context(), in)
		require.NoError(o.t, err)
	}
	require.NoError(o.t, b.Close(o.t.Context()))
}

// T15, F57: check tells of every place the app was added to, whichever way, and of what is
// missing there.
func TestCheckListsServersAndWorkspaces(t *testing.T) {
	t.Parallel()
	day := func(n int) time.Time { return time.Date(2026, 3, n, 9, 0, 0, 0, time.UTC) }
	by := func(name string) bridge.Person { return bridge.Person{Name: name} }
	nova := bridge.Connected{Handle: "nova_ai", By: by("Ann"), At: day(2), How: bridge.BySecret}
	whole := []string{
		"chat:write", "commands", "channels:history", "groups:history", "im:history", "app_mentions:read", "links:read", "links:write", "files:read", "reactions:write",
		"users:read", "usergroups:read", "channels:read", "groups:read", "chat:write.public", "metadata.message:read",
	}
	o := newOutside(t, fakediscord.Options{MessageContent: true})
	o.remember([]bridge.WorkspaceRecord{
		{Platform: "discord", ID: "11", Name: "Lab", Joined: day(1), Welcomed: day(1), Agents: []bridge.Connected{nova, {Handle: "luna"}}},
		{Platform: "discord", ID: "12", Name: "Silent", Joined: day(1)},
		{Platform: "discord", ID: "13", Name: "Welcomed", Joined: day(1), Welcomed: day(1)},
		{Platform: "discord", ID: "14", Name: "Left\x1b[2J\nlong ago", Joined: day(1), Left: day(2)},
		{Platform: "slack", ID: "T1", Name: "acme", Joined: day(3), Installer: by("Bo"), Agents: []bridge.Connected{nova}},
		{Platform: "slack", ID: "T5", Enterprise: "E1", Name: "branch", Agents: []bridge.Connected{nova}},
		{Platform: "slack", ID: "T6", Name: "by token"},
	}, []bridge.Installation{
		{Team: "T1", Name: "acme", Scopes: whole, Installer: by("Bo"), Installed: day(3)},
		{Team: "T2", Name: "bare", Scopes: []string{"chat:write", "commands", "im:history"}, Installed: day(4)},
		{Team: "T3", Name: "late", Scopes: whole, Installed: day(4), Expires: day(5)},
		{Team: "T4", Name: "over", Scopes: whole, Installed: day(4), Ended: day(6), Why: "app_uninstalled"},
		{Team: bridge.WholeOrganisation, Enterprise: "E1", Name: "Corp", Scopes: whole, Installed: day(7)},
	})
	out, code := o.check()
	_, list, ok := strings.Cut(out, "nats: ")
	require.True(t, ok)
	_, list, _ = strings.Cut(list, "\n")
	golden.Equal(t, "testdata/check/servers_and_workspaces.golden", []byte(list))
	require.Equal(t, exitOK, code, "nothing there has to be mended")
}

func TestCheckNamesSoManyWorkspacesAndCountsTheOthers(t *testing.T) {
	t.Parallel()
	var all tenancy
	for i := range maxTenants + 2 {
		all.workspaces = append(all.workspaces, bridge.WorkspaceRecord{Platform: "discord", ID: strings.Repeat("1", i+1)})
	}
	found := all.findings(config.Config{}, time.Now())
	require.Len(t, found, maxTenants+1)
	require.Equal(t, "2 more: the console lists them all.", found[maxTenants].Text)
}
