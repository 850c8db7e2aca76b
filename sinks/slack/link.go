package slack

import (
	"errors"
	"fmt"
	"net/http"

	slackgo "github.com/slack-go/slack"
)

// LinkError says why Slack cannot be heard.
type LinkError struct {
	Code   string // Slack's error name, or ""
	Advice string // the next step, where there is one
	final  bool   // trying again changes nothing
}

// Error implements error.
func (e *LinkError) Error() string {
	what := "connect to slack"
	if e.Code != "" {
		what += ": " + e.Code
	}
	if e.Advice != "" {
		what += ": " + e.Advice
	}
	return what
}

// linkError converts an error of the library, which may carry a ticket.
func linkError(err error) *LinkError {
	if refused, ok := errors.AsType[slackgo.SlackErrorResponse](err); ok {
		return openRefused(cut(oneLine(refused.Err), maxName))
	}
	if answer, ok := errors.AsType[slackgo.StatusCodeError](err); ok {
		e := &LinkError{Code: fmt.Sprintf("HTTP status %d", answer.Code), Advice: slackTrouble}
		if answer.Code == http.StatusNotFound {
			e.final, e.Advice = true, "slack.api_url does not answer like Slack. Check the address."
		}
		return e
	}
	if _, ok := errors.AsType[*slackgo.RateLimitedError](err); ok {
		return &LinkError{Code: "ratelimited", Advice: "Slack opens few sockets in a minute. Wait one, and stop other programs that use this SLACK_APP_TOKEN."}
	}
	return &LinkError{Code: "no connection"}
}

const slackTrouble = "Slack has trouble of its own; slack-status.com says more. Try again in a few minutes."

// openRefused maps Slack's answers to apps.connections.open.
func openRefused(code string) *LinkError {
	e := &LinkError{Code: code, final: true}
	switch code {
	case "invalid_auth", "not_authed", "token_revoked", "token_expired":
		e.Advice = "Slack does not accept SLACK_APP_TOKEN. Make a new app-level token with the scope connections:write under Basic Information, App-Level Tokens."
	case "account_inactive", "app_not_installed":
		e.Advice = "The app is not installed any more. Reinstall it under OAuth & Permissions."
	case "not_allowed_token_type":
		e.Advice = "SLACK_APP_TOKEN is not an app-level token. It starts with xapp- and is under Basic Information, App-Level Tokens."
	case "missing_scope", "no_permission":
		e.Advice = "The app-level token lacks connections:write. Make a new one under Basic Information, App-Level Tokens."
	case "socket_mode_disabled", "method_not_supported", "not_enabled", "forbidden_request":
		e.Advice = "Socket Mode is off. Switch it on under Socket Mode in the app's settings."
	default:
		e.final, e.Advice = false, slackTrouble
	}
	return e
}
