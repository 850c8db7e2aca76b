package fakeslack

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/gorilla/websocket"
)

const (
	maxSockets   = 10
	maxAck       = 20 << 10 // an ack of this size or more is dropped without a word
	ticketLife   = 30 * time.Second
	writeTimeout = 5 * time.Second
)

// socketState is Socket Mode: tickets not yet used, open connections, envelopes waiting for their ack.
type socketState struct {
	tickets map[string]time.Time // expiry
	conns   []*socketConn
	next    int
	waiting map[string]*envelope
	acked   map[string]bool
	silent  bool
	frozen  bool
	met     bool // there was one
}

type envelope struct {
	accepts bool
	ack     chan json.RawMessage // buffered, gets the payload once
}

type socketConn struct {
	ws     *websocket.Conn
	write  sync.Mutex // guards what is written, and warned
	warned bool       // its end is announced: nothing new goes this way while there is another
	done   chan struct{}
}

func newSocketState() socketState {
	return socketState{tickets: map[string]time.Time{}, waiting: map[string]*envelope{}, acked: map[string]bool{}}
}

func (c *call) connectionsOpen() answer {
	ticket := rand.Text()
	c.s.socket.tickets[ticket] = c.now.Add(ticketLife)
	return answer{fields: map[string]any{"url": "ws://" + c.s.addr + "/link?ticket=" + ticket + "&app_id=" + appID}}
}

// serveSocket is one connection's life.
func (s *Server) serveSocket(w http.ResponseWriter, r *http.Request) {
	ticket := r.URL.Query().Get("ticket")
	s.mu.Lock()
	expires, known := s.socket.tickets[ticket]
	delete(s.socket.tickets, ticket)
	if !known || s.opt.Now().After(expires) || s.closed {
		s.fault(Fault{Method: "socket", Code: "bad_ticket", Detail: "used, expired or unknown URL"})
		s.mu.Unlock()
		http.Error(w, "forbidden", http.StatusForbidden)
		return
	}
	s.mu.Unlock()
	up := websocket.Upgrader{CheckOrigin: func(*http.Request) bool { return true }, HandshakeTimeout: writeTimeout}
	ws, err := up.Upgrade(w, r, nil)
	if err != nil {
		return
	}
	conn := &socketConn{ws: ws, done: make(chan struct{})}
	defer func() { _ = ws.Close() }()
	n, ok := s.join(conn)
	if !ok {
		_ = conn.send(map[string]any{"type": "disconnect", "reason": "too_many_websockets"})
		return
	}
	defer s.leave(conn)
	_ = conn.send(map[string]any{
		"type": "hello", "num_connections": n, "connection_info": map[string]any{"app_id": appID},
		"debug_info": map[string]any{"host": "fakeslack", "build_number": 1, "approximate_connection_time": 18060},
	})
	var pings sync.WaitGroup
	pings.Go(func() { s.pinging(conn) })
	s.reading(conn)
	close(conn.done)
	pings.Wait()
}

func (s *Server) join(conn *socketConn) (int, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return 0, false
	}
	if len(s.socket.conns) >= maxSockets {
		s.fault(Fault{Method: "socket", Code: "too_many_websockets", Detail: fmt.Sprintf("more than %d", maxSockets)})
		return 0, false
	}
	s.socket.conns, s.socket.met = append(s.socket.conns, conn), true
	s.touch()
	return len(s.socket.conns), true
}

func (s *Server) leave(conn *socketConn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.socket.conns = slices.DeleteFunc(s.socket.conns, func(c *socketConn) bool { return c == conn })
	s.touch()
}

func (c *socketConn) send(v any) error {
	c.write.Lock()
	defer c.write.Unlock()
	return c.put(v)
}

// trySend is send where the end is not announced yet.
func (c *socketConn) trySend(v any) bool {
	c.write.Lock()
	defer c.write.Unlock()
	return !c.warned && c.put(v) == nil
}

// warn announces the end, as the last thing that is said.
func (c *socketConn) warn(v any) error {
	c.write.Lock()
	defer c.write.Unlock()
	c.warned = true
	return c.put(v)
}

func (c *socketConn) put(v any) error {
	_ = c.ws.SetWriteDeadline(time.Now().Add(writeTimeout))
	return c.ws.WriteJSON(v)
}

func (s *Server) pinging(conn *socketConn) {
	s.mu.Lock()
	every := s.opt.Deliver.PingEvery
	s.mu.Unlock()
	if every <= 0 {
		every = 5 * time.Second
	}
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		s.mu.Lock()
		quiet := s.socket.silent || s.socket.frozen
		s.mu.Unlock()
		if !quiet {
			_ = conn.ws.WriteControl(websocket.PingMessage, []byte("Ping from fakeslack"), time.Now().Add(writeTimeout))
		}
		select {
		case <-tick.C:
		case <-conn.done:
			return
		}
	}
}

func (s *Server) reading(conn *socketConn) {
	for {
		kind, data, err := conn.ws.ReadMessage()
		if err != nil {
			return
		}
		s.mu.Lock()
		if !s.socket.frozen {
			s.ack(kind, data)
		}
		s.mu.Unlock()
	}
}

