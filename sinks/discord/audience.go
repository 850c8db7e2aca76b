package discord

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/imaginebridge/imaginebridge/bridge"
)

// mentionRoles lets a bot call roles that not everybody may call (docs, "Bitwise
// Permission Flags", MENTION_EVERYONE).
var mentionRoles = permission{1 << 17, "Mention All Roles"}

// maxCalls is the room that the mentions of a message take in its text: five at
// most, of ids with at most twenty digits.
const maxCalls = 5 * len("<@&> 01234567890123456789")

// calling adds whom a new message calls: their names stand before everything else,
// and allowed_mentions lists exactly them, so that nothing that anybody wrote can
// call anyone. Who is called is told by a push.
func (b createBody) calling(who []bridge.Mention) createBody {
	var names []string
	for _, m := range who {
		switch {
		case !isSnowflake(m.ID):
		case m.Kind == bridge.MentionRole:
			names, b.AllowedMentions.Roles = append(names, "<@&"+m.ID+">"), append(b.AllowedMentions.Roles, m.ID)
		case m.Kind == bridge.MentionUser:
			names, b.AllowedMentions.Users = append(names, "<@"+m.ID+">"), append(b.AllowedMentions.Users, m.ID)
		}
	}
	if len(names) == 0 {
		return b
	}
	b.Content = strings.TrimSpace(strings.Join(names, " ") + "\n" + b.Content)
	b.Flags &^= flagNoPush
	return b
}

// CheckAudience looks whether those whom a subscription mentions can be mentioned
// in a channel, and says where not.
func (s *Sink) CheckAudience(ctx context.Context, channel string, who []bridge.Mention) []Finding {
	c := &checkup{Sink: s, guilds: map[flexID]*guildView{}}
	if len(who) == 0 || !isSnowflake(channel) || !c.identity(ctx) {
		return nil
	}
	c.found = nil // who we are was told before
	var v channelView
	if err := c.get(ctx, &v, "/channels/{channel}", channel); err != nil {
		c.unseen(channel, err)
		return c.found
	}
	for _, m := range who {
		if m.Kind == bridge.MentionRole {
			c.callsRole(ctx, v, m.ID)
		} else {
			c.callsUser(ctx, v, m.ID)
		}
	}
	return c.found
}

const audienceSubject = "discord audience"

func (c *checkup) callsRole(ctx context.Context, v channelView, id string) {
	g := c.guild(ctx, v.GuildID)
	if g.err != nil {
		c.unanswered(audienceSubject, g.err)
		return
	}
	i := slices.IndexFunc(g.roles, func(r role) bool { return string(r.ID) == id })
	switch {
	case id == string(v.GuildID):
		c.add(Failure, audienceSubject, "@everyone is no audience.", "Name a role that people choose to have.")
	case i < 0:
		c.add(Failure, audienceSubject, "There is no role "+id+" in this server.", "Copy it anew: Server settings → Roles → … → Copy Role ID.")
	case !g.roles[i].Mentionable && permissionsIn(v.GuildID, c.me, g.mine, g.roles, v.Overwrites)&mentionRoles.bit == 0:
		name := plain(g.roles[i].Name, maxLabel)
		c.add(Warning, audienceSubject, fmt.Sprintf("I may not mention the role %s: it is shown, and nobody is called.", name),
			fmt.Sprintf("Server settings → Roles → %s → Allow anyone to @mention this role.", name))
	default:
		c.add(Fine, audienceSubject, "the role "+plain(g.roles[i].Name, maxLabel)+" can be mentioned", "")
	}
}

func (c *checkup) callsUser(ctx context.Context, v channelView, id string) {
	if v.Type == dmChannel {
		return
	}
	err := c.get(ctx, nil, "/guilds/{guild}/members/{user}", string(v.GuildID), id)
	e, ok := errors.AsType[*Error](err)
	switch {
	case err == nil:
		c.add(Fine, audienceSubject, "the member "+id+" can be mentioned", "")
	case ok && e.Status == http.StatusNotFound:
		c.add(Failure, audienceSubject, "Nobody with the id "+id+" is in this server.", "In Discord: Settings → Advanced → Developer Mode, then right-click the person → Copy User ID.")
	default:
		c.unanswered(audienceSubject, err)
	}
}
