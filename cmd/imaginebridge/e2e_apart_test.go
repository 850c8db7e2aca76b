package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/imaginebridge/imaginebridge/bridge/command"
	"github.com/imaginebridge/imaginebridge/internal/fakeslack"
	"github.com/imaginebridge/imaginebridge/internal/sandbox"
)

const nobodys = "no_such_one" // an agent that nobody has

// apart is a Slack where one workspace has luna, a subscription, cards and a dead
// letter, and others have nova. Everybody in the others may do everything there.
type apart struct {
	*matrix
	home   *fakeslack.Workspace
	room   string   // of the home
	rooms  []string // all of them
	card   string   // a message there
	dead   string   // the number of a dead letter
	others []*lodging
	hidden map[string]string // what the home has, and what nobody has in its place
}

// lodging is one of the other workspaces: several, since Slack paces the forms of
// each.
type lodging struct {
	team   *fakeslack.Workspace
	room   string
	said   string // a message there
	guests chan string
}

const (
	lodgings = 4   // with the home as many as somebody may connect an agent to in ten minutes
	perHouse = 240 // guests of each
	atOnce   = 6   // deeds in each

	lookAfter = 50 * time.Millisecond // between two looks at what came of something
)

func newApart(t *testing.T) *apart {
	t.Helper()
	w := newWorld(t, func(o *options) {
		o.slack = fakeslack.Options{Limits: fakeslack.Limits{Off: true, TriggerLife: time.Minute}}
		o.sandbox = sandbox.Options{Seed: 1, TokenTTL: 1000 * time.Hour, Agents: []sandbox.Credentials{
			{Handle: "luna", ClientID: "id-luna", ClientSecret: "ia_secret_of_luna"}, {Handle: "nova", ClientID: "id-nova", ClientSecret: "ia_secret_of_nova"},
		}}
	})
	a := &apart{matrix: &matrix{world: w}, home: w.slack.AddEmptyWorkspace("acme")}
	for _, class := range []sandbox.Class{sandbox.ClassAuth, sandbox.ClassRead, sandbox.ClassWrite, sandbox.ClassUpload} {
		w.sandbox.SetLimit(class, 100_000)
	}
	bosses := []string{"slack:user:" + a.home.Owner}
	for n := range lodgings {
		l := &lodging{team: w.slack.AddEmptyWorkspace(fmt.Sprintf("bolt%d", n)), guests: make(chan string, perHouse)}
		var all []string
		for g := range perHouse {
			all = append(all, l.team.AddUser(fmt.Sprintf("guest%d-%d", n, g)))
			l.guests <- all[g]
		}
		l.room = l.team.AddChannel("talk")
		l.said = w.slack.Say(l.team.Owner, l.room, "", "hello")
		bosses = append(bosses, "slack:group:"+l.team.AddGroup("everybody", all...))
		a.others = append(a.others, l)
	}
	text := fmt.Sprintf(`imagineanything: {base_url: %s}
poll: {notifications: 2s, messages: 2s, generations: 2s, ceiling: 2s}
nats: {listen: "%s", store: 64MiB}
http: {listen: "%[3]s", public_url: "http://%[3]s"}
slack: {client_id: "%[4]s", client_secret: %[5]s, signing_secret: %[6]s, api_url: %[7]s}
access: {write: [%[8]s], admin: [%[8]s]}
`, w.api.URL, w.nats, w.web, slackClient, slackSecret, w.slack.SigningSecret(), w.slackURL, `"`+strings.Join(bosses, `", "`)+`"`)
	require.NoError(t, os.WriteFile(w.file(), []byte(text), 0o600))
	base := "http://" + w.web
	w.slack.SetDeliver(fakeslack.Deliver{EventsURL: base + "/slack/events", CommandsURL: base + "/slack/commands", InteractionsURL: base + "/slack/interactions", AckWithin: answerWait})
	a.move()
	return a
}

