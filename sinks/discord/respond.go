package discord

import (
	"context"
	"errors"
	"strings"
	"time"
)

// First responses to interactions, Discord docs "Interaction Callback Type".
const (
	respondPong    = 1
	respondMessage = 4
	respondLater   = 5 // "is thinking": the message follows
	respondSilent  = 6 // of a button: nothing changes yet
	respondChange  = 7 // of a button: its message changes
	respondChoices = 8
	respondForm    = 9
)

const (
	routeCallback  = "/interactions/{id}/{token}/callback"
	routeFollowUp  = "/webhooks/{application}/{token}"
	routeOriginal  = "/webhooks/{application}/{token}/messages/@original"
	flagPrivate    = 1 << 6 // EPHEMERAL
	maxClickAge    = 2500 * time.Millisecond
	clickLimit     = 3 * time.Second  // for the first response, Discord's own
	tokenLife      = 15 * time.Minute // of an interaction's token, Discord's own
	tokenUse       = 14 * time.Minute // as long as we rely on it
	answerAttempts = 8                // within about four seconds
	answerPause    = 30 * time.Millisecond
)

// response is the first answer to an interaction. data is never left out, which
// stricter servers want.
type response struct {
	Type int `json:"type"`
	Data any `json:"data"`
}

// reply is a message that answers an interaction.
type reply struct {
	Content         string   `json:"content"`
	Embeds          []embed  `json:"embeds"`
	Components      []row    `json:"components"`
	AllowedMentions mentions `json:"allowed_mentions"`
	Flags           int      `json:"flags,omitempty"`
}

// private makes it be seen only by the person who asked.
func (r reply) private() reply { r.Flags |= flagPrivate; return r }

type laterData struct {
	Flags int `json:"flags,omitempty"`
}

type changeData struct {
	Components      []any    `json:"components"`
	AllowedMentions mentions `json:"allowed_mentions"`
}

type choicesData struct {
	Choices []appChoice `json:"choices"`
}

// door is the way an interaction came by; its first response goes back by it.
// The zero response says that there will be none.
type door interface {
	first(ctx context.Context, r response) error
}

// byCall is the gateway's door: the response is a request of its own.
type byCall struct {
	s  *Sink
	in interaction
}

func (d byCall) first(ctx context.Context, r response) error {
	if r.Type == 0 {
		return nil // not to be answered
	}
	c := fill("POST", routeCallback, d.in.ID, d.in.Token)
	c.exempt = true
	ctx, cancel := context.WithTimeout(ctx, clickLimit)
	defer cancel()
	return d.s.rest.do(ctx, c, r, nil)
}

// hook is a request that an interaction's token permits.
func (s *Sink) hook(method, route, app, token string) call {
	c := fill(method, route, app, token)
	c.top, c.exempt = token, true // the limit hangs on the token
	return c
}

// insist makes a request that does no harm when repeated, until it succeeds,
// Discord refuses it for good, or ctx ends.
func (s *Sink) insist(ctx context.Context, c call, body, out any) error {
	wait := answerPause
	for attempt := 1; ; attempt++ {
		err := s.rest.do(ctx, c, body, out)
		e, ok := errors.AsType[*Error](err)
		if err == nil || !ok || attempt == answerAttempts || !e.passing() {
			return err
		}
		if pause(ctx, max(wait, e.After)) != nil {
			return err
		}
		wait *= 2
	}
}

// passing reports a failure that may be over by itself. A webhook is unknown
// until Discord has taken in the first response, which comes another way.
func (e *Error) passing() bool {
	return e.Code == codeUnknownWebhook && strings.HasPrefix(e.Route, "/webhooks/") || e.Held || e.Status == 0 || e.Status >= 500 || e.Status == 429
}
