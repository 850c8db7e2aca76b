package command_test

import (
	"bytes"
	"encoding/json"
	"maps"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/bridge/command"
	"github.com/imaginebridge/imaginebridge/internal/golden"
	"github.com/imaginebridge/imaginebridge/internal/imagine"
	"github.com/imaginebridge/imaginebridge/internal/sandbox"
)

// drives says for each command what to set up and what to send.
type drive struct {
	set   func(w *world) map[string]any // makes what the command is about and gives its values
	files map[string][]command.File
	extra []string // calls it makes besides the first of its row
}

func with(values map[string]any) func(*world) map[string]any {
	return func(*world) map[string]any { return values }
}

// ownPost is a post of the acting agent.
func ownPost(w *world) string {
	p, err := w.apis[w.me].CreatePost(w.t.Context(), imagine.NewPost{Content: "Docking ring done #orbit"})
	require.NoError(w.t, err)
	return p.ID
}

// otherPost is a post of somebody else.
func otherPost(w *world) string {
	r, err := w.box.Act(sandbox.Action{As: w.other(), Do: "post", Content: "Tides are high #sea"})
	require.NoError(w.t, err)
	return r.Post
}

func (w *world) other() string { return w.box.Agents()[1].Handle }

func aPost(w *world) map[string]any { return map[string]any{"post": otherPost(w)} }

func ownComment(w *world, post string) string {
	c, err := w.apis[w.me].Comment(w.t.Context(), post, "How heavy?", "")
	require.NoError(w.t, err)
	return c.ID
}

func conversation(w *world) map[string]any {
	s, err := w.apis[w.me].StartConversation(w.t.Context(), w.other(), "See you at dock 3")
	require.NoError(w.t, err)
	return map[string]any{"conversation": s.Conversation.ID}
}

func message(w *world) map[string]any {
	s, err := w.apis[w.me].StartConversation(w.t.Context(), w.other(), "See you at dock 3")
	require.NoError(w.t, err)
	return map[string]any{"message": s.Message.ID}
}

func plus(set func(*world) map[string]any, more map[string]any) func(*world) map[string]any {
	return func(w *world) map[string]any {
		values := set(w)
		maps.Copy(values, more)
		return values
	}
}

func connect(provider string) func(*world) map[string]any {
	return func(w *world) map[string]any {
		_, err := w.apis[w.me].ConnectService(w.t.Context(), provider, "sk-good-0123456789abcdef")
		require.NoError(w.t, err)
		return map[string]any{"provider": provider}
	}
}

func failedJob(w *world) map[string]any {
	connect("OPENAI")(w)
	j, err := w.apis[w.me].Generate(w.t.Context(), imagine.NewJob{Provider: "OPENAI", Type: "image", Prompt: "a ring station sandbox:fail-once"})
	require.NoError(w.t, err)
	w.box.Clock().Advance(time.Minute)
	return map[string]any{"job": j.JobID}
}

func doneJob(w *world) map[string]any {
	connect("OPENAI")(w)
	_, err := w.apis[w.me].Generate(w.t.Context(), imagine.NewJob{Provider: "OPENAI", Type: "image", Prompt: "a ring station"})
	require.NoError(w.t, err)
	w.box.Clock().Advance(time.Minute)
	return map[string]any{}
}

func uploaded(w *world) map[string]any {
	r := w.runner.Do(w.t.Context(), command.Request{Principal: manager(), Agent: w.me, Group: "media", Verb: "image", Files: map[string][]command.File{"file": {picture()}}, Door: command.Discord})
	require.True(w.t, r.OK, "%v", r.Problem)
	return map[string]any{"media": r.Reply.Data.(*imagine.Media).ID}
}

func ownByte(w *world) map[string]any {
	r := w.runner.Do(w.t.Context(), command.Request{Principal: manager(), Agent: w.me, Group: "byte", Verb: "create", Files: map[string][]command.File{"file": {film()}}, Values: map[string]any{"caption": "One lap"}, Door: command.Discord})
	require.True(w.t, r.OK, "%v", r.Problem)
	return map[string]any{"byte": r.Reply.Data.(*imagine.Byte).ID}
}

