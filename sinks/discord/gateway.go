package discord

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/url"
	"sync"
	"sync/atomic"
	"time"

	"github.com/bwmarrin/discordgo"
	"github.com/gorilla/websocket"
)

const (
	stuckGrace    = time.Second     // for a cut Open to return, before it counts as stuck for ever
	closeGrace    = 2 * time.Second // for the library's Close, which sleeps one
	healthySpan   = time.Minute     // of connection, after which backoff starts anew
	identifyLeast = 50              // identifies of the day that are never touched: Discord resets the token at the end
	maxRefusals   = 3               // failures in a row, after which the session is given up
)

// times are the spans that a supervisor waits.
type times struct {
	idle         time.Duration // silence after which the line is cut; heartbeats are answered every 41 s
	open         time.Duration // until the library's Open must have returned
	ready        time.Duration // from then until READY or RESUMED
	firstBackoff time.Duration
	lastBackoff  time.Duration
	identifyGap  time.Duration // between two identifies of a session; Discord wants 5 s
	identifySlot time.Duration // a part of the time between identifies of all processes; 0: they don't wait for each other
	tokenLook    time.Duration // between two looks whether a refused token was replaced
}

var usual = times{
	idle: 75 * time.Second, open: 30 * time.Second, ready: 15 * time.Second,
	firstBackoff: time.Second, lastBackoff: time.Minute, identifyGap: 5500 * time.Millisecond, identifySlot: 2 * time.Second, tokenLook: 5 * time.Second,
}

// Gateway close codes (docs, "Gateway Close Event Codes").
const (
	closeNotAuthenticated  = 4003
	closeAuthentication    = 4004
	closeInvalidSequence   = 4007
	closeSessionTimedOut   = 4009
	closeInvalidShard      = 4010
	closeShardingRequired  = 4011
	closeInvalidVersion    = 4012
	closeInvalidIntents    = 4013
	closeDisallowedIntents = 4014
)

// gateway supervises the session: it alone opens and closes it.
type gateway struct {
	*Sink
	shard Shard
	inbox chan packet
	talk  *talk

	guilds *registrar

	full atomic.Bool // packets were dropped
	link *link       // nil: the next one identifies anew

	identified time.Time // the last fresh start
	refusals   int       // failures in a row since the session was healthy
	wait       time.Duration
	stuck      int       // library calls that never came back
	lost       time.Time // since when there is no connection, zero while there is one
}

// Run holds the gateway session of an application whose guilds are not divided,
// until ctx ends. See RunShard.
func (s *Sink) Run(ctx context.Context) error { return s.RunShard(ctx, Shard{0, 1}) }

// RunShard holds one of the application's gateway sessions until ctx ends: it
// receives what people do, echoes of our own messages and changes of places. One
// process runs it. What Discord refuses for good (a wrong token, an intent that is
// switched off) is reported, and RunShard waits for another token; sending goes
// on. It returns nil.
func (s *Sink) RunShard(ctx context.Context, shard Shard) error {
	g := &gateway{Sink: s, shard: shard, inbox: make(chan packet, inboxSize), talk: newTalk(s), guilds: newRegistrar(s, shard)}
	var tasks sync.WaitGroup
	tasks.Go(func() { g.guilds.run(ctx) })
	tasks.Go(func() { g.consume(ctx) })
	if s.o.Commands != nil && shard.ID == 0 {
		tasks.Go(func() { s.keepCommands(ctx) })
	}
	defer s.visits.work.wait()
	defer g.talk.work.Wait()
	defer tasks.Wait()
	g.tellState(StateDegraded, "connecting to Discord's gateway", "")
	defer g.tellState("", "", "") // the session is another process's now, or nobody's
	for ctx.Err() == nil {
		err := g.session(ctx)
		g.after(ctx, err)
	}
	return nil
}

// tellState reports how this session is.
func (g *gateway) tellState(state State, reason, next string) {
	g.report(aspect(g.shard.ID), state, reason, next)
}

