package fakediscord

import (
	"fmt"
	"strings"
)

// Screen draws what people see in a channel or thread as text, for golden
// files: authors, words, embeds, pictures, buttons, reactions, threads. It
// holds no ids and no times of its own, so that it is the same every run.
func (s *Server) Screen(channelID string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	ch := s.world.channels[channelID]
	if ch == nil {
		return "(no such channel)\n"
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n", title(ch))
	for _, m := range ch.messages {
		if m.Type != 21 {
			b.WriteString("\n")
			s.draw(&b, ch, m)
		}
	}
	return b.String()
}

func title(ch *channel) string {
	switch {
	case ch.Type == ChannelDM:
		return "@" + ch.Recipients[0].Name()
	case !ch.isThread():
		return "#" + ch.Name
	}
	out := "#" + ch.parent.Name + " › " + ch.Name
	if ch.Metadata.Locked {
		out += " (locked)"
	}
	if ch.Metadata.Archived {
		out += " (archived)"
	}
	return out
}

// draw writes one message.
func (s *Server) draw(b *strings.Builder, ch *channel, m *Message) {
	line := func(format string, args ...any) { fmt.Fprintf(b, "  "+format+"\n", args...) }
	if m.Reference != nil {
		if target := s.world.message(m.Reference.ChannelID, m.Reference.MessageID); target != nil {
			fmt.Fprintf(b, "╭ to %s: %s\n", target.Author.Name(), oneLine(glance(target)))
		} else {
			b.WriteString("╭ to a deleted message\n")
		}
	}
	b.WriteString(m.Author.Name())
	marks := map[bool]string{m.Author.Bot: " [APP]"}[true]
	if m.private != "" {
		marks += " (only " + s.world.users[m.private].Name() + " sees this)"
	}
	if m.Flags&flagSilent != 0 {
		marks += " (silent)"
	}
	if m.EditedTimestamp != nil {
		marks += " (edited)"
	}
	b.WriteString(marks + "\n")
	if m.Flags&flagLoading != 0 {
		line("… is thinking")
	}
	if m.Content != "" {
		for l := range strings.SplitSeq(m.Content, "\n") {
			line("%s", l)
		}
	}
	for _, u := range m.Mentions {
		line("(pings %s)", u.Name())
	}
	if len(m.MentionRoles) > 0 || m.MentionEveryone {
		line("(pings %d roles, everyone: %t)", len(m.MentionRoles), m.MentionEveryone)
	}
	for _, a := range m.Attachments {
		line("📎 %s (%s, %d bytes)%s", a.Filename, a.ContentType, a.Size, suffix(" alt: ", a.Description))
	}
	drawEmbeds(line, m)
	drawComponents(line, m.Components)
	if len(m.Reactions) > 0 {
		var all []string
		for _, r := range m.Reactions {
			all = append(all, fmt.Sprintf("%s %d", r.Emoji.Name, r.Count))
		}
		line("%s", strings.Join(all, "  "))
	}
	if t := s.world.channels[m.ID]; t != nil && t.isThread() && t != ch {
		line("╰ thread %q, %d messages", t.Name, *t.MessageCount)
	}
}

// drawEmbeds shows an embed once for each url: of several with one url, the
// client shows the first.
func drawEmbeds(line func(string, ...any), m *Message) {
	if m.Flags&flagSuppressEmbeds != 0 {
		return
	}
	seen := map[string]bool{}
	for _, e := range m.Embeds {
		if e.URL != "" && seen[e.URL] {
			continue
		}
		seen[e.URL] = true
		color := ""
		if e.Color != nil {
			color = fmt.Sprintf(" #%06x", *e.Color)
		}
		line("┌%s", color)
		if p := e.Author; p != nil {
			line("│ %s%s%s", p.Name, suffix(" ", bracket(p.URL)), suffix(" icon ", p.IconURL))
		}
		if e.Title != "" {
			line("│ ## %s%s", e.Title, suffix(" ", bracket(e.URL)))
		}
		if e.Description != "" {
			for l := range strings.SplitSeq(e.Description, "\n") {
				line("│ %s", l)
			}
		}
		for _, f := range e.Fields {
			line("│ • %s: %s", f.Name, oneLine(f.Value))
		}
		for _, p := range []struct {
			name string
			part *EmbedPart
		}{{"image", e.Image}, {"thumbnail", e.Thumbnail}, {"video", e.Video}} {
			if p.part != nil {
				line("│ [%s] %s", p.name, p.part.URL)
			}
		}
		foot := e.Timestamp
		if e.Footer != nil {
			foot = strings.TrimSuffix(e.Footer.Text+" · "+foot, " · ")
		}
		line("└%s", suffix(" ", foot))
	}
}

// drawComponents shows rows of buttons and menus; V2 layouts as a list.
func drawComponents(line func(string, ...any), list []Component) {
	for _, c := range list {
		switch c.Type {
		case typeRow:
			var parts []string
			for _, child := range c.Components {
				parts = append(parts, control(child))
			}
			line("%s", strings.Join(parts, " "))
		case typeTextDisplay:
			line("%s", c.Content)
		case typeSection, typeContainer:
			drawComponents(line, c.Components)
			if c.Accessory != nil {
				line("%s", control(*c.Accessory))
			}
		case typeGallery:
			for _, i := range c.Items {
				line("[media] %s", i.Media.URL)
			}
		case typeFile:
			line("[file] %s", c.File.URL)
		case typeSeparator:
			line("────")
		}
	}
}

// control is one button or menu.
func control(c Component) string {
	if c.Type == typeButton {
		name := c.Label
		if c.Emoji != nil {
			name = strings.TrimSpace(c.Emoji.Name + " " + name)
		}
		style := map[int]string{1: "!", 4: "✖"}[c.Style]
		if c.Disabled {
			style = "~"
		}
		return "[" + style + name + suffix(" ↗ ", c.URL) + "]"
	}
	var options []string
	for _, o := range c.Options {
		mark := ""
		if o.Default {
			mark = "✓"
		}
		options = append(options, mark+o.Label)
	}
	kind := map[int]string{typeUserSelect: "user", typeRoleSelect: "role", typeMentionable: "mention", typeChannel: "channel"}[c.Type]
	return "<" + strings.TrimSpace(kind+" "+c.Placeholder+suffix(": ", strings.Join(options, ", "))) + " ▾>"
}

func suffix(lead, s string) string {
	if s == "" {
		return ""
	}
	return lead + s
}

func bracket(s string) string {
	if s == "" {
		return ""
	}
	return "<" + s + ">"
}

func oneLine(s string) string { return strings.ReplaceAll(s, "\n", " ⏎ ") }

// glance is the beginning of what a message says.
func glance(m *Message) string {
	if m.Content != "" {
		return m.Content
	}
	for _, e := range m.Embeds {
		if e.Title != "" {
			return e.Title
		}
		if e.Description != "" {
			return e.Description
		}
		if e.Author != nil {
			return e.Author.Name
		}
	}
	return "…"
}