func ownListing(w *world) map[string]any {
	l, err := w.apis[w.me].CreateListing(w.t.Context(), imagine.NewListing{Title: "A station logo", Description: "Drawn by hand.", Price: 500, DeliveryDays: 3, Category: "design"})
	require.NoError(w.t, err)
	return map[string]any{"service": l.ID}
}

// offerOf is a listing of somebody else.
func offerOf(w *world) string {
	l, err := w.apis[w.other()].CreateListing(w.t.Context(), imagine.NewListing{Title: "A tide table", Description: "For any shore.", Price: 1200, DeliveryDays: 2, Category: "data"})
	require.NoError(w.t, err)
	_, err = w.apis[w.other()].SetUpPaymentAccount(w.t.Context(), "")
	require.NoError(w.t, err)
	return l.ID
}

func ownOrder(w *world) map[string]any {
	p, err := w.apis[w.me].PlaceOrder(w.t.Context(), offerOf(w), "North shore, please", "CARD")
	require.NoError(w.t, err)
	return map[string]any{"order": p.Order.ID}
}

// drives has a row for every command of the table.
func drives() map[string]drive {
	text := func(s string) map[string]any { return map[string]any{"text": s} }
	image, video := map[string][]command.File{"file": {picture()}}, map[string][]command.File{"file": {film()}}
	none := with(nil)
	rows := map[string]drive{
		"post create":   {set: with(text("Hello <docks> & #orbit"))},
		"post show":     {set: aPost},
		"post like":     {set: aPost},
		"post unlike":   {set: aPost},
		"post comment":  {set: plus(aPost, text("How heavy?"))},
		"post comments": {set: func(w *world) map[string]any { p := otherPost(w); ownComment(w, p); return map[string]any{"post": p} }},
		"post repost":   {set: aPost},
		"post quote":    {set: plus(aPost, text("Worth a look"))},
		"post delete":   {set: func(w *world) map[string]any { return map[string]any{"post": ownPost(w)} }},
		"post likes": {set: func(w *world) map[string]any {
			p := otherPost(w)
			w.do("post like", map[string]any{"post": p})
			return map[string]any{"post": p}
		}},
		"post reposts": {set: func(w *world) map[string]any {
			p := otherPost(w)
			w.do("post repost", map[string]any{"post": p})
			return map[string]any{"post": p}
		}},
		"post unrepost": {set: func(w *world) map[string]any {
			p := otherPost(w)
			w.do("post repost", map[string]any{"post": p})
			return map[string]any{"post": p}
		}},
		"post amplify": {set: aPost},
		"post unamplify": {set: func(w *world) map[string]any {
			p := otherPost(w)
			w.do("post amplify", map[string]any{"post": p})
			return map[string]any{"post": p}
		}},
		"post delete-comment": {set: func(w *world) map[string]any {
			p := otherPost(w)
			return map[string]any{"post": p, "comment": ownComment(w, p)}
		}},

		"feed home":   {set: with(map[string]any{"limit": 2})},
		"feed public": {set: with(map[string]any{"limit": "2"})},

		"agent follow":   {set: func(w *world) map[string]any { return map[string]any{"handle": "@" + w.other()} }},
		"agent unfollow": {set: func(w *world) map[string]any { return map[string]any{"handle": w.other()} }},
		"agent show": {set: func(w *world) map[string]any {
			return map[string]any{"handle": "https://imagineanything.com/agent/" + w.other()}
		}},
		"agent check":       {set: func(w *world) map[string]any { return map[string]any{"handle": w.other()} }},
		"agent list":        {set: with(map[string]any{"type": "creative", "verified": "yes", "limit": 2})},
		"agent followers":   {set: with(map[string]any{"limit": 2})},
		"agent following":   {set: with(map[string]any{"limit": 2})},
		"agent similar":     {set: func(w *world) map[string]any { return map[string]any{"handle": w.other(), "limit": 2} }},
		"agent recommended": {set: with(map[string]any{"type": "agents", "limit": 2})},
		"agent likes":       {set: func(w *world) map[string]any { return map[string]any{"handle": w.other(), "limit": 2} }},
		"agent xp":          {set: none},

		"profile show":               {set: none},
		"profile edit":               {set: with(map[string]any{"bio": "I draw rings.", "website": ""}), extra: []string{"GET /api/agents/me"}},
		"profile avatar":             {set: none, files: image, extra: []string{"GET /api/agents/me"}},
		"profile avatar-remove":      {set: none},
		"profile register":           {set: with(map[string]any{"handle": "comet_two", "name": "Comet Two", "type": "ANALYST"})},
		"profile capabilities":       {set: none},
		"profile capabilities-edit":  {set: with(map[string]any{"skills": "drawing, docking", "response_time": "1h"}), extra: []string{"GET /api/agents/me/capabilities"}},
		"profile capabilities-clear": {set: none},

		"dm start":               {set: func(w *world) map[string]any { return map[string]any{"handle": w.other(), "text": "See you at dock 3"} }},
		"dm list":                {set: func(w *world) map[string]any { conversation(w); return nil }},
		"dm read":                {set: plus(conversation, map[string]any{"limit": 5})},
		"dm send":                {set: plus(conversation, text("At noon"))},
		"dm mark-read":           {set: conversation},
		"dm unread":              {set: none},
		"dm show":                {set: message},
		"dm delete":              {set: message},
		"dm delete-conversation": {set: conversation},

		"search find":     {set: with(map[string]any{"query": "orbit", "type": "posts", "limit": 2})},
		"search trending": {set: with(map[string]any{"section": "hashtags", "limit": 3})},
		"search tags":     {set: with(map[string]any{"limit": 3})},
		"search tag":      {set: with(map[string]any{"tag": "#orbit", "limit": 2})},

		"notify list":      {set: with(map[string]any{"limit": 2, "unread": true})},
		"notify count":     {set: none},
		"notify mark-read": {set: with(map[string]any{"all": "yes"})},
		"stats overview":   {set: with(map[string]any{"range": "7d"})},
		"stats posts":      {set: with(map[string]any{"sort": "likes", "limit": 2})},

		"media image":  {set: none, files: image},
		"media video":  {set: none, files: video, extra: []string{"GET /api/upload"}},
		"media list":   {set: func(w *world) map[string]any { uploaded(w); return map[string]any{"type": "image", "limit": 2} }},
		"media delete": {set: uploaded},

		"generate image":   {set: plus(connect("OPENAI"), map[string]any{"prompt": "a ring station", "size": "1024x1024", "post_text": "Look #orbit"})},
		"generate video":   {set: plus(connect("RUNWARE"), map[string]any{"prompt": "a docking", "aspect": "9:16", "duration": 5, "cfg": 7.5})},
		"generate voice":   {set: plus(connect("ELEVENLABS"), map[string]any{"prompt": "Welcome aboard", "voice": "EXAVITQu4vr4xnSDxMaL"})},
		"generate sound":   {set: plus(connect("ELEVENLABS"), map[string]any{"prompt": "an airlock", "seconds": "2.5"})},
		"generate music":   {set: plus(connect("ELEVENLABS"), map[string]any{"prompt": "a waltz", "seconds": 30})},
		"generate pending": {set: failedJob},
		"generate history": {set: plus(doneJob, map[string]any{"limit": 2, "status": "completed"})},
		"generate models":  {set: plus(connect("OPENAI"), map[string]any{"type": "image"})},
		"generate retry":   {set: failedJob, extra: []string{"GET /api/generate/pending"}},
		"generate voices":  {set: func(w *world) map[string]any { connect("ELEVENLABS")(w); return nil }},

		"byte list":     {set: with(map[string]any{"limit": 2})},
		"byte create":   {set: with(map[string]any{"caption": "One lap"}), files: video, extra: []string{"POST /api/upload/video", "GET /api/upload"}},
		"byte show":     {set: ownByte},
		"byte delete":   {set: ownByte},
		"byte like":     {set: ownByte},
		"byte unlike":   {set: ownByte},
		"byte comment":  {set: plus(ownByte, text("Fast"))},
		"byte comments": {set: ownByte},

		"market list":    {set: with(map[string]any{"limit": 2, "sort": "price"})},
		"market show":    {set: ownListing},
		"market create":  {set: with(map[string]any{"title": "A station logo", "description": "Drawn by hand.", "price": 500, "days": 3, "category": "design", "tags": "logo, station"})},
		"market edit":    {set: plus(ownListing, map[string]any{"price": 700, "days": 1}), extra: []string{"GET /api/marketplace/services/{service}"}},
		"market delete":  {set: ownListing},
		"market reviews": {set: ownListing},

		"order place": {set: func(w *world) map[string]any {
			return map[string]any{"service": offerOf(w), "requirements": "North shore, please", "payment": "card"}
		}},
		"order list":     {set: func(w *world) map[string]any { ownOrder(w); return map[string]any{"role": "buyer"} }},
		"order show":     {set: ownOrder},
		"order update":   {set: plus(ownOrder, map[string]any{"action": "cancel"})},
		"order messages": {set: ownOrder},
		"order message":  {set: plus(ownOrder, text("When will it be done?"))},
		"order payouts":  {set: none},
		"order account":  {set: none},
		"order onboard":  {set: none},

		"service list":       {set: func(w *world) map[string]any { connect("OPENAI")(w); return nil }},
		"service connect":    {set: with(map[string]any{"provider": "openai", "key": "sk-good-0123456789abcdef"})},
		"service toggle":     {set: plus(connect("OPENAI"), map[string]any{"active": "off"})},
		"service disconnect": {set: connect("OPENAI")},
		"service test":       {set: connect("OPENAI")},

		"hook show": {set: none},
		"hook set":  {set: with(map[string]any{"url": "https://hook.example/poke"}), extra: []string{"GET /api/agents/me/webhook"}},
		"hook remove": {set: func(w *world) map[string]any {
			w.do("hook set", map[string]any{"url": "https://hook.example/poke"})
			return nil
		}},
		"report send": {set: plus(aPost, map[string]any{"reason": "spam", "text": "The same again and again"})},
	}
	maps.Copy(rows, completedOrders())
	return rows
}

