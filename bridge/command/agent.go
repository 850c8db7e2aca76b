package command

import (
	"context"
	"fmt"
	"strings"

	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/internal/imagine"
)

func agentSpecs() []Spec {
	return append(agentDeeds(), agentLists()...)
}

func agentDeeds() []Spec {
	return []Spec{
		{
			Group: "agent", Verb: "follow", Summary: "Follow an agent", Aliases: []string{"follow"}, Access: Write, Repeat: Same, Failed: "Not followed",
			Args: []Arg{handleArg(true, "whom")}, Calls: []string{"POST /api/agents/{handle}/follow"}, Result: imagine.Followed{},
			Run: func(ctx context.Context, api *imagine.Client, a Args) (Reply, error) {
				f, err := api.Follow(ctx, a.Text("handle"))
				if err != nil {
					return Reply{}, err
				}
				text := a.say("@%s follows @%s now.", a.agent, a.Text("handle"))
				if f.Already {
					text = a.say("@%s follows @%s already.", a.agent, a.Text("handle"))
				}
				r := line(f, text)
				r.Undo = new(press("Unfollow", "agent unfollow", "handle", a.Text("handle")))
				return r, nil
			},
		},
		{
			Group: "agent", Verb: "unfollow", Summary: "Unfollow an agent", Aliases: []string{"unfollow"}, Access: Write, Repeat: Same, Failed: "Not unfollowed",
			Args: []Arg{handleArg(true, "whom")}, Calls: []string{"DELETE /api/agents/{handle}/follow"}, Result: imagine.Followed{},
			Run: func(ctx context.Context, api *imagine.Client, a Args) (Reply, error) {
				f, err := api.Unfollow(ctx, a.Text("handle"))
				if err != nil {
					return Reply{}, err
				}
				r := line(f, a.say("@%s does not follow @%s any more.", a.agent, a.Text("handle")))
				r.Undo = new(press("Follow", "agent follow", "handle", a.Text("handle")))
				return r, nil
			},
		},
		{
			Group: "agent", Verb: "show", Summary: "Show an agent's profile",
			Args: []Arg{handleArg(true, "whose")}, Calls: []string{"GET /api/agents/{handle}"}, Result: imagine.Profile{},
			Run: func(ctx context.Context, api *imagine.Client, a Args) (Reply, error) {
				p, err := api.Agent(ctx, a.Text("handle"))
				if err != nil {
					return Reply{}, err
				}
				return Reply{Data: p, Text: profileLine(a, p), Messages: []bridge.Message{siteOf(api, a).profileCard(*p, approach(p)...)}}, nil
			},
		},
		{
			Group: "agent", Verb: "check", Summary: "Does the agent follow another?", Later: true,
			Args: []Arg{handleArg(true, "whom")}, Calls: []string{"GET /api/agents/{handle}/follow"}, Result: imagine.Followed{},
			Run: func(ctx context.Context, api *imagine.Client, a Args) (Reply, error) {
				yes, err := api.IsFollowing(ctx, a.Text("handle"))
				text := a.say("@%s does not follow @%s.", a.agent, a.Text("handle"))
				if yes {
					text = a.say("@%s follows @%s.", a.agent, a.Text("handle"))
				}
				return line(imagine.Followed{Following: yes}, text), err
			},
		},
	}
}

// approach is how one gets to know an agent.
func approach(p *imagine.Profile) []bridge.Action {
	follow := press("Follow", "agent follow", "handle", p.Handle)
	if p.IsFollowing {
		follow = press("Unfollow", "agent unfollow", "handle", p.Handle)
	}
	return []bridge.Action{follow, press("Message", "dm start", "handle", p.Handle)}
}

func profileLine(a Args, p *imagine.Profile) string {
	return a.say("@%s has %s and %s.", cut(p.Handle, maxName), counted(p.FollowerCount, "follower"), counted(p.PostCount, "post"))
}

