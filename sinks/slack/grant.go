package slack

import (
	"context"
	"time"

	"github.com/imaginebridge/imaginebridge/bridge"
)

// grant is what a sink knows of the installation that it speaks for.
type grant struct {
	apps *Apps
	key  installKey
	team string // the workspace that it speaks in
}

func (g *grant) record() bridge.Installation { return g.apps.record(g.key) }

func (g *grant) token() string { return g.record().Bot }

// self is who the token speaks for and what it may do, as far as the store knows.
func (g *grant) self() (identity, []string) {
	r := g.record()
	return identity{UserID: r.BotUser, BotID: r.BotID, TeamID: g.team, Team: r.Name}, r.Scopes
}

// manages reports who may do everything in the workspace: who installed the app, and
// whoever the bridge says.
func (g *grant) manages(team, user string) bool {
	by := g.record().Installer
	return user != "" && by.ID == user || g.apps.opt.Manages != nil && g.apps.opt.Manages(team, user)
}

// hears reports that an app is the one that is installed here.
func (g *grant) hears(app string) bool {
	own := g.record().App
	return app == "" || own == "" || app == own
}

// ready makes the token good for a call, and is the fault where it can't be.
func (g *grant) ready(ctx context.Context, method string) *fault {
	r := g.record()
	if !r.Live() {
		return &fault{method: method, code: "account_inactive"} // as Slack would say
	}
	doubted := g.apps.doubted(r)
	if !doubted && (r.Expires.IsZero() || time.Until(r.Expires) > renewInTime) {
		return nil
	}
	err := g.apps.renew(ctx, g.key)
	switch r = g.record(); {
	case err == nil && r.Live():
		return nil
	case !r.Live():
		return &fault{method: method, code: "account_inactive"}
	case !doubted && time.Until(r.Expires) > lastMoment:
		return nil // it still works
	case g.apps.hopeless(r):
		return &fault{method: method, code: "token_expired"}
	}
	return &fault{method: method, reason: "the token has run out and could not be renewed"}
}

// judge looks at how a call with a token ended. One that ran out is renewed before
// the next; of one that Slack withdrew the record is ended too, unless it has another
// by now.
func (g *grant) judge(ctx context.Context, token string, bad *fault) *fault {
	if bad == nil {
		return nil
	}
	r := g.record()
	switch bad.code {
	case "token_expired":
		if r.Refresh != "" {
			g.apps.mu.Lock()
			g.apps.doubts[g.key] = token
			g.apps.mu.Unlock()
			return &fault{method: bad.method, reason: "the token has run out and is renewed"}
		}
	case "account_inactive", "token_revoked":
		if r.Bot != token && r.Live() {
			return &fault{method: bad.method, reason: "the token was replaced meanwhile"}
		}
		if r.Bot == token && bad.method != methodAuth {
			g.apps.front.after(ctx, func(ctx context.Context) { g.apps.withdrawn(ctx, g.key, token, bad.code) })
		}
	}
	return bad
}
