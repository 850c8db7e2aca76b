package slack

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/bridge/command"
	"github.com/imaginebridge/imaginebridge/internal/fakeslack"
)

var groupScopes = append(slices.Clone(allScopes), scopeGroups)

// regrouped has the sink hear that a group has changed.
func (w *world) regrouped(n int, group string) {
	w.sink.hear(w.Context(), inbound{kind: event, event: delivery{EventID: fmt.Sprintf("Ev%d", n), Event: inner{Type: "subteam_members_changed", SubteamID: group}}})
}

// crew makes a user group.
func (w *world) crew(handle string, members ...string) (id string) {
	w.do(func() { id = w.team.AddGroup(handle, members...) })
	return id
}

func (w *world) in(user string, ids ...string) []string {
	w.Helper()
	in, bad := w.sink.inGroups(w.Context(), user, ids)
	require.Nil(w, bad)
	return in
}

// Who is in a group is asked once for everybody and for half a minute, unless an
// event says that it changed.
func TestWhoIsInAGroupIsAskedOnceAWindow(t *testing.T) {
	t.Parallel()
	inBubble(t, settings{scopes: groupScopes}, func(w *world) {
		ann, bob := w.team.AddUser("ann"), w.team.AddUser("bob")
		editors := w.crew("editors", ann)
		var all sync.WaitGroup
		for range 20 {
			all.Go(func() { require.Equal(w, []string{editors}, w.in(ann, editors)) })
		}
		all.Wait()
		require.Empty(t, w.in(bob, editors))
		require.Len(t, w.fake.Requests(methodGroupUsers), 1)

		w.do(func() { w.fake.Regroup(editors, bob) })
		sleep(w.Context(), groupTime-time.Second)
		require.Empty(t, w.in(bob, editors), "as it was")
		sleep(w.Context(), time.Second)
		require.Equal(t, []string{editors}, w.in(bob, editors))
		require.Len(t, w.fake.Requests(methodGroupUsers), 2)

		w.do(func() { w.fake.Regroup(editors, ann) })
		w.regrouped(1, editors)
		require.Empty(t, w.in(bob, editors), "the event says that it changed")
		require.Equal(t, []string{editors}, w.in(ann, editors))
		require.Len(t, w.fake.Requests(methodGroupUsers), 3)
		w.clean()
	})
}

// Many groups are one call, and those that are not there have nobody in them.
func TestSeveralGroupsAreOneCall(t *testing.T) {
	t.Parallel()
	inBubble(t, settings{scopes: groupScopes}, func(w *world) {
		ann := w.team.AddUser("ann")
		ids := []string{"S0NOBODY", w.crew("former", ann)}
		w.do(func() { w.fake.DisableGroup(ids[1]) })
		want := []string{}
		for n := range 50 {
			ids = append(ids, w.crew(fmt.Sprintf("crew-%d", n), ann))
		}
		want = append(want, ids[2:]...)
		require.Equal(t, want, w.in(ann, ids...))
		require.Len(t, w.fake.Requests(), 1)
		require.Empty(t, w.in("U0NOBODY", ids...))
		require.Equal(t, want[:1], w.in(ann, ids[1], want[0]))
		require.Len(t, w.fake.Requests(), 1)
		sleep(w.Context(), groupTime)
		require.Empty(t, w.in(ann, "S0NOBODY"))
		w.clean("no_such_subteam")
	})
}

// However often groups change, and however many there are, Slack's limit is kept:
// where it lets nobody look, nobody is let in.
func TestGroupsThatChangeAllTheTimeKeepSlacksLimit(t *testing.T) {
	t.Parallel()
	inBubble(t, settings{scopes: groupScopes}, func(w *world) {
		ann := w.team.AddUser("ann")
		crews := []string{w.crew("a", ann), w.crew("b", ann)}
		told := 0
		for n := range 240 {
			w.regrouped(n, crews[n%2])
			if in, bad := w.sink.inGroups(w.Context(), ann, crews[n%2:n%2+1]); bad == nil {
				require.Equal(t, crews[n%2:n%2+1], in)
				told++
			} else {
				require.Empty(t, in)
			}
			sleep(w.Context(), 500*time.Millisecond)
		}
		require.Greater(t, told, 20)
		w.clean()
	})
}

