//go:build bolt

// An independent check of the fake: Slack's own framework for JavaScript talks to it without noticing. It needs node and
// the framework: .ci/bolt installs it and runs this.

package fakeslack_test

import (
	"bufio"
	"encoding/json"
	"maps"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/internal/fakeslack"
)

func TestBolt(t *testing.T) {
	for _, mode := range []string{"socket", "http"} {
		t.Run(mode, func(t *testing.T) {
			h := live(t, "chat:write", "commands", "channels:history")
			port := h.bolt(t, mode)
			if mode == "http" {
				origin := "http://127.0.0.1:" + port + "/slack/"
				h.SetDeliver(fakeslack.Deliver{EventsURL: origin + "events", CommandsURL: origin + "commands", InteractionsURL: origin + "interactions"})
			}
			h.converse(t)
			require.Empty(t, h.Faults())
			h.refusals(t)
			h.tell(t, mode)
		})
	}
}

// bolt starts the app and returns the port of its HTTP doors.
func (h *house) bolt(t *testing.T, mode string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "node", "app.js")
	cmd.Dir = "testdata/bolt"
	cmd.Stderr = t.Output()
	cmd.Env = append(cmd.Environ(), "MODE="+mode, "FAKE_URL="+h.URL(), "BOT_TOKEN="+h.team.BotToken(), "APP_TOKEN="+h.AppToken(),
		"SIGNING_SECRET="+h.SigningSecret(), "CHANNEL="+h.ch, "PERSON="+h.team.Owner)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if port, ok := strings.CutPrefix(lines.Text(), "READY "); ok {
			return port
		}
	}
	require.FailNow(t, "the app did not start")
	return ""
}

// converse plays one of each thing a person can do.
func (h *house) converse(t *testing.T) {
	t.Helper()
	me := h.team.Owner
	seen := func(text string) { h.until(t, func() bool { return strings.Contains(h.Screen(h.ch), text) }) }
	_, err := h.Slash(me, h.ch, "/ia hello")
	require.NoError(t, err)
	seen("you typed hello")
	_, err = h.Slash(me, h.ch, "/ia form")
	require.NoError(t, err)
	h.until(t, func() bool { return h.Form(me) != "" })
	options, _, err := h.Query(me, "who", "")
	require.NoError(t, err)
	require.Equal(t, []fakeslack.Choice{{Text: "Ann", Value: "ann"}}, options)
	r, err := h.SubmitForm(me, map[string][]string{"who": {"ann"}, "text": {"bad"}})
	require.NoError(t, err)
	require.Equal(t, map[string]string{"text": "no"}, r.Errors)
	_, err = h.SubmitForm(me, map[string][]string{"text": {"good"}})
	require.NoError(t, err)
	seen("form: good")
	_, err = h.OpenHome(me)
	require.NoError(t, err)
	h.until(t, func() bool { return h.Home(me) != "" })
	other := h.team.AddChannel("other")
	_, got := h.call(t, "chat.postMessage", map[string]any{"channel": other, "text": "x", "blocks": json.RawMessage(card)})
	_, err = h.Click(me, other, got["ts"].(string), "Reply")
	require.NoError(t, err)
	h.until(t, func() bool { return strings.Contains(h.Screen(other), "pressed") })
	third := h.team.AddChannel("third")
	h.Say(me, third, "", "ping")
	h.until(t, func() bool { return strings.Contains(h.Screen(third), "pong") })
}

// refusals lets the app make wrong calls and compare the error names.
func (h *house) refusals(t *testing.T) {
	t.Helper()
	fourth := h.team.AddChannel("fourth")
	_, err := h.Slash(h.team.Owner, fourth, "/ia refusals")
	require.NoError(t, err)
	h.until(t, func() bool { return len(h.Messages(fourth)) == 1 })
	require.Equal(t, "all refused", h.Messages(fourth)[0].Text)
}

// tell prints what both sides said.
func (h *house) tell(t *testing.T, mode string) {
	t.Helper()
	delivered, called := map[string]int{}, map[string]int{}
	for _, a := range h.Deliveries() {
		require.True(t, a.Acked, a.Type)
		require.Zero(t, a.Retry, a.Type)
		require.Equal(t, mode, a.Door)
		delivered[a.Kind+" "+a.Type]++
	}
	for _, r := range h.Requests() {
		called[strings.TrimSpace(r.Method+" "+r.Error)]++
	}
	for what, counts := range map[string]map[string]int{"delivered and acknowledged": delivered, "called": called} {
		for _, name := range slices.Sorted(maps.Keys(counts)) {
			t.Logf("%s: %s %d×: %s", mode, what, counts[name], name)
		}
	}
	require.Len(t, h.Faults(), 6, "the refusals that were asked for, and nothing else")
	t.Logf("%s: no faults beside the refusals that were asked for", mode)
}
