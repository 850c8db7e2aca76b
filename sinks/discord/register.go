package discord

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"slices"
	"time"
)

const (
	routeCommands = "/applications/{application}/commands"

	registerRetry = 10 * time.Second
	registerLast  = 10 * time.Minute
	registerLook  = 10 * time.Second // between two looks whether other commands are wanted: an agent more or less
	registerKnow  = 10 * time.Second // the longest that the first of them waits for all agents to be known
	knowLook      = 50 * time.Millisecond
)

// keepCommands registers the application's commands, and again when the table's
// options change because agents came or went. Only the owner of the gateway does.
func (s *Sink) keepCommands(ctx context.Context) {
	s.untilSettled(ctx)
	var done []byte
	for wait := registerRetry; ctx.Err() == nil; {
		want := appCommands(s.table, s.several(""))
		form, err := json.Marshal(want)
		if err == nil && !bytes.Equal(form, done) {
			err = s.register(ctx, want)
		}
		if err == nil {
			done, wait = form, registerRetry
			_ = pause(ctx, registerLook) // the loop looks at ctx
			continue
		}
		if ctx.Err() != nil {
			return
		}
		s.log.Warn("commands not registered; the old ones stay", "err", err, "retry_in", wait)
		_ = pause(ctx, wait) // the loop looks at ctx
		wait = min(2*wait, registerLast)
	}
}

// untilSettled waits a little until it is known who reaches which agents: a program
// that starts would else take options away from everybody, to bring them back
// at its next look.
func (s *Sink) untilSettled(ctx context.Context) {
	if s.o.Settled == nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, registerKnow)
	defer cancel()
	for !s.o.Settled() && pause(ctx, knowLook) == nil {
	}
}

// several reports that a guild, or for "" the whole bridge, has more than one agent.
func (s *Sink) several(guild string) bool {
	return s.o.Agents != nil && len(s.o.Agents(guild)) > 1
}

// register makes the registered commands those that are wanted: one reading, and
// one overwriting of all where they differ.
func (s *Sink) register(ctx context.Context, want []appCommand) error {
	app, err := s.application(ctx)
	if err != nil {
		return err
	}
	c := fill("GET", routeCommands, app)
	c.path += "?with_localizations=true"
	var have []registered
	if err := s.rest.do(ctx, c, nil, &have); err != nil {
		return err
	}
	if sameCommands(bare(have), want) {
		s.keepIDs(have)
		return nil
	}
	if err := s.rest.do(ctx, fill("PUT", routeCommands, app), want, &have); err != nil {
		return err
	}
	s.keepIDs(have)
	s.log.Info("commands registered", "commands", len(want))
	return nil
}

// registered is a command as Discord gives it back.
type registered struct {
	appCommand

	ID flexID `json:"id"`
}

func bare(list []registered) []appCommand {
	out := make([]appCommand, 0, len(list))
	for _, r := range list {
		out = append(out, r.appCommand)
	}
	return out
}

// keepIDs remembers the commands' ids, for words that can be clicked.
func (s *Sink) keepIDs(list []registered) {
	ids := map[string]string{}
	for _, r := range list {
		ids[r.Name] = string(r.ID)
	}
	s.commandIDs.Store(&ids)
}

// application is the application's id, asked for once; so the first answer also
// tells Discord's time.
func (s *Sink) application(ctx context.Context) (string, error) {
	if id := s.app.Load(); id != nil && s.rest.skew.Load() != 0 {
		return *id, nil
	}
	var app struct {
		ID flexID `json:"id"`
	}
	if err := s.rest.do(ctx, fill("GET", "/applications/@me"), nil, &app); err != nil {
		return "", err
	}
	if app.ID == "" {
		return "", errors.New("the application has no id")
	}
	s.app.Store(new(string(app.ID)))
	return string(app.ID), nil
}

// sameCommands compares what counts, in any order. What Discord adds (ids,
// versions) was left out by decoding.
func sameCommands(a, b []appCommand) bool {
	canon := func(list []appCommand) []byte {
		list = slices.Clone(list)
		slices.SortFunc(list, func(x, y appCommand) int {
			return cmp.Or(cmp.Compare(x.Type, y.Type), cmp.Compare(x.Name, y.Name))
		})
		out, err := json.Marshal(list)
		if err != nil {
			return nil
		}
		return out
	}
	one, other := canon(a), canon(b)
	return one != nil && bytes.Equal(one, other)
}
