package discord

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/gorilla/websocket"
)

const (
	dialTimeout  = 10 * time.Second
	writeTimeout = 10 * time.Second
	frameWindow  = time.Minute
	maxFrames    = 60 // we write in a window; Discord allows 120, a heartbeat takes one or two
	opcodeClose  = 0x8
)

var (
	errLineCut = errors.New("the line was cut")
	errFarSide = errors.New("closing without a close frame keeps the session")
)

// line is the connection under the websocket. It closes itself when nothing
// arrives for idle, and it lets no close frame out but the last: the library
// answers every trouble with close code 1000, which would end the session at
// Discord, where a connection that merely breaks can be resumed.
type line struct {
	net.Conn
	idle time.Duration

	mu       sync.Mutex // guards all below
	farewell bool       // a close frame may go out now
	frames   int        // written in this window
	window   time.Time
}

// Read implements net.Conn.
func (l *line) Read(p []byte) (int, error) {
	if err := l.SetReadDeadline(time.Now().Add(l.idle)); err != nil {
		return 0, err
	}
	n, err := l.Conn.Read(p)
	if err != nil {
		_ = l.Close() // it is broken already
	}
	return n, err
}

// Write implements net.Conn.
func (l *line) Write(p []byte) (int, error) {
	if err := l.allowed(p, time.Now()); err != nil {
		_ = l.Close() // on purpose without a word
		return 0, err
	}
	if err := l.SetWriteDeadline(time.Now().Add(writeTimeout)); err != nil {
		return 0, err
	}
	return l.Conn.Write(p)
}

// allowed refuses close frames before their time, and the storm of frames that
// the library makes when each of its identifies is answered with op 9.
func (l *line) allowed(p []byte, now time.Time) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(p) > 0 && p[0]&0x0f == opcodeClose && p[0]&0x80 != 0 && !l.farewell {
		return errFarSide
	}
	if now.Sub(l.window) > frameWindow {
		l.window, l.frames = now, 0
	}
	if l.frames++; l.frames > maxFrames {
		return errLineCut
	}
	return nil
}

// lines dials for one session and can cut what it dialled, also while a dial is
// under way.
type lines struct {
	idle time.Duration
	tls  *tls.Config // nil: the default

	mu    sync.Mutex // guards all below
	live  *line
	over  bool
	abort context.CancelFunc // of the dial under way
}

func newLines(idle time.Duration, config *tls.Config) *lines {
	return &lines{idle: idle, tls: config}
}

// dialer is what the library uses instead of the dialer it shares with everyone.
// Without a proxy the line lies around TLS, so that it can see close frames;
// behind a proxy the websocket library itself puts TLS on the line.
func (d *lines) dialer(gateway *url.URL) *websocket.Dialer {
	out := &websocket.Dialer{HandshakeTimeout: dialTimeout, TLSClientConfig: d.tls, NetDialContext: d.dial}
	probe := &http.Request{URL: &url.URL{Scheme: map[string]string{"ws": "http", "wss": "https"}[gateway.Scheme], Host: gateway.Host}}
	if proxy, err := http.ProxyFromEnvironment(probe); err == nil && proxy != nil {
		out.Proxy = http.ProxyURL(proxy)
		return out
	}
	out.NetDialTLSContext = d.dialTLS
	return out
}

func (d *lines) dial(ctx context.Context, network, address string) (net.Conn, error) {
	return d.connect(ctx, func(ctx context.Context) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, address)
	})
}

func (d *lines) dialTLS(ctx context.Context, network, address string) (net.Conn, error) {
	return d.connect(ctx, func(ctx context.Context) (net.Conn, error) {
		return (&tls.Dialer{Config: d.tls}).DialContext(ctx, network, address)
	})
}

func (d *lines) connect(ctx context.Context, dial func(context.Context) (net.Conn, error)) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	d.mu.Lock()
	d.abort = cancel
	if d.over {
		cancel()
	}
	d.mu.Unlock()
	conn, err := dial(ctx)
	if err != nil {
		return nil, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.over {
		_ = conn.Close()
		return nil, errLineCut
	}
	d.live = &line{Conn: conn, idle: d.idle}
	return d.live, nil
}

// cut ends the line without a word, and every later dial.
func (d *lines) cut() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.over = true
	if d.abort != nil {
		d.abort()
	}
	if d.live != nil {
		_ = underlying(d.live.Conn).Close() // below TLS, whose own goodbye could block
	}
}

// sayGoodbye lets the close frame through that ends the session.
func (d *lines) sayGoodbye() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.live != nil {
		d.live.mu.Lock()
		d.live.farewell = true
		d.live.mu.Unlock()
	}
}

func underlying(c net.Conn) net.Conn {
	if t, ok := c.(*tls.Conn); ok {
		return t.NetConn()
	}
	return c
}
