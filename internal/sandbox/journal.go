package sandbox

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// The rules a well-made client never breaks.
const (
	RuleBlindRepeat  = "blind_repeat"     // a create repeated within 2 s although the first may have happened
	RuleBeforeReset  = "before_reset"     // a request after a 429 and before its time
	RuleExpiredToken = "expired_token"    // a token that was known to have expired
	RuleRefreshTwice = "refresh_twice"    // two refreshes at once, or one refresh token twice
	RuleUnknownField = "unknown_field"    // a body field or "?query" parameter the call does not have
	RuleHandleAt     = "handle_with_at"   // "@" before a handle in a JSON body
	RuleLimit        = "limit_over_100"   // a page larger than the maximum
	RuleForeignHost  = "bearer_elsewhere" // a bearer sent to another host
	RuleTooLong      = "too_long"         // a text over its limit
)

const (
	journalSize   = 10000
	maxViolations = 1000
	bodyKept      = 4 << 10
	repeatWindow  = 2 * time.Second
	tolerance     = 50 * time.Millisecond // what may already have been under way when a 429 was sent
	expiryGrace   = 2 * time.Second
)

// Entry is one request as the journal keeps it. Secrets are masked.
type Entry struct {
	Seq     int       `json:"seq"`
	At      time.Time `json:"at"`
	Agent   string    `json:"agent,omitempty"`
	Class   Class     `json:"class"`
	Method  string    `json:"method"`
	Path    string    `json:"path"`
	Route   string    `json:"route,omitempty"` // pattern of the call, "" when there is none
	Query   string    `json:"query,omitempty"`
	Body    string    `json:"body,omitempty"` // JSON bodies, cut at 4 KiB
	Status  int       `json:"status"`
	Lost    bool      `json:"lost,omitempty"` // a fault kept the reply from the client
	Unknown []string  `json:"unknown,omitempty"`
}

// Violation is something a well-made client never sends.
type Violation struct {
	At     time.Time `json:"at"`
	Agent  string    `json:"agent,omitempty"`
	Rule   string    `json:"rule"`
	Detail string    `json:"detail"`
	Method string    `json:"method"`
	Path   string    `json:"path"`
}

// String is one line for a test's failure message.
func (v Violation) String() string {
	return fmt.Sprintf("%s %s %s %s (%s): %s", v.At.Format(stampLayout), v.Agent, v.Method, v.Path, v.Rule, v.Detail)
}

type pause struct {
	since, until time.Time
	turns        int
}

type journal struct {
	mu         sync.Mutex
	seq        int
	entries    []Entry
	violations []Violation
	doubts     map[string]time.Time // creates whose fate the client cannot know
	pauses     map[purse]pause
	refreshing map[string]int // by client
}

func newJournal() *journal {
	j := &journal{}
	j.clear()
	return j
}

func (j *journal) clear() {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.entries, j.violations = nil, nil
	j.doubts, j.pauses, j.refreshing = map[string]time.Time{}, map[purse]pause{}, map[string]int{}
}

// Journal lists the requests seen, oldest first, at most the last 10,000.
func (s *Sandbox) Journal() []Entry {
	s.journal.mu.Lock()
	defer s.journal.mu.Unlock()
	return append([]Entry(nil), s.journal.entries...)
}

// Violations lists what a well-made client would not have sent.
func (s *Sandbox) Violations() []Violation {
	s.journal.mu.Lock()
	defer s.journal.mu.Unlock()
	return append([]Violation(nil), s.journal.violations...)
}

// arrive looks for violations that lie in the time of a request.
func (j *journal) arrive(x *exchange, turns int) {
	j.mu.Lock()
	defer j.mu.Unlock()
	p, held := j.pauses[x.purse(AuthByClient)]
	if held && p.turns == turns && x.at.After(p.since.Add(tolerance)) && x.at.Before(p.until.Add(-tolerance)) {
		x.flag(RuleBeforeReset, "told to wait until "+p.until.Format(stampLayout))
	}
	if e := x.who.expired; !e.IsZero() && x.who.turns == turns && x.at.After(e.Add(expiryGrace)) {
		x.flag(RuleExpiredToken, "expired "+e.Format(stampLayout))
	}
	if x.who.refreshing {
		if j.refreshing[x.who.client] > 0 {
			x.flag(RuleRefreshTwice, "another refresh is under way")
		}
		j.refreshing[x.who.client]++
	}
}