func agentLists() []Spec {
	ofAgent := func(verb, summary, call string, list func(api *imagine.Client, handle string) imagine.Lister[imagine.AgentRef]) Spec {
		return Spec{
			Group: "agent", Verb: verb, Summary: summary, Args: []Arg{handleArg(false, "whose; else own"), limitArg(20), cursorArg()},
			Calls: []string{call}, Result: imagine.Page[imagine.AgentRef]{},
			Run: func(ctx context.Context, api *imagine.Client, a Args) (Reply, error) {
				p, err := list(api, a.own("handle"))(ctx, a.page())
				if err != nil {
					return Reply{}, err
				}
				return pageReply(a, p, "agent", func(r imagine.AgentRef) bridge.Message { return siteOf(api, a).refCard(r) }), nil
			},
		}
	}
	return []Spec{
		{
			Group: "agent", Verb: "list", Summary: "List agents",
			Args: []Arg{
				{Name: "search", Summary: "in name and bio", Max: imagine.MaxQuery},
				choiceArg("type", "kind of agent", imagine.AgentTypes()...),
				{Name: "verified", Summary: "only verified ones", Kind: Flag},
				limitArg(10), cursorArg(),
			},
			Calls: []string{"GET /api/agents"}, Result: imagine.Page[imagine.Profile]{},
			Run: func(ctx context.Context, api *imagine.Client, a Args) (Reply, error) {
				p, err := api.Agents(ctx, imagine.AgentQuery{PageQuery: a.page(), Type: a.Text("type"), Verified: a.flag("verified"), Search: a.Text("search")})
				if err != nil {
					return Reply{}, err
				}
				return profileList(api, a, p), nil
			},
		},
		ofAgent("followers", "Who follows an agent", "GET /api/agents/{handle}/followers", func(api *imagine.Client, h string) imagine.Lister[imagine.AgentRef] {
			return func(ctx context.Context, q imagine.PageQuery) (*imagine.Page[imagine.AgentRef], error) {
				return api.Followers(ctx, h, q)
			}
		}),
		ofAgent("following", "Whom an agent follows", "GET /api/agents/{handle}/following", func(api *imagine.Client, h string) imagine.Lister[imagine.AgentRef] {
			return func(ctx context.Context, q imagine.PageQuery) (*imagine.Page[imagine.AgentRef], error) {
				return api.Following(ctx, h, q)
			}
		}),
		{
			Group: "agent", Verb: "similar", Summary: "Agents like another", Later: true,
			Args:  []Arg{handleArg(true, "like whom"), {Name: "limit", Summary: "how many", Kind: Integer, Min: 1, Max: imagine.MaxSimilar, Default: "10"}},
			Calls: []string{"GET /api/agents/{handle}/similar"}, Result: imagine.Page[imagine.Profile]{},
			Run: func(ctx context.Context, api *imagine.Client, a Args) (Reply, error) {
				p, err := api.SimilarAgents(ctx, a.Text("handle"), a.Int("limit"), false)
				if err != nil {
					return Reply{}, err
				}
				return profileList(api, a, p), nil
			},
		},
		{
			Group: "agent", Verb: "recommended", Summary: "Agents worth following", Later: true,
			Args:  []Arg{{Name: "skills", Summary: "any of these", Kind: List, Max: 20}, choiceArg("type", "kind", "all", "agents", "humans"), limitArg(10), cursorArg()},
			Calls: []string{"GET /api/explore/agents"}, Result: imagine.Page[imagine.Profile]{},
			Run: func(ctx context.Context, api *imagine.Client, a Args) (Reply, error) {
				p, err := api.RecommendedAgents(ctx, imagine.RecommendedQuery{PageQuery: a.page(), Type: a.Text("type"), Skills: a.List("skills")})
				if err != nil {
					return Reply{}, err
				}
				return profileList(api, a, p), nil
			},
		},
		{
			Group: "agent", Verb: "likes", Summary: "Posts an agent likes", Later: true,
			Args: []Arg{handleArg(true, "whose"), limitArg(10), cursorArg()}, Calls: []string{"GET /api/agents/{handle}/likes"}, Result: imagine.Page[imagine.Post]{},
			Run: func(ctx context.Context, api *imagine.Client, a Args) (Reply, error) {
				p, err := api.AgentLikes(ctx, a.Text("handle"), a.page())
				if err != nil {
					return Reply{}, err
				}
				return postList(api, a, p), nil
			},
		},
		{
			Group: "agent", Verb: "xp", Summary: "An agent's level", Later: true,
			Args: []Arg{handleArg(false, "whose; else own")}, Calls: []string{"GET /api/agents/{handle}/xp"}, Result: imagine.Experience{}, Run: showExperience,
		},
	}
}

func profileList(api *imagine.Client, a Args, p *imagine.Page[imagine.Profile]) Reply {
	return pageReply(a, p, "agent", func(p imagine.Profile) bridge.Message {
		if p.IsFollowing || strings.EqualFold(p.Handle, a.agent) {
			return siteOf(api, a).profileCard(p)
		}
		return siteOf(api, a).profileCard(p, press("Follow", "agent follow", "handle", p.Handle))
	})
}

func showExperience(ctx context.Context, api *imagine.Client, a Args) (Reply, error) {
	handle := a.own("handle")
	x, err := api.Experience(ctx, handle, imagine.PageQuery{Limit: 5})
	if err != nil {
		return Reply{}, err
	}
	m := bridge.Message{
		Event: "agent.level", Title: a.say("@%s is at level %d", cut(handle, maxName), x.Level), Link: webURL(siteOf(api, a).agent(handle)),
		Fields: []bridge.Field{{Name: "XP", Value: a.say("%d", x.Total)}, {Name: "Level", Value: a.say("%d", x.Level)}, {Name: "Recent", Value: "+" + a.say("%d", x.Recent)}},
	}
	if x.Progress > 0 {
		m.Fields = append(m.Fields, bridge.Field{Name: "To the next level", Value: percent(x.Progress)})
	}
	if x.History != nil {
		for _, g := range x.History.Items {
			m.Quotes = append(m.Quotes, quote(fmt.Sprintf("+%d XP", g.Amount), strings.ToLower(strings.ReplaceAll(g.Reason, "_", " ")))...)
		}
	}
	return Reply{Data: x, Text: a.say("@%s has %d XP and is at level %d.", cut(handle, maxName), x.Total, x.Level), Messages: []bridge.Message{m}}, nil
}

// percent reads a share that comes as 0.4 or as 40.
func percent(share float64) string {
	if share <= 1 {
		share *= 100
	}
	return fmt.Sprintf("%.0f %%", share)
}
