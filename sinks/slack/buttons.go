package slack

import (
	"maps"
	"slices"
	"strconv"

	slackgo "github.com/slack-go/slack"

	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/bridge/command"
)

const maxMenu = 5 // entries of an overflow menu

// actions shows the buttons: those that open a page and, where commands are
// taken, those that do something. What is too much for one row goes into a menu.
func (p *page) actions() {
	var row []slackgo.BlockElement
	first, rest := inRow(p.msg.Actions)
	used := map[string]int{}
	for _, a := range p.oneLeads(first) {
		if b := p.button(a, used); b != nil {
			row = append(row, b)
		}
	}
	if menu := p.menu(rest); menu != nil {
		row = append(row, menu)
	}
	if len(row) > 0 {
		p.add(slackgo.NewActionBlock("", row...))
	}
}

// oneLeads lets one button of the message stand out, the first that is to: of
// several none would (Slack docs: "Button element", style).
func (p *page) oneLeads(actions []bridge.Action) []bridge.Action {
	out := slices.Clone(actions)
	for i := range out {
		out[i].Primary = out[i].Primary && !p.led
		p.led = p.led || out[i].Primary
	}
	return out
}

// inRow chooses the buttons of the row: all where they fit, else the first
// commands and the first pages. rest are the others.
func inRow(actions []bridge.Action) (row, rest []bridge.Action) {
	if len(actions) <= maxButtons {
		return actions, nil
	}
	var acts, links []bridge.Action
	for _, a := range actions {
		if a.URL != "" {
			links = append(links, a)
		} else {
			acts = append(acts, a)
		}
	}
	links = links[:min(len(links), maxButtons-min(len(acts), maxButtons-1))]
	room := min(len(acts), maxButtons-len(links))
	return append(acts[:room:room], links...), acts[room:]
}

// button is one button; nil where it can't be one. used counts the action ids of
// the block, which must differ.
func (p *page) button(a bridge.Action, used map[string]int) *slackgo.ButtonBlockElement {
	label := cut(oneLine(a.Label), maxButton)
	if blank(label) {
		return nil
	}
	b := slackgo.NewButtonBlockElement("", "", nil)
	if a.URL != "" {
		address, ok := webURL(a.URL)
		if !ok {
			return nil
		}
		b.ActionID, b.URL = idOpen, address
	} else if !p.acts(a) || !p.arm(b, a) {
		return nil
	}
	if n := used[b.ActionID]; n > 0 {
		used[b.ActionID]++
		b.ActionID += ":" + strconv.Itoa(n)
	} else {
		used[b.ActionID] = 1
	}
	b.Text = p.plain(label)
	switch {
	case a.Danger:
		b.Style = slackgo.StyleDanger
	case a.Primary:
		b.Style = slackgo.StylePrimary
	}
	return b
}

// acts reports a button that has a command to run here.
func (p *page) acts(a bridge.Action) bool {
	if a.Command == idCancel || a.Command == idHelp {
		return true
	}
	if !p.bind.on {
		return false
	}
	_, ok := bound{Command: dotted(a.Command)}.spec()
	return ok
}

// arm gives a button its command. One that can't be undone asks in a dialog of
// its own, whose yes is the value that comes back.
func (p *page) arm(b *slackgo.ButtonBlockElement, a bridge.Action) bool {
	if a.Command == idCancel || a.Command == idHelp {
		b.ActionID, b.Value = a.Command, a.Args["topic"]
		return true
	}
	b.ActionID = idPrefix + dotted(a.Command)
	spec, _ := bound{Command: dotted(a.Command)}.spec()
	_, form := a.Args[command.Form]
	_, asked := a.Args[sure]
	if spec.Confirm && !form && !asked && spec.Question != "" {
		b.Confirm = confirmation(spec, a)
		a.Args = with(a.Args, sure, "yes")
	}
	b.Value = p.bind.bind(p.msg.Agent, a, maxButtonValue, false)
	return b.Value != ""
}

func confirmation(spec *command.Spec, a bridge.Action) *slackgo.ConfirmationBlockObject {
	plain := func(text string, most int) *slackgo.TextBlockObject {
		return slackgo.NewTextBlockObject(slackgo.PlainTextType, cut(oneLine(text), most), false, false)
	}
	return slackgo.NewConfirmationBlockObject(plain(spec.Summary, 100), plain(spec.Question, 300), plain(a.Label, 30), plain("Cancel", 30)).
		WithStyle(slackgo.StyleDanger)
}

func with(args map[string]string, name, value string) map[string]string {
	out := map[string]string{}
	maps.Copy(out, args)
	out[name] = value
	return out
}

// menu holds the commands that have no room as buttons; nil for none.
func (p *page) menu(actions []bridge.Action) *slackgo.OverflowBlockElement {
	var options []*slackgo.OptionBlockObject
	for _, a := range actions {
		label := cut(oneLine(a.Label), maxButton)
		if a.URL != "" || blank(label) || !p.acts(a) || len(options) == maxMenu {
			continue
		}
		value := p.bind.bind(p.msg.Agent, a, maxOptionValue, true)
		same := func(o *slackgo.OptionBlockObject) bool { return o.Value == value } // Slack refuses the whole message
		if fits(value) && !slices.ContainsFunc(options, same) {
			options = append(options, slackgo.NewOptionBlockObject(value, p.plain(label), nil))
		}
	}
	if len(options) == 0 {
		return nil
	}
	return slackgo.NewOverflowBlockElement(idMore, options...)
}
