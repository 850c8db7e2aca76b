package discord

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bwmarrin/discordgo"
	"github.com/gorilla/websocket"
	"github.com/stretchr/testify/require"
)

// gate is a gateway inside a synctest bubble: pipes instead of sockets under one
// link of the product, and what it says first on each.
type gate struct {
	*testing.T
	*gateway
	link    *link
	beat    time.Duration // wanted of heartbeats
	deaf    bool          // they are not answered
	most    int           // dials that are served
	dialled chan string
	first   chan json.RawMessage
	lines   chan net.Conn
}

func newGate(t *testing.T, most int, change ...func(*Options)) *gate {
	t.Helper()
	o := Options{Token: func() string { return secretToken }}
	for _, f := range change {
		f(&o)
	}
	s, err := New(o)
	require.NoError(t, err)
	g := &gate{
		T: t, gateway: &gateway{Sink: s, inbox: make(chan packet, inboxSize)}, beat: time.Hour, most: most,
		dialled: make(chan string, 100), first: make(chan json.RawMessage, 100), lines: make(chan net.Conn, 100),
	}
	g.link, err = newLink(t.Context(), g.gateway, &url.URL{Scheme: "ws", Host: "first.example"})
	require.NoError(t, err)
	g.link.session.Dialer.NetDialContext, g.link.session.Dialer.NetDialTLSContext = g.dial, g.dial
	t.Cleanup(func() {
		for len(g.lines) > 0 {
			_ = (<-g.lines).Close()
		}
		time.Sleep(time.Minute) // the library's Close sleeps one second, and no clock goes on after the bubble's end
	})
	return g
}

// dial ends the goroutine of a dial too many, which would go on for ever.
func (g *gate) dial(ctx context.Context, _, address string) (net.Conn, error) {
	g.dialled <- address
	if len(g.dialled) > g.most {
		runtime.Goexit()
	}
	return g.link.lines.connect(ctx, func(context.Context) (net.Conn, error) {
		near, far := net.Pipe()
		go g.serve(far)
		g.lines <- far
		return near, nil
	})
}

func (g *gate) serve(far net.Conn) {
	in := bufio.NewReader(far)
	r, err := http.ReadRequest(in)
	if err != nil {
		return
	}
	ws, err := (&websocket.Upgrader{}).Upgrade(taken{httptest.NewRecorder(), far, in}, r, nil)
	if err != nil {
		return
	}
	ws.SetCloseHandler(func(int, string) error { return nil })
	say := func(frame string) { _ = ws.WriteMessage(websocket.TextMessage, []byte(frame)) }
	hello, _ := json.Marshal(map[string]any{"op": 10, "d": map[string]any{"heartbeat_interval": g.beat.Milliseconds()}})
	say(string(hello))
	for {
		var f struct {
			Op   int             `json:"op"`
			Data json.RawMessage `json:"d"`
		}
		if ws.ReadJSON(&f) != nil {
			return
		}
		switch f.Op {
		case 1:
			if !g.deaf {
				say(`{"op":11}`)
			}
			continue
		case 2:
			say(`{"op":0,"s":1,"t":"READY","d":{"v":10,"session_id":"s1","resume_gateway_url":"ws://second.example","user":{"id":"7"},"guilds":[{"id":"8","unavailable":true}]}}`)
			say(`{"op":0,"s":2,"t":"GUILD_CREATE","d":{"id":"8","name":"guild","channels":[{"id":"9","type":0}]}}`)
		case 6:
			say(`{"op":0,"s":3,"t":"RESUMED","d":{}}`)
		}
		g.first <- f.Data
	}
}

// open connects and gives the data of identify or resume.
func (g *gate) open() json.RawMessage {
	g.Helper()
	g.link.begin()
	require.NoError(g, g.link.session.Open())
	<-g.link.ready
	synctest.Wait()
	return <-g.first
}

// cut breaks the line from afar and waits until the library has seen it.
func (g *gate) cut() {
	g.Helper()
	require.NoError(g, (<-g.lines).Close())
	<-g.link.down
}

