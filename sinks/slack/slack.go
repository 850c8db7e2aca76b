// Package slack is the Slack sink: it shows bridge messages in channels of one
// workspace by the Web API, and hears from Slack over Socket Mode.
//
// The main type is [Sink]. Decisions are pure and apart: what a message looks
// like (render.go), what an error means (errors.go), when a call may go out
// (limit.go). The package knows nothing of NATS and ImagineAnything.
package slack

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/bridge/command"
	"github.com/imaginebridge/imaginebridge/events"
	"github.com/imaginebridge/imaginebridge/internal/trail"
)

// Prefixes of Slack's tokens (Slack docs: "Token types").
const (
	botPrefix      = "xoxb-"
	rotatingPrefix = "xoxe.xoxb-"
	appPrefix      = "xapp-"
)

// Options configure a Sink. BotToken is required; the rest has working defaults.
type Options struct {
	// BotToken returns the bot token (xoxb-…) of this moment.
	BotToken func() string
	// AppToken returns the app-level token (xapp-…) for Socket Mode, "" for none.
	AppToken func() string
	// APIURL is Slack's origin, "https://slack.com" when empty; the product adds
	// "/api/…". Sockets without TLS are accepted only where it is http.
	APIURL string
	// HTTPClient lends its Transport; timeouts and redirects are the sink's own.
	HTTPClient *http.Client
	// Version goes into the User-Agent.
	Version string
	// Log takes the sink's lines; nil for none.
	Log *slog.Logger
	// Timeout bounds one call to Slack, 10 s when 0.
	Timeout time.Duration
	// Changed is told what happens to the installation and its channels; nil for
	// nobody. It must not block.
	Changed func(Change)
	// Link is told whether Slack can be heard: err is nil when the socket is up.
	// nil for nobody. It must not block.
	Link func(err error)
	// Commands runs a command and gives what became of it; command.Runner.Do has its
	// form. With nil nothing can be done from Slack: messages go out, nothing comes in.
	Commands func(context.Context, command.Request) command.Answer
	// Accept records a command before it is acknowledged; command.Runner.Accept has
	// its form. With nil, Notes tell repeats apart.
	Accept func(context.Context, command.Request) error
	// Complete gives what an argument could be, from caches: it is asked while
	// somebody types; command.Completer.Complete has its form. nil for nothing.
	Complete func(ctx context.Context, agent string, source command.Source, typed string) []command.Choice
	// Notes keep what outlives the process and is shared by all: which thread is
	// about what, and the values of buttons that are too long for Slack. nil: this
	// process remembers the latest by itself.
	Notes Notes
	// Agents lists the handles a workspace is connected to. nil for none.
	Agents func(team string) []string
	// Subscriptions are the names of those of a workspace; nil for none.
	Subscriptions func(team string) []string
	// Manages says who may do everything where no list says otherwise: who installed
	// the app. nil for nobody.
	Manages func(team, user string) bool
	// SigningSecret returns the secret that Slack signs requests over HTTP with. nil
	// or "" refuses them all.
	SigningSecret func() string
	// Refused hears of presses and forms that no command came of: forged, or too old.
	// The audit has them with the commands. nil: nobody does.
	Refused func(ctx context.Context, p command.Principal, place, status string)
	// Actions are the buttons under a relayed card. nil for none.
	Actions func(events.Event) []bridge.Action
	// Follow shows each state of a generation until its end. nil: its card stays as
	// the command left it.
	Follow func(ctx context.Context, agent, job string, show func(bridge.Localized))
	// Trace traces what people do; nil traces nothing.
	Trace trail.Tracer
	// Acked is told how long each delivery waited for its acknowledgement; nil for
	// nobody.
	Acked func(time.Duration)
	// Count is told of what metrics count, by a fixed name; nil for nobody:
	// slack_repeats_without_look, slack_messages_refused (a smaller form follows),
	// slack_events_repeated, slack_deliveries_unheard, slack_deliveries_dropped,
	// slack_acks_lost, slack_socket_errors, slack_retries, slack_bad_signatures,
	// slack_answers_lost, slack_panics.
	Count func(name string)
}

// Notes keeps what has to be found again after a restart and by other processes.
// It holds no secrets.
type Notes interface {
	// Note gives what is noted under the key, nil for nothing.
	Note(ctx context.Context, key string) ([]byte, error)
	// PutNote notes a value, for thirty days or more, in place of what was there.
	PutNote(ctx context.Context, key string, value []byte) error
	// CreateNote notes a value where there is none, and reports whether it did.
	CreateNote(ctx context.Context, key string, value []byte) (bool, error)
}

// Sink sends to the channels of one workspace. Its methods may be called from any
// goroutine.
type Sink struct {
	opt     Options
	apps    *Apps  // that this one hears for; nil: for itself alone
	grant   *grant // the installation that it speaks for; nil: that of the configuration
	log     *slog.Logger
	web     *web
	pacer   *pacer
	turns   outbox
	edits   edits
	looks   looks
	formers bridge.Readings[place]

	echoes   *memory[bridge.Receipt] // our messages that Slack told us about, by delivery key
	repeated *memory[bool]           // deliveries that were sent a second time without a look
	heard    *memory[bool]           // event ids over the socket
	strange  *memory[bool]           // kinds of deliveries that nobody listens to, each said once

	forgeries forgeries
	turn      chains // what is said in one thread goes on in its order
	recent    threads
	latest    *memory[string]    // newest thing shown, by channel and kind
	homes     *memory[time.Time] // when each was published, by person
	readers   *memory[reader]    // what is known of people, by team and person
	groups    groups
	mirror    bridge.Mirror

	links    linkTimes
	recordIn time.Duration
	sockets  atomic.Int32   // connections that are up
	late     sync.WaitGroup // edits that wait for their turn after Send returned
}

