package discord

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/bwmarrin/discordgo"
)

// Intents (docs, "Gateway Intents"): guilds, guild messages, direct messages;
// message content only where it was asked for, since it is privileged.
const (
	intents        = 1<<0 | 1<<9 | 1<<12
	intentsContent = intents | 1<<15
)

// The library keeps these two in package variables, read when a session opens:
// the API version, and where it prints what it can't return. Its words may hold
// frames, so none are kept.
func init() {
	discordgo.APIVersion = "10"
	discordgo.Logger = func(int, int, string, ...any) {}
}

// link is one session of the library with the line under it.
type link struct {
	session *discordgo.Session
	lines   *lines
	ready   chan struct{} // has room for one: READY or RESUMED came
	down    chan struct{} // has room for one: the line ended
}

// newLink makes a session that will identify. Its one handler puts raw events
// into the inbox and returns: it runs under the library's locks.
func newLink(ctx context.Context, g *gateway, address *url.URL) (*link, error) {
	session, err := discordgo.New("Bot " + g.rest.token())
	if err != nil {
		return nil, fmt.Errorf("make a session: %w", err)
	}
	l := &link{
		session: session, lines: newLines(g.times.idle, g.tlsConfig()),
		ready: make(chan struct{}, 1), down: make(chan struct{}, 1),
	}
	session.UserAgent = g.rest.library.UserAgent
	session.Client = &http.Client{Transport: gatewayAnswer{address}}
	session.Dialer = l.lines.dialer(address)
	session.Compress = false
	session.ShouldReconnectOnError, session.ShouldReconnectVoiceOnSessionError = false, false
	session.ShouldRetryOnRateLimit, session.MaxRestRetries = false, 0
	session.StateEnabled, session.SyncEvents = false, true
	session.ShardID, session.ShardCount = g.shard.ID, g.shard.Of
	session.Identify.Intents = intents
	if g.o.MessageContent {
		session.Identify.Intents = intentsContent
	}
	session.Identify.Properties.Browser, session.Identify.Properties.Device = "imaginebridge", "imaginebridge"
	session.AddHandler(func(_ *discordgo.Session, e *discordgo.Event) { g.arrived(ctx, l, e.Type, e.RawData) })
	session.AddHandler(func(*discordgo.Session, *discordgo.Disconnect) { l.ended() })
	return l, nil
}

// begin forgets the signals of the last connection.
func (l *link) begin() {
	for _, c := range []chan struct{}{l.ready, l.down} {
		select {
		case <-c:
		default:
		}
	}
}

func (l *link) greeted() { signal(l.ready) }
func (l *link) ended()   { signal(l.down) }

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// RoundTrip implements http.RoundTripper.
func (a gatewayAnswer) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := json.Marshal(map[string]string{"url": a.address.Scheme + "://" + a.address.Host + a.address.Path})
	if err != nil {
		return nil, err
	}
	return &http.Response{
		Status: "200 OK", StatusCode: http.StatusOK, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{"Content-Type": {"application/json"}}, Request: r,
		Body: io.NopCloser(strings.NewReader(string(body))), ContentLength: int64(len(body)),
	}, nil
}

// tlsConfig is that of the configured HTTP client, nil for the default.
func (s *Sink) tlsConfig() *tls.Config {
	if s.o.HTTPClient == nil {
		return nil
	}
	if t, ok := s.o.HTTPClient.Transport.(*http.Transport); ok && t.TLSClientConfig != nil {
		config := t.TLSClientConfig.Clone()
		config.NextProtos = nil // no HTTP/2 under a websocket
		return config
	}
	return nil
}
