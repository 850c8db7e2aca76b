package discord

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strings"
)

const (
	inboxSize = 512
	maxNames  = 10_000 // channels whose names are remembered
)

// packet is one gateway event as it came.
type packet struct {
	kind string
	data json.RawMessage
}

// heard are the events that mean something to us.
func heard(kind string) bool {
	switch kind {
	case "READY", "MESSAGE_CREATE", "GUILD_CREATE", "GUILD_DELETE", "GUILD_MEMBER_UPDATE",
		"GUILD_ROLE_CREATE", "GUILD_ROLE_UPDATE", "GUILD_ROLE_DELETE",
		"CHANNEL_CREATE", "CHANNEL_UPDATE", "CHANNEL_DELETE", "THREAD_UPDATE", "THREAD_DELETE", "MESSAGE_UPDATE":
		return true
	}
	return false
}

// arrived takes an event from the library. It never blocks: a full inbox drops,
// and says so; what was written meanwhile is read up. Interactions don't wait in
// line: people have three seconds.
func (g *gateway) arrived(ctx context.Context, l *link, kind string, data json.RawMessage) {
	if kind == "READY" || kind == "RESUMED" {
		defer l.greeted()
	}
	if kind == "INTERACTION_CREATE" && g.o.Commands != nil {
		if in, ok := decode(data); ok {
			g.receive(ctx, in, byCall{g.Sink, in})
		} else {
			g.log.Warn("gateway event not understood", "event", kind)
		}
		return
	}
	if !heard(kind) {
		return
	}
	select {
	case g.inbox <- packet{kind, data}:
	default:
		g.full.Store(true)
		g.log.Warn("gateway event dropped, too many at once", "event", kind)
	}
}

// consume works on events in their order until ctx ends.
func (g *gateway) consume(ctx context.Context) {
	c := consumer{Sink: g.Sink, known: map[string]bool{}, talk: g.talk, guilds: g.guilds}
	for {
		select {
		case p := <-g.inbox:
			c.take(ctx, p)
			if len(g.inbox) == 0 && g.full.Swap(false) {
				c.missed(ctx)
			}
		case <-ctx.Done():
			return
		}
	}
}

// consumer turns events into echoes, names and changes.
type consumer struct {
	*Sink
	known map[string]bool // guilds that the bot was in before their GUILD_CREATE
	talk  *talk

	guilds *registrar // nil: nobody keeps them
}

// flexText is a string that some servers write as a number.
type flexText string

// UnmarshalJSON implements json.Unmarshaler.
func (f *flexText) UnmarshalJSON(b []byte) error {
	var s string
	if err := json.Unmarshal(b, &s); err == nil {
		*f = flexText(s)
		return nil
	}
	*f = flexText(strings.Trim(string(b), `"`))
	return nil
}

// arrival holds what any of the events carries as far as we read it.
type arrival struct {
	ID          flexID   `json:"id"`
	GuildID     flexID   `json:"guild_id"`
	ChannelID   flexID   `json:"channel_id"`
	Name        string   `json:"name"`
	Nonce       flexText `json:"nonce"`
	Unavailable bool     `json:"unavailable"`
	Author      *person  `json:"author"`
	User        *person  `json:"user"`
	Guilds      []place  `json:"guilds"`
	Channels    []place  `json:"channels"`
	Threads     []place  `json:"threads"`
}

type person struct {
	ID flexID `json:"id"`
}

type place struct {
	ID   flexID `json:"id"`
	Name string `json:"name"`
}

