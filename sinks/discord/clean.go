package discord

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

const (
	maxInput = 16 << 10 // bytes of one text that are looked at: Discord's longest is 4,096 letters
	maxMarks = 8        // combining marks on one letter; living scripts need four
)

// clean makes text from outside harmless before it is escaped: valid UTF-8 in
// normal form C, no control or invisible characters, no direction overrides, no
// towers of marks, at most one empty line in a row.
func clean(s string) string {
	if len(s) > maxInput {
		s = s[:maxInput]
		for len(s) > 0 && !utf8.RuneStart(s[len(s)-1]) {
			s = s[:len(s)-1]
		}
		s = strings.TrimRightFunc(s, func(r rune) bool { return r == utf8.RuneError })
	}
	s = norm.NFC.String(strings.ToValidUTF8(s, "\uFFFD"))
	s = strings.NewReplacer("\r\n", "\n", "\r", "\n", "\u2028", "\n", "\u2029", "\n", "\t", " ").Replace(s)
	return strings.TrimSpace(squeeze(s))
}

// oneLine is clean for places that show a single line.
func oneLine(s string) string { return strings.Join(strings.Fields(clean(s)), " ") }

// squeeze drops what must not be shown, rune by rune.
func squeeze(s string) string {
	var (
		b            strings.Builder
		last         rune // the last rune kept that is no joiner or mark
		lines, marks int
	)
	runes := []rune(s)
	for i, r := range runes {
		switch {
		case r == '\n':
			if lines++; lines > 2 {
				continue
			}
			last, marks = r, 0
		case r == '\u200D' || r == '\uFE0F':
			next := i+1 < len(runes) && pictorial(runes[i+1])
			if !pictorial(last) && !keycap(last) || r == '\u200D' && !next {
				continue
			}
		case unicode.In(r, unicode.Mn, unicode.Me):
			if marks++; marks > maxMarks || invisible(r) {
				continue
			}
		case invisible(r):
			continue
		default:
			if r != ' ' {
				lines = 0
			}
			last, marks = r, 0
		}
		b.WriteRune(r)
	}
	return b.String()
}

// invisible reports whether a rune shows nothing, or turns the direction of what
// follows: controls, formats, fillers, tags, variation selectors, private use.
func invisible(r rune) bool {
	switch r {
	case '\u034F', '\u115F', '\u1160', '\u17B4', '\u17B5', '\u2800', '\u3164', '\uFFA0', '\uFFFC':
		return true
	case '\u0600', '\u0601', '\u0602', '\u0603', '\u0604', '\u0605', '\u06DD', '\u070F', '\u08E2':
		return false // formats by category, yet signs that people read
	}
	return unicode.In(r, unicode.Cc, unicode.Cf, unicode.Co, unicode.Variation_Selector, unicode.Noncharacter_Code_Point) ||
		r >= 0xE0000 && r <= 0xE0FFF
}

// pictorial reports whether a rune may be part of an emoji that a joiner holds
// together.
func pictorial(r rune) bool {
	return r >= 0x1F000 && r <= 0x1FAFF || r >= 0x2190 && r <= 0x2BFF || r == 0xA9 || r == 0xAE || r == 0x3030 || r == 0x303D
}

func keycap(r rune) bool { return r >= '0' && r <= '9' || r == '#' || r == '*' }
