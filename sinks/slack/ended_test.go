package slack

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/internal/fakeslack"
)

var errDown = errors.New("down")

func containsLine(l *lines, text string) bool { return strings.Contains(l.String(), text) }

// ending is a town in which the app is installed in one workspace and leaves it.
type ending struct {
	*town
	team  *fakeslack.Workspace
	ahead *atomic.Int64
}

func openEnding(t *testing.T, processes int) *ending {
	t.Helper()
	e := &ending{ahead: &atomic.Int64{}}
	e.town = buildTown(t, fakeslack.Options{Now: func() time.Time { return time.Now().Add(time.Duration(e.ahead.Load())) }}, processes, nil)
	e.team = e.fake.AddEmptyWorkspace("acme")
	e.again()
	return e
}

// again installs the app.
func (e *ending) again() {
	e.Helper()
	page := e.install(fakeslack.Install{Workspace: e.team.ID})
	require.Equal(e, 200, page.Status, page.Body)
	e.everywhere(e.team.ID, e.team.BotToken)
}

// heard waits until so many events were acknowledged.
func (e *ending) heard(n int) {
	e.Helper()
	e.eventually("the events were acknowledged", func() bool {
		acked := 0
		for _, d := range e.fake.Deliveries() {
			if d.Kind == "events_api" && d.Acked {
				acked++
			}
		}
		return acked >= n
	})
}

// older makes the installation a while older than it is, so that what happens now is
// clearly later.
func (e *ending) older() {
	e.Helper()
	r := e.record("", e.team.ID)
	r.Installed = r.Installed.Add(-time.Hour)
	r, err := e.shelf.Put(e.Context(), r)
	require.NoError(e, err)
	e.eventually("known in every process", func() bool {
		return !slices.ContainsFunc(e.apps, func(a *Apps) bool { return a.record(keyOf(r)).Rev < r.Rev })
	})
}

func revoked(user string) map[string]any {
	return map[string]any{"type": "tokens_revoked", "tokens": map[string]any{"oauth": []any{}, "bot": []any{user}}}
}

// S30, F57, T18: tokens go exactly when what ended is newer than the installation, in
// whatever order Slack tells.
func TestF57_TokensAreErasedWhenTheirInstallationEnded(t *testing.T) {
	t.Parallel()
	uninstalled := map[string]any{"type": "app_uninstalled"}
	for name, tc := range map[string]struct {
		do   func(e *ending)
		left bool // the tokens are still there
	}{
		"uninstalled, then revoked": {do: func(e *ending) { e.older(); e.team.Uninstall(false); e.heard(2) }},
		"revoked, then uninstalled": {do: func(e *ending) { e.older(); e.team.Uninstall(true); e.heard(2) }},
		"at once after the install": {do: func(e *ending) { e.team.Uninstall(true); e.heard(2) }},
		"uninstalled alone":         {do: func(e *ending) { e.older(); e.team.Revoke(); e.team.Emit(uninstalled); e.heard(1) }},
		"revoked alone":             {do: func(e *ending) { e.older(); e.team.Revoke(); e.team.Emit(revoked(e.team.BotUser)); e.heard(1) }},
		"told twice": {do: func(e *ending) {
			e.older()
			e.team.Uninstall(false)
			e.heard(2)
			e.team.Redeliver(uninstalled, "Ev1")
			e.heard(3)
		}},
		"installed again at once, told late": {left: true, do: func(e *ending) {
			e.team.Uninstall(true)
			e.heard(2)
			e.again()
			for n, event := range []map[string]any{uninstalled, revoked(e.team.BotUser)} { // in the second of the install: Slack is asked
				e.ahead.Store(int64(time.Until(e.record("", e.team.ID).Installed)))
				e.team.Redeliver(event, fmt.Sprintf("Ev%d", n))
				e.heard(3 + n)
			}
			e.ahead.Store(0)
		}},
		"installed again since, told much later": {left: true, do: func(e *ending) {
			e.team.Uninstall(false)
			e.heard(2)
			e.again()
			e.ahead.Store(int64(-time.Minute))
			e.team.Emit(uninstalled)
			e.team.Emit(revoked(e.team.BotUser))
			e.heard(4)
			e.ahead.Store(0)
		}},
		"installed again, and removed again": {do: func(e *ending) {
			e.team.Uninstall(false)
			e.heard(2)
			e.again()
			e.older()
			e.team.Uninstall(true)
			e.heard(4)
		}},
		"a person's token": {left: true, do: func(e *ending) {
			e.older()
			e.team.Emit(map[string]any{"type": "tokens_revoked", "tokens": map[string]any{"oauth": []any{"U1"}, "bot": []any{}}})
			e.heard(1)
		}},
		"another's token, by mistake": {left: true, do: func(e *ending) {
			e.older()
			e.team.Emit(revoked("U1"))
			e.heard(1)
		}},
		"no event, but a refusal": {do: func(e *ending) {
			e.older()
			channel := e.team.AddChannel("alerts")
			e.fake.SetDeliver(fakeslack.Deliver{})
			e.team.Uninstall(false)
			_, err := e.apps[0].In(e.team.ID).Send(e.Context(), note(channel, 1))
			require.Error(e, err)
			e.eventually("erased", func() bool { return e.record("", e.team.ID).Bot == "" })
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := openEnding(t, 2)
			tc.do(e)
			r := e.record("", e.team.ID)
			require.Equal(t, tc.left, r.Bot != "")
			require.Equal(t, tc.left, r.Ended.IsZero())
			e.everywhere(e.team.ID, func() string { return r.Bot })
			if tc.left {
				require.Equal(t, e.team.BotToken(), r.Bot)
				return
			}
			e.eventually("the workspace is noted as left", func() bool { return len(e.noticed(&e.left)) == 1 })
			channel := e.team.AddChannel("other")
			before := len(e.fake.Requests())
			for _, a := range e.apps {
				for range 3 {
					_, err := a.In(e.team.ID).Send(t.Context(), note(channel, 1))
					sent, ok := err.(*bridge.SendError) //nolint:errorlint // Send promises this very type
					require.True(t, ok, "%v", err)
					require.Equal(t, bridge.Revoked, sent.Verdict)
					require.Contains(t, sent.Advice, e.site.URL+installPath)
				}
			}
			require.Len(t, e.fake.Requests(), before, "nothing is asked any more")

			e.again()
			for _, a := range e.apps {
				_, err := a.In(e.team.ID).Send(t.Context(), note(channel, 2))
				require.NoError(t, err)
			}
			e.mu.Lock()
			back := 0
			for _, c := range e.changes {
				if c.Kind == Installed {
					back++
				}
			}
			e.mu.Unlock()
			require.GreaterOrEqual(t, back, 4, "each process is told of both installations")
		})
	}
}

