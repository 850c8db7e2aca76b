package web

import (
	"hash/fnv"
	"net/url"
	"regexp"
	"strings"
	"unicode"

	"github.com/rivo/uniseg"
)

// Lengths of what is shown, in letters as people count them.
const (
	maxText   = 4000
	maxQuote  = 300
	maxName   = 80
	maxThread = 100
	maxValue  = 300
	maxBytes  = 32 << 10 // of one text that are looked at
	maxLetter = 64       // likewise, for each letter shown: families of emoji take 25
	maxMarks  = 4        // combining marks on one letter: towers run over other lines
)

var lineEnds = strings.NewReplacer("\r\n", "\n", "\r", "\n", "\u2028", "\n", "\u2029", "\n", "\t", " ")

// clean makes text from outside fit to be shown: valid UTF-8, line ends as the
// only controls (two in a row at most), nothing that turns the direction of what
// follows or is not seen, at most limit letters. Escaping is html/template's.
func clean(s string, limit int) string {
	s = s[:min(len(s), maxBytes, maxLetter*limit)]
	s = lineEnds.Replace(strings.ToValidUTF8(s, ""))
	var b strings.Builder
	marks, lines, last := 0, 0, rune(0)
	for _, r := range s {
		switch {
		case r == '\n':
			if lines++; lines > 2 {
				continue
			}
		case unicode.In(r, unicode.Mn, unicode.Me):
			if marks++; marks > maxMarks {
				continue
			}
		case unseen(r, last):
			continue
		default:
			marks = 0
			if r != ' ' {
				lines = 0
			}
		}
		b.WriteRune(r)
		last = r
	}
	return cut(strings.TrimSpace(b.String()), limit)
}

// unseen reports whether a rune shows nothing or reorders others: controls,
// formats, private use, tags, fillers. A joiner stays inside an emoji.
func unseen(r, before rune) bool {
	switch r {
	case '\u200D':
		return before < 0x2190
	case '\u034F', '\u115F', '\u1160', '\u2800', '\u3164', '\uFFA0', '\uFFFC', unicode.ReplacementChar:
		return true
	}
	return unicode.In(r, unicode.Cc, unicode.Cf, unicode.Co, unicode.Noncharacter_Code_Point) || r >= 0xE0000 && r <= 0xE0FFF
}

// oneLine is clean text without line ends.
func oneLine(s string, limit int) string {
	return cut(strings.Join(strings.Fields(clean(s, 4*limit)), " "), limit)
}

// cut shortens a text to limit letters, the last of them a mark.
func cut(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	kept, letters, state := 0, 0, -1
	for rest := s; rest != ""; {
		var letter string
		letter, rest, _, state = uniseg.FirstGraphemeClusterInString(rest, state)
		if letters++; letters > limit {
			return strings.TrimSpace(s[:kept]) + "…"
		}
		if letters < limit {
			kept += len(letter)
		}
	}
	return s
}

// span is a run of words in one style; with URL it is a link.
type span struct {
	Text, URL    string
	Strong, Mono bool
}

var address = regexp.MustCompile(`(?i)\bhttps?://[^\s<>"\x60|\\^{}]+`)

// runs finds the web addresses in clean text. They are links that show where
// they lead.
func runs(s string) []span {
	var out []span
	words := func(text string) {
		if text != "" {
			out = append(out, span{Text: text})
		}
	}
	end := 0
	for _, at := range address.FindAllStringIndex(s, -1) {
		found := strings.TrimRight(s[at[0]:at[1]], ".,:;!?'*_~)]")
		link := webURL(found)
		if link == "" {
			continue
		}
		words(s[end:at[0]])
		out = append(out, span{Text: found, URL: link})
		end = at[0] + len(found)
	}
	words(s[end:])
	return out
}

// webURL returns an address that may become a link: http or https, with a host,
// without a user, which would look like another host. Anything else gives "".
func webURL(text string) string {
	if text == "" || len(text) > 2000 {
		return ""
	}
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Hostname() == "" || u.User != nil {
		return ""
	}
	return u.String()
}

// origin is scheme, host and port of an address as browsers compare them, "" for
// what is none.
func origin(text string) string {
	u, err := url.Parse(webURL(strings.TrimSpace(text)))
	if err != nil || u.Host == "" {
		return ""
	}
	host := strings.ToLower(u.Host)
	switch u.Scheme {
	case "https":
		host = strings.TrimSuffix(host, ":443")
	case "http":
		host = strings.TrimSuffix(host, ":80")
	}
	return u.Scheme + "://" + host
}

// initials are one or two letters that stand for a name.
func initials(name string) string {
	var out strings.Builder
	for word := range strings.FieldsFuncSeq(name, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsNumber(r) }) {
		for _, r := range word {
			out.WriteRune(unicode.ToUpper(r))
			break
		}
		if len([]rune(out.String())) == 2 {
			break
		}
	}
	if out.Len() == 0 {
		return "?"
	}
	return out.String()
}

// hues is how many colours the stylesheet has for people without a picture.
const hues = 8

// hue picks one of them, always the same for one name.
func hue(name string) int {
	h := fnv.New32a()
	_, _ = h.Write([]byte(strings.ToLower(name)))
	return int(h.Sum32() % hues)
}
