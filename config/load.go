package config

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"reflect"
	"strings"
)

// ErrNothing is returned when neither file nor environment configures an agent, or
// a chat from which agents can be connected.
var ErrNothing = errors.New(`Nothing to do yet: no agent is configured. Try "imaginebridge demo", or set IMAGINEANYTHING_CLIENT_ID and IMAGINEANYTHING_CLIENT_SECRET (see README, "Two minutes").`)

// Source is where a configuration comes from.
type Source struct {
	// File is the open file, or nil for the environment alone; Name is how
	// problems call it.
	File io.Reader
	Name string
	// Env looks up an environment variable.
	Env func(name string) (string, bool)
	// ReadFile reads a secret file and tells its mode.
	ReadFile func(path string) ([]byte, fs.FileMode, error)
}

// Checks are the checks that need another room. A nil one is left out.
type Checks struct {
	// Patterns are all event patterns that match something.
	Patterns []string
	// Filter returns what is wrong with a filter over these event patterns.
	Filter func(expression string, patterns []string) error
	// Audience returns what is wrong with whom a subscription to a destination mentions, by event pattern.
	Audience func(to string, rules map[string]string) error
	// Template returns what is wrong with a template over these event patterns.
	Template func(text string, patterns []string) error
	// Languages are those there is a catalogue of.
	Languages []string
}

// Load reads file and environment, fills in defaults and checks everything.
// What is wrong comes back as one *ReportError, or ErrNothing when there is no
// agent at all, beside a configuration that is otherwise complete. Precedence:
// environment, then file, then defaults.
func Load(src Source, checks Checks) (Config, error) {
	r := &report{file: src.Name, origins: map[string]origin{}}
	cfg := defaults()
	if src.File != nil {
		text, err := io.ReadAll(io.LimitReader(src.File, maxFile+1))
		if err != nil {
			return Config{}, fmt.Errorf("read %s: %w", src.Name, err)
		}
		if tree := r.parseTree(text); tree != nil {
			r.decode(tree, reflect.ValueOf(&cfg).Elem(), "", expander{env: src.Env, readFile: src.ReadFile})
		}
	}
	r.overlay(&cfg, src.Env)
	if len(cfg.Agents) == 0 && !cfg.hasChat() && len(r.problems) == 0 {
		return cfg, ErrNothing
	}
	r.validate(&cfg, checks)
	cfg.Notices = r.notices
	return cfg, r.err()
}

// hasChat reports a platform where people can connect agents themselves.
func (c *Config) hasChat() bool {
	return !c.Discord.BotToken.IsZero() || !c.Slack.BotToken.IsZero() || c.Slack.Installable()
}

// overlay lets the environment decide what it names (architecture: precedence),
// and makes agent and subscriptions where the file has none.
func (r *report) overlay(cfg *Config, env func(string) (string, bool)) {
	for _, v := range variables(cfg) {
		text, ok := env(v.name)
		if !ok || text == "" {
			continue
		}
		into := reflect.ValueOf(v.field).Elem()
		before := fmt.Sprint(reveal(v.field))
		_, fromFile := r.origins[v.path]
		o := origin{env: v.name}
		if p, isParsed := v.field.(parsed); isParsed {
			if err := p.parse(text); err != nil {
				r.at(v.path, o)
				r.add(v.path, "%s", sentence(err.Error()))
				continue
			}
		} else {
			into.SetString(text)
		}
		if fromFile && before == text {
			continue // the file says ${NAME}: its place is the better one to name
		}
		r.at(v.path, o)
		if fromFile {
			r.notices = append(r.notices, Notice{Text: v.name + " overrides " + v.path + " of " + r.file})
		}
	}
	r.agentFromEnvironment(cfg, env)
	r.channelsFromEnvironment(cfg, env)
}

// reveal returns what a field holds, for comparison only.
func reveal(field any) any {
	if s, ok := field.(*Secret); ok {
		return s.Reveal()
	}
	return reflect.ValueOf(field).Elem().Interface()
}

// settable is an environment variable and the field it decides.
type settable struct {
	name, path string
	field      any
}

