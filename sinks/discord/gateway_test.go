package discord

import (
	"bytes"
	"context"
	"flag"
	"log/slog"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/internal/fakediscord"
)

// TestMain checks that no goroutine outlives its supervisor, except those that
// the library loses itself when the first frame is op 7. Most tests wait for
// sockets, not for the processor: so many may run at once.
func TestMain(m *testing.M) {
	flag.Parse()
	if err := flag.Set("test.parallel", "24"); err != nil {
		panic(err)
	}
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("github.com/bwmarrin/discordgo.(*Session).reconnect"),
		goleak.IgnoreAnyFunction("github.com/bwmarrin/discordgo.(*Session).CloseWithCode"))
}

// stand is a sink over real sockets on an emulated Discord.
type stand struct {
	*testing.T
	fake    *fakediscord.Server
	sink    *Sink
	guild   string
	channel string

	mu      sync.Mutex
	reports []Status
	changes []Change
	stop    func()
}

// newStand starts an emulator and a sink with short times.
func newStand(t *testing.T, fo fakediscord.Options, change ...func(*Options)) *stand {
	t.Helper()
	fo.Token, fo.OpenAPI = secretToken, officialDocument()
	if fo.Limits == nil {
		fo.Limits = map[string]fakediscord.Limit{}
	}
	fo.Limits["GET /gateway/bot"] = fakediscord.Limit{}
	if fo.IdentifyEvery == 0 {
		fo.IdentifyEvery = -1
	}
	fake, err := fakediscord.New(fo)
	require.NoError(t, err)
	t.Cleanup(fake.Close)
	st := &stand{T: t, fake: fake, guild: fake.Guild("guild")}
	st.channel = fake.Channel(st.guild, "alerts")
	client := &http.Client{Transport: &http.Transport{}}
	t.Cleanup(client.CloseIdleConnections)
	o := Options{
		Token: func() string { return secretToken }, APIURL: fake.URL(), HTTPClient: client, Version: "test",
		Log:    slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelDebug})),
		Report: func(s Status) { st.mu.Lock(); defer st.mu.Unlock(); st.reports = append(st.reports, s) },
		Watch:  func(c Change) { st.mu.Lock(); defer st.mu.Unlock(); st.changes = append(st.changes, c) },
	}
	for _, f := range change {
		f(&o)
	}
	st.sink, err = New(o)
	require.NoError(t, err)
	st.sink.times = times{
		idle: 20 * time.Second, open: 20 * time.Second, ready: 20 * time.Second,
		firstBackoff: 20 * time.Millisecond, lastBackoff: 100 * time.Millisecond, tokenLook: 20 * time.Millisecond,
	}
	if fo.Heartbeat > 0 { // where heartbeats are quick, what misses them is
		st.sink.times.idle, st.sink.times.open, st.sink.times.ready = 3*fo.Heartbeat, 2*time.Second, 2*time.Second
	}
	return st
}

// run starts the supervisor; it is stopped, and its end timed, when the test
// ends.
func (st *stand) run() {
	st.Helper()
	ctx, cancel := context.WithCancel(st.Context())
	done := make(chan error, 1)
	go func() { done <- st.sink.Run(ctx) }()
	var once sync.Once
	st.stop = func() {
		once.Do(func() {
			cancel()
			select {
			case err := <-done:
				require.NoError(st, err)
			case <-time.After(15 * time.Second):
				st.Error("the supervisor does not end")
			}
		})
	}
	st.Cleanup(st.stop)
}

// eventually waits for what other goroutines do.
func (st *stand) eventually(what string, is func() bool) {
	st.Helper()
	require.Eventually(st, is, 40*time.Second, 5*time.Millisecond, what)
}

func (st *stand) connected() {
	st.Helper()
	st.eventually("connected", func() bool { return st.fake.Sessions() == 1 && st.sink.Status().State == StateOK })
}

func (st *stand) faultless() {
	st.Helper()
	require.Empty(st, st.fake.Faults())
}

func (st *stand) changed(c Change) func() bool {
	return func() bool {
		st.mu.Lock()
		defer st.mu.Unlock()
		return slices.Contains(st.changes, c)
	}
}

func (st *stand) to() bridge.Destination {
	return bridge.Destination{Scheme: "discord", Place: st.channel}
}

func TestGatewayConnectsAndLeaves(t *testing.T) {
	t.Parallel()
	st := newStand(t, fakediscord.Options{})
	st.run()
	st.connected()
	st.stop()
	require.Equal(t, 1, st.fake.Stats().Identifies)
	st.eventually("closed with 1000", func() bool { return len(st.fake.Stats().Closes) == 1 })
	require.Equal(t, []int{1000}, st.fake.Stats().Closes, "leaving on purpose ends the session")
	st.faultless()
}

