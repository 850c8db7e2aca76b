package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/bridge/bus"
	"github.com/imaginebridge/imaginebridge/config"
	"github.com/imaginebridge/imaginebridge/events"
	"github.com/imaginebridge/imaginebridge/internal/imagine"
	"github.com/imaginebridge/imaginebridge/sinks/discord"
	"github.com/imaginebridge/imaginebridge/sinks/slack"
)

// checkTimeout bounds a whole check.
const checkTimeout = 2 * time.Minute

func (p *program) checkCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "check",
		Short: "Say what is wrong with configuration, credentials, permissions and reachability, and what mends it",
		Long: `Walks through configuration, ImagineAnything credentials, clock, Discord and
Slack tokens, intents, scopes and channel permissions, NATS, and the servers and
workspaces that are stored there. For each thing that is wrong it names the click
or line that mends it. It sends nothing.

Exit code: 0 all well, 1 something is wrong outside, 2 wrong configuration.`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx, cancel := context.WithTimeout(cmd.Context(), checkTimeout)
			defer cancel()
			return p.check(ctx)
		},
	}
}

// grade says how much a finding matters.
type grade string

// Grades of findings.
const (
	good    grade = "good"
	warning grade = "warning"
	bad     grade = "bad"
)

// finding is one thing that the check saw.
type finding struct {
	Grade   grade  `json:"grade"`
	Subject string `json:"subject"`
	Text    string `json:"text"`
	Remedy  string `json:"remedy,omitempty"`
}

// checkup prints findings as they come and counts them.
type checkup struct {
	p      *program
	cfg    config.Config
	wiring wiring
	seen   map[grade]int
	clock  bool // said already
}

func (p *program) check(ctx context.Context) error {
	cfg, err := p.load()
	if err != nil {
		return err
	}
	if err := ensureKey(&cfg); err != nil {
		return err
	}
	ring, err := newRing(cfg)
	if err != nil {
		return err
	}
	log := slog.New(slog.DiscardHandler)
	c := &checkup{p: p, cfg: cfg, seen: map[grade]int{}, wiring: wiring{cfg: cfg, keys: ring, log: log, out: io.Discard, version: versionText(), health: newHealth(), workers: &workers{}}}
	for _, n := range cfg.Notices {
		if n.Warning {
			c.say(finding{Grade: warning, Subject: "configuration", Text: n.Text})
		}
	}
	c.say(finding{Grade: good, Subject: "configuration", Text: fmt.Sprintf("%s, %s.", count(len(cfg.Agents), "agent"), count(len(cfg.Subscriptions), "subscription"))})
	c.destinations()
	c.privacy()
	c.imagine(ctx)
	c.discord(ctx)
	c.slack(ctx)
	c.nats(ctx)
	c.sum()
	if c.seen[bad] > 0 {
		return errSilent
	}
	return nil
}

// sum says at last how it went.
func (c *checkup) sum() {
	if c.p.json {
		return
	}
	text := "All well."
	switch broken, doubtful := c.seen[bad], c.seen[warning]; {
	case broken > 0 && doubtful > 0:
		text = count(broken, "thing") + " to mend, " + count(doubtful, "warning") + "."
	case broken > 0:
		text = count(broken, "thing") + " to mend."
	case doubtful > 0:
		text = "Nothing has to be mended; " + count(doubtful, "warning") + "."
	}
	fmt.Fprintf(c.p.out, "\n%s\n", text)
}

func count(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}

// say prints one finding. A clock that is off is off for everybody: it is said
// once.
func (c *checkup) say(f finding) {
	if f.Subject == clockSubject {
		if c.clock {
			return
		}
		c.clock = true
	}
	c.seen[f.Grade]++
	f.Text = sentence(f.Text)
	if c.p.json {
		_ = json.NewEncoder(c.p.out).Encode(f)
		return
	}
	mark := map[grade]string{good: "✓", warning: "!", bad: "✗"}[f.Grade]
	fmt.Fprintf(c.p.out, "%s %s: %s\n", mark, f.Subject, f.Text)
	if f.Remedy != "" {
		fmt.Fprintf(c.p.out, "    → %s\n", f.Remedy)
	}
}

// destinations warns where nothing is sent anywhere.
func (c *checkup) destinations() {
	if len(c.cfg.Subscriptions) == 0 && c.cfg.Discord.BotToken.IsZero() { // in Discord people subscribe for themselves
		c.say(finding{
			Grade: warning, Subject: "subscriptions", Text: "none is configured: events are stored and sent nowhere.",
			Remedy: "Add one to the file, or set DISCORD_CHANNEL_ID or SLACK_CHANNEL_ID.",
		})
	}
}

