package fakeslack

import "maps"

// The tables of Block Kit: which fields each kind of object has, of what type, within which limits. Sources: the
// reference pages of blocks, block elements and composition objects at https://docs.slack.dev/reference/block-kit.
// Limits count Unicode code points.

type fieldKind int

const (
	isString fieldKind = iota
	isURL
	isEnum    // one of `of`
	isInt     // min to max
	isNumeric // a number written as a string
	isBool
	isPlain  // a plain_text object
	isText   // a plain_text or mrkdwn object
	isObject // the composition object named by of[0]
	isTyped  // an object whose "type" is one of `of`, described in the table of elements
	isList   // min to max times item
)

type field struct {
	kind     fieldKind
	need     bool
	min, max int
	of       []string
	item     *field
}

func (f field) must() field { f.need = true; return f }

func str(lo, hi int) field           { return field{kind: isString, min: lo, max: hi} }
func link() field                    { return field{kind: isURL, min: 1, max: 3000} }
func enum(of ...string) field        { return field{kind: isEnum, of: of} }
func integer(lo, hi int) field       { return field{kind: isInt, min: lo, max: hi} }
func boolean() field                 { return field{kind: isBool} }
func plain(hi int) field             { return field{kind: isPlain, min: 1, max: hi} }
func text(hi int) field              { return field{kind: isText, min: 1, max: hi} }
func object(name string) field       { return field{kind: isObject, of: []string{name}} }
func typed(of ...string) field       { return field{kind: isTyped, of: of} }
func list(lo, hi int, f field) field { return field{kind: isList, min: lo, max: hi, item: &f} }

type shape map[string]field

type surface int

const (
	onMessage surface = 1 << iota
	onModal
	onHome
	everywhere = onMessage | onModal | onHome
)

// blockShapes are the layout blocks; "type" and "block_id" belong to all.
var blockShapes = map[string]shape{
	"section":   {"text": text(3000), "fields": list(1, 10, text(2000)), "accessory": typed(accessories...), "expand": boolean()},
	"header":    {"text": plain(150).must()},
	"divider":   {},
	"image":     {"image_url": link(), "slack_file": object("slack_file"), "alt_text": str(1, 2000).must(), "title": plain(2000)},
	"context":   {"elements": list(1, 10, typed("image", "plain_text", "mrkdwn")).must()},
	"actions":   {"elements": list(1, 25, typed(actionElements...)).must()},
	"input":     {"label": plain(2000).must(), "element": typed(inputElements...).must(), "hint": plain(2000), "optional": boolean(), "dispatch_action": boolean()},
	"rich_text": {"elements": list(1, 1000, typed("rich_text_section", "rich_text_list", "rich_text_preformatted", "rich_text_quote")).must()},
	"video": {
		"video_url": link().must(), "thumbnail_url": link().must(), "alt_text": str(1, 2000).must(), "title": plain(199).must(),
		"title_url": link(), "author_name": str(1, 49), "provider_name": str(1, 50), "provider_icon_url": link(), "description": plain(200),
	},
	"markdown": {"text": str(1, 12_000).must()},
	"table": {
		"rows":            list(1, 100, list(1, 20, typed("raw_text", "raw_number", "rich_text"))).must(),
		"column_settings": list(1, 20, object("column")),
	},
}

// blockSurfaces says where a block may stand.
var blockSurfaces = map[string]surface{
	"section": everywhere, "header": everywhere, "divider": everywhere, "image": everywhere, "context": everywhere,
	"actions": everywhere, "input": everywhere, "rich_text": everywhere, "video": everywhere,
	"markdown": onMessage, "table": onMessage,
}

var (
	selects = []string{
		"static_select", "external_select", "users_select", "conversations_select", "channels_select",
		"multi_static_select", "multi_external_select", "multi_users_select", "multi_conversations_select", "multi_channels_select",
	}
	pickers        = []string{"datepicker", "timepicker", "datetimepicker", "checkboxes", "radio_buttons"}
	accessories    = concat([]string{"button", "overflow", "image", "workflow_button"}, selects, pickers)
	actionElements = concat([]string{"button", "overflow", "workflow_button", "rich_text_input"}, selects, pickers)
	inputElements  = concat([]string{
		"plain_text_input", "email_text_input", "url_text_input", "number_input", "file_input", "rich_text_input",
	}, selects, pickers)
)

