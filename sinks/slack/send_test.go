package slack

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/internal/fakeslack"
	"github.com/imaginebridge/imaginebridge/internal/load"
)

func TestSendShowsAMessageAndSaysWhere(t *testing.T) {
	t.Parallel()
	w := onSockets(t, settings{})
	r := w.must(w.note(1))
	require.Equal(t, w.channel, r.Channel)
	require.Len(t, w.shown(), 1)
	require.Equal(t, w.shown()[0].TS, r.Message)
	require.Equal(t, "imagine_bridge", w.shown()[0].Metadata.EventType)
	for _, req := range w.fake.Requests() {
		require.NotContains(t, req.Args, "token", "the token belongs into the header")
	}
	w.clean()
}

func TestSendRefusesAPlaceThatIsNoChannelID(t *testing.T) {
	t.Parallel()
	w := onSockets(t, settings{})
	d := w.note(1)
	d.To.Place = "general"
	_, err := w.send(d)
	require.Equal(t, bridge.Gone, err.Verdict)
	require.Equal(t, "slack:general: use the channel's ID (starts with C or G): open the channel's details, it is at the bottom.", err.Advice)
	require.Empty(t, w.fake.Requests())
}

// S18: 40 events to one channel by two subscriptions, and five channels at once.
func TestS18_PaceAndOrderPerChannel(t *testing.T) {
	t.Parallel()
	inBubble(t, settings{}, func(w *world) {
		channels := []string{w.channel}
		for i := range 4 {
			channels = append(channels, w.team.AddChannel(fmt.Sprintf("c%d", i)))
		}
		begin := time.Now()
		var wg sync.WaitGroup
		lane := func(channel string, from, to int) {
			wg.Go(func() {
				for n := from; n < to; n++ {
					d := w.note(n)
					d.To.Place = channel
					w.must(d)
				}
			})
		}
		lane(channels[0], 0, 20)
		lane(channels[0], 100, 120)
		for _, c := range channels[1:] {
			lane(c, 0, 20)
		}
		wg.Wait()
		took := time.Since(begin)
		require.Less(w, took, 55*time.Second, "channels hold each other up")
		for _, c := range channels {
			var last time.Time
			order := map[bool][]string{}
			for _, m := range w.fake.Messages(c) {
				if !last.IsZero() {
					require.GreaterOrEqual(w, m.At.Sub(last), time.Second)
				}
				last = m.At
				key := m.Metadata.Payload["d"].(string)
				order[len(key) > len("key-99")] = append(order[len(key) > len("key-99")], key)
			}
			require.Len(w, order[false], 20)
			for n, key := range order[false] {
				require.Equal(w, fmt.Sprintf("key-%d", n), key)
			}
			require.True(w, slices.IsSorted(order[true]))
		}
		w.clean()
	})
}

// F20, S20: whatever shape a limit has, no call comes before its end, others go
// on, and nothing is lost.
func TestF20_RateLimitInEveryShape(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		trouble fakeslack.Trouble
		least   time.Duration
		most    time.Duration
	}{
		"one second":      {fakeslack.Trouble{Kind: fakeslack.RateLimited, RetryAfter: "1"}, time.Second, 1400 * time.Millisecond},
		"a minute":        {fakeslack.Trouble{Kind: fakeslack.RateLimited, RetryAfter: "60"}, time.Minute, 67 * time.Second},
		"fraction":        {fakeslack.Trouble{Kind: fakeslack.RateLimited, RetryAfter: "1.5"}, 1500 * time.Millisecond, 1900 * time.Millisecond},
		"no time":         {fakeslack.Trouble{Kind: fakeslack.RateLimited}, 30 * time.Second, 34 * time.Second},
		"garbage":         {fakeslack.Trouble{Kind: fakeslack.RateLimited, RetryAfter: "soon"}, 30 * time.Second, 34 * time.Second},
		"inside of a 200": {fakeslack.Trouble{Kind: fakeslack.SoftRateLimited}, 30 * time.Second, 34 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inBubble(t, settings{}, func(w *world) {
				other := w.must(w.state(1, false))
				sleep(w.Context(), 10*time.Second)
				trouble := tc.trouble
				trouble.Method, trouble.Times = methodPost, 1
				w.fake.Inject(trouble)
				begin := time.Now()
				_, err := w.send(w.note(1))
				require.Equal(w, bridge.Retry, err.Verdict)
				require.True(w, err.Paced)
				require.GreaterOrEqual(w, err.After, tc.least)
				edit := w.state(2, true)
				edit.Replaces = other
				_, err = w.send(edit)
				require.Nil(w, err, "another method waits too")
				w.must(w.note(1))
				took := time.Since(begin)
				require.GreaterOrEqual(w, took, tc.least)
				require.LessOrEqual(w, took, tc.most)
				require.Equal(w, []string{"job-2", "key-1"}, w.keys())
				w.clean()
			})
		})
	}
}

