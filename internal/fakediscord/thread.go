package fakediscord

import (
	"net/http"
	"slices"
)

type threadStart struct {
	Name        string `json:"name"`
	AutoArchive *int   `json:"auto_archive_duration"`
	Type        *int   `json:"type"`
}

// threadFromMessage is "Start Thread from Message": the thread's id is the
// message's, so a second one is refused with 160004.
func (s *Server) threadFromMessage(c *call) reply {
	ch, m, refusal := s.openMessage(c)
	if refusal != nil {
		return *refusal
	}
	if ch.Type != ChannelText && ch.Type != ChannelAnnouncement {
		return refuse(codeChannelType)
	}
	if s.permissions(ch)&PermCreatePublicThreads == 0 {
		return refuse(codeMissingPermission)
	}
	if old := s.world.channels[m.ID]; old != nil {
		return refuse(codeThreadExists)
	}
	if s.active(ch.guild) >= s.opts.ActiveThreads {
		return refuse(codeTooManyThreads)
	}
	b := decode[threadStart](c.raw)
	t := s.makeThread(ch, m.ID, b, threadPublic)
	m.Flags |= flagHasThread
	s.emitMessage("MESSAGE_UPDATE", ch, m)
	s.post(t, &Message{
		Type: 21, Author: m.Author,
		Reference: &Reference{MessageID: m.ID, ChannelID: ch.ID, GuildID: ch.guildID()},
	})
	t.MessageCount = new(0) // the first message isn't counted
	return reply{status: http.StatusCreated, body: t.wire()}
}

// startThread is "Start Thread without Message", and "Start Thread in Forum"
// where the channel is one.
func (s *Server) startThread(c *call) reply {
	ch, refusal := s.open(c.PathValue("channel_id"))
	if refusal != nil {
		return *refusal
	}
	b := decode[threadStart](c.raw)
	have := s.permissions(ch)
	switch {
	case ch.Type == ChannelForum && !c.has("message"):
		r := &report{}
		r.add("message", "BASE_TYPE_REQUIRED", "This field is required")
		return malformed(r)
	case ch.Type == ChannelForum:
		return s.forumPost(c, ch, b)
	case ch.Type != ChannelText && ch.Type != ChannelAnnouncement:
		return refuse(codeChannelType)
	}
	kind, wanted := threadPrivate, uint64(PermCreatePrivateThreads)
	if b.Type != nil && *b.Type != threadPrivate {
		kind, wanted = *b.Type, PermCreatePublicThreads
	}
	switch {
	case have&wanted == 0:
		return refuse(codeMissingPermission)
	case s.active(ch.guild) >= s.opts.ActiveThreads:
		return refuse(codeTooManyThreads)
	}
	t := s.makeThread(ch, s.world.newID(s.now()), b, kind)
	return reply{status: http.StatusCreated, body: t.wire()}
}

// forumPost makes a thread and its first message, which share an id.
func (s *Server) forumPost(c *call, ch *channel, b threadStart) reply {
	body := decode[struct {
		Message messageBody `json:"message"`
	}](c.raw).Message
	if s.permissions(ch)&PermSendMessages == 0 {
		return refuse(codeMissingPermission)
	}
	if s.active(ch.guild) >= s.opts.ActiveThreads {
		return refuse(codeTooManyThreads)
	}
	m := &Message{Author: s.world.bot}
	if refusal := s.fill(c, ch, m, body); refusal != nil {
		return *refusal
	}
	t := s.makeThread(ch, s.world.newID(s.now()), b, threadPublic)
	m.ID = t.ID
	s.post(t, m)
	out := t.wire()
	out.Message = s.present(m)
	return reply{status: http.StatusCreated, body: out}
}

// makeThread adds a thread below ch and tells the gateway.
func (s *Server) makeThread(ch *channel, id string, b threadStart, kind int) *channel {
	if ch.Type == ChannelAnnouncement {
		kind = threadAnnouncement
	}
	minutes := 4320
	if b.AutoArchive != nil {
		minutes = *b.AutoArchive
	}
	t := &channel{guild: ch.guild, parent: ch, channelWire: channelWire{
		ID: id, Type: kind, GuildID: ch.guildID(), Name: b.Name, ParentID: new(ch.ID), OwnerID: s.world.bot.ID,
		Metadata:     &threadMetadata{AutoArchive: minutes, ArchivedSince: stamp(s.now())},
		MessageCount: new(0),
	}}
	s.world.channels[id] = t
	out := t.wire()
	out.NewlyCreated = true
	s.emitChannel("THREAD_CREATE", t, out)
	return t
}

// active counts a guild's threads that aren't archived.
func (s *Server) active(g *guild) int {
	n := 0
	for _, c := range s.world.channels {
		if c.guild == g && c.isThread() && !c.Metadata.Archived {
			n++
		}
	}
	return n
}

func (s *Server) setArchived(t *channel, archived bool) {
	t.Metadata = new(*t.Metadata)
	t.Metadata.Archived, t.Metadata.ArchivedSince = archived, stamp(s.now())
	s.emitChannel("THREAD_UPDATE", t, t.wire())
}

// editChannel is "Modify Channel", for threads: archive, lock, rename.
func (s *Server) editChannel(c *call) reply {
	ch, refusal := s.open(c.PathValue("channel_id"))
	if refusal != nil {
		return *refusal
	}
	if !ch.isThread() {
		return refuse(codeMissingPermission)
	}
	b := decode[struct {
		Name        *string `json:"name"`
		Archived    *bool   `json:"archived"`
		Locked      *bool   `json:"locked"`
		AutoArchive *int    `json:"auto_archive_duration"`
	}](c.raw)
	manage := s.permissions(ch)&PermManageThreads != 0
	switch {
	case ch.OwnerID != s.world.bot.ID && !manage, b.Locked != nil && !manage:
		return refuse(codeMissingPermission)
	case ch.Metadata.Archived && (b.Archived == nil || *b.Archived):
		return refuse(codeArchivedThread)
	case ch.Metadata.Locked && !manage:
		return refuse(codeThreadLocked)
	}
	ch.Metadata = new(*ch.Metadata)
	if b.Name != nil {
		ch.Name = *b.Name
	}
	if b.AutoArchive != nil {
		ch.Metadata.AutoArchive = *b.AutoArchive
	}
	if b.Locked != nil {
		ch.Metadata.Locked = *b.Locked
	}
	if b.Archived != nil {
		ch.Metadata.Archived, ch.Metadata.ArchivedSince = *b.Archived, stamp(s.now())
	}
	s.emitChannel("THREAD_UPDATE", ch, ch.wire())
	return ok(ch.wire())
}

// activeThreads is "List Active Guild Threads".
func (s *Server) activeThreads(c *call) reply {
	g, refusal := s.openGuild(c)
	if refusal != nil {
		return *refusal
	}
	threads := []*channelWire{}
	for _, ch := range s.world.channels {
		if ch.guild == g && ch.isThread() && !ch.Metadata.Archived && s.permissions(ch)&PermViewChannel != 0 {
			threads = append(threads, ch.wire())
		}
	}
	slices.SortFunc(threads, func(a, b *channelWire) int {
		if idLess(b.ID, a.ID) {
			return -1
		}
		return 1
	})
	return ok(map[string]any{"threads": threads, "members": []any{}})
}
