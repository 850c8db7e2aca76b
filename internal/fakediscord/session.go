package fakediscord

import (
	"crypto/rand"
	"encoding/json"
	"time"
)

// sessionLife is how long a session without a line can be resumed.
const sessionLife = 2 * time.Minute

// keepEvents is how many events a session keeps for a resume.
const keepEvents = 10_000

// session outlives its lines.
type session struct {
	id      string
	intents int
	shard   int
	shards  int
	seq     int64
	line    *line // nil while there is none
	until   time.Time
	past    []item // what was dispatched, the last one being seq
}

// dispatch numbers an event, keeps it for a resume and sends it.
func (s *Server) dispatch(ses *session, name string, data any) {
	ses.seq++
	i := item{data: jsonOf(frame{Op: opDispatch, Data: jsonOf(data), Seq: new(ses.seq), Name: &name})}
	ses.past = append(ses.past, i)
	if len(ses.past) > keepEvents {
		ses.past = ses.past[1:]
	}
	if ses.line == nil {
		return
	}
	ses.line.put(i)
	if ses.line.effect.twice {
		ses.line.put(i)
	}
}

type identifyData struct {
	Token      string         `json:"token"`
	Intents    *int           `json:"intents"`
	Shard      *[2]int        `json:"shard"`
	Properties map[string]any `json:"properties"`
}

// identify begins a session, docs "Identifying".
func (s *Server) identify(l *line, raw json.RawMessage) {
	var d identifyData
	now := s.now()
	switch err := json.Unmarshal(raw, &d); {
	case err != nil:
		s.misbehaved(l, closeDecodeError, "identify: "+err.Error())
		return
	case l.session != nil:
		s.misbehaved(l, closeAlreadyAuthenticated, "identified twice")
		return
	}
	s.log.stats.Identifies++
	remaining, _ := s.gateway.budget(now)
	bucket := 0
	if d.Shard != nil {
		bucket = d.Shard[0] % s.opts.MaxConcurrency
	}
	if now.Sub(s.gateway.last(bucket)) < s.opts.IdentifyEvery-tolerance {
		s.log.fault(now, "identify-rate", 0, "sooner than the last one allows")
		l.send(opInvalid, false)
		return
	}
	if remaining == 0 {
		s.log.fault(now, "identify-budget", 0, "the day's identifies are used up: Discord resets the token")
		s.token = ""
	}
	s.gateway.identifies = append(s.gateway.identifies, identified{now, bucket})
	if code := s.refusal(d); code != 0 {
		s.hangUp(l, code)
		return
	}
	ses := &session{id: rand.Text(), intents: *d.Intents, shards: 1, line: l}
	if d.Shard != nil {
		ses.shard, ses.shards = d.Shard[0], d.Shard[1]
	}
	s.begin(l, ses, func() { s.ready(l, ses) })
}

// refusal is the close code an identify deserves, or 0.
func (s *Server) refusal(d identifyData) int {
	privileged := intentMembers | intentPresences
	if !s.opts.MessageContent {
		privileged |= intentContent
	}
	switch {
	case s.token == "" || (d.Token != s.token && d.Token != "Bot "+s.token):
		return closeAuthenticationFailed
	case d.Intents == nil || *d.Intents&^intentAll != 0:
		return closeInvalidIntents
	case *d.Intents&privileged != 0:
		return closeDisallowedIntents
	case d.Shard != nil && (d.Shard[1] < 1 || d.Shard[0] < 0 || d.Shard[0] >= d.Shard[1]):
		return closeInvalidShard
	case s.opts.Shards > 1 && (d.Shard == nil || d.Shard[1] < s.opts.Shards):
		return closeShardingRequired
	}
	return 0
}

// begin does what the line's effect wants first, then starts the session.
func (s *Server) begin(l *line, ses *session, start func()) {
	e := l.effect
	l.session = ses
	s.expectBeat(l)
	switch {
	case e.reconnect:
		l.send(opReconnect, nil)
	case e.invalid:
		s.park(l, ses, e.resumable)
		l.effect.invalid = false // once; what follows on the line is served
		l.send(opInvalid, e.resumable)
	case e.code != 0:
		s.hangUp(l, e.code)
	case e.torn:
		l.closing = true
		l.put(item{half: true})
	case e.late > 0:
		s.tasks.Go(func() {
			s.pause(e.late)
			s.mu.Lock()
			defer s.mu.Unlock()
			start()
		})
	default:
		start()
	}
}

// park takes a session off its line: to be resumed, or gone.
func (s *Server) park(l *line, ses *session, resumable bool) {
	l.session, ses.line, ses.until = nil, nil, s.now().Add(sessionLife)
	if !resumable {
		delete(s.gateway.sessions, ses.id)
	}
}

// pause waits, or until the server closes.
func (s *Server) pause(d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-s.closing:
	}
}

// ready sends READY with unavailable guilds, then each GUILD_CREATE.
func (s *Server) ready(l *line, ses *session) {
	s.gateway.sessions[ses.id] = ses
	guilds, present := []map[string]any{}, []*guild{}
	for _, id := range s.world.order {
		if g := s.world.guilds[id]; g.present && ses.carries(g) {
			guilds = append(guilds, map[string]any{"id": g.id, "unavailable": true})
			if !g.outage {
				present = append(present, g)
			}
		}
	}
	flags := 0
	if s.opts.MessageContent {
		flags = flagMessageContentLimited
	}
	s.dispatch(ses, "READY", map[string]any{
		"v": 10, "user": s.world.bot, "guilds": guilds, "session_id": ses.id,
		"resume_gateway_url": s.gatewayURL(), "shard": []int{ses.shard, ses.shards},
		"application":  map[string]any{"id": s.opts.ApplicationID, "flags": flags},
		"session_type": "normal", "private_channels": []any{}, "_trace": []string{},
	})
	if ses.intents&intentGuilds == 0 {
		return
	}
	for _, g := range present {
		s.dispatch(ses, "GUILD_CREATE", s.guildEvent(g, l.effect.padding))
	}
}

// resume goes on with a session: what was missed, then RESUMED. Docs
// "Resuming".
func (s *Server) resume(l *line, raw json.RawMessage) {
	var d struct {
		Token   string `json:"token"`
		Session string `json:"session_id"`
		Seq     int64  `json:"seq"`
	}
	if err := json.Unmarshal(raw, &d); err != nil {
		s.misbehaved(l, closeDecodeError, "resume: "+err.Error())
		return
	}
	ses := s.gateway.sessions[d.Session]
	switch {
	case l.session != nil:
		s.misbehaved(l, closeAlreadyAuthenticated, "resumed after identify")
	case s.token == "" || (d.Token != s.token && d.Token != "Bot "+s.token):
		s.hangUp(l, closeAuthenticationFailed)
	case l.effect.unresumable, ses == nil, ses.line == nil && s.now().After(ses.until),
		d.Seq < ses.seq-int64(len(ses.past)):
		delete(s.gateway.sessions, d.Session)
		l.send(opInvalid, false)
	case d.Seq > ses.seq:
		s.hangUp(l, closeInvalidSeq)
	default:
		s.log.stats.Resumes++
		if old := ses.line; old != nil {
			old.session = nil
			s.hangUp(old, 0)
		}
		ses.line = l
		s.begin(l, ses, func() {
			for _, i := range ses.past[len(ses.past)-int(ses.seq-d.Seq):] {
				l.put(i)
				if l.effect.twice {
					l.put(i)
				}
			}
			s.dispatch(ses, "RESUMED", map[string]any{"_trace": []string{}})
		})
	}
}
