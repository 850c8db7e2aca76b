package fakeslack_test

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"github.com/slack-go/slack"
	"github.com/slack-go/slack/slackevents"
	"github.com/slack-go/slack/socketmode"
	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/internal/fakeslack"
)

// plug opens a socket by hand and reads the hello.
func (h *house) plug(t *testing.T) *websocket.Conn {
	t.Helper()
	_, address, err := h.api.StartSocketModeContext(t.Context())
	require.NoError(t, err)
	conn := h.dial(t, address)
	require.Equal(t, "hello", read(t, conn)["type"])
	return conn
}

func (h *house) dial(t *testing.T, address string) *websocket.Conn {
	t.Helper()
	conn, res, err := websocket.DefaultDialer.DialContext(t.Context(), address, nil)
	require.NoError(t, err)
	_ = res.Body.Close()
	t.Cleanup(func() { _ = conn.Close() })
	// The library's own handler ends the reading when a pong can't be written, and
	// so hides what the server sent before it closed.
	conn.SetPingHandler(func(data string) error {
		_ = conn.WriteControl(websocket.PongMessage, []byte(data), time.Now().Add(time.Second))
		return nil
	})
	return conn
}

func read(t *testing.T, conn *websocket.Conn) map[string]any {
	t.Helper()
	require.NoError(t, conn.SetReadDeadline(time.Now().Add(20*time.Second)))
	var got map[string]any
	require.NoError(t, conn.ReadJSON(&got))
	return got
}

func ack(t *testing.T, conn *websocket.Conn, envelope any, payload string) {
	t.Helper()
	msg := map[string]any{"envelope_id": envelope}
	if payload != "" {
		msg["payload"] = json.RawMessage(payload)
	}
	require.NoError(t, conn.WriteJSON(msg))
}

func (h *house) until(t *testing.T, cond func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	require.NoError(t, h.Until(ctx, cond))
}

func TestLibraryTalksSocketMode(t *testing.T) {
	t.Parallel()
	h := open(t, fakeslack.Options{Deliver: fakeslack.Deliver{PingEvery: 20 * time.Millisecond}}, "chat:write", "channels:history")
	client := socketmode.New(h.api)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- client.RunContext(ctx) }()
	h.until(t, func() bool { return h.Sockets() == 1 })
	ts := h.Say(h.team.Owner, h.ch, "", "hello")
	for event := range client.Events {
		if event.Type == socketmode.EventTypeEventsAPI {
			inner := event.Data.(slackevents.EventsAPIEvent).InnerEvent.Data.(*slackevents.MessageEvent)
			require.Equal(t, ts, inner.TimeStamp)
			require.NoError(t, client.AckCtx(ctx, event.Request.EnvelopeID, nil))
			break
		}
	}
	h.until(t, func() bool { return len(h.Deliveries()) == 1 })
	require.True(t, h.Deliveries()[0].Acked)
	cancel()
	require.ErrorIs(t, <-ended, context.Canceled)
	require.Empty(t, h.Faults())
}

func TestSocketURLIsGoodOnce(t *testing.T) {
	t.Parallel()
	h := open(t, fakeslack.Options{})
	_, address, err := h.api.StartSocketModeContext(t.Context())
	require.NoError(t, err)
	h.dial(t, address)
	_, res, err := websocket.DefaultDialer.DialContext(t.Context(), address, nil)
	require.Error(t, err)
	require.Equal(t, http.StatusForbidden, res.StatusCode)
	_ = res.Body.Close()
	_, late, err := h.api.StartSocketModeContext(t.Context())
	require.NoError(t, err)
	h.clock.Add(time.Minute)
	_, res, err = websocket.DefaultDialer.DialContext(t.Context(), late, nil)
	require.Error(t, err)
	_ = res.Body.Close()
	require.Equal(t, []string{"bad_ticket", "bad_ticket"}, h.Codes())
}

func TestElevenSocketsAreTooMany(t *testing.T) {
	t.Parallel()
	h := open(t, fakeslack.Options{})
	for range 10 {
		h.plug(t)
	}
	_, address, err := h.api.StartSocketModeContext(t.Context())
	require.NoError(t, err)
	require.Equal(t, "too_many_websockets", read(t, h.dial(t, address))["reason"])
	require.Equal(t, []string{"too_many_websockets"}, h.Codes())
}

