package slack

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	slackgo "github.com/slack-go/slack"
	"github.com/slack-go/slack/socketmode"

	"github.com/imaginebridge/imaginebridge/bridge"
)

// Level says how much a finding matters.
type Level string

// Levels of findings.
const (
	Good    Level = "good"
	Notice  Level = "notice"  // works, and could do more
	Problem Level = "problem" // does not work
)

// Finding is one thing that the check found.
type Finding struct {
	Level   Level
	Subject string // what was looked at: "slack bot token", "slack channel C0123456789"
	Problem string // what is wrong, or what is well
	Remedy  string // the click that mends it; "" where there is nothing to do
}

// Check looks at everything that this sink needs for the given destinations:
// tokens, scopes, channels, the socket. It posts nothing. Findings come in the
// order of looking; an empty list is not possible.
func (s *Sink) Check(ctx context.Context, to []bridge.Destination) []Finding {
	who, f := s.web.whoAmI(ctx)
	if f != nil {
		return append([]Finding{s.broken("slack bot token", f, "")}, s.checkSocket(ctx)...)
	}
	out := []Finding{{Level: Good, Subject: "slack bot token", Problem: "works in the workspace " + oneLine(who.Team)}}
	if off := s.web.ahead().Round(time.Second); off.Abs() > clockSlack {
		out = append(out, Finding{
			Level: Problem, Subject: "clock", Problem: fmt.Sprintf("This machine's clock is %s off Slack's.", off.Abs()),
			Remedy: "Switch on time synchronisation (NTP).",
		})
	}
	out = append(out, checkScopes(s.web.known())...)
	out = append(out, checkAnswers(s.web.known()))
	for _, d := range to {
		out = append(out, s.CheckChannel(ctx, d.Place))
	}
	return append(out, s.checkSocket(ctx)...)
}

// broken is the finding of a call that went wrong.
func (s *Sink) broken(subject string, f *fault, where string) Finding {
	out := Finding{Level: Problem, Subject: subject, Problem: "Slack refuses it: " + f.code + ".", Remedy: f.advice(where)}
	switch {
	case f.pause > 0: // a busy bridge is no broken one
		out.Level, out.Problem = Notice, fmt.Sprintf("Slack asks for a pause of %s, so this was not looked at.", f.pause.Round(time.Second))
		out.Remedy = "Check again after it."
	case f.paced != nil:
		out.Level, out.Problem, out.Remedy = Notice, "Slack's limit did not let this be looked at in time.", "Check again in a minute."
	case f.code == "" && f.status == 0:
		out.Problem, out.Remedy = "Slack does not answer: "+f.reason+".", s.reachRemedy()
	case f.code == "":
		out.Problem = fmt.Sprintf("Slack's address answers with HTTP status %d.", f.status)
	}
	return out
}

func (s *Sink) reachRemedy() string {
	return "Check slack.api_url, the network and the proxy on the way to " + s.web.origin.Host + "."
}

// checkScopes compares what was granted with the table.
func checkScopes(granted []string) []Finding {
	const subject = "slack permissions"
	if granted == nil {
		return []Finding{{
			Level: Notice, Subject: subject, Problem: "Slack did not say which permissions the bot token has.",
			Remedy: "Compare them with deploy/slack under OAuth & Permissions, and look whether a proxy drops the header X-OAuth-Scopes.",
		}}
	}
	var needed, useful []Finding
	more := map[string][]string{} // scopes that could be granted, by what they give
	for _, sc := range scopes() {
		switch {
		case slices.Contains(granted, sc.name):
		case sc.gives != "":
			more[sc.gives] = append(more[sc.gives], sc.name)
		default:
			needed = append(needed, Finding{Level: Problem, Subject: subject, Problem: "The app lacks " + sc.name + ".", Remedy: addScope(sc.name) + "."})
		}
	}
	for _, sc := range scopes() {
		if names := more[sc.gives]; len(names) > 0 {
			delete(more, sc.gives)
			list := strings.Join(names, ", ")
			useful = append(useful, Finding{
				Level: Notice, Subject: subject, Problem: "The app may not use " + list + ".", Remedy: addScope(list) + ", so that " + sc.gives + ".",
			})
		}
	}
	if len(needed) == 0 {
		needed = []Finding{{Level: Good, Subject: subject, Problem: "all that is needed: " + strings.Join(granted, ", ")}}
	}
	return append(needed, useful...)
}

func addScope(names string) string {
	return "Add " + names + " under OAuth & Permissions, Bot Token Scopes, and reinstall the app to the workspace"
}

// checkAnswers says where the app reads what people type in threads, and which
// ways are left where it does not.
func checkAnswers(granted []string) Finding {
	const subject = "slack answers in threads"
	var read, unread, names []string
	for _, place := range []struct{ scope, name string }{
		{scopeHistory, "public channels"}, {scopePrivateHistory, "private channels"}, {scopeDirectHistory, "direct messages"},
	} {
		if slices.Contains(granted, place.scope) {
			read = append(read, place.name)
			continue
		}
		unread, names = append(unread, place.name), append(names, place.scope)
	}
	if len(unread) == 0 {
		return Finding{Level: Good, Subject: subject, Problem: "read in " + strings.Join(read, ", ")}
	}
	left := "the card's buttons, the message shortcut Reply on ImagineAnything, and /ia"
	if slices.Contains(granted, scopeMentions) {
		left = "naming the app (@ImagineBridge …), " + left
	}
	said := "not read in " + strings.Join(unread, ", ")
	if len(read) > 0 {
		said = "read in " + strings.Join(read, ", ") + "; " + said
	}
	return Finding{
		Level: Notice, Subject: subject, Problem: said + ". There people answer by " + left + ".",
		Remedy: addScope(strings.Join(names, ", ")) + ".",
	}
}

