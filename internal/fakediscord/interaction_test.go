package fakediscord_test

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/internal/fakediscord"
)

// app is the application's side: it hears interactions and answers by REST.
type app struct {
	t    *testing.T
	fake *fakediscord.Server
	ws   socket
}

type heard struct {
	ID    string          `json:"id"`
	Token string          `json:"token"`
	Type  int             `json:"type"`
	Data  json.RawMessage `json:"data"`
	raw   string
}

const tree = `[{"name":"ia","description":"d","options":[
	{"type":2,"name":"post","description":"d","options":[
		{"type":1,"name":"create","description":"d","options":[
			{"type":3,"name":"text","description":"d","required":true,"max_length":20},
			{"type":4,"name":"count","description":"d","min_value":1,"max_value":5},
			{"type":3,"name":"kind","description":"d","choices":[{"name":"Loud","value":"l"}]},
			{"type":7,"name":"where","description":"d","channel_types":[0]},
			{"type":6,"name":"who","description":"d"},
			{"type":11,"name":"file","description":"d"}]},
		{"type":1,"name":"like","description":"d","options":[{"type":3,"name":"post","description":"d","autocomplete":true}]}]}]},
	{"name":"ia-admin","description":"d","default_member_permissions":"32","contexts":[0]},
	{"name":"Share","type":3}]`

// apply starts an emulator with a connected application and the commands above.
func apply(t *testing.T, o fakediscord.Options) (app, string) {
	t.Helper()
	fake, ch := start(t, o)
	require.Equal(t, 200, do(t, fake, http.MethodPut, commands, tree).status)
	ws := greeted(t, fake)
	ws.ready("1")
	ws.read() // the guild
	return app{t, fake, ws}, ch
}

func (a app) hear() heard {
	a.t.Helper()
	f := a.ws.read()
	require.Equal(a.t, "INTERACTION_CREATE", f.Name)
	h := heard{raw: string(f.Data)}
	require.NoError(a.t, json.Unmarshal(f.Data, &h))
	return h
}

func (a app) answer(h heard, body string) answer {
	a.t.Helper()
	return do(a.t, a.fake, http.MethodPost, "/interactions/"+h.ID+"/"+h.Token+"/callback", body)
}

func (a app) hook(h heard, method, rest, body string) answer {
	a.t.Helper()
	return do(a.t, a.fake, method, "/webhooks/"+fakediscord.DefaultApplicationID+"/"+h.Token+rest, body)
}

func TestSlashIsParsedAgainstTheCommands(t *testing.T) {
	t.Parallel()
	a, ch := apply(t, often())
	grace := a.fake.User("grace")
	_, err := a.fake.Slash("ada", ch, "/ia post create text:hello there count:3 kind:Loud where:#agents who:@grace file:cat.png",
		fakediscord.Upload{Name: "cat.png", ContentType: "image/png", Data: []byte("x")})
	require.NoError(t, err)
	h := a.hear()
	require.Equal(t, 2, h.Type)
	for _, want := range []string{`"value":"hello there"`, `"value":3`, `"value":"l"`, `"value":"` + ch + `"`, `"value":"` + grace + `"`, `"app_permissions":"309237763136"`, `"ephemeral":true`, `"username":"ada"`} {
		require.Contains(t, h.raw, want)
	}
	for line, why := range map[string]string{
		"/io x":                    "no command",
		"/ia post delete":          "no such verb",
		"/ia post create":          "required",
		"/ia post create words:hi": "no option",
		"/ia post create text:" + strings.Repeat("x", 21): "too few or too many",
		"/ia post create text:a count:6":                  "out of range",
		"/ia post create text:a kind:Quiet":               "no choice",
		"/ia post create text:a where:#nowhere":           "no channel",
		"/ia post create text:a file:dog.png":             "no file",
		"/ia-admin":                                       "isn't shown",
	} {
		_, err := a.fake.Slash("ada", ch, line)
		require.ErrorContains(t, err, why, line)
	}
	_, err = a.fake.Slash("ada", a.fake.DM("ada"), "/ia-admin")
	require.ErrorContains(t, err, "isn't offered")
}

