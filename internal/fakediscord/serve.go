package fakediscord

import (
	"maps"
	"net"
	"net/http"
	"slices"
	"strconv"
	"time"
)

// serve is the way of every API request: log, manners, injected effects, token,
// rate limits, body, handler, answer.
func (s *Server) serve(rt *route) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		c := &call{Request: r, route: rt}
		s.mu.Lock()
		c.entry = s.log.open(Request{
			Method: r.Method, Path: mask(r.URL.Path), Query: r.URL.RawQuery,
			Route: rt.String(), Channel: r.PathValue("channel_id"),
		})
		c.at = c.entry.Time
		s.mu.Unlock()

		refusal, rule, detail := c.read()
		effect := s.match(c)
		if effect.hold > 0 {
			s.wait(r.Context(), effect.hold)
		}
		out := s.decide(c, effect, func() reply {
			if rule != "" {
				s.log.fault(c.at, rule, c.entry.Seq, detail)
			}
			if refusal != nil {
				return *refusal
			}
			return s.handle(c)
		})
		if effect.delay > 0 {
			s.wait(r.Context(), effect.delay)
		}
		s.send(w, out, effect)
	}
}

// decide comes to an answer under the lock: an effect's, a limit's or the
// handler's.
func (s *Server) decide(c *call, effect Effect, handle func() reply) reply {
	s.mu.Lock()
	defer s.mu.Unlock()
	manners := c.manners()
	for _, rule := range slices.Sorted(maps.Keys(manners)) {
		s.log.fault(c.at, rule, c.entry.Seq, manners[rule])
	}
	var out reply
	header := http.Header{}
	early := s.tooEarly(c)
	switch {
	case early != nil:
		out = *early
	case effect.before != nil:
		out = effect.before()
	case !s.authorised(c):
		out = unauthorized()
	default:
		var limited *reply
		if limited, header = s.limit(c); limited != nil {
			out = *limited
		} else {
			out = handle()
		}
	}
	if effect.after != nil {
		out = effect.after(out)
	}
	s.remember(c, out)
	if out.header == nil {
		out.header = http.Header{}
	}
	for k, v := range header {
		if _, set := out.header[k]; !set && !effect.bare {
			out.header[k] = v
		}
	}
	out.header["Date"] = []string{s.now().UTC().Format(http.TimeFormat)}
	status := out.status
	if effect.cut != stay {
		status = 0
	}
	s.log.done(c.entry, status, out.code)
	return out
}

func (s *Server) authorised(c *call) bool {
	return c.route.open || (s.token != "" && c.Header.Get("Authorization") == "Bot "+s.token)
}

// handle checks the body by table, rules and, where given, the official
// schema, then runs the route.
func (s *Server) handle(c *call) reply {
	if c.route.body != nil {
		r := &report{}
		c.route.body(r, "", c.body)
		c.raw = jsonOf(c.body) // without what is unknown or said twice
		if r.ok() && c.route.rules != nil {
			c.route.rules(s, c, r)
		}
		for _, path := range r.unknown {
			s.log.stats.UnknownProperties++
			s.log.fault(c.at, "unknown-property", c.entry.Seq, path)
		}
		if !r.ok() {
			s.log.fault(c.at, "body", c.entry.Seq, r.String())
			return malformed(r)
		}
		if detail := s.schemas.check(c.route, c.body); detail != "" {
			s.log.fault(c.at, "openapi", c.entry.Seq, detail)
		}
	}
	return c.route.handle(s, c)
}

// send writes the answer, as far as the effect lets it.
func (s *Server) send(w http.ResponseWriter, out reply, effect Effect) {
	if effect.cut != stay {
		cut(w, effect.cut)
		return
	}
	body := out.bytes()
	maps.Copy(w.Header(), out.header)
	if w.Header().Get("Content-Type") == "" && len(body) > 0 {
		w.Header().Set("Content-Type", "application/json")
	}
	if effect.truncate {
		body = body[:len(body)/2]
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	if out.status == http.StatusNoContent {
		w.Header().Del("Content-Length")
	}
	w.WriteHeader(out.status)
	_, _ = w.Write(body) // the caller may be gone
}

// ending says how a connection ends instead of an answer.
type ending int

const (
	stay   ending = iota
	closed        // FIN
	reset         // RST
)

// cut ends the connection without an answer.
func cut(w http.ResponseWriter, how ending) {
	h, ok := w.(http.Hijacker)
	if !ok {
		panic(http.ErrAbortHandler) // net/http's own word for this; for HTTP without a socket
	}
	conn, _, err := h.Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	if tcp, ok := conn.(*net.TCPConn); ok && how == reset {
		_ = tcp.SetLinger(0) // an orderly close does as well
	}
	_ = conn.Close()
}

// seconds rounds up, as the Retry-After header does.
func seconds(d time.Duration) string {
	return strconv.FormatInt(int64((d+time.Second-1)/time.Second), 10)
}
