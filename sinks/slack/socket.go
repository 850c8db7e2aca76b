package slack

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"time"

	"github.com/gorilla/websocket"
	slackgo "github.com/slack-go/slack"
	"github.com/slack-go/slack/socketmode"
	"golang.org/x/sync/errgroup"
)

const (
	intakeSize   = 1024
	readers      = 128 // each may wait two seconds for the record of what it reads
	ackTime      = 2 * time.Second
	socketLimit  = 4 << 20 // bytes of one message; more closes the socket
	writeBuffer  = 32 << 10
	handshake    = 15 * time.Second
	farewell     = 100 * time.Millisecond
	socketsAtAll = 2
)

// linkTimes are the waits of the sockets.
type linkTimes struct {
	apart time.Duration // between the starts of the two
	ping  time.Duration // silence after which a socket counts as dead
	again time.Duration // before a socket that ended is made anew
}

var defaultLinkTimes = linkTimes{apart: 30 * time.Second, ping: 30 * time.Second, again: 5 * time.Second}

// letter is a message of the socket on its way to a reader, with the connection
// that wants its acknowledgement.
type letter struct {
	at     time.Time // of arrival
	raw    []byte
	client *socketmode.Client
}

// Run hears from Slack over Socket Mode until ctx ends; without an app token it
// returns at once. One process per app runs it. It keeps two connections, so that
// one is up while Slack renews the other.
//
// It returns nil when ctx ended, and an error with the next step when Slack
// refuses the app token for good.
func (s *Sink) Run(ctx context.Context) error {
	if s.opt.AppToken() == "" {
		return nil
	}
	defer s.opt.Link(errors.New("stopped"))
	_ = s.web.meet(ctx) // tells our own user from others; nothing depends on it
	group, ctx := errgroup.WithContext(ctx)
	intake := make(chan letter, intakeSize)
	for range readers {
		group.Go(func() error { return s.read(ctx, intake) })
	}
	for n := range socketsAtAll {
		group.Go(func() error {
			if !sleep(ctx, time.Duration(n)*s.links.apart) {
				return nil
			}
			return s.hold(ctx, intake)
		})
	}
	if err := group.Wait(); err != nil && !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}

// read records and acknowledges what came in.
func (s *Sink) read(ctx context.Context, intake <-chan letter) error {
	for {
		select {
		case l := <-intake:
			e, err := decodeEnvelope(l.raw)
			if err != nil {
				s.unheard("unreadable")
				continue
			}
			in, err := fromSocket(e)
			if err != nil {
				in = inbound{name: e.Type + " unreadable"}
			}
			out := s.handleBy(ctx, l.at.Add(s.recordIn), in)
			if out.again {
				continue // unacknowledged, Slack sends it again
			}
			s.ack(ctx, l.client, e.ID, out.body)
			s.opt.Acked(time.Since(l.at))
			s.after(ctx, out.then)
		case <-ctx.Done():
			return nil
		}
	}
}

// ack acknowledges a delivery. A lost one does no harm: Slack sends the event
// again and its id is known.
func (s *Sink) ack(ctx context.Context, client *socketmode.Client, id string, body any) {
	ctx, cancel := context.WithTimeout(ctx, ackTime)
	defer cancel()
	if client.AckCtx(ctx, id, body) != nil {
		s.opt.Count("slack_acks_lost")
	}
}

// hold keeps one connection up.
func (s *Sink) hold(ctx context.Context, intake chan<- letter) error {
	for {
		err := s.connect(ctx, intake)
		if fatal, ok := errors.AsType[*LinkError](err); ok {
			s.opt.Link(fatal)
			return fatal
		}
		if !sleep(ctx, s.links.again) {
			return nil
		}
	}
}

// connect makes a connection and passes on what comes, until it ends for good:
// the library renews it by itself in most cases.
func (s *Sink) connect(ctx context.Context, intake chan<- letter) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	client := socketmode.New(s.web.api(),
		socketmode.OptionDialer(s.dialer()),
		socketmode.OptionPingInterval(s.links.ping),
		socketmode.OptionReadLimit(socketLimit),
		socketmode.OptionLog(silent{}))
	ended := make(chan error, 1)
	go func() { ended <- client.RunContext(ctx) }()
	up := false
	defer func() { s.linked(&up, false, errors.New("the socket ended")) }()
	for {
		select {
		case e := <-client.Events:
			if err := s.event(ctx, client, e, intake, &up); err != nil {
				stop(err)
			}
		case err := <-ended:
			drain(client.Events)
			if cause, ok := errors.AsType[*LinkError](context.Cause(ctx)); ok {
				return cause
			}
			if err != nil && ctx.Err() == nil {
				return linkError(err) // not err itself, which may show a ticket
			}
			return nil
		}
	}
}

