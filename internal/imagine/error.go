package imagine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf16"
)

// CodeRateLimited is the one machine code of the service that decides anything; every other code is text for logs and people.
const CodeRateLimited = "rate_limit_exceeded"

var (
	// ErrNotOffered marks a call that this server does not know: a later endpoint that answered 404 or 405. Where the path holds
	// an id, the answer may as well mean that the thing is gone.
	ErrNotOffered = errors.New("not offered by this server")
	// ErrTooLarge marks a reply over the cap of 8 MiB, counted after decompression, or a page over 10,000 items.
	ErrTooLarge = errors.New("the reply is too large")
	// ErrGarbled marks a reply that is not the JSON the API promises.
	ErrGarbled = errors.New("the reply is not what the API promises")
	// ErrNoCredentials marks a call that needs an agent's credentials, on a client that has none.
	ErrNoCredentials = errors.New("no client id and secret for this agent")
)

// Error is a call that failed. It holds no URL, no token and no secret, and at most 200 characters of foreign text.
type Error struct {
	Op         string        // what was tried: "read notifications"
	Host       string        // whom we asked
	Status     int           // HTTP status; 0 when no reply came
	Code       string        // the service's machine code, for logs and people
	Message    string        // the service's or the network's words, capped and without secrets
	RetryAfter time.Duration // when to try again, where that is known
	Uncertain  bool          // a write without a readable answer: it may have happened; look before repeating
	Err        error         // a sentinel of this package or the context's error; nil otherwise
}

// Error says what was tried, what came back and, for a write of unknown fate, that it may have happened.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.Op)
	b.WriteString(": ")
	switch {
	case e.Status != 0:
		fmt.Fprintf(&b, "%d from %s", e.Status, e.Host)
	case e.Err != nil:
		b.WriteString(e.Err.Error())
	default:
		b.WriteString("no answer from " + e.Host)
	}
	if e.Status != 0 && e.Err != nil {
		b.WriteString(": " + e.Err.Error())
	}
	switch {
	case e.Code != "" && e.Message != "":
		fmt.Fprintf(&b, ": %s (%s)", e.Message, e.Code)
	case e.Message != "" || e.Code != "":
		b.WriteString(": " + e.Message + e.Code)
	}
	if e.Uncertain {
		b.WriteString(": it may have happened")
	}
	return b.String()
}

// Unwrap gives the sentinel or context error behind it, if there is one.
func (e *Error) Unwrap() error { return e.Err }

func isStatus(err error, status int) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && e.Status == status
}

// IsNotFound reports that the agent, post, job or whatever it was does not exist.
func IsNotFound(err error) bool { return isStatus(err, http.StatusNotFound) }

// IsUnauthorized reports that the agent's credentials or its token were refused, also after signing in anew.
func IsUnauthorized(err error) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && (e.Status == http.StatusUnauthorized || e.Op == endpoints[opToken].Op && e.Status == http.StatusBadRequest)
}

// IsForbidden reports that the thing is not this agent's, or not allowed to it.
func IsForbidden(err error) bool { return isStatus(err, http.StatusForbidden) }

// IsConflict reports a state that excludes the call: already reposted, handle taken.
func IsConflict(err error) bool { return isStatus(err, http.StatusConflict) }

// IsRateLimited reports that the service, or our own budget under the caller's deadline, asks for a pause: RetryAfter long.
func IsRateLimited(err error) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && e.Code == CodeRateLimited
}

// IsUncertain reports a write that may have happened.
func IsUncertain(err error) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && e.Uncertain
}

// IsTemporary reports trouble of the service or the network, which time mends.
func IsTemporary(err error) bool {
	e, ok := errors.AsType[*Error](err)
	if !ok {
		return false
	}
	return e.Status >= 500 || e.Code == CodeRateLimited || errors.Is(e.Err, ErrGarbled) || e.Status == 0 && e.Err == nil
}

// failure makes the error of an attempt that was not good.
func (c *Client) failure(e Endpoint, out outcome, ctxErr error, secrets ...string) *Error {
	if c.signIn.secret != nil {
		secrets = append(slices.Clone(secrets), c.signIn.secret())
	}
	f := &Error{Op: e.Op, Host: c.base.Host, Status: out.status, Code: foreign(out.says.code, secrets...), Err: out.err}
	f.Message = foreign(out.says.message, secrets...)
	f.RetryAfter = out.asked
	if out.verdict == hold {
		f.Code = CodeRateLimited
	}
	switch {
	case isWait(out.err, f):
	case out.words != "":
		f.Message = foreign(out.words, secrets...)
		if out.garbled && f.Err == nil {
			f.Err = ErrGarbled
		}
	case e.Later && f.Err == nil && (out.status == http.StatusNotFound || out.status == http.StatusMethodNotAllowed):
		f.Err = ErrNotOffered
	}
	if ctxErr != nil && out.status == 0 {
		f.Err, f.Message = ctxErr, ""
	}
	return f
}