// move starts the program, and has everybody move in.
func (a *apart) move() {
	a.t.Helper()
	a.running = a.start()
	a.ready()
	a.nc = a.connect()
	_, err := a.nc.Subscribe("ia.audit.>", a.trail.hear)
	require.NoError(a.t, err)
	require.NoError(a.t, a.nc.Flush())
	// Without users:read: each guest would be asked about.
	scopes := []string{"chat:write", "commands", "links:read", "links:write", "im:history", "channels:read", "channels:history", "usergroups:read", "chat:write.public", "files:read"}
	settle := func(team *fakeslack.Workspace, agent string) {
		page, err := a.slack.Install(a.t.Context(), fakeslack.Install{URL: "http://" + a.web + "/slack/install", Workspace: team.ID, Scopes: scopes})
		require.NoError(a.t, err)
		require.Equal(a.t, 200, page.Status, page.Body)
		a.connects(team, "id-"+agent, "ia_secret_of_"+agent)
	}
	settle(a.home, "luna")
	for _, l := range a.others {
		settle(l.team, "nova")
	}
	a.room = a.home.AddChannel("talk")
	a.furnish()
}

// connects connects an agent to a workspace, as soon as the program takes commands.
func (m *matrix) connects(team *fakeslack.Workspace, id, secret string) {
	m.t.Helper()
	m.eventually("the agent is connected", answerWait, func() bool {
		return m.house("-", "connect.agent", arguments{"client_id": id, "client_secret": secret, "workspace": "slack:" + team.ID}, nil) == nil
	})
}

// furnish gives the home what others must not reach: a subscription, a card, a dead
// letter.
func (a *apart) furnish() {
	a.t.Helper()
	a.world.types(a.home.Owner, a.room, "/ia subscribe add --name every --events notification.mention")
	a.eventually("subscribed", answerWait, func() bool { return a.subscription() != "" })
	a.mentionOf("luna", 1)
	a.eventually("the card", answerWait, func() bool {
		for _, m := range a.slack.Messages(a.room) {
			if strings.Contains(string(m.Blocks), numbered(1)) {
				a.card = m.TS
			}
		}
		return a.card != ""
	})
	broken := a.slack.Inject(fakeslack.Trouble{Method: "chat.postMessage", Channel: a.room, Kind: fakeslack.Refused, Error: "msg_too_long"})
	a.mentionOf("luna", 2)
	a.eventually("the dead letter", answerWait, func() bool {
		a.dead = a.letter()
		return a.dead != ""
	})
	broken.Stop()
	a.hidden = map[string]string{
		"luna": nobodys, a.subscription(): "every-zzzzzz", "every": "never", a.room: "C0NOWHERE", a.home.ID: "T0NOWHERE",
		a.home.Owner: "U0NOBODY", a.card: "1000000000.000001",
	}
	a.rooms = []string{a.room}
}

func (a *apart) subscription() string {
	var list struct{ Items []struct{ ID string } }
	if a.house("-", "subscribe.list", arguments{}, &list) != nil || len(list.Items) == 0 {
		return ""
	}
	return list.Items[0].ID
}

func (a *apart) letter() string {
	var list struct {
		Items []struct {
			ID json.Number `json:"id"`
		}
	}
	if a.house("-", "dead.list", arguments{}, &list) != nil || len(list.Items) == 0 {
		return ""
	}
	return list.Items[0].ID.String()
}

// F54, T2, T3: what a workspace has can't be used, seen or guessed from another one
// through the program's doors: by no command with any value that names something, no
// button, menu, form or list of a form, no message and no link; and each try reads
// like one for something that nobody has.
func TestF54_AnotherWorkspaceReachesNothingThroughTheProgram(t *testing.T) {
	t.Parallel()
	a := newApart(t)
	a.looksAround()
	pressed, forms := a.recorded()
	require.Greater(t, len(pressed), 20)
	before, said := a.touched(), a.traffic()
	for _, spec := range command.Table() {
		if spec.House != nil {
			a.tellsNothing(&spec)
		}
	}
	var all []deed
	for _, spec := range command.Table() {
		all = append(all, a.commands(&spec)...)
	}
	for _, p := range append(pressed, a.forgedPresses()...) {
		all = append(all, deed{"button " + p.action + " " + p.value, func(l *lodging, who string, hide func(string) string) error {
			return a.presses(l, who, press{p.action, hide(p.value)})
		}})
	}
	require.Greater(t, len(all), 200)
	t.Logf("%d deeds, %d buttons", len(all), len(pressed))
	a.inEach(all)
	a.sendsForms(forms)
	a.saysInThreads()
	require.Equal(t, before, a.touched(), "nothing was done at ImagineAnything")
	require.Equal(t, said, a.traffic(), "nothing was said in the other workspace")
	a.running.stop()
}

