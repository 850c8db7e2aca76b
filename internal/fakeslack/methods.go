package fakeslack

import (
	"cmp"
	"maps"
	"slices"
	"time"
)

// method is one row of the Web API's table: https://docs.slack.dev/reference/methods.
type method struct {
	name       string
	kind       tokenKind
	scopes     []string // any one is enough
	tier       int      // 0: a rule of its own, or none
	perChannel bool     // the posting rule: a gap per channel, a few hundred a minute and workspace
	history    bool     // falls under Limits.NewApp
	args       []string // those documented; others are bad manners
	run        func(*call) answer
}

func methodTable() map[string]method {
	message := []string{
		"channel", "text", "blocks", "attachments", "metadata", "thread_ts", "reply_broadcast", "unfurl_links", "unfurl_media",
		"parse", "link_names", "mrkdwn", "username", "icon_emoji", "icon_url", "markdown_text", "as_user",
	}
	table := []method{
		{name: "api.test", kind: kindNone, tier: 4, args: []string{"error", "foo"}, run: (*call).apiTest},
		{name: "auth.test", kind: kindAny, run: (*call).authTest},
		{name: "chat.postMessage", kind: kindBot, scopes: []string{"chat:write"}, perChannel: true, args: message, run: (*call).postMessage},
		{name: "chat.postEphemeral", kind: kindBot, scopes: []string{"chat:write"}, tier: 4, args: append(slices.Clip(message), "user"), run: (*call).postEphemeral},
		{name: "chat.update", kind: kindBot, scopes: []string{"chat:write"}, tier: 3, args: append(slices.Clip(message), "ts", "file_ids"), run: (*call).update},
		{name: "chat.delete", kind: kindBot, scopes: []string{"chat:write"}, tier: 3, args: []string{"channel", "ts", "as_user"}, run: (*call).remove},
		{name: "chat.unfurl", kind: kindBot, scopes: []string{"links:write"}, tier: 3, args: []string{
			"channel", "ts", "unfurls", "unfurl_id", "source", "metadata", "user_auth_blocks", "user_auth_message", "user_auth_required", "user_auth_url",
		}, run: (*call).unfurl},
		{name: "conversations.info", kind: kindBot, scopes: readScopes, tier: 3, args: []string{"channel", "include_locale", "include_num_members"}, run: (*call).conversationInfo},
		{name: "conversations.list", kind: kindBot, scopes: readScopes, tier: 2, args: []string{"cursor", "exclude_archived", "limit", "team_id", "types"}, run: (*call).conversationList},
		{name: "conversations.open", kind: kindBot, scopes: []string{"im:write", "mpim:write", "channels:manage", "groups:write"}, tier: 3, args: []string{"channel", "users", "return_im", "prevent_creation"}, run: (*call).conversationOpen},
		{name: "conversations.history", kind: kindBot, scopes: historyScopes, tier: 3, history: true, args: []string{
			"channel", "cursor", "inclusive", "latest", "limit", "oldest", "include_all_metadata",
		}, run: (*call).conversationHistory},
		{name: "conversations.replies", kind: kindBot, scopes: historyScopes, tier: 3, history: true, args: []string{
			"channel", "ts", "cursor", "inclusive", "latest", "limit", "oldest", "include_all_metadata",
		}, run: (*call).conversationReplies},
		{name: "users.info", kind: kindBot, scopes: []string{"users:read"}, tier: 4, args: []string{"user", "include_locale"}, run: (*call).userInfo},
		{name: "usergroups.list", kind: kindBot, scopes: []string{scopeGroups}, tier: 2, args: []string{"include_count", "include_disabled", "include_users"}, run: (*call).groupList},
		{name: "usergroups.users.list", kind: kindBot, scopes: []string{scopeGroups}, tier: 2, args: []string{"usergroup", "include_disabled"}, run: (*call).groupUsers},
		{name: "auth.teams.list", kind: kindBot, tier: 2, args: []string{"cursor", "limit", "include_icon"}, run: (*call).teamsList},
		{name: "reactions.add", kind: kindBot, scopes: []string{"reactions:write"}, tier: 3, args: []string{"channel", "name", "timestamp"}, run: (*call).reactionAdd},
		{name: "views.open", kind: kindBot, tier: 4, args: []string{"view", "trigger_id", "interactivity_pointer"}, run: (*call).viewOpen},
		{name: "views.push", kind: kindBot, tier: 4, args: []string{"view", "trigger_id", "interactivity_pointer"}, run: (*call).viewPush},
		{name: "views.update", kind: kindBot, tier: 4, args: []string{"view", "view_id", "external_id", "hash"}, run: (*call).viewUpdate},
		{name: "views.publish", kind: kindBot, tier: 4, args: []string{"view", "user_id", "hash"}, run: (*call).viewPublish},
		{name: "files.getUploadURLExternal", kind: kindBot, scopes: []string{"files:write"}, tier: 4, args: []string{"filename", "length", "alt_txt", "snippet_type"}, run: (*call).uploadURL},
		{name: "files.completeUploadExternal", kind: kindBot, scopes: []string{"files:write"}, tier: 4, args: []string{
			"files", "channel_id", "channels", "initial_comment", "blocks", "thread_ts",
		}, run: (*call).completeUpload},
		{name: "files.info", kind: kindBot, scopes: []string{"files:read"}, tier: 4, args: []string{"file", "count", "cursor", "limit", "page"}, run: (*call).fileInfo},
		{name: "apps.connections.open", kind: kindApp, scopes: []string{"connections:write"}, tier: 3, run: (*call).connectionsOpen},
		{name: "apps.manifest.validate", kind: kindConfig, tier: 3, args: []string{"manifest", "app_id"}, run: (*call).manifestValidate},
		{name: "blocks.validate", kind: kindBot, tier: 4, args: []string{"blocks", "message", "view"}, run: (*call).blocksValidate},
		{name: "oauth.v2.access", kind: kindNone, tier: 4, args: []string{
			"client_id", "client_secret", "code", "redirect_uri", "grant_type", "refresh_token", "code_verifier",
		}, run: (*call).oauthAccess},
	}
	out := make(map[string]method, len(table))
	for _, m := range table {
		out[m.name] = m
	}
	return out
}