// completedOrders are the commands about an order that is done and paid.
func completedOrders() map[string]drive {
	return map[string]drive{
		"order review": {set: func(w *world) map[string]any {
			values := ownOrder(w)
			w.finishOrder(values["order"].(string))
			return map[string]any{"order": values["order"], "rating": 5, "text": "Right to the minute"}
		}},
		"order payout": {set: func(w *world) map[string]any {
			// The acting agent sells here, so that the payout is its own.
			l, err := w.apis[w.me].CreateListing(w.t.Context(), imagine.NewListing{Title: "A station logo", Description: "Drawn by hand.", Price: 500, DeliveryDays: 3, Category: "design"})
			require.NoError(w.t, err)
			_, err = w.apis[w.me].SetUpPaymentAccount(w.t.Context(), "")
			require.NoError(w.t, err)
			p, err := w.apis[w.other()].PlaceOrder(w.t.Context(), l.ID, "", "CARD")
			require.NoError(w.t, err)
			w.me = w.other()
			w.finishOrderAs(p.Order.ID, w.box.Agents()[0].Handle, w.me)
			w.me = w.box.Agents()[0].Handle
			list, err := w.apis[w.me].Payouts(w.t.Context(), "", imagine.PageQuery{})
			require.NoError(w.t, err)
			require.NotEmpty(w.t, list.Items)
			return map[string]any{"payout": list.Items[0].ID}
		}},
	}
}

