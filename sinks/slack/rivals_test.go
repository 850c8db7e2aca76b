package slack

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/time/rate"

	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/bridge/command"
	"github.com/imaginebridge/imaginebridge/internal/fakeslack"
	"github.com/imaginebridge/imaginebridge/internal/imagine"
	"github.com/imaginebridge/imaginebridge/internal/sandbox"
)

const (
	theirs = "luna"        // reached by the first workspace alone
	ours   = "nova"        // by the second
	absent = "no_such_one" // by nobody
)

// rivals are two workspaces that installed the app of one bridge, with the real table
// of commands behind it. Whoever is in one may do everything there.
type rivals struct {
	*town
	box         *sandbox.Sandbox
	home, other *fakeslack.Workspace
	places      map[string]string // a channel of each, and a message in it
	cards       map[string]string

	work   sync.WaitGroup // forms on their way
	guests int

	said      sync.Mutex
	audit     []command.Entry
	completed []string // agents that words were completed for
}

func newRivals(t *testing.T) *rivals {
	t.Helper()
	r := &rivals{places: map[string]string{}, cards: map[string]string{}}
	var err error
	r.box, err = sandbox.New(sandbox.Options{Seed: 1, RateLimitOff: true, Agents: []sandbox.Credentials{
		{Handle: theirs, ClientID: "id-luna", ClientSecret: "ia_secret_of_luna"}, {Handle: ours, ClientID: "id-nova", ClientSecret: "ia_secret_of_nova"},
	}})
	require.NoError(t, err)
	apis := map[string]*imagine.Client{}
	for _, a := range r.box.Agents()[:2] {
		apis[a.Handle], err = imagine.New(imagine.Options{BaseURL: r.box.BaseURL(), ClientID: a.ClientID, ClientSecret: func() string { return a.ClientSecret }, HTTPClient: r.box.Client()})
		require.NoError(t, err)
	}
	note := func(e command.Entry) {
		r.said.Lock()
		defer r.said.Unlock()
		r.audit = append(r.audit, e)
	}
	reach := func(team string) []string {
		switch team {
		case r.home.ID:
			return []string{theirs}
		case r.other.ID:
			return []string{ours}
		}
		return nil
	}
	runner := command.NewRunner(command.RunnerOptions{
		Agents: func() map[string]*imagine.Client { return apis }, Records: &book{of: map[string]command.Record{}}, Owner: "one",
		Reach: func(p command.Principal) []string { return reach(p.Workspace) },
		Audit: func(_ context.Context, e command.Entry) { note(e) },
	})
	r.town = buildTown(t, fakeslack.Options{}, 1, func(o *AppsOptions) {
		o.Commands, o.Accept, o.Agents = runner.Do, runner.Accept, reach
		o.Manages = func(string, string) bool { return true }
		o.Refused = func(_ context.Context, p command.Principal, place, status string) {
			note(command.Entry{Principal: p, Place: place, Outcome: "refused", Status: status})
		}
		o.Complete = func(_ context.Context, agent string, _ command.Source, _ string) []command.Choice {
			r.said.Lock()
			defer r.said.Unlock()
			r.completed = append(r.completed, agent)
			return []command.Choice{{Label: "of " + agent, Value: "of " + agent}}
		}
	})
	r.home, r.other = r.fake.AddEmptyWorkspace("acme"), r.fake.AddEmptyWorkspace("bolt")
	for _, team := range []*fakeslack.Workspace{r.home, r.other} {
		page := r.install(fakeslack.Install{Workspace: team.ID})
		require.Equal(t, 200, page.Status, page.Body)
		r.everywhere(team.ID, team.BotToken)
		r.hurry(team.ID)
		r.places[team.ID] = team.AddChannel("talk")
		d := note1(r.places[team.ID], reach(team.ID)[0])
		sent, err := r.apps[0].In(team.ID).Send(t.Context(), d)
		require.NoError(t, err)
		r.cards[team.ID] = sent.Message
	}
	return r
}

// note1 is a card about an agent with buttons, one of which is too long for Slack.
func note1(channel, agent string) bridge.Delivery {
	d := note(channel, 1)
	d.Message.Agent = agent
	d.Message.Actions = []bridge.Action{
		{Label: "Like", Command: "post like", Args: map[string]string{"post": "p1"}},
		{Label: "Long", Command: "post create", Args: map[string]string{"text": strings.Repeat("ü", 1500)}},
		{Label: "Reply", Command: "post comment", Args: map[string]string{"post": "p1", command.Form: "yes"}},
		{Label: "Delete", Command: "post delete", Args: map[string]string{"post": "p1", sure: "yes"}, Danger: true},
	}
	return d
}

// hurry has a workspace's sink keep no distance between calls.
func (r *rivals) hurry(team string) {
	p := r.apps[0].of("", team).pacer
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, method := range []string{methodOpenView, methodUpdateView, methodEphemeral, methodPost, methodUpdate, "users.info"} {
		p.slots[method] = []*rate.Limiter{rate.NewLimiter(rate.Inf, 1)}
	}
}

