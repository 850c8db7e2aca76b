package fakediscord

import "maps"

// Tables of application commands and of interaction responses.

// Option types, docs "Application Command Option Type".
const (
	optionVerb       = 1
	optionGroup      = 2
	optionString     = 3
	optionInteger    = 4
	optionBoolean    = 5
	optionUser       = 6
	optionChannel    = 7
	optionRole       = 8
	optionMention    = 9
	optionNumber     = 10
	optionAttachment = 11
)

func localized(r *report, path string, v any) {
	m, ok := v.(map[string]any)
	if !ok || len(m) > 34 {
		r.add(path, "DICT_TYPE_CONVERT", "Only dictionaries of locales may be used")
	}
	for locale, words := range m {
		text(1, 100)(r, at(path, locale), words)
	}
}

func choiceBody(value check) check {
	return object(need("name", text(1, 100)), may("name_localizations", localized), need("value", value))
}

// optionFields are those of every option; discordgo writes the others as null.
func optionFields(extra ...field) []field {
	return append(extra,
		need("type", anyInt()), need("name", text(1, 32)), may("name_localizations", localized),
		need("description", text(1, 100)), may("description_localizations", localized), may("required", boolean))
}

func commandOptions() check {
	empty := []field{may("options", list(0, 0, anything)), may("choices", list(0, 0, anything)), may("channel_types", list(0, 0, anything))}
	plain := func(extra ...field) check {
		fields := optionFields(extra...)
		for _, e := range empty {
			if !containsField(fields, e.name) {
				fields = append(fields, e)
			}
		}
		return object(fields...)
	}
	leaves := map[int64]check{
		optionString: plain(may("autocomplete", boolean), may("min_length", whole(0, 6000)), may("max_length", whole(1, 6000)),
			may("choices", list(0, 25, choiceBody(text(0, 100))))),
		optionInteger: plain(may("autocomplete", boolean), may("min_value", anyInt()), may("max_value", anyInt()),
			may("choices", list(0, 25, choiceBody(anyInt())))),
		optionNumber: plain(may("autocomplete", boolean), may("min_value", number()), may("max_value", number()),
			may("choices", list(0, 25, choiceBody(number())))),
		optionBoolean: plain(), optionUser: plain(), optionRole: plain(), optionMention: plain(), optionAttachment: plain(),
		optionChannel: plain(may("channel_types", distinct(list(0, 20, anyInt())))),
	}
	verb := plain(may("options", list(0, 25, byType(leaves))))
	top := map[int64]check{
		optionVerb:  verb,
		optionGroup: plain(may("options", list(0, 25, byType(map[int64]check{optionVerb: verb})))),
	}
	maps.Copy(top, leaves)
	return list(0, 25, byType(top))
}

func containsField(fields []field, name string) bool {
	for _, f := range fields {
		if f.name == name {
			return true
		}
	}
	return false
}

func commandBody() check {
	return object(
		need("name", text(1, 32)), may("name_localizations", localized),
		may("description", text(0, 100)), may("description_localizations", localized),
		may("options", commandOptions()),
		may("default_member_permissions", permissionBits),
		may("dm_permission", boolean),
		may("contexts", distinct(list(1, 3, choice(0, 1, 2)))),
		may("integration_types", distinct(list(1, 2, choice(0, 1)))),
		may("handler", anyInt()), may("type", choice(1, 2, 3, 4)), may("id", snowflake), may("nsfw", boolean),
	)
}

func commandListBody() check { return list(0, 130, commandBody()) }

// permissionBits is an integer, as a string or, as the OpenAPI document has
// it, as a number.
func permissionBits(r *report, path string, v any) {
	if _, ok := v.(string); ok {
		snowflake(r, path, v)
		return
	}
	whole(0, 1<<54-1)(r, path, v)
}

// Interaction response types, docs "Interaction Callback Type".
const (
	respondPong         = 1
	respondMessage      = 4
	respondDefer        = 5
	respondDeferUpdate  = 6
	respondUpdate       = 7
	respondAutocomplete = 8
	respondModal        = 9
)

func callbackBody() check {
	kind := need("type", anyInt())
	message := object(kind, may("data", object(webhookMessageFields()...)))
	return byType(map[int64]check{
		respondPong:        object(kind),
		respondMessage:     message,
		respondDefer:       message,
		respondDeferUpdate: object(kind, may("data", object(messageFields()...))),
		respondUpdate:      object(kind, may("data", object(messageFields()...))),
		respondAutocomplete: object(kind, need("data", object(may("choices",
			list(0, 25, choiceBody(completionValue)))))),
		respondModal: object(kind, need("data", object(
			need("custom_id", text(1, 100)), need("title", text(1, 45)), need("components", modalComponents())))),
	})
}

func completionValue(r *report, path string, v any) {
	if _, ok := v.(string); ok {
		text(1, 100)(r, path, v)
		return
	}
	number()(r, path, v)
}