// F20: a storm of limits over five channels, and two thousand messages under M.
func TestF20_StormLosesNothingAndKeepsTheOrder(t *testing.T) {
	t.Parallel()
	each := load.Pick(t, 100, 400)
	inBubble(t, settings{}, func(w *world) {
		w.fake.Inject(fakeslack.Trouble{Method: methodPost, Kind: fakeslack.RateLimited, RetryAfter: "65", Skip: 100, Times: 1})
		w.fake.Inject(fakeslack.Trouble{Method: methodPost, Kind: fakeslack.RateLimited, Every: 17, Times: 5})
		w.fake.Inject(fakeslack.Trouble{Method: methodPost, Kind: fakeslack.RateLimited, RetryAfter: "1.3", Every: 11})
		often := w.fake.Inject(fakeslack.Trouble{Method: methodPost, Kind: fakeslack.RateLimited, RetryAfter: "3", Every: 7})
		var wg sync.WaitGroup
		var channels []string
		w.do(func() {
			for i := range 5 {
				channels = append(channels, w.team.AddChannel(fmt.Sprintf("storm%d", i)))
			}
		})
		for _, c := range channels {
			wg.Go(func() {
				for n := range each {
					d := w.note(n)
					d.To.Place = c
					w.must(d)
				}
			})
		}
		wg.Wait()
		for _, c := range channels {
			shown := w.fake.Messages(c)
			require.Len(w, shown, each)
			for n, m := range shown {
				require.Equal(w, fmt.Sprintf("key-%d", n), m.Metadata.Payload["d"])
			}
		}
		require.Greater(w, often.Hits(), 5*each/20)
		w.clean()
	})
}

// S21: what surely did not arrive is sent again, once.
func TestS21_RefusedIsRepeated(t *testing.T) {
	t.Parallel()
	for name, trouble := range map[string]fakeslack.Trouble{
		"ok false without a reason": {Kind: fakeslack.Bare},
		"service unavailable":       {Kind: fakeslack.Refused, Error: "service_unavailable"},
		"503":                       {Kind: fakeslack.Status, Code: 503},
		"unknown reason":            {Kind: fakeslack.Refused, Error: "brand_new_trouble"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inBubble(t, settings{}, func(w *world) {
				trouble.Method, trouble.Times = methodPost, 2
				w.fake.Inject(trouble)
				w.must(w.note(1))
				require.Equal(w, []string{"key-1"}, w.keys())
				w.clean()
			})
		})
	}
}

func TestS21_NoConnectionIsNoDoubt(t *testing.T) {
	t.Parallel()
	w := onSockets(t, settings{})
	w.fake.Down()
	_, err := w.send(w.note(1))
	require.Equal(t, bridge.Retry, err.Verdict)
	require.NoError(t, w.fake.Up())
	w.must(w.note(1))
	require.Equal(t, []string{"key-1"}, w.keys())
}

