package command_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/bridge/command"
	"github.com/imaginebridge/imaginebridge/internal/golden"
	"github.com/imaginebridge/imaginebridge/internal/imagine"
	"github.com/imaginebridge/imaginebridge/internal/sandbox"
)

func TestAccessMatrix(t *testing.T) {
	t.Parallel()
	person := func(user string, manages bool, roles ...string) command.Principal {
		return command.Principal{Platform: command.Discord, Workspace: "G1", User: user, Roles: roles, Manages: manages}
	}
	slack := func(user string, groups ...string) command.Principal {
		return command.Principal{Platform: command.Slack, Workspace: "T1", User: user, Roles: groups}
	}
	lists := command.Lists{Write: []string{"discord:role:77", "slack:group:S7"}, Admin: []string{"discord:user:A1", "slack:user:U9"}}
	for name, tc := range map[string]struct {
		lists              command.Lists
		who                command.Principal
		read, write, admin bool
	}{
		"without lists a member reads":              {command.Lists{}, person("M1", false), true, false, false},
		"without lists who manages does all":        {command.Lists{}, person("M1", true), true, true, true},
		"a stranger to every workspace does none":   {command.Lists{}, command.Principal{Platform: command.Discord, User: "X"}, false, false, false},
		"nobody by name does none":                  {command.Lists{}, command.Principal{Platform: command.Slack, Workspace: "T1", Manages: true}, false, false, false},
		"a role writes":                             {lists, person("M1", false, "5", "77"), true, true, false},
		"another role does not":                     {lists, person("M1", false, "78"), true, false, false},
		"a listed administrator does all":           {lists, person("A1", false), true, true, true},
		"lists decide alone, also over who manages": {lists, person("M1", true), true, false, false},
		"a Slack group writes":                      {lists, slack("U1", "S7"), true, true, false},
		"a Slack user administers":                  {lists, slack("U9"), true, true, true},
		"ids of one platform are not another's":     {lists, slack("A1", "77"), true, false, false},
		"a read list closes reading":                {command.Lists{Read: []string{"discord:role:1"}}, person("M1", false), false, false, false},
		"a read list opens it for its role":         {command.Lists{Read: []string{"discord:role:1"}}, person("M1", false, "1"), true, false, false},
		"who may write may read":                    {command.Lists{Read: []string{"discord:role:1"}, Write: []string{"discord:role:2"}}, person("M1", false, "2"), true, true, false},
		"NATS relies on its own permissions":        {lists, command.Principal{Platform: command.NATS}, true, true, true},
		"the terminal relies on its user":           {lists, command.Principal{Platform: command.Terminal}, true, true, true},
		"an unknown platform has none":              {lists, command.Principal{Platform: "carrier-pigeon", Workspace: "G1", User: "A1"}, true, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, func(o *command.RunnerOptions) {
				o.Access = func(command.Principal, string) command.Lists { return tc.lists }
			})
			for verb, want := range map[string]bool{"feed home": tc.read, "notify mark-read": tc.write, "service list": tc.admin} {
				q := w.request(verb, nil)
				if verb == "notify mark-read" {
					q.Values = map[string]any{"all": true}
				}
				q.Principal = tc.who
				before := len(w.box.Journal())
				a := w.runner.Do(t.Context(), q)
				require.Equal(t, want, a.OK, "%s: %v", verb, a.Problem)
				if !want {
					require.Equal(t, "forbidden", a.Problem.Status)
					require.True(t, a.Private)
					require.Len(t, w.box.Journal(), before, "a refusal calls nothing")
				}
				e := w.entries[len(w.entries)-1]
				require.Equal(t, map[bool]string{true: "done", false: "refused"}[want], e.Outcome)
				require.Equal(t, tc.who.User, e.Principal.User)
			}
		})
	}
}

