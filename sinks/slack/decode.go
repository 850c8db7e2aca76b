package slack

import (
	"cmp"
	"encoding/json"
	"errors"
	"net/url"
)

// interaction is what Slack sends of a click, shortcut, form or query, narrow on
// purpose: the library's type fails on fields that nobody here reads.
type interaction struct {
	Type     string `json:"type"`
	Trigger  string `json:"trigger_id"`
	Respond  string `json:"response_url"`
	Callback string `json:"callback_id"`
	App      string `json:"api_app_id"`
	Team     struct {
		ID         string `json:"id"`
		Enterprise string `json:"enterprise_id"`
	} `json:"team"`
	Enterprise struct {
		ID string `json:"id"`
	} `json:"enterprise"`
	User struct {
		ID       string `json:"id"`
		Name     string `json:"name"`
		Username string `json:"username"`
		Team     string `json:"team_id"`
	} `json:"user"`
	Channel struct {
		ID string `json:"id"`
	} `json:"channel"`
	Container struct {
		Channel   string `json:"channel_id"`
		Message   string `json:"message_ts"`
		Thread    string `json:"thread_ts"`
		Ephemeral bool   `json:"is_ephemeral"`
	} `json:"container"`
	Message shown `json:"message"`
	View    view  `json:"view"`
	Actions []struct {
		Action  string `json:"action_id"`
		Block   string `json:"block_id"`
		Value   string `json:"value"`
		Option  option `json:"selected_option"`
		Channel string `json:"selected_conversation"`
	} `json:"actions"`
	// Of a query.
	Action string `json:"action_id"`
	Block  string `json:"block_id"`
	Value  string `json:"value"`
}

var kinds = map[string]matter{
	"block_actions": click, "shortcut": shortcut, "message_action": shortcut,
	"view_submission": submit, "view_closed": closing, "block_suggestion": query,
}

var errNotADelivery = errors.New("not a delivery of Slack")

// lenient reads JSON and forgives fields of another type than expected: they stay
// empty, the rest is read.
func lenient(raw []byte, into any) error {
	err := json.Unmarshal(raw, into)
	if _, odd := errors.AsType[*json.UnmarshalTypeError](err); odd && firstByte(raw) == '{' {
		return nil
	}
	return err
}

func firstByte(raw []byte) byte {
	for _, b := range raw {
		if b != ' ' && b != '\t' && b != '\r' && b != '\n' {
			return b
		}
	}
	return 0
}

// decodeInteraction reads a click, shortcut, form or query.
func decodeInteraction(raw []byte) (inbound, error) {
	var i interaction
	if lenient(raw, &i) != nil || i.Type == "" {
		return inbound{}, errNotADelivery
	}
	in := inbound{
		kind: kinds[i.Type], name: i.Type, app: i.App, trigger: i.Trigger, callback: i.Callback, message: i.Message, view: i.View,
		who: person{id: i.User.ID, name: cmp.Or(i.User.Username, i.User.Name), team: i.User.Team},
		at: scene{
			team: i.Team.ID, enterprise: cmp.Or(i.Enterprise.ID, i.Team.Enterprise), channel: cmp.Or(i.Channel.ID, i.Container.Channel), respond: i.Respond,
			thread: cmp.Or(i.Message.Thread, i.Container.Thread), ephemeral: i.Container.Ephemeral,
		},
	}
	in.message.TS = cmp.Or(i.Message.TS, i.Container.Message)
	if in.at.team == "" { // an organisation's own interaction names the person's team alone
		in.at.team = i.User.Team
	}
	switch {
	case in.kind == query:
		in.press = press{action: i.Action, block: i.Block, value: i.Value}
	case len(i.Actions) > 0:
		a := i.Actions[0]
		in.press = press{action: a.Action, block: a.Block, value: cmp.Or(a.Value, a.Option.Value, a.Channel)}
	}
	return in, nil
}

// decodeSlash reads a command, from a form or from the socket's JSON.
func decodeSlash(get func(string) string) inbound {
	return inbound{
		kind: slash, name: "slash_commands", app: get("api_app_id"), text: get("text"), trigger: get("trigger_id"),
		who: person{id: get("user_id"), name: get("user_name")},
		at:  scene{team: get("team_id"), enterprise: get("enterprise_id"), channel: get("channel_id"), respond: get("response_url"), thread: get("thread_ts")},
	}
}

// fromSocket reads the payload of an envelope.
func fromSocket(e envelope) (inbound, error) {
	switch e.Type {
	case "events_api":
		return fromEvent(e.Payload)
	case "interactive":
		return decodeInteraction(e.Payload)
	case "slash_commands":
		var fields map[string]json.RawMessage
		if lenient(e.Payload, &fields) != nil {
			return inbound{}, errNotADelivery
		}
		return decodeSlash(func(name string) string { return text(fields[name]) }), nil
	}
	return inbound{name: e.Type}, nil
}

func fromEvent(raw []byte) (inbound, error) {
	d, ok := decodeEvent(raw)
	if !ok {
		return inbound{}, errNotADelivery
	}
	in := inbound{kind: event, name: "events_api/" + cmp.Or(d.Event.Type, d.Type), app: d.AppID, event: d, at: scene{team: d.TeamID, enterprise: d.Enterprise}}
	if d.Type != "event_callback" {
		in.kind = unknown
	}
	return in, nil
}

// fromForm reads the body of a command or interaction over HTTP.
func fromForm(body []byte) (inbound, error) {
	form, err := url.ParseQuery(string(body))
	switch {
	case err != nil:
		return inbound{}, errNotADelivery
	case form.Has("payload"):
		return decodeInteraction([]byte(form.Get("payload")))
	case form.Get("ssl_check") == "1":
		return inbound{name: "ssl_check"}, nil
	case form.Get("command") != "":
		return decodeSlash(form.Get), nil
	}
	return inbound{}, errNotADelivery
}