// touched counts what was asked for as luna beside the pollers.
func (a *apart) touched() (n int) {
	for _, e := range a.sandbox.Journal() {
		if e.Agent == "luna" && (e.Class == sandbox.ClassWrite || e.Class == sandbox.ClassUpload) {
			n++
		}
	}
	return n
}

// traffic counts what the bridge says in the home.
func (a *apart) traffic() (n int) {
	for _, q := range a.slack.Requests() {
		if q.Workspace == a.home.ID && (strings.HasPrefix(q.Method, "chat.") || strings.HasPrefix(q.Method, "views.")) {
			n++
		}
	}
	return n
}

// bindings are the values that a button binds to arguments.
var bindings = regexp.MustCompile(`=[^&]*`)

// press is a button or an entry of a menu, with what it carries.
type press struct{ action, value string }

// looksAround has the owner of the home look at this and that, so that there are
// buttons.
func (a *apart) looksAround() {
	a.t.Helper()
	for n, line := range []string{
		"feed home", "dm list", "notify list", "search find query:orbit", "agent list", "media list", "generate history", "profile show",
		"subscribe list", "subscribe show subscription:every", "connect list", "dead list", "access show", "post create text:Hello",
	} {
		room := a.home.AddChannel(fmt.Sprintf("room%d", n)) // a channel hears one message a second
		a.rooms = append(a.rooms, room)
		a.world.types(a.home.Owner, room, "/ia "+line)
		a.eventually("shown: "+line, answerWait, func() bool { return len(a.slack.Messages(room)) > 0 })
	}
	a.world.types(a.home.Owner, a.room, "/ia post comment post:p1")
	a.eventually("a form", answerWait, func() bool { return a.slack.Form(a.home.Owner) != "" })
	a.eventually("all of it is answered", answerWait, func() bool {
		return len(a.trail.those(func(h heard) bool { return h.Principal.Workspace == a.home.ID && h.Outcome == "done" })) >= 14
	})
}

// recorded are the buttons of the home, and what its forms carry.
func (a *apart) recorded() (pressed []press, meta string) {
	a.t.Helper()
	seen := map[press]bool{}
	var walk func(at any, action string)
	walk = func(at any, action string) {
		switch v := at.(type) {
		case []any:
			for _, one := range v {
				walk(one, action)
			}
		case map[string]any:
			if id, ok := v["action_id"].(string); ok {
				action = id
			}
			if value, ok := v["value"].(string); ok && strings.HasPrefix(action, "ia1:") {
				seen[press{action, value}] = true
			}
			for _, one := range v {
				walk(one, action)
			}
		}
	}
	for _, q := range a.slack.Requests() {
		if q.Workspace != a.home.ID {
			continue
		}
		walk(q.Args["blocks"], "")
		if v, ok := q.Args["view"].(map[string]any); ok {
			walk(v, "")
			meta, _ = v["private_metadata"].(string)
		}
	}
	for _, room := range a.rooms {
		for _, m := range a.slack.Messages(room) {
			var blocks any
			if m.Blocks != nil {
				require.NoError(a.t, json.Unmarshal(m.Blocks, &blocks))
			}
			walk(blocks, "")
		}
	}
	maps.DeleteFunc(seen, func(p press, _ bool) bool { return a.names(p.value) == p.value && !strings.Contains(p.value, "~") })
	require.Contains(a.t, meta, "luna")
	kinds := map[string]bool{} // one of each: of ten posts the same buttons do the same
	for _, p := range slices.SortedFunc(maps.Keys(seen), func(x, y press) int { return strings.Compare(x.action+x.value, y.action+y.value) }) {
		kind := p.action + bindings.ReplaceAllString(p.value, "=")
		if kinds[kind] && !strings.Contains(p.value, "~") {
			delete(seen, p)
		}
		kinds[kind] = true
	}
	return slices.SortedFunc(maps.Keys(seen), func(x, y press) int { return strings.Compare(x.action+x.value, y.action+y.value) }), meta
}

