package fakediscord

import "time"

// GatewayEffect is one thing that can go wrong with a gateway socket. Effects
// are made by the functions below and put into a [GatewayRule].
type GatewayEffect struct {
	mute        bool // no hello
	dead        bool // nothing after the hello
	deaf        bool // no ACKs
	hasty       bool // op 7 right after the hello
	reconnect   bool // op 7 instead of READY or RESUMED
	invalid     bool // op 9 instead of READY or RESUMED
	resumable   bool // what op 9 says
	code        int  // close instead of READY or RESUMED
	torn        bool // cut in mid-frame instead of READY or RESUMED
	unresumable bool // resumes are refused
	twice       bool // each event comes twice
	late        time.Duration
	padding     int
}

// GatewayRule puts an effect on some sockets, in order of dialling.
type GatewayRule struct {
	Skip   int // let so many pass first
	Times  int // stop after so many; 0: never
	Effect GatewayEffect
}

// GatewayInjector is a gateway rule at work.
type GatewayInjector struct {
	server *Server
	rule   GatewayRule
	seen   int
	hits   int
}

// InjectGateway puts a rule to work on sockets dialled from now on.
func (s *Server) InjectGateway(r GatewayRule) *GatewayInjector {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := &GatewayInjector{server: s, rule: r}
	s.gateway.rules = append(s.gateway.rules, i)
	return i
}

// Hits is how many sockets the rule has met.
func (i *GatewayInjector) Hits() int {
	i.server.mu.Lock()
	defer i.server.mu.Unlock()
	return i.hits
}

func (s *Server) matchGateway() GatewayEffect {
	for _, i := range s.gateway.rules {
		if i.seen++; i.seen > i.rule.Skip && (i.rule.Times == 0 || i.hits < i.rule.Times) {
			i.hits++
			return i.rule.Effect
		}
	}
	return GatewayEffect{}
}

// NoHello accepts the socket and says nothing, ever.
func NoHello() GatewayEffect { return GatewayEffect{mute: true, dead: true} }

// Silent says hello and then nothing more: a half-open line.
func Silent() GatewayEffect { return GatewayEffect{dead: true} }

// NoACKs leaves heartbeats unanswered.
func NoACKs() GatewayEffect { return GatewayEffect{deaf: true} }

// ReconnectFirst sends op 7 where READY or RESUMED should come.
func ReconnectFirst() GatewayEffect { return GatewayEffect{reconnect: true} }

// ReconnectAtOnce sends op 7 right after the hello, whatever comes.
func ReconnectAtOnce() GatewayEffect { return GatewayEffect{hasty: true} }

// InvalidFirst sends op 9 where READY or RESUMED should come.
func InvalidFirst(resumable bool) GatewayEffect {
	return GatewayEffect{invalid: true, resumable: resumable}
}

// CloseFirst closes with a code where READY or RESUMED should come.
func CloseFirst(code int) GatewayEffect { return GatewayEffect{code: code} }

// Torn resets the connection in the middle of a frame where READY or RESUMED
// should come.
func Torn() GatewayEffect { return GatewayEffect{torn: true} }

// NoResume refuses every resume.
func NoResume() GatewayEffect { return GatewayEffect{unresumable: true} }

// Twice sends every event twice.
func Twice() GatewayEffect { return GatewayEffect{twice: true} }

// LateReady sends READY or RESUMED d late.
func LateReady(d time.Duration) GatewayEffect { return GatewayEffect{late: d} }

// BigGuild makes each GUILD_CREATE so many bytes larger.
func BigGuild(bytes int) GatewayEffect { return GatewayEffect{padding: bytes} }

// Reconnect sends op 7 on every line now.
func (s *Server) Reconnect() { s.everyLine(func(l *line) { l.send(opReconnect, nil) }) }

// Invalidate sends op 9 on every line now; unless resumable, their sessions
// are gone.
func (s *Server) Invalidate(resumable bool) {
	s.everyLine(func(l *line) {
		if l.session != nil {
			s.park(l, l.session, resumable)
		}
		l.send(opInvalid, resumable)
	})
}

// CloseGateway closes every line now with a code; 0 cuts without a word.
// Sessions stay resumable, but after 4004 and 4010 to 4014.
func (s *Server) CloseGateway(code int) { s.everyLine(func(l *line) { s.hangUp(l, code) }) }

// TearGateway resets every line in the middle of a frame.
func (s *Server) TearGateway() {
	s.everyLine(func(l *line) { l.closing = true; l.put(item{half: true}) })
}

// Freeze makes every line half-open: the sockets stay, nothing passes.
func (s *Server) Freeze() { s.everyLine((*line).silence) }

// Dispatch sends an event of any name and data to every session, such as one
// that clients don't know.
func (s *Server) Dispatch(name string, data any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, ses := range s.gateway.sessions {
		s.dispatch(ses, name, data)
	}
}

// SendOpcode sends a frame with any opcode on every line.
func (s *Server) SendOpcode(op int, data any) { s.everyLine(func(l *line) { l.send(op, data) }) }

// Sessions is the number of sessions with a live line.
func (s *Server) Sessions() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, ses := range s.gateway.sessions {
		if ses.line != nil {
			n++
		}
	}
	return n
}

func (s *Server) everyLine(do func(*line)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for l := range s.gateway.lines {
		do(l)
	}
}
