package discord

import (
	"iter"
	"net/url"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/rivo/uniseg"
)

// more ends a text that was cut.
const more = "…"

// units counts as Discord does at its strictest: UTF-16 code units, never fewer
// than code points.
func units(s string) int {
	n := 0
	for _, r := range s {
		n += utf16.RuneLen(r)
	}
	return n
}

// plain is text for a place without markdown, in one line of at most limit units.
func plain(s string, limit int) string { return cut(oneLine(s), limit, false) }

// inline is text for a place that reads markdown within one line: titles, names
// of fields.
func inline(s string, limit int) string { return cut(oneLine(s), limit, true) }

// block is text for a place that reads all markdown: descriptions, values.
func block(s string, limit int) string { return cut(clean(s), limit, true) }

// quoted is block with every line behind Discord's quote sign.
func quoted(s string, limit int) string {
	text := clean(s)
	limit -= 2 * (1 + strings.Count(text, "\n"))
	if text = cut(text, limit, true); text == "" {
		return ""
	}
	return "> " + strings.ReplaceAll(text, "\n", "\n> ")
}

// cut writes a clean text in at most limit units, ending it with an ellipsis at
// the border of a letter where it is too long. With escape, what markdown would
// read as markup is written so that it is shown.
func cut(s string, limit int, escape bool) string {
	if limit < units(more) {
		return ""
	}
	var (
		b    strings.Builder
		used int
		fits int // bytes of b that leave room for the ellipsis
		at   = lineHead
	)
	for t := range tokens(s, escape) {
		out := t.text
		if escape && !t.link {
			out = t.escaped(at)
		}
		if used += units(out); used > limit {
			return strings.TrimRightFunc(b.String()[:fits], unicode.IsSpace) + more
		}
		b.WriteString(out)
		if used <= limit-units(more) {
			fits = b.Len()
		}
		at = at.after(t)
	}
	return b.String()
}

// openLink is an address at the end of a text, but not that of a link with a label:
// Discord would read what follows as a part of it, the signs that end or begin a
// style too.
var openLink = regexp.MustCompile("(?:^|[^(]|(?:^|[^\\]])\\(|\\\\\\]\\()https?://[^\\s<`]+$")

// apart is a written text that something may follow.
func apart(written string) string {
	if openLink.MatchString(written) {
		return written + " "
	}
	return written
}

// bold is a written text in bold letters. One with an address that would end them,
// where nothing can be escaped, stays as it is.
func bold(written string) string {
	if strings.Contains(written, "**") {
		return written
	}
	return "**" + apart(written) + "**"
}

// position is where in its line a letter stands, as far as markdown cares.
type position int

const (
	lineHead   position = iota // only spaces before it
	lineNumber                 // the number of a list before it
	lineBody
)

// listNumber begins a numbered list at the head of a line.
var listNumber = regexp.MustCompile(`^[0-9]+\.`)

func (p position) after(t token) position {
	switch {
	case t.text == "\n", p == lineHead && strings.TrimSpace(t.text) == "":
		return lineHead
	case p == lineHead && listNumber.MatchString(t.rest), p == lineNumber && t.text >= "0" && t.text <= "9":
		return lineNumber
	}
	return lineBody
}

// token is one letter as people see it, or one whole link.
type token struct {
	text string
	link bool
	rest string // the text from here on
}

// tokens splits a text into letters and, where they matter, links.
func tokens(s string, links bool) iter.Seq[token] {
	return func(yield func(token) bool) {
		for state := -1; s != ""; {
			if links {
				if link, gap := leadingLink(s); link != "" {
					// Discord would read the character behind it as part of the link.
					if !yield(token{text: link, link: true, rest: s}) || gap && !yield(token{text: " ", rest: " "}) {
						return
					}
					s, state = s[len(link):], -1
					continue
				}
			}
			letter, rest, _, next := uniseg.FirstGraphemeClusterInString(s, state)
			if at := strings.Index(letter, "http"); links && at > 0 {
				// A link may begin inside a cluster, behind a sign that joins.
				letter, rest, next = s[:at], s[at:], -1
			}
			if !yield(token{text: letter, rest: s}) {
				return
			}
			s, state = rest, next
		}
	}
}

// addressBody is what may stand in a link. Brackets, quotes, pipes and the like
// are no part of addresses (RFC 3986 §2) and would end or open markup.
var addressBody = regexp.MustCompile("^https?://[\\pL\\pN][^\\s<>\"\\\\^`{|}\\[\\]\\pC]+")

// leadingLink returns the address that s begins with, as Discord itself would
// find it, and whether a gap is needed behind it. Emphasis signs at its end are
// taken for markup around it; an address with a user in it looks like another
// host and is no link.
func leadingLink(s string) (link string, gap bool) {
	if !strings.HasPrefix(s, "http") {
		return "", false
	}
	link = strings.TrimRight(addressBody.FindString(s), "*_~")
	bare := strings.TrimRight(link, ".,:;\"'")
	if len(bare) < len("http://ab") {
		return "", false
	}
	if u, err := url.Parse(bare); err != nil || u.Host == "" || u.User != nil {
		return "", false
	}
	next, _ := utf8.DecodeRuneInString(s[len(link):])
	return link, len(link) < len(s) && !unicode.IsSpace(next)
}

// emojiName is what Discord turns into a picture.
var emojiName = regexp.MustCompile(`^:[0-9A-Za-z_+~-]+:`)

// marks are what markdown may read as markup wherever it stands.
const marks = "\\*_~`|<>[]@"

// escaped writes one letter so that markdown shows it. The sign of a scheme is
// escaped where no link of ours begins, or Discord would find one of its own.
func (t token) escaped(at position) string {
	switch {
	case at == lineHead && (t.text == "#" || t.text == "-" || t.text == "+"),
		at == lineNumber && t.text == ".",
		t.text == ":" && (emojiName.MatchString(t.rest) || strings.HasPrefix(t.rest, "://")):
		return `\` + t.text
	case !strings.ContainsAny(t.text, marks):
		return t.text
	}
	var b strings.Builder
	for _, r := range t.text {
		if strings.ContainsRune(marks, r) {
			b.WriteByte('\\')
		}
		b.WriteRune(r)
	}
	return b.String()
}
