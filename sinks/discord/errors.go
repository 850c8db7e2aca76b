package discord

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Error is a request that did not succeed, in words of our own: it holds neither
// URL nor headers nor the library's error, all of which may carry tokens.
type Error struct {
	Method string
	Route  string   // template, "/channels/{channel}/messages"
	Status int      // 0 when no answer came
	Code   int      // Discord's JSON error code, 0 without one
	Text   string   // Discord's message, or what happened to the connection
	Fields []string // paths and codes of refused fields: "embeds.0.title BASE_TYPE_MAX_LENGTH"

	After  time.Duration // how long Discord asks to wait
	Global bool          // the wait is everybody's
	Shared bool          // the limit is shared with other applications: no fault of ours
	Edge   bool          // the answer came from the network before Discord: no JSON
	Held   bool          // our own limiter held it back; nothing was sent
	Unsure bool          // it was written and may have had its effect
}

// Error implements error.
func (e *Error) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s: ", e.Method, e.Route)
	switch {
	case e.Held && e.Status == 0:
		fmt.Fprintf(&b, "held back for %s", e.After.Round(time.Millisecond))
	case e.Status == 0:
		b.WriteString(e.Text)
	default:
		b.WriteString(strconv.Itoa(e.Status))
		if e.Code != 0 {
			fmt.Fprintf(&b, " (code %d)", e.Code)
		}
		if e.Text != "" {
			b.WriteString(": " + e.Text)
		}
	}
	if len(e.Fields) > 0 {
		b.WriteString(": " + strings.Join(e.Fields, ", "))
	}
	return b.String()
}

// invalid reports whether Discord counts the request towards its ban.
func (e *Error) invalid() bool {
	switch e.Status {
	case http.StatusUnauthorized, http.StatusForbidden:
		return !e.Held
	case http.StatusTooManyRequests:
		return !e.Held && !e.Shared
	}
	return false
}

// badForm reports whether Discord refused the shape of a body.
func (e *Error) badForm() bool {
	switch e.Code {
	case codeInvalidForm, codeEmptyMessage, codeTooLarge:
		return true
	}
	return e.Status == http.StatusRequestEntityTooLarge
}

const (
	maxReason = 200 // runes of Discord's own words that are repeated
	maxPaths  = 5
)

// readError makes an Error of an answer. Anything may stand in body.
func readError(c call, status int, h http.Header, body []byte) *Error {
	e := &Error{Method: c.method, Route: c.route, Status: status}
	scope := h.Get("X-RateLimit-Scope")
	e.Global = h.Get("X-RateLimit-Global") != "" || scope == "global"
	e.Shared = scope == "shared"
	if after, ok := seconds(h.Get("Retry-After")); ok {
		e.After = after
	}
	var r refusal
	if err := json.Unmarshal(body, &r); err != nil {
		e.Edge = status == http.StatusTooManyRequests || status == http.StatusForbidden
		e.Text = http.StatusText(status)
		return e
	}
	e.Code, e.Text, e.Global = r.Code, short(r.Message), e.Global || r.Global
	if after, ok := seconds(strconv.FormatFloat(r.RetryAfter, 'f', -1, 64)); ok && after > 0 {
		e.After = after
	}
	e.Fields = refusedFields(r.Errors)
	return e
}

// refusedFields flattens Discord's tree of field errors into paths with codes.
// The sentences beside the codes may repeat what was sent, so they stay out.
func refusedFields(tree json.RawMessage) []string {
	var out []string
	var walk func(path string, raw json.RawMessage, depth int)
	walk = func(path string, raw json.RawMessage, depth int) {
		var node map[string]json.RawMessage
		if depth > 12 || len(out) >= maxPaths || json.Unmarshal(raw, &node) != nil {
			return
		}
		for _, key := range slices.Sorted(maps.Keys(node)) {
			if key != "_errors" {
				walk(strings.TrimPrefix(path+"."+key, "."), node[key], depth+1)
				continue
			}
			var list []struct {
				Code string `json:"code"`
			}
			if json.Unmarshal(node[key], &list) == nil && len(list) > 0 && len(out) < maxPaths {
				out = append(out, short(strings.TrimSpace(path+" "+list[0].Code)))
			}
		}
	}
	if len(bytes.TrimSpace(tree)) > 0 {
		walk("", tree, 0)
	}
	return out
}

// short cuts words from outside for a log line.
func short(s string) string { return plain(s, maxReason) }