// TestEveryCommandIsRefusedToAStranger holds T1 and T3 for the whole table.
func TestEveryCommandIsRefusedToAStranger(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(o *command.RunnerOptions) {
		o.Reach = func(p command.Principal) []string {
			if p.Workspace == "G1" {
				return []string{"orbit_bot"}
			}
			return []string{"lumen_lab"}
		}
	})
	for _, s := range command.Table() {
		q := w.request(s.Name(), nil)
		q.Principal.Workspace = "G2"
		yours := w.runner.Do(t.Context(), q)
		q.Agent = "nobody_at_all"
		absent := w.runner.Do(t.Context(), q)
		require.Equal(t, 404, yours.Problem.Code, s.Name())
		require.Equal(t, strings.ReplaceAll(absent.Problem.Error(), "nobody_at_all", "X"), strings.ReplaceAll(yours.Problem.Error(), "orbit_bot", "X"), "%s: not yours reads like not there", s.Name())
		require.Equal(t, "refused", w.entries[len(w.entries)-1].Outcome)
	}
	require.Empty(t, w.box.Journal())
}

func TestTheAgentIsFoundOrAskedFor(t *testing.T) {
	t.Parallel()
	reach := []string{"orbit_bot"}
	w := newWorld(t, func(o *command.RunnerOptions) { o.Reach = func(command.Principal) []string { return reach } })
	ask := func(agent string) command.Answer {
		q := w.request("profile show", nil)
		q.Agent = agent
		return w.runner.Do(t.Context(), q)
	}
	require.True(t, ask("").OK, "the only one needs no name")
	require.True(t, ask("@orbit_bot").OK)
	reach = []string{"orbit_bot", "lumen_lab"}
	require.Equal(t, "agent_required", ask("").Problem.Status)
	require.Equal(t, `No agent "orbit_bit" is connected here. Did you mean "orbit_bot"?`, ask("orbit_bit").Problem.Error())
	require.NotContains(t, ask("paper_crow").Problem.Error(), "lumen")
	reach = nil
	require.Equal(t, "no_agent", ask("").Problem.Status)
}

func TestWhatCannotBeUndoneAsksFirst(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	post := ownPost(w)
	q := w.request("post delete", map[string]any{"post": post})
	q.ID, q.Confirmed = "i1", false
	a := w.runner.Do(t.Context(), q)
	require.True(t, a.NeedsConfirm)
	require.Equal(t, "Delete this post? That can't be undone.", a.Question)
	require.Empty(t, w.records.list, "a question is no command yet")
	_, err := w.apis[w.me].Post(t.Context(), post)
	require.NoError(t, err)
	q.ID, q.Confirmed = "i2", true
	require.True(t, w.runner.Do(t.Context(), q).OK)
	_, err = w.apis[w.me].Post(t.Context(), post)
	require.True(t, imagine.IsNotFound(err))
}

func TestAnothersWebhookIsNotTakenUnasked(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.do("hook set", map[string]any{"url": "https://one.example/secret-path"})
	q := w.request("hook set", map[string]any{"url": "https://two.example/"})
	q.Confirmed = false
	a := w.runner.Do(t.Context(), q)
	require.True(t, a.NeedsConfirm)
	require.Equal(t, "ImagineAnything calls one.example for @orbit_bot now. Take the webhook from that program?", a.Question)
	require.True(t, a.Private)
	q.Confirmed = true
	require.True(t, w.runner.Do(t.Context(), q).OK)
}

func TestOneGenerationMoreThanADayHoldsAsksFirst(t *testing.T) {
	t.Parallel()
	spent := 4
	w := newWorld(t, func(o *command.RunnerOptions) {
		o.Daily = func() int { return 5 }
		o.Spent = func(context.Context, string, command.Principal) int { return spent }
	})
	connect("OPENAI")(w)
	q := w.request("generate image", map[string]any{"prompt": "a ring", "provider": "OPENAI"})
	q.Confirmed = false
	require.True(t, w.runner.Do(t.Context(), q).OK)
	spent = 5
	a := w.runner.Do(t.Context(), q)
	require.True(t, a.NeedsConfirm)
	require.Contains(t, a.Question, "5 generations")
}

