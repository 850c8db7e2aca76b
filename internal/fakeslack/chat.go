package fakeslack

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// Limits of a message's text (chat.postMessage documentation, "Truncating content").
const (
	textAdvised = 4_000
	textCut     = 40_000
	metadataMax = 8 << 10 // bytes of JSON; Slack names the error but no number, this one is ours
)

// postable finds the channel of a posting call and checks that the app may write there.
func (c *call) postable(id string) (*channel, *answer) {
	home := c.tok.home
	if u := c.s.users[id]; u != nil && u.home == home && !u.bot {
		return home.dm(u.id), nil
	}
	ch := c.s.channels[id]
	if ch == nil || ch.home != home {
		return nil, new(refuse("channel_not_found", "%s", id))
	}
	return ch, c.mayWrite(ch)
}

func (c *call) mayWrite(ch *channel) *answer {
	joined := ch.has(c.tok.home.BotUser)
	switch {
	case !joined && ch.kind == private:
		return new(refuse("channel_not_found", "private, not a member"))
	case ch.archived:
		return new(refuse("is_archived", "%s", ch.id))
	case !joined && !slices.Contains(c.tok.scopes, "chat:write.public"):
		return new(refuse("not_in_channel", "%s", ch.id))
	}
	return nil
}

func (c *call) postMessage() answer {
	ch, no := c.postable(c.args.str("channel"))
	if no != nil {
		return *no
	}
	m, no := c.compose(ch)
	if no != nil {
		return *no
	}
	c.thread(ch, m)
	c.s.store(ch, m)
	return answer{warn: c.warnings(m), fields: map[string]any{"channel": ch.id, "ts": m.TS, "message": m.wire(ch, true)}}
}

func (c *call) postEphemeral() answer {
	ch, no := c.postable(c.args.str("channel"))
	if no != nil {
		return *no
	}
	u := c.s.users[c.args.str("user")]
	if u == nil || !ch.has(u.id) && ch.kind != public {
		return refuse("user_not_in_channel", "%s", c.args.str("user"))
	}
	m, no := c.compose(ch)
	if no != nil {
		return *no
	}
	c.thread(ch, m)
	m.Ephemeral = u.id
	c.s.store(ch, m)
	return answer{warn: c.warnings(m), fields: map[string]any{"message_ts": m.TS}}
}

func (c *call) warnings(m *message) []string {
	if m.Text == "" && len(m.blocks) > 0 {
		c.badManners("missing_text_in_message", "blocks without fallback text")
		return []string{"missing_text_in_message"}
	}
	return nil
}

// compose makes a message of the arguments, checked as Slack checks them.
func (c *call) compose(ch *channel) (*message, *answer) {
	m := &message{}
	m.Channel, m.User, m.BotID, m.Text = ch.id, c.tok.home.BotUser, c.tok.home.BotID, c.args.str("text")
	m.Parse = parseMode(c.args.str("parse"), "none")
	if no := c.setBlocks(m); no != nil {
		return nil, no
	}
	attached, ok := c.args.json("attachments")
	if _, isList := attached.([]any); !ok || attached != nil && !isList {
		return nil, new(refuse("invalid_attachments", "no list"))
	}
	if m.Text == "" && len(m.blocks) == 0 && attached == nil {
		return nil, new(refuse("no_text", "neither text nor blocks"))
	}
	meta, no := c.metadata()
	m.Metadata = meta
	if no != nil {
		return nil, no
	}
	if n := utf8.RuneCountInString(m.Text); n > textCut {
		c.badManners("text_cut", "%d characters of text", n)
		m.Text = string([]rune(m.Text)[:textCut])
	} else if n > textAdvised {
		c.badManners("text_over_4000", "%d characters of text", n)
	}
	return m, nil
}

// setBlocks reads, checks and completes the blocks.
func (c *call) setBlocks(m *message) *answer {
	v, ok := c.args.json("blocks")
	if !ok {
		return new(refuse("invalid_blocks_format", "blocks are no JSON"))
	}
	if v == nil {
		return nil
	}
	list, ok := v.([]any)
	if !ok {
		return new(refuse("invalid_blocks_format", "blocks are no list"))
	}
	if found := validateBlocks(list, onMessage); len(found) > 0 {
		return new(refuseProblems(found))
	}
	if bad := c.s.unreachable(list); bad != "" {
		return new(refuseProblems([]Problem{{Code: "invalid_blocks", Pointer: bad, Message: "downloading image failed"}}))
	}
	m.blocks, _ = clone(list).([]any)
	for i, b := range m.blocks {
		if block, ok := b.(map[string]any); ok && block["block_id"] == nil {
			block["block_id"] = fmt.Sprintf("b%d", i)
		}
	}
	return nil
}

// refuseProblems is the refusal of a payload, with Slack's two lists of pointers.
func refuseProblems(found []Problem) answer {
	a := refuse(found[0].Code, "%s", found[0])
	var plain, marked []string
	for _, p := range found {
		line := fmt.Sprintf("%s [json-pointer:%s]", p.Message, p.Pointer)
		plain, marked = append(plain, line), append(marked, "[ERROR] "+line)
	}
	a.err.fields = map[string]any{"errors": plain, "response_metadata": map[string]any{"messages": marked}}
	return a
}

