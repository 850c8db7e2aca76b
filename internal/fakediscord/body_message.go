package fakediscord

// Tables of message bodies, after the request schemas of Discord's OpenAPI
// document; limits of text are those of its docs "Create Message" (2,000
// characters of content, though the document says 4,000).

func embedBody() check {
	media := object(
		need("url", web(2048, true)), may("width", anyInt()), may("height", anyInt()),
		may("placeholder", text(0, 64)), may("placeholder_version", whole(0, 2147483647)),
		may("is_animated", boolean), may("description", text(0, 4096)),
	)
	return object(
		may("type", text(0, 152133)),
		may("url", web(2048, false)),
		may("title", text(0, 256)),
		may("color", whole(0, 0xFFFFFF)),
		may("timestamp", instant),
		may("description", text(0, 4096)),
		may("author", object(need("name", text(1, 256)), may("url", web(2048, false)), may("icon_url", web(2048, true)))),
		may("image", media),
		may("thumbnail", media),
		may("footer", object(need("text", text(1, 2048)), may("icon_url", web(2048, true)))),
		may("fields", list(0, 25, object(
			need("name", text(1, 256)), need("value", text(1, 1024)), may("inline", boolean),
		))),
		may("provider", object(may("name", text(0, 256)), may("url", web(2048, false)))),
		may("video", media),
	)
}

func allowedMentionsBody() check {
	return object(
		may("parse", distinct(list(0, 3, word("users", "roles", "everyone")))),
		may("users", distinct(list(0, 100, snowflake))),
		may("roles", distinct(list(0, 100, snowflake))),
		may("replied_user", boolean),
	)
}

func attachmentBody() check {
	return object(
		need("id", attachmentID),
		may("filename", text(1, 1024)),
		may("description", text(0, 1024)),
		may("duration_secs", number()),
		may("waveform", text(0, 400)),
		may("title", text(0, 1024)),
		may("is_spoiler", boolean),
		may("is_remix", boolean),
	)
}

// attachmentID is a snowflake, or the n of files[n], which Discord's own
// examples write as a number.
func attachmentID(r *report, path string, v any) {
	if _, ok := v.(string); ok {
		snowflake(r, path, v)
		return
	}
	whole(0, 9)(r, path, v)
}

func pollBody() check {
	media := object(may("text", text(0, 300)), may("emoji", emojiBody()))
	return object(
		need("question", media),
		need("answers", list(1, 10, object(need("poll_media", media)))),
		may("allow_multiselect", boolean), may("layout_type", choice(1)), may("duration", whole(1, 768)),
	)
}

// messageFields are common to every body that makes or changes a message.
func messageFields() []field {
	return []field{
		may("content", text(0, 2000)),
		may("embeds", list(0, 10, embedBody())),
		may("allowed_mentions", allowedMentionsBody()),
		may("components", messageComponents()),
		may("attachments", list(0, 10, attachmentBody())),
		may("flags", anyInt()),
	}
}

func createMessageBody() check {
	return object(append(messageFields(),
		may("sticker_ids", list(0, 3, snowflake)),
		may("poll", pollBody()),
		may("shared_client_theme", anything),
		may("message_reference", object(
			need("message_id", snowflake), may("channel_id", snowflake), may("guild_id", snowflake),
			may("fail_if_not_exists", boolean), may("type", choice(0, 1)),
		)),
		may("nonce", nonceBody),
		may("enforce_nonce", boolean),
		may("tts", boolean),
	)...)
}

func nonceBody(r *report, path string, v any) {
	if _, ok := v.(string); ok {
		text(1, 25)(r, path, v)
		return
	}
	anyInt()(r, path, v)
}

func editMessageBody() check {
	return object(append(messageFields(), may("sticker_ids", list(0, 1521, snowflake)))...)
}

func webhookMessageFields() []field {
	return append(messageFields(), may("tts", boolean), may("poll", pollBody()))
}

// followupBody is execute_webhook as an interaction's follow-up: the webhook's
// own name, avatar and thread fields are known but of no use there.
func followupBody() check {
	return object(append(webhookMessageFields(),
		may("username", text(1, 80)), may("avatar_url", web(2048, false)),
		may("thread_name", text(0, 100)), may("applied_tags", list(0, 5, snowflake)),
	)...)
}

func webhookEditBody() check {
	return object(append(messageFields(), may("poll", pollBody()))...)
}

func threadFields() []field {
	return []field{
		need("name", text(1, 100)),
		may("auto_archive_duration", choice(60, 1440, 4320, 10080)),
		may("rate_limit_per_user", whole(0, 21600)),
	}
}

func threadFromMessageBody() check { return object(threadFields()...) }

// threadBody is the start of a thread without a message, or of a forum post
// when it has a message.
func threadBody() check {
	forum := object(append(threadFields(), may("applied_tags", list(0, 5, snowflake)), need("message", object(append(messageFields(),
		may("sticker_ids", list(0, 3, snowflake)), may("poll", pollBody()), may("shared_client_theme", anything))...)))...)
	plain := object(append(threadFields(), may("type", choice(10, 11, 12)), may("invitable", boolean))...)
	return func(r *report, path string, v any) {
		if m, _ := v.(map[string]any); m["message"] != nil {
			forum(r, path, v)
			return
		}
		plain(r, path, v)
	}
}

func editChannelBody() check {
	return object(
		may("name", text(1, 100)), may("archived", boolean), may("locked", boolean), may("invitable", boolean),
		may("auto_archive_duration", choice(60, 1440, 4320, 10080)), may("rate_limit_per_user", whole(0, 21600)),
		may("flags", anyInt()), may("applied_tags", list(0, 5, snowflake)), may("topic", text(0, 4096)),
	)
}

func openDMBody() check { return object(need("recipient_id", snowflake)) }