// hide puts what nobody has in the place of what the home has.
func (a *apart) hide(text string) string {
	return regexp.MustCompile(`\b`+a.dead+`\b`).ReplaceAllString(a.names(text), "999999")
}

// names is hide but for the number of the dead letter, which is one of many.
func (a *apart) names(text string) string {
	for _, name := range slices.Backward(slices.SortedFunc(maps.Keys(a.hidden), func(x, y string) int { return len(x) - len(y) })) {
		text = strings.ReplaceAll(text, name, a.hidden[name])
	}
	return regexp.MustCompile(`~[\w-]{22}`).ReplaceAllString(text, "~"+strings.Repeat("A", 22))
}

// forgedPresses are values that no card of ours carries (F52).
func (a *apart) forgedPresses() (out []press) {
	for _, verb := range []string{"post.like", "post.delete", "dm.send", "service.disconnect", "connect.remove", "access.allow", "dead.drop", "subscribe.remove"} {
		id := "ia1:" + verb
		out = append(out,
			press{id, "luna:post=p1"}, press{id, "luna:post=p1&handle=luna&%21=yes"}, press{id, "LUNA:post=p1"}, press{id, "%6Cuna:post=p1"},
			press{id + "x", "nova:post=p1"}, press{id, "luna:pos%"}, press{"ia1:more", verb + ":luna:post=p1"},
		)
	}
	return append(out, press{"ia1:post.like", "~" + strings.Repeat("a", 22)}, press{"ia1:post.like", "~../../../../secret"}, press{"ia1:post.like", ":post=p1&agent=luna"},
		press{"ia1:dead.drop", ":id=all&subscription=every&%21=yes"})
}

// deed is something done in another workspace: as it is, and with what nobody has in
// the place of what the home has.
type deed struct {
	what string
	do   func(l *lodging, who string, hide func(string) string) error
}

// named are the arguments that name something of the home's. An argument of the
// bridge's own commands is here, or among those that name nothing.
func (a *apart) named(arg string) (string, bool) {
	of := map[string]string{"handle": "luna", "agents": "luna", "subscription": "every", "id": a.dead, "to": "slack:" + a.room, "notify": "slack:" + a.room}
	v, ok := of[arg]
	return v, ok
}

// neutral are the arguments of the bridge's own commands that name nothing.
var neutral = []string{
	"preset", "events", "filter", "template", "name", "start", "digest", "quiet", "cap", "fold", "catch_up", "order", "audience", "until", "since", "event", "limit", "reason", "may", "who",
	"client_id", "client_secret", "code", "workspace",
}

// commands are the lines that name what the home has: for each command the agent, and
// for the bridge's own each of its arguments.
func (a *apart) commands(spec *command.Spec) (out []deed) {
	a.t.Helper()
	add := func(line string) {
		out = append(out, deed{"/ia " + line, func(l *lodging, who string, hide func(string) string) error {
			r, err := a.slack.Slash(who, l.room, "/ia "+hide(line))
			if err == nil && !r.Acked {
				err = fmt.Errorf("not acknowledged: %s", r.Reason)
			}
			return err
		}})
	}
	var line strings.Builder
	line.WriteString(spec.Name())
	for _, arg := range spec.Args {
		if v, wanted := filled(spec, arg); wanted && !arg.Secret {
			line.WriteString(" " + arg.Name + ":" + v)
		}
	}
	add(line.String() + " agent:luna")
	if spec.House == nil || secret(spec) {
		return out
	}
	for _, arg := range spec.Args {
		value, names := a.named(arg.Name)
		if !names {
			require.Contains(a.t, neutral, arg.Name, "%s: does its %s name something that a workspace has?", spec.Name(), arg.Name)
			continue
		}
		rest := line.String()
		if i := strings.Index(rest, " "+arg.Name+":"); i >= 0 {
			end := strings.Index(rest[i+1:], " ")
			if end < 0 {
				end = len(rest) - i - 1
			}
			rest = rest[:i] + rest[i+1+end:]
		}
		if !spec.Confirm { // else it asks first
			add(rest + " " + arg.Name + ":" + value)
		}
		args := url.Values{arg.Name: {value}, "!": {"yes"}}
		for _, other := range spec.Args {
			if v, wanted := filled(spec, other); wanted && other.Name != arg.Name && !other.Secret {
				args.Set(other.Name, v)
			}
		}
		out = append(out, deed{"a button for " + spec.Name() + " " + args.Encode(), func(l *lodging, who string, hide func(string) string) error {
			forged := url.Values{}
			for name, v := range args {
				forged.Set(name, hide(v[0]))
			}
			return a.presses(l, who, press{"ia1:" + spec.Group + "." + spec.Verb, ":" + forged.Encode()})
		}})
	}
	return out
}

