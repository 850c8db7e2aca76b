package bus

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/imaginebridge/imaginebridge/bridge/command"
	"github.com/imaginebridge/imaginebridge/internal/trail"
)

// ownerWait is how long a command waits for somebody to work for its agent: at a
// start and when the work changes hands nobody does for a moment.
const ownerWait = 2 * time.Second

// order is a command that another process is to run, because it works for the
// agent and holds the agent's share of what the API allows.
type order struct {
	Request command.Request `json:"request"`
	Within  time.Duration   `json:"within"`           // the caller's patience
	Trail   string          `json:"trail,omitempty"`  // id in the log
	Parent  string          `json:"parent,omitempty"` // span
}

// outcomeOf is the answer to an order.
type outcomeOf struct {
	Answer  json.RawMessage `json:"answer"`
	Repeat  bool            `json:"repeat,omitempty"`
	Running bool            `json:"running,omitempty"`
}

func nodeSubject(member string) string { return "ia.node." + member + ".cmd" }

// errOwnerGone says that the process that ran an order runs no more.
var errOwnerGone = errors.New("the process that works for the agent is gone")

// dispatch runs a command where its agent is worked for.
func (s *service) dispatch(ctx context.Context, q command.Request, known bool) command.Answer {
	if spec := s.specs[q.Group+" "+q.Verb]; q.Agent == "" || spec != nil && spec.House != nil {
		return s.settled(ctx, q)
	}
	for end := time.Now().Add(ownerWait); ; {
		owner := s.bus.ownerOf(q.Agent)
		switch {
		case owner == s.bus.me, owner == "" && !known && s.bus.sees():
			return s.settled(ctx, q) // an agent that nobody knows is told there
		case owner != "":
			a, err := s.order(ctx, owner, q)
			if err == nil {
				return a
			}
			if !errors.Is(err, nats.ErrNoResponders) {
				if again := s.repeatable(q); !again || !wait(ctx, backoff(0)) {
					s.bus.log.Warn("a command of unknown fate", "command", q.Group+" "+q.Verb, "agent", q.Agent, "err", err)
					return command.Answer{Problem: lostSight(q, again)}
				}
				end = time.Now().Add(ownerWait + memberTTL + grace) // it has to be taken over first
			}
		}
		if time.Now().After(end) || !wait(ctx, 50*time.Millisecond) {
			return command.Answer{Problem: &command.Problem{
				Code: 503, Status: "no_owner", Message: fmt.Sprintf("nobody works for %q at the moment", q.Agent), Hint: "send it again in 5 s",
			}}
		}
	}
}

// repeatable reports a command that may be handed over twice: one that changes
// nothing, or that the ledger knows.
func (s *service) repeatable(q command.Request) bool {
	spec := s.specs[q.Group+" "+q.Verb]
	return q.ID != "" || spec == nil || spec.Repeat == command.Reads
}

func lostSight(q command.Request, repeatable bool) *command.Problem {
	p := &command.Problem{
		Code: 504, Status: "unknown", Unknown: true, Message: fmt.Sprintf("I can't tell whether this was done: the process that works for %q did not answer", q.Agent),
		Hint: "look before you send it again; with a header Nats-Msg-Id it may be repeated",
	}
	if repeatable {
		p.Hint = "send it again with the same Nats-Msg-Id to learn what became of it"
	}
	return p
}

// settled runs a command here. Where an earlier delivery of it is still at work
// it waits for that one's answer.
func (s *service) settled(ctx context.Context, q command.Request) command.Answer {
	for attempt := 0; ; attempt++ {
		a := s.run(ctx, q)
		if !a.Running {
			return a
		}
		if !wait(ctx, backoff(attempt)) {
			return command.Answer{Problem: &command.Problem{
				Code: 504, Status: "running", Unknown: true, Message: "it is still in work", Hint: "send it again with the same Nats-Msg-Id to learn what became of it",
			}}
		}
	}
}

