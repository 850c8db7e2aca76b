package discord

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/imaginebridge/imaginebridge/bridge/command"
)

// memberLimit is for asking who somebody is now.
const memberLimit = 10 * time.Second

// Now is a person with the roles and rights that their server gives them at this
// moment, for what they ordered earlier. Whoever left the server is gone. It reports false where Discord does not tell.
func (s *Sink) Now(ctx context.Context, p command.Principal) (command.Principal, bool) {
	if p.Workspace == "" || p.User == "" {
		return p, true
	}
	ctx, cancel := context.WithTimeout(ctx, memberLimit)
	defer cancel()
	var answer struct {
		Roles []flexID `json:"roles"`
	}
	err := s.insist(ctx, fill("GET", routeMember, p.Workspace, p.User), nil, &answer)
	if e, ok := errors.AsType[*Error](err); ok && (e.Status == http.StatusNotFound || e.Status == http.StatusForbidden) {
		p.Roles, p.Manages, p.Gone = nil, false, true
		return p, true
	}
	if err != nil {
		s.log.Warn("roles of a member not known", "guild", p.Workspace, "err", err)
		return p, false
	}
	p.Roles = nil
	for _, r := range answer.Roles {
		p.Roles = append(p.Roles, string(r))
	}
	if _, known := s.ruled(ctx, p.Workspace); !known {
		return p, false
	}
	p.Manages = s.manages(ctx, p.Workspace, p.User, p.Roles)
	return p, true
}
