package fakeslack_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/slack-go/slack"
	"github.com/slack-go/slack/slackevents"
	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/internal/fakeslack"
)

// app is an app's HTTP doors: it verifies each delivery with the library, keeps it, and answers by the function.
type app struct {
	*httptest.Server
	mu   sync.Mutex
	seen []delivered
}

type delivered struct {
	path   string
	header http.Header
	body   []byte
	signed error
}

func (a *app) deliveries() []delivered {
	a.mu.Lock()
	defer a.mu.Unlock()
	return append([]delivered(nil), a.seen...)
}

func doors(t *testing.T, h *house, answer func(w http.ResponseWriter, d delivered)) *app {
	t.Helper()
	a := &app{}
	a.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		verifier, err := slack.NewSecretsVerifier(r.Header, h.SigningSecret())
		if err == nil {
			_, _ = verifier.Write(body)
			err = verifier.Ensure()
		}
		d := delivered{r.URL.Path, r.Header, body, err}
		a.mu.Lock()
		a.seen = append(a.seen, d)
		a.mu.Unlock()
		if answer != nil {
			answer(w, d)
		}
	}))
	t.Cleanup(a.Close)
	h.SetDeliver(fakeslack.Deliver{
		EventsURL: a.URL + "/slack/events", CommandsURL: a.URL + "/slack/commands", InteractionsURL: a.URL + "/slack/interactions",
		Retries: []time.Duration{0, 0, 0}, AckWithin: 2 * time.Second,
	})
	return a
}

// live is a house whose clock is the real one, as signatures need.
func live(t *testing.T, scopes ...string) *house {
	t.Helper()
	s, err := fakeslack.New(fakeslack.Options{})
	require.NoError(t, err)
	t.Cleanup(s.Close)
	h := &house{Server: s, clock: newClock(), team: s.AddWorkspace("acme", scopes...)}
	h.ch = h.team.AddChannel("alerts")
	h.api = h.client(h.team.BotToken())
	return h
}

func TestEventsAreSignedAndUnderstoodByTheLibrary(t *testing.T) {
	t.Parallel()
	h := live(t, "channels:history", "app_mentions:read", "chat:write", "metadata.message:read")
	a := doors(t, h, nil)
	h.Say(h.team.Owner, h.ch, "", "hi <@"+h.team.BotUser+">")
	h.until(t, func() bool { return len(h.Deliveries()) == 2 })
	_, _, err := h.api.PostMessageContext(t.Context(), h.ch, text("own"), slack.MsgOptionMetadata(slack.SlackMetadata{EventType: "e", EventPayload: map[string]any{"d": "1"}}))
	require.NoError(t, err)
	h.until(t, func() bool { return len(h.Deliveries()) == 4 })
	kinds := map[string]int{}
	for _, d := range a.deliveries() {
		require.NoError(t, d.signed)
		require.Equal(t, "/slack/events", d.path)
		event, err := slackevents.ParseEvent(d.body, slackevents.OptionNoVerifyToken())
		require.NoError(t, err)
		kinds[event.InnerEvent.Type]++
	}
	require.Equal(t, map[string]int{"message": 2, "app_mention": 1, "message_metadata_posted": 1}, kinds)
}

func TestEventIsRetriedThreeTimesWithHeaders(t *testing.T) {
	t.Parallel()
	h := live(t)
	a := doors(t, h, func(w http.ResponseWriter, _ delivered) { w.WriteHeader(http.StatusServiceUnavailable) })
	id := h.team.Emit(map[string]any{"type": "from_the_future"})
	h.until(t, func() bool { return len(h.Deliveries()) == 4 })
	var nums []string
	for _, d := range a.deliveries() {
		nums = append(nums, d.header.Get("X-Slack-Retry-Num"))
		require.Contains(t, string(d.body), id)
	}
	require.Equal(t, []string{"", "1", "2", "3"}, nums)
	require.Equal(t, "http_error", a.deliveries()[1].header.Get("X-Slack-Retry-Reason"))
}

func TestNoRetryHeaderStopsRetries(t *testing.T) {
	t.Parallel()
	h := live(t)
	doors(t, h, func(w http.ResponseWriter, _ delivered) {
		w.Header().Set("X-Slack-No-Retry", "1")
		w.WriteHeader(http.StatusInternalServerError)
	})
	h.team.Emit(map[string]any{"type": "app_home_opened"})
	second := h.team.Emit(map[string]any{"type": "app_home_opened"})
	h.until(t, func() bool { return len(h.Deliveries()) == 2 })
	h.team.Redeliver(map[string]any{"type": "app_home_opened"}, second)
	h.until(t, func() bool { return len(h.Deliveries()) == 3 })
	require.Equal(t, 1, h.Deliveries()[2].Retry)
}