// While Slack does not tell who is in a group, nobody is, and it is asked again soon.
func TestAGroupThatCantBeReadLetsNobodyIn(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		trouble fakeslack.Trouble
		again   time.Duration // when it is asked again
	}{
		"no answer":     {fakeslack.Trouble{Kind: fakeslack.Cut}, groupAgain},
		"no reason":     {fakeslack.Trouble{Kind: fakeslack.Bare}, groupAgain},
		"out of order":  {fakeslack.Trouble{Kind: fakeslack.Status, Code: 502}, groupAgain},
		"too many":      {fakeslack.Trouble{Kind: fakeslack.RateLimited, RetryAfter: "40"}, 43 * time.Second},
		"not permitted": {fakeslack.Trouble{Kind: fakeslack.Refused, Error: "missing_scope"}, groupAgain},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inBubble(t, settings{scopes: groupScopes}, func(w *world) {
				ann := w.team.AddUser("ann")
				editors := w.crew("editors", ann)
				tc.trouble.Method, tc.trouble.Times = methodGroupUsers, 1
				w.fake.Inject(tc.trouble)
				for range 3 {
					in, bad := w.sink.inGroups(w.Context(), ann, []string{editors})
					require.NotNil(t, bad)
					require.Empty(t, in)
				}
				require.Len(t, w.fake.Requests(methodGroupUsers), 1)
				sleep(w.Context(), tc.again)
				require.Equal(t, []string{editors}, w.in(ann, editors))
				w.clean()
			})
		})
	}
}

// Who has no time to wait does not end the look for the others.
func TestALookAtGroupsOutlivesTheFirstWhoWaits(t *testing.T) {
	t.Parallel()
	p := &people{scopes: scopeGroups}
	among(t, p, nil, func(t *testing.T, s *Sink) {
		s.groups.mu.Lock()
		asking := make(chan struct{})
		s.groups.asking = asking
		s.groups.mu.Unlock()
		begin := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, bad := s.inGroups(ctx, "U1", []string{"S1"})
		require.NotNil(t, bad)
		require.Equal(t, time.Second, time.Since(begin))
		s.groups.mu.Lock()
		s.groups.of, s.groups.asking = map[string]roster{"S1": {members: []string{"U1"}, until: time.Now().Add(groupTime)}}, nil
		close(asking)
		s.groups.mu.Unlock()
		in, bad := s.inGroups(t.Context(), "U1", []string{"S1"})
		require.Nil(t, bad)
		require.Equal(t, []string{"S1"}, in)
		synctest.Wait()
	})
}

// The app of many workspaces asks each about its own groups, hears of their changes,
// and says how to let it see them.
func TestGroupsOfAnInstalledApp(t *testing.T) {
	t.Parallel()
	w := buildTown(t, fakeslack.Options{}, 1, nil)
	team, blind := w.fake.AddEmptyWorkspace("acme"), w.fake.AddEmptyWorkspace("blind")
	for _, in := range []fakeslack.Install{{Workspace: team.ID}, {Workspace: blind.ID, Scopes: slices.DeleteFunc(allScopeNames(), func(s string) bool { return s == scopeGroups })}} {
		page := w.install(in)
		require.Equal(t, 200, page.Status, page.Body)
	}
	w.everywhere(team.ID, team.BotToken)
	w.everywhere(blind.ID, blind.BotToken)
	ann := team.AddUser("ann")
	editors, dark := team.AddGroup("editors", ann), blind.AddGroup("dark", blind.Owner)
	apps := w.apps[0]
	who := command.Principal{Platform: command.Slack, Workspace: team.ID, User: ann}
	in, err := apps.Groups(t.Context(), who, []string{editors})
	require.NoError(t, err)
	require.Equal(t, []string{editors}, in)
	require.Equal(t, "@editors", apps.GroupName(t.Context(), team.ID, editors))
	require.Empty(t, apps.GroupName(t.Context(), team.ID, dark), "another workspace's")
	require.Empty(t, apps.GroupName(t.Context(), "T0NOWHERE", editors))

	w.fake.Regroup(editors)
	w.eventually("the change is heard", func() bool {
		in, err := apps.Groups(t.Context(), who, []string{editors})
		return err == nil && len(in) == 0
	})
	for team, want := range map[string]string{
		blind.ID:    "The bridge may not see who is in the user groups that are listed here. Add the app to this workspace again, and allow usergroups:read.",
		"T0NOWHERE": "Slack does not tell now who is in the user groups that are listed here. Send it again in a minute.",
	} {
		_, err = apps.Groups(t.Context(), command.Principal{Platform: command.Slack, Workspace: team, User: blind.Owner}, []string{dark})
		require.EqualError(t, err, want)
	}
	require.Empty(t, apps.GroupName(t.Context(), blind.ID, dark))
	w.clean("missing_scope")
}

func TestCheckSeesGroupsWhereItMay(t *testing.T) {
	t.Parallel()
	inBubble(t, settings{scopes: groupScopes}, func(w *world) {
		editors := w.crew("editors")
		var got []string
		for _, f := range w.sink.CheckAudience(w.Context(), []bridge.Mention{{Kind: bridge.MentionGroup, ID: editors}, {Kind: bridge.MentionGroup, ID: "S0NOBODY"}}) {
			got = append(got, string(f.Level)+": "+f.Problem+" "+f.Remedy)
		}
		require.Equal(t, []string{
			"good: the group @editors can be mentioned ",
			"problem: There is no group S0NOBODY in this workspace. Its ID is in the address of the group's page, under People, User groups.",
		}, got)
		w.clean()
	})
}