// visitor is somebody in a workspace.
type visitor struct {
	team *fakeslack.Workspace
	id   string
	room string // where they type, "" for the usual channel
}

// payload is what Slack tells of whatever somebody does, with a trigger and an address
// for answers that are good.
func (r *rivals) payload(who visitor, kind string) map[string]any {
	r.Helper()
	channel, card := r.places[who.team.ID], r.cards[who.team.ID]
	got, err := r.fake.MessageShortcut(who.id, channel, card, "nothing.of.ours")
	require.NoError(r, err)
	require.True(r, got.Acked)
	return map[string]any{
		"type": kind, "api_app_id": who.team.AppID, "team": map[string]any{"id": who.team.ID}, "channel": map[string]any{"id": channel},
		"user": map[string]any{"id": who.id, "username": "somebody", "team_id": who.team.ID}, "trigger_id": got.TriggerID, "response_url": got.ResponseURL,
		"container": map[string]any{"type": "message", "channel_id": channel, "message_ts": card},
	}
}

// happens brings a delivery to the app, and gives what is to be done after its
// acknowledgement.
func (r *rivals) happens(in inbound) ack {
	r.Helper()
	out := r.apps[0].handleBy(r.Context(), time.Now().Add(time.Minute), in)
	require.False(r, out.again)
	return out
}

func (r *rivals) tells(payload map[string]any) ack {
	r.Helper()
	raw, err := json.Marshal(payload)
	require.NoError(r, err)
	in, err := decodeInteraction(raw)
	require.NoError(r, err)
	return r.happens(in)
}

// types has somebody type a line after /ia.
func (r *rivals) types(who visitor, line string) {
	r.Helper()
	p := r.payload(who, "")
	fields := map[string]string{
		"command": "/ia", "text": line, "team_id": who.team.ID, "user_id": who.id, "channel_id": cmp.Or(who.room, r.places[who.team.ID]), "api_app_id": who.team.AppID,
		"trigger_id": p["trigger_id"].(string), "response_url": p["response_url"].(string),
	}
	r.done(r.happens(decodeSlash(func(name string) string { return fields[name] })))
}

// presses has somebody press a button that holds what they want it to.
func (r *rivals) presses(who visitor, p press) {
	r.Helper()
	payload := r.payload(who, "block_actions")
	action := map[string]any{"action_id": p.action, "block_id": "b", "value": p.value}
	if strings.HasPrefix(p.action, idMore) {
		action = map[string]any{"action_id": p.action, "block_id": "b", "selected_option": map[string]any{"value": p.value}}
	}
	payload["actions"] = []any{action}
	r.done(r.tells(payload))
}

// done does what follows an acknowledgement.
func (r *rivals) done(out ack) {
	if out.then != nil {
		out.then(r.Context())
	}
}

// shown is what somebody sees of what they did.
func (r *rivals) shown(who visitor) string {
	if form := r.fake.Form(who.id); form != "" {
		return form
	}
	var all []string
	for _, m := range r.fake.Messages(r.places[who.team.ID]) {
		if m.Ephemeral == who.id || m.Ephemeral == "" && who.id == who.team.Owner {
			all = append(all, m.Text)
		}
	}
	return strings.Join(all, "\n")
}

// sheet is a form as it went to Slack: what it does and what it carries.
type sheet struct{ callback, meta string }

// opened is the form that somebody has before them.
func (r *rivals) opened(who visitor) (sheet, bool) {
	r.Helper()
	if r.fake.ViewID(who.id) == "" {
		return sheet{}, false
	}
	for _, q := range slices.Backward(r.fake.Requests(methodOpenView)) {
		if v, ok := q.Args["view"].(map[string]any); ok && q.Workspace == who.team.ID && q.Error == "" {
			callback, _ := v["callback_id"].(string)
			meta, _ := v["private_metadata"].(string)
			return sheet{callback, meta}, true
		}
	}
	return sheet{}, false
}

// sends has somebody send a form, filled in, in the place of the one before them; with
// another agent than it says where one is chosen.
func (r *rivals) sends(who visitor, f sheet, chosen string) {
	r.Helper()
	spec, known := bound{Command: strings.TrimPrefix(f.callback, idPrefix)}.spec()
	require.True(r, known, f.callback)
	state := map[string]any{}
	for _, a := range spec.Args {
		if value, wanted := sample(spec, a); wanted {
			state[a.Name] = map[string]any{"x": value}
		}
	}
	if chosen != "" {
		state[agentArg] = map[string]any{idPick + agentArg: map[string]any{"selected_option": map[string]any{"value": chosen}}}
	}
	payload := r.payload(who, "view_submission")
	delete(payload, "container")
	delete(payload, "channel")
	payload["view"] = map[string]any{
		"id": r.fake.ViewID(who.id), "hash": "h", "type": "modal", "callback_id": f.callback, "private_metadata": f.meta,
		"state": map[string]any{"values": state},
	}
	out := r.tells(payload)
	raw, err := json.Marshal(out.body)
	require.NoError(r, err)
	if out.then == nil {
		require.Contains(r, string(raw), "too old", f.callback)
		return
	}
	require.Contains(r, string(raw), "Working", f.callback)
	r.work.Go(func() { out.then(r.Context()) })
}

