package fakediscord_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/internal/fakediscord"
)

// socket is a gateway client without manners.
type socket struct {
	t *testing.T
	*websocket.Conn
}

type frame struct {
	Op   int             `json:"op"`
	Data json.RawMessage `json:"d"`
	Seq  int64           `json:"s"`
	Name string          `json:"t"`
}

func dialGateway(t *testing.T, fake *fakediscord.Server) socket {
	t.Helper()
	ws, resp, err := websocket.DefaultDialer.DialContext(t.Context(), "ws"+strings.TrimPrefix(fake.URL(), "http")+"/?v=10&encoding=json", nil)
	require.NoError(t, err)
	_ = resp.Body.Close()
	t.Cleanup(func() { _ = ws.Close() })
	return socket{t, ws}
}

// greeted has read hello.
func greeted(t *testing.T, fake *fakediscord.Server) socket {
	t.Helper()
	ws := dialGateway(t, fake)
	require.Equal(t, 10, ws.read().Op)
	return ws
}

func (s socket) read() frame {
	s.t.Helper()
	require.NoError(s.t, s.SetReadDeadline(time.Now().Add(5*time.Second)))
	var f frame
	require.NoError(s.t, s.ReadJSON(&f))
	return f
}

func (s socket) say(text string) {
	s.t.Helper()
	require.NoError(s.t, s.WriteMessage(websocket.TextMessage, []byte(text)))
}

func (s socket) identify(intents string) {
	s.t.Helper()
	s.say(`{"op":2,"d":{"token":"Bot ` + fakediscord.DefaultToken + `","intents":` + intents + `,"properties":{"$os":"linux"},"presence":{"game":null}}}`)
}

// content reads the next event, a message, and gives its words.
func (s socket) content() string {
	s.t.Helper()
	f := s.read()
	require.Equal(s.t, "MESSAGE_CREATE", f.Name)
	var m fakediscord.Message
	require.NoError(s.t, json.Unmarshal(f.Data, &m))
	return m.Content
}

// code reads until the socket ends and gives its close code.
func (s socket) code() int {
	s.t.Helper()
	require.NoError(s.t, s.SetReadDeadline(time.Now().Add(5*time.Second)))
	for {
		if _, _, err := s.ReadMessage(); err != nil {
			var closed *websocket.CloseError
			require.ErrorAs(s.t, err, &closed)
			return closed.Code
		}
	}
}

// ready identifies and gives the session's id.
func (s socket) ready(intents string) string {
	s.t.Helper()
	s.identify(intents)
	f := s.read()
	require.Equal(s.t, "READY", f.Name)
	var d struct {
		Session string `json:"session_id"`
	}
	require.NoError(s.t, json.Unmarshal(f.Data, &d))
	return d.Session
}

// often may identify as often as it likes.
func often() fakediscord.Options {
	o := quick()
	o.IdentifyEvery = -1
	return o
}

func TestGatewayGreetsAndTells(t *testing.T) {
	t.Parallel()
	fake, ch := start(t, often())
	ws := greeted(t, fake)
	ws.say(`{"op":1,"d":null}`)
	require.Equal(t, 11, ws.read().Op, "heartbeats are answered before identify too")
	ws.ready("4609")
	require.Equal(t, "GUILD_CREATE", ws.read().Name)

	do(t, fake, "POST", "/channels/"+ch+"/messages", quiet(`"content":"mine","nonce":"n1","enforce_nonce":true`))
	own := ws.read()
	require.Equal(t, "MESSAGE_CREATE", own.Name)
	require.EqualValues(t, 3, own.Seq)
	require.Contains(t, string(own.Data), `"nonce":"n1"`)
	require.Contains(t, string(own.Data), `"content":"mine"`)
	require.Empty(t, fake.Faults())
}