func TestResponses(t *testing.T) {
	t.Parallel()
	a, ch := apply(t, often())
	asked, err := a.fake.Slash("ada", ch, "/ia post create text:hi")
	require.NoError(t, err)
	h := a.hear()
	require.Equal(t, 10015, a.hook(h, http.MethodPatch, "/messages/@original", quiet(`"content":"early"`)).code(t), "nothing to edit yet")
	require.Equal(t, 204, a.answer(h, `{"type":5,"data":{"flags":64}}`).status)
	require.Equal(t, 40060, a.answer(h, `{"type":5,"data":{}}`).code(t))
	first, err := asked.Response(t.Context())
	require.NoError(t, err)
	require.Equal(t, 5, first.Type)
	require.Contains(t, a.fake.Screen(ch), "(only ada sees this)\n  … is thinking")

	require.Equal(t, 200, a.hook(h, http.MethodPatch, "/messages/@original", quiet(`"content":"done"`)).status)
	done, err := asked.Settled(t.Context())
	require.NoError(t, err)
	require.Equal(t, "done", done.Message.Content)
	require.Empty(t, a.fake.Messages(ch), "private")
	require.Equal(t, 10008, do(t, a.fake, http.MethodGet, "/channels/"+ch+"/messages/"+done.Message.ID, "").code(t))

	require.Equal(t, 200, a.hook(h, http.MethodPost, "", quiet(`"content":"more"`)).status)
	require.Len(t, a.fake.Messages(ch), 1)
	require.Equal(t, 204, a.hook(h, http.MethodDelete, "/messages/@original", "").status)
	require.Equal(t, 10008, a.hook(h, http.MethodPatch, "/messages/@original", quiet(`"content":"x"`)).code(t))
	require.Empty(t, a.fake.Faults())
}

func TestTokensAndClocks(t *testing.T) {
	t.Parallel()
	a, ch := apply(t, often())
	_, err := a.fake.Slash("ada", ch, "/ia post create text:hi")
	require.NoError(t, err)
	h := a.hear()
	require.Equal(t, 10062, a.answer(heard{ID: h.ID, Token: "other"}, `{"type":5,"data":{}}`).code(t))
	require.Equal(t, 204, a.answer(h, `{"type":5,"data":{}}`).status)
	a.fake.Skew(16 * time.Minute)
	require.Equal(t, 50027, a.hook(h, http.MethodPatch, "/messages/@original", quiet(`"content":"late"`)).code(t))
	require.Equal(t, 50027, a.hook(heard{Token: "x"}, http.MethodPatch, "/messages/@original", quiet(`"content":"late"`)).code(t))

	_, err = a.fake.Slash("ada", ch, "/ia post create text:hi")
	require.NoError(t, err)
	slow := a.hear()
	a.fake.Skew(16*time.Minute + 4*time.Second)
	require.Equal(t, 10062, a.answer(slow, `{"type":5,"data":{}}`).code(t), "three seconds from the click")
}

func TestFollowupBecomesTheDeferredAnswer(t *testing.T) {
	t.Parallel()
	a, ch := apply(t, often())
	_, err := a.fake.Slash("ada", ch, "/ia post create text:hi")
	require.NoError(t, err)
	h := a.hear()
	a.answer(h, `{"type":5,"data":{"flags":64}}`)
	a.hook(h, http.MethodPost, "", quiet(`"content":"public?"`))
	require.Empty(t, a.fake.Messages(ch), "it kept the first choice: private")
	require.Equal(t, []string{"followup"}, rules(a.fake))
}

func TestResponseTypesMustFit(t *testing.T) {
	t.Parallel()
	a, ch := apply(t, often())
	ask := map[string]func() (*fakediscord.Interaction, error){
		"command":    func() (*fakediscord.Interaction, error) { return a.fake.Slash("ada", ch, "/ia post create text:hi") },
		"completion": func() (*fakediscord.Interaction, error) { return a.fake.Complete("ada", ch, "/ia post like post:or") },
	}
	const form = `{"type":9,"data":{"custom_id":"m","title":"T","components":[{"type":18,"label":"L","component":{"type":4,"custom_id":"t","style":1}}]}}`
	for name, tc := range map[string]struct{ kind, body string }{
		"choices for a command":    {"command", `{"type":8,"data":{"choices":[]}}`},
		"update for a command":     {"command", `{"type":7,"data":{}}`},
		"message for a completion": {"completion", `{"type":4,"data":` + quiet(`"content":"c"`) + `}`},
		"modal for a completion":   {"completion", form},
		"unknown type":             {"command", `{"type":77}`},
		"26 choices":               {"completion", `{"type":8,"data":{"choices":[` + strings.TrimSuffix(strings.Repeat(`{"name":"n","value":"v"},`, 26), ",") + `]}}`},
		"value over 100":           {"completion", `{"type":8,"data":{"choices":[{"name":"n","value":"` + strings.Repeat("v", 101) + `"}]}}`},
		"modal title over 45":      {"command", strings.Replace(form, `"T"`, `"`+strings.Repeat("t", 46)+`"`, 1)},
		"label of an input":        {"command", strings.Replace(form, `"style":1`, `"style":1,"label":"x"`, 1)},
		"6 fields":                 {"command", `{"type":9,"data":{"custom_id":"m","title":"T","components":[` + strings.TrimSuffix(strings.Repeat(`{"type":10,"content":"c"},`, 6), ",") + `]}}`},
		"bare input":               {"command", `{"type":9,"data":{"custom_id":"m","title":"T","components":[{"type":4,"custom_id":"t","style":1}]}}`},
		"same field twice":         {"command", `{"type":9,"data":{"custom_id":"m","title":"T","components":[{"type":18,"label":"L","component":{"type":4,"custom_id":"t","style":1}},{"type":18,"label":"M","component":{"type":4,"custom_id":"t","style":1}}]}}`},
	} {
		_, err := ask[tc.kind]()
		require.NoError(t, err)
		got := a.answer(a.hear(), tc.body)
		require.Equal(t, 50035, got.code(t), "%s: %s", name, got.body)
	}
}