// New makes a sink. It starts nothing and asks Slack nothing. The error names the
// option that is missing or wrong, and never shows a token.
func New(o Options) (*Sink, error) {
	if o.BotToken == nil {
		return nil, errors.New("slack sink: no bot token")
	}
	if err := botTokenProblem(o.BotToken()); err != nil {
		return nil, err
	}
	return build(o)
}

// build is New for a sink whose bot token is looked at elsewhere.
func build(o Options) (*Sink, error) {
	if o.AppToken == nil {
		o.AppToken = func() string { return "" }
	}
	if err := appTokenProblem(o.AppToken()); err != nil {
		return nil, err
	}
	origin, err := url.Parse(strings.TrimRight(cmp.Or(o.APIURL, "https://slack.com"), "/"))
	if err != nil || origin.Host == "" || origin.Path != "" || origin.Scheme != "https" && origin.Scheme != "http" {
		return nil, errors.New("slack.api_url is an origin such as https://slack.com, without a path")
	}
	o.Timeout = cmp.Or(o.Timeout, callTimeout)
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Changed == nil {
		o.Changed = func(Change) {}
	}
	if o.Link == nil {
		o.Link = func(error) {}
	}
	o.Trace = trail.Or(o.Trace)
	if o.Acked == nil {
		o.Acked = func(time.Duration) {}
	}
	if o.Count == nil {
		o.Count = func(string) {}
	}
	if o.Notes == nil {
		o.Notes = &ownNotes{of: newMemory[[]byte](10 * maxRemembered)}
	}
	if o.Agents == nil {
		o.Agents = func(string) []string { return nil }
	}
	if o.Manages == nil {
		o.Manages = func(string, string) bool { return false }
	}
	return &Sink{
		opt: o, log: o.Log.With("sink", "slack"), web: newWeb(o, origin), pacer: newPacer(),
		turns: outbox{queues: map[string]*queue{}},
		edits: edits{waiting: map[call]*waiting{}, shown: newMemory[int](maxRemembered), gone: newMemory[bool](maxRemembered)},
		looks: looks{of: map[place]*look{}},

		echoes:   newMemory[bridge.Receipt](4 * maxRemembered),
		repeated: newMemory[bool](maxRemembered),
		heard:    newMemory[bool](10 * maxRemembered),
		latest:   newMemory[string](maxRemembered),
		homes:    newMemory[time.Time](maxRemembered),
		readers:  newMemory[reader](maxRemembered),
		turn:     chains{last: map[string]chan struct{}{}},
		strange:  newMemory[bool](maxRemembered),
		links:    defaultLinkTimes,
		recordIn: recordTime,
	}, nil
}

func botTokenProblem(token string) error {
	switch {
	case token == "":
		return errors.New("SLACK_BOT_TOKEN is empty. The bot token starts with xoxb- and is under OAuth & Permissions.")
	case strings.HasPrefix(token, appPrefix):
		return errors.New("SLACK_BOT_TOKEN holds an app-level token (xapp-…). The bot token starts with xoxb- and is under OAuth & Permissions.")
	case !strings.HasPrefix(token, botPrefix) && !strings.HasPrefix(token, rotatingPrefix):
		return errors.New("SLACK_BOT_TOKEN holds no bot token. The bot token starts with xoxb- and is under OAuth & Permissions.")
	}
	return nil
}

func appTokenProblem(token string) error {
	switch {
	case token == "" || strings.HasPrefix(token, appPrefix):
		return nil
	case strings.HasPrefix(token, botPrefix):
		return errors.New("SLACK_APP_TOKEN holds a bot token (xoxb-…). The app-level token starts with xapp- and is under Basic Information, App-Level Tokens.")
	}
	return errors.New("SLACK_APP_TOKEN holds no app-level token. It starts with xapp- and is under Basic Information, App-Level Tokens.")
}

var channelID = regexp.MustCompile(`^[CDG][A-Z0-9]{5,}$`)

// PlaceProblem says what is wrong with the place of a "slack:" destination, or "".
func PlaceProblem(where string) string {
	if channelID.MatchString(where) {
		return ""
	}
	return "use the channel's ID (starts with C or G): open the channel's details, it is at the bottom."
}

// Probe implements bridge.Prober: nil when Slack answers and, as far as the app
// may ask, the channel is there.
func (s *Sink) Probe(ctx context.Context, to bridge.Destination) error {
	if _, f := s.web.whoAmI(ctx); f != nil {
		return f
	}
	if _, f := s.channelInfo(ctx, to.Place); f != nil && f.code != "missing_scope" {
		return f
	}
	return nil
}

// Drain waits until every edit that waits for its turn went out or gave up, or
// until ctx ends.
func (s *Sink) Drain(ctx context.Context) error {
	done := make(chan struct{})
	go func() {
		s.late.Wait()
		close(done)
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("drain slack edits: %w", ctx.Err())
	}
}
