package fakediscord

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// withNonce is a message as its maker and the gateway see it.
type withNonce struct {
	*Message
	Nonce string `json:"nonce,omitempty"`
}

func (w *world) message(channel, id string) *Message {
	if c := w.channels[channel]; c != nil {
		return c.message(id)
	}
	return nil
}

// createMessage is "Create Message".
func (s *Server) createMessage(c *call) reply {
	ch, refusal := s.open(c.PathValue("channel_id"))
	if refusal != nil {
		return *refusal
	}
	b := decode[messageBody](c.raw)
	if refusal := s.maySend(ch, b, c); refusal != nil {
		return *refusal
	}
	if first, refusal := s.repeated(c, ch, b); first != nil || refusal != nil {
		if refusal != nil {
			return *refusal
		}
		s.log.stats.Deduplicated++
		return ok(withNonce{s.present(first), string(b.Nonce)})
	}
	m := &Message{Author: s.world.bot, Type: 0, Nonce: string(b.Nonce)}
	if refusal := s.fill(c, ch, m, b); refusal != nil {
		return *refusal
	}
	s.post(ch, m)
	if b.Nonce != "" && b.Enforce {
		s.nonces[string(b.Nonce)] = sent{channel: ch.ID, message: m.ID, at: m.at}
	}
	return ok(withNonce{s.present(m), m.Nonce})
}

// maySend checks type, state and permissions of the channel.
func (s *Server) maySend(ch *channel, b messageBody, c *call) *reply {
	if !ch.holdsMessages() {
		return new(refuse(codeNotText))
	}
	have := s.permissions(ch)
	wanted := uint64(PermSendMessages)
	if ch.isThread() {
		wanted = PermSendInThreads
	}
	if len(b.Embeds) > 0 {
		wanted |= PermEmbedLinks
	}
	if len(c.files) > 0 {
		wanted |= PermAttachFiles
	}
	switch {
	case have&wanted != wanted:
		return new(refuse(codeMissingPermission))
	case b.Reference != nil && have&PermReadHistory == 0:
		return new(refuse(codeNoHistory))
	case ch.isThread() && ch.Metadata.Locked && have&PermManageThreads == 0:
		return new(refuse(codeThreadLocked))
	case ch.Type == ChannelDM && s.world.closed[ch.Recipients[0].ID]:
		return new(refuse(codeDMClosed))
	}
	for _, f := range c.files {
		if int64(len(f.data)) > s.opts.FileLimit {
			return new(refuse(codeTooLarge))
		}
	}
	return nil
}

// sent remembers which message a nonce made.
type sent struct {
	channel, message string
	at               time.Time
}

// repeated looks for an earlier message of the same enforced nonce. When that
// message has been deleted, the answer is 10008 on purpose (discord-api-docs
// #6647).
func (s *Server) repeated(c *call, ch *channel, b messageBody) (*Message, *reply) {
	first, ok := s.nonces[string(b.Nonce)]
	if !ok || !b.Enforce || c.at.Sub(first.at) > s.opts.NonceWindow {
		return nil, nil //nolint:nilnil // neither a first message nor a refusal: a new one
	}
	if first.channel != ch.ID {
		s.log.fault(c.at, "nonce", c.entry.Seq, "used before in another channel")
	}
	if m := s.world.message(first.channel, first.message); m != nil {
		return m, nil
	}
	return nil, new(refuse(codeUnknownMessage))
}

// fill puts a body's contents into a new message.
func (s *Server) fill(c *call, ch *channel, m *Message, b messageBody) *reply {
	if b.Content != nil {
		m.Content = strings.TrimSpace(*b.Content)
	}
	m.Embeds, m.Components, m.TTS = rich(b.Embeds), numbered(b.Components), b.TTS
	m.Flags |= b.Flags
	m.Attachments = s.store(c, ch, b.Files, nil)
	if b.Reference != nil {
		if refusal := s.refer(ch, m, *b.Reference); refusal != nil {
			return refusal
		}
	}
	if empty(m) && len(b.Stickers) == 0 && len(b.Poll) <= 4 {
		return new(refuse(codeEmptyMessage))
	}
	s.mention(ch, m, b.Mentions)
	return nil
}