// TestF33_OneCommandDeliveredFiveTimesRunsOnce is the core of the fault; the platforms' doors have their own.
func TestF33_OneCommandDeliveredFiveTimesRunsOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var wg sync.WaitGroup
	var mu sync.Mutex
	var answers []command.Answer
	for i := range 20 {
		for range 5 {
			wg.Go(func() {
				q := w.request("post create", map[string]any{"text": fmt.Sprintf("number %d", i)})
				q.ID, q.Principal.User = fmt.Sprintf("i%d", i), fmt.Sprintf("U%d", i)
				a := w.runner.Do(t.Context(), q)
				mu.Lock()
				defer mu.Unlock()
				answers = append(answers, a)
			})
		}
	}
	wg.Wait()
	require.Len(t, w.writes("POST /api/posts"), 20)
	for _, a := range answers {
		require.True(t, a.OK || a.Running, "%v", a.Problem)
	}
	q := w.request("post create", map[string]any{"text": "number 3"})
	q.ID, q.Principal.User = "i3", "U3"
	a := w.runner.Do(t.Context(), q)
	require.True(t, a.OK)
	require.True(t, a.Repeat)
	require.Equal(t, "Posted as @orbit_bot.", a.Reply.Text)
	require.Len(t, a.Reply.Messages, 1, "the stored answer is whole")
	require.Len(t, w.writes("POST /api/posts"), 20)
}

// writes are the calls of one kind that arrived.
func (w *world) writes(call string) []sandbox.Entry {
	return slices.DeleteFunc(w.box.Journal(), func(e sandbox.Entry) bool { return sandboxRoute(e.Method+" "+e.Route) != sandboxRoute(call) })
}

func TestAnIdIsItsPersonsOwn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	q := w.request("dm start", map[string]any{"handle": w.other(), "text": "for your eyes"})
	q.ID = "i1"
	require.True(t, w.runner.Do(t.Context(), q).OK)
	q.Principal.User = "U2"
	a := w.runner.Do(t.Context(), q)
	require.Equal(t, "id_taken", a.Problem.Status)
	require.Empty(t, a.Reply.Messages)
}

// lies are the ways in which the API does the work and hides that it did.
func lies() []sandbox.Rule {
	return []sandbox.Rule{
		{Fault: sandbox.FaultStatus, Effect: true},
		{Fault: sandbox.FaultCloseAfterEffect},
		{Fault: sandbox.FaultCloseWithin},
		{Fault: sandbox.FaultHangAfterEffect},
		{Fault: sandbox.FaultTruncated},
		{Fault: sandbox.FaultEmptyBody},
	}
}

// TestF37_ThePostThatMayHaveHappenedIsNotMadeTwice: the API answers 500, hangs or cuts the line, but did the work.
func TestF37_ThePostThatMayHaveHappenedIsNotMadeTwice(t *testing.T) {
	t.Parallel()
	for _, rule := range lies() {
		t.Run(string(rule.Fault), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				rule.Method, rule.Path, rule.Count = "POST", "/api/posts", 8
				hit := w.box.Inject(rule)
				for i := range 8 {
					q := w.request("post create", map[string]any{"text": fmt.Sprintf("only once %d", i)})
					q.ID = fmt.Sprintf("i%d", i)
					a := w.runner.Do(t.Context(), q)
					require.True(t, a.OK, "%v", a.Problem)
					require.Len(t, a.Reply.Messages, 1)
					require.Equal(t, command.Done, w.records.get(q.ID).State)
				}
				require.Equal(t, 8, hit.Hits())
				require.Len(t, w.writes("POST /api/posts"), 8)
				require.Empty(t, w.box.Violations())
			})
		})
	}
}

