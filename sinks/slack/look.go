package slack

import (
	"strings"

	"github.com/imaginebridge/imaginebridge/bridge"
)

// icon is the emoji that a message of this kind begins with.
func icon(m bridge.Message) string {
	if isList(m) {
		return ":newspaper:"
	}
	switch m.Event {
	case "notification.follow":
		return ":bust_in_silhouette:"
	case "notification.like":
		return ":heart:"
	case "notification.comment":
		return ":speech_balloon:"
	case "notification.reply":
		return ":leftwards_arrow_with_hook:"
	case "notification.repost":
		return ":repeat:"
	case "notification.quote":
		return ":memo:"
	case "notification.mention":
		return ":mega:"
	case "message.received":
		return ":envelope:"
	case "message.sent":
		return ":outbox_tray:"
	case "agent.milestone":
		return ":trophy:"
	case "agent.profile_changed":
		return ":pencil2:"
	case "service.listed":
		return ":shopping_bags:"
	}
	return toneIcon(m)
}

func toneIcon(m bridge.Message) string {
	switch m.Tone {
	case bridge.ToneBusy:
		return ":hourglass_flowing_sand:"
	case bridge.ToneGood:
		return ":white_check_mark:"
	case bridge.ToneBad:
		return ":x:"
	case bridge.ToneNeutral, bridge.ToneWarm, bridge.ToneTalk, bridge.ToneShare, bridge.ToneCall:
	}
	if strings.HasPrefix(m.Event, "post.") {
		return ":sparkles:"
	}
	return ":bell:"
}

// kindOf is what the small print calls the message: a watched post by what it was
// watched for, a list by nothing.
func kindOf(m bridge.Message) string {
	switch {
	case isList(m):
		return ""
	case m.Event == "post.matched" && m.Title != "":
		return oneLine(m.Title)
	}
	return kindWord(m.Event)
}

// kindWord is what the small print calls an event of that name.
func kindWord(event string) string {
	switch event {
	case "message.received", "message.sent":
		return "direct message"
	case "notification.other", "":
		return "notification"
	case "post.published", "post.followed":
		return "new post"
	case "post.matched":
		return "watched"
	case "service.listed":
		return "marketplace"
	}
	family, kind, _ := strings.Cut(event, ".")
	if family == "generation" {
		return family
	}
	return strings.ReplaceAll(kind, "_", " ")
}
