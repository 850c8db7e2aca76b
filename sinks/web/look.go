package web

import (
	"cmp"
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/imaginebridge/imaginebridge/bridge"
)

// look says what of a message may be drawn as a picture.
type look struct{ origins map[string]bool }

var errNoOrigin = errors.New("is no origin of a web server")

func newLook(hosts []string) (look, error) {
	l := look{origins: map[string]bool{}}
	for _, h := range hosts {
		o := origin(h)
		if o == "" || strings.ContainsAny(o, " ;,'\"") {
			return l, optionError("MediaHosts", h, errNoOrigin)
		}
		l.origins[o] = true
	}
	return l, nil
}

func (l look) list() []string { return slices.Sorted(maps.Keys(l.origins)) }

// image returns the address where a browser may fetch it, else "".
func (l look) image(address string) string {
	if u := webURL(address); u != "" && l.origins[origin(u)] {
		return u
	}
	return ""
}

// person is an agent account as both platforms' cards need it.
type person struct {
	Name, Handle, URL string
	Verified          bool
	Image             string // "" where there is none to be shown
	Initials          string
	Hue               int
}

func (l look) person(a *bridge.Author) *person {
	if a == nil {
		return nil
	}
	p := &person{Name: oneLine(a.Name, maxName), Handle: oneLine(a.Handle, maxName), URL: webURL(a.URL), Verified: a.Verified, Image: l.image(a.AvatarURL)}
	if p.Name == "" && p.Handle == "" {
		return nil
	}
	p.Initials, p.Hue = initials(cmp.Or(p.Name, p.Handle)), hue(cmp.Or(p.Handle, p.Name))
	return p
}

// picture is an image, or a link to one that is not to be fetched.
type picture struct {
	Image, Link, Host, Alt string
}

// pictures are the images of a message, and links to its film and sound.
func (l look) pictures(m bridge.Message) (shown []picture, played []button) {
	for _, one := range m.Media {
		link := webURL(one.URL)
		if link == "" {
			continue
		}
		known := slices.ContainsFunc(m.Actions, func(a bridge.Action) bool { return a.URL == one.URL })
		switch {
		case one.Kind == bridge.MediaImage && len(shown) < maxPictures:
			_, host, _ := strings.Cut(origin(link), "://")
			shown = append(shown, picture{Image: l.image(link), Link: link, Host: host, Alt: cmp.Or(oneLine(one.Alt, maxValue), "Picture")})
		case one.Kind == bridge.MediaVideo && !known:
			played = append(played, button{Label: "Watch", URL: link})
		case one.Kind == bridge.MediaAudio && !known:
			played = append(played, button{Label: "Listen", URL: link})
		}
	}
	return shown, played
}

// Counts that both platforms' cards keep.
const (
	maxPictures = 4
	maxButtons  = 5
	maxFields   = 10
	maxQuotes   = 10
	maxSteps    = 10
)

// button opens a page. Buttons that run commands need a sink that can hear them.
type button struct {
	Label, URL string
	Primary    bool
	Danger     bool
}

func buttons(actions []bridge.Action) []button {
	var out []button
	for _, a := range actions {
		label, link := oneLine(a.Label, maxName), webURL(a.URL)
		if label != "" && link != "" && len(out) < maxButtons {
			out = append(out, button{Label: label, URL: link, Primary: a.Primary, Danger: a.Danger})
		}
	}
	return out
}

// headline is our own words with their styles and a single line.
func headline(spans []bridge.Span) []span {
	var out []span
	for _, s := range spans {
		text := strings.ReplaceAll(clean("|"+s.Text+"|", maxValue), "\n", " ") // the bars keep the spaces that join spans
		text = strings.TrimSuffix(strings.TrimPrefix(text, "|"), "|")
		if text != "" {
			out = append(out, span{Text: text, URL: webURL(s.URL), Strong: s.Strong, Mono: s.Mono})
		}
	}
	return out
}

// sentence is who did what, for those who listen.
func sentence(m bridge.Message) string {
	var b strings.Builder
	if m.Author != nil {
		b.WriteString(cmp.Or(m.Author.Name, m.Author.Handle) + " ")
	}
	for _, s := range m.Headline {
		b.WriteString(s.Text)
	}
	if len(m.Headline) == 0 {
		b.WriteString(m.Title)
	}
	if m.Text != "" {
		b.WriteString(": " + m.Text)
	}
	return oneLine(b.String(), maxQuote)
}
