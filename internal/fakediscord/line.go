package fakediscord

import (
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/gorilla/websocket"
)

// Gateway opcodes, docs "Gateway Opcodes".
const (
	opDispatch  = 0
	opHeartbeat = 1
	opIdentify  = 2
	opPresence  = 3
	opVoice     = 4
	opResume    = 6
	opReconnect = 7
	opMembers   = 8
	opInvalid   = 9
	opHello     = 10
	opACK       = 11
)

// Gateway close codes, docs "Gateway Close Event Codes".
const (
	closeUnknownError         = 4000
	closeUnknownOpcode        = 4001
	closeDecodeError          = 4002
	closeNotAuthenticated     = 4003
	closeAuthenticationFailed = 4004
	closeAlreadyAuthenticated = 4005
	closeInvalidSeq           = 4007
	closeRateLimited          = 4008
	closeTimedOut             = 4009
	closeInvalidShard         = 4010
	closeShardingRequired     = 4011
	closeInvalidVersion       = 4012
	closeInvalidIntents       = 4013
	closeDisallowedIntents    = 4014
)

const (
	identifyWithin = 30 * time.Second // our choice
	frameLimit     = 4096             // bytes a client's frame may have
	framesAMinute  = 120
	closeWait      = time.Second // for the other side's close frame
)

// line is one gateway socket. What goes out passes through its queue, so that
// nobody who holds the server's lock waits for a peer.
type line struct {
	ws      *websocket.Conn
	effect  GatewayEffect
	session *session // guarded by the server's lock, as are the two below
	frames  []time.Time
	closing bool // we said goodbye

	mu    sync.Mutex // guards queue, over
	queue []item
	over  bool
	wake  chan struct{} // room for one
}

// item is one thing to do on a line: a frame, a close code, or the end.
type item struct {
	data []byte
	code int
	cut  bool
	half bool // only the beginning of the frame, then the end
}

// put queues an item; what comes after the end is dropped.
func (l *line) put(i item) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.over && !i.cut {
		return
	}
	l.over = i.cut || i.code != 0 || i.half
	l.queue = append(l.queue, i)
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

func (l *line) send(op int, data any) {
	l.put(item{data: jsonOf(frame{Op: op, Data: jsonOf(data)})})
}

// dial is the gateway's door: GET / with an upgrade.
func (s *Server) dial(w http.ResponseWriter, r *http.Request) {
	up := websocket.Upgrader{CheckOrigin: func(*http.Request) bool { return true }}
	ws, err := up.Upgrade(w, r, nil)
	if err != nil {
		return // the upgrader has answered
	}
	l := &line{ws: ws, wake: make(chan struct{}, 1)}
	s.mu.Lock()
	if s.gateway.ended {
		s.mu.Unlock()
		_ = ws.Close()
		return
	}
	s.gateway.lines[l] = true
	s.log.stats.Connections++
	l.effect = s.matchGateway()
	s.tasks.Add(1) // this goroutine, which no http.Server waits for
	s.mu.Unlock()
	defer s.tasks.Done()

	written := make(chan struct{})
	s.tasks.Go(func() { defer close(written); l.write() })
	s.converse(l, r)
	l.put(item{cut: true})
	<-written
}

// converse greets and reads until the line ends.
func (s *Server) converse(l *line, r *http.Request) {
	if q := r.URL.Query(); q.Get("v") != "10" || q.Get("encoding") != "json" {
		s.mu.Lock()
		s.log.fault(s.now(), "gateway-version", 0, r.URL.RawQuery)
		s.hangUp(l, closeInvalidVersion)
		s.mu.Unlock()
	} else if !l.effect.mute {
		l.send(opHello, map[string]any{"heartbeat_interval": s.opts.Heartbeat.Milliseconds(), "_trace": []string{}})
	}
	if l.effect.hasty {
		l.send(opReconnect, nil)
	}
	_ = l.ws.SetReadDeadline(time.Now().Add(identifyWithin)) // fails only on a closed socket
	if l.effect.dead {
		l.silence()
	}
	for {
		_, data, err := l.ws.ReadMessage()
		if err != nil {
			s.gone(l, err)
			return
		}
		if !l.silent() {
			s.receive(l, data)
		}
	}
}

// silence makes a line half-open: the socket stays, nothing passes any more.
func (l *line) silence() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.over = true
	_ = l.ws.SetReadDeadline(time.Time{}) // fails only on a closed socket
}

func (l *line) silent() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.over
}

// write carries out the queue until the line is cut.
func (l *line) write() {
	for {
		l.mu.Lock()
		todo := l.queue
		l.queue = nil
		l.mu.Unlock()
		if slices.ContainsFunc(todo, l.do) {
			return
		}
		<-l.wake
	}
}

// do carries out one item; true ends the line.
func (l *line) do(i item) (end bool) {
	switch {
	case i.cut:
		_ = l.ws.Close()
		return true
	case i.code != 0:
		goodbye := websocket.FormatCloseMessage(i.code, closeReason(i.code))
		_ = l.ws.WriteControl(websocket.CloseMessage, goodbye, time.Now().Add(closeWait)) // the peer may be gone
		_ = l.ws.SetReadDeadline(time.Now().Add(closeWait))
	case i.half:
		l.tear()
		return true
	default:
		_ = l.ws.SetWriteDeadline(time.Now().Add(10 * time.Second))
		_ = l.ws.WriteMessage(websocket.TextMessage, i.data) // the reader notices a broken line
	}
	return false
}

