package slack

import (
	"regexp"
	"strings"

	"github.com/imaginebridge/imaginebridge/bridge"
)

// sentence is who did what, in plain words.
func sentence(m bridge.Message) string {
	var b strings.Builder
	if a := m.Author; a != nil {
		if a.Handle == "" {
			b.WriteString("Somebody")
		} else {
			b.WriteString("@" + a.Handle)
		}
	}
	for _, s := range headline(m) {
		if b.Len() < maxBytes {
			b.WriteString(s.Text)
		}
	}
	return cut(oneLine(b.String()), maxHeadline)
}

// fallback is what notifications and screen readers say instead of the blocks.
func fallback(m bridge.Message) string {
	said := sentence(m)
	if words := cut(oneLine(m.Text), maxExcerpt); !blank(words) {
		if said != "" {
			said += ": "
		}
		said += words
	}
	if said == "" {
		said = "ImagineAnything: " + kindWord(m.Event)
	}
	return escape(cutEscaped(quiet(said), maxFallback))
}

// calls matches the words that ping a channel where a client parses the fallback
// text although told not to.
var calls = regexp.MustCompile(`(?i)@(here|channel|everyone)`)

// quiet breaks such words with a character that nobody sees.
func quiet(s string) string { return calls.ReplaceAllString(s, "@\u2060$1") }

// allText is the whole message without blocks, in so many characters less than there
// may be.
func allText(m bridge.Message, repeated bool, less int) string {
	parts := []string{sentence(m), clean(m.Text)}
	if isList(m) {
		for _, q := range m.Quotes[:min(len(m.Quotes), maxLines)] {
			label, said := quoteLine(q, maxLine)
			parts = append(parts, "• "+strings.TrimSpace(label+" "+said))
		}
	}
	if repeated {
		parts = append(parts, repeatNote)
	}
	const room = maxFallback / 4 // for the link
	said := escape(cutEscaped(quiet(strings.TrimSpace(strings.Join(parts, "\n"))), maxFallback-room-less))
	if link, ok := bareLink(m.Link); ok && len(link) < room {
		said += "\n" + link
	}
	if said == "" {
		return escape("ImagineAnything: " + kindWord(m.Event))
	}
	return said
}
