package command

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/internal/imagine"
)

func serviceSpecs() []Spec {
	list := []Spec{
		{
			Group: "service", Verb: "list", Summary: "List connected AI providers", Calls: []string{"GET /api/settings/services"}, Result: imagine.Services{}, Run: listServices,
		},
		{
			Group: "service", Verb: "connect", Summary: "Connect an AI provider", Repeat: Same, Failed: "Not connected",
			Args:  []Arg{providerArg(true), {Name: "key", Summary: "the provider's key", Required: true, Secret: true, Min: 1, Max: 500}},
			Calls: []string{"POST /api/settings/services"}, Result: imagine.Service{},
			Run: func(ctx context.Context, api *imagine.Client, a Args) (Reply, error) {
				s, err := api.ConnectService(ctx, provider(a), a.Text("key"))
				if err != nil {
					return Reply{}, err
				}
				return Reply{Data: s, Text: a.say("%s is connected.", providerName(s.Provider)), Messages: []bridge.Message{serviceCard(a, *s)}}, nil
			},
		},
		{
			Group: "service", Verb: "toggle", Summary: "Switch a provider on or off", Repeat: Same, Failed: "Not switched",
			Args: []Arg{providerArg(true), {Name: "active", Summary: "on or off", Kind: Flag, Required: true}}, Calls: []string{"PATCH /api/settings/services/{provider}"}, Result: imagine.Service{},
			Run: func(ctx context.Context, api *imagine.Client, a Args) (Reply, error) {
				s, err := api.SetServiceActive(ctx, provider(a), a.On("active"))
				if err != nil {
					return Reply{}, err
				}
				r := line(s, a.say("%s is %s.", providerName(s.Provider), a.say(onOff(s.IsActive))))
				r.Undo = new(toggle(*s))
				return r, nil
			},
		},
		{
			Group: "service", Verb: "disconnect", Summary: "Forget a provider and its key", Confirm: true, Repeat: Same, Failed: "Not disconnected",
			Question: "Disconnect this provider? Its key is forgotten and has to be entered anew.",
			Args:     []Arg{providerArg(true)}, Calls: []string{"DELETE /api/settings/services/{provider}"}, Result: Success{},
			Run: func(ctx context.Context, api *imagine.Client, a Args) (Reply, error) {
				return success(a.say("%s is disconnected.", providerName(provider(a)))), api.DisconnectService(ctx, provider(a))
			},
		},
		{
			Group: "service", Verb: "test", Summary: "Try a provider's key", Repeat: Same, Failed: "Not tried",
			Args: []Arg{providerArg(true)}, Calls: []string{"POST /api/settings/services/{provider}/test"}, Result: imagine.KeyTest{},
			Run: func(ctx context.Context, api *imagine.Client, a Args) (Reply, error) {
				k, err := api.TestService(ctx, provider(a))
				if err != nil {
					return Reply{}, err
				}
				text := a.say("The key of %s works.", providerName(provider(a)))
				if !k.Valid {
					text = strings.TrimSuffix(a.say("%s refuses the key: %s", providerName(provider(a)), words(k.Message)), ": ")
				}
				return line(k, text), nil
			},
		},
	}
	for i := range list {
		list[i].Access, list[i].Private = Admin, true
	}
	return list
}

// provider is the provider given, as the API spells it: people write openai.
func provider(a Args) string { return providerID(a.Text("provider")) }

func providerID(s string) string {
	plain := strings.ToUpper(strings.NewReplacer(" ", "_", "-", "_").Replace(strings.TrimSpace(s)))
	for id := range imagine.Providers() {
		if id == plain || strings.ReplaceAll(id, "_", "") == strings.ReplaceAll(plain, "_", "") || strings.EqualFold(providerName(id), s) {
			return id
		}
	}
	return plain
}

// providerName is how people call a provider.
func providerName(id string) string { return cut(oneLine(bridge.ProviderName(id)), maxName) }

// providerOrder is the order in which providers are named and tried.
func providerOrder() []string {
	order := []string{"OPENAI", "RUNWARE", "FAL_AI", "GOOGLE_GEMINI", "ELEVENLABS"}
	for _, id := range slices.Sorted(maps.Keys(imagine.Providers())) {
		if !slices.Contains(order, id) {
			order = append(order, id)
		}
	}
	return order
}

func toggle(s imagine.Service) bridge.Action {
	label := "Switch on"
	if s.IsActive {
		label = "Switch off"
	}
	return bridge.Action{Label: label, Command: "service toggle", Args: map[string]string{"provider": s.Provider, "active": onOff(!s.IsActive)}}
}

// serviceCard is a connected provider. The API shows only a mask of its key.
func serviceCard(a Args, s imagine.Service) bridge.Message {
	return bridge.Message{
		Event: "service.provider", At: s.UpdatedAt, Title: providerName(s.Provider),
		Fields:  []bridge.Field{{Name: "Key", Value: cut(oneLine(s.APIKey), maxName)}, {Name: "State", Value: a.say(onOff(s.IsActive))}},
		Actions: []bridge.Action{press("Test", "service test", "provider", s.Provider), toggle(s)},
	}
}

func listServices(ctx context.Context, api *imagine.Client, a Args) (Reply, error) {
	s, err := api.Services(ctx)
	if err != nil {
		return Reply{}, err
	}
	r := pageReply(a, s.Page, "connected provider", func(s imagine.Service) bridge.Message { return serviceCard(a, s) })
	r.Data = s
	if len(s.Available) > 0 {
		var names []string
		for _, id := range s.Available {
			names = append(names, providerName(id))
		}
		r.Text = a.say("%s It can connect %s.", r.Text, allOf(names))
	}
	return r, nil
}
