package fakediscord

import (
	"encoding/json"
	"net/http"
	"time"
)

// Effect is one thing that can go wrong with a request. Effects are made by
// the functions below and put into a [Rule].
type Effect struct {
	name     string
	hold     time.Duration     // before the request takes effect
	delay    time.Duration     // after it took effect, before the answer
	before   func() reply      // instead of taking effect
	after    func(reply) reply // changes the answer
	cut      ending            // instead of the answer
	truncate bool              // half of the answer
	bare     bool              // no rate limit headers
}

// Rule puts an effect on some requests. Its zero fields mean: every one, for
// ever.
type Rule struct {
	Route   string             // as in Request.Route
	Channel string             // only below this channel
	Match   func(Request) bool // only these
	Skip    int                // let so many pass first
	Every   int                // then only each n-th
	Times   int                // stop after so many hits
	Effect  Effect
}

// Injector is a rule at work.
type Injector struct {
	server *Server
	rule   Rule
	seen   int
	hits   int
}

// Inject puts a rule to work after those already there. When several match one
// request, the first counts.
func (s *Server) Inject(r Rule) *Injector {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r.Route != "" && !s.known[r.Route] {
		s.log.fault(s.now(), "inject", 0, "no route "+r.Route)
	}
	i := &Injector{server: s, rule: r}
	s.rules = append(s.rules, i)
	return i
}

// Hits is how many requests the rule has met.
func (i *Injector) Hits() int {
	i.server.mu.Lock()
	defer i.server.mu.Unlock()
	return i.hits
}

// Stop takes the rule away.
func (i *Injector) Stop() {
	i.server.mu.Lock()
	defer i.server.mu.Unlock()
	i.rule.Match = func(Request) bool { return false }
}

func (i *Injector) wants(r Request) bool {
	u := i.rule
	if (u.Route != "" && u.Route != r.Route) || (u.Channel != "" && u.Channel != r.Channel) {
		return false
	}
	if (u.Times > 0 && i.hits >= u.Times) || (u.Match != nil && !u.Match(r)) {
		return false
	}
	i.seen++
	if n := i.seen - u.Skip; n <= 0 || n%max(u.Every, 1) != 0 {
		return false
	}
	i.hits++
	return true
}

// match notes what was read and finds the effect for the request, the zero
// Effect for none.
func (s *Server) match(c *call) Effect {
	s.mu.Lock()
	defer s.mu.Unlock()
	c.entry.Body = c.raw
	for _, f := range c.files {
		c.entry.Files = append(c.entry.Files, f.name)
	}
	for _, i := range s.rules {
		if i.wants(*c.entry) {
			c.entry.Effect = i.rule.Effect.name
			return i.rule.Effect
		}
	}
	return Effect{}
}

// Status answers with a bare HTTP status and no JSON error; the request has no
// effect. For 500, 502, 503, 504.
func Status(status int) Effect {
	return Effect{name: http.StatusText(status), bare: true, before: func() reply { return upstream(status) }}
}

// StatusAfter is Status, but the request has taken effect.
func StatusAfter(status int) Effect {
	return Effect{name: http.StatusText(status) + " after", bare: true, after: func(reply) reply { return upstream(status) }}
}

// upstream is what the network in front of Discord says when Discord doesn't.
func upstream(status int) reply {
	h := http.Header{}
	h.Set("Content-Type", "text/html")
	return reply{status: status, header: h, raw: []byte("<html><head><title>" + http.StatusText(status) + "</title></head></html>")}
}

// LoseReply lets the request take effect and closes the connection instead of
// answering.
func LoseReply() Effect { return Effect{name: "reply lost", cut: closed} }

// Reset cuts the connection; the request has no effect.
func Reset() Effect {
	return Effect{name: "reset", cut: reset, before: func() reply { return reply{} }}
}

// Delay answers d late; the request takes effect at once.
func Delay(d time.Duration) Effect { return Effect{name: "delay", delay: d} }

// Hold lets the request take effect d late, so that a later one overtakes it.
func Hold(d time.Duration) Effect { return Effect{name: "hold", hold: d} }

// Truncate sends half of the answer's body; the request has taken effect.
func Truncate() Effect { return Effect{name: "truncated", truncate: true} }

// Garble answers 200 with JSON of another type; the request has taken effect.
func Garble() Effect {
	return Effect{name: "garbled", after: func(r reply) reply {
		r.raw = []byte(`[{"id": {"not": "a string"}}, 7]`)
		return r
	}}
}

// Refuse answers with one of Discord's JSON error codes, such as 50013; the
// request has no effect. Codes of status 429 (20016, 20028, 20029, 30046) carry
// a retry_after of one second.
func Refuse(code int) Effect {
	return Effect{name: "refused", before: func() reply {
		if errorTable(code).status == http.StatusTooManyRequests {
			return slowDown(code, time.Second)
		}
		return refuse(code)
	}}
}

// slowDown is a 429 with a JSON error code of its own.
func slowDown(code int, wait time.Duration) reply {
	out := tooMany("shared", wait)
	out.code = code
	out.body = wireError{Message: errorTable(code).message, Code: code, RetryAfter: new(wait.Seconds()), Global: new(false)}
	return out
}

// Unauthorized answers 401 as if the token were gone.
func Unauthorized() Effect { return Effect{name: "401", before: unauthorized} }

// BadForm answers 50035 about the field at the dotted path, as if Discord
// didn't like it; the request has no effect.
func BadForm(path, code, message string) Effect {
	return Effect{name: "bad form", before: func() reply {
		r := &report{}
		r.add(path, code, message)
		return malformed(r)
	}}
}

// RateLimited answers 429 with JSON and closes the bucket (scope "user" or
// "shared") or everything (scope "global") for wait. A global one has
// Retry-After and no X-RateLimit-Reset-After, as the real one.
func RateLimited(scope string, wait time.Duration) Effect {
	return Effect{name: "429 " + scope, before: func() reply {
		out := tooMany(scope, wait)
		if scope != blockGlobal {
			out.header.Set("X-RateLimit-Limit", "5")
			out.header.Set("X-RateLimit-Remaining", "0")
			out.header.Set("X-RateLimit-Reset-After", fraction(wait.Seconds()))
		}
		return out
	}}
}

// RateLimitedBare is RateLimited, but only the JSON body tells how long: no
// Retry-After, no X-RateLimit header at all.
func RateLimitedBare(scope string, wait time.Duration) Effect {
	return Effect{name: "429 bare " + scope, bare: true, before: func() reply {
		out := tooMany(scope, wait)
		out.header = http.Header{}
		return out
	}}
}

// EdgeBan answers 429 with HTML and Retry-After, as the network in front of
// Discord does to banned addresses, and keeps doing so for wait.
func EdgeBan(wait time.Duration) Effect {
	return Effect{name: "edge ban", bare: true, before: func() reply { return edge(wait) }}
}

// EdgeBlocked answers 403 with HTML, as the network in front of Discord does.
func EdgeBlocked() Effect {
	return Effect{name: "edge block", bare: true, before: func() reply { return upstream(http.StatusForbidden) }}
}

// jsonOf is for bodies that are known to marshal.
func jsonOf(v any) json.RawMessage {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // our own types always marshal
	}
	return b
}