// S31, F57: a closed door costs at most two requests and says what to do.
func TestS31_ClosedDoorsNameTheNextStep(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		close  func(*world)
		want   bridge.Verdict
		advice string
	}{
		"not invited": {func(w *world) { w.fake.Kick(w.channel) }, bridge.Gone, "Type /invite @ImagineBridge there."},
		"archived":    {func(w *world) { w.fake.Archive(w.channel, true) }, bridge.Gone, "is archived"},
		"deleted":     {func(w *world) { w.fake.DeleteChannel(w.channel) }, bridge.Gone, "I can't find the channel"},
		"no scope":    {func(w *world) { w.team.SetScopes("im:history") }, bridge.Gone, "lacks the permission chat:write"},
		"revoked":     {func(w *world) { w.team.Revoke() }, bridge.Revoked, "SLACK_BOT_TOKEN"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := onSockets(t, settings{})
			tc.close(w)
			_, err := w.send(w.note(1))
			require.Equal(t, tc.want, err.Verdict)
			require.Contains(t, err.Advice, tc.advice)
			require.LessOrEqual(t, len(w.fake.Requests()), 2)
		})
	}
}

// F22: the token is revoked while twenty channels are busy; a new one revives all.
func TestF22_ADeadTokenIsNotUsedAgain(t *testing.T) {
	t.Parallel()
	inBubble(t, settings{}, func(w *world) {
		var channels []string
		w.do(func() {
			for i := range 20 {
				channels = append(channels, w.team.AddChannel(fmt.Sprintf("busy%d", i)))
			}
		})
		w.must(w.note(0))
		w.team.Revoke()
		token := w.team.BotToken()
		before := len(w.fake.Requests())
		w.sink.web.token = func() string { return token }
		var wg sync.WaitGroup
		for _, c := range channels {
			wg.Go(func() {
				d := w.note(1)
				d.To.Place = c
				_, err := w.lane(d)
				require.Equal(w, bridge.Revoked, err.Verdict)
				require.Contains(w, err.Advice, "SLACK_BOT_TOKEN")
			})
		}
		wg.Wait()
		require.LessOrEqual(w, len(w.fake.Requests())-before, 3)
		token = w.team.Reissue()
		for _, c := range channels {
			d := w.note(2)
			d.To.Place = c
			w.must(d)
		}
		_ = w.fake.Faults("token_revoked")
	})
}

func TestMetadataThatIsRefusedIsLeftOut(t *testing.T) {
	t.Parallel()
	inBubble(t, settings{}, func(w *world) {
		w.fake.Inject(fakeslack.Trouble{Method: methodPost, Kind: fakeslack.Refused, Error: "metadata_too_large", Times: 1})
		w.must(w.note(1))
		require.Len(w, w.shown(), 1)
		require.Nil(w, w.shown()[0].Metadata)
		require.NotEmpty(w, w.shown()[0].Blocks)
	})
}

// S34: a picture that Slack cannot fetch costs the picture, not the message.
func TestS34_UnreachablePicture(t *testing.T) {
	t.Parallel()
	inBubble(t, settings{}, func(w *world) {
		w.do(func() { w.fake.BreakImages("") })
		d := w.note(1)
		d.Message.Media = []bridge.Media{{URL: "https://cdn.example/m/1.png", Alt: "ring"}}
		w.must(d)
		require.Len(w, w.shown(), 1)
		require.NotContains(w, string(w.shown()[0].Blocks), "image_url")
		require.Contains(w, string(w.shown()[0].Blocks), "https://cdn.example/m/1.png")
		w.clean("invalid_blocks")
	})
}

func TestRefusedInEveryFormIsADeadLetter(t *testing.T) {
	t.Parallel()
	inBubble(t, settings{}, func(w *world) {
		w.fake.Inject(fakeslack.Trouble{Method: methodPost, Kind: fakeslack.Refused, Error: "msg_blocks_too_long"})
		_, err := w.send(w.note(1))
		require.Equal(w, bridge.Reject, err.Verdict)
		require.NotEmpty(w, err.Advice)
		require.Len(w, w.fake.Requests(methodPost), 3)
	})
}

func TestProbeTellsAMessageFromItsChannel(t *testing.T) {
	t.Parallel()
	w := onSockets(t, settings{})
	to := w.note(1).To
	w.fake.Inject(fakeslack.Trouble{Method: methodPost, Kind: fakeslack.Refused, Error: "brand_new_trouble"})
	_, err := w.send(w.note(1))
	require.Equal(t, bridge.Retry, err.Verdict)
	require.NoError(t, w.sink.Probe(t.Context(), to), "the channel answers: the message is to blame")
	w.fake.DeleteChannel(w.channel)
	require.ErrorContains(t, w.sink.Probe(t.Context(), to), "channel_not_found")
	w.team.Revoke()
	require.ErrorContains(t, w.sink.Probe(t.Context(), to), "token_revoked")
}

