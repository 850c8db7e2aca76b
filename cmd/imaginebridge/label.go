package main

import (
	"context"
	"net/http"
	"strings"

	"github.com/imaginebridge/imaginebridge/bridge/command"
)

// label is how people know somebody whom the access lists name: a role of
// Discord or a user group of Slack by its name. Others are not asked for.
func (w *wiring) label(ctx context.Context, p command.Principal, listed string) string {
	if group, ok := strings.CutPrefix(listed, command.Slack+":group:"); ok && w.slackSink != nil && p.Platform == command.Slack {
		return w.slackSink.GroupName(ctx, p.Workspace, group)
	}
	role, ok := strings.CutPrefix(listed, command.Discord+":role:")
	if !ok || w.discordSink == nil || p.Workspace == "" {
		return ""
	}
	return w.discordSink.RoleName(ctx, p.Workspace, role)
}

// groups are those of some user groups of Slack that a person is in now. A process
// that knows nothing of Slack leaves it to one that does.
func (w *wiring) groups(ctx context.Context, p command.Principal, ids []string) ([]string, error) {
	if w.slackSink == nil {
		return nil, &command.Problem{Code: http.StatusServiceUnavailable, Status: command.GroupsUnknown, Message: "This process knows nothing of Slack's user groups.", Hint: "Send it again in a minute."}
	}
	return w.slackSink.Groups(ctx, p, ids)
}
