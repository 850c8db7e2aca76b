package fakeslack

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// call is one Web API call under way. Its methods run with the server's mutex held.
type call struct {
	s      *Server
	method string
	spec   method
	args   args
	tok    *token
	now    time.Time

	basicID, basicSecret string // HTTP Basic credentials, which oauth.v2.access takes
}

// answer is what a method returns: the fields beside "ok", or a refusal.
type answer struct {
	fields  map[string]any
	err     *refusal
	status  int // 200 when 0
	headers map[string]string
	warn    []string
}

// refusal is {"ok":false} with its error name.
type refusal struct {
	code   string
	detail string         // for Faults
	fields map[string]any // needed, provided, errors, response_metadata
}

func refuse(code string, format string, a ...any) answer {
	return answer{err: &refusal{code: code, detail: fmt.Sprintf(format, a...)}}
}

func (a answer) fieldsJSON() map[string]any {
	out := map[string]any{"ok": a.err == nil}
	maps.Copy(out, a.fields)
	if a.err != nil {
		out["error"] = a.err.code
		maps.Copy(out, a.err.fields)
	}
	if len(a.warn) > 0 {
		out["warning"] = strings.Join(a.warn, ",")
		out["response_metadata"] = map[string]any{"warnings": a.warn}
	}
	return out
}

func (a answer) body() []byte {
	b, _ := json.Marshal(a.fieldsJSON())
	return b
}

func (a answer) code() int { return max(a.status, http.StatusOK) }

func (a answer) write(w http.ResponseWriter) {
	for k, v := range a.headers {
		w.Header().Set(k, v)
	}
	writeJSON(w, a.code(), a.fieldsJSON())
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}

// serveAPI is the way of every Web API call: decode, trouble before, the method, trouble after, log.
func (s *Server) serveAPI(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		writePage(w, http.StatusRequestEntityTooLarge)
		return
	}
	s.mu.Lock()
	c, early := s.begin(r, body)
	var own answer
	var t *Trouble
	if early != nil {
		own = *early
	} else {
		if t = s.troubleFor(c.method, c.team(), c.channelArg()); t == nil || t.Effect || t.honest() {
			own = c.run()
		}
		c.pauseFor(t)
	}
	s.log(c, own, t)
	c.setHeaders(w.Header())
	s.mu.Unlock()

	if t != nil {
		s.play(w, r, t, own)
		return
	}
	own.write(w)
}

// pauseFor starts the pause that an injected 429 asks for.
func (c *call) pauseFor(t *Trouble) {
	if t == nil || t.Kind != RateLimited {
		return
	}
	if d, ok := t.pauseOf(); ok {
		c.s.limiter.pause(c.key(), c.now.Add(d))
	}
}

// log records a call. The caller holds mu.
func (s *Server) log(c *call, own answer, t *Trouble) {
	entry := Request{At: c.now, Method: c.method, Workspace: c.team(), Args: c.args.shown(), Status: own.code(), Injected: t != nil}
	if own.err != nil {
		entry.Error = own.err.code
	}
	if t != nil {
		entry.Status = t.status(own)
	}
	if t == nil || t.honest() {
		entry.Answer = own.fieldsJSON()
	}
	s.requests = append(s.requests, entry)
	s.touch()
}

// begin reads the call and checks what comes before any work: method, body, token, scopes, rate. A non-nil answer
// refuses it.
func (s *Server) begin(r *http.Request, body []byte) (*call, *answer) {
	c := &call{s: s, method: r.PathValue("method"), now: s.opt.Now()}
	spec, known := s.methods[c.method]
	c.spec = spec
	if !known {
		return c, c.refused(refuse("unknown_method", "%s", c.method))
	}
	if no := c.read(r, body); no != nil {
		return c, c.refused(*no)
	}
	if no := c.authorise(); no != nil {
		return c, c.refused(*no)
	}
	if left := s.limiter.paused(c.key(), c.now); left > 0 {
		early := tooMany(left)
		early.err.code, early.err.detail = "early_call", fmt.Sprintf("%v before its pause ends", left.Round(time.Millisecond))
		c.refused(early)
		early.err.code = "ratelimited"
		return c, &early
	}
	return c, nil
}

