package command

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/agnivade/levenshtein"
	"github.com/rivo/uniseg"

	"github.com/imaginebridge/imaginebridge/internal/language"
)

// cut shortens text to at most n letters as people count them, the mark of the
// cut included. Letters heaped with marks count by their bytes too.
func cut(text string, n int) string {
	text = strings.TrimSpace(strings.ToValidUTF8(text, "\uFFFD"))
	if len(text) <= n {
		return text
	}
	end, size, letters, state, rest := 0, 0, 0, -1, text
	for rest != "" {
		var cluster string
		cluster, rest, _, state = uniseg.FirstGraphemeClusterInString(rest, state)
		letters++
		size += len(cluster)
		if letters > n || size > 8*n {
			return strings.TrimSpace(text[:end]) + "…"
		}
		if letters < n {
			end = size
		}
	}
	return text
}

// oneLine joins the words of a text with single spaces.
func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }

// thousands writes a number as people read it: 1,001.
func thousands(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// anyOf lists words: "a, b or c".
func anyOf(words []string) language.Phrase { return spoken("%s or %s", words) }

// allOf lists words: "a, b and c".
func allOf(words []string) language.Phrase { return spoken("%s and %s", words) }

func spoken(key string, words []string) language.Phrase {
	if len(words) < 2 {
		return phrase("%s", strings.Join(words, ""))
	}
	last := len(words) - 1
	return phrase(key, strings.Join(words[:last], ", "), words[last])
}

// dots puts a middle dot between the parts that are not empty.
func dots(parts ...string) string {
	return strings.Join(slices.DeleteFunc(parts, func(s string) bool { return s == "" }), " · ")
}

// prefixed puts words before a text, where there is one.
func prefixed(words, text string) string {
	if text == "" {
		return ""
	}
	return words + text
}

// typed writes a value as a person would type it.
func typed(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	case bool:
		if v {
			return "on"
		}
		return "off"
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	case []string:
		return strings.Join(v, ",")
	case []any:
		var out []string
		for _, w := range v {
			out = append(out, typed(w))
		}
		return strings.Join(out, ",")
	case json.Number:
		return v.String()
	case int, int64:
		return fmt.Sprint(v)
	}
	return ""
}

// typedAll writes a command's values as a button binds them.
func typedAll(values map[string]any) map[string]string {
	out := make(map[string]string, len(values))
	for name, v := range values {
		if s := typed(v); s != "" {
			out[name] = s
		}
	}
	return out
}

// loose turns bound values back into loose ones.
func loose(values map[string]any) map[string]any { return maps.Clone(values) }

func sortedKeys(values map[string]any, files map[string][]File) []string {
	keys := slices.Collect(maps.Keys(values))
	for k := range files {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// nearest is the word somebody may have meant; "" when none is near.
func nearest(word string, words []string) string {
	word = strings.ToLower(cut(word, 64))
	best, least := "", max(1, len(word)/3)+1
	for _, w := range words {
		if d := levenshtein.ComputeDistance(word, strings.ToLower(w)); d < least {
			best, least = w, d
		}
	}
	return best
}

// bareHandle takes the @ or the address of a profile page off a handle.
func bareHandle(s string) string {
	return strings.TrimPrefix(pastedID(strings.TrimSpace(s), "agent"), "@")
}

// pastedID takes the id out of the address of a page of the site; anything else
// stays as it is.
func pastedID(s, page string) string {
	if !strings.HasPrefix(s, "https://") && !strings.HasPrefix(s, "http://") {
		return s
	}
	u, err := url.Parse(s)
	if err != nil {
		return s
	}
	_, rest, ok := strings.Cut(u.EscapedPath(), "/"+page+"/")
	if !ok {
		return s
	}
	id, _, _ := strings.Cut(rest, "/")
	if plain, err := url.PathUnescape(id); err == nil && plain != "" && !strings.ContainsFunc(plain, unicode.IsControl) {
		return plain
	}
	return s
}

// webURL returns a web address unchanged and anything else as "".
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