// secret reports a command that takes a secret: whoever has that may use it wherever
// they are.
func secret(spec *command.Spec) bool {
	return slices.ContainsFunc(spec.Args, func(a command.Arg) bool { return a.Secret })
}

// inEach does the deeds, several at once in each of the other workspaces, and
// compares what is shown and audited.
func (a *apart) inEach(all []deed) {
	a.t.Helper()
	group, ctx := errgroup.WithContext(a.t.Context())
	for n, l := range a.others {
		mine := make(chan deed)
		group.Go(func() error {
			defer close(mine)
			for i := n; i < len(all); i += len(a.others) {
				select {
				case mine <- all[i]:
				case <-ctx.Done():
				}
			}
			return nil
		})
		for range atOnce {
			group.Go(func() error {
				for d := range mine {
					if err := a.alike(ctx, l, d); err != nil {
						return fmt.Errorf("%s: %w", d.what, err)
					}
				}
				return nil
			})
		}
	}
	require.NoError(a.t, group.Wait())
}

// emptied are looks for what is not there that find nothing, in place of a refusal.
var emptied = regexp.MustCompile(`dead.list`)

// alike does a deed twice and says how the two differ.
func (a *apart) alike(ctx context.Context, l *lodging, d deed) error {
	for try := 0; ; try++ {
		if err := a.tries(ctx, l, d); !errors.Is(err, errBusy) || try == 10 {
			return err
		}
	}
}

// errBusy is a machine on which the program could not take something in Slack's three
// seconds. People do it again.
var errBusy = errors.New("not taken in time")

// busy reports what people are told then.
func busy(said string) bool {
	return strings.Contains(said, "could not note this") || strings.Contains(said, "could not be opened in time")
}

func (a *apart) tries(ctx context.Context, l *lodging, d deed) error {
	theirs, absent := <-l.guests, <-l.guests
	if err := d.do(l, theirs, func(s string) string { return s }); err != nil {
		return err
	}
	if err := d.do(l, absent, a.hide); err != nil {
		return err
	}
	one, err := a.outcome(ctx, l, theirs)
	if err != nil {
		return err
	}
	other, err := a.outcome(ctx, l, absent)
	if err != nil {
		return err
	}
	if a.hide(one) != a.hide(other) {
		return fmt.Errorf("reads %q, and for nobody's %q", one, other)
	}
	if !strings.HasPrefix(one, "refused ") && !emptied.MatchString(d.what) {
		return fmt.Errorf("not refused: %q", one)
	}
	return nil
}

