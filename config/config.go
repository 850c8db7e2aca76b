// Package config is the configuration of ImagineBridge: the file format, the
// environment, defaults, and one report with everything that is wrong, each
// with its place and what to do. Its main type is [Config]; [Load] is the way in.
//
// It knows no other room: checks that need one (event patterns, filters) are
// functions handed in, so that one report still holds all.
package config

// Config is the whole configuration. The comments of its fields are the
// reference page docs/config.md.
type Config struct {
	// ImagineAnything is the API that is watched.
	ImagineAnything ImagineAnything `yaml:"imagineanything"`
	// Agents are the agent accounts that are watched.
	Agents []Agent `yaml:"agents"`
	// Poll says how often the API is asked.
	Poll Poll `yaml:"poll"`
	// NATS is where events are stored.
	NATS NATS `yaml:"nats"`
	// HTTP is the bridge's own web server: console, health and metrics.
	HTTP HTTP `yaml:"http"`
	// Discord is the Discord application.
	Discord Discord `yaml:"discord"`
	// Slack is the Slack app.
	Slack Slack `yaml:"slack"`
	// Webhooks holds what is common to all webhook destinations.
	Webhooks Webhooks `yaml:"webhooks"`
	// Access says who may act in the name of agents, and how often.
	Access Access `yaml:"access"`
	// Subscriptions say which events go where.
	Subscriptions []Subscription `yaml:"subscriptions"`

	// Cards are what the bridge writes into channels.
	Cards Cards `yaml:"cards"`

	// Runtime comes from the environment only.
	Runtime Runtime `yaml:"-"`
	// Notices are said once at start: overrides and warnings, in order.
	Notices []Notice `yaml:"-"`
}

// Cards are what the bridge writes into channels.
type Cards struct {
	// Language of them, en or de. It is for all who read a channel; who uses a command is answered in the language of their own client.
	Language string `yaml:"language"`
}

// ImagineAnything is the API that is watched.
type ImagineAnything struct {
	// BaseURL is the origin of the API: scheme and host. http is taken on this machine only.
	BaseURL string `yaml:"base_url"`
}

// Agent is one agent account at ImagineAnything.
type Agent struct {
	// Handle of the account, without @. It may be left out where there is only one agent; the API is then asked for it.
	Handle string `yaml:"handle"`
	// ClientID of the account's OAuth credentials.
	ClientID string `yaml:"client_id"`
	// ClientSecret of the account's OAuth credentials.
	ClientSecret Secret `yaml:"client_secret"`
	// Watch lists what posts of others are wanted about, at most 20: "#tag", "@handle", or words to search for; events post.matched. The agent's watches share one look in each poll.posts.
	Watch []string `yaml:"watch"`
	// Hook registers the bridge as the one address that ImagineAnything calls for this agent, where it offers that and no other program has it: a call makes the bridge look at once, what it says is not read. Needs http.public_url.
	Hook bool `yaml:"hook"`
}

// Poll says how often the API is asked, for each agent.
type Poll struct {
	// Notifications is the shortest interval between two looks at the notifications, at least 2s.
	Notifications Duration `yaml:"notifications"`
	// Messages is the shortest interval between two looks at the conversations, at least 2s.
	Messages Duration `yaml:"messages"`
	// Generations is the shortest interval between two looks at running generations, at least 2s.
	Generations Duration `yaml:"generations"`
	// Ceiling is the longest interval that a quiet agent drifts to; not below the two first.
	Ceiling Duration `yaml:"ceiling"`
	// Backfill says how old something may be that becomes an event at an agent's very first start; 0s takes nothing old.
	Backfill Duration `yaml:"backfill"`
	// Feed also watches posts of followed agents and the agent's own posts: events post.followed and post.published.
	Feed bool `yaml:"feed"`
	// OwnPosts watches the agent's own posts alone: events post.published.
	OwnPosts bool `yaml:"own_posts"`
	// Posts is the shortest interval between two looks at feed and own posts, and from one of an agent's watches to the next, at least 2s.
	Posts Duration `yaml:"posts"`
	// Profile is the interval between two looks at the agent's own numbers and profile, at least 10s: events agent.milestone and agent.profile_changed. 0s is never.
	Profile Duration `yaml:"profile"`
	// Listings is the interval between two looks at what is new on the marketplace, at least 10s: events service.listed. 0s is never.
	Listings Duration `yaml:"listings"`
	// Orders is the interval between two looks at the agent's orders on the marketplace, at least 10s: events service.ordered and service.order_changed. 0s is never.
	Orders Duration `yaml:"orders"`
}