// TestF37_WhatNobodyCanTellIsUnknown: nothing is found, so the person decides.
func TestF37_WhatNobodyCanTellIsUnknown(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.box.Inject(sandbox.Rule{Fault: sandbox.FaultCloseBefore, Method: "POST", Path: "/api/posts", Count: 1})
		q := w.request("post create", map[string]any{"text": "did I?"})
		q.ID = "i1"
		a := w.runner.Do(t.Context(), q)
		require.False(t, a.OK)
		require.True(t, a.Problem.Unknown)
		require.Equal(t, "I can't tell whether this was posted. [Look] [Post again]", sentence(a.Problem))
		require.Equal(t, "did I?", a.Problem.Buttons[1].Args["text"])
		require.Equal(t, command.Unknown, w.records.get("i1").State)
		require.Equal(t, "unknown", w.entries[0].Outcome)
		again := w.runner.Do(t.Context(), q)
		require.True(t, again.Problem.Unknown)
		require.True(t, again.Repeat)
		require.Len(t, w.writes("POST /api/posts"), 1)
	})
}

// TestLikesAndFollowsAreSimplyDoneAgain: twice is the same as once.
func TestLikesAndFollowsAreSimplyDoneAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		post := otherPost(w)
		w.box.Inject(sandbox.Rule{Fault: sandbox.FaultCloseAfterEffect, Method: "POST", Path: "/api/posts/{id}/like", Count: 4})
		a := w.try("post like", map[string]any{"post": post})
		require.True(t, a.OK, "%v", a.Problem)
	})
}

// TestAGenerationIsNeverRepeated: it costs money.
func TestAGenerationIsNeverRepeated(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		connect("OPENAI")(w)
		w.box.Inject(sandbox.Rule{Fault: sandbox.FaultCloseBefore, Method: "POST", Path: "/api/generate", Count: 1})
		a := w.try("generate image", map[string]any{"prompt": "a lost ring", "provider": "OPENAI"})
		require.True(t, a.Problem.Unknown)
		require.Len(t, w.writes("POST /api/generate"), 1)
		w.box.Inject(sandbox.Rule{Fault: sandbox.FaultCloseAfterEffect, Method: "POST", Path: "/api/generate", Count: 1})
		a = w.try("generate image", map[string]any{"prompt": "a found ring", "provider": "OPENAI"})
		require.True(t, a.OK, "found by looking: %v", a.Problem)
		require.NotEmpty(t, a.Reply.Job)
		require.Len(t, w.writes("POST /api/generate"), 2)
	})
}

// TestEveryUncertainCreateIsFoundAgain drives each row that can be settled by looking.
func TestEveryUncertainCreateIsFoundAgain(t *testing.T) {
	t.Parallel()
	rows := drives()
	for _, s := range command.Table() {
		if s.Look == nil {
			continue
		}
		t.Run(s.Name(), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				row := rows[s.Name()]
				values := row.set(w)
				for name := range values {
					if !hasArg(s.Args, name) {
						delete(values, name)
					}
				}
				method, path, _ := strings.Cut(s.Calls[0], " ")
				w.box.Inject(sandbox.Rule{Fault: sandbox.FaultCloseAfterEffect, Method: method, Path: placeholder.ReplaceAllString(path, "*"), Count: 1})
				before := len(w.writes(s.Calls[0]))
				q := w.request(s.Name(), values)
				q.Files, q.ID = row.files, "i1"
				a := w.runner.Do(t.Context(), q)
				require.True(t, a.OK, "%v", a.Problem)
				require.Len(t, w.writes(s.Calls[0]), before+1, "done once")
			})
		})
	}
}

