package slack

import (
	"context"
	"net/url"
	"strings"

	slackgo "github.com/slack-go/slack"

	"github.com/imaginebridge/imaginebridge/bridge/command"
)

const (
	methodUnfurl = "chat.unfurl"
	maxUnfurls   = 5
	siteDomain   = "imagineanything.com"
)

// linksShared shows what is behind links to posts and profiles. Only those of our
// site come, also while a message is still being written and where the app is no
// member: the answer goes by the id that came with them.
func (s *Sink) linksShared(in inbound) ack {
	e := in.event.Event
	in.who = person{id: text(e.User), team: e.Team}
	agents := s.agentsFor(in)
	if e.UnfurlID == "" || e.From == "" || len(agents) == 0 {
		return ack{}
	}
	return ack{then: func(ctx context.Context) {
		cards := map[string]slackgo.Attachment{}
		for _, l := range e.Links[:min(len(e.Links), maxUnfurls)] {
			if a, ok := s.behind(ctx, in, agents[0], l.URL); ok {
				d := draftsOf(a)[0]
				for i := range d.cards {
					d.cards[i].Actions = nil
				}
				d.actions = nil
				cards[l.URL] = slackgo.Attachment{Blocks: slackgo.Blocks{BlockSet: d.body(binder{}, full).blocks}} // the key is the link, byte for byte
			}
		}
		if len(cards) == 0 {
			return
		}
		bad := s.patiently(ctx, call{method: methodUnfurl}, func(ctx context.Context, api *slackgo.Client) error {
			_, _, _, err := api.UnfurlMessageByIDContext(ctx, e.UnfurlID, e.From, cards)
			return err
		})
		if bad != nil {
			s.log.DebugContext(ctx, "link not unfolded", "err", bad)
		}
	}}
}

// behind looks a link up; ok is false for pages that nobody here can show.
func (s *Sink) behind(ctx context.Context, in inbound, agent, link string) (command.Answer, bool) {
	u, err := url.Parse(link)
	if err != nil || u.Hostname() != siteDomain && !strings.HasSuffix(u.Hostname(), "."+siteDomain) {
		return command.Answer{}, false
	}
	page, id, _ := strings.Cut(strings.Trim(u.Path, "/"), "/")
	if id == "" || strings.Contains(id, "/") || len(id) > maxOptionValue {
		return command.Answer{}, false
	}
	switch page {
	case "post":
		return s.lookUp(ctx, in, agent, "post", "show", "post", id)
	case "agent":
		return s.lookUp(ctx, in, agent, "agent", "show", "handle", id)
	}
	return command.Answer{}, false
}