// refer makes m a reply. A missing message is an error unless the body says
// otherwise.
func (s *Server) refer(ch *channel, m *Message, ref referenceBody) *reply {
	target := ch.message(ref.MessageID)
	if target == nil {
		if ref.FailIfNotExists != nil && !*ref.FailIfNotExists {
			return nil
		}
		r := &report{}
		r.add("message_reference", "MESSAGE_REFERENCE_UNKNOWN_MESSAGE", "Unknown message")
		return new(malformed(r))
	}
	m.Type = 19
	m.Reference = &Reference{MessageID: target.ID, ChannelID: ch.ID, GuildID: ch.guildID()}
	return nil
}

// post puts a finished message into its channel and tells the gateway.
func (s *Server) post(ch *channel, m *Message) {
	now := s.now()
	if m.ID == "" {
		m.ID = s.world.newID(now)
	}
	m.ChannelID, m.Timestamp, m.at = ch.ID, stamp(now), now
	if ch.isThread() && ch.Metadata.Archived {
		s.setArchived(ch, false)
	}
	ch.add(m)
	s.touch()
	s.emitMessage("MESSAGE_CREATE", ch, m)
}

// present is a message as the API gives it: with what it answers to, and with
// its thread.
func (s *Server) present(m *Message) *Message {
	out := *m
	out.Attachments = s.signed(m.Attachments)
	if m.Reference != nil {
		if target := s.world.message(m.Reference.ChannelID, m.Reference.MessageID); target != nil {
			shown := *target
			out.Referenced = &shown
		}
	}
	if t := s.world.channels[m.ID]; t != nil && t.isThread() {
		out.Thread = t.wire()
	}
	if out.Embeds == nil {
		out.Embeds = []Embed{}
	}
	if out.Components == nil {
		out.Components = []Component{}
	}
	if out.Mentions == nil {
		out.Mentions, out.MentionRoles = []User{}, []string{}
	}
	return &out
}

// rich names the type of embeds that apps make.
func rich(embeds []Embed) []Embed {
	for i := range embeds {
		embeds[i].Type = "rich"
	}
	return embeds
}

func empty(m *Message) bool {
	return blank(m.Content) && len(m.Embeds) == 0 && len(m.Attachments) == 0 &&
		(m.Flags&flagV2 == 0 || len(m.Components) == 0)
}

// editMessage is "Edit Message".
func (s *Server) editMessage(c *call) reply {
	ch, m, refusal := s.openMessage(c)
	if refusal != nil {
		return *refusal
	}
	if m.Author.ID != s.world.bot.ID {
		return refuse(codeForeignMessage)
	}
	if ch.isThread() && ch.Metadata.Archived {
		return refuse(codeArchivedThread)
	}
	if c.at.Sub(m.at) > time.Hour {
		w := s.limits.oldEdits[ch.ID]
		if w == nil {
			w = &window{}
			s.limits.oldEdits[ch.ID] = w
		}
		if _, _, wait := w.take(s.opts.OldEdits, c.at); wait > 0 {
			return slowDown(codeOldEdits, wait)
		}
	}
	if refusal := s.change(c, ch, m); refusal != nil {
		return *refusal
	}
	return ok(s.present(m))
}

// change applies an edit's body: only the fields it names.
func (s *Server) change(c *call, ch *channel, m *Message) *reply {
	b, next := decode[messageBody](c.raw), *m
	if c.has("content") {
		next.Content = ""
		if b.Content != nil {
			next.Content = strings.TrimSpace(*b.Content)
		}
	}
	if c.has("embeds") {
		next.Embeds = rich(b.Embeds)
	}
	if c.has("components") {
		next.Components = numbered(b.Components)
	}
	if c.has("flags") {
		next.Flags = next.Flags&^flagSuppressEmbeds | b.Flags
	}
	if c.has("attachments") || len(c.files) > 0 {
		kept := m.Attachments
		if c.has("attachments") {
			kept = keep(kept, b.Files)
		}
		next.Attachments = s.store(c, ch, b.Files, kept)
	}
	if empty(&next) {
		return new(refuse(codeEmptyMessage))
	}
	s.mention(ch, &next, b.Mentions)
	now := s.now()
	next.EditedTimestamp = new(stamp(now))
	next.Edits++
	*m = next
	s.emitMessage("MESSAGE_UPDATE", ch, m)
	return nil
}

