package fakeslack

import (
	"fmt"
	"slices"
)

// Click presses the button, or picks the overflow entry, with this label on a message. The error says that there is
// none; a link button sends its action as any other.
func (s *Server) Click(userID, channelID, ts, label string) (Result, error) {
	return s.onMessage(userID, channelID, ts, func(a args) (map[string]any, bool) { return press(a, label) })
}

// Choose picks a value in the menu, radio group or checkboxes with this action_id on a message. Several values are for
// elements that take several. Where the element has options, each value must be one of them.
func (s *Server) Choose(userID, channelID, ts, actionID string, values ...string) (Result, error) {
	return s.onMessage(userID, channelID, ts, func(a args) (map[string]any, bool) { return choose(a, actionID, values) })
}

// Press is Click in the person's topmost form, or in the App Home where no form is open.
func (s *Server) Press(userID, label string) (Result, error) {
	return s.onView(userID, func(a args) (map[string]any, bool) { return press(a, label) })
}

// Pick is Choose in the person's topmost form, or in the App Home where no form is open.
func (s *Server) Pick(userID, actionID string, values ...string) (Result, error) {
	return s.onView(userID, func(a args) (map[string]any, bool) { return choose(a, actionID, values) })
}

// onMessage delivers block_actions for the first element that do takes.
func (s *Server) onMessage(userID, channelID, ts string, do func(args) (map[string]any, bool)) (Result, error) {
	s.mu.Lock()
	u, ch, m, err := s.where(userID, channelID, ts)
	if err != nil {
		s.mu.Unlock()
		return Result{}, err
	}
	action, err := s.find(m.blocks, do)
	if err != nil {
		s.mu.Unlock()
		return Result{}, err
	}
	payload := s.interaction("block_actions", u, nil)
	s.at(payload, u, ch, m)
	payload["state"] = map[string]any{"values": map[string]any{}}
	payload["actions"] = []any{action}
	s.mu.Unlock()
	return s.act(outgoing{kind: "interactive", id: fmt.Sprint(action["action_id"]), name: "block_actions", payload: payload}), nil
}

func (s *Server) onView(userID string, do func(args) (map[string]any, bool)) (Result, error) {
	s.mu.Lock()
	u, err := s.person(userID)
	if err != nil {
		s.mu.Unlock()
		return Result{}, err
	}
	v := s.top(userID)
	if v == nil {
		v = s.homeOf(userID)
	}
	if v == nil {
		s.mu.Unlock()
		return Result{}, fmt.Errorf("%s sees neither a form nor a home", userID)
	}
	blocks, _ := v.body["blocks"].([]any)
	action, err := s.find(blocks, do)
	if err != nil {
		s.mu.Unlock()
		return Result{}, err
	}
	payload := s.interaction("block_actions", u, v)
	payload["view"] = v.wire()
	payload["container"] = map[string]any{"type": "view", "view_id": v.id}
	payload["actions"] = []any{action}
	s.mu.Unlock()
	return s.act(outgoing{kind: "interactive", id: fmt.Sprint(action["action_id"]), name: "block_actions", payload: payload}), nil
}

// find walks the interactive elements. The caller holds mu.
func (s *Server) find(blocks []any, do func(args) (map[string]any, bool)) (map[string]any, error) {
	for _, b := range blocks {
		block := args(b.(map[string]any))
		elements := slices.Clone(block.list("elements"))
		elements = append(elements, map[string]any(block.object("accessory")), map[string]any(block.object("element")))
		for _, e := range elements {
			element, _ := e.(map[string]any)
			if action, ok := do(element); ok {
				action["block_id"], action["type"], action["action_ts"] = block.str("block_id"), element["type"], s.ts()
				action["action_id"] = args(element).str("action_id")
				return action, nil
			}
		}
	}
	return nil, fmt.Errorf("no such element among %d blocks", len(blocks))
}

func press(a args, label string) (map[string]any, bool) {
	switch a.str("type") {
	case "button":
		if a.object("text").str("text") == label {
			return map[string]any{"text": clone(a["text"]), "value": a.str("value")}, true
		}
	case "overflow":
		for _, o := range a.list("options") {
			if args(o.(map[string]any)).object("text").str("text") == label {
				return map[string]any{"selected_option": clone(o)}, true
			}
		}
	}
	return nil, false
}

func choose(a args, actionID string, values []string) (map[string]any, bool) {
	if a.str("action_id") != actionID || actionID == "" {
		return nil, false
	}
	value, err := chosen(a, values)
	return value, err == nil
}

// chosen is the part of an action or a form's state that tells what was picked or typed.
func chosen(a args, values []string) (map[string]any, error) {
	kind := a.str("type")
	key, many := stateKeys[kind], slices.Contains(manyValued, kind)
	switch {
	case key == "":
		return nil, fmt.Errorf("%s takes no value", kind)
	case !many && len(values) > 1:
		return nil, fmt.Errorf("%s takes one value", kind)
	}
	var picked []any
	for _, v := range values {
		one, err := pickable(a, v)
		if err != nil {
			return nil, err
		}
		picked = append(picked, one)
	}
	switch {
	case many:
		return map[string]any{key: append([]any{}, picked...)}, nil
	case len(picked) == 0:
		return map[string]any{key: nil}, nil
	}
	return map[string]any{key: picked[0]}, nil
}

// stateKeys is where an element's value stands in actions and state.
var stateKeys = map[string]string{
	"plain_text_input": "value", "email_text_input": "value", "url_text_input": "value", "number_input": "value",
	"static_select": "selected_option", "external_select": "selected_option", "radio_buttons": "selected_option",
	"multi_static_select": "selected_options", "multi_external_select": "selected_options", "checkboxes": "selected_options",
	"users_select": "selected_user", "multi_users_select": "selected_users",
	"conversations_select": "selected_conversation", "multi_conversations_select": "selected_conversations",
	"channels_select": "selected_channel", "multi_channels_select": "selected_channels",
	"datepicker": "selected_date", "timepicker": "selected_time", "datetimepicker": "selected_date_time",
	"file_input": "files",
}

var manyValued = []string{
	"multi_static_select", "multi_external_select", "checkboxes", "multi_users_select", "multi_conversations_select",
	"multi_channels_select", "file_input",
}

// pickable is one value as the element reports it; where there are options it must be one.
func pickable(a args, v string) (any, error) {
	switch stateKeys[a.str("type")] {
	case "selected_option", "selected_options":
	case "files":
		return map[string]any{"id": v}, nil
	default:
		return v, nil
	}
	options := slices.Clone(a.list("options"))
	for _, g := range a.list("option_groups") {
		options = append(options, args(g.(map[string]any)).list("options")...)
	}
	if len(options) == 0 { // external: whatever the app offered
		return map[string]any{"text": map[string]any{"type": "plain_text", "text": v}, "value": v}, nil
	}
	for _, o := range options {
		if optionValue(o) == v {
			return clone(o), nil
		}
	}
	return nil, fmt.Errorf("no option %q", v)
}
