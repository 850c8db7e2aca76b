package fakeslack

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"strings"
)

// VerifyURL does what Slack does when somebody enters the events URL: it sends a challenge and wants it back, as text or
// as JSON. The error says what came instead.
func (s *Server) VerifyURL() error {
	challenge := rand.Text()
	a := s.send(s.life, outgoing{kind: "events_api", name: "url_verification", accepts: true, payload: map[string]any{
		"type": "url_verification", "token": "fake", "challenge": challenge,
	}})
	var got struct {
		Challenge string `json:"challenge"`
	}
	_ = json.Unmarshal(a.Body, &got)
	if !a.Acked || strings.TrimSpace(string(a.Body)) != challenge && got.Challenge != challenge {
		return fmt.Errorf("challenge not returned: status %d, %s, %q", a.Status, a.Reason, cut(string(a.Body), 100))
	}
	return nil
}

// CheckTLS sends the ssl_check that Slack sends to command URLs now and then; an empty 200 is wanted.
func (s *Server) CheckTLS() error {
	a := s.send(s.life, outgoing{kind: "slash_commands", name: "ssl_check", payload: map[string]any{"ssl_check": "1", "token": "fake"}})
	if !a.Acked || len(a.Body) > 0 {
		return fmt.Errorf("ssl_check wants an empty 200: status %d, %q", a.Status, cut(string(a.Body), 100))
	}
	return nil
}

// LimitEvents tells the app that it got too many events (app_rate_limited, an outer type without an event).
func (w *Workspace) LimitEvents() {
	w.s.mu.Lock()
	defer w.s.mu.Unlock()
	o := outgoing{kind: "events_api", id: w.s.id("Ev"), name: "app_rate_limited", payload: map[string]any{
		"type": "app_rate_limited", "token": "fake", "team_id": w.ID, "api_app_id": appID, "minute_rate_limited": w.s.opt.Now().Unix() / 60 * 60,
	}}
	w.s.start(func() { w.s.deliverEvent(o) })
}
