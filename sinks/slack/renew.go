package slack

import (
	"context"
	"errors"
	"strings"
	"time"

	slackgo "github.com/slack-go/slack"

	"github.com/imaginebridge/imaginebridge/bridge"
)

// Tokens that rotate live for twelve hours (Slack docs: "Token rotation").
const (
	renewAhead  = time.Hour        // before its end a token is renewed in the background
	renewInTime = 10 * time.Minute // before its end a call waits for the renewal
	lastMoment  = 30 * time.Second // before its end a token counts as dead
	renewAlone  = 45 * time.Second // one process has so long to renew a token
	renewAgain  = time.Minute      // after an attempt that failed
	keepPair    = 10 * time.Minute // to store what was bought: it can't be bought twice
	leaseLook   = 250 * time.Millisecond

	methodOAuth = "oauth.v2.access"
)

var (
	errEnded  = errors.New("the app is not installed there any more")
	errNoPair = errors.New("slack does not know the refresh token any more: the app has to be installed anew")
)

// renewal is one under way.
type renewal struct {
	done chan struct{}
	err  error // set before done is closed
}

// renew makes an installation's token last, and returns when that is done, whoever
// did it, or ctx ends. What was begun is finished either way.
func (a *Apps) renew(ctx context.Context, key installKey) error {
	a.mu.Lock()
	run := a.renewing[key]
	if run == nil {
		run = &renewal{done: make(chan struct{})}
		a.renewing[key] = run
		free := context.WithoutCancel(ctx)
		a.front.late.Go(func() {
			ctx, cancel := context.WithTimeout(free, renewAlone)
			defer cancel()
			run.err = a.buy(ctx, key)
			a.mu.Lock()
			delete(a.renewing, key)
			a.mu.Unlock()
			close(run.done)
		})
	}
	a.mu.Unlock()
	select {
	case <-run.done:
		return run.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// buy exchanges a refresh token for the next pair, as the only process at that time.
func (a *Apps) buy(ctx context.Context, key installKey) error {
	for {
		r, err := a.opt.Installs.Get(ctx, platform, key.enterprise, key.team)
		if err != nil {
			return err
		}
		a.note(r)
		doubted := a.doubted(r)
		switch left := time.Until(r.Expires); {
		case !r.Live():
			return errEnded
		case r.Refresh == "" || a.hopeless(r):
			return errNoPair
		case !doubted && left > renewAhead:
			return nil // another was quicker
		case r.Renewer != "" && r.Renewer != a.opt.Owner && time.Now().Before(r.Renewal):
			if !doubted && left > lastMoment {
				return nil // another is at it, and the old one works that long
			}
			if !sleep(ctx, leaseLook) {
				return ctx.Err()
			}
			continue
		}
		r.Renewer, r.Renewal = a.opt.Owner, time.Now().Add(renewAlone).UTC()
		r, err = a.opt.Installs.Put(ctx, r)
		if errors.Is(err, bridge.ErrFenced) {
			continue
		}
		if err != nil {
			return err
		}
		a.note(r)
		return a.exchange(ctx, r)
	}
}

// exchange buys the pair and stores it before anybody uses it. Where the answer was
// lost it asks again with the same token: Slack takes it as long as nobody has seen
// what it gave for it.
func (a *Apps) exchange(ctx context.Context, r bridge.Installation) error {
	for try := 0; ; try++ {
		got, bad := a.desk.access(ctx, func(ctx context.Context, c *oauthClient) (*slackgo.OAuthV2Response, error) {
			return slackgo.RefreshOAuthV2TokenContext(ctx, c.http, c.id, c.secret, r.Refresh, c.at)
		})
		switch {
		case bad == nil && got.AccessToken != "" && got.RefreshToken != "":
			next := r
			next.Bot, next.Refresh, next.Expires = got.AccessToken, got.RefreshToken, expiry(got)
			if got.Scope != "" {
				next.Scopes = strings.Split(got.Scope, ",")
			}
			return a.stored(ctx, r, next)
		case bad == nil:
			return a.release(ctx, r, errPoor)
		case bad.code == "invalid_refresh_token" || bad.code == "invalid_grant":
			a.mu.Lock()
			a.hopelessOf[keyOf(r)] = r.Refresh
			a.mu.Unlock()
			a.log.ErrorContext(ctx, "a token can't be renewed: install the app again in this workspace", "installation", r.String(), "err", bad)
			return a.release(ctx, r, errNoPair)
		case try == 2 || bad.code != "" && !bad.transient() && bad.verdict(reading) != bridge.Retry:
			return a.release(ctx, r, bad)
		}
		if !sleep(ctx, max(bad.pause, time.Second<<try)) {
			return a.release(ctx, r, bad)
		}
	}
}

// stored keeps a new pair. Where the installation changed meanwhile, what it changed
// to counts, unless it still has the old pair.
func (a *Apps) stored(ctx context.Context, old, next bridge.Installation) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), keepPair)
	defer cancel()
	next.Renewer, next.Renewal = "", time.Time{}
	for try := 0; ; try++ {
		r, err := a.opt.Installs.Put(ctx, next)
		if err == nil {
			a.note(r)
			a.log.InfoContext(ctx, "token renewed", "installation", r.String(), "expires", r.Expires)
			return nil
		}
		if errors.Is(err, bridge.ErrFenced) {
			var now bridge.Installation
			if now, err = a.opt.Installs.Get(ctx, platform, old.Enterprise, old.Team); err == nil {
				if !now.Live() || now.Refresh != old.Refresh {
					a.note(now)
					return nil
				}
				next.Rev, next.Teams = now.Rev, now.Teams
				continue
			}
		}
		if try == 0 {
			a.log.WarnContext(ctx, "a renewed token is not stored yet, trying again", "installation", old.String(), "err", err)
		}
		if !sleep(ctx, time.Second) {
			return err
		}
	}
}

