package discord

import (
	"encoding/json"
	"math"
	"net/http"
	"strconv"
	"time"
)

// limits is what the headers of an answer say of its bucket.
type limits struct {
	bucket     string
	remaining  int
	resetAfter time.Duration
}

// readLimits reads X-RateLimit headers; false where there are none to rely on.
// X-RateLimit-Reset is never used: it depends on clocks.
func readLimits(h http.Header) (limits, bool) {
	remaining, err := strconv.Atoi(h.Get("X-RateLimit-Remaining"))
	if err != nil || remaining < 0 {
		return limits{}, false
	}
	after, ok := seconds(h.Get("X-RateLimit-Reset-After"))
	if !ok {
		return limits{}, false
	}
	return limits{bucket: h.Get("X-RateLimit-Bucket"), remaining: remaining, resetAfter: after}, true
}

// seconds reads a number of seconds with a fraction, never negative and never
// longer than a day.
func seconds(s string) (time.Duration, bool) {
	f, err := strconv.ParseFloat(s, 64)
	if err != nil || math.IsNaN(f) || f < 0 {
		return 0, false
	}
	return time.Duration(min(f, longestPause.Seconds()) * float64(time.Second)), true
}

// stripLimits takes the rate limit headers away, so that the library's own
// limiter, which sleeps without a context, never waits.
func stripLimits(h http.Header) {
	for _, name := range []string{
		"X-RateLimit-Bucket", "X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset",
		"X-RateLimit-Reset-After", "X-RateLimit-Global", "X-RateLimit-Scope",
	} {
		h.Del(name)
	}
}

// refusal is Discord's JSON form of an error.
type refusal struct {
	Message    string          `json:"message"`
	Code       int             `json:"code"`
	RetryAfter float64         `json:"retry_after"`
	Global     bool            `json:"global"`
	Errors     json.RawMessage `json:"errors"`
}