// S30: what can't be stored is not acknowledged, and comes again.
func TestEndThatIsNotStoredComesAgain(t *testing.T) {
	t.Parallel()
	e := openEnding(t, 1)
	e.older()
	e.shelf.fail(errDown)
	e.team.Uninstall(false)
	e.eventually("refused", func() bool {
		return slices.ContainsFunc(e.fake.Deliveries(), func(d fakeslack.Attempt) bool { return d.Status == 503 })
	})
	e.shelf.fail(nil)
	e.eventually("erased", func() bool { return e.record("", e.team.ID).Bot == "" })
}

// TestTwoWorkspacesSeeOnlyTheirOwn: each workspace's messages go out by its own
// token, and what its people do comes in as its own.
func TestTwoWorkspacesSeeOnlyTheirOwn(t *testing.T) {
	t.Parallel()
	w := buildTown(t, fakeslack.Options{}, 2, nil)
	var teams []*fakeslack.Workspace
	var channels []string
	for _, name := range []string{"acme", "bolt"} {
		team := w.fake.AddEmptyWorkspace(name)
		page := w.install(fakeslack.Install{Workspace: team.ID})
		require.Equal(t, 200, page.Status, page.Body)
		w.everywhere(team.ID, team.BotToken)
		teams, channels = append(teams, team), append(channels, team.AddChannel("alerts"))
	}
	for i, team := range teams {
		a := w.apps[i]
		_, err := a.In(team.ID).Send(t.Context(), note(channels[i], i))
		require.NoError(t, err)
		_, err = a.In(team.ID).Send(t.Context(), note(channels[1-i], i))
		sent, ok := err.(*bridge.SendError) //nolint:errorlint // Send promises this very type
		require.True(t, ok, "%v", err)
		require.Equal(t, bridge.Gone, sent.Verdict, "not even by name")
		require.True(t, a.Sees(t.Context(), team.ID, channels[i]))
		require.False(t, a.Sees(t.Context(), team.ID, channels[1-i]))
		require.Equal(t, team.ID, a.Team(t.Context(), channels[i]))
	}
	for i, team := range teams {
		require.Len(t, w.fake.Messages(channels[i]), 1)
		ann := team.AddUser("ann")
		before := len(w.hands.effects())
		got, err := w.fake.Slash(ann, channels[i], "/ia post show p1")
		require.NoError(t, err)
		require.True(t, got.Acked)
		w.eventually("the command ran", func() bool { return len(w.hands.effects()) == before+1 })
		p := w.hands.effects()[before].Principal
		require.Equal(t, []string{team.ID, ann}, []string{p.Workspace, p.User})
		require.False(t, p.Manages)
		w.eventually("answered", func() bool { return len(w.fake.Messages(channels[i])) == 2 })
		require.Len(t, w.fake.Messages(channels[1-i]), 1+i)
	}
	teams[0].Uninstall(false)
	w.eventually("erased", func() bool { return w.record("", teams[0].ID).Bot == "" })
	_, err := w.apps[1].In(teams[1].ID).Send(t.Context(), note(channels[1], 9))
	require.NoError(t, err, "the other goes on")
	w.clean("channel_not_found", "account_inactive")
}