// ack takes one message of the app. The caller holds mu.
func (s *Server) ack(kind int, data []byte) {
	bad := func(code, detail string) { s.fault(Fault{Method: "socket", Code: code, Detail: detail}) }
	if len(data) >= maxAck {
		bad("ack_too_large", fmt.Sprintf("%d bytes", len(data)))
		return
	}
	var msg struct {
		EnvelopeID string          `json:"envelope_id"`
		Payload    json.RawMessage `json:"payload"`
	}
	if kind != websocket.TextMessage || json.Unmarshal(data, &msg) != nil {
		bad("bad_ack", "no JSON text message")
		return
	}
	env := s.socket.waiting[msg.EnvelopeID]
	switch {
	case env == nil && s.socket.acked[msg.EnvelopeID]:
		bad("repeated_ack", msg.EnvelopeID)
	case env == nil:
		bad("unknown_ack", cut(msg.EnvelopeID, 60))
	default:
		if empty := string(msg.Payload); !env.accepts && empty != "" && empty != "{}" && empty != "null" {
			bad("ack_payload_not_accepted", cut(empty, 60))
		}
		delete(s.socket.waiting, msg.EnvelopeID)
		s.socket.acked[msg.EnvelopeID] = true
		env.ack <- msg.Payload
	}
}

// sendSocket makes one attempt through any one connection.
func (s *Server) sendSocket(ctx context.Context, d Deliver, o outgoing) Attempt {
	begin := time.Now()
	a := Attempt{At: s.opt.Now(), Kind: o.kind, ID: o.id, Type: o.name, Door: "socket", Retry: o.retry, Reason: o.reason}
	env := &envelope{accepts: o.accepts, ack: make(chan json.RawMessage, 1)}
	id := rand.Text()
	conns := s.expect(id, env)
	if len(conns) == 0 {
		a.Reason = "connection_failed"
		return a
	}
	msg := map[string]any{"type": o.kind, "envelope_id": id, "payload": o.payload, "accepts_response_payload": o.accepts}
	if o.kind == "events_api" {
		msg["retry_attempt"], msg["retry_reason"] = o.retry, o.reason
	}
	s.mu.Lock()
	frozen := s.socket.frozen
	s.mu.Unlock()
	if !frozen && !slices.ContainsFunc(conns, func(c *socketConn) bool { return c.trySend(msg) }) {
		_ = conns[0].send(msg) // all are about to end
	}
	timer := time.NewTimer(d.ackWithin())
	defer timer.Stop()
	select {
	case a.Body = <-env.ack:
		a.Acked = true
	case <-timer.C:
		a.Reason = "timeout"
	case <-ctx.Done():
		a.Reason = "connection_failed"
	}
	a.Took = time.Since(begin)
	return a
}

// expect registers the envelope and gives the connections, the one whose turn it is first.
func (s *Server) expect(id string, env *envelope) []*socketConn {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.socket.conns) == 0 {
		return nil
	}
	s.socket.waiting[id] = env
	s.socket.next++
	at := s.socket.next % len(s.socket.conns)
	return slices.Concat(s.socket.conns[at:], s.socket.conns[:at])
}

// Sockets is the number of open Socket Mode connections.
func (s *Server) Sockets() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.socket.conns)
}

func (s *Server) openSockets() []*socketConn {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.socket.conns)
}

// dropSockets cuts all connections without a word.
func (s *Server) dropSockets() {
	for _, conn := range s.openSockets() {
		_ = conn.ws.NetConn().Close()
	}
}

// CutSockets closes all connections abruptly and returns their number.
func (s *Server) CutSockets() int {
	n := s.Sockets()
	s.dropSockets()
	return n
}

// Disconnect asks every connection to go: reason is "warning", "refresh_requested" or "link_disabled". After a warning
// the connection stays for Deliver.Warning, otherwise it ends at once.
func (s *Server) Disconnect(reason string) {
	for _, conn := range s.openSockets() {
		s.disconnect(conn, reason)
	}
}

// DisconnectOldest is Disconnect of the connection that is open for the longest time. It reports whether there was one.
func (s *Server) DisconnectOldest(reason string) bool {
	open := s.openSockets()
	if len(open) > 0 {
		s.disconnect(open[0], reason)
	}
	return len(open) > 0
}

func (s *Server) disconnect(conn *socketConn, reason string) {
	s.mu.Lock()
	ahead := s.opt.Deliver.Warning
	s.mu.Unlock()
	if ahead <= 0 {
		ahead = 10 * time.Second
	}
	_ = conn.warn(map[string]any{"type": "disconnect", "reason": reason, "debug_info": map[string]any{"host": "fakeslack"}})
	if reason != "warning" {
		_ = conn.ws.NetConn().Close()
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.start(func() {
		timer := time.NewTimer(ahead)
		defer timer.Stop()
		select {
		case <-timer.C:
			_ = conn.ws.NetConn().Close()
		case <-conn.done:
		case <-s.life.Done():
		}
	})
}

// Silence stops the pings, or starts them again; everything else goes on.
func (s *Server) Silence(on bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.socket.silent = on
}

// Freeze makes the connections half-open, or ends that: they stay, but nothing is sent that was not, no ping comes and
// no ack counts.
func (s *Server) Freeze(on bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.socket.frozen = on
}

// SendRaw sends a message of any content through every connection, for envelope types from the future.
func (s *Server) SendRaw(v any) {
	for _, conn := range s.openSockets() {
		_ = conn.send(v)
	}
}