// drain takes what a connection still says after its end, so that nothing of it
// stays behind.
func drain(events <-chan socketmode.Event) {
	t := time.NewTimer(farewell)
	defer t.Stop()
	for {
		select {
		case <-events:
		case <-t.C:
			return
		}
	}
}

// event handles one event of the library. It only hands over: while it works, the
// connection reads nothing, pings included.
func (s *Sink) event(ctx context.Context, client *socketmode.Client, e socketmode.Event, intake chan<- letter, up *bool) error {
	switch e.Type {
	case socketmode.EventTypeHello:
		s.linked(up, true, nil)
	case socketmode.EventTypeConnecting:
		s.linked(up, false, nil)
	case socketmode.EventTypeConnectionError:
		if failed, ok := e.Data.(*slackgo.ConnectionErrorEvent); ok {
			err := linkError(failed.ErrorObj)
			s.linked(up, false, err)
			s.log.Warn("slack cannot be heard", "retry_in", failed.Backoff, "err", err)
			if err.final {
				return err
			}
		}
	case socketmode.EventTypeErrorWriteFailed:
		s.opt.Count("slack_acks_lost")
		if lost, ok := e.Data.(*socketmode.ErrorWriteFailed); ok && lost.Response != nil { // it waits for the next connection
			s.after(ctx, func(ctx context.Context) { s.ack(ctx, client, lost.Response.EnvelopeID, lost.Response.Payload) })
		}
	case socketmode.EventTypeIncomingError:
		s.opt.Count("slack_socket_errors")
	case socketmode.EventTypeErrorBadMessage:
		if bad, ok := e.Data.(*socketmode.ErrorBadMessage); ok { // unknown to the library: acknowledged all the same
			s.take(letter{at: time.Now(), raw: bad.Message, client: client}, intake)
		}
	case socketmode.EventTypeEventsAPI, socketmode.EventTypeInteractive, socketmode.EventTypeSlashCommand:
		s.take(letter{at: time.Now(), raw: raw(e.Request), client: client}, intake)
	case socketmode.EventTypeConnected, socketmode.EventTypeInvalidAuth, socketmode.EventTypeDisconnect:
	}
	return nil
}

// take hands a delivery to the readers. Where they are all behind it is dropped
// unacknowledged, and Slack sends it again.
func (s *Sink) take(l letter, intake chan<- letter) {
	select {
	case intake <- l:
	default:
		s.opt.Count("slack_deliveries_dropped")
	}
}

// linked keeps count of the connections that are up and tells when the first came
// up or the last went down. err says why, where something is wrong.
func (s *Sink) linked(up *bool, now bool, err error) {
	if *up == now {
		if !now && s.sockets.Load() == 0 && err != nil {
			s.opt.Link(err)
		}
		return
	}
	*up = now
	if now {
		if s.sockets.Add(1) == 1 {
			s.log.Info("slack is connected")
			s.opt.Link(nil)
		}
		return
	}
	if s.sockets.Add(-1) == 0 {
		if err == nil {
			err = errors.New("the connection is being renewed")
		}
		s.opt.Link(err)
	}
}

// dialer refuses sockets without TLS unless Slack's own address is without, and
// keeps the library's write buffer: Slack ignores acknowledgements in pieces.
func (s *Sink) dialer() *websocket.Dialer {
	return &websocket.Dialer{
		HandshakeTimeout: handshake, WriteBufferSize: writeBuffer,
		Proxy: func(r *http.Request) (*url.URL, error) {
			if r.URL.Scheme == "http" && s.web.origin.Scheme != "http" { // ws: reads as http: here
				return nil, errors.New("slack offered a socket without TLS")
			}
			return http.ProxyFromEnvironment(r)
		},
	}
}

// raw puts an envelope together again, as the library keeps only its parts.
func raw(r *socketmode.Request) []byte {
	if r == nil {
		return nil
	}
	out, err := json.Marshal(envelope{Type: r.Type, ID: r.EnvelopeID, Payload: r.Payload})
	if err != nil {
		return nil
	}
	return out
}
