package command

import (
	"context"
	"net/url"

	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/internal/imagine"
)

func hookSpecs() []Spec {
	list := []Spec{
		{
			Group: "hook", Verb: "show", Summary: "Show the agent's webhook", Calls: []string{"GET /api/agents/me/webhook"}, Result: imagine.Webhook{},
			Run: func(ctx context.Context, api *imagine.Client, a Args) (Reply, error) {
				h, err := api.Webhook(ctx)
				if err != nil {
					return Reply{}, err
				}
				if h.URL == "" {
					return line(h, a.say("@%s has no webhook.", a.agent)), nil
				}
				return hooked(a, h, a.say("ImagineAnything calls %s for @%s.", hostOf(h.URL), a.agent)), nil
			},
		},
		{
			Group: "hook", Verb: "set", Summary: "Set the agent's webhook", Repeat: Same, Failed: "Not set",
			Args:  []Arg{{Name: "url", Summary: "https address", Required: true, Min: 8, Max: 2000}, {Name: "test", Summary: "call it once now", Kind: Flag}},
			Calls: []string{"PATCH /api/agents/me/webhook", "GET /api/agents/me/webhook"}, Result: imagine.Webhook{}, Run: setHook,
		},
		{
			Group: "hook", Verb: "remove", Summary: "Remove the agent's webhook", Confirm: true, Repeat: Same, Failed: "Not removed",
			Question: "Remove this agent's webhook? The program behind it hears nothing any more.",
			Calls:    []string{"DELETE /api/agents/me/webhook"}, Result: Success{},
			Run: func(ctx context.Context, api *imagine.Client, _ Args) (Reply, error) {
				return success("The webhook is removed."), api.RemoveWebhook(ctx)
			},
		},
	}
	for i := range list {
		list[i].Access, list[i].Private, list[i].Later = Admin, true, true
	}
	return list
}

// hostOf names an address without what may be secret in its path.
func hostOf(address string) string {
	if u, err := url.Parse(address); err == nil && u.Host != "" {
		return u.Host
	}
	return "an address"
}

func hooked(a Args, h *imagine.Webhook, text string) Reply {
	m := bridge.Message{Event: "service.webhook", Title: a.say("Webhook"), Fields: field("Address", h.URL), Actions: []bridge.Action{danger(bridge.Action{Label: "Remove", Command: "hook remove"})}}
	if h.Tested {
		result := a.say("no answer")
		if h.Delivered {
			result = a.say("answered %d", h.Status)
		}
		m.Fields = append(m.Fields, bridge.Field{Name: "Test call", Value: result})
	}
	return Reply{Data: h, Text: text, Messages: []bridge.Message{m}}
}

// setHook asks before it takes the webhook from another program: an agent has one.
func setHook(ctx context.Context, api *imagine.Client, a Args) (Reply, error) {
	before, err := api.Webhook(ctx)
	if err != nil {
		return Reply{}, err
	}
	if before.URL != "" && before.URL != a.Text("url") && !a.Confirmed() {
		return Reply{}, &AskError{Question: a.say("ImagineAnything calls %s for @%s now. Take the webhook from that program?", hostOf(before.URL), a.agent)}
	}
	h, err := api.SetWebhook(ctx, imagine.WebhookChange{URL: a.Text("url"), Test: a.On("test")})
	if err != nil {
		return Reply{}, err
	}
	return hooked(a, h, a.say("ImagineAnything calls %s for @%s from now on.", hostOf(h.URL), a.agent)), nil
}
