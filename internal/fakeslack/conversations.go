package fakeslack

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
)

// scopeOf is the scope of a family ("read", "history") for a channel's kind.
func (ch *channel) scopeOf(family string) string {
	return map[channelKind]string{public: "channels:", private: "groups:", direct: "im:"}[ch.kind] + family
}

// readable finds the channel of a reading call. family is "read" or "history"; the latter needs membership.
func (c *call) readable(family string) (*channel, *answer) {
	ch := c.s.channels[c.args.str("channel")]
	if ch == nil || ch.home != c.tok.home {
		return nil, new(refuse("channel_not_found", "%s", c.args.str("channel")))
	}
	joined := ch.has(c.tok.home.BotUser)
	if !joined && ch.kind == private {
		return nil, new(refuse("channel_not_found", "private, not a member"))
	}
	if need := ch.scopeOf(family); c.tok.missing([]string{need}) {
		return nil, new(c.missingScope(need))
	}
	if family == "history" && !joined {
		return nil, new(refuse("not_in_channel", "%s", ch.id))
	}
	return ch, nil
}

func (ch *channel) wire(bot string) map[string]any {
	out := map[string]any{
		"id": ch.id, "name": ch.name, "name_normalized": ch.name, "created": 1700000000, "is_archived": ch.archived,
		"is_channel": ch.kind == public, "is_group": false, "is_im": ch.kind == direct, "is_mpim": false,
		"is_private": ch.kind != public, "is_member": ch.has(bot), "is_shared": false, "is_ext_shared": false, "is_org_shared": false,
		"context_team_id": ch.home.ID, "num_members": len(ch.members),
	}
	if ch.kind == direct {
		out["user"], out["is_open"] = ch.with, true
	}
	return out
}

func (c *call) conversationInfo() answer {
	ch, no := c.readable("read")
	if no != nil {
		return *no
	}
	return answer{fields: map[string]any{"channel": ch.wire(c.tok.home.BotUser)}}
}

func (c *call) conversationList() answer {
	types := strings.Split(cmp.Or(c.args.str("types"), "public_channel"), ",")
	kinds := map[string]channelKind{"public_channel": public, "private_channel": private, "im": direct}
	var want []channelKind
	for _, name := range types {
		kind, ok := kinds[strings.TrimSpace(name)]
		if name == "mpim" {
			continue
		}
		if !ok {
			return refuse("invalid_types", "%s", name)
		}
		if need := (&channel{kind: kind}).scopeOf("read"); c.tok.missing([]string{need}) {
			return c.missingScope(need)
		}
		want = append(want, kind)
	}
	var all []any
	for _, id := range sortedKeys(c.s.channels) {
		ch := c.s.channels[id]
		if ch.home != c.tok.home || !slices.Contains(want, ch.kind) || ch.archived && c.args.flag("exclude_archived") {
			continue
		}
		if ch.kind == private && !ch.has(c.tok.home.BotUser) {
			continue
		}
		all = append(all, ch.wire(c.tok.home.BotUser))
	}
	page, next, no := c.page(all, 100, 1000)
	if no != nil {
		return *no
	}
	return answer{fields: map[string]any{"channels": page, "response_metadata": map[string]any{"next_cursor": next}}}
}

func (c *call) conversationOpen() answer {
	id := c.args.str("users")
	if strings.Contains(id, ",") {
		return refuse("not_enough_users", "group messages are not part of this fake")
	}
	if need := "im:write"; c.tok.missing([]string{need}) {
		return c.missingScope(need)
	}
	u := c.s.users[id]
	if u == nil || u.home != c.tok.home {
		return refuse("user_not_found", "%s", id)
	}
	return answer{fields: map[string]any{"channel": map[string]any{"id": c.tok.home.dm(u.id).id}}}
}

// page cuts one page out of a list by the arguments cursor and limit.
func (c *call) page(all []any, fallback, most int) (page []any, next string, no *answer) {
	limit := c.args.number("limit", fallback)
	if limit < 1 || limit > most {
		return nil, "", new(refuse("invalid_limit", "%d", limit))
	}
	if c.spec.history && c.s.opt.Limits.NewApp {
		limit = min(limit, 15)
	}
	start := 0
	if cursor := c.args.str("cursor"); cursor != "" {
		n, err := strconv.Atoi(strings.TrimPrefix(cursor, "fake:"))
		if err != nil || n < 0 || n > len(all) {
			return nil, "", new(refuse("invalid_cursor", "%s", cursor))
		}
		start = n
	}
	end := min(start+limit, len(all))
	if end < len(all) {
		next = "fake:" + strconv.Itoa(end)
	}
	return append([]any{}, all[start:end]...), next, nil
}

// between says whether a message lies in the asked window of time.
func (c *call) between(ts string) bool {
	oldest, latest, inclusive := c.args.str("oldest"), c.args.str("latest"), c.args.flag("inclusive")
	edge := ts == oldest || ts == latest
	if edge {
		return inclusive
	}
	return (oldest == "" || seconds(ts) > seconds(oldest)) && (latest == "" || seconds(ts) < seconds(latest))
}

func seconds(ts string) float64 {
	f, _ := strconv.ParseFloat(ts, 64)
	return f
}

func (c *call) window() *answer {
	for _, key := range []string{"oldest", "latest"} {
		if v := c.args.str(key); v != "" {
			if _, err := strconv.ParseFloat(v, 64); err != nil {
				return new(refuse("invalid_ts_"+key, "%s", v))
			}
		}
	}
	return nil
}

func (c *call) conversationHistory() answer {
	ch, no := c.readable("history")
	if no != nil {
		return *no
	}
	if no := c.window(); no != nil {
		return *no
	}
	var all []any
	for _, m := range slices.Backward(ch.messages) {
		if m.Ephemeral == "" && (m.ThreadTS == "" || m.Broadcast) && c.between(m.TS) {
			all = append(all, m.wire(ch, c.args.flag("include_all_metadata")))
		}
	}
	return c.history(all)
}

func (c *call) conversationReplies() answer {
	ch, no := c.readable("history")
	if no != nil {
		return *no
	}
	if no := c.window(); no != nil {
		return *no
	}
	root := ch.find(c.args.str("ts"))
	if root == nil {
		return refuse("thread_not_found", "%s", c.args.str("ts"))
	}
	if root.ThreadTS != "" {
		root = cmp.Or(ch.find(root.ThreadTS), root)
	}
	all := []any{root.wire(ch, c.args.flag("include_all_metadata"))}
	for _, m := range ch.messages {
		if m.Ephemeral == "" && m.ThreadTS == root.TS && c.between(m.TS) {
			all = append(all, m.wire(ch, c.args.flag("include_all_metadata")))
		}
	}
	return c.history(all)
}

func (c *call) history(all []any) answer {
	page, next, no := c.page(all, 100, 999)
	if no != nil {
		return *no
	}
	return answer{fields: map[string]any{
		"messages": page, "has_more": next != "", "pin_count": 0, "response_metadata": map[string]any{"next_cursor": next},
	}}
}
