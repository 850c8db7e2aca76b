package discord

import (
	"regexp"
	"strings"
)

// reading is what Discord's clients make of markdown: a small reader of our own,
// written after the client's rules, so that the escaper is not judged by itself.
type reading struct {
	plain  string   // the words people see
	links  []string // addresses shown as they are
	masked []string // addresses behind another text
	pings  []string // mentions that would be drawn
	styled []string // constructs found: "bold", "quote" …
}

var (
	mdURL     = regexp.MustCompile(`^https?://[^\s<]+[^<.,:;"'\]\s]`)
	mdMasked  = regexp.MustCompile(`^\[((?:\\.|[^\]\\])+)\]\(\s*<?((?:https?|discord|steam)[^\s)>]*)>?[^)]*\)`)
	mdAngle   = regexp.MustCompile(`^<((?:https?://|mailto:|tel:)[^\s>]+|[^\s>@]+@[^\s>]+)>`)
	mdMention = regexp.MustCompile(`^(<@[!&]?[0-9]+>|<#[0-9]+>|@everyone|@here|<id:[a-z]+>|</[^>]+:[0-9]+>)`)
	mdTime    = regexp.MustCompile(`^<t:-?[0-9]+(:[tTdDfFR])?>`)
	mdEmoji   = regexp.MustCompile(`^(<a?:[0-9A-Za-z_]+:[0-9]+>|:[0-9A-Za-z_+-]+:)`)
	mdHead    = regexp.MustCompile(`^ *(#{1,3} +\S|-# +\S|>>> |> |[-*+] +\S|[0-9]+\. +\S)`)
	mdPairs   = []struct {
		name string
		rule *regexp.Regexp
	}{
		{"fence", regexp.MustCompile("(?s)^```.+?```")},
		{"code", regexp.MustCompile("(?s)^(`+).*?[^`]`")},
		{"bold", regexp.MustCompile(`(?s)^\*\*((?:\\.|[^\\])+?)\*\*`)},
		{"underline", regexp.MustCompile(`(?s)^__((?:\\.|[^\\])+?)__`)},
		{"strike", regexp.MustCompile(`(?s)^~~(.+?)~~`)},
		{"spoiler", regexp.MustCompile(`(?s)^\|\|(.+?)\|\|`)},
		{"emphasis", regexp.MustCompile(`(?s)^\*((?:\\.|[^\\*\s])(?:\\.|[^\\*])*?)\*`)},
		{"emphasis", regexp.MustCompile(`(?s)^_((?:\\.|[^\\_])+?)_`)},
	}
)

// readMarkdown reads a text that may hold our own styles; what is inside them is
// read too.
func readMarkdown(s string) reading {
	var out reading
	out.read(s, true)
	return out
}

func (r *reading) read(s string, head bool) {
	for s != "" {
		if head {
			if m := mdHead.FindStringSubmatch(s); m != nil {
				sign := strings.TrimSpace(strings.Fields(m[1])[0])
				r.styled = append(r.styled, "head "+sign)
				if sign == ">" {
					s = strings.TrimPrefix(strings.TrimLeft(s, " "), "> ")
					continue
				}
			}
		}
		head = false
		if s[0] == '\\' && len(s) > 1 && strings.ContainsRune("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~", rune(s[1])) {
			r.plain += s[1:2]
			s = s[2:]
			continue
		}
		if n := r.construct(s); n > 0 {
			s = s[n:]
			continue
		}
		head = s[0] == '\n'
		r.plain += s[:1]
		s = s[1:]
	}
}

// construct reads what begins at s and returns how long it is.
func (r *reading) construct(s string) int {
	if m := mdURL.FindString(s); m != "" {
		r.plain += m
		r.links = append(r.links, m)
		return len(m)
	}
	if m := mdMasked.FindStringSubmatch(s); m != nil {
		r.masked = append(r.masked, m[2])
		r.plain += m[1]
		return len(m[0])
	}
	if m := mdAngle.FindStringSubmatch(s); m != nil {
		r.plain += m[1]
		r.links = append(r.links, m[1])
		return len(m[0])
	}
	if m := mdMention.FindString(s); m != "" {
		r.pings = append(r.pings, m)
		return len(m)
	}
	if m := mdTime.FindString(s); m != "" {
		r.styled = append(r.styled, "time")
		return len(m)
	}
	if m := mdEmoji.FindString(s); m != "" {
		r.styled = append(r.styled, "emoji")
		return len(m)
	}
	for _, p := range mdPairs {
		if m := p.rule.FindStringSubmatch(s); m != nil {
			r.styled = append(r.styled, p.name)
			switch p.name {
			case "fence", "code":
				r.plain += strings.Trim(m[0], "`")
			default:
				r.read(m[1], false)
			}
			return len(m[0])
		}
	}
	return 0
}
