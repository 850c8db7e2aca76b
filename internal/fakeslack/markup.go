package fakeslack

import (
	"regexp"
	"strings"
)

// Link is something to click that is not a button: where it says it leads and where it does.
type Link struct{ Label, URL string }

// effects is what a message's markup does: pings, links, formatting.
type effects struct {
	mentions []string
	links    []Link
	formats  []string
}

var (
	special = regexp.MustCompile(`<([^<>\n]+)>`)
	bareURL = regexp.MustCompile(`https?://[^\s<>|]+`)
	atWord  = regexp.MustCompile(`(?:^|[\s(])@(here|channel|everyone)\b`)
	formats = regexp.MustCompile("(?:^|[\\s([{.,:;!?'\"-])(\\*\\S(?:[^*\n]*\\S)?\\*|_\\S(?:[^_\n]*\\S)?_|~\\S(?:[^~\n]*\\S)?~|`[^`\n]+`|:[a-z0-9_+-]+:)")
	quotes  = regexp.MustCompile(`(?m)^(?:>|&gt;).*$`)
)

// Mentions lists whom the message pings: user ids, "subteam:S…", "here", "channel", "everyone"; and "#C…" for channels
// it links. The fallback text counts too, it is what notifications show.
func (m Message) Mentions() []string { return m.effects().mentions }

// Links lists the links a reader could follow, in order.
func (m Message) Links() []Link { return m.effects().links }

// Formats lists the pieces that mrkdwn shows in another way than written: "*bold*", "_italic_", "~struck~", "`code`",
// ":emoji:", and whole lines that begin a quote. The fallback text counts where there are no blocks.
func (m Message) Formats() []string { return m.effects().formats }

func (m Message) effects() effects {
	var e effects
	e.mrkdwn(m.Text, false)
	if len(m.Blocks) > 0 {
		e.formats = nil
	}
	if len(m.Blocks) > 0 {
		if v, err := parseJSON(m.Blocks); err == nil {
			e.walk(v)
		}
	}
	return e
}

func (e *effects) walk(v any) {
	switch v := v.(type) {
	case []any:
		for _, item := range v {
			e.walk(item)
		}
	case map[string]any:
		e.object(v)
		for _, key := range sortedKeys(v) {
			e.walk(v[key])
		}
	}
}

func (e *effects) object(obj args) {
	switch obj.str("type") {
	case "mrkdwn":
		e.mrkdwn(obj.str("text"), obj.flag("verbatim"))
	case "user":
		e.mentions = append(e.mentions, obj.str("user_id"))
	case "usergroup":
		e.mentions = append(e.mentions, "subteam:"+obj.str("usergroup_id"))
	case "broadcast":
		e.mentions = append(e.mentions, obj.str("range"))
	case "channel":
		if obj.has("channel_id") {
			e.mentions = append(e.mentions, "#"+obj.str("channel_id"))
		}
	case "link":
		label := obj.str("text")
		if label == "" {
			label = obj.str("url")
		}
		e.links = append(e.links, Link{label, obj.str("url")})
	}
}

// mrkdwn reads the angle brackets, and, unless told to take the text literally, plain URLs and @here.
func (e *effects) mrkdwn(s string, verbatim bool) {
	for _, m := range special.FindAllStringSubmatch(s, -1) {
		target, label, labelled := strings.Cut(m[1], "|")
		switch {
		case strings.HasPrefix(target, "@"):
			e.mentions = append(e.mentions, target[1:])
		case strings.HasPrefix(target, "#"):
			e.mentions = append(e.mentions, target)
		case strings.HasPrefix(target, "!subteam^"):
			e.mentions = append(e.mentions, "subteam:"+target[len("!subteam^"):])
		case strings.HasPrefix(target, "!date^"):
			if parts := strings.Split(target, "^"); len(parts) > 3 {
				e.links = append(e.links, Link{label, unescape(parts[3])})
			}
		case strings.HasPrefix(target, "!"):
			e.mentions = append(e.mentions, target[1:])
		case labelled:
			e.links = append(e.links, Link{unescape(label), unescape(target)})
		default:
			e.links = append(e.links, Link{unescape(target), unescape(target)})
		}
	}
	rest := special.ReplaceAllString(s, " ")
	for _, f := range formats.FindAllStringSubmatch(rest, -1) {
		e.formats = append(e.formats, f[1])
	}
	e.formats = append(e.formats, quotes.FindAllString(rest, -1)...)
	if verbatim {
		return
	}
	for _, u := range bareURL.FindAllString(rest, -1) {
		e.links = append(e.links, Link{unescape(u), unescape(u)})
	}
	for _, m := range atWord.FindAllStringSubmatch(rest, -1) {
		e.mentions = append(e.mentions, m[1])
	}
}

// unescape decodes Slack's three entities.
func unescape(s string) string {
	return strings.NewReplacer("&lt;", "<", "&gt;", ">", "&amp;", "&").Replace(s)
}
