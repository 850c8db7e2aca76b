// Package discord is the sink that shows messages in Discord: it draws them as
// embeds, posts each one once, keeps conversations in threads and one message up
// to date per job, and holds the gateway session of the application.
//
// [New] makes a [Sink]; [Sink.Send] posts; [Sink.Run] holds the gateway and is
// started by whoever owns the application's lease; [Sink.Check] tells what is
// wrong with token, intents, channels and permissions. The discordgo library
// carries requests and the gateway session; limits, retries, bodies, decoding
// and supervision are here. The package must not know NATS or ImagineAnything.
package discord

import (
	"cmp"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/imaginebridge/imaginebridge/bridge"
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

	// Watch is told of places that went, came back or changed. It is called
	// from one goroutine and should return soon. May be nil.
	Watch func(Change)
	// Report is told when the state of the connection changes, from whichever
	// goroutine learns it; it should return soon. May be nil.
	Report func(Status)
}

// Sink sends to Discord with one bot token. It is safe for concurrent use.
type Sink struct {
	o      Options
	log    *slog.Logger
	times  times
	rest   *rest
	edits  *outbox
	echoes *echoes
	me     atomic.Pointer[string] // the bot's user id

	mu        sync.Mutex           // guards all below
	names     map[string]string    // channel → name
	noThreads map[string]time.Time // channels that take no threads → until when
	health    [aspects]Status
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
	log := o.Log
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	s := &Sink{
		o: o, log: log, times: usual, rest: r, edits: newOutbox(), echoes: newEchoes(),
		names: map[string]string{}, noThreads: map[string]time.Time{},
	}
	r.onTrouble = s.trouble
	return s, nil
}
