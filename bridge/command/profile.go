package command

import (
	"context"
	"errors"
	"strings"

	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/internal/imagine"
)

func profileSpecs() []Spec {
	return append([]Spec{
		{
			Group: "profile", Verb: "show", Summary: "Show the agent's own profile", Aliases: []string{"me"},
			Calls: []string{"GET /api/agents/me"}, Result: imagine.Profile{},
			Run: func(ctx context.Context, api *imagine.Client, a Args) (Reply, error) {
				p, err := api.Me(ctx)
				if err != nil {
					return Reply{}, err
				}
				return Reply{Data: p, Text: profileLine(a, p), Messages: []bridge.Message{siteOf(api, a).profileCard(*p)}}, nil
			},
		},
		{
			Group: "profile", Verb: "edit", Summary: "Change the agent's profile", Access: Admin, Repeat: Same, Failed: "Not changed",
			Args: []Arg{
				{Name: "name", Summary: "shown name", Min: 1, Max: imagine.MaxName},
				{Name: "bio", Summary: "about the agent", Long: true, Clears: true, Max: imagine.MaxBio},
				{Name: "website", Summary: "https address", Clears: true, Max: imagine.MaxWebsite},
				choiceArg("type", "kind of agent", imagine.AgentTypes()...),
			},
			AnyOf: []string{"name", "bio", "website", "type"}, Calls: []string{"PATCH /api/agents/me", "GET /api/agents/me"}, Result: imagine.Profile{}, Run: editProfile,
		},
	}, append(profileLater(), capabilitySpecs()...)...)
}

func editProfile(ctx context.Context, api *imagine.Client, a Args) (Reply, error) {
	before, err := api.Me(ctx)
	if err != nil {
		return Reply{}, err
	}
	p, err := api.UpdateMe(ctx, imagine.ProfileChange{Name: a.ptr("name"), Bio: a.ptr("bio"), WebsiteURL: a.ptr("website"), AgentType: a.ptr("type")})
	if err != nil {
		return Reply{}, err
	}
	m := siteOf(api, a).profileCard(*p)
	m.Event, m.Title, m.Fields, m.Text = "agent.profile_changed", a.say("Profile changed"), nil, ""
	m.Fields = append(m.Fields, change(a, "name", "Name", before.Name, p.Name)...)
	m.Fields = append(m.Fields, change(a, "bio", "Bio", before.Bio, p.Bio)...)
	m.Fields = append(m.Fields, change(a, "website", "Website", before.WebsiteURL, p.WebsiteURL)...)
	m.Fields = append(m.Fields, change(a, "type", "Type", strings.ToLower(before.AgentType), strings.ToLower(p.AgentType))...)
	return Reply{Data: p, Text: a.say("The profile of @%s is changed.", a.agent), Messages: []bridge.Message{m}}, nil
}

// change shows a field before and after, when it was among the arguments.
func change(a Args, arg, name, before, after string) []bridge.Field {
	if !a.Has(arg) {
		return nil
	}
	show := func(s string) string {
		if s = cut(oneLine(s), maxQuote); s == "" {
			return a.say("(empty)")
		}
		return s
	}
	if show(before) == show(after) {
		return nil // given, but nothing new
	}
	return []bridge.Field{{Name: name, Value: show(before) + " → " + show(after)}}
}

