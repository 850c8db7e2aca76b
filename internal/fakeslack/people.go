package fakeslack

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Result is what became of something a person did: how the app acknowledged it.
type Result struct {
	Attempt

	TriggerID   string
	ResponseURL string
	Errors      map[string]string // by block_id, of a refused submission
}

// act delivers one interaction, command or query of a person and waits for the acknowledgement. A late or refused one
// is what the person sees as an error, and a fault.
func (s *Server) act(o outgoing) Result {
	a := s.send(s.life, o)
	if !a.Acked {
		s.mu.Lock()
		s.fault(Fault{Method: "delivery", Code: "not_acknowledged", Detail: fmt.Sprintf("%s %s: %s, status %d", o.kind, o.name, a.Reason, a.Status)})
		s.mu.Unlock()
	}
	trigger, _ := o.payload["trigger_id"].(string)
	respond, _ := o.payload["response_url"].(string)
	return Result{Attempt: a, TriggerID: trigger, ResponseURL: respond}
}

// interaction is the part all interactive payloads share. The caller holds mu.
func (s *Server) interaction(kind string, u *user, in *view) map[string]any {
	var enterprise any
	if u.home.org != "" {
		enterprise = map[string]any{"id": u.home.org, "name": u.home.Name}
	}
	return map[string]any{
		"type": kind, "api_app_id": appID, "token": "fake", "enterprise": enterprise, "is_enterprise_install": u.home.org != "",
		"team":       map[string]any{"id": u.home.ID, "domain": u.home.Name},
		"user":       map[string]any{"id": u.id, "username": u.name, "name": u.name, "team_id": u.team},
		"trigger_id": s.newTrigger(u.home, u.id, in),
	}
}

// at adds where a message-bound interaction happened. The caller holds mu.
func (s *Server) at(payload map[string]any, u *user, ch *channel, m *message) {
	payload["channel"] = map[string]any{"id": ch.id, "name": ch.name}
	payload["message"] = m.wire(ch, false)
	payload["response_url"] = s.newResponseURL(u.home, ch.id, u.id, m.TS)
	payload["container"] = map[string]any{
		"type": "message", "message_ts": m.TS, "channel_id": ch.id, "is_ephemeral": m.Ephemeral != "",
	}
}

// person finds a user. The caller holds mu.
func (s *Server) person(userID string) (*user, error) {
	u := s.users[userID]
	if u == nil || u.bot {
		return nil, fmt.Errorf("no person %s", userID)
	}
	return u, nil
}

// where finds a message as a person sees it. The caller holds mu.
func (s *Server) where(userID, channelID, ts string) (*user, *channel, *message, error) {
	u, err := s.person(userID)
	if err != nil {
		return nil, nil, nil, err
	}
	ch := s.channels[channelID]
	if ch == nil {
		return nil, nil, nil, fmt.Errorf("no channel %s", channelID)
	}
	i := slices.IndexFunc(ch.messages, func(m *message) bool { return m.TS == ts && (m.Ephemeral == "" || m.Ephemeral == userID) })
	if i < 0 {
		return nil, nil, nil, fmt.Errorf("%s sees no message %s", userID, ts)
	}
	return u, ch, ch.messages[i], nil
}

// Slash types a command into a channel: "/ia post create hi". Names of people and channels in it are escaped as for
// should_escape. An answer in the acknowledgement is shown in the channel. The error says that nothing was typed.
func (s *Server) Slash(userID, channelID, line string) (Result, error) {
	s.mu.Lock()
	u, err := s.person(userID)
	ch := s.channels[channelID]
	if err != nil || ch == nil {
		s.mu.Unlock()
		return Result{}, fmt.Errorf("type %q: no such person or channel", line)
	}
	command, text, _ := strings.Cut(line, " ")
	o := outgoing{kind: "slash_commands", id: command, name: command, accepts: true, payload: map[string]any{
		"token": "fake", "team_id": u.home.ID, "team_domain": u.home.Name, "channel_id": ch.id, "channel_name": ch.name, "user_id": u.id,
		"user_name": u.name, "command": command, "text": s.escape(text), "api_app_id": appID, "is_enterprise_install": "false",
		"response_url": s.newResponseURL(u.home, ch.id, u.id, ""), "trigger_id": s.newTrigger(u.home, u.id, nil),
	}}
	if u.home.org != "" {
		o.payload["enterprise_id"], o.payload["is_enterprise_install"] = u.home.org, "true"
	}
	s.mu.Unlock()
	r := s.act(o)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.inlineAnswer(u, ch, r)
	return r, nil
}

