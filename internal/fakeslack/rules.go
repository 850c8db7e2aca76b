package fakeslack

import (
	"slices"
	"strconv"
	"unicode/utf8"
)

// What the tables cannot say: rules between the fields of one object, and between objects.

// Limits of a whole payload.
const (
	maxBlocksMessage = 50
	maxBlocksView    = 100
	maxMarkdown      = 12_000 // all markdown blocks of a message together
	// msg_blocks_too_long was met at 13,297 characters of one block and at 13,172 with a divider beside it
	// (https://github.com/slackapi/bolt-js/issues/2509), so each further block costs.
	maxBlockText  = 13_200
	costPerBlock  = 125
	maxViewBytes  = 250 << 10
	invalidBlocks = "invalid_blocks"
)

// blocks checks a payload's list of blocks.
func (w *walker) blocks(ptr string, v any) {
	items, ok := v.([]any)
	if !ok {
		w.bad(ptr, "must provide an array")
		return
	}
	limit := maxBlocksView
	if w.surface == onMessage {
		limit = maxBlocksMessage
	}
	if len(items) > limit {
		w.bad(ptr, "no more than %d items allowed", limit)
		return
	}
	for i, b := range items {
		w.block(ptr+"/"+strconv.Itoa(i), b)
	}
	if w.tables > 1 {
		w.bad(ptr, "only one table allowed")
	}
	if w.markdown > maxMarkdown {
		w.bad(ptr, "must be less than %d characters", maxMarkdown+1)
	}
	if w.surface == onMessage && len(w.found) == 0 && w.total > maxBlockText-costPerBlock*max(len(items)-1, 0) {
		w.found = append(w.found, Problem{Code: "msg_blocks_too_long", Pointer: ptr, Message: strconv.Itoa(w.total) + " characters of text in blocks"})
	}
}

func (w *walker) block(ptr string, v any) {
	obj, ok := v.(map[string]any)
	if !ok {
		w.bad(ptr, "must provide an object")
		return
	}
	kind, _ := obj["type"].(string)
	sh, known := blockShapes[kind]
	if !known || blockSurfaces[kind]&w.surface == 0 {
		w.bad(ptr, "unsupported type: %s", kind)
		return
	}
	w.fields(ptr, obj, with(sh, shape{"block_id": str(1, 255)}), "type")
	if id, _ := obj["block_id"].(string); id != "" {
		if _, twice := w.blockIDs[id]; twice {
			w.bad(ptr+"/block_id", "block_id must be unique, %s is not", id)
		}
		w.blockIDs[id] = ptr
	}
	w.blockRules(ptr, obj, kind)
}

func (w *walker) blockRules(ptr string, obj map[string]any, kind string) {
	switch kind {
	case "section":
		if obj["text"] == nil && obj["fields"] == nil {
			w.bad(ptr, "missing required field: text")
		}
	case "image":
		w.imageRules(ptr, obj)
	case "markdown":
		s, _ := obj["text"].(string)
		n := utf8.RuneCountInString(s)
		w.markdown += n
		w.total += n
	case "table":
		w.tables++
	case "actions":
		w.uniqueActions(ptr, obj)
	case "input":
		w.inputs++
		element, _ := obj["element"].(map[string]any)
		if element["type"] == "file_input" && w.surface != onModal {
			w.bad(ptr+"/element", "unsupported type: file_input")
		}
	}
}

func (w *walker) imageRules(ptr string, obj map[string]any) {
	address, _ := obj["image_url"].(string)
	if (address == "") == (obj["slack_file"] == nil) {
		w.bad(ptr, "one of image_url and slack_file is required")
	}
	if address != "" {
		w.images[ptr+"/image_url"] = address
	}
}

func (w *walker) uniqueActions(ptr string, obj map[string]any) {
	elements, _ := obj["elements"].([]any)
	seen := map[string]bool{}
	for i, e := range elements {
		element, _ := e.(map[string]any)
		id, _ := element["action_id"].(string)
		if id != "" && seen[id] {
			w.bad(ptr+"/elements/"+strconv.Itoa(i)+"/action_id", "action_id must be unique in its block, %s is not", id)
		}
		seen[id] = true
	}
}

func (w *walker) elementRules(ptr string, obj map[string]any, kind string) {
	if obj["focus_on_load"] == true {
		if w.focus != "" {
			w.bad(ptr+"/focus_on_load", "only one element may take the focus")
		}
		w.focus = ptr
	}
	switch kind {
	case "plain_text", "mrkdwn", "text", "link", "raw_text":
		w.count(obj)
	case "image":
		w.imageRules(ptr, obj)
	case "static_select", "multi_static_select":
		if (obj["options"] == nil) == (obj["option_groups"] == nil) {
			w.bad(ptr, "one of options and option_groups is required")
		}
		w.uniqueValues(ptr, obj)
	case "overflow", "radio_buttons", "checkboxes":
		w.uniqueValues(ptr, obj)
	case "plain_text_input":
		lo, hasLo := whole(obj["min_length"])
		hi, hasHi := whole(obj["max_length"])
		if hasLo && hasHi && lo > hi {
			w.bad(ptr, "min_length must not exceed max_length")
		}
	}
	w.initialRules(ptr, obj)
}

// uniqueValues checks that options tell apart, and that the initial ones are among them.
func (w *walker) uniqueValues(ptr string, obj map[string]any) {
	options, _ := obj["options"].([]any)
	groups, _ := obj["option_groups"].([]any)
	for _, g := range groups {
		group, _ := g.(map[string]any)
		more, _ := group["options"].([]any)
		options = slices.Concat(options, more)
	}
	seen := map[string]bool{}
	for _, o := range options {
		v := optionValue(o)
		if seen[v] {
			w.bad(ptr+"/options", "values must be unique, %s is not", v)
		}
		seen[v] = true
	}
	initial, _ := obj["initial_options"].([]any)
	if one, ok := obj["initial_option"]; ok {
		initial = append(slices.Clone(initial), one)
	}
	for _, o := range initial {
		if v := optionValue(o); !seen[v] {
			w.bad(ptr, "initial option %s is not among the options", v)
		}
	}
}

func optionValue(o any) string {
	option, _ := o.(map[string]any)
	v, _ := option["value"].(string)
	return v
}

// initialRules: what an element starts with fits the element's own limits.
func (w *walker) initialRules(ptr string, obj map[string]any) {
	if s, ok := obj["initial_value"].(string); ok {
		if hi, ok := whole(obj["max_length"]); ok && utf8.RuneCountInString(s) > hi {
			w.bad(ptr+"/initial_value", "must be less than %d characters", hi+1)
		}
	}
	most, limited := whole(obj["max_selected_items"])
	for _, key := range []string{"initial_options", "initial_users", "initial_conversations", "initial_channels"} {
		if items, ok := obj[key].([]any); ok && limited && len(items) > most {
			w.bad(ptr+"/"+key, "no more than %d items allowed", most)
		}
	}
}

func (w *walker) objectRules(ptr string, obj map[string]any, name string) {
	if name == "slack_file" && (obj["id"] == nil) == (obj["url"] == nil) {
		w.bad(ptr, "one of id and url is required")
	}
}

func whole(v any) (int, bool) {
	n, ok := v.(interface{ Int64() (int64, error) })
	if !ok {
		return 0, false
	}
	i, err := n.Int64()
	return int(i), err == nil
}