func concat(lists ...[]string) []string {
	var out []string
	for _, l := range lists {
		out = append(out, l...)
	}
	return out
}

func with(base shape, more shape) shape {
	out := maps.Clone(base)
	maps.Copy(out, more)
	return out
}

var (
	action = shape{"action_id": str(1, 255)}
	asking = with(action, shape{"confirm": object("confirm"), "focus_on_load": boolean()})
	single = with(asking, shape{"placeholder": plain(150)})
	multi  = with(single, shape{"max_selected_items": integer(1, 1000)})
	typing = with(action, shape{"placeholder": plain(150), "focus_on_load": boolean(), "dispatch_action_config": object("dispatch")})
)

// elementShapes are what stands inside blocks, text objects included; "type" belongs to all.
var elementShapes = map[string]shape{
	"plain_text": {"text": str(1, 3000).must(), "emoji": boolean()},
	"mrkdwn":     {"text": str(1, 3000).must(), "verbatim": boolean()},
	"image":      {"image_url": link(), "slack_file": object("slack_file"), "alt_text": str(1, 2000).must()},
	"raw_text":   {"text": str(1, 3000).must()},
	"raw_number": {"value": integer(-1_000_000_000_000, 1_000_000_000_000).must(), "text": str(1, 3000).must()},
	"rich_text":  blockShapes["rich_text"],

	"button": with(action, shape{
		"text": plain(75).must(), "url": link(), "value": str(1, 2000), "style": enum("primary", "danger"), "confirm": object("confirm"),
		"accessibility_label": str(1, 75),
	}),
	"workflow_button": with(action, shape{
		"text": plain(75).must(), "workflow": object("workflow").must(), "style": enum("primary", "danger"), "accessibility_label": str(1, 75),
		"confirm": object("confirm"),
	}),
	"overflow":      with(action, shape{"options": list(1, 5, object("overflow_option")).must(), "confirm": object("confirm")}),
	"checkboxes":    with(asking, shape{"options": list(1, 10, object("rich_option")).must(), "initial_options": list(1, 10, object("rich_option"))}),
	"radio_buttons": with(asking, shape{"options": list(1, 10, object("rich_option")).must(), "initial_option": object("rich_option")}),
	"static_select": with(single, shape{
		"options": list(1, 100, object("option")), "option_groups": list(1, 100, object("option_group")), "initial_option": object("option"),
	}),
	"multi_static_select": with(multi, shape{
		"options": list(1, 100, object("option")), "option_groups": list(1, 100, object("option_group")), "initial_options": list(1, 100, object("option")),
	}),
	"external_select":       with(single, shape{"initial_option": object("option"), "min_query_length": integer(0, 3000)}),
	"multi_external_select": with(multi, shape{"initial_options": list(1, 100, object("option")), "min_query_length": integer(0, 3000)}),
	"users_select":          with(single, shape{"initial_user": str(1, 255)}),
	"multi_users_select":    with(multi, shape{"initial_users": list(1, 1000, str(1, 255))}),
	"conversations_select": with(single, shape{
		"initial_conversation": str(1, 255), "default_to_current_conversation": boolean(), "response_url_enabled": boolean(), "filter": object("filter"),
	}),
	"multi_conversations_select": with(multi, shape{
		"initial_conversations": list(1, 1000, str(1, 255)), "default_to_current_conversation": boolean(), "filter": object("filter"),
	}),
	"channels_select":       with(single, shape{"initial_channel": str(1, 255), "response_url_enabled": boolean()}),
	"multi_channels_select": with(multi, shape{"initial_channels": list(1, 1000, str(1, 255))}),
	"datepicker":            with(single, shape{"initial_date": str(10, 10)}),
	"timepicker":            with(single, shape{"initial_time": str(5, 5), "timezone": str(1, 255)}),
	"datetimepicker":        with(asking, shape{"initial_date_time": integer(1_000_000_000, 9_999_999_999)}),

	"plain_text_input": with(typing, shape{
		"initial_value": str(0, 3000), "multiline": boolean(), "min_length": integer(0, 3000), "max_length": integer(1, 3000),
	}),
	"email_text_input": with(typing, shape{"initial_value": str(0, 3000)}),
	"url_text_input":   with(typing, shape{"initial_value": str(0, 3000)}),
	"rich_text_input":  with(typing, shape{"initial_value": typed("rich_text"), "min_lines": integer(1, 100), "max_lines": integer(1, 100)}),
	"number_input": with(typing, shape{
		"is_decimal_allowed": boolean().must(), "initial_value": field{kind: isNumeric}, "min_value": field{kind: isNumeric}, "max_value": field{kind: isNumeric},
	}),
	"file_input": with(action, shape{"filetypes": list(1, 100, str(1, 50)), "max_files": integer(1, 10)}),

	"rich_text_section":      {"elements": list(0, 3000, typed(richElements...)).must()},
	"rich_text_quote":        {"elements": list(0, 3000, typed(richElements...)).must(), "border": integer(0, 1)},
	"rich_text_preformatted": {"elements": list(0, 3000, typed("text", "link")).must(), "border": integer(0, 1), "language": str(1, 50)},
	"rich_text_list": {
		"elements": list(1, 1000, typed("rich_text_section")).must(), "style": enum("bullet", "ordered").must(),
		"indent": integer(0, 8), "offset": integer(0, 1_000_000), "border": integer(0, 1),
	},
	"text":      {"text": str(1, 40_000).must(), "style": object("style")},
	"link":      {"url": link().must(), "text": str(0, 3000), "unsafe": boolean(), "style": object("style")},
	"emoji":     {"name": str(1, 255).must(), "unicode": str(1, 100), "url": link(), "skin_tone": integer(1, 6), "style": object("style")},
	"user":      {"user_id": str(1, 255).must(), "style": object("style")},
	"usergroup": {"usergroup_id": str(1, 255).must(), "style": object("style")},
	"channel":   {"channel_id": str(1, 255).must(), "style": object("style")},
	"team":      {"team_id": str(1, 255).must(), "style": object("style")},
	"broadcast": {"range": enum("here", "channel", "everyone").must(), "style": object("style")},
	"color":     {"value": str(7, 7).must(), "style": object("style")},
	"date": {
		"timestamp": integer(0, 99_999_999_999).must(), "format": str(1, 3000).must(), "url": link(), "fallback": str(1, 3000), "style": object("style"),
	},
}