// outcome is what the audit has of a guest, and what they see: of a form that is
// open, what comes when it is sent.
func (a *apart) outcome(ctx context.Context, l *lodging, who string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, answerWait)
	defer cancel()
	see := func() string {
		var out []string
		for _, m := range a.slack.Messages(l.room) {
			if m.Ephemeral == who {
				out = append(out, m.Text)
			}
		}
		return strings.Join(out, "\n")
	}
	audited := func() []heard { return a.trail.those(func(h heard) bool { return h.Principal.User == who }) }
	open := "" // the form that was sent
	for {
		form, seen, entries := a.slack.Form(who), see(), audited()
		switch {
		case busy(seen):
			return "", errBusy
		case form != "" && open == "" && len(entries) == 0:
			open = form
			callback, meta := a.slack.Carries(who)
			if err := a.sends(l, who, callback, meta, "1"); err != nil {
				return "", err
			}
		case len(entries) > 0 && (seen != "" || form != open && form != "" && !strings.Contains(form, "Working")):
			return entries[0].Outcome + " " + entries[0].Status + "\n" + seen + form, nil
		}
		select {
		case <-ctx.Done():
			return "", fmt.Errorf("nothing came of it: audited %d, shown %q, form %q", len(entries), seen, form)
		case <-time.After(lookAfter):
		}
	}
}

// filled is something for an argument that a command must have, as a form holds it.
func filled(spec *command.Spec, a command.Arg) (value string, wanted bool) {
	first := func(group []string) bool { return len(group) > 0 && a.Name == group[0] }
	switch {
	case a.Hidden || !a.Required && !first(spec.AnyOf) && !first(spec.OneOf), a.Kind == command.Attachment:
		return "", false
	case len(a.Choices) > 0:
		return a.Choices[0], true
	case a.Kind == command.Integer, a.Kind == command.Number:
		return fmt.Sprint(max(1, a.Min)), true
	case a.Kind == command.Flag:
		return "true", true
	case a.Max > 0 && a.Max < 4:
		return "x", true
	case a.Name == "since":
		return "2h", true
	}
	return strings.Repeat("x1", max(2, int(a.Min+1)/2)), true
}

// payload is what Slack tells of whatever somebody does, with a trigger and an address
// for answers that are good.
func (a *apart) payload(l *lodging, who, kind string) (map[string]any, error) {
	got, err := a.slack.MessageShortcut(who, l.room, l.said, "nothing.of.ours")
	if err != nil || !got.Acked {
		return nil, fmt.Errorf("no payload: %w, %s", err, got.Reason)
	}
	return map[string]any{
		"type": kind, "api_app_id": l.team.AppID, "team": map[string]any{"id": l.team.ID}, "channel": map[string]any{"id": l.room},
		"user": map[string]any{"id": who, "username": "somebody", "team_id": l.team.ID}, "trigger_id": got.TriggerID, "response_url": got.ResponseURL,
		"container": map[string]any{"type": "message", "channel_id": l.room, "message_ts": l.said},
	}, nil
}

// tells brings a payload to the program as Slack does, and gives the acknowledgement.
func (a *apart) tells(payload map[string]any) ([]byte, error) {
	raw, err := json.Marshal(payload)
	if err != nil {
		return nil, err
	}
	body := []byte(url.Values{"payload": {string(raw)}}.Encode())
	r, err := http.NewRequestWithContext(a.t.Context(), http.MethodPost, "http://"+a.web+"/slack/interactions", bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	fakeslack.Sign(r.Header, a.slack.SigningSecret(), time.Now(), body)
	resp, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(r)
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	said, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("acknowledged with %s", resp.Status)
	}
	return said, err
}

// presses has somebody press a button, or choose from a menu, that holds what they
// want it to.
func (a *apart) presses(l *lodging, who string, p press) error {
	payload, err := a.payload(l, who, "block_actions")
	if err != nil {
		return err
	}
	action := map[string]any{"action_id": p.action, "block_id": "b", "value": p.value}
	if strings.HasPrefix(p.action, "ia1:more") {
		action = map[string]any{"action_id": p.action, "block_id": "b", "selected_option": map[string]any{"value": p.value}}
	}
	payload["actions"] = []any{action}
	_, err = a.tells(payload)
	return err
}