// privacy warns of direct messages on their way to channels: naming the channel
// in the file is the consent, but it should be meant.
func (c *checkup) privacy() {
	for _, s := range c.cfg.Subscriptions {
		private := false
		for _, pattern := range s.Events {
			private = private || events.MatchPattern(pattern, "message.received")
		}
		if to := bridge.ParseDestination(s.To); private && (to.Scheme == "discord" || to.Scheme == "slack") {
			c.say(finding{
				Grade: warning, Subject: "subscription " + s.Name, Text: "direct messages of " + whose(s.Agents) + " appear in " + to.String() + ".",
				Remedy: "Make sure that everybody in that channel may read them.",
			})
		}
	}
}

// whose names the agents of a subscription for people.
func whose(agents []string) string {
	if slices.Contains(agents, "*") {
		return "every agent"
	}
	return "@" + strings.Join(agents, ", @")
}

// imagine checks each agent's credentials and this machine's clock.
func (c *checkup) imagine(ctx context.Context) {
	site := imagine.NewSite()
	defer site.CloseIdle()
	for _, a := range c.cfg.Agents {
		api, err := c.wiring.client(site, a)
		if err != nil {
			c.say(finding{Grade: bad, Subject: "imagineanything", Text: err.Error()})
			return
		}
		me, err := api.Me(ctx)
		if e, ok := errors.AsType[*imagine.Error](err); ok && e.Status == 0 {
			c.say(finding{Grade: bad, Subject: "imagineanything", Text: err.Error(), Remedy: "Check imagineanything.base_url and this machine's network."})
			return // as it would be for every agent
		}
		c.say(agentFinding(a, me, err))
		if skew, known := api.Skew(); known && !c.clock {
			c.say(clockFinding(api.BaseURL(), skew))
		}
	}
}

// agentFinding says whether an agent's credentials work and are its own.
func agentFinding(a config.Agent, me *imagine.Profile, err error) finding {
	name := a.Handle
	if name == "" {
		name = "agent"
	}
	switch {
	case imagine.IsUnauthorized(err):
		return finding{
			Grade: bad, Subject: name, Text: "ImagineAnything refused these credentials (invalid_client).",
			Remedy: "Check the secret; if it is lost, make a new one in the agent's settings. Other agents keep running.",
		}
	case err != nil:
		return finding{Grade: bad, Subject: name, Text: err.Error(), Remedy: "Check again in a minute, and that imagineanything.base_url is ImagineAnything's."}
	case a.Handle != "" && me.Handle != a.Handle:
		return finding{
			Grade: bad, Subject: name, Text: fmt.Sprintf("these credentials belong to @%s.", me.Handle),
			Remedy: fmt.Sprintf("Write handle: %s, or use the credentials of @%s.", me.Handle, a.Handle),
		}
	}
	return finding{Grade: good, Subject: "@" + me.Handle, Text: fmt.Sprintf("signed in; %d followers, %d posts.", me.FollowerCount, me.PostCount)}
}

const clockSubject = "clock"

// clockFinding says whether this machine's clock can be trusted (B30).
func clockFinding(base string, skew time.Duration) finding {
	host := strings.TrimPrefix(strings.TrimPrefix(base, "https://"), "http://")
	side := "ahead of"
	if skew < 0 {
		side = "behind"
	}
	if skew.Abs() < 30*time.Second {
		return finding{Grade: good, Subject: clockSubject, Text: "agrees with " + host + "."}
	}
	return finding{
		Grade: warning, Subject: clockSubject,
		Text:   fmt.Sprintf("This machine's clock is %s %s %s; signatures and tokens need it right.", roughly(skew.Abs()), side, host),
		Remedy: "Turn on time sync.",
	}
}

// roughly says a span of time as people do: 45 s, 7 min, 3 h.
func roughly(d time.Duration) string {
	switch {
	case d < 2*time.Minute:
		return fmt.Sprintf("%d s", d.Round(time.Second)/time.Second)
	case d < 2*time.Hour:
		return fmt.Sprintf("%d min", d.Round(time.Minute)/time.Minute)
	}
	return fmt.Sprintf("%d h", d.Round(time.Hour)/time.Hour)
}

// places are the destinations of one scheme that subscriptions send to.
func (c *checkup) places(scheme string) []bridge.Destination {
	var out []bridge.Destination
	for _, s := range c.cfg.Subscriptions {
		if to := bridge.ParseDestination(s.To); to.Scheme == scheme {
			out = append(out, to)
		}
	}
	return out
}

