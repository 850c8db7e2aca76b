package slack

import (
	"maps"
	"slices"
	"strings"

	slackgo "github.com/slack-go/slack"

	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/bridge/command"
	"github.com/imaginebridge/imaginebridge/internal/language"
)

// Limits of an answer, so that each message keeps within those of Slack.
const (
	maxFullCards = 3  // more are shown as a list
	maxRows      = 20 // of a list in one message
	maxDrafts    = 3
	maxHead      = 2000
	maxRowText   = 200
)

// draft is one message of an answer.
type draft struct {
	head    string // a sentence of ours, with foreign words in it
	hint    string
	note    string // where the answer stands, in Slack's own words
	cards   []bridge.Message
	agent   string
	list    bool
	dropped int // cards that had no room
	actions []bridge.Action
	in      language.Speaker
	more    int // pages or cards that are not shown
}

// draftsOf lays out an answer: at least one message, at most three.
func draftsOf(a command.Answer) []draft {
	switch {
	case a.NeedsConfirm:
		return []draft{{head: a.Question, agent: a.Agent}}
	case a.Problem != nil:
		return []draft{{head: a.Problem.Message, hint: a.Problem.Hint, agent: a.Agent, actions: a.Problem.Buttons}}
	}
	r := a.Reply
	cards := r.Messages
	first := draft{head: r.Text, agent: a.Agent, list: len(cards) > maxFullCards}
	if first.head == "" && len(cards) == 0 {
		first.head = "Done."
	}
	if len(cards) == 1 && tells(cards[0], r.Text) {
		first.head = ""
	}
	out := []draft{first}
	room := maxFullCards
	if first.list {
		room = maxRows
	}
	left := 0
	for i, c := range cards {
		if last := &out[len(out)-1]; len(last.cards) < room {
			last.cards = append(last.cards, c)
		} else if len(out) < maxDrafts {
			out = append(out, draft{agent: a.Agent, list: first.list, cards: []bridge.Message{c}})
		} else {
			left = len(cards) - i
			break
		}
	}
	end := &out[len(out)-1]
	if left > 0 {
		end.more = left
	}
	if r.Undo != nil && !slices.ContainsFunc(cards, func(m bridge.Message) bool { return offers(m, *r.Undo) }) {
		end.actions = append(end.actions, *r.Undo)
	}
	if len(r.More) > 0 && a.Group != "" {
		end.actions = append(end.actions, bridge.Action{Label: "More", Command: a.Group + " " + a.Verb, Args: r.More})
	}
	return out
}

// tells reports a card that holds a sentence anyhow.
func tells(m bridge.Message, text string) bool {
	bare := func(s string) string { return strings.ToLower(strings.TrimRight(oneLine(s), ".! ")) }
	return strings.Contains(bare(sentence(m)), bare(text))
}

// offers reports a card that has a button for the same already.
func offers(m bridge.Message, a bridge.Action) bool {
	return slices.ContainsFunc(m.Actions, func(b bridge.Action) bool { return b.Command == a.Command && maps.Equal(b.Args, a.Args) })
}

// spoken is the draft in a language, as far as it is not in one yet.
func (d draft) spoken(locale string) draft {
	d.in = language.Match(locale)
	if d.more > 0 {
		d.hint, d.more = strings.TrimSpace(d.hint+" "+d.in.Say("and %d more", d.more)), 0
	}
	d.head, d.hint, d.actions = d.in.Word(d.head), d.in.Word(d.hint), slices.Clone(d.actions)
	for i := range d.actions {
		d.actions[i].Label = d.in.Word(d.actions[i].Label)
	}
	return d
}

// body is the draft as a message, in a shorter form where it would hold more
// words than Slack takes.
func (d draft) body(bind binder, f form) body {
	for {
		p, said := d.page(bind, f)
		if p.spent > maxTotal && len(d.cards) > 0 {
			d = d.shorter()
			continue
		}
		text := strings.Join(said, "\n")
		if blank(text) {
			text = d.in.Word("Done.")
		}
		out := body{text: escape(cutEscaped(quiet(text), maxFallback)), blocks: p.blocks, spent: p.spent, kept: bind.kept}
		if f == textOnly {
			out.blocks = nil
		}
		return out
	}
}

// shorter is a list in place of cards, then one without its last row.
func (d draft) shorter() draft {
	if d.list {
		d.cards, d.dropped = d.cards[:len(d.cards)-1], d.dropped+1
	}
	d.list = true
	return d
}

func (d draft) page(bind binder, f form) (p page, said []string) {
	p = page{form: f, bind: bind}
	if head := cut(clean(d.head), maxHead); !blank(head) {
		said = append(said, head)
		p.add(slackgo.NewSectionBlock(p.plain(head), nil, nil))
	}
	for _, m := range d.cards {
		said = append(said, sentence(m))
		if d.list {
			p.row(m)
		} else {
			p.card(m)
		}
	}
	hint := d.hint
	if d.dropped > 0 {
		hint = strings.TrimSpace(d.in.Say("%d more have no room here.", d.dropped) + " " + hint)
	}
	if hint = cut(clean(hint), maxHead); !blank(hint) {
		said = append(said, hint)
		p.add(slackgo.NewContextBlock("", p.plain(hint)))
	}
	if d.note != "" {
		p.add(slackgo.NewContextBlock("", p.mrkdwn(":arrow_right: "+d.note)))
	}
	p.msg = bridge.Message{Agent: d.agent, Actions: d.actions}
	p.actions()
	return p, said
}

// card adds a message as a relayed one looks.
func (p *page) card(m bridge.Message) {
	m.Actions = p.oneLeads(m.Actions)
	b := p.bind.render(bridge.Delivery{Message: m}, p.form, false)
	p.blocks, p.spent = append(p.blocks, b.blocks...), p.spent+b.spent
}

// row adds a message as one of a list: who, what, and what one can do in a menu.
func (p *page) row(m bridge.Message) {
	p.msg = m
	at := len(p.blocks)
	p.headline()
	if menu := p.menu(m.Actions); menu != nil {
		if s, ok := p.blocks[at].(*slackgo.SectionBlock); ok {
			s.Accessory = slackgo.NewAccessory(menu)
		}
	}
	text := cut(oneLine(m.Text), maxRowText)
	if blank(text) && len(m.Quotes) > 0 {
		label, said := quoteLine(m.Quotes[0], maxRowText)
		text = strings.TrimSpace(label + " " + said)
	}
	parts := []string{text, cut(oneLine(m.Footnote), maxName)}
	for _, f := range m.Fields[:min(3, len(m.Fields))] {
		parts = append(parts, cut(oneLine(f.Name+" "+f.Value), maxName))
	}
	var shown []slackgo.MixedElement
	for _, part := range parts {
		if !blank(part) {
			shown = append(shown, p.plain(part))
		}
	}
	if len(shown) > 0 {
		p.add(slackgo.NewContextBlock("", shown...))
	}
}