// Variables lists the environment variables that decide a field.
func variables(c *Config) []settable {
	return []settable{
		{"IMAGINEANYTHING_BASE_URL", "imagineanything.base_url", &c.ImagineAnything.BaseURL},
		{"DISCORD_BOT_TOKEN", "discord.bot_token", &c.Discord.BotToken},
		{"DISCORD_APPLICATION_ID", "discord.application_id", &c.Discord.ApplicationID},
		{"DISCORD_PUBLIC_KEY", "discord.public_key", &c.Discord.PublicKey},
		{"DISCORD_API_URL", "discord.api_url", &c.Discord.APIURL},
		{"SLACK_BOT_TOKEN", "slack.bot_token", &c.Slack.BotToken},
		{"SLACK_APP_TOKEN", "slack.app_token", &c.Slack.AppToken},
		{"SLACK_SIGNING_SECRET", "slack.signing_secret", &c.Slack.SigningSecret},
		{"SLACK_CLIENT_ID", "slack.client_id", &c.Slack.ClientID},
		{"SLACK_CLIENT_SECRET", "slack.client_secret", &c.Slack.ClientSecret},
		{"SLACK_API_URL", "slack.api_url", &c.Slack.APIURL},
		{"NATS_URL", "nats.url", &c.NATS.URL},
		{"NATS_CREDS", "nats.creds", &c.NATS.Creds},
		{"IMAGINEBRIDGE_NATS_LISTEN", "nats.listen", &c.NATS.Listen},
		{"IMAGINEBRIDGE_LISTEN", "http.listen", &c.HTTP.Listen},
		{"IMAGINEBRIDGE_DATA_DIR", "data folder", &c.Runtime.DataDir},
		{"IMAGINEBRIDGE_KEY", "key", &c.Runtime.Key},
		{"IMAGINEBRIDGE_CONSOLE_TOKEN", "console token", &c.Runtime.ConsoleToken},
		{"IMAGINEBRIDGE_LOG", "log level", &c.Runtime.LogLevel},
		{"IMAGINEBRIDGE_LOG_FORMAT", "log format", &c.Runtime.LogFormat},
	}
}

const (
	idVariable     = "IMAGINEANYTHING_CLIENT_ID"
	secretVariable = "IMAGINEANYTHING_CLIENT_SECRET"
)

// agentFromEnvironment makes the one agent where the file names none.
func (r *report) agentFromEnvironment(cfg *Config, env func(string) (string, bool)) {
	id, hasID := env(idVariable)
	secret, hasSecret := env(secretVariable)
	hasID, hasSecret = hasID && id != "", hasSecret && secret != "" // an empty variable is an unset one
	if len(cfg.Agents) > 0 || !hasID && !hasSecret {
		return
	}
	cfg.Agents = []Agent{{ClientID: strings.TrimSpace(id), ClientSecret: NewSecret(strings.TrimSpace(secret))}}
	r.at("agents[0]", origin{env: cmp.Or(present(idVariable, hasID), secretVariable)})
	r.at("agents[0].client_id", origin{env: idVariable})
	r.at("agents[0].client_secret", origin{env: secretVariable})
}

func present(name string, is bool) string {
	if is {
		return name
	}
	return ""
}

// channelsFromEnvironment makes a subscription for each channel variable where
// the file has no subscriptions.
func (r *report) channelsFromEnvironment(cfg *Config, env func(string) (string, bool)) {
	if len(cfg.Subscriptions) > 0 {
		return
	}
	for _, c := range []struct{ variable, scheme string }{{"DISCORD_CHANNEL_ID", "discord"}, {"SLACK_CHANNEL_ID", "slack"}} {
		channel, ok := env(c.variable)
		if !ok || channel == "" {
			continue
		}
		path := fmt.Sprintf("subscriptions[%d]", len(cfg.Subscriptions))
		r.at(path, origin{env: c.variable})
		cfg.Subscriptions = append(cfg.Subscriptions, Subscription{
			Name: c.scheme, Agents: []string{"*"}, Events: defaultEvents, To: c.scheme + ":" + channel,
		})
	}
}