// Words are there without the intent only where the bot is meant.
func TestContentIsBlankedWithoutTheIntent(t *testing.T) {
	t.Parallel()
	o := often()
	o.MessageContent = true
	fake, ch := start(t, o)
	without, with := greeted(t, fake), greeted(t, fake)
	without.ready("4609")
	with.ready("37377")
	require.Equal(t, "GUILD_CREATE", without.read().Name)
	require.Equal(t, "GUILD_CREATE", with.read().Name)
	root := do(t, fake, "POST", "/channels/"+ch+"/messages", quiet(`"content":"root"`)).id(t)
	require.Equal(t, "root", with.content())
	require.Equal(t, "root", without.content(), "own words are always there")
	for name, tc := range map[string]struct {
		say   func()
		blank bool
	}{
		"plain":              {func() { fake.Say("ada", ch, "words", "", false) }, true},
		"mention":            {func() { fake.Say("ada", ch, "<@"+fakediscord.DefaultApplicationID+"> words", "", false) }, false},
		"reply with ping":    {func() { fake.Say("ada", ch, "words", root, true) }, false},
		"reply without ping": {func() { fake.Say("ada", ch, "words", root, false) }, true},
		"direct":             {func() { fake.Say("ada", fake.DM("ada"), "words", "", false) }, false},
		"webhook":            {func() { fake.Webhook("other", ch, "words") }, true},
	} {
		tc.say()
		require.Contains(t, with.content(), "words", name)
		require.Equal(t, tc.blank, without.content() == "", name)
	}
}

func TestIntentsChooseEvents(t *testing.T) {
	t.Parallel()
	fake, ch := start(t, often())
	ws := greeted(t, fake)
	ws.ready("4096")
	fake.Say("ada", ch, "in a guild", "", false)
	fake.Say("ada", fake.DM("ada"), "direct", "", false)
	require.Contains(t, string(ws.read().Data), "direct")
}

func TestGatewayRefusals(t *testing.T) {
	t.Parallel()
	identify := func(rest string) string {
		return `{"op":2,"d":{"token":"` + fakediscord.DefaultToken + `","properties":{}` + rest + `}}`
	}
	for name, tc := range map[string]struct {
		frames []string
		code   int
		faults []string
	}{
		"not JSON":             {[]string{`{"op":`}, 4002, []string{"gateway"}},
		"over 4096 bytes":      {[]string{`{"op":1,"d":"` + strings.Repeat("x", 4096) + `"}`}, 4002, []string{"gateway"}},
		"unknown opcode":       {[]string{`{"op":99}`}, 4001, []string{"gateway"}},
		"before identify":      {[]string{`{"op":3,"d":{}}`}, 4003, []string{"gateway"}},
		"wrong token":          {[]string{`{"op":2,"d":{"token":"x","intents":1}}`}, 4004, []string{}},
		"twice":                {[]string{identify(`,"intents":1`), identify(`,"intents":1`)}, 4005, []string{"gateway"}},
		"no intents":           {[]string{identify("")}, 4013, []string{}},
		"unknown intents":      {[]string{identify(`,"intents":8388608`)}, 4013, []string{}},
		"content not switched": {[]string{identify(`,"intents":37377`)}, 4014, []string{}},
		"members":              {[]string{identify(`,"intents":3`)}, 4014, []string{}},
		"shard out of range":   {[]string{identify(`,"intents":1,"shard":[1,1]`)}, 4010, []string{}},
		"121 frames":           {strings.Split(strings.Repeat(`{"op":1,"d":null};`, 121)[:121*18-1], ";"), 4008, []string{"gateway"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fake, _ := start(t, often())
			ws := greeted(t, fake)
			for _, f := range tc.frames {
				ws.say(f)
			}
			require.Equal(t, tc.code, ws.code())
			require.Equal(t, tc.faults, rules(fake))
		})
	}
	t.Run("sharding required", func(t *testing.T) {
		t.Parallel()
		o := often()
		o.Shards = 2
		fake, _ := start(t, o)
		ws := greeted(t, fake)
		ws.identify("1")
		require.Equal(t, 4011, ws.code())
	})
	t.Run("another version", func(t *testing.T) {
		t.Parallel()
		fake, _ := start(t, often())
		conn, resp, err := websocket.DefaultDialer.DialContext(t.Context(), "ws"+strings.TrimPrefix(fake.URL(), "http")+"/?v=9&encoding=json", nil)
		require.NoError(t, err)
		_ = resp.Body.Close()
		require.Equal(t, 4012, socket{t, conn}.code())
		require.Equal(t, []string{"gateway-version"}, rules(fake))
	})
}

