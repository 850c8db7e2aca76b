package discord

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// Types of channels (docs, "Channel Types").
const (
	textChannel         = 0
	dmChannel           = 1
	announcementChannel = 5
	announcementThread  = 10
	publicThread        = 11
	privateThread       = 12
)

// kinds names the types that can't be a destination.
var kinds = map[int]string{2: "a voice channel", 3: "a group", 4: "a category", 13: "a stage", 14: "a directory", 15: "a forum", 16: "a media channel"}

// channelView is a channel as a check needs it.
type channelView struct {
	ID         flexID      `json:"id"`
	Type       int         `json:"type"`
	GuildID    flexID      `json:"guild_id"`
	ParentID   flexID      `json:"parent_id"`
	Name       string      `json:"name"`
	Overwrites []overwrite `json:"permission_overwrites"`
	Metadata   struct {
		Locked bool `json:"locked"`
	} `json:"thread_metadata"`
}

func (v channelView) isThread() bool {
	return v.Type == announcementThread || v.Type == publicThread || v.Type == privateThread
}

// guildView is what permissions of a guild are computed from.
type guildView struct {
	roles []role
	mine  []flexID
	err   error
}

// channel checks one destination.
func (c *checkup) channel(ctx context.Context, id string) {
	if !isSnowflake(id) {
		c.add(Failure, "discord:"+short(id), "Discord needs the channel's number, not its name.",
			"In Discord: Settings → Advanced → Developer Mode, then right-click the channel → Copy Channel ID.")
		return
	}
	var v channelView
	if err := c.get(ctx, &v, "/channels/{channel}", id); err != nil {
		c.unseen(id, err)
		return
	}
	c.remember([]place{{ID: v.ID, Name: v.Name}})
	name := c.place(id)
	if kind, bad := kinds[v.Type]; bad {
		c.add(Failure, name, fmt.Sprintf("It is %s, which takes no messages of this kind.", kind), "Choose a text or announcement channel, or a thread.")
		return
	}
	if v.Type == dmChannel {
		c.add(Fine, name, "a direct message channel", "")
		return
	}
	rules := v.Overwrites
	if v.isThread() {
		var parent channelView
		if err := c.get(ctx, &parent, "/channels/{channel}", string(v.ParentID)); err != nil {
			c.unseen(string(v.ParentID), err)
			return
		}
		rules = parent.Overwrites
		if v.Metadata.Locked {
			c.add(Failure, name, "This thread is locked.", "Unlock it: right-click the thread → Unlock Thread.")
			return
		}
	}
	g := c.guild(ctx, v.GuildID)
	if g.err != nil {
		c.unanswered(name, g.err)
		return
	}
	c.permissions(name, v, permissionsIn(v.GuildID, c.me, g.mine, g.roles, rules))
}

// permissions names what is missing: what every message needs is a failure,
// what threads need a warning.
func (c *checkup) permissions(name string, v channelView, have uint64) {
	click := "Channel settings → Permissions → ImagineBridge."
	needed, useful := []permission{sendMessages, embedLinks}, []permission{readHistory, publicThreads, sendInThreads}
	if v.isThread() {
		needed, useful = []permission{sendInThreads, embedLinks}, []permission{readHistory}
	}
	if gone := lacking(have, needed...); len(gone) > 0 {
		c.add(Failure, name, fmt.Sprintf("In %s I may not: %s.", name, strings.Join(gone, ", ")), click)
		return
	}
	if gone := lacking(have, useful...); len(gone) > 0 {
		effect := "Conversations get no thread of their own."
		if len(gone) == 1 && gone[0] == readHistory.name {
			effect = "After a lost answer I can't look whether a message arrived, and may repeat it."
		}
		c.add(Warning, name, fmt.Sprintf("In %s I may not: %s. %s", name, strings.Join(gone, ", "), effect), click)
		return
	}
	c.add(Fine, name, "all permissions", "")
}

// unseen is the finding of a channel that can't be read.
func (c *checkup) unseen(id string, err error) {
	name := c.place(id)
	e, ok := errors.AsType[*Error](err)
	switch {
	case ok && e.Code == codeUnknownChannel:
		c.add(Failure, name, "There is no such channel, or it was deleted.", "Choose another: right-click the channel → Copy Channel ID.")
	case ok && e.Code == codeMissingAccess:
		c.add(Failure, name, fmt.Sprintf("In %s I may not: %s.", name, viewChannel.name),
			"Invite the bot to that server, or Channel settings → Permissions → ImagineBridge.")
	default:
		c.unanswered(name, err)
	}
}

// guild reads roles and membership once for each guild.
func (c *checkup) guild(ctx context.Context, id flexID) *guildView {
	if g := c.guilds[id]; g != nil {
		return g
	}
	g := &guildView{}
	c.guilds[id] = g
	if g.err = c.get(ctx, &g.roles, "/guilds/{guild}/roles", string(id)); g.err != nil {
		return g
	}
	var member struct {
		Roles []flexID `json:"roles"`
	}
	g.err = c.get(ctx, &member, "/guilds/{guild}/members/{user}", string(id), string(c.me))
	g.mine = member.Roles
	return g
}

// CheckChannel is Check for one channel alone.
func (s *Sink) CheckChannel(ctx context.Context, id string) []Finding {
	c := &checkup{Sink: s, guilds: map[flexID]*guildView{}}
	if c.identity(ctx) {
		c.channel(ctx, id)
	}
	return c.found
}
