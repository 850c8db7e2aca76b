package fakeslack

import (
	"slices"
	"time"
)

// Emit delivers an event of a workspace to the app, with Slack's retries, and returns its event_id at once. inner is
// the event itself; unknown types go out as they are.
func (w *Workspace) Emit(inner map[string]any) string {
	w.s.mu.Lock()
	defer w.s.mu.Unlock()
	return w.emit(inner)
}

// emit is Emit for those who hold mu.
func (w *Workspace) emit(inner map[string]any) string {
	o := w.event(inner)
	w.s.start(func() { w.s.deliverEvent(o) })
	return o.id
}

// event wraps an event for its delivery. The caller holds mu.
func (w *Workspace) event(inner map[string]any) outgoing {
	s := w.s
	id := s.id("Ev")
	if inner["event_ts"] == nil {
		inner["event_ts"] = s.ts()
	}
	name, _ := inner["type"].(string)
	var enterprise any
	if w.org != "" {
		enterprise = w.org
	}
	return outgoing{kind: "events_api", id: id, name: name, payload: map[string]any{
		"token": "fake", "team_id": w.ID, "enterprise_id": enterprise, "context_team_id": w.ID, "api_app_id": appID, "type": "event_callback", "event_id": id,
		"event_time": s.opt.Now().Unix(), "event": inner, "is_ext_shared_channel": false, "event_context": "4-fake-" + id,
		"authorizations": []any{map[string]any{
			"enterprise_id": enterprise, "team_id": w.ID, "user_id": w.BotUser, "is_bot": true, "is_enterprise_install": w.org != "",
		}},
	}}
}

// start runs a delivery beside the caller, until Close. The caller holds mu.
func (s *Server) start(run func()) {
	if !s.closed {
		s.wg.Go(run)
	}
}

// deliverEvent tries an event, and again at Slack's times.
func (s *Server) deliverEvent(o outgoing) {
	s.mu.Lock()
	waits := s.opt.Deliver.Retries
	s.mu.Unlock()
	if waits == nil {
		waits = []time.Duration{0, time.Minute, 5 * time.Minute}
	}
	for {
		a := s.send(s.life, o)
		if a.Acked || a.Reason == "no_retry" || o.retry >= len(waits) {
			return
		}
		timer := time.NewTimer(waits[o.retry])
		select {
		case <-timer.C:
		case <-s.life.Done():
			timer.Stop()
			return
		}
		o.retry++
		o.reason = a.Reason
	}
}

// Redeliver sends an event the app has had already once more, as a retry, without waiting for anything.
func (w *Workspace) Redeliver(inner map[string]any, eventID string) {
	w.s.mu.Lock()
	defer w.s.mu.Unlock()
	o := w.event(inner)
	o.id, o.payload["event_id"] = eventID, eventID
	o.retry, o.reason = 1, "http_timeout"
	w.s.start(func() { w.s.send(w.s.life, o) })
}

// echo tells the app about a message in a channel it is in, its own included, as far as its scopes go. The caller
// holds mu.
func (s *Server) echo(ch *channel, m *message) {
	if !s.doors() || m.Ephemeral != "" || !ch.has(ch.home.BotUser) {
		return
	}
	scopes := ch.home.bot.scopes
	if slices.Contains(scopes, ch.scopeOf("history")) {
		event := m.wire(ch, false)
		event["channel"], event["event_ts"] = ch.id, m.TS
		event["channel_type"] = map[channelKind]string{public: "channel", private: "group", direct: "im"}[ch.kind]
		ch.home.emit(event)
	}
	if m.Metadata != nil && m.BotID != "" && slices.Contains(scopes, "metadata.message:read") {
		ch.home.emit(map[string]any{
			"type": "message_metadata_posted", "app_id": appID, "bot_id": m.BotID, "user_id": m.User, "team_id": ch.home.ID,
			"channel_id": ch.id, "metadata": clone(m.Metadata), "message_ts": m.TS, "event_ts": m.TS,
		})
	}
}