// session holds one connection and returns why it ended.
func (g *gateway) session(ctx context.Context) error {
	if g.link == nil {
		l, err := g.fresh(ctx)
		if err != nil {
			return err
		}
		g.link = l
	}
	l := g.link
	l.begin()
	if err := g.open(ctx, l); err != nil {
		return err
	}
	ready := time.NewTimer(g.times.ready)
	defer ready.Stop()
	select {
	case <-l.ready:
	case <-l.down:
		return errLineCut
	case <-ready.C:
		g.leave(l)
		return errNotReady
	case <-ctx.Done():
		g.leave(l)
		return ctx.Err()
	}
	g.echoes.connected(1)
	defer g.echoes.connected(-1)
	g.tellState(StateOK, "", "")
	since := time.Now()
	if !g.lost.IsZero() {
		g.log.Info("gateway connected again", "after", since.Sub(g.lost).Round(time.Second))
		g.lost = time.Time{}
	}
	select {
	case <-l.down:
	case <-ctx.Done():
		g.leave(l)
		return ctx.Err()
	}
	g.refusals = 0
	if time.Since(since) > healthySpan {
		g.wait = 0
	}
	return errLineLost
}

var (
	errNotReady = errors.New("neither READY nor RESUMED came")
	errStuck    = errors.New("the library did not come back from connecting")
	errLineLost = errors.New("the gateway line was lost")
)

// open lets the library connect, with a deadline: it has neither context nor
// deadline of its own, and deadlocks when the first frame asks it to reconnect.
func (g *gateway) open(ctx context.Context, l *link) error {
	opened := make(chan error, 1)
	go func() { opened <- l.session.Open() }()
	deadline := time.NewTimer(g.times.open)
	defer deadline.Stop()
	var why error
	select {
	case err := <-opened:
		return err
	case <-deadline.C:
		why = errStuck
	case <-ctx.Done():
		why = ctx.Err()
	}
	l.lines.cut()
	grace := time.NewTimer(stuckGrace)
	defer grace.Stop()
	select {
	case err := <-opened:
		if err != nil {
			g.log.Debug("the cut gateway line came back", "err", g.plain(err))
		}
	case <-grace.C:
		g.stuck++
		g.log.Warn("a gateway session is stuck in the library and was given up", "stuck", g.stuck)
	}
	return why
}

// leave ends the session at Discord with close code 1000, and cuts the line when
// that takes too long.
func (g *gateway) leave(l *link) {
	l.lines.sayGoodbye()
	closed := make(chan struct{})
	go func() {
		defer close(closed)
		_ = l.session.Close() // it is given up either way
	}()
	grace := time.NewTimer(closeGrace)
	defer grace.Stop()
	select {
	case <-closed:
	case <-grace.C:
		g.stuck++
	}
	l.lines.cut()
	g.link = nil
}

// fresh prepares a session that identifies, inside the day's budget.
func (g *gateway) fresh(ctx context.Context) (*link, error) {
	bot, err := g.advised(ctx)
	if err != nil {
		return nil, err
	}
	if left := bot.Limit.Remaining; left != nil && *left < identifyLeast {
		return nil, &budgetError{after: time.Duration(max(0, bot.Limit.ResetAfter)) * time.Millisecond}
	}
	address, err := parseGateway(bot.URL, g.rest.base)
	if err != nil {
		return nil, err
	}
	if err := g.turn(ctx, g.shard.ID%max(1, bot.Limit.Concurrency)); err != nil {
		return nil, err
	}
	g.identified = time.Now()
	return newLink(ctx, g, address)
}

// budgetError says that the day's identifies are nearly used up.
type budgetError struct{ after time.Duration }

func (e *budgetError) Error() string {
	return fmt.Sprintf("nearly all identifies of the day are used; the next in %s", e.after.Round(time.Second))
}

