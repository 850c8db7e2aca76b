package slack

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/bridge/command"
	"github.com/imaginebridge/imaginebridge/internal/fakeslack"
)

// hear starts the sink's sockets and waits until both are up.
func hear(t *testing.T, set settings) *world {
	t.Helper()
	set.app = true
	w := onSockets(t, set)
	w.sink.links = testLinks
	if set.ping > 0 {
		w.sink.links.ping = set.ping
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- w.sink.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		require.NoError(t, <-ended)
	})
	w.until(func() bool { return w.sink.sockets.Load() == 2 })
	return w
}

// testLinks are short where nothing can go wrong by it: a busy machine's late ping
// is no dead socket.
var testLinks = linkTimes{apart: 10 * time.Millisecond, ping: 30 * time.Second, again: 50 * time.Millisecond}

// until waits for something to come true.
func (w *world) until(cond func() bool) {
	w.Helper()
	require.Eventually(w, cond, time.Minute, 5*time.Millisecond)
}

// acked waits for n acknowledged deliveries and returns all attempts.
func (w *world) acked(n int) []fakeslack.Attempt {
	w.Helper()
	w.until(func() bool {
		count := 0
		for _, a := range w.fake.Deliveries() {
			if a.Acked {
				count++
			}
		}
		return count >= n
	})
	return w.fake.Deliveries()
}

// quickDeliveries is a Slack that repeats soon and waits long: how fast a busy
// machine answers is for the bench to say.
var quickDeliveries = fakeslack.Deliver{AckWithin: patience, Retries: []time.Duration{0, 50 * time.Millisecond, 100 * time.Millisecond}, PingEvery: 100 * time.Millisecond}

// patience is what a test grants where something is promised to happen at once.
const patience = 15 * time.Second

// losingDeliveries is a Slack that gives up soon what nobody acknowledges, and
// then tries it again for a good while.
func losingDeliveries() fakeslack.Deliver {
	d := quickDeliveries
	d.AckWithin = time.Second
	d.Retries = []time.Duration{0, time.Second, 2 * time.Second, 3 * time.Second, 4 * time.Second, 5 * time.Second}
	return d
}

// S6, L1: what the library does not know is acknowledged at once.
func TestS6_UnknownDeliveriesAreAcknowledged(t *testing.T) {
	t.Parallel()
	w := hear(t, settings{fake: fakeslack.Options{Deliver: quickDeliveries}})
	w.team.Emit(map[string]any{"type": "from_the_future", "user": map[string]any{"id": []any{1}}})
	w.team.Emit(map[string]any{"type": "message", "channel": 7, "blocks": "odd"})
	w.team.Emit(map[string]any{"type": "app_home_opened"})
	for _, a := range w.acked(3) {
		require.True(t, a.Acked)
		require.Zero(t, a.Retry)
	}
	w.fake.SendRaw(map[string]any{"type": "from_the_future", "envelope_id": "e1", "payload": map[string]any{}})
	w.until(func() bool { return w.counts.get("slack_deliveries_unheard") >= 5 })
	w.clean("unknown_ack")
}

func TestS7_ABurstIsAcknowledgedWhole(t *testing.T) {
	t.Parallel()
	w := hear(t, settings{fake: fakeslack.Options{Deliver: quickDeliveries}})
	for n := range 300 {
		w.team.Emit(map[string]any{"type": "reaction_added", "n": n})
	}
	for _, a := range w.acked(300) {
		require.Zero(t, a.Retry, a.Reason)
	}
	require.Equal(t, 2, w.fake.Sockets())
	w.clean()
}

// S7: so is a burst of answers whose work takes its time.
func TestS7_ABurstOfWorkIsAcknowledgedWhole(t *testing.T) {
	t.Parallel()
	const burst = 200
	free := make(chan struct{})
	d := openDoor(t, "socket", func(q command.Request) command.Answer {
		<-free
		return fine(q)
	}, nil)
	d.team.SetScopes(allScopes...)
	var cards []string
	for range 2 {
		cards = append(cards, d.relay().Message)
	}
	before := len(d.fake.Deliveries())
	for n := range burst {
		d.fake.Say(d.ann, d.channel, cards[n%len(cards)], fmt.Sprintf("answer %d", n))
	}
	d.until(func() bool { return len(d.fake.Deliveries()) >= before+burst })
	for _, a := range d.fake.Deliveries() {
		require.True(t, a.Acked)
		require.Zero(t, a.Retry)
	}
	require.Equal(t, 2, d.fake.Sockets())
	close(free)
	d.until(func() bool { return len(d.hands.effects()) == burst })
}

