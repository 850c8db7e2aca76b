package slack

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/imaginebridge/imaginebridge/bridge"
)

// sameTime is how close an event and an installation may be so that their times, of
// two clocks and in whole seconds, do not say which came first: then Slack is asked.
const sameTime = 3 * time.Second

// about reports an event that is about an installation, and not about what happens
// in its workspace. Those of the configuration's own workspace are left to its sink.
func (a *Apps) about(d delivery) bool {
	switch d.Event.Type {
	case "app_uninstalled", "tokens_revoked":
		_, ok := a.meant(d)
		return ok
	case "team_access_granted", "team_access_revoked":
		return true
	}
	return false
}

// meant is the installation that an event is about.
func (a *Apps) meant(d delivery) (bridge.Installation, bool) {
	key := installKey{d.Enterprise, d.TeamID}
	if d.whole || d.TeamID == "" {
		key.team = bridge.WholeOrganisation
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if r, ok := a.all[key]; ok {
		return r, true
	}
	for _, r := range a.all { // the workspace joined an organisation since, or Slack names none
		if r.Team == d.TeamID && !d.whole {
			return r, true
		}
	}
	return bridge.Installation{}, false
}

// changes takes an event that is about an installation. What can't be stored now is
// not acknowledged, and comes again.
func (a *Apps) changes(ctx context.Context, in inbound) ack {
	d := in.event
	r, ok := a.meant(d)
	if !ok || r.App != "" && d.AppID != "" && r.App != d.AppID {
		return ack{}
	}
	switch d.Event.Type {
	case "team_access_granted":
		for _, team := range d.Event.Teams {
			a.met(&grant{apps: a, key: keyOf(r), team: team})
		}
		return ack{}
	case "team_access_revoked":
		a.mu.Lock()
		for _, team := range d.Event.Teams {
			a.gone(seat{keyOf(r), team})
		}
		a.mu.Unlock()
		a.look()
		return ack{}
	}
	c, ok := d.change("")
	if !ok { // a person's token
		return ack{}
	}
	a.log.InfoContext(ctx, "slack reports a change", "kind", string(c.Kind), "reason", c.Reason, "installation", r.String())
	if err := a.end(ctx, keyOf(r), c); err != nil {
		a.log.WarnContext(ctx, "end of an installation not stored", "installation", r.String(), "err", err)
		return ack{again: true}
	}
	return ack{}
}

// end erases an installation's tokens, unless what ended was an earlier one.
func (a *Apps) end(ctx context.Context, key installKey, c Change) error {
	for {
		r, err := a.opt.Installs.Get(ctx, platform, key.enterprise, key.team)
		switch {
		case err != nil:
			return err
		case r.Rev == 0 || !r.Ended.IsZero():
			a.note(r)
			return nil
		case c.At.Before(r.Installed.Add(-sameTime)): // it was installed again since
			return nil
		}
		if unclear := c.At.Before(r.Installed.Add(sameTime)) || c.Kind == Revoked; unclear && r.Bot != "" && a.works(ctx, r.Bot) {
			return nil
		}
		erased := r
		erased.Bot, erased.Refresh, erased.Sealed, erased.Expires, erased.Teams = "", "", "", time.Time{}, nil
		erased.Renewer, erased.Renewal = "", time.Time{}
		erased.Ended, erased.Why = time.Now().UTC(), c.Reason
		erased, err = a.opt.Installs.Put(ctx, erased)
		if errors.Is(err, bridge.ErrFenced) {
			continue
		}
		if err != nil {
			return err
		}
		a.log.InfoContext(ctx, "tokens of an installation erased", "installation", r.String(), "reason", c.Reason)
		a.note(erased)
		return nil
	}
}

// works asks Slack whether a token does. Without an answer it does not count as one
// that does.
func (a *Apps) works(ctx context.Context, token string) bool {
	_, bad := a.desk.whose(ctx, token)
	return bad == nil
}

// withdrawn ends an installation whose token Slack called withdrawn, where no event
// told so.
func (a *Apps) withdrawn(ctx context.Context, key installKey, token, reason string) {
	r, err := a.opt.Installs.Get(ctx, platform, key.enterprise, key.team)
	if err != nil {
		a.log.WarnContext(ctx, "installation not read", "err", err)
		return
	}
	a.note(r)
	if r.Bot != token || a.works(ctx, token) {
		return
	}
	if err := a.end(ctx, key, Change{Kind: Uninstalled, At: time.Now().Add(sameTime), Reason: reason}); err != nil {
		a.log.WarnContext(ctx, "end of an installation not stored", "installation", r.String(), "err", err)
	}
}

// met notes a workspace that an installation turned out to serve.
func (a *Apps) met(g *grant) {
	at := seat{g.key, g.team}
	a.mu.Lock()
	fresh := g.team != "" && !a.told[at] && a.all[g.key].Team == bridge.WholeOrganisation
	if fresh {
		a.told[at], a.owed[at] = true, true
	}
	a.mu.Unlock()
	if fresh {
		a.look()
	}
}

// owe notes that Came or Left is to be told of what an installation serves.
// The caller holds mu.
func (a *Apps) owe(r bridge.Installation) {
	if r.Team != bridge.WholeOrganisation {
		a.owed[seat{keyOf(r), r.Team}] = r.Ended.IsZero()
		return
	}
	if r.Ended.IsZero() {
		return
	}
	a.owed[seat{keyOf(r), bridge.WholeOrganisation}] = false
	for at := range a.told {
		if at.by == keyOf(r) {
			delete(a.told, at)
		}
	}
}

// settle tells Came and Left what they were not told yet, and reports whether that
// is all.
func (a *Apps) settle(ctx context.Context) bool {
	a.mu.Lock()
	var all []seat
	for at := range a.owed {
		all = append(all, at)
	}
	a.mu.Unlock()
	done := true
	for _, at := range all {
		a.mu.Lock()
		came, still := a.owed[at]
		r := a.all[at.by]
		a.mu.Unlock()
		if !still {
			continue
		}
		var err error
		switch {
		case came && a.opt.Came != nil:
			err = a.opt.Came(ctx, r, at.team)
		case !came && a.opt.Left != nil:
			err = a.opt.Left(ctx, r, at.team)
		}
		if err == nil {
			err = a.enlist(ctx, at, came)
		}
		if err != nil {
			a.log.WarnContext(ctx, "workspace not stored", "installation", r.String(), "err", err)
			done = false
			continue
		}
		a.mu.Lock()
		if now, still := a.owed[at]; still && now == came {
			delete(a.owed, at)
		}
		a.mu.Unlock()
	}
	return done
}

// keep settles what is owed and renews tokens in good time, until ctx ends.
func (a *Apps) keep(ctx context.Context) error {
	for {
		again := min(a.renewDue(ctx), a.survey(ctx))
		if !a.settle(ctx) {
			again = min(again, settleAgain)
		}
		t := time.NewTimer(again)
		select {
		case <-a.changed:
		case <-t.C:
		case <-ctx.Done():
			t.Stop()
			return nil
		}
		t.Stop()
	}
}

const settleAgain = 10 * time.Second

// live lists the installations that are there.
func (a *Apps) live() []bridge.Installation {
	a.mu.Lock()
	defer a.mu.Unlock()
	var out []bridge.Installation
	for _, r := range a.all {
		if r.Live() {
			out = append(out, r)
		}
	}
	slices.SortFunc(out, func(x, y bridge.Installation) int { return x.Installed.Compare(y.Installed) })
	return out
}
