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

	slackgo "github.com/slack-go/slack"

	"github.com/imaginebridge/imaginebridge/bridge"
)

// Prefixes of Slack's tokens (Slack docs: "Token types").
const (
	botPrefix      = "xoxb-"
	rotatingPrefix = "xoxe.xoxb-"
	appPrefix      = "xapp-"
)

const (
	maxSend  = 15 * time.Second // for a whole Send; what is left beside a call goes into waits
	maxFlush = time.Minute      // for an edit that waits for its turn after Send
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
	// Count is told of what metrics count, by a fixed name. nil for nobody.
	Count func(name string)
}

// Sink sends to the channels of one workspace. Its methods may be called from any
// goroutine.
type Sink struct {
	opt   Options
	log   *slog.Logger
	web   *web
	pacer *pacer
	turns outbox
	edits edits
	looks looks

	echoes   *memory[bridge.Receipt] // our messages that Slack told us about, by delivery key
	repeated *memory[bool]           // deliveries that were sent a second time without a look
	heard    *memory[bool]           // event ids over the socket
	strange  *memory[bool]           // kinds of deliveries that nobody listens to, each said once

	links   linkTimes
	sockets atomic.Int32   // connections that are up
	late    sync.WaitGroup // edits that wait for their turn after Send returned
}

