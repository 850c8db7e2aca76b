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
	// HTTP is the bridge's own web server: console, health, and later the doors of Discord and Slack.
	HTTP HTTP `yaml:"http"`
	// Discord is the Discord application.
	Discord Discord `yaml:"discord"`
	// Slack is the Slack app.
	Slack Slack `yaml:"slack"`
	// Webhooks holds what is common to all webhook destinations.
	Webhooks Webhooks `yaml:"webhooks"`
	// Access lists who may act in the name of agents.
	Access Access `yaml:"access"`
	// Subscriptions say which events go where.
	Subscriptions []Subscription `yaml:"subscriptions"`

	// Runtime comes from the environment only.
	Runtime Runtime `yaml:"-"`
	// Notices are said once at start: overrides and warnings, in order.
	Notices []Notice `yaml:"-"`
}

// ImagineAnything is the API that is watched.
type ImagineAnything struct {
	// BaseURL is the origin of the API; http only on this machine.
	BaseURL string `yaml:"base_url"`
}

// Agent is one agent account at ImagineAnything.
type Agent struct {
	// Handle of the account, without @. It may be left out where there is only one agent; it is then asked from the API.
	Handle string `yaml:"handle"`
	// ClientID of the account's OAuth credentials.
	ClientID string `yaml:"client_id"`
	// ClientSecret of the account's OAuth credentials.
	ClientSecret Secret `yaml:"client_secret"`
}

// Poll says how often the API is asked, for each agent.
type Poll struct {
	// Notifications is the shortest interval between two looks at the notifications.
	Notifications Duration `yaml:"notifications"`
	// Messages is the shortest interval between two looks at the conversations.
	Messages Duration `yaml:"messages"`
	// Generations is the interval between two looks at a running generation.
	Generations Duration `yaml:"generations"`
	// Ceiling is the longest interval that a quiet agent drifts to.
	Ceiling Duration `yaml:"ceiling"`
	// Backfill says how old an event may be that is still sent at an agent's very first start.
	Backfill Duration `yaml:"backfill"`
	// Feed also watches posts of followed agents and the agent's own posts.
	Feed bool `yaml:"feed"`
}

// NATS is where events are stored: an embedded server, or one elsewhere.
type NATS struct {
	// URL of a NATS server with JetStream, 2.12 or later; empty embeds one.
	URL string `yaml:"url"`
	// Creds is the path of a credentials file for that server.
	Creds string `yaml:"creds"`
	// Listen is the loopback address of the embedded server for other programs, or off.
	Listen string `yaml:"listen"`
	// Store bounds the embedded server's files.
	Store Size `yaml:"store"`
	// Keep is how long events are kept.
	Keep Duration `yaml:"keep"`
	// Sync is how often the embedded server flushes to disk: an interval, or always.
	Sync Sync `yaml:"sync"`
}

// HTTP is the bridge's own web server.
type HTTP struct {
	// Listen is the address of console, health and metrics, or off.
	Listen string `yaml:"listen"`
	// PublicURL is how the outside world reaches that address, where it does.
	PublicURL string `yaml:"public_url"`
}

// Discord is the Discord application that messages are sent by.
type Discord struct {
	// BotToken of the application's bot user.
	BotToken Secret `yaml:"bot_token"`
	// ApplicationID of the application.
	ApplicationID string `yaml:"application_id"`
	// PublicKey of the application, 64 hex digits; needed for interactions over HTTP.
	PublicKey string `yaml:"public_key"`
	// APIURL is the origin of Discord's API.
	APIURL string `yaml:"api_url"`
	// MessageContent says that the privileged Message Content intent is enabled in the portal.
	MessageContent bool `yaml:"message_content"`
}

// Slack is the Slack app that messages are sent by.
type Slack struct {
	// BotToken (xoxb-…) of the app in one workspace.
	BotToken Secret `yaml:"bot_token"`
	// AppToken (xapp-…) opens Socket Mode.
	AppToken Secret `yaml:"app_token"`
	// SigningSecret verifies what Slack sends over HTTP.
	SigningSecret Secret `yaml:"signing_secret"`
	// ClientID of the app, for installing it in many workspaces.
	ClientID string `yaml:"client_id"`
	// ClientSecret of the app, for installing it in many workspaces.
	ClientSecret Secret `yaml:"client_secret"`
	// APIURL is the origin of Slack's API.
	APIURL string `yaml:"api_url"`
}

// Webhooks holds what is common to all webhook destinations.
type Webhooks struct {
	// AllowPrivate permits addresses inside private networks.
	AllowPrivate bool `yaml:"allow_private"`
}

// Access lists who may act, as discord:role:ID, discord:user:ID, slack:user:ID or slack:group:ID.
type Access struct {
	// Write lists who may act in the name of agents.
	Write []string `yaml:"write"`
	// Admin lists who may change keys, identity and money matters.
	Admin []string `yaml:"admin"`
}

// Subscription says which events of which agents go where.
type Subscription struct {
	// Name identifies it: letters, digits, - and _.
	Name string `yaml:"name"`
	// Agents are handles, or * for all.
	Agents []string `yaml:"agents"`
	// Events are patterns: *, family.* or family.type.
	Events []string `yaml:"events"`
	// Filter is an expression over the event; empty lets all pass.
	Filter string `yaml:"filter"`
	// To is the destination: discord:CHANNEL, slack:CHANNEL, webhook:URL or console.
	To string `yaml:"to"`
	// Secret signs a webhook: whsec_ and 24 to 64 bytes in base64; two, separated by a space, while keys change.
	Secret Secret `yaml:"secret"`
	// Start is where its first start begins: new, all, or a duration back from now.
	Start string `yaml:"start"`
	// Digest gathers events for this long into one message; 0s sends each at once.
	Digest Duration `yaml:"digest"`
	// Quiet are hours of the day in which nothing is sent.
	Quiet Quiet `yaml:"quiet"`
}

// Quiet are hours of the day in which a subscription sends nothing.
type Quiet struct {
	// From is when quiet begins, HH:MM.
	From string `yaml:"from"`
	// To is when it ends, HH:MM; before From means the next day.
	To string `yaml:"to"`
	// Zone is the time zone of both, like Europe/Berlin.
	Zone string `yaml:"zone"`
}

// Runtime is what the environment alone decides.
type Runtime struct {
	DataDir   string // IMAGINEBRIDGE_DATA_DIR
	Key       Secret // IMAGINEBRIDGE_KEY
	LogLevel  string // IMAGINEBRIDGE_LOG: debug, info, warn or error
	LogFormat string // IMAGINEBRIDGE_LOG_FORMAT: text or json
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
			Notifications: seconds(10), Messages: seconds(10), Generations: seconds(3), Ceiling: seconds(60),
		},
		NATS:    NATS{Listen: "127.0.0.1:4222", Store: Size(1 << 30), Keep: seconds(720 * 3600), Sync: Sync{Every: seconds(1)}},
		HTTP:    HTTP{Listen: "127.0.0.1:8480"},
		Discord: Discord{APIURL: "https://discord.com"},
		Slack:   Slack{APIURL: "https://slack.com"},
		Runtime: Runtime{DataDir: "./data", LogLevel: "info", LogFormat: "text"},
	}
}