// TestF36_ACommandThatWasCutOffEndsTold kills the owner in each state of a record.
func TestF36_ACommandThatWasCutOffEndsTold(t *testing.T) {
	t.Parallel()
	text := map[string]any{"text": "before the crash"}
	for name, tc := range map[string]struct {
		state    command.State
		skipped  bool
		verb     string
		values   map[string]any
		happened bool // the call had gone through
		want     command.State
		posts    int
	}{
		"recorded, not begun":                  {command.Recorded, false, "post create", text, false, command.Done, 1},
		"running, and it had happened":         {command.Running, false, "post create", text, true, command.Done, 1},
		"running, and it had not":              {command.Running, false, "post create", text, false, command.Unknown, 0},
		"recorded with files that are gone":    {command.Recorded, true, "post create", text, false, command.Failed, 0},
		"running with files that are gone":     {command.Running, true, "post create", text, true, command.Done, 1},
		"running a like, which does no harm":   {command.Running, false, "notify mark-read", map[string]any{"all": true}, false, command.Done, 0},
		"running with a key that is not kept":  {command.Running, true, "service connect", map[string]any{"provider": "OPENAI"}, false, command.Unknown, 0},
		"running a generation, which costs":    {command.Running, false, "generate image", map[string]any{"prompt": "x", "provider": "OPENAI"}, false, command.Unknown, 0},
		"recorded for a person without rights": {command.Recorded, false, "post create", nil, false, command.Failed, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				q := w.request(tc.verb, tc.values)
				q.ID, q.Back = "i1", json.RawMessage(`{"token":"t"}`)
				if tc.values == nil {
					q.Values, q.Principal.Manages = text, false
				}
				rec, _, err := w.records.Create(t.Context(), command.Record{ID: q.ID, State: tc.state, Request: q, At: time.Now(), Since: time.Now(), Owner: "killed", Skipped: tc.skipped})
				require.NoError(t, err)
				if tc.happened {
					_, err := w.apis[w.me].CreatePost(t.Context(), imagine.NewPost{Content: "before the crash"})
					require.NoError(t, err)
				}
				var told []command.Request
				var answers []command.Answer
				require.NoError(t, w.runner.Recover(t.Context(), func(q command.Request, a command.Answer) { told, answers = append(told, q), append(answers, a) }))
				require.Len(t, told, 1)
				require.JSONEq(t, `{"token":"t"}`, string(told[0].Back))
				got := w.records.get(rec.ID)
				require.Equal(t, tc.want, got.State, "%+v", answers[0])
				require.Nil(t, got.Request.Values, "an ended record keeps no words")
				require.Len(t, w.writes("POST /api/posts"), tc.posts)
				require.Empty(t, w.writes("POST /api/generate"))
				require.NoError(t, w.runner.Recover(t.Context(), func(command.Request, command.Answer) { t.Error("told twice") }))
			})
		})
	}
}

func TestAnotherProcessAtWorkIsLeftAlone(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(o *command.RunnerOptions) { o.Alive = func(owner string) bool { return owner == "two" } })
	q := w.request("post create", map[string]any{"text": "theirs"})
	q.ID = "i1"
	_, _, err := w.records.Create(t.Context(), command.Record{ID: q.ID, State: command.Running, Request: q, Owner: "two"})
	require.NoError(t, err)
	require.True(t, w.runner.Do(t.Context(), q).Running)
	require.NoError(t, w.runner.Recover(t.Context(), func(command.Request, command.Answer) { t.Error("settled what runs") }))
	require.Empty(t, w.writes("POST /api/posts"))
}

func TestNothingRunsThatCouldNotBeNoted(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.records.broke = errors.New("nats: no responders")
	q := w.request("post create", map[string]any{"text": "lost"})
	q.ID = "i1"
	err := w.runner.Accept(t.Context(), q)
	p, ok := errors.AsType[*command.Problem](err)
	require.True(t, ok)
	require.Equal(t, "not_recorded", p.Status)
	require.Equal(t, "not_recorded", w.runner.Do(t.Context(), q).Problem.Status)
	require.Empty(t, w.writes("POST /api/posts"))
	q.Group, q.Verb, q.Values = "feed", "home", nil
	require.NoError(t, w.runner.Accept(t.Context(), q), "reading needs no note")
	require.True(t, w.runner.Do(t.Context(), q).OK)
}