// localError is the error of a call that ended before it was sent: the context's, or the budget's under its deadline.
func (c *Client) localError(e Endpoint, err error) error {
	f := &Error{Op: e.Op, Host: c.base.Host, Err: err}
	isWait(err, f)
	return f
}

// isWait words a wait that would have outlasted the caller's deadline.
func isWait(err error, f *Error) bool {
	w, ok := errors.AsType[*waitError](err)
	if ok {
		f.Code, f.RetryAfter, f.Err = CodeRateLimited, w.wait, context.DeadlineExceeded
		f.Message = fmt.Sprintf("the next call may go in %s", w.wait.Round(time.Millisecond))
	}
	return ok
}

// ArgError is an argument refused before anything was sent.
type ArgError struct {
	Arg    string // the field's name in the API
	Got    int    // the value's size where a limit decided, else 0
	Limit  int    // that limit, else 0
	Reason string // one sentence: "the text has 501 characters, a post holds 500"
}

// Error is the sentence.
func (e *ArgError) Error() string { return e.Reason }

// errorBody is what an error reply says, in any of its dialects.
type errorBody struct {
	code, message string
	retryAfter    time.Duration
	hasRetryAfter bool
}

// parseErrorBody reads {"error","message"} and OAuth's {"error","error_description"}; whatever is missing stays empty. A body
// that is no JSON object says nothing: it is never shown to people.
func parseErrorBody(data []byte) errorBody {
	var b errorBody
	f, err := parseFields(data)
	if err != nil {
		return b
	}
	b.code = capped(f.text("error"), 64)
	if f.err != nil { // {"error":{"code","message"}}
		f.err = nil
		if in := f.object("error"); in != nil {
			b.code, b.message = capped(in.text("code"), 64), in.text("message")
		}
	}
	if m := f.text("error.message"); m != "" {
		b.message = m
	}
	if v := f.raw["retryAfter"]; v != nil {
		b.retryAfter, b.hasRetryAfter = seconds(strings.Trim(string(v), `"`))
	}
	if v := f.raw["retry_after"]; v != nil && !b.hasRetryAfter {
		b.retryAfter, b.hasRetryAfter = seconds(strings.Trim(string(v), `"`))
	}
	return b
}

const foreignRunes = 200

// keyLike matches what looks like a key: the service's own tokens and those of the AI providers it connects.
var keyLike = regexp.MustCompile(`\b(?:ia[a-z]?_|sk[-_]|xi[-_]|AIza|gsk_|r8_|fal-|key-)[A-Za-z0-9_\-]{6,}|(?i:\bBearer\s+)[^\s"']{6,}`)

// foreign makes text from outside fit for an error: without secrets, keys and control characters, and short.
func foreign(s string, secrets ...string) string {
	for _, secret := range secrets {
		if len(secret) >= 4 {
			s = strings.ReplaceAll(s, secret, dots)
		}
	}
	return capped(maskKeys(s), foreignRunes)
}

func maskKeys(s string) string { return keyLike.ReplaceAllString(s, dots) }

// capped cuts at max runes with a mark and makes control characters spaces.
func capped(s string, limit int) string {
	s = strings.TrimSpace(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, s))
	n := 0
	for i := range s {
		if n++; n > limit {
			return s[:i] + "…"
		}
	}
	return s
}

// utf16Len counts as the service does: an emoji is 2. It is never less than any other way of counting characters.
func utf16Len(s string) int {
	n := 0
	for _, r := range s {
		n += max(1, utf16.RuneLen(r))
	}
	return n
}

// looksLikeHTML tells a proxy's page from the service's JSON.
func looksLikeHTML(h http.Header, body []byte) bool {
	if strings.Contains(strings.ToLower(h.Get("Content-Type")), "html") {
		return !json.Valid(body) || len(body) == 0
	}
	return strings.HasPrefix(strings.TrimSpace(string(body[:min(len(body), 64)])), "<")
}
