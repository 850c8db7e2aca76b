package discord

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/imaginebridge/imaginebridge/bridge"
)

// deed is what a request was meant to do.
type deed int

const (
	create deed = iota // a message: repeating it may show it twice
	createInThread
	edit
	thread
	look // read, before repeating
)

// tokenAdvice tells how to mend a dead credential.
const tokenAdvice = "Discord refuses DISCORD_BOT_TOKEN. Copy a new one from Developer Portal → Bot → Reset Token."

// judge turns a failed request into a verdict (reliability rules: one table for
// every status). place is the channel as people know it.
func judge(err error, what deed, place string) *bridge.SendError {
	e, ok := errors.AsType[*Error](err)
	if !ok {
		return &bridge.SendError{Verdict: bridge.Retry, Err: err}
	}
	out := &bridge.SendError{Verdict: bridge.Retry, After: e.After, Err: e}
	if byCode(out, e, what, place) {
		return out
	}
	switch {
	case e.Status == http.StatusUnauthorized:
		out.Verdict, out.Advice = bridge.Revoked, tokenAdvice
	case e.Held, e.Edge, e.Status == http.StatusTooManyRequests:
		out.Paced = true
	case e.Status == http.StatusNotFound && e.Code == 0:
		out.Verdict, out.Advice = bridge.Gone, goneAdvice(place)
	case e.Status == http.StatusRequestEntityTooLarge:
		out.Verdict, out.Advice = bridge.Reject, "Discord finds the message too large."
	case e.Unsure && (what == create || what == createInThread):
		out.Verdict = bridge.InDoubt
	case e.Status >= 300 && e.Status < 500 && e.Status != http.StatusRequestTimeout && e.Status != http.StatusTooEarly:
		out.Unknown = true
	}
	return out
}

// byCode decides by Discord's own code. It returns false for codes it has no row
// for: those are decided by status, or tried again as unknown.
func byCode(out *bridge.SendError, e *Error, what deed, place string) bool {
	switch e.Code {
	case codeMissingAccess, codeMissingPerm, codeNoHistory:
		out.Verdict, out.Advice = bridge.Gone, permissionAdvice(place, missing(e.Code, what))
	case codeUnknownChannel, codeUnknownGuild, codeUnknownWebhook:
		out.Verdict, out.Advice = bridge.Gone, goneAdvice(place)
	case codeNotText, codeChannelType:
		out.Verdict = bridge.Gone
		out.Advice = place + " holds no messages. Choose a text or announcement channel, or a thread."
	case codeDMClosed, codeNoMutualGuild:
		out.Verdict = bridge.Gone
		out.Advice = "This person takes no direct messages from the bot. Choose a channel, or let them allow messages from server members."
	case codeThreadLocked, codeArchived:
		out.Verdict = bridge.Gone
		out.Advice = place + " is locked. Unlock the thread, or choose another destination."
	case codeAutoMod, codeHarmfulLink:
		out.Verdict = bridge.Reject
		out.Advice = fmt.Sprintf("Discord's moderation blocked a message in %s. Server Settings → Safety Setup → AutoMod can exempt the bot's role or the channel.", place)
	case codeInvalidForm, codeEmptyMessage, codeTooLarge:
		out.Verdict = bridge.Reject
		out.Advice = "Discord refused the form of this message" + fieldWords(e) + ". It is kept as a dead letter."
	case codeInternalNetwork, codeSlowmode, codeChannelWrites, codeGuildWrites, codeOldEdits:
		out.Paced = true
		if out.After <= 0 {
			out.After = time.Minute
		}
	default:
		return false
	}
	return true
}

func fieldWords(e *Error) string {
	if len(e.Fields) == 0 {
		return ""
	}
	return " (" + strings.Join(e.Fields, ", ") + ")"
}

// missing names the permissions that a refused request needed.
func missing(code int, what deed) []string {
	switch {
	case code == codeMissingAccess:
		return []string{"View Channel"}
	case code == codeNoHistory || what == look:
		return []string{"Read Message History"}
	case what == createInThread:
		return []string{"Send Messages in Threads"}
	default:
		return []string{"Send Messages", "Embed Links"}
	}
}

// permissionAdvice says what is missing where, and the click that mends it.
func permissionAdvice(place string, names []string) string {
	return fmt.Sprintf("In %s I may not: %s. Channel settings → Permissions → ImagineBridge.",
		place, strings.Join(names, ", "))
}

func goneAdvice(place string) string {
	return fmt.Sprintf("I can't find %s any more. Choose another channel; what was not sent is kept.", place)
}
