package slack

import (
	"net/url"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/rivo/uniseg"
	"github.com/slack-go/slack/slackutilsx"
)

const (
	ellipsis = "…"
	maxMarks = 4        // combining marks kept on one letter; the rest is noise that runs over other lines
	maxBytes = 32 << 10 // of any text, more than the longest that is ever shown takes
)

// clean makes text from outside fit to be shown: valid UTF-8, newlines as the
// only control characters, no characters that reorder what stands around them,
// no towers of combining marks. It does not escape.
func clean(s string) string {
	var b strings.Builder
	b.Grow(min(len(s), maxBytes))
	marks, afterCR := 0, false
	for _, r := range s { // broken bytes come as U+FFFD
		if b.Len() >= maxBytes {
			break
		}
		cr := afterCR
		afterCR = r == '\r'
		switch {
		case r == '\n' && cr:
			continue
		case r == '\n', r == '\r', r == '\u2028', r == '\u2029':
			r = '\n'
		case r == '\t':
			r = ' '
		case unicode.IsControl(r), reorders(r):
			continue
		}
		if r >= '\u0300' && unicode.In(r, unicode.Mn, unicode.Me) {
			if marks++; marks > maxMarks {
				continue
			}
		} else {
			marks = 0
		}
		b.WriteRune(r)
	}
	return strings.TrimSpace(b.String())
}

// reorders reports whether r is one of the bidirectional embeddings, overrides
// and isolates (Unicode Annex 9): they let a file name or link read backwards.
func reorders(r rune) bool {
	return '\u202a' <= r && r <= '\u202e' || '\u2066' <= r && r <= '\u2069'
}

// blank reports whether nothing of s can be seen.
func blank(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool {
		return unicode.IsGraphic(r) && !unicode.IsSpace(r) && r != '\u3164' && r != '\u2800'
	}) < 0
}

// oneLine is clean text on a single line.
func oneLine(s string) string { return strings.Join(strings.Fields(clean(s)), " ") }

// cut shortens s to limit characters as Slack counts them (code points), at the
// border of what a reader takes for one letter, with a mark at the end.
func cut(s string, limit int) string { return cutBy(s, limit, utf8.RuneCountInString) }

// cutEscaped shortens s so that it has at most limit characters once escaped.
func cutEscaped(s string, limit int) string {
	return cutBy(s, limit, func(part string) int { return utf8.RuneCountInString(escape(part)) })
}

func cutBy(s string, limit int, size func(string) int) string {
	if size(s) <= limit {
		return s
	}
	kept, room, state := 0, limit-utf8.RuneCountInString(ellipsis), -1
	for rest := s; rest != "" && room > 0; {
		var letter string
		letter, rest, _, state = uniseg.FirstGraphemeClusterInString(rest, state)
		if room -= size(letter); room >= 0 {
			kept += len(letter)
		}
	}
	return strings.TrimRightFunc(s[:kept], unicode.IsSpace) + ellipsis
}

// escape makes text safe for mrkdwn and the fallback text: everything that pings
// or links there begins with a literal "<" (Slack: "Escaping text").
func escape(s string) string { return slackutilsx.EscapeMessage(s) }

// run is a piece of text from outside: words, which may be a bare web address.
type run struct{ text, url string }

var address = regexp.MustCompile(`(?i)\bhttps?://[^\s<>"\x60|\\^{}]+`)

// runs finds the web addresses in text, so that they can be shown as links that
// are their own label. Addresses that look like another site stay words.
func runs(s string) []run {
	var out []run
	words := func(text string) {
		switch {
		case text == "":
		case len(out) > 0 && out[len(out)-1].url == "":
			out[len(out)-1].text += text
		default:
			out = append(out, run{text: text})
		}
	}
	end := 0
	for _, at := range address.FindAllStringIndex(s, -1) {
		found := trimAddress(s[at[0]:at[1]])
		words(s[end:at[0]])
		if link, ok := webURL(found); ok {
			out = append(out, run{text: found, url: link})
		} else {
			words(found)
		}
		end = at[0] + len(found)
	}
	words(s[end:])
	return out
}

// trimAddress takes away what follows an address in a sentence: punctuation, and
// closing brackets that it did not open.
func trimAddress(s string) string {
	for s != "" {
		last, size := utf8.DecodeLastRuneInString(s)
		opening := map[rune]string{')': "(", ']': "["}[last]
		switch {
		case strings.ContainsRune(".,;:!?'*_~’”»", last):
		case opening != "" && strings.Count(s, opening) < strings.Count(s, string(last)):
		default:
			return s
		}
		s = s[:len(s)-size]
	}
	return s
}

