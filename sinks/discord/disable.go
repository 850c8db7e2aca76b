package discord

import (
	"encoding/json"
	"fmt"
)

// disabled reports that the pressed button rests.
func (v *visit) disabled() bool {
	rests := false
	eachButton(v.in.Message.Rows, func(b map[string]any) {
		if b["custom_id"] == v.in.CustomID && b["disabled"] == true {
			rests = true
		}
	})
	return rests
}

// once is the id of a press that creates something. All presses of one button
// between two changes of its message are one command.
func (v *visit) once() string {
	return "discord:press:" + shortKey([]byte(v.in.Message.ID+" "+v.in.Message.Edited+" "+v.in.CustomID+" "+fmt.Sprint(v.in.Chosen)))
}

// disable writes a message's rows again with buttons that rest: the one with
// the id, or for "" all.
func disable(rows []any, id string) []any {
	form, err := json.Marshal(rows)
	if err != nil {
		return []any{}
	}
	out := []any{}
	if json.Unmarshal(form, &out) != nil {
		return []any{}
	}
	eachButton(out, func(b map[string]any) {
		if id == "" || b["custom_id"] == id {
			b["disabled"] = true
		}
	})
	return out
}

// eachButton visits what can be pressed.
func eachButton(rows []any, f func(map[string]any)) {
	for _, r := range rows {
		m, _ := r.(map[string]any)
		if inner, ok := m["components"].([]any); ok {
			eachButton(inner, f)
		}
		if m["custom_id"] != nil {
			f(m)
		}
	}
}