func TestAcceptedCommandsRunFromTheirRecord(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	q := w.request("post create", map[string]any{"text": "noted first"})
	q.ID = "i1"
	require.NoError(t, w.runner.Accept(t.Context(), q))
	require.Equal(t, command.Recorded, w.records.get("i1").State)
	require.NoError(t, w.runner.Accept(t.Context(), q), "a redelivery is no error")
	a := w.runner.Do(t.Context(), q)
	require.True(t, a.OK)
	require.False(t, a.Repeat)
	require.Len(t, w.writes("POST /api/posts"), 1)
}

func TestSecretsAreInNoRecordAndNoAudit(t *testing.T) {
	t.Parallel()
	const key = "sk-canary-0123456789abcdef"
	w := newWorld(t)
	q := w.request("service connect", map[string]any{"provider": "OPENAI", "key": key})
	q.ID = "i1"
	require.NoError(t, w.runner.Accept(t.Context(), q))
	a := w.runner.Do(t.Context(), q)
	require.True(t, a.OK, "%v", a.Problem)
	for what, v := range map[string]any{"answer": a, "audit": w.entries, "records": w.records.list} {
		data, err := json.Marshal(v)
		require.NoError(t, err)
		require.NotContains(t, string(data), key, what)
	}
	q.Values = map[string]any{"provider": "OPENAI", "key": key}
	q.Open, q.ID = true, "i2"
	a = w.runner.Do(t.Context(), q)
	require.Equal(t, "secret_in_open", a.Problem.Status)
	data, err := json.Marshal(a)
	require.NoError(t, err)
	require.NotContains(t, string(data), key)
	require.Len(t, w.writes("POST /api/settings/services"), 1)
}

// TestPrivateAnswersLeaveNoWordsInTheLedger: direct messages and payment links are kept nowhere.
func TestPrivateAnswersLeaveNoWordsInTheLedger(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	q := w.request("dm start", map[string]any{"handle": w.other(), "text": "between us"})
	q.ID = "i1"
	require.True(t, w.runner.Do(t.Context(), q).OK)
	data, err := json.Marshal(w.records.list)
	require.NoError(t, err)
	require.NotContains(t, string(data), "between us")
	data, err = json.Marshal(w.entries)
	require.NoError(t, err)
	require.NotContains(t, string(data), "between us")
	again := w.runner.Do(t.Context(), q)
	require.True(t, again.Repeat)
	require.Equal(t, "The message to @lumen_lab is sent.", again.Reply.Text)
}

func TestAPanicIsAnAnswer(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	q := w.request("media image", nil)
	q.Files = map[string][]command.File{"file": {{Name: "a.gif", ContentType: "image/gif"}}} // a door that forgot Open
	q.ID = "i1"
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		a := w.runner.Do(t.Context(), q)
		require.NotNil(t, a.Problem)
		require.True(t, a.Problem.Unknown, "nobody can tell what a panic left behind")
		require.Equal(t, command.Unknown, w.records.get("i1").State)
	})
}

func TestADoorsDefectIsAnAnswerToo(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(o *command.RunnerOptions) {
		o.Access = func(command.Principal, string) command.Lists { panic("secret words") }
	})
	a := w.try("feed home", nil)
	require.Equal(t, "internal", a.Problem.Status)
	require.NotContains(t, a.Problem.Error(), "secret words")

	w = newWorld(t)
	q := w.request("post create", map[string]any{"text": "with a file"})
	q.Files = map[string][]command.File{"files": {picture()}}
	q.Tell = func(command.Reply) { panic("closed channel") }
	require.True(t, w.runner.Do(t.Context(), q).OK, "progress that can't be shown stops nothing")
}

