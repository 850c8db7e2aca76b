package discord

import (
	"net/url"
	"slices"
	"strings"

	"github.com/imaginebridge/imaginebridge/bridge"
)

const (
	maxURL       = 2048 // of embeds
	maxButtonURL = 512
	maxImages    = 4 // embeds of one message that show a picture
)

// safeURL returns an address that may be made into a link or picture: https,
// with a host, without user, short enough. Anything else gives "".
func safeURL(raw string, limit int) string {
	u, err := url.Parse(strings.TrimSpace(raw))
	if err != nil || u.Scheme != "https" || u.Hostname() == "" || u.User != nil || u.Opaque != "" {
		return ""
	}
	out := u.String()
	if units(out) > limit || strings.ContainsFunc(out, invisible) {
		return ""
	}
	return out
}

// marked puts the mark into an address as its fragment, where browsers and
// servers ignore it.
func marked(raw, mark string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return raw
	}
	u.Fragment, u.RawFragment = mark, ""
	return u.String()
}

// images returns the pictures that Discord's own proxy may fetch and show.
func images(media []bridge.Media) []string {
	var out []string
	for _, m := range media {
		if address := safeURL(m.URL, maxURL); m.Kind == bridge.MediaImage && address != "" && len(out) < maxImages {
			out = append(out, address)
		}
	}
	return out
}

// playable returns buttons for film and sound that no other button leads to:
// applications can't embed a player, so people follow the link.
func playable(media []bridge.Media, have []bridge.Action) []bridge.Action {
	var out []bridge.Action
	for _, m := range media {
		label := "Watch"
		if m.Kind == bridge.MediaAudio {
			label = "Listen"
		}
		known := slices.ContainsFunc(have, func(a bridge.Action) bool { return a.URL == m.URL })
		if m.Kind != bridge.MediaImage && !known {
			out = append(out, bridge.Action{Label: label, URL: m.URL})
		}
	}
	return out
}