var richElements = []string{"text", "link", "emoji", "user", "usergroup", "channel", "team", "broadcast", "color", "date"}

// objectShapes are the composition objects, which carry no "type".
var objectShapes = map[string]shape{
	"confirm":         {"title": plain(100).must(), "text": text(300).must(), "confirm": plain(30).must(), "deny": plain(30).must(), "style": enum("primary", "danger")},
	"option":          {"text": plain(75).must(), "value": str(1, 150).must(), "description": plain(75)},
	"rich_option":     {"text": text(75).must(), "value": str(1, 150).must(), "description": text(75)},
	"overflow_option": {"text": plain(75).must(), "value": str(1, 150).must(), "description": plain(75), "url": link()},
	"option_group":    {"label": plain(75).must(), "options": list(1, 100, object("option")).must()},
	"dispatch":        {"trigger_actions_on": list(1, 2, enum("on_enter_pressed", "on_character_entered"))},
	"filter": {
		"include": list(1, 4, enum("im", "mpim", "private", "public")), "exclude_external_shared_channels": boolean(), "exclude_bot_users": boolean(),
	},
	"slack_file": {"id": str(1, 255), "url": link()},
	"column":     {"align": enum("left", "center", "right"), "is_wrapped": boolean()},
	"workflow":   {"trigger": object("trigger").must()},
	"trigger":    {"url": link().must(), "customizable_input_parameters": list(0, 100, object("parameter"))},
	"parameter":  {"name": str(1, 255).must(), "value": str(0, 3000).must()},
	"style": {
		"bold": boolean(), "italic": boolean(), "strike": boolean(), "code": boolean(), "underline": boolean(),
		"highlight": boolean(), "client_highlight": boolean(), "unlink": boolean(),
	},
}

// viewShapes are the views; "type" belongs to both.
var viewShapes = map[string]shape{
	"modal": {
		"title": plain(24).must(), "submit": plain(24), "close": plain(24), "private_metadata": str(0, 3000), "callback_id": str(0, 255),
		"external_id": str(0, 255), "clear_on_close": boolean(), "notify_on_close": boolean(),
	},
	"home": {"private_metadata": str(0, 3000), "callback_id": str(0, 255), "external_id": str(0, 255)},
}