// CheckChannel looks whether the app can write to a channel. Slack tells it only
// to apps that may read about channels, or their history.
func (s *Sink) CheckChannel(ctx context.Context, where string) Finding {
	subject := "slack channel " + where
	if problem := PlaceProblem(where); problem != "" {
		return Finding{Level: Problem, Subject: "slack:" + where, Problem: "This is not a channel's ID.", Remedy: problem}
	}
	info, f := s.channelInfo(ctx, where)
	if f != nil && f.code == "missing_scope" {
		return s.checkHistory(ctx, subject, where)
	}
	if f != nil {
		return s.broken(subject, f, where)
	}
	name := "#" + oneLine(info.Name)
	if info.IsIM {
		name = "the direct conversation"
	}
	open := slices.Contains(s.web.known(), "chat:write.public") && !info.IsPrivate
	switch {
	case info.IsArchived:
		return Finding{Level: Problem, Subject: subject, Problem: name + " is archived.", Remedy: "Unarchive it, or choose another channel."}
	case !info.IsMember && !info.IsIM && !open:
		return Finding{Level: Problem, Subject: subject, Problem: "I'm not in " + name + ".", Remedy: inviteRemedy}
	}
	return Finding{Level: Good, Subject: subject, Problem: "the app can write to " + name}
}

const inviteRemedy = "Type /invite @ImagineBridge there."

// checkHistory asks for one message, which only members are shown.
func (s *Sink) checkHistory(ctx context.Context, subject, where string) Finding {
	f := s.paced(ctx, call{method: methodHistory}, func(ctx context.Context, api *slackgo.Client) error {
		_, err := api.GetConversationHistoryContext(ctx, &slackgo.GetConversationHistoryParameters{ChannelID: where, Limit: 1})
		return err
	})
	switch {
	case f == nil:
		return Finding{Level: Good, Subject: subject, Problem: "the app is in the channel"}
	case f.code == "not_in_channel":
		return Finding{Level: Problem, Subject: subject, Problem: "I'm not in " + where + ".", Remedy: inviteRemedy}
	case f.code == "missing_scope" || f.paced != nil:
		return Finding{
			Level: Notice, Subject: subject, Problem: "I can't see whether the app is in the channel.",
			Remedy: "Type /invite @ImagineBridge there to be sure. With channels:read (groups:read for private channels) the check could see it.",
		}
	}
	return s.broken(subject, f, where)
}

func (s *Sink) channelInfo(ctx context.Context, where string) (*slackgo.Channel, *fault) {
	var info *slackgo.Channel
	f := s.paced(ctx, call{method: methodInfo}, func(ctx context.Context, api *slackgo.Client) error {
		var err error
		if info, err = api.GetConversationInfoContext(ctx, &slackgo.GetConversationInfoInput{ChannelID: where}); err == nil && info.ID == "" {
			return errPoor
		}
		return err
	})
	if f != nil && f.paced != nil {
		f.reason = "waits for Slack's limit"
	}
	return info, f
}

// checkSocket opens a socket and drops it when Slack greets.
func (s *Sink) checkSocket(ctx context.Context) []Finding {
	const subject = "slack socket mode"
	if s.opt.AppToken() == "" && s.opt.SigningSecret != nil && s.opt.SigningSecret() != "" {
		return []Finding{{Level: Good, Subject: subject, Problem: "off: Slack sends signed requests to /slack/events, /slack/commands and /slack/interactions"}}
	}
	if s.opt.AppToken() == "" {
		return []Finding{{
			Level: Notice, Subject: subject, Problem: "SLACK_APP_TOKEN is not set: messages go out, nothing comes in.",
			Remedy: "Make an app-level token with connections:write under Basic Information, App-Level Tokens.",
		}}
	}
	if err := s.greet(ctx); err != nil {
		return []Finding{{
			Level: Problem, Subject: subject, Problem: "No socket could be opened: " + err.Code + ".",
			Remedy: cmp.Or(err.Advice, s.reachRemedy()),
		}}
	}
	return []Finding{{Level: Good, Subject: subject, Problem: "a connection could be opened"}}
}

// greet connects once and returns when Slack said hello.
func (s *Sink) greet(ctx context.Context) *LinkError {
	ctx, cancel := context.WithTimeout(ctx, s.opt.Timeout)
	defer cancel()
	client := socketmode.New(s.web.api(), socketmode.OptionDialer(s.dialer()), socketmode.OptionReadLimit(socketLimit), socketmode.OptionLog(silent{}))
	ended := make(chan error, 1)
	go func() { ended <- client.RunContext(ctx) }()
	result := &LinkError{Code: "nobody answers", Advice: s.reachRemedy()}
	for {
		select {
		case e := <-client.Events:
			switch failed, isError := e.Data.(*slackgo.ConnectionErrorEvent); {
			case ctx.Err() != nil: // decided: what follows is only the end
			case e.Type == socketmode.EventTypeHello:
				result = nil
				cancel()
			case isError:
				result = linkError(failed.ErrorObj)
				cancel()
			}
		case err := <-ended:
			drain(client.Events)
			if _, refused := errors.AsType[slackgo.SlackErrorResponse](err); refused && result != nil {
				return linkError(err)
			}
			return result
		}
	}
}
