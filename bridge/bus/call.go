package bus

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nuid"

	"github.com/imaginebridge/imaginebridge/bridge/command"
	"github.com/imaginebridge/imaginebridge/events"
	"github.com/imaginebridge/imaginebridge/internal/trail"
)

const (
	// confirmHeader says yes to what asks first: "Ia-Confirm: yes".
	confirmHeader = "Ia-Confirm"
	// languageHeader asks for an answer's sentences in a language: "Accept-Language: de".
	languageHeader = "Accept-Language"
	// timeoutHeader is how long the caller waits: a duration, "30s".
	timeoutHeader = "Ia-Timeout"
	// zoneHeader is the caller's time zone: "Europe/Berlin".
	zoneHeader = "Ia-Zone"
	// doorHeader says that a person at a terminal asks: "terminal". The audit tells
	// it so; it gives no rights, which are those of who may publish here.
	doorHeader = "Ia-Door"
	// traceHeader is the span of the caller (W3C Trace Context).
	traceHeader = "traceparent"
	maxCallID   = 256
)

// call is a request as it came.
type call struct {
	subject, reply string
	header         nats.Header
	data           []byte
}

// take starts the work for a call, or refuses it at once.
func (s *service) take(ctx context.Context, c call) {
	if !answerable(c.reply) {
		s.bus.log.Warn("a command without an inbox for its answer was refused", "subject", c.subject)
		s.refused(ctx, c, &command.Problem{Status: "no_reply_subject"})
		return
	}
	if !s.calls.try(func() { s.answer(c.reply, s.do(ctx, c)) }) {
		s.answer(c.reply, command.Answer{Problem: busy()})
	}
}

// answerable reports a subject that is meant for answers. The bridge may publish
// where the caller must not, and would do it for the asking.
func answerable(reply string) bool {
	return (strings.HasPrefix(reply, "_INBOX") || strings.HasPrefix(reply, "_R_.")) && !strings.ContainsAny(reply, "*> ")
}

func busy() *command.Problem {
	return &command.Problem{
		Code: 503, Status: "busy", Message: fmt.Sprintf("%d commands are in work here, the most at once", maxCalls),
		Hint: "send it again in 1 s",
	}
}

// do takes a call to its answer.
func (s *service) do(ctx context.Context, c call) command.Answer {
	ctx, cancel := context.WithTimeout(ctx, patienceOf(c))
	defer cancel()
	q, known, p := s.request(c)
	ctx, end := s.heard(ctx, q, c.header.Get(traceHeader))
	defer end(nil)
	if p != nil {
		s.refused(ctx, c, p)
		return command.Answer{Problem: p}
	}
	a := s.dispatch(ctx, q, known)
	s.bus.log.DebugContext(ctx, "command answered", "ok", a.OK)
	return a
}

// heard puts a call on its trail, in the trace of who called where that says so.
func (s *service) heard(ctx context.Context, q command.Request, parent string) (context.Context, trail.End) {
	ctx = trail.WithCommand(ctx, cmp.Or(q.ID, nuid.Next()))
	ctx, end := s.bus.opts.Trace.Begin(ctx, trail.Span{
		Name: "door", Kind: trail.Server, Remote: parent, Attrs: []slog.Attr{slog.String("door", cmp.Or(q.Door, command.NATS))},
	})
	s.bus.log.DebugContext(ctx, "command heard", "door", cmp.Or(q.Door, command.NATS))
	return ctx, end
}

// patienceOf is how long the caller waits, where it says so.
func patienceOf(c call) time.Duration {
	d, err := time.ParseDuration(c.header.Get(timeoutHeader))
	if err != nil || d <= 0 {
		return maxCallTime
	}
	return min(d, maxCallTime)
}

// request reads a call. The payload never says who asks: whoever may publish on
// the agent's subjects may act for it.
func (s *service) request(c call) (q command.Request, known bool, p *command.Problem) {
	if len(c.data) > maxCallBody {
		return q, false, &command.Problem{Code: 413, Status: "too_large", Message: fmt.Sprintf("the request has %d bytes of %d", len(c.data), maxCallBody), Hint: "send files as URLs"}
	}
	id := c.header.Get(nats.MsgIdHdr)
	if len(id) > maxCallID {
		return q, false, &command.Problem{Code: 400, Status: "invalid_id", Field: nats.MsgIdHdr, Message: fmt.Sprintf("%s has %d bytes of %d", nats.MsgIdHdr, len(id), maxCallID)}
	}
	values, p := arguments(c.data)
	if p != nil {
		return q, false, p
	}
	agent, group, verb := parts(c.subject)
	door := doorOf(c)
	q = command.Request{
		Principal: command.Principal{Platform: door}, Group: group, Verb: verb, Values: values,
		Door: door, Place: c.subject, Zone: c.header.Get(zoneHeader), Confirmed: strings.EqualFold(c.header.Get(confirmHeader), "yes"),
		Locale: c.header.Get(languageHeader),
	}
	q.Agent, known = s.handle(agent)
	if id == "" {
		return q, known, nil
	}
	// One caller's id must not find another's answer: the subject is what the
	// caller was permitted. A yes is a request of its own.
	q.ID = fmt.Sprintf("nats:%s.%s.%s:%t:%s", agent, group, verb, q.Confirmed, id)
	q.Back, _ = json.Marshal(back{Reply: c.reply}) // a string always encodes
	return q, known, nil
}

// doorOf is where a call began.
func doorOf(c call) string {
	if c.header.Get(doorHeader) == command.Terminal {
		return command.Terminal
	}
	return command.NATS
}

// back is how a caller is found again after a restart.
type back struct {
	Reply string `json:"reply"`
}

// arguments decodes the payload: a JSON object, or nothing.
func arguments(data []byte) (map[string]any, *command.Problem) {
	wrong := func(text string) *command.Problem {
		return &command.Problem{Code: 400, Status: "invalid_json", Message: text, Hint: `send an object such as {"text":"hello"}`}
	}
	if strings.TrimSpace(string(data)) == "" {
		return map[string]any{}, nil
	}
	var whole json.RawMessage
	if err := json.Unmarshal(data, &whole); err != nil {
		e, ok := errors.AsType[*json.SyntaxError](err)
		switch {
		case !ok || e.Offset < 1 || e.Offset > int64(len(data)):
			return nil, wrong("this is no JSON")
		case strings.HasPrefix(e.Error(), "unexpected end"):
			return nil, wrong(fmt.Sprintf("byte %d: the text ends too early", e.Offset))
		}
		r, _ := utf8.DecodeRune(data[e.Offset-1:])
		return nil, wrong(fmt.Sprintf("byte %d: unexpected %q", e.Offset, r))
	}
	var values map[string]any
	if err := decodeExact(data, &values); err != nil || values == nil {
		return nil, wrong("the arguments are no object")
	}
	return values, nil
}

// refused tells the audit of a call that no command came of.
func (s *service) refused(ctx context.Context, c call, p *command.Problem) {
	agent, group, verb := parts(c.subject)
	s.bus.Audit(ctx, command.Entry{
		At: time.Now(), Principal: command.Principal{Platform: doorOf(c)}, Door: doorOf(c), Place: harmless(c.subject),
		Agent: plainToken(agent), Group: group, Verb: verb, Outcome: "refused", Status: p.Status,
	})
}

// plainToken is what a subject's token was made of, as far as can be told.
func plainToken(token string) string {
	if text, ok := events.Untoken(token); ok {
		return text
	}
	return token
}