// take handles one event. What can't be read is skipped.
func (c *consumer) take(ctx context.Context, p packet) {
	var a arrival
	if err := json.Unmarshal(p.data, &a); err != nil {
		c.log.Warn("gateway event not understood", "event", p.kind)
		return
	}
	switch p.kind {
	case "READY":
		c.readied(a)
	case "MESSAGE_CREATE":
		if self := c.me.Load(); self != nil && a.Author != nil && string(a.Author.ID) == *self && a.Nonce != "" {
			c.echoes.heard(string(a.Nonce), string(a.ID))
			return
		}
		c.said(ctx, p.data)
	case "MESSAGE_UPDATE":
		c.changed(ctx, p.data)
	case "GUILD_CREATE":
		c.arrived(ctx, a, p.data)
	case "GUILD_DELETE":
		if !a.Unavailable { // an outage is no goodbye
			delete(c.known, string(a.ID))
			c.guilds.hear(news{kind: newsGone, guild: string(a.ID)})
			c.tell(Change{Kind: Removed, Guild: string(a.ID)})
		}
	case "CHANNEL_DELETE", "THREAD_DELETE":
		c.tell(Change{Kind: Removed, Guild: string(a.GuildID), Channel: string(a.ID)})
	case "CHANNEL_CREATE", "CHANNEL_UPDATE", "THREAD_UPDATE":
		c.remember([]place{{ID: a.ID, Name: a.Name}})
		c.tell(Change{Kind: Altered, Guild: string(a.GuildID), Channel: string(a.ID)})
	case "GUILD_MEMBER_UPDATE":
		if self := c.me.Load(); self != nil && a.User != nil && string(a.User.ID) == *self {
			c.tell(Change{Kind: Altered, Guild: string(a.GuildID)})
		}
	case "GUILD_ROLE_CREATE", "GUILD_ROLE_UPDATE", "GUILD_ROLE_DELETE":
		c.forgetRulers(string(a.GuildID))
		c.tell(Change{Kind: Altered, Guild: string(a.GuildID)})
	}
}

// arrived takes a guild in that came into sight: one that the bot was added to, or
// one that it knows.
func (c *consumer) arrived(ctx context.Context, a arrival, data json.RawMessage) {
	c.remember(append(a.Channels, a.Threads...))
	id := string(a.ID)
	c.guild(ctx, id, data)
	change, told := Change{Kind: Joined, Guild: id}, news{kind: newsCame, guild: id, name: plain(a.Name, maxThreadName), create: data}
	if c.known[id] {
		change.Kind, told.kind = Altered, newsSeen
	}
	c.known[id] = true
	c.guilds.hear(told)
	c.tell(change)
}

// readied learns who we are and where we were before.
func (c *consumer) readied(a arrival) {
	if a.User != nil && a.User.ID != "" {
		id := string(a.User.ID)
		c.me.Store(&id)
	}
	if c.talk != nil {
		c.talk.broken() // no resume: something may have been written meanwhile
	}
	all := news{kind: newsAll}
	for _, g := range a.Guilds {
		c.known[string(g.ID)] = true
		all.guilds = append(all.guilds, string(g.ID))
	}
	c.guilds.hear(all)
}

// said hands a message on that may be an answer in a thread.
func (c *consumer) said(ctx context.Context, data json.RawMessage) {
	if c.o.Commands == nil || c.talk == nil {
		return
	}
	n, _ := parse(data)
	if m := readSpoken(n); m.human() && m.Guild != "" && !m.Outside {
		c.talk.hear(ctx, m.Channel, m.Guild, &m)
	}
}

// changed tells once a thread that what was sent on stays as it was.
func (c *consumer) changed(ctx context.Context, data json.RawMessage) {
	if c.o.Commands == nil || c.talk == nil {
		return
	}
	n, _ := parse(data)
	if m := readSpoken(n); m.human() && m.Edited && m.Guild != "" {
		c.talk.work.Go(func() { c.talk.edited(ctx, m) })
	}
}

// guild reads up a guild that has just come (back) into sight.
func (c *consumer) guild(ctx context.Context, id string, data json.RawMessage) {
	var g struct {
		Threads []spotted `json:"threads"`
	}
	if c.o.Commands == nil || c.talk == nil || json.Unmarshal(data, &g) != nil {
		return
	}
	c.talk.readUp(ctx, id, g.Threads)
}

// missed reads everything up after packets were dropped.
func (c *consumer) missed(ctx context.Context) {
	if c.o.Commands == nil {
		return
	}
	c.talk.broken()
	guilds := slices.Sorted(maps.Keys(c.known))
	c.talk.work.Go(func() { c.talk.readUpAll(ctx, guilds) })
}

// tell passes a change on to those who hold subscriptions.
func (s *Sink) tell(change Change) {
	s.log.Debug("discord place changed", "change", change.Kind.String(), "guild", change.Guild, "channel", change.Channel)
	if s.o.Watch != nil {
		s.o.Watch(change)
	}
}

// remember keeps the names of channels, for words to people.
func (s *Sink) remember(channels []place) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, ch := range channels {
		if _, known := s.names[string(ch.ID)]; known || len(s.names) < maxNames {
			s.names[string(ch.ID)] = plain(ch.Name, maxThreadName)
		}
	}
}
