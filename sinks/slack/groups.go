package slack

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	slackgo "github.com/slack-go/slack"

	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/bridge/command"
)

// How long what Slack tells of user groups holds. Membership decides who may do
// what, so it is short even where events tell of changes: an event reaches one
// process alone. Both methods are Tier 2, 20 a minute.
const (
	groupTime  = 30 * time.Second
	groupAgain = 10 * time.Second // after Slack did not tell
	groupCall  = 5 * time.Second  // for one call, and for its turn
	handleTime = time.Hour        // for what groups are called

	methodGroups     = "usergroups.list"
	methodGroupUsers = "usergroups.users.list"
)

// groups remembers who is in which user group of one workspace.
type groups struct {
	mu      sync.Mutex // guards all below
	of      map[string]roster
	changes int           // grows with each change that Slack tells of
	asking  chan struct{} // closed at the end of the look under way; nil: none is
	handles map[string]string
	named   time.Time // when the handles were read
}

// roster is who is in a group, or why nobody can tell.
type roster struct {
	members []string
	until   time.Time
	bad     *fault
}

// changed forgets who is in a group: Slack says that it is not as it was.
func (g *groups) changed(id string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.changes++
	delete(g.of, id)
	g.named = time.Time{}
}

// group is the user group that an event says has changed, "" for other events.
func (e inner) group() string {
	switch e.Type {
	case "subteam_members_changed":
		return e.SubteamID
	case "subteam_created", "subteam_updated":
		return e.Subteam.ID
	}
	return ""
}

// inGroups gives those of some groups that a person is in. What is not known is
// asked for once, whoever wants to know it; the fault says why it can't be told.
func (s *Sink) inGroups(ctx context.Context, user string, ids []string) ([]string, *fault) {
	g := &s.groups
	for range 3 {
		g.mu.Lock()
		var in, stale []string
		var bad *fault
		now := time.Now()
		for _, id := range ids {
			r, known := g.of[id]
			switch {
			case !known || !now.Before(r.until):
				stale = append(stale, id)
			case r.bad != nil:
				bad = r.bad
			case slices.Contains(r.members, user):
				in = append(in, id)
			}
		}
		if len(stale) == 0 {
			g.mu.Unlock()
			return in, bad
		}
		if g.asking == nil {
			g.asking = make(chan struct{})
			s.lookAt(ctx, stale, g.changes)
		}
		asking := g.asking
		g.mu.Unlock()
		select {
		case <-asking:
		case <-ctx.Done():
			return nil, &fault{method: methodGroupUsers, reason: "no answer in time"}
		}
	}
	return nil, &fault{method: methodGroupUsers, reason: "the groups change too often"}
}

// lookAt asks who is in some groups, beside whoever wants to know: it is for all of
// them, and outlives the patience of the first. The caller holds the groups' mu.
func (s *Sink) lookAt(ctx context.Context, ids []string, changes int) {
	free, g := context.WithoutCancel(ctx), &s.groups
	s.late.Go(func() {
		ctx, cancel := context.WithTimeout(free, groupCall+s.opt.Timeout)
		defer cancel()
		members, bad := s.members(ctx, ids)
		g.mu.Lock()
		defer g.mu.Unlock()
		if g.of == nil || len(g.of) > maxRemembered {
			g.of = map[string]roster{}
		}
		until := time.Now().Add(groupTime)
		if bad != nil {
			s.log.WarnContext(ctx, "members of user groups not read", "err", bad)
			until = time.Now().Add(max(groupAgain, bad.pause))
		}
		for _, id := range ids {
			if changes == g.changes { // else it may be from before the change
				g.of[id] = roster{members: members[id], until: until, bad: bad}
			}
		}
		close(g.asking)
		g.asking = nil
	})
}

// members asks Slack who is in some groups: in one of them, or in all at once. Of
// groups that are not there, or switched off, nobody is a member.
func (s *Sink) members(ctx context.Context, ids []string) (map[string][]string, *fault) {
	if len(ids) > 1 {
		all, bad := s.listGroups(ctx, true)
		out := map[string][]string{}
		for _, g := range all {
			out[g.ID] = g.Users
		}
		return out, groupless(bad)
	}
	var got struct {
		Users []string `json:"users"`
	}
	bad := s.aboutGroups(ctx, methodGroupUsers, url.Values{"usergroup": ids}, &got)
	return map[string][]string{ids[0]: got.Users}, groupless(bad)
}

// groupless takes away faults that say that there are no such groups.
func groupless(bad *fault) *fault {
	if bad != nil && (bad.code == "no_such_subteam" || bad.code == "plan_upgrade_required") {
		return nil
	}
	return bad
}