// after draws the consequence of an ended session and waits before the next.
func (g *gateway) after(ctx context.Context, err error) {
	if ctx.Err() != nil {
		return
	}
	fate, next := consequence(err)
	switch fate {
	case final:
		g.drop()
		g.log.Error("discord refuses the gateway session", "err", g.plain(err), "next", next)
		g.tellState(StateDown, reasonOf(err), next)
		g.awaitToken(ctx)
		return
	case divide:
		g.drop()
		signal(g.outgrown)
		g.tellState(StateDegraded, reasonOf(err), next)
		_ = pause(ctx, g.times.lastBackoff) // the session goes when its division does
		return
	case anew:
		g.drop()
	case again:
		if !errors.Is(err, errLineLost) {
			g.refusals++
		}
		if g.refusals >= maxRefusals {
			g.drop()
		}
	}
	d := g.backoff()
	if b, ok := errors.AsType[*budgetError](err); ok {
		d = max(d, b.after)
	}
	if e, ok := errors.AsType[*Error](err); ok {
		d = max(d, e.After)
	}
	if !errors.Is(err, errLineLost) { // a line lost once is everyday life
		g.tellState(StateDegraded, reasonOf(err), "")
	}
	level := slog.LevelDebug // one outage is one warning, however often it is tried
	if g.lost.IsZero() {
		level, g.lost = slog.LevelWarn, time.Now()
	}
	g.log.Log(ctx, level, "gateway connection ended", "err", g.plain(err), "retry_in", d)
	_ = pause(ctx, d) // the loop looks at ctx
}

// drop gives the session up.
func (g *gateway) drop() {
	if g.link != nil {
		g.link.lines.cut()
	}
	g.link, g.refusals = nil, 0
}

// backoff doubles from a second to a minute, with full jitter.
func (g *gateway) backoff() time.Duration {
	g.wait = min(max(2*g.wait, g.times.firstBackoff), g.times.lastBackoff)
	return time.Duration(rand.Int64N(int64(g.wait))) //nolint:gosec // jitter, no secret
}

// awaitToken blocks until the token is another one, or ctx ends.
func (g *gateway) awaitToken(ctx context.Context) {
	refused := g.rest.token()
	for ctx.Err() == nil && g.rest.token() == refused {
		_ = pause(ctx, g.times.tokenLook) // the loop looks at ctx
	}
}

// plain keeps the token out of what the websocket library said.
func (g *gateway) plain(err error) string {
	return (&exchange{rest: g.rest, token: g.rest.token()}).hide(short(err.Error()))
}

// fate is what becomes of a session after its connection ended.
type fate int

const (
	again  fate = iota // the same session resumes
	anew               // another one identifies
	final              // none will, until somebody acts
	divide             // several others have to, for a part of the guilds each
)

// consequence decides by close code, and names the remedy where only people can
// mend it.
func consequence(err error) (fate, string) {
	if e, ok := errors.AsType[*Error](err); ok && e.Status == http.StatusUnauthorized {
		return final, tokenAdvice
	}
	if errors.Is(err, errStuck) || errors.Is(err, errNotReady) || errors.Is(err, discordgo.ErrWSAlreadyOpen) {
		return anew, "" // the last: heartbeat and reader told of one loss twice
	}
	e, ok := errors.AsType[*websocket.CloseError](err)
	if !ok {
		return again, ""
	}
	switch e.Code {
	case closeAuthentication:
		return final, tokenAdvice
	case closeInvalidIntents, closeDisallowedIntents:
		return final, "Enable Message Content in Developer Portal → Bot → Privileged Gateway Intents, or set message_content: false."
	case closeInvalidShard, closeShardingRequired:
		return divide, "Nothing is to be done: the bridge asks Discord how many sessions it wants, and opens them."
	case closeInvalidVersion:
		return final, "This version of ImagineBridge is too old for Discord's gateway. Install a newer one."
	case closeNotAuthenticated, closeInvalidSequence, closeSessionTimedOut:
		return anew, ""
	}
	return again, ""
}

// reasonOf is a phrase for people.
func reasonOf(err error) string {
	if e, ok := errors.AsType[*websocket.CloseError](err); ok {
		return fmt.Sprintf("Discord closed the gateway with code %d", e.Code)
	}
	if e, ok := errors.AsType[*Error](err); ok && e.Status == http.StatusUnauthorized {
		return "Discord refuses the bot token"
	}
	if e, ok := errors.AsType[*budgetError](err); ok {
		return e.Error()
	}
	if e, ok := errors.AsType[*OptionError](err); ok {
		return e.Error()
	}
	return "Discord's gateway can't be reached"
}

// pause waits, or until ctx ends.
func pause(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

var _ http.RoundTripper = gatewayAnswer{}

// gatewayAnswer answers the library's only request, which is for the gateway's
// address, with the one that was found before: so it needs no token.
type gatewayAnswer struct{ address *url.URL }
