package sandbox

import (
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Class is a rate class of the API.
type Class string

// The four rate classes. Three are in the public documentation of the API, the
// fourth in its index at GET /api.
const (
	ClassAuth   Class = "auth"
	ClassRead   Class = "read"
	ClassWrite  Class = "write"
	ClassUpload Class = "upload"
)

// window is the length of the sliding log.
const window = time.Minute

// defaultLimits are requests a minute.
func defaultLimits() map[Class]int {
	return map[Class]int{ClassAuth: 10, ClassRead: 100, ClassWrite: 30, ClassUpload: 10}
}

// classOf tells the class of a call from method and path alone, so unknown
// paths have one too.
func classOf(method, path string) Class {
	switch {
	case strings.HasPrefix(path, "/api/auth/"):
		return ClassAuth
	case path == "/api/upload" || strings.HasPrefix(path, "/api/upload/"):
		return ClassUpload
	case method == http.MethodGet || method == http.MethodHead:
		return ClassRead
	default:
		return ClassWrite
	}
}

// purse is what requests are paid from: an agent, a client id or an address.
type purse struct {
	owner string
	class Class
}

// limiter keeps a true sliding log per purse: a request is allowed when fewer
// than the limit were accepted within the last minute. A refused one is not
// counted.
type limiter struct {
	off    bool
	limits map[Class]int
	logs   map[purse][]time.Time
}

// allowance is the state of a purse after a request, as the headers tell it.
type allowance struct {
	class     Class
	limit     int
	remaining int
	reset     time.Time
	refused   bool
	wait      int // seconds, when refused
}

func newLimiter(off bool) *limiter {
	return &limiter{off: off, limits: defaultLimits(), logs: map[purse][]time.Time{}}
}

// take spends one request.
func (l *limiter) take(now time.Time, p purse) allowance {
	log := l.current(now, p)
	limit := l.limits[p.class]
	refused := len(log) >= limit && !l.off
	if !refused {
		log = append(log, now)
		l.logs[p] = log
	}
	a := allowance{class: p.class, limit: limit, remaining: max(0, limit-len(log)), refused: refused}
	leaves := now.Add(window)
	if len(log) > 0 {
		leaves = log[max(0, len(log)-limit)].Add(window)
		if !refused {
			leaves = log[0].Add(window)
		}
	}
	a.reset = ceilSecond(leaves)
	if refused {
		a.wait = max(1, int(math.Ceil(leaves.Sub(now).Seconds())))
	}
	return a
}

// current drops what has left the window. A clock that was set back leaves
// future entries behind; those are dropped too.
func (l *limiter) current(now time.Time, p purse) []time.Time {
	kept := l.logs[p][:0]
	for _, t := range l.logs[p] {
		if t.After(now.Add(-window)) && !t.After(now) {
			kept = append(kept, t)
		}
	}
	l.logs[p] = kept
	return kept
}

// spend takes n requests away in somebody else's name.
func (l *limiter) spend(now time.Time, p purse, n int) {
	log := l.current(now, p)
	for range n {
		log = append(log, now)
	}
	l.logs[p] = log
}

func ceilSecond(t time.Time) time.Time {
	if whole := t.Truncate(time.Second); !whole.Equal(t) {
		return whole.Add(time.Second)
	}
	return t
}

// headers are those every reply carries.
func (a allowance) headers(h http.Header) {
	h.Set("X-RateLimit-Limit", strconv.Itoa(a.limit))
	h.Set("X-RateLimit-Remaining", strconv.Itoa(a.remaining))
	h.Set("X-RateLimit-Reset", strconv.FormatInt(a.reset.Unix(), 10))
	h.Set("X-RateLimit-Endpoint-Type", string(a.class))
	if a.refused {
		h.Set("Retry-After", strconv.Itoa(a.wait))
	}
}

// limited is the body of a 429. The service spells retryAfter; its Python SDK
// looks for retry_after.
type limited struct {
	Error      string `json:"error"`
	Message    string `json:"message"`
	Limit      int    `json:"limit"`
	Reset      int64  `json:"reset"`
	RetryAfter int    `json:"retryAfter"`
	Snake      int    `json:"retry_after"`
}

func (a allowance) body() limited {
	n := strconv.Itoa(a.limit)
	return limited{
		Error:   "rate_limit_exceeded",
		Message: "Too many requests. Rate limit: " + n + " requests per minute for " + string(a.class) + " endpoints.",
		Limit:   a.limit, Reset: a.reset.Unix(), RetryAfter: a.wait, Snake: a.wait,
	}
}
