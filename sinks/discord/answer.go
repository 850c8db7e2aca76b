package discord

import (
	"cmp"
	"context"
	"fmt"
	"regexp"
	"strings"

	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/bridge/command"
	"github.com/imaginebridge/imaginebridge/internal/language"
)

const (
	maxListed = 10 // rows of a list, as many as embeds have room

	chooserID = pressPrefix + "choose" // the menu of what can be done with the rows of a list
)

// sentence is an answer of words alone.
func sentence(text string) reply {
	return reply{Content: words(text, maxContent), Embeds: []embed{}, Components: []row{}, AllowedMentions: nobody()}
}

// anyLink is a link as block leaves it.
var anyLink = regexp.MustCompile(`https?://\S+`)

// words is text for a message's own content: escaped, and its links without
// preview.
func words(text string, limit int) string {
	text = block(text, limit)
	wrapped := anyLink.ReplaceAllString(text, "<$0>")
	if units(wrapped) > limit {
		return text
	}
	return wrapped
}

// problem is a failure as people read it: one sentence, the next step, buttons.
func (s *Sink) problem(ctx context.Context, guild, agent string, p *command.Problem) reply {
	r := sentence(p.Error())
	r.Components = s.buttons(ctx, guild, agent, p.Buttons)
	return r
}

// buttons draws actions as rows.
func (s *Sink) buttons(ctx context.Context, guild, agent string, actions []bridge.Action) []row {
	out := rows(actions, s.ids(ctx, actions, agent, guild))
	if out == nil {
		return []row{}
	}
	return out
}

// answer draws what became of a command.
func (s *Sink) answer(ctx context.Context, guild string, q command.Request, a command.Answer) reply {
	agent := a.Agent
	if agent == "" {
		agent = q.Agent
	}
	switch {
	case a.Problem != nil:
		return s.problem(ctx, guild, agent, a.Problem)
	case a.NeedsConfirm:
		return s.question(ctx, guild, agent, q, a)
	}
	return s.shown(ctx, guild, agent, q.Locale, a)
}

// question asks before what can't be undone.
func (s *Sink) question(ctx context.Context, guild, agent string, q command.Request, a command.Answer) reply {
	r, in := sentence(a.Question), language.Match(q.Locale)
	p := press{Group: q.Group, Verb: q.Verb, Agent: agent, Args: map[string]string{}, Confirmed: true}
	for name, value := range q.Values {
		if w := written(value); w != "" && !s.secret(q, name) {
			p.Args[name] = w
		}
	}
	if len(q.Files) > 0 {
		p.Files = shortKey([]byte(q.ID + " files"))
		s.visits.hold(p.Files, q.Files)
	}
	if id := s.customID(ctx, p, guild); id != "" {
		r.Components = []row{{Type: kindRow, Components: []button{
			{Type: kindButton, Style: styleDanger, Label: cmp.Or(a.Agree, in.Say("Yes, do it")), CustomID: id},
			{Type: kindButton, Style: styleCalm, Label: in.Say("No"), CustomID: neverID},
		}}}
	}
	return r
}

// secret reports an argument that is bound to nothing.
func (s *Sink) secret(q command.Request, name string) bool {
	spec := s.spec(q.Group, q.Verb)
	if spec == nil {
		return true
	}
	a, _ := spec.Arg(name)
	return a.Secret
}

// neverID is the button that takes a question back.
const neverID = pressPrefix + "never"

// shown draws what a command gives: one card whole, several as a list.
func (s *Sink) shown(ctx context.Context, guild, agent, locale string, a command.Answer) reply {
	r, in := sentence(a.Reply.Text), language.Match(locale)
	var actions []bridge.Action
	if a.Reply.More != nil {
		actions = append(actions, bridge.Action{Label: in.Say("More"), Command: strings.TrimSpace(a.Group + " " + a.Verb), Args: a.Reply.More})
	}
	if a.Reply.Undo != nil {
		actions = append(actions, *a.Reply.Undo)
	}
	switch n := len(a.Reply.Messages); n {
	case 0:
		r.Components = s.buttons(ctx, guild, agent, actions)
	case 1:
		m := a.Reply.Messages[0]
		m.Actions = bridge.Merge(m.Actions, actions)
		c := render(m, false, "", s.ids(ctx, m.Actions, agent, guild)...)
		r.Embeds, r.Components = c.embeds, append([]row{}, c.rows...)
	default:
		r.Embeds = list(a.Reply.Messages)
		r.Components = append(s.chooser(ctx, guild, agent, in, a.Reply.Messages), s.buttons(ctx, guild, agent, actions)...)
	}
	if r.Content == "" && len(r.Embeds) == 0 {
		r.Content = in.Say("Done.")
	}
	return r
}