// New makes a sink. It starts nothing and asks Slack nothing. The error names the
// option that is missing or wrong, and never shows a token.
func New(o Options) (*Sink, error) {
	if o.BotToken == nil {
		return nil, errors.New("slack sink: no bot token")
	}
	if o.AppToken == nil {
		o.AppToken = func() string { return "" }
	}
	if err := errors.Join(botTokenProblem(o.BotToken()), appTokenProblem(o.AppToken())); err != nil {
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
	if o.Count == nil {
		o.Count = func(string) {}
	}
	return &Sink{
		opt: o, log: o.Log.With("sink", "slack"), web: newWeb(o, origin), pacer: newPacer(),
		turns: outbox{queues: map[string]*queue{}},
		edits: edits{waiting: map[call]*waiting{}, shown: newMemory[int](maxRemembered), gone: newMemory[bool](maxRemembered)},
		looks: looks{of: map[place]*look{}},

		echoes:   newMemory[bridge.Receipt](4 * maxRemembered),
		repeated: newMemory[bool](maxRemembered),
		heard:    newMemory[bool](10 * maxRemembered),
		strange:  newMemory[bool](maxRemembered),
		links:    defaultLinkTimes,
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

// Send implements bridge.Sink. It waits a few seconds for the channel's turn and
// Slack's pace, and ends within 15 s whatever Slack does.
func (s *Sink) Send(ctx context.Context, d bridge.Delivery) (bridge.Receipt, error) {
	if problem := PlaceProblem(d.To.Place); problem != "" {
		return bridge.Receipt{}, &bridge.SendError{
			Verdict: bridge.Gone, Advice: d.To.String() + ": " + problem, Err: errors.New("place is not a channel id"),
		}
	}
	ctx, cancel := context.WithTimeout(ctx, maxSend)
	defer cancel()
	var r bridge.Receipt
	var err *bridge.SendError
	if d.Replaces.Message == "" || d.Replaces.Channel != d.To.Place { // nothing to replace, or the subscription moved to another channel
		r, err = s.post(ctx, d)
	} else {
		r, err = s.edit(ctx, d)
	}
	if err != nil {
		return bridge.Receipt{}, err
	}
	return r, nil
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

// post sends a message that is not there yet.
func (s *Sink) post(ctx context.Context, d bridge.Delivery) (bridge.Receipt, *bridge.SendError) {
	again := false
	if !d.Doubt.IsZero() {
		r, repeat, err := s.resolve(ctx, d)
		if err != nil || !r.IsZero() {
			return r, err
		}
		again = repeat
	}
	leave, err := s.turns.enter(ctx, d.To.Place, s.spare(ctx))
	if err != nil {
		return bridge.Receipt{}, err
	}
	defer leave()
	r, err := s.postSmaller(ctx, d, again)
	switch {
	case !again:
	case err == nil || err.Verdict == bridge.InDoubt:
		s.repeated.put(d.Key, true)
		s.opt.Count("slack_repeats_without_look")
	}
	return r, err
}

// postSmaller posts the message, in smaller forms where Slack refuses it.
func (s *Sink) postSmaller(ctx context.Context, d bridge.Delivery, again bool) (bridge.Receipt, *bridge.SendError) {
	thread := threadOf(d)
	for f := full; ; {
		b := render(d, f, again)
		r, bad := s.postOnce(ctx, d, b, thread)
		switch {
		case bad == nil:
			return r, nil
		case bad.paced != nil:
			return r, bad.paced
		case thread != "" && bad.threadGone():
			thread = ""
		case bad.verdict(posting) == bridge.Reject && f < textOnly:
			s.log.Warn("slack refuses the message, a smaller one follows", "destination", d.To.String(), "event_id", d.Event.ID, "err", bad)
			s.opt.Count("slack_messages_refused")
			f++
		default:
			return r, s.failed(bad, posting, d)
		}
	}
}

func (s *Sink) postOnce(ctx context.Context, d bridge.Delivery, b body, thread string) (bridge.Receipt, *fault) {
	options := append(b.options(),
		slackgo.MsgOptionDisableLinkUnfurl(), slackgo.MsgOptionDisableMediaUnfurl(), slackgo.MsgOptionDisableMarkdown())
	if thread != "" {
		options = append(options, slackgo.MsgOptionTS(thread))
	}
	var r bridge.Receipt
	bad := s.paced(ctx, call{method: methodPost, channel: d.To.Place}, func(ctx context.Context, api *slackgo.Client) error {
		channel, ts, shown, err := api.PostMessageWithResponseContext(ctx, d.To.Place, options...)
		if err == nil && ts == "" {
			return errPoor
		}
		r = receipt(channel, ts, shown.ThreadTimestamp, d)
		return err
	})
	if bad == nil && d.Message.UpdateKey != "" { // its first edit keeps the distance too
		s.pacer.done(time.Now(), call{method: methodUpdate, channel: r.Channel, ts: r.Message})
	}
	return r, bad
}

// options are what a message is made of, for posting and editing alike. Edits
// parse their text unless told not to.
func (b body) options() []slackgo.MsgOption {
	options := []slackgo.MsgOption{
		slackgo.MsgOptionText(b.text, false), slackgo.MsgOptionParse(false), slackgo.MsgOptionMetadata(b.metadata),
	}
	return append(options, slackgo.MsgOptionBlocks(b.blocks...))
}

// spare is the time that may go into waiting, so that a call begun after it can
// still end in its own time.
func (s *Sink) spare(ctx context.Context) time.Duration {
	deadline, ok := ctx.Deadline()
	if !ok {
		return maxSend
	}
	return time.Until(deadline) - s.opt.Timeout
}

// tooEarly says when to come again where waiting would take too long.
func tooEarly(c call, wait time.Duration) *bridge.SendError {
	return &bridge.SendError{Verdict: bridge.Retry, After: wait, Paced: true, Err: fmt.Errorf("%s: waits for Slack's limit", c.method)}
}

func stopped() *bridge.SendError {
	return &bridge.SendError{Verdict: bridge.Retry, Err: errors.New("stopped while it waited")}
}

// await waits until the call's own channel or message may be written again.
func (s *Sink) await(ctx context.Context, c call) *bridge.SendError {
	for {
		wait := s.pacer.wait(time.Now(), c)
		if wait == 0 {
			return nil
		}
		if wait > s.spare(ctx) {
			return tooEarly(c, wait)
		}
		if !sleep(ctx, wait) {
			return stopped()
		}
	}
}

// slot waits until Slack's limits allow the call.
func (s *Sink) slot(ctx context.Context, c call) *bridge.SendError {
	for {
		if err := s.await(ctx, c); err != nil {
			return err
		}
		wait, cancel := s.pacer.book(time.Now(), c.method)
		if wait > s.spare(ctx) {
			cancel()
			return tooEarly(c, wait)
		}
		if !sleep(ctx, wait) {
			cancel()
			return stopped()
		}
		if s.pacer.wait(time.Now(), c) == 0 { // no pause came meanwhile
			return nil
		}
	}
}

// paced makes a call when Slack's limits allow it.
func (s *Sink) paced(ctx context.Context, c call, f func(context.Context, *slackgo.Client) error) *fault {
	if early := s.slot(ctx, c); early != nil {
		return &fault{method: c.method, paced: early}
	}
	bad := s.web.do(ctx, c.method, f)
	now := time.Now()
	s.pacer.done(now, c)
	if bad != nil && bad.pause > 0 {
		bad.pause = s.pacer.pause(now, c.method, bad.pause)
		s.log.Warn("slack asks for a pause", "method", c.method, "retry_in", bad.pause)
	}
	return bad
}

// failed is what Send returns of a fault.
func (s *Sink) failed(bad *fault, why purpose, d bridge.Delivery) *bridge.SendError {
	if bad.paced != nil {
		return bad.paced
	}
	return bad.sendError(why, d.To.Place)
}

// sleep waits for d and reports whether it could: false when ctx ended first.
func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