// taken is a response whose connection is taken over at once.
type taken struct {
	*httptest.ResponseRecorder
	conn net.Conn
	in   *bufio.Reader
}

func (h taken) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	return h.conn, bufio.NewReadWriter(h.in, bufio.NewWriter(io.Writer(h.conn))), nil
}

// Library pitfall 6: it does not know resume_gateway_url. We live with that: the
// session goes on at the address that we have checked. Were it to dial the other
// one, the token would go to an address that nobody has checked.
func TestLibraryResumesAtTheFirstAddress(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := newGate(t, 2)
		require.False(t, g.link.session.ShouldReconnectOnError, "or the two would wait for each other in here")
		g.open()
		g.cut()
		require.Contains(t, string(g.open()), `"session_id":"s1"`, "resumed")
		require.Len(t, g.dialled, 2)
		for range 2 {
			require.Equal(t, "first.example:80", <-g.dialled)
		}
	})
}

// Library pitfall 25: it asks for every unprivileged intent and keeps all guilds
// in memory unless told otherwise.
func TestLibraryAsksForOurIntentsAndKeepsNoState(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		content bool
		want    int
	}{"usual": {false, 4609}, "with message content": {true, 37377}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				g := newGate(t, 1, func(o *Options) { o.MessageContent = tc.content })
				var said struct {
					Intents int `json:"intents"`
				}
				require.NoError(t, json.Unmarshal(g.open(), &said))
				require.Equal(t, tc.want, said.Intents)
				require.Equal(t, "READY", (<-g.inbox).kind)
				require.Equal(t, "GUILD_CREATE", (<-g.inbox).kind)
				require.Empty(t, g.link.session.State.Guilds)
				require.False(t, g.rest.library.StateEnabled)
			})
		})
	}
}

// Library pitfall 27: its reader and its heartbeat each start a reconnect. Here
// neither does; the supervisor alone dials.
func TestLibraryNeverDialsByItself(t *testing.T) {
	t.Parallel()
	for name, lose := range map[string]func(*gate){
		"the reader's loss": func(g *gate) { g.open(); g.cut() },
		"the heartbeat's loss": func(g *gate) {
			g.beat, g.deaf = time.Second, true
			g.open()
			g.link.lines.sayGoodbye() // or the reader would be told by our line as well
			<-g.link.down
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				g := newGate(t, 1)
				lose(g)
				time.Sleep(time.Hour)
				require.Len(t, g.dialled, 1)
			})
		})
	}
}

// Library pitfall 27: one loss may be told twice. The second telling neither
// blocks the library nor ends the next connection, and a session that it holds to
// be open is given up.
func TestLibraryMayTellOfALossTwice(t *testing.T) {
	t.Parallel()
	l := &link{ready: make(chan struct{}, 1), down: make(chan struct{}, 1)}
	l.ended()
	l.ended()
	l.begin()
	require.Empty(t, l.down)
	fate, _ := consequence(discordgo.ErrWSAlreadyOpen)
	require.Equal(t, anew, fate)
}

// Library pitfall 28: it identifies with keys of gateway versions long gone.
// Discord takes them and the emulator too; what the library adds to them or
// takes away is to be looked at, since wrong keys end in close code 4002.
func TestLibraryIdentifiesWithKeysOfOld(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := newGate(t, 1)
		said := g.open()
		require.Less(t, len(said), 4096-64, "Discord's limit of a frame, less what is around it")
		var got map[string]any
		require.NoError(t, json.Unmarshal(said, &got))
		presence, _ := got["presence"].(map[string]any)
		require.Contains(t, presence, "game")
		delete(presence, "game") // an activity of zeros
		require.Equal(t, map[string]any{
			"token": "Bot " + secretToken, "intents": 4609.0, "compress": false, "large_threshold": 250.0,
			"properties": map[string]any{"$os": runtime.GOOS, "$browser": "imaginebridge", "$device": "imaginebridge", "$referer": "", "$referring_domain": ""},
			"presence":   map[string]any{"since": 0.0, "status": "", "afk": false},
		}, got)
	})
}