// sample is something for an argument that a command must have.
func sample(spec *command.Spec, a command.Arg) (value map[string]any, wanted bool) {
	first := func(group []string) bool { return len(group) > 0 && a.Name == group[0] }
	text := func(s string) map[string]any { return map[string]any{"type": "plain_text_input", "value": s} }
	switch {
	case !a.Required && !first(spec.AnyOf) && !first(spec.OneOf):
		return nil, false
	case a.Kind == command.Attachment:
		kind := "image/png"
		if len(a.Accept) > 0 {
			kind = a.Accept[0]
		}
		return map[string]any{"type": "file_input", "files": []any{map[string]any{"id": "F1", "name": "a.png", "mimetype": kind, "size": 10, "url_private_download": "https://files.slack.com/a.png"}}}, true
	case len(a.Choices) > 0:
		return text(a.Choices[0]), true
	case a.Kind == command.Integer, a.Kind == command.Number:
		return text(fmt.Sprint(max(1, a.Min))), true
	case a.Kind == command.Flag:
		return text("true"), true
	case a.Max > 0 && a.Max < 4:
		return text("x"), true
	}
	return text(strings.Repeat("x1", max(2, int(a.Min+1)/2))), true
}

// heard is what the audit has of somebody.
func (r *rivals) heard(who visitor) (out []string) {
	r.said.Lock()
	defer r.said.Unlock()
	for _, e := range r.audit {
		if e.Principal.Workspace == who.team.ID && e.Principal.User == who.id {
			out = append(out, e.Outcome+" "+e.Status)
		}
	}
	return out
}

// guest is somebody new in the second workspace.
func (r *rivals) guest() visitor {
	r.guests++
	return visitor{team: r.other, id: r.other.AddUser(fmt.Sprintf("guest%d", r.guests))}
}

// recorded are the buttons and forms of the first workspace, after somebody looked at
// this and that there.
func (r *rivals) recorded(ann visitor) (buttons []press, forms []sheet) {
	r.Helper()
	rooms := []string{r.places[r.home.ID]}
	for n, line := range []string{
		"feed home", "dm list", "notify list", "search find query:orbit", "agent list", "post create text:Hello", "media list", "generate history", "profile show",
	} {
		ann.room = r.home.AddChannel(fmt.Sprintf("room%d", n)) // a channel hears one message a second
		rooms = append(rooms, ann.room)
		r.types(ann, line+" agent:"+theirs)
	}
	_, err := r.fake.OpenHome(ann.id)
	require.NoError(r, err)
	r.eventually("the home", func() bool { return r.fake.Home(ann.id) != "" })
	require.NoError(r, r.apps[0].Drain(r.Context()))
	s := r.apps[0].of("", r.home.ID)
	for _, spec := range command.Table() {
		if !s.wants(&spec, map[string]any{}) {
			continue
		}
		r.types(ann, spec.Name()+" agent:"+theirs)
		f, open := r.opened(ann)
		require.True(r, open, spec.Name())
		forms = append(forms, f)
		_, err := r.fake.CloseForm(ann.id, true)
		require.NoError(r, err)
	}
	long := formMeta{V: 1, Agent: theirs, Fixed: map[string]string{"post": strings.Repeat("x", maxMeta)}, Back: back{User: ann.id, Team: r.home.ID, Channel: r.places[r.home.ID]}}
	forms = append(forms, sheet{idPrefix + "post.comment", s.meta(r.Context(), r.home.ID, long)})

	seen := map[press]bool{}
	for _, room := range rooms {
		for _, m := range r.fake.Messages(room) {
			var blocks any
			if m.Blocks != nil {
				require.NoError(r, json.Unmarshal(m.Blocks, &blocks))
			}
			pressable(blocks, "", seen)
		}
	}
	for _, q := range r.fake.Requests(methodOpenView, methodUpdateView, "views.publish") {
		pressable(q.Args["view"], "", seen)
	}
	maps.DeleteFunc(seen, func(p press, _ bool) bool {
		return !strings.HasPrefix(p.action, idPrefix) || !strings.Contains(p.value, theirs) && !strings.Contains(p.value, "~")
	})
	return slices.SortedFunc(maps.Keys(seen), func(a, b press) int { return strings.Compare(a.action+a.value, b.action+b.value) }), forms
}

// pressable collects what can be pressed or chosen in a tree of blocks.
func pressable(at any, action string, into map[press]bool) {
	switch v := at.(type) {
	case []any:
		for _, one := range v {
			pressable(one, action, into)
		}
	case map[string]any:
		if id, ok := v["action_id"].(string); ok {
			action = id
		}
		if value, ok := v["value"].(string); ok && value != "" {
			into[press{action: action, value: value}] = true
		}
		for _, one := range v {
			pressable(one, action, into)
		}
	}
}
