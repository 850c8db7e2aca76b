package imagine

import (
	"math/rand/v2"
	"net/http"
	"strings"
	"time"
)

// answer is what one attempt came to, as far as the next step depends on it.
type answer struct {
	status    int // 0: no reply
	code      string
	already   bool // the words say that it is so already
	html      bool // a page of something in front of the service
	garbled   bool // a good status over a body that cannot be read
	toldWhen  bool // Retry-After was there
	drained   bool // X-RateLimit-Remaining said 0
	neverRan  bool // the request surely did not reach the service
	goneAgain bool // a DELETE whose earlier attempt had an unknown end
}

// verdict is the next step.
type verdict int

const (
	done    verdict = iota // the reply is good
	already                // refused because it is so already, which was the wish
	renew                  // sign in anew, once
	hold                   // rate limited: wait as told, then repeat; the call was not carried out
	again                  // repeat with backoff
	final                  // not carried out, and repeating is no use
	unknown                // may have happened: never repeated blindly
)

// judge decides by status first (API reference, "Errors"), on a code only for rate limits.
func judge(r repeat, a answer) verdict {
	safe := again
	if r == create {
		safe = unknown
	}
	switch {
	case a.neverRan:
		return again
	case a.status == 0:
		return safe
	case a.status < 300 && a.garbled:
		return safe
	case a.status < 300:
		return done
	case a.status == http.StatusUnauthorized && !a.html:
		return renew
	case a.status == http.StatusTooManyRequests:
		return judgeTooMany(a)
	case a.html && a.status < 500 && r != create:
		return again
	case r == same && (a.status == http.StatusConflict || a.status == http.StatusBadRequest && a.already):
		return already
	case a.status == http.StatusNotFound && a.goneAgain:
		return already
	case a.status == http.StatusRequestTimeout, a.status == http.StatusTooEarly:
		return safe
	case a.status == http.StatusServiceUnavailable && a.toldWhen:
		return again
	case a.status >= 500:
		return safe
	default:
		return final
	}
}

// judgeTooMany tells a rate, which passes, from a rule such as "three jobs at once", which does not.
func judgeTooMany(a answer) verdict {
	if a.code == CodeRateLimited || a.toldWhen || a.html || a.code == "" && a.drained {
		return hold
	}
	return final
}

// saysAlready finds the words of "already liked".
func saysAlready(b errorBody) bool {
	return strings.Contains(strings.ToLower(b.code+" "+b.message), "already")
}

const (
	maxTries     = 4
	maxHolds     = 3 // pauses for 429s within one call
	retryWithin  = 20 * time.Second
	firstBackoff = 500 * time.Millisecond
)

// backoff is the wait before the next try: 0.5 s doubling with full jitter, or what the reply asked for, if that is longer.
// It reports false when no more tries are left in number or time.
func backoff(tries int, elapsed, asked time.Duration) (time.Duration, bool) {
	if tries >= maxTries {
		return 0, false
	}
	d := rand.N(firstBackoff << (tries - 1)) //nolint:gosec // G404: jitter needs no secrecy
	d = max(d, asked)
	return d, elapsed+d <= retryWithin
}
