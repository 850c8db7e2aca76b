package slack

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/imaginebridge/imaginebridge/bridge"
)

const (
	// defaultPause is what we wait where Slack says "too many" without a time.
	defaultPause = 30 * time.Second
	longestPause = 24 * time.Hour
)

// fault is one call that went wrong, free of library errors, which may carry
// addresses and tokens.
type fault struct {
	method  string
	code    string // Slack's own error name; "" where there was no readable answer
	needed  string // the scope that missing_scope asks for
	status  int    // HTTP status; 0 where no answer came
	written bool   // the request left: Slack may have done the work
	pause   time.Duration
	reason  string            // for the log where there is no code
	ended   bool              // the caller's own context ended
	paced   *bridge.SendError // no call was made: it would have come too early
}

// Error implements error.
func (f *fault) Error() string {
	switch {
	case f.code != "" && f.needed != "":
		return f.method + ": " + f.code + " (needs " + f.needed + ")"
	case f.code != "":
		return f.method + ": " + f.code
	case f.status != 0 && f.reason == "":
		return fmt.Sprintf("%s: HTTP status %d", f.method, f.status)
	case f.status != 0:
		return fmt.Sprintf("%s: HTTP status %d, %s", f.method, f.status, f.reason)
	}
	return f.method + ": " + f.reason
}

// diagnose turns what our transport saw of a call, and that the library returned
// an error, into a fault; nil for no error. The library has three error types for
// one "too many", and no error at all for a refusal without a name: the answer
// itself is the better witness.
func diagnose(method string, seen exchange, err error) *fault {
	if err == nil && !seen.bare {
		return nil
	}
	f := &fault{method: method, status: seen.status, written: seen.written}
	switch {
	case seen.status == http.StatusTooManyRequests:
		f.code, f.pause = "ratelimited", retryAfter(seen.retryAfter)
	case seen.code != "":
		f.code, f.needed = cut(oneLine(seen.code), maxName), cut(oneLine(seen.needed), maxName)
		if f.code == "ratelimited" || f.code == "rate_limited" {
			f.pause = retryAfter(seen.retryAfter)
		}
	case seen.bare:
		f.reason = bareRefusal
	case errors.Is(err, context.DeadlineExceeded):
		f.reason = "no answer in time"
	case errors.Is(err, context.Canceled):
		f.reason, f.ended = "stopped", true
	case seen.status == 0 && f.written:
		f.reason = "the connection broke before the answer"
	case seen.status == 0:
		f.reason = "no connection to Slack"
	case seen.status >= 200 && seen.status < 300:
		f.reason = "the answer is not readable"
	}
	return f
}

// retryAfter reads the header in whole or broken seconds, rounded up.
func retryAfter(header string) time.Duration {
	seconds, err := strconv.ParseFloat(strings.TrimSpace(header), 64)
	if err != nil || math.IsNaN(seconds) || seconds < 0 {
		return defaultPause
	}
	return time.Duration(min(max(seconds, 1), longestPause.Seconds()) * float64(time.Second))
}

// purpose says what follows when nobody knows whether a call did its work.
type purpose int

const (
	posting purpose = iota // a second message would show: look before repeating
	editing                // repeating changes nothing: repeat freely
	reading
)

// verdict is the table: what a fault means for the next attempt.
// (Slack docs: "Web API error handling", "chat.postMessage", "chat.update".)
func (f *fault) verdict(why purpose) bridge.Verdict {
	if f.code != "" {
		return codeVerdict(f.code, why)
	}
	switch {
	case f.status == http.StatusUnauthorized:
		return bridge.Revoked
	case f.status == http.StatusForbidden || f.status == http.StatusNotFound:
		return bridge.Gone // not Slack's way to say no: a proxy, or a wrong address
	case f.status == http.StatusRequestEntityTooLarge:
		return bridge.Reject
	case f.status >= 300 && f.status < 500 && f.status != http.StatusRequestTimeout:
		return bridge.Retry
	case f.written && why == posting && !f.bare():
		return bridge.InDoubt
	}
	return bridge.Retry
}

// bare reports the answer {"ok":false} without a name: refused, for no reason
// told.
func (f *fault) bare() bool { return f.reason == bareRefusal }

const bareRefusal = "refused without a reason"

