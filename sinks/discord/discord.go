// Package discord is the sink that shows messages in Discord: it draws them as
// embeds, posts each one once, keeps conversations in threads and one message up
// to date per job, and holds the gateway session of the application.
//
// It is a door as well: slash commands, buttons, forms, a message's menu and what
// people answer in threads become requests for the command table, and its
// answers are drawn as replies.
//
// [New] makes a [Sink]; [Sink.Send] posts; [Sink.Run] holds the gateway and is
// started by whoever owns the application's lease; [Sink.Door] takes interactions
// by HTTP instead; [Sink.Check] tells what is wrong with token, intents, channels
// and permissions. The discordgo library carries requests and the gateway
// session; limits, retries, bodies, decoding and supervision are here. The
// package must not know NATS or ImagineAnything.
package discord

import (
	"cmp"
	"context"
	"crypto/ed25519"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/bridge/command"
	"github.com/imaginebridge/imaginebridge/events"
	"github.com/imaginebridge/imaginebridge/internal/trail"
)

// Options configures a Sink. Token is required.
type Options struct {
	Token          func() string // the bot token, asked for at each request so that it can change
	APIURL         string        // origin, default DefaultAPIURL; see ParseOrigin
	ApplicationID  string        // checked against the token's application where set
	HTTPClient     *http.Client  // its Transport carries requests; default http.DefaultTransport
	Version        string        // of the bridge, for the User-Agent
	MessageContent bool          // ask for the privileged intent Message Content
	Shares         func() int    // processes that use this token now; they divide the global limit; default 1
	Log            *slog.Logger  // default: discard

	// Commands carries out what people ask for by slash commands, buttons, forms
	// and answers in threads. Without it the sink only shows.
	Commands Commands
	// Complete gives at most 25 choices for what a person has typed of an argument.
	// It is asked at each key and has 150 ms.
	Complete func(ctx context.Context, agent string, source command.Source, typed string) []Choice
	// Actions are the buttons below the card of an event.
	Actions func(events.Event) []bridge.Action
	// Agents are those that a guild is connected to, or for "" all.
	Agents func(guild string) []string
	// Settled reports whether Agents knows all there are; nil: it always does.
	Settled func() bool
	// Subscriptions are the names of those of a guild; nil: none.
	Subscriptions func(guild string) []string
	// Usual is the agent that acts in a channel where several could and none was
	// named, "" for none; nil: none anywhere.
	Usual func(channel string) string
	// Refused hears of presses that no command came of: forged, or too old. The audit
	// has them with the commands. nil: nobody does.
	Refused func(ctx context.Context, p command.Principal, place, status string)
	// Notes keeps threads and long button values; default: this process's memory.
	Notes Notes
	// Workspaces keeps where the bot is, and whom it welcomed; nil: nobody does, and
	// no server is welcomed.
	Workspaces Workspaces
	// PublicKey is the application's, in hex, for Door.
	PublicKey string

	// Trace traces what people do; nil traces nothing.
	Trace trail.Tracer
	// Acked is told how long each interaction waited for its first response; nil for
	// nobody.
	Acked func(time.Duration)

	// Watch is told of places that went, came back or changed. It should return
	// soon, and may be called at any time. May be nil.
	Watch func(Change)
	// Report is told when the state of the connection changes, from whichever
	// goroutine learns it; it should return soon. May be nil.
	Report func(Status)
}

// Sink sends to Discord with one bot token. It is safe for concurrent use.
type Sink struct {
	o       Options
	log     *slog.Logger
	times   times
	rest    *rest
	edits   *outbox
	echoes  *echoes
	formers bridge.Readings[string]
	me      atomic.Pointer[string] // the bot's user id
	app     atomic.Pointer[string] // the application's id

	advice   atomic.Pointer[advice]
	divided  atomic.Int32  // into how many shards, 0 before that is known
	outgrown chan struct{} // has room for one: Discord wants more shards

	commandIDs atomic.Pointer[map[string]string]

	table    []command.Spec
	notes    Notes
	key      ed25519.PublicKey // nil: no interactions by HTTP
	visits   *visits
	watchers *watchers
	charted  charted
	mirror   bridge.Mirror
	rulers   rulers

	mu        sync.Mutex           // guards all below
	names     map[string]string    // channel → name
	noThreads map[string]time.Time // channels that take no threads → until when
	noSigns   map[string]time.Time // threads that take no reactions → until when
	health    map[aspect]Status
}

var _ bridge.Sink = (*Sink)(nil)

// New makes a sink and starts nothing. Errors are *OptionError.
func New(o Options) (*Sink, error) {
	if o.Token == nil {
		return nil, &OptionError{Option: "discord.bot_token", Problem: "no token is configured; set DISCORD_BOT_TOKEN"}
	}
	base, err := ParseOrigin(cmp.Or(o.APIURL, DefaultAPIURL))
	if err != nil {
		return nil, err
	}
	next := http.DefaultTransport
	if o.HTTPClient != nil && o.HTTPClient.Transport != nil {
		next = o.HTTPClient.Transport
	}
	agent := "DiscordBot (https://github.com/imaginebridge/imaginebridge, " + cmp.Or(o.Version, "0") + ")"
	r, err := newREST(base, next, o.Token, agent, o.Shares)
	if err != nil {
		return nil, err
	}
	o.Trace = trail.Or(o.Trace)
	if o.Acked == nil {
		o.Acked = func(time.Duration) {}
	}
	log := o.Log
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	s := &Sink{
		o: o, log: log, times: usual, rest: r, edits: newOutbox(), echoes: newEchoes(),
		names: map[string]string{}, noThreads: map[string]time.Time{}, noSigns: map[string]time.Time{},
		health: map[aspect]Status{}, outgrown: make(chan struct{}, 1),
	}
	s.table, s.visits, s.watchers, s.notes = command.Table(), newVisits(), newWatchers(), o.Notes
	if s.notes == nil {
		s.notes = newLooseNotes()
	}
	if isSnowflake(o.ApplicationID) {
		s.app.Store(&o.ApplicationID)
	}
	if o.PublicKey != "" {
		if s.key, err = readPublicKey(o.PublicKey); err != nil {
			return nil, err
		}
	}
	r.onTrouble = s.trouble
	return s, nil
}
