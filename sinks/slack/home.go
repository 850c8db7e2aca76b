package slack

import (
	"context"
	"strings"
	"time"

	slackgo "github.com/slack-go/slack"

	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/bridge/command"
	"github.com/imaginebridge/imaginebridge/internal/language"
)

const (
	methodPublish = "views.publish"
	homeGap       = time.Minute
	maxHomeAgents = 3
	maxRecent     = 5
)

// homeOpened draws a person's home, once a minute at most.
func (s *Sink) homeOpened(in inbound) ack {
	e := in.event.Event
	in.who = person{id: text(e.User)}
	if e.Tab != "" && e.Tab != "home" || in.who.id == "" {
		return ack{}
	}
	if at, ok := s.homes.get(in.who.id); ok && time.Since(at) < homeGap {
		return ack{}
	}
	s.homes.put(in.who.id, time.Now())
	return ack{then: func(ctx context.Context) { s.publishHome(ctx, in, e.View.Hash) }}
}

// refreshHome draws a home again after its owner changed something from it.
func (s *Sink) refreshHome(ctx context.Context, in inbound) {
	s.homes.put(in.who.id, time.Now())
	s.publishHome(ctx, in, "")
}

// publishHome reads what a home shows, as the person, and shows it. Where somebody
// was faster, theirs stays.
func (s *Sink) publishHome(ctx context.Context, in inbound, hash string) {
	p, reader := page{bind: s.binder()}, language.Match(s.reader(ctx, in.at.team, in.who.id).Locale)
	p.add(slackgo.NewHeaderBlock(p.plain("ImagineBridge")))
	agents := s.agentsFor(in)
	if len(agents) == 0 {
		p.add(slackgo.NewSectionBlock(p.plain(reader.Say("No agent is connected here yet.")), nil, nil))
		s.setUp(in, &p, true)
	}
	for _, agent := range agents[:min(len(agents), maxHomeAgents)] {
		s.homeOf(ctx, in, &p, agent)
	}
	if len(agents) > 0 {
		p.add(slackgo.NewDividerBlock())
		s.setUp(in, &p, false)
	}
	p.add(slackgo.NewContextBlock("", p.plain(reader.Say("Answer in the thread of a card, press its buttons, or type /ia help."))))
	s.keep(ctx, p.bind.kept)
	view := slackgo.HomeTabViewRequest{Type: slackgo.VTHomeTab, CallbackID: idPrefix + "home", Blocks: slackgo.Blocks{BlockSet: p.blocks}}
	req := slackgo.PublishViewContextRequest{UserID: in.who.id, View: view}
	if hash != "" {
		req.Hash = &hash
	}
	bad := s.patiently(ctx, call{method: methodPublish}, func(ctx context.Context, api *slackgo.Client) error {
		_, err := api.PublishViewContext(ctx, req)
		return err
	})
	if bad != nil && bad.code != "hash_conflict" {
		s.log.WarnContext(ctx, "home not shown", "err", bad)
	}
}

// setUp adds what a workspace is set up by: its agents, and where their events go.
// Whoever may not do so is told whom to ask when they try.
func (s *Sink) setUp(in inbound, p *page, first bool) {
	form := map[string]string{command.Form: "yes"}
	p.msg = bridge.Message{Actions: draft{actions: []bridge.Action{
		{Label: "Connect an agent", Command: "connect agent", Args: form, Primary: first},
		{Label: "Redeem a code", Command: "connect redeem", Args: form},
		{Label: "Show events in a channel", Command: "subscribe add", Args: form},
	}}.spoken(s.known(in.at.team, in.who.id).Locale).actions}
	p.actions()
}

// homeOf adds an agent: its card, what is unread, what runs, what is new, and what
// one can do.
func (s *Sink) homeOf(ctx context.Context, in inbound, p *page, agent string) {
	p.add(slackgo.NewDividerBlock())
	profile, ok := s.lookUp(ctx, in, agent, "profile", "show")
	if !ok && profile.Problem != nil {
		p.add(slackgo.NewSectionBlock(p.plain(cut(oneLine(profile.Problem.Error()), maxHead)), nil, nil))
		return
	}
	p.msg = bridge.Message{Agent: agent}
	parts := []string{"*" + handle(agent) + "*"}
	for _, ask := range [][2]string{{"notify", "count"}, {"generate", "pending"}} {
		if a, ok := s.lookUp(ctx, in, agent, ask[0], ask[1]); ok && a.Reply.Text != "" {
			parts = append(parts, words(cut(oneLine(a.Reply.Text), maxLine)))
		}
	}
	p.add(slackgo.NewSectionBlock(p.mrkdwn(strings.Join(parts, " · ")), nil, nil))
	for _, m := range profile.Reply.Messages[:min(1, len(profile.Reply.Messages))] {
		m.Actions = nil
		p.row(m)
	}
	p.msg = bridge.Message{Agent: agent, Actions: draft{actions: []bridge.Action{
		{Label: "New post", Command: "post create", Args: map[string]string{command.Form: "yes"}, Primary: true},
		{Label: "Generate", Command: "generate image", Args: map[string]string{command.Form: "yes"}},
		{Label: "Inbox", Command: "dm list"},
		{Label: "Statistics", Command: "stats overview"},
	}}.spoken(s.known(in.at.team, in.who.id).Locale).actions}
	p.actions()
	recent, ok := s.lookUp(ctx, in, agent, "notify", "list")
	if !ok {
		return
	}
	for i, m := range recent.Reply.Messages {
		if i == maxRecent {
			p.add(slackgo.NewContextBlock("", p.plain(s.speaker(in).Say("and %d more: %s", len(recent.Reply.Messages)-i, "/ia notify list"))))
			break
		}
		if m.Agent == "" {
			m.Agent = agent
		}
		p.row(m)
	}
}

// lookUp runs a reading command as the person; ok is false where it was refused
// or is none.
func (s *Sink) lookUp(ctx context.Context, in inbound, agent, group, verb string, values ...string) (command.Answer, bool) {
	spec, known := command.Find(group, verb)
	if !known || spec.Repeat != command.Reads {
		return command.Answer{}, false
	}
	q := s.request(in, group, verb, "look")
	q.ID, q.Agent = "", agent
	for i := 0; i+1 < len(values); i += 2 {
		q.Values[values[i]] = values[i+1]
	}
	a := s.opt.Commands(ctx, q)
	return a, a.OK
}