func TestAckRules(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		send func(t *testing.T, conn *websocket.Conn, id any)
		want []string
	}{
		"plain":        {func(t *testing.T, conn *websocket.Conn, id any) { t.Helper(); ack(t, conn, id, "") }, nil},
		"empty object": {func(t *testing.T, conn *websocket.Conn, id any) { t.Helper(); ack(t, conn, id, "{}") }, nil},
		"null":         {func(t *testing.T, conn *websocket.Conn, id any) { t.Helper(); ack(t, conn, id, "null") }, nil},
		"repeated": {func(t *testing.T, conn *websocket.Conn, id any) {
			t.Helper()
			ack(t, conn, id, "")
			ack(t, conn, id, "")
		}, []string{"repeated_ack"}},
		"unknown": {func(t *testing.T, conn *websocket.Conn, id any) {
			t.Helper()
			ack(t, conn, "nothing", "")
			ack(t, conn, id, "")
		}, []string{"unknown_ack"}},
		"payload where none belongs": {func(t *testing.T, conn *websocket.Conn, id any) { t.Helper(); ack(t, conn, id, `{"text":"x"}`) }, []string{"ack_payload_not_accepted"}},
		"too large": {func(t *testing.T, conn *websocket.Conn, id any) {
			t.Helper()
			ack(t, conn, id, `{"text":"`+strings.Repeat("x", 20<<10)+`"}`)
			ack(t, conn, id, "")
		}, []string{"ack_too_large"}},
		"no JSON": {func(t *testing.T, conn *websocket.Conn, id any) {
			t.Helper()
			require.NoError(t, conn.WriteMessage(websocket.TextMessage, []byte("ok")))
			ack(t, conn, id, "")
		}, []string{"bad_ack"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := open(t, fakeslack.Options{})
			conn := h.plug(t)
			h.team.Emit(map[string]any{"type": "app_home_opened"})
			envelope := read(t, conn)
			require.Equal(t, "events_api", envelope["type"])
			tc.send(t, conn, envelope["envelope_id"])
			h.until(t, func() bool { return len(h.Deliveries()) == 1 && len(h.Faults()) == len(tc.want) })
			require.True(t, h.Deliveries()[0].Acked)
			require.Equal(t, tc.want, h.Codes())
		})
	}
}

func TestUnackedEventComesAgainOnAnotherSocket(t *testing.T) {
	t.Parallel()
	h := open(t, fakeslack.Options{Deliver: fakeslack.Deliver{AckWithin: 20 * time.Millisecond, Retries: make([]time.Duration, 500)}})
	one, two := h.plug(t), h.plug(t)
	h.team.Emit(map[string]any{"type": "app_home_opened"})
	first, second := read(t, two), read(t, one)
	require.InDelta(t, 0, first["retry_attempt"], 0)
	require.InDelta(t, 1, second["retry_attempt"], 0)
	require.Equal(t, "timeout", second["retry_reason"])
	require.Equal(t, first["payload"], second["payload"])
	got := func() bool {
		return slices.ContainsFunc(h.Deliveries(), func(a fakeslack.Attempt) bool { return a.Acked })
	}
	for n := 2; !got(); n++ { // until one acknowledgement is in time
		conn := []*websocket.Conn{two, one}[n%2]
		ack(t, conn, read(t, conn)["envelope_id"], "")
		h.until(t, func() bool { return got() || len(h.Deliveries()) > n })
	}
}

func TestConnectionsEndInSlacksWays(t *testing.T) {
	t.Parallel()
	h := open(t, fakeslack.Options{Deliver: fakeslack.Deliver{Warning: time.Millisecond, PingEvery: time.Millisecond}})
	gone := func(conn *websocket.Conn) bool {
		for {
			if _, _, err := conn.ReadMessage(); err != nil {
				return true
			}
		}
	}
	for _, reason := range []string{"warning", "refresh_requested", "link_disabled"} {
		conn := h.plug(t)
		h.Disconnect(reason)
		got := read(t, conn)
		require.Equal(t, "disconnect", got["type"])
		require.Equal(t, reason, got["reason"])
		require.True(t, gone(conn))
		h.until(t, func() bool { return h.Sockets() == 0 })
	}
	conn := h.plug(t)
	require.Equal(t, 1, h.CutSockets())
	require.True(t, gone(conn))

	conn = h.plug(t)
	h.Freeze(true)
	h.SendRaw(map[string]any{"type": "from_the_future", "envelope_id": "e1"})
	require.Equal(t, "from_the_future", read(t, conn)["type"], "what is sent by hand still comes")
	require.Empty(t, h.Faults())
}

func TestSilenceMakesTheLibraryReconnect(t *testing.T) {
	t.Parallel()
	h := open(t, fakeslack.Options{Deliver: fakeslack.Deliver{PingEvery: 5 * time.Millisecond}})
	client := socketmode.New(h.api, socketmode.OptionPingInterval(100*time.Millisecond))
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- client.RunContext(ctx) }()
	go func() {
		for {
			select {
			case <-client.Events:
			case <-ctx.Done():
				return
			}
		}
	}()
	opened := func() int { return len(h.Requests("apps.connections.open")) }
	h.until(t, func() bool { return h.Sockets() == 1 })
	h.Silence(true)
	h.until(t, func() bool { return opened() > 1 })
	h.Silence(false)
	cancel()
	require.ErrorIs(t, <-ended, context.Canceled)
}

func TestOpeningASocketCanFail(t *testing.T) {
	t.Parallel()
	h := open(t, fakeslack.Options{})
	in := h.Inject(fakeslack.Trouble{Method: "apps.connections.open", Kind: fakeslack.Refused, Error: "internal_error", Times: 2})
	for range 2 {
		_, _, err := h.api.StartSocketModeContext(t.Context())
		require.EqualError(t, err, "internal_error")
	}
	_, _, err := h.api.StartSocketModeContext(t.Context())
	require.NoError(t, err)
	require.Equal(t, 2, in.Hits())
	h.RevokeAppToken()
	_, _, err = h.api.StartSocketModeContext(t.Context())
	require.EqualError(t, err, "token_revoked")
	var none slack.SlackErrorResponse
	require.ErrorAs(t, err, &none)
}
