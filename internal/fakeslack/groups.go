package fakeslack

import (
	"cmp"
	"slices"
	"strconv"
)

// group is a user group of a workspace.
type group struct {
	id, handle string
	home       *Workspace
	members    []string
	disabled   bool
	changed    int64 // Unix seconds
}

const scopeGroups = "usergroups:read"

// AddGroup makes a user group and returns its id. Without a mention of their own people call it by "@" and its handle.
func (w *Workspace) AddGroup(handle string, members ...string) string {
	w.s.mu.Lock()
	defer w.s.mu.Unlock()
	g := &group{id: w.s.id("S"), handle: handle, home: w, members: slices.Clone(members), changed: w.s.opt.Now().Unix()}
	w.s.groups[g.id] = g
	g.tell(map[string]any{"type": "subteam_created", "subteam": g.wire(false)})
	return g.id
}

// Regroup says who is in a user group from now on. The app is told where it may see groups.
func (s *Server) Regroup(groupID string, members ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	g := s.groups[groupID]
	if g == nil {
		return
	}
	before, now := g.members, s.opt.Now().Unix()
	minus := func(all, without []string) []any {
		out := []any{}
		for _, id := range all {
			if !slices.Contains(without, id) {
				out = append(out, id)
			}
		}
		return out
	}
	added, removed := minus(members, before), minus(before, members)
	past := g.changed
	g.members, g.changed = slices.Clone(members), now
	g.tell(map[string]any{"type": "subteam_updated", "subteam": g.wire(true)})
	g.tell(map[string]any{
		"type": "subteam_members_changed", "subteam_id": g.id, "team_id": g.home.ID, "date_previous_update": past, "date_update": now,
		"added_users": added, "added_users_count": strconv.Itoa(len(added)), "removed_users": removed, "removed_users_count": strconv.Itoa(len(removed)),
	})
}

// DisableGroup switches a user group off: nobody is in it, and nobody is called by it.
func (s *Server) DisableGroup(groupID string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if g := s.groups[groupID]; g != nil {
		g.disabled, g.changed = true, s.opt.Now().Unix()
		g.tell(map[string]any{"type": "subteam_updated", "subteam": g.wire(true)})
	}
}

// tell emits an event about a group to an app that may see groups. The caller holds mu.
func (g *group) tell(event map[string]any) {
	s := g.home.s
	s.touch()
	if s.doors() && !g.home.uninstalled && !g.home.bot.missing([]string{scopeGroups}) {
		g.home.emit(event)
	}
}

// wire is a group as the API shows it (https://docs.slack.dev/reference/objects/usergroup-object).
func (g *group) wire(users bool) map[string]any {
	gone := int64(0)
	if g.disabled {
		gone = g.changed
	}
	out := map[string]any{
		"id": g.id, "team_id": g.home.ID, "is_usergroup": true, "is_subteam": true, "name": g.handle, "description": "", "handle": g.handle,
		"is_external": false, "date_create": 1700000000, "date_update": g.changed, "date_delete": gone, "auto_type": nil,
		"created_by": g.home.Owner, "updated_by": g.home.Owner, "deleted_by": nil,
		"prefs": map[string]any{"channels": []any{}, "groups": []any{}}, "user_count": len(g.members),
	}
	if users {
		list := []any{}
		for _, id := range g.members {
			list = append(list, id)
		}
		out["users"] = list
	}
	return out
}

// groupHome is the workspace that a call about groups is about: an organisation's token has to name one.
func (c *call) groupHome() (*Workspace, *answer) {
	home := c.tok.home
	if home.org == "" {
		return home, nil
	}
	named := c.s.workspaces[c.args.str("team_id")]
	switch {
	case !c.args.has("team_id"):
		return nil, new(refuse("missing_argument", "team_id, with the token of an organisation"))
	case named == nil || named.org != home.org:
		return nil, new(refuse("team_not_found", "%s", c.args.str("team_id")))
	}
	return named, nil
}

func (c *call) groupList() answer {
	home, no := c.groupHome()
	if no != nil {
		return *no
	}
	list := []any{}
	for _, id := range sortedKeys(c.s.groups) {
		if g := c.s.groups[id]; g.home == home && (!g.disabled || c.args.flag("include_disabled")) {
			list = append(list, g.wire(c.args.flag("include_users")))
		}
	}
	return answer{fields: map[string]any{"usergroups": list}}
}

func (c *call) groupUsers() answer {
	home, no := c.groupHome()
	if no != nil {
		return *no
	}
	g := c.s.groups[c.args.str("usergroup")]
	if g == nil || g.home != home || g.disabled && !c.args.flag("include_disabled") {
		return refuse("no_such_subteam", "%s", c.args.str("usergroup"))
	}
	return answer{fields: map[string]any{"users": g.wire(true)["users"]}}
}

// teamsList is what auth.teams.list gives: the workspaces that a token is good for.
func (c *call) teamsList() answer {
	const most = 1000
	limit := c.args.number("limit", 100)
	if limit < 1 || limit > most {
		return refuse("invalid_limit", "%d", limit)
	}
	home, all := c.tok.home, []any{}
	for _, id := range sortedKeys(c.s.workspaces) {
		if w := c.s.workspaces[id]; w == home || home.org != "" && w.org == home.org {
			all = append(all, map[string]any{"id": w.ID, "name": w.Name})
		}
	}
	from, err := strconv.Atoi(cmp.Or(c.args.str("cursor"), "0"))
	if err != nil || from < 0 || from > len(all) {
		return refuse("invalid_cursor", "%s", c.args.str("cursor"))
	}
	upto, next := min(len(all), from+limit), ""
	if upto < len(all) {
		next = strconv.Itoa(upto)
	}
	return answer{fields: map[string]any{"teams": all[from:upto], "response_metadata": map[string]any{"next_cursor": next}}}
}
