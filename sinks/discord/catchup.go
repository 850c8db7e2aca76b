package discord

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/imaginebridge/imaginebridge/bridge/command"
)

const (
	routeActive = "/guilds/{guild}/threads/active"
	routeGuild  = "/guilds/{guild}"
	routeMember = "/guilds/{guild}/members/{user}"

	awayFor      = 24 * time.Hour // of silence that is read up
	maxReadUp    = 100            // threads of one guild
	maxPerThread = 100            // messages of one thread
	guildFresh   = 5 * time.Minute
)

// spotted is a thread as a guild lists it.
type spotted struct {
	ID   flexID `json:"id"`
	Last flexID `json:"last_message_id"`
}

// readUp looks for what was written while nobody listened: in the newest threads
// of a guild with messages of the last day.
func (t *talk) readUp(ctx context.Context, guild string, threads []spotted) {
	oldest := time.Now().Add(t.rest.ahead() - awayFor)
	threads = slices.DeleteFunc(slices.Clone(threads), func(s spotted) bool {
		return s.Last == "" || timeOf(string(s.Last)).Before(oldest)
	})
	slices.SortFunc(threads, func(a, b spotted) int { return b.Last.compare(a.Last) })
	for _, s := range threads[:min(len(threads), maxReadUp)] {
		t.hear(ctx, string(s.ID), guild, nil)
	}
}

// readUpAll does so for guilds whose events were dropped.
func (t *talk) readUpAll(ctx context.Context, guilds []string) {
	for _, g := range guilds {
		var active struct {
			Threads []spotted `json:"threads"`
		}
		if err := t.insist(ctx, fill("GET", routeActive, g), nil, &active); err != nil {
			t.log.Warn("threads not read up", "guild", g, "err", err)
			continue
		}
		t.readUp(ctx, g, active.Threads)
	}
}

// catchUp carries out what was written in a thread after the watermark.
func (t *talk) catchUp(ctx context.Context, thread, guild string, about subject) {
	var seen string
	if !t.persist(ctx, thread, func() (err error) { seen, err = t.watermark(ctx, thread); return err }) {
		return
	}
	// An empty beginning of a day ago keeps long silence from being replayed.
	if day := flexID(snowflakeAt(time.Now().Add(t.rest.ahead() - awayFor))); day.compare(flexID(seen)) > 0 {
		seen = string(day)
	}
	c := fill("GET", routeMessages, thread)
	c.path += "?limit=100&after=" + seen
	var page []json.RawMessage
	read := t.persist(ctx, thread, func() error {
		err := t.insist(ctx, c, nil, &page)
		if e, ok := errors.AsType[*Error](err); ok && !e.passing() {
			t.log.Warn("thread can't be read up", "thread", thread, "err", err)
			return nil
		}
		return err
	})
	if !read {
		return
	}
	var list []spoken
	for _, raw := range page[:min(len(page), maxPerThread)] {
		if n, ok := parse(raw); ok {
			m := readSpoken(n)
			m.Channel, m.Guild = thread, guild
			list = append(list, m)
		}
	}
	slices.SortFunc(list, func(a, b spoken) int { return flexID(a.ID).compare(flexID(b.ID)) })
	for _, m := range list {
		if ctx.Err() != nil {
			return
		}
		t.consider(ctx, about, m)
	}
}

// writer is who wrote a message, with the rights that the guild gives.
func (s *Sink) writer(ctx context.Context, m spoken) command.Principal {
	p := command.Principal{Platform: command.Discord, Workspace: m.Guild, User: m.User.ID, Name: m.User.Name, Roles: m.User.Roles, Manages: m.User.Manages}
	if m.Guild == "" || p.Manages {
		return p
	}
	if !m.Member {
		var member struct {
			Roles []flexID `json:"roles"`
		}
		if err := s.insist(ctx, fill("GET", routeMember, m.Guild, m.User.ID), nil, &member); err == nil {
			p.Roles = nil
			for _, r := range member.Roles {
				p.Roles = append(p.Roles, string(r))
			}
		}
	}
	p.Manages = s.manages(ctx, m.Guild, m.User.ID, p.Roles)
	return p
}

// rulers knows who manages a guild.
type rulers struct {
	mu     sync.Mutex
	guilds map[string]ruled
}

type ruled struct {
	at    time.Time
	Owner flexID `json:"owner_id"`
	Roles []role `json:"roles"`
}

// manages reports a member who owns the guild or has a role that manages it.
func (s *Sink) manages(ctx context.Context, guild, user string, roles []string) bool {
	s.rulers.mu.Lock()
	g, ok := s.rulers.guilds[guild]
	s.rulers.mu.Unlock()
	if !ok || time.Since(g.at) > guildFresh {
		if err := s.insist(ctx, fill("GET", routeGuild, guild), nil, &g); err != nil {
			s.log.Warn("roles of a server not known", "guild", guild, "err", err)
			return false
		}
		g.at = time.Now()
		s.rulers.mu.Lock()
		if s.rulers.guilds == nil || len(s.rulers.guilds) >= maxNames {
			s.rulers.guilds = map[string]ruled{}
		}
		s.rulers.guilds[guild] = g
		s.rulers.mu.Unlock()
	}
	if string(g.Owner) == user {
		return true
	}
	for _, r := range g.Roles {
		mine := string(r.ID) == guild || slices.Contains(roles, string(r.ID))
		if mine && managing(uint64(r.Permissions)) {
			return true
		}
	}
	return false
}

// forgetRulers is for a guild whose roles changed.
func (s *Sink) forgetRulers(guild string) {
	s.rulers.mu.Lock()
	defer s.rulers.mu.Unlock()
	delete(s.rulers.guilds, guild)
}
