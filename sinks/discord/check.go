package discord

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/imaginebridge/imaginebridge/bridge"
)

// Finding is one thing that a check saw.
type Finding struct {
	Level   Level
	Subject string // "discord", "#alerts", "DISCORD_BOT_TOKEN"
	Problem string // what is wrong; of a Fine finding, what is right
	Remedy  string // what to do and where to click, "" where nothing is to be done
}

// Level says how much a finding matters.
type Level int

// Levels of findings.
const (
	Fine    Level = iota
	Warning       // works, but not all of it
	Failure       // does not work until it is mended
)

// String names the level.
func (l Level) String() string {
	switch l {
	case Fine:
		return "fine"
	case Warning:
		return "warning"
	case Failure:
		return "failure"
	}
	return "unknown"
}

const (
	maxSkew       = 30 * time.Second
	contentFlags  = 1<<18 | 1<<19 // of an application: Message Content is switched on (docs, "Application Flags")
	intentsRemedy = "Enable Message Content in Developer Portal → Bot → Privileged Gateway Intents, or set message_content: false."
	botTokenShape = "DISCORD_BOT_TOKEN does not look like a bot token (three parts with dots)." //nolint:gosec // words about it
	resetRemedy   = "Copy it from Developer Portal → Bot → Reset Token."
)

// Check asks Discord about token, application, intents, clock, gateway and each
// channel (ids), and names what is wrong with the click that mends it. It only
// reads. What it could not ask is a finding too.
func (s *Sink) Check(ctx context.Context, channels ...string) []Finding {
	c := &checkup{Sink: s, guilds: map[flexID]*guildView{}}
	if !looksLikeToken(s.rest.token()) {
		return append(c.found, Finding{Failure, "DISCORD_BOT_TOKEN", botTokenShape, resetRemedy})
	}
	if !c.identity(ctx) {
		return c.found
	}
	c.clock()
	c.application(ctx)
	c.gateway(ctx)
	for i, id := range channels {
		if !slices.Contains(channels[:i], id) {
			c.channel(ctx, id)
		}
	}
	return c.found
}

// Probe implements bridge.Prober: it reads the channel, which harms nobody.
func (s *Sink) Probe(ctx context.Context, to bridge.Destination) error {
	return s.rest.do(ctx, fill("GET", "/channels/{channel}", to.Place), nil, nil)
}

// looksLikeToken knows a bot token from what people paste by mistake.
func looksLikeToken(token string) bool {
	parts := strings.Split(token, ".")
	return len(parts) == 3 && !slices.Contains(parts, "") && !strings.ContainsAny(token, " \t\n\"'")
}

// checkup is one Check under way.
type checkup struct {
	*Sink
	found  []Finding
	me     flexID
	guilds map[flexID]*guildView
}

func (c *checkup) add(l Level, subject, problem, remedy string) {
	c.found = append(c.found, Finding{l, subject, problem, remedy})
}

func (c *checkup) get(ctx context.Context, out any, route string, ids ...string) error {
	call := fill("GET", route, ids...)
	call.probe = true
	return c.rest.do(ctx, call, nil, out)
}

// identity learns who the token is. Without that nothing else can be asked.
func (c *checkup) identity(ctx context.Context) bool {
	var me struct {
		ID       flexID `json:"id"`
		Username string `json:"username"`
		Bot      bool   `json:"bot"`
	}
	if err := c.get(ctx, &me, "/users/@me"); err != nil {
		c.unanswered("discord", err)
		return false
	}
	c.me = me.ID
	c.add(Fine, "discord", "connected as "+plain(me.Username, maxLabel), "")
	return true
}

