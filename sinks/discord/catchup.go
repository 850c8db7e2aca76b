package discord

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/imaginebridge/imaginebridge/bridge/command"
)

const (
	routeActive = "/guilds/{guild}/threads/active"
	routeGuild  = "/guilds/{guild}"
	routeMember = "/guilds/{guild}/members/{user}"

	awayFor     = 24 * time.Hour // of silence that is read up
	maxReadUp   = 100            // threads of one guild
	maxPages    = 10             // of messages of one thread
	guildFresh  = 5 * time.Minute
	memberFresh = time.Minute // a role may have been taken away
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
	var after string
	if !t.persist(ctx, thread, func() (err error) { after, err = t.watermark(ctx, thread); return err }) {
		return
	}
	// What is older than a day is not sent any more.
	if day := flexID(snowflakeAt(time.Now().Add(t.rest.ahead() - awayFor))); day.compare(flexID(after)) > 0 {
		after = string(day)
	}
	for range maxPages {
		page := t.page(ctx, thread, after)
		for _, m := range page {
			if ctx.Err() != nil {
				return
			}
			m.Channel, m.Guild, after = thread, guild, m.ID
			t.consider(ctx, about, m)
		}
		if len(page) < lookPage {
			return
		}
	}
}

// page reads the messages of a thread after one, oldest first; none where they
// can't be read.
func (t *talk) page(ctx context.Context, thread, after string) []spoken {
	c := fill("GET", routeMessages, thread)
	c.path += "?limit=100&after=" + after
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
		return nil
	}
	var out []spoken
	for _, raw := range page {
		if n, ok := parse(raw); ok && n.at("id").id() != "" {
			out = append(out, readSpoken(n))
		}
	}
	slices.SortFunc(out, func(a, b spoken) int { return flexID(a.ID).compare(flexID(b.ID)) })
	return out
}

// writer is who wrote a message, with the rights that the guild gives.
func (s *Sink) writer(ctx context.Context, m spoken) command.Principal {
	p := command.Principal{Platform: command.Discord, Workspace: m.Guild, User: m.User.ID, Name: m.User.Name, Roles: m.User.Roles, Manages: m.User.Manages}
	if m.Guild == "" || p.Manages {
		return p
	}
	if !m.Member {
		p.Roles = s.rolesOf(ctx, m.Guild, m.User.ID)
	}
	p.Manages = s.manages(ctx, m.Guild, m.User.ID, p.Roles)
	return p
}

// rolesOf asks for a member's roles; none where they can't be learned.
func (s *Sink) rolesOf(ctx context.Context, guild, user string) []string {
	key := guild + " " + user
	s.rulers.mu.Lock()
	known, ok := s.rulers.members[key]
	s.rulers.mu.Unlock()
	if ok && time.Since(known.at) < memberFresh {
		return known.roles
	}
	var answer struct {
		Roles []flexID `json:"roles"`
	}
	if err := s.insist(ctx, fill("GET", routeMember, guild, user), nil, &answer); err != nil {
		s.log.Warn("roles of a member not known", "guild", guild, "err", err)
		return nil
	}
	known = membership{at: time.Now()}
	for _, r := range answer.Roles {
		known.roles = append(known.roles, string(r))
	}
	s.rulers.mu.Lock()
	defer s.rulers.mu.Unlock()
	if s.rulers.members == nil || len(s.rulers.members) >= maxNames {
		s.rulers.members = map[string]membership{}
	}
	s.rulers.members[key] = known
	return known.roles
}

// rulers knows who manages a guild.
type rulers struct {
	mu      sync.Mutex // guards all below
	guilds  map[string]ruled
	members map[string]membership // guild and user → roles
}

type membership struct {
	at    time.Time
	roles []string
}

type ruled struct {
	at    time.Time
	Owner flexID `json:"owner_id"`
	Roles []role `json:"roles"`
}

// ruled asks who rules a guild. It reports whether that is known.
func (s *Sink) ruled(ctx context.Context, guild string) (ruled, bool) {
	s.rulers.mu.Lock()
	g, ok := s.rulers.guilds[guild]
	s.rulers.mu.Unlock()
	if ok && time.Since(g.at) <= guildFresh {
		return g, true
	}
	if err := s.insist(ctx, fill("GET", routeGuild, guild), nil, &g); err != nil {
		s.log.Warn("roles of a server not known", "guild", guild, "err", err)
		return ruled{}, false
	}
	g.at = time.Now()
	s.rulers.mu.Lock()
	defer s.rulers.mu.Unlock()
	if s.rulers.guilds == nil || len(s.rulers.guilds) >= maxNames {
		s.rulers.guilds = map[string]ruled{}
	}
	s.rulers.guilds[guild] = g
	return g, true
}

// RoleName is how a server calls one of its roles, "@Agent-Team"; "" where that is
// not known within a second.
func (s *Sink) RoleName(ctx context.Context, guild, id string) string {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	g, _ := s.ruled(ctx, guild)
	for _, r := range g.Roles {
		if string(r.ID) == id && r.Name != "" {
			return "@" + strings.TrimPrefix(r.Name, "@")
		}
	}
	return ""
}

// manages reports a member who owns the guild or has a role that manages it.
func (s *Sink) manages(ctx context.Context, guild, user string, roles []string) bool {
	g, ok := s.ruled(ctx, guild)
	if !ok {
		return false
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
