package sandbox

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"sort"
	"strconv"
	"strings"
	"unicode/utf16"
)

// input is what a request said. A handler reads every field it knows before it
// refuses anything: what is left unread afterwards was unknown, and goes into
// the journal. The first wrong field is the one that is reported.
type input struct {
	vars    map[string]string
	query   url.Values
	body    map[string]json.RawMessage
	upload  *upload
	page    func(list string) (pageRequest, *refusal)
	known   map[string]bool
	problem *refusal
	over    []string // texts over their limit
	at      []string // handles that were sent with "@"
}

// length counts as JavaScript does: an emoji is two.
func length(s string) int { return len(utf16.Encode([]rune(s))) }

func (in *input) reject(r *refusal) {
	if in.problem == nil {
		in.problem = r
	}
}

// err is the first thing wrong with the fields read so far.
func (in *input) err() error {
	if in.problem != nil {
		return in.problem
	}
	return nil
}

// field is one body field; null is absent.
func (in *input) field(name string) (json.RawMessage, bool) {
	in.known[name] = true
	raw, ok := in.body[name]
	return raw, ok && string(raw) != "null"
}

// unknown lists body fields and query parameters ("?name") nobody read.
func (in *input) unknown() []string {
	var names []string
	for name := range in.body {
		if !in.known[name] {
			names = append(names, name)
		}
	}
	for name := range in.query {
		if !in.known["?"+name] {
			names = append(names, "?"+name)
		}
	}
	if in.upload != nil {
		for name := range in.upload.fields {
			if !in.known[name] {
				names = append(names, name)
			}
		}
	}
	sort.Strings(names)
	return names
}

// text is a string of lo to hi UTF-16 units after trimming; with lo above zero
// it is required.
func (in *input) text(name string, lo, hi int) string {
	s := in.optional(name, lo, hi)
	if s == nil && lo > 0 {
		in.reject(invalid("%s must be %d to %d characters", name, lo, hi))
	}
	if s == nil {
		return ""
	}
	return *s
}

// optional is nil where the field is absent.
func (in *input) optional(name string, lo, hi int) *string {
	raw, ok := in.field(name)
	if !ok {
		return nil
	}
	var s string
	if json.Unmarshal(raw, &s) != nil {
		in.reject(invalid("%s must be a string", name))
		return nil
	}
	s = strings.TrimSpace(s)
	n := length(s)
	if n > hi {
		in.over = append(in.over, name)
	}
	switch {
	case n < lo || (n > hi && lo > 0):
		in.reject(invalid("%s must be %d to %d characters", name, lo, hi))
	case n > hi:
		in.reject(invalid("%s must be at most %d characters", name, hi))
	}
	return &s
}

// handle is a body field that names an agent; it has no "@".
func (in *input) handle(name string) string {
	s := in.text(name, 1, 64)
	if strings.HasPrefix(s, "@") {
		in.at = append(in.at, name)
	}
	return s
}

// choice is one of values; absent is fallback, and required where that is "".
func (in *input) choice(name, fallback string, values []string) string {
	s := fallback
	if raw, ok := in.field(name); ok {
		if json.Unmarshal(raw, &s) != nil {
			in.reject(invalid("%s must be a string", name))
			return fallback
		}
	}
	if !slices.Contains(values, s) {
		in.reject(invalid("%s must be one of %s", name, strings.Join(values, ", ")))
	}
	return s
}

// flag is nil where the field is absent.
func (in *input) flag(name string) *bool {
	raw, ok := in.field(name)
	if !ok {
		return nil
	}
	var b bool
	if json.Unmarshal(raw, &b) != nil {
		in.reject(invalid("%s must be true or false", name))
		return nil
	}
	return &b
}

// integer is nil where the field is absent.
func (in *input) integer(name string, lo, hi int) *int {
	raw, ok := in.field(name)
	if !ok {
		return nil
	}
	var n int
	if json.Unmarshal(raw, &n) != nil || n < lo || n > hi {
		in.reject(invalid("%s must be an integer from %d to %d", name, lo, hi))
		return nil
	}
	return &n
}

// words is a list of strings of at most most entries; nil where absent.
func (in *input) words(name string, most int) []string {
	raw, ok := in.field(name)
	if !ok {
		return nil
	}
	var list []*string
	if json.Unmarshal(raw, &list) != nil || slices.Contains(list, nil) {
		in.reject(invalid("%s must be a list of strings", name))
		return nil
	}
	if len(list) > most {
		in.reject(invalid("%s must have at most %d entries", name, most))
		return nil
	}
	out := make([]string, len(list))
	for i, s := range list {
		out[i] = *s
	}
	return out
}

// object is a nested JSON object; nil where absent.
func (in *input) object(name string) map[string]json.RawMessage {
	raw, ok := in.field(name)
	if !ok {
		return nil
	}
	var m map[string]json.RawMessage
	if json.Unmarshal(raw, &m) != nil {
		in.reject(invalid("%s must be an object", name))
	}
	return m
}

// link is an http(s) URL of at most 200 characters; an empty one is allowed
// and clears.
func (in *input) link(name string) *string {
	s := in.optional(name, 0, 200)
	if s != nil && *s != "" && !isWebLink(*s) {
		in.reject(invalid("%s must be an http or https URL", name))
	}
	return s
}

func isWebLink(s string) bool {
	u, err := url.Parse(s)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != ""
}

// param is a query parameter, trimmed; absent is "".
func (in *input) param(name string) string {
	in.known["?"+name] = true
	return strings.TrimSpace(in.query.Get(name))
}

// pick is a query parameter that is one of values; absent is fallback, and
// required where that is "".
func (in *input) pick(name, fallback string, values []string) string {
	s := in.param(name)
	if s == "" {
		s = fallback
	}
	if !slices.Contains(values, s) && (s != "" || fallback == "") {
		in.reject(invalid("%s must be one of %s", name, strings.Join(values, ", ")))
	}
	return s
}

// filter is an optional query parameter: one of values, or "" for no filter.
func (in *input) filter(name string, values []string) string {
	s := in.param(name)
	if s != "" && !slices.Contains(values, s) {
		in.reject(invalid("%s must be one of %s", name, strings.Join(values, ", ")))
	}
	return s
}

// limit clamps to the maximum in silence and refuses only what is no positive
// integer.
func (in *input) limit(most int) int {
	s := in.param("limit")
	if s == "" {
		return min(defaultPage, most)
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < 1 {
		in.reject(invalid("limit must be a positive integer"))
		return most
	}
	return min(n, most)
}

// pageOf reads limit and cursor for the named list.
func (in *input) pageOf(list string) pageRequest {
	p, r := in.page(list)
	if r != nil {
		in.reject(r)
	}
	return p
}

// parseObject reads a JSON object and nothing after it.
func parseObject(body []byte) (map[string]json.RawMessage, *refusal) {
	var m map[string]json.RawMessage
	if err := json.Unmarshal(body, &m); err != nil || m == nil {
		return nil, invalid("the body must be a JSON object%s", jsonWhere(err))
	}
	return m, nil
}

func jsonWhere(err error) string {
	if s, ok := err.(*json.SyntaxError); ok { //nolint:errorlint // json.Unmarshal returns it unwrapped
		return fmt.Sprintf(" (at byte %d)", s.Offset)
	}
	return ""
}

func tooLarge(what string, limit int) *refusal {
	return refuse(http.StatusRequestEntityTooLarge, "file_too_large", "%s is larger than %d bytes", what, limit)
}
