package imagine

import (
	"bytes"
	"encoding/json"
	"unicode/utf8"
)

// A page is read every few seconds for every agent, and each field of it by itself.
// encoding/json checks and scans what it reads anew at each level; here a reply is
// checked once, and then only cut into its parts, which lie in its memory.

// members cuts a JSON object that is known to be valid. Of a name that is there
// twice the last one counts, as in encoding/json.
func members(object []byte) map[string]json.RawMessage {
	out := map[string]json.RawMessage{}
	for i := next(object, 1); i < len(object) && object[i] == '"'; {
		end := valueEnd(object, i)
		name, _ := textOf(object[i:end])
		from := next(object, next(object, end)+1) // past the colon
		if from >= len(object) {
			break
		}
		end = valueEnd(object, from)
		out[name] = object[from:end:end]
		if i = next(object, end); i < len(object) && object[i] == ',' {
			i = next(object, i+1)
		}
	}
	return out
}

// elements cuts a JSON array that is known to be valid.
func elements(array []byte) []json.RawMessage {
	var out []json.RawMessage
	for i := next(array, 1); i < len(array) && array[i] != ']'; {
		end := valueEnd(array, i)
		out = append(out, array[i:end:end])
		if i = next(array, end); i < len(array) && array[i] == ',' {
			i = next(array, i+1)
		}
	}
	return out
}

// next is where the next byte stands that is no white space.
func next(b []byte, i int) int {
	for i < len(b) && (b[i] == ' ' || b[i] == '\n' || b[i] == '\t' || b[i] == '\r') {
		i++
	}
	return i
}

// valueEnd is where the value ends that begins at i.
func valueEnd(b []byte, i int) int {
	depth := 0
	for ; i < len(b); i++ {
		switch b[i] {
		case '"':
			i = closingQuote(b, i+1)
		case '{', '[':
			depth++
			continue
		case '}', ']':
			depth--
		default:
			if depth > 0 {
				continue
			}
			return i + wordEnd(b[i:])
		}
		if depth == 0 {
			return i + 1
		}
	}
	return len(b)
}

// wordEnd is how long a number, true, false or null is.
func wordEnd(b []byte) int {
	if n := bytes.IndexAny(b, ",]} \n\t\r"); n > 0 {
		return n
	}
	return len(b)
}

// closingQuote is where the string ends whose text begins at i.
func closingQuote(b []byte, i int) int {
	for {
		n := bytes.IndexByte(b[min(i, len(b)):], '"')
		if n < 0 {
			return len(b) - 1
		}
		escapes := 0
		for escapes < n && b[i+n-1-escapes] == '\\' {
			escapes++
		}
		if i += n; escapes%2 == 0 {
			return i
		}
		i++
	}
}

// plainText is the text of a string without escapes; false for another.
func plainText(v []byte) (string, bool) {
	if len(v) < 2 || v[len(v)-1] != '"' {
		return "", false
	}
	text := v[1 : len(v)-1]
	if bytes.IndexByte(text, '\\') >= 0 || !utf8.Valid(text) {
		return "", false
	}
	return string(text), true
}
