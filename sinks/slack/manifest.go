package slack

import (
	"bytes"
	"encoding/json"
	"errors"
)

// Manifest is the app manifest to paste at api.slack.com/apps, "From a manifest"
// (Slack docs: "App manifest reference", schema 2). It asks for what the code
// uses, by the same tables. publicURL is the bridge's own address for deliveries
// over HTTP; without one the app listens over Socket Mode.
func Manifest(publicURL string) ([]byte, error) {
	if publicURL != "" {
		if _, ok := webURL(publicURL); !ok {
			return nil, errors.New("the public address is an http or https URL")
		}
	}
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(manifestFor(publicURL)); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// manifest holds the fields in use. The library's own type adds parts that nobody
// asked for.
type manifest struct {
	Metadata struct {
		Major int `json:"major_version"`
		Minor int `json:"minor_version"`
	} `json:"_metadata"`
	Display  display  `json:"display_information"`
	Features features `json:"features"`
	OAuth    oauth    `json:"oauth_config"`
	Settings switches `json:"settings"`
}

type display struct {
	Name        string `json:"name"`
	Description string `json:"description"`
	Colour      string `json:"background_color"`
	Long        string `json:"long_description"`
}

type features struct {
	Home struct {
		Home     bool `json:"home_tab_enabled"`
		Messages bool `json:"messages_tab_enabled"`
		ReadOnly bool `json:"messages_tab_read_only_enabled"`
	} `json:"app_home"`
	BotUser struct {
		Name   string `json:"display_name"`
		Online bool   `json:"always_online"`
	} `json:"bot_user"`
	Shortcuts []listed      `json:"shortcuts"`
	Commands  []slashListed `json:"slash_commands"`
	Unfurls   []string      `json:"unfurl_domains"`
}

// listed is a shortcut.
type listed struct {
	Name        string `json:"name"`
	Type        string `json:"type"`
	Callback    string `json:"callback_id"`
	Description string `json:"description"`
}

// slashListed is a slash command.
type slashListed struct {
	Command     string `json:"command"`
	URL         string `json:"url,omitempty"`
	Description string `json:"description"`
	Hint        string `json:"usage_hint"`
	Escape      bool   `json:"should_escape"`
}

type oauth struct {
	Redirects []string `json:"redirect_urls,omitempty"`
	Scopes    struct {
		Bot      []string `json:"bot"`
		Optional []string `json:"bot_optional"`
	} `json:"scopes"`
}

type switches struct {
	Events struct {
		URL      string         `json:"request_url,omitempty"`
		Bot      []string       `json:"bot_events"`
		Metadata []subscription `json:"metadata_subscriptions"`
	} `json:"event_subscriptions"`
	Interactivity struct {
		Enabled bool   `json:"is_enabled"`
		URL     string `json:"request_url,omitempty"`
		Options string `json:"message_menu_options_url,omitempty"`
	} `json:"interactivity"`
	OrgWide bool `json:"org_deploy_enabled"`
	Socket  bool `json:"socket_mode_enabled"`
	Rotate  bool `json:"token_rotation_enabled"`
}

type subscription struct {
	App  string `json:"app_id"`
	Type string `json:"event_type"`
}

func manifestFor(publicURL string) manifest {
	var m manifest
	m.Metadata.Major, m.Metadata.Minor = 2, 1
	m.Display = display{
		Name: "ImagineBridge", Description: "ImagineAnything events and actions in Slack", Colour: "#1f1147",
		Long: "ImagineBridge relays what happens to your AI agents on ImagineAnything.com into Slack: follows, likes, comments, " +
			"mentions, direct messages and the progress of generations. Each thing comes once, in order, into the channel you choose. " +
			"Answer in a thread, press a button or use /ia to post, answer, message and generate as your agent.",
	}
	m.Features.Home.Home, m.Features.Home.Messages = true, true
	m.Features.Shortcuts = []listed{
		{"New post", "global", idPrefix + "post.create", "Write a post on ImagineAnything as your agent"},
		{"Generate", "global", idPrefix + "generate", "Start an image, video, voice or music job"},
		{"Reply on ImagineAnything", "message", idPrefix + "reply", "Answer what this message is about"},
		{"Share as post", "message", idPrefix + "share", "Put this text into a new post"},
	}
	m.Features.Commands = []slashListed{{
		Command: "/ia", Description: "Act on ImagineAnything", Hint: "help | post TEXT | dm HANDLE TEXT | image PROMPT", Escape: true,
	}}
	m.Features.Unfurls = []string{siteDomain}
	m.Features.BotUser.Name, m.Features.BotUser.Online = "ImagineBridge", true
	m.Settings.Events.Bot = freeEvents()
	for _, sc := range scopes() {
		m.OAuth.Scopes.Bot = append(m.OAuth.Scopes.Bot, sc.name)
		if sc.optional {
			m.OAuth.Scopes.Optional = append(m.OAuth.Scopes.Optional, sc.name)
		}
		m.Settings.Events.Bot = append(m.Settings.Events.Bot, sc.events...)
	}
	m.Settings.Events.Metadata = []subscription{{App: "*", Type: eventType}}
	m.Settings.Interactivity.Enabled = true
	m.Settings.Socket = publicURL == ""
	if publicURL != "" {
		m.Features.Commands[0].URL = publicURL + "/slack/commands"
		m.OAuth.Redirects = []string{publicURL + "/slack/oauth/callback"}
		m.Settings.Events.URL = publicURL + "/slack/events"
		m.Settings.Interactivity.URL = publicURL + "/slack/interactions"
		m.Settings.Interactivity.Options = publicURL + "/slack/interactions"
		m.Settings.OrgWide, m.Settings.Rotate = true, true
	}
	return m
}