func TestGatewayLineThatGoesSilentIsCutAndResumed(t *testing.T) {
	t.Parallel()
	for name, trouble := range map[string]fakediscord.Options{"no acks": {Heartbeat: 100 * time.Millisecond}, "half open": {}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			st := newStand(t, trouble)
			st.sink.times.idle = 600 * time.Millisecond
			if name == "no acks" {
				st.fake.InjectGateway(fakediscord.GatewayRule{Times: 1, Effect: fakediscord.NoACKs()})
			}
			st.run()
			st.connected()
			if name == "half open" {
				st.fake.Freeze()
			}
			st.eventually("resumed", func() bool { return st.fake.Stats().Resumes >= 1 })
			st.connected()
			require.Equal(t, 1, st.fake.Stats().Identifies, "the session goes on")
			require.NotContains(t, st.fake.Stats().Closes, 1000, "a close frame would have ended the session")
		})
	}
}

func TestGatewayRecoversFromSilentServers(t *testing.T) {
	t.Parallel()
	for name, effect := range map[string]fakediscord.GatewayEffect{
		"no hello": fakediscord.NoHello(), "hello then silence": fakediscord.Silent(), "torn": fakediscord.Torn(),
		"op 9 resumable": fakediscord.InvalidFirst(true), "op 9": fakediscord.InvalidFirst(false), "late ready": fakediscord.LateReady(1200 * time.Millisecond),
		"op 7 first": fakediscord.ReconnectFirst(), "4000": fakediscord.CloseFirst(4000), "4009": fakediscord.CloseFirst(4009), "1001": fakediscord.CloseFirst(1001),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			st := newStand(t, fakediscord.Options{})
			st.sink.times.idle, st.sink.times.open, st.sink.times.ready = 2*time.Second, 500*time.Millisecond, 500*time.Millisecond
			rule := st.fake.InjectGateway(fakediscord.GatewayRule{Times: 2, Effect: effect})
			st.run()
			st.connected()
			require.Positive(t, rule.Hits())
			st.stop()
			st.faultless()
		})
	}
}

func TestGatewayKeepsItsSessionThroughLosses(t *testing.T) {
	t.Parallel()
	for name, lose := range map[string]func(*fakediscord.Server){
		"op 7": (*fakediscord.Server).Reconnect, "torn": (*fakediscord.Server).TearGateway,
		"close 4000": func(s *fakediscord.Server) { s.CloseGateway(4000) },
		"close 1001": func(s *fakediscord.Server) { s.CloseGateway(1001) },
		"cut":        func(s *fakediscord.Server) { s.CloseGateway(0) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			st := newStand(t, fakediscord.Options{})
			st.run()
			st.connected()
			lose(st.fake)
			st.eventually("resumed", func() bool { return st.fake.Stats().Resumes == 1 })
			st.connected()
			require.Equal(t, 1, st.fake.Stats().Identifies)
			st.stop()
			st.faultless()
		})
	}
}

func TestGatewayGivesUpASessionThatCannotBeResumed(t *testing.T) {
	t.Parallel()
	st := newStand(t, fakediscord.Options{})
	st.fake.InjectGateway(fakediscord.GatewayRule{Skip: 1, Times: 3, Effect: fakediscord.CloseFirst(4000)})
	st.run()
	st.connected()
	st.fake.CloseGateway(0)
	st.eventually("identified anew", func() bool { return st.fake.Stats().Identifies >= 2 && st.fake.Sessions() == 1 })
	st.stop()
	st.faultless()
}

func TestGatewayStopsAtWhatOnlyPeopleCanMend(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		code int
		next string
	}{
		"4004": {4004, "Reset Token"}, "4013": {4013, "Message Content"}, "4014": {4014, "message_content: false"},
		"4012": {4012, "newer one"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			st := newStand(t, fakediscord.Options{})
			st.fake.InjectGateway(fakediscord.GatewayRule{Effect: fakediscord.CloseFirst(tc.code)})
			st.run()
			st.eventually("down", func() bool { return st.sink.Status().State == StateDown })
			require.Contains(t, st.sink.Status().Next, tc.next)
			d := delivery(st, "ntf_1")
			_, err := st.sink.Send(t.Context(), d)
			require.NoError(t, err, "sending goes on")
			require.Never(t, func() bool { return st.fake.Stats().Identifies != 1 }, 200*time.Millisecond, 20*time.Millisecond, "no second try")
			st.stop()
		})
	}
}

func TestF42_IntentThatIsSwitchedOff(t *testing.T) {
	t.Parallel()
	st := newStand(t, fakediscord.Options{}, func(o *Options) { o.MessageContent = true })
	st.run()
	st.eventually("down", func() bool { return st.sink.Status().State == StateDown })
	require.Contains(t, st.sink.Status().Next, "Message Content")
	require.Contains(t, st.sink.Status().Reason, "4014")
}

