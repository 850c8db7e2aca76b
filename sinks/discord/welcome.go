package discord

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strconv"
	"time"

	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/internal/language"
)

// setupID is the button of a welcome. It holds nothing, so that it works for ever.
const setupID = pressPrefix + "setup"

// timeless is what of an id tells guilds apart for their shard.
func timeless(id string) uint64 {
	n, err := strconv.ParseUint(id, 10, 64)
	if err != nil {
		return 0
	}
	return n >> 22
}

// hall is a guild as GUILD_CREATE tells it, as far as a welcome needs it.
type hall struct {
	System   flexID `json:"system_channel_id"`
	Locale   string `json:"preferred_locale"`
	Roles    []role `json:"roles"`
	Channels []struct {
		channelView

		Position int `json:"position"`
	} `json:"channels"`
	Members []struct {
		User  person   `json:"user"`
		Roles []flexID `json:"roles"`
	} `json:"members"`
}

// writable lists the channels that a member of the guild may write in: that of the
// system's messages first, then the others as people see them.
func (h hall) writable(guild, member flexID) []string {
	var mine []flexID
	for _, m := range h.Members {
		if m.User.ID == member {
			mine = m.Roles
		}
	}
	slices.SortStableFunc(h.Channels, func(a, b struct {
		channelView

		Position int `json:"position"`
	},
	) int {
		first := func(id flexID) int {
			if id == h.System {
				return 0
			}
			return 1
		}
		return cmp.Or(cmp.Compare(first(a.ID), first(b.ID)), cmp.Compare(a.Position, b.Position), a.ID.compare(b.ID))
	})
	var out []string
	for _, c := range h.Channels {
		if c.Type != textChannel && c.Type != announcementChannel {
			continue
		}
		if have := permissionsIn(guild, member, mine, h.Roles, c.Overwrites); len(lacking(have, sendMessages)) == 0 {
			out = append(out, string(c.ID))
		}
	}
	return out
}

// welcome greets a guild, once for ever: who stores that it was done does it, so
// that of several processes one does, and a crash between the two greets nobody.
// Where the bot may write nowhere it says nothing: /ia setup does the same.
func (r *registrar) welcome(ctx context.Context, n news) {
	var h hall
	self, err := r.self(ctx)
	if err != nil || json.Unmarshal(n.create, &h) != nil {
		r.log.Warn("server not welcomed", "guild", n.guild, "err", err)
		return
	}
	channels := h.writable(flexID(n.guild), flexID(self))
	if len(channels) == 0 {
		r.log.Info("server not welcomed: the bot may write in none of its channels; /ia setup sets it up", "guild", n.guild)
		return
	}
	mine := false
	err = r.change(ctx, n.guild, func(w *bridge.WorkspaceRecord) bool {
		mine = w.Welcomed.IsZero()
		if mine {
			w.Welcomed = time.Now().UTC()
		}
		return mine
	})
	if err != nil || !mine {
		return // somebody else does, or nobody knows: rather none than two
	}
	body := welcomeBody(language.Match(h.Locale), n.guild)
	for _, channel := range channels {
		err = r.insist(ctx, fill("POST", routeMessages, channel), body, nil)
		if e, ok := errors.AsType[*Error](err); !ok || e.Status != 403 {
			break // sent, or no matter of this channel alone
		}
	}
	if err != nil {
		r.log.Warn("server not welcomed", "guild", n.guild, "err", err)
	}
}

func welcomeBody(in language.Speaker, guild string) createBody {
	text := in.Say("Hello! I bring what happens to your agents on ImagineAnything into this server (mentions, comments, direct messages, finished generations), and carry out your commands.") +
		"\n" + in.Say("Who manages this server sets me up in a minute:")
	return createBody{
		Content: block(text, maxContent), AllowedMentions: nobody(), Nonce: shortKey([]byte("welcome " + guild)), EnforceNonce: true,
		Components: []row{{Type: kindRow, Components: []button{{Type: kindButton, Style: styleNext, Label: in.Say("Set up"), CustomID: setupID}}}},
	}
}
