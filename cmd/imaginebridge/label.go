package main

import (
	"context"
	"strings"

	"github.com/imaginebridge/imaginebridge/bridge/command"
)

// label is how people know somebody whom the access lists name: a role of
// Discord by its name. Others are not asked for.
func (w *wiring) label(ctx context.Context, p command.Principal, listed string) string {
	role, ok := strings.CutPrefix(listed, command.Discord+":role:")
	if !ok || w.discordSink == nil || p.Workspace == "" {
		return ""
	}
	return w.discordSink.RoleName(ctx, p.Workspace, role)
}