var (
	readScopes    = []string{"channels:read", "groups:read", "mpim:read", "im:read"}
	historyScopes = []string{"channels:history", "groups:history", "mpim:history", "im:history"}
)

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

func (c *call) apiTest() answer {
	if code := c.args.str("error"); code != "" {
		return refuse(code, "asked for")
	}
	return answer{fields: map[string]any{"args": c.args.shown()}}
}

func (c *call) authTest() answer {
	home := c.tok.home
	if home == nil { // an app-level token tells the app alone
		return answer{fields: map[string]any{"app_name": "ImagineBridge", "app_id": appID}}
	}
	a := answer{fields: map[string]any{
		"url": "https://" + home.Name + ".slack.com/", "team": home.Name, "user": c.s.users[home.BotUser].name,
		"team_id": home.ID, "user_id": home.BotUser, "bot_id": home.BotID, "is_enterprise_install": home.org != "",
	}}
	if home.org != "" { // the token is of no single workspace
		a.fields["team_id"], a.fields["enterprise_id"] = home.org, home.org
	}
	return a
}

func (c *call) userInfo() answer {
	u := c.s.users[c.args.str("user")]
	if u == nil {
		return refuse("user_not_found", "%s", c.args.str("user"))
	}
	zone := cmp.Or(u.zone, "Europe/Berlin")
	out := map[string]any{
		"id": u.id, "team_id": u.team, "name": u.name, "real_name": u.name, "is_bot": u.bot, "deleted": u.inactive,
		"tz": zone, "tz_label": zone, "tz_offset": 0,
		"profile": map[string]any{"display_name": u.name, "real_name": u.name},
	}
	if l, err := time.LoadLocation(zone); err == nil {
		out["tz_label"], out["tz_offset"] = c.now.In(l).Zone()
	}
	if c.args.flag("include_locale") {
		out["locale"] = cmp.Or(u.locale, "en-US")
	}
	return answer{fields: map[string]any{"user": out}}
}

func (c *call) reactionAdd() answer {
	ch, no := c.postable(c.args.str("channel"))
	if no != nil {
		return *no
	}
	m := ch.find(c.args.str("timestamp"))
	switch name := c.args.str("name"); {
	case m == nil:
		return refuse("message_not_found", "%s", c.args.str("timestamp"))
	case name == "":
		return refuse("no_reaction", "no name")
	case slices.Contains(m.reactions, name):
		return refuse("already_reacted", "%s", name)
	default:
		m.reactions = append(m.reactions, name)
	}
	return answer{}
}

func (c *call) blocksValidate() answer {
	for _, check := range []struct {
		arg, code string
		run       func(any) []Problem
	}{
		{"blocks", invalidBlocks, func(v any) []Problem { return validateBlocks(v, onMessage) }},
		{"message", "invalid_message", validateMessage},
		{"view", "invalid_view", validateView},
	} {
		if !c.args.has(check.arg) {
			continue
		}
		v, ok := c.args.json(check.arg)
		if !ok {
			return refuse("invalid_json", "%s", check.arg)
		}
		if found := check.run(v); len(found) > 0 {
			a := refuse(check.code, "%s", found[0])
			a.err.fields = map[string]any{"errors": pointers(found)}
			return a
		}
		return answer{}
	}
	return refuse("invalid_arguments", "blocks, message or view")
}

func (c *call) manifestValidate() answer {
	v, ok := c.args.json("manifest")
	if !ok {
		return refuse("invalid_manifest", "no JSON")
	}
	if found := validateManifest(v); len(found) > 0 {
		a := refuse("invalid_manifest", "%s", found[0])
		a.err.fields = map[string]any{"errors": pointers(found)}
		return a
	}
	return answer{fields: map[string]any{"errors": []any{}}}
}

// pointers shows problems as objects with a message and a JSON pointer.
func pointers(found []Problem) []any {
	var out []any
	for _, p := range found {
		out = append(out, map[string]any{"message": p.Message, "pointer": p.Pointer})
	}
	return out
}
