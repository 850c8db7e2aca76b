package sandbox

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// Auth says whether a call needs a bearer.
type Auth int

// The needs a route can have.
const (
	Bearer Auth = iota // 401 without a good one
	Public             // anonymous allowed; a bearer adds personal fields, a bad one is 401
	NoAuth             // the token and registration calls: a bearer is not looked at
)

// Body says what a call takes.
type Body int

// The kinds of bodies.
const (
	NoBody       Body = iota // ignored where one is sent
	JSON                     // required
	OptionalJSON             // read where one is sent
	Multipart                // a file and its fields
)

// Route is one row of the route table.
type Route struct {
	Method  string
	Pattern string // "/api/posts/{id}/like"
	Auth    Auth
	Body    Body
	Later   bool // not in the first public description of the API: 404 under the seed dialect
	Create  bool // doing it twice makes two: must not be repeated blindly
	handle  handler
}

// Class is the rate class of the route.
func (r Route) Class() Class { return classOf(r.Method, r.Pattern) }

// handler does one call under the world's lock.
type handler func(*call) (reply, error)

// reply is a status, 200 where zero, and a body for encoding/json.
type reply struct {
	status int
	body   any
	finish func(context.Context) // completes the body, after the world's lock is let go
}

func done(body any) (reply, error)     { return reply{status: http.StatusOK, body: body}, nil }
func created(body any) (reply, error)  { return reply{status: http.StatusCreated, body: body}, nil }
func accepted(body any) (reply, error) { return reply{status: http.StatusAccepted, body: body}, nil }

// success is the reply of calls that have nothing else to say.
type success struct {
	Success bool `json:"success"`
}

// Routes lists every call of the emulator, so that a test can compare a client
// with it.
func Routes() []Route { return slices.Concat(seedRoutes(), laterRoutes()) }

// find returns the route of a request. With no route, allow lists the methods
// the path has; empty means there is no such path. A literal segment beats a
// variable one.
func find(routes []Route, method, escaped string) (route *Route, vars map[string]string, allow []string) {
	segments, good := split(escaped)
	if !good {
		return nil, nil, nil
	}
	best := ""
	for i := range routes {
		r := &routes[i]
		if !matches(r.Pattern, segments) || (best != "" && rank(r.Pattern) > rank(best)) {
			continue
		}
		if best == "" || rank(r.Pattern) < rank(best) {
			best, allow, route = r.Pattern, nil, nil
		}
		allow = append(allow, r.Method)
		if r.Method == method {
			route = r
		}
	}
	if route == nil {
		return nil, nil, allow
	}
	return route, bind(route.Pattern, segments), nil
}

// split decodes each segment once, so an escaped slash stays inside its segment.
func split(escaped string) ([]string, bool) {
	segments := strings.Split(strings.TrimPrefix(escaped, "/"), "/")
	for i, s := range segments {
		plain, err := url.PathUnescape(s)
		if err != nil || plain == "" {
			return nil, false
		}
		segments[i] = plain
	}
	return segments, true
}

func isVar(segment string) bool { return strings.HasPrefix(segment, "{") }

func matches(pattern string, segments []string) bool {
	i := 0
	for p := range strings.SplitSeq(strings.TrimPrefix(pattern, "/"), "/") {
		if i >= len(segments) || (!isVar(p) && p != segments[i]) {
			return false
		}
		i++
	}
	return i == len(segments)
}

// rank is smaller the later and the rarer the variables of a pattern are.
func rank(pattern string) string {
	var b strings.Builder
	for p := range strings.SplitSeq(pattern, "/") {
		if isVar(p) {
			b.WriteByte('1')
		} else {
			b.WriteByte('0')
		}
	}
	return b.String()
}

func bind(pattern string, segments []string) map[string]string {
	vars := map[string]string{}
	for i, p := range strings.Split(strings.TrimPrefix(pattern, "/"), "/") {
		if isVar(p) {
			vars[strings.Trim(p, "{}")] = segments[i]
		}
	}
	return vars
}