// sends has somebody send a form, filled in, in the place of the one before them.
func (a *apart) sends(l *lodging, who, callback, meta, hash string) error {
	group, verb, _ := strings.Cut(strings.TrimPrefix(callback, "ia1:"), ".")
	spec, ok := command.Find(group, verb)
	if !ok {
		return fmt.Errorf("the form %q is no command's", callback)
	}
	var carried struct {
		Fixed map[string]string `json:"fixed"`
	}
	if err := json.Unmarshal([]byte(meta), &carried); err != nil {
		return err
	}
	bound := func(name string) bool { return carried.Fixed[name] != "" }
	state := map[string]any{}
	for _, arg := range spec.Args {
		if bound(arg.Name) || slices.Contains(spec.OneOf, arg.Name) && slices.ContainsFunc(spec.OneOf, bound) {
			continue
		}
		if v, wanted := filled(spec, arg); wanted {
			state[arg.Name] = map[string]any{"x": map[string]any{"type": "plain_text_input", "value": v}}
		}
		if arg.Kind == command.Attachment {
			kind := append(arg.Accept, "image/png")[0]
			state[arg.Name] = map[string]any{"x": map[string]any{"type": "file_input", "files": []any{map[string]any{"id": "F1", "name": "a.png", "mimetype": kind, "size": 10, "url_private_download": "https://files.slack.com/a.png"}}}}
		}
	}
	payload, err := a.payload(l, who, "view_submission")
	if err != nil {
		return err
	}
	delete(payload, "container")
	delete(payload, "channel")
	payload["view"] = map[string]any{
		"id": a.slack.ViewID(who), "hash": hash, "type": "modal", "callback_id": callback, "private_metadata": meta, "state": map[string]any{"values": state},
	}
	said, err := a.tells(payload)
	if err == nil && busy(string(said)) {
		err = errBusy
	}
	if err == nil && strings.Contains(string(said), "errors") {
		err = fmt.Errorf("not taken: %s", said)
	}
	return err
}

// sendsForms has people send the home's forms, with the agent and whatever the home's
// form carries, in the place of one of their own; and what is typed into them is
// completed with nothing of the home's.
func (a *apart) sendsForms(meta string) {
	a.t.Helper()
	group, ctx := errgroup.WithContext(a.t.Context())
	table := command.Table()
	for n, l := range a.others {
		group.Go(func() error {
			theirs, absent := <-l.guests, <-l.guests
			for _, who := range []string{theirs, absent} {
				if _, err := a.slack.Slash(who, l.room, "/ia post create"); err != nil {
					return err
				}
				if err := a.slack.Until(ctx, func() bool { return a.slack.Form(who) != "" }); err != nil {
					return err
				}
			}
			for i := n; i < len(table); i += len(a.others) {
				own := table[i].House != nil && !secret(&table[i])
				if !own && table[i].Group != "post" && table[i].Group != "dm" {
					continue // sinks/slack sends them all: Slack's pace would make it long here
				}
				if err := a.sendsForm(ctx, l, &table[i], meta, theirs, absent); err != nil {
					return fmt.Errorf("the form of %s: %w", table[i].Name(), err)
				}
			}
			return nil
		})
	}
	require.NoError(a.t, group.Wait())
}

func (a *apart) sendsForm(ctx context.Context, l *lodging, spec *command.Spec, meta, theirs, absent string) error {
	callback, fixed := "ia1:"+spec.Group+"."+spec.Verb, map[string]string{}
	for _, arg := range spec.Args {
		if v, names := a.named(arg.Name); names && spec.House != nil {
			fixed[arg.Name] = v
		}
	}
	var carried map[string]any
	if err := json.Unmarshal([]byte(meta), &carried); err != nil {
		return err
	}
	carried["fixed"] = fixed
	raw, err := json.Marshal(carried)
	if err != nil {
		return err
	}
	if err := a.completesNothing(l, spec, theirs, string(raw)); err != nil {
		return err
	}
	send := func(who, meta string) (string, error) {
		before, updates := len(a.trail.those(func(h heard) bool { return h.Principal.User == who })), a.updates(who)
		err := a.sends(l, who, callback, meta, strconv.Itoa(before))
		for try := 0; errors.Is(err, errBusy) && try < 10; try++ {
			err = a.sends(l, who, callback, meta, fmt.Sprint(before, "again", try))
		}
		if err != nil {
			return "", err
		}
		ctx, cancel := context.WithTimeout(ctx, answerWait)
		defer cancel()
		for {
			entries, form := a.trail.those(func(h heard) bool { return h.Principal.User == who }), a.slack.Form(who)
			if len(entries) > before && a.updates(who) > updates && !strings.Contains(form, "Working") {
				e := entries[len(entries)-1]
				return e.Outcome + " " + e.Status + "\n" + form, nil
			}
			select {
			case <-ctx.Done():
				return "", fmt.Errorf("nothing came of it: %s", form)
			case <-time.After(lookAfter):
			}
		}
	}
	one, err := send(theirs, string(raw))
	if err != nil {
		return err
	}
	other, err := send(absent, a.hide(string(raw)))
	switch {
	case err != nil:
		return err
	case a.hide(one) != a.hide(other):
		return fmt.Errorf("reads %q, and for nobody's %q", one, other)
	case !strings.HasPrefix(one, "refused "):
		return fmt.Errorf("not refused: %q", one)
	}
	return nil
}

