package web

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"
)

// readiness is the body of /readyz.
type readiness struct {
	Ready      bool        `json:"ready"`
	Components []Condition `json:"components"`
}

// liveness is the body of /healthz for programs.
type liveness struct {
	Status  string `json:"status"`
	Version string `json:"version"`
	Seconds int64  `json:"up_seconds"`
}

// isReady reports whether everything came up or is named as failing: only what
// is still starting holds readiness back, since what fails is tried on by itself.
func isReady(all []Condition) bool {
	return !slices.ContainsFunc(all, func(c Condition) bool { return c.State == StateStarting })
}

// accepts reports that whoever asks names a type of content among those it wants.
func accepts(r *http.Request, kind string) bool {
	return slices.ContainsFunc(r.Header.Values("Accept"), func(all string) bool {
		for one := range strings.SplitSeq(all, ",") {
			name, _, _ := strings.Cut(one, ";")
			if strings.HasPrefix(strings.ToLower(strings.TrimSpace(name)), kind) {
				return true
			}
		}
		return false
	})
}

// head begins an answer that nobody keeps.
func head(w http.ResponseWriter, kind string, status int) {
	w.Header().Set("Content-Type", kind+"; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Add("Vary", "Accept")
	w.WriteHeader(status)
}

// healthz answers as long as the process can answer anything: with a word, or with
// a little more where JSON is asked for.
func (s *Server) healthz(w http.ResponseWriter, r *http.Request) {
	if !accepts(r, "application/json") {
		head(w, "text/plain", http.StatusOK)
		_, _ = io.WriteString(w, "ok\n")
		return
	}
	head(w, "application/json", http.StatusOK)
	_ = json.NewEncoder(w).Encode(liveness{Status: "ok", Version: s.o.Version, Seconds: int64(time.Since(s.began).Seconds())})
}

// readyz says how every component goes, with 503 while one is still starting: as
// JSON, or as lines for people whose browser asks for text.
func (s *Server) readyz(w http.ResponseWriter, r *http.Request) {
	body := readiness{Components: append([]Condition{}, s.o.Conditions()...)}
	body.Ready = isReady(body.Components)
	status := http.StatusOK
	if !body.Ready {
		status = http.StatusServiceUnavailable
	}
	if accepts(r, "text/") && !accepts(r, "application/json") {
		head(w, "text/plain", status)
		_, _ = io.WriteString(w, body.lines())
		return
	}
	head(w, "application/json", status)
	_ = json.NewEncoder(w).Encode(body)
}

// lines are a readiness for people: one line a component.
func (b readiness) lines() string {
	var out strings.Builder
	if b.Ready {
		out.WriteString("ready\n")
	} else {
		out.WriteString("not ready\n")
	}
	for _, c := range b.Components {
		name := oneLine(c.Component, maxName)
		if c.Agent != "" {
			name += " @" + oneLine(c.Agent, maxName)
		}
		fmt.Fprintf(&out, "%s: %s", name, oneLine(c.State, maxName))
		for _, more := range []string{c.Reason, c.Next} {
			if more != "" {
				out.WriteString(" " + oneLine(more, maxQuote))
			}
		}
		out.WriteString("\n")
	}
	return out.String()
}
