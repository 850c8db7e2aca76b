package fakeslack

import (
	"fmt"
	"strings"
)

// Screen is a channel as text, for golden files: each message under its author, replies indented under the first
// message of their thread, buttons in brackets. Markup stays as it was sent.
func (s *Server) Screen(channelID string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	ch := s.channels[channelID]
	if ch == nil {
		return "(no such channel)\n"
	}
	var b strings.Builder
	switch ch.kind {
	case direct:
		fmt.Fprintf(&b, "@%s\n", s.nameOf(ch.with))
	case public, private:
		fmt.Fprintf(&b, "#%s\n", ch.name)
	}
	for _, m := range ch.messages {
		if m.ThreadTS == "" {
			s.picture(&b, m, "")
			for _, r := range ch.messages {
				if r.ThreadTS == m.TS {
					s.picture(&b, r, "    ")
				}
			}
		} else if ch.find(m.ThreadTS) == nil {
			s.picture(&b, m, "")
		}
	}
	return b.String()
}

func (s *Server) nameOf(userID string) string {
	if u := s.users[userID]; u != nil {
		return u.name
	}
	return userID
}

func (s *Server) picture(b *strings.Builder, m *message, indent string) {
	line := func(format string, a ...any) {
		text := strings.TrimRight(fmt.Sprintf(format, a...), "\n ")
		for part := range strings.SplitSeq(text, "\n") {
			b.WriteString(strings.TrimRight(indent+"  "+part, " ") + "\n")
		}
	}
	head := s.nameOf(m.User)
	if m.BotID != "" {
		head += " [app]"
	}
	if m.Edited {
		head += " (edited)"
	}
	if m.Ephemeral != "" {
		head += " (only visible to " + s.nameOf(m.Ephemeral) + ")"
	}
	if m.Broadcast {
		head += " (also in the channel)"
	}
	b.WriteString("\n" + indent + head + "\n")
	if len(m.blocks) == 0 && m.Text != "" {
		line("%s", m.Text)
	}
	pictureBlocks(m.blocks, line)
	for _, f := range m.Files {
		line("(file: %s)", f)
	}
	for _, address := range sortedKeys(m.Unfurls) {
		line("(unfurled: %s)", address)
	}
	for _, r := range m.reactions {
		line(":%s:", r)
	}
}

// pictureBlocks draws blocks line by line.
func pictureBlocks(blocks []any, line func(string, ...any)) {
	for _, v := range blocks {
		obj, _ := v.(map[string]any)
		block := args(obj)
		switch block.str("type") {
		case "header":
			line("# %s", block.object("text").str("text"))
		case "divider":
			line("----")
		case "image":
			line("(image: %s)", block.str("alt_text"))
		case "markdown":
			line("%s", block.str("text"))
		case "context":
			var parts []string
			for _, e := range block.list("elements") {
				parts = append(parts, inline(e))
			}
			line("~ %s", strings.Join(parts, " "))
		case "actions":
			line("%s", inlineAll(block.list("elements"), " "))
		case "input":
			line("%s: %s", block.object("label").str("text"), inline(map[string]any(block.object("element"))))
		case "section":
			pictureSection(block, line)
		case "rich_text":
			for _, e := range block.list("elements") {
				rich, _ := e.(map[string]any)
				pictureRich(rich, line)
			}
		default:
			line("(%s)", block.str("type"))
		}
	}
}

func pictureSection(block args, line func(string, ...any)) {
	text := block.object("text").str("text")
	if side := block.object("accessory"); side != nil {
		text += "  " + inline(map[string]any(side))
	}
	line("%s", text)
	for _, f := range block.list("fields") {
		line("| %s", strings.ReplaceAll(inline(f), "\n", " "))
	}
}

func pictureRich(rich args, line func(string, ...any)) {
	text := inlineAll(rich.list("elements"), "")
	switch rich.str("type") {
	case "rich_text_quote":
		line("> %s", strings.ReplaceAll(text, "\n", "\n> "))
	case "rich_text_preformatted":
		line("```\n%s\n```", text)
	case "rich_text_list":
		for i, item := range rich.list("elements") {
			mark := "•"
			if rich.str("style") == "ordered" {
				mark = fmt.Sprintf("%d.", i+1)
			}
			line("%s %s", mark, inline(item))
		}
	default:
		line("%s", text)
	}
}

func inlineAll(items []any, between string) string {
	parts := make([]string, 0, len(items))
	for _, e := range items {
		parts = append(parts, inline(e))
	}
	return strings.Join(parts, between)
}

// inline is one element in a line of text.
func inline(v any) string {
	obj, _ := v.(map[string]any)
	e := args(obj)
	switch kind := e.str("type"); kind {
	case "plain_text", "mrkdwn", "text", "raw_text":
		return e.str("text")
	case "link":
		if e.str("text") != "" {
			return e.str("text") + " (" + e.str("url") + ")"
		}
		return e.str("url")
	case "image":
		return "(image: " + e.str("alt_text") + ")"
	case "button", "workflow_button":
		return "[" + e.object("text").str("text") + "]"
	case "overflow":
		var labels []string
		for _, o := range e.list("options") {
			option, _ := o.(map[string]any)
			labels = append(labels, args(option).object("text").str("text"))
		}
		return "[… " + strings.Join(labels, " / ") + "]"
	case "emoji":
		return ":" + e.str("name") + ":"
	case "user":
		return "@" + e.str("user_id")
	case "usergroup":
		return "@" + e.str("usergroup_id")
	case "channel":
		return "#" + e.str("channel_id")
	case "broadcast":
		return "@" + e.str("range")
	case "date":
		return e.str("fallback")
	case "rich_text_section":
		return inlineAll(e.list("elements"), "")
	default:
		return "<" + kind + ">"
	}
}