// updates counts how often the form that somebody has before them was changed.
func (a *apart) updates(who string) (n int) {
	view := a.slack.ViewID(who)
	for _, q := range a.slack.Requests("views.update") {
		if id, _ := q.Args["view_id"].(string); id == view {
			n++
		}
	}
	return n
}

// completesNothing types into each field of a form of the home.
func (a *apart) completesNothing(l *lodging, spec *command.Spec, who, meta string) error {
	fields := []string{"agent"}
	for _, arg := range spec.Args {
		if arg.Complete != "" {
			fields = append(fields, arg.Name)
		}
	}
	for _, field := range fields {
		said, err := a.tells(map[string]any{
			"type": "block_suggestion", "api_app_id": l.team.AppID, "team": map[string]any{"id": l.team.ID}, "user": map[string]any{"id": who, "team_id": l.team.ID},
			"action_id": "ia1:pick." + field, "block_id": field, "value": "",
			"view": map[string]any{"id": a.slack.ViewID(who), "type": "modal", "callback_id": "ia1:" + spec.Group + "." + spec.Verb, "private_metadata": meta},
		})
		if err != nil {
			return err
		}
		if a.names(string(said)) != string(said) || strings.Contains(string(said), "number-") {
			return fmt.Errorf("%s is completed with %s", field, said)
		}
	}
	return nil
}

// tellsNothing has somebody use one of the bridge's own commands without naming
// anything: what they are shown has nothing of the home's.
func (a *apart) tellsNothing(spec *command.Spec) {
	a.t.Helper()
	line, ok := typedLine(spec)
	if !ok || spec.Confirm || secret(spec) {
		return
	}
	l := a.others[0]
	who := <-l.guests
	_, err := a.slack.Slash(who, l.room, "/ia "+line)
	require.NoError(a.t, err)
	said, err := a.outcome(a.t.Context(), l, who)
	require.NoError(a.t, err, spec.Name())
	require.Equal(a.t, a.names(said), said, spec.Name())
	require.NotContains(a.t, said, "number-", spec.Name())
}

// saysInThreads has people answer a message of the home, by its id: in a thread, and
// by the shortcut of a message.
func (a *apart) saysInThreads() {
	a.t.Helper()
	l := a.others[0]
	shown := map[string]string{}
	for _, ts := range []string{a.card, "1000000000.000001"} {
		who := <-l.guests
		a.slack.Say(who, l.room, ts, "words for "+ts)
		payload, err := a.payload(l, who, "message_action")
		require.NoError(a.t, err)
		payload["callback_id"], payload["channel"] = "ia1:reply", map[string]any{"id": a.room}
		payload["message"] = map[string]any{"ts": ts, "text": "x"}
		delete(payload, "container")
		_, err = a.tells(payload)
		require.NoError(a.t, err)
		a.eventually("an answer", answerWait, func() bool {
			for _, m := range a.slack.Messages(l.room) {
				if m.Ephemeral == who {
					shown[ts] = m.Text
				}
			}
			return shown[ts] != ""
		})
		require.Contains(a.t, shown[ts], "not from ImagineAnything")
	}
	require.Equal(a.t, shown[a.card], shown["1000000000.000001"])
}