func TestIdentifyRateAndBudget(t *testing.T) {
	t.Parallel()
	o := quick()
	o.Identifies = 2
	fake, _, clock := limited(t, o)
	ws := greeted(t, fake)
	ws.ready("1")
	soon := greeted(t, fake)
	soon.identify("1")
	require.Equal(t, 9, soon.read().Op)
	require.Equal(t, []string{"identify-rate"}, rules(fake))

	clock.Add(5 * time.Second)
	greeted(t, fake).ready("1")
	require.Contains(t, string(do(t, fake, "GET", "/gateway/bot", "").body), `"remaining":0`)
	clock.Add(5 * time.Second)
	last := greeted(t, fake)
	last.identify("1")
	require.Equal(t, 4004, last.code())
	require.Equal(t, []string{"identify-rate", "identify-budget"}, rules(fake))
	require.Equal(t, 401, do(t, fake, "GET", "/users/@me", "").status, "the token is reset")
}

func TestResume(t *testing.T) {
	t.Parallel()
	fake, ch, clock := limited(t, often())
	resume := func(ws socket, id, seq string) {
		ws.say(`{"op":6,"d":{"token":"` + fakediscord.DefaultToken + `","session_id":"` + id + `","seq":` + seq + `}}`)
	}
	ws := greeted(t, fake)
	id := ws.ready("4609")
	require.NoError(t, ws.Close()) // no close frame: 1006
	require.Eventually(t, func() bool { return fake.Sessions() == 0 }, waiting, step)
	fake.Say("ada", ch, "missed", "", false)

	again := greeted(t, fake)
	resume(again, id, "2")
	require.Equal(t, "MESSAGE_CREATE", again.read().Name)
	require.Equal(t, "RESUMED", again.read().Name)
	require.Equal(t, 1, fake.Stats().Resumes)

	ahead := greeted(t, fake)
	resume(ahead, id, "99")
	require.Equal(t, 4007, ahead.code())

	require.NoError(t, again.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(1000, ""), time.Now().Add(time.Second)))
	require.Equal(t, 1000, again.code())
	require.Eventually(t, func() bool { return len(fake.Stats().Closes) == 2 }, waiting, step)
	require.Equal(t, []int{1006, 1000}, fake.Stats().Closes)
	dead := greeted(t, fake)
	resume(dead, id, "4")
	f := dead.read()
	require.Equal(t, 9, f.Op, "1000 ended the session")
	require.Equal(t, "false", string(f.Data))

	id = dead.ready("4609") // on the same socket, as op 9 allows
	require.NoError(t, dead.Close())
	require.Eventually(t, func() bool { return fake.Sessions() == 0 }, waiting, step)
	clock.Add(3 * time.Minute)
	late := greeted(t, fake)
	resume(late, id, "2")
	require.Equal(t, 9, late.read().Op, "kept for two minutes only")
	require.Empty(t, fake.Faults())
}

func TestMissedHeartbeatsCutTheLine(t *testing.T) {
	t.Parallel()
	o := often()
	o.Heartbeat = 40 * time.Millisecond
	fake, _ := start(t, o)
	ws := greeted(t, fake)
	ws.ready("1")
	require.Equal(t, 4000, ws.code())
	require.Equal(t, []string{"heartbeat"}, rules(fake))
}