// NATS is where events are stored: an embedded server, or one elsewhere.
type NATS struct {
	// URL of a NATS server with JetStream, 2.12 or later; several with commas. Empty embeds one.
	URL string `yaml:"url"`
	// Creds is the path of a credentials file for that server: of NATS (.creds), or of a bridge (.json).
	Creds string `yaml:"creds"`
	// Listen is the address of this machine at which the embedded server takes other programs, or off. Port 0 takes a free one.
	Listen string `yaml:"listen"`
	// Store bounds what the streams may hold, at least 8MiB; when they are full, the oldest goes.
	Store Size `yaml:"store"`
	// Keep is how long events are kept, at least 1m.
	Keep Duration `yaml:"keep"`
	// Sync is how often the embedded server flushes to disk: an interval, or always for after each write.
	Sync Sync `yaml:"sync"`
}

// HTTP is the bridge's own web server.
type HTTP struct {
	// Listen is the address of console, health and metrics, or off. Port 0 takes a free one.
	Listen string `yaml:"listen"`
	// PublicURL is how the outside world reaches that address: scheme and host. The console answers to that host besides those of this machine, and asks everybody for its token then.
	PublicURL string `yaml:"public_url"`
}

// Discord is the Discord application that messages are sent by.
type Discord struct {
	// BotToken of the application's bot user. It alone is a complete configuration: agents and channels can be connected in Discord.
	BotToken Secret `yaml:"bot_token"`
	// ApplicationID of the application; left out, the token tells it.
	ApplicationID string `yaml:"application_id"`
	// PublicKey of the application, 64 hex digits. With it interactions may come over HTTP: the application's Interactions Endpoint URL is then http.public_url with /discord/interactions behind it.
	PublicKey string `yaml:"public_key"`
	// APIURL is the origin of Discord's API: scheme and host.
	APIURL string `yaml:"api_url"`
	// MessageContent says that the privileged Message Content intent is enabled in the portal.
	MessageContent bool `yaml:"message_content"`
}

// Slack is the Slack app that messages are sent by.
type Slack struct {
	// BotToken (xoxb-…) of the app in one workspace. Not needed where people install the app themselves.
	BotToken Secret `yaml:"bot_token"`
	// AppToken (xapp-…) opens Socket Mode, by which the bridge hears of changes in the workspace.
	AppToken Secret `yaml:"app_token"`
	// SigningSecret verifies what Slack sends over HTTP.
	SigningSecret Secret `yaml:"signing_secret"`
	// ClientID of the app. With client_secret and http.public_url anybody can install it in their workspace, at /slack/install.
	ClientID string `yaml:"client_id"`
	// ClientSecret of the app.
	ClientSecret Secret `yaml:"client_secret"`
	// APIURL is the origin of Slack's API: scheme and host.
	APIURL string `yaml:"api_url"`
}

// Installable reports that people can install the app themselves, where http.public_url is set too.
func (s Slack) Installable() bool { return s.ClientID != "" && !s.ClientSecret.IsZero() }

// Webhooks holds what is common to all webhook destinations.
type Webhooks struct {
	// AllowPrivate permits addresses inside private networks and of this machine, also with http.
	AllowPrivate bool `yaml:"allow_private"`
}

// Access says who may act, how often, and by whose clock. People are listed as discord:role:ID, discord:user:ID, slack:user:ID or
// slack:group:ID.
type Access struct {
	// Write lists who may act in the name of agents.
	Write []string `yaml:"write"`
	// Admin lists who may change keys, identity and money matters.
	Admin []string `yaml:"admin"`
	// DailyGenerations is how many generations one person may start a day (UTC) as one agent before the bridge asks whether another is
	// meant; 0 asks never. Programs on NATS and the terminal are not asked.
	DailyGenerations Count `yaml:"daily_generations"`
	// Zone is the time zone of people whose platform does not tell theirs, as Discord doesn't: what 18:30 means when they schedule a post.
	Zone string `yaml:"zone"`
}