func TestAPersonHearsOfAPause(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.box.Inject(sandbox.Rule{Fault: sandbox.FaultLimited, Wait: 23 * time.Second, Method: "POST", Path: "/api/posts", Count: 1})
		var told []string
		q := w.request("post create", map[string]any{"text": "patience"})
		q.Tell = func(r command.Reply) { told = append(told, r.Text) }
		a := w.runner.Do(t.Context(), q)
		require.True(t, a.OK, "%v", a.Problem)
		require.Len(t, told, 1)
		words := regexp.MustCompile(` 2\d s;`).ReplaceAllString(told[0], " 23 s;") // at no time do all come back at once
		golden.Equal(t, "testdata/B46_while_it_waits.golden", []byte(words+"\n"+a.Reply.Text+"\n"))
	})
}

func TestOnePersonsFloodLetsOthersThrough(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.box.Inject(sandbox.Rule{Fault: sandbox.FaultDelay, Wait: 4 * time.Second, Method: "GET", Path: "/api/feed"})
		var wg sync.WaitGroup
		var mu sync.Mutex
		waited, refused := 0, 0
		for range 30 {
			wg.Go(func() {
				q := w.request("feed home", nil)
				q.Tell = func(command.Reply) { mu.Lock(); waited++; mu.Unlock() }
				if a := w.runner.Do(t.Context(), q); !a.OK {
					mu.Lock()
					refused++
					mu.Unlock()
				}
			})
		}
		synctest.Wait()
		start := time.Now()
		q := w.request("profile show", nil)
		q.Principal.User = "U2"
		require.True(t, w.runner.Do(t.Context(), q).OK)
		require.Less(t, time.Since(start), time.Second, "somebody else does not wait")
		wg.Wait()
		require.Equal(t, 5, refused, "5 run, 20 wait, the rest is told to come again")
		require.NotZero(t, waited)
	})
}

func TestAQueuedGenerationStartsWhenASlotIsFree(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		p := fourth(w)
		queue := p.Buttons[1]
		values := map[string]any{}
		for k, v := range queue.Args {
			values[k] = v
		}
		var told []string
		q := w.request(queue.Command, values)
		q.Tell = func(r command.Reply) { told = append(told, r.Text) }
		a := w.runner.Do(t.Context(), q)
		require.True(t, a.OK, "%v", a.Problem)
		require.NotEmpty(t, told)
		require.NotEmpty(t, a.Reply.Job)
	})
}

func TestALaterCommandSaysWhereItIsNotOffered(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.box.Inject(sandbox.Rule{Fault: sandbox.FaultSeedOnly})
	require.Equal(t, "Not read: this ImagineAnything server doesn't offer “dm unread” yet.", w.try("dm unread", nil).Problem.Error())
	require.Equal(t, "I can't find that post, or this server doesn't offer “post likes” yet.", w.try("post likes", map[string]any{"post": "p1"}).Problem.Error())
}

func TestAPostWithFilesUploadsThemFirst(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	q := w.request("post create", map[string]any{"text": "Two views"})
	q.Files = map[string][]command.File{"files": {picture(), picture()}}
	a := w.runner.Do(t.Context(), q)
	require.True(t, a.OK, "%v", a.Problem)
	require.Len(t, w.writes("POST /api/upload"), 2)
	require.Contains(t, w.writes("POST /api/posts")[0].Body, `"mediaType":"IMAGE"`)
	require.Len(t, a.Reply.Messages[0].Media, 2)
}

func TestAFailedUploadIsNoDoubtAboutThePost(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.box.Inject(sandbox.Rule{Fault: sandbox.FaultCloseAfterEffect, Method: "POST", Path: "/api/upload"})
		q := w.request("post create", map[string]any{"text": "Two views"})
		q.Files = map[string][]command.File{"files": {picture()}}
		a := w.runner.Do(t.Context(), q)
		require.False(t, a.Problem.Unknown)
		require.Contains(t, a.Problem.Message, "Not posted")
		require.Empty(t, w.writes("POST /api/posts"))
	})
}