// escape is what should_escape does: entities, then <@U…|name>, <!subteam^S…|@name> and <#C…|name>, word by word.
func (s *Server) escape(text string) string {
	text = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(text)
	words := strings.Split(text, " ")
	for i, word := range words {
		if name, ok := strings.CutPrefix(word, "@"); ok {
			for _, id := range sortedKeys(s.users) {
				if s.users[id].name == name {
					words[i] = "<@" + id + "|" + name + ">"
				}
			}
			for _, id := range sortedKeys(s.groups) {
				if g := s.groups[id]; g.handle == name && !g.disabled {
					words[i] = "<!subteam^" + id + "|@" + name + ">"
				}
			}
		}
		if name, ok := strings.CutPrefix(word, "#"); ok && name != "" {
			for _, id := range sortedKeys(s.channels) {
				if s.channels[id].name == name {
					words[i] = "<#" + id + "|" + name + ">"
				}
			}
		}
		if strings.HasPrefix(word, "https://") || strings.HasPrefix(word, "http://") {
			words[i] = "<" + word + ">"
		}
	}
	return strings.Join(words, " ")
}

// inlineAnswer shows what a command was acknowledged with. The caller holds mu.
func (s *Server) inlineAnswer(u *user, ch *channel, r Result) {
	body := strings.TrimSpace(string(r.Body))
	if !r.Acked || body == "" || body == "null" || body == "{}" {
		return
	}
	given, err := decodeObject([]byte(body))
	if err != nil {
		given = args{"text": body}
	}
	c := &call{s: s, method: "slash_ack", args: given, now: s.opt.Now(), tok: u.home.bot}
	m, no := c.compose(ch)
	if no != nil {
		c.refused(*no)
		return
	}
	if given.str("response_type") != "in_channel" {
		m.Ephemeral = u.id
	}
	s.store(ch, m)
}

// Shortcut runs a global shortcut.
func (s *Server) Shortcut(userID, callbackID string) (Result, error) {
	s.mu.Lock()
	u, err := s.person(userID)
	if err != nil {
		s.mu.Unlock()
		return Result{}, err
	}
	payload := s.interaction("shortcut", u, nil)
	payload["callback_id"], payload["action_ts"] = callbackID, s.ts()
	s.mu.Unlock()
	return s.act(outgoing{kind: "interactive", id: callbackID, name: "shortcut", payload: payload}), nil
}

// MessageShortcut runs a shortcut of a message's menu.
func (s *Server) MessageShortcut(userID, channelID, ts, callbackID string) (Result, error) {
	s.mu.Lock()
	u, ch, m, err := s.where(userID, channelID, ts)
	if err != nil {
		s.mu.Unlock()
		return Result{}, err
	}
	payload := s.interaction("message_action", u, nil)
	s.at(payload, u, ch, m)
	delete(payload, "container")
	payload["callback_id"], payload["action_ts"], payload["message_ts"] = callbackID, s.ts(), m.TS
	s.mu.Unlock()
	return s.act(outgoing{kind: "interactive", id: callbackID, name: "message_action", payload: payload}), nil
}

// OpenHome opens the app's home tab: app_home_opened, with the view as published before.
func (s *Server) OpenHome(userID string) (eventID string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	u, err := s.person(userID)
	if err != nil {
		return "", err
	}
	event := map[string]any{"type": "app_home_opened", "user": u.id, "channel": u.home.dm(u.id).id, "tab": "home"}
	if v := s.homeOf(u.id); v != nil {
		event["view"] = v.wire()
	}
	return u.home.emit(event), nil
}

// Choice is one completion an external select offers.
type Choice struct{ Text, Value string }

// parseOptions reads and checks what a block_suggestion was answered with.
func parseOptions(body []byte) ([]Choice, error) {
	var got struct {
		Options *[]any `json:"options"`
		Groups  *[]any `json:"option_groups"`
	}
	if err := json.Unmarshal(body, &got); err != nil || (got.Options == nil) == (got.Groups == nil) {
		return nil, fmt.Errorf("answer is neither options nor option_groups: %s", cut(string(body), 200))
	}
	raw, err := parseJSON(body)
	if err != nil {
		return nil, err
	}
	w := newWalker(everywhere, "invalid_options")
	w.fields("", raw.(map[string]any), shape{"options": list(0, 100, object("option")), "option_groups": list(0, 100, object("option_group"))})
	if len(w.found) > 0 {
		return nil, fmt.Errorf("bad options: %s", w.found[0])
	}
	obj := args(maps.Clone(raw.(map[string]any)))
	items := obj.list("options")
	for _, g := range obj.list("option_groups") {
		items = append(items, args(g.(map[string]any)).list("options")...)
	}
	out := []Choice{}
	for _, o := range items {
		option := args(o.(map[string]any))
		out = append(out, Choice{option.object("text").str("text"), option.str("value")})
	}
	return out, nil
}
