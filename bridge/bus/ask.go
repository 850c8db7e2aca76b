package bus

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/imaginebridge/imaginebridge/bridge/command"
)

// nobody stands in a subject for the agent that is not named: the bridge takes
// the only one it has, or says which there are.
const nobody = "-"

// ErrNobody says that no bridge took a command, so that nothing was done.
var ErrNobody = errors.New("no running bridge takes commands")

// ErrNoAnswer says that the answer to a command did not come: it may have been
// done.
var ErrNoAnswer = errors.New("the running bridge did not answer")

// Ask sends a command to the bridge that serves this NATS, and waits for its
// answer until ctx ends. Of the door only travels that it is the terminal. Files
// and principal do not: the service knows callers by what they may publish. The answer's data is a
// json.RawMessage. The error is a *StateError where no bridge answers, of ErrNobody
// or ErrNoAnswer.
func (b *Bus) Ask(ctx context.Context, q command.Request) (command.Answer, error) {
	if q.Values == nil {
		q.Values = map[string]any{}
	}
	data, err := json.Marshal(q.Values)
	if err != nil {
		return command.Answer{}, fmt.Errorf("encode %s %s: %w", q.Group, q.Verb, err)
	}
	m := jsonMsg("ia.cmd."+auditToken(q.Agent)+"."+auditToken(q.Group)+"."+auditToken(q.Verb), data)
	if q.ID != "" {
		m.Header.Set(nats.MsgIdHdr, q.ID)
	}
	if q.Confirmed {
		m.Header.Set(confirmHeader, "yes")
	}
	if q.Locale != "" {
		m.Header.Set(languageHeader, q.Locale)
	}
	if q.Zone != "" {
		m.Header.Set(zoneHeader, q.Zone)
	}
	if q.Door == command.Terminal {
		m.Header.Set(doorHeader, q.Door)
	}
	if end, ok := ctx.Deadline(); ok {
		m.Header.Set(timeoutHeader, time.Until(end).Round(time.Millisecond).String())
	}
	answer, err := b.request(ctx, m)
	switch {
	case errors.Is(err, ErrNobody):
		return command.Answer{}, stateOf(Unreachable, err, "no bridge takes commands at %s. Is one running?", b.where())
	case errors.Is(err, ErrNoAnswer):
		return command.Answer{}, stateOf(Unreachable, err, "the bridge at %s went away before it answered: I can't tell whether this was done.", b.where())
	case err != nil:
		return command.Answer{}, b.explain("ask for "+q.Group+" "+q.Verb, err)
	}
	return answerOf(q, answer.Data)
}

// request sends a command. Where the connection is lost while it waits and the
// command has an id, it sends it again, for 15 s at most: the id keeps it from
// running twice.
func (b *Bus) request(ctx context.Context, m *nats.Msg) (*nats.Msg, error) {
	asking, stop := context.WithCancel(ctx)
	defer stop()
	b.onDenied.Store(&stop) // what is not permitted gets no answer: don't wait for one
	defer b.onDenied.Store(nil)
	var lost time.Time
	for {
		answered, done := b.untilCut(asking)
		answer, err := b.nc.RequestMsgWithContext(answered, m)
		done()
		switch {
		case err == nil:
			return answer, nil
		case errors.Is(err, nats.ErrNoResponders) && lost.IsZero():
			return nil, ErrNobody
		case asking.Err() != nil && ctx.Err() == nil:
			return nil, err
		case lost.IsZero():
			lost = time.Now()
		}
		if m.Header.Get(nats.MsgIdHdr) == "" || !b.comesBack(ctx, lost.Add(patience)) {
			return nil, ErrNoAnswer
		}
	}
}

// comesBack waits until the connection stands again, at most until end.
func (b *Bus) comesBack(ctx context.Context, end time.Time) bool {
	for time.Now().Before(end) && wait(ctx, 250*time.Millisecond) {
		if b.nc.IsConnected() {
			return true
		}
	}
	return false
}

// answerOf reads a reply of the service.
func answerOf(q command.Request, data []byte) (command.Answer, error) {
	var r struct {
		reply
		Result json.RawMessage `json:"result"`
		Error  *fault          `json:"error"`
	}
	if err := json.Unmarshal(data, &r); err != nil || !r.OK && r.Error == nil {
		return command.Answer{}, fmt.Errorf("the answer to %s %s can't be read", q.Group, q.Verb)
	}
	a := command.Answer{OK: r.OK, Agent: q.Agent, Group: q.Group, Verb: q.Verb, Repeat: r.Repeat}
	switch f := r.Error; {
	case r.OK:
		a.Reply = command.Reply{Text: r.Text, More: r.Next, Job: r.Job, Planned: r.Scheduled}
		if r.Result != nil {
			a.Reply.Data = r.Result
		}
	case f.Status == statusConfirm:
		a.NeedsConfirm, a.Question = true, f.Message
	default:
		a.Problem = &command.Problem{Code: f.Code, Status: f.Status, Field: f.Field, Message: f.Message, Hint: f.Hint, Unknown: f.Unknown}
	}
	return a, nil
}
