package bus

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/micro"

	"github.com/imaginebridge/imaginebridge/bridge/command"
)

const (
	serviceName = "imaginebridge"
	// serviceVersion is of the subjects and of the form of requests and replies.
	serviceVersion = "1.0.0"
	serviceText    = "Acts on ImagineAnything in an agent's name: ia.cmd.<agent>.<group>.<verb>, a JSON object of arguments."

	commandsOfAll = "ia.cmd.*."

	// maxCalls is how many commands a process has in work at once, and again how
	// many that others handed to it. Any more are refused at once.
	maxCalls = 256
	// maxCallBody bounds a request, in bytes.
	maxCallBody = 1 << 20
	// maxCallTime is a little more than a command may take.
	maxCallTime = 10*time.Minute + 30*time.Second
	// serviceEnd is how long what is in work may go on when the service stops.
	serviceEnd = 4 * time.Second
)

// service answers commands that come over NATS.
type service struct {
	bus    *Bus
	nc     *nats.Conn // its own: a flood of commands holds up no event and no lease
	run    func(context.Context, command.Request) command.Answer
	agents func() []string
	specs  map[string]*command.Spec // by name
	calls  pool                     // from everybody
	orders pool                     // handed over by other processes; apart, so that two full processes don't block each other
	max    int64                    // bytes of a reply
	handed *nats.Subscription       // brings the orders
}

// pool runs a bounded number of functions at once.
type pool struct {
	room    chan struct{}
	working sync.WaitGroup
}

// try runs fn, or reports that there is no room.
func (p *pool) try(fn func()) bool {
	select {
	case p.room <- struct{}{}:
	default:
		return false
	}
	p.working.Go(func() {
		defer func() { <-p.room }()
		fn()
	})
	return true
}

// Serve offers every command on ia.cmd.<agent>.<group>.<verb> as the micro service
// "imaginebridge", and takes over what other processes got for agents that this
// one works for. Run does a command; agents are the handles that this process
// knows. When ctx ends it takes no further commands, gives those in work 4 s to
// answer, and returns nil. It needs Run, and every process that polls should serve.
func (b *Bus) Serve(ctx context.Context, run func(context.Context, command.Request) command.Answer, agents func() []string) error {
	return b.serve(ctx, command.Table(), run, agents)
}

func (b *Bus) serve(ctx context.Context, table []command.Spec, run func(context.Context, command.Request) command.Answer, agents func() []string) error {
	nc, err := b.another(ctx, "commands")
	if err != nil {
		return unlessEnded(ctx, err)
	}
	defer nc.Close()
	s := &service{
		bus: b, nc: nc, run: run, agents: agents, specs: map[string]*command.Spec{},
		calls: pool{room: make(chan struct{}, maxCalls)}, orders: pool{room: make(chan struct{}, maxCalls)}, max: nc.MaxPayload(),
	}
	for i := range table {
		s.specs[table[i].Name()] = &table[i]
	}
	working, cancel := lingering(ctx, serviceEnd)
	defer cancel()
	offered, err := micro.AddService(nc, micro.Config{
		Name: serviceName, Version: serviceVersion, Description: serviceText, Metadata: map[string]string{"member": b.me},
	})
	if err != nil {
		return fmt.Errorf("offer the service: %w", err)
	}
	if err := s.listen(working, offered, table); err != nil {
		return err
	}
	if err := s.announced(ctx); err != nil {
		return err
	}
	<-ctx.Done()
	s.stop(working, offered)
	return nil
}

// listen makes one endpoint per command.
func (s *service) listen(ctx context.Context, offered micro.Service, table []command.Spec) error {
	for i := range table {
		spec := &table[i]
		err := offered.AddEndpoint(spec.Group+"-"+spec.Verb, micro.HandlerFunc(func(r micro.Request) {
			// The library's request is not safe to answer from another goroutine.
			s.take(ctx, call{subject: r.Subject(), reply: r.Reply(), header: nats.Header(r.Headers()), data: r.Data()})
		}),
			micro.WithEndpointSubject(commandsOfAll+spec.Group+"."+spec.Verb),
			micro.WithEndpointPendingLimits(1<<16, 64<<20),
			micro.WithEndpointMetadata(map[string]string{
				"summary": spec.Summary, "access": spec.Access.String(), "request_schema": string(command.RequestSchema(spec)), "reply_schema": string(command.ReplySchema(spec)),
			}))
		if err != nil {
			return fmt.Errorf("offer %s: %w", spec.Name(), err)
		}
	}
	orders, err := s.nc.Subscribe(nodeSubject(s.bus.me), func(m *nats.Msg) { s.takeOrder(ctx, m) })
	if err != nil {
		return fmt.Errorf("listen for commands: %w", err)
	}
	s.handed = orders
	return nil
}

// announced waits until the server knows what is listened to, or ctx ends. One that is
// slow or away hears of it later.
func (s *service) announced(ctx context.Context) error {
	for ctx.Err() == nil && s.nc.FlushTimeout(callTimeout) != nil {
		if s.nc.IsClosed() {
			return unlessEnded(ctx, stateOf(Unreachable, nil, "%s closed the connection for commands.", s.bus.where()))
		}
		wait(ctx, reconnectDelay(0))
	}
	return nil
}

// unlessEnded is nil where ctx ended: what failed then did not fail by itself.
func unlessEnded(ctx context.Context, err error) error {
	if ctx.Err() == nil {
		return err
	}
	return nil
}

// stop answers what came before the end, and takes nothing more.
func (s *service) stop(ctx context.Context, offered micro.Service) {
	if err := errors.Join(offered.Stop(), s.handed.Drain()); err != nil {
		s.bus.log.Warn("the command service did not stop well", "err", plain(err))
	}
	for s.nc.NumSubscriptions() > 0 && wait(ctx, 5*time.Millisecond) {
	}
	s.calls.working.Wait()
	s.orders.working.Wait()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	if err := s.nc.FlushWithContext(ctx); err != nil {
		s.bus.log.Warn("the last answers may not have left", "err", plain(err))
	}
}

// parts takes a command's subject apart.
func parts(subject string) (agent, group, verb string) {
	t := append(strings.Split(subject, "."), "", "", "", "", "")
	return t[2], t[3], t[4]
}

// handle is the agent that a subject's token means: one that is known here, or
// what it was made of.
func (s *service) handle(token string) (name string, known bool) {
	all := s.agents()
	i := slices.IndexFunc(all, func(h string) bool { return auditToken(h) == token })
	switch {
	case i >= 0:
		return all[i], true
	case token == nobody && len(all) == 1:
		return all[0], true
	case token == nobody:
		return "", false
	}
	return plainToken(token), false
}
