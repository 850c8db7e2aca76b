package discord

import "context"

// Readers tells what people call a channel and about how many read it: all of its
// server where everybody may, else 0. "" where Discord does not tell.
func (s *Sink) Readers(ctx context.Context, channel string) (name string, people int) {
	var v channelView
	if !isSnowflake(channel) || s.rest.do(ctx, fill("GET", "/channels/{channel}", channel), nil, &v) != nil || v.Name == "" {
		return "", 0
	}
	name = "#" + oneLine(v.Name)
	var roles []role
	if v.GuildID == "" || v.isThread() || s.rest.do(ctx, fill("GET", "/guilds/{guild}/roles", string(v.GuildID)), nil, &roles) != nil {
		return name, 0
	}
	if permissionsIn(v.GuildID, "", nil, roles, v.Overwrites)&viewChannel.bit == 0 {
		return name, 0
	}
	var guild struct {
		Members int `json:"approximate_member_count"`
	}
	ask := fill("GET", "/guilds/{guild}", string(v.GuildID))
	ask.path += "?with_counts=true"
	if s.rest.do(ctx, ask, nil, &guild) != nil {
		return name, 0
	}
	return name, guild.Members
}