func profileLater() []Spec {
	return []Spec{
		{
			Group: "profile", Verb: "avatar", Summary: "Change the agent's picture", Access: Admin, Later: true, Repeat: Same, Failed: "Not changed",
			Args:  []Arg{{Name: "file", Summary: "picture, at most 5 MB", Kind: Attachment, Required: true, Max: 1, Bytes: maxAvatar, Accept: imageTypes()}},
			Calls: []string{"POST /api/agents/me/avatar", "GET /api/agents/me"}, Result: imagine.Profile{},
			Run: func(ctx context.Context, api *imagine.Client, a Args) (Reply, error) {
				f := a.Files("file")[0]
				in, err := f.Open(ctx)
				if err != nil {
					return Reply{}, unreadable(err)
				}
				defer in.Close()
				address, err := api.SetAvatar(ctx, imagine.File{Name: f.Name, ContentType: f.ContentType, Size: f.Size, Content: in})
				if err != nil {
					return Reply{}, err
				}
				p, err := api.Me(ctx)
				if err != nil { // the picture is changed all the same
					p = &imagine.Profile{AgentRef: imagine.AgentRef{Handle: a.agent, AvatarURL: address}}
				}
				return Reply{Data: p, Text: a.say("@%s has a new picture.", a.agent), Messages: []bridge.Message{siteOf(api, a).profileCard(*p)}}, nil
			},
		},
		{
			Group: "profile", Verb: "avatar-remove", Summary: "Remove the agent's picture", Access: Admin, Later: true, Repeat: Same, Failed: "Not removed",
			Calls: []string{"DELETE /api/agents/me/avatar"}, Result: Success{},
			Run: func(ctx context.Context, api *imagine.Client, a Args) (Reply, error) {
				return success(a.say("@%s has no picture any more.", a.agent)), api.RemoveAvatar(ctx)
			},
		},
		{
			Group: "profile", Verb: "register", Summary: "Make a new agent account", Access: Admin, Private: true, Later: true, Repeat: Creates, Failed: "Not registered", Again: "Register again",
			Args: []Arg{
				{Name: "handle", Summary: "3–30 of a–z, 0–9, _", Required: true, Min: 3, Max: 30},
				{Name: "name", Summary: "shown name", Required: true, Min: 1, Max: imagine.MaxName},
				{Name: "bio", Summary: "about the agent", Long: true, Max: imagine.MaxBio},
				choiceArg("type", "kind of agent", imagine.AgentTypes()...),
			},
			Calls: []string{"POST /api/auth/register"}, Result: imagine.Registration{}, Run: register,
			Where: func(_ *imagine.Client, a Args) bridge.Action {
				return press("Look", "agent show", "handle", a.Text("handle"))
			},
		},
	}
}

// unreadable is a file whose door could not give its bytes, in the door's own
// words where it has some.
func unreadable(err error) error {
	if p, ok := errors.AsType[*Problem](err); ok {
		return p
	}
	return &ArgError{Arg: "file", Status: "file", Reason: phrase("The file could not be read."), Hint: phrase("Attach it again.")}
}

// register makes an account. Its secret is shown once by the service: where
// there is no place to keep it, nothing is made.
func register(ctx context.Context, api *imagine.Client, a Args) (Reply, error) {
	if a.keep == nil {
		return Reply{}, &Problem{Code: 501, Status: "no_store", Message: "Not registered: this bridge has no sealed store for the new agent's secret.", Hint: "Register on ImagineAnything and connect the agent with /ia connect."}
	}
	handle := bareHandle(a.Text("handle"))
	r, err := api.Register(ctx, imagine.NewAgent{Handle: handle, Name: a.Text("name"), Bio: a.Text("bio"), AgentType: a.Text("type")})
	if imagine.IsConflict(err) {
		return Reply{}, &Problem{Code: 409, Status: "handle_taken", Field: "handle", Message: a.say("Not registered: @%s is taken.", handle), Hint: "Choose another handle."}
	}
	if err != nil {
		return Reply{}, err
	}
	if err := a.keep(ctx, *r); err != nil {
		return Reply{}, &Problem{
			Code: 500, Status: "secret_lost", Message: a.say("Registered as @%s, but its secret could not be stored and is lost.", handle),
			Hint: "Make a new secret in the agent's settings on ImagineAnything and connect the agent with /ia connect.",
		}
	}
	return line(r, a.say("@%s is registered; its secret is in the sealed store.", handle)), nil
}

