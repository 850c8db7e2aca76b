package fakeslack

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// The tables of the app manifest: https://docs.slack.dev/reference/app-manifest, schema 2.

var manifestShape = shape{
	"_metadata":           object("m_metadata"),
	"display_information": object("m_display").must(),
	"features":            object("m_features"),
	"oauth_config":        object("m_oauth"),
	"settings":            object("m_settings"),
}

var manifestObjects = map[string]shape{
	"m_metadata": {"major_version": integer(1, 2), "minor_version": integer(0, 99)},
	"m_display": {
		"name": str(1, 35).must(), "description": str(1, 140), "long_description": str(175, 4000), "background_color": str(4, 7),
	},
	"m_features": {
		"app_home": object("m_home"), "bot_user": object("m_bot"), "shortcuts": list(0, 10, object("m_shortcut")),
		"slash_commands": list(0, 50, object("m_command")), "unfurl_domains": list(0, 5, str(1, 255)),
	},
	"m_home": {"home_tab_enabled": boolean(), "messages_tab_enabled": boolean(), "messages_tab_read_only_enabled": boolean()},
	"m_bot":  {"display_name": str(1, 80).must(), "always_online": boolean()},
	"m_shortcut": {
		"name": str(1, 24).must(), "type": enum("global", "message").must(), "callback_id": str(1, 255).must(), "description": str(1, 150).must(),
	},
	"m_command": {
		"command": str(2, 32).must(), "description": str(1, 2000).must(), "usage_hint": str(0, 1000), "url": link(), "should_escape": boolean(),
	},
	"m_oauth": {
		"redirect_urls": list(0, 1000, link()), "scopes": object("m_scopes"), "pkce_enabled": boolean(), "token_management_enabled": boolean(),
	},
	"m_scopes": {
		"bot": list(0, 255, str(1, 255)), "bot_optional": list(0, 255, str(1, 255)),
		"user": list(0, 255, str(1, 255)), "user_optional": list(0, 255, str(1, 255)),
	},
	"m_settings": {
		"event_subscriptions": object("m_events"), "interactivity": object("m_interactivity"), "org_deploy_enabled": boolean(),
		"socket_mode_enabled": boolean(), "token_rotation_enabled": boolean(), "is_hosted": boolean(),
		"allowed_ip_address_ranges": list(0, 10, str(1, 50)), "incoming_webhooks": object("m_webhooks"),
	},
	"m_events": {
		"request_url": link(), "bot_events": list(0, 100, str(1, 255)), "user_events": list(0, 100, str(1, 255)),
		"metadata_subscriptions": list(0, 100, object("m_metasub")),
	},
	"m_metasub":       {"app_id": str(1, 255).must(), "event_type": str(1, 255).must()},
	"m_interactivity": {"is_enabled": boolean().must(), "request_url": link(), "message_menu_options_url": link()},
	"m_webhooks":      {"incoming_webhooks_enabled": boolean()},
}

// eventScopes are the bot scopes an event subscription needs, any one of them (each event's reference page). Events
// that need none are in the table with an empty list; others are unknown.
var eventScopes = map[string][]string{
	"app_home_opened": nil, "app_uninstalled": nil, "tokens_revoked": nil, "team_access_granted": nil, "team_access_revoked": nil,
	"app_mention": {"app_mentions:read"}, "link_shared": {"links:read"},
	"message.channels": {"channels:history"}, "message.groups": {"groups:history"}, "message.im": {"im:history"}, "message.mpim": {"mpim:history"},
	"message_metadata_posted": {"metadata.message:read"}, "message_metadata_updated": {"metadata.message:read"}, "message_metadata_deleted": {"metadata.message:read"},
	"reaction_added": {"reactions:read"}, "reaction_removed": {"reactions:read"},
	"member_joined_channel": {"channels:read", "groups:read"}, "member_left_channel": {"channels:read", "groups:read"},
	"channel_archive": {"channels:read"}, "channel_unarchive": {"channels:read"}, "channel_deleted": {"channels:read"}, "channel_rename": {"channels:read"},
	"subteam_created": {scopeGroups}, "subteam_updated": {scopeGroups}, "subteam_members_changed": {scopeGroups},
	"group_archive": {"groups:read"}, "group_unarchive": {"groups:read"}, "group_deleted": {"groups:read"},
}

var (
	hexColour   = regexp.MustCompile(`^#([0-9a-fA-F]{3}|[0-9a-fA-F]{6})$`)
	commandName = regexp.MustCompile(`^/[a-z0-9_-]+$`)
	domainName  = regexp.MustCompile(`^([a-z0-9-]+\.)+[a-z]{2,}$`)
)