func TestLifecycleEventsReachTheHookOnce(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var got []Change
	w := hear(t, settings{fake: fakeslack.Options{Deliver: quickDeliveries}, changed: func(c Change) {
		mu.Lock()
		defer mu.Unlock()
		got = append(got, c)
	}})
	inner := map[string]any{"type": "channel_archive", "channel": w.channel, "user": "U1"}
	id := w.team.Emit(inner)
	w.acked(1)
	w.team.Redeliver(inner, id)
	w.acked(2)
	for n, e := range []map[string]any{
		{"type": "tokens_revoked", "tokens": map[string]any{"oauth": []any{"U1"}}},
		{"type": "tokens_revoked", "tokens": map[string]any{"bot": []any{"U2"}}},
		{"type": "member_left_channel", "channel": w.channel, "user": "U0SOMEBODY"},
		{"type": "member_left_channel", "channel": w.channel, "user": w.team.BotUser},
		{"type": "channel_unarchive", "channel": w.channel},
		{"type": "app_uninstalled"},
	} {
		w.team.Emit(e)
		w.acked(3 + n)
	}
	mu.Lock()
	defer mu.Unlock()
	var kinds []ChangeKind
	for _, c := range got {
		require.Equal(t, w.team.ID, c.Team)
		require.WithinDuration(t, time.Now(), c.At, time.Minute)
		kinds = append(kinds, c.Kind)
	}
	require.Equal(t, []ChangeKind{ChannelGone, Revoked, ChannelGone, ChannelBack, Uninstalled}, kinds)
	require.Equal(t, w.channel, got[0].Channel)
}

// With the echo alone a lost answer is no duplicate.
func TestF23_EchoSettlesADoubt(t *testing.T) {
	t.Parallel()
	w := hear(t, settings{scopes: []string{"chat:write", "metadata.message:read"}, fake: fakeslack.Options{Deliver: quickDeliveries}})
	w.fake.Inject(fakeslack.Trouble{Method: methodPost, Kind: fakeslack.Cut, Effect: true, Times: 1})
	d := w.note(1)
	begin := time.Now()
	_, err := w.send(d)
	require.Equal(t, bridge.InDoubt, err.Verdict)
	stored := w.shown()[0]
	w.team.Emit(map[string]any{
		"type": "message_metadata_posted", "app_id": w.team.AppID, "channel_id": w.channel, "message_ts": stored.TS,
		"metadata": map[string]any{"event_type": "imagine_bridge", "event_payload": stored.Metadata.Payload},
	})
	w.until(func() bool { _, ok := w.sink.echoes.get(d.Key); return ok })
	d.Doubt, d.Attempt = begin, 2
	r := w.must(d)
	require.Equal(t, stored.TS, r.Message)
	require.Len(t, w.shown(), 1)
}

func TestAnEchoIsWaitedForBeforeARepeat(t *testing.T) {
	t.Parallel()
	inBubble(t, settings{scopes: []string{"chat:write", "metadata.message:read"}}, func(w *world) {
		w.must(w.note(0))
		w.sink.sockets.Store(1)
		d := w.note(1)
		d.Doubt, d.Attempt = time.Now(), 2
		_, err := w.send(d)
		require.Equal(w, bridge.InDoubt, err.Verdict)
		require.True(w, err.Paced)
		require.Equal(w, 10*time.Second, err.After)
		sleep(w.Context(), err.After)
		w.must(d)
		require.Contains(w, string(w.shown()[1].Blocks), repeatNote)
	})
}

// L26: a message beyond the limit ends the socket and not the memory; what comes
// after it is heard.
func TestLibraryL26_AHugeMessageEndsTheSocketAlone(t *testing.T) {
	t.Parallel()
	w := hear(t, settings{fake: fakeslack.Options{Deliver: losingDeliveries(), Limits: fakeslack.Limits{Off: true}}})
	opened := len(w.fake.Requests(methodOpen))
	w.fake.SendRaw(map[string]any{"type": "events_api", "envelope_id": "e1", "payload": map[string]any{"text": strings.Repeat("x", socketLimit)}})
	w.until(func() bool { return len(w.fake.Requests(methodOpen)) > opened })
	w.until(func() bool { return w.sink.sockets.Load() == 2 && w.fake.Sockets() >= 2 })
	w.team.Emit(map[string]any{"type": "app_home_opened"})
	w.acked(1)
}

// S9: however a connection ends, it comes back, and events come through.
func TestS9_ConnectionsComeBack(t *testing.T) {
	t.Parallel()
	for name, trouble := range map[string]func(*fakeslack.Server){
		"abrupt":  func(s *fakeslack.Server) { s.CutSockets() },
		"refresh": func(s *fakeslack.Server) { s.Disconnect("refresh_requested") },
		"warning": func(s *fakeslack.Server) { s.Disconnect("warning") },
		"silence": func(s *fakeslack.Server) { s.Silence(true) },
		"frozen":  func(s *fakeslack.Server) { s.Freeze(true) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := hear(t, settings{ping: 400 * time.Millisecond, fake: fakeslack.Options{Deliver: losingDeliveries(), Limits: fakeslack.Limits{Off: true}}})
			opened := len(w.fake.Requests(methodOpen))
			trouble(w.fake)
			w.until(func() bool { return len(w.fake.Requests(methodOpen)) > opened })
			w.fake.Silence(false)
			w.fake.Freeze(false)
			w.until(func() bool { return w.sink.sockets.Load() == 2 && w.fake.Sockets() >= 2 })
			w.team.Emit(map[string]any{"type": "app_home_opened"})
			w.acked(1)
		})
	}
}