// unanswered is the finding of a request that failed.
func (c *checkup) unanswered(subject string, err error) {
	e, ok := errors.AsType[*Error](err)
	switch {
	case ok && e.Status == http.StatusUnauthorized:
		c.add(Failure, "DISCORD_BOT_TOKEN", "Discord refuses this bot token (401).", resetRemedy)
	case ok && e.Edge:
		c.add(Failure, subject, "Discord's network refuses this address for now.", "Wait "+roughly(e.After)+"; too many refused requests came from here.")
	case ok && (e.Held || e.Status == http.StatusTooManyRequests): // a busy bridge is no broken one
		c.add(Warning, subject, "Discord asks for a pause of "+pauseOf(e)+", so this was not looked at.", "Check again after it.")
	default:
		c.add(Failure, subject, fmt.Sprintf("%s did not answer as expected: %s.", c.rest.base.Host, strings.TrimRight(err.Error(), ".")), "Check the network and discord.api_url.")
	}
}

// pauseOf is how long Discord asks to wait, in whole seconds and never none.
func pauseOf(e *Error) string {
	return strconv.Itoa(max(1, int(math.Ceil(e.After.Seconds())))) + " s"
}

func (c *checkup) clock() {
	if skew := c.rest.ahead(); skew.Abs() > maxSkew {
		way := "behind"
		if skew < 0 {
			way = "ahead of"
		}
		c.add(Warning, "clock", fmt.Sprintf("This machine's clock is %s %s Discord's.", roughly(skew.Abs()), way), "Turn on time sync.")
	}
}

// roughly is a span for people; the Date header is no more exact.
func roughly(d time.Duration) string {
	if d < 2*time.Minute {
		return fmt.Sprintf("%d s", int(d.Round(10*time.Second).Seconds()))
	}
	return fmt.Sprintf("%d min", int(d.Round(time.Minute).Minutes()))
}

func (c *checkup) application(ctx context.Context) {
	var app struct {
		ID       flexID `json:"id"`
		Flags    int    `json:"flags"`
		Endpoint string `json:"interactions_endpoint_url"`
	}
	if err := c.get(ctx, &app, "/applications/@me"); err != nil {
		c.unanswered("application", err)
		return
	}
	if want := c.o.ApplicationID; want != "" && want != string(app.ID) {
		c.add(Failure, "DISCORD_APPLICATION_ID", fmt.Sprintf("It is %s, but the token belongs to application %s.", short(want), app.ID),
			"Copy the Application ID from Developer Portal → General Information, or leave it empty.")
	}
	on := app.Flags&contentFlags != 0
	switch {
	case c.o.MessageContent && !on:
		c.add(Failure, "message_content", "The intent Message Content is asked for, but switched off in the portal: Discord would close the gateway with 4014.", intentsRemedy)
	case c.o.MessageContent:
		c.add(Fine, "message_content", "on: replies in threads are read as they are typed", "")
	default:
		c.add(Fine, "message_content", "off: people answer by mention, reply with ping, button or the message menu", "")
	}
	switch {
	case app.Endpoint != "" && c.key != nil:
		c.add(Fine, "interactions", "by HTTP, at the application's Interactions Endpoint URL", "")
	case app.Endpoint != "":
		c.add(Warning, "interactions", "The application has an Interactions Endpoint URL, so buttons and commands do not come by the gateway.",
			"Clear it in Developer Portal → General Information, or set DISCORD_PUBLIC_KEY to take them by HTTP.")
	}
}

func (c *checkup) gateway(ctx context.Context) {
	bot, err := c.advised(ctx)
	if err != nil {
		c.unanswered("gateway", err)
		return
	}
	if _, err := parseGateway(bot.URL, c.rest.base); err != nil {
		c.add(Failure, "gateway", "Its address is refused: it must begin with wss:// (ws:// only on this machine).", "Check discord.api_url.")
	}
	if left := bot.Limit.Remaining; left != nil && *left < identifyLeast {
		c.add(Warning, "gateway", fmt.Sprintf("Only %d of %d session starts are left today.", *left, bot.Limit.Total),
			"Look for what restarts so often; the count is full again in "+roughly(time.Duration(bot.Limit.ResetAfter)*time.Millisecond)+".")
	}
	if bot.Shards > 1 {
		c.add(Fine, "gateway", fmt.Sprintf("%d shards, as Discord advises", bot.Shards), "")
	}
}
