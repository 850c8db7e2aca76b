package web

import "net/http"

// metrics shows what is counted elsewhere.
func (s *Server) metrics() http.Handler {
	if s.o.Metrics == nil {
		return http.NotFoundHandler()
	}
	return s.o.Metrics
}

// Viewers is how many browsers watch the console now.
func (s *Server) Viewers() int { return int(s.streams.Load()) }
