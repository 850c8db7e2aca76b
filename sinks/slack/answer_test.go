package slack

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/bridge/command"
	"github.com/imaginebridge/imaginebridge/internal/fakeslack"
)

// F38: an answer that comes too late for its address, or too often, comes another
// way, and one for a single person never to all.
func TestF38_LateAnswersFindAnotherWay(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		late    time.Duration
		uses    int
		gone    bool
		private bool
		direct  bool // in the conversation with the app
		method  string
	}{
		"in time, private":            {private: true},
		"late, private":               {late: 26 * time.Minute, private: true, method: methodEphemeral},
		"used up, private":            {uses: respondUses, private: true, method: methodEphemeral},
		"late, private, channel gone": {late: 26 * time.Minute, private: true, gone: true, direct: true, method: methodPost},
		"late, public":                {late: 26 * time.Minute, method: methodPost},
		"late, public, channel gone":  {late: 26 * time.Minute, gone: true, direct: true, method: methodPost},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := openDoor(t, "http", fine, nil)
			r, err := d.fake.Slash(d.ann, d.channel, "/ia stats")
			require.NoError(t, err)
			d.seen(d.channel, 0)
			where := d.channel
			if tc.gone {
				d.fake.Archive(d.channel, true)
			}
			if tc.direct {
				where = d.team.DM(d.ann)
			}
			out := d.sink.answering(back{Team: d.team.ID, Channel: d.channel, User: d.ann, Respond: r.ResponseURL, At: time.Now().Add(-tc.late)})
			out.uses = tc.uses
			out.finish(t.Context(), command.Answer{OK: true, Private: tc.private, Reply: command.Reply{Text: "The answer."}})
			all := d.fake.Messages(where)
			last := all[len(all)-1]
			require.Equal(t, "The answer.", last.Text)
			if !tc.direct {
				require.Equal(t, tc.private, last.Ephemeral == d.ann)
			}
			if tc.method != "" {
				require.NotEmpty(t, d.fake.Requests(tc.method))
			}
			if tc.private && tc.direct {
				for _, m := range d.fake.Messages(d.channel) {
					require.NotEqual(t, "The answer.", m.Text)
				}
			}
		})
	}
}

// Words go to no address but Slack's.
func TestAnswersGoToSlackAlone(t *testing.T) {
	t.Parallel()
	d := openDoor(t, "http", fine, nil)
	for address, want := range map[string]bool{
		"https://hooks.slack.com/commands/T1/1/x": true, d.fake.URL() + "/commands/T1/x": true, "http://hooks.slack.com/commands/T1/1/x": false,
		"https://hooks.slack.com.evil.example/x": false, "https://user@hooks.slack.com/x": false, "https://evil.example/hooks.slack.com": false, "": false,
		"http://169.254.169.254/latest": false, "https://hooks.slack.com:8443/x": false,
	} {
		require.Equal(t, want, d.sink.web.respondable(address), address)
	}
}

// S5: the answer to what another process began reaches the person.
func TestS5_AnswersOutliveTheProcess(t *testing.T) {
	t.Parallel()
	d := openDoor(t, "http", fine, nil)
	d.slash("/ia post Docking ring done")
	d.seen(d.channel, 0)
	q := d.hands.effects()[0]
	require.NotEmpty(t, q.Back)
	next := d.newSink("http", nil)
	next.Answer(t.Context(), q, command.Answer{Private: true, Problem: &command.Problem{
		Code: 504, Unknown: true, Message: "I can't tell whether this was posted.",
		Buttons: []bridge.Action{{Label: "Post again", Command: "post create", Args: map[string]string{"text": "Docking ring done"}}},
	}})
	m := d.seen(d.channel, 1)
	require.Equal(t, d.ann, m.Ephemeral)
	require.Contains(t, d.fake.Screen(d.channel), "[Post again]")
	next.Answer(t.Context(), command.Request{Door: command.Discord, Back: q.Back}, command.Answer{OK: true})
	require.Len(t, d.fake.Messages(d.channel), 2)
	d.clean()
}

// A generation is one message from its first word to its end.
func TestAGenerationIsOneLiveMessage(t *testing.T) {
	t.Parallel()
	bothDoors(t, func(t *testing.T, door string) {
		state := func(title string, tone bridge.Tone) bridge.Message {
			return bridge.Message{Event: "generation.progressed", Title: title, Tone: tone, UpdateKey: "job:j1"}
		}
		d := openDoor(t, door, func(q command.Request) command.Answer {
			q.Tell(command.Reply{Text: "Three generations are running; this one waits."})
			return command.Answer{OK: true, Reply: command.Reply{Text: "Started.", Job: "j1", Messages: []bridge.Message{state("Image started", bridge.ToneBusy)}}}
		}, func(o *Options) {
			o.Follow = func(_ context.Context, agent, job string, show func(bridge.Localized)) {
				always := func(m bridge.Message) bridge.Localized { return func(string) bridge.Message { return m } }
				show(always(state(agent+" "+job+" generating", bridge.ToneBusy)))
				show(always(state("Image done", bridge.ToneGood)))
			}
		})
		d.slash("/ia image a city at night agent:orbit_bot")
		d.until(func() bool { return strings.Contains(d.fake.Screen(d.channel), "Image done") })
		require.Len(t, d.fake.Messages(d.channel), 1)
		require.Equal(t, 4, 1+d.fake.Messages(d.channel)[0].Edits, "waiting, started, generating, done")
		d.clean()
	})
}

// S16: nothing in an answer pings, links or formats.
func TestS16_AnswersAreInert(t *testing.T) {
	t.Parallel()
	evil := "<!channel> <@U1> &lt; *x* [label](https://e.example) @here \u202egnp.exe"
	d := openDoor(t, "http", func(command.Request) command.Answer {
		return command.Answer{OK: true, Reply: command.Reply{Text: evil}}
	}, nil)
	d.slash("/ia stats")
	m := d.seen(d.channel, 0)
	require.Empty(t, m.Mentions())
	for _, l := range m.Links() {
		require.Equal(t, l.URL, l.Label)
	}
	require.Empty(t, m.Formats())
	require.NotContains(t, m.Text, "\u202e")
	for n := range 30 {
		cards := make([]bridge.Message, n)
		for i := range cards {
			cards[i] = bridge.Message{Event: "post.published", Author: &bridge.Author{Name: evil, Handle: "nova"}, Text: strings.Repeat(evil, 100), Footnote: evil}
		}
		for _, draft := range draftsOf(command.Answer{OK: true, Group: "feed", Verb: "home", Reply: command.Reply{Text: evil, Messages: cards, More: map[string]string{"cursor": "c"}}}) {
			require.Empty(t, fakeslack.ValidateMessage(plainWire(t, draft.body(binder{on: true, kept: map[string][]byte{}}, full))), n)
		}
	}
	d.clean()
}

// plainWire is a message without metadata as Slack gets it.
func plainWire(t *testing.T, b body) []byte {
	t.Helper()
	raw, err := json.Marshal(map[string]any{"text": b.text, "blocks": b.blocks})
	require.NoError(t, err)
	return raw
}
