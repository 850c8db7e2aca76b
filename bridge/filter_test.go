package bridge_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/events"
)

func TestFilterLetsThroughWhatItSays(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		filter, kind string
		want         bool
	}{
		"a field":                      {"data.actor.verified", "notification.like", true},
		"its opposite":                 {"not data.actor.verified", "notification.like", false},
		"agent and family":             {`agent == "orbit_bot" and family == "notification"`, "notification.like", true},
		"type":                         {`type in ["comment", "reply"]`, "notification.like", false},
		"a number":                     {"data.post.likeCount >= 3", "notification.like", true},
		"a list":                       {`any(data.post.hashtags, # == "orbit")`, "notification.like", true},
		"a list that is absent":        {`"x" in data.post.mentions`, "notification.like", false},
		"a text that is absent":        {`data.post.mediaType == "" or data.comment.content contains "x"`, "notification.mention", false},
		"an object that is absent":     {`data.comment.content contains "heavy"`, "notification.mention", false},
		"a nested post":                {`data.post.repostOf.id != ""`, "notification.quote", true},
		"a time":                       {`time > date("2026-01-01")`, "notification.like", true},
		"a field that this kind lacks": {"data.actor.verified", "generation.completed", true},
		"judged before the lack":       {`family == "notification" and data.actor.verified`, "generation.completed", false},
		"a scalar that it lacks":       {`data.read == true`, "generation.completed", true},
		"brackets":                     {`data["actor"]["handle"] startsWith "nova"`, "notification.like", true},
		"a bound name":                 {`let p = data.post; p.likeCount > 100`, "notification.like", false},
		"a pattern":                    {`data.post.content matches "(?i)DOCKING"`, "notification.like", true},
		"raw JSON as text":             {`data.raw contains "cmln9"`, "notification.other", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f, err := bridge.CompileFilter(tc.filter, []string{"*"})
			require.NoError(t, err)
			through, err := f.Match(example(t, tc.kind))
			require.NoError(t, err)
			require.Equal(t, tc.want, through)
		})
	}
}

func TestFilterErrorsAreSentences(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ filter, patterns, want string }{
		"B14":               {"data.actor.verfied ==", "*", `column 23: a value is missing after "==".`},
		"B15":               {"data.actor.verfied", "message.received", `"data.actor.verfied" does not exist for message.received; did you mean "verified"?`},
		"unknown in middle": {"data.actr.verified", "notification.*", `"data.actr" does not exist for notification.*; did you mean "actor"?`},
		"unknown at top":    {`agnt == "x"`, "*", `"agnt" does not exist for *; did you mean "agent"?`},
		"nothing near":      {`data.zzzzzzzzzzzz`, "message.sent", `"data.zzzzzzzzzzzz" does not exist for message.sent; there are actor, conversation, message.`},
		"not of this kind":  {`data.job.status == "x"`, "message.*, notification.like", `"data.job" does not exist for message.*, notification.like; there are actor, conversation, message, post, read.`},
		"empty":             {"", "*", "the filter is empty; leave it out to let everything through."},
		"a text":            {"agent", "*", "a filter is true or false; this one is a text."},
		"an object":         {"data.actor", "notification.like", "a filter is true or false; this one is an object."},
		"types":             {"data.actor.verified == 3", "*", `column 21: "==" does not go with true or false and a number.`},
		"one equals sign":   {`agent = "x"`, "*", `column 7: "=" is not a comparison; write "==".`},
		"open quote":        {`agent == "x`, "*", "column 12: a closing quote is missing."},
		"open bracket":      {`(agent == "x"`, "*", `column 15: a closing ")" is missing.`},
		"regular expression": {
			`agent matches "["`, "*", "column 7: not a regular expression: missing closing ]: `[`.",
		},
		"a range":        {"any(1..1000000, true)", "*", `a range ("..") is not for filters.`},
		"nested loops":   {"any(data.post.hashtags, any(data.post.mentions, true))", "*", "a loop inside a loop is not for filters."},
		"the clock":      {"now() > time", "*", `"now" is not for filters.`},
		"the back door":  {`$env["data"].actor.verified`, "*", `"$env" is not for filters; name the field itself.`},
		"second line":    {"agent == 'x' and\n  data.actor.verified == ", "*", `line 2, column 26: a value is missing after "==".`},
		"far too long":   {strings.Repeat(" ", 2001), "*", "the filter has 2001 bytes of at most 2000."},
		"own function":   {`__field(data, "actor")`, "*", `"__field" does not exist for *; there are agent, data, family, id, source, subject, time, type.`},
		"unknown method": {`agent.foo()`, "*", "column 7: type string has no method foo."},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := bridge.CompileFilter(tc.filter, strings.Split(tc.patterns, ", "))
			require.EqualError(t, err, tc.want)
		})
	}
}

func TestFilterThatBreaksLetsTheEventThrough(t *testing.T) {
	t.Parallel()
	f, err := bridge.CompileFilter(`data.post.mediaUrls[7] == "x"`, []string{"*"})
	require.NoError(t, err)
	through, err := f.Match(example(t, "notification.like"))
	require.Error(t, err)
	require.True(t, through)
}

func TestSubscriptionMatches(t *testing.T) {
	t.Parallel()
	verified, err := bridge.CompileFilter("data.actor.verified", []string{"*"})
	require.NoError(t, err)
	for name, tc := range map[string]struct {
		subscription bridge.Subscription
		want         bool
	}{
		"everything":         {bridge.Subscription{Agents: []string{"*"}, Events: []string{"*"}}, true},
		"no agents are all":  {bridge.Subscription{Events: []string{"*"}}, true},
		"this agent":         {bridge.Subscription{Agents: []string{"luna", "Orbit_Bot"}, Events: []string{"*"}}, true},
		"another agent":      {bridge.Subscription{Agents: []string{"luna"}, Events: []string{"*"}}, false},
		"its family":         {bridge.Subscription{Events: []string{"notification.*"}}, true},
		"its type":           {bridge.Subscription{Events: []string{"message.sent", "notification.like"}}, true},
		"another type":       {bridge.Subscription{Events: []string{"notification.follow"}}, false},
		"no events are none": {bridge.Subscription{}, false},
		"a filter":           {bridge.Subscription{Events: []string{"*"}, Filter: verified}, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, tc.want, tc.subscription.Matches(example(t, "notification.like")))
		})
	}
}

func FuzzCompileFilter(f *testing.F) {
	for _, seed := range []string{
		"data.actor.verified", `agent == "x" and len(data.post.hashtags) > 0`, "data.actor.verfied ==", "any(data.post.hashtags, # == 'x')",
		"let x = data; x.actor?.verified ?? false", "{a: 1}.a == 1", "[1,2][0] > date('x')", "if agent == 'a' { true } else { false }",
		"1..2", "$env", "data[agent]", "-data.post.likeCount ** 9 > 1e308", "`raw` in [agent]", "agent | upper() == 'X'", "data.post.repostOf.repostOf",
	} {
		f.Add(seed)
	}
	var seen []events.Event
	for k := range events.Kinds() {
		seen = append(seen, eventOf(k))
	}
	f.Fuzz(func(t *testing.T, text string) {
		filter, err := bridge.CompileFilter(text, []string{"*"})
		if err != nil {
			require.NotEmpty(t, err.Error())
			return
		}
		for _, e := range seen {
			through, err := filter.Match(e)
			require.True(t, through || err == nil, "an event is lost to %v", err)
		}
	})
}
