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

// healthz answers as long as the process can answer anything.
func (*Server) healthz(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	_, _ = io.WriteString(w, "ok\n")
}

// readyz says whether everything came up or is named as failing: only what is
// still starting holds readiness back, since what fails is retried by itself.
func (s *Server) readyz(w http.ResponseWriter, _ *http.Request) {
	all := s.o.Conditions()
	body := readiness{
		Ready:      !slices.ContainsFunc(all, func(c Condition) bool { return c.State == StateStarting }),
		Components: append([]Condition{}, all...),
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	if !body.Ready {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	_ = json.NewEncoder(w).Encode(body)
}
