package main

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/bridge/bus"
	"github.com/imaginebridge/imaginebridge/bridge/command"
	"github.com/imaginebridge/imaginebridge/config"
	"github.com/imaginebridge/imaginebridge/internal/language"
	"github.com/imaginebridge/imaginebridge/sinks/discord"
	"github.com/imaginebridge/imaginebridge/sinks/slack"
)

// tenancy is who the bridge is at work for, as the store has it.
type tenancy struct {
	workspaces []bridge.WorkspaceRecord
	installs   []bridge.Installation
}

func tenants(ctx context.Context, b *bus.Bus) (t tenancy, err error) {
	if t.workspaces, err = b.Workspaces().List(ctx); err != nil {
		return t, err
	}
	t.installs, err = b.Installs().List(ctx)
	return t, err
}

// workplace is one of them, as a check tells of it.
type workplace struct{ bridge.Workplace }

const maxTenants = 50 // that are named one by one

// findings are what there is to say about each, in the order of their names.
func (t tenancy) findings(cfg config.Config, now time.Time) []finding {
	all := bridge.Workplaces(t.workspaces, t.installs)
	var out []finding
	for _, one := range all[:min(len(all), maxTenants)] {
		out = append(out, workplace{one}.finding(cfg, now))
	}
	if n := len(all) - maxTenants; n > 0 {
		out = append(out, finding{Grade: good, Subject: "workspaces", Text: fmt.Sprintf("%d more: the console lists them all.", n)})
	}
	return out
}

func (t workplace) name() string { return cmp.Or(oneSentence(t.Name), t.ID) }

// finding is one place with its state, its agents, what is missing and the next step.
func (t workplace) finding(cfg config.Config, now time.Time) finding {
	f := finding{Grade: good, Subject: t.Platform + " " + t.name()}
	what := "server " + t.ID
	switch {
	case t.Whole:
		what = "organisation " + t.ID
	case t.Platform == command.Discord:
	default:
		what = "workspace " + t.ID
	}
	if since, gone := t.gone(); gone {
		f.Text = what + ": the app was removed" + since + "; its settings are kept."
		f.Remedy = "To go on where it stopped, add the app again: " + t.door(cfg) + "."
		return f
	}
	parts := []string{what + ": " + t.state(), t.connected()}
	if t.Install == nil {
		f.Text = strings.Join(parts, "; ") + "."
		if byFile := t.Platform == command.Slack && !cfg.Slack.BotToken.IsZero(); !byFile { // it is the app's own workspace, served by the file
			f.Remedy = t.next()
		}
		return f
	}
	if end := t.Install.Expires; !end.IsZero() && now.After(end) {
		f.Grade = warning
		parts = append(parts, "its token ended on "+dayOf(end))
		f.Remedy = "A running bridge buys the next one by itself. Where one runs and this stays, install the app again: " + t.door(cfg) + "."
	}
	f.Text = strings.Join(parts, "; ") + "."
	if lacks := slack.NotGranted(language.Speaker{}, t.Install.Scopes); len(lacks) > 0 {
		f.Grade, f.Text = warning, f.Text+" "+strings.Join(lacks, " ")
		f.Remedy = cmp.Or(f.Remedy, "Install the app again and allow it: "+t.door(cfg)+".")
	}
	f.Remedy = cmp.Or(f.Remedy, t.next())
	return f
}

// gone reports a place that the app is no longer in, and since when.
func (t workplace) gone() (since string, gone bool) {
	at, why := t.Gone()
	if at.IsZero() {
		return "", false
	}
	if since = " on " + dayOf(at); why != "" {
		since += " (" + oneSentence(why) + ")"
	}
	return since, true
}

// state says since when the app is there, and by whom.
func (t workplace) state() string {
	text := "the app is there"
	switch {
	case t.Under:
		text += " by the installation of its organisation"
	case !t.Joined.IsZero():
		text += " since " + dayOf(t.Joined)
	}
	if name := oneSentence(t.Installer.Name); name != "" {
		text += ", added by " + name
	}
	return text
}

// connected names the agents that people connected there.
func (t workplace) connected() string {
	var handles []string
	for _, c := range t.Agents {
		handles = append(handles, "@"+c.Handle)
	}
	switch {
	case t.Whole:
		return "each of its workspaces connects its own agents"
	case len(handles) == 0:
		return "no agent connected from there"
	}
	return "connected: " + strings.Join(handles, ", ")
}

// next is what somebody there does next; "" where nothing is missing.
func (t workplace) next() string {
	switch {
	case t.Whole || len(t.Agents) > 0:
		return ""
	case t.Platform == command.Discord && t.Welcomed.IsZero():
		return "It was not welcomed: no channel was open to the app. Let it see and write in one, and send /ia setup there."
	case t.Platform == command.Discord:
		return "Who manages the server sends /ia setup, or presses Set up in the welcome, and connects one."
	}
	return "Somebody there types /ia connect agent, or opens the app's Home."
}

// door is where the app is added.
func (t workplace) door(cfg config.Config) string {
	path := "/slack/install"
	if t.Platform == command.Discord {
		path = discord.InstallPath
	}
	if base := strings.TrimRight(cfg.HTTP.PublicURL, "/"); base != "" {
		return base + path
	}
	if t.Platform != command.Discord && t.Install == nil {
		return "at api.slack.com/apps, Install App"
	}
	return path + " of the running bridge"
}

func dayOf(at time.Time) string { return at.UTC().Format("2 January 2006") }
