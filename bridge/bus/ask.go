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

// Ask sends a command to the bridge that serves this NATS, and waits for its
// answer until ctx ends. Files, principal and door of the request do not travel:
// the service knows callers by what they may publish. The answer's data is a
// json.RawMessage. The error is a *StateError where no bridge answers.
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
	if end, ok := ctx.Deadline(); ok {
		m.Header.Set(timeoutHeader, time.Until(end).Round(time.Millisecond).String())
	}
	ctx, done := b.untilCut(ctx)
	defer done()
	answer, err := b.nc.RequestMsgWithContext(ctx, m)
	switch {
	case errors.Is(err, nats.ErrNoResponders):
		return command.Answer{}, stateOf(Unreachable, err, "no bridge takes commands at %s. Is one running?", b.where())
	case err != nil:
		return command.Answer{}, b.explain("ask for "+q.Group+" "+q.Verb, err)
	}
	return answerOf(q, answer.Data)
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
		a.Reply = command.Reply{Text: r.Text, More: r.Next, Job: r.Job}
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
