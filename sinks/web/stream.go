package web

import (
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/imaginebridge/imaginebridge/internal/language"
)

const (
	maxStreams   = 64               // browsers at one time
	heartbeat    = 15 * time.Second // a comment, so that proxies keep the line open
	gather       = 100 * time.Millisecond
	writeTimeout = 10 * time.Second // a browser that takes longer to read is let go
	retryIn      = 2000             // milliseconds until a browser comes back
)

// card is one message of the channel with its thread, for the browser to put in
// its place.
type card struct {
	N       int    `json:"n"`
	Discord string `json:"discord"`
	Slack   string `json:"slack"`
	Say     string `json:"say"` // for those who listen
}

// stream sends what changes, as server-sent events (HTML Living Standard §9.2).
// Last-Event-ID, or "after" on the first request, says what is known.
func (s *Server) stream(w http.ResponseWriter, r *http.Request) {
	line, leave := s.beginStream(w, r)
	if line == nil {
		return
	}
	defer leave()
	position := r.Header.Get("Last-Event-ID")
	if position == "" {
		position = r.URL.Query().Get("after")
	}
	fmt.Fprintf(line, "retry: %d\n\n", retryIn)
	seq, known := s.room.parse(position)
	if !known {
		line.event("reset", s.room.position(0), s.edition) // another process: what the page shows is not ours
	}
	s.follow(r, line, seq)
}

// beginStream answers a browser that wants to hear of changes. The line is nil
// where there is nothing more to say; else leave is called at its end.
func (s *Server) beginStream(w http.ResponseWriter, r *http.Request) (to *line, leave func()) {
	h := w.Header()
	if s.streams.Add(1) > maxStreams {
		s.streams.Add(-1)
		h.Set("Retry-After", "10")
		http.Error(w, "Too many pages watch already.", http.StatusServiceUnavailable)
		return nil, nil
	}
	leave = func() { s.streams.Add(-1) }
	h.Set("Content-Type", "text/event-stream; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no") // nginx passes it on at once
	if r.Method == http.MethodHead {
		leave()
		return nil, nil
	}
	to = &line{w: w, control: http.NewResponseController(w)}
	_ = to.control.SetReadDeadline(time.Time{}) // or the server would hang up on a request that reads nothing more
	return to, leave
}

// follow writes changes after seq until the browser leaves, reads too slowly, or
// the server ends.
func (s *Server) follow(r *http.Request, line *line, seq uint64) {
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	pause := time.NewTimer(0)
	defer pause.Stop()
	for stateAt := uint64(0); s.admitted(r); {
		now := s.room.since(seq, stateAt)
		if err := s.send(line, reader(r), now); err != nil {
			s.log.Debug("a browser left", "err", err)
			return
		}
		seq, stateAt = now.seq, now.stateAt
		for waiting := true; waiting; {
			select {
			case <-r.Context().Done():
				return
			case <-s.done:
				return
			case <-beat.C:
				if !s.admitted(r) {
					return
				}
				fmt.Fprint(line, ": still here\n\n")
				if line.flush() != nil {
					return
				}
			case <-now.next:
				waiting = false
			}
		}
		pause.Reset(gather) // what comes close together shares a write
		select {
		case <-r.Context().Done():
			return
		case <-s.done:
			return
		case <-pause.C:
		}
	}
}

// send writes what changed.
func (s *Server) send(line *line, in language.Speaker, g glance) error {
	for _, t := range g.roots {
		c, err := s.card(in, t)
		if err != nil {
			s.log.Warn("message not drawn", "event", t.head.msg.Event, "err", err)
			continue
		}
		line.event("card", s.room.position(t.changed), c)
	}
	if g.state != nil {
		line.event("state", "", g.state[in.Tag()])
	}
	return line.flush()
}

// line is the way to one browser. The first error stays.
type line struct {
	w       http.ResponseWriter
	control *http.ResponseController
	err     error
}

// Write implements io.Writer with a deadline.
func (l *line) Write(p []byte) (int, error) {
	if l.err != nil {
		return 0, l.err
	}
	_ = l.control.SetWriteDeadline(time.Now().Add(writeTimeout)) // writers without deadlines are tests'
	n, err := l.w.Write(p)
	l.err = err
	return n, err
}

// event writes one event. JSON holds no line end, so one data line is enough.
func (l *line) event(name, id string, data any) {
	body, err := json.Marshal(data)
	if err != nil {
		l.err = err
		return
	}
	if id != "" {
		id = "id: " + id + "\n"
	}
	fmt.Fprintf(l, "event: %s\n%sdata: %s\n\n", name, id, body)
}

func (l *line) flush() error {
	if l.err == nil {
		l.err = l.control.Flush()
	}
	return l.err
}