// list draws several cards shortly, one embed each.
func list(messages []bridge.Message) []embed {
	messages = messages[:min(len(messages), maxListed)]
	share := maxEmbeds / len(messages)
	out := make([]embed, 0, len(messages))
	for i, m := range messages {
		e := embed{Title: inline(m.Title, 80), Color: color(m), Author: author(m.Author), URL: safeURL(m.Link, maxURL), Footer: footer(m)}
		if e.Author != nil {
			e.Author.Name = plain(fmt.Sprintf("%d. %s", i+1, e.Author.Name), 80)
			e.Author.URL = safeURL(m.Author.URL, maxURL)
		} else if e.Title != "" {
			e.Title = fmt.Sprintf("%d. %s", i+1, e.Title)
		}
		if e.Footer != nil {
			e.Footer.Text = plain(e.Footer.Text, 120)
		}
		if e.Title == "" && e.Author != nil && e.Author.URL == "" {
			e.Author.URL = e.URL // an embed's own address shows on its title alone
		}
		if !m.At.IsZero() {
			e.Timestamp = m.At.UTC().Format("2006-01-02T15:04:05.000Z")
		}
		e.Description = description(m, false, max(60, share-e.size()-130))
		room := share - e.size()
		for _, f := range fields(m, false, room) {
			if len(e.Fields) < 3 {
				e.Fields = append(e.Fields, f)
			}
		}
		if e.URL != "" && e.Title == "" {
			e.URL = "" // the same address twice would join two embeds
		}
		if e.Author == nil && e.Title == "" && e.Description == "" {
			e.Title = strings.TrimSpace(fmt.Sprintf("%d. %s", i+1, inline(m.Event, 60)))
		}
		out = append(out, e)
	}
	unlike(out)
	return out
}

// unlike takes repeated addresses away: Discord shows only the first embed of one.
func unlike(list []embed) {
	seen := map[string]bool{}
	for i := range list {
		if seen[list[i].URL] {
			list[i].URL = ""
		}
		seen[list[i].URL] = list[i].URL != ""
	}
}

// chooser is a menu of what can be done with the rows of a list: buttons have no
// room for ten rows.
func (s *Sink) chooser(ctx context.Context, guild, agent string, in language.Speaker, messages []bridge.Message) []row {
	m := button{Type: kindSelect, CustomID: chooserID, Placeholder: in.Say("Do something with one of these")}
	seen := map[string]bool{}
	for i, card := range messages[:min(len(messages), maxListed)] {
		ids := s.ids(ctx, card.Actions, agent, guild)
		for j, a := range card.Actions {
			if ids[j] == "" || seen[ids[j]] || len(m.Options) == maxChoices {
				continue
			}
			seen[ids[j]] = true
			m.Options = append(m.Options, menuOption{
				Label: plain(fmt.Sprintf("%d · %s", i+1, a.Label), maxChoiceText), Value: ids[j], Description: plain(gist(card), 60),
			})
		}
	}
	if len(m.Options) == 0 {
		return []row{}
	}
	return []row{{Type: kindRow, Components: []button{m}}}
}

// gist tells a row from others.
func gist(m bridge.Message) string {
	who := ""
	if m.Author != nil {
		who = m.Author.Name
		if who == "" {
			who = m.Author.Handle
		}
	}
	what := m.Text
	if what == "" {
		what = m.Title
	}
	if who != "" && what != "" {
		return who + ": " + what
	}
	return who + what
}
