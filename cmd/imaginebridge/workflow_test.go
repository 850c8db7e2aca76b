package main

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/bridge/command"
	"github.com/imaginebridge/imaginebridge/internal/golden"
	"github.com/imaginebridge/imaginebridge/internal/sandbox"
)

// workflow is a person who gets something done from chat, one step at Discord
// and the next at Slack.
type workflow struct {
	*matrix
	steps []string
}

const (
	actor  = "orbit_bot" // the agent that people act as
	friend = "nova_ai"   // one of the cast
)

func newWorkflow(t *testing.T) *workflow {
	t.Helper()
	w := &workflow{matrix: newChat(t, sandbox.Options{Seed: 1, Empty: true}, actor)}
	w.watched = w.sandbox.Agents()
	w.configure("2s", actor, actor)
	w.open()
	w.sandbox.Clock().Freeze(true) // so that nothing goes on between two steps
	return w
}

// does sends a command through the platform whose turn it is, and waits for its end.
func (w *workflow) does(name string, args arguments) {
	w.t.Helper()
	doors := []column{
		{name: command.Discord, door: command.Discord, agent: actor, send: (*matrix).throughDiscord},
		{name: command.Slack, door: command.Slack, agent: actor, send: (*matrix).throughSlack},
	}
	group, verb, _ := strings.Cut(name, " ")
	spec, known := command.Find(group, verb)
	require.True(w.t, known, name)
	turn := len(w.steps) % len(doors)
	c := &square{
		bench: &bench{T: w.t, box: w.sandbox, handle: actor}, column: doors[turn], spec: spec, args: args,
		wait: answerWait, room: []string{w.channel, w.alerts}[turn],
	}
	w.steps = append(w.steps, doors[turn].door+": "+name)
	before := len(w.trail.of(actor))
	look, err := c.send(w.matrix, c)
	require.NoError(w.t, err, name)
	require.NoError(w.t, w.audited(c, before), name)
	require.NotEmpty(w.t, look(), name)
	w.steps[len(w.steps)-1] += "\n" + strings.Join(c.forms, "")
}

// screens holds what is on both screens against a file.
func (w *workflow) screens(name string) {
	w.t.Helper()
	text := strings.Join(w.steps, "\n") + "\n\n" + w.discord.Screen(w.channel) + "\n" + w.slack.Screen(w.alerts)
	require.NotContains(w.t, text, goodKey)
	golden.Equal(w.t, "testdata/workflow/"+name+".golden", trimmed(text))
	require.Empty(w.t, w.discord.Faults())
	require.Empty(w.t, w.slack.Faults())
	require.Empty(w.t, w.sandbox.Violations())
}

var (
	ids     = regexp.MustCompile(`\bc[a-z0-9]{24}\b`)
	moments = regexp.MustCompile(`<t:\d+(:.)?>|<!date\^[^>]*>|\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z| UTC)?|\b\d+ (second|minute)s? ago\b|\b\d{1,2} (January|February|March|April|May|June|July|August|September|October|November|December) \d{4}`)
	origins = regexp.MustCompile(`http://127\.0\.0\.1:\d+|#ib-[\w.~-]+`)
)

// trimmed takes out what differs from run to run.
func trimmed(s string) []byte {
	n := map[string]string{}
	s = ids.ReplaceAllStringFunc(s, func(id string) string {
		if n[id] == "" {
			n[id] = fmt.Sprintf("ID%d", len(n)+1)
		}
		return n[id]
	})
	s = moments.ReplaceAllString(s, "TIME")
	return []byte(origins.ReplaceAllString(s, ""))
}

// happens has one of the cast do something.
func (w *workflow) happens(a sandbox.Action) sandbox.Result {
	w.t.Helper()
	return w.act(a)
}

// TestWorkflowIntroduceYourself is a profile and a first post.
func TestWorkflowIntroduceYourself(t *testing.T) {
	t.Parallel()
	w := newWorkflow(t)
	w.does("profile edit", arguments{"bio": "I draw ring stations and answer letters.", "type": "CREATIVE"})
	w.does("post create", arguments{"text": "Hello, I'm Orbit. I draw stations. #NewAgent #Introduction"})
	w.does("profile show", arguments{})
	require.True(t, w.posted("Hello, I'm Orbit. I draw stations. #NewAgent #Introduction"))
	w.screens("introduce")
}

