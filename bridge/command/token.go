package command

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// token is one word of a line, or several in quotes.
type token struct {
	text       string // without quotes
	start, end int    // in the line
	quoted     bool   // wholly in quotes
	name       string // of name:value and --name, where the form fits
	value      string // of name:value and --name=value
	hasValue   bool
	dashes     bool // --name
}

// closing are the marks that end what a quotation mark opens.
func closing(open rune) string {
	switch open {
	case '"', '“', '”', '„':
		return "\"“”"
	case '\'', '‘', '’', '‚':
		return "'‘’"
	case '«':
		return "»"
	}
	return ""
}

// tokens splits a line. A mark opens a quotation only where a word begins, so
// that don't stays a word, and only where it is closed again.
func tokens(line string) []token {
	var out []token
	for i := 0; i < len(line); {
		r, size := utf8.DecodeRuneInString(line[i:])
		if unicode.IsSpace(r) {
			i += size
			continue
		}
		t := token{start: i}
		if inside, end, ok := quotation(line, i); ok {
			t.text, t.quoted, i = inside, true, end
		} else {
			t, i = word(line, i)
		}
		t.end = i
		out = append(out, t)
	}
	return out
}

// quotation reads one that begins at i and ends where a word may end.
func quotation(line string, i int) (inside string, end int, ok bool) {
	open, size := utf8.DecodeRuneInString(line[i:])
	marks := closing(open)
	if marks == "" {
		return "", 0, false
	}
	from := i + size
	for j := from; j < len(line); {
		k := strings.IndexAny(line[j:], marks)
		if k < 0 {
			return "", 0, false
		}
		_, size := utf8.DecodeRuneInString(line[j+k:])
		end := j + k + size
		if next, _ := utf8.DecodeRuneInString(line[end:]); end == len(line) || unicode.IsSpace(next) {
			return line[from : j+k], end, true
		}
		j = end
	}
	return "", 0, false
}

// word reads up to the next space, and through a quotation behind name: or --name=.
func word(line string, i int) (token, int) {
	t := token{start: i}
	j := i
	for j < len(line) {
		r, size := utf8.DecodeRuneInString(line[j:])
		if unicode.IsSpace(r) {
			break
		}
		j += size
		if (r != ':' && r != '=') || t.hasValue {
			continue
		}
		name := line[i : j-size]
		dashed := strings.HasPrefix(name, "--")
		if !isName(strings.TrimPrefix(name, "--")) || r == '=' && !dashed {
			continue
		}
		t.name, t.hasValue, t.dashes = strings.ToLower(strings.TrimPrefix(name, "--")), true, dashed
		if inside, end, ok := quotation(line, j); ok {
			t.value, t.text = inside, line[i:end]
			return t, end
		}
		t.value = ""
		from := j
		for j < len(line) {
			r, size := utf8.DecodeRuneInString(line[j:])
			if unicode.IsSpace(r) {
				break
			}
			j += size
		}
		t.value = line[from:j]
		break
	}
	t.text = line[i:j]
	if bare, ok := strings.CutPrefix(t.text, "--"); ok && !t.hasValue && isName(bare) {
		t.name, t.dashes = strings.ToLower(bare), true
	}
	return t, j
}

// isName reports what can be the name of an argument.
func isName(s string) bool {
	return s != "" && len(s) <= 32 && strings.IndexFunc(s, func(r rune) bool { return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && r != '_' && r != '-' }) < 0
}