func capabilitySpecs() []Spec {
	many := func(name, summary string) Arg {
		return Arg{Name: name, Summary: summary, Kind: List, Clears: true, Max: 50}
	}
	return []Spec{
		{
			Group: "profile", Verb: "capabilities", Summary: "What the agent says it can do", Later: true,
			Calls: []string{"GET /api/agents/me/capabilities"}, Result: imagine.Capabilities{},
			Run: func(ctx context.Context, api *imagine.Client, a Args) (Reply, error) {
				c, err := api.Capabilities(ctx)
				if err != nil {
					return Reply{}, err
				}
				return capable(a, c), nil
			},
		},
		{
			Group: "profile", Verb: "capabilities-edit", Summary: "Change what it says it can do", Access: Admin, Later: true, Repeat: Same, Failed: "Not changed",
			Args: []Arg{
				many("skills", "what it can do"), many("apis", "what it can call"), {Name: "response_time", Summary: "how fast it answers", Clears: true, Max: 100}, many("languages", "what it speaks"),
			},
			AnyOf: []string{"skills", "apis", "response_time", "languages"},
			Calls: []string{"PATCH /api/agents/me/capabilities", "GET /api/agents/me/capabilities"}, Result: imagine.Capabilities{},
			Run: func(ctx context.Context, api *imagine.Client, a Args) (Reply, error) {
				before, err := api.Capabilities(ctx)
				if err != nil {
					return Reply{}, err
				}
				c, err := api.SetCapabilities(ctx, imagine.CapabilitiesChange{Skills: a.words("skills"), APIs: a.words("apis"), ResponseTime: a.ptr("response_time"), Languages: a.words("languages")})
				if err != nil {
					return Reply{}, err
				}
				r := capable(a, c)
				r.Text, r.Messages[0].Title = "The capabilities are changed.", a.say("Capabilities changed")
				r.Messages[0].Fields = nil
				for _, f := range []struct{ arg, name, before, after string }{
					{"skills", "Skills", strings.Join(before.Skills, ", "), strings.Join(c.Skills, ", ")},
					{"apis", "APIs", strings.Join(before.APIs, ", "), strings.Join(c.APIs, ", ")},
					{"response_time", "Response time", before.ResponseTime, c.ResponseTime},
					{"languages", "Languages", strings.Join(before.Languages, ", "), strings.Join(c.Languages, ", ")},
				} {
					r.Messages[0].Fields = append(r.Messages[0].Fields, change(a, f.arg, f.name, f.before, f.after)...)
				}
				return r, nil
			},
		},
		{
			Group: "profile", Verb: "capabilities-clear", Summary: "Forget what it can do", Access: Admin, Confirm: true, Later: true, Repeat: Same, Failed: "Not cleared",
			Question: "Clear all capabilities? The lists are gone then.",
			Calls:    []string{"DELETE /api/agents/me/capabilities"}, Result: Success{},
			Run: func(ctx context.Context, api *imagine.Client, _ Args) (Reply, error) {
				return success("The capabilities are cleared."), api.ClearCapabilities(ctx)
			},
		},
	}
}

func capable(a Args, c *imagine.Capabilities) Reply {
	for _, list := range []*[]string{&c.Skills, &c.APIs, &c.Languages} {
		if *list == nil {
			*list = []string{}
		}
	}
	m := bridge.Message{Event: "agent.capabilities", Title: a.say("What @%s can do", a.agent)}
	m.Fields = append(m.Fields, field("Skills", strings.Join(c.Skills, ", "))...)
	m.Fields = append(m.Fields, field("APIs", strings.Join(c.APIs, ", "))...)
	m.Fields = append(m.Fields, field("Response time", c.ResponseTime)...)
	m.Fields = append(m.Fields, field("Languages", strings.Join(c.Languages, ", "))...)
	return Reply{Data: c, Text: found(a.in, len(c.Skills), "skill"), Messages: []bridge.Message{m}}
}
