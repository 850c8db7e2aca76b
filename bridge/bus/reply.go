package bus

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/micro"

	"github.com/imaginebridge/imaginebridge/bridge/command"
)

// statusConfirm is the word for a question instead of an answer.
const statusConfirm = "confirmation_required"

// headerRoom is what the headers of a reply may take, in bytes.
const headerRoom = 4 << 10

// reply is what a caller gets for a command that was done.
type reply struct {
	OK     bool              `json:"ok"`
	Result any               `json:"result,omitempty"`
	Text   string            `json:"text"`
	Next   map[string]string `json:"next,omitempty"`   // arguments of the further page
	Job    string            `json:"job,omitempty"`    // the generation to follow
	Repeat bool              `json:"repeat,omitempty"` // the answer to an earlier request with this id

	Scheduled *command.Planned `json:"scheduled,omitempty"` // it waits for its time, and has no result yet
}

// failure is what a caller gets for any other.
type failure struct {
	OK    bool  `json:"ok"`
	Error fault `json:"error"`
}

type fault struct {
	Code       int    `json:"code"`
	Status     string `json:"status"`
	Field      string `json:"field,omitempty"`
	Message    string `json:"message"`
	Hint       string `json:"hint,omitempty"`
	Unknown    bool   `json:"unknown,omitempty"`     // it may have been done
	RetryAfter int    `json:"retry_after,omitempty"` // seconds
}

func tooMuch(most int64) *command.Problem {
	return &command.Problem{
		Code: 500, Status: "reply_too_large", Message: fmt.Sprintf("it was done, but the answer is larger than the %d bytes that this NATS server carries", most),
		Hint: "ask for less at once",
	}
}

// answer tells a caller what became of its call.
func (s *service) answer(to string, a command.Answer) {
	m, err := replyMsg(to, a)
	if err == nil && int64(len(m.Data)) > s.max-headerRoom {
		m, err = replyMsg(to, command.Answer{Problem: tooMuch(s.max)})
	}
	if err == nil {
		err = s.nc.PublishMsg(m)
	}
	if err != nil {
		s.bus.log.Warn("a command was not answered", "command", a.Group+" "+a.Verb, "agent", a.Agent, "err", plain(err))
	}
}

// Answer tells a caller over NATS what became of a command that outlived the
// process which took it, as it was recorded. Requests of other doors, and of
// callers that could not be found again, are left alone.
func (b *Bus) Answer(_ context.Context, q command.Request, a command.Answer) error {
	to := replyOf(q)
	if !answerable(to) {
		return nil
	}
	m, err := replyMsg(to, a)
	if err == nil {
		err = b.nc.PublishMsg(m)
	}
	if err != nil {
		return b.explain("answer a command", err)
	}
	return nil
}

// replyOf is where the caller of a recorded request listens, "" for nowhere.
func replyOf(q command.Request) string {
	var to back
	if q.Door != command.NATS && q.Door != command.Terminal || json.Unmarshal(q.Back, &to) != nil {
		return ""
	}
	return to.Reply
}

func replyMsg(to string, a command.Answer) (*nats.Msg, error) {
	m := jsonMsg(to, nil)
	var content any = reply{OK: true, Result: a.Reply.Data, Text: a.Reply.Text, Next: a.Reply.More, Job: a.Reply.Job, Repeat: a.Repeat, Scheduled: a.Reply.Planned}
	if !a.OK {
		f := faultOf(a)
		m.Header.Set(micro.ErrorCodeHeader, strconv.Itoa(f.Code))
		m.Header.Set(micro.ErrorHeader, strings.Join(strings.Fields(f.Message), " ")) // one line, as headers are
		content = failure{Error: f}
	}
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false) // people read it in a terminal
	if err := e.Encode(content); err != nil {
		return nil, fmt.Errorf("encode a reply: %w", err)
	}
	m.Data = bytes.TrimSuffix(out.Bytes(), []byte("\n"))
	return m, nil
}

func faultOf(a command.Answer) fault {
	switch p := a.Problem; {
	case a.NeedsConfirm:
		return fault{
			Code: 409, Status: statusConfirm, Message: a.Question, Hint: "send it again with the header " + confirmHeader + ": yes",
		}
	case p == nil:
		return fault{Code: 500, Status: "internal", Message: "the command ended without an answer"}
	default:
		f := fault{Code: p.Code, Status: p.Status, Field: p.Field, Message: p.Message, Hint: p.Hint, Unknown: p.Unknown}
		switch p.Status {
		case "busy":
			f.RetryAfter = 1
		case "no_owner":
			f.RetryAfter = 5
		}
		return f
	}
}