// Subscription says which events of which agents go where.
type Subscription struct {
	// Name identifies it: letters, digits, - and _, at most 64. A new name is a new subscription, which starts anew.
	Name string `yaml:"name"`
	// Agents are handles, or "*" for all.
	Agents []string `yaml:"agents"`
	// Events are patterns: "*", "family.*" or "family.type" of events.md.
	Events []string `yaml:"events"`
	// Filter is an expression over the event; empty lets all pass.
	Filter string `yaml:"filter"`
	// To is the destination: discord:CHANNEL, slack:CHANNEL, webhook:URL or console.
	To string `yaml:"to"`
	// Secret signs a webhook: whsec_ and 24 to 64 bytes in base64; two, separated by a space, while keys change.
	Secret Secret `yaml:"secret"`
	// Start is where its first start begins: new, all (that is kept), or a duration back from now.
	Start string `yaml:"start"`
	// Digest gathers events for this long into one message, at least 1m; 0s sends each at once. Not for webhooks, which get each event by itself.
	Digest Duration `yaml:"digest"`
	// DigestAt gathers events until a time of day instead.
	DigestAt DigestAt `yaml:"digest_at"`
	// Cap is how many messages are sent in a minute at most; what comes beyond goes into a digest. 0 for no cap. Not for webhooks.
	Cap Count `yaml:"cap"`
	// Fold makes likes, reposts and follows of one thing within this span one message, which is edited and counts them; 0s sends each. Not for webhooks.
	Fold Duration `yaml:"fold"`
	// CatchUp says what becomes of events that waited during an outage (more than 50, or the first for more than 15 minutes): digest sends messages and mentions first and the rest in digests, all sends each by itself, skip leaves out what is older than 15 minutes and says so. Where it is left out, it is digest; all at webhooks, which get no digest.
	CatchUp string `yaml:"catch_up"`
	// Order strict lets a webhook's failed event hold back the later ones. Without it they go on while that one is tried again for three days. Elsewhere order is always kept.
	Order string `yaml:"order"`
	// Notify is the discord: or slack: channel that is told when the destination refuses everything, and when it works again.
	Notify string `yaml:"notify"`
	// Template is a Go text/template over the names that a filter sees, which makes the words of single events; empty for the usual cards. Not for webhooks.
	Template string `yaml:"template"`
	// Audience is who is mentioned, by event pattern: discord:role:ID, discord:user:ID, slack:user:ID or slack:group:ID. The closest pattern counts: message.received before message.* before "*". Edits mention nobody, nor do digests after an outage and what is sent again.
	Audience map[string]string `yaml:"audience"`
	// Quiet are hours of the day in which nothing is sent; what happens in them is sent afterwards.
	Quiet Quiet `yaml:"quiet"`
}

// DigestAt is the time of day at which a digest goes.
type DigestAt struct {
	// Time of the day, HH:MM.
	Time string `yaml:"time"`
	// Zone is its time zone, like Europe/Berlin; empty is UTC.
	Zone string `yaml:"zone"`
}

// Quiet are hours of the day in which a subscription sends nothing.
type Quiet struct {
	// From is when quiet begins, HH:MM.
	From string `yaml:"from"`
	// To is when it ends, HH:MM; a time before the other one is on the next day.
	To string `yaml:"to"`
	// Zone is the time zone of both, like Europe/Berlin; empty is UTC.
	Zone string `yaml:"zone"`
}

// Runtime is what the environment alone decides.
type Runtime struct {
	// DataDir is the folder that holds all state.
	DataDir string
	// Key seals secrets, and is what others are made from: the signing secrets of webhooks. Processes on one NATS share it. Where it is not set, one is made in the data folder. While it is changed it holds several, the newest first.
	Key Secret
	// KeyFile is where Key was read from; empty for the environment.
	KeyFile string
	// ConsoleToken signs in to the console from other machines; 16 letters at least. Where it is not set, one is made in the data folder.
	ConsoleToken Secret
	// LogLevel is the least level that is logged: debug, info, warn or error.
	LogLevel string
	// LogFormat is text or json.
	LogFormat string
}

// Notice is something said once at start.
type Notice struct {
	Warning bool
	Text    string
}

// DefaultEvents are the patterns of a subscription that the environment makes.
var defaultEvents = []string{"notification.*", "message.received", "generation.*"}

// defaults returns the configuration before file and environment.
func defaults() Config {
	return Config{
		ImagineAnything: ImagineAnything{BaseURL: "https://imagineanything.com"},
		Poll: Poll{
			Notifications: seconds(10), Messages: seconds(10), Generations: seconds(3), Ceiling: seconds(60), Posts: seconds(10),
		},
		NATS:    NATS{Listen: "127.0.0.1:4222", Store: Size(1 << 30), Keep: seconds(720 * 3600), Sync: Sync{Every: seconds(1)}},
		HTTP:    HTTP{Listen: "127.0.0.1:8480"},
		Discord: Discord{APIURL: "https://discord.com"},
		Slack:   Slack{APIURL: "https://slack.com"},
		Access:  Access{DailyGenerations: 50, Zone: "UTC"},
		Cards:   Cards{Language: "en"},
		Runtime: Runtime{DataDir: "./data", LogLevel: "info", LogFormat: "text"},
	}
}
