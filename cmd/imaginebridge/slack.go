package main

import (
	"context"
	"net/http"
	"time"

	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/bridge/command"
	"github.com/imaginebridge/imaginebridge/sinks/slack"
	"github.com/imaginebridge/imaginebridge/sinks/web"
)

// slackApps makes the Slack app: the configuration's workspace, where there is one,
// and all that installed it.
func (w *wiring) slackApps() (*slack.Apps, error) {
	o := slack.AppsOptions{
		Options: w.slackOptions(), Installs: w.bus.Installs(), Owner: w.bus.Member(),
		Came: w.slackCame, Left: w.slackLeft,
	}
	if s := w.cfg.Slack; s.Installable() && w.cfg.HTTP.PublicURL != "" {
		o.OAuth = &slack.OAuth{
			ClientID: s.ClientID, ClientSecret: s.ClientSecret.Reveal, PublicURL: w.cfg.HTTP.PublicURL, States: w.bus,
			Show: func(out http.ResponseWriter, p slack.Page) {
				err := web.WriteNotice(out, web.Notice{
					Status: p.Status, Language: p.Language, Title: p.Title, Lines: p.Lines, Steps: p.Steps, Link: p.Link, Label: p.Label,
				})
				if err != nil {
					w.log.Error("page not drawn", "err", err)
				}
			},
		}
	}
	return slack.NewApps(o)
}

// slackSigned is what Slack asks for over HTTP, signed.
func (w *wiring) slackSigned() []string {
	if w.cfg.Slack.SigningSecret.IsZero() {
		return nil
	}
	return []string{"/slack/events", "/slack/commands", "/slack/interactions"}
}

// slackPages is what people who install the app ask for.
func (w *wiring) slackPages() []string {
	if !w.cfg.Slack.Installable() || w.cfg.HTTP.PublicURL == "" {
		return nil
	}
	return []string{"/slack/install", "/slack/oauth/callback"}
}

// hearing is what keeps Slack's sockets. Where Slack is heard over HTTP, or not at
// all, it looks now and then whether the token is taken; nil where there is none.
func (w *wiring) hearing(a *slack.Apps) func(context.Context) error {
	switch {
	case w.cfg.Slack.AppToken.IsZero() && w.cfg.Slack.BotToken.IsZero():
		return nil
	case w.cfg.Slack.AppToken.IsZero():
		return func(ctx context.Context) error { return a.Heed(ctx, w.health.slackToken) }
	}
	return func(ctx context.Context) error { return hearSlack(ctx, a) }
}

// slackCame notes that the app is in a workspace.
func (w *wiring) slackCame(ctx context.Context, r bridge.Installation, team string) error {
	_, err := w.bus.Workspaces().Change(ctx, command.Slack, team, func(rec *bridge.WorkspaceRecord) (bool, error) {
		if rec.Left.IsZero() && !rec.Joined.Before(r.Installed) {
			return false, nil
		}
		rec.Joined, rec.Left = time.Now().UTC(), time.Time{}
		rec.Enterprise, rec.Installer = r.Enterprise, r.Installer
		if r.Team == team {
			rec.Name = r.Name
		}
		return true, nil
	})
	return err
}

// slackLeft notes that the app was removed from a workspace, or from all of an
// organisation.
func (w *wiring) slackLeft(ctx context.Context, r bridge.Installation, team string) error {
	if team != bridge.WholeOrganisation {
		return w.left(ctx, r, team)
	}
	all, err := w.bus.Workspaces().List(ctx)
	if err != nil {
		return err
	}
	for _, rec := range all {
		if rec.Platform == command.Slack && rec.Enterprise == r.Enterprise {
			if err := w.left(ctx, r, rec.ID); err != nil {
				return err
			}
		}
	}
	return nil
}

func (w *wiring) left(ctx context.Context, r bridge.Installation, team string) error {
	_, err := w.bus.Workspaces().Change(ctx, command.Slack, team, func(rec *bridge.WorkspaceRecord) (bool, error) {
		at := r.Ended
		if at.IsZero() { // the organisation keeps the app, this workspace does not
			at = time.Now().UTC()
		}
		if rec.Rev == 0 || !rec.Left.IsZero() || rec.Joined.After(at) {
			return false, nil
		}
		rec.Left = at
		return true, nil
	})
	return err
}

// exit is the way out for a subscription: at Slack by its workspace's own
// installation.
func (d door) exit(r bridge.SubscriptionRecord) bridge.Sink {
	apps, ok := d.sink.(*slack.Apps)
	switch {
	case !ok:
		return d.sink
	case bridge.ParseDestination(r.To).Scheme != d.scheme: // another platform's workspace
		return apps.In("")
	}
	return apps.In(r.Workspace)
}