// webURL returns the address in the form that Slack takes, and whether it may be
// a link: http or https, a host in plain letters, nobody's name before it.
func webURL(s string) (string, bool) {
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || u.User != nil {
		return "", false
	}
	if strings.IndexFunc(u.Host, func(r rune) bool { return r > unicode.MaxASCII }) >= 0 {
		return "", false
	}
	link := u.String()
	return link, len(link) <= maxURL && !strings.ContainsAny(link, " \n\t<>\"")
}

// linkTo is a mrkdwn link with a label of our own words, already escaped; without
// a usable address it is the label.
func linkTo(address, label string) string {
	link, ok := bareLink(address)
	if !ok {
		return label
	}
	return strings.TrimSuffix(link, ">") + "|" + strings.ReplaceAll(label, "|", "¦") + ">"
}

// bareLink is a mrkdwn link that shows its own address.
func bareLink(address string) (string, bool) {
	link, ok := webURL(address)
	return "<" + strings.NewReplacer("|", "%7C", "&", "&amp;").Replace(link) + ">", ok
}

// formats matches what mrkdwn reads as formatting or as an emoji.
var formats = regexp.MustCompile("[*~`]|(?:^|[^A-Za-z0-9])_|_(?:[^A-Za-z0-9]|$)|^&gt;|:[a-z0-9_'+-]+:")

// words makes our own words mrkdwn. Where Slack would read formatting into them
// they stand as code.
func words(s string) string {
	escaped := escape(s)
	if !formats.MatchString(escaped) {
		return escaped
	}
	return mono(s)
}

// mono is words in code style, in which mrkdwn reads nothing else.
func mono(s string) string {
	inner := strings.TrimSpace(s)
	if inner == "" {
		return s
	}
	before, after, _ := strings.Cut(s, inner)
	return before + "`" + strings.ReplaceAll(escape(inner), "`", "'") + "`" + after
}

var plainHandle = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9_.-]*[A-Za-z0-9])?$`)

// handle is "@name" in mrkdwn; one that ends in "_" and such stands as code.
func handle(name string) string {
	name = cut(oneLine(name), maxName)
	if plainHandle.MatchString(name) {
		return "@" + name
	}
	return mono("@" + name)
}

// coded matches what Slack puts between angle brackets in text from people.
var coded = regexp.MustCompile(`<([^<>]*)>`)

// decodeText turns what Slack sends of a person's words into those words (Slack
// docs: "Formatting text"): mentions, links and the three entities, each once, so
// that what somebody wrote as "&lt;" comes out as that.
func decodeText(s string) string {
	return entities.Replace(coded.ReplaceAllStringFunc(s, func(part string) string {
		target, label, labelled := strings.Cut(part[1:len(part)-1], "|")
		switch {
		case target == "":
			return part
		case strings.HasPrefix(target, "@"), strings.HasPrefix(target, "#"):
			if labelled && label != "" {
				return target[:1] + strings.TrimLeft(label, "@#")
			}
			return target
		case strings.HasPrefix(target, "!"):
			word, _, _ := strings.Cut(target[1:], "^")
			if labelled && label != "" {
				return label
			}
			return "@" + word
		}
		target = strings.TrimPrefix(target, "mailto:")
		if !labelled || label == "" || label == target || "http://"+label == target || "https://"+label == target {
			return target
		}
		return label + " (" + target + ")"
	}))
}

// namedMention matches a mention of a person with their name behind it.
var namedMention = regexp.MustCompile(`<@([UW][A-Z0-9]+)\|[^<>]*>`)

// groupMention matches a mention of a user group, with its name behind it or not.
var groupMention = regexp.MustCompile(`<!subteam\^(S[A-Z0-9]+)(?:\|[^<>]*)?>`)

// byID takes the names off mentions: "<@U1|anna>" is then read as "@U1", which
// nobody else can be called, and "<!subteam^S1|@editors>" as access lists have it.
func byID(s string) string {
	return groupMention.ReplaceAllString(namedMention.ReplaceAllString(s, "<@$1>"), "slack:group:$1")
}

// entities are the only ones Slack uses.
var entities = strings.NewReplacer("&lt;", "<", "&gt;", ">", "&amp;", "&")
