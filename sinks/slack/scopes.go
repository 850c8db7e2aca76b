package slack

// Scopes that code asks for by name.
const (
	scopeHistory        = "channels:history"
	scopePrivateHistory = "groups:history"
	scopeDirectHistory  = "im:history"
	scopeEcho           = "metadata.message:read"
	scopeFiles          = "files:read"
	scopeMentions       = "app_mentions:read"
	scopeReactions      = "reactions:write"
	scopeUsers          = "users:read"
	scopeGroups         = "usergroups:read"
)

// scope is one permission of the bot and what it is for. The manifest and the
// check read the same table.
type scope struct {
	name     string
	optional bool     // people may refuse it while they install the app
	gives    string   // what it adds to relaying, continuing "so that"; "" for what relaying itself needs
	events   []string // event types that come with it
}

func scopes() []scope {
	const (
		answer = "answers typed in threads are read, also those typed while the bridge was away, and the bridge can look whether a message arrived before it repeats it, instead of marking the repeat"
		links  = "links to posts and profiles show what is behind them"
		see    = "the check sees channels, and the bridge hears at once when one is archived or the app is removed"
	)
	return []scope{
		{name: "chat:write"},
		{name: "commands", gives: "people can use /ia and the shortcuts"},
		{name: scopeHistory, optional: true, gives: answer, events: []string{"message.channels"}},
		{name: scopePrivateHistory, optional: true, gives: answer, events: []string{"message.groups"}},
		{name: scopeDirectHistory, gives: answer, events: []string{"message.im"}},
		{name: scopeMentions, optional: true, gives: "an answer in a thread that names the app reaches ImagineAnything, where it may not read the others", events: []string{"app_mention"}},
		{name: "links:read", gives: links, events: []string{"link_shared"}},
		{name: "links:write", gives: links},
		{name: scopeFiles, optional: true, gives: "forms take files"},
		{name: scopeReactions, optional: true, gives: "a mark on each answer shows whether it arrived"},
		{name: scopeUsers, optional: true, gives: "answers come in each person's language, and times are read in their zone"},
		{
			name: scopeGroups, optional: true, gives: "access lists can name user groups",
			events: []string{"subteam_created", "subteam_updated", "subteam_members_changed"},
		},
		{
			name: "channels:read", optional: true, gives: see,
			events: []string{"channel_archive", "channel_deleted", "channel_unarchive", "member_joined_channel", "member_left_channel"},
		},
		{name: "groups:read", optional: true, gives: see, events: []string{"group_archive", "group_deleted", "group_unarchive"}},
		{name: "chat:write.public", optional: true, gives: "the app can post to public channels without an invitation"},
		{name: scopeEcho, optional: true, gives: "Slack confirms each message by an event", events: []string{"message_metadata_posted"}},
	}
}

// freeEvents need no scope.
func freeEvents() []string {
	return []string{"app_home_opened", "app_uninstalled", "tokens_revoked", "team_access_granted", "team_access_revoked"}
}