func TestLinkIsToldWhenTheLastConnectionGoesAndTheFirstComes(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var told []error
	w := hear(t, settings{fake: fakeslack.Options{Deliver: quickDeliveries, Limits: fakeslack.Limits{Off: true}}, link: func(err error) {
		mu.Lock()
		defer mu.Unlock()
		told = append(told, err)
	}})
	w.fake.Down()
	w.until(func() bool { return w.sink.sockets.Load() == 0 })
	require.NoError(t, w.fake.Up())
	w.until(func() bool { return w.sink.sockets.Load() == 2 })
	mu.Lock()
	defer mu.Unlock()
	require.NoError(t, told[0])
	require.NoError(t, told[len(told)-1])
	require.Error(t, told[1])
}

func TestRunEndsWithASentenceWhenSlackRefusesForGood(t *testing.T) {
	t.Parallel()
	for code, want := range map[string]string{
		"invalid_auth":           "SLACK_APP_TOKEN",
		"token_revoked":          "SLACK_APP_TOKEN",
		"not_allowed_token_type": "xapp-",
		"missing_scope":          "connections:write",
	} {
		t.Run(code, func(t *testing.T) {
			t.Parallel()
			w := onSockets(t, settings{app: true})
			w.sink.links = linkTimes{apart: time.Millisecond, ping: time.Second, again: time.Millisecond}
			w.fake.Inject(fakeslack.Trouble{Method: methodOpen, Kind: fakeslack.Refused, Error: code})
			err := w.sink.Run(t.Context())
			require.ErrorContains(t, err, want)
			require.NotContains(t, err.Error(), w.fake.AppToken())
		})
	}
}

func TestRunOutlivesATroubleAtTheStart(t *testing.T) {
	t.Parallel()
	w := onSockets(t, settings{app: true})
	w.sink.links = linkTimes{apart: time.Millisecond, ping: time.Second, again: time.Millisecond}
	w.fake.Inject(fakeslack.Trouble{Method: methodOpen, Kind: fakeslack.Status, Code: 502, Times: 2})
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- w.sink.Run(ctx) }()
	w.until(func() bool { return w.fake.Sockets() == 2 })
	cancel()
	require.NoError(t, <-ended)
}

func TestRunWithoutAnAppTokenReturnsAtOnce(t *testing.T) {
	t.Parallel()
	require.NoError(t, onSockets(t, settings{}).sink.Run(t.Context()))
}

func TestASocketWithoutTLSIsRefused(t *testing.T) {
	t.Parallel()
	sink, err := New(Options{BotToken: func() string { return canaryBot }, AppToken: func() string { return canaryApp }})
	require.NoError(t, err)
	_, _, err = sink.dialer().DialContext(t.Context(), "ws://127.0.0.1:1/link", nil)
	require.ErrorContains(t, err, "without TLS")
}

func FuzzSocketDecoding(f *testing.F) {
	for _, seed := range []string{
		`{"type":"events_api","envelope_id":"e","payload":{"type":"event_callback","event_id":"Ev1","event":{"type":"app_uninstalled"}}}`,
		`{"type":"events_api","envelope_id":"e","payload":{"type":"event_callback","api_app_id":"A","event":{"type":"message_metadata_posted","app_id":"A","channel_id":"C1","message_ts":"1.2","metadata":{"event_type":"imagine_bridge","event_payload":{"d":"k","s":3}}}}}`,
		`{"type":"slash_commands","envelope_id":"e","payload":{}}`, `{"envelope_id":1}`, `null`, `{"type":"events_api","envelope_id":"e","payload":{"type":"event_callback","event":{"type":"channel_left","channel":{"id":"C"}}}}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		e, err := decodeEnvelope(raw)
		if err != nil {
			return
		}
		again, err := json.Marshal(e)
		if err != nil {
			return // a payload that is no JSON cannot be there
		}
		same, err := decodeEnvelope(again)
		require.NoError(t, err)
		require.Equal(t, e.ID, same.ID)
		d, ok := decodeEvent(e.Payload)
		if !ok {
			return
		}
		if key, r, ok := d.echoOf(); ok {
			require.NotEmpty(t, key)
			require.NotEmpty(t, r.Message)
		}
		if c, ok := d.change("U1"); ok {
			require.NotEmpty(t, c.Kind, fmt.Sprint(c))
		}
	})
}