func TestClickModalSubmit(t *testing.T) {
	t.Parallel()
	a, ch := apply(t, often())
	card := do(t, a.fake, http.MethodPost, "/channels/"+ch+"/messages", quiet(`"content":"c","components":[{"type":1,"components":[
		{"type":2,"style":1,"label":"Reply","custom_id":"r"},{"type":2,"style":2,"label":"Off","custom_id":"o","disabled":true},{"type":2,"style":5,"label":"Open","url":"https://a.example"}]},
		{"type":1,"components":[{"type":8,"custom_id":"ch","channel_types":[0]}]}]`)).id(t)
	for _, label := range []string{"Off", "Open", "None"} {
		_, err := a.fake.Click("ada", ch, card, label)
		require.Error(t, err, label)
	}
	clicked, err := a.fake.Click("ada", ch, card, "Reply")
	require.NoError(t, err)
	h := a.hear()
	require.Contains(t, h.raw, `"custom_id":"r"`)
	require.Equal(t, 204, a.answer(h, `{"type":9,"data":{"custom_id":"m","title":"Reply","components":[
		{"type":18,"label":"Words","component":{"type":4,"custom_id":"text","style":2,"max_length":10}},
		{"type":18,"label":"Pictures","component":{"type":19,"custom_id":"files","required":false,"max_values":1}}]}}`).status)
	shown, err := clicked.Response(t.Context())
	require.NoError(t, err)
	require.Equal(t, "Reply", shown.Modal.Title)

	_, err = a.fake.Submit(clicked, map[string]string{"Words": strings.Repeat("x", 11)})
	require.Error(t, err, "too long for the form")
	_, err = a.fake.Submit(clicked, map[string]string{"Word": "x"})
	require.Error(t, err, "no such field")
	sent, err := a.fake.Submit(clicked, map[string]string{"Words": "thanks"}, fakediscord.Upload{Name: "a.txt", Data: []byte("x")})
	require.NoError(t, err)
	h = a.hear()
	require.Equal(t, 5, h.Type)
	require.Contains(t, h.raw, `"value":"thanks"`)
	require.Contains(t, h.raw, `"filename":"a.txt"`)
	require.Equal(t, 50035, a.answer(h, `{"type":9,"data":{"custom_id":"m","title":"T","components":[{"type":10,"content":"c"}]}}`).code(t), "no modal for a modal")
	require.Equal(t, 204, a.answer(h, `{"type":7,"data":`+quiet(`"content":"answered","components":[]`)+`}`).status)
	_, err = sent.Response(t.Context())
	require.NoError(t, err)
	require.Equal(t, "answered", a.fake.Messages(ch)[0].Content)

	_, err = a.fake.Submit(clicked, map[string]string{})
	require.Error(t, err, "the form is closed")
}

func TestMenusAndMessageCommands(t *testing.T) {
	t.Parallel()
	a, ch := apply(t, often())
	card := do(t, a.fake, http.MethodPost, "/channels/"+ch+"/messages", quiet(`"content":"c","components":[
		{"type":1,"components":[{"type":8,"custom_id":"ch","channel_types":[0]}]},
		{"type":1,"components":[{"type":3,"custom_id":"ev","min_values":1,"max_values":2,"options":[{"label":"A","value":"a"},{"label":"B","value":"b"}]}]}]`)).id(t)
	_, err := a.fake.Choose("ada", ch, card, "ch", "#agents")
	require.NoError(t, err)
	require.Contains(t, a.hear().raw, `"app_permissions":"309237763136"`)
	_, err = a.fake.Choose("ada", ch, card, "ev", "A", "b")
	require.NoError(t, err)
	require.Contains(t, a.hear().raw, `"values":["a","b"]`)
	_, err = a.fake.Choose("ada", ch, card, "ev")
	require.Error(t, err)
	_, err = a.fake.MessageCommand("ada", ch, card, "Share")
	require.NoError(t, err)
	require.Contains(t, a.hear().raw, `"target_id":"`+card+`"`)
}