func (c *checkup) discord(ctx context.Context) {
	if c.cfg.Discord.BotToken.IsZero() {
		return
	}
	sink, err := c.wiring.discord()
	if err != nil {
		c.say(finding{Grade: bad, Subject: "discord", Text: err.Error()})
		return
	}
	var channels []string
	for _, to := range c.places("discord") {
		channels = append(channels, to.Place)
	}
	for _, f := range c.discordFindings(ctx, sink, channels) {
		grades := map[discord.Level]grade{discord.Fine: good, discord.Warning: warning, discord.Failure: bad}
		c.say(finding{Grade: grades[f.Level], Subject: f.Subject, Text: f.Problem, Remedy: f.Remedy})
	}
	if link := inviteLink(ctx, sink); link != "" && len(channels) == 0 {
		c.say(finding{
			Grade: good, Subject: "discord", Text: "the configuration names no channel; people can subscribe theirs in Discord.",
			Remedy: "Add the app to your server: " + link + " Then press Set up in its welcome, or send /ia setup.",
		})
	}
}

func (c *checkup) slack(ctx context.Context) {
	c.installable()
	if c.cfg.Slack.BotToken.IsZero() {
		return
	}
	sink, err := slack.New(c.wiring.slackOptions())
	if err != nil {
		c.say(finding{Grade: bad, Subject: "slack", Text: err.Error()})
		return
	}
	for _, f := range c.slackFindings(ctx, sink) {
		grades := map[slack.Level]grade{slack.Good: good, slack.Notice: warning, slack.Problem: bad}
		c.say(finding{Grade: grades[f.Level], Subject: f.Subject, Text: f.Problem, Remedy: f.Remedy})
	}
}

// nats checks the store: as a guest where a bridge is at work, which is not
// disturbed by it, else by opening it as a bridge would.
func (c *checkup) nats(ctx context.Context) {
	b, err := c.p.openGuest(ctx, c.cfg, c.wiring.log)
	running := err == nil && c.cfg.NATS.URL == ""
	if e, ok := errors.AsType[*bus.StateError](err); errors.Is(err, errNotRunning) || ok && e.State == bus.Mismatch {
		b, err = openBus(ctx, c.cfg, c.wiring.keys, c.wiring.log)
	}
	if errors.Is(err, errNoPort) {
		c.say(finding{Grade: warning, Subject: "nats", Text: "a bridge runs on this data folder and opens no NATS port (nats.listen: off), so its store can't be seen from here."})
		return
	}
	if err != nil {
		c.say(finding{Grade: bad, Subject: "nats", Text: err.Error()})
		return
	}
	var here tenancy
	info, err := b.Info(ctx)
	if err == nil {
		err = b.TryKey(ctx, c.wiring.keys)
	}
	if err == nil {
		here, err = tenants(ctx, b)
	}
	if closing := c.closeBus(ctx, b); err == nil {
		err = closing
	}
	if err != nil {
		c.say(finding{Grade: bad, Subject: "nats", Text: err.Error()})
		return
	}
	if running {
		info.Embedded, info.Sync = true, c.cfg.NATS.Sync.String()
	}
	c.say(natsFinding(info, running))
	for _, f := range here.findings(c.cfg, time.Now()) {
		c.say(f)
	}
}

// sentence makes sure that a text ends like one.
func sentence(text string) string {
	if strings.HasSuffix(text, ".") || strings.HasSuffix(text, "?") {
		return text
	}
	return text + "."
}

// natsFinding says what the store is, and warns where a power cut costs more than
// a second.
func natsFinding(info bus.Info, running bool) finding {
	where := "at " + info.URL
	switch {
	case running:
		where = "embedded in the running bridge"
	case info.Embedded:
		where = "embedded"
	}
	f := finding{Grade: good, Subject: "nats", Text: fmt.Sprintf("%s %s, flushed to disk: %s.", info.Version, where, info.Sync)}
	every, err := time.ParseDuration(info.Sync)
	switch {
	case info.Sync == "":
		f.Text = fmt.Sprintf("%s %s; how often it flushes to disk can't be seen from here.", info.Version, where)
	case err == nil && every > time.Second:
		f.Grade = warning
		f.Remedy = "A power cut can repeat or forget what happened in that time; nats.sync: 1s or always makes it shorter."
	}
	return f
}

func (c *checkup) closeBus(ctx context.Context, b *bus.Bus) error {
	ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTimeout)
	defer cancel()
	return b.Close(ending)
}