// userGroup is a user group, narrow on purpose: the library's type fails on a count
// that Slack writes as a string.
type userGroup struct {
	ID     string   `json:"id"`
	Handle string   `json:"handle"`
	Users  []string `json:"users"`
	Gone   int64    `json:"date_delete"`
}

// listGroups lists the groups that are there, and notes what they are called.
func (s *Sink) listGroups(ctx context.Context, users bool) ([]userGroup, *fault) {
	var got struct {
		Groups []userGroup `json:"usergroups"`
	}
	values := url.Values{}
	if users {
		values.Set("include_users", "true")
	}
	if bad := s.aboutGroups(ctx, methodGroups, values, &got); bad != nil {
		return nil, bad
	}
	list := slices.DeleteFunc(got.Groups, func(g userGroup) bool { return g.Gone != 0 })
	s.groups.mu.Lock()
	defer s.groups.mu.Unlock()
	s.groups.handles, s.groups.named = map[string]string{}, time.Now()
	for _, g := range list {
		s.groups.handles[g.ID] = cut(oneLine(g.Handle), maxName)
	}
	return list, nil
}

// aboutGroups makes one call about user groups, which waits for its turn no longer
// than ctx leaves for it. The token of an organisation has to say which workspace is
// meant.
func (s *Sink) aboutGroups(ctx context.Context, method string, values url.Values, into any) *fault {
	if s.grant != nil && s.grant.key.team == bridge.WholeOrganisation {
		values.Set("team_id", s.grant.team)
	}
	return s.paced(ctx, call{method: method}, func(ctx context.Context, _ *slackgo.Client) error {
		ctx, cancel := context.WithTimeout(ctx, groupCall)
		defer cancel()
		return s.web.form(ctx, method, values, into)
	})
}

// errRefused says that Slack answered no. Why, the transport has read.
var errRefused = errors.New("slack says no")

// form makes a call that the library has no fitting type for.
func (w *web) form(ctx context.Context, method string, values url.Values, into any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, w.origin.String()+"/api/"+method, strings.NewReader(values.Encode()))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Authorization", "Bearer "+w.token())
	resp, err := w.client.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	raw, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return err
	}
	var answer struct {
		OK bool `json:"ok"`
	}
	if err := json.Unmarshal(raw, &answer); err != nil {
		return err
	}
	if !answer.OK || resp.StatusCode != http.StatusOK {
		return errRefused
	}
	return lenient(raw, into)
}

// Groups gives those of some user groups that a person of a workspace is in at this
// moment, as far as half a minute ago. The error is a *command.Problem.
func (a *Apps) Groups(ctx context.Context, p command.Principal, ids []string) ([]string, error) {
	if s := a.ofLoaded(ctx, p.Workspace); s != nil {
		in, bad := s.inGroups(ctx, p.User, ids)
		if bad == nil {
			return in, nil
		}
		if bad.code == "missing_scope" {
			return in, a.groupsUnseen()
		}
	}
	return nil, &command.Problem{
		Code: http.StatusServiceUnavailable, Status: command.GroupsUnknown, Message: "Slack does not tell now who is in the user groups that are listed here.", Hint: "Send it again in a minute.",
	}
}

// groupsUnseen says how the app comes to see user groups.
func (a *Apps) groupsUnseen() *command.Problem {
	p := &command.Problem{
		Code: http.StatusForbidden, Status: command.GroupsUnseen, Message: "The bridge may not see who is in the user groups that are listed here.",
		Hint: "Add usergroups:read under OAuth & Permissions, Bot Token Scopes, and reinstall the app to the workspace.",
	}
	if a.opt.OAuth != nil {
		p.Hint = "Add the app to this workspace again, and allow usergroups:read."
		p.Buttons = []bridge.Action{{Label: "Add the app again", URL: a.opt.OAuth.address(installPath)}}
	}
	return p
}

// ofLoaded is the sink of a workspace, once the installations are read.
func (a *Apps) ofLoaded(ctx context.Context, team string) *Sink {
	if team == "" || !a.loaded(ctx) {
		return nil
	}
	return a.of("", team)
}

// GroupName is what people of a workspace call a user group, "@editors"; "" where it
// is not known.
func (a *Apps) GroupName(ctx context.Context, team, id string) string {
	s := a.ofLoaded(ctx, team)
	if s == nil {
		return ""
	}
	g := &s.groups
	g.mu.Lock()
	fresh := time.Since(g.named) < handleTime
	g.mu.Unlock()
	if !fresh {
		ctx, cancel := context.WithTimeout(ctx, readerWait+s.opt.Timeout)
		defer cancel()
		if _, bad := s.listGroups(ctx, false); bad != nil {
			s.log.DebugContext(ctx, "names of user groups not read", "err", bad)
		}
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.handles[id] == "" {
		return ""
	}
	return "@" + g.handles[id]
}