// openMessage finds the path's message in a channel the bot may see.
func (s *Server) openMessage(c *call) (*channel, *Message, *reply) {
	ch, refusal := s.open(c.PathValue("channel_id"))
	if refusal != nil {
		return nil, nil, refusal
	}
	m := ch.message(c.PathValue("message_id"))
	if m == nil || m.private != "" {
		return nil, nil, new(refuse(codeUnknownMessage))
	}
	return ch, m, nil
}

func (s *Server) getMessage(c *call) reply {
	ch, m, refusal := s.openMessage(c)
	if refusal != nil {
		return *refusal
	}
	if s.permissions(ch)&PermReadHistory == 0 {
		return refuse(codeMissingAccess)
	}
	return ok(s.blanked(ch, m))
}

func (s *Server) deleteMessage(c *call) reply {
	ch, m, refusal := s.openMessage(c)
	if refusal != nil {
		return *refusal
	}
	if m.Author.ID != s.world.bot.ID && s.permissions(ch)&PermManageMessages == 0 {
		return refuse(codeMissingPermission)
	}
	s.erase(ch, m)
	return noContent()
}

func (s *Server) erase(ch *channel, m *Message) {
	ch.remove(m.ID)
	data := map[string]any{"id": m.ID, "channel_id": ch.ID}
	if ch.guild != nil {
		data["guild_id"] = ch.guild.id
	}
	s.emit(event{name: "MESSAGE_DELETE", channel: ch, guild: ch.guild, data: data, intent: messageIntent(ch)})
}

// listMessages is "Get Channel Messages": newest first, 50 by default.
func (s *Server) listMessages(c *call) reply {
	ch, refusal := s.open(c.PathValue("channel_id"))
	if refusal != nil {
		return *refusal
	}
	q := c.URL.Query()
	r := &report{}
	limit := 50
	if v := q.Get("limit"); v != "" {
		n, err := strconv.Atoi(v)
		if err != nil || n < 1 || n > 100 {
			r.add("limit", "NUMBER_TYPE_MAX", "int value should be between 1 and 100.")
		}
		limit = n
	}
	given := 0
	for _, name := range []string{"before", "after", "around"} {
		if v := q.Get(name); v != "" {
			given++
			snowflake(r, name, v)
		}
	}
	if given > 1 {
		r.add("after", "MESSAGE_HISTORY_EXCLUSIVE", "before, after and around are mutually exclusive")
	}
	if !r.ok() {
		s.log.fault(c.at, "query", c.entry.Seq, r.String())
		return malformed(r)
	}
	if s.permissions(ch)&PermReadHistory == 0 {
		return ok([]any{})
	}
	out := []*Message{}
	for _, m := range pick(ch.messages, q.Get("before"), q.Get("after"), q.Get("around"), limit) {
		out = append(out, s.blanked(ch, m))
	}
	return reply{status: http.StatusOK, body: out}
}

// pick selects as the API does: the limit messages next to the given id,
// newest first.
func pick(all []*Message, before, after, around string, limit int) []*Message {
	var fit []*Message
	for _, m := range all {
		if m.private == "" && (before == "" || idLess(m.ID, before)) && (after == "" || idLess(after, m.ID)) {
			fit = append(fit, m)
		}
	}
	switch from := len(fit) - limit; {
	case from <= 0:
	case after != "":
		fit = fit[:limit]
	case around != "":
		i := 0
		for i < len(fit) && idLess(fit[i].ID, around) {
			i++
		}
		from = min(max(i-limit/2, 0), from)
		fit = fit[from : from+limit]
	default:
		fit = fit[from:]
	}
	out := make([]*Message, 0, len(fit))
	for _, m := range slices.Backward(fit) {
		out = append(out, m)
	}
	return out
}