func (w *world) finishOrder(order string) { w.finishOrderAs(order, w.other(), w.me) }

func (w *world) finishOrderAs(order, seller, buyer string) {
	w.t.Helper()
	ctx := w.t.Context()
	w.box.Clock().Advance(time.Minute) // the buyer pays
	for _, step := range []struct{ who, action, text string }{{seller, "start", ""}, {seller, "deliver", "Here it is"}, {buyer, "accept", ""}} {
		_, err := w.apis[step.who].UpdateOrder(ctx, order, step.action, step.text)
		require.NoError(w.t, err, step.action)
	}
}

func TestEveryCommandDoesItsCallAndShowsItsReply(t *testing.T) {
	t.Parallel()
	rows := drives()
	driven := 0
	for _, s := range command.Table() {
		if own(s) {
			continue // of the bridge itself: subscribe_test.go, schedule_test.go
		}
		driven++
		t.Run(s.Name(), func(t *testing.T) {
			t.Parallel()
			row, ok := rows[s.Name()]
			require.True(t, ok, "no row drives this command")
			synctest.Test(t, func(t *testing.T) { driveOne(t, &s, row) })
		})
	}
	require.Len(t, rows, driven, "a row drives a command that is not there")
}

func driveOne(t *testing.T, s *command.Spec, row drive) {
	t.Helper()
	w := newWorld(t)
	values := row.set(w)
	for name := range values {
		if !hasArg(s.Args, name) {
			delete(values, name)
		}
	}
	before := len(w.box.Journal())
	q := w.request(s.Name(), values)
	q.Files = row.files
	a := w.runner.Do(t.Context(), q)
	require.True(t, a.OK, "%v %s", a.Problem, a.Question)
	require.Equal(t, s.Private, a.Private)
	require.IsType(t, s.Result, plain(a.Reply.Data), "what the schema says")
	meets(t, s, a.Reply)

	arrived := w.calls(before)
	require.Contains(t, arrived, sandboxRoute(s.Calls[0]), "what the command is for")
	for _, call := range arrived {
		require.True(t, slices.ContainsFunc(s.Calls, func(c string) bool { return sandboxRoute(c) == call }), "%s is not among the calls its row names", call)
	}
	for _, call := range row.extra {
		require.Contains(t, arrived, sandboxRoute(call))
	}
	require.Empty(t, w.box.Violations())
	for _, m := range a.Reply.Messages {
		require.Equal(t, w.me, m.Agent)
		for _, b := range m.Actions {
			checkButton(t, s.Name(), b)
		}
	}
	if a.Reply.Undo != nil {
		checkButton(t, s.Name(), *a.Reply.Undo)
	}
	golden.Equal(t, filepath.Join("testdata", "reply", strings.ReplaceAll(s.Name(), " ", "_")+".golden"), steady(strings.Join(bodies(w, before), "")+show(a)))

	e := w.entries[len(w.entries)-1]
	require.Equal(t, "done", e.Outcome)
	require.Equal(t, s.Name(), e.Group+" "+e.Verb)
	require.NotContains(t, e.Targets, "text")
	require.NotContains(t, e.Targets, "key")
}

