package fakediscord

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"time"
)

// Channel types, docs "Channel Types".
const (
	ChannelText         = 0
	ChannelDM           = 1
	ChannelVoice        = 2
	ChannelCategory     = 4
	ChannelAnnouncement = 5
	threadAnnouncement  = 10
	threadPublic        = 11
	threadPrivate       = 12
	ChannelForum        = 15
)

// discordEpoch is the first millisecond of snowflakes.
const discordEpoch = 1420070400000

// world is what exists: people, guilds, channels, messages, files.
type world struct {
	bot      User
	lastID   uint64
	users    map[string]*User // by id
	guilds   map[string]*guild
	order    []string // guild ids as created
	channels map[string]*channel
	files    map[string]file   // by attachment id
	closed   map[string]bool   // users who take no DMs
	locales  map[string]string // by user, en-US where none
}

type guild struct {
	id, name      string
	owner         string
	systemChannel string
	locale        string // preferred, en-US where empty
	roles         []role
	members       map[string]*member // by user id
	joined        time.Time          // when the bot came
	present       bool               // the bot is a member
	outage        bool
}

type channel struct {
	channelWire
	guild    *guild
	parent   *channel
	messages []*Message // in order of id
}

func newWorld(bot User) world {
	w := world{
		bot:      bot,
		users:    map[string]*User{},
		guilds:   map[string]*guild{},
		channels: map[string]*channel{},
		files:    map[string]file{},
		closed:   map[string]bool{}, locales: map[string]string{},
	}
	w.users[bot.ID] = &bot
	return w
}

func (s *Server) bot() User {
	return User{ID: s.opts.ApplicationID, Username: s.opts.BotName, Discriminator: "4242", Bot: true}
}

// newID is a snowflake of the instant t, larger than every one before.
func (w *world) newID(t time.Time) string {
	w.lastID = max(w.lastID+1, snowflakeAt(t))
	return strconv.FormatUint(w.lastID, 10)
}

// snowflakeAt is the smallest id of the instant t.
func snowflakeAt(t time.Time) uint64 {
	return uint64(max(t.UnixMilli()-discordEpoch, 0)) << 22
}

// idLess orders ids as numbers.
func idLess(a, b string) bool {
	if len(a) != len(b) {
		return len(a) < len(b)
	}
	return a < b
}

func (c *channel) isThread() bool { return c.Metadata != nil }

// holdsMessages says whether messages can be sent there.
func (c *channel) holdsMessages() bool {
	return c.Type != ChannelCategory && c.Type != ChannelForum
}

func (c *channel) message(id string) *Message {
	i := slices.IndexFunc(c.messages, func(m *Message) bool { return m.ID == id })
	if i < 0 {
		return nil
	}
	return c.messages[i]
}

func (c *channel) add(m *Message) {
	c.messages = append(c.messages, m)
	c.LastMessage = &m.ID
	if c.isThread() {
		c.MessageCount = new(*c.MessageCount + 1)
	}
}

func (c *channel) remove(id string) {
	c.messages = slices.DeleteFunc(c.messages, func(m *Message) bool { return m.ID == id })
}

// wire is the channel as the API gives it.
func (c *channel) wire() *channelWire {
	out := c.channelWire
	return &out
}

// guildID is the id of the channel's guild, empty for a DM.
func (c *channel) guildID() string {
	if c.guild == nil {
		return ""
	}
	return c.guild.id
}

// person finds or makes the user of that name.
func (s *Server) person(name string) *User {
	for _, u := range s.world.users {
		if u.Username == name {
			return u
		}
	}
	u := &User{ID: s.world.newID(s.now()), Username: name, GlobalName: new(name), Discriminator: "0"}
	s.world.users[u.ID] = u
	return u
}

func (g *guild) wire(channels []*channelWire) map[string]any {
	out := map[string]any{
		"id": g.id, "name": g.name, "owner_id": g.owner, "roles": g.roles, "icon": nil,
		"features": []string{}, "emojis": []any{}, "preferred_locale": cmp.Or(g.locale, "en-US"), "verification_level": 0,
		"system_channel_id": nil, "system_channel_flags": 0,
	}
	if g.systemChannel != "" {
		out["system_channel_id"] = g.systemChannel
	}
	if channels != nil {
		out["channels"] = channels
	}
	return out
}

// inOrder gives all channels by id, which is the order of creation.
func (w *world) inOrder() []*channel {
	return slices.SortedFunc(maps.Values(w.channels), func(a, b *channel) int {
		if idLess(a.ID, b.ID) {
			return -1
		}
		return 1
	})
}
