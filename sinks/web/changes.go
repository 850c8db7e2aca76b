package web

import (
	"fmt"
	"net/http"
	"time"
)

// redraw is how often a page that somebody looks at is drawn anew.
const redraw = 2 * time.Second

// changes sends a page's body whenever it reads otherwise than before, as
// server-sent events, until the browser leaves, its session ends, or the server
// does.
func (s *Server) changes(w http.ResponseWriter, r *http.Request) {
	p, ok := sheetOf(r.URL.Query().Get("page"))
	v := visitOf(p.path(), r)
	if !ok || !p.live(v) {
		http.NotFound(w, r)
		return
	}
	line, leave := s.beginStream(w, r)
	if line == nil {
		return
	}
	defer leave()
	fmt.Fprintf(line, "retry: %d\n\n", retryIn)
	line.event("edition", "", s.edition)
	next := time.NewTicker(redraw)
	defer next.Stop()
	beat := time.Now()
	for before := ""; ; {
		data, err := p.view(s, r.Context(), v)
		if err == nil {
			var now string
			if now, err = draw(s.pages[v.In.Tag()], p.name+"-body", data); err == nil && now != before {
				line.event("body", "", now)
				before, beat = now, time.Now()
			}
		}
		if err != nil && r.Context().Err() == nil {
			s.log.Debug("page not drawn anew", "page", p.name, "err", err)
		}
		if time.Since(beat) >= heartbeat {
			fmt.Fprint(line, ": still here\n\n")
			beat = time.Now()
		}
		if line.flush() != nil {
			return
		}
		select {
		case <-r.Context().Done():
			return
		case <-s.done:
			return
		case <-next.C:
			if !s.admitted(r) {
				return
			}
		}
	}
}