func checkButton(t *testing.T, where string, b bridge.Action) {
	t.Helper()
	require.NotEmpty(t, b.Label, where)
	if b.URL != "" {
		return
	}
	requireCommand(t, where, b.Command, b.Args)
	if b.Args[command.Form] == "" {
		values := map[string]any{}
		for name, value := range b.Args {
			if name != "agent" {
				values[name] = value
			}
		}
		_, err := command.Parse(spec(t, b.Command), values, nil)
		require.NoError(t, err, "%s: [%s] is refused when pressed", where, b.Label)
	}
}

func hasArg(args []command.Arg, name string) bool {
	return slices.ContainsFunc(args, func(a command.Arg) bool { return a.Name == name })
}

// sandboxRoute spells a call as the journal does.
func sandboxRoute(call string) string { return placeholder.ReplaceAllString(call, "{}") }

var placeholder = regexp.MustCompile(`\{[^}]*\}`)

// bodies are the writes that arrived, as they arrived.
func bodies(w *world, from int) []string {
	var out []string
	for _, e := range w.box.Journal()[from:] {
		if e.Class == sandbox.ClassAuth {
			continue
		}
		line := e.Method + " " + e.Path
		if e.Query != "" {
			line += "?" + e.Query
		}
		if e.Body != "" {
			line += " " + e.Body
		}
		out = append(out, line+"\n")
	}
	return out
}

// meets checks a reply against the schema that programs are given for it.
func meets(t *testing.T, s *command.Spec, r command.Reply) {
	t.Helper()
	c := jsonschema.NewCompiler()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(command.ReplySchema(s)))
	require.NoError(t, err)
	require.NoError(t, c.AddResource("reply.json", doc))
	schema, err := c.Compile("reply.json")
	require.NoError(t, err)
	data, err := json.Marshal(map[string]any{"ok": true, "result": r.Data, "text": r.Text})
	require.NoError(t, err)
	reply, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	require.NoError(t, err)
	require.NoError(t, schema.Validate(reply), "%s", data)
}

// plain is what a pointer points to.
func plain(v any) any {
	if p := reflect.ValueOf(v); p.Kind() == reflect.Pointer {
		return p.Elem().Interface()
	}
	return v
}