// run checks the rate limit and does the method's work.
func (c *call) run() answer {
	if wait := c.s.limiter.take(c.spec, c.key(), c.channelArg(), c.now); wait > 0 {
		return *c.refused(tooMany(wait))
	}
	for _, key := range sortedKeys(c.args) {
		if key != "token" && key != "team_id" && !slices.Contains(c.spec.args, key) {
			c.badManners("unknown_argument", "%s", key)
		}
	}
	a := c.spec.run(c)
	if a.err != nil {
		c.refused(a)
	}
	return a
}

// refused records a refusal.
func (c *call) refused(a answer) *answer {
	c.s.fault(Fault{Method: c.method, Workspace: c.team(), Channel: c.channelArg(), Code: a.err.code, Detail: a.err.detail})
	return &a
}

func tooMany(wait time.Duration) answer {
	sec := max(int((wait+time.Second-1)/time.Second), 1)
	a := refuse("ratelimited", "retry after %d s", sec)
	a.status = http.StatusTooManyRequests
	a.headers = map[string]string{"Retry-After": strconv.Itoa(sec)}
	return a
}

// read decodes the arguments and finds the token: in the Authorization header or, in forms, in the body.
func (c *call) read(r *http.Request, body []byte) *answer {
	query := r.URL.Query()
	if query.Has("token") {
		return new(refuse("not_authed", "token in the query"))
	}
	if r.Method != http.MethodPost && r.Method != http.MethodGet {
		return new(refuse("invalid_post_type", "%s", r.Method))
	}
	contentType := r.Header.Get("Content-Type")
	a, twice, err := decodeArgs(contentType, body)
	if err != nil {
		bad, _ := errors.AsType[*decodeError](err)
		return new(refuse(bad.code, "%s", bad.detail))
	}
	c.args = a
	c.basicID, c.basicSecret, _ = r.BasicAuth()
	for key, vs := range query {
		if _, ok := a[key]; !ok && len(vs) > 0 {
			a[key] = vs[0]
		}
	}
	for _, key := range twice {
		c.badManners("repeated_argument", "%s", key)
	}
	secret, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	inJSON := strings.HasPrefix(contentType, "application/json")
	switch {
	case ok:
	case inJSON && a.has("token"):
		return new(refuse("not_authed", "token in a JSON body"))
	default:
		secret = a.str("token")
	}
	c.tok = c.s.tokens[secret].in(c.s.homeOfCall(c.args))
	if c.spec.kind != kindNone && secret == "" {
		return new(refuse("not_authed", "no token"))
	}
	return nil
}

func (c *call) authorise() *answer {
	if c.spec.kind == kindNone {
		return nil
	}
	if code := c.tok.check(c.spec.kind, c.now); code != "" {
		return new(refuse(code, "%s", c.tok.name()))
	}
	if c.tok.missing(c.spec.scopes) {
		return new(c.missingScope(c.spec.scopes...))
	}
	return nil
}

func (t *token) name() string {
	if t == nil {
		return "unknown token"
	}
	return mask(t.secret)
}

func (c *call) missingScope(need ...string) answer {
	a := refuse("missing_scope", "needs %s", strings.Join(need, ","))
	a.err.fields = map[string]any{"needed": strings.Join(need, ","), "provided": strings.Join(c.tok.scopes, ",")}
	return a
}

// setHeaders puts Slack's scope headers on an answer.
func (c *call) setHeaders(h http.Header) {
	if c.tok != nil && len(c.tok.scopes) > 0 {
		h.Set("X-OAuth-Scopes", strings.Join(c.tok.scopes, ","))
		h.Set("X-Accepted-OAuth-Scopes", strings.Join(c.spec.scopes, ","))
	}
}

func (c *call) team() string {
	if c.tok == nil || c.tok.home == nil {
		return ""
	}
	return c.tok.home.ID
}

func (c *call) key() string { return c.method + " " + c.team() }

func (c *call) channelArg() string {
	if ch := c.args.str("channel"); ch != "" {
		return ch
	}
	return c.args.str("channel_id")
}
