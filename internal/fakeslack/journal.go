package fakeslack

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// Request is one call of a Web API method as the server read it, with what it answered.
type Request struct {
	At        time.Time
	Method    string
	Workspace string         // team id, empty where the token told none
	Args      map[string]any // decoded; JSON in form fields is decoded too, tokens are masked
	Status    int            // HTTP status, 0 where the connection was cut
	Error     string         // Slack's error name, empty for ok
	Answer    map[string]any // nil where the answer was none of the method's own
	Injected  bool           // Inject took part in the answer
}

// Fault is something refused or ill-mannered: what a well-behaved client never causes.
type Fault struct {
	At        time.Time
	Method    string // or "upload", "socket", "oauth", "response_url", "delivery"
	Workspace string
	Channel   string
	Code      string // Slack's error name where the call was refused, else a name of ours
	Detail    string
	Served    bool // the call was answered all the same: bad manners only
}

// String is the fault in one line, for failure messages.
func (f Fault) String() string {
	how := "refused"
	if f.Served {
		how = "served"
	}
	parts := []string{f.Method, f.Code, how}
	if f.Channel != "" {
		parts = append(parts, f.Channel)
	}
	if f.Detail != "" {
		parts = append(parts, f.Detail)
	}
	return strings.Join(parts, " · ")
}

// Requests lists all calls so far of the named methods, of every method when none is named, oldest first.
func (s *Server) Requests(methods ...string) []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []Request
	for _, r := range s.requests {
		if len(methods) == 0 || slices.Contains(methods, r.Method) {
			r.Args, r.Answer = maps.Clone(r.Args), maps.Clone(r.Answer)
			out = append(out, r)
		}
	}
	return out
}

// Faults lists everything refused or ill-mannered so far, oldest first, leaving out the named codes. What Inject did is
// not in it, a call during the pause it asked for is.
func (s *Server) Faults(except ...string) []Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []Fault
	for _, f := range s.faults {
		if !slices.Contains(except, f.Code) {
			out = append(out, f)
		}
	}
	return out
}

// Codes lists the codes of Faults, for short comparisons.
func (s *Server) Codes() []string {
	var out []string
	for _, f := range s.Faults() {
		out = append(out, f.Code)
	}
	return out
}

// fault records one. The caller holds mu.
func (s *Server) fault(f Fault) {
	f.At = s.opt.Now()
	s.faults = append(s.faults, f)
	s.touch()
}

// badManners records a fault of a call that is served all the same. The caller holds mu.
func (c *call) badManners(code, format string, args ...any) {
	c.s.fault(Fault{
		Method: c.method, Workspace: c.team(), Channel: c.channelArg(), Code: code,
		Detail: fmt.Sprintf(format, args...), Served: true,
	})
}