func TestDisturbedInteractions(t *testing.T) {
	t.Parallel()
	a, ch := apply(t, often())
	a.fake.Disturb(fakediscord.Disturbance{Twice: true, Times: 1})
	_, err := a.fake.Slash("ada", ch, "/ia post create text:hi")
	require.NoError(t, err)
	first := a.hear()
	require.Equal(t, first.ID, a.hear().ID)

	a.fake.Disturb(fakediscord.Disturbance{Late: 10 * time.Millisecond, Times: 1})
	_, err = a.fake.Slash("ada", ch, "/ia post create text:late")
	require.NoError(t, err)
	require.Contains(t, a.hear().raw, "late")
	a.fake.Disturb(fakediscord.Disturbance{UserInstalled: true, Times: 1})
	_, err = a.fake.Slash("ada", ch, "/ia post create text:alone")
	require.NoError(t, err)
	alone := a.hear()
	require.Contains(t, alone.raw, `"authorizing_integration_owners":{"1":`)
	a.answer(alone, `{"type":4,"data":`+quiet(`"content":"c","flags":64`)+`}`)
	for range 5 {
		require.Equal(t, 200, a.hook(alone, http.MethodPost, "", quiet(`"content":"c","flags":64`)).status)
	}
	require.Equal(t, 40094, a.hook(alone, http.MethodPost, "", quiet(`"content":"c","flags":64`)).code(t), "five follow-ups")

	a.fake.Disturb(fakediscord.Disturbance{Lost: true, Times: 1})
	_, err = a.fake.Slash("ada", ch, "/ia post create text:lost")
	require.NoError(t, err)
	_, err = a.fake.Slash("ada", ch, "/ia post create text:next")
	require.NoError(t, err)
	require.Contains(t, a.hear().raw, "next")
}

func TestResponseIsToldAndRead(t *testing.T) {
	t.Parallel()
	a, ch := apply(t, often())
	asked, err := a.fake.Slash("ada", ch, "/ia post create text:hi")
	require.NoError(t, err)
	h := a.hear()
	require.Equal(t, h.ID, asked.ID())
	require.Equal(t, h.Token, asked.Token())
	told := do(t, a.fake, http.MethodPost, "/interactions/"+h.ID+"/"+h.Token+"/callback?with_response=true", `{"type":4,"data":`+quiet(`"content":"c"`)+`}`)
	require.Contains(t, string(told.body), `"response_message_id":"`+a.fake.Messages(ch)[0].ID+`"`)
	require.Contains(t, string(a.hook(h, http.MethodGet, "/messages/@original", "").body), `"content":"c"`)
	require.Equal(t, 10015, do(t, a.fake, http.MethodGet, "/webhooks/7/"+h.Token+"/messages/@original", "").code(t))
}

func TestFormsOfFormerTimes(t *testing.T) {
	t.Parallel()
	a, ch := apply(t, often())
	asked, err := a.fake.Slash("ada", ch, "/ia post create text:hi")
	require.NoError(t, err)
	form := func(input string) string {
		return `{"type":9,"data":{"custom_id":"m","title":"T","components":[{"type":1,"components":[` + input + `]}]}}`
	}
	h := a.hear()
	require.Equal(t, 50035, a.answer(h, form(`{"type":4,"custom_id":"t","style":1}`)).code(t), "such an input needs its label")
	require.Equal(t, 50035, a.answer(h, form(`{"type":4,"custom_id":"t","style":1,"label":"L","min_length":5,"max_length":4}`)).code(t))
	require.Equal(t, 204, a.answer(h, form(`{"type":4,"custom_id":"t","style":1,"label":"L","value":"preset"}`)).status)
	_, err = a.fake.Submit(asked, nil)
	require.NoError(t, err)
	require.Contains(t, a.hear().raw, `"value":"preset"`)
}

func TestMembersCarryRolesAndPermissions(t *testing.T) {
	t.Parallel()
	fake, _ := start(t, often())
	require.Equal(t, 200, do(t, fake, http.MethodPut, commands, tree).status)
	guild := fake.Guild("Roles")
	ch := fake.Channel(guild, "c")
	role := fake.Role(guild, "writers")
	fake.Member(guild, "ada", 32|fakediscord.PermViewChannel, role)
	ws := greeted(t, fake)
	ws.ready("512")
	_, err := fake.Slash("ada", ch, "/ia-admin")
	require.NoError(t, err)
	h := app{t, fake, ws}.hear()
	require.Contains(t, h.raw, `"roles":["`+role+`"]`)
	require.Contains(t, h.raw, `"permissions":"1056"`)
}

func TestSilenceIsNoResponse(t *testing.T) {
	t.Parallel()
	a, ch := apply(t, often())
	asked, err := a.fake.Slash("ada", ch, "/ia post create text:hi")
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	_, err = asked.Settled(ctx)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	h := a.hear()
	require.Equal(t, 204, a.answer(h, `{"type":5,"data":{}}`).status)
	ctx, cancel = context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	_, err = asked.Settled(ctx)
	require.ErrorContains(t, err, "still thinking")
}
