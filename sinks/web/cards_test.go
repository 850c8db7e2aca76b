package web

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html"
	"html/template"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/internal/golden"
	"github.com/imaginebridge/imaginebridge/internal/language"
)

//go:generate go test -run TestCardsOfTheReadme . -update

// TestCardsOfTheReadme draws docs/cards.html, of which the README shows a picture,
// out of the bodies that the golden files of both sinks hold: a card that changes
// there and not here fails. CONTRIBUTING.md says how the picture is taken.
func TestCardsOfTheReadme(t *testing.T) {
	t.Parallel()
	pages, err := parsePages(language.Speaker{})
	require.NoError(t, err)
	pages, err = pages.Funcs(template.FuncMap{"discord": discordMarks.spans, "slack": slackMarks.spans, "colour": colour, "post": clockOf, "initials": initials}).ParseFiles("testdata/cards.tmpl")
	require.NoError(t, err)
	view := map[string]any{"Style": style(t)}
	for platform, files := range map[string][]string{
		"Discord": {"buttons/notification.comment.golden", "buttons/message.received.golden", "render/generation.progressed.golden", "buttons/generation.completed.golden", "render/variant_digest.golden"},
		"Slack":   {"buttons/notification.comment.json", "buttons/message.received.json", "generation.progressed.json", "buttons/generation.completed.json", "digest.3.json"},
	} {
		var cards []map[string]any
		for _, name := range files {
			var card map[string]any
			require.NoError(t, json.Unmarshal(read(t, "../"+strings.ToLower(platform)+"/testdata/"+name), &card))
			cards = append(cards, card)
		}
		view[platform] = cards
	}
	view["DiscordRefusal"] = refusal(t, "../discord/testdata/script.golden", "Not reposted")
	view["SlackRefusal"] = refusal(t, "../slack/testdata/doors.golden", "No command")
	var page bytes.Buffer
	require.NoError(t, pages.ExecuteTemplate(&page, "cards.tmpl", view))
	require.NotRegexp(t, `ZgotmplZ|no value|(src|url\()=?"?http|:[a-z_]{3,}: `, page.String(), "whole, and fetches nothing")
	golden.Equal(t, "../../docs/cards.html", page.Bytes())
}

func read(t *testing.T, file string) []byte {
	t.Helper()
	body, err := os.ReadFile(file)
	require.NoError(t, err)
	return body
}

// style is the console's, in one piece.
func style(t *testing.T) template.CSS {
	t.Helper()
	var all []byte
	for _, name := range []string{"page", "discord", "slack"} {
		all = append(all, read(t, "assets/"+name+".css")...)
	}
	icon := "data:image/svg+xml;base64," + base64.StdEncoding.EncodeToString(read(t, "assets/icon.svg"))
	return template.CSS(strings.ReplaceAll(string(all), "icon.svg", icon))
}

// answer is a reply to a command, as an emulator's screen shows it.
type answer struct {
	To, Text string // To is the one person who sees it, "" for everybody
	Small    []string
	Buttons  []button
}

// refusal finds the message with these words on a screen.
func refusal(t *testing.T, file, words string) answer {
	t.Helper()
	for message := range strings.SplitSeq(string(read(t, file)), "\n\n") {
		header, body, _ := strings.Cut(message, "\n  ")
		if !strings.Contains(body, words) || !strings.HasPrefix(strings.ToLower(header), "imaginebridge [app]") {
			continue
		}
		var a answer
		if _, to, private := strings.Cut(header, "(only "); private {
			a.To, _, _ = strings.Cut(to, ")")
		}
		for line := range strings.SplitSeq(body, "\n") {
			line = strings.TrimSpace(line)
			switch {
			case strings.HasPrefix(line, "~ "):
				a.Small = append(a.Small, line[2:])
			case strings.HasPrefix(line, "["):
				for label := range strings.SplitSeq(strings.Trim(line, "[]"), "] [") {
					plain := strings.TrimPrefix(label, "!")
					a.Buttons = append(a.Buttons, button{Label: plain, Primary: plain != label})
				}
			default:
				a.Text += line
			}
		}
		return a
	}
	require.Fail(t, "no such answer", "%s: %s", file, words)
	return answer{}
}

// marks is as much of a platform's markup as our cards use: groups named for
// what a reader sees of a match, and how plain text was escaped.
type marks struct {
	found *regexp.Regexp
	plain func(string) string
}

var (
	discordMarks = marks{
		regexp.MustCompile(`(?s)\*\*(?P<strong>.+?)\*\*|\[(?P<label>(?:\\.|[^\]\\])+)\]\(<?(?P<url>[^)>]+)>?\)|<t:(?P<ago>\d+):R>`),
		func(s string) string { return regexp.MustCompile(`\\(.)`).ReplaceAllString(s, "$1") },
	}
	slackMarks = marks{
		regexp.MustCompile(`\*<(?P<boldurl>http[^|>]+)\|(?P<strong>[^>]+)>\*|<!date\^(?P<ago>\d+)[^>]*>|<(?P<url>http[^|>]+)\|(?P<label>[^>]+)>|\*(?P<strong>[^*]+)\*`),
		func(s string) string { return html.UnescapeString(slackEmoji.Replace(s)) },
	}
	slackEmoji = strings.NewReplacer(":speech_balloon:", "💬", ":ballot_box_with_check:", "☑️", ":envelope:", "✉️", ":hourglass_flowing_sand:", "⏳",
		":white_check_mark:", "✅", ":arrow_right:", "➡️", ":white_circle:", "⚪", ":newspaper:", "📰")
)

func (m marks) spans(text string) []span {
	var out []span
	for {
		hit := m.found.FindStringSubmatchIndex(text)
		if hit == nil {
			return append(out, span{Text: m.plain(text)})
		}
		s := span{}
		for i, name := range m.found.SubexpNames() {
			if name == "" || hit[2*i] < 0 {
				continue
			}
			switch part := text[hit[2*i]:hit[2*i+1]]; name {
			case "strong":
				s.Text, s.Strong = m.plain(part), true
			case "label":
				s.Text = m.plain(part)
			case "ago":
				s.Text = "41 seconds ago"
			default:
				s.URL = part
			}
		}
		out = append(out, span{Text: m.plain(text[:hit[0]])}, s)
		text = text[hit[1]:]
	}
}

func colour(rgb float64) string { return fmt.Sprintf("#%06x", int(rgb)) }

func clockOf(stamp string) (string, error) {
	at, err := time.Parse(time.RFC3339, stamp)
	return at.Format("3:04 PM"), err
}