func codeVerdict(code string, why purpose) bridge.Verdict {
	switch code {
	case "internal_error", "fatal_error", "request_timeout":
		if why == posting {
			return bridge.InDoubt
		}
		return bridge.Retry
	case "msg_too_long", "msg_blocks_too_long", "metadata_too_large", "no_text", "invalid_arguments",
		"invalid_metadata_format", "invalid_metadata_schema", "invalid_attachments", "too_many_attachments",
		"cannot_reply_to_message":
		return bridge.Reject
	case "channel_not_found", "is_archived", "not_in_channel", "messages_tab_disabled", "ekm_access_denied",
		"team_access_not_granted", "missing_scope", "no_permission", "access_denied", "cannot_dm_bot", "is_inactive":
		return bridge.Gone
	case "invalid_auth", "not_authed", "account_inactive", "token_revoked", "token_expired", "org_login_required",
		"not_allowed_token_type", "team_not_found":
		return bridge.Revoked
	}
	switch {
	case strings.HasPrefix(code, "invalid_blocks"):
		return bridge.Reject
	case strings.HasPrefix(code, "restricted_action"):
		return bridge.Gone
	}
	return bridge.Retry // also service_unavailable, ratelimited and what we do not know
}

// strange reports an answer that the table has no row for.
func (f *fault) strange() bool {
	switch f.code {
	case "":
		return f.bare() || f.status >= 300 && f.status < 500 && f.status != http.StatusRequestTimeout
	case "service_unavailable", "internal_error", "fatal_error", "request_timeout", "team_added_to_org":
		return false
	}
	return true
}

// messageGone reports that the message to be edited can no longer be.
func (f *fault) messageGone() bool {
	switch f.code {
	case "message_not_found", "cant_update_message", "edit_window_closed":
		return true
	}
	return false
}

// threadGone reports that the thread to post into takes no more.
func (f *fault) threadGone() bool {
	switch f.code {
	case "thread_not_found", "message_not_found", "cannot_reply_to_message", "restricted_action_thread_locked":
		return true
	}
	return false
}

// sendError is what a sink returns of a fault.
func (f *fault) sendError(why purpose, place string) *bridge.SendError {
	if f.ended {
		verdict := bridge.Retry
		if f.written && why == posting {
			verdict = bridge.InDoubt
		}
		return &bridge.SendError{Verdict: verdict, Err: f}
	}
	e := &bridge.SendError{Verdict: f.verdict(why), After: f.pause, Paced: f.pause > 0, Err: f}
	e.Unknown = e.Verdict == bridge.Retry && !e.Paced && f.strange()
	if e.Verdict != bridge.Retry && e.Verdict != bridge.InDoubt {
		e.Advice = f.advice(place)
	}
	return e
}

// advice tells the owner what is wrong and the next step.
func (f *fault) advice(place string) string {
	switch f.code {
	case "not_in_channel":
		return fmt.Sprintf("I'm not in %s. Type /invite @ImagineBridge there.", place)
	case "channel_not_found":
		return fmt.Sprintf("I can't find the channel %s. Check its ID; if the channel is private, type /invite @ImagineBridge there.", place)
	case "is_archived":
		return fmt.Sprintf("The channel %s is archived. Unarchive it, or choose another channel.", place)
	case "missing_scope":
		return fmt.Sprintf("The Slack app lacks the permission %s. Add it under OAuth & Permissions, then reinstall the app to the workspace.", f.scope())
	case "messages_tab_disabled":
		return "The app takes no direct messages. Switch on the Messages Tab under App Home in the app's settings."
	case "ekm_access_denied", "team_access_not_granted", "no_permission", "access_denied":
		return fmt.Sprintf("The workspace does not let the app write to %s. A Slack administrator can allow it.", place)
	case "not_allowed_token_type":
		return "SLACK_BOT_TOKEN is not a bot token. The bot token starts with xoxb- and is under OAuth & Permissions."
	case "token_expired":
		return "SLACK_BOT_TOKEN has expired. Copy the current bot token from OAuth & Permissions."
	}
	if f.code == "" && (f.status == http.StatusForbidden || f.status == http.StatusNotFound) {
		return fmt.Sprintf("Slack's address answers with HTTP status %d, which Slack does not do. Check slack.api_url and the proxy on the way.", f.status)
	}
	switch f.verdict(posting) {
	case bridge.Revoked:
		return "Slack no longer accepts SLACK_BOT_TOKEN. Reinstall the app under OAuth & Permissions and put the new token in its place."
	case bridge.Gone:
		return fmt.Sprintf("A setting of the workspace or channel keeps the app from writing to %s. A Slack administrator can allow it, or choose another channel.", place)
	case bridge.Reject, bridge.Retry, bridge.InDoubt:
	}
	return "Slack refused this message, also in its plainest form: " + f.Error() + ". It is kept as a dead letter."
}

func (f *fault) scope() string {
	if f.needed == "" {
		return "it needs"
	}
	return f.needed
}
