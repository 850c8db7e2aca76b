package fakediscord

import (
	"fmt"
	"maps"
	"slices"
	"time"
)

// Request is one REST request as it arrived, in order of arrival.
type Request struct {
	Seq     int       // 1 for the first
	Time    time.Time // arrival, by the emulator's clock
	Done    time.Time // when the answer was decided; zero while it is open
	Method  string
	Path    string // without /api/v10, interaction tokens replaced by "***"
	Query   string
	Route   string // "POST /channels/{channel_id}/messages"; empty for an unknown one
	Channel string // the path's channel, if it has one
	Body    []byte // JSON, of a multipart request its payload_json
	Files   []string
	Status  int    // 0 while it is open or when the connection was cut
	Code    int    // Discord's error code, if any
	Effect  string // what an injected rule did to it, if one did
}

// Violation is a rule that a caller broke.
type Violation struct {
	Time    time.Time
	Rule    string // short and stable, such as "allowed_mentions" or "early"
	Request int    // Request.Seq, 0 for the gateway
	Detail  string
}

// String reads as one line of a test's failure.
func (v Violation) String() string {
	return fmt.Sprintf("%s: %s (request %d)", v.Rule, v.Detail, v.Request)
}

// Stats are counters since the start.
type Stats struct {
	Requests          int
	Status            map[int]int // answers by status
	Exhausted         int         // requests into a bucket that had nothing left
	Early             int         // requests before the Retry-After of a 429 had passed
	Invalid           int         // answers 401, 403, 429 but for scope shared, in the last 10 min
	UnknownProperties int
	Deduplicated      int // creates answered with an earlier message of the same nonce
	Connections       int // gateway sockets
	Identifies        int
	Resumes           int   // accepted ones
	Closes            []int // close codes clients sent, in order; 1006 for a cut
}

// journal keeps what happened. Its owner holds the server's lock.
type journal struct {
	now      func() time.Time
	requests []*Request
	faults   []Violation
	stats    Stats
}

func (j *journal) open(r Request) *Request {
	r.Seq = len(j.requests) + 1
	r.Time = j.now()
	j.requests = append(j.requests, &r)
	j.stats.Requests++
	return &r
}

func (j *journal) done(r *Request, status, code int) {
	r.Done, r.Status, r.Code = j.now(), status, code
	if j.stats.Status == nil {
		j.stats.Status = map[int]int{}
	}
	j.stats.Status[status]++
}

func (j *journal) fault(at time.Time, rule string, request int, detail string) {
	j.faults = append(j.faults, Violation{Time: at, Rule: rule, Request: request, Detail: detail})
}

// Requests gives every request so far, in order of arrival.
func (s *Server) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]Request, len(s.log.requests))
	for i, r := range s.log.requests {
		out[i] = *r
	}
	return out
}

// Faults gives the rules broken so far. A test of a well-behaved client
// expects none.
func (s *Server) Faults() []Violation {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.log.faults)
}

// Stats gives the counters.
func (s *Server) Stats() Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := s.log.stats
	out.Status = maps.Clone(out.Status)
	out.Closes = slices.Clone(out.Closes)
	out.Invalid = s.limits.invalidNow(s.now())
	return out
}
