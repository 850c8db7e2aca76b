package sandbox

import (
	"fmt"
	"net/http"
	"strconv"
	"time"
)

// instead answers something else: before anything has happened or, where the
// rule says so, when it has.
func instead(answer func(*strike)) trouble {
	return trouble{
		before: func(k *strike) (happened, ends bool) {
			if k.rule.Effect {
				return false, false
			}
			answer(k)
			return true, true
		},
		after: func(k *strike) bool {
			if k.rule.Effect {
				answer(k)
			}
			return k.rule.Effect
		},
	}
}

// page is what a proxy answers in place of the service.
func page(k *strike) {
	k.status = k.rule.Status
	if k.status == 0 {
		k.status = http.StatusInternalServerError
	}
	title := fmt.Sprintf("%d %s", k.status, http.StatusText(k.status))
	k.body = fmt.Appendf(nil, "<html>\n<head><title>%s</title></head>\n<body>\n<center><h1>%[1]s</h1></center>\n</body>\n</html>\n", title)
	k.header = http.Header{"Content-Type": {"text/html"}}
}

func unavailable(k *strike) {
	k.reply(reply{status: http.StatusServiceUnavailable, body: problem{Error: "service_unavailable", Message: "Back in a moment"}})
	k.header.Set("Retry-After", seconds(k.wait(2*time.Second)))
}

func seconds(d time.Duration) string { return strconv.Itoa(int(max(d, time.Second) / time.Second)) }

// limited is a 429 as the service itself sends one.
func (k *strike) limited() {
	w := k.wait(5 * time.Second)
	a := allowance{
		class: k.class, limit: defaultLimits()[k.class], reset: ceilSecond(k.at.Add(w)), refused: true, wait: int(w / time.Second),
	}
	k.header = http.Header{}
	a.headers(k.header)
	k.reply(reply{status: http.StatusTooManyRequests, body: a.body()})
}

func limitedSeconds(k *strike) { k.limited() }

func limitedDate(k *strike) {
	k.limited()
	k.header.Set("Retry-After", k.at.Add(k.wait(5*time.Second)).Format(http.TimeFormat))
}

func limitedBody(k *strike) {
	k.limited()
	k.header.Del("Retry-After")
}

func limitedBare(k *strike) {
	k.header = http.Header{}
	k.reply(reply{status: http.StatusTooManyRequests, body: problem{Error: "rate_limit_exceeded", Message: "Too many requests."}})
}

// refused makes an error reply in place of one that may be ready.
func (k *strike) refused(r *refusal) {
	k.status = 0
	k.refuse(r)
}

func refuseBearer(k *strike) {
	k.header.Set("WWW-Authenticate", "Bearer")
	k.refused(unauthorized())
}

func refuseAll(k *strike) {
	if k.route != nil && k.route.oauth() {
		k.refused(refuse(http.StatusUnauthorized, "invalid_client", "The client id or secret is wrong"))
		return
	}
	refuseBearer(k)
}

func suspend(k *strike) {
	k.refused(refuse(http.StatusForbidden, "account_suspended", "This agent has been suspended"))
}
