package discord

import (
	"context"
	"encoding/json"
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
		"CHANNEL_CREATE", "CHANNEL_UPDATE", "CHANNEL_DELETE", "THREAD_UPDATE", "THREAD_DELETE":
		return true
	}
	return false
}

// arrived takes an event from the library. It never blocks: a full inbox drops,
// and says so.
func (g *gateway) arrived(l *link, kind string, data json.RawMessage) {
	if kind == "READY" || kind == "RESUMED" {
		defer l.greeted()
	}
	if !heard(kind) {
		return
	}
	select {
	case g.inbox <- packet{kind, data}:
	default:
		g.log.Warn("gateway event dropped, too many at once", "event", kind)
	}
}

// consume works on events in their order until ctx ends.
func (g *gateway) consume(ctx context.Context) {
	c := consumer{Sink: g.Sink, known: map[string]bool{}}
	for {
		select {
		case p := <-g.inbox:
			c.take(p)
		case <-ctx.Done():
			return
		}
	}
}

// consumer turns events into echoes, names and changes.
type consumer struct {
	*Sink
	known map[string]bool // guilds that the bot was in before their GUILD_CREATE
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
func (c *consumer) take(p packet) {
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
		}
	case "GUILD_CREATE":
		c.remember(append(a.Channels, a.Threads...))
		kind := Joined
		if c.known[string(a.ID)] {
			kind = Altered
		}
		c.known[string(a.ID)] = true
		c.tell(Change{Kind: kind, Guild: string(a.ID)})
	case "GUILD_DELETE":
		if !a.Unavailable { // an outage is no goodbye
			delete(c.known, string(a.ID))
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
		c.tell(Change{Kind: Altered, Guild: string(a.GuildID)})
	}
}

// readied learns who we are and where we were before.
func (c *consumer) readied(a arrival) {
	if a.User != nil && a.User.ID != "" {
		id := string(a.User.ID)
		c.me.Store(&id)
	}
	for _, g := range a.Guilds {
		c.known[string(g.ID)] = true
	}
}

func (c *consumer) tell(change Change) {
	c.log.Debug("discord place changed", "change", change.Kind.String(), "guild", change.Guild, "channel", change.Channel)
	if c.o.Watch != nil {
		c.o.Watch(change)
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
