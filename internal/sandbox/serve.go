package sandbox

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"mime"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// maxJSON is the largest JSON body.
const maxJSON = 1 << 20

// exchange is one request on its way through: what the journal records, what a
// fault may look at and change.
type exchange struct {
	req   *http.Request
	route *Route // nil: no such call
	allow []string
	class Class
	at    time.Time
	addr  string
	who   identity
	raw   []byte   // JSON body as it came
	early *refusal // what is wrong with the body, told after auth and rate
	in    *input
	flags []flag // violations found on the way

	status int
	header http.Header
	body   []byte
	lost   bool // the client never gets this reply whole
	send   func(http.ResponseWriter)

	strikes []*strike // the faults that meet it
}

// flag is one violation in the making.
type flag struct{ rule, detail string }

func (x *exchange) flag(rule, detail string) { x.flags = append(x.flags, flag{rule, detail}) }

// call is what a handler gets: the world, locked, and the request.
type call struct {
	*world

	x  *exchange
	me *agent // nil when anonymous
	in *input
}

// ServeHTTP answers one request.
func (s *Sandbox) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch path := r.URL.Path; {
	case strings.HasPrefix(path, mediaPrefix):
		s.serveMedia(w, r)
		return
	case strings.HasPrefix(path, controlPrefix):
		s.serveControl(w, r)
		return
	}
	x := s.receive(r)
	s.journal.arrive(x, s.clock.changes())
	defer s.journal.leave(x)
	if !s.way.before(x) {
		s.answer(r.Context(), x)
		s.way.after(x)
	}
	s.journal.record(x, s.clock.changes())
	x.write(w)
}

// receive finds route, body and caller; nothing is decided yet.
func (s *Sandbox) receive(r *http.Request) *exchange {
	path := r.URL.EscapedPath()
	x := &exchange{
		req: r, class: classOf(r.Method, r.URL.Path), at: s.clock.Now(), addr: address(r), header: http.Header{},
		in: &input{query: r.URL.Query(), known: map[string]bool{}},
	}
	x.route, x.in.vars, x.allow = find(s.routes, r.Method, path)
	if x.route != nil && (x.route.Body == JSON || x.route.Body == OptionalJSON) {
		x.readJSON()
	}
	w := s.enter()
	defer s.leave()
	if x.route != nil && x.route.Later && s.opt.Dialect == DialectSeed {
		x.route, x.allow = nil, nil
	}
	x.who = w.identify(x)
	if x.who.bearer && !s.isOurs(r) {
		x.flag(RuleForeignHost, r.Host)
	}
	x.in.page = func(list string) (pageRequest, *refusal) { return x.page(list) }
	return x
}

func address(r *http.Request) string {
	if host, _, err := net.SplitHostPort(r.RemoteAddr); err == nil {
		return host
	}
	return r.RemoteAddr
}

// isOurs says whether a request was sent to this emulator's host; the names of
// loopback are one. Behind a socket nobody knows while no base URL is set.
func (s *Sandbox) isOurs(r *http.Request) bool {
	if s.opt.BaseURL == DefaultBaseURL && r.RemoteAddr != noSocket {
		return true
	}
	_, own, _ := strings.Cut(s.opt.BaseURL, "://")
	loop := strings.NewReplacer("localhost", "127.0.0.1", "[::1]", "127.0.0.1")
	return strings.EqualFold(loop.Replace(r.Host), loop.Replace(own))
}

// readJSON reads the body; what is wrong with it is told later.
func (x *exchange) readJSON() {
	raw, err := io.ReadAll(io.LimitReader(x.req.Body, maxJSON+1))
	if err != nil {
		x.early = invalid("the body could not be read")
		return
	}
	if len(raw) > maxJSON {
		_, _ = io.CopyN(io.Discard, x.req.Body, drained)
		x.early = refuse(http.StatusRequestEntityTooLarge, "file_too_large", "the body is larger than %d bytes", maxJSON)
		return
	}
	x.raw = raw
	if len(bytes.TrimSpace(raw)) == 0 {
		if x.route.Body == JSON {
			x.early = invalid("a JSON body is required")
		}
		return
	}
	if kind, _, err := mime.ParseMediaType(x.req.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		x.early = invalid("Content-Type must be application/json")
		return
	}
	x.in.body, x.early = parseObject(raw)
}

// page is the request for one page of a list.
func (x *exchange) page(list string) (pageRequest, *refusal) {
	p := pageRequest{limit: x.in.limit(maxPage), list: list}
	owner := ""
	if x.route.Auth == Bearer && x.who.agent != nil {
		owner = x.who.agent.id
	}
	p.scope = cursorScope(owner, x.req.URL.Path, x.req.URL.Query())
	if c := x.in.param("cursor"); c != "" {
		m, good := decodeCursor(c, list, p.scope)
		if !good {
			return p, refuse(http.StatusBadRequest, "invalid_cursor", "This cursor does not belong to this list")
		}
		p.after = &m
	}
	return p, nil
}

