package fakeslack

import (
	"slices"
	"strconv"
)

// sharedLink is a message with links the app was told about by link_shared.
type sharedLink struct {
	source  string // of the event: conversations_history, or composer while it is being written
	channel string
	ts      string // of the message, made up while it is being written
	urls    []string
}

// unfurl answers link_shared (chat.unfurl documentation): by unfurl_id and source, or by channel and ts.
func (c *call) unfurl() answer {
	shared := c.s.unfurls[c.args.str("unfurl_id")]
	if c.args.has("unfurl_id") {
		if shared == nil || shared.source != c.args.str("source") {
			return refuse("cannot_unfurl_message", "unknown unfurl_id or another source")
		}
	} else {
		shared = c.sharedIn(c.args.str("channel"), c.args.str("ts"))
		if shared == nil {
			return refuse("cannot_find_message", "no link_shared for it")
		}
	}
	v, ok := c.args.json("unfurls")
	cards, isObject := v.(map[string]any)
	if !ok || !isObject {
		return refuse("missing_unfurls", "no object")
	}
	for _, address := range sortedKeys(cards) {
		if !slices.Contains(shared.urls, address) {
			return refuse("cannot_unfurl_url", "%s was not shared", cut(address, 100))
		}
		card, _ := cards[address].(map[string]any)
		if blocks := card["blocks"]; blocks != nil {
			w := newWalker(onMessage, "invalid_blocks")
			w.blocks("/unfurls/"+strconv.Quote(address)+"/blocks", blocks)
			if len(w.found) > 0 {
				return refuseProblems(w.found)
			}
		}
	}
	if ch := c.s.channels[shared.channel]; ch != nil {
		if m := ch.find(shared.ts); m != nil {
			m.Unfurls, _ = clone(cards).(map[string]any)
		}
	}
	return answer{}
}

func (c *call) sharedIn(channelID, ts string) *sharedLink {
	for _, l := range c.s.unfurls {
		if l.channel == channelID && l.ts == ts {
			return l
		}
	}
	return nil
}