func TestLateAnswerIsATimeout(t *testing.T) {
	t.Parallel()
	h := live(t)
	release := make(chan struct{})
	a := doors(t, h, func(http.ResponseWriter, delivered) { <-release })
	defer close(release)
	h.SetDeliver(fakeslack.Deliver{CommandsURL: a.URL + "/slack/commands", AckWithin: 20 * time.Millisecond})
	r, err := h.Slash(h.team.Owner, h.ch, "/ia help")
	require.NoError(t, err)
	require.False(t, r.Acked)
	require.Equal(t, "http_timeout", r.Reason)
	require.Equal(t, []string{"not_acknowledged"}, h.Codes())
}

func TestForgedSignaturesDoNotVerify(t *testing.T) {
	t.Parallel()
	for name, forge := range map[string]func(h *house, r *http.Request, body []byte){
		"secret": func(_ *house, r *http.Request, body []byte) { fakeslack.Sign(r.Header, "another", time.Now(), body) },
		"body": func(h *house, r *http.Request, body []byte) {
			fakeslack.Sign(r.Header, h.SigningSecret(), time.Now(), append(body, ' '))
		},
		"stale": func(h *house, r *http.Request, body []byte) {
			fakeslack.Sign(r.Header, h.SigningSecret(), time.Now().Add(-301*time.Second), body)
		},
		"future": func(h *house, r *http.Request, body []byte) {
			fakeslack.Sign(r.Header, h.SigningSecret(), time.Now().Add(302*time.Second), body)
		},
		"none": func(_ *house, r *http.Request, _ []byte) { r.Header.Del("X-Slack-Signature") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := live(t)
			a := doors(t, h, nil)
			h.SetDeliver(fakeslack.Deliver{EventsURL: a.URL, Forge: func(r *http.Request, body []byte) { forge(h, r, body) }})
			h.team.Emit(map[string]any{"type": "app_home_opened"})
			h.until(t, func() bool { return len(h.Deliveries()) == 1 })
			require.Error(t, a.deliveries()[0].signed)
		})
	}
}

func TestCommandsAndInteractionsAreForms(t *testing.T) {
	t.Parallel()
	h := live(t)
	a := doors(t, h, nil)
	h.team.AddUser("ann")
	_, err := h.Slash(h.team.Owner, h.ch, "/ia dm @ann a<b & #alerts https://x.test")
	require.NoError(t, err)
	_, err = h.Shortcut(h.team.Owner, "ia1:post.create")
	require.NoError(t, err)
	got := a.deliveries()
	require.Equal(t, "/slack/commands", got[0].path)
	form, err := url.ParseQuery(string(got[0].body))
	require.NoError(t, err)
	require.Regexp(t, `^dm <@U\w+\|ann> a&lt;b &amp; <#C\w+\|alerts> <https://x.test>$`, form.Get("text"))
	require.Equal(t, "/slack/interactions", got[1].path)
	form, err = url.ParseQuery(string(got[1].body))
	require.NoError(t, err)
	require.Contains(t, form.Get("payload"), `"callback_id":"ia1:post.create"`)
	require.NoError(t, got[0].signed)
	require.NoError(t, got[1].signed)
}

func TestChallengeMustComeBack(t *testing.T) {
	t.Parallel()
	h := live(t)
	answer := func(http.ResponseWriter, delivered) {}
	a := doors(t, h, func(w http.ResponseWriter, d delivered) { answer(w, d) })
	require.ErrorContains(t, h.VerifyURL(), "not returned")
	require.NoError(t, h.CheckTLS())
	answer = func(w http.ResponseWriter, d delivered) {
		event, err := slackevents.ParseEvent(d.body, slackevents.OptionNoVerifyToken())
		if err == nil {
			_, _ = w.Write([]byte(event.Data.(*slackevents.EventsAPIURLVerificationEvent).Challenge))
		}
	}
	require.NoError(t, h.VerifyURL())
	answer = func(w http.ResponseWriter, _ delivered) { _, _ = w.Write([]byte("thanks")) }
	require.Error(t, h.CheckTLS())
	h.team.LimitEvents()
	h.until(t, func() bool { return len(h.Deliveries()) == 5 })
	require.Contains(t, string(a.deliveries()[4].body), "app_rate_limited")
	require.Equal(t, []string{"ack_body_not_accepted", "ack_body_not_accepted"}, h.Codes())
}

func TestGuestsComeFromElsewhere(t *testing.T) {
	t.Parallel()
	h := live(t)
	a := doors(t, h, nil)
	_, err := h.Shortcut(h.team.AddGuest("eve"), "x")
	require.NoError(t, err)
	got := interaction(t, a.deliveries()[0])
	require.Equal(t, h.team.ID, got.Team.ID)
	require.NotEqual(t, h.team.ID, got.User.TeamID)
}
