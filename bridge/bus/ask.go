package bus

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/imaginebridge/imaginebridge/events"
)

// ErrNobody says that no running bridge took a command, so that nothing was done.
var ErrNobody = errors.New("no running bridge takes commands on this NATS")

// ErrNoAnswer says that a command was taken and its answer did not come: it may
// have been done.
var ErrNoAnswer = errors.New("the running bridge did not answer")

// askPause is how long after a lost connection a command is sent again.
const askPause = 250 * time.Millisecond

// Question is a command for a running bridge.
type Question struct {
	Agent, Group, Verb string
	ID                 string // makes it run once however often it is sent
	Args               []byte // a JSON object
	Confirmed          bool   // says yes to what asks first
}

// Ask has a running bridge do a command and gives its answer, success or
// failure, as JSON. Where the connection is lost it sends the command again, for
// 15 s at most; the id keeps it from running twice. Errors: ErrNobody,
// ErrNoAnswer, *StateError.
func (b *Bus) Ask(ctx context.Context, q Question) ([]byte, error) {
	token, err := events.Token(q.Agent)
	if err != nil {
		return nil, fmt.Errorf("ask for %s %s: %w", q.Group, q.Verb, err)
	}
	m := jsonMsg("ia.cmd."+token+"."+q.Group+"."+q.Verb, q.Args)
	m.Header.Set(nats.MsgIdHdr, q.ID)
	if q.Confirmed {
		m.Header.Set(confirmHeader, "yes")
	}
	if end, ok := ctx.Deadline(); ok {
		m.Header.Set(timeoutHeader, time.Until(end).Round(time.Millisecond).String())
	}
	asking, stop := context.WithCancel(ctx)
	defer stop()
	b.onDenied.Store(&stop) // what is not permitted gets no answer: don't wait for one
	defer b.onDenied.Store(nil)
	var lost time.Time // when the connection, and perhaps an answer, was lost first
	for {
		answered, done := b.untilCut(asking)
		reply, err := b.nc.RequestMsgWithContext(answered, m)
		done()
		switch {
		case err == nil:
			return reply.Data, nil
		case errors.Is(err, nats.ErrNoResponders) && lost.IsZero():
			return nil, ErrNobody
		case asking.Err() != nil && ctx.Err() == nil:
			return nil, b.explain("send a command", err)
		case lost.IsZero():
			lost = time.Now()
		}
		if !b.comesBack(ctx, lost.Add(patience)) {
			return nil, ErrNoAnswer
		}
	}
}

// comesBack waits until the connection stands again, at most until end.
func (b *Bus) comesBack(ctx context.Context, end time.Time) bool {
	for time.Now().Before(end) && wait(ctx, askPause) {
		if b.nc.IsConnected() {
			return true
		}
	}
	return false
}

// Agents lists the handles, in lower case, whose cursors are stored here: the
// agents that a bridge on this NATS watches or has watched.
func (b *Bus) Agents(ctx context.Context) ([]string, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	s, err := b.js.Stream(ctx, streamEvents)
	if err != nil {
		return nil, b.explain("list agents", err)
	}
	info, err := s.Info(ctx, jetstream.WithSubjectFilter("ia.cursor.>"))
	if err != nil {
		return nil, b.explain("list agents", err)
	}
	var out []string
	for subject := range info.State.Subjects {
		token, _, _ := strings.Cut(strings.TrimPrefix(subject, "ia.cursor."), ".")
		if handle, ok := events.Untoken(token); ok {
			out = append(out, handle)
		}
	}
	slices.Sort(out)
	return slices.Compact(out), nil
}
