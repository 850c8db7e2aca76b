package fakediscord

import "maps"

// Component types, docs "Component Reference".
const (
	typeRow          = 1
	typeButton       = 2
	typeStringSelect = 3
	typeTextInput    = 4
	typeUserSelect   = 5
	typeRoleSelect   = 6
	typeMentionable  = 7
	typeChannel      = 8
	typeSection      = 9
	typeTextDisplay  = 10
	typeThumbnail    = 11
	typeGallery      = 12
	typeFile         = 13
	typeSeparator    = 14
	typeContainer    = 17
	typeLabel        = 18
	typeFileUpload   = 19
	typeRadio        = 21
	typeCheckboxes   = 22
	typeCheckbox     = 23
)

func emojiBody() check {
	return object(may("id", snowflake), may("name", text(0, 32)), may("animated", boolean))
}

// component is an object with the fields every component has.
func component(fields ...field) check {
	return object(append(fields, need("type", anyInt()), may("id", whole(0, 2147483647)))...)
}

func buttonBody() check {
	return component(
		need("style", choice(1, 2, 3, 4, 5, 6)),
		may("custom_id", text(1, 100)), may("label", text(0, 80)), may("disabled", boolean),
		may("url", web(512, false)), may("sku_id", snowflake), may("emoji", emojiBody()),
	)
}

func selectOption() check {
	return object(
		need("label", text(1, 100)), need("value", text(1, 100)),
		may("description", text(0, 100)), may("default", boolean), may("emoji", emojiBody()),
	)
}

// selects are the five menus, in messages and below a modal's label.
func selects() map[int64]check {
	menu := func(extra ...field) check {
		return component(append(extra,
			need("custom_id", text(1, 100)), may("placeholder", text(0, 150)),
			may("min_values", whole(0, 25)), may("max_values", whole(1, 25)),
			may("disabled", boolean), may("required", boolean))...)
	}
	defaults := func(kinds ...string) field {
		return may("default_values", list(0, 25, object(need("id", snowflake), need("type", word(kinds...)))))
	}
	return map[int64]check{
		typeStringSelect: menu(need("options", list(1, 25, selectOption()))),
		typeUserSelect:   menu(defaults("user")),
		typeRoleSelect:   menu(defaults("role")),
		typeMentionable:  menu(defaults("user", "role")),
		typeChannel: menu(defaults("channel"),
			may("channel_types", distinct(list(0, 20, choice(0, 1, 2, 3, 4, 5, 10, 11, 12, 13, 14, 15, 16))))),
	}
}

// messageComponents is the components list of a message: rows, or with the V2
// flag the layout components too (the rules decide which).
func messageComponents() check {
	inRow := selects()
	inRow[typeButton] = buttonBody()
	row := component(need("components", list(1, 5, byType(inRow))))

	media := object(need("url", web(2048, true)))
	thumbnail := component(need("media", media), may("description", text(1, 1024)), may("spoiler", boolean))
	display := component(need("content", text(1, 4000)))
	inContainer := map[int64]check{
		typeRow: row,
		typeSection: component(
			need("components", list(1, 3, byType(map[int64]check{typeTextDisplay: display}))),
			need("accessory", byType(map[int64]check{typeButton: buttonBody(), typeThumbnail: thumbnail}))),
		typeTextDisplay: display,
		typeGallery: component(need("items", list(1, 10, object(
			need("media", media), may("description", text(1, 1024)), may("spoiler", boolean))))),
		typeFile:      component(need("file", media), may("spoiler", boolean)),
		typeSeparator: component(may("spacing", choice(1, 2)), may("divider", boolean)),
	}
	top := map[int64]check{
		typeContainer: component(
			need("components", list(1, 40, byType(inContainer))),
			may("accent_color", whole(0, 0xFFFFFF)), may("spoiler", boolean)),
	}
	maps.Copy(top, inContainer)
	return list(0, 40, byType(top))
}

// modalComponents is the components list of a modal: labels and text, or rows
// with one text input as in former times.
func modalComponents() check {
	input := component(
		need("custom_id", text(1, 100)), need("style", choice(1, 2)), may("label", text(1, 45)),
		may("value", text(0, 4000)), may("placeholder", text(0, 100)), may("required", boolean),
		may("min_length", whole(0, 4000)), may("max_length", whole(1, 4000)),
	)
	inLabel := selects()
	inLabel[typeTextInput] = input
	inLabel[typeFileUpload] = component(
		need("custom_id", text(1, 100)), may("min_values", whole(0, 10)), may("max_values", whole(1, 10)), may("required", boolean))
	option := object(need("label", text(1, 100)), need("value", text(1, 100)), may("description", text(0, 100)), may("default", boolean))
	inLabel[typeRadio] = component(need("custom_id", text(1, 100)), need("options", list(2, 10, option)), may("required", boolean))
	inLabel[typeCheckboxes] = component(need("custom_id", text(1, 100)), need("options", list(1, 10, option)),
		may("min_values", whole(0, 10)), may("max_values", whole(1, 10)), may("required", boolean))
	inLabel[typeCheckbox] = component(need("custom_id", text(1, 100)), may("default", boolean))
	return list(1, 5, byType(map[int64]check{
		typeRow:         component(need("components", list(1, 1, byType(map[int64]check{typeTextInput: input})))),
		typeTextDisplay: component(need("content", text(1, 4000))),
		typeLabel: component(need("label", text(1, 45)), may("description", text(1, 100)),
			need("component", byType(inLabel))),
	}))
}
