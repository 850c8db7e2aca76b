package fakediscord

import "strconv"

// Permission bits, docs "Bitwise Permission Flags".
const (
	PermAddReactions         = 1 << 6
	PermViewChannel          = 1 << 10
	PermSendMessages         = 1 << 11
	PermManageMessages       = 1 << 13
	PermEmbedLinks           = 1 << 14
	PermAttachFiles          = 1 << 15
	PermReadHistory          = 1 << 16
	PermMentionEveryone      = 1 << 17
	PermManageThreads        = 1 << 34
	PermCreatePublicThreads  = 1 << 35
	PermCreatePrivateThreads = 1 << 36
	PermSendInThreads        = 1 << 38

	permAdministrator = 1 << 3
	permAll           = 1<<53 - 1
)

// DefaultPermissions are those the bot's role gets in a new guild: view, send,
// embed, attach, read history, react, public threads, send in threads.
const DefaultPermissions = 309237763136

func parseBits(s string) uint64 {
	n, _ := strconv.ParseUint(s, 10, 64) // our own numbers
	return n
}

func bits(n uint64) string { return strconv.FormatUint(n, 10) }

// permissions computes what the bot may do in c, docs "Permission Hierarchy":
// roles, then overwrites of everyone, of roles, of the member. Threads have
// their parent's; in a DM everything is allowed.
func (s *Server) permissions(c *channel) uint64 {
	if c.guild == nil {
		return permAll
	}
	if c.parent != nil && c.isThread() {
		c = c.parent
	}
	m := c.guild.members[s.world.bot.ID]
	if m == nil {
		return 0
	}
	mine := map[string]bool{c.guild.id: true}
	for _, id := range m.Roles {
		mine[id] = true
	}
	var have uint64
	for _, r := range c.guild.roles {
		if mine[r.ID] {
			have |= parseBits(r.Permissions)
		}
	}
	if have&permAdministrator != 0 {
		return permAll
	}
	var allow, deny uint64
	for _, o := range c.Overwrites {
		switch {
		case o.ID == c.guild.id:
			have = have&^parseBits(o.Deny) | parseBits(o.Allow)
		case o.Type == 0 && mine[o.ID]:
			allow |= parseBits(o.Allow)
			deny |= parseBits(o.Deny)
		}
	}
	have = have&^deny | allow
	for _, o := range c.Overwrites {
		if o.Type == 1 && o.ID == s.world.bot.ID {
			have = have&^parseBits(o.Deny) | parseBits(o.Allow)
		}
	}
	if have&PermViewChannel == 0 {
		return 0
	}
	return have
}

// open finds a channel the bot may see, or says why not.
func (s *Server) open(id string) (*channel, *reply) {
	c := s.world.channels[id]
	if c == nil {
		return nil, new(refuse(codeUnknownChannel))
	}
	if c.guild != nil && !c.guild.present {
		return nil, new(refuse(codeMissingAccess))
	}
	if s.permissions(c)&PermViewChannel == 0 {
		return nil, new(refuse(codeMissingAccess))
	}
	return c, nil
}