// answer lets the call happen.
func (s *Sandbox) answer(ctx context.Context, x *exchange) {
	if r := s.admit(x); r != nil {
		x.refuse(r)
		return
	}
	if x.route.Body == Multipart {
		x.in.upload, x.early = readUpload(x.req, x.route.uploadSize())
	}
	if x.early != nil {
		x.refuse(x.early)
		return
	}
	rep, err := s.carryOut(x)
	x.note()
	if err != nil {
		x.refuse(asRefusal(err))
		return
	}
	if rep.finish != nil {
		rep.finish(ctx)
	}
	x.reply(rep)
}

// carryOut runs the handler under the lock.
func (s *Sandbox) carryOut(x *exchange) (reply, error) {
	w := s.enter()
	defer s.leave()
	return x.route.handle(&call{world: w, x: x, me: x.who.agent, in: x.in})
}

// admit settles path, method, bearer and rate; only then the body counts.
func (s *Sandbox) admit(x *exchange) *refusal {
	w := s.enter()
	defer s.leave()
	a := w.limiter.take(w.now, x.purse(s.opt.AuthBy))
	a.headers(x.header)
	switch {
	case a.refused:
		x.reply(reply{status: http.StatusTooManyRequests, body: a.body()})
		return refuse(http.StatusTooManyRequests, "", "")
	case x.route == nil && len(x.allow) > 0:
		x.header.Set("Allow", strings.Join(x.allow, ", "))
		return refuse(http.StatusMethodNotAllowed, "method_not_allowed", "%s is not allowed here", x.req.Method)
	case x.route == nil:
		return notFound("No such endpoint")
	case x.route.Auth != NoAuth && (x.who.bad || (x.route.Auth == Bearer && x.who.agent == nil)):
		x.header.Set("WWW-Authenticate", "Bearer")
		return unauthorized()
	}
	return nil
}

// purse is where the request is paid from: the agent, not the token; an address
// where there is no good bearer.
func (x *exchange) purse(by AuthBy) purse {
	owner := "addr:" + x.addr
	switch {
	case x.class == ClassAuth:
		if by != AuthByAddress && x.who.client != "" {
			owner = "client:" + x.who.client
		}
	case x.who.agent != nil:
		owner = "agent:" + x.who.agent.handle
	}
	return purse{owner, x.class}
}

// note turns what the handler's reading found into violations.
func (x *exchange) note() {
	for _, name := range x.in.unknown() {
		x.flag(RuleUnknownField, name)
	}
	for _, name := range x.in.over {
		x.flag(RuleTooLong, name)
	}
	for _, name := range x.in.at {
		x.flag(RuleHandleAt, name)
	}
	if n, err := strconv.Atoi(x.in.query.Get("limit")); err == nil && n > maxPage {
		x.flag(RuleLimit, strconv.Itoa(n))
	}
}

func asRefusal(err error) *refusal {
	if r, is := errors.AsType[*refusal](err); is {
		return r
	}
	return refuse(http.StatusInternalServerError, "internal_error", "%v", err)
}

// refuse makes an error reply; one that is ready already (429) stays.
func (x *exchange) refuse(r *refusal) {
	if x.status != 0 {
		return
	}
	p := problem{Error: r.code, Message: r.message}
	if x.route != nil && x.route.oauth() {
		p = problem{Error: r.code, Description: r.message}
		if r.code == "validation_error" {
			p.Error = "invalid_request"
		}
	}
	x.reply(reply{status: r.status, body: p})
}

func (x *exchange) reply(r reply) {
	x.status = r.status
	if x.status == 0 {
		x.status = http.StatusOK
	}
	x.body = encode(r.body)
	x.header.Set("Content-Type", "application/json; charset=utf-8")
}

// encode is compact JSON that leaves <, > and & as they are.
func encode(v any) []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return []byte(`{"error":"internal_error"}`)
	}
	return bytes.TrimRight(b.Bytes(), "\n")
}

// write sends the reply, in a fault's own way where it has one.
func (x *exchange) write(w http.ResponseWriter) {
	maps.Copy(w.Header(), x.header)
	if w.Header().Get("Date") == "" {
		w.Header().Set("Date", x.at.Format(http.TimeFormat))
	}
	if x.send != nil {
		x.send(w)
		return
	}
	if len(x.body) > 0 {
		w.Header().Set("Content-Length", strconv.Itoa(len(x.body)))
	}
	w.WriteHeader(x.status)
	_, _ = w.Write(x.body)
}