func (j *journal) leave(x *exchange) {
	if !x.who.refreshing {
		return
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.refreshing[x.who.client] > 0 {
		j.refreshing[x.who.client]--
	}
}

// record keeps the request, before its reply is sent.
func (j *journal) record(x *exchange, turns int) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.checkRepeat(x)
	if until, yes := pausedUntil(x); yes {
		j.pauses[x.purse(AuthByClient)] = pause{x.at, until, turns}
	}
	j.seq++
	e := Entry{
		Seq: j.seq, At: x.at, Agent: x.who.name, Class: x.class, Method: x.req.Method, Path: x.req.URL.Path,
		Query: x.req.URL.RawQuery, Body: masked(x.raw), Status: x.status, Lost: x.lost,
	}
	if x.route != nil {
		e.Route = x.route.Pattern
	}
	for _, f := range x.flags {
		if f.rule == RuleUnknownField {
			e.Unknown = append(e.Unknown, f.detail)
		}
		if len(j.violations) < maxViolations {
			j.violations = append(j.violations, Violation{x.at, e.Agent, f.rule, f.detail, e.Method, e.Path})
		}
	}
	if len(j.entries) >= journalSize {
		j.entries = append(j.entries[:0], j.entries[journalSize/4:]...)
	}
	j.entries = append(j.entries, e)
}

// checkRepeat remembers creates whose fate the client cannot know, and catches
// the same one coming again.
func (j *journal) checkRepeat(x *exchange) {
	if x.route == nil || !x.route.Create {
		return
	}
	surelyNot := x.status == http.StatusServiceUnavailable && x.header.Get("Retry-After") != ""
	doubtful := x.lost || (x.status >= 500 && !surelyNot)
	if len(j.doubts) == 0 && !doubtful {
		return
	}
	key := x.who.name + " " + x.req.Method + " " + x.req.URL.Path + " " + x.fingerprint()
	if t, seen := j.doubts[key]; seen && x.at.Sub(t) < repeatWindow {
		x.flag(RuleBlindRepeat, "the first may have been carried out")
	}
	delete(j.doubts, key)
	if doubtful {
		j.doubts[key] = x.at
	}
}

func (x *exchange) fingerprint() string {
	sum := sha256.Sum256(bytes.TrimSpace(x.raw))
	if u := x.in.upload; u != nil {
		sum = sha256.Sum256(u.data)
	}
	return hex.EncodeToString(sum[:8])
}

// pausedUntil reads from the reply, as it is sent, when the client may come
// again. A 429 that is a rule and not a rate has neither code nor header.
func pausedUntil(x *exchange) (time.Time, bool) {
	if x.status != http.StatusTooManyRequests {
		return time.Time{}, false
	}
	after := x.header.Get("Retry-After")
	if after == "" && !bytes.Contains(x.body, []byte("rate_limit_exceeded")) {
		return time.Time{}, false
	}
	if n, err := strconv.Atoi(after); err == nil {
		return x.at.Add(time.Duration(n) * time.Second), true
	}
	if t, err := http.ParseTime(after); err == nil {
		return t, true
	}
	var b limited
	if json.Unmarshal(x.body, &b) == nil && b.RetryAfter > 0 {
		return x.at.Add(time.Duration(b.RetryAfter) * time.Second), true
	}
	return x.at.Add(time.Second), true
}

// masked is a JSON body without its secrets.
func masked(raw []byte) string {
	var m map[string]json.RawMessage
	if json.Unmarshal(raw, &m) != nil {
		return ""
	}
	for _, secret := range []string{"client_secret", "refresh_token", "apiKey"} {
		if _, has := m[secret]; has {
			m[secret] = json.RawMessage(`"****"`)
		}
	}
	b := encode(m)
	return string(b[:min(len(b), bodyKept)])
}