func TestProbeNeedsNoReadScope(t *testing.T) {
	t.Parallel()
	w := onSockets(t, settings{scopes: []string{"chat:write"}})
	require.NoError(t, w.sink.Probe(t.Context(), w.note(1).To))
}

func TestNewRefusesWhatCannotWork(t *testing.T) {
	t.Parallel()
	token := func(s string) func() string { return func() string { return s } }
	for name, tc := range map[string]struct {
		options Options
		want    string
	}{
		"none":          {Options{}, "no bot token"},
		"empty":         {Options{BotToken: token("")}, "SLACK_BOT_TOKEN is empty"},
		"B25":           {Options{BotToken: token("xapp-1-secret")}, "SLACK_BOT_TOKEN holds an app-level token (xapp-…). The bot token starts with xoxb- and is under OAuth & Permissions."},
		"user token":    {Options{BotToken: token("xoxp-secret")}, "SLACK_BOT_TOKEN holds no bot token"},
		"app token bot": {Options{BotToken: token("xoxb-1"), AppToken: token("xoxb-secret")}, "SLACK_APP_TOKEN holds a bot token (xoxb-…)"},
		"app token odd": {Options{BotToken: token("xoxb-1"), AppToken: token("secret")}, "SLACK_APP_TOKEN holds no app-level token"},
		"path":          {Options{BotToken: token("xoxb-1"), APIURL: "https://slack.com/api/"}, "slack.api_url"},
		"no origin":     {Options{BotToken: token("xoxb-1"), APIURL: "slack.com"}, "slack.api_url"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := New(tc.options)
			require.ErrorContains(t, err, tc.want)
			require.NotContains(t, err.Error(), "secret")
		})
	}
	_, err := New(Options{BotToken: token("xoxe.xoxb-1")})
	require.NoError(t, err)
}

// P16: whatever goes wrong, no token is in an error or a log line.
func TestF46_NoFaultShowsAToken(t *testing.T) {
	t.Parallel()
	for name, trouble := range map[string]fakeslack.Trouble{
		"429": {Kind: fakeslack.RateLimited}, "500": {Kind: fakeslack.Status}, "bare": {Kind: fakeslack.Bare}, "refused": {Kind: fakeslack.Refused, Error: "invalid_auth"},
		"cut": {Kind: fakeslack.Cut}, "reset": {Kind: fakeslack.Reset}, "hang": {Kind: fakeslack.Hang}, "echo": {Kind: fakeslack.Refused, Error: "xoxb-canary"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := onSockets(t, settings{app: true, timeout: 100 * time.Millisecond})
			w.fake.Inject(trouble)
			_, err := w.send(w.note(1)) // send itself looks at the error, the world at the log
			require.NotNil(t, err)
			for _, f := range w.sink.Check(t.Context(), nil) {
				for _, said := range []string{f.Problem, f.Remedy} {
					require.NotContains(t, said, w.team.BotToken())
					require.NotContains(t, said, w.fake.AppToken())
				}
			}
		})
	}
}

// A redirect must not carry the token to another house.
func TestRedirectsAreNotFollowed(t *testing.T) {
	t.Parallel()
	elsewhere := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("asked elsewhere with %q", r.Header.Get("Authorization"))
	}))
	t.Cleanup(elsewhere.Close)
	door := httptest.NewServer(http.RedirectHandler(elsewhere.URL, http.StatusTemporaryRedirect))
	t.Cleanup(door.Close)
	sink, err := New(Options{BotToken: func() string { return canaryBot }, APIURL: door.URL})
	require.NoError(t, err)
	_, err = sink.Send(t.Context(), bridge.Delivery{To: bridge.ParseDestination("slack:C0123456789"), Message: bridge.Message{Title: "x"}})
	require.ErrorContains(t, err, "307")
}