func validateManifest(v any) []Problem {
	const code = "invalid_manifest"
	obj, ok := v.(map[string]any)
	if !ok {
		return []Problem{{Code: code, Message: "must provide an object"}}
	}
	w := newWalker(everywhere, code)
	w.named = manifestObjects
	w.fields("", obj, manifestShape)
	if len(w.found) == 0 {
		m := args(obj)
		w.manifestFeatures(m.object("features"), m.object("settings"))
		w.manifestScopes(m)
		w.manifestSettings(m)
		if c, ok := m.object("display_information")["background_color"].(string); ok && !hexColour.MatchString(c) {
			w.bad("/display_information/background_color", "must be a hex colour")
		}
	}
	return w.found
}

func (a args) object(key string) args {
	obj, _ := a[key].(map[string]any)
	return obj
}

func (a args) list(key string) []any {
	items, _ := a[key].([]any)
	return items
}

func (a args) strings(key string) []string {
	var out []string
	for _, v := range a.list(key) {
		s, _ := v.(string)
		out = append(out, s)
	}
	return out
}

func (w *walker) manifestFeatures(features, settings args) {
	seen := map[string]bool{}
	for i, v := range features.list("slash_commands") {
		cmd, ptr := args(v.(map[string]any)), "/features/slash_commands/"+strconv.Itoa(i)
		name := cmd.str("command")
		if !commandName.MatchString(name) {
			w.bad(ptr+"/command", "must begin with / and hold no spaces or capitals")
		}
		if seen[name] {
			w.bad(ptr+"/command", "must be unique")
		}
		seen[name] = true
		if !settings.flag("socket_mode_enabled") && cmd.str("url") == "" {
			w.bad(ptr, "missing required field: url")
		}
	}
	for i, v := range features.list("shortcuts") {
		id := args(v.(map[string]any)).str("callback_id")
		if seen[id] {
			w.bad("/features/shortcuts/"+strconv.Itoa(i)+"/callback_id", "must be unique")
		}
		seen[id] = true
	}
	for i, d := range features.strings("unfurl_domains") {
		if !domainName.MatchString(d) {
			w.bad("/features/unfurl_domains/"+strconv.Itoa(i), "must be a domain name")
		}
	}
}

func (w *walker) manifestScopes(m args) {
	scopes := m.object("oauth_config").object("scopes")
	bot := scopes.strings("bot")
	for i, sc := range scopes.strings("bot_optional") {
		if !slices.Contains(bot, sc) {
			w.bad("/oauth_config/scopes/bot_optional/"+strconv.Itoa(i), "%s is not among the bot scopes", sc)
		}
	}
	if len(bot) > 0 && m.object("features").object("bot_user") == nil {
		w.bad("/features", "missing required field: bot_user")
	}
	if len(m.object("features").list("slash_commands")) > 0 && !slices.Contains(bot, "commands") {
		w.bad("/oauth_config/scopes/bot", "slash commands need the scope commands")
	}
	for i, event := range m.object("settings").object("event_subscriptions").strings("bot_events") {
		ptr := "/settings/event_subscriptions/bot_events/" + strconv.Itoa(i)
		need, known := eventScopes[event]
		switch {
		case !known:
			w.bad(ptr, "unknown event %s", event)
		case len(need) > 0 && !slices.ContainsFunc(need, func(sc string) bool { return slices.Contains(bot, sc) }):
			w.bad(ptr, "%s needs the scope %s", event, strings.Join(need, " or "))
		case event == "link_shared" && len(m.object("features").list("unfurl_domains")) == 0:
			w.bad(ptr, "link_shared needs unfurl_domains")
		}
	}
}

func (w *walker) manifestSettings(m args) {
	settings := m.object("settings")
	socket := settings.flag("socket_mode_enabled")
	events, inter := settings.object("event_subscriptions"), settings.object("interactivity")
	if !socket && len(events.list("bot_events")) > 0 && events.str("request_url") == "" {
		w.bad("/settings/event_subscriptions", "missing required field: request_url")
	}
	if !socket && inter.flag("is_enabled") && inter.str("request_url") == "" {
		w.bad("/settings/interactivity", "missing required field: request_url")
	}
	for i, u := range m.object("oauth_config").strings("redirect_urls") {
		if !strings.HasPrefix(u, "https://") {
			w.bad("/oauth_config/redirect_urls/"+strconv.Itoa(i), "must begin with https://")
		}
	}
	if settings.flag("org_deploy_enabled") && len(m.object("oauth_config").object("scopes").list("bot")) == 0 {
		w.bad("/settings/org_deploy_enabled", "needs a bot scope")
	}
}
