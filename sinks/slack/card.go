package slack

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"

	slackgo "github.com/slack-go/slack"

	"github.com/imaginebridge/imaginebridge/bridge/command"
	"github.com/imaginebridge/imaginebridge/internal/language"
)

// rawBlock is a block of a message as Slack sent it. It goes back unread, so that
// blocks nobody here knows stay as they are.
type rawBlock struct {
	json.RawMessage

	kind, id string
}

// BlockType implements the library's Block.
func (b rawBlock) BlockType() slackgo.MessageBlockType { return slackgo.MessageBlockType(b.kind) }

// ID implements the library's Block.
func (b rawBlock) ID() string { return b.id }

// MarshalJSON implements json.Marshaler.
func (b rawBlock) MarshalJSON() ([]byte, error) { return b.RawMessage, nil }

func rawBlocks(blocks []json.RawMessage) []slackgo.Block {
	var out []slackgo.Block
	for _, raw := range blocks {
		var known struct {
			Type string `json:"type"`
			ID   string `json:"block_id"`
		}
		_ = lenient(raw, &known)
		out = append(out, rawBlock{raw, known.Type, known.ID})
	}
	return out
}

// cardAtWork is a message of ours whose button makes something: while that goes
// on, a line stands where the buttons were.
type cardAtWork struct {
	s       *Sink
	channel string
	ts      string
	text    string
	before  []slackgo.Block
	at      int // of the buttons among the blocks; negative where the card stays as it is
	who     string
	in      language.Speaker
	links   []slackgo.Block // what is left of the buttons: those that open a page
}

// working puts the line there.
func (s *Sink) working(ctx context.Context, in inbound, q command.Request) cardAtWork {
	c := cardAtWork{s: s, channel: in.at.channel, ts: in.message.TS, text: in.message.Text, before: rawBlocks(in.message.Blocks), at: -1}
	c.who = cmp.Or(q.Principal.Name, "somebody")
	if in.at.ephemeral || c.ts == "" {
		return c
	}
	c.at = slices.IndexFunc(c.before, func(b slackgo.Block) bool {
		return b.ID() == in.press.block && in.press.block != "" && b.BlockType() == slackgo.MBTAction
	})
	if c.at >= 0 {
		c.links = linksIn(in.message.Blocks[c.at])
	}
	c.in = language.Match(q.Locale)
	c.show(ctx, ":hourglass_flowing_sand: ", c.in.Say("Working … (asked for by %s)", c.who))
	return c
}

// linksIn is a block of buttons without those that do something; none where no
// other is left.
func linksIn(raw json.RawMessage) []slackgo.Block {
	var row struct {
		Elements []json.RawMessage `json:"elements"`
	}
	_ = lenient(raw, &row)
	kept := slices.DeleteFunc(row.Elements, func(e json.RawMessage) bool {
		var button struct {
			URL string `json:"url"`
		}
		return lenient(e, &button) != nil || button.URL == ""
	})
	if len(kept) == 0 {
		return nil
	}
	out, err := json.Marshal(map[string]any{"type": slackgo.MBTAction, "elements": kept})
	if err != nil {
		return nil
	}
	return []slackgo.Block{rawBlock{out, string(slackgo.MBTAction), ""}}
}

// done says in the card what came of it, or gives the buttons back.
func (c cardAtWork) done(ctx context.Context, a command.Answer) {
	switch {
	case a.OK:
		text := cmp.Or(a.Reply.Text, c.in.Say("Done."))
		c.show(ctx, ":white_check_mark: ", text+" ("+c.who+")")
	case a.Problem != nil && a.Problem.Unknown:
		c.show(ctx, ":grey_question: ", a.Problem.Message)
	case c.at >= 0 && !a.Running:
		_ = c.s.change(ctx, c.channel, c.ts, body{text: c.text, blocks: c.before})
	}
}

// show is best effort: the answer itself goes its own way.
func (c cardAtWork) show(ctx context.Context, icon, said string) {
	if c.at < 0 {
		return
	}
	line := slackgo.NewContextBlock("", slackgo.NewTextBlockObject(slackgo.MarkdownType, icon, false, true), plainText(oneLine(said), maxExcerpt))
	blocks := slices.Concat(c.before[:c.at], []slackgo.Block{line}, c.links, c.before[c.at+1:])
	if bad := c.s.change(ctx, c.channel, c.ts, body{text: c.text, blocks: blocks}); bad != nil {
		c.s.log.DebugContext(ctx, "card not changed", "err", bad)
	}
}

// inPlace shows that a private message's command is at work, in its place.
func (o *answering) inPlace(ctx context.Context) {
	switch {
	case o.to.View != "":
		_ = o.s.showView(ctx, o.to.View, workingView(language.Match(o.to.Locale), "")) // its end comes all the same
	case o.to.Replace:
		o.respond(ctx, draft{head: "Working …"}, "ephemeral")
		o.to.Replace = true
	}
}