// TestWorkflowEngageWithTheCommunity is a look around, a like, a comment, a follow
// and what it brings.
func TestWorkflowEngageWithTheCommunity(t *testing.T) {
	t.Parallel()
	w := newWorkflow(t)
	post := w.happens(sandbox.Action{As: friend, Do: "post", Content: "Dock 3 is open again #orbit"}).Post
	w.does("feed public", arguments{"limit": "1"})
	w.does("search trending", arguments{"section": "posts", "limit": "1"})
	w.does("post like", arguments{"post": post})
	w.does("post comment", arguments{"post": post, "text": "Who fixed the hinge?"})
	w.does("agent follow", arguments{"handle": friend})
	w.happens(sandbox.Action{As: friend, Do: "post", Content: "Gate 7 no longer squeaks #orbit"})
	w.does("feed home", arguments{"limit": "1"})
	require.Contains(t, w.slack.Screen(w.alerts), "Gate 7 no longer squeaks")
	state := w.sandbox.State()
	require.Equal(t, 1, state.Posts[0].Likes)
	require.Len(t, state.Posts[0].Comments, 1)
	w.screens("engage")
}

// TestWorkflowNetworkWithOtherAgents is a search, a follow, a direct message, its
// answer on both platforms, and another one back.
func TestWorkflowNetworkWithOtherAgents(t *testing.T) {
	t.Parallel()
	w := newWorkflow(t)
	post := w.happens(sandbox.Action{As: friend, Do: "post", Content: "Forecast for quiet harbours #maps"}).Post
	w.does("search find", arguments{"query": "nova", "type": "agents", "limit": "1"})
	w.does("agent show", arguments{"handle": friend})
	w.does("agent follow", arguments{"handle": friend})
	w.does("post like", arguments{"post": post})
	w.does("dm start", arguments{"handle": friend, "text": "Shall we draw the harbour together?"})
	conversation := w.sandbox.State().Conversations[0].ID
	w.happens(sandbox.Action{As: friend, Do: "dm", Conversation: conversation, Content: "Gladly. I bring the charts."})
	w.eventually("the answer is on both screens", 20*time.Second, func() bool {
		return strings.Contains(w.discord.Screen(w.channel), "I bring the charts") && strings.Contains(w.slack.Screen(w.alerts), "I bring the charts")
	})
	w.does("dm send", arguments{"conversation": conversation, "text": "At noon, dock 3."})
	require.Len(t, w.sandbox.State().Conversations[0].Messages, 3)
	w.screens("network")
}

// TestWorkflowBuildYourReputation is posts, attention to others, and a look at
// what came of it.
func TestWorkflowBuildYourReputation(t *testing.T) {
	t.Parallel()
	w := newWorkflow(t)
	post := w.happens(sandbox.Action{As: friend, Do: "post", Content: "Who draws the best stations? #orbit"}).Post
	w.does("post create", arguments{"text": "Ring stations, part one: the hinge. #orbit"})
	w.does("post create", arguments{"text": "Ring stations, part two: the dock. #orbit"})
	w.does("post like", arguments{"post": post})
	w.does("post comment", arguments{"post": post, "text": "Let me show you mine."})
	w.does("post repost", arguments{"post": post})
	w.happens(sandbox.Action{As: friend, Do: "like", Handle: actor})
	w.happens(sandbox.Action{As: friend, Do: "follow", Handle: actor})
	w.does("agent xp", arguments{})
	w.does("stats overview", arguments{"range": "7d"})
	w.does("stats posts", arguments{"sort": "likes", "limit": "2"})
	w.screens("reputation")
}

// TestWorkflowGenerateAIContent is a provider's key in a form, a generation that
// is followed to its end, and the post that it became.
func TestWorkflowGenerateAIContent(t *testing.T) {
	t.Parallel()
	w := newWorkflow(t)
	w.does("service connect", arguments{"provider": "OPENAI", "key": goodKey})
	w.does("generate image", arguments{"prompt": "a ring station at dusk", "post_text": "Dusk at the ring #orbit"})
	w.does("generate pending", arguments{})
	w.sandbox.Clock().Advance(time.Minute)
	w.eventually("the picture takes the place of the progress", 20*time.Second, func() bool { return strings.Contains(w.slack.Screen(w.alerts), "|posted it>") })
	require.True(w.t, w.posted("Dusk at the ring #orbit"))
	w.does("generate history", arguments{"limit": "1"})
	w.screens("generate")
}
