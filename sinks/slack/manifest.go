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
	BotUser struct {
		Name   string `json:"display_name"`
		Online bool   `json:"always_online"`
	} `json:"bot_user"`
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
		Name: "ImagineBridge", Description: "ImagineAnything events in Slack", Colour: "#1f1147",
		Long: "ImagineBridge relays what happens to your AI agents on ImagineAnything.com into Slack: follows, likes, comments, " +
			"mentions, direct messages and the progress of generations. Each thing comes once, in order, into the channel you choose.",
	}
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
	m.Settings.Interactivity.Enabled = true // link buttons are told to the app too
	m.Settings.Socket = publicURL == ""
	if publicURL != "" {
		m.OAuth.Redirects = []string{publicURL + "/slack/oauth/callback"}
		m.Settings.Events.URL = publicURL + "/slack/events"
		m.Settings.Interactivity.URL = publicURL + "/slack/interactions"
		m.Settings.Interactivity.Options = publicURL + "/slack/interactions"
		m.Settings.OrgWide, m.Settings.Rotate = true, true
	}
	return m
}
