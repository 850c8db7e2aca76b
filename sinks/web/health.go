package web

import (
	"encoding/json"
	"io"
	"net/http"
	"slices"
)

// readiness is the body of /readyz.
type readiness struct {
	Ready      bool        `json:"ready"`
	Components []Condition `json:"components"`
}

// isReady reports whether everything came up or is named as failing: only what
// is still starting holds readiness back, since what fails is tried on by itself.
func isReady(all []Condition) bool {
	return !slices.ContainsFunc(all, func(c Condition) bool { return c.State == StateStarting })
}

// healthz answers as long as the process can answer anything.
func (*Server) healthz(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	_, _ = io.WriteString(w, "ok\n")
}

// readyz says how every component goes, with 503 while one is still starting.
func (s *Server) readyz(w http.ResponseWriter, _ *http.Request) {
	body := readiness{Components: append([]Condition{}, s.o.Conditions()...)}
	body.Ready = isReady(body.Components)
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	if !body.Ready {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	_ = json.NewEncoder(w).Encode(body)
}