func TestGatewayTakesANewToken(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	token := "wrong.token.entirely"
	st := newStand(t, fakediscord.Options{}, func(o *Options) {
		o.Token = func() string { mu.Lock(); defer mu.Unlock(); return token }
	})
	st.run()
	st.eventually("down", func() bool { return st.sink.Status().State == StateDown })
	_, err := st.sink.Send(t.Context(), delivery(st, "ntf_1"))
	require.ErrorContains(t, err, "revoked")
	requests := st.fake.Stats().Requests
	_, err = st.sink.Send(t.Context(), delivery(st, "ntf_1"))
	require.ErrorContains(t, err, "revoked")
	require.Equal(t, requests, st.fake.Stats().Requests, "a dead token is not used again")
	mu.Lock()
	token = secretToken
	mu.Unlock()
	st.connected()
	_, err = st.sink.Send(t.Context(), delivery(st, "ntf_1"))
	require.NoError(t, err)
}

func TestGatewayLeavesTheIdentifyBudgetAlone(t *testing.T) {
	t.Parallel()
	st := newStand(t, fakediscord.Options{Identifies: identifyLeast - 1})
	st.run()
	st.eventually("degraded", func() bool {
		s := st.sink.Status()
		return s.State == StateDegraded && s.Reason != "connecting to Discord's gateway"
	})
	require.Contains(t, st.sink.Status().Reason, "identifies")
	require.Zero(t, st.fake.Stats().Identifies)
}

// One outage is one warning, and its end is told.
func TestGatewayWarnsOnceAnOutage(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	var mu sync.Mutex
	st := newStand(t, fakediscord.Options{}, func(o *Options) {
		o.Log = slog.New(slog.NewTextHandler(&locked{w: &log, mu: &mu}, &slog.HandlerOptions{Level: slog.LevelDebug}))
	})
	lines := func(level, message string) int {
		mu.Lock()
		defer mu.Unlock()
		return strings.Count(log.String(), "level="+level+" msg="+strconv.Quote(message))
	}
	tries := st.fake.InjectGateway(fakediscord.GatewayRule{Times: 5, Effect: fakediscord.CloseFirst(4000)})
	st.run()
	st.connected()
	// The state is told before the line is written.
	st.eventually("the end of the outage told", func() bool { return lines("INFO", "gateway connected again") == 1 })
	require.Equal(t, 5, tries.Hits())
	require.Equal(t, 1, lines("WARN", "gateway connection ended"))
	require.Equal(t, 4, lines("DEBUG", "gateway connection ended"))
	st.fake.CloseGateway(0)
	st.eventually("back again", func() bool { return lines("INFO", "gateway connected again") == 2 })
	require.Equal(t, 2, lines("WARN", "gateway connection ended"), "another outage, another warning")
}

func TestGatewayTellsWhatChanged(t *testing.T) {
	t.Parallel()
	st := newStand(t, fakediscord.Options{})
	st.fake.InjectGateway(fakediscord.GatewayRule{Times: 1, Effect: fakediscord.BigGuild(5 << 20)})
	st.run()
	st.connected()
	st.eventually("guild seen", st.changed(Change{Kind: Altered, Guild: st.guild}))
	require.Equal(t, "#alerts", st.sink.place(st.channel))
	st.fake.SetPermissions(st.channel, fakediscord.DefaultPermissions)
	st.eventually("permissions", st.changed(Change{Kind: Altered, Guild: st.guild, Channel: st.channel}))
	st.fake.Outage(st.guild, true)
	st.fake.Dispatch("SOMETHING_NEW", map[string]any{"x": 1})
	st.fake.Dispatch("MESSAGE_CREATE", map[string]any{"id": "1", "components": []any{map[string]any{"type": 99}}})
	st.fake.DeleteChannel(st.channel)
	st.eventually("channel gone", st.changed(Change{Kind: Removed, Guild: st.guild, Channel: st.channel}))
	require.False(t, st.changed(Change{Kind: Removed, Guild: st.guild})(), "an outage is no goodbye")
	st.fake.Outage(st.guild, false)
	st.fake.Remove(st.guild)
	st.eventually("removed", st.changed(Change{Kind: Removed, Guild: st.guild}))
	other := st.fake.Guild("new")
	st.eventually("joined", st.changed(Change{Kind: Joined, Guild: other}))
	st.faultless()
}

func TestGatewayEchoGivesTheReceiptOfALostAnswer(t *testing.T) {
	t.Parallel()
	st := newStand(t, fakediscord.Options{})
	st.run()
	st.connected()
	st.fake.InjectGateway(fakediscord.GatewayRule{}) // none
	lost := st.fake.Inject(fakediscord.Rule{Route: "POST /channels/{channel_id}/messages", Times: 1, Effect: fakediscord.LoseReply()})
	st.eventually("self known", func() bool { return st.sink.me.Load() != nil })
	r, err := st.sink.Send(t.Context(), delivery(st, "ntf_1"))
	require.NoError(t, err)
	require.Equal(t, 1, lost.Hits())
	require.Equal(t, st.fake.Messages(st.channel)[0].ID, r.Message)
	require.Equal(t, 1, count(st.fake, "POST /channels/{channel_id}/messages"), "no request was needed for it")
}

func count(fake *fakediscord.Server, route string) int {
	n := 0
	for _, r := range fake.Requests() {
		if r.Route == route {
			n++
		}
	}
	return n
}
