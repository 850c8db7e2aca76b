package fakeslack_test

import (
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/slack-go/slack"
	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/internal/fakeslack"
)

// clock is a clock that tests move by hand.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func newClock() *clock { return &clock{at: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)} }

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) Add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// house is a fake with a moved clock, one workspace and one channel, and the real client library on it.
type house struct {
	*fakeslack.Server
	clock *clock
	team  *fakeslack.Workspace
	ch    string
	api   *slack.Client
}

func open(t *testing.T, opt fakeslack.Options, scopes ...string) *house {
	t.Helper()
	h := &house{clock: newClock()}
	opt.Now = h.clock.Now
	s, err := fakeslack.New(opt)
	require.NoError(t, err)
	t.Cleanup(s.Close)
	h.Server = s
	h.team = s.AddWorkspace("acme", scopes...)
	h.ch = h.team.AddChannel("alerts")
	h.api = h.client(h.team.BotToken())
	return h
}

func (h *house) client(token string) *slack.Client {
	return slack.New(token, slack.OptionAPIURL(h.URL()+"/api/"), slack.OptionAppLevelToken(h.AppToken()),
		slack.OptionHTTPClient(&http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{}}))
}

// post sends one message and lets the channel's second pass.
func (h *house) post(t *testing.T, opts ...slack.MsgOption) string {
	t.Helper()
	_, ts, err := h.api.PostMessageContext(t.Context(), h.ch, opts...)
	require.NoError(t, err)
	h.clock.Add(time.Second)
	return ts
}

func text(s string) slack.MsgOption { return slack.MsgOptionText(s, false) }

func TestMessageIsStoredAndReadBack(t *testing.T) {
	t.Parallel()
	h := open(t, fakeslack.Options{}, "chat:write", "channels:history")
	root := h.post(t, text("hello"), slack.MsgOptionMetadata(slack.SlackMetadata{EventType: "imagine_bridge", EventPayload: map[string]any{"d": "1"}}))
	reply := h.post(t, text("again"), slack.MsgOptionTS(root))

	got := h.Messages(h.ch)
	require.Len(t, got, 2)
	require.Equal(t, "hello", got[0].Text)
	require.Equal(t, "1", got[0].Metadata.Payload["d"])
	require.Equal(t, root, got[1].ThreadTS)
	require.Equal(t, reply, got[1].TS)

	page, err := h.api.GetConversationHistoryContext(t.Context(), &slack.GetConversationHistoryParameters{ChannelID: h.ch, IncludeAllMetadata: true})
	require.NoError(t, err)
	require.Len(t, page.Messages, 1, "replies are no part of the channel's history")
	require.Equal(t, "imagine_bridge", page.Messages[0].Metadata.EventType)
	replies, _, _, err := h.api.GetConversationRepliesContext(t.Context(), &slack.GetConversationRepliesParameters{ChannelID: h.ch, Timestamp: root})
	require.NoError(t, err)
	require.Len(t, replies, 2)
	require.Empty(t, h.Faults())
}
