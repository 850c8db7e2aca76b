package fakeslack

import (
	"encoding/json"
	"slices"
	"strings"
	"time"
)

// Metadata rides along with a message unseen. Numbers in its payload are json.Number.
type Metadata struct {
	EventType string         `json:"event_type"`
	Payload   map[string]any `json:"event_payload"`
}

// Message is one message as people see it now.
type Message struct {
	Channel   string
	TS        string
	ThreadTS  string // of the thread's first message, in the replies alone; empty in the first message itself
	Broadcast bool   // a reply that is shown in the channel too
	User      string
	BotID     string // empty for people
	Text      string // fallback where there are blocks
	Parse     string // in force: "none" unless asked otherwise, "client" after an update that did not say
	Blocks    json.RawMessage
	Metadata  *Metadata
	Edited    bool   // shown as "(edited)": changed without blocks
	Edits     int    // how often it was changed in any way
	Ephemeral string // the only person who sees it, empty for everybody
	Reactions []string
	Files     []string // titles
	Unfurls   map[string]any
	At        time.Time // when it was stored, by the server's clock
}

type message struct {
	Message
	blocks    []any
	at        time.Time
	reactions []string
	attached  []*hosted
}

// Messages lists what is visible in a channel, oldest first, thread replies and ephemeral messages included.
func (s *Server) Messages(channelID string) []Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	ch := s.channels[channelID]
	if ch == nil {
		return nil
	}
	out := make([]Message, 0, len(ch.messages))
	for _, m := range ch.messages {
		out = append(out, m.snapshot())
	}
	return out
}

// DeleteMessage removes a message as a moderator would. It reports whether there was one.
func (s *Server) DeleteMessage(channelID, ts string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	ch := s.channels[channelID]
	if ch == nil || ch.find(ts) == nil {
		return false
	}
	ch.drop(ts)
	s.touch()
	return true
}

func (m *message) snapshot() Message {
	out := m.Message
	out.Reactions = slices.Clone(m.reactions)
	out.At = m.at
	if len(m.blocks) > 0 {
		out.Blocks, _ = json.Marshal(m.blocks)
	}
	return out
}

// wire is the message as Slack's answers carry it. meta includes the metadata.
func (m *message) wire(ch *channel, meta bool) map[string]any {
	out := map[string]any{"type": "message", "user": m.User, "text": m.Text, "ts": m.TS, "team": ch.home.ID}
	if u := ch.home.s.users[m.User]; u != nil {
		out["team"] = u.team
	}
	if m.BotID != "" {
		out["bot_id"], out["app_id"] = m.BotID, appID
		out["bot_profile"] = map[string]any{"id": m.BotID, "app_id": appID, "name": "ImagineBridge", "team_id": ch.home.ID, "deleted": false}
	}
	if len(m.blocks) > 0 {
		out["blocks"] = clone(m.blocks)
	}
	if m.ThreadTS != "" {
		out["thread_ts"] = m.ThreadTS
		if root := ch.find(m.ThreadTS); root != nil {
			out["parent_user_id"] = root.User
		}
		if m.Broadcast {
			out["subtype"] = "thread_broadcast"
		}
	}
	if len(m.attached) > 0 {
		var files []any
		for _, f := range m.attached {
			files = append(files, f.wire(ch.home.s))
		}
		out["files"], out["upload"], out["display_as_bot"], out["subtype"] = files, false, false, "file_share"
	}
	if n := ch.replies(m.TS); n > 0 {
		out["thread_ts"], out["reply_count"] = m.TS, n
	}
	var reactions []any
	for _, name := range m.reactions { // only the app's own bot reacts here
		reactions = append(reactions, map[string]any{"name": name, "count": 1, "users": []any{ch.home.BotUser}})
	}
	if len(reactions) > 0 {
		out["reactions"] = reactions
	}
	if m.Edited {
		out["edited"] = map[string]any{"user": m.User, "ts": m.TS}
	}
	if meta && m.Metadata != nil {
		out["metadata"] = clone(m.Metadata)
	}
	return out
}

// clone copies a JSON value, so that answers never share memory with the state.
func clone[T any](v T) any {
	data, err := json.Marshal(v)
	if err != nil {
		return nil
	}
	out, err := parseJSON(data)
	if err != nil {
		return nil
	}
	return out
}

func (ch *channel) find(ts string) *message {
	for _, m := range ch.messages {
		if m.TS == ts && m.Ephemeral == "" {
			return m
		}
	}
	return nil
}

func (ch *channel) drop(ts string) {
	ch.messages = slices.DeleteFunc(ch.messages, func(m *message) bool { return m.TS == ts })
}

func (ch *channel) replies(ts string) int {
	n := 0
	for _, m := range ch.messages {
		if m.ThreadTS == ts {
			n++
		}
	}
	return n
}

// validTS says whether a string has the form of a message timestamp.
func validTS(ts string) bool {
	sec, micro, ok := strings.Cut(ts, ".")
	digits := func(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }
	return ok && digits(sec) && digits(micro) && len(micro) == 6
}