// tear writes the beginning of a frame and resets the connection.
func (l *line) tear() {
	conn := l.ws.NetConn()
	_, _ = conn.Write([]byte{0x81, 126, 0x01, 0x00, '{', '"', 'o', 'p'}) // 256 bytes announced, 4 sent
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = conn.Close()
}

// hangUp closes a line with a code; 0 cuts it. Callers hold the server's lock.
func (s *Server) hangUp(l *line, code int) {
	l.closing = true
	if ses := l.session; ses != nil && final(code) {
		delete(s.gateway.sessions, ses.id)
	}
	l.put(item{code: code, cut: code == 0})
}

// gone draws the consequences of a line's end: 1000 and 1001 from the client
// kill its session, anything else keeps it for two minutes.
func (s *Server) gone(l *line, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.gateway.lines, l)
	code := websocket.CloseAbnormalClosure
	if e, ok := errors.AsType[*websocket.CloseError](err); ok {
		code = e.Code
	}
	if e, ok := errors.AsType[net.Error](err); ok && e.Timeout() && !l.closing {
		l.closing = true
		answer := closeNotAuthenticated
		if l.session != nil {
			answer = closeUnknownError
			s.log.fault(s.now(), "heartbeat", 0, "none for one and a half intervals")
		}
		l.put(item{code: answer})
	}
	if !l.closing {
		s.log.stats.Closes = append(s.log.stats.Closes, code)
	}
	ses := l.session
	if ses == nil || ses.line != l {
		return
	}
	ses.line, ses.until = nil, s.now().Add(sessionLife)
	if !l.closing && (code == websocket.CloseNormalClosure || code == websocket.CloseGoingAway) {
		delete(s.gateway.sessions, ses.id)
	}
}

// receive handles one frame of a client.
func (s *Server) receive(l *line, data []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if l.closing {
		return
	}
	now := s.now()
	l.frames = append(l.frames, now)
	for now.Sub(l.frames[0]) > time.Minute {
		l.frames = l.frames[1:]
	}
	var f frame
	switch {
	case len(l.frames) > framesAMinute:
		s.misbehaved(l, closeRateLimited, "more than 120 frames in a minute")
	case len(data) > frameLimit:
		s.misbehaved(l, closeDecodeError, "a frame over 4,096 bytes")
	case json.Unmarshal(data, &f) != nil:
		s.misbehaved(l, closeDecodeError, "a frame that isn't JSON")
	default:
		s.obey(l, f)
	}
}

// misbehaved writes a fault down and closes the line.
func (s *Server) misbehaved(l *line, code int, detail string) {
	s.log.fault(s.now(), "gateway", 0, detail)
	s.hangUp(l, code)
}

func (s *Server) obey(l *line, f frame) {
	switch f.Op {
	case opHeartbeat:
		s.expectBeat(l)
		if !l.effect.deaf {
			l.put(item{data: []byte(`{"op":11,"d":null,"s":null,"t":null}`)})
		}
	case opIdentify:
		s.identify(l, f.Data)
	case opResume:
		s.resume(l, f.Data)
	case opPresence, opVoice, opMembers:
		if l.session == nil {
			s.misbehaved(l, closeNotAuthenticated, "sent before identify")
		}
	default:
		s.misbehaved(l, closeUnknownOpcode, "an opcode that clients don't send")
	}
}

// expectBeat gives the client one and a half intervals for its next heartbeat.
func (s *Server) expectBeat(l *line) {
	_ = l.ws.SetReadDeadline(time.Now().Add(s.opts.Heartbeat * 3 / 2)) // fails only on a closed socket
}

// final codes end the session for good.
func final(code int) bool {
	return code == closeAuthenticationFailed || code >= closeInvalidShard && code <= closeDisallowedIntents
}

func closeReason(code int) string {
	return map[int]string{
		closeUnknownError: "Unknown error.", closeUnknownOpcode: "Unknown opcode.", closeDecodeError: "Error while decoding payload.",
		closeNotAuthenticated: "Not authenticated.", closeAuthenticationFailed: "Authentication failed.",
		closeAlreadyAuthenticated: "Already authenticated.", closeInvalidSeq: "Invalid seq.", closeRateLimited: "Rate limited.",
		closeTimedOut: "Session timed out.", closeInvalidShard: "Invalid shard.", closeShardingRequired: "Sharding required.",
		closeInvalidVersion: "Invalid API version.", closeInvalidIntents: "Invalid intent(s).", closeDisallowedIntents: "Disallowed intent(s).",
	}[code]
}

// cutSessions ends every line; the server closes.
func (s *Server) cutSessions() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.gateway.ended = true
	for l := range s.gateway.lines {
		l.closing = true
		_ = l.ws.Close() // the reader then ends, and the writer with it
	}
}

// closeSessions closes every line with a code.
func (s *Server) closeSessions(code int) {
	for l := range s.gateway.lines {
		s.hangUp(l, code)
	}
}