// release lets another process try, and returns why.
func (a *Apps) release(ctx context.Context, r bridge.Installation, why error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), recordTime)
	defer cancel()
	r.Renewer, r.Renewal = "", time.Time{}
	if r, err := a.opt.Installs.Put(ctx, r); err == nil { // else the time does it
		a.note(r)
	}
	return why
}

// doubted reports that Slack called the token expired before its time.
func (a *Apps) doubted(r bridge.Installation) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return r.Bot != "" && a.doubts[keyOf(r)] == r.Bot
}

// hopeless reports a refresh token that Slack does not take any more.
func (a *Apps) hopeless(r bridge.Installation) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return r.Refresh != "" && a.hopelessOf[keyOf(r)] == r.Refresh
}

// renewDue renews what comes to its end, and says when to look again.
func (a *Apps) renewDue(ctx context.Context) time.Duration {
	next := 24 * time.Hour
	for _, r := range a.live() {
		if r.Expires.IsZero() || r.Refresh == "" || a.hopeless(r) {
			continue
		}
		due := time.Until(r.Expires) - renewAhead
		if due <= 0 {
			due = renewAgain
			if err := a.renew(ctx, keyOf(r)); err != nil && ctx.Err() == nil {
				a.log.WarnContext(ctx, "token not renewed yet", "installation", r.String(), "err", err, "retry_in", renewAgain)
			}
			if r = a.record(keyOf(r)); time.Until(r.Expires) > renewAhead {
				due = time.Until(r.Expires) - renewAhead
			}
		}
		next = min(next, due)
	}
	return max(next, time.Second)
}

// expiry is when a token ends; zero for never.
func expiry(r *slackgo.OAuthV2Response) time.Time {
	if r.ExpiresIn <= 0 {
		return time.Time{}
	}
	return time.Now().Add(time.Duration(r.ExpiresIn) * time.Second).UTC()
}