// order hands a command to another process and waits for its answer as long as
// that process lives.
func (s *service) order(ctx context.Context, owner string, q command.Request) (command.Answer, error) {
	o := order{Request: q, Within: maxCallTime, Trail: trail.Command(ctx), Parent: s.bus.opts.Trace.Parent(ctx)}
	if end, ok := ctx.Deadline(); ok {
		o.Within = time.Until(end)
	}
	data, err := json.Marshal(o)
	if err != nil {
		return command.Answer{}, fmt.Errorf("encode an order: %w", err)
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	s.calls.working.Go(func() {
		for s.bus.Alive(owner) {
			if !wait(ctx, time.Second) {
				return
			}
		}
		cancel(errOwnerGone)
	})
	answered, done := s.bus.untilCut(ctx)
	defer done()
	m, err := s.bus.nc.RequestWithContext(answered, nodeSubject(owner), data)
	if err != nil {
		if cause := context.Cause(ctx); cause != nil {
			err = cause
		}
		return command.Answer{}, fmt.Errorf("hand a command to %s: %w", owner, err)
	}
	var out outcomeOf
	if err := json.Unmarshal(m.Data, &out); err != nil {
		return command.Answer{}, fmt.Errorf("read the answer of %s: %w", owner, err)
	}
	a, err := readAnswer(out.Answer)
	if err != nil {
		return command.Answer{}, fmt.Errorf("read the answer of %s: %w", owner, err)
	}
	a.Repeat, a.Running = out.Repeat, out.Running
	return a, nil
}

// takeOrder runs what another process handed over, and hands it on to nobody.
func (s *service) takeOrder(ctx context.Context, m *nats.Msg) {
	if !answerable(m.Reply) {
		return
	}
	ran := s.orders.try(func() {
		var o order
		if err := decodeExact(m.Data, &o); err != nil {
			s.bus.log.Warn("an order can't be read", "err", err)
			return
		}
		ctx, cancel := context.WithTimeout(ctx, min(o.Within, maxCallTime))
		defer cancel()
		ctx, end := s.bus.opts.Trace.Begin(trail.WithCommand(ctx, o.Trail), trail.Span{Name: "order", Kind: trail.Server, Remote: o.Parent})
		defer end(nil)
		s.report(m.Reply, s.settled(ctx, o.Request))
	})
	if !ran {
		s.report(m.Reply, command.Answer{Problem: busy()})
	}
}

// report answers an order. Cards are for people, who don't ask over NATS.
func (s *service) report(to string, a command.Answer) {
	a.Reply.Messages = nil
	data, err := encodeOutcome(a)
	if err == nil && int64(len(data)) > s.max-headerRoom {
		data, err = encodeOutcome(command.Answer{Problem: tooMuch(s.max)})
	}
	if err == nil {
		err = s.nc.Publish(to, data)
	}
	if err != nil {
		s.bus.log.Warn("an order was not answered", "err", plain(err))
	}
}

func encodeOutcome(a command.Answer) ([]byte, error) {
	answer, err := json.Marshal(a)
	if err != nil {
		return nil, fmt.Errorf("encode an answer: %w", err)
	}
	return json.Marshal(outcomeOf{Answer: answer, Repeat: a.Repeat, Running: a.Running})
}

// agentKind is what pollers hold agents as.
const agentKind = "agent"

// ownerOf is the process that works for an agent, "" for none.
func (b *Bus) ownerOf(agent string) string { return b.holderOf(agentKind, agent) }

// Elsewhere reports whether another process holds a name of a kind and was heard
// to be alive. One that died a moment ago still holds what it held.
func (b *Bus) Elsewhere(kind, name string) bool {
	owner := b.holderOf(kind, name)
	if owner == "" || owner == b.me {
		return false
	}
	m := b.members
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.alive[owner].beats > 1
}

// holderOf is the living process that holds a name of a kind, "" for none.
func (b *Bus) holderOf(kind, name string) string {
	m := b.members
	m.mu.Lock()
	defer m.mu.Unlock()
	v := m.view(time.Now())
	owner := v.holding[shardKey(kind, shardOf(name))].Owner
	if v.ready.IsZero() || owner != b.me && v.dead(owner) {
		return ""
	}
	return owner
}

// sees reports whether this process knows who works on what.
func (b *Bus) sees() bool {
	m := b.members
	m.mu.Lock()
	defer m.mu.Unlock()
	return !m.view(time.Now()).ready.IsZero()
}
