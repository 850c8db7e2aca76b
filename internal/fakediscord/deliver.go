package fakediscord

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"
)

// ErrNoResponse is what a person reads as "The application did not respond".
var ErrNoResponse = errors.New("the application did not respond")

// Disturbance is what goes wrong with interactions on their way.
type Disturbance struct {
	Twice bool          // delivered twice
	Late  time.Duration // delivered late
	Lost  bool          // not delivered
	// UserInstalled makes it come from a person's own installation: the bot is
	// none of the guild's, and follow-ups are capped at five.
	UserInstalled bool
	Times         int // for so many interactions; 0: for ever
}

// Disturb puts a disturbance to work, in place of the one before.
func (s *Server) Disturb(d Disturbance) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if d.Times == 0 {
		d.Times = -1
	}
	s.calls.trouble = d
}

// begun makes an interaction and sends it to the application.
func (s *Server) begun(user string, ch *channel, kind int, source *Message, data any) *Interaction {
	now := s.now()
	in := &Interaction{
		server: s, id: s.world.newID(now), token: rand.Text() + rand.Text(), kind: kind, at: now,
		user: s.person(user), channel: ch, source: source,
		answered: make(chan struct{}), settled: make(chan struct{}),
	}
	s.calls.byID[in.id], s.calls.byToken[in.token] = in, in
	d := s.calls.trouble
	if d.Times == 0 {
		d = Disturbance{}
	} else {
		s.calls.trouble.Times--
	}
	in.userOnly = d.UserInstalled
	payload := s.payload(in, data)
	if d.Lost {
		return in
	}
	s.tasks.Go(func() {
		if d.Late > 0 {
			s.pause(d.Late)
		}
		s.deliver(in, payload)
		if d.Twice {
			s.deliver(in, payload)
		}
	})
	return in
}

// deliver sends an interaction by HTTP where the application has an endpoint,
// else to the gateway.
func (s *Server) deliver(in *Interaction, payload map[string]any) {
	s.mu.Lock()
	door := s.calls.door
	if door == "" {
		for _, ses := range s.gateway.sessions {
			if ses.carries(in.channel.guild) {
				s.dispatch(ses, "INTERACTION_CREATE", payload)
			}
		}
	}
	s.mu.Unlock()
	if door != "" {
		s.knock(in, door, jsonOf(payload))
	}
}

// payload is the interaction object, docs "Interaction Object".
func (s *Server) payload(in *Interaction, data any) map[string]any {
	ch := in.channel
	out := map[string]any{
		"id": in.id, "application_id": s.opts.ApplicationID, "type": in.kind, "token": in.token, "version": 1,
		"channel_id": ch.ID, "channel": map[string]any{
			"id": ch.ID, "type": ch.Type, "name": ch.Name, "guild_id": ch.guildID(), "parent_id": ch.ParentID, "permissions": bits(everybody),
		},
		"locale": cmp.Or(s.world.locales[in.user.ID], "en-US"), "app_permissions": bits(s.permissions(ch)), "attachment_size_limit": s.opts.FileLimit,
		"entitlements": []any{}, "context": 0, "data": data,
	}
	owners := map[string]string{"0": "0"}
	if ch.guild == nil {
		out["context"], out["user"] = 1, in.user
	} else {
		m := s.join(ch.guild, in.user)
		owners["0"] = ch.guild.id
		out["guild_id"], out["guild_locale"] = ch.guild.id, cmp.Or(ch.guild.locale, "en-US")
		out["guild"] = map[string]any{"id": ch.guild.id, "locale": cmp.Or(ch.guild.locale, "en-US"), "features": []string{}}
		out["member"] = struct {
			member
			User        *User  `json:"user"`
			Permissions string `json:"permissions"`
		}{*m, in.user, bits(m.may)}
	}
	if in.userOnly {
		owners = map[string]string{"1": in.user.ID}
	}
	out["authorizing_integration_owners"] = owners
	if in.source != nil {
		out["message"] = s.present(in.source)
	}
	return out
}

// Response is the first answer to an interaction.
type Response struct {
	Type    int      // docs "Interaction Callback Type"
	Choices []Choice // of a completion
	Modal   *Modal   // of type 9
	Message *Message // of types 4 to 7, as it is now
}

// ID is the interaction's id.
func (i *Interaction) ID() string { return i.id }

// Token is the interaction's token, for tests that look for leaks.
func (i *Interaction) Token() string { return i.token }

// Response waits for the first answer, for Options.AnswerWithin at most; then
// it gives [ErrNoResponse].
func (i *Interaction) Response(ctx context.Context) (Response, error) {
	if err := i.until(ctx, i.answered, i.server.opts.AnswerWithin+100*time.Millisecond); err != nil {
		return Response{}, err
	}
	return i.state(), nil
}

// Settled waits until the answer is no longer "is thinking", for as long as ctx
// lets it.
func (i *Interaction) Settled(ctx context.Context) (Response, error) {
	if _, err := i.Response(ctx); err != nil {
		return Response{}, err
	}
	if err := i.until(ctx, i.settled, tokenLife); err != nil {
		return Response{}, fmt.Errorf("still thinking: %w", err)
	}
	return i.state(), nil
}

func (i *Interaction) until(ctx context.Context, done <-chan struct{}, limit time.Duration) error {
	t := time.NewTimer(limit)
	defer t.Stop()
	select {
	case <-done:
		return nil
	case <-t.C:
		return ErrNoResponse
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (i *Interaction) state() Response {
	s := i.server
	s.mu.Lock()
	defer s.mu.Unlock()
	out := Response{Type: i.response, Choices: i.choices, Modal: i.modal}
	if i.original != nil {
		out.Message = s.present(i.original)
	}
	return out
}
