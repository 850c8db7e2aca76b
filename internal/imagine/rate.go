package imagine

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

// rate is what the X-RateLimit headers of one reply say.
type rate struct {
	class        Class // as the service names it, or empty
	limit        int   // 0: not said
	remaining    int
	hasRemaining bool
	reset        time.Duration // until the oldest counted call leaves
	hasReset     bool
}

// A pause that the service asks for is kept within these, whatever it says.
const (
	minPause     = time.Second
	maxPause     = 2 * time.Minute
	defaultPause = time.Minute
	maxLimit     = 10_000 // calls a minute; no more are believed
)

// parseRate reads X-RateLimit-*. Nonsense counts as not said. Reset is Unix time in seconds, or in milliseconds where that
// would be the year 5138, and is compared with the reply's own Date where there is one, since clocks differ.
func parseRate(h http.Header, now time.Time) rate {
	var r rate
	switch c := Class(strings.ToLower(strings.TrimSpace(h.Get("X-RateLimit-Endpoint-Type")))); c {
	case Auth, Read, Write, Upload:
		r.class = c
	}
	if n, ok := headerInt(h, "X-RateLimit-Limit"); ok && n > 0 {
		r.limit = int(min(n, maxLimit))
	}
	if n, ok := headerInt(h, "X-RateLimit-Remaining"); ok {
		r.remaining, r.hasRemaining = int(min(max(n, 0), maxLimit)), true
	}
	if n, ok := headerInt(h, "X-RateLimit-Reset"); ok && n > 0 {
		r.reset, r.hasReset = until(n, serverTime(h, now)), true
	}
	return r
}

// until is the time from now to a Unix time in seconds or, above 10¹¹, milliseconds.
func until(unix int64, now time.Time) time.Duration {
	const millis = 100_000_000_000
	if unix > millis {
		return time.UnixMilli(unix).Sub(now)
	}
	return time.Unix(unix, 0).Sub(now)
}

func headerInt(h http.Header, key string) (int64, bool) {
	n, err := strconv.ParseInt(strings.TrimSpace(h.Get(key)), 10, 64)
	return n, err == nil
}

// serverTime is the service's clock as its Date header shows it, or ours.
func serverTime(h http.Header, now time.Time) time.Time {
	if t, err := http.ParseTime(h.Get("Date")); err == nil {
		return t
	}
	return now
}

// retryAfter reads the Retry-After header: seconds, also with a fraction, or an HTTP date.
func retryAfter(h http.Header, now time.Time) (time.Duration, bool) {
	v := strings.TrimSpace(h.Get("Retry-After"))
	if d, ok := seconds(v); ok {
		return d, true
	}
	if t, err := http.ParseTime(v); err == nil {
		return max(0, t.Sub(serverTime(h, now))), true
	}
	return 0, false
}

func seconds(s string) (time.Duration, bool) {
	f, err := strconv.ParseFloat(s, 64)
	if err != nil || !(f >= 0) { // NaN is neither
		return 0, false
	}
	return time.Duration(min(f, 86400) * float64(time.Second)), true
}

// pause is how long a 429 asks to wait: the first usable of the Retry-After header, the body's retryAfter and retry_after,
// the Reset header, a minute; then within 1 to 120 s.
func pause(h http.Header, body errorBody, now time.Time) time.Duration {
	d, ok := retryAfter(h, now)
	if !ok {
		d, ok = body.retryAfter, body.hasRetryAfter
	}
	if !ok {
		r := parseRate(h, now)
		d, ok = r.reset, r.hasReset && r.reset > 0
	}
	if !ok {
		d = defaultPause
	}
	return min(max(d, minPause), maxPause)
}
