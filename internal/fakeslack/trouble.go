package fakeslack

import (
	"net"
	"net/http"
	"strconv"
	"time"
)

// Kind is what goes wrong with a call.
type Kind int

// The kinds of trouble.
const (
	RateLimited     Kind = iota // 429 with RetryAfter as the header, none when empty; a readable one starts the pause
	SoftRateLimited             // 200 {"ok":false,"error":"ratelimited"} without a header
	Status                      // HTTP status Code (500 when 0) with a page of HTML
	Bare                        // 200 {"ok":false} without an error name
	Refused                     // 200 with the error name Error
	Slow                        // the method's own answer, after Delay
	Dripping                    // the method's own answer, one byte each Delay
	Hang                        // no answer until the client leaves
	Cut                         // the connection is closed without an answer
	Reset                       // the connection is reset without an answer
)

// Trouble describes calls that go wrong: those of Method (any when empty) in Workspace and Channel (any when empty);
// the first Skip of them pass, then each Every-th (each when 0) is hit, Times of them (all when 0).
type Trouble struct {
	Method, Workspace, Channel string
	Skip, Every, Times         int

	Kind       Kind
	Effect     bool // the method does its work before it goes wrong: the answer is lost, not the call
	RetryAfter string
	Code       int
	Error      string
	Delay      time.Duration
}

// Injection is a Trouble switched on.
type Injection struct {
	s    *Server
	t    Trouble
	seen int
	hits int
	off  bool
}

// Inject switches a Trouble on until its Times are used up or it is stopped. Of several that match, the first counts.
func (s *Server) Inject(t Trouble) *Injection {
	s.mu.Lock()
	defer s.mu.Unlock()
	in := &Injection{s: s, t: t}
	s.troubles = append(s.troubles, in)
	return in
}

// Hits is how many calls it has hit.
func (in *Injection) Hits() int {
	in.s.mu.Lock()
	defer in.s.mu.Unlock()
	return in.hits
}

// Stop switches it off.
func (in *Injection) Stop() {
	in.s.mu.Lock()
	defer in.s.mu.Unlock()
	in.off = true
}

// troubleFor picks the trouble of a call, nil for none. The caller holds mu.
func (s *Server) troubleFor(method, team, channel string) *Trouble {
	for _, in := range s.troubles {
		if in.match(method, team, channel) {
			in.hits++
			return &in.t
		}
	}
	return nil
}

func (in *Injection) match(method, team, channel string) bool {
	t := in.t
	if in.off || t.Method != "" && t.Method != method || t.Workspace != "" && t.Workspace != team ||
		t.Channel != "" && t.Channel != channel || t.Times > 0 && in.hits >= t.Times {
		return false
	}
	in.seen++
	n := in.seen - t.Skip
	return n > 0 && n%max(t.Every, 1) == 0
}

// pauseOf reads the pause a Retry-After asks for, fractions included although Slack sends none.
func (t *Trouble) pauseOf() (time.Duration, bool) {
	sec, err := strconv.ParseFloat(t.RetryAfter, 64)
	if err != nil || sec <= 0 || sec > 86400 {
		return 0, false
	}
	return time.Duration(sec * float64(time.Second)), true
}

// status is the HTTP status of the answer, 0 where none goes out.
func (t *Trouble) status(own answer) int {
	switch t.Kind {
	case RateLimited:
		return http.StatusTooManyRequests
	case Status:
		return max(t.Code, http.StatusInternalServerError)
	case SoftRateLimited, Bare, Refused:
		return http.StatusOK
	case Slow, Dripping:
		return own.code()
	case Hang, Cut, Reset:
	}
	return 0
}

// honest says whether the method's own answer goes out in the end.
func (t *Trouble) honest() bool { return t.Kind == Slow || t.Kind == Dripping }

// play answers in the method's place. own is the method's answer where it did its work.
func (s *Server) play(w http.ResponseWriter, r *http.Request, t *Trouble, own answer) {
	status := t.status(own)
	switch t.Kind {
	case RateLimited:
		if t.RetryAfter != "" {
			w.Header().Set("Retry-After", t.RetryAfter)
		}
		writeJSON(w, status, map[string]any{"ok": false, "error": "ratelimited"})
	case SoftRateLimited:
		writeJSON(w, status, map[string]any{"ok": false, "error": "ratelimited"})
	case Status:
		writePage(w, status)
	case Bare:
		writeJSON(w, status, map[string]any{"ok": false})
	case Refused:
		writeJSON(w, status, map[string]any{"ok": false, "error": t.Error})
	case Slow:
		if s.wait(r, t.Delay) {
			own.write(w)
		}
	case Dripping:
		s.drip(w, r, t.Delay, own)
	case Hang:
		s.wait(r, time.Hour)
	case Cut, Reset:
		hangUp(w, t.Kind == Reset)
	}
}

// wait sleeps unless the client leaves or the server closes first.
func (s *Server) wait(r *http.Request, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-r.Context().Done():
	case <-s.life.Done():
	}
	return false
}

func (s *Server) drip(w http.ResponseWriter, r *http.Request, each time.Duration, own answer) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	flush := http.NewResponseController(w)
	for _, b := range own.body() {
		if !s.wait(r, each) {
			return
		}
		_, _ = w.Write([]byte{b})
		_ = flush.Flush()
	}
}

func writePage(w http.ResponseWriter, status int) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write([]byte("<!DOCTYPE html><html><head><title>Server Error | Slack</title></head><body><h1>Server Error</h1></body></html>\n"))
}

func hangUp(w http.ResponseWriter, reset bool) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	if tcp, ok := conn.(*net.TCPConn); ok && reset {
		_ = tcp.SetLinger(0)
	}
	_ = conn.Close()
}