var eventType = regexp.MustCompile(`^[A-Za-z0-9_]{1,255}$`)

// metadata reads the argument: nil where it is absent or empty. (Message metadata documentation.)
func (c *call) metadata() (*Metadata, *answer) {
	v, ok := c.args.json("metadata")
	if !ok {
		return nil, new(refuse("invalid_metadata_format", "no JSON"))
	}
	return readMetadata(v)
}

func readMetadata(v any) (*Metadata, *answer) {
	if v == nil {
		return nil, nil //nolint:nilnil // no metadata and no refusal
	}
	obj, ok := v.(map[string]any)
	if !ok {
		return nil, new(refuse("invalid_metadata_format", "no object"))
	}
	if len(obj) == 0 {
		return nil, nil //nolint:nilnil // {} means none
	}
	name, _ := obj["event_type"].(string)
	payload, isObject := obj["event_payload"].(map[string]any)
	if !eventType.MatchString(name) || !isObject || len(obj) != 2 {
		return nil, new(refuse("invalid_metadata_schema", "event_type and event_payload"))
	}
	for key, field := range payload {
		if !flat(field) {
			return nil, new(refuse("invalid_metadata_schema", "event_payload.%s is nested", key))
		}
	}
	if size := len(answer{fields: obj}.body()); size > metadataMax {
		return nil, new(refuse("metadata_too_large", "%d bytes", size))
	}
	return &Metadata{EventType: name, Payload: payload}, nil
}

func flat(v any) bool {
	switch v.(type) {
	case map[string]any, []any, nil:
		return false
	}
	return true
}

// thread puts a message into its thread. A deleted first message leaves it in the channel, without an error.
func (c *call) thread(ch *channel, m *message) {
	ts := c.args.str("thread_ts")
	broadcast := c.args.flag("reply_broadcast")
	if ts == "" {
		if broadcast {
			c.badManners("broadcast_without_thread", "reply_broadcast needs thread_ts")
		}
		return
	}
	if !validTS(ts) {
		c.badManners("invalid_thread_ts", "%s", cut(ts, 40))
	}
	root := ch.find(ts)
	if root != nil && root.ThreadTS != "" {
		c.badManners("thread_ts_of_reply", "%s is a reply, its thread is %s", ts, root.ThreadTS)
		root = ch.find(root.ThreadTS)
	}
	if root == nil {
		return
	}
	m.ThreadTS, m.Broadcast = root.TS, broadcast
}

// store appends a message. The caller holds mu.
func (s *Server) store(ch *channel, m *message) {
	m.TS, m.at = s.ts(), s.opt.Now()
	ch.messages = append(ch.messages, m)
	s.echo(ch, m)
	s.touch()
}

// own finds a message the app may change.
func (c *call) own(notOwn string) (*channel, *message, *answer) {
	ch := c.s.channels[c.args.str("channel")]
	if ch == nil || ch.home != c.tok.home {
		return nil, nil, new(refuse("channel_not_found", "%s (an id is needed)", c.args.str("channel")))
	}
	if ch.archived {
		return nil, nil, new(refuse("is_archived", "%s", ch.id))
	}
	m := ch.find(c.args.str("ts"))
	if m == nil {
		return nil, nil, new(refuse("message_not_found", "%s", c.args.str("ts")))
	}
	if m.BotID != c.tok.home.BotID {
		return nil, nil, new(refuse(notOwn, "not the app's own message"))
	}
	return ch, m, nil
}

func (c *call) update() answer {
	ch, m, no := c.own("cant_update_message")
	if no != nil {
		return *no
	}
	if w := c.s.opt.EditWindow; w > 0 && c.now.Sub(m.at) > w {
		return refuse("edit_window_closed", "%v after posting", c.now.Sub(m.at).Round(time.Second))
	}
	if n := utf8.RuneCountInString(c.args.str("text")); n > textAdvised {
		return refuse("msg_too_long", "%d characters of text", n)
	}
	if !c.args.has("text") && !c.args.has("blocks") && !c.args.has("attachments") && !c.args.has("metadata") {
		return refuse("no_text", "nothing to change")
	}
	next := &message{}
	if no := c.setBlocks(next); no != nil {
		return *no
	}
	meta, no := c.metadata()
	if no != nil {
		return *no
	}
	if c.args.has("blocks") || c.args.has("text") {
		m.Edited = m.Edited || len(next.blocks) == 0
		m.blocks = next.blocks // text alone takes the old blocks away
	}
	if c.args.has("text") {
		m.Text, m.Parse = c.args.str("text"), parseMode(c.args.str("parse"), "client")
	}
	if c.args.has("metadata") {
		m.Metadata = meta
	}
	m.Edits++
	warn := c.warnings(m)
	return answer{warn: warn, fields: map[string]any{"channel": ch.id, "ts": m.TS, "text": m.Text, "message": m.wire(ch, true)}}
}

func parseMode(asked, fallback string) string {
	if asked == "" {
		return fallback
	}
	return strings.ToLower(asked)
}

func (c *call) remove() answer {
	ch, m, no := c.own("cant_delete_message")
	if no != nil {
		return *no
	}
	ch.drop(m.TS)
	return answer{fields: map[string]any{"channel": ch.id, "ts": m.TS}}
}
